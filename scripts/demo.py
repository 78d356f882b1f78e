"""The main job on a real service: plant a regression, measure, see that it is found.

``examples/shop`` is copied into ``build/demo/shop``, a Git repository of its own: the
copy as it is becomes the base, the copy with a patch the head. What is expected to be
found stands in the head of the patch. Where cargo-criterion or k6 can't be had, a
recording of the same comparison is judged instead, and nobody can overlook that.

A control makes nothing slower: its code only lies elsewhere. It is measured twice, as
it was built and in a fresh layout for every slice, and the latter has to pass it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "shop"
RECORDINGS = ROOT / "examples" / "recordings"
PATCHES = EXAMPLE / "regressions"
CONTROLS = EXAMPLE / "controls"
PLACE = ROOT / "build" / "demo"

NONE = "none"
DEFAULT_PATCH = "quadratic-search"
# With eight, one disturbed window of k6 can hide even a doubling.
DEFAULT_ROUNDS = 12
_SECONDS_A_ROUND = 25
_BUDGET = "30m"
_SECONDS_A_CONTROL_ROUND = 12
_CONTROL = """\
suites: {{micro: {{tool: criterion, targets: [core]}}}}
measure: {{layouts: {layouts}, design: paired}}
"""
_HARMLESS = "\n// A change that changes nothing, for the demo.\n"
# k6 names its requests by method and route, criterion its benchmarks by a path.
_REQUEST = re.compile(r"[A-Z]+ /")
_WIDTH = 80


class DemoError(Exception):
    """The demo can't go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What a patch does to the shop, and which series it makes slower."""

    what: str
    series: tuple[str, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the tools that should see it."""
        return tuple(sorted({tool_of(name) for name in self.series}))


@dataclass(frozen=True, slots=True)
class Control:
    """What a patch moves, and which benchmarks may seem slower for it."""

    what: str
    series: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when benchgate said what it should have said."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--patch", default=DEFAULT_PATCH)
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS)
    parser.add_argument("--replay", action="store_true", help="judge the recording")
    args = parser.parse_args(arguments)
    try:
        patch = patch_of(args.patch)
        PLACE.mkdir(parents=True, exist_ok=True)
        if patch and patch.parent == CONTROLS:
            return measure_control(patch, rounds=args.rounds)
        planted = planted_by(patch) if patch else None
        if args.replay:
            return replay(args.patch, planted, why="because --replay was given")
        announce(args.patch, planted, rounds=args.rounds)
        if not has_tools():
            return replay(args.patch, planted, why="because a tool is missing")
        return measure(patch, planted, rounds=args.rounds)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def patch_of(name: str) -> Path | None:
    """Return the patch called *name*, None for a harmless change."""
    if name == NONE:
        return None
    patches = {
        p.stem: p for folder in (PATCHES, CONTROLS) for p in folder.glob("*.patch")
    }
    patch = patches.get(name.removesuffix(".patch"))
    if patch is None:
        known = ", ".join([NONE, *sorted(patches)])
        raise DemoError(f"there is no patch {name!r}; there are: {known}")
    return patch


def planted_by(patch: Path) -> Planted:
    """Return what the head of *patch* says about it."""
    head = _head_of(patch)
    return Planted(head["slows"], tuple(head["series"].split(", ")))


def controlled_by(patch: Path) -> Control:
    """Return what the head of the control *patch* says about it."""
    head = _head_of(patch)
    return Control(head["moves"], tuple(head["series"].split(", ")))


def _head_of(patch: Path) -> dict[str, str]:
    return dict(re.findall(r"^# (\w+): (.*)$", patch.read_text(), re.MULTILINE))


def tool_of(benchmark: str) -> str:
    """Return the tool that measures *benchmark* of the shop."""
    return "k6" if _REQUEST.match(benchmark) else "criterion"


def announce(name: str, planted: Planted | None, *, rounds: int) -> None:
    """Say what will happen, and how long it takes."""
    measuring = max(1, round(rounds * _SECONDS_A_ROUND / 60))
    change = f"{name}.patch" if planted else "a comment, which makes nothing slower"
    print(f"demo: benchgate compares the shop in {_short(EXAMPLE)} with a changed copy")
    print(f"demo:   the change: {change}")
    if planted:
        print(f"demo:   {planted.what}")
    print("demo:   building both sides: 5 to 15 minutes on two cores, 1 when repeated")
    print(f"demo:   measuring {rounds} rounds: about {measuring} minutes")
    print("demo:   once, if missing: cargo-criterion and k6, 3 to 9 minutes")
    print("demo:   keep the machine quiet meanwhile", flush=True)


def has_tools() -> bool:
    """Bring what is missing; say whether all that measuring takes is there now."""
    brought = subprocess.run([ROOT / "scripts" / "tools.sh"], check=False)
    return brought.returncode == 0


def measure(patch: Path | None, planted: Planted | None, *, rounds: int) -> int:
    """Measure the shop against its changed copy, and return the demo's exit code."""
    shop = prepare(PLACE / "shop", patch)
    status = benchgate("--rounds", str(rounds), "--budget", _BUDGET, cwd=shop)
    recorded = shop / ".benchgate" / "run.json"
    if recorded.exists():
        shutil.copyfile(recorded, PLACE / "run.json")
    return conclude(status, planted)


def measure_control(patch: Path, *, rounds: int) -> int:
    """Measure a control in one layout and in fresh ones; 0 if the latter pass it."""
    control = controlled_by(patch)
    minutes = max(1, round(rounds * _SECONDS_A_CONTROL_ROUND / 60))
    print(f"demo: {patch.name}, a control: {control.what}")
    print("demo:   nothing is slower, but in one layout each something may seem to be")
    print(f"demo:   building both sides; measuring {rounds} rounds twice: ", end="")
    print(f"about {minutes} minutes", flush=True)
    if not has_tools():
        raise DemoError("a control has to be measured; bring what is missing")
    shop = prepare(PLACE / "shop", patch)
    one, _ = _compared(shop, "one", rounds=rounds)
    fresh, status = _compared(shop, "fresh", rounds=rounds)
    print()
    for line in readings(control, one=one, fresh=fresh):
        print(f"demo: {line}")
    if status:
        print(f"demo: FAILED: in fresh layouts expected exit code 0, got {status}")
        return 1
    print("demo: as expected: in fresh layouts nothing is slower (exit code 0)")
    return 0


def _compared(shop: Path, layouts: str, *, rounds: int) -> tuple[dict[str, Any], int]:
    """Return the report on *shop* with this setting of its layouts, and the status."""
    settings = PLACE / f"layouts-{layouts}.yml"
    settings.write_text(_CONTROL.format(layouts=layouts))
    flags = ("--config", str(settings), "--rounds", str(rounds), "--budget", _BUDGET)
    status = benchgate(*flags, cwd=shop)
    report = PLACE / "report.json"
    if not report.exists():
        raise DemoError(f"benchgate ended with {status} and no report")
    kept = report.replace(PLACE / f"report-{layouts}.json")
    return json.loads(kept.read_text()), status


def readings(
    control: Control, *, one: Mapping[str, Any], fresh: Mapping[str, Any]
) -> list[str]:
    """Return a line for each series of *control*: what it read in both reports."""
    sides = [
        {judged["benchmark"]: judged for judged in report["judgements"]}
        for report in (one, fresh)
    ]
    lines = [f"{'':24}{'one layout':>28}{'fresh layouts':>28}"]
    for name in control.series:
        said = [_reading(side[name]) for side in sides if name in side]
        lines.append(f"{name:24}" + "".join(f"{text:>28}" for text in said))
    return lines


def _reading(judged: Mapping[str, Any]) -> str:
    slowdown = judged["slowdown"]
    if slowdown is None:
        return str(judged["verdict"])
    low, point, high = (100 * slowdown[part] for part in ("lo", "point", "hi"))
    return f"{point:+.1f} % ({low:+.1f} to {high:+.1f})"


def replay(name: str, planted: Planted | None, *, why: str) -> int:
    """Judge the recording of the same comparison, in a frame that nobody misses."""
    recording = RECORDINGS / name.removesuffix(".patch") / "run.json.gz"
    if planted is None or not recording.exists():
        raise DemoError(
            f"there is no recording of {name!r} to show instead; "
            "bring what is missing with `make tools`, or run `make demo REPLAY=1`"
        )
    notice = boxed(
        "THIS IS A RECORDING, " + why + ".",
        "Nothing is measured on this machine: the verdict below is judged now,",
        "from what cargo criterion and k6 measured on another machine.",
        "For the real thing: `make tools`, then `make demo`.",
    )
    print(notice, flush=True)
    run = PLACE / "run.json"
    run.write_bytes(gzip.decompress(recording.read_bytes()))
    status = benchgate("--run", str(run), cwd=EXAMPLE)
    code = conclude(status, planted)
    print(notice, flush=True)
    return code


def prepare(shop: Path, patch: Path | None) -> Path:
    """Return *shop*: a repository with the example committed and a change on top.

    What Cargo built for an earlier demo is kept. The files get new times, because
    Cargo takes an older file for one that it has built already.
    """
    shop.mkdir(parents=True, exist_ok=True)
    if not (shop / ".git").is_dir():
        git(shop, "init", "--quiet", "--initial-branch=main")
    for entry in shop.iterdir():
        if entry.name not in {".git", "target"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(
        EXAMPLE,
        shop,
        dirs_exist_ok=True,
        copy_function=shutil.copy,
        ignore=shutil.ignore_patterns("target", "*.db*", ".benchgate", ".git"),
    )
    git(shop, "add", "--all")
    if git(shop, "status", "--porcelain"):
        git(shop, "commit", "--quiet", "--message=The shop as it is")
    if patch is None:
        with (shop / "shop-core" / "src" / "lib.rs").open("a") as code:
            code.write(_HARMLESS)
    else:
        git(shop, "apply", str(patch))
    # Inside another repository `git apply` skips a patch without a word.
    if not git(shop, "diff", "--name-only"):
        raise DemoError(f"{patch} changed nothing in {shop}")
    return shop


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints, whatever the user's own settings and hooks are."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }
    ours |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=The demo", "-c", "user.email=demo@example.invalid"]
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        env=ours,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise DemoError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def benchgate(*flags: str, cwd: Path) -> int:
    """Run ``benchgate compare``, which writes its report, and return its exit code."""
    report = PLACE / "report.json"
    report.unlink(missing_ok=True)
    said = ["--json", str(report), "--markdown", str(PLACE / "comment.md")]
    command = ["benchgate", "compare", *flags, *said]
    print(f"demo: {' '.join(map(_short, command))}", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=cwd,
        # The base is checked out and built there: outside the shop, inside build/.
        env={**os.environ, "XDG_CACHE_HOME": str(PLACE / "cache")},
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it got the signal too, and puts away what it started


def conclude(status: int, planted: Planted | None) -> int:
    """Say where things are and whether benchgate was right; 0 if it was."""
    report = PLACE / "report.json"
    if not report.exists():
        print(f"demo: FAILED: benchgate ended with {status} and no report")
        return 130 if status == 130 else 1  # noqa: PLR2004 - interrupted
    print()
    for name, what in (
        ("comment.md", "what the pull request would be told"),
        ("report.json", "the same for programs"),
        ("run.json", "what was measured; `benchgate compare --run` judges it again"),
    ):
        if (PLACE / name).exists():
            print(f"demo: {_short(PLACE / name):22} {what}")
    problem = problem_of(status, json.loads(report.read_text()), planted)
    if problem:
        print(f"demo: FAILED: {problem}")
        return 1
    if planted is None:
        print("demo: as expected: nothing was planted and nothing failed (exit code 0)")
    else:
        seen = " and ".join(planted.tools)
        print(f"demo: as expected: found by {seen}, exit code 1")
    return 0


def problem_of(status: int, report: Mapping[str, Any], planted: Planted | None) -> str:
    """Say what is wrong with an answer of benchgate, "" when it is right."""
    wanted = (0, "passed") if planted is None else (1, "regressed")
    given = (status, report["outcome"])
    if given != wanted:
        return (
            f"expected {wanted[1]} and exit code {wanted[0]}, "
            f"got {given[1]} and exit code {given[0]}"
        )
    if planted is None:
        return ""
    found = {
        tool_of(judged["benchmark"])
        for judged in report["judgements"]
        if judged["verdict"] == "regressed" and judged["benchmark"] in planted.series
    }
    missed = [tool for tool in planted.tools if tool not in found]
    return f"the planted regression was not found by {', '.join(missed)}" * bool(missed)


def boxed(*lines: str) -> str:
    """Return *lines* in a frame."""
    edge = "#" * _WIDTH
    inner = [f"##  {line:{_WIDTH - 8}}  ##" for line in ("", *lines, "")]
    return "\n".join(["", edge, *inner, edge, ""])


def _short(word: str | Path) -> str:
    """Return a path below the checkout relative to it, all else unchanged."""
    return str(word).removeprefix(f"{ROOT}/")


if __name__ == "__main__":
    sys.exit(main())
