"""A flame graph as SVG: callers below, callees above, as wide as their share of the samples."""

import html

import stacks

WIDTH = 1200
MARGIN = 10
ROW = 17
TOP = 54
LETTER = 6.7  # of the monospace font below
SHARE_MIN = 0.001

COLORS = {stacks.KERNEL: "#f0b27a", stacks.PROGRAM: "#8db4f2", stacks.LIBRARY: "#b8d8a8"}
STYLE = """
  text { font: 11px ui-monospace, monospace; fill: #1f2328; }
  .title { font: 600 15px system-ui, sans-serif; }
  .legend { font: 13px system-ui, sans-serif; }
  rect { stroke: #ffffff; stroke-width: 0.5; }
"""


def boxes(node, scale, left=0.0, depth=0):
    """(frame, samples, left edge, depth) of all frames that are wide enough, the widest first within one caller."""
    for frame, above in sorted(node.above.items(), key=lambda item: (-item[1].total, item[0].name)):
        width = above.total * scale
        if width >= SHARE_MIN * (WIDTH - 2 * MARGIN):
            yield frame, above.total, left, depth
            yield from boxes(above, scale, left, depth + 1)
        left += width


def label(name, width):
    """The name, cut to the room."""
    letters = int((width - 6) / LETTER)
    if letters >= len(name):
        return name
    return name[: letters - 1] + "…" if letters >= 4 else ""


def box(entry, root, scale, bottom):
    frame, samples, left, depth = entry
    x, y, width = MARGIN + left, bottom - (depth + 1) * ROW, samples * scale
    shown = label(frame.name, width)
    text = f'<text x="{x + 3:.1f}" y="{y + 12}">{html.escape(shown)}</text>' if shown else ""
    return (
        f"<g><title>{html.escape(frame.name)}, {samples / root.total:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{COLORS[frame.owner]}"/>{text}</g>\n'
    )


def legend(part, names):
    """The legend: each owner's color and share."""
    entries, x = [], MARGIN
    for owner, name in names.items():
        text = f"{name} {part[owner]:.1%}"
        entries.append(
            f'<rect x="{x}" y="32" width="14" height="14" fill="{COLORS[owner]}"/>'
            f'<text class="legend" x="{x + 20}" y="44">{html.escape(text)}</text>\n'
        )
        x += 50 + 8 * len(text)
    return "".join(entries)


def picture(title, root, part, names):
    """The whole SVG. `part` and `names` are the shares and the names of the three owners."""
    scale = (WIDTH - 2 * MARGIN) / max(root.total, 1)
    entries = list(boxes(root, scale))
    bottom = TOP + ROW * (1 + max((depth for *_, depth in entries), default=0))
    drawn = "".join(box(entry, root, scale, bottom) for entry in entries)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + MARGIN}" width="{WIDTH}" '
        f'height="{bottom + MARGIN}">\n<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text class="title" x="{MARGIN}" y="22">{html.escape(title)}</text>\n{legend(part, names)}{drawn}</svg>\n'
    )
