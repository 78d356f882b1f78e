"""A k6 suite and the service that it loads → rounds of windows.

In pairs, both services are up and the windows are played in turns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchgate.config import Service, Suite
from benchgate.errors import FormatError, ToolError
from benchgate.measure import host, load, process, service
from benchgate.measure.cargo import BUILD_WITHIN
from benchgate.measure.plan import Checkout, Plan, Workshop, last_lines
from benchgate.model import Failure, Round, Side
from benchgate.tools import k6
from benchgate.tools.source import Source

_ASK_WITHIN = 30.0
_PREPARE_WITHIN = 600.0
# A window may wait for requests under way; past this k6 itself is stuck.
_GRACE = 60.0
# A run to be stored is one number a series, so it takes longer than one window.
_WINDOWS_ALONE = 6


def check(suite: Suite, checkout: Checkout) -> None:
    """Raise ToolError when the script of *suite* or k6 itself isn't there.

    Asked before anything is built: what is missing must not cost ten minutes.
    """
    script = _script_of(suite, checkout)
    if not script.is_file():
        raise ToolError(
            f"{suite.name}: {script}: no such script",
            hint=f"mend `suites.{suite.name}.script` in benchgate.yml",
        )
    command = [suite.command or "k6", "version"]
    process.check(process.run(command, cwd=script.parent, within=_ASK_WITHIN))


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
        self._service: Service | None = None
        if suite.service is None:
            return
        self._service = _with_target(suite.service, checkout)
        side, root = checkout.side, checkout.project / suite.directory
        log = workshop.log(suite.name, side)
        workshop.progress.say(f"{suite.name}: building the {side}'s service")
        try:
            service.build(
                self._service, side=side, root=root, log=log, within=BUILD_WITHIN
            )
            service.prepare(
                self._service, side=side, root=root, log=log, within=_PREPARE_WITHIN
            )
        except ToolError as error:
            problem = f"{suite.name}: the {side}'s service: {error.problem}"
            raise ToolError(problem, hint=error.hint) from error

    def start(self, stack: ExitStack) -> None:
        """Start the service; *stack* ends it."""
        if self._service is None:
            return
        side = self._checkout.side
        self._running = stack.enter_context(
            service.started(
                self._service,
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
        try:
            read = k6.read(Source(raw.name, raw), suite=suite.name, warmup=suite.warmup)
        except FormatError as error:
            failure = Failure(suite.name, "", error.problem)
            return Round({}, self._named((failure,)), window.doubts)
        cost = load.cost_of_window(before, after, window.requests, suite=suite.name)
        return replace(
            read,
            samples={**read.samples, **cost},
            failures=self._named(read.failures),
            doubts=(*read.doubts, *window.doubts),
        )

    def _named(self, failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
        side = self._checkout.side
        return tuple(
            replace(f, reason=f"{side}: {f.reason}", detail=last_lines(f.detail))
            for f in failures
        )


def measure_alone(workshop: Workshop, suite: Suite, checkout: Checkout) -> Round:
    """Return one round of *suite* against the service of *checkout*."""
    script = _script_of(suite, checkout)
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
        script = _script_of(suite, plan.head)
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

    def first(self, *, deadline: float) -> tuple[Round, Round]:  # noqa: ARG002 - idle
        """Return nothing: what only one side has shows in the first window."""
        return Round({}), Round({})

    def pair(
        self,
        rng: random.Random,
        *,
        number: int,
        wanted: Collection[str],
        deadline: float,
    ) -> tuple[Round, Round]:
        """Return a round of *wanted*: a window a side, the first side by coin.

        Past the *deadline* it is empty.
        """
        rounds = {side: Round({}) for side in Side}
        if not wanted or self._broken or time.monotonic() >= deadline:
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


def _script_of(suite: Suite, checkout: Checkout) -> Path:
    return checkout.project / suite.directory / (suite.script or "")


def _with_target(settings: Service, checkout: Checkout) -> Service:
    """Return *settings* for a side that has a target folder of its own."""
    if checkout.target is None:
        return settings
    target = {"CARGO_TARGET_DIR": str(checkout.target)}
    return replace(settings, env={**target, **settings.env})
