"""``benchgate comment``: a report below a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchgate.documents import report as document
from benchgate.github import api
from tests import reports
from tests.gate.projects import Project
from tests.gate.test_gate_report import AT_ONCE
from tests.github_server import Fake, Fault, Pull, State, serving

HEAD = "b" * 40


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(api, "connect", partial(api.connect, patience=AT_ONCE))
    with serving(State(repository="o/r", pulls=[Pull(7, HEAD)])) as fake:
        monkeypatch.setenv("GITHUB_API_URL", fake.api)
        monkeypatch.setenv("GITHUB_TOKEN", fake.state.token)
        yield fake


@pytest.fixture
def report(project: Project, tmp_path: Path) -> str:
    place = tmp_path / "report.json"
    place.write_bytes(document.encode(reports.regressed()))
    return str(place)


def test_it_is_printed_and_nothing_is_asked(
    project: Project, github: Fake, report: str
) -> None:
    ended = project.benchgate("comment", report, "--dry-run")

    assert ended.code == 0
    assert ended.out.startswith("### ❌ regressed: 2 of 15 benchmarks")
    assert github.calls == []


def test_it_is_written_below_the_pull_request_once(
    project: Project, github: Fake, report: str
) -> None:
    words = ("comment", report, "--repository", "o/r", "--pull", "7")

    first, second = project.benchgate(*words), project.benchgate(*words)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.out.startswith("comment created: https://")
    (comment,) = github.state.comments
    assert "### ❌ regressed: 2 of 15 benchmarks" in comment.body


def test_that_it_can_not_be_written_changes_no_verdict(
    project: Project, github: Fake, report: str
) -> None:
    github.faults.append(
        Fault("POST .*", status=403, message="Resource not accessible")
    )

    ended = project.benchgate("comment", report, "--repository", "o/r", "--pull", "7")

    assert ended.code == 0
    assert "403" in ended.err


def test_a_token_is_needed(
    project: Project, github: Fake, report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")

    ended = project.benchgate("comment", report, "--repository", "o/r", "--pull", "7")

    assert ended.code == 0
    assert "no token was given" in ended.err


def test_which_pull_request_has_to_be_said(project: Project, report: str) -> None:
    ended = project.benchgate("comment", report)

    assert ended.code == 2
    assert "--pull N" in ended.err


def test_what_is_no_report_is_refused(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    place.write_text("{}")

    ended = project.benchgate("comment", str(place), "--dry-run")

    assert ended.code == 3
    assert ended.err.startswith(f"benchgate: error: {place}: ")
