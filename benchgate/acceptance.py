"""Judgements + what the team accepts → judgements: a wanted regression blocks no more.

An entry holds for one series by its exact name, up to its ceiling, until its date.
Beyond either the regression blocks again and says why. What an entry isn't good for
is a doubt, so that nobody keeps a permission that nobody needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from benchgate.model import (
    Acceptance,
    Accepted,
    Doubt,
    Judgement,
    Kind,
    Metric,
    SeriesKey,
    Verdict,
)
from benchgate.units import format_points, format_share

FILE = "benchgate.accepted.yml"


def accept(
    judgements: Sequence[Judgement],
    entries: Sequence[Accepted],
    *,
    today: str,
    unjudged: Collection[tuple[str, str]] = (),
) -> tuple[tuple[Judgement, ...], tuple[Doubt, ...]]:
    """Return *judgements* with what *entries* accept, and doubts about the entries.

    *today* is an ISO date; without one no entry has expired. *unjudged* are (suite,
    benchmark) of what was left out or failed, with benchmark "" for a whole suite:
    nothing can be said of entries for these, nor of any where nothing was judged.
    """
    held = {entry.key: entry.acceptance for entry in entries}
    decided = tuple(_decided(j, held.get(j.key), today=today) for j in judgements)
    if not judgements:
        return decided, ()
    judged = {j.key: j for j in judgements}
    known = [
        entry
        for entry in entries
        if entry.key in judged or not _names(entry.key) & set(unjudged)
    ]
    return decided, tuple(
        doubt
        for entry in known
        for doubt in _doubts(entry, judged.get(entry.key), today=today)
    )


def _names(key: SeriesKey) -> set[tuple[str, str]]:
    """Return how a benchmark or its whole suite would be called unjudged."""
    return {(key.suite, key.benchmark), (key.suite, "")}


def _decided(
    judgement: Judgement, acceptance: Acceptance | None, *, today: str
) -> Judgement:
    """Return *judgement* accepted, or with the reason why that no longer holds."""
    slowdown = judgement.slowdown
    if acceptance is None or slowdown is None or not _blocks(judgement):
        return judgement
    if acceptance.expires < today:
        return replace(judgement, reason=f"was accepted until {acceptance.expires}")
    if slowdown.point > acceptance.ceiling:
        ceiling = _ceiling(acceptance, judgement.comparison.metric)
        return replace(judgement, reason=f"more than the {ceiling} that is accepted")
    return replace(judgement, accepted=acceptance)


def _doubts(
    entry: Accepted, judgement: Judgement | None, *, today: str
) -> tuple[Doubt, ...]:
    """Return what is wrong with *entry*, by its name: its series may not be shown."""
    wrong = _wrong(entry.acceptance, judgement, today=today)
    if not wrong:
        return ()
    key = entry.key
    name = f"{key.suite}: {key.benchmark} {key.metric}"
    return (Doubt(f"the entry for {name} in `{FILE}` {wrong}"),)


def _wrong(acceptance: Acceptance, judgement: Judgement | None, *, today: str) -> str:
    if judgement is None:
        return "names no series that was compared: correct or remove it"
    if acceptance.expires < today:
        return f"expired on {acceptance.expires}: remove it, or accept anew"
    if judgement.verdict in (Verdict.UNCHANGED, Verdict.IMPROVED):
        return "can be removed: that did not regress"
    if not judgement.blocking:
        return "can be removed: that does not block"
    return ""


def _blocks(judgement: Judgement) -> bool:
    return judgement.verdict is Verdict.REGRESSED and judgement.blocking


def _ceiling(acceptance: Acceptance, metric: Metric) -> str:
    if metric.kind is Kind.ERRORS:
        return format_points(acceptance.ceiling).removeprefix("+")
    return format_share(acceptance.ceiling)
