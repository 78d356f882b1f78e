"""The traps of criterion's two formats, each by its name."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchgate.errors import FormatError
from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Doubt,
    Failure,
    Kind,
    Metric,
    Round,
    Sample,
    SeriesKey,
    Statistic,
    Unit,
)
from benchgate.tools import criterion
from benchgate.tools.source import Source

RECORDINGS = Path(__file__).parents[2] / "recordings" / "criterion"
SHARED = Path(__file__).parents[3].parent / "shared" / "samples"
TIME = Metric("time", Unit.SECOND, Better.LOWER, Kind.TIME)
LONG = "y" * 110


def key(benchmark: str) -> SeriesKey:
    return SeriesKey("micro", benchmark, "time")


def read(path: Path, baseline: str = "", *, partial: bool = False) -> Round:
    source = Source(path.name, path, baseline)
    return criterion.read(source, suite="micro", partial=partial)


def names(found: Round) -> list[str]:
    return [series.benchmark for series in found.samples]


def message(benchmark: str = "b", **changes: Any) -> dict[str, Any]:
    """Return a message of 20 samples, ten nanoseconds an iteration."""
    counts = [10 * (place + 1) for place in range(20)]
    usual = {
        "reason": "benchmark-complete",
        "id": benchmark,
        "report_directory": "/build/reports/b",
        "iteration_count": counts,
        "measured_values": [10.0 * count for count in counts],
        "unit": "ns",
    }
    return usual | changes


def written(folder: Path, *lines: dict[str, Any] | bytes) -> Path:
    """Return a file of *lines*; bytes are written as they are."""
    path = folder / "x.json"
    raw = [
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
        for line in lines
    ]
    path.write_bytes(b"".join(raw))
    return path


def stored(
    root: Path,
    directory: str,
    *,
    baseline: str = "new",
    identity: dict[str, Any] | None = None,
    sample: bytes | None = None,
) -> Path:
    """Write a measurement as criterion does and return its folder."""
    folder = root / directory / baseline
    folder.mkdir(parents=True)
    usual = {"full_id": directory, "title": directory, "directory_name": directory}
    (folder / "benchmark.json").write_text(json.dumps(usual | (identity or {})))
    counts = [float(10 * (place + 1)) for place in range(20)]
    times = {"iters": counts, "times": [10 * count for count in counts]}
    raw = json.dumps({"sampling_mode": "Linear"} | times).encode()
    (folder / "sample.json").write_bytes(raw if sample is None else sample)
    return folder


def test_totals_become_seconds_per_iteration(tmp_path: Path) -> None:
    found = read(written(tmp_path, message("b")))

    assert found == Round(
        {
            key("b"): Sample(
                metric=TIME,
                statistics=SLICE_STATISTICS,
                values=(1e-8, 1e-8, 1e-8, 1e-8, 1e-8),
                primary=Statistic.Q10,
                count=20,
            )
        }
    )


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [("ps", 1e-11), ("ns", 1e-8), ("us", 1e-5), ("µs", 1e-5), ("ms", 1e-2), ("s", 10)],
)
def test_every_unit_of_time_is_converted(
    tmp_path: Path, unit: str, seconds: float
) -> None:
    found = read(written(tmp_path, message(unit=unit)))

    assert found.samples[key("b")].value(Statistic.MEDIAN) == pytest.approx(seconds)  # type: ignore[union-attr]


def test_recorded_messages_are_read_in_order() -> None:
    found = read(RECORDINGS / "messages.ndjson")

    assert names(found) == [
        "plain",
        "a/b:c?d*e|f",
        "NsReader::read<T>\\x @here | `q`, trim = false",
        "two\nlines",
        "größe/π µs",
        "x" * 70 + "_one",
        "x" * 70 + "_two",
        "y" * 100 + "...",
        "y" * 100 + "... #2",
        "new",
        "p/q",
        "p/q #2",
        "grp/sum/10",
        "grp/sum/100",
        "slow/sleep 1ms",
    ]
    assert found.failures == ()


def test_a_zero_time_benchmark_is_absent_and_not_zero() -> None:
    found = read(RECORDINGS / "messages.ndjson")

    assert key("zero") not in found.samples


def test_cargo_criterion_percent_unit_is_never_read(tmp_path: Path) -> None:
    change = {
        "mean": {"estimate": -0.4, "unit": "%"},
        "median": {"estimate": -0.4, "unit": "%"},
        "change": "Improved",
    }
    improved = written(tmp_path, message(change=change))
    concluded = read(improved)
    plain = read(written(tmp_path, message(change=None)))

    assert concluded == plain


def test_group_complete_is_no_sign_of_completeness(tmp_path: Path) -> None:
    group = {"reason": "group-complete", "group_name": "g", "benchmarks": ["gone"]}

    found = read(written(tmp_path, message("b"), group))

    assert names(found) == ["b"]


def test_a_filter_that_left_nothing_is_a_failure_of_the_suite(tmp_path: Path) -> None:
    group = {"reason": "group-complete", "group_name": "g", "benchmarks": ["old"]}

    found = read(written(tmp_path, group))

    assert found.failures == (Failure("micro", "", "no benchmark was measured"),)


@pytest.mark.parametrize(
    "other", [{"reason": "run-complete"}, {"reason": "news", "id": 7, "unit": []}]
)
def test_unknown_reasons_are_tolerated(tmp_path: Path, other: dict[str, Any]) -> None:
    found = read(written(tmp_path, other, message("b")))

    assert (names(found), found.failures) == (["b"], ())


def test_unknown_keys_are_tolerated(tmp_path: Path) -> None:
    found = read(written(tmp_path, message("b", std_dev={"estimate": None})))

    assert names(found) == ["b"]


def test_bytes_decimal_abort_keeps_the_messages_before_it() -> None:
    found = read(RECORDINGS / "bytes_decimal_abort.ndjson")

    assert (names(found), found.failures) == (["tp/bytes"], ())


def test_a_panic_keeps_the_messages_before_it() -> None:
    found = read(RECORDINGS / "panic.ndjson")

    assert names(found) == ["before"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    found = read(written(tmp_path, b"\xef\xbb\xbf", message("b")))

    assert names(found) == ["b"]


def test_windows_line_ends_and_empty_lines_are_nothing(tmp_path: Path) -> None:
    line = json.dumps(message("b")).encode()

    found = read(written(tmp_path, line, b"\r\n\r\n\n"))

    assert names(found) == ["b"]


@pytest.mark.parametrize(
    ("counts", "primary"),
    [
        ([float(place) for place in range(1, 20)], Statistic.MEDIAN),
        ([float(place) for place in range(1, 21)], Statistic.Q10),
        ([7.0] * 10, Statistic.Q10),
    ],
    ids=["19 linear", "20 linear", "10 flat"],
)
def test_few_samples_of_linear_mode_force_the_median(
    tmp_path: Path, counts: list[float], primary: Statistic
) -> None:
    line = message(iteration_count=counts, measured_values=counts)

    found = read(written(tmp_path, line)).samples[key("b")]

    assert isinstance(found, Sample)
    assert (found.primary, found.count) == (primary, len(counts))


def test_recorded_flat_mode_has_no_slope_and_is_read_as_any() -> None:
    line = json.loads((RECORDINGS / "flat.ndjson").read_text())
    found = read(RECORDINGS / "flat.ndjson").samples[key("slow/sleep 1ms")]

    assert line["slope"] is None
    assert isinstance(found, Sample)
    assert found.primary is Statistic.Q10
    assert found.value(Statistic.MEDIAN) == pytest.approx(1.08e-3, rel=0.05)


@pytest.mark.parametrize(
    "recording", ["quick.ndjson", "quick"], ids=["messages", "directory"]
)
def test_quick_runs_are_refused(recording: str) -> None:
    found = read(RECORDINGS / recording)

    reason = "2 samples: --quick can't be judged"
    assert found == Round({}, failures=(Failure("micro", "plain", reason),))


def test_a_custom_measurement_is_refused_with_its_unit() -> None:
    found = read(RECORDINGS / "custom_unit.ndjson")

    reason = 'it is measured in "cycles", which is no unit of time'
    assert found.failures == (Failure("micro", "cycles", reason),)


def broken(place: str, value: str) -> bytes:
    """Return a message in which one number of the list *place* is *value*."""
    line = json.dumps(message("bad"))
    start = line.index("[", line.index(place)) + 1
    end = line.index(",", start)
    return f"{line[:start]}{value}{line[end:]}\n".encode()


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("measured_values", "null", "measured_values holds null"),
        ("measured_values", "NaN", "measured_values holds NaN"),
        ("measured_values", "Infinity", "measured_values holds Infinity"),
        ("measured_values", "1e999", "measured_values holds Infinity"),
        ("measured_values", '"NaN"', 'measured_values holds "NaN"'),
        ("measured_values", "true", "measured_values holds true"),
        ("measured_values", "9" * 400, "measured_values holds " + "9" * 40),
        ("measured_values", "0", "a time is zero or negative"),
        ("measured_values", "-0.0", "a time is zero or negative"),
        ("measured_values", "-3.5", "a time is zero or negative"),
        ("measured_values", "5e-324", "a time is zero or negative"),
        ("measured_values", "1e300", "a time is longer than thirty years"),
        ("iteration_count", "null", "iteration_count holds null"),
        ("iteration_count", "0", "an iteration count is below one"),
        ("iteration_count", "-4", "an iteration count is below one"),
    ],
)
def test_a_number_that_is_none_fails_its_benchmark_alone(
    tmp_path: Path, place: str, value: str, reason: str
) -> None:
    found = read(written(tmp_path, message("a"), broken(place, value), message("z")))

    assert names(found) == ["a", "z"]
    assert found.failures == (Failure("micro", "bad", reason),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"measured_values": [1.0] * 19}, "19 times but 20 iteration counts"),
        (
            {"measured_values": [], "iteration_count": []},
            "0 samples: --quick can't be judged",
        ),
        ({"measured_values": {}}, "measured_values is no list of numbers"),
        ({"unit": None}, "Expected `str`, got `null` - at `$.unit`"),
        ({"unit": ""}, 'it is measured in "", which is no unit of time'),
    ],
    ids=["unequal", "empty", "no list", "no unit", "empty unit"],
)
def test_lists_that_do_not_fit_fail_their_benchmark(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    found = read(written(tmp_path, message("a"), message("bad", **changes)))

    assert names(found) == ["a"]
    assert found.failures == (Failure("micro", "bad", reason),)


def test_two_benchmarks_with_one_id_are_never_merged(tmp_path: Path) -> None:
    slower = message("twice", measured_values=[9e9] * 20)

    found = read(written(tmp_path, message("twice"), message("once"), slower))

    assert names(found) == ["once"]
    reason = "2 benchmarks have this id: rename all but one"
    assert found.failures == (Failure("micro", "twice", reason),)


def test_two_targets_with_one_id_are_kept_apart_with_a_doubt() -> None:
    found = read(RECORDINGS / "two_targets.ndjson")

    assert names(found) == ["plain", "plain #2"]
    assert [doubt.series for doubt in found.doubts] == [key("plain"), key("plain #2")]
    assert "rename one" in found.doubts[0].text


def test_a_name_that_only_looks_numbered_is_not_doubted(tmp_path: Path) -> None:
    found = read(written(tmp_path, message("case #2")))

    assert found.doubts == ()


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a::b",
        "a|b",
        "a\\b",
        "a<b>",
        "@team",
        "two\nlines",
        "a b = {c}",
        " padded ",
        "größe/π",
        "\u202eevil",
        "🦀" * 25,
        "n" * 10_000,
    ],
)
def test_ids_are_kept_exactly(tmp_path: Path, name: str) -> None:
    found = read(written(tmp_path, message(name), message(name + ".")))

    assert names(found) == [name, name + "."]


def test_half_a_surrogate_pair_is_refused_by_a_name_that_prints(
    tmp_path: Path,
) -> None:
    found = read(written(tmp_path, message("a\ud800"), message("b")))

    assert names(found) == ["b"]
    assert found.failures[0].benchmark == "a\\ud800"


@pytest.mark.parametrize("name", ["", None, 7])
def test_a_benchmark_without_an_id_is_an_error(tmp_path: Path, name: object) -> None:
    with pytest.raises(FormatError, match=r"^x\.json:2: a benchmark without"):
        read(written(tmp_path, message("b"), message("b", id=name)))


@pytest.mark.parametrize(
    "line",
    [b"noise", b"{", b"[]", b"null", b"\x00", b'{"id":"b"}', b'{"reason":"\xff"}'],
)
def test_noise_on_standard_output_names_its_line(tmp_path: Path, line: bytes) -> None:
    path = written(tmp_path, message("a"), line, b"\n", message("b"))

    with pytest.raises(FormatError, match=r"^x\.json:2: this is no cargo-criterion"):
        read(path, partial=True)


def test_brackets_without_end_are_an_error_and_no_crash(tmp_path: Path) -> None:
    line = b'{"reason":"benchmark-complete","x":' + b"[" * 100_000

    with pytest.raises(FormatError, match=r"^x\.json:1: "):
        read(written(tmp_path, line, b"\n", message("b")))


def test_a_cut_last_line_is_an_error(tmp_path: Path) -> None:
    cut = json.dumps(message("cut")).encode()[:100]

    with pytest.raises(FormatError, match=r"^x\.json:2: the last line is cut") as error:
        read(written(tmp_path, message("b"), cut))

    assert "--partial" in error.value.hint


def test_a_cut_last_line_is_a_doubt_when_partial(tmp_path: Path) -> None:
    cut = json.dumps(message("cut")).encode()[:100]

    found = read(written(tmp_path, message("b"), cut), partial=True)

    text = "x.json:2: the last line is cut and what followed is missing"
    assert (names(found), found.doubts) == (["b"], (Doubt(text),))


def test_a_last_line_without_its_end_is_whole(tmp_path: Path) -> None:
    found = read(written(tmp_path, json.dumps(message("b")).encode()))

    assert names(found) == ["b"]


@pytest.mark.parametrize("raw", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x\.json:1: the file is empty"):
        read(written(tmp_path, raw))


def test_recorded_directories_agree_with_messages_on_names() -> None:
    directory = set(names(read(RECORDINGS / "directory")))
    messages = set(names(read(RECORDINGS / "messages.ndjson")))

    # The recording leaves out a folder with a line feed, which Windows can't hold.
    assert messages - directory == {
        "two\nlines",
        "y" * 100 + "...",
        "y" * 100 + "... #2",
    }
    assert directory - messages == {LONG + "_one", LONG + "_two"}


def test_a_directory_and_messages_of_equal_samples_are_equal(tmp_path: Path) -> None:
    stored(tmp_path / "criterion", "b")

    from_directory = read(tmp_path / "criterion")

    assert from_directory == read(written(tmp_path, message("b")))


def test_directory_name_is_not_identity(tmp_path: Path) -> None:
    one = {"full_id": "x" * 70 + "_one", "title": "x" * 70 + "_one"}
    two = {"full_id": "x" * 70 + "_two", "title": "x" * 70 + "_two"}
    first = read_swapped(tmp_path / "first", one, two)
    second = read_swapped(tmp_path / "second", two, one)

    assert first == second == {one["full_id"], two["full_id"]}


def read_swapped(root: Path, *identities: dict[str, str]) -> set[str]:
    first, second = identities
    directory = "x" * 64
    stored(root, directory, identity={**first, "directory_name": directory})
    directory = "x" * 64 + "_2"
    stored(root, directory, identity={**second, "directory_name": directory})
    return set(names(read(root)))


def test_a_title_cut_after_100_bytes_is_no_name_in_a_directory(tmp_path: Path) -> None:
    title = "y" * 100 + "..."
    stored(tmp_path, "y" * 64, identity={"full_id": LONG, "title": title})

    assert names(read(tmp_path)) == [LONG]


def test_a_slash_in_a_part_does_not_merge_two_benchmarks() -> None:
    found = read(RECORDINGS / "directory")

    assert {"p/q", "p/q #2"} <= set(names(found))
    assert [doubt.series for doubt in found.doubts] == [key("p/q"), key("p/q #2")]


def test_one_identity_in_two_folders_is_refused(tmp_path: Path) -> None:
    stored(tmp_path, "a", identity={"full_id": "same", "title": "same"})
    stored(tmp_path, "a_2", identity={"full_id": "same", "title": "same"})

    found = read(tmp_path)

    assert names(found) == []
    assert [failure.benchmark for failure in found.failures] == ["same"]


def test_a_title_is_not_needed(tmp_path: Path) -> None:
    identity = stored(tmp_path, "b") / "benchmark.json"
    identity.write_text('{"full_id":"b","directory_name":"b"}')

    assert names(read(tmp_path)) == ["b"]


def test_the_tuples_of_criterion_0_3_0_are_read() -> None:
    found = read(RECORDINGS / "tuples").samples[key("plain")]

    assert isinstance(found, Sample)
    assert found.count == 20
    assert found.value(Statistic.MEDIAN) == pytest.approx(9.5e-9, rel=0.05)


@pytest.mark.parametrize("baseline", ["my/base", "base", "new"])
def test_a_baseline_may_have_slashes_in_its_name(baseline: str) -> None:
    found = read(RECORDINGS / "directory", baseline)

    assert "plain" in names(found)
    assert found.failures == ()


def test_a_baseline_is_not_found_in_the_end_of_another(tmp_path: Path) -> None:
    stored(tmp_path, "grp", baseline="my/base")

    with pytest.raises(FormatError, match='no baseline "base", only my/base'):
        read(tmp_path, "base")


def test_a_benchmark_called_new_is_found_once(tmp_path: Path) -> None:
    stored(tmp_path, "new")
    stored(tmp_path, "new", baseline="base")

    assert names(read(tmp_path)) == names(read(tmp_path, "base")) == ["new"]


def test_an_unknown_baseline_names_those_that_are_there() -> None:
    with pytest.raises(FormatError) as error:
        read(RECORDINGS / "directory", "nope")

    problem = 'directory: there is no baseline "nope", only base, my/base, new'
    assert error.value.problem == problem


@pytest.mark.parametrize("part", [".", "grp", "grp/sum/10", "grp/sum/10/new"])
def test_any_folder_above_or_below_may_be_given(part: str) -> None:
    found = read(RECORDINGS / "directory" / part)

    assert "grp/sum/10" in names(found)


def test_a_moved_folder_is_still_read(tmp_path: Path) -> None:
    shutil.copytree(RECORDINGS / "directory" / "grp" / "sum" / "10", tmp_path / "moved")

    assert names(read(tmp_path)) == ["grp/sum/10"]


def test_the_verdict_of_criterion_is_never_read(tmp_path: Path) -> None:
    before = stored(tmp_path, "b")
    expected = read(tmp_path)
    change = before.parent / "change"
    change.mkdir()
    (change / "estimates.json").write_text('{"mean":{"point_estimate":9.0}}')

    assert read(tmp_path) == expected


def test_a_null_in_estimates_is_not_our_affair(tmp_path: Path) -> None:
    folder = stored(tmp_path, "b")
    (folder / "estimates.json").write_text('{"mean":{"standard_error":null}}')

    assert names(read(tmp_path)) == ["b"]


@pytest.mark.parametrize("file", ["benchmark.json", "sample.json"])
@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0", b'{"full_id":"b","iters":[1.0,'])
def test_a_killed_run_fails_its_benchmark_with_the_path(
    tmp_path: Path, file: str, raw: bytes
) -> None:
    (stored(tmp_path, "b") / file).write_bytes(raw)
    stored(tmp_path, "c")

    found = read(tmp_path)

    assert names(found) == ["c"]
    assert found.failures[0].benchmark == "b"
    assert f"{tmp_path.as_posix()}/b/new/{file} is " in found.failures[0].reason


@pytest.mark.parametrize("file", ["benchmark.json", "sample.json"])
def test_a_run_killed_between_two_files_fails_its_benchmark(
    tmp_path: Path, file: str
) -> None:
    (stored(tmp_path, "b") / file).unlink()

    found = read(tmp_path)

    assert names(found) == []
    assert found.failures[0].benchmark == "b"
    assert f"{file} can't be read" in found.failures[0].reason


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (b'{"iters":[1.0],"times":[null]}', "times holds null"),
        (b'{"iters":[NaN],"times":[1.0]}', "iters holds NaN"),
        (b'{"iters":[1.0]}', "missing required field `times`"),
        (b"[[1.0]]", "Expected `array` of length 2"),
        (b"\xff", "malformed"),
    ],
)
def test_a_damaged_sample_says_what_is_wrong(
    tmp_path: Path, sample: bytes, reason: str
) -> None:
    stored(tmp_path, "b", sample=sample)

    assert reason in read(tmp_path).failures[0].reason


def test_a_panic_leaves_what_ran_before_it() -> None:
    assert names(read(RECORDINGS / "panic")) == ["before"]


def test_what_was_left_by_an_earlier_run_is_doubted(tmp_path: Path) -> None:
    old = stored(tmp_path, "old") / "benchmark.json"
    new = stored(tmp_path, "b") / "benchmark.json"
    os.utime(old, (1e9, 1e9))
    os.utime(new, (1e9 + 3 * 86_400, 1e9 + 3 * 86_400))

    (doubt,) = read(tmp_path).doubts

    assert doubt.series == key("old")
    assert doubt.text.startswith("it was measured 3 days before the others")


def test_a_run_of_some_hours_is_not_stale(tmp_path: Path) -> None:
    old = stored(tmp_path, "old") / "benchmark.json"
    new = stored(tmp_path, "b") / "benchmark.json"
    os.utime(old, (1e9, 1e9))
    os.utime(new, (1e9 + 80_000, 1e9 + 80_000))

    assert read(tmp_path).doubts == ()


def test_a_directory_of_cargo_criterion_asks_for_its_messages(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "main" / "grp"
    folder.mkdir(parents=True)
    (folder / "benchmark.cbor").write_bytes(b"\xa2bid")

    assert criterion.recognises(Source("target/criterion", tmp_path))
    with pytest.raises(FormatError, match="cargo-criterion wrote this") as error:
        read(tmp_path)

    assert "--message-format=json" in error.value.hint


@pytest.mark.parametrize(
    ("sample", "count"),
    [
        ("cargo-criterion/1.1.0_message-format.jsonl", 10),
        ("cargo-criterion/1.1.0_filtered_second_run.jsonl", 3),
        ("cargo-criterion/1.1.0_BytesDecimal_abort.jsonl", 2),
        ("criterion/0.8.2_grp_sum_10", 1),
        ("criterion", 1),
    ],
)
def test_shared_samples_are_read(sample: str, count: int) -> None:
    path = SHARED / sample
    if not path.exists():
        pytest.skip(f"{path} is not there")

    found = read(path)

    assert (len(found.samples), found.failures) == (count, ())
