"""Where runs are kept: the promise of a store, and the literal list of kinds.

Runs are only ever added, until somebody prunes the oldest. What is absent is an empty
list; what can't be reached or read is a StoreError, so a broken store never looks like
a first run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchgate.errors import ConfigError
from benchgate.model import Measurement
from benchgate.store.directory import DirectoryStore
from benchgate.store.git_branch import GitBranchStore
from benchgate.store.layout import StoredRun, Verified

__all__ = ["STORES", "Address", "Store", "StoredRun", "Verified", "open_store"]


class Store(Protocol):
    """What a store provides; each method raises StoreError when it can't."""

    def list(
        self, *, limit: int, environment: str | None = None
    ) -> tuple[StoredRun, ...]:
        """Return at most *limit* runs, newest first.

        With *environment*, an ``Environment.key``, only the runs made there.
        Each of them is decoded: a damaged one is an error that names it.
        """

    def read(self, stored_id: str) -> Measurement:
        """Return the run that ``list`` or ``append`` named; it has no base."""

    def append(
        self,
        measurement: Measurement,
        *,
        recorded_at: float,
        run_id: str,
        attempt: int = 1,
    ) -> str:
        """Keep the head of *measurement* and return its id.

        *recorded_at* is in seconds since 1970. The same run again is no error;
        another one under its name is, and so is a head with failures.
        """

    def prune(self, *, keep: int, dry_run: bool = False) -> tuple[str, ...]:
        """Remove all but the newest *keep* runs of each environment; return the ids.

        With *dry_run* they are only named. What others add meanwhile stays.
        """

    def verify(self) -> Verified:
        """Read every run that is kept, and return what is wrong with which."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store of any kind is: each kind takes what it needs."""

    root: Path
    branch: str
    path: str
    remote: str
    fetched: bool = False


STORES: Mapping[str, Callable[[Address], Store]] = {
    "directory": lambda at: DirectoryStore(at.root / at.path),
    "git-branch": lambda at: GitBranchStore(
        at.root, branch=at.branch, remote=at.remote, fetched=at.fetched
    ),
}


def open_store(
    kind: str, *, root: Path, branch: str, path: str, remote: str, fetched: bool = False
) -> Store:
    """Return the store of *kind* for the repository at *root*.

    *path* is the folder of a ``directory``, relative to *root* or absolute;
    *branch* and *remote* are those of a ``git-branch``, of which with *fetched* only
    what is already here is read.
    Nothing is reached before the first question. Raises ConfigError for another kind.
    """
    if kind not in STORES:
        raise ConfigError(
            f"baseline.store: there is no {kind!r}",
            hint=f"use one of: {', '.join(STORES)}",
        )
    address = Address(
        root=root, branch=branch, path=path, remote=remote, fetched=fetched
    )
    return STORES[kind](address)
