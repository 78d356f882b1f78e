"""Real git, without the settings of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.store.measured import git


@pytest.fixture(autouse=True)
def _own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Return a bare repository with two commits on main."""
    bare = tmp_path / "remote.git"
    first = tmp_path / "first"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", first], check=True)
    git(first, "config", "user.name", "dana")
    git(first, "config", "user.email", "dana@example.org")
    git(first, "commit", "-q", "--allow-empty", "-m", "one")
    (first / "file.txt").write_text("one\n")
    git(first, "add", "file.txt")
    git(first, "commit", "-q", "-m", "two")
    git(first, "push", "-q", str(bare), "main")
    return bare


@pytest.fixture
def clone(remote: Path, tmp_path: Path) -> Path:
    """Return a clone of the remote, complete and clean."""
    return cloned(remote, tmp_path / "clone")


@pytest.fixture
def other(remote: Path, tmp_path: Path) -> Path:
    """Return a second clone of the remote."""
    return cloned(remote, tmp_path / "other")


@pytest.fixture
def clones(remote: Path, tmp_path: Path) -> list[Path]:
    """Return twenty clones of the remote."""
    return [cloned(remote, tmp_path / f"clone-{number}") for number in range(20)]


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """Return a repository that has no remote and no commit."""
    root = tmp_path / "alone"
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    return root


def cloned(remote: Path, root: Path) -> Path:
    # As a URL, because a path is cloned by links and ignores a depth.
    subprocess.run(["git", "clone", "-q", remote.as_uri(), root], check=True)
    return root
