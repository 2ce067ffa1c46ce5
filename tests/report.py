"""Sums up what `meson test` wrote: tests/report.py FOLDER=EXIT_STATUS...

Counts every TAP line of every test program, a program without TAP as one test. A program that died, timed out, leaked
or ran fewer tests than it planned counts as failed, whatever it printed before. The output of what failed is
shown in full, and at the end again in short, because whoever reads it may get no more than the end. The last line is
"N passed, M failed", with ", K skipped" when some were. Exit status 0 when something passed and nothing failed.

Meson's own JUnit file is not read: it is broken XML as soon as a test prints a control byte.
"""

import itertools
import json
import os
import re
import sys

TEST_LINE = re.compile(r"^(not ok|ok)\b[^#\n]*(?:#[ \t]*(\w+))?", re.MULTILINE)
PLAN_LINE = re.compile(r"^1\.\.\d+", re.MULTILINE)
# Of each failure that is told again at the end.
SHORT_LINES = 12
LINE_CHARS = 300


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_tap(output):
    count = Count()
    for verdict, directive in TEST_LINE.findall(output):
        if directive.upper().startswith("SKIP"):
            count.skipped += 1
        elif verdict == "ok":
            count.passed += 1
        else:
            count.failed += 1
    return count


def count_program(run):
    """One test program. Meson calls a TAP program that printed nothing skipped; for us it has failed."""
    output = run.get("stdout", "")
    result = run["result"]
    count = count_tap(output) if PLAN_LINE.search(output) else Count()
    total = count.passed + count.failed + count.skipped
    if result not in ("OK", "SKIP", "EXPECTEDFAIL"):
        count.failed = max(count.failed, 1)
    elif total == 0 and result == "SKIP":
        legal = run.get("returncode") == 77 or PLAN_LINE.search(output)
        count.skipped, count.failed = (1, 0) if legal else (0, 1)
    elif total == 0:
        count.passed = 1
    return count


def show(folder, run):
    print(f"\n==== {run['name']} ({folder}): {run['result']}, exit status {run.get('returncode')}")
    print("command: " + " ".join(run.get("command", [])))
    for stream in ("stdout", "stderr"):
        if run.get(stream, "").strip():
            print(f"---- {stream}")
            print(run[stream].rstrip())


def in_short(folder, run):
    """What has failed, and why, in a few lines."""
    told = [f"{run['name']} ({folder}): {run['result']}, exit status {run.get('returncode')}"]
    lines = run.get("stdout", "").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("not ok"):
            comments = itertools.takewhile(lambda text: text.startswith("#"), lines[number + 1:])
            told += [line, *itertools.islice(comments, SHORT_LINES)]
    if len(told) == 1:
        told += [*lines, *run.get("stderr", "").splitlines()][-SHORT_LINES:]
    return told


def count_folder(folder, status, failures):
    path = os.path.join(folder, "meson-logs", "testlog.json")
    total = Count()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            runs = [json.loads(line) for line in file if line.strip()]
    except OSError as error:
        print(f"{folder}: no test ran: {error}")
        runs = []
    for run in runs:
        count = count_program(run)
        total.add(count)
        if count.failed:
            show(folder, run)
            failures.append(in_short(folder, run))
    if status != 0 and total.failed == 0:
        print(f"{folder}: meson test ended with exit status {status}")
        total.failed = 1
    return total


def main(arguments):
    # Tests of hostile input print what they like; the terminal's encoding must not stop the report.
    sys.stdout.reconfigure(errors="backslashreplace")
    total = Count()
    failures = []
    for argument in arguments:
        folder, status = argument.split("=")
        total.add(count_folder(folder, int(status), failures))
    if failures:
        print("\n==== what has failed, in short")
    for first, *others in failures:
        print(first)
        for line in others:
            print("  " + line[:LINE_CHARS])
    print()
    print(total)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
