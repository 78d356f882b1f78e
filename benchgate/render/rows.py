"""Judgement → Row: the numbers of one series as text that agrees with its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchgate.model import Design, Judgement, Kind, Unit, Verdict
from benchgate.render.names import Name, Phrase, sentence
from benchgate.render.statement import said_of
from benchgate.units import (
    format_against,
    format_change,
    format_points,
    format_quantity,
    format_share,
)

# Above this nobody reads the digits.
_BEYOND = 10.0
_SMALLEST_P = 0.0001


@dataclass(frozen=True, slots=True)
class Row:
    """One series as it is shown; an empty string is an empty cell.

    ``blocks`` says whether it fails the pull request.
    ``slowdown`` is the reason where there is no interval. ``interval`` names both
    ends with their unit, ``bounds`` is the same in brackets with the unit left out.
    """

    label: Phrase
    marks: str
    blocks: bool
    word: str
    base: str
    head: str
    slowdown: Phrase
    interval: str
    bounds: str
    margin: str
    detectable: str
    needed: str
    evidence: str
    remark: Phrase


Labeller = Callable[[Judgement], Phrase]


def labeller(judgements: Sequence[Judgement]) -> Labeller:
    """Return how a series is called: by no more than tells it from the others."""
    keys = [j.key for j in judgements]
    suites = Counter(name for _, name in {(k.suite, k.benchmark) for k in keys})
    metrics = Counter((k.suite, k.benchmark) for k in keys)

    def label(judgement: Judgement) -> Phrase:
        key = judgement.key
        shared = suites[key.benchmark] > 1 or is_suite(judgement)
        plain = judgement.comparison.metric.kind is Kind.TIME
        alone = metrics[key.suite, key.benchmark] == 1
        before = (Name(key.suite), ": ") if shared else ()
        after = () if plain and alone else (" ", Name(key.metric))
        return (*before, Name(key.benchmark), *after)

    return label


def row_of(judgement: Judgement, *, label: Phrase, marks: str) -> Row:
    """Return the row of *judgement*; *marks* are the numbers of its doubts."""
    comparison = judgement.comparison
    interval, bounds = _interval(judgement)
    return Row(
        label=label,
        marks=marks,
        blocks=judgement.verdict is Verdict.REGRESSED
        and judgement.blocking
        and judgement.accepted is None,
        word=_word(judgement),
        base=_side(judgement, comparison.base.value) if comparison.base else "",
        head=_side(judgement, comparison.head.value) if comparison.head else "",
        slowdown=_slowdown(judgement),
        interval=interval,
        bounds=bounds,
        margin=_margin(judgement),
        detectable=printed_detectable(judgement),
        needed=_needed(judgement),
        evidence=_evidence(judgement),
        remark=_remark(judgement),
    )


def _word(judgement: Judgement) -> str:
    if judgement.verdict is Verdict.REGRESSED and judgement.accepted:
        return "accepted"
    return judgement.verdict.value


def _side(judgement: Judgement, value: float) -> str:
    metric = judgement.comparison.metric
    if is_suite(judgement):
        return ""
    if metric.kind is Kind.ERRORS:
        return format_share(value)
    return format_quantity(value, metric.unit)


def _slowdown(judgement: Judgement) -> Phrase:
    if judgement.slowdown is not None:
        return (_change(judgement.slowdown.point, judgement),)
    reason = judgement.reason or judgement.comparison.reason or "no reason was given"
    return (sentence(reason),)


def _interval(judgement: Judgement) -> tuple[str, str]:
    if judgement.slowdown is None:
        return "", ""
    lo = _change(judgement.slowdown.lo, judgement)
    hi = _change(judgement.slowdown.hi, judgement)
    short = [text.removesuffix(" pp").removesuffix(" %") for text in (lo, hi)]
    return f"{lo} to {hi}", f"[{short[0]}, {short[1]}]"


def _change(value: float, judgement: Judgement) -> str:
    """Return the change *value* on the side of the margin on which it lies."""
    edge = _edge(judgement, better=value < 0)
    if not is_change(judgement):
        # Digits of a percentage and of percentage points are the same digits.
        return format_against(value, edge).removesuffix("%") + "pp"
    beyond = max(_BEYOND, judgement.margin)
    if value > beyond:
        return f"over {format_change(beyond)}"
    return format_against(value, edge)


def _edge(judgement: Judgement, *, better: bool) -> float:
    """Return the margin as a signed change.

    The margin is one of logarithms: what is 2 % slower was 1.96 % faster.
    """
    margin = judgement.margin
    if not better:
        return margin
    return -margin / (1 + margin) if is_change(judgement) else -margin


def _margin(judgement: Judgement) -> str:
    edge = abs(_edge(judgement, better=judgement.verdict is Verdict.IMPROVED))
    if is_change(judgement):
        return format_share(edge)
    return format_points(edge).removeprefix("+")


def _needed(judgement: Judgement) -> str:
    if judgement.slowdown is None:
        return ""
    paired = judgement.comparison.design is Design.PAIRED
    unit = "pair" if paired else "round"
    if judgement.rounds_needed is None:
        return f"no number of {unit}s"
    return count(judgement.rounds_needed, unit)


def _evidence(judgement: Judgement) -> str:
    base, head = judgement.comparison.base, judgement.comparison.head
    if base is None or head is None:
        return ""
    measured = measured_by(judgement)
    if judgement.p_adjusted is None:
        return measured
    return f"{measured}, p {_probability(judgement.p_adjusted)}"


def measured_by(judgement: Judgement) -> str:
    """Return how a series was measured, and how often, as a few words."""
    base, head = judgement.comparison.base, judgement.comparison.head
    if base is None or head is None:
        return ""
    design = judgement.comparison.design
    if design is Design.PAIRED and base.rounds == head.rounds:
        return count(head.rounds, "pair")
    if design is Design.STORED:
        return f"{count(head.rounds, 'round')} against {base.rounds} stored"
    return f"{count(head.rounds, 'round')} against {base.rounds}"


def _probability(p: float) -> str:
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.2g}"


def _remark(judgement: Judgement) -> Phrase:
    accepted = judgement.accepted
    if accepted is not None:
        ceiling = format_points(accepted.ceiling).removeprefix("+")
        if is_change(judgement):
            ceiling = format_share(accepted.ceiling)
        return (
            f"accepted up to {ceiling} by ",
            Name(accepted.owner),
            " until ",
            Name(accepted.expires),
            ": ",
            sentence(accepted.reason),
        )
    remarks = []
    if judgement.verdict is Verdict.REGRESSED and not judgement.blocking:
        remarks.append("does not block")
    if judgement.verdict is Verdict.REGRESSED and judgement.comparison.weak:
        remarks.append("weak evidence: base and head were not measured in pairs")
    if judgement.slowdown is not None and judgement.reason:
        remarks.append(sentence(judgement.reason))
    if judgement.statement:
        remarks.append(sentence(said_of(judgement.statement)))
    return ("; ".join(remarks),) if remarks else ()


def confidence(judgements: Sequence[Judgement]) -> str:
    """Return the heading of the intervals, which share one confidence."""
    levels = {j.slowdown.confidence for j in judgements if j.slowdown}
    if len(levels) != 1:
        return "interval"
    return f"{format_share(levels.pop())} interval"


def is_suite(judgement: Judgement) -> bool:
    """Say whether this is the ratio over a whole suite, which no benchmark has."""
    metric = judgement.comparison.metric
    return metric.kind is Kind.TIME and metric.unit is Unit.ONE


def count(number: int, noun: str) -> str:
    """Return *number* of *noun*, in the plural where there are more."""
    plural = noun if noun == "series" or number == 1 else f"{noun}s"
    return f"{number} {plural}"


def is_change(judgement: Judgement) -> bool:
    """Say whether its numbers are changes; those of errors are differences."""
    return judgement.comparison.metric.kind is not Kind.ERRORS


def printed_detectable(judgement: Judgement) -> str:
    """Return the smallest slowdown that would have been caught, or nothing."""
    if judgement.detectable is None:
        return ""
    return _change(judgement.detectable, judgement)
