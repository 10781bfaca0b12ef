"""Fail-over: how long an address is without a director, beside keepalived alone.

Two pairs of nodes, namespaces on this machine: one pair is configured through the agents, in the
other keepalived runs alone, with the same timers. A client asks every millisecond. What is measured
is from the loss of the master to the first reply of the other node, once by the death of its
keepalived and once by that of its link. The loss comes just after an advertisement, so that chance
has no part in the time.

Then one of 200 instances is changed, from the request until the address that it got is there: by
edit-config and commit in a session that is open, and in keepalived's own file, which is written and
reloaded. A commit has keepalived try what changes before it is told, so what it is held against is
an operator who does the same: keepalived -t, then SIGHUP. Beside it there are keepalived's own way to
test a file, reload_check_config, and a reload of whatever is in it.
The last line is 'ratio R': the agent's median time of a fail-over, over keepalived's.
"""

import contextlib
import ctypes
import os
import pathlib
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import Daemon  # noqa: E402
from netconf import wait_for  # noqa: E402
from vrrp import Node, instance, run, vrrp  # noqa: E402

ROUNDS = 9  # of each kind of loss
PORT = 7000
INTERVAL = 0.001  # seconds between requests
AFTER = 0.2  # seconds that requests go on after the first reply of the other
INSTANCES, CHANGES = 200, 15
PAUSE = 0.8  # seconds between changes: the agent asks for an account half a second after one
LOSSES = ("death", "link")
IP_FREEBIND = 15
CLONE_NEWNET = 0x40000000
VRRP_PROTOCOL, VRRP_GROUP = 112, "224.0.0.18"

# Answers for an address that the node may not have yet: the request, and which node this is.
ECHO = f"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, {IP_FREEBIND}, 1)
s.bind((sys.argv[1], {PORT}))
while True:
    data, client = s.recvfrom(64)
    try:
        s.sendto(data + sys.argv[2].encode(), client)
    except OSError:
        pass  # the address has just gone
"""


def keepalived_instance(name, priority, interval, vrid, addresses):
    lines = "".join(f"  {a}/24\n" for a in addresses)
    return (f"vrrp_instance {name} {{\n state BACKUP\n version 3\n interface eth0\n"
            f" virtual_router_id {vrid}\n priority {priority}\n advert_int {interval / 100}\n"
            f" virtual_ipaddress {{\n{lines} }}\n}}\n")


class Bare:
    """keepalived alone, as a node's daemon."""

    def __init__(self, folder, node):
        self.folder, self.node = pathlib.Path(folder), node
        self.folder.mkdir()
        self.run = self.folder / "run"
        (self.run / "vrrp").mkdir(parents=True)
        self.config = self.folder / "keepalived.conf"
        self.process = None

    def start(self):
        files = self.run / "vrrp"
        for file in files.iterdir():
            file.unlink()  # of one that was killed, whose identifier may be in use again
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.node, "keepalived", "-n", "-D", "-P", "-f", self.config,
             "-p", files / "keepalived.pid", "-r", files / "vrrp.pid"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)


class Pair:
    """Two nodes and their clients' side, which is a bridge; the first node is the master."""

    def __init__(self, name, folder, number):
        self.name = name
        self.subnet = f"10.9.{number}"
        self.address = f"{self.subnet}.1"
        self.bridge = f"fo{number}-{os.getpid()}"
        self.folder = folder
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{self.subnet}.254/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        self.nodes = [self.add_node(number, which) for which in (1, 2)]
        self.echoes = [subprocess.Popen(["ip", "netns", "exec", node.name, "/usr/bin/python3", "-c",
                                         ECHO, self.address, str(which)])
                       for which, node in enumerate(self.nodes, 1)]

    def add_node(self, number, which):
        node = Node(f"{number}{which}", None)
        node.port = f"fo{number}{which}-{os.getpid()}"
        run("ip", "netns", "add", node.name)
        run("ip", "link", "add", node.port, "type", "veth", "peer", "name", "eth0", "netns",
            node.name)
        run("ip", "link", "set", node.port, "master", self.bridge, "up")
        for command in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                        ["addr", "add", f"{self.subnet}.{10 + which}/24", "dev", "eth0"]):
            run("ip", "-n", node.name, *command)
        node.daemon = self.daemon(node, which)
        return node

    def set(self, node, instances):
        """Configure instances, each (name, priority, interval, vrid, addresses)."""
        raise NotImplementedError

    def changer(self, node):
        """A context of what changes one instance and leaves the others as they are."""
        raise NotImplementedError

    def daemon(self, node, which):
        """What runs in a node."""
        raise NotImplementedError

    def mend(self, how):
        """Undo a loss, and wait until the first node is the master again."""
        first = self.nodes[0]
        if how == "link":
            run("ip", "link", "set", first.port, "up")
        else:
            first.daemon.stop()
            first.daemon.start()
        self.wait()

    def wait(self):
        wait_for(lambda: self.nodes[0].holds(self.address) and not
                 self.nodes[1].holds(self.address), f"{self.name}: the election")

    def close(self):
        for process in self.echoes:
            process.kill()
            process.wait()
        for node in self.nodes:
            node.daemon.stop()
            node.kill_keepalived()
            run("ip", "netns", "del", node.name)
        run("ip", "link", "del", self.bridge)


class AgentPair(Pair):
    def daemon(self, node, which):
        folder = self.folder / f"{self.name}{which}"
        folder.mkdir()
        return Daemon(folder, null="all", prefix=["ip", "netns", "exec", node.name]).start()

    @staticmethod
    def element(name, priority, interval, vrid, addresses):
        more = "".join(f"<virtual-address><address>{a}</address><prefix-length>24</prefix-length>"
                       "</virtual-address>" for a in addresses[1:])
        text = instance(name, priority, more, vrid, addresses[0])
        return text.replace("interval>10<", f"interval>{interval}<").replace(
            "<instance>", '<instance nc:operation="replace">')

    def set(self, node, instances):
        with node.daemon.session() as session:
            session.set(vrrp("".join(self.element(*one) for one in instances)))

    @contextlib.contextmanager
    def changer(self, node):
        with node.daemon.session() as session:
            yield lambda others, changed: session.set(vrrp(self.element(*changed)))


class BarePair(Pair):
    def daemon(self, node, which):
        return Bare(self.folder / f"{self.name}{which}", node.name)

    checked = False  # whether keepalived tests a file before it takes it
    tested = False  # whether an operator does

    def set(self, node, instances):
        text = "global_defs {\n reload_check_config\n}\n" if self.checked else ""
        text += "".join(keepalived_instance(*one) for one in instances)
        node.daemon.config.write_text(text)
        if self.tested:
            run_within(node, "keepalived", "-t", "-P", "-f", str(node.daemon.config))
        if not node.daemon.process:
            node.daemon.start()
        else:
            os.kill(node.keepalived(), signal.SIGHUP)

    @contextlib.contextmanager
    def changer(self, node):
        yield lambda others, changed: self.set(node, [*others, changed])


def run_within(node, *command):
    """Run a command in a node, with as little beside it as can be."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (open("/proc/self/ns/net", "rb") as here,
          open(f"/run/netns/{node.name}", "rb") as there):
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        process = os.posix_spawnp(command[0], command, os.environ)
        assert libc.setns(here.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    _, status = os.waitpid(process, 0)
    assert status == 0, f"{command}: status {status}"


def listener(bridge, subnet):
    """Hears the pair's advertisements."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP_PROTOCOL)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                   socket.inet_aton(VRRP_GROUP) + socket.inet_aton(f"{subnet}.254"))
    return raw


class Client:
    """Asks every millisecond, and notes who answered what and when."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.address = address
        self.sent = 0
        self.answered = set()
        self.due = time.monotonic()

    def turn(self):
        """Until the next request is due, and send it. Returns whether the second node answered."""
        other = False
        while True:
            left = self.due - time.monotonic()
            ready, _, _ = select.select([self.socket], [], [], max(left, 0))
            if not ready:
                break
            data, _ = self.socket.recvfrom(64)
            self.answered.add(struct.unpack("!I", data[:4])[0])
            other = other or data[4:] == b"2"
            if other:
                return True
        self.due = max(self.due + INTERVAL, time.monotonic() - INTERVAL)
        try:
            self.socket.sendto(struct.pack("!I", self.sent), (self.address, PORT))
        except OSError:
            pass  # nobody is known to have the address: a request that is lost
        self.sent += 1
        return other


def lose(node, how):
    if how == "death":
        node.kill_keepalived()
    else:
        run("ip", "link", "set", node.port, "down")


def fail_over(pair, how):
    """Seconds from the loss to the first reply of the other node, and requests lost."""
    client, advertisements = Client(pair.address), listener(pair.bridge, pair.subnet)
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        assert not client.turn(), "the second node is not the master"
    advertisements.setblocking(False)
    while True:  # what has been waiting is old
        try:
            advertisements.recv(256)
        except BlockingIOError:
            break
    while not select.select([advertisements], [], [], 0)[0]:
        client.turn()
    lost_at = time.monotonic()
    lose(pair.nodes[0], how)
    while not client.turn():
        assert time.monotonic() < lost_at + 20, f"{pair.name}: nobody took over"
    took = time.monotonic() - lost_at
    end = time.monotonic() + AFTER
    while time.monotonic() < end:
        client.turn()
    client.turn()
    # The last requests may still be under way.
    lost = sum(1 for number in range(client.sent - 20) if number not in client.answered)
    return took, lost


def fail_overs(pairs):
    took = {(pair.name, how): [] for pair in pairs for how in LOSSES}
    lost = {key: [] for key in took}
    for _ in range(ROUNDS):
        for how in LOSSES:
            for pair in pairs:
                seconds, requests = fail_over(pair, how)
                took[pair.name, how].append(seconds)
                lost[pair.name, how].append(requests)
                pair.mend(how)
    for how in LOSSES:
        for pair in pairs:
            times = took[pair.name, how]
            print(f"failover: {pair.name:10} {how:5} {statistics.median(times) * 1000:7.1f} ms (of "
                  f"{len(times)}, {min(times) * 1000:.1f} to {max(times) * 1000:.1f}), "
                  f"{statistics.median(lost[pair.name, how]):.0f} requests lost of one a "
                  "millisecond", flush=True)
    return [statistics.median([s for how in LOSSES for s in took[pair.name, how]])
            for pair in pairs]


def many(subnet):
    """All instances but the one that is changed."""
    numbers = [n for n in range(1, INSTANCES + 1) if n != 51]
    return [(f"i{n}", 100, 100, n, [f"{subnet}.{n + 20}"]) for n in numbers]


def change(pair, address):
    """Seconds until a second address that the last instance gets is there."""
    node = pair.nodes[0]
    others = many(pair.subnet)
    told = subprocess.Popen(["ip", "-n", node.name, "-o", "monitor", "address"],
                            stdout=subprocess.PIPE, text=True)
    try:
        with pair.changer(node) as make:
            time.sleep(PAUSE)  # until it listens, and the last reload is over
            start = time.monotonic()
            make(others, ("web", 150, 100, 51, [pair.address, address]))
            for line in told.stdout:
                if f"inet {address}/" in line and "Deleted" not in line:
                    return time.monotonic() - start
    finally:
        told.kill()
        told.wait()


def changes(pairs):
    """Medians of the times that a change of one instance of many takes, by who does it how."""
    ours, bare = pairs
    kinds = (("noriad", ours, False, False), ("keepalived -t, SIGHUP", bare, False, True),
             ("reload_check_config", bare, True, False), ("SIGHUP alone", bare, False, False))
    took = {name: [] for name, _, _, _ in kinds}
    for pair in pairs:
        web = ("web", 150, 100, 51, [pair.address])
        pair.set(pair.nodes[0], [*many(pair.subnet), web])
        last = many(pair.subnet)[-1][4][0]
        wait_for(lambda: pair.nodes[0].holds(last) and pair.nodes[0].holds(pair.address),
                 f"{pair.name}: {INSTANCES} masters", 60)
    for number in range(CHANGES + 1):
        for which, (name, pair, checked, tested) in enumerate(kinds):
            # A reload goes by the file that was read before: let it know.
            if pair is bare and pair.checked != checked:
                pair.checked = checked
                change(pair, f"{pair.subnet}.{252 - checked}")
            bare.tested = tested
            took[name].append(change(pair, f"{pair.subnet}.{228 + 2 * which + number % 2}"))
            bare.tested = False
    for name, times in took.items():
        del times[0]  # warms up
        print(f"failover: {name:21} one of {INSTANCES} instances changed in "
              f"{statistics.median(times) * 1000:.1f} ms (of {len(times)}, "
              f"{min(times) * 1000:.1f} to {max(times) * 1000:.1f})", flush=True)
    return {name: statistics.median(times) for name, times in took.items()}


def main():
    with tempfile.TemporaryDirectory() as folder:
        pairs = []
        try:
            for number, kind, name in ((1, AgentPair, "noriad"), (2, BarePair, "keepalived")):
                pairs.append(kind(name, pathlib.Path(folder), number))
                for node, priority in zip(pairs[-1].nodes, (150, 100)):
                    pairs[-1].set(node, [("web", priority, 10, 51, [pairs[-1].address])])
                pairs[-1].wait()
            ours, theirs = fail_overs(pairs)
            changed = changes(pairs)
        finally:
            for pair in pairs:
                pair.close()
    mine = changed.pop("noriad")
    for name, theirs_changed in changed.items():
        print(f"failover: change of one of {INSTANCES} instances, over {name}: "
              f"{mine / theirs_changed:.2f}{' (1.1 at most)' if '-t' in name else ''}")
    print(f"ratio {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
