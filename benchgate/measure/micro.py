"""Both sides of a criterion suite → rounds, in each a slice a side of each benchmark.

The two slices of a benchmark are run back to back.
"""

from __future__ import annotations

import math
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from benchgate.config import Suite
from benchgate.measure import cargo, git, slices
from benchgate.measure.inputs import changed_inputs
from benchgate.measure.layouts import Layouts, doubts_of, seed_of
from benchgate.measure.plan import Plan
from benchgate.measure.sides import MicroSide, build_base, build_side
from benchgate.model import Doubt, Failure, Round, Side
from benchgate.tools import merge
from benchgate.units import format_quantity

# Of the time that is left, what the record of one side may take; the slices measure.
_FOR_RECORD = 0.25
_SHOWN_INPUTS = 3
_UNMEASURED = "it was not measured: the budget was used up"


class MicroPairs:
    """The criterion benchmarks of one suite, ready to be measured in pairs."""

    def __init__(
        self,
        plan: Plan,
        suite: Suite,
        sides: tuple[MicroSide, MicroSide] | None = None,
    ) -> None:
        """Build both sides of *suite*; *sides* are base and head already built."""
        self._workshop = plan.workshop
        self._suite = suite
        if sides is None:
            head = build_side(plan.workshop, suite, plan.head)
            head = replace(head, doubts=(*head.doubts, *_of_inputs(plan, suite, head)))
            sides = build_base(plan, suite, head), head
        base, head = _named_alike(*sides)
        self._sides = {Side.BASE: base, Side.HEAD: head}
        renames = plan.workshop.config.renames
        self._pairs = matched(base.benches, head.benches, renames)
        self._broken: set[str] = set()
        self._seconds: dict[str, float] = {}
        self._slow = self._whole_seconds()

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return the names, as the head has them, that can still be measured."""
        return frozenset(head for _, head in self._pairs) - self._broken

    @property
    def base(self) -> MicroSide:
        """Return the base as it is built, and recorded once ``first`` is done."""
        return self._sides[Side.BASE]

    def built(
        self, benchmark: str
    ) -> dict[Side, tuple[cargo.Bench, Mapping[str, str | None]]]:
        """Return *benchmark*, as the head calls it, on each side with its environment.

        Its executables are those that Cargo linked.
        """
        titles = next(pair for pair in self._pairs if pair[1] == benchmark)
        return {
            side: (self._sides[side].benches[title], self._sides[side].env)
            for side, title in zip(Side, titles, strict=True)
        }

    def read_as_built(self) -> dict[str, float]:
        """Return the change of each benchmark in one run of both builds, as a share."""
        before, after = (
            slices.iterations_of(self._sides[side].record) for side in Side
        )
        return {
            head: after[head] / before[base] - 1
            for base, head in self._pairs
            if base in before
            and head in after
            and any(
                side.layouts
                and side.layouts.draws(side.benches[title].executable.target.title)
                for side, title in zip(self._sides.values(), (base, head), strict=True)
            )
        }

    def first(self, *, deadline: float) -> tuple[Round, Round]:
        """Run the suite once a side; return what only one side has, and what failed."""
        for side in (Side.HEAD, Side.BASE):
            left = max(deadline - time.monotonic(), 0.0)
            built = self._sides[side].recorded(brief=True, within=_FOR_RECORD * left)
            self._sides[side] = built
        base = self._alone(Side.BASE, {base for base, _ in self._pairs}, deadline)
        head = self._alone(Side.HEAD, {head for _, head in self._pairs}, deadline)
        return base, head

    def pair(
        self,
        rng: random.Random,
        *,
        number: int,
        wanted: Collection[str],
        deadline: float,
    ) -> tuple[Round, Round]:
        """Return one round: a slice a side of each benchmark in *wanted*.

        What the *deadline* leaves out is not in it.
        """
        folder = self._workshop.scratch / f"round-{number}"
        # Whose link is slow is there in every other round.
        wanted = [
            name
            for name in wanted
            if not any(number % layouts.every(t) for layouts, t, _ in self._drawn(name))
        ]
        order = self._order(rng, wanted)
        files = {
            side: built.drawn(
                {built.benches[titles[index]].executable for titles in order},
                folder,
                number=number,
            )
            for index, (side, built) in enumerate(self._sides.items())
        }
        parts = self._slices(order, rng, files, number=number, deadline=deadline)
        shutil.rmtree(folder, ignore_errors=True)
        layouts = [side.layouts for side in self._sides.values()]
        doubts = (*self._slow, *doubts_of(self._suite.name, *layouts))
        parts[Side.HEAD].append(("", Round({}, doubts=doubts)))
        return merge(parts[Side.BASE]), merge(parts[Side.HEAD])

    def pair_as_built(
        self, rng: random.Random, *, wanted: Collection[str], deadline: float
    ) -> tuple[Round, Round]:
        """Return a round of *wanted* by the executables as Cargo linked them."""
        files = {
            side: {executable: executable.path for executable in built.executables}
            for side, built in self._sides.items()
        }
        order = self._order(rng, wanted)
        parts = self._slices(order, rng, files, number=None, deadline=deadline)
        return merge(parts[Side.BASE]), merge(parts[Side.HEAD])

    def _order(
        self, rng: random.Random, wanted: Collection[str]
    ) -> list[tuple[str, str]]:
        order = [p for p in self._pairs if p[1] in wanted and p[1] not in self._broken]
        rng.shuffle(order)
        return order

    def _slices(
        self,
        order: Sequence[tuple[str, str]],
        rng: random.Random,
        files: Mapping[Side, dict[cargo.Executable, Path]],
        *,
        number: int | None,
        deadline: float,
    ) -> dict[Side, list[tuple[str, Round]]]:
        """Return a slice a side of each in *order*, the first side by coin.

        Where a link takes longer than the slices, the quietest of several pairs.
        """
        parts: dict[Side, list[tuple[str, Round]]] = {side: [] for side in Side}
        pairs_each = {} if number is None else self._pairs_each(order)
        for titles in order:
            if time.monotonic() >= deadline:
                break
            began = time.monotonic()
            pairs = [
                dict(self._pair_of(titles, rng, files, number))
                for _ in range(pairs_each.get(titles[1], 1))
            ]
            took = time.monotonic() - began
            self._seconds[titles[1]] = took / (len(Side) * len(pairs))
            quietest = slices.quietest(pairs)
            for side, part in quietest.items():
                parts[side].append(("", part))
            if any(part.failures for part in quietest.values()):
                self._broken.add(titles[1])
        return parts

    def _pair_of(
        self,
        titles: tuple[str, str],
        rng: random.Random,
        files: Mapping[Side, dict[cargo.Executable, Path]],
        number: int | None,
    ) -> Iterator[tuple[Side, Round]]:
        """Yield a slice of each side, the first by coin, whatever comes of the other.

        So the report names who fails.
        """
        title = dict(zip(Side, titles, strict=True))
        sides = list(Side)
        if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
            sides.reverse()
        for side in sides:
            bench = self._sides[side].benches[title[side]]
            yield side, self._drawn_slice(side, bench, files[side], number)

    def _pairs_each(self, order: Sequence[tuple[str, str]]) -> dict[str, int]:
        """Return how many pairs of slices each in *order* is to get in its layouts."""
        drawn = {name: list(self._drawn(name)) for _, name in order}
        seconds: dict[tuple[Side, str], float] = defaultdict(float)
        for layouts, title, takes in chain.from_iterable(drawn.values()):
            seconds[layouts.side, title] += takes
        return {
            name: max(
                (
                    layouts.slices_each(title, seconds=seconds[layouts.side, title])
                    for layouts, title, _ in each
                ),
                default=1,
            )
            for name, each in drawn.items()
        }

    def _drawn(self, name: str) -> Iterator[tuple[Layouts, str, float]]:
        """Yield what draws layouts of benchmark *name*, and of which executable.

        Once a side, with the seconds that its last slice took: what an author sets in
        the code beats our flags, so that isn't known before.
        """
        for side, (bench, _) in self.built(name).items():
            layouts = self._sides[side].layouts
            if layouts:
                title = bench.executable.target.title
                yield layouts, title, self._seconds.get(name, math.inf)

    def close(self) -> None:
        """Nothing stays open between rounds."""

    def _whole_seconds(self) -> tuple[Doubt, ...]:
        """Return a doubt where an old criterion makes rounds too long for the budget.

        Less than a second of warming up and of measuring was not to be had of it.
        """
        benches = self._sides[Side.HEAD].benches
        old = [n for _, n in self._pairs if not benches[n].executable.fractions]
        measure = self._workshop.config.measure
        round_takes = len(old) * len(Side) * slices.SHORTEST_OF_OLD
        if not old:
            return ()
        fitting = math.floor(measure.budget / round_takes)
        if fitting >= measure.looks[0]:
            return ()
        text = (
            f"{self._suite.name}: criterion before 0.4 measures for whole seconds, so "
            f"that a round of {len(old)} benchmarks takes "
            f"{format_quantity(round_takes, 's')} and the budget holds {fitting}: "
            "update criterion, raise `measure.budget`, or name fewer `benches`"
        )
        return (Doubt(text),)

    def _drawn_slice(
        self,
        side: Side,
        bench: cargo.Bench,
        files: dict[cargo.Executable, Path],
        number: int | None,
    ) -> Round:
        """Return one slice; what fails only in its layout is run as it was built."""
        executable = bench.executable
        part = self._slice(side, bench, files[executable], number)
        layouts = self._sides[side].layouts
        if not part.failures or layouts is None or number is None:
            return part
        if files[executable] == executable.path:
            return part
        # What fails only now and then is ill in any layout.
        if not self._slice(side, bench, files[executable], None).failures:
            return part
        again = self._slice(side, bench, executable.path, number)
        if again.failures:
            return part
        files[executable] = executable.path
        ending = part.failures[0].reason.removeprefix(f"{side}: ")
        layouts.crashed(executable.target.title, ending, seed=seed_of(side, number))
        return again

    def _slice(
        self, side: Side, bench: cargo.Bench, path: Path, number: int | None
    ) -> Round:
        kept = None
        if number is not None:
            kept = self._workshop.raw(self._suite.name, number, side, "ndjson")
        part = self._sides[side].slice(
            bench, path, seconds=self._workshop.config.measure.slice, raw=kept
        )
        return replace(part, failures=_of(side, part.failures))

    def _alone(self, side: Side, paired: Collection[str], deadline: float) -> Round:
        """Return what *side* has and the other hasn't: the record is enough for it."""
        built = self._sides[side]
        alone = {title: b for title, b in built.benches.items() if title not in paired}
        known = {k: s for k, s in built.record.samples.items() if k.benchmark in alone}
        parts = [Round(known, _of(side, built.failures), built.doubts)]
        for title in sorted(alone.keys() - {key.benchmark for key in known}):
            if time.monotonic() >= deadline:
                failure = Failure(self._suite.name, title, _UNMEASURED)
                parts.append(Round({}, _of(side, (failure,))))
                continue
            bench = alone[title]
            parts.append(self._slice(side, bench, bench.executable.path, None))
        return merge([("", part) for part in parts])


def matched(
    base: Collection[str], head: Collection[str], renames: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return (base's name, head's name) of what both sides have, in base's order.

    A rename says nothing of a base that has the new name already.
    """
    pairs = []
    for name in base:
        new = renames.get(name, name)
        if new != name and new in base:
            new = name
        if new in head:
            pairs.append((name, new))
    return pairs


def _named_alike(base: MicroSide, head: MicroSide) -> tuple[MicroSide, MicroSide]:
    """Return both sides with a target's name beside what two targets of one have."""
    shared = {
        bench.title
        for side in (base, head)
        for bench in side.benches.values()
        if bench.shared
    }
    return base.sharing(shared), head.sharing(shared)


def _of(side: Side, failures: Sequence[Failure]) -> tuple[Failure, ...]:
    return tuple(replace(f, reason=f"{side}: {f.reason}") for f in failures)


def _of_inputs(plan: Plan, suite: Suite, head: MicroSide) -> tuple[Doubt, ...]:
    """Return a doubt for what the benches read, where that is another on the base."""
    changed = git.changed_files(plan.head.root, plan.base.commit.sha)
    folders = {executable.target.folder for executable in head.executables}
    found = changed_inputs(plan.head.root, changed, folders)
    if not found:
        return ()
    names = ", ".join(found[:_SHOWN_INPUTS])
    more = f" and {len(found) - _SHOWN_INPUTS} more" * (len(found) > _SHOWN_INPUTS)
    text = f"{suite.name}: {names}{more} changed, which benches seem to read: where "
    return (Doubt(f"{text}they do, base and head measure different inputs"),)
