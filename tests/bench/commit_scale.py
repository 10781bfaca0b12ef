"""What one small commit costs beside little and beside much configuration, and what much costs.

All in one run, on any machine: virtual servers are the null backend's (--with-null-backend=all), so
what is measured is the agent and no kernel. The last line is 'ratio R': the median edit-config and
commit of one leaf with 10,000 virtual servers, over that with 100, without the time of the disk.
"""

import itertools
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "system"))

from daemon import BUILD, PERMIT_ADMIN, YANG_DIRS, Daemon  # noqa: E402
from netconf import BASE, END, SERVERS, real, server, servers  # noqa: E402

SMALL, LARGE, REALS = 100, 10000, 4
WARM_UP, ROUNDS, BLOCK = 20, 400, 20
CLIENTS, CLIENT_ROUNDS = 100, 10
MEMORY = "/dev/shm"
REST = 1  # for what is still at work after its reply
USER = "admin"


class Client:
    """A session that adds no time of its own: whole messages out, bytes in until the end mark.

    Over a pair of descriptors: the local socket, or the pipes of OpenSSH's client.
    """

    def __init__(self, put, take):
        self.put, self.take = put, take
        self.receive(END)
        hello = (f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:'
                 "base:1.1</capability></capabilities></hello>").encode()
        os.write(self.put, hello + END)

    def receive(self, mark=b"\n##\n"):
        parts, tail = [], b""
        while not tail.endswith(mark):
            data = os.read(self.take, 1 << 20)
            if not data:
                raise EOFError("the session was closed")
            parts.append(data)
            tail = (tail + data)[-len(mark):]
        return b"".join(parts)

    def message(self, content):
        rpc = f'<rpc xmlns="{BASE}" message-id="1">{content}</rpc>'.encode()
        return b"\n#%d\n%s\n##\n" % (len(rpc), rpc)

    def send(self, data):
        while data:
            data = data[os.write(self.put, data[:1 << 20]):]

    def ask(self, data):
        self.send(data)
        reply = self.receive()
        assert b"rpc-error" not in reply, reply
        return reply


def local(daemon):
    """A client over the local socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(daemon.socket)
    client = Client(connection.fileno(), connection.fileno())
    client.socket = connection
    return client


def over_ssh(daemon):
    """A client over SSH, through OpenSSH."""
    process = subprocess.Popen(
        ["ssh", "-F", "none", "-i", daemon.folder / "key", "-p", str(daemon.ssh_port),
         "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "-o", "LogLevel=ERROR", "-s", f"{USER}@127.0.0.1", "netconf"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client = Client(process.stdin.fileno(), process.stdout.fileno())
    client.process = process
    return client


def edit(config):
    return (f"<edit-config><target><candidate/></target><config>{config}</config></edit-config>")


def name(number):
    return f"s{number:05}"


def configuration(count):
    """The XML of so many virtual servers."""
    return servers("".join(
        server(name(i), "".join(real(f"10.{i >> 8}.{i & 255}.{r}", 80)
                                for r in range(1, REALS + 1)),
               f"192.{i >> 16}.{i >> 8 & 255}.{i & 255}", 80) for i in range(count)))


def start(folder, size):
    """A daemon with so many virtual servers; and what it took to load them."""
    folder = pathlib.Path(folder) / str(size)
    folder.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"],
                   check=True)
    key = (folder / "key.pub").read_text().strip()
    daemon = Daemon(folder, null="all")
    daemon.config.write_text(daemon.default_configuration(
        f"<user><name>{USER}</name><authorized-key>{key}</authorized-key></user>") + PERMIT_ADMIN)
    daemon.start()
    client = local(daemon)
    load = client.message(edit(configuration(size)))
    commit = client.message("<commit/>")
    before = time.perf_counter()
    client.ask(load)
    edited = time.perf_counter()
    client.ask(commit)
    client.socket.close()
    return daemon, edited - before, time.perf_counter() - edited


class Changer:
    """Changes one leaf again and again and notes how long edit-config and commit take.

    Each weight is given once: a commit of what is there already would take no time.
    """

    weights = itertools.count(2)

    def __init__(self, client, size):
        self.client = client
        self.commit = client.message("<commit/>")
        self.size = size
        self.round = 0
        self.took = []

    def change(self, note=True):
        self.round += 1
        number = self.round * 37 % self.size
        where = real(f"10.{number >> 8}.{number & 255}.{REALS}", 80,
                     f"<weight>{next(self.weights)}</weight>")
        message = self.client.message(edit(servers(server(name(number), where))))
        before = time.perf_counter()
        self.client.ask(message)
        self.client.ask(self.commit)
        if note:
            self.took.append(time.perf_counter() - before)

    def median(self):
        return statistics.median(self.took)


def compare(what, changers, rounds=ROUNDS):
    """Let the sizes take turns, so that what else the machine does meets both; their ratio."""
    for changer in changers:
        for _ in range(WARM_UP):
            changer.change(note=False)
    for _ in range(rounds // BLOCK):
        for changer in changers:
            for _ in range(BLOCK):
                changer.change()
    for changer in changers:
        took = sorted(changer.took)
        print(f"{what}: {changer.size:6} x {REALS}: median {changer.median() * 1000:7.3f} ms, "
              f"90 % within {took[len(took) * 9 // 10] * 1000:.3f} ms (of {len(took)})", flush=True)
    ratio = changers[-1].median() / changers[0].median()
    print(f"{what}: {changers[-1].size} against {changers[0].size}: {ratio:.2f}", flush=True)
    return ratio


def bare(folder):
    """Seconds that libyang alone takes to parse, and to validate, the large configuration."""
    folder = pathlib.Path(folder)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libyang"], check=True,
                           capture_output=True, text=True).stdout.split()
    program, text = folder / "bare", folder / "servers.xml"
    subprocess.run(["cc", "-O2", "-o", program, SOURCE / "tests" / "bench" / "bare.c", *flags],
                   check=True)
    text.write_text(configuration(LARGE))
    runs = [subprocess.run([program, text, YANG_DIRS, "noria-virtual-server"], check=True,
                           capture_output=True, text=True).stdout.split() for _ in range(3)]
    return min(float(run[0]) for run in runs), min(float(run[1]) for run in runs)


def median_of(client, message, rounds):
    took = []
    for _ in range(rounds):
        before = time.perf_counter()
        reply = client.ask(message)
        took.append(time.perf_counter() - before)
    return statistics.median(took), len(reply)


def get_config(filter_=""):
    return f"<get-config><source><running/></source>{filter_}</get-config>"


def get(filter_):
    return f"<get>{filter_}</get>"


def subtree(content):
    return f'<filter type="subtree">{servers(content)}</filter>'


def reads(daemon, size):
    """One entry by its key; all of the configuration, and with its state."""
    client = local(daemon)
    one = subtree(f"<virtual-server><name>{name(size // 2)}</name></virtual-server>")
    xpath = (f'<filter type="xpath" xmlns:v="{SERVERS}" select="/v:virtual-servers/'
             f"v:virtual-server[v:name='{name(size // 2)}']\"/>")
    for what, message in (("get-config of one by its key, subtree filter", get_config(one)),
                          ("get-config of one by its key, XPath filter  ", get_config(xpath)),
                          ("get of one by its key, subtree filter       ", get(one))):
        seconds, _ = median_of(client, client.message(message), 100)
        print(f"{what}: {size:6} x {REALS}: {seconds * 1000:.3f} ms")
    for what, message in (("get-config of all", get_config()),
                          ("get of all       ", get(subtree("")))):
        seconds, length = median_of(client, client.message(message), 3)
        print(f"{what}: {size:6} x {REALS}: {seconds * 1000:.1f} ms, "
              f"{length / 1e6:.2f} MB, {length / 1e6 / seconds:.0f} MB/s", flush=True)
    client.socket.close()


def memory(daemon):
    """Resident MB."""
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def together(what, daemon, size):
    """Commits a second of many clients, each of which edits running (one transaction each)."""
    clients = [local(daemon) for _ in range(CLIENTS)]

    def work(at):
        client = clients[at]
        number = at * size // CLIENTS
        for round_ in range(CLIENT_ROUNDS):
            config = servers(server(name(number), real(
                f"10.{number >> 8}.{number & 255}.1", 80, f"<weight>{10 + round_}</weight>")))
            client.ask(client.message(f"<edit-config><target><running/></target><config>{config}"
                                      "</config></edit-config>"))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(CLIENTS)]
    before = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - before
    print(f"{what}: {CLIENTS} clients at once, {size} x {REALS}: "
          f"{CLIENTS * CLIENT_ROUNDS / seconds:.0f} commits/s", flush=True)
    for client in clients:
        client.socket.close()


def measure(what, folder, in_memory):
    """All figures with the state in one folder; the ratio of commits over the local socket."""
    daemons = {}
    try:
        for size in (SMALL, LARGE):
            daemons[size], edited, committed = start(folder, size)
            if in_memory and size == LARGE:
                parse, validate = bare(folder)
                print(f"loading {size} x {REALS}: edit-config {edited:.2f} s, commit "
                      f"{committed:.2f} s, together {edited + committed:.2f} s; libyang alone: "
                      f"{parse:.2f} s to parse, {validate:.2f} s to validate, so "
                      f"{(edited + committed) / (parse + validate):.1f} times")
                time.sleep(REST)
                print(f"resident memory with {size} x {REALS}: "
                      f"{memory(daemons[size]):.0f} MB", flush=True)
        ratio = compare(f"{what}, local socket",
                        [Changer(local(daemons[size]), size) for size in daemons])
        compare(f"{what}, SSH         ",
                [Changer(over_ssh(daemons[size]), size) for size in daemons], ROUNDS // 2)
        for size in daemons:
            if in_memory:
                reads(daemons[size], size)
        together(what, daemons[LARGE], LARGE)
        if in_memory:
            time.sleep(REST)
            print(f"resident memory after all that: {memory(daemons[LARGE]):.0f} MB")
        return ratio
    finally:
        for daemon in daemons.values():
            daemon.stop()


def main():
    disk = os.environ.get("NORIA_BENCH_DISK", str(BUILD))
    for what, where in (("with fsync", disk), ("no fsync  ", MEMORY)):
        folder = tempfile.mkdtemp(prefix="noria-bench.", dir=where)
        try:
            ratio = measure(what, folder, in_memory=where == MEMORY)
        finally:
            shutil.rmtree(folder)
    print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
