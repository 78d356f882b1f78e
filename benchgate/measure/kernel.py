"""Files of the kernel → what it says of clocks, heat and the limits of a container.

Every number is None where this system has no such file: macOS has none at all, a
virtual machine no clock frequency, a container perhaps no control group.
A root is an argument, so that machines nobody has here can be read too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path("/")
_CPU = "sys/devices/system/cpu"
_GROUPS = "sys/fs/cgroup"


def frequency(root: Path = ROOT) -> float | None:
    """Return the mean clock of the CPUs, each as a share of its own highest."""
    shares = []
    for folder in cpu_folders("cpufreq", root):
        now = _integer(folder / "scaling_cur_freq")
        highest = _integer(folder / "cpuinfo_max_freq")
        if now and highest:
            shares.append(now / highest)
    return sum(shares) / len(shares) if shares else None


def overheated(root: Path = ROOT) -> int | None:
    """Return how often CPUs slowed themselves down because of heat, since the start."""
    counts = [
        _integer(folder / f"{what}_throttle_count")
        for folder in cpu_folders("thermal_throttle", root)
        for what in ("core", "package")
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def governors(root: Path = ROOT) -> tuple[str, ...]:
    """Return the different governors of the CPUs, none where they aren't told."""
    found = [
        read(folder / "scaling_governor") for folder in cpu_folders("cpufreq", root)
    ]
    return tuple(sorted({name.strip() for name in found if name}))


def turbo(root: Path = ROOT) -> tuple[bool, str] | None:
    """Say whether CPUs may run faster than they can keep up, and which file says so.

    The file is a path from the root.
    """
    # Intel's driver says no_turbo, all others boost.
    for name, on in (("intel_pstate/no_turbo", "0"), ("cpufreq/boost", "1")):
        text = read(root / _CPU / name)
        if text is not None:
            return text.strip() == on, f"/{_CPU}/{name}"
    return None


def shared_cores(root: Path = ROOT) -> tuple[tuple[int, ...], ...]:
    """Return the groups of CPUs that share one core, as far as the system shows it."""
    lists = [
        read(folder / "thread_siblings_list")
        for folder in cpu_folders("topology", root)
    ]
    groups = {cpus_in(text or "") for text in lists}
    return tuple(sorted(group for group in groups if len(group) > 1))


def clocksource(root: Path = ROOT) -> str | None:
    """Return what the kernel reads the time from."""
    place = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    text = read(root / place)
    return text.strip() if text else None


def own_groups(root: Path = ROOT) -> tuple[Path, ...]:
    """Return the control groups (version 2) that we are in, the innermost first.

    A limit of any of them holds; inside of a container the outermost is its own.
    """
    text = read(root / "proc/self/cgroup") or ""
    own = re.search(r"(?m)^0::/(.*)$", text)
    top = root / _GROUPS
    if own is None or not (top / "cgroup.controllers").exists():
        return ()
    inside = Path(own[1])
    # A process that was moved here from outside is told a path that leads out.
    if ".." in inside.parts:
        return (top,)
    return tuple(top / place for place in (inside, *inside.parents))


def throttled_seconds(groups: Sequence[Path]) -> float | None:
    """Return for how long CPU limits held the members of *groups* back."""
    found = [
        re.search(r"(?m)^throttled_usec (\d+)$", read(group / "cpu.stat") or "")
        for group in groups
    ]
    known = [int(match[1]) for match in found if match]
    return sum(known) / 1e6 if known else None


def cpu_limit(groups: Sequence[Path]) -> float | None:
    """Return how many CPUs' time *groups* may use, None without a limit."""
    found = [
        re.fullmatch(r"(\d+) ([1-9]\d*)\s*", read(group / "cpu.max") or "")
        for group in groups
    ]
    limits = [int(match[1]) / int(match[2]) for match in found if match]
    return min(limits, default=None)


def memory_limit(groups: Sequence[Path]) -> int | None:
    """Return how many bytes *groups* may use, None without a limit."""
    limits = [_integer(group / "memory.max") for group in groups]
    return min((limit for limit in limits if limit is not None), default=None)


def cpus_in(text: str) -> tuple[int, ...]:
    """Return the CPUs in a list of the kernel, such as ``0-2,8``."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", text)
    return tuple(
        cpu
        for first, last in ranges
        for cpu in range(int(first), int(last or first) + 1)
    )


def cpu_folders(name: str, root: Path = ROOT) -> tuple[Path, ...]:
    """Return the folder *name* of each CPU that has one."""
    return tuple(sorted((root / _CPU).glob(f"cpu[0-9]*/{name}")))


def read(path: Path) -> str | None:
    """Return the text of a file of the kernel, None where there is none."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _integer(path: Path) -> int | None:
    text = (read(path) or "").strip()
    return int(text) if text.isdecimal() else None
