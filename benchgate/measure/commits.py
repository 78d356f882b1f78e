"""Commits that a shallow clone lacks: found and brought without deepening it.

A workflow checks out one commit. Its parents stand in the commit itself, also where
they aren't there; histories are looked at in a clone of commits alone, elsewhere, and
what is to be measured is fetched alone.
"""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchgate.errors import ToolError, UsageError
from benchgate.measure import git

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REMOTE = "origin"
# No submodule, whose address the head names; and nothing that goes on afterwards,
# with the token, beside what is measured.
_ALONE = ("--no-recurse-submodules", "--no-auto-gc")


def parents(root: Path, commit: str) -> tuple[str, ...]:
    """Return the parents of *commit*, the first one first, of a shallow clone too."""
    said = git.ask(root, "cat-file", "commit", commit)
    header = said.partition("\n\n")[0].splitlines()
    return tuple(
        line.removeprefix("parent ") for line in header if line.startswith("parent ")
    )


def bring(root: Path, commit: str) -> str:
    """Return the hash of *commit*, fetched alone where the clone at *root* lacks it.

    *commit* is a hash, or a branch or tag of the remote. Raises UsageError where it
    can't be had.
    """
    found = git.commit_or_none(root, commit)
    if found is None and not _SHA.fullmatch(commit):
        found = git.commit_or_none(root, f"refs/remotes/{_REMOTE}/{commit}")
    if found is not None:
        return found
    try:
        git.ask(
            root,
            *("fetch", "--quiet", "--no-tags", "--depth=1", *_ALONE),
            *("--", _REMOTE, commit),
        )
    except ToolError as error:
        raise UsageError(
            f"{commit}: the commit to compare with can't be fetched: {error.problem}",
            hint="give the action a `github-token` if the repository is private, or "
            "check out with `fetch-depth: 0`",
        ) from error
    return git.commit_of(root, "FETCH_HEAD")


def merge_base(root: Path, head: str, other: str) -> str:
    """Return where *head* and *other*, a hash or a branch of the remote, parted.

    Raises UsageError where they have nothing in common.
    """
    with _histories(root, head, other) as (place, tip):
        found = git.try_ask(place, "merge-base", head, tip)
    if found is None:
        raise UsageError(
            f"{head[:12]} and {other} have no commit in common",
            hint="name the commit to compare with: `base:` under `with:`",
        )
    return found.strip()


def tag_before(root: Path, tag: str) -> str | None:
    """Return the newest tag that *tag* descends from, None for the first one."""
    ref = f"refs/tags/{tag}"
    with _histories(root, ref, ref) as (place, _):
        found = git.try_ask(place, "describe", "--tags", "--abbrev=0", f"{ref}^")
    return found.strip() if found else None


@contextmanager
def _histories(root: Path, one: str, other: str) -> Iterator[tuple[Path, str]]:
    """Yield a repository that has the whole history of both, and the second's hash.

    That is *root* itself where it is whole.
    """
    if not git.is_shallow(root):
        # What the remote has is newer than a branch of the same name here.
        names = (f"refs/remotes/{_REMOTE}/{other}", other)
        known = [sha for name in names if (sha := git.commit_or_none(root, name))]
        if known and git.commit_or_none(root, one):
            yield root, known[0]
            return
    url = git.ask(root, "remote", "get-url", _REMOTE).strip()
    with tempfile.TemporaryDirectory(prefix="benchgate-history-") as folder:
        place = Path(folder)
        git.ask(place, "init", "--quiet", "--bare", ".")
        wanted = [_refspec(name) for name in dict.fromkeys((one, other))]
        git.ask(
            place,
            *("fetch", "--quiet", "--filter=tree:0", "--tags", *_ALONE),
            *("--", url, *wanted),
        )
        yield place, git.commit_of(place, _local(other))


def _refspec(name: str) -> str:
    if _SHA.fullmatch(name):
        return f"{name}:{_local(name)}"
    full = name if name.startswith("refs/") else f"refs/heads/{name}"
    return f"{full}:{_local(name)}"


def _local(name: str) -> str:
    return name if name.startswith("refs/") else f"refs/benchgate/{name}"


def credentials(root: Path, token: str) -> Mapping[str, str]:
    """Return the variables that give *token* to the remote of *root*, and no other.

    Not by the command line, which every process can read, and not by a file, which
    would stay.
    """
    url = (git.try_ask(root, "remote", "get-url", _REMOTE) or "").strip()
    host = re.match(r"https?://[^/]+/", url)
    if not token or host is None:
        return {}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{host[0]}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
    }
