"""Report → the sentences that stand beside a run: one for each thing that fails it."""

from __future__ import annotations

from dataclasses import dataclass

from benchgate.model import Report, Verdict
from benchgate.render.names import Name, Phrase, sentence, shown
from benchgate.render.rows import labeller, row_of


@dataclass(frozen=True, slots=True)
class Remark:
    """A title and a sentence in plain text; ``slower`` or else it did not run."""

    title: str
    text: str
    slower: bool


def remarks_on(report: Report) -> tuple[Remark, ...]:
    """Return a remark on each blocking regression and each failure, worst first."""
    label = labeller(report.judgements)
    slower = [
        row_of(j, label=label(j), marks="")
        for j in report.judgements
        if j.verdict is Verdict.REGRESSED and j.blocking and not j.accepted
    ]
    return (
        *(
            Remark(
                f"{_plain(row.label)} is {_plain(row.slowdown)}",
                f"{row.base} → {row.head}, interval {row.interval}, "
                f"margin {row.margin}",
                slower=True,
            )
            for row in slower
        ),
        *(
            Remark(
                f"{shown(':'.join(filter(None, (f.suite, f.benchmark))))} did not run",
                sentence(f.reason),
                slower=False,
            )
            for f in report.failed
        ),
    )


def _plain(phrase: Phrase) -> str:
    return "".join(shown(p) if isinstance(p, Name) else p for p in phrase)
