"""Four guests with a kernel each: a client, two directors and a real server; a fault after the other.

Run by tools/lab -n 4 on each of them (test_failover_guests.py does). The client is in command: it
has the directors do what befalls them by XML-RPC, and prints a line for each fault that its requests
outlived. The last fault takes a guest away for good.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import xmlrpc.client
import xmlrpc.server
import zlib

from daemon import Daemon
from health import check, health
from netconf import real, server, servers, stays, wait_for
from vrrp import VRRP, Node, action, run, vrrp

CLIENT, FIRST, SECOND, REAL = 1, 2, 3, 4
ADDRESS = "10.99.0.100"
COMMANDS = 9000
MEGABYTES, CHUNK = 100, bytes(range(256)) * 4096
SECONDS = 15  # that a transfer lasts at least
RB_POWER_OFF = 0x4321FEDC
# Four guests may share two processors with other work.
PATIENT = ("<delay-loop>1</delay-loop><timeout>5</timeout><retry>1</retry>"
           "<delay-before-retry>0.5</delay-before-retry>")
STATUS = (f'<filter type="subtree"><vrrp xmlns="{VRRP}"><instance><name/><state/>'
          "<master-transitions/></instance></vrrp>"
          '<alarms xmlns="urn:ietf:params:xml:ns:yang:ietf-alarms"><alarm-list><alarm>'
          "<alarm-type-id/><is-cleared/></alarm></alarm-list></alarms></filter>")
DIRECTOR = "urn:noria:yang:noria-director"


def host(node):
    return f"10.99.0.{node}"


# -- The real server -------------------------------------------------------------------------------

def listen(port, talk):
    listening = socket.create_server(("", port), backlog=64)
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=converse, args=(connection, talk), daemon=True).start()


def converse(connection, talk):
    with connection, contextlib.suppress(OSError):  # a check wants no answer
        talk(connection)


def stream(connection):
    """Longer than any fault lasts."""
    for _ in range(MEGABYTES):
        connection.sendall(CHUNK)
        time.sleep(SECONDS / MEGABYTES)


def be_real_server():
    for setting in ("arp_ignore=1", "arp_announce=2"):
        run("sysctl", "-qw", f"net.ipv4.conf.all.{setting}")
    run("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
    for port, talk in ((80, lambda c: c.sendall(b"fine")), (81, stream)):
        threading.Thread(target=listen, args=(port, talk), daemon=True).start()
    answer_commands({"ping": lambda: True})


# -- A director ------------------------------------------------------------------------------------

class Director(Node):
    """A node that is a guest of its own; its methods are what the client commands."""

    def __init__(self, number):
        super().__init__(number, Daemon(tempfile.mkdtemp()))
        self.other = host(SECOND if number == FIRST else FIRST)

    def holds(self, address=ADDRESS):
        local = pathlib.Path("/proc/net/fib_trie").read_text(encoding="ascii")
        return re.search(rf"-- {re.escape(address)}\n\s*/32 host LOCAL", local) is not None

    def ping(self):
        return True

    def configure(self, content):
        with self.daemon.session() as session:
            session.set(content)
        return True

    def start(self):
        self.daemon.start()
        return True

    def kill(self, *what):
        """As crashes would."""
        if "noriad" in what:
            self.daemon.kill()
        if "keepalived" in what:
            self.kill_keepalived()
        return True

    def call(self, operation):
        with self.daemon.session() as session:
            session.rpc(action(operation))
        return True

    def status(self):
        """State, how often it became master, whether it has the address, alarms; in one request."""
        with self.daemon.session() as session:
            text = session.data("get", STATUS)
        states = re.findall(r"<state>(\w+)</state>", text)
        counts = re.findall(r"<master-transitions>(\d+)<", text)
        alarms = [kind for kind, over in re.findall(
            r"<alarm-type-id[^>]*>([^<]*)</.*?<is-cleared>(\w+)<", text, re.S) if over == "false"]
        return [states[0], int(counts[0]), self.holds(), alarms]

    def synchronises(self):
        """The daemons that run."""
        return re.findall(r"(master|backup) sync daemon", run("ipvsadm", "-l", "--daemon"))

    def later(self, *steps):
        """What takes the network away cannot be answered: it happens soon."""
        def work():
            for seconds, step in steps:
                time.sleep(seconds)
                step()
        threading.Thread(target=work, daemon=True).start()
        return True

    def link_down(self, seconds):
        return self.later((0.2, lambda: run("ip", "link", "set", "eth0", "down")),
                          (seconds, lambda: run("ip", "link", "set", "eth0", "up")))

    def cut(self, whether):
        """The way to the other director alone: what is sent there goes to a station that is not."""
        if whether:
            run("ip", "neigh", "replace", self.other, "lladdr", "02:00:00:00:00:01", "dev", "eth0",
                "nud", "permanent")
        else:
            run("ip", "neigh", "del", self.other, "dev", "eth0")
        return True

    def halt(self):
        return self.later((0.2, lambda: ctypes.CDLL(None).reboot(RB_POWER_OFF)))

    def log(self):
        return self.daemon.log()


def answer_commands(commands):
    ended = threading.Event()
    listening = xmlrpc.server.SimpleXMLRPCServer(("", COMMANDS), logRequests=False, allow_none=True)
    if isinstance(commands, dict):
        for name, function in commands.items():
            listening.register_function(function, name)
    else:
        listening.register_instance(commands)
    listening.register_function(lambda: ended.set() or True, "end")
    while not ended.is_set():
        listening.handle_request()


def be_director(number):
    run("modprobe", "ip_vs")
    director = Director(number)
    director.start()
    answer_commands(director)
    director.daemon.stop()
    director.kill_keepalived()


# -- The client ------------------------------------------------------------------------------------

class Requests:
    """One after the other, all the time."""

    def __init__(self):
        self.fine = self.lost = 0
        threading.Thread(target=self.ask, daemon=True).start()

    def ask(self):
        while True:
            try:
                with socket.create_connection((ADDRESS, 80), timeout=5) as connection:
                    connection.settimeout(5)
                    answered = connection.recv(9) == b"fine"
            except OSError:
                answered = False
            self.fine += answered
            self.lost += not answered
            time.sleep(0.05)

    def more(self, what):
        wanted = self.fine + 10
        wait_for(lambda: self.fine >= wanted, f"answers after {what}")


class Transfer:
    """Everything that the real server streams, or as much as comes."""

    def __init__(self):
        self.size = self.sum = 0
        self.error = None
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def take(self):
        try:
            with socket.create_connection((ADDRESS, 81), timeout=120) as connection:
                while data := connection.recv(1 << 18):
                    self.size += len(data)
                    self.sum = zlib.crc32(data, self.sum)
        except OSError as error:
            self.error = error

    def under_way(self):
        """Long enough for the backup to know of the connection: the kernel sends within seconds."""
        begun = time.monotonic()
        wait_for(lambda: self.size > len(CHUNK) and time.monotonic() > begun + 4,
                 "the transfer to be under way")

    def whole(self):
        self.thread.join(240)
        expected = 0
        for _ in range(MEGABYTES):
            expected = zlib.crc32(CHUNK, expected)
        return self.size == MEGABYTES * len(CHUNK) and self.sum == expected


def configuration(number, port=80):
    """A virtual server whose health depends on a port of the real server; and the virtual router."""
    checked = health(PATIENT + check("port", content=f"<connect-port>{port}</connect-port>"))
    web, bulk = [server(name, "<forwarding-method>dr</forwarding-method>" + more
                        + real(host(REAL), at), ADDRESS, at)
                 for name, at, more in (("web", 80, checked), ("bulk", 81, ""))]
    peer = host(SECOND if number == FIRST else FIRST)
    return servers(web + bulk) + vrrp(
        "<instance><name>web</name><interface>eth0</interface>"
        f"<virtual-router-id>51</virtual-router-id><priority>{200 - 40 * number}</priority>"
        f"<unicast-peer><address>{peer}</address></unicast-peer><virtual-address><address>{ADDRESS}"
        "</address><prefix-length>24</prefix-length></virtual-address><track-virtual-server>"
        "<virtual-server>web</virtual-server><weight>-100</weight></track-virtual-server>"
        "</instance>")


SYNC = (f'<directors xmlns="{DIRECTOR}"><director><name>main</name><sync-daemon>'
        "<master><interface>eth0</interface></master><backup><interface>eth0</interface></backup>"
        f'<vrrp-instance xmlns="{VRRP}">web</vrrp-instance></sync-daemon></director></directors>')


class Lab:
    """The directors, seen by the client."""

    def __init__(self):
        socket.setdefaulttimeout(90)
        self.directors = [self.reach(node) for node in (FIRST, SECOND)]
        self.first, self.second = self.directors
        self.real = self.reach(REAL)
        for number, director in zip((FIRST, SECOND), self.directors):
            director.configure(configuration(number))
        self.settle("the start")
        self.requests = Requests()
        self.requests.more("the start")

    @staticmethod
    def reach(node):
        proxy = xmlrpc.client.ServerProxy(f"http://{host(node)}:{COMMANDS}", allow_none=True)

        def answers():
            try:
                return proxy.ping()
            except OSError:
                return False
        wait_for(answers, f"node {node}")
        return proxy

    @staticmethod
    def status(director):
        try:
            return director.status()
        except (OSError, xmlrpc.client.Fault, IndexError):
            return [None, 0, None, []]

    def settle(self, what):
        """The first is the master, and both agree."""
        def settled():
            first, second = (self.status(director) for director in self.directors)
            return (first[0], first[2], second[0], second[2]) == ("master", True, "backup", False)
        wait_for(settled, f"the first to be the master after {what}", 120)

    def moves(self, what, fault, cure=lambda: None):
        """The address moves, requests go on, and after the cure it comes back."""
        before, lost = self.status(self.second)[1], self.requests.lost
        begun = time.monotonic()
        fault()
        wait_for(lambda: self.status(self.second)[1] > before, f"the second after {what}")
        took = time.monotonic() - begun
        self.requests.more(what)
        cure()
        self.settle(what)
        self.requests.more(f"the end of {what}")
        print(f"ok {what}: {took:.1f} s, {self.requests.lost - lost} requests lost; all over in "
              f"{time.monotonic() - begun:.1f} s", flush=True)


def without_synchronisation(lab):
    """So that it is seen what synchronisation is for."""
    transfer = Transfer()
    transfer.under_way()
    lab.moves("the death of both", lambda: lab.first.kill("noriad", "keepalived"), lab.first.start)
    assert not transfer.whole() and transfer.error, "a connection that nobody knew of went on"


def orders_and_checks(lab):
    order = f'<override-priority xmlns="{VRRP}"><priority>20</priority></override-priority>'
    lab.moves("the death of keepalived", lambda: lab.first.kill("keepalived"))
    lab.moves("a link that is down", lambda: lab.first.link_down(8))
    lab.moves("another priority", lambda: lab.first.call(order),
              lambda: lab.first.call(f'<resume xmlns="{VRRP}"/>'))
    lab.moves("the loss of the quorum", lambda: lab.first.configure(configuration(FIRST, 82)),
              lambda: lab.first.configure(configuration(FIRST)))
    assert "(quorum-lost: the quorum of the virtual server web is lost)" in lab.first.log()


def death_of_the_agent(lab):
    """The address stays."""
    lost = lab.requests.lost
    lab.first.kill("noriad")
    lab.requests.more("the death of the agent")
    assert lab.first.holds() and not lab.second.holds()
    lab.first.start()
    lab.settle("the death of the agent")
    assert lab.requests.lost == lost
    print("ok the death of the agent: nothing moves", flush=True)


def both_up_again(lab):
    """All is killed and started on both: one election, and no flap."""
    for director in lab.directors:
        director.kill("noriad", "keepalived")
    for director in lab.directors:
        director.start()
    lab.settle("the start of both")
    lab.requests.more("the start of both")
    counts = [lab.status(director)[1] for director in lab.directors]
    lost = lab.requests.lost
    stays(lambda: lab.first.holds() and not lab.second.holds(), "the first is the master", 4)
    assert [lab.status(director)[1] for director in lab.directors] == counts
    assert lab.requests.lost == lost
    print("ok both up again: no flap", flush=True)


def split_brain(lab):
    """It is an alarm as soon as the two hear anything of each other again."""
    def alarmed():
        return any("vrrp-split-brain" in alarm for alarm in lab.status(lab.first)[3])
    for director in lab.directors:
        director.cut(True)
    wait_for(lambda: lab.first.holds() and lab.second.holds(), "two masters")
    assert not alarmed()
    lab.second.cut(False)  # the first hears the second, and is not heard
    wait_for(alarmed, "the alarm")
    lab.first.cut(False)
    lab.settle("split brain")
    wait_for(lambda: not alarmed(), "the alarm to clear")
    print("ok split brain: noticed", flush=True)


def halt_with_synchronisation(lab):
    """A transfer outlives the guest that forwarded it."""
    for director in lab.directors:
        director.configure(SYNC)
    wait_for(lambda: [director.synchronises() for director in lab.directors]
             == [["master"], ["backup"]], "the synchronisation daemons to follow")
    transfer = Transfer()
    transfer.under_way()
    begun = time.monotonic()
    size = transfer.size
    lab.first.halt()
    wait_for(lambda: lab.status(lab.second)[0] == "master", "the second after a halt")
    wait_for(lambda: lab.second.synchronises() == ["master"], "its daemon to follow")
    lab.requests.more("a halt")
    assert size < MEGABYTES * len(CHUNK) * 0.9, "the transfer was over before the halt"
    assert transfer.whole(), f"{transfer.size} octets came: {transfer.error}"
    print(f"ok a halt: {time.monotonic() - begun:.1f} s until {MEGABYTES} MB were whole", flush=True)


def be_client():
    lab = Lab()
    try:
        for step in (without_synchronisation, orders_and_checks, death_of_the_agent, both_up_again,
                     split_brain, halt_with_synchronisation):
            step(lab)
        print("ok all", flush=True)
    except Exception:
        for director in lab.directors:
            with contextlib.suppress(Exception):
                print(director.log()[-5000:], flush=True)
        raise
    finally:
        socket.setdefaulttimeout(3)
        for end in (lab.first, lab.second, lab.real):
            with contextlib.suppress(Exception):
                end.end()


def main():
    node = int(os.environ["LAB_NODE"])
    os.chdir(pathlib.Path(__file__).parent)
    if node == CLIENT:
        be_client()
    elif node == REAL:
        be_real_server()
    else:
        be_director(node)


if __name__ == "__main__":
    subprocess.run(["sysctl", "-qw", "net.ipv4.tcp_retries2=8"], check=False)
    main()
