"""A calibrated factor is written into ``benchgate.yml``, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.config import decode, with_widen
from benchgate.errors import ConfigError

NOTE = "calibrated 2026-11-23 on 100 runs"
LINE = f"widen: 1.15  # {NOTE}"
NEW = f"policy:\n  {LINE}\n"


def edited(text: str, factor: float = 1.15) -> str:
    return with_widen(text.encode(), factor, note=NOTE, name="x.yml").decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", NEW),
        ("# ours\n", f"# ours\n{NEW}"),
        ("# no end", f"# no end\n{NEW}"),
        (
            "measure: {budget: 5m}  # short\n",
            f"measure: {{budget: 5m}}  # short\n{NEW}",
        ),
        (
            "policy:\n  false_alarms: 5%  # why\n",
            f"policy:\n  {LINE}\n  false_alarms: 5%  # why\n",
        ),
        (
            "policy: # ours\n\n    # why\n    on_weak: warn\n# end\n",
            f"policy: # ours\n    {LINE}\n\n    # why\n    on_weak: warn\n# end\n",
        ),
        (
            "policy: {on_weak: warn}  # ours\nrenames: {}",
            "policy: {widen: 1.15, on_weak: warn}  # ours\nrenames: {}",
        ),
        ("policy: {}\n", "policy: {widen: 1.15}\n"),
        (
            "policy:\n  widen: 1.3  # calibrated on 3 runs\n  on_weak: warn\n",
            f"policy:\n  {LINE}\n  on_weak: warn\n",
        ),
        ("policy:\n  widen: 1.3\n", f"policy:\n  {LINE}\n"),
        (
            "policy:\n  widen: 1.3  # by hand\n",
            "policy:\n  widen: 1.15  # by hand\n",
        ),
        ("policy: {widen: 1.3, on_weak: warn}", "policy: {widen: 1.15, on_weak: warn}"),
        ('"policy":\n  on_weak: warn\n', f'"policy":\n  {LINE}\n  on_weak: warn\n'),
    ],
)
def test_one_line_is_added_or_one_number_changed(before: str, after: str) -> None:
    assert edited(before) == after
    assert decode(after.encode(), name="x.yml").policy.widen == 1.15


def test_the_line_ends_of_windows_and_a_byte_order_mark_stay() -> None:
    text = "\ufeffpolicy:\r\n  on_weak: warn\r\n"

    assert edited(text) == f"\ufeffpolicy:\r\n  {LINE}\r\n  on_weak: warn\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "{measure: {budget: 5m}}",
        "measure: {budget: 5m}\n...\n",
        "? policy\n: on_weak: warn\n",
        "policy: &ours {on_weak: warn}",
        "measure: &x {budget: 5m}\npolicy:\n",
    ],
)
def test_a_file_that_is_laid_out_oddly_is_refused_and_not_guessed_at(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        edited(text)

    assert caught.value.problem.startswith("x.yml:")
    assert caught.value.hint


def test_the_odd_layout_says_what_to_write_by_hand() -> None:
    with pytest.raises(ConfigError) as caught:
        edited("{}")

    assert caught.value.problem == (
        "x.yml: is laid out so that it can't be edited safely"
    )
    assert caught.value.hint == "write `widen: 1.15` under `policy` yourself"


LINES = st.lists(
    st.sampled_from(
        [
            "measure: {budget: 5m}",
            "renames: {a: b}",
            "# a comment",
            "",
            "policy:\n  on_weak: warn",
            "policy:\n    # why\n    margins:\n        time: 3%",
            "policy: {false_alarms: 5%}",
            "policy:\n  widen: 1.3",
            "suites:\n  load:\n    tool: criterion\n    command: |\n      a\n      b\n",
        ]
    ),
    unique_by=lambda line: line.partition(":")[0],
)


@given(LINES, st.integers(20, 40))
def test_every_line_that_was_there_is_there_again(lines: list[str], step: int) -> None:
    text = "\n".join(lines)

    after = edited(text, step / 20)

    inline = after.replace(f"widen: {step / 20:.3g}, ", "")
    kept = [line for line in text.splitlines() if "widen" not in line]
    assert [line for line in inline.splitlines() if line in kept] == kept
    assert decode(after.encode(), name="").policy.widen == step / 20


@pytest.mark.parametrize("text", ["0.9", "2.1", "two", "true", ".nan", "1e1", "'1.5'"])
def test_a_factor_is_a_number_from_one_to_two(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a number from 1 to 2"):
        decode(f"policy: {{widen: {text}}}".encode(), name="x.yml")
