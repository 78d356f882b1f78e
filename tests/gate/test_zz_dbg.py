import os, random, signal, subprocess, sys, time, traceback
from pathlib import Path
from tests.gate.projects import Project, wait_for, FAKES
BOOT = '''
import sys, traceback, benchgate.cli as cli
orig = cli._stop
def _stop(number, frame):
    with open(sys.argv[1], "a") as f:
        f.write(f"--- {number}\\n"); traceback.print_stack(frame, file=f)
    orig(number, frame)
cli._stop = _stop
sys.exit(cli.main(sys.argv[2:]))
'''
def test_dbg(project: Project, tmp_path: Path) -> None:
    project.bench({"sort": 500.0, "parse": 900.0})
    project.commit("slow")
    bad = 0
    for i in range(60):
        import shutil; shutil.rmtree(project.root / ".benchgate", ignore_errors=True)
        log = tmp_path / f"log{i}"
        p = subprocess.Popen((sys.executable, "-c", BOOT, str(log), "compare", "--base", "HEAD"), cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(FAKES.parents[2])}, text=True)
        wait_for(project.root / ".benchgate" / "raw" / "criterion-002-head.ndjson", p)
        time.sleep(random.random()*0.1)
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate(timeout=60)
        if p.returncode != 130:
            bad += 1
            print("BAD", i, p.returncode, err[-300:], out[-300:], log.read_text() if log.exists() else "NO SIGNAL SEEN")
    print("bad", bad)
    assert 0
