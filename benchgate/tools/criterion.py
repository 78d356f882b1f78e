"""What cargo-criterion prints and criterion stores → a round of times.

Two forms of the same measurements: the messages of ``cargo criterion
--message-format=json``, one JSON object a line, and the directory that
``cargo bench`` leaves (``criterion_directory``).

What criterion concluded is never read: its changes are against whatever ran
before, and their ``%`` are fractions. The five statistics come from the samples of
at least half the largest iteration count; whether there are enough of them for a
tenth percentile is asked of all.
"""

from __future__ import annotations

import codecs
import json
import re

import msgspec

from benchgate.errors import FormatError
from benchgate.model import Doubt, Round
from benchgate.tools import criterion_directory
from benchgate.tools.source import Source
from benchgate.tools.timed import Findings, Slice, as_text, round_of, why_not_numbers

NAME = "criterion"
EXPECTED = "cargo-criterion messages"

_KNOWN = re.compile(rb'"reason"\s*:\s*"(?:benchmark|group)-complete"')
_NUMBERED = re.compile(r"(?s)(.+) #\d+")
_AGAIN = "record it again, or pass `--partial` to judge what is there"
_HINT = "record the standard output of `cargo criterion --message-format=json` alone"


class _Message(msgspec.Struct, gc=False):
    """A line of cargo-criterion; other reasons leave the rest empty."""

    reason: str
    id: str = ""
    iteration_count: list[float] = []
    measured_values: list[float] = []
    unit: str = ""


_MESSAGE = msgspec.json.Decoder(_Message)
# Text that isn't UTF-8 and endless brackets raise errors of their own.
_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def recognises(source: Source) -> bool:
    """Say whether *source* is a criterion directory or holds a message."""
    if source.is_directory:
        return criterion_directory.recognises(source.path)
    return _KNOWN.search(source.head) is not None


def read(
    source: Source,
    *,
    suite: str,
    warmup: float = 0.0,  # noqa: ARG001 - criterion leaves its warm-up out itself
    partial: bool = False,
) -> Round:
    """Return the round that *source* holds, times in seconds per iteration.

    A benchmark that can't be judged is a failure: too few samples, a time that is
    no positive number, a unit that isn't one of time, an id that two share.
    Raises FormatError for a line that is no message, for a last line that is cut
    unless *partial*, for an empty file, and for a baseline that isn't there.
    """
    findings = Findings(suite)
    if source.is_directory:
        criterion_directory.find(source, findings)
    else:
        _find(source, findings, partial=partial)
    _doubt_numbered(findings)
    return round_of(findings, few="--quick can't be judged")


def _find(source: Source, findings: Findings, *, partial: bool) -> None:
    """Add what the messages of *source* say to *findings*."""
    raw = b"".join(source.blocks(partial=partial)).removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        raise FormatError(f"{source.name}:1: the file is empty", hint=_HINT)
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{source.name}:{number}"
        try:
            message = _MESSAGE.decode(line)
        except _NOT_DECODED as error:
            if number < len(lines) or _is_json(line):
                _refuse(line, findings, place=place, problem=str(error))
            elif partial:
                text = f"{place}: the last line is cut and what followed is missing"
                findings.doubts.append(Doubt(text))
            else:
                raise FormatError(
                    f"{place}: the last line is cut", hint=_AGAIN
                ) from error
            continue
        if message.reason == "benchmark-complete":
            _add(message, findings, place=place)


def _add(message: _Message, findings: Findings, *, place: str) -> None:
    if not message.id:
        raise _nameless(place)
    timed = Slice(
        message.id, message.measured_values, message.iteration_count, message.unit
    )
    findings.slices.append(timed)


def _refuse(line: bytes, findings: Findings, *, place: str, problem: str) -> None:
    """Refuse the benchmark in *line*, which didn't decode because of *problem*.

    Messages of other reasons may look as they like. Raises FormatError where the
    line is no message or names no benchmark.
    """
    try:
        message = json.loads(line)  # reads NaN and Infinity, which msgspec does not
        reason = message["reason"]
        if reason != "benchmark-complete":
            return
        benchmark = message["id"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        text = f"{place}: this is no cargo-criterion message: {problem}"
        raise FormatError(text, hint=_HINT) from error
    if not isinstance(benchmark, str) or not benchmark:
        raise _nameless(place)
    values, counts = message.get("measured_values"), message.get("iteration_count")
    findings.refuse(
        as_text(benchmark),
        why_not_numbers(values, what="measured_values")
        or why_not_numbers(counts, what="iteration_count")
        or problem,
    )


def _nameless(place: str) -> FormatError:
    return FormatError(f"{place}: a benchmark without an id", hint=_HINT)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _doubt_numbered(findings: Findings) -> None:
    """Doubt ids that criterion made different by counting: their order may change."""
    names = {timed.benchmark for timed in findings.slices}
    doubted: set[str] = set()
    for name in names:
        numbered = _NUMBERED.fullmatch(name)
        if numbered and numbered[1] in names:
            doubted |= {name, numbered[1]}
    text = (
        "two benchmarks share this id and criterion tells them apart by their order "
        "alone: rename one"
    )
    findings.doubts.extend(
        Doubt(text, series=findings.key(name)) for name in sorted(doubted)
    )
