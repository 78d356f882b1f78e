"""The benches of a project → how each way of drawing layouts spreads their times.

``make layouts`` calls it. What was measured is kept in ``build/layouts``, and
``docs/layouts.md`` is written from all that is there.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from benchgate.config import Suite, default
from benchgate.errors import BenchgateError
from benchgate.measure import cargo, links
from benchgate.measure.links import Drawing, Line
from benchgate.measure.plan import Checkout, Workshop
from benchgate.measure.sides import MicroSide, build_side
from benchgate.model import Commit, Sample, Side, Statistic
from benchgate.stats.pairs import pair_logs, quiet_pairs

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "layouts"
PAGE = ROOT / "docs" / "layouts.md"
# What Cargo is told by variables, so that no manifest is changed.
PROFILES: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "thin LTO": {"CARGO_PROFILE_BENCH_LTO": "thin"},
    "fat LTO": {"CARGO_PROFILE_BENCH_LTO": "fat"},
    "one codegen unit": {"CARGO_PROFILE_BENCH_CODEGEN_UNITS": "1"},
    "debug information": {"CARGO_PROFILE_BENCH_DEBUG": "true"},
}
WAYS = ("copies", "padding", "shuffling", "both")
_SHUFFLE = f"-Wl,{Drawing.SHUFFLING_OF_LLD}"
# A neighbour may take half of the machine for half of the time: of eight slices one at
# least is then undisturbed, but for one layout in 256.
_ROUNDS = 8
_SLICE = 0.05
# The rule that few layouts are tried by: one of seventeen tests at 1 % together.
_LEVEL, _MARGIN = 0.01 / 17, math.log1p(0.02)
_TRIALS = 200
# Layouts a side, pairs of slices in two of them, and what is made of these.
_FEW = (
    (20, 1, "quietest"),
    (20, 2, "quietest"),
    (20, 4, "quietest"),
    (20, 4, "average"),
    (10, 2, "quietest"),
    (10, 2, "average"),
    (10, 4, "quietest"),
    (10, 4, "average"),
    (8, 4, "quietest"),
    (5, 4, "quietest"),
    (1, 20, "each"),
    (40, 1, "quietest"),
)
_ABOUT = """\
# How layouts are drawn

Decision [24](decisions/0024-a-layout-for-every-slice.md) has each slice run in a layout of its own.
Here is what was measured of the ways to draw one: `make layouts PROJECT=FOLDER` builds the benches in a folder in several profiles, links each executable in {number} layouts for every way, runs {rounds} slices of each in random order, and writes this page.

A number is the standard deviation between layouts in percent, of the fastest of the {rounds} slices of each.
*Copies* are files with the same bytes that lie elsewhere in memory: what they show is the noise that is left, and the place.
*Padding* and *shuffling* are those of lld; *both* is both at once.
"""  # noqa: E501 - a sentence a line, as in all pages


class Measured(msgspec.Struct, frozen=True):
    """A benchmark in one profile: seconds of the slices of each layout, way by way.

    ``link`` is the median of the seconds that a layout took, ``bytes`` the size of
    the executable.
    """

    project: str
    profile: str
    benchmark: str
    link: float
    bytes: int
    slices: Mapping[str, tuple[tuple[float, ...], ...]]


class Quiet:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Print what is done now."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def advance(self, *, rounds: int, of: int, seconds: float, budget: float) -> None:
        """Show nothing of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the project that is asked for, if any, then write the page."""
    parser = argparse.ArgumentParser(prog="make layouts", description=__doc__)
    parser.add_argument("--project", type=Path, help="a folder with criterion benches")
    parser.add_argument("--benches", nargs="*", default=["*"], help="patterns of names")
    parser.add_argument("--packages", nargs="*", default=[])
    parser.add_argument("--profiles", nargs="*", default=list(PROFILES))
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--layouts", type=int, default=16)
    parser.add_argument("--kept", type=Path, default=KEPT)
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    args.kept.mkdir(parents=True, exist_ok=True)
    if args.project:
        suite = Suite(
            name="criterion",
            tool="criterion",
            packages=tuple(args.packages),
            benches=tuple(args.benches),
        )
        for profile in args.profiles:
            try:
                found = measured(
                    args.project.resolve(),
                    replace(suite, env=dict(PROFILES[profile])),
                    profile,
                    ways=args.ways,
                    number=args.layouts,
                )
            except BenchgateError as error:
                print(f"layouts: {profile}: {error}", file=sys.stderr)
                return 1
            name = f"{args.project.resolve().name}-{profile.replace(' ', '-')}.json"
            (args.kept / name).write_bytes(msgspec.json.encode(found))
    kept = [
        one
        for place in sorted(args.kept.glob("*.json"))
        for one in msgspec.json.decode(place.read_bytes(), type=list[Measured])
    ]
    args.page.write_text(page(kept), encoding="utf-8")
    return 0


def measured(
    folder: Path, suite: Suite, profile: str, *, ways: Sequence[str], number: int
) -> list[Measured]:
    """Return what the benchmarks of *suite* in *folder* take in *number* layouts.

    Raises BenchgateError where they don't build or can't be linked again.
    """
    with tempfile.TemporaryDirectory(prefix="layouts-") as scratch:
        work = Path(scratch)
        workshop = Workshop(default(), work, work, Quiet())
        head = Checkout(
            Side.HEAD, Commit(), folder, folder, links=folder / ".benchgate" / "links"
        )
        side = build_side(workshop, suite, head).recorded(brief=True, within=120.0)
        benches = list(side.benches.values())
        files: dict[cargo.Executable, dict[tuple[str, int], Path]] = {}
        seconds: dict[cargo.Executable, float] = {}
        for executable in dict.fromkeys(bench.executable for bench in benches):
            drawn, took = _drawn(executable, head, work / "drawn", ways, number)
            files[executable], seconds[executable] = drawn, took
        times = _times(side, benches, files)
        return [
            Measured(
                folder.name,
                profile,
                bench.name,
                seconds[bench.executable],
                bench.executable.path.stat().st_size,
                {
                    way: tuple(times[bench.name, way, i] for i in range(number))
                    for way in ways
                },
            )
            for bench in benches
        ]


def _drawn(
    executable: cargo.Executable,
    head: Checkout,
    folder: Path,
    ways: Sequence[str],
    number: int,
) -> tuple[dict[tuple[str, int], Path], float]:
    """Return the files of all layouts, and the median of what a link took."""
    assert head.links is not None  # noqa: S101 - given above
    line = links.line_of(executable.path, head.links)
    if line is None:
        raise BenchgateError(f"{executable.target.title}: how it is linked is unknown")
    files, took = {}, []
    for way in ways:
        for index in range(number):
            place = folder / f"{way}-{index}" / executable.path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            began = time.monotonic()
            _draw(way, line, executable.path, place, seed=index + 1)
            if way != "copies":
                took.append(time.monotonic() - began)
            files[way, index] = place
    return files, statistics.median(took) if took else 0.0


def _draw(way: str, line: Line, built: Path, place: Path, *, seed: int) -> None:
    if way == "copies":
        shutil.copy(built, place)
        return
    if way == "both":
        shuffled = (*line.arguments, _SHUFFLE.format(seed))
        line = replace(line, arguments=shuffled)
    drawing = Drawing.SHUFFLING_OF_LLD if way == "shuffling" else Drawing.PADDING
    line.link(place, drawing=drawing, seed=seed)


def _times(
    side: MicroSide,
    benches: Sequence[cargo.Bench],
    files: Mapping[cargo.Executable, Mapping[tuple[str, int], Path]],
) -> dict[tuple[str, str, int], tuple[float, ...]]:
    """Return the seconds of an iteration in each slice, all in random order a round."""
    rng = random.Random(1)  # noqa: S311 - an order, no secret
    times: dict[tuple[str, str, int], tuple[float, ...]] = defaultdict(tuple)
    for number in range(_ROUNDS):
        visits = [(b, *one) for b in benches for one in files[b.executable]]
        rng.shuffle(visits)
        print(f"round {number + 1}: {len(visits)} slices", file=sys.stderr, flush=True)
        for bench, way, index in visits:
            place = files[bench.executable][way, index]
            part = side.slice(bench, place, seconds=_SLICE)
            if part.failures:
                raise BenchgateError(f"{bench.name}: {part.failures[0].reason}")
            times[bench.name, way, index] += tuple(
                sample.value(Statistic.Q10)
                for sample in part.samples.values()
                if isinstance(sample, Sample)
            )
    return times


def page(kept: Sequence[Measured]) -> str:
    """Return the page on all that was measured."""
    number = max((len(s) for m in kept for s in m.slices.values()), default=16)
    parts = [_ABOUT.format(number=number, rounds=_ROUNDS)]
    by_project: dict[str, list[Measured]] = defaultdict(list)
    for one in kept:
        by_project[one.project].append(one)
    for project, all_of in by_project.items():
        plain = [m for m in all_of if m.profile == "as it is"]
        parts += [f"## {project}\n", _spreads(plain), _profiles(all_of)]
    parts.append(_few([m for m in kept if m.profile == "as it is"]))
    return "\n".join(part for part in parts if part)


def _spreads(found: Sequence[Measured]) -> str:
    ways = [way for way in WAYS if any(way in m.slices for m in found)]
    rows = [[m.benchmark, *(_spread(m, way) for way in ways)] for m in found]
    for name, of in (("median", statistics.median), ("largest", max)):
        each = [[_deviation(m, way) for m in found] for way in ways]
        rows.append([f"*{name}*", *(f"{100 * of(values):.1f}" for values in each)])
    return _table(["benchmark", *ways], rows) if found else ""


def _profiles(found: Sequence[Measured]) -> str:
    """Return the spread by padding in each profile, and what a link takes there."""
    profiles = [p for p in PROFILES if any(m.profile == p for m in found)]
    if len(profiles) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    by_key = {(m.benchmark, m.profile): m for m in found}
    names = dict.fromkeys(m.benchmark for m in found)
    rows = [
        [
            name,
            *(
                _spread(by_key[name, p], "padding") if (name, p) in by_key else "–"
                for p in profiles
            ),
        ]
        for name in names
    ]
    of_links = [
        [
            p,
            f"{max(m.bytes for m in found if m.profile == p) / 1e6:.1f} MB",
            f"{max(m.link for m in found if m.profile == p):.2f} s",
        ]
        for p in profiles
    ]
    return (
        "By padding, in other profiles:\n\n"
        + _table(["benchmark", *profiles], rows)
        + "\nThe slowest link of each:\n\n"
        + _table(["profile", "executable", "one layout"], of_links)
    )


def _few(found: Sequence[Measured]) -> str:
    """Return what few layouts do to the verdicts, by drawing from the slices above."""
    drawn = [m.slices["padding"] for m in found if "padding" in m.slices]
    if not drawn:
        return ""
    rows = []
    for number, pairs, how in _FEW:
        shares = [
            100 * statistics.fmean(_found(d, number, pairs, how, effect) for d in drawn)
            for effect in (0.0, 0.05, 0.10)
        ]
        row = [str(number), str(pairs), how, str(2 * number * pairs)]
        rows.append([*row, *(f"{share:.1f} %" for share in shares)])
    head = ["layouts", "pairs in each", "what counts", "slices"]
    return (
        "## How few layouts suffice\n\n"
        f"Drawn {_TRIALS} times from the slices above for each of {len(drawn)} "
        "benchmarks, with a slowdown multiplied in. Called slower, at the level of one "
        "of seventeen tests at 1 % together:\n\n"
        + _table([*head, "nothing planted", "+5 %", "+10 %"], rows)
    )


def _found(
    slices: Sequence[Sequence[float]], number: int, pairs: int, how: str, effect: float
) -> float:
    """Return how often *effect* is found with *number* layouts a side.

    Of the *pairs* of slices in two layouts the quietest counts, their average, or
    each, as if it had layouts of its own.
    """
    rng = np.random.default_rng(1)
    logs = np.log(np.array(slices))
    layouts, rounds = logs.shape
    shape = (_TRIALS, number, pairs)
    base, head = (
        logs[
            rng.integers(layouts, size=(_TRIALS, number, 1)),
            rng.integers(rounds, size=shape),
        ]
        for _ in range(2)
    )
    if how == "each":
        units = [side.reshape(_TRIALS, -1) for side in (base, head)]
    elif how == "average":
        units = [side.mean(axis=2) for side in (base, head)]
    else:
        quietest = (base + head).argmin(axis=2)[..., np.newaxis]
        units = [
            np.take_along_axis(side, quietest, axis=2)[..., 0] for side in (base, head)
        ]
    units[1] = units[1] + math.log1p(effect)
    each = pair_logs(*(np.exp(side)[..., np.newaxis].tolist() for side in units))
    results = quiet_pairs(each, signs=[1.0] * _TRIALS, level=_LEVEL)
    return statistics.fmean(
        r.effect.p_slower < _LEVEL and r.effect.theta > _MARGIN for r in results
    )


def _deviation(one: Measured, way: str) -> float:
    fastest = [math.log(min(each)) for each in one.slices[way]]
    return statistics.stdev(fastest)


def _spread(one: Measured, way: str) -> str:
    return f"{100 * _deviation(one, way):.1f}" if way in one.slices else "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    align = [":--", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, align, *rows))


if __name__ == "__main__":
    sys.exit(main())
