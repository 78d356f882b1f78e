"""Files of the kernel, of machines that nobody here has."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchgate.measure import kernel

CPU = "sys/devices/system/cpu"
GROUPS = "sys/fs/cgroup"


def a_machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}\n")
    return root


def test_a_machine_that_tells_nothing_is_unknown_and_no_error(tmp_path: Path) -> None:
    assert kernel.frequency(tmp_path) is None
    assert kernel.overheated(tmp_path) is None
    assert kernel.governors(tmp_path) == ()
    assert kernel.turbo(tmp_path) is None
    assert kernel.shared_cores(tmp_path) == ()
    assert kernel.clocksource(tmp_path) is None
    assert kernel.own_groups(tmp_path) == ()
    assert kernel.throttled_seconds(()) is None
    assert kernel.cpu_limit(()) is None
    assert kernel.memory_limit(()) is None


def test_each_clock_is_a_share_of_its_own_highest(tmp_path: Path) -> None:
    fast, slow = f"{CPU}/cpu0/cpufreq", f"{CPU}/cpu10/cpufreq"
    root = a_machine(
        tmp_path,
        {
            f"{fast}/scaling_cur_freq": "3000000",
            f"{fast}/cpuinfo_max_freq": "4000000",
            f"{slow}/scaling_cur_freq": "500000",
            f"{slow}/cpuinfo_max_freq": "2000000",
            f"{CPU}/cpu11/cpufreq/scaling_cur_freq": "<unknown>",
        },
    )

    assert kernel.frequency(root) == 0.5


def test_heat_of_cores_and_packages_counts(tmp_path: Path) -> None:
    heat = f"{CPU}/cpu0/thermal_throttle"
    counts = {"core_throttle_count": "3", "package_throttle_count": "4"}
    root = a_machine(tmp_path, {f"{heat}/{n}": count for n, count in counts.items()})

    assert kernel.overheated(root) == 7


def test_governors_are_named_once(tmp_path: Path) -> None:
    names = ["powersave", "performance", "powersave"]
    root = a_machine(
        tmp_path,
        {
            f"{CPU}/cpu{n}/cpufreq/scaling_governor": name
            for n, name in enumerate(names)
        },
    )

    assert kernel.governors(root) == ("performance", "powersave")


@pytest.mark.parametrize(
    ("name", "text", "on"),
    [
        ("intel_pstate/no_turbo", "0", True),
        ("intel_pstate/no_turbo", "1", False),
        ("cpufreq/boost", "1", True),
        ("cpufreq/boost", "0", False),
    ],
)
def test_no_turbo_and_boost_say_it_the_other_way_round(
    tmp_path: Path, name: str, text: str, *, on: bool
) -> None:
    root = a_machine(tmp_path, {f"{CPU}/{name}": text})

    assert kernel.turbo(root) == (on, f"/{CPU}/{name}")


def test_cpus_of_one_core_are_a_group_and_a_core_alone_is_none(tmp_path: Path) -> None:
    lists = ["0,4", "1-2", "1-2", "3", "0,4"]
    root = a_machine(
        tmp_path,
        {f"{CPU}/cpu{n}/topology/thread_siblings_list": t for n, t in enumerate(lists)},
    )

    assert kernel.shared_cores(root) == ((0, 4), (1, 2))


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0-2,8\n", (0, 1, 2, 8)), ("3", (3,)), ("\n", ())],
)
def test_a_list_of_the_kernel_is_cpus(text: str, cpus: tuple[int, ...]) -> None:
    assert kernel.cpus_in(text) == cpus


def a_container(root: Path, own: str, files: dict[str, str]) -> tuple[Path, ...]:
    inside = {f"{GROUPS}/{name}": text for name, text in files.items()}
    about = {f"{GROUPS}/cgroup.controllers": "cpu", "proc/self/cgroup": own}
    return kernel.own_groups(a_machine(root, {**inside, **about}))


def test_the_narrowest_limit_on_the_way_up_holds(tmp_path: Path) -> None:
    groups = a_container(
        tmp_path,
        "1:name=systemd:/x\n0::/kubepods/pod7",
        {
            "cpu.max": "max 100000",
            "kubepods/cpu.max": "150000 100000",
            "kubepods/pod7/cpu.max": "400000 100000",
            "kubepods/memory.max": "max",
            "kubepods/pod7/memory.max": "2000000000",
        },
    )

    assert kernel.cpu_limit(groups) == 1.5
    assert kernel.memory_limit(groups) == 2_000_000_000


def test_a_group_that_leads_out_of_the_container_is_its_top(tmp_path: Path) -> None:
    groups = a_container(tmp_path, "0::/../other", {"cpu.max": "50000 100000"})

    assert kernel.cpu_limit(groups) == 0.5


@pytest.mark.parametrize("text", ["max 100000", "", "100000", "100000 0", "junk"])
def test_a_limit_that_is_none_or_odd_is_none(tmp_path: Path, text: str) -> None:
    assert kernel.cpu_limit(a_container(tmp_path, "0::/", {"cpu.max": text})) is None


def test_throttling_is_the_sum_over_the_groups_that_say_it(tmp_path: Path) -> None:
    stat = "usage_usec 5\nnr_throttled 2\nthrottled_usec {}"
    groups = a_container(
        tmp_path,
        "0::/a/b",
        {
            "cpu.stat": "usage_usec 5",
            "a/cpu.stat": stat.format(1_500_000),
            "a/b/cpu.stat": stat.format(500_000),
        },
    )

    assert kernel.throttled_seconds(groups) == 2.0


def test_groups_of_version_1_are_none(tmp_path: Path) -> None:
    root = a_machine(tmp_path, {"proc/self/cgroup": "4:cpu:/docker/1\n0::/"})

    assert kernel.own_groups(root) == ()
