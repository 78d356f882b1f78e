"""The repository under test: which commits are compared, and a work tree for the base.

Nothing here touches the user's own work tree, index or branches.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchgate.errors import ToolError, UsageError
from benchgate.model import Commit

_WITHIN = 600.0
_SLOTS = 32
_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")


def toplevel(folder: Path) -> Path:
    """Return the root of the checkout that *folder* lies in."""
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip())


def head_commit(root: Path) -> Commit:
    """Return what is checked out, and whether it has uncommitted changes."""
    sha = commit_of(root, "HEAD")
    branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    dirty = bool(_git(root, "status", "--porcelain", "--untracked-files=no").strip())
    return Commit(sha, "" if branch == "HEAD" else branch, dirty=dirty)


def commit_of(root: Path, ref: str) -> str:
    """Return the full hash of *ref*; raises UsageError when there is no such commit."""
    found = _try_git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if found is None:
        raise UsageError(
            f"{ref}: no such commit in {root}",
            hint="fetch it first; a shallow clone needs `git fetch --unshallow`",
        )
    return found.strip()


def base_commit(root: Path, ref: str | None) -> Commit:
    """Return the commit to compare with: *ref*, or where the branch was started.

    Without *ref* that is the merge base with the default branch. Raises UsageError
    when this would compare a commit with itself.
    """
    if ref is not None:
        return Commit(commit_of(root, ref), ref)
    default = _default_branch(root)
    found = _try_git(root, "merge-base", "HEAD", default)
    if found is None:
        raise UsageError(
            f"HEAD and {default} have no common commit here",
            hint="name the base with --base REF, or `git fetch --unshallow`",
        )
    base = found.strip()
    head = head_commit(root)
    if base == head.sha and not head.dirty:
        raise UsageError(
            f"nothing to compare: HEAD is on {default} and nothing is changed",
            hint="name the base with --base REF, for instance --base HEAD~1",
        )
    return Commit(base, default)


def changed_files(root: Path, base: str) -> tuple[str, ...]:
    """Return the paths, relative to *root*, that differ between *base* and the disk."""
    differing = _git(root, "diff", "--name-only", "-z", base, "--")
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    names = {name for out in (differing, untracked) for name in out.split("\0")}
    return tuple(sorted(names - {""}))


@contextlib.contextmanager
def cache_slot(root: Path) -> Iterator[Path]:
    """Yield a folder outside the repository that no other comparison uses meanwhile.

    It stays, so that the next comparison builds little.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:10]
    home = cache / "benchgate" / f"{root.name}-{digest}"
    for slot in range(_SLOTS):
        folder = home / str(slot)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    raise ToolError(f"{home}: {_SLOTS} comparisons are already running")


def worktree(root: Path, sha: str, at: Path) -> Path:
    """Check *sha* out at *at*, whatever lay there before, and return *at*.

    Build output that Git ignores is left, so that Cargo has less to do.
    """
    _git(root, "worktree", "prune")
    if (at / ".git").exists() and _try_git(at, "rev-parse", "--git-dir") is not None:
        _git(at, "checkout", "--quiet", "--detach", "--force", sha)
        _git(at, "clean", "--quiet", "-d", "--force")
    else:
        _git(root, "worktree", "add", "--quiet", "--detach", "--force", str(at), sha)
    if (at / ".gitmodules").exists():
        _git(at, "submodule", "--quiet", "update", "--init", "--recursive")
    return at


def is_tracked(root: Path, path: str) -> bool:
    """Say whether Git knows the file *path* of *root*."""
    return _try_git(root, "ls-files", "--error-unmatch", path) is not None


def _default_branch(root: Path) -> str:
    remote = _try_git(
        root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"
    )
    names = [remote.strip()] if remote else []
    for name in _DEFAULT_BRANCHES:
        names += [f"origin/{name}", name]
    for name in names:
        if _try_git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return name
    raise UsageError(
        f"{root}: which branch is the default one?",
        hint="name the base with --base REF",
    )


def _git(folder: Path, *arguments: str) -> str:
    out = _run(folder, arguments)
    if out.returncode:
        last = out.stderr.strip().rpartition("\n")[2]
        raise ToolError(f"git {arguments[0]}: {last or f'status {out.returncode}'}")
    return out.stdout


def _try_git(folder: Path, *arguments: str) -> str | None:
    out = _run(folder, arguments)
    return None if out.returncode else out.stdout


def _run(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    # Short and harmless, so not under the deadlines and groups of process.run.
    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ("git", *arguments),
            cwd=folder,
            env={**os.environ, **quiet},
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
            stdin=subprocess.DEVNULL,
            timeout=_WITHIN,
        )
    except FileNotFoundError as error:
        raise ToolError("git: not found", hint="install git") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"git {arguments[0]}: no answer in {_WITHIN:.0f} s") from error
