#!/usr/bin/env bash
# All tests, in two halves at once; called by make. What waits for a service or a k6
# window leaves the processor to the other half.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
other=(tests/docs tests/gate tests/benchmarks)
other+=(tests/unit/github tests/unit/scripts tests/unit/store)
log=build/test-gate.txt

# Job control: without it, what runs in the background ignores Ctrl-C, which tests send.
set -m
.venv/bin/python -m pytest -q "${other[@]}" >"$log" 2>&1 &
gate=$!
trap 'kill -TERM -- "-$gate" 2>/dev/null; exit 130' INT TERM

.venv/bin/python -m pytest -q tests/unit tests/tools "${other[@]/#/--ignore=}"
status=$?
echo
echo "The other half:"
wait "$gate" || status=$?
cat "$log"
exit "$status"
