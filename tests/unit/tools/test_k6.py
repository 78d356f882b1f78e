"""k6's output is read as k6 meant it, and damage is named by its line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from benchgate.errors import FormatError
from benchgate.model import (
    ONE_VALUE,
    Better,
    Doubt,
    Failure,
    Kind,
    Metric,
    Reading,
    Round,
    Sample,
    SeriesKey,
    Statistic,
    Tally,
    Unit,
)
from benchgate.stats.quantiles import quantiles
from benchgate.tools import k6
from benchgate.tools.source import Source

RECORDINGS = Path(__file__).parents[2] / "recordings" / "k6"
SHARED = Path(__file__).parents[4] / "shared"
ERRORS = Metric("errors", Unit.ONE, Better.LOWER, Kind.ERRORS)
TREND: dict[str, object] = {"type": "trend", "contains": "time"}
SUMMARY_DOUBTS = (
    Doubt(
        "a summary holds no single requests: record `--out json` for tails and warm-up"
    ),
    Doubt("a summary counts the requests of setup and teardown like all others"),
)


def point(metric: str, second: float, value: object, **tags: str) -> dict[str, Any]:
    """One point as k6 writes it, that many seconds into the run."""
    data = {"time": f"2026-11-23T10:00:{second:09.6f}Z", "value": value, "tags": tags}
    return {"metric": metric, "type": "Point", "data": data}


def request(
    second: float, ms: object, *, name: str = "GET /", scenario: str = "s", **tags: str
) -> dict[str, Any]:
    tags = {"name": name, "scenario": scenario, "expected_response": "true"} | tags
    return point("http_req_duration", second, ms, **tags)


def trend(name: str, contains: str) -> dict[str, Any]:
    data = {"name": name, "type": "trend", "contains": contains, "thresholds": []}
    return {"type": "Metric", "data": data, "metric": name}


def ndjson(*lines: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "load.json"


def read(
    path: Path, content: bytes, *, warmup: float = 0, partial: bool = False
) -> Round:
    path.write_bytes(content)
    source = Source("load.json", path)
    return k6.read(source, suite="load", warmup=warmup, partial=partial)


def recorded(name: str) -> Round:
    return k6.read(Source(name, RECORDINGS / name), suite="load")


def key(benchmark: str, metric: str) -> SeriesKey:
    return SeriesKey("load", benchmark, metric)


def sample(found: Round, benchmark: str, metric: str) -> Sample:
    reading = found.samples[key(benchmark, metric)]
    assert isinstance(reading, Sample)
    return reading


def tallies(readings: Mapping[SeriesKey, Reading]) -> dict[str, tuple[int, int]]:
    return {
        f"{series.benchmark}: {series.metric}": (reading.events, reading.trials)
        for series, reading in readings.items()
        if isinstance(reading, Tally)
    }


# What is read of a run


def test_durations_become_quantiles_in_seconds_with_their_points(path: Path) -> None:
    found = read(path, ndjson(*(request(ms, ms) for ms in (4, 1, 3, 2, 5))))

    assert sample(found, "GET /", "p50") == Sample(
        Metric("p50", Unit.SECOND, Better.LOWER, Kind.LATENCY),
        ONE_VALUE,
        (0.003,),
        Statistic.VALUE,
        5,
    )
    assert sample(found, "GET /", "p95") == Sample(
        Metric("p95", Unit.SECOND, Better.LOWER, Kind.TAIL),
        ONE_VALUE,
        (pytest.approx(0.0048),),  # type: ignore[arg-type]
        Statistic.VALUE,
        5,
        (0.001, 0.002, 0.003, 0.004, 0.005),
    )
    assert sample(found, "GET /", "p99").values == pytest.approx((0.00496,))
    p95, p99 = (sample(found, "GET /", name).points for name in ("p95", "p99"))
    assert p95 is p99


def test_throughput_is_requests_per_measured_second(path: Path) -> None:
    found = read(path, ndjson(*(request(end, 1) for end in (10, 11, 12, 13, 14))))

    assert sample(found, "GET /", "throughput") == Sample(
        Metric("throughput", Unit.PER_SECOND, Better.HIGHER, Kind.RATE),
        ONE_VALUE,
        (1.25,),
        Statistic.VALUE,
        5,
    )


def test_a_recording_is_read_by_request_and_trend() -> None:
    found = recorded("everything.ndjson.gz")

    requests = {
        "GET /items/:id",
        "GET /health [closed]",
        "GET /health [open]",
        "GET /search?q=a|<b>",
        "query_time",
    }
    latencies = {series for series in found.samples if series.metric == "p99"}
    assert {series.benchmark for series in latencies} == requests
    assert tallies(found.samples) == {
        "GET /items/:id: errors": (0, 54),
        "GET /health [closed]: errors": (0, 54),
        "GET /health [open]: errors": (0, 41),
        "GET /search?q=a|<b>: errors": (0, 41),
        "GET /broken: errors": (54, 54),
        "iterations: dropped": (80, 175),
        "checks: failed": (54, 108),
    }
    assert found.failures == (
        Failure("load", "GET /broken", "none of its 54 responses was an expected one"),
    )
    assert found.doubts == ()


def test_custom_trends_are_read_by_what_they_contain() -> None:
    found = recorded("everything.ndjson.gz")

    assert sample(found, "query_time", "p95").values == (0.0035,)
    assert sample(found, "rows", "p50") == Sample(
        Metric("p50", Unit.ONE, Better.LOWER, Kind.COUNT),
        ONE_VALUE,
        (12.0,),
        Statistic.VALUE,
        54,
    )
    assert key("rows", "p95") not in found.samples


def test_a_trend_of_data_is_a_size(path: Path) -> None:
    found = read(path, ndjson(trend("body", "data"), point("body", 1, 512)))

    assert sample(found, "body", "p50").metric == Metric(
        "p50", Unit.BYTE, Better.LOWER, Kind.SIZE
    )


def test_quantiles_are_those_of_k6_itself() -> None:
    with gzip.open(RECORDINGS / "everything.ndjson.gz") as lines:
        points = [json.loads(line) for line in lines if b'"http_req_duration"' in line]
    values = [
        line["data"]["value"]
        for line in points
        if line["data"].get("tags", {}).get("expected_response") == "true"
    ]
    summary = json.loads((RECORDINGS / "everything.summary.json").read_bytes())
    stated = summary["metrics"]["http_req_duration{expected_response:true}"]["values"]

    assert quantiles(values, (0.5, 0.95, 0.99)) == pytest.approx(
        (stated["med"], stated["p(95)"], stated["p(99)"]), rel=1e-12
    )


def test_quantiles_take_any_buffer() -> None:
    assert quantiles(np.arange(5.0), (0, 0.25, 1)) == (0.0, 1.0, 4.0)
    assert quantiles((3.0,), (0.5, 0.99)) == (3.0, 3.0)


def test_quantiles_of_nothing_are_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantiles((), (0.5,))


# What does not count


def test_setup_and_teardown_count_nowhere(path: Path) -> None:
    aside = ("::setup", "::setup::fill", "::teardown", "::teardown::a::b")
    found = read(
        path,
        ndjson(
            *(request(1, 900, scenario="", group=group) for group in aside),
            point("checks", 1, 0, group="::setup"),
            request(20, 1),
            request(30, 1),
        ),
        warmup=5,
    )

    assert sample(found, "GET /", "p99").points == (0.001,)
    assert key("checks", "failed") not in found.samples
    assert found.started_at == 1795428020.0


def test_a_group_of_the_users_own_may_be_called_setup(path: Path) -> None:
    found = read(path, ndjson(request(1, 1, group="::setup"), request(2, 1)))

    assert sample(found, "GET /", "p50").count == 2


def test_a_group_that_only_begins_like_setup_counts(path: Path) -> None:
    found = read(path, ndjson(request(1, 1, scenario="", group="::setup page")))

    assert sample(found, "GET /", "p50").count == 1


def test_virtual_users_counted_during_setup_do_not_start_the_clock(path: Path) -> None:
    found = read(
        path,
        ndjson(
            point("vus", 1, 0),
            point("data_sent", 2, 100, group="::setup"),
            request(10, 900),
            request(13, 1),
        ),
        warmup=2,
    )

    assert sample(found, "GET /", "p95").points == (0.001,)


def test_warm_up_is_taken_off_points_that_are_out_of_order(path: Path) -> None:
    found = read(
        path,
        ndjson(
            request(13, 3),
            request(10, 900),
            point("iterations", 10.5, 1),
            point("dropped_iterations", 10.5, 3),
            point("checks", 11, 0),
            request(12, 2),
            request(11.9, 900, expected_response="false"),
            point("iterations", 14, 1),
            point("checks", 14, 1),
        ),
        warmup=2,
    )

    assert sample(found, "GET /", "p95").points == (0.002, 0.003)
    assert sample(found, "GET /", "throughput").values == (1.0,)
    assert tallies(found.samples) == {
        "GET /: errors": (0, 2),
        "iterations: dropped": (0, 1),
        "checks: failed": (0, 1),
    }


def test_a_run_within_the_warm_up_is_a_failure(path: Path) -> None:
    found = read(path, ndjson(request(1, 1), request(2.5, 1)), warmup=2)

    reason = "the run lasted 1.5 s, all of it in the warm-up of 2 s"
    assert found.failures == (Failure("load", "", reason),)


def test_a_request_of_the_warm_up_only_is_a_doubt(path: Path) -> None:
    lines = ndjson(
        trend("t", "time"),
        point("t", 1, 1),
        request(1, 1, name="login"),
        request(9, 1),
    )

    found = read(path, lines, warmup=2)

    assert found.failures == ()
    assert [doubt.text for doubt in found.doubts] == [
        "'login' was requested in the warm-up only",
        "'t' has points in the warm-up only",
    ]


def test_unexpected_responses_are_errors_and_no_latency(path: Path) -> None:
    lines = ndjson(request(1, 5), request(2, 0, expected_response="false"))

    found = read(path, lines)

    assert sample(found, "GET /", "p50").values == (0.005,)
    assert sample(found, "GET /", "throughput").values == (2.0,)
    assert found.samples[key("GET /", "errors")] == Tally(ERRORS, 1, 2)


def test_without_the_tag_a_response_counts_as_expected(path: Path) -> None:
    found = read(path, ndjson(point("http_req_duration", 1, 5, name="a")))

    assert found.samples[key("a", "errors")] == Tally(ERRORS, 0, 1)


def test_requests_without_the_name_tag_are_one_benchmark(path: Path) -> None:
    line = request(1, 5)
    line["data"]["tags"] = None

    assert sample(read(path, ndjson(line)), "all requests", "p50").count == 1


def test_scenarios_are_kept_apart_only_where_they_share_a_name(path: Path) -> None:
    lines = ndjson(
        request(1, 1, name="a", scenario="x"),
        request(2, 1, name="a", scenario="y"),
        request(3, 1, name="b", scenario="y"),
    )

    benchmarks = {series.benchmark for series in read(path, lines).samples}

    assert benchmarks == {"a [x]", "a [y]", "b"}


@pytest.mark.parametrize(
    "name", ["a|b", "a\nb", "<b>", "é\u2028\0", "x" * 10_000, "}\n{", '"', "\\"]
)
def test_a_name_is_kept_exactly(path: Path, name: str) -> None:
    assert sample(read(path, ndjson(request(1, 1, name=name))), name, "p50")


def test_a_trend_and_a_request_of_one_name_are_an_error(path: Path) -> None:
    lines = ndjson(trend("a", "time"), point("a", 1, 1), request(1, 1, name="a"))

    with pytest.raises(FormatError, match=r"^load\.json: two .* called 'a'$"):
        read(path, lines)


# How it is written


def test_key_order_does_not_matter(path: Path) -> None:
    lines = [request(1, 1), trend("t", "time"), point("t", 1, 1), request(2, 3)]
    turned = [dict(reversed(line.items())) for line in lines]

    assert read(path, ndjson(*turned)) == read(path, ndjson(*lines))


def test_unknown_keys_and_metrics_are_no_matter(path: Path) -> None:
    line = request(1, 1) | {"new": [1]}
    line["data"]["metadata"] = {"vu": "1"}
    lines = ndjson(line, point("unheard_of", 0, -1), request(2, 1))

    assert read(path, lines) == read(path, ndjson(request(1, 1), request(2, 1)))


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-23T10:00:01Z",
        "2026-11-23T15:30:01.000000000+05:30",
        "2026-11-23T02:00:01.0-08:00",
    ],
)
def test_times_may_have_any_zone_and_precision(path: Path, time: str) -> None:
    line = request(1, 1)
    line["data"]["time"] = time

    assert read(path, ndjson(line)).started_at == 1795428001.0


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_compressed_files_are_read_as_plain_ones(path: Path, pack: Any) -> None:
    plain = gzip.decompress((RECORDINGS / "everything.ndjson.gz").read_bytes())

    assert read(path, pack(plain)) == read(path, plain)


# Numbers that can't be


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "null", "-1"]
)
def test_an_impossible_duration_fails_its_benchmark_only(
    path: Path, number: str
) -> None:
    lines = ndjson(request(1, 1, name="a"), request(2, 7777, name="b"), request(3, 1))

    found = read(path, lines.replace(b"7777", number.encode()))

    reason = "1 of 1 values are negative or not finite"
    assert found.failures == (Failure("load", "b", reason),)
    assert sample(found, "a", "p50").values == (0.001,)
    assert sample(found, "GET /", "p50").values == (0.001,)


def test_an_impossible_number_of_iterations_is_a_failure(path: Path) -> None:
    found = read(path, ndjson(point("iterations", 1, None), request(1, 1)))

    reason = "their number is negative or not finite"
    assert found.failures == (Failure("load", "iterations", reason),)


def test_a_zero_quantile_has_no_ratio_and_is_a_doubt(path: Path) -> None:
    lines = ndjson(trend("t", "time"), *(point("t", 1, ms) for ms in (0, 0, 1)))

    found = read(path, lines)

    text = "a {} of 0 can't be compared with anything"
    assert found.doubts == (
        Doubt(text.format("p10"), key("t", "p10")),
        Doubt(text.format("p50"), key("t", "p50")),
    )
    assert sample(found, "t", "p95").count == 3


# Runs that did not happen


@pytest.mark.parametrize("name", ["throws.ndjson", "throws.export.json"])
def test_k6_exit_zero_with_throwing_iterations_is_a_failure(name: str) -> None:
    reason = "every iteration ended without a request: the script throws?"

    assert recorded(name).failures == (Failure("load", "", reason),)


def test_requests_in_the_warm_up_are_not_throwing_iterations(path: Path) -> None:
    found = read(path, ndjson(request(1, 1), point("iterations", 9, 1)), warmup=2)

    assert found.failures == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        ndjson(trend("t", "time")),
        ndjson(point("vus", 1, 1)),
        ndjson(request(1, 1, scenario="", group="::setup")),
    ],
)
def test_a_file_without_points_is_an_error(path: Path, content: bytes) -> None:
    said = r"^load\.json:\d+: no request and no iteration"
    with pytest.raises(FormatError, match=said):
        read(path, content)


# Damage


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"null",
        b"\x00",
        b"",
        b"\xff\xfe",
        b"panic: runtime error",
        b'{"metric":"vus","type":"Point"}',
        b'{"metric":1,"type":"Point","data":{}}',
        b'{"metric":"vus","type":"Dot","data":{}}',
        b'{"metric":"http_reqs","type":"Point","data":{"tags":{"a":"\xff"}}}',
        b'{"metric":"http_reqs","type":"Poi{"metric":"vus","type":"Point","data":{}}',
        b'{"metric":"vus","type":"Point","data":{}}{"metric":"vus","type":"Point","data":{}}',
        b'{"metric":"vus","type":"Metric",\n"data":{}}',
        b'{"metric":"checks","type":"Point","data":5}',
        b'{"metric":"checks","type":"Point","data":{"value":1}}',
        b'{"metric":"checks","type":"Point","data":{"time":"2026-11-23T10:00:00Z"}}',
        b'{"metric":"checks","type":"Point","data":{"time":"noon","value":1}}',
        b'{"metric":"checks","type":"Point","data":{"time":"2026-11-23T10:00:00","value":1}}',
        b'{"metric":"checks","type":"Point","data":{"time":"2026-11-23T10:00:00Z","value":"1"}}',
        b'{"metric":"t","type":"Metric","data":{"contains":"time"}}',
        b'{"metric":"vus","type":"Point","data":' + b"[" * 100_000,
        b'{"metric":"vus","type":"Point","data":' + b"[" * 9000 + b"]" * 9000 + b"}",
    ],
)
@pytest.mark.parametrize("before", [0, 1, 1000])
def test_garbage_names_its_line(path: Path, line: bytes, before: int) -> None:
    good = ndjson(request(1, 1))

    with pytest.raises(
        FormatError, match=rf"^load\.json:{before + 1}: not a line of k6"
    ):
        read(path, good * before + line + b"\n" + good)


def test_a_file_of_one_endless_line_is_an_error(path: Path) -> None:
    with pytest.raises(FormatError, match=r"^load\.json:2: longer than 16777216 bytes"):
        read(path, ndjson(request(1, 1)) + b" " * 17_000_000)


def test_a_cut_file_names_the_last_whole_line(path: Path) -> None:
    content = ndjson(request(1, 1), request(2, 1), request(3, 1))

    with pytest.raises(FormatError) as caught:
        read(path, content[:-20])

    assert caught.value.problem == (
        "load.json:3: cut in the middle of line 3; the last whole line is 2"
        " (http_req_duration at 2026-11-23T10:00:02.000000Z)"
    )
    assert caught.value.hint.startswith("pass --partial")


def test_a_cut_file_is_read_where_that_is_wanted(path: Path) -> None:
    content = ndjson(request(1, 1), trend("t", "time"), request(3, 1))

    found = read(path, content[:-20], partial=True)

    assert sample(found, "GET /", "p50").count == 1
    assert [doubt.text for doubt in found.doubts] == [
        "load.json: cut in the middle of line 3; the last whole line is 2 (t)"
    ]


def test_a_file_cut_in_its_first_line_has_no_whole_line(path: Path) -> None:
    with pytest.raises(FormatError, match=r"line 1; there is no whole line$"):
        read(path, ndjson(request(1, 1))[:-5])


@pytest.mark.parametrize(
    ("pack", "kind"), [(gzip.compress, "gzip"), (zstandard.compress, "zstd")]
)
def test_a_cut_stream_names_the_last_whole_line(
    path: Path, pack: Any, kind: str
) -> None:
    plain = gzip.decompress((RECORDINGS / "everything.ndjson.gz").read_bytes())
    said = rf"^load\.json: the {kind} stream stops before its end: cut in the middle"

    with pytest.raises(FormatError, match=said) as caught:
        read(path, pack(plain * 9)[:-2000])

    assert "; the last whole line is " in caught.value.problem
    assert caught.value.hint.startswith("pass --partial")


def test_a_cut_stream_is_read_where_that_is_wanted(path: Path) -> None:
    content = (RECORDINGS / "everything.ndjson.gz").read_bytes()[:-2000]

    found = read(path, content, partial=True)

    assert sample(found, "GET /items/:id", "p50").count in range(40, 55)
    assert [doubt.text[:33] for doubt in found.doubts] == [
        "load.json: cut in the middle of l"
    ]


# Summaries


@pytest.mark.parametrize("name", ["everything.summary.json", "everything.export.json"])
def test_summaries_say_what_k6_said(name: str) -> None:
    found = recorded(name)

    assert sample(found, "all requests", "p50").values == pytest.approx((1.60069e-3,))
    assert sample(found, "all requests", "p95").values == pytest.approx(
        (2.0601903999999988e-3,)
    )
    assert sample(found, "all requests", "p99").values == pytest.approx(
        (2.6407701999999447e-3,)
    )
    assert sample(found, "all requests", "p99").count == 193
    assert sample(found, "GET /items/:id", "p50").values == pytest.approx(
        (1.727408e-3,)
    )
    assert sample(found, "all requests", "throughput").count == 247
    assert tallies(found.samples) == {
        "all requests: errors": (54, 247),
        "iterations: dropped": (80, 175),
        "checks: failed": (54, 108),
    }


def test_a_machine_readable_summary_says_what_k6_said() -> None:
    found = recorded("everything.machine.json")

    assert sample(found, "all requests", "p95").values == (2.2039799999999977e-3,)
    assert key("all requests", "p99") not in found.samples
    assert sample(found, "query_time", "p95").values == (0.0035,)
    assert sample(found, "rows", "p50").metric.kind is Kind.COUNT
    assert sample(found, "all requests", "throughput").values == pytest.approx(
        (104.64,), abs=0.01
    )
    assert tallies(found.samples) == {
        "all requests: errors": (54, 247),
        "iterations: dropped": (80, 175),
        "checks: failed": (54, 108),
    }
    assert found.doubts == SUMMARY_DOUBTS


def test_both_spellings_of_machine_readable_keys_are_read(path: Path) -> None:
    raw = (RECORDINGS / "everything.machine.json").read_bytes()
    spelt = raw.replace(b'"p95"', b'"p(95)"').replace(b"k6_version", b"k6Version")

    assert spelt != raw
    assert read(path, spelt) == read(path, raw)


@pytest.mark.parametrize(
    "name",
    ["everything.summary.json", "everything.export.json", "everything.machine.json"],
)
def test_a_trend_without_samples_is_a_failure_not_infinitely_fast(name: str) -> None:
    failures = {each.benchmark: each.reason for each in recorded(name).failures}

    assert failures == {
        "GET /gone": "k6 recorded no sample of 'http_req_duration{name:GET /gone}'",
        "never_sampled": "k6 recorded no sample of 'never_sampled'",
    }


@pytest.mark.parametrize("name", ["everything.summary.json", "everything.export.json"])
def test_the_thresholds_of_an_export_are_inverted(name: str) -> None:
    doubts = [each.text for each in recorded(name).doubts if "threshold" in each.text]

    where = "'http_req_duration{name:GET /items/:id}'"
    assert doubts == [f"k6's own threshold 'p(95)<0.001' on {where} failed"]


def test_a_summary_says_once_what_it_lacks() -> None:
    assert recorded("throws.export.json").doubts == SUMMARY_DOUBTS


def test_an_export_does_not_say_units_so_trends_are_left_out() -> None:
    found = recorded("everything.export.json")

    assert key("query_time", "p50") not in found.samples
    text = "the unit of {!r} isn't in a summary export, so it is left out: {}"
    assert {each.text for each in found.doubts} >= {
        text.format(trend, "record `--out json`") for trend in ("query_time", "rows")
    }


def summary(**metrics: Mapping[str, object]) -> bytes:
    return json.dumps({"root_group": {"checks": []}, "metrics": metrics}).encode()


@pytest.mark.parametrize("number", [None, float("inf"), float("nan"), -1])
def test_an_impossible_statistic_is_a_failure(path: Path, number: object) -> None:
    values = {"med": 1, "p(95)": number, "avg": 2}

    found = read(path, summary(t={**TREND, "values": values}))

    assert found.samples == {}
    assert found.failures == (
        Failure("load", "t", "p95 of 't' is negative or not finite"),
    )


def test_sub_metrics_of_setup_are_left_out(path: Path) -> None:
    tagged = {
        f"http_req_duration{{{tags}}}": {**TREND, "values": {"med": 2}}
        for tags in ("group:::setup", "group:::teardown::a", "name:a", "scenario:s")
    }

    found = read(path, summary(**tagged))

    assert {series.benchmark for series in found.samples} == {"a", "scenario:s"}


def test_an_infinite_rate_and_count_are_left_out(path: Path) -> None:
    values = {"count": float("inf"), "rate": float("inf")}

    found = read(path, summary(http_reqs={"type": "counter", "values": values}))

    assert found.samples == {}
    assert found.doubts[-1].series == key("all requests", "throughput")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"root_group":{"checks":[]},\n"metrics":{\n', r":3: not JSON: "),
        (b'{"root_group":\n"\xff","checks":0}', r":2: not UTF-8"),
        (b'{"root_group":1,"checks":' + b"[" * 100_000, r":1: not JSON: nested"),
        (b'{"root_group":"checks"}', r": not a summary of k6: .*`metrics`"),
        (b'{"root_group":1,"checks":2,"metrics":[]}', r": not a summary of k6: "),
        (b'{"root_group":1,"checks":2,"metrics":{}}', r": a summary without metrics"),
        (summary(a={"values": {"med": "fast"}}), r": not a summary of k6: .*metrics"),
        (summary(a={"med": [1]}), r": not a summary of k6: .*metrics"),
        (b'{"root_group":1,"checks":2,"results":1}', r": not a summary of k6: "),
    ],
)
def test_a_damaged_summary_names_its_place(
    path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(FormatError, match=r"^load\.json" + said):
        read(path, content)


# Recognition


@pytest.mark.parametrize(
    "name",
    [
        "everything.ndjson.gz",
        "everything.summary.json",
        "everything.export.json",
        "everything.machine.json",
        "throws.ndjson",
        "throws.export.json",
    ],
)
def test_k6_is_recognised_by_its_content(path: Path, name: str) -> None:
    path.write_bytes((RECORDINGS / name).read_bytes())

    assert k6.recognises(Source("anything", path))


@pytest.mark.parametrize("order", [1, -1])
def test_a_summary_larger_than_the_head_is_recognised(path: Path, order: int) -> None:
    document = json.loads((RECORDINGS / "everything.summary.json").read_bytes())
    document["root_group"]["checks"] = [{"name": "c" * 100_000}]
    path.write_text(json.dumps(dict(list(document.items())[::order])))

    assert k6.recognises(Source("anything", path))


def test_a_long_script_does_not_hide_a_machine_readable_summary(path: Path) -> None:
    document = json.loads((RECORDINGS / "everything.machine.json").read_bytes())
    document["config"]["script"] = "//" * 100_000
    path.write_text(json.dumps(document))

    assert k6.recognises(Source("anything", path))


def test_garbage_in_the_first_line_does_not_hide_the_rest(path: Path) -> None:
    path.write_bytes(b"garbage\n" + ndjson(request(1, 1)))

    assert k6.recognises(Source("anything", path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"<html>",
        b"{}",
        b"[]",
        b'{"benchmarks":[]}',
        b'{"reason":"benchmark-complete","id":"a"}\n',
        b'{"results":[{"command":"sleep 1","times":[1.0]}]}',
        b"\x89PNG\r\n\x1a\n\x00",
        b"[" * 70_000,
    ],
)
def test_other_files_are_not_k6s(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert not k6.recognises(Source("anything", path))


def test_a_directory_is_not_k6s(tmp_path: Path) -> None:
    assert not k6.recognises(Source("anything", tmp_path))


# Real data, where it is at hand


@pytest.mark.skipif(not (SHARED / "samples" / "k6").is_dir(), reason="no ../shared")
@pytest.mark.parametrize(
    ("name", "requests", "metric", "value"),
    [
        ("hs.json", "all requests", "p95", 0.09851551739999999),
        ("se.json", "scenario:open", "p50", 0.094634276),
        ("mr.json", "scenario:open", "p95", 0.09875318),
        ("mr_full.json", "all requests", "p50", 0.043566813),
        ("out_head.ndjson", "http://127.0.0.1:18080/fast/0", "p50", 0.0018487835),
    ],
)
def test_shared_samples_are_read(
    name: str, requests: str, metric: str, value: float
) -> None:
    source = Source(name, SHARED / "samples" / "k6" / name)

    assert k6.recognises(source)
    found = k6.read(source, suite="load")
    assert sample(found, requests, metric).values == pytest.approx((value,))


@pytest.mark.skipif(not (SHARED / "samples" / "k6").is_dir(), reason="no ../shared")
def test_a_recording_cut_by_sigkill_names_its_last_line() -> None:
    name = "truncated_by_sigkill.json.gz"

    with pytest.raises(FormatError, match="the last whole line is 2687 "):
        k6.read(Source(name, SHARED / "samples" / "k6" / name), suite="load")


@pytest.mark.skipif(
    not (SHARED / "data" / "pull-requests").is_dir(), reason="no ../shared"
)
@pytest.mark.parametrize("side", ["base", "head"])
@pytest.mark.parametrize("window", range(8))
def test_recorded_pull_requests_are_read(side: str, window: int) -> None:
    name = f"k6-000-{window:02}-{side}.ndjson.gz"
    source = Source(name, SHARED / "data" / "pull-requests" / name)

    found = k6.read(source, suite="load", warmup=1)

    assert found.failures == ()
    assert found.doubts == ()
    assert {series.benchmark for series in found.samples} == {
        "GET /items/:id",
        "GET /search",
        "GET /report",
        "iterations",
    }
    assert sample(found, "GET /items/:id", "throughput").values == pytest.approx(
        (80,), rel=0.05
    )
