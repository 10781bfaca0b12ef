"""Verdicts on real servers, with the null backend in the place of health checks and of the kernel."""

import re
import time
import xml.etree.ElementTree as ElementTree

import pytest

from netconf import NULL, SERVERS, RpcError, real, server, servers, wait_for

WEB = server("web", real("10.0.0.1", 80) + real("10.0.0.2", 80), "192.0.2.1", 80)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(null="all")
    with daemon.session() as session:
        session.set(servers(WEB))
    return daemon


def verdict(address, health, port=80, name="web", more=""):
    return (f"<verdict><virtual-server>{name}</virtual-server><address>{address}</address>"
            f"<port>{port}</port><health>{health}</health>{more}</verdict>")


def judge(session, content):
    session.rpc(f'<judge xmlns="{NULL}">{content}</judge>')


def sum_of(session, address, port=80, name="web"):
    """Weight, or None for absent; -1 is as configured."""
    reply = session.rpc(f'<sum xmlns="{NULL}"><virtual-server>{name}</virtual-server>'
                        f"<address>{address}</address><port>{port}</port></sum>")
    value = {name: text for name, text in re.findall(r"<(?:\w+:)?([a-z-]+)[^>]*>([^<]+)<", reply)}
    return int(value["weight"]) if value["present"] == "true" else None


def quorum_lost(session, name="web"):
    reply = session.rpc(f'<sum xmlns="{NULL}"><virtual-server>{name}</virtual-server>'
                        "<address>10.0.0.1</address><port>80</port></sum>")
    return re.search(r"quorum-lost[^>]*>(\w+)<", reply).group(1) == "true"


OPERATIONS = "urn:noria:yang:noria-operations"


def action_on(action, address, content="", port=80, name="web"):
    """An action on a real server, or, without an address, on its virtual server."""
    action = f'<{action} xmlns="{OPERATIONS}">{content}</{action}>'
    target = action if address is None else (f"<real-server><address>{address}</address>"
                                             f"<port>{port}</port>{action}</real-server>")
    return ('<action xmlns="urn:ietf:params:xml:ns:yang:1">'
            f'<virtual-servers xmlns="{SERVERS}"><virtual-server><name>{name}</name>'
            f"{target}</virtual-server></virtual-servers></action>")


def act(session, *arguments, **options):
    """Invoke an action."""
    return session.rpc(action_on(*arguments, **options))


def order_of(session, address, port=80, name="web"):
    """The leaves of the order on a real server."""
    root = ElementTree.fromstring(f"<x>{session.data('get')}</x>")
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
    found = root.find(f"virtual-servers/virtual-server[name='{name}']"
                      f"/real-server[address='{address}'][port='{port}']/order")
    return {leaf.tag: leaf.text for leaf in found} if found is not None else {}


def test_a_verdict_holds_for_its_real_server(session):
    judge(session, verdict("10.0.0.1", "down") + verdict("10.0.0.2", "up", more="<weight>5</weight>"))
    assert sum_of(session, "10.0.0.1") is None
    assert sum_of(session, "10.0.0.2") == 5
    judge(session, verdict("10.0.0.1", "down", more="<inhibit>true</inhibit>"))
    assert sum_of(session, "10.0.0.1") == 0
    judge(session, verdict("10.0.0.1", "unchecked"))
    assert sum_of(session, "10.0.0.1") == -1


def test_what_is_not_configured_is_dropped(session):
    judge(session, verdict("10.0.0.9", "down") + verdict("10.0.0.1", "down", port=81) +
          verdict("10.0.0.1", "down", name="ftp") + "<quorum-lost-of>ftp</quorum-lost-of>")
    assert sum_of(session, "10.0.0.9") == -1
    assert sum_of(session, "10.0.0.1", 81) == -1
    assert sum_of(session, "10.0.0.1", name="ftp") == -1
    assert not quorum_lost(session, "ftp")


def test_what_is_deleted_is_forgotten(session):
    judge(session, verdict("10.0.0.1", "down") + verdict("10.0.0.2", "down") +
          "<quorum-lost-of>web</quorum-lost-of>")
    session.set(servers(server("web", real("10.0.0.1", 80, operation="delete"))))
    session.set(servers(server("web", real("10.0.0.1", 80))))
    assert sum_of(session, "10.0.0.1") == -1
    assert sum_of(session, "10.0.0.2") is None
    assert quorum_lost(session)
    session.set(servers(server("web", operation="delete")))
    session.set(servers(WEB))
    assert sum_of(session, "10.0.0.2") == -1
    assert not quorum_lost(session)


def test_verdicts_outlive_a_restart(daemon):
    with daemon.session() as session:
        judge(session, verdict("10.0.0.1", "down") + "<quorum-lost-of>web</quorum-lost-of>")
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        assert sum_of(session, "10.0.0.1") is None
        assert sum_of(session, "10.0.0.2") == -1
        assert quorum_lost(session)
        judge(session, verdict("10.0.0.1", "up") + "<quorum-back-of>web</quorum-back-of>")
        assert not quorum_lost(session)


def test_verdicts_outlive_a_crash_some_seconds_later(daemon):
    with daemon.session() as session:
        judge(session, verdict("10.0.0.1", "down"))
    wait_for((daemon.state / "verdicts").exists, "the verdicts to be stored")
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert sum_of(session, "10.0.0.1") is None


def test_damaged_files_are_told_and_the_agent_starts(daemon):
    with daemon.session() as session:
        judge(session, verdict("10.0.0.1", "down"))
    daemon.stop()
    (daemon.state / "verdicts").write_bytes(b"NORIA1\r\n nonsense")
    daemon.start()
    assert "verdicts cannot be used as it is" in daemon.log()
    with daemon.session() as session:
        assert sum_of(session, "10.0.0.1") == -1


def test_thousands_of_verdicts_take_a_moment(daemon, session):
    begun = time.monotonic()
    session.set(servers("".join(
        server(f"s{i}", "".join(real(f"10.1.{j}.{i}", 80) for j in range(100)), "192.0.2.2", 80 + i)
        for i in range(100))))
    taken = time.monotonic() - begun
    content = "".join(verdict(f"10.1.{j}.{i}", "down", name=f"s{i}")
                      for i in range(100) for j in range(100))
    begun = time.monotonic()
    judge(session, content)
    # Most of it is the reading of the request, which is no shorter than the configuration.
    assert time.monotonic() - begun < 5 + 3 * taken
    assert sum_of(session, "10.1.99.99", name="s99") is None


def maintained(content, address="10.0.0.1"):
    inside = f'<maintenance xmlns="{OPERATIONS}">{content}</maintenance>' if content else (
        f'<maintenance xmlns="{OPERATIONS}" nc:operation="delete"/>')
    return servers(server("web", real(address, 80, inside)))


def test_maintenance_by_configuration(daemon):
    with daemon.session() as session:
        session.set(maintained("<order>force-down</order><owner>ann</owner><reason>disk</reason>"))
        wait_for(lambda: sum_of(session, "10.0.0.1") is None, "it to be out")
        order = order_of(session, "10.0.0.1")
        assert {k: order[k] for k in ("kind", "owner", "reason", "configured")} == {
            "kind": "force-down", "owner": "ann", "reason": "disk", "configured": "true"}
        with pytest.raises(RpcError) as error:
            act(session, "resume", "10.0.0.1")
        assert "delete its container maintenance" in str(error.value)
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        assert order_of(session, "10.0.0.1")["since"] == order["since"]
        act(session, "force-up", "10.0.0.1")
        assert sum_of(session, "10.0.0.1") == -1
        act(session, "resume", "10.0.0.1")
        assert sum_of(session, "10.0.0.1") is None
        session.set(maintained("<order>drain</order>"))
        wait_for(lambda: order_of(session, "10.0.0.1")["kind"] == "drain", "the other order")
        session.set(maintained(None))
        wait_for(lambda: order_of(session, "10.0.0.1") == {}, "it to be over")
        assert sum_of(session, "10.0.0.1") == -1


def test_maintenance_that_is_not_changed_leaves_orders_alone(session):
    session.set(maintained("<order>force-down</order>"))
    wait_for(lambda: order_of(session, "10.0.0.1"), "the order")
    act(session, "force-up", "10.0.0.1", "<duration>600</duration>")
    session.set(servers(server("web", real("10.0.0.1", 80, "<weight>7</weight>"))))
    assert order_of(session, "10.0.0.1")["kind"] == "force-up"
    act(session, "force-up", "10.0.0.1", "<duration>1</duration>")
    wait_for(lambda: order_of(session, "10.0.0.1")["kind"] == "force-down", "the order's end")
    assert sum_of(session, "10.0.0.1") is None
