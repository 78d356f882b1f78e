#!/usr/bin/env bash
# .venv with everything that is locked, and benchgate itself; called by make.
# A second call compares one checksum and ends.
set -euo pipefail
cd "$(dirname "$0")/.."

# The path is part of it: an editable install points to where it was made.
wanted=$({ pwd; cat requirements-dev.lock pyproject.toml scripts/setup.sh; } | cksum)
if [[ -x .venv/bin/python && -f .venv/ready && $(<.venv/ready) == "$wanted" ]]; then
  exit 0
fi

usable='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'
python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  if "$candidate" -c "$usable" >/dev/null 2>&1; then
    python=$candidate
    break
  fi
done
if [[ -z $python ]]; then
  {
    echo "No Python 3.11 or newer that can make virtual environments was found."
    echo "Looked for: ${PYTHON:-python3, python3.14, python3.13, python3.12, python3.11}."
    echo "Install one (Debian and Ubuntu: apt install python3 python3-venv),"
    echo "or name it: make ${MAKECMDGOALS:-test} PYTHON=/path/to/python3"
  } >&2
  exit 1
fi

echo "Setting up .venv with $("$python" --version), 1 to 2 minutes ..."
rm -rf .venv
"$python" -m venv .venv
pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes --requirement requirements-dev.lock
pip install --no-build-isolation --no-deps --editable .
echo "$wanted" > .venv/ready
