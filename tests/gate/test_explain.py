from __future__ import annotations

import pytest

from benchgate.cli import main
from benchgate.commands import explain
from benchgate.errors import ExitCode
from benchgate.model import Outcome, Verdict


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(
    verdict: Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["explain", verdict])

    assert status == ExitCode.PASSED
    assert capsys.readouterr().out.startswith(f"### `{verdict}`\n")


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_explained(
    code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["explain", str(int(code))])

    heading = f"## `{int(code)}`: `{code.name.lower()}`\n"
    assert status == ExitCode.PASSED
    assert capsys.readouterr().out.startswith(heading)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_explained(
    outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["explain", outcome])

    assert f"`{outcome}`" in capsys.readouterr().out


def test_a_word_with_two_meanings_gets_both(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["explain", "regressed"])

    said = capsys.readouterr().out
    assert "### `regressed`" in said
    assert "## `1`: `regressed`" in said


def test_a_section_ends_where_the_next_begins(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["explain", "2"])

    said = capsys.readouterr().out
    assert "There is no verdict" not in said
    assert said.endswith("the nearest name that is known.\n")


def test_without_an_id_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain"])

    listed = set(capsys.readouterr().out.splitlines())
    assert status == ExitCode.PASSED
    assert listed == {
        *Verdict,
        *(str(int(code)) for code in ExitCode),
        *(code.name.lower() for code in ExitCode),
    }


def test_an_unknown_id_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain", "inconclusve"])

    said = capsys.readouterr().err
    assert status == ExitCode.USAGE
    assert "inconclusve: nothing is called that" in said
    assert "did you mean `benchgate explain inconclusive`?" in said


def test_an_id_like_no_other_says_how_to_list_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["explain", "zzz"])

    assert status == ExitCode.USAGE
    assert "list what there is with `benchgate explain`" in capsys.readouterr().err


def test_the_pages_are_where_explain_looks() -> None:
    assert [(explain.DOCS / page).is_file() for page in explain.PAGES] == [True, True]
