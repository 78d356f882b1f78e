"""``run.json`` of an untrusted job → a measurement that says nothing.

``run.decode`` has the bounds: 50 MB, 5,000 series a side, 2,000,000 values, names of
300 characters without control characters, nothing twice. What remains are the
sentences. Whoever opens a pull request could write them, and a comment would repeat
them in our name: so each becomes one of ours. No verdict depends on a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from benchgate import model
from benchgate.documents import run

_FAILED = "it did not run: see the job that measured"
_DOUBTED = "the job that measured has a doubt: see its summary"
_LEFT_OUT = "it was not measured: see the job that measured"
_CLEARED = "nothing can be said: see the job that measured"


def decode(raw: bytes, *, name: str) -> model.Measurement:
    """Return what the document *raw* of a stranger holds; errors begin with *name*.

    Every free text in it is replaced by one of ours; what is left of the stranger's
    are numbers and names.
    Raises FormatError for anything but a whole document within its bounds.
    """
    found = run.decode(raw, name=name)
    return replace(
        found,
        base=None if found.base is None else _run(found.base),
        head=_run(found.head),
        as_built=None
        if found.as_built is None
        else (_run(found.as_built[0]), _run(found.as_built[1])),
        left_out=_doubts(found.left_out, _LEFT_OUT),
        cleared=tuple(map(_cleared, found.cleared)),
        # Why nothing was counted would be a foreign sentence, and says little.
        witnesses=tuple(w for w in found.witnesses if not w.reason),
    )


def _run(side: model.Run) -> model.Run:
    return replace(side, rounds=tuple(map(_round, side.rounds)))


def _round(one: model.Round) -> model.Round:
    failures = tuple(
        replace(failure, reason=_FAILED, detail="") for failure in one.failures
    )
    return replace(one, failures=failures, doubts=_doubts(one.doubts, _DOUBTED))


def _doubts(doubts: Iterable[model.Doubt], text: str) -> tuple[model.Doubt, ...]:
    return tuple(dict.fromkeys(replace(doubt, text=text) for doubt in doubts))


def _cleared(comparison: model.Comparison) -> model.Comparison:
    return replace(
        comparison,
        reason=comparison.reason and _CLEARED,
        doubts=_doubts(comparison.doubts, _DOUBTED),
    )
