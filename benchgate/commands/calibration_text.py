"""A calibration → lines of text: what was found, and what to change about it."""

from __future__ import annotations

import glob
import json
import textwrap
from collections.abc import Iterator, Sequence

from benchgate.history.calibration import Calibration
from benchgate.model import SeriesKey
from benchgate.render.names import shown, visible
from benchgate.units import format_change, format_share

_WIDTH = 88
_SHOWN = 5
# What a team would want to see; a benchmark that can't show it is one for pairs.
_WORTH_SEEING = 0.10
# Beyond this a percentage is no measure any more.
_TENFOLD = 9.0
# Where the search for a factor ends, whether or not that one is enough.
_WIDEST = 2.0
_WORDS = {1: "one run", 2: "two runs", 3: "three runs"}


def lines_of(found: Calibration, *, verbose: bool) -> Iterator[str]:
    """Yield the lines; *verbose* lists every benchmark and every false alarm."""
    yield shown(found.name)
    yield from _wrapped(_what_was_done(found))
    yield ""
    yield from _false_alarms(found)
    yield ""
    slowdowns = "".join(f"{format_change(effect):>9}" for effect, _ in found.power)
    yield f"  {'slowdown':<19}{slowdowns}"
    yield _found_by(found.heads, found.power)
    if found.power_of_three is not None:
        yield _found_by(3, found.power_of_three)
    yield ""
    yield from _what_is_seen(found, verbose=verbose)
    if verbose and found.alarms:
        yield ""
        yield "  what failed"
        for alarm in found.alarms:
            commit = shown(alarm.commit[:12]) if alarm.commit else "no commit"
            yield f"  {_change(alarm.change):>9}  {commit}  {name_of(alarm.series)}"
    yield ""
    yield from _advice(found)


def name_of(key: SeriesKey) -> str:
    """Return how a series is called here: the metric only where it isn't time."""
    metric = "" if key.metric == "time" else f" {key.metric}"
    return shown(key.benchmark + metric)


def counted(count: int, what: str) -> str:
    """Return ``1 run``, ``2 runs``."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def _what_was_done(found: Calibration) -> str:
    used = f"The newest {found.recent} of " if found.recent < found.runs else ""
    mixed = (
        f" of {found.environments} environments, mixed"
        if found.environments > 1
        else ""
    )
    runs = f"{used}{counted(found.runs, 'run')}{mixed}"
    requests = counted(found.pull_requests, "pull request")
    return (
        f"{runs}, {found.series} series, replayed as {requests} that changed nothing."
    )


def _false_alarms(found: Calibration) -> Iterator[str]:
    low, high = found.interval or (0.0, 1.0)
    yield (
        f"  {'false alarms':<19}  {found.failed} of {found.pull_requests}, "
        f"{format_share(found.share or 0.0)}"
    )
    yield f"  {'95 % interval':<19}  {_percent(low)} to {_percent(high)} %"
    yield f"  {'allowed':<19}  {format_share(found.level)}, by policy.false_alarms"


def _found_by(heads: int, power: Sequence[tuple[float, float | None]]) -> str:
    runs = _WORDS.get(heads, f"{heads} runs")
    cells = ("–" if share is None else f"{_percent(share)} %" for _, share in power)
    return f"  {f'found by {runs}':<19}" + "".join(f"{cell:>9}" for cell in cells)


def _what_is_seen(found: Calibration, *, verbose: bool) -> Iterator[str]:
    asked = [(key, seen) for key, seen in found.detectable if seen is not None]
    yield "  slowdown that one benchmark must have to be found in four of five cases"
    typical = _change(found.typical or 0.0)
    yield f"  {typical:>9}  the median of {len(asked)}, worst first:"
    listed = asked if verbose else asked[:_SHOWN]
    for key, seen in listed:
        yield f"  {_change(seen):>9}  {name_of(key)}"
    if len(asked) > len(listed):
        yield f"  {'':>9}  and {len(asked) - len(listed)} more: --verbose"
    silent = len(found.detectable) - len(asked)
    if silent:
        yield f"  {'':>9}  {silent} can't be asked: never the same for long enough"


def _advice(found: Calibration) -> Iterator[str]:
    yield from _about_alarms(found)
    # As it is printed: what reads `+10 %` shows 10 %.
    blind = [k for k, seen in found.detectable if round(seen or 0.0, 2) > _WORTH_SEEING]
    if blind:
        more = found.heads < 3  # noqa: PLR2004 - the table above shows three
        yield from _point(
            f"{len(blind)} of {len(found.detectable)} can't show "
            f"{format_change(_WORTH_SEEING)} reliably: "
            + ("more runs of the head help, " if more else "")
            + "pairs help most (`measure.design: paired`)."
        )
    yield from _point(
        "The share of false alarms is an upper estimate: a small true change that the "
        "history doesn't tell from noise counts as one."
    )


def _about_alarms(found: Calibration) -> Iterator[str]:
    if found.widen > 1:
        what = f"standard errors {found.widen:.3g} times as wide"
        yield from _point(
            f"Too many. {what[0].upper()}{what[1:]} are the most that the policy "
            "takes, and may not be enough; `benchgate calibrate --apply` writes this:"
            if found.widen >= _WIDEST
            else f"Too many. With {what} no more than {format_share(found.level)} "
            "fail; `benchgate calibrate --apply` writes this:"
        )
        yield f"    policy: {{widen: {found.widen:.3g}}}"
    elif found.share is not None and found.share > found.level:
        yield from _point(
            f"{found.failed} where {found.level * found.pull_requests:.2g} are allowed "
            "may be luck: nothing to change about false alarms yet."
        )
    else:
        yield from _point("Nothing to change about false alarms.")
    without = found.without
    if without is not None:
        yield from _point(
            f"Without the loudest {without.failed} of {without.pull_requests} fail; "
            "instead of the above, they could be shown and not block:"
        )
        yield "    policy:"
        yield "      series:"
        for key in without.series:
            pattern = glob.escape(f"{key.suite}:{key.benchmark}")
            # A JSON string is a YAML string, and so are the escapes of `visible`.
            quoted = visible(json.dumps(pattern, ensure_ascii=False))
            yield f"        {quoted}: {{blocking: false}}"


def _change(fraction: float) -> str:
    return "tenfold +" if fraction > _TENFOLD else f"+{_percent(fraction)} %"


def _percent(fraction: float) -> str:
    """Return a share in percent with two digits: 0.4, 2.9, 47, never a false 0."""
    percent = 100 * fraction
    if 99.5 <= percent < 100:  # noqa: PLR2004 - would be rounded to what it isn't
        return ">99"
    if percent >= 10:  # noqa: PLR2004 - two digits
        return f"{percent:.0f}"
    if not percent:
        return "0"
    return f"{percent:.1f}" if percent >= 0.05 else "<0.1"  # noqa: PLR2004 - one digit


def _point(text: str) -> Iterator[str]:
    yield from _wrapped(text, "* ")


def _wrapped(text: str, mark: str = "") -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_on_hyphens=False,
        break_long_words=False,
    )
