"""What somebody else wrote → text that shows it and does nothing.

A character that hides, reorders or commands is written out; what is too long loses
its middle. Nothing is ever changed in the report itself.
"""

from __future__ import annotations

import unicodedata
import zlib

LONGEST_NAME = 120
_LONGEST_SENTENCE = 300
# Characters that are not seen, or that change how others are seen.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LAST_OF_ONE_BYTE = 0xFF
_LAST_OF_TWO = 0xFFFF


class Name(str):
    """A string that somebody else chose: shown as it is, never interpreted."""

    __slots__ = ()


Phrase = tuple[str, ...]
"""The parts of a sentence in a row; the ``Name`` parts are foreign."""


def visible(text: str) -> str:
    """Return *text* with each character that hides or reorders written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text)


def shorten(text: str, longest: int) -> str:
    """Return *text*, visible, in at most *longest* >= 20 characters.

    Both ends are kept, and a checksum between them, so that two names that differ
    only in the middle stay two names.
    """
    # What is written out only grows, so of a long text its ends are enough.
    whole = visible(text[: longest + 1])
    if len(whole) <= longest:
        return whole
    checksum = f"…{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}…"
    kept = longest - len(checksum)
    end = visible(text[-longest:])
    return whole[: kept - kept // 2] + checksum + end[len(end) - kept // 2 :]


def shown(name: str) -> str:
    """Return a foreign *name* fit for one line: visible, and not too long."""
    text = shorten(name, LONGEST_NAME)
    return text if text.strip() else "(blank)"


def sentence(text: str) -> str:
    """Return a sentence of a report, which may hold what a tool said."""
    return shorten(text, _LONGEST_SENTENCE)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= _LAST_OF_ONE_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_TWO else f"\\U{code:08x}"
