from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchgate.errors import ConfigError, ToolError
from benchgate.measure import process
from benchgate.measure.process import DeadlineError, Finished, run

ROOT = Path(__file__).parents[3]
needs_proc = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), *arguments]


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


def eventually(question: Callable[[], bool], *, within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while not question() and time.monotonic() < deadline:
        time.sleep(0.01)
    return question()


@pytest.fixture
def marker() -> str:
    return f"marker-{uuid.uuid4().hex}"


def test_a_command_gives_status_and_both_streams(tmp_path: Path) -> None:
    finished = run(
        ["/bin/sh", "-c", "echo a; echo b >&2; exit 3"], cwd=tmp_path, within=9
    )

    assert finished == Finished(
        ("/bin/sh", "-c", "echo a; echo b >&2; exit 3"), 3, "a\nb", finished.seconds
    )
    assert 0 < finished.seconds < 9


def test_a_death_by_signal_is_a_negative_status(tmp_path: Path) -> None:
    finished = run(["/bin/sh", "-c", "kill -SEGV $$"], cwd=tmp_path, within=9)

    assert process.ending_of(finished.status) == "was killed by SIGSEGV"


def test_standard_output_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    log = tmp_path / "log"

    finished = run(
        ["/bin/sh", "-c", "echo a; echo b >&2"],
        cwd=tmp_path,
        within=9,
        stdout=out,
        log=log,
    )

    assert (out.read_text(), finished.output, log.read_text()) == ("a\n", "b", "b\n")


def test_variables_are_added_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("GONE", "gone")

    finished = run(
        ["/bin/sh", "-c", "echo $KEPT ${GONE-nothing} $ADDED"],
        cwd=tmp_path,
        env={"GONE": None, "ADDED": "added"},
        within=9,
    )

    assert finished.output == "kept nothing added"


def test_each_line_is_told(tmp_path: Path) -> None:
    lines: list[str] = []

    run(
        ["/bin/sh", "-c", "printf 'a\\r\\nb\\nc'"],
        cwd=tmp_path,
        within=9,
        on_line=lines.append,
    )

    assert lines == ["a", "b"]


def test_a_megabyte_without_a_newline_is_bounded(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 1_000_000 + 'end')"

    finished = run(python(code), cwd=tmp_path, within=30)

    assert len(finished.output) == process.LAST_BYTES
    assert finished.output.endswith("xend")


def test_a_thousand_lines_leave_the_last(tmp_path: Path) -> None:
    finished = run(python("for i in range(1000): print(i)"), cwd=tmp_path, within=30)

    assert finished.output.splitlines() == [str(i) for i in range(800, 1000)]


def test_output_that_is_no_utf8_is_no_error(tmp_path: Path) -> None:
    finished = run(["/bin/sh", "-c", r"printf '\377\n'"], cwd=tmp_path, within=9)

    assert finished.output == "\N{REPLACEMENT CHARACTER}"


def test_a_command_gets_no_input(tmp_path: Path) -> None:
    assert run(["cat"], cwd=tmp_path, within=9).output == ""


def test_a_missing_tool_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolError, match=r"^k6: not found$") as caught:
        run(["k6", "run"], cwd=tmp_path, within=9)

    assert caught.value.hint.startswith("install it: https://grafana.com/")


def test_a_missing_directory_is_not_a_missing_tool(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"/nowhere: no such directory to run sh in$"):
        run(["/bin/sh"], cwd=tmp_path / "nowhere", within=9)


def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    (tmp_path / "k6").write_text("")

    with pytest.raises(ToolError, match=r"/k6: can't be started: permission denied$"):
        run([str(tmp_path / "k6")], cwd=tmp_path, within=9)


def test_a_failed_command_shows_its_last_lines() -> None:
    finished = Finished(("cargo", "build", "--release"), 101, "one\ntwo\n", 1.0)

    with pytest.raises(ToolError) as caught:
        process.check(finished)

    assert caught.value.problem == (
        "cargo build: ended with status 101\n    one\n    two"
    )


def test_a_command_that_went_well_is_handed_on() -> None:
    finished = Finished(("cargo", "build"), 0, "", 1.0)

    assert process.check(finished) is finished


@needs_proc
def test_a_deadline_ends_the_command_and_shows_its_last_lines(
    tmp_path: Path, marker: str
) -> None:
    command = ["/bin/sh", "-c", "echo working; sleep 600; true", marker]

    with pytest.raises(DeadlineError) as caught:
        run(command, cwd=tmp_path, within=0.3)

    assert caught.value.problem == (
        "echo working; sleep 600; true: not finished after 0.3 s\n    working"
    )
    assert living(marker) == []


@needs_proc
def test_a_deadline_holds_for_a_command_that_never_stops_talking(
    tmp_path: Path, marker: str
) -> None:
    with pytest.raises(DeadlineError):
        run(["/bin/sh", "-c", "yes", marker], cwd=tmp_path, within=0.3)

    assert living(marker) == []


@needs_proc
def test_a_command_that_ignores_sigterm_is_killed(
    tmp_path: Path, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; : > {ready}; while :; do sleep 0.1; done"

    with (
        process.spawned(
            ["/bin/sh", "-c", script, marker],
            cwd=tmp_path,
            env=None,
            stdout=subprocess.DEVNULL,
            grace=0.2,
        ) as started,
    ):
        assert eventually(ready.exists)

    assert started.returncode == -signal.SIGKILL
    assert living(marker) == []


@needs_proc
def test_a_grandchild_that_holds_the_pipe_open_does_not_hold_us(
    tmp_path: Path, marker: str
) -> None:
    script = 'sh -c "sleep 600; true" "$0" & echo done'

    finished = run(["/bin/sh", "-c", script, marker], cwd=tmp_path, within=60)

    assert (finished.status, finished.output) == (0, "done")
    assert finished.seconds < 10
    assert living(marker) == []


@needs_proc
def test_a_grandchild_that_never_stops_talking_does_not_hold_us(
    tmp_path: Path, marker: str
) -> None:
    script = 'sh -c "yes; true" "$0" & sleep 0.1'

    finished = run(["/bin/sh", "-c", script, marker], cwd=tmp_path, within=60)

    assert finished.seconds < 10
    assert living(marker) == []


@needs_proc
def test_a_grandchild_in_a_group_of_its_own_is_ended_too(
    tmp_path: Path, marker: str
) -> None:
    code = """
        import os, sys, time
        if os.fork() == 0:
            os.setpgid(0, 0)
            time.sleep(600)
        time.sleep(0.3)
    """

    run(python(code, marker), cwd=tmp_path, within=60)

    assert living(marker) == []


@needs_proc
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_ends_the_command(
    tmp_path: Path, marker: str, error: type[BaseException]
) -> None:
    def interrupt(_line: str) -> None:
        raise error

    command = ["/bin/sh", "-c", "echo x; sleep 600; true", marker]
    with pytest.raises(error):
        run(command, cwd=tmp_path, within=60, on_line=interrupt)

    assert living(marker) == []


@needs_proc
def test_kill_all_ends_what_a_signal_handler_finds_running(
    tmp_path: Path, marker: str
) -> None:
    command = ["/bin/sh", "-c", "echo x; sleep 600; true", marker]

    finished = run(
        command, cwd=tmp_path, within=60, on_line=lambda _line: process.kill_all()
    )

    assert finished.status == -signal.SIGKILL
    assert living(marker) == []


GATE = """
    import sys
    from pathlib import Path
    from benchgate.measure.process import run
    script = 'sh -c "sleep 600; true" "$0" & echo up; wait'
    command = ["/bin/sh", "-c", script, sys.argv[1]]
    run(command, cwd=Path.cwd(), within=60, on_line=print)
"""


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_grandchildren_die_with_a_gate_that_is_killed(
    marker: str, number: signal.Signals
) -> None:
    # The marker is in the gate's own command line as well: nothing may be left.
    gate = subprocess.Popen(
        python(GATE, marker),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
    )
    with gate:
        assert gate.stdout
        assert gate.stdout.readline() == b"up\n"
        assert len(living(marker)) >= 3
        gate.send_signal(number)

    assert eventually(lambda: living(marker) == [])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("target/release/shop --port 80", ("target/release/shop", "--port", "80")),
        ("./x 'a b' --name=c", ("./x", "a b", "--name=c")),
        ("a && b", ("/bin/sh", "-c", "a && b")),
        ("RUST_LOG=info ./x", ("/bin/sh", "-c", "RUST_LOG=info ./x")),
        ("./x $HOME", ("/bin/sh", "-c", "./x $HOME")),
        ("~/bin/x", ("/bin/sh", "-c", "~/bin/x")),
        ("a\nb", ("/bin/sh", "-c", "a\nb")),
    ],
)
def test_a_shell_runs_only_what_needs_one(command: str, words: tuple[str, ...]) -> None:
    assert process.shell_words(command) == words


@pytest.mark.parametrize(
    ("command", "problem"),
    [("echo 'x", "`echo 'x`: no closing quotation"), (" ", "an empty command")],
)
def test_a_command_that_is_none_is_a_configuration_error(
    command: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        process.shell_words(command)

    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["cargo", "criterion", "--message-format=json"], "cargo criterion"),
        (["/x/target/release/deps/json-1a2b", "--exact", "a"], "json-1a2b"),
        (["/usr/bin/k6", "run", "x.js"], "k6 run"),
        (["k6", "./x.js"], "k6"),
        (("/bin/sh", "-c", "cd x\nmake"), "cd x"),
        (["true"], "true"),
    ],
)
def test_a_command_is_called_by_what_people_type(
    command: Sequence[str], name: str
) -> None:
    assert process.name_of(command) == name
