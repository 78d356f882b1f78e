"""``benchgate compare`` of files: what is read, how sides are made, what is written."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchgate.cli import main
from tests.gate.recorded import criterion_directory, messages, points

# Of one round a side, it is the other benchmarks that tell how much is noise.
BASE = {f"json/{n}": 100.0 * n for n in range(1, 13)}
SLOW = {**BASE, "json/2": 360.0}
RECORDINGS = Path(__file__).parents[1] / "recordings"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which is in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def write(name: str, times: dict[str, float]) -> str:
    Path(name).write_text(messages(times))
    return name


def rounds(name: str, times: dict[str, float], flag: str) -> list[str]:
    """Write four rounds that differ a little, and return their arguments."""
    words = []
    for number in range(4):
        moved = {n: t * (1 + number / 5000) for n, t in times.items()}
        words += [flag, write(f"{name}{number}", moved)]
    return words


def report() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path("report.json").read_text())
    return loaded


def verdict_of(benchmark: str) -> str:
    found = {j["benchmark"]: j["verdict"] for j in report()["judgements"]}
    return str(found[benchmark])


TO_FILE = ("--json", "report.json")


def test_formats_are_known_by_content_and_not_by_name(folder: Path) -> None:
    base, head = write("base.k6.gz", BASE), write("head.html", BASE)

    assert main(["compare", base, head]) == 0


def test_compressed_sources_are_read_as_they_are(folder: Path) -> None:
    write("base", BASE)
    Path("head").write_bytes(gzip.compress(messages(BASE).encode()))

    assert main(["compare", "base", "head"]) == 0


def test_repeated_sides_are_rounds(folder: Path) -> None:
    sides = [*rounds("b", BASE, "--base"), *rounds("h", SLOW, "--head")]

    status = main(["compare", *sides, *TO_FILE])

    assert status == 1
    assert report()["design"] == "independent"
    assert verdict_of("json/2") == "regressed"
    assert report()["judgements"][0]["head"]["rounds"] == 4


def test_paired_rounds_are_judged_as_pairs(folder: Path) -> None:
    sides = [*rounds("b", BASE, "--base"), *rounds("h", SLOW, "--head")]

    status = main(["compare", *sides, "--paired", *TO_FILE])

    assert status == 1
    assert report()["design"] == "paired"


def test_paired_rounds_must_be_as_many(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [*rounds("b", BASE, "--base"), "--head", write("h", BASE)]

    assert main(["compare", *sides, "--paired"]) == 2
    assert "4 rounds of the base, 1 of the head" in capsys.readouterr().err


def test_a_round_may_have_parts_of_several_tools(folder: Path) -> None:
    write("micro", BASE)
    Path("load").write_text(points(2.0))

    status = main(["compare", "micro,load", "micro,load", *TO_FILE])

    assert status == 0
    assert {j["suite"] for j in report()["judgements"]} == {"criterion", "k6"}


def test_a_comma_in_a_name_is_a_name(folder: Path) -> None:
    assert main(["compare", write("a,b", BASE), write("c", BASE)]) == 0


def test_parts_that_hold_the_same_benchmark_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a", BASE)
    write("b", BASE)

    assert main(["compare", "a,b", "a"]) == 3
    assert 'b: "json/1" of criterion is in a too' in capsys.readouterr().err


def test_named_baselines_of_a_criterion_directory(folder: Path) -> None:
    criterion_directory(folder / "target", BASE, "main")
    criterion_directory(folder / "target", SLOW, "new")

    status = main(["compare", "target:main", "target:new", *TO_FILE])

    assert status == 1
    assert verdict_of("json/2") == "regressed"


def test_a_baseline_that_is_not_there_lists_those_that_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    criterion_directory(folder / "target", BASE, "main")

    assert main(["compare", "target:mian", "target:main"]) == 3
    assert 'there is no baseline "mian", only main' in capsys.readouterr().err


def test_standard_input_is_a_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(messages(SLOW).encode()))
    monkeypatch.setattr("sys.stdin", stdin)

    assert main(["compare", write("base", BASE), "-"]) == 1


@pytest.mark.parametrize("words", [["-", "-"], ["--base=-,base", "--head=-"]])
def test_standard_input_can_be_read_once_only(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write("base", BASE)

    assert main(["compare", *words]) == 2
    assert "standard input can be read once only" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["one"],
        ["a", "b", "c"],
        ["a", "b", "--head", "c"],
        ["--head", "a"],
        ["--base", "a", "--base", "b"],
        ["--run", "a", "--base", "b"],
        ["--base", "a", "--against", "baseline"],
        ["--budget", "ten"],
        ["a", "b", "--warmup", "5"],
    ],
)
def test_words_that_make_no_sense_are_usage_errors(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *words]) == 2
    assert capsys.readouterr().err.startswith("benchgate: error: ")


@pytest.mark.parametrize("words", [["compare", "--nope"], [], ["nope"], ["baseline"]])
def test_unknown_words_end_with_the_code_for_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2


def test_a_settings_file_of_another_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("strict.yml").write_text("policy: {margins: {time: 90%}}")
    sides = [write("base", BASE), write("head", SLOW)]

    assert main(["compare", *sides, "--config", "strict.yml"]) == 0
    assert main(["compare", *sides, "--config", "nowhere.yml"]) == 2
    assert "nowhere.yml: can't be read" in capsys.readouterr().err


def test_what_is_written_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [write("base", BASE), write("head", SLOW)]

    main(["compare", *sides, "--markdown", "comment.md", *TO_FILE])
    text = capsys.readouterr().out
    main(["compare", *sides, "--format", "json"])
    as_json = capsys.readouterr().out
    main(["compare", *sides, "--format", "markdown"])
    as_markdown = capsys.readouterr().out

    assert text.startswith("regressed: 1 of 12 benchmarks is slower")
    assert as_json == Path("report.json").read_text()
    assert as_markdown == Path("comment.md").read_text()


def test_the_comment_of_a_hostile_name_keeps_its_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a|b\n<img src=x>`@me`" + "x" * 10_000
    sides = [write("base", {**BASE, name: 10.0}), write("head", {**BASE, name: 90.0})]

    status = main(["compare", *sides, "--format", "markdown"])

    rows = [r for r in capsys.readouterr().out.splitlines() if r.startswith("| ")]
    (row,) = [row for row in rows if "img src" in row]
    assert status == 1
    assert row.startswith(r"| 🔴&nbsp;``a\|b\n<img src=x>`@me`")
    assert len(row) < 1000


def test_what_shares_nothing_lists_both_sides(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [write("base", {"a": 1.0}), write("head", {"b": 1.0})]

    assert main(["compare", *sides]) == 3
    said = capsys.readouterr().err
    assert "share no benchmark; base: criterion:a; head: criterion:b" in said


def test_a_missing_benchmark_is_what_the_policy_says(folder: Path) -> None:
    Path("lax.yml").write_text("policy: {on_missing: warn}")
    sides = [write("base", BASE), write("head", {"json/1": 100.0})]

    assert main(["compare", *sides, *TO_FILE]) == 3
    assert main(["compare", *sides, "--config", "lax.yml"]) == 0
    assert len(report()["removed"]) == 11


def test_the_suite_of_the_settings_names_a_file_of_its_tool(folder: Path) -> None:
    Path("benchgate.yml").write_text("suites: {micro: {tool: criterion}}")
    sides = [write("base", BASE), write("head", BASE)]

    main(["compare", *sides, *TO_FILE])

    assert {j["suite"] for j in report()["judgements"]} == {"micro"}


def test_a_bug_says_so(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("benchgate.gate.compare", lambda *_, **__: 1 / 0)
    sides = [write("base", BASE), write("head", BASE)]

    assert main(["compare", *sides]) == 70
    said = capsys.readouterr().err
    assert "this is a bug in benchgate" in said
    assert "ZeroDivisionError" in said
