"""Medians, tables and files from the runs."""

import dataclasses
import json
import os
import re
import statistics

from harness import servers, workloads

BEGIN = "<!-- results: begin (written by bench/run) -->"
END = "<!-- results: end -->"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A server at a workload, over all rounds. `ratio` is relative to the yardstick, None without one."""

    median: float
    low: float
    high: float
    runs: int
    ratio: float = None


def by_round(runs, workload):
    """A figure for each round, by server: the mean of its turns. Runs with a problem do not count."""
    turns = {}
    for run in runs:
        if run.workload == (workload.same_run or workload.name) and not run.problem:
            number = workloads.value(workload, run.report)
            if number is not None:
                turns.setdefault(run.server, {}).setdefault(run.round, []).append(number)
    return {
        server: {number: statistics.mean(figures) for number, figures in rounds.items()}
        for server, rounds in turns.items()
    }


def ratio(mine, yardstick):
    """The median of the ratios within each round: what slows a whole round down slows both."""
    ratios = [mine[number] / yardstick[number] for number in mine if yardstick.get(number, 0) > 0]
    return statistics.median(ratios) if ratios else None


def collect(runs, chosen_workloads):
    """Cells by workload and server name."""
    cells = {}
    for workload in chosen_workloads:
        rounds = by_round(runs, workload)
        for server, figures in rounds.items():
            numbers = figures.values()
            compared = workload.yardstick not in (None, server)
            cells[workload.name, server] = Cell(
                statistics.median(numbers),
                min(numbers),
                max(numbers),
                len(numbers),
                ratio(figures, rounds.get(workload.yardstick, {})) if compared else None,
            )
    return cells


def figure(number):
    """A number with three significant digits."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if abs(number) >= 0.001 or number == 0 else f"{number:.4f}"


def times(number):
    """A ratio: two digits after the point, or three in all if it is large."""
    return f"{number:.2f} ×" if number < 10 else f"{figure(number)} ×"


def columns(cells, section):
    """The section's servers with at least one figure."""
    names = {workload.name for workload in section.workloads}
    measured = {server for workload, server in cells if workload in names}
    return [server for server in servers.SERVERS if server.name in measured]


def present(cells):
    """The sections with at least one figure, each with its workloads that have one."""
    measured = {workload for workload, _ in cells}
    for section in workloads.SECTIONS:
        rows = [workload for workload in section.workloads if workload.name in measured]
        if rows:
            yield section, rows


def cell_text(cell):
    """Median and ratio, then the range."""
    if cell is None:
        return ""
    compared = f" · {times(cell.ratio)}" if cell.ratio is not None else ""
    spread = f"<br>{figure(cell.low)} to {figure(cell.high)}" if cell.runs > 1 else ""
    return f"**{figure(cell.median)}**{compared}{spread}"


def table(cells, section, rows):
    """Workloads down, servers across."""
    shown = columns(cells, section)
    lines = ["| workload | " + " | ".join(server.title for server in shown) + " |"]
    lines.append("| --- |" + " ---: |" * len(shown))
    for workload in rows:
        texts = [cell_text(cells.get((workload.name, server.name))) for server in shown]
        lines.append(f"| {workload.title}, {workload.unit} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def commands(section, rows):
    """Commands to measure the section again, and each of its rows alone."""
    lines = [f"./dev bench --sections {section.name}"]
    for workload in rows:
        if workload.same_run is None:
            scheme = "wss" if servers.over_tls(workload.kind) else "ws"
            words = " ".join(("stoa bench", workload.mode, f"{scheme}://127.0.0.1:PORT/", *workload.arguments))
            lines.append(f"{words} -p PID   # {workload.name}")
    return "```sh\n" + "\n".join(lines) + "\n```"


def markdown(cells):
    """The sections of the page."""
    parts = []
    for section, rows in present(cells):
        plot = f"![{section.title}](plots/{section.name}.svg)"
        parts += [f"### {section.title}", section.text, table(cells, section, rows), plot, commands(section, rows)]
    return "\n\n".join(parts)


def terminal(cells):
    """The same for a terminal, one line a server."""
    lines = []
    for section, rows in present(cells):
        for workload in rows:
            lines.append(f"{workload.title}, {workload.unit}")
            for server in columns(cells, section):
                cell = cells.get((workload.name, server.name))
                if cell is not None:
                    spread = f"{figure(cell.low)} to {figure(cell.high)}"
                    compared = f"{times(cell.ratio):>8} {workload.yardstick}" if cell.ratio is not None else ""
                    lines.append(f"  {server.title:<26}{figure(cell.median):>10}   {spread:<22}{compared}".rstrip())
    return "\n".join(lines)


def others(runs):
    """A sentence about other load on the machine; empty if it was not measured."""
    shares = sorted(run.foreign_cpu for run in runs if run.foreign_cpu is not None)
    if not shares:
        return ""
    return (
        f"Other programs took {statistics.median(shares):.1%} of a processor meanwhile (the median of all runs; at "
        f"most {shares[-1]:.1%})."
    )


def conditions(facts, runs):
    """The machine and the options."""
    machine = facts["machine"]
    where = (
        f"Measured on {facts['date']}: {machine['processor']}, {machine['cores']} cores, {machine['system']}, kernel "
        f"{machine['kernel']}; commit {facts['commit']}. {facts['rounds']} rounds; a run measures {facts['duration']} "
        f"after {facts['warmup']} of warming up. {others(runs)}"
    )
    versions = [f"| {title} | {text} |" for title, text in facts["versions"].items() if text]
    return "\n\n".join((where.strip(), "\n".join(("| server | version |", "| --- | --- |", *versions))))


def write_page(path, cells, runs, facts):
    """Write tables between the markers of the page. Returns the plots that the page no longer shows."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"bench: {path} has no markers to write between")
    before, rest = text.split(BEGIN, 1)
    old, after = rest.split(END, 1)
    new = "\n\n".join((BEGIN, conditions(facts, runs), markdown(cells), END))
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + new + after)
    return set(re.findall(r"\((plots/[\w-]+\.svg)\)", old)) - set(re.findall(r"\((plots/[\w-]+\.svg)\)", new))


def write_results(folder, runs, facts):
    """All measurements, one file for each call of bench/run."""
    os.makedirs(folder, exist_ok=True)
    day, time, _ = facts["date"].split(" ")
    path = os.path.join(folder, f"{day}T{time.replace(':', '')}Z.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**facts, "runs": [dataclasses.asdict(run) for run in runs]}, file, indent=1)
        file.write("\n")
    return path
