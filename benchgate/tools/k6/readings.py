"""Numbers of one k6 run → samples, tallies, failures and doubts of a round.

What can't be a sample becomes a failure or a doubt here, so that neither reader
can forget it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchgate.errors import FormatError
from benchgate.model import (
    ONE_VALUE,
    Better,
    Doubt,
    Failure,
    Kind,
    Metric,
    Reading,
    Round,
    Sample,
    SeriesKey,
    Statistic,
    Tally,
    Unit,
)
from benchgate.stats.quantiles import quantiles

REQUESTS = "http_req_duration"
ALL_REQUESTS = "all requests"
# What these trends hold is part of a request or of an iteration, and counted there.
PARTS = frozenset(
    {
        "group_duration",
        "http_req_blocked",
        "http_req_connecting",
        "http_req_receiving",
        "http_req_sending",
        "http_req_tls_handshaking",
        "http_req_waiting",
        "iteration_duration",
    }
)

# The work of a request without its waiting: as far from a queue as a floor, and two to
# three times as steady from window to window as the median.
P10 = Metric("p10", Unit.SECOND, Better.LOWER, Kind.LATENCY)
P50 = Metric("p50", Unit.SECOND, Better.LOWER, Kind.LATENCY)
P95 = Metric("p95", Unit.SECOND, Better.LOWER, Kind.TAIL)
P99 = Metric("p99", Unit.SECOND, Better.LOWER, Kind.TAIL)
ERRORS = Metric("errors", Unit.ONE, Better.LOWER, Kind.ERRORS)
THROUGHPUT = Metric("throughput", Unit.PER_SECOND, Better.HIGHER, Kind.RATE)
DROPPED = Metric("dropped", Unit.ONE, Better.LOWER, Kind.ERRORS)
FAILED = Metric("failed", Unit.ONE, Better.LOWER, Kind.ERRORS)

PROBABILITY: Mapping[str, float] = {
    "p10": 0.1,
    "p50": 0.5,
    "p95": 0.95,
    "p99": 0.99,
}
MS_PER_SECOND = 1000.0

_COUNT = Metric("p50", Unit.ONE, Better.LOWER, Kind.COUNT)
_SIZE = Metric("p50", Unit.BYTE, Better.LOWER, Kind.SIZE)


def metrics_of(contains: str) -> tuple[Metric, ...]:
    """Return what is taken of a trend that *contains* time, data or anything."""
    if contains == "time":
        return (P10, P50, P95, P99)
    return (_SIZE,) if contains == "data" else (_COUNT,)


def is_real(value: float) -> bool:
    """Say whether *value* is one that k6 can have measured."""
    return 0 <= value < math.inf


class Readings:
    """What one k6 run measured, as it is found."""

    def __init__(self, name: str, suite: str) -> None:
        """Start with nothing; errors begin with *name*."""
        self._name = name
        self._suite = suite
        self._samples: dict[SeriesKey, Reading] = {}
        self._failures: list[Failure] = []
        self._doubts: list[Doubt] = []

    def add_trend(self, benchmark: str, values: Sequence[float], contains: str) -> bool:
        """Add the quantiles of *values*, which are in k6's units; say if it could."""
        wrong = sum(not is_real(value) for value in values)
        if wrong:
            reason = f"{wrong} of {len(values)} values are negative or not finite"
            self.add_failure(benchmark, reason)
            return False
        metrics = metrics_of(contains)
        if contains == "time":
            points = tuple(sorted(value / MS_PER_SECOND for value in values))
        else:
            points = tuple(sorted(values))
        found = quantiles(points, [PROBABILITY[metric.name] for metric in metrics])
        for metric, value in zip(metrics, found, strict=True):
            kept = points if metric.kind is Kind.TAIL else ()
            self.add_value(benchmark, metric, value, count=len(points), points=kept)
        return True

    def add_value(
        self,
        benchmark: str,
        metric: Metric,
        value: float,
        *,
        count: int,
        points: tuple[float, ...] = (),
    ) -> None:
        """Add one *value* of *metric*; zero has no ratio, and gives a doubt."""
        key = SeriesKey(self._suite, benchmark, metric.name)
        if is_real(value) and value > 0:
            sample = Sample(metric, ONE_VALUE, (value,), Statistic.VALUE, count, points)
            self._add(key, sample)
        else:
            text = f"a {metric.name} of {value:g} can't be compared with anything"
            self.add_doubt(text, key)

    def add_tally(
        self, benchmark: str, metric: Metric, events: int, trials: int
    ) -> None:
        """Add how often something happened, unless it never could."""
        if trials:
            key = SeriesKey(self._suite, benchmark, metric.name)
            self._add(key, Tally(metric, events, trials))

    def add_iterations(self, *, done: float, dropped: float, idle: bool) -> None:
        """Add how many iterations k6 dropped, for want of a virtual user.

        *idle*: they made no request. k6 ends with 0 though every iteration throws.
        """
        if not (is_real(done) and is_real(dropped)):
            self.add_failure("iterations", "their number is negative or not finite")
            return
        self.add_tally("iterations", DROPPED, int(dropped), int(done + dropped))
        if done and idle:
            reason = "every iteration ended without a request: the script throws?"
            self.add_failure("", reason)

    def add_failure(self, benchmark: str, reason: str) -> None:
        """Add that *benchmark*, or if it is empty the suite, could not be read."""
        self._failures.append(Failure(self._suite, benchmark, reason))

    def add_doubt(self, text: str, series: SeriesKey | None = None) -> None:
        """Add a reason to trust the run less."""
        self._doubts.append(Doubt(text, series))

    def round(self, *, started_at: float | None) -> Round:
        """Return all that was added."""
        return Round(
            self._samples, tuple(self._failures), tuple(self._doubts), started_at
        )

    def _add(self, key: SeriesKey, reading: Reading) -> None:
        if key in self._samples:
            raise FormatError(
                f"{self._name}: two requests or trends are called {key.benchmark!r}",
                hint="rename one of them",
            )
        self._samples[key] = reading
