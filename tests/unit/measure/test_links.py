from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchgate.errors import ToolError
from benchgate.measure import linker, links
from benchgate.measure.links import Drawing, Line

# A linker in a few lines: what it makes is what it was told.
LINKER = """#!{python}
import pathlib, shlex, sys
said = []
for word in sys.argv[1:]:
    is_file = word[0] == "@"
    said += shlex.split(pathlib.Path(word[1:]).read_text()) if is_file else [word]
at = said.index("-o")
out, said = said[at + 1], said[:at] + said[at + 2:]
{behaviour}
pathlib.Path(out).write_text(" ".join(said))
"""
REFUSES_PADDING = "if 'padding' in said[-1]: sys.exit('unknown option')"
REFUSES_ALL = "if 'section' in said[-1]: sys.exit('unknown option')"
DEAF = "said = [word for word in said if 'section' not in word]"


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def linker_at(folder: Path, refuse: str = "", name: str = "cc") -> Path:
    """Return a linker called *name*, which begins with the lines of *refuse*."""
    text = LINKER.format(python=sys.executable, behaviour=refuse)
    return executable(folder / name, text)


def kept(
    folder: Path, arguments: list[str], *, name: str = "cc", refuse: str = ""
) -> Line:
    """Return the line that is kept of a link with *arguments* in *folder*."""
    made = linker_at(folder, refuse, name)
    code = [sys.executable, "-IS", linker.__file__, "link", str(folder / "kept")]
    out = folder / "bench"
    done = subprocess.run(
        [*code, str(made), *arguments, "-o", str(out)], cwd=folder, check=False
    )
    assert done.returncode == 0
    line = links.line_of(out, folder / "kept")
    assert line is not None
    return line


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "a place"
    folder.mkdir()
    return folder


def test_objects_that_rustc_deletes_are_kept(place: Path) -> None:
    code = place / "bench.cgu.0.rcgu.o"
    code.write_text("code")

    line = kept(place, [str(code), "-lc"])
    code.unlink()

    assert Path(line.arguments[0]).read_text() == "code"
    assert line.arguments[1] == "-lc"


def test_folders_of_rustc_are_kept(place: Path) -> None:
    own = place / "rustcAb12Xy"
    (own / "raw-dylibs").mkdir(parents=True)
    (own / "symbols.o").write_text("symbols")

    line = kept(
        place,
        [
            f"{own}/symbols.o",
            f"-Wl,--dynamic-list={own}/list",
            "-L",
            f"{own}/raw-dylibs",
        ],
    )

    assert Path(line.arguments[0]).read_text() == "symbols"
    assert str(own) not in " ".join(line.arguments)
    assert Path(line.arguments[3]).is_dir()


def test_a_response_file_is_read(place: Path) -> None:
    words = place / "linker-arguments"
    words.write_text('a\\ b.o\n"c d.o"\n-lm\nback\\\\slash')

    line = kept(place, [f"@{words}"])

    assert line.arguments[:4] == ("a b.o", "c d.o", "-lm", "back\\slash")


def test_a_map_that_the_user_has_written_is_not_written_over(place: Path) -> None:
    line = kept(place, ["-Wl,-Map=out.map", "-Wl,--dependency-file=out.d", "-lc"])

    assert line.arguments[0] == "-lc"


def test_no_variable_but_those_of_linkers_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("LIBRARY_PATH", "/opt/lib")

    line = kept(place, ["-lc"])

    assert line.env["LIBRARY_PATH"] == "/opt/lib"
    assert "secret" not in (place / "kept" / "bench" / "line.json").read_text()


def test_a_line_of_an_executable_that_was_built_again_is_none(place: Path) -> None:
    kept(place, ["-lc"])
    (place / "bench").write_text("another one")

    assert links.line_of(place / "bench", place / "kept") is None


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"linker": 3}', "\xff"])
def test_a_damaged_line_is_none(place: Path, damage: str) -> None:
    kept(place, ["-lc"])
    (place / "kept" / "bench" / "line.json").write_bytes(damage.encode("latin-1"))

    assert links.line_of(place / "bench", place / "kept") is None


def test_what_fails_to_link_keeps_nothing_and_its_status(place: Path) -> None:
    bad = executable(place / "cc", "#!/bin/sh\necho no such symbol >&2\nexit 7\n")
    code = [sys.executable, "-IS", linker.__file__, "link", str(place / "kept")]

    done = subprocess.run(
        [*code, str(bad), "-o", "bench"], cwd=place, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (7, b"no such symbol\n")
    assert not (place / "kept").exists()


def test_a_folder_that_cannot_be_written_leaves_the_link_as_it_is(place: Path) -> None:
    made = linker_at(place)
    (place / "kept").write_text("a file")
    code = [sys.executable, "-IS", linker.__file__, "link", str(place / "kept")]

    done = subprocess.run(
        [*code, str(made), "-o", "bench"], cwd=place, capture_output=True, check=False
    )

    assert done.returncode == 0
    assert b"benchgate: the link line is not kept" in done.stderr
    assert (place / "bench").exists()


@pytest.mark.parametrize(
    ("refuse", "drawing"),
    [("", Drawing.PADDING), (REFUSES_PADDING, Drawing.SHUFFLING_OF_LLD)],
)
def test_a_layout_is_drawn_by_what_the_linker_knows(
    place: Path, refuse: str, drawing: Drawing
) -> None:
    line = kept(place, ["-lc"], refuse=refuse)

    assert line.drawing(place) == drawing


@pytest.mark.parametrize("refuse", [REFUSES_ALL, DEAF])
def test_a_linker_that_refuses_the_flags_or_ignores_them(
    place: Path, refuse: str
) -> None:
    line = kept(place, ["-lc"], refuse=refuse)

    with pytest.raises(ToolError, match=r"can't draw a layout") as raised:
        line.drawing(place)

    assert "lld" in raised.value.hint


def test_a_linker_that_is_gone(place: Path) -> None:
    line = kept(place, ["-lc"])
    (place / "cc").unlink()

    with pytest.raises(ToolError, match=r"cc: not found"):
        line.drawing(place)


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("cc", "-Wl,--randomize-section-padding=5"),
        ("ld.lld", "--randomize-section-padding=5"),
        ("x86_64-linux-gnu-ld", "--randomize-section-padding=5"),
    ],
)
def test_a_linker_itself_takes_flags_as_they_are(
    place: Path, name: str, flag: str
) -> None:
    line = kept(place, ["-lc"], name=name)

    line.link(place / "out", drawing=Drawing.PADDING, seed=5)

    assert (place / "out").read_text().split()[-1] == flag


def test_seeds_give_layouts_and_the_same_seed_the_same(place: Path) -> None:
    line = kept(place, ["-lc"])
    outs = [place / str(number) for number in range(3)]

    line.link(outs[0], drawing=Drawing.PADDING, seed=1)
    line.link(outs[1], drawing=Drawing.PADDING, seed=2)
    line.link(outs[2], drawing=Drawing.PADDING, seed=1)

    assert outs[0].read_text() != outs[1].read_text()
    assert outs[0].read_text() == outs[2].read_text()


def test_a_line_longer_than_the_system_takes_goes_through_a_file(place: Path) -> None:
    long = ["x" * 1000] * 3000
    line = Line(str(linker_at(place)), (*long, "-o", "old"), place, {})

    line.link(place / "out", drawing=Drawing.PADDING, seed=1)

    assert len((place / "out").read_text()) > 3_000_000
    assert not list(place.glob("*.arguments"))


RUSTC = """#!/bin/sh
printf '%s\\n' "$@"
"""
BIN = ["--crate-name", "core", "--emit=dep-info,link"]


def asked_of_rustc(
    folder: Path, words: list[str], project: Path | None = None
) -> list[str]:
    """Return what rustc is asked when Cargo asks it *words* through the wrapper."""
    rustc = executable(folder / "rustc", RUSTC)
    told = links.environment(folder / "kept", project=project or folder)
    done = subprocess.run(
        [told["RUSTC_WRAPPER"], str(rustc), *words],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        ["-vV"],
        ["--crate-name", "core", "--crate-type", "lib"],
        ["--crate-name", "core", "--crate-type", "proc-macro"],
        ["--crate-name", "core", "--crate-type", "cdylib"],
        [*BIN, "--crate-type", "bin", "--crate-type", "rlib"],
        ["--crate-name", "core", "--crate-type", "bin", "--emit=dep-info,metadata"],
        ["--crate-name", "build_script_build", *BIN[2:], "--crate-type", "bin"],
        [*BIN, "--target", "wasm32-unknown-unknown"],
        [*BIN, "--target=thumbv7em-none-eabi"],
    ],
)
def test_what_is_no_executable_of_this_machine_is_left_alone(
    place: Path, words: list[str]
) -> None:
    assert asked_of_rustc(place, words) == words


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ([], "cc"),
        (["--crate-type", "bin"], "cc"),
        (["--target", "x86_64-unknown-linux-musl"], "cc"),
        (["-C", "linker=clang-18"], "clang-18"),
        (["-Clinker=/opt/bin/ld.lld"], "ld.lld"),
        (["-C", "linker=gcc", "--codegen", "linker=my cc"], "my cc"),
        (["-C", "link-arg=-fuse-ld=mold"], "cc"),
    ],
)
def test_a_linker_of_the_user_is_called_through_ours(
    place: Path, flags: list[str], name: str
) -> None:
    asked = asked_of_rustc(place, [*BIN, *flags])

    assert asked[:-1] == [*BIN, *flags, "-C"]
    between = Path(asked[-1].removeprefix("linker="))
    assert between.name == name
    assert os.access(between, os.X_OK)


@pytest.mark.parametrize("file", [".cargo/config.toml", ".cargo/config"])
def test_a_wrapper_of_the_user_stays_around_rustc(place: Path, file: str) -> None:
    executable(place / "wrap me", '#!/bin/sh\necho wrapped\nexec "$@"\n')
    settings = place / file
    settings.parent.mkdir()
    settings.write_text('[build]\nrustc-wrapper = "./wrap me"\n')
    project = place / "crates" / "core"
    project.mkdir(parents=True)

    assert asked_of_rustc(place, BIN, project)[0] == "wrapped"
    assert asked_of_rustc(place, ["-vV"], project) == ["wrapped", "-vV"]


def test_a_variable_beats_the_settings_even_when_empty(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = place / ".cargo" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('[build]\nrustc-wrapper = "sccache"\n')
    monkeypatch.setenv("RUSTC_WRAPPER", "")

    assert asked_of_rustc(place, ["-vV"]) == ["-vV"]


def test_a_wrapper_of_the_suite_stays_too(place: Path) -> None:
    env = {"RUSTC_WRAPPER": "sccache"}

    told = links.environment(place / "kept", project=place, env=env)

    assert "exec sccache" in Path(told["RUSTC_WRAPPER"]).read_text()


@pytest.mark.parametrize("text", ["[build", "build = 3", "[build]\nrustc-wrapper = 3"])
def test_settings_that_cargo_will_complain_of(place: Path, text: str) -> None:
    settings = place / ".cargo" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(text)

    assert asked_of_rustc(place, ["-vV"]) == ["-vV"]
