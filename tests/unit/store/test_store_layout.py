"""The path of a run, and what is not kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.errors import StoreError
from benchgate.model import Environment, Measurement, Round
from benchgate.store import layout
from tests.unit.store.measured import EPYC, NOON, measured, partly_failed


def test_a_path_tells_where_when_and_what() -> None:
    path, _ = layout.entry_of(
        measured("0123456789abcdef" + "0" * 24),
        recorded_at=NOON + 0.75,
        run_id="18",
        attempt=2,
    )

    slug = layout.slug_of(EPYC.key)
    assert path == (f"v1/runs/{slug}/2026/01/20260101T120000Z-0123456789ab-18.2.json")


def test_a_slug_can_be_read_and_differs_with_the_environment() -> None:
    slug = layout.slug_of(EPYC.key)
    other = layout.slug_of(replace(EPYC, runner="self-hosted").key)

    assert slug.startswith("x86-64-amd-epyc-7763-4-hosted-")
    assert slug != other


def test_an_unknown_environment_has_a_slug() -> None:
    assert layout.slug_of(Environment().key).isalnum()


@given(st.text(max_size=300))
def test_any_environment_has_a_slug_that_is_a_folder(key: str) -> None:
    path = f"v1/runs/{layout.slug_of(key)}/2026/01/20260101T120000Z-{'a' * 12}-1.1.json"

    assert layout.is_run(path)
    assert len(layout.slug_of(key)) <= 51


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "v1/calibration/x/20260101T120000Z.json",
        "v1/runs/x/2026/01/20260101T120000Z-aaaaaaaaaaaa-1.1.json.tmp",
        "v1/runs/../../20260101T120000Z-aaaaaaaaaaaa-1.1.json",
        "v1/runs/x/2026/01/20260101T120000Z-aaaaaaaaaaaa-1.1.json\n",
        "v1/runs/x/2026/01/.20260101T120000Z-aaaaaaaaaaaa-1.1.json",
    ],
)
def test_what_is_not_named_like_a_run_is_none(path: str) -> None:
    assert not layout.is_run(path)


WHOLE = measured()


@pytest.mark.parametrize(
    ("measurement", "problem"),
    [
        (partly_failed(), "partial run.*render did not run: it panicked"),
        (measured(sha=""), "without a commit"),
        (measured(sha="abc"), "without a commit"),
        (replace(WHOLE, head=replace(WHOLE.head, rounds=())), "empty run"),
        (replace(WHOLE, head=replace(WHOLE.head, rounds=(Round({}),))), "empty run"),
    ],
)
def test_what_must_not_become_a_baseline_is_refused(
    measurement: Measurement, problem: str
) -> None:
    with pytest.raises(StoreError, match=problem):
        layout.entry_of(measurement, recorded_at=NOON, run_id="1", attempt=1)


@pytest.mark.parametrize(
    ("run_id", "attempt"), [("", 1), ("../1", 1), ("1.2", 1), ("x" * 65, 1), ("1", 0)]
)
def test_a_run_id_can_not_leave_its_folder(run_id: str, attempt: int) -> None:
    with pytest.raises(StoreError, match="can't be named"):
        layout.entry_of(measured(), recorded_at=NOON, run_id=run_id, attempt=attempt)


def test_a_moment_that_is_none_is_refused() -> None:
    path, raw = layout.entry_of(measured(), recorded_at=NOON, run_id="1", attempt=1)

    with pytest.raises(StoreError, match=r"^here: 20269901T120000Z is no moment"):
        layout.stored_run_of(path.replace("0101T", "9901T"), raw, name="here")
