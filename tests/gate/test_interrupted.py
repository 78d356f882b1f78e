"""Somebody stops it: nothing runs on, and what was measured can be judged."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.projects import Project, wait_for

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def slow(project: Project) -> Project:
    """Return a project whose slices take a while."""
    project.bench({"sort": 500.0, "parse": 900.0}, takes=0.15)
    project.commit("slow")
    return project


def third_round(project: Project) -> Path:
    return project.root / ".benchgate" / "raw" / "criterion-002-head.ndjson"


def with_variable(name: str, value: str) -> list[bytes]:
    """Return the command lines of the processes that have this in their environment."""
    wanted = f"{name}={value}".encode()
    found = [place for place in environments() if wanted in content_of(place)]
    return [content_of(place.with_name("cmdline")) for place in found]


def environments() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/environ")


def content_of(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_keeps_what_was_measured_and_leaves_no_process(
    slow: Project, number: signal.Signals
) -> None:
    process = slow.started("compare", "--base", "HEAD")
    wait_for(third_round(slow), process)

    process.send_signal(number)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert re.search(r"error: stopped after \d+ rounds\n", said)
    assert "`benchgate compare --run .benchgate/run.json`" in said
    assert with_variable("FAKE_STATE", str(slow.state)) == []

    again = slow.benchgate("compare", "--run", ".benchgate/run.json")
    assert again.code == 0, again.err
    assert "measuring was stopped after" in again.out


def test_before_the_first_round_there_is_nothing_to_point_at(slow: Project) -> None:
    slow.bench({"sort": 500.0}, takes=30)
    slow.commit("very slow")
    process = slow.started("compare", "--base", "HEAD")
    wait_for(slow.root / ".benchgate" / "logs" / "criterion-base.log", process)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert said.endswith("benchgate: error: interrupted\n")
    assert not (slow.root / ".benchgate" / "run.json").exists()


def test_a_stopped_run_of_the_head_alone_says_no_more_than_that(slow: Project) -> None:
    slow.bench({"sort": 500.0}, takes=30, ill={"sort": "decimal"})
    process = slow.started("run")
    wait_for(slow.root / ".benchgate" / "logs" / "criterion-head.log", process)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert said.endswith("benchgate: error: interrupted\n")


def test_a_library_that_waits_for_ever_is_not_waited_for(slow: Project) -> None:
    spools = slow.state / "spools"
    spools.mkdir()
    process = subprocess.Popen(
        (sys.executable, "-m", "benchgate", "compare", "-", "README.md"),
        cwd=slow.root,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(spools),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(spools, process, "benchgate-*")

    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)

    _, said = process.communicate()
    assert process.returncode == 130
    assert said == "benchgate: error: interrupted\n"


def test_what_nohup_ignores_stays_ignored(slow: Project) -> None:
    process = subprocess.Popen(
        ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *_command("--rounds", "3")),
        cwd=slow.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    wait_for(slow.root / ".benchgate" / "raw", process)

    process.send_signal(signal.SIGHUP)

    assert process.wait(timeout=60) == 0


def _command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "benchgate", "compare", "--base", "HEAD", *words)
