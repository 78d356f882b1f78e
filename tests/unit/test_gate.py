"""What the flow refuses before anything is judged."""

from __future__ import annotations

from dataclasses import replace

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
