"""``/proc`` and the system → environment, load of the machine, cost of processes.

What this system doesn't tell is ``unknown`` or None and never an error: macOS has
no ``/proc``, a virtual machine no governor, a container perhaps neither.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchgate.errors import ToolError
from benchgate.measure import kernel
from benchgate.measure.cargo import manifests
from benchgate.measure.process import living_sessions, run, session_members
from benchgate.model import UNKNOWN, Environment, HostLoad

_PROC = Path("/proc")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_VERSION_WITHIN = 30.0
# clock_getcpuclockid(3): the process in the upper bits, below it "scheduler's time".
_CPUCLOCK_SCHED = 2
# proc_pid_clear_refs(5): forget the peak resident size.
_FORGET_PEAK = "5"
_TOOLS: Mapping[str, Sequence[str]] = {
    "cargo-criterion": ("cargo-criterion", "criterion", "--version"),
    "k6": ("k6", "version"),
}


@dataclass(frozen=True, slots=True)
class Counters:
    """CPU seconds of the machine since it started, over all of its CPUs.

    ``busy`` is what processes used; ``own`` what we, our ended children and what we
    started and still runs did. ``throttled`` are seconds in which the limit of our
    container held us back; ``frequency`` and ``overheated`` are those of HostLoad.
    """

    total: float
    busy: float
    steal: float
    own: float
    throttled: float | None = None
    frequency: float | None = None
    overheated: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessCost:
    """What the processes of a session have used.

    ``cpu_seconds`` and ``context_switches`` since they started, ``peak_memory`` in
    bytes since they started or ``forget_peak``.
    """

    cpu_seconds: float
    peak_memory: int
    context_switches: int


def read_load() -> Counters | None:
    """Return the counters of the machine now, None where there is no ``/proc``."""
    text = kernel.read(_PROC / "stat")
    if text is None:
        return None
    return replace(
        counters_of(text, own=_own_cpu_seconds()),
        throttled=kernel.throttled_seconds(kernel.own_groups()),
        frequency=kernel.frequency(),
        overheated=kernel.overheated(),
    )


def counters_of(stat: str, *, own: float) -> Counters:
    """Return the counters in the text of ``/proc/stat``."""
    # The first eight fields; guest time, which follows, is part of user time.
    ticks = [int(field) for field in stat.split("\n", 1)[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    second = os.sysconf("SC_CLK_TCK")
    return Counters(
        total=(user + nice + system + idle + iowait + irq + softirq + steal) / second,
        busy=(user + nice + system + irq + softirq) / second,
        steal=steal / second,
        own=own,
    )


def load_between(before: Counters | None, after: Counters | None) -> HostLoad | None:
    """Return what was seen of the machine between two readings.

    None where there was nothing to read or no time has passed.
    """
    if before is None or after is None or after.total <= before.total:
        return None
    total = after.total - before.total
    # A child that nobody waited for takes what it had used along.
    own = max(0.0, after.own - before.own)
    others = max(0.0, after.busy - before.busy - own)
    groups = kernel.own_groups()
    return HostLoad(
        load=os.getloadavg()[0],
        others=min(1.0, others / total),
        # The hypervisor's own count may step back by a tick.
        steal=max(0.0, after.steal - before.steal) / total,
        throttled=_share(before.throttled, after.throttled, total),
        frequency=_mean(before.frequency, after.frequency),
        overheated=_more(before.overheated, after.overheated),
        cpu_limit=kernel.cpu_limit(groups),
        memory_limit=kernel.memory_limit(groups),
    )


def process_cost(session: int) -> ProcessCost | None:
    """Return what the living processes of *session* have used, None without any.

    CPU time is the kernel's clock of each process: nanoseconds, with its ended
    threads, which the per-thread ``schedstat`` files forget; children that have
    ended and were waited for are added from ``stat``, to 10 ms.
    Peak memory is the sum over the processes, so shared pages count repeatedly.
    Context switches are those of living threads: a thread that ends takes its own
    along, and the number may fall.
    """
    costs = [_cost_of(pid) for pid in session_members(session)]
    known = [cost for cost in costs if cost]
    if not known:
        return None
    return ProcessCost(
        cpu_seconds=sum(cost.cpu_seconds for cost in known),
        peak_memory=sum(cost.peak_memory for cost in known),
        context_switches=sum(cost.context_switches for cost in known),
    )


def forget_peak(session: int) -> None:
    """Make the peak memory of *session* start anew, where the system allows it."""
    for pid in session_members(session):
        with suppress(OSError):
            (_PROC / str(pid) / "clear_refs").write_text(_FORGET_PEAK)


def environment(root: Path) -> Environment:
    """Return what is known of this machine and of the tools as seen in *root*."""
    tools = ((name, _printed_by(words, root=root)) for name, words in _TOOLS.items())
    return Environment(
        arch=platform.machine() or UNKNOWN,
        cpu=cpu_model(kernel.read(_PROC / "cpuinfo") or ""),
        vcpus=_vcpus(),
        os_image=_os_image(),
        kernel=platform.release() or UNKNOWN,
        libc=" ".join(part for part in platform.libc_ver() if part) or UNKNOWN,
        governor=(kernel.read(_GOVERNOR) or UNKNOWN).strip(),
        toolchain=toolchain(root),
        runner=runner_class(os.environ),
        build="release",
        tools=(
            *((name, version_in(line)) for name, line in tools if line),
            *_locked(root),
        ),
    )


def _locked(root: Path) -> Iterator[tuple[str, str]]:
    """Yield what stands for the dependencies in *root*, nothing where none are locked.

    Two sides that show the same were built with the same ones.
    """
    folders = {manifest.parent for manifest in manifests(root)}
    for place in (root, *root.parents):
        folders.add(place)
        if (place / ".git").exists():
            break
    locks = [p for f in folders if (p := f / "Cargo.lock").is_file()]
    digest = hashlib.sha256()
    for lock in sorted(locks):
        with suppress(OSError):
            digest.update(lock.read_bytes())
    if locks:
        yield "Cargo.lock", digest.hexdigest()[:12]


def toolchain(root: Path) -> str:
    """Return the compiler that is used in *root*, with its version and commit."""
    return _printed_by(("rustc", "-V"), root=root) or UNKNOWN


def version_of(command: Sequence[str], *, root: Path) -> str | None:
    """Return the version that *command* prints in *root*, None if it doesn't run."""
    line = _printed_by(command, root=root)
    return version_in(line) if line else None


def cpu_model(cpuinfo: str) -> str:
    """Return the model in the text of ``/proc/cpuinfo``.

    Arm names none: there it is the implementer and the part, ``arm 0x41/0xd0c``.
    """
    fields = dict(re.findall(r"(?m)^([^\t\n:]+)\s*: *(.*)$", cpuinfo))
    if name := fields.get("model name"):
        return " ".join(name.split())
    if "CPU part" in fields:
        return f"arm {fields.get('CPU implementer', '?')}/{fields['CPU part']}"
    return UNKNOWN


def runner_class(variables: Mapping[str, str]) -> str:
    """Return what kind of runner the environment *variables* tell of.

    On GitHub Actions the system and the image, which hosted runners share, but
    not the runner's own name, which is another in every job.
    """
    if variables.get("GITHUB_ACTIONS") != "true":
        return "local"
    image = variables.get("ImageOS") or "self-hosted"
    return f"{variables.get('RUNNER_OS', UNKNOWN)}/{image}"


def version_in(line: str) -> str:
    """Return the version in what a tool says of itself, or all that it says."""
    found = re.search(r"\d+\.\d+\.\d+\S*", line)
    return found[0] if found else line


def _own_cpu_seconds() -> float:
    """Return what we used, our ended children, and what we started and still runs.

    A service runs from the first round to the last: without it, its work would be
    that of others.
    """
    times = os.times()
    ended = times.user + times.system + times.children_user + times.children_system
    costs = (process_cost(session) for session in living_sessions())
    return ended + sum(cost.cpu_seconds for cost in costs if cost)


def _share(before: float | None, after: float | None, total: float) -> float | None:
    if before is None or after is None:
        return None
    return max(0.0, after - before) / total


def _mean(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return (before + after) / 2


def _more(before: int | None, after: int | None) -> int | None:
    if before is None or after is None:
        return None
    return max(0, after - before)


def _cost_of(pid: int) -> ProcessCost | None:
    """Return what one process has used, None when it has ended meanwhile."""
    folder = _PROC / str(pid)
    try:
        own = time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
        stat = (folder / "stat").read_bytes()
        peak = _number(folder / "status", "VmHWM")
        switches = sum(_switches(task) for task in (folder / "task").iterdir())
    except OSError:
        return None
    # Fields 16 and 17; the name in parentheses, field 2, may hold anything.
    children = sum(int(ticks) for ticks in stat[stat.rindex(b")") + 2 :].split()[13:15])
    return ProcessCost(
        cpu_seconds=own + children / os.sysconf("SC_CLK_TCK"),
        peak_memory=peak * 1024,
        context_switches=switches,
    )


def _switches(task: Path) -> int:
    """Return the context switches of one thread, none when it has just ended."""
    try:
        return _number(task / "status", r"(?:non)?voluntary_ctxt_switches")
    except OSError:
        return 0


def _number(status: Path, field: str) -> int:
    """Return the sum of the lines in a *status* file whose name matches *field*."""
    text = status.read_text(errors="replace")
    return sum(int(value) for value in re.findall(rf"(?m)^{field}:\s+(\d+)", text))


def _vcpus() -> int:
    """Return on how many CPUs we may run, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _os_image() -> str:
    """Return the system with its release, as people call it."""
    with suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    if release := platform.mac_ver()[0]:
        return f"macOS {release}"
    return platform.system() or UNKNOWN


def _printed_by(command: Sequence[str], *, root: Path) -> str:
    """Return the first line that *command* prints in *root*, empty if it can't."""
    try:
        finished = run(command, cwd=root, within=_VERSION_WITHIN)
    except ToolError:
        return ""
    lines = finished.output.splitlines() if finished.status == 0 else []
    return lines[0].strip() if lines else ""
