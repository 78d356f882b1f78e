"""What the runner reads back, and that nobody else can speak to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchgate.errors import PublishError
from benchgate.github import channels
from benchgate.github.channels import Annotation, Level


def test_an_annotation_stands_beside_its_line() -> None:
    remark = Annotation(Level.ERROR, "parse", "+12 %", file="src/lib.rs", line=3)

    found = channels.command(remark)

    assert found == "::error title=parse,file=src/lib.rs,line=3::+12 %25"


def test_a_name_forges_no_annotation() -> None:
    remark = Annotation(
        Level.WARNING, "a,file=x::b", "x\n::error::forged\r::set-output name=a::b"
    )

    found = channels.command(remark)

    assert found == (
        "::warning title=a%2Cfile=x%3A%3Ab::x%0A::error::forged%0D"
        "::set-output name=a::b"
    )


def test_ten_of_each_kind_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    many = [Annotation(Level.ERROR, str(n), "slower") for n in range(12)]

    channels.annotate([*many, Annotation(Level.NOTICE, "last", "said")])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "::notice title=last::said"


def test_an_output_can_not_set_another(tmp_path: Path) -> None:
    text = channels.output_lines({"outcome": "x\nend\nexit-code=0", "n": "2"})

    lines = text.splitlines()
    assert lines[0].startswith("outcome<<end-")
    assert lines[0].removeprefix("outcome<<") == lines[4]
    assert lines[5].removeprefix("n<<") == lines[7]
    assert lines[4] != lines[7]


def test_a_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "summary.md"
    place.write_text("before\n")

    channels.summarise(str(place), "# ours\n")

    assert place.read_text() == "before\n# ours\n"


def test_a_summary_that_github_would_drop_is_not_written(tmp_path: Path) -> None:
    place = tmp_path / "summary.md"

    with pytest.raises(PublishError, match="1000001 bytes"):
        channels.summarise(str(place), "a" * 1_000_001)

    assert not place.exists()


def test_without_a_runner_nothing_is_written() -> None:
    channels.append("", "text")


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="can't be written"):
        channels.append(str(tmp_path), "text")


def test_commands_are_stopped_and_start_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyError), channels.commands_stopped():
        raise KeyError

    stop, start = capsys.readouterr().out.splitlines()
    assert stop.startswith("::stop-commands::")
    assert start == f"::{stop.removeprefix('::stop-commands::')}::"
