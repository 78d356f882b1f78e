"""Names on the command line → bytes, decompressed, with their place for errors.

Nothing is recognised by its name: gzip and zstd by their first bytes, formats by
what the readers see in ``head``.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from benchgate.errors import FormatError

BLOCK = 1 << 20
HEAD = 1 << 16
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Source:
    """A file or a directory that some tool wrote.

    ``name`` is what the user typed and what errors begin with; ``path`` where the
    bytes are; ``baseline`` the named criterion baseline of ``DIR:NAME``, else "".
    """

    name: str
    path: Path
    baseline: str = ""

    @property
    def is_directory(self) -> bool:
        """Say whether the tool wrote a directory."""
        return self.path.is_dir()

    @cached_property
    def head(self) -> bytes:
        """Return the first bytes of the file, decompressed; empty for a directory."""
        if self.is_directory:
            return b""
        head = b""
        for block in self.blocks(partial=True, size=HEAD):
            head += block
            if len(head) >= HEAD:
                break
        return head[:HEAD]

    def blocks(self, *, partial: bool = False, size: int = BLOCK) -> Iterator[bytes]:
        """Yield the decompressed bytes in blocks of about *size*.

        A compressed stream without its end raises FormatError, unless *partial*.
        """
        try:
            with self.path.open("rb") as file:
                first = file.read(size)
                rest = iter(lambda: file.read(size), b"")
                if first.startswith(_GZIP):
                    yield from self._gunzip(first, rest, partial=partial)
                elif first.startswith(_ZSTD):
                    yield from self._unzstd(first, rest, partial=partial)
                else:
                    yield first
                    yield from rest
        except OSError as error:
            problem = f"{self.name}: can't be read: {error.strerror or error}"
            raise FormatError(problem) from error

    def read(self) -> bytes:
        """Return all decompressed bytes."""
        return b"".join(self.blocks())

    def _gunzip(
        self, first: bytes, rest: Iterator[bytes], *, partial: bool
    ) -> Iterator[bytes]:
        # zlib rather than gzip.open: a cut file gives all but its last bytes.
        decoder = zlib.decompressobj(wbits=31)
        raw = first
        try:
            while raw:
                out = decoder.decompress(raw, BLOCK)
                if out:
                    yield out
                raw = decoder.unconsumed_tail
                if decoder.eof:  # a gzip file may have several members
                    raw = decoder.unused_data or next(rest, b"")
                    if not raw.strip(b"\0"):
                        return
                    decoder = zlib.decompressobj(wbits=31)
                elif not raw:
                    raw = next(rest, b"")
        except zlib.error as error:
            problem = f"{self.name}: the gzip stream is damaged: {error}"
            raise FormatError(problem, hint="record it again") from error
        if not partial:
            raise self._cut("gzip")

    def _unzstd(
        self, first: bytes, rest: Iterator[bytes], *, partial: bool
    ) -> Iterator[bytes]:
        import zstandard  # noqa: PLC0415 - only .zst input pays for it

        # A decompressobj reports the end of a frame; a stream reader hides a cut.
        decoder = zstandard.ZstdDecompressor().decompressobj()
        raw = first
        try:
            while raw:
                out = decoder.decompress(raw)
                if out:
                    yield out
                raw = b""
                if decoder.eof:
                    raw = decoder.unused_data or next(rest, b"")
                    if not raw:
                        return
                    decoder = zstandard.ZstdDecompressor().decompressobj()
                else:
                    raw = next(rest, b"")
        except zstandard.ZstdError as error:
            problem = f"{self.name}: the zstd stream is damaged: {error}"
            raise FormatError(problem, hint="record it again") from error
        if not partial:
            raise self._cut("zstd")

    def _cut(self, kind: str) -> FormatError:
        return FormatError(
            f"{self.name}: the {kind} stream stops before its end",
            hint="the tool was killed or the copy is incomplete: record it again",
        )


def source_of(name: str) -> Source:
    """Return the source that *name* means: a path, ``DIR:NAME``, or ``-``.

    Raises FormatError when there is nothing.
    """
    if name == "-":
        return Source("standard input", _spool(sys.stdin.buffer))
    if not name:  # Path("") would be the current directory
        raise FormatError("an empty name is no file", hint="check the shell variable")
    try:
        return _source_at(name)
    except (OSError, ValueError) as error:  # too long, a NUL byte, no permission
        raise FormatError(f"{name}: can't be read: {error}") from error


def _source_at(name: str) -> Source:
    path = Path(name)
    if path.is_dir() or path.is_file():
        return Source(name, path)
    if path.exists():  # a pipe, as the shell's <(command) makes one
        with path.open("rb") as pipe:
            return Source(name, _spool(pipe))
    folder, colon, baseline = name.rpartition(":")
    if colon and folder and Path(folder).is_dir():
        return Source(name, Path(folder), baseline)
    raise FormatError(f"{name}: no such file or directory")


def _spool(stream: BinaryIO) -> Path:
    """Copy *stream* to a file until we end, because readers look at it twice."""
    with tempfile.NamedTemporaryFile(prefix="benchgate-", delete=False) as file:
        path = Path(file.name)
        atexit.register(path.unlink, missing_ok=True)
        shutil.copyfileobj(stream, file)
    return path
