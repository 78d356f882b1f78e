"""A criterion suite on both sides → rounds of slices, base and head back to back."""

from __future__ import annotations

import random
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import cargo, slices
from benchgate.measure.plan import Checkout, Plan
from benchgate.model import Doubt, Failure, Round, Side


@dataclass(frozen=True, slots=True)
class _Built:
    """One side, built: its benchmarks by title, and what its first record says."""

    checkout: Checkout
    env: Mapping[str, str | None]
    executables: tuple[cargo.Executable, ...]
    benches: Mapping[str, cargo.Bench]
    record: Round
    failures: tuple[Failure, ...]


class MicroPairs:
    """The criterion benchmarks of one suite, ready to be measured in pairs."""

    def __init__(self, plan: Plan, suite: Suite) -> None:
        """Build both sides of *suite*, and run it once a side to know it."""
        self._plan = plan
        self._suite = suite
        head = self._build(plan.head)
        base = self._build_base(head)
        self._sides = {Side.BASE: base, Side.HEAD: head}
        self._pairs = _matched(base.benches, head.benches, plan.config.renames)
        self._iterations = {
            side: slices.iterations_of(built.record)
            for side, built in self._sides.items()
        }
        self._broken: set[str] = set()

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return the names, as the head has them, that can still be measured."""
        return frozenset(head for _, head in self._pairs) - self._broken

    def first(self) -> tuple[Round, Round]:
        """Return what only one side has, what failed to list, and what was doubted."""
        rounds = {}
        paired = {
            Side.BASE: {base for base, _ in self._pairs},
            Side.HEAD: {head for _, head in self._pairs},
        }
        for side, built in self._sides.items():
            whole = Round({}, built.failures, built.record.doubts)
            for title, bench in built.benches.items():
                if title not in paired[side]:
                    alone = self._slice(side, bench, bench.executable.path)
                    whole = _joined(whole, alone)
            rounds[side] = whole
        return rounds[Side.BASE], rounds[Side.HEAD]

    def pair(
        self, rng: random.Random, *, number: int, wanted: Collection[str]
    ) -> tuple[Round, Round]:
        """Return one round: a slice a side of each benchmark in *wanted*."""
        folder = self._plan.scratch / f"round-{number}"
        copies = {side: self._copies(side, folder) for side in Side}
        order = [p for p in self._pairs if p[1] in wanted and p[1] not in self._broken]
        rng.shuffle(order)
        rounds = {side: Round({}) for side in Side}
        for names in order:
            title = dict(zip(Side, names, strict=True))
            sides = list(Side)
            if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
                sides.reverse()
            for side in sides:
                bench = self._sides[side].benches[title[side]]
                measured = self._slice(
                    side, bench, copies[side][bench.executable], number=number
                )
                rounds[side] = _joined(rounds[side], measured)
                if measured.failures:
                    self._broken.add(names[1])
                    break
        shutil.rmtree(folder, ignore_errors=True)
        return rounds[Side.BASE], rounds[Side.HEAD]

    def close(self) -> None:
        """Nothing stays open between rounds."""

    def _slice(
        self,
        side: Side,
        bench: cargo.Bench,
        path: Path,
        *,
        number: int | None = None,
    ) -> Round:
        built = self._sides[side]
        raw = None
        if number is not None:
            raw = self._plan.work / "raw" / f"{self._suite.name}-{number:03d}-{side}"
        return slices.run_slice(
            bench,
            path,
            slices.plan(
                self._plan.config.measure.slice,
                self._iterations[side].get(bench.title),
            ),
            suite=self._suite.name,
            env=built.env,
            raw=raw.with_suffix(".ndjson") if raw else None,
        )

    def _copies(self, side: Side, folder: Path) -> dict[cargo.Executable, Path]:
        executables = self._sides[side].executables
        if self._plan.config.measure.layouts == "one":
            return {executable: executable.path for executable in executables}
        place = folder / side
        place.mkdir(parents=True, exist_ok=True)
        return {
            executable: slices.copy_of(executable, place) for executable in executables
        }

    def _build(self, checkout: Checkout, like: Sequence[cargo.Target] = ()) -> _Built:
        side = checkout.side
        env = {**cargo.environment(checkout.target), **self._suite.env}
        self._plan.progress.say(f"{self._suite.name}: building the {side}'s benches")
        targets = cargo.bench_targets(checkout.project, self._suite)
        if like:
            names = {(t.package, t.name) for t in like}
            targets = tuple(t for t in targets if (t.package, t.name) in names)
        log = self._plan.log(self._suite.name, side)
        executables = cargo.build(targets, suite=self._suite, env=env, log=log)
        if not executables and side is Side.HEAD:
            raise ToolError(
                f"{checkout.project}: no criterion benches found",
                hint="a bench target needs `harness = false` and criterion among the "
                "dev-dependencies; see docs/configuration.md",
            )
        benches, failures = cargo.benchmarks(executables, suite=self._suite, env=env)
        self._plan.progress.say(
            f"{self._suite.name}: running the {side}'s {len(benches)} benchmarks once"
        )
        record = cargo.record(
            executables, suite=self._suite, env=env, log=log, brief=True
        )
        return _Built(
            checkout,
            env,
            executables,
            {bench.title: bench for bench in benches},
            record,
            failures,
        )

    def _build_base(self, head: _Built) -> _Built:
        """Build the base; where its benches don't, with the benches of the head."""
        plan = self._plan
        _share_lock_file(plan.base, plan.head)
        try:
            return self._build(plan.base)
        except ToolError as error:
            own = error
        targets = [executable.target for executable in head.executables]
        if not _lay_over(targets, plan.head.project, plan.base.project):
            raise own
        plan.progress.say(
            f"{self._suite.name}: the base's benches don't build; trying the head's"
        )
        try:
            built = self._build(plan.base, like=targets)
        except ToolError:
            raise ToolError(
                f"the base ({plan.base.commit.sha[:12]}) doesn't build: {own.problem}",
                hint="compare with a commit that builds: --base REF",
            ) from own
        doubt = Doubt(
            f"{self._suite.name}: the base's own benches don't build, so the head's "
            "were measured on the base's code"
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


def _joined(one: Round, other: Round) -> Round:
    return replace(
        one,
        samples={**one.samples, **other.samples},
        failures=(*one.failures, *other.failures),
        doubts=(*one.doubts, *other.doubts),
    )
