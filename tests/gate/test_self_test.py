"""``benchgate self-test``: a known slowdown is injected, and the gate must fail."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.gate.projects import FAKES, Project, wait_for

FOUR = ("self-test", "--rounds", "4")
FROM_CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index#criterion@0.8.2"
LOOPS = """
impl Bencher {
    pub fn iter(&mut self) {
        self.iterated = true;
        for _ in 0..self.iters {}
    }
}
"""
TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}
LOAD = """
suites:
  load:
    tool: k6
    script: load/shop.js
    window: 1s
    service:
      build: git --version
      start: "{python} service.py"
      ready: "http://127.0.0.1:{{port}}/health"
      ready_within: 10s
"""


@pytest.fixture
def harness(project: Project, tmp_path: Path) -> Project:
    """Return the project of three benchmarks, built with a criterion that we know."""
    folder = tmp_path / "registry" / "criterion-0.8.2"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "bencher.rs").write_text(LOOPS)
    (folder / "src" / "lib.rs").write_text("mod bencher;\n")
    project.patch.setenv("FAKE_HARNESS", str(folder))
    project.patch.setenv("FAKE_HARNESS_ID", FROM_CRATES_IO)
    return project


def lines_with(text: str, *words: str) -> int:
    return sum(all(word in line for word in words) for line in text.splitlines())


def test_repeated_work_is_found_and_unchanged_code_passes(harness: Project) -> None:
    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    headline, _, rest = ended.out.partition("\n")
    assert headline == (
        "this gate can fail: 3 of 3 found at +20 %; unchanged code passed"
    )
    assert lines_with(rest, "+20 %", "work repeated", " found ") == 2
    assert lines_with(rest, "+20 %", "rounds scaled", " found ") == 1
    assert "Unchanged code: passed: none of 3 benchmarks is slower" in rest


def test_the_size_can_be_chosen(harness: Project) -> None:
    ended = harness.benchgate(*FOUR, "--slowdown", "5%")

    assert ended.code == 0, ended.err
    assert "3 of 3 found at +5 %" in ended.out


def test_it_says_the_same_as_a_document(harness: Project) -> None:
    ended = harness.benchgate(*FOUR, "--format", "json")

    said = json.loads(ended.out)
    assert ended.code == 0, ended.err
    assert (said["schema"], said["works"]) == ("benchgate-self-test/1", True)
    assert sorted(trial["how"] for trial in said["trials"]) == [
        "rounds scaled",
        "work repeated",
        "work repeated",
    ]
    assert said["trials"][0]["slowdown"]["point"] == pytest.approx(0.2)


def test_the_users_checkout_stays_as_it_is(harness: Project) -> None:
    (harness.root / "Cargo.lock").write_text("resolved by the user")

    harness.benchgate(*FOUR)

    assert harness.git("status", "--porcelain", "--untracked-files=no") == ""
    assert (harness.root / "Cargo.lock").read_text() == "resolved by the user"


def test_lock_files_of_our_work_tree_are_put_back(
    harness: Project, tmp_path: Path
) -> None:
    (harness.root / "Cargo.lock").write_text("resolved by the user")

    harness.benchgate(*FOUR)

    (lock,) = (tmp_path / "cache").rglob("base/Cargo.lock")
    assert lock.read_text() == "resolved by the user"


def test_the_registry_stays_as_it_is(harness: Project, tmp_path: Path) -> None:
    harness.benchgate(*FOUR)

    source = tmp_path / "registry" / "criterion-0.8.2" / "src" / "bencher.rs"
    assert source.read_text() == LOOPS


def test_uncommitted_changes_are_left_out(harness: Project) -> None:
    harness.bench({**TIMES, "parse/2": 4000.0})

    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert "uncommitted changes are left out" in ended.err
    assert json.loads((harness.root / "benches" / "core.rs").read_text()) == {
        "times": {**TIMES, "parse/2": 4000.0}
    }


def test_a_lock_that_git_does_not_know_counts_without_changes_too(
    harness: Project, tmp_path: Path
) -> None:
    harness.bench({**TIMES, "parse/2": 4000.0})
    (harness.root / "Cargo.lock").write_text("resolved by the user")

    harness.benchgate(*FOUR)

    (lock,) = (tmp_path / "cache").rglob("head/Cargo.lock")
    assert lock.read_text() == "resolved by the user"


def test_a_project_that_is_not_committed_is_named(bare: Project) -> None:
    bare.commit("nothing yet")
    bare.package("crate", "core")
    bare.bench(TIMES, "crate/core")

    ended = bare.benchgate(*FOUR, at="crate")

    assert ended.code == 2
    assert "is not part of the commit" in ended.err


def test_a_false_alarm_is_no_proof(harness: Project) -> None:
    # Git is told not to look, so that a commit differs from itself.
    harness.git("update-index", "--assume-unchanged", "benches/core.rs")
    harness.bench({**TIMES, "parse/2": 4000.0})

    ended = harness.benchgate(*FOUR)

    assert ended.code == 3
    assert ended.out.startswith("this gate can fail: ")
    assert "unchanged code ended regressed\n" in ended.out
    assert "\n  parse/2 +100 % [" in ended.out
    assert "A gate that fails unchanged code can't be trusted" in ended.out


def test_a_margin_above_the_slowdown_is_the_reason(harness: Project) -> None:
    harness.write("benchgate.yml", "policy: {margins: {time: 25%}}")
    harness.commit("generous")

    ended = harness.benchgate(*FOUR)

    assert ended.code == 3
    assert ended.out.startswith("this gate was not seen to fail: 0 of 3 found")
    assert "Not found: parse/1, parse/2, sort\n  its margin is 25 %" in ended.out


def test_what_does_not_block_is_not_tried(harness: Project) -> None:
    harness.write(
        "benchgate.yml", 'policy: {series: {"criterion:parse/*": {blocking: false}}}'
    )
    harness.commit("lenient")

    ended = harness.benchgate(*FOUR)

    assert "1 of 1 found" in ended.out


def test_unknown_loops_are_scaled_and_the_reason_is_given(
    harness: Project, tmp_path: Path
) -> None:
    source = tmp_path / "registry" / "criterion-0.8.2" / "src" / "bencher.rs"
    source.write_text("// another loop\n")

    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert lines_with(ended.out, "rounds scaled", " found ") == 3
    assert (
        "In criterion no work could be repeated: the loops of criterion-0.8.2 are not "
        "those that we know."
    ) in ended.out


def test_another_criterion_than_that_of_crates_io_is_scaled(harness: Project) -> None:
    harness.patch.setenv("FAKE_HARNESS_ID", "git+https://example.org/c#criterion@0.8.2")

    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert "its criterion is not the one of crates.io" in ended.out


def test_benches_without_criterion_itself_are_scaled(project: Project) -> None:
    ended = project.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert "no crate named criterion is among what it is built with" in ended.out


def test_a_changed_harness_that_does_not_build_is_scaled(harness: Project) -> None:
    harness.bench(TIMES, rigid=True)
    harness.commit("rigid")

    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert lines_with(ended.out, "rounds scaled", " found ") == 3
    assert "no work could be repeated: the benches do not build" in ended.out


def test_a_harness_that_repeats_nothing_is_scaled(harness: Project) -> None:
    harness.bench(TIMES, repeats=False)
    harness.commit("iterations of their own")

    ended = harness.benchgate(*FOUR)

    assert ended.code == 0, ended.err
    assert lines_with(ended.out, "rounds scaled", " found ") == 3


def test_a_load_test_is_scaled(bare: Project) -> None:
    bare.write("service.py", (FAKES / "service.py").read_text())
    bare.write("milliseconds", "2.0")
    bare.write("load/shop.js", "// {}")
    bare.write("benchgate.yml", LOAD.format(python=sys.executable))
    bare.commit("shop")

    ended = bare.benchgate(*FOUR)

    assert ended.out.startswith("this gate can fail: ")
    assert lines_with(ended.out, "GET /cart ", "rounds scaled", " found ") == 1
    assert "what k6 loads has no harness to repeat work in" in ended.out


@pytest.mark.parametrize("share", ["none", "0%", "-5%", "1100%", "2"])
def test_a_size_that_makes_no_sense_is_refused(project: Project, share: str) -> None:
    ended = project.benchgate("self-test", f"--slowdown={share}")

    assert ended.code == 2
    assert ended.err.startswith("benchgate: error: --slowdown: ")


def test_stopped_it_keeps_what_was_measured(harness: Project) -> None:
    harness.bench(TIMES, takes=0.1)
    harness.commit("slow")
    process = harness.started("self-test")
    third = harness.root / ".benchgate" / "raw"
    wait_for(third, process, "criterion (work repeated)-002-head.ndjson")

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    again = harness.benchgate("compare", "--run", ".benchgate/run.json")
    assert "criterion (work repeated)" in again.out
