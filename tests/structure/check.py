"""Does the tree keep the rules of the project? check.py ROOT BUILD, TAP on standard output."""

import functools
import sys

import built
import includes
import tap
import text
from source import Tree

CHECKS = [
    ("a layer includes only itself and the layers below it", includes.includes_go_down),
    ("a foreign library is named in its own folder only", includes.foreign_libraries_stay_in_their_folder),
    ("wire and codec know no socket, clock or thread", includes.pure_layers_stay_pure),
    ("a public header includes public headers only", includes.public_headers_stay_public),
    ("a program sees the public headers and its own folder", includes.programs_see_the_public_side),
    ("a file has at most 800 lines", text.files_are_short),
    ("a function has at most 70 lines", text.functions_are_short),
    ("no string function without a bound is called", text.unbounded_calls_are_not_used),
    ("the heap is reached through base/memory.c only", text.heap_is_reached_in_one_place),
    ("the system is called through base/sys.c only", text.system_is_reached_in_one_place),
    ("the clocks are read in base/clock.c only", text.time_is_read_in_one_place),
    ("no test sleeps", text.tests_do_not_sleep),
    ("no comment speaks of work left undone", text.comments_leave_nothing_undone),
    ("no function has a conditional of the preprocessor inside", text.functions_are_whole),
    ("an assert changes nothing", text.asserts_only_look),
    ("src has an assert in each hundred lines", text.asserts_are_dense),
    ("a library's symbols come from itself and the layers below", built.symbols_come_from_below),
    ("every name that a linker sees starts with stoa_", built.symbols_carry_the_prefix),
    ("the files of a layer need each other one way", built.files_need_each_other_one_way),
    ("heap, system and clocks are each linked to one file", built.what_one_file_calls_is_linked_there),
]


def main(root, build):
    tree = Tree(root, build)
    return tap.run([(name, functools.partial(check, tree)) for name, check in CHECKS])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
