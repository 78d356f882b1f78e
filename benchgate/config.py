"""``benchgate.yml`` → Config: every key optional, nothing misunderstood in silence.

The keys are declared once, at the end of this file; reading, the JSON Schema and the
check of ``docs/configuration.md`` all follow from that declaration.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from benchgate import shapes
from benchgate.errors import ConfigError
from benchgate.model import Accepted, Answer, Kind, Policy, SeriesRule
from benchgate.shapes import (
    ANY_SHARE,
    NUMBERS,
    TEXT,
    WORDS,
    WRITTEN,
    Json,
    Key,
    Many,
    MemberError,
    Place,
    Record,
    Scalar,
    Table,
)
from benchgate.units import (
    DURATION,
    NUMBER,
    SIZE,
    parse_duration,
    parse_share,
    parse_size,
)

NAME = "benchgate.yml"
PLACEHOLDERS = ("port", "side")

Tool = Literal["criterion", "k6", "pytest-benchmark"]
StoreName = Literal["git-branch", "directory"]
Layouts = Literal["fresh", "one"]


class DesignChoice(StrEnum):
    """How a comparison gets its two sides; ``auto`` takes the cheap way first."""

    AUTO = "auto"
    STORED = "stored"
    PAIRED = "paired"


class Only(StrEnum):
    """Which benchmarks a comparison measures."""

    ALL = "all"
    AFFECTED = "affected"


@dataclass(frozen=True, slots=True)
class Service:
    """A service under load: commands, each may contain ``{port}`` and ``{side}``.

    ``ready_within`` is in seconds.
    """

    start: str
    ready: str
    build: str | None = None
    prepare: str | None = None
    stop: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ready_within: float = 60.0


@dataclass(frozen=True, slots=True)
class Suite:
    """The benchmarks of one tool; ``warmup`` and ``window`` are in seconds."""

    name: str
    tool: Tool
    command: str | None = None
    benches: tuple[str, ...] = ("*",)
    packages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    directory: str = "."
    script: str | None = None
    warmup: float = 0.0
    window: float = 5.0
    service: Service | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where runs of the base branch are kept, and how many are compared against.

    ``keep`` is how many of an environment `benchgate baseline prune` leaves.
    """

    store: StoreName = "git-branch"
    branch: str = "benchgate-data"
    path: str = ".benchgate/baseline"
    remote: str = "origin"
    window: int = 30
    keep: int = 200


@dataclass(frozen=True, slots=True)
class Measure:
    """How both sides are measured.

    ``slice`` and ``budget`` are in seconds, ``cache`` is in bytes.
    """

    design: DesignChoice = DesignChoice.AUTO
    looks: tuple[int, ...] = (20, 40, 80)
    slice: float = 0.1
    layouts: Layouts = "fresh"
    budget: float = 600.0
    only: Only = Only.ALL
    cache: float = 10e9


@dataclass(frozen=True, slots=True)
class Config:
    """All of ``benchgate.yml``; ``path`` is where it was read, "" for nowhere.

    ``renames`` maps a benchmark's former name to its present one.
    ``accepted`` is what ``benchgate.accepted.yml`` holds, and ``today`` an ISO date by
    which that expires; without one nothing does.
    """

    path: str
    suites: tuple[Suite, ...]
    baseline: Baseline
    measure: Measure
    policy: Policy
    renames: Mapping[str, str]
    accepted: tuple[Accepted, ...] = ()
    today: str = ""


PLACES = shapes.places(NAME)
"""Where in a repository the configuration may be."""


def find(root: Path) -> Path | None:
    """Return the configuration of the repository at *root*, None without one.

    Raises ConfigError when two files claim to be it, or one is misspelt.
    """
    return shapes.find(root, NAME)


def load(path: Path) -> Config:
    """Return the configuration in the file *path*; raises ConfigError."""
    return decode(shapes.read(path), name=str(path))


def default() -> Config:
    """Return what holds without a file: no suites, every default."""
    return decode(b"", name="")


def decode(raw: bytes, *, name: str) -> Config:
    """Return the configuration written in *raw*; nothing written is all defaults.

    Errors are ConfigError and begin ``name:line: key:``.
    """
    root = shapes.compose(raw, name=name)
    config = _CONFIG.read(root, Place(name, "")) if root else _CONFIG.make()
    return replace(config, path=name)


def schema() -> Json:
    """Return the JSON Schema of ``benchgate.yml``, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "benchgate.yml",
        "description": "What benchgate measures, how, and what it calls a regression.",
        **_CONFIG.schema(),
    }


def schema_text() -> str:
    """Return the committed form: ``docs/schemas/benchgate.yml.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def with_widen(raw: bytes, factor: float, *, note: str, name: str) -> bytes:
    """Return the file *raw* with ``policy.widen: factor`` and *note* as its comment.

    Everything else stays as it was written. Raises ConfigError where the file is laid
    out so that this can't be said for certain, and where it is no configuration.
    """
    before = decode(raw, name=name)
    policy = replace(before.policy, widen=factor)
    try:
        changed = _edited(raw, f"{factor:.3g}", note, name=name)
        after = decode(changed, name=name) if changed else None
    except ConfigError:
        changed, after = b"", None
    if after != replace(before, policy=policy):
        raise ConfigError(
            f"{name}: is laid out so that it can't be edited safely",
            hint=f"write `widen: {factor:.3g}` under `policy` yourself",
        )
    return changed


def _edited(raw: bytes, factor: str, note: str, *, name: str) -> bytes:
    """Return *raw* with one line more or another number, nothing where neither fits."""
    text = raw.decode("utf-8-sig")
    mark = raw[: len(raw) - len(text.encode())]
    line = f"widen: {factor}  # {note}"
    end = "\r\n" if "\r\n" in text else "\n"
    root = shapes.compose(raw, name=name)
    entries = dict(shapes.entries(root, Place(name, ""))) if root else {}
    policy = next((key for key in entries if key.value == "policy"), None)
    if policy is None:
        open_line = text and not text.endswith("\n")
        changed = f"{text}{end if open_line else ''}policy:{end}  {line}{end}"
        return mark + changed.encode()
    inner = dict(shapes.entries(entries[policy], Place(name, "policy")))
    widen = next((value for key, value in inner.items() if key.value == "widen"), None)
    lines = text.splitlines(keepends=True)
    if widen is not None:
        place = widen.start_mark
        start, stop = place.column, widen.end_mark.column
        old = lines[place.line]
        ours = r"(?:\s*# calibrated .*)?"
        found = old[stop:].rstrip("\r\n")
        rest = f"  # {note}" if re.fullmatch(ours, found) else found
        ending = old[len(old.rstrip("\r\n")) :]
        lines[place.line] = old[:start] + factor + rest + ending
    elif inner and policy.start_mark.line < entries[policy].start_mark.line:
        column = next(iter(inner)).start_mark.column
        lines.insert(policy.start_mark.line + 1, f"{' ' * column}{line}{end}")
    else:
        at = entries[policy].start_mark
        old = lines[at.line]
        comma = ", " if inner else ""
        brace = at.column + 1
        lines[at.line] = f"{old[:brace]}widen: {factor}{comma}{old[brace:]}"
    return mark + "".join(lines).encode()


_WORD_IN_BRACES = re.compile(r"(?<![${])\{([A-Za-z_]\w*)\}(?!\})")
_ADDRESS = r"^http://\S+$"


def _template(text: str) -> str:
    """Return a text whose ``{words}`` are all placeholders.

    ``${HOME}``, ``{{.ID}}`` and awk's ``{print $1}`` are the shell's own affair.
    """
    for word in _WORD_IN_BRACES.findall(text):
        if word not in PLACEHOLDERS:
            nearest = shapes.nearest(word, PLACEHOLDERS)
            raise ValueError(f"{{{word}}} is neither {{port}} nor {{side}}{nearest}")
    return shapes.usable(text)


def _plain(text: str) -> str:
    """Return a text in which nobody fills in a placeholder."""
    for word in PLACEHOLDERS:
        if f"{{{word}}}" in text:
            raise ValueError(
                f"{{{word}}} is filled in for services only: k6 has __ENV.PORT"
            )
    return shapes.usable(text)


def _command(text: str) -> str:
    return _template(shapes.written(text))


def _ready(text: str) -> str:
    if not re.fullmatch(_ADDRESS, text):
        raise ValueError(f"{text!r} is not an http:// address")
    if "{port}" not in text and "{side}" not in text:
        raise ValueError(
            f"{text!r} is the same for base and head, both of them up: use {{port}}"
        )
    return _command(text)


def _above_zero(text: str) -> float:
    seconds = parse_duration(text)
    if not seconds:
        raise ValueError(f"{text!r} is too short: it must be above zero")
    return seconds


def _false_alarms(text: str) -> float:
    share = _relative(text)
    if not 0 < share <= _MOST_FALSE_ALARMS:
        raise ValueError(f"{text!r} must be above 0 and at most 0.5")
    return share


_MOST_FALSE_ALARMS = 0.5
# Where twice the error is too little, a factor is not what helps.
_WIDEST = 2.0


def _factor(text: str) -> float:
    if not re.fullmatch(NUMBER, text) or not 1 <= float(text) <= _WIDEST:
        raise ValueError(f"{text} is not a number from 1 to 2")
    return float(text)


def _relative(text: str) -> float:
    if text.endswith("pp"):
        raise ValueError(f"{text!r} is for errors only: write a percentage such as 2%")
    return parse_share(text)


def _points(text: str) -> float:
    if text.endswith("%"):
        points = f"{text.removesuffix('%').strip()}pp"
        raise ValueError(
            f"{text!r} may be of the error rate or added to it: write {points}"
        )
    return parse_share(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text} is not true or false")
    return text == "true"


def _duration(parse: Callable[[str], float]) -> Scalar[float]:
    text = {"type": "string", "pattern": f"^(?:{DURATION})$"}
    json_schema = {"anyOf": [text, {"const": 0}]}
    return Scalar("a duration such as 0.2s", parse, json_schema, WORDS | NUMBERS)


def _variables(parse: Callable[[str], str]) -> Table[str]:
    # A number is taken as it is written: 1.10 stays 1.10.
    kinds = {"type": ["string", "number"]}
    value = Scalar("text", parse, kinds, WORDS | NUMBERS, free=True)
    return Table(
        shapes.matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable"), value
    )


_MARGINS: Mapping[Kind, float] = {
    Kind.TIME: 0.02,
    Kind.LATENCY: 0.05,
    Kind.TAIL: 0.10,
    Kind.RATE: 0.05,
    Kind.COST: 0.05,
    Kind.ERRORS: 0.001,
    Kind.COUNT: 0.005,
    Kind.SIZE: 0.005,
}
_ABSOLUTE: Mapping[Kind, float] = {Kind.TIME: 0.5e-9, Kind.LATENCY: 50e-6}


def _by_kind(**value_by_name: float) -> dict[Kind, float]:
    return {Kind(name): value for name, value in value_by_name.items()}


def _rule(*, blocking: bool | None = None, margin: float | None = None) -> SeriesRule:
    return SeriesRule("", blocking, margin)


def _baseline(**given: Any) -> Baseline:
    baseline = Baseline(**given)
    if baseline.keep < baseline.window:
        raise MemberError(
            "keep",
            f"{baseline.keep} runs to keep are fewer than the window of "
            f"{baseline.window}",
        )
    return baseline


def _measure(**given: Any) -> Measure:
    measure = Measure(**given)
    if any(later <= early for early, later in pairwise(measure.looks)):
        raise MemberError("looks", "each look must come after the one before it")
    return measure


def _policy(
    *,
    false_alarms: float = 0.01,
    widen: float = 1.0,
    margins: Mapping[Kind, float] = _MARGINS,
    absolute: Mapping[Kind, float] = _ABSOLUTE,
    on_inconclusive: Answer = Answer.WARN,
    on_weak: Answer = Answer.FAIL,
    on_missing: Answer = Answer.FAIL,
    series: Mapping[str, SeriesRule] = MappingProxyType({}),
) -> Policy:
    return Policy(
        false_alarms=false_alarms,
        widen=widen,
        margins={**_MARGINS, **margins},
        absolute={**_ABSOLUTE, **absolute},
        on_inconclusive=on_inconclusive,
        on_weak=on_weak,
        on_missing=on_missing,
        series=tuple(replace(rule, pattern=name) for name, rule in series.items()),
    )


def _config(
    *,
    suites: Mapping[str, Suite] = MappingProxyType({}),
    baseline: Baseline | None = None,
    measure: Measure | None = None,
    policy: Policy | None = None,
    renames: Mapping[str, str] = MappingProxyType({}),
) -> Config:
    for target, origins in Counter(renames.values()).items():
        if target in renames or origins > 1:
            problem = f"{target!r} is named twice: a present name has one origin"
            raise MemberError("renames", problem)
    return Config(
        path="",
        suites=tuple(replace(suite, name=name) for name, suite in suites.items()),
        baseline=baseline or Baseline(),
        measure=measure or Measure(),
        policy=policy or _policy(),
        renames=dict(renames),
    )


_TEXTS = Many(TEXT)
_COMMAND = Scalar("a command", _command, WRITTEN, free=True)
_YES_OR_NO = Scalar("true or false", _boolean, {"type": "boolean"}, frozenset({"bool"}))
_DURATION = _duration(parse_duration)
_SPAN = _duration(_above_zero)
_SIZE = Scalar(
    "a size such as 10 GB",
    parse_size,
    {"anyOf": [{"type": "string", "pattern": f"^(?:{SIZE})$"}, {"const": 0}]},
    WORDS | NUMBERS,
)
_RELATIVE = shapes.share("a percentage such as 2%", "%", _relative)
_POINTS = shapes.share("a difference such as 0.1pp", "pp", _points)
_FACTOR = Scalar(
    "a number from 1 to 2",
    _factor,
    {"type": "number", "minimum": 1, "maximum": _WIDEST},
    NUMBERS,
)
_ANSWER = shapes.choice(Answer)
_REF = shapes.matching(r"[^\s-]\S*", "a name that git can take")

_SERVICE = Record(
    Service,
    {
        "build": Key(_COMMAND, "builds the service, once a side"),
        "prepare": Key(_COMMAND, "brings schema and data, once a side"),
        "start": Key(_COMMAND, "starts the service and stays", required=True),
        "stop": Key(_COMMAND, "stops what ending `start` leaves running"),
        "ready": Key(
            Scalar("an address", _ready, {"type": "string", "pattern": _ADDRESS}),
            "the address that answers 2xx once the service is up",
            required=True,
        ),
        "env": Key(_variables(_template), "variables of all these commands", {}),
        "ready_within": Key(_SPAN, "how long that may take", "60s"),
    },
)
_SUITE = Record(
    lambda **given: Suite(name="", **given),
    {
        "tool": Key(
            shapes.choice(get_args(Tool)), "the tool that measures", required=True
        ),
        "command": Key(TEXT, "the tool's command; detected when left out"),
        "benches": Key(
            Many(TEXT, least=1), "globs of the benchmarks to measure", ["*"]
        ),
        "directory": Key(TEXT, "where the commands run, from the repository", "."),
        "env": Key(_variables(_plain), "variables of the tool", {}),
        "packages": Key(_TEXTS, "only these packages", [], only="criterion"),
        "targets": Key(_TEXTS, "only these bench targets", [], only="criterion"),
        "features": Key(_TEXTS, "Cargo features to turn on", [], only="criterion"),
        "script": Key(TEXT, "the k6 script", required=True, only="k6"),
        "warmup": Key(_DURATION, "start of a window, not counted", "0s", only="k6"),
        "window": Key(_SPAN, "counted length of one k6 window", "5s", only="k6"),
        "service": Key(_SERVICE, "the service under load", only="k6"),
    },
    selector="tool",
)
_BASELINE = Record(
    _baseline,
    {
        "store": Key(
            shapes.choice(get_args(StoreName)), "where stored runs are", "git-branch"
        ),
        "branch": Key(
            _REF, "the branch that holds them", "benchgate-data", only="git-branch"
        ),
        "remote": Key(_REF, "the remote of that branch", "origin", only="git-branch"),
        "path": Key(
            TEXT, "the directory with them", ".benchgate/baseline", only="directory"
        ),
        "window": Key(shapes.integer(8, 30), "how many runs are compared against", 30),
        "keep": Key(
            shapes.integer(8, 1_000_000),
            "how many runs of an environment `benchgate baseline prune` leaves",
            200,
        ),
    },
    selector="store",
)
_MEASURE = Record(
    _measure,
    {
        "design": Key(
            shapes.choice(DesignChoice), "how base and head are compared", "auto"
        ),
        "looks": Key(
            Many(shapes.integer(1, 10_000), least=1),
            "rounds after which a verdict is allowed, rising",
            [20, 40, 80],
        ),
        "slice": Key(_SPAN, "length of one slice of a benchmark", "0.1s"),
        "layouts": Key(
            shapes.choice(get_args(Layouts)),
            "a code layout a slice, or one for all",
            "fresh",
        ),
        "budget": Key(_SPAN, "how long measuring may take", "10m"),
        "only": Key(
            shapes.choice(Only), "all benchmarks, or those that can have changed", "all"
        ),
        "cache": Key(_SIZE, "what the built bases may take on the disk", "10 GB"),
    },
)
_MARGIN_KEYS = {
    Kind.TIME: Key(_RELATIVE, "time of one iteration", "2%"),
    Kind.LATENCY: Key(_RELATIVE, "typical latency of a request", "5%"),
    Kind.TAIL: Key(_RELATIVE, "its p95 and p99", "10%"),
    Kind.RATE: Key(_RELATIVE, "throughput", "5%"),
    Kind.COST: Key(_RELATIVE, "what one request costs the machine", "5%"),
    Kind.ERRORS: Key(_POINTS, "share of failed requests, as a difference", "0.1pp"),
    Kind.COUNT: Key(_RELATIVE, "instructions, allocations", "0.5%"),
    Kind.SIZE: Key(_RELATIVE, "bytes", "0.5%"),
}
_ABSOLUTE_KEYS = {
    Kind.TIME: Key(_DURATION, "time of one iteration", "0.5ns"),
    Kind.LATENCY: Key(_DURATION, "typical latency of a request", "50us"),
    Kind.TAIL: Key(_DURATION, "its p95 and p99; none when left out"),
}
_POLICY = Record(
    _policy,
    {
        "false_alarms": Key(
            shapes.share("a share such as 0.01", "%", _false_alarms),
            "share of harmless pull requests that may fail",
            0.01,
        ),
        "widen": Key(
            _FACTOR,
            "standard errors against stored runs times this; `benchgate calibrate` "
            "finds it",
            1.0,
        ),
        "margins": Key(
            Record(_by_kind, {str(kind): key for kind, key in _MARGIN_KEYS.items()}),
            "the smallest slowdown worth failing for, by kind of metric",
        ),
        "absolute": Key(
            Record(_by_kind, {str(kind): key for kind, key in _ABSOLUTE_KEYS.items()}),
            "what a slowdown must exceed besides, by kind of metric",
        ),
        "on_inconclusive": Key(_ANSWER, "when a benchmark can't be decided", "warn"),
        "on_weak": Key(_ANSWER, "when one round a side says regressed", "fail"),
        "on_missing": Key(_ANSWER, "when the head lacks a benchmark", "fail"),
        "series": Key(
            Table(
                shapes.matching(r"[^:]+:.+", "suite:benchmark, as in criterion:json/*"),
                Record(
                    _rule,
                    {
                        "blocking": Key(_YES_OR_NO, "whether it can fail the check"),
                        "margin": Key(ANY_SHARE, "its own margin"),
                    },
                ),
            ),
            "exceptions, by suite:benchmark with wildcards",
            {},
        ),
    },
)
_CONFIG = Record(
    _config,
    {
        "suites": Key(
            Table(
                shapes.matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a suite"),
                _SUITE,
            ),
            "what is measured, by a name of your choice",
            {},
        ),
        "baseline": Key(_BASELINE, "where runs of the base branch are kept"),
        "measure": Key(_MEASURE, "how both sides are measured"),
        "policy": Key(_POLICY, "what is a regression, and what fails"),
        "renames": Key(
            Table(TEXT, TEXT), "former name of a benchmark → present name", {}
        ),
    },
)
