"""A k6 suite and the service that it loads → rounds of windows.

In pairs, both services are up and the windows are played in turns.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.measure import host, load, service
from benchgate.measure.cargo import BUILD_WITHIN
from benchgate.measure.plan import Checkout, Plan, Workshop
from benchgate.model import Failure, Round, Side
from benchgate.tools import k6
from benchgate.tools.source import Source

_PREPARE_WITHIN = 600.0
# A window may wait for requests under way; past this k6 itself is stuck.
_GRACE = 60.0
# A run to be stored is one number a series, so it takes longer than one window.
_WINDOWS_ALONE = 6


class LoadSide:
    """The service of one side, built and prepared; ``start`` makes it run."""

    def __init__(
        self, workshop: Workshop, suite: Suite, checkout: Checkout, *, script: Path
    ) -> None:
        """Build and prepare the service of *checkout*; *script* will load it."""
        self._workshop = workshop
        self._suite = suite
        self._checkout = checkout
        self._script = script
        self._running: service.Running | None = None
        if suite.service is None:
            return
        side, root = checkout.side, checkout.project / suite.directory
        log = workshop.log(suite.name, side)
        workshop.progress.say(f"{suite.name}: building the {side}'s service")
        service.build(suite.service, side=side, root=root, log=log, within=BUILD_WITHIN)
        service.prepare(
            suite.service, side=side, root=root, log=log, within=_PREPARE_WITHIN
        )

    def start(self, stack: ExitStack) -> None:
        """Start the service; *stack* ends it."""
        if self._suite.service is None:
            return
        side = self._checkout.side
        self._running = stack.enter_context(
            service.started(
                self._suite.service,
                suite=self._suite.name,
                side=side,
                root=self._checkout.project / self._suite.directory,
                log=self._workshop.log(self._suite.name, side),
            )
        )

    def window(self, number: int, *, seconds: float) -> Round:
        """Return what *seconds* of load, after the warm-up, show."""
        suite, side, running = self._suite, self._checkout.side, self._running
        raw = self._workshop.raw(suite.name, number, side, "ndjson.gz")
        if running:
            host.forget_peak(running.session)
        before = host.process_cost(running.session) if running else None
        window = load.window(
            self._script,
            suite=suite.name,
            k6=suite.command or "k6",
            port=running.port if running else 0,
            side=side,
            seconds=seconds,
            warmup=suite.warmup,
            env=suite.env,
            out=raw,
            work=self._workshop.scratch / "k6",
            within=suite.warmup + seconds + _GRACE,
        )
        after = host.process_cost(running.session) if running else None
        if window.failures:
            return Round({}, self._named(window.failures), window.doubts)
        read = k6.read(Source(str(raw), raw), suite=suite.name, warmup=suite.warmup)
        cost = load.cost_of_window(before, after, window.requests, suite=suite.name)
        return replace(
            read,
            samples={**read.samples, **cost},
            failures=self._named(read.failures),
            doubts=(*read.doubts, *window.doubts),
        )

    def _named(self, failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
        side = self._checkout.side
        return tuple(replace(f, reason=f"{side}: {f.reason}") for f in failures)


def measure_alone(workshop: Workshop, suite: Suite, checkout: Checkout) -> Round:
    """Return one round of *suite* against the service of *checkout*."""
    script = checkout.project / suite.directory / (suite.script or "")
    side = LoadSide(workshop, suite, checkout, script=script)
    with ExitStack() as stack:
        side.start(stack)
        workshop.progress.say(f"{suite.name}: loading the {checkout.side}'s service")
        return side.window(0, seconds=_WINDOWS_ALONE * suite.window)


class LoadPairs:
    """A load test, ready to be played against base and head in turns."""

    def __init__(self, plan: Plan, suite: Suite) -> None:
        """Build and prepare both sides, and start both services."""
        self._window = suite.window
        self._broken = False
        # The head's script for both: a load that changed is no change of the service.
        script = plan.head.project / suite.directory / (suite.script or "")
        self._sides = {
            checkout.side: LoadSide(plan.workshop, suite, checkout, script=script)
            for checkout in (plan.head, plan.base)
        }
        with ExitStack() as stack:
            for side in self._sides.values():
                side.start(stack)
            self._stack = stack.pop_all()

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return the name that stands for all requests of the script."""
        return frozenset() if self._broken else frozenset({"*"})

    def first(self) -> tuple[Round, Round]:
        """Return nothing: what only one side has shows in the first window."""
        return Round({}), Round({})

    def pair(
        self, rng: random.Random, *, number: int, wanted: Collection[str]
    ) -> tuple[Round, Round]:
        """Return a round of *wanted*: a window a side, the first side by coin."""
        rounds = {side: Round({}) for side in Side}
        if not wanted or self._broken:
            return rounds[Side.BASE], rounds[Side.HEAD]
        sides = list(Side)
        if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
            sides.reverse()
        for side in sides:
            rounds[side] = self._sides[side].window(number, seconds=self._window)
        self._broken = any(r.failures for r in rounds.values())
        return rounds[Side.BASE], rounds[Side.HEAD]

    def close(self) -> None:
        """Stop both services."""
        self._stack.close()
