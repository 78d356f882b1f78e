"""All suites → a measurement: of one side, or of both round by round, look by look.

A round is one slice a side of every benchmark and one window a side of every load
test. At each look the caller says what is still open; only that goes on.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import counts, host, micro, services, sides
from benchgate.measure.cargo import Bench
from benchgate.measure.plan import Checkout, Plan, Workshop
from benchgate.model import Comparison as Cleared
from benchgate.model import (
    Cost,
    Design,
    Doubt,
    Environment,
    Failure,
    Measurement,
    Round,
    Run,
    Side,
    Unit,
    Witness,
)
from benchgate.tools import merge
from benchgate.units import format_quantity

OpenAfter = Callable[[Measurement], set[tuple[str, str]]]
SuspectsIn = Callable[[Measurement], Sequence[tuple[str, str]]]
SurprisesIn = Callable[
    [Measurement, Mapping[tuple[str, str], float]], Sequence[tuple[str, str]]
]


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a judgement of the rounds so far calls for.

    ``open_after`` a look: what more rounds may settle. ``suspects_in`` all rounds: what
    seems to be slower, and is worth a closer look. ``surprises_in`` them: what read
    otherwise in the executables as built, and is worth running once more like that.
    """

    open_after: OpenAfter
    suspects_in: SuspectsIn = lambda _: ()
    surprises_in: SurprisesIn = lambda _, __: ()


Pair = tuple[Round, Round]
"""A round of the base and the one of the head that belongs to it."""

# A single pair tells nothing of how far it may stray.
_FEWEST_PAIRS = 2
# Pairs of slices of what reads slower as it was built, and what they all may take.
_PAIRS_AS_BUILT = 8
_AS_BUILT_WITHIN = 60.0
# Later looks get more of the allowed error: by then the data are worth more.
_SHARES = {1: (1.0,), 2: (0.4, 0.6), 3: (0.2, 0.3, 0.5)}


class PairedSuite(Protocol):
    """A suite that was built on both sides; deadlines are of the monotonic clock."""

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return what can still be measured; ``*`` stands for all of a suite."""

    def first(self, *, deadline: float) -> Pair:
        """Return what is learnt before the first round, base and head."""

    def pair(
        self,
        rng: random.Random,
        *,
        number: int,
        wanted: frozenset[str],
        deadline: float,
    ) -> Pair:
        """Return one round of *wanted*; what the *deadline* leaves out is not in it."""

    def close(self) -> None:
        """Let go of what is running."""


@runtime_checkable
class LinkedSuite(PairedSuite, Protocol):
    """A suite of executables that Cargo linked, each with benchmarks in it."""

    def built(
        self, benchmark: str
    ) -> Mapping[Side, tuple[Bench, Mapping[str, str | None]]]:
        """Return *benchmark*, as the head calls it, on each side with its variables."""

    def read_as_built(self) -> Mapping[str, float]:
        """Return the change of each benchmark in one run of both builds, as a share."""

    def pair_as_built(
        self, rng: random.Random, *, wanted: Collection[str], deadline: float
    ) -> Pair:
        """Return one round of *wanted* in no other layout than the one of the build."""


Also = Callable[[Mapping[str, PairedSuite]], Mapping[str, PairedSuite]]
"""What makes more suites, by name, of those that are built."""


def shares_of_error(looks: int) -> tuple[float, ...]:
    """Return which part of the allowed error each of *looks* looks may spend."""
    if looks in _SHARES:
        return _SHARES[looks]
    total = looks * (looks + 1) / 2
    return tuple((i + 1) / total for i in range(looks))


class Comparison:
    """A comparison in pairs under way; what was measured is there at any time."""

    def __init__(
        self,
        plan: Plan,
        *,
        left_out: Sequence[Doubt],
        cleared: Sequence[Cleared] = (),
    ) -> None:
        """Start with nothing measured; *left_out* and *cleared* will stay out."""
        self._plan = plan
        self._workshop = plan.workshop
        self._left_out = tuple(left_out)
        self._cleared = tuple(cleared)
        # A pair is added whole: a signal between its two sides would tear them apart.
        self._pairs: list[Pair] = []
        self._before: Pair = (Round({}), Round({}))
        self._after = Round({})
        self._environments = {side: Environment() for side in Side}
        self._witnesses: list[Witness] = []
        self._as_built: list[Pair] = []
        self._is_measured = False
        self._share = 1.0
        self._building = 0.0
        self._measuring = 0.0

    @property
    def rounds(self) -> int:
        """Return how many whole rounds were measured."""
        return len(self._pairs)

    def measurement(self) -> Measurement:
        """Return what was measured so far."""
        return Measurement(
            base=self._run(self._plan.base),
            head=self._run(self._plan.head),
            design=Design.PAIRED,
            share_of_error=self._share,
            left_out=self._left_out,
            cleared=self._cleared,
            witnesses=tuple(self._witnesses),
            as_built=self._runs_as_built(),
            cost=Cost(self._building, self._measuring),
        )

    def run(
        self,
        suites: Sequence[Suite],
        guidance: Guidance,
        also: Also = lambda _: {},
    ) -> Measurement:
        """Measure *suites* until *guidance* calls for no more, or the budget ends.

        *also* names suites that are made of those that are built, in the same rounds.
        Raises ToolError when a suite can't be built or started, and when the budget
        ends before anything was measured.
        """
        began = time.monotonic()
        _check(suites, self._plan.head)
        ready: dict[str, PairedSuite] = {}
        try:
            for suite in suites:
                make = services.LoadPairs if suite.tool == "k6" else micro.MicroPairs
                ready[suite.name] = make(self._plan, suite)
            ready.update(also(ready))
            # Building may have made the lock files.
            for checkout in (self._plan.base, self._plan.head):
                self._environments[checkout.side] = host.environment(checkout.project)
            self._building = time.monotonic() - began
            deadline = time.monotonic() + self._workshop.config.measure.budget
            self._measure(ready, guidance.open_after, deadline=deadline)
            self._is_measured = True
            self._run_as_built(ready, guidance.surprises_in, deadline=deadline)
            if self.rounds and counts.is_there():
                suspects = guidance.suspects_in(self.measurement())
                self._count_work(ready, suspects, deadline=deadline)
        finally:
            for suite_pairs in ready.values():
                suite_pairs.close()
        return self.measurement()

    def stopped(self) -> None:
        """Note that somebody stopped it; what is there may be judged all the same."""
        if self._is_measured:
            return
        text = f"measuring was stopped after {_counted(self.rounds)}"
        self._after = Round({}, self._after.failures, (Doubt(text),))

    def _measure(
        self,
        suites: dict[str, PairedSuite],
        open_after: OpenAfter,
        *,
        deadline: float,
    ) -> None:
        settings = self._workshop.config.measure
        shares = shares_of_error(len(settings.looks))
        began = time.monotonic()
        firsts = [suite.first(deadline=deadline) for suite in suites.values()]
        base, head = _merged(firsts)
        self._before = (self._uncleared(base), self._uncleared(head))
        wanted = {
            name: _without(name, suite.benchmarks, self._cleared)
            for name, suite in suites.items()
        }
        for look, share in zip(settings.looks, shares, strict=True):
            self._share = share
            while self.rounds < look and any(wanted.values()):
                if time.monotonic() >= deadline:
                    self._stop_early(wanted)
                    return
                self._round(suites, wanted, deadline=deadline)
                self._measuring = time.monotonic() - began
                self._workshop.progress.advance(
                    rounds=self.rounds,
                    of=settings.looks[-1],
                    seconds=self._measuring,
                    budget=settings.budget,
                )
                wanted = {
                    n: wanted[n] & suite.benchmarks for n, suite in suites.items()
                }
            if look == settings.looks[-1] or not any(wanted.values()):
                return
            still_open = open_after(self.measurement())
            wanted = {
                name: _open_in(name, suite.benchmarks, still_open)
                for name, suite in suites.items()
            }
            if not any(wanted.values()):
                return  # the next look's share of the error is not spent
            self._workshop.progress.say(
                f"after {self.rounds} rounds {len(still_open)} benchmarks are open"
            )

    def _count_work(
        self,
        suites: Mapping[str, PairedSuite],
        suspects: Sequence[tuple[str, str]],
        *,
        deadline: float,
    ) -> None:
        """Count what an iteration of each of *suspects* does, the worst first.

        What the *deadline* leaves out has no witness.
        """
        began = time.monotonic()
        deadline = min(deadline, began + counts.WITHIN)
        for number, (name, benchmark) in enumerate(suspects):
            suite = suites[name]
            if time.monotonic() >= deadline:
                return
            if not isinstance(suite, LinkedSuite):
                continue
            self._workshop.progress.say(
                f"counting the instructions of {number + 1} of {len(suspects)} "
                "benchmarks that seem to be slower"
            )
            built = suite.built(benchmark)
            witness = counts.witness(built, suite=name, deadline=deadline)
            if witness:
                self._witnesses.append(witness)
        self._measuring += time.monotonic() - began

    def _run_as_built(
        self,
        suites: Mapping[str, PairedSuite],
        surprises_in: SurprisesIn,
        *,
        deadline: float,
    ) -> None:
        """Run what *surprises_in* finds as Cargo linked it, in a few pairs of slices.

        What the *deadline* leaves out is not in them, and neither is what fails.
        """
        linked = {n: s for n, s in suites.items() if isinstance(s, LinkedSuite)}
        read = {
            (name, benchmark): change
            for name, suite in linked.items()
            for benchmark, change in suite.read_as_built().items()
        }
        if not read or not self.rounds:
            return
        wanted = surprises_in(self.measurement(), read)
        if not wanted:
            return
        self._workshop.progress.say(
            f"running {len(wanted)} benchmarks as built, to tell luck from code"
        )
        began = time.monotonic()
        deadline = min(deadline, began + _AS_BUILT_WITHIN)
        for number in range(_PAIRS_AS_BUILT):
            rng = random.Random(self._seed(-1 - number))  # noqa: S311 - as in a round
            made = [
                suite.pair_as_built(
                    rng,
                    wanted=[b for of, b in wanted if of == name],
                    deadline=deadline,
                )
                for name, suite in linked.items()
            ]
            base, head = _merged(made)
            if time.monotonic() >= deadline:
                break
            self._as_built.append((Round(base.samples), Round(head.samples)))
        self._measuring += time.monotonic() - began

    def _runs_as_built(self) -> tuple[Run, Run] | None:
        if not self._as_built:
            return None
        base, head = (tuple(side) for side in zip(*self._as_built, strict=True))
        before, after = self._plan.base, self._plan.head
        return (
            Run(before.commit, self._environments[Side.BASE], base),
            Run(after.commit, self._environments[Side.HEAD], head),
        )

    def _uncleared(self, before: Round) -> Round:
        """Return *before* without what is cleared: the base may be older than it."""
        keys = {(c.key.suite, c.key.benchmark) for c in self._cleared}
        kept = {
            k: r
            for k, r in before.samples.items()
            if (k.suite, k.benchmark) not in keys
        }
        return replace(before, samples=kept)

    def _round(
        self,
        suites: dict[str, PairedSuite],
        wanted: dict[str, frozenset[str]],
        *,
        deadline: float,
    ) -> None:
        number = self.rounds
        rng = random.Random(self._seed(number))  # noqa: S311 - an order, no secret
        load_before = host.read_load()
        base, head = _merged(
            suite.pair(rng, number=number, wanted=wanted[name], deadline=deadline)
            for name, suite in suites.items()
        )
        seen = host.load_between(load_before, host.read_load())
        now = time.time()
        self._pairs.append(
            (
                replace(base, started_at=now, load=seen),
                replace(head, started_at=now, load=seen),
            )
        )

    def _stop_early(self, wanted: dict[str, frozenset[str]]) -> None:
        """Note what the budget left open, and fail what it left out altogether."""
        seconds = self._workshop.config.measure.budget
        budget = f"the budget of {format_quantity(seconds, Unit.SECOND)}"
        hint = "raise `measure.budget`, or pass --budget"
        if not self._pairs:
            problem = f"{budget} was used up before the first round"
            raise ToolError(problem, hint=hint)
        number = sum(map(len, wanted.values()))
        after = f"after {_counted(self.rounds)} with {number} still open"
        pairs_by_name = Counter(
            name
            for _, head in self._pairs
            for name in {(key.suite, key.benchmark) for key in head.samples}
        )
        enough = {n for n, pairs in pairs_by_name.items() if pairs >= _FEWEST_PAIRS}
        suites = {suite for suite, _ in enough}
        begun = {*pairs_by_name, *((suite, "") for suite, _ in pairs_by_name)}
        missed = [
            (suite, "" if name == "*" else name)
            for suite, names in wanted.items()
            for name in sorted(names)
            if (suite not in suites if name == "*" else (suite, name) not in enough)
        ]
        once = "it was measured once, and any spread needs 2 rounds"
        self._after = Round(
            {},
            tuple(
                Failure(
                    suite,
                    name,
                    f"{once if (suite, name) in begun else 'it was not measured'}: "
                    f"{budget} was used up",
                )
                for suite, name in missed
            ),
            (Doubt(f"{budget} was used up {after}: {hint}"),),
        )

    def _seed(self, number: int) -> int:
        # By the commits, not the clock: the order can be reproduced.
        commits = f"{self._plan.base.commit.sha}:{self._plan.head.commit.sha}:{number}"
        return int.from_bytes(hashlib.sha256(commits.encode()).digest()[:8], "big")

    def _run(self, checkout: Checkout) -> Run:
        """Return the rounds of one side.

        What was learnt before the first belongs to it, and what was seen at the end
        to the last; neither is a round of its own, unless there is no other.
        """
        index = list(Side).index(checkout.side)
        rounds = [pair[index] for pair in self._pairs]
        before = self._before[index]
        if rounds:
            rounds[0] = replace(
                merge([("", rounds[0]), ("", before)]),
                started_at=rounds[0].started_at,
                load=rounds[0].load,
            )
        elif any((r.samples or r.failures or r.doubts) for r in self._before):
            rounds = [before]
        if rounds and checkout.side is Side.HEAD:
            last = rounds[-1]
            rounds[-1] = replace(
                last,
                failures=(*last.failures, *self._after.failures),
                doubts=(*last.doubts, *self._after.doubts),
            )
        environment = self._environments[checkout.side]
        return Run(checkout.commit, environment, tuple(rounds))


def measure_alone(
    workshop: Workshop,
    suites: Sequence[Suite],
    head: Checkout,
    *,
    left_out: Sequence[Doubt],
) -> Measurement:
    """Return one round of *suites* on *head* alone, which is what a store keeps."""
    began = time.monotonic()
    _check(suites, head)
    load_before = host.read_load()
    parts = [
        services.measure_alone(workshop, suite, head)
        if suite.tool == "k6"
        else sides.measure_alone(workshop, suite, head)
        for suite in suites
    ]
    whole = replace(
        merge([("", part) for part in parts]),
        started_at=time.time(),
        load=host.load_between(load_before, host.read_load()),
    )
    return Measurement(
        base=None,
        head=Run(head.commit, host.environment(head.project), (whole,)),
        design=Design.STORED,
        left_out=tuple(left_out),
        cost=Cost(measuring=time.monotonic() - began),
    )


def _check(suites: Sequence[Suite], head: Checkout) -> None:
    for suite in suites:
        if suite.tool == "k6":
            services.check(suite, head)


def _merged(pairs: Iterable[Pair]) -> Pair:
    """Return one pair of what several suites gave."""
    both = list(pairs)
    base = merge([("", base) for base, _ in both])
    head = merge([("", head) for _, head in both])
    return base, head


def _counted(rounds: int) -> str:
    return "1 round" if rounds == 1 else f"{rounds} rounds"


def _without(
    suite: str, benchmarks: frozenset[str], cleared: Sequence[Cleared]
) -> frozenset[str]:
    return benchmarks - {c.key.benchmark for c in cleared if c.key.suite == suite}


def _open_in(
    suite: str, benchmarks: frozenset[str], still_open: set[tuple[str, str]]
) -> frozenset[str]:
    names = frozenset(name for place, name in still_open if place == suite)
    if "*" in benchmarks:
        return benchmarks if names else frozenset()
    return benchmarks & names
