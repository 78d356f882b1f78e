"""``benchgate.accepted.yml`` at work: what is wanted passes, what is more does not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from benchgate.cli import main
from tests.gate.recorded import messages

BASE = {f"json/{n}": 100.0 * n for n in range(1, 13)}
SLOW = {**BASE, "json/2": 230.0}
TOMORROW = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which is in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def accept(at: str = "benchgate.accepted.yml", **changes: str) -> None:
    said = {
        "suite": "criterion",
        "benchmark": "json/2",
        "metric": "time",
        "max_slowdown": "20%",
        "reason": "checked twice",
        "owner": '"@dana"',
        "expires": f"{TOMORROW}",
    }
    lines = [f"{key}: {value}" for key, value in (said | changes).items()]
    Path(at).parent.mkdir(exist_ok=True)
    Path(at).write_text("- " + "\n  ".join(lines))


def compare(*more: str) -> int:
    words = ["compare", *more]
    for number in range(4):
        for flag, times in (("--base", BASE), ("--head", SLOW)):
            name = f"{flag[2:]}{number}"
            moved = {n: t * (1 + number / 5000) for n, t in times.items()}
            Path(name).write_text(messages(moved))
            words += [flag, name]
    return main(words)


def test_a_regression_fails_until_it_is_accepted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert compare() == 1
    accept()
    capsys.readouterr()
    assert compare() == 0

    said = capsys.readouterr().out
    assert said.startswith("passed: 1 of 12 benchmarks is slower, as accepted")
    assert f"accepted up to 20 % by @dana until {TOMORROW}: checked twice" in said


def test_the_file_may_lie_in_the_folder_of_the_forge() -> None:
    accept(at=".github/benchgate.accepted.yml")

    assert compare() == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_slowdown": "10%"}, "more than the 10 % that is accepted"),
        ({"expires": "2020-02-29"}, "was accepted until 2020-02-29"),
        ({"benchmark": "json/20"}, "names no series that was compared"),
    ],
)
def test_beyond_ceiling_date_and_name_it_blocks_and_says_why(
    capsys: pytest.CaptureFixture[str], changes: dict[str, str], reason: str
) -> None:
    accept(**changes)

    assert compare() == 1

    assert reason in " ".join(capsys.readouterr().out.split())


def test_the_exports_tell_the_same(folder: Path) -> None:
    assert compare("--junit", "junit.xml", "--sarif", "sarif.json") == 1

    assert "slowdown +15 %" in (folder / "junit.xml").read_text()
    assert "slowdown +15 %" in (folder / "sarif.json").read_text()


def test_an_export_that_has_no_place_is_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compare", "--junit", "nowhere/junit.xml"]) == 2

    assert "nowhere/junit.xml: its directory does not exist" in capsys.readouterr().err


def test_a_file_that_says_no_owner_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    accept(owner='""')

    assert compare() == 2

    assert "benchgate.accepted.yml:6: [0].owner: is empty: name who" in (
        capsys.readouterr().err
    )
