"""The repository under test: which commits are compared, and a work tree for the base.

Nothing here touches the user's own work tree, index or branches, and no hook of the
repository is run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchgate.errors import ToolError, UsageError
from benchgate.measure import cures
from benchgate.model import Commit

_WITHIN = 600.0
_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")
# In a hook, git tells its children where the repository is; ours may be another one,
# and the index that a commit is being made from must never be written to.
_OF_A_HOOK = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_FETCH = "fetch it first: `git fetch origin`"
_SHALLOW = (
    "this clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` of "
    "actions/checkout"
)


def toplevel(folder: Path) -> Path:
    """Return the root of the checkout that *folder* lies in.

    Raises UsageError when that is in no repository.
    """
    found = _run(folder, ("rev-parse", "--show-toplevel"))
    if "not a git repository" in found.stderr:
        raise UsageError(
            f"{folder}: is in no Git repository, so there is no base to compare with",
            hint="compare two files with `benchgate compare BASE HEAD`",
        )
    return Path(_checked(found, "rev-parse").removesuffix("\n"))


def head_commit(root: Path) -> Commit:
    """Return what is checked out, and whether it has uncommitted changes."""
    sha = commit_of(root, "HEAD")
    branch = ask(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    dirty = bool(ask(root, "status", "--porcelain", "--untracked-files=no").strip())
    return Commit(sha, "" if branch == "HEAD" else branch, dirty=dirty)


def commit_of(root: Path, ref: str) -> str:
    """Return the full hash of *ref*; raises UsageError when there is no such commit."""
    found = try_ask(
        root,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{ref}^{{commit}}",
    )
    if found is None:
        hint = _SHALLOW if is_shallow(root) else _FETCH
        raise UsageError(f"{ref}: no such commit in {root}", hint=hint)
    return found.split()[-1]


def commit_or_none(root: Path, ref: str) -> str | None:
    """Return the full hash of *ref*, None when there is no such commit here."""
    name = f"{ref}^{{commit}}"
    found = try_ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    # The commit may be named by a shallow clone and not be there.
    sha = found.split()[-1] if found else ""
    return sha if sha and try_ask(root, "cat-file", "-e", sha) is not None else None


def base_commit(root: Path, ref: str | None) -> Commit:
    """Return the commit to compare with: *ref*, or where the branch was started.

    Without *ref* that is the merge base with the default branch. Raises UsageError
    when this would compare a commit with itself.
    """
    if ref is not None:
        return Commit(commit_of(root, ref), ref)
    head = head_commit(root)
    default = default_branch(root)
    if default is None:
        raise UsageError(
            f"{root}: which branch is the default one?",
            hint="name the base with --base REF",
        )
    found = try_ask(root, "merge-base", "HEAD", default)
    if found is None:
        hint = _SHALLOW if is_shallow(root) else "name the base with --base REF"
        raise UsageError(f"HEAD and {default} have no common commit here", hint=hint)
    base = found.strip()
    if base == head.sha and not head.dirty:
        raise UsageError(
            f"nothing to compare: HEAD is on {default} and nothing is changed",
            hint="name the base with --base REF, for instance --base HEAD~1",
        )
    return Commit(base, default)


def changed_files(root: Path, base: str) -> tuple[str, ...]:
    """Return the paths, relative to *root*, that differ between *base* and the disk.

    What was moved is there with both of its paths.
    """
    differing = ask(root, "diff", "--name-only", "--no-renames", "-z", base, "--")
    untracked = ask(root, "ls-files", "--others", "--exclude-standard", "-z")
    names = {name for out in (differing, untracked) for name in out.split("\0")}
    return tuple(sorted(names - {""}))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Yield whether *folder*, made where it is missing, is ours until the end."""
    import fcntl  # noqa: PLC0415 - Windows, which judges files only, has none

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def worktree(root: Path, sha: str, at: Path) -> Path:
    """Check *sha* out at *at*, whatever lay there before, and return *at*.

    Build output that Git ignores is left, so that Cargo has less to do.
    """
    ask(root, "worktree", "prune")
    if not _is_worktree_of(root, at) or not _moved(at, sha):
        # Left by another clone that lay at this place, or by a run that was killed.
        shutil.rmtree(at, ignore_errors=True)
        ask(root, "worktree", "add", "--quiet", "--detach", "--force", str(at), sha)
    if (at / ".gitmodules").exists() and _uses_submodules(root):
        ask(at, "submodule", "--quiet", "update", "--init", "--recursive", "--force")
    return at


def repository_of(at: Path) -> Path | None:
    """Return the repository of the work tree at *at*, None where either is gone."""
    if not (at / ".git").is_file():
        return None
    return _common_folder(at)


def prune_worktrees(repository: Path) -> None:
    """Make *repository* forget the work trees that are gone."""
    try_ask(repository, "worktree", "prune")


def is_tracked(root: Path, path: str) -> bool:
    """Say whether Git knows the file *path* of *root*."""
    return try_ask(root, "ls-files", "--error-unmatch", "--", path) is not None


def is_shallow(root: Path) -> bool:
    """Say whether the clone at *root* lacks the older part of its history."""
    return (try_ask(root, "rev-parse", "--is-shallow-repository") or "")[:4] == "true"


def _common_folder(at: Path) -> Path | None:
    """Return what all work trees of the repository around *at* have in common."""
    found = try_ask(at, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return Path(found.removesuffix("\n")) if found else None


def _is_worktree_of(root: Path, at: Path) -> bool:
    theirs = repository_of(at)
    return theirs is not None and theirs == _common_folder(root)


def _moved(at: Path, sha: str) -> bool:
    """Check *sha* out in the work tree at *at*; say whether that was possible."""
    checkout = try_ask(at, "checkout", "--quiet", "--detach", "--force", sha)
    return (
        checkout is not None
        and try_ask(at, "clean", "--quiet", "-d", "--force") is not None
    )


def _uses_submodules(root: Path) -> bool:
    """Say whether the user has fetched a submodule; else the base needs none."""
    listed = try_ask(root, "submodule", "status") or ""
    return any(not line.startswith("-") for line in listed.splitlines())


def default_branch(root: Path) -> str | None:
    """Return the default branch, as ``origin/NAME`` or ``NAME``, None if none is known.

    It is what the remote says, or else a branch with one of the usual names.
    """
    remote = try_ask(
        root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"
    )
    names = [remote.strip()] if remote else []
    for name in _DEFAULT_BRANCHES:
        names += [f"origin/{name}", name]
    for name in names:
        if try_ask(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return name
    return None


def ask(folder: Path, *arguments: str) -> str:
    """Return what Git answers in *folder*; raises ToolError with what it says."""
    return _checked(_run(folder, arguments), arguments[0])


def try_ask(folder: Path, *arguments: str) -> str | None:
    """Return what Git answers in *folder*, None where it complains."""
    out = _run(folder, arguments)
    return None if out.returncode else out.stdout


def _checked(out: subprocess.CompletedProcess[str], command: str) -> str:
    if out.returncode == 0:
        return out.stdout
    lines = [line.strip() for line in out.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?:fatal|error): ", line)]
    said = (errors or lines[-1:] or [f"status {out.returncode}"])[0]
    # How to trust a folder of another user is in the last line.
    advice = [line for line in lines if line.startswith("git config ")]
    hint = f"run `{advice[0]}`" if advice else cures.cure_of_git(out.stderr)
    raise ToolError(f"git {command}: {said.partition(': ')[2] or said}", hint=hint)


def _run(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    # Short and harmless, so not under the deadlines and groups of process.run.
    inherited = {k: v for k, v in os.environ.items() if k not in _OF_A_HOOK}
    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ("git", "-c", "core.hooksPath=/dev/null", *arguments),
            cwd=folder,
            env={**inherited, **quiet},
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
