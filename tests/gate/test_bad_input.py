"""What bad input gets: a place, what was expected, what it looks like, and code 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchgate.cli import main
from tests.gate.recorded import messages, points

TIMES = {"json/1": 100.0, "json/2": 2000.5, "sort": 500.0}
GOOD = messages(TIMES)
EXPECTED = "expected cargo-criterion messages, "


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("good").write_text(GOOD)
    return tmp_path


@pytest.mark.parametrize("side", [("bad", "good"), ("good", "bad")])
@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"", "an empty file"),
        (b"\x7fELF\x00\x01\x02", "an executable"),
        (b"\x00\xff" * 100, "binary data"),
        (b'{"results": [{"command": "ls"}]}', "hyperfine JSON"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b'{"a": 1', "JSON that is cut or damaged"),
        (b"hello", "plain text"),
    ],
)
def test_a_file_of_no_tool_is_named_with_what_it_looks_like(
    side: tuple[str, str],
    content: bytes,
    looks: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("bad").write_bytes(content)

    status = main(["compare", *side])

    said = capsys.readouterr().err
    assert status == 3
    assert said.startswith(f"benchgate: error: bad:1: {EXPECTED}")
    assert f"; this looks like {looks}" in said


@pytest.mark.parametrize("name", ["nowhere", "", "x" * 5000, "a\0b"])
def test_a_name_of_nothing_is_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "good", name]) == 3
    assert "bug" not in capsys.readouterr().err


def test_a_cut_criterion_file_names_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("cut").write_text(GOOD[:-40])

    assert main(["compare", "good", "cut"]) == 3
    assert "cut:3: the last line is cut" in capsys.readouterr().err


def test_a_cut_criterion_file_is_accepted_as_partial() -> None:
    Path("cut").write_text(GOOD[:-40])
    Path("lax.yml").write_text("policy: {on_missing: warn}")

    words = ["compare", "good", "cut", "--partial", "--config", "lax.yml"]

    assert main(words) == 0


def test_a_cut_k6_file_names_the_last_whole_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = points(2.0)
    Path("whole").write_text(whole)
    Path("cut").write_text(whole[:-40])

    assert main(["compare", "whole", "cut"]) == 3
    said = capsys.readouterr().err
    assert "cut in the middle of line 401; the last whole line is 400" in said
    assert "--partial" in said
    assert main(["compare", "whole", "cut", "--partial"]) == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0.0", "-1.0", "null"])
def test_times_that_are_none_fail_by_name_and_the_rest_is_judged(value: str) -> None:
    bad = GOOD.replace("2000.5", value, 1)
    Path("bad").write_text(bad)

    status = main(["compare", "good", "bad", "--json", "report.json"])

    report = json.loads(Path("report.json").read_text())
    assert status == 3
    assert [f["benchmark"] for f in report["failed"]] == ["json/2"]
    assert {j["benchmark"] for j in report["judgements"]} == {"json/1", "sort"}


def test_zero_iterations_fail_by_name() -> None:
    bad = GOOD.replace('"iteration_count": [1,', '"iteration_count": [0,', 1)
    Path("bad").write_text(bad)

    status = main(["compare", "good", "bad", "--json", "report.json"])

    report = json.loads(Path("report.json").read_text())
    assert status == 3
    assert [f["benchmark"] for f in report["failed"]] == ["json/1"]


def test_a_duplicate_id_fails_by_name_and_is_never_merged() -> None:
    Path("bad").write_text(GOOD + messages({"sort": 1.0}))

    status = main(["compare", "good", "bad", "--json", "report.json"])

    report = json.loads(Path("report.json").read_text())
    assert status == 3
    assert [f["benchmark"] for f in report["failed"]] == ["sort"]
    assert {j["benchmark"] for j in report["judgements"]} == {"json/1", "json/2"}


@pytest.mark.parametrize(
    "name",
    [
        "a/b::c|d\\e`f<g>@h",
        "line\nbreak",
        "\x1b[31mred",
        "ünï/コード",
        "n" * 10_000,
        "\udc80",
    ],
)
def test_a_hostile_id_is_shown_and_does_nothing(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("base").write_text(messages({**TIMES, name: 100.0}))
    Path("head").write_text(messages({**TIMES, name: 300.0}))
    files = ("--json", "report.json", "--markdown", "comment.md")

    status = main(["compare", "base", "head", *files])

    said = capsys.readouterr()
    assert status in (1, 3)
    assert "bug" not in said.err
    assert "\x1b" not in said.out + said.err


def test_ids_that_are_not_utf_8_are_refused_by_file_and_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("bad").write_bytes(GOOD.encode().replace(b"json/1", b"json\xff1"))

    assert main(["compare", "good", "bad"]) == 3
    assert "bad:1: " in capsys.readouterr().err


def test_a_foreign_line_cannot_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a").write_text(messages({"x\x1b[2J": 1.0}))
    Path("b").write_text(messages({"x\x1b[2J": 1.0}))

    assert main(["compare", "a,b", "good"]) == 3
    said = capsys.readouterr().err
    assert r"x\x1b[2J" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("measure: {bugdet: 1m}", "measure.bugdet: unknown key; nearest known: budget"),
        ("measure: {budget: 1}", "measure.budget: '1' has no unit"),
        ("measure: [", "is not YAML"),
    ],
)
def test_settings_that_are_wrong_end_with_code_2(
    text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("benchgate.yml").write_text(text)

    assert main(["compare", "good", "good"]) == 2
    said = capsys.readouterr().err
    assert "benchgate.yml:1: " in said
    assert problem in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(("head", "code"), [("same", 3), ("slow", 1)])
def test_a_full_disk_does_not_hide_the_verdict(
    head: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {f"json/{n}": 100.0 * n for n in range(1, 13)}
    Path("same").write_text(messages(many))
    Path("slow").write_text(messages({**many, "json/2": 900.0}))

    status = main(["compare", "same", head, "--json", "/dev/full"])

    said = capsys.readouterr()
    assert status == code
    assert said.out.startswith(("passed: ", "regressed: "))
    assert "error: /dev/full: can't be written: No space left on device" in said.err


def ended(*words: str, stdout: str = os.devnull) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    with Path(stdout).open("w") as out:
        return subprocess.run(
            (sys.executable, "-m", "benchgate", *words),
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "ascii"},
            text=True,
            check=False,
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_standard_output_that_is_full_is_a_sentence() -> None:
    done = ended("compare", "good", "good", stdout="/dev/full")

    assert done.returncode == 3
    assert done.stderr == (
        "benchgate: error: standard output: no space left on device\n"
        "benchgate: hint: check the disk, its space and the permissions\n"
    )


def test_a_terminal_of_few_letters_gets_what_it_can_show() -> None:
    Path("slow").write_text(messages({**TIMES, "sort µ": 900.0}))

    done = ended("compare", "slow", "slow", "--verbose", stdout="out")

    assert done.returncode == 0, done.stderr
    assert r"sort \xb5" in Path("out").read_text("ascii")
