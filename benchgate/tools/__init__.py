"""Bytes of a foreign tool → samples; one tool a file.

A tool is a module that keeps the promise of ``Tool``; listing it here is all that
makes it known, and tests it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from benchgate.errors import FormatError
from benchgate.model import Reading, Round, SeriesKey
from benchgate.tools import criterion, k6, pytest_benchmark
from benchgate.tools.recognise import describe
from benchgate.tools.source import Source


class Tool(Protocol):
    """What a tool module provides.

    ``NAME`` is the suite where the user names none; ``EXPECTED`` what the tool
    writes, as errors call it.
    """

    NAME: str
    EXPECTED: str

    def recognises(self, source: Source) -> bool:
        """Say by its content, never by its name, whether the tool wrote *source*."""

    def read(
        self,
        source: Source,
        *,
        suite: str,
        warmup: float = 0.0,
        partial: bool = False,
    ) -> Round:
        """Return the round in *source*; the first *warmup* seconds don't count.

        *partial* takes what is there of a file that was cut, with a doubt.
        Raises FormatError with file and line.
        """


TOOLS: Mapping[str, Tool] = {
    criterion.NAME: criterion,
    k6.NAME: k6,
    pytest_benchmark.NAME: pytest_benchmark,
}


def read_source(
    source: Source,
    *,
    suite: str | None = None,
    warmup: float = 0.0,
    partial: bool = False,
) -> Round:
    """Return the round in *source*, whichever tool wrote it.

    *suite* is the name of the tool where none is given.
    """
    tool = tool_of(source)
    return tool.read(source, suite=suite or tool.NAME, warmup=warmup, partial=partial)


def tool_of(source: Source) -> Tool:
    """Return the tool that wrote *source*.

    Raises FormatError when no tool knows it, saying what it looks like.
    """
    for tool in TOOLS.values():
        if tool.recognises(source):
            return tool
    if source.is_directory:
        raise FormatError(
            f"{source.name}: this directory holds nothing of criterion",
            hint="give the folder `target/criterion`, or a file",
        )
    *others, last = [tool.EXPECTED for tool in TOOLS.values()]
    raise FormatError(
        f"{source.name}:1: expected {', '.join(others)} or {last}; "
        f"this looks like {describe(source.head)}",
        hint="give what the tool itself wrote, unchanged",
    )


def merge(parts: Iterable[tuple[str, Round]]) -> Round:
    """Return the one round that *parts*, each with the name of its source, make up.

    It started with its first part. Raises FormatError when two parts hold the same
    series: which of them counts can't be known.
    """
    samples: dict[SeriesKey, Reading] = {}
    owner: dict[SeriesKey, str] = {}
    rounds: list[Round] = []
    for name, part in parts:
        for key, reading in part.samples.items():
            if key in samples:
                raise FormatError(
                    f'{name}: "{key.benchmark}" of {key.suite} is in {owner[key]} too',
                    hint="give each to a round or a suite of its own",
                )
            samples[key] = reading
            owner[key] = name
        rounds.append(part)
    starts = [part.started_at for part in rounds if part.started_at is not None]
    return Round(
        samples,
        failures=tuple(failure for part in rounds for failure in part.failures),
        doubts=tuple(doubt for part in rounds for doubt in part.doubts),
        started_at=min(starts, default=None),
        load=next((part.load for part in rounds if part.load is not None), None),
    )
