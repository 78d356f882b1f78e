"""Facts about a machine and its benches → what will hurt, the most harmful first.

A finding is made only of facts; what nobody could find out is named as unknown and
is neither a finding nor a clean bill. Thresholds and sentences are all here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from benchgate.stats.components import components, largest_difference
from benchgate.stats.tails import FEWEST_BEYOND
from benchgate.units import format_quantity, format_share


class Harm(StrEnum):
    """What a finding does to a comparison; the order is that of the harm."""

    STOPS = "stops"
    MISLEADS = "misleads"
    BLURS = "blurs"
    COSTS = "costs"


class Smell(StrEnum):
    """What the source of a bench can show that harms its numbers."""

    LITERAL_INPUT = "literal-input"
    DROPPED_RESULT = "dropped-result"
    BLOCK_ON_IN_ASYNC = "block-on-in-async"
    BLOCK_ON_WORKERS = "block-on-workers"
    FEW_SAMPLES = "few-samples"


class Model(StrEnum):
    """How a scenario decides when the next request is made."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine tells; None where it doesn't.

    ``turbo`` is whether it is on and the file that says so. ``shared_cores`` are
    groups of CPUs; ``neighbour`` is by which share work gets slower beside a busy
    neighbour, on the pair of CPUs where it costs the most. Shares are of all CPU
    time while we looked. ``clock_read`` is in seconds, ``disk_free`` in bytes.
    """

    vcpus: int
    governors: tuple[str, ...]
    turbo: tuple[bool, str] | None
    shared_cores: tuple[tuple[int, ...], ...] | None
    neighbour: float | None
    neighbour_cpus: tuple[int, int] | None
    steal: float | None
    others: float | None
    busiest: tuple[tuple[str, float], ...]
    cpu_limit: float | None
    throttled: float | None
    clocksource: str | None
    clock_read: float
    disk_free: int


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the suites ask for; ``version`` is None where it isn't there."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench target of criterion; ``place`` is where its manifest names it.

    ``harness`` is whether libtest's own is on, which leaves criterion out.
    """

    name: str
    place: str
    source: str
    harness: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of a build profile, as it is written in *place*."""

    place: str
    profile: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the source of a bench; ``code`` is what is written there."""

    smell: Smell
    place: str
    code: str


@dataclass(frozen=True, slots=True)
class Body:
    """What one benchmark was last seen to take: seconds of one iteration."""

    benchmark: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario of a k6 script; ``rate`` is in 1/s, None in a closed model."""

    name: str
    executor: str
    model: Model
    rate: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """A load test; ``window`` and ``warmup`` are in seconds, of one side.

    ``problem`` is why its script can't be played, "" if it can.
    ``requests`` are those of each name that were last seen in a window.
    """

    suite: str
    script: str
    problem: str
    scenarios: tuple[Scenario, ...]
    window: float
    warmup: float
    requests: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the base comes from: Git, its checkout, and how deep that is.

    ``refusal`` is why Git doesn't read the checkout, and what it advises.
    """

    git: bool
    inside: bool
    shallow: bool
    refusal: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One benchmark in several layouts of the same code: seconds of one iteration.

    ``layouts`` are the slices of each layout that was drawn, ``as_built`` those of the
    executable as Cargo linked it; each has two slices or three, and all as many.
    """

    suite: str
    benchmark: str
    layouts: tuple[tuple[float, ...], ...]
    as_built: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drawings:
    """All benchmarks that were run in layouts; ``number`` is that of the layouts.

    ``left_out`` says what else there is, and why it wasn't run, in a sentence each.
    """

    number: int
    benchmarks: tuple[Drawn, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out.

    ``criterion`` are the versions that are built; ``slice`` and ``budget`` are in
    seconds, ``rounds`` those of the last look, ``margin`` is that of times.
    ``drawings`` is None where nobody asked for them.
    ``unknown`` is what could not be found out, each in a few words.
    """

    machine: Machine
    repository: Repository
    tools: tuple[Tool, ...]
    benches: tuple[Bench, ...]
    criterion: tuple[str, ...]
    settings: tuple[Setting, ...]
    spots: tuple[Spot, ...]
    bodies: tuple[Body, ...]
    loads: tuple[Load, ...]
    slice: float
    rounds: int
    budget: float
    margin: float
    drawings: Drawings | None
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that hurts: what, the value that shows it, why, and what mends it.

    ``mend`` is a command or an edit. ``weight`` orders findings of the same harm.
    """

    id: str
    harm: Harm
    what: str
    measured: str
    why: str
    mend: str
    places: tuple[str, ...] = ()
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Sway:
    """How far a layout moves the time of one benchmark; all but the names are shares.

    ``name`` is what tells it from all others. ``between`` is the standard deviation
    between layouts, ``within`` that of a slice in one of them. ``lowest``, ``highest``
    and ``as_built`` are relative to the mean of the layouts.
    It is ``clear`` where noise alone doesn't look like it. ``by_hand`` is what two
    builds of the same code differ by at most, but for one pair in twenty; where nothing
    is clear, the noise of three slices is in it.
    """

    suite: str
    benchmark: str
    name: str
    between: float
    within: float
    lowest: float
    highest: float
    as_built: float
    by_hand: float
    clear: bool


@dataclass(frozen=True, slots=True)
class Luck:
    """What the layouts of a suite do to it, what clearly sways most first.

    ``number`` is that of the layouts. ``sensitive`` are those whose builds differ by
    more than the ``margin``, ``open`` those that may do so for all that can be told.
    ``left_out`` says what was not run, and why.
    """

    number: int
    sways: tuple[Sway, ...]
    sensitive: tuple[Sway, ...]
    open: tuple[Sway, ...]
    margin: float
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, the most harmful first, and what could not be looked at.

    ``luck`` is None where nobody asked for it.
    """

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    unknown: tuple[str, ...]
    luck: Luck | None


# Beyond these shares of all CPU time a round counts as disturbed in the report too.
_MANY_OTHERS = 0.2
_MUCH_STOLEN = 0.05
# CPUs that share nothing but caches and memory cost each other a few percent.
_COSTLY_NEIGHBOUR = 0.15
# A time-stamp counter is read in some 20 ns by any program, Python's calls included
# in 100; a source that needs the kernel, or the hypervisor, takes a microsecond.
_SLOW_CLOCK = 1e-6
# What kernels use where they have no time-stamp counter that they trust.
_SLOW_SOURCES = frozenset(
    {"acpi_pm", "hpet", "jiffies", "pit", "refined-jiffies", "xen"}
)
# Six cycles at 3 GHz: of a shorter body, most of what is measured is the loop.
_NO_BODY = 2e-9
_FEWEST_SAMPLES = 50
_LITTLE_DISK = 3e9
_FIRST_WITH_FRACTIONS = (0, 4)
_TAIL = 0.99
_OLDEST_TRIED = {"cargo-criterion": (1, 1), "k6": (1, 0)}
_INSTALL: Mapping[str, str] = {
    "cargo": "install Rust: https://rustup.rs",
    "git": "install Git",
    "k6": "install k6: https://grafana.com/docs/k6/latest/set-up/install-k6/",
    "cargo-criterion": "run `cargo install cargo-criterion`",
    "valgrind": "install valgrind, from the packages of the system",
}
_CPUS = "/sys/devices/system/cpu"
# Of layouts that are all alike, one set in a hundred looks as far apart.
_SURE = 0.01
_OUTSIDE = 0.05


def examine(facts: Facts) -> Diagnosis:
    """Return what *facts* say, the most harmful first; equal facts, equal order."""
    luck = _luck(facts.drawings, margin=facts.margin) if facts.drawings else None
    found = [
        *_of_tools(facts.tools),
        *_of_repository(facts.repository),
        *_of_machine(facts.machine),
        *_of_builds(facts),
        *_of_spots(facts.spots),
        *_of_bodies(facts),
        *_of_loads(facts),
        *(_of_luck(luck) if luck else ()),
    ]
    order = list(Harm)
    found.sort(key=lambda f: (order.index(f.harm), -f.weight, f.id, f.places))
    return Diagnosis(tuple(found), _looked_at(facts), _unknown(facts), luck)


def _of_tools(tools: Iterable[Tool]) -> Iterator[Finding]:
    for tool in tools:
        if tool.version is None:
            yield _missing(tool.name)
            continue
        oldest = _OLDEST_TRIED.get(tool.name)
        version = _numbers(tool.version)
        if oldest and version and version < oldest:
            wanted = ".".join(map(str, oldest))
            yield Finding(
                f"old-{tool.name}",
                Harm.MISLEADS,
                f"{tool.name} is older than any that benchgate was tried with",
                f"version {tool.version}, {wanted} or newer is wanted",
                "what it writes may differ in ways that nobody has looked at",
                _INSTALL[tool.name],
            )


def _missing(name: str) -> Finding:
    if name == "cargo-criterion":
        return Finding(
            "no-cargo-criterion",
            Harm.COSTS,
            "cargo-criterion is not installed",
            "not on the path",
            "the suite is recorded by its own executables instead; slices are the same",
            _INSTALL[name],
        )
    if name == "valgrind":
        return Finding(
            "no-valgrind",
            Harm.COSTS,
            "valgrind is not installed",
            "not on the path",
            "with it a report says whether what got slower also executes more "
            "instructions",
            _INSTALL[name],
        )
    what = {"cargo": "micro benchmarks", "k6": "load tests", "git": "a base"}
    return Finding(
        f"no-{name}",
        Harm.STOPS,
        f"{name} is not installed",
        "not on the path",
        f"without it {what[name]} can't be measured",
        _INSTALL[name],
    )


def _of_repository(repository: Repository) -> Iterator[Finding]:
    if not repository.git:
        yield _missing("git")
    elif repository.refusal:
        problem, advice = repository.refusal
        yield Finding(
            "git-refuses",
            Harm.STOPS,
            "Git doesn't read this repository",
            problem,
            "the base is checked out from it, so only files can be compared here",
            advice or "mend it until `git status` answers here",
        )
    elif not repository.inside:
        yield Finding(
            "no-repository",
            Harm.STOPS,
            "this is not a Git repository",
            "no `.git` here or above",
            "the base is checked out from it, so only files can be compared here",
            "call it inside of a checkout, or make one: `git init`, and commit",
        )
    elif repository.shallow:
        yield Finding(
            "shallow-clone",
            Harm.STOPS,
            "the clone is shallow",
            "`git rev-parse --is-shallow-repository` says true",
            "the commit where the branch left the default branch may not be in it",
            "run `git fetch --unshallow`, or set `fetch-depth: 0` for actions/checkout",
        )


def _of_machine(machine: Machine) -> Iterator[Finding]:
    yield from _of_cores(machine)
    yield from _of_frequency(machine)
    yield from _of_company(machine)
    yield from _of_limits(machine)
    if machine.clock_read > _SLOW_CLOCK or machine.clocksource in _SLOW_SOURCES:
        yield Finding(
            "slow-clock",
            Harm.BLURS,
            "the clock is slow or coarse",
            f"{format_quantity(machine.clock_read, 's')} a reading, from "
            f"{machine.clocksource or 'an unknown source'}",
            "each measurement contains two readings, and what they wait for",
            "boot with `clocksource=tsc tsc=reliable`, or choose a machine whose "
            "hypervisor hands on the time-stamp counter",
            weight=0.1,
        )
    if machine.disk_free < _LITTLE_DISK:
        yield Finding(
            "little-disk",
            Harm.STOPS,
            "the disk is nearly full",
            f"{format_quantity(float(machine.disk_free), 'B')} free, "
            f"{format_quantity(_LITTLE_DISK, 'B')} are a small service built twice",
            "two builds and the raw measurements of both sides have to fit",
            "make room: `cargo clean`, or set XDG_CACHE_HOME to a larger disk",
        )


def _of_cores(machine: Machine) -> Iterator[Finding]:
    cost, cpus = machine.neighbour, machine.neighbour_cpus
    shown = bool(machine.shared_cores)
    why = (
        "what runs on one takes from the other: a service and k6, or anybody else's "
        "process, slow the benchmark on the same core"
    )
    if cost is not None and cpus and cost > _COSTLY_NEIGHBOUR:
        first, second = cpus
        hidden = "" if shown else ", though the system calls them cores of their own"
        yield Finding(
            "shared-core",
            Harm.BLURS,
            f"CPUs {first} and {second} share one core{hidden}",
            f"a busy neighbour costs up to {format_share(cost)}",
            why,
            _mended_cores(shown=shown),
            weight=cost,
        )
    elif shown and machine.shared_cores:
        groups = ", ".join("+".join(map(str, g)) for g in machine.shared_cores[:4])
        yield Finding(
            "shared-core",
            Harm.BLURS,
            "CPUs share cores",
            f"{groups} share one each",
            why,
            _mended_cores(shown=True),
            weight=_COSTLY_NEIGHBOUR,
        )


def _mended_cores(*, shown: bool) -> str:
    if shown:
        return f"run `echo off | sudo tee {_CPUS}/smt/control`"
    return (
        "take a machine type with one thread a core (on EC2: "
        "`--cpu-options ThreadsPerCore=1`); else let nothing run beside"
    )


def _of_frequency(machine: Machine) -> Iterator[Finding]:
    others = [name for name in machine.governors if name != "performance"]
    if others:
        yield Finding(
            "governor",
            Harm.BLURS,
            "the CPU's clock follows the load",
            f"governor {', '.join(others)}",
            "a slice starts slow and gets faster as the clock rises",
            f"run `echo performance | sudo tee {_CPUS}/cpu*/cpufreq/scaling_governor`",
            weight=0.3,
        )
    if machine.turbo and machine.turbo[0]:
        file = machine.turbo[1]
        off = "1" if file.endswith("no_turbo") else "0"
        yield Finding(
            "turbo",
            Harm.BLURS,
            "turbo is on",
            f"{file} says so",
            "the clock depends on heat and on how many cores are busy",
            f"run `echo {off} | sudo tee {file}`",
            weight=0.2,
        )


def _of_company(machine: Machine) -> Iterator[Finding]:
    if machine.others is not None and machine.others > _MANY_OTHERS:
        names = ", ".join(
            f"{name} ({format_share(share)})" for name, share in machine.busiest
        )
        yield Finding(
            "other-load",
            Harm.BLURS,
            "other processes are busy now",
            f"{format_share(machine.others)} of the CPU"
            + (f", most of it {names}" if names else ""),
            "they take turns with the benchmark, and share its caches and its clock",
            "stop them while measuring; in CI let one job run on a machine at a time",
            weight=machine.others,
        )
    if machine.steal is not None and machine.steal > _MUCH_STOLEN:
        yield Finding(
            "steal",
            Harm.BLURS,
            "the hypervisor gives the CPU to others",
            f"{format_share(machine.steal)} of the time while we were busy",
            "the clock of a benchmark runs on while another machine has its CPU",
            "choose a machine type with dedicated CPUs, or a self-hosted runner",
            weight=machine.steal,
        )


def _of_limits(machine: Machine) -> Iterator[Finding]:
    limit = machine.cpu_limit
    if limit is None or limit >= machine.vcpus:
        return
    throttled = machine.throttled or 0.0
    seen = f", held back for {format_share(throttled)} of the time" if throttled else ""
    yield Finding(
        "cpu-limit",
        Harm.BLURS,
        "the container limits its CPU time",
        f"{limit:g} of {machine.vcpus} CPUs{seen}",
        "who has used up his share stands still until the next tenth of a second",
        "run it with whole CPUs instead: `docker run --cpuset-cpus 0,1` without "
        "`--cpus`; in Kubernetes the static CPU manager",
        weight=0.4 + throttled,
    )


def _of_builds(facts: Facts) -> Iterator[Finding]:
    for bench in facts.benches:
        if bench.harness:
            yield Finding(
                "harness",
                Harm.STOPS,
                f"bench target {bench.name} runs under libtest, not under criterion",
                "no `harness = false` in its manifest",
                "libtest's main replaces criterion's, so nothing of it is measured",
                f'write `[[bench]]`, `name = "{bench.name}"` and `harness = false` '
                f"into {bench.place}",
                (bench.place,),
            )
    for setting in facts.settings:
        line = f"{setting.key} = {setting.value}"
        yield Finding(
            "profile",
            Harm.MISLEADS,
            "benches are not built as the service is shipped",
            f"`{line}` in [profile.{setting.profile}]",
            "what debugging adds can be larger than what a change does",
            f"remove `{line}` from [profile.{setting.profile}] in {setting.place}",
            (setting.place,),
            weight=2.0,
        )
    old = [v for v in facts.criterion if _numbers(v) < _FIRST_WITH_FRACTIONS]
    if old:
        yield Finding(
            "old-criterion",
            Harm.COSTS,
            "criterion is too old for short slices",
            f"criterion {', '.join(old)}",
            "before 0.4 a slice takes two whole seconds, so a budget holds a fifth "
            "of the rounds",
            "run `cargo add --dev criterion@0.5` or newer",
            weight=1.0,
        )


def _about(smell: Smell, harm: Harm, what: str, *, why: str, mend: str) -> Finding:
    """Return the finding that all spots of one smell share; they differ in places."""
    return Finding(smell.value, harm, what, "", why, mend, weight=0.25)


_SMELLS: Mapping[str, Finding] = {
    finding.id: finding
    for finding in (
        _about(
            Smell.LITERAL_INPUT,
            Harm.MISLEADS,
            "a benchmark's input is a constant that the compiler knows",
            why="it may work the result out while compiling, and a loop around nothing "
            "is measured",
            mend="wrap each argument of `{code}` in `std::hint::black_box(…)`",
        ),
        _about(
            Smell.DROPPED_RESULT,
            Harm.MISLEADS,
            "a benchmark throws its result away",
            why="the compiler may leave out all work that only makes this result",
            mend="return it from the closure, or wrap it: "
            "`std::hint::black_box({code})`",
        ),
        _about(
            Smell.BLOCK_ON_IN_ASYNC,
            Harm.STOPS,
            "`block_on` is called inside of an async benchmark",
            why="a runtime inside of a runtime panics, and any other executor blocks "
            "the worker that it waits for",
            mend="replace `{code}` by `.await`",
        ),
        _about(
            Smell.BLOCK_ON_WORKERS,
            Harm.BLURS,
            "each iteration enters a multi-thread runtime anew",
            why="wherever it waits for a task or for I/O a worker has to be woken, and "
            "those microseconds of the scheduler are measured with every iteration",
            mend="use `b.to_async(&runtime).iter(…)`, or a runtime of "
            "`Builder::new_current_thread()`, or do more in one iteration",
        ),
        _about(
            Smell.FEW_SAMPLES,
            Harm.COSTS,
            "the bench's code asks for few samples",
            why="it beats benchgate's own hundred, and the fewer samples a slice has, "
            "the fewer quiet moments it finds: with ten it finds 18 of 100 slowdowns "
            "of 5 %, with a hundred 46",
            mend="remove `{code}`; where an iteration takes long, make its input "
            "smaller",
        ),
    )
}


def _of_spots(spots: Iterable[Spot]) -> Iterator[Finding]:
    """Yield one finding for each smell; its places are in the order of the files."""
    by_smell: dict[Smell, list[Spot]] = {}
    for spot in spots:
        by_smell.setdefault(spot.smell, []).append(spot)
    for smell, members in by_smell.items():
        shared, code = _SMELLS[smell], members[0].code
        places = "1 place" if len(members) == 1 else f"{len(members)} places"
        yield replace(
            shared,
            measured=f"`{code}`, in {places}",
            mend=shared.mend.replace("{code}", code),
            places=tuple(spot.place for spot in members),
        )


def _of_bodies(facts: Facts) -> Iterator[Finding]:
    empty = [body for body in facts.bodies if body.seconds < _NO_BODY]
    if empty:
        yield Finding(
            "no-body",
            Harm.MISLEADS,
            "an iteration takes no longer than the loop around it",
            _listed(empty),
            "below some cycles the measured time is the loop, and where the code "
            "happens to lie; a third of a nanosecond reads as many percent",
            "let one iteration do more: loop over a hundred inputs inside of it, or "
            "set `policy.absolute.time` to a floor that matters",
            weight=1.5,
        )
    longest = facts.slice / _FEWEST_SAMPLES
    long = [body for body in facts.bodies if body.seconds > longest]
    if long:
        slowest = max(body.seconds for body in long)
        enough = math.ceil(slowest * _FEWEST_SAMPLES * 10) / 10
        yield Finding(
            "few-iterations",
            Harm.COSTS,
            "an iteration takes so long that a slice holds few samples",
            f"{_listed(long)}; {format_quantity(facts.slice, 's')} a slice",
            "the fewer samples a slice has, the fewer quiet moments it finds, and "
            "criterion falls back to flat sampling",
            "make the input smaller, or set `measure.slice: "
            f"{enough:g}s` in benchgate.yml",
            weight=0.5,
        )


def _listed(bodies: list[Body]) -> str:
    """Return the first of *bodies* with what they take, the most extreme first."""
    some = sorted(bodies, key=lambda body: (body.seconds, body.benchmark))
    texts = [f"{b.benchmark} {format_quantity(b.seconds, 's')}" for b in some[:3]]
    more = len(some) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def _of_loads(facts: Facts) -> Iterator[Finding]:
    for load in facts.loads:
        if load.problem:
            yield Finding(
                "broken-script",
                Harm.STOPS,
                f"{load.suite}: its script can't be played",
                load.problem,
                "no window of this load test can be measured",
                f"mend it until `k6 inspect {load.script}` prints its options",
                (load.script,),
            )
        closed = [s for s in load.scenarios if s.model is Model.CLOSED]
        if closed:
            names = ", ".join(f"{s.name} ({s.executor})" for s in closed)
            yield Finding(
                "closed-model",
                Harm.MISLEADS,
                f"{load.suite}: virtual users wait for the service",
                names,
                "a slower service gets fewer requests, so the slowest moments are "
                "the least measured, and the load differs between base and head",
                "give each scenario an arrival rate: `executor: "
                "'constant-arrival-rate', rate: 100, timeUnit: '1s', duration: "
                "'30s', preAllocatedVUs: 50`",
                (load.script,),
                weight=0.8,
            )
        yield from _of_tails(load, facts)


def _of_tails(load: Load, facts: Facts) -> Iterator[Finding]:
    """Yield a finding where the p99 of a request will stay inconclusive."""
    affordable = int(facts.budget / (2 * (load.window + load.warmup)))
    rounds = max(1, min(facts.rounds, affordable))
    rates = [s.rate for s in load.scenarios]
    known = [rate for rate in rates if rate is not None]
    if load.requests:
        name, each = min(load.requests, key=lambda pair: (pair[1], pair[0]))
        what = f"p99 of {name} can't be told"
        others = sum(_beyond(n, rounds) < FEWEST_BEYOND for _, n in load.requests) - 1
        more = f", and {others} more alike" if others > 0 else ""
    elif rates and len(known) == len(rates):
        each, more = sum(known) * load.window, ""
        what = "no p99 can be told"
    else:
        return
    seen = _beyond(each, rounds)
    if seen >= FEWEST_BEYOND or not each:
        return
    factor = FEWEST_BEYOND / seen
    faster = f"raise the rate of {load.script} {factor:.2g} times"
    if len(rates) == len(known) == 1:
        faster = (
            f"in {load.script} raise the rate from {known[0]:g} to "
            f"{math.ceil(known[0] * factor):g} a second"
        )
    window = math.ceil(load.window * factor)
    budget = math.ceil(max(facts.budget, rounds * 2 * (window + load.warmup)) / 60)
    yield Finding(
        "few-requests",
        Harm.COSTS,
        f"{load.suite}: {what}{more}",
        f"{int(seen)} requests beyond it in {rounds} rounds of {load.window:g} s, "
        f"{FEWEST_BEYOND} are needed",
        "a tail of fewer requests is chance, so it stays inconclusive",
        f"{faster}, or set `window: {window}s` of the suite and `measure.budget: "
        f"{budget}m` in benchgate.yml",
        (load.script,),
        weight=0.4,
    )


def _beyond(each: float, rounds: int) -> float:
    return each * rounds * (1 - _TAIL)


def _luck(drawings: Drawings, *, margin: float) -> Luck:
    """Return what *drawings* tell; those that sway alike go by their names."""
    is_one = len({drawn.suite for drawn in drawings.benchmarks}) == 1
    found = [
        _sway(d, d.benchmark if is_one else f"{d.suite}: {d.benchmark}")
        for d in drawings.benchmarks
    ]
    sways = sorted(found, key=lambda sway: (not sway.clear, -sway.by_hand, sway.name))
    beyond = [sway for sway in sways if sway.by_hand > margin]
    return Luck(
        drawings.number,
        tuple(sways),
        sensitive=tuple(sway for sway in beyond if sway.clear),
        open=tuple(sway for sway in beyond if not sway.clear),
        margin=margin,
        left_out=drawings.left_out,
    )


def _sway(drawn: Drawn, name: str) -> Sway:
    """Return how far the layouts of one benchmark lie apart, on the log scale."""
    layouts = [[math.log(seconds) for seconds in slices] for slices in drawn.layouts]
    found = components(layouts)
    mean = math.fsum(found.locations) / len(found.locations)
    clear = found.p <= _SURE and found.between > 0
    spread = found.between if clear else found.spread
    by_hand = largest_difference(spread, known_from=len(layouts), level=_OUTSIDE)
    return Sway(
        drawn.suite,
        drawn.benchmark,
        name,
        between=math.expm1(found.between),
        within=math.expm1(found.within),
        lowest=math.expm1(min(found.locations) - mean),
        highest=math.expm1(max(found.locations) - mean),
        as_built=math.expm1(math.log(min(drawn.as_built)) - mean),
        by_hand=math.expm1(by_hand),
        clear=clear,
    )


def _of_luck(luck: Luck) -> Iterator[Finding]:
    """Yield a finding where a comparison by hand may be about layouts."""
    if not luck.sensitive:
        return
    worst, *others = luck.sensitive
    benchmarks = "benchmark is" if len(others) == 1 else "benchmarks are"
    more = f", and {len(others)} more {benchmarks} sensitive" if others else ""
    yield Finding(
        "layout",
        Harm.MISLEADS,
        "compared by hand, one build against one build, a difference below "
        f"{format_share(worst.by_hand)} on {worst.name} may be its layout",
        f"± {format_share(worst.between)} between {luck.number} layouts of the same "
        f"code{more}",
        "where the linker lays a function moves its time, and any change of the code "
        "draws that anew",
        "run `benchgate compare`, which draws a layout for each slice",
        weight=worst.between,
    )


def _looked_at(facts: Facts) -> tuple[str, ...]:
    """Return what the findings are about, each with its number."""
    numbers = (
        (1, "machine"),
        (len(facts.benches), "bench target"),
        (len(facts.bodies), "measured benchmark"),
        (len(facts.loads), "load test"),
    )
    return tuple(f"{n} {what}{'' if n == 1 else 's'}" for n, what in numbers)


def _unknown(facts: Facts) -> tuple[str, ...]:
    machine = facts.machine
    hidden = (
        (not machine.governors, "the CPU's governor"),
        (machine.turbo is None, "turbo"),
        (machine.shared_cores is None, "which CPUs share a core"),
        (machine.neighbour is None, "what a busy neighbour costs"),
        (machine.steal is None, "steal"),
        (machine.others is None, "other processes"),
        (
            bool(facts.benches) and facts.drawings is None,
            "what a layout does to a bench (`benchgate doctor --layouts` measures it)",
        ),
    )
    return (*(what for holds, what in hidden if holds), *facts.unknown)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a *version*, as many as begin it."""
    numbers = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
