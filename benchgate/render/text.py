"""Report → View: every sentence and every number that a reader meets, as text.

The terminal, the comment and the page differ in how they set these sentences, never
in what they say. Nothing is sorted here: a report already lies in its order.
What somebody else named is a ``Name``, so that each output can make it harmless.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

from benchgate.acceptance import FILE
from benchgate.model import (
    UNKNOWN,
    Commit,
    Cost,
    Design,
    Doubt,
    Environment,
    Failure,
    Judgement,
    Kind,
    Missing,
    Outcome,
    Report,
    SeriesKey,
    Verdict,
)
from benchgate.render.names import Name, Phrase, sentence, shorten, visible
from benchgate.render.rows import (
    Labeller,
    Row,
    confidence,
    count,
    is_change,
    is_suite,
    labeller,
    measured_by,
    printed_detectable,
    row_of,
)
from benchgate.units import format_share

_LONGEST_LINE = 200
_LAST_LINES = 12
_NOTHING = frozenset({UNKNOWN, "0", ""})
_EXAMPLES = 3
_SHA = re.compile(r"[0-9a-f]{7,64}")
_SHOWN_OF_SHA = 9
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SPEED = frozenset({Kind.TIME, Kind.LATENCY, Kind.TAIL, Kind.RATE})
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_DESIGN: Mapping[Design, str] = {
    Design.PAIRED: "measured in pairs",
    Design.INDEPENDENT: "measured in separate rounds",
    Design.STORED: "against the stored baseline",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that share a verdict.

    ``summary`` counts them and is empty without any, ``cut`` counts those not shown,
    ``remarks`` are sentences about single ones.
    """

    summary: str
    rows: tuple[Row, ...]
    remarks: tuple[Phrase, ...]
    cut: str
    power: Phrase


@dataclass(frozen=True, slots=True)
class Broken:
    """What did not run, why, and the last lines that its tool printed.

    ``number`` says which failure it is where its name can't be written.
    """

    number: str
    what: Phrase
    reason: str
    detail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Sentences under a sentence that counts them; empty when there is nothing."""

    summary: str
    lines: tuple[Phrase, ...]
    cut: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request that a report is about: its number, and its head commit.

    What was measured is that commit, or its merge into the base, in the ``folder`` of
    the repository: empty for the root.
    """

    number: int
    head: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each are shown; the rest is counted."""

    regressed: int = 5_000
    failed: int = 1_000
    missing: int = 1_000
    inconclusive: int = 5_000
    improved: int = 5_000
    unchanged: int = 5_000
    notes: int = 1_000
    machine: int = 100
    entries: int = 3


@dataclass(frozen=True, slots=True)
class View:
    """A report in words, in the order in which it is read."""

    outcome: Outcome
    headline: str
    action: str
    reasons: tuple[str, ...]
    power: Phrase
    confidence: str
    regressed: Table
    accepted: Table
    improved: Table
    inconclusive: Table
    unchanged: Table
    broken: tuple[Broken, ...]
    broken_summary: str
    broken_cut: str
    removed: Listing
    added: Listing
    left_out: Listing
    notes: Listing
    differences: Listing
    environment: tuple[tuple[str, Phrase], ...]
    subject: Phrase
    settled: str
    error_control: str
    cost: str
    reproduce: Phrase
    commands: tuple[str, ...]
    entry: tuple[str, ...]

    @property
    def moved(self) -> tuple[Row, ...]:
        """Return the rows of what got slower and of what got faster."""
        return (*self.regressed.rows, *self.improved.rows)

    @property
    def is_open(self) -> bool:
        """Say whether what could not be told is all that keeps it undecided."""
        return (
            self.outcome is Outcome.UNDECIDED
            and bool(self.inconclusive.rows)
            and not (self.broken or self.removed.lines)
        )

    @property
    def is_quiet(self) -> bool:
        """Say whether the first two lines are all that there is to tell."""
        silent = (
            self.moved,
            self.accepted.rows,
            self.inconclusive.rows,
            self.reasons,
            self.broken,
            self.removed.lines,
            self.added.lines,
            self.left_out.lines,
            self.notes.lines,
            self.differences.lines,
        )
        return self.outcome is Outcome.PASSED and not any(silent)


ALL = Limits()


def view_of(
    report: Report,
    *,
    limits: Limits = ALL,
    pull: PullRequest | None = None,
    elsewhere: str = "",
) -> View:
    """Return *report* in words, with at most *limits* of each.

    *pull* is the pull request whose commits it compares; *elsewhere* is where the rest
    is shown, such as ``in the job summary``, empty if nowhere.
    """
    groups = _groups(report.judgements)
    notes = _Notes(report)

    def cut(total: int, shown_ones: int) -> str:
        return _cut(total, shown_ones, elsewhere)

    label = labeller(report.judgements)

    def table(group: str, limit: int, what: str) -> Table:
        members = groups[group]
        rows = [
            row_of(j, label=label(j), marks=notes.marks(j.key)) for j in members[:limit]
        ]
        return Table(
            summary=f"{count(len(members), _noun(members))} {what}" if members else "",
            rows=tuple(rows),
            remarks=_remarks(rows),
            cut=cut(len(members), len(rows)),
            power=_power(members, label),
        )

    commands = _commands(report, pull) if pull else ()
    failed = report.failed[: limits.failed]
    regressed = table("regressed", limits.regressed, "regressed")
    accepted = table("accepted", limits.regressed, "regressed and accepted")
    improved = table("improved", limits.improved, "improved")
    inconclusive = table("inconclusive", limits.inconclusive, "could not be told")
    unchanged = table("unchanged", limits.unchanged, "unchanged")
    return View(
        outcome=report.outcome,
        headline=_headline(report, groups),
        action=_action(report, groups),
        reasons=_reasons(report, groups),
        power=_power(report.judgements, label),
        confidence=confidence(report.judgements),
        regressed=regressed,
        accepted=accepted,
        improved=improved,
        inconclusive=inconclusive,
        unchanged=unchanged,
        broken=tuple(_broken(f, n) for n, f in enumerate(failed, start=1)),
        broken_summary=f"{len(report.failed)} did not run",
        broken_cut=cut(len(report.failed), len(failed)),
        removed=_listing(
            f"{count(len(report.removed), 'benchmark')} removed",
            [_missing(m, "to") for m in report.removed],
            limits.missing,
            cut,
        ),
        added=_listing(
            f"{count(len(report.added), 'benchmark')} added",
            [_missing(m, "from") for m in report.added],
            limits.missing,
            cut,
        ),
        left_out=_listing(
            f"{count(len(report.left_out), 'benchmark')} not measured",
            _left_out(report.left_out),
            limits.missing,
            cut,
        ),
        notes=_listing(
            count(len(notes.lines), "doubt"), notes.lines, limits.notes, cut
        ),
        differences=_listing(
            f"{count(len(report.differences), 'difference')} "
            "between the machines of base and head",
            [(sentence(d),) for d in report.differences],
            limits.notes,
            cut,
        ),
        environment=_environment(report.base_environment, report.head_environment)[
            : limits.machine
        ],
        subject=_subject(report, pull),
        settled=_settled(report),
        error_control=_error_control(report),
        cost=_cost(report.cost),
        reproduce=() if commands else _reproduce(report),
        commands=commands,
        entry=_entry(groups["regressed"], limits.entries),
    )


# Which judgements belong together.

Groups = Mapping[str, Sequence[Judgement]]


def _groups(judgements: Sequence[Judgement]) -> Groups:
    groups: dict[str, list[Judgement]] = {v.value: [] for v in Verdict}
    groups["accepted"] = []
    for judgement in judgements:
        is_accepted = (
            judgement.verdict is Verdict.REGRESSED and judgement.accepted is not None
        )
        name = "accepted" if is_accepted else judgement.verdict.value
        groups[name].append(judgement)
    return groups


def _single(judgements: Iterable[Judgement]) -> list[Judgement]:
    return [j for j in judgements if not is_suite(j)]


def _noun(judgements: Sequence[Judgement]) -> str:
    """Return what *judgements* are: benchmarks, or series where one has several."""
    benchmarks = {(j.key.suite, j.key.benchmark) for j in judgements}
    return "benchmark" if len(benchmarks) == len(judgements) else "series"


def _cut(total: int, shown_ones: int, elsewhere: str) -> str:
    """Say how many of *total* are not shown; nothing when all are."""
    number = total - shown_ones
    if number <= 0:
        return ""
    more = " more" if shown_ones else ""
    verb = "is" if number == 1 else "are"
    return f"{number}{more} {verb} {elsewhere or 'not shown'}."


def _remarks(rows: Sequence[Row]) -> tuple[Phrase, ...]:
    """Return what is said of single *rows*, each sentence once."""
    labels: dict[Phrase, list[Phrase]] = {}
    for row in rows:
        for said in (() if row.interval else row.slowdown, row.remark):
            if said:
                labels.setdefault(said, []).append(row.label)
    return tuple(_named(found, said) for said, found in labels.items())


# The first lines: the decision, and whether the reader must act.


def headline(report: Report) -> str:
    """Return the decision in one line."""
    return _headline(report, _groups(report.judgements))


def _headline(report: Report, groups: Groups) -> str:
    decision = {
        Outcome.REGRESSED: _what_regressed,
        Outcome.UNDECIDED: _what_is_open,
        Outcome.PASSED: _what_passed,
    }[report.outcome](report, groups)
    return f"{report.outcome.value}: {decision}"


def _reasons(report: Report, groups: Groups) -> tuple[str, ...]:
    """Return the reasons of the outcome unless what follows shows them by name."""
    shown_below = report.failed, report.removed, groups["inconclusive"]
    if report.outcome is Outcome.REGRESSED or any(shown_below):
        return ()
    return tuple(map(sentence, report.reasons))


def _what_regressed(report: Report, groups: Groups) -> str:
    slower = [j for j in groups["regressed"] if j.blocking]
    single = _single(slower)
    if single:
        return _some_of(single, report, _worse(single))
    if slower:
        return f"the benchmarks together are {_worse(slower)}, though none alone is"
    return "something got worse"


def _what_is_open(report: Report, groups: Groups) -> str:
    suites = [f for f in report.failed if not f.benchmark]
    benchmarks = [f for f in report.failed if f.benchmark]
    unsettled = _single(groups["inconclusive"])
    found = []
    if suites:
        found.append(f"{count(len(suites), 'suite')} did not run")
    if benchmarks:
        found.append(f"{count(len(benchmarks), 'benchmark')} failed")
    if report.removed:
        verb = "is" if len(report.removed) == 1 else "are"
        found.append(f"{count(len(report.removed), 'benchmark')} {verb} missing")
    if not found and unsettled:
        return _could_not(unsettled, report)
    return ", ".join(found) or "this run allows no verdict"


def _what_passed(report: Report, groups: Groups) -> str:
    everything = _single(report.judgements)
    slower = _single(groups["regressed"])
    accepted = _single(groups["accepted"])
    unsettled = _single(groups["inconclusive"])
    if not everything:
        return "there was nothing to compare with"
    if slower:
        return f"{_some_of(slower, report, _worse(slower))}, but that does not block"
    if accepted:
        return f"{_some_of(accepted, report, _worse(accepted))}, as accepted"
    if len(unsettled) == len(everything):
        return _could_not(unsettled, report)
    if unsettled:
        return f"nothing slower was found, but {_could_not(unsettled, report)}"
    return _nothing_slower(report, groups)


def _nothing_slower(report: Report, groups: Groups) -> str:
    everything = _single(report.judgements)
    improved = _single(groups["improved"])
    if improved:
        better = "faster" if _are_speeds(improved) else "better"
        worse = "slower" if _are_speeds(everything) else "worse"
        return f"{_some_of(improved, report, better)}, none is {worse}"
    worse = _worse(everything)
    if len(everything) == 1:
        return f"the {_noun(everything)} is not {worse}"
    return f"none of {count(len(everything), _noun(everything))} is {worse}"


def _some_of(some: Sequence[Judgement], report: Report, what: str) -> str:
    everything = _single(report.judgements)
    verb = "is" if len(some) == 1 else "are"
    return f"{_of(len(some), everything)} {verb} {what}"


def _could_not(unsettled: Sequence[Judgement], report: Report) -> str:
    everything = _single(report.judgements)
    return f"{_of(len(unsettled), everything)} could not be told"


def _of(number: int, everything: Sequence[Judgement]) -> str:
    return f"{number} of {count(len(everything), _noun(everything))}"


def _are_speeds(judgements: Sequence[Judgement]) -> bool:
    return all(j.comparison.metric.kind in _SPEED for j in judgements)


def _worse(judgements: Sequence[Judgement]) -> str:
    return "slower" if _are_speeds(judgements) else "worse"


def _action(report: Report, groups: Groups) -> str:
    if report.outcome is Outcome.REGRESSED:
        them = "them" if len(groups["regressed"]) > 1 else "it"
        return f"Act: fix {them}, or accept {them} in `{FILE}`."
    if report.outcome is Outcome.UNDECIDED:
        if groups["inconclusive"] and not (report.failed or report.removed):
            return (
                "Act: run again with more rounds, or calm the machine down: "
                "`benchgate doctor` says how."
            )
        return (
            "Act: mend what is named here and run again. "
            "This says nothing about the speed of the change."
        )
    if groups["inconclusive"]:
        return "Nothing to do; what could not be told does not block."
    return "Nothing to do."


# What the run could have seen.


def _power(judgements: Sequence[Judgement], label: Labeller) -> Phrase:
    """Say which slowdown would have been caught; nothing where none can be named."""
    changes = [j for j in _single(judgements) if is_change(j)]
    members = changes or _single(judgements)
    able = [j for j in members if j.detectable is not None]
    if not able:
        return ()
    ranked = sorted(able, key=_detectable)
    median = printed_detectable(ranked[(len(ranked) - 1) // 2])
    worst = ranked[-1]
    mute = len(members) - len(able)
    rest = f" Nothing can be said of {mute} more." if mute else ""
    of = "a slowdown" if changes else "a rise"
    start = f"This run would have caught {of} of {median}"
    if len(able) == 1 or _detectable(ranked[0]) == _detectable(worst):
        return (f"{start}.{rest}",)
    return (
        f"{start} (median; worst: ",
        *label(worst),
        f", {printed_detectable(worst)}).{rest}",
    )


def _detectable(judgement: Judgement) -> float:
    return math.inf if judgement.detectable is None else judgement.detectable


# What else happened.


class _Notes:
    """The doubts of a report, each text once, numbered in the order of its rows."""

    def __init__(self, report: Report) -> None:
        self._texts: dict[SeriesKey, dict[str, None]] = {}
        self._count: dict[str, int] = {}
        own = [
            Doubt(d.text, j.key) for j in report.judgements for d in j.comparison.doubts
        ]
        judged = {j.key for j in report.judgements}
        doubts = [*own, *report.doubts]
        for doubt in doubts:
            if doubt.series in judged and doubt.series is not None:
                self._texts.setdefault(doubt.series, {})[doubt.text] = None
        marked = [t for j in report.judgements for t in self._texts.get(j.key, ())]
        self._number = {t: n for n, t in enumerate(dict.fromkeys(marked), start=1)}
        for text in marked:
            self._count[text] = self._count.get(text, 0) + 1
        general = [d for d in doubts if d.series is None or d.series not in judged]
        self._general = [_doubt(d) for d in dict.fromkeys(general)]

    def marks(self, key: SeriesKey) -> str:
        """Return the numbers of what is doubted of one series, raised."""
        numbers = [self._number[text] for text in self._texts.get(key, ())]
        return " ".join(str(n).translate(_SUPERSCRIPT) for n in sorted(numbers))

    @property
    def lines(self) -> list[Phrase]:
        """Return the doubts, those about everything first."""
        marked: list[Phrase] = [
            (f"{str(n).translate(_SUPERSCRIPT)} ", sentence(text), self._shared(text))
            for text, n in self._number.items()
        ]
        return [*self._general, *marked]

    def _shared(self, text: str) -> str:
        return f" ({self._count[text]} series)" if self._count[text] > 1 else ""


def _doubt(doubt: Doubt) -> Phrase:
    if doubt.series is None:
        return (sentence(doubt.text),)
    return (Name(doubt.series.benchmark), ": ", sentence(doubt.text))


def _listing(
    summary: str, lines: Sequence[Phrase], limit: int, cut: Callable[[int, int], str]
) -> Listing:
    some = tuple(lines[:limit])
    return Listing(summary, some, cut(len(lines), len(some)))


def _broken(failure: Failure, number: int) -> Broken:
    what = (Name(failure.suite), ": ", Name(failure.benchmark))
    return Broken(
        number=f"failure {number}",
        what=what if failure.benchmark else what[:1],
        reason=sentence(failure.reason),
        detail=last_lines(failure),
    )


def last_lines(failure: Failure) -> tuple[str, ...]:
    """Return the last lines that a tool printed, without its colours."""
    lines = _COLOURS.sub("", failure.detail).splitlines()
    kept = [line for line in lines if line.strip()][-_LAST_LINES:]
    return tuple(shorten(line.expandtabs(4), _LONGEST_LINE) for line in kept)


def _missing(missing: Missing, how: str) -> Phrase:
    name = (Name(missing.benchmark),)
    if not missing.likely:
        return name
    return (*name, f", perhaps renamed {how} ", Name(missing.likely))


def _left_out(left_out: Sequence[Doubt]) -> list[Phrase]:
    """Return one line a reason, with the first names that it holds for."""
    names: dict[str, list[Phrase]] = {}
    for doubt in left_out:
        found = names.setdefault(doubt.text, [])
        if doubt.series is not None:
            found.append((Name(doubt.series.benchmark),))
    return [_named(found, (sentence(text),)) for text, found in names.items()]


def _named(labels: Sequence[Phrase], said: Phrase) -> Phrase:
    """Return *said* behind the first of the *labels* that it is said of."""
    if not labels:
        return said
    first = [part for label in labels[:_EXAMPLES] for part in (", ", *label)][1:]
    more = len(labels) - _EXAMPLES
    rest = f" and {more} more" if more > 0 else ""
    return (*first, f"{rest}: ", *said)


def _environment(
    base: Environment, head: Environment
) -> tuple[tuple[str, Phrase], ...]:
    """Return what is known of the machines, once where both are the same."""
    if base == Environment():
        base = head  # nothing was measured there
    names = [f.name for f in fields(Environment) if f.name != "tools"]
    pairs = [
        (name.replace("_", " "), str(getattr(base, name)), str(getattr(head, name)))
        for name in names
    ]
    tools = dict(base.tools), dict(head.tools)
    pairs += [
        (tool, tools[0].get(tool, UNKNOWN), tools[1].get(tool, UNKNOWN))
        for tool in dict.fromkeys((*tools[0], *tools[1]))
    ]
    return tuple(
        (what, _on_both(before, after))
        for what, before, after in pairs
        if not {before, after} <= _NOTHING
    )


def _on_both(base: str, head: str) -> Phrase:
    if base == head:
        return (Name(head),)
    known = [
        (Name(value), f" on the {side}")
        for side, value in (("base", base), ("head", head))
        if value not in _NOTHING
    ]
    return tuple(part for phrase in known for part in (", ", *phrase))[1:]


def _subject(report: Report, pull: PullRequest | None) -> Phrase:
    base, head = _commit(report.base), _commit(report.head)
    design = _DESIGN[report.design]
    if not base and not head:
        return (f"Base and head {design}.",)
    if report.base == report.head:
        return (
            *head,
            " against itself." if report.judgements else " was measured alone.",
        )
    if pull and pull.head != report.head.sha:
        # Nobody knows the merge that GitHub made; the commit they pushed, they do.
        head = (*_commit(replace(report.head, sha=pull.head, ref="")), " as merged")
    unnamed = ("an unnamed commit",)
    return (*(base or unnamed), " → ", *(head or unnamed), f", {design}.")


def _settled(report: Report) -> str:
    """Say how many series were settled how; nothing where all were alike."""
    judged = [j for j in _single(report.judgements) if j.comparison.head]
    if len(set(map(measured_by, judged))) <= 1:
        return ""
    counts: dict[str, int] = {}
    for judgement in sorted(judged, key=_effort):
        by = measured_by(judgement)
        if judgement.verdict is Verdict.INCONCLUSIVE:
            by = f"{by} and still open"
        counts[by] = counts.get(by, 0) + 1
    if len(counts) <= 1:
        return ""
    return (
        "Series by what it took: "
        + ", ".join(f"{number} with {by}" for by, number in counts.items())
        + "."
    )


def _effort(judgement: Judgement) -> tuple[bool, bool, int, str]:
    """Put first what was settled, and of that what took least."""
    head = judgement.comparison.head
    return (
        judgement.verdict is Verdict.INCONCLUSIVE,
        judgement.comparison.design is not Design.STORED,
        head.rounds if head else 0,
        measured_by(judgement),
    )


def _commit(commit: Commit) -> Phrase:
    sha = commit.sha[:_SHOWN_OF_SHA] if _SHA.fullmatch(commit.sha) else commit.sha
    # Who names a commit by its hash has named it once.
    ref = "" if commit.sha.startswith(commit.ref) else commit.ref
    named = [Name(part) for part in (ref, sha) if part]
    parts = [part for name in named for part in (" ", name)][1:]
    dirty = [" with uncommitted changes"] if commit.dirty else []
    return (*parts, *dirty)


def _error_control(report: Report) -> str:
    control = report.error_control
    if not control.tests:
        return ""
    if any(j.comparison.weak for j in report.judgements):
        return (
            "Weak evidence: how often it calls unchanged code slower is not known. "
            "Measure in pairs: `benchgate compare`."
        )
    return (
        f"Of changes that alter nothing at most {format_share(control.level)} "
        f"would fail here ({sentence(control.method)} over "
        f"{count(control.tests, 'test')})."
    )


def _cost(cost: Cost) -> str:
    total = cost.building + cost.measuring
    if not total:
        return ""
    parts = [
        f"{what} {_duration(seconds)}"
        for what, seconds in (
            ("building", cost.building),
            ("measuring", cost.measuring),
        )
        if seconds
    ]
    return f"It took {_duration(total)}: {', '.join(parts)}."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s"
    return f"{rest} s" if rest else "less than 1 s"


def _reproduce(report: Report) -> Phrase:
    """Say how to see the same at a desk; nothing for files that somebody named."""
    head, base = report.head, report.base
    if not _SHA.fullmatch(head.sha) or (base == head and not report.judgements):
        return ()
    against = f" --base {base.sha[:12]}" if _SHA.fullmatch(base.sha) else ""
    if report.design is Design.STORED:
        against = " --against baseline"
    command = f"`benchgate compare{against}`"
    if head.dirty:
        return (f"Reproduce: {command} in the same work tree.",)
    return ("Reproduce: check out ", Name(head.sha[:12]), f" and run {command}.")


def _commands(report: Report, pull: PullRequest) -> tuple[str, ...]:
    """Return what to type in a clone to see the same; nothing if that can't be said.

    The merge that GitHub made is gone with the next push, so it is made again.
    """
    commits = report.base.sha, report.head.sha, pull.head
    if report.head.dirty or not all(map(_SHA.fullmatch, commits)):
        return ()
    merged = pull.head != report.head.sha
    enter = (f"cd {shlex.quote(pull.folder)}",) if pull.folder else ()
    if report.design is Design.STORED:
        return (
            f"git fetch origin pull/{pull.number}/{'merge' if merged else 'head'}",
            "git checkout --detach FETCH_HEAD",
            *enter,
            "benchgate compare --against baseline",
        )
    base = report.base.sha[:12]
    return (
        f"git fetch origin {report.base.sha} pull/{pull.number}/head",
        f"git checkout --detach {pull.head[:12]}",
        *((f"git merge --no-edit {base}",) if merged else ()),
        *enter,
        f"benchgate compare --base {base}",
    )


def _entry(regressed: Sequence[Judgement], limit: int) -> tuple[str, ...]:
    """Return the lines of ``benchgate.accepted.yml`` that would accept the regressions.

    What only a person can say is left empty, and refused as long as it is.
    """
    some = [
        j
        for j in regressed
        if j.blocking and j.slowdown and len("".join(astuple(j.key))) <= _LONGEST_LINE
    ]
    more = len(some) - limit
    rest = (f"# {more} more can be accepted in the same way",) if more > 0 else ()
    return (*(line for j in some[:limit] for line in _acceptance(j)), *rest)


def _acceptance(judgement: Judgement) -> tuple[str, ...]:
    key = judgement.key
    return (
        f"- suite: {_quoted(key.suite)}",
        f"  benchmark: {_quoted(key.benchmark)}",
        f"  metric: {_quoted(key.metric)}",
        f"  max_slowdown: {_ceiling(judgement)}",
        '  reason: ""',
        '  owner: ""',
        '  expires: ""',
    )


def _quoted(name: str) -> str:
    # A JSON string is a YAML string, and so are the escapes of `visible`.
    return visible(json.dumps(name, ensure_ascii=False))


def _ceiling(judgement: Judgement) -> str:
    """Return the upper bound rounded up: the next run must not fail by a hair."""
    if judgement.slowdown is None:
        return ""
    percent = judgement.slowdown.hi * 100
    if judgement.comparison.metric.kind is Kind.ERRORS:
        return f"{math.ceil(percent * 100) / 100:g}pp"
    return f"{math.ceil(percent)}%"
