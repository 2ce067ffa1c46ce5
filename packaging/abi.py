#!/usr/bin/env python3
"""The ABI: the names that libstoa.so exports, and the shape of all that its public headers declare.

    packaging/abi.py symbols LIBRARY         the exported names, sorted, one a line: src/libstoa.symbols
    packaging/abi.py shape INCLUDE           functions, variables, structs, enums: src/libstoa.abi

LIBRARY is libstoa.so, INCLUDE the folder of installed headers. `./dev abi` writes both files. Sizes and offsets are in
bytes, on a machine of 64 bits. Needs gcc, nm, and abidw (package abigail-tools), which reads the debug information that
the compiler writes about the headers; abidw does not tell `const void` from `void`.
"""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# Tags of abidw's XML that name a type, and how C writes it.
NAMED = {"class-decl": "struct ", "union-decl": "union ", "enum-decl": "enum ", "typedef-decl": "", "type-decl": ""}
BITS = 8


def output_of(command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def symbols(library):
    lines = output_of(["nm", "--dynamic", "--defined-only", "--format=posix", library]).splitlines()
    return sorted(line.split()[0] for line in lines)


# Of libstoa-room, which is a static library only.
OTHERS = ("stoa/room.h", "stoa/room_admin.h")


def headers(include):
    found = []
    for folder, _, names in os.walk(include):
        found += [os.path.relpath(os.path.join(folder, name), include) for name in names if name.endswith(".h")]
    return sorted(set(found) - set(OTHERS))


def including(include):
    return "".join(f"#include <{name}>\n" for name in headers(include))


def prototypes(include):
    """All declarations with STOA_API, each as one line of C."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(including(include))
        # STOA_API stays in the text when export.h does not define it.
        text = output_of(["gcc", "-E", "-P", "-DSTOA_EXPORT_H", f"-I{include}", path])
    for declaration in re.findall(r"\bSTOA_API\s+([^;{]*);", text):
        yield re.sub(r"\s+", " ", declaration).replace("_Bool", "bool")


class Types:
    """The types of a file of debug information, as abidw writes them."""

    def __init__(self, xml_text):
        self.root = xml.etree.ElementTree.fromstring(xml_text)
        self.by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}

    def members(self, element):
        """Offset in bytes and declaration of each member of a struct or union, in their order."""
        for member in element.findall("data-member"):
            variable = member.find("var-decl")
            offset = int(member.get("layout-offset-in-bits", "0")) // BITS
            yield offset, self.declare(variable.get("type-id"), variable.get("name"))

    def base(self, element, declarator):
        name = NAMED[element.tag] + element.get("name")
        if element.get("is-anonymous") == "yes":
            body = "; ".join(declaration for _, declaration in self.members(element))
            name = f"{NAMED[element.tag]}{{ {body} }}"
        return f"{name} {declarator}".rstrip()

    def declare(self, type_id, declarator):
        """A declaration in C, from the outermost type inwards. It always ends, at a named type."""
        element = self.by_id[type_id]
        target = element.get("type-id")
        if element.tag in NAMED:
            return self.base(element, declarator)
        if element.tag == "pointer-type-def":
            needs_parentheses = self.by_id[target].tag in ("function-type", "array-type-def")
            return self.declare(target, f"(*{declarator})" if needs_parentheses else f"*{declarator}")
        if element.tag == "qualified-type-def":
            words = " ".join(word for word in ("const", "volatile") if element.get(word) == "yes")
            if self.by_id[target].tag == "pointer-type-def":
                return self.declare(target, f"{words} {declarator}".rstrip())
            return f"{words} {self.declare(target, declarator)}"
        if element.tag == "array-type-def":
            lengths = "".join(f"[{part.get('length')}]" for part in element.findall("subrange"))
            return self.declare(target, declarator + lengths)
        assert element.tag == "function-type", element.tag
        parameters = ["..." if part.get("is-variadic") == "yes" else self.declare(part.get("type-id"), "")
                      for part in element.findall("parameter")]
        return self.declare(element.find("return").get("type-id"), f"{declarator}({', '.join(parameters) or 'void'})")


def types_of(include):
    with tempfile.TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "all.c"), os.path.join(folder, "all.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write(including(include) + "int stoa_abi(void);\nint stoa_abi(void) { return 0; }\n")
        subprocess.run(["gcc", "-g", "-fno-eliminate-unused-debug-types", f"-I{include}", "-fPIC", "-shared", "-o",
                        library, source], check=True)
        return Types(output_of(["abidw", "--load-all-types", "--no-corpus-path", "--no-comp-dir-path", library]))


def shape_of_types(include):
    types = types_of(include)
    inside = os.path.realpath(include) + os.sep
    for element in types.root.iter():
        name, place = element.get("name"), os.path.realpath(element.get("filepath", "/"))
        if element.get("is-anonymous") == "yes" or not place.startswith(inside):
            continue
        if element.tag == "enum-decl":
            values = element.findall("enumerator")
            yield f"enum {name}", [f"{value.get('name')} = {value.get('value')}" for value in values]
        elif element.tag in ("class-decl", "union-decl") and element.get("is-declaration-only") != "yes":
            size = int(element.get("size-in-bits")) // BITS
            members = [f"at {offset}: {declaration}" for offset, declaration in types.members(element)]
            yield f"{NAMED[element.tag]}{name}", [f"{size} bytes", *members]
        elif element.tag == "typedef-decl":
            yield f"typedef {name}", [types.declare(element.get("type-id"), name)]


def shape(include):
    """One fact a line, so that changes rarely conflict, and a reviewer sees each change."""
    lines = sorted(f"declared: {prototype}" for prototype in set(prototypes(include)))
    for name, facts in sorted(shape_of_types(include)):
        lines += [f"{name}: {fact}" for fact in facts]
    return lines


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("symbols", "shape"):
        print("usage: abi.py symbols LIBRARY | abi.py shape INCLUDE", file=sys.stderr)
        return 2
    work = symbols if arguments[0] == "symbols" else shape
    print("\n".join(work(arguments[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
