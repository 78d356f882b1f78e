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
# What rustc says of two items that a feature hides.
GATED = "".join(
    f"""\
error[E0432]: unresolved import `shop::{name}`
 --> benches/core.rs:1:8
  |
1 | use shop::{name}::f;
  |        ^^^^^^^ could not find `{name}` in `shop`
  |
note: found an item that was configured out
 --> src/lib.rs:2:9
  |
1 | #[cfg(feature="{name}")]
  |       ----------------- the item is gated behind the `{name}` feature
2 | pub mod {name} {{ pub fn f(){{}} }}
  |         ^^^^^^^

"""
    for name in ("handles", "layers")
)
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

    assert caught.value.problem.splitlines() == [
        "the benches do not build",
        "    error[E1]: one",
        "     --> a.rs:1",
    ]


def test_an_undeclared_feature_is_named_from_the_compilers_error(
    fake_cargo: Path,
) -> None:
    cargo_that(fake_cargo, f"sys.exit({GATED!r})")

    with pytest.raises(ToolError) as caught:
        build(fake_cargo)

    assert len(caught.value.problem.splitlines()) == 13
    assert caught.value.hint == (
        "turn on what the benches need, in `benchgate.yml`: `suites: {micro: "
        "{tool: criterion, features: [handles, layers]}}`"
    )


@pytest.mark.parametrize(
    ("printed", "cure"),
    [
        ("error: x\n note: `#[deny(x)]` implied by `#[deny(y)]`", "--cap-lints warn"),
        ("error: x\n note: `-D x` implied by `-D warnings`", "--cap-lints warn"),
        (
            "error: x\n note: there are multiple different versions of crate `geo`",
            "another release of geo",
        ),
        (
            "error[E0554]: `#![feature]` may not be used on the stable release channel",
            "RUSTUP_TOOLCHAIN=nightly",
        ),
        ("error: rustc 1.80.0 is not supported\n  a requires rustc 1.95", "rustup up"),
        ("error: linker `cc` not found", "install cc"),
        ("error[E0308]: mismatched types", ""),
    ],
)
def test_a_newer_compilers_lints_and_the_like_have_a_cure(
    fake_cargo: Path, printed: str, cure: str
) -> None:
    cargo_that(fake_cargo, f"sys.exit({printed!r})")

    with pytest.raises(ToolError) as caught:
        build(fake_cargo)

    assert cure in caught.value.hint
    assert bool(caught.value.hint) is bool(cure)


def test_a_warning_after_the_error_is_not_its_cause(fake_cargo: Path) -> None:
    cargo_that(
        fake_cargo,
        "sys.exit('error: one\\nwarning: two\\n  = note: `#[deny(unused)]`')",
    )

    with pytest.raises(ToolError) as caught:
        build(fake_cargo)

    assert caught.value.hint == ""


def test_a_toolchain_that_is_not_there_is_named_with_what_helps(
    fake_cargo: Path, tmp_path: Path
) -> None:
    (tmp_path / "Cargo.toml").touch()
    cargo_that(fake_cargo, "sys.exit(\"error: toolchain '1.62.0-x' is not installed\")")

    with pytest.raises(ToolError) as caught:
        cargo.bench_targets(tmp_path, SUITE)

    assert caught.value.hint == (
        "run `rustup toolchain install 1.62.0-x`, or take one that is there: "
        "`RUSTUP_TOOLCHAIN=stable benchgate compare`"
    )


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


@pytest.mark.parametrize(
    ("knows", "exact", "fractions"),
    [
        ("--warm-up-time|--exact", True, True),
        ("--warm-up-time", False, True),
    ],
)
def test_criterion_without_the_help_of_clap_is_known_by_its_list(
    fake_cargo: Path, knows: str, *, exact: bool, fractions: bool
) -> None:
    made = executable(
        fake_cargo,
        f"case $3 in {knows}) exit 0;; *)\n"
        "echo error: unexpected argument found >&2; exit 2;; esac",
    )
    cargo_that(fake_cargo, built(made.path))

    executables, doubts = build(fake_cargo)

    assert not doubts
    expected = Executable(made.target, made.path, exact=exact, fractions=fractions)
    assert executables == (expected,)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (
            "echo error: unexpected argument found; exit 2",
            "does not answer like one of criterion",
        ),
        ("exit 101", "does not answer like one of criterion"),
        ("while :; do echo y; sleep 0.1; done", "does its work whatever it is asked"),
        (
            'echo "        --include-ignored"',
            "is run by Rust's own test harness (is `harness = false` missing?)",
        ),
        ('echo "--sample-count <N>"', "is of divan"),
        ('echo "test result: ok. 0 passed; 0 measured"', "is of bencher"),
        ('echo "iai-callgrind-runner: not found" >&2', "is of iai or gungraun"),
    ],
)
def test_what_is_not_of_criterion_is_a_doubt_that_says_what_it_is(
    fake_cargo: Path, script: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cargo, "_ASK_WITHIN", 0.3)
    made = executable(fake_cargo, script)
    cargo_that(fake_cargo, built(made.path))

    text = f"micro: bench target shop/core was left out: it {kind}"
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


def test_a_name_in_two_targets_goes_by_its_targets_name_too(tmp_path: Path) -> None:
    one = executable(tmp_path, 'printf "a: benchmark\\nsame: benchmark\\n"', "one")
    two = executable(tmp_path, 'printf "same: benchmark\\nsame: benchmark\\n"', "two")

    found, failures = cargo.benchmarks([one, two], suite=SUITE, env={})

    assert failures == ()
    assert [bench.name for bench in found] == ["a", "shop/one: same", "shop/two: same"]
    assert [bench.executable for bench in found] == [one, one, two]
    assert {bench.pattern for bench in found[1:]} == {"^same$"}


def test_a_name_with_control_characters_is_refused_in_writing(tmp_path: Path) -> None:
    made = executable(tmp_path, 'printf "a\\033[1m\\tb: benchmark\\n"')

    reason = "its name has control characters: rename it"
    assert listed(made) == ([], [Failure("micro", r"a\x1b[1m\x09b", reason)])
