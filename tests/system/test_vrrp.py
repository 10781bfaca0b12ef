"""VRRP: two nodes, each a namespace, and an address that moves between them by keepalived."""

import os
import signal
import subprocess
import time

import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

from daemon import nacm
from netconf import RpcError, wait_for
from test_notifications import Subscriber
from test_operations import HASH
from vrrp import VRRP, Node, action, instance, run, vrrp


@pytest.fixture(name="bridge")
def fixture_bridge():
    name = f"br{os.getpid()}"
    run("ip", "link", "add", name, "type", "bridge")
    run("ip", "link", "set", name, "up")
    yield name
    run("ip", "link", "del", name)


@pytest.fixture(name="nodes")
def fixture_nodes(daemon_factory, bridge):
    """Makes nodes on one bridge; configured by the tests."""
    made = []

    def make(number, null="all"):
        node = Node(number, None)
        port = node.port = f"v{number}-{os.getpid()}"
        run("ip", "netns", "add", node.name)
        made.append(node)
        run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", node.name)
        run("ip", "link", "set", port, "master", bridge, "up")
        for command in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                        ["addr", "add", f"10.9.0.{10 + number}/24", "dev", "eth0"]):
            run("ip", "-n", node.name, *command)
        node.daemon = daemon_factory(null=null, prefix=["ip", "netns", "exec", node.name])
        return node

    yield make
    for node in made:
        if node.daemon:
            node.daemon.stop()
            node.kill_keepalived()
        if node.port:
            run("ip", "link", "del", node.port, check=False)
        run("ip", "netns", "del", node.name)


@pytest.fixture(name="pair")
def fixture_pair(nodes):
    """Two nodes with one virtual router; the first is its master."""
    first, second = nodes(1), nodes(2)
    first.set(instance(priority=150))
    second.set(instance(priority=100))
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the election")
    assert first.holds() and not second.holds()
    return first, second


def test_the_address_moves_when_the_master_dies(pair):
    first, second = pair
    first.daemon.kill()
    first.kill_keepalived()
    wait_for(lambda: second.state() == "master" and second.holds(), "the second to take over")


def test_keepalived_outlives_the_agent_and_is_taken_over(pair):
    first, second = pair
    pid = first.keepalived()
    for end in (first.daemon.stop, first.daemon.kill):
        end()
        assert first.holds() and first.keepalived() == pid
        first.daemon.start()
        wait_for(lambda: first.state() == "master", "the state to be known again")
    assert first.keepalived() == pid and second.state() == "backup"
    assert "took over a running keepalived" in first.daemon.log()
    with second.daemon.session() as session:
        assert session.get("vrrp/instance/master-transitions") == ["0"]


def test_keepalived_is_started_again(pair):
    first, _ = pair
    pid = first.keepalived()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: first.keepalived() not in (None, pid) and first.state() == "master",
             "a new keepalived")
    with first.daemon.session() as session:
        assert session.get("vrrp/restarts") == ["1"]
        alarms = session.get("alarms/alarm-list/alarm/resource")
    assert any("'vrrp'" in resource for resource in alarms)


def test_a_change_is_told_and_does_not_restart_it(pair):
    first, second = pair
    pid = first.keepalived()
    with Subscriber(first.daemon.socket) as subscriber:
        subscriber.subscribe()
        first.set(instance(priority=50))
        event = subscriber.next("vrrp-state-change", state="backup")
        assert event.findtext("instance") == "web" and event.findtext("former-state") == "master"
    wait_for(lambda: second.state() == "master", "the second to take over")
    assert first.keepalived() == pid


def test_a_removed_instance_gives_its_address_up(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.set(f'<vrrp xmlns="{VRRP}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
                    '<instance nc:operation="delete"><name>web</name></instance></vrrp>')
    wait_for(lambda: second.holds() and not first.holds(), "the address to move")
    wait_for(lambda: not first.keepalived(), "keepalived to end")


def test_fail_over_and_back(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.rpc(action(f'<fail-over xmlns="{VRRP}"><hold-time>2</hold-time>'
                           "<reason>new disk</reason></fail-over>"))
        assert session.get("vrrp/instance/order/reason") == ["new disk"]
    wait_for(lambda: second.holds() and first.state() == "fault", "the second to take over")
    wait_for(lambda: first.holds() and second.state() == "backup", "the first to be back")
    with first.daemon.session() as session:
        assert session.get("vrrp/instance/order/kind") == []


def test_another_priority_survives_a_restart_until_it_is_taken_back(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.rpc(action("<override-priority><priority>20</priority></override-priority>"))
    wait_for(second.holds, "the second to take over")
    first.daemon.stop()
    first.kill_keepalived()
    for file in (first.daemon.run / "vrrp").iterdir():
        file.unlink()  # as a reboot does
    first.daemon.start()
    wait_for(lambda: first.state() == "backup", "the first to be back")
    with first.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/instance/effective-priority") == ["20"], "the priority")
        session.rpc(action("<resume/>"))
    wait_for(first.holds, "the first to take over again")


def test_members_of_a_group_move_together(nodes):
    first, second = nodes(1), nodes(2)
    for node, priority in ((first, 150), (second, 100)):
        node.set(instance("in", priority) + instance("out", priority, vrid=52, address="10.9.0.2")
                 + "<sync-group><name>both</name><member>in</member><member>out</member>"
                 "</sync-group>")
    wait_for(lambda: first.holds() and first.holds("10.9.0.2"), "the election")
    with first.daemon.session() as session:
        with pytest.raises(RpcError) as refused:
            session.rpc(action("<override-priority><priority>20</priority></override-priority>",
                               "in"))
        assert "group both" in refused.value.message
        session.rpc(action("<fail-over><hold-time>60</hold-time></fail-over>", "in"))
    wait_for(lambda: second.holds() and second.holds("10.9.0.2"), "both addresses to move")
    with first.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/sync-group/state") == ["fault"], "the group's state")


def test_an_interface_that_is_missing_is_waited_for(nodes):
    node = nodes(1)
    node.set(instance(interface="eth7"))
    wait_for(lambda: node.state() == "fault", "the fault")
    with node.daemon.session() as session:
        assert any("'web'" in resource
                   for resource in session.get("alarms/alarm-list/alarm/resource"))
    run("ip", "-n", node.name, "link", "add", "eth7", "type", "veth", "peer", "name", "peer7")
    run("ip", "-n", node.name, "link", "set", "peer7", "up")
    run("ip", "-n", node.name, "link", "set", "eth7", "up")
    run("ip", "-n", node.name, "addr", "add", "10.9.1.1/24", "dev", "eth7")
    wait_for(lambda: node.state() == "master", "the instance to work")


def test_a_tracked_file_counts(nodes, tmp_path):
    node, file = nodes(1), tmp_path / "tracked"
    file.write_text("0\n")
    node.set(f"<file><name>load</name><file>{file}</file></file>"
             + instance(more="<track-file><file>load</file></track-file>"))
    wait_for(lambda: node.state() == "master", "the election")
    file.write_text("-30\n")
    with node.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/instance/effective-priority") == ["70"], "the priority")


@pytest.mark.parametrize("content, words", [
    (instance() + instance("other", address="10.9.0.2"), "the same interface"),
    (instance(address="fe80::1"), "family"),
    (instance(more="<version>vrrp-v2</version>"), "whole seconds"),
    (instance(more="<authentication><password>secret</password></authentication>"), "Version 3"),
    (instance(more="<track-script><script>none</script></track-script>"), "script"),
    (instance(more='<notify-any>/bin/true "; }</notify-any>'), "pattern"),
    (instance() + "<sync-group><name>a</name><member>web</member></sync-group>"
     "<sync-group><name>b</name><member>web</member></sync-group>", "one group at most"),
    ("<script-user>nobody-here</script-user>"
     + "<script><name>s</name><command>/bin/true</command></script>"
     + instance(more="<track-script><script>s</script></track-script>"), "script uid/gid"),
], ids=["same-vrid", "family", "interval", "authentication", "script", "injection", "two-groups",
        "user"])
def test_what_cannot_be_is_refused(nodes, content, words):
    node = nodes(1)
    with node.daemon.session() as session:
        with pytest.raises(RpcError) as refused:
            session.set(vrrp(content))
    assert words.lower() in refused.value.message.lower()
    assert not node.keepalived()


def test_a_password_is_for_those_who_may_read_it_and_in_no_open_file(nodes):
    node = nodes(1)
    node.set(instance(more="<version>vrrp-v2</version><authentication><password>se.cret</password>"
                      "</authentication>").replace("<advertise-interval>10",
                                                   "<advertise-interval>100"))
    wait_for(lambda: node.state() in ("backup", "master"), "keepalived")
    assert "se.cret" not in node.daemon.log()
    assert (node.daemon.run / "vrrp").stat().st_mode & 0o077 == 0
    assert (node.daemon.run / "vrrp" / "keepalived.conf").stat().st_mode & 0o077 == 0


def test_an_operators_own_keepalived_is_not_disturbed(nodes, tmp_path):
    node, own = nodes(1), tmp_path / "own.conf"
    own.write_text("vrrp_instance A {\n interface eth0\n virtual_router_id 9\n priority 100\n"
                   " virtual_ipaddress {\n 10.9.0.99/24\n }\n}\n")
    other = subprocess.Popen(["ip", "netns", "exec", node.name, "keepalived", "-n", "-P", "-f", own,
                              "-p", tmp_path / "pid", "-r", tmp_path / "child"])
    try:
        wait_for((tmp_path / "child").exists, "the other keepalived")
        node.set(instance())
        with node.daemon.session() as session:
            wait_for(lambda: any("another keepalived" in text for text in
                                 session.get("agent/backend/reason")), "the reason")
    finally:
        other.terminate()
        other.wait(20)
    wait_for(lambda: node.state() == "master", "our own keepalived")


def test_another_master_that_is_heard_is_an_alarm(pair):
    first, second = pair

    def cleared():
        with first.daemon.session() as session:
            kinds = session.get("alarms/alarm-list/alarm/alarm-type-id")
            states = session.get("alarms/alarm-list/alarm/is-cleared")
        return [state for kind, state in zip(kinds, states) if "vrrp-split-brain" in kind]
    assert not cleared()
    one_way = ["ip", "link", "set", second.port, "type", "bridge_slave", "mcast_flood"]
    run(*one_way, "off")
    wait_for(lambda: cleared() == ["false"], "the alarm", 3)
    assert first.holds() and second.holds()
    run(*one_way, "on")
    wait_for(lambda: second.state() == "backup", "the second to give way")
    wait_for(lambda: cleared() == ["true"], "the alarm to clear", 15)
    assert first.state() == "master"


def test_a_flooded_fifo_holds_nobody_up(pair):
    first, _ = pair
    fifo = os.open(first.daemon.run / "vrrp" / "notify", os.O_WRONLY | os.O_NONBLOCK)
    end = time.monotonic() + 1
    try:
        while time.monotonic() < end:
            try:
                os.write(fifo, b'nonsense "x" ' + b"y" * 4000 + b'\nINSTANCE "none" MASTER 1\n')
            except BlockingIOError:
                pass
        started = time.monotonic()
        assert first.state() == "master"
        assert time.monotonic() - started < 1
    finally:
        os.close(fifo)


def test_an_order_needs_a_rule_that_permits_it(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    user = f"<user><name>guest</name><password>{HASH}</password></user>"
    daemon.config.write_text(daemon.default_configuration(user) + nacm())
    daemon.start()
    with daemon.session() as root:
        root.set(vrrp(instance(more="<enabled>false</enabled>")))
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False, timeout=30,
                         username="guest", password="secret", allow_agent=False,
                         look_for_keys=False) as client:
        for name in ("<fail-over/>", "<resume/>",
                     "<override-priority><priority>1</priority></override-priority>"):
            with pytest.raises(RPCError) as denied:
                client.dispatch(to_ele(action(name)))
            assert denied.value.tag == "access-denied"
