#!/bin/sh
# Writes the golden files and the error texts anew, from what the plugin in a build folder does now:
#
#   ./tests/plugin/update.sh [BUILD_FOLDER]
#
# Read the difference before committing it: these files are what the tests hold the plugin to.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
build=${1:-build-test}
ninja -C "$build" tools/protoc-gen-stoa/protoc-gen-stoa
python3 tests/plugin/plugin_test.py --update \
  protoc "$(realpath "$build")/tools/protoc-gen-stoa/protoc-gen-stoa" "$PWD/api" cc c++
git --no-pager diff --stat -- tests/plugin
