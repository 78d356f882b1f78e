"""What is said of a problem commands neither a terminal nor a runner of GitHub."""

from __future__ import annotations

import pytest

from benchgate.commands import complain
from benchgate.errors import FormatError


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a ##[error]forged", "a ## [error]forged"),
        ("a\n::error::forged", "a\n: :error::forged"),
        ("a\n  ::set-output name=x::1", "a\n  : :set-output name=x::1"),
        ("a\r::error::forged", "a\\x0d::error::forged"),
        ("micro::parse ## [x]", "micro::parse ## [x]"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_no_command_gets_through(
    said: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    complain(FormatError(said, hint=said))

    printed = capsys.readouterr().err
    assert printed == f"benchgate: error: {shown}\nbenchgate: hint: {shown}\n"
