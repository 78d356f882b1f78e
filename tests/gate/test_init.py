"""``benchgate init`` as people call it: what it writes, and what it leaves alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from benchgate import config
from benchgate.cli import main
from tests.gate.projects import Project

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
EXAMPLES = ROOT / "examples" / "workflows"
# Most who copy an example have no load tests, and k6 takes minutes to build.
FOR_LOAD_TESTS = "          tools: k6\n"
SCRIPT = "import http from 'k6/http';\nexport default () => http.get('/');\n"
WRITTEN = [
    "benchgate.yml",
    ".github/workflows/bench.yml",
    ".github/workflows/benchgate.yml",
]


@pytest.fixture
def shop(bare: Project) -> Project:
    """Return a repository with the example service, without its configuration."""
    for name in ("Cargo.toml", "shop", "shop-core", "load"):
        copy = shutil.copytree if (SHOP / name).is_dir() else shutil.copy
        copy(SHOP / name, bare.root / name)
    bare.commit()
    return bare


def text_of(project: Project, name: str) -> str:
    return (project.root / name).read_text(encoding="utf-8")


def files_of(project: Project) -> list[str]:
    """Return the files that Git doesn't know yet, and no draft is among them."""
    listed = project.git("ls-files", "--others", "--exclude-standard")
    return sorted(listed.splitlines())


def test_the_configuration_of_the_example_is_found_again(shop: Project) -> None:
    ended = shop.benchgate("init")

    assert (ended.code, ended.err) == (0, "")
    found = config.load(shop.root / "benchgate.yml")
    by_hand = config.load(SHOP / "benchgate.yml")
    assert found.suites == by_hand.suites
    assert (found.measure, found.policy) == (by_hand.measure, by_hand.policy)


def test_three_files_are_written_and_named(shop: Project) -> None:
    ended = shop.benchgate("init")

    assert files_of(shop) == sorted(WRITTEN)
    assert [f"wrote       {name}\n" in ended.out for name in WRITTEN] == [True] * 3
    assert "left alone" not in ended.out


@pytest.mark.parametrize(
    ("name", "example"),
    [("bench.yml", "forks/bench.yml"), ("benchgate.yml", "forks/benchgate.yml")],
)
def test_an_example_is_what_init_writes(shop: Project, name: str, example: str) -> None:
    shop.benchgate("init")

    written = text_of(shop, f".github/workflows/{name}").replace(FOR_LOAD_TESTS, "")
    assert written == (EXAMPLES / example).read_text(encoding="utf-8")


def test_the_example_without_forks_is_what_init_writes(shop: Project) -> None:
    ended = shop.benchgate("init", "--no-forks")

    assert ended.code == 0
    assert files_of(shop) == sorted(WRITTEN[:2])
    written = text_of(shop, WRITTEN[1])
    assert FOR_LOAD_TESTS in written
    assert written.replace(FOR_LOAD_TESTS, "") == (EXAMPLES / "no-forks.yml").read_text(
        encoding="utf-8"
    )


def test_the_two_workflows_are_short(shop: Project) -> None:
    shop.benchgate("init")

    lines = [line for name in WRITTEN[1:] for line in text_of(shop, name).splitlines()]
    assert len(lines) <= 75


def test_the_second_workflow_waits_for_the_name_of_the_first(shop: Project) -> None:
    shop.benchgate("init")

    first, second = (yaml.safe_load(text_of(shop, name)) for name in WRITTEN[1:])
    # YAML 1.1 reads `on` as true.
    assert second[True]["workflow_run"]["workflows"] == [first["name"]]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_exists_is_left_alone_and_named(shop: Project, name: str) -> None:
    theirs = "suites: {}\n"
    shop.write(name, theirs)

    ended = shop.benchgate("init")

    assert ended.code == 0
    assert text_of(shop, name) == theirs
    assert f"left alone  {name}, which is there already\n" in ended.out
    assert "`benchgate init --dry-run`" in ended.out
    assert files_of(shop) == sorted(WRITTEN)


def test_a_second_call_changes_nothing(shop: Project) -> None:
    shop.benchgate("init")
    before = [text_of(shop, name) for name in WRITTEN]

    ended = shop.benchgate("init")

    assert [text_of(shop, name) for name in WRITTEN] == before
    assert "wrote" not in ended.out


def test_a_configuration_in_the_other_place_counts(shop: Project) -> None:
    shop.write(".github/benchgate.yml", "suites: {}\n")

    ended = shop.benchgate("init")

    assert not (shop.root / "benchgate.yml").exists()
    assert "left alone  .github/benchgate.yml, which is there already" in ended.out


def test_a_link_to_nowhere_is_left_alone(shop: Project, tmp_path: Path) -> None:
    place = shop.root / WRITTEN[1]
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "nowhere")

    shop.benchgate("init")

    assert place.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_a_dry_run_prints_everything_and_writes_nothing(shop: Project) -> None:
    shop.write("benchgate.yml", "suites: {}\n")
    ended = shop.benchgate("init", "--dry-run")

    assert ended.code == 0
    taken = "==> benchgate.yml (left alone: benchgate.yml, which is there already) <=="
    assert taken in ended.out
    assert [f"==> {name} <==\n" in ended.out for name in WRITTEN[1:]] == [True] * 2
    assert "build: cargo build --release --bin shop\n" in ended.out
    assert files_of(shop) == ["benchgate.yml"]


def test_the_branch_of_the_remote_is_filled_in(shop: Project, tmp_path: Path) -> None:
    shop.git("branch", "--move", "+stable")
    shop.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone", shop.state, shop.capsys, shop.patch)
    clone.git("switch", "--quiet", "--create", "main")

    clone.benchgate("init")

    workflow = yaml.safe_load(text_of(clone, WRITTEN[1]))
    assert workflow[True]["push"]["branches"] == [r"\+stable"]


def test_a_project_below_the_root_says_where_it_is(shop: Project) -> None:
    shop.git("mv", "--", "Cargo.toml", "Cargo.toml.old")
    below = shop.root / "services" / "shop"
    below.mkdir(parents=True)
    (shop.root / "Cargo.toml.old").rename(below / "Cargo.toml")
    shop.git("mv", "shop", "shop-core", "load", "services/shop/")

    ended = shop.benchgate("init", at="services/shop")

    assert ended.code == 0, ended.err
    assert "wrote       services/shop/benchgate.yml\n" in ended.out
    measures = yaml.safe_load(text_of(shop, WRITTEN[1]))["jobs"]["measure"]["steps"]
    reports = yaml.safe_load(text_of(shop, WRITTEN[2]))["jobs"]["report"]["steps"]
    assert measures[1]["with"]["working-directory"] == "services/shop"
    assert reports[0]["with"]["working-directory"] == "services/shop"
    found = config.load(below / "benchgate.yml")
    assert found.suites == config.load(SHOP / "benchgate.yml").suites


def test_benches_alone_need_no_tool_and_no_service(project: Project) -> None:
    project.bench({"parse/1": 100.0})
    project.write("benches/core.rs", "criterion::criterion_main!(benches);\n")

    ended = project.benchgate("init")

    assert ended.code == 0, ended.err
    (suite,) = config.load(project.root / "benchgate.yml").suites
    assert (suite.name, suite.tool) == ("micro", "criterion")
    assert "tools:" not in text_of(project, WRITTEN[1])
    assert "service" not in ended.out


def test_without_a_service_the_file_says_what_to_add(bare: Project) -> None:
    bare.write("load/one.js", SCRIPT)
    bare.write("load/two/one.js", SCRIPT)
    bare.write("load/no: {suite} #1.js", SCRIPT)

    ended = bare.benchgate("init")

    assert ended.code == 0, ended.err
    assert "service     none found: add it to benchgate.yml\n" in ended.out
    suites = config.load(bare.root / "benchgate.yml").suites
    assert {suite.name: suite.script for suite in suites} == {
        "load-no-suite-1": "load/no: {suite} #1.js",
        "load-one": "load/one.js",
        "load-one-2": "load/two/one.js",
    }
    assert text_of(bare, "benchgate.yml").count("    #   start: target/release") == 3


def test_where_there_is_nothing_to_measure_nothing_is_written(bare: Project) -> None:
    bare.write("README.md", "hello\n")

    ended = bare.benchgate("init")

    assert (ended.code, ended.out) == (2, "")
    assert "has no bench of criterion and no script of k6" in ended.err
    assert "hint: add one" in ended.err
    assert files_of(bare) == [".gitignore", "README.md"]


def test_outside_of_a_repository_it_says_how_to_make_one(
    bare: Project, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    project = Project(nowhere, bare.state, bare.capsys, bare.patch)

    ended = project.benchgate("init")

    assert (ended.code, ended.out) == (2, "")
    assert "is in no Git repository" in ended.err
    assert "`git init`" in ended.err


def test_a_place_that_can_not_be_written_is_a_sentence(shop: Project) -> None:
    shop.write(".github", "a file\n")

    ended = shop.benchgate("init")

    assert ended.code == 3
    assert "workflows: " in ended.err


def test_the_help_names_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["init", "--help"])

    assert "--no-forks" in capsys.readouterr().out
