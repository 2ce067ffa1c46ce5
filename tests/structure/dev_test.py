"""Does ./dev install only what is missing and do nothing twice? Its tools are scripts here that log their calls. TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Each writes its name and arguments to the log. `meson setup` leaves a build.ninja, dpkg-query knows all but gone.txt.
TOOL = '#!/bin/sh\necho "${0##*/} $*" >>"$DEV_LOG"\n'
TOOLS = {
    "apt-get": 'exit "${APT_STATUS:-0}"\n',
    "sudo": '"$@"\n',
    "ninja": 'exit "${NINJA_STATUS:-0}"\n',
    "npm": 'mkdir -p node_modules\necho "npm says no" >&2\nexit "${NPM_STATUS:-0}"\n',
    "setarch": "exit 1\n",
    "ldconfig": "",
    "meson": 'if [ "$1" = setup ]; then mkdir -p "$2" && : >"$2/build.ninja"; fi\n',
    "dpkg-query": 'shift 3\nfor name; do grep -qx "$name" gone.txt || printf "/%s/installed/ " "$name"; done\n',
}


class Checkout:
    """A folder with ./dev and nothing else, and stand-ins for what it calls."""

    def __init__(self, folder, gone=()):
        self.folder = folder
        shutil.copy(os.path.join(ROOT, "dev"), folder)
        os.makedirs(os.path.join(folder, "web"))
        os.makedirs(os.path.join(folder, "tests"))
        shutil.copy(os.path.join(ROOT, "tests", "report.py"), os.path.join(folder, "tests"))
        self.write("gone.txt", "".join(name + "\n" for name in gone))
        os.makedirs(os.path.join(folder, "bin"))
        for name, body in TOOLS.items():
            self.write(f"bin/{name}", TOOL + body)
            os.chmod(os.path.join(folder, "bin", name), 0o755)

    def write(self, path, content):
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as file:
            file.write(content)

    def dev(self, *arguments, **variables):
        """Exit status, output, and the calls it made."""
        log = os.path.join(self.folder, "log")
        self.write("log", "")
        path = os.path.join(self.folder, "bin") + os.pathsep + os.environ["PATH"]
        done = subprocess.run(
            [os.path.join(self.folder, "dev"), *arguments],
            env={**os.environ, "PATH": path, "DEV_LOG": log, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        with open(log, encoding="utf-8") as file:
            return done.returncode, done.stdout, file.read().splitlines()


def case(function, gone=()):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            yield from function(Checkout(folder, gone))

    return run


def starting(calls, word):
    return [call for call in calls if call.startswith(word)]


def asks_once(checkout):
    status, output, calls = checkout.dev("build")
    if status != 0 or len(starting(calls, "dpkg-query")) != 1 or starting(calls, "apt-get"):
        yield f"status {status}, calls {calls}\n{output}"


def installs_what_is_gone(checkout):
    _, output, calls = checkout.dev("build")
    apt = starting(calls, "apt-get")
    if len(apt) != 2 or " update" not in apt[0] or not apt[1].endswith("--no-install-recommends zlib1g-dev"):
        yield f"calls {apt}\n{output}"


def configures_once(checkout):
    _, _, first = checkout.dev("build")
    _, _, second = checkout.dev("build")
    if len(starting(first, "meson setup")) != 1 or starting(second, "meson"):
        yield f"first {first}\nsecond {second}"


def installs_where_it_is_told(checkout):
    prefix = os.path.join(checkout.folder, "prefix")
    status, output, calls = checkout.dev("install", prefix)
    expected = ["meson setup", f"meson configure build -Dprefix={prefix} -Dlibdir=lib", "ninja -C build",
                "meson install -C build --no-rebuild --quiet"]
    made = [call for call in calls if call.startswith(("meson", "ninja", "sudo", "ldconfig"))]
    if status != 0 or len(made) != 4 or not all(map(str.startswith, made, expected)):
        yield f"status {status}, calls {calls}\n{output}"
    if f"export PATH={prefix}/bin:$PATH\n" not in output or "export LD_LIBRARY_PATH=" not in output:
        yield f"it does not say how programs find the prefix:\n{output}"


def relative_prefix_is_of_the_tree(checkout):
    _, output, calls = checkout.dev("install", "prefix")
    if f"meson configure build -Dprefix={os.path.realpath(checkout.folder)}/prefix -Dlibdir=lib" not in calls:
        yield f"calls {calls}\n{output}"


def staging_needs_no_root(checkout):
    """The prefix is root's, the folder in front of it is not; the loader's cache is of this system."""
    staging = os.path.join(checkout.folder, "staging")
    status, output, calls = checkout.dev("install", DESTDIR=staging)
    if status != 0 or starting(calls, "sudo") or starting(calls, "ldconfig") or not starting(calls, "meson install"):
        yield f"status {status}, calls {calls}\n{output}"


def build_fails(checkout):
    status, output, _ = checkout.dev("build", NINJA_STATUS="3")
    if status == 0:
        yield output


def modules_once(checkout):
    checkout.write("web/package-lock.json", "1")
    _, _, first = checkout.dev("test")
    _, _, second = checkout.dev("test")
    checkout.write("web/package-lock.json", "2")
    _, _, third = checkout.dev("test")
    counts = [len(starting(calls, "npm ci")) for calls in (first, second, third)]
    if counts != [1, 0, 1]:
        yield f"npm ci ran {counts} times"


def modules_that_fail_end_the_test(checkout):
    checkout.write("web/package-lock.json", "1")
    status, output, calls = checkout.dev("test", NPM_STATUS="1")
    if status == 0 or "npm says no" not in output or starting(calls, "meson test"):
        yield f"status {status}, calls {calls}\n{output}"
    if os.path.exists(os.path.join(checkout.folder, "web/node_modules/.lock-installed")):
        yield "modules that are not installed are not installed again"


def a_browser_is_enough(checkout):
    """Chromium without windows is wanted, but tests go on with the whole one."""
    _, output, calls = checkout.dev("test", APT_STATUS="1")
    if "chromium-headless-shell" not in starting(calls, "apt-get")[1] or not starting(calls, "meson test"):
        yield f"calls {calls}\n{output}"


def no_test_is_no_success(checkout):
    status, output, _ = checkout.dev("test")
    if status == 0 or not output.endswith("\n0 passed, 0 failed\n"):
        yield f"status {status}\n{output}"


def build_failure_ends_the_test(checkout):
    status, output, calls = checkout.dev("test", NINJA_STATUS="1")
    if status == 0 or starting(calls, "meson test"):
        yield f"status {status}\n{output}"


def tsan_is_built_before_its_tests(checkout):
    os.makedirs(os.path.join(checkout.folder, "tests/tsan"))
    checkout.write("tests/tsan/meson.build", "")
    checkout.write("tests/tsan/targets.py", 'print("one\\ntwo")\n')
    _, output, calls = checkout.dev("test")
    expected = ["meson setup build-test", "ninja -C build-test", "meson setup build-tsan", "ninja -C build-tsan one two",
                "meson test -C build-tsan --suite tsan"]
    made = [call for call in calls if call.startswith(("meson", "ninja")) and "meson test -C build-test" not in call]
    if len(made) != 5 or not all(map(str.startswith, made, expected)):
        yield f"calls {calls}\n{output}"
    _, output, calls = checkout.dev("test", "--suite", "base")
    if any("build-tsan" in call for call in calls):
        yield f"calls {calls}\n{output}"


def unknown_command(checkout):
    status, output, calls = checkout.dev("tets")
    if status != 2 or "usage" not in output or calls:
        yield f"status {status}\n{output}"


CASES = [
    ("installed packages are asked for in one call and left alone", case(asks_once)),
    ("a missing package is installed alone, after an update", case(installs_what_is_gone, ["zlib1g-dev"])),
    ("a build folder is configured once", case(configures_once)),
    ("an installation goes where it is told", case(installs_where_it_is_told)),
    ("a prefix that is relative is one in the tree", case(relative_prefix_is_of_the_tree)),
    ("an installation under DESTDIR changes nothing of the system", case(staging_needs_no_root)),
    ("a failed build fails the command", case(build_fails)),
    ("npm runs only when a lock file has changed", case(modules_once)),
    ("modules of npm that cannot be installed end a test run", case(modules_that_fail_end_the_test)),
    ("one browser is enough for a test run", case(a_browser_is_enough, ["chromium-headless-shell"])),
    ("a test run without tests has failed", case(no_test_is_no_success)),
    ("a test run ends when the build fails", case(build_failure_ends_the_test)),
    ("the build for TSan is made before its tests, when all tests run", case(tsan_is_built_before_its_tests)),
    ("an unknown command is refused", case(unknown_command)),
]

if __name__ == "__main__":
    sys.exit(tap.run(CASES))
