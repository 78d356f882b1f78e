"""Runs of our own store → a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchgate.compare import renamed, tabulated
from benchgate.history import History, PastRun, PastSeries
from benchgate.model import Run


def history_of(
    runs: Sequence[Run], *, name: str, renames: Mapping[str, str]
) -> History:
    """Return the history of *runs*, oldest first; *renames* is ``{old: new}``.

    Error rates are left out: stored runs never judge them.
    """
    series, values = tabulated([renamed(run, renames) for run in runs])
    return History(
        name=name,
        runs=tuple(
            PastRun(run.commit.sha, _started(run), run.environment.key) for run in runs
        ),
        series=tuple(PastSeries(key, metric) for key, metric in series),
        values=tuple(values),
    )


def _started(run: Run) -> float | None:
    known = [r.started_at for r in run.rounds if r.started_at is not None]
    return min(known, default=None)
