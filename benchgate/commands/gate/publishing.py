"""What a report becomes beside the comment: summary, annotations, outputs.

None of it can change a verdict: what can't be published is said, and that is all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from benchgate import __version__
from benchgate.commands import complain
from benchgate.commands.compare import EXITS
from benchgate.errors import BenchgateError, ExitCode, PublishError
from benchgate.github import channels
from benchgate.github.channels import Annotation, Level
from benchgate.model import Outcome, Report, Verdict
from benchgate.render.markdown import NOT_JUDGED, render_problem, render_summary
from benchgate.render.remarks import remarks_on
from benchgate.render.text import PullRequest


def run_address() -> str:
    """Return the address of the run that we are part of, empty outside of one."""
    server = os.environ.get("GITHUB_SERVER_URL", "")
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    run = os.environ.get("GITHUB_RUN_ID", "")
    known = server and repository and run
    return f"{server}/{repository}/actions/runs/{run}" if known else ""


def say(report: Report, *, fails: bool, pull: PullRequest | None) -> None:
    """Write the summary of the job and its annotations; *fails* says how loud.

    *pull* is the pull request whose commits are compared, if it is one.
    """
    channels.annotate(
        [
            Annotation(
                Level.ERROR if fails and remark.slower else Level.WARNING,
                remark.title,
                remark.text,
            )
            for remark in remarks_on(report)
        ]
    )
    _summarise(render_summary(report, pull=pull))


def say_problem(error: BenchgateError, *, part: str) -> None:
    """Write what stopped a *part* of the job into the summary, and beside the run."""
    headline = "the run was not recorded" if part == "record" else NOT_JUDGED
    channels.annotate([Annotation(Level.ERROR, headline, error.problem)])
    _summarise(render_problem(error.problem, error.hint, headline=headline))


def set_outputs(values: Mapping[str, str]) -> None:
    """Set the outputs of the step, where there is one."""
    place = os.environ.get("GITHUB_OUTPUT", "")
    try:
        channels.append(place, channels.output_lines(values))
    except PublishError as error:
        complain(error)


def outputs_of(report: Report) -> dict[str, str]:
    """Return what the action says of *report* to the steps after it."""
    verdicts = [j.verdict for j in report.judgements if not j.accepted]
    return {
        "outcome": report.outcome.value,
        "exit-code": str(int(EXITS[report.outcome])),
        "regressions": str(verdicts.count(Verdict.REGRESSED)),
        "improvements": str(verdicts.count(Verdict.IMPROVED)),
        "inconclusive": str(verdicts.count(Verdict.INCONCLUSIVE)),
        "complete": "false" if report.failed else "true",
        "baseline-sha": report.base.sha,
        "benchgate-version": __version__,
    }


def outputs_of_problem(error: BenchgateError) -> dict[str, str]:
    """Return what the action says when there is no report."""
    undecided = error.exit_code is ExitCode.UNDECIDED
    return {
        "outcome": Outcome.UNDECIDED.value if undecided else "error",
        "exit-code": str(int(error.exit_code)),
        "complete": "false",
        "benchgate-version": __version__,
    }


def _summarise(text: str) -> None:
    place = os.environ.get("GITHUB_STEP_SUMMARY", "")
    try:
        channels.summarise(place, text)
    except PublishError as error:
        complain(error)
