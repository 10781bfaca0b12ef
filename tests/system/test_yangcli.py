"""A second client, of another make than the libraries that the agent is built on: yuma123's yangcli."""

import shutil
import subprocess

import pytest

from daemon import SOURCE
from netconf import wait_for
from test_ssh import hash_of

pytestmark = pytest.mark.skipif(not shutil.which("yangcli"), reason="yangcli is not installed")


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null=True)
    daemon.config.write_text(daemon.default_configuration(
        f"<user><name>admin</name><password>{hash_of('yuma')}</password></user>"))
    return daemon.start()


def yangcli(daemon, command):
    # It wants a terminal, and so gets one.
    line = (f"yangcli --server=127.0.0.1 --ncport={daemon.ssh_port} --user=admin --password=yuma "
            "--batch-mode --autoload=false --log-level=info "
            f"--modpath={SOURCE}/yang:{SOURCE}/tests/yang:/usr/share/yuma/modules "
            f"--run-command='{command}'")
    done = subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False,
                          env={"HOME": str(daemon.folder), "PATH": "/usr/bin:/bin",
                               "TERM": "dumb"})
    return done.stdout


def test_it_reads_the_configuration(daemon):
    said = yangcli(daemon, "get-config source=running")
    assert "RPC Data Reply" in said, said
    assert "snmp-agent {" in said and f"port {daemon.snmp_port}" in said


def test_it_locks_and_discards(daemon):
    assert "RPC OK Reply" in yangcli(daemon, "lock target=candidate")
    assert "RPC OK Reply" in yangcli(daemon, "discard-changes")
    wait_for(lambda: daemon.log().count("session") >= 4, "the sessions in the log")
