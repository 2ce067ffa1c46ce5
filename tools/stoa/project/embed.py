"""Write templates as C: embed.py ROOT OUT.c FILE.in...

The path of a file is the one below ROOT without ".in". A script (first bytes "#!") is executable.
"""

import pathlib
import sys

ROW = 24


def array(data):
    return ",\n".join(", ".join(str(byte) for byte in data[i:i + ROW]) for i in range(0, len(data), ROW))


def main():
    root, out, *names = (pathlib.Path(name).resolve() for name in sys.argv[1:])
    arrays, rows = [], []
    for number, name in enumerate(sorted(names)):
        data = name.read_bytes()
        path = name.relative_to(root).as_posix().removesuffix(".in")
        arrays.append(f"static const char file_{number}[] = {{\n{array(data)}}};\n")
        rows.append(f'    {{"{path}", file_{number}, sizeof file_{number}, {int(data.startswith(b"#!"))}}},\n')
    out.write_text('#include "project/template.h"\n\n' + "\n".join(arrays) +
                   "\nconst struct project_template project_templates[] = {\n" + "".join(rows) + "};\n" +
                   f"const size_t project_template_count = {len(rows)};\n", encoding="utf-8")


main()
