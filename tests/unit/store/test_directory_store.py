"""The directory: whole files or none, and no error that looks like emptiness."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchgate.errors import ExitCode, StoreError
from benchgate.store.directory import DirectoryStore
from tests.unit.store.measured import GRAVITON, NOON, measured

APPEND = """
import sys
from pathlib import Path
from benchgate.store.directory import DirectoryStore
from tests.unit.store.measured import NOON, measured
sys.stdin.read()
store = DirectoryStore(Path(sys.argv[1]))
store.append(measured(), recorded_at=NOON, run_id=sys.argv[2])
"""


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "kept")


def test_twenty_processes_at_once_keep_all_runs(store: DirectoryStore) -> None:
    # Run ids repeat, so that the exclusive creation is met as well.
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, store.root, str(number % 10)],
            stdin=subprocess.PIPE,
        )
        for number in range(20)
    ]
    codes = [_finish(writer) for writer in writers]

    assert codes == [0] * 20
    assert len(store.list(limit=99)) == 10
    assert [*store.root.rglob(".*")] == []


def _finish(writer: subprocess.Popen[bytes]) -> int:
    writer.communicate()  # closing its input starts it
    return writer.returncode


def test_a_writer_killed_half_way_leaves_no_run(store: DirectoryStore) -> None:
    kept = store.root / store.append(measured(), recorded_at=NOON, run_id="1")
    draft = kept.with_name(f".{kept.name}.0123456789abcdef")
    kept.rename(draft)
    draft.write_bytes(draft.read_bytes()[:50])

    assert store.list(limit=9) == ()
    assert store.append(measured(), recorded_at=NOON, run_id="1")
    assert len(store.list(limit=9)) == 1


def test_a_failed_write_leaves_nothing(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.append(measured(), recorded_at=NOON, run_id="1")

    assert [path for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "truncated"),
        (b'{"schema":"benchgate-run/1"}', "missing required field"),
        (b'{"schema":"benchgate-run/2"}', "newer benchgate"),
    ],
)
def test_a_damaged_run_is_an_error_and_survives_it(
    store: DirectoryStore, content: bytes, problem: str
) -> None:
    kept = store.append(measured(), recorded_at=NOON, run_id="1")
    (store.root / kept).write_bytes(content)

    with pytest.raises(
        StoreError, match=f"^{store.root / kept}: .*{problem}"
    ) as caught:
        store.list(limit=9)

    assert caught.value.exit_code is ExitCode.UNDECIDED
    assert (store.root / kept).read_bytes() == content


def test_a_damaged_run_outside_the_window_is_not_met(store: DirectoryStore) -> None:
    old = store.append(measured(), recorded_at=NOON - 60, run_id="1")
    new = store.append(measured(), recorded_at=NOON, run_id="2")
    (store.root / old).write_bytes(b"{")

    assert [run.id for run in store.list(limit=1)] == [new]


def test_twenty_writers_and_a_pruner_lose_nothing_that_is_newer(
    store: DirectoryStore,
) -> None:
    # So many stay that a pruner who comes last still takes none of the new.
    old = [
        store.append(measured(), recorded_at=NOON - number, run_id="1")
        for number in range(1, 25)
    ]

    def append(number: int) -> str:
        return store.append(measured(), recorded_at=NOON + number, run_id="1")

    with ThreadPoolExecutor(21) as pool:
        pruned = pool.submit(store.prune, keep=20)
        kept = list(pool.map(append, range(20)))
    gone = pruned.result()

    assert {*old[20:]} <= {*gone} <= {*old}
    assert {run.id for run in store.list(limit=99)} == {*old, *kept} - {*gone}


def test_verifying_names_each_damaged_run(store: DirectoryStore) -> None:
    paths = [
        store.append(measured(), recorded_at=NOON - n, run_id="1") for n in range(4)
    ]
    (store.root / paths[1]).write_bytes(b"{")
    (store.root / paths[2]).unlink()
    (store.root / paths[2]).mkdir()
    moved = paths[3].replace("-aaaaaaaaaaaa-", "-bbbbbbbbbbbb-")
    (store.root / paths[3]).rename(store.root / moved)

    found = store.verify()

    # A directory that is named like a run is nobody's file.
    assert found.fine == 1
    assert [problem.partition(": ")[0] for problem in found.damaged] == [
        str(store.root / paths[1]),
        str(store.root / moved),
    ]
    assert found.damaged[1].endswith(": holds another run than its path says")


def test_a_run_of_another_machine_is_damage(store: DirectoryStore) -> None:
    kept = store.root / store.append(measured(), recorded_at=NOON, run_id="1")
    elsewhere = store.append(
        measured(environment=GRAVITON), recorded_at=NOON, run_id="1"
    )
    kept.write_bytes((store.root / elsewhere).read_bytes())

    (problem,) = store.verify().damaged

    assert problem == f"{kept}: holds another run than its path says"


def test_a_run_that_may_not_be_read_is_damage_and_named(
    store: DirectoryStore,
) -> None:
    kept = store.root / store.append(measured(), recorded_at=NOON, run_id="1")
    kept.unlink()
    kept.symlink_to("nowhere")

    found = store.verify()

    assert found.fine == 0
    assert found.damaged == (f"{kept}: No such file or directory",)


def test_foreign_files_are_left_alone(store: DirectoryStore) -> None:
    store.append(measured(), recorded_at=NOON, run_id="1")
    note = store.root / "v1" / "runs" / "note.txt"
    note.write_text("mine")

    assert len(store.list(limit=9)) == 1
    assert note.read_text() == "mine"


def test_a_file_in_place_of_the_directory_is_not_an_empty_store(
    store: DirectoryStore,
) -> None:
    store.root.write_text("not a directory")

    with pytest.raises(StoreError, match="Not a directory"):
        store.list(limit=9)


def test_a_directory_that_can_not_be_written_is_named(store: DirectoryStore) -> None:
    store.root.write_text("not a directory")

    with pytest.raises(StoreError, match=f"^{store.root}"):
        store.append(measured(), recorded_at=NOON, run_id="1")
