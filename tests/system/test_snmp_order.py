"""What comes behind an OID, however it is asked, and how much of it fits into an answer."""

import bisect

import pytest

from netconf import wait_for
from snmp_packet import (GET, GETBULK, GETNEXT, NOTHING, answer_of, ask, message, message_v3, pdu)
from test_snmp import (AGENT_VERSION, NORIA, REAL, SERVERS, VIRTUAL, Snmpd, run, snmp, subagent_of,
                       wait_for_snmp)
from test_snmp_notify import self_test
from test_snmp_users import agent

KEEPALIVED, LOG = ".1.3.6.1.4.1.9586.100.5", ".1.3.6.1.2.1.92"
SERVERS_HERE = f"{NORIA}.2"  # nothing comes and goes there
END_OF_VIEW, TOO_BIG = 0x82, 1
AT_ONCE = 40


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(daemon.default_configuration() + SERVERS)
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


def numbers(name):
    return tuple(int(part) for part in name.strip(".").split("."))


def text(name):
    return "".join(f".{number}" for number in name)


def walked(port, root):
    done = run("snmpwalk", "-v2c", "-cpublic", "-Onq", "-t5", f"127.0.0.1:{port}", root)
    return [numbers(line.split()[0]) for line in done.stdout.splitlines()
            if line.startswith(root + ".") and "No more variables" not in line]


def near(name, root):
    """OIDs at, before, behind and within another one: each part of it shorter, less and more."""
    for length in range(len(root), len(name) + 1):
        begin = name[:length]
        yield begin
        yield begin + (0,)
        yield begin + (2**32 - 1,)
        if length > len(root):
            yield begin[:-1] + (max(begin[-1] - 1, 0),)
            yield begin[:-1] + (begin[-1] + 1,)
            yield begin[:-1] + (begin[-1] + 1, 0, 0)


def next_of(port, names):
    """What one PDU says of each: the OID behind it."""
    status, _, bindings = answer_of(ask(port, message(
        GETNEXT, [(text(name), NOTHING) for name in names])))
    assert status == 0
    return [None if tag == END_OF_VIEW else numbers(name) for name, tag, _ in bindings]


def check_order(port, root):
    """GETNEXT from everywhere, many at once, is what a walk says."""
    names = walked(port, root)
    assert len(names) > 50 and names == sorted(set(names))
    asked = sorted({other for name in names[::7] + names[-2:]
                    for other in near(name, numbers(root))})
    for begin in range(0, len(asked), AT_ONCE):
        some = asked[begin:begin + AT_ONCE]
        for name, got in zip(some, next_of(port, some)):
            place = bisect.bisect_right(names, name)
            if place < len(names):
                assert got == names[place], text(name)
            else:
                assert got is None or got[:len(numbers(root))] != numbers(root), text(name)


@pytest.mark.parametrize("root", [NORIA, KEEPALIVED, LOG, ".1.3.6.1"])
def test_what_is_behind_each_oid(daemon, root):
    with daemon.session() as session:  # whose end would be logged, too
        for number in range(4):
            self_test(session, f"log {number}")
        wait_for(lambda: "log 3" in snmp("snmpwalk", daemon.snmp_port, LOG).stdout, "the log")
        check_order(daemon.snmp_port, root)


def test_what_is_behind_each_oid_through_a_master_agent(daemon, tmp_path):
    here = walked(daemon.snmp_port, SERVERS_HERE)
    with Snmpd(tmp_path) as snmpd:
        with daemon.session() as session:
            session.set(subagent_of(snmpd.agentx))
        wait_for(lambda: walked(snmpd.port, SERVERS_HERE) == here, "all tables")
        check_order(snmpd.port, SERVERS_HERE)


def bulk(port, names, first, repetitions):
    status, _, bindings = answer_of(ask(port, message(
        GETBULK, [(name, NOTHING) for name in names], numbers=(first, repetitions))))
    assert status == 0
    return [(name, tag == END_OF_VIEW) for name, tag, _ in bindings]


def test_a_getbulk_repeats_what_is_to_be_repeated(daemon):
    port = daemon.snmp_port
    once, columns = AGENT_VERSION[:-2], (f"{VIRTUAL}.2", f"{REAL}.7", f"{REAL}.8")
    rows = [walked(port, column) for column in columns]
    behind = [walked(port, NORIA)[bisect.bisect_right(walked(port, NORIA), rows[0][-1])]]
    want = [(AGENT_VERSION, False)]
    steps = [*zip(*(row + behind if row is rows[0] else row for row in rows))]
    want += [(text(name), False) for step in steps for name in step]
    assert bulk(port, (once, *columns), 1, len(steps)) == want
    assert bulk(port, (once, *columns), 1, 0) == want[:1]
    assert bulk(port, (once, *columns), -1, -1) == []
    assert bulk(port, (once, columns[0]), 9, 5) == [want[0], want[1]], "all are asked once"


def test_a_getbulk_past_the_end_says_so(daemon):
    last = ".1.3.6.1.6.3.99"
    assert bulk(daemon.snmp_port, (last,), 0, 3)[0] == (last, True)
    got = bulk(daemon.snmp_port, (f"{REAL}.8", last), 0, 2)
    assert [end for _, end in got] == [False, True, False, True]
    assert {name for name, end in got if end} == {last}


def test_an_answer_is_no_larger_than_the_manager_takes(daemon):
    with daemon.session() as session:
        session.set(agent("<user><name>any</name><security-level>no-auth-no-priv</security-level>"
                          "</user>"))
        engine = bytes.fromhex(session.get("snmp-agent/engine-id")[0].replace(":", ""))

    def asked(command, bindings, size, amount=(0, 0)):
        answer = ask(daemon.snmp_port, message_v3(pdu(command, bindings, numbers=amount), "any",
                                                  engine, size))
        return len(answer), answer_of(answer)

    long = [(".1.3.6.1.2.1.1.1.0", NOTHING)] * 2000
    assert answer_of(ask(daemon.snmp_port, message(GET, long))) == (TOO_BIG, 0, [])
    many = [(AGENT_VERSION, NOTHING)] * 40
    assert asked(GET, long, 0x7FFFFFFF)[1] == (TOO_BIG, 0, []), "more than a datagram can have"
    assert asked(GET, many, 65507)[1][0] == 0
    length, (status, _, bindings) = asked(GET, many, 484)
    assert length <= 484 and status == TOO_BIG and bindings == []
    length, (status, _, bindings) = asked(GETNEXT, many, 484)
    assert length <= 484 and status == TOO_BIG and bindings == []
    for size in (484, 600, 1500, 40000):
        length, (status, _, bindings) = asked(GETBULK, [(NORIA, NOTHING)], size, (0, 100))
        assert length <= size and status == 0
        assert len(bindings) > (3 if size < 1500 else 20)
        got = [numbers(name) for name, _, _ in bindings]
        assert got == walked(daemon.snmp_port, NORIA)[:len(got)], "the first ones, in order"
