"""What ``benchgate init`` found → the text of the files that it writes.

The delimiters of these templates are ``<< >>`` and ``<% %>``: workflows have braces of
their own. Whatever was found in a project passes ``scalar``, ``pattern`` or
``comment``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2

from benchgate.render import TEMPLATES

# What no reader of YAML takes for anything else than this text.
_PLAIN = re.compile(r"[A-Za-z/][\w./:{}@%+=?,-]*(?:(?<!:) [\w./{}@%+=?,-]+)*(?<!:)")
_PLAIN_BRANCH = re.compile(r"[A-Za-z][\w./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
# These mean something in a filter of branches; Git allows no other such character.
_GLOB = re.compile(r"([+!\\])")


def render_starter(name: str, values: Mapping[str, Any]) -> str:
    """Return the file that the template ``init/NAME.j2`` makes of *values*."""
    return _environment().get_template(f"init/{name}.j2").render(values)


def scalar(text: str) -> str:
    """Return *text* as a scalar of YAML, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    # What JSON writes as a string, YAML reads as the same string.
    return json.dumps(text, ensure_ascii=False)


def pattern(branch: str) -> str:
    """Return what matches *branch* alone, as an item of a list in brackets."""
    if _PLAIN_BRANCH.fullmatch(branch) and branch.lower() not in _WORDS:
        return branch
    return json.dumps(_GLOB.sub(r"\\\1", branch), ensure_ascii=False)


def comment(text: str) -> str:
    """Return *text* for the rest of a line that is a comment."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML: the filters quote, a test insists
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"scalar": scalar, "pattern": pattern, "comment": comment}
    return environment
