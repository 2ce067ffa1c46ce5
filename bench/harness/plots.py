"""Horizontal bars as SVG, readable on light and on dark pages: one picture a section, one panel a workload."""

import html
import os

from harness import report, servers

PANEL_WIDTH = 480
LABEL_WIDTH = 128
VALUE_WIDTH = 76
PADDING = 16
BAR_HEIGHT = 14
STEP = 20
TITLE_HEIGHT = 46

# The background is part of the picture, so that it does not depend on the light or dark theme of the page.
STYLE = """
  .ground { fill: #ffffff; }
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .unit { fill: #59636e; }
  .range { stroke: #1f2328; stroke-width: 1.25; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; }
    text { fill: #e6edf3; }
    .unit { fill: #9198a1; }
    .range { stroke: #e6edf3; }
  }
"""

UNITS = {
    "µs": "server CPU, µs",
    "bytes": "bytes",
    "ms/s": "server CPU, ms a second",
    "ms": "ms",
    "million/s": "million a second",
}


def bar(x, y, server, cell, scale):
    """Label, bar, the range over the rounds as a thin line, value."""
    start = x + LABEL_WIDTH
    length = max(cell.median * scale, 1)
    middle = y + BAR_HEIGHT / 2
    low, high = (start + max(number, 0) * scale for number in (cell.low, cell.high))
    return (
        f'  <text x="{start - 8}" y="{y + 11}" text-anchor="end">{html.escape(server.title)}</text>\n'
        f'  <rect x="{start}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT}" rx="2" fill="{server.color}"/>\n'
        f'  <line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>\n'
        f'  <text x="{max(start + length, high) + 6:.1f}" y="{y + 11}">{report.figure(cell.median)}</text>\n'
    )


def shown(workload, cells):
    """Servers and cells, the best first; if all are Stoa with different settings, in the order of the settings."""
    found = [
        (server, cells[workload.name, server.name])
        for server in servers.SERVERS
        if (workload.name, server.name) in cells
    ]
    if len({server.color for server, _ in found}) == 1:
        return found
    return sorted(found, key=lambda pair: pair[1].median, reverse=workload.more_is_better)


def panel(x, y, workload, cells):
    """One workload."""
    pairs = shown(workload, cells)
    longest = max(max(cell.high for _, cell in pairs), 1e-9)
    scale = (PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - PADDING) / longest
    better = "more" if workload.more_is_better else "less"
    bars = (bar(x, y + TITLE_HEIGHT + STEP * row, *pair, scale) for row, pair in enumerate(pairs))
    return (
        f'  <text class="title" x="{x + PADDING}" y="{y + 18}">{html.escape(workload.title)}</text>\n'
        f'  <text class="unit" x="{x + PADDING}" y="{y + 34}">{UNITS[workload.unit]} ({better} is better)</text>\n'
        + "".join(bars)
    )


def panel_height(workload, cells):
    """As high as its bars need."""
    return TITLE_HEIGHT + STEP * len(shown(workload, cells)) + PADDING


def chart(title, rows, cells):
    """The whole picture: two panels side by side, unless there is only one."""
    width = PANEL_WIDTH * min(len(rows), 2)
    parts, y = [], PADDING
    for first in range(0, len(rows), 2):
        pair = rows[first : first + 2]
        parts += [panel(PANEL_WIDTH * column, y, workload, cells) for column, workload in enumerate(pair)]
        y += max(panel_height(workload, cells) for workload in pair)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" '
        f'role="img" aria-label="{html.escape(title)}">\n  <style>{STYLE}  </style>\n'
        f'  <rect class="ground" width="{width}" height="{y}" rx="6"/>\n' + "".join(parts) + "</svg>\n"
    )


def write(folder, cells):
    """One file a section."""
    os.makedirs(folder, exist_ok=True)
    for section, rows in report.present(cells):
        with open(os.path.join(folder, section.name + ".svg"), "w", encoding="utf-8") as file:
            file.write(chart(section.title, rows, cells))
