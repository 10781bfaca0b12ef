"""The figures: what a commit costs, and how soon a start answers, at several sizes in one run.

Absolute times differ from machine to machine: what counts is the ratio between the sizes. Run by
tools/bench on a kernel with ip_vs.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import Daemon  # noqa: E402
from netconf import Session, real, server, servers  # noqa: E402

ROUNDS = 30


def load(session, count):
    """count virtual servers with 4 real servers each, in one commit; the seconds it took."""
    config = servers("".join(
        server(f"s{i:05}", "".join(real(f"10.{i >> 8}.{i & 255}.{r}", 80) for r in range(1, 5)),
               f"192.{i >> 16}.{i >> 8 & 255}.{i & 255}", 80) for i in range(count)))
    start = time.perf_counter()
    session.set(config)
    return time.perf_counter() - start


def kernel_weight():
    table = subprocess.run(["ipvsadm", "-ln", "-t", "192.0.0.0:80"], check=True,
                           capture_output=True, text=True).stdout
    return int(table.splitlines()[-1].split()[3])


def milliseconds(seconds):
    return f"{statistics.median(seconds) * 1000:8.2f} ms (of {len(seconds)}, "\
           f"{min(seconds) * 1000:.2f} to {max(seconds) * 1000:.2f})"


def change_weights(session):
    """Seconds of each edit-config and commit of one weight."""
    took = []
    for weight in range(2, 2 + ROUNDS):
        edit = servers(server("s00000", real("10.0.0.4", 80, f"<weight>{weight}</weight>")))
        start = time.perf_counter()
        session.set(edit)
        took.append(time.perf_counter() - start)
    assert kernel_weight() == 1 + ROUNDS, "the kernel has the last weight"
    return took


def first_reply(daemon):
    """Seconds from the start of the program to the first NETCONF reply."""
    start = time.perf_counter()
    daemon.start(wait=False)
    while True:
        try:
            with Session(daemon.socket) as session:
                session.rpc("<get-config><source><running/></source>"
                            '<filter type="subtree"/></get-config>')
                return time.perf_counter() - start
        except (OSError, EOFError):
            assert daemon.process.poll() is None, daemon.log()
            time.sleep(0.001)  # until it answers


def weight(sizes):
    """One weight through edit-config and commit, in the kernel and on disk."""
    medians = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon(folder).start()
            with daemon.session() as session:
                loaded = load(session, size)
                took = change_weights(session)
            daemon.stop()
            subprocess.run(["ipvsadm", "-C"], check=True)
        medians.append(statistics.median(took))
        print(f"weight: {size:6} x 4 services: {milliseconds(took)}; loaded in {loaded:.2f} s",
              flush=True)
    return medians[-1] / medians[0]


def start(sizes):
    """From the start of the program to its first reply, with so much configured."""
    medians = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            daemon = Daemon(folder).start()
            with daemon.session() as session:
                load(session, size)
            took = []
            for _ in range(5):
                daemon.stop()
                took.append(first_reply(daemon))
            daemon.stop()
            subprocess.run(["ipvsadm", "-C"], check=True)
        medians.append(statistics.median(took))
        print(f"start:  {size:6} x 4 services: {milliseconds(took)}", flush=True)
    return medians[-1] / medians[0]


def main(names):
    benches = {"weight": (weight, [100, 1000, 10000]), "start": (start, [1, 1000])}
    for name in names or benches:
        bench, sizes = benches[name]
        ratio = bench(sizes)
        print(f"{name}: {sizes[-1]} against {sizes[0]} services: ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
