"""Virtual routers with interfaces of their own: VMACs and ipvlans."""

import subprocess

import pytest

from netconf import wait_for
from test_vrrp import fixture_bridge, fixture_nodes  # noqa: F401 pylint: disable=unused-import
from vrrp import ADDRESS, instance, run

VIRTUAL_MAC = "00:00:5e:00:01:33"  # of IPv4, and the identifier 51


def needs(kind, *options):
    """Skip what the kernel has no interfaces for."""
    name = f"try-{kind}"
    run("ip", "link", "add", "tried", "type", "veth", "peer", "name", "tried-peer")
    try:
        if subprocess.run(["ip", "link", "add", name, "link", "tried", "type", kind, *options],
                          check=False, capture_output=True).returncode:
            pytest.skip(f"this kernel has no {kind}")
        run("ip", "link", "del", name)
    finally:
        run("ip", "link", "del", "tried")


def link(node, name):
    """What ip says of an interface and its addresses; nothing if it is not there."""
    return run("ip", "-n", node.name, "-d", "addr", "show", "dev", name, check=False)


def has(node, name):
    """Whether an interface has the virtual address."""
    return f"inet {ADDRESS}/24" in link(node, name)


def answers_from(node, address):
    """The hardware address that a node finds an address at; asks anew."""
    run("ip", "-n", node.name, "neigh", "flush", "dev", "eth0")
    run("ip", "netns", "exec", node.name, "ping", "-c", "1", "-W", "1", address, check=False)
    known = run("ip", "-n", node.name, "neigh", "show", "to", address, "dev", "eth0").split()
    return known[known.index("lladdr") + 1] if "lladdr" in known else None


def test_a_virtual_mac_moves_with_the_address(nodes):
    needs("macvlan", "mode", "private")
    first, second, client = nodes(1), nodes(2), nodes(3)
    for node, priority in ((first, 150), (second, 100)):
        # Else its own requests tell the client the address at the interface below.
        run("ip", "netns", "exec", node.name, "sysctl", "-qw", "net.ipv4.conf.eth0.arp_announce=2")
        node.set(instance(priority=priority, more="<virtual-mac><interface>vmac0</interface>"
                          "</virtual-mac>"))
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the election")
    for node in (first, second):
        assert VIRTUAL_MAC in link(node, "vmac0") and "macvlan" in link(node, "vmac0")
    wait_for(lambda: has(first, "vmac0"), "the address")
    assert not has(first, "eth0") and not has(second, "vmac0")
    with first.daemon.session() as session:
        assert session.get("vrrp/instance/phys-address") == [VIRTUAL_MAC]
    assert answers_from(client, ADDRESS) == VIRTUAL_MAC
    first.kill_keepalived()
    run("ip", "link", "set", first.port, "down")
    wait_for(lambda: has(second, "vmac0"), "the second to take over")
    assert answers_from(client, ADDRESS) == VIRTUAL_MAC
    second.set("<instance><name>web</name><enabled>false</enabled></instance>")
    wait_for(lambda: not link(second, "vmac0"), "the interface to go")


@pytest.mark.kernel
def test_an_address_moves_between_ipvlans(nodes):
    run("modprobe", "ipvlan", check=False)
    needs("ipvlan", "mode", "l2")
    first, second = nodes(1), nodes(2)
    for node, priority, own in ((first, 150, 61), (second, 100, 62)):
        node.set(instance(priority=priority, more="<ipvlan><interface>own0</interface>"
                          f"<address>10.9.0.{own}</address></ipvlan>"))
    wait_for(lambda: has(first, "own0"), "the election")
    assert "ipvlan" in link(first, "own0") and not has(second, "own0")
    first.kill_keepalived()
    run("ip", "link", "set", first.port, "down")
    wait_for(lambda: has(second, "own0"), "the second to take over")



def test_the_virtual_macs_of_both_families_are_told_apart(nodes):
    """keepalived names their interfaces: the second is no 'vrrp.51'."""
    needs("macvlan", "mode", "private")
    node = nodes(1)
    own = "<virtual-mac/>"
    six = instance("six", address="fe80::51", more=own + "<address-family>ipv6</address-family>")
    node.set(instance(more=own) + six.replace("<prefix-length>24", "<prefix-length>64"))

    def macs():
        with node.daemon.session() as session:
            return session.get("vrrp/instance/phys-address")
    wait_for(lambda: sorted(macs()) == [VIRTUAL_MAC, VIRTUAL_MAC.replace("01:33", "02:33")],
             "both", 20)
