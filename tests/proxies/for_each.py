"""One test for each way of a table."""

from tap import test


def for_each(table, name):
    """`{}` in the test's name is the way's."""

    def register(body):
        for way in table:
            test(name.format(way.name))(lambda way=way: body(way))
        return body

    return register
