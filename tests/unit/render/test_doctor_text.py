"""What a diagnosis looks like on a terminal and in a file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchgate.doctor import Diagnosis, Finding, Harm
from benchgate.render.doctor import print_diagnosis

FINDING = Finding(
    "dropped-result",
    Harm.MISLEADS,
    "a benchmark throws its result away",
    "`fib(n)`, in 7 places",
    "the compiler may leave out all work that only makes this result",
    "return it from the closure",
    tuple(f"benches/a.rs:{line}" for line in range(1, 8)),
)
WELL = Diagnosis((), ("1 machine",), ())


def shown(diagnosis: Diagnosis, *, width: int | None = None) -> str:
    """Return what is printed, to a file or to a terminal of that *width*."""
    out = io.StringIO()
    terminal = width is not None
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None)
    print_diagnosis(diagnosis, console=console)
    return out.getvalue()


def test_a_machine_that_is_well_is_told_so() -> None:
    assert shown(WELL) == (
        "Nothing that would hurt was found.\n\nLooked at 1 machine.\n"
    )


def test_a_finding_is_what_it_is_why_and_what_mends_it() -> None:
    diagnosis = Diagnosis((FINDING,), ("1 machine", "2 benches"), ("turbo", "steal"))

    assert shown(diagnosis) == (
        "1 finding\n"
        "\n"
        "1. a benchmark throws its result away  misleads\n"
        "   `fib(n)`, in 7 places\n"
        "   why   the compiler may leave out all work that only makes this result\n"
        "   mend  return it from the closure\n"
        "   at    benches/a.rs:1, benches/a.rs:2, benches/a.rs:3, benches/a.rs:4, "
        "benches/a.rs:5 and 2 more\n"
        "\n"
        "Looked at 1 machine and 2 benches.\n"
        "Not told here: turbo and steal.\n"
        "misleads: the numbers say something else.\n"
    )


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(Diagnosis((FINDING, FINDING), ("1 machine",), ()), width=width)

    assert max(map(len, lines.splitlines())) <= width + 3


def test_what_a_file_calls_itself_commands_no_terminal() -> None:
    finding = Finding("x", Harm.BLURS, "a\x1b[31m", "b\n", "c", "d", ("e\x07.rs:1",))

    text = shown(Diagnosis((finding,), ("1 machine",), ("f\x1b",)))

    assert "\x1b" not in text
    assert "\x07" not in text
