"""The workflows that people copy, and our own: linted, and what `init` writes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from benchgate.commands import init

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "bin"
EXAMPLES = sorted((ROOT / "examples" / "workflows").rglob("*.yml"))
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"

_USES = re.compile(r"uses: (\S+)@(\S+)(?: # (\S+))?")

each_example = pytest.mark.parametrize(
    "path", EXAMPLES, ids=lambda path: path.relative_to(ROOT / "examples").as_posix()
)


def test_the_linters_find_nothing() -> None:
    script = ROOT / "scripts" / "workflows.sh"
    done = subprocess.run([script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"{len(EXAMPLES) + len(OURS)} workflows" in done.stdout


def test_the_linters_find_what_is_wrong(tmp_path: Path) -> None:
    """A linter that is called wrongly finds nothing, either."""
    text = EXAMPLES[0].read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("permissions: {}", "permissions: write-all"))

    zizmor = [str(BIN / "zizmor"), "--offline", "--persona=auditor", str(wrong)]
    done = subprocess.run(zizmor, capture_output=True, text=True, check=False)

    assert "excessive-permissions" in done.stdout


@each_example
def test_an_example_grants_nothing_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert workflow["permissions"] == {}
    assert [n for n, j in workflow["jobs"].items() if "permissions" not in j] == []


@each_example
def test_an_example_puts_nothing_from_outside_into_a_shell(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_no_trusted_job_checks_anything_out() -> None:
    """Where the token may write, no code of a pull request may run."""
    workflows = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in EXAMPLES]
    jobs = [job for workflow in workflows for job in workflow["jobs"].values()]
    trusted = [j for j in jobs if "write" in j["permissions"].values()]
    modes = [[s.get("with", {}).get("mode") for s in j["steps"]] for j in trusted]

    assert len(trusted) > 2
    # `gate` says on its first lines that it is not for forks.
    assert [m for m in modes if m not in (["report"], ["record"], [None, "gate"])] == []


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*EXAMPLES, *OURS])
    pins = set(_USES.findall(text))
    versions = {(action, version) for action, _, version in pins}
    ours = {f"{action}@{ref}" for action, ref, _ in pins if "benchgate" in action}

    assert ours == {init.ACTION}
    assert len(pins) == len(versions)
    assert init.CHECKOUT in text


@pytest.mark.skipif(not ACTION.exists(), reason="action.yml is not there yet")
@each_example
def test_an_example_uses_inputs_that_the_action_has(path: Path) -> None:
    known = set(yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"])
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = {
        name
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses") == init.ACTION
        for name in step["with"]
    }

    assert given - known == set()
