"""Judgement → one plain sentence, for files that other programs show."""

from __future__ import annotations

from benchgate.model import Judgement, SeriesKey, Verdict
from benchgate.render.names import Name, Phrase, shown, visible
from benchgate.render.rows import row_of


def plain(phrase: str | Phrase) -> str:
    """Return *phrase* with every hidden character written out, and without markup."""
    parts = (phrase,) if isinstance(phrase, str) else phrase
    return "".join(shown(p) if isinstance(p, Name) else visible(p) for p in parts)


def called(key: SeriesKey) -> str:
    """Return how a series is called within its suite, the same in every report."""
    return f"{shown(key.benchmark)} {shown(key.metric)}"


def told(judgement: Judgement, *, confidence: str) -> str:
    """Return what is said of one series, as one sentence.

    *confidence* is what its interval is called, such as ``90 % interval``.
    """
    row = row_of(judgement, label=(), marks="")
    if not row.interval:
        return plain(row.slowdown)
    values = f" ({row.base} → {row.head})" if row.base and row.head else ""
    parts = [
        f"slowdown {plain(row.slowdown)}{values}, {confidence} {row.interval}",
        f"margin {row.margin}",
        f"could have seen {row.detectable}" if row.detectable else "",
        row.evidence,
        plain(row.remark),
    ]
    if judgement.verdict is Verdict.INCONCLUSIVE:
        parts.append(f"{row.needed} would settle it")
    return "; ".join(part for part in parts if part)
