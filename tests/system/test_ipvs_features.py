"""Everything that ipvsadm can say of a service, said by configuration, in a real kernel."""

import subprocess

import pytest

from director import director, directors, run
from netconf import RpcError, real, server, servers

pytestmark = pytest.mark.kernel


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


def lines(ipvs, *options):
    return [" ".join(line.split()) for line in ipvs("-Ln", *options).splitlines()[3:]]


SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]


def test_every_scheduler_is_loaded_on_demand(session, ipvs):
    subprocess.run("rmmod ip_vs_ovf ip_vs_mh ip_vs_nq", shell=True, check=False,
                   capture_output=True)
    session.set(servers("".join(
        server(f"s{number}", f"<scheduler>{name}</scheduler>", f"192.0.2.{number}", 80)
        for number, name in enumerate(SCHEDULERS, 1))))
    assert sorted(line.split()[2] for line in lines(ipvs)) == sorted(SCHEDULERS)


# What is configured below a virtual server: what ipvsadm -S says of it.
SAID = {
    "sh with its flags": (
        "<scheduler>sh</scheduler><scheduler-flags>fallback port</scheduler-flags>",
        "-s sh -b sh-fallback,sh-port"),
    "mh with one flag": (
        "<scheduler>mh</scheduler><scheduler-flags>port</scheduler-flags>", "-s mh -b mh-port"),
    "the third flag": (
        "<scheduler>rr</scheduler><scheduler-flags>flag-3</scheduler-flags>", "-b flag-3"),
    "persistence for a day and a network": (
        "<persistence><timeout>86400</timeout><prefix-length>20</prefix-length></persistence>",
        "-p 86400 -M 255.255.240.0"),
    "persistence for as long as the kernel can count": (
        "<persistence><timeout>2678400</timeout></persistence>", "-p 2678400"),
    "the engine sip": (
        "<protocol>udp</protocol><persistence><engine>sip</engine></persistence>", "--pe sip"),
    "one-packet": ("<protocol>udp</protocol><one-packet>true</one-packet>", "-o"),
    "the largest weight": (real("10.0.0.1", 80, "<weight>65535</weight>"), "-m -w 65535"),
    "direct routing": (
        real("10.0.0.1", 80, "<forwarding-method>dr</forwarding-method>"), "10.0.0.1:80 -g -w 1"),
    "ipip": (real("10.0.0.1", 80, "<forwarding-method>tun</forwarding-method>"),
             "10.0.0.1:80 -i -w 1"),
}


@pytest.mark.parametrize("case", SAID)
def test_each_option_of_a_service(daemon, session, ipvs, case):
    content, said = SAID[case]
    session.set(servers(server("x", content, "192.0.2.1", 80)))
    assert said in " ".join(ipvs("-Sn").split())
    daemon.stop()
    daemon.start()
    assert "reconciled" not in daemon.log()


TUNNELS = {
    "gue": ("<type>gue</type><port>6080</port>", "gue:6080:-c"),
    "gue with a checksum": ("<type>gue</type><port>6081</port><checksum>full</checksum>",
                            "gue:6081:+c"),
    "gue with remote checksum offload": (
        "<type>gue</type><port>6082</port><checksum>remote</checksum>", "gue:6082:r+c"),
    "gre": ("<type>gre</type>", "gre:-c"),
    "gre with a checksum": ("<type>gre</type><checksum>full</checksum>", "gre:+c"),
}


def test_every_tunnel(daemon, session, ipvs):
    tunnelled = "<forwarding-method>tun</forwarding-method><tunnel>{}</tunnel>"
    session.set(servers("".join(
        server(f"s{number}", real("10.0.0.1", 80, tunnelled.format(tunnel)),
               f"192.0.2.{number}", 80)
        for number, (tunnel, _) in enumerate(TUNNELS.values(), 1))))
    held = "\n".join(lines(ipvs, "--tun-info"))
    for case, (_, said) in TUNNELS.items():
        assert f"10.0.0.1:80 Tunnel {said} " in held, case
    daemon.stop()
    daemon.start()
    assert "reconciled" not in daemon.log()


def test_thresholds(daemon, session, ipvs):
    session.set(servers(server("x", real(
        "10.0.0.1", 80, "<upper-threshold>65535</upper-threshold>"
                        "<lower-threshold>100</lower-threshold>"), "192.0.2.1", 80)))
    assert lines(ipvs, "--thresholds")[1].split()[2:4] == ["65535", "100"]
    daemon.stop()
    daemon.start()
    assert "reconciled" not in daemon.log()


def test_ipv6_marks_and_prefixes(session, ipvs):
    session.set(servers(
        server("mark", "<address-family>ipv6</address-family><persistence>"
                       "<prefix-length>64</prefix-length></persistence>" + real("2001:db8::1", 0),
               mark=9)
        + server("mixed", "<address-family>ipv6</address-family>"
                          "<forwarding-method>tun</forwarding-method>" + real("10.0.0.1", 0),
                 mark=10)))
    said = ipvs("-Sn")
    assert "-f 9 -6" in said and "-M 64" in said
    assert [line for line in lines(ipvs) if "10.0.0.1:0 Tunnel" in line]


REFUSED = {
    "a real server on a multicast address": (
        server("bad", real("224.0.0.5", 80), "192.0.2.9", 80), "224.0.0.5", "unicast"),
    "a gre tunnel with remote checksum offload": (
        server("bad", "<forwarding-method>tun</forwarding-method><tunnel><type>gre</type>"
               "<checksum>remote</checksum></tunnel>" + real("10.0.0.1", 80), "192.0.2.9", 80),
        "tunnel/checksum", "gue"),
    "a lower threshold above the upper one": (
        server("bad", real("10.0.0.1", 80, "<upper-threshold>5</upper-threshold>"
                           "<lower-threshold>6</lower-threshold>"), "192.0.2.9", 80),
        "lower-threshold", "upper"),
    "one-packet scheduling of tcp": (
        server("bad", "<one-packet>true</one-packet>", "192.0.2.9", 80), "one-packet", "udp"),
    "the engine sip for tcp": (
        server("bad", "<persistence><engine>sip</engine></persistence>", "192.0.2.9", 80),
        "engine", "udp"),
    "every port without persistence": (
        server("bad", "", "192.0.2.9", 0), "port", "persistence"),
    "another port with direct routing": (
        server("bad", "<forwarding-method>dr</forwarding-method>" + real("10.0.0.1", 8080),
               "192.0.2.9", 80), "real-server", "nat"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_names_the_entry_and_says_what_to_do(session, ipvs, case):
    config, path, word = REFUSED[case]
    with pytest.raises(RpcError) as refused:
        session.set(servers(config))
    assert path in refused.value.path and "name='bad'" in refused.value.path
    assert word in refused.value.message
    assert lines(ipvs) == []


def test_families_are_not_mixed_while_a_synchronisation_daemon_runs(session, ipvs):
    session.set(directors(director("main", content="<sync-daemon><backup><interface>lo</interface>"
                                                   "</backup></sync-daemon>")))
    mixed = server("mixed", real("2001:db8::1", 80, "<forwarding-method>tun</forwarding-method>"),
                   "192.0.2.1", 80)
    with pytest.raises(RpcError) as refused:
        session.set(servers(mixed))
    assert "name='mixed'" in refused.value.path and "synchronisation" in refused.value.message
    session.rpc("<discard-changes/>")
    session.set(directors(director("main", operation="delete")))
    session.set(servers(mixed))
    with pytest.raises(RpcError) as refused:
        session.set(directors(director("main", content="<sync-daemon><master>"
                                       "<interface>lo</interface></master></sync-daemon>")))
    assert "sync-daemon/master" in refused.value.path and "mixed" in refused.value.message
    assert run("ipvsadm", "-l", "--daemon") == ""
