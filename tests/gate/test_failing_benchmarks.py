"""What breaks while both sides are built and measured, and what goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchgate.measure import slices
from tests.gate.projects import Project

TWO = ("compare", "--rounds", "2")
FOUR = ("compare", "--rounds", "4")
TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}
NO_COMPILE = "error[E0308]: mismatched types\n --> benches/core.rs:7:9\n  |\n7 | a\n"


def failed(project: Project) -> dict[str, str]:
    """Return the reason of each failure by the name of its benchmark."""
    return {f["benchmark"]: f["reason"] for f in project.report()["failed"]}


def judged(project: Project) -> set[str]:
    return {j["benchmark"] for j in project.report()["judgements"]}


def doubts(project: Project) -> str:
    return "\n".join(doubt["text"] for doubt in project.report()["doubts"])


def test_a_panic_on_the_head_fails_it_by_name_and_the_rest_goes_on(
    project: Project,
) -> None:
    project.bench(TIMES, ill={"parse/2": "panic"})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    assert failed(project) == {
        "parse/2": "head: the benchmark ended with status 1",
    }
    assert judged(project) == {"parse/1", "sort"}
    assert "thread 'main' panicked at benches/x.rs:7" in ended.out


def test_a_panic_on_both_sides_names_both(project: Project) -> None:
    project.bench(TIMES, ill={"parse/2": "panic"})
    project.commit()

    project.benchgate(*TWO, "--base", "HEAD")

    reasons = [f["reason"] for f in project.report()["failed"]]
    assert reasons == [
        "head: the benchmark ended with status 1",
        "base: the benchmark ended with status 1",
    ]


def test_a_panic_in_one_slice_ends_that_benchmark_alone(project: Project) -> None:
    project.bench(TIMES, ill={"parse/2": "panic at 3"})
    project.commit()

    ended = project.benchgate(*FOUR)

    assert ended.code == 3, ended.err
    assert list(failed(project)) == ["parse/2"]
    rounds = {
        j["benchmark"]: j["head"]["rounds"] for j in project.report()["judgements"]
    }
    assert rounds == {"parse/1": 4, "parse/2": 2, "sort": 4}


def test_a_regression_outranks_a_failure(project: Project) -> None:
    project.bench({**TIMES, "sort": 900.0}, ill={"parse/2": "panic"})
    project.commit()

    ended = project.benchgate("compare", "--rounds", "4")

    assert ended.code == 1, ended.err
    assert list(failed(project)) == ["parse/2"]


@pytest.mark.parametrize(
    ("ill", "reason"),
    [
        ("zero", "head: At least one measurement took zero time"),
        ("cut", "sample.json is empty: the run was killed while writing it"),
        ("null", "times holds null"),
    ],
)
def test_times_that_are_none_fail_their_benchmark(
    project: Project, ill: str, reason: str
) -> None:
    project.bench(TIMES, ill={"parse/2": ill})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    assert failed(project)["parse/2"].startswith("head: ")
    assert reason in failed(project)["parse/2"]
    assert judged(project) == {"parse/1", "sort"}


def test_a_benchmark_that_hangs_fails_at_its_deadline(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "WITHIN", 1.0)
    project.bench(TIMES, ill={"parse/2": "hang"})
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    reason = "head: the benchmark did not finish within 1 s"
    assert failed(project) == {"parse/2": reason}


def test_a_target_that_panics_while_listing_is_no_pass(project: Project) -> None:
    project.bench(TIMES, list="panic")
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    reason = (
        "head: bench target shop/core can't list its benchmarks: it ended with status "
        "101"
    )
    assert failed(project) == {"": reason}
    assert project.report()["removed"] == []


def test_a_head_that_does_not_compile_ends_with_the_first_error(
    project: Project,
) -> None:
    project.bench(TIMES, error=NO_COMPILE)
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3
    assert (
        "benchgate: error: the benches do not build\n"
        "    error[E0308]: mismatched types\n"
        "     --> benches/core.rs:7:9\n"
    ) in ended.err


def test_a_target_that_never_builds_fails_by_name_and_the_rest_goes_on(
    project: Project,
) -> None:
    blamed = NO_COMPILE + 'error: could not compile `shop` (bench "more") due to 1\n'
    project.package(".", "core", "more")
    project.bench({"own": 1.0}, at="more", error=blamed)
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3, ended.err
    assert failed(project) == {"": "head: bench target shop/more does not build"}
    assert judged(project) == set(TIMES)
    (failure,) = project.report()["failed"]
    assert "error[E0308]: mismatched types" in failure["detail"]


def test_a_package_that_never_builds_does_not_hide_the_others(project: Project) -> None:
    project.package("more", "one", "two")
    project.bench({"own": 1.0}, at="more/one", error="error: no protoc\n")
    project.bench({"too": 1.0}, at="more/two")
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3, ended.err
    reasons = {failure["reason"] for failure in project.report()["failed"]}
    assert reasons == {
        "head: bench target more/one does not build",
        "head: bench target more/two does not build",
    }
    assert judged(project) == set(TIMES)


def test_a_base_that_does_not_build_gets_the_benches_of_the_head(
    project: Project,
) -> None:
    project.bench(TIMES, error=NO_COMPILE)
    project.commit("broken")
    project.bench(TIMES)
    project.commit("mended")

    ended = project.benchgate(*TWO, "--base", "HEAD~1")

    assert ended.code == 0, ended.err
    assert judged(project) == set(TIMES)
    assert "the head's were measured on the base's code" in doubts(project)


def test_a_base_that_never_builds_is_named_with_the_first_error(
    project: Project,
) -> None:
    project.bench(TIMES, error=NO_COMPILE)
    base = project.commit("broken")
    project.git("rm", "--quiet", "benches/core.rs")
    project.package(".", "other")
    project.bench(TIMES, at="other")
    project.commit("another")

    ended = project.benchgate(*TWO, "--base", "HEAD~1")

    assert ended.code == 3
    assert f"error: the base ({base[:12]}): the benches do not build" in ended.err
    assert "error[E0308]: mismatched types" in ended.err
    assert "hint: compare with a commit that builds: --base REF" in ended.err


def test_without_cargo_criterion_the_bench_executables_are_enough(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("benchgate.yml", "measure: {layouts: one}")
    monkeypatch.setenv("FAKE_CRITERION", "missing")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert judged(project) == set(TIMES)
    assert doubts(project) == (
        "criterion: cargo-criterion is not installed (run `cargo install "
        "cargo-criterion`); what it left out was measured through the bench executables"
    )


def test_what_cargo_criterion_cannot_do_is_said_in_its_words(project: Project) -> None:
    project.write("benchgate.yml", "measure: {layouts: one}")
    project.bench(TIMES, ill={"parse/2": "decimal"})
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert doubts(project) == (
        "criterion: cargo criterion ended with status 1 (unknown variant "
        "`Bytes`); what it left out was measured through the bench executables"
    )


def test_without_cargo_there_is_a_sentence_and_a_hint(
    project: Project, tools: Path
) -> None:
    (tools / "cargo").unlink()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    assert "error: cargo: not found" in ended.err
    assert "hint: install Rust from https://rustup.rs" in ended.err


def test_a_target_that_is_not_of_criterion_is_left_out_with_a_sentence(
    project: Project,
) -> None:
    project.write("benchgate.yml", "measure: {layouts: one}")
    project.package(".", "core", "own")
    project.bench({"x": 1.0}, at="own", criterion="none")
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    text = (
        "criterion: bench target shop/own was left out: it does not answer like one of "
        "criterion"
    )
    assert doubts(project) == text


def test_a_project_without_benches_gets_a_hint(project: Project) -> None:
    project.package(".")
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    assert f"no criterion benches found in {project.root}" in ended.err
    assert "hint: a bench target needs `harness = false`" in ended.err


def test_benches_of_other_libraries_are_named_where_there_are_no_others(
    bare: Project,
) -> None:
    text = """
[package]
name = "shop"
version = "1.0.0"
[dev-dependencies]
{library} = "0.1"
[[bench]]
name = "core"
"""
    bare.write("Cargo.toml", '[workspace]\nmembers = ["a", "b"]\n')
    bare.write("a/Cargo.toml", text.format(library="divan"))
    bare.write("b/Cargo.toml", text.format(library="rand"))
    bare.commit()

    ended = bare.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    said = " ".join(ended.err.split())
    assert "shop: its benches are of divan, not of criterion" in said
    assert "shop: its benches are of Rust's own test harness, not of" in said


def test_one_benchmark_in_two_targets_is_measured_in_each(project: Project) -> None:
    project.package(".", "core", "more")
    project.bench({"sort": 7.0, "own": 8.0}, at="more")
    project.commit()
    project.bench({"sort": 14.0, "own": 8.0}, at="more")

    ended = project.benchgate(*FOUR, "--base", "HEAD")

    assert ended.code == 1, ended.err
    shared = {"shop/core: sort", "shop/more: sort"}
    assert judged(project) == {"parse/1", "parse/2", "own"} | shared
    slower = [j for j in project.report()["judgements"] if j["verdict"] == "regressed"]
    assert [j["benchmark"] for j in slower] == ["shop/more: sort"]


def test_a_benchmark_that_a_second_target_gets_is_still_the_one_of_the_first(
    project: Project,
) -> None:
    project.package(".", "core", "more")
    project.bench({"sort": 7.0}, at="more")
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 0, ended.err
    assert judged(project) == {"parse/1", "parse/2", "shop/core: sort"}
    added = [each["benchmark"] for each in project.report()["added"]]
    assert added == ["shop/more: sort"]


def test_names_that_are_hostile_are_shown_and_do_nothing(project: Project) -> None:
    names = ["a|b", "a::b/c\\d", "`x`<b>@me</b>", "::error::x", "%s $(id) ünï", "-x #2"]
    project.bench({**dict.fromkeys(names, 100.0), "esc\x1b[31m": 7.0})
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD", "--verbose")

    assert judged(project) == set(names)
    assert set(failed(project)) == {r"esc\x1b[31m"}
    assert "its name has control characters" in failed(project)[r"esc\x1b[31m"]
    assert ended.code == 3, ended.err
    assert "\x1b" not in ended.out + ended.err


def test_a_newline_in_a_name_never_measures_another_one(project: Project) -> None:
    project.bench({"x\nsort of": 7.0, "sort": 500.0})
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3, ended.err
    assert judged(project) == {"sort"}
    assert set(failed(project)) == {"sort of"}


def test_everything_that_fails_is_never_a_pass(project: Project) -> None:
    project.bench(TIMES, ill=dict.fromkeys(TIMES, "panic"))
    project.commit()

    ended = project.benchgate(*TWO)

    assert ended.code == 3, ended.err
    assert set(failed(project)) == set(TIMES)
    assert len(project.run()["head"]["rounds"]) == 1


def test_a_run_that_is_too_large_to_keep_still_gets_its_verdict(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchgate.documents.run.MAX_VALUES", 10)

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert "what was measured is not kept: run.json: $: 60 values" in ended.err
    assert not (project.root / ".benchgate" / "run.json").exists()
