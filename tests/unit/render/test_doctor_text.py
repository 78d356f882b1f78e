"""What a diagnosis looks like on a terminal and in a file."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from benchgate.doctor import Diagnosis, Finding, Harm, Luck, Sway
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
WELL = Diagnosis((), ("1 machine",), (), None)
FAR = Sway(
    "micro",
    "far\x1b",
    "far\x1b",
    between=0.023,
    within=0.01,
    lowest=-0.031,
    highest=0.04,
    as_built=0.012,
    by_hand=0.0736,
    clear=True,
)
NEAR = replace(
    FAR, name="much nearer", between=0.0, lowest=-0.001, highest=0.001, by_hand=0.003
)
NOISY = replace(FAR, name="noisy", clear=False)
LUCK = Luck(10, (FAR, NEAR), (FAR,), (), 0.02, ("micro: parse: it died\x07",))


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
    diagnosis = Diagnosis(
        (FINDING,), ("1 machine", "2 benches"), ("turbo", "steal"), None
    )

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
    lines = shown(Diagnosis((FINDING, FINDING), ("1 machine",), (), None), width=width)

    assert max(map(len, lines.splitlines())) <= width + 3


def test_what_a_file_calls_itself_commands_no_terminal() -> None:
    finding = Finding("x", Harm.BLURS, "a\x1b[31m", "b\n", "c", "d", ("e\x07.rs:1",))

    text = shown(Diagnosis((finding,), ("1 machine",), ("f\x1b",), LUCK))

    assert "\x1b" not in text
    assert "\x07" not in text


def test_the_luck_in_a_layout_is_a_row_for_each_benchmark() -> None:
    assert shown(Diagnosis((), ("1 machine",), (), LUCK)) == (
        "Nothing that would hurt was found.\n"
        "\n"
        "10 layouts of the same code, the most different first:\n"
        "\n"
        "             between layouts             range  as built  within one"
        "    two builds\n"
        "far\\x1b              ± 2.3 %    −3.1 % to +4 %    +1.2 %       ± 1 %"
        "  up to 7.36 %\n"
        "much nearer            ± 0 %  −0.1 % to +0.1 %    +1.2 %       ± 1 %"
        "   up to 0.3 %\n"
        "\n"
        "Left out: micro: parse: it died\\x07\n"
        "\n"
        "Looked at 1 machine.\n"
    )


def test_a_suite_that_no_layout_moves_is_told_so() -> None:
    luck = replace(LUCK, sways=(NEAR,), sensitive=(), left_out=())

    text = shown(Diagnosis((), ("1 machine",), (), luck))

    assert (
        "None of these is sensitive to its layout: two builds of the same code differ "
        "by no more than the margin of 2 %.\n"
    ) in text
    assert "Left out" not in text


def test_what_noise_hides_is_not_called_steady() -> None:
    luck = replace(LUCK, sways=(NEAR, NOISY), sensitive=(), open=(NOISY,))

    text = shown(Diagnosis((), ("1 machine",), (), luck))

    assert "± 1 %    not clear\n" in text
    assert "± 1 %  up to 0.3 %\n" in text
    assert (
        "Of 1 it can't be told: slices of one layout differ as much. Try again when "
        "the machine is quieter.\n"
    ) in text
    assert "None of these" not in text


def test_where_nothing_was_run_there_is_no_table() -> None:
    luck = replace(LUCK, sways=(), sensitive=())

    text = shown(Diagnosis((), ("1 machine",), (), luck))

    assert "\n\nLeft out: micro: parse: it died\\x07\n\nLooked at" in text
    assert "layouts of the same code" not in text
    assert "None of these" not in text
