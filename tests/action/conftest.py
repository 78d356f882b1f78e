"""After all plays: what each job was, how it ended, and what of its time was ours."""

from __future__ import annotations

import pytest

from tests.action.stage import PLAYED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not PLAYED:
        return
    write = terminalreporter.write_line
    terminalreporter.section("jobs that act has run")
    write(f"{'event':18}{'job':10}{'outcome':22}{'seconds':>8}{'own':>6}{'calls':>7}")
    for played in PLAYED:
        ended = "failed" if played.failed else "green"
        said = played.output("outcome")
        write(
            f"{played.event:18}{played.job:10}{f'{said} {ended}'.strip():22}"
            f"{played.seconds:8.1f}{played.overhead:6.1f}{played.calls:7}"
        )
    write("own: without building, measuring and bringing tools; calls: to GitHub's API")
