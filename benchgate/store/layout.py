"""A run ↔ its path and bytes, the same in every store.

::

    v1/runs/<environment>/<yyyy>/<mm>/<utc>-<sha12>-<run id>.<attempt>.json

A path is never reused and a document never changed, so writers can't conflict
except over the same run.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from benchgate.documents import run
from benchgate.errors import FormatError, StoreError
from benchgate.model import Measurement

RUNS = "v1/runs"
_MOMENT = "%Y%m%dT%H%M%SZ"
_SLUG_WORDS = 40
_SLUG_DIGITS = 10
_SHA = re.compile(r"[0-9a-f]{12,64}")
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH = re.compile(
    rf"{RUNS}/(?P<environment>[a-z0-9-]+)/[0-9]{{4}}/[0-9]{{2}}"
    r"/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}-[A-Za-z0-9_-]{1,64}\.[0-9]+\.json"
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that is kept; ``recorded_at`` is in whole seconds since 1970."""

    id: str
    commit: str
    environment_key: str
    recorded_at: float


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of reading every stored run.

    ``fine`` counts those that can be relied on; ``damaged`` has one sentence for each
    other, which begins with its place.
    """

    fine: int
    damaged: tuple[str, ...]


def slug_of(environment_key: str) -> str:
    """Return the folder of *environment_key*: a few of its words, and its hash."""
    known = environment_key.lower().replace("unknown", "")
    words = "-".join(re.findall(r"[a-z0-9]+", known))[:_SLUG_WORDS].strip("-")
    digest = hashlib.sha256(environment_key.encode()).hexdigest()[:_SLUG_DIGITS]
    return f"{words}-{digest}" if words else digest


def entry_of(
    measurement: Measurement, *, recorded_at: float, run_id: str, attempt: int
) -> tuple[str, bytes]:
    """Return the path and the document under which the head is kept.

    Raises StoreError for what must not become a baseline: a partial run, or one
    whose commit isn't known.
    """
    head = measurement.head
    failures = [failure for round_ in head.rounds for failure in round_.failures]
    if failures:
        first = failures[0]
        failed = first.benchmark or first.suite
        raise StoreError(
            f"a partial run is not kept: {failed} did not run: {first.reason}",
            hint="mend the benchmark, or exclude it, and run again",
        )
    if not any(round_.samples for round_ in head.rounds):
        raise StoreError("an empty run is not kept: nothing was measured")
    if not _SHA.fullmatch(head.commit.sha):
        raise StoreError(
            f"a run without a commit is not kept: {head.commit.sha!r} is no hash",
            hint="measure a commit",
        )
    if not _RUN_ID.fullmatch(run_id) or attempt < 1:
        raise StoreError(
            f"a run can't be named {run_id!r}, attempt {attempt}",
            hint="use up to 64 letters, digits, _ and -, and attempts from 1",
        )
    moment = datetime.fromtimestamp(recorded_at, UTC)
    name = f"{moment:{_MOMENT}}-{head.commit.sha[:12]}-{run_id}.{attempt}.json"
    folder = f"{RUNS}/{slug_of(head.environment.key)}/{moment:%Y/%m}"
    return f"{folder}/{name}", run.encode(replace(measurement, base=None))


def is_run(path: str) -> bool:
    """Say whether *path* can be one of ours; what else lies there is left alone."""
    return _PATH.fullmatch(path) is not None


def newest(
    paths: Iterable[str], *, limit: int, environment: str | None
) -> tuple[str, ...]:
    """Return the runs among *paths*, at most *limit*, newest first."""
    slug = None if environment is None else slug_of(environment)
    wanted = [path for path in runs_in(paths) if slug in {None, _slug_in(path)}]
    return tuple(wanted[:limit])


def runs_in(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the runs among *paths*, newest first."""
    found = [path for path in paths if is_run(path)]
    found.sort(key=lambda path: (PurePosixPath(path).name, path), reverse=True)
    return tuple(found)


def surplus(paths: Iterable[str], *, keep: int) -> tuple[str, ...]:
    """Return the runs beyond the newest *keep* of each environment, newest first."""
    seen: Counter[str] = Counter()
    beyond = []
    for path in runs_in(paths):
        slug = _slug_in(path)
        seen[slug] += 1
        if seen[slug] > keep:
            beyond.append(path)
    return tuple(beyond)


def _slug_in(path: str) -> str:
    return PurePosixPath(path).parts[2]


def measurement_of(raw: bytes, *, name: str) -> Measurement:
    """Return what a stored document holds; errors begin with *name*."""
    try:
        return run.decode(raw, name=name)
    except FormatError as error:
        hint = error.hint or "restore the file, or delete it on purpose"
        raise StoreError(error.problem, hint=hint) from error


def stored_run_of(path: str, raw: bytes, *, name: str) -> StoredRun:
    """Return what is listed of the document *raw* at *path*."""
    head = measurement_of(raw, name=name).head
    written = PurePosixPath(path).name.partition("-")[0]
    try:
        moment = datetime.strptime(written, _MOMENT).replace(tzinfo=UTC)
    except ValueError as error:
        raise StoreError(f"{name}: {written} is no moment") from error
    return StoredRun(
        id=path,
        commit=head.commit.sha,
        environment_key=head.environment.key,
        recorded_at=moment.timestamp(),
    )


def verified(reads: Mapping[str, Callable[[], tuple[bytes, str]]]) -> Verified:
    """Return what is wrong with the runs by path; each read gives bytes and a name.

    A document under a path that isn't its own is damage too: it would be taken for a
    run of another commit or another machine.
    """
    damaged = []
    for path, read in reads.items():
        try:
            raw, name = read()
            _check_own(path, stored_run_of(path, raw, name=name), name=name)
        except StoreError as error:
            damaged.append(error.problem)
    return Verified(len(reads) - len(damaged), tuple(damaged))


def _check_own(path: str, stored: StoredRun, *, name: str) -> None:
    slug = slug_of(stored.environment_key)
    if f"-{stored.commit[:12]}-" not in path or slug != _slug_in(path):
        raise StoreError(f"{name}: holds another run than its path says")


def unknown_run(stored_id: str, *, place: str) -> StoreError:
    """Return the error for a run that isn't in the store at *place*."""
    return StoreError(
        f"{place}: holds no run {stored_id}",
        hint="list the stored runs with `benchgate baseline list`",
    )


def conflict(path: str, *, place: str) -> StoreError:
    """Return the error for a run that was stored before with other content."""
    return StoreError(
        f"{place}: {path} is already kept, with other content",
        hint="record it under another run id or attempt",
    )
