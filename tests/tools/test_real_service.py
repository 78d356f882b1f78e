"""A service that the real Cargo built, restarted in a new layout and really loaded."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchgate.config import NAME, decode
from benchgate.measure import process
from benchgate.measure.plan import Checkout, Workshop
from benchgate.measure.services import LoadSide
from benchgate.model import Commit, Side

pytestmark = pytest.mark.tools("cargo", "k6")

SETTINGS = b"""
suites:
  load:
    tool: k6
    script: load.js
    service:
      build: cargo build --release
      start: target/release/tiny {side}
      ready: http://127.0.0.1:{port}/
"""
MANIFEST = """
[package]
name = "tiny"
version = "0.1.0"
edition = "2021"
"""
# Answers how far its function lies from one of the library, and its argument.
SERVICE = """
use std::io::{Read, Write};

#[inline(never)]
fn here(x: u64) -> u64 { std::hint::black_box(x) * 3 }

fn main() {
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let side = std::env::args().nth(1).unwrap();
    let far = here as usize as i64 - std::process::exit as usize as i64;
    println!("distance {far} side {side}");
    for stream in std::net::TcpListener::bind(("127.0.0.1", port)).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 200 OK\\r\\nContent-Length: 1";
        let _ = write!(stream, "{head}\\r\\n\\r\\n{}", here(1));
    }
}
"""
SCRIPT = """
import http from 'k6/http';
export const options = { vus: 1, duration: '1m', noConnectionReuse: true };
export default function () { http.get(`http://127.0.0.1:${__ENV.PORT}/`); }
"""


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Say nothing of *text*."""

    def advance(self, *, rounds: int, of: int, seconds: float, budget: float) -> None:
        """Say nothing of how far it is."""


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / "src" / "main.rs").write_text(SERVICE)
    (folder / "load.js").write_text(SCRIPT)
    # As a user has it: built before, by nobody who kept how.
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder, check=True)
    return folder


def test_it_is_linked_started_loaded_and_gone(crate: Path, tmp_path: Path) -> None:
    config = decode(SETTINGS, name=NAME)
    (suite,) = config.suites
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    workshop = Workshop(config, tmp_path / "work", scratch, Silent())
    checkout = Checkout(Side.HEAD, Commit("0" * 40), crate, crate)
    side = LoadSide(
        workshop, suite, checkout, script=crate / "load.js", kept=tmp_path / "links"
    )

    with ExitStack() as stack:
        side.start(stack)
    with ExitStack() as stack:
        side.start(stack, number=3)
        side.warm_up()
        window = side.window(3, seconds=1.0)
        files = [place.name for place in scratch.glob("load-head/*")]

    assert side.reason == ""
    assert side.layouts is not None
    assert side.layouts.kept == ()
    assert window.failures == ()
    metrics = {(key.benchmark, key.metric) for key in window.samples}
    assert {("service", "cpu/request")} < metrics
    said = workshop.log("load", Side.HEAD).read_text()
    built, drawn = re.findall(r"distance (-?\d+) side head", said)
    assert built != drawn
    assert files == ["tiny"]
    assert list(scratch.glob("load-head/*")) == []
    assert process.living_sessions() == ()
