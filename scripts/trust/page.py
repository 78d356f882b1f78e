"""Figures → the tables of ``docs/trust.md``, each between its own two marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchgate.model import Measurement
from scripts.trust import changes, histories, load, pairs
from scripts.trust.peers import SAMPLE_RULES, WINDOW_RULES, SampleRule, WindowRule

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
_OF_SUITES = ("benchgate, 5%", "benchgate, 1%", "t limit, 99 %", "previous run × 1.10")


def replaced(text: str, name: str, table: str) -> str:
    """Return the page *text* with *table* between the marks called *name*."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    found, count = re.subn(
        pattern, lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{PAGE}: has {count} places for the table {name}")
    return found


def table_in(text: str, name: str) -> list[str]:
    """Return the lines between the marks called *name*."""
    inside = text.partition(f"<!-- {name} -->\n")[2]
    return inside.partition(f"<!-- end of {name} -->")[0].splitlines()


def stored_table(found: Sequence[Mapping[str, histories.Figures]]) -> str:
    """Return the rules over stored runs, the mean of all suites."""
    mean = histories.averages(found)
    return _rules_table(mean, WINDOW_RULES, histories.EFFECTS)


def suites_table(
    suites: Sequence[histories.Suite], found: Sequence[Mapping[str, histories.Figures]]
) -> str:
    """Return what four of the rules do on each suite."""
    rows = [suite_row(s, figures) for s, figures in zip(suites, found, strict=True)]
    head = ["suite", "benchmarks", "noise"]
    for name in _OF_SUITES:
        head += [f"{name}: fail", "+10%"]
    return _table(head, rows)


def suite_row(
    suite: histories.Suite, figures: Mapping[str, histories.Figures]
) -> list[str]:
    """Return the cells of one suite."""
    cells = [suite.name, str(suite.values.shape[1]), _percent(suite.noise)]
    for name in _OF_SUITES:
        cells += [_percent(figures[name].failed), _percent(figures[name].power[2])]
    return cells


def pairs_table(found: Mapping[str, histories.Figures]) -> str:
    """Return the rules over pairs of rounds."""
    return _rules_table(found, SAMPLE_RULES, pairs.EFFECTS)


def _rules_table(
    found: Mapping[str, histories.Figures],
    rules: Sequence[WindowRule | SampleRule],
    effects: Sequence[float],
) -> str:
    sources = {rule.name: rule.source for rule in rules}
    rows = [
        [
            _linked(name, sources.get(name, "")),
            _percent(figures.failed),
            *map(_percent, figures.power),
            _percent(figures.equal[2]),
        ]
        for name, figures in found.items()
    ]
    sizes = [f"+{effect:.0%}" for effect in effects]
    head = ["rule", "harmless ones that fail", *sizes, "+10% at 5% failing"]
    return _table(head, rows)


def loads_table(recorded: Sequence[Measurement]) -> str:
    """Return what the gate makes of load tests with one endpoint slowed."""
    rows = []
    for level in load.LEVELS:
        for windows in load.WINDOWS:
            found = [
                load.figures_of(each, windows=windows, level=level) for each in recorded
            ]
            shares = [
                sum(getattr(figures, name) for figures in found) / len(found)
                for name in ("failed", "found", "others")
            ]
            name = f"benchgate, {level:.0%}, {windows} windows a side"
            rows.append([name, *map(_percent, shares)])
    head = ["rule", "harmless ones that fail", "+10% of one endpoint", "others called"]
    return _table(head, rows)


def truth_table(recorded: Sequence[pairs.Rounds]) -> str:
    """Return what each rule calls slower in the pull requests of known truth."""
    calls = [pairs.called(rounds) for rounds in recorded]
    clean = [i for i, rounds in enumerate(recorded) if not rounds.slow]
    rows = []
    for name in calls[0]:
        false = sum(
            len(call[name] - set(rounds.slow))
            for call, rounds in zip(calls, recorded, strict=True)
        )
        red = sum(bool(calls[i][name]) for i in clean)
        cells = [name, f"{red} of {len(clean)}", str(false)]
        for rounds, call in zip(recorded, calls, strict=True):
            if rounds.slow:
                right = len(call[name] & set(rounds.slow))
                cells.append(f"{right} of {len(rounds.slow)}")
        rows.append(cells)
    slowed = [
        f"+{max(rounds.slow.values()):.0f}% found" for rounds in recorded if rounds.slow
    ]
    return _table(["rule", "clean ones that fail", "false calls", *slowed], rows)


def changes_table(found: Mapping[str, changes.Figures]) -> str:
    """Return how the methods find known steps."""
    rows = [
        [
            _linked(name, changes.METHODS[name][1]),
            f"{figures.false:.1f}",
            *(f"{score:.2f}" for score in figures.f1),
        ]
        for name, figures in found.items()
    ]
    steps = [f"F1, steps of {step:.0%}" for step in changes.STEPS]
    return _table(["method", "false ones in 1,000 values", *steps], rows)


def _linked(name: str, source: str) -> str:
    return f"[{name}]({source})" if source else name


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f}" if percent < 10 else f"{percent:.0f}"  # noqa: PLR2004


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    align = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, align, *rows))
