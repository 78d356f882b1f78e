"""Text → numbers in base units, and numbers → text that fits a table cell.

Decimal arithmetic throughout: ``50us`` is exactly the float 5e-05, and a digit is
never wrong because of a scale. What is printed never contradicts what it stands for:
nothing but zero reads 0, nothing below a whole reads 100 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from math import isfinite, isnan

SECONDS_IN: Mapping[str, float] = {
    "ps": 1e-12,
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # the micro sign
    "\u03bcs": 1e-6,  # the Greek letter, which looks the same
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
}
BYTES_IN: Mapping[str, int] = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
DURATION = rf"{NUMBER} ?(?:{'|'.join(SECONDS_IN)})|0"
SIZE = rf"{NUMBER} ?(?:{'|'.join(BYTES_IN)})|0"

_DURATION_PARTS = re.compile(rf"({NUMBER}) ?([a-zµ\u03bc]*)")
_SIZE_PARTS = re.compile(rf"({NUMBER}) ?([A-Za-z]*)")
_SHARE_PARTS = re.compile(rf"({NUMBER}) ?(%|pp|)")
_MINUS = "\u2212"
_DIGITS = 3
# Seventeen significant digits tell any two floats apart.
_ALL_DIGITS = 17
# Beyond these powers of ten a row of zeros says less than an exponent.
_USUAL = range(-9, 16)
_ONE_THOUSAND = 1000
_WHOLE = Decimal(100)
# Labels with the power of ten that each stands for, rising.
_SCALES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "s": ((" ps", -12), (" ns", -9), (" µs", -6), (" ms", -3), (" s", 0)),
    "B": ((" B", 0), (" kB", 3), (" MB", 6), (" GB", 9), (" TB", 12)),
    "1/s": ((" /s", 0), (" k/s", 3), (" M/s", 6), (" G/s", 9)),
    "1": (("", 0),),
}
_COUNTED = frozenset({"B", "1"})


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``0.2s``, ``50us`` or ``10m``.

    Zero needs no unit. Raises ValueError with a sentence for the user.
    """
    return _parsed(
        text,
        _DURATION_PARTS,
        SECONDS_IN,
        what="a duration",
        units="ps, ns, us, ms, s, m or h",
    )


def parse_size(text: str) -> float:
    """Return the bytes of a size such as ``500 MB`` or ``1.5GB``.

    Zero needs no unit. Raises ValueError with a sentence for the user.
    """
    return _parsed(
        text, _SIZE_PARTS, BYTES_IN, what="a size", units="B, kB, MB, GB or TB"
    )


def parse_share(value: str | float) -> float:
    """Return the fraction that ``2%``, ``0.1pp`` or a plain ``0.02`` means.

    A plain number from 1 up is refused: who writes 2 means 2 %, not 200 %.
    Raises ValueError with a sentence for the user, also for negative shares.
    """
    text = str(value)
    if isinstance(value, float):
        # repr may use an exponent; a Decimal written with "f" never does.
        text = f"{Decimal(repr(value)):f}"
    parts = _SHARE_PARTS.fullmatch(text.strip())
    if parts is None:
        raise ValueError(f"{text!r} is not a share: write a percentage such as 2%")
    number = Decimal(parts[1])
    if parts[2]:
        return _finite(number / 100, text)
    if number >= 1:
        meant = f"{number}%"
        raise ValueError(
            f"{text!r} would be {format_share(float(number))}: "
            f"write {meant} if that is meant"
        )
    return float(number)


def format_quantity(value: float, unit: str) -> str:
    """Return *value*, in the base *unit*, with a prefix that fits.

    *unit*: a ``model.Unit``. Three significant digits, and every digit before the
    point: ``1.53 µs``, ``12.3 k/s``, ``1,234,567``. Whole bytes and counts have no
    decimals.
    """
    if not isfinite(value):
        return _unbounded(value)
    exact = Decimal(value)
    if not exact:
        return "0" + next(label for label, power in _SCALES[unit] if power == 0)
    scaled, label = _scale(abs(exact), unit)
    sign = _MINUS if exact < 0 else ""
    if unit in _COUNTED and scaled == exact.copy_abs() == scaled.to_integral_value():
        return f"{sign}{scaled:,.0f}{label}"
    return f"{sign}{_three_digits(scaled)}{label}"


def format_change(fraction: float) -> str:
    """Return *fraction* as a signed percentage: ``+11.8 %``, ``−0.42 %``, ``0 %``."""
    return _signed(fraction, "%")


def format_points(fraction: float) -> str:
    """Return a difference of two shares in percentage points: ``+0.35 pp``."""
    return _signed(fraction, "pp")


def format_share(fraction: float) -> str:
    """Return *fraction* as a percentage without a plus sign: ``2 %``."""
    return _signed(fraction, "%").removeprefix("+")


def format_against(value: float, edge: float) -> str:
    """Return the change *value* so that it lies on its side of the printed *edge*.

    Whoever reads ``format_share(edge)`` beside it sees the same order as the two
    fractions have: with an edge of 2 %, 0.020004 reads ``+2.0004 %``.
    """
    if not (isfinite(value) and isfinite(edge)):
        return format_change(value)
    side = (value > edge) - (value < edge)
    printed = _percent(edge, _DIGITS)
    for digits in range(_DIGITS, _ALL_DIGITS + 1):
        shown = _percent(value, digits)
        if (shown > printed) - (shown < printed) == side:
            return _with_sign(shown, "%")
    # The value lies between the edge and its rounded text: stay on its own side,
    # one unit of the last printed digit away.
    unit_of_last_digit = Decimal(1).scaleb(printed.adjusted() - _DIGITS + 1)
    return _with_sign(printed + side * unit_of_last_digit, "%")


def _parsed(
    text: str,
    pattern: re.Pattern[str],
    factor_by_unit: Mapping[str, float],
    *,
    what: str,
    units: str,
) -> float:
    """Return the number in *text* times what its unit stands for."""
    parts = pattern.fullmatch(text.strip())
    unit = parts[2] if parts else ""
    if parts and unit in factor_by_unit:
        return _finite(Decimal(parts[1]) * Decimal(str(factor_by_unit[unit])), text)
    if parts and not unit:
        if not Decimal(parts[1]):
            return 0.0
        problem = f"{text!r} has no unit"
    else:
        problem = f"{text!r} is not {what}"
    raise ValueError(f"{problem}: write a number with {units}")


def _finite(number: Decimal, text: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"{text[:20]!r}… is too large")
    return value


def _unbounded(value: float) -> str:
    if isnan(value):
        return "n/a"
    return "∞" if value > 0 else f"{_MINUS}∞"


def _scale(magnitude: Decimal, unit: str) -> tuple[Decimal, str]:
    """Return *magnitude* in the first prefix that keeps it below 1000, rounded."""
    *scales, (last, power) = _SCALES[unit]
    for label, smaller in scales:
        scaled = magnitude.scaleb(-smaller)
        if _rounded(scaled, _DIGITS) < _ONE_THOUSAND:
            return scaled, label
    return magnitude.scaleb(-power), last


def _three_digits(number: Decimal) -> str:
    rounded = _rounded(number, _DIGITS)
    power = rounded.adjusted()
    if power not in _USUAL:
        return f"{rounded:.{_DIGITS - 1}e}"
    # The digits before the point are all kept, so the number is rounded once only.
    kept = number if power >= _DIGITS else rounded
    return f"{kept:,.{max(0, _DIGITS - 1 - power)}f}"


def _signed(fraction: float, label: str) -> str:
    if isfinite(fraction):
        return _with_sign(_percent(fraction, _DIGITS), label)
    sign = "+" if fraction > 0 else ""
    return f"{sign}{_unbounded(fraction)}{'' if isnan(fraction) else f' {label}'}"


def _percent(fraction: float, digits: int) -> Decimal:
    """Return the percentage, rounded to *digits*, 100 only if it is no less."""
    exact = Decimal(fraction).scaleb(2)
    rounded = _rounded(exact, digits)
    if abs(exact) < _WHOLE <= abs(rounded):
        return Context(prec=digits, rounding=ROUND_DOWN).plus(exact)
    return rounded


def _rounded(number: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(number)


def _with_sign(number: Decimal, label: str) -> str:
    """Return *number* without trailing zeros, with its sign and *label*."""
    if not number:
        return f"0 {label}"
    shortest = abs(number).normalize()
    notation = ",f" if shortest.adjusted() in _USUAL else "e"
    return f"{'+' if number > 0 else _MINUS}{shortest:{notation}} {label}"
