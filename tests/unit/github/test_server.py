"""Our own GitHub as a process, as workflows that are run by hand need it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchgate.github.api import Place, connect
from tests.unit.github.conftest import AT_ONCE, HEAD, PULL

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "github.json"
    pulls = [{"number": PULL, "head_sha": HEAD}]
    path.write_text(json.dumps({"state": {"pulls": pulls}}), encoding="utf-8")
    return path


@pytest.fixture
def address(file: Path) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.github_server", "--state", str(file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def test_what_is_written_is_in_the_file(file: Path, address: str) -> None:
    place = Place(address, "", "octo/shop")

    with connect(place, "the-token", patience=AT_ONCE) as client:
        client.create_comment(PULL, "Hello.")

    kept = json.loads(file.read_bytes())
    assert kept["state"]["comments"][0]["body"] == "Hello."
    assert kept["calls"] == [f"POST /repos/octo/shop/issues/{PULL}/comments"]
