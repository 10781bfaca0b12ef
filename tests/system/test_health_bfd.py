"""Real servers that are watched by BFD, of which keepalived is one end."""

import os
import shutil
import socket
import subprocess

import pytest

from health import check, checked, status, wait_state
from netconf import real, stays, wait_for
from vrrp import run

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not installed")

# The delay-loop is so long that what is seen soon is not seen by asking.
RARE = "<warmup>0</warmup><delay-loop>60</delay-loop><timeout>8</timeout><retry>0</retry>"
SESSION = ("<bfd><desired-min-tx-interval>50000</desired-min-tx-interval>"
           "<required-min-rx-interval>50000</required-min-rx-interval></bfd>")
# Of this node, of the neighbor, and their length.
WEB = {"4": ("10.77.0.1", "10.77.0.2", "24"), "6": ("fd77::1", "fd77::2", "64")}


class Neighbor:
    """A namespace at the other end of a cable, with keepalived in it; `address` and `port` are its
    real server's."""

    def __init__(self, folder, family):
        ours, self.address, length = WEB[family]
        self.name, self.port, self.process = f"bfd-{os.getpid()}", 80, None
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", "bfd0", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        nodad = ["nodad"] if family == "6" else []
        run("ip", "address", "add", f"{ours}/{length}", "dev", "bfd0", *nodad)
        run("ip", "link", "set", "bfd0", "up")
        run("ip", "-n", self.name, "address", "add", f"{self.address}/{length}", "dev", "eth0", *nodad)
        for link in ("lo", "eth0"):
            run("ip", "-n", self.name, "link", "set", link, "up")
        self.folder = folder
        (folder / "keepalived.conf").write_text(f"""
bfd_instance director {{ neighbor_ip {ours}
 source_ip {self.address}
 min_rx 50
 min_tx 50
 multiplier 3 }}
vrrp_instance none {{ interface eth0
 virtual_router_id 9
 track_bfd {{ director }}
 virtual_ipaddress {{ 10.78.0.1/32 }} }}
""")

    def start(self):
        pids = [f"-{option}{self.folder}/{option}.pid" for option in "prb"]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "keepalived", "-n", "-P", "-l", "-D", "-f",
             self.folder / "keepalived.conf", *pids],
            stdout=open(self.folder / "log", "ab"), stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(self.folder)})

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def log(self):
        return (self.folder / "log").read_text()

    def link(self, state):
        run("ip", "-n", self.name, "link", "set", "eth0", state)

    def remove(self):
        self.stop()
        run("ip", "link", "delete", "bfd0")  # that of a namespace that is deleted goes later
        run("ip", "netns", "delete", self.name)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


@pytest.fixture(name="neighbor_of")
def fixture_neighbor_of(tmp_path):
    made = []

    def make(family):
        made.append(Neighbor(tmp_path, family))
        return made[-1]
    yield make
    for one in made:
        one.remove()


def watched(neighbor, kind=SESSION):
    is_v6 = ":" in neighbor.address
    if is_v6:  # keepalived 2.2.7 sends with 64 and not with 255 there
        kind = kind.replace("</bfd>", "<rx-ttl>64</rx-ttl></bfd>")
    return checked(RARE + check("path", kind), real(neighbor.address, neighbor.port),
                   address="2001:db8::1" if is_v6 else "192.0.2.1")


def error(session, neighbor):
    return status(session)[f"{neighbor.address}:{neighbor.port}"]["checks"]["path"].get("last-error")


@pytest.mark.parametrize("family", WEB)
def test_a_session_with_keepalived_comes_goes_and_comes_back(session, neighbor_of, family):
    neighbor = neighbor_of(family)
    neighbor.start()
    session.set(watched(neighbor))
    wait_state(session, neighbor, "up")
    neighbor.link("down")
    down = wait_state(session, neighbor, "down")
    assert "not heard for the detection time" in down["checks"]["path"]["last-error"]
    neighbor.link("up")
    if family == "6":  # it was taken away with the link
        run("ip", "-n", neighbor.name, "address", "replace", f"{neighbor.address}/64", "dev", "eth0",
            "nodad")
    wait_state(session, neighbor, "up")
    neighbor.stop()
    wait_state(session, neighbor, "down")
    neighbor.start()
    wait_state(session, neighbor, "up")


def test_who_does_not_speak_it_is_down(session, neighbor_of):
    neighbor = neighbor_of("4")
    session.set(watched(neighbor).replace("<timeout>8<", "<timeout>1<"))
    wait_state(session, neighbor, "down")
    assert "waiting for the session to come up" in error(session, neighbor)


def test_what_is_forged_or_from_afar_is_passed_over(session, neighbor_of):
    neighbor = neighbor_of("4")
    session.set(watched(neighbor).replace("<timeout>8<", "<timeout>1<"))
    wait_state(session, neighbor, "down")
    code = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl})\n"
            "for packet in {packets}:\n    s.sendto(packet, ('10.77.0.1', 3784))\n")
    down = bytes.fromhex("2040031800000009000000000000c3500000c35000000000")
    init = bytes.fromhex("2080031800000009000000090000c3500000c35000000000")
    wrong = [down[:10], b"", bytes(24), b"\xff" * 300, init]

    def send(ttl, packets):
        run("ip", "netns", "exec", neighbor.name, "/usr/bin/python3", "-c",
            code.format(ttl=ttl, packets=packets))
    send(254, [down] * 3)
    send(255, wrong)
    stays(lambda: "no session has come up" in error(session, neighbor)
          or "waiting for" in error(session, neighbor), "it to be down", 1)
    neighbor.start()
    wait_state(session, neighbor, "up")


def test_a_port_that_is_taken_is_told(session, neighbor_of):
    neighbor = neighbor_of("4")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 3784))
        session.set(watched(neighbor))
        wait_for(lambda: "UDP port 3784 is taken" in session.data("get"), "the reason")
    key = f"{neighbor.address}:{neighbor.port}"
    assert status(session)[key]["state"] == "unchecked"


def test_the_neighbor_is_told_when_the_check_is_deleted(session, neighbor_of):
    neighbor = neighbor_of("4")
    neighbor.start()
    session.set(watched(neighbor))
    wait_state(session, neighbor, "up")
    session.set(watched(neighbor, "<tcp/>").replace("<health ", '<health nc:operation="replace" '))
    wait_for(lambda: "Remote diagnostic - Administratively Down" in neighbor.log(), "it to hear")
