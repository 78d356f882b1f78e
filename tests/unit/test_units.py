import math
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.model import Unit
from benchgate.units import (
    DURATION,
    SECONDS_IN,
    SIZE,
    format_against,
    format_change,
    format_points,
    format_quantity,
    format_share,
    parse_duration,
    parse_share,
    parse_size,
)

POWER_OF_LABEL = {
    "ps": -12,
    "ns": -9,
    "µs": -6,
    "ms": -3,
    "s": 0,
    "B": 0,
    "kB": 3,
    "MB": 6,
    "GB": 9,
    "TB": 12,
    "/s": 0,
    "k/s": 3,
    "M/s": 6,
    "G/s": 9,
    "": 0,
}
finite = st.floats(allow_nan=False, allow_infinity=False)
usual = st.floats(1e-9, 1e12) | st.floats(-1e12, -1e-9)
changes = st.floats(-1, 50) | st.floats(-1e-6, 1e-6)
edges = st.sampled_from([0.001, 0.005, 0.02, 0.05, 0.1, -0.02]) | changes


def number_in(text: str) -> Decimal:
    """Return what a reader takes from the number in *text*."""
    number, _, _ = text.partition(" ")
    return Decimal(number.replace("\u2212", "-").replace(",", ""))


def read_quantity(text: str) -> Decimal:
    """Return what a reader takes from a number with its prefix, in base units."""
    _, _, label = text.partition(" ")
    return number_in(text).scaleb(POWER_OF_LABEL[label])


def order(left: float | Decimal, right: float | Decimal) -> int:
    return (left > right) - (left < right)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.2s", 0.2),
        ("10m", 600.0),
        ("10min", 600.0),
        ("1.5h", 5400.0),
        ("50us", 50e-6),
        ("50µs", 50e-6),
        ("50\u03bcs", 50e-6),
        ("0.5ns", 0.5e-9),
        ("300ps", 300e-12),
        ("15 ms", 0.015),
        (" 2s ", 2.0),
        ("0", 0.0),
        ("0.0", 0.0),
        ("0s", 0.0),
    ],
)
def test_a_duration_becomes_exactly_its_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "2 bananas", "-1s", "+1s", "1e3s", "1m30s", "nan", "inf s", "1_0s", ".s"],
)
def test_what_is_not_a_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: write .* ps, ns, us"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["2", "0.5"])
def test_a_bare_number_is_no_duration_and_names_the_units(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no unit: write .* ms, s, m or h"):
        parse_duration(text)


def test_an_endless_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        parse_duration("9" * 400 + "s")


@pytest.mark.parametrize(
    ("text", "size"),
    [("10 GB", 10e9), ("1.5kB", 1500.0), ("7B", 7.0), ("0", 0.0), ("2TB", 2e12)],
)
def test_a_size_becomes_its_bytes(text: str, size: float) -> None:
    assert parse_size(text) == size
    assert re.fullmatch(SIZE, text)


@pytest.mark.parametrize("text", ["", "GB", "1 gb", "1 GiB", "-1GB", "1e3 B", "1G"])
def test_what_is_not_a_size_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size: write .* MB, GB or TB"):
        parse_size(text)


def test_a_bare_number_is_no_size_and_names_the_units() -> None:
    with pytest.raises(ValueError, match=r"has no unit: write a number with B, kB"):
        parse_size("10")


@given(st.integers(0, 10**6), st.sampled_from(sorted(SECONDS_IN)))
def test_every_unit_is_read_as_its_seconds(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == pytest.approx(number * SECONDS_IN[unit])
    assert re.fullmatch(DURATION, f"{number}{unit}")


@pytest.mark.parametrize(
    ("written", "fraction"),
    [
        ("2%", 0.02),
        ("2 %", 0.02),
        ("0.5%", 0.005),
        ("150%", 1.5),
        ("0.1pp", 0.001),
        ("0.1 pp", 0.001),
        ("0.02", 0.02),
        ("0", 0.0),
        (0.02, 0.02),
        (1e-7, 1e-7),
        (0, 0.0),
    ],
)
def test_a_share_becomes_exactly_its_fraction(
    written: str | float, fraction: float
) -> None:
    assert parse_share(written) == fraction


@pytest.mark.parametrize(
    "written",
    ["", "%", "-2%", "2 bananas", "2s", ".5", math.nan, math.inf, -0.1, "nan", True],
)
def test_what_is_not_a_share_says_how_to_write_one(written: str | float) -> None:
    with pytest.raises(ValueError, match="is not a share: write a percentage"):
        parse_share(written)


@pytest.mark.parametrize("written", [2, 2.0, "2"])
def test_a_plain_two_does_not_mean_200_percent(written: str | float) -> None:
    with pytest.raises(ValueError, match=r"would be 200 %: write 2(\.0)?% if"):
        parse_share(written)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.53e-6, Unit.SECOND, "1.53 µs"),
        (0.2, Unit.SECOND, "200 ms"),
        (1.0, Unit.SECOND, "1.00 s"),
        (12345.0, Unit.SECOND, "12,345 s"),
        (320.4e-12, Unit.SECOND, "320 ps"),
        (17.0, Unit.BYTE, "17 B"),
        (17.3, Unit.BYTE, "17.3 B"),
        (2048.0, Unit.BYTE, "2.05 kB"),
        (5.5e6, Unit.BYTE, "5.50 MB"),
        (850.0, Unit.PER_SECOND, "850 /s"),
        (12345.0, Unit.PER_SECOND, "12.3 k/s"),
        (3.0, Unit.ONE, "3"),
        (0.0123, Unit.ONE, "0.0123"),
        (1234567.0, Unit.ONE, "1,234,567"),
    ],
)
def test_a_quantity_has_three_digits_and_a_fitting_unit(
    value: float, unit: Unit, text: str
) -> None:
    assert format_quantity(value, unit) == text


@pytest.mark.parametrize("value", [999.6e-9, 999.9e-9, 1e-6, 1.0004e-6])
def test_rounding_up_changes_the_unit_and_never_prints_1000_ns(value: float) -> None:
    assert format_quantity(value, Unit.SECOND) == "1.00 µs"


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.SECOND, "0 s"),
        (Unit.BYTE, "0 B"),
        (Unit.PER_SECOND, "0 /s"),
        (Unit.ONE, "0"),
    ],
)
def test_zero_has_no_prefix_and_no_sign(unit: Unit, text: str) -> None:
    assert format_quantity(0.0, unit) == text
    assert format_quantity(-0.0, unit) == text


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "∞"), (-math.inf, "\u2212∞"), (math.nan, "n/a")]
)
def test_what_is_no_number_is_not_printed_as_one(value: float, text: str) -> None:
    assert format_quantity(value, Unit.SECOND) == text


@given(usual, st.sampled_from(Unit))
def test_a_quantity_reads_as_its_value_to_three_digits(
    value: float, unit: Unit
) -> None:
    text = format_quantity(value, unit)

    assert read_quantity(text) == pytest.approx(Decimal(value), rel=Decimal("0.00501"))
    assert "e" not in text.lower()


@given(finite, st.sampled_from(Unit))
def test_a_negative_quantity_is_the_positive_one_with_a_minus(
    value: float, unit: Unit
) -> None:
    positive = format_quantity(abs(value), unit)
    negative = format_quantity(-abs(value), unit)

    assert negative.removeprefix("\u2212") == positive
    assert negative.startswith("\u2212") is (value != 0)


@given(
    st.floats(1e-12, 999),
    st.sampled_from([Unit.SECOND, Unit.BYTE, Unit.PER_SECOND]),
)
def test_no_quantity_reads_1000_where_a_larger_unit_exists(
    value: float, unit: Unit
) -> None:
    assert abs(number_in(format_quantity(value, unit))) < 1000


@given(usual, usual, st.sampled_from(Unit))
def test_printing_keeps_the_order_of_quantities(
    left: float, right: float, unit: Unit
) -> None:
    smaller, larger = sorted([left, right])

    assert read_quantity(format_quantity(smaller, unit)) <= read_quantity(
        format_quantity(larger, unit)
    )


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.118, "+11.8 %"),
        (-0.0042, "−0.42 %"),
        (1.2, "+120 %"),
        (0.0, "0 %"),
        (-0.0, "0 %"),
        (0.1, "+10 %"),
        (0.00004, "+0.004 %"),
        (12.345, "+1,230 %"),
        (-1.0, "−100 %"),
        (math.inf, "+∞ %"),
        (-math.inf, "−∞ %"),
        (math.nan, "n/a"),
    ],
)
def test_a_change_is_a_signed_percentage(fraction: float, text: str) -> None:
    assert format_change(fraction) == text


@pytest.mark.parametrize("fraction", [-0.9996, -0.999999, math.nextafter(-1, 0)])
def test_what_is_not_all_gone_never_reads_minus_100_percent(fraction: float) -> None:
    assert format_change(fraction) == "−99.9 %"


def test_a_share_has_no_plus_sign() -> None:
    assert format_share(0.02) == "2 %"
    assert format_share(0.9999) == "99.9 %"
    assert format_share(1.0) == "100 %"


def test_points_are_a_signed_difference() -> None:
    assert format_points(0.0035) == "+0.35 pp"
    assert format_points(-0.0035) == "−0.35 pp"


@given(finite)
def test_only_zero_reads_zero_and_the_sign_is_right(fraction: float) -> None:
    assert order(number_in(format_change(fraction)), 0) == order(fraction, 0)
    assert order(number_in(format_share(fraction)), 0) == order(fraction, 0)
    assert order(number_in(format_points(fraction)), 0) == order(fraction, 0)


@given(changes)
def test_a_change_reads_as_its_value_with_three_digits_at_most(
    fraction: float,
) -> None:
    read = number_in(format_change(fraction))

    assert read == pytest.approx(Decimal(fraction) * 100, rel=Decimal("0.00501"))
    assert len(read.normalize().as_tuple().digits) <= 3


@given(changes, changes)
def test_printing_keeps_the_order_of_changes(left: float, right: float) -> None:
    smaller, larger = sorted([left, right])

    assert number_in(format_change(smaller)) <= number_in(format_change(larger))


@pytest.mark.parametrize(
    ("value", "edge", "text"),
    [
        (0.118, 0.02, "+11.8 %"),
        (0.02, 0.02, "+2 %"),
        (0.020004, 0.02, "+2.0004 %"),
        (0.019996, 0.02, "+1.9996 %"),
        (math.nextafter(0.02, 1), 0.02, "+2.0000000000000004 %"),
        (0.02034, 0.0203456, "+2.02 %"),  # the edge reads 2.03 %
        (-0.020004, -0.02, "−2.0004 %"),
        (math.inf, 0.02, "+∞ %"),
        (0.05, math.inf, "+5 %"),
    ],
)
def test_a_change_just_beyond_the_edge_shows_it(
    value: float, edge: float, text: str
) -> None:
    assert format_against(value, edge) == text


@given(changes, edges)
def test_a_printed_number_never_contradicts_its_verdict(
    value: float, edge: float
) -> None:
    shown = number_in(format_against(value, edge))

    assert order(shown, number_in(format_share(edge))) == order(value, edge)


@given(edges, st.integers(-3, 3))
def test_neighbouring_floats_are_told_apart(edge: float, steps: int) -> None:
    value = edge + steps * math.ulp(edge)
    shown = number_in(format_against(value, edge))

    assert order(shown, number_in(format_share(edge))) == order(value, edge)
