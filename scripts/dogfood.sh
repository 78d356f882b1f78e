#!/usr/bin/env bash
# Our own benchmarks at BASE and in this checkout, in turns, and what benchgate says of
# them. Each side runs in its own checkout with its own packages.
set -euo pipefail
cd "$(dirname "$0")/.."

base=${BASE:-HEAD^1}
rounds=${ROUNDS:-8}
place=$PWD/build/dogfood
rm -rf "$place"
mkdir -p "$place"

git worktree prune
git worktree add --quiet --detach "$place/base" "$base"
trap 'git worktree remove --force "$place/base"' EXIT
make -C "$place/base" setup

# Not what others' libraries need for the same; and benchgate wants ten measurements.
measure() { # side, folder, round
  (cd "$2" && .venv/bin/python -m pytest -q tests/benchmarks --benchmark-only \
    -k "not by_hand and not plain_way" --benchmark-min-rounds=10 \
    --benchmark-json="$place/$1-$3.json" >"$place/$1-$3.txt" 2>&1) ||
    { cat "$place/$1-$3.txt"; return 1; }
}

files=()
for ((round = 1; round <= rounds; round++)); do
  # Who comes second may find a warmer machine, so the sides take turns at it.
  if ((round % 2)); then
    measure base "$place/base" "$round"
    measure head . "$round"
  else
    measure head . "$round"
    measure base "$place/base" "$round"
  fi
  files+=(--base "$place/base-$round.json" --head "$place/head-$round.json")
done

.venv/bin/benchgate compare --paired "${files[@]}" --markdown "$place/comment.md"
