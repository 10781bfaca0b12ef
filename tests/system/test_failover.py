"""Two directors, a client and a real server, each a namespace: the address moves, requests go on."""

import os
import subprocess
import threading

import pytest

from health import QUICK, check, health
from netconf import real, server, servers, stays, wait_for
from test_vrrp import fixture_bridge, fixture_nodes  # noqa: F401 pylint: disable=unused-import
from vrrp import ADDRESS, action, instance, run, vrrp

pytestmark = pytest.mark.kernel

REAL = "10.9.0.21"
OTHER_PORT = 81  # nothing listens there

# The real server answers each connection at the virtual address, which it has but does not tell of.
SERVE = """
import socket, sys
s = socket.create_server((sys.argv[1], 80), backlog=64)
while True:
    try:
        c, _ = s.accept()
        c.sendall(b"fine")
        c.close()
    except OSError:
        pass  # a check, which wants no answer
"""

# The client: a line for each request.
ASK = """
import socket, sys, time
while True:
    try:
        with socket.create_connection((sys.argv[1], 80), timeout=5) as c:
            c.settimeout(5)
            print("fine" if c.recv(9) == b"fine" else "lost", flush=True)
    except OSError:
        print("lost", flush=True)
    time.sleep(0.02)
"""


class Client:
    """Requests, one after the other, from a namespace of its own."""

    def __init__(self, namespace):
        self.fine = self.lost = 0
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "/usr/bin/python3", "-c", ASK, ADDRESS],
            stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            if line == "fine\n":
                self.fine += 1
            else:
                self.lost += 1

    def more(self, what, count=10):
        """See that requests are answered again."""
        wanted = self.fine + count
        wait_for(lambda: self.fine >= wanted, f"answers after {what}")

    def end(self):
        self.process.kill()
        self.process.wait(10)
        self.thread.join()


def port_of(name):
    return f"h{name[:4]}{os.getpid()}"


def remove_host(name):
    """The link first: that of a namespace that is deleted goes some time later."""
    run("ip", "link", "del", port_of(name))
    run("ip", "netns", "del", name)


def add_host(bridge, name, address):
    port = port_of(name)
    run("ip", "netns", "add", name)
    run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    run("ip", "link", "set", port, "master", bridge, "up")
    for command in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                    ["addr", "add", f"{address}/24", "dev", "eth0"]):
        run("ip", "-n", name, *command)


@pytest.fixture(name="real_server")
def fixture_real_server(bridge):
    name = f"real-{os.getpid()}"
    add_host(bridge, name, REAL)
    for setting in ("arp_ignore=1", "arp_announce=2"):
        run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv4.conf.all.{setting}")
    run("ip", "-n", name, "addr", "add", f"{ADDRESS}/32", "dev", "lo")
    process = subprocess.Popen(["ip", "netns", "exec", name, "/usr/bin/python3", "-c", SERVE, ""])
    yield name
    process.kill()
    process.wait(10)
    remove_host(name)


@pytest.fixture(name="client")
def fixture_client(bridge):
    name = f"client-{os.getpid()}"
    add_host(bridge, name, "10.9.0.31")
    client = Client(name)
    yield client
    client.end()
    remove_host(name)


def forwarding(port=80):
    """The virtual server; its check connects to a port of the real server."""
    return servers(server("web", "<forwarding-method>dr</forwarding-method>"
                          + health(QUICK + check("port", content=f"<connect-port>{port}"
                                                 "</connect-port>"))
                          + real(REAL, 80), ADDRESS, 80))


@pytest.fixture(name="directors")
def fixture_directors(nodes, real_server):
    """The first is the master."""
    made = [nodes(number, null=False) for number in (1, 2)]
    for node, priority in zip(made, (150, 100)):
        with node.daemon.session() as session:
            session.set(forwarding() + vrrp(router(priority)))
    wait_for(lambda: made[0].state() == "master" and made[1].state() == "backup", "the election")
    return made


def router(priority):
    return instance(priority=priority, more="<track-virtual-server><virtual-server>web"
                    "</virtual-server><weight>-100</weight></track-virtual-server>").replace(
                        "interval>20<", "interval>40<")


def test_requests_go_on_whatever_fails(directors, client):
    first, second = directors
    client.more("the start")

    def moves(what, fault, cure):
        fault()
        wait_for(lambda: second.holds() and second.state() == "master", f"the second after {what}",
                 60)
        client.more(what)
        cure()
        wait_for(lambda: first.state() == "master" and second.state() == "backup",
                 f"the first to be back after {what}", 60)
        client.more(f"the end of {what}")

    def restart():
        first.daemon.stop()
        first.daemon.start()

    def halt():  # all of it at once, and nothing is taken back in order
        run("ip", "link", "set", first.port, "down")
        first.daemon.kill()
        first.kill_keepalived()

    def boot():
        run("ip", "-n", first.name, "addr", "flush", "dev", "eth0", "label", "eth0")
        run("ip", "-n", first.name, "addr", "add", "10.9.0.11/24", "dev", "eth0")
        run("ip", "link", "set", first.port, "up")
        first.daemon.start()

    def check_port(port):
        with first.daemon.session() as session:
            session.set(forwarding(port))

    def die():
        first.daemon.kill()
        first.kill_keepalived()

    order = "<override-priority><priority>20</priority></override-priority>"

    def call(operation):
        with first.daemon.session() as session:
            session.rpc(action(operation))

    first.daemon.kill()  # keepalived and the kernel go on
    client.more("the death of the agent")
    assert first.holds() and not second.holds()
    first.daemon.start()
    moves("the death of both", die, first.daemon.start)
    moves("the death of keepalived", first.kill_keepalived, restart)
    moves("a link that is down", lambda: run("ip", "link", "set", first.port, "down"),
          lambda: run("ip", "link", "set", first.port, "up"))
    moves("a halt", halt, boot)
    moves("another priority", lambda: call(order), lambda: call("<resume/>"))
    moves("the loss of the quorum", lambda: check_port(OTHER_PORT), lambda: check_port(80))


def test_both_up_again_do_not_flap(directors, client):
    transitions = []
    for node in directors:
        node.daemon.stop()
        node.daemon.start()
    client.more("both restarts")
    for node in directors:
        with node.daemon.session() as session:
            transitions.append(session.get("vrrp/instance/master-transitions"))
    lost = client.lost
    stays(lambda: directors[0].holds() and not directors[1].holds(), "the first is the master", 2)
    assert client.lost == lost
    for node, before in zip(directors, transitions):
        with node.daemon.session() as session:
            assert session.get("vrrp/instance/master-transitions") == before
