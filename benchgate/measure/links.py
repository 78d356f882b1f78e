"""Executables that Cargo builds → the same code in as many layouts as one likes.

Where the linker lays a function moves its time by a few percent, sometimes by a fifth,
although the code is the same. So what Cargo's linker was told is kept when it links,
and told again with another seed: nothing is compiled, and no setting of the user's is
lost. ``linker.py`` keeps it.
"""

from __future__ import annotations

import filecmp
import os
import shlex
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from benchgate.errors import ToolError
from benchgate.measure import linker, process

_WITHIN = 300.0
_WRAPPERS = ("RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER")
_SETTINGS = ("config.toml", "config")
_NOTHING: Mapping[str, str | None] = MappingProxyType({})
_LINKERS = {"ld", "ld.lld", "lld", "rust-lld", "mold", "ld.mold", "ld64.lld"}


class Drawing(StrEnum):
    """How a linker is told to draw a layout, in the order in which we try.

    Padding keeps neighbours together and draws layouts as different as shuffling does.
    """

    PADDING = "--randomize-section-padding={}"
    SHUFFLING_OF_LLD = "--shuffle-sections=.text*={}"
    SHUFFLING_OF_MOLD = "--shuffle-sections={}"


class _Kept(msgspec.Struct):
    """What ``line.json`` says."""

    linker: str
    arguments: list[str]
    cwd: str
    env: dict[str, str]
    output: str
    size: int
    changed_at: int


_KEPT = msgspec.json.Decoder(_Kept)


@dataclass(frozen=True, slots=True)
class Line:
    """How an executable was linked: the words, where, and what the linker must see."""

    linker: str
    arguments: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]

    def link(self, place: Path, *, drawing: Drawing, seed: int) -> None:
        """Link at *place*, in the layout that *seed* stands for.

        Raises ToolError with what the linker said.
        """
        flag = drawing.format(seed)
        self._link(place, flag if _is_linker(self.linker) else f"-Wl,{flag}")

    def drawing(self, folder: Path) -> Drawing:
        """Return how this linker draws layouts, tried out in *folder*.

        Raises ToolError when it can't link again, or knows no way to draw.
        """
        plain, drawn = folder / "plain", folder / "drawn"
        self._link(plain)
        for way in Drawing:
            with suppress(ToolError):
                self.link(drawn, drawing=way, seed=1)
                # Some linkers ignore what they don't know.
                if not filecmp.cmp(plain, drawn, shallow=False):
                    return way
        raise ToolError(
            f"{self._name()} can't draw a layout",
            hint="link with lld (Rust's own since 1.90 on x86-64 Linux) or with mold",
        )

    def _link(self, place: Path, *flags: str) -> None:
        arguments = list(self.arguments)
        arguments[arguments.index("-o") + 1] = str(place)
        # A line may be longer than what the system hands to a process.
        response = place.with_name(f"{place.name}.arguments")
        try:
            response.write_text("\n".join(map(_quoted, [*arguments, *flags])))
            command = [self.linker, f"@{response}"]
            process.check(
                process.run(command, cwd=self.cwd, env=self.env, within=_WITHIN)
            )
        except OSError as error:
            raise ToolError(f"{place}: {error.strerror or error}") from error
        finally:
            response.unlink(missing_ok=True)

    def _name(self) -> str:
        """Return the linker behind the compiler that calls it, as it names itself."""
        flag = "--version" if _is_linker(self.linker) else "-Wl,--version"
        try:
            finished = process.run(
                [*self.tool, flag],
                cwd=self.cwd,
                env=self.env,
                within=_WITHIN,
            )
        except ToolError:
            return Path(self.linker).name
        first = finished.output.partition("\n")[0].strip()
        return first if first and not finished.status else Path(self.linker).name

    @property
    def tool(self) -> tuple[str, ...]:
        """Return the words that say which linker it is."""
        chosen = (a for a in self.arguments if a.startswith(("-fuse-ld=", "-B")))
        return (self.linker, *chosen)


def environment(
    folder: Path, *, project: Path, env: Mapping[str, str | None] = _NOTHING
) -> dict[str, str]:
    """Return what makes Cargo keep in *folder* how it links, when it builds *project*.

    *env* is what else it is built with, over our own environment. A wrapper of the
    user's around rustc stays around it. Cargo builds nothing anew because of this.
    """
    folder.mkdir(parents=True, exist_ok=True)
    theirs = _users_wrapper(project, {**os.environ, **env})
    around = [theirs] if theirs else []
    ours = [sys.executable, "-IS", linker.__file__, "rustc", str(folder), *around]
    is_library = '*" --crate-type lib "*'
    script = folder / "rustc"
    draft = folder / f".rustc-{os.getpid()}"
    draft.write_text(
        "#!/bin/sh\n"
        # Most of what is compiled are libraries, and Python takes a while to start.
        f'case " $* " in {is_library}) exec {shlex.join(around)} "$@" ;; esac\n'
        f'exec {shlex.join(ours)} "$@"\n'
    )
    draft.chmod(0o755)
    draft.replace(script)
    return {"RUSTC_WRAPPER": str(script)}


def line_of(executable: Path, folder: Path) -> Line | None:
    """Return how *executable* was linked, None where *folder* doesn't say."""
    place = folder / executable.name / linker.KEPT
    try:
        kept = _KEPT.decode(place.read_bytes())
        made = executable.stat()
    except (OSError, msgspec.DecodeError):
        return None
    if (kept.size, kept.changed_at) != (made.st_size, made.st_mtime_ns):
        return None
    return Line(kept.linker, tuple(kept.arguments), Path(kept.cwd), kept.env)


def line_for(name: Path, folder: Path) -> Line | None:
    """Return how the executable that *name* is a second name of was linked.

    Cargo gives what it links as ``deps/shop-<hash>`` the name ``shop`` as well.
    None where *folder* doesn't say.
    """
    for place in folder.glob(f"*/{linker.KEPT}"):
        with suppress(OSError, msgspec.DecodeError):
            output = Path(_KEPT.decode(place.read_bytes()).output)
            if output.samefile(name):
                return line_of(output, folder)
    return None


def forget(executable: Path) -> None:
    """Remove *executable*, so that Cargo links it anew and the line is kept."""
    executable.unlink(missing_ok=True)


def _users_wrapper(project: Path, env: Mapping[str, str | None]) -> str:
    """Return what the user has Cargo put around rustc when it builds *project*.

    Cargo itself tells this only on nightly; files nearer to the project go first.
    """
    for name in _WRAPPERS:
        named = env.get(name)
        if named is not None:
            return named
    home = Path(env.get("CARGO_HOME") or "~/.cargo").expanduser()
    folders = [place / ".cargo" for place in (project, *project.parents)]
    for folder in [*folders, home]:
        for name in _SETTINGS:
            value = _wrapper_in(folder / name)
            if value is not None:
                # With a slash it is a path from where the folder lies.
                return str(folder.parent / value) if "/" in value else value
    return ""


def _wrapper_in(file: Path) -> str | None:
    try:
        read = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None  # Cargo says what is wrong with it
    build = read.get("build")
    value = build.get("rustc-wrapper") if isinstance(build, dict) else None
    return value if isinstance(value, str) else None


def _is_linker(name: str) -> bool:
    """Say whether *name* is a linker itself and no compiler that calls one."""
    stem = Path(name).name
    return stem in _LINKERS or stem.endswith("-ld")


def _quoted(argument: str) -> str:
    """Return *argument* as response files write it."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
