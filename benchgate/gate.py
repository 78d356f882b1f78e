"""The flow: sources or run documents → a measurement → a report.

Each function here is a sentence of the README; what a step does stands in its room.
Measuring, which has a flow of its own, is in ``measure/flow.py``.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

from benchgate import injected
from benchgate import judge as policy_of
from benchgate.acceptance import accept
from benchgate.clearing import recent_changes, unchanged
from benchgate.compare import (
    WHOLE_SUITE,
    Compared,
    benchmarks_of,
    compare,
    compare_window,
    renamed,
)
from benchgate.config import Config
from benchgate.errors import FormatError
from benchgate.injected import How, Refusal, SelfTest, Trial
from benchgate.luck import said_of_layouts, worth_running_as_built
from benchgate.model import (
    Commit,
    Comparison,
    Cost,
    Design,
    Doubt,
    Environment,
    ErrorControl,
    Judgement,
    Measurement,
    Policy,
    Report,
    Round,
    Run,
    SeriesKey,
    Verdict,
)
from benchgate.report import build_report, fails
from benchgate.stats.window import FEWEST_RUNS
from benchgate.tools import merge, tool_of
from benchgate.tools.source import source_of
from benchgate.witness import explained, suspects


def judge_measurement(measurement: Measurement, config: Config) -> Report:
    """Return the report of *measurement* under the policy of *config*.

    Raises FormatError when nothing was measured, and when the sides have nothing in
    common.
    """
    measurement = _with_renames(measurement, config)
    _check_measured(measurement)
    _check_pairs(measurement)
    _check_shared(measurement)
    policy = config.policy
    compared = compare(
        measurement,
        blocks=partial(policy_of.blocks, policy=policy),
        margin=partial(policy_of.plain_margin, policy=policy),
        level=policy.false_alarms,
    )
    judgements = explained(
        policy_of.judge(
            compared.comparisons, policy=policy, control=compared.error_control
        ),
        measurement.witnesses,
    )
    # What stored runs cleared spends no error: nothing is called slower there.
    cleared = policy_of.judge(
        measurement.cleared,
        policy=policy,
        control=replace(compared.error_control, level=0.0, tests=0),
    )
    compared = replace(
        compared,
        doubts=(*compared.doubts, *_of_layouts(judgements, measurement, policy)),
    )
    accepted, doubts = _accepted((*judgements, *cleared), measurement, config)
    compared = replace(compared, doubts=(*compared.doubts, *doubts))
    return build_report(measurement, compared, accepted, policy=policy)


def _accepted(
    judgements: Sequence[Judgement], measurement: Measurement, config: Config
) -> tuple[tuple[Judgement, ...], tuple[Doubt, ...]]:
    """Return *judgements* with what the team accepts, and what to doubt of that."""
    failed = [f for round_ in measurement.head.rounds for f in round_.failures]
    unjudged = {(failure.suite, failure.benchmark) for failure in failed}
    left_out = [doubt.series for doubt in measurement.left_out if doubt.series]
    unjudged |= {(series.suite, series.benchmark) for series in left_out}
    return accept(
        judgements,
        config.accepted,
        today=config.today,
        unjudged=unjudged,
    )


def _of_layouts(
    judgements: Sequence[Judgement], measurement: Measurement, policy: Policy
) -> tuple[Doubt, ...]:
    """Return what the executables as built tell of the luck in a layout, if any ran."""
    if measurement.as_built is None:
        return ()
    base, head = measurement.as_built
    compared = compare(
        Measurement(base, head, Design.PAIRED),
        blocks=partial(policy_of.blocks, policy=policy),
        margin=partial(policy_of.plain_margin, policy=policy),
        level=policy.false_alarms,
    )
    return said_of_layouts(judgements, compared.comparisons)


def judge_against(
    window: Sequence[Measurement],
    measurement: Measurement,
    config: Config,
    *,
    plain: bool = False,
    reruns: Sequence[Measurement] = (),
) -> Report:
    """Return the report of a head against stored runs, newest first.

    Without any it is a first run, which passes. *reruns* are measurements of the same
    commit by other jobs, each as good as the first. *plain*: what all benchmarks of a
    run share is not taken out.
    Raises FormatError when nothing was measured.
    """
    for one in (measurement, *reruns):
        _check_measured(one)
    policy = config.policy
    blocks = partial(policy_of.blocks, policy=policy)
    runs = [_renamed(stored.head, config) for stored in reversed(window)]
    against = replace(
        measurement,
        base=_newest(runs, measurement.head) if runs else None,
        head=_with_failures(measurement.head, [rerun.head for rerun in reruns]),
        design=Design.STORED,
    )
    compared = (
        compare_window(
            runs,
            measurement.head,
            blocks=blocks,
            level=policy.false_alarms,
            widen=policy.widen,
            plain=plain,
            reruns=[rerun.head for rerun in reruns],
        )
        if runs
        else Compared((), ErrorControl("holm", policy.false_alarms, 0), ())
    )
    judgements, doubts = _accepted(
        policy_of.judge(
            compared.comparisons, policy=policy, control=compared.error_control
        ),
        against,
        config,
    )
    compared = replace(compared, doubts=(*compared.doubts, *doubts))
    return build_report(against, compared, judgements, policy=policy)


def _newest(runs: Sequence[Run], head: Run) -> Run:
    """Return what the default branch has: of each suite the newest run, oldest first.

    Runs of the head's environment count, where there are any: a job that measures
    another suite on another machine says nothing of what this head should have.
    """
    same = [run for run in runs if run.environment.key == head.environment.key]
    latest: dict[str, Run] = {}
    for run in same or runs:
        latest |= dict.fromkeys({suite for suite, _ in benchmarks_of(run)}, run)
    samples = {
        key: reading
        for suite, run in latest.items()
        for one in run.rounds
        for key, reading in one.samples.items()
        if key.suite == suite
    }
    return replace((same or runs)[-1], rounds=(Round(samples),))


def _with_failures(head: Run, reruns: Sequence[Run]) -> Run:
    """Return *head* with what failed in its reruns, and with their doubts."""
    others = [one for run in reruns for one in run.rounds]
    if not others:
        return head
    first, *rest = head.rounds
    whole = replace(
        first,
        failures=(*first.failures, *(f for one in others for f in one.failures)),
        doubts=(*first.doubts, *(d for one in others for d in one.doubts)),
    )
    return replace(head, rounds=(whole, *rest))


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the stored runs settled, before anything was measured in pairs.

    ``measurement`` holds what they cleared and nothing else. In the suites ``done``
    there is nothing left to measure, in those ``left`` there is.
    """

    measurement: Measurement
    done: frozenset[str]
    left: frozenset[str]


def can_look(window: Sequence[Measurement], environment: Environment) -> bool:
    """Say whether enough stored runs were made where the head would be measured."""
    alike = [run for run in window if run.head.environment.key == environment.key]
    return len(alike) >= FEWEST_RUNS


def first_look(
    window: Sequence[Measurement], measurement: Measurement, config: Config
) -> FirstLook:
    """Return what stored runs, newest first, clear of a head measured alone.

    A benchmark is cleared when every series of it that may block is unchanged, by
    evidence that isn't weak, with what the whole suite shares left in, and near the
    newest runs too; of a load test, which is measured as a whole, all or nothing.
    Where a whole suite moved, nothing of it is cleared: whether that was the machine,
    only pairs can tell.
    """
    report = judge_against(window, measurement, config, plain=True)
    recent = recent_changes([stored.head for stored in window], measurement.head)
    suites: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in report.judgements:
        suites[judgement.key.suite].append(judgement)
    unlike = {m.suite for m in (*report.added, *report.removed)}
    unlike |= {failure.suite for failure in report.failed}
    whole = {suite.name for suite in config.suites if suite.tool == "k6"}
    cleared: list[Comparison] = []
    done = set()
    for suite, members in suites.items():
        kept = unchanged(members, recent)
        if len(kept) == len(members) and suite not in unlike:
            done.add(suite)
        elif suite in whole or any(m.key.benchmark == WHOLE_SUITE for m in members):
            continue
        cleared += kept
    newest, head = window[0].head, measurement.head
    return FirstLook(
        Measurement(
            base=replace(newest, rounds=()),
            head=replace(head, rounds=tuple(map(_as_seen, head.rounds))),
            design=Design.STORED,
            left_out=measurement.left_out,
            cleared=tuple(cleared),
            cost=measurement.cost,
        ),
        done=frozenset(done),
        left=frozenset(suites.keys() | unlike) - done,
    )


def _as_seen(one: Round) -> Round:
    """Return what was seen beside the measurements of a round."""
    return replace(one, samples={}, failures=())


def still_open(measurement: Measurement, config: Config) -> set[tuple[str, str]]:
    """Return (suite, benchmark) of what more rounds may settle."""
    report = judge_measurement(measurement, config)
    last = config.measure.looks[-1]
    return {
        (j.key.suite, j.key.benchmark)
        for j in report.judgements
        if j.blocking
        and j.verdict is Verdict.INCONCLUSIVE
        and _may_be_settled(j, rounds=last)
    }


def surprises_in(
    measurement: Measurement, read: Mapping[tuple[str, str], float], config: Config
) -> tuple[tuple[str, str], ...]:
    """Return (suite, benchmark) of what *read* otherwise as built, worst first.

    *read*: the change, as a share, that one run of both builds showed.
    """
    try:
        judgements = judge_measurement(measurement, config).judgements
    except FormatError:
        return ()
    return worth_running_as_built(judgements, read)


def suspects_in(
    measurement: Measurement, config: Config
) -> tuple[tuple[str, str], ...]:
    """Return (suite, benchmark) of what seems to be slower, the worst first.

    What can't be judged has none; whoever judges it will say why.
    """
    try:
        return suspects(judge_measurement(measurement, config).judgements)
    except FormatError:
        return ()


def _may_be_settled(judgement: Judgement, *, rounds: int) -> bool:
    """Say whether so many rounds may tell, or make what is seen now significant."""
    needed = judgement.rounds_needed
    if needed is not None and needed <= rounds:
        return True
    effect = judgement.comparison.effect
    if effect is None or judgement.slowdown is None:
        return False
    then = effect.critical * effect.se * math.sqrt(effect.rounds / rounds)
    return judgement.slowdown.point > judgement.margin and effect.theta > then


def prove_itself(
    measurement: Measurement,
    config: Config,
    *,
    slowdown: float,
    repeated: Collection[tuple[str, str]],
    refusals: Sequence[Refusal],
) -> SelfTest:
    """Return whether this gate passes unchanged code and fails a known *slowdown*.

    *measurement* is of a commit against itself; in the benchmarks *repeated*, each
    (suite, name), the work of some of its rounds was repeated in that share. All
    others are made slower on paper, one at a time. What the team accepts is left out:
    it says nothing of what the gate can see.
    """
    config = replace(config, accepted=())
    plain = injected.without_repeated(measurement)
    unchanged = judge_measurement(plain, config)
    slowed = injected.with_repeated(measurement, repeated)
    measured = judge_measurement(slowed, config) if repeated else unchanged

    def trial(benchmark: tuple[str, str], keys: Collection[SeriesKey]) -> Trial:
        how, report = How.REPEATED, measured
        if benchmark not in repeated:
            slower = injected.scaled(plain, keys, slowdown=slowdown)
            how, report = How.SCALED, judge_measurement(slower, config)
        judged = [j for j in report.judgements if j.key in keys]
        failing = {j.key for j in judged if fails(j, config.policy)}
        return injected.trial_of(judged, how=how, failing=failing)

    trials = [trial(*each) for each in injected.tried(unchanged.judgements).items()]
    return SelfTest(slowdown, unchanged, tuple(trials), tuple(refusals))


def read_sides(
    base: Sequence[str],
    head: Sequence[str],
    *,
    paired: bool,
    config: Config,
    warmup: float | None,
    partial_runs: bool,
) -> Measurement:
    """Return what the sources say; each is a round, or parts of one, joined by commas.

    Raises FormatError when one can't be read.
    """
    read = partial(_read_round, config=config, warmup=warmup, partial_runs=partial_runs)
    return Measurement(
        base=Run(Commit(), Environment(), tuple(read(name) for name in base)),
        head=Run(Commit(), Environment(), tuple(read(name) for name in head)),
        design=Design.PAIRED if paired else Design.INDEPENDENT,
    )


def join_heads(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the heads in *measurements*, of which some may be shards of one another.

    What repeats a series is another run of the same commit; what shares none with the
    others is a part. Raises FormatError for a mixture of the two.
    """
    parts = [benchmarks_of(m.head) for m in measurements]
    if sum(map(len, parts)) == len(set().union(*parts)):
        return [join_shards(measurements)]
    if any(part != parts[0] for part in parts):
        raise FormatError(
            "the run documents share some benchmarks and not all",
            hint="join the shards of each job first, or give whole runs",
        )
    commits = {m.head.commit.sha for m in measurements}
    if len(commits) > 1:
        raise FormatError(
            "the run documents are of different commits: "
            + ", ".join(sorted(sha[:12] for sha in commits)),
            hint="give the runs of one commit",
        )
    return list(measurements)


def join_shards(measurements: Sequence[Measurement]) -> Measurement:
    """Return one measurement of what several machines measured, each its own part.

    Raises FormatError when they don't belong together.
    """
    first = measurements[0]
    if len(measurements) == 1:
        return first
    if any(m.design is not first.design for m in measurements):
        raise FormatError("the run documents were measured by different designs")
    if len({_commits(m) for m in measurements}) > 1:
        raise FormatError(
            "the run documents are of different commits: "
            + "; ".join(
                " → ".join(sha[:12] for sha in _commits(m)) for m in measurements
            ),
            hint="give the shards of one comparison",
        )
    bases = [m.base for m in measurements if m.base]
    return replace(
        first,
        base=_joined(bases) if bases else None,
        head=_joined([m.head for m in measurements]),
        share_of_error=min(m.share_of_error for m in measurements),
        cleared=tuple(c for m in measurements for c in m.cleared),
        witnesses=tuple(w for m in measurements for w in m.witnesses),
        as_built=_both([m.as_built for m in measurements if m.as_built]),
        # What is left out everywhere is said once.
        left_out=tuple(dict.fromkeys(d for m in measurements for d in m.left_out)),
        cost=Cost(
            building=sum(m.cost.building for m in measurements),
            measuring=sum(m.cost.measuring for m in measurements),
        ),
    )


def _both(pairs: Sequence[tuple[Run, Run]]) -> tuple[Run, Run] | None:
    """Return both sides of all shards; a shard with fewer rounds lacks the last."""
    if not pairs:
        return None
    return _joined([base for base, _ in pairs]), _joined([head for _, head in pairs])


def _commits(measurement: Measurement) -> tuple[str, ...]:
    sides = (measurement.base, measurement.head)
    return tuple(side.commit.sha for side in sides if side)


def _joined(runs: Sequence[Run]) -> Run:
    """Return the rounds of several shards, the i-th of each making the i-th."""
    rounds = zip_longest(*(r.rounds for r in runs))
    merged = tuple(
        merge((f"shard {i}", part) for i, part in enumerate(parts, 1) if part)
        for parts in rounds
    )
    return replace(runs[0], rounds=merged)


def _read_round(
    names: str, *, config: Config, warmup: float | None, partial_runs: bool
) -> Round:
    # A name that the system finds too long can only be a list.
    parts = [names] if os.path.lexists(names) else names.split(",")
    return merge(
        (
            part,
            _read_part(part, config=config, warmup=warmup, partial_runs=partial_runs),
        )
        for part in parts
    )


def _read_part(
    name: str, *, config: Config, warmup: float | None, partial_runs: bool
) -> Round:
    """Return what one file says, as the suite of its tool if there is just one."""
    source = source_of(name)
    tool = tool_of(source)
    suites = [suite for suite in config.suites if suite.tool == tool.NAME]
    suite = suites[0] if len(suites) == 1 else None
    if warmup is None:
        warmup = suite.warmup if suite else 0.0
    called = suite.name if suite else tool.NAME
    return tool.read(source, suite=called, warmup=warmup, partial=partial_runs)


def _with_renames(measurement: Measurement, config: Config) -> Measurement:
    """Return *measurement* with the base's benchmarks under their present names.

    A rename says nothing of a base that has the new name already.
    """
    if measurement.base is None:
        return measurement
    as_built = measurement.as_built
    if as_built:
        as_built = _renamed(as_built[0], config), as_built[1]
    base = _renamed(measurement.base, config)
    return replace(measurement, base=base, as_built=as_built)


def _renamed(run: Run, config: Config) -> Run:
    there = {benchmark for _, benchmark in benchmarks_of(run)}
    names = {old: new for old, new in config.renames.items() if new not in there}
    return renamed(run, names)


def _check_measured(measurement: Measurement) -> None:
    """Refuse what holds neither a measurement nor the reason why there is none."""
    sides = [side for side in (measurement.base, measurement.head) if side]
    rounds = [round_ for side in sides for round_ in side.rounds]
    there = any(r.samples or r.failures for r in rounds) or measurement.cleared
    if there or measurement.left_out:
        return
    raise FormatError("nothing was measured", hint="look into .benchgate/logs")


def _check_pairs(measurement: Measurement) -> None:
    """Refuse pairs of which one side is missing: which belong together isn't known."""
    base, head = measurement.base, measurement.head
    if base is None or measurement.design is not Design.PAIRED:
        return
    rounds = (len(base.rounds), len(head.rounds))
    if rounds[0] != rounds[1]:
        raise FormatError(
            f"{rounds[0]} rounds of the base and {rounds[1]} of the head are no pairs",
            hint="measure both again with `benchgate run --base REF`",
        )


def _check_shared(measurement: Measurement) -> None:
    """Refuse sides that have nothing in common, unless the base had nothing yet."""
    if measurement.base is None:
        return
    before, after = benchmarks_of(measurement.base), benchmarks_of(measurement.head)
    rounds = (*measurement.base.rounds, *measurement.head.rounds)
    failed = any(round_.failures for round_ in rounds)
    if before & after or failed or not before or measurement.cleared:
        return
    sides = (("base", before), ("head", after))
    raise FormatError(
        "base and head share no benchmark; "
        + "; ".join(f"{side}: {_listed(names)}" for side, names in sides),
        hint="compare runs of the same suite, or say what was renamed in `renames`",
    )


def _listed(names: set[tuple[str, str]]) -> str:
    shown = sorted(f"{suite}:{name}" for suite, name in names)[:20]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") if shown else "none"
