"""A manifest in TOML → the comparisons to make in other people's repositories.

A manifest holds names, hashes and expectations, and nothing of the projects themselves.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

import msgspec

_FULL_HASH = re.compile(r"[0-9a-f]{40}")


class ManifestError(Exception):
    """A manifest can't be used; the text says where and why."""


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One comparison: *head* is checked out and compared with *base*.

    ``kind``: an ``ordinary`` commit makes nothing slower; of one that is ``undone``,
    the base is a commit that made something faster and the head its parent.
    ``says``: of a project that can't be measured, a part of the sentence that helps.
    ``packages``, ``targets`` and ``benches`` narrow the suite to save time.
    ``slower``: patterns of the benchmarks that may be called slower; where one is, the
    entry is found. ``claimed`` is what the author of the commit promised.
    """

    name: str
    repository: str
    criterion: str
    crate: Literal["library", "service"]
    kind: Literal["ordinary", "undone"]
    base: str
    head: str
    expected: Literal["passed", "regressed", "unmeasured"]
    why: str
    seconds: int
    slower: tuple[str, ...] = ()
    claimed: str = ""
    says: str = ""
    packages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    benches: tuple[str, ...] = ()

    @property
    def config(self) -> str:
        """Return the ``benchgate.yml`` that narrows the suite, "" where none does."""
        narrowed = {
            "packages": self.packages,
            "targets": self.targets,
            "benches": self.benches,
        }
        suite = {key: value for key, value in narrowed.items() if value}
        if not suite:
            return ""
        # JSON is YAML.
        document = {"suites": {"criterion": {"tool": "criterion", **suite}}}
        return msgspec.json.encode(document).decode()

    @property
    def digest(self) -> str:
        """Return what changes when another comparison is asked for."""
        asked = (self.repository, self.base, self.head, self.config)
        return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:16]


class _Manifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    entry: tuple[Entry, ...]


def load(path: Path) -> tuple[Entry, ...]:
    """Return the entries of the manifest at *path*, in its order.

    Raises ManifestError when there is none, or it says what can't be meant.
    """
    try:
        entries = msgspec.toml.decode(path.read_bytes(), type=_Manifest).entry
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: there is no such manifest") from error
    except msgspec.DecodeError as error:
        raise ManifestError(f"{path}: {error}") from error
    seen: set[str] = set()
    for entry in entries:
        if problem := _problem(entry, seen):
            raise ManifestError(f"{path}: {entry.name}: {problem}")
        seen.add(entry.name)
    return entries


def _problem(entry: Entry, seen: set[str]) -> str:
    """Return what is wrong with *entry*, "" for nothing."""
    if entry.name in seen:
        return "there are two of this name"
    if not re.fullmatch(r"[a-z0-9-]+", entry.name):
        return "a name has small letters, digits and hyphens only"
    if not all(_FULL_HASH.fullmatch(sha) for sha in (entry.base, entry.head)):
        return "base and head must be full hashes"
    if (entry.expected == "unmeasured") != bool(entry.says):
        return "what is unmeasured, and only that, `says` a sentence"
    if entry.expected == "regressed" and not entry.slower:
        return "what regresses must name what gets `slower`"
    return ""
