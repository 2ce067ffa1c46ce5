"""Does docs/configuration-reference.md say what the configuration is? configuration_test.py ROOT PROGRAM, TAP.

PROGRAM is a server program without settings of its own; it reads configs/stoa.yaml, which has every key's default.
"""

import difflib
import os
import re
import subprocess
import sys

import tap

root, program = sys.argv[1:]
sys.path.insert(0, os.path.join(root, "docs", "configuration"))

import reference  # noqa: E402  pylint: disable=wrong-import-position

PAGE = "docs/configuration-reference.md"
SETTING = re.compile(r'^( *)(\w+): *(.*?) *(?:# .*)?$')
# What comes from the machine, and what the sample says in its own way.
UNCOMPARED = {"server.workers"}


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def printed():
    """The value of each key that --print-config shows on its line, by path."""
    done = subprocess.run([program, "-c", os.path.join(root, "configs", "stoa.yaml"), "--print-config"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    values, path = {}, []
    for line in done.stdout.splitlines():
        found = SETTING.match(line)
        if found:
            path[len(found[1]) // 2 :] = [found[2]]
            values[".".join(path)] = found[3].strip('"')
    return values


def page_is_current(whole):
    shown = read(PAGE)
    if shown != whole.page():
        yield "run ./dev docs\n" + "\n".join(
            difflib.unified_diff(shown.splitlines(), whole.page().splitlines(), PAGE, "api/stoa/config.proto", "", "",
                                 0, ""))


def every_key_is_explained(whole):
    for key in whole.keys():
        if not key.meaning():
            yield f"{key.path} has no comment"


def every_key_is_printed(whole):
    """The page has the keys that a program takes, and no other; those of lists have no value until a list has items."""
    values = printed()
    lists = tuple(key.path + "." for key in whole.keys() if key.is_section and key.is_list)
    expected = {key.path for key in whole.keys() if not key.path.startswith(lists)}
    found = set(values) - {section for section, _, _ in whole.sections}
    sections = {section for section, _, _ in whole.sections}
    for path in sorted((found ^ expected) - sections - {"server", "log"}):
        yield f"{path} is {'not on the page' if path in found else 'not printed'}"


def defaults_are_true(whole):
    """Numbers, words and flags: a default that is a sentence says more than one value can."""
    values = printed()
    compared = 0
    for key in whole.keys():
        default = key.default()
        if key.is_section or key.is_list or " " in default or key.path in UNCOMPARED or key.path not in values:
            continue
        compared += 1
        value = values[key.path]
        if default not in (value, {"": "none", "0": "none"}.get(value)):
            yield f"{key.path}: the page says {default!r}, --print-config {value!r}"
    if compared < 50:
        yield f"only {compared} defaults were compared"


def links_lead_somewhere(whole):
    page = whole.page()
    anchors = re.findall(r'<a id="([^"]+)"></a>', page)
    if len(anchors) != len(set(anchors)):
        yield "an anchor stands twice"
    for target in re.findall(r"\]\(#([^)]+)\)", page):
        if target not in anchors:
            yield f"#{target} is not there"


def default_is_a_sentence_of_its_own():
    for comment, default, meaning in (
            ("A path. Default: /.", "/", "A path."),
            ("Where. Default: 0.0.0.0:7700.", "0.0.0.0:7700", "Where."),
            ("How long. Default: 25. At most 3600.", "25", "How long. At most 3600."),
            ("What. Default: those of `hosts`; or none. More.", "those of `hosts`; or none", "What. More."),
            ("Nothing said.", "none", "Nothing said.")):
        key = reference.Key("a.b", reference.Field(name="b", type=reference.Field.TYPE_STRING), comment)
        if (key.default(), key.meaning()) != (default, meaning):
            yield f"{comment!r}: {key.default()!r}, {key.meaning()!r}"


def units_come_from_names():
    for name, unit in (("drain_ms", "ms"), ("max_age_s", "s"), ("messages_per_s", "1/s"), ("bytes_per_s", "bytes/s"),
                       ("body_bytes_max", "bytes"), ("bytes_burst", "bytes"), ("workers", "")):
        key = reference.Key(name, reference.Field(name=name, type=reference.Field.TYPE_UINT32), "")
        if key.unit() != unit:
            yield f"{name}: {key.unit()!r}, not {unit!r}"


def main():
    whole = reference.Reference(reference.read_proto(root))
    return tap.run([
        ("the reference is what ./dev docs writes", lambda: page_is_current(whole)),
        ("every key has a comment", lambda: every_key_is_explained(whole)),
        ("the reference has the keys that a program prints", lambda: every_key_is_printed(whole)),
        ("the defaults in the reference are those in force", lambda: defaults_are_true(whole)),
        ("each anchor is unique, and each link has one", lambda: links_lead_somewhere(whole)),
        ("the default is taken out of a comment, with what is said in its sentence", default_is_a_sentence_of_its_own),
        ("a unit is the end of a key's name", units_come_from_names),
    ])


if __name__ == "__main__":
    sys.exit(main())
