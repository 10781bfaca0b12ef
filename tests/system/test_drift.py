"""What others change in the kernel's table is found, told, and repaired where that is asked for."""

import os
import pathlib
import re
import subprocess

import pytest

from netconf import real, server, servers, wait_for
from test_directors import director, directors
from test_ipvs import table

pytestmark = pytest.mark.kernel

WEB = servers(server("web", real("10.0.0.1", 80) + real("10.0.0.2", 80), "192.0.2.1", 80)
              + server("dns", "<protocol>udp</protocol>" + real("10.0.0.3", 53), "192.0.2.1", 53))
RIGHT = {("TCP", "192.0.2.1:80"): ("wlc", {"10.0.0.1:80": ("Masq", 1), "10.0.0.2:80": ("Masq", 1)}),
         ("UDP", "192.0.2.1:53"): ("wlc", {"10.0.0.3:53": ("Masq", 1)})}
FOREIGN = ("TCP", "198.51.100.1:8080")


@pytest.fixture(name="compared")
def fixture_compared(ipvs, daemon_factory):
    """A session with a daemon that compares every second, as a mode says."""
    sessions = []

    def make(settings=""):
        session = daemon_factory().session()
        sessions.append(session)
        session.set(directors(director("main", content="<reconciliation><interval>1</interval>"
                                       f"{settings}</reconciliation>")) + WEB)
        assert table(ipvs) == RIGHT
        return session

    yield make
    for session in sessions:
        session.socket.close()


def count(session, leaf):
    return int(session.get(f"directors/director/reconciliation/{leaf}")[0])


def interval(seconds):
    return directors(director("main", content=f"<reconciliation><interval>{seconds}</interval>"
                              "</reconciliation>"))


def compare_again(session):
    done = count(session, "comparisons")
    wait_for(lambda: count(session, "comparisons") >= done + 2, "another comparison")


def alarms(session):
    """[(type, is cleared, all texts)]"""
    found = re.findall(r"<alarm>(.*?)</alarm>", session.data("get"), re.S)
    return [(re.search(r"<alarm-type-id[^>]*>(?:\w|-)+:([^<]*)<", alarm).group(1),
             "<is-cleared>true" in alarm, " ".join(re.findall(r"text>([^<]*)<", alarm)))
            for alarm in found]


def test_drift_is_repaired_and_told(compared, ipvs):
    session = compared()
    ipvs("-e", "-t", "192.0.2.1:80", "-r", "10.0.0.1:80", "-m", "-w", "7")
    ipvs("-d", "-t", "192.0.2.1:80", "-r", "10.0.0.2:80")
    ipvs("-a", "-t", "192.0.2.1:80", "-r", "10.0.0.9:80", "-m")
    ipvs("-D", "-u", "192.0.2.1:53")
    wait_for(lambda: table(ipvs) == RIGHT, "the repair")
    wait_for(lambda: count(session, "repairs") == 4, "four repairs to be counted")
    assert (count(session, "drifts"), count(session, "differences")) == (4, 0)
    (kind, cleared, text), = alarms(session)
    assert (kind, cleared) == ("drift", True)
    for difference in ("real server 10.0.0.1:80 of tcp 192.0.2.1:80; weight 7 is held, 1 is wanted",
                       "real server 10.0.0.2:80 of tcp 192.0.2.1:80 is missing",
                       "real server 10.0.0.9:80 of tcp 192.0.2.1:80 is there and not wanted",
                       "udp 192.0.2.1:53 is missing"):
        assert difference in text


def test_drift_is_only_told_where_that_is_asked_for(compared, ipvs):
    session = compared("<mode>report</mode>")
    ipvs("-E", "-t", "192.0.2.1:80", "-s", "rr")
    wait_for(lambda: count(session, "differences") == 1, "the difference to be found")
    compare_again(session)
    assert table(ipvs)[("TCP", "192.0.2.1:80")][0] == "rr", "it is left as it is"
    (kind, cleared, text), = alarms(session)
    assert (kind, cleared) == ("drift", False)
    assert "tcp 192.0.2.1:80; scheduler rr is held, wlc is wanted" in text
    ipvs("-E", "-t", "192.0.2.1:80", "-s", "wlc")
    wait_for(lambda: alarms(session)[0][1], "the alarm to be cleared")
    assert count(session, "differences") == 0


def test_drift_of_settings(compared, ipvs):
    parameter = pathlib.Path("/proc/sys/net/ipv4/vs/expire_nodest_conn")
    before = [*re.findall(r"\d+", ipvs("-l", "--timeout"))]
    session = compared()
    try:
        session.set(directors(director("main", content="<timeouts><tcp>700</tcp></timeouts>"
                                       "<parameters><expire-nodest-conn>true</expire-nodest-conn>"
                                       "</parameters>")))
        ipvs("--set", "5", "6", "7")
        parameter.write_text("0")
        wait_for(lambda: parameter.read_text().strip() == "1", "the parameter to be repaired")
        wait_for(lambda: "700" in ipvs("-l", "--timeout"), "the time-out to be repaired")
        texts = [text for kind, _, text in alarms(session) if kind == "drift"]
        assert "expire-nodest-conn" in texts[0] and "the time-out tcp is 5 s" in texts[0]
        session.set(directors(director("main", content="<reconciliation><mode>report</mode>"
                                       "</reconciliation>")))
        parameter.write_text("0")
        wait_for(lambda: count(session, "differences") == 1, "the difference to be told")
        compare_again(session)
        assert parameter.read_text().strip() == "0"
    finally:
        ipvs("--set", *before)
        parameter.write_text("0")


def test_what_others_serve_is_left_alone(compared, ipvs):
    session = compared()
    ipvs("-A", "-t", FOREIGN[1])
    compare_again(session)
    assert FOREIGN in table(ipvs)
    assert alarms(session) == []


def test_what_others_serve_is_removed_from_an_exclusive_table(compared, ipvs):
    session = compared("<exclusive>true</exclusive>")
    ipvs("-A", "-t", FOREIGN[1])
    wait_for(lambda: table(ipvs) == RIGHT, "its removal")
    wait_for(lambda: alarms(session), "the alarm")
    assert [(kind, "198.51.100.1:8080 is there and not wanted" in text)
            for kind, _, text in alarms(session)] == [("foreign-service", True)]


def test_a_table_that_becomes_exclusive_is_compared_at_once(compared, ipvs):
    session = compared("<mode>report</mode>")
    session.set(interval(0))
    ipvs("-A", "-t", FOREIGN[1])
    session.set(directors(director("main", content="<reconciliation><mode>repair</mode>"
                                   "<exclusive>true</exclusive></reconciliation>")))
    wait_for(lambda: table(ipvs) == RIGHT, "what is not configured to be removed")


def test_an_interval_that_is_taken_away_may_come_back(compared, ipvs):
    """Also if a comparison is under way just then."""
    session = compared()
    for _ in range(5):
        session.set(interval(0))
        session.set(interval(1))
    compare_again(session)
    ipvs("-D", "-u", "192.0.2.1:53")
    wait_for(lambda: table(ipvs) == RIGHT, "the repair")


def test_drift_of_a_group(compared, ipvs):
    session = compared()
    session.set(servers(server("group", "<member><name>all</name><address>203.0.113.1</address>"
                               "<last-address>203.0.113.3</last-address><port>80</port></member>"
                               + real("10.0.0.1", 80))))
    right = table(ipvs)
    assert len(right) == 5
    ipvs("-D", "-t", "203.0.113.2:80")
    ipvs("-e", "-t", "203.0.113.3:80", "-r", "10.0.0.1:80", "-m", "-w", "3")
    wait_for(lambda: table(ipvs) == right, "the repair")
    wait_for(lambda: count(session, "repairs") == 2, "two repairs to be counted")


def test_a_commit_is_no_drift(compared):
    session = compared()
    for weight in range(2, 30):
        session.set(servers(server("web", real("10.0.0.1", 80, f"<weight>{weight}</weight>"))))
    compare_again(session)
    assert count(session, "drifts") == 0


def unload():
    subprocess.run(["ipvsadm", "-C"], check=False, capture_output=True)
    with open("/proc/modules", encoding="ascii") as modules:
        loaded = [line.split()[0] for line in modules]
    schedulers = [name for name in loaded if name.startswith("ip_vs_")]
    return not subprocess.run(["rmmod", *schedulers, "ip_vs"], check=False,
                              capture_output=True).returncode


def test_the_module_is_loaded_again(compared, ipvs):
    """The kernel tells: it is noticed at once, also where nothing is compared."""
    session = compared()
    if os.environ.get("LAB_KIND") != "uml":
        pytest.skip("the host's own module is not to be unloaded")
    session.set(interval(0))
    # A comparison may be under way, and repair the table before that: then try again.
    wait_for(unload, "ip_vs to be unloaded")
    wait_for(lambda: session.get("directors/director/oper-status") == ["down"],
             "the director to be down")
    subprocess.run(["modprobe", "ip_vs"], check=True)
    wait_for(lambda: table(ipvs) == RIGHT, "the table to be made again")
    wait_for(lambda: session.get("virtual-servers/virtual-server/oper-status") == ["active"] * 2,
             "the state to be read again")
    session.set(servers(server("web", real("10.0.0.1", 80, "<weight>5</weight>"))))
    assert table(ipvs)[("TCP", "192.0.2.1:80")][1]["10.0.0.1:80"] == ("Masq", 5)


def test_a_start_with_many_services_is_exact_at_once_or_soon(ipvs, daemon_factory):
    """The kernel's list, which is quick to read, does not show all that is configured."""
    daemon = daemon_factory()
    many = [f"192.0.{i >> 8}.{i & 255}" for i in range(600)]
    with daemon.session() as session:
        session.set(interval(0) + servers("".join(
            server(f"s{i}", real("10.0.0.1", 80) + real("10.0.0.2", 80), address, 80)
            for i, address in enumerate(many))))
    right = table(ipvs)
    daemon.stop()
    ipvs("-e", "-t", f"{many[1]}:80", "-r", "10.0.0.1", "-m", "-w", "7")
    ipvs("-d", "-t", f"{many[2]}:80", "-r", "10.0.0.2")
    ipvs("-D", "-t", f"{many[3]}:80")
    ipvs("-E", "-t", f"{many[4]}:80", "-s", "rr")
    ipvs("-E", "-t", f"{many[5]}:80", "-s", "wlc", "-p", "60")
    ipvs("-e", "-t", f"{many[6]}:80", "-r", "10.0.0.1", "-m", "-w", "1", "-x", "9")
    assert "9" in ipvs("-ln", "--thresholds", "-t", f"{many[6]}:80").split()
    daemon.start()
    assert table(ipvs) == right
    with daemon.session() as session:
        wait_for(lambda: count(session, "comparisons") == 1, "the end of the comparison")
        assert count(session, "repairs") == 1
    assert "9" not in ipvs("-ln", "--thresholds", "-t", f"{many[6]}:80").split()
