"""A walk of KEEPALIVED-MIB's virtualServerTable by snmpbulkwalk, beside keepalived's own.

Time per variable of the agent as master and as subagent of snmpd, each over keepalived's behind the
same snmpd (-x), with 1,000 x 4; what it comes to with 10,000 x 4, between two measurements with
1,000; and what a commit of one weight costs while somebody walks without a pause. The last line is
'ratio R', that of the master. Run by tools/bench on a kernel with ip_vs; takes about five minutes.
"""

import contextlib
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import AGENT, free_port  # noqa: E402
from figures import load, milliseconds  # noqa: E402
from ipvs import LARGE, MIDDLE, REALS, SMALL, agent, keepalived_text, new_module, reals, saved  # noqa: E402
from netconf import real, server, servers, wait_for  # noqa: E402

TABLE = ".1.3.6.1.4.1.9586.100.5.3.3"
COMMITS = 60
PATIENCE = 150  # seconds; of a walk that is not over by then, the figure is that of its beginning
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def walk(port):
    """Seconds per variable of one walk, of as much of it as there is patience for."""
    count = 0
    start = time.perf_counter()
    with subprocess.Popen(["snmpbulkwalk", "-v", "2c", "-c", "public", "-t", "30", "-Onq",
                           f"127.0.0.1:{port}", TABLE], stdout=subprocess.PIPE) as process:
        for _ in process.stdout:
            count += 1
            if not count % 100 and time.perf_counter() - start > PATIENCE:
                process.terminate()
                break
        took = time.perf_counter() - start
    assert count > 1000, f"{count} variables"
    return took / count, count


def walks(port, whose, rounds):
    took, counts = zip(*(walk(port) for _ in range(rounds)))
    middle = statistics.median(took)
    print(f"snmp-walk: {whose:34} {middle * 1e6:8.1f} us a variable "
          f"(of {len(took)} walks, {min(took) * 1e6:.1f} to {max(took) * 1e6:.1f}; "
          f"{min(counts)} variables)", flush=True)
    return took


@contextlib.contextmanager
def snmpd(folder):
    """A master agent; its port and its socket for subagents."""
    import socket
    port, agentx = free_port(socket.SOCK_DGRAM), pathlib.Path(folder) / "agentx"
    configuration = pathlib.Path(folder) / "snmpd.conf"
    configuration.write_text(f"master agentx\nagentXTimeout 30\nagentXSocket {agentx}\n"
                             f"rocommunity public\nagentAddress udp:127.0.0.1:{port}\n")
    process = subprocess.Popen(
        ["snmpd", "-f", "-Lf", "/dev/null", "-C", "-c", configuration, "-p",
         f"{folder}/snmpd.pid"], env={**ENVIRONMENT, "SNMP_PERSISTENT_DIR": f"{folder}/snmp"})
    try:
        wait_for(agentx.exists, "snmpd's socket")
        yield port, agentx
    finally:
        process.terminate()
        process.wait(60)


def served(port):
    done = subprocess.run(["snmpgetnext", "-v", "2c", "-c", "public", "-t", "30", "-Onq",
                           f"127.0.0.1:{port}", TABLE], capture_output=True, text=True, check=False)
    return done.stdout.startswith(TABLE + ".")


def bench_keepalived():
    with tempfile.TemporaryDirectory() as folder, snmpd(folder) as (port, agentx):
        config = pathlib.Path(folder) / "keepalived.conf"
        config.write_text(keepalived_text(SMALL, 1).replace(
            "global_defs {", "global_defs {\n enable_snmp_checker", 1))
        process = subprocess.Popen(
            ["keepalived", "-C", "-n", "-G", "-x", "-A", agentx, "-f", config, "-p",
             f"{folder}/pid", "-c", f"{folder}/checkers"], env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: len(saved()) == SMALL * (1 + REALS), "keepalived's table", 300)
            wait_for(lambda: served(port), "keepalived's MIB", 60)
            took, count = walk(port)
        finally:
            process.terminate()
            process.wait(120)
    new_module()
    print(f"snmp-walk: keepalived, {SMALL} x {REALS}: {took * 1e6:26.1f} us a variable "
          f"(one walk; {count} variables)", flush=True)
    return took


def commits(session, first):
    """Seconds of each edit-config and commit of one weight."""
    took = []
    for weight in range(first, first + COMMITS):
        edit = servers(server(f"s{MIDDLE:05}",
                              real(reals(MIDDLE)[-1], 80, f"<weight>{weight}</weight>")))
        start = time.perf_counter()
        session.set(edit)
        took.append(time.perf_counter() - start)
    return took


@contextlib.contextmanager
def walking(port):
    """Somebody walks all the time."""
    over = threading.Event()

    def loop():
        while not over.is_set():
            subprocess.run(["timeout", "30", "snmpbulkwalk", "-v", "2c", "-c", "public", "-Onq",
                            f"127.0.0.1:{port}", TABLE], stdout=subprocess.DEVNULL, check=False)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def bench_commit(session, port):
    """Blocks of commits in peace and beside a walk in turn, for the machine changes meanwhile."""
    alone, beside = [], []
    commits(session, 2)  # what is slow the first time
    for block in range(3):
        alone += commits(session, 1000 + 200 * block)
        with walking(port):
            beside += commits(session, 1100 + 200 * block)
    print(f"snmp-walk: commit of a weight:        {milliseconds(alone)}")
    print(f"snmp-walk: the same beside a walk:    {milliseconds(beside)}")
    ratio = statistics.median(beside) / statistics.median(alone)
    print(f"snmp-walk: commit beside a walk: {ratio:.2f} (1.2 at most)", flush=True)


def bench_master(size, rounds, commits_too=False):
    with agent() as daemon, daemon.session(timeout=600) as session:
        load(session, size)
        wait_for(lambda: served(daemon.snmp_port), "the MIB", 60)
        took = walks(daemon.snmp_port, f"noriad, {size} x {REALS}, master:", rounds)
        if commits_too:
            bench_commit(session, daemon.snmp_port)
    return took


def bench_subagent():
    with agent() as daemon, daemon.session(timeout=600) as session, \
            tempfile.TemporaryDirectory() as folder, snmpd(folder) as (port, agentx):
        load(session, SMALL)
        session.set(f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{agentx}'
                    "</agentx-socket></snmp-agent>")
        wait_for(lambda: served(port), "the MIB in snmpd", 60)
        return walks(port, f"noriad, {SMALL} x {REALS}, subagent:", 2)


def main():
    before = bench_master(SMALL, 3, commits_too=True)
    large = statistics.median(bench_master(LARGE, 1))
    small = statistics.median(before + bench_master(SMALL, 3))
    subagent = statistics.median(bench_subagent())
    keepalived = bench_keepalived()
    print(f"snmp-walk: {LARGE} against {SMALL}: {large / small:.2f} (1.2 at most)")
    print(f"snmp-walk: as a subagent: {subagent / keepalived:.4f} (0.2 at most)")
    print(f"ratio {small / keepalived:.4f}", flush=True)


if __name__ == "__main__":
    main()
