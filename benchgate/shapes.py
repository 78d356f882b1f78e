"""YAML → values: what may stand at a place, and errors that name it.

A file is described by shapes, once; reading it and its JSON Schema both follow from
that. It is read off the YAML nodes, not off Python objects, because only nodes know
their line, a duplicate key, and that ``1.10`` is not 1.1.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import yaml

from benchgate.errors import ConfigError
from benchgate.units import NUMBER, parse_share

Json = dict[str, Any]


def places(name: str) -> tuple[str, ...]:
    """Return where in a repository the file *name* may be."""
    return (name, f".github/{name}")


def find(root: Path, name: str) -> Path | None:
    """Return the file *name* of the repository at *root*, None without one.

    Raises ConfigError when two files claim to be it, or one is misspelt.
    """
    places = (root, root / ".github")
    for place in places:
        misspelt = (place / name).with_suffix(".yaml")
        if misspelt.exists():
            raise ConfigError(f"{misspelt}: is not read", hint=f"rename it to {name}")
    found = [path for path in (place / name for place in places) if path.exists()]
    if len(found) > 1:
        problem = f"{found[1]}: there is {found[0]} as well"
        raise ConfigError(problem, hint="keep one of the two")
    return found[0] if found else None


# A pipe may be a configuration, but a device may never end.
_MOST_BYTES = 1_000_000


def read(path: Path) -> bytes:
    """Return what is in the file *path*; raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        problem = f"{path}: can't be read: {error.strerror or error}"
        raise ConfigError(problem) from error
    if len(raw) > _MOST_BYTES:
        raise ConfigError(f"{path}: larger than {_MOST_BYTES} bytes")
    return raw


# A thousand times what anybody writes, and still read in seconds.
_LARGEST = 1 << 18
_YAML_TAG = "tag:yaml.org,2002:"


def compose(raw: bytes, *, name: str) -> yaml.Node | None:
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
        written = 0 if root is None else _written_out(root, {})
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
    if written > _LARGEST:
        problem = f"{name}: its aliases make too much of it for a configuration"
        raise ConfigError(problem, hint="write out what is repeated")
    return None if root is not None and _tag(root) == "null" else root


def _written_out(node: yaml.Node, seen: dict[int, int]) -> int:
    """Return how many nodes *node* would be without aliases, which repeat some.

    *seen* holds the answers by the identity of the node. What holds itself counts
    once: no shape has a place for it.
    """
    if id(node) not in seen:
        seen[id(node)] = 1
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        seen[id(node)] = 1 + sum(_written_out(part, seen) for part in parts)
    return seen[id(node)]


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


WORDS = frozenset({"str"})
NUMBERS = frozenset({"int", "float"})
_SCALARS = WORDS | NUMBERS | {"bool", "timestamp"}
_SHOWN = 60
_LONGEST = 200
_BARE = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: the file, and the key as a path from the top."""

    name: str
    key: str

    def inner(self, key: str) -> Place:
        """Return the place of *key* below this one."""
        shown = key if _BARE.fullmatch(key) else repr(key)
        return Place(self.name, f"{self.key}.{shown}" if self.key else shown)

    def item(self, index: int) -> Place:
        """Return the place of the item at *index*."""
        return Place(self.name, f"{self.key}[{index}]")

    def error(self, node: yaml.Node, problem: str, *, hint: str = "") -> ConfigError:
        """Return the error for *problem* at *node*; the place comes first."""
        where = f"{self.name}:{node.start_mark.line + 1}"
        parts = (where, self.key, problem) if self.key else (where, problem)
        return ConfigError(": ".join(parts), hint=hint)


class MemberError(ValueError):
    """What is wrong with one key in the light of its neighbours."""

    def __init__(self, key: str, problem: str) -> None:
        """Say the *problem* of *key*."""
        super().__init__(problem)
        self.key = key


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Shape(Protocol[T_co]):
    """What may stand at a place: it reads it, and says so in JSON Schema."""

    def read(self, node: yaml.Node, place: Place) -> T_co:
        """Return what *node* says; raises ConfigError."""

    def schema(self) -> Json:
        """Return the same as JSON Schema."""


@dataclass(frozen=True, slots=True)
class Scalar(Generic[T]):
    """One value, read from its text as written.

    ``tags`` are the YAML types that it may have; ``parse`` raises ValueError.
    ``free`` says that quotes would make anything fit.
    """

    what: str
    parse: Callable[[str], T]
    json: Json
    tags: frozenset[str] = WORDS
    free: bool = False

    def read(self, node: yaml.Node, place: Place) -> T:
        """Return what *node* says; raises ConfigError."""
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
        """Return the same as JSON Schema."""
        return self.json


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """A list of at least ``least`` items."""

    item: Shape[T]
    least: int = 0

    def read(self, node: yaml.Node, place: Place) -> tuple[T, ...]:
        """Return what *node* says; raises ConfigError."""
        if not isinstance(node, yaml.SequenceNode) or _tag(node) != "seq":
            problem = f"{_given(node)} is not a list"
            raise place.error(
                node, problem, hint="write [a, b], or each item after a dash"
            )
        if len(node.value) < self.least:
            raise place.error(node, "the list is empty")
        return tuple(
            self.item.read(item, place.item(index))
            for index, item in enumerate(node.value)
        )

    def schema(self) -> Json:
        """Return the same as JSON Schema."""
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.schema(), **least}


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """A mapping whose keys the user chooses."""

    name: Scalar[str]
    item: Shape[T]

    def read(self, node: yaml.Node, place: Place) -> dict[str, T]:
        """Return what *node* says; raises ConfigError."""
        return {
            self.name.read(key, place): self.item.read(value, place.inner(key.value))
            for key, value in entries(node, place)
        }

    def schema(self) -> Json:
        """Return the same as JSON Schema."""
        return {
            "type": "object",
            "propertyNames": self.name.schema(),
            "additionalProperties": self.item.schema(),
        }


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record.

    ``default`` is what leaving it out means, as it would be written; None where
    nothing can be written for it. ``only`` is the one value of the record's selector
    that has a use for it, None for all.
    """

    shape: Shape[object]
    meaning: str
    default: object = None
    required: bool = False
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A mapping of known keys; ``make`` gets those that are written.

    ``selector`` names the key whose value decides which others make sense.
    """

    make: Callable[..., T]
    keys: Mapping[str, Key]
    selector: str | None = None

    def read(self, node: yaml.Node, place: Place) -> T:
        """Return what *node* says; raises ConfigError."""
        nodes: dict[str, yaml.Node] = {}
        values: dict[str, object] = {}
        for key, value in entries(node, place):
            inner = place.inner(key.value)
            if key.value not in self.keys:
                raise _unknown(inner, key, self.keys)
            nodes[key.value] = key
            values[key.value] = self.keys[key.value].shape.read(value, inner)
        try:
            self._check(values)
            return self.make(**values)
        except MemberError as error:
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
                raise MemberError(name, problem)
            if name not in values and due and key.required:
                raise MemberError(name, f"is missing: {key.meaning}")

    def schema(self) -> Json:
        """Return the same as JSON Schema."""
        properties = {name: self._property(key) for name, key in self.keys.items()}
        required = [n for n, key in self.keys.items() if key.required and not key.only]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **({"allOf": self._choices(self.selector)} if self.selector else {}),
        }

    def _property(self, key: Key) -> Json:
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


def entries(
    node: yaml.Node, place: Place
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


def _unknown(place: Place, node: yaml.Node, known: Mapping[str, Key]) -> ConfigError:
    problem = f"unknown key{nearest(node.value, known)}"
    return place.error(node, problem, hint=f"use one of {', '.join(known)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names what *word* may have meant, if any."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; nearest known: {close[0]}" if close else ""


# Neither can be an argument of a process, and a lone surrogate can't be printed.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")


def usable(text: str) -> str:
    """Return *text*; raises ValueError where no process could be given it."""
    if _UNUSABLE.search(text):
        raise ValueError("has a character that no command line can hold")
    return text


def written(text: str) -> str:
    """Return *text*, which says something; raises ValueError where it doesn't."""
    if not text.strip():
        raise ValueError("is empty")
    return usable(text)


def matching(pattern: str, what: str) -> Scalar[str]:
    """Return the shape of a text that matches *pattern* from end to end."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {what}")
        return usable(text)

    rule = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return Scalar(what, parse, rule, free=True)


def integer(lowest: int, highest: int) -> Scalar[int]:
    """Return the shape of a whole number from *lowest* to *highest*."""

    def parse(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"{text} is not {what}")
        return int(text)

    what = f"a whole number from {lowest} to {highest}"
    bounds = {"type": "integer", "minimum": lowest, "maximum": highest}
    return Scalar(what, parse, bounds, frozenset({"int"}))


def choice(options: Iterable[T]) -> Scalar[T]:
    """Return the shape of one of *options*, which are strings."""
    by_text = {str(option): option for option in options}
    what = f"one of {', '.join(by_text)}"

    def parse(text: str) -> T:
        if text not in by_text:
            raise ValueError(f"{text!r} is not {what}{nearest(text, by_text)}")
        return by_text[text]

    return Scalar(what, parse, {"type": "string", "enum": list(by_text)})


def share(what: str, unit: str, parse: Callable[[str], float]) -> Scalar[float]:
    """Return the shape of a share in *unit*, or of a plain fraction below 1."""
    pattern = rf"^(?:{NUMBER} ?{unit}|0(\.[0-9]+)?)$"
    text = {"type": "string", "pattern": pattern}
    number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
    return Scalar(what, parse, {"anyOf": [text, number]}, WORDS | NUMBERS)


WRITTEN = {"type": "string", "minLength": 1}
TEXT = Scalar("text", written, WRITTEN, free=True)
ANY_SHARE = share("a percentage such as 2%", "(?:%|pp)", parse_share)
