"""Requests through a virtual address, in namespaces of one kernel."""

import subprocess
import threading
import urllib.request

import pytest

from netconf import real, server, servers, wait_for

pytestmark = pytest.mark.kernel

HANDLER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = sys.argv[1].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer((sys.argv[2], 80), Handler).serve_forever()
"""

SETUP = """
ip netns add web1; ip netns add web2
ip link add inside type bridge; ip addr add 198.51.100.1/24 dev inside; ip link set inside up
for n in 1 2; do
  ip link add to-web$n type veth peer name eth0 netns web$n
  ip link set to-web$n master inside up
  ip -n web$n link set lo up
  ip -n web$n link set eth0 up
  ip -n web$n addr add 198.51.100.1$n/24 dev eth0
  ip -n web$n route add default via 198.51.100.1
done
ip addr replace 192.0.2.80/32 dev lo
ip netns add client
ip link add to-client type veth peer name eth0 netns client
ip link set to-client up; ip addr add 192.0.2.1/30 dev to-client
ip -n client link set eth0 up; ip -n client addr add 192.0.2.2/30 dev eth0
ip -n client route add default via 192.0.2.1
sysctl -qw net.ipv4.ip_forward=1
"""

# The links first: those of a namespace that is deleted go some time later.
CLEANUP = """
ip link del to-web1; ip link del to-web2; ip link del to-client; ip link del inside
ip netns del client; ip netns del web1; ip netns del web2
ip addr del 192.0.2.80/32 dev lo
"""

# Fetches until its standard input ends; prints each reply or failure.
CLIENT = """
import sys, threading, urllib.request
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
while not stop.is_set():
    try:
        print(urllib.request.urlopen("http://192.0.2.80/", timeout=10).read().decode(), flush=True)
    except Exception as error:
        print("LOST", error, flush=True)
"""


def set_up_network():
    """Also where another test left a part of one."""
    subprocess.run(["sh", "-c", CLEANUP], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["sh", "-e", "-c", SETUP], check=True)


@pytest.fixture(name="network")
def fixture_network(ipvs):
    set_up_network()
    processes = [subprocess.Popen(["ip", "netns", "exec", f"web{n}", "/usr/bin/python3", "-c",
                                   HANDLER, f"web{n}", f"198.51.100.1{n}"]) for n in (1, 2)]
    for n in (1, 2):
        wait_for(lambda n=n: fetch(f"http://198.51.100.1{n}/"), f"web{n} to answer")
    yield
    for process in processes:
        process.terminate()
        process.wait(10)
    subprocess.run(["sh", "-c", CLEANUP], check=True)


def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=10).read().decode()
    except OSError:
        return None


class Traffic:
    """Requests from the client's namespace, one after the other, as long as wanted."""

    def __enter__(self):
        self.replies = []
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", "client", "/usr/bin/python3", "-u", "-c", CLIENT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.replies.append(line.strip())

    def more(self, count):
        """Wait until so many more requests have been made."""
        wanted = len(self.replies) + count
        wait_for(lambda: len(self.replies) >= wanted, f"{count} more requests", 60)

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.wait(30)
        self.reader.join()


WEB = servers(server("web", "<scheduler>rr</scheduler>" + real("198.51.100.11", 80)
                     + real("198.51.100.12", 80), "192.0.2.80", 80))


def test_requests_alternate_and_are_counted(network, daemon, session):
    session.set(WEB)
    with Traffic() as traffic:
        traffic.more(20)
    assert set(traffic.replies) == {"web1", "web2"}
    assert all(a != b for a, b in zip(traffic.replies, traffic.replies[1:]))
    # The kernel adds its processors' counters up every two seconds.
    made = len(traffic.replies)
    wait_for(lambda: session.get("virtual-servers/virtual-server/statistics/connections")
             == [str(made)], f"{made} connections to be counted")
    per_server = session.get("virtual-servers/virtual-server/real-server/statistics/connections")
    assert sum(map(int, per_server)) == made
    for leaf in ("in-packets", "out-packets", "in-bytes", "out-bytes"):
        assert int(session.get(f"virtual-servers/virtual-server/statistics/{leaf}")[0]) > 0


def test_a_drained_server_gets_no_more_requests(network, daemon, session):
    session.set(WEB)
    with Traffic() as traffic:
        traffic.more(4)
        session.set(servers(server("web", real("198.51.100.11", 80, "<weight>0</weight>"))))
        start = len(traffic.replies) + 1
        traffic.more(10)
    assert set(traffic.replies[start:]) == {"web2"}
    assert "LOST" not in " ".join(traffic.replies)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_no_request_is_lost_while_the_agent_restarts(network, daemon, session, end):
    session.set(WEB)
    with Traffic() as traffic:
        for _ in range(3):
            traffic.more(5)
            getattr(daemon, end)()
            traffic.more(5)
            daemon.start()
            traffic.more(5)
    assert len(traffic.replies) >= 45
    assert not [reply for reply in traffic.replies if reply not in ("web1", "web2")]
