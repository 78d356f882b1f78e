"""A k6 suite on both sides → rounds of windows, both services up, in turns."""

from __future__ import annotations

import random
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.measure import host, load, service
from benchgate.measure.cargo import BUILD_WITHIN
from benchgate.measure.plan import Plan
from benchgate.model import Failure, Round, Side
from benchgate.tools import k6
from benchgate.tools.source import Source

_PREPARE_WITHIN = 600.0
# A window may wait for requests under way; past this k6 itself is stuck.
_GRACE = 60.0


class LoadPairs:
    """A load test, ready to be played against base and head in turns."""

    def __init__(self, plan: Plan, suite: Suite) -> None:
        """Build and prepare both sides, and start both services."""
        self._plan = plan
        self._suite = suite
        self._stack = ExitStack()
        self._services: dict[Side, service.Running] = {}
        self._broken = False
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise

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
            rounds[side] = self._window(side, number)
        self._broken = any(rounds[side].failures for side in Side)
        return rounds[Side.BASE], rounds[Side.HEAD]

    def close(self) -> None:
        """Stop both services."""
        self._stack.close()

    def _start(self) -> None:
        plan, suite = self._plan, self._suite
        if suite.service is None:
            return
        for checkout in (plan.head, plan.base):
            side, log = checkout.side, plan.log(suite.name, checkout.side)
            root = checkout.project / suite.directory
            plan.progress.say(f"{suite.name}: building the {side}'s service")
            service.build(
                suite.service, side=side, root=root, log=log, within=BUILD_WITHIN
            )
            service.prepare(
                suite.service, side=side, root=root, log=log, within=_PREPARE_WITHIN
            )
        for checkout in (plan.head, plan.base):
            side = checkout.side
            self._services[side] = self._stack.enter_context(
                service.started(
                    suite.service,
                    suite=suite.name,
                    side=side,
                    root=checkout.project / suite.directory,
                    log=plan.log(suite.name, side),
                )
            )

    def _window(self, side: Side, number: int) -> Round:
        plan, suite = self._plan, self._suite
        running = self._services.get(side)
        raw = plan.work / "raw" / f"{suite.name}-{number:03d}-{side}.ndjson.gz"
        session = running.session if running else 0
        if running:
            host.forget_peak(session)
        before = host.process_cost(session) if running else None
        # The head's script for both: a load that changed is no change of the service.
        script = plan.head.project / suite.directory / (suite.script or "")
        window = load.window(
            script,
            suite=suite.name,
            k6=suite.command or "k6",
            port=running.port if running else 0,
            side=side,
            seconds=suite.window,
            warmup=suite.warmup,
            env=suite.env,
            out=raw,
            work=plan.scratch / "k6",
            within=suite.warmup + suite.window + _GRACE,
        )
        after = host.process_cost(session) if running else None
        if window.failures:
            return Round({}, _of_side(window.failures, side), window.doubts)
        read = k6.read(
            Source(str(raw), Path(raw)), suite=suite.name, warmup=suite.warmup
        )
        cost = load.cost_of_window(before, after, window.requests, suite=suite.name)
        return replace(
            read,
            samples={**read.samples, **cost},
            failures=_of_side(read.failures, side),
            doubts=(*read.doubts, *window.doubts),
        )


def _of_side(failures: tuple[Failure, ...], side: Side) -> tuple[Failure, ...]:
    return tuple(replace(f, reason=f"{side}: {f.reason}") for f in failures)
