"""The flow of measuring: a checkout → both sides, or one → a measurement, kept."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchgate.config import Config
from benchgate.documents import run
from benchgate.errors import FormatError, StopError, UsageError
from benchgate.measure import cache, git, host
from benchgate.measure.cargo import builds_outside
from benchgate.measure.injection import Injection
from benchgate.measure.pairs import Comparison, Guidance, measure_alone
from benchgate.measure.plan import Checkout, Plan, Progress, Workshop
from benchgate.measure.selection import measurable, selected
from benchgate.model import (
    Commit,
    Design,
    Doubt,
    Environment,
    Measurement,
    Round,
    Run,
    Side,
)
from benchgate.model import Comparison as Cleared

RUN = "run.json"


def measure_checkout(
    folder: Path,
    config: Config,
    *,
    base: str | None,
    work: Path,
    progress: Progress,
    guidance: Guidance,
    cleared: Sequence[Cleared] = (),
    done: Collection[str] = (),
) -> Measurement:
    """Measure the work tree that *folder* lies in against its base, in pairs.

    *guidance* says how long; what is *cleared* already is not measured, and suites
    that are *done* aren't even built.

    ``run.json`` in *work* holds the rounds that were measured, however this ends.
    Where the base has no such folder there is nothing to compare with, and the head
    is measured alone.
    """
    root = git.toplevel(folder)
    commits = git.base_commit(root, base), git.head_commit(root)
    progress.say(f"checking out the base, {commits[0].sha[:12]}")
    with cache.checked_out(
        root, commits[0].sha, folder=folder, most=config.measure.cache
    ) as slot:
        side = partial(_checkout, folder=folder, root=root, slot=slot, work=work)
        plan = Plan(
            Workshop(config, work, _emptied(slot / "scratch"), progress),
            base=side(Side.BASE, commits[0], slot / "base"),
            head=side(Side.HEAD, commits[1], root),
        )
        if not plan.base.project.is_dir():
            return _measure_first(plan)
        suites, left_out = selected(plan)
        suites = tuple(suite for suite in suites if suite.name not in done)
        comparison = Comparison(plan, left_out=left_out, cleared=cleared)
        with _kept(comparison, plan.workshop):
            return comparison.run(suites, guidance)


def keep(measurement: Measurement, work: Path) -> None:
    """Write ``run.json`` in *work*, for what was settled without measuring more."""
    (work / RUN).write_bytes(run.encode(measurement))


def environment_of(folder: Path) -> Environment:
    """Return what a measurement of *folder* would be made in."""
    return host.environment(folder)


def measure_head(
    folder: Path, config: Config, *, work: Path, progress: Progress
) -> Measurement:
    """Measure the work tree that *folder* lies in once, as its authors set it up."""
    root = git.toplevel(folder)
    suites, left_out = measurable(config)
    with tempfile.TemporaryDirectory(prefix="benchgate-") as scratch:
        workshop = Workshop(config, work, Path(scratch), progress)
        head = Checkout(Side.HEAD, git.head_commit(root), root, folder)
        measurement = measure_alone(workshop, suites, head, left_out=left_out)
    _keep(measurement, workshop)
    return measurement


def measure_slowed(
    folder: Path,
    config: Config,
    *,
    slowdown: float,
    work: Path,
    progress: Progress,
    guidance: Guidance,
) -> tuple[Measurement, Injection]:
    """Measure the commit checked out at *folder* against itself, with and without.

    In the same rounds some of its benchmarks are measured with a *slowdown*, a share
    of their time, as far as the second result says.
    Uncommitted changes are left out: they would be a change.
    """
    root = git.toplevel(folder)
    commit = git.head_commit(root)
    progress.say(f"checking out {commit.sha[:12]}, to compare it with itself")
    with cache.checked_out(
        root, commit.sha, folder=folder, most=config.measure.cache
    ) as slot:
        own = root
        if commit.dirty:
            progress.say("uncommitted changes are left out")
            own = git.worktree(root, commit.sha, slot / "head")
            _lend_lock_files(folder, root, own)
            commit = replace(commit, dirty=False)
        side = partial(_checkout, folder=folder, root=root, slot=slot, work=work)
        plan = Plan(
            Workshop(config, work, _emptied(slot / "scratch"), progress),
            base=side(Side.BASE, commit, slot / "base"),
            head=side(Side.HEAD, commit, own),
        )
        if not plan.base.project.is_dir():
            raise UsageError(
                f"{folder}: is not part of the commit {commit.sha[:12]}",
                hint="commit it first",
            )
        suites, left_out = measurable(config)
        comparison = Comparison(plan, left_out=left_out)
        injection = Injection(plan, suites, slowdown=slowdown, place=slot / "criterion")
        with _kept(comparison, plan.workshop):
            measurement = comparison.run(suites, guidance, injection.pairs)
    return measurement, injection


def _lend_lock_files(folder: Path, root: Path, tree: Path) -> None:
    """Give *tree* the lock files of *root* that Git doesn't know, from *folder* up.

    Otherwise its dependencies would be those of today, and not those of the user.
    """
    for place in (folder, *folder.parents):
        lock = place / "Cargo.lock"
        if not place.is_relative_to(root) or not lock.exists():
            continue
        other = tree / place.relative_to(root)
        if other.is_dir() and not git.is_tracked(root, str(lock)):
            shutil.copyfile(lock, other / "Cargo.lock")


def _measure_first(plan: Plan) -> Measurement:
    """Measure the head alone, because the base has not got the project."""
    place = plan.head.project.relative_to(plan.head.root).as_posix()
    doubt = Doubt(
        f"the base has no folder {place}, so there is nothing to compare with"
    )
    suites, left_out = measurable(plan.workshop.config)
    left_out = (*left_out, doubt)
    alone = measure_alone(plan.workshop, suites, plan.head, left_out=left_out)
    nothing = Run(plan.base.commit, Environment(), (Round({}),))
    measurement = replace(alone, base=nothing, design=Design.PAIRED)
    _keep(measurement, plan.workshop)
    return measurement


@contextmanager
def _kept(comparison: Comparison, workshop: Workshop) -> Iterator[None]:
    """Keep what *comparison* has measured when the block ends, however it ends.

    A block that somebody stopped becomes a StopError that says what to do with it.
    """
    try:
        yield
    except KeyboardInterrupt:
        comparison.stopped()
        if comparison.rounds and _keep(comparison.measurement(), workshop):
            raise StopError(
                f"stopped after {comparison.rounds} rounds",
                hint="judge what was measured: `benchgate compare --run "
                f"{os.path.relpath(workshop.work / RUN)}`",
            ) from None
        raise
    except BaseException:
        if comparison.rounds:
            _keep(comparison.measurement(), workshop)
        raise
    _keep(comparison.measurement(), workshop)


def _keep(measurement: Measurement, workshop: Workshop) -> bool:
    """Write ``run.json``; say whether that was possible.

    A document that can't be written is no reason to lose the verdict.
    """
    place = workshop.work / RUN
    draft = place.with_suffix(".part")
    try:
        draft.write_bytes(run.encode(measurement))
        draft.replace(place)
    except FormatError as error:
        workshop.progress.say(f"what was measured is not kept: {error.problem}")
        return False
    except OSError as error:
        reason = error.strerror or str(error)
        draft.unlink(missing_ok=True)
        workshop.progress.say(f"what was measured is not kept: {place}: {reason}")
        return False
    return True


def _emptied(folder: Path) -> Path:
    """Return *folder* without what a run that was killed has left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _checkout(
    side: Side,
    commit: Commit,
    tree: Path,
    *,
    folder: Path,
    root: Path,
    slot: Path,
    work: Path,
) -> Checkout:
    """Return one side; *tree* is its work tree, *folder* where the user stands."""
    # With one target folder for both, the sides would overwrite each other's benches.
    shared = side is Side.BASE and builds_outside(tree)
    return Checkout(
        side=side,
        commit=commit,
        root=tree,
        project=tree / folder.resolve().relative_to(root.resolve()),
        target=slot / "target" if shared else None,
        # Beside what was built, which may be older than this comparison.
        links=(slot if side is Side.BASE else work) / "links",
    )
