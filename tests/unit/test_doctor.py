"""Facts → findings: what hurts, with its value, its reason and what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchgate.doctor import (
    Bench,
    Body,
    Diagnosis,
    Drawings,
    Drawn,
    Facts,
    Finding,
    Harm,
    Load,
    Machine,
    Model,
    Repository,
    Scenario,
    Setting,
    Smell,
    Spot,
    Tool,
    examine,
)

QUIET = Machine(
    vcpus=4,
    governors=("performance",),
    turbo=(False, "/sys/devices/system/cpu/cpufreq/boost"),
    shared_cores=(),
    neighbour=0.03,
    neighbour_cpus=(0, 1),
    steal=0.01,
    others=0.05,
    busiest=(("sshd", 0.05),),
    cpu_limit=None,
    throttled=None,
    clocksource="tsc",
    clock_read=7e-8,
    disk_free=60_000_000_000,
)
WHOLE_CPUS = (
    "run it with whole CPUs instead: `docker run --cpuset-cpus 0,1` without `--cpus`; "
    "in Kubernetes the static CPU manager"
)
OPEN = Scenario("shop", "constant-arrival-rate", Model.OPEN, 100.0)
CLOSED = Scenario("default", "constant-vus", Model.CLOSED, None)
LOAD = Load("load", "load/shop.js", "", (OPEN,), window=5.0, warmup=1.0, requests=())
HEALTHY = Facts(
    machine=QUIET,
    repository=Repository(git=True, inside=True, shallow=False),
    tools=(
        Tool("cargo", "1.90.0"),
        Tool("cargo-criterion", "1.1.0"),
        Tool("k6", "2.2.0"),
    ),
    benches=(Bench("core", "Cargo.toml", "benches/core.rs", harness=False),),
    criterion=("0.8.2",),
    settings=(),
    spots=(),
    bodies=(Body("cart/parse", 2e-6),),
    loads=(LOAD,),
    slice=0.2,
    rounds=80,
    budget=600.0,
    margin=0.02,
    drawings=Drawings(5, (), ()),
    unknown=(),
)


def found_on(**about: object) -> tuple[Finding, ...]:
    """Return the findings on a quiet machine but for *about*."""
    machine = replace(QUIET, **about)  # type: ignore[arg-type]
    return examine(replace(HEALTHY, machine=machine)).findings


def found_in(**about: object) -> tuple[Finding, ...]:
    """Return the findings of healthy facts but for *about*."""
    return examine(replace(HEALTHY, **about)).findings  # type: ignore[arg-type]


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.id for finding in findings]


def test_a_healthy_machine_with_healthy_benches_has_no_findings() -> None:
    diagnosis = examine(HEALTHY)

    assert diagnosis.findings == ()
    assert diagnosis.unknown == ()
    assert diagnosis.looked_at == (
        "1 machine",
        "1 bench target",
        "1 measured benchmark",
        "1 load test",
    )


@pytest.mark.parametrize(
    ("about", "finding", "measured", "mend"),
    [
        (
            {"governors": ("performance", "powersave")},
            "governor",
            "governor powersave",
            (
                "run `echo performance | sudo tee "
                "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor`"
            ),
        ),
        (
            {"turbo": (True, "/sys/devices/system/cpu/cpufreq/boost")},
            "turbo",
            "/sys/devices/system/cpu/cpufreq/boost says so",
            "run `echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost`",
        ),
        (
            {"turbo": (True, "/sys/devices/system/cpu/intel_pstate/no_turbo")},
            "turbo",
            "/sys/devices/system/cpu/intel_pstate/no_turbo says so",
            "run `echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo`",
        ),
        (
            {"shared_cores": ((0, 4), (1, 5)), "neighbour": None},
            "shared-core",
            "0+4, 1+5 share one each",
            "run `echo off | sudo tee /sys/devices/system/cpu/smt/control`",
        ),
        (
            {
                "shared_cores": ((0, 4),),
                "neighbour": 0.55,
                "neighbour_cpus": (0, 4),
            },
            "shared-core",
            "a busy neighbour costs up to 55 %",
            "run `echo off | sudo tee /sys/devices/system/cpu/smt/control`",
        ),
        (
            {"neighbour": 0.55},
            "shared-core",
            "a busy neighbour costs up to 55 %",
            (
                "take a machine type with one thread a core (on EC2: "
                "`--cpu-options ThreadsPerCore=1`); else let nothing run beside"
            ),
        ),
        (
            {"steal": 0.12},
            "steal",
            "12 % of the time while we were busy",
            "choose a machine type with dedicated CPUs, or a self-hosted runner",
        ),
        (
            {"others": 0.4, "busiest": (("rustc", 0.3), ("cc", 0.1))},
            "other-load",
            "40 % of the CPU, most of it rustc (30 %), cc (10 %)",
            "stop them while measuring; in CI let one job run on a machine at a time",
        ),
        (
            {"others": 0.4, "busiest": ()},
            "other-load",
            "40 % of the CPU",
            "stop them while measuring; in CI let one job run on a machine at a time",
        ),
        (
            {"cpu_limit": 1.5, "throttled": 0.2},
            "cpu-limit",
            "1.5 of 4 CPUs, held back for 20 % of the time",
            WHOLE_CPUS,
        ),
        (
            {"cpu_limit": 2.0},
            "cpu-limit",
            "2 of 4 CPUs",
            WHOLE_CPUS,
        ),
        (
            {"clocksource": "hpet"},
            "slow-clock",
            "70.0 ns a reading, from hpet",
            (
                "boot with `clocksource=tsc tsc=reliable`, or choose a machine whose "
                "hypervisor hands on the time-stamp counter"
            ),
        ),
        (
            {"clocksource": None, "clock_read": 3e-6},
            "slow-clock",
            "3.00 µs a reading, from an unknown source",
            (
                "boot with `clocksource=tsc tsc=reliable`, or choose a machine whose "
                "hypervisor hands on the time-stamp counter"
            ),
        ),
        (
            {"disk_free": 1_000_000_000},
            "little-disk",
            "1.00 GB free, 3.00 GB are a small service built twice",
            "make room: `cargo clean`, or set XDG_CACHE_HOME to a larger disk",
        ),
    ],
)
def test_what_a_machine_does_wrong_is_said_with_what_mends_it(
    about: dict[str, object], finding: str, measured: str, mend: str
) -> None:
    (found,) = found_on(**about)

    assert (found.id, found.measured, found.mend) == (finding, measured, mend)


def test_cores_that_the_hypervisor_hides_are_found_by_what_they_cost() -> None:
    (found,) = found_on(neighbour=0.55, neighbour_cpus=(0, 2))

    assert found.what == (
        "CPUs 0 and 2 share one core, though the system calls them cores of their own"
    )


@pytest.mark.parametrize(
    "about",
    [
        {"steal": 0.05},
        {"others": 0.2},
        {"neighbour": 0.15},
        {"cpu_limit": 4.0},
        {"clocksource": "kvm-clock"},
        {"governors": ()},
    ],
    ids=str,
)
def test_what_any_machine_does_is_no_finding(about: dict[str, object]) -> None:
    assert found_on(**about) == ()


def test_what_a_machine_does_not_tell_is_named_and_is_no_finding() -> None:
    silent = replace(
        QUIET,
        governors=(),
        turbo=None,
        shared_cores=None,
        neighbour=None,
        neighbour_cpus=None,
        steal=None,
        others=None,
        busiest=(),
        clocksource=None,
    )

    diagnosis = examine(replace(HEALTHY, machine=silent, unknown=("the last run",)))

    assert diagnosis.findings == ()
    assert diagnosis.unknown == (
        "the CPU's governor",
        "turbo",
        "which CPUs share a core",
        "what a busy neighbour costs",
        "steal",
        "other processes",
        "the last run",
    )


@pytest.mark.parametrize(
    ("tool", "harm"),
    [
        ("cargo", Harm.STOPS),
        ("k6", Harm.STOPS),
        ("cargo-criterion", Harm.COSTS),
        ("valgrind", Harm.COSTS),
    ],
)
def test_a_tool_that_is_missing_is_found(tool: str, harm: Harm) -> None:
    (found,) = found_in(tools=(Tool(tool, None),))

    assert (found.id, found.harm) == (f"no-{tool}", harm)


@pytest.mark.parametrize(
    ("tool", "version", "old"),
    [
        ("k6", "0.49.0", ["old-k6"]),
        ("k6", "1.0.0", []),
        ("k6", "2.0.0-rc1", []),
        ("k6", "built by hand", []),
        ("cargo-criterion", "1.0.1", ["old-cargo-criterion"]),
        ("cargo", "1.60.0", []),
    ],
)
def test_a_version_that_nobody_has_tried_is_found(
    tool: str, version: str, old: list[str]
) -> None:
    assert ids(found_in(tools=(Tool(tool, version),))) == old


@pytest.mark.parametrize(
    ("repository", "found"),
    [
        (Repository(git=False, inside=False, shallow=False), "no-git"),
        (Repository(git=True, inside=False, shallow=False), "no-repository"),
        (Repository(git=True, inside=True, shallow=True), "shallow-clone"),
    ],
)
def test_a_base_that_can_not_be_had_is_found(
    repository: Repository, found: str
) -> None:
    assert ids(found_in(repository=repository)) == [found]


@pytest.mark.parametrize(
    ("advice", "mend"),
    [
        ("run `git config it`", "run `git config it`"),
        ("", "mend it until `git status` answers here"),
    ],
)
def test_what_git_refuses_is_told_with_what_git_advises(advice: str, mend: str) -> None:
    refused = Repository(
        git=True, inside=True, shallow=False, refusal=("git: dubious owner", advice)
    )

    (found,) = found_in(repository=refused)

    assert (found.id, found.harm) == ("git-refuses", Harm.STOPS)
    assert (found.measured, found.mend) == ("git: dubious owner", mend)


def test_a_bench_under_libtest_is_found_with_the_lines_that_mend_it() -> None:
    bench = Bench("core", "shop/Cargo.toml", "shop/benches/core.rs", harness=True)

    (found,) = found_in(benches=(bench,))

    assert (found.id, found.harm, found.places) == (
        "harness",
        Harm.STOPS,
        ("shop/Cargo.toml",),
    )
    assert found.mend == (
        'write `[[bench]]`, `name = "core"` and `harness = false` into shop/Cargo.toml'
    )


def test_a_profile_that_is_not_what_is_shipped_is_found() -> None:
    setting = Setting("Cargo.toml", "bench", "debug-assertions", "true")

    (found,) = found_in(settings=(setting,))

    assert found.measured == "`debug-assertions = true` in [profile.bench]"
    assert found.mend == (
        "remove `debug-assertions = true` from [profile.bench] in Cargo.toml"
    )


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        (("0.3.6",), ["old-criterion"]),
        (("0.3", "0.8.2"), ["old-criterion"]),
        (("0.4.0",), []),
        (("0.8.2",), []),
        ((), []),
    ],
)
def test_a_criterion_without_fractions_of_seconds_is_found(
    versions: tuple[str, ...], found: list[str]
) -> None:
    assert ids(found_in(criterion=versions)) == found


def test_spots_of_one_kind_are_one_finding_with_all_places() -> None:
    spots = (
        Spot(Smell.DROPPED_RESULT, "benches/a.rs:7", "fib(n)"),
        Spot(Smell.DROPPED_RESULT, "benches/b.rs:3", "walk(n)"),
    )

    (found,) = found_in(spots=spots)

    assert found.measured == "`fib(n)`, in 2 places"
    assert found.places == ("benches/a.rs:7", "benches/b.rs:3")
    assert "black_box(fib(n))" in found.mend


@pytest.mark.parametrize("smell", Smell)
def test_every_smell_has_a_reason_and_something_that_mends_it(smell: Smell) -> None:
    (found,) = found_in(spots=(Spot(smell, "benches/a.rs:7", "code()"),))

    assert found.id == smell
    assert found.measured == "`code()`, in 1 place"
    assert found.why
    assert found.mend
    assert "{code}" not in found.mend


def test_a_body_as_short_as_the_loop_around_it_is_found() -> None:
    bodies = [Body(f"b{n}", n * 1e-10) for n in range(1, 6)]

    (found,) = found_in(bodies=(*bodies, Body("long enough", 2e-9)))

    assert found.id == "no-body"
    assert found.measured == "b1 100 ps, b2 200 ps, b3 300 ps and 2 more"


def test_a_body_too_long_for_a_slice_is_found_with_the_slice_it_needs() -> None:
    (found,) = found_in(bodies=(Body("feed", 0.01), Body("fits", 0.004)))

    assert found.id == "few-iterations"
    assert found.measured == "feed 10.0 ms; 200 ms a slice"
    assert found.mend.endswith("`measure.slice: 0.5s` in benchgate.yml")


def test_a_closed_model_is_found_with_its_executor() -> None:
    (found,) = found_in(loads=(replace(LOAD, scenarios=(OPEN, CLOSED)),))

    assert (found.id, found.measured) == ("closed-model", "default (constant-vus)")
    assert found.places == ("load/shop.js",)


def test_a_script_that_can_not_be_played_is_found() -> None:
    (found,) = found_in(loads=(replace(LOAD, problem="no such script", scenarios=()),))

    assert (found.id, found.harm, found.measured) == (
        "broken-script",
        Harm.STOPS,
        "no such script",
    )


def test_a_tail_of_too_few_requests_is_found_with_the_rate_it_needs() -> None:
    # 600 s hold 50 rounds of 12 s; 75 requests each make 3750, of which 37 are beyond.
    few = replace(LOAD, requests=(("GET /feed", 75.0), ("GET /search", 150.0)))

    (found,) = found_in(loads=(few,))

    assert found.what == "load: p99 of GET /feed can't be told"
    assert found.measured == "37 requests beyond it in 50 rounds of 5 s, 50 are needed"
    assert found.mend == (
        "in load/shop.js raise the rate from 100 to 134 a second, or set `window: 7s` "
        "of the suite and `measure.budget: 14m` in benchgate.yml"
    )


def test_what_mends_a_tail_leaves_no_finding() -> None:
    few = replace(LOAD, requests=(("GET /feed", 75.0),))
    longer = replace(few, window=7.0, requests=(("GET /feed", 75.0 * 7 / 5),))
    faster = replace(
        few,
        scenarios=(replace(OPEN, rate=134.0),),
        requests=(("GET /feed", 75.0 * 1.34),),
    )

    assert found_in(loads=(longer,), budget=14 * 60.0) == ()
    assert found_in(loads=(faster,)) == ()


def test_more_tails_alike_are_counted() -> None:
    few = replace(LOAD, requests=(("a", 75.0), ("b", 75.0), ("c", 75.0), ("d", 150.0)))

    (found,) = found_in(loads=(few,))

    assert found.what == "load: p99 of a can't be told, and 2 more alike"


@pytest.mark.parametrize(
    ("rates", "rounds", "found"),
    [
        ((100.0,), 80, []),
        ((10.0,), 80, ["few-requests"]),
        ((5.0, 5.0), 80, ["few-requests"]),
        ((100.0,), 5, ["few-requests"]),
        ((None,), 5, []),
        ((10.0, None), 80, []),
        ((0.0,), 80, []),
        ((), 80, []),
    ],
)
def test_without_a_run_the_rate_tells_how_many_requests_there_will_be(
    rates: tuple[float | None, ...], rounds: int, found: list[str]
) -> None:
    scenarios = tuple(replace(OPEN, rate=rate) for rate in rates)

    assert ids(
        found_in(loads=(replace(LOAD, scenarios=scenarios),), rounds=rounds)
    ) == (found)


def test_the_rate_of_several_scenarios_is_raised_as_one() -> None:
    both = (replace(OPEN, rate=5.0), replace(OPEN, name="more", rate=5.0))

    (found,) = found_in(loads=(replace(LOAD, scenarios=both),))

    assert found.mend.startswith("raise the rate of load/shop.js 2 times")


def test_the_most_harmful_comes_first_whatever_the_order_of_the_facts() -> None:
    machine = replace(QUIET, neighbour=0.55, steal=0.1, disk_free=0)
    spots = [
        Spot(smell, f"benches/a.rs:{line}", "code()")
        for line, smell in enumerate(Smell, start=1)
    ]
    tools = (Tool("cargo-criterion", None),)
    facts = replace(HEALTHY, machine=machine, tools=tools, spots=tuple(spots))
    shuffled = replace(facts, spots=tuple(reversed(spots)))

    assert ids(examine(facts).findings) == [
        "block-on-in-async",
        "little-disk",
        "dropped-result",
        "literal-input",
        "shared-core",
        "block-on-workers",
        "steal",
        "few-samples",
        "no-cargo-criterion",
    ]
    assert examine(shuffled) == examine(facts)


def drawn(
    benchmark: str, *seconds: float, noise: float = 0.0, as_built: float = 1.0
) -> Drawn:
    """Return slices of layouts that take so many seconds, the last ones noisy."""
    layouts = tuple((s, s * (1 + noise), s * (1 + 5 * noise)) for s in seconds)
    return Drawn("micro", benchmark, layouts, (as_built, 1.1 * as_built, 2 * as_built))


def in_layouts(*benchmarks: Drawn, left_out: tuple[str, ...] = ()) -> Diagnosis:
    """Return what is said of *benchmarks* in five layouts each."""
    drawings = Drawings(5, benchmarks, left_out)
    return examine(replace(HEALTHY, drawings=drawings))


FAR = drawn("far", 0.9, 0.95, 1.0, 1.05, 1.1, as_built=1.2)
NEAR = drawn("near", 0.998, 0.999, 1.0, 1.001, 1.002)
NOISY = Drawn(
    "micro",
    "noisy",
    (
        (1.3, 1.0, 1.1),
        (1.0, 1.2, 1.2),
        (1.1, 1.3, 1.01),
        (1.02, 1.1, 1.3),
        (1.2, 1.01, 1.0),
    ),
    (1.0, 1.1, 1.2),
)


def test_what_layouts_move_is_told_in_shares_the_most_first() -> None:
    luck = in_layouts(NEAR, FAR).luck

    assert luck is not None
    far, near = luck.sways
    assert (far.benchmark, near.benchmark) == ("far", "near")
    assert far.between == pytest.approx(0.0825, abs=0.0001)
    assert (far.within, far.clear) == (0.0, True)
    assert far.highest - far.lowest == pytest.approx(0.2, abs=0.001)
    assert far.as_built == pytest.approx(0.203, abs=0.001)
    # Student's t with four degrees of freedom, and two draws.
    assert far.by_hand == pytest.approx(0.365, abs=0.001)
    assert luck.sensitive == (far,)


def test_who_compares_by_hand_is_told_what_may_be_a_layout() -> None:
    (finding,) = in_layouts(FAR, NEAR).findings

    assert finding == Finding(
        "layout",
        Harm.MISLEADS,
        "compared by hand, one build against one build, a difference below 36.5 % on "
        "far may be its layout",
        "± 8.25 % between 5 layouts of the same code",
        "where the linker lays a function moves its time, and any change of the code "
        "draws that anew",
        "run `benchgate compare`, which draws a layout for each slice",
        weight=finding.weight,
    )
    assert finding.weight == pytest.approx(0.0826, abs=0.0001)


def test_other_benchmarks_that_are_sensitive_are_counted() -> None:
    also = [replace(FAR, benchmark=name) for name in ("b", "a")]

    (one,) = in_layouts(FAR, also[0]).findings
    (two,) = in_layouts(FAR, *also).findings

    assert one.measured.endswith("code, and 1 more benchmark is sensitive")
    assert two.measured.endswith("code, and 2 more benchmarks are sensitive")
    assert " on a may be " in two.what


def test_what_lies_within_the_margin_is_no_finding() -> None:
    diagnosis = in_layouts(NEAR)

    assert diagnosis.findings == ()
    assert diagnosis.luck is not None
    assert (diagnosis.luck.sensitive, diagnosis.luck.open) == ((), ())
    (near,) = diagnosis.luck.sways
    assert near.by_hand == pytest.approx(0.0062, abs=0.0001)


def test_what_noise_may_be_is_no_finding_and_not_called_steady() -> None:
    diagnosis = in_layouts(NOISY, FAR)

    (finding,) = diagnosis.findings
    assert " on far may be " in finding.what
    assert diagnosis.luck is not None
    (noisy,) = diagnosis.luck.open
    assert (noisy.name, noisy.clear, noisy.between) == ("noisy", False, 0.0)
    assert noisy.by_hand > 0.02
    assert diagnosis.luck.sways[1] is noisy


def test_benchmarks_of_several_suites_go_by_the_name_of_theirs_too() -> None:
    other = replace(NEAR, suite="other")

    luck = in_layouts(FAR, other).luck

    assert luck is not None
    assert [sway.name for sway in luck.sways] == ["micro: far", "other: near"]


def test_what_was_left_out_is_handed_on() -> None:
    diagnosis = in_layouts(left_out=("the budget was used up",))

    assert diagnosis.findings == ()
    assert diagnosis.luck is not None
    assert diagnosis.luck.left_out == ("the budget was used up",)


def test_who_did_not_ask_for_layouts_is_told_how() -> None:
    diagnosis = examine(replace(HEALTHY, drawings=None))

    assert diagnosis.luck is None
    assert diagnosis.unknown == (
        "what a layout does to a bench (`benchgate doctor --layouts` measures it)",
    )


def test_without_benches_nobody_is_told_of_layouts() -> None:
    assert examine(replace(HEALTHY, drawings=None, benches=())).unknown == ()
