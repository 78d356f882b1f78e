"""Stands between rustc and the linker: links as ever, and keeps the line that did it.

Run by the Python that benchgate runs in, alone and without its packages:

* ``linker.py rustc FOLDER RUSTC ARGUMENT…`` compiles an executable with the linker
  that rustc was to use, called through us; anything else as it would have been;
* ``linker.py link FOLDER LINKER ARGUMENT…`` calls that linker, and keeps in FOLDER
  what it takes to call it again. Rustc deletes some of it right away.

Whatever goes wrong while keeping, the link itself is as it would have been.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

KEPT = "line.json"
# What rustc calls where neither the user nor Cargo names another, on Linux.
_DEFAULT = "cc"
# What rustc and the user add to the environment of a linker that may matter to it.
# All of it might hold secrets.
_VARIABLES = ("PATH", "COMPILER_PATH", "LIBRARY_PATH", "GCC_EXEC_PREFIX")
_NAMED = re.compile(r"\0(?:-C|--codegen)[\0=]?linker=([^\0]*)")
_HOSTS = re.compile(r"(x86_64|aarch64|i686|riscv64gc)-[a-z]+-linux-(gnu|musl)")
# A folder of rustc's own, which is gone when it ends.
_OF_RUSTC = re.compile(r"/[^,=]*?/rustc[A-Za-z0-9]{6}(?=/|$)")
# Where a user has these files written, they'd be written over.
_WRITES = re.compile(r"-Wl,(-Map|--dependency-file)[=,]")


def main(role: str, folder: Path, command: list[str]) -> int:
    """Run *command* in its *role*; return its exit status."""
    if role == "rustc":
        if is_wanted(command):
            command = [*command, "-C", f"linker={_between(folder, command)}"]
        os.execvp(command[0], command)  # noqa: S606 - what Cargo would have run
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        try:
            _keep(folder, command)
        except (OSError, ValueError, LookupError) as error:
            sys.stderr.write(f"benchgate: the link line is not kept: {error}\n")
    return status if status >= 0 else 128 - status


def is_wanted(arguments: list[str]) -> bool:
    """Say whether rustc links an executable of this machine's, and no build script."""
    name = _values(arguments, "--crate-name")
    target = _values(arguments, "--target")
    return (
        # Benches with a harness of their own have no type, which means the same.
        set(_values(arguments, "--crate-type")) <= {"bin"}
        and any(
            "link" in emitted.split(",") for emitted in _values(arguments, "--emit")
        )
        and not any(n.startswith("build_script_") for n in name)
        and all(_HOSTS.fullmatch(t) for t in target)
    )


def _between(folder: Path, command: list[str]) -> Path:
    """Return a script that calls us with the linker that *command* asks for.

    Rustc tells from a linker's name which flags it takes, so it keeps that name.
    """
    named = _NAMED.findall("\0".join(command))
    linker = named[-1] if named else _DEFAULT
    digest = hashlib.sha256(os.fsencode(linker)).hexdigest()[:10]
    place = folder / "linkers" / digest / Path(linker).name
    place.parent.mkdir(parents=True, exist_ok=True)
    words = (sys.executable, "-IS", __file__, "link", str(folder), linker)
    draft = place.with_name(f".{os.getpid()}")
    draft.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    draft.chmod(0o755)
    draft.replace(place)
    return place


def _keep(folder: Path, command: list[str]) -> None:
    """Keep *command*, which has just made its output, and what it was made of."""
    cwd = Path.cwd()
    linker, *arguments = command
    arguments = _expanded(arguments)
    output = cwd / arguments[arguments.index("-o") + 1]
    place = folder / output.name
    shutil.rmtree(place, ignore_errors=True)
    (place / "files").mkdir(parents=True)
    arguments = [a for a in arguments if not _WRITES.match(a)]
    arguments = _without_rustcs_folders(arguments, place / "files")
    kept = [
        _linked(cwd / argument, place / "files", number)
        if not argument.startswith("-")
        and (cwd / argument).is_file()
        and cwd / argument != output
        else argument
        for number, argument in enumerate(arguments)
    ]
    made = output.stat()
    line = {
        "linker": linker,
        "arguments": kept,
        "cwd": str(cwd),
        "env": {n: os.environ[n] for n in _VARIABLES if n in os.environ},
        "output": str(output),
        "size": made.st_size,
        "changed_at": made.st_mtime_ns,
    }
    draft = place / f".{KEPT}"
    draft.write_text(json.dumps(line))
    draft.replace(place / KEPT)


def _without_rustcs_folders(arguments: list[str], place: Path) -> list[str]:
    """Return *arguments* with rustc's own folders copied to *place*."""
    folders = sorted({f for a in arguments for f in _OF_RUSTC.findall(a)})
    for number, name in enumerate(folders):
        if not Path(name).is_dir():
            continue
        new = place / f"rustc-{number}"
        shutil.copytree(name, new)
        arguments = [a.replace(name, str(new)) for a in arguments]
    return arguments


def _linked(file: Path, place: Path, number: int) -> str:
    """Return a second name of *file* in *place*, which stays when the first is gone."""
    if file.is_relative_to(place):
        return str(file)
    kept = place / f"{number}-{file.name}"
    try:
        os.link(file, kept)
    except OSError:
        shutil.copy2(file, kept)
    return str(kept)


def _expanded(arguments: list[str]) -> list[str]:
    """Return *arguments* with those of response files in the place of the files."""
    found: list[str] = []
    for argument in arguments:
        if argument.startswith("@") and Path(argument[1:]).is_file():
            found += _expanded(_words(Path(argument[1:]).read_text()))
        else:
            found.append(argument)
    return found


def _words(text: str) -> list[str]:
    """Return the arguments in a response file: as GCC and rustc write them."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    # In GNU's quotes a backslash escapes everything.
    lexer.escapedquotes = "\"'"
    return list(lexer)


def _values(arguments: list[str], flag: str) -> list[str]:
    """Return what *flag* is given, each time, as a word of its own or behind ``=``."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return [
        after if word == flag else word.partition("=")[2]
        for word, after in pairs
        if word == flag or word.startswith(f"{flag}=")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
