"""A criterion suite on disk → one side of it, built: its executables and benchmarks.

A base that can't be built by itself gets from the head what it needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import cargo, git, links, seeds, slices
from benchgate.measure.layouts import Layouts, seed_of
from benchgate.measure.plan import Checkout, Plan, Workshop
from benchgate.measure.record import record
from benchgate.model import Doubt, Failure, Round, Side
from benchgate.tools import merge

# A suite as its authors set it up may take long; only one that hangs is ended.
_ALONE_WITHIN = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class MicroSide:
    """One side, built: its benchmarks by name, and what one run of them took.

    ``unbuilt`` are the titles of targets among the ``failures``.
    """

    workshop: Workshop
    suite: Suite
    checkout: Checkout
    env: Mapping[str, str | None]
    executables: tuple[cargo.Executable, ...]
    benches: Mapping[str, cargo.Bench]
    failures: tuple[Failure, ...]
    doubts: tuple[Doubt, ...]
    record: Round
    unbuilt: frozenset[str]
    layouts: Layouts | None

    def recorded(self, *, brief: bool, within: float) -> MicroSide:
        """Return this side after one run of all of its benchmarks.

        *brief*: with short times, to know them; else as the suite is set up.
        """
        side, suite = self.checkout.side, self.suite
        number = len(self.benches)
        self.workshop.progress.say(
            f"{suite.name}: running the {side}'s {number} benchmarks once"
        )
        made = record(
            self.executables,
            tuple(self.benches.values()),
            suite=suite,
            env=self.env,
            log=self.workshop.log(suite.name, side),
            brief=brief,
            within=within,
        )
        return replace(self, record=made, doubts=(*self.doubts, *made.doubts))

    def sharing(self, titles: Collection[str]) -> MicroSide:
        """Return this side with these *titles*, and no others, as shared ones."""
        benches = [
            replace(bench, shared=bench.title in titles)
            for bench in self.benches.values()
        ]
        return replace(self, benches={bench.name: bench for bench in benches})

    def slice(
        self, bench: cargo.Bench, path: Path, *, seconds: float, raw: Path | None = None
    ) -> Round:
        """Return one slice of *bench* through the executable at *path*."""
        iteration = slices.iterations_of(self.record).get(bench.name)
        return slices.run_slice(
            bench,
            path,
            slices.plan(seconds, iteration),
            suite=self.suite.name,
            env=self.env,
            raw=raw,
        )

    def drawn(
        self, executables: Collection[cargo.Executable], folder: Path, *, number: int
    ) -> dict[cargo.Executable, Path]:
        """Return the file to run of each executable, if need be in a layout of its own.

        Those of round *number* are made in *folder*.
        """
        layouts, side = self.layouts, self.checkout.side
        if layouts is None:
            return {executable: executable.path for executable in executables}
        return {
            executable: layouts.draw(
                executable.target.title,
                executable.path,
                folder / side,
                seed=seed_of(side, number),
            )
            for executable in executables
        }


def build_side(
    workshop: Workshop,
    suite: Suite,
    checkout: Checkout,
    *,
    like: Sequence[cargo.Target] = (),
    without: Collection[str] = (),
) -> MicroSide:
    """Build the benches of *suite*, or only those of *like*, and list them.

    *without*: titles of targets that are left alone.
    A target of the head that doesn't build is a failure, as long as others do.
    Raises ToolError when they don't build, or the head has none.
    """
    side = checkout.side
    env = {**cargo.environment(checkout.target), **suite.env}
    workshop.progress.say(f"{suite.name}: building the {side}'s benches")
    targets = cargo.bench_targets(checkout.project, suite)
    if like:
        names = {t.title for t in like}
        targets = tuple(t for t in targets if t.title in names)
    targets = tuple(t for t in targets if t.title not in without)
    kept = checkout.links if workshop.config.measure.layouts == "fresh" else None
    log = workshop.log(suite.name, side)
    unbuilt: dict[str, Failure] = {}
    if side is Side.HEAD:
        executables, doubts, unbuilt = cargo.build_what_builds(
            targets, suite=suite, env=env, log=log, kept=kept
        )
    else:
        executables, doubts = cargo.build(
            targets, suite=suite, env=env, log=log, kept=kept
        )
    benches, failures = cargo.benchmarks(executables, suite=suite, env=env)
    if side is Side.HEAD and not benches and not failures:
        raise _nothing_to_measure(checkout, suite, executables, doubts)
    return MicroSide(
        workshop,
        suite,
        checkout,
        env,
        executables,
        {bench.name: bench for bench in benches},
        (*unbuilt.values(), *failures),
        doubts,
        record=Round({}),
        unbuilt=frozenset(unbuilt),
        layouts=layouts_of(workshop, side, benches, kept) if kept else None,
    )


def layouts_of(
    workshop: Workshop, side: Side, benches: Collection[cargo.Bench], kept: Path
) -> Layouts:
    """Return what draws layouts of *benches*; *kept* says how they were linked."""
    found = Layouts(side, scratch=workshop.scratch)
    for executable in dict.fromkeys(bench.executable for bench in benches):
        line = links.line_of(executable.path, kept)
        found.learn(executable.target.title, line)
    return found


def measure_alone(workshop: Workshop, suite: Suite, checkout: Checkout) -> Round:
    """Return one round of *suite* with the times that its authors set.

    What cargo-criterion left out is run through the bench executables.
    """
    built = build_side(workshop, suite, checkout)
    built = built.recorded(brief=False, within=_ALONE_WITHIN)
    done = {key.benchmark for key in built.record.samples}
    done |= {failure.benchmark for failure in built.record.failures}
    parts = [
        slices.run_slice(
            bench, bench.executable.path, None, suite=suite.name, env=built.env
        )
        for title, bench in built.benches.items()
        if title not in done
    ]
    known = replace(
        built.record,
        failures=(*built.failures, *built.record.failures),
        doubts=built.doubts,
    )
    return merge([("", part) for part in (known, *parts)])


def build_base(plan: Plan, suite: Suite, head: MicroSide) -> MicroSide:
    """Build the base; where its benches don't, with the benches of the head."""
    targets = [executable.target for executable in head.executables]
    _share_lock_files(plan, {target.folder for target in targets})
    seeds.from_head(
        [executable.path for executable in head.executables],
        head=plan.head,
        base=plan.base,
    )
    try:
        return build_side(plan.workshop, suite, plan.base, without=head.unbuilt)
    except ToolError as error:
        own = error
    plan.workshop.progress.say(
        f"{suite.name}: the base's benches don't build; trying the head's"
    )
    built = None
    if _lay_over(targets, plan):
        with suppress(ToolError):
            built = build_side(plan.workshop, suite, plan.base, like=targets)
    if built is None or not built.benches:
        raise ToolError(
            f"the base ({plan.base.commit.sha[:12]}): {own.problem}",
            hint=own.hint or "compare with a commit that builds: --base REF",
        ) from own
    doubt = Doubt(
        f"{suite.name}: the base's own benches don't build, so the head's were "
        "measured on the base's code"
    )
    return replace(built, doubts=(*built.doubts, doubt))


def _nothing_to_measure(
    checkout: Checkout,
    suite: Suite,
    executables: Sequence[cargo.Executable],
    doubts: Sequence[Doubt],
) -> ToolError:
    if executables:
        return ToolError(
            f"{suite.name}: no benchmark is listed that `benches` asks for",
            hint="list them with `cargo bench -- --list`",
        )
    problem = f"{suite.name}: no criterion benches found in {checkout.project}"
    foreign = cargo.foreign_benches(checkout.project)
    return ToolError(
        "; ".join([problem, *(doubt.text for doubt in doubts), *foreign]),
        hint="a bench target needs `harness = false` and criterion among the "
        "dev-dependencies",
    )


def _share_lock_files(plan: Plan, folders: Collection[Path]) -> None:
    """Give a base that tracks no lock file the head's, also from one time to the next.

    Otherwise a dependency released in between would be the pull request's fault.
    """
    ours, theirs = plan.head.root, plan.base.root
    places = {
        place.relative_to(ours)
        for folder in folders
        for place in (folder, *folder.parents)
        if place.is_relative_to(ours) and (place / "Cargo.lock").exists()
    }
    for place in places:
        lock = place / "Cargo.lock"
        if (theirs / place).is_dir() and not git.is_tracked(theirs, str(lock)):
            shutil.copyfile(ours / lock, theirs / lock)


def _lay_over(targets: Sequence[cargo.Target], plan: Plan) -> bool:
    """Copy the sources of the head's bench targets over the base's; say if any."""
    laid = False
    for folder in {target.folder for target in targets}:
        place = plan.base.root / folder.relative_to(plan.head.root)
        benches = folder / "benches"
        if benches.is_dir() and place.is_dir():
            shutil.copytree(benches, place / "benches", dirs_exist_ok=True)
            laid = True
    return laid
