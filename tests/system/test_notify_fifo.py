"""FIFOs that are told of verdicts, with keepalived's lines."""

import os
import stat
import subprocess

import pytest

from health import HEALTH, QUICK, Listener, check, checked, health, wait_state
from netconf import RpcError, real, server, servers, wait_for


class Reader:
    """What is read from a FIFO, line by line."""

    def __init__(self, path):
        self.path = path
        self.fd = None
        self.text = ""

    def lines(self):
        if self.fd is None and self.path.exists():
            self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        try:
            while self.fd is not None:
                self.text += os.read(self.fd, 65536).decode()
        except BlockingIOError:
            pass
        return self.text.splitlines()

    def wait(self, *lines):
        wait_for(lambda: set(lines) <= set(self.lines()), f"{lines}: {self.lines()}")


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


def fifo(path, more="", operation=None):
    attribute = f' nc:operation="{operation}"' if operation else ""
    return (f'<health-engine xmlns="{HEALTH}"><notify-fifo{attribute}><path>{path}</path>{more}'
            "</notify-fifo></health-engine>")


def test_it_is_told_of_real_servers_and_quorums(daemon, tmp_path):
    listener, reader = Listener(), Reader(tmp_path / "fifo")
    of = f"[127.0.0.1]:tcp:{listener.port} [192.0.2.1]:tcp:80"
    with daemon.session() as session:
        session.set(fifo(reader.path, "<user>nobody</user>")
                    + checked(QUICK + check("port"), listener.real()))
        reader.wait(f"RS {of} UP")
        assert reader.path.owner() == "nobody"
        assert stat.S_IMODE(reader.path.stat().st_mode) == 0o600
        listener.close()
        reader.wait(f"RS {of} DOWN", "VS [192.0.2.1]:tcp:80 DOWN")
        listener.open()
        reader.wait("VS [192.0.2.1]:tcp:80 UP")
        assert session.get("health-engine/notify-fifo/path") == [str(reader.path)]
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        reader.text = ""
        listener.close()
        reader.wait(f"RS {of} DOWN", "VS [192.0.2.1]:tcp:80 DOWN")
        session.set(fifo(reader.path, operation="delete"))
        reader.text = ""
        listener.open()
        wait_state(session, listener, "up")
        assert reader.lines() == []


def test_two_fifos_hear_the_same(session, tmp_path):
    listener, readers = Listener(), [Reader(tmp_path / name) for name in ("one", "two")]
    session.set("".join(fifo(reader.path) for reader in readers[:1]))
    session.set(fifo(readers[1].path) + checked(QUICK + check("port"), listener.real()))
    for reader in readers:
        reader.wait(f"RS [127.0.0.1]:tcp:{listener.port} [192.0.2.1]:tcp:80 UP")


def test_one_that_nobody_reads_holds_nobody_up(daemon, session, tmp_path):
    """Its lines are lost, from some thousand on."""
    path = tmp_path / "fifo"
    session.set(fifo(path))
    filled = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(filled, b"x" * 4096)
    listener = Listener()
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")
    wait_for(lambda: daemon.log().count(f"the FIFO {path} loses lines") == 1, "a word of it")


@pytest.mark.parametrize("path, more, words", [
    ("{folder}/file", "", "something else than a FIFO"),
    ("{folder}/none/fifo", "", "No such file"),
    ("{folder}/fifo", "<user>nosuchuser</user>", "no user nosuchuser"),
])
def test_what_cannot_be_had_is_refused(session, tmp_path, path, more, words):
    (tmp_path / "file").touch()
    with pytest.raises(RpcError) as refused:
        session.set(fifo(path.format(folder=tmp_path), more))
    assert words in str(refused.value)
    assert "notify-fifo" in refused.value.path
    assert session.get("health-engine/notify-fifo/path") == []


KEEPALIVED = """
global_defs {{
  lvs_notify_fifo {fifo}
}}
virtual_server_group many {{
  192.0.2.7 80
}}
{servers}
"""
ONE = """
virtual_server {what} {{
  delay_loop 1
  retry 0
  warmup 0
  protocol {protocol}
  real_server {address} {port} {{
    TCP_CHECK {{
      connect_port {listening}
    }}
  }}
}}
"""


@pytest.mark.kernel
def test_its_lines_are_those_of_keepalived(ipvs, daemon_factory, tmp_path):
    listener, six = Listener(), Listener(address="::1")
    kinds = [  # virtual server of keepalived, protocol, real server; the same for Noria
        ("192.0.2.1 80", "TCP", listener, listener.port, server("tcp", "{}", "192.0.2.1", 80)),
        ("192.0.2.1 53", "UDP", listener, 53,
         server("udp", "<protocol>udp</protocol>{}", "192.0.2.1", 53)),
        ("fwmark 7", "TCP", listener, 0, server("mark", "{}", mark=7)),
        ("2001:db8::1 80", "TCP", six, six.port, server("six", "{}", "2001:db8::1", 80)),
        ("group many", "TCP", listener, listener.port,
         server("many", "<member><name>m</name><address>192.0.2.7</address><port>80</port></member>"
                "{}")),
    ]
    theirs, ours = Reader(tmp_path / "theirs"), Reader(tmp_path / "ours")
    (tmp_path / "conf").write_text(KEEPALIVED.format(fifo=theirs.path, servers="".join(
        ONE.format(what=what, protocol=protocol, address=to.address, port=port, listening=to.port)
        for what, protocol, to, port, _ in kinds)))
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(["keepalived", "-n", "-l", "-D", "-C", "-f", tmp_path / "conf",
                                    "-p", tmp_path / "pid", "-c", tmp_path / "checkers"],
                                   stdout=log, stderr=log)

    def change(reader):
        """The lines of all going down and coming back."""
        def heard(word):
            return sum(line.endswith(word) for line in reader.lines()) >= 2 * len(kinds)
        reader.text = ""
        for one in (listener, six):
            one.close()
        wait_for(lambda: heard(" DOWN"), f"all to be down: {reader.lines()}", 60)
        for one in (listener, six):
            one.open()
        wait_for(lambda: heard(" UP"), f"all to be up: {reader.lines()}", 60)
        return sorted(reader.lines())

    try:
        wait_for(lambda: ipvs("-ln").count("->") > len(kinds), "keepalived's table", 60)
        wait_for(lambda: theirs.lines() is not None and theirs.fd, "its FIFO")
        expected = change(theirs)
    finally:
        process.terminate()
        process.wait(30)
    daemon = daemon_factory()
    with daemon.session() as session:
        checks = health(QUICK + "<warmup>0</warmup>")
        session.set(fifo(ours.path) + servers("".join(
            text.format(checks + real(to.address, port, health(check(
                "port", content=f"<connect-port>{to.port}</connect-port>"))))
            for _, _, to, port, text in kinds)))
        wait_for(lambda: sum(line.startswith("RS") for line in ours.lines()) == len(kinds), "UP")
        assert change(ours) == expected
