"""Runs protoc with protoc-gen-stoa on the files of cases/ and errors/, and compares what comes out with golden/ and
errors/*.txt. With --update it writes these instead; see update.sh. With --examples it holds the examples of the pages
against protobuf's own library for Python.

Usage: plugin_test.py [--update | --examples] PROTOC PLUGIN API_FOLDER C_COMPILER CXX_COMPILER INCLUDE_FOLDER...
"""

import functools
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
ERRORS = os.path.join(HERE, "errors")
GOLDEN = os.path.join(HERE, "golden")
SHAPES = os.path.join(HERE, "shapes")
PROTOCOL_PAGE = os.path.join(HERE, "..", "..", "docs", "protocol.md")
# The fuzz target's, named for what is wrong with them.
STRANGE = os.path.join(HERE, "..", "fuzz", "corpus", "fuzz_plugin")
STRANGE_REQUESTS = [
    "hostile_" + name
    for name in ("bad_name", "cut", "deep", "entry", "no_name", "no_values", "oneof_index", "package", "public")
]
STRANGE_FIELDS = {
    "hostile_kind": 'field "leaf": groups are not supported',
    "hostile_no_type": 'field "leaf": there is no type nowhere.Else',
    "hostile_no_type_import": 'field "m": there is no type no',
}
C_OUTPUTS = "c,client,markdown,openapi:"
OUTPUTS = (".client.stoa.c", ".client.stoa.h", ".md", ".openapi.json", ".stoa.c", ".stoa.h")
# What an error is told for; names that collide in TypeScript often collide in C too.
ALL_OUTPUTS = "c,client,markdown,openapi,ts:"
ERROR_OUTPUTS = {"typescript.proto": "ts:"}
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only"

sys.path.insert(0, os.path.join(HERE, "..", "structure"))

import tap  # noqa: E402  pylint: disable=wrong-import-position


class Tools:
    def __init__(self, protoc, plugin, api, c_compiler, cxx_compiler, *includes):
        self.protoc = protoc
        self.plugin = os.path.abspath(plugin)
        self.api = api
        self.c_compiler = shlex.split(c_compiler)
        self.cxx_compiler = shlex.split(cxx_compiler)
        self.includes = ["-I" + folder for folder in (GOLDEN, *includes)]

    def generate(self, folder, protos, out, parameter):
        command = [self.protoc, f"--plugin=protoc-gen-stoa={self.plugin}", f"--stoa_out={parameter}{out}"]
        return run(command + ["-I" + folder, "-I" + self.api, *protos], cwd=folder)

    def compile(self, compiler, text):
        return run(compiler + shlex.split(WARNINGS) + self.includes + ["-"], input=text)


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def files_under(folder, suffix):
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names if name.endswith(suffix)]
    return sorted(found)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def write(text, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as file:
        file.write(text)


def base(path):
    return path[: -len(".proto")]


def contents(folder):
    return {name: read(folder, name) for name in files_under(folder, OUTPUTS)}


def generated(tools, folder, protos, parameter=C_OUTPUTS):
    """What protoc says on standard error, and the text of each file it wrote by name."""
    with tempfile.TemporaryDirectory() as out:
        told = tools.generate(folder, protos, out, parameter)
        return told.stderr, contents(out)


def has_routes(proto):
    """Only a file with HTTP routes gets a document about them."""
    return re.search(r"option \((google\.api|stoa)\.http\)", read(CASES, proto)) is not None


def gives_golden_files(tools, proto):
    told, files = generated(tools, CASES, [proto])
    if told:
        yield told
    outputs = [output for output in OUTPUTS if output != ".openapi.json" or has_routes(proto)]
    if sorted(files) != [base(proto) + output for output in outputs]:
        yield f"it wrote {sorted(files)}"
    for name, text in files.items():
        if text != read(GOLDEN, name):
            yield run(["diff", "-u", os.path.join(GOLDEN, name), "-"], input=text).stdout


def examples_in(page):
    """The type, the JSON and the bytes of each example of a page."""
    kind, call, examples = None, None, []
    for line in re.sub(r"```(json|text)\n(.*?)\n```", lambda m: f"\x00{m[1]} " + m[2].replace("\n", " "), page,
                       flags=re.S).splitlines():
        if line.startswith("### ") and ": " not in line:
            kind = line[4:]
        elif line.startswith("A message: "):
            kind = re.findall(r"`([^`]*)`", line)[0]
        elif line.startswith("A call of "):
            call = re.findall(r"`([^`]*)`", line)[1:3]
        elif line.startswith("#### "):
            kind = call[line != "#### Request"]
        elif line.startswith("\x00json "):
            examples.append([kind, line[6:], ""])
        elif line.startswith("\x00text "):
            examples[-1][2] = line[6:]
    return examples


# Python's JSON has one list for the names of fields and of oneofs, and refuses a field beside a oneof of its name.
PYTHON_REFUSES = ["clashes.Members"]


def examples_agree(tools, proto):
    # pylint: disable=import-outside-toplevel
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

    with tempfile.NamedTemporaryFile() as out:
        run([tools.protoc, f"--descriptor_set_out={out.name}", "--include_imports", "-I" + CASES, "-I" + tools.api, proto])
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    for kind, json, binary in examples_in(read(GOLDEN, base(proto) + ".md")):
        if kind in PYTHON_REFUSES:
            continue
        message = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(kind))
        if json_format.Parse(json, message(), descriptor_pool=pool) != message.FromString(bytes.fromhex(binary)):
            yield f"{kind}: {json} is not {binary}"


def protocol_page_is_up_to_date(tools):
    told, files = generated(tools, tools.api, ["chatroom/v1/chatroom.proto"])
    if told:
        yield told
    text = files.get("chatroom/v1/chatroom.md", "")
    if text != read(PROTOCOL_PAGE):
        yield "run ./dev docs:\n" + run(["diff", "-u", PROTOCOL_PAGE, "-"], input=text).stdout


def compiles(tools, compiler, name):
    # Twice, because a header is to be included by several others; a source is included as the user's own code.
    lines = f'#include "{name}"\n' * (2 if name.endswith(".h") else 1)
    done = tools.compile(compiler, lines)
    if done.returncode != 0:
        yield done.stderr


def compiles_as_c(tools, proto):
    for suffix in (".stoa.h", ".stoa.c", ".client.stoa.h", ".client.stoa.c"):
        yield from compiles(tools, tools.c_compiler + ["-x", "c", "-std=c11"], base(proto) + suffix)


def compiles_as_cxx(tools, proto):
    for suffix in (".stoa.h", ".client.stoa.h"):
        yield from compiles(tools, tools.cxx_compiler + ["-x", "c++", "-std=c++17"], base(proto) + suffix)


RIGHT_HANDLER = "const struct stoa_error *on_it(void *u, struct stoa_session *s, {}struct {} *q, struct {} *r)"
CLIENT_HANDLER = "void on_it(void *u, struct stoa_client *s, const struct {} *q)"


def handler_use(service, member, function, is_cxx):
    """A program that puts the function into the service's struct of handlers."""
    uses = "".join(f"(void){name};" for name in re.findall(r"\b([usqr])[,)]", function))
    result = "" if function.startswith("void") else "return 0;"
    # C++17 has no designated initializers.
    use = f"void use(struct {service} *h); void use(struct {service} *h) {{ h->{member} = on_it; }}"
    use = use if is_cxx else f"const struct {service} handlers = {{.{member} = on_it}};"
    return f'#include "calls.client.stoa.h"\nstatic {function} {{ {uses} {result} }}\n{use}\n'


def server_use(function, is_cxx):
    return handler_use("calls_room_service_handlers", "sign_in", function, is_cxx)


def client_use(message, is_cxx):
    return handler_use("calls_room_service_client_handlers", "chat_line", CLIENT_HANDLER.format(message), is_cxx)


def right_uses(is_cxx):
    yield server_use(RIGHT_HANDLER.format("const ", "calls_sign_in_request", "calls_sign_in_reply"), is_cxx)
    yield client_use("calls_chat_line", is_cxx)


def wrong_uses(is_cxx):
    request, reply = "calls_sign_in_request", "calls_sign_in_reply"
    right = RIGHT_HANDLER.format("const ", request, reply)
    yield server_use(RIGHT_HANDLER.format("const ", "calls_delete_request", reply), is_cxx)
    yield server_use(RIGHT_HANDLER.format("const ", request, "calls_nothing"), is_cxx)
    yield server_use(RIGHT_HANDLER.format("", request, reply), is_cxx)
    yield server_use(right.replace("const struct stoa_error *on", "void on"), is_cxx)
    yield server_use(right.replace(f", struct {reply} *r", ""), is_cxx)
    yield client_use("calls_room", is_cxx)


def compiler_of(tools, is_cxx):
    return tools.cxx_compiler + ["-x", "c++", "-std=c++17"] if is_cxx else tools.c_compiler + ["-x", "c", "-std=c11"]


def right_handler_compiles(tools, is_cxx):
    for use in right_uses(is_cxx):
        done = tools.compile(compiler_of(tools, is_cxx), use)
        if done.returncode != 0 or done.stderr:
            yield f"{use}{done.stderr}"


def wrong_handler_is_refused(tools, is_cxx):
    for use in wrong_uses(is_cxx):
        # As a program is compiled that asks for nothing; the object is thrown away.
        done = run(compiler_of(tools, is_cxx) + tools.includes + ["-c", "-o", os.devnull, "-"], input=use)
        if done.returncode == 0:
            yield f"it compiled:\n{use}{done.stderr}"


def refused(tools, proto):
    return generated(tools, ERRORS, [proto], ERROR_OUTPUTS.get(proto, ALL_OUTPUTS))


def is_refused(tools, proto):
    told, files = refused(tools, proto)
    if files:
        yield f"it wrote {sorted(files)} all the same"
    wanted = read(ERRORS, base(proto) + ".txt")
    if told != wanted:
        yield f"protoc said:\n{told}instead of:\n{wanted}"


def one_run_gives_them_all(tools):
    told, files = generated(tools, CASES, files_under(CASES, ".proto"))
    if told:
        yield told
    if files != contents(GOLDEN):
        yield "some differ from the golden files, or some are missing"


def second_run_is_the_same(tools):
    protos = files_under(CASES, ".proto")
    if generated(tools, CASES, protos) != generated(tools, CASES, protos):
        yield "two runs with the same files wrote different bytes"


def one_bad_file_stops_all(tools):
    told, files = generated(tools, ERRORS, ["prefix.proto", "missing.proto"])
    if files or "prefix.proto:7:1: " not in told or "missing.proto:10:3: " not in told:
        yield f"it wrote {sorted(files)} and said:\n{told}"


def deepest_nesting_is_generated(tools):
    depth = 31  # protoc itself refuses more
    text = 'syntax = "proto3";' + "message M {" * depth + "}" * depth
    with tempfile.TemporaryDirectory() as folder:
        write(text, folder, "deep.proto")
        told, files = generated(tools, folder, ["deep.proto"])
        if told or "struct " + "_".join("m" * depth) + " {" not in files.get("deep.stoa.h", ""):
            yield f"it wrote {sorted(files)} and said:\n{told}"


PROTOS_OF_TWO = {
    "one.proto": 'package one; message Line {} message Only {}',
    "two.proto": 'package two; message Line {} enum Level { NONE = 0; }',
    "both.proto": 'import public "one.proto"; import public "two.proto";',
    "twice.proto": 'import public "both.proto"; import public "one.proto";',
    "hides.proto": 'import public "one.proto"; import public "two.proto"; message Line {}',
    "behind.proto": 'import public "hides.proto"; message Only {}',
}


def names_of_two_imports_are_told(tools):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PROTOS_OF_TWO.items():
            write('syntax = "proto3";\n' + text + "\n", folder, name)
        for name in PROTOS_OF_TWO:
            told, _ = generated(tools, folder, [name], "ts:")
            wanted = f"--stoa_out: 1 error\n{name}:1:1: the name Line comes from two public imports: "
            wanted += 'message "one.Line" (one.proto:2:14) and message "two.Line" (two.proto:2:14)\n'
            if told != (wanted if name == "both.proto" else ""):
                yield f"of {name} it said:\n{told}"


def languages_are_checked_apart(tools):
    for proto in ("alias.proto", "collide.proto", "typescript.proto"):
        for parameter in ("markdown:", "c,client:"):
            told, files = generated(tools, ERRORS, [proto], parameter)
            if told or not files:
                yield f"for {proto} and {parameter} it said:\n{told}"


PROTOS_APART = {
    "one.proto": "package apart; message Room { message Line {} }",
    "two.proto": "package apart; message RoomLine {}",
    "both.proto": 'package apart; import "one.proto"; import "two.proto"; message Page { Room r = 1; RoomLine l = 2; }',
    "next.proto": 'package apart; import "one.proto"; message RoomLine { Room.Line l = 1; }',
}


def names_of_two_files_are_told_or_changed(tools):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PROTOS_APART.items():
            write('syntax = "proto3";\n' + text + "\n", folder, name)
        told, _ = generated(tools, folder, ["both.proto"])
        wanted = "--stoa_out: 1 error\ntwo.proto:2:16: the C name apart_room_line of message "
        if told != wanted + '"apart.RoomLine" is taken by message "apart.Room.Line" (one.proto:2:31)\n':
            yield f"of two imports it said:\n{told}"
        told, files = generated(tools, folder, ["next.proto"], "c:")
        if told or "struct apart_room_line_ {\n  const struct apart_room_line *l;" not in files["next.stoa.h"]:
            yield f"of an import and its user it said:\n{told}{files}"
        both = generated(tools, folder, ["next.proto", "one.proto"], "c:")[1]
        if any(both[name] != text for name, text in files.items()):
            yield "another file in the run changes the names"


DEPRECATED_USES = {
    "a field": "uint32_t use(const struct old_v1_get_request *q) { return q->number; }",
    "whether a field is set": "bool use(const struct old_v1_get_request *q) { return q->has_level; }",
    "a member of a oneof": "const void *use(const struct old_v1_get_reply *r) { return r->kind.old_thing; }",
    "a message": "const void *use(void) { static const struct old_v1_thing thing; return &thing; }",
    "an enum": "enum old_v1_shade use(void) { return 0; }",
    "a value": "int use(void) { return OLD_V1_COLOR_RED; }",
    "a call": "void use(void); void use(void) { old_v1_old_service_client_call_get(0, 0, 0, 0, 0, 0); }",
}
CURRENT_USE = "int use(const struct old_v1_get_request *q) { return q->id.len > 0 ? OLD_V1_COLOR_GREEN : 0; }"


def uses_of_what_is_deprecated_are_warned_of(tools):
    uses = {**DEPRECATED_USES, "what is not": CURRENT_USE}
    for what, use in uses.items():
        done = run(tools.c_compiler + ["-x", "c", "-std=c11", "-Wall", "-fsyntax-only", *tools.includes, "-"],
                   input=f'#include "deprecated.client.stoa.h"\n{use}\n')
        if done.returncode != 0 or ("is deprecated" in done.stderr) != (use != CURRENT_USE):
            yield f"of {what} it said:\n{done.stderr}"


def options_exclude_each_other(tools):
    for output in ("client", "openapi"):
        told, files = generated(tools, CASES, ["calls.proto"], f"{output},messages_only:")
        if files or not told.startswith(f'--stoa_out: options "messages_only" and "{output}" exclude each other: '):
            yield f"it wrote {sorted(files)} and said:\n{told}"


def routes_are_left_out(tools):
    told, files = generated(tools, ERRORS, ["routes.proto"], "c,openapi,routes=skip:")
    source = files.get("routes.stoa.c", "")
    kept = re.findall(r'\.method = "(\w+)", \.path = "([^"]*)"', source)
    if told or kept != [("GET", "/v6/{name}"), ("POST", "/v6/{name}"), ("GET", "/v9")]:
        yield f"it said:\n{told}and has {kept}"
    told, files = generated(tools, ERRORS, ["operators.proto"], "c,markdown,routes=skip:")
    if files or told != read(ERRORS, "operators.txt"):
        yield f"of a service for operators it said:\n{told}"


def only_messages_are_written(tools):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("shop.proto", "calls.proto"):
            lines = [line for line in read(CASES, name).splitlines() if "stoa.type" not in line]
            write("\n".join(lines) + "\n", folder, name)
        told, files = generated(tools, folder, ["calls.proto", "shop.proto"], "c,markdown,messages_only:")
    if told or len(files) != 6:
        yield f"it wrote {sorted(files)} and said:\n{told}"
    for name, text in files.items():
        for word in ("stoa_server", "stoa_session", "stoa_error", "handlers", "_errorf_", "## Types"):
            if word in text:
                yield f"{name} has {word}"
        if name.endswith(".c"):
            done = run(tools.c_compiler + ["-x", "c", "-std=c11"] + shlex.split(WARNINGS) + tools.includes + ["-"],
                       input=text)
            if done.returncode != 0:
                yield done.stderr


# Names whose numbers from the name are equal: of two rpcs of a service, and of an rpc and a message.
HASHED_ALIKE = """
service Service { rpc CloseBadgeOld(Q) returns (Q); rpc SumBeeLater(Q) returns (Q);
rpc StopRowFirst(Q) returns (Q); }
message Q {}
message WriteFileAll {}
"""
HASHED_FAR = "message CopyMessageAgain {}"
HASHED_AGAIN = 'import "stoa/options.proto"; message PushBadgeFirst {}\n' \
    "message Low { option (stoa.message_type) = 0x1fffffff; } message High { option (stoa.message_type) = 0x20000000; }"


def hashed_numbers_that_are_equal_are_told(tools):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("alike", HASHED_ALIKE), ("far", HASHED_FAR), ("again", HASHED_AGAIN)):
            write(f'syntax = "proto3"; package collision; {text}\n', folder, name + ".proto")
        told, _ = generated(tools, folder, ["alike.proto"], "c,numbers=hash:")
        if told != (
            "--stoa_out: 2 errors\n"
            'alike.proto:3:1: type number 956478772 of rpc "StopRowFirst" is taken by rpc "CloseBadgeOld" '
            "(alike.proto:2:19): both come from names, so give one of them a number\n"
            'alike.proto:5:1: type number 713943537 of message "WriteFileAll" is taken by rpc "SumBeeLater" '
            "(alike.proto:2:53): both come from names, so give one of them a number\n"
        ):
            yield f"of one file it said:\n{told}"
        told, _ = generated(tools, folder, ["far.proto", "again.proto"], "c,numbers=hash:")
        if told != (
            "--stoa_out: 2 errors\n"
            'again.proto:2:58: type number 536870912 of message "High" is not below 536870912, where numbers=hash has '
            "the numbers that come from names\n"
            'again.proto:1:68: type number 758037120 of message "collision.PushBadgeFirst", from its name, is that of '
            'message "collision.CopyMessageAgain" (far.proto:1:39) too: give one of them a number\n'
        ):
            yield f"of two files it said:\n{told}"


def given_numbers_that_are_a_stream_s_are_told(tools):
    """Of another file; in one file no number may be there twice anyway. Two that are given may be of two programs."""
    number = hash_of("/collision.Clock/Watch", 28)
    given = f'import "stoa/options.proto"; message Tick {{ option (stoa.message_type) = {number}; }}'
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("clock", "service Clock { rpc Watch(In) returns (stream In); } message In {}"),
                           ("given", given), ("twice", given.replace("Tick", "Tock"))):
            write(f'syntax = "proto3"; package collision; {text}\n', folder, name + ".proto")
        for protos in (["clock.proto", "given.proto"], ["given.proto", "clock.proto"]):
            told, _ = generated(tools, folder, protos, "c,numbers=hash:")
            if told != (
                '--stoa_out: 1 error\n'
                f'given.proto:1:68: type number {number} of message "collision.Tick" is that of '
                'rpc "collision.Clock.Watch" (clock.proto:1:55), from its name: give it one below 268435456\n'
            ):
                yield f"of {protos} it said:\n{told}"
        told, _ = generated(tools, folder, ["given.proto", "twice.proto"], "c,numbers=hash:")
        if told:
            yield f"of two that are given it said:\n{told}"


def hashed_numbers_are_those_of_the_names(tools):
    """The numbers are computed here as docs/generator.md says."""
    told, files = generated(tools, SHAPES, ["chat/v1/chat.proto"], "c,markdown,numbers=hash,streams=skip:")
    if told:
        yield told
    page = files.get("chat/v1/chat.md", "")
    rows = dict(re.findall(r"^\| (\d+) \| (\w+) \|", page, flags=re.M))
    wanted = {"Join": "/shapes.chat.v1.Chat/Join", "Leave": "/shapes.chat.v1.Chat/Leave",
              "Typing": "shapes.chat.v1.Typing"}
    numbers = {str(hash_of(full)): name for name, full in wanted.items()}
    for name, full in (("Watch", "/shapes.chat.v1.Chat/Watch"), ("Follow", "/shapes.chat.v1.Feed/Follow")):
        numbers[str(hash_of(full, 28))] = name
    if rows != numbers:
        yield f"the page has {rows}"
    for number in rows:
        if f".type = {number}," not in files["chat/v1/chat.stoa.c"]:
            yield f"the table of handlers has no {number}"


def hash_of(name, bits=29):
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return (1 << bits) + ((value ^ value >> bits) & ((1 << bits) - 1))


def help_and_version_are_answered(tools):
    for argument, wanted in (("--help", "numbers=hash"), ("-h", "--version"), ("--version", "protoc-gen-stoa 0.")):
        told = run([tools.plugin, argument], stdin=subprocess.DEVNULL)
        if told.returncode != 0 or told.stderr or wanted not in told.stdout:
            yield f"{argument}: exit status {told.returncode}, {told.stdout}{told.stderr}"
    options = re.search(r"the options are (.*)", generated(tools, CASES, ["first.proto"], "none:")[0])[1].split(", ")
    told = run([tools.plugin, "--help"]).stdout
    if len(options) != 9 or not all(f"\n  {option} " in told for option in options):
        yield f"--help does not have all of {options}"


def file_without_syntax_is_refused(tools):
    with tempfile.TemporaryDirectory() as folder:
        write("package none; message Line { optional group Part = 1 {} }\n", folder, "none.proto")
        told, _ = generated(tools, folder, ["none.proto"])
        if not told.endswith("--stoa_out: 1 error\nnone.proto:1:1: this file is proto2, and only proto3 is supported: "
                             'write syntax = "proto3";\n'):
            yield told


def refused_file_has_one_error(tools):
    told, _ = generated(tools, ERRORS, ["errors_of_proto2.proto", "proto2_type.proto"])
    if told.count("\n") != 2 or "\nerrors_of_proto2.proto:1:1: this file is proto2, " not in told:
        yield told


def unknown_option_is_refused(tools):
    for parameter, name in (("speed=11:", "speed=11"), ("c,:", ""), (",c:", ""), ("C:", "C")):
        with tempfile.TemporaryDirectory() as out:
            told = tools.generate(CASES, ["first.proto"], out, parameter=parameter)
            if not told.stderr.startswith(f'--stoa_out: unknown option "{name}": the options are c'):
                yield told.stderr


def garbage_is_refused(tools):
    told = run([tools.plugin], input="this is no request")
    wanted = "protoc-gen-stoa: standard input is not a CodeGeneratorRequest; protoc starts this program\n"
    if told.returncode != 1 or told.stdout or told.stderr != wanted:
        yield f"exit status {told.returncode}, {told.stderr}"


def strange_request_is_refused(tools, name):
    told = run([tools.plugin], stdin=open(os.path.join(STRANGE, name), "rb"))  # pylint: disable=consider-using-with
    wanted = "protoc-gen-stoa: standard input is not a CodeGeneratorRequest; protoc starts this program\n"
    if told.returncode != 1 or told.stdout or told.stderr != wanted:
        yield f"exit status {told.returncode}, {told.stderr}"


def strange_field_is_told(tools, name, wanted):
    told = run([tools.plugin], stdin=open(os.path.join(STRANGE, name), "rb"))  # pylint: disable=consider-using-with
    if told.returncode != 0 or wanted not in told.stdout:
        yield f"exit status {told.returncode}, {told.stdout}{told.stderr}"


def argument_is_refused(tools):
    told = run([tools.plugin, "first.proto"], stdin=subprocess.DEVNULL)
    if told.returncode != 1 or "protoc --plugin=protoc-gen-stoa=" not in told.stderr:
        yield f"exit status {told.returncode}, {told.stderr}"


def full_disk_is_told(tools):
    with open("/dev/full", "w", encoding="utf-8") as full:
        told = subprocess.run([tools.plugin], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, check=False)
    if told.returncode != 1 or told.stderr != b"protoc-gen-stoa: the answer cannot be written\n":
        yield f"exit status {told.returncode}, {told.stderr}"


def all_cases(tools):
    def case(name, function, *arguments):
        return name, functools.partial(function, tools, *arguments)

    for proto in files_under(CASES, ".proto"):
        yield case(f"{proto} gives its golden files", gives_golden_files, proto)
        yield case(f"what {proto} gives compiles as C11", compiles_as_c, proto)
        yield case(f"the header that {proto} gives compiles as C++17", compiles_as_cxx, proto)
    for proto in files_under(ERRORS, ".proto"):
        yield case(f"errors/{proto} is refused with file, line and column", is_refused, proto)
    for is_cxx, name in ((False, "C11"), (True, "C++17")):
        yield case(f"a handler of the right type compiles without a warning in {name}", right_handler_compiles, is_cxx)
        yield case(f"a handler of the wrong type does not compile in {name}", wrong_handler_is_refused, is_cxx)
    yield case("docs/protocol.md is what chatroom.proto gives", protocol_page_is_up_to_date)
    yield case("one run for many files gives the same as many runs", one_run_gives_them_all)
    yield case("a second run gives the same bytes", second_run_is_the_same)
    yield case("one bad file among several stops all, and all errors are told", one_bad_file_stops_all)
    yield case("messages nested as deep as protoc allows are generated", deepest_nesting_is_generated)
    yield case("a name that two public imports export is refused for TypeScript", names_of_two_imports_are_told)
    yield case("names are held against those of the languages that are written, no others", languages_are_checked_apart)
    yield case("of equal C names of two files one is told, or the importing file's changes",
               names_of_two_files_are_told_or_changed)
    yield case("a C compiler warns of uses of what is deprecated, and of nothing else",
               uses_of_what_is_deprecated_are_warned_of)
    yield case("options that exclude each other are refused", options_exclude_each_other)
    yield case("routes=skip leaves out the routes with errors, but not those of operators", routes_are_left_out)
    yield case("messages_only writes neither services nor senders nor errors", only_messages_are_written)
    yield case("numbers from names are those that the documentation computes", hashed_numbers_are_those_of_the_names)
    yield case("numbers from names that are equal or meet a given one are refused",
               hashed_numbers_that_are_equal_are_told)
    yield case("given numbers that equal one from a stream's name in another file are refused",
               given_numbers_that_are_a_stream_s_are_told)
    yield case("--help and --version are answered on standard output", help_and_version_are_answered)
    yield case("a file without a syntax is refused at its start", file_without_syntax_is_refused)
    yield case("types of a file that is refused are not told again", refused_file_has_one_error)
    yield case("an unknown option is refused", unknown_option_is_refused)
    yield case("input that is no request is refused", garbage_is_refused)
    for name in STRANGE_REQUESTS:
        yield case(f"a request that protoc cannot have written is refused: {name}", strange_request_is_refused, name)
    for name, wanted in STRANGE_FIELDS.items():
        yield case(f"a field that protoc cannot have written is told: {name}", strange_field_is_told, name, wanted)
    yield case("an argument on the command line is answered with how to start it", argument_is_refused)
    yield case("an answer that cannot be written is an error", full_disk_is_told)


def example_cases(tools):
    for proto in files_under(CASES, ".proto"):
        name = f"the examples in the page about {proto} say the same in JSON and in binary"
        yield name, functools.partial(examples_agree, tools, proto)


def update(tools):
    for name in contents(GOLDEN):
        os.remove(os.path.join(GOLDEN, name))
    told = tools.generate(CASES, files_under(CASES, ".proto"), GOLDEN, C_OUTPUTS)
    sys.stderr.write(told.stderr)
    for proto in files_under(ERRORS, ".proto"):
        write(refused(tools, proto)[0], ERRORS, base(proto) + ".txt")
    return told.returncode


def main(arguments):
    if arguments[0] == "--update":
        return update(Tools(*arguments[1:]))
    if arguments[0] == "--examples":
        return tap.run(list(example_cases(Tools(*arguments[1:]))))
    return tap.run(list(all_cases(Tools(*arguments))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
