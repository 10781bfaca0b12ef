"""A walk of KEEPALIVED-MIB's virtualServerTable by snmpbulkwalk, beside keepalived's own.

Time per variable of the agent as master and as subagent of snmpd, each over keepalived's behind
such a snmpd (-x), with 1,000 x 4; what it comes to with 10,000 x 4; and what a commit of one weight
costs while somebody walks without a pause. snmpd asks a subagent for one variable at a time, so
what a subagent that does nothing but answer takes (responder.c) is the least for all. All have a
network namespace of their own, with its own table in the kernel, and are walked in turn, so that
what else the machine does is in all figures. The last line is 'ratio R', that of the master. Run by
tools/bench on a kernel with ip_vs; takes about five minutes.
"""

import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import AGENT, SOURCE, Daemon, free_port  # noqa: E402
from figures import load, milliseconds  # noqa: E402
from ipvs import LARGE, MIDDLE, REALS, SMALL, keepalived_text, reals  # noqa: E402
from netconf import real, server, servers, wait_for  # noqa: E402

TABLE = ".1.3.6.1.4.1.9586.100.5.3.3"
COMMITS, BLOCKS = 10, 18
ROUNDS = 5
# Of the slow ones, the beginning of the table is walked: at 10,000, ten columns; of the others all.
VARIABLES = {"master": 100000, "large": 100000, "subagent": 10000, "keepalived": 10000,
             "responder": 10000}
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@contextlib.contextmanager
def namespace():
    """The beginning of a command that is run in a new network namespace."""
    with subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield ("nsenter", "-t", str(holder.pid), "-n")
        holder.stdin.close()


def walk(inside, port, limit):
    """Seconds per variable of one walk, of so many variables and a few; and how many they were."""
    count = 0
    start = time.perf_counter()
    with subprocess.Popen([*inside, "snmpbulkwalk", "-v", "2c", "-c", "public", "-t", "30", "-Onq",
                           f"127.0.0.1:{port}", TABLE], stdout=subprocess.PIPE) as process:
        while piece := os.read(process.stdout.fileno(), 65536):
            count += piece.count(b"\n")
            if count >= limit:
                process.terminate()
                break
        took = time.perf_counter() - start
    assert count > 1000, f"{count} variables"
    return took / count, count


@contextlib.contextmanager
def snmpd(inside, folder):
    """A master agent; its port and its socket for subagents."""
    import socket
    port, agentx = free_port(socket.SOCK_DGRAM), pathlib.Path(folder) / "agentx"
    configuration = pathlib.Path(folder) / "snmpd.conf"
    configuration.write_text(f"master agentx\nagentXTimeout 30\nagentXSocket {agentx}\n"
                             f"rocommunity public\nagentAddress udp:127.0.0.1:{port}\n")
    process = subprocess.Popen(
        [*inside, "snmpd", "-f", "-Lf", "/dev/null", "-C", "-c", configuration, "-p",
         f"{folder}/snmpd.pid"], env={**ENVIRONMENT, "SNMP_PERSISTENT_DIR": f"{folder}/snmp"})
    try:
        wait_for(agentx.exists, "snmpd's socket")
        yield port, agentx
    finally:
        process.terminate()
        process.wait(60)


def wait_until_served(inside, port):
    def served():
        done = subprocess.run([*inside, "snmpgetnext", "-v", "2c", "-c", "public", "-t", "30",
                               "-Onq", f"127.0.0.1:{port}", TABLE], capture_output=True, text=True,
                              check=False)
        return done.stdout.startswith(TABLE + ".")

    wait_for(served, "the MIB", 300)


@contextlib.contextmanager
def keepalived():
    """A keepalived behind a snmpd; how it is walked."""
    with namespace() as inside, tempfile.TemporaryDirectory() as folder, \
            snmpd(inside, folder) as (port, agentx):
        config = pathlib.Path(folder) / "keepalived.conf"
        config.write_text(keepalived_text(SMALL, 1).replace(
            "global_defs {", "global_defs {\n enable_snmp_checker", 1))
        process = subprocess.Popen(
            [*inside, "keepalived", "-C", "-n", "-G", "-x", "-A", agentx, "-f", config, "-p",
             f"{folder}/pid", "-c", f"{folder}/checkers"], env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_served(inside, port)
            yield inside, port
        finally:
            process.terminate()
            process.wait(120)


@contextlib.contextmanager
def agent(size):
    """A noriad with so many virtual servers; where it runs, itself and a session."""
    with namespace() as inside, tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder, prefix=inside).start()
        try:
            with daemon.session(timeout=600) as session:
                load(session, size)
                yield inside, daemon, session
        finally:
            daemon.stop()


@contextlib.contextmanager
def subagent():
    """A noriad behind a snmpd; how it is walked."""
    with agent(SMALL) as (inside, _, session), tempfile.TemporaryDirectory() as folder, \
            snmpd(inside, folder) as (port, agentx):
        session.set(f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{agentx}'
                    "</agentx-socket></snmp-agent>")
        wait_until_served(inside, port)
        yield inside, port


@contextlib.contextmanager
def responder():
    """A subagent that only answers, behind a snmpd; how it is walked."""
    with namespace() as inside, tempfile.TemporaryDirectory() as folder, \
            snmpd(inside, folder) as (port, agentx):
        program = pathlib.Path(folder) / "responder"
        subprocess.run(["cc", "-O2", "-o", program, SOURCE / "tests" / "bench" / "responder.c"],
                       check=True)
        with subprocess.Popen([*inside, program, agentx, *TABLE.split(".")[1:]]) as process:
            try:
                wait_until_served(inside, port)
                yield inside, port
            finally:
                process.terminate()


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
def walking(inside, port):
    """Somebody walks all the time."""
    with subprocess.Popen(
            [*inside, "sh", "-c", "while :; do snmpbulkwalk -v 2c -c public -Onq "
             f"127.0.0.1:{port} {TABLE} >/dev/null; done"], start_new_session=True) as process:
        try:
            time.sleep(0.5)  # until it walks
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def bench_commit(session, inside, port):
    """Blocks of commits in peace and beside a walk in turn, for the machine changes meanwhile."""
    alone, beside = [], []
    commits(session, 2)  # what is slow the first time
    for block in range(BLOCKS):
        alone += commits(session, 1000 + 2 * COMMITS * block)
        with walking(inside, port):
            beside += commits(session, 1000 + COMMITS + 2 * COMMITS * block)
    print(f"snmp-walk: commit of a weight:        {milliseconds(alone)}")
    print(f"snmp-walk: the same beside a walk:    {milliseconds(beside)}")
    ratio = statistics.median(beside) / statistics.median(alone)
    print(f"snmp-walk: commit beside a walk: {ratio:.2f} (1.2 at most)", flush=True)


def walk_in_turn(walked):
    """{name: seconds per variable in each round}"""
    took = {name: [] for name in walked}
    for _ in range(ROUNDS):
        for name, (inside, port) in walked.items():
            each, count = walk(inside, port, VARIABLES[name])
            took[name].append(each)
            print(f"snmp-walk: {name:10} {each * 1e6:8.1f} us a variable (of {count})", flush=True)
    return took


def ratio(took, name, over):
    """Of one to another in the same round: the median, and text with the range of the rounds."""
    ratios = [a / b for a, b in zip(took[name], took[over])]
    middle = statistics.median(ratios)
    return middle, f"{middle:.4f} (of {len(ratios)} rounds, {min(ratios):.4f} to {max(ratios):.4f}"


def main():
    with agent(SMALL) as (inside, daemon, session):
        port = daemon.snmp_port
        wait_until_served(inside, port)
        bench_commit(session, inside, port)
        with subagent() as behind, agent(LARGE) as (inside_large, large, _), \
                keepalived() as other, responder() as least:
            wait_until_served(inside_large, large.snmp_port)
            took = walk_in_turn({"large": (inside_large, large.snmp_port),
                                 "master": (inside, port), "keepalived": other,
                                 "subagent": behind, "responder": least})
    print(f"snmp-walk: {LARGE} against {SMALL}: {ratio(took, 'large', 'master')[1]}; 1.2 at most)")
    print(f"snmp-walk: as a subagent: {ratio(took, 'subagent', 'keepalived')[1]}; 0.2 at most)")
    print("snmp-walk: the least that a subagent takes: "
          f"{ratio(took, 'responder', 'keepalived')[1]})")
    print(f"snmp-walk: a subagent over that: {ratio(took, 'subagent', 'responder')[1]})")
    middle, text = ratio(took, "master", "keepalived")
    print(f"snmp-walk: as master: {text}; 0.05 at most)")
    print(f"ratio {middle:.4f}", flush=True)


if __name__ == "__main__":
    main()
