"""Runs named cases and reports them in TAP. A case is a function that returns its problems, none when all is well."""

import traceback


def problems_of(case):
    try:
        return list(case())
    except Exception:  # pylint: disable=broad-except  # whatever it is, the other cases are still to run
        return [traceback.format_exc()]


def run(cases):
    """Returns the exit status."""
    print(f"1..{len(cases)}")
    failed = 0
    for number, (name, case) in enumerate(cases, 1):
        problems = problems_of(case)
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print("# " + problem.rstrip().replace("\n", "\n# "))
    return 1 if failed else 0
