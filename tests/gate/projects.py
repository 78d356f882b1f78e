"""A Git repository with benches, and the tools on the path that pretend to build it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchgate.cli import main

FAKES = Path(__file__).parent / "fakes"
MANIFEST = """
[package]
name = "{name}"
version = "1.0.0"
[dependencies]
{needs}
[dev-dependencies]
criterion = "0.8"
{benches}
"""
# Git in a test has no user, no settings, and asks nobody.
OF_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": "",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    # The order of measuring is drawn from the commits: the same in each run of a test.
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A repository at ``root``; ``state`` is what the fake tools remember."""

    root: Path
    state: Path
    capsys: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def write(self, name: str, text: str) -> None:
        """Write the file *name*."""
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def package(
        self, folder: str, *benches: str, needs: str = "", features: str = ""
    ) -> None:
        """Write the manifest of a package with these bench targets."""
        required = f'required-features = ["{features}"]' if features else ""
        tables = "".join(f'[[bench]]\nname = "{b}"\n{required}\n' for b in benches)
        name = Path(folder).name if folder != "." else "shop"
        text = MANIFEST.format(name=name, needs=needs, benches=tables)
        self.write(f"{folder}/Cargo.toml", text)

    def bench(self, times: dict[str, float], at: str = "core", **more: Any) -> None:
        """Write the source of a bench target: the nanoseconds of each benchmark."""
        folder, _, name = at.rpartition("/")
        source = json.dumps({"times": times, **more}, indent=1)
        self.write(f"{folder or '.'}/benches/{name}.rs", source)

    def commit(self, message: str = "change") -> str:
        """Commit everything and return the hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        done = subprocess.run(
            ("git", *words), cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout

    def benchgate(self, *words: str, at: str = ".") -> Ended:
        """Run benchgate in this process, in the folder *at*."""
        with self.patch.context() as patch:
            patch.chdir(self.root / at)
            self.capsys.readouterr()
            code = main(words)
            said = self.capsys.readouterr()
        return Ended(code, said.out, said.err)

    def started(self, *words: str) -> subprocess.Popen[str]:
        """Start benchgate in a process of its own."""
        return subprocess.Popen(
            (sys.executable, "-m", "benchgate", *words),
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(FAKES.parents[2])},
            text=True,
        )

    def report(self, at: str = ".") -> dict[str, Any]:
        """Return the report that the last comparison wrote."""
        return self._document(at, "report.json")

    def run(self, at: str = ".") -> dict[str, Any]:
        """Return the run document that was kept."""
        return self._document(at, "run.json")

    def calls(self, who: str) -> list[list[str]]:
        """Return the arguments of all calls of a fake tool, in their order."""
        log = self.state / "log"
        records = log.read_text().split("\x1e")[:-1] if log.exists() else []
        made = [record.split("\x1f") for record in records]
        return [call[1:] for call in made if call[0] == who]

    def _document(self, at: str, name: str) -> dict[str, Any]:
        raw = (self.root / at / ".benchgate" / name).read_text()
        document: dict[str, Any] = json.loads(raw)
        return document


def wait_for(place: Path, process: subprocess.Popen[str], inside: str = "") -> None:
    """Return once *process* has made *place*, or something in it like *inside*."""
    while not (any(place.glob(inside)) if inside else place.exists()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def install(folder: Path, *names: str) -> None:
    """Put *names* into *folder*, and two tools that say no more than their version.

    All others do so in a shell, because that is asked for in every test.
    """
    folder.mkdir(exist_ok=True)
    for name in ("rustc", "cargo-criterion", *names):
        place = folder / name
        code = FAKES / f"{name}.py"
        text = f'#!/bin/sh\ncase "$*" in -V|*version) echo {name} 1.2.3; exit;; esac\n'
        if code.exists():
            text += f'exec {sys.executable} -IS {code} "$@"\n'
        place.write_text(text)
        place.chmod(0o755)
