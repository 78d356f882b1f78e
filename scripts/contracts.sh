#!/usr/bin/env bash
# Brings GitHub's description of its API, and examples of its events, into .tools/npm.
# Tests hold our requests and the answers of our own GitHub against them.
# Ends with 1 when they can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."

into=$PWD/.tools/npm
description=@octokit/openapi@23.0.2
description_sum=pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==
events=@octokit/webhooks-examples@7.6.1
events_sum=De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==

say() { echo "contracts: $*"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Keeps one member of a package as a file of ours; another package is refused.
bring() {
  local package=$1 sum=$2 member=$3 file=$4 archive
  if [[ -f $into/$file && -f $into/$file.of && $(<"$into/$file.of") == "$package" ]]; then
    say "$package: $file"
    return
  fi
  say "$package: fetching ..."
  archive=$(cd "$work" && npm pack --silent --loglevel=error "$package" | tail -n 1)
  if [[ $(openssl dgst -sha512 -binary "$work/$archive" | base64 -w 0) != "$sum" ]]; then
    say "$package: not what it was"
    return 1
  fi
  mkdir -p "$into"
  tar -xzf "$work/$archive" -O "package/$member" >"$work/$file"
  mv "$work/$file" "$into/$file"
  echo "$package" >"$into/$file.of"
}

if ! command -v npm >/dev/null; then
  say "npm: it isn't here; install Node.js and run this again"
  exit 1
fi
bring "$description" "$description_sum" generated/api.github.com.json api.json
bring "$events" "$events_sum" api.github.com/index.json events.json
