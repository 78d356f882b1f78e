"""Repositories, work trees, workspaces and caches as people have them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.gate.projects import Project, wait_for

TWO = ("compare", "--rounds", "2")
TIMES = {"parse/1": 100.0, "parse/2": 2000.0, "sort": 500.0}
AFFECTED = ("compare", "--rounds", "2", "--base", "HEAD", "--only", "affected")


def judged(project: Project, at: str = ".") -> set[str]:
    return {j["benchmark"] for j in project.report(at)["judgements"]}


def texts(project: Project, what: str, at: str = ".") -> str:
    return "\n".join(entry["text"] for entry in project.report(at)[what])


def base_tree(project: Project) -> Path:
    """Return the work tree in which the base was built."""
    listed = project.git("worktree", "list", "--porcelain")
    return Path(listed.split("worktree ")[-1].partition("\n")[0])


@pytest.fixture
def workspace(bare: Project) -> Project:
    """Return a workspace of two crates, the second of which needs the first."""
    bare.write("Cargo.toml", '[workspace]\nmembers = ["a", "b", "alone"]\n')
    bare.package("a", "same")
    bare.package("b", "same", needs='a = {path = "../a"}')
    bare.package("alone", "own")
    bare.bench({"of a": 100.0}, at="a/same")
    bare.bench({"of b": 200.0}, at="b/same")
    bare.bench({"of alone": 300.0}, at="alone/own")
    bare.commit("workspace")
    return bare


def test_nothing_of_the_user_is_touched(project: Project) -> None:
    project.write("staged", "staged")
    project.git("add", "staged")
    project.write("untracked", "untracked")
    project.write("README.md", "changed")
    before = [
        project.git("status", "--porcelain"),
        project.git("branch", "--all"),
        project.git("stash", "list"),
        (project.root / ".git" / "index").read_bytes(),
    ]

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert before == [
        project.git("status", "--porcelain"),
        project.git("branch", "--all"),
        project.git("stash", "list"),
        (project.root / ".git" / "index").read_bytes(),
    ]
    assert "fatal" not in project.git("worktree", "list")


def test_the_base_lies_outside_of_the_repository(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")

    assert not base_tree(project).is_relative_to(project.root)


def test_on_main_without_changes_there_is_nothing_to_compare(project: Project) -> None:
    project.git("switch", "--quiet", "main")

    ended = project.benchgate(*TWO)

    assert ended.code == 2
    assert "nothing to compare: HEAD is on main and nothing is changed" in ended.err
    assert "hint: name the base with --base REF" in ended.err


def test_outside_of_a_repository_there_is_no_base(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()

    ended = project.benchgate(*TWO, at="../elsewhere")

    assert ended.code == 2
    assert "elsewhere: is in no Git repository" in ended.err
    assert "hint: compare two files with `benchgate compare BASE HEAD`" in ended.err


def test_a_shallow_clone_without_the_base_names_the_command(
    project: Project, tmp_path: Path
) -> None:
    project.write("README.md", "said")
    project.commit()
    project.git("switch", "--quiet", "main")
    url = project.root.as_uri()
    clone = tmp_path / "clone"
    project.git("clone", "--quiet", "--depth=1", "--branch=change", url, str(clone))
    project.git(
        "-C", str(clone), "fetch", "--quiet", "--depth=1", "origin", "main:main"
    )

    ended = project.benchgate(*TWO, at="../clone")

    assert ended.code == 2
    assert "HEAD and main have no common commit here" in ended.err
    assert "`fetch-depth: 0` of actions/checkout" in ended.err


def test_a_base_that_is_not_there_is_a_usage_error(project: Project) -> None:
    ended = project.benchgate(*TWO, "--base", "nowhere")

    assert ended.code == 2
    assert f"nowhere: no such commit in {project.root}" in ended.err
    assert "hint: fetch it first" in ended.err


def test_no_commit_yet_is_a_usage_error(bare: Project) -> None:
    ended = bare.benchgate(*TWO)

    assert ended.code == 2
    assert "HEAD: no such commit" in ended.err


def test_submodules_are_checked_out_for_the_base(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `git submodule` is a script that needs sed and others.
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/bin:/bin")
    library = tmp_path / "library"
    project.git("init", "--quiet", str(library))
    (library / "Cargo.toml").write_text('[package]\nname = "l"\nversion = "1.0.0"\n')
    project.git("-C", str(library), "add", "--all")
    project.git("-C", str(library), "commit", "--quiet", "--message", "library")
    project.git("submodule", "--quiet", "add", str(library), "library")
    project.package(".", "core", needs='l = {path = "library"}')
    project.commit("with a submodule")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert (base_tree(project) / "library" / "Cargo.toml").exists()


def test_a_clone_at_the_same_place_replaces_the_old_work_tree(project: Project) -> None:
    project.benchgate(*TWO, "--base", "HEAD")
    saved = project.root.with_name("saved")
    project.git("clone", "--quiet", ".", str(saved))
    shutil.rmtree(project.root)
    saved.rename(project.root)

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert judged(project) == set(TIMES)


def test_a_work_tree_that_a_killed_run_left_locked_is_made_anew(
    project: Project,
) -> None:
    project.benchgate(*TWO, "--base", "HEAD")
    (project.root / ".git" / "worktrees" / "base" / "index.lock").touch()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err


def test_no_hook_of_the_repository_is_run(project: Project) -> None:
    hook = project.root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {project.root}/hooked\n")
    hook.chmod(0o755)

    project.benchgate(*TWO, "--base", "HEAD")

    assert not (project.root / "hooked").exists()


def test_inside_of_a_hook_the_index_of_the_commit_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = project.root / ".git" / "index"
    project.write("README.md", "said")
    before = index.read_bytes()
    monkeypatch.setenv("GIT_DIR", str(project.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert index.read_bytes() == before


def test_two_comparisons_at_once_do_not_meet(project: Project) -> None:
    project.bench(TIMES, takes=0.3)
    project.commit()
    other = project.started(*TWO, "--base", "HEAD")
    try:
        wait_for(project.root / ".benchgate" / "raw", other)
        ended = project.benchgate(*TWO, "--base", "HEAD~1")
    finally:
        _, said = other.communicate()

    assert (ended.code, other.returncode) == (0, 0), said + ended.err
    assert project.report()["base"]["ref"] == "HEAD"
    second = project.root / ".benchgate" / "2" / "report.json"
    assert '"ref":"HEAD~1"' in second.read_text().replace(" ", "")
    assert project.git("worktree", "list").count("\n") == 3


def test_a_path_with_spaces_and_other_letters(project: Project) -> None:
    place = project.root.with_name("größe und 'maß'")
    project.root.rename(place)
    project.root = place

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert judged(project) == set(TIMES)


def test_a_cache_that_cannot_be_written_is_a_sentence(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    assert "can't be used for the base: Not a directory" in ended.err
    assert "hint: name a folder that can be written to in XDG_CACHE_HOME" in ended.err


def test_a_project_that_cannot_be_written_to_is_a_sentence(project: Project) -> None:
    (project.root / ".benchgate").touch()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 3
    assert f"{project.root}/.benchgate: file exists" in ended.err


def test_a_target_folder_for_all_is_not_shared_by_the_sides(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    project.bench({**TIMES, "sort": 900.0})
    project.commit()

    ended = project.benchgate("compare", "--rounds", "4")

    assert ended.code == 1, ended.err
    assert (tmp_path / "target" / "release").is_dir()


def test_an_untracked_lock_file_is_the_heads_on_both_sides(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_REGISTRY", "serde 1.0.1")
    project.benchgate(*TWO, "--base", "HEAD")
    (project.root / "Cargo.lock").unlink()
    monkeypatch.setenv("FAKE_REGISTRY", "serde 1.0.2")

    project.benchgate(*TWO, "--base", "HEAD")

    assert (base_tree(project) / "Cargo.lock").read_text() == "serde 1.0.2"


def test_a_tracked_lock_file_is_each_sides_own(project: Project) -> None:
    project.write(".gitignore", "target\n")
    project.write("Cargo.lock", "serde 1.0.1")
    project.commit("locked")
    project.write("Cargo.lock", "serde 1.0.2")

    project.benchgate(*TWO, "--base", "HEAD")

    assert (base_tree(project) / "Cargo.lock").read_text() == "serde 1.0.1"


def test_targets_of_one_name_in_two_packages_are_told_apart(workspace: Project) -> None:
    ended = workspace.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert judged(workspace) == {"of a", "of b", "of alone"}
    places = {Path(call[0]).name for call in workspace.calls("bench")}
    assert places == {"a", "b", "alone"}


def test_one_benchmark_in_two_packages_gets_a_suite_for_each(
    workspace: Project,
) -> None:
    workspace.bench({"of a": 100.0, "shared": 7.0}, at="a/same")
    workspace.bench({"of b": 200.0, "shared": 8.0}, at="b/same")
    workspace.write(
        "benchgate.yml",
        "suites: {a: {tool: criterion, packages: [a]},"
        " b: {tool: criterion, packages: [b]}}",
    )
    workspace.commit("shared")

    ended = workspace.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    keys = {(j["suite"], j["benchmark"]) for j in workspace.report()["judgements"]}
    assert keys == {("a", "of a"), ("a", "shared"), ("b", "of b"), ("b", "shared")}


def test_required_features_are_turned_on(project: Project) -> None:
    project.package(".", "core", features="bench-all")
    project.commit("features")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    asked = {call[1] for call in project.calls("cargo") if "bench-all" in call}
    assert asked == {"bench", "criterion"}


def test_a_target_whose_feature_the_package_has_not_is_left_out_as_cargo_does(
    project: Project,
) -> None:
    text = (project.root / "Cargo.toml").read_text()
    text += '[[bench]]\nname = "more"\nrequired-features = ["handles"]\n'
    project.write("Cargo.toml", f"{text}[features]\nother = []\n")
    project.bench({"handle": 1.0}, at="more")
    project.commit()

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert "--features" not in " ".join(map(" ".join, project.calls("cargo")))
    doubt = (
        "criterion: bench target shop/more was left out: it requires the feature "
        "handles, which shop hasn't"
    )
    assert doubt in [each["text"] for each in project.report()["doubts"]]


def test_features_of_the_settings_go_to_the_packages_that_have_them(
    workspace: Project,
) -> None:
    for name in ("a", "b", "alone"):
        text = (workspace.root / name / "Cargo.toml").read_text()
        feature = f"[features]\nonly-{name} = []\n"
        workspace.write(f"{name}/Cargo.toml", text + feature)
    workspace.write(
        "benchgate.yml",
        "suites: {micro: {tool: criterion, features: [only-a, nobodys]}}",
    )
    workspace.commit("features")

    workspace.benchgate(*TWO, "--base", "HEAD")

    calls = [c for c in workspace.calls("cargo") if c[1] == "bench"]
    asked = {Path(c[0]).name: c[c.index("--features") + 1] for c in calls}
    assert asked == {"a": "nobodys,only-a", "b": "nobodys", "alone": "nobodys"}


def test_a_command_with_a_toolchain_builds_with_it_too(project: Project) -> None:
    command = "FOO=1 cargo +nightly criterion"
    project.write(
        "benchgate.yml",
        f"suites: {{micro: {{tool: criterion, command: {command}}}}}\n"
        "measure: {layouts: one}\n",
    )
    project.commit("nightly")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    called = [call[1:3] for call in project.calls("cargo") if call[1] != "metadata"]
    assert called == [["+nightly", "bench"]] * 2 + [["+nightly", "criterion"]] * 2


def test_vendored_crates_and_broken_manifests_are_passed_over(project: Project) -> None:
    project.package("vendor/other", "core")
    project.write("vendor/other/.cargo-checksum.json", "{}")
    project.write("tests/fixtures/broken/Cargo.toml", "[package")
    project.commit("vendored")

    ended = project.benchgate(*TWO, "--base", "HEAD")

    assert ended.code == 0, ended.err
    assert judged(project) == set(TIMES)


def test_a_project_in_a_subfolder_with_its_own_settings(workspace: Project) -> None:
    workspace.write("b/benchgate.yml", "measure: {looks: [2]}")
    workspace.commit("settings")

    ended = workspace.benchgate("compare", "--base", "HEAD", at="b")

    assert ended.code == 0, ended.err
    assert judged(workspace, at="b") == {"of b"}


def test_a_base_without_the_project_folder_has_nothing_to_compare_with(
    project: Project,
) -> None:
    project.package("new", "core")
    project.bench({"sort": 9.0}, at="new/core")
    project.write("new/benchgate.yml", "measure: {looks: [2]}")
    project.commit("a new project")

    ended = project.benchgate("compare", at="new")

    assert ended.code == 0, ended.err
    assert "the base has no folder new" in texts(project, "left_out", at="new")
    again = project.benchgate("compare", "--run", "new/.benchgate/run.json")
    assert again.code == 0, again.err


def test_only_what_depends_on_a_changed_file_is_measured(workspace: Project) -> None:
    workspace.write("a/src/lib.rs", "// changed")

    ended = workspace.benchgate(*AFFECTED)

    assert ended.code == 0, ended.err
    assert judged(workspace) == {"of a", "of b"}
    left_out = "criterion: left out, no changed file can affect alone"
    assert texts(workspace, "left_out") == left_out


def test_a_dependent_alone_is_measured_alone(workspace: Project) -> None:
    workspace.write("b/src/lib.rs", "// changed")

    workspace.benchgate(*AFFECTED)

    assert judged(workspace) == {"of b"}


def test_nothing_affected_passes_and_says_so(workspace: Project) -> None:
    workspace.write("README.md", "said")

    ended = workspace.benchgate(*AFFECTED)

    assert ended.code == 0, ended.err
    assert judged(workspace) == set()
    left_out = "criterion: left out, no changed file can affect it"
    assert texts(workspace, "left_out") == left_out


@pytest.mark.parametrize("name", ["Cargo.toml", ".cargo/config.toml", "data.bin"])
def test_what_may_affect_all_measures_all(workspace: Project, name: str) -> None:
    old = workspace.root / name
    text = old.read_text() if old.exists() else ""
    workspace.write(name, f"{text}# changed\n")

    ended = workspace.benchgate(*AFFECTED)

    assert ended.code == 0, ended.err
    assert judged(workspace) == {"of a", "of b", "of alone"}
    assert f"{name} may affect all of it" in texts(workspace, "left_out")


def test_a_file_that_moved_affects_where_it_was(workspace: Project) -> None:
    workspace.write("alone/src/big.rs", "fn one() {}\n" * 50)
    workspace.commit("big")
    (workspace.root / "b" / "src").mkdir()
    workspace.git("mv", "alone/src/big.rs", "b/src/big.rs")

    workspace.benchgate(*AFFECTED)

    assert judged(workspace) == {"of b", "of alone"}
