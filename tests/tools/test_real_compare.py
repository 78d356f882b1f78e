"""The main job with the real cargo and criterion, on the smallest crate there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchgate.cli import main
from benchgate.measure import counts

pytestmark = pytest.mark.tools("cargo-criterion")

# What criterion needs is built without optimisation: here it is the time that counts.
MANIFEST = """
[package]
name = "tiny"
version = "0.1.0"
edition = "2021"
[dev-dependencies]
criterion = { version = "0.8", default-features = false }
[lib]
bench = false
[[bench]]
name = "sums"
harness = false
[profile.bench]
debug = 0
[profile.bench.package."*"]
opt-level = 0
"""
LIBRARY = """
/// Mixes the numbers below `n`.
pub fn mixed(n: u64) -> u64 {
    (0..n).fold(1, |a, b| (a ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
"""
BENCHES = """
use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use std::hint::black_box;

fn benches(c: &mut Criterion) {
    c.bench_function("steady sum", |b| b.iter(|| tiny::mixed(black_box(2_000))));
    let mut group = c.benchmark_group("slowed");
    group.throughput(Throughput::BytesDecimal(8_000));
    let name = "a name that is longer than the one hundred bytes \\
        that criterion prints of it in all that it writes";
    group.bench_function(name, |b| b.iter(|| tiny::mixed(black_box(1_000))));
    group.finish();
}
criterion_group!(all, benches);
criterion_main!(all);
"""
# A hundred bytes of it.
TITLE = (
    "slowed/a name that is longer than the one hundred bytes that criterion prints of "
    "it in all that it w..."
)


@dataclass(frozen=True)
class Crate:
    """A crate in a repository of its own."""

    root: Path

    def benches(self, text: str) -> None:
        (self.root / "benches" / "sums.rs").write_text(text)

    def git(self, *words: str) -> None:
        subprocess.run(("git", *words), cwd=self.root, check=True)

    def compiled(self, side: str) -> list[str]:
        """Return the packages that Cargo compiled for *side*."""
        log = self.root / ".benchgate" / "logs" / f"criterion-{side}.log"
        return re.findall(r"Compiling (\S+)", log.read_text())

    def report(self) -> dict[str, Any]:
        raw = (self.root / ".benchgate" / "report.json").read_text()
        report: dict[str, Any] = json.loads(raw)
        return report


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crate]:
    """Return the crate, committed and built; both tests share what was built of it."""
    root = tmp_path_factory.mktemp("tiny")
    target = tmp_path_factory.mktemp("target")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "a")
            patch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
        patch.chdir(root)
        crate = Crate(root)
        (root / "src").mkdir()
        (root / "benches").mkdir()
        (root / "Cargo.toml").write_text(MANIFEST)
        (root / ".gitignore").write_text("target\nCargo.lock\n")
        (root / "src" / "lib.rs").write_text(LIBRARY)
        crate.benches(BENCHES)
        crate.git("init", "--quiet", "--initial-branch", "main")
        crate.git("add", "--all")
        crate.git("commit", "--quiet", "--message", "base")
        patch.setenv("CARGO_TARGET_DIR", str(target))
        yield crate


def test_code_of_twice_the_work_is_found_and_named(crate: Crate) -> None:
    crate.benches(BENCHES.replace("1_000))", "2_000))"))

    status = main(["compare", "--rounds", "6"])

    report = crate.report()
    judged = {j["benchmark"]: j for j in report["judgements"]}
    assert status == 1
    # What the head has built of criterion, the base needn't.
    assert "criterion" in crate.compiled("head")
    assert crate.compiled("base") == ["tiny"]
    assert judged[TITLE]["verdict"] == "regressed"
    assert judged[TITLE]["slowdown"]["point"] == pytest.approx(1.0, abs=0.5)
    assert judged["steady sum"]["verdict"] != "regressed"
    # The one thing that cargo-criterion 1.1.0 can't do here, in its own words.
    texts = [doubt["text"] for doubt in report["doubts"]]
    (text,) = [text for text in texts if text.startswith("criterion: ")]
    assert text == (
        "criterion: cargo criterion ended with status 1 (unknown variant "
        "`BytesDecimal`, expected `Bytes` or `Elements`); what it left out was "
        "measured through the bench executables"
    )


@pytest.mark.skipif(not counts.is_there(), reason="valgrind not found")
def test_twice_the_work_is_counted_too(crate: Crate) -> None:
    crate.benches(BENCHES.replace("2_000))", "4_000))"))

    main(["compare", "--rounds", "4"])

    judged = {j["benchmark"]: j for j in crate.report()["judgements"]}
    said = judged["steady sum"]["statement"]
    assert said["account"] == "more work"
    assert said["instructions"] == pytest.approx(1.0, abs=0.05)
    assert said["precision"] < 0.05
    assert (said["allocations"], said["system_calls"]) == (0.0, 0.0)


def test_a_comment_is_no_regression(crate: Crate) -> None:
    crate.benches(f"// A comment.\n{BENCHES}")

    status = main(["compare", "--rounds", "6"])

    assert status == 0
    assert {j["verdict"] for j in crate.report()["judgements"]} <= {
        "unchanged",
        "inconclusive",
    }


def test_repeated_work_is_seen_by_the_real_harness(
    crate: Crate, capsys: pytest.CaptureFixture[str]
) -> None:
    crate.git("checkout", "--quiet", "--", ".")

    status = main(
        ["self-test", "--slowdown", "50%", "--rounds", "8", "--format", "json"]
    )

    said = json.loads(capsys.readouterr().out)
    (repeated,) = [t for t in said["trials"] if t["how"] == "work repeated"]
    assert repeated["slowdown"]["point"] == pytest.approx(0.5, abs=0.25)
    assert repeated["found"]
    assert said["unchanged"]["outcome"] == "passed"
    assert status == 0
