"""The inputs of the action, as ``BENCHGATE_*`` variables → what was asked for.

A composite action gets no ``INPUT_*``; ``action.yml`` hands each input over under our
own name, and never inside of a script, where a value could become a command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from benchgate.errors import UsageError
from benchgate.github.sticky import Mode as Comment

_PREFIX = "BENCHGATE_"
# What may stand in a marker, an artifact's name and a label without any escaping.
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NAME = re.compile(r"[^\x00-\x1f\x7f\"<>|*?\r\n\\/:]{1,128}")


class Mode(StrEnum):
    """What a job does."""

    MEASURE = "measure"
    REPORT = "report"
    RECORD = "record"
    GATE = "gate"


class FailOn(StrEnum):
    """An outcome that fails the job."""

    REGRESSED = "regressed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the workflow asked for; an empty text switches a thing off."""

    mode: Mode
    config: str
    design: str
    base: str
    baseline: str
    token: str
    working_directory: str
    artifact_name: str
    run_file: str
    fail_on: frozenset[FailOn]
    comment: Comment
    comment_key: str
    comment_author: str
    check_name: str
    accept_label: str


def read(variables: Mapping[str, str]) -> Inputs:
    """Return the inputs in *variables*, with the defaults of ``action.yml``.

    Raises UsageError that names the input.
    """

    def text(name: str, default: str = "") -> str:
        value = variables.get(_PREFIX + name.upper().replace("-", "_"))
        return default if value is None else value.strip()

    mode = _one_of(Mode, text("mode") or "measure", "mode")
    inputs = Inputs(
        mode=mode,
        config=text("config"),
        design=text("design"),
        base=text("base"),
        baseline=text("baseline"),
        token=text("github-token"),
        working_directory=text("working-directory"),
        artifact_name=text("artifact-name", "benchgate-run"),
        run_file=text("run-file"),
        fail_on=_fail_on(text("fail-on") or "regressed, undecided"),
        comment=_one_of(Comment, text("comment") or "always", "comment"),
        comment_key=text("comment-key") or "default",
        comment_author=text("comment-author") or "github-actions[bot]",
        check_name=text("check-name"),
        accept_label=text("accept-label"),
    )
    if not _KEY.fullmatch(inputs.comment_key):
        raise UsageError(
            f"comment-key: {inputs.comment_key!r} can't be a key",
            hint="use up to 64 letters, digits, `.`, `_` and `-`",
        )
    if inputs.artifact_name and not _NAME.fullmatch(inputs.artifact_name):
        raise UsageError(
            f"artifact-name: {inputs.artifact_name!r} can't be the name of an artifact",
            hint="use letters, digits and `-`",
        )
    if mode in {Mode.REPORT, Mode.RECORD} and not inputs.token:
        raise UsageError(
            f"github-token: mode `{mode}` needs one",
            hint="add `github-token: ${{ github.token }}` under `with:`",
        )
    return inputs


T = TypeVar("T", bound=StrEnum)


def _one_of(kind: type[T], value: str, name: str) -> T:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        problem = f"{name}: there is no {value!r}"
        raise UsageError(problem, hint=f"use one of: {known}") from None


def _fail_on(value: str) -> frozenset[FailOn]:
    """Return the outcomes that fail, none for ``never``."""
    words = [word for word in re.split(r"[\s,]+", value) if word]
    if words == ["never"]:
        return frozenset()
    if "never" in words:
        raise UsageError(
            "fail-on: `never` stands alone", hint="remove it, or the others"
        )
    return frozenset(_one_of(FailOn, word, "fail-on") for word in words)
