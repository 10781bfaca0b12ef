"""Health checks: how soon the kernel has done with what fails.

    detection     one server that is killed, or hangs: from then to its removal from the kernel
    mass          10,000 real servers that fail at once: from the last verdict to their removal,
                  and how soon NETCONF answers meanwhile
"""

import calendar
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

from health import HEALTH, check, health
from netconf import real, server, servers, wait_for

INTERVAL, TIMEOUT = 0.4, 0.3  # seconds
ROUNDS = 10
SERVICES, PER_SERVICE = 100, 100
PORT = 9000

GREETER = """
import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
while True:
    c, _ = s.accept()
    try:
        c.sendall(b"hello")
    except OSError:
        pass
    c.close()
"""


class Greeter:
    """A server that greets; it can be killed, and made to hang."""

    def __init__(self, port):
        self.port = port
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-c", GREETER, str(self.port)])

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait()


def table():
    """The kernel's, as it shows it."""
    return pathlib.Path("/proc/net/ip_vs").read_bytes()


def in_table():
    """Real servers in the kernel."""
    return table().count(b"->") - 1


def time_until(condition, limit):
    """Seconds until it is so, within a millisecond or two."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < limit, "in time"
        time.sleep(0.0005)
    return time.monotonic() - begin


def one_round(greeter, fault):
    """From a fault to the removal from the kernel; then all is well again."""
    wait_for(lambda: in_table() == 1, "the server in the kernel", 20)
    time.sleep(random.uniform(0, 2 * INTERVAL))
    fault()
    taken = time_until(lambda: in_table() == 0, 10)
    if greeter.process.poll() is None:
        greeter.signal(signal.SIGCONT)
        greeter.end()
    greeter.start()
    return taken


def bench_detection(daemon):
    greeter = Greeter(PORT)
    promised = INTERVAL + TIMEOUT
    with daemon.session() as session:
        session.set(servers(server("one", health(
            f"<delay-loop>{INTERVAL}</delay-loop><timeout>{TIMEOUT}</timeout><retry>0</retry>"
            f"<delay-before-retry>{INTERVAL}</delay-before-retry><warmup>0</warmup>"
            + check("greeting", "<tcp><step><number>1</number><expect>hello</expect></step></tcp>"))
            + real("127.0.0.1", PORT), "192.0.2.1", 80)))
        faults = {"killed": greeter.end, "hung": lambda: greeter.signal(signal.SIGSTOP)}
        for name, fault in faults.items():
            taken = sorted(one_round(greeter, fault) for _ in range(ROUNDS))
            print(f"health: a {name} server is out of the kernel after {taken[0] * 1e3:.0f} to "
                  f"{taken[-1] * 1e3:.0f} ms; interval + time-out are {promised * 1e3:.0f} ms, so "
                  f"the longest of {ROUNDS} is {(taken[-1] - promised) * 1e3:+.1f} ms (+10 at most)",
                  flush=True)
        session.set(servers(server("one", operation="delete")))
    greeter.end()


class Asker:
    """Asks by NETCONF again and again, on a thread, and keeps how long each answer took."""

    def __init__(self, daemon, name):
        self.daemon, self.name = daemon, name
        self.taken = []
        self.asking = threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        question = ('<get><filter type="subtree">'
                    f'{servers(server(self.name, health("")))}</filter></get>')
        with self.daemon.session() as session:
            while self.asking.is_set():
                begin = time.monotonic()
                session.rpc(question)
                self.taken.append(time.monotonic() - begin)
                time.sleep(0.005)

    def __enter__(self):
        self.asking.set()
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.asking.clear()
        self.thread.join()


def mass_configuration():
    """All real servers have one check in common, so that they fail at once."""
    checks = health("<delay-loop>2</delay-loop><timeout>1</timeout><retry>0</retry><warmup>0</warmup>"
                    + check("port", "<tcp/>", "<connect-address>127.0.0.1</connect-address>"
                            f"<connect-port>{PORT}</connect-port>"))
    return servers("".join(
        server(f"m{i}", checks + "".join(real(f"10.{i}.0.{j + 1}", 80) for j in range(PER_SERVICE)),
               f"192.0.2.{i + 1}", 80) for i in range(SERVICES)))


def bench_mass(daemon):
    greeter = Greeter(PORT)
    count = SERVICES * PER_SERVICE
    with daemon.session(timeout=600) as session:
        session.set(mass_configuration())
        wait_for(lambda: in_table() == count, "all in the kernel", 120)
        wait_for(lambda: has_run(session), "a check", 60)
        quiet = Asker(daemon, "m7")
        with quiet:
            time.sleep(3)
        with Asker(daemon, "m7") as asker:
            # Who has failed before, on a busy machine, has to be back: else there is no such pass.
            wait_for(lambda: in_table() == count, "all in the kernel again", 60)
            before = done(daemon)
            greeter.end()
            # To read the table again and again would keep a guest's only processor busy.
            wait_for(lambda: done(daemon) - before >= count, "a pass over all of them", 300)
            gone = time.time()
        assert in_table() == 0, "the kernel's table is empty"
        first, last = verdicts(session)
        session.set(servers("".join(server(f"m{i}", operation="delete") for i in range(SERVICES))))
    largest = max(passes(daemon), key=lambda p: int(p[0]))
    print(f"health: {count} real servers that fail at once are out of the kernel "
          f"{(gone - last) * 1e3:.0f} ms after the last verdict (1000 at most), "
          f"{(gone - first) * 1e3:.0f} ms after the first; {largest[0]} of them in one batch of "
          f"{float(largest[1]):.0f} ms", flush=True)
    print(f"health: meanwhile NETCONF answers within {max(asker.taken) * 1e3:.1f} ms (50 at most), "
          f"the longest of {len(asker.taken)}; in quiet times within {max(quiet.taken) * 1e3:.1f} ms",
          flush=True)


def passes(daemon):
    """(operations, milliseconds) of each batch that verdicts have made in the kernel."""
    return re.findall(r"steering: (\d+) operations on \d+ virtual servers in ([\d.]+) ms",
                      daemon.log())


def done(daemon):
    """Operations of all batches."""
    return sum(int(p[0]) for p in passes(daemon))


def verdicts(session):
    """When the first and the last verdict were, in seconds since 1970."""
    asked = servers("<virtual-server><real-server>" + health("<status><state/><since/></status>")
                    + "</real-server></virtual-server>")
    reply = session.rpc(f'<get><filter type="subtree">{asked}</filter></get>')
    times = re.findall(r"<state>down</state><since>([^<+]+)\+00:00<", reply)
    assert len(times) == SERVICES * PER_SERVICE, f"{len(times)} are down"
    seconds = [calendar.timegm(time.strptime(t[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + t[19:])
               for t in times]
    return min(seconds), max(seconds)


def has_run(session):
    """Whether a check has ended."""
    reply = session.rpc('<get><filter type="subtree"><health-engine '
                        f'xmlns="{HEALTH}"><runs/></health-engine></filter></get>')
    return "<runs>0<" not in reply
