"""A command → its status and its last lines; the only way in which tools are run.

Whatever is started here has a session of its own and doesn't outlive its caller:
not its deadline, not an exception, not Ctrl-C, not even a SIGKILL of the gate.

Three nets, each for what slips through the one before:

* ``spawned`` ends the whole session when its block is left, however it is left;
* ``kill_all`` is for signal handlers that can't wait for that;
* a small shell, the guard, reads a pipe that only the gate holds open, and kills
  the groups it was told of when the pipe closes. A parent-death signal
  (``prctl``) would need Python code between fork and exec, which may deadlock
  beside threads, is bound to the forking thread, and spares grandchildren.

A process that opens a session of its own (``docker compose up -d``, a database
server, sccache) is meant to stay and is left alone.
"""

from __future__ import annotations

import atexit
import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from benchgate.errors import ConfigError, ToolError

LAST_LINES = 200
LAST_BYTES = 1 << 16
SHOWN_LINES = 20
GRACE = 5.0
_BLOCK = 1 << 16
_TICK = 0.1
# How long output is still read from children that outlive the command itself.
_LINGER = 1.0
# SIGKILL needs no longer than it takes the kernel to schedule the dying.
_DYING = 2.0

_HINTS = {
    "cargo": "install Rust from https://rustup.rs",
    "cargo-criterion": "run `cargo install cargo-criterion`",
    "k6": "install it: https://grafana.com/docs/k6/latest/set-up/install-k6/",
}

# What only a shell understands: operators, expansions, comments, assignments.
_SHELL = re.compile(r"[|&;<>()$`*?\[~#!\n]|^\s*\w+=")

_GUARD = """
trap '' HUP INT TERM
live=
while read -r sign group; do
  rest=
  for other in $live; do
    [ "$other" = "$group" ] || rest="$rest $other"
  done
  live=$rest
  [ "$sign" = - ] || live="$live $group"
done
for group in $live; do
  kill -s KILL -- "-$group"
done
"""

_live: set[int] = set()


class DeadlineError(ToolError):
    """A command was ended because it took too long."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended.

    ``status`` is the exit status, negative the signal that killed it.
    ``output`` holds the last lines of standard output and error in the order in
    which they came, at most LAST_LINES and LAST_BYTES.
    """

    command: tuple[str, ...]
    status: int
    output: str
    seconds: float


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str | None] | None = None,
    within: float,
    stdout: Path | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run *command* in *cwd* to its end and return how it ended.

    *env* is laid over our own environment; None takes a variable away.
    *stdout*: where to write standard output, which is then not in the last lines.
    *log*: a file that everything else printed is added to.
    *on_line* is told each line; what it raises ends the command.
    A status other than 0 is no error here: see ``check``.
    Raises ToolError when it can't be started, DeadlineError after *within* seconds.
    """
    tail = _Tail(on_line)
    began = time.monotonic()
    with ExitStack() as stack:
        saved = stack.enter_context(stdout.open("wb")) if stdout else None
        journal = stack.enter_context(log.open("ab")) if log else None
        process = stack.enter_context(
            spawned(
                command,
                cwd=cwd,
                env=env,
                stdout=saved or subprocess.PIPE,
                stderr=subprocess.PIPE if saved else subprocess.STDOUT,
            )
        )
        try:
            for block in _printed(process, deadline=began + within):
                tail.add(block)
                if journal:
                    journal.write(block)
            status = process.wait(max(0.0, began + within - time.monotonic()))
        except subprocess.TimeoutExpired:
            problem = f"{name_of(command)}: not finished after {within:g} s"
            raise DeadlineError(with_lines(problem, tail.text())) from None
        seconds = time.monotonic() - began
    return Finished(tuple(command), status, tail.text(), seconds)


def check(finished: Finished) -> Finished:
    """Return *finished* as it is; raise ToolError when its status isn't 0."""
    if finished.status == 0:
        return finished
    problem = f"{name_of(finished.command)}: {ending_of(finished.status)}"
    raise ToolError(with_lines(problem, finished.output))


@contextmanager
def spawned(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str | None] | None,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes] = subprocess.STDOUT,
    grace: float = GRACE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start *command* in a session of its own, and end all of that afterwards.

    What is left of the session gets SIGTERM, and SIGKILL after *grace* seconds.
    Raises ToolError when it can't be started.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(command, cwd, error) from error
    try:
        _live.add(process.pid)
        _tell_guard("+", process.pid)
        yield process
    finally:
        try:
            _end(process, grace=grace)
        finally:
            _live.discard(process.pid)
            _tell_guard("-", process.pid)
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()


def kill_all() -> None:
    """Kill everything that was started here and still runs, without grace.

    Made for a signal handler: it waits for nothing and raises nothing.
    """
    for session in tuple(_live):
        _signal(session, signal.SIGKILL)


def living_sessions() -> tuple[int, ...]:
    """Return the sessions that were started here and have not been ended yet."""
    return tuple(_live)


def session_members(session: int) -> tuple[int, ...]:
    """Return the living processes of *session*, none where there is no ``/proc``."""
    try:
        with os.scandir("/proc") as scan:
            entries = [entry.name for entry in scan if entry.name.isdigit()]
    except OSError:
        return ()
    return tuple(int(entry) for entry in entries if _is_member(entry, session))


def shell_words(command: str) -> tuple[str, ...]:
    """Return the words that run a *command* written by a user.

    A plain command is split as a shell would split it and runs without one, so
    that its own process is the one that is signalled and measured; with pipes,
    variables, globs or assignments it goes to ``/bin/sh -c`` as it stands.
    Raises ConfigError when it is empty or a quotation isn't closed.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        problem = f"`{command}`: {str(error).lower()}"
        raise ConfigError(problem, hint="close the quotation") from error
    if not words:
        raise ConfigError("an empty command", hint="say what to run")
    if _SHELL.search(command):
        return ("/bin/sh", "-c", command)
    return words


def name_of(command: Sequence[str]) -> str:
    """Return *command* as a sentence calls it: ``cargo criterion``, ``k6 run``."""
    if command[1:2] == ["-c"] or command[1:2] == ("-c",):
        return command[2].strip().partition("\n")[0][:60]
    first = Path(command[0]).name
    if len(command) > 1 and re.fullmatch(r"[a-z][a-z-]*", command[1]):
        return f"{first} {command[1]}"
    return first


def ending_of(status: int) -> str:
    """Return how a command with *status* ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def with_lines(problem: str, output: str) -> str:
    """Return *problem* with the last lines of *output*, indented, below it."""
    lines = output.strip().splitlines()[-SHOWN_LINES:]
    return "\n".join([problem, *(f"    {line}" for line in lines)])


class _Tail:
    """The last lines of a stream of blocks, within bounds."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._rest = b""

    def add(self, block: bytes) -> None:
        """Take in the next *block*."""
        *whole, rest = (self._rest + block).split(b"\n")
        # A line without end is kept in part: a tool may print megabytes in one.
        self._rest = rest[-LAST_BYTES:]
        for raw in whole:
            line = _text(raw)
            self._lines.append(line)
            if self._on_line:
                self._on_line(line)

    def text(self) -> str:
        """Return the last lines."""
        last = [_text(self._rest)] if self._rest else []
        return "\n".join([*self._lines, *last])[-LAST_BYTES:]


def _text(raw: bytes) -> str:
    return raw[-LAST_BYTES:].decode("utf-8", "replace").removesuffix("\r")


def _printed(process: subprocess.Popen[bytes], *, deadline: float) -> Iterator[bytes]:
    """Yield what *process* prints, until it has ended or nobody holds the pipe.

    Raises TimeoutExpired at the *deadline*.
    """
    pipe = process.stderr or process.stdout
    assert pipe is not None  # noqa: S101 - run asked for one of the two
    ended_at: float | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if ended_at is None and process.poll() is not None:
                ended_at = now
            if selector.select(0 if ended_at else _TICK):
                block = os.read(pipe.fileno(), _BLOCK)
                if not block:
                    return
                yield block
            elif ended_at:
                return  # a grandchild holds the pipe open and says nothing
            if ended_at and now > ended_at + _LINGER:
                return
            if not ended_at and now > deadline:
                raise subprocess.TimeoutExpired(process.args, deadline)


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return our environment with *changes*, where None takes a variable away."""
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _not_started(command: Sequence[str], cwd: Path, error: OSError) -> ToolError:
    """Return the error for a *command* that the system refused to start."""
    if not cwd.is_dir():
        return ToolError(f"{cwd}: no such directory to run {name_of(command)} in")
    hint = _HINTS.get(Path(command[0]).name, "")
    if isinstance(error, FileNotFoundError):
        return ToolError(f"{command[0]}: not found", hint=hint)
    reason = (error.strerror or str(error)).lower()
    return ToolError(f"{command[0]}: can't be started: {reason}", hint=hint)


def _end(process: subprocess.Popen[bytes], *, grace: float) -> None:
    """End the session of *process*: SIGTERM, *grace*, SIGKILL; reap *process*."""
    if _is_gone(process):
        return
    try:
        _signal(process.pid, signal.SIGTERM)
        _await_end(process, within=grace)
    finally:
        # Also when a second Ctrl-C cuts the grace short.
        if not _is_gone(process):
            _signal(process.pid, signal.SIGKILL)
            _await_end(process, within=_DYING, signal_number=signal.SIGKILL)


def _await_end(
    process: subprocess.Popen[bytes],
    *,
    within: float,
    signal_number: int = 0,
) -> None:
    """Wait until the session is gone, repeating *signal_number* for new forks."""
    deadline = time.monotonic() + within
    while not _is_gone(process) and time.monotonic() < deadline:
        if signal_number:
            _signal(process.pid, signal_number)
        time.sleep(0.01)


def _is_gone(process: subprocess.Popen[bytes]) -> bool:
    """Say whether nothing of the session of *process* lives, and reap *process*."""
    if process.poll() is None:
        return False
    if os.path.isdir("/proc/self"):  # noqa: PTH112 - asked hundreds of times
        return not session_members(process.pid)
    try:
        os.killpg(process.pid, 0)
    except OSError:
        return True
    return False


def _signal(session: int, number: int) -> None:
    """Send signal *number* once to every process of *session*."""
    # The group first, at one stroke; then those who moved to a group of their own.
    with suppress(OSError):
        os.killpg(session, number)
    for member in session_members(session):
        with suppress(OSError):
            if os.getpgid(member) != session:
                os.kill(member, number)


def _is_member(entry: str, session: int) -> bool:
    """Say whether the process of ``/proc`` *entry* lives and is in *session*."""
    try:
        with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123 - as above
            stat = file.read()
    except OSError:
        return False
    # The name in parentheses may hold anything, blanks and parentheses too.
    state, _parent, _group, member_of, *_ = stat[stat.rindex(b")") + 2 :].split()
    return int(member_of) == session and state not in b"ZX"


def _tell_guard(sign: str, group: int) -> None:
    """Put *group* on the list of the guard, or take it off."""
    guard = _guard()
    # A guard that is gone is one net less, and no reason to stop.
    with suppress(OSError, ValueError):
        if guard.stdin:
            guard.stdin.write(f"{sign} {group}\n".encode())


@cache
def _guard() -> subprocess.Popen[bytes]:
    """Start the guard; once for the life of the gate."""
    guard = subprocess.Popen(
        ("/bin/sh", "-c", _GUARD),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    atexit.register(_dismiss, guard)
    return guard


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    """Close the pipe of the *guard* and wait until it has looked after its list."""
    if guard.stdin:
        guard.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        guard.wait(_DYING)
