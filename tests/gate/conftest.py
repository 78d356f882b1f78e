"""Projects to measure, with tools that are fast, alike every time, and fake."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from benchgate.measure import host
from tests.gate.projects import OF_GIT, Project, install


@pytest.fixture(autouse=True)
def machine_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what else runs here out of the reports: it is another in each run."""
    monkeypatch.setattr(host, "read_load", lambda: None)


@pytest.fixture
def bare(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """Return an empty repository on ``main``, and nothing but fake tools."""
    root, state, tools = (tmp_path / name for name in ("repository", "state", "tools"))
    root.mkdir()
    state.mkdir()
    install(tools, "cargo", "k6")
    for name in ("git", "sh", "python3", "cat", "cp"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(sys.executable if name == "python3" else found)
    for name, value in OF_GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("FAKE_STATE", str(state))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(root, state, capsys, monkeypatch)
    project.git("init", "--quiet", "--initial-branch", "main")
    project.write(".gitignore", "target\nCargo.lock\n")
    return project


@pytest.fixture
def project(bare: Project) -> Project:
    """Return a crate with three benchmarks on ``main``, and a branch off it."""
    bare.package(".", "core")
    bare.bench({"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0})
    bare.commit("base")
    bare.git("switch", "--quiet", "--create", "change")
    return bare


@pytest.fixture
def tools() -> Path:
    """Return the folder of the fake tools."""
    return Path(os.environ["PATH"])
