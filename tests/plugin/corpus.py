"""Generates code from .proto files of other projects in every mode, compiles it and converts random messages.

Usage: corpus.py [--most N] [--messages N] [--keep FOLDER] [--strict] BUILD_FOLDER PROJECT_FOLDER...

Each project folder holds .proto files as its project has them, in any folders; an import is looked for in the file's
own project and then in the others. Of each project at most N proto3 files are tried (default 20), chosen by chance from
a fixed seed; one that protoc itself refuses is left out, and with --strict an error. A file is tried in these ways:

  all outputs         with numbers=hash, streams=skip and routes=skip; files that use types of proto2 are counted
  messages_only       with all files that it imports
  C and C++           what is generated compiles with -Wall -Wextra -Werror
  TypeScript          tsc --strict takes it
  round trips         random messages go from Python's protobuf through C and TypeScript and back, in binary and JSON

Needs protoc, python3-protobuf, and node_modules in web/client for tsc. Exit status 1 when anything of this fails.
"""

import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from google.protobuf import descriptor_pool, json_format

from corpus_messages import Messages, canonical, files_of

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
CLIENT = os.path.join(ROOT, "web", "client")
API = os.path.join(ROOT, "api")
ALL = "c,client,markdown,openapi,ts,numbers=hash,streams=skip,routes=skip"
MESSAGES = "c,ts,messages_only"
OWN = "google/protobuf/"
# Of Protobuf itself: what the runtime of TypeScript does not have.
BEYOND = [OWN + name + ".proto" for name in ("api", "compiler/plugin", "descriptor", "source_context", "type")]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;', re.M)
SYNTAX = re.compile(r'^\s*syntax\s*=\s*["\'](\w+)["\']', re.M)
PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.M)
FROM_JSON, TO_JSON = 1, 2


def run(command, **options):
    return subprocess.run(command, capture_output=True, check=False, **options)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write(text, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Project:
    """The .proto files of a project, by their paths in its folder."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.name = os.path.basename(self.folder)
        self.paths = []
        for place, folders, names in os.walk(self.folder):
            folders.sort()
            self.paths += [os.path.relpath(os.path.join(place, name), self.folder) for name in sorted(names)
                           if name.endswith(".proto")]
        self.texts = {path: read(os.path.join(self.folder, path)) for path in self.paths}
        self.by_base = {}
        for path in self.paths:
            self.by_base.setdefault(os.path.basename(path), []).append(path)

    def find(self, name, is_own):
        """The path of the file that an import names: the one that has most of the import's folders at its end."""
        best, most = None, 0
        steps = name.split("/")[::-1]
        for path in self.by_base.get(steps[0], []):
            same = 0
            for ours, theirs in zip(path.split("/")[::-1], steps):
                if ours != theirs:
                    break
                same += 1
            is_whole = same == min(len(steps), path.count("/") + 1)
            if (is_whole or (is_own and same >= 2)) and same > most:
                best, most = path, same
        return best

    def name_of(self, path):
        """The name under which a file of the project would be imported."""
        package = PACKAGE.search(self.texts[path])
        folder = package[1].replace(".", "/") if package else ""
        place = os.path.dirname(path)
        if folder and (place == folder or place.endswith("/" + folder)):
            return os.path.join(folder, os.path.basename(path))
        return path


class Stage:
    """A folder in which every file has the name under which it is imported."""

    def __init__(self, folder, project, projects):
        self.folder = folder
        self.project = project
        self.projects = [project] + [other for other in projects if other is not project]
        self.names = {}  # (project, path) to name
        self.files = {}  # name to (project, path)

    def resolve(self, name):
        for project in self.projects:
            path = project.find(name, project is self.project)
            if path is not None:
                return project, path
        return None

    def add(self, name, project, path):
        if name in self.files or name.startswith(OWN):
            return
        self.files[name] = (project, path)
        target = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(project.folder, path), target)
        for imported in IMPORT.findall(project.texts[path]):
            found = self.resolve(imported)
            if found is not None:
                self.add(imported, *found)

    def imported_names(self):
        """The names under which files of the project are imported by others of it."""
        names = {}
        for text in self.project.texts.values():
            for name in IMPORT.findall(text):
                path = self.project.find(name, True)
                if path is not None:
                    names.setdefault(path, name)
        return names

    def closure(self, name):
        """The file and all that it imports, without Protobuf's own and without those that are not proto3."""
        seen, ahead = [], [name]
        while ahead:
            at = ahead.pop()
            if at in seen or at not in self.files:
                continue
            project, path = self.files[at]
            ahead += IMPORT.findall(project.texts[path])
            if is_proto3(project.texts[path]):
                seen.append(at)
        return seen


def not_ts(place, names):
    return [name for name in names if not name.endswith(".ts") and not os.path.isdir(os.path.join(place, name))]


def is_proto3(text):
    return (SYNTAX.search(text) or [0, ""])[1] == "proto3"


class Build:
    """What a build folder of this project has."""

    def __init__(self, folder):
        folder = os.path.abspath(folder)
        self.plugin = os.path.join(folder, "tools/protoc-gen-stoa/protoc-gen-stoa")
        with open(os.path.join(folder, "meson-info/intro-buildoptions.json"), encoding="utf-8") as file:
            options = {option["name"]: option["value"] for option in json.load(file)}
        sanitize = options.get("b_sanitize", "none")
        sanitize = sanitize if isinstance(sanitize, str) else ",".join(sanitize)
        self.flags = [] if sanitize in ("none", "") else ["-fsanitize=" + sanitize]
        self.includes = ["-I" + os.path.join(ROOT, "include"), "-I" + os.path.join(folder, "api")]
        self.libraries = [os.path.join(folder, path) for path in
                          ("api/libstoa-api.a", "src/codec/libstoa-codec.a", "src/base/libstoa-base.a")] + ["-lm"]

    def generate(self, stage, out, parameter, names):
        os.makedirs(out, exist_ok=True)
        done = run(["protoc", "--plugin=protoc-gen-stoa=" + self.plugin, f"--stoa_out={parameter}:{out}",
                    "-I" + stage, "-I" + API, "-I/usr/include", *names])
        return done.stderr.decode(errors="replace") if done.returncode != 0 else ""

    def compile(self, arguments):
        done = run([*arguments[:1], *WARNINGS, *self.flags, *arguments[1:], *self.includes])
        return done.stderr.decode(errors="replace") if done.returncode != 0 else ""


class Trial:
    """The files of one project."""

    def __init__(self, build, project, projects, folder, options):
        self.build, self.project, self.options = build, project, options
        self.folder = folder
        self.stage = Stage(os.path.join(folder, "protos"), project, projects)
        self.full, self.only = os.path.join(folder, "full"), os.path.join(folder, "messages")
        self.failures = []
        self.chosen = {}  # (project, path) to name, for all files that the chosen ones need
        self.counts = dict.fromkeys(["tried", "proto2", "generated", "C", "C++", "types", "trips", "equal"], 0)
        self.counts["tsc"] = ""

    def fail(self, what, text):
        self.failures.append(f"{self.project.name}: {what}: {text.strip()}")

    def choose(self):
        """The names of the files to try: proto3, and protoc itself takes them."""
        imported = self.stage.imported_names()
        paths = [path for path in self.project.paths if is_proto3(self.project.texts[path])]
        random.Random(self.options.seed).shuffle(paths)
        names = []
        for path in paths:
            if len(names) == self.options.most:
                break
            name = imported.get(path) or self.project.name_of(path)
            if name.startswith(OWN):
                continue
            self.stage.add(name, self.project, path)
            # The options of Stoa's API folder stand in for imports that are in no project.
            done = run(["protoc", "-I" + self.stage.folder, "-I" + API, "-o" + os.devnull, name])
            if done.returncode == 0:
                if self.takes(name):
                    names.append(name)
            elif self.options.strict:
                self.fail(name, done.stderr.decode(errors="replace"))
        return names

    def takes(self, name):
        """A file that others import under another name would be there twice, so those that need it are left out."""
        wanted = {self.stage.files[one]: one for one in self.stage.closure(name)}
        if any(self.chosen.get(file, one) != one for file, one in wanted.items()):
            return False
        self.chosen.update(wanted)
        return True

    def generate(self, name):
        wrong = self.build.generate(self.stage.folder, self.full, ALL, [name])
        if wrong == "":
            wrong = self.build.generate(self.stage.folder, self.only, MESSAGES, self.stage.closure(name))
        if wrong and all("not proto3" in line for line in wrong.splitlines()[1:]):
            self.counts["proto2"] += 1
        elif wrong:
            self.fail(name, wrong)
        return wrong == ""

    def compile_c(self, name):
        base = name[: -len(".proto")]
        for suffix in (".stoa.c", ".client.stoa.c"):
            wrong = self.build.compile(["gcc", "-std=c11", "-fsyntax-only", os.path.join(self.full, base + suffix),
                                        "-I" + self.full, "-I" + self.only])
            if wrong:
                self.fail(name + " in C", wrong)
                return False
        return True

    def compile_cxx(self, name):
        base = name[: -len(".proto")]
        text = "".join(f'#include "{base}{suffix}"\n' for suffix in (".stoa.h", ".client.stoa.h"))
        path = os.path.join(self.folder, "cxx", base.replace("/", "_") + ".cc")
        write(text, path)
        wrong = self.build.compile(["g++", "-std=c++17", "-fsyntax-only", path, "-I" + self.full, "-I" + self.only])
        if wrong:
            self.fail(name + " in C++", wrong)
        return wrong == ""

    def compile_ts(self):
        """Each file of all outputs beside the messages that it imports, and the messages alone."""
        tsc = os.path.join(CLIENT, "node_modules/typescript/bin/tsc")
        if not os.path.exists(tsc):
            return "no tsc"
        out = os.path.join(self.folder, "ts")
        for place, folders in (("all", [self.only, self.full]), ("messages", [self.only])):
            for folder in folders:
                shutil.copytree(folder, os.path.join(out, place), dirs_exist_ok=True, ignore=not_ts)
            self.build.generate(self.stage.folder, os.path.join(out, place), "ts", BEYOND)
        source = os.path.join(CLIENT, "src")
        write(json.dumps({"compilerOptions": {
            "target": "ES2020", "lib": ["ES2020", "DOM"], "module": "ES2022", "moduleResolution": "bundler",
            "types": [],
            "strict": True, "noEmit": True, "noUnusedLocals": True,
            "paths": {"@stoa/client": [os.path.join(source, "index.ts")],
                      "@stoa/client/wkt": [os.path.join(source, "wkt.ts")]},
        }, "include": ["**/*.ts"]}), os.path.join(out, "tsconfig.json"))
        done = run(["node", tsc, "-p", out])
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            self.fail("tsc", "\n".join(text.splitlines()[:20]))
        return "yes" if done.returncode == 0 else "no"

    def headers(self, names):
        found = []
        for name in names:
            header = name[: -len(".proto")] + ".stoa.h"
            types = re.findall(r"extern const struct stoa_message_type (\w+);", read(os.path.join(self.only, header)))
            found.append((header, types))
        return found

    def link(self, names):
        """The testee with the messages of the files, or None."""
        sources = sorted({name for root in names for name in self.stage.closure(root)})
        own = [OWN + name for name in ("duration.stoa.h", "wrappers.stoa.h")]
        lines = [f"#include <{header}>" for header in [name for name, _ in self.headers(names)] + own]
        rows = [f"  &{one}," for _, types in self.headers(names) for one in types]
        rows += ["  &google_protobuf_duration_type,", "  &google_protobuf_string_value_type,"]
        write("\n".join([*lines, "static const struct stoa_message_type *const types[] = {", *rows, "};", ""]),
              os.path.join(self.folder, "corpus_types.h"))
        objects, jobs = [], []
        for name in sources:
            objects.append(os.path.join(self.folder, "objects", name.replace("/", "_") + ".o"))
            jobs.append(["gcc", "-std=gnu11", "-c", os.path.join(self.only, name[: -len(".proto")] + ".stoa.c"),
                         "-o", objects[-1], "-I" + self.only])
        os.makedirs(os.path.join(self.folder, "objects"), exist_ok=True)
        testee = os.path.join(self.folder, "testee")
        with ThreadPoolExecutor(self.options.jobs) as pool:
            wrong = [text for text in pool.map(self.build.compile, jobs) if text]
        if not wrong:
            wrong = [self.build.compile(["gcc", "-std=gnu11", os.path.join(HERE, "corpus_testee.c"), "-o", testee,
                                         "-I" + self.folder, "-I" + self.only, *objects, *self.build.libraries])]
        if any(wrong):
            self.fail("messages_only in C", "\n".join(wrong)[:4000])
            return None
        return testee

    def convert(self, names):
        testee = self.link(names)
        if testee is None:
            return
        done = run(["protoc", "--descriptor_set_out=/dev/stdout", "--include_imports", "-I" + self.stage.folder,
                    "-I" + API, *names, OWN + "duration.proto", OWN + "wrappers.proto"])
        pool = descriptor_pool.DescriptorPool()
        for file in files_of(done.stdout):
            pool.Add(file)
        kinds = self.convert_with([testee], "C", pool)
        if self.counts["tsc"] == "yes":
            folder = os.path.join(self.folder, "ts", "messages")
            rows = [[*self.table_of(pool, kind), kind] for kind in kinds]
            write(json.dumps(rows), os.path.join(folder, "types.json"))
            # JSON.stringify() writes -0 as 0.
            self.convert_with(["node", os.path.join(HERE, "corpus_testee.mjs"), folder], "TypeScript", pool)

    def table_of(self, pool, kind):
        """The module and the name of a type's table in TypeScript."""
        described = pool.FindMessageTypeByName(kind)
        if described.file.name.startswith(OWN):
            return "@stoa/client/wkt", described.name
        module = "./" + described.file.name[: -len(".proto")] + ".stoa"
        name = kind[len(described.file.package) + 1 if described.file.package else 0:].replace(".", "_")
        is_there = f"export const {name}: " in read(os.path.join(self.folder, "ts", "messages", module + ".ts"))
        return module + ".js", name if is_there else name + "_"

    def convert_with(self, command, language, pool):
        """Random messages of all types that the testee has; their names are returned, without the entries of maps."""
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            converter = Converter(process, pool)
            kinds = []
            for index, name in enumerate(converter.names):
                if not pool.FindMessageTypeByName(name).GetOptions().map_entry:
                    kinds.append(name)
                    self.convert_type(converter, language, index, Messages(pool, name, language == "C"))
            process.stdin.close()
        self.counts["types"] = max(self.counts["types"], len(kinds))
        if process.returncode != 0:
            self.fail("the testee in " + language, f"exit status {process.returncode}")
        return kinds

    def convert_type(self, converter, language, index, messages):
        name = converter.names[index]
        for _ in range(self.options.messages):
            message = messages.make(name)
            for what in ("binary", "JSON out", "JSON in"):
                self.counts["trips"] += 1
                wrong = converter.try_one(index, message, what)
                self.counts["equal"] += wrong == ""
                if wrong:
                    self.fail(f"{name}, {language}, {what}", wrong[:1500])

    def run(self):
        names = self.choose()
        self.counts["tried"] = len(names)
        with ThreadPoolExecutor(self.options.jobs) as pool:
            names = [name for name, is_done in zip(names, pool.map(self.generate, names)) if is_done]
            self.counts["generated"] = len(names)
            self.counts["C"] = sum(pool.map(self.compile_c, names))
            self.counts["C++"] = sum(pool.map(self.compile_cxx, names))
        if names:
            self.counts["tsc"] = self.compile_ts()
            self.convert(names)


class Converter:
    """Asks the testee."""

    def __init__(self, process, pool):
        self.process, self.pool = process, pool
        self.names = []
        while (line := process.stdout.readline().decode().strip()):
            self.names.append(line)

    def ask(self, index, wanted, data):
        self.process.stdin.write(struct.pack("<III", index, wanted, len(data)) + data)
        self.process.stdin.flush()
        head = self.process.stdout.read(8)
        if len(head) != 8:
            raise RuntimeError(f"the testee ended at a message of {self.names[index]}")
        status, length = struct.unpack("<iI", head)
        return status, self.process.stdout.read(length)

    def parse_json(self, text, kind):
        return json_format.Parse(text, kind(), descriptor_pool=self.pool)

    def try_one(self, index, message, what):
        """Empty when the message comes back as it was, otherwise what came back."""
        if what == "JSON in":
            sent = json_format.MessageToJson(message, descriptor_pool=self.pool).encode()
            wanted = self.parse_json(sent, type(message))  # what JSON cannot say is lost in Python too
            status, back = self.ask(index, FROM_JSON, sent)
        else:
            sent, wanted = message.SerializeToString(), message
            status, back = self.ask(index, TO_JSON if what == "JSON out" else 0, sent)
        if status != 0:
            return f"status {status}, {back.decode(errors='replace')}: {sent!r}"
        try:
            got = self.parse_json(back, type(message)) if what == "JSON out" else type(message).FromString(back)
        except Exception as error:  # pylint: disable=broad-except
            return f"Python refuses it: {error}: {back!r}"
        return "" if canonical(got) == canonical(wanted) else f"{sent!r} came back as {back!r}"


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("projects", nargs="+")
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--messages", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep")
    parser.add_argument("--strict", action="store_true", help="a file that protoc itself refuses is an error")
    parser.add_argument("--only", action="append", help="names of projects; the others are for imports")
    return parser.parse_args()


def main():
    options = arguments()
    projects = [Project(folder) for folder in options.projects]
    build = Build(options.build)
    total, failures = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        for project in projects:
            if options.only and project.name not in options.only:
                continue
            trial = Trial(build, project, projects, os.path.join(options.keep or temporary, project.name), options)
            trial.run()
            print(project.name, *(f"{name}: {count}" for name, count in trial.counts.items()), sep="  ", flush=True)
            for failure in trial.failures:
                print("  not ok " + failure, flush=True)
            failures += trial.failures
            for name, count in trial.counts.items():
                total[name] = total.get(name, 0) + count if isinstance(count, int) else ""
    print("all", *(f"{name}: {count}" for name, count in total.items() if name != "tsc"), sep="  ")
    return 1 if failures or total.get("tried", 0) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
