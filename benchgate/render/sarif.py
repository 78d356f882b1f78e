"""Report → SARIF 2.1.0, which code-scanning services read.

There is a result for each regression and for each thing that did not run. Where in the
code that comes from isn't known, so a location is the name of a benchmark.
"""

from __future__ import annotations

import json
from typing import Any

from benchgate.model import Failure, Judgement, Outcome, Report, Verdict
from benchgate.render.names import sentence, shown
from benchgate.render.plain import called, plain, told
from benchgate.render.rows import confidence
from benchgate.render.text import view_of

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)
_REGRESSED, _FAILED = "regressed", "failed"
_RULES = (
    (
        _REGRESSED,
        "A benchmark got worse",
        "Its slowdown lies beyond the margin and, over all tests, is no accident.",
        "error",
    ),
    (
        _FAILED,
        "A benchmark did not run",
        "Nothing is known of its speed until it runs.",
        "warning",
    ),
)

Json = dict[str, Any]


def render_sarif(report: Report, *, version: str) -> str:
    """Return *report* as the text of a SARIF file; *version* is that of benchgate."""
    level = confidence(report.judgements)
    regressed = [j for j in report.judgements if j.verdict is Verdict.REGRESSED]
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                "invocations": [
                    {"executionSuccessful": report.outcome is not Outcome.UNDECIDED}
                ],
                "results": [
                    *(_of_series(judgement, level) for judgement in regressed),
                    *(_of_failure(failure) for failure in report.failed),
                ],
                "properties": {
                    "outcome": report.outcome.value,
                    "headline": plain(view_of(report).headline),
                },
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _driver(version: str) -> Json:
    return {
        "name": "benchgate",
        "version": version,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": title},
                "fullDescription": {"text": meaning},
                "defaultConfiguration": {"level": level},
            }
            for rule, title, meaning, level in _RULES
        ],
    }


def _of_series(judgement: Judgement, level: str) -> Json:
    """Return one regression: an error, or a warning where it may not block."""
    key = judgement.key
    found = _result(
        _REGRESSED,
        suite=key.suite,
        name=called(key),
        text=told(judgement, confidence=level),
        level="error" if judgement.blocking else "warning",
    )
    if judgement.accepted is None:
        return found
    reason = sentence(judgement.accepted.reason)
    suppression = {"kind": "external", "status": "accepted", "justification": reason}
    return {**found, "suppressions": [suppression]}


def _of_failure(failure: Failure) -> Json:
    return _result(
        _FAILED,
        suite=failure.suite,
        name=shown(failure.benchmark) if failure.benchmark else "",
        text=sentence(failure.reason),
        level="warning",
    )


def _result(rule: str, *, suite: str, name: str, text: str, level: str) -> Json:
    """Return a result about *name* of *suite*, or with no name about the suite."""
    place = f"{shown(suite)}: {name}" if name else shown(suite)
    return {
        "ruleId": rule,
        "ruleIndex": [known for known, *_ in _RULES].index(rule),
        "level": level,
        "message": {"text": f"{place}: {text}"},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "name": name or shown(suite),
                        "fullyQualifiedName": place,
                        "kind": "benchmark" if name else "suite",
                    }
                ]
            }
        ],
        # The same series is the same alert, whatever its numbers are.
        "partialFingerprints": {"series/v1": place},
    }
