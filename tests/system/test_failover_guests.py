"""Two directors, a client and a real server, each a guest with a kernel of its own.

The guests are tools/lab's, so the test runs on the machine itself; test_failover.py has the same
parts as namespaces of one kernel.
"""

import pathlib
import subprocess

import pytest

from daemon import SOURCE

FAULTS = ["the death of both", "the death of keepalived", "a link that is down", "another priority",
          "the loss of the quorum", "the death of the agent", "both up again", "split brain",
          "a halt", "all"]


@pytest.mark.once
def test_four_guests_outlive_every_fault():
    done = subprocess.run(
        [SOURCE / "tools" / "lab", "-n", "4", "-m", "512M", "-t", "700", "--", "/usr/bin/python3",
         pathlib.Path(__file__).with_name("failover_guests.py")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=760, check=False)
    print(done.stdout, done.stderr)
    lines = [line.removeprefix("[1] ok ").split(":")[0] for line in done.stdout.splitlines()
             if line.startswith("[1] ok ")]
    assert lines == FAULTS
    assert done.returncode == 125  # the guest that was halted; all others ended well
    assert done.stderr.count("lab: node-") == 1 and "lab: node-2 ended" in done.stderr
