"""Stoa, built without sanitizers and installed into an empty folder, once for all tests of this process.

Without optimization, for it is not measured. What tests build against it goes into folders of its own.
"""

import atexit
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
# Sanitizers of the tests around are not for what is built here.
DROPPED = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "CFLAGS", "LDFLAGS", "MAKEFLAGS", "DESTDIR", "PKG_CONFIG_PATH")


@functools.lru_cache(maxsize=None)
def work_folder():
    folder = tempfile.mkdtemp(prefix="stoa-install-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def fresh_folder(name):
    folder = os.path.join(work_folder(), name)
    os.makedirs(folder)
    return folder


def copy_example(name, folder_name):
    """The folder of an example, as a user copies it out of the tree."""
    return shutil.copytree(os.path.join(ROOT, "examples", name), os.path.join(work_folder(), folder_name))


def run(command, folder, env=None):
    """Output of a command that must succeed; a string goes to the shell."""
    done = subprocess.run(
        command, cwd=folder, env=env, shell=isinstance(command, str), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-6000:]}"
    return done.stdout


def plain_environment():
    return {name: value for name, value in os.environ.items() if name not in DROPPED}


def what_is_installed(build):
    """The targets of a build folder that `meson install` needs: examples and benchmarks are not among them."""
    targets = json.loads(run(["meson", "introspect", "--targets", build], "/"))
    return sorted(os.path.relpath(name, build) for target in targets if target["installed"]
                  for name in target["filename"])


class Installation:
    """The prefix, and the environment of somebody who uses what is there."""

    def __init__(self):
        self.prefix = os.path.join(work_folder(), "prefix")
        build = os.path.join(work_folder(), "build")
        env = plain_environment()
        run(["meson", "setup", build, ROOT, f"--prefix={self.prefix}", "--buildtype=plain", "-Dtests=false"], "/", env)
        run(["ninja", "-C", build, *what_is_installed(build)], "/", env)
        run(["meson", "install", "-C", build, "--no-rebuild"], "/", env)
        (library,) = glob.glob(os.path.join(self.prefix, "lib*", "**", "libstoa.so"), recursive=True)
        self.libdir = os.path.dirname(library)
        self.library = library
        self.include = os.path.join(self.prefix, "include")
        self.protodir = os.path.join(self.prefix, "share/stoa/proto")
        self.env = {**env, "PKG_CONFIG_PATH": os.path.join(self.libdir, "pkgconfig"),
                    "PATH": os.path.join(self.prefix, "bin") + os.pathsep + env["PATH"]}

    def program(self, name):
        return os.path.join(self.prefix, "bin", name)

    def files(self):
        """Of the prefix, with LIBDIR, VERSION and HASH for what differs between machines and versions."""
        libdir = os.path.relpath(self.libdir, self.prefix)
        version = self.pkg_config("--modversion")
        found = []
        for folder, _, names in os.walk(self.prefix):
            found += [os.path.relpath(os.path.join(folder, name), self.prefix) for name in names]
        names = (name.replace(libdir, "LIBDIR", 1).replace(version, "VERSION") for name in found)
        return sorted(re.sub(r"-[0-9a-f]{16}\.", "-HASH.", name) for name in names)

    def pkg_config(self, *arguments):
        return run(["pkg-config", *arguments, "stoa"], "/", self.env).strip()


@functools.lru_cache(maxsize=None)
def installed():
    return Installation()
