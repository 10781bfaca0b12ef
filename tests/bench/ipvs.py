"""IPVS at size, each figure beside what others need for the same in the same run.

    ipvs-load     10,000 x 4 by one edit-config and commit, beside ipvsadm-restore
    ipvs-edit     one weight by edit-config and commit, beside a reload of keepalived
    ipvs-restart  the agent begins with 10,000 x 4 in the kernel, beside one reading of the kernel

Each ends with a line 'ratio R'. Run by tools/bench on a kernel with ip_vs.
"""

import contextlib
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import SOURCE, Daemon  # noqa: E402
from figures import first_reply, load, milliseconds  # noqa: E402
from ipvs_netlink import WRITES, Kernel, Monitor  # noqa: E402
from netconf import real, server, servers, wait_for  # noqa: E402

REALS = 4
SMALL, LARGE = 1000, 10000
ROUNDS = 30
RELOADS = 5
MIDDLE = SMALL // 2  # the virtual server whose weight is changed, neither first nor last
WEB = ("198.51.100.80", 80)


def virtual(number):
    return f"192.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def reals(number):
    return [f"10.{number >> 8}.{number & 255}.{r}" for r in range(1, REALS + 1)]


def restore_text(count):
    """The table that figures.load() makes, as ipvsadm -Sn writes it."""
    lines = []
    for i in range(count):
        lines.append(f"-A -t {virtual(i)}:80 -s wlc")
        lines += [f"-a -t {virtual(i)}:80 -r {address}:80 -m -w 1" for address in reals(i)]
    return "\n".join(lines) + "\n"


def saved():
    return sorted(subprocess.run(["ipvsadm", "-Sn"], check=True, capture_output=True,
                                 text=True).stdout.splitlines())


def new_module():
    """An empty table: what was deleted is kept for minutes, and slows what is added."""
    subprocess.run(["ipvsadm", "-C"], check=True)
    subprocess.run(["modprobe", "-r", "ip_vs_wlc"], check=True)
    subprocess.run(["modprobe", "-r", "ip_vs"], check=True)
    subprocess.run(["modprobe", "ip_vs"], check=True)


@contextlib.contextmanager
def agent():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder).start()
        try:
            yield daemon
        finally:
            daemon.stop()
    new_module()


def build(folder, name):
    program = pathlib.Path(folder) / name
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libnl-genl-3.0"], check=True,
                           capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-O2", "-o", program, SOURCE / "tests" / "bench" / f"{name}.c", *flags],
                   check=True)
    return program


def bench_load():
    took = []
    for _ in range(3):
        with agent() as daemon, daemon.session(timeout=600) as session:
            took.append(load(session, LARGE))
            made = saved()
    print(f"ipvs-load: noriad:          {milliseconds(took)}", flush=True)
    text = restore_text(LARGE)
    start = time.perf_counter()
    subprocess.run(["ipvsadm", "-R"], input=text, text=True, check=True)
    restored = time.perf_counter() - start
    print(f"ipvs-load: ipvsadm-restore: {milliseconds([restored])}", flush=True)
    assert saved() == made and len(made) == LARGE * (1 + REALS), "the tables are the same"
    new_module()
    with tempfile.TemporaryDirectory() as folder:
        bare = float(subprocess.run([build(folder, "fill"), str(LARGE)], check=True,
                                    capture_output=True, text=True).stdout)
    assert saved() == made, "the tables are the same"
    print(f"ipvs-load: bare messages:   {milliseconds([bare])}, ratio {bare / restored:.2f}: the "
          "least that anybody needs", flush=True)
    return statistics.median(took) / restored


def kernel_weight(kernel):
    """Of the middle virtual server's last real server; None if the kernel does not have it."""
    return kernel.weights(virtual(MIDDLE), 80).get((reals(MIDDLE)[-1], 80))


def edit_with_agent(size):
    """Seconds of each edit-config and commit of one weight, until the kernel has it."""
    took = []
    kernel = Kernel()
    with agent() as daemon, daemon.session(timeout=600) as session:
        load(session, size)
        for weight in range(2, 2 + ROUNDS):
            edit = servers(server(f"s{MIDDLE:05}",
                                  real(reals(MIDDLE)[-1], 80, f"<weight>{weight}</weight>")))
            start = time.perf_counter()
            session.set(edit)
            assert kernel_weight(kernel) == weight, "the kernel has it"
            took.append(time.perf_counter() - start)
    print(f"ipvs-edit: {size:6} x {REALS}: noriad:     {milliseconds(took)}", flush=True)
    return statistics.median(took)


def keepalived_text(size, weight):
    """The same table, with a weight for the last real server of the middle one."""
    parts = ["global_defs {\n lvs_flush_on_stop\n}\n"]
    for i in range(size):
        parts.append(f"virtual_server {virtual(i)} 80 {{\n lb_algo wlc\n lb_kind NAT\n"
                     " protocol TCP\n")
        for address in reals(i):
            own = weight if i == MIDDLE and address == reals(i)[-1] else 1
            parts.append(f" real_server {address} 80 {{\n  weight {own}\n }}\n")
        parts.append("}\n")
    return "".join(parts)


def edit_with_keepalived(size):
    """Seconds from SIGHUP until the kernel has the weight."""
    took = []
    kernel = Kernel()
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "keepalived.conf"
        config.write_text(keepalived_text(size, 1))
        pids = [f"--{name}={folder}/{name}" for name in ("pid", "checkers_pid")]
        process = subprocess.Popen(["keepalived", "-C", "-n", "-G", "-f", config, *pids],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: len(saved()) == size * (1 + REALS), "keepalived's table", 300)
            for weight in range(2, 2 + RELOADS):
                config.write_text(keepalived_text(size, weight))
                start = time.perf_counter()
                os.kill(process.pid, signal.SIGHUP)
                while kernel_weight(kernel) != weight:
                    assert time.perf_counter() - start < 60, "keepalived reloads"
                    time.sleep(0.002)  # until it has
                took.append(time.perf_counter() - start)
                time.sleep(1)  # let it end what else it does to reload
        finally:
            process.terminate()
            process.wait(60)
    new_module()
    print(f"ipvs-edit: {size:6} x {REALS}: keepalived: {milliseconds(took)}", flush=True)
    return statistics.median(took)


def bench_edit():
    keepalived = edit_with_keepalived(SMALL)
    small, large = (edit_with_agent(size) for size in (SMALL, LARGE))
    print(f"ipvs-edit: {LARGE} against {SMALL}: {large / small:.2f} (1.5 at most)", flush=True)
    return small / keepalived


class Traffic:
    """One long connection through the web service, and new ones without a pause."""

    def __enter__(self):
        subprocess.run(["ip", "address", "add", f"{WEB[0]}/32", "dev", "lo"], check=True)
        self.listener = socket.create_server(("127.0.0.1", 8080), backlog=64)
        self.over = False
        self.made, self.lost = 0, []
        self.threads = [threading.Thread(target=self._serve, daemon=True),
                        threading.Thread(target=self._ask)]
        for thread in self.threads:
            thread.start()
        return self

    def _serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    @staticmethod
    def _echo(connection):
        with connection:
            while data := connection.recv(64):
                connection.sendall(data)

    @staticmethod
    def _exchange(connection, data):
        connection.sendall(data)
        if connection.recv(64) != data:
            raise OSError("the connection ended")

    def _ask(self):
        try:
            with socket.create_connection(WEB, 10) as long:
                while not self.over:
                    self._exchange(long, b"long")
                    with socket.create_connection(WEB, 10) as short:
                        self._exchange(short, b"short")
                    self.made += 1
                    time.sleep(0.005)  # the guest has one processor
        except OSError as error:
            self.lost.append(error)

    def more(self, count):
        wanted = self.made + count
        wait_for(lambda: self.lost or self.made >= wanted, f"{count} connections", 60)
        assert not self.lost, f"after {self.made} connections: {self.lost}"

    def __exit__(self, *exc):
        self.over = True
        self.threads[1].join()
        subprocess.run(["ip", "address", "del", f"{WEB[0]}/32", "dev", "lo"], check=True)
        print(f"ipvs-restart: {self.made} connections meanwhile, {len(self.lost)} lost")


def read_kernel(program):
    """Seconds of one reading of all services and destinations."""
    took = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return float(took)


def bench_restart():
    with tempfile.TemporaryDirectory() as folder, agent() as daemon:
        program = build(folder, "dump")
        with daemon.session(timeout=600) as session:
            load(session, LARGE)
            session.set(servers(server("web", real("127.0.0.1", 8080), *WEB)))
        took, dumps = [], []
        for _ in range(5):
            daemon.stop()
            dumps.append(read_kernel(program))
            took.append(first_reply(daemon))
        print(f"ipvs-restart: one reading of the kernel: {milliseconds(dumps)}")
        start = time.perf_counter()
        saved()
        print(f"ipvs-restart: ipvsadm -Sn:               "
              f"{milliseconds([time.perf_counter() - start])}")
        print(f"ipvs-restart: from start to first reply: {milliseconds(took)}", flush=True)
        daemon.stop()
        with Monitor() as monitor, Traffic() as traffic:
            traffic.more(20)
            daemon.start()
            wait_for(lambda: monitor.counts["get-dest"] >= LARGE, "each service to be read", 60)
            traffic.more(20)
            daemon.stop()
            traffic.more(20)
        written = monitor.total(WRITES)
        asked = sum(monitor.counts.values()) - written
        print(f"ipvs-restart: {asked} messages that read, {written} that write", flush=True)
        assert not written, "a restart changes nothing"
        assert asked > LARGE, "and the messages are counted"
        daemon.start()
    return statistics.median(took) / statistics.median(dumps)


BENCHES = {"ipvs-load": bench_load, "ipvs-edit": bench_edit, "ipvs-restart": bench_restart}


def main(names):
    for name in names or BENCHES:
        print(f"ratio {BENCHES[name]():.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
