"""Tables of docs/benchmarks.md, each between two comments that name it."""

import os
import re
import statistics

from durable import contestants, field

DOCS = os.path.join(field.ROOT, "docs", "benchmarks.md")


def short(figures):
    """A line about one contestant's round."""
    if "error" in figures:
        return figures["error"]
    return ", ".join(f"{count}: {each['per_s']:,.0f}/s {each['cpu_us']:.0f} µs" +
                     (f" {each['missing']} missing" if each.get("missing") else "")
                     for count, each in figures.items())


def _ms(number):
    return f"{number:.2f}" if number < 10 else f"{number:,.0f}"


def _cell(figures):
    if figures is None:
        return "-"
    return (f"**{figures['per_s']:,.0f}** · {_ms(figures['p50_ms'])} / {_ms(figures['p99_ms'])} · "
            f"{figures['cpu_us']:.0f}")


def _syncs(runs):
    rates = [figures["syncs_per_s"] for name, rounds in runs.items() if name.startswith("sqlite") for each in rounds
             if "error" not in each for figures in each.values()]
    return "" if not rates else (f" The disk gave {min(rates):,.0f} to {max(rates):,.0f} fdatasync a second "
                                 f"(median {statistics.median(rates):,.0f}).")


def throughput(result):
    """The table of acknowledged messages a second, and what is behind it."""
    senders = [str(count) for count in result["senders"]]
    lines = [f"Measured on {result['about']}. {result['rounds']} rounds of {result['seconds']:g} s; medians." +
             _syncs(result["runs"]), "",
             "| contestant | " + " | ".join(f"{int(each):,} sender" + ("s" if each != "1" else "")
                                            for each in senders) + " | acknowledged means |",
             "| --- | " + "---: | " * len(senders) + "--- |"]
    for each in contestants.CONTESTANTS:
        figures = result["medians"].get(each.name)
        if figures is not None:
            lines.append(f"| {each.title} | " + " | ".join(_cell(figures.get(count)) for count in senders) +
                         f" | {each.promise} |")
    for kind in ("full", "normal"):
        stoa, floor = (result["medians"].get(f"{name}-{kind}") for name in ("stoa", "sqlite"))
        if stoa and floor:
            shares = ", ".join(f"{stoa[count]['per_s'] / floor[count]['per_s']:.2f} with {int(count):,}"
                               for count in senders if count in stoa and count in floor)
            lines += ["", f"Durability {kind}, as a share of SQLite in process: {shares}."]
        if stoa:
            shares = ", ".join(f"{each['per_s'] / each['same_batch_per_s']:.2f} with {int(count):,} "
                               f"({each['batch']:.0f} in a commit)"
                               for count, each in stoa.items() if "batch" in each)
            lines += ["", f"As a share of SQLite in process with as many messages in a commit: {shares}."]
    return "\n".join(lines)


def write(name, text):
    """Replace what is between <!-- NAME: begin --> and <!-- NAME: end -->."""
    with open(DOCS, encoding="utf-8") as file:
        page = file.read()
    marks = re.compile(rf"(<!-- {name}: begin[^\n]*-->\n).*?(<!-- {name}: end -->)", re.S)
    if not marks.search(page):
        raise RuntimeError(f"{DOCS} has no place for {name}")
    page = marks.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)
    with open(DOCS, "w", encoding="utf-8") as file:
        file.write(page)
