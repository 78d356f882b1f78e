"""Each problem carries its hint and the exit code that it ends in."""

from __future__ import annotations

import pytest

from benchgate import errors
from benchgate.errors import BenchgateError, ExitCode


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, ExitCode.USAGE),
        (errors.ConfigError, ExitCode.USAGE),
        (errors.FormatError, ExitCode.UNDECIDED),
        (errors.ToolError, ExitCode.UNDECIDED),
        (errors.StoreError, ExitCode.UNDECIDED),
        (errors.StopError, ExitCode.INTERRUPTED),
    ],
)
def test_a_problem_ends_in_its_exit_code(
    error: type[BenchgateError], code: ExitCode
) -> None:
    raised = error("load.js: it is cut", hint="run it again")

    assert (raised.problem, raised.hint) == ("load.js: it is cut", "run it again")
    assert str(raised) == "load.js: it is cut"
    assert raised.exit_code is code


def test_a_problem_needs_no_hint() -> None:
    assert BenchgateError("it is cut").hint == ""


def test_the_exit_codes_are_those_that_were_published() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "PASSED": 0,
        "REGRESSED": 1,
        "USAGE": 2,
        "UNDECIDED": 3,
        "BUG": 70,
        "INTERRUPTED": 130,
    }
