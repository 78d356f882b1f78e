from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from benchgate import config
from benchgate.config import Config, Suite
from benchgate.errors import ToolError
from benchgate.measure import host, micro, pairs
from benchgate.measure.micro import matched
from benchgate.measure.pairs import Comparison, Guidance, shares_of_error
from benchgate.measure.plan import Checkout, Plan, Workshop, last_lines
from benchgate.model import (
    ONE_VALUE,
    Better,
    Commit,
    Doubt,
    Environment,
    Failure,
    Kind,
    Measurement,
    Metric,
    Round,
    Sample,
    SeriesKey,
    Side,
    Statistic,
    Unit,
)

TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
SUITE = Suite(name="s", tool="criterion")
Open = Callable[[Measurement], set[tuple[str, str]]]


def round_of(*names: str) -> Round:
    sample = Sample(TIME, ONE_VALUE, (1.0,), Statistic.VALUE, 1)
    return Round({SeriesKey("s", name, "time"): sample for name in names})


@dataclass
class Silent:
    """A listener that remembers."""

    said: list[str] = field(default_factory=list)
    advanced: int = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, *, rounds: int, **_: float) -> None:
        self.advanced = rounds


@dataclass
class Fake:
    """A suite that measures what it is asked for, and remembers what that was."""

    benchmarks: frozenset[str] = frozenset({"a", "b"})
    before: tuple[Round, Round] = (Round({}), Round({}))
    takes: float = 0.0
    fails_at: int = -1
    asked: list[list[str]] = field(default_factory=list)
    coins: list[float] = field(default_factory=list)
    closed: bool = False

    def first(self, **_: float) -> tuple[Round, Round]:
        return self.before

    def pair(
        self,
        rng: random.Random,
        *,
        number: int,
        wanted: Collection[str],
        **_: float,
    ) -> tuple[Round, Round]:
        self.asked.append(sorted(wanted))
        self.coins.append(rng.random())
        time.sleep(self.takes)
        if number == self.fails_at:
            raise KeyboardInterrupt
        return round_of(*wanted), round_of(*wanted)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeLinked(Fake):
    """A suite of executables that were linked; ``slow`` seconds take its last pairs."""

    read: dict[str, float] = field(default_factory=lambda: {"a": 0.2})
    slow: float = 0.0
    as_built: list[list[str]] = field(default_factory=list)

    def built(self, benchmark: str) -> dict[Side, object]:
        raise NotImplementedError(benchmark)

    def read_as_built(self) -> dict[str, float]:
        return self.read

    def pair_as_built(
        self, rng: random.Random, *, wanted: Collection[str], deadline: float
    ) -> tuple[Round, Round]:
        assert rng.random() < 1 < deadline
        time.sleep(self.slow)
        self.as_built.append(sorted(wanted))
        failed = Round({}, (Failure("s", "a", "head: it ended"),))
        return round_of(*wanted), replace(round_of(*wanted), failures=failed.failures)


def surprised(*names: str) -> Guidance:
    """Return the guidance to run *names* as they were built."""
    found = [("s", name) for name in names]
    return Guidance(nothing_open, surprises_in=lambda _, __: found)


@pytest.fixture
def comparison_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Comparison]:
    """Return what makes a comparison of a fake suite."""
    monkeypatch.setattr(host, "environment", lambda _: Environment(arch="z80"))

    def make(
        suite: Fake, *, looks: tuple[int, ...] = (2, 4), head: str = "h"
    ) -> Comparison:
        settings: Config = config.default()
        measure = replace(settings.measure, looks=looks, budget=60.0)
        settings = replace(settings, measure=measure)
        monkeypatch.setattr(micro, "MicroPairs", lambda *_: suite)
        workshop = Workshop(settings, tmp_path, tmp_path, Silent())
        sides = [
            Checkout(side, Commit(sha), tmp_path, tmp_path)
            for side, sha in ((Side.BASE, "b"), (Side.HEAD, head))
        ]
        return Comparison(Plan(workshop, *sides), left_out=())

    return make


def nothing_open(_: Measurement) -> set[tuple[str, str]]:
    return set()


def all_open(_: Measurement) -> set[tuple[str, str]]:
    return {("s", "a"), ("s", "b")}


@pytest.mark.parametrize("looks", range(1, 8))
def test_the_shares_of_all_looks_make_the_whole(looks: int) -> None:
    shares = shares_of_error(looks)

    assert len(shares) == looks
    assert sum(shares) == pytest.approx(1.0)
    assert list(shares) == sorted(shares)


def test_what_is_settled_at_the_first_look_ends_there(
    comparison_of: Callable[..., Comparison],
) -> None:
    suite = Fake()

    measurement = comparison_of(suite).run([SUITE], Guidance(nothing_open))

    assert suite.asked == [["a", "b"]] * 2
    assert measurement.share_of_error == 0.4
    assert suite.closed


def test_what_is_open_goes_on_to_the_last_look(
    comparison_of: Callable[..., Comparison],
) -> None:
    suite = Fake()

    measurement = comparison_of(suite).run(
        [SUITE], Guidance(lambda _: {("s", "b"), ("x", "a")})
    )

    assert suite.asked == [["a", "b"]] * 2 + [["b"]] * 2
    assert measurement.share_of_error == 0.6
    assert [len(r.samples) for r in measurement.head.rounds] == [2, 2, 1, 1]


def test_a_load_test_goes_on_whole(comparison_of: Callable[..., Comparison]) -> None:
    suite = Fake(frozenset({"*"}))

    comparison_of(suite).run([SUITE], Guidance(lambda _: {("s", "GET /cart")}))

    assert suite.asked == [["*"]] * 4


def test_equal_commits_give_equal_orders(
    comparison_of: Callable[..., Comparison],
) -> None:
    suites = [Fake(), Fake(), Fake()]

    comparison_of(suites[0]).run([SUITE], Guidance(all_open))
    comparison_of(suites[1]).run([SUITE], Guidance(all_open))
    comparison_of(suites[2], head="other").run([SUITE], Guidance(all_open))

    assert suites[0].coins == suites[1].coins
    assert suites[0].coins != suites[2].coins
    assert len(set(suites[0].coins)) == 4


def test_what_was_learnt_before_belongs_to_the_first_round(
    comparison_of: Callable[..., Comparison],
) -> None:
    failure = Failure("s", "ill", "head: it panicked")
    before = (round_of("gone"), replace(round_of("new"), failures=(failure,)))

    measurement = comparison_of(Fake(before=before)).run(
        [SUITE], Guidance(nothing_open)
    )

    assert measurement.base is not None
    assert SeriesKey("s", "gone", "time") in measurement.base.rounds[0].samples
    assert measurement.head.rounds[0].failures == (failure,)
    assert measurement.head.rounds[0].started_at is not None
    assert len(measurement.head.rounds) == 2


def test_without_a_benchmark_in_common_what_failed_is_still_told(
    comparison_of: Callable[..., Comparison],
) -> None:
    failure = Failure("s", "", "head: it can't list its benchmarks")
    before = (Round({}), Round({}, (failure,)))
    suite = Fake(frozenset(), before)

    measurement = comparison_of(suite).run([SUITE], Guidance(nothing_open))

    assert [r.failures for r in measurement.head.rounds] == [(failure,)]
    assert suite.asked == []


def test_whole_rounds_survive_an_interruption(
    comparison_of: Callable[..., Comparison],
) -> None:
    suite = Fake(fails_at=2)
    comparison = comparison_of(suite, looks=(4,))

    with pytest.raises(KeyboardInterrupt):
        comparison.run([SUITE], Guidance(nothing_open))
    comparison.stopped()

    measurement = comparison.measurement()
    assert measurement.base is not None
    assert len(measurement.base.rounds) == len(measurement.head.rounds) == 2
    last = measurement.head.rounds[-1]
    assert last.doubts == (Doubt("measuring was stopped after 2 rounds"),)
    assert suite.closed


def test_the_budget_ends_it_with_a_doubt(
    comparison_of: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 20))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))

    measurement = comparison_of(Fake(), looks=(90,)).run(
        [SUITE], Guidance(nothing_open)
    )

    (doubt,) = measurement.head.rounds[-1].doubts
    assert doubt.text == (
        "the budget of 60.0 s was used up after 1 round with 2 still open: raise "
        "`measure.budget`, or pass --budget"
    )


def test_a_budget_too_small_for_one_round_is_an_error(
    comparison_of: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))

    with pytest.raises(ToolError, match="was used up before the first round"):
        comparison_of(Fake()).run([SUITE], Guidance(nothing_open))


def test_each_side_has_an_environment_of_its_own(
    comparison_of: Callable[..., Comparison],
) -> None:
    measurement = comparison_of(Fake()).run([SUITE], Guidance(nothing_open))

    assert measurement.base is not None
    assert measurement.base.environment.arch == "z80"


@pytest.mark.parametrize(
    ("base", "head", "renames", "expected"),
    [
        (["a", "b"], ["b", "a"], {}, [("a", "a"), ("b", "b")]),
        (["a", "b"], ["b"], {}, [("b", "b")]),
        (["old"], ["new"], {"old": "new"}, [("old", "new")]),
        (["old", "new"], ["new"], {"old": "new"}, [("new", "new")]),
        (["old"], ["old"], {"old": "new"}, []),
    ],
)
def test_benchmarks_are_matched_by_their_present_names(
    base: list[str],
    head: list[str],
    renames: dict[str, str],
    expected: list[tuple[str, str]],
) -> None:
    assert matched(base, head, renames) == expected


def test_the_last_lines_are_few_and_short() -> None:
    assert last_lines("a\n" * 100 + "\n\n").count("\n") == 29
    assert len(last_lines("x" * 100_000)) == 8_000


def test_what_surprises_is_run_as_built(
    comparison_of: Callable[..., Comparison],
) -> None:
    suite = FakeLinked()

    measurement = comparison_of(suite).run([SUITE], surprised("a"))

    assert suite.as_built == [["a"]] * 8
    assert measurement.as_built is not None
    base, head = measurement.as_built
    assert (base.commit.sha, head.commit.sha) == ("b", "h")
    assert [list(r.samples) for r in head.rounds] == [[SeriesKey("s", "a", "time")]] * 8
    assert not any(r.failures for r in head.rounds)


def test_who_asks_for_surprises_is_told_what_the_builds_read(
    comparison_of: Callable[..., Comparison],
) -> None:
    told: list[dict[tuple[str, str], float]] = []

    def remember(
        _: Measurement, read: Mapping[tuple[str, str], float]
    ) -> list[tuple[str, str]]:
        told.append(dict(read))
        return []

    guidance = Guidance(nothing_open, surprises_in=remember)

    measurement = comparison_of(FakeLinked()).run([SUITE], guidance)

    assert told == [{("s", "a"): 0.2}]
    assert measurement.as_built is None


def test_one_layout_for_all_leaves_nothing_to_run_as_built(
    comparison_of: Callable[..., Comparison],
) -> None:
    suite = FakeLinked(read={})

    comparison_of(suite).run([SUITE], surprised("a"))

    assert suite.as_built == []


def test_what_is_run_as_built_keeps_to_its_time(
    comparison_of: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_AS_BUILT_WITHIN", 0.01)
    suite = FakeLinked(slow=0.02)

    measurement = comparison_of(suite).run([SUITE], surprised("a"))

    assert len(suite.as_built) == 1
    assert measurement.as_built is None
