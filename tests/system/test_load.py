"""Clients that take more than their share: the others are served on time."""

import os
import pathlib
import resource
import socket
import subprocess
import sys
import threading
import time

import pytest

from netconf import (AGENT, BASE, RpcError, item, items, real, server, servers,
                     wait_for)

MESSAGES_OF_64K = (f'<netconf-server xmlns="{AGENT}"><max-message-size>65536</max-message-size>'
                   "</netconf-server>")

KEEPS_WHAT_IS_FREED = pytest.mark.skipif("sanitize" in os.environ.get("NORIA_BUILD", ""),
                                         reason="a sanitizer keeps what is freed")

# So long a read may take in any case, and else a part of what is done beside it: on a slow machine
# both take longer.
ON_TIME, PART = 2.0, 4


class Reader(threading.Thread):
    """Reads again and again in a session of its own, and notes the longest that it took."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_under_test = daemon
        self.over = threading.Event()
        self.longest = 0.0
        self.reads = 0
        self.begun = time.monotonic()

    def run(self):
        with self.daemon_under_test.session() as session:
            while not self.over.is_set():
                start = time.monotonic()
                session.data("running", f'<filter type="subtree"><snmp-agent xmlns="{AGENT}"/>'
                                        "</filter>")
                self.longest = max(self.longest, time.monotonic() - start)
                self.reads += 1
                self.over.wait(0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.join(120)
        assert self.reads > 3
        taken = time.monotonic() - self.begun
        assert self.longest < max(ON_TIME, taken / PART), \
            f"a read took {self.longest:.2f} s of {taken:.2f} s"


def resident_kb(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def test_a_request_of_100_mb(daemon, session):
    value = "v" * (100 << 20)
    with Reader(daemon), daemon.session(timeout=300) as large:
        large.edit(items(item("large", f"<value>{value}</value>")))
    assert session.data("running").count("<item>") == 0
    session.rpc("<discard-changes/>")


def test_a_client_that_does_not_read_its_replies(daemon, session):
    session.set(items("".join(item(f"i{n}", f"<value>{'v' * 1000}</value>") for n in range(1000))))
    with Reader(daemon) as reader, daemon.session() as stalled:
        stalled.socket.settimeout(2)
        request = (f'<rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
                   "</get-config></rpc>")
        try:
            for _ in range(2000):
                stalled.send(request)
        except TimeoutError:
            pass  # the agent takes no more of its requests: that is right, too
        wait_for(lambda: reader.reads > 100, "a hundred reads beside it", 300)
        with daemon.session() as other:
            other.set(items(item("more")))
    assert resident_kb(daemon) < 2_000_000, "so much for a client that does not read"


HELLO = (f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
         "</capability></capabilities></hello>]]>]]>").encode()
REQUEST = (f'<rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
           "</get-config></rpc>]]>]]>").encode()


@pytest.fixture(name="key")
def fixture_key(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


@pytest.fixture(name="distant")
def fixture_distant(daemon_factory, key):
    """A daemon that is reached over SSH, with a megabyte of configuration."""
    daemon = daemon_factory(start=False, null=True)
    daemon.config.write_text(daemon.default_configuration(
        "<user><name>admin</name><authorized-key>"
        f"{key.with_suffix('.pub').read_text().strip()}</authorized-key></user>"))
    daemon.start()
    with daemon.session() as session:
        session.set(items("".join(item(f"i{n}", f"<value>{'v' * 1000}</value>")
                                  for n in range(1000))))
    return daemon


def ssh(daemon, key):
    return subprocess.Popen(
        ["ssh", "-i", key, "-p", str(daemon.ssh_port), "-o", "StrictHostKeyChecking=no", "-o",
         "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-s", "admin@127.0.0.1", "netconf"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def small_request(number):
    return (f'<rpc xmlns="{BASE}" message-id="{number}"><get-config><source><running/></source>'
            '<filter type="subtree"><none xmlns="urn:none"/></filter></get-config></rpc>]]>]]>')


def check_many_ahead(send, receive):
    """Requests of 3 MB, by a client that sends all of them before it looks at a reply."""
    count = 15000
    sender = threading.Thread(
        target=lambda: send("".join(small_request(n) for n in range(count)).encode()))
    sender.start()
    replies = receive(count)
    sender.join(120)
    for number, reply in enumerate(replies):
        assert f'message-id="{number}"' in reply and "<data" in reply
    assert len(replies) == count


def test_requests_that_are_sent_ahead_are_all_answered(daemon, session):
    session.set(MESSAGES_OF_64K)
    with daemon.session(versions=("1.0",)) as client:
        check_many_ahead(client.send_bytes, lambda count: [client.receive() for _ in range(count)])


def test_requests_that_are_sent_ahead_over_ssh_are_all_answered(distant, key):
    with distant.session() as session:
        session.set(MESSAGES_OF_64K)

    def send(requests):
        client.stdin.write(HELLO + requests)
        client.stdin.close()  # the end of the input follows what was held back of it

    with ssh(distant, key) as client:
        check_many_ahead(send, lambda count:
                         client.stdout.read().decode().split("]]>]]>")[1:-1])
        assert client.wait(30) == 0


STOPPED = """
import os, signal, sys, paramiko
transport = paramiko.Transport(("127.0.0.1", int(sys.argv[1])))
transport.connect(username="admin", pkey=paramiko.Ed25519Key.from_private_key_file(sys.argv[2]))
channel = transport.open_session(window_size=0x7fffffff)
channel.invoke_subsystem("netconf")
channel.sendall(sys.stdin.buffer.read())
os.kill(os.getpid(), signal.SIGSTOP)
"""


@KEEPS_WHAT_IS_FREED
def test_a_window_without_end_takes_no_memory(distant, key):
    """The client lets us send 2 GB, and then its host stops."""
    with Reader(distant) as reader, subprocess.Popen(
            [sys.executable, "-c", STOPPED, str(distant.ssh_port), key],
            stdin=subprocess.PIPE) as stopped:
        try:
            before = resident_kb(distant)
            stopped.stdin.write(HELLO + REQUEST * 200)  # 200 MB of replies
            stopped.stdin.close()
            wait_for(lambda: "user admin from" in distant.log(), "the session to begin")
            start = reader.reads
            wait_for(lambda: reader.reads > start + 300, "reads beside it", 300)
            assert resident_kb(distant) < before + 60_000
        finally:
            stopped.kill()


def test_an_ssh_client_that_does_not_read_its_replies(distant, key):
    daemon = distant
    with Reader(daemon) as reader, ssh(daemon, key) as stalled:
        stalled.stdin.write(HELLO + REQUEST * 50)  # 50 MB of replies, into windows of 2 MB
        stalled.stdin.flush()
        wait_for(lambda: "user admin from" in daemon.log(), "the session to begin")
        before = reader.reads
        wait_for(lambda: reader.reads > before + 100, "a hundred reads beside it", 300)
        assert resident_kb(daemon) < 500_000
        stalled.kill()


def test_a_thousand_half_open_connections(daemon, session):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    silent = []
    try:
        with Reader(daemon):
            for n in range(1000):
                silent.append(socket.create_connection(("127.0.0.1", daemon.ssh_port), 20))
                if n % 2:  # on the way to a login, not just connected
                    silent[-1].send(b"SSH-2.0-half_open\r\n")
            with socket.create_connection(("127.0.0.1", daemon.ssh_port)) as late:
                late.settimeout(60)
                assert late.recv(4) == b"SSH-"
    finally:
        for client in silent:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert session.data("running")


def test_a_hundred_clients_commit_at_once(daemon):
    failures = []

    def work(number):
        try:
            with daemon.session() as client:
                client.edit(items(item(f"i{number}")), target="running")
        except (OSError, EOFError, RpcError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    with daemon.session() as session:
        assert session.data("running").count("<item>") == 100


@KEEPS_WHAT_IS_FREED
def test_what_large_work_took_is_given_back(daemon_factory):
    daemon = daemon_factory(null="all")
    many = "".join(server(f"s{n}", real("10.0.0.1", n) + real("10.0.0.2", n), "192.0.2.1", n)
                   for n in range(1, 4001))

    def memory():
        status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    empty = memory()
    with daemon.session() as session:
        session.edit(servers(many), target="running")
        wait_for(lambda: memory() < empty + 47, "the memory of the edit to be given back")
        for _ in range(2):
            assert session.data("get").count("<virtual-server ") == 0
        wait_for(lambda: memory() < empty + 47, "the memory of the reads to be given back")
    daemon.stop()
    daemon.start()
    wait_for(lambda: memory() < empty + 47, "the memory of the start to be given back")
