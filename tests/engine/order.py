"""Is every acknowledgement of the local engine after a sync? order.py PROGRAM, TAP on standard output.

A killed process cannot show it, because the kernel keeps what was written. So the order of system calls is looked at:
between the write of a message into the WAL and the write of its acknowledgement there must be a sync of the WAL.
"""

import re
import shutil
import subprocess
import sys

CALLS = "trace=openat,pwrite64,fdatasync,fsync,write"


def trace(program):
    command = ["strace", "-f", "-y", "-s", "16", "-e", CALLS, program, "acknowledge"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr.splitlines()


def acknowledged_unsynced(lines):
    """(acknowledgements, those that came while the WAL had writes that were not synced)"""
    is_dirty, count, unsynced = False, 0, 0
    for line in lines:
        if re.search(r"pwrite64\(\d+<[^>]*-wal>", line):
            is_dirty = True
        elif re.search(r"(fdatasync|fsync)\(\d+<[^>]*-wal>\)\s*= 0", line):
            is_dirty = False
        elif re.search(r'write\(\d+<[^>]*>, "ack', line):
            count += 1
            unsynced += is_dirty
    return count, unsynced


def main(program):
    print("1..1")
    if shutil.which("strace") is None:
        print("ok 1 # SKIP strace is not installed")
        return 0
    try:
        lines = trace(program)
    except subprocess.CalledProcessError as failed:
        print(f"ok 1 # SKIP strace cannot trace here: {failed.stderr.splitlines()[-1:]}")
        return 0
    count, unsynced = acknowledged_unsynced(lines)
    is_fine = count == 20 and unsynced == 0
    print(f"{'ok' if is_fine else 'not ok'} 1 - every acknowledgement comes after a sync")
    if not is_fine:
        print(f"# {count} acknowledgements, {unsynced} of them before the sync")
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
