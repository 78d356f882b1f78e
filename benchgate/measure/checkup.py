"""A folder and its suites → the tools and the repository that ``doctor`` judges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchgate.config import Suite
from benchgate.doctor import Repository, Tool
from benchgate.errors import ToolError, UsageError
from benchgate.measure import git, host
from benchgate.measure.process import shell_words

_VERSION: dict[str, tuple[str, ...]] = {
    "cargo": ("cargo", "--version"),
    "cargo-criterion": ("cargo-criterion", "criterion", "--version"),
    "k6": ("k6", "version"),
    "valgrind": ("valgrind", "--version"),
}
_OF_MICRO = ("cargo", "cargo-criterion", "valgrind")


def tools(folder: Path, suites: Sequence[Suite]) -> tuple[Tool, ...]:
    """Return the tools that *suites* need, with their versions."""
    wanted: list[tuple[str, tuple[str, ...]]] = []
    for suite in suites:
        if suite.tool == "criterion":
            wanted += [(n, _VERSION[n]) for n in _OF_MICRO]
        if suite.tool == "k6":
            words = shell_words(suite.command) if suite.command else ("k6",)
            wanted.append(("k6", (*words, "version")))
    return tuple(
        Tool(name, host.version_of(command, root=folder))
        for name, command in dict.fromkeys(wanted)
    )


def repository(folder: Path) -> Repository:
    """Return whether there is a Git repository around *folder*, and all of it."""
    try:
        root = git.toplevel(folder)
    except UsageError:
        return Repository(git=True, inside=False, shallow=False)
    except ToolError as error:
        if error.problem == "git: not found":
            return Repository(git=False, inside=False, shallow=False)
        refusal = error.problem, error.hint
        return Repository(git=True, inside=True, shallow=False, refusal=refusal)
    return Repository(git=True, inside=True, shallow=git.is_shallow(root))
