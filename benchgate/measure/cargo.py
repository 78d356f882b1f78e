"""A checkout → bench executables of criterion, and the benchmarks in them.

Cargo's own settings (features, profiles, registries, wrappers, linkers) are passed
through as they are: the commands here are those that a person would type.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import cures, links, process
from benchgate.measure.plan import last_lines
from benchgate.model import Doubt, Failure

BUILD_WITHIN = 3600.0
_ASK_WITHIN = 120.0
_CRITERION = frozenset({"criterion", "codspeed-criterion-compat"})
# What `cargo vendor` puts into every foreign crate.
_VENDORED = ".cargo-checksum.json"
# Criterion says "bench" before 0.5.
_LISTED = re.compile(r"^(.*): bench(?:mark)?$", re.MULTILINE)
_RUNS_CRITERION = re.compile(r"\bcargo((?: \+\S+)?) criterion\b")
# Rust's regex crate refused to see anything else escaped until version 1.8.
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
_NUMBERED = re.compile(r"(.*?)(?: #\d+)?")
_CUT = "..."
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_REFUSED = "its name has control characters: rename it"
_ERROR_LINES = 12
# What clap says of --help where it was built without it.
_NO_HELP = "error: unexpected argument"
_WARM_UP = ("--warm-up-time", "0.1")
_LONGEST_ERROR = 100
_NOT_COMPILED = re.compile(r'error: could not compile `[^`]+` \(bench "([^"]+)"\)')
_DIAGNOSTIC = re.compile(r"(?:error|warning)\b")


@dataclass(frozen=True, slots=True)
class Target:
    """A bench target of a package that depends on criterion.

    ``folder`` is the package's own, where cargo and the benches are run.
    ``features`` are those that the target requires, ``unknown`` those among them, or
    among the suite's, that the package hasn't: Cargo refuses to hear of these.
    """

    folder: Path
    package: str
    version: str
    name: str
    features: tuple[str, ...]
    unknown: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """Return the name that tells it from targets of other packages."""
        return f"{self.package}/{self.name}"


@dataclass(frozen=True, slots=True)
class Executable:
    """A built bench executable, and which flags its version of criterion knows."""

    target: Target
    path: Path
    exact: bool
    fractions: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark by the title that criterion lists, and what it lies in.

    A title ends after 100 bytes of the id with ``...``, and a second one that begins
    alike goes on with `` #2``. Where two targets list it, it is ``shared``.
    """

    title: str
    executable: Executable
    shared: bool = False

    @property
    def name(self) -> str:
        """Return the benchmark's name in reports, which no other one of a suite has."""
        if not self.shared:
            return self.title
        return f"{self.executable.target.title}: {self.title}"

    @property
    def pattern(self) -> str:
        """Return a regular expression for the ids that may have this title."""
        plain = _unnumbered(self.title)
        if plain.endswith(_CUT):
            return "^" + _escaped(plain.removesuffix(_CUT))
        numbered = "" if plain == self.title else r"(?: #\d+)?"
        return f"^{_escaped(plain)}{numbered}$"

    @property
    def is_exact(self) -> bool:
        """Say whether the title is the id itself, as ``--exact`` wants it."""
        return _unnumbered(self.title) == self.title and not self.title.endswith(_CUT)


class UnbuiltError(ToolError):
    """Benches don't build; ``targets`` are the names of those that Cargo blames."""

    def __init__(self, problem: str, *, hint: str, targets: Collection[str]) -> None:
        """Say the *problem* with all that the compiler says of it."""
        super().__init__(problem, hint=hint)
        self.targets = frozenset(targets)


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
    manifest_path: str
    dependencies: list[_Dependency]
    targets: list[_MetadataTarget]
    features: dict[str, list[str]] | None = None


class _Metadata(msgspec.Struct):
    packages: list[_Package]
    target_directory: str


class _Artifact(msgspec.Struct):
    reason: str
    target: _MetadataTarget | None = None
    executable: str | None = None
    fresh: bool = False
    package_id: str = ""
    manifest_path: str = ""


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

    Every workspace in the tree is looked at: benches often live in one of their own.
    A manifest that cargo can't read is passed over where others have targets.
    """
    top = (root / suite.directory).resolve()
    found: dict[tuple[Path, str], Target] = {}
    unreadable: list[ToolError] = []
    for metadata in _workspaces(top, unreadable):
        for target in _targets_of(metadata, suite):
            if target.folder.is_relative_to(top) and _is_wanted(target, suite):
                found.setdefault((target.folder, target.name), target)
    if unreadable and not found:
        raise unreadable[0]
    # What no package has is nobody's mistake but the user's, which Cargo will say.
    nowhere = set(suite.features)
    for target in found.values():
        nowhere &= target.unknown
    return tuple(
        replace(found[key], unknown=found[key].unknown - nowhere)
        for key in sorted(found)
    )


def foreign_benches(root: Path) -> tuple[str, ...]:
    """Return a sentence for each package below *root* with benches of others only."""
    found = []
    for metadata in _workspaces(root, []):
        for package in metadata.packages:
            names = {dependency.name for dependency in package.dependencies}
            benches = any("bench" in target.kind for target in package.targets)
            if benches and not _CRITERION & names:
                library = cures.library_of(names)
                text = f"{package.name}: its benches are of {library}, not of criterion"
                found.append(text)
    return tuple(found)


def dependencies_by_folder(root: Path) -> dict[Path, frozenset[Path]]:
    """Return the folder of every package below *root* with those it depends on.

    Raises ToolError where cargo can't read a manifest.
    """
    unreadable: list[ToolError] = []
    found = {
        Path(package.manifest_path).parent: frozenset(
            Path(d.path) for d in package.dependencies if d.path
        )
        for metadata in _workspaces(root, unreadable)
        for package in metadata.packages
    }
    if unreadable:
        raise unreadable[0]
    return found


def builds_outside(root: Path) -> bool:
    """Say whether a setting makes cargo build outside of *root*.

    Two checkouts that build into one folder overwrite each other's executables.
    """
    first = next(_workspaces(root, []), None)
    if first is None:
        return False
    return not Path(first.target_directory).resolve().is_relative_to(root.resolve())


def build(
    targets: Sequence[Target],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
    settings: Path | None = None,
    kept: Path | None = None,
) -> tuple[tuple[Executable, ...], tuple[Doubt, ...]]:
    """Build *targets*; return those that are criterion's, and a doubt for each other.

    *settings*: a configuration file for Cargo on top of the user's own.
    *kept*: a folder that takes how each executable was linked.
    Raises UnbuiltError with the compiler's first error.
    """
    built: list[Executable] = []
    strangers = [doubt for target in targets if (doubt := _unbuildable(target, suite))]
    for members in _by_package([t for t in targets if _unbuildable(t, suite) is None]):
        ask = partial(_messages, members, suite=suite, log=log, settings=settings)
        messages = _linked(members, ask, env, kept) if kept else ask(env=env)
        for target, path in _artifacts(messages, members):
            probed = _probe(target, path, env)
            if isinstance(probed, Executable):
                built.append(probed)
                continue
            text = f"{suite.name}: bench target {target.title} was left out: it"
            strangers.append(Doubt(f"{text} {probed}"))
    return tuple(built), tuple(strangers)


def build_what_builds(
    targets: Sequence[Target],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
    kept: Path | None = None,
) -> tuple[tuple[Executable, ...], tuple[Doubt, ...], dict[str, Failure]]:
    """Build as ``build`` does, but without *targets* that can't be; these by title.

    Raises UnbuiltError when nothing builds.
    """
    built: list[Executable] = []
    doubts: list[Doubt] = []
    failed: dict[str, Failure] = {}
    errors = []
    for members in _by_package(targets):
        rest = members
        while rest:
            try:
                made, said = build(rest, suite=suite, env=env, log=log, kept=kept)
            except UnbuiltError as error:
                errors.append(error)
                broken = [t for t in rest if t.name in error.targets] or rest
                failed |= {t.title: _unbuilt(t, error, suite) for t in broken}
                rest = [target for target in rest if target not in broken]
                continue
            built += made
            doubts += said
            break
    if errors and not built:
        raise errors[0]
    return tuple(built), tuple(doubts), failed


def _unbuilt(target: Target, error: UnbuiltError, suite: Suite) -> Failure:
    _, _, detail = error.problem.partition("\n")
    cure = f": {error.hint}" if error.hint else ""
    reason = f"bench target {target.title} does not build{cure}"
    return Failure(suite.name, "", reason, detail=detail)


def harnesses(
    targets: Sequence[Target],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
) -> dict[str, Path]:
    """Return the criterion that *targets* are built with: package id and folder.

    Several versions where packages need several. They are built where they aren't.
    """
    found = {}
    for members in _by_package(targets):
        messages = _messages(members, suite=suite, env=env, log=log, settings=None)
        for artifact in _read(messages):
            target = artifact.target
            if target and target.name == "criterion" and "bench" not in target.kind:
                found[artifact.package_id] = Path(artifact.manifest_path).parent
    return found


def benchmarks(
    executables: Sequence[Executable],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
) -> tuple[tuple[Bench, ...], tuple[Failure, ...]]:
    """Return what *executables* list and *suite* asks for, and what can't be run.

    A benchmark that two targets have goes by its target's name, too: which of the two
    is compared with the other side would be chance. A name with control characters is
    a failure.
    """
    owners: dict[str, list[Executable]] = defaultdict(list)
    failures = []
    for executable in executables:
        finished, printed = _listing(executable, env)
        if finished.status:
            failures.append(_unlisted(executable, finished, suite))
            continue
        for title in dict.fromkeys(_LISTED.findall(printed)):
            if any(fnmatch.fnmatchcase(title, glob) for glob in suite.benches):
                owners[title].append(executable)
    failures += [
        Failure(suite.name, _CONTROL.sub(_written_out, title), _REFUSED)
        for title in owners
        if _CONTROL.search(title)
    ]
    found = [
        Bench(title, executable, shared=len(having) > 1)
        for title, having in owners.items()
        for executable in having
        if not _CONTROL.search(title)
    ]
    return tuple(found), tuple(failures)


def selection(
    target: Target, *, suite: Suite, of: Sequence[Target]
) -> tuple[list[str], list[str]]:
    """Return the flags that name *target*, and those for the features of all *of*.

    The package goes by the folder and not by --package: its name may be that of a
    dependency too, which cargo calls ambiguous. The features are those of all targets
    of the package, so that cargo builds it once.
    """
    members = [t for t in of if t.folder == target.folder]
    features = {f for t in members for f in t.features} | set(suite.features)
    features = {f for f in features if not any(f in t.unknown for t in members)}
    words = ["--features", ",".join(sorted(features))] if features else []
    return ["--bench", target.name], words


def command_line(command: str, flags: Sequence[str]) -> list[str]:
    """Return the words that run a *command* of the user with *flags* behind it."""
    words = process.shell_words(command)
    if words[:2] == ("/bin/sh", "-c"):
        return ["/bin/sh", "-c", f'{command} "$@"', "benchgate", *flags]
    return [*words, *flags]


def package_environment(target: Target) -> dict[str, str]:
    """Return the variables that cargo sets for the executables of a package."""
    return {
        "CARGO_MANIFEST_DIR": str(target.folder),
        "CARGO_PKG_NAME": target.package,
        "CARGO_PKG_VERSION": target.version,
    }


def manifests(folder: Path) -> list[Path]:
    """Return the manifests in and below *folder*, the ones nearest to it first."""
    found = []
    for parent, folders, files in os.walk(folder):
        if _VENDORED in files:
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if f != "target" and f[0] != ".")
        if "Cargo.toml" in files:
            found.append(Path(parent) / "Cargo.toml")
    return sorted(found, key=lambda path: (len(path.parts), path))


def _workspaces(root: Path, unreadable: list[ToolError]) -> Iterator[_Metadata]:
    """Yield each workspace below *root*; what cargo can't read goes to *unreadable*."""
    seen: set[Path] = set()
    for manifest in manifests(root):
        if manifest in seen:
            continue
        try:
            metadata = _metadata(manifest)
        except ToolError as error:
            unreadable.append(error)
            continue
        seen.update(Path(p.manifest_path) for p in metadata.packages)
        yield metadata


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
        try:
            process.check(finished)
        except ToolError as error:
            raise ToolError(error.problem, hint=cures.cure_of(error.problem)) from error
        return msgspec.json.decode(out.read_bytes(), type=_Metadata)


def _targets_of(metadata: _Metadata, suite: Suite) -> list[Target]:
    return [
        Target(
            folder=Path(package.manifest_path).parent,
            package=package.name,
            version=package.version,
            name=target.name,
            features=tuple(target.required_features),
            unknown=_unknown(package, {*target.required_features, *suite.features}),
        )
        for package in metadata.packages
        if _CRITERION & {d.name for d in package.dependencies}
        for target in package.targets
        if "bench" in target.kind
    ]


def _unknown(package: _Package, features: set[str]) -> frozenset[str]:
    """Return those of *features* that *package* hasn't, except a dependency's."""
    if package.features is None:
        return frozenset()
    return frozenset(f for f in features - package.features.keys() if "/" not in f)


def _unbuildable(target: Target, suite: Suite) -> Doubt | None:
    """Return why *target* is left out, as Cargo itself does it without a word."""
    missing = sorted(target.unknown & set(target.features))
    if not missing:
        return None
    return Doubt(
        f"{suite.name}: bench target {target.title} was left out: it requires the "
        f"feature {' and '.join(missing)}, which {target.package} hasn't"
    )


def _is_wanted(target: Target, suite: Suite) -> bool:
    return (not suite.packages or target.package in suite.packages) and (
        not suite.targets or target.name in suite.targets
    )


def _by_package(targets: Sequence[Target]) -> list[list[Target]]:
    by_folder: dict[Path, list[Target]] = defaultdict(list)
    for target in targets:
        by_folder[target.folder].append(target)
    return list(by_folder.values())


def _messages(
    members: Sequence[Target],
    *,
    suite: Suite,
    env: Mapping[str, str | None],
    log: Path,
    settings: Path | None,
) -> bytes:
    """Build *members*, all of one package; return what cargo says of each artifact."""
    named = [selection(target, suite=suite, of=members) for target in members]
    flags = ["--no-run", *(word for words, _ in named for word in words), *named[0][1]]
    flags += ["--config", str(settings)] if settings else []
    first_error = _FirstError()
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        messages = Path(folder) / "messages.json"
        finished = process.run(
            command_line(
                _bench_command(suite),
                [*flags, "--message-format=json-render-diagnostics"],
            ),
            cwd=members[0].folder,
            env=env,
            within=BUILD_WITHIN,
            stdout=messages,
            log=log,
            on_line=first_error.look_at,
        )
        if finished.status:
            raise _build_error(finished, first_error, suite)
        return messages.read_bytes()


def _linked(
    members: Sequence[Target],
    ask: Callable[..., bytes],
    env: Mapping[str, str | None],
    kept: Path,
) -> bytes:
    """Return what cargo says of *members*, each linked so that *kept* tells how.

    What was linked before, by somebody else, is linked once more.
    """
    env = {**env, **links.environment(kept, project=members[0].folder, env=env)}
    messages = ask(env=env)
    older = [path for _, path, was_there in _benches(messages) if was_there]
    unknown = [path for path in older if links.line_of(path, kept) is None]
    for path in unknown:
        links.forget(path)
    return ask(env=env) if unknown else messages


def _bench_command(suite: Suite) -> str:
    """Return ``cargo bench`` with what the user's own command says of it.

    A toolchain, variables and flags must be those of the record.
    """
    if suite.command and _RUNS_CRITERION.search(suite.command):
        return _RUNS_CRITERION.sub(r"cargo\1 bench", suite.command, count=1)
    return "cargo bench"


def _artifacts(messages: bytes, targets: Sequence[Target]) -> list[tuple[Target, Path]]:
    """Return the executable of each of *targets*, all of one package."""
    wanted = {target.name: target for target in targets}
    return [(wanted[name], path) for name, path, _ in _benches(messages)]


def _benches(messages: bytes) -> Iterator[tuple[str, Path, bool]]:
    """Yield the name and the place of each bench, and whether it was there before."""
    for message in _read(messages):
        target = message.target
        if message.executable and target and "bench" in target.kind:
            yield target.name, Path(message.executable), message.fresh


def _read(messages: bytes) -> Iterator[_Artifact]:
    for line in messages.splitlines():
        # What a procedural macro prints arrives between the messages.
        if line.startswith(b"{"):
            yield msgspec.json.decode(line, type=_Artifact)


class _FirstError:
    """Keeps the first error of a build, which thousands of lines may follow."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        # Those that the later errors name, too: all are needed at once.
        self.features: dict[str, None] = {}
        self.targets: set[str] = set()
        self._ended = False

    def look_at(self, line: str) -> None:
        """Keep *line* if it is part of the first error."""
        begins = _DIAGNOSTIC.match(line)
        if begins and self.lines:
            self._ended = True
        elif self.lines or line.startswith("error"):
            self._keep(line)
        if feature := cures.feature_behind(line):
            self.features[feature] = None
        if blamed := _NOT_COMPILED.match(line):
            self.targets.add(blamed[1])

    def _keep(self, line: str) -> None:
        if not self._ended and len(self.lines) < _LONGEST_ERROR:
            self.lines.append(line)


def _build_error(
    finished: process.Finished, first: _FirstError, suite: Suite
) -> UnbuiltError:
    problem = "the benches do not build"
    hint = ""
    if first.lines:
        hint = cures.cure_of("\n".join(first.lines))
        if first.features:
            hint = cures.cure_by_features(list(first.features), suite.name)
        shown = "\n".join(first.lines[:_ERROR_LINES])
    else:
        command = process.name_of(finished.command)
        problem += f": {command} {process.ending_of(finished.status)}"
        shown = finished.output
    problem = process.with_lines(problem, shown)
    return UnbuiltError(problem, hint=hint, targets=first.targets)


def _probe(
    target: Target, path: Path, env: Mapping[str, str | None]
) -> Executable | str:
    """Return the executable with what it knows, or what it is if not criterion's."""
    try:
        finished = _asked(target, path, env, "--help")
    except process.DeadlineError:
        return "does its work whatever it is asked"
    knows = partial(_knows, target, path, env)
    # Criterion 0.5 leaves it to the other packages of a project whether clap has help.
    helpless = _NO_HELP in finished.output and knows(*_WARM_UP)
    if "Criterion.rs benchmark" not in finished.output and not helpless:
        return cures.kind_of_stranger(finished.output)
    exact = "--exact" in finished.output or (helpless and knows("--exact"))
    # Fractions of seconds came with 0.4, which did not yet know --exact; asking with
    # one tells.
    fractions = exact or knows(*_WARM_UP)
    return Executable(target, path, exact=exact, fractions=fractions)


def _knows(
    target: Target, path: Path, env: Mapping[str, str | None], *flags: str
) -> bool:
    """Say whether a bench executable lists its benchmarks when *flags* are given."""
    return not _asked(target, path, env, "--bench", "--list", *flags).status


def _asked(
    target: Target, path: Path, env: Mapping[str, str | None], *flags: str
) -> process.Finished:
    return process.run(
        [str(path), *flags],
        cwd=target.folder,
        env={**env, **package_environment(target)},
        within=_ASK_WITHIN,
    )


def _listing(
    executable: Executable, env: Mapping[str, str | None]
) -> tuple[process.Finished, str]:
    """Return how listing ended, and all that it printed to standard output."""
    with tempfile.TemporaryDirectory(prefix="benchgate-") as folder:
        out = Path(folder) / "list"
        finished = process.run(
            [str(executable.path), "--bench", "--list"],
            cwd=executable.target.folder,
            env={**env, **package_environment(executable.target)},
            within=_ASK_WITHIN,
            stdout=out,
        )
        return finished, out.read_text("utf-8", errors="replace")


def _unlisted(
    executable: Executable, finished: process.Finished, suite: Suite
) -> Failure:
    return Failure(
        suite.name,
        "",
        f"bench target {executable.target.title} can't list its benchmarks: it "
        f"{process.ending_of(finished.status)}",
        detail=last_lines(finished.output),
    )


def _written_out(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


def _unnumbered(title: str) -> str:
    match = _NUMBERED.fullmatch(title)
    return match[1] if match else title


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
