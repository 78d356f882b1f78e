"""``report.json`` (``benchgate-report/1``) ↔ a report.

The wire types below are the document; the functions at the end cross the border.
A judgement is written flat, with the comparison that it judges, so that a reader
with ``jq`` needs one level; all that a report holds comes back from it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from benchgate import model
from benchgate.documents import wire
from benchgate.errors import FormatError

SCHEMA = "benchgate-report/1"
_HINT = "write the report again with this version of benchgate"

# Filled by versions that give advice; this one reads only what it can keep.
Nothing = Annotated[tuple[Any, ...], Meta(max_length=0)]


class _Wire(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the document: no key may be missing, none may be unknown."""


class Commit(_Wire, frozen=True):
    """A commit as people name it; ``dirty``: with uncommitted changes."""

    commit: str
    ref: str
    dirty: bool


class Machine(_Wire, frozen=True):
    """What must match before numbers of two runs are compared."""

    arch: str
    cpu: str
    vcpus: int
    os_image: str
    kernel: str
    libc: str
    governor: str
    toolchain: str
    runner: str
    build: str
    tools: tuple[tuple[str, str], ...]


class Environment(_Wire, frozen=True):
    """Both machines, and a sentence for each known difference."""

    base: Machine
    head: Machine
    differences: tuple[str, ...]


class ErrorControl(_Wire, frozen=True):
    """How the allowed share of false alarms is kept over many series."""

    method: str
    level: float
    tests: int


class Series(_Wire, frozen=True):
    """The name of a series; ``metric`` may be empty for a whole benchmark."""

    suite: str
    benchmark: str
    metric: str


class Doubt(_Wire, frozen=True):
    """A reason to trust a result less; ``series`` is null if it concerns all."""

    text: str
    series: Series | None


class Failure(_Wire, frozen=True):
    """A benchmark, or with an empty ``benchmark`` a suite, that did not run."""

    suite: str
    benchmark: str
    reason: str
    detail: str


class Missing(_Wire, frozen=True):
    """A benchmark that only one side has; ``likely`` is its other name, or empty."""

    suite: str
    benchmark: str
    likely: str


class Cost(_Wire, frozen=True):
    """Where the minutes went, in seconds."""

    building: float
    measuring: float


class SideValue(_Wire, frozen=True):
    """A typical value over the rounds of one side, in the unit of the metric."""

    value: float
    rounds: int


class Interval(_Wire, frozen=True):
    """Fractions of the base; ``confidence`` is two-sided coverage."""

    point: float
    lo: float
    hi: float
    confidence: float


class Effect(_Wire, frozen=True):
    """The change before any policy: a log ratio, or a difference of rates.

    ``bound``, ``critical`` and ``power`` are numbers of standard errors.
    """

    theta: float
    se: float
    p_slower: float
    p_faster: float
    bound: float
    critical: float
    power: float
    spread: float
    units: float
    rounds: int


class Acceptance(_Wire, frozen=True):
    """A regression that the team wants, with its ceiling as a fraction."""

    reason: str
    owner: str
    ceiling: float
    expires: str


class Work(_Wire, frozen=True):
    """What one iteration of a benchmark does, counted instead of timed."""

    instructions: float
    allocations: float
    system_calls: float


class Statement(_Wire, frozen=True):
    """How much of a slowdown the counted work accounts for; it changes no verdict.

    ``instructions`` is a fraction of the base, ``precision`` how far it may be off;
    ``allocations`` and ``system_calls`` are how many more the head makes an iteration,
    0 where that isn't certain. Where nothing was counted, ``reason`` says why.
    """

    account: model.Account
    base: Work | None
    head: Work | None
    instructions: float
    precision: float
    allocations: float
    system_calls: float
    reason: str


class Judgement(_Wire, frozen=True):
    """What is said of one series.

    ``slowdown``, ``margin`` and ``detectable`` are fractions of the base, for rates
    of errors differences; a positive slowdown is always worse.
    ``incomparable`` says why there is no ``effect``, and is empty if there is one.
    ``design`` says how this series was settled: a report may mix designs. One that
    isn't ``tested`` could not have regressed and took no part of the allowed error.
    ``statement`` is null where nobody looked at more than the time.
    """

    suite: str
    benchmark: str
    metric: str
    unit: model.Unit
    better: model.Better
    kind: model.Kind
    verdict: model.Verdict
    reason: str
    blocking: bool
    accepted: Acceptance | None
    base: SideValue | None
    head: SideValue | None
    slowdown: Interval | None
    p: float | None
    p_adjusted: float | None
    margin: float
    detectable: float | None
    rounds_needed: int | None
    effect: Effect | None
    incomparable: str
    weak: bool
    design: model.Design
    tested: bool
    doubts: tuple[Doubt, ...]
    statement: Statement | None = None


class Document(_Wire, frozen=True):
    """The decision about a change, and everything that any output shows of it."""

    # Not a tag of msgspec's: a document without its tag would be taken for one.
    schema: Literal["benchgate-report/1"]
    outcome: model.Outcome
    reasons: tuple[str, ...]
    base: Commit
    head: Commit
    design: model.Design
    environment: Environment
    error_control: ErrorControl
    judgements: tuple[Judgement, ...]
    added: tuple[Missing, ...]
    removed: tuple[Missing, ...]
    failed: tuple[Failure, ...]
    left_out: tuple[Doubt, ...]
    suggestions: Nothing
    unexplained: Nothing
    doubts: tuple[Doubt, ...]
    cost: Cost


_DOCUMENT = msgspec.json.Decoder(Document)


def encode(report: model.Report) -> bytes:
    """Return *report* as an indented document that ends with a newline.

    Raises FormatError for a number that JSON can't hold, and ValueError when a
    metric is not called what its series says.
    """
    document = msgspec.to_builtins(
        {
            "schema": SCHEMA,
            "outcome": report.outcome,
            "reasons": report.reasons,
            "base": _commit_of(report.base),
            "head": _commit_of(report.head),
            "design": report.design,
            "environment": {
                "base": report.base_environment,
                "head": report.head_environment,
                "differences": report.differences,
            },
            "error_control": report.error_control,
            "judgements": [_judgement_of(j) for j in report.judgements],
            "added": report.added,
            "removed": report.removed,
            "failed": report.failed,
            "left_out": report.left_out,
            "suggestions": [],
            "unexplained": [],
            "doubts": report.doubts,
            "cost": report.cost,
        }
    )
    _refuse_endless(document, "$")
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode(raw: bytes, *, name: str) -> model.Report:
    """Return what the document *raw* holds; errors begin with *name*.

    Raises FormatError, with the JSON path where there is one, for anything but a
    whole document of this version.
    """
    try:
        document = _DOCUMENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem, _, place = str(error).partition(" - at `")
        said = wire.in_one_line(problem[:1].lower() + problem[1:])
        where = f"{wire.in_one_line(place.removesuffix('`'))}: " if place else ""
        raise FormatError(f"{name}: {where}{said}", hint=_HINT) from error
    _refuse_repeats(document, name=name)
    return model.Report(
        outcome=document.outcome,
        reasons=document.reasons,
        base=_commit_from(document.base),
        head=_commit_from(document.head),
        design=document.design,
        base_environment=wire.same(document.environment.base, model.Environment),
        head_environment=wire.same(document.environment.head, model.Environment),
        differences=document.environment.differences,
        error_control=wire.same(document.error_control, model.ErrorControl),
        judgements=tuple(_judgement_from(j) for j in document.judgements),
        added=wire.same(document.added, tuple[model.Missing, ...]),
        removed=wire.same(document.removed, tuple[model.Missing, ...]),
        failed=wire.same(document.failed, tuple[model.Failure, ...]),
        left_out=wire.same(document.left_out, tuple[model.Doubt, ...]),
        doubts=wire.same(document.doubts, tuple[model.Doubt, ...]),
        cost=wire.same(document.cost, model.Cost),
    )


def json_schema() -> bytes:
    """Return the JSON Schema of the document, as kept in ``docs/schemas/``."""
    return wire.json_schema(Document, title=SCHEMA)


def _refuse_endless(value: object, path: str) -> None:
    """Refuse NaN and infinities: msgspec would write null and lose what they say."""
    if isinstance(value, dict):
        for key, part in value.items():
            _refuse_endless(part, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            _refuse_endless(part, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise FormatError(f"the report can't be written: {path} is {value}")


def _refuse_repeats(document: Document, *, name: str) -> None:
    seen: set[tuple[str, str, str]] = set()
    for index, judgement in enumerate(document.judgements):
        key = (judgement.suite, judgement.benchmark, judgement.metric)
        if key in seen:
            problem = f"{name}: $.judgements[{index}]: its series was judged before"
            raise FormatError(problem, hint=_HINT)
        seen.add(key)


def _commit_of(commit: model.Commit) -> dict[str, Any]:
    return {"commit": commit.sha, "ref": commit.ref, "dirty": commit.dirty}


def _commit_from(wire: Commit) -> model.Commit:
    return model.Commit(sha=wire.commit, ref=wire.ref, dirty=wire.dirty)


def _judgement_of(judgement: model.Judgement) -> dict[str, Any]:
    comparison = judgement.comparison
    key, metric = comparison.key, comparison.metric
    if metric.name != key.metric:
        raise ValueError(f"{key}: its metric is called {metric.name}")
    return {
        "suite": key.suite,
        "benchmark": key.benchmark,
        "metric": key.metric,
        "unit": metric.unit,
        "better": metric.better,
        "kind": metric.kind,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "blocking": judgement.blocking,
        "accepted": judgement.accepted,
        "base": comparison.base,
        "head": comparison.head,
        "slowdown": judgement.slowdown,
        "p": judgement.p,
        "p_adjusted": judgement.p_adjusted,
        "margin": judgement.margin,
        "detectable": judgement.detectable,
        "rounds_needed": judgement.rounds_needed,
        "effect": comparison.effect,
        "incomparable": comparison.reason,
        "weak": comparison.weak,
        "design": comparison.design,
        "tested": comparison.tested,
        "doubts": comparison.doubts,
        "statement": judgement.statement,
    }


def _judgement_from(judged: Judgement) -> model.Judgement:
    comparison = model.Comparison(
        key=model.SeriesKey(judged.suite, judged.benchmark, judged.metric),
        metric=model.Metric(judged.metric, judged.unit, judged.better, judged.kind),
        base=wire.same(judged.base, model.SideValue) if judged.base else None,
        head=wire.same(judged.head, model.SideValue) if judged.head else None,
        effect=wire.same(judged.effect, model.Effect) if judged.effect else None,
        reason=judged.incomparable,
        weak=judged.weak,
        design=judged.design,
        tested=judged.tested,
        doubts=wire.same(judged.doubts, tuple[model.Doubt, ...]),
    )
    return model.Judgement(
        comparison=comparison,
        verdict=judged.verdict,
        reason=judged.reason,
        blocking=judged.blocking,
        accepted=wire.same(judged.accepted, model.Acceptance)
        if judged.accepted
        else None,
        slowdown=wire.same(judged.slowdown, model.Interval)
        if judged.slowdown
        else None,
        p=judged.p,
        p_adjusted=judged.p_adjusted,
        margin=judged.margin,
        detectable=judged.detectable,
        rounds_needed=judged.rounds_needed,
        statement=wire.same(judged.statement, model.Statement)
        if judged.statement
        else None,
    )
