"""A team that has one bench copies the two workflows from the README, and no more."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.action.stage import ROOT, Stage, stage_with_tools

pytestmark = pytest.mark.tools("cargo", "k6")

MERGE = "refs/pull/7/merge"
MANIFEST = """
[package]
name = "digest"
version = "0.1.0"
edition = "2021"

[dev-dependencies]
criterion = "0.8"

[[bench]]
name = "digest"
harness = false
"""
LIBRARY = """
/// Returns the FNV-1a hash of `text`.
pub fn digest(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
"""
# A third of the work is done twice.
SLOWER = """
/// Returns the FNV-1a hash of `text`.
pub fn digest(text: &[u8]) -> u64 {
    let start = fold(0xcbf2_9ce4_8422_2325, &text[..text.len() / 10 * 3]);
    fold(start, text)
}

fn fold(start: u64, text: &[u8]) -> u64 {
    text.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
"""
BENCH = """
use criterion::{criterion_group, criterion_main, Criterion};
use std::hint::black_box;

fn digest(c: &mut Criterion) {
    let text = vec![b'x'; 10_000];
    c.bench_function("digest", |b| b.iter(|| digest::digest(black_box(&text))));
}

criterion_group!(benches, digest);
criterion_main!(benches);
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage_with_tools(tmp_path_factory.mktemp("stage")) as stage:
        readme = (ROOT / "README.md").read_text()
        workflows = re.findall(
            r"```yaml\n# (\.github/workflows/\S+)\n(.*?)```", readme, re.DOTALL
        )
        files = {
            "Cargo.toml": MANIFEST,
            "src/lib.rs": LIBRARY,
            "benches/digest.rs": BENCH,
            ".gitignore": "/target\n",
        }
        stage.commit("main", {**files, **dict(workflows)})
        subprocess.run(("cargo", "generate-lockfile"), cwd=stage.origin, check=True)
        stage.commit("main", {})
        yield stage


def test_what_is_slower_fails_and_says_why(stage: Stage) -> None:
    stage.commit("topic", {"src/lib.rs": SLOWER})
    opened = stage.pull_request()

    measured = stage.play(
        "pull_request", opened, workflow="bench.yml", job="measure", ref=MERGE
    )
    told = stage.play(
        "workflow_run",
        stage.ended(opened, measured),
        workflow="benchgate.yml",
        job="report",
        ref="main",
    )

    assert measured.failed, measured.log
    assert measured.output("outcome") == "regressed", measured.log
    assert not told.failed, told.log
    (comment,) = stage.github.state.comments
    assert "### ❌ regressed: 1 of 1 benchmark is slower" in comment.body
    assert "| 🔴&nbsp;`digest` |" in comment.body


def test_words_pass(stage: Stage) -> None:
    stage.commit("topic", {"README.md": "Words.\n"})
    opened = stage.pull_request()

    measured = stage.play(
        "pull_request", opened, workflow="bench.yml", job="measure", ref=MERGE
    )
    told = stage.play(
        "workflow_run",
        stage.ended(opened, measured),
        workflow="benchgate.yml",
        job="report",
        ref="main",
    )

    assert not measured.failed, measured.log
    assert measured.output("outcome") == "passed", measured.log
    assert not told.failed, told.log
    (comment,) = stage.github.state.comments
    assert "### ✅ passed" in comment.body
