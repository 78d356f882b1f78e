"""Rounds in pairs → how often each rule fails harmless ones, and what it finds.

Harmless rounds are made from recorded ones: where base and head are the same program,
the sides of whole rounds may be exchanged without changing anything. So a seeded coin
for each round gives as many clean comparisons as are wanted, with all the noise of
the machine. A slowdown is put in by multiplying one benchmark's head.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchgate.documents.run import decode
from benchgate.model import SLICE_STATISTICS, Kind, Sample, SeriesKey
from benchgate.stats.many import holm
from benchgate.stats.pairs import pair_logs, quiet_pairs
from benchgate.stats.slices import statistics_of_slices
from scripts.trust.histories import Figures, threshold_at
from scripts.trust.peers import SAMPLE_RULES, Floats, SampleRule, mann_whitney, paired_t

Flags = npt.NDArray[np.bool_]
Score = Callable[[Floats, Floats], Floats]

EFFECTS = (0.02, 0.05, 0.10, 0.20)
LEVELS = (0.05, 0.01)
MARGIN = math.log1p(0.02)
# Clean replicas, and those of them into which slowdowns are put as well.
_REPLICAS = 200
_SLOWED = 50
# The bootstrap of pooled measurements is slow, and its figures are far from close.
_POOLED_REPLICAS = 20
_MEAN, _MEDIAN, _MINIMUM = 4, 3, 0
_EQUAL = 0.05


@dataclass(frozen=True, slots=True)
class Rounds:
    """Benchmarks measured in pairs.

    ``base`` and ``head``: statistics, shape (series, rounds, 5).
    ``raw``: both sides' single measurements, shape (2, series, rounds, measurements),
    None where a recording keeps statistics only.
    ``slow``: by how many percent each benchmark of the head was truly slowed.
    ``layout``: the code of the head lies elsewhere, and does the same.
    """

    name: str
    benchmarks: tuple[str, ...]
    base: Floats
    head: Floats
    raw: Floats | None
    slow: Mapping[str, float]
    layout: bool = False


def recorded_runs(folder: Path) -> Iterator[Rounds]:
    """Yield the rounds of each run document in *folder*; both sides are one program."""
    for place in sorted(folder.glob("busy-*.run.json.gz")):
        rounds = rounds_of(place)
        if rounds is not None:
            yield rounds


def rounds_of(place: Path) -> Rounds | None:
    """Return the rounds of the run document *place*, None where it has no base."""
    document = decode(gzip.decompress(place.read_bytes()), name=place.name)
    if document.base is None:
        return None
    sides = [
        [_samples(r.samples) for r in run.rounds]
        for run in (document.base, document.head)
    ]
    # What a round lost on one side has no pair.
    shared = set.intersection(*(set(r) for side in sides for r in side))
    keys = sorted(shared)
    base, head = (
        np.array([[r[key].values for r in side] for key in keys]) for side in sides
    )
    return Rounds(
        place.name.removesuffix(".run.json.gz"),
        tuple(key.benchmark for key in keys),
        base,
        head,
        raw=None,
        slow={},
    )


def _samples(readings: Mapping[SeriesKey, object]) -> dict[SeriesKey, Sample]:
    return {
        key: reading
        for key, reading in readings.items()
        if isinstance(reading, Sample)
        and reading.metric.kind is Kind.TIME
        and reading.statistics == SLICE_STATISTICS
    }


def recorded_pull_requests(folder: Path) -> Iterator[Rounds]:
    """Yield the pull requests of known truth in *folder*, with their measurements."""
    lines = (folder / "truth.jsonl").read_text().splitlines()
    truths = {truth["pr"]: truth for truth in map(json.loads, lines)}
    for place in sorted(folder.glob("micro-*.json.gz")):
        slices = json.loads(gzip.decompress(place.read_bytes()))
        number = int(place.name[6:9])
        base, head = (
            np.array([_statistics(of_both[side]) for of_both in slices.values()])
            for side in ("base", "head")
        )
        yield Rounds(
            f"pull request {number}",
            tuple(slices),
            base,
            head,
            raw=np.array(
                [
                    [
                        [np.divide(times, counts) for counts, times in of_both[side]]
                        for of_both in slices.values()
                    ]
                    for side in ("base", "head")
                ]
            ),
            slow=truths[number]["slow"],
            layout=truths[number]["layout"],
        )


def _statistics(slices: Sequence[tuple[list[float], list[float]]]) -> Floats:
    found = statistics_of_slices([(times, counts) for counts, times in slices])
    return np.array(found)


def figures_of(clean: Sequence[Rounds]) -> dict[str, Figures]:
    """Return the figures of each rule over recordings of an unchanged program."""
    found = {}
    for level in LEVELS:
        found[f"benchgate, {level:.0%}"] = averaged(
            [our_figures(r, level) for r in clean]
        )
        for name, statistic in (("means", _MEAN), ("minima", _MINIMUM)):
            made = [_paired_t(rounds, level, statistic) for rounds in clean]
            found[f"paired t of {name}, Holm {level:.0%}"] = averaged(made)
        ranked = [_ranked(rounds, level) for rounds in clean]
        found[f"U test of slice medians, Holm {level:.0%}"] = averaged(ranked)
    for rule in SAMPLE_RULES:
        usable = [r for r in clean if r.raw is not None or not rule.pooled]
        if usable:
            found[rule.name] = averaged([_peer(rounds, rule) for rounds in usable])
    return found


def averaged(made: Sequence[Figures]) -> Figures:
    """Return the means over recordings."""
    return Figures(
        float(np.mean([figures.failed for figures in made])),
        tuple(np.mean([figures.power for figures in made], axis=0).tolist()),
        tuple(np.mean([figures.equal for figures in made], axis=0).tolist()),
    )


def exchanges(rounds: int, count: int) -> list[Flags]:
    """Return for each of *count* replicas which rounds swap their sides."""
    rng = np.random.RandomState(0)
    return [rng.randint(0, 2, rounds).astype(bool) for _ in range(count)]


def _swapped(base: Floats, head: Floats, swap: Flags) -> tuple[Floats, Floats]:
    """Return both sides with the rounds of *swap* exchanged; rounds are axis 1."""
    mask = swap.reshape(1, -1, *[1] * (base.ndim - 2))
    return np.where(mask, head, base), np.where(mask, base, head)


def _replayed(
    sides: tuple[Floats, Floats], score: Score, *, threshold: float, count: int
) -> Figures:
    """Return the figures of the rule *score* on *count* replicas of *sides*.

    All series are slowed at once, as each is judged by itself.
    """
    clean, slowed = [], []
    for number, swap in enumerate(exchanges(sides[0].shape[1], count)):
        base, head = _swapped(*sides, swap)
        clean.append(float(score(base, head).max()))
        if number < _SLOWED:
            slowed.append([score(base, head * (1 + effect)) for effect in EFFECTS])
    worst, scores = np.array(clean), np.array(slowed)
    equal = threshold_at(worst, _EQUAL)
    return Figures(
        float((worst > threshold).mean()),
        tuple((scores > threshold).mean(axis=(0, 2)).tolist()),
        tuple((scores > equal).mean(axis=(0, 2)).tolist()),
    )


def our_figures(rounds: Rounds, level: float) -> Figures:
    """Return the figures of quiet pairs at *level* over all series of *rounds*."""

    def score(base: Floats, head: Floats) -> Floats:
        raw, beyond = _tests(base, head, level)
        return np.where(beyond, -np.log10(np.maximum(raw * len(raw), 1e-300)), -np.inf)

    # With one series slowed and all others clean, Holm's limit is Bonferroni's.
    return _replayed(
        (rounds.base, rounds.head),
        score,
        threshold=-math.log10(level),
        count=_REPLICAS,
    )


def _tests(base: Floats, head: Floats, level: float) -> tuple[Floats, Flags]:
    """Return the p of each series, and whether its change is beyond the margin."""
    effects = [
        found.effect
        for found in quiet_pairs(
            pair_logs(base.tolist(), head.tolist()),
            signs=[1.0] * len(base),
            level=level / len(base),
        )
    ]
    raw = np.array([effect.p_slower for effect in effects])
    return raw, np.array([effect.theta for effect in effects]) > MARGIN


def _paired_t(rounds: Rounds, level: float, statistic: int) -> Figures:
    sides = (rounds.base[:, :, statistic], rounds.head[:, :, statistic])
    limit = -math.log10(level / len(rounds.benchmarks))
    return _replayed(sides, paired_t, threshold=limit, count=_REPLICAS)


def _ranked(rounds: Rounds, level: float) -> Figures:
    sides = (rounds.base[:, :, _MEDIAN], rounds.head[:, :, _MEDIAN])
    return _replayed(
        sides, mann_whitney, threshold=_rank_limit(rounds, level), count=_REPLICAS
    )


def _rank_limit(rounds: Rounds, level: float) -> float:
    """Return the -log10 of the two-sided p that one of all the tests may reach."""
    return -math.log10(2 * level / len(rounds.benchmarks))


def _peer(rounds: Rounds, rule: SampleRule) -> Figures:
    def score(base: Floats, head: Floats) -> Floats:
        return rule.score(*(side.reshape(len(side), -1) for side in (base, head)))

    return _replayed(
        _sides(rounds, rule),
        score,
        threshold=rule.threshold,
        count=_POOLED_REPLICAS if rule.pooled else _REPLICAS,
    )


def _sides(rounds: Rounds, rule: SampleRule) -> tuple[Floats, Floats]:
    if rule.pooled and rounds.raw is not None:
        return rounds.raw[0], rounds.raw[1]
    return rounds.base[:, :, rule.statistic], rounds.head[:, :, rule.statistic]


def called(rounds: Rounds) -> dict[str, frozenset[str]]:
    """Return which benchmarks each rule calls slower, of *rounds* as recorded."""
    found = {}
    for level in LEVELS:
        raw, beyond = _tests(rounds.base, rounds.head, level)
        adjusted = np.array(holm(raw.tolist(), tests=len(raw)))
        found[f"benchgate, {level:.0%}"] = _named(rounds, (adjusted < level) & beyond)
    limit = -math.log10(LEVELS[0] / len(rounds.benchmarks))
    for name, statistic in (("means", _MEAN), ("minima", _MINIMUM)):
        strength = paired_t(rounds.base[:, :, statistic], rounds.head[:, :, statistic])
        found[f"paired t of {name}, Holm 5%"] = _named(rounds, strength > limit)
    strength = mann_whitney(rounds.base[:, :, _MEDIAN], rounds.head[:, :, _MEDIAN])
    limit = _rank_limit(rounds, LEVELS[0])
    found["U test of slice medians, Holm 5%"] = _named(rounds, strength > limit)
    for rule in SAMPLE_RULES:
        base, head = (side.reshape(len(side), -1) for side in _sides(rounds, rule))
        found[rule.name] = _named(rounds, rule.score(base, head) > rule.threshold)
    return found


def _named(rounds: Rounds, flags: Flags) -> frozenset[str]:
    pairs = zip(rounds.benchmarks, flags.tolist(), strict=True)
    return frozenset(name for name, flag in pairs if flag)
