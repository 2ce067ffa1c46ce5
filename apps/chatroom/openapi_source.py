"""Write a document as a C array: openapi_source.py DOCUMENT OUT.c."""

import pathlib
import sys

ROW = 24


def main():
    document, out = (pathlib.Path(path) for path in sys.argv[1:])
    data = document.read_bytes()
    rows = (", ".join(str(byte) for byte in data[i:i + ROW]) for i in range(0, len(data), ROW))
    body = ",\n".join(rows)
    out.write_text(f'#include "openapi.h"\n\nstatic const unsigned char document[] = {{\n{body}}};\n\n'
                   "const struct stoa_bytes openapi_document = {document, sizeof document};\n", encoding="utf-8")


main()
