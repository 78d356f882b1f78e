"""The service of one side: built, prepared, started, awaited, and ended again.

``{port}`` and ``{side}`` in its commands, its URL and its variables keep base and
head apart while both are up.
Its output goes straight into the log file, so nothing has to read along.
"""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from benchgate.errors import ConfigError, ToolError
from benchgate.measure.process import (
    GRACE,
    LAST_BYTES,
    check,
    ending_of,
    run,
    session_members,
    shell_words,
    spawned,
    with_lines,
)
from benchgate.model import Side

HOST = "127.0.0.1"
STOP_WITHIN = 30.0
_TRIES = 3
_POLL = 0.05
_ANSWER_WITHIN = 1.0
# As Rust, Node, Python and Go report EADDRINUSE; 98 on Linux, 48 on macOS.
_PORT_TAKEN = re.compile(r"(?i)address (already )?in use|eaddrinuse|os error (98|48)\b")


class Service(Protocol):
    """What ``benchgate.yml`` says of a service."""

    @property
    def build(self) -> str | None:
        """The command that builds it."""

    @property
    def prepare(self) -> str | None:
        """The command that makes its data, once a side."""

    @property
    def start(self) -> str:
        """The command that is the service."""

    @property
    def stop(self) -> str | None:
        """The command that stops what ``start`` left behind elsewhere."""

    @property
    def ready(self) -> str:
        """The URL that answers with 2xx once it is ready."""

    @property
    def env(self) -> Mapping[str, str]:
        """Variables for all of its commands."""

    @property
    def ready_within(self) -> float:
        """Seconds until it has to be ready."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is up; ``session`` names its processes to ``process_cost``."""

    side: Side
    port: int
    url: str
    session: int


class PortTakenError(ToolError):
    """Somebody else was faster, whatever was started: worth a try on another port."""


def build(
    service: Service, *, side: Side, root: Path, log: Path, within: float
) -> None:
    """Build *service* in *root*, if it says how; what is printed goes to *log*.

    Raises ToolError with the last lines when that fails, DeadlineError after
    *within* seconds.
    """
    _run_once(service, service.build, side=side, root=root, log=log, within=within)


def prepare(
    service: Service, *, side: Side, root: Path, log: Path, within: float
) -> None:
    """Make the data of *service*, if it says how; otherwise as ``build``.

    A ``{port}`` in there is a free one, but not the one of a later start.
    """
    _run_once(service, service.prepare, side=side, root=root, log=log, within=within)


def executable_of(service: Service, *, side: Side, root: Path) -> Path | None:
    """Return the file that ``start`` runs first in *root*.

    None where a shell or the search path tells which that is.
    """
    words = shell_words(_filled(service.start, port=0, side=side))
    if "/" not in words[0] or words[:2] == ("/bin/sh", "-c"):
        return None
    return root / words[0]


@contextmanager
def started(
    service: Service,
    *,
    suite: str,
    side: Side,
    root: Path,
    log: Path,
    executable: Path | None = None,
) -> Iterator[Running]:
    """Start *service* in *root*, await that it is ready, and end it afterwards.

    *executable* takes the place of what ``executable_of`` says.
    The port is a free one, passed as ``PORT``; was it taken meanwhile, another one
    is tried. What is printed is added to *log*.
    Afterwards ``stop`` is run, and nothing of the service's session survives.
    Raises ToolError, with the last lines, when it ends before it is ready or isn't
    ready in time; *suite* begins the sentence.
    """
    with ExitStack() as stack:
        yield _first_ready(
            stack,
            service,
            suite=suite,
            side=side,
            root=root,
            log=log,
            executable=executable,
        )


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _first_ready(
    stack: ExitStack,
    service: Service,
    *,
    suite: str,
    side: Side,
    root: Path,
    log: Path,
    executable: Path | None,
) -> Running:
    """Start *service* until it gets a port, and have *stack* end it."""

    def one_try() -> Running:
        launch = _launched(
            service, suite=suite, side=side, root=root, log=log, executable=executable
        )
        return stack.enter_context(launch)

    for _ in range(_TRIES - 1):
        with suppress(PortTakenError):
            return one_try()
    return one_try()


@contextmanager
def _launched(
    service: Service,
    *,
    suite: str,
    side: Side,
    root: Path,
    log: Path,
    executable: Path | None,
) -> Iterator[Running]:
    """Start *service* on one port; ready inside the block, gone after it."""
    port = free_port()
    words = shell_words(_filled(service.start, port=port, side=side))
    if executable:
        words = (str(executable), *words[1:])
    env = _variables(service, port=port, side=side)
    with log.open("ab") as output:
        # Read before the start: the service moves the position that we share.
        offset = output.tell()
        with spawned(words, cwd=root, env=env, stdout=output, grace=GRACE) as process:
            try:
                _await_ready(
                    service,
                    process,
                    place=f"{suite}: the {side}'s service",
                    url=_filled(service.ready, port=port, side=side),
                    port=port,
                    log=log,
                    offset=offset,
                )
                yield Running(side, port, f"http://{HOST}:{port}", process.pid)
            finally:
                _stop(service, port=port, side=side, root=root, log=log)


def _await_ready(
    service: Service,
    process: subprocess.Popen[bytes],
    *,
    place: str,
    url: str,
    port: int,
    log: Path,
    offset: int,
) -> None:
    """Return once *url* answers; *offset* is where this start's output begins."""
    deadline = time.monotonic() + service.ready_within
    while True:
        answers = _answers(url)
        status = _status_at_end(service, process)
        if status is not None:
            printed = _last_printed(log, offset)
            problem = f"{place} {ending_of(status)} before it was ready"
            taken = _PORT_TAKEN.search(printed) or _is_taken(port)
            kind = PortTakenError if taken else ToolError
            raise kind(with_lines(problem, printed), hint=f"see {log.name}")
        if answers:
            return
        if time.monotonic() > deadline:
            problem = f"{place} was not ready after {service.ready_within:g} s"
            raise ToolError(
                with_lines(problem, _last_printed(log, offset)),
                hint=f"check that {urlsplit(url).path or '/'} answers with 2xx",
            )
        time.sleep(_POLL)


def _status_at_end(service: Service, process: subprocess.Popen[bytes]) -> int | None:
    """Return the status of a service that has ended, None while it is up.

    A start command that ends well while its children live, or that has a ``stop``
    command, has left the service running in the background.
    """
    status = process.poll()
    if status == 0 and (service.stop or session_members(process.pid)):
        return None
    return status


def _answers(url: str) -> bool:
    """Say whether *url* answers with 2xx; raise ConfigError when it can't be asked."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError(
            f"{url}: readiness is only asked over http",
            hint="write it as `http://127.0.0.1:{port}/...`",
        )
    connection = http.client.HTTPConnection(
        parts.hostname, parts.port, timeout=_ANSWER_WITHIN
    )
    with closing(connection):
        try:
            connection.request("GET", parts._replace(scheme="", netloc="").geturl())
            return connection.getresponse().status // 100 == 2  # noqa: PLR2004 - 2xx
        except (OSError, http.client.HTTPException):
            return False


def _is_taken(port: int) -> bool:
    """Say whether somebody listens on *port*."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(_ANSWER_WITHIN)
        return probe.connect_ex((HOST, port)) == 0


def _stop(service: Service, *, port: int, side: Side, root: Path, log: Path) -> None:
    """Run the ``stop`` command, if there is one.

    That it fails is no reason to lose what was measured; it says so in the log.
    """
    if service.stop is None:
        return
    words = shell_words(_filled(service.stop, port=port, side=side))
    env = _variables(service, port=port, side=side)
    with suppress(ToolError):
        run(words, cwd=root, env=env, within=STOP_WITHIN, log=log)


def _run_once(
    service: Service,
    command: str | None,
    *,
    side: Side,
    root: Path,
    log: Path,
    within: float,
) -> None:
    """Run one *command* of *service*, if there is one, and check its status."""
    if command is None:
        return
    port = free_port()
    words = shell_words(_filled(command, port=port, side=side))
    env = _variables(service, port=port, side=side)
    check(run(words, cwd=root, env=env, within=within, log=log))


def _variables(service: Service, *, port: int, side: Side) -> dict[str, str]:
    filled = {
        name: _filled(value, port=port, side=side)
        for name, value in service.env.items()
    }
    return {**filled, "PORT": str(port)}


def _filled(text: str, *, port: int, side: Side) -> str:
    # Not str.format: a variable may hold JSON.
    return text.replace("{port}", str(port)).replace("{side}", side.value)


def _last_printed(log: Path, offset: int) -> str:
    """Return the end of what was added to *log* after *offset*."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(offset, size - LAST_BYTES))
        return file.read().decode("utf-8", "replace")
