"""The window as the real k6 plays it, against a small server in this process."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchgate.measure import host, load, service
from benchgate.measure.load import Window
from benchgate.model import Side

pytestmark = pytest.mark.tools

SHOP = """
import http from 'k6/http';
import { SharedArray } from 'k6/data';
import { pathOf } from './lib/paths.js';

const goods = new SharedArray('goods', () => JSON.parse(open('./goods.json')));
const url = `http://127.0.0.1:${__ENV.PORT}`;

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s',
      duration: '1m', preAllocatedVUs: 4, exec: 'browse', tags: { kind: 'steady' },
    },
    later: {
      executor: 'ramping-vus', startTime: '30s', startVUs: 1,
      stages: [{ duration: '20s', target: 2 }, { duration: '10s', target: 0 }],
    },
  },
  thresholds: { http_req_duration: [{ threshold: 'max<0', abortOnFail: true }] },
};

export function setup() { return { first: 'setup' }; }
export function browse(made) { http.get(`${url}/${pathOf(goods[0])}/${made.first}`); }
export default function () { http.get(`${url}/${__ENV.API_TOKEN}`); }
export function teardown() { http.get(`${url}/teardown`); }
export function handleSummary() { return { 'summary-of-the-user.txt': 'x' }; }
"""


@dataclass
class Server:
    """Where requests arrive."""

    port: int
    paths: Counter[str]


@dataclass(frozen=True)
class Shop:
    """A service as benchgate.yml would have it."""

    start: str = "python3 -m http.server {port} --bind 127.0.0.1"
    ready: str = "http://127.0.0.1:{port}/"
    ready_within: float = 20.0
    build: str | None = None
    prepare: str | None = None
    stop: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
def server() -> Iterator[Server]:
    paths: Counter[str] = Counter()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            paths[self.path] += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield Server(listening.server_port, paths)
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def k6() -> str:
    found = shutil.which("k6") or shutil.which(Path.home() / "go/bin/k6")
    if found is None:
        refuse = (
            pytest.fail if os.environ.get("BENCHGATE_REQUIRE_TOOLS") else pytest.skip
        )
        refuse("no k6 on the path")
    return str(found)


def play(
    k6: str, port: int, script: Path, *, side: Side = Side.HEAD, seconds: float = 1.5
) -> Window:
    folder = script.parents[1]
    return load.window(
        script,
        suite="load",
        k6=k6,
        port=port,
        side=side,
        seconds=seconds,
        warmup=0.5,
        env={"RATE": "20", "API_TOKEN": "token-of-the-shop"},
        out=folder / "out" / f"{side}.json",
        work=folder / "work",
        within=60,
    )


def script_of(folder: Path, text: str, name: str = "shop.js") -> Path:
    place = folder / "load"
    (place / "lib").mkdir(parents=True)
    (place / "lib" / "paths.js").write_text("export const pathOf = (x) => `goods/${x}`")
    (place / "goods.json").write_text("[7]")
    script = place / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    return script


def points_of(window: Window, metric: str) -> list[dict[str, Any]]:
    lines = map(json.loads, window.points.read_text().splitlines())
    return [
        line["data"]
        for line in lines
        if line["type"] == "Point" and line["metric"] == metric
    ]


def test_a_script_with_everything_is_played_in_the_time_of_a_window(
    tmp_path: Path, k6: str, server: Server
) -> None:
    script = script_of(tmp_path, SHOP)

    window = play(k6, server.port, script)

    scenarios = Counter(
        point["tags"].get("scenario", "") for point in points_of(window, "http_reqs")
    )
    assert (window.failures, window.doubts) == ((), ())
    assert window.seconds < 10  # the script itself would take a minute
    assert scenarios["steady"] in range(38, 43)  # 20/s for 2 s
    assert scenarios["later"] > 0
    assert scenarios.total() == window.requests == server.paths.total()
    assert set(server.paths) == {"/goods/7/setup", "/token-of-the-shop", "/teardown"}
    assert not list(tmp_path.rglob("summary-of-the-user.txt"))


def test_base_and_head_may_be_played_at_once(
    tmp_path: Path, k6: str, server: Server
) -> None:
    script = script_of(tmp_path, SHOP)
    with ThreadPoolExecutor() as pool:
        windows = list(
            pool.map(lambda side: play(k6, server.port, script, side=side), Side)
        )

    assert [window.failures for window in windows] == [(), ()]


GET = "http.get(`http://127.0.0.1:${__ENV.PORT}/`);"


@pytest.mark.parametrize(
    ("options", "doubts"),
    [
        ("undefined", 0),
        ("{ vus: 2, duration: 60000 }", 0),
        (
            "{ stages: [{ duration: '1h30m', target: 2 }] }",
            0,
        ),
        ("{ vus: 2, iterations: 100000 }", 1),
        ("{ scenarios: { a: { executor: 'per-vu-iterations', iterations: 1 } } }", 1),
        (
            """{ scenarios: { a: {
                executor: 'ramping-arrival-rate', startRate: 10, preAllocatedVUs: 2,
                stages: [{ duration: '1m', target: 20 }],
            } } }""",
            0,
        ),
    ],
)
def test_any_options_are_played_for_the_length_of_a_window(
    tmp_path: Path, k6: str, server: Server, options: str, doubts: int
) -> None:
    text = (
        "import http from 'k6/http';"
        f"export const options = {options};"
        f"export default function () {{ {GET} }}"
    )

    window = play(k6, server.port, script_of(tmp_path, text))

    assert (window.failures, len(window.doubts)) == ((), doubts)
    assert 1.9 < window.seconds < 6
    assert window.requests > 10


def test_a_script_without_default_and_options_in_a_strange_place_is_played(
    tmp_path: Path, k6: str, server: Server
) -> None:
    text = (
        "import http from 'k6/http';"
        "export const options = { scenarios: { a: { executor: 'constant-vus',"
        " vus: 1, duration: '1m', exec: 'browse' } } };"
        f"export function browse() {{ {GET} }}"
    )
    script = script_of(tmp_path / "50% of ä#b?c", text, 'the "shop".js')

    window = play(k6, server.port, script)

    assert window.failures == ()
    assert window.requests == server.paths.total() > 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "export default function () { throw new Error('boom') }",
            "every iteration throws",
        ),
        (
            f"export default function () {{ {GET} throw new Error('boom') }}",
            "every iteration throws",
        ),
        ("export default function () { fail('boom') }", "every iteration throws"),
        ("export default function () {}", "no HTTP request was made within the window"),
        (
            "export default function () { sleep(60) }",
            "no iteration was finished within the window",
        ),
        (
            "export default function ( {",
            "k6 ended with status 107: the script throws outside of its iterations",
        ),
        (
            "export default function () { exec.test.abort('enough') }",
            "k6 ended with status 108: the script aborted the test",
        ),
        (
            """export const options = { scenarios: { a: { executor: 'no such' } } };
            export default function () {}""",
            "k6 ended with status 104: its configuration is invalid",
        ),
    ],
)
def test_what_goes_wrong_in_a_script_is_a_failure(
    tmp_path: Path, k6: str, server: Server, text: str, reason: str
) -> None:
    imports = (
        "import http from 'k6/http'; import exec from 'k6/execution';"
        "import { fail, sleep } from 'k6';"
    )

    window = play(k6, server.port, script_of(tmp_path, imports + text))

    assert [failure.reason for failure in window.failures] == [reason]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")
def test_the_cost_of_a_request_is_measured_beside_its_latency(
    tmp_path: Path, k6: str
) -> None:
    text = (
        "import http from 'k6/http';"
        "export const options = { scenarios: { a: { executor: 'constant-arrival-rate',"
        " rate: 50, duration: '1m', preAllocatedVUs: 4 } } };"
        f"export default function () {{ {GET} }}"
    )
    script = script_of(tmp_path, text)

    shop = service.started(
        Shop(),
        suite="load",
        side=Side.HEAD,
        root=tmp_path,
        log=tmp_path / "log",
    )
    with shop as running:
        before = host.process_cost(running.session)
        window = play(k6, running.port, script)
        after = host.process_cost(running.session)

    cost = load.cost_of_window(before, after, window.requests, suite="load")
    values = {series.metric: sample.values[0] for series, sample in cost.items()}
    assert window.requests in range(98, 104)
    assert 1e-5 < values["cpu/request"] < 0.1
    assert values["peak memory"] > 1e6
    assert values["switches/request"] > 0.5
