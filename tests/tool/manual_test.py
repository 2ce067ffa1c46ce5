"""Manual pages and completion have every command and every option that the tool reads, and are well-formed."""

import os
import pathlib
import re
import shutil
import subprocess

from tap import Skip, run, test
from tool import FINE, ROOT, USAGE, stoa

FOLDER = pathlib.Path(os.environ["MANUAL"])
SOURCES = pathlib.Path(ROOT, "tools/stoa")


def commands():
    """As the tool itself lists them in its source."""
    table = (SOURCES / "main.c").read_text(encoding="utf-8").split("commands[] = {")[1].split("};")[0]
    found = re.findall(r'\{"([a-z-]+)",', table)
    assert len(found) >= 9, found
    return found


def options_read(command):
    """The long options that the source of a command gives to getopt_long() or compares."""
    places = {"bench": ["bench_options.c"], "call": ["call/options.c"], "listen": ["call/options.c"],
              "chat": ["chat/chat.c"], "check-config": ["check_config.c"], "doctor": ["doctor/main.c"], "new": [],
              "proto": ["project/proto.c"], "token": ["token_key.c", "token_sign.c", "token_inspect.c"]}
    text = "".join((SOURCES / place).read_text(encoding="utf-8") for place in places[command])
    if command in ("call", "listen"):
        text = text.split(f"option {command}_long[]")[1].split("};")[0]
    return set(re.findall(r'\{"([a-z][a-z-]+)",\s*(?:required|no)_argument', text))


def options_told(command):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", stoa(command, "--help").expect(FINE).out)) - {"help"}


@test("the tool's help names every command, and each command's help every option that it reads")
def help_is_complete():
    listed = re.findall(r"^  ([a-z-]+) +\S", stoa("--help").expect(FINE).out, re.M)
    assert listed == commands() and listed == sorted(listed), listed
    for command in listed:
        read = options_read(command)
        assert read or command == "new", command
        assert read - {"help"} <= options_told(command), (command, read - options_told(command))
        done = stoa(command, "--help").expect(FINE, f"usage: stoa {command} ")
        assert all(len(line) <= 120 for line in done.out.splitlines()), done
        stoa(command, "--no-such-option").expect(USAGE)


@test("there is a manual page for each command, with all its options, and one for the tool")
def pages():
    made = {path.name for path in FOLDER.glob("*.1")}
    assert made == {"stoa.1"} | {f"stoa-{command}.1" for command in commands()}, made
    main = (FOLDER / "stoa.1").read_text(encoding="utf-8")
    for command in commands():
        page = (FOLDER / f"stoa-{command}.1").read_text(encoding="utf-8").replace("\\-", "-")
        assert ".SH NAME\nstoa-" + command + " - " in page and ".SH SYNOPSIS" in page, command
        missing = [name for name in options_read(command) - {"help"} if f"\\fB--{name}\\fR" not in page]
        assert not missing, (command, missing)
        assert command.replace("-", "\\-") in main, command
        if "Exit status" in stoa(command, "--help").out:
            assert ".SH \"EXIT STATUS\"" in page, command


@test("the pages have no mistake that man warns about")
def well_formed():
    if shutil.which("man") is None:
        raise Skip("man is not installed")
    for page in sorted(FOLDER.glob("*.1")):
        done = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=False,
                              env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and not done.stderr and "SYNOPSIS" in done.stdout, (page, done)


def complete_in_bash(*words):
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stoa; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", str(FOLDER / "stoa"), *words], capture_output=True, text=True,
                          cwd=ROOT, check=True)
    assert not done.stderr, done
    return set(done.stdout.split())


@test("bash completes commands, their words, their options and files")
def in_bash():
    assert complete_in_bash("stoa", "") == {*commands(), "--help", "--version"}
    assert complete_in_bash("stoa", "ch") == {"chat", "check-config"}
    for command in commands():
        found = complete_in_bash("stoa", command, "x", "--")
        assert {f"--{name}" for name in options_read(command) - {"help"}} <= found, (command, found)
    assert complete_in_bash("stoa", "proto", "") >= {"add", "gen"}
    assert complete_in_bash("stoa", "token", "s") == {"sign"}
    assert complete_in_bash("stoa", "call", "--ca", "READ") == {"README.md", "README.zh-CN.md"}
    assert complete_in_bash("stoa", "check-config", "CHANGE") == {"CHANGELOG.md"}
    assert complete_in_bash("stoa", "nothing", "") == set()


@test("zsh completes the same")
def in_zsh():
    if shutil.which("zsh") is None:
        raise Skip("zsh is not installed")
    script = ('_describe() { print -l ${(P)2} }; _arguments() { print -rl -- "$@" }; '
              'words=("${@:2}"); CURRENT=$#words; source $1')

    def complete(*words):
        done = subprocess.run(["zsh", "-f", "-c", script, "zsh", str(FOLDER / "_stoa"), *words], capture_output=True,
                              text=True, check=True)
        assert not done.stderr, done
        return done.stdout

    listed = [line.split(":")[0] for line in complete("stoa", "").splitlines()]
    assert listed == commands(), listed
    for command in commands():
        found = complete("stoa", command, "")
        assert all(f"*--{name}[" in found for name in options_read(command) - {"help"}), (command, found)
    assert "(add gen)" in complete("stoa", "proto", "")


@test("check-config finds mistakes with their place, for any program's files")
def check_config():
    good = os.path.join(ROOT, "configs/stoa.yaml")
    stoa("check-config", good).expect(FINE, "configuration ok")
    chat = os.path.join(ROOT, "configs/chatroom.yaml")
    stoa("check-config", chat).expect(1, err='unknown key "data_dir"')
    stoa("check-config", good, "--set", "server.pth=/x").expect(1, err="did you mean \"path\"")
    stoa("check-config", chat, "--program", os.environ["CHATROOM"], folder=ROOT).expect(FINE, "configuration ok")
    stoa("check-config", good, "--program", "/none").expect(USAGE, err="/none: No such file")
    stoa("check-config", "/none.yaml").expect(1, err="/none.yaml")
    stoa("check-config", good, variables={"STOA_TOKEN": "a.b.c"}).expect(FINE)  # it is the tool's own
    stoa("check-config", good, variables={"STOA_TOKENS": "a.b.c"}).expect(1, err="unknown environment variable")
    stoa("check-config").expect(USAGE, err="give a file")


run()
