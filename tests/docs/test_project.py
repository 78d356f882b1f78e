"""The files around the code: Makefile, locks, workflow."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import REQUIRED

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = ["requirements.lock", "requirements-dev.lock"]
ISSUED = ["demo", "test", "check", "golden", "lint", "types", "imports", "docs"]

# Our own action is judged as it is checked out.
_PIN = re.compile(r"uses: (?:[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./ #.*)$")
_REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9._-]*)==", re.MULTILINE)


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def names_of(requirements: object) -> set[str]:
    assert isinstance(requirements, list)
    found = [re.match(r"[\w-]+", str(each)) for each in requirements]
    return {match[0].lower() for match in found if match}


def locked(name: str) -> set[str]:
    return set(_REQUIREMENT.findall((ROOT / name).read_text()))


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("target", [*ISSUED, "bench", "lock", "clean", "tools"])
def test_make_help_lists_the_target(target: str) -> None:
    assert re.search(rf"^  make {target} +\S", make("help"), re.MULTILINE)


def test_make_alone_is_make_help() -> None:
    assert make() == make("help")


def test_every_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (\w+)$", text, re.MULTILINE))

    assert set(re.findall(r"^  make (\w+)", make("help"), re.MULTILINE)) == phony


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_index(name: str) -> None:
    text = (ROOT / name).read_text()

    assert re.findall(r"https?:|--\w*index|--find-links|file:", text) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_has_a_hash(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text().strip())

    assert [each for each in entries if "--hash=sha256:" not in each] == []


def test_what_is_needed_is_locked() -> None:
    settings = project()
    assert isinstance(settings["project"], dict)
    assert isinstance(settings["dependency-groups"], dict)
    needed = names_of(settings["project"]["dependencies"])
    to_develop = names_of(settings["dependency-groups"]["dev"])

    assert needed - locked("requirements.lock") == set()
    assert (needed | to_develop) - locked("requirements-dev.lock") == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_grants_nothing_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_hash(path: Path) -> None:
    uses = re.findall(r"uses: .*", path.read_text())

    assert [line for line in uses if not _PIN.fullmatch(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_puts_nothing_from_outside_into_a_shell(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_ci_demands_the_tools_before_it_tests() -> None:
    text = (ROOT / ".ci" / "run").read_text()

    said = [f"export {REQUIRED}=1", "make tools", "make test", "make check"]
    assert sorted(said, key=text.index) == said


def code(default: str) -> str:
    return f"`{default}`" if default else "empty"


def test_the_readme_lists_the_inputs_and_outputs_of_the_action() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    inputs = [
        f"| `{name}` | {code(one['default'])} | {one['description']} |"
        for name, one in action["inputs"].items()
    ]
    outputs = [
        f"| `{name}` | {o['description']} |" for name, o in action["outputs"].items()
    ]

    lines = (ROOT / "README.md").read_text().splitlines()

    assert [line for line in lines if line in inputs] == inputs
    assert [line for line in lines if line in outputs] == outputs


@pytest.mark.parametrize("name", ["bench.yml", "benchgate.yml"])
def test_the_workflows_of_the_readme_are_the_examples(name: str) -> None:
    example = (ROOT / "examples" / "workflows" / "forks" / name).read_text()

    assert (
        f"# .github/workflows/{name}\n{example}```" in (ROOT / "README.md").read_text()
    )
