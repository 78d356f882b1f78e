"""Measurements to keep, and git to look behind the store."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from benchgate.model import (
    ONE_VALUE,
    Better,
    Commit,
    Design,
    Environment,
    Failure,
    Kind,
    Measurement,
    Metric,
    Round,
    Run,
    Sample,
    SeriesKey,
    Statistic,
    Unit,
)

BRANCH = "benchgate-data"
NOON = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC
EPYC = Environment(arch="x86_64", cpu="AMD EPYC 7763", vcpus=4, runner="hosted")
GRAVITON = Environment(arch="aarch64", cpu="Neoverse N1", vcpus=4)


def measured(
    sha: str = "a" * 40,
    *,
    environment: Environment = EPYC,
    value: float = 1.5e-6,
) -> Measurement:
    """Return a complete run of one series at *sha*."""
    metric = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
    sample = Sample(metric, ONE_VALUE, (value,), Statistic.VALUE, count=30)
    key = SeriesKey("micro", "parse", "time")
    head = Run(Commit(sha, "main"), environment, (Round({key: sample}),))
    return Measurement(base=None, head=head, design=Design.STORED)


def partly_failed() -> Measurement:
    """Return a run of which one benchmark did not run."""
    whole = measured()
    failure = Failure("micro", "render", "it panicked")
    rounds = (*whole.head.rounds, Round({}, failures=(failure,)))
    return replace(whole, head=replace(whole.head, rounds=rounds))


def git(root: Path, *args: str) -> str:
    """Return what git says about the repository at *root*."""
    return subprocess.run(
        ["git", "-C", str(root), *args],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
