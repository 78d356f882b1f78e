"""Every slice in a layout of its own: what is drawn, what crashes, what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.projects import Project, install

ROUNDS = ("compare", "--base", "HEAD~1", "--rounds", "10")
REFUSING = """#!/bin/sh
case "$(cat ${{1#@}} 2> /dev/null)" in *section*) exit 1;; esac
exec "{linker}" "$@"
"""
TIMES = {"parse": 2000.0, "sort": 500.0}


@pytest.fixture
def linked(bare: Project, tools: Path) -> Project:
    """Return a crate on a branch whose executables a fake linker links."""
    install(tools, "cc")
    bare.package(".", "core")
    bare.bench(TIMES, links=True)
    bare.commit("base")
    return bare


def doubts(project: Project) -> list[str]:
    return [doubt["text"] for doubt in project.report()["doubts"]]


def test_nothing_is_said_where_layouts_are_drawn(linked: Project) -> None:
    linked.bench(TIMES, links=True, changed=1)
    linked.commit()

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 0, ended.err
    assert doubts(linked) == []


def test_a_change_that_is_this_layouts_luck_passes_and_says_so(
    linked: Project,
) -> None:
    linked.bench(TIMES, links=True, unlucky={"parse": 1.17})
    linked.commit("extract a function")

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 0, ended.err
    (said,) = doubts(linked)
    assert said.startswith(
        "this build's layout, not its code: as it was built it reads"
    )
    assert "+17 %" in said


def test_one_layout_would_have_failed_it(linked: Project) -> None:
    linked.write("benchgate.yml", "measure: {layouts: one}\n")
    linked.bench(TIMES, links=True, unlucky={"parse": 1.17})
    linked.commit("extract a function")

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 1, ended.err


@pytest.mark.parametrize("name", ["parse", "sort"])
def test_a_crash_in_a_layout_alone_goes_on_with_one_layout(
    linked: Project, name: str
) -> None:
    linked.bench(TIMES, links=True, ill={name: "panic in layout 4"})
    linked.commit()

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 0, ended.err
    (said,) = doubts(linked)
    assert said.startswith(
        "criterion: shop/core of the head was measured in one layout, so a change of a "
        "few percent may be the luck of it: the benchmark ended with status 1 in the "
        "layout of seed 4"
    )


def test_a_crash_in_every_layout_is_a_failure(linked: Project) -> None:
    linked.bench(TIMES, links=True, ill={"sort": "panic"})
    linked.commit()

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 3, ended.err
    assert "layout" not in "".join(doubts(linked))


def test_a_linker_that_draws_none_is_named_with_the_cure(
    linked: Project, tools: Path
) -> None:
    (tools / "cc").rename(tools / "lld")
    refusing = tools / "cc"
    refusing.write_text(REFUSING.format(linker=tools / "lld"))
    refusing.chmod(0o755)
    linked.bench(TIMES, links=True, changed=1)
    linked.commit()

    ended = linked.benchgate(*ROUNDS)

    assert ended.code == 0, ended.err
    (said,) = doubts(linked)
    assert "shop/core was measured in one layout" in said
    assert said.endswith(
        "cc 1.2.3 can't draw a layout; link with lld (Rust's own since 1.90 on "
        "x86-64 Linux) or with mold"
    )


def test_layouts_are_gone_afterwards(linked: Project, tmp_path: Path) -> None:
    linked.bench(TIMES, links=True, changed=1)
    linked.commit()

    linked.benchgate(*ROUNDS)

    assert not [p for p in tmp_path.glob("cache/**/scratch/**/*") if p.is_file()]
