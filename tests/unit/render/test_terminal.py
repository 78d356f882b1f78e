"""What a person at a desk reads, on any terminal and in any log."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from benchgate.model import Missing, Report
from benchgate.render.terminal import print_report
from tests import reports
from tests.golden import check_golden

BUILDERS = [
    reports.regressed,
    reports.passed,
    reports.undecided,
    reports.accepted,
    reports.first_run,
    reports.hostile,
]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")
HUE = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3|4|9)[0-9]")


def piped(report: Report, *, width: int = 80, verbose: bool = False) -> str:
    file = StringIO()
    console = Console(file=file, width=width, _environ={})
    print_report(report, console=console, verbose=verbose)
    return file.getvalue()


def on_terminal(report: Report, *, width: int, no_color: bool = False) -> str:
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=True,
        color_system="standard",
        no_color=no_color,
        _environ={},
    )
    print_report(report, console=console)
    return file.getvalue()


@pytest.mark.parametrize("build", BUILDERS)
def test_piped_output_is_what_people_reviewed(build: Callable[[], Report]) -> None:
    check_golden(piped(build()), f"{build.__name__}.txt")


@pytest.mark.parametrize("build", [reports.regressed, reports.undecided])
def test_sixty_columns_are_enough(build: Callable[[], Report]) -> None:
    text = COLOUR.sub("", on_terminal(build(), width=60))

    assert max(map(cell_len, text.splitlines())) <= 60
    check_golden(text, f"{build.__name__}-60.txt")


def test_verbose_lists_what_is_otherwise_counted() -> None:
    check_golden(piped(reports.regressed(), verbose=True), "regressed-verbose.txt")


def test_piped_output_does_not_depend_on_a_width() -> None:
    narrow = piped(reports.hostile(), width=20)

    assert narrow == piped(reports.hostile(), width=300)
    assert "\x1b" not in narrow


def test_a_terminal_shows_colours_unless_somebody_said_no() -> None:
    report = reports.regressed()

    assert HUE.search(on_terminal(report, width=100))
    assert not HUE.search(on_terminal(report, width=100, no_color=True))


def test_when_all_is_quiet_two_lines_say_so_and_what_could_have_been_seen() -> None:
    one = reports.judged("worst", 1e-6, 0.0, noise=0.015)
    report = replace(reports.passed(), judgements=(*reports.passed().judgements, one))

    assert piped(report) == (
        "passed: none of 15 benchmarks is slower\n"
        "Nothing to do. This run would have caught a slowdown of +2.1 % "
        "(median; worst: worst, +2.29 %).\n"
    )


def test_many_open_benchmarks_are_counted_with_what_could_have_been_seen() -> None:
    rows = tuple(
        reports.judged(f"noisy/{n}", 1e-6, 0.02, noise=0.1 + n / 100) for n in range(9)
    )
    text = piped(replace(reports.passed(), judgements=rows))

    assert "9 benchmarks could not be told. This run would have caught" in text
    assert "inconclusive" not in text


@given(st.text(max_size=60) | st.sampled_from(reports.HOSTILE))
@settings(deadline=None)
def test_no_name_reaches_the_terminal_as_a_command(name: str) -> None:
    row = reports.doubted(reports.judged(name, 1e-6, 0.2, suite=name), name)
    text = piped(replace(reports.undecided(), judgements=(row,), reasons=(name,)))

    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", text
    )
    assert text.splitlines() == text.split("\n")[:-1]


def test_long_lists_are_cut_and_counted_unless_all_is_wanted() -> None:
    added = tuple(Missing("micro", f"new/{n}") for n in range(8))
    report = replace(reports.passed(), added=added)

    assert "  new/4\n  and 3 more\n" in piped(report)
    assert "  new/7\n" in piped(report, verbose=True)


def test_a_reason_that_nothing_else_explains_is_printed() -> None:
    report = replace(reports.first_run(), reasons=("no baseline was stored yet",))

    assert "\n  no baseline was stored yet\n" in piped(report)


def test_no_line_ends_in_spaces() -> None:
    lines = piped(reports.undecided()).splitlines()

    assert [line for line in lines if line != line.rstrip()] == []


def test_a_terminal_pays_for_neither_templates_nor_numbers() -> None:
    program = (
        "import sys, benchgate.render.terminal\n"
        "heavy = {'jinja2', 'numpy', 'scipy', 'msgspec', 'yaml', 'markdown_it'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
