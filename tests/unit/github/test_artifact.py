from __future__ import annotations

import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchgate.documents.run import MAX_BYTES
from benchgate.errors import FormatError, PublishError
from benchgate.github import artifact
from benchgate.github.api import Artifact, Client
from tests.builders import LAW
from tests.github_server import Artifact as Stored
from tests.github_server import Fake, Fault
from tests.unit.github.conftest import AT_ONCE, HEAD, Connected

DOCUMENT = b'{"schema": "benchgate-run/1"}'
RUN = 31


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        # Two members of one name are what a test wants to see refused.
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


GOOD = zipped(("run.json", DOCUMENT))


def member(name: str = "run.json", *, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def bomb(size: int) -> bytes:
    return zipped(("run.json", b" " * size))


def lying(archive: bytes, *, says: int) -> bytes:
    """Return *archive* whose only member says to have another size, in both places."""
    central = archive.index(b"PK\x01\x02")
    size = struct.pack("<I", says)
    return (
        archive[:22]
        + size
        + archive[26 : central + 24]
        + size
        + archive[central + 28 :]
    )


def encrypted(archive: bytes) -> bytes:
    central = archive.index(b"PK\x01\x02")
    flagged = bytearray(archive)
    flagged[6] |= 1
    flagged[central + 8] |= 1
    return bytes(flagged)


def with_nul(archive: bytes) -> bytes:
    return archive.replace(b"run.jsonXevil", b"run.json\0evil")


@pytest.fixture
def stored(github: Fake) -> Stored:
    github.state.artifacts.append(Stored(1, RUN, GOOD, head_sha=HEAD))
    return github.state.artifacts[0]


def found(client: Client, name: str = "benchgate-run") -> Artifact:
    one = artifact.find(client, RUN, name)
    assert one is not None
    return one


def test_the_document_is_fetched(client: Client, stored: Stored) -> None:
    assert artifact.fetch(client, found(client)) == DOCUMENT


def test_the_token_stays_with_github(
    client: Client, github: Fake, stored: Stored
) -> None:
    artifact.fetch(client, found(client))

    assert github.storage.split("/")[2] != github.api.split("/")[2]
    assert not github.token_reached_storage


def test_a_netrc_does_not_replace_the_token(
    client: Client,
    stored: Stored,
    tmp_path: os.PathLike[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = os.path.join(tmp_path, "netrc")  # noqa: PTH118 - what the variable takes
    with open(netrc, "w", encoding="utf-8") as file:  # noqa: PTH123 - the same
        file.write("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", netrc)

    assert artifact.fetch(client, found(client)) == DOCUMENT


def test_no_artifact_is_none(client: Client) -> None:
    assert artifact.find(client, RUN, "benchgate-run") is None


def test_an_expired_artifact_is_none(client: Client, stored: Stored) -> None:
    stored.expired = True

    assert artifact.find(client, RUN, "benchgate-run") is None


def test_an_artifact_with_nearly_that_name_is_none(
    client: Client, github: Fake, stored: Stored
) -> None:
    stored.name = "benchgate-run-2"
    listing = '{"artifacts": [{"id": 1, "name": "benchgate-run-2", "size_in_bytes": 1,'
    text = listing + '"expired": false, "created_at": null}]}'
    github.faults.append(Fault("artifacts", status=200, text=text))

    assert artifact.find(client, RUN, "benchgate-run") is None


def test_the_newest_artifact_counts(
    client: Client, github: Fake, stored: Stored
) -> None:
    later = replace(stored, id=2, created_at="2026-03-04T06:00:00Z")
    latest = replace(later, id=3)
    gone = replace(later, id=4, created_at="2026-03-05T06:00:00Z", expired=True)
    github.state.artifacts[:] = [latest, stored, later, gone]

    assert found(client).id == 3


def test_an_artifact_that_says_to_be_too_large_is_not_fetched(
    client: Client, github: Fake, stored: Stored
) -> None:
    stored.size = artifact.MOST_ARCHIVED + 1
    one = found(client)
    github.exchanges.clear()

    with pytest.raises(FormatError, match="benchgate-run: larger than 10000000 bytes"):
        artifact.fetch(client, one)
    assert github.calls == []


def test_an_artifact_that_is_larger_than_it_says_is_cut_off(
    client: Client, stored: Stored
) -> None:
    stored.archive = b"x" * (artifact.MOST_ARCHIVED + 1)
    stored.size = 1

    with pytest.raises(FormatError, match="larger than 10000000 bytes"):
        artifact.fetch(client, found(client))


def test_an_artifact_that_expired_meanwhile_is_a_problem(
    client: Client, stored: Stored
) -> None:
    one = found(client)
    stored.expired = True

    with pytest.raises(PublishError, match="410") as caught:
        artifact.fetch(client, one)
    assert "re-run" in caught.value.hint


def test_a_download_that_never_ends_is_a_problem(
    connected: Connected, stored: Stored
) -> None:
    stored.archive = GOOD + b"x" * 200_000
    slow = connected(replace(AT_ONCE, download=0.0))

    with pytest.raises(PublishError, match="not complete after 0 s"):
        artifact.fetch(slow, found(slow))


def test_a_download_that_fails_is_a_problem(
    client: Client, github: Fake, stored: Stored
) -> None:
    one = found(client)
    github.faults.append(Fault("zip$", status=503))

    with pytest.raises(PublishError, match="/zip"):
        artifact.fetch(client, one)


def test_a_download_is_tried_again(
    client: Client, github: Fake, stored: Stored
) -> None:
    hours = {"Retry-After": "7200"}
    github.faults.append(Fault("zip$", status=503, times=2, headers=hours))

    assert artifact.fetch(client, found(client)) == DOCUMENT


def test_the_address_of_the_storage_is_not_told(client: Client, github: Fake) -> None:
    there = {"Location": "http://127.0.0.1:1/blob?sig=SECRET&x=1"}
    github.faults.append(Fault("zip$", status=302, text="", headers=there))
    one = Artifact(1, "a", 1, expired=False, created_at="", run=1, head_sha="")

    with pytest.raises(PublishError, match="/zip: no answer of use") as caught:
        artifact.fetch(client, one)
    assert "SECRET" not in caught.value.problem


def test_redirects_in_a_circle_end(client: Client, github: Fake) -> None:
    again = {"Location": "zip"}
    github.faults.append(Fault("zip$", status=302, text="", headers=again))
    one = Artifact(
        1, "benchgate-run", 1, expired=False, created_at="", run=1, head_sha=""
    )

    with pytest.raises(PublishError, match="redirects"):
        artifact.fetch(client, one)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_member_is_read(method: int) -> None:
    archive = zipped(("run.json", DOCUMENT), method=method)

    assert artifact.unpack(archive, name="a") == DOCUMENT


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        pytest.param(zipped(), "not just run.json", id="empty"),
        pytest.param(zipped(("run.json", b""), ("b", b"")), "not just", id="two"),
        pytest.param(
            zipped(("run.json", b"1"), ("run.json", b"2")), "not just", id="twice"
        ),
        pytest.param(zipped(("Run.json", b"")), "not just run.json", id="case"),
        pytest.param(zipped(("../run.json", b"")), "not just", id="traversal"),
        pytest.param(zipped(("/etc/run.json", b"")), "not just", id="absolute"),
        pytest.param(zipped(("a/run.json", b"")), "not just", id="folder"),
        pytest.param(zipped(("run.json/", b"")), "not just", id="is-folder"),
        pytest.param(
            with_nul(zipped(("run.jsonXevil", b""))), "not just run.json", id="nul"
        ),
        pytest.param(
            zipped((member(mode=0o120777), b"/etc/passwd")),
            "no regular file",
            id="symlink",
        ),
        pytest.param(
            zipped((member(mode=0o020666), b"")), "no regular file", id="device"
        ),
        pytest.param(encrypted(GOOD), "encrypted", id="encrypted"),
        pytest.param(
            zipped(("run.json", DOCUMENT), method=zipfile.ZIP_BZIP2),
            "unusual way",
            id="bzip2",
        ),
        pytest.param(
            zipped(("run.json", DOCUMENT), method=zipfile.ZIP_LZMA),
            "unusual way",
            id="lzma",
        ),
        pytest.param(GOOD[:-8], "not a zip", id="cut-off"),
        pytest.param(GOOD[:40] + b"\0\0" + GOOD[42:], "not a zip", id="damaged"),
        pytest.param(b"", "not a zip", id="nothing"),
        pytest.param(DOCUMENT, "not a zip", id="json"),
        pytest.param(b"\x1f\x8b" + b"\0" * 30, "not a zip", id="gzip"),
        pytest.param(lying(bomb(100), says=10), "not a zip", id="more-than-said"),
        pytest.param(lying(bomb(10), says=1_000), "another size", id="less-than-said"),
    ],
)
def test_a_hostile_archive_is_refused(archive: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=f"^benchgate-run: .*{problem}"):
        artifact.unpack(archive, name="benchgate-run")


def test_a_bomb_is_refused_after_50_mb() -> None:
    with pytest.raises(FormatError, match="larger than 50000000 bytes"):
        artifact.unpack(bomb(60_000_000), name="a")


@pytest.mark.parametrize("says", [10, 4_000_000_000])
def test_a_bomb_that_lies_is_refused(says: int) -> None:
    with pytest.raises(FormatError):
        artifact.unpack(lying(bomb(60_000_000), says=says), name="a")


def test_of_a_bomb_no_more_is_read_than_it_may_have() -> None:
    archive = bomb(300_000_000)
    tracemalloc.start()

    with pytest.raises(FormatError, match="larger than"):
        artifact.unpack(archive, name="a")

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * MAX_BYTES


def test_a_bomb_in_a_bomb_is_opened_once() -> None:
    inner = bomb(60_000_000)

    assert artifact.unpack(zipped(("run.json", inner)), name="a") == inner


@LAW
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(GOOD)),
)
def test_damage_is_refused_or_does_no_harm(
    changes: list[tuple[int, int]], length: int
) -> None:
    damaged = bytearray(GOOD)
    for place, value in changes:
        damaged[place] = value

    assert _outcome(bytes(damaged[: length or None])) in ("refused", DOCUMENT)


def _outcome(archive: bytes) -> str | bytes:
    try:
        return artifact.unpack(archive, name="a")
    except FormatError:
        return "refused"
