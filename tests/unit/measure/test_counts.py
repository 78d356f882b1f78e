"""What one iteration does is counted, or there is a reason."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchgate.measure import counts
from benchgate.measure.cargo import Bench, Executable, Target
from benchgate.model import Side, Witness, Work
from tests.gate.projects import install

LONG = 60.0
ONCE = Work(instructions=1000.0, allocations=2.0, system_calls=0.0)
TWICE = Work(instructions=2000.0, allocations=3.0, system_calls=0.5)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a benchmark whose head does more than its base."""
    install(tmp_path / "tools", "valgrind")
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    monkeypatch.setenv("FAKE_STATE", str(tmp_path))
    work = {"work": {"sum": (2000, 3, 0.5)}}
    for side, source in (("base", {}), ("head", work)):
        (tmp_path / f"{side}.py").write_text(f"SOURCE = {source}\n")
    target = Target(tmp_path, "shop", "1.0.0", "core", ())
    executable = Executable(target, tmp_path / "base", exact=True, fractions=True)
    return Bench("sum", executable)


def witness_of(bench: Bench, *, within: float = LONG) -> Witness | None:
    head = replace(bench.executable, path=bench.executable.path.with_name("head"))
    built: counts.Built = {
        Side.BASE: (bench, {}),
        Side.HEAD: (replace(bench, executable=head), {}),
    }
    return counts.witness(built, suite="micro", deadline=time.monotonic() + within)


def test_the_work_of_criterion_is_not_that_of_an_iteration(bench: Bench) -> None:
    assert counts.is_there()
    assert witness_of(bench) == Witness("micro", "sum", (ONCE, ONCE), (TWICE, TWICE))


def test_a_benchmark_is_run_as_criterion_lists_it(bench: Bench) -> None:
    witness_of(bench)

    log = bench.executable.path.with_name("log").read_text()
    few, many, *_ = [call.split("\x1f")[2:] for call in log.split("\x1e")]
    assert few == [
        *(str(bench.executable.path), "--bench", "--noplot"),
        *("--sample-size", "10", "--nresamples", "2"),
        *("--warm-up-time", "1e-9", "--measurement-time", "1", "--exact", "sum"),
    ]
    assert float(many[-3]) > 10


def test_without_exact_a_benchmark_is_named_by_a_pattern(bench: Bench) -> None:
    older = replace(bench, executable=replace(bench.executable, exact=False))

    assert witness_of(older) == Witness("micro", "sum", (ONCE, ONCE), (ONCE, ONCE))


@pytest.mark.parametrize(
    ("ill", "reason"),
    [
        ("crash", "base: under valgrind it was killed by SIGILL"),
        ("silent", "base: it measured nothing"),
        ("empty", "base: it measured nothing"),
        ("cut", "base: what criterion kept can't be read"),
        ("two", "base: a name that long can't be told from others"),
        ("warm", "base: its own code sets how long it warms up"),
        ("stubborn", "base: asked for more iterations, it made no more"),
        ("idle", "base: it does less than what criterion does beside it"),
        ("undumped", "base: valgrind wrote nothing"),
    ],
)
def test_what_can_not_be_counted_has_a_reason(
    bench: Bench, ill: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VALGRIND", ill)

    assert witness_of(bench) == Witness("micro", "sum", (), (), reason)


def test_criterion_0_3_warms_up_for_too_long_to_be_counted(bench: Bench) -> None:
    old = replace(bench, executable=replace(bench.executable, fractions=False))

    found = witness_of(old)

    assert found
    assert found.reason == (
        "base: its version of criterion warms up for a second at least"
    )


def test_one_that_takes_too_long_has_a_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VALGRIND", "hang")
    monkeypatch.setattr(counts, "_RUN_WITHIN", 0.2)

    found = witness_of(bench)

    assert found
    assert found.reason == "base: valgrind: not finished after 0.2 s"


def test_what_the_deadline_cuts_off_has_no_witness(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VALGRIND", "hang")

    assert witness_of(bench, within=0.2) is None
