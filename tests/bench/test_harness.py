"""bench/run and what it is made of. Usage: test_harness.py ROOT STOA FLOOR. Speaks TAP."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT, STOA, FLOOR = (os.path.abspath(path) for path in sys.argv[1:4])
sys.path.insert(0, os.path.join(ROOT, "bench"))

from harness import measure, plots, report, servers, workloads  # noqa: E402  # pylint: disable=wrong-import-position

TESTS = []
FANOUT = workloads.WORKLOADS[0]
FACTS = {
    "date": "2026-01-02 03:04:05 UTC",
    "commit": "abc",
    "machine": {"processor": "P", "cores": 2, "system": "S", "kernel": "K", "load_before": 0.0},
    "rounds": 3,
    "duration": "1s",
    "warmup": "1s",
    "versions": {"Stoa": "stoa 1", "floor: batch": ""},
}


def test(function):
    TESTS.append(function)
    return function


def run_of(server, cost, problem=None):
    return measure.Run(server, FANOUT.name, 1, {"server_cpu_us_per_delivery": cost}, problem)


def three_rounds():
    runs = [run_of("batch", cost) for cost in (1.0, 2.0, 9.0)]
    return runs + [run_of("stoa", cost) for cost in (3.0, 5.0, 4.0)]


def bench_run(*arguments, stoa=STOA, floor=FLOOR):
    """Run the script with a build folder of links; give the finished process."""
    with tempfile.TemporaryDirectory() as build:
        for path, target in (("tools/stoa/stoa", stoa), ("bench/floor", floor)):
            os.makedirs(os.path.join(build, os.path.dirname(path)), exist_ok=True)
            os.symlink(target, os.path.join(build, path))
        command = [os.path.join(ROOT, "bench", "run"), "--build", build, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@test
def a_cell_is_the_median_with_its_range():
    cell = report.collect(three_rounds(), [FANOUT])[FANOUT.name, "batch"]
    assert (cell.median, cell.low, cell.high, cell.runs) == (2.0, 1.0, 9.0, 3), cell


@test
def the_ratio_is_to_the_yardstick_and_not_to_itself():
    cells = report.collect(three_rounds(), [FANOUT])
    assert report.ratio(cells, FANOUT, "stoa") == 2.0
    assert report.ratio(cells, FANOUT, "batch") is None
    assert report.ratio(cells, FANOUT, "bun") is None


@test
def a_run_with_a_problem_does_not_count():
    cells = report.collect([run_of("stoa", 1.0), run_of("stoa", 100.0, "1 lost")], [FANOUT])
    assert cells[FANOUT.name, "stoa"].median == 1.0


@test
def figures_have_three_digits_that_count():
    shown = [report.figure(number) for number in (0, 0.01234, 0.2672, 5.043, 45.61, 16852.3)]
    assert shown == ["0", "0.0123", "0.267", "5.04", "45.6", "16,852"], shown


@test
def one_load_can_give_several_figures():
    load = {"server_cpu_us_per_handshake": 20.0, "private_bytes_per_connection": 58.0}
    load |= {"server_cpu_s": 0.1, "window_s": 2.0}
    idle = [each for each in workloads.WORKLOADS if each.mode == "idle"]
    cells = report.collect([measure.Run("batch", "handshake", 1, load)], idle)
    assert [cells[each.name, "batch"].median for each in idle] == [20.0, 58.0, 50.0]


@test
def the_page_changes_between_its_markers_only():
    cells = report.collect(three_rounds(), [FANOUT])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page.md")
        for _ in range(2):
            old = "old" if not os.path.exists(path) else None
            if old:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"before\n{report.BEGIN}\n{old}\n{report.END}\nafter\n")
            report.write_page(path, cells, [FANOUT], FACTS)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            assert text.startswith("before\n" + report.BEGIN) and text.endswith(report.END + "\nafter\n"), text
            assert "4<br>3 to 5<br>2.00 ×" in text and "old" not in text, text


@test
def a_page_without_markers_is_refused():
    with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
        file.write("text")
        file.flush()
        try:
            report.write_page(file.name, {}, [FANOUT], FACTS)
        except SystemExit as reason:
            assert "no markers" in str(reason)
            return
    raise AssertionError("it was written to")


@test
def the_page_of_the_project_has_its_markers():
    with open(os.path.join(ROOT, "docs", "benchmarks.md"), encoding="utf-8") as file:
        text = file.read()
    assert text.count(report.BEGIN) == 1 and text.count(report.END) == 1


@test
def a_plot_is_well_formed_and_has_a_bar_for_each_server():
    tree = xml.etree.ElementTree.fromstring(plots.chart(FANOUT, report.collect(three_rounds(), [FANOUT])))
    assert len(tree.findall("{http://www.w3.org/2000/svg}rect")) == 2


@test
def every_workload_has_servers_and_a_yardstick_that_can_do_it():
    by_name = {server.name: server for server in servers.SERVERS}
    for workload in workloads.WORKLOADS:
        assert any(workload.kind in server.commands for server in servers.SERVERS), workload
        if workload.yardstick:
            assert workload.kind in by_name[workload.yardstick].commands, workload


@test
def a_short_measurement_gives_a_table():
    done = bench_run("--short", "--servers", "batch,stoa", "--workloads", "fanout-32-1", "--duration", "100ms")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipping Stoa: " in done.stdout and "floor: batch" in done.stdout, done.stdout


@test
def a_server_that_does_not_work_makes_the_exit_status_1():
    done = bench_run("--short", "--servers", "each,batch", "--workloads", "fanout-32-1", floor="/bin/false")
    assert done.returncode == 1 and "NOT COUNTED" in done.stdout and "nothing ran" in done.stderr, done


@test
def nothing_to_run_is_a_failure():
    done = bench_run("--short", "--servers", "stoa")
    assert done.returncode == 1 and "nothing ran" in done.stderr, done


@test
def unknown_names_are_refused():
    done = bench_run("--servers", "nginx")
    assert done.returncode == 1 and "no server named nginx" in done.stderr, done
    done = bench_run("--workloads", "x")
    assert done.returncode == 1 and "no workload named x" in done.stderr, done


def main():
    print(f"1..{len(TESTS)}", flush=True)
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Exception as error:  # pylint: disable=broad-except  # whatever it is, the others are still to run
            print(f"not ok {number} - {name}", flush=True)
            print(f"# {type(error).__name__}: {error}".replace("\n", "\n# "), flush=True)


main()
