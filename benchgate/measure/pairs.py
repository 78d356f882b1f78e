"""All suites → a measurement: of one side, or of both round by round, look by look.

A round is one slice a side of every benchmark and one window a side of every load
test. At each look the caller says what is still open; only that goes on.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from benchgate.config import Suite
from benchgate.measure import host, micro, services
from benchgate.measure.plan import Checkout, Plan, Workshop
from benchgate.model import (
    Cost,
    Design,
    Doubt,
    Environment,
    Measurement,
    Round,
    Run,
    Side,
)
from benchgate.tools import merge

OpenAfter = Callable[[Measurement], set[tuple[str, str]]]

# Later looks get more of the allowed error: by then the data are worth more.
_SHARES = {1: (1.0,), 2: (0.4, 0.6), 3: (0.2, 0.3, 0.5)}


class PairedSuite(Protocol):
    """A suite that was built on both sides."""

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return what can still be measured; ``*`` stands for all of a suite."""

    def first(self) -> tuple[Round, Round]:
        """Return what was learnt before the first round, base and head."""

    def pair(
        self, rng: random.Random, *, number: int, wanted: frozenset[str]
    ) -> tuple[Round, Round]:
        """Return one round of *wanted*, base and head."""

    def close(self) -> None:
        """Let go of what is running."""


def shares_of_error(looks: int) -> tuple[float, ...]:
    """Return which part of the allowed error each of *looks* looks may spend."""
    if looks in _SHARES:
        return _SHARES[looks]
    total = looks * (looks + 1) / 2
    return tuple((i + 1) / total for i in range(looks))


class Comparison:
    """A comparison in pairs under way; what was measured is there at any time."""

    def __init__(self, plan: Plan, *, left_out: Sequence[Doubt]) -> None:
        """Start with nothing measured; *left_out* will stay out."""
        self._plan = plan
        self._workshop = plan.workshop
        self._left_out = tuple(left_out)
        self._rounds: dict[Side, list[Round]] = {side: [] for side in Side}
        self._environment = Environment()
        self._share = 1.0
        self._building = 0.0
        self._measuring = 0.0
        self._doubts: tuple[Doubt, ...] = ()
        self._before: list[tuple[Round, Round]] = []

    @property
    def rounds(self) -> int:
        """Return how many whole rounds were measured."""
        return len(self._rounds[Side.HEAD])

    def measurement(self) -> Measurement:
        """Return what was measured so far."""
        return Measurement(
            base=self._run(self._plan.base),
            head=self._run(self._plan.head),
            design=Design.PAIRED,
            share_of_error=self._share,
            left_out=self._left_out,
            cost=Cost(self._building, self._measuring),
        )

    def run(self, suites: Sequence[Suite], open_after: OpenAfter) -> Measurement:
        """Measure *suites* until *open_after* a look finds nothing, or the budget ends.

        Raises ToolError when a suite can't be built or started.
        """
        began = time.monotonic()
        self._environment = host.environment(self._plan.head.project)
        ready: dict[str, PairedSuite] = {}
        try:
            for suite in suites:
                make = services.LoadPairs if suite.tool == "k6" else micro.MicroPairs
                ready[suite.name] = make(self._plan, suite)
            self._building = time.monotonic() - began
            self._measure(ready, open_after)
        finally:
            for suite_pairs in ready.values():
                suite_pairs.close()
        return self.measurement()

    def _measure(self, suites: dict[str, PairedSuite], open_after: OpenAfter) -> None:
        settings = self._workshop.config.measure
        shares = shares_of_error(len(settings.looks))
        began = time.monotonic()
        self._before = [suite.first() for suite in suites.values()]
        wanted = {name: suite.benchmarks for name, suite in suites.items()}
        longest = 0.0
        for look, share in zip(settings.looks, shares, strict=True):
            self._share = share
            while self.rounds < look and any(wanted.values()):
                round_began = time.monotonic()
                if round_began - began + longest > settings.budget:
                    self._stop_early(wanted)
                    return
                self._round(suites, wanted)
                longest = max(longest, time.monotonic() - round_began)
                self._measuring = time.monotonic() - began
                self._workshop.progress.advance(
                    rounds=self.rounds,
                    of=settings.looks[-1],
                    seconds=self._measuring,
                    budget=settings.budget,
                )
            still_open = open_after(self.measurement())
            wanted = {
                name: _open_in(name, suite.benchmarks, still_open)
                for name, suite in suites.items()
            }

    def _round(
        self, suites: dict[str, PairedSuite], wanted: dict[str, frozenset[str]]
    ) -> None:
        number = self.rounds
        rng = random.Random(self._seed(number))  # noqa: S311 - an order, no secret
        load_before = host.read_load()
        pairs = [
            suite.pair(rng, number=number, wanted=wanted[name])
            for name, suite in suites.items()
        ]
        load = host.load_between(load_before, host.read_load(), 0.0)
        if number == 0:
            # What only one side has belongs to the first round; it is no round itself.
            pairs = [*pairs, *self._before]
        now = time.time()
        for index, side in enumerate(Side):
            whole = merge(("", pair[index]) for pair in pairs)
            self._rounds[side].append(replace(whole, started_at=now, load=load))

    def _stop_early(self, wanted: dict[str, frozenset[str]]) -> None:
        number = sum(len(names) for names in wanted.values())
        minutes = self._workshop.config.measure.budget / 60
        self._doubts = (
            Doubt(
                f"the budget of {minutes:g} min was used up after {self.rounds} rounds "
                f"with {number} still open: raise `measure.budget` to settle them"
            ),
        )

    def _seed(self, number: int) -> int:
        # By the commits, not the clock: the order can be reproduced.
        commits = f"{self._plan.base.commit.sha}:{self._plan.head.commit.sha}:{number}"
        return int.from_bytes(hashlib.sha256(commits.encode()).digest()[:8], "big")

    def _run(self, checkout: Checkout) -> Run:
        rounds = tuple(self._rounds[checkout.side])
        if checkout.side is Side.HEAD and rounds and self._doubts:
            last = replace(rounds[-1], doubts=(*rounds[-1].doubts, *self._doubts))
            rounds = (*rounds[:-1], last)
        return Run(checkout.commit, self._environment, rounds)


def _open_in(
    suite: str, benchmarks: frozenset[str], still_open: set[tuple[str, str]]
) -> frozenset[str]:
    names = frozenset(name for place, name in still_open if place == suite)
    if "*" in benchmarks:
        return benchmarks if names else frozenset()
    return benchmarks & names


def measure_alone(
    workshop: Workshop, suites: Sequence[Suite], head: Checkout
) -> Measurement:
    """Return one round of *suites* on *head* alone, which is what a store keeps."""
    began = time.monotonic()
    environment = host.environment(head.project)
    load_before = host.read_load()
    parts = [
        (
            suite.name,
            services.measure_alone(workshop, suite, head)
            if suite.tool == "k6"
            else micro.measure_alone(workshop, suite, head),
        )
        for suite in suites
    ]
    whole = replace(
        merge(parts),
        started_at=time.time(),
        load=host.load_between(load_before, host.read_load(), 0.0),
    )
    return Measurement(
        base=None,
        head=Run(head.commit, environment, (whole,)),
        design=Design.STORED,
        cost=Cost(measuring=time.monotonic() - began),
    )
