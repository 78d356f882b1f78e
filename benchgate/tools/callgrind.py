"""What ``valgrind --tool=callgrind`` writes → how much work a program did.

A dump lists functions (``fn=``), what each line of them cost, and below each call
(``cfn=``, ``calls=``) what that cost in all. Names are given a number when they come
for the first time, ``fn=(7) malloc``, and only that afterwards. A dump may have parts,
one for each thread or moment, each with totals of its own.

This is no measurement of time, so it has no series and isn't one of ``TOOLS``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchgate.errors import FormatError

_HINT = "record it again with `valgrind --tool=callgrind --collect-systime=yes`"
# Callers of these in the C library; what they call in turn has other names.
_ALLOCATE = frozenset(
    {"malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc"}
)
_INSTRUCTIONS, _SYSTEM_CALLS = "Ir", "sysCount"
_NAMED = re.compile(r"(c?fn)=(?:\((\d+)\))? ?(.*)")
# A function below itself in the stack is one of its own: `malloc'2`.
_RECURSION = re.compile(r"'\d+$")
_CALLS = re.compile(r"calls=(\d+)(?: [+\-*\w]+)+")
_COST = re.compile(r"[+\-*\d][+\-\w]*(?: [+\-*\w]+)*")
_PLACE = re.compile(r"(?:fl|fi|fe|ob|cob|cfi|cfl|jump|jcnd|jfi|jfn|rcalls)=")
_HEADER = re.compile(r"[a-zA-Z]+:")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a whole dump counted, over all of its parts."""

    instructions: int
    allocations: int
    system_calls: int


def read(text: str, *, name: str) -> Totals:
    """Return the totals of the dump *text*; errors begin with *name*.

    Raises FormatError for a line that callgrind doesn't write, for a dump without
    system calls, and for one that was cut off.
    """
    dump = _Dump()
    for number, line in enumerate(text.splitlines(), start=1):
        problem = dump.take(line.rstrip())
        if problem:
            raise FormatError(f"{name}:{number}: {problem}", hint=_HINT)
    if not dump.parts or dump.open:
        raise FormatError(f"{name}: it ends before its totals", hint=_HINT)
    return dump.totals()


class _Dump:
    """A dump as far as it was read; ``open`` while a part lacks its totals."""

    def __init__(self) -> None:
        self.parts: list[dict[str, int]] = []
        self.open = False
        self._events: list[str] = []
        self._names: dict[str, str] = {}
        self._called = ""
        self._allocations = 0

    def take(self, line: str) -> str:
        """Take in the next *line*; return what is wrong with it, or nothing."""
        if not line or line.startswith("#"):
            return ""
        key, _, rest = line.partition(":")
        if key == "events":
            return self._begin(rest.split())
        if key == "totals":
            return self._end(rest.split())
        if named := _NAMED.fullmatch(line):
            return self._name(*named.groups())
        if line.startswith("calls="):
            return self._call(line)
        known = (_COST.fullmatch(line), _PLACE.match(line), _HEADER.match(line))
        return "" if any(known) else "it is no line of callgrind's"

    def totals(self) -> Totals:
        """Return the sums over all parts."""
        return Totals(
            instructions=sum(part[_INSTRUCTIONS] for part in self.parts),
            allocations=self._allocations,
            system_calls=sum(part[_SYSTEM_CALLS] for part in self.parts),
        )

    def _begin(self, events: list[str]) -> str:
        missing = {_INSTRUCTIONS, _SYSTEM_CALLS} - set(events)
        if missing:
            return f"{', '.join(sorted(missing))} was not counted"
        self._events, self.open = events, True
        return ""

    def _end(self, costs: list[str]) -> str:
        if not self.open:
            return "totals without events"
        if not all(cost.isdecimal() for cost in costs) or not costs:
            return "its totals are no numbers"
        # Costs at the end of a line that are 0 may be left out.
        counted = [int(cost) for cost in costs] + [0] * len(self._events)
        self.parts.append(dict(zip(self._events, counted, strict=False)))
        self.open = False
        return ""

    def _name(self, key: str, number: str | None, name: str) -> str:
        if number is not None:
            if name:
                self._names[number] = name
            elif number not in self._names:
                return f"nobody said which function ({number}) is"
            name = self._names[number]
        if key == "cfn":
            self._called = _RECURSION.sub("", name)
        return ""

    def _call(self, line: str) -> str:
        calls = _CALLS.fullmatch(line)
        if calls is None or not self._called:
            return "a call without a number, or without a function"
        if self._called in _ALLOCATE:
            self._allocations += int(calls[1])
        self._called = ""
        return ""
