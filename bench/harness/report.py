"""Medians, tables and files from the runs."""

import dataclasses
import json
import os
import statistics

from harness import servers, workloads

BEGIN = "<!-- results: begin (written by bench/run) -->"
END = "<!-- results: end -->"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A server at a workload, over all rounds."""

    median: float
    low: float
    high: float
    runs: int


def collect(runs, chosen_workloads):
    """Cells by workload and server name. Runs with a problem do not count."""
    cells = {}
    for workload in chosen_workloads:
        source = workload.same_run or workload.name
        values = {}
        for run in runs:
            number = workloads.value(workload, run.report) if run.workload == source and not run.problem else None
            if number is not None:
                values.setdefault(run.server, []).append(number)
        for server, numbers in values.items():
            cells[workload.name, server] = Cell(statistics.median(numbers), min(numbers), max(numbers), len(numbers))
    return cells


def figure(number):
    """Three figures that count, and no more digits than that."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) >= 0.001 or number == 0 else f"{number:.4f}"


def ratio(cells, workload, server):
    """How many times the floor's cost; None where there is nothing to compare with."""
    cell = cells.get((workload.name, server))
    floor = cells.get((workload.name, workload.yardstick))
    if cell is None or floor is None or floor.median <= 0 or workload.yardstick == server:
        return None
    return cell.median / floor.median


def columns(cells):
    """The servers that have a figure at all. The two kinds of floor that never meet share no column."""
    return [server for server in servers.SERVERS if any(name == server.name for _, name in cells)]


def cell_text(cells, workload, server, line_break):
    """Median, then the range and the ratio."""
    cell = cells.get((workload.name, server))
    if cell is None:
        return ""
    times = ratio(cells, workload, server)
    below = f"{figure(cell.low)} to {figure(cell.high)}" if cell.runs > 1 else ""
    factor = f"{times:.2f} ×" if times is not None else ""
    return line_break.join(part for part in (figure(cell.median), below, factor) if part)


def markdown(cells, chosen_workloads):
    """The page's table."""
    shown = columns(cells)
    lines = ["| workload | " + " | ".join(server.title for server in shown) + " |"]
    lines.append("| --- |" + " ---: |" * len(shown))
    for workload in chosen_workloads:
        texts = [cell_text(cells, workload, server.name, "<br>") for server in shown]
        lines.append(f"| {workload.title}, {workload.unit} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def terminal(cells, chosen_workloads):
    """The same for people at a terminal, one line a server."""
    lines = []
    for workload in chosen_workloads:
        lines.append(f"{workload.title}, {workload.unit}")
        for server in columns(cells):
            cell = cells.get((workload.name, server.name))
            if cell is None:
                continue
            times = ratio(cells, workload, server.name)
            spread = f"{figure(cell.low)} to {figure(cell.high)}"
            factor = f"{times:6.2f} x {workload.yardstick}" if times is not None else ""
            lines.append(f"  {server.title:<14}{figure(cell.median):>10}   {spread:<22}{factor}".rstrip())
    return "\n".join(lines)


def conditions(facts):
    """One paragraph: where and how."""
    named = "; ".join(f"{title} {text}" for title, text in facts["versions"].items() if text)
    machine = facts["machine"]
    return (
        f"Measured on {facts['date']}: {machine['processor']}, {machine['cores']} cores, {machine['system']}, kernel "
        f"{machine['kernel']}; commit {facts['commit']}. {facts['rounds']} rounds of {facts['duration']} after "
        f"{facts['warmup']} of warming up; a cell has the median, the range over the rounds, and the ratio to the "
        f"floor. {named}."
    )


def write_page(path, cells, chosen_workloads, facts):
    """Put table and plots between the markers of the page."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"bench: {path} has no markers to write between")
    plots = "\n".join(
        f"![{workload.title}](plots/{workload.name}.svg)"
        for workload in chosen_workloads
        if any(name == workload.name for name, _ in cells)
    )
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    middle = "\n\n".join((BEGIN, conditions(facts), markdown(cells, chosen_workloads), plots, END))
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + middle + after)


def write_results(folder, runs, facts):
    """Everything that was measured, one file a session."""
    os.makedirs(folder, exist_ok=True)
    day, time, _ = facts["date"].split(" ")
    path = os.path.join(folder, f"{day}T{time.replace(':', '')}Z.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**facts, "runs": [dataclasses.asdict(run) for run in runs]}, file, indent=1)
        file.write("\n")
    return path
