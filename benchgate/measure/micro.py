"""A criterion suite on disk → rounds: one as its authors set it up, or many slices.

In pairs, each benchmark runs a slice on base and on head, back to back.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import cargo, slices
from benchgate.measure.plan import Checkout, Plan, Workshop
from benchgate.model import Doubt, Failure, Round, Side
from benchgate.tools import merge


@dataclass(frozen=True, slots=True)
class MicroSide:
    """One side, built and run once: its benchmarks by title, and what they took."""

    workshop: Workshop
    suite: Suite
    checkout: Checkout
    env: Mapping[str, str | None]
    executables: tuple[cargo.Executable, ...]
    benches: Mapping[str, cargo.Bench]
    record: Round
    failures: tuple[Failure, ...]

    def slice(
        self, bench: cargo.Bench, path: Path, *, seconds: float, raw: Path | None = None
    ) -> Round:
        """Return one slice of *bench* through the executable at *path*."""
        iteration = slices.iterations_of(self.record).get(bench.title)
        return slices.run_slice(
            bench,
            path,
            slices.plan(seconds, iteration),
            suite=self.suite.name,
            env=self.env,
            raw=raw,
        )

    def copies(self, folder: Path) -> dict[cargo.Executable, Path]:
        """Return a path for each executable: fresh copies, if the settings say so."""
        if self.workshop.config.measure.layouts == "one":
            return {executable: executable.path for executable in self.executables}
        place = folder / self.checkout.side
        place.mkdir(parents=True, exist_ok=True)
        return {
            executable: slices.copy_of(executable, place)
            for executable in self.executables
        }


def build_side(
    workshop: Workshop,
    suite: Suite,
    checkout: Checkout,
    *,
    brief: bool,
    like: Sequence[cargo.Target] = (),
) -> MicroSide:
    """Build the benches of *suite*, or only those of *like*, and run them once.

    *brief*: with short times, to know them; else as the suite is set up.
    Raises ToolError when they don't build, or the head has none.
    """
    side = checkout.side
    env = {**cargo.environment(checkout.target), **suite.env}
    workshop.progress.say(f"{suite.name}: building the {side}'s benches")
    targets = cargo.bench_targets(checkout.project, suite)
    if like:
        names = {(t.package, t.name) for t in like}
        targets = tuple(t for t in targets if (t.package, t.name) in names)
    log = workshop.log(suite.name, side)
    executables = cargo.build(targets, suite=suite, env=env, log=log)
    if not executables and side is Side.HEAD:
        raise ToolError(
            f"{checkout.project}: no criterion benches found",
            hint="a bench target needs `harness = false` and criterion among the "
            "dev-dependencies",
        )
    benches, failures = cargo.benchmarks(executables, suite=suite, env=env)
    workshop.progress.say(
        f"{suite.name}: running the {side}'s {len(benches)} benchmarks once"
    )
    record = cargo.record(executables, suite=suite, env=env, log=log, brief=brief)
    known = {bench.title: bench for bench in benches}
    return MicroSide(
        workshop, suite, checkout, env, executables, known, record, failures
    )


def measure_alone(workshop: Workshop, suite: Suite, checkout: Checkout) -> Round:
    """Return one round of *suite* with the times that its authors set.

    What cargo-criterion left out is run through the bench executables.
    """
    built = build_side(workshop, suite, checkout, brief=False)
    wanted = set(built.benches)
    samples = {k: s for k, s in built.record.samples.items() if k.benchmark in wanted}
    whole = replace(
        built.record,
        samples=samples,
        failures=(*built.failures, *built.record.failures),
    )
    missing = wanted - {key.benchmark for key in samples}
    missing -= {failure.benchmark for failure in whole.failures}
    for title in sorted(missing):
        bench = built.benches[title]
        seconds = workshop.config.measure.slice
        alone = built.slice(bench, bench.executable.path, seconds=seconds)
        whole = merge([(suite.name, whole), (title, alone)])
    return whole


class MicroPairs:
    """The criterion benchmarks of one suite, ready to be measured in pairs."""

    def __init__(self, plan: Plan, suite: Suite) -> None:
        """Build both sides of *suite*, and run it once a side to know it."""
        self._workshop = plan.workshop
        self._suite = suite
        head = build_side(plan.workshop, suite, plan.head, brief=True)
        base = _build_base(plan, suite, head)
        self._sides = {Side.BASE: base, Side.HEAD: head}
        renames = plan.workshop.config.renames
        self._pairs = _matched(base.benches, head.benches, renames)
        self._broken: set[str] = set()

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return the names, as the head has them, that can still be measured."""
        return frozenset(head for _, head in self._pairs) - self._broken

    def first(self) -> tuple[Round, Round]:
        """Return what only one side has, what failed to list, and what was doubted."""
        base = self._alone(Side.BASE, paired={base for base, _ in self._pairs})
        head = self._alone(Side.HEAD, paired={head for _, head in self._pairs})
        return base, head

    def pair(
        self, rng: random.Random, *, number: int, wanted: Collection[str]
    ) -> tuple[Round, Round]:
        """Return one round: a slice a side of each benchmark in *wanted*."""
        folder = self._workshop.scratch / f"round-{number}"
        copies = {side: built.copies(folder) for side, built in self._sides.items()}
        order = [p for p in self._pairs if p[1] in wanted and p[1] not in self._broken]
        rng.shuffle(order)
        parts: dict[Side, list[tuple[str, Round]]] = {side: [] for side in Side}
        for titles in order:
            title = dict(zip(Side, titles, strict=True))
            sides = list(Side)
            if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
                sides.reverse()
            for side in sides:
                bench = self._sides[side].benches[title[side]]
                part = self._sides[side].slice(
                    bench,
                    copies[side][bench.executable],
                    seconds=self._workshop.config.measure.slice,
                    raw=self._workshop.raw(self._suite.name, number, side, "ndjson"),
                )
                parts[side].append((bench.title, part))
                if part.failures:
                    self._broken.add(titles[1])
                    break
        shutil.rmtree(folder, ignore_errors=True)
        return merge(parts[Side.BASE]), merge(parts[Side.HEAD])

    def close(self) -> None:
        """Nothing stays open between rounds."""

    def _alone(self, side: Side, *, paired: set[str]) -> Round:
        built = self._sides[side]
        parts = [("", Round({}, built.failures, built.record.doubts))]
        for title, bench in built.benches.items():
            if title not in paired:
                seconds = self._workshop.config.measure.slice
                alone = built.slice(bench, bench.executable.path, seconds=seconds)
                parts.append((title, alone))
        return merge(parts)


def _build_base(plan: Plan, suite: Suite, head: MicroSide) -> MicroSide:
    """Build the base; where its benches don't, with the benches of the head."""
    _share_lock_file(plan.base, plan.head)
    try:
        return build_side(plan.workshop, suite, plan.base, brief=True)
    except ToolError as error:
        own = error
    targets = [executable.target for executable in head.executables]
    if not _lay_over(targets, plan.head.project, plan.base.project):
        raise own
    plan.workshop.progress.say(
        f"{suite.name}: the base's benches don't build; trying the head's"
    )
    try:
        built = build_side(plan.workshop, suite, plan.base, brief=True, like=targets)
    except ToolError:
        raise ToolError(
            f"the base ({plan.base.commit.sha[:12]}): {own.problem}",
            hint="compare with a commit that builds: --base REF",
        ) from own
    doubt = Doubt(
        f"{suite.name}: the base's own benches don't build, so the head's were "
        "measured on the base's code"
    )
    record = replace(built.record, doubts=(*built.record.doubts, doubt))
    return replace(built, record=record)


def _matched(
    base: Mapping[str, object], head: Mapping[str, object], renames: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return (base's name, head's name) of what both sides have."""
    return [
        (name, renames.get(name, name))
        for name in base
        if renames.get(name, name) in head
    ]


def _share_lock_file(base: Checkout, head: Checkout) -> None:
    """Give a base without a lock file the head's.

    Otherwise a dependency released in between would be the pull request's fault.
    """
    ours, theirs = head.project / "Cargo.lock", base.project / "Cargo.lock"
    if ours.exists() and not theirs.exists():
        shutil.copyfile(ours, theirs)


def _lay_over(targets: Sequence[cargo.Target], head: Path, base: Path) -> bool:
    """Copy the sources of the head's bench targets over the base's; say if any."""
    laid = False
    for folder in {target.folder for target in targets}:
        place = base / folder.relative_to(head)
        benches = folder / "benches"
        if benches.is_dir() and place.is_dir():
            shutil.copytree(benches, place / "benches", dirs_exist_ok=True)
            laid = True
    return laid
