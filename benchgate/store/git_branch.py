"""An orphan branch as a store: one commit a run, pushed by compare-and-swap.

Only plumbing is used, with an index of its own, so the user's work tree, index,
HEAD and configuration stay as they are. What is fetched is kept under
``refs/benchgate/``. A repository without remotes keeps the branch itself.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchgate.errors import StoreError
from benchgate.model import Measurement
from benchgate.store import layout
from benchgate.store.layout import StoredRun, Verified

TRIES = 20
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
_DEADLINE = 120.0
_REMOTE_HAS_NONE = 2  # ls-remote --exit-code; 128 is an unreachable remote
_QUIET_NO = 1  # rev-parse --verify --quiet
_README = """\
# Benchmark runs, kept by benchgate

This branch holds what was measured on the default branch: one JSON file a run,
below `v1/runs/<environment>/<year>/<month>/`.
It shares no history with the code, and files are only ever added.

List the runs with `benchgate baseline list`.
Forget the oldest with `benchgate baseline prune`: it rewrites this branch.
Delete a file to forget a run; delete the branch to start anew.
"""
# A hook, or a caller with another repository in mind, sets these; GIT_CONFIG_* stay,
# for they carry the token in CI.
_OF_ANOTHER_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_SETTINGS = {
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "benchgate",
    "GIT_AUTHOR_EMAIL": "benchgate@noreply.invalid",
    "GIT_COMMITTER_NAME": "benchgate",
    "GIT_COMMITTER_EMAIL": "benchgate@noreply.invalid",
}
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "commit.gpgsign=false"),
    *("-c", "push.gpgSign=false"),
    *("-c", "push.followTags=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
# What git and GitHub say when another writer came first, or holds the lock.
_RACE = re.compile(
    rb"stale info|fetch first|non-fast-forward|already exists|cannot lock ref"
    rb"|failed to update ref|incorrect old value|shallow\.lock|shallow file has changed"
)
_TELLING = (b"!", b"fatal:", b"error:")

T = TypeVar("T")


class _GitError(StoreError):
    """git ended with an error; *code* is its exit code, *said* all it printed."""

    def __init__(self, place: str, *, code: int, said: bytes) -> None:
        lines = [b" ".join(line.split()) for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(_TELLING)]
        # The last lines of a refused fetch are advice, the first one is the cause.
        line = (telling or lines[-1:] or [b"it said nothing"])[0]
        self.code = code
        self.said = said
        super().__init__(
            f"{place}: git ended with {code}: {line.decode(errors='replace')}",
            hint="record it again later: other writers were faster"
            if self.is_lost_race
            else "check that the repository and its remote can be reached and written",
        )

    @property
    def is_lost_race(self) -> bool:
        """Say whether another writer was faster, so that starting over helps."""
        return _RACE.search(self.said) is not None


@dataclass(frozen=True, slots=True)
class GitBranchStore:
    """Runs on *branch* of *remote*, seen from the repository at *root*.

    *sleep* takes seconds, *chance* gives a number from 0 to 1: both are used only
    between the tries of writers that met. With *fetched*, only what an earlier process
    has brought is looked at, for those who may not be given a token.
    """

    root: Path
    branch: str
    remote: str
    fetched: bool = False
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def list(
        self, *, limit: int, environment: str | None = None
    ) -> tuple[StoredRun, ...]:
        """Return at most *limit* runs, newest first; none without the branch."""
        tip = self._patiently(self._tip)
        if tip is None:
            return ()
        blobs = self._blobs(tip)
        chosen = layout.newest(blobs, limit=limit, environment=environment)
        documents = self._documents(tip, {path: blobs[path] for path in chosen})
        return tuple(
            layout.stored_run_of(path, raw, name=self._name(tip, path))
            for path, raw in documents.items()
        )

    def read(self, stored_id: str) -> Measurement:
        """Return the run at *stored_id*, from what was fetched before if it's there.

        A run never changes, so an old copy of the branch is as good as a new one.
        """
        if not layout.is_run(stored_id):
            raise layout.unknown_run(stored_id, place=self.branch)
        for find in (self._seen, lambda: self._patiently(self._tip)):
            commit = find()
            blobs = self._blobs(commit, stored_id) if commit else {}
            if commit and blobs:
                raw = self._documents(commit, blobs)[stored_id]
                name = self._name(commit, stored_id)
                return layout.measurement_of(raw, name=name)
        raise layout.unknown_run(stored_id, place=self.branch)

    def append(
        self,
        measurement: Measurement,
        *,
        recorded_at: float,
        run_id: str,
        attempt: int = 1,
    ) -> str:
        """Keep the head of *measurement*, on the remote when this returns."""
        path, raw = layout.entry_of(
            measurement, recorded_at=recorded_at, run_id=run_id, attempt=attempt
        )
        self._patiently(lambda: self._add(path, raw, recorded_at=int(recorded_at)))
        return path

    def prune(self, *, keep: int, dry_run: bool = False) -> tuple[str, ...]:
        """Remove all but the newest *keep* runs of each environment; return the ids.

        What stays becomes one commit without a parent, so that what goes is given
        back; a writer who was faster makes it start over.
        """
        return self._patiently(lambda: self._prune(keep=keep, dry_run=dry_run))

    def verify(self) -> Verified:
        """Read every run on the branch, and return what is wrong with which."""
        tip = self._patiently(self._tip)
        if tip is None:
            return Verified(0, ())
        blobs = self._blobs(tip)

        def read(path: str) -> tuple[bytes, str]:
            # One by one: an object that is broken ends the process that reads it.
            name = self._name(tip, path)
            try:
                return self._documents(tip, {path: blobs[path]})[path], name
            except _GitError as error:
                raise StoreError(f"{name}: {error.problem}") from error

        paths = layout.runs_in(blobs)
        return layout.verified({path: partial(read, path) for path in paths})

    def _patiently(self, act: Callable[[], T]) -> T:
        """Return what *act* gives, starting over when another writer was faster."""
        delay = _FIRST_DELAY
        for _ in range(TRIES - 1):
            try:
                return act()
            except _GitError as error:
                if not error.is_lost_race:
                    raise
            self.sleep(delay * (0.5 + self.chance()))
            delay = min(_LONGEST_DELAY, 2 * delay)
        return act()

    def _add(self, path: str, raw: bytes, *, recorded_at: int) -> None:
        tip = self._tip()
        kept = self._blobs(tip, path, "README.md") if tip else {}
        blob = self._hash(raw)
        if path in kept:
            if kept[path] != blob:
                raise layout.conflict(path, place=self.branch)
            return
        added = {path: blob}
        if "README.md" not in kept:
            added["README.md"] = self._hash(_README.encode())
        commit = self._commit(
            self._tree(added, of=tip),
            parent=tip,
            message=f"Record {path}",
            moment=recorded_at,
        )
        self._publish(commit, parent=tip)

    def _prune(self, *, keep: int, dry_run: bool) -> tuple[str, ...]:
        tip = self._tip()
        gone = layout.surplus(self._blobs(tip), keep=keep) if tip else ()
        if tip and gone and not dry_run:
            moment = int(self._git("show", "-s", "--format=%ct", tip))
            commit = self._commit(
                self._tree({}, of=tip, without=gone),
                parent=None,
                message=f"Keep the newest {keep} runs of each environment",
                moment=moment,
            )
            self._publish(commit, parent=tip)
        return gone

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _seen_ref(self) -> str:
        """Return the ref that holds what this repository has of the branch."""
        if self._has_remote():
            return f"refs/benchgate/{self.branch}"
        return self._branch_ref

    def _has_remote(self) -> bool:
        """Say whether runs are kept on the remote; raises when it has other ones."""
        remotes = self._git("remote").decode().split()
        if remotes and self.remote not in remotes:
            raise StoreError(
                f"{self.root}: there is no remote {self.remote!r}",
                hint=f"set baseline.remote to one of: {', '.join(remotes)}",
            )
        return bool(remotes)

    def _seen(self) -> str | None:
        """Return the newest commit of the branch that is here, or None."""
        try:
            said = self._git("rev-parse", "--verify", "--quiet", self._seen_ref())
        except _GitError as error:
            # The exit code alone is the same for a broken ref.
            if error.code == _QUIET_NO and b"broken ref" not in error.said:
                return None
            raise
        return said.decode().strip()

    def _tip(self) -> str | None:
        """Return the newest commit of the branch, fetched, or None without one."""
        if self.fetched or not self._has_remote():
            return self._seen()
        try:
            said = self._git(
                "ls-remote", "--exit-code", "--", self.remote, self._branch_ref
            )
        except _GitError as error:
            if error.code == _REMOTE_HAS_NONE:
                return None
            raise
        if self._seen() != said.split()[0].decode():
            self._fetch()
        return self._seen()

    def _fetch(self) -> None:
        # A depth would mark a whole clone as shallow for good. It's of use where
        # the clone is shallow already: in CI.
        said = self._git("rev-parse", "--is-shallow-repository")
        self._git(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--refmap=",
            *(("--depth=1",) if said.strip() == b"true" else ()),
            "--",
            self.remote,
            f"+{self._branch_ref}:{self._seen_ref()}",
        )

    def _blobs(self, commit: str, *paths: str) -> dict[str, str]:
        """Return the blob of each file of *commit* by path, or only of *paths*."""
        said = self._git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        lines = said.decode(errors="surrogateescape").split("\0")
        entries = (line.partition("\t") for line in lines if line)
        return {path: about.split()[2] for about, _, path in entries}

    def _documents(self, commit: str, blobs: Mapping[str, str]) -> dict[str, bytes]:
        """Return the content of *blobs* by path, read by one process."""
        questions = "".join(f"{blob}\n" for blob in blobs.values())
        answers = self._git("cat-file", "--batch", stdin=questions.encode())
        found: dict[str, bytes] = {}
        start = 0
        for path in blobs:
            end = answers.index(b"\n", start)
            _, kind, *size = answers[start:end].split()
            if kind != b"blob":
                raise StoreError(
                    f"{self._name(commit, path)}: its object is {kind.decode()}",
                    hint="fetch the branch again, or restore the repository",
                )
            start = end + 1
            found[path] = answers[start : start + int(size[0])]
            start += int(size[0]) + 1
        return found

    def _tree(
        self,
        added: Mapping[str, str],
        *,
        of: str | None,
        without: Collection[str] = (),
    ) -> str:
        """Return a new tree: what the commit *of* has *without* some, and *added*."""
        with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if of:
                self._git("read-tree", of, settings=index)
            if without:
                self._git(
                    *("update-index", "--force-remove", "-z", "--stdin"),
                    stdin="\0".join(without).encode(),
                    settings=index,
                )
            for path, blob in added.items():
                entry = f"100644,{blob},{path}"
                self._git(
                    *("update-index", "--add", "--cacheinfo", entry), settings=index
                )
            return self._git("write-tree", settings=index).decode().strip()

    def _commit(
        self, tree: str, *, parent: str | None, message: str, moment: int
    ) -> str:
        """Return a new commit that has *tree*."""
        when = f"{moment} +0000"
        said = self._git(
            "commit-tree",
            "--no-gpg-sign",
            *(("-p", parent) if parent else ()),
            tree,
            stdin=f"{message}\n".encode(),
            settings={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
        )
        return said.decode().strip()

    def _hash(self, raw: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", stdin=raw).decode().strip()

    def _publish(self, commit: str, *, parent: str | None) -> None:
        """Move the branch from *parent* to *commit*, or fail when it isn't there."""
        if not commit:  # an empty source would delete the branch
            raise StoreError(f"{self.branch}: git wrote no commit")
        old = parent or ""  # the branch must not exist
        if not self._has_remote():
            self._git("update-ref", self._branch_ref, commit, old)
            return
        self._git(
            "push",
            "--porcelain",
            "--no-verify",
            "--no-recurse-submodules",
            f"--force-with-lease={self._branch_ref}:{old}",
            "--",
            self.remote,
            f"{commit}:{self._branch_ref}",
        )

    def _name(self, commit: str, path: str) -> str:
        return f"{self.branch}@{commit[:12]}:{path}"

    def _git(
        self,
        *args: str,
        stdin: bytes = b"",
        settings: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return what ``git *args*`` prints; raises _GitError or StoreError."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _OF_ANOTHER_REPOSITORY
        }
        try:
            # Its own session: without a terminal nothing can ask for a password,
            # and helpers that git started are stopped with it.
            process = subprocess.Popen(
                ["git", "-C", str(self.root), *_OPTIONS, *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**inherited, **_SETTINGS, **(settings or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise StoreError(
                f"git can't be started: {error.strerror}", hint="install git"
            ) from error
        with process:
            try:
                said, complaint = process.communicate(stdin, timeout=_DEADLINE)
            except subprocess.TimeoutExpired as error:
                raise StoreError(
                    f"{self.branch}: git {args[0]} took longer than {_DEADLINE:g} s",
                    hint="check the connection to the remote",
                ) from error
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode:
            raise _GitError(
                f"{self.branch}: {args[0]}",
                code=process.returncode,
                said=said + complaint,
            )
        return said
