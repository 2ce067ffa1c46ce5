"""Programs outside of the tree that are built on an installation: by hand, make, CMake and Meson, in C and in C++."""

import contextlib
import functools
import json
import os
import shutil
import subprocess

from installation import ROOT, copy_example, installed, run
from server_process import Server
from tap import test
from ws_raw import BINARY, TEXT, Peer, frame

HERE = os.path.dirname(os.path.abspath(__file__))
WARNINGS = "-Wall -Wextra -Werror"
SHARED, STATIC = "shared", "static"


@contextlib.contextmanager
def serving(program):
    """The server of a program that may need the shared library of the installation."""
    os.environ["LD_LIBRARY_PATH"] = installed().libdir
    server = Server(program)
    try:
        yield server
        server.stop()
    finally:
        server.kill()
        del os.environ["LD_LIBRARY_PATH"]


def expect_linked(program, kind):
    needs = run(["readelf", "--dynamic", program], "/")
    assert ("[libstoa.so.0]" in needs) == (kind == SHARED), f"{program} is not linked to the {kind} library:\n{needs}"


def generate(folder, proto, options="c"):
    run(["protoc", "-I.", f"-I{installed().pkg_config('--variable=protodir')}", f"--stoa_opt={options}",
         "--stoa_out=.", proto], folder, installed().env)


def compile_by_hand(folder, name, sources, kind=SHARED):
    """Type what pkg-config says. -l:libstoa.a is the archive where both libraries are."""
    flags = "$(pkg-config --cflags --libs stoa)"
    if kind == STATIC:
        flags = "$(pkg-config --cflags --libs --static stoa | sed 's/-lstoa/-l:libstoa.a/')"
    run(f"cc {WARNINGS} -I. -o {name} {' '.join(sources)} {flags} -pthread", folder, installed().env)
    expect_linked(os.path.join(folder, name), kind)
    return os.path.join(folder, name)


@functools.lru_cache(maxsize=None)
def client():
    folder = copy_example("notes", "client")
    shutil.copy(os.path.join(HERE, "notes_client.c"), folder)
    generate(folder, "notes.proto", "c,client")
    return compile_by_hand(folder, "notes-client", ["notes_client.c", "notes.stoa.c", "notes.client.stoa.c"])


def expect_notes(program, kind):
    """The program serves examples/notes: a call, a message to it and one from it, in both codecs."""
    expect_linked(program, kind)
    notes_client = client()
    with serving(program) as server:
        run([notes_client, f"ws://127.0.0.1:{server.port}/"], "/", {**os.environ})


def each_kind(name):
    """A test for each of the two libraries."""

    def register(body):
        for kind in (SHARED, STATIC):
            test(f"{name}, with the {kind} library")(functools.partial(body, kind))
        return body

    return register


@each_kind("a program is built by hand")
def by_hand(kind):
    folder = copy_example("notes", f"hand-{kind}")
    generate(folder, "notes.proto")
    expect_notes(compile_by_hand(folder, "notes", ["main.c", "notes.stoa.c"], kind), kind)


@test("a program with durable rooms is built by hand")
def with_rooms():
    folder = copy_example("feed", "feed")
    generate(folder, "feed.proto")
    run(f"cc {WARNINGS} -I. -o feed main.c feed.stoa.c $(pkg-config --cflags --libs stoa-room)", folder,
        installed().env)
    program = os.path.join(folder, "feed")
    expect_linked(program, STATIC)
    os.chdir(folder)  # its database is in the working directory
    with serving(program):
        pass
    os.chdir("/")
    assert os.path.exists(os.path.join(folder, "rooms.db"))


@each_kind("a program is built by make")
def by_make(kind):
    folder = copy_example("notes", f"make-{kind}")
    run(["make", "STATIC=--static" if kind == STATIC else "STATIC="], folder, installed().env)
    expect_notes(os.path.join(folder, "notes"), kind)


@each_kind("a program is built by CMake, which is told the prefix only")
def by_cmake(kind):
    folder = copy_example("notes", f"cmake-{kind}")
    env = {name: value for name, value in installed().env.items() if name != "PKG_CONFIG_PATH"}
    run(["cmake", "-B", "build", f"-DCMAKE_PREFIX_PATH={installed().prefix}",
         f"-DSTOA_STATIC={'ON' if kind == STATIC else 'OFF'}"], folder, env)
    run(["cmake", "--build", "build"], folder, env)
    expect_notes(os.path.join(folder, "build", "notes"), kind)


@each_kind("a program is built by Meson")
def by_meson(kind):
    folder = copy_example("notes", f"meson-{kind}")
    run(["meson", "setup", "build", f"--default-library={kind}", "--wrap-mode=nofallback"], folder, installed().env)
    run(["ninja", "-C", "build"], folder, installed().env)
    expect_notes(os.path.join(folder, "build", "notes"), kind)


@test("a program has Stoa as a subproject of Meson, which builds the library and the generator alone")
def by_subproject():
    folder = copy_example("notes", "subproject")
    os.mkdir(os.path.join(folder, "subprojects"))
    os.symlink(ROOT, os.path.join(folder, "subprojects", "stoa"))
    env = {name: value for name, value in installed().env.items() if name != "PKG_CONFIG_PATH"}
    run(["meson", "setup", "build", "--buildtype=plain", "--force-fallback-for=stoa"], folder, env)
    run(["ninja", "-C", "build", "notes"], folder, env)
    expect_notes(os.path.join(folder, "build", "notes"), STATIC)
    targets = json.loads(run(["meson", "introspect", "build", "--targets"], folder, env))
    programs = sorted(target["name"] for target in targets if target["type"] == "executable")
    assert programs == ["notes", "protoc-gen-stoa"], programs


@test("a server in C++ includes every installed header")
def in_cxx():
    folder = copy_example("notes", "cxx")
    generate(folder, "notes.proto")
    headers = [name[len("include/"):] for name in installed().files() if name.startswith("include/")]
    with open(os.path.join(HERE, "notes_server.cpp"), encoding="utf-8") as file:
        program = "".join(f"#include <{name}>\n" for name in headers) + file.read()
    with open(os.path.join(folder, "server.cpp"), "w", encoding="utf-8") as file:
        file.write(program)
    run("cc -I. -c notes.stoa.c $(pkg-config --cflags stoa)", folder, installed().env)
    run(f"c++ -std=c++17 {WARNINGS} -I. -o notes server.cpp notes.stoa.o $(pkg-config --cflags --libs stoa)", folder,
        installed().env)
    expect_notes(os.path.join(folder, "notes"), SHARED)


# Of each example: its .proto file, the subprotocol, a message that is sent, and the one that comes back.
CALL = bytes.fromhex("80000002 00000007")
NOTE = bytes(4) + b'{"message":"m","sender":"s","timestamp":"t"}'
EXAMPLES = {
    "echo": (None, None, (TEXT, b"echo"), (TEXT, b"echo")),
    "broadcast": ("chat.proto", "stoa.json", (BINARY, NOTE), (BINARY, NOTE)),
    "later": ("later.proto", "stoa.json",
              (BINARY, CALL + b'{"number":"6"}'), (BINARY, CALL + b'{"factors":["2","3"]}')),
}


def expect_example(name, kind):
    proto, subprotocol, sent, expected = EXAMPLES[name]
    folder = copy_example(name, f"{name}-{kind}")
    sources = ["main.c"]
    if proto is not None:
        generate(folder, proto)
        sources.append(proto.replace(".proto", ".stoa.c"))
    with serving(compile_by_hand(folder, name, sources, kind)) as server, Peer(server.port) as peer:
        peer.upgrade(subprotocol)
        peer.send(frame(*sent))
        received = peer.read_message()
        assert received == expected, f"{name}: {received}"


@each_kind("the examples of the tree are built outside of it")
def the_examples(kind):
    for name in EXAMPLES:
        expect_example(name, kind)


@test("a handler of the wrong type does not compile, also when no warnings are asked for")
def wrong_handler():
    folder = copy_example("notes", "wrong")
    generate(folder, "notes.proto")
    for handler, compiles in (("on_join", True), ("on_note", False)):
        done = subprocess.run(
            f"sed 's/.join = on_join/.join = {handler}/' main.c | cc -I. -fsyntax-only -xc - "
            "$(pkg-config --cflags stoa)",
            cwd=folder, env=installed().env, shell=True, capture_output=True, check=False)
        assert (done.returncode == 0) == compiles, done.stderr
