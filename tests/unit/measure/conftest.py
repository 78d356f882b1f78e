from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.repositories import repository


@pytest.fixture
def of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")


@pytest.fixture
def root(tmp_path: Path, of_nobody: None) -> Path:
    """Return a repository with one commit on ``main``."""
    return repository(tmp_path / "repository")
