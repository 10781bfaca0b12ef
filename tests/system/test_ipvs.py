"""Virtual servers in a real kernel, compared with what ipvsadm says."""

import re
import subprocess

import pytest

from netconf import RpcError, real, server, servers, wait_for

pytestmark = pytest.mark.kernel


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


def table(ipvs):
    """{(protocol, address:port): (scheduler and flags, {real server: (method, weight)})}"""
    services, current = {}, None
    for line in ipvs("-ln").splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            current[1][words[1]] = (words[2], int(words[3]))
        else:
            current = (" ".join(words[2:]), {})
            services[(words[0], words[1])] = current
    return services


WEB = server("web", "<scheduler>rr</scheduler>" + real("10.0.0.1", 8080, "<weight>3</weight>")
             + real("10.0.0.2", 80), "192.0.2.1", 80)


def test_a_commit_makes_the_service(session, ipvs):
    session.set(servers(WEB))
    assert table(ipvs) == {("TCP", "192.0.2.1:80"): (
        "rr", {"10.0.0.1:8080": ("Masq", 3), "10.0.0.2:80": ("Masq", 1)})}
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"]
    assert session.get("virtual-servers/virtual-server/real-server/effective-weight") == ["3", "1"]


def test_each_change_is_the_smallest_one(session, ipvs):
    session.set(servers(WEB))
    session.set(servers(server("web", real("10.0.0.1", 8080, "<weight>0</weight>"))))
    assert table(ipvs)[("TCP", "192.0.2.1:80")][1]["10.0.0.1:8080"] == ("Masq", 0)
    assert session.get("virtual-servers/virtual-server/real-server/oper-status") == [
        "drained", "active"]
    session.set(servers(server("web", real("10.0.0.2", 80, operation="delete"))))
    assert list(table(ipvs)[("TCP", "192.0.2.1:80")][1]) == ["10.0.0.1:8080"]
    session.set(servers(server("web", "<scheduler>wlc</scheduler>")))
    assert table(ipvs)[("TCP", "192.0.2.1:80")][0] == "wlc"
    session.set(servers(server("web", "<enabled>false</enabled>")))
    assert table(ipvs) == {}
    assert session.get("virtual-servers/virtual-server/oper-status") == ["disabled"]
    session.set(servers(server("web", "<enabled>true</enabled>")))
    session.set(servers(server("web", operation="delete")))
    assert table(ipvs) == {}


KINDS = {
    "udp and one-packet": (
        server("x", "<protocol>udp</protocol><one-packet>true</one-packet>" + real("10.0.0.1", 53),
               "192.0.2.1", 53), ("UDP", "192.0.2.1:53"), "wlc ops",
        {"10.0.0.1:53": ("Masq", 1)}),
    "sctp": (
        server("x", "<protocol>sctp</protocol>" + real("10.0.0.1", 99), "192.0.2.1", 99),
        ("SCTP", "192.0.2.1:99"), "wlc", {"10.0.0.1:99": ("Masq", 1)}),
    "IPv6 and direct routing": (
        server("x", "<forwarding-method>dr</forwarding-method>" + real("2001:db8::11", 80),
               "2001:db8::1", 80), ("TCP", "[2001:db8::1]:80"), "wlc",
        {"[2001:db8::11]:80": ("Route", 1)}),
    "firewall mark": (
        server("x", real("10.0.0.1", 0), mark=7), ("FWM", "7"), "wlc",
        {"10.0.0.1:0": ("Masq", 1)}),
    "tunnel to the other family": (
        server("x", real("2001:db8::11", 80, "<forwarding-method>tun</forwarding-method>"),
               "192.0.2.1", 80), ("TCP", "192.0.2.1:80"), "wlc",
        {"[2001:db8::11]:80": ("Tunnel", 1)}),
    "persistence with a mask": (
        server("x", "<persistence><timeout>600</timeout><prefix-length>24</prefix-length>"
               "</persistence>" + real("10.0.0.1", 0), "192.0.2.1", 0),
        ("TCP", "192.0.2.1:0"), "wlc persistent 600 mask 255.255.255.0",
        {"10.0.0.1:0": ("Masq", 1)}),
    "maglev with its flags": (
        server("x", "<scheduler>mh</scheduler><scheduler-flags>fallback port</scheduler-flags>"
               + real("10.0.0.1", 80), "192.0.2.1", 80),
        ("TCP", "192.0.2.1:80"), "mh (mh-fallback,mh-port)", {"10.0.0.1:80": ("Masq", 1)}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_service(daemon, session, ipvs, kind):
    config, key, flags, real_servers = KINDS[kind]
    session.set(servers(config))
    assert table(ipvs) == {key: (flags, real_servers)}
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"]
    # What the kernel holds is what is wanted: a restart has nothing to do.
    daemon.stop()
    before = ipvs("-ln")
    daemon.start()
    assert ipvs("-ln") == before
    assert not re.search(r"ipvs: reconciled: .*[1-9]\d* (added|edited|deleted)", daemon.log())


def test_two_services_can_swap_their_addresses_in_one_commit(session, ipvs):
    session.set(servers(server("a", real("10.0.0.1", 80), "192.0.2.1", 80)
                        + server("b", real("10.0.0.2", 80), "192.0.2.2", 80)))
    session.set(servers(server("a", address="192.0.2.2", port=80)
                        + server("b", address="192.0.2.1", port=80)))
    assert {key[1]: list(value[1]) for key, value in table(ipvs).items()} == {
        "192.0.2.2:80": ["10.0.0.1:80"], "192.0.2.1:80": ["10.0.0.2:80"]}


REFUSED = {
    "nat to the other family": (server("bad", real("2001:db8::11", 80), "192.0.2.9", 80),
                                "/real-server[address='2001:db8::11'][port='80']", "tun"),
    "a scheduler that the kernel has not": (
        server("bad", "<scheduler>twos</scheduler>", "192.0.2.9", 80), "/scheduler", "twos"),
    "a gue tunnel without a port": (
        server("bad", "<forwarding-method>tun</forwarding-method><tunnel><type>gue</type></tunnel>"
               + real("10.0.0.1", 80), "192.0.2.9", 80), "/tunnel", "port"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_kernel_will_not_take_changes_nothing(session, ipvs, case):
    config, path, word = REFUSED[case]
    session.set(servers(WEB))
    before, running = ipvs("-ln"), session.data("running")
    session.edit(servers(server("also", real("10.0.0.3", 80), "192.0.2.8", 80) + config))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert refused.value.tag == "invalid-value"
    assert path in refused.value.path and "name='bad'" in refused.value.path
    assert word in refused.value.message
    assert ipvs("-ln") == before
    assert session.data("running") == running
    assert "bad" in session.data("candidate")


def test_a_failure_in_another_backend_takes_the_kernel_back(session, ipvs):
    session.set(servers(WEB))
    before = ipvs("-ln")
    session.edit(servers(server("web", "<scheduler>wlc</scheduler>"
                                + real("10.0.0.1", 8080, operation="delete")
                                + real("10.0.0.9", 80))
                         + server("more", real("10.0.0.3", 80), "192.0.2.8", 80))
                 + '<null xmlns="urn:noria:yang:noria-null"><item><name>a</name>'
                   "<apply>fail</apply></item></null>")
    with pytest.raises(RpcError) as failed:
        session.commit()
    assert failed.value.tag == "operation-failed"
    assert ipvs("-ln") == before


def test_services_of_others_are_left_alone(daemon, session, ipvs):
    ipvs("-A", "-t", "203.0.113.1:25", "-s", "rr")
    session.set(servers(WEB))
    session.set(servers(server("web", operation="delete")))
    daemon.stop()
    daemon.start()
    assert table(ipvs) == {("TCP", "203.0.113.1:25"): ("rr", {})}


def test_a_start_makes_the_kernel_what_is_configured(daemon, session, ipvs):
    session.set(servers(WEB))
    daemon.kill()
    assert table(ipvs), "the service goes on without the agent"
    ipvs("-e", "-t", "192.0.2.1:80", "-r", "10.0.0.2:80", "-m", "-w", "9")
    ipvs("-d", "-t", "192.0.2.1:80", "-r", "10.0.0.1:8080")
    ipvs("-a", "-t", "192.0.2.1:80", "-r", "10.0.0.7:80", "-m")
    daemon.start()
    assert table(ipvs) == {("TCP", "192.0.2.1:80"): (
        "rr", {"10.0.0.1:8080": ("Masq", 3), "10.0.0.2:80": ("Masq", 1)})}


def test_kill_9_after_a_commit_loses_nothing(daemon, ipvs):
    for weight in (2, 3, 4):
        with daemon.session() as session:
            session.set(servers(server("web", real("10.0.0.1", 80, f"<weight>{weight}</weight>"),
                                       "192.0.2.1", 80)))
            daemon.kill()
        ipvs("-C")
        daemon.start()
        assert table(ipvs)[("TCP", "192.0.2.1:80")][1]["10.0.0.1:80"] == ("Masq", weight)


def test_a_stop_leaves_the_services(daemon, session, ipvs):
    session.set(servers(WEB))
    before = ipvs("-ln")
    daemon.stop()
    assert ipvs("-ln") == before


def test_a_thousand_services_in_one_commit(session, ipvs):
    session.set(servers("".join(
        server(f"s{i:04}", "".join(real(f"10.{i // 256}.{i % 256}.{r}", 80) for r in range(1, 5)),
               f"192.0.{i // 256}.{i % 256}", 80) for i in range(1000))))
    lines = ipvs("-ln").splitlines()[3:]
    assert len(lines) == 5000
    session.set(servers("".join(server(f"s{i:04}", operation="delete") for i in range(1000))))
    assert table(ipvs) == {}


def test_without_cap_net_admin_the_backend_is_down_and_the_rest_works(ipvs, daemon_factory):
    daemon = daemon_factory(null=True, prefix=[
        "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"])
    with daemon.session() as session:
        assert session.get("agent/backend[name='ipvs']/oper-status") == ["down"]
        assert "CAP_NET_ADMIN" in session.get("agent/backend[name='ipvs']/reason")[0]
        session.edit(servers(WEB))
        with pytest.raises(RpcError) as refused:
            session.commit()
        assert refused.value.tag == "resource-denied"
        assert "CAP_NET_ADMIN" in refused.value.message
        assert "<virtual-server>" not in session.data("running")
        assert session.get("agent/version")


def test_without_ip_vs_the_backend_waits_for_it(daemon_factory):
    """The module is unloaded for a while, and modprobe kept from the agent."""
    subprocess.run(["ipvsadm", "-C"], check=False)
    modules = subprocess.run("lsmod | awk '/^ip_vs/ {print $1}'", shell=True, check=True,
                             capture_output=True, text=True).stdout.split()
    if not modules:
        pytest.skip("this kernel has ip_vs built in")
    with open("/proc/sys/kernel/modprobe", "r+", encoding="ascii") as helper:
        before = helper.read().strip()
        helper.seek(0)
        helper.write("/bin/false\n")
    try:
        subprocess.run(["modprobe", "-r", *sorted(modules, reverse=True)], check=True)
        daemon = daemon_factory()
        with daemon.session() as session:
            assert session.get("agent/backend[name='ipvs']/oper-status") == ["down"]
            assert "modprobe ip_vs" in session.get("agent/backend[name='ipvs']/reason")[0]
            subprocess.run(["modprobe", "ip_vs"], check=True)
            wait_for(lambda: session.get("agent/backend[name='ipvs']/oper-status") == ["up"],
                     "the backend to find ip_vs")
    finally:
        with open("/proc/sys/kernel/modprobe", "w", encoding="ascii") as helper:
            helper.write(before)
