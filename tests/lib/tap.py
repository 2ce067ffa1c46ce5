"""Runs a file's tests one after another and reports them as TAP.

    @test("a name that is a sentence")
    def body(): ...

    run()
"""

import sys
import traceback

_tests = []


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


def test(name):
    def register(body):
        _tests.append((name, body))
        return body

    return register


def _comment(text):
    print("# " + text.rstrip().replace("\n", "\n# "))


def _run_one(number, name, body):
    try:
        body()
        print(f"ok {number} - {name}", flush=True)
        return True
    except Skip as why:
        print(f"ok {number} - {name} # SKIP {why}", flush=True)
        return True
    except Exception:  # pylint: disable=broad-except  # whatever it is, the other tests are still to run
        print(f"not ok {number} - {name}")
        _comment(traceback.format_exc())
        sys.stdout.flush()
        return False


def run():
    """Run all tests, or those whose names hold one of the words of the command line, and end the process."""
    words = sys.argv[1:]
    chosen = [(name, body) for name, body in _tests if not words or any(word in name for word in words)]
    print(f"TAP version 13\n1..{len(chosen)}", flush=True)
    passed = [_run_one(number, name, body) for number, (name, body) in enumerate(chosen, 1)]
    sys.exit(0 if all(passed) else 1)
