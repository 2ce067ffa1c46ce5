"""Prints what the tests of the suite tsan run, as targets of ninja: tests/tsan/targets.py FOLDER"""

import json
import os
import subprocess
import sys


def introspect(folder, what):
    done = subprocess.run(["meson", "introspect", folder, what], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main(folder):
    folder = os.path.abspath(folder)
    files = {target["id"]: target["filename"] for target in introspect(folder, "--targets")}
    wanted = {name for test in introspect(folder, "--tests") if any(suite.endswith(":tsan") for suite in test["suite"])
              for target in test["depends"] for name in files[target]}
    print("\n".join(sorted(os.path.relpath(name, folder) for name in wanted)))


main(sys.argv[1])
