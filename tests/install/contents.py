"""What an installation holds: its files, the names and shapes that programs rely on, the programs."""

import difflib
import os
import re
import urllib.request

import abi
from installation import ROOT, installed, run
from server_process import Server
from tap import test


def expect_lines(found, path, advice):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        expected = file.read().splitlines()
    difference = "\n".join(difflib.unified_diff(expected, found, path, "found", lineterm="", n=0))
    assert not difference, f"{advice}\n{difference}"


@test("an installation has these files and no others")
def the_files():
    expect_lines(installed().files(), "tests/install/files.txt",
                 "If that is what is meant to be installed, write it into tests/install/files.txt.")


@test("the shared library exports the names of src/libstoa.symbols")
def the_symbols():
    expect_lines(abi.symbols(installed().library), "src/libstoa.symbols",
                 "./dev abi writes that file. A name that goes breaks programs: if it is meant, CHANGELOG.md tells it.")


@test("the public headers have the shape of src/libstoa.abi")
def the_shape():
    expect_lines(abi.shape(installed().include), "src/libstoa.abi",
                 "./dev abi writes that file. What changes in it or goes breaks programs that are compiled: if it is "
                 "meant, CHANGELOG.md tells it. See \"What is installed\" in ARCHITECTURE.md.")


@test("what the public headers declare is what the shared library exports")
def declared_and_exported():
    declared = {re.search(r"(\w+)(?:\(|$)", prototype)[1] for prototype in abi.prototypes(installed().include)}
    exported = set(abi.symbols(installed().library))
    assert declared == exported, f"not exported: {declared - exported}, not declared: {exported - declared}"


@test("the shared library is libstoa.so.0 and has no relocation of code and no path of its own")
def the_dynamic_section():
    section = run(["readelf", "--dynamic", installed().library], "/")
    assert "Library soname: [libstoa.so.0]" in section, section
    for entry in ("TEXTREL", "RPATH", "RUNPATH"):
        assert entry not in section, section


@test("nothing that is installed names the folder it was built in")
def no_build_paths():
    prefix = installed().prefix
    for folder, _, names in os.walk(prefix):
        for name in names:
            if name.endswith((".h", ".pc", ".proto", ".yaml")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    assert ROOT + "/" not in file.read(), f"{folder}/{name}"


@test("the installed chat finds its page from any folder")
def the_chat():
    config = os.path.join(installed().prefix, "share/doc/stoa/chatroom.yaml")
    os.chdir("/")
    server = Server(installed().program("chatroom"), options=["-c", config])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30) as answer:
            assert b"<html" in answer.read()
        server.stop()
    finally:
        server.kill()


@test("the installed sample of all settings is understood")
def the_sample():
    config = os.path.join(installed().prefix, "share/doc/stoa/stoa.yaml")
    run([installed().program("chatroom"), "-c", config, "--check-config"], "/")


@test("the installed command line says the version of the library")
def the_command_line():
    version = run([installed().program("stoa"), "--version"], "/").split()[1]
    assert version == installed().pkg_config("--modversion")
