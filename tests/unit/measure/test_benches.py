"""Benches as they lie on disk: manifests, sources, and what was measured before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchgate.config import Suite
from benchgate.doctor import Bench, Body, Setting, Smell
from benchgate.documents import run
from benchgate.errors import FormatError
from benchgate.measure import benches
from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Commit,
    Design,
    Environment,
    Kind,
    Measurement,
    Metric,
    Round,
    Run,
    Sample,
    SeriesKey,
    Statistic,
    Unit,
)

MICRO = Suite(name="micro", tool="criterion")
MANIFEST = """
[package]
name = "shop"
[dev-dependencies]
criterion = "0.5"
"""
HARNESS = '[[bench]]\nname = "core"\nharness = false\n'
SOURCE = "use criterion::*;\ncriterion_main!(benches);\n"


def a_package(folder: Path, manifest: str = MANIFEST, **sources: str) -> Path:
    """Write a package with these bench sources."""
    (folder / "benches").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(manifest)
    for name, text in sources.items():
        (folder / "benches" / f"{name}.rs").write_text(text)
    return folder


def benches_in(folder: Path, suite: Suite = MICRO) -> list[Bench]:
    found = benches.packages(folder, (suite,))
    return [bench for package in found for bench in package.benches]


def test_a_folder_without_cargo_has_no_packages(tmp_path: Path) -> None:
    assert benches.packages(tmp_path, (MICRO,)) == ()


def test_a_file_that_nobody_names_runs_under_libtest(tmp_path: Path) -> None:
    found = benches_in(a_package(tmp_path, core=SOURCE))

    assert found == [Bench("core", "Cargo.toml", "benches/core.rs", harness=True)]


def test_a_target_without_harness_is_criterions_own(tmp_path: Path) -> None:
    found = benches_in(a_package(tmp_path, MANIFEST + HARNESS, core=SOURCE))

    assert found == [Bench("core", "Cargo.toml", "benches/core.rs", harness=False)]


def test_a_target_that_names_its_path_is_found_once(tmp_path: Path) -> None:
    named = '[[bench]]\nname = "fast"\npath = "benches/core.rs"\nharness = false\n'

    found = benches_in(a_package(tmp_path, MANIFEST + named, core=SOURCE))

    assert [(b.name, b.source) for b in found] == [("fast", "benches/core.rs")]


def test_a_bench_of_another_tool_beside_it_is_none_of_criterions(
    tmp_path: Path,
) -> None:
    divan = "fn main() { divan::main(); }"
    module = "pub fn helper() -> u64 { 1 }"

    found = benches_in(
        a_package(tmp_path, MANIFEST + HARNESS, core=SOURCE, other=divan, mod=module)
    )

    assert [bench.name for bench in found] == ["core"]


@pytest.mark.parametrize(
    "manifest",
    ['[package]\nname = "shop"\n', "[workspace]\n", "[package\n", ""],
    ids=["without criterion", "a workspace", "broken", "empty"],
)
def test_a_manifest_without_criterion_has_no_benches(
    tmp_path: Path, manifest: str
) -> None:
    assert benches_in(a_package(tmp_path, manifest, core=SOURCE)) == []


@pytest.mark.parametrize(
    ("suite", "names"),
    [
        (Suite(name="m", tool="criterion", targets=("flow",)), ["flow"]),
        (Suite(name="m", tool="criterion", packages=("other",)), []),
        (Suite(name="m", tool="criterion", directory="elsewhere"), []),
        (Suite(name="m", tool="k6"), []),
    ],
)
def test_only_what_a_suite_takes_is_looked_at(
    tmp_path: Path, suite: Suite, names: list[str]
) -> None:
    a_package(tmp_path, core=SOURCE, flow=SOURCE)

    assert [bench.name for bench in benches_in(tmp_path, suite)] == names


def test_spots_are_found_in_modules_and_by_functions_of_the_package(
    tmp_path: Path,
) -> None:
    a_package(tmp_path, core=SOURCE)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("pub fn fib(n: u64) -> u64 { n }")
    (tmp_path / "benches" / "deep").mkdir()
    bench = "fn f(b: B) {\n b.iter(|| { fib(n); });\n}"
    (tmp_path / "benches" / "deep" / "mod.rs").write_text(bench)
    (package,) = benches.packages(tmp_path, (MICRO,))

    (spot,) = benches.spots(package, folder=tmp_path)

    assert (spot.smell, spot.place) == (Smell.DROPPED_RESULT, "benches/deep/mod.rs:2")


@pytest.mark.parametrize(
    ("profiles", "found"),
    [
        ("", ()),
        (
            "[profile.release]\ndebug-assertions = true\n",
            (Setting("Cargo.toml", "release", "debug-assertions", "true"),),
        ),
        (
            "[profile.bench]\nopt-level = 0\n",
            (Setting("Cargo.toml", "bench", "opt-level", "0"),),
        ),
        ("[profile.release]\nopt-level = 0\n[profile.bench]\nopt-level = 3\n", ()),
        ('[profile.release]\nopt-level = "z"\noverflow-checks = true\n', ()),
        ("[profile.dev]\nopt-level = 0\n", ()),
    ],
)
def test_a_profile_that_is_slower_than_what_is_shipped_is_found(
    tmp_path: Path, profiles: str, found: tuple[Setting, ...]
) -> None:
    a_package(tmp_path, MANIFEST + profiles, core=SOURCE)
    (package,) = benches.packages(tmp_path, (MICRO,))

    assert benches.settings(package, folder=tmp_path) == found


def test_profiles_are_those_of_the_workspace(tmp_path: Path) -> None:
    slow = "[profile.bench]\nopt-level = 1\n"
    (tmp_path / "Cargo.toml").write_text(f"[workspace]\n{slow}")
    a_package(tmp_path / "core", MANIFEST + slow, core=SOURCE)
    (package,) = benches.packages(tmp_path, (MICRO,))

    (setting,) = benches.settings(package, folder=tmp_path)

    assert setting.place == "Cargo.toml"


@pytest.mark.parametrize(
    ("wanted", "lock", "version"),
    [
        ('"0.5"', "", "0.5"),
        ('{ version = "^0.3.6" }', "", "0.3.6"),
        ("{ workspace = true }", "", None),
        ('"=0"', "", None),
        ('"0.5"', '[[package]]\nname = "criterion"\nversion = "0.5.1"\n', "0.5.1"),
    ],
)
def test_the_version_is_the_locked_one_or_the_wanted_one(
    tmp_path: Path, wanted: str, lock: str, version: str | None
) -> None:
    a_package(tmp_path, MANIFEST.replace('"0.5"', wanted), core=SOURCE)
    (tmp_path / "Cargo.lock").write_text(lock)
    (package,) = benches.packages(tmp_path, (MICRO,))

    assert benches.criterion_version(package, folder=tmp_path) == version


def test_where_nothing_was_measured_nothing_was_seen(tmp_path: Path) -> None:
    assert benches.seen(tmp_path) == benches.Seen((), {})


@pytest.mark.parametrize(
    ("design", "requests"),
    [
        (Design.PAIRED, {"load": (("GET /feed", 75.0),)}),
        # A run to be stored is one long window.
        (Design.STORED, {}),
    ],
)
def test_what_benchgate_measured_before_is_seen(
    tmp_path: Path, design: Design, requests: object
) -> None:
    time = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
    p99 = Metric("p99", Unit.SECOND, Better.LOWER, Kind.TAIL)
    parse, feed = (
        SeriesKey("micro", "parse", "time"),
        SeriesKey("load", "GET /feed", "p99"),
    )
    rounds = tuple(
        Round(
            {
                parse: Sample(
                    time, SLICE_STATISTICS, (value,) * 5, Statistic.Q10, count=100
                ),
                feed: Sample(p99, (Statistic.VALUE,), (0.1,), Statistic.VALUE, count),
            }
        )
        for value, count in ((1e-6, 70), (3e-6, 80), (2e-6, 75))
    )
    head = Run(Commit(), Environment(), rounds)
    (tmp_path / ".benchgate").mkdir()
    raw = run.encode(Measurement(None, head, design))
    (tmp_path / ".benchgate" / "run.json").write_bytes(raw)

    found = benches.seen(tmp_path)

    assert found.bodies == (Body("parse", 2e-6),)
    assert found.requests == requests


def test_what_criterion_measured_before_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    place = tmp_path / "target" / "criterion" / "parse" / "new"
    place.mkdir(parents=True)
    identity = {"full_id": "parse", "directory_name": "parse", "title": "parse"}
    (place / "benchmark.json").write_text(json.dumps(identity))
    sample = {"iters": [100.0] * 20, "times": [250.0] * 20}
    (place / "sample.json").write_text(json.dumps(sample))

    (body,) = benches.seen(tmp_path).bodies

    assert body.benchmark == "parse"
    assert body.seconds == pytest.approx(2.5e-9)


def test_a_run_that_is_damaged_says_so(tmp_path: Path) -> None:
    (tmp_path / ".benchgate").mkdir()
    (tmp_path / ".benchgate" / "run.json").write_text("{")

    with pytest.raises(FormatError, match=r"run\.json"):
        benches.seen(tmp_path)


@pytest.mark.parametrize(
    "manifest",
    [
        "[package\n",
        "package = 3\n",
        'bench = ["core"]\n' + MANIFEST,
        "dev-dependencies = 3\n[package]\nname = 'shop'\n",
        MANIFEST + "other = {path = 5}\n",
        MANIFEST + "[profile]\nbench = 3\n",
        MANIFEST + '[[bench]]\nname = "core"\npath = 5\n',
        f"x = {'[' * 5000}\n",
    ],
)
def test_a_manifest_that_is_damaged_is_named_and_no_crash(
    manifest: str, tmp_path: Path
) -> None:
    a_package(tmp_path / "shop", manifest, core=SOURCE)

    assert benches.packages(tmp_path, (MICRO,)) == ()
    assert benches.unread(tmp_path, (MICRO,)) == ("shop/Cargo.toml",)


def test_a_manifest_that_is_well_is_read_whoever_asks(tmp_path: Path) -> None:
    a_package(tmp_path, MANIFEST + "[features]\na = []\n", core=SOURCE)

    assert benches.unread(tmp_path, (MICRO, MICRO)) == ()


@pytest.mark.parametrize(
    "lock", ["package = 3\n", '[[package]]\nname = "criterion"\n', "[[package\n"]
)
def test_a_damaged_lock_file_leaves_the_version_to_the_manifest(
    lock: str, tmp_path: Path
) -> None:
    a_package(tmp_path, MANIFEST, core=SOURCE)
    (tmp_path / "Cargo.lock").write_text(lock)
    (package,) = benches.packages(tmp_path, (MICRO,))

    assert benches.criterion_version(package, folder=tmp_path) == "0.5"


@pytest.mark.parametrize("path", ["/dev/zero", "\\u0000", "benches"])
def test_a_bench_that_is_no_file_is_passed_over(path: str, tmp_path: Path) -> None:
    bench = f'[[bench]]\nname = "core"\npath = "{path}"\n'
    a_package(tmp_path, MANIFEST + bench)

    assert benches_in(tmp_path) == []
