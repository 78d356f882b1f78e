"""The benches of a checkout as they lie on disk → the facts that ``doctor`` judges.

Nothing is built and no tool is asked: manifests are read as TOML, sources as text,
and what was measured before from where it was left.
"""

from __future__ import annotations

import os
import re
import statistics
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchgate.config import Suite
from benchgate.doctor import Bench, Body, Setting, Spot
from benchgate.documents import run
from benchgate.measure import rust
from benchgate.measure.cargo import manifests
from benchgate.model import Design, Kind, Round, Sample
from benchgate.tools import criterion
from benchgate.tools.source import Source

_CRITERION = frozenset({"criterion", "codspeed-criterion-compat"})
_DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies")
# Larger sources are written by programs, and no bench is.
_LARGEST_SOURCE = 1_000_000
_MAIN = re.compile(r"^\s*(?:criterion::)?criterion_main!", re.MULTILINE)

Toml = Mapping[str, Any]


class _Dependency(msgspec.Struct):
    package: str | None = None
    path: str | None = None
    version: str | None = None


_Dependencies = dict[str, str | _Dependency]


class _Dependent(msgspec.Struct, rename="kebab"):
    dependencies: _Dependencies = {}
    dev_dependencies: _Dependencies = {}
    build_dependencies: _Dependencies = {}


class _Target(msgspec.Struct):
    name: str = ""
    path: str | None = None
    harness: bool = True


class _Package(msgspec.Struct):
    name: str
    autobenches: bool = True
    autobins: bool = True


class _Manifest(_Dependent):
    """The shape of what is read of a manifest; all else in it is cargo's."""

    package: _Package | None = None
    bench: list[_Target] = []
    bin: list[_Target] = []
    profile: dict[str, dict[str, Any]] = {}
    target: dict[str, _Dependent] = {}


class _Locked(msgspec.Struct):
    name: str
    version: str


class _Lock(msgspec.Struct):
    package: list[_Locked] = []


@dataclass(frozen=True, slots=True)
class Package:
    """A package with benches of criterion, by its manifest."""

    folder: Path
    manifest: Toml
    benches: tuple[Bench, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured before: bodies, and requests in a window by suite and name."""

    bodies: tuple[Body, ...]
    requests: Mapping[str, tuple[tuple[str, float], ...]]


def packages(folder: Path, suites: Sequence[Suite]) -> tuple[Package, ...]:
    """Return the packages in *folder* whose benches the criterion *suites* take."""
    found: dict[Path, Package] = {}
    for suite in (s for s in suites if s.tool == "criterion"):
        for path in manifests(folder / suite.directory):
            manifest = manifest_at(path) or {}
            if path.parent in found or "package" not in manifest:
                continue
            benches = tuple(_benches(path, manifest, suite, folder=folder))
            if benches:
                found[path.parent] = Package(path.parent, manifest, benches)
    return tuple(found.values())


def unread(folder: Path, suites: Sequence[Suite]) -> tuple[str, ...]:
    """Return the manifests in *folder* of which nothing can be said, from there."""
    paths = dict.fromkeys(
        path
        for suite in suites
        if suite.tool == "criterion"
        for path in manifests(folder / suite.directory)
    )
    return tuple(_shown(path, folder) for path in paths if manifest_at(path) is None)


def spots(package: Package, *, folder: Path) -> tuple[Spot, ...]:
    """Return the spots that harm the numbers of *package*; paths are from *folder*."""
    files = dict.fromkeys(_bench_files(package, folder))
    sources = {path: raw for path in files if (raw := _source(path)) is not None}
    own = [raw for place in _code_of(package) if (raw := _source(place)) is not None]
    pure = rust.pure_functions([*own, *sources.values()])
    return tuple(
        spot
        for path, raw in sources.items()
        for spot in rust.spots(raw, path=_shown(path, folder), pure=pure)
    )


def settings(package: Package, *, folder: Path) -> tuple[Setting, ...]:
    """Return what makes the benches of *package* slower than what is shipped."""
    path = workspace_of(package.folder, folder) / "Cargo.toml"
    profiles = (manifest_at(path) or {}).get("profile", {})
    found = []
    for key, is_wrong in _WRONG.items():
        for name in ("bench", "release"):
            value = profiles.get(name, {}).get(key)
            if value is None:
                continue
            if is_wrong(value):
                shown = str(value).lower() if isinstance(value, bool) else repr(value)
                found.append(Setting(_shown(path, folder), name, key, shown))
            break  # what bench says, beats what release says
    return tuple(found)


def criterion_version(package: Package, *, folder: Path) -> str | None:
    """Return the version of criterion that *package* is built with, as far as known.

    That of the lock file, where it names one; else what the manifest asks for.
    """
    lock = manifest_at(workspace_of(package.folder, folder) / "Cargo.lock", _Lock) or {}
    locked = [p["version"] for p in lock.get("package", []) if p["name"] == "criterion"]
    if len(locked) == 1:
        return str(locked[0])
    for wanted in _dependencies(package.manifest, "criterion"):
        text = wanted if isinstance(wanted, str) else str(wanted.get("version", ""))
        if match := re.search(r"\d+\.\d[\d.]*", text):
            return match[0]
    return None


def seen(folder: Path) -> Seen:
    """Return what was measured before in *folder*, by benchgate or by criterion.

    Raises FormatError when that is damaged.
    """
    document = folder / ".benchgate" / "run.json"
    if document.is_file():
        measured = run.decode(document.read_bytes(), name=str(document))
        rounds = measured.head.rounds
        # What is to be stored is measured for longer than a window.
        requests = _requests(rounds) if measured.design is Design.PAIRED else {}
        return Seen(_bodies(rounds), requests)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or folder / "target")
    place = target / "criterion"
    if not place.is_dir():
        return Seen((), {})
    found = criterion.read(Source("target/criterion", place), suite="criterion")
    return Seen(_bodies([found]), {})


def workspace_of(package: Path, folder: Path) -> Path:
    """Return the folder whose manifest holds the profiles and the lock file.

    That is *package* itself, or one above it that is not above *folder*.
    """
    for place in (package, *package.parents):
        if "workspace" in (manifest_at(place / "Cargo.toml") or {}):
            return place
        if place == folder:
            break
    return package


def code_folders(package: Path, manifest: Toml) -> tuple[Path, ...]:
    """Return the folder *package* and those that its *manifest* depends on by path."""
    paths = [
        wanted["path"]
        for kind in _DEPENDENCIES
        for wanted in manifest.get(kind, {}).values()
        if isinstance(wanted, dict) and wanted.get("path")
    ]
    return (package, *(package / path for path in paths))


def manifest_at(path: Path, shape: type[_Manifest | _Lock] = _Manifest) -> Toml | None:
    """Return what *path* holds, None where it isn't of that *shape*: cargo says why."""
    try:
        read = tomllib.loads(path.read_text("utf-8"))
        msgspec.convert(read, shape)
    except (OSError, ValueError, RecursionError):
        return None
    return read


def _debug(value: object) -> bool:
    return value is True


def _unoptimised(value: object) -> bool:
    return str(value) in ("0", "1")


_WRONG = {"debug-assertions": _debug, "opt-level": _unoptimised}


def _benches(
    path: Path, manifest: Toml, suite: Suite, *, folder: Path
) -> Iterator[Bench]:
    if not any(True for name in _CRITERION for _ in _dependencies(manifest, name)):
        return
    package = str(manifest["package"].get("name", ""))
    if suite.packages and package not in suite.packages:
        return
    for name, (source, harness) in _targets(path.parent, manifest).items():
        text = _source(source)
        if text is None or (suite.targets and name not in suite.targets):
            continue
        is_main = bool(_MAIN.search(text.decode("utf-8", "replace")))
        if is_main or b"criterion" in text:
            yield Bench(
                name=name,
                place=_shown(path, folder),
                source=_shown(source, folder),
                harness=harness and is_main,
            )


def _targets(folder: Path, manifest: Toml) -> dict[str, tuple[Path, bool]]:
    """Return the bench targets as cargo finds them: file, and whether libtest's."""
    found: dict[str, tuple[Path, bool]] = {}
    if manifest["package"].get("autobenches", True):
        for source in sorted((folder / "benches").glob("*.rs")):
            found[source.stem] = (source, True)
        for source in sorted((folder / "benches").glob("*/main.rs")):
            found[source.parent.name] = (source, True)
    for entry in manifest.get("bench", []):
        name = str(entry.get("name", ""))
        default = found.get(name, (folder / "benches" / f"{name}.rs", True))[0]
        source = folder / entry["path"] if "path" in entry else default
        found = {n: t for n, t in found.items() if t[0] != source}
        found[name] = (source, entry.get("harness", True))
    return found


def _dependencies(manifest: Toml, name: str) -> Iterator[Any]:
    """Yield how *manifest* asks for the crate *name*, wherever it does."""
    tables = [manifest, *manifest.get("target", {}).values()]
    for table in tables:
        for kind in _DEPENDENCIES:
            for key, wanted in table.get(kind, {}).items():
                package = wanted.get("package") if isinstance(wanted, dict) else None
                if name == (package or key):
                    yield wanted


def _bench_files(package: Package, folder: Path) -> Iterator[Path]:
    """Yield the sources of the benches, and of the modules that lie beside them."""
    for bench in package.benches:
        yield folder / bench.source
    yield from sorted((package.folder / "benches").rglob("*.rs"))


def _code_of(package: Package) -> Iterator[Path]:
    """Yield the sources that the benches call: the package's and its neighbours'."""
    for folder in code_folders(package.folder, package.manifest):
        yield from sorted((folder / "src").rglob("*.rs"))


def _bodies(rounds: Sequence[Round]) -> tuple[Body, ...]:
    """Return the seconds of an iteration of each benchmark, typically."""
    found: dict[str, list[float]] = {}
    for round_ in rounds:
        for key, reading in round_.samples.items():
            if isinstance(reading, Sample) and reading.metric.kind is Kind.TIME:
                value = reading.value(reading.primary)
                found.setdefault(key.benchmark, []).append(value)
    return tuple(Body(n, statistics.median(found[n])) for n in sorted(found))


def _requests(rounds: Sequence[Round]) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return how many requests of each name a window holds, by suite."""
    found: dict[tuple[str, str], list[int]] = {}
    for round_ in rounds:
        for key, reading in round_.samples.items():
            if isinstance(reading, Sample) and key.metric == "p99":
                found.setdefault((key.suite, key.benchmark), []).append(reading.count)
    by_suite: dict[str, list[tuple[str, float]]] = {}
    for (suite, name), counts in sorted(found.items()):
        by_suite.setdefault(suite, []).append((name, statistics.mean(counts)))
    return {suite: tuple(names) for suite, names in by_suite.items()}


def _source(path: Path) -> bytes | None:
    try:
        # A device has no end, and a pipe waits for one.
        is_source = path.is_file() and path.stat().st_size <= _LARGEST_SOURCE
        return path.read_bytes() if is_source else None
    except OSError:
        return None


def _shown(path: Path, folder: Path) -> str:
    return (
        path.relative_to(folder).as_posix()
        if path.is_relative_to(folder)
        else path.name
    )
