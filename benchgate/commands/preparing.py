"""The first part of the gate on GitHub: an event → the commit to compare with, here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from benchgate import config
from benchgate.commands import project
from benchgate.config import Config, DesignChoice
from benchgate.errors import BenchgateError, FormatError, UsageError
from benchgate.github import event as events
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
                return "", "", f"{tag} is the first release"
            return commits.bring(root, previous), previous, ""
        case Itself():
            return head, "itself", ""
        case Nothing(reason):
            return "", "", reason


def _label(inputs: Inputs, event: Event) -> str:
    """Return the label that lets this pull request pass, if it bears it."""
    bears = event.pull is not None and inputs.accept_label in event.pull.labels
    return inputs.accept_label if inputs.accept_label and bears else ""


def _bring_stored_runs(settings: Config) -> None:
    try:
        project.open_store(settings).list(limit=1)
    except BenchgateError as error:
        print(f"benchgate: the stored runs can't be read: {error.problem}")


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
    settings: Config, folder: Path, prepared: Prepared
) -> tuple[Config, tuple[Doubt, ...]]:
    """Return *settings* with the policy that the base has, and a doubt if it differs.

    Otherwise a pull request could allow itself what it likes. A base without a
    configuration has no policy of its own.
    """
    root = git.toplevel(folder)
    if not prepared.base or not settings.path:
        return settings, ()
    name = Path(settings.path).resolve().relative_to(root.resolve()).as_posix()
    raw = git.try_ask(root, "show", f"{prepared.base}:{name}")
    if raw is None:
        return settings, ()
    before = config.decode(raw.encode(), name=f"{prepared.base[:12]}:{name}")
    if before.policy == settings.policy:
        return settings, ()
    doubt = Doubt(f"the policy in {name} is changed here: that of the base counts")
    return replace(settings, policy=before.policy), (doubt,)
