"""Strategies for whole measurements: any suite, any noise, some series missing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from benchgate.model import Measurement, Metric, Round, Run
from tests.builders import P50, RATE, TIME, Given, independent, joined, paired, tally

METRICS = (TIME, P50, RATE)

values = st.floats(min_value=0.5, max_value=2.0)


@st.composite
def rows(
    draw: st.DrawFn, *, series: int, rounds: int, missing: bool
) -> dict[str, list[Given]]:
    """Draw the rounds of so many benchmarks; the first round has them all."""
    entry = st.one_of(st.none(), values) if missing else values
    return {
        f"b{i}": [
            draw(values),
            *draw(st.lists(entry, min_size=rounds - 1, max_size=rounds - 1)),
        ]
        for i in range(series)
    }


@st.composite
def measurements(
    draw: st.DrawFn,
    *,
    design: str = "any",
    most_rounds: int = 10,
    missing: bool = True,
) -> Measurement:
    """Draw a measurement of one to seven benchmarks of up to three metrics."""
    designs = ["paired", "independent"] if design == "any" else [design]
    rounds = draw(st.integers(min_value=1, max_value=most_rounds))
    series = draw(st.integers(min_value=1, max_value=7))
    build = paired if draw(st.sampled_from(designs)) == "paired" else independent
    given = rows(series=series, rounds=rounds, missing=missing)
    return joined(
        *(
            build(draw(given), draw(given), metric=metric, suite=metric.name)
            for metric in draw(st.sets(st.sampled_from(METRICS), min_size=1))
        )
    )


@st.composite
def counted(draw: st.DrawFn) -> Measurement:
    """Draw a measurement of errors among requests, in pairs."""
    rounds = draw(st.integers(min_value=2, max_value=8))
    side = st.lists(
        st.integers(min_value=0, max_value=30).map(lambda e: tally(e, 1000)),
        min_size=rounds,
        max_size=rounds,
    )
    return paired({"GET /": draw(side)}, {"GET /": draw(side)})


def against_itself(measurement: Measurement) -> Measurement:
    """Return the head compared with the head."""
    return replace(measurement, base=measurement.head)


def swapped(measurement: Measurement) -> Measurement:
    """Return the head as the base, and the base as the head."""
    assert measurement.base is not None
    return replace(measurement, base=measurement.head, head=measurement.base)


def backwards(measurement: Measurement) -> Measurement:
    """Return the same with every round's series in the opposite order."""
    assert measurement.base is not None
    return replace(
        measurement,
        base=_backwards(measurement.base),
        head=_backwards(measurement.head),
    )


def turned(metric: Metric, measurement: Measurement) -> Measurement:
    """Return the same measured with *metric* instead."""
    assert measurement.base is not None
    return replace(
        measurement,
        base=_turned(metric, measurement.base),
        head=_turned(metric, measurement.head),
    )


def _backwards(run: Run) -> Run:
    rounds = tuple(
        replace(r, samples=dict(reversed(list(r.samples.items())))) for r in run.rounds
    )
    return replace(run, rounds=rounds)


def _turned(metric: Metric, run: Run) -> Run:
    rounds = tuple(
        Round({k: replace(r, metric=metric) for k, r in one.samples.items()})
        for one in run.rounds
    )
    return replace(run, rounds=rounds)
