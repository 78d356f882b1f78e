"""k6's summaries → the quantiles of all requests and of the sub-metrics in them.

k6 writes three: what ``handleSummary`` is given, ``--summary-export``, and either of
them with ``--new-machine-readable-summary``. They become one shape first, that of
``handleSummary``. A summary holds statistics of a whole run and no points: nothing
can be taken out of it any more, neither the warm-up nor ``setup()``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from benchgate.errors import FormatError
from benchgate.model import Round, Unit
from benchgate.tools.k6.readings import (
    ALL_REQUESTS,
    ERRORS,
    FAILED,
    MS_PER_SECOND,
    PARTS,
    REQUESTS,
    THROUGHPUT,
    Readings,
    is_real,
    metrics_of,
)
from benchgate.tools.source import Source

_EXPECTED_ONLY = "{expected_response:true}"
_ASIDE = ("group:::setup", "group:::teardown")
_HTTP_REQS = "http_reqs"
_HTTP_FAILED = "http_req_failed"
_KEY = {"p10": "p(10)", "p50": "med", "p95": "p(95)", "p99": "p(99)"}
_NO_POINTS = (
    "a summary holds no single requests: record `--out json` for tails and warm-up",
    "a summary counts the requests of setup and teardown like all others",
)
# All of a row are near the beginning of a summary, whatever the order of its keys;
# in a machine-readable one the script comes first, and may be long.
_MARKS = (
    (b'"root_group"', b'"checks"'),
    (b'"metrics"', b'"iteration_duration"'),
    (b'"metrics"', b'"data_received"'),
    (b'"config"', b'"execution"', b'"script"'),
)

_Values = dict[str, float | None]


class _Threshold(msgspec.Struct):
    ok: bool


class _Summarised(msgspec.Struct):
    """A metric as ``handleSummary`` gets it."""

    values: _Values
    type: str = ""
    contains: str = ""
    thresholds: dict[str, _Threshold] = {}


class _HandleSummary(msgspec.Struct):
    metrics: dict[str, _Summarised]


class _Export(msgspec.Struct):
    metrics: dict[str, dict[str, float | dict[str, bool] | None]]


class _Named(msgspec.Struct):
    name: str
    values: _Values
    type: str = ""
    contains: str = ""


class _Checks(msgspec.Struct):
    metrics: list[_Named] = []


class _Results(msgspec.Struct):
    metrics: list[_Named]
    checks: _Checks = msgspec.field(default_factory=_Checks)


class _Config(msgspec.Struct):
    duration: float


class _MachineReadable(msgspec.Struct):
    config: _Config
    results: _Results


def recognises(head: bytes) -> bool:
    """Say whether *head* begins like a summary of k6."""
    return head.lstrip().startswith(b"{") and any(
        all(mark in head for mark in marks) for marks in _MARKS
    )


def read(source: Source, *, suite: str) -> Round:
    """Return what the summary *source* says; raise FormatError if it is damaged."""
    metrics = _metrics_of(source)
    if not metrics:
        raise FormatError(
            f"{source.name}: a summary without metrics",
            hint="record a whole run with `k6 run --out json=FILE`",
        )
    readings = Readings(source.name, suite)
    for text in _NO_POINTS:
        readings.add_doubt(text)
    _add_thresholds(readings, metrics)
    metrics = _relevant(metrics)
    for name in metrics:
        _add(readings, metrics, name)
    readings.add_iterations(
        done=_count(metrics, "iterations"),
        dropped=_count(metrics, "dropped_iterations"),
        idle=not any(metric.type == "trend" for metric in metrics.values()),
    )
    passed, failed = _tally(metrics, "checks")
    readings.add_tally("checks", FAILED, failed, passed + failed)
    return readings.round(started_at=None)


def _metrics_of(source: Source) -> Mapping[str, _Summarised]:
    document = _document_of(source)
    try:
        if "results" in document:
            return _from_machine(msgspec.convert(document, _MachineReadable))
        if _is_export(document):
            return _from_export(msgspec.convert(document, _Export))
        return msgspec.convert(document, _HandleSummary).metrics
    except msgspec.ValidationError as error:
        raise FormatError(
            f"{source.name}: not a summary of k6: {error}",
            hint="record it again, best with `k6 run --out json=FILE`",
        ) from error


def _document_of(source: Source) -> dict[str, Any]:
    raw = source.read()
    try:
        document: dict[str, Any] = json.loads(raw.decode())  # it begins with {
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"{source.name}:{line}: not UTF-8"
        raise FormatError(problem, hint="record it again") from error
    except json.JSONDecodeError as error:
        problem = f"{source.name}:{error.lineno}: not JSON: {error.msg.lower()}"
        raise FormatError(problem, hint="record it again") from error
    except RecursionError as error:
        raise FormatError(f"{source.name}:1: not JSON: nested too deeply") from error
    return document


def _is_export(document: Mapping[str, Any]) -> bool:
    metrics = document.get("metrics")
    return isinstance(metrics, dict) and not any(
        isinstance(metric, dict) and isinstance(metric.get("values"), dict)
        for metric in metrics.values()
    )


def _from_export(document: _Export) -> dict[str, _Summarised]:
    metrics = {}
    for name, fields in document.metrics.items():
        values: _Values = {}
        thresholds = {}
        for key, value in fields.items():
            if isinstance(value, dict):
                # In this format, and only here, true means that it failed.
                thresholds = {rule: _Threshold(not bad) for rule, bad in value.items()}
            else:
                values[key] = value
        # Counters have a rate; rates and gauges have a value.
        kind = "" if {"rate", "value"} & values.keys() else "trend"
        contains = "time" if _parts(name)[0] == REQUESTS else ""
        metrics[name] = _Summarised(values, kind, contains, thresholds)
    return metrics


def _from_machine(document: _MachineReadable) -> dict[str, _Summarised]:
    metrics = {}
    for metric in (*document.results.metrics, *document.results.checks.metrics):
        values = metric.values
        # The documented spelling is p(95), what k6 writes is p95.
        for short, long in (("p95", "p(95)"), ("p99", "p(99)")):
            if short in values:
                values[long] = values.pop(short)
        matches, total = values.get("matches"), values.get("total")
        if matches is not None and total is not None:
            values |= {"passes": matches, "fails": total - matches}
        count = values.get("count")
        if metric.type == "counter" and count and document.config.duration > 0:
            values["rate"] = count / document.config.duration
        name = "checks" if metric.name == "checks_succeeded" else metric.name
        metrics[name] = _Summarised(values, metric.type, metric.contains)
    return metrics


def _add_thresholds(readings: Readings, metrics: Mapping[str, _Summarised]) -> None:
    for name, metric in metrics.items():
        for rule, threshold in metric.thresholds.items():
            if not threshold.ok:
                readings.add_doubt(f"k6's own threshold {rule!r} on {name!r} failed")


def _relevant(metrics: Mapping[str, _Summarised]) -> dict[str, _Summarised]:
    """Return *metrics* with the latency of expected responses as that of all.

    Without sub-metrics of setup and teardown, and of parts of a request.
    """
    relevant = {
        name: metric
        for name, metric in metrics.items()
        if _parts(name)[0] not in PARTS
        and not _parts(name)[1].startswith(_ASIDE)
        and not name.endswith(_EXPECTED_ONLY)
    }
    expected = metrics.get(REQUESTS + _EXPECTED_ONLY)
    if expected is not None:
        relevant[REQUESTS] = expected
    return relevant


def _add(readings: Readings, metrics: Mapping[str, _Summarised], name: str) -> None:
    """Add what the metric *name* says of all requests, of some, or of a trend."""
    metric = metrics[name]
    base, suffix = _parts(name)
    requests = suffix.removeprefix("name:") or ALL_REQUESTS
    tags = name.removeprefix(base)
    failed, expected = _tally(metrics, _HTTP_FAILED + tags)
    if base == REQUESTS:
        # The failed ones are among those of a sub-metric.
        count = expected + failed if tags else expected
        _add_trend(readings, requests, name, metric, count=count)
    elif base == _HTTP_FAILED:
        readings.add_tally(requests, ERRORS, failed, failed + expected)
    elif base == _HTTP_REQS:
        rate = metric.values.get("rate") or 0.0
        readings.add_value(requests, THROUGHPUT, rate, count=_count(metrics, name))
    elif metric.type == "trend":
        _add_trend(readings, name, name, metric, count=0)


def _add_trend(
    readings: Readings, benchmark: str, name: str, metric: _Summarised, *, count: int
) -> None:
    """Add the quantiles that k6 took of a trend.

    A trend without one sample, which only a threshold brings in, is all zeros.
    """
    values = metric.values
    if all(value == 0 for value in values.values()):
        readings.add_failure(benchmark, f"k6 recorded no sample of {name!r}")
        return
    if not metric.contains:
        readings.add_doubt(
            f"the unit of {name!r} isn't in a summary export, so it is left out:"
            " record `--out json`"
        )
        return
    metrics = metrics_of(metric.contains)
    found = {
        each: values[key] for each in metrics if (key := _KEY[each.name]) in values
    }
    numbers = {
        each: value
        for each, value in found.items()
        if value is not None and is_real(value)
    }
    wrong = [each.name for each in found if each not in numbers]
    if wrong:
        reason = f"{', '.join(wrong)} of {name!r} is negative or not finite"
        readings.add_failure(benchmark, reason)
        return
    for each, value in numbers.items():
        divisor = MS_PER_SECOND if each.unit is Unit.SECOND else 1.0
        readings.add_value(benchmark, each, value / divisor, count=count)


def _parts(name: str) -> tuple[str, str]:
    """Return the metric and the tags of a sub-metric's *name*, ``metric{tags}``."""
    base, _, tags = name.partition("{")
    return base, tags.removesuffix("}")


def _tally(metrics: Mapping[str, _Summarised], name: str) -> tuple[int, int]:
    """Return how often a rate was true and false; both 0 if there is none."""
    return _count(metrics, name, "passes"), _count(metrics, name, "fails")


def _count(
    metrics: Mapping[str, _Summarised], name: str, statistic: str = "count"
) -> int:
    """Return a whole number that k6 counted; 0 if there is none."""
    metric = metrics.get(name)
    value = metric.values.get(statistic) if metric else None
    return int(value) if value is not None and is_real(value) else 0
