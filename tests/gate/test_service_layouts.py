"""Services in new layouts: when they are restarted, what that costs, and what dies."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.gate.projects import FAKES, Project, install, wait_for

THREE = ("compare", "--rounds", "3", "--base", "HEAD")
BUILD = "python3 build.py"
SETTINGS = """
suites:
  load:
    tool: k6
    script: load/shop.js
    window: {window}
    service:
      build: '{build}'
      start: {start}
      ready: "http://127.0.0.1:{{port}}/health"
      ready_within: 10s
      env: {{SIDE: "{{side}}"}}
measure: {{layouts: {layouts}}}
policy:
  margins: {{latency: 900%, tail: 900%, rate: 90%, cost: 900%}}
"""


@pytest.fixture
def shop(bare: Project, tools: Path) -> Project:
    """Return a repository with a service that a fake Cargo builds and links."""
    install(tools, "cc")
    for name in ("service.py", "build.py"):
        bare.write(name, (FAKES / name).read_text())
    bare.write("milliseconds", "2.0")
    bare.write("load/shop.js", "// {}")
    settle(bare)
    bare.commit("shop")
    return bare


def settle(
    project: Project,
    *,
    window: str = "60s",
    build: str = BUILD,
    start: str = "target/release/shop",
    layouts: str = "fresh",
) -> None:
    """Write the settings; a long window gives time to restarts, and takes none here.

    The times are real, and other tests run beside: only a tenfold one would be slower.
    """
    text = SETTINGS.format(window=window, build=build, start=start, layouts=layouts)
    project.write("benchgate.yml", text)


def starts(project: Project, side: str) -> list[int]:
    """Return the seed of the layout of each start of *side*, 0 as it was built."""
    return [int(seed) for who, seed in project.calls("service") if who == side]


def doubts(project: Project) -> str:
    return "\n".join(doubt["text"] for doubt in project.report()["doubts"])


def test_both_services_are_restarted_in_layouts_of_their_own(shop: Project) -> None:
    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert starts(shop, "base") == [0, 3, 5]
    assert starts(shop, "head") == [0, 4, 6]
    assert "layout" not in doubts(shop)


def test_after_a_restart_requests_that_do_not_count_warm_both_sides_up(
    shop: Project,
) -> None:
    shop.benchgate(*THREE)

    warm_ups, windows = ["1.0"] * 2, ["60.0"] * 2
    played = [total for (total,) in shop.calls("k6")]
    assert played == [*windows, *warm_ups, *windows, *warm_ups, *windows]


def test_the_cost_of_a_request_is_known_after_a_restart(shop: Project) -> None:
    shop.benchgate(*THREE)

    costs = [
        series["rounds"]
        for series in shop.run()["head"]["series"]
        if series["metric"]["name"] == "cpu/request"
    ]
    assert [len(rounds) for rounds in costs] == [3]


def test_files_of_layouts_are_gone_afterwards(shop: Project, tmp_path: Path) -> None:
    shop.benchgate(*THREE)

    assert starts(shop, "head") == [0, 4, 6]
    assert left_of_layouts(tmp_path) == []


def left_of_layouts(folder: Path) -> list[Path]:
    """Return what looks like the service and is neither built nor a line's."""
    found = folder.glob("**/scratch/**/shop*")
    return [place for place in found if place.is_file()]


def test_one_layout_is_one_start(shop: Project) -> None:
    settle(shop, layouts="one")

    shop.benchgate(*THREE)

    assert (starts(shop, "base"), starts(shop, "head")) == ([0], [0])
    assert "layout" not in doubts(shop)


def test_a_run_to_be_stored_is_one_start(shop: Project) -> None:
    ended = shop.benchgate("run")

    assert ended.code == 0, ended.err
    assert starts(shop, "head") == [0]


def test_restarts_that_take_long_are_left_out_and_that_is_said(shop: Project) -> None:
    settle(shop, window="1s")

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert starts(shop, "head") == [0]
    assert re.search(
        r"^load: the service was measured in one layout, so a change of a few percent "
        r"may be the luck of it: a restart of both sides takes [\d.]+ s, too long for "
        r"3 rounds with windows of 1 s$",
        doubts(shop),
        re.MULTILINE,
    )


def test_what_was_built_before_is_linked_once_more(shop: Project) -> None:
    built_before(shop)

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert starts(shop, "head") == [0, 4, 6]
    assert "layout" not in doubts(shop)


def built_before(project: Project) -> None:
    """Build the service of the work tree, without anybody who keeps the link line."""
    words = (sys.executable, "build.py")
    subprocess.run(words, cwd=project.root, check=True)


def test_a_build_that_does_not_make_it_again_loses_nothing(shop: Project) -> None:
    settle(shop, build=f"test -e made || ({BUILD} && : > made)")
    built_before(shop)
    shop.write("made", "")
    release = shop.root / "target" / "release"
    before = content_of(release)

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert content_of(release) == before
    assert (starts(shop, "base"), starts(shop, "head")) == ([0], [0])
    assert "head: how shop was linked is not known" in doubts(shop)


def content_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Return inode and content of each file below *folder*."""
    return {
        str(place.relative_to(folder)): (place.stat().st_ino, place.read_text())
        for place in folder.glob("**/*")
        if place.is_file()
    }


def test_a_second_build_that_fails_loses_nothing(shop: Project) -> None:
    built_before(shop)
    settle(
        shop, build=f"test -e target/release/shop || (test {{side}} = base && {BUILD})"
    )
    before = content_of(shop.root / "target" / "release")

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert content_of(shop.root / "target" / "release") == before
    assert "head: test -e target/release" in doubts(shop)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("python3 service.py", "`start` doesn't begin with the path of an executable"),
        (
            "exec $PWD/target/release/shop",
            "`start` doesn't begin with the path of an executable",
        ),
        (f"{sys.executable} service.py", "was linked is not known"),
    ],
)
def test_what_cargo_did_not_link_stays_in_one_layout_and_that_is_said(
    shop: Project, start: str, reason: str
) -> None:
    settle(shop, start=start)

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert (starts(shop, "base"), starts(shop, "head")) == ([0], [0])
    assert "load: the service was measured in one layout" in doubts(shop)
    assert reason in doubts(shop)


@pytest.mark.parametrize(
    ("when", "ending"),
    [
        ("start", "ended with status 1 before it was ready"),
        ("load", "ended under load"),
    ],
)
def test_a_service_that_dies_in_a_layout_goes_on_as_it_was_built(
    shop: Project, when: str, ending: str
) -> None:
    shop.write("ill", f"{when} 4")

    ended = shop.benchgate(*THREE)

    assert ended.code == 0, ended.err
    assert starts(shop, "head") == [0, 4, 0, 0]
    assert "the service of the head was measured in one layout" in doubts(shop)
    assert f"{ending} in the layout of seed 4, and as it was built it works" in doubts(
        shop
    )
    assert len(shop.run()["head"]["rounds"]) == 3
    assert shop.report()["failed"] == []


def test_a_service_that_dies_as_it_was_built_too_is_not_blamed_on_its_layout(
    shop: Project,
) -> None:
    shop.write("ill", "load 0 4")
    shop.write("load/shop.js", '// {"from": 1}')

    ended = shop.benchgate(*THREE)

    assert ended.code == 3, ended.err
    assert "seed" not in doubts(shop)


def test_a_port_that_is_taken_is_not_blamed_on_a_layout(shop: Project) -> None:
    shop.write("ill", "port 4")

    ended = shop.benchgate(*THREE)

    assert ended.code == 3, ended.err
    assert starts(shop, "head") == [0, 4, 4, 4]
    assert [f["reason"] for f in shop.report()["failed"]] == [
        "head: the service ended with status 1 before it was ready"
    ]
    assert "seed" not in doubts(shop)


def test_a_service_that_starts_only_once_fails_its_suite_by_name(
    shop: Project,
) -> None:
    shop.write("ill", "once")

    ended = shop.benchgate(*THREE)

    assert ended.code == 3, ended.err
    (failed,) = shop.report()["failed"]
    assert failed["suite"] == "load"
    assert failed["reason"].endswith(
        ": the service ended with status 1 before it was ready"
    )
    assert "the database is locked" in ended.out


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_an_interruption_after_a_restart_leaves_no_process_and_no_file(
    shop: Project, tmp_path: Path
) -> None:
    shop.write("load/shop.js", '// {"takes": 0.3}')
    process = shop.started(*THREE)
    third = shop.root / ".benchgate" / "raw" / "load-002-head.ndjson.gz"
    wait_for(third, process)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert left_of_layouts(tmp_path) == []
    assert [
        place for place in environments() if str(shop.state).encode() in place
    ] == []


def environments() -> list[bytes]:
    """Return the environment of each process that we may read."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            found.append(place.read_bytes())
    return found
