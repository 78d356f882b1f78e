#!/usr/bin/env bash
# A virtual environment with what requirements.lock names, by hash; called by action.yml.
# Our own code comes from no index: it is run from the checkout of the action.
set -euo pipefail

home=$(cd "$(dirname "$0")/.." && pwd)
place="$RUNNER_TEMP/benchgate-venv"
wanted=$(cksum <"$home/requirements.lock")
python="$place/bin/python"

if [[ ! -f $place/ready || $(<"$place/ready") != "$wanted" ]]; then
  if ! "$BENCHGATE_PYTHON" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "::error title=benchgate::$BENCHGATE_PYTHON is no Python of 3.11 or newer: name one with the input \`python\`"
    exit 2
  fi
  rm -rf "$place"
  if command -v uv >/dev/null; then
    # Behind a proxy of a company, only the system knows whom to trust.
    export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
    uv venv --quiet --no-config --python "$BENCHGATE_PYTHON" "$place"
    uv pip install --quiet --no-config --python "$python" \
      --require-hashes --only-binary :all: --requirement "$home/requirements.lock"
  else
    # -I: a venv.py in the folder of the caller is not the module that is meant.
    "$BENCHGATE_PYTHON" -I -m venv "$place"
    "$python" -I -m pip --quiet --disable-pip-version-check install \
      --require-hashes --only-binary :all: --requirement "$home/requirements.lock"
  fi
  echo "$wanted" >"$place/ready"
fi
# The folder of the caller is never looked at: -I, and a path of our own.
"$python" -I -c 'import pathlib, sysconfig, sys
pathlib.Path(sysconfig.get_path("purelib"), "benchgate.pth").write_text(sys.argv[1] + "\n")' "$home"
echo "python=$python" >>"$GITHUB_OUTPUT"
