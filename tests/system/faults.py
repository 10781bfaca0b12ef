"""Faults of the disk: it is full; or the agent is killed, or fails, at a step that it takes there."""

import contextlib
import os
import re
import subprocess

import pytest

from netconf import wait_for


@contextlib.contextmanager
def small_disk(tmp_path, daemon_factory):
    """A daemon with its state on a small file system of its own."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", small], check=True)
    try:
        daemon = daemon_factory(start=False, null=True)
        daemon.state = small / "state"
        daemon.start()
        yield daemon, small
        daemon.stop()
    finally:
        subprocess.run(["umount", small], check=True)


def fill(small):
    with open(small / "filler", "wb") as filler:
        with pytest.raises(OSError):
            while True:
                os.write(filler.fileno(), bytes(4096))


# What changes a file or a folder, or waits for the disk.
CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,renameat,renameat2,unlinkat"

# Files that the agent writes, and the folder itself.
FILES = ["", "acknowledged", "running", "running.new", "confirm", "confirm.new",
         *(f"journal.{revision:020}" for revision in range(40))]


def tracer(daemon, fault):
    """The command that traces the agent's steps on its state into 'steps' in the daemon's folder.

    A step is a system call. A fault is an effect ("signal=KILL", "error=EIO"), a call, and the
    number of that call in its thread from now on.
    """
    command = ["strace", "-f", "-o", str(daemon.folder / "steps"), "-e", f"trace={CALLS}"]
    if fault:
        effect, call, number = fault
        command += ["-e", f"inject={call}:{effect}:when={number}"]
    for name in FILES:
        command += ["-P", str(daemon.state / name).rstrip("/")]
    return command


@contextlib.contextmanager
def steps_traced(daemon, fault=None):
    """Trace what the agent does from now on."""
    report = daemon.folder / "strace"
    with open(report, "wb") as output:
        process = subprocess.Popen([*tracer(daemon, fault), "-p", str(daemon.process.pid)],
                                   stderr=output)
    try:
        wait_for(lambda: "attached" in report.read_text(), "strace to be attached")
        yield
    finally:
        process.terminate()
        process.wait(30)


def start_traced(daemon, fault=None):
    """Start the agent, and trace what it does; whether it came up."""
    daemon.prefix = [*tracer(daemon, fault), "-D"]  # so that the process is the agent's own
    daemon.start(wait=False)
    daemon.prefix = []
    wait_for(lambda: daemon.process.poll() is not None or daemon.answers(), "the start or its end")
    return daemon.process.poll() is None


def steps_of(daemon):
    """The calls that were traced, each with its number in its thread."""
    numbers, steps = {}, []
    for thread, call in re.findall(r"^(\d+) +(\w+)\(", (daemon.folder / "steps").read_text(), re.M):
        number = numbers[thread, call] = numbers.get((thread, call), 0) + 1
        if (call, number) not in steps:
            steps.append((call, number))
    return steps
