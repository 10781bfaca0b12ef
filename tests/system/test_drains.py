"""Draining with real connections through a virtual address."""

import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from netconf import RpcError, item, items, real, server, servers, wait_for
from test_notifications import Subscriber
from test_steered import weights
from test_steering import act, order_of
from test_traffic import CLEANUP, set_up_network

pytestmark = pytest.mark.kernel

# Says its name to whom connects, and then what it hears.
ECHO = """
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(sys.argv[1].encode() + b"\\n")
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server((sys.argv[1], 80), Handler).serve_forever()
"""

# Connects, prints what it hears, and sends what it is told, until that ends.
CLIENT = """
import socket, sys
with socket.create_connection(("192.0.2.80", int(sys.argv[1])), timeout=60) as connection:
    with connection.makefile("rwb") as stream:
        sys.stdout.buffer.write(stream.readline())
        sys.stdout.flush()
        for line in sys.stdin.buffer:
            stream.write(line)
            stream.flush()
            sys.stdout.buffer.write(stream.readline())
            sys.stdout.flush()
"""
ONE, TWO = "198.51.100.11", "198.51.100.12"
GRACEFUL = ('<graceful-removal xmlns="urn:noria:yang:noria-operations"><timeout>{}</timeout>'
            "</graceful-removal>")


@pytest.fixture(name="network", scope="module")
def fixture_network():
    set_up_network()
    processes = [subprocess.Popen(["ip", "netns", "exec", f"web{n}", "/usr/bin/python3", "-c",
                                   ECHO, address]) for n, address in ((1, ONE), (2, TWO))]
    for n in (1, 2):
        wait_for(lambda n=n: subprocess.run(
            ["ip", "netns", "exec", f"web{n}", "ss", "-Hlnt", "sport = 80"], check=True,
            capture_output=True).stdout, "the servers")
    yield
    for process in processes:
        process.terminate()
        process.wait(10)
    subprocess.run(["sh", "-c", CLEANUP], check=True)


class Connection:
    """A connection through the virtual address that is held open; use it as a context manager.

    Each test has a port of its own: the kernel remembers connections that were cut off, and they
    count again when the same real server comes back.
    """

    port = 8000

    def __init__(self):
        self.process = subprocess.Popen(["ip", "netns", "exec", "client", "/usr/bin/python3", "-c",
                                         CLIENT, str(self.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.peer = self.process.stdout.readline().decode().strip()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def talks(self):
        self.process.stdin.write(b"hello\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == b"hello\n"

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
            self.process.wait(10)


def connection_to(address):
    """A connection that this real server has got."""
    while True:
        connection = Connection()
        if connection.peer == address:
            return connection
        assert connection.peer in (ONE, TWO)
        connection.close()


def peers(count):
    """Who answers so many new connections."""
    answers = set()
    for _ in range(count):
        with Connection() as connection:
            answers.add(connection.peer)
    return answers


def at(ipvs):
    return {name.split(":")[0]: weight for name, weight in weights(ipvs, f"192.0.2.80:{Connection.port}").items()}


def leaving(session):
    root = ElementTree.fromstring(f"<x>{session.data('get')}</x>")
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
    return {entry.findtext("address"): entry.findtext("connections-left")
            for entry in root.iter("leaving")}


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, network, daemon_factory):
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        Connection.port += 1
        session.set(servers(server("web", "<scheduler>rr</scheduler>" + real(ONE, 80) +
                                   real(TWO, 80), "192.0.2.80", Connection.port)))
    return daemon


def test_a_drain_waits_for_the_connections(daemon, ipvs):
    with Subscriber(daemon.socket) as session, connection_to(ONE) as held:
        session.subscribe()
        act(session, "drain", ONE, "<reason>new disk</reason>")
        session.next("drain-progress", event="started", address=ONE, kind="drain")
        wait_for(lambda: at(ipvs) == {ONE: 0, TWO: 1}, "weight 0")
        assert peers(4) == {TWO}
        wait_for(lambda: order_of(session, ONE).get("connections-left") == "1", "a count")
        assert order_of(session, ONE)["drained"] == "false"
        assert held.talks() and at(ipvs) == {ONE: 0, TWO: 1}
        held.close()
        session.next("drain-progress", event="ended", address=ONE, connections_left="0")
        wait_for(lambda: at(ipvs) == {TWO: 1}, "the removal")
        assert order_of(session, ONE)["drained"] == "true"
        act(session, "resume", ONE)
        wait_for(lambda: at(ipvs) == {ONE: 1, TWO: 1}, "the return")


def test_a_drain_ends_when_its_time_is_over(daemon, ipvs):
    with Subscriber(daemon.socket) as session, connection_to(ONE) as held:
        session.subscribe()
        act(session, "drain", ONE, "<timeout>2</timeout>")
        event = session.next("drain-progress", event="timed-out", address=ONE)
        assert event.findtext("connections-left") == "1"
        wait_for(lambda: at(ipvs) == {TWO: 1}, "the removal")
        held.process.kill()


def test_a_drain_is_cancelled(daemon, ipvs):
    with Subscriber(daemon.socket) as session, connection_to(ONE) as held:
        session.subscribe()
        act(session, "drain", ONE)
        wait_for(lambda: at(ipvs) == {ONE: 0, TWO: 1}, "weight 0")
        act(session, "resume", ONE)
        session.next("drain-progress", event="cancelled", address=ONE)
        wait_for(lambda: at(ipvs) == {ONE: 1, TWO: 1}, "the return")
        assert held.talks()


def test_a_drain_goes_on_over_a_crash(daemon, ipvs):
    with connection_to(ONE) as held:
        with daemon.session() as session:
            act(session, "drain", ONE)
            wait_for(lambda: at(ipvs) == {ONE: 0, TWO: 1}, "weight 0")
        daemon.kill()
        daemon.start()
        assert at(ipvs) == {ONE: 0, TWO: 1}
        assert held.talks() and peers(2) == {TWO}
        held.close()
        wait_for(lambda: at(ipvs) == {TWO: 1}, "the removal")


def test_all_of_a_virtual_server_drain(daemon, ipvs):
    with daemon.session() as session, connection_to(ONE) as held:
        act(session, "drain", None)
        wait_for(lambda: at(ipvs) == {ONE: 0}, "the idle one to be gone")
        assert held.talks()
        held.close()
        wait_for(lambda: at(ipvs) == {}, "all to be gone")
        act(session, "resume", None)
        wait_for(lambda: at(ipvs) == {ONE: 1, TWO: 1}, "the return")


def remove(session, address):
    session.set(servers(server("web", real(address, 80, operation="delete"))))


def test_graceful_removal_keeps_who_is_busy(daemon, session, ipvs):
    session.set(servers(server("web", GRACEFUL.format(600))))
    with connection_to(ONE) as held:
        remove(session, ONE)
        assert at(ipvs) == {ONE: 0, TWO: 1}
        assert peers(3) == {TWO} and held.talks()
        wait_for(lambda: leaving(session) == {ONE: "1"}, "a count")
        daemon.kill()
        daemon.start()
        assert at(ipvs) == {ONE: 0, TWO: 1}
        assert held.talks()
        with daemon.session() as again:
            again.set(servers(server("web", "<scheduler>wlc</scheduler>")))
            assert at(ipvs) == {ONE: 0, TWO: 1}
            assert list(leaving(again)) == [ONE]
            held.close()
            wait_for(lambda: at(ipvs) == {TWO: 1}, "the removal")
            assert leaving(again) == {}


def test_graceful_removal_has_an_end(session, ipvs):
    session.set(servers(server("web", GRACEFUL.format(4))))
    with connection_to(ONE) as held:
        remove(session, ONE)
        assert at(ipvs) == {ONE: 0, TWO: 1}
        wait_for(lambda: at(ipvs) == {TWO: 1}, "the removal")
        held.process.kill()


def test_who_is_idle_or_not_asked_for_goes_at_once(session, ipvs):
    with connection_to(ONE) as held:
        remove(session, ONE)
        assert at(ipvs) == {TWO: 1}
        held.process.kill()
    session.set(servers(server("web", GRACEFUL.format(600) + real("198.51.100.13", 80))))
    remove(session, "198.51.100.13")
    assert at(ipvs) == {TWO: 1}
    assert leaving(session) == {}


def test_who_leaves_may_come_back(session, ipvs):
    session.set(servers(server("web", GRACEFUL.format(600))))
    with connection_to(ONE) as held:
        session.set(servers(server("web", real(ONE, 80, "<enabled>false</enabled>"))))
        assert at(ipvs) == {ONE: 0, TWO: 1}
        assert order_of(session, ONE)["kind"] == "leave"
        with pytest.raises(RpcError) as refused:
            act(session, "force-up", ONE)
        assert refused.value.tag == "in-use"
        session.set(servers(server("web", real(ONE, 80, "<enabled>true</enabled>"))))
        wait_for(lambda: at(ipvs) == {ONE: 1, TWO: 1}, "the return")
        assert held.talks()
        assert order_of(session, ONE) == {}


def test_deleting_the_virtual_server_ends_all(session, ipvs):
    session.set(servers(server("web", GRACEFUL.format(600))))
    with connection_to(ONE) as held:
        remove(session, ONE)
        session.set(servers(server("web", operation="delete")))
        assert "->" not in ipvs("-ln").split("\n", 3)[3]
        session.set(servers(server("web", real(TWO, 80), "192.0.2.80", Connection.port)))
        assert at(ipvs) == {TWO: 1}
        held.process.kill()


def test_a_removal_that_is_taken_back(session, ipvs):
    session.set(servers(server("web", GRACEFUL.format(600))))
    with connection_to(ONE) as held:
        with pytest.raises(RpcError):
            session.set(servers(server("web", real(ONE, 80, operation="delete"))) +
                        items(item("bad", "<apply>fail</apply>")))
        session.rpc("<discard-changes/>")
        wait_for(lambda: at(ipvs) == {ONE: 1, TWO: 1}, "all to be as before")
        assert leaving(session) == {} and order_of(session, ONE) == {}
        assert held.talks()


def test_a_group_drains_in_all_of_its_services(session, ipvs):
    ports = Connection.port + 1000, Connection.port + 2000
    members = "".join(f"<member><name>m{p}</name><address>192.0.2.80</address><port>{p}</port>"
                      "</member>" for p in ports)
    session.set(servers(server("both", GRACEFUL.format(600) + members + real(ONE, 80))))

    def held_by():
        return [set(weights(ipvs, f"192.0.2.80:{p}").values()) for p in ports]

    Connection.port = ports[1]
    with Connection() as held:
        act(session, "drain", ONE, name="both")
        wait_for(lambda: order_of(session, ONE, name="both").get("connections-left") == "1",
                 "a count")
        assert held_by() == [{0}, {0}] and held.talks()
        act(session, "resume", ONE, name="both")
        session.set(servers(server("both", real(ONE, 80, operation="delete"))))
        assert held_by() == [set(), {0}] and held.talks()
        held.close()
        wait_for(lambda: held_by() == [set(), set()], "the removal")
