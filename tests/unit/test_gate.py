"""What the flow refuses before anything is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchgate import config, gate
from benchgate.errors import FormatError
from tests.builders import paired


def test_pairs_of_which_one_is_missing_are_refused() -> None:
    measured = paired({"a": [1.0, 1.0]}, {"a": [1.0, 1.0]})
    lost = replace(
        measured, head=replace(measured.head, rounds=measured.head.rounds[:1])
    )

    with pytest.raises(
        FormatError, match=r"^2 rounds of the base and 1 of the head are"
    ):
        gate.judge_measurement(lost, config.default())


def rounds_of(
    seed: int, *, factor: float, noise: float, rounds: int = 20
) -> list[float]:
    rng = np.random.default_rng(seed)
    return list((factor * np.exp(noise * rng.standard_normal(rounds))).tolist())


def open_ones(factor: float, noise: float) -> set[tuple[str, str]]:
    """Return what is still open of one benchmark after the first of three looks."""
    measured = paired(
        {"a": rounds_of(1, factor=1.0, noise=noise)},
        {"a": rounds_of(2, factor=factor, noise=noise)},
    )
    return gate.still_open(replace(measured, share_of_error=0.2), config.default())


def test_what_is_settled_is_not_open() -> None:
    assert open_ones(1.0, 0.001) == set()


def test_what_the_last_look_can_settle_is_open() -> None:
    assert open_ones(1.02, 0.02) == {("micro", "a")}


def test_what_looks_much_slower_is_open_though_its_noise_is_large() -> None:
    assert open_ones(1.25, 0.3) == {("micro", "a")}


def test_what_no_look_can_settle_is_given_up() -> None:
    assert open_ones(1.0, 0.3) == set()
