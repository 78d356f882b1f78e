"""The directory that ``cargo bench`` leaves → slices.

::

    target/criterion/<directory_name>/<baseline>/benchmark.json   who was measured
                                                 sample.json      what was measured

``new`` is the last run; ``--save-baseline NAME`` copies it to NAME, which may hold
slashes. A directory name is cut and numbered in order of registration, so it is no
identity: a benchmark is named by what ``benchmark.json`` says. That is the title,
the id as cargo-criterion prints it too, except where that one ends after 100 bytes.

Nothing in there is written at once, dated, or ever deleted, and no unit is stored:
criterion's own wall time is taken for granted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from benchgate.errors import FormatError
from benchgate.model import Doubt
from benchgate.tools.source import Source
from benchgate.tools.timed import Findings, Slice, as_text, why_not_numbers

LATEST = "new"
_WHO = "benchmark.json"
_WHAT = "sample.json"
# A run that was killed may have left any of them without the others.
_FILES = frozenset({_WHO, _WHAT, "estimates.json", "tukey.json"})
# Criterion's own conclusion about whatever ran before: never read.
_CHANGE = "change"
_LONGEST_TITLE = 100
_WALL_TIME = "ns"
_DAY = 86_400.0


class _Identity(msgspec.Struct):
    """``benchmark.json``."""

    full_id: str
    directory_name: str
    title: str = ""

    @property
    def name(self) -> str:
        """Return the title, or the full id where the title is cut."""
        cut = len(self.full_id.encode()) > _LONGEST_TITLE
        return self.full_id if cut or not self.title else self.title


class _Sample(msgspec.Struct):
    """``sample.json`` since criterion 0.3.3; before, a pair of the two lists."""

    iters: list[float]
    times: list[float]


_IDENTITY = msgspec.json.Decoder(_Identity)
_SAMPLE = msgspec.json.Decoder(_Sample | tuple[list[float], list[float]])
_T = TypeVar("_T")


def recognises(root: Path) -> bool:
    """Say whether criterion or cargo-criterion wrote *root*."""
    return _is_of_cargo_criterion(root) or any(_folders_of(root))


def find(source: Source, findings: Findings) -> None:
    """Add what the baseline of *source*, else the last run, measured to *findings*.

    Raises FormatError where there is no such baseline, and for a directory of
    cargo-criterion, which keeps its samples in another form.
    """
    wanted = source.baseline or LATEST
    folders = list(_folders_of(source.path))
    written_at: dict[str, float] = {}
    found = False
    for folder in folders:
        if not _place_of(folder).endswith(f"/{wanted}"):
            continue
        identity = _decoded(folder / _WHO, _IDENTITY)
        if isinstance(identity, str):
            found = True
            name = folder.relative_to(source.path).as_posix()
            findings.refuse(as_text(name.removesuffix(f"/{wanted}")), identity)
        elif _baseline_of(folder, identity) in {wanted, ""}:
            found = True
            if _find_in(folder, identity.name, findings):
                written_at[identity.name] = (folder / _WHO).stat().st_mtime
    if not found:
        raise _nothing_there(source, wanted, folders)
    _doubt_stale(written_at, findings)


def _find_in(folder: Path, benchmark: str, findings: Findings) -> bool:
    """Add the sample in *folder*; say whether there was one."""
    sample = _decoded(folder / _WHAT, _SAMPLE)
    if isinstance(sample, str):
        findings.refuse(benchmark, sample)
        return False
    if isinstance(sample, tuple):
        iterations, totals = sample
    else:
        iterations, totals = sample.iters, sample.times
    findings.slices.append(Slice(benchmark, totals, iterations, _WALL_TIME))
    return True


def _decoded(path: Path, decoder: msgspec.json.Decoder[_T]) -> _T | str:
    """Return what *path* holds, or why that can't be told."""
    place = as_text(path.as_posix())
    try:
        raw = path.read_bytes()
    except OSError as error:
        return f"{place} can't be read, the run may have been killed: {error.strerror}"
    if not raw.strip(b"\0 \n"):
        return f"{place} is empty: the run was killed while writing it"
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"{place} is cut or damaged: {_problem_in(raw) or error}"


def _problem_in(raw: bytes) -> str:
    """Return what is wrong with the numbers in a sample, "" for other problems."""
    try:
        sample = json.loads(raw)  # reads NaN and Infinity, which msgspec does not
    except (ValueError, RecursionError):
        return ""
    if not isinstance(sample, dict) or "times" not in sample:
        return ""
    return why_not_numbers(sample["times"], what="times") or why_not_numbers(
        sample.get("iters"), what="iters"
    )


def _folders_of(root: Path) -> Iterator[Path]:
    """Yield the folders that hold a measurement, from *root* down, in fixed order."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        if not _FILES.isdisjoint(files) and Path(folder).name != _CHANGE:
            yield Path(folder)


def _place_of(folder: Path) -> str:
    return folder.absolute().as_posix()


def _baseline_of(folder: Path, identity: _Identity) -> str:
    """Return the baseline kept in *folder*: its own name, or more of its path.

    Empty where the folder no longer lies where *identity* says.
    """
    _, in_place, name = _place_of(folder).rpartition(f"/{identity.directory_name}/")
    return name if in_place else ""


def _doubt_stale(written_at: Mapping[str, float], findings: Findings) -> None:
    """Doubt what was written long before the rest: nothing there is ever deleted."""
    newest = max(written_at.values(), default=0.0)
    for benchmark, at in written_at.items():
        days = int((newest - at) / _DAY)
        if days:
            text = (
                f"it was measured {days} days before the others and may be left from "
                "an earlier run: delete the criterion directory and measure again"
            )
            findings.doubts.append(Doubt(text, series=findings.key(benchmark)))


def _is_of_cargo_criterion(root: Path) -> bool:
    return any((root / "data" / "main").glob("**/benchmark.cbor"))


def _nothing_there(source: Source, wanted: str, folders: Sequence[Path]) -> FormatError:
    """Return the error for a directory without the baseline *wanted*."""
    if _is_of_cargo_criterion(source.path) and wanted == LATEST:
        return FormatError(
            f"{source.name}: cargo-criterion wrote this and keeps no samples here",
            hint="give the output of `cargo criterion --message-format=json` instead",
        )
    names = set()
    for folder in folders:
        identity = _decoded(folder / _WHO, _IDENTITY)
        kept = "" if isinstance(identity, str) else _baseline_of(folder, identity)
        names.add(kept or folder.name)
    there = ", ".join(sorted(map(as_text, names))) or "none"
    return FormatError(
        f'{source.name}: there is no baseline "{wanted}", only {there}',
        hint="name one of them after a colon: DIRECTORY:BASELINE",
    )
