"""``benchgate init``: a configuration and the workflows for the project we are in.

Asks nothing and overwrites nothing: what is there already is left alone and named.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchgate.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from benchgate.measure.discovery import Found, Guess

# Pin it to the commit of a release: a tag can be moved.
ACTION = "benchgate/benchgate@v1"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
DOCS = "https://github.com/benchgate/benchgate/blob/v1/docs"
_WORKFLOWS = ".github/workflows"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class _File:
    """A file to write; ``name`` is as people shall read it, ``taken`` what is there."""

    path: Path
    name: str
    text: str
    taken: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``init``."""
    parser.add_argument(
        "--no-forks",
        action="store_true",
        help="write one workflow, which can't comment on pull requests from forks",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the files instead of writing them",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Write what is missing, and say what was written and what wasn't."""
    from benchgate.measure import discovery  # noqa: PLC0415 - --help is quick

    here = Path.cwd()
    top = discovery.repository(here)
    folder = here if (here / "Cargo.toml").is_file() else top
    found = discovery.discover(folder)
    if not found.benches and not found.scripts:
        raise UsageError(
            f"{folder}: has no bench of criterion and no script of k6",
            hint="add one, and call `benchgate init` again",
        )
    files = _files(
        found,
        top=top,
        folder=folder,
        branch=discovery.default_branch(top),
        forks=not args.no_forks,
    )
    if args.dry_run:
        print("\n".join(_shown(file) for file in files), end="")
        return ExitCode.PASSED
    print(_summary(found))
    for file in files:
        print(f"left alone  {file.taken}" if file.taken else f"wrote       {file.name}")
        if not file.taken:
            _write(file)
    if any(file.taken for file in files):
        print(_TAKEN)
    print(_NEXT)
    return ExitCode.PASSED


_TAKEN = """
Look at what would have been written in place of it with `benchgate init --dry-run`."""
_NEXT = """
Next:
  benchgate doctor    says what makes measuring noisy or wrong here
  benchgate compare   measures your branch as the workflow will
Then read the files over, commit them, and make `benchgate` a required check."""


def _files(
    found: Found, *, top: Path, folder: Path, branch: str, forks: bool
) -> tuple[_File, ...]:
    """Return what is to be written, the configuration first."""
    from benchgate import config  # noqa: PLC0415 - --help is quick
    from benchgate.render.starter import render_starter  # noqa: PLC0415 - as above

    place = folder.relative_to(top).as_posix()
    where = [] if place == "." else [("working-directory", place)]
    tools = [("tools", "k6")] if found.scripts else []
    values = {"action": ACTION, "checkout": CHECKOUT, "branch": branch}
    measures = {**values, "inputs": [*where, *tools]}
    workflows = (
        {
            "bench.yml": render_starter("bench.yml", measures),
            "benchgate.yml": render_starter("report.yml", {**values, "inputs": where}),
        }
        if forks
        else {"bench.yml": render_starter("no-forks.yml", measures)}
    )
    files = [
        _File(
            path=folder / config.NAME,
            name=config.NAME if place == "." else f"{place}/{config.NAME}",
            text=render_starter("config.yml", _settings(found)),
            taken=_taken(config.find(folder), top),
        )
    ]
    for name, text in workflows.items():
        path = top / _WORKFLOWS / name
        there = path if path.exists() or path.is_symlink() else None
        files.append(_File(path, f"{_WORKFLOWS}/{name}", text, _taken(there, top)))
    return tuple(files)


def _taken(path: Path | None, top: Path) -> str:
    return f"{path.relative_to(top).as_posix()}, which is there already" if path else ""


def _settings(found: Found) -> Mapping[str, Any]:
    service = found.service
    lines: list[dict[str, str]] = []
    if service:
        prepare = [_line("prepare", service.prepare)] if service.prepare else []
        start = _line("start", service.start)
        lines = [*prepare, start, _line("ready", service.ready)]
    return {
        "docs": DOCS,
        "benches": _named(found.benches),
        "loads": tuple(
            {"name": name, "script": script}
            for name, script in _suites(found.scripts).items()
        ),
        "service": service
        and {
            "build": service.build,
            "lines": lines,
            "env": [_line(name, guess) for name, guess in service.env.items()],
        },
    }


def _line(key: str, guess: Guess) -> dict[str, str]:
    return {"key": key, "value": guess.value, "reason": guess.reason}


def _suites(scripts: Iterable[str]) -> dict[str, str]:
    """Return the scripts by the names of their suites."""
    paths = tuple(scripts)
    if len(paths) == 1:
        return {"load": paths[0]}
    named: dict[str, str] = {}
    for path in paths:
        word = _NOT_IN_A_NAME.sub("-", Path(path).stem).strip("-") or "script"
        names = [f"load-{word}", *(f"load-{word}-{n}" for n in range(2, len(paths)))]
        named[next((n for n in names if n not in named), f"load-{len(named)}")] = path
    return named


def _summary(found: Found) -> str:
    lines = []
    if found.benches:
        lines.append(f"criterion   {_named(found.benches)}")
    if found.scripts:
        lines.append(f"k6          {_named(found.scripts)}")
    if found.scripts and found.service:
        others = found.service.others
        more = f" (and not {_named(others)}?)" if others else ""
        lines.append(f"service     {found.service.name}{more}")
    if found.scripts and not found.service:
        lines.append("service     none found: add it to benchgate.yml")
    return "\n".join([*lines, ""])


def _named(names: Iterable[str]) -> str:
    """Return *names* as a list for people; the last of many are only counted."""
    listed = [name if name.isprintable() else ascii(name) for name in names]
    rest = len(listed) - _MOST_NAMED
    shown = ", ".join(listed[:_MOST_NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _shown(file: _File) -> str:
    taken = f" (left alone: {file.taken})" if file.taken else ""
    return f"==> {file.name}{taken} <==\n{file.text}"


def _write(file: _File) -> None:
    """Write *file* at once or not at all."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    draft = file.path.with_name(f".{file.path.name}.{os.getpid()}.part")
    try:
        with draft.open("x", encoding="utf-8") as out:
            out.write(file.text)
        draft.replace(file.path)
    finally:
        draft.unlink(missing_ok=True)
