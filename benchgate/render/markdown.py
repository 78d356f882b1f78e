"""Report → the Markdown of the pull-request comment and of the job summary.

Nothing foreign is ever interpreted: names become code spans, and of sentences every
word that GitHub could act on. Size is kept by showing fewer rows, never by a cut
through the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import jinja2

from benchgate import __version__
from benchgate.model import Outcome, Report
from benchgate.render import TEMPLATES
from benchgate.render.names import Name, Phrase, shown, visible
from benchgate.render.text import ALL, Limits, PullRequest, view_of

# GitHub refuses a comment of more than 65,536 characters; counted in bytes, no way of
# counting exceeds it. The rest is for the two lines by which we know our own.
MOST_BYTES = 64_000
# A summary beyond 1 MiB is dropped, all of it.
MOST_BYTES_OF_A_SUMMARY = 1_000_000
# What is least wanted goes first: unchanged, improved, then what could not be told.
_LIMITS = (
    ALL,
    Limits(unchanged=200, failed=50, missing=100, notes=50),
    Limits(unchanged=0, failed=20, missing=50, notes=30),
    Limits(unchanged=0, improved=20, failed=20, missing=30, notes=20),
    Limits(failed=20, missing=30, inconclusive=50, improved=20, unchanged=0, notes=20),
    Limits(
        regressed=150,
        failed=20,
        missing=30,
        inconclusive=20,
        improved=10,
        unchanged=0,
        notes=20,
    ),
    Limits(
        regressed=50,
        failed=10,
        missing=15,
        inconclusive=20,
        improved=10,
        unchanged=0,
        notes=10,
        machine=20,
    ),
    Limits(
        regressed=3,
        failed=1,
        missing=1,
        inconclusive=1,
        improved=1,
        unchanged=0,
        notes=1,
        machine=12,
        entries=1,
    ),
)
_ICON: Mapping[Outcome, str] = {
    Outcome.PASSED: "✅",
    Outcome.REGRESSED: "❌",
    Outcome.UNDECIDED: "⚠️",
}
# Slower, and whether that fails the pull request; in words it is said below the table.
_SIGN: Mapping[bool, str] = {True: "🔴", False: "🟡"}
# Letters of a line on a phone that leave room for the slowdown.
_NARROW = 24
_STEP = re.compile(r"[^/:_-]*[/:_-]+|[^/:_-]+")
_CODE = re.compile(r"((?<!`)`[^`]+`(?!`))")
# A unit on a line of its own would be read twice.
_UNIT = re.compile(r"(?<=[0-9]) (?=(?:%|pp|[nµm]?s|min|h)(?!\w))")
_NUMBER = re.compile(r"\[?[+\u2212]?∞?[0-9][0-9.,]*\]?")
# Starts a list inside the one that we write.
_BULLET = re.compile(r"[-+=]+|[0-9]{1,9}[.)]")
# What GitHub makes a link of without any markup: addresses, issues, commits.
_LINKED = re.compile(r"www\.|GH-[0-9]|[0-9a-f]{7,}", re.IGNORECASE)
# Built of the server, a repository and numbers; anything else would be foreign.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._-]+)*")
_HARMLESS = frozenset(".,;?%()'\"+-=/…–—−·→×µ≤≥±∞⁰¹²³⁴⁵⁶⁷⁸⁹\u00a0\u202f")


def render_markdown(
    report: Report,
    *,
    run: str = "",
    pull: PullRequest | None = None,
    most_bytes: int = MOST_BYTES,
    version: str = __version__,
) -> str:
    """Return the comment for *report*: at most *most_bytes* >= 64,000 of UTF-8.

    *run* is the address of the job that measured, whose summary shows all of it;
    *pull* is the pull request whose head, or its merge into the base, was measured.
    """
    template = _environment().get_template("comment.md.j2")
    text = ""
    for limits in _LIMITS:
        view = view_of(
            report,
            limits=limits,
            pull=pull,
            elsewhere="in the job summary" if run else "",
        )
        text = template.render(view=view, run=run, version=version)
        if len(text.encode()) <= most_bytes:
            break
    return text


def render_summary(report: Report, *, pull: PullRequest | None = None) -> str:
    """Return the summary of the job for *report*: the comment, with more of it."""
    return render_markdown(report, pull=pull, most_bytes=MOST_BYTES_OF_A_SUMMARY)


NOT_JUDGED = "undecided: this pull request was not judged"


def render_problem(
    problem: str, hint: str, *, headline: str = NOT_JUDGED, run: str = ""
) -> str:
    """Return the comment for what allowed no report at all, below *headline*."""
    lines = [f"### ⚠️ {prose(headline)}", ""]
    if hint:
        lines += [f"**Act: {prose(hint)}.**"]
    if headline == NOT_JUDGED:
        lines += ["This says nothing about the speed of the change."]
    lines += [
        "",
        f"The reason: {prose(problem)}.",
    ]
    if run:
        lines += ["", f"[The log of the run]({address(run)}) says more."]
    return "\n".join([*lines, ""])


def code(text: str) -> str:
    """Return *text* as a code span that shows it and nothing else."""
    content = shown(text)
    fence = "`" * (_longest_run(content) + 1)
    edges = content[0] + content[-1]
    pad = " " if "`" in edges or edges == "  " else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def prose(phrase: str | Phrase) -> str:
    """Return *phrase* as Markdown in which only its own words are words.

    Names become code; so does each other word that GitHub could turn into a link,
    a mention, markup or HTML. Code between backticks stays code.
    """
    return _prose(phrase, code)


def cell(phrase: str | Phrase) -> str:
    """Return *phrase* as ``prose`` for a table, where a pipe ends even a code span."""
    return prose(phrase).replace("|", r"\|")


def label(phrase: str | Phrase) -> str:
    """Return *phrase* as ``cell``, with names that a narrow screen can break."""
    return _prose(phrase, _breakable).replace("|", r"\|")


def figure(number: str) -> str:
    """Return *number* as a table cell whose unit stays beside it."""
    return cell(number).replace(" ", "\N{NO-BREAK SPACE}")


def fence(lines: Sequence[str]) -> str:
    """Return *lines* as a code block, to be placed at the start of a line."""
    longest = max((_longest_run(line) for line in lines), default=0)
    mark = "`" * max(3, longest + 1)
    return "\n".join([mark, *map(visible, lines), mark])


def address(url: str) -> str:
    """Return *url*, one of ours, as the target of a link; raises ValueError."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError(f"{url!r} is no address of a run")
    return url


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown: the filters escape, a test insists
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {
        "prose": prose,
        "cell": cell,
        "label": label,
        "figure": figure,
        "fence": fence,
        "address": address,
        "icon": _ICON.__getitem__,
        "sign": _SIGN.__getitem__,
    }
    return environment


def _prose(phrase: str | Phrase, code_of: Callable[[str], str]) -> str:
    parts = (phrase,) if isinstance(phrase, str) else phrase
    pieces = [
        piece
        for part in parts
        for piece in ([code_of(part)] if isinstance(part, Name) else _pieces(part))
    ]
    return _joined([piece for piece in pieces if piece]).strip()


def _breakable(name: str) -> str:
    """Return *name* as code in steps, of which a line holds as many as fit.

    A long name would else push the numbers beside it off a phone.
    """
    steps = [""]
    for step in _STEP.findall(shown(name)):
        if steps[-1] and step.strip() and len(steps[-1]) + len(step) > _NARROW:
            steps.append(step)
        else:
            steps[-1] += step
    return "<wbr>".join(map(code, steps))


def _pieces(text: str) -> list[str]:
    """Return the words of *text* with the spaces between them, made harmless."""
    return [
        code(part[1:-1]) if _CODE.fullmatch(part) else _words(part)
        for part in _CODE.split(text)
    ]


def _words(text: str) -> str:
    words = visible(text).split(" ")
    first = next((n for n, word in enumerate(words) if word), 0)
    joined = " ".join(
        word if not word or _is_harmless(word, first=n == first) else code(word)
        for n, word in enumerate(words)
    )
    return _UNIT.sub("\N{NO-BREAK SPACE}", joined)


def _is_harmless(word: str, *, first: bool) -> bool:
    if (first and _BULLET.fullmatch(word)) or _LINKED.search(word):
        return False
    if _NUMBER.fullmatch(word) or word in {"<", "@"}:
        return True
    # A colon inside a word makes an address or an emoji.
    return all(c.isalnum() or c in _HARMLESS for c in word.removesuffix(":"))


def _joined(pieces: Sequence[str]) -> str:
    """Join *pieces*; two code spans that touch would be one."""
    if not pieces:
        return ""
    rest = [
        f" {after}" if before[-1] == after[0] == "`" else after
        for before, after in pairwise(pieces)
    ]
    return "".join([pieces[0], *rest])


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
