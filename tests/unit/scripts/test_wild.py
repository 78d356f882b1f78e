"""A manifest is read strictly, results are kept, and the page shows what there is."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from benchgate import config
from benchgate.documents import report as document
from scripts.wild import __main__ as wild
from scripts.wild import manifest, page, runs
from scripts.wild.manifest import Entry, ManifestError
from scripts.wild.runs import CloneError, Result, Series
from tests.reports import regressed

BASE, HEAD = "a" * 40, "b" * 40
ONE = f"""
[[entry]]
name = "parser"
repository = "them/parser"
criterion = "0.5"
crate = "library"
kind = "undone"
base = "{BASE}"
head = "{HEAD}"
expected = "regressed"
slower = ["parse/*"]
claimed = "20 %"
why = "a table instead of a search"
seconds = 240
"""
RESULT = Result(
    name="parser",
    digest="",
    arguments=("--rounds", "20"),
    exit_code=1,
    outcome="regressed",
    series=(
        Series("parse/1", "regressed", 0.21, 0.2, 0.22),
        Series("sort", "unchanged", 0.01, -0.01, 0.03),
    ),
    benchmarks=12,
    rounds=20,
    detectable=0.03,
    first=90.0,
    building=60.0,
    measuring=180.0,
    wall=250.0,
    own=2.0,
    said=("one thing", "another"),
)


def read(folder: Path, text: str) -> tuple[Entry, ...]:
    place = folder / "manifest.toml"
    place.write_text(text)
    return manifest.load(place)


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    (found,) = read(tmp_path, ONE)
    return found


def other(entry: Entry, **changes: object) -> Entry:
    return msgspec.structs.replace(entry, **changes)


def result(**changes: object) -> Result:
    return msgspec.structs.replace(RESULT, **changes)


# --- the manifest ---


def test_an_entry_is_read_with_what_it_leaves_out(entry: Entry) -> None:
    assert (entry.name, entry.base, entry.slower) == ("parser", BASE, ("parse/*",))
    assert (entry.says, entry.config) == ("", "")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (BASE, "abc", "base and head must be full hashes"),
        ('"parser"', '"a parser"', "small letters, digits and hyphens only"),
        ('slower = ["parse/*"]\n', "", "must name what gets `slower`"),
        ('"regressed"', '"unmeasured"', "`says` a sentence"),
        ("seconds = 240", 'seconds = 240\nsays = "no"', "`says` a sentence"),
        ('"undone"', '"other"', "Invalid enum value 'other'"),
        ("seconds", "minutes", "unknown field `minutes`"),
        ("[[entry]]", "[[entry", "manifest.toml: "),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_an_error(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.toml: ") as caught:
        read(tmp_path, ONE.replace(old, new))

    assert problem in str(caught.value)


def test_two_entries_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="parser: there are two of this name"):
        read(tmp_path, ONE + ONE)


def test_no_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no such manifest"):
        manifest.load(tmp_path / "manifest.toml")


def test_another_comparison_has_another_digest(entry: Entry) -> None:
    assert entry.digest == other(entry, why="for another reason").digest
    assert entry.digest != other(entry, base=HEAD).digest
    assert entry.digest != other(entry, benches=("parse/*",)).digest


def test_what_narrows_the_suite_becomes_a_configuration(
    tmp_path: Path, entry: Entry
) -> None:
    narrowed = other(entry, packages=("parser",), benches=("parse/a b", "sort: *"))
    place = tmp_path / "benchgate.yml"
    place.write_text(narrowed.config)

    (suite,) = config.load(place).suites

    assert (suite.packages, suite.benches) == (narrowed.packages, narrowed.benches)
    assert entry.config == ""


# --- clones ---


@pytest.mark.parametrize(
    "place", ["them+parser/.git", "them+parser/repo/HEAD", "parser.git/HEAD"]
)
def test_a_clone_is_found_bare_or_not(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).touch()

    found = runs.clone_in(tmp_path, "them/parser")

    assert found == (tmp_path / place).parent


def test_a_clone_that_is_not_there_is_named_as_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(CloneError, match=r"has no clone them\+parser"):
        runs.clone_in(tmp_path, "them/parser")


# --- running ---


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ("git", "-c", "user.name=a", "-c", "user.email=a@b", *words),
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone with two commits."""
    folder = tmp_path / "them+parser"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "base")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "head")
    return folder


@pytest.fixture
def committed(entry: Entry, clone: Path) -> Entry:
    """Return the entry with the commits of the clone."""
    base, head = (git(clone, "rev-parse", ref) for ref in ("HEAD~1", "HEAD"))
    return other(entry, base=base, head=head, benches=("parse/*",))


def fake_benchgate(folder: Path, script: str, patch: pytest.MonkeyPatch) -> None:
    place = folder / "benchgate"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    patch.setattr(runs, "_BENCHGATE", place)


def test_a_comparison_runs_in_a_clean_checkout_with_a_cache_of_its_own(
    tmp_path: Path, clone: Path, committed: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    report.write_bytes(document.encode(regressed()))
    fake_benchgate(
        tmp_path,
        f'mkdir .benchgate; cp {report} .benchgate/; echo "$@" > {tmp_path}/words\n'
        f"git rev-parse HEAD > {tmp_path}/head; echo $XDG_CACHE_HOME > {tmp_path}/c\n"
        "exit 1",
        monkeypatch,
    )

    made = runs.run(committed, clone, ["--rounds", "5"], tmp_path / "work")

    words = (tmp_path / "words").read_text().split()
    assert words[:6] == [
        "compare",
        "--base",
        committed.base,
        "--rounds",
        "5",
        "--config",
    ]
    assert (tmp_path / "head").read_text().strip() == committed.head
    assert (tmp_path / "c").read_text().strip() == str(tmp_path / "work" / "cache")
    assert (made.exit_code, made.outcome) == (1, "regressed")
    assert made.benchmarks == len({j.key.benchmark for j in regressed().judgements})


def test_work_trees_stay_and_what_the_first_building_took_is_kept(
    tmp_path: Path, clone: Path, committed: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = regressed().cost
    assert cost is not None
    for name, seconds in (("cold", 300.0), ("warm", 2.0)):
        report = replace(regressed(), cost=replace(cost, building=seconds))
        (tmp_path / name).write_bytes(document.encode(report))
    fake_benchgate(
        tmp_path,
        f"if test -e target; then kind=warm; else kind=cold; fi\n"
        f"mkdir -p target .benchgate; cp {tmp_path}/$kind .benchgate/report.json\n"
        "exit 1",
        monkeypatch,
    )

    made = [runs.run(committed, clone, [], tmp_path / "work") for _ in range(2)]

    assert [(one.first, one.building) for one in made] == [(300.0, 300.0), (300.0, 2.0)]


def test_an_old_report_is_not_taken_for_a_new_one(
    tmp_path: Path, clone: Path, committed: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    report.write_bytes(document.encode(regressed()))
    fake_benchgate(
        tmp_path,
        f"test -d .benchgate && exit 3\nmkdir .benchgate; cp {report} .benchgate/",
        monkeypatch,
    )

    made = [runs.run(committed, clone, [], tmp_path / "work") for _ in range(2)]

    assert [one.outcome for one in made] == ["passed", "unmeasured"]


def test_without_regressed_it_is_unmeasured_and_what_was_said_is_kept(
    tmp_path: Path, clone: Path, committed: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_benchgate(tmp_path, "echo no benches in $PWD/a >&2; exit 3", monkeypatch)

    made = runs.run(committed, clone, [], tmp_path / "work")

    assert (made.exit_code, made.outcome) == (3, "unmeasured")
    assert made.said == ("no benches in parser/a",)
    assert runs.agrees(other(committed, expected="unmeasured", says="no bench"), made)


def test_a_commit_that_the_clone_lacks_is_named(entry: Entry, clone: Path) -> None:
    with pytest.raises(CloneError, match=f"lacks the commit {BASE}"):
        runs.run(entry, clone, [], clone / "work")


@pytest.mark.parametrize(
    ("outcome", "slower", "agrees"),
    [
        ("regressed", ["parse/1"], True),
        ("regressed", ["sort"], False),
        ("regressed", [], False),
        ("passed", [], False),
        ("undecided", ["parse/1"], False),
    ],
)
def test_an_undone_commit_must_be_found_where_it_is(
    entry: Entry, outcome: str, slower: Sequence[str], *, agrees: bool
) -> None:
    series = tuple(Series(name, "regressed", 0.2, 0.1, 0.3) for name in slower)

    assert runs.agrees(entry, result(outcome=outcome, series=series)) is agrees


def test_an_ordinary_commit_must_pass(entry: Entry) -> None:
    ordinary = other(entry, kind="ordinary", expected="passed")

    assert runs.agrees(ordinary, result(outcome="passed", series=()))
    assert not runs.agrees(ordinary, result(outcome="undecided", series=()))


def test_overhead_is_what_is_neither_building_nor_measuring() -> None:
    assert result().overhead == pytest.approx(0.04)


# --- the page ---


def test_the_page_shows_what_was_promised_and_what_was_seen(entry: Entry) -> None:
    text = page.written([entry], {"parser": RESULT})

    assert "* 1 of 1 undone commits were found.\n" in text
    assert (
        "* building took 1.5 min in all, each repository from nothing, "
        "and measuring 3.0 min.\n"
    ) in text
    assert "0 of 0 ordinary commits failed, 0 undecided." in text
    assert "4.0% (median; at most 4.0%)" in text
    assert "its own process used 0.8% of a CPU" in text
    assert "Flags: `--rounds 20`" in text
    assert (
        "| them/parser, library: a table instead of a search | 0.5 | "
        f"[aaaaaaaa](https://github.com/them/parser/commit/{BASE}) → "
        f"[bbbbbbbb](https://github.com/them/parser/commit/{HEAD}) | "
        "regressed (undone) | regressed | 12 | 20 | +21.0% | +3.0% | "
        "1.5 min | 3.0 min | 4.0% |"
    ) in text
    assert (
        "| them/parser | a table instead of a search | 20 % | 1 | "
        "`parse/1` +21.0%, +20.0% to +22.0% |"
    ) in text
    assert "Nothing." in text


def test_what_is_not_as_expected_is_listed_with_what_was_said(entry: Entry) -> None:
    text = page.written([entry], {"parser": result(outcome="undecided", series=())})

    assert "* 0 of 1 undone commits were found.\n" in text
    assert "**undecided**" in text
    assert (
        "* parser: undecided and not regressed (a table instead of a search).\n"
        "  * one thing\n  * another\n"
    ) in text


def test_what_an_undone_commit_that_was_missed_read_is_told(entry: Entry) -> None:
    missed = (Series("parse/1", "inconclusive", 0.04, -0.01, 0.09),)

    text = page.written([entry], {"parser": result(outcome="passed", series=missed)})

    assert "0 of 1 undone commits were found; the others read +4.0% at most." in text


def test_what_benchgate_was_doing_is_no_reason(entry: Entry) -> None:
    said = ("benchgate: checking out the base", "benchgate: error: it does not build")
    unmeasured = result(outcome="unmeasured", said=said, series=())

    text = page.written([entry], {"parser": unmeasured})

    assert "  * benchgate: error: it does not build\n" in text
    assert "checking out" not in text


def test_a_pipe_in_a_name_keeps_the_table(entry: Entry) -> None:
    named = result(series=(Series("parse/a|b", "regressed", 0.2, 0.1, 0.3),))

    assert "`parse/a\\|b`" in page.written([entry], {"parser": named})


def test_what_cannot_be_measured_is_shown_with_its_sentence(entry: Entry) -> None:
    unmeasured = other(
        entry, kind="ordinary", expected="unmeasured", slower=(), says="divan"
    )
    said = ("error: no criterion benches", "its benches are of divan")

    text = page.written(
        [unmeasured], {"parser": result(outcome="unmeasured", said=said, series=())}
    )

    assert "0 of 1 repositories gave a report, 1 the sentence that helps." in text
    assert "* them/parser: its benches are of divan" in text


def test_what_was_not_run_is_named(entry: Entry) -> None:
    text = page.written([entry], {})

    assert "Not run yet: parser." in text
    assert "make wild REPOS=FOLDER ONLY=parser" in text


# --- all of it ---


def test_a_second_run_goes_on_with_what_is_not_there(
    tmp_path: Path,
    clone: Path,
    committed: Entry,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_benchgate(tmp_path, f"echo x >> {tmp_path}/ran; exit 3", monkeypatch)
    text = ONE.replace(BASE, committed.base).replace(HEAD, committed.head)
    (tmp_path / "manifest.toml").write_text(text)
    words = [
        *("--repos", str(tmp_path), "--manifest", str(tmp_path / "manifest.toml")),
        *("--kept", str(tmp_path / "kept"), "--page", str(tmp_path / "wild.md")),
    ]

    codes = [
        wild.main(words),
        wild.main(words),
        wild.main([*words, "--only", "parser"]),
        wild.main([*words, "--flags", "--rounds 5"]),
    ]

    assert codes == [0, 0, 0, 0]
    assert (tmp_path / "ran").read_text() == "x\nx\nx\n"
    assert "parser: unmeasured, NOT as expected" in capsys.readouterr().err
    assert "**unmeasured**" in (tmp_path / "wild.md").read_text()


def test_without_clones_the_page_is_made_of_what_is_there(
    tmp_path: Path, entry: Entry
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    made = result(digest=entry.digest)
    (kept / "parser.json").write_bytes(msgspec.json.encode(made))
    words = ["--manifest", str(tmp_path / "manifest.toml"), "--kept", str(kept)]

    assert wild.main([*words, "--page", str(tmp_path / "wild.md")]) == 0

    assert "1 of 1 undone commits" in (tmp_path / "wild.md").read_text()


def test_what_an_older_script_wrote_is_as_good_as_nothing(
    tmp_path: Path, entry: Entry
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "parser.json").write_text('{"name": "parser"}')
    words = ["--manifest", str(tmp_path / "manifest.toml"), "--kept", str(kept)]

    assert wild.main([*words, "--page", str(tmp_path / "wild.md")]) == 0

    assert "Not run yet: parser." in (tmp_path / "wild.md").read_text()


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ([], "has no clone them+parser of them/parser"),
        (["--only", "x"], "has no entry x"),
    ],
)
def test_what_cannot_be_run_is_a_sentence(
    tmp_path: Path,
    entry: Entry,
    more: Sequence[str],
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--repos", str(tmp_path), "--manifest", str(tmp_path / "manifest.toml")]
    words += ["--kept", str(tmp_path / "kept"), "--page", str(tmp_path / "wild.md")]

    assert wild.main([*words, *more]) == 1

    assert problem in capsys.readouterr().err
