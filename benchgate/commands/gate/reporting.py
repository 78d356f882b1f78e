"""The last part of the gate on GitHub: the comment, and the stored run.

This may write, so it runs nothing: what was measured comes as data, everything is
judged again from it, and what GitHub itself says decides whom it is about.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import time

import msgspec

from benchgate import accepted, config, gate
from benchgate.commands import baseline, complain, flags, project
from benchgate.commands.gate import preparing, publishing
from benchgate.config import Config
from benchgate.documents import foreign
from benchgate.documents import run as run_document
from benchgate.documents.wire import in_one_line
from benchgate.errors import (
    BenchgateError,
    ExitCode,
    FormatError,
    PublishError,
    UsageError,
)
from benchgate.github import artifact, channels, checks, claims, pulls, sticky
from benchgate.github import event as events
from benchgate.github.api import Artifact, Client, Pull, connect, place_in
from benchgate.github.channels import Annotation, Level
from benchgate.github.inputs import Inputs
from benchgate.measure import commits, git
from benchgate.model import Design, Doubt, Measurement, Outcome, Report
from benchgate.render.markdown import NOT_JUDGED, render_markdown, render_problem
from benchgate.render.text import PullRequest, headline

_DOCUMENT = "run.json"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a report is about: the pull request, and the run that measured it.

    ``trigger`` is that run where it is another one than ours.
    """

    pull: Pull
    run: int
    workflow: int
    number: int
    attempt: int
    url: str
    trigger: pulls.Trigger | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is published: the body, and the report unless there is none."""

    body: str
    outcome: Outcome
    headline: str
    report: Report | None = None


def report(inputs: Inputs) -> ExitCode:
    """Publish the verdict on the pull request; that it can't be changes no verdict."""
    try:
        with connect(place_in(os.environ), inputs.token) as client:
            subject = _subject(client)
            if subject is None:
                print("there is no pull request to report to")
                return ExitCode.PASSED
            _publish(client, inputs, subject)
    except PublishError as error:
        complain(error)
        problem = f"the comment is not written: {error.problem}"
        channels.annotate([Annotation(Level.WARNING, "benchgate", problem)])
    return ExitCode.PASSED


def _subject(client: Client) -> Subject | None:
    """Return whom this job is about, None where nobody is left to be told."""
    happened = preparing.happened()
    if happened.trigger is events.Trigger.WORKFLOW_RUN:
        payload = msgspec.json.decode(preparing.payload())
        trigger = pulls.trigger_of(payload, repository=place_in(os.environ).repository)
        pull = pulls.pull_of(client, trigger, bases=())
        if pull is None:
            return None
        return Subject(
            pull=pull,
            run=trigger.run,
            workflow=trigger.workflow,
            number=trigger.number,
            attempt=trigger.attempt,
            url=trigger.url,
            trigger=trigger,
        )
    if happened.pull is None:
        return None
    pull = client.pull(happened.pull.number)
    if pull.head.sha != happened.pull.head or pull.state != "open":
        return None
    run = client.workflow_run(_number("GITHUB_RUN_ID"))
    return Subject(
        pull=pull,
        run=run.id,
        workflow=run.workflow,
        number=run.number,
        attempt=_number("GITHUB_RUN_ATTEMPT"),
        url=publishing.run_address(),
    )


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    if not value.isascii() or not value.isdigit():
        raise UsageError(
            f"{name}: {value!r} is no number", hint="run this in a workflow"
        )
    return int(value)


def _publish(client: Client, inputs: Inputs, subject: Subject) -> None:
    """Judge what was measured, and show it where the pull request is read."""
    key, author = inputs.comment_key, inputs.comment_author
    standing = sticky.look(client, subject.pull.number, key=key, author=author)
    before = standing.state.accepted if standing.state else ()
    label = inputs.accept_label
    pull = subject.pull
    accepts = sticky.accepting(pull.labels, label, head=pull.head.sha, before=before)
    is_accepted = pull.head.sha in accepts
    verdict = _verdict(client, inputs, subject, is_accepted=is_accepted)
    state = sticky.State(
        workflow=subject.workflow,
        run_number=subject.number,
        attempt=subject.attempt,
        head=subject.pull.head.sha,
        outcome=verdict.outcome,
        accepted=accepts,
    )
    published = sticky.publish(
        client,
        subject.pull.number,
        verdict.body,
        key=key,
        author=author,
        state=state,
        mode=inputs.comment,
        standing=standing,
    )
    print(f"comment {published.done}: {published.url}".rstrip(": "))
    publishing.set_outputs(
        {
            **(publishing.outputs_of(verdict.report) if verdict.report else {}),
            "outcome": verdict.outcome.value,
            "comment-url": published.url,
        }
    )
    if inputs.check_name and published.done is not sticky.Done.STOOD_DOWN:
        passes = verdict.outcome is Outcome.REGRESSED and is_accepted
        checks.publish_check(
            client,
            name=inputs.check_name,
            head_sha=subject.pull.head.sha,
            outcome=Outcome.PASSED if passes else verdict.outcome,
            title=verdict.headline,
            summary=verdict.body,
        )


def _verdict(
    client: Client, inputs: Inputs, subject: Subject, *, is_accepted: bool
) -> Verdict:
    """Return the verdict; what can't be judged is undecided, in our own words."""
    try:
        measurement = _measurement(client, inputs, subject)
        settings = _settings(client, inputs, subject.pull)
        judged = _judged(measurement, settings, inputs)
    except BenchgateError as error:
        # Whatever it was: where nothing is said, an older comment would still count.
        complain(error)
        # A stranger's file may have words of any length, and a comment has not.
        problem = in_one_line(error.problem)
        return Verdict(
            render_problem(problem, in_one_line(error.hint), run=subject.url),
            Outcome.UNDECIDED,
            NOT_JUDGED,
        )
    if is_accepted and judged.outcome is Outcome.REGRESSED:
        said = Doubt(f"the label `{inputs.accept_label}` accepts this head")
        judged = replace(judged, doubts=(said, *judged.doubts))
    folder = posixpath.normpath(inputs.working_directory.strip("/") or ".")
    pull = PullRequest(
        subject.pull.number,
        subject.pull.head.sha,
        "" if folder == "." else folder,
    )
    # With a base of somebody's choice the commits are not those of a pull request.
    body = render_markdown(judged, run=subject.url, pull=None if inputs.base else pull)
    return Verdict(body, judged.outcome, headline(judged), judged)


def _measurement(client: Client, inputs: Inputs, subject: Subject) -> Measurement:
    """Return what was measured, which has to be of this very pull request."""
    found = None
    if inputs.run_file:
        measurement = foreign.decode(flags.read(inputs.run_file), name=inputs.run_file)
    else:
        found = _artifact(client, inputs, subject)
        measurement = foreign.decode(artifact.fetch(client, found), name=_DOCUMENT)
    if subject.trigger:
        claims.check_claims(
            client,
            measurement,
            artifact=found,
            trigger=subject.trigger,
            pull=subject.pull,
        )
    return measurement


def _artifact(client: Client, inputs: Inputs, subject: Subject) -> Artifact:
    found = artifact.find(client, subject.run, inputs.artifact_name)
    if found is not None:
        return found
    ended = ""
    if subject.trigger:
        ended = f", which ended as `{subject.trigger.conclusion}`"
    raise FormatError(
        f"nothing was measured: there is no artifact {inputs.artifact_name} of the "
        f"run{ended}",
        hint="look into its log",
    )


def _settings(client: Client, inputs: Inputs, pull: Pull) -> Config:
    """Return the base branch's configuration, with what the head asks to accept.

    Where the base has none, the head's counts, except for where runs are stored: that
    is how one comes into being.
    """
    branch, head = f"refs/heads/{pull.base.ref}", pull.head.sha
    names = (inputs.config,) if inputs.config else config.PLACES
    places = [(ref, name) for ref in (branch, head) for name in names]
    places += [(head, name) for name in accepted.PLACES]
    folder = inputs.working_directory.strip("/")
    texts = client.texts(
        [
            (ref, posixpath.normpath(posixpath.join(folder, name)))
            for ref, name in places
        ]
    )
    found = [
        None if text is None else (name, text.encode())
        for (_, name), text in zip(places, texts, strict=True)
    ]
    count = len(names)
    settings = config.default()
    if of_base := _first(found[:count]):
        settings = config.decode(of_base[1], name=of_base[0])
    elif of_head := _first(found[count : 2 * count]):
        theirs = config.decode(of_head[1], name=of_head[0])
        settings = replace(theirs, baseline=settings.baseline)
    today = project.today()
    wanted = _first(found[2 * count :])
    entries = accepted.decode(wanted[1], name=wanted[0], today=today) if wanted else ()
    return replace(settings, accepted=entries, today=today)


def _first(files: Sequence[tuple[str, bytes] | None]) -> tuple[str, bytes] | None:
    """Return the first of *files* that is there."""
    return next((file for file in files if file is not None), None)


def _judged(measurement: Measurement, settings: Config, inputs: Inputs) -> Report:
    # What stored runs have cleared was judged against them where it was measured.
    if measurement.design is not Design.STORED or measurement.base is not None:
        return gate.judge_measurement(measurement, settings)
    settings = _stored_here(settings, inputs)
    with _repository(inputs.token):
        window = project.stored_runs(settings)
    return gate.judge_against(window, measurement, settings)


def record(inputs: Inputs) -> ExitCode:
    """Keep what was measured of the default branch."""
    happened = preparing.happened()
    if not happened.is_recorded:
        raise UsageError(
            f"{happened.trigger}: only the default branch is recorded",
            hint="run `mode: record` on a push to it, or by a schedule",
        )
    name = inputs.run_file
    if name:
        raw = flags.read(name)
    else:
        name = _DOCUMENT
        with connect(place_in(os.environ), inputs.token) as client:
            found = artifact.find(
                client, _number("GITHUB_RUN_ID"), inputs.artifact_name
            )
            if found is None:
                raise FormatError(
                    f"there is no artifact {inputs.artifact_name} of this run",
                    hint="let the job that measures end before: `needs:`",
                )
            raw = artifact.fetch(client, found)
    # Of our own default branch: nothing of it is shown to anybody here.
    measurement = run_document.decode(raw, name=name)
    baseline.check_worth_keeping(measurement, name)
    commit = happened.after or os.environ.get("GITHUB_SHA", "")
    if measurement.head.commit.sha != commit:
        raise FormatError(
            f"{name}: it is of {measurement.head.commit.sha[:12]}, and this run of "
            f"{commit[:12]}"
        )
    settings = _stored_here(config.default(), inputs)
    with _repository(inputs.token):
        kept = project.open_store(settings).append(
            measurement,
            recorded_at=time(),
            run_id=str(_number("GITHUB_RUN_ID")),
            attempt=_number("GITHUB_RUN_ATTEMPT"),
        )
    print(f"kept {kept}")
    return ExitCode.PASSED


def _stored_here(settings: Config, inputs: Inputs) -> Config:
    """Return *settings* with the stored runs of *inputs*; a folder is one of here."""
    settings = preparing.with_baseline(settings, inputs)
    place = str(Path.cwd() / settings.baseline.path)
    return replace(settings, baseline=replace(settings.baseline, path=place))


@contextmanager
def _repository(token: str) -> Iterator[None]:
    """Stand in an empty repository that knows where it comes from.

    Never in one that lies here: whoever measured before on this machine could have
    set up what Git runs.
    """
    here = Path.cwd()
    place = place_in(os.environ)
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        root = Path(folder)
        git.ask(root, "init", "--quiet")
        url = f"{place.server}/{place.repository}"
        git.ask(root, "remote", "add", "origin", url)
        os.environ.update(commits.credentials(root, token))
        os.chdir(root)
        try:
            yield
        finally:
            os.chdir(here)
