"""What other programs make of the metrics, and whether page and dashboard know the same ones.

usage: metrics_test.py PROGRAM, which writes a scrape of a server in use: PROGRAM PATH prometheus|openmetrics
       metrics_test.py PROGRAM --write, to write the table of docs/metrics.md
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import metrics_page
from tap import Skip, run, test

PROGRAM = sys.argv.pop(1)
DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "grafana" / "stoa.json"
SUFFIXES = ("", "_bucket", "_sum", "_count")


def scrape(style):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([PROGRAM, file.name, style], check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(file.name).read_text()


@test("promtool finds nothing to complain about")
def _():
    if shutil.which("promtool") is None:
        raise Skip("promtool is not installed (package prometheus)")
    result = subprocess.run(["promtool", "check", "metrics"], input=scrape("prometheus"), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0 and result.stdout == "", result.stdout


@test("the parsers of Prometheus's Python client read both formats and find the same samples")
def _():
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
        from prometheus_client.parser import text_string_to_metric_families as parse_text
    except ImportError:
        raise Skip("python3-prometheus-client is not installed") from None
    names = [{sample.name for family in parse(scrape(style)) for sample in family.samples}
             for parse, style in ((parse_text, "prometheus"), (parse_open, "openmetrics"))]
    assert names[0] == names[1], names[0] ^ names[1]
    assert "server_requests_code_total" in names[0]


@test("docs/metrics.md has each metric with its type, labels and meaning")
def _():
    wanted, found = metrics_page.table(scrape("prometheus")), metrics_page.table_of_page()
    missing = set(wanted.splitlines()) ^ set(found.splitlines())
    assert wanted == found, f"run {sys.argv[0]} PROGRAM --write; different: {missing}"


def expressions(node):
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "expr")
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


@test("each query of the dashboard uses metrics and labels that exist")
def _():
    families = metrics_page.families(scrape("prometheus"))
    known = {name + suffix for name, family in families.items()
             for suffix in (SUFFIXES if family["type"] == "histogram" else ("",))}
    labels = {label for family in families.values() for label in family["labels"]} | {"le", "job", "instance"}
    found = list(expressions(json.loads(DASHBOARD.read_text())))
    assert len(found) > 10
    for expression in found:
        names = set(re.findall(r"\b(?:stoa|server|process)_\w+", expression))
        assert names and names <= known, (expression, names - known)
        grouped = re.findall(r"\bby \(([^)]*)\)", expression)
        used = {word for group in grouped for word in re.split(r"[ ,]+", group) if word}
        assert used <= labels, (expression, used - labels)


if "--write" in sys.argv:
    metrics_page.write(scrape("prometheus"))
else:
    run()
