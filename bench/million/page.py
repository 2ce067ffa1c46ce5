"""The figures as text, and in docs/million.md between its markers."""

import statistics

BEGIN = "<!-- results: begin (written by bench/million/run) -->"
END = "<!-- results: end -->"


def _over(rounds, name, factor=1.0):
    """Median and range."""
    values = [each[name] * factor for each in rounds]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def rows(figures):
    """Pairs of a name and a value."""
    shake, idle, memory, rounds = (
        figures[name] for name in ("handshakes", "idle", "bytes_per_connection", "rounds")
    )
    kernel = memory["kernel_slab"] + memory["kernel_tcp_buffers"]
    idle_ms = idle["server_cpu_s"] / idle["window_s"] * 1000
    return [
        ("connections held", f"{figures['connections']:,}"),
        ("server processes, and as many of clients", f"{figures['processes']}"),
        ("connections of a server process", f"{figures['fewest']:,} to {figures['most']:,}"),
        ("handshakes a second", f"{shake['count'] / shake['wall_s']:,.0f} ({shake['wall_s']:.1f} s in all)"),
        ("server CPU of a handshake", f"{shake['server_cpu_us']:.1f} µs"),
        ("server memory of a connection: private pages", f"{memory['server_private']:.0f} bytes"),
        ("kernel memory of a connection, both ends: slab and TCP buffers", f"{kernel:,.0f} bytes"),
        ("memory of the whole machine for a connection, clients included", f"{memory['machine']:,.0f} bytes"),
        ("CPU of all servers while idle", f"{idle_ms:.1f} ms a second"),
        (f"a broadcast to all, first send to last delivery ({len(rounds)} rounds)", f"{_over(rounds, 'wall_s')} s"),
        ("server CPU of a delivery", f"{_over(rounds, 'server_cpu_us')} µs"),
        ("client CPU of a delivery", f"{_over(rounds, 'client_cpu_us')} µs"),
        ("deliveries lost, doubled, damaged or of another server", "0"),
    ]


def text(figures):
    """Text for a terminal."""
    lines = rows(figures)
    width = max(len(what) for what, _ in lines)
    return "\n".join(f"  {what:<{width}}  {much}" for what, much in lines)


def conditions(figures):
    machine = figures["machine"]
    return (
        f"Measured on {figures['date']}: {machine['processor']}, {machine['cores']} cores, {machine['system']}, kernel "
        f"{machine['kernel']}; commit {figures['commit']}. At most {figures['descriptor_limit']:,} descriptors a "
        f"process; an idle session is pinged every {figures['ping_interval']}."
    )


def markdown(figures):
    lines = ["| what | how much |", "| --- | ---: |", *(f"| {what} | {much} |" for what, much in rows(figures))]
    return "\n".join(lines)


def write(path, figures):
    """Write the table between the markers of the page."""
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    middle = "\n\n".join((BEGIN, conditions(figures), markdown(figures), END))
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + middle + after)
