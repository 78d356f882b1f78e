"""The first bytes of a file no tool knows → what it looks like, in a few words.

Nothing is decided here: the words end the sentence of an error.
"""

from __future__ import annotations

import json
import re

_MOST_KEYS = 3
_LONGEST_KEY = 40
_OF_A_DIRECTORY = "one file of a criterion directory: give the directory"
_BINARY = (
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"\x7fELF", "an executable"),
    (b"\xff\xfe", "UTF-16 text, as PowerShell's > writes it"),
    (b"\xfe\xff", "UTF-16 text"),
)
# All markers of a row must occur; the first such row wins.
_JSON = (
    ((b'"sampling_mode"', b'"iters"'), _OF_A_DIRECTORY),
    ((b'"group_id"', b'"directory_name"'), _OF_A_DIRECTORY),
    ((b'"median_abs_dev"', b'"point_estimate"'), _OF_A_DIRECTORY),
    ((b'"reason"', b'"package_id"'), "cargo's build messages"),
    ((b'"schema"', b'"benchgate-'), "a document of benchgate"),
    ((b'"jmhVersion"',), "JMH JSON"),
    ((b'"results"', b'"command"'), "hyperfine JSON"),
    ((b'"benchmarks"', b'"time_unit"'), "Google Benchmark JSON"),
    ((b'"benchmarks"', b'"runs"', b'"values"'), "pyperf JSON"),
)
_TEXT = (
    (rb"\A(?i:<!doctype html|<html)\b", "HTML"),
    (rb"\A<", "XML"),
    (rb"\Aversion https://git-lfs", "a Git LFS pointer: run `git lfs pull`"),
    (rb"^test .+ \.\.\. (?:bench:|ok|ignored)", "libtest or bencher text"),
    (rb"^Benchmark\S+\s+\d+\s+\S+ ns/op", "Go benchmark text"),
    (rb"\btime: +\[\S+ \S+ \S+ \S+ \S+ \S+\]", "criterion's text for people"),
    (rb"^ *http_req_duration\b", "k6's summary for people"),
    (rb"^error(?:\[E\d+\])?: ", "an error message of cargo"),
)


def describe(head: bytes) -> str:
    """Return what a file that begins with *head* looks like, as a noun phrase."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "an empty file"
    for magic, words in _BINARY:
        if head.startswith(magic):
            return words
    if b"\0" in head or not _is_utf8(head):
        return "binary data"
    if text.startswith((b"{", b"[")):
        return _describe_json(text)
    return _describe_text(text)


def _describe_text(text: bytes) -> str:
    for pattern, words in _TEXT:
        if re.search(pattern, text, re.MULTILINE):
            return words
    return "plain text"


def _describe_json(text: bytes) -> str:
    for markers, words in _JSON:
        if all(marker in text for marker in markers):
            return words
    first_line = text.partition(b"\n")[0]
    for part in (text, first_line):
        try:
            value = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict):
            return "a JSON list"
        keys = [repr(key[:_LONGEST_KEY]) for key in list(value)[:_MOST_KEYS]]
        return f"a JSON object with {', '.join(keys)}" if keys else "an empty object"
    return "JSON that is cut or damaged"


def _is_utf8(head: bytes) -> bool:
    """Say whether *head* is UTF-8 but for a character that its end may have cut."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3
    return True
