"""A folder → what ``benchgate init`` can find out: benches, k6 scripts, a service.

Only files are read: nothing is built and no tool but Git is asked. What the text of a
source merely suggests is a guess that says what it rests on, for a person to check.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchgate.errors import UsageError
from benchgate.measure import benches, git
from benchgate.measure.cargo import manifests
from benchgate.measure.selection import FIRST_CONTACT

_SCRIPTS = frozenset({".js", ".mjs", ".ts"})
_NOT_OURS = frozenset({"node_modules", "target", "vendor"})
_LARGEST = 1_000_000
_IMPORTS_K6 = re.compile(
    r"""^\s*import\b[^;'"]*['"]k6(?:/[\w/-]+)?['"]|\brequire\(\s*['"]k6(?:/|['"])""",
    re.MULTILINE,
)
# What k6 runs has one of these; a module of helpers has neither.
_IS_RUN = re.compile(
    r"^\s*export\s+(?:default\b|(?:const|let|var)\s+options\b)|\bexports\.default\b",
    re.MULTILINE,
)
_FRAMEWORKS = frozenset(
    {"axum", "actix-web", "hyper", "poem", "rocket", "salvo", "tonic", "warp"}
)
# These bring their runtime along.
_RUNTIMES = frozenset({"tokio", "actix-web", "poem", "rocket", "salvo"})
_SERVES = re.compile(r"\b(?:bind|serve|launch|listen|ignite)\w*!?\s*\(|rocket::main")
_COMMENT = re.compile(r"^\s*//[^\n]*", re.MULTILINE)
# The surest first; under a longer path the last two are of something else.
_HEALTH = (
    *("/health", "/healthz", "/health_check", "/health-check", "/healthcheck"),
    *("/ready", "/readyz", "/live", "/livez"),
)
_HEALTH_AT_THE_TOP = ("/ping", "/status")
_ROUTE = re.compile(r'"(/[\w./-]*)"|\bpath!?\(\s*"([\w-]+)"')
_VARIABLE = re.compile(r'"([A-Z][A-Z0-9_]*)"')
_PORT = re.compile(r"(?:[A-Z0-9]+_)+PORT")
_ADDRESS = re.compile(r"(?:[A-Z0-9]+_)*(?:ADDR|ADDRESS|BIND|LISTEN)")
# Ports and addresses of what a service needs, not of the service.
_OF_OTHERS = re.compile(
    r"(?:DB|DATABASE|POSTGRES|PG|MYSQL|MONGO|REDIS|KAFKA|NATS|RABBITMQ|AMQP|SMTP|MAIL"
    r"|METRICS|ADMIN|OTEL|OTLP|PROMETHEUS|DEBUG|REMOTE|PEER|CLIENT)_.*"
)
_PORT_FLAG = re.compile(
    r"#\[(?:arg|clap)\([^\]]*\blong\b[^\]]*\)\]\s*(?:pub(?:\([^)]*\))?\s+)?port\s*:"
)
_SQLITE = re.compile(r'"(sqlite:[^"{}\s]+\.\w+[^"{}\s]*)"')
_SUFFIX = re.compile(r"(\.\w+(?:\?.*)?)$")
_PREPARES = re.compile(r'"(prepare|migrate|seed)"[^\n"]*=>')
_DATABASE = "DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Guess:
    """A value for ``benchgate.yml``, and what it rests on."""

    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Service:
    """A binary that serves requests: how it is built, started and known to be up.

    ``others`` are the names of further binaries that could be meant.
    """

    name: str
    build: str
    prepare: Guess | None
    start: Guess
    ready: Guess
    env: Mapping[str, Guess]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to measure; paths are from the folder that was looked at."""

    benches: tuple[str, ...]
    scripts: tuple[str, ...]
    service: Service | None


@dataclass(frozen=True, slots=True)
class _Binary:
    """A binary of a package that could be a service; ``workspace`` from the folder."""

    name: str
    main: str
    workspace: str
    needs: frozenset[str]
    sources: Mapping[str, str]

    @property
    def text(self) -> str:
        return "\n".join(self.sources.values())


def discover(folder: Path) -> Found:
    """Return what can be measured in *folder*, as far as its files tell."""
    packages = benches.packages(folder, (FIRST_CONTACT,))
    scripts = dict(_scripts(folder))
    return Found(
        benches=tuple(bench.source for p in packages for bench in p.benches),
        scripts=tuple(scripts),
        service=_service(_binaries(folder), "\n".join([*scripts, *scripts.values()])),
    )


def default_branch(root: Path) -> str:
    """Return the name of the repository's default branch.

    Where nothing tells, that is the branch that is checked out.
    """
    known = git.default_branch(root)
    if known:
        return known.removeprefix("origin/")
    here = git.try_ask(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    return (here or "main").strip()


def repository(folder: Path) -> Path:
    """Return the root of the repository around *folder*; raises UsageError."""
    try:
        return git.toplevel(folder)
    except UsageError as error:
        raise UsageError(
            f"{folder}: is in no Git repository",
            hint="go to the checkout of your project, or make one with `git init`",
        ) from error


def _scripts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file below *folder* that k6 can run."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _NOT_OURS and f[0] != ".")
        for name in sorted(files):
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            # A name that can't be printed can't be written into YAML either.
            if path.suffix not in _SCRIPTS or not shown.isprintable():
                continue
            text = _text(path)
            if _IMPORTS_K6.search(text) and _IS_RUN.search(text):
                yield shown, text


def _binaries(folder: Path) -> Iterator[_Binary]:
    for path in manifests(folder):
        manifest = benches.manifest_at(path) or {}
        if "package" not in manifest:
            continue
        needs = _needs(manifest)
        if not (needs & _FRAMEWORKS and needs & _RUNTIMES):
            continue
        workspace = benches.workspace_of(path.parent, folder)
        sources = {
            source.relative_to(folder).as_posix(): _COMMENT.sub("", _text(source))
            for place in benches.code_folders(path.parent, manifest)
            for source in sorted(Path(os.path.normpath(place), "src").rglob("*.rs"))
            if source.is_relative_to(folder)
        }
        for name, main in _mains(path.parent, manifest).items():
            yield _Binary(
                name=name,
                main=main.relative_to(folder).as_posix(),
                workspace=workspace.relative_to(folder).as_posix(),
                needs=needs,
                sources=sources,
            )


def _needs(manifest: benches.Toml) -> frozenset[str]:
    """Return the crates that the package itself is built with."""
    tables = [manifest, *manifest.get("target", {}).values()]
    return frozenset(
        (wanted.get("package") if isinstance(wanted, dict) else None) or key
        for table in tables
        for key, wanted in table.get("dependencies", {}).items()
    )


def _mains(folder: Path, manifest: benches.Toml) -> dict[str, Path]:
    """Return the binaries of a package as cargo finds them, with their main file."""
    package = manifest["package"]
    found: dict[str, Path] = {}
    if package.get("autobins", True):
        places = [(str(package["name"]), folder / "src" / "main.rs")]
        places += [(p.stem, p) for p in sorted((folder / "src" / "bin").glob("*.rs"))]
        nested = sorted((folder / "src" / "bin").glob("*/main.rs"))
        places += [(p.parent.name, p) for p in nested]
        found = {name: path for name, path in places if path.is_file()}
    for entry in manifest.get("bin", []):
        name = str(entry.get("name", ""))
        path = folder / entry.get("path", found.get(name, "src/main.rs"))
        found = {n: p for n, p in found.items() if p != path}
        found[name] = path
    return {n: p for n, p in found.items() if n.isprintable() and _is_below(p, folder)}


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _service(binaries: Iterable[_Binary], scripts: str) -> Service | None:
    """Return the binary that the *scripts* most probably load, None without any."""

    def rank(binary: _Binary) -> tuple[bool, bool, bool]:
        named = re.search(rf"\b{re.escape(binary.name)}\b", scripts)
        serves = _SERVES.search(binary.sources.get(binary.main, ""))
        return (not serves, not named, not _health(binary))

    ranked = sorted(binaries, key=rank)
    if not ranked:
        return None
    best = ranked[0]
    return Service(
        name=best.name,
        build=_build(best),
        prepare=_prepare(best),
        start=_start(best),
        ready=_ready(best),
        env={**_port(best), **_database(best)},
        others=tuple(dict.fromkeys(b.name for b in ranked[1:])),
    )


def _build(binary: _Binary) -> str:
    words = ["cargo", "build", "--release", "--bin", binary.name]
    if binary.workspace != ".":
        words += ["--manifest-path", f"{binary.workspace}/Cargo.toml"]
    return shlex.join(words)


def _executable(binary: _Binary) -> str:
    folder = "" if binary.workspace == "." else f"{binary.workspace}/"
    return shlex.quote(f"{folder}target/release/{binary.name}")


def _prepare(binary: _Binary) -> Guess | None:
    """Return the subcommand that brings data, if the main file matches on one."""
    found = _PREPARES.search(binary.sources.get(binary.main, ""))
    if not found:
        return None
    command = f"{_executable(binary)} {found[1]}"
    return Guess(command, f"a guess from {binary.main}")


def _start(binary: _Binary) -> Guess:
    command = _executable(binary)
    if "PORT" in _variables(binary):
        return Guess(command, "listens on PORT")
    if _PORT_FLAG.search(binary.text):
        return Guess(f"{command} --port {{port}}", "")
    if _port(binary):
        return Guess(command, "")
    return Guess(command, "has to listen on {port}, which is in PORT as well")


def _port(binary: _Binary) -> dict[str, Guess]:
    """Return the variable that names where *binary* listens, unless that is PORT."""
    known = _variables(binary)
    if "PORT" in known or _PORT_FLAG.search(binary.text):
        return {}
    if "rocket" in binary.needs:
        return {"ROCKET_PORT": Guess("{port}", "")}
    own = sorted(name for name in known if not _OF_OTHERS.fullmatch(name))
    for pattern, value in ((_PORT, "{port}"), (_ADDRESS, "127.0.0.1:{port}")):
        for name in filter(pattern.fullmatch, own):
            return {name: Guess(value, "a guess from its sources")}
    return {}


def _database(binary: _Binary) -> dict[str, Guess]:
    """Return where each side keeps its data, if the sources name a file for it."""
    found = _SQLITE.search(binary.text)
    if _DATABASE not in _variables(binary) or not found:
        return {}
    address = _SUFFIX.sub(r"-{side}\1", found[1])
    return {_DATABASE: Guess(address, "one for each side")}


def _ready(binary: _Binary) -> Guess:
    address = "http://127.0.0.1:{port}"
    found = _health(binary)
    if found:
        route, source = found
        return Guess(f"{address}{route}", f"found in {source}")
    return Guess(f"{address}/", "a guess: it has to answer 2xx once it is up")


def _health(binary: _Binary) -> tuple[str, str] | None:
    """Return the route that looks most like a health check, and its source."""
    routes = [
        (absolute or f"/{word}", source)
        for source, text in binary.sources.items()
        for absolute, word in _ROUTE.findall(text)
    ]
    top = [r for w in (*_HEALTH, *_HEALTH_AT_THE_TOP) for r in routes if r[0] == w]
    below = [r for w in _HEALTH for r in routes if r[0].endswith(w)]
    return next(iter([*top, *below]), None)


def _variables(binary: _Binary) -> Sequence[str]:
    return _VARIABLE.findall(binary.text)


def _text(path: Path) -> str:
    try:
        # A device has no end, and a pipe waits for one.
        if path.is_file() and path.stat().st_size <= _LARGEST:
            return path.read_text("utf-8", errors="replace")
    except OSError:
        pass
    return ""
