"""What the kernel serves becomes configuration, and nothing is lost or touched on the way."""

import pathlib
import re
import subprocess

import pytest

from ipvs_netlink import WRITES, Monitor
from netconf import RpcError, real, server, servers

pytestmark = pytest.mark.kernel

OPERATIONS = "urn:noria:yang:noria-ipvs"
TABLE = """\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3
-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 0 -x 100 -y 50
-A -t 192.0.2.1:443 -s wlc -p 300
-a -t 192.0.2.1:443 -r 10.0.0.1:443 -g -w 1
-A -t 192.0.2.2:0 -s sh -p 60 -M 255.255.255.0
-a -t 192.0.2.2:0 -r 10.0.0.1:0 -g -w 7
-A -t [2001:db8::1]:80 -s mh -b mh-port,mh-fallback
-a -t [2001:db8::1]:80 -r [fd00::1]:80 -m -w 65535
-A -t [2001:db8::2]:80 -s wrr -p 10 -M 64
-a -t [2001:db8::2]:80 -r [fd00::1]:80 -g -w 1
-A -u 192.0.2.1:53 -s rr -o
-a -u 192.0.2.1:53 -r 10.0.0.1:53 -i -w 1 --tun-type ipip
-a -u 192.0.2.1:53 -r 10.0.0.2:53 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -u 192.0.2.1:53 -r 10.0.0.3:53 -i -w 1 --tun-type gre --tun-csum
-a -u 192.0.2.1:53 -r [fd00::3]:53 -i -w 1 --tun-type ipip
-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip
-A --sctp-service 192.0.2.1:99 -s lc
-A -f 7 -s wlc
-a -f 7 -r 10.0.0.1:0 -g -w 1
-A -f 7 -6 -s wlc
"""


def saved(ipvs):
    return sorted(ipvs("-Sn").splitlines())


@pytest.fixture(name="served")
def fixture_served(ipvs):
    """What the kernel holds."""
    subprocess.run(["ipvsadm", "-R"], input=TABLE, text=True, check=True)
    held = saved(ipvs)
    assert len(held) == len(TABLE.splitlines())
    return held


def adopt(session, more=""):
    return session.rpc(f'<adopt xmlns="{OPERATIONS}">{more}</adopt>')


def test_the_printed_configuration_makes_the_same_table(served, ipvs, daemon_factory):
    daemon = daemon_factory(start=False)
    printed = subprocess.run(daemon.command("--adopt"), check=True, capture_output=True,
                             text=True).stdout
    assert saved(ipvs) == served
    for name in ("tcp-192.0.2.1-80", "tcp-2001:db8::1-80", "udp-192.0.2.1-5060", "sctp-192.0.2.1-99",
                 "mark-7", "mark-ipv6-7"):
        assert f"<name>{name}</name>" in printed
    ipvs("-C")
    daemon.config.write_text(daemon.default_configuration() + printed)
    daemon.start()
    assert saved(ipvs) == served


def test_adoption_writes_nothing_to_the_kernel(served, ipvs, daemon_factory):
    with daemon_factory().session() as session:
        session.set(servers(server("own", real("10.0.0.1", 80), "192.0.2.99", 80)
                            + server("mark-7", real("10.0.0.1", 80), "192.0.2.98", 80)))
        with Monitor() as monitor:
            shown = adopt(session, "<show-only>true</show-only>")
            assert session.data("running").count("<virtual-server>") == 2
            adopted = adopt(session)
        assert monitor.total(WRITES) == 0
        services = sum(line.startswith("-A") for line in served)
        for reply in (shown, adopted):
            assert re.search(rf"<virtual-servers[^>]*>{services}<", reply)
            assert "<name>mark-7-2</name>" in reply, "a name that is taken is not taken again"
        assert session.data("running").count("<virtual-server>") == services + 2
        assert re.search(r"<virtual-servers[^>]*>0<", adopt(session)), "there is nothing left"


PARAMETER = pathlib.Path("/proc/sys/net/ipv4/vs/expire_nodest_conn")


@pytest.fixture(name="tuned")
def fixture_tuned(ipvs):
    """A kernel with settings of its own, and a daemon that synchronises; what tells of them."""
    ipvs("--set", "1000", "0", "33")
    ipvs("--start-daemon", "master", "--mcast-interface", "lo", "--syncid", "7")
    PARAMETER.write_text("1")
    yield lambda: (ipvs("-l", "--timeout"), ipvs("-l", "--daemon"), PARAMETER.read_text())
    PARAMETER.write_text("0")
    subprocess.run(["ipvsadm", "--stop-daemon", "master"], check=False, capture_output=True)
    ipvs("--set", "900", "120", "300")


def test_settings_and_daemons_are_adopted(tuned, daemon_factory):
    before = tuned()
    daemon = daemon_factory()
    printed = subprocess.run(daemon.command("--adopt"), check=True, capture_output=True,
                             text=True).stdout
    with daemon.session() as session:
        with Monitor() as monitor:
            shown = adopt(session)
        assert monitor.total(WRITES) == 0
        for text in (re.sub(r"\s+", "", printed), shown, session.data("running")):
            for word in ("<tcp>1000</tcp><udp>33</udp>", "<sync-id>7</sync-id>",
                         "<interface>lo</interface>",
                         "<expire-nodest-conn>true</expire-nodest-conn>"):
                assert word in text
            assert "tcp-fin" not in text and "conntrack" not in text, "the kernel's defaults"
        assert "<director>" not in adopt(session), "there is nothing left"
    daemon.stop()
    daemon.start()
    assert tuned() == before


def test_no_such_director(ipvs, daemon_factory):
    with daemon_factory().session() as session:
        with pytest.raises(RpcError) as error:
            adopt(session, "<director>blue</director>")
        assert error.value.tag == "data-missing"
        assert "blue" in error.value.message
