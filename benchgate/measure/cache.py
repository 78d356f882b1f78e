"""A base → a slot: a folder in the user's cache with its work tree and its build.

A slot belongs to one comparison at a time. It stays, stamped with what it was built
for, so that the next comparison with the same base builds only its head. A base that
no slot is stamped with gets a new one, with a copy of what was built last: Cargo then
compiles its own packages anew, and no dependency.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from benchgate.errors import ToolError
from benchgate.measure import git, host, seeds

_SLOTS = 32
_STAMP = "stamp"
_LOCK = "lock"
_FLAGS = re.compile(
    r"RUSTC|RUSTC_\w+|RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_INCREMENTAL"
    r"|CARGO_(?:BUILD|PROFILE|TARGET)_\w+"
)


@contextlib.contextmanager
def checked_out(root: Path, sha: str, *, folder: Path, most: float) -> Iterator[Path]:
    """Yield a slot in whose ``base`` the commit *sha* of *root* is checked out.

    It lies outside of the repository, and nobody else uses it meanwhile. *folder* is
    where the user stands: its lock file and toolchain count.
    *most*: the bytes that all slots of the user may take together; afterwards the
    least recently used are removed until they do.
    Raises ToolError when there is no place for a slot.
    """
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:10]
    home = _cache() / f"{root.name}-{name}"
    stamp = partial(stamp_of, root, sha, folder=folder, variables=os.environ)
    try:
        with contextlib.ExitStack() as stack:
            with contextlib.ExitStack() as giving:
                wanted = stamp()
                slot, donor = _chosen(home, wanted, most, stack, giving)
                (slot / _STAMP).unlink(missing_ok=True)
                git.worktree(root, sha, slot / "base")
                if donor:
                    seeds.from_slot(slot, donor)
            # Last: what is killed before is not taken for a slot of this base.
            _write(wanted, slot)
            yield slot
            # The first build in a clone may have made the lock file.
            with contextlib.suppress(ToolError):
                _write(stamp(), slot)
    finally:
        with contextlib.suppress(OSError, ToolError):
            _prune(most)


def stamp_of(
    root: Path, sha: str, *, folder: Path, variables: Mapping[str, str]
) -> str:
    """Return what the build of *sha* depends on: a line each, the last two hashed.

    Commit, toolchain, lock files that Git doesn't know, and flags in *variables*.
    A lock file that Git knows is part of the commit.
    """
    locks = [
        place.relative_to(root).as_posix().encode() + b"\0" + _bytes(lock)
        for place in (folder.resolve(), *folder.resolve().parents)
        if place.is_relative_to(root)
        and (lock := place / "Cargo.lock").is_file()
        and not git.is_tracked(root, str(lock))
    ]
    flags = [
        os.fsencode(f"{name}={value}")
        for name, value in sorted(variables.items())
        if _FLAGS.fullmatch(name)
    ]
    lines = (sha, host.toolchain(folder), _digest(locks), _digest(flags))
    return "".join(f"{line}\n" for line in lines)


def _bytes(lock: Path) -> bytes:
    try:
        return lock.read_bytes()
    except OSError:
        return b""  # Cargo says what is wrong with it


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0\0".join(parts)).hexdigest()


def _cache() -> Path:
    """Return where all slots of the user are; relative names are to be ignored."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "benchgate"
    home = os.path.expanduser("~")  # noqa: PTH111 - never fails
    return Path(home) / ".cache" / "benchgate"


def _chosen(
    home: Path,
    stamp: str,
    most: float,
    stack: contextlib.ExitStack,
    giving: contextlib.ExitStack,
) -> tuple[Path, Path | None]:
    """Return a slot below *home*, locked in *stack*, and another to copy from.

    The other is locked in *giving*; None where there is nothing to copy.
    """
    try:
        slots = [home / str(number) for number in range(_SLOTS)]
        stamped = sorted(filter(_stamped, slots), key=_used_at, reverse=True)
        same = _taken((s for s in stamped if _stamped(s) == stamp), stack)
        if same:
            return same, None
        donor = _taken(stamped, giving)
        if donor is None or _has_room(donor, most):
            new = _taken((s for s in slots if s not in stamped), stack)
            if new:
                _wipe(new)
                return new, donor
        giving.close()
        oldest = _taken(reversed(stamped), stack)
    except OSError as error:
        raise ToolError(
            f"{home}: can't be used for the base: {error.strerror or error}",
            hint="name a folder that can be written to in XDG_CACHE_HOME",
        ) from error
    if oldest is None:
        raise ToolError(f"{home}: {_SLOTS} comparisons are already running")
    return oldest, None


def _taken(slots: Iterable[Path], stack: contextlib.ExitStack) -> Path | None:
    """Return the first of *slots* that is free, locked in *stack*."""
    return next((s for s in slots if stack.enter_context(git.locked(s))), None)


def _stamped(slot: Path) -> str:
    """Return what *slot* was last built for, "" where nothing is said that is read."""
    try:
        return (slot / _STAMP).read_text(errors="replace")
    except OSError:
        return ""


def _write(stamp: str, slot: Path) -> None:
    """Write *stamp*; a slot without one is only built anew."""
    with contextlib.suppress(OSError):
        (slot / _STAMP).write_text(stamp)


def _used_at(slot: Path) -> float:
    try:
        return (slot / _STAMP).stat().st_mtime
    except OSError:
        return 0.0


def _has_room(donor: Path, most: float) -> bool:
    """Say whether a copy of what was built in *donor* fits, and the disk has twice."""
    size = sum(map(_size, seeds.built_in(donor)))
    total = size + sum(map(_size, _all_slots()))
    return total <= most and shutil.disk_usage(donor).free >= 2 * size


def _prune(most: float) -> None:
    """Empty slots that nobody uses, those first that were used long ago.

    Goes on until all slots together have at most *most* bytes.
    """
    size_by_slot = {slot: _size(slot) for slot in _all_slots()}
    total = sum(size_by_slot.values())
    for slot in sorted(size_by_slot, key=_used_at):
        if total <= most:
            return
        with git.locked(slot) as ours:
            if ours:
                _wipe(slot)
                total -= size_by_slot[slot]


def _all_slots() -> list[Path]:
    """Return the slots of all repositories of the user."""
    found = _cache().glob(f"*/*/{_LOCK}")
    return [lock.parent for lock in found if lock.parent.name.isdecimal()]


def _size(folder: Path) -> int:
    """Return the bytes of all files below *folder*, of those with two names once.

    Files that vanish meanwhile count nothing.
    """
    size_by_file: dict[tuple[int, int], int] = {}
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                seen = (Path(parent) / name).lstat()
                size_by_file[seen.st_dev, seen.st_ino] = seen.st_size
    return sum(size_by_file.values())


def _wipe(slot: Path) -> None:
    """Remove all of *slot* but its lock, which somebody may be about to take.

    Moved away at once: Cargo would trust a build of which a half is removed.
    """
    repository = git.repository_of(slot / "base")
    with tempfile.TemporaryDirectory(
        dir=slot, prefix="removed-", ignore_cleanup_errors=True
    ) as folder:
        kept = {_LOCK, Path(folder).name}
        entries = [entry for entry in slot.iterdir() if entry.name not in kept]
        # The stamp first: without it, nobody trusts what is left.
        for entry in sorted(entries, key=lambda entry: entry.name != _STAMP):
            entry.rename(Path(folder) / entry.name)
    if repository:
        git.prune_worktrees(repository)
