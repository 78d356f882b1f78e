#!/usr/bin/env bash
# Builds the wheel, installs it with run-time dependencies only, leaves the checkout,
# and uses it: what is missing from the wheel shows nowhere else.
set -euo pipefail
cd "$(dirname "$0")/.."

checkout=$PWD
python=$PWD/.venv/bin/python
place=$PWD/build/wheel
rm -rf "$place"
mkdir -p "$place/elsewhere"

"$python" -m hatchling build -t wheel -d "$place"
"$python" -m venv "$place/venv"
pip() { "$place/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes --requirement requirements.lock
pip install --no-deps "$place"/*.whl

cp tests/recordings/criterion/messages.ndjson "$place/elsewhere/"
cd "$place/elsewhere"
benchgate=$place/venv/bin/benchgate
"$benchgate" --version
"$benchgate" explain inconclusive > explanation.txt
"$benchgate" compare messages.ndjson messages.ndjson \
  --format markdown --json report.json > comment.md
grep -q "^### ✅ passed" comment.md
"$benchgate" comment report.json --dry-run > again.md
grep -q "^### ✅ passed" again.md
grep -q "benchgate-report/1" report.json
"$place/venv/bin/python" - "$checkout" <<'END'
import sys
from pathlib import Path

import benchgate

here = Path(benchgate.__file__).resolve()
inside = here.is_relative_to(Path(sys.argv[1], "build", "wheel", "venv").resolve())
sys.exit(0 if inside else f"the wheel was not what ran: {here}")
END
echo "The wheel works on its own."
