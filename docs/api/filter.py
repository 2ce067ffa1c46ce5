"""Turns the comments of a public header into Doxygen's, on standard output: filter.py HEADER (its INPUT_FILTER).

The headers are written to be read directly. The form of the comments:

  - the first one is about the file; a comment before or after a declaration is about that declaration; declarations
    without a blank line between them share the comment above them;
  - `Thread: …`, `Errors: …` and the like begin a section, which ends at a blank line; two blanks separate the name of
    an error from its text;
  - two blanks also separate the name of a parameter from its text;
  - indented lines are a list, rows of a name and a text, or are shown unchanged.
"""

import glob
import os
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LABEL = re.compile(r"^(Errors[^:.]*|Thread|Lifetime|Limits|Source|Options|Secrets|Does not know):\s*")
LABEL_INSIDE = re.compile(r"(?<=[.)]) (?=Errors: )")
ROW = re.compile(r"^(?P<key>\S+(?: \S+)*)\s{2,}(?P<text>\S.*)$")
PARAMETERS = re.compile(r"[a-z_]\w*(?:, [a-z_]\w*)*")
STATUS = r"STOA_E_[A-Z0-9_]+"
NAMES = rf"{STATUS}(?:, {STATUS})*"
# "STOA_E_LIMIT  text"; also a name without two blanks after it, at the start of a line or after another error.
ERROR = re.compile(rf"(?P<names>{NAMES}) {{2,}}|(?:(?<=; )|(?<=\n))(?P<bare>{NAMES})(?!\w)")
CODE_SPAN = re.compile(r"(`[^`]*`)")
CONSTANT = re.compile(r"(?<!\w)STOA_[A-Z0-9_]*[A-Z0-9](?![\w*])")
DECLARED = re.compile(r"^ *(?:#define )?(STOA_[A-Z0-9_]+)", re.MULTILINE)


class Escape:
    """Plain text for Doxygen: no commands except `code`; known constants become links."""

    SPECIAL = re.compile(r"--|[\\@<>#&%$*]")

    def __init__(self, constants):
        self.constants = constants

    def __call__(self, text):
        parts = CODE_SPAN.split(text)
        for i in range(0, len(parts), 2):
            plain = self.SPECIAL.sub(lambda match: "\\" + match[0], parts[i])
            parts[i] = CONSTANT.sub(lambda match: "#" * (match[0] in self.constants) + match[0], plain)
        return "".join(parts)


def lines_of(comment):
    """The lines without the stars, with their indentation. A section begins a new line."""
    lines = [re.sub(r"^\s*\* ?", "", line) for line in ("*" + comment[2:-2]).split("\n")]
    return [part for line in lines for part in LABEL_INSIDE.split(line.rstrip())]


def indent_of(line):
    return len(line) - len(line.lstrip())


def joined(lines, separator=" "):
    return separator.join(line.strip() for line in lines).strip()


class Comment:
    """One comment: its lines are taken from the front, Doxygen's lines are appended to `out`."""

    def __init__(self, lines, parameters, escape):
        self.lines = lines
        self.parameters = parameters
        self.escape = escape
        self.out = []

    def take_while(self, belongs):
        taken = []
        while self.lines and belongs(self.lines[0]):
            taken.append(self.lines.pop(0))
        return taken

    def item(self, name, text, separator=": "):
        text = self.escape(joined(text.split("\n")))
        self.out.append(f"- {name}" + (separator + text if text else ""))

    def errors(self, text):
        found = list(ERROR.finditer(text))
        if not any(match["names"] for match in found):
            self.out.append(self.escape(text))
            return
        self.out.append(self.escape(text[: found[0].start()]))
        for match, following in zip(found, [*found[1:], None]):
            meaning = text[match.end() : following.start() if following else len(text)].strip(" ;\n")
            names, after = self.escape(match["names"] or match["bare"]), ""
            if meaning.startswith("."):  # the end of the list, and a sentence about all of it
                meaning, after = "", meaning[1:].strip()
            elif match["bare"] and text[match.end() :].startswith("\n"):  # an error without a name
                self.item(names, "")
                names, meaning = self.escape(joined(meaning.split("\n"))), ""
            self.item(names, meaning, ": " if match["names"] else "" if meaning[:1] in ",;" else " ")
            if after:
                self.out += ["", self.escape(joined(after.split("\n")))]

    def section(self, label):
        lines = [LABEL.sub("", self.lines.pop(0)), *self.take_while(lambda line: line and not LABEL.match(line))]
        self.out += ["", f"@par {self.escape(label)}"]
        if label.startswith("Errors"):
            self.errors(joined(lines, "\n"))
        else:
            self.out.append(self.escape(joined(lines)))
        self.out.append("")

    def parameter(self, names, text):
        self.lines.pop(0)
        text = joined([text, *self.take_while(lambda line: line.startswith("    "))])
        if set(names.split(", ")) <= self.parameters:
            self.out.append(f"@param {names.replace(' ', '')} {self.escape(text)}")
        else:
            self.item(f"`{names}`", text)

    def indented(self):
        indent = indent_of(self.lines[0])
        block = [line[indent:] for line in self.take_while(lambda line: not line or indent_of(line) >= indent)]
        while not block[-1]:
            block.pop()
            self.lines.insert(0, "")
        self.out.append("")
        if block[0].startswith("- "):
            self.out += [self.escape(line) for line in block]
        elif ROW.match(block[0]):
            self.rows(block)
        else:
            self.out += ["@code{.c}", *block, "@endcode"]
        self.out.append("")

    def rows(self, block):
        row = None
        for line in block:
            if not line.startswith(" ") and ROW.match(line):
                row = ROW.match(line)
                self.item(self.escape(row["key"]), row["text"])
            else:
                self.out[-1] += " " + self.escape(line.strip())

    def convert(self):
        while self.lines:
            line = self.lines[0]
            label, row = LABEL.match(line), ROW.match(line)
            if label:
                self.section(label[1])
            elif line.startswith("  "):
                self.indented()
            elif row and PARAMETERS.fullmatch(row["key"]):
                self.parameter(row["key"], row["text"])
            else:
                self.out.append(self.escape(self.lines.pop(0)))
        return "\n".join(self.out).strip()


def declarations_below(text):
    """The declarations at the beginning of the text, up to a blank line or a comment."""
    together = re.split(r"\n[ \t]*\n|/\*", text, maxsplit=1)[0]
    if re.match(r"\s*#define", together):
        return re.findall(r"\n#define(?:[^\n\\]|\\.)*", together, re.DOTALL)
    found = re.match(r"(?:[^;{}]*;)*", together)[0]
    return re.findall(r"[^;]*;", found) or [together]


def name_of(declaration):
    match = re.match(r"\s*#define (\w+)", declaration) or re.search(r"(\w+)\s*(?:\(|;)", declaration)
    return match[1] if match else None


def parameters_of(declaration):
    """The parameters of a function. Doxygen lists none for function types and function pointers."""
    match = re.match(r"(?!\s*(?:typedef|#))[^(]*\w\((?!\*)(.*)\)[^)]*$", declaration, re.DOTALL)
    return {part.split()[-1].strip("*[]") for part in match[1].split(",") if part.split()} if match else set()


class Header:
    def __init__(self, text, path, constants):
        self.text = text
        self.path = path
        self.escape = Escape(constants)

    def doc(self, comment, parameters=frozenset(), first=""):
        text = first + Comment(lines_of(comment), parameters, self.escape).convert()
        return f"/** {text}\n */" if "\n" in text else f"/** {text} */"

    def of_file(self, comment):
        comment = re.sub(r"^/\*\s*stoa/[\w.]+: (\w)", lambda match: "/* " + match[1].upper(), comment)
        return self.doc(comment, first=f"@file {self.path}\n@brief ")

    def above(self, comment, below):
        """A member's comment, and the members below it."""
        return self.doc(comment) + "".join(declarations_below(below))

    def shared(self, comment, below):
        """The comment and the declarations below it; the later ones get a reference to the comment."""
        first, *others = declarations_below(below)
        parameters = set.intersection(*map(parameters_of, [first, *others]))
        copies = [f"\n/** @copydoc {name_of(first)} */\n{other.lstrip()}" for other in others]
        return self.doc(comment, parameters) + first + "".join(copies)

    def convert(self):
        out, at = [], 0
        for number, match in enumerate(COMMENT.finditer(self.text)):
            if match.start() < at:
                continue
            out.append(self.text[at : match.start()])
            at = match.end()
            line = self.text[self.text.rfind("\n", 0, match.start()) + 1 : match.start()]
            below = self.text[at:]
            if number == 0:
                out.append(self.of_file(match[0]))
            elif line.strip():
                is_forward = re.match(r"(struct|enum) \w+;|#endif|#else", line)
                out.append(match[0] if is_forward else self.doc(match[0]).replace("/**", "/**<", 1))
            elif re.match(r"[ \t]*\n[ \t]*(\n|$)", below) and not line:
                out.append(self.doc(match[0], first=f"@file {self.path}\n"))
            elif re.match(r"[ \t]*\n[^\n]*;[ \t]*/\*", below):
                out.append(match[0])  # a heading: the member below has a comment of its own
            else:
                share = self.shared if not line else self.above
                out.append(share(match[0], below))
                at += sum(map(len, declarations_below(below)))
        return "".join([*out, self.text[at:]])


def constants_beside(path):
    found = set()
    for header in glob.glob(os.path.join(os.path.dirname(path), "*.h")):
        with open(header, encoding="utf-8") as file:
            found.update(DECLARED.findall(COMMENT.sub("", file.read())))
    return found


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    sys.stdout.write(Header(text, "/".join(path.split("/")[-2:]), constants_beside(path)).convert())


if __name__ == "__main__":
    main()
