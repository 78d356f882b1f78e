"""How the action installs itself in a folder that is somebody else's."""

from __future__ import annotations

import subprocess
from pathlib import Path

ACTION = Path(__file__).parents[3] / "action"
# Says how it was called; what it makes of `-m venv` is itself.
FAKE = """\
#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in *"-m venv "*) mkdir -p "$RUNNER_TEMP/benchgate-venv/bin"
cp "$0" "$RUNNER_TEMP/benchgate-venv/bin/python" ;; esac
"""


def test_no_module_of_the_caller_is_imported_while_installing(tmp_path: Path) -> None:
    python, log = tmp_path / "python", tmp_path / "log"
    python.write_text(FAKE)
    python.chmod(0o755)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cksum", "cp", "dirname", "mkdir", "rm", "sh"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    variables = {
        "PATH": str(tools),
        "LOG": str(log),
        "BENCHGATE_PYTHON": str(python),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }

    subprocess.run([ACTION / "install.sh"], env=variables, check=True, cwd=tmp_path)

    calls = [line for line in log.read_text().splitlines() if line.startswith("-")]
    assert any("-m venv" in call for call in calls)
    assert [call for call in calls if not call.startswith("-I ")] == []
