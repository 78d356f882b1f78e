"""What ``make trust`` counts on pairs of rounds."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchgate.documents import run as document
from scripts.trust import page, pairs
from scripts.trust.pairs import Rounds, called, exchanges, figures_of, recorded_runs
from tests.builders import paired

OWN = Path(__file__).parents[3] / "examples" / "recordings" / "trust"
RECORDED = Path(__file__).parents[4] / "shared/data/pull-requests"


def quiet(rounds: int = 12, *, raw: bool = False) -> Rounds:
    rng = np.random.RandomState(3)
    base = np.sort(np.exp(rng.normal(0, 0.01, (3, rounds, 5))), axis=2)
    head = np.sort(np.exp(rng.normal(0, 0.01, (3, rounds, 5))), axis=2)
    return Rounds(
        "quiet",
        ("a", "b", "c"),
        base,
        head,
        np.stack([base, head]) if raw else None,
        slow={},
    )


def test_a_slowdown_is_called_by_its_name() -> None:
    rounds = quiet(raw=True)
    head = rounds.head * np.array([1.0, 1.5, 1.0]).reshape(3, 1, 1)
    assert rounds.raw is not None
    slow = replace(rounds, head=head, raw=np.stack([rounds.raw[0], head]))

    found = called(slow)

    assert found["benchgate, 1%"] == {"b"}
    assert found["ratio of means × 1.10"] == {"b"}
    assert found["ratio of means × 2.00"] == frozenset()


def test_rules_over_single_measurements_are_left_out_where_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairs, "_REPLICAS", 6)
    monkeypatch.setattr(pairs, "_SLOWED", 2)

    found = figures_of([quiet()])

    assert "bootstrap, pooled, 5 %" not in found
    assert found["benchgate, 1%"].failed == 0.0
    assert found["benchgate, 1%"].power[3] == 1.0


def test_the_same_rounds_are_exchanged_every_time() -> None:
    once, again = exchanges(8, 3), exchanges(8, 3)

    assert [a.tolist() for a in once] == [b.tolist() for b in again]
    assert len({tuple(a.tolist()) for a in once}) == 3


def test_a_run_document_becomes_rounds(tmp_path: Path) -> None:
    slices = [(1.0, 1.1, 1.2, 1.3, 1.4)] * 3
    measured = paired({"a": slices, "b": slices}, {"a": slices, "b": slices})
    raw = gzip.compress(document.encode(measured))
    (tmp_path / "busy-a.run.json.gz").write_bytes(raw)
    alone = document.encode(replace(measured, base=None))
    (tmp_path / "busy-b.run.json.gz").write_bytes(gzip.compress(alone))

    (found,) = recorded_runs(tmp_path)

    assert (found.name, found.benchmarks) == ("busy-a", ("a", "b"))
    assert found.base.shape == (2, 3, 5)
    assert found.raw is None


def test_the_page_says_what_our_own_recordings_give_today() -> None:
    own = list(recorded_runs(OWN))

    found = pairs.averaged([pairs.our_figures(rounds, 0.01) for rounds in own])

    *_, row = page.pairs_table({"benchgate, 1%": found}).splitlines()
    assert row in page.table_in(page.PAGE.read_text(), "own pairs")


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no ../shared beside the checkout")
def test_the_page_says_what_is_called_today() -> None:
    recorded = list(pairs.recorded_pull_requests(RECORDED))

    table = page.truth_table(recorded).splitlines()

    assert table == page.table_in(page.PAGE.read_text(), "known truth")
