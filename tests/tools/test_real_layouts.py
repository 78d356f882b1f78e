"""A real Cargo, rustc and linker: the same code in other layouts."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchgate.measure import links
from benchgate.measure.links import Line

pytestmark = pytest.mark.tools("cargo")

MANIFEST = """
[package]
name = "twins"
version = "0.1.0"
edition = "2021"
build = "build.rs"

[lib]
bench = false

[[bench]]
name = "twins"
harness = false

[profile.bench]
"""
# Says how far a function lies from one of the library, and what it makes.
BENCH = """
use std::hint::black_box;
#[inline(never)] fn one(x: u64) -> u64 { black_box(x) * 3 }
#[inline(never)] fn two(x: u64) -> u64 { one(x) ^ 7 }
fn main() {
    let apart = one as usize as i64 - std::process::exit as usize as i64;
    println!("{} {}", apart, two(twins::three()));
}
"""


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    folder = tmp_path / "a crate"
    (folder / "src").mkdir(parents=True)
    (folder / "benches").mkdir()
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / "build.rs").write_text('fn main() { println!("cargo:rustc-env=A=1"); }')
    (folder / "src" / "lib.rs").write_text("pub fn three() -> u64 { 3 }")
    (folder / "benches" / "twins.rs").write_text(BENCH)
    return folder


def built(crate: Path, kept: Path | None = None) -> tuple[Path, str]:
    """Return the bench executable that Cargo builds, and what Cargo said."""
    env = links.environment(kept, project=crate) if kept else {}
    done = subprocess.run(
        ["cargo", "bench", "--no-run"],
        cwd=crate,
        env={**os.environ, **env},
        capture_output=True,
        check=True,
        text=True,
    )
    found = re.search(r"\((target/.*)\)", done.stderr)
    assert found
    return crate / found[1], done.stderr


def line_of(crate: Path, kept: Path) -> Line:
    line = links.line_of(built(crate, kept)[0], kept)
    assert line is not None
    return line


def said_by(line: Line, folder: Path, *, seed: int) -> tuple[str, str]:
    """Return how far two functions lie apart in a layout, and what they make."""
    place = folder / f"layout-{seed}"
    line.link(place, drawing=line.drawing(folder), seed=seed)
    done = subprocess.run([place], capture_output=True, check=True, text=True)
    distance, result = done.stdout.split()
    return distance, result


@pytest.mark.parametrize(
    "profile",
    [
        "",
        "lto = 'thin'",
        "lto = 'fat'",
        "codegen-units = 1",
        "debug = true",
        "lto = 'fat'\ncodegen-units = 1\npanic = 'abort'\nstrip = true",
    ],
)
def test_layouts_differ_and_results_do_not(
    crate: Path, tmp_path: Path, profile: str
) -> None:
    with (crate / "Cargo.toml").open("a") as manifest:
        manifest.write(profile)
    line = line_of(crate, tmp_path / "kept")

    said = [said_by(line, tmp_path, seed=seed) for seed in range(1, 9)]

    assert len({distance for distance, _ in said}) > 1
    assert {result for _, result in said} == {"14"}


def test_cargo_builds_nothing_anew_for_it(crate: Path, tmp_path: Path) -> None:
    built(crate)

    _, said = built(crate, tmp_path / "kept")

    assert "Compiling" not in said


def test_an_executable_that_was_there_is_linked_once_more(
    crate: Path, tmp_path: Path
) -> None:
    path, _ = built(crate)
    before = path.read_bytes()
    links.forget(path)

    line = line_of(crate, tmp_path / "kept")

    assert line.arguments
    assert path.read_bytes() == before


def test_a_linker_of_the_user_links_every_layout(crate: Path, tmp_path: Path) -> None:
    own = crate / "own-cc"
    own.write_text(f'#!/bin/sh\necho linked >> "{tmp_path}/linked"\nexec cc "$@"\n')
    own.chmod(0o755)
    (crate / ".cargo").mkdir()
    settings = '[target."cfg(unix)"]\nlinker = "./own-cc"\n'
    (crate / ".cargo" / "config.toml").write_text(settings)
    line = line_of(crate, tmp_path / "kept")
    (tmp_path / "linked").unlink()

    said_by(line, tmp_path, seed=3)

    assert (tmp_path / "linked").read_text().startswith("linked\n")


def test_flags_of_the_user_and_of_a_build_script_stay(
    crate: Path, tmp_path: Path
) -> None:
    (crate / "build.rs").write_text(
        'fn main() { println!("cargo:rustc-link-arg-benches=-Wl,--defsym=OURS=1"); }'
    )
    (crate / ".cargo").mkdir()
    (crate / ".cargo" / "config.toml").write_text(
        '[build]\nrustflags = ["-Clink-arg=-Wl,--build-id=0x1234"]\n'
    )

    line = line_of(crate, tmp_path / "kept")

    assert "-Wl,--defsym=OURS=1" in line.arguments
    assert "-Wl,--build-id=0x1234" in line.arguments
