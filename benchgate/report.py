"""Judgements and what was missing → Report: the order, the counts, the outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

from benchgate.compare import Compared, benchmarks_of
from benchgate.model import (
    UNKNOWN,
    Answer,
    Design,
    Doubt,
    Environment,
    Failure,
    HostLoad,
    Judgement,
    Measurement,
    Missing,
    Outcome,
    Policy,
    Report,
    Run,
    Verdict,
)
from benchgate.stats.pairs import FEWEST_TO_CHOOSE
from benchgate.units import format_share

_ORDER = {
    Verdict.REGRESSED: 0,
    Verdict.INCONCLUSIVE: 1,
    Verdict.IMPROVED: 2,
    Verdict.UNCHANGED: 3,
}
# Shares of all CPU time, beyond which a round was disturbed. Hosted runners steal one
# to three percent all the time; a neighbour on the same core costs half and more.
_MANY_OTHERS = 0.2
_MUCH_STOLEN = 0.05
_MUCH_THROTTLED = 0.01
# Quiet pairs are a quarter of all at the least; with fewer, none were quiet.
_FEWEST_QUIET = 0.25


def build_report(
    measurement: Measurement,
    compared: Compared,
    judgements: Sequence[Judgement],
    *,
    policy: Policy,
) -> Report:
    """Return the report of one comparison; an outcome has its reasons with it."""
    base, head = measurement.base, measurement.head
    failed = _failures(measurement)
    added, removed = _missing(base, head, failed) if base else ((), ())
    outcome, reasons = _outcome(judgements, failed, removed, policy=policy)
    differences = _differences(base, head) if base else ()
    return Report(
        outcome=outcome,
        reasons=reasons,
        base=base.commit if base else head.commit,
        head=head.commit,
        design=measurement.design,
        base_environment=base.environment if base else Environment(),
        head_environment=head.environment,
        differences=differences,
        error_control=compared.error_control,
        judgements=tuple(sorted(judgements, key=_rank)),
        added=added,
        removed=removed,
        failed=failed,
        left_out=measurement.left_out,
        doubts=_doubts(measurement, compared),
        cost=measurement.cost,
    )


def _rank(judgement: Judgement) -> tuple[int, bool, float, str, str, str]:
    """Put the verdict that needs somebody first, and in it the largest change."""
    change = judgement.slowdown.point if judgement.slowdown else -math.inf
    size = -abs(change) if judgement.verdict is Verdict.IMPROVED else -change
    key = judgement.key
    return (
        _ORDER[judgement.verdict],
        not judgement.blocking,
        size,
        key.suite,
        key.benchmark,
        key.metric,
    )


def _outcome(
    judgements: Sequence[Judgement],
    failed: Sequence[Failure],
    removed: Sequence[Missing],
    *,
    policy: Policy,
) -> tuple[Outcome, tuple[str, ...]]:
    """Return the decision with a sentence for each thing that led to it.

    A regression outranks all that could not be measured.
    """
    regressed = [j for j in judgements if fails(j, policy)]
    open_ones = [
        j for j in judgements if j.blocking and j.verdict is Verdict.INCONCLUSIVE
    ]
    reasons = []
    if regressed:
        reasons.append(_count(len(regressed), "series regressed", "series regressed"))
    undecided = []
    if failed:
        undecided.append(_count(len(failed), "failure", "failures"))
    if removed and policy.on_missing is Answer.FAIL:
        undecided.append(
            _count(
                len(removed),
                "benchmark of the base is missing from the head",
                "benchmarks of the base are missing from the head",
            )
        )
    if open_ones and policy.on_inconclusive is Answer.FAIL:
        worse = [j for j in open_ones if not _not_worse(j)]
        if worse:
            undecided.append(
                _count(len(worse), "series not settled", "series not settled")
            )
    if regressed:
        return Outcome.REGRESSED, (*reasons, *undecided)
    if undecided:
        return Outcome.UNDECIDED, tuple(undecided)
    return Outcome.PASSED, ()


def fails(judgement: Judgement, policy: Policy) -> bool:
    """Say whether this judgement alone makes the outcome ``regressed``."""
    return (
        judgement.verdict is Verdict.REGRESSED
        and judgement.blocking
        and judgement.accepted is None
        and not (judgement.comparison.weak and policy.on_weak is Answer.WARN)
    )


def _not_worse(judgement: Judgement) -> bool:
    return judgement.slowdown is not None and judgement.slowdown.hi < judgement.margin


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _failures(measurement: Measurement) -> tuple[Failure, ...]:
    """Return each failure once: the head's, and what the base alone failed at."""
    runs = [run for run in (measurement.head, measurement.base) if run]
    seen: dict[tuple[str, str, str], Failure] = {}
    for run in runs:
        for failure in (f for r in run.rounds for f in r.failures):
            place = (failure.suite, failure.benchmark, failure.reason)
            seen.setdefault(place, failure)
    return tuple(seen.values())


def _missing(
    base: Run, head: Run, failed: Sequence[Failure]
) -> tuple[tuple[Missing, ...], tuple[Missing, ...]]:
    """Return what only the head has and what only the base has.

    A benchmark that failed is neither. A name that was added and one that was
    removed and look alike are each other's likely rename.
    """
    before, after = benchmarks_of(base), benchmarks_of(head)
    broken = {(f.suite, f.benchmark) for f in failed}
    broken_suites = {f.suite for f in failed if not f.benchmark}
    only_head = sorted(after - before - broken)
    only_base = sorted(
        (suite, name)
        for suite, name in before - after - broken
        if suite not in broken_suites
    )
    alike = _renames(only_base, only_head)
    back = {new: old for old, new in alike.items()}
    return (
        tuple(
            Missing(s, n, likely=back.get((s, n), ("", ""))[1]) for s, n in only_head
        ),
        tuple(
            Missing(s, n, likely=alike.get((s, n), ("", ""))[1]) for s, n in only_base
        ),
    )


def _renames(
    removed: Sequence[tuple[str, str]], added: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Match names of one suite that differ little, the most alike first."""
    import difflib  # noqa: PLC0415 - only where something is missing

    candidates = sorted(
        (
            (difflib.SequenceMatcher(None, old[1], new[1]).ratio(), old, new)
            for old in removed[:50]
            for new in added[:50]
            if old[0] == new[0]
        ),
        key=lambda c: (-c[0], c[1], c[2]),
    )
    matched: dict[tuple[str, str], tuple[str, str]] = {}
    for ratio, old, new in candidates:
        alike = ratio >= 0.7  # noqa: PLR2004 - difflib's own advice is 0.6
        if alike and old not in matched and new not in matched.values():
            matched[old] = new
    return matched


def _differences(base: Run, head: Run) -> tuple[str, ...]:
    """Return where the two environments are known to differ."""
    pairs = [
        (f.name, getattr(base.environment, f.name), getattr(head.environment, f.name))
        for f in fields(Environment)
        if f.name != "tools"
    ]
    tools = dict(base.environment.tools)
    pairs += [(n, tools.get(n, UNKNOWN), v) for n, v in head.environment.tools]
    return tuple(
        f"{name}: {before} on the base, {after} on the head"
        for name, before, after in pairs
        if before != after and before not in (UNKNOWN, 0) and after not in (UNKNOWN, 0)
    )


def _doubts(measurement: Measurement, compared: Compared) -> tuple[Doubt, ...]:
    runs = [run for run in (measurement.base, measurement.head) if run]
    found = [d for run in runs for r in run.rounds for d in r.doubts]
    found += _disturbances(measurement)
    found += compared.doubts
    found += [d for c in compared.comparisons for d in c.doubts]
    return tuple(dict.fromkeys(found))


def _disturbances(measurement: Measurement) -> tuple[Doubt, ...]:
    """Return one doubt for all rounds in which the machine did something else.

    The head's rounds speak for both sides: a pair shares its moment.
    """
    loads = [r.load for r in measurement.head.rounds if r.load]
    reasons = [_disturbed(load) for load in loads]
    quiet = reasons.count(())
    if quiet == len(loads):
        return ()
    seen = [reason for each in reasons for reason in each]
    said = f"of {_count(len(loads), 'round', 'rounds')} " + ", ".join(
        f"in {seen.count(reason)} {reason}" for reason in dict.fromkeys(seen)
    )
    looked_past = (
        measurement.design is Design.PAIRED
        and len(loads) >= FEWEST_TO_CHOOSE
        and quiet >= _FEWEST_QUIET * len(loads)
    )
    if looked_past:
        return (Doubt(f"{said}; quiet pairs look past them"),)
    return (Doubt(f"{said}: see `benchgate doctor`, and measure on a quieter machine"),)


def _disturbed(load: HostLoad) -> tuple[str, ...]:
    """Say what disturbed a round, the causes that explain others first."""
    throttled = load.throttled is not None and load.throttled > _MUCH_THROTTLED
    reasons = (
        (throttled, "the container's CPU limit held us back"),
        (bool(load.overheated), "a CPU slowed down because of heat"),
        (
            load.steal > _MUCH_STOLEN,
            f"the hypervisor took more than {format_share(_MUCH_STOLEN)} of the CPU",
        ),
        (
            load.others > _MANY_OTHERS,
            f"other processes used more than {format_share(_MANY_OTHERS)} of the CPU",
        ),
    )
    return tuple(reason for holds, reason in reasons if holds)
