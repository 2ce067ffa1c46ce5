"""bench/run and what it is made of. Usage: test_harness.py ROOT STOA FLOOR. Speaks TAP."""

import dataclasses
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


def run_of(server, cost, number=1, turn=1, problem=None):
    load = {"server_cpu_us_per_delivery": cost}
    return measure.Run(server, FANOUT.name, number, turn, load, problem, foreign_cpu=0.01 * number)


def three_rounds():
    runs = [run_of("batch", cost, number) for number, cost in enumerate((1.0, 2.0, 9.0))]
    return runs + [run_of("stoa", cost, number) for number, cost in enumerate((3.0, 5.0, 4.0))]


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
    assert cells[FANOUT.name, "stoa"].ratio == 2.5
    assert cells[FANOUT.name, "batch"].ratio is None


@test
def the_ratio_is_the_median_of_the_ratios_within_each_round():
    assert report.ratio({1: 2.0, 2: 40.0, 3: 5.0}, {1: 1.0, 2: 10.0, 3: 5.0}) == 2.0
    assert report.ratio({1: 2.0, 2: 40.0}, {2: 10.0}) == 4.0
    assert report.ratio({1: 2.0}, {1: 0.0}) is None


@test
def a_figure_of_a_round_is_the_mean_of_its_turns():
    runs = [run_of("stoa", cost, turn=turn) for turn, cost in enumerate((1.0, 2.0, 6.0))]
    cell = report.collect(runs, [FANOUT])[FANOUT.name, "stoa"]
    assert (cell.median, cell.runs) == (3.0, 1), cell


@test
def servers_take_turns_there_and_back():
    plan = measure.Plan("build", 1, "1s", "1s")
    workload = dataclasses.replace(FANOUT, turns=3)
    chosen = [server for server in servers.SERVERS if server.name in ("stoa", "each", "send-plain")]
    order = [(server.name, run.turn) for server, _, run in measure.turns(plan, chosen, [workload])]
    assert order == [("stoa", 1), ("each", 1), ("each", 2), ("stoa", 2), ("stoa", 3), ("each", 3)], order


@test
def a_run_with_a_problem_does_not_count():
    cells = report.collect([run_of("stoa", 1.0), run_of("stoa", 100.0, problem="1 lost")], [FANOUT])
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
    cells = report.collect([measure.Run("batch", "handshake", 1, report=load)], idle)
    assert [cells[each.name, "batch"].median for each in idle if ("handshake" in (each.name, each.same_run))] == [
        20.0,
        58.0,
        50.0,
    ]


@test
def the_page_changes_between_its_markers_only():
    runs = three_rounds()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page.md")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"before\n{report.BEGIN}\n![old](plots/old-1.svg)\n{report.END}\nafter\n")
        for gone in ({"plots/old-1.svg"}, set()):
            assert report.write_page(path, report.collect(runs, [FANOUT]), runs, FACTS) == gone
            with open(path, encoding="utf-8") as file:
                text = file.read()
            assert text.startswith("before\n" + report.BEGIN) and text.endswith(report.END + "\nafter\n"), text
            assert "| **4** · 2.50 ×<br>3 to 5 |" in text and "old" not in text, text
            assert "1.0% of a processor" in text and "| Stoa | stoa 1 |" in text, text


@test
def a_page_without_markers_is_refused():
    with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
        file.write("text")
        file.flush()
        try:
            report.write_page(file.name, {}, [], FACTS)
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
    cells = report.collect(three_rounds(), [FANOUT])
    tree = xml.etree.ElementTree.fromstring(plots.chart("a & b", [FANOUT], cells))
    assert len(tree.findall("{http://www.w3.org/2000/svg}rect")) == 1 + 2  # the ground, and two bars


@test
def the_best_bar_stands_first():
    cells = report.collect(three_rounds(), [FANOUT])
    assert [server.name for server, _ in plots.shown(FANOUT, cells)] == ["batch", "stoa"]
    more = dataclasses.replace(FANOUT, more_is_better=True)
    assert [server.name for server, _ in plots.shown(more, cells)] == ["stoa", "batch"]


@test
def settings_of_one_server_keep_their_order():
    workload = next(each for each in workloads.WORKLOADS if each.name == "linger-500")
    cells = {(workload.name, f"linger-{ms}"): report.Cell(-ms, 0, 1, 1) for ms in (0, 1, 5)}
    assert [server.name for server, _ in plots.shown(workload, cells)] == ["linger-0", "linger-1", "linger-5"]


@test
def every_unit_has_a_name_in_the_plots():
    assert {workload.unit for workload in workloads.WORKLOADS} <= set(plots.UNITS)


@test
def every_workload_has_servers_and_a_yardstick_that_can_do_it():
    by_name = {server.name: server for server in servers.SERVERS}
    for section in workloads.SECTIONS:
        for workload in section.workloads:
            assert any(workload.kind in by_name[name].commands for name in section.servers), workload
            if workload.yardstick:
                assert workload.yardstick in section.servers, workload
                assert workload.kind in by_name[workload.yardstick].commands, workload


@test
def every_workload_has_a_name_of_its_own():
    names = [workload.name for workload in workloads.WORKLOADS]
    assert len(names) == len(set(names)), names


@test
def what_gives_a_figure_of_the_same_run_runs_the_same():
    by_name = {workload.name: workload for workload in workloads.WORKLOADS}
    for workload in filter(lambda each: each.same_run, workloads.WORKLOADS):
        run = by_name[workload.same_run]
        assert (workload.kind, workload.mode, workload.arguments) == (run.kind, run.mode, run.arguments), workload


@test
def fewer_messages_than_were_due_are_noticed():
    load = {"rate_per_s": 100.0, "connections": 1000, "deliveries_per_s": 90_000.0}
    assert measure.missed_rate(load)
    assert not measure.missed_rate(load | {"deliveries_per_s": 99_000.0})
    assert not measure.missed_rate(load | {"rate_per_s": None})


@test
def other_programs_are_seen():
    busy = measure.busy_s()
    subprocess.run((sys.executable, "-c", "sum(range(10**7))"), check=True)
    assert measure.busy_s() > busy and measure.children_cpu_s() > 0 and measure.cpu_s(os.getpid()) > 0
    assert measure.cpu_s(2**22) == 0  # no such process


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
    done = bench_run("--workloads", "fanout-32-1", "--servers", "nginx")
    assert done.returncode == 1 and "no server named nginx" in done.stderr, done
    done = bench_run("--workloads", "x")
    assert done.returncode == 1 and "no workload named x" in done.stderr, done
    done = bench_run("--sections", "y")
    assert done.returncode == 1 and "no section named y" in done.stderr, done


@test
def what_the_generator_cannot_do_is_skipped_with_a_reason():
    done = bench_run("--short", "--sections", "tls", stoa="/bin/true")
    assert "skipping TLS: stoa bench has no wss://" in done.stdout, done


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
