"""The connection table, and counters that begin anew."""

import re
import socket
import subprocess
import threading

import pytest

import agentx_master as agentx
from daemon import AGENT, nacm
from director import director, directors, run
from netconf import RpcError, SERVERS, real, server, servers, wait_for
from snmp_packet import integer
from test_snmp import VIRTUAL, snmp, walk
from test_snmp_set import (COMMIT_FAILED, NO_ACCESS, NO_CREATION, UNDO_FAILED, WRONG_VALUE, behind,
                           send)
from test_snmp_tables import DIRECTOR

pytestmark = pytest.mark.kernel

OPERATIONS = "urn:noria:yang:noria-ipvs"
WEB, OTHER = ("198.51.100.80", 80), ("198.51.100.81", 80)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory()


@pytest.fixture(name="busy")
def fixture_busy(ipvs, daemon):
    """A session, and three open connections through the virtual server web, one through other."""
    for address, _ in (WEB, OTHER):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    listener = socket.create_server(("127.0.0.1", 8080))
    accepted = []
    threading.Thread(target=lambda: [accepted.append(listener.accept()) for _ in range(4)],
                     daemon=True).start()
    with daemon.session() as session:
        session.set(servers(server("web", real("127.0.0.1", 8080), *WEB)
                            + server("other", real("127.0.0.1", 8080), *OTHER)
                            + server("mark", mark=7)))
        opened = [socket.create_connection(where, 10) for where in (WEB, WEB, WEB, OTHER)]
        wait_for(lambda: len(accepted) == 4, "the connections")
        yield session
    for connection in opened + [connection for connection, _ in accepted] + [listener]:
        connection.close()
    for address, _ in (WEB, OTHER):
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


def show(session, filter_="", state="ESTABLISHED"):
    """(how many match, [connection]); those of other tests are closed and not yet forgotten."""
    filter_ += f"<state>{state}</state>"
    reply = session.rpc(f'<show-connections xmlns="{OPERATIONS}">{filter_}</show-connections>')
    matched = int(re.search(r"<matched[^>]*>(\d+)<", reply).group(1))
    return matched, re.findall(r"<connection[ >].*?</connection>", reply, re.S)


def test_all_connections(busy):
    matched, connections = show(busy)
    assert (matched, len(connections)) == (4, 4)
    one = next(c for c in connections if f"<virtual-address>{OTHER[0]}<" in c)
    for part in ("<protocol>tcp<", "<virtual-port>80<", "<real-address>127.0.0.1<",
                 "<real-port>8080<", "<state>ESTABLISHED<", f"<client-address>{OTHER[0]}<"):
        assert part in one


@pytest.mark.parametrize("filter_,count", [
    ("<virtual-server>web</virtual-server>", 3),
    ("<virtual-server>other</virtual-server>", 1),
    ("<real-address>127.0.0.1</real-address><real-port>8080</real-port>", 4),
    ("<real-address>127.0.0.2</real-address>", 0),
    ("<real-port>80</real-port>", 0),
    (f"<client-prefix>{WEB[0]}/32</client-prefix>", 3),
    ("<client-prefix>198.51.100.80/31</client-prefix>", 4),
    ("<client-prefix>2001:db8::/32</client-prefix>", 0),
    ("<protocol>tcp</protocol>", 4),
    ("<protocol>udp</protocol>", 0),
])
def test_a_filter(busy, filter_, count):
    matched, connections = show(busy, filter_)
    assert (matched, len(connections)) == (count, count)


def test_a_state(busy):
    assert show(busy, state="SYN_SENT") == (0, [])


def test_what_a_persistence_engine_ties_by(busy, ipvs):
    """The Call-ID is the client's to choose."""
    # Soon over: as long as the kernel has the connection, its module cannot be unloaded.
    ipvs("--set", "0", "0", "5")
    busy.set(servers(server("sip", "<protocol>udp</protocol><persistence><engine>sip</engine>"
                            "<timeout>5</timeout></persistence>" + real("127.0.0.1", 5060),
                            WEB[0], 5060)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto("INVITE sip:a@b SIP/2.0\r\nCall-ID: <42>@example\r\n\r\n".encode(),
                      (WEB[0], 5060))
    _, (template, *_) = show(busy, "<virtual-server>sip</virtual-server>", "NONE")
    assert "<persistence-engine>sip<" in template
    assert "&lt;42&gt;@example</persistence-data>" in template


def test_the_limit_bounds_the_list_and_not_the_count(busy):
    matched, connections = show(busy, "<limit>2</limit>")
    assert (matched, len(connections)) == (4, 2)
    assert show(busy, "<limit>0</limit>") == (4, [])


@pytest.mark.parametrize("name,tag", [("none", "data-missing"), ("mark", "invalid-value")])
def test_a_virtual_server_that_cannot_be_chosen(busy, name, tag):
    with pytest.raises(RpcError) as error:
        show(busy, f"<virtual-server>{name}</virtual-server>")
    assert error.value.tag == tag


def counted(session):
    return session.get("virtual-servers/virtual-server/statistics/connections")


def since(session):
    return session.get("virtual-servers/virtual-server/statistics/discontinuity-time")


def test_one_virtual_server_begins_to_count_from_zero(busy):
    wait_for(lambda: sorted(counted(busy)) == ["0", "1", "3"], "the kernel to add up")
    names = busy.get("virtual-servers/virtual-server/name")
    before = dict(zip(names, since(busy)))
    busy.rpc(f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><virtual-servers xmlns="{SERVERS}">'
             f'<virtual-server><name>web</name><zero-statistics xmlns="{OPERATIONS}"/>'
             "</virtual-server></virtual-servers></action>")
    assert sorted(counted(busy)) == ["0", "0", "1"]
    after = dict(zip(names, since(busy)))
    assert [name for name in names if after[name] != before[name]] == ["web"]


def test_one_begins_to_count_from_zero_by_snmp(busy, daemon):
    wait_for(lambda: sorted(counted(busy)) == ["0", "1", "3"], "the kernel to add up")
    busy.set(f'<snmp-agent xmlns="{AGENT}"><community><name>writer</name><write-as>admin</write-as>'
             "</community></snmp-agent>" + nacm())
    rows = {name: row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()}
    before = walk(daemon.snmp_port, f"{VIRTUAL}.27")
    done = snmp("snmpset", daemon.snmp_port, f"{VIRTUAL}.36.{rows['web']}", "i", "2",
                f"{VIRTUAL}.4.{rows['mark']}", "i", "2", community="writer")
    assert done.returncode == 0, done.stderr
    assert walk(daemon.snmp_port, f"{VIRTUAL}.17")[rows["web"]] == "0"
    assert walk(daemon.snmp_port, f"{VIRTUAL}.17")[rows["other"]] == "1"
    after = walk(daemon.snmp_port, f"{VIRTUAL}.27")
    assert int(after[rows["web"]].replace(":", "").replace(".", "")) > \
        int(before[rows["web"]].replace(":", "").replace(".", ""))
    assert after[rows["other"]] == before[rows["other"]]
    assert busy.data("running").count("<enabled>false</enabled>") == 1, "and the rest is done, too"


def kernel_counts():
    """Connections that the kernel has counted of each service and each of its destinations."""
    return [int(line.split()[2])
            for line in run("ipvsadm", "-Ln", "--stats", "--exact").splitlines()[3:]]


def writers(session):
    session.set(f'<snmp-agent xmlns="{AGENT}"><community><name>writer</name><write-as>admin</write-as>'
                "</community><community><name>guest</name><write-as>guest</write-as></community>"
                "</snmp-agent>" + nacm())


def test_a_director_begins_to_count_from_zero_by_snmp(busy, daemon):
    wait_for(lambda: sorted(counted(busy)) == ["0", "1", "3"], "the kernel to add up")
    writers(busy)
    rows = {name: row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()}
    zero, mark = f"{DIRECTOR}.66", rows["mark"]
    assert walk(daemon.snmp_port, zero) == {"1": "1"}, "also of a director without configuration"
    before = walk(daemon.snmp_port, f"{VIRTUAL}.27")
    revision = int(busy.get("agent/revision")[0])
    with daemon.session() as listener:
        listener.rpc('<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>')
        assert send(daemon, (f"{zero}.1", integer(2)), (f"{VIRTUAL}.4.{mark}", integer(2))) == (0, 0)
        told = listener.receive()
        assert "netconf-config-change" in told and "<username>admin<" in told
    assert int(busy.get("agent/revision")[0]) == revision + 1, "one commit with the rest of the PDU"
    assert sum(kernel_counts()) == 0
    assert walk(daemon.snmp_port, f"{VIRTUAL}.17").items() >= {
        (rows["web"], "0"), (rows["other"], "0")}
    after = walk(daemon.snmp_port, f"{VIRTUAL}.27")
    assert all(after[rows[name]] != before[rows[name]] for name in ("web", "other"))
    assert re.search(r"zero-statistics of main, by user admin", daemon.log())


def test_a_director_that_does_not_count_from_zero_takes_the_rest_of_the_pdu_with_it(busy, daemon):
    writers(busy)
    busy.set(directors(director("blue", "absent")))
    wait_for(lambda: len(walk(daemon.snmp_port, f"{DIRECTOR}.2")) == 2, "the director")
    rows = {name: row for row, name in walk(daemon.snmp_port, f"{DIRECTOR}.2").items()}
    mark = next(row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()
                if name == "mark")
    zero, off = f"{DIRECTOR}.66", (f"{VIRTUAL}.4.{mark}", integer(2))
    wait_for(lambda: sum(kernel_counts()) == 8, "the kernel to add up")
    main = (f"{zero}.{rows['main']}", integer(2))
    assert send(daemon, main, community="guest") == (NO_ACCESS, 1)
    assert send(daemon, off, main, community="guest")[0] == NO_ACCESS
    assert send(daemon, off, (f"{zero}.{rows['blue']}", integer(2))) == (COMMIT_FAILED, 2)
    assert send(daemon, off, (f"{zero}.{rows['main']}", integer(3))) == (WRONG_VALUE, 2)
    assert send(daemon, off, (f"{zero}.99", integer(2))) == (NO_CREATION, 2)
    assert "<enabled>false</enabled>" not in busy.data("running"), "it is taken back"
    assert sum(kernel_counts()) == 8
    # The one that failed is named, though another is of the same table and rpc.
    assert send(daemon, main, off, (f"{zero}.{rows['blue']}", integer(2))) == (COMMIT_FAILED, 3)
    assert "<enabled>false</enabled>" not in busy.data("running")
    assert sum(kernel_counts()) == 0, "what counts from zero cannot be taken back"


def test_a_master_agent_cannot_take_back_what_counts_from_zero(busy, daemon, tmp_path):
    writers(busy)
    row = next(row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()
               if name == "mark")
    master = behind(busy, tmp_path / "agentx")
    asked = (agentx.variable(f"{VIRTUAL}.4.{row}", 2), agentx.variable(f"{DIRECTOR}.66.1", 2))
    wait_for(lambda: master.ask(agentx.TEST, 1, *asked) == (0, 0), "the tables")
    assert master.ask(agentx.COMMIT, 1) == (0, 0)
    assert "<enabled>false</enabled>" in busy.data("running")
    assert master.ask(agentx.UNDO, 1)[0] == UNDO_FAILED
    assert "<enabled>false</enabled>" not in busy.data("running"), "what can be is taken back"
    master.vanish()


def test_all_begin_to_count_from_zero(busy):
    wait_for(lambda: sorted(counted(busy)) == ["0", "1", "3"], "the kernel to add up")
    before = since(busy)
    busy.rpc(f'<zero-statistics xmlns="{OPERATIONS}"/>')
    assert counted(busy) == ["0"] * 3
    assert all(new != old for new, old in zip(since(busy), before))
