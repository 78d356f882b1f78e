"""``benchgate.yml`` → Config: every key optional, nothing misunderstood in silence.

The keys are declared once, at the end of this file; reading, the JSON Schema and the
check of ``docs/configuration.md`` all follow from that declaration. It is read off the
YAML nodes, not off Python objects, because only nodes know their line, a duplicate
key, and that ``1.10`` is not 1.1.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args

import yaml

from benchgate.errors import ConfigError
from benchgate.model import Answer, Kind, Policy, SeriesRule
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
Json = dict[str, Any]


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
    """Where runs of the base branch are kept, and how many are compared against."""

    store: StoreName = "git-branch"
    branch: str = "benchgate-data"
    path: str = ".benchgate/baseline"
    remote: str = "origin"
    window: int = 30


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
    """

    path: str
    suites: tuple[Suite, ...]
    baseline: Baseline
    measure: Measure
    policy: Policy
    renames: Mapping[str, str]


def find(root: Path) -> Path | None:
    """Return the configuration of the repository at *root*, None without one.

    Raises ConfigError when two files claim to be it, or one is misspelt.
    """
    places = (root, root / ".github")
    for place in places:
        misspelt = place / "benchgate.yaml"
        if misspelt.exists():
            raise ConfigError(f"{misspelt}: is not read", hint=f"rename it to {NAME}")
    found = [path for path in (place / NAME for place in places) if path.exists()]
    if len(found) > 1:
        problem = f"{found[1]}: there is {found[0]} as well"
        raise ConfigError(problem, hint="keep one of the two")
    return found[0] if found else None


# A pipe may be a configuration, but a device may never end.
_MOST_BYTES = 1_000_000


def load(path: Path) -> Config:
    """Return the configuration in the file *path*; raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        problem = f"{path}: can't be read: {error.strerror or error}"
        raise ConfigError(problem) from error
    if len(raw) > _MOST_BYTES:
        raise ConfigError(f"{path}: larger than {_MOST_BYTES} bytes")
    return decode(raw, name=str(path))


def default() -> Config:
    """Return what holds without a file: no suites, every default."""
    return decode(b"", name="")


def decode(raw: bytes, *, name: str) -> Config:
    """Return the configuration written in *raw*; nothing written is all defaults.

    Errors are ConfigError and begin ``name:line: key:``.
    """
    root = _compose(raw, name=name)
    config = _CONFIG.read(root, _Place(name, "")) if root else _CONFIG.make()
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
    root = _compose(raw, name=name)
    entries = dict(_entries(root, _Place(name, ""))) if root else {}
    policy = next((key for key in entries if key.value == "policy"), None)
    if policy is None:
        open_line = text and not text.endswith("\n")
        changed = f"{text}{end if open_line else ''}policy:{end}  {line}{end}"
        return mark + changed.encode()
    inner = dict(_entries(entries[policy], _Place(name, "policy")))
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


# A thousand times what anybody writes, and still read in seconds.
_LARGEST = 1 << 18
_YAML_TAG = "tag:yaml.org,2002:"


def _compose(raw: bytes, *, name: str) -> yaml.Node | None:
    """Return the node at the top of the only document in *raw*."""
    if len(raw) > _LARGEST:
        raise ConfigError(f"{name}: {len(raw)} bytes are too many for a configuration")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"{name}:{line}: is not UTF-8 text"
        raise ConfigError(problem, hint="save it as UTF-8") from error
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = f"{name}:{line}: is not YAML: {error.problem or error.context}"
        raise ConfigError(problem) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"{name}:{line}: is not YAML: it has control characters"
        raise ConfigError(problem) from error
    except RecursionError as error:
        raise ConfigError(f"{name}: is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        # PyYAML converts numbers in escapes and directives without a look at them.
        raise ConfigError(f"{name}: is not YAML: {error}") from error
    return None if root is not None and _tag(root) == "null" else root


def _tag(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_YAML_TAG)


def _given(node: yaml.Node) -> str:
    """Return how an error calls what was written at *node*."""
    names = {"map": "a mapping", "seq": "a list", "null": "nothing"}
    tag = _tag(node)
    if tag in names:
        return names[tag]
    if not isinstance(node, yaml.ScalarNode) or tag not in _SCALARS:
        return f"the tag {tag}"
    text = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}…"
    return repr(text) if tag == "str" else text


_WORDS = frozenset({"str"})
_NUMBERS = frozenset({"int", "float"})
_SCALARS = _WORDS | _NUMBERS | {"bool", "timestamp"}
_SHOWN = 60
_LONGEST = 200
_BARE = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the reader is: the file, and the key as a path from the top."""

    name: str
    key: str

    def inner(self, key: str) -> _Place:
        shown = key if _BARE.fullmatch(key) else repr(key)
        return _Place(self.name, f"{self.key}.{shown}" if self.key else shown)

    def item(self, index: int) -> _Place:
        return _Place(self.name, f"{self.key}[{index}]")

    def error(self, node: yaml.Node, problem: str, *, hint: str = "") -> ConfigError:
        where = f"{self.name}:{node.start_mark.line + 1}"
        parts = (where, self.key, problem) if self.key else (where, problem)
        return ConfigError(": ".join(parts), hint=hint)


class _MemberError(ValueError):
    """What is wrong with one key in the light of its neighbours."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Shape(Protocol[T_co]):
    """What may stand at a place: it reads it, and says so in JSON Schema."""

    def read(self, node: yaml.Node, place: _Place) -> T_co: ...

    def schema(self) -> Json: ...


@dataclass(frozen=True, slots=True)
class _Scalar(Generic[T]):
    """One value, read from its text as written.

    ``tags`` are the YAML types that it may have; ``parse`` raises ValueError.
    ``free`` says that quotes would make anything fit.
    """

    what: str
    parse: Callable[[str], T]
    json: Json
    tags: frozenset[str] = _WORDS
    free: bool = False

    def read(self, node: yaml.Node, place: _Place) -> T:
        if not isinstance(node, yaml.ScalarNode) or _tag(node) not in self.tags:
            problem = f"{_given(node)} is not {self.what}"
            quotable = self.free and _tag(node) in _SCALARS
            raise place.error(node, problem, hint="put it in quotes" * quotable)
        try:
            return self.parse(node.value)
        except ValueError as error:
            problem = str(error)
            if len(problem) > _LONGEST:
                problem = f"{_given(node)} is not {self.what}"
            raise place.error(node, problem) from error

    def schema(self) -> Json:
        return self.json


@dataclass(frozen=True, slots=True)
class _Many(Generic[T]):
    """A list of at least ``least`` items."""

    item: _Shape[T]
    least: int = 0

    def read(self, node: yaml.Node, place: _Place) -> tuple[T, ...]:
        if not isinstance(node, yaml.SequenceNode) or _tag(node) != "seq":
            problem = f"{_given(node)} is not a list"
            raise place.error(node, problem, hint="write it in square brackets")
        if len(node.value) < self.least:
            raise place.error(node, "the list is empty")
        return tuple(
            self.item.read(item, place.item(index))
            for index, item in enumerate(node.value)
        )

    def schema(self) -> Json:
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.schema(), **least}


@dataclass(frozen=True, slots=True)
class _Table(Generic[T]):
    """A mapping whose keys the user chooses."""

    name: _Scalar[str]
    item: _Shape[T]

    def read(self, node: yaml.Node, place: _Place) -> dict[str, T]:
        return {
            self.name.read(key, place): self.item.read(value, place.inner(key.value))
            for key, value in _entries(node, place)
        }

    def schema(self) -> Json:
        return {
            "type": "object",
            "propertyNames": self.name.schema(),
            "additionalProperties": self.item.schema(),
        }


@dataclass(frozen=True, slots=True)
class _Key:
    """One key of a record.

    ``default`` is what leaving it out means, as it would be written; None where
    nothing can be written for it. ``only`` is the one value of the record's selector
    that has a use for it, None for all.
    """

    shape: _Shape[object]
    meaning: str
    default: object = None
    required: bool = False
    only: str | None = None


@dataclass(frozen=True, slots=True)
class _Record(Generic[T]):
    """A mapping of known keys; ``make`` gets those that are written.

    ``selector`` names the key whose value decides which others make sense.
    """

    make: Callable[..., T]
    keys: Mapping[str, _Key]
    selector: str | None = None

    def read(self, node: yaml.Node, place: _Place) -> T:
        nodes: dict[str, yaml.Node] = {}
        values: dict[str, object] = {}
        for key, value in _entries(node, place):
            inner = place.inner(key.value)
            if key.value not in self.keys:
                raise _unknown(inner, key, self.keys)
            nodes[key.value] = key
            values[key.value] = self.keys[key.value].shape.read(value, inner)
        try:
            self._check(values)
            return self.make(**values)
        except _MemberError as error:
            at = nodes.get(error.key, node)
            raise place.inner(error.key).error(at, str(error)) from error

    def _check(self, values: Mapping[str, object]) -> None:
        chosen = None
        if self.selector:
            chosen = values.get(self.selector, self.keys[self.selector].default)
        for name, key in self.keys.items():
            due = key.only in (None, chosen)
            if name in values and not due:
                problem = f"is for `{self.selector}: {key.only}` only, this is {chosen}"
                raise _MemberError(name, problem)
            if name not in values and due and key.required:
                raise _MemberError(name, f"is missing: {key.meaning}")

    def schema(self) -> Json:
        properties = {name: self._property(key) for name, key in self.keys.items()}
        required = [n for n, key in self.keys.items() if key.required and not key.only]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **({"allOf": self._choices(self.selector)} if self.selector else {}),
        }

    def _property(self, key: _Key) -> Json:
        known = {} if key.default is None else {"default": key.default}
        return {**key.shape.schema(), "description": key.meaning, **known}

    def _choices(self, selector: str) -> list[Json]:
        """Return one rule for each value of the selector: its keys, no other's."""
        key = self.keys[selector]
        return [
            {
                "if": {
                    "properties": {selector: {"const": value}},
                    # An absent selector would match every rule, not its default's.
                    "required": [] if value == key.default else [selector],
                },
                "then": self._chosen(value),
            }
            for value in key.shape.schema()["enum"]
        ]

    def _chosen(self, value: str) -> Json:
        own = {name: key for name, key in self.keys.items() if key.only}
        return {
            "properties": {n: False for n, key in own.items() if key.only != value},
            "required": [
                n for n, key in own.items() if key.only == value and key.required
            ],
        }


def _entries(
    node: yaml.Node, place: _Place
) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Yield the keys and values of a mapping; a key is text and stands there once."""
    if not isinstance(node, yaml.MappingNode) or _tag(node) != "map":
        raise place.error(node, f"{_given(node)} is not a mapping")
    line_by_key: dict[str, int] = {}
    for key, value in node.value:
        if _tag(key) == "merge":
            problem = "merge keys (<<) are not supported"
            raise place.error(key, problem, hint="write the keys out")
        if not isinstance(key, yaml.ScalarNode) or _tag(key) != "str":
            problem = f"the key {_given(key)} is not text"
            raise place.error(key, problem, hint="put it in quotes")
        if key.value in line_by_key:
            problem = f"duplicate key, first on line {line_by_key[key.value]}"
            raise place.inner(key.value).error(key, problem)
        if _tag(value) == "null":
            hint = "give it one, or leave the key out"
            raise place.inner(key.value).error(key, "has no value", hint=hint)
        line_by_key[key.value] = key.start_mark.line + 1
        yield key, value


def _unknown(place: _Place, node: yaml.Node, known: Mapping[str, _Key]) -> ConfigError:
    problem = f"unknown key{_nearest(node.value, known)}"
    return place.error(node, problem, hint=f"use one of {', '.join(known)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; nearest known: {close[0]}" if close else ""


# Neither can be an argument of a process, and a lone surrogate can't be printed.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_WORD_IN_BRACES = re.compile(r"(?<![${])\{([A-Za-z_]\w*)\}(?!\})")
_ADDRESS = r"^http://\S+$"
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")


def _usable(text: str) -> str:
    if _UNUSABLE.search(text):
        raise ValueError("has a character that no command line can hold")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return _usable(text)


def _template(text: str) -> str:
    """Return a text whose ``{words}`` are all placeholders.

    ``${HOME}``, ``{{.ID}}`` and awk's ``{print $1}`` are the shell's own affair.
    """
    for word in _WORD_IN_BRACES.findall(text):
        if word not in PLACEHOLDERS:
            nearest = _nearest(word, PLACEHOLDERS)
            raise ValueError(f"{{{word}}} is neither {{port}} nor {{side}}{nearest}")
    return _usable(text)


def _plain(text: str) -> str:
    """Return a text in which nobody fills in a placeholder."""
    for word in PLACEHOLDERS:
        if f"{{{word}}}" in text:
            raise ValueError(
                f"{{{word}}} is filled in for services only: k6 has __ENV.PORT"
            )
    return _usable(text)


def _command(text: str) -> str:
    return _template(_text(text))


def _ready(text: str) -> str:
    if not re.fullmatch(_ADDRESS, text):
        raise ValueError(f"{text!r} is not an http:// address")
    if "{port}" not in text and "{side}" not in text:
        raise ValueError(
            f"{text!r} is the same for base and head, both of them up: use {{port}}"
        )
    return _command(text)


def _matching(pattern: str, what: str) -> _Scalar[str]:
    """Return the shape of a text that matches *pattern* from end to end."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {what}")
        return _usable(text)

    rule = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return _Scalar(what, parse, rule, free=True)


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


def _integer(lowest: int, highest: int) -> _Scalar[int]:
    def parse(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"{text} is not {what}")
        return int(text)

    what = f"a whole number from {lowest} to {highest}"
    bounds = {"type": "integer", "minimum": lowest, "maximum": highest}
    return _Scalar(what, parse, bounds, frozenset({"int"}))


def _choice(options: Iterable[T]) -> _Scalar[T]:
    """Return the shape of one of *options*, which are strings."""
    by_text = {str(option): option for option in options}
    what = f"one of {', '.join(by_text)}"

    def parse(text: str) -> T:
        if text not in by_text:
            raise ValueError(f"{text!r} is not {what}{_nearest(text, by_text)}")
        return by_text[text]

    return _Scalar(what, parse, {"type": "string", "enum": list(by_text)})


def _share(what: str, unit: str, parse: Callable[[str], float]) -> _Scalar[float]:
    pattern = rf"^(?:{NUMBER} ?{unit}|0(\.[0-9]+)?)$"
    text = {"type": "string", "pattern": pattern}
    number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
    return _Scalar(what, parse, {"anyOf": [text, number]}, _WORDS | _NUMBERS)


def _duration(parse: Callable[[str], float]) -> _Scalar[float]:
    text = {"type": "string", "pattern": f"^(?:{DURATION})$"}
    json_schema = {"anyOf": [text, {"const": 0}]}
    return _Scalar("a duration such as 0.2s", parse, json_schema, _WORDS | _NUMBERS)


def _variables(parse: Callable[[str], str]) -> _Table[str]:
    # A number is taken as it is written: 1.10 stays 1.10.
    kinds = {"type": ["string", "number"]}
    value = _Scalar("text", parse, kinds, _WORDS | _NUMBERS, free=True)
    return _Table(_matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable"), value)


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


def _measure(**given: Any) -> Measure:
    measure = Measure(**given)
    if any(later <= early for early, later in pairwise(measure.looks)):
        raise _MemberError("looks", "each look must come after the one before it")
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
            raise _MemberError("renames", problem)
    return Config(
        path="",
        suites=tuple(replace(suite, name=name) for name, suite in suites.items()),
        baseline=baseline or Baseline(),
        measure=measure or Measure(),
        policy=policy or _policy(),
        renames=dict(renames),
    )


_WRITTEN = {"type": "string", "minLength": 1}
_TEXT = _Scalar("text", _text, _WRITTEN, free=True)
_TEXTS = _Many(_TEXT)
_COMMAND = _Scalar("a command", _command, _WRITTEN, free=True)
_YES_OR_NO = _Scalar(
    "true or false", _boolean, {"type": "boolean"}, frozenset({"bool"})
)
_DURATION = _duration(parse_duration)
_SPAN = _duration(_above_zero)
_SIZE = _Scalar(
    "a size such as 10 GB",
    parse_size,
    {"anyOf": [{"type": "string", "pattern": f"^(?:{SIZE})$"}, {"const": 0}]},
    _WORDS | _NUMBERS,
)
_RELATIVE = _share("a percentage such as 2%", "%", _relative)
_POINTS = _share("a difference such as 0.1pp", "pp", _points)
_ANY_SHARE = _share("a percentage such as 2%", "(?:%|pp)", parse_share)
_FACTOR = _Scalar(
    "a number from 1 to 2",
    _factor,
    {"type": "number", "minimum": 1, "maximum": _WIDEST},
    _NUMBERS,
)
_ANSWER = _choice(Answer)
_REF = _matching(r"[^\s-]\S*", "a name that git can take")

_SERVICE = _Record(
    Service,
    {
        "build": _Key(_COMMAND, "builds the service, once a side"),
        "prepare": _Key(_COMMAND, "brings schema and data, once a side"),
        "start": _Key(_COMMAND, "starts the service and stays", required=True),
        "stop": _Key(_COMMAND, "stops what ending `start` leaves running"),
        "ready": _Key(
            _Scalar("an address", _ready, {"type": "string", "pattern": _ADDRESS}),
            "the address that answers 2xx once the service is up",
            required=True,
        ),
        "env": _Key(_variables(_template), "variables of all these commands", {}),
        "ready_within": _Key(_SPAN, "how long that may take", "60s"),
    },
)
_SUITE = _Record(
    lambda **given: Suite(name="", **given),
    {
        "tool": _Key(_choice(get_args(Tool)), "the tool that measures", required=True),
        "command": _Key(_TEXT, "the tool's command; detected when left out"),
        "benches": _Key(
            _Many(_TEXT, least=1), "globs of the benchmarks to measure", ["*"]
        ),
        "directory": _Key(_TEXT, "where the commands run, from the repository", "."),
        "env": _Key(_variables(_plain), "variables of the tool", {}),
        "packages": _Key(_TEXTS, "only these packages", [], only="criterion"),
        "targets": _Key(_TEXTS, "only these bench targets", [], only="criterion"),
        "features": _Key(_TEXTS, "Cargo features to turn on", [], only="criterion"),
        "script": _Key(_TEXT, "the k6 script", required=True, only="k6"),
        "warmup": _Key(_DURATION, "start of a window, not counted", "0s", only="k6"),
        "window": _Key(_SPAN, "counted length of one k6 window", "5s", only="k6"),
        "service": _Key(_SERVICE, "the service under load", only="k6"),
    },
    selector="tool",
)
_BASELINE = _Record(
    Baseline,
    {
        "store": _Key(
            _choice(get_args(StoreName)), "where stored runs are", "git-branch"
        ),
        "branch": _Key(
            _REF, "the branch that holds them", "benchgate-data", only="git-branch"
        ),
        "remote": _Key(_REF, "the remote of that branch", "origin", only="git-branch"),
        "path": _Key(
            _TEXT, "the directory with them", ".benchgate/baseline", only="directory"
        ),
        "window": _Key(_integer(8, 30), "how many runs are compared against", 30),
    },
    selector="store",
)
_MEASURE = _Record(
    _measure,
    {
        "design": _Key(_choice(DesignChoice), "how base and head are compared", "auto"),
        "looks": _Key(
            _Many(_integer(1, 10_000), least=1),
            "rounds after which a verdict is allowed, rising",
            [20, 40, 80],
        ),
        "slice": _Key(_SPAN, "length of one slice of a benchmark", "0.1s"),
        "layouts": _Key(
            _choice(get_args(Layouts)), "a code layout a slice, or one for all", "fresh"
        ),
        "budget": _Key(_SPAN, "how long measuring may take", "10m"),
        "only": _Key(
            _choice(Only), "all benchmarks, or those that can have changed", "all"
        ),
        "cache": _Key(_SIZE, "what the built bases may take on the disk", "10 GB"),
    },
)
_MARGIN_KEYS = {
    Kind.TIME: _Key(_RELATIVE, "time of one iteration", "2%"),
    Kind.LATENCY: _Key(_RELATIVE, "typical latency of a request", "5%"),
    Kind.TAIL: _Key(_RELATIVE, "its p95 and p99", "10%"),
    Kind.RATE: _Key(_RELATIVE, "throughput", "5%"),
    Kind.COST: _Key(_RELATIVE, "what one request costs the machine", "5%"),
    Kind.ERRORS: _Key(_POINTS, "share of failed requests, as a difference", "0.1pp"),
    Kind.COUNT: _Key(_RELATIVE, "instructions, allocations", "0.5%"),
    Kind.SIZE: _Key(_RELATIVE, "bytes", "0.5%"),
}
_ABSOLUTE_KEYS = {
    Kind.TIME: _Key(_DURATION, "time of one iteration", "0.5ns"),
    Kind.LATENCY: _Key(_DURATION, "typical latency of a request", "50us"),
    Kind.TAIL: _Key(_DURATION, "its p95 and p99; none when left out"),
}
_POLICY = _Record(
    _policy,
    {
        "false_alarms": _Key(
            _share("a share such as 0.01", "%", _false_alarms),
            "share of harmless pull requests that may fail",
            0.01,
        ),
        "widen": _Key(
            _FACTOR,
            "standard errors against stored runs times this; `benchgate calibrate` "
            "finds it",
            1.0,
        ),
        "margins": _Key(
            _Record(_by_kind, {str(kind): key for kind, key in _MARGIN_KEYS.items()}),
            "the smallest slowdown worth failing for, by kind of metric",
        ),
        "absolute": _Key(
            _Record(_by_kind, {str(kind): key for kind, key in _ABSOLUTE_KEYS.items()}),
            "what a slowdown must exceed besides, by kind of metric",
        ),
        "on_inconclusive": _Key(_ANSWER, "when a benchmark can't be decided", "warn"),
        "on_weak": _Key(_ANSWER, "when one round a side says regressed", "fail"),
        "on_missing": _Key(_ANSWER, "when the head lacks a benchmark", "fail"),
        "series": _Key(
            _Table(
                _matching(r"[^:]+:.+", "suite:benchmark, as in criterion:json/*"),
                _Record(
                    _rule,
                    {
                        "blocking": _Key(_YES_OR_NO, "whether it can fail the check"),
                        "margin": _Key(_ANY_SHARE, "its own margin"),
                    },
                ),
            ),
            "exceptions, by suite:benchmark with wildcards",
            {},
        ),
    },
)
_CONFIG = _Record(
    _config,
    {
        "suites": _Key(
            _Table(
                _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "the name of a suite"), _SUITE
            ),
            "what is measured, by a name of your choice",
            {},
        ),
        "baseline": _Key(_BASELINE, "where runs of the base branch are kept"),
        "measure": _Key(_MEASURE, "how both sides are measured"),
        "policy": _Key(_POLICY, "what is a regression, and what fails"),
        "renames": _Key(
            _Table(_TEXT, _TEXT), "former name of a benchmark → present name", {}
        ),
    },
)
