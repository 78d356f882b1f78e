"""Windows of k6 in pairs → how often harmless ones fail, and what +10 % work shows.

Both services were the same program, so the sides of whole windows may be exchanged:
a seeded coin a window gives as many clean comparisons as are wanted. One endpoint at
a time is slowed by multiplying its latencies, as more work for each request would.
The whole gate judges, by its default policy.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchgate import gate
from benchgate.config import Config, default
from benchgate.documents.run import decode
from benchgate.model import Kind, Measurement, Round, Sample, Verdict

SLOWDOWN = 0.1
LEVELS = (0.05, 0.01)
WINDOWS = (8, 20, 40)
REPLICAS = 40


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares: clean comparisons that fail, slowed endpoints found, others called."""

    failed: float
    found: float
    others: float


def recorded_loads(folder: Path) -> Iterator[Measurement]:
    """Yield the load tests in *folder*; both sides of each are one program."""
    for place in sorted(folder.glob("load-*.run.json.gz")):
        yield decode(gzip.decompress(place.read_bytes()), name=place.name)


def endpoints(measurement: Measurement) -> list[str]:
    """Return the names of the requests."""
    names = {
        key.benchmark
        for one in measurement.head.rounds
        for key, reading in one.samples.items()
        if reading.metric.kind is Kind.RATE
    }
    return sorted(names)


def figures_of(
    measurement: Measurement, *, windows: int, level: float, replicas: int = REPLICAS
) -> Figures:
    """Return what the gate makes of *replicas* comparisons of so many *windows*."""
    config = default()
    config = replace(config, policy=replace(config.policy, false_alarms=level))
    rng = np.random.RandomState(0)
    failed, found, others = [], [], []
    for number in range(replicas):
        clean = exchanged(measurement, windows, rng)
        failed.append(bool(_called(clean, config)))
        names = endpoints(clean)
        slow = names[number % len(names)]
        called = _called(slowed(clean, slow), config)
        found.append(slow in called)
        others.append(bool(called - {slow}))
    shares = [float(np.mean(each)) for each in (failed, found, others)]
    return Figures(*shares)


def exchanged(
    measurement: Measurement, windows: int, rng: np.random.RandomState
) -> Measurement:
    """Return so many of the windows, some with their sides exchanged."""
    base, head = measurement.base or measurement.head, measurement.head
    pairs = list(zip(base.rounds, head.rounds, strict=True))
    chosen = np.sort(rng.permutation(len(pairs))[:windows])
    coins = rng.randint(0, 2, windows)
    both = [
        pairs[at][::-1] if coin else pairs[at]
        for at, coin in zip(chosen.tolist(), coins.tolist(), strict=True)
    ]
    return replace(
        measurement,
        base=replace(base, rounds=tuple(one for one, _ in both)),
        head=replace(head, rounds=tuple(one for _, one in both)),
    )


def slowed(measurement: Measurement, endpoint: str) -> Measurement:
    """Return the same with the latencies of one endpoint of the head multiplied."""
    rounds = tuple(_slower(one, endpoint) for one in measurement.head.rounds)
    return replace(measurement, head=replace(measurement.head, rounds=rounds))


def _slower(one: Round, endpoint: str) -> Round:
    samples = {
        key: replace(reading, values=tuple(v * (1 + SLOWDOWN) for v in reading.values))
        if key.benchmark == endpoint
        and isinstance(reading, Sample)
        and reading.metric.kind is Kind.LATENCY
        else reading
        for key, reading in one.samples.items()
    }
    return replace(one, samples=samples)


def _called(measurement: Measurement, config: Config) -> set[str]:
    """Return the benchmarks whose regression would fail the gate."""
    report = gate.judge_measurement(measurement, config)
    return {
        j.key.benchmark
        for j in report.judgements
        if j.blocking and j.verdict is Verdict.REGRESSED
    }
