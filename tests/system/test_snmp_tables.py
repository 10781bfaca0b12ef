"""Tables of NORIA-MIB beside those of virtual servers, and the node's own MIBs."""

import socket

import pytest

from daemon import AGENT, free_port
from health import QUICK, Listener, check, health, wait_state
from netconf import real, server, servers, wait_for
from test_snmp import AGENT_VERSION, NORIA, VIRTUAL, run, snmp, wait_for_snmp, walk

CHECK = f"{NORIA}.3.1.1"
DIRECTOR = f"{NORIA}.9.1.1"
SCALARS = f"{NORIA}.1"
IF_DESCR, HR_MEMORY = ".1.3.6.1.2.1.2.2.1.2", ".1.3.6.1.2.1.25.2.2.0"


def answering(daemon):
    wait_for_snmp(daemon)
    return daemon


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return answering(daemon_factory(null="all"))


def row_of(columns, column, value):
    """The index of the row with a value in a column."""
    return next(name.split(".", 1)[1] for name, found in columns.items()
                if name.startswith(f"{column}.") and found == value)


def test_checks_say_what_they_found(daemon):
    listener, other = Listener(), Listener()
    other.close()
    with daemon.session() as session:
        session.set(servers(server(
            "web", health(QUICK + "<quorum>2</quorum><hysteresis>1</hysteresis>" + check("port"))
            + listener.real(health(check("own"))) + other.real(), "192.0.2.1", 80)))
        wait_state(session, listener, "up")
        wait_state(session, other, "down")
        wait_for(lambda: len(walk(daemon.snmp_port, f"{CHECK}.8")) == 3, "three rows")
        wait_for(lambda: sorted(walk(daemon.snmp_port, f"{CHECK}.9").values()) == ["2", "2", "3"],
                 "verdicts")
        rows = walk(daemon.snmp_port, CHECK)
        down = row_of(rows, 9, "3")
        assert [rows[f"{column}.{down}"] for column in (4, 7, 8, 12)] == [
            "web", str(other.port), "port", "connect: Connection refused"]
        assert f"10.{down}" not in rows, "what never came to an end well has no latency"
        assert int(rows[f"16.{down}"]) >= 1 and int(rows[f"15.{down}"]) >= 1
        own = row_of(rows, 8, "own")
        assert int(rows[f"10.{own}"]) < 1000000 and len(rows[f"14.{own}"]) > 10
        # Both real servers have the virtual server's check, which is one number.
        ports = {name.split(".")[-1] for name, value in rows.items()
                 if name.startswith("8.") and value == "port"}
        assert len(ports) == 1 and own.split(".")[-1] not in ports
        virtual = walk(daemon.snmp_port, VIRTUAL)
        assert [virtual[f"{column}.1"] for column in (29, 30, 31, 33, 34, 35)] == [
            "2", "1", "1", "1", "1", "1"]
        assert rows[f"1.{own}"] == "1" and rows[f"2.{own}"] == own.split(".")[1]
        # What comes first in the alphabet, and what goes, leave the others' numbers alone.
        session.set(servers(server("web", health(check("a")))))
        wait_for(lambda: len(walk(daemon.snmp_port, f"{CHECK}.8")) == 5, "five rows")
    names = walk(daemon.snmp_port, f"{CHECK}.8")
    assert {row: name for row, name in names.items() if name != "a"} == {
        name[2:]: value for name, value in rows.items() if name.startswith("8.")}
    daemon.stop()
    answering(daemon.start())
    wait_for(lambda: walk(daemon.snmp_port, f"{CHECK}.8") == names, "the same numbers")
    listener.close()


def scalar(daemon, number):
    return snmp("snmpget", daemon.snmp_port, f"{SCALARS}.{number}.0").stdout.split()[-1].strip('"')


def test_the_configurations_hash_tells_one_from_another(daemon):
    """What is read may be a second old."""
    first = scalar(daemon, 7)
    assert len(first) == 64 and int(first, 16)
    with daemon.session() as session:
        session.set(servers(server("web", real("10.0.0.1", 80), "192.0.2.1", 80)))
        wait_for(lambda: scalar(daemon, 7) != first, "another hash")
        second = scalar(daemon, 7)
        assert session.get("agent/configuration-hash") == [second]
        session.set(servers(server("web", operation="delete")))
        wait_for(lambda: scalar(daemon, 7) == first, "the hash of before")
        assert int(scalar(daemon, 8)) == int(session.get("agent/journal/size")[0]) > 0
        assert int(scalar(daemon, 9)) == int(session.get("agent/journal/running-size")[0])
        with daemon.session():
            wait_for(lambda: scalar(daemon, 10) == "2", "two sessions")


@pytest.mark.kernel
def test_directors_and_their_settings(ipvs, daemon_factory):
    from director import director, directors
    daemon = answering(daemon_factory())
    with daemon.session() as session:
        assert walk(daemon.snmp_port, f"{DIRECTOR}.2") == {"1": "main"}, "it needs no configuration"
        session.set(directors(
            director("main", content="<timeouts><tcp>800</tcp></timeouts><parameters><drop-entry>1"
                     "</drop-entry></parameters><sync-daemon><master><interface>lo</interface>"
                     "<sync-id>7</sync-id></master></sync-daemon>")
            + director("blue", "absent")))
        wait_for(lambda: walk(daemon.snmp_port, f"{DIRECTOR}.10").get("1") == "800", "its time-out")
    rows = walk(daemon.snmp_port, DIRECTOR)
    blue = row_of(rows, 2, "blue")
    assert rows["2.1"] == "main" and int(blue) > 1
    assert [rows[f"5.{row}"] for row in ("1", blue)] == ["1", "2"]
    assert "absent" in rows[f"6.{blue}"]
    assert rows["18.1"] == "1" and rows["19.1"] == "lo" and rows["20.1"] == "7"
    assert "26.1" not in rows, "no backup is configured"
    parameters = {name.split(".")[0]: value for name, value in rows.items() if name.endswith(".1")}
    assert len([column for column in parameters if int(column) >= 34]) > 15
    assert parameters["40"] == "1", "drop-entry"


def test_the_node_is_served_by_option(daemon):
    assert "No Such Object" in snmp("snmpget", daemon.snmp_port, f"{IF_DESCR}.1").stdout

    def serves():
        return '"lo"' in snmp("snmpget", daemon.snmp_port, f"{IF_DESCR}.1").stdout

    with daemon.session() as session:
        session.set(f'<snmp-agent xmlns="{AGENT}"><host-mibs>true</host-mibs></snmp-agent>')
        wait_for(serves, "IF-MIB")
        assert int(snmp("snmpget", daemon.snmp_port, HR_MEMORY).stdout.split()[1]) > 1000
        assert any(value == "lo" for value in walk(
            daemon.snmp_port, ".1.3.6.1.2.1.31.1.1.1.1").values()), "ifName of IF-MIB"
        assert "noriad" in walk(daemon.snmp_port, ".1.3.6.1.2.1.25.4.2.1.2").values()
        assert len(walk(daemon.snmp_port, ".1.3.6.1.2.1", patience=20)) > 100
        assert walk(daemon.snmp_port, f"{SCALARS}.1"), "ours is served as before"
        session.set(f'<snmp-agent xmlns="{AGENT}"><community><name>writer</name><write-as>root'
                    "</write-as></community></snmp-agent>")
        done = snmp("snmpset", daemon.snmp_port, ".1.3.6.1.2.1.2.2.1.7.1", "i", "2",
                    community="writer")
        assert done.returncode != 0, "an interface is not to be put down"
        session.set(f'<snmp-agent xmlns="{AGENT}"><host-mibs>false</host-mibs></snmp-agent>')
        wait_for(lambda: not serves(), "no IF-MIB")
        session.set(f'<snmp-agent xmlns="{AGENT}"><host-mibs>true</host-mibs></snmp-agent>')
        wait_for(serves, "IF-MIB again")


@pytest.mark.parametrize("transport", ["udp6", "tcp6"])
def test_over_ipv6(daemon, transport):
    kind = socket.SOCK_DGRAM if transport == "udp6" else socket.SOCK_STREAM
    port = free_port(kind)
    with daemon.session() as session:
        session.set(f'<snmp-agent xmlns="{AGENT}"><listen><name>six</name><address>::1</address>'
                    f"<port>{port}</port><transport>{transport[:3]}</transport></listen>"
                    "</snmp-agent>")
    done = run("snmpget", "-v", "2c", "-c", "public", "-t", "3", "-Oqn",
               f"{transport}:[::1]:{port}", AGENT_VERSION)
    assert done.returncode == 0, done.stderr
