"""Names on the command line, and bytes that are compressed, cut or damaged."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from benchgate.errors import FormatError
from benchgate.tools.source import BLOCK, HEAD, Source, source_of

TEXT = b"".join(b"line %d of something\n" % number for number in range(200_000))
GZIP = gzip.compress(TEXT)
# With a checksum, as the zstd command writes it.
ZSTD = zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)


def written(folder: Path, raw: bytes) -> Source:
    path = folder / "x.json.gz"
    path.write_bytes(raw)
    return Source("x.json.gz", path)


@pytest.mark.parametrize(
    "raw",
    [
        TEXT,
        GZIP,
        ZSTD,
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
        GZIP + b"\0" * 512,
        zstandard.compress(TEXT[:1000]) + zstandard.compress(TEXT[1000:]),
    ],
    ids=["plain", "gzip", "zstd", "gzip members", "gzip padding", "zstd frames"],
)
def test_bytes_are_decompressed_whatever_the_name(tmp_path: Path, raw: bytes) -> None:
    source = written(tmp_path, raw)

    assert source.read() == TEXT
    assert source.head == TEXT[:HEAD]


@pytest.mark.parametrize("raw", [GZIP, ZSTD], ids=["gzip", "zstd"])
def test_a_cut_stream_is_an_error(tmp_path: Path, raw: bytes) -> None:
    source = written(tmp_path, raw[:-20])

    with pytest.raises(
        FormatError, match=r"^x\.json\.gz: the (gzip|zstd) stream stops"
    ):
        source.read()


@pytest.mark.parametrize("raw", [GZIP, ZSTD], ids=["gzip", "zstd"])
def test_a_cut_stream_gives_what_is_there_when_partial(
    tmp_path: Path, raw: bytes
) -> None:
    found = b"".join(written(tmp_path, raw[:-20]).blocks(partial=True))

    assert TEXT.startswith(found)
    assert len(found) > 0.9 * len(TEXT)


@pytest.mark.parametrize("raw", [GZIP, ZSTD], ids=["gzip", "zstd"])
def test_a_damaged_stream_is_an_error_even_when_partial(
    tmp_path: Path, raw: bytes
) -> None:
    middle = len(raw) // 2
    source = written(tmp_path, raw[:middle] + b"\xff" * 64 + raw[middle + 64 :])

    with pytest.raises(FormatError, match="stream is damaged"):
        list(source.blocks(partial=True))


def test_the_head_of_a_cut_stream_is_no_error(tmp_path: Path) -> None:
    assert written(tmp_path, GZIP[: len(GZIP) // 2]).head == TEXT[:HEAD]


def test_large_files_come_in_blocks(tmp_path: Path) -> None:
    blocks = list(written(tmp_path, GZIP).blocks())

    assert max(map(len, blocks)) <= BLOCK
    assert len(blocks) > 2


def test_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a:b.json"
    path.touch()

    assert source_of(str(path)) == Source(str(path), path)


@pytest.mark.parametrize("baseline", ["main", "my/base", "v1.2"])
def test_a_baseline_follows_a_colon(tmp_path: Path, baseline: str) -> None:
    name = f"{tmp_path}:{baseline}"

    assert source_of(name) == Source(name, tmp_path, baseline)


def test_a_directory_has_no_head(tmp_path: Path) -> None:
    source = source_of(str(tmp_path))

    assert (source.is_directory, source.head) == (True, b"")


@pytest.mark.parametrize(
    "name", ["nope.json", "nope:main", ":main", "n" * 5000, "a\0b"]
)
def test_nothing_is_an_error_that_names_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(FormatError, match=f"^{re.escape(name)}: "):
        source_of(name)


def test_an_empty_name_is_not_the_current_directory() -> None:
    with pytest.raises(FormatError, match=r"^an empty name is no file$"):
        source_of("")


def test_a_file_that_went_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"^x: can't be read: No such file"):
        Source("x", tmp_path / "gone").read()


def test_standard_input_can_be_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GZIP)))

    source = source_of("-")

    assert source.name == "standard input"
    assert source.head == TEXT[:HEAD]
    assert source.read() == TEXT


def test_a_pipe_can_be_looked_at_twice() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"one\ntwo\n")
    os.close(writer)

    source = source_of(f"/dev/fd/{reader}")
    os.close(reader)

    assert (source.head, source.read()) == (b"one\ntwo\n", b"one\ntwo\n")


def test_what_was_spooled_is_removed_at_the_end(tmp_path: Path) -> None:
    code = "from benchgate.tools.source import source_of; print(source_of('-').path)"

    done = subprocess.run(
        [sys.executable, "-c", code],
        input="x",
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )

    assert Path(done.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
