"""The branch: nothing is lost in a race, and the user's repository stays as it is."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from benchgate.errors import ExitCode, StoreError
from benchgate.store import git_branch
from benchgate.store.directory import DirectoryStore
from benchgate.store.git_branch import GitBranchStore
from tests.unit.store.measured import BRANCH, EPYC, NOON, git, measured

ROOT = Path(__file__).parents[3]
REF = f"refs/heads/{BRANCH}"

APPEND = """
import sys
from pathlib import Path
from benchgate.store.git_branch import GitBranchStore
from tests.unit.store.measured import NOON, measured
store = GitBranchStore(Path(sys.argv[1]), branch=sys.argv[2], remote="origin")
store.append(measured(), recorded_at=NOON, run_id="1")
"""

KILLS_AT_PUSH = """\
#!/bin/sh
case " $* " in *" push "*) kill -KILL $PPID; exit 1;; esac
exec {git} "$@"
"""


def store_of(root: Path) -> GitBranchStore:
    # A twentieth of the waiting: a local remote answers that much faster.
    return GitBranchStore(
        root,
        branch=BRANCH,
        remote="origin",
        sleep=lambda seconds: sleep(seconds / 20),
    )


@pytest.fixture
def store(clone: Path) -> GitBranchStore:
    return store_of(clone)


def append(store: GitBranchStore, number: int) -> str:
    return store.append(measured(), recorded_at=NOON + number, run_id=str(number))


def put(root: Path, path: str, content: str) -> None:
    """Commit a file to the branch of the remote by hand, as some person would."""
    work = root.parent / "by-hand"
    git(root, "fetch", "-q", "origin", REF)
    git(root, "worktree", "add", "-q", "--detach", str(work), "FETCH_HEAD")
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).write_text(content)
    git(work, "add", path)
    who = ("-c", "user.name=dana", "-c", "user.email=dana@example.org")
    git(work, *who, "commit", "-q", "-m", "by hand")
    git(work, "push", "-q", "origin", f"HEAD:{REF}")


def paths_in(remote: Path) -> list[str]:
    return git(remote, "ls-tree", "-r", "--name-only", BRANCH).split()


def test_twenty_writers_at_once_keep_all_runs(remote: Path, clones: list[Path]) -> None:
    with ThreadPoolExecutor(20) as pool:
        kept = list(pool.map(append, map(store_of, clones), range(20)))

    assert paths_in(remote) == sorted(["README.md", *kept])
    assert git(remote, "rev-list", "--count", BRANCH) == "20\n"
    assert git(remote, "rev-list", "--merges", BRANCH) == ""


def put_many(root: Path, number: int) -> list[str]:
    """Push a branch with so many old runs, in one commit; return them, newest first."""
    git(root, "checkout", "-q", "--orphan", BRANCH)
    git(root, "rm", "-q", "-r", "-f", ".")
    directory = DirectoryStore(root)
    kept = [
        directory.append(measured(), recorded_at=NOON - each, run_id=str(each))
        for each in range(1, number + 1)
    ]
    git(root, "add", "v1")
    who = ("-c", "user.name=dana", "-c", "user.email=dana@example.org")
    git(root, *who, "commit", "-q", "-m", "by hand")
    git(root, "push", "-q", "origin", f"HEAD:{REF}")
    return kept


def test_twenty_writers_and_a_pruner_lose_nothing_that_is_newer(
    remote: Path, clones: list[Path], other: Path
) -> None:
    # So many stay that a pruner who comes last still takes none of the new.
    old = put_many(other, 24)

    with ThreadPoolExecutor(21) as pool:
        pruned = pool.submit(store_of(other).prune, keep=20)
        kept = list(pool.map(append, map(store_of, clones), range(20)))
    gone = pruned.result()

    assert {*old[20:]} <= {*gone} <= {*old}
    assert {*paths_in(remote)} == {"README.md", *old, *kept} - {*gone}


def test_pruning_leaves_one_commit_with_what_stays(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    kept = [append(store, number) for number in range(3)]
    put(clone, "v1/runs/note.txt", "mine")
    store.prune(keep=1)

    assert git(remote, "rev-list", "--count", BRANCH) == "1\n"
    assert paths_in(remote) == sorted(["README.md", kept[2], "v1/runs/note.txt"])


def test_pruning_nothing_leaves_the_branch_as_it_is(
    store: GitBranchStore, remote: Path
) -> None:
    append(store, 1)
    before = git(remote, "rev-parse", BRANCH)

    store.prune(keep=1)

    assert git(remote, "rev-parse", BRANCH) == before


def test_a_clone_that_saw_the_branch_before_goes_on_after_it_was_pruned(
    store: GitBranchStore, other: Path
) -> None:
    kept = [append(store, number) for number in range(3)]
    late = store_of(other)
    late.list(limit=9)
    store.prune(keep=1)

    new = append(late, 3)

    assert [run.id for run in late.list(limit=9)] == [new, kept[2]]


def test_verifying_names_each_damaged_run_with_its_commit(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    kept = [append(store, number) for number in range(2)]
    put(clone, kept[0], "{")

    found = store.verify()

    tip = git(remote, "rev-parse", BRANCH)[:12]
    assert found.fine == 1
    assert [problem.partition(": ")[0] for problem in found.damaged] == [
        f"{BRANCH}@{tip}:{kept[0]}"
    ]


def test_an_object_that_is_gone_damages_one_run_and_not_all(
    store: GitBranchStore, clone: Path
) -> None:
    kept = [
        store.append(
            measured(value=number * 1e-6), recorded_at=NOON, run_id=str(number)
        )
        for number in (1, 2)
    ]
    blob = git(clone, "rev-parse", f"refs/benchgate/{BRANCH}:{kept[0]}").strip()
    (clone / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    found = store.verify()

    assert found.fine == 1
    assert kept[0] in found.damaged[0]


def test_a_run_kept_by_one_clone_is_read_by_another(
    store: GitBranchStore, other: Path
) -> None:
    kept = append(store, 1)

    assert store_of(other).read(kept) == measured()


def test_a_branch_says_what_it_is(store: GitBranchStore, remote: Path) -> None:
    append(store, 1)

    shown = git(remote, "log", "-1", "--format=%an <%ae> %cn %at %s", BRANCH)
    assert shown.startswith("benchgate <benchgate@noreply.invalid> benchgate 17672688")
    assert git(remote, "show", f"{BRANCH}:README.md").startswith("# Benchmark runs")


def test_a_foreign_file_in_the_branch_is_kept(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    first = append(store, 1)
    put(clone, "v1/runs/note.txt", "mine")
    second = append(store, 2)

    assert paths_in(remote) == sorted(["README.md", first, second, "v1/runs/note.txt"])
    assert [run.id for run in store.list(limit=9)] == [second, first]


def test_a_readme_that_somebody_changed_is_kept(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    append(store, 1)
    put(clone, "README.md", "ours")
    append(store, 2)

    assert git(remote, "show", f"{BRANCH}:README.md") == "ours"


def everything_of(root: Path) -> dict[str, bytes]:
    """Return what belongs to the user, by path: not the objects, not our refs."""
    ours = (
        ".git/objects/",
        ".git/refs/benchgate/",
        ".git/refs/remotes/origin/benchgate",
        ".git/logs/refs/remotes/origin/benchgate",
    )
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }
    return {path: raw for path, raw in files.items() if not path.startswith(ours)}


def test_the_users_repository_stays_as_it_is(
    store: GitBranchStore, clone: Path, other: Path
) -> None:
    (clone / "file.txt").write_text("changed\n")
    (clone / "staged.txt").write_text("staged\n")
    git(clone, "add", "staged.txt")
    before = everything_of(clone)

    append(store, 1)
    append(store_of(other), 2)
    store.list(limit=9)

    assert everything_of(clone) == before


def test_a_whole_clone_is_not_made_shallow(
    store: GitBranchStore, clone: Path, other: Path
) -> None:
    append(store_of(other), 1)
    append(store_of(other), 2)
    store.list(limit=9)

    assert git(clone, "rev-parse", "--is-shallow-repository") == "false\n"


def test_a_shallow_clone_reads_and_writes(
    store: GitBranchStore, remote: Path, tmp_path: Path
) -> None:
    first = append(store, 1)
    second = append(store, 2)
    git(tmp_path, "clone", "-q", "--depth=1", remote.as_uri(), "shallow")
    shallow = store_of(tmp_path / "shallow")
    third = append(shallow, 3)

    assert [run.id for run in shallow.list(limit=9)] == [third, second, first]
    assert git(tmp_path / "shallow", "rev-list", "--count", "HEAD") == "1\n"
    assert git(remote, "rev-list", "--count", BRANCH) == "3\n"


def test_hooks_signing_and_an_absent_identity_do_not_matter(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    hook = "#!/bin/sh\nexit 1\n"
    for name in ("pre-push", "reference-transaction", "post-index-change"):
        (clone / ".git" / "hooks" / name).write_text(hook)
        (clone / ".git" / "hooks" / name).chmod(0o755)
    git(clone, "config", "commit.gpgsign", "true")
    git(clone, "config", "push.gpgSign", "true")
    git(clone, "config", "gpg.program", "false")
    git(clone, "config", "user.useConfigOnly", "true")

    kept = append(store, 1)

    assert kept in paths_in(remote)


def test_the_repository_of_a_calling_hook_is_not_used(
    store: GitBranchStore,
    remote: Path,
    alone: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_DIR", str(alone / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(alone / ".git" / "index"))
    kept = append(store, 1)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")

    assert kept in paths_in(remote)
    assert git(alone, "for-each-ref") == ""


def test_a_subfolder_of_the_repository_will_do(clone: Path, remote: Path) -> None:
    (clone / "crates" / "api").mkdir(parents=True)
    store = store_of(clone / "crates" / "api")
    kept = append(store, 1)

    assert [run.id for run in store.list(limit=9)] == [kept]
    assert paths_in(remote) == ["README.md", kept]


def test_without_a_remote_the_branch_is_kept_here(alone: Path) -> None:
    store = store_of(alone)
    assert store.list(limit=9) == ()

    first = append(store, 1)
    second = append(store, 2)

    assert [run.id for run in store.list(limit=9)] == [second, first]
    assert store.read(first) == measured()
    assert git(alone, "rev-list", "--count", BRANCH) == "2\n"
    assert git(alone, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(alone, "status", "--porcelain") == ""


def test_without_a_remote_writers_at_once_keep_all_runs(alone: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(append, [store_of(alone)] * 6, range(6)))

    assert paths_in(alone) == sorted(["README.md", *kept])
    assert git(alone, "rev-list", "--count", BRANCH) == "6\n"


def test_an_unreachable_remote_is_not_an_empty_store(
    store: GitBranchStore, remote: Path
) -> None:
    shutil.rmtree(remote)

    with pytest.raises(StoreError, match="does not appear to be a git repo") as caught:
        store.list(limit=9)

    assert caught.value.exit_code is ExitCode.UNDECIDED


def test_an_unreachable_remote_keeps_nothing(
    store: GitBranchStore, remote: Path
) -> None:
    shutil.rmtree(remote)

    with pytest.raises(StoreError, match="ls-remote: git ended with 128"):
        append(store, 1)


def test_a_remote_of_another_name_is_not_a_missing_one(
    clone: Path, remote: Path
) -> None:
    git(clone, "remote", "rename", "origin", "upstream")

    with pytest.raises(StoreError, match="no remote 'origin'") as caught:
        store_of(clone).list(limit=9)

    assert caught.value.hint == "set baseline.remote to one of: upstream"


def test_what_is_no_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a git repository"):
        store_of(tmp_path).list(limit=9)


def test_a_broken_ref_is_not_an_absent_one(alone: Path) -> None:
    append(store_of(alone), 1)
    (alone / ".git" / REF).write_text("garbage\n")

    with pytest.raises(StoreError, match="broken ref"):
        store_of(alone).list(limit=9)


def test_lost_objects_are_not_an_empty_store(alone: Path) -> None:
    append(store_of(alone), 1)
    shutil.rmtree(alone / ".git" / "objects")
    (alone / ".git" / "objects").mkdir()

    with pytest.raises(StoreError, match="git ended with 128"):
        store_of(alone).list(limit=9)


def lose(root: Path, path: str) -> None:
    blob = git(root, "rev-parse", f"{BRANCH}:{path}").strip()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def test_a_lost_run_is_not_an_absent_one(alone: Path) -> None:
    kept = append(store_of(alone), 1)
    lose(alone, kept)

    with pytest.raises(StoreError, match=f"{kept}: its object is missing"):
        store_of(alone).list(limit=9)
    with pytest.raises(StoreError, match=f"{kept}: its object is missing"):
        store_of(alone).read(kept)


def test_a_lost_run_is_not_overwritten(alone: Path) -> None:
    kept = append(store_of(alone), 1)
    lose(alone, kept)

    with pytest.raises(StoreError, match="already kept, with other content"):
        store_of(alone).append(measured(value=2.0), recorded_at=NOON + 1, run_id="1")


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{", "truncated"), ('{"schema":"benchgate-run/2"}', "newer benchgate")],
)
def test_a_damaged_run_names_its_path_and_commit(
    store: GitBranchStore, clone: Path, remote: Path, content: str, problem: str
) -> None:
    kept = append(store, 1)
    put(clone, kept, content)
    tip = git(remote, "rev-parse", BRANCH).strip()

    with pytest.raises(StoreError, match=f"{BRANCH}@{tip[:12]}:{kept}: .*{problem}"):
        store.list(limit=9)

    assert git(remote, "rev-parse", BRANCH).strip() == tip
    assert git(remote, "show", f"{BRANCH}:{kept}") == content


def test_a_damaged_run_outside_the_window_is_not_met(
    store: GitBranchStore, clone: Path
) -> None:
    old = append(store, 1)
    new = append(store, 2)
    put(clone, old, "{")

    assert [run.id for run in store.list(limit=1, environment=EPYC.key)] == [new]


def test_a_run_is_still_read_when_the_remote_is_gone(
    store: GitBranchStore, remote: Path
) -> None:
    kept = append(store, 1)
    store.list(limit=9)
    shutil.rmtree(remote)

    assert store.read(kept) == measured()


def test_a_squashed_branch_is_followed(
    store: GitBranchStore, clone: Path, remote: Path
) -> None:
    first = append(store, 1)
    store.list(limit=9)
    tree = git(remote, "rev-parse", f"{BRANCH}^{{tree}}").strip()
    who = ("-c", "user.name=dana", "-c", "user.email=dana@example.org")
    root = git(remote, *who, "commit-tree", "-m", "squashed", tree).strip()
    git(remote, "update-ref", REF, root)
    second = append(store, 2)

    assert [run.id for run in store.list(limit=9)] == [second, first]
    assert git(remote, "rev-list", "--count", BRANCH) == "2\n"


def test_a_writer_killed_half_way_leaves_only_objects(
    clone: Path, remote: Path, tmp_path: Path
) -> None:
    before = everything_of(clone)
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(KILLS_AT_PUSH.format(git=shutil.which("git")))
    fake.chmod(0o755)
    path = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    killed = subprocess.run(
        [sys.executable, "-c", APPEND, clone, BRANCH],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=False,
    )

    assert killed.returncode == -9
    assert git(remote, "for-each-ref", REF) == ""
    assert everything_of(clone) == before
    assert append(store_of(clone), 1) in paths_in(remote)


def test_an_empty_commit_does_not_delete_the_branch(
    store: GitBranchStore, remote: Path
) -> None:
    kept = append(store, 1)
    tip = git(remote, "rev-parse", BRANCH).strip()

    with pytest.raises(StoreError, match="git wrote no commit"):
        store._publish("", parent=tip)

    assert kept in paths_in(remote)


def test_a_refusing_remote_is_asked_once(
    clone: Path, remote: Path, tmp_path: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho >> {tmp_path}/asked\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(StoreError, match="pre-receive hook declined"):
        append(store_of(clone), 1)

    assert (tmp_path / "asked").read_text() == "\n"


def test_a_race_lost_each_time_ends_after_twenty_tries(
    clone: Path, remote: Path
) -> None:
    waited: list[float] = []
    (remote / "refs" / "heads" / f"{BRANCH}.lock").write_text("")
    store = GitBranchStore(
        clone, branch=BRANCH, remote="origin", sleep=waited.append, chance=lambda: 0.5
    )

    with pytest.raises(StoreError, match=r"push: .*rejected") as caught:
        append(store, 1)

    assert waited[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert len(waited) == git_branch.TRIES - 1
    assert "other writers were faster" in caught.value.hint


def test_a_git_that_hangs_is_stopped_with_its_helpers(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_branch, "_DEADLINE", 0.5)
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    fake.write_text(f"#!/bin/sh\nexec 9> {alive}\nsleep 60 &\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    opened = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(StoreError, match=r"git remote took longer than 0\.5 s"):
        store_of(clone).list(limit=9)

    # The other end closes with the last process that holds it.
    assert select.select([opened], [], [], 20)[0] == [opened]
    assert os.read(opened, 1) == b""
    os.close(opened)


def test_an_absent_git_is_named(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(StoreError, match="git can't be started"):
        store_of(clone).list(limit=9)
