"""The first part of the gate on GitHub: an event → the commit to compare with, here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from benchgate import config
from benchgate.commands import complain, project
from benchgate.config import Config, DesignChoice
from benchgate.errors import (
    BenchgateError,
    FormatError,
    PublishError,
    StoreError,
    UsageError,
)
from benchgate.github import event as events
from benchgate.github import sticky
from benchgate.github.api import connect, place_in
from benchgate.github.event import (
    Event,
    Exactly,
    Itself,
    LastRelease,
    MergeBase,
    Nothing,
    Wanted,
)
from benchgate.github.inputs import Inputs
from benchgate.github.prepared import Prepared
from benchgate.measure import commits, git
from benchgate.model import Doubt


def happened() -> Event:
    """Return the event of the workflow that we run in; raises UsageError outside."""
    name = os.environ.get("GITHUB_EVENT_NAME", "")
    return events.decode(name, payload(), place="GITHUB_EVENT_PATH")


def payload() -> bytes:
    """Return what GitHub says of the event; raises UsageError outside of a workflow."""
    place = os.environ.get("GITHUB_EVENT_PATH", "")
    if not place:
        raise UsageError(
            "there is no event: GITHUB_EVENT_PATH is not set",
            hint="at a desk use `benchgate compare`",
        )
    try:
        return Path(place).read_bytes()
    except OSError as error:
        problem = f"{place}: can't be read: {error.strerror or error}"
        raise FormatError(problem) from error


def prepare(inputs: Inputs, settings: Config, folder: Path) -> Prepared:
    """Bring the base of what is checked out at *folder*, and the stored runs.

    Stored runs that can't be had are no reason not to measure: they only save time.
    """
    event = happened()
    root = git.toplevel(folder)
    # This process runs nothing but Git, and ends before anything else is run.
    os.environ.update(commits.credentials(root, inputs.token))
    head = git.commit_of(root, "HEAD")
    wanted = events.base_of(
        event, head=head, parents=commits.parents(root, head), asked=inputs.base
    )
    base, ref, reason = _brought(root, head, wanted)
    if base == head and not isinstance(wanted, Itself):
        base, reason = "", f"{head[:12]} is already part of {ref}"
    _bring_stored_runs(settings)
    return Prepared(
        base=base,
        ref=ref,
        reason=reason,
        trial=isinstance(wanted, Itself),
        recorded=event.is_recorded,
        allowed=_label(inputs, event),
    )


def _brought(root: Path, head: str, wanted: Wanted) -> tuple[str, str, str]:
    """Return the base, now here, how it is known, and why there is none."""
    match wanted:
        case Exactly(commit):
            return commits.bring(root, commit), commit, ""
        case MergeBase(branch, before):
            parted = commits.merge_base(root, head, before or branch)
            return commits.bring(root, parted), branch, ""
        case LastRelease(tag):
            previous = commits.tag_before(root, tag)
            if previous is None:
                return "", "", f"no other tag is in the history of {tag}"
            return commits.bring(root, previous), previous, ""
        case Itself():
            return head, "itself", ""
        case Nothing(reason):
            return "", "", reason


def _label(inputs: Inputs, event: Event) -> str:
    """Return the label that lets this head pass, empty where it doesn't bear it.

    Without a token only the event itself tells that the label was set, and for which
    head: what else the payload lists may be older than the last push.
    """
    pull, label = event.pull, inputs.accept_label
    if pull is None or not label:
        return ""
    holds = pull.labelled == label
    if inputs.token:
        try:
            holds = _holds(inputs, pull)
        except PublishError as error:
            complain(error)
    return label if holds else ""


def _holds(inputs: Inputs, pull: events.PullRequest) -> bool:
    """Say whether the label is set now, and for this head; raises PublishError.

    The comment remembers for which head it was. Where it doesn't, a label that was
    there before the head was pushed was not meant for it.
    """
    label = inputs.accept_label
    with connect(place_in(os.environ), inputs.token) as client:
        live = client.pull(pull.number)
        if live.head.sha != pull.head or label not in live.labels:
            return False
        if pull.labelled == label:
            return True
        key, author = inputs.comment_key, inputs.comment_author
        state = sticky.look(client, pull.number, key=key, author=author).state
    before = state.accepted if state else ()
    is_first = os.environ.get("GITHUB_RUN_ATTEMPT", "1") == "1"
    if not before and pull.pushed and is_first:
        return False
    accepts = sticky.accepting(live.labels, label, head=pull.head, before=before)
    return pull.head in accepts


def _bring_stored_runs(settings: Config) -> None:
    try:
        project.open_store(settings).list(limit=1)
    except BenchgateError as error:
        complain(StoreError(f"the stored runs can't be read: {error.problem}"))


def configured(inputs: Inputs) -> Config:
    """Return the configuration of what is checked out, with what the inputs say."""
    settings = project.load(inputs.config or None)
    if inputs.design:
        try:
            design = DesignChoice(inputs.design)
        except ValueError:
            raise UsageError(
                f"design: there is no {inputs.design!r}",
                hint=f"use one of: {', '.join(DesignChoice)}",
            ) from None
        settings = replace(settings, measure=replace(settings.measure, design=design))
    return with_baseline(settings, inputs)


def with_baseline(settings: Config, inputs: Inputs) -> Config:
    """Return *settings* with the stored runs where the inputs say they are."""
    baseline = settings.baseline
    match inputs.baseline.partition(":"):
        case ("", _, _):
            return settings
        case ("git", _, branch) if branch:
            baseline = replace(baseline, store="git-branch", branch=branch)
        case ("dir", _, path) if path:
            baseline = replace(baseline, store="directory", path=path)
        case _:
            raise UsageError(
                f"baseline: {inputs.baseline!r} is no address of stored runs",
                hint="use git:BRANCH or dir:PATH",
            )
    return replace(settings, baseline=baseline)


def with_policy_of_base(
    settings: Config, folder: Path, prepared: Prepared, *, asked: str
) -> tuple[Config, tuple[Doubt, ...]]:
    """Return *settings* with the policy that the base has, and a doubt if it differs.

    Otherwise a pull request could allow itself what it likes, also by a configuration
    that lies elsewhere, is a link, or is gone. A base without one has no policy of its
    own. *asked* is the file that the workflow names, empty for the usual places.
    """
    if not prepared.base:
        return settings, ()
    root = git.toplevel(folder)
    names = [Path.cwd() / asked] if asked else [folder / n for n in config.PLACES]
    for place in names:
        # By the words alone: where a link leads is what the head says.
        name = Path(os.path.relpath(place, root)).as_posix()
        raw = git.try_ask(root, "show", f"{prepared.base}:{name}")
        if raw is None:
            continue
        known = f"{prepared.base[:12]}:{name}"
        before = config.decode(raw.encode(errors="surrogateescape"), name=known)
        if before.policy == settings.policy:
            return settings, ()
        doubt = Doubt(f"the policy in {name} is changed here: that of the base counts")
        return replace(settings, policy=before.policy), (doubt,)
    return settings, ()
