"""docs/profiles.md between its markers, and the pictures beside it."""

import os

import stacks

BEGIN = "<!-- profiles: begin (written by bench/profile/run) -->"
END = "<!-- profiles: end -->"
FUNCTIONS_SHOWN = 15


def owners(program):
    """The names of the owners of code on the page."""
    return {stacks.KERNEL: "kernel", stacks.PROGRAM: f"Stoa and {program}", stacks.LIBRARY: "C library and others"}


def shares_table(profiles):
    lines = ["| workload | kernel | Stoa | C library and others | samples |", "| --- | ---: | ---: | ---: | ---: |"]
    for each in profiles:
        part = each["shares"]
        kernel, program, library = (part[owner] for owner in (stacks.KERNEL, stacks.PROGRAM, stacks.LIBRARY))
        lines.append(f"| {each['title']} | {kernel:.1%} | {program:.1%} | {library:.1%} | {each['samples']:,} |")
    return "\n".join(lines)


def functions_table(each):
    lines = ["| function | in itself | with what it calls |", "| --- | ---: | ---: |"]
    for name, alone, within in each["functions"][:FUNCTIONS_SHOWN]:
        lines.append(f"| `{name}` | {alone:.2%} | {within:.1%} |")
    return "\n".join(lines)


def section(each):
    picture = f"[![{each['title']}](profiles/{each['name']}.svg)](profiles/{each['name']}.svg)"
    return "\n\n".join((f"### {each['title']}", picture, functions_table(each)))


def conditions(about):
    machine = about["machine"]
    return (
        f"Measured on {about['date']}: {machine['processor']}, {machine['system']}, kernel {machine['kernel']}; the "
        f"event `{about['event']}`, {about['hertz']} times a second, for {about['duration']:g} s each."
    )


def write(folder, profiles, about):
    """Write tables between the markers of the page, and pictures into the folder beside it."""
    path = os.path.join(folder, "profiles.md")
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    sections = [section(each) for each in profiles]
    middle = "\n\n".join((BEGIN, conditions(about), shares_table(profiles), *sections, END))
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + middle + after)
    os.makedirs(os.path.join(folder, "profiles"), exist_ok=True)
    for each in profiles:
        with open(os.path.join(folder, "profiles", each["name"] + ".svg"), "w", encoding="utf-8") as file:
            file.write(each["picture"])
