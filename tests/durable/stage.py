"""Servers with durable rooms, and disks that a test can fill, break or stop."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from server_process import DEADLINE_S, REPORTS, Server, wait_until
from tap import Skip

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
ADMIN = "server.admin.address"


def sanitizers_beside(*options):
    """ASAN_OPTIONS with more of them, for a server that is preloaded or traced."""
    return {"ASAN_OPTIONS": ":".join([os.environ.get("ASAN_OPTIONS", ""), *options])}


@contextlib.contextmanager
def temporary_folder(parent=None):
    folder = tempfile.mkdtemp(prefix="stoa-durable-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def settings_of(folder, more=None):
    return {"data_dir": folder, "server.workers": 2, **(more or {})}


@contextlib.contextmanager
def serving(folder, settings=None, program="JOURNAL", **options):
    """A server with its data in the folder; it must end with 0, and without a report of a sanitizer."""
    server = Server(os.environ[program], settings_of(folder, settings), **options)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


class Attempt(Server):
    """A start that may be refused."""

    def _await_ports(self):
        with self.heard:
            assert self.heard.wait_for(lambda: self.listening >= self.awaited, DEADLINE_S), self.log

    @property
    def is_serving(self):
        return self.listening > 0

    def refusal(self):
        """The log of a start that was refused, which must be with status 1 and with a reason."""
        status = self.wait()
        assert not any(word in self.log for word in REPORTS), self.log[-6000:]
        assert status == 1, f"exit status {status}, not 1:\n{self.log[-3000:]}"
        assert "level=error" in self.log, f"refused without a reason:\n{self.log}"
        return self.log


def attempt(folder, settings=None, program="JOURNAL", **options):
    return Attempt(os.environ[program], settings_of(folder, settings), **options)


def page(server, path):
    """The status and the text of a page of the admin listener, which is the last address."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.ports[-1]}{path}", timeout=DEADLINE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_until_ready(server):
    wait_until(lambda: page(server, "/readyz")[0] == 200, "a server that is ready again")


def _mount(*arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"mounting is not possible here: {done.stderr.strip()}")


@contextlib.contextmanager
def tmpfs(size):
    with temporary_folder() as folder:
        _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


class Ext4:
    """A file system in a file, which can be broken while programs use it."""

    def __init__(self, folder):
        self.image, self.folder = os.path.join(folder, "image"), os.path.join(folder, "mounted")
        os.mkdir(self.folder)
        if shutil.which("mkfs.ext4", path=PATH) is None:
            raise Skip("mkfs.ext4 is not installed (package e2fsprogs)")
        with open(self.image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run([shutil.which("mkfs.ext4", path=PATH), "-q", self.image], check=True)
        self.mount()

    def mount(self, *options):
        _mount("-o", ",".join(["loop", *options]), self.image, self.folder)

    def abort(self):
        """As after an error of the disk: from now on it can only be read, also through open files."""
        _mount("-o", "remount,abort", self.folder)

    def unmount(self):
        if os.path.ismount(self.folder):
            subprocess.run(["umount", self.folder], check=True)

    def repair(self):
        self.unmount()
        subprocess.run([shutil.which("e2fsck", path=PATH), "-fy", self.image], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.mount()


@contextlib.contextmanager
def ext4():
    with temporary_folder() as folder:
        disk = None
        try:
            disk = Ext4(folder)
            yield disk
        finally:
            if disk is not None:
                disk.unmount()


class Syncs:
    """The syncs of a server that is started with `variables`: they can be stopped, and made to fail once."""

    def __init__(self, folder):
        self.folder = folder
        self.fifo = None
        self.variables = {"LD_PRELOAD": os.environ["DISK_SHIM_LIBRARY"], "DISK_SHIM": folder,
                          **sanitizers_beside("verify_asan_link_order=0")}

    def path(self, name):
        return os.path.join(self.folder, name)

    @contextlib.contextmanager
    def stopped(self):
        """From the next sync on, inside the `with`."""
        os.mkfifo(self.path("stall"))
        fifo = os.open(self.path("stall"), os.O_RDWR)
        try:
            yield
        finally:
            os.unlink(self.path("stall"))
            os.write(fifo, bytes(16))  # one for each thread that waits
            self.fifo = fifo  # closed when the server has ended: a thread may not have read its byte yet

    def wait_until_stopped(self):
        wait_until(lambda: os.path.exists(self.path("stalled")), "a sync that waits")

    def fail_once(self):
        with open(self.path("eio"), "w", encoding="ascii"):
            pass

    def has_failed(self):
        return not os.path.exists(self.path("eio"))


@contextlib.contextmanager
def syncs():
    with temporary_folder() as folder:
        made = Syncs(folder)
        try:
            yield made
        finally:
            if made.fifo is not None:
                os.close(made.fifo)
