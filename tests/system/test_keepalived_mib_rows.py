"""KEEPALIVED-MIB: its rows, what they show beyond a plain server, and what can be written."""

import pytest

from daemon import nacm
from health import health
from netconf import real, server, servers, wait_for
from test_keepalived_mib import MIB, NORIA
from test_snmp import snmp, walk

MEMBERS, VIRTUAL, REAL = (f"{MIB}.3.{table}.1" for table in range(2, 5))
WRITER = "<community><name>writer</name><write-as>admin</write-as></community></snmp-agent>"


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(
        daemon.default_configuration().replace("</snmp-agent>", WRITER) + nacm() + NORIA)
    daemon.start()
    wait_for(lambda: not snmp("snmpget", daemon.snmp_port, f"{MIB}.1.1.0").returncode, "SNMP")
    return daemon


def test_rows_keep_their_numbers(daemon):
    before = walk(daemon.snmp_port, f"{VIRTUAL}.71")
    with daemon.session() as session:
        session.set(servers(server("a", "", "192.0.2.77", 80)
                            + server("dns", operation="delete")))
    wait_for(lambda: "a" in walk(daemon.snmp_port, f"{VIRTUAL}.71").values(), "the new row")
    after = walk(daemon.snmp_port, f"{VIRTUAL}.71")
    assert set(before.items()) - set(after.items()) == {
        (index, name) for index, name in before.items() if name == "dns"}
    assert not set(before) & {index for index, name in after.items() if name == "a"}


def test_the_weight_is_written(daemon):
    port = daemon.snmp_port
    names = walk(port, f"{VIRTUAL}.71")
    web = next(index for index, name in names.items() if name == "web")
    row = next(index for index, value in walk(port, f"{REAL}.5").items()
               if index.startswith(web + ".") and value == "8080")
    done = snmp("snmpset", port, f"{REAL}.7.{row}", "i", "9", community="writer")
    assert done.returncode == 0, done.stderr
    assert walk(port, f"{REAL}.7")[row] == "9"
    with daemon.session() as session:
        assert "<weight>9</weight>" in session.data("running")
    for kind, value in (("i", "-1"), ("i", "65536"), ("u", "1")):
        refused = snmp("snmpset", port, f"{REAL}.7.{row}", kind, value, community="writer")
        assert refused.returncode != 0 and "wrong" in refused.stderr
    assert walk(port, f"{REAL}.7")[row] == "9"


def test_only_the_weight_is_written(daemon):
    row = next(iter(walk(daemon.snmp_port, f"{REAL}.6")))
    refused = snmp("snmpset", daemon.snmp_port, f"{REAL}.6.{row}", "i", "2", community="writer")
    assert "notWritable" in refused.stderr
    index = next(iter(walk(daemon.snmp_port, f"{MEMBERS}.2")))
    refused = snmp("snmpset", daemon.snmp_port, f"{REAL}.7.{index}", "i", "2", community="writer")
    assert refused.returncode != 0, "a member of a group is no real server"


def test_sorry_servers_and_commands_are_shown(daemon):
    port = daemon.snmp_port
    commands = "".join(f"<{word}>/bin/{word}</{word}>" for word in (
        "notify-up", "notify-down", "quorum-up", "quorum-down"))
    with daemon.session() as session:
        session.set(servers(server("web", health(commands))))
    wait_for(lambda: "'/bin/notify-up'" in walk(port, f"{REAL}.11").values(), "the change")
    rows = walk(port, REAL)
    sorry = next(name[2:] for name, kind in rows.items() if name.startswith("2.") and kind == "2")
    assert {name.split(".")[0] for name in rows if name.endswith(f".{sorry}")}.isdisjoint(
        {str(column) for column in range(6, 14)}), "keepalived says no more of them"
    assert rows[f"5.{sorry}"] == "8082" and rows[f"40.{sorry}"] == "1"
    assert {rows[f"{column}.{sorry}"] for column in (*range(43, 47), *range(48, 52))} == {"0"}
    virtual = sorry.split(".")[0]
    other = next(name.split(".", 1)[1] for name, value in rows.items()
                 if name.startswith(f"5.{virtual}.") and value == "8081")
    assert [rows[f"{column}.{other}"] for column in (11, 12)] == [
        "'/bin/notify-up'", "'/bin/notify-down'"]
    assert [walk(port, f"{VIRTUAL}.{column}")[virtual] for column in (19, 24, 25)] == [
        "1", "'/bin/quorum-up'", "'/bin/quorum-down'"]
    refused = snmp("snmpset", port, f"{REAL}.7.{sorry}", "i", "2", community="writer")
    assert refused.returncode != 0, "its weight is not shown, and not written"


def test_what_a_real_server_says_itself_is_shown(daemon):
    port = daemon.snmp_port
    with daemon.session() as session:
        session.set(servers(server("web", health("<ha-suspend>true</ha-suspend>")
                                   + real("127.0.0.1", 8081, health(
                                       "<on-failure>remove</on-failure>"
                                       "<notify-down>/bin/own</notify-down>")))))
    wait_for(lambda: "'/bin/own'" in walk(port, f"{REAL}.12").values(), "the change")
    rows = walk(port, REAL)
    own = next(name[3:] for name, value in rows.items() if value == "'/bin/own'")
    assert (rows[f"10.{own}"], rows[f"5.{own}"]) == ("1", "8081")
    other = next(name[2:] for name, value in rows.items()
                 if name.startswith(f"5.{own.split('.')[0]}.") and value == "8080")
    assert (rows[f"10.{other}"], rows[f"55.{other}"]) == ("2", "first")
    assert walk(port, f"{VIRTUAL}.17")[own.split(".")[0]] == "1"
