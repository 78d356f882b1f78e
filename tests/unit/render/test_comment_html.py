"""The comment as GitHub's parser of Markdown sees it: our structure, and no other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from benchgate.model import Report
from benchgate.render.markdown import render_markdown
from benchgate.render.text import PullRequest
from scripts.look import html_of, page_of
from tests import reports
from tests.golden import FOLDER

RUN = "https://github.com/o/r/actions/runs/1"
GOLDEN = sorted(path.name for path in FOLDER.glob("*.md"))
OURS = {
    *("h3", "p", "strong", "br", "a", "code", "pre", "ul", "li", "details", "summary"),
    *("wbr", "table", "thead", "tbody", "tr", "th", "td"),
}
# Without an end.
VOID = {"br", "wbr"}
# What GitHub makes something of after it has parsed: people, issues, commits, emoji.
ALIVE = re.compile(
    r"@\w|#\d|GH-\d|\b[0-9a-f]{7,}\b|www\.|://|:\w+:|\$\S", re.IGNORECASE
)


@dataclass
class Page(HTMLParser):
    """What is on a page: its tags, links, code, and words outside of it."""

    tags: Counter[str] = field(default_factory=Counter)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    links: set[str | None] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in {"href", "src"}}
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data: str) -> None:
        (self.code if "code" in self._open else self.words).append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def close(self) -> None:
        super().close()
        self.misplaced += self._open


def page(markdown: str) -> Page:
    found = Page()
    found.feed(html_of(markdown))
    found.close()
    return found


def golden(name: str) -> Page:
    return page((FOLDER / name).read_text(encoding="utf-8"))


def cells_of(markdown: str) -> list[list[int]]:
    """Return how many cells each row of each table has.

    That of the source counts: what is too many or missing is dropped or added by the
    parser.
    """
    tables = re.findall(r"(?:^\|.*\|\n)+", markdown, re.MULTILINE)
    return [
        [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in table.splitlines()]
        for table in tables
    ]


def test_the_hostile_one_is_among_the_golden_comments() -> None:
    assert {"hostile.md", "passed.md", "problem.md", "regressed.md"} <= set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_folded_ends_where_it_ends(name: str) -> None:
    found = golden(name)

    assert found.misplaced == []
    assert found.tags["details"] == found.tags["summary"]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_comment_holds_our_html_and_no_other(name: str) -> None:
    found = golden(name)

    assert set(found.tags) <= OURS
    assert found.attributes <= {
        *(("a", "href"), ("details", "open")),
        *(("th", "align"), ("td", "align")),
    }
    assert found.comments == []
    assert found.tags["h3"] == 1


@pytest.mark.parametrize("name", GOLDEN)
def test_a_comment_leads_nowhere_but_to_its_run(name: str) -> None:
    assert golden(name).links <= {RUN}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_comment_calls_nobody(name: str) -> None:
    assert ALIVE.findall(" ".join(golden(name).words)) == []


@pytest.mark.parametrize("name", GOLDEN)
def test_each_row_has_as_many_cells_as_its_table_has_heads(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert [table for table in cells_of(text) if len(set(table)) != 1] == []
    assert len(cells_of(text)) == golden(name).tags["table"]


def test_a_comment_at_the_limit_of_size_is_whole() -> None:
    text = render_markdown(reports.huge(3_000), run=RUN)
    found = page(text)

    assert found.misplaced == []
    assert found.links == {RUN}
    assert set(found.tags) <= OURS
    assert [table for table in cells_of(text) if len(set(table)) != 1] == []


def test_hostile_names_are_code_as_they_stand() -> None:
    named = {name for name in reports.HOSTILE[:11] if name.isprintable()}
    code = "".join(golden("hostile.md").code)

    assert {name for name in named if name not in code} == set()


@pytest.mark.parametrize(
    "build", [reports.regressed, reports.undecided, reports.accepted]
)
def test_no_sentence_widens_a_table(build: Callable[[], Report]) -> None:
    text = render_markdown(build(), pull=PullRequest(7, "5d0e" * 10))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [cell.strip() for row in rows for cell in row.split(" | ")]

    # The longest is the name of a processor.
    assert [c for c in cells if len(c) > 45 and "Processor" not in c] == []


def test_quiet_is_two_lines_one_fold_and_a_link() -> None:
    found = golden("passed.md")

    assert found.tags["details"] == 1
    assert (found.tags["h3"], found.tags["strong"]) == (1, 1)


def test_a_page_is_of_a_theme_and_a_width() -> None:
    made = page_of(
        "### a\n\n<details><summary>b</summary>\n\nc\n\n</details>\n",
        theme="dark",
        width=390,
        unfolded=True,
    )

    assert "color-scheme:dark" in made
    assert "--width: 390px" in made
    assert "<details open>" in made
