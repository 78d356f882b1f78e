"""The second part of the gate on GitHub: measure without any token, judge, and say so.

The verdict here fails the job; the comment is written by another one, from the same
numbers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfile

from benchgate import gate
from benchgate.commands import complain, flags, project
from benchgate.commands.compare import EXITS
from benchgate.commands.console import Progress, console
from benchgate.commands.gate import preparing, publishing
from benchgate.config import Config, DesignChoice
from benchgate.documents import report as report_document
from benchgate.documents import run as run_document
from benchgate.errors import BenchgateError, ExitCode, FormatError
from benchgate.github import channels
from benchgate.github.inputs import FailOn, Inputs
from benchgate.github.prepared import Prepared
from benchgate.measure import flow, git
from benchgate.model import Doubt, Measurement, Outcome, Report
from benchgate.render.markdown import render_markdown
from benchgate.render.terminal import print_report
from benchgate.render.text import PullRequest

_FAILS = {
    Outcome.REGRESSED: FailOn.REGRESSED,
    Outcome.UNDECIDED: FailOn.UNDECIDED,
}


def measure(inputs: Inputs, prepared: Prepared) -> ExitCode:
    """Measure what is checked out, judge it, and return how the job shall end."""
    folder = project.folder()
    settings, doubts = preparing.with_policy_of_base(
        preparing.configured(inputs), folder, prepared, asked=inputs.config
    )
    with project.work_folder(folder) as work:
        with channels.commands_stopped(), Progress() as progress:
            if inputs.run_file:
                report = _of_shards(Path(inputs.run_file), settings, prepared, work)
            else:
                report = _judged(settings, prepared, folder, work, progress)
            report = replace(report, doubts=(*report.doubts, *doubts))
            print_report(report, console=console())
        flags.save(work / "report.json", report_document.encode(report))
        pull = _pull(inputs, folder)
        flags.save(work / "comment.md", render_markdown(report, pull=pull).encode())
        kept = work / "record" / flow.RUN
        run = kept if kept.exists() else work / flow.RUN
        fails = _fails(report, inputs, prepared)
        publishing.say(report, fails=fails, pull=pull)
        publishing.set_outputs(
            {
                **publishing.outputs_of(report),
                "run-path": str(run.resolve()) if run.exists() else "",
                "report-path": str((work / "report.json").resolve()),
            }
        )
    return EXITS[report.outcome] if fails else ExitCode.PASSED


def _fails(report: Report, inputs: Inputs, prepared: Prepared) -> bool:
    """Say whether the job fails; a commit against itself fails none."""
    if prepared.trial:
        return False
    if report.outcome is Outcome.REGRESSED and prepared.allowed:
        return False
    return _FAILS.get(report.outcome) in inputs.fail_on


def _pull(inputs: Inputs, folder: Path) -> PullRequest | None:
    """Return the pull request whose commits are compared, None without one."""
    pull = preparing.happened().pull
    if pull is None or inputs.base:
        return None
    below = folder.resolve().relative_to(git.toplevel(folder).resolve()).as_posix()
    return PullRequest(pull.number, pull.head, "" if below == "." else below)


def _judged(
    settings: Config,
    prepared: Prepared,
    folder: Path,
    work: Path,
    progress: Progress,
) -> Report:
    """Measure as far as needed and return the verdict; keep what is to be recorded."""
    stored = settings.measure.design is DesignChoice.STORED
    alone = None
    if stored or prepared.recorded or not prepared.base:
        alone = flow.measure_head(folder, settings, work=work, progress=progress)
        if prepared.recorded:
            _keep(work)
    if alone is not None and (stored or not prepared.base):
        return _said(
            gate.judge_against(_stored_runs(settings), alone, settings), prepared
        )
    measurement = project.measure(
        folder,
        settings,
        base=prepared.base,
        alone=False,
        work=work,
        progress=progress,
        stored=None if prepared.trial else lambda: _stored_runs(settings),
        measured=alone,
    )
    return _said(gate.judge_measurement(measurement, settings), prepared)


def _of_shards(place: Path, settings: Config, prepared: Prepared, work: Path) -> Report:
    """Return the one verdict on what several jobs measured, each its own part.

    *place* is a run document, or a folder with one for each job somewhere below.
    """
    files = sorted(place.rglob(flow.RUN)) if place.is_dir() else [place]
    if not files:
        raise FormatError(
            f"{place}: there is no {flow.RUN} in it",
            hint="download what the jobs have measured before",
        )
    shards = [
        run_document.decode(flags.read(str(file)), name=str(file)) for file in files
    ]
    measurement = gate.join_shards(shards)
    flow.keep(measurement, work)
    return _said(gate.judge_measurement(measurement, settings), prepared)


def _stored_runs(settings: Config) -> list[Measurement]:
    """Return the stored runs that were brought while there was a token."""
    return project.stored_runs(settings, fetched=True)


def _said(report: Report, prepared: Prepared) -> Report:
    """Return *report* with how its base came about, as far as that isn't plain."""
    said = []
    if prepared.reason:
        said.append(f"there is no commit to compare with: {prepared.reason}")
    if prepared.trial:
        said.append("the commit was compared with itself: what differs is chance")
    if prepared.allowed and report.outcome is Outcome.REGRESSED:
        said.append(f"the label `{prepared.allowed}` is set, so the job does not fail")
    doubts = tuple(map(Doubt, said))
    base = replace(report.base, ref=report.base.ref or prepared.ref)
    return replace(report, base=base, doubts=(*doubts, *report.doubts))


def _keep(work: Path) -> None:
    """Lay what was measured alone aside: pairs are no run that could be recorded."""
    place = work / "record"
    place.mkdir(exist_ok=True)
    try:
        copyfile(work / flow.RUN, place / flow.RUN)
    except OSError as error:
        complain(BenchgateError(f"the run can't be recorded: {error.strerror}"))
