"""A workflow run → the run document that it kept, opened in memory.

Who uploaded the archive may be anybody who opened a pull request. So nothing is
unpacked to a disk, no name in it is used, and everything has a bound.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from benchgate.documents.run import MAX_BYTES
from benchgate.documents.wire import in_one_line
from benchgate.errors import FormatError
from benchgate.github.api import Artifact, Client

MEMBER = "run.json"
MOST_ARCHIVED = 10_000_000
_HINT = "upload one run.json, as `mode: measure` does"
# What zipfile raises for archives that are none, cut off, encrypted, or mislead it.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def find(client: Client, run: int, name: str) -> Artifact | None:
    """Return the newest artifact of workflow run *run* that is called *name*.

    None where there is none, or where it has expired. Raises PublishError.
    """
    usable = [
        artifact
        for artifact in client.artifacts(run, name)
        if artifact.name == name and not artifact.expired
    ]
    return max(usable, key=lambda found: (found.created_at, found.id), default=None)


def fetch(client: Client, artifact: Artifact) -> bytes:
    """Return the document in *artifact*.

    Raises FormatError for an archive that is too large or not as it must be, and
    PublishError where it can't be had.
    """
    name = in_one_line(artifact.name)
    archive = None
    if artifact.size <= MOST_ARCHIVED:
        archive = client.archive(artifact, most=MOST_ARCHIVED)
    if archive is None:
        raise FormatError(f"{name}: larger than {MOST_ARCHIVED} bytes", hint=_HINT)
    return unpack(archive, name=name)


def unpack(archive: bytes, *, name: str) -> bytes:
    """Return the only member of the zip *archive*, which has to be ``run.json``.

    Raises FormatError, beginning with *name*, for any other archive: damaged,
    encrypted, with a link, with a second member, or with more than 50 MB inside,
    whatever it says of its size.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            content = _member_of(opened, name=name)
    except _DAMAGED as error:
        said = in_one_line(str(error))
        problem = f"{name}: not a zip archive that can be read: {said}"
        raise FormatError(problem, hint=_HINT) from error
    if len(content) > MAX_BYTES:
        problem = f"{name}: {MEMBER} is larger than {MAX_BYTES} bytes"
        raise FormatError(problem, hint=_HINT)
    return content


def _member_of(opened: zipfile.ZipFile, *, name: str) -> bytes:
    members = opened.infolist()
    # The original name: zipfile cuts the other one where it holds a NUL.
    if [member.orig_filename for member in members] != [MEMBER]:
        raise FormatError(f"{name}: it holds not just {MEMBER}", hint=_HINT)
    member = members[0]
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise FormatError(f"{name}: {MEMBER} is no regular file", hint=_HINT)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = f"{name}: {MEMBER} is compressed in an unusual way"
        raise FormatError(problem, hint=_HINT)
    with opened.open(member) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) <= MAX_BYTES and len(content) != member.file_size:
        raise FormatError(f"{name}: {MEMBER} says to have another size", hint=_HINT)
    return content
