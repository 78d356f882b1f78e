"""What ``pytest --benchmark-json`` writes → a round of times.

A benchmark is named by ``fullname``, its path below pytest's root included. The
times in ``stats.data`` are seconds per iteration already. Machine and commit are
not read: they are what pytest-benchmark saw, not what was asked for.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from benchgate.errors import FormatError
from benchgate.model import ONE_VALUE, Doubt, Round, Sample, Statistic
from benchgate.tools.source import Source
from benchgate.tools.timed import (
    FEWEST,
    TIME,
    Findings,
    Slice,
    as_text,
    round_of,
    why_not_numbers,
)

NAME = "pytest-benchmark"
EXPECTED = "pytest-benchmark JSON"

_KNOWN = re.compile(
    rb'"commit_info"\s*:.*"benchmarks"\s*:|"benchmarks"\s*:.*"disable_gc"\s*:',
    re.DOTALL,
)
_HINT = "record it again with `pytest --benchmark-json=FILE`"
_FEW = f"{FEWEST} are needed: raise `--benchmark-min-rounds`"


class _Stats(msgspec.Struct):
    """``stats``; ``data`` is left out by a plain ``--benchmark-save``."""

    median: float
    rounds: int
    data: list[float] | None = None


class _Benchmark(msgspec.Struct):
    """One of ``benchmarks``."""

    fullname: str
    stats: _Stats


def recognises(source: Source) -> bool:
    """Say whether *source* begins as pytest-benchmark's files do."""
    return _KNOWN.search(source.head) is not None


def read(
    source: Source,
    *,
    suite: str,
    warmup: float = 0.0,  # noqa: ARG001 - warm-up rounds are never in the file
    partial: bool = False,  # noqa: ARG001 - one document is whole or nothing
) -> Round:
    """Return the round that *source* holds, times in seconds per iteration.

    A benchmark that can't be judged is a failure: too few rounds, a time that is
    no positive number, a name that two share. Without the single times its median
    alone is kept, with a doubt.
    Raises FormatError when the file is no JSON, cut, or holds no benchmarks.
    """
    findings = Findings(suite)
    for entry in _entries_of(source):
        try:
            benchmark = msgspec.convert(entry, _Benchmark)
        except msgspec.ValidationError as error:
            name = entry.get("fullname", "") if isinstance(entry, dict) else ""
            findings.refuse(as_text(name), f"unlike pytest-benchmark's: {error}")
            continue
        _find(as_text(benchmark.fullname), benchmark.stats, findings)
    return round_of(findings, few=_FEW)


def _entries_of(source: Source) -> list[Any]:
    """Return what ``benchmarks`` lists."""
    try:
        # Not msgspec: users may put a NaN into `extra_info`, and Python writes it.
        document = json.loads(source.read())
    except json.JSONDecodeError as error:
        problem = f"{source.name}:{error.lineno}: the JSON is cut or damaged"
        raise FormatError(problem, hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        problem = f"{source.name}:1: this can't be read as JSON: {error}"
        raise FormatError(problem, hint=_HINT) from error
    entries = document.get("benchmarks") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FormatError(f"{source.name}:1: there are no benchmarks", hint=_HINT)
    return entries


def _find(benchmark: str, stats: _Stats, findings: Findings) -> None:
    """Add what *stats* say of *benchmark*."""
    if stats.data is None:
        _find_median(benchmark, stats, findings)
    elif problem := why_not_numbers(stats.data, what="data"):
        findings.refuse(benchmark, problem)
    else:
        # pytest-benchmark has divided by the iterations of a round already.
        ones = [1.0] * len(stats.data)
        findings.slices.append(Slice(benchmark, stats.data, ones, "s"))


def _find_median(benchmark: str, stats: _Stats, findings: Findings) -> None:
    """Add the median that is left of *benchmark* where its times were not saved."""
    if stats.rounds < FEWEST:
        findings.refuse(benchmark, f"{stats.rounds} samples: {_FEW}")
    elif not 0 < stats.median < math.inf:
        findings.refuse(benchmark, "its median is no positive number")
    else:
        sample = Sample(
            metric=TIME,
            statistics=ONE_VALUE,
            values=(stats.median,),
            primary=Statistic.VALUE,
            count=stats.rounds,
        )
        findings.samples.append((benchmark, sample))
        text = "only its median was saved: add `--benchmark-save-data`"
        findings.doubts.append(Doubt(text, series=findings.key(benchmark)))
