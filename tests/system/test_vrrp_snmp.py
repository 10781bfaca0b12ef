"""VRRP by SNMP: what is set, NORIA-MIB's rows, and notifications beside a real keepalived's."""

import contextlib
import re
import socket
import subprocess

import pytest

from daemon import free_port, nacm
from director import director, directors
from netconf import wait_for
from test_snmp_users import agent
# pylint: disable-next=unused-import
from test_vrrp import fixture_bridge, fixture_nodes, fixture_pair
from test_vrrp_mibs import INSTANCE, NORIA_VRRP, address, inside, keepalived
from test_vrrp_mibs import instance as router
from vrrp import VRRP, instance

WRITER = "<community><name>writer</name><write-as>admin</write-as></community>"
PRIORITY, PREEMPT, ACCEPT, SECONDARIES, LINKBEAT, DELETED = (
    f"{INSTANCE}.{column}" for column in (7, 13, 27, 28, 29, 33))
TRAP_OID = ".1.3.6.1.6.3.1.1.4.1.0"
TRAP_ENABLE, VRRP_TRAP_ENABLE = ".1.3.6.1.4.1.9586.100.5.1.4", ".1.3.6.1.2.1.68.1.2"
FOREIGN = (".1.3.6.1.4.1.9586.100.5.2.10.0.", ".1.3.6.1.2.1.68.0.", ".1.3.6.1.2.1.207.0.")


def walk(node, oid):
    """{index: value}"""
    done = inside(node.name, "snmpbulkwalk", "-v", "2c", "-c", "public", "-Oqn",
                  f"127.0.0.1:{node.daemon.snmp_port}", oid)
    lines = [line[len(oid) + 1:].split(" ", 1) for line in done.stdout.splitlines()
             if line.startswith(oid + ".")]
    return {index: value.strip('"') for index, value in lines}


def row_of(node, table, name, column=2):
    return wait_for(lambda: next((index for index, value in walk(
        node, f"{table}.{column}").items() if value == name), None), f"the row of {name}")


def put(node, *assignments, kind="i"):
    """Set (OID, value) pairs in one PDU. @return What the tool says of errors."""
    return inside(node.name, "snmpset", "-v", "2c", "-c", "writer",
                  f"127.0.0.1:{node.daemon.snmp_port}",
                  *(word for oid, value in assignments for word in (oid, kind, str(value)))).stderr


@pytest.fixture(name="node")
def fixture_node(nodes):
    node = nodes(1)
    with node.daemon.session() as session:
        session.set(nacm() + agent(WRITER))
    node.set(instance())
    return node


def test_what_keepalived_lets_set_is_a_commit(node):
    row = row_of(node, INSTANCE, "web")
    wanted = {PRIORITY: 77, PREEMPT: 2, ACCEPT: 2, SECONDARIES: 1, LINKBEAT: 1, DELETED: 1}
    assert not put(node, *((f"{oid}.{row}", value) for oid, value in wanted.items()))
    for oid, value in wanted.items():
        assert walk(node, oid) == {row: str(value)}
    with node.daemon.session() as session:
        text = session.data("running")
    for leaf in ("<priority>77<", "<preempt><enabled>false<", "<accept-mode>false<",
                 "<promote-secondaries>true<", "<linkbeat-polling>true<", "<notify-deleted>true<"):
        assert leaf in text
    written = (node.daemon.run / "vrrp" / "keepalived.conf").read_text()
    for word in ("priority 77", "nopreempt", "no_accept", "promote_secondaries",
                 "notify_deleted"):
        assert f"    {word}\n" in written
    assert "linkbeat_interfaces {\n    eth0\n}\n" in written
    wait_for(lambda: walk(node, f"{INSTANCE}.8") == {row: "77"}, "keepalived to obey")


def test_what_cannot_be_set_changes_nothing(node):
    row = row_of(node, INSTANCE, "web")
    for oid, value, error in ((PRIORITY, 0, "wrongValue"), (PRIORITY, 256, "wrongValue"),
                              (PREEMPT, 3, "wrongValue"), (f"{INSTANCE}.8", 5, "notWritable")):
        assert error in put(node, (f"{DELETED}.{row}", 1), (f"{oid}.{row}", value))
    node.set(instance(more="<initial-state>master</initial-state>"))
    assert "inconsistentValue" in put(node, (f"{DELETED}.{row}", 1), (f"{PREEMPT}.{row}", 2))
    assert walk(node, DELETED) == {row: "2"} and walk(node, PRIORITY) == {row: "100"}


def test_rows_of_noria_keep_their_numbers(node):
    instances, groups = f"{NORIA_VRRP}.1.1", f"{NORIA_VRRP}.2.1"
    row = row_of(node, instances, "web")
    node.set(instance("another", vrid=52, address="10.9.0.2")
             + "<sync-group><name>both</name><member>web</member><member>another</member>"
             "</sync-group>")
    other, group = row_of(node, instances, "another"), row_of(node, groups, "both")
    assert row_of(node, instances, "web") == row != other
    wait_for(lambda: walk(node, f"{instances}.10") == {row: "3", other: "3"}, "masters")
    wait_for(lambda: walk(node, f"{groups}.3") == {group: "3"}, "the group")
    assert walk(node, f"{instances}.13") == {row: "both", other: "both"}
    assert not put(node, (f"{instances}.8.{row}", 42), kind="u")
    wait_for(lambda: walk(node, f"{instances}.9")[row] == "42", "keepalived to obey")
    node.daemon.stop()
    node.daemon.start()
    assert row_of(node, instances, "web") == row and row_of(node, groups, "both") == group


def test_an_instance_says_which_synchronisation_follows_it(node):
    row = row_of(node, INSTANCE, "web")
    assert walk(node, f"{INSTANCE}.16") == {row: "2"} and not walk(node, f"{INSTANCE}.17")
    with node.daemon.session() as session:
        session.set(directors(director("main", content=(
            "<sync-daemon><master><interface>eth0</interface></master>"
            f'<vrrp-instance xmlns="{VRRP}">web</vrrp-instance></sync-daemon>'))))
    wait_for(lambda: walk(node, f"{INSTANCE}.17") == {row: "eth0"}, "the interface")
    assert walk(node, f"{INSTANCE}.16") == {row: "1"}


@contextlib.contextmanager
def receiver(node, folder):
    """snmptrapd in a node: its port, and a function that lists what came."""
    port, file = free_port(socket.SOCK_DGRAM), folder / "traps"
    (folder / "snmptrapd.conf").write_text("authCommunity log public\nformat2 TRAP %v\\n\n")
    with open(file, "wb") as out:
        process = subprocess.Popen(
            ["ip", "netns", "exec", node.name, "snmptrapd", "-f", "-Lo", "-On", "-OQ", "-C", "-c",
             folder / "snmptrapd.conf", f"udp:127.0.0.1:{port}"], stdout=out, stderr=out,
            env={"SNMP_PERSISTENT_DIR": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                 "MIBS": ""})
    wait_for(lambda: f":{port:04X} " in inside(node.name, "cat", "/proc/net/udp").stdout,
             "snmptrapd")

    def came():
        """[(trap, {object: value})]"""
        traps = []
        for line in file.read_text(errors="replace").splitlines():
            if not line.startswith("TRAP "):
                continue
            objects = dict(re.split(r" = ", part, maxsplit=1)
                           for part in line.removeprefix("TRAP ").split("\t") if " = " in part)
            traps.append((objects.pop(TRAP_OID, ""), objects))
        return traps

    try:
        yield port, came
    finally:
        process.terminate()
        process.wait(10)


def foreign(traps):
    """Those of other MIBs, in an order that does not depend on who was faster."""
    found = [(trap, {oid: value for oid, value in objects.items()
                     if not oid.startswith(".1.3.6.1.2.1.1.3.0")})
             for trap, objects in traps if trap.startswith(FOREIGN)]
    return sorted(found, key=repr)


KEEPALIVED = """
global_defs {
  enable_snmp_vrrp
  enable_snmp_rfc
  enable_traps
}
vrrp_instance new {
  interface eth0
  version 3
  virtual_router_id 61
  priority 120
  advert_int 0.20
  virtual_ipaddress {
    10.9.0.1/32
  }
}
vrrp_instance old {
  interface eth0
  state MASTER
  version 2
  virtual_router_id 62
  priority 110
  advert_int 1
  virtual_ipaddress {
    10.9.0.2/32
  }
}
vrrp_sync_group both {
  group {
    new
    old
  }
}
"""


@pytest.mark.once
def test_notifications_are_those_of_keepalived(nodes, tmp_path):
    node = nodes(1)
    with receiver(node, tmp_path) as (port, came):
        def begun():
            """Three that are backup first, three that are master, and three of new masters."""
            found = foreign(came())
            return len(found) >= 9 and found

        with keepalived(node.name, tmp_path / "own", KEEPALIVED, traps=port):
            theirs = wait_for(begun, "keepalived's traps")
    folder = tmp_path / "second"
    folder.mkdir()
    with receiver(node, folder) as (port, came):
        with node.daemon.session() as session:
            session.set(agent(
                "<keepalived-notifications>true</keepalived-notifications><target><name>nms</name>"
                f"<address>127.0.0.1</address><port>{port}</port><community>public</community>"
                "</target>"))
        node.set(router("new", 61, 120, 20, address("10.9.0.1"))
                 + router("old", 62, 110, 100, "<version>vrrp-v2</version>"
                          "<initial-state>master</initial-state>" + address("10.9.0.2"))
                 + "<sync-group><name>both</name><member>new</member><member>old</member>"
                 "</sync-group>")
        ours = wait_for(begun, "our traps")
    assert walk(node, TRAP_ENABLE) == {"0": "1"} and walk(node, VRRP_TRAP_ENABLE) == {"0": "1"}
    assert ours == theirs


def test_the_reason_of_a_new_master_is_told(pair, tmp_path):
    first, second = pair
    with receiver(first, tmp_path) as (port, came):
        with first.daemon.session() as session:
            session.set(agent(
                f"<target><name>nms</name><address>127.0.0.1</address><port>{port}</port>"
                "<community>public</community></target>"))
        reasons = []

        def told():
            return [objects[oid] for trap, objects in came() if trap == FOREIGN[2] + "1"
                    for oid in objects if oid.startswith(".1.3.6.1.2.1.207.1.2.5.1.2.")]

        def again(change):
            count = len(told())
            change()
            wait_for(lambda: len(told()) > count, "the new master to be told")
            reasons.append(told()[-1])

        def to_the_other():
            first.set(instance(priority=50))
            wait_for(lambda: second.state() == "master", "the other to be master")

        to_the_other()
        again(lambda: first.set(instance(priority=150)))
        to_the_other()
        again(lambda: second.set("<instance><name>web</name><enabled>false</enabled></instance>"))
        assert reasons == ["2", "1"], "preempted, then given"


# An advertisement of version 3 that came from afar: its time to live is not 255.
FROM_AFAR = """
import socket
data = bytes((0x31, 51, 100, 1, 0, 10, 0, 0)) + socket.inet_aton("10.9.0.1")
with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as raw:
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 64)
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.9.0.12"))
    raw.sendto(data, ("224.0.0.18", 0))
"""


def test_a_protocol_error_is_told(nodes, node, tmp_path):
    other = nodes(2)
    with receiver(node, tmp_path) as (port, came):
        with node.daemon.session() as session:
            session.set(agent(
                f"<target><name>nms</name><address>127.0.0.1</address><port>{port}</port>"
                "<community>public</community></target>"))
        counters = ".1.3.6.1.2.1.207.1.2.5.1"
        wait_for(lambda: "0" in walk(node, f"{counters}.5").values(), "the first account")
        assert not inside(other.name, "/usr/bin/python3", "-c", FROM_AFAR).stderr
        told = wait_for(lambda: [objects for trap, objects in came() if trap == FOREIGN[2] + "2"],
                        "the error to be told though nobody reads")
    assert [value for oid, value in told[0].items() if oid.startswith(f"{counters}.6.")] == ["1"]
    wait_for(lambda: "1" in walk(node, f"{counters}.5").values(), "a state that is read anew")
    assert set(walk(node, f"{counters}.6").values()) == {"1"}
