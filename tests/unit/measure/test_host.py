from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchgate.measure import host
from benchgate.measure.host import Counters, ProcessCost
from benchgate.measure.process import spawned
from benchgate.model import UNKNOWN

needs_proc = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")


def cost_after(code: str, folder: Path, *, forget: bool = False) -> ProcessCost:
    """The cost of a process that has run *code* and now waits."""
    with waiting_after(code, folder) as session:
        if forget:
            host.forget_peak(session)
        cost = host.process_cost(session)
    assert cost is not None
    return cost


@contextmanager
def waiting_after(code: str, folder: Path) -> Iterator[int]:
    script = f"import os, time\n{textwrap.dedent(code)}\nprint(flush=True)\n"
    command = [sys.executable, "-c", f"{script}time.sleep(600)"]
    with spawned(command, cwd=folder, env=None, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid


def test_counters_are_seconds_without_guest_time_twice() -> None:
    tick = os.sysconf("SC_CLK_TCK")
    fields = [tick * seconds for seconds in (10, 1, 5, 80, 2, 1, 1, 3, 9, 9)]
    stat = "cpu  " + " ".join(map(str, fields)) + "\ncpu0 1 2 3\n"

    assert host.counters_of(stat, own=4.0) == Counters(
        total=103.0, busy=18.0, steal=3.0, own=4.0
    )


def test_load_is_shared_between_us_others_and_the_hypervisor() -> None:
    before = Counters(total=100.0, busy=50.0, steal=1.0, own=10.0)
    after = Counters(total=120.0, busy=62.0, steal=3.0, own=17.0)

    load = host.load_between(before, after)

    assert load is not None
    assert (load.others, load.steal) == (0.25, 0.1)


def test_what_the_kernel_counts_is_told_for_the_round_alone() -> None:
    start = Counters(100.0, 50.0, 1.0, 10.0, throttled=3.0, frequency=0.5, overheated=7)
    end = Counters(120.0, 60.0, 1.0, 15.0, throttled=4.0, frequency=1.0, overheated=9)

    load = host.load_between(start, end)

    assert load is not None
    assert (load.throttled, load.frequency, load.overheated) == (0.05, 0.75, 2)


def test_what_a_machine_does_not_tell_stays_unknown() -> None:
    before = Counters(total=100.0, busy=50.0, steal=1.0, own=10.0)
    after = Counters(total=120.0, busy=62.0, steal=3.0, own=17.0)

    load = host.load_between(before, after)

    assert load is not None
    assert (load.throttled, load.frequency, load.overheated) == (None, None, None)


def test_counters_that_step_back_are_no_time() -> None:
    before = Counters(100.0, 50.0, 2.0, 10.0, throttled=3.0, overheated=7)
    after = Counters(120.0, 60.0, 1.9, 9.0, throttled=2.0, overheated=0)

    load = host.load_between(before, after)

    assert load is not None
    assert (load.steal, load.throttled, load.overheated) == (0.0, 0.0, 0)
    assert load.others == 0.5


def test_rounding_never_makes_the_share_of_others_negative() -> None:
    before = Counters(total=0.0, busy=0.0, steal=0.0, own=0.0)
    after = Counters(total=2.0, busy=0.99, steal=0.0, own=1.0)

    load = host.load_between(before, after)

    assert load is not None
    assert load.others == 0.0


@pytest.mark.parametrize("after", [None, Counters(1.0, 1.0, 0.0, 0.0)])
def test_no_counters_or_no_time_is_no_load(after: Counters | None) -> None:
    assert host.load_between(Counters(1.0, 1.0, 0.0, 0.0), after) is None


@needs_proc
def test_this_machine_has_counters() -> None:
    counters = host.read_load()

    assert counters is not None
    assert counters.total > counters.busy > 0
    assert counters.own > 0


BURN = """
end = time.process_time() + 0.5
while time.process_time() < end: pass
"""


def own_cpu_seconds() -> float:
    counters = host.read_load()
    assert counters is not None
    return counters.own


@needs_proc
def test_what_a_running_service_uses_is_not_that_of_others(tmp_path: Path) -> None:
    before = own_cpu_seconds()
    with waiting_after(BURN, tmp_path):
        running = own_cpu_seconds()

    assert running - before >= 0.5


@needs_proc
def test_what_an_ended_service_used_is_counted_once(tmp_path: Path) -> None:
    before = own_cpu_seconds()
    with waiting_after(BURN, tmp_path):
        pass

    assert 0.45 <= own_cpu_seconds() - before < 0.95


@needs_proc
def test_cpu_time_is_finer_than_a_clock_tick(tmp_path: Path) -> None:
    cost = cost_after("", tmp_path)
    ticks = cost.cpu_seconds * os.sysconf("SC_CLK_TCK")

    assert ticks > 0
    assert ticks % 1 != 0


@needs_proc
def test_cpu_time_of_an_ended_thread_is_kept(tmp_path: Path) -> None:
    cost = cost_after(
        """
        import threading
        def burn():
            end = time.thread_time() + 0.3
            while time.thread_time() < end: pass
        thread = threading.Thread(target=burn)
        thread.start()
        thread.join()
        """,
        tmp_path,
    )

    assert cost.cpu_seconds >= 0.3


BURNING_CHILD = """
if os.fork() == 0:
    end = time.process_time() + 0.3
    while time.process_time() < end: pass
    {afterwards}
{parent}
"""


@needs_proc
def test_cpu_time_of_an_ended_child_is_kept(tmp_path: Path) -> None:
    code = BURNING_CHILD.format(afterwards="os._exit(0)", parent="os.wait()")

    assert cost_after(code, tmp_path).cpu_seconds >= 0.29


@needs_proc
def test_cpu_time_of_a_living_child_is_counted(tmp_path: Path) -> None:
    code = BURNING_CHILD.format(
        afterwards="os.write(w, b'x'); time.sleep(600)", parent="os.read(r, 1)"
    )

    assert cost_after(f"r, w = os.pipe()\n{code}", tmp_path).cpu_seconds >= 0.3


@needs_proc
def test_peak_memory_is_what_was_once_resident(tmp_path: Path) -> None:
    cost = cost_after("block = b'x' * 50_000_000; del block", tmp_path)

    assert cost.peak_memory > 50_000_000


@needs_proc
def test_peak_memory_can_start_anew(tmp_path: Path) -> None:
    code = "block = b'x' * 50_000_000; del block"

    assert cost_after(code, tmp_path, forget=True).peak_memory < 50_000_000


@needs_proc
def test_each_sleep_is_a_context_switch(tmp_path: Path) -> None:
    cost = cost_after("for _ in range(200): time.sleep(0.0001)", tmp_path)

    assert cost.context_switches >= 200


def test_a_session_that_has_ended_has_no_cost(tmp_path: Path) -> None:
    with waiting_after("", tmp_path) as session:
        pass

    assert host.process_cost(session) is None


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        (
            "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD  EPYC 7763\n\n" * 2,
            "AMD EPYC 7763",
        ),
        (
            "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n",
            "arm 0x41/0xd0c",
        ),
        ("", UNKNOWN),
    ],
    ids=["x86", "arm", "none"],
)
def test_the_cpu_model_is_one_line(cpuinfo: str, model: str) -> None:
    assert host.cpu_model(cpuinfo) == model


@pytest.mark.parametrize(
    ("variables", "runner"),
    [
        ({}, "local"),
        (
            {
                "GITHUB_ACTIONS": "true",
                "RUNNER_OS": "Linux",
                "ImageOS": "ubuntu24",
                "RUNNER_NAME": "GitHub Actions 7",
            },
            "Linux/ubuntu24",
        ),
        ({"GITHUB_ACTIONS": "true", "RUNNER_OS": "Linux"}, "Linux/self-hosted"),
    ],
    ids=["desk", "hosted", "self-hosted"],
)
def test_a_runner_is_known_by_its_class_not_its_name(
    variables: dict[str, str], runner: str
) -> None:
    assert host.runner_class(variables) == runner


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("cargo-criterion 1.1.0", "1.1.0"),
        ("k6 v2.0.0-rc1 (go1.26.8, linux/amd64)", "2.0.0-rc1"),
        ("something else", "something else"),
    ],
)
def test_a_version_is_found_in_what_a_tool_says(line: str, version: str) -> None:
    assert host.version_in(line) == version


def test_the_environment_names_the_tools_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    write_tool(tmp_path / "rustc", "echo 'rustc 1.90.0 (abc 2025-09-14)'; echo more")
    write_tool(tmp_path / "k6", "echo 'k6 v1.8.1 (go1.26.8, linux/amd64)'")
    write_tool(tmp_path / "cargo-criterion", "exit 101")

    environment = host.environment(tmp_path)

    assert environment.toolchain == "rustc 1.90.0 (abc 2025-09-14)"
    assert environment.tools == (("k6", "1.8.1"),)
    assert environment.runner == "local"
    assert environment.build == "release"
    assert environment.vcpus > 0
    assert UNKNOWN not in {environment.arch, environment.os_image, environment.kernel}


def test_no_tools_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    environment = host.environment(tmp_path)

    assert (environment.toolchain, environment.tools) == (UNKNOWN, ())


def locked(tree: Path, **locks: str) -> str:
    """Return what stands for the lock files of a project in *tree* / ``app``."""
    (tree / "app" / "bench").mkdir(parents=True)
    (tree / ".git").touch()
    for folder in (tree, tree / "app", tree / "app" / "bench"):
        (folder / "Cargo.toml").touch()
    for name, text in locks.items():
        folder = tree.joinpath(*name.split("_")) if name != "top" else tree
        (folder / "Cargo.lock").write_text(text)
    return dict(host.environment(tree / "app").tools).get("Cargo.lock", "")


def test_the_same_dependencies_are_known_by_all_lock_files(tmp_path: Path) -> None:
    (tmp_path / "Cargo.lock").write_text("of somebody else")
    same, alike, other = (
        locked(tmp_path / name, top="serde 1", app_bench=f"clap {version}")
        for name, version in (("a", 1), ("b", 1), ("c", 2))
    )

    assert same == alike != other
    assert len(same) == 12
    assert locked(tmp_path / "d") == ""


def write_tool(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
