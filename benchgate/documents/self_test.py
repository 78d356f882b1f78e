"""``benchgate self-test --format json`` (``benchgate-self-test/1``): what it proved.

It is only written, never read by us.
"""

from __future__ import annotations

import msgspec

from benchgate import injected, model
from benchgate.documents import wire

SCHEMA = "benchgate-self-test/1"


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the document: no key may be missing, none may be unknown."""


class Series(_Wire, frozen=True):
    """The name of a series."""

    suite: str
    benchmark: str
    metric: str


class Interval(_Wire, frozen=True):
    """Fractions of the base; ``confidence`` is two-sided coverage."""

    point: float
    lo: float
    hi: float
    confidence: float


class Unchanged(_Wire, frozen=True):
    """What was said of the commit against itself; ``regressed`` are false alarms."""

    outcome: model.Outcome
    reasons: tuple[str, ...]
    regressed: tuple[Series, ...]


class Trial(_Wire, frozen=True):
    """A benchmark that was made slower, by the series that shows it best.

    ``slowdown`` is what was measured of that.
    """

    suite: str
    benchmark: str
    metric: str
    how: injected.How
    found: bool
    verdict: model.Verdict
    slowdown: Interval | None
    margin: float
    detectable: float | None


class Refusal(_Wire, frozen=True):
    """Why no work could be repeated in a suite."""

    suite: str
    reason: str


class Document(_Wire, frozen=True, tag_field="schema", tag=SCHEMA):
    """Whether a gate fails a known ``slowdown``, and passes unchanged code."""

    works: bool
    slowdown: float
    found: int
    unchanged: Unchanged
    trials: tuple[Trial, ...]
    refusals: tuple[Refusal, ...]


def encode(test: injected.SelfTest) -> bytes:
    """Return *test* as the document, in one line."""
    unchanged = test.unchanged
    document = Document(
        works=test.works,
        slowdown=test.slowdown,
        found=test.found,
        unchanged=Unchanged(
            unchanged.outcome,
            unchanged.reasons,
            tuple(
                wire.same(j.key, Series)
                for j in unchanged.judgements
                if j.verdict is model.Verdict.REGRESSED
            ),
        ),
        trials=tuple(map(_trial_of, test.trials)),
        refusals=wire.same(test.refusals, tuple[Refusal, ...]),
    )
    return msgspec.json.encode(document) + b"\n"


def json_schema() -> bytes:
    """Return the JSON Schema of the document, as kept in ``docs/schemas/``."""
    return wire.json_schema(Document, title=SCHEMA)


def _trial_of(trial: injected.Trial) -> Trial:
    judged, key = trial.judgement, trial.key
    return Trial(
        suite=key.suite,
        benchmark=key.benchmark,
        metric=key.metric,
        how=trial.how,
        found=trial.found,
        verdict=judged.verdict,
        slowdown=wire.same(judged.slowdown, Interval) if judged.slowdown else None,
        margin=judged.margin,
        detectable=judged.detectable,
    )
