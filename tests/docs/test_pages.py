"""What the pages say is what the code does."""

from __future__ import annotations

import argparse
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from benchgate import cli, config
from benchgate.errors import ExitCode
from benchgate.model import Design, Outcome, Side, Verdict

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "benchgate"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "examples" / "shop" / "README.md",
    ]
)
DECISIONS = [page for page in PAGES if page.parent.name == "decisions"]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CALL = re.compile(r"\bbenchgate ([a-z]+(?:-[a-z]+)*)\b([^`\n|]*)")
_PROMISED = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def column_of(page: str, header: str) -> list[str]:
    """Return the first cells of the table in *page* that begins with *header*."""
    _, _, rest = text_of(page).partition(f"\n{header}")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [row.strip("|").split("|")[0].strip(" `") for row in rows]


def terms() -> list[str]:
    """Return every term of the glossary, one by one."""
    rows = re.findall(r"^\| ([^|]+) \|", text_of("docs/glossary.md"), re.MULTILINE)
    listed = [row for row in rows if row not in {"term", ":--"}]
    return [term for row in listed for term in row.split(", ")]


def links_of(page: Path) -> list[str]:
    return [
        target
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith("http")
    ]


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {"", *(heading.replace(" ", "-") for heading in plain)}


def is_broken(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return True
    return bool(anchor) and anchor not in anchors_of(target)


@cache
def flags_of(command: str) -> frozenset[str]:
    """Return the flags that ``benchgate COMMAND --help`` shows."""
    parser = argparse.ArgumentParser()
    name = command.replace("-", "_")
    importlib.import_module(f"benchgate.commands.{name}").add_arguments(parser)
    return frozenset(re.findall(r"--[a-z]+[a-z-]*", parser.format_help()))


def shown_flags() -> list[tuple[str, str]]:
    """Return (command, flag) of each flag that a page shows with a command."""
    calls = [call for page in PAGES for call in _CALL.findall(page.read_text())]
    pairs = {
        (command, flag)
        for command, rest in calls
        if command in cli.COMMANDS
        for flag in re.findall(r" (--[a-z-]+)", rest)
    }
    return sorted(pairs)


@pytest.mark.parametrize("page", ["README.md", "docs/exit-codes.md"])
def test_the_exit_codes_of_a_page_are_the_ones_of_the_code(page: str) -> None:
    assert column_of(page, "| code |") == [str(int(code)) for code in ExitCode]


def test_the_commands_of_the_readme_are_the_ones_of_the_code() -> None:
    listed = column_of("README.md", "| command |")

    assert listed == [f"benchgate {name}" for name in cli.COMMANDS]


@pytest.mark.parametrize(("command", "flag"), shown_flags())
def test_a_flag_that_a_page_shows_is_in_the_help(command: str, flag: str) -> None:
    assert flag in flags_of(command)


@pytest.mark.parametrize(
    "flag", sorted(set(re.findall(r"`(--[a-z]+) FILE", text_of("README.md"))))
)
def test_a_file_that_the_readme_promises_has_its_flag(flag: str) -> None:
    assert flag in flags_of("compare")


@pytest.mark.parametrize(
    "name", sorted(set(_PROMISED.findall("".join(p.read_text() for p in PAGES))))
)
def test_a_target_that_a_page_names_is_in_the_makefile(name: str) -> None:
    assert f"\n{name}:" in text_of("Makefile")


def test_the_configuration_of_the_readme_is_read() -> None:
    (block,) = re.findall(r"```yaml\n(suites:.*?)```", text_of("README.md"), re.DOTALL)

    found = config.decode(block.encode(), name="README.md")

    assert [suite.name for suite in found.suites] == ["micro", "load"]


@pytest.mark.parametrize("word", [*Verdict, *Outcome, *Side, *Design])
def test_a_word_of_the_reports_is_in_the_glossary(word: str) -> None:
    assert word in terms()


def test_a_term_is_explained_once() -> None:
    assert sorted(terms()) == sorted(set(terms()))


def test_every_room_is_on_the_map() -> None:
    on_the_map = set(re.findall(r"`(\w+)(?:\.py|/)`", text_of("CONTRIBUTING.md")))
    rooms = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix in {"", ".py"} and path.name[0] != "_"
    }

    assert rooms - on_the_map == set()


def test_the_map_and_the_contract_give_one_order() -> None:
    text = text_of("CONTRIBUTING.md").partition("Beside them")[0]
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    on_the_map = [re.findall(r"`(\w+)", row) for row in rows]
    layers = text_of("pyproject.toml").partition("layers = [")[2].partition("]")[0]
    position = {
        room: -place
        for place, layer in enumerate(re.findall(r'"([^"]+)"', layers))
        for room in re.findall(r"\w+", layer)
    }

    places = [position[room] for row in on_the_map for room in row]

    assert places == sorted(places)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_broken(page: Path) -> None:
    assert [link for link in links_of(page) if is_broken(page, link)] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_three_parts(page: Path) -> None:
    headings = re.findall(r"^##? (.*)$", page.read_text(), re.MULTILINE)

    number = int(page.name.partition("-")[0])
    assert headings[0].startswith(f"{number}. ")
    assert headings[1:] == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(page.name.partition("-")[0]) for page in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))
