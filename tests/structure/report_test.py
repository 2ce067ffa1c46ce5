"""Does tests/report.py count what really happened? TAP."""

import json
import os
import subprocess
import sys
import tempfile

import tap

REPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "report.py")


def program(stdout, result="OK", returncode=0, stderr=""):
    logged = {"name": "x", "result": result, "returncode": returncode, "command": ["x"]}
    return {**logged, "stdout": stdout, "stderr": stderr}


def report(programs, status=0):
    """Last line, exit status, whole output."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "meson-logs"))
        if programs is not None:
            with open(os.path.join(folder, "meson-logs", "testlog.json"), "w", encoding="utf-8") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in programs)
        done = subprocess.run(
            [sys.executable, REPORT, f"{folder}={status}"], stdout=subprocess.PIPE, text=True, check=False
        )
    return done.stdout.splitlines()[-1], done.returncode, done.stdout.replace(folder, "FOLDER")


def expect(programs, line, exit_status, status=0, text=""):
    def case():
        got_line, got_status, output = report(programs, status)
        if got_line != line or got_status != exit_status:
            yield f"expected {line!r} and exit status {exit_status}, got {got_line!r} and {got_status}"
        if text not in output:
            yield f"expected {text!r} in the output:\n{output}"

    return case


TWO_OK = "1..2\nok 1 - a\nok 2 - b\n"
CASES = [
    ("every TAP line is counted", expect([program(TWO_OK), program(TWO_OK)], "4 passed, 0 failed", 0)),
    (
        "a skipped TAP line is told apart",
        expect([program("1..2\nok 1 - a\nok 2 # SKIP no b\n")], "1 passed, 0 failed, 1 skipped", 0),
    ),
    (
        "a failed TAP line fails the run and shows all its program said",
        expect(
            [program("1..2\nok 1 - a\n# why\nnot ok 2 - b\n", "FAIL", 1, "details")],
            "1 passed, 1 failed", 1, 1, "details",
        ),
    ),
    (
        "what has failed is told again in short at the end",
        expect(
            [program("1..3\nok 1 - a\nnot ok 2 - b\n# why\nok 3 - c\n", "FAIL", 1, "details"), program(TWO_OK)],
            "4 passed, 1 failed", 1, 1,
            "in short\nx (FOLDER): FAIL, exit status 1\n  not ok 2 - b\n  # why\n\n4 passed",
        ),
    ),
    (
        "of a program that dies between its tests the end of what it said is told again",
        expect(
            [program(TWO_OK, "ERROR", 1, "one\nlast words\n")], "2 passed, 1 failed", 1, 1,
            "in short\nx (FOLDER): ERROR, exit status 1\n  1..2\n  ok 1 - a\n  ok 2 - b\n  one\n  last words\n",
        ),
    ),
    (
        "a program that dies after its last test has failed",
        expect([program(TWO_OK, "ERROR", 1)], "2 passed, 1 failed", 1, 1),
    ),
    (
        "a program that dies before its first line has failed",
        expect([program("", "ERROR", -11)], "0 passed, 1 failed", 1, 1),
    ),
    (
        "a program that ran out of time has failed",
        expect([program("1..2\nok 1 - a\n", "TIMEOUT", -9)], "1 passed, 1 failed", 1, 1),
    ),
    ("a TAP program that says nothing has failed", expect([program("", "SKIP", 0)], "0 passed, 1 failed", 1)),
    (
        "a program that plans no test is skipped",
        expect([program("1..0 # SKIP no g++\n", "SKIP")], "0 passed, 0 failed, 1 skipped", 1),
    ),
    ("a program without TAP is one test", expect([program("fine\n"), program(TWO_OK)], "3 passed, 0 failed", 0)),
    (
        "control bytes in the output do no harm",
        expect([program("1..1\nnot ok 1 - \x00\x1b\ud800\n", "FAIL", 1)], "0 passed, 1 failed", 1, 1),
    ),
    ("no program at all is a failure", expect([], "0 passed, 0 failed", 1)),
    ("a missing log is a failure", expect(None, "0 passed, 1 failed", 1, 1)),
    ("meson's own failure is one", expect([program(TWO_OK)], "2 passed, 1 failed", 1, 3)),
]

if __name__ == "__main__":
    sys.exit(tap.run(CASES))
