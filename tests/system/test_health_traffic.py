"""Health checks that steer a real kernel: requests through the virtual address."""

import os
import re
import signal
import subprocess
import time

import pytest

import real_servers
from health import check, health
from netconf import real, server, servers, stays, wait_for
from test_traffic import CLEANUP, HANDLER, Traffic, fetch, set_up_network

pytestmark = pytest.mark.kernel

INTERVAL, TIMEOUT = 0.2, 3
TIMES = (f"<delay-loop>{INTERVAL}</delay-loop><timeout>{TIMEOUT}</timeout><retry>0</retry>"
         "<warmup>0</warmup>")
HTTP = check("page", "<http><url><path>/</path><regex>^web</regex></url></http>")
MARGIN = 10  # the guest shares its processor with others; tools/bench says how soon it is


class Web:
    """The web server of a namespace."""

    def __init__(self, number):
        self.number = number
        self.address = f"198.51.100.1{number}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", f"web{self.number}", "/usr/bin/python3", "-c", HANDLER,
             f"web{self.number}", self.address])
        wait_for(lambda: fetch(f"http://{self.address}/"), f"web{self.number} to answer")

    def end(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
        self.process = None


@pytest.fixture(name="all_webs", scope="module")
def fixture_all_webs():
    set_up_network()
    webs = [Web(1), Web(2)]
    yield webs
    for web in webs:
        web.end()
    subprocess.run(["sh", "-c", CLEANUP], check=True)


@pytest.fixture(name="webs")
def fixture_webs(all_webs):
    for web in all_webs:
        if not web.process:
            web.start()
    return all_webs


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


def weights(ipvs):
    """{address of a real server: its weight in the kernel}"""
    return {address: int(weight) for address, weight in
            re.findall(r"-> ([\d.]+):80\s+\S+\s+(\d+)", ipvs("-ln"))}


def until(ipvs, wanted, seconds):
    """Wait until the kernel's table is as wanted; it must be so in time."""
    begin = time.monotonic()
    wait_for(lambda: weights(ipvs) == wanted, f"{wanted}, not {weights(ipvs)}", 2 * seconds)
    taken = time.monotonic() - begin
    assert taken <= seconds, f"it took {taken:.3f} s"


def web_server(content, weight=1, name="web"):
    return server(name, "<scheduler>rr</scheduler>" + health(content) + "".join(
        real(f"198.51.100.1{n}", 80, f"<weight>{weight}</weight>") for n in (1, 2)),
        "192.0.2.80", 80)


def web_servers(content, weight=1):
    return servers(web_server(content, weight))


BOTH = {"198.51.100.11": 1, "198.51.100.12": 1}
SECOND = {"198.51.100.12": 1}


ONCE = "<delay-loop>600</delay-loop><timeout>1</timeout><retry>0</retry><warmup>0</warmup>"


@pytest.mark.parametrize("alpha", ["false", "true"])
def test_another_name_changes_nothing_in_the_kernel(webs, daemon, session, ipvs, alpha):
    """Not for a moment: what is down is not added to be removed again, or the other way round."""
    webs[0].end()
    settings = f"{ONCE}<alpha>{alpha}</alpha>{HTTP}"
    session.set(web_servers(settings))
    until(ipvs, SECOND, MARGIN)
    before = daemon.log().count("steering: ")
    session.set(servers(server("web", operation="delete") + web_server(settings, name="shop")))
    assert weights(ipvs) == SECOND
    stays(lambda: weights(ipvs) == SECOND, "the same table", 0.5)
    assert daemon.log().count("steering: ") == before, daemon.log()
    assert session.get("virtual-servers/virtual-server/name") == ["shop"]


def test_who_waits_for_a_first_check_is_never_in_the_kernel(webs, daemon, session, ipvs):
    session.set(web_servers(ONCE.replace("<warmup>0", "<warmup>600") + "<alpha>true</alpha>" + HTTP))
    assert weights(ipvs) == {}
    assert "steering: " not in daemon.log()


def test_requests_go_around_what_fails(webs, session, ipvs):
    session.set(web_servers(TIMES + HTTP))
    until(ipvs, BOTH, MARGIN)
    with Traffic() as traffic:
        traffic.more(10)
        for fault, cure, limit in (
                (webs[0].end, webs[0].start, INTERVAL + MARGIN),
                (lambda: webs[0].process.send_signal(signal.SIGSTOP),
                 lambda: webs[0].process.send_signal(signal.SIGCONT),
                 INTERVAL + TIMEOUT + MARGIN)):
            fault()
            until(ipvs, SECOND, limit)
            traffic.more(3)  # what was under way
            start = len(traffic.replies)
            traffic.more(20)
            assert set(traffic.replies[start:]) == {"web2"}
            cure()
            until(ipvs, BOTH, MARGIN)
            traffic.more(2)
            start = len(traffic.replies)
            traffic.more(10)
            assert set(traffic.replies[start:]) == {"web1", "web2"}


def test_inhibit_keeps_connections(webs, session, ipvs):
    session.set(web_servers(TIMES + HTTP + "<on-failure>inhibit</on-failure>"))
    until(ipvs, BOTH, MARGIN)
    webs[0].end()
    until(ipvs, {"198.51.100.11": 0, "198.51.100.12": 1}, INTERVAL + MARGIN)
    assert session.get("virtual-servers/virtual-server/real-server/oper-status") == [
        "drained", "active"]


def test_slow_start(webs, session, ipvs):
    webs[0].end()
    session.set(web_servers(TIMES + HTTP + "<slow-start>8</slow-start>", 100))
    until(ipvs, {"198.51.100.12": 100}, MARGIN)
    webs[0].start()
    seen = []

    def grown():
        weight = weights(ipvs).get("198.51.100.11")
        if weight is not None and weight not in seen:
            seen.append(weight)
        return weight == 100
    wait_for(grown, "the whole weight")
    assert len(seen) >= 4 and seen == sorted(seen) and seen[0] < 50


def test_alpha_lets_none_in_before_it_is_checked(webs, session, ipvs):
    session.set(web_servers(TIMES.replace("<warmup>0", "<warmup>60") + HTTP
                            + "<alpha>true</alpha>"))
    until(ipvs, {}, MARGIN)


@pytest.mark.skipif(os.environ.get("LAB_KIND") != "uml", reason="the clock is not the guest's own")
def test_a_clock_that_jumps_changes_nothing(webs, session, ipvs):
    session.set(web_servers(TIMES + HTTP))
    until(ipvs, BOTH, MARGIN)
    begin, now = time.monotonic(), time.time()
    try:
        for jump in (366 * 86400, -366 * 86400, 3600, -7200):
            time.clock_settime(time.CLOCK_REALTIME, time.time() + jump)
            stays(lambda: weights(ipvs) == BOTH, "no verdict changes", 5 * INTERVAL)
            webs[0].end()
            until(ipvs, SECOND, INTERVAL + MARGIN)
            webs[0].start()
            until(ipvs, BOTH, MARGIN)
    finally:
        time.clock_settime(time.CLOCK_REALTIME, now + time.monotonic() - begin)


def test_a_restart_keeps_verdicts(webs, daemon, ipvs):
    webs[0].end()
    with daemon.session() as session:
        session.set(web_servers(TIMES + HTTP))
        until(ipvs, SECOND, MARGIN)
        session.set(servers(server("web", health("<warmup>60</warmup>"))))
    daemon.stop()
    daemon.start()
    until(ipvs, SECOND, MARGIN)
    with daemon.session() as session:
        session.set(servers(server("web", health("", operation="delete"))))
    until(ipvs, BOTH, MARGIN)


def test_weights_follow_a_file_processes_and_a_command(webs, session, ipvs, tmp_path):
    file, script = tmp_path / "weight", tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 22\n")
    script.chmod(0o755)
    followed = check("file", f"<file><path>{file}</path><weight>-2</weight></file>")
    counted = check("process", "<process><command>sleep</command><parameter>61.25</parameter>"
                    "<weight>-5</weight></process>")

    def both(weight):
        return dict.fromkeys(BOTH, weight)
    session.set(web_servers(TIMES + followed + counted, 100))
    until(ipvs, both(95), MARGIN)
    process = subprocess.Popen(["sleep", "61.25"])
    until(ipvs, both(100), MARGIN)
    file.write_text("30\n")
    until(ipvs, both(40), MARGIN)
    file.write_text("1000\n")
    until(ipvs, both(0), MARGIN)
    file.unlink()
    until(ipvs, both(100), MARGIN)
    process.kill()
    process.wait()
    until(ipvs, both(95), MARGIN)
    session.set(web_servers(TIMES + check("command", f"<command><path>{script}</path>"
                                          "<dynamic>true</dynamic></command>",
                                          "<timeout>10</timeout>"), 100))
    until(ipvs, both(15), MARGIN)


NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/log; user root;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 198.51.100.11:80; location / {{ return 200 "web1"; }} }}
  server {{
    listen 198.51.100.11:443 ssl;
    ssl_certificate {certificate}.pem; ssl_certificate_key {certificate}.key;
    root {folder};
    location / {{ {answer} }}
  }}
}}
"""


class Nginx:
    """A web server in the first namespace, whose answers to checks may be spoilt."""

    def __init__(self, folder):
        self.folder = folder
        tls = real_servers.make_certificates(folder / "tls")
        self.good, self.authority = tls / "server", tls / "ca.pem"
        self.bad = real_servers.make_certificates(folder / "other") / "server"
        (folder / "page").write_text("well" + "." * 100000)
        self.configure()
        self.process = subprocess.Popen(["ip", "netns", "exec", "web1", "nginx", "-p", folder,
                                         "-c", folder / "config"])

    def configure(self, certificate=None, answer=""):
        (self.folder / "config").write_text(NGINX.format(
            folder=self.folder, certificate=certificate or self.good, answer=answer))

    def spoil(self, **what):
        self.configure(**what)
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(name="nginx")
def fixture_nginx(webs, tmp_path):
    webs[0].end()
    server = Nginx(tmp_path)
    yield server
    server.end()


def test_wrong_and_slow_answers_and_bad_certificates(nginx, webs, session, ipvs):
    page = check("page", "<https><verify>true</verify><server-name>mail.example</server-name>"
                 f"<ca-file>{nginx.authority}</ca-file><low-speed-limit>20000</low-speed-limit>"
                 "<max-body>1000000</max-body><url><path>/page</path><regex>^well</regex></url>"
                 "</https>", "<connect-port>443</connect-port><timeout>5</timeout>")
    session.set(servers(server("web", "<scheduler>rr</scheduler>" + health(TIMES)
                               + real("198.51.100.11", 80, health(page))
                               + real("198.51.100.12", 80), "192.0.2.80", 80)))
    until(ipvs, BOTH, MARGIN)
    with Traffic() as traffic:
        for spoilt in ({"answer": 'return 200 "ill";'}, {"answer": "return 503;"},
                       {"answer": "limit_rate 5000;"}, {"certificate": nginx.bad}):
            nginx.spoil(**spoilt)
            until(ipvs, SECOND, 5 + MARGIN)
            traffic.more(3)
            start = len(traffic.replies)
            traffic.more(10)
            assert set(traffic.replies[start:]) == {"web2"}
            nginx.spoil()
            until(ipvs, BOTH, 5 + MARGIN)
