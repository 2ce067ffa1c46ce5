#!/bin/sh
# Writes the golden files and the API in the package anew, from what the plugin in a build folder does now:
#
#   ./tests/ts/update.sh [BUILD_FOLDER]
#
# Read the difference before committing it: these files are what the tests hold the plugin to.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
build=${1:-build-test}
ninja -C "$build" tools/protoc-gen-stoa/protoc-gen-stoa
PROTOC=protoc PROTOC_GEN_STOA=$(realpath "$build")/tools/protoc-gen-stoa/protoc-gen-stoa \
  node tests/ts/output.test.mjs --update
node web/client/lean.mjs
git --no-pager diff --stat -- tests/ts web/client/src/api
