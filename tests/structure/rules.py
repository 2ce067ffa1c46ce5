"""The layers as tables: which may use which, and what belongs to one folder only.

A new layer, public header or foreign library gets its line here in the change that brings it.
"""

# A layer may use itself and those named here. `api` is what protoc-gen-stoa makes of api/stoa/*.proto.
ALLOWED = {
    "base": set(),
    "loop": {"base"},
    "wire": {"base"},
    "codec": {"base"},
    "token": {"base", "codec"},
    "api": {"base", "codec"},
    "engine": {"base", "loop"},
    "net": {"base", "loop", "wire", "codec"},
    "client": {"base", "loop", "wire", "codec", "net", "api"},
    "session": {"base", "loop", "wire", "codec", "net", "api"},
    "http": {"base", "loop", "wire", "codec", "net", "api"},
    "server": {"base", "loop", "wire", "codec", "token", "net", "api", "session", "http"},
    "room": {"base", "loop", "wire", "codec", "net", "api", "session", "http", "server", "engine"},
}

# The layer that implements a public header. Generated ones (*.stoa.h) belong to `api`.
PUBLIC_HEADERS = {
    "arena.h": "base",
    "buffer.h": "base",
    "bytes.h": "base",
    "certificate.h": "net",
    "export.h": "base",
    "log.h": "base",
    "memory.h": "base",
    "status.h": "base",
    "trace.h": "server",
    "traceparent.h": "wire",
    "uuid.h": "base",
    "version.h": "base",
    "client.h": "client",
    "codec.h": "codec",
    "json.h": "codec",
    "types.h": "codec",
    "descriptor.h": "codec",
    "token.h": "token",
    "handler.h": "session",
    "session.h": "session",
    "app.h": "server",
    "auth.h": "server",
    "call.h": "server",
    "call_stream.h": "server",
    "middleware.h": "server",
    "http.h": "server",
    "errors.h": "server",
    "room.h": "room",
    "room_admin.h": "room",
    "server.h": "server",
    "worker.h": "server",
}

# Pure files that a program compiles itself, so that it needs no library: the program's file, the header that it sees.
SHARED_SOURCES = {
    ("tools/protoc-gen-stoa/http.c", "src/wire/http_template.h"),
    ("tools/protoc-gen-stoa/openapi.c", "src/wire/http_template.h"),
    ("tools/stoa/call/api.c", "tools/protoc-gen-stoa/name_number.h"),
}

# Files of one layer that need each other in a circle, each circle in full. One that is gone must go from here too.
TOLERATED_CIRCLES = {
    "codec": [
        # An Any holds a message of any type, which may hold an Any.
        {"json_any", "json_decode", "json_encode", "json_special_decode", "json_special_encode"},
    ],
}

# Foreign library: pattern of its headers, pattern of the files that may name them.
FOREIGN = [
    ("OpenSSL", r"openssl/", r"src/(net|token)/|tools/stoa/(bench_tls|doctor/wire)\.c$|tests/"),
    ("zlib", r"zlib\.h$", r"src/wire/|tools/stoa/bench_deflate\.c$|tests/"),
    ("libdeflate", r"libdeflate\.h$", r"src/wire/|tests/"),
    ("liburing", r"liburing(/|\.h$)", r"src/loop/|tests/"),
    ("SQLite", r"sqlite3(ext)?\.h$", r"src/engine/local/|tests/"),
    ("libyaml", r"yaml\.h$", r"src/server/config/|tests/"),
    ("ICU", r"unicode/", r"apps/chatroom/|tests/"),
    ("ncurses", r"curses\.h$", r"tools/stoa/chat/"),
    ("protobuf-c", r"protobuf-c/|.*\.pb-c\.h$", r"tools/protoc-gen-stoa/|tests/plugin/"),
    ("cmocka", r"cmocka\.h$", r"tests/"),
]

C_HEADERS = set(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string threads time uchar wchar wctype""".split()
)

# What the C library, the kernel and the compiler bring.
SYSTEM_HEADERS = set(
    """dirent dlfcn endian fcntl fnmatch ftw getopt glob grp ifaddrs langinfo libgen malloc netdb poll pthread pwd regex sched
    search semaphore spawn strings syslog termios ucontext unistd wait immintrin emmintrin x86intrin arm_neon cpuid
    execinfo""".split()
)
SYSTEM_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/", "sanitizer/")

# Layers that only turn bytes into events and back, and the headers of sockets, clocks and threads that they go without.
PURE_LAYERS = {"wire", "codec"}
IMPURE_HEADERS = (
    r"sys/(socket|epoll|eventfd|uio|time|timerfd)\.h$|(netinet|arpa)/|(netdb|poll|pthread|threads|time|unistd)\.h$"
)

# Names that a C file may call nowhere, and those that only base/memory.c may.
UNBOUNDED_CALLS = ["strcpy", "stpcpy", "strcat", "strncat", "sprintf", "vsprintf", "gets"]
HEAP_CALLS = ["malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "aligned_alloc", "asprintf"]

# What reaches descriptors, files, the process or randomness: only base/sys.c may, for the table stoa_sys.
SYSTEM_CALLS = (
    # sockets
    """socket socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt recv
    recvfrom recvmsg recvmmsg send sendto sendmsg sendmmsg sendfile splice getaddrinfo freeaddrinfo getnameinfo
    gethostname getifaddrs freeifaddrs if_nametoindex if_indextoname"""
    # descriptors
    """ read readv pread preadv write writev pwrite pwritev close close_range dup dup2 dup3 pipe pipe2 fcntl ioctl poll
    ppoll isatty select pselect epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd signalfd
    timerfd_create timerfd_settime timerfd_gettime inotify_init1 inotify_add_watch memfd_create lseek fsync fdatasync ftruncate fallocate
    flock lockf"""
    # files
    """ open openat openat2 creat fopen fdopen freopen fread fwrite fgets fgetc fputs fputc fprintf vfprintf printf
    vprintf puts putchar getline fstat stat lstat fstatat statx statvfs fstatvfs access faccessat chmod fchmod fchmodat chown fchown
    lchown fchownat unlink unlinkat remove rename renameat renameat2 mkdir mkdirat rmdir link symlink readlink readlinkat
    realpath opendir fdopendir readdir closedir scandir ftw nftw truncate mmap munmap msync mkstemp mkdtemp tmpfile"""
    # the process
    """ getrlimit setrlimit prlimit prctl syscall getrandom getentropy arc4random rand srand random srandom rand_r
    drand48 lrand48 pthread_create thrd_create fork vfork posix_spawn execve system popen getpid gettid _exit
    getuid geteuid getgid getegid setuid seteuid setreuid setresuid setgid setegid setregid setresgid setgroups
    initgroups getpwnam getpwnam_r getpwuid getpwuid_r getgrnam getgrnam_r getgrgid getgrgid_r"""
).split()

# What tells the time or waits for it: base/clock.c reads the clocks, and nobody sleeps.
TIME_CALLS = (
    """time clock clock_gettime clock_getres clock_nanosleep gettimeofday timespec_get ftime times localtime localtime_r
    gmtime gmtime_r mktime strftime sleep usleep nanosleep alarm setitimer timer_create timer_settime"""
).split()

# How each language waits for nothing but time: suffix, pattern whose first group names it.
SLEEPS = [
    (".c", r"(?<![\w.>])(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)\s*\("),
    (".c", r"(?<![\w.>])(poll|select)\s*\(\s*(?:NULL\s*,\s*0|0\s*,\s*NULL)\s*,"),
    (".py", r"(?<!\w)(time\.sleep|asyncio\.sleep)\s*\((?!0\))"),
    (".mjs", r"(?<![\w.#])(setTimeout)\s*\("),
    (".mjs", r"\.(waitForTimeout)\s*\("),
    (".sh", r"^\s*(sleep) "),
]
# The deadline of every wait in JavaScript, and a page that is asked for until the program serves it.
MAY_SLEEP = {"tests/lib/waiting.mjs", "tests/fresh/debian12.sh"}

# Who calls what only one file may call.
SOLE_CALLERS = [
    ("src/base/memory.c", HEAP_CALLS),
    ("src/base/sys.c", SYSTEM_CALLS),
    ("src/base/clock.c", TIME_CALLS),
]

# What names that a linker sees start with; Protobuf's own messages are made with the name of their package.
SYMBOL_PREFIXES = ("stoa_", "__")
SYMBOL_PREFIXES_OF = {"api": SYMBOL_PREFIXES + ("google_protobuf_",)}

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
ASSERTS_PER_100_LINES_MIN = 1.0
