"""A calibration as people see it."""

from __future__ import annotations

import glob
from dataclasses import replace

import pytest

from benchgate import config, judge
from benchgate.commands.calibration_text import counted, lines_of, name_of
from benchgate.history.calibration import Calibration, FalseAlarm, Without
from benchgate.model import Better, Kind, Metric, SeriesKey, Unit
from tests.golden import check_golden

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)


def key(benchmark: str, metric: str = "time") -> SeriesKey:
    return SeriesKey("micro", benchmark, metric)


QUIET = Calibration(
    name="stored runs",
    runs=61,
    recent=61,
    environments=1,
    series=3,
    heads=1,
    level=0.01,
    pull_requests=22,
    failed=0,
    share=0.0,
    interval=(0.0, 0.154),
    power=((0.02, 0.0), (0.05, 0.31), (0.1, 0.995), (0.25, 1.0)),
    power_of_three=((0.02, 0.004), (0.05, 0.6), (0.1, 1.0), (0.25, None)),
    detectable=(
        (key("json/parse"), 0.081),
        (key("http", "requests/s"), 0.042),
        (key("sort"), None),
    ),
    widen=1.0,
    alarms=(),
    without=None,
)
LOUD = replace(
    QUIET,
    runs=400,
    recent=140,
    environments=3,
    series=9,
    pull_requests=100,
    failed=7,
    share=0.07,
    interval=(0.0286, 0.1389),
    detectable=tuple((key(f"b{i}"), 12.0 / (i + 1) ** 3) for i in range(9)),
    widen=1.35,
    alarms=(
        FalseAlarm("3f2a" * 10, key("b0"), 0.31),
        FalseAlarm("", key("b1"), 0.06),
    ),
    without=Without((key("b0"), key("b1")), failed=1, pull_requests=98),
)


def text_of(found: Calibration, *, verbose: bool = False) -> str:
    return "\n".join(lines_of(found, verbose=verbose)) + "\n"


@pytest.mark.parametrize(
    ("name", "found", "verbose"),
    [
        ("calibration-quiet.txt", QUIET, False),
        ("calibration-loud.txt", LOUD, False),
        ("calibration-loud-verbose.txt", LOUD, True),
        ("calibration-three.txt", replace(QUIET, heads=3, power_of_three=None), True),
    ],
)
def test_it_reads_as_it_always_did(
    name: str,
    found: Calibration,
    verbose: bool,  # noqa: FBT001 - a case
) -> None:
    check_golden(text_of(found, verbose=verbose), name)


def test_no_line_is_wider_than_a_terminal() -> None:
    lines = text_of(LOUD, verbose=True).splitlines()

    assert max(map(len, lines)) <= 88


def test_a_few_false_alarms_may_be_luck() -> None:
    lucky = replace(QUIET, failed=1, share=1 / 22)

    assert "1 where 0.22 are allowed may be luck" in text_of(lucky)


def test_where_everything_is_seen_no_pairs_are_proposed() -> None:
    assert "pairs help most" not in text_of(QUIET)


def test_a_name_that_commands_the_terminal_is_written_out() -> None:
    hostile = replace(QUIET, name="a\x1b[2J", detectable=((key("b\n\x1b[31m"), 0.1),))

    text = text_of(hostile)

    assert "\x1b" not in text
    assert r"b\n\x1b[31m" in text


def test_a_pattern_that_is_advised_names_that_benchmark_and_no_other() -> None:
    name = 'a*"[b]: {blocking: false}, "*\U0001f600' + "x" * 200
    loud = replace(LOUD, without=Without((key(name),), failed=1, pull_requests=98))

    (line,) = (x for x in text_of(loud).splitlines() if x.startswith('        "'))
    advice = f"policy:\n  series:\n{line}\n"
    policy = config.decode(advice.encode(), name="advice").policy

    assert [rule.pattern for rule in policy.series] == [glob.escape(f"micro:{name}")]
    assert not judge.blocks(key(name), TIME, policy)


def test_the_widest_factor_is_not_promised_to_be_enough() -> None:
    text = text_of(replace(LOUD, widen=2.0))

    assert "2 times as wide are the most that the policy takes" in " ".join(
        text.split()
    )
    assert "no more than" not in text


def test_what_is_printed_as_ten_percent_is_not_called_more() -> None:
    found = replace(QUIET, detectable=((key("a"), 0.104), (key("b"), 0.11)))

    text = text_of(found)

    assert "+10 %  a" in text
    assert "1 of 2 can't show +10 % reliably" in text


def test_the_metric_is_said_where_it_is_not_time() -> None:
    assert name_of(key("a")) == "a"
    assert name_of(key("a", "score")) == "a score"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs")]
)
def test_one_is_no_plural(count: int, text: str) -> None:
    assert counted(count, "run") == text
