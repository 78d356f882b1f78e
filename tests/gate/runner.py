"""A job on a runner of GitHub, as far as benchgate sees it: files and variables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gate.projects import Ended, Project

REPOSITORY = {"id": 1, "full_name": "o/r", "default_branch": "main", "fork": False}


@dataclass
class Job:
    """One job of a workflow: its checkout is a shallow clone, as Actions makes it."""

    project: Project
    folder: Path
    server: str = "https://github.example"
    api: str = "https://api.github.example"
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()

    def checkout(self, ref: str, *, origin: Path) -> None:
        """Check *ref* of the repository at *origin* out, alone."""
        root = self.folder / "checkout"
        root.mkdir()
        self.project.root = root
        self.project.git("init", "--quiet")
        self.project.git("remote", "add", "origin", origin.as_uri())
        self.project.git("fetch", "--quiet", "--depth=1", "--no-tags", "origin", ref)
        self.project.git("checkout", "--quiet", "--detach", "FETCH_HEAD")

    def happens(self, event: str, payload: dict[str, Any], **inputs: str) -> None:
        """Set what the runner says of the *event*, and the inputs of the action."""
        place = self.folder / "event.json"
        place.write_text(json.dumps({"repository": REPOSITORY, **payload}))
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(place),
            "GITHUB_SERVER_URL": self.server,
            "GITHUB_API_URL": self.api,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "17",
            "GITHUB_RUN_NUMBER": "3",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW": "bench",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "RUNNER_TEMP": str(self.folder),
        }
        named = {f"BENCHGATE_{n.upper()}": value for n, value in inputs.items()}
        for name, value in {**variables, **named}.items():
            self.project.patch.setenv(name, value)

    def gate(self, *parts: str) -> Ended:
        """Run these parts of the gate one after the other, up to one that fails."""
        ended = Ended(0, "", "")
        for part in parts:
            ended = self.project.benchgate("gate", part)
            if ended.code:
                break
        return ended

    @property
    def summary(self) -> str:
        """What the page of the run shows."""
        return (self.folder / "summary.md").read_text()

    @property
    def outputs(self) -> dict[str, str]:
        """What the steps after this one are told."""
        lines = iter((self.folder / "output").read_text().splitlines())
        found = {}
        for line in lines:
            name, _, end = line.partition("<<")
            found[name] = "\n".join(iter(lines.__next__, end))
        return found
