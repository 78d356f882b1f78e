"""A criterion suite that is built → the same, doing a known share of its work twice.

Criterion's own source, in the version that the suite was built with, is copied and
changed in one place: whichever loop is about to iterate takes a share of iterations
more, and still says that it took as many as it was asked for. That is real work of
the user's own code, measured by the real harness. Found alike in criterion 0.3.0 to
0.8.2, for loops with and without async, with and without inputs.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.injected import Refusal, repeated_suite
from benchgate.measure import cargo
from benchgate.measure.micro import MicroPairs
from benchgate.measure.pairs import PairedSuite
from benchgate.measure.plan import Plan
from benchgate.measure.sides import MicroSide, layouts_of
from benchgate.model import Round, Side

_LOOP = re.compile(r"\b(self|b)\.iterated = true;")
_LOOPED = r"\g<0> \1.iters = benchgate_with_repeated(\1.iters);"
# A crate that lies on disk may not compile with warnings that one of a registry may.
_DENIED = re.compile(r"^#!\[deny\(", re.MULTILINE)
_SHARE = "BENCHGATE_REPEAT_MILLIONTHS"
_TOLD = "BENCHGATE_REPEATED"
_MILLIONTHS = 1_000_000
# What remains of an iteration is owed to the next sample, so that the share is met
# on average. Only a sample that repeats a whole iteration each time says so: in one
# that repeats every fifth time, the quiet moments would show nothing.
_HELPER = """
fn benchgate_with_repeated(iters: u64) -> u64 {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    static OWED: AtomicU64 = AtomicU64::new(0);
    static TOLD: AtomicBool = AtomicBool::new(false);
    let said = std::env::var("BENCHGATE_REPEAT_MILLIONTHS").unwrap_or_default();
    let due = iters.saturating_mul(said.parse::<u64>().unwrap_or(0));
    let owed = OWED.load(Ordering::Relaxed).saturating_add(due);
    OWED.store(owed % 1_000_000, Ordering::Relaxed);
    if due >= 1_000_000 && !TOLD.swap(true, Ordering::Relaxed) {
        if let Some(place) = std::env::var_os("BENCHGATE_REPEATED") {
            let mut options = std::fs::OpenOptions::new();
            if let Ok(mut file) = options.append(true).create(true).open(place) {
                let name = std::env::args_os().last().unwrap_or_default();
                let _ = writeln!(file, "{}", name.to_string_lossy());
            }
        }
    }
    iters + owed / 1_000_000
}
"""
_FROM_CRATES_IO = "github.com/rust-lang/crates.io-index"


class Injection:
    """What repeats a share of the work in some benchmarks of a comparison.

    ``refusals`` say of which suites no work can be repeated, and why.
    """

    def __init__(
        self, plan: Plan, suites: Sequence[Suite], *, slowdown: float, place: Path
    ) -> None:
        """Repeat a share *slowdown* of the work; *place* keeps changed harnesses."""
        self._plan = plan
        self._suites = suites
        self._slowdown = slowdown
        self._place = place
        self._slowed: dict[str, SlowedPairs] = {}
        self.refusals: list[Refusal] = []

    @property
    def repeated(self) -> frozenset[tuple[str, str]]:
        """Return (suite, benchmark) of all in which work was in fact repeated."""
        return frozenset(
            (suite, benchmark)
            for suite, pairs in self._slowed.items()
            for benchmark in pairs.repeated
        )

    def pairs(self, ready: Mapping[str, PairedSuite]) -> dict[str, PairedSuite]:
        """Return one suite more for each of *ready* whose harness can be changed."""
        made: dict[str, PairedSuite] = {}
        for suite in self._suites:
            unchanged = ready[suite.name]
            if not isinstance(unchanged, MicroPairs):
                reason = f"what {suite.tool} loads has no harness to repeat work in"
                self.refusals.append(Refusal(suite.name, reason))
                continue
            self._plan.workshop.progress.say(
                f"{suite.name}: building the benches once more, to repeat some work"
            )
            told = self._plan.workshop.scratch / f"{suite.name}.repeated"
            try:
                slowed = _slowed_side(
                    unchanged.base, self._place, slowdown=self._slowdown, told=told
                )
            except ToolError as error:
                reason = error.problem.partition("\n")[0]
                self.refusals.append(Refusal(suite.name, reason))
                continue
            pairs = SlowedPairs(self._plan, unchanged, slowed, told)
            self._slowed[suite.name] = pairs
            made[repeated_suite(suite.name)] = pairs
        return made


class SlowedPairs:
    """Half of the benchmarks of a suite, against themselves with repeated work."""

    def __init__(
        self, plan: Plan, unchanged: MicroPairs, slowed: MicroSide, told: Path
    ) -> None:
        """Choose the half; what *slowed* has repeated stands in the file *told*."""
        self._plan = plan
        self._unchanged = unchanged
        self._slowed = slowed
        self._told = told
        self._repeated: frozenset[str] = frozenset()
        both = unchanged.benchmarks & slowed.benches.keys()
        self._chosen = chosen_half(both, seed=plan.head.commit.sha)
        self._pairs: MicroPairs | None = None

    @property
    def benchmarks(self) -> frozenset[str]:
        """Return the names that can still be measured."""
        return self._pairs.benchmarks if self._pairs else self._chosen

    @property
    def repeated(self) -> frozenset[str]:
        """Return the benchmarks in which work was in fact repeated, to their end."""
        return self._repeated & self.benchmarks

    def first(self, *, deadline: float) -> tuple[Round, Round]:  # noqa: ARG002 - idle
        """Take over what the unchanged suite has learnt of its benchmarks."""
        known = self._unchanged.base.record
        sides = [
            replace(
                side,
                suite=replace(side.suite, name=repeated_suite(side.suite.name)),
                benches={t: b for t, b in side.benches.items() if t in self._chosen},
                record=known,
            )
            for side in (self._unchanged.base, self._slowed)
        ]
        self._pairs = MicroPairs(self._plan, sides[0].suite, (sides[0], sides[1]))
        return Round({}), Round({})

    def pair(
        self,
        rng: random.Random,
        *,
        number: int,
        wanted: Collection[str],
        deadline: float,
    ) -> tuple[Round, Round]:
        """Return a round of *wanted*: as they are, and with repeated work.

        What can't be measured so is no failure: it shows in ``repeated``.
        """
        if self._pairs is None:
            return Round({}), Round({})
        base, head = self._pairs.pair(
            rng, number=number, wanted=wanted, deadline=deadline
        )
        self._repeated |= _named(self._told, self._slowed)
        return Round(base.samples), Round(head.samples)

    def close(self) -> None:
        """Nothing stays open between rounds."""


def chosen_half(names: Iterable[str], *, seed: str) -> frozenset[str]:
    """Return half of *names*, drawn by *seed*; of an odd number the larger half."""

    def drawn(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    ordered = sorted(names, key=drawn)
    return frozenset(ordered[: (len(ordered) + 1) // 2])


def changed_harness(package_id: str, folder: Path, place: Path) -> Path:
    """Return a copy in *place* of the criterion in *folder*, with its loops changed.

    A copy that is there already is left as it is, so that Cargo need not build it
    again. Raises ToolError when the loops aren't those that we know.
    """
    if _FROM_CRATES_IO not in package_id:
        raise ToolError(f"its criterion is not the one of crates.io: {package_id}")
    sources = (folder / "src" / name for name in ("bencher.rs", "lib.rs"))
    loops = next((file for file in sources if file.is_file()), None)
    text, number = _LOOP.subn(_LOOPED, _text(loops) if loops else "")
    if loops is None or not number:
        raise ToolError(f"the loops of {folder.name} are not those that we know")
    text += _HELPER
    copy = place / folder.name
    changed = copy / loops.relative_to(folder)
    if changed.is_file() and _DENIED.sub("#![warn(", text) == _text(changed):
        return copy
    draft = place / f"{folder.name}.part"
    for old in (copy, draft):
        shutil.rmtree(old, ignore_errors=True)
    # Only what is in the files: a registry may be there for reading alone.
    shutil.copytree(folder, draft, copy_function=shutil.copyfile)
    (draft / loops.relative_to(folder)).write_text(text, "utf-8")
    top = draft / "src" / "lib.rs"
    top.write_text(_DENIED.sub("#![warn(", _text(top)), "utf-8")
    draft.rename(copy)
    return copy


def _slowed_side(
    base: MicroSide, place: Path, *, slowdown: float, told: Path
) -> MicroSide:
    """Return *base* built once more, in its own work tree, with the changed harness.

    What the user wrote is the same, at the same place: only criterion differs.
    """
    targets = [executable.target for executable in base.executables]
    log = base.workshop.log(base.suite.name, Side.BASE)
    found = cargo.harnesses(targets, suite=base.suite, env=base.env, log=log)
    if not found:
        raise ToolError("no crate named criterion is among what it is built with")
    copies = [changed_harness(name, at, place) for name, at in sorted(found.items())]
    settings = place / "patch.toml"
    settings.write_text(_patches(copies), "utf-8")
    env = {
        **base.env,
        _SHARE: str(round(slowdown * _MILLIONTHS)),
        _TOLD: str(told),
    }
    with _locks_kept({target.folder for target in targets}, base.checkout.root):
        kept = base.checkout.links if base.layouts else None
        executables, _ = cargo.build(
            targets, suite=base.suite, env=env, log=log, settings=settings, kept=kept
        )
    benches, _ = cargo.benchmarks(executables, suite=base.suite, env=env)
    layouts = None
    if kept:
        layouts = layouts_of(base.workshop, Side.HEAD, benches, kept)
    return replace(
        base,
        checkout=replace(base.checkout, side=Side.HEAD),
        env=env,
        executables=executables,
        benches={bench.name: bench for bench in benches},
        layouts=layouts,
    )


def _patches(copies: Sequence[Path]) -> str:
    """Return the settings by which Cargo takes *copies* for what they are copies of."""
    lines = ["[patch.crates-io]"]
    lines += [
        f'{json.dumps(copy.name)} = {{ package = "criterion", '
        f"path = {json.dumps(str(copy))} }}"
        for copy in copies
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def _locks_kept(folders: Collection[Path], root: Path) -> Iterator[None]:
    """Put every lock file back that Cargo changes for another criterion."""
    places = {
        place / "Cargo.lock"
        for folder in folders
        for place in (folder, *folder.parents)
        if place.is_relative_to(root)
    }
    before = {place: place.read_bytes() if place.exists() else None for place in places}
    try:
        yield
    finally:
        for place, raw in before.items():
            if raw is None:
                place.unlink(missing_ok=True)
            else:
                place.write_bytes(raw)


def _named(told: Path, side: MicroSide) -> frozenset[str]:
    """Return the benchmarks that the harness has named in *told*.

    It knows the last argument of its command line, which is a title or a pattern.
    """
    try:
        names = set(_text(told).splitlines())
    except FileNotFoundError:
        return frozenset()
    return frozenset(
        bench.name
        for bench in side.benches.values()
        if bench.title in names or bench.pattern in names
    )


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="surrogateescape")
