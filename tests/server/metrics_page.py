"""docs/metrics.md against a scrape of a server: each family has a row with its type, its labels and its help.

With --write the table of the page is written instead.
"""

import pathlib
import re

BEGIN = "<!-- table -->\n"
END = "<!-- end of table -->\n"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def families(text):
    """Of a scrape in the format of Prometheus: name, type, labels without le, and help, in the scrape's order."""
    found = {}
    for line in text.splitlines():
        about = re.match(r"# (HELP|TYPE) (\S+) (.*)", line)
        if about:
            found.setdefault(about[2], {"labels": []})[about[1].lower()] = about[3]
            continue
        name, labels = re.match(r"([a-zA-Z_0-9]+)(?:\{(.*)\})? ", line).groups()
        family = found.get(name) or found[re.sub(r"_(bucket|sum|count)$", "", name)]
        for label in re.findall(r'(\w+)="', labels or ""):
            if label != "le" and label not in family["labels"]:
                family["labels"].append(label)
    return found


def table(text):
    rows = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for name, family in families(text).items():
        labels = ", ".join(f"`{label}`" for label in family["labels"])
        rows.append(f"| `{name}` | {family['type']} | {labels} | {family['help']} |")
    return "\n".join(rows) + "\n"


def table_of_page():
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


def write(text):
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table(text) + END + rest.split(END)[1])
