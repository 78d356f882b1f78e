#!/usr/bin/env bash
# Three linters over all workflows, the examples of them, and the action.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=.venv/bin
workflows=(.github/workflows/*.yml examples/workflows/*.yml examples/workflows/*/*.yml)
action=()
[ ! -f action.yml ] || action=(action.yml)

# Without what may or may not be installed: the same findings on every machine.
$bin/actionlint -shellcheck= -pyflakes= "${workflows[@]}"
$bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows "${workflows[@]}"
if [ ${#action[@]} -gt 0 ]; then
  $bin/check-jsonschema --quiet --builtin-schema vendor.github-actions "${action[@]}"
fi
$bin/zizmor --offline --quiet --no-progress --persona=auditor \
  --config .github/zizmor.yml "${workflows[@]}" ${action[@]+"${action[@]}"}
echo "${#workflows[@]} workflows and ${#action[@]} action have no findings."
