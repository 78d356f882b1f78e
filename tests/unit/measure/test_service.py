from __future__ import annotations

import contextlib
import http.client
import shlex
import socket
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from benchgate.errors import ConfigError, ToolError
from benchgate.measure import service
from benchgate.measure.process import DeadlineError, session_members
from benchgate.measure.service import Running
from benchgate.model import Side

needs_proc = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")

# A service as small as it gets; what it is told to do besides comes before.
SERVER = """
import http.server, os, signal, socket, sys, time
{before}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(os.environ.get("DATABASE", "").encode())
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("listening", flush=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class Plan:
    """A service as benchgate.yml would have it."""

    start: str
    build: str | None = None
    prepare: str | None = None
    stop: str | None = None
    ready: str = "http://127.0.0.1:{port}/health"
    env: Mapping[str, str] = field(default_factory=dict)
    ready_within: float = 20.0


def server(before: str = "", *, status: str = "200", marker: str = "") -> str:
    code = SERVER.format(before=before, status=status)
    # The code needs a shell by its signs; exec leaves the service alone in its session.
    return "exec " + shlex.join([sys.executable, "-c", code, marker])


@pytest.fixture
def marker() -> str:
    return f"marker-{uuid.uuid4().hex}"


def living(marker: str) -> list[str]:
    """The processes with *marker* in their command line, but not the dead ones."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rpartition(") ")[2][0]
            if marker.encode() in words and state not in "ZX":
                found.append(folder.name)
    return found


@contextlib.contextmanager
def started(plan: Plan, root: Path, side: Side = Side.HEAD) -> Iterator[Running]:
    log = root / f"{side}.log"
    with service.started(plan, suite="load", side=side, root=root, log=log) as running:
        yield running


def body_of(running: Running) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    with contextlib.closing(connection):
        connection.request("GET", "/x")
        return connection.getresponse().read().decode()


def is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_base_and_head_are_up_at_once_and_apart(tmp_path: Path) -> None:
    plan = Plan(server(), env={"DATABASE": 'sqlite://{side}.db?{"port":{port}}'})

    with started(plan, tmp_path, Side.BASE) as base, started(plan, tmp_path) as head:
        bodies = [body_of(base), body_of(head)]

    assert head.url == f"http://127.0.0.1:{head.port}"
    assert bodies == [
        f'sqlite://base.db?{{"port":{base.port}}}',
        f'sqlite://head.db?{{"port":{head.port}}}',
    ]
    assert is_free(base.port)
    assert is_free(head.port)


def test_what_a_service_prints_is_kept(tmp_path: Path) -> None:
    with started(Plan(server()), tmp_path):
        pass

    assert (tmp_path / "head.log").read_text().startswith("listening\n")


def test_a_service_may_need_a_shell(tmp_path: Path) -> None:
    start = f"export DATABASE={{side}}-{{port}}; {server()}"

    with started(Plan(start), tmp_path) as running:
        body = body_of(running)

    assert body == f"head-{running.port}"


@needs_proc
def test_the_session_names_the_processes_of_a_service(tmp_path: Path) -> None:
    with started(Plan(server("os.fork() or time.sleep(600)")), tmp_path) as running:
        members = session_members(running.session)

    assert len(members) == 2
    assert session_members(running.session) == ()


@needs_proc
def test_an_exception_ends_the_service(tmp_path: Path, marker: str) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        started(Plan(server(marker=marker)), tmp_path),
    ):
        raise KeyboardInterrupt

    assert living(marker) == []


@needs_proc
def test_a_service_that_ignores_sigterm_is_killed(
    tmp_path: Path, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "GRACE", 0.2)
    stubborn = server("signal.signal(signal.SIGTERM, signal.SIG_IGN)", marker=marker)

    with started(Plan(stubborn), tmp_path):
        assert len(living(marker)) == 1

    assert living(marker) == []


@needs_proc
@pytest.mark.parametrize(
    "before",
    [
        "os.fork() or __import__('time').sleep(60)",
        "os.fork() and os._exit(0)",
        "os.fork() and os._exit(0); os.fork() and os._exit(0)",
        "os.fork() and os._exit(0); os.setpgid(0, 0); os.fork() and os._exit(0)",
    ],
    ids=["child", "background", "double", "group of its own"],
)
def test_a_service_that_forks_is_ready_and_is_ended(
    tmp_path: Path, marker: str, before: str
) -> None:
    plan = Plan(server(before, marker=marker))

    with started(plan, tmp_path) as running:
        assert body_of(running) == ""

    assert living(marker) == []


def test_a_service_that_dies_before_it_is_ready_shows_its_last_lines(
    tmp_path: Path,
) -> None:
    plan = Plan("echo starting; echo 'no database' >&2; exit 101")

    with pytest.raises(ToolError) as caught, started(plan, tmp_path):
        pass

    assert caught.value.problem == (
        "load: the head's service ended with status 101 before it was ready\n"
        "    starting\n"
        "    no database"
    )


def test_a_service_that_ends_well_too_early_has_failed(tmp_path: Path) -> None:
    message = "the base's service ended with status 0 before it was ready"

    with (
        pytest.raises(ToolError, match=message),
        started(Plan("true"), tmp_path, Side.BASE),
    ):
        pass


@needs_proc
@pytest.mark.parametrize(
    ("before", "status"),
    [("", "503"), ("time.sleep(600)", "200")],
    ids=["answers with 503", "never listens"],
)
def test_a_service_that_never_gets_ready_is_ended(
    tmp_path: Path, marker: str, before: str, status: str
) -> None:
    plan = Plan(server(before, status=status, marker=marker), ready_within=0.5)

    with (
        pytest.raises(ToolError, match=r"was not ready after 0\.5 s") as caught,
        started(plan, tmp_path),
    ):
        pass

    assert caught.value.hint == "check that /health answers with 2xx"
    assert living(marker) == []


def test_a_service_that_accepts_but_never_answers_is_not_ready(tmp_path: Path) -> None:
    deaf = server(
        'own = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))\n'
        "time.sleep(600)"
    )

    with (
        pytest.raises(ToolError, match=r"was not ready after 0\.5 s"),
        started(Plan(deaf, ready_within=0.5), tmp_path),
    ):
        pass


def test_a_port_that_was_taken_is_chosen_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as somebody:
        taken = somebody.getsockname()[1]
        free = service.free_port()
        ports = iter([taken, taken, free])
        monkeypatch.setattr(service, "free_port", lambda: next(ports))
        with started(Plan(server()), tmp_path) as running:
            assert running.port == free


def test_a_port_that_is_always_taken_is_an_error_after_three_tries(
    tmp_path: Path,
) -> None:
    plan = Plan("echo 'Address already in use (os error 98)'; exit 1")

    with (
        pytest.raises(ToolError, match="ended with status 1 before it was ready"),
        started(plan, tmp_path),
    ):
        pass

    assert (tmp_path / "head.log").read_text().count("os error 98") == 3


def test_an_error_of_an_earlier_start_is_not_mistaken_for_a_taken_port(
    tmp_path: Path,
) -> None:
    (tmp_path / "head.log").write_text("Address already in use (os error 98)\n")

    with pytest.raises(ToolError), started(Plan("echo again; exit 1"), tmp_path):
        pass

    assert (tmp_path / "head.log").read_text().count("again") == 1


def test_stop_runs_while_the_service_is_up_and_sees_its_variables(
    tmp_path: Path,
) -> None:
    plan = Plan(
        server(), stop="echo $PORT {side} $NAME > stopped", env={"NAME": "{side}-db"}
    )

    with started(plan, tmp_path) as running:
        pass

    assert (tmp_path / "stopped").read_text() == f"{running.port} head head-db\n"


def test_a_stop_that_fails_loses_nothing(tmp_path: Path) -> None:
    with started(Plan(server(), stop="echo can not; exit 3"), tmp_path) as running:
        pass

    assert is_free(running.port)
    assert "can not" in (tmp_path / "head.log").read_text()


def test_a_service_elsewhere_is_awaited_when_there_is_a_way_to_stop_it(
    tmp_path: Path,
) -> None:
    # As with `docker compose up -d`: start returns, and nothing of ours is left.
    plan = Plan("true", stop="touch stopped", ready_within=0.3)

    with (
        pytest.raises(ToolError, match=r"was not ready after 0\.3 s"),
        started(plan, tmp_path),
    ):
        pass

    assert (tmp_path / "stopped").exists()


def test_a_service_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolError, match=r"^target/release/shop: not found$"),
        started(Plan("target/release/shop"), tmp_path),
    ):
        pass


@pytest.mark.parametrize("ready", ["https://127.0.0.1/", "127.0.0.1:80", ""])
def test_readiness_is_asked_over_http(tmp_path: Path, ready: str) -> None:
    with (
        pytest.raises(ConfigError, match="readiness is only asked over http"),
        started(Plan("sleep 600", ready=ready), tmp_path),
    ):
        pass


@pytest.mark.parametrize("step", ["build", "prepare"])
def test_build_and_prepare_run_once_with_the_variables_of_the_side(
    tmp_path: Path, step: str
) -> None:
    command = "echo {side} $DATABASE >> done"
    plan = Plan("", build=command, prepare=command, env={"DATABASE": "{side}.db"})

    getattr(service, step)(
        plan, side=Side.BASE, root=tmp_path, log=tmp_path / "log", within=9
    )

    assert (tmp_path / "done").read_text() == "base base.db\n"


@pytest.mark.parametrize("step", ["build", "prepare"])
def test_nothing_to_build_or_prepare_is_fine(tmp_path: Path, step: str) -> None:
    log = tmp_path / "log"

    getattr(service, step)(Plan(""), side=Side.BASE, root=tmp_path, log=log, within=9)

    assert not log.exists()


def test_a_build_that_fails_shows_the_compilers_last_lines(tmp_path: Path) -> None:
    plan = Plan("", build="echo 'error[E0425]: cannot find'; exit 101")
    log = tmp_path / "log"

    with pytest.raises(ToolError, match=r"status 101\n    error\[E0425\]"):
        service.build(plan, side=Side.HEAD, root=tmp_path, log=log, within=9)

    assert log.read_text() == "error[E0425]: cannot find\n"


def test_a_build_has_a_deadline(tmp_path: Path) -> None:
    plan = replace(Plan(""), build="sleep 600")

    with pytest.raises(DeadlineError, match=r"^sleep: not finished after 0\.2 s"):
        service.build(
            plan, side=Side.HEAD, root=tmp_path, log=tmp_path / "log", within=0.2
        )


@pytest.mark.parametrize(
    ("start", "file"),
    [
        ("target/release/shop --port {port}", "target/release/shop"),
        ("'target/{side}/my shop' --quiet", "target/head/my shop"),
        ("/opt/shop", "/opt/shop"),
        ("cargo run --release", None),
        ("$HOME/shop", None),
        ("PORT=1 target/release/shop", None),
        ("/bin/sh -c target/release/shop", None),
    ],
)
def test_the_executable_that_a_command_names(
    tmp_path: Path, start: str, file: str | None
) -> None:
    found = service.executable_of(Plan(start), side=Side.HEAD, root=tmp_path)

    assert found == (tmp_path / file if file else None)


def test_another_executable_gets_the_words_of_the_command(tmp_path: Path) -> None:
    plan = Plan("missing/python serve.py {side} 'two words'")
    (tmp_path / "serve.py").write_text(
        SERVER.format(before='open("words", "w").write(repr(sys.argv[1:]))', status=200)
    )

    with service.started(
        plan,
        suite="load",
        side=Side.BASE,
        root=tmp_path,
        log=tmp_path / "log",
        executable=Path(sys.executable),
    ):
        pass

    assert (tmp_path / "words").read_text() == "['base', 'two words']"
