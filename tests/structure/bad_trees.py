"""Tiny trees, each with one rule broken: (check, what is wrong, files, a piece of the complaint)."""

from built import (
    files_need_each_other_one_way,
    symbols_carry_the_prefix,
    symbols_come_from_below,
    what_one_file_calls_is_linked_there,
)
from headers import headers_are_c11, headers_are_cxx17
from includes import (
    includes_go_down,
    foreign_libraries_stay_in_their_folder,
    pure_layers_stay_pure,
    programs_see_the_public_side,
    public_headers_stay_public,
)
from text import (
    asserts_are_dense,
    asserts_only_look,
    comments_leave_nothing_undone,
    files_are_short,
    functions_are_short,
    functions_are_whole,
    heap_is_reached_in_one_place,
    system_is_reached_in_one_place,
    tests_do_not_sleep,
    time_is_read_in_one_place,
    unbounded_calls_are_not_used,
)

LONG_FUNCTION = "int f(void) {\n" + "  g();\n" * 69 + "}\n"
MACRO = '#define LINES "{" \\\n  "{"\n'

# Keeps every rule, in places where a simpler check would be fooled.
GOOD = {
    "include/stoa/status.h": "#ifndef A\n#define A\n#include <stddef.h>\n#endif\n",
    "include/stoa/bytes.h": "#ifndef B\n#define B\n#include <stoa/status.h>\n#endif\n",
    "src/base/memory.h": "void *stoa_alloc(unsigned long size);\nvoid stoa_free(void *block);\n",
    "src/base/memory.c": '#include "base/memory.h"\n#include <stdlib.h>\n'
    "void *stoa_alloc(unsigned long size) { return malloc(size); }\nvoid stoa_free(void *block) { free(block); }\n",
    "src/base/sys.h": "struct stoa_sys { int (*socket)(int, int, int); };\nextern struct stoa_sys stoa_sys;\n",
    "src/base/sys.c": '#include "base/sys.h"\n#include <sys/socket.h>\nstruct stoa_sys stoa_sys = {socket};\n'
    "int stoa_real(void) { return socket(1, 1, 0); }\n",
    "src/base/clock.c": "#include <time.h>\nlong stoa_clock(void) { return time(0); }\n",
    "src/net/conn.c": '#include "base/sys.h"\nint f(void) {\n  return stoa_sys.socket(1, 1, 0) + xtime(0);\n}\n',
    "src/wire/head.c": '#include "base/memory.h"\n#include <zlib.h>\n/* #include "net/conn.h" */\n'
    'const char *text = "free(x) strcpy(y)";\n' + MACRO + "#ifdef A\nint a(void) {\n  return 1;\n}\n#endif\n"
    "void b(struct c *c) {\n  c->free(c);\n  assert(a() == 1 && c->x <= 2);\n  assert(c->y == 3);\n  stoa_free(c);\n}\n"
    'static const int table[] = {1, 2};\nextern "C" {\n' + "int f(void) {\n" + "  g();\n" * 68 + "}\n}\n",
    "src/wire/scan.c": '#include "way.h"\n',
    "src/wire/ways/plain/way.h": "",
    "apps/chat/main.c": '#include <stoa/bytes.h>\n#include "chat/v1/chat.stoa.h"\n#include "page.h"\n',
    "apps/chat/page.h": "#include <stdio.h>\n",
    "tests/a.c": '/* sleep(1) */\nvoid f(void) {\n  world.sleep(1);\n  poll(&fd, 1, 5);\n}\n',
    "tests/a.py": "# time.sleep(1)\nawait asyncio.sleep(0)\n",
    "tests/lib/waiting.mjs": "timer = setTimeout(() => reject(late), deadlineMs);\n",
}

BAD_TEXT = [
    (includes_go_down, "a higher layer", {"src/wire/a.c": '#include "net/b.h"\n', "src/net/b.h": ""}, "a.c:1: wire"),
    (includes_go_down, "a layer beside", {"src/wire/a.c": '#include "codec/b.h"\n', "src/codec/b.h": ""}, "codec"),
    (includes_go_down, "a path that climbs", {"src/base/a.c": '#include "../net/b.h"\n', "src/net/b.h": ""}, "net"),
    (includes_go_down, "a higher public header", {"src/net/a.c": "\n#  include <stoa/server.h>\n"}, "a.c:2: net"),
    (includes_go_down, "a generated header below", {"src/wire/a.c": "#include <stoa/x.stoa.h>\n"}, "api"),
    (includes_go_down, "a header of nowhere", {"src/wire/a.c": '#include "wire/no.h"\n'}, "belongs to no layer"),
    (
        includes_go_down,
        "a header of a test",
        {"src/wire/a.c": '#include "../../tests/b.h"\n', "tests/b.h": ""},
        "no layer",
    ),
    (includes_go_down, "a folder that is no layer", {"src/misc/a.c": ""}, "not a layer of the project"),
    (
        foreign_libraries_stay_in_their_folder,
        "OpenSSL in wire",
        {"src/wire/a.c": "#include <openssl/sha.h>\n"},
        "OpenSSL",
    ),
    (foreign_libraries_stay_in_their_folder, "zlib in net", {"src/net/a.c": "#include <zlib.h>\n"}, "zlib"),
    (
        foreign_libraries_stay_in_their_folder,
        "liburing beside the loop",
        {"src/net/a.c": "#include <liburing.h>\n"},
        "liburing",
    ),
    (
        foreign_libraries_stay_in_their_folder,
        "libyaml beside configuration",
        {"src/server/a.c": "#include <yaml.h>\n"},
        "libyaml",
    ),
    (
        foreign_libraries_stay_in_their_folder,
        "protobuf-c in codec",
        {"src/codec/a.c": '#include "protobuf-c/protobuf-c.h"\n'},
        "protobuf-c",
    ),
    (
        foreign_libraries_stay_in_their_folder,
        "a new library",
        {"src/codec/a.c": "#include <jansson.h>\n"},
        "no header of the project",
    ),
    (pure_layers_stay_pure, "a socket in wire", {"src/wire/a.c": "#include <sys/socket.h>\n"}, "sys/socket.h"),
    (pure_layers_stay_pure, "a clock in codec", {"src/codec/a.c": '#include "base/clock.h"\n'}, "base/clock.h"),
    (public_headers_stay_public, "a private header", {"include/stoa/log.h": '#include "base/map.h"\n'}, "map.h"),
    (public_headers_stay_public, "a header of POSIX", {"include/stoa/log.h": "#include <unistd.h>\n"}, "unistd.h"),
    (public_headers_stay_public, "a higher header", {"include/stoa/log.h": "#include <stoa/app.h>\n"}, "server"),
    (public_headers_stay_public, "a header of no layer", {"include/stoa/new.h": ""}, "which layer implements it"),
    (programs_see_the_public_side, "a private header", {"apps/x/a.c": '#include "base/map.h"\n'}, "base/map.h"),
    (
        programs_see_the_public_side,
        "another program",
        {"tools/x/a.c": '#include "../y/b.h"\n', "tools/y/b.h": ""},
        "y/b.h",
    ),
    (files_are_short, "801 lines", {"src/base/a.c": "\n" * 801}, "801 lines"),
    (files_are_short, "801 lines of Python", {"tests/a.py": "\n" * 801}, "801 lines"),
    (functions_are_short, "71 lines", {"src/base/a.c": LONG_FUNCTION}, "a.c:1: f() has 71 lines"),
    (functions_are_short, "71 lines for C++", {"src/base/a.h": 'extern "C" {\n' + LONG_FUNCTION + "}\n"}, "71"),
    (
        functions_are_short,
        "the second function",
        {"src/base/a.c": MACRO + "int a(void) {\n}\n" + LONG_FUNCTION},
        "a.c:5",
    ),
    (unbounded_calls_are_not_used, "strcpy", {"src/base/a.c": "void f(void) { strcpy (a, b); }\n"}, "strcpy()"),
    (
        unbounded_calls_are_not_used,
        "sprintf in a tool",
        {"tools/x/a.c": "void f(void) {\n  sprintf(a, b);\n}\n"},
        "a.c:2",
    ),
    (heap_is_reached_in_one_place, "malloc", {"src/base/map.c": "void *f(void) { return malloc(1); }\n"}, "malloc()"),
    (
        heap_is_reached_in_one_place,
        "strdup in a header",
        {"include/stoa/a.h": "static char *f(void) { return strdup(a); }\n"},
        "strdup()",
    ),
    (
        system_is_reached_in_one_place,
        "socket",
        {"src/net/a.c": "int f(void) { return socket(1, 1, 0); }\n"},
        "socket()",
    ),
    (system_is_reached_in_one_place, "rand", {"src/wire/a.c": "int f(void) { return rand(); }\n"}, "rand()"),
    (
        system_is_reached_in_one_place,
        "a raw call",
        {"src/net/a.c": "long f(void) { return syscall(1); }\n"},
        "syscall()",
    ),
    (
        time_is_read_in_one_place,
        "a clock",
        {"src/loop/a.c": "void f(void) { clock_gettime(CLOCK_MONOTONIC, &now); }\n"},
        "clock_gettime()",
    ),
    (tests_do_not_sleep, "usleep in C", {"tests/a.c": "void f(void) { usleep(1000); }\n"}, "a.c:1: usleep"),
    (tests_do_not_sleep, "poll of nothing", {"tests/a.c": "void f(void) {\n  poll(NULL, 0, 5);\n}\n"}, "a.c:2: poll"),
    (tests_do_not_sleep, "sleep in Python", {"tests/a.py": "import time\ntime.sleep(1)\n"}, "a.py:2: time.sleep"),
    (tests_do_not_sleep, "sleep in asyncio", {"tests/a.py": "await asyncio.sleep(0.1)\n"}, "a.py:1: asyncio.sleep"),
    (
        tests_do_not_sleep,
        "a timer in JavaScript",
        {"tests/a.mjs": "await new Promise((done) => setTimeout(done, 9));\n"},
        "a.mjs:1: setTimeout",
    ),
    (tests_do_not_sleep, "a wait of Playwright", {"tests/a.mjs": "await page.waitForTimeout(9);\n"}, "waitForTimeout"),
    (tests_do_not_sleep, "sleep in shell", {"tests/a.sh": "run &\nsleep 1\n"}, "a.sh:2: sleep"),
    (comments_leave_nothing_undone, "in C", {"src/base/a.c": "/* later\n * TO" + "DO */\n"}, "a.c:2"),
    (comments_leave_nothing_undone, "in shell", {"dev": "# FIX" + "ME\n"}, "dev:1"),
    (functions_are_whole, "#ifdef", {"src/base/a.c": "int f(void) {\n#ifdef A\n  g();\n#endif\n}\n"}, "a.c:2"),
    (
        asserts_are_dense,
        "one in more than a hundred lines",
        {"src/base/a.c": LONG_FUNCTION + "/* assert(1); */\n", "src/net/b.c": LONG_FUNCTION + "int c = assert(1);\n"},
        "1 asserts in 143 lines",
    ),
    (asserts_only_look, "a count", {"src/base/a.c": "void f(void) { assert(g(h(1)) && i++ < 3); }\n"}, "changes"),
    (asserts_only_look, "an assignment", {"src/base/a.c": "void f(void) { assert((a = g()) != 0); }\n"}, "changes"),
]

BAD_HEADERS = [
    (headers_are_c11, "a type it does not declare", {"include/stoa/log.h": "size_t a(void);\n"}, "size_t"),
    (headers_are_c11, "no include guard", {"include/stoa/log.h": "struct a { int b; };\n"}, "redefinition"),
    (headers_are_cxx17, "a word of C++", {"include/stoa/log.h": "int a(int class);\n"}, "class"),
]

# These are compiled into one library for each layer before the check looks.
BAD_LIBRARIES = [
    (
        symbols_come_from_below,
        "a declaration instead of an include",
        {"src/base/a.c": "void stoa_b(void);\nvoid stoa_a(void) { stoa_b(); }\n",
         "src/net/b.c": "void stoa_b(void) {}\n"},
        "stoa_b comes from net",
    ),
    (
        symbols_come_from_below,
        "one name in two layers",
        {"src/base/a.c": "void stoa_a(void) {}\n", "src/net/b.c": "void stoa_a(void) {}\n"},
        "stoa_a is defined in base and net",
    ),
    (
        symbols_come_from_below,
        "a function that nobody wrote",
        {"src/base/a.c": "void stoa_b(void);\nvoid stoa_a(void) { stoa_b(); }\n"},
        "stoa_b is defined in no layer",
    ),
    (
        symbols_carry_the_prefix,
        "a name of Protobuf's own outside the layer of generated code",
        {"src/base/a.c": "void stoa_a(void) {}\nvoid google_protobuf_any(void) {}\n"},
        "google_protobuf_any is visible",
    ),
    (
        symbols_carry_the_prefix,
        "a function without the prefix that is not static",
        {"src/base/a.c": "void stoa_a(void) {}\nstatic void b(void) {}\nvoid grow(void) { b(); }\n"},
        "grow is visible",
    ),
    (
        files_need_each_other_one_way,
        "a circle of three files",
        {
            "src/base/a.c": "void stoa_b(void);\nvoid stoa_a(void) { stoa_b(); }\n",
            "src/base/b.c": "void stoa_c(void);\nvoid stoa_b(void) { stoa_c(); }\n",
            "src/base/c.c": "void stoa_a(void);\nvoid stoa_c(void) { stoa_a(); }\n",
            "src/base/d.c": "void stoa_a(void);\nvoid stoa_d(void) { stoa_a(); }\n",
        },
        "src/base: a, b, c need each other",
    ),
    (
        files_need_each_other_one_way,
        "a circle that is tolerated and not there",
        {"src/codec/a.c": "void stoa_a(void) {}\n"},
        "are no circle",
    ),
    (
        what_one_file_calls_is_linked_there,
        "malloc behind a macro",
        {"src/wire/a.c": "#include <stdlib.h>\n#define GET malloc\nvoid *stoa_a(void) { return GET(1); }\n"},
        "malloc()",
    ),
    (
        what_one_file_calls_is_linked_there,
        "a system call in a table",
        {"src/net/a.c": "#include <unistd.h>\nint (*const stoa_close)(int) = close;\n"},
        "close()",
    ),
    (
        what_one_file_calls_is_linked_there,
        "a clock, read where system calls are made",
        {"src/base/sys.c": "#include <time.h>\nlong stoa_a(void) { return time(0); }\n"},
        "time()",
    ),
]
