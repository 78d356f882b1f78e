"""A play: a repository on a server, a GitHub that answers, and ``act`` as its runner.

Each event is played by the workflow files themselves, with the action as it is in this
checkout. Three things stand in for GitHub's own: the checkout, which is a clone of
depth one; the upload of an artifact; and the server of ``tests/github_server.py``.
``act`` runs one event at a time, so what GitHub would start next is played next.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gate.projects import MANIFEST, install
from tests.github_server import Artifact, Fake, Pull, State, serving
from tests.repositories import repository
from tests.repositories import run as git

ROOT = Path(__file__).parents[2]
ACT = Path(sysconfig.get_path("scripts")) / "act"
RUN = 17
SERVER = "https://github.example"
REPOSITORY = {
    "id": 1,
    "name": "r",
    "full_name": "o/r",
    "owner": {"login": "o"},
    "default_branch": "main",
    "fork": False,
}
# What GitHub calls its runners, and what ``act`` shall run here.
_RUNNERS = ("ubuntu-latest", "ubuntu-24.04")
_USES = re.compile(r"uses: (actions/(checkout|upload-artifact)@[0-9a-f]{40})")
# What of a log is shown while a job runs.
_STEP = re.compile(r"(?<=\| )benchgate: .*|(?:Success|Failure) - Main [A-Z].*\]")
_STUBS = {
    "checkout": """
      run: |
        git init --quiet .
        git remote add origin "$STAGE_ORIGIN"
        git fetch --quiet --no-tags --depth=1 origin "$STAGE_REF"
        git checkout --quiet --detach FETCH_HEAD
""",
    "upload-artifact": """
      env:
        NAME: ${{ inputs.name }}
        FILE: ${{ inputs.path }}
      run: mkdir -p "$STAGE_UPLOADS/$NAME" && cp "$FILE" "$STAGE_UPLOADS/$NAME/"
""",
}
_STUB = """
name: stub
description: stands in for GitHub's own
inputs:
  name: {default: ""}
  path: {default: ""}
  overwrite: {default: ""}
  persist-credentials: {default: ""}
runs:
  using: composite
  steps:
    - shell: bash"""


@dataclass(frozen=True)
class Played:
    """How a job ended: its log, and whether it failed.

    ``seconds`` is the whole job, ``needed`` what of it went into building, measuring
    and bringing tools; ``calls`` are the requests to GitHub's API.
    """

    failed: bool
    log: str
    event: str
    job: str
    seconds: float
    needed: float
    calls: int

    def output(self, name: str) -> str:
        """Return the last value that an output of this *name* was set to."""
        found = re.findall(rf"::set-output:: {name}=(.*)", self.log)
        return next((value for value in reversed(found) if value), "")

    @property
    def overhead(self) -> float:
        """The seconds that are benchgate's own."""
        return self.seconds - self.needed

    @property
    def summary(self) -> str:
        """What the page of the run shows."""
        return "\n".join(re.findall(r"Summary - (.*?)\n\[", self.log, re.DOTALL))


# Each job in its turn, for the table in the end.
PLAYED: list[Played] = []


@dataclass
class Stage:
    """The place of a play: ``origin`` is the project's repository on the server."""

    folder: Path
    github: Fake
    path: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "uploads", "server/o", "stubs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._attempt = 0
        self.action = self._copied()
        server = (self.folder / "server").as_uri()
        settings = {
            "user.name": "a",
            "user.email": "a@example.org",
            "protocol.file.allow": "always",
            f"url.{server}/.insteadOf": f"{SERVER}/",
        }
        for name, value in settings.items():
            self._git_config(name, value)

    @property
    def origin(self) -> Path:
        """The repository that is checked out, a real remote."""
        return self.folder / "server" / "o" / "r"

    def open(self) -> None:
        """Make the origin a server that gives out single commits, as GitHub does."""
        self.origin.mkdir()
        git(self.origin, "init", "--quiet", "--initial-branch", "main")
        git(self.origin, "config", "user.name", "a")
        git(self.origin, "config", "user.email", "a@example.org")
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(self.origin, "config", "uploadpack.allowFilter", "true")
        git(self.origin, "config", "receive.denyCurrentBranch", "ignore")

    def commit(self, branch: str, files: Mapping[str, str]) -> str:
        """Commit *files* to *branch*, anew from ``main``, and return the hash."""
        if branch != "main":
            git(self.origin, "checkout", "--quiet", "-B", branch, "main")
        for name, text in files.items():
            place = self.origin / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        git(self.origin, "add", "--all")
        git(self.origin, "commit", "--quiet", "--allow-empty", "--message", "change")
        return git(self.origin, "rev-parse", "HEAD")

    def pull_request(self, *, fork: bool = True) -> dict[str, Any]:
        """Merge ``topic`` as GitHub does, and return the payload."""
        head, main = (git(self.origin, "rev-parse", name) for name in ("topic", "main"))
        git(self.origin, "checkout", "--quiet", "--detach", "main")
        git(self.origin, "merge", "--quiet", "--no-ff", "-m", "merge", "topic")
        merge = git(self.origin, "rev-parse", "HEAD")
        git(self.origin, "update-ref", "refs/pull/7/merge", merge)
        git(self.origin, "checkout", "--quiet", "main")
        state = self.github.state
        state.pulls[:] = [
            Pull(7, head, head_repository=2 if fork else 1, base_sha=main)
        ]
        state.runs[RUN] = head
        state.parents[merge] = [main, head]
        state.ancestries[f"{main}...main"] = "identical"
        # Of a commit without any file there would be nothing to give out.
        state.files[f"{head}:README.md"] = state.files["main:README.md"] = b""
        for name in ("benchgate.yml", "benchgate.accepted.yml"):
            for ref, commit in (("main", main), (head, head)):
                self._serve(name, ref, commit)
        return {
            "repository": REPOSITORY,
            "pull_request": {
                "number": 7,
                "head": {"sha": head, "ref": "topic", "repo": {"id": 2 if fork else 1}},
                "base": {"sha": main, "ref": "main", "repo": {"id": 1}},
            },
        }

    def push(self, before: str) -> dict[str, Any]:
        """Return the payload of a push of ``main``, which was at *before*."""
        after = git(self.origin, "rev-parse", "main")
        return {
            "repository": REPOSITORY,
            "ref": "refs/heads/main",
            "before": before,
            "after": after,
        }

    def play(
        self,
        event: str,
        payload: Mapping[str, Any],
        *,
        workflow: str,
        job: str,
        ref: str,
    ) -> Played:
        """Run the *job* of the *workflow* in the origin's *ref* on this *event*."""
        self._attempt += 1
        place = self.folder / f"play-{self._attempt}"
        place.mkdir()
        (place / "event.json").write_text(json.dumps(payload))
        text = git(self.origin, "show", f"main:.github/workflows/{workflow}")
        # Newer than the list of keys that act knows.
        (place / workflow).write_text(text.replace(", queue: max", "") + "\n")
        # Where act looks up which commit the run is of.
        here = place / "here"
        repository(here)
        git(here, "fetch", "--quiet", str(self.origin), ref)
        git(here, "reset", "--quiet", "--soft", "FETCH_HEAD")
        sha = git(here, "rev-parse", "HEAD")
        words = [
            str(ACT),
            *(
                event,
                "--directory",
                str(place / "here"),
                "--workflows",
                str(place / workflow),
            ),
            *("--job", job, "--eventpath", str(place / "event.json")),
            *(w for name in _RUNNERS for w in ("--platform", f"{name}=-self-hosted")),
            *("--no-cache-server", "--no-skip-checkout"),
            *("--secret", f"GITHUB_TOKEN={self.github.state.token}"),
            *("--local-repository", f"benchgate/benchgate@v1={self.action}"),
            *self._stubs(text),
        ]
        variables = {
            "HOME": str(self.folder / "home"),
            "PATH": self.path,
            "STAGE_ORIGIN": f"{SERVER}/o/r",
            "STAGE_REF": ref,
            "STAGE_UPLOADS": str(self.folder / "uploads"),
            "GITHUB_API_URL": self.github.api,
            "GITHUB_SERVER_URL": SERVER,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": str(RUN),
            "GITHUB_RUN_NUMBER": str(self._attempt),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": sha,
            **self.variables,
        }
        given = [w for name, v in variables.items() for w in ("--env", f"{name}={v}")]
        for left in (self.folder / "uploads").iterdir():
            shutil.rmtree(left)
        before, started = len(self.github.calls), time.monotonic()
        _say(f"{event}: {workflow}, job {job} ...")
        failed, log = _followed([*words, *given], variables)
        played = Played(
            failed=failed,
            log=log,
            event=event,
            job=job,
            seconds=time.monotonic() - started,
            needed=_seconds_of_tools(log) + self._cost(),
            calls=len(self.github.calls) - before,
        )
        PLAYED.append(played)
        return played

    def _cost(self) -> float:
        """Return the seconds of building and measuring that the uploads speak of."""
        runs = (self.folder / "uploads").glob("*/run.json")
        costs = [json.loads(run.read_bytes())["cost"] for run in runs]
        return sum(sum(cost.values()) for cost in costs if cost)

    def uploaded(self, *, head: str) -> None:
        """Give the server what the last job has uploaded."""
        for place in sorted((self.folder / "uploads").iterdir()):
            made = io.BytesIO()
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(place / "run.json", "run.json")
            number = len(self.github.state.artifacts) + 1
            self.github.state.artifacts[:] = [
                Artifact(number, RUN, made.getvalue(), place.name, head)
            ]
            shutil.rmtree(place)

    def ended(self, payload: Mapping[str, Any], played: Played) -> dict[str, Any]:
        """Return what GitHub starts when the job on a pull request has ended."""
        head = payload["pull_request"]["head"]["sha"]
        self.uploaded(head=head)
        return {
            "action": "completed",
            "repository": REPOSITORY,
            "workflow_run": {
                "id": RUN,
                "workflow_id": 5,
                "run_number": self._attempt,
                "run_attempt": 1,
                "event": "pull_request",
                "conclusion": "failure" if played.failed else "success",
                "head_sha": head,
                "head_branch": "faster",
                "head_repository": {"id": 2, "owner": {"login": "mallory"}},
                "repository": {"id": 1, "full_name": "o/r"},
                "html_url": f"{SERVER}/o/r/actions/runs/{RUN}",
            },
        }

    def _serve(self, name: str, ref: str, commit: str) -> None:
        """Let the server give out the file *name* of *commit* as of *ref*."""
        shown = subprocess.run(
            ("git", "show", f"{commit}:{name}"),
            cwd=self.origin,
            check=False,
            capture_output=True,
        )
        if shown.returncode == 0:
            self.github.state.files[f"{ref}:{name}"] = shown.stdout
        else:
            self.github.state.files.pop(f"{ref}:{name}", None)

    def _stubs(self, workflow: str) -> list[str]:
        """Return what has act take our stand-ins for GitHub's own actions."""
        ours = (self.action / "action.yml").read_text()
        words = []
        for uses, name in sorted(set(_USES.findall(workflow + ours))):
            place = self.folder / "stubs" / name
            place.mkdir(exist_ok=True)
            (place / "action.yml").write_text(_STUB + _STUBS[name])
            words += ["--local-repository", f"{uses}={place}"]
        return words

    def _copied(self) -> Path:
        """Return a copy of what is checked out here, as a clean clone has it."""
        place = self.folder / "action"
        names = subprocess.run(
            ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for name in filter(None, os.fsdecode(names).split("\0")):
            there = place / name
            if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, there)
        return place

    def _git_config(self, name: str, value: str) -> None:
        place = self.folder / "home" / ".gitconfig"
        words = ("git", "config", "--file", str(place), name, value)
        subprocess.run(words, check=True)


@contextmanager
def stage_with_fakes(folder: Path, workflows: Mapping[str, Path]) -> Iterator[Stage]:
    """Yield the stage of a crate with fake tools, and these *workflows* on ``main``."""
    tools = folder / "tools"
    install(tools, "cargo", "k6")
    (tools / "uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    (folder / "state").mkdir()
    with serving(State(repository="o/r")) as github:
        variables = {"FAKE_STATE": str(folder / "state")}
        stage = Stage(folder, github, path_with(tools), variables)
        stage.open()
        benches = '[[bench]]\nname = "core"\n'
        files = {
            "Cargo.toml": MANIFEST.format(name="shop", needs="", benches=benches),
            ".gitignore": "target\nCargo.lock\n",
            "benchgate.yml": "measure: {looks: [8], slice: 0.01s, design: paired}\n",
        }
        for name, place in workflows.items():
            files[f".github/workflows/{name}"] = place.read_text()
        stage.commit("main", {**files, **benchmarks()})
        yield stage


def benchmarks(words: str = "", **times: float) -> dict[str, str]:
    """Return the files of a crate whose benchmarks take so many nanoseconds."""
    text = json.dumps({"times": {"parse/1": 100.0, "sort": 500.0, **times}})
    return {"benches/core.rs": text, "README.md": words}


@contextmanager
def stage_with_tools(folder: Path) -> Iterator[Stage]:
    """Yield an empty stage with the cargo and the k6 of this machine."""
    brought = [shutil.which(name) for name in ("cargo", "k6")]
    folders = sorted({Path(place).parent for place in brought if place})
    tools = folder / "tools"
    tools.mkdir()
    (tools / "uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    variables = {
        name: os.environ.get(name, str(Path.home() / place))
        for name, place in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"))
    }
    with serving(State(repository="o/r")) as github:
        stage = Stage(folder, github, path_with(tools, *folders), variables)
        stage.open()
        yield stage
    # What Cargo built for the base: a gigabyte that pytest would keep.
    shutil.rmtree(folder / "home", ignore_errors=True)


def _followed(words: list[str], variables: dict[str, str]) -> tuple[bool, str]:
    """Return whether the job of these *words* failed, and its log, and say its steps.

    It may take a quarter of an hour.
    """
    lines = []
    with subprocess.Popen(
        words,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            for step in _STEP.findall(line):
                _say(f"  {step}")
    return process.returncode != 0, "".join(lines)


def _say(what: str) -> None:
    print(f"act: {what}", flush=True)  # noqa: T201 - `make act` shows how far it is


def _seconds_of_tools(log: str) -> float:
    """Return how long bringing the tools took, which act prints as ``1m2.3s``."""
    found = re.search(r"Main Bring the tools \[(?:(\d+)m)?([0-9.]+)(m|µ|n)?s\]", log)
    if found is None or found[3]:
        return 0.0
    return 60 * float(found[1] or 0) + float(found[2])


def path_with(*folders: Path) -> str:
    """Return a path with *folders* before the system's, and Python."""
    own = [*map(str, folders), str(Path(sys.executable).resolve().parent)]
    return os.pathsep.join([*own, "/usr/local/bin", "/usr/bin", "/bin"])
