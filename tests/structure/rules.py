"""The house as tables: which floor stands on which, and what belongs to one folder only.

A new floor, public header or foreign library gets its line here in the change that brings it.
"""

# A floor may use itself and what it stands on. `api` is what protoc-gen-stoa makes of api/stoa/*.proto.
STANDS_ON = {
    "base": set(),
    "loop": {"base"},
    "wire": {"base"},
    "codec": {"base"},
    "api": {"base", "codec"},
    "net": {"base", "loop", "wire", "codec"},
    "engine": {"base", "loop", "wire", "codec"},
    "client": {"base", "loop", "wire", "codec", "net", "api"},
    "session": {"base", "loop", "wire", "codec", "net", "engine", "api"},
    "server": {"base", "loop", "wire", "codec", "net", "engine", "api", "session"},
}

# The floor that implements a public header. Generated ones (*.stoa.h) belong to `api`.
PUBLIC_HEADERS = {
    "arena.h": "base",
    "buffer.h": "base",
    "bytes.h": "base",
    "export.h": "base",
    "log.h": "base",
    "status.h": "base",
    "uuid.h": "base",
    "client.h": "client",
    "codec.h": "codec",
    "json.h": "codec",
    "types.h": "codec",
    "descriptor.h": "codec",
    "handler.h": "session",
    "session.h": "session",
    "app.h": "server",
    "call.h": "server",
    "server.h": "server",
    "worker.h": "server",
}

# Foreign library: pattern of its headers, pattern of the files that may name them.
FOREIGN = [
    ("OpenSSL", r"openssl/", r"src/net/|src/\w+/token\w*\.[ch]$|tools/stoa/bench_tls\.c$|tests/"),
    ("zlib", r"zlib\.h$", r"src/wire/|tools/stoa/bench_deflate\.c$|tests/"),
    ("libdeflate", r"libdeflate\.h$", r"src/wire/|tests/"),
    ("liburing", r"liburing(/|\.h$)", r"src/loop/|tests/"),
    ("SQLite", r"sqlite3\.h$", r"src/engine/local/|tests/"),
    ("libnats", r"nats(/nats)?\.h$", r"src/engine/nats/|tests/"),
    ("libyaml", r"yaml\.h$", r"src/server/config/|tests/"),
    ("protobuf-c", r"protobuf-c/|.*\.pb-c\.h$", r"tools/protoc-gen-stoa/|tests/plugin/"),
    ("cmocka", r"cmocka\.h$", r"tests/"),
]

C_HEADERS = set(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string threads time uchar wchar wctype""".split()
)

# What the C library, the kernel and the compiler bring.
SYSTEM_HEADERS = set(
    """dirent dlfcn endian fcntl fnmatch getopt glob grp libgen malloc netdb poll pthread pwd regex sched search
    semaphore spawn strings syslog termios ucontext unistd wait immintrin emmintrin x86intrin arm_neon cpuid
    execinfo""".split()
)
SYSTEM_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/", "sanitizer/")

# Floors that only turn bytes into events and back, and the headers of sockets, clocks and threads that they go without.
PURE_FLOORS = {"wire", "codec"}
IMPURE_HEADERS = (
    r"sys/(socket|epoll|eventfd|uio|time|timerfd)\.h$|(netinet|arpa)/|(netdb|poll|pthread|threads|time|unistd)\.h$"
)

# Names that a C file may call nowhere, and those that only base/memory.c may.
UNBOUNDED_CALLS = ["strcpy", "stpcpy", "strcat", "strncat", "sprintf", "vsprintf", "gets"]
HEAP_CALLS = ["malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "aligned_alloc", "asprintf"]

# What names that a linker sees start with; Protobuf's own messages are made with the name of their package.
SYMBOL_PREFIXES = ("stoa_", "__")
SYMBOL_PREFIXES_OF = {"api": SYMBOL_PREFIXES + ("google_protobuf_",)}

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
