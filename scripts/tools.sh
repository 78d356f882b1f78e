#!/usr/bin/env bash
# Brings cargo-criterion and k6 into .tools/bin where they are missing.
# What is on the path is used as it is. Ends with 1 when one can't be had, or when
# Rust or git are missing, which measuring takes as well.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_CRITERION=1.1.0
K6=v1.8.1
export PATH="$PWD/.tools/bin:$PATH:$HOME/.cargo/bin:$HOME/go/bin"
missing=0

say() { echo "tools: $*"; }

# Reads what `go install -v` prints; the rest, such as errors, goes on.
count_packages() {
  awk '/^(go: downloading .*|[^ ]+)$/ {
         if (++n % 200 == 0) { print "tools: k6: " n " packages so far"; fflush() }
         next
       }
       { print; fflush() }'
}

if ! command -v git >/dev/null; then
  say "git: it isn't here; install it and run this again"
  missing=1
fi

if ! cargo --version >/dev/null 2>&1; then
  say "cargo: there is no Rust here that works"
  say "  install it with https://rustup.rs and run this again"
  missing=1
elif found=$(command -v cargo-criterion); then
  say "cargo-criterion: $found"
else
  say "cargo-criterion $CARGO_CRITERION: building it into .tools, 2 to 5 minutes ..."
  if ! cargo install cargo-criterion \
    --version "$CARGO_CRITERION" --locked --root .tools; then
    say "cargo-criterion: could not be built, see above"
    say "  a C compiler and a way to crates.io are needed"
    missing=1
  fi
fi

if found=$(command -v k6); then
  say "k6: $found"
elif ! go version >/dev/null 2>&1; then
  say "k6: it isn't here, and there is no Go to build it with"
  say "  install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/) or Go"
  missing=1
else
  say "k6 $K6: building it into .tools, 1 to 4 minutes ..."
  if ! GOBIN="$PWD/.tools/bin" go install -v "go.k6.io/k6@$K6" 2>&1 | count_packages
  then
    say "k6: could not be built, see above"
    say "  a way to the Go module proxy is needed; or install k6 yourself"
    missing=1
  fi
fi

exit "$missing"
