"""``benchgate.accepted.yml``: nothing is optional, nothing is misunderstood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from benchgate import accepted
from benchgate.errors import ConfigError, ExitCode
from benchgate.model import Acceptance, Accepted, SeriesKey

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
TODAY = "2027-01-01"
ENTRY = """\
- suite: micro
  benchmark: parse/large
  metric: time
  max_slowdown: 12%
  reason: "Validation added, #418"
  owner: "@dana"
  expires: 2027-03-31
"""
WANTED = Accepted(
    SeriesKey("micro", "parse/large", "time"),
    Acceptance("Validation added, #418", "@dana", 0.12, "2027-03-31"),
)


def decode(text: str) -> tuple[Accepted, ...]:
    return accepted.decode(text.encode(), name="x.yml", today=TODAY)


def problem_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        decode(text)
    return caught.value.problem


def test_an_entry_is_read() -> None:
    assert decode(ENTRY) == (WANTED,)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]", "---\n"])
def test_nothing_written_accepts_nothing(text: str) -> None:
    assert decode(text) == ()


@pytest.mark.parametrize("written", ["2027-03-31", '"2027-03-31"', "'2027-03-31'"])
def test_a_date_is_one_with_and_without_quotes(written: str) -> None:
    assert decode(ENTRY.replace("2027-03-31", written)) == (WANTED,)


@pytest.mark.parametrize(
    ("written", "ceiling"),
    [("12%", 0.12), ("0.5pp", 0.005), ("0.12", 0.12), ("398%", 3.98)],
)
def test_a_ceiling_is_a_share(written: str, ceiling: float) -> None:
    (entry,) = decode(ENTRY.replace("12%", written))

    assert entry.acceptance.ceiling == pytest.approx(ceiling)


@pytest.mark.parametrize("key", ["suite", "benchmark", "metric", "owner", "expires"])
def test_a_missing_key_is_an_error(key: str) -> None:
    lines = [line for line in ENTRY.splitlines() if key not in line]
    text = "\n".join(lines) if lines[0][0] == "-" else "-" + "\n".join(lines)[1:]

    assert problem_of(text).startswith(f"x.yml:1: [0].{key}: is missing: ")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("metric", "metrik", "x.yml:3: [0].metrik: unknown key; nearest known: metric"),
        ("time", "[time]", "x.yml:3: [0].metric: a list is not text"),
        ("12%", "12", "[0].max_slowdown: '12' would be 1,200 %: write 12% if that"),
        ("12%", "0%", "[0].max_slowdown: 0% accepts nothing: it must be above zero"),
        ("12%", "-3%", "[0].max_slowdown: '-3%' is not a share"),
        ("12%", ".nan", "[0].max_slowdown: '.nan' is not a share"),
        ('"@dana"', '""', "x.yml:6: [0].owner: is empty: name who answers for it"),
        ('"@dana"', "@dana", "x.yml:6: is not YAML"),
        ('"@dana"', '"a\\0b"', "[0].owner: has a character that no command line"),
        ('"@dana"', "", "[0].owner: has no value"),
        ("2027-03-31", '" "', "[0].expires: ' ' is not a date such as 2027-03-31"),
        ("2027-03-31", '""', "[0].expires: is empty: write the last day on which"),
        ("2027-03-31", "2027-3-1", "'2027-3-1' is not a date such as 2027-03-31"),
        ("2027-03-31", "2027-02-30", "'2027-02-30' is not a date such as"),
        ("2027-03-31", "20270331", "[0].expires: 20270331 is not a date such as"),
        ("2027-03-31", "never", "[0].expires: 'never' is not a date such as"),
        ("2027-03-31", "2027-03-31T00:00:00Z", "is not a date such as 2027-03-31"),
        ("- suite", "  suite", "x.yml:1: a mapping is not a list"),
        ("benchmark:", "suite:", "x.yml:2: [0].suite: duplicate key, first on line 1"),
    ],
)
def test_what_can_not_be_meant_is_an_error_that_names_its_place(
    old: str, new: str, problem: str
) -> None:
    assert problem in problem_of(ENTRY.replace(old, new))


def test_an_acceptance_lasts_at_most_half_a_year() -> None:
    assert decode(ENTRY.replace("2027-03-31", "2027-06-30"))[0].acceptance.expires == (
        "2027-06-30"
    )
    assert problem_of(ENTRY.replace("2027-03-31", "2027-07-01")) == (
        "x.yml:7: [0].expires: 2027-07-01 is more than 180 days ahead: "
        "2027-06-30 is the last"
    )


def test_an_expired_entry_is_read_and_left_to_the_verdict() -> None:
    assert decode(ENTRY.replace("2027-03-31", "2020-01-01"))


def test_a_series_is_accepted_once() -> None:
    problem = problem_of(ENTRY + ENTRY.replace("12%", "20%"))

    assert problem == "x.yml:8: [1]: accepts the same series as [0]"


def test_an_error_in_the_file_is_a_usage_error() -> None:
    with pytest.raises(ConfigError) as caught:
        decode("- {}")

    assert caught.value.exit_code is ExitCode.USAGE


def test_the_file_lies_where_the_configuration_does(tmp_path: Path) -> None:
    place = tmp_path / ".github" / "benchgate.accepted.yml"
    place.parent.mkdir()

    assert accepted.find(tmp_path) is None
    place.write_text(ENTRY)
    assert accepted.find(tmp_path) == place
    assert accepted.load(place, today=TODAY) == (WANTED,)


def test_a_misspelt_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "benchgate.accepted.yaml").write_text(ENTRY)

    with pytest.raises(ConfigError, match="is not read") as caught:
        accepted.find(tmp_path)

    assert caught.value.hint == "rename it to benchgate.accepted.yml"


def test_the_committed_schema_is_the_declared_one_and_takes_an_entry() -> None:
    committed = (SCHEMAS / "benchgate.accepted.yml.schema.json").read_text()
    # Editors see a date as the text that it was written as.
    entry = yaml.safe_load(ENTRY.replace("2027-03-31", "'2027-03-31'"))

    assert committed == accepted.schema_text()
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(entry, json.loads(committed))
