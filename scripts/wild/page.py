"""Entries and what came of them → ``docs/wild.md``, all of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from scripts.wild.manifest import Entry
from scripts.wild.runs import Result, Series, about, agrees

PAGE = Path(__file__).parents[2] / "docs" / "wild.md"
_IS_PROGRESS = re.compile(r"benchgate: (?!error|hint)")
_SAID = 3
_LONGEST = 300
_ABOUT = """\
# Other people's projects

What `benchgate compare` makes of public repositories with criterion benches, in a clean checkout of one commit, with another as the base.
No file is added to them; where the table says *narrowed*, `--config` chose a part of the suite to save time.

* An *ordinary* commit makes nothing slower: documentation, a rename, a refactoring, a new function. It should pass.
* *Undone* means that the base is a commit that made something faster, and the head its parent. It should be called slower, in a benchmark that the commit is about.
* *Unmeasured* are projects whose benches aren't of criterion, or don't build as they are. They should get the sentence that helps.
"""  # noqa: E501 - a sentence a line, as in all pages
_AGAIN = """\
## Do it again

`scripts/wild/manifest.toml` names the repositories, the commits and what is expected.
Clone them into a folder, as `OWNER+NAME` each, and run one or all:

```console
make wild REPOS=FOLDER ONLY={name}
make wild REPOS=FOLDER
```

What came of each is kept in `build/wild`; a second run goes on with what isn't there yet.
The minutes are those of a machine with two vCPUs that share a core.
The first comparison of a repository built everything from nothing, of both sides; those after it found the dependencies built.
Other work went on beside some of them, as on any shared machine.
"""  # noqa: E501 - as above


def written(entries: Sequence[Entry], results: Mapping[str, Result]) -> str:
    """Return the page on those of *entries* that have a result."""
    done = [(entry, results[entry.name]) for entry in entries if entry.name in results]
    missing = [entry.name for entry in entries if entry.name not in results]
    parts = [_ABOUT]
    if done:
        parts += [_summary(done), _entries_table(done), _undone(done), _others(done)]
    if missing:
        parts.append(f"Not run yet: {', '.join(missing)}.\n")
    parts.append(_AGAIN.format(name=entries[0].name if entries else "NAME"))
    return "\n".join(part for part in parts if part)


def _summary(done: Sequence[tuple[Entry, Result]]) -> str:
    """Return what was reached, a line each."""
    repositories = {entry.repository for entry, _ in done}
    reported = {e.repository for e, r in done if r.outcome != "unmeasured"}
    ordinary = [
        (e, r) for e, r in done if e.expected == "passed" and r.outcome != "unmeasured"
    ]
    failed = sum(r.outcome == "regressed" for _, r in ordinary)
    undecided = sum(r.outcome == "undecided" for _, r in ordinary)
    undone = [(e, r) for e, r in done if e.expected == "regressed"]
    found = sum(agrees(e, r) for e, r in undone)
    missed = [_most(e, r) for e, r in undone if not agrees(e, r) and r.series]
    measured = [r for _, r in done if r.outcome != "unmeasured"]
    shares = [r.overhead for r in measured]
    told = {e.repository for e, r in done if e.says and agrees(e, r)}
    lines = [
        (
            f"{len(reported)} of {len(repositories)} repositories gave a report, "
            f"{len(told)} the sentence that helps"
        ),
        f"{failed} of {len(ordinary)} ordinary commits failed, {undecided} undecided",
        (
            f"{found} of {len(undone)} undone commits were found"
            + (f"; the others read {max(missed):+.1%} at most" if missed else "")
        ),
    ]
    if shares:
        own = median(r.own / r.wall for r in measured)
        measuring = sum(r.measuring for r in measured)
        building = sum(r.first for r in measured)
        lines += [
            (
                f"building took {_minutes(building)} in all, each repository from "
                f"nothing, and measuring {_minutes(measuring)}"
            ),
            (
                "of the time, benchgate itself took beside building and measuring "
                f"{median(shares):.1%} (median; at most {max(shares):.1%})"
            ),
            f"its own process used {own:.1%} of a CPU, building and measuring included",
        ]
    if flags := sorted({" ".join(r.arguments) for _, r in done} - {""}):
        lines.append(f"Flags: `{'`, `'.join(flags)}`")
    return "\n".join(f"* {line}." for line in lines) + "\n"


def _entries_table(done: Sequence[tuple[Entry, Result]]) -> str:
    head = ["comparison", "criterion", "commits", "expected", "observed"]
    head += [
        "benchmarks",
        "rounds",
        "largest reading",
        "could have seen",
        "building",
        "measuring",
        "beside both",
    ]
    rows = [
        [
            f"{entry.repository}, {entry.crate}: {entry.why}",
            entry.criterion,
            _commits(entry),
            f"{entry.expected} ({entry.kind}{', narrowed' if entry.config else ''})",
            _observed(entry, result),
            str(result.benchmarks),
            str(result.rounds),
            _largest(result),
            "–" if result.detectable is None else f"{result.detectable:+.1%}",
            _minutes(result.first),
            _minutes(result.measuring),
            f"{result.overhead:.1%}" if result.outcome != "unmeasured" else "–",
        ]
        for entry, result in done
    ]
    return "## All of them\n\n" + _table(head, rows, left=5)


def _undone(done: Sequence[tuple[Entry, Result]]) -> str:
    """Return the commits undone: what was promised and what was seen."""
    rows = []
    for entry, result in done:
        if entry.kind == "undone":
            worst = about(entry, result.series)[:1]
            seen = _reading(worst[0]) if worst else "nothing"
            number = str(len(about(entry, result.slower)))
            claimed = entry.claimed or "–"
            rows.append([entry.repository, entry.why, claimed, number, seen])
    if not rows:
        return ""
    head = ["repository", "what is undone", "promised", "called slower", "most"]
    return "## Performance commits, undone\n\n" + _table(head, rows, left=5)


def _others(done: Sequence[tuple[Entry, Result]]) -> str:
    """Return what was not as expected, and what was said of what can't be measured."""
    lines = ["## Not as expected", ""]
    wrong = [(entry, result) for entry, result in done if not agrees(entry, result)]
    for entry, result in wrong:
        lines.append(
            f"* {entry.name}: {result.outcome} and not {entry.expected} ({entry.why})."
        )
        lines += [f"  * {_cut(said)}" for said in _named(result)]
    if not wrong:
        lines.append("Nothing.")
    unmeasured = [(e, r) for e, r in done if e.expected == "unmeasured"]
    if unmeasured:
        lines += ["", "## What can't be measured", ""]
        for entry, result in unmeasured:
            said = next((s for s in result.said if entry.says in s), "nothing helpful")
            lines.append(f"* {entry.repository}: {_cut(said)}")
    return "\n".join(lines) + "\n"


def _named(result: Result) -> list[str]:
    """Return the slower series, or the first sentences that were said."""
    slower = [_reading(s) for s in sorted(result.slower, key=lambda s: -s.slowdown)]
    said = [s for s in result.said if not _IS_PROGRESS.match(s)]
    return (slower or said)[:_SAID]


def _most(entry: Entry, result: Result) -> float:
    """Return the largest change of what the commit is about; below all where none."""
    return max((s.slowdown for s in about(entry, result.series)), default=-1.0)


def _largest(result: Result) -> str:
    most = max((s.slowdown for s in result.series), default=None)
    return "–" if most is None else f"{most:+.1%}"


def _reading(one: Series) -> str:
    return f"`{one.name}` {one.slowdown:+.1%}, {one.lo:+.1%} to {one.hi:+.1%}"


def _observed(entry: Entry, result: Result) -> str:
    return result.outcome if agrees(entry, result) else f"**{result.outcome}**"


def _commits(entry: Entry) -> str:
    address = f"https://github.com/{entry.repository}/commit"
    base, head = (f"[{s[:8]}]({address}/{s})" for s in (entry.base, entry.head))
    return f"{base} → {head}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def _cut(sentence: str) -> str:
    plain = " ".join(sentence.split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int) -> str:
    align = [":--"] * left + ["--:"] * (len(head) - left)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in (head, align, *escaped)]
    return "\n".join(lines) + "\n"
