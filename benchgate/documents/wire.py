"""What the documents share: their JSON Schema, and strangers' words in errors."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_MAX_SAID = 300


def json_schema(document: type[msgspec.Struct], *, title: str) -> bytes:
    """Return the JSON Schema of *document*, as kept in ``docs/schemas/``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(document),
    }
    text = msgspec.json.encode(_with_clean_descriptions(schema))
    return msgspec.json.format(text, indent=2) + b"\n"


def in_one_line(said: str) -> str:
    """Return *said* fit for a log: a newline could forge a workflow command."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in said)
    return shown if len(shown) <= _MAX_SAID else f"{shown[:_MAX_SAID]}…"


def same(wire: object, noun: type[T]) -> T:
    """Return *wire* as the *noun* that has the same fields."""
    return msgspec.convert(wire, noun, from_attributes=True)


def _with_clean_descriptions(schema: Any) -> Any:
    """Return *schema* with docstrings as Python 3.13 keeps them: without indents."""
    if isinstance(schema, list):
        return [_with_clean_descriptions(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: inspect.cleandoc(value)
        if key == "description" and isinstance(value, str)
        else _with_clean_descriptions(value)
        for key, value in schema.items()
    }
