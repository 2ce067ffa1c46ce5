"""Horizontal bars as SVG, readable on light and on dark pages."""

import html
import os

from harness import report, servers

WIDTH = 760
LABEL_WIDTH = 130
VALUE_WIDTH = 130
BAR_HEIGHT = 20
STEP = 30
TOP = 44

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .range { stroke: #e6edf3; }
  }
"""


def bar(y, server, cell, scale):
    """Label, bar, the range over the rounds as a thin line, value."""
    length = max(cell.median * scale, 1)
    middle = y + BAR_HEIGHT / 2
    low, high = (LABEL_WIDTH + max(number, 0) * scale for number in (cell.low, cell.high))
    return (
        f'  <text x="{LABEL_WIDTH - 8}" y="{y + 15}" text-anchor="end">{html.escape(server.title)}</text>\n'
        f'  <rect x="{LABEL_WIDTH}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT}" rx="2" fill="{server.color}"/>\n'
        f'  <line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>\n'
        f'  <text x="{max(LABEL_WIDTH + length, high) + 8:.1f}" y="{y + 15}">{report.figure(cell.median)}</text>\n'
    )


def chart(workload, cells):
    """The whole picture of one workload; shorter bars are better."""
    shown = [(server, cells[workload.name, server.name]) for server in servers.SERVERS
             if (workload.name, server.name) in cells]
    shown.sort(key=lambda pair: pair[1].median)
    longest = max(max(cell.high for _, cell in shown), 1e-9)
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest
    height = TOP + STEP * len(shown) + 6
    what = {"µs": "server CPU, µs", "bytes": "bytes", "ms/s": "server CPU, ms a second"}[workload.unit]
    title = html.escape(f"{workload.title}: {what} (less is better)")
    bars = "".join(bar(TOP + STEP * row, server, cell, scale) for row, (server, cell) in enumerate(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{title}">\n  <style>{STYLE}  </style>\n'
        f'  <text class="title" x="8" y="24">{title}</text>\n{bars}</svg>\n'
    )


def write(folder, cells, chosen_workloads):
    """One file a workload."""
    os.makedirs(folder, exist_ok=True)
    for workload in chosen_workloads:
        if any(name == workload.name for name, _ in cells):
            with open(os.path.join(folder, workload.name + ".svg"), "w", encoding="utf-8") as file:
                file.write(chart(workload, cells))
