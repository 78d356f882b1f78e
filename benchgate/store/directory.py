"""A directory as a store: one file a run, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from benchgate.errors import StoreError
from benchgate.model import Measurement
from benchgate.store import layout
from benchgate.store.layout import StoredRun, Verified


@dataclass(frozen=True, slots=True)
class DirectoryStore:
    """Runs below ``root``, which appears with the first one."""

    root: Path

    def list(
        self, *, limit: int, environment: str | None = None
    ) -> tuple[StoredRun, ...]:
        """Return at most *limit* runs, newest first; none when there is no root."""
        with self._translated():
            chosen = layout.newest(self._paths(), limit=limit, environment=environment)
            return tuple(self._stored(path) for path in chosen)

    def read(self, stored_id: str) -> Measurement:
        """Return the run at *stored_id*."""
        # Only our own names: an id may not lead out of the directory.
        if not layout.is_run(stored_id):
            raise layout.unknown_run(stored_id, place=str(self.root))
        file = self.root / stored_id
        with self._translated():
            try:
                raw = file.read_bytes()
            except FileNotFoundError:
                raise layout.unknown_run(stored_id, place=str(self.root)) from None
        return layout.measurement_of(raw, name=str(file))

    def append(
        self,
        measurement: Measurement,
        *,
        recorded_at: float,
        run_id: str,
        attempt: int = 1,
    ) -> str:
        """Keep the head of *measurement*, on disk when this returns."""
        path, raw = layout.entry_of(
            measurement, recorded_at=recorded_at, run_id=run_id, attempt=attempt
        )
        file = self.root / path
        with self._translated():
            file.parent.mkdir(parents=True, exist_ok=True)
            if not _create(file, raw) and file.read_bytes() != raw:
                raise layout.conflict(path, place=str(self.root))
        return path

    def prune(self, *, keep: int, dry_run: bool = False) -> tuple[str, ...]:
        """Remove all but the newest *keep* runs of each environment; return the ids."""
        with self._translated():
            gone = layout.surplus(self._paths(), keep=keep)
            for path in () if dry_run else gone:
                (self.root / path).unlink(missing_ok=True)
        return gone

    def verify(self) -> Verified:
        """Read every run, and return what is wrong with which."""
        with self._translated():
            paths = layout.runs_in(self._paths())
        return layout.verified({path: partial(self._read, path) for path in paths})

    def _read(self, path: str) -> tuple[bytes, str]:
        file = self.root / path
        with self._translated():
            return file.read_bytes(), str(file)

    def _paths(self) -> Iterator[str]:
        """Yield the path of every file; Path.glob would hide what it may not read."""
        runs = self.root / layout.RUNS
        for folder, _, names in os.walk(runs, onerror=_unless_absent):
            below = Path(folder).relative_to(self.root)
            yield from (str(below / name) for name in names)

    def _stored(self, path: str) -> StoredRun:
        file = self.root / path
        return layout.stored_run_of(path, file.read_bytes(), name=str(file))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self.root
            raise StoreError(
                f"{place}: {error.strerror or error}",
                hint="give benchgate a directory that it may read and write",
            ) from error


def _unless_absent(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _create(file: Path, raw: bytes) -> bool:
    """Write *raw* to *file* unless it exists; say whether it was written."""
    # A link appears with all its content or not at all, and never replaces a file.
    # A writer that was killed leaves its draft, which isn't named like a run.
    draft = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as opened:
            opened.write(raw)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
