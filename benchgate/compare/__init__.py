"""Base × head → comparisons: how large each change is, and how sure."""

from benchgate.compare.rounds import compare
from benchgate.compare.series import (
    WHOLE_SUITE,
    Compared,
    benchmarks_of,
    renamed,
)
from benchgate.compare.stored import compare_window, tabulated

__all__ = [
    "WHOLE_SUITE",
    "Compared",
    "benchmarks_of",
    "compare",
    "compare_window",
    "renamed",
    "tabulated",
]
