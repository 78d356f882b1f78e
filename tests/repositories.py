"""Git repositories for tests, written with git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run(root: Path, *words: str) -> str:
    """Run git in *root* and return what it printed."""
    done = subprocess.run(
        ("git", *words), cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, name: str, text: str = "") -> str:
    """Commit everything, with the file *name*, and return the hash."""
    (root / name).write_text(text)
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", name)
    return run(root, "rev-parse", "HEAD")


def repository(root: Path) -> Path:
    """Return a repository at *root* with one commit on ``main``."""
    root.mkdir()
    run(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "a")
    return root
