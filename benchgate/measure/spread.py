"""The criterion benches of a checkout → slices of each in many layouts of one code.

All layouts of a round are linked before its first slice and removed after its last.
The slices come in random order, so that a burst hits all layouts alike. What Cargo
linked is one layout more, and is copied for each round, as others are linked anew.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.config import Config, Measure
from benchgate.doctor import Drawings, Drawn
from benchgate.errors import UsageError
from benchgate.measure import cargo, slices
from benchgate.measure.layouts import Layouts, doubts_of
from benchgate.measure.plan import Checkout, Progress, Workshop
from benchgate.measure.selection import measurable
from benchgate.measure.sides import MicroSide, build_side
from benchgate.model import Commit, Round, Sample, Side, Statistic
from benchgate.tools import merge
from benchgate.units import format_quantity

ROUNDS = 3
# Two tell a layout from the noise in it, if the budget ends before the third.
_FEWEST_ROUNDS = 2
_AS_BUILT = 0


@dataclass(frozen=True, eq=False, slots=True)
class _Subject:
    """A benchmark, the side that it is a part of, and what draws its layouts.

    ``seconds`` is what one slice of it takes, from start to end.
    """

    side: MicroSide
    bench: cargo.Bench
    layouts: Layouts
    seconds: float = 0.0

    @property
    def title(self) -> str:
        return self.bench.executable.target.title

    @property
    def seconds_to_draw(self) -> float:
        """Return what a layout takes, 0 where none can be drawn."""
        return self.layouts.cost(self.title)

    def named(self, text: str) -> str:
        """Return *text* as one about this benchmark."""
        return f"{self.side.suite.name}: {self.bench.name}: {text}"


Slices = dict[int, list[float]]
"""The seconds of an iteration in the slices of each layout, by its seed."""


def measure_drawings(
    folder: Path, config: Config, *, number: int, work: Path, progress: Progress
) -> Drawings:
    """Build the benches at *folder* and run each benchmark in *number* layouts.

    *work* takes how they are linked, as for comparisons, and until the end the layouts.
    Raises ToolError where nothing builds, UsageError where there are no benches.
    """
    suites = [s for s in measurable(config)[0] if s.tool == "criterion"]
    if not suites:
        raise UsageError(
            "--layouts: no suite is one of criterion",
            hint="leave --layouts out, or add a suite with `tool: criterion`",
        )
    config = replace(config, measure=replace(config.measure, layouts="fresh"))
    head = Checkout(Side.HEAD, Commit(), folder, folder, links=work / "links")
    with _empty(work / "layouts") as scratch:
        workshop = Workshop(config, scratch, scratch, progress)
        sides = [build_side(workshop, suite, head) for suite in suites]
        return _Study(sides, number, workshop).drawings()


@contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    """Yield *folder* without what a process that was killed left; it is gone after."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Study:
    """Benchmarks that are run in layouts, and what was measured of them so far."""

    def __init__(
        self, sides: Sequence[MicroSide], number: int, workshop: Workshop
    ) -> None:
        """Start with nothing measured; the budget counts from here."""
        self._sides = sides
        self._seeds = range(1, number + 1)
        self._workshop = workshop
        self._began = time.monotonic()
        self._left_out: list[str] = []
        self._broken: set[_Subject] = set()
        self._rng = random.Random(number)  # noqa: S311 - an order, no secret

    def drawings(self) -> Drawings:
        """Run everything that the budget holds."""
        subjects = self._affordable(self._drawable())
        measured: dict[_Subject, Slices] = {
            subject: defaultdict(list) for subject in subjects
        }
        if subjects:
            self._workshop.progress.say(
                f"measuring {_counted(subjects)} in {len(self._seeds)} layouts each"
            )
        for number in range(ROUNDS):
            if self._is_over:
                break
            self._round(number, measured)
        benchmarks = [self._drawn(s, measured[s]) for s in subjects]
        unlinked = [
            doubt.text
            for side in self._sides
            for doubt in doubts_of(side.suite.name, side.layouts)
        ]
        return Drawings(
            len(self._seeds),
            tuple(drawn for drawn in benchmarks if drawn),
            (*self._unbuilt(), *unlinked, *self._left_out),
        )

    @property
    def _measure(self) -> Measure:
        return self._workshop.config.measure

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def _is_over(self) -> bool:
        return self._seconds >= self._measure.budget

    def _unbuilt(self) -> Iterator[str]:
        for side in self._sides:
            for failure in side.failures:
                name = f"{failure.suite}: {failure.benchmark}".removesuffix(": ")
                yield f"{name}: {failure.reason}"
            yield from (doubt.text for doubt in side.doubts)

    def _drawable(self) -> list[_Subject]:
        """Return what can be run in layouts, in random order."""
        known = [
            _Subject(side, bench, side.layouts)
            for side in self._sides
            if side.layouts
            for bench in side.benches.values()
        ]
        found = [subject for subject in known if subject.seconds_to_draw]
        self._rng.shuffle(found)
        return found

    def _affordable(self, subjects: Sequence[_Subject]) -> list[_Subject]:
        """Run a slice of each of *subjects* as built; return those that fit, known.

        That slice tells what all others will take, and how long an iteration is.
        """
        chosen: list[_Subject] = []
        linked: set[tuple[str, cargo.Executable]] = set()
        committed, beyond = 0.0, 0
        for subject in subjects:
            if self._seconds + committed >= self._measure.budget:
                beyond += 1
                continue
            tried = self._tried(subject)
            if tried is None:
                continue
            executable = (subject.side.suite.name, subject.bench.executable)
            cost = tried.seconds * (len(self._seeds) + 1)
            if executable not in linked:
                cost += subject.seconds_to_draw * len(self._seeds)
            if self._seconds + committed + cost * ROUNDS > self._measure.budget:
                beyond += 1
                continue
            committed += cost * ROUNDS
            linked.add(executable)
            chosen.append(tried)
        if beyond:
            self._left_out.append(
                f"{self._budget()} holds {len(chosen)} of {_counted(subjects)} in "
                f"{len(self._seeds)} layouts: raise `measure.budget` for the others"
            )
        return chosen

    def _tried(self, subject: _Subject) -> _Subject | None:
        """Return *subject* with what a slice takes, None where it fails."""
        side, bench = subject.side, subject.bench
        seconds = self._measure.slice
        began = time.monotonic()
        # As few samples as can be: so far an iteration may take a minute.
        brief = slices.plan(seconds, seconds)
        part = slices.run_slice(
            bench, bench.executable.path, brief, suite=side.suite.name, env=side.env
        )
        if part.failures:
            self._left_out.append(subject.named(part.failures[0].reason))
            return None
        record = merge([("", side.record), ("", part)])
        known = replace(side, record=record)
        return replace(subject, side=known, seconds=time.monotonic() - began)

    def _round(self, number: int, measured: dict[_Subject, Slices]) -> None:
        """Add a slice of each benchmark in each layout, as far as the budget goes."""
        with _empty(self._workshop.scratch / f"round-{number}") as folder:
            files = self._linked(measured.keys(), folder)
            visits = [(s, seed) for s in measured for seed in files.get(s, ())]
            self._rng.shuffle(visits)
            for subject, seed in visits:
                if self._is_over:
                    return
                if subject in self._broken:
                    continue
                place = files[subject][seed]
                measured[subject][seed] += self._slice(subject, place, seed)
                self._workshop.progress.advance(
                    rounds=number + 1,
                    of=ROUNDS,
                    seconds=self._seconds,
                    budget=self._measure.budget,
                )

    def _linked(
        self, subjects: Collection[_Subject], folder: Path
    ) -> dict[_Subject, dict[int, Path]]:
        """Return the file of each layout; nothing of an executable that has none."""
        made: dict[tuple[str, cargo.Executable], dict[int, Path]] = {}
        found = {}
        for subject in subjects:
            suite, executable = subject.side.suite.name, subject.bench.executable
            if (suite, executable) not in made:
                own = folder / str(len(made))
                made[suite, executable] = self._layouts_of(subject, own)
            found[subject] = made[suite, executable]
        return found

    def _layouts_of(self, subject: _Subject, folder: Path) -> dict[int, Path]:
        path = subject.bench.executable.path
        files = {}
        for seed in self._seeds:
            if self._is_over:
                return {}
            place = subject.layouts.draw(
                subject.title, path, folder / str(seed), seed=seed
            )
            if place == path:
                return {}  # its doubts say why
            files[seed] = place
        copy = folder / "as-built" / path.name
        copy.parent.mkdir()
        shutil.copy(path, copy)
        return {**files, _AS_BUILT: copy}

    def _slice(self, subject: _Subject, place: Path, seed: int) -> list[float]:
        """Return the seconds of an iteration, none if that failed."""
        part = subject.side.slice(subject.bench, place, seconds=self._measure.slice)
        if part.failures:
            where = f"in the layout of seed {seed}" if seed else "in a copy elsewhere"
            reason = f"{where} {part.failures[0].reason}"
            self._left_out.append(subject.named(reason))
            self._broken.add(subject)
        return _seconds_in(part)

    def _drawn(self, subject: _Subject, found: Slices) -> Drawn | None:
        """Return what whole rounds tell of *subject*, None where they are too few."""
        if subject in self._broken:
            return None
        seeds = (*self._seeds, _AS_BUILT)
        rounds = min(len(found[seed]) for seed in seeds)
        if rounds < _FEWEST_ROUNDS:
            if self._is_over:
                reason = f"{self._budget()} was used up: raise `measure.budget`"
                self._left_out.append(subject.named(reason))
            return None
        *layouts, as_built = (tuple(found[seed][:rounds]) for seed in seeds)
        suite = subject.side.suite.name
        return Drawn(suite, subject.bench.name, tuple(layouts), as_built)

    def _budget(self) -> str:
        return f"the budget of {format_quantity(self._measure.budget, 's')}"


def _seconds_in(part: Round) -> list[float]:
    """Return the times of a slice that bursts move least: the quickest tenth's last."""
    return [
        sample.value(Statistic.Q10)
        for sample in part.samples.values()
        if isinstance(sample, Sample)
    ]


def _counted(subjects: Sequence[_Subject]) -> str:
    return f"{len(subjects)} benchmark{'' if len(subjects) == 1 else 's'}"
