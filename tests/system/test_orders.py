"""Orders on real servers, without a kernel: given, shown, told, kept and taken back."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

from daemon import nacm
from netconf import RpcError, real, server, servers, wait_for
from test_notifications import Subscriber, when
from test_operations import HASH
from test_steering import act, action_on, judge, order_of, sum_of, verdict

WEB = server("web", real("10.0.0.1", 80) + real("10.0.0.2", 80) +
             real("2001:db8::3", 8080),
             "192.0.2.1", 80)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(null="all")
    with daemon.session() as session:
        session.set(servers(WEB))
    return daemon


def refused(session, *arguments, **options):
    with pytest.raises(RpcError) as caught:
        act(session, *arguments, **options)
    return caught.value


def test_an_order_holds_until_it_is_taken_back(session):
    act(session, "force-down", "10.0.0.1", "<reason>disk &amp; fan</reason>")
    assert sum_of(session, "10.0.0.1") is None
    order = order_of(session, "10.0.0.1")
    assert (order["kind"], order["owner"], order["reason"]) == ("force-down", "root", "disk & fan")
    assert "until" not in order and re.match(r"2\d{3}-", order["since"])
    act(session, "resume", "10.0.0.1")
    assert sum_of(session, "10.0.0.1") == -1
    assert order_of(session, "10.0.0.1") == {}


def test_each_order_and_the_checks(session):
    judge(session, verdict("10.0.0.1", "down") + verdict("10.0.0.2", "up", more="<weight>5</weight>"))
    for name, more, sums in [("force-up", "", (-1, 5)),
                             ("override-weight", "<weight>9</weight>", (None, 9)),
                             ("drain", "", (None, 0)),
                             ("force-down", "", (None, None))]:
        for address, wanted in zip(("10.0.0.1", "10.0.0.2"), sums):
            act(session, name, address, more)
            assert sum_of(session, address) == wanted, (name, address)
            assert order_of(session, address)["kind"] == name
    assert order_of(session, "2001:db8::3", 8080) == {}
    act(session, "override-weight", "2001:db8::3", "<weight>0</weight>", port=8080)
    assert sum_of(session, "2001:db8::3", 8080) == 0
    assert order_of(session, "2001:db8::3", 8080)["weight"] == "0"


def test_an_order_ends_by_itself(daemon):
    with Subscriber(daemon.socket) as session:
        session.subscribe()
        act(session, "force-down", "10.0.0.1", "<duration>3</duration>")
        assert sum_of(session, "10.0.0.1") is None
        session.next("order-change", kind="force-down", owner="root", address="10.0.0.1")
        event = session.next("order-change", kind="none")
        assert event.find("owner") is None
        assert sum_of(session, "10.0.0.1") == -1
        act(session, "force-down", "10.0.0.1", f"<until>{when(3)}</until>")
        act(session, "force-down", "10.0.0.2", "<duration>3600</duration>")
        session.next("order-change", kind="none", address="10.0.0.1")
        assert sum_of(session, "10.0.0.2") is None


def test_orders_outlive_a_crash_and_end_while_nobody_runs(daemon):
    with daemon.session() as session:
        act(session, "force-down", "10.0.0.1", "<reason>broken</reason>")
        act(session, "override-weight", "10.0.0.2", "<weight>7</weight><duration>1</duration>")
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        order = order_of(session, "10.0.0.1")
        assert (order["kind"], order["reason"]) == ("force-down", "broken")
        wait_for(lambda: sum_of(session, "10.0.0.2") == -1, "the order's end")
        act(session, "resume", "10.0.0.1")
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert sum_of(session, "10.0.0.1") == -1


def test_a_whole_virtual_server(daemon):
    with Subscriber(daemon.socket) as session:
        session.subscribe()
        reply = act(session, "drain", None, "<reason>move</reason><timeout>0</timeout>")
        assert re.search(r"<real-servers[^>]*>3<", reply)
        event = session.next("order-change", kind="drain", virtual_server="web", reason="move")
        assert event.find("address") is None
        assert [sum_of(session, a, p) for a, p in
                (("10.0.0.1", 80), ("10.0.0.2", 80), ("2001:db8::3", 8080))] == [0, 0, 0]
        assert "until" not in order_of(session, "10.0.0.1")
        assert order_of(session, "10.0.0.1")["drained"] == "false"
        act(session, "resume", "10.0.0.2")
        assert re.search(r"<real-servers[^>]*>2<", act(session, "resume", None))
        assert re.search(r"<real-servers[^>]*>0<", act(session, "resume", None))
        assert sum_of(session, "10.0.0.1") == -1


def test_bad_orders_are_refused(session):
    error = refused(session, "resume", "10.0.0.1")
    assert error.tag == "data-missing", error
    error = refused(session, "drain", "10.0.0.9")
    assert error.tag == "data-missing"
    assert error.path.endswith("[name='web']/real-server[address='10.0.0.9'][port='80']")
    assert refused(session, "drain", None, name="ftp").tag == "data-missing"
    error = refused(session, "override-weight", "10.0.0.1")
    assert error.tag == "missing-element" and "It may be" not in error.message, error
    error = refused(session, "override-weight", "10.0.0.1", "<weight>65536</weight>")
    assert error.tag == "invalid-value", error
    assert "It may be 0 to 65535." in error.message
    error = refused(session, "force-up", "10.0.0.1", "<until>2020-01-01T00:00:00Z</until>")
    assert error.tag == "invalid-value" and "until" in error.message
    error = refused(session, "force-up", "10.0.0.1", f"<reason>{'ä' * 200}</reason>")
    assert error.tag == "invalid-value" and "400 octets" in error.message
    assert order_of(session, "10.0.0.1") == {}


def test_orders_go_with_their_real_server(daemon, session):
    act(session, "force-down", "10.0.0.1")
    act(session, "force-down", "10.0.0.2")
    session.set(servers(server("web", real("10.0.0.1", 80, operation="delete"))))
    session.set(servers(server("web", real("10.0.0.1", 80))))
    assert sum_of(session, "10.0.0.1") == -1
    assert sum_of(session, "10.0.0.2") is None
    session.set(servers(server("web", operation="delete")))
    session.set(servers(WEB))
    wait_for(lambda: b"order" not in (daemon.state / "orders").read_bytes()[16:],
             "the file of orders to be empty")
    daemon.kill()
    daemon.start()
    with daemon.session() as again:
        assert sum_of(again, "10.0.0.2") == -1


def test_an_order_that_cannot_be_stored_is_not_taken(daemon, session):
    (daemon.state / "orders.new").mkdir()
    (daemon.state / "orders.new" / "in-the-way").write_text("")
    error = refused(session, "force-down", "10.0.0.1")
    assert error.tag == "operation-failed" and "cannot be stored" in error.message
    assert sum_of(session, "10.0.0.1") == -1
    (daemon.state / "orders.new" / "in-the-way").unlink()
    (daemon.state / "orders.new").rmdir()
    act(session, "force-down", "10.0.0.1")
    assert sum_of(session, "10.0.0.1") is None


def test_thousands_of_orders_are_stored_together(daemon, session):
    session.set(servers(server("big", "".join(real(f"10.{i // 250}.1.{i % 250 + 1}", 80)
                                              for i in range(5000)), "192.0.2.9", 80)))
    reply = act(session, "force-down", None, name="big")
    assert re.search(r"<real-servers[^>]*>5000<", reply)
    daemon.kill()
    daemon.start()
    with daemon.session() as again:
        assert sum_of(again, "10.19.1.250", name="big") is None


def test_the_action_is_of_yang_1_1(session):
    """The reply to an action without output is <ok/>."""
    reply = ElementTree.fromstring(act(session, "force-up", "10.0.0.1"))
    assert [child.tag.split("}")[-1] for child in reply] == ["ok"]


RULES = """
<rule-list><name>operators</name><group>operator</group>
  <rule><name>drain</name><path xmlns:nvs="urn:noria:yang:noria-virtual-server" xmlns:nop="urn:noria:yang:noria-operations">/nvs:virtual-servers/nvs:virtual-server/nvs:real-server/nop:drain</path>
    <access-operations>exec</access-operations><action>permit</action></rule>
</rule-list>"""


def test_an_order_needs_a_rule_that_permits_it(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    group = "<group><name>operator</name><user-name>operator</user-name></group>"
    user = f"<user><name>operator</name><password>{HASH}</password></user>"
    daemon.config.write_text(daemon.default_configuration(user) + nacm(group, RULES))
    daemon.start()
    with daemon.session() as root:
        root.set(servers(WEB))
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False, timeout=120,
                         username="operator", password="secret", allow_agent=False,
                         look_for_keys=False) as client:
        client.dispatch(to_ele(action_on("drain", "10.0.0.1")))
        for name, address in (("force-down", "10.0.0.1"), ("resume", "10.0.0.1"), ("drain", None)):
            with pytest.raises(RPCError) as denied:
                client.dispatch(to_ele(action_on(name, address)))
            assert denied.value.tag == "access-denied"
    with daemon.session() as root:
        order = order_of(root, "10.0.0.1")
        assert (order["kind"], order["owner"]) == ("drain", "operator")
