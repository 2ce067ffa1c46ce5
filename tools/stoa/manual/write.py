"""Write the manual pages and the completion of bash and zsh: write.py STOA VERSION FOLDER.

What they say is what `stoa --help` and `stoa COMMAND --help` say, so there is one text to keep right.
"""

import pathlib
import re
import subprocess
import sys

COMMAND = re.compile(r"^  ([a-z][a-z-]*) +(\S.*)$")
# "  -c, --connections N     about": a value is in capitals or in quotes, one blank behind the name.
OPTION = re.compile(r"^ +(?:(-[A-Za-z])(?:, (?=--)| ?))?(--[a-z][a-z-]*)?(?: ?('[^']*'|[A-Z]+))?(?: +(\S.*))?$")
CONTINUED = re.compile(r"^ {12,}(\S.*)$")
FILES = {"FILE", "FOLDER", "PROGRAM"}


class Option:
    def __init__(self, short, name, value, about):
        self.short, self.name, self.value, self.about = short, name, (value or "").strip("'"), about or ""

    @property
    def names(self):
        return [name for name in (self.short, self.name) if name]


class Help:
    """The parts of a --help text, in their order: usage, blocks of lines, options."""

    def __init__(self, name, about, text):
        self.name, self.about = name, about
        self.options, self.usage, self.exit_status, self.parts = [], [], [], []
        lines = text.splitlines()
        while lines and (lines[0].startswith("usage: ") or lines[0].startswith("       ")):
            self.usage.append(lines.pop(0)[len("usage: "):])
        at_exit = False
        for line in lines:
            at_exit = line.startswith("Exit status:") or (at_exit and line != "")
            if at_exit:
                self.exit_status.append(line)
            else:
                self._take(line)
        words = (re.match(rf"stoa {name} ([a-z]+)\b", line) for line in self.usage)
        self.words = [word[1] for word in words if word]

    def _take(self, line):
        option = OPTION.match(line) if re.match(r" +-", line) else None
        continued = CONTINUED.match(line)
        if option:
            self.options.append(Option(*option.groups()))
            self.parts.append(self.options[-1])
        elif continued and self.parts and isinstance(self.parts[-1], Option):
            self.parts[-1].about = f"{self.parts[-1].about} {continued[1]}".strip()
        else:
            self.parts.append(line)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def read(stoa):
    """A Help for each command."""
    commands = (COMMAND.match(line) for line in output(stoa, "--help").splitlines())
    return [Help(found[1], found[2], output(stoa, found[1], "--help")) for found in commands if found]


# ---- manual pages ----


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text if text.startswith(".") else text


def header(name, version):
    return [f'.TH "{name.upper()}" "1" "" "Stoa {version}" "Stoa"', ".ad l"]


def option_lines(option):
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in option.names)
    value = f" \\fI{roff(option.value)}\\fR" if option.value else ""
    return [".TP", names + value, roff(option.about)]


def body_lines(parts):
    """Paragraphs are filled; lines that begin with blanks stay as they are."""
    lines, was_kept = [], False
    for part in parts:
        if isinstance(part, Option):
            lines += ([".fi"] if was_kept else []) + option_lines(part)
            was_kept = False
        elif part == "":
            lines += ([".fi"] if was_kept else []) + [".PP"]
            was_kept = False
        else:
            keeps = part.startswith(" ") or part.endswith(":")
            lines += ([".nf"] if keeps and not was_kept else [".fi"] if was_kept and not keeps else []) + [roff(part)]
            was_kept = keeps
    return lines + ([".fi"] if was_kept else [])


def page(help_text, version):
    name = f"stoa-{help_text.name}"
    lines = header(name, version)
    lines += [".SH NAME", f"{roff(name)} \\- {roff(help_text.about)}", ".SH SYNOPSIS", ".nf"]
    lines += [roff(line) for line in help_text.usage] + [".fi", ".SH DESCRIPTION"]
    lines += body_lines(help_text.parts)
    if help_text.exit_status:
        lines += [".SH \"EXIT STATUS\"", roff(" ".join(help_text.exit_status).replace("Exit status: ", ""))]
    lines += [".SH \"SEE ALSO\"", "\\fBstoa\\fR(1)"]
    return "\n".join(lines) + "\n"


def main_page(helps, version):
    lines = header("stoa", version)
    lines += [".SH NAME", "stoa \\- tools for servers of typed messages over WebSocket", ".SH SYNOPSIS", ".nf",
              "stoa COMMAND [options]", roff("stoa --help | --version"), ".fi", ".SH COMMANDS"]
    for one in helps:
        lines += [".TP", f"\\fB{roff(one.name)}\\fR", roff(one.about) + f"; see \\fBstoa\\-{roff(one.name)}\\fR(1)"]
    lines += [".SH ENVIRONMENT", ".TP", "\\fBSTOA_TOKEN\\fR", "A token for chat, call and listen."]
    return "\n".join(lines) + "\n"


# ---- completion ----


def bash(helps):
    lines = ["# bash completion of stoa, written from its --help.", "_stoa() {",
             "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words files",
             "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
             f"    COMPREPLY=($(compgen -W '{' '.join(one.name for one in helps)} --help --version' -- \"$cur\"))",
             "    return", "  fi", "  case ${COMP_WORDS[1]} in"]
    for one in helps:
        names = [name for option in one.options for name in option.names] + ["--help"]
        files = [name for option in one.options if option.value in FILES for name in option.names]
        first = " ".join(one.words)
        lines += [f"  {one.name})", f"    words='{' '.join(dict.fromkeys(names))}'", f"    files=' {' '.join(files)} '"]
        if first:
            lines.append(f"    [ \"$COMP_CWORD\" -ne 2 ] || words='{first} --help'")
        lines.append("    ;;")
    lines += ["  *) return ;;", "  esac",
              "  if [[ $files == *\" $prev \"* || ( $cur != -* && ( $COMP_CWORD -ne 2 || $words == -* ) ) ]]; then",
              "    compopt -o filenames 2>/dev/null", "    COMPREPLY=($(compgen -f -- \"$cur\"))", "  else",
              "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))", "  fi", "}", "complete -F _stoa stoa"]
    return "\n".join(lines) + "\n"


def zsh_text(text):
    """Inside of '...[text]'."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh(helps):
    lines = ["#compdef stoa", "# zsh completion of stoa, written from its --help.", "", "local -a stoa_commands", "stoa_commands=("]
    lines += [f"  '{one.name}:{zsh_text(one.about)}'" for one in helps] + [")"]
    lines += ["if (( CURRENT == 2 )); then", "  _describe command stoa_commands", "  return", "fi",
              "local command=$words[2]", "shift words", "(( CURRENT-- ))", "case $command in"]
    for one in helps:
        lines += [f"{one.name})", "  _arguments \\"]
        for option in one.options:
            for name in option.names:
                value = f":{zsh_text(option.value)}:{'_files' if option.value in FILES else ''}" if option.value else ""
                lines.append(f"    '*{name}[{zsh_text(option.about)}]{value}' \\")
        if one.words:
            lines.append(f"    '1:command:({' '.join(one.words)})' \\")
        lines += ["    '--help[show the options]' \\", "    '*:argument:_files'", "  ;;"]
    return "\n".join(lines + ["esac"]) + "\n"


def main():
    stoa, version, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    helps = read(stoa)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stoa.1").write_text(main_page(helps, version), encoding="utf-8")
    for one in helps:
        (folder / f"stoa-{one.name}.1").write_text(page(one, version), encoding="utf-8")
    (folder / "stoa").write_text(bash(helps), encoding="utf-8")
    (folder / "_stoa").write_text(zsh(helps), encoding="utf-8")


if __name__ == "__main__":
    main()
