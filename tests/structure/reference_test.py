"""Does Doxygen take the public headers without a warning, and do the pages have what the headers say?
reference_test.py ROOT BUILD, TAP."""

import os
import re
import subprocess
import sys
import tempfile

import tap

root, build = sys.argv[1:]
sys.path.insert(0, os.path.join(root, "docs", "api"))

import filter as reference  # noqa: E402  pylint: disable=wrong-import-position,redefined-builtin


def converted(text):
    return reference.Header("/* stoa/a.h: the file. */\n" + text, "stoa/a.h", {"STOA_E_LIMIT", "STOA_E_MEMORY"}).convert()


def missing(text, *expected):
    found = converted(text)
    return [f"no {part!r} in\n{found}" for part in expected if part not in found]


def the_file():
    return missing("", "/** @file stoa/a.h\n@brief The file.\n */")


def errors():
    yield from missing(
        "/* Do it. Errors: STOA_E_LIMIT  full, or\n *         too long; STOA_E_MEMORY. Nothing was done. */\nint f(void);\n",
        "Do it.\n", "@par Errors\n", "- #STOA_E_LIMIT: full, or too long\n", "- #STOA_E_MEMORY\n", "\nNothing was done.")
    yield from missing("/* Errors: as g(). */\nint f(void);\n", "@par Errors\nas g().")
    yield from missing(
        "/* Do it.\n * Errors: STOA_E_LIMIT  full\n *         STOA_E_MEMORY, STOA_E_NONE (why) */\nint f(void);\n",
        "- #STOA_E_LIMIT: full\n", "- #STOA_E_MEMORY, STOA_E_NONE (why)\n")
    yield from missing(
        "/* Errors: STOA_E_LIMIT  full\n *         STOA_E_MEMORY\n *         what else g() answers */\nint f(void);\n",
        "- #STOA_E_MEMORY\n- what else g() answers\n")


def parameters():
    yield from missing("/* Do it.\n *\n * a, b  two\n *       of them\n * c  none */\nint f(int a, int *b);\n",
                       "@param a,b two of them\n", "- `c`: none\n")


def sharing():
    yield from missing("/* Both. */\nint f(int a);\nint g(void);\n\nint h(void);\n",
                       "/** Both. */\nint f(int a);\n/** @copydoc f */\nint g(void);\n\nint h(void);")


def members():
    yield from missing("struct s {\n  int a; /* one */\n  /* Two. */\n  int b;\n  /* A heading. */\n  int c; /* three */\n};\n",
                       "int a; /**< one */", "/** Two. */\n  int b;", "/* A heading. */", "int c; /**< three */")


def blocks():
    yield from missing("/* Do it.\n *\n *   a → b\n */\nint f(void);\n", "@code{.c}\na → b\n@endcode")
    yield from missing("/* Do it:\n *   - one\n *   - two */\nint f(void);\n", "\n- one\n- two\n")
    yield from missing("/* Do it:\n *   one    first\n *          more\n *   two    second */\nint f(void);\n",
                       "- one: first more\n", "- two: second\n")


def plain_text():
    yield from missing("/* <a> @b \\c --d `e<f>` #if */\nint f(void);\n", "\\<a\\> \\@b \\\\c \\--d `e<f>` \\#if")


def page(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return re.sub(r"<[^>]*>", "", file.read())


def the_whole():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(root, "docs", "api", "build"), build, folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0 or done.stdout:
            yield f"status {done.returncode}\n{done.stdout}"
            return
        for name, text in (("index.html", "stoa/server.h"), ("server_8h.html", "Bind, listen and start the workers"),
                           ("client_8h.html", "Does not know"), ("error_8stoa_8h.html", "stoa_error")):
            if text not in page(folder, name):
                yield f"{name} does not say {text!r}"


CASES = [
    ("the first comment is the file's", the_file),
    ("errors become a list", errors),
    ("what a parameter is becomes its description", parameters),
    ("declarations that stand together share a comment", sharing),
    ("members have theirs before or after them", members),
    ("indented lines are lists, rows or stay as they are", blocks),
    ("nothing in a comment is a command of Doxygen's", plain_text),
    ("Doxygen writes the reference without a warning", the_whole),
]

if __name__ == "__main__":
    sys.exit(tap.run(CASES))
