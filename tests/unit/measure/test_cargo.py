from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchgate.config import Suite
from benchgate.errors import ToolError
from benchgate.measure import cargo
from benchgate.measure.cargo import Bench, Executable, Target
from benchgate.model import Doubt, Failure

SUITE = Suite(name="micro", tool="criterion")
CRITERION = 'echo "This executable is a Criterion.rs benchmark."'


def target(folder: Path, name: str = "core", *features: str) -> Target:
    return Target(folder, "shop", "1.0.0", name, features)


def executable(folder: Path, script: str, name: str = "core") -> Executable:
    """Return an executable that is a shell *script*."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Executable(target(folder, name), path, exact=True, fractions=True)


def titled(title: str) -> Bench:
    here = Path("/")
    return Bench(title, Executable(target(here), here, exact=True, fractions=True))


@pytest.fixture
def fake_cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose ``cargo`` is a Python script that a test writes."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def cargo_that(folder: Path, text: str) -> None:
    path = folder / "cargo"
    path.write_text(f"#!{sys.executable} -IS\nimport sys\n{text}\n")
    path.chmod(0o755)


def build(folder: Path) -> tuple[tuple[Executable, ...], tuple[Doubt, ...]]:
    log = folder / "log"
    return cargo.build([target(folder)], suite=SUITE, env={}, log=log)


# --- names ---


@pytest.mark.parametrize(
    ("title", "ids", "others"),
    [
        ("sort", ["sort"], ["sort/1", "resort", "sort #2"]),
        ("a.b|c (d)", ["a.b|c (d)"], ["aXb", "a.b"]),
        ("sort #2", ["sort", "sort #2"], ["sort/1"]),
        ("n" * 100 + "...", ["n" * 120], ["n" * 99]),
        ("n" * 100 + "... #2", ["n" * 120], ["n" * 99]),
        ("ü^$[x]{2}\\", ["ü^$[x]{2}\\"], ["ü"]),
    ],
)
def test_a_pattern_fits_the_ids_that_may_have_the_title(
    title: str, ids: list[str], others: list[str]
) -> None:
    pattern = re.compile(titled(title).pattern)

    assert [bool(pattern.search(name)) for name in ids] == [True] * len(ids)
    assert [bool(pattern.search(name)) for name in others] == [False] * len(others)


def test_rusts_old_regular_expressions_refuse_an_escaped_space() -> None:
    assert titled("a b/c_d-e").pattern == r"^a b/c_d\-e$"


@pytest.mark.parametrize(
    ("title", "exact"),
    [("a #x", True), ("a", True), ("a #2", False), ("a...", False)],
)
def test_only_a_whole_title_is_the_id(title: str, *, exact: bool) -> None:
    assert titled(title).is_exact is exact


# --- commands ---


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cargo criterion", ["cargo", "criterion", "-x"]),
        (
            "A=1 cargo criterion",
            ["/bin/sh", "-c", 'A=1 cargo criterion "$@"', "benchgate", "-x"],
        ),
    ],
)
def test_flags_reach_a_command_behind_a_shell_too(
    command: str, words: list[str]
) -> None:
    assert cargo.command_line(command, ["-x"]) == words


@pytest.mark.parametrize(
    ("command", "build"),
    [
        (None, "cargo bench"),
        ("cargo criterion", "cargo bench"),
        ("cargo +nightly criterion", "cargo +nightly bench"),
        ("RUSTFLAGS=-g cargo criterion -v", "RUSTFLAGS=-g cargo bench -v"),
        ("./measure.sh", "cargo bench"),
    ],
)
def test_benches_are_built_as_they_are_recorded(
    command: str | None, build: str
) -> None:
    suite = Suite(name="micro", tool="criterion", command=command)

    assert cargo._bench_command(suite) == build


def test_features_are_those_of_all_targets_of_the_package(tmp_path: Path) -> None:
    suite = Suite(name="micro", tool="criterion", features=("own",))
    one, other = target(tmp_path, "a", "of-a"), target(tmp_path, "b", "of-b")
    elsewhere = target(tmp_path / "else", "c", "of-c")

    said = cargo.selection(one, suite=suite, of=[one, other, elsewhere])

    assert said == (["--bench", "a"], ["--features", "of-a,of-b,own"])


def test_criterion_finds_no_port_of_cargo_criterion() -> None:
    assert cargo.environment(None)["CARGO_CRITERION_PORT"] is None
    assert cargo.environment(Path("/t"))["CARGO_TARGET_DIR"] == "/t"


# --- building ---


def test_the_first_error_is_shown_however_much_follows(fake_cargo: Path) -> None:
    cargo_that(
        fake_cargo,
        "print('   Compiling x\\nerror[E1]: one\\n --> a.rs:1', file=sys.stderr)\n"
        "print('warning: noise\\n' * 5000, file=sys.stderr)\n"
        "sys.exit('error: could not compile')",
    )

    with pytest.raises(ToolError) as caught:
        build(fake_cargo)

    assert caught.value.problem.splitlines()[:3] == [
        "the benches do not build",
        "    error[E1]: one",
        "     --> a.rs:1",
    ]
    assert len(caught.value.problem.splitlines()) == 13


def test_a_build_that_fails_without_an_error_shows_its_last_lines(
    fake_cargo: Path,
) -> None:
    cargo_that(fake_cargo, "sys.exit('Killed')")

    with pytest.raises(ToolError) as caught:
        build(fake_cargo)

    assert caught.value.problem == (
        "the benches do not build: cargo bench ended with status 1\n    Killed"
    )


def built(path: Path) -> str:
    """Return a cargo that has built the executable at *path*."""
    message = {
        "reason": "compiler-artifact",
        "target": {"name": "core", "kind": ["bench"]},
        "executable": str(path),
    }
    lines = ["a macro", json.dumps(message), '{"reason":"x"}']
    return "".join(f"print({line!r})\n" for line in lines)


@pytest.mark.parametrize(
    ("script", "exact", "fractions"),
    [
        (f"{CRITERION}; echo --exact", True, True),
        (f'{CRITERION}; [ "$1" != --bench ]', False, False),
        (CRITERION, False, True),
    ],
)
def test_what_a_version_of_criterion_knows_is_asked(
    fake_cargo: Path, script: str, *, exact: bool, fractions: bool
) -> None:
    made = executable(fake_cargo, script)
    cargo_that(fake_cargo, built(made.path))

    executables, doubts = build(fake_cargo)

    assert not doubts
    expected = Executable(made.target, made.path, exact=exact, fractions=fractions)
    assert executables == (expected,)


@pytest.mark.parametrize("script", ["echo running 0 tests", "exit 1", "exec sleep 60"])
def test_what_is_not_of_criterion_is_a_doubt(
    fake_cargo: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cargo, "_ASK_WITHIN", 0.3)
    made = executable(fake_cargo, script)
    cargo_that(fake_cargo, built(made.path))

    text = "micro: bench target shop/core is not of criterion and was left out"
    assert build(fake_cargo) == ((), (Doubt(text),))


# --- listing ---


def listed(*made: Executable, suite: Suite = SUITE) -> tuple[list[str], list[Failure]]:
    env: Mapping[str, str | None] = {}
    benches, failures = cargo.benchmarks(made, suite=suite, env=env)
    return [bench.title for bench in benches], list(failures)


def test_a_list_is_read_whole_and_from_standard_output(tmp_path: Path) -> None:
    made = executable(
        tmp_path,
        'i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo "a/$i: benchmark"; done\n'
        'echo "said: benchmark" >&2; echo; echo "x: test"; echo "b c: d: benchmark"',
    )

    titles, failures = listed(made)

    assert titles == [*(f"a/{number}" for number in range(1, 501)), "b c: d"]
    assert failures == []


def test_criterion_before_0_5_lists_a_bench_and_not_a_benchmark(
    tmp_path: Path,
) -> None:
    made = executable(tmp_path, 'printf "Gnuplot not found\\na: b/1: bench\\n\\n"')

    found, failures = cargo.benchmarks([made], suite=SUITE, env={})

    assert [bench.title for bench in found] == ["a: b/1"]
    assert failures == ()


def test_globs_choose_whole_names(tmp_path: Path) -> None:
    made = executable(tmp_path, 'printf "a/1: benchmark\\nb/a/1: benchmark\\n"')
    suite = Suite(name="micro", tool="criterion", benches=("a/*",))

    assert listed(made, suite=suite) == (["a/1"], [])


def test_a_list_that_panics_fails_the_target(tmp_path: Path) -> None:
    made = executable(tmp_path, "echo 'a: benchmark'; echo no input >&2; exit 101")

    reason = (
        "bench target shop/core can't list its benchmarks: it ended with status 101"
    )
    assert listed(made) == ([], [Failure("micro", "", reason, "no input")])


def test_a_name_in_two_targets_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    one = executable(tmp_path, 'printf "a: benchmark\\nsame: benchmark\\n"', "one")
    two = executable(tmp_path, 'printf "same: benchmark\\nb: benchmark\\n"', "two")

    titles, failures = listed(one, two)

    both = "shop/one and shop/two both have it"
    reason = f"{both}: give each a suite of its own, or rename one"
    assert titles == ["a", "b"]
    assert failures == [Failure("micro", "same", reason)]


def test_a_name_with_control_characters_is_refused_in_writing(tmp_path: Path) -> None:
    made = executable(tmp_path, 'printf "a\\033[1m\\tb: benchmark\\n"')

    reason = "its name has control characters: rename it"
    assert listed(made) == ([], [Failure("micro", r"a\x1b[1m\x09b", reason)])
