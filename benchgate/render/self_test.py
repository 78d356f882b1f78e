"""A self-test → lines on a terminal: the sentence, a row a series, and what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from benchgate.injected import How, SelfTest, Trial
from benchgate.model import Judgement, Verdict
from benchgate.render.names import Name, Phrase, sentence, shown, visible
from benchgate.render.rows import confidence, count, labeller, row_of
from benchgate.render.text import view_of
from benchgate.units import format_change, format_share

if TYPE_CHECKING:
    from rich.console import Console

_GAP = "  "
_NUMBERS = frozenset({1, 2, 5})
# Where less of the repeated work shows, it isn't what an iteration spends its time on.
_SHOWS = 0.5
# A slowdown must show beyond the margin; one that barely reaches it doesn't.
_NEAR = 0.75


def print_self_test(test: SelfTest, *, console: Console) -> None:
    """Print *test* on *console*."""
    for line in _lines(test):
        line.rstrip()
        console.print(line, soft_wrap=True)


def headline(test: SelfTest) -> str:
    """Return in a sentence whether the gate can fail, and passes unchanged code."""
    can = "this gate can fail" if test.can_fail else "this gate was not seen to fail"
    found = f"{test.found} of {len(test.trials)} found at {_size(test)}"
    said = "passed" if test.passes_unchanged else f"ended {test.unchanged.outcome}"
    return f"{can}: {found}; unchanged code {said}"


def _lines(test: SelfTest) -> Iterator[Text]:
    yield Text(headline(test), "bold green" if test.works else "bold yellow")
    label_of = labeller(test.unchanged.judgements)
    labels = [_plain(label_of(trial.judgement)) for trial in test.trials]
    if test.trials:
        yield Text()
        yield from _table(test, labels)
    missed: dict[str, list[str]] = defaultdict(list)
    for trial, label in zip(test.trials, labels, strict=True):
        if not trial.found:
            missed[_advice(trial, test)].append(label)
    for advice, names in missed.items():
        yield Text()
        yield Text(f"Not found: {', '.join(names)}")
        yield Text(f"  {advice}")
    yield Text()
    yield from map(Text, _ways(test))
    yield from map(Text, _of_unchanged(test))


def _table(test: SelfTest, labels: Sequence[str]) -> Iterator[Text]:
    """Yield the heading and one line for each benchmark that was made slower."""
    bounds = confidence([trial.judgement for trial in test.trials])
    rows = [("", "measured", bounds, "", "injected by", "could have seen")]
    for trial, label in zip(test.trials, labels, strict=True):
        row = row_of(trial.judgement, label=(), marks="")
        measured = _plain(row.slowdown) if row.interval else ""
        found = "found" if trial.found else "not found"
        how = trial.how.value
        rows.append((label, measured, row.bounds, found, how, row.detectable))
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    styles = ["dim", *("green" if t.found else "yellow" for t in test.trials)]
    for row_cells, style in zip(rows, styles, strict=True):
        padded = []
        for n, (cell, width) in enumerate(zip(row_cells, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if n in _NUMBERS else cell + space)
        line = Text(_GAP.join(padded))
        line.highlight_words(["found", "not found"], style)
        yield line


def _advice(trial: Trial, test: SelfTest) -> str:
    """Say why a slowdown was not found, and what to do about it."""
    judged = trial.judgement
    if judged.slowdown is None:
        return sentence(judged.reason or judged.comparison.reason)
    if judged.margin >= _NEAR * test.slowdown:
        margin = format_share(judged.margin)
        return (
            f"its margin is {margin}, and what isn't clearly beyond that may not "
            "fail: lower `policy.margins` or `policy.absolute`, or let an iteration "
            "do more"
        )
    half = trial.how is How.REPEATED and judged.slowdown.hi < _SHOWS * test.slowdown
    if half:
        return (
            "what was repeated took little time the second time, as from a cache: "
            "see that each iteration does the work that it is meant to measure"
        )
    if judged.verdict is Verdict.REGRESSED:
        return "it regressed, but `policy` lets it pass"
    return (
        "it varied too much: measure more rounds, a longer `measure.slice` or "
        "`window`, on a quieter machine, or make it vary less"
    )


def _ways(test: SelfTest) -> Iterator[str]:
    """Say how the slowdown came about, and what that proves."""
    done = {
        How.REPEATED: f"criterion did {format_share(test.slowdown)} of the work again, "
        "and all of it was measured",
        How.SCALED: "the recorded rounds were multiplied by "
        f"{1 + test.slowdown:g}, one benchmark at a time",
    }
    proves = {
        How.REPEATED: "That proves measuring and decision.",
        How.SCALED: "That proves the decision, not the measuring.",
    }
    for how in How:
        found = [trial.found for trial in test.trials if trial.how is how]
        if found:
            number = count(len(found), "benchmark")
            yield f"In {number} {done[how]}: {sum(found)} found. {proves[how]}"
    for refusal in test.refusals:
        suite, reason = shown(refusal.suite), sentence(refusal.reason)
        yield f"In {suite} no work could be repeated: {reason}."


def _of_unchanged(test: SelfTest) -> Iterator[str]:
    """Say what the gate made of the commit against itself."""
    said = view_of(test.unchanged)
    yield f"Unchanged code: {said.headline}"
    label_of = labeller(test.unchanged.judgements)
    for judgement in test.unchanged.judgements:
        if judgement.verdict is Verdict.REGRESSED:
            yield f"  {_alarm(judgement, label_of(judgement))}"
    for broken in said.broken:
        yield f"  {_plain((*broken.what, ': ', broken.reason))}"
    if not test.passes_unchanged:
        yield (
            "A gate that fails unchanged code can't be trusted: see `benchgate "
            "compare --run` and a quieter machine, then try again."
        )


def _alarm(judgement: Judgement, label: Phrase) -> str:
    row = row_of(judgement, label=label, marks="")
    blocks = "" if judgement.blocking else " (does not block)"
    return f"{_plain(label)} {_plain(row.slowdown)} {row.bounds}{blocks}"


def _size(test: SelfTest) -> str:
    return format_change(test.slowdown)


def _plain(phrase: Phrase) -> str:
    """Return *phrase* with nothing in it that a terminal would obey."""
    return "".join(shown(p) if isinstance(p, Name) else visible(p) for p in phrase)
