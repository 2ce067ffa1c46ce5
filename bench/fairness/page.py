"""The figures as text, as a table and a picture of docs/benchmarks.md."""

import collections
import html
import math
import statistics

from fairness import field, scenarios
from harness import plots, report

BEGIN = "<!-- fairness: begin (written by bench/fairness/run) -->"
END = "<!-- fairness: end -->"
MIB = 1024 * 1024
P50_MS, P99_MS, GROWTH_BYTES = 5, 20, 64 * MIB

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 960, 430, 70
STEP, BAR_HEIGHT, TOP, BOTTOM = 40, 13, 66, 16
COLORS = {"before": "#a3aab3", "after": plots.servers.BLUE}
AXIS_MS = (0.01, 100_000)


class Cell:
    """A scenario's medians over its rounds."""

    def __init__(self, runs):
        def median(value):
            return statistics.median(value(run) for run in runs)

        self.rounds = len(runs)
        self.p50, self.p99, self.max = (median(lambda run, key=key: run.answered[key]) for key in ("p50", "p99", "max"))
        self.lag_p99 = median(lambda run: run.lag["p99"])
        self.growth = median(lambda run: run.resident_growth_bytes)
        self.closed = median(lambda run: len(run.closed))
        self.healthy = runs[0].healthy
        self.sent = median(lambda run: run.neighbours_sent_bytes / run.seconds)
        self.received = median(lambda run: run.neighbours_received_bytes / run.seconds)
        self.codes = collections.Counter(code for run in runs for code in run.closed)

    def meets(self):
        """All requested values."""
        return self.p50 <= P50_MS and self.p99 <= P99_MS and self.growth <= GROWTH_BYTES and self.closed == 0


def collect(runs):
    """Cells by scenario name, in the order of the table."""
    counted = [run for run in runs if run.problem is None]
    by_name = {each.name: [run for run in counted if run.scenario == each.name] for each in scenarios.SCENARIOS}
    return {name: Cell(mine) for name, mine in by_name.items() if mine}


def _size(number):
    return f"{number / MIB:.1f}" if number < 10 * MIB else f"{number / MIB:,.0f}"


def _megabytes(cell):
    """What the neighbours sent and received a second."""
    return f"{report.figure(cell.sent / 1e6)} / {report.figure(cell.received / 1e6)}"


def line(scenario, run):
    """One run, as a line of progress."""
    start = f"round {run.round}  {scenario.name:<14}"
    if run.problem:
        return f"{start} NOT COUNTED: {run.problem}"
    closed = ", ".join(f"{count} with {code}" for code, count in collections.Counter(run.closed).items())
    foreign = f"  other programs: {run.foreign_cpu:.0%} of a processor" if run.foreign_cpu > 0.1 else ""
    return (
        f"{start} p50 {report.figure(run.answered['p50']):>7}  p99 {report.figure(run.answered['p99']):>7}  "
        f"max {report.figure(run.answered['max']):>7} ms  lag p99 {report.figure(run.lag['p99']):>7} ms  "
        f"+{_size(run.resident_growth_bytes)} MiB  closed: {closed or 'none'}{foreign}"
    )


def text(cells):
    """Text for a terminal."""
    columns = ("p50 ms", "p99 ms", "max ms", "lag p99")
    head = f"{'neighbours':<14}" + "".join(f"{name:>9}" for name in columns)
    lines = [head + f"{'MiB':>8}{'closed':>9}{'MB/s':>16}  meets the targets"]
    for name, cell in cells.items():
        times = "".join(f"{report.figure(number):>9}" for number in (cell.p50, cell.p99, cell.max, cell.lag_p99))
        closed = f"{cell.closed:g}/{cell.healthy}"
        verdict = "yes" if cell.meets() else "NO"
        lines.append(f"{name:<14}{times}{_size(cell.growth):>8}{closed:>9}{_megabytes(cell):>16}  {verdict}")
    return "\n".join(lines)


def _pair(columns, name, value):
    """One cell of the table: before, an arrow, after."""
    said = [value(cells[name]) if name in cells else "" for cells in columns.values()]
    return " → ".join(said) if any(said) else ""


def table(columns):
    """`columns` are cells by "before" and "after"."""
    lines = [
        "| neighbours | p50, ms | p99, ms | max, ms | the server's part, p99, ms | memory, MiB | healthy closed "
        "| neighbours sent / got, MB/s |",
        "| --- |" + " ---: |" * 7,
    ]
    for each in scenarios.SCENARIOS:
        if not any(each.name in cells for cells in columns.values()):
            continue
        values = (
            lambda cell: report.figure(cell.p50),
            lambda cell: report.figure(cell.p99),
            lambda cell: report.figure(cell.max),
            lambda cell: report.figure(cell.lag_p99),
            lambda cell: "+" + _size(cell.growth),
            lambda cell: f"{cell.closed:g} of {cell.healthy}",
            _megabytes,
        )
        lines.append(f"| {each.title} | " + " | ".join(_pair(columns, each.name, value) for value in values) + " |")
    return "\n".join(lines)


def conditions(name, about):
    """The machine and the time of one column."""
    machine = about["machine"]
    shares = sorted(run.foreign_cpu for run in about["runs"])
    waited = statistics.median(run.server_kept_waiting for run in about["runs"])
    return (
        f"- {name.capitalize()}: commit {about['commit']}, {about['date']}, {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}, kernel {machine['kernel']}; {about['rounds']} rounds of "
        f"{about['duration_s']:g} s; other programs took {statistics.median(shares):.1%} of a processor meanwhile (the "
        f"median of all runs; at most {shares[-1]:.1%}), and the server waited for its own for {waited:.1%} of the "
        "time."
    )


def markdown(sessions):
    """The part of the page between the markers. `sessions` are the measurements, by "before" and "after"."""
    columns = {name: collect(about["runs"]) for name, about in sessions.items()}
    order = "Each cell: before → after." if len(sessions) > 1 else f"All cells: {next(iter(sessions))}."
    return "\n\n".join((
        BEGIN,
        "\n".join(conditions(name, about) for name, about in sessions.items()),
        order,
        table(columns),
        "![Bad neighbours](plots/fairness.svg)",
        END,
    ))


def write(path, sessions):
    """Write it between the markers."""
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + markdown(sessions) + after)


# The picture: the 99th percentile of each scenario, on a logarithmic axis.


def _x(number_ms):
    low, high = (math.log10(each) for each in AXIS_MS)
    share = (math.log10(min(max(number_ms, AXIS_MS[0]), AXIS_MS[1])) - low) / (high - low)
    return LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)


def _rule(number_ms, height, words, css):
    x = _x(number_ms)
    return (
        f'  <line class="{css}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height - BOTTOM + 6}"/>\n'
        f'  <text class="unit" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{words}</text>\n'
    )


def _bar(y, number_ms, color):
    width = max(_x(number_ms) - LABEL_WIDTH, 1)
    return (
        f'  <rect x="{LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="2" fill="{color}"/>\n'
        f'  <text x="{LABEL_WIDTH + width + 6:.1f}" y="{y + 11}">{report.figure(number_ms)}</text>\n'
    )


def _row(y, scenario, columns):
    bars = [(name, cells[scenario.name].p99) for name, cells in columns.items() if scenario.name in cells]
    label = f'  <text x="{LABEL_WIDTH - 10}" y="{y + 17}" text-anchor="end">{html.escape(scenario.title)}</text>\n'
    top = y + 1 if len(bars) > 1 else y + 7
    for row, (name, p99) in enumerate(bars):
        label += _bar(top + row * (BAR_HEIGHT + 3), p99, COLORS[name])
    return label


def picture(sessions):
    columns = {name: collect(about["runs"]) for name, about in sessions.items()}
    shown = [each for each in scenarios.SCENARIOS if any(each.name in cells for cells in columns.values())]
    height = TOP + STEP * len(shown) + BOTTOM
    style = plots.STYLE + "  .grid { stroke: #8b949e; stroke-opacity: 0.3; }\n  .target { stroke: #d1242f; }\n"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="Bad neighbours">\n  <style>{style}  </style>\n'
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>\n'
        f'  <text class="title" x="16" y="24">How long a bystander waits for a pong, 99th percentile, ms</text>\n'
    ]
    parts += [_rule(number, height, f"{number:g}", "grid") for number in (0.01, 0.1, 1, 100, 1000, 10_000)]
    parts.append(_rule(P99_MS, height, f"target {P99_MS}", "target"))
    parts += [_legend(row, name) for row, name in enumerate(columns)] if len(columns) > 1 else []
    parts += [_row(TOP + STEP * row, each, columns) for row, each in enumerate(shown)]
    return "".join(parts) + "</svg>\n"


def _legend(row, name):
    x = 16 + 90 * row
    return (
        f'  <rect x="{x}" y="36" width="12" height="12" rx="2" fill="{COLORS[name]}"/>\n'
        f'  <text x="{x + 18}" y="46">{name}</text>\n'
    )


def runs_of(about):
    """The content of a file of results, with its runs as Run."""
    return {**about, "runs": [field.Run(**run) for run in about["runs"]]}
