"""All suites → a measurement: of one side, or of both round by round, look by look.

A round is one slice a side of every benchmark and one window a side of every load
test. At each look the caller says what is still open; only that goes on.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import host, micro, services
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
)
from benchgate.tools import merge
from benchgate.units import format_quantity

OpenAfter = Callable[[Measurement], set[tuple[str, str]]]
Pair = tuple[Round, Round]
"""A round of the base and the one of the head that belongs to it."""

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
            cost=Cost(self._building, self._measuring),
        )

    def run(
        self,
        suites: Sequence[Suite],
        open_after: OpenAfter,
        also: Also = lambda _: {},
    ) -> Measurement:
        """Measure *suites* until *open_after* a look finds nothing, or the budget ends.

        *also* names suites that are made of those that are built, in the same rounds.
        Raises ToolError when a suite can't be built or started, and when the budget
        ends before anything was measured.
        """
        began = time.monotonic()
        for checkout in (self._plan.base, self._plan.head):
            self._environments[checkout.side] = host.environment(checkout.project)
        _check(suites, self._plan.head)
        ready: dict[str, PairedSuite] = {}
        try:
            for suite in suites:
                make = services.LoadPairs if suite.tool == "k6" else micro.MicroPairs
                ready[suite.name] = make(self._plan, suite)
            ready.update(also(ready))
            self._building = time.monotonic() - began
            self._measure(ready, open_after)
        finally:
            for suite_pairs in ready.values():
                suite_pairs.close()
        return self.measurement()

    def stopped(self) -> None:
        """Note that somebody stopped it; what is there may be judged all the same."""
        text = f"measuring was stopped after {_counted(self.rounds)}"
        self._after = Round({}, self._after.failures, (Doubt(text),))

    def _measure(self, suites: dict[str, PairedSuite], open_after: OpenAfter) -> None:
        settings = self._workshop.config.measure
        shares = shares_of_error(len(settings.looks))
        began = time.monotonic()
        deadline = began + settings.budget
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
        seen = {key for pair in self._pairs for key in pair[1].samples}
        measured = {(key.suite, key.benchmark) for key in seen}
        suites = {key.suite for key in seen}
        never = [
            (suite, "" if name == "*" else name)
            for suite, names in wanted.items()
            for name in sorted(names)
            if (suite not in suites if name == "*" else (suite, name) not in measured)
        ]
        self._after = Round(
            {},
            tuple(
                Failure(suite, name, f"it was not measured: {budget} was used up")
                for suite, name in never
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
    environment = host.environment(head.project)
    _check(suites, head)
    load_before = host.read_load()
    parts = [
        services.measure_alone(workshop, suite, head)
        if suite.tool == "k6"
        else micro.measure_alone(workshop, suite, head)
        for suite in suites
    ]
    whole = replace(
        merge([("", part) for part in parts]),
        started_at=time.time(),
        load=host.load_between(load_before, host.read_load()),
    )
    return Measurement(
        base=None,
        head=Run(head.commit, environment, (whole,)),
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
