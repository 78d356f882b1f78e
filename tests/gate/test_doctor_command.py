"""``benchgate doctor`` as people call it, in places that are well, ill, or nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.gate.projects import Project

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"
SICK = """
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

fn fib(n: u64) -> u64 { n }

fn bench(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = c.benchmark_group("sick");
    group.sample_size(10);
    group.bench_function("constant", |b| b.iter(|| fib(20)));
    group.bench_function("dropped", |b| {
        b.iter(|| {
            fib(n);
        });
    });
    group.bench_function("blocked", |b| b.iter(|| runtime.block_on(answer())));
    group.bench_function("twice", |b| {
        b.to_async(&runtime).iter(|| async { runtime.block_on(answer()) });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
"""
SUITES = """
suites:
  micro: {tool: criterion}
  load: {tool: k6, script: load.js}
"""


def findings_of(project: Project, *words: str) -> dict[str, dict[str, Any]]:
    """Return what the JSON document says of the project, by the ids."""
    ended = project.benchgate("doctor", "--format", "json", *words)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    return {finding["id"]: finding for finding in document["findings"]}


@pytest.fixture
def sick(bare: Project) -> Project:
    """Return a crate whose bench, manifest and load test do everything wrong."""
    bare.package(".")
    with (bare.root / "Cargo.toml").open("a") as manifest:
        manifest.write("[profile.bench]\ndebug-assertions = true\n")
    bare.write("benches/core.rs", SICK)
    bare.write("benchgate.yml", SUITES)
    bare.write("load.js", "export const options = { vus: 10, duration: '30s' };")
    bare.commit()
    return bare


def test_a_bench_that_does_everything_wrong_is_told_so_line_by_line(
    sick: Project,
) -> None:
    found = findings_of(sick)

    places = {name: finding["places"] for name, finding in found.items()}
    assert places["few-samples"] == ["benches/core.rs:10"]
    assert places["literal-input"] == ["benches/core.rs:11"]
    assert places["dropped-result"] == ["benches/core.rs:14"]
    assert places["block-on-workers"] == ["benches/core.rs:17"]
    assert places["block-on-in-async"] == ["benches/core.rs:19"]
    assert places["harness"] == ["Cargo.toml"]
    assert places["profile"] == ["Cargo.toml"]


def test_without_k6_the_script_itself_says_that_its_model_is_closed(
    sick: Project, tools: Path
) -> None:
    (tools / "k6").unlink()

    found = findings_of(sick)

    assert found["closed-model"]["places"] == ["load.js"]
    assert found["no-k6"]["harm"] == "stops"


def test_the_text_puts_the_most_harmful_first_and_says_what_mends_it(
    sick: Project,
) -> None:
    ended = sick.benchgate("doctor")

    assert (ended.code, ended.err) == (0, "")
    first, _, then = ended.out.partition("\n\n")
    assert first.endswith("findings, the most harmful first")
    assert then.startswith(
        "1. `block_on` is called inside of an async benchmark  stops"
    )
    assert "   mend  replace `runtime.block_on(…)` by `.await`\n" in then
    assert "   at    benches/core.rs:19\n" in then
    assert "Looked at 1 machine, 1 bench target, 0 measured benchmarks" in then


def test_a_project_that_is_well_has_no_findings_of_its_own(project: Project) -> None:
    machine = {"shared-core", "other-load", "steal", "governor", "turbo", "cpu-limit"}

    assert (
        set(findings_of(project))
        - machine
        - {"slow-clock", "little-disk", "no-valgrind"}
        == set()
    )


def test_outside_of_a_repository_and_without_tools_it_says_so(
    bare: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    monkeypatch.setenv("PATH", str(nowhere))
    project = Project(nowhere, bare.state, bare.capsys, bare.patch)

    found = findings_of(project)

    assert {"no-git", "no-cargo", "no-cargo-criterion"} <= set(found)


def test_outside_of_a_repository_nobodys_disk_is_searched(
    bare: Project, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    project = Project(nowhere, bare.state, bare.capsys, bare.patch)
    project.package("deep/crate")
    project.write("deep/crate/benches/core.rs", SICK)

    found = findings_of(project)

    assert found["no-repository"]["harm"] == "stops"
    assert "dropped-result" not in found
    assert "dropped-result" in findings_of(
        Project(nowhere / "deep" / "crate", bare.state, bare.capsys, bare.patch)
    )


def test_a_run_that_is_damaged_is_unknown_and_no_crash(project: Project) -> None:
    project.write(".benchgate/run.json", "{")

    ended = project.benchgate("doctor", "--format", "json")

    (unknown,) = [
        text
        for text in json.loads(ended.out)["unknown"]
        if text.startswith("what was measured before")
    ]
    assert "run.json" in unknown


def test_a_run_that_can_not_be_read_is_unknown_and_no_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(".benchgate/run.json", "{}")
    read = Path.read_bytes

    def refused(place: Path) -> bytes:
        if place.name == "run.json":
            raise PermissionError(13, "Permission denied", str(place))
        return read(place)

    monkeypatch.setattr(Path, "read_bytes", refused)
    ended = project.benchgate("doctor")

    assert (ended.code, ended.err) == (0, "")
    assert "what was measured before ([Errno 13] Permission denied:" in ended.out


def test_a_manifest_that_is_damaged_is_unknown_and_no_clean_bill(bare: Project) -> None:
    bare.write("Cargo.toml", "[package\n")

    ended = bare.benchgate("doctor")

    assert ended.code == 0, ended.err
    assert "what Cargo.toml says (`cargo metadata` tells why)." in ended.out


def test_a_file_name_that_is_no_utf_8_is_written_out_in_the_document(
    sick: Project,
) -> None:
    odd = os.fsdecode(b"benches/caf\xe9.rs")
    (sick.root / "benches" / "core.rs").rename(sick.root / odd)

    found = findings_of(sick)

    assert found["literal-input"]["places"] == ["benches/caf\\udce9.rs:11"]


def test_a_configuration_that_is_wrong_is_the_only_error(project: Project) -> None:
    project.write("benchgate.yml", "suits: {}\n")

    ended = project.benchgate("doctor")

    assert (ended.code, ended.out) == (2, "")
    assert "suits" in ended.err
