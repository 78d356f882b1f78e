"""The flow: sources or a checkout → a measurement → a report.

Each function here is a sentence of the README; what a step does stands in its room.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path

from benchgate import judge as policy_of
from benchgate.compare import benchmarks_of, compare, compare_window, renamed
from benchgate.config import Config
from benchgate.documents import run
from benchgate.errors import FormatError
from benchgate.measure import git
from benchgate.measure.pairs import Comparison, measure_alone
from benchgate.measure.plan import Checkout, Plan, Progress, Workshop
from benchgate.measure.selection import measurable, selected
from benchgate.model import (
    Commit,
    Design,
    Environment,
    Measurement,
    Report,
    Round,
    Run,
    Side,
    Verdict,
)
from benchgate.report import build_report
from benchgate.tools import merge, tool_of
from benchgate.tools.source import source_of


def judge_measurement(measurement: Measurement, config: Config) -> Report:
    """Return the report of *measurement* under the policy of *config*.

    Raises FormatError when the sides have nothing in common.
    """
    measurement = _with_renames(measurement, config)
    _check_shared(measurement)
    policy = config.policy
    compared = compare(
        measurement,
        blocks=partial(policy_of.blocks, policy=policy),
        level=policy.false_alarms,
    )
    judgements = policy_of.judge(
        compared.comparisons, policy=policy, control=compared.error_control
    )
    return build_report(measurement, compared, judgements, policy=policy)


def judge_against(
    window: Sequence[Measurement], measurement: Measurement, config: Config
) -> Report:
    """Return the report of a head against stored runs, newest first.

    Without any it is a first run, which passes.
    """
    policy = config.policy
    blocks = partial(policy_of.blocks, policy=policy)
    runs = [renamed(stored.head, config.renames) for stored in reversed(window)]
    against = replace(
        measurement, base=runs[-1] if runs else None, design=Design.STORED
    )
    compared = (
        compare_window(runs, measurement.head, blocks=blocks, level=policy.false_alarms)
        if runs
        else compare(against, blocks=blocks, level=policy.false_alarms)
    )
    judgements = policy_of.judge(
        compared.comparisons, policy=policy, control=compared.error_control
    )
    return build_report(against, compared, judgements, policy=policy)


def still_open(measurement: Measurement, config: Config) -> set[tuple[str, str]]:
    """Return (suite, benchmark) of what more rounds may settle."""
    report = judge_measurement(measurement, config)
    last = config.measure.looks[-1]
    return {
        (j.key.suite, j.key.benchmark)
        for j in report.judgements
        if j.blocking
        and j.verdict is Verdict.INCONCLUSIVE
        and j.rounds_needed is not None
        and j.rounds_needed <= last
    }


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


def join_shards(measurements: Sequence[Measurement]) -> Measurement:
    """Return one measurement of what several machines measured, each its own part."""
    first = measurements[0]
    if len(measurements) == 1:
        return first
    if any(m.design is not first.design for m in measurements):
        raise FormatError("the run documents were measured by different designs")
    bases = [m.base for m in measurements if m.base]
    return replace(
        first,
        base=_joined(bases) if bases else None,
        head=_joined([m.head for m in measurements]),
        share_of_error=min(m.share_of_error for m in measurements),
        left_out=tuple(d for m in measurements for d in m.left_out),
    )


def measure_checkout(
    folder: Path, config: Config, *, base: str | None, work: Path, progress: Progress
) -> Measurement:
    """Measure the work tree that *folder* lies in against its base, in pairs.

    ``run.json`` in *work* always holds what was measured, however this ends.
    """
    root = git.toplevel(folder)
    commits = git.base_commit(root, base), git.head_commit(root)
    with git.cache_slot(root) as slot, tempfile.TemporaryDirectory(dir=slot) as scratch:
        progress.say(f"checking out the base, {commits[0].sha[:12]}")
        tree = git.worktree(root, commits[0].sha, slot / "base")
        side = partial(_checkout, folder=folder, root=root, slot=slot)
        plan = Plan(
            Workshop(config, work, Path(scratch), progress),
            base=side(Side.BASE, commits[0], tree),
            head=side(Side.HEAD, commits[1], root),
        )
        suites, left_out = selected(plan)
        comparison = Comparison(plan, left_out=left_out)
        try:
            return comparison.run(suites, partial(still_open, config=config))
        finally:
            if comparison.rounds:
                (work / "run.json").write_bytes(run.encode(comparison.measurement()))


def measure_head(
    folder: Path, config: Config, *, work: Path, progress: Progress
) -> Measurement:
    """Measure the work tree that *folder* lies in once, as its authors set it up."""
    root = git.toplevel(folder)
    suites, _ = measurable(config)
    with tempfile.TemporaryDirectory(prefix="benchgate-") as scratch:
        return measure_alone(
            Workshop(config, work, Path(scratch), progress),
            suites,
            Checkout(Side.HEAD, git.head_commit(root), root, folder),
        )


def _checkout(
    side: Side, commit: Commit, tree: Path, *, folder: Path, root: Path, slot: Path
) -> Checkout:
    """Return one side; *tree* is its work tree, *folder* where the user stands."""
    # With one target folder for both, the sides would overwrite each other's benches.
    shared = side is Side.BASE and "CARGO_TARGET_DIR" in os.environ
    return Checkout(
        side=side,
        commit=commit,
        root=tree,
        project=tree / folder.resolve().relative_to(root.resolve()),
        target=slot / "target" if shared else None,
    )


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
    parts = [names] if Path(names).exists() else names.split(",")
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
    if measurement.base is None or not config.renames:
        return measurement
    return replace(measurement, base=renamed(measurement.base, config.renames))


def _check_shared(measurement: Measurement) -> None:
    if measurement.base is None:
        return
    before, after = benchmarks_of(measurement.base), benchmarks_of(measurement.head)
    failed = any(r.failures for r in measurement.head.rounds)
    if before & after or failed or not (before or after):
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
