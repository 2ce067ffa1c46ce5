"""`stoa new` and `stoa proto`: what is made, and what is refused."""

import os
import re
import stat

from tap import run, test
from tool import FAILED, FINE, USAGE, fresh, stoa, tree


def new(folder, name="hello"):
    stoa("new", name, folder=folder).expect(FINE, "./dev run")
    return os.path.join(folder, name)


@test("a project has all its files, with its name in place of every mark")
def complete():
    with fresh() as folder:
        files = tree(new(folder, "tea_house"))
        assert set(files) == {
            ".gitignore", "README.md", "api/protos.txt", "api/tea_house/v1/config.proto",
            "api/tea_house/v1/tea_house.proto", "configs/tea_house.yaml", "dev", "meson.build", "src/main.c",
            "src/service.c", "src/service.h", "tests/service_test.c", "web/app.js", "web/index.html"}, set(files)
        for path, content in files.items():
            # Meson has marks of its own, in capitals.
            assert not re.search(r"@(name|Name|NAME|package|type)@", content), path
        assert "service TeaHouseService" in files["api/tea_house/v1/tea_house.proto"]
        assert "#ifndef TEA_HOUSE_SERVICE_H" in files["src/service.h"]
        mode = os.stat(os.path.join(folder, "tea_house", "dev")).st_mode
        assert mode & stat.S_IXUSR and os.listdir(folder) == ["tea_house"], os.listdir(folder)


@test("names that cannot be a package, a C name and a program are refused, each with the reason")
def names():
    bad = {"": "1 to 40", "a" * 41: "1 to 40", "9lives": "begins with", "Hello": "begins with", "_a": "begins with",
           "a-b": "small letters, digits", "a b": "small letters, digits", "naïve": "small letters, digits",
           "a__b": "a letter follows", "a_": "a letter follows", "a_1": "a letter follows", "int": "a word of C",
           "class": "a word of C", "message": "a word of C", "test": "a word of C", "stoa": "a word of C",
           "..": "begins"}
    with fresh() as folder:
        for name, reason in bad.items():
            stoa("new", name, folder=folder).expect(USAGE, err=reason)
        stoa("new", folder=folder).expect(USAGE, err="one name")
        stoa("new", "a", "b", folder=folder).expect(USAGE, err="one name")
        stoa("new", "--fast", folder=folder).expect(USAGE, err="one name")
        assert os.listdir(folder) == []
        new(folder, "a" * 40)


@test("a folder with files and a file are left as they are; an empty folder is filled")
def existing():
    with fresh() as folder:
        for name in ("full", "empty"):
            os.mkdir(os.path.join(folder, name))
        for name in ("full/mine", "file"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("mine")
        stoa("new", "full", folder=folder).expect(FAILED, err="not an empty folder")
        stoa("new", "file", folder=folder).expect(FAILED, err="not an empty folder")
        assert tree(folder) == {"full/mine": "mine", "file": "mine"}
        new(folder, "empty")
        stoa("new", "file/inside", folder=folder).expect(FAILED, err="Not a directory")


@test("a path before the name is made, and the last part is the name")
def with_path():
    with fresh() as folder:
        assert "src/main.c" in tree(new(folder, "some/where/hello"))
        stoa("new", "other/hello/", folder=folder).expect(FINE)


@test("a failure leaves nothing behind")
def nothing_left():
    with fresh() as folder:
        if os.getuid() == 0:
            # Root may write everywhere: a name that is too long for the file system fails instead.
            stoa("new", "b" * 300 + "/hello", folder=folder).expect(FAILED, err="File name too long")
        else:
            os.chmod(folder, 0o500)
            stoa("new", "hello", folder=folder).expect(FAILED, err="Permission denied")
        assert os.listdir(folder) == []


@test("proto add makes a file in its package, with a number that is free, from any folder of the project")
def proto_add():
    with fresh() as folder:
        project = new(folder)
        stoa("proto", "add", "hello/v1/other.proto", folder=project + "/src").expect(FINE, "number 3")
        stoa("proto", "add", "api/shop/v2/big_cart.proto", folder=project).expect(FINE, "number 4")
        files = tree(project)
        assert files["api/protos.txt"].split() == ["hello/v1/config.proto", "hello/v1/hello.proto",
                                                   "hello/v1/other.proto", "shop/v2/big_cart.proto"]
        assert "package hello.v1;" in files["api/hello/v1/other.proto"]
        assert "package shop.v2;" in files["api/shop/v2/big_cart.proto"]
        assert "service BigCartService" in files["api/shop/v2/big_cart.proto"]
        stoa("proto", "add", "hello/v1/other.proto", folder=project).expect(FAILED, err="File exists")
        assert tree(project) == files


@test("proto add refuses paths that are no package, and names no project")
def proto_add_refuses():
    with fresh() as folder:
        stoa("proto", "add", "hello/v1/x.proto", folder=folder).expect(USAGE, err="no api/protos.txt here or above")
        project = new(folder)
        before = tree(project)
        for path, reason in {"x.proto": "no folder", "hello/v1/x": "not a path", ".proto": "not a path",
                             "../x.proto": "begins with", "hello/int/x.proto": "a word of C"}.items():
            stoa("proto", "add", path, folder=project).expect(USAGE, err=reason)
        stoa("proto", "add", folder=project).expect(USAGE, err="one path")
        stoa("proto", folder=project).expect(USAGE, err="usage")
        stoa("proto", "sub", folder=project).expect(USAGE, err="no command named sub")
        assert tree(project) == before


@test("proto gen writes every output of the plugin, for all files or for one")
def proto_gen():
    with fresh() as folder:
        project = new(folder)
        stoa("proto", "gen", folder=project + "/web").expect(FINE, "2 files")
        made = set(tree(project + "/gen"))
        assert {f"hello/v1/hello.{end}" for end in ("stoa.h", "stoa.c", "client.stoa.c", "stoa.ts")} <= made, made
        out = os.path.join(folder, "elsewhere", "deep")
        stoa("proto", "gen", "--opt", "openapi", "--out", out, "api/hello/v1/hello.proto", folder=project).expect(FINE)
        assert set(tree(out)) == {"hello/v1/hello.openapi.json"}
        stoa("proto", "gen", "--opt", "cobol", folder=project).expect(FAILED, err='unknown option "cobol"')
        stoa("proto", "gen", "hello/v1/none.proto", folder=project).expect(FAILED, err="none.proto")
        stoa("proto", "gen", "--fast", folder=project).expect(USAGE, err="--fast")
        stoa("proto", "gen", folder=project, variables={"PATH": folder}).expect(FAILED, err="protobuf-compiler")


run()
