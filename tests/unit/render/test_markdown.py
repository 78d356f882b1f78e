"""The pull-request comment: what it says, and that nobody can make it say more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import nodes
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchgate.github.sticky import MOST_CHARACTERS, MOST_HEADER
from benchgate.model import Acceptance, Commit, Doubt, Failure, Missing, Report
from benchgate.render import TEMPLATES
from benchgate.render.markdown import (
    MOST_BYTES,
    cell,
    code,
    fence,
    label,
    prose,
    render_markdown,
    render_problem,
    render_summary,
)
from benchgate.render.names import Name, shown
from benchgate.render.text import PullRequest
from tests import reports
from tests.golden import check_golden

RUN = "https://github.com/o/r/actions/runs/1"
# What was measured is a merge of this head.
PULL = PullRequest(7, "5d0e" * 10)
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(
    r"<details><summary>[A-Za-z0-9, ]+</summary>\n"
    r"|</details>\n"
    r"|<br>|<wbr>"
)
# What GitHub makes something of in plain text: people, issues, commits, addresses.
ALIVE = re.compile(
    r"@\w|#\d|GH-\d|\b[0-9a-f]{7,}\b|www\.|://|:\w+:|[<>]\w", re.IGNORECASE
)
FILTERS = {"address", "label", "prose", "cell", "figure", "fence", "icon", "sign"}

foreign = st.one_of(
    st.text(max_size=40),
    st.text("`|\\<>@#[](){}*_~!&$:-+=. \nab1", max_size=30),
    st.sampled_from(reports.HOSTILE),
)


def tokens_of(markdown: str) -> list[Token]:
    return [
        inner
        for token in PARSER.parse(markdown)
        for inner in (token, *(token.children or ()))
    ]


def rows_of(markdown: str) -> Iterator[list[list[Token]]]:
    """Yield the cells of each row of each table, as their inline tokens."""
    row: list[list[Token]] = []
    for token in PARSER.parse(markdown):
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and token.level >= 4:
            row.append(token.children or [])
        elif token.type == "tr_close":
            yield row


def about(name: str) -> Report:
    """Return a report in which every foreign string is *name*."""
    row = reports.judged(name, 1e-6, 0.2, suite=name)
    metric = replace(reports.MEDIAN, name=name)
    key = replace(row.key, metric=name)
    doubt = Doubt(name, key)
    comparison = replace(row.comparison, key=key, metric=metric, doubts=(doubt,))
    judgement = replace(row, comparison=comparison)
    other = reports.judged("other", 1e-6, 0.3)
    accepted = Acceptance(name, name, 0.3, name)
    return replace(
        reports.regressed(),
        judgements=(
            judgement,
            replace(other, accepted=accepted),
            reports.untold("open", 1.0, name),
        ),
        base=Commit(name, name),
        head=Commit(name, name),
        differences=(name,),
        added=(Missing(name, name, name),),
        removed=(Missing(name, name, name),),
        failed=(Failure(name, name, name, name),),
        left_out=(doubt,),
        doubts=(Doubt(name),),
        head_environment=replace(reports.MACHINE, cpu=name, tools=((name, name),)),
    )


def unsettled() -> Report:
    """Return a report that is undecided for its noise alone."""
    return replace(reports.undecided(), failed=(), added=(), removed=(), differences=())


@pytest.mark.parametrize(
    ("build", "run", "pull"),
    [
        (unsettled, RUN, PULL),
        (reports.regressed, RUN, PULL),
        (reports.passed, RUN, PULL),
        (reports.undecided, RUN, PULL),
        (reports.accepted, RUN, PULL),
        (reports.first_run, "", None),
        (reports.hostile, "", None),
    ],
)
def test_the_comment_is_what_people_reviewed(
    build: Callable[[], Report], run: str, pull: PullRequest | None
) -> None:
    text = render_markdown(build(), run=run, pull=pull, version="1.0.0")

    check_golden(text, f"{build.__name__}.md")


@given(foreign)
@example("a|b\\|c\\")
@example("`` ` ")
@settings(max_examples=150, deadline=None)
def test_any_name_leaves_the_table_its_columns_and_is_shown_as_it_is(name: str) -> None:
    header, row, *_ = rows_of(render_markdown(about(name)))

    codes = [token.content for token in row[0] if token.type == "code_inline"]
    assert "".join(codes) == shown(name) * 2
    change = "".join(token.content for token in row[1])
    assert change == "+20\N{NO-BREAK SPACE}%<br>+19.5\xa0%\xa0to\xa0+20.5\xa0%"
    assert "".join(token.content for token in row[5]) == "20 pairs, p < 0.0001"
    assert len(row) == len(header) == 6


@given(foreign)
@example("a `b` c `")
@example("- 1. [x]: /y")
@settings(max_examples=150, deadline=None)
def test_nothing_foreign_becomes_markup_a_link_or_a_mention(name: str) -> None:
    tokens = tokens_of(render_markdown(about(name)))

    html = [t.content for t in tokens if t.type in {"html_block", "html_inline"}]
    assert [part for part in html if OURS.sub("", part)] == []
    kinds = {t.type for t in tokens}
    assert not kinds & {"link_open", "image", "em_open", "s_open", "hr", "code_block"}
    assert [t.tag for t in tokens if t.type == "heading_open"] == ["h3"]
    assert max(t.level for t in tokens if t.type == "list_item_open") == 1
    words = " ".join(t.content for t in tokens if t.type == "text")
    assert ALIVE.findall(words) == []


@given(foreign, foreign)
@settings(deadline=None)
def test_prose_says_what_was_written(first: str, second: str) -> None:
    tokens = tokens_of(prose(("Of ", Name(first), " ", Name(second), ".")))

    codes = [token.content for token in tokens if token.type == "code_inline"]
    assert codes == [shown(first), shown(second)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k6 exited with 107, a script error", "k6 exited with 107, a script error"),
        ("raise `rounds` to 40", "raise `rounds` to 40"),
        ("thanks @octocat", "thanks `@octocat`"),
        ("see #12", "see `#12`"),
        ("see GH-12", "see `GH-12`"),
        ("since c07dd1e5a", "since `c07dd1e5a`"),
        ("since 1234567", "since `1234567`"),
        ("at www.example.org", "at `www.example.org`"),
        ("at https://example.org", "at `https://example.org`"),
        ("<b>bold</b>", "`<b>bold</b>`"),
        ("snake_case", "`snake_case`"),
        ("1. first", "`1.` first"),
        ("  - first", "`-` first"),
        ("needs 6. Then", "needs 6. Then"),
        ("the ``two`` of", "the ``` ``two`` ``` of"),
        ("one `open", "one `` `open ``"),
        ("[+9.4, −14.1] < 3 %", "[+9.4, −14.1] < 3\xa0%"),
        ("CPU @ 2.80GHz", "CPU @ 2.80GHz"),
        ("1 min 34 s in 2 streets", "1\xa0min 34\xa0s in 2 streets"),
        ("two\nlines", "`two\\nlines`"),
    ],
)
def test_only_words_that_github_acts_on_become_code(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_two_code_spans_never_touch() -> None:
    assert prose((Name("a"), Name("b"), "`c`")) == "`a` `b` `c`"


def test_a_pipe_in_a_name_keeps_the_table() -> None:
    assert cell((Name("a|b"),)) == r"`a\|b`"
    assert code("a|b") == "`a|b`"


def test_a_long_name_breaks_where_a_phone_ends() -> None:
    name = Name("workspace/crate_1/a_long_module/function|x/100")

    assert label((name, " ", Name("p99"))) == (
        r"`workspace/crate_1/a_`<wbr>`long_module/function\|x/`<wbr>`100` `p99`"
    )
    assert label((Name("json/parse/100"),)) == "`json/parse/100`"
    assert label((Name(""),)) == "`(blank)`"
    assert label((Name("a" * 30 + "/" + " " * 30),)) == f"`{'a' * 30}/{' ' * 30}`"


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fence(["```", "</details>"]) == "````\n```\n</details>\n````"


def test_the_first_line_is_the_decision() -> None:
    assert render_markdown(reports.passed()).startswith("### ✅ passed: ")


def test_the_run_that_measured_is_linked() -> None:
    text = render_markdown(reports.passed(), run=RUN, version="1.0.0")

    assert text.endswith(
        f"\n[Everything that was measured]({RUN}), by benchgate 1.0.0.\n"
    )


def test_a_link_leads_to_no_foreign_place() -> None:
    with pytest.raises(ValueError, match="no address of a run"):
        render_markdown(reports.passed(), run="javascript:alert(1)")


def test_a_summary_shows_more_than_a_comment_may() -> None:
    report = reports.huge()

    assert len(render_summary(report).encode()) > 65_536
    assert len(render_summary(report).encode()) <= 1_000_000


def test_what_allowed_no_report_is_said_and_does_nothing() -> None:
    text = render_problem("run.json: `a|b` @team\n::error::x", "mend it", run="")

    assert text.startswith("### ⚠️ undecided: ")
    assert "`@team" in text
    assert "\n**Act: mend it.**\n" in text


def test_what_allowed_no_report_is_what_people_reviewed() -> None:
    text = render_problem(
        "nothing was measured: there is no artifact benchgate-run of the run, "
        "which ended as `timed_out`",
        "look into its log",
        run=RUN,
    )

    check_golden(text, "problem.md")


def test_a_huge_report_is_cut_by_rows_and_says_how_many() -> None:
    text = render_markdown(reports.huge(3_000), version="1.0.0")

    assert len(text.encode()) <= MOST_BYTES
    assert re.search(r"^\d+ (more )?are not shown\.$", text, re.MULTILINE)
    assert text.count("<details>") == text.count("</details>")
    assert text.endswith("\nMeasured by benchgate 1.0.0.\n")


def test_a_comment_sends_to_the_job_for_what_it_has_no_room_for() -> None:
    report = reports.huge(3_000)
    text = render_markdown(report, run=RUN, pull=PULL, version="1.0.0")
    shown_rows = text.count("| 🔴&nbsp;`workspace/")
    rest = 300 - shown_rows

    assert len(text) + MOST_HEADER <= MOST_CHARACTERS
    assert shown_rows >= 50
    assert f"\n{rest} more are in the job summary.\n" in text
    assert "\n2400 are in the job summary.\n" in text
    assert text.endswith(f"({RUN}), by benchgate 1.0.0.\n")
    # The summary keeps what that says.
    assert render_summary(report).count("`workspace/") >= 3_000


def test_500_series_fit() -> None:
    assert len(render_markdown(reports.huge(500)).encode()) <= MOST_BYTES


@pytest.mark.parametrize("letter", ["x", "|", "`", "\U0001d4b3", "\U000e0041", "@ "])
def test_whatever_is_long_and_many_the_comment_fits(letter: str) -> None:
    name = letter * 2_000
    one = about(name)
    rows = [
        replace(j, comparison=replace(j.comparison, key=replace(j.key, suite=f"{n}")))
        for n in range(60)
        for j in one.judgements
    ]
    machine = replace(
        reports.MACHINE, tools=tuple((f"{n}{name}", name) for n in range(300))
    )
    report = replace(
        one,
        judgements=tuple(rows),
        failed=one.failed * 100,
        added=one.added * 100,
        removed=one.removed * 100,
        doubts=tuple(Doubt(f"{n}{name}") for n in range(100)),
        head_environment=machine,
    )

    assert len(render_markdown(report).encode()) <= MOST_BYTES


def test_the_template_prints_nothing_unfiltered() -> None:
    source = (TEMPLATES / "comment.md.j2").read_text(encoding="utf-8")
    tree = jinja2.Environment(autoescape=False).parse(source)  # noqa: S701 - Markdown
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    printed = [
        part
        for output in tree.find_all(nodes.Output)
        for part in output.nodes
        if not isinstance(part, nodes.TemplateData)
    ]
    filtered = [p for p in printed if isinstance(p, nodes.Filter)]
    called = [p for p in printed if isinstance(p, nodes.Call)]

    assert {p.name for p in filtered} == FILTERS
    assert {p.node.name for p in called if isinstance(p.node, nodes.Name)} == macros
    assert len(filtered) + len(called) == len(printed)


def test_the_template_neither_compares_nor_calculates() -> None:
    source = (TEMPLATES / "comment.md.j2").read_text(encoding="utf-8")
    tree = jinja2.Environment(autoescape=False).parse(source)  # noqa: S701 - Markdown

    assert list(tree.find_all((nodes.Compare, nodes.Add, nodes.Sub, nodes.Test))) == []
