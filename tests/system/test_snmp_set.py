"""Writing by SNMP: each PDU is a transaction, as its user."""

import re
import subprocess

import pytest

import agentx_master as agentx
from daemon import AGENT, free_port, nacm
from netconf import real, server, servers, wait_for
from snmp_packet import GAUGE, SET, exchange, integer, message
from test_snmp import REAL, VIRTUAL, Snmpd, snmp, subagent_of, wait_for_snmp, walk

NO_ACCESS, WRONG_TYPE, WRONG_VALUE, NO_CREATION, COMMIT_FAILED, UNDO_FAILED = 6, 7, 10, 11, 14, 15
RESOURCE_UNAVAILABLE, NOT_WRITABLE = 13, 17
ENABLED, WEIGHT = 7, 8
WEB = servers(server("web", real("10.0.0.1", 80, "<weight>3</weight>") + real("10.0.0.2", 80),
                     "192.0.2.1", 80))
WRITERS = ("<community><name>writer</name><write-as>admin</write-as></community>"
           "<community><name>guest</name><write-as>guest</write-as></community></snmp-agent>")


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(
        daemon.default_configuration().replace("</snmp-agent>", WRITERS) + nacm() + WEB)
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


def rows(daemon, table=REAL):
    return list(walk(daemon.snmp_port, f"{table}.{WEIGHT if table == REAL else 4}"))


def put(daemon, *variables, community="writer"):
    return snmp("snmpset", daemon.snmp_port, *variables, community=community)


def send(daemon, *bindings, community="writer"):
    return exchange(daemon.snmp_port, message(SET, bindings, community))


def weights(session):
    return re.findall(r"<weight>(\d+)<", session.data("running"))


def test_a_weight_is_set_and_seen_at_once(daemon):
    first, second = rows(daemon)
    assert walk(daemon.snmp_port, f"{REAL}.{WEIGHT}")[first] == "3"
    done = put(daemon, f"{REAL}.{WEIGHT}.{first}", "u", "7", f"{REAL}.{WEIGHT}.{second}", "u", "8")
    assert done.returncode == 0, done.stderr
    assert walk(daemon.snmp_port, f"{REAL}.{WEIGHT}") == {first: "7", second: "8"}
    with daemon.session() as session:
        assert weights(session) == ["7", "8"]


def test_servers_are_disabled_in_both_tables_by_one_pdu(daemon):
    row, service = rows(daemon)[0], rows(daemon, VIRTUAL)[0]
    with daemon.session() as session:
        before = session.get("agent/revision")
        done = put(daemon, f"{VIRTUAL}.4.{service}", "i", "2", f"{REAL}.{ENABLED}.{row}", "i", "2")
        assert done.returncode == 0, done.stderr
        assert session.data("running").count("<enabled>false</enabled>") == 2
        assert int(session.get("agent/revision")[0]) == int(before[0]) + 1


def test_maintenance_begins_and_ends_with_a_commit(daemon):
    first, second = rows(daemon)
    column = f"{REAL}.29"
    assert walk(daemon.snmp_port, column) == {first: "1", second: "1"}
    done = put(daemon, f"{column}.{first}", "i", "4", f"{REAL}.{WEIGHT}.{second}", "u", "8")
    assert done.returncode == 0, done.stderr
    assert walk(daemon.snmp_port, column)[first] == "4"
    with daemon.session() as session:
        assert "<order>drain</order>" in session.data("running") and "8" in weights(session)
        assert put(daemon, f"{column}.{first}", "i", "3").returncode == 0
        assert "<order>force-down</order>" in session.data("running")
        # All or nothing: the weight is too large.
        done = put(daemon, f"{column}.{first}", "i", "1", f"{REAL}.{WEIGHT}.{second}", "u", "65536")
        assert done.returncode != 0 and "<order>force-down</order>" in session.data("running")
        assert put(daemon, f"{column}.{first}", "i", "1").returncode == 0
        assert "maintenance" not in session.data("running")
        assert put(daemon, f"{column}.{first}", "i", "1").returncode == 0, "it is none already"
        assert put(daemon, f"{column}.{first}", "i", "5").returncode != 0
    assert walk(daemon.snmp_port, column) == {first: "1", second: "1"}


def test_an_action_is_for_those_who_may_and_takes_the_rest_of_the_pdu_with_it(daemon):
    """The null backend has no statistics, so that it fails; tests with a kernel have it done."""
    service, row = rows(daemon, VIRTUAL)[0], rows(daemon)[0]
    zero, weight = f"{VIRTUAL}.36.{service}", (f"{REAL}.{WEIGHT}.{row}", integer(9, GAUGE))
    assert walk(daemon.snmp_port, f"{VIRTUAL}.36") == {service: "1"}
    with daemon.session() as session:
        assert send(daemon, (zero, integer(2)), community="guest") == (NO_ACCESS, 1)
        assert send(daemon, weight, (zero, integer(2))) == (COMMIT_FAILED, 2)
        assert "9" not in weights(session), "the weight is taken back"
        assert send(daemon, weight, (zero, integer(3))) == (WRONG_VALUE, 2)
        assert send(daemon, (f"{VIRTUAL}.36.99", integer(2))) == (NO_CREATION, 1)
        assert send(daemon, weight, (zero, integer(1))) == (0, 0), "nothing to be done"
        assert "9" in weights(session)


def test_who_wrote_is_told_and_what_was_written_outlives_a_crash(daemon):
    row = rows(daemon)[0]
    with daemon.session() as listener:
        listener.rpc('<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>')
        assert put(daemon, f"{REAL}.{WEIGHT}.{row}", "u", "9").returncode == 0
        told = listener.receive()
        assert "netconf-config-change" in told and "<username>admin<" in told
        assert "<source-host>127.0.0.1<" in told
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert "9" in weights(session)


@pytest.mark.parametrize("column,value,status", [
    (WEIGHT, integer(5), WRONG_TYPE),
    (WEIGHT, integer(70000, GAUGE), WRONG_VALUE),
    (ENABLED, integer(3), WRONG_VALUE),
    (6, integer(81, GAUGE), NOT_WRITABLE),
    (99, integer(1), NO_CREATION),
])
def test_a_wrong_variable_is_named_and_nothing_changes(daemon, column, value, status):
    first, second = rows(daemon)
    with daemon.session() as session:
        before = session.data("running")
        assert send(daemon, (f"{REAL}.{WEIGHT}.{first}", integer(5, GAUGE)),
                    (f"{REAL}.{column}.{second}", value)) == (status, 2)
        assert session.data("running") == before


def test_a_row_that_is_not_there_cannot_be_created(daemon):
    row = rows(daemon)[0].split(".")[0] + ".99"
    assert send(daemon, (f"{REAL}.{WEIGHT}.{row}", integer(5, GAUGE))) == (NO_CREATION, 1)
    assert send(daemon, (f"{REAL}.{WEIGHT}.77.1", integer(5, GAUGE))) == (NO_CREATION, 1)
    assert send(daemon, (f"{REAL}.{WEIGHT}", integer(5, GAUGE))) == (NO_CREATION, 1)


def test_a_community_without_a_user_only_reads(daemon):
    row = rows(daemon)[0]
    assert send(daemon, (f"{REAL}.{WEIGHT}.{row}", integer(5, GAUGE)),
                community="public") == (NO_ACCESS, 1)


def test_access_control_holds_for_the_communitys_user(daemon):
    first, second = rows(daemon)
    assert send(daemon, (f"{REAL}.{WEIGHT}.{first}", integer(5, GAUGE)),
                community="guest")[0] == NO_ACCESS
    path = "/nvs:virtual-servers/nvs:virtual-server/nvs:real-server[nvs:address='10.0.0.2']/nvs:weight"
    rules = ("<rule-list><name>guest</name><group>guest</group><rule><name>one</name>"
             f'<path xmlns:nvs="urn:noria:yang:noria-virtual-server">{path}</path>'
             "<access-operations>update create</access-operations><action>permit</action></rule>"
             "</rule-list>")
    group = "<group><name>guest</name><user-name>guest</user-name></group>"
    with daemon.session() as session:
        session.set(nacm(group, rules))
        bindings = [(f"{REAL}.{WEIGHT}.{row}", integer(6, GAUGE)) for row in (first, second)]
        assert send(daemon, bindings[1], community="guest") == (0, 0)
        assert send(daemon, bindings[1], bindings[0], community="guest") == (NO_ACCESS, 2)
        assert weights(session) == ["3", "6"]


def test_the_variable_that_is_wrong_is_named_whatever_tables_the_others_are_of(daemon):
    """Variables of the second table stand before the wrong one, which is of it, too."""
    first, second = rows(daemon)
    service = rows(daemon, VIRTUAL)[0]
    path = "/nvs:virtual-servers/nvs:virtual-server/nvs:real-server[nvs:address='10.0.0.2']/nvs:weight"
    rules = ("<rule-list><name>guest</name><group>guest</group><rule><name>not-that</name>"
             f'<path xmlns:nvs="urn:noria:yang:noria-virtual-server">{path}</path>'
             "<access-operations>create update</access-operations><action>deny</action></rule>"
             "<rule><name>rest</name><module-name>*</module-name><access-operations>*"
             "</access-operations><action>permit</action></rule></rule-list>")
    with daemon.session() as session:
        session.set(nacm("<group><name>guest</name><user-name>guest</user-name></group>", rules))
    bindings = [(f"{VIRTUAL}.4.{service}", integer(1)), (f"{REAL}.{ENABLED}.{first}", integer(1)),
                (f"{REAL}.{WEIGHT}.{first}", integer(6, GAUGE)),
                (f"{REAL}.{WEIGHT}.{second}", integer(6, GAUGE))]
    assert send(daemon, *bindings, community="guest") == (NO_ACCESS, 4)
    assert send(daemon, *bindings[:3], community="guest") == (0, 0)


def test_a_locked_datastore_is_not_written(daemon):
    row = rows(daemon)[0]
    with daemon.session() as session:
        session.rpc("<lock><target><running/></target></lock>")
        assert send(daemon, (f"{REAL}.{WEIGHT}.{row}", integer(5, GAUGE)))[0] == RESOURCE_UNAVAILABLE
        session.rpc("<unlock><target><running/></target></unlock>")
    assert send(daemon, (f"{REAL}.{WEIGHT}.{row}", integer(5, GAUGE))) == (0, 0)


def test_a_thousand_variables_are_all_set_or_none(daemon):
    many = "".join(real(f"10.1.{n // 250}.{n % 250}", 80) for n in range(998))
    with daemon.session() as session:
        session.set(servers(server("web", many)))
        wait_for(lambda: len(rows(daemon)) == 1000, "the rows")
        bindings = [(f"{REAL}.{WEIGHT}.{row}", integer(42, GAUGE)) for row in rows(daemon)]
        spoilt = bindings[:600] + [(bindings[600][0], integer(65536, GAUGE))] + bindings[601:]
        before = session.data("running")
        assert send(daemon, *spoilt) == (WRONG_VALUE, 601)
        assert session.data("running") == before
        assert send(daemon, *bindings) == (0, 0)
        assert weights(session) == ["42"] * 1000


def test_settings_change_while_values_are_set(daemon):
    """Neither may wait for the other for ever."""
    row = rows(daemon)[0]
    more = free_port()
    setters = [subprocess.Popen(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do snmpset -v 2c "
                                 f"-c writer -t 5 -r 0 127.0.0.1:{daemon.snmp_port} "
                                 f"{REAL}.{WEIGHT}.{row} u $i; done"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for _ in range(2)]
    with daemon.session() as session:
        for number in range(12):
            session.set(f'<snmp-agent xmlns="{AGENT}"><listen><name>more</name><address>127.0.0.1'
                        f"</address><port>{more + number % 2}</port></listen></snmp-agent>")
    for setter in setters:
        setter.wait(300)
    assert send(daemon, (f"{REAL}.{WEIGHT}.{row}", integer(5, GAUGE))) == (0, 0)


def test_values_are_set_through_a_master_agent(daemon, tmp_path):
    row = rows(daemon)[0]
    weight = f"{REAL}.{WEIGHT}.{row}"
    with Snmpd(tmp_path, options=("-I", "-sysORTable")) as snmpd:
        port = snmpd.port
        with daemon.session() as session:
            session.set(subagent_of(snmpd.agentx))
            wait_for(lambda: "3" in snmp("snmpget", port, weight, community="writer").stdout,
                     "the subagent")
            five = message(SET, [(weight, integer(5, GAUGE))], "writer")
            # Until all tables are registered, the master says itself that it cannot be written.
            wait_for(lambda: exchange(port, five)[0] == NO_ACCESS, "the subagent to refuse")
            session.set(f'<snmp-agent xmlns="{AGENT}"><agentx-write-as>admin</agentx-write-as></snmp-agent>')
            assert exchange(port, five) == (0, 0)
            assert weights(session)[0] == "5"
            # The master's own variable cannot be set: ours is taken back, or was not made.
            other = ".1.3.6.1.2.1.1.3.0"
            assert exchange(port, message(SET, [(weight, integer(6, GAUGE)), (other, integer(1))],
                                          "writer"))[0] != 0
            assert weights(session)[0] == "5"


def behind(session, path):
    """A master agent that the daemon has registered all its tables with."""
    master = agentx.Master(path)
    session.set(f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{path}'
                "</agentx-socket><agentx-write-as>admin</agentx-write-as></snmp-agent>")
    assert master.registered.wait(30)
    return master


def try_weight(master, transaction, row, weight):
    """What comes of the first step of a SET; until all tables are registered, no such table."""
    name = f"{REAL}.{WEIGHT}.{row}"
    return master.ask(agentx.TEST, transaction, agentx.variable(name, weight, agentx.GAUGE))


def test_a_master_agent_takes_a_set_back(daemon, tmp_path):
    row = rows(daemon)[0]
    with daemon.session() as session:
        master = behind(session, tmp_path / "agentx")
        wait_for(lambda: try_weight(master, 1, row, 5) == (0, 0), "the tables")
        assert weights(session)[0] == "3", "so far it is a question"
        assert master.ask(agentx.COMMIT, 1) == (0, 0)
        assert weights(session)[0] == "5"
        assert master.ask(agentx.UNDO, 1) == (0, 0)
        assert weights(session)[0] == "3"
        assert try_weight(master, 2, row, 70000) == (WRONG_VALUE, 1)
        master.ask(agentx.CLEANUP, 2)
        assert try_weight(master, 3, row, 6) == (0, 0)
        assert master.ask(agentx.COMMIT, 3) == (0, 0)
        master.ask(agentx.CLEANUP, 3)
        assert weights(session)[0] == "6"
        master.vanish()


def test_a_master_agent_that_goes_away_leaves_nothing_half_done(daemon, tmp_path):
    first, second = rows(daemon)
    with daemon.session() as session:
        master = behind(session, tmp_path / "agentx")
        wait_for(lambda: try_weight(master, 1, first, 5) == (0, 0), "the tables")
        master.vanish()
        session.set(servers(server("web", real("10.0.0.1", 80, "<weight>4</weight>"))))
        # The next one's SET is of the same number, and has nothing of the one before in it.
        master = agentx.Master(tmp_path / "agentx")
        assert master.registered.wait(30)
        wait_for(lambda: try_weight(master, 1, second, 7) == (0, 0), "the tables")
        assert master.ask(agentx.COMMIT, 1) == (0, 0)
        assert weights(session) == ["4", "7"]
        master.vanish()  # before it has said whether the rest went well: RFC 2741, 7.2.4
        assert weights(session) == ["4", "7"]
        session.set(servers(server("web", real("10.0.0.1", 80, "<weight>8</weight>"))))
        assert weights(session) == ["8", "7"]
