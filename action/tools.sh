#!/usr/bin/env bash
# Brings the tools that the input `tools` names, in pinned versions; called by action.yml.
# Both are built from source whose checksums are known: cargo-criterion's dependencies
# by its lock file, those of k6 by the checksum database of Go. No release file of
# unknown content is run.
set -euo pipefail

CARGO_CRITERION=1.1.0
K6=v1.8.1
place="$RUNNER_TEMP/benchgate-tools"
mkdir -p "$place/bin"

# Not in the checkout, whose .cargo/config.toml is for its own builds.
cd "$place"
# What the runner has is used as it is.
export PATH="$place/bin:$PATH"
for tool in ${BENCHGATE_TOOLS//,/ }; do
  case $tool in
    cargo-criterion)
      command -v cargo-criterion \
        || cargo install cargo-criterion --quiet --version "$CARGO_CRITERION" --locked --root "$place"
      ;;
    k6)
      command -v k6 || GOBIN="$place/bin" go install "go.k6.io/k6@$K6"
      ;;
    *)
      echo "::error title=benchgate::tools: there is no '${tool//[^A-Za-z0-9._-]/?}'; use cargo-criterion and k6"
      exit 2
      ;;
  esac
done
