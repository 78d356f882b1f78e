"""A k6 suite and the service that it loads → rounds of windows.

In pairs, both services are up and the windows are played in turns. Every few rounds
both are restarted in new layouts, at the same time, so that the pairs stay fair.
"""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchgate.config import Service, Suite
from benchgate.errors import FormatError, ToolError
from benchgate.measure import host, links, load, process, restarts, seeds, service
from benchgate.measure.cargo import BUILD_WITHIN
from benchgate.measure.layouts import LUCK, Layouts, doubts_of, seed_of
from benchgate.measure.plan import Checkout, Plan, Workshop, last_lines
from benchgate.model import Doubt, Failure, Round, Side, Unit
from benchgate.tools import k6, merge
from benchgate.tools.source import Source
from benchgate.units import format_quantity

_ASK_WITHIN = 30.0
_PREPARE_WITHIN = 600.0
# A window may wait for requests under way; past this k6 itself is stuck.
_GRACE = 60.0
# A run to be stored is one number a series, so it takes longer than one window.
_WINDOWS_ALONE = 6
# After a restart; pools and caches are filled by the first requests.
_SHORTEST_WARMUP = 1.0
_TITLE = "the service"


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
    """The service of one side, built and prepared; ``start`` makes it run.

    ``executable`` is what was built, where that could be found.
    ``layouts`` draws new ones for it, None where it has to stay as it was built:
    ``reason`` then says why.
    """

    def __init__(
        self,
        workshop: Workshop,
        suite: Suite,
        checkout: Checkout,
        *,
        script: Path,
        kept: Path | None = None,
    ) -> None:
        """Build and prepare the service of *checkout*; *script* will load it.

        *kept*: a folder that takes how it is linked, None for one layout.
        """
        self._workshop = workshop
        self._suite = suite
        self._side = checkout.side
        self._root = checkout.project / suite.directory
        self._log = workshop.log(suite.name, checkout.side)
        self._script = script
        self._running: service.Running | None = None
        self._service: Service | None = None
        self.executable: Path | None = None
        self._is_drawn = False
        self.layouts: Layouts | None = None
        self.reason = ""
        self.seconds_to_start = 0.0
        if suite.service is None:
            return
        self._service = _with_target(suite.service, checkout)
        workshop.progress.say(f"{suite.name}: building the {self._side}'s service")
        try:
            self._build(self._service, kept)
            service.prepare(
                self._service,
                side=self._side,
                root=self._root,
                log=self._log,
                within=_PREPARE_WITHIN,
            )
        except ToolError as error:
            problem = f"{suite.name}: the {self._side}'s service: {error.problem}"
            raise ToolError(problem, hint=error.hint) from error

    @property
    def seconds_to_restart(self) -> float:
        """Return what a start in a new layout will take, its warm-up included."""
        drawing = self.layouts.cost(_TITLE) if self.layouts else 0.0
        return drawing + self.seconds_to_start + self._seconds_to_warm_up

    @property
    def is_up(self) -> bool:
        """Say whether the service has living processes."""
        session = self._running.session if self._running else 0
        return bool(process.session_members(session))

    @property
    def has_died_drawn(self) -> bool:
        """Say whether it was started in a new layout and has ended by itself."""
        return self._is_drawn and not self.is_up

    def start(self, stack: ExitStack, *, number: int | None = None) -> None:
        """Start the service; *stack* ends it.

        *number*: the round whose layout it gets; where it doesn't start in that, it
        is started as it was built.
        Raises ToolError where it doesn't start.
        """
        if self._service is None:
            return
        drawn = None if number is None else self._drawn(stack, number)
        began = time.monotonic()
        try:
            self._started(stack, drawn)
        except ToolError as error:
            is_port = isinstance(error, service.PortTakenError)
            if number is None or drawn is None or is_port:
                raise
            self._started(stack, None)
            self.blame(_ending(error), number=number)
            drawn = None
        # What lives on outside of its session can't be seen to die.
        self._is_drawn = drawn is not None and self.is_up
        self.seconds_to_start = time.monotonic() - began

    def blame(self, ending: str, *, number: int) -> None:
        """Note that the layout of round *number* is why it had that *ending*."""
        if self.layouts:
            seed = seed_of(self._side, number)
            self.layouts.crashed(_TITLE, ending, seed=seed)

    def failed(self, error: ToolError) -> Round:
        """Return a round that says that the service didn't start."""
        _, _, detail = error.problem.partition("\n")
        reason = f"the service {_ending(error)}"
        failure = Failure(self._suite.name, "", reason, detail)
        return Round({}, self._named((failure,)))

    def warm_up(self) -> None:
        """Play requests that don't count, after a restart.

        What goes wrong shows in the window that follows.
        """
        raw = self._workshop.scratch / f"warm-up-{self._side}.ndjson.gz"
        self._played(raw, seconds=self._seconds_to_warm_up, warmup=0.0)
        raw.unlink(missing_ok=True)

    def window(self, number: int, *, seconds: float) -> Round:
        """Return what *seconds* of load, after the warm-up, show."""
        suite, running = self._suite, self._running
        raw = self._workshop.raw(suite.name, number, self._side, "ndjson.gz")
        if running:
            host.forget_peak(running.session)
        before = host.process_cost(running.session) if running else None
        window = self._played(raw, seconds=seconds, warmup=suite.warmup)
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

    @property
    def _seconds_to_warm_up(self) -> float:
        return max(self._suite.warmup, _SHORTEST_WARMUP)

    def _build(self, settings: Service, kept: Path | None) -> None:
        """Build the service, and find out how it gets new layouts.

        Raises ToolError when it doesn't build.
        """
        ours = links.environment(kept, project=self._root) if kept else {}
        watched = replace(settings, env={**ours, **settings.env})
        build = partial(
            service.build,
            watched,
            side=self._side,
            root=self._root,
            log=self._log,
            within=BUILD_WITHIN,
        )
        build()
        if kept is None:
            return
        found = service.executable_of(settings, side=self._side, root=self._root)
        try:
            line = restarts.line_of(found, kept, build_again=build)
        except ToolError as error:
            self.reason = "; ".join(filter(None, (_ending(error), error.hint)))
            return
        self.executable = found
        self.layouts = Layouts(self._side, scratch=self._workshop.scratch)
        self.layouts.learn(_TITLE, line)

    def _drawn(self, stack: ExitStack, number: int) -> Path | None:
        """Return the file of round *number*, None for that which was built."""
        if self.layouts is None or self.executable is None:
            return None
        folder = self._workshop.scratch / f"{self._suite.name}-{self._side}"
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        seed = seed_of(self._side, number)
        drawn = self.layouts.draw(_TITLE, self.executable, folder, seed=seed)
        return None if drawn == self.executable else drawn

    def _started(self, stack: ExitStack, executable: Path | None) -> None:
        assert self._service is not None  # noqa: S101 - asked in start
        self._running = stack.enter_context(
            service.started(
                self._service,
                suite=self._suite.name,
                side=self._side,
                root=self._root,
                log=self._log,
                executable=executable,
            )
        )

    def _played(self, raw: Path, *, seconds: float, warmup: float) -> load.Window:
        return load.window(
            self._script,
            suite=self._suite.name,
            k6=self._suite.command or "k6",
            port=self._running.port if self._running else 0,
            side=self._side,
            seconds=seconds,
            warmup=warmup,
            env=self._suite.env,
            out=raw,
            work=self._workshop.scratch / "k6",
            within=warmup + seconds + _GRACE,
        )

    def _named(self, failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
        return tuple(
            replace(
                failure,
                reason=f"{self._side}: {failure.reason}",
                detail=last_lines(failure.detail),
            )
            for failure in failures
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
        """Build and prepare both sides, and start both services as they were built."""
        measure = plan.workshop.config.measure
        self._suite = suite
        self._broken = False
        # The head's script for both: a load that changed is no change of the service.
        script = _script_of(suite, plan.head)
        self._sides: dict[Side, LoadSide] = {}
        for checkout in (plan.head, plan.base):
            built = [side.executable for side in self._sides.values()]
            found = [executable for executable in built if executable]
            seeds.from_head(found, head=plan.head, base=plan.base)
            self._sides[checkout.side] = LoadSide(
                plan.workshop,
                suite,
                checkout,
                script=script,
                kept=checkout.links if measure.layouts == "fresh" else None,
            )
        with ExitStack() as stack:
            for side in self._sides.values():
                side.start(stack)
            self._stack = stack.pop_all()
        self._rounds = measure.looks[0]
        self._pace = restarts.Pace(
            self._rounds,
            windows=len(Side) * (suite.warmup + suite.window),
            cost=sum(side.seconds_to_restart for side in self._sides.values()),
        )
        self._may_restart = all(side.layouts for side in self._sides.values())

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
        if not wanted or self._broken or time.monotonic() >= deadline:
            return Round({}), Round({})
        order = list(Side)
        if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
            order.reverse()
        rounds = self._round(order, number)
        self._broken = any(r.failures for r in rounds.values())
        for side, doubts in self._doubts().items():
            rounds[side] = merge([("", rounds[side]), ("", Round({}, doubts=doubts))])
        return rounds[Side.BASE], rounds[Side.HEAD]

    def close(self) -> None:
        """Stop both services."""
        self._stack.close()

    def _round(self, order: Sequence[Side], number: int) -> dict[Side, Round]:
        """Return a window of each side, in *order*, if need be after a restart.

        Windows in which a service dies in its new layout are played once more, with
        that service as it was built.
        """
        if self._may_restart and self._pace.is_due(number):
            began = time.monotonic()
            failed = self._restarted(order, dict.fromkeys(order, number))
            self._pace.took(time.monotonic() - began)
            if failed:
                return failed
        rounds = self._windows(order, number)
        dead = [side for side in order if self._sides[side].has_died_drawn]
        if not dead:
            return rounds
        layouts = {side: None if side in dead else number for side in order}
        again = self._restarted(order, layouts) or self._windows(order, number)
        for side in dead:
            if self._sides[side].is_up:
                self._sides[side].blame("ended under load", number=number)
        return again

    def _windows(self, order: Sequence[Side], number: int) -> dict[Side, Round]:
        seconds = self._suite.window
        return {
            side: self._sides[side].window(number, seconds=seconds) for side in order
        }

    def _restarted(
        self, order: Sequence[Side], layouts: Mapping[Side, int | None]
    ) -> dict[Side, Round]:
        """Restart both services, each in the layout of the round in *layouts*.

        Returns nothing, or, where one doesn't start, a round of each side that says so.
        """
        # The windows are over, so whoever is told to stop has nothing left to answer.
        self._stack.close()
        with ExitStack() as stack:
            for side in order:
                try:
                    self._sides[side].start(stack, number=layouts[side])
                except ToolError as error:
                    return {s: Round({}) for s in Side} | {
                        side: self._sides[side].failed(error)
                    }
            self._stack = stack.pop_all()
        for side in order:
            self._sides[side].warm_up()
        return {}

    def _doubts(self) -> dict[Side, tuple[Doubt, ...]]:
        """Return what kept the services in one layout, or in few."""
        layouts = [side.layouts for side in self._sides.values()]
        doubts = doubts_of(self._suite.name, *layouts)
        return {Side.BASE: (), Side.HEAD: (*doubts, *self._doubts_of_both())}

    def _doubts_of_both(self) -> tuple[Doubt, ...]:
        """Return why there are no more restarts, nothing where there are."""
        reasons = {s: built.reason for s, built in self._sides.items() if built.reason}
        if reasons:
            first, *others = reasons.values()
            each = "; ".join(f"{side}: {reason}" for side, reason in reasons.items())
            return self._doubt(first if others == [first] else each)
        if not self._may_restart or self._pace.is_affordable:
            return ()
        cost = format_quantity(self._pace.cost, Unit.SECOND)
        return self._doubt(
            f"a restart of both sides takes {cost}, too long for {self._rounds} rounds "
            f"with windows of {self._suite.window:g} s"
        )

    def _doubt(self, reason: str) -> tuple[Doubt, ...]:
        number = "one layout" if self._pace.layouts == 1 else "few layouts"
        text = f"{self._suite.name}: the service was measured in {number}, so {LUCK}"
        return (Doubt(f"{text}: {reason}"),)


def _script_of(suite: Suite, checkout: Checkout) -> Path:
    return checkout.project / suite.directory / (suite.script or "")


def _with_target(settings: Service, checkout: Checkout) -> Service:
    """Return *settings* for a side that has a target folder of its own."""
    if checkout.target is None:
        return settings
    target = {"CARGO_TARGET_DIR": str(checkout.target)}
    return replace(settings, env={**target, **settings.env})


def _ending(error: ToolError) -> str:
    """Return the first line of *error*, without the service that it is about."""
    first = error.problem.partition("\n")[0]
    return re.sub(r"^\S+: the (base|head)'s service ", "", first)
