"""Tools and repository as they are found."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchgate.config import Suite
from benchgate.doctor import Repository, Tool
from benchgate.measure import checkup

MICRO = Suite(name="micro", tool="criterion")
LOAD = Suite(name="load", tool="k6", script="load.js")


def a_tool(folder: Path, name: str, said: str) -> None:
    place = folder / name
    place.write_text(f"#!/bin/sh\necho '{said}'\n")
    place.chmod(0o755)


def test_only_what_the_suites_need_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_tool(tmp_path, "cargo", "cargo 1.90.0 (abc 2025-09-14)")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert checkup.tools(tmp_path, (MICRO, MICRO)) == (
        Tool("cargo", "1.90.0"),
        Tool("cargo-criterion", None),
        Tool("valgrind", None),
    )
    assert checkup.tools(tmp_path, (LOAD,)) == (Tool("k6", None),)
    assert checkup.tools(tmp_path, ()) == ()


def test_the_k6_of_a_suite_is_the_one_it_names(tmp_path: Path) -> None:
    a_tool(tmp_path, "k6-next", "k6 v2.3.0 (go1.26.8, linux/amd64)")
    suite = Suite(
        name="load", tool="k6", script="load.js", command=str(tmp_path / "k6-next")
    )

    assert checkup.tools(tmp_path, (suite,)) == (Tool("k6", "2.3.0"),)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def test_a_clone_without_its_past_is_shallow(tmp_path: Path) -> None:
    whole, clone = tmp_path / "whole", tmp_path / "clone"
    whole.mkdir()
    git(whole, "init", "--quiet")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for message in ("one", "two"):
        git(whole, *who, "commit", "--quiet", "--allow-empty", "-m", message)
    git(tmp_path, "clone", "--quiet", "--depth=1", whole.as_uri(), str(clone))

    assert checkup.repository(whole) == Repository(git=True, inside=True, shallow=False)
    assert checkup.repository(clone) == Repository(git=True, inside=True, shallow=True)


def test_a_folder_outside_of_any_repository_is_no_error(tmp_path: Path) -> None:
    assert checkup.repository(tmp_path) == Repository(
        git=True, inside=False, shallow=False
    )


def test_a_repository_that_git_refuses_is_not_a_missing_git(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare")

    found = checkup.repository(tmp_path)

    assert (found.git, found.inside) == (True, True)
    assert found.refusal == (
        "git rev-parse: this operation must be run in a work tree",
        "",
    )


def test_without_git_there_is_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert checkup.repository(tmp_path) == Repository(
        git=False, inside=False, shallow=False
    )
