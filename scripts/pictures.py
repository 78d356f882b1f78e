"""Recorded data → the pictures of ``docs/method.md``; ``make pictures`` calls it.

Everything that is drawn is computed by the code that judges pull requests. The same
data give the same bytes.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchgate.history import History
from benchgate.history.tables import read_histories
from benchgate.model import Better, Effect
from benchgate.stats.effects import effect_of_mean
from benchgate.stats.pairs import QuietPairs, pair_logs, quiet_pairs
from benchgate.stats.replay import WINDOW
from benchgate.stats.shared import common_mode
from benchgate.stats.window import fit_window, nan_median
from scripts import svg
from scripts.trust.pairs import Rounds, recorded_runs, rounds_of

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
RECORDINGS = ROOT / "examples" / "recordings" / "trust"
LAYOUTS = ROOT / "examples" / "recordings" / "layout"
_RECORDING = "busy-1"
_BENCHMARK = "cart/parse"
_ALLOWED = 0.01
_MARGIN = math.log1p(0.02)
_PLANTED = 0.05
# The clearest public case: another engine, which this project can't make slower.
_HISTORY, _SERIES, _HEAD = "boa", "score:v8-jitless", 2000

# --- pairs ---


@dataclass(frozen=True, slots=True)
class Pairs:
    """One benchmark in pairs: logarithms of its chosen statistic, shape (rounds,).

    ``found`` is what benchgate says, ``alike`` what the same pairs say if all of
    them weigh the same.
    """

    base: Floats
    head: Floats
    found: QuietPairs
    alike: Effect

    @property
    def differences(self) -> list[float]:
        """Return d of each pair."""
        return [float(d) for d in self.head - self.base]

    @property
    def noise(self) -> list[float]:
        """Return e of each pair: what its sum has above that of the quietest."""
        both = self.base + self.head
        return [float(e) for e in both - both.min()]


def all_pairs(rounds: Rounds, *, slower: float = 0.0) -> list[Pairs]:
    """Return the benchmarks of *rounds*, with every head *slower* by this fraction."""
    # Its benchmarks and the suite as a whole share what is allowed.
    level = _ALLOWED / (len(rounds.benchmarks) + 1)
    head = rounds.head * (1 + slower)
    series = pair_logs(rounds.base.tolist(), head.tolist())
    made = []
    for logs, found in zip(
        series,
        quiet_pairs(series, signs=[1.0] * len(series), level=level),
        strict=True,
    ):
        base, after = logs.base[found.statistic], logs.head[found.statistic]
        reference = math.log(float(logs.reference[found.statistic]))
        difference = after - base
        count = len(difference)
        alike = effect_of_mean(
            float(difference.mean()),
            spread=float(difference.std(ddof=1)),
            units=count,
            rounds=count,
            level=level,
        )
        made.append(Pairs(base + reference, after + reference, found, alike))
    return made


def is_found(effect: Effect) -> bool:
    """Say whether this is called slower: beyond the margin, and no accident."""
    return effect.theta > _MARGIN and effect.theta > effect.critical * effect.se


def machine(pairs: Pairs) -> str:
    """Return what a busy machine does to one program, and what each pair counts."""
    rounds = len(pairs.differences)
    x = svg.Axis(0.5, rounds + 0.5, 70, 845)
    y = svg.Axis(math.log(0.92e-6), math.log(1.75e-6), 300, 62)
    bars = svg.Axis(0, 1, 390, 345)
    parts = [
        svg.text(70, 22, "Time of one iteration, both sides the same program"),
        svg.dot(76, 43),
        svg.text(86, 47.5, "base", fill=svg.BASE),
        svg.diamond(137, 43),
        svg.text(147, 47.5, "head", fill=svg.HEAD),
        svg.text(845, 47.5, "large: quiet pair · faint: noisy pair", text_anchor="end"),
        *svg.up_ticks(
            y, 70, {math.log(t * 1e-6): f"{t:.1f} µs" for t in (1, 1.2, 1.4, 1.6)}
        ),
        svg.line(70, y.start, 845, y.start, opacity=0.5),
        *_marks_of_rounds(pairs, x, y),
        *_said_of_bursts(pairs, x, y),
        svg.text(70, 336, "Weight of each pair"),
        *svg.up_ticks(bars, 70, {0: "0", 1: "1"}),
        *(
            svg.line(x(i), bars(0), x(i), bars(w), stroke=svg.FOUND, stroke_width=9)
            for i, w in enumerate(pairs.found.weights, 1)
        ),
        svg.line(70, bars.start, 845, bars.start, opacity=0.5),
        *svg.along_ticks(x, bars.start, {n: str(n) for n in (1, 10, 20, 30, rounds)}),
        svg.text(457, 428, "round", text_anchor="middle"),
    ]
    return svg.document(
        "What a busy machine does to a program that doesn't change",
        f"The time of {_BENCHMARK} in {rounds} rounds, base and head. Most slices lie "
        "close to the same lowest time; in bursts of noise some are slower by a third "
        "and more, on one side or on both. Below, bars show that only rounds in which "
        "both sides are fast weigh much.",
        height=440,
        parts=parts,
    )


def _marks_of_rounds(pairs: Pairs, x: svg.Axis, y: svg.Axis) -> Iterator[str]:
    each = zip(pairs.base, pairs.head, pairs.found.weights, strict=True)
    for place, (base, head, weight) in enumerate(each, 1):
        at = x(place)
        yield svg.line(at, y(base), at, y(head), opacity=svg.opacity(weight) / 2)
        yield svg.dot(at, y(base), weight=weight)
        yield svg.diamond(at, y(head), weight=weight)


def _said_of_bursts(pairs: Pairs, x: svg.Axis, y: svg.Axis) -> Iterator[str]:
    """Yield a word beside the most unlike pair, and beside the slowest of the alike."""
    one = int(np.abs(pairs.head - pairs.base).argmax())
    both = int(np.minimum(pairs.base, pairs.head).argmax())
    for place, said, side in (
        (one, "a burst that met one side", 1),
        (both, "one that met both", -1),
    ):
        top = float(max(pairs.base[place], pairs.head[place]))
        yield svg.text(
            x(place + 1) + 9 * side,
            y(top) + 4.5,
            said,
            text_anchor="start" if side > 0 else "end",
        )


def cone(pairs: Pairs) -> str:
    """Return the differences against the noise, as a whole and near its tip."""
    most, close = 1.04, 0.065
    wide = (svg.Axis(0, most, 70, 420), svg.Axis(-0.6, 0.6, 430, 55))
    tip = (svg.Axis(0, close, 500, 845), svg.Axis(-0.0375, 0.0375, 430, 55))
    effect = pairs.found.effect
    reach = effect.bound * effect.se
    inner = [svg.Axis(0, 1, wide[0](0), wide[0](close))]
    inner.append(svg.Axis(0, 1, wide[1](-0.0375), wide[1](0.0375)))
    band = svg.Axis(0, 1, tip[1](effect.theta - reach), tip[1](effect.theta + reach))
    along = svg.Axis(0, 1, tip[0].start, tip[0].end)
    parts = [
        svg.text(70, 22, "All pairs: head slower than base by …"),
        *_cone(pairs, *wide),
        *svg.up_ticks(wide[1], 70, svg.percent_ticks(-40, -20, 0, 25, 50, 75)),
        *svg.along_ticks(wide[0], 430, svg.percent_ticks(0, 25, 50, 100, 150)),
        svg.box(*inner, fill="none", stroke=svg.INK),
        svg.text(82, 75, "all of the noise"),
        svg.text(82, 93, "on the head"),
        svg.text(82, 402, "all of the noise"),
        svg.text(82, 420, "on the base"),
        svg.text(500, 22, "The tip of it, enlarged 16 times"),
        svg.text(
            500,
            41,
            f"they say {svg.percent(effect.theta)}, interval {_interval(effect)}",
            fill=svg.FOUND,
        ),
        svg.box(along, band, fill=svg.FOUND, opacity=0.3),
        *_cone(pairs, *tip),
        *svg.up_ticks(tip[1], 500, svg.percent_ticks(-3, -2, -1, 0, 1, 2, 3)),
        *svg.along_ticks(tip[0], 430, svg.percent_ticks(0, 2, 4, 6)),
        svg.text(
            457,
            470,
            "noise e: both slices together are slower than those of the quietest pair "
            "by …",
            text_anchor="middle",
        ),
    ]
    return svg.document(
        "Noisy pairs say little",
        "Each pair of slices by its noise and by the difference of its sides. The "
        "differences stay within a cone that opens with the noise. Enlarged, the pairs "
        "at its tip lie within one percent of zero, and so does the interval that they "
        "give.",
        height=482,
        parts=parts,
    )


def _cone(pairs: Pairs, x: svg.Axis, y: svg.Axis) -> Iterator[str]:
    """Yield the cone of -e <= d <= e, and the pairs in this part of the plane."""
    reach = min(x.high, y.high)
    yield svg.shape(
        [
            (x(0), y(0)),
            (x(reach), y(reach)),
            (x(x.high), y(reach)),
            (x(x.high), y(-reach)),
            (x(reach), y(-reach)),
        ],
        fill=svg.PAIR,
        opacity=0.13,
    )
    yield svg.line(x.start, y(0), x.end, y(0), opacity=0.7)
    yield svg.line(x.start, y.start, x.end, y.start, opacity=0.5)
    for e, d, weight in zip(
        pairs.noise, pairs.differences, pairs.found.weights, strict=True
    ):
        if x.holds(e) and y.holds(d):
            yield svg.dot(x(e), y(d), weight=weight, colour=svg.PAIR)


def planted(pairs: Pairs, *, every: Sequence[Pairs]) -> str:
    """Return what pairs that are all alike say of a slowdown, and weighed ones."""
    x = svg.Axis(math.log(0.84), math.log(1.27), 40, 660)
    alike = tuple(1.0 for _ in pairs.differences)
    counts = [
        sum(is_found(p.alike) for p in every),
        sum(is_found(p.found.effect) for p in every),
    ]
    parts = [
        *(
            svg.line(x(at), 66, x(at), 392, **style)
            for at, style in (
                (0.0, {"opacity": 0.8}),
                (_MARGIN, {"stroke_dasharray": "4 4"}),
                (math.log1p(_PLANTED), {"stroke": svg.HEAD}),
            )
        ),
        svg.text(x(0) - 5, 58, "no change", text_anchor="end"),
        svg.text(
            x(_MARGIN), 42, f"margin {svg.percent(_MARGIN, 0)}", text_anchor="middle"
        ),
        svg.text(x(math.log1p(_PLANTED)) + 3, 58, "the truth: +5 %", fill=svg.HEAD),
        svg.text(40, 22, "Differences of the pairs, the head made 5 % slower"),
        *svg.along_ticks(x, 392, svg.percent_ticks(-15, -10, -5, 0, 5, 10, 15, 20, 25)),
        svg.line(x.start, 392, x.end, 392, opacity=0.5),
        *_strip(pairs.differences, alike, pairs.alike, x=x, top=76),
        *_said(pairs.alike, "All pairs alike", x=680, y=110),
        *_strip(
            pairs.differences, pairs.found.weights, pairs.found.effect, x=x, top=236
        ),
        *_said(pairs.found.effect, "Weighed pairs", x=680, y=270),
        svg.text(
            40,
            442,
            "Thick: the 90 % interval. Thin: as far as chance may reach; found if it "
            "stays above 0, and the point above the margin.",
        ),
        svg.text(
            40,
            466,
            f"Of the {len(every)} benchmarks of this recording, each made 5 % slower, "
            f"{counts[0]} is found if all pairs are alike, and {counts[1]} if weighed.",
        ),
    ]
    return svg.document(
        "A slowdown of 5 % that only weighed pairs find",
        "Two rows with the same pairs. Where all count alike, chance reaches so far "
        "that the change may be nothing; where they are weighed, the interval is "
        "narrow, lies beyond the margin and holds the truth.",
        height=478,
        parts=parts,
    )


def _strip(
    differences: Sequence[float],
    weights: Sequence[float],
    effect: Effect,
    *,
    x: svg.Axis,
    top: float,
) -> Iterator[str]:
    """Yield the pairs, one below the other in their order, and below them the mean."""
    lines = svg.Axis(0, len(differences) - 1, top, top + 90)
    for place, (d, weight) in enumerate(zip(differences, weights, strict=True)):
        if x.holds(d):
            yield svg.dot(x(d), lines(place), weight=weight, colour=svg.PAIR)
    beyond = sum(d > x.high for d in differences)
    below = sum(d < x.low for d in differences)
    yield svg.text(x.end, top + 108, f"{beyond} further out ▸", text_anchor="end")
    yield svg.text(x.start, top + 108, f"◂ {below} further out")
    middle = top + 128
    colour = svg.FOUND if is_found(effect) else svg.HEAD
    for steps, width in ((effect.critical, 2), (effect.bound, 8)):
        reach = steps * effect.se
        yield svg.line(
            x(max(effect.theta - reach, x.low)),
            middle,
            x(min(effect.theta + reach, x.high)),
            middle,
            stroke=colour,
            stroke_width=width,
        )
    at = x(effect.theta)
    yield svg.line(at, middle - 11, at, middle + 11, stroke=colour, stroke_width=3)


def _said(effect: Effect, name: str, *, x: float, y: float) -> Iterator[str]:
    found = is_found(effect)
    colour = svg.FOUND if found else svg.HEAD
    yield svg.text(x, y, name, font_weight="bold")
    yield svg.text(x, y + 22, svg.percent(effect.theta))
    yield svg.text(x, y + 42, _interval(effect))
    yield svg.text(
        x, y + 98, "found" if found else "not found", fill=colour, font_weight="bold"
    )
    yield svg.text(x, y + 116, "no accident" if found else "may be chance", fill=colour)


def _interval(effect: Effect) -> str:
    reach = effect.bound * effect.se
    low, high = svg.percent(effect.theta - reach), svg.percent(effect.theta + reach)
    return f"{low} to {high}"


# --- layouts ---


def recorded_layouts(name: str) -> dict[str, Effect]:
    """Return what each benchmark of the layout twin read, by *name* of the recording.

    *name*: ``one`` layout for each side, or a ``fresh`` one for each slice.
    """
    rounds = rounds_of(LAYOUTS / f"{name}.run.json.gz")
    if rounds is None:
        raise ValueError(f"{name}: a recording of both sides is needed")
    return {
        benchmark: pairs.found.effect
        for benchmark, pairs in zip(rounds.benchmarks, all_pairs(rounds), strict=True)
    }


def layouts(one: Mapping[str, Effect], fresh: Mapping[str, Effect]) -> str:
    """Return what a change of layout alone reads, with one layout and with fresh."""
    x = svg.Axis(math.log(0.86), math.log(1.26), 190, 690)
    names = sorted(one, key=lambda name: -abs(one[name].theta))
    bottom = 84 + 38 * len(names)
    rows = [
        part
        for place, name in enumerate(names)
        for part in _layout_row(name, one[name], fresh[name], x=x, y=92 + 38 * place)
    ]
    parts = [
        svg.text(40, 22, "A change that makes nothing slower reads …"),
        svg.diamond(46, 43),
        svg.text(56, 47.5, "in one layout a side", fill=svg.HEAD),
        svg.dot(206, 43, colour=svg.FOUND),
        svg.text(216, 47.5, "in a fresh layout for every slice", fill=svg.FOUND),
        svg.line(x(0), 66, x(0), bottom, opacity=0.8),
        *(
            svg.line(x(at), 66, x(at), bottom, stroke_dasharray="4 4")
            for at in (-_MARGIN, _MARGIN)
        ),
        svg.text(x(_MARGIN) + 4, 64, f"margin {svg.percent(_MARGIN, 0)}"),
        *rows,
        *svg.along_ticks(x, bottom, svg.percent_ticks(-10, -5, 0, 5, 10, 15, 20, 25)),
        svg.line(x.start, bottom, x.end, bottom, opacity=0.5),
        svg.text(
            40,
            bottom + 46,
            "Thick: the 90 % interval. Thin: as far as chance may reach; called slower "
            "if it stays above 0, and the point above the margin.",
        ),
    ]
    return svg.document(
        "The luck of one layout, and what is left without it",
        "For each benchmark two readings of the same change, which makes nothing "
        "slower. With one layout on each side some lie far from zero with a narrow "
        "interval; with a fresh layout for every slice all intervals hold zero or lie "
        "within the margin.",
        height=bottom + 58,
        parts=parts,
    )


def _layout_row(
    name: str, one: Effect, fresh: Effect, *, x: svg.Axis, y: float
) -> Iterator[str]:
    yield svg.text(178, y + 4.5, name, text_anchor="end")
    sides = ((one, svg.HEAD, svg.diamond, -6), (fresh, svg.FOUND, svg.dot, 6))
    for effect, colour, mark, shift in sides:
        for steps, width in ((effect.critical, 1.5), (effect.bound, 5)):
            reach = steps * effect.se
            ends = (effect.theta - reach, effect.theta + reach)
            low, high = (min(max(end, x.low), x.high) for end in ends)
            yield svg.line(
                x(low),
                y + shift,
                x(high),
                y + shift,
                stroke=colour,
                stroke_width=width,
            )
        yield mark(x(effect.theta), y + shift, colour=colour)
        said = svg.percent(effect.theta) + ", called slower" * is_found(effect)
        yield svg.text(700, y + shift + 4.5, said, fill=colour)


# --- stored runs ---


@dataclass(frozen=True, slots=True)
class Stored:
    """One series of a history: slowdowns as logarithms, relative to the window's mean.

    ``shared`` is what the other series of the suite do; ``rest`` what is left without
    it. The last of each is of the head, the others of the window. ``limit_alone`` and
    ``limit`` are the slowdowns beyond which the head is called slower: if this series
    were the only one, and as one of the *tests* of its suite.
    """

    values: tuple[float, ...]
    shared: tuple[float, ...]
    rest: tuple[float, ...]
    limit_alone: float
    limit: float
    tests: int


def stored_series(history: History) -> Stored:
    """Return the series that is drawn, of a history that has it."""
    logs = _oriented_logs(history)
    names = [series.key.benchmark for series in history.series]
    known = np.flatnonzero(np.isfinite(logs).all(axis=0))
    place = known.tolist().index(names.index(_SERIES))
    logs = logs[:, known] - nan_median(logs[:WINDOW, known])
    shared = common_mode(logs)[:, place]
    values = logs[:, place]
    tests = len(known)
    return Stored(
        values=_centred(values),
        shared=_centred(shared),
        rest=_centred(values - shared),
        limit_alone=_limit(logs[:, [place]], 0, tests=1),
        limit=_limit(logs, place, tests=tests),
        tests=tests,
    )


def _oriented_logs(history: History) -> Floats:
    """Return the logarithms of the window and the head, a larger one being worse."""
    rows = history.values[_HEAD - WINDOW : _HEAD + 1]
    signs = [1 if s.metric.better is Better.LOWER else -1 for s in history.series]
    return np.array(
        [
            [
                s * math.log(v) if v > 0 else math.nan
                for v, s in zip(row, signs, strict=True)
            ]
            for row in rows
        ]
    )


def _centred(values: Floats) -> tuple[float, ...]:
    return tuple((values - values[:WINDOW].mean()).tolist())


def _limit(logs: Floats, place: int, *, tests: int) -> float:
    """Return how much slower the head must be than the mean of the window."""
    scale = np.exp(logs)
    test = fit_window(scale[:WINDOW], scale[WINDOW:], signs=[1.0] * logs.shape[1])
    chance = test.critical(place, _ALLOWED / tests) * float(test.se[place])
    return max(chance, _MARGIN)


def window(stored: Stored) -> str:
    """Return the runs of a series, and where a head would be called slower."""
    y = svg.Axis(math.log(0.68), math.log(1.68), 360, 62)
    panels = (
        (svg.Axis(0, WINDOW + 2, 70, 440), stored.values, stored.limit_alone),
        (svg.Axis(0, WINDOW + 2, 475, 845), stored.rest, stored.limit),
    )
    left = panels[0][0]
    parts = [
        svg.text(70, 22, "As it was measured, judged by itself"),
        svg.text(475, 22, "Without what its suite shares"),
        *svg.up_ticks(y, 70, svg.percent_ticks(-30, -20, -10, 0, 10, 20, 40, 60)),
        *(part for panel in panels for part in _runs(*panel, y=y)),
        svg.path([(left(i), y(v)) for i, v in enumerate(stored.shared, 1)]),
        svg.text(
            70, 44, f"line: the middle of the other {stored.tests - 1} benchmarks"
        ),
        svg.dot(76, 387),
        svg.text(86, 391.5, f"{WINDOW} stored runs, oldest first", fill=svg.BASE),
        svg.diamond(299, 387),
        svg.text(309, 391.5, "the head", fill=svg.HEAD),
        svg.text(845, 391.5, f"boa, {_SERIES}", text_anchor="end"),
    ]
    return svg.document(
        "A window of stored runs, and what would be called slower",
        "Thirty stored runs and a head, twice. As measured, the runs stray widely, "
        "together with the other series of their suite. Without what these share, "
        "they lie close together, and a much smaller slowdown would be called one.",
        height=404,
        parts=parts,
    )


def _runs(
    x: svg.Axis, values: Sequence[float], limit: float, *, y: svg.Axis
) -> Iterator[str]:
    *runs, head = values
    yield svg.box(x, svg.Axis(0, 1, y.end, y(limit)), fill=svg.HEAD, opacity=0.14)
    yield svg.line(x.start, y(limit), x.end, y(limit), stroke=svg.HEAD)
    yield svg.text(
        x.start + 6,
        y(limit) - 6,
        f"slower from {svg.percent(limit, 0)} on",
        fill=svg.HEAD,
    )
    yield svg.line(x.start, y(0), x.end, y(0), opacity=0.7)
    yield svg.line(x.start, y.start, x.end, y.start, opacity=0.5)
    for place, value in enumerate(runs, 1):
        yield svg.dot(x(place), y(value), weight=0.6)
    yield svg.diamond(x(WINDOW + 1), y(head))
    yield svg.text(
        x(WINDOW + 1) + 5,
        y(head) - 15,
        svg.percent(head),
        fill=svg.HEAD,
        text_anchor="end",
    )


# --- all of them ---


def pictures_of_pairs() -> dict[str, str]:
    """Return the pictures that are drawn from our own recording, by their names."""
    (rounds,) = (r for r in recorded_runs(RECORDINGS) if r.name == _RECORDING)
    place = rounds.benchmarks.index(_BENCHMARK)
    clean = all_pairs(rounds)[place]
    slower = all_pairs(rounds, slower=_PLANTED)
    return {
        "machine.svg": machine(clean),
        "cone.svg": cone(clean),
        "planted.svg": planted(slower[place], every=slower),
        "layouts.svg": layouts(recorded_layouts("one"), recorded_layouts("fresh")),
    }


def pictures_of_histories(folder: Path) -> dict[str, str]:
    """Return the pictures that are drawn from the public histories in *folder*."""
    (history,) = read_histories(str(folder / f"{_HISTORY}.parquet"))
    return {"window.svg": window(stored_series(history))}


def main(argv: Sequence[str] | None = None) -> None:
    """Write the pictures; say which can't be drawn."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--histories", metavar="FOLDER", help="tables of benchmarks")
    args = parser.parse_args(argv)
    made = pictures_of_pairs()
    if args.histories:
        made |= pictures_of_histories(Path(args.histories))
    else:
        print("no HISTORIES: window.svg stays as it is", file=sys.stderr)
    FOLDER.mkdir(exist_ok=True)
    for name, picture in made.items():
        (FOLDER / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
