"""k6's NDJSON (``--out json``) → the quantiles of each named request.

Every line is decoded and so checked, but only as deep as it matters: a request
gives nine points, and one of them is its duration. msgspec does that at about
the speed at which the file is read, in blocks that stay in the processor's cache.

The clock of a run starts with the first end of a request, a check, an iteration or
a custom point. k6's own gauges don't start it, because k6 counts its virtual users
during ``setup()`` too; nor do setup and teardown, which count nowhere.
"""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from benchgate.errors import FormatError
from benchgate.model import Round
from benchgate.tools.k6.readings import (
    ALL_REQUESTS,
    ERRORS,
    FAILED,
    PARTS,
    REQUESTS,
    THROUGHPUT,
    Readings,
)
from benchgate.tools.source import Source

# Larger blocks are slower by half: they leave the cache, and from 128 kB on the
# memory of each comes from the kernel and goes back to it.
_BLOCK = 1 << 16
# No line of k6 comes near; it bounds what a file without line ends can take.
_LONGEST_LINE = 1 << 24
_ITERATIONS = "iterations"
_DROPPED = "dropped_iterations"
_CHECKS = "checks"
# Nine of ten lines, known by their metric: their points say nothing more to us.
_IGNORED = PARTS | {
    "data_received",
    "data_sent",
    "http_req_failed",
    "http_reqs",
    "vus",
    "vus_max",
}
_HINT = "pass --partial to accept what was recorded until then"


# Not looking for cycles, and not comparing fields, is what makes these fast.
class _Line(msgspec.Struct, gc=False, eq=False):
    metric: str
    type: Literal["Metric", "Point"]
    data: msgspec.Raw


class _Definition(msgspec.Struct):
    type: str
    contains: str


class _Tags(msgspec.Struct, gc=False):
    name: str = ""
    scenario: str = ""
    group: str = ""
    expected_response: str = "true"


class _Point(msgspec.Struct, gc=False):
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    value: float | None
    tags: _Tags | None = None


class _End(msgspec.Struct):
    time: str


_LINE = msgspec.json.Decoder(_Line)
_DEFINITION = msgspec.json.Decoder(_Definition)
_POINT = msgspec.json.Decoder(_Point)
_END = msgspec.json.Decoder(_End)
_NO_TAGS = _Tags()

# What the points of a series share: metric, name of the request or the trend,
# scenario, and whether the response was expected. A plain tuple, made per point.
_Origin = tuple[str, str, str, bool]


class _Points:
    """When the points of one kind ended, in seconds since 1970, and their values."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times = array("d")
        self.values = array("d")

    def since(self, start: float) -> array[float]:
        """Return the values of the points that ended at *start* or later."""
        if min(self.times) >= start:
            return self.values
        both = zip(self.times, self.values, strict=True)
        return array("d", (value for time, value in both if time >= start))


class _Recording:
    """What was read of a file so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines = 0
        self.contains: dict[str, str] = {}
        self.points: dict[_Origin, _Points] = {}
        self._kept = {REQUESTS, _ITERATIONS, _DROPPED, _CHECKS}
        self._last: _Line | None = None

    def add(self, block: bytes) -> None:
        """Take the points of *block*, which ends with a line end."""
        lines = self._decode(block)
        for line in [line for line in lines if line.metric not in _IGNORED]:
            try:
                self._take(line)
            except ValueError as error:
                number = self.lines + 1 + lines.index(line)
                raise self._bad(number, str(error)) from error
        self.lines += len(lines)
        self._last = lines[-1]

    def cut(self) -> str:
        """Say where a file was cut that ends after the blocks added."""
        place = f"cut in the middle of line {self.lines + 1}"
        if self._last is None:
            return f"{place}; there is no whole line"
        what = self._last.metric
        with suppress(msgspec.DecodeError):  # a definition has no time
            what += f" at {_END.decode(self._last.data).time}"
        return f"{place}; the last whole line is {self.lines} ({what})"

    def _decode(self, block: bytes) -> list[_Line]:
        try:
            if not block.isascii():
                block.decode()  # msgspec doesn't look into strings that it skips
            lines = _LINE.decode_lines(block)
        except (ValueError, RecursionError):
            lines = []
        # msgspec takes any space between values: two on a line, or one on two.
        if len(lines) == _line_ends(block):
            return lines
        texts = block.removesuffix(b"\n").split(b"\n")
        return [self._decode_line(*each) for each in enumerate(texts, self.lines + 1)]

    def _decode_line(self, number: int, text: bytes) -> _Line:
        try:
            text.decode()
            return _LINE.decode(text)
        except UnicodeDecodeError as error:
            raise self._bad(number, "not UTF-8") from error
        except (ValueError, RecursionError):
            return self._decode_again(number, text)

    def _decode_again(self, number: int, text: bytes) -> _Line:
        """Decode a line that msgspec refuses, because of NaN perhaps."""
        try:
            return _LINE.decode(_without_infinities(text))
        except json.JSONDecodeError as error:
            raise self._bad(number, f"not JSON, {error.msg.lower()}") from error
        except msgspec.ValidationError as error:
            raise self._bad(number, str(error)) from error
        except (ValueError, RecursionError) as error:
            raise self._bad(number, "not JSON that can be read") from error

    def _take(self, line: _Line) -> None:
        metric = line.metric
        if line.type == "Metric":
            definition = _DEFINITION.decode(line.data)
            if definition.type == "trend" and metric not in self._kept:
                self.contains[metric] = definition.contains
                self._kept.add(metric)
            return
        if metric not in self._kept:
            return
        try:
            point = _POINT.decode(line.data)
        except msgspec.ValidationError:
            point = _POINT.decode(_without_infinities(bytes(line.data)))
        tags = point.tags or _NO_TAGS
        # A group of the user's own may be called setup, but it runs in a scenario.
        if not tags.scenario and _is_aside(tags.group):
            return
        origin = (metric, metric, tags.scenario, True)
        if metric == REQUESTS:
            expected = tags.expected_response != "false"
            origin = (metric, tags.name or ALL_REQUESTS, tags.scenario, expected)
        points = self.points.get(origin)
        if points is None:
            points = self.points[origin] = _Points()
        points.times.append(point.time.timestamp())
        points.values.append(math.nan if point.value is None else point.value)

    def _bad(self, number: int, problem: str) -> FormatError:
        problem = problem[:1].lower() + problem[1:]
        return FormatError(
            f"{self.name}:{number}: not a line of k6: {problem}",
            hint="record it again with `k6 run --out json=FILE`",
        )


def recognises(head: bytes) -> bool:
    """Say whether one of the first lines is one that k6 writes."""
    return any(_is_line(line) for line in head.split(b"\n", 100)[:100])


def read(source: Source, *, suite: str, warmup: float, partial: bool) -> Round:
    """Return what the points of *source* say, without the first *warmup* seconds.

    Raises FormatError, naming the line, for a line that k6 doesn't write, and for a
    file that was cut unless *partial*.
    """
    recording = _Recording(source.name)
    readings = Readings(source.name, suite)
    rest = b""
    for block in _blocks_of(source, recording, partial=partial):
        end = block.rfind(b"\n") + 1
        if end:
            recording.add(rest + block[:end])
            rest = block[end:]
        else:
            rest += block
        if len(rest) > _LONGEST_LINE:
            problem = f"longer than {_LONGEST_LINE} bytes, no line of k6 is"
            raise FormatError(f"{source.name}:{recording.lines + 1}: {problem}")
    if rest and not partial:
        place = f"{source.name}:{recording.lines + 1}"
        raise FormatError(f"{place}: {recording.cut()}", hint=_HINT)
    if rest:
        readings.add_doubt(f"{source.name}: {recording.cut()}")
    return _round_of(recording, readings, warmup=warmup)


def _blocks_of(
    source: Source, recording: _Recording, *, partial: bool
) -> Iterator[bytes]:
    try:
        yield from source.blocks(partial=partial, size=_BLOCK)
    except FormatError as error:
        hint = error.hint if partial else _HINT
        raise FormatError(f"{error.problem}: {recording.cut()}", hint=hint) from error


def _round_of(recording: _Recording, readings: Readings, *, warmup: float) -> Round:
    if not recording.points:
        problem = f"no request and no iteration in {recording.lines} lines"
        raise FormatError(
            f"{recording.name}:{max(recording.lines, 1)}: {problem}",
            hint="record a whole run with `k6 run --out json=FILE`",
        )
    first = min(min(points.times) for points in recording.points.values())
    last = max(max(points.times) for points in recording.points.values())
    start = first + warmup
    if start > last:
        lasted = f"the run lasted {last - first:.3g} s"
        readings.add_failure("", f"{lasted}, all of it in the warm-up of {warmup:g} s")
        return readings.round(started_at=first)
    measured = {
        origin: points.since(start) for origin, points in recording.points.items()
    }
    _add_requests(readings, measured, seconds=last - start)
    _add_trends(readings, measured, recording.contains)
    used = {REQUESTS, *recording.contains}
    idle = not any(origin[0] in used for origin in measured)
    _add_iterations(readings, measured, idle=idle)
    return readings.round(started_at=first)


_Measured = Mapping[_Origin, "array[float]"]


def _add_requests(readings: Readings, measured: _Measured, *, seconds: float) -> None:
    origins = [origin for origin in measured if origin[0] == REQUESTS]
    for (name, scenario), benchmark in _benchmarks(origins).items():
        nothing = array("d")
        expected = measured.get((REQUESTS, name, scenario, True), nothing)
        failed = len(measured.get((REQUESTS, name, scenario, False), nothing))
        requests = len(expected) + failed
        readings.add_tally(benchmark, ERRORS, failed, requests)
        if not requests:
            readings.add_doubt(f"{benchmark!r} was requested in the warm-up only")
        elif not expected:
            reason = f"none of its {requests} responses was an expected one"
            readings.add_failure(benchmark, reason)
        elif readings.add_trend(benchmark, expected, "time") and seconds > 0:
            rate = requests / seconds
            readings.add_value(benchmark, THROUGHPUT, rate, count=requests)


def _add_trends(
    readings: Readings, measured: _Measured, contains: Mapping[str, str]
) -> None:
    origins = [origin for origin in measured if origin[0] in contains]
    for (trend, scenario), benchmark in _benchmarks(origins).items():
        values = measured[trend, trend, scenario, True]
        if values:
            readings.add_trend(benchmark, values, contains[trend])
        else:
            readings.add_doubt(f"{benchmark!r} has points in the warm-up only")


def _add_iterations(readings: Readings, measured: _Measured, *, idle: bool) -> None:
    done, dropped, checks = (
        [
            value
            for origin in measured
            if origin[0] == metric
            for value in measured[origin]
        ]
        for metric in (_ITERATIONS, _DROPPED, _CHECKS)
    )
    readings.add_iterations(done=sum(done), dropped=sum(dropped), idle=idle)
    readings.add_tally("checks", FAILED, checks.count(0), len(checks))


def _benchmarks(origins: Iterable[_Origin]) -> dict[tuple[str, str], str]:
    """Return the benchmark of each name and scenario.

    The scenario is part of it only where several scenarios use the name.
    """
    parts = dict.fromkeys((name, scenario) for _, name, scenario, _ in origins)
    scenarios = Counter(name for name, _ in parts)
    return {
        (name, scenario): f"{name} [{scenario}]" if scenarios[name] > 1 else name
        for name, scenario in parts
    }


def _line_ends(block: bytes) -> int:
    # Five times as fast as to count them, which looks at one byte after the other.
    return len(block) - len(block.replace(b"\n", b""))


def _is_aside(group: str) -> bool:
    outermost = group.split("::", 2)[1:2]
    return outermost in (["setup"], ["teardown"])


def _is_line(text: bytes) -> bool:
    try:
        _LINE.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _without_infinities(text: bytes) -> bytes:
    """Return *text* with null for NaN, Infinity and 1e999, which msgspec refuses."""
    return msgspec.json.encode(json.loads(text))
