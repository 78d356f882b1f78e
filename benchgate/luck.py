"""Judgements + the executables as built → what one layout made of them.

A verdict is about all layouts in which the code might lie. Somebody who runs the one
that was built sees something else, and wants to know why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchgate.model import Comparison, Doubt, Effect, Judgement, Verdict
from benchgate.units import format_change, format_share

Benchmark = tuple[str, str]
"""The names of a suite and of a benchmark in it, as the head has them."""

# Eight pairs of slices of each take half a minute.
_MOST = 8
# What is said of a build is said of some that were looked for: one in a hundred each.
_SURE = 0.01
# Of two variances from so few numbers; a quarter of it and more is chance.
_CLEARLY_WIDER = 3.0


def worth_running_as_built(
    judgements: Sequence[Judgement], read: Mapping[Benchmark, float]
) -> tuple[Benchmark, ...]:
    """Return what to run as it was built, the most surprising first.

    *read*: the change, as a share, that one run of both builds showed.
    That is what read slower there than its verdict allows, and what is inconclusive:
    layouts may be what makes it so wide. At most eight.
    """
    surprises: dict[Benchmark, float] = {}
    for judgement in judgements:
        benchmark = (judgement.key.suite, judgement.key.benchmark)
        if benchmark not in read or not _may_be_luck(judgement):
            continue
        surprise = read[benchmark] - _most_allowed(judgement)
        if surprise > 0 or judgement.verdict is Verdict.INCONCLUSIVE:
            surprises[benchmark] = max(surprise, surprises.get(benchmark, surprise))
    return tuple(sorted(surprises, key=lambda b: (-surprises[b], b)))[:_MOST]


def said_of_layouts(
    judgements: Sequence[Judgement], as_built: Sequence[Comparison]
) -> tuple[Doubt, ...]:
    """Return what the executables *as_built* tell of the luck in a layout."""
    built = {c.key: (c, c.effect) for c in as_built}
    found = []
    for judgement in judgements:
        comparison, effect = built.get(judgement.key, (None, None))
        if comparison is None or effect is None or not _may_be_luck(judgement):
            continue
        text = _said(judgement, comparison, effect)
        found += [Doubt(text, judgement.key)] if text else []
    return tuple(found)


def spread_by_layout(drawn: Comparison, as_built: Comparison) -> float:
    """Return the standard deviation between layouts, as a share; 0 if it isn't clear.

    A pair of slices in drawn layouts varies as one of builds does, and by two layouts.
    """
    if drawn.effect is None or as_built.effect is None:
        return 0.0
    with_layouts, without = drawn.effect.spread**2, as_built.effect.spread**2
    if with_layouts < _CLEARLY_WIDER * without:
        return 0.0
    return math.expm1(math.sqrt((with_layouts - without) / 2))


def _may_be_luck(judgement: Judgement) -> bool:
    return (
        judgement.blocking
        and judgement.slowdown is not None
        and judgement.verdict is not Verdict.REGRESSED
    )


def _most_allowed(judgement: Judgement) -> float:
    """Return the largest slowdown that the verdict and its interval leave open."""
    return max(judgement.slowdown.hi if judgement.slowdown else 0.0, judgement.margin)


def _said(judgement: Judgement, built: Comparison, effect: Effect) -> str:
    """Return the sentence about one series, "" if its builds were not unlucky."""
    spread = spread_by_layout(judgement.comparison, built)
    by_layout = f"its time varies by ± {format_share(spread)} by layout alone"
    if (
        effect.p_slower < _SURE
        and math.expm1(effect.theta) > _most_allowed(judgement)
        and judgement.slowdown
    ):
        ends = [effect.theta + side * effect.bound * effect.se for side in (-1, 1)]
        lo, hi = (format_change(math.expm1(end)) for end in ends)
        average = judgement.slowdown
        said = (
            "this build's layout, not its code: as it was built it reads "
            f"{format_change(math.expm1(effect.theta))} ({lo} to {hi}), over many "
            f"layouts {format_change(average.point)} "
            f"({format_change(average.lo)} to {format_change(average.hi)})"
        )
        return f"{said}; {by_layout}" if spread else said
    if judgement.verdict is Verdict.INCONCLUSIVE and spread > judgement.margin / 2:
        return f"{by_layout}, which is why it takes more rounds"
    return ""
