"""What every store promises; a new kind is tested by being listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchgate.errors import ConfigError, StoreError
from benchgate.model import Environment
from benchgate.store import STORES, Store, StoredRun, Verified, open_store
from tests.unit.store.measured import (
    BRANCH,
    EPYC,
    GRAVITON,
    NOON,
    measured,
    partly_failed,
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, clone: Path) -> Store:
    return open_store(
        request.param, root=clone, branch=BRANCH, path="kept", remote="origin"
    )


def test_a_store_that_was_never_written_is_empty(store: Store) -> None:
    assert store.list(limit=30) == ()


def test_a_run_is_read_as_it_was_kept(store: Store) -> None:
    kept = store.append(measured(), recorded_at=NOON, run_id="1")

    assert store.read(kept) == measured()


def append(store: Store, number: int, environment: Environment = EPYC) -> str:
    """Keep the *number*-th run, which is a minute younger than the one before."""
    return store.append(
        measured(f"{number:040x}", environment=environment),
        recorded_at=NOON + 60 * number,
        run_id=str(number),
    )


def ids_of(store: Store) -> list[str]:
    return [run.id for run in store.list(limit=99)]


def test_pruning_keeps_the_newest_of_each_environment(store: Store) -> None:
    other = [append(store, number, GRAVITON) for number in range(2)]
    kept = [append(store, number) for number in range(2, 7)]

    gone = store.prune(keep=2)

    assert gone == (kept[2], kept[1], kept[0])
    assert ids_of(store) == [kept[4], kept[3], other[1], other[0]]
    assert store.read(kept[4]) == measured(f"{6:040x}")


def test_a_dry_run_removes_nothing(store: Store) -> None:
    kept = [append(store, number) for number in range(3)]

    assert store.prune(keep=1, dry_run=True) == (kept[1], kept[0])
    assert ids_of(store) == kept[::-1]


@pytest.mark.parametrize("number", [0, 2])
def test_pruning_where_there_is_nothing_to_remove_is_no_error(
    store: Store, number: int
) -> None:
    kept = [append(store, each) for each in range(number)]

    assert store.prune(keep=2) == ()
    assert ids_of(store) == kept[::-1]


def test_after_pruning_the_store_goes_on(store: Store) -> None:
    kept = [append(store, number) for number in range(3)]
    store.prune(keep=1)

    new = append(store, 3)

    assert ids_of(store) == [new, kept[2]]


def test_an_empty_store_is_fine(store: Store) -> None:
    assert store.verify() == Verified(0, ())


def test_what_was_kept_is_verified(store: Store) -> None:
    append(store, 1)
    append(store, 2, GRAVITON)

    assert store.verify() == Verified(2, ())


def test_only_the_head_is_kept(store: Store) -> None:
    both = replace(measured(), base=measured("b" * 40).head)
    kept = store.append(both, recorded_at=NOON, run_id="1")

    assert store.read(kept) == measured()


def test_runs_are_listed_newest_first(store: Store) -> None:
    old = store.append(measured("1" * 40), recorded_at=NOON - 86400 * 40, run_id="9")
    new = store.append(
        measured("2" * 40, environment=GRAVITON), recorded_at=NOON, run_id="1"
    )
    middle = store.append(measured("3" * 40), recorded_at=NOON - 60, run_id="5")

    assert store.list(limit=2) == (
        StoredRun(new, "2" * 40, GRAVITON.key, NOON),
        StoredRun(middle, "3" * 40, EPYC.key, NOON - 60),
    )
    assert store.list(limit=9)[-1].id == old


def test_the_environment_chooses_before_the_limit(store: Store) -> None:
    kept = store.append(measured(), recorded_at=NOON - 60, run_id="1")
    store.append(measured(environment=GRAVITON), recorded_at=NOON, run_id="2")

    assert [run.id for run in store.list(limit=1, environment=EPYC.key)] == [kept]
    assert store.list(limit=1, environment="another") == ()


def test_the_same_run_again_is_no_error(store: Store) -> None:
    first = store.append(measured(), recorded_at=NOON, run_id="1")
    again = store.append(measured(), recorded_at=NOON, run_id="1")

    assert again == first
    assert len(store.list(limit=9)) == 1


def test_a_second_attempt_is_another_run(store: Store) -> None:
    store.append(measured(), recorded_at=NOON, run_id="1", attempt=1)
    store.append(measured(value=2.0), recorded_at=NOON, run_id="1", attempt=2)

    assert len(store.list(limit=9)) == 2


def test_a_kept_run_is_never_overwritten(store: Store) -> None:
    kept = store.append(measured(), recorded_at=NOON, run_id="1")

    with pytest.raises(StoreError, match="already kept, with other content"):
        store.append(measured(value=2.0), recorded_at=NOON, run_id="1")

    assert store.read(kept) == measured()


def test_a_partial_run_is_not_kept(store: Store) -> None:
    with pytest.raises(StoreError, match="a partial run is not kept"):
        store.append(partly_failed(), recorded_at=NOON, run_id="1")

    assert store.list(limit=9) == ()


@pytest.mark.parametrize(
    "stored_id",
    [
        "v1/runs/x/2026/01/20260101T120000Z-aaaaaaaaaaaa-1.1.json",
        "../../file.txt",
        "v1/runs",
        "README.md",
        "",
    ],
)
def test_a_run_that_is_not_there_is_named(store: Store, stored_id: str) -> None:
    store.append(measured(), recorded_at=NOON, run_id="1")

    with pytest.raises(StoreError, match=f"holds no run {stored_id}$"):
        store.read(stored_id)


def test_writers_in_one_place_keep_all_runs(store: Store) -> None:
    def append(number: int) -> str:
        return store.append(measured(), recorded_at=NOON, run_id=str(number))

    with ThreadPoolExecutor(5) as pool:
        kept = list(pool.map(append, range(5)))

    assert {run.id for run in store.list(limit=99)} == set(kept)


def test_writers_of_the_same_run_agree(store: Store) -> None:
    append = partial(store.append, measured(), recorded_at=NOON, run_id="1")
    with ThreadPoolExecutor(4) as pool:
        kept = {task.result() for task in [pool.submit(append) for _ in range(4)]}

    assert {run.id for run in store.list(limit=99)} == kept


def test_another_kind_of_store_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no 'cloud'") as caught:
        open_store("cloud", root=tmp_path, branch="b", path="p", remote="origin")

    assert caught.value.hint == "use one of: directory, git-branch"
