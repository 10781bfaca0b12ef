"""Faults of the disk: it is full; or the agent is killed, or fails, at a step that it takes there."""

import contextlib
import os
import subprocess

import pytest


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
