"""A checkout → bench executables of criterion, their benchmarks, and a first record.

Cargo's own settings (features, profiles, registries, wrappers, linkers) are passed
through as they are: the commands here are those that a person would type.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchgate.config import Suite
from benchgate.errors import BenchgateError, FormatError, ToolError
from benchgate.measure import process
from benchgate.model import Doubt, Failure, Round
from benchgate.tools import criterion, merge
from benchgate.tools.source import Source

BUILD_WITHIN = 3600.0
_ASK_WITHIN = 120.0
_CRITERION = frozenset({"criterion", "codspeed-criterion-compat"})
# Short times for the record of a comparison: it lists, and says how long an
# iteration takes; the slices measure.
_BRIEF = ("--warm-up-time", "{0}", "--measurement-time", "{0}", "--nresamples", "1000")


@dataclass(frozen=True, slots=True)
class Target:
    """A bench target of a package that depends on criterion.

    ``folder`` is the package's own, where cargo and the benches are run.
    """

    folder: Path
    package: str
    version: str
    name: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Executable:
    """A built bench executable, and which flags its version of criterion knows."""

    target: Target
    path: Path
    exact: bool
    fractions: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark by the name that criterion lists, and what it lies in."""

    title: str
    executable: Executable


class _MetadataTarget(msgspec.Struct):
    name: str
    kind: list[str]
    required_features: list[str] = msgspec.field(name="required-features", default=[])


class _Dependency(msgspec.Struct):
    name: str
    path: str | None = None


class _Package(msgspec.Struct):
    name: str
    version: str
    id: str
    manifest_path: str
    dependencies: list[_Dependency]
    targets: list[_MetadataTarget]


class _Metadata(msgspec.Struct):
    packages: list[_Package]
    workspace_root: str
    target_directory: str


class _Artifact(msgspec.Struct):
    reason: str
    target: _MetadataTarget | None = None
    executable: str | None = None


def environment(target_directory: Path | None) -> dict[str, str | None]:
    """Return the changes to the environment under which cargo and benches run."""
    changes: dict[str, str | None] = {
        # Criterion writes no files and prints nothing while this is set.
        "CARGO_CRITERION_PORT": None,
        "CARGO_TERM_COLOR": "never",
    }
    if target_directory is not None:
        changes["CARGO_TARGET_DIR"] = str(target_directory)
    return changes


def bench_targets(root: Path, suite: Suite) -> tuple[Target, ...]:
    """Return the bench targets below ``suite.directory`` that may be criterion's.

    Every workspace in the tree is looked at when no directory is named: benches often
    live in a workspace of their own.
    """
    found: dict[tuple[str, str], Target] = {}
    seen: set[Path] = set()
    for manifest in _manifests(root / suite.directory):
        if manifest in seen:
            continue
        metadata = _metadata(manifest)
        seen.update(Path(p.manifest_path) for p in metadata.packages)
        for target in _targets_of(metadata):
            if _is_wanted(target, suite):
                found.setdefault((str(target.folder), target.name), target)
    return tuple(found[key] for key in sorted(found))


def affected_packages(root: Path, changed: Sequence[str]) -> set[Path] | None:
    """Return the folders of packages that a changed file can have made slower.

    None means that this can't be told, so everything may be affected.
    """
    packages: dict[Path, _Package] = {}
    for manifest in _manifests(root):
        for package in _metadata(manifest).packages:
            packages[Path(package.manifest_path).parent] = package
    touched: set[Path] = set()
    for name in changed:
        owner = _owner(root / name, packages, root)
        if owner is None:
            if not _is_prose(name):
                return None
        else:
            touched.add(owner)
    return _with_dependents(touched, packages)


def build(
    targets: Sequence[Target],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
) -> tuple[Executable, ...]:
    """Build *targets* and return those that are criterion's.

    Raises ToolError with the compiler's first error.
    """
    by_package: dict[Path, list[Target]] = {}
    for target in targets:
        by_package.setdefault(target.folder, []).append(target)
    built = []
    for package, members in by_package.items():
        with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
            messages = Path(folder) / "messages.json"
            finished = process.run(
                [
                    *("cargo", "bench", "--no-run"),
                    *_selection(members, suite),
                    "--message-format=json-render-diagnostics",
                ],
                cwd=package,
                env=env,
                within=BUILD_WITHIN,
                stdout=messages,
                log=log,
            )
            if finished.status:
                raise _build_error(finished)
            for target, path in _artifacts(messages, members):
                probed = _probe(target, path, env)
                if probed is not None:
                    built.append(probed)
    return tuple(built)


def benchmarks(
    executables: Sequence[Executable],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
) -> tuple[tuple[Bench, ...], tuple[Failure, ...]]:
    """Return what *executables* list and *suite* asks for, and what can't be listed."""
    found: list[Bench] = []
    failures = []
    for executable in executables:
        finished = process.run(
            [str(executable.path), "--bench", "--list"],
            cwd=executable.target.folder,
            env={**env, **_package_environment(executable.target)},
            within=_ASK_WITHIN,
        )
        if finished.status:
            failures.append(
                Failure(
                    suite.name,
                    "",
                    f"bench target {executable.target.name} can't list its benchmarks: "
                    f"{process.ending_of(finished.status)}",
                    detail=finished.output,
                )
            )
            continue
        titles = re.findall(r"^(.*): benchmark$", finished.output, re.MULTILINE)
        found += [
            Bench(title, executable)
            for title in titles
            if any(fnmatch.fnmatchcase(title, glob) for glob in suite.benches)
        ]
    return tuple(found), tuple(failures)


def record(
    executables: Sequence[Executable],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
    brief: bool,
) -> Round:
    """Run the suite once through ``cargo criterion`` and return what it measured.

    *brief* replaces the times of the suite by short ones.
    Where cargo-criterion can't run a suite to its end, what it gave is returned with
    a doubt that says so.
    """
    whole = Round({})
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        messages = Path(folder) / "messages.json"
        for executable in executables:
            # One target at a time: asked for two, cargo-criterion 1.1.0 may give the
            # messages of the first alone, and status 0.
            try:
                finished = process.run(
                    _criterion_command(executable, suite, brief=brief),
                    cwd=executable.target.folder,
                    # Its own store: the user's history isn't ours to write.
                    env={**env, "CRITERION_HOME": str(Path(folder) / "home")},
                    within=BUILD_WITHIN,
                    stdout=messages,
                    log=log,
                )
            except ToolError as error:
                return _with_doubt(
                    whole,
                    f"{suite.name}: {error.problem}: the record was made through the "
                    "bench executables",
                )
            part = _read_messages(messages, suite, finished)
            whole = merge([(suite.name, whole), (executable.target.name, part)])
    return whole


def _criterion_command(
    executable: Executable, suite: Suite, *, brief: bool
) -> list[str]:
    base = process.shell_words(suite.command or "cargo criterion")
    command = [*base, *_selection([executable.target], suite)]
    command += ["--message-format=json", "--plotting-backend=disabled"]
    if brief:
        # Criterion 0.3 takes whole seconds only.
        seconds = "0.1" if executable.fractions else "1"
        command += ["--", *(word.format(seconds) for word in _BRIEF)]
    return command


def _read_messages(messages: Path, suite: Suite, finished: process.Finished) -> Round:
    """Return the messages as a round, with a doubt when the tool didn't end well."""
    try:
        read = criterion.read(
            Source("cargo criterion", messages), suite=suite.name, partial=True
        )
    except FormatError:
        read = Round({})
    if finished.status == 0:
        return read
    last = finished.output.strip().rpartition("\n")[2]
    return _with_doubt(
        read,
        f"{suite.name}: cargo criterion {process.ending_of(finished.status)} ({last}); "
        "what it left out was measured through the bench executables",
    )


def _with_doubt(round_: Round, text: str) -> Round:
    return Round(round_.samples, round_.failures, (*round_.doubts, Doubt(text)))


def package_environment(executable: Executable) -> dict[str, str]:
    """Return the variables that cargo sets for a bench executable."""
    return _package_environment(executable.target)


def _package_environment(target: Target) -> dict[str, str]:
    return {
        "CARGO_MANIFEST_DIR": str(target.folder),
        "CARGO_PKG_NAME": target.package,
        "CARGO_PKG_VERSION": target.version,
    }


def _manifests(folder: Path) -> list[Path]:
    """Return the manifests in and below *folder*, the ones nearest to it first."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "target" and f[0] != ".")
        if "Cargo.toml" in files:
            found.append(Path(parent) / "Cargo.toml")
    if not found:
        raise ToolError(
            f"{folder}: there is no Cargo.toml in it or below",
            hint="run benchgate in a Rust project, or set `directory` of the suite",
        )
    return sorted(found, key=lambda path: (len(path.parts), path))


def _metadata(manifest: Path) -> _Metadata:
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        out = Path(folder) / "metadata.json"
        finished = process.run(
            [
                *("cargo", "metadata", "--format-version=1", "--no-deps"),
                *("--manifest-path", str(manifest)),
            ],
            cwd=manifest.parent,
            env=environment(None),
            within=_ASK_WITHIN,
            stdout=out,
        )
        process.check(finished)
        return msgspec.json.decode(out.read_bytes(), type=_Metadata)


def _targets_of(metadata: _Metadata) -> list[Target]:
    return [
        Target(
            folder=Path(package.manifest_path).parent,
            package=package.name,
            version=package.version,
            name=target.name,
            features=tuple(target.required_features),
        )
        for package in metadata.packages
        if _CRITERION & {d.name for d in package.dependencies}
        for target in package.targets
        if "bench" in target.kind
    ]


def _is_wanted(target: Target, suite: Suite) -> bool:
    return (not suite.packages or target.package in suite.packages) and (
        not suite.targets or target.name in suite.targets
    )


def _selection(targets: Sequence[Target], suite: Suite) -> list[str]:
    """Return the flags that choose *targets*, all of the package that cargo runs in.

    The package goes by the folder and not by --package: its name may be that of a
    dependency too, which cargo calls ambiguous.
    """
    words = [word for t in targets for word in ("--bench", t.name)]
    features = {f for t in targets for f in t.features} | set(suite.features)
    if features:
        words += ["--features", ",".join(sorted(features))]
    return words


def _artifacts(messages: Path, targets: Sequence[Target]) -> list[tuple[Target, Path]]:
    """Return the executable of each of *targets*, all of one package."""
    wanted = {target.name: target for target in targets}
    found = []
    for line in messages.read_bytes().splitlines():
        message = msgspec.json.decode(line, type=_Artifact)
        target = message.target
        if message.executable and target and "bench" in target.kind:
            found.append((wanted[target.name], Path(message.executable)))
    return found


def _probe(
    target: Target, path: Path, env: Mapping[str, str | None]
) -> Executable | None:
    """Return the executable with what it knows, None when it isn't criterion's."""
    finished = process.run(
        [str(path), "--help"],
        cwd=target.folder,
        env={**env, **_package_environment(target)},
        within=_ASK_WITHIN,
    )
    if "Criterion.rs benchmark" not in finished.output:
        return None
    exact = "--exact" in finished.output
    # Fractions of seconds came with 0.4, which no longer says "criterion.rs/book"
    # but did not yet know --exact; asking with one tells.
    fractions = exact or _takes_fractions(target, path, env)
    return Executable(target, path, exact=exact, fractions=fractions)


def _takes_fractions(target: Target, path: Path, env: Mapping[str, str | None]) -> bool:
    finished = process.run(
        [str(path), "--bench", "--list", "--warm-up-time", "0.1"],
        cwd=target.folder,
        env={**env, **_package_environment(target)},
        within=_ASK_WITHIN,
    )
    return finished.status == 0


def _build_error(finished: process.Finished) -> BenchgateError:
    lines = finished.output.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("error")), None)
    if first is None:
        try:
            process.check(finished)
        except ToolError as error:
            return error
    shown = "\n".join(lines[first : (first or 0) + 12])
    return ToolError(process.with_lines("the benches do not build", shown))


def _owner(file: Path, packages: Mapping[Path, _Package], root: Path) -> Path | None:
    """Return the package folder that *file* lies in, None for a file of no package."""
    if file.name in {"Cargo.lock", "rust-toolchain", "rust-toolchain.toml"}:
        return None
    if ".cargo" in file.parts:
        return None
    for folder in file.parents:
        if folder in packages:
            # A workspace's manifest sets profiles and shared dependencies.
            shared = file.name == "Cargo.toml" and folder == root
            return None if shared else folder
        if folder == root:
            return None
    return None


def _is_prose(name: str) -> bool:
    path = Path(name)
    return (
        path.suffix in {".md", ".txt", ".rst", ".adoc", ".png", ".svg"}
        or path.name in {"LICENSE", ".gitignore", "CODEOWNERS", "AUTHORS"}
        or path.parts[0] in {".github", "docs"}
    )


def _with_dependents(
    touched: set[Path], packages: Mapping[Path, _Package]
) -> set[Path]:
    """Return *touched* and every package that depends on one of them by path."""
    found = set(touched)
    grown = True
    while grown:
        grown = False
        for folder, package in packages.items():
            paths = {Path(d.path) for d in package.dependencies if d.path}
            if folder not in found and paths & found:
                found.add(folder)
                grown = True
    return found
