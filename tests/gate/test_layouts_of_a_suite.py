"""``benchgate doctor --layouts``: how much of a time is the luck of one layout."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from benchgate.doctor import Machine
from benchgate.measure import machine
from tests.gate.projects import FAKES, Project, install, wait_for

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"
TIMES = {"parse": 100.0, "sort": 500.0}
FIVE = ("doctor", "--layouts", "5")


WELL = Machine(
    vcpus=4,
    governors=("performance",),
    turbo=(False, "boost"),
    shared_cores=(),
    neighbour=0.0,
    neighbour_cpus=None,
    steal=0.0,
    others=0.0,
    busiest=(),
    cpu_limit=None,
    throttled=None,
    clocksource="tsc",
    clock_read=7e-8,
    disk_free=60_000_000_000,
)


@pytest.fixture(autouse=True)
def machine_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds that looking at the machine takes: it isn't about that here."""
    monkeypatch.setattr(machine, "machine", lambda _: WELL)


@pytest.fixture
def swaying(project: Project, tools: Path) -> Project:
    """Return a project with a benchmark whose time depends on its layout."""
    install(tools, "cc")
    project.bench({"parse": 100.0}, links=True, sways={"parse": 0.1})
    return project


def luck_of(project: Project, *words: str) -> dict[str, Any]:
    """Return what the JSON document says of the layouts."""
    ended = project.benchgate(*(words or FIVE), "--format", "json")
    assert ended.code == 0, ended.err
    document: dict[str, Any] = json.loads(ended.out)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    luck: dict[str, Any] = document["luck"]
    return luck


def names(luck: dict[str, Any]) -> list[str]:
    return [sway["benchmark"] for sway in luck["benchmarks"]]


def slices(project: Project) -> int:
    """Return how many slices were run."""
    return len([call for call in project.calls("bench") if "--bench" in call])


def left_behind(project: Project) -> list[str]:
    """Return what is in the folder for what is kept, but for how it was linked."""
    return sorted(
        place.name
        for place in (project.root / ".benchgate").iterdir()
        if place.name not in {".gitignore", "links", "lock"}
    )


def test_the_benchmark_that_depends_on_its_layout_comes_first(swaying: Project) -> None:
    swaying.bench(TIMES, links=True, sways={"parse": 0.1})

    luck = luck_of(swaying)

    parse, sort = luck["benchmarks"]
    assert (parse["benchmark"], parse["sensitive"]) == ("parse", True)
    # Of seeds 1 to 5 the sways are −0.26, 0.48, −0.8, −0.06 and 0.68 of a tenth.
    assert parse["between"] == pytest.approx(0.0617, abs=0.001)
    assert parse["highest"] - parse["lowest"] == pytest.approx(0.148, abs=0.002)
    assert parse["as_built"] == pytest.approx(0.0, abs=0.01)
    assert parse["by_hand"] > 2 * parse["between"]
    assert (sort["benchmark"], sort["sensitive"]) == ("sort", False)
    assert sort["between"] == pytest.approx(0.0, abs=1e-9)
    assert luck["left_out"] == []
    known, rounds, layouts_and_built = 2, 3, 6
    assert slices(swaying) == known + 2 * rounds * layouts_and_built
    assert left_behind(swaying) == []


def test_the_text_has_the_advice_and_what_cures_it(swaying: Project) -> None:
    ended = swaying.benchgate(*FIVE)

    assert ended.code == 0, ended.err
    assert re.search(
        r"compared by hand, one build against one build, a difference below [\d.]+ % "
        r"on parse may be its layout  misleads\n"
        r"   ± [\d.]+ % between 5 layouts of the same code\n",
        ended.out,
    )
    assert "run `benchgate compare`, which draws a layout for each slice" in ended.out
    assert "5 layouts of the same code, the most different first:" in ended.out


def test_a_suite_that_no_layout_moves_is_told_so(swaying: Project) -> None:
    swaying.bench({"sort": 500.0}, links=True)

    ended = swaying.benchgate(*FIVE)

    assert ended.code == 0, ended.err
    assert "None of these is sensitive to its layout" in ended.out
    assert "compared by hand" not in ended.out


def test_without_the_flag_nothing_is_built_and_one_line_names_it(
    project: Project,
) -> None:
    project.write("benches/core.rs", "use criterion::criterion_main;\n")

    ended = project.benchgate("doctor")

    assert ended.code == 0, ended.err
    assert (
        "Not told here: what a layout does to a bench (`benchgate doctor --layouts` "
        "measures it).\n"
    ) in ended.out
    assert project.calls("rustc") == []
    assert not (project.root / ".benchgate").exists()


def test_without_criterion_benches_nobody_is_told_of_the_flag(bare: Project) -> None:
    assert "--layouts" not in bare.benchgate("doctor").out


def test_what_the_last_comparison_left_stays(swaying: Project) -> None:
    swaying.bench(TIMES, links=True)
    swaying.commit()
    swaying.commit()
    ended = swaying.benchgate("compare", "--base", "HEAD", "--rounds", "2")
    assert ended.code == 0, ended.err
    before = left_behind(swaying)

    luck_of(swaying)

    assert "run.json" in before
    assert left_behind(swaying) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_layout_and_no_process(
    swaying: Project, number: signal.Signals
) -> None:
    swaying.bench(TIMES, links=True, takes=0.1)
    process = swaying.started(*FIVE)
    wait_for(swaying.root / ".benchgate" / "layouts" / "round-0", process, "*/as-built")

    process.send_signal(number)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert left_behind(swaying) == []
    assert [place for place in environments() if str(swaying.state) in place] == []


def environments() -> list[str]:
    """Return the environment of each other process that we may read."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            found.append(place.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_what_a_killed_process_left_is_removed(swaying: Project) -> None:
    swaying.write(".benchgate/layouts/round-1/0/3/core", "left")

    luck_of(swaying)

    assert left_behind(swaying) == []


def test_a_suite_that_the_budget_does_not_hold_is_measured_in_part(
    swaying: Project,
) -> None:
    many = {f"many/{number}": 100.0 for number in range(20)}
    swaying.bench(many, links=True, takes=0.02)
    swaying.write("benchgate.yml", "measure: {budget: 6s}\n")

    luck = luck_of(swaying)

    assert 0 < len(luck["benchmarks"]) < 20
    (text,) = luck["left_out"]
    assert re.fullmatch(
        r"the budget of 6.00 s holds \d+ of 20 benchmarks in 5 layouts: raise "
        r"`measure.budget` for the others",
        text,
    )


def test_a_budget_that_holds_nothing_is_said_and_no_crash(swaying: Project) -> None:
    swaying.write("benchgate.yml", "measure: {budget: 1ms}\n")

    ended = swaying.benchgate(*FIVE)

    assert ended.code == 0, ended.err
    assert (
        "Left out: the budget of 1.00 ms holds 0 of 1 benchmark in 5 layouts: raise "
        "`measure.budget` for the others\n"
    ) in ended.out


def test_a_benchmark_that_dies_in_one_layout_is_named_with_its_seed(
    swaying: Project,
) -> None:
    swaying.bench(TIMES, links=True, ill={"sort": "panic in layout 3"})

    luck = luck_of(swaying)

    assert names(luck) == ["parse"]
    (text,) = luck["left_out"]
    assert text == (
        "criterion: sort: in the layout of seed 3 the benchmark ended with status 1"
    )


def test_a_benchmark_that_never_runs_is_named(swaying: Project) -> None:
    swaying.bench({"sort": 500.0}, links=True, ill={"sort": "panic"})

    luck = luck_of(swaying)

    assert names(luck) == []
    assert luck["left_out"] == ["criterion: sort: the benchmark ended with status 1"]


def test_where_the_linker_can_not_draw_the_cure_is_said(
    swaying: Project, tools: Path
) -> None:
    other = (FAKES / "cc.py").read_text().replace("--randomize-section", "--other")
    (tools / "other.py").write_text(other)
    cc = tools / "cc"
    cc.write_text(cc.read_text().replace(str(FAKES / "cc.py"), str(tools / "other.py")))

    ended = swaying.benchgate(*FIVE)

    assert ended.code == 0, ended.err + ended.out
    assert "Left out: criterion: shop/core of the head was measured in one" in ended.out
    assert "cc 1.2.3 can't draw a layout; link with lld" in ended.out
    assert "None of these" not in ended.out


def test_where_nobody_knows_how_it_was_linked_that_is_said(project: Project) -> None:
    luck = luck_of(project)

    assert luck["benchmarks"] == []
    (text,) = luck["left_out"]
    assert text.endswith(": how it was linked is not known")


def test_one_layout_in_the_configuration_is_no_obstacle(swaying: Project) -> None:
    swaying.write("benchgate.yml", "measure: {layouts: one}\n")

    assert names(luck_of(swaying)) == ["parse"]


def test_outside_of_a_repository_it_works_all_the_same(
    swaying: Project, tmp_path: Path
) -> None:
    swaying.root.joinpath(".git").rename(tmp_path / "no-git")

    assert names(luck_of(swaying)) == ["parse"]


def test_benches_that_do_not_build_end_with_undecided(swaying: Project) -> None:
    swaying.bench(TIMES, error="error: no")

    ended = swaying.benchgate(*FIVE)

    assert (ended.code, ended.out) == (3, "")
    assert left_behind(swaying) == []


def test_without_a_suite_of_criterion_the_flag_is_an_error(project: Project) -> None:
    project.write("benchgate.yml", "suites: {load: {tool: k6, script: load.js}}\n")

    ended = project.benchgate("doctor", "--layouts")

    assert (ended.code, ended.out) == (2, "")
    assert "--layouts: no suite is one of criterion" in ended.err


@pytest.mark.parametrize("number", ["1", "0", "4", "101", "1000", "-3"])
def test_a_number_out_of_reach_is_an_error(project: Project, number: str) -> None:
    ended = project.benchgate("doctor", f"--layouts={number}")

    assert (ended.code, ended.out) == (2, "")
    assert f"--layouts: {number} is not between 5 and 100" in ended.err


@pytest.mark.parametrize("number", ["ten", "5.5", "", "∞"])
def test_a_number_that_is_none_is_an_error(project: Project, number: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        project.benchgate("doctor", f"--layouts={number}")

    assert stopped.value.code == 2
