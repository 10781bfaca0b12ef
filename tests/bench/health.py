"""Health checks: what they cost, and how punctual they are.

    health        in the lab: how soon the kernel has done with what fails (health_failures.py);
                  then CPU time and memory beside keepalived for the same checks of the same
                  servers. The last line is 'ratio R': the agent's CPU time for a check, over
                  keepalived's.
    health-alone  on this machine: 10,000 TCP and 2,000 HTTP checks a second on one core, and how
                  late they begin.

Every server is an address of the loopback, with one program behind all of them.
"""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from daemon import Daemon  # noqa: E402
from health import HEALTH, check, health  # noqa: E402
from health_failures import bench_detection, bench_mass  # noqa: E402
from netconf import real, server, servers, wait_for  # noqa: E402

TCP_PORT, HTTP_PORT = 7000, 8000
PER_SERVICE = 100
WARM, MEASURED = 5, 20  # seconds
TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off; user root root; worker_processes 1; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 4096; multi_accept on; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 0.0.0.0:{tcp} backlog=4096; listen 0.0.0.0:{http} backlog=4096;
            location / {{ return 200 "fine\\n"; }} }}
}}
"""


def address(number):
    """One of the loopback's."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def services(tcp, http):
    """(name, virtual address, port of its servers, their addresses) of each virtual server."""
    for port, count, first in ((TCP_PORT, tcp, 0), (HTTP_PORT, http, tcp)):
        for start in range(0, count, PER_SERVICE):
            numbers = range(first + start, first + min(start + PER_SERVICE, count))
            yield (f"s{first + start}", f"192.0.{(first + start) // 25000}."
                   f"{(first + start) // PER_SERVICE % 250 + 1}", port, list(map(address, numbers)))


def times(seconds):
    return (f"<delay-loop>{seconds}</delay-loop><timeout>1</timeout><retry>1</retry>"
            f"<delay-before-retry>{seconds}</delay-before-retry>")


def agent_configuration(tcp, http, seconds):
    kinds = {TCP_PORT: check("tcp"), HTTP_PORT: check("http", "<http/>")}
    return servers("".join(
        server(name, health(times(seconds) + kinds[port]) + "".join(
            real(a, port) for a in addresses), virtual, port)
        for name, virtual, port, addresses in services(tcp, http)))


def keepalived_configuration(tcp, http, seconds):
    kinds = {TCP_PORT: "TCP_CHECK {\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }\n",
             HTTP_PORT: "HTTP_GET {\n url {\n path /\n status_code 200-299\n }\n"
                        " connect_timeout 1\n retry 1\n delay_before_retry 1\n }\n"}
    parts = ["global_defs {\n lvs_flush_on_stop\n}\n"]
    for _, virtual, port, addresses in services(tcp, http):
        parts.append(f"virtual_server {virtual} {port} {{\n delay_loop {seconds}\n lb_algo wlc\n"
                     " lb_kind NAT\n protocol TCP\n")
        parts += [f" real_server {a} {port} {{\n {kinds[port]} }}\n" for a in addresses]
        parts.append("}\n")
    return "".join(parts)


@contextlib.contextmanager
def web_server():
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, tcp=TCP_PORT, http=HTTP_PORT))
        process = subprocess.Popen(["nginx", "-p", folder, "-c", config],
                                   stderr=subprocess.DEVNULL)

        def answers():
            with contextlib.suppress(OSError), socket.create_connection(("127.1.0.1", HTTP_PORT)):
                return True
            return False
        wait_for(answers, "nginx to answer")
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def family(pid):
    """A process and its children."""
    found = [pid]
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += family(int(child))
    return found


def spent(pids):
    """Seconds of CPU time."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident(pids):
    """Mebibytes."""
    texts = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) for text in texts) / 1024


def connections():
    """Connections that were accepted on this kernel."""
    lines = pathlib.Path("/proc/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


def measure(name, pid):
    """CPU time in microseconds for a check, and memory."""
    time.sleep(WARM)
    pids = family(pid)
    made, cpu, begin = connections(), spent(pids), time.monotonic()
    time.sleep(MEASURED)
    made, cpu = connections() - made, spent(pids) - cpu
    seconds = time.monotonic() - begin
    print(f"health: {name:11} {made / seconds:7.0f} checks/s, {cpu / seconds * 100:5.1f} % of a "
          f"core, {cpu / made * 1e6:6.1f} us for a check, {resident(pids):6.1f} MiB", flush=True)
    return cpu / made, resident(pids), made / seconds


def with_agent(tcp, http):
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder).start()
        with daemon.session() as session:
            session.set(agent_configuration(tcp, http, 1))
        figures = measure("noriad", daemon.process.pid)
        with daemon.session() as session:
            print_lateness(session)
        daemon.stop()
    return figures


def print_lateness(session):
    reply = session.data("get", f'<filter type="subtree"><health-engine xmlns="{HEALTH}"/></filter>')
    late, worst, unable, failures = (re.search(f"<{leaf}>([0-9]+)<", reply).group(1) for leaf in (
        "lateness-p99", "lateness-max", "unable", "failures"))
    print(f"health: 99 of 100 checks begin less than {int(late) / 1000:.1f} ms late, the worst "
          f"{int(worst) / 1000:.1f} ms; {unable} could not be run, {failures} failed", flush=True)
    return int(late) / 1000


def with_keepalived(tcp, http):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "keepalived.conf"
        config.write_text(keepalived_configuration(tcp, http, 1))
        pids = [f"--{name}={folder}/{name}" for name in ("pid", "checkers_pid")]
        process = subprocess.Popen(["keepalived", "-C", "-n", "-G", "-f", config, *pids],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: len(subprocess.run(
                ["ipvsadm", "-Sn"], check=True, capture_output=True).stdout.splitlines())
                >= tcp + http, "keepalived's table", 120)
            return measure("keepalived", process.pid)
        finally:
            process.terminate()
            process.wait(60)


SIZES = ((2000, 400), (1000, 200), (500, 100))


def bench_failures():
    """In the lab, with nothing else at work."""
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder).start()
        bench_detection(daemon)
        bench_mass(daemon)
        daemon.stop()


def bench_health():
    """As many checks as keepalived can make in time on this machine."""
    bench_failures()
    with web_server():
        for tcp, http in SIZES:
            keepalived = with_keepalived(tcp, http)
            subprocess.run(["ipvsadm", "-C"], check=True)
            if keepalived[2] > 0.97 * (tcp + http):
                break
        agent = with_agent(tcp, http)
    print(f"health: memory of noriad over keepalived's: {agent[1] / keepalived[1]:.2f}", flush=True)
    assert agent[2] > 0.97 * (tcp + http), "every check is run each second"
    return agent[0] / keepalived[0]


def bench_alone(tcp=10000, http=2000):
    """On this machine: the agent has one core, the web server the others."""
    with web_server(), tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder, null="all", prefix=["taskset", "-c", "0"]).start()
        with daemon.session() as session:
            session.set(agent_configuration(tcp, http, 1))
            measure("alone", daemon.process.pid)
            late = print_lateness(session)
        daemon.stop()
    assert late <= 50, "and on time"
    return late / 50


BENCHES = {"health": bench_health, "health-alone": bench_alone, "health-failures": bench_failures}


def main(names):
    for name in names or ["health"]:
        ratio = BENCHES[name]()
        if ratio is not None:
            print(f"ratio {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
