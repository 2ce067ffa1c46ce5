"""Do the programs in the pages compile, do links resolve? readme_test.py ROOT BUILD PLUGIN, TAP."""

import os
import re
import subprocess
import sys
import tempfile

import built
import tap
from source import Tree

EXAMPLE_LINES_MAX = 40


def blocks(tree, path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", tree.text(path), re.MULTILINE | re.DOTALL)


def run(command, folder):
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return [] if done.returncode == 0 else [done.stdout]


def compile_page(tree, plugin, page, proto_name):
    """The C of the page, in one file, with what its proto generates."""
    (proto,) = blocks(tree, page, "proto")
    program = "\n".join(blocks(tree, page, "c"))
    with tempfile.TemporaryDirectory() as folder:
        for name, content in ((f"{proto_name}.proto", proto), ("main.c", program)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        api = os.path.join(tree.root, "api")
        protoc = ["protoc", f"--plugin=protoc-gen-stoa={plugin}", "-I.", f"-I{api}", "--stoa_out=.",
                  f"{proto_name}.proto"]
        compiler = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I."]
        return run(protoc, folder) or run(
            compiler + built.include_flags(tree) + ["main.c", f"{proto_name}.stoa.c"], folder)


def example_is_short(tree):
    for path in ("README.md", "README.zh-CN.md"):
        (program,) = blocks(tree, path, "c")
        lines = program.count("\n")
        if lines > EXAMPLE_LINES_MAX:
            yield f"{path}: the program has {lines} lines"


def translation_shows_the_same(tree):
    for language in ("proto", "c", "js"):
        if blocks(tree, "README.md", language) != blocks(tree, "README.zh-CN.md", language):
            yield f"the {language} of README.zh-CN.md is not that of README.md"


def links_lead_somewhere(tree):
    """Relative links of all pages in the root and in docs/."""
    pages = [path for path in tree.files((".md",)) if "/" not in path or path.startswith("docs/")]
    for path in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", tree.text(path)):
            if not os.path.exists(os.path.join(tree.root, os.path.dirname(path), target)):
                yield f"{path}: {target} is not there"


def named_in_pages_exists(tree):
    """Functions, constants, structs and files of the library that the pages name."""
    code = "\n".join(tree.text(path) for path in tree.files((".c", ".h"), ("src/", "include/")))
    files = set(tree.files((".c", ".h", ".py", ".mjs", ".proto", ".yaml")))
    for page in ("ARCHITECTURE.md", "docs/asynchronous.md", "docs/deploying.md", "docs/kratos.md"):
        for name in re.findall(r"`([^`\n]+)`", tree.text(page)):
            symbol = re.fullmatch(r"(?:(?:struct|enum) )?((?:STOA|stoa)_\w+)(?:\(.*\))?", name)
            path = re.fullmatch(r"[\w/]+/\w+\.(?:c|h)", name)
            if symbol and not re.search(rf"\b{symbol[1]}\b", code):
                yield f"{page}: {name} is not in the code"
            if path and not {name, f"src/{name}", f"include/{name}"} & files:
                yield f"{page}: {name} is not there"


def main(root, build, plugin):
    tree = Tree(root, build)
    plugin = os.path.abspath(plugin)
    return tap.run(
        [
            ("the typed server of the README compiles", lambda: compile_page(tree, plugin, "README.md", "notes")),
            ("the program of the page about answering later compiles",
             lambda: compile_page(tree, plugin, "docs/asynchronous.md", "shop")),
            ("the typed server of the README has at most 40 lines", lambda: example_is_short(tree)),
            ("the Chinese README shows the same programs", lambda: translation_shows_the_same(tree)),
            ("every name of the code in the pages exists", lambda: named_in_pages_exists(tree)),
            ("every link between the pages resolves", lambda: links_lead_somewhere(tree)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3]))
