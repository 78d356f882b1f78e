"""Recompute the tables of ``docs/trust.md``; ``make trust`` calls it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchgate.commands.calibration_text import lines_of
from benchgate.config import default
from benchgate.history.calibration import calibrate
from benchgate.history.tables import read_histories
from scripts.trust import changes, histories, load, page, pairs

ROOT = Path(__file__).parents[2]
_SHOWN = "rune.parquet"
_OWN = ROOT / "examples" / "recordings" / "trust"


def main() -> None:
    """Replay what there is, and write the page; say what there wasn't."""
    parser = argparse.ArgumentParser(prog="make trust", description=__doc__)
    parser.add_argument("--histories", metavar="FOLDER", help="tables of benchmarks")
    parser.add_argument("--pull-requests", metavar="FOLDER", help="of known truth")
    args = parser.parse_args()
    text = page.PAGE.read_text(encoding="utf-8")
    if args.histories:
        text = _stored(text, args.histories)
    else:
        _say("no HISTORIES: the tables of stored runs stay as they are")
    folder = Path(args.pull_requests) if args.pull_requests else None
    recorded = list(pairs.recorded_pull_requests(folder)) if folder else []
    if recorded:
        text = page.replaced(text, "known truth", page.truth_table(recorded))
        # The second changed the layout of its code, which exchanging would hide.
        clean = [rounds for rounds in recorded if not rounds.slow and not rounds.layout]
        text = _pairs(text, "pairs of known truth", clean)
    else:
        _say("no PULL_REQUESTS: the tables of known truth stay as they are")
    own = list(pairs.recorded_runs(_OWN))
    if own:
        text = _pairs(text, "own pairs", own)
    else:
        _say(f"no recordings in {_OWN.relative_to(ROOT)}: that table stays as it is")
    loads = list(load.recorded_loads(_OWN))
    if loads:
        _say(f"load tests: {len(loads)} recordings")
        text = page.replaced(text, "loads", page.loads_table(loads))
    page.PAGE.write_text(text, encoding="utf-8")


def _stored(text: str, folder: str) -> str:
    suites = histories.suites_in(folder)
    for heads, name in ((1, "stored, one run"), (3, "stored, three runs")):
        _say(f"{len(suites)} suites, {heads} of the head")
        made = [(s, histories.figures_of(s, heads=heads)) for s in suites]
        found = [(s, figures) for s, figures in made if figures is not None]
        figures = [each for _, each in found]
        text = page.replaced(text, name, page.stored_table(figures))
        if heads == 1:
            table = page.suites_table([s for s, _ in found], figures)
            text = page.replaced(text, "suites", table)
    shown = Path(folder) / _SHOWN
    if shown.exists():
        text = page.replaced(text, "rune", _calibrated(shown))
    noise = changes.noise_of(suites)
    _say(f"steps in {len(noise)} series")
    scores = {
        name: changes.figures_of(noise, method)
        for name, (method, _) in changes.METHODS.items()
    }
    return page.replaced(text, "changes", page.changes_table(scores))


def _calibrated(place: Path) -> str:
    """Return what `benchgate calibrate` prints of the history in *place*."""
    (history,) = read_histories(str(place))
    found = calibrate(history, default().policy, heads=1, seed=0)
    return "\n".join(["```", *lines_of(found, verbose=False), "```"])


def _pairs(text: str, name: str, clean: list[pairs.Rounds]) -> str:
    _say(f"{name}: {len(clean)} recordings")
    return page.replaced(text, name, page.pairs_table(pairs.figures_of(clean)))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
