"""What no manager would send: the agent neither answers nor falls, and counts it."""

import os
import random
import socket

import pytest

from daemon import free_port
from netconf import wait_for
from snmp_packet import (GAUGE, GET, GETBULK, NOTHING, SET, SEQUENCE, STRING, ask, integer, message,
                         message_v3, oid, pdu, tlv)
from test_snmp import AGENT_VERSION, NORIA, snmp, wait_for_snmp, walk
from test_snmp_users import agent, user, v3

BAD_COMMUNITIES, BAD_USES, PARSE_ERRORS = (f".1.3.6.1.2.1.11.{n}.0" for n in (4, 5, 6))
UNKNOWN_USERS, WRONG_DIGESTS = ".1.3.6.1.6.3.15.1.1.3.0", ".1.3.6.1.6.3.15.1.1.5.0"
COUNTERS = (BAD_COMMUNITIES, BAD_USES, UNKNOWN_USERS, WRONG_DIGESTS)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(null="all")
    wait_for_snmp(daemon)
    return daemon


def count(daemon, name):
    return int(snmp("snmpget", daemon.snmp_port, name).stdout.split()[1])


def test_strangers_are_counted(daemon):
    with daemon.session() as session:
        user(session)
    before = [count(daemon, name) for name in COUNTERS]
    for _ in range(2):
        snmp("snmpget", daemon.snmp_port, AGENT_VERSION, community="wrong", patience=0.2)
    snmp("snmpset", daemon.snmp_port, f"{NORIA}.2.2.1.8.1.1", "u", "1")  # who only reads
    v3("snmpget", daemon.snmp_port, AGENT_VERSION, name="stranger")
    v3("snmpget", daemon.snmp_port, AGENT_VERSION, auth="wrong password")
    after = [count(daemon, name) for name in COUNTERS]
    assert all(new > old for new, old in zip(after, before)), (before, after)


def test_strangers_do_not_fill_the_log(daemon):
    """Net-SNMP says a line of each request whose digest is wrong, which takes a user's name alone."""
    with daemon.session() as session:
        user(session)
        engine = bytes.fromhex(session.get("snmp-agent/engine-id")[0].replace(":", ""))
    before = count(daemon, WRONG_DIGESTS)
    request = message_v3(pdu(GET, [(AGENT_VERSION, NOTHING)]), "ann", engine, digest=bytes(24))
    for _ in range(200):
        ask(daemon.snmp_port, request)
    assert count(daemon, WRONG_DIGESTS) == before + 200
    assert 0 < daemon.log().count("Authentication failed") < 100


def test_a_getbulk_without_end_has_one(daemon):
    variables = tlv(SEQUENCE, tlv(SEQUENCE, oid(NORIA) + b"\x05\x00"))
    pdu = tlv(GETBULK, integer(1) + integer(0) + integer(0x7FFFFFFF) + variables)
    request = tlv(SEQUENCE, integer(1) + tlv(STRING, b"public") + pdu)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(60)
        sender.sendto(request, ("127.0.0.1", daemon.snmp_port))
        assert len(sender.recv(1 << 16)) < 65508
    assert walk(daemon.snmp_port, f"{NORIA}.1.1")


@pytest.mark.once  # it waits
def test_connections_that_ask_nothing_do_not_take_the_agent_s_descriptors(daemon):
    port = free_port()
    with daemon.session() as session:
        session.set(agent(f"<listen><name>tcp</name><address>127.0.0.1</address><port>{port}</port>"
                          "<transport>tcp</transport></listen>"))
    held = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    idle = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(300)]
    assert walk(daemon.snmp_port, f"{NORIA}.1.1"), "all have been accepted, or not"

    def taken():
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd")) - held
    wait_for(lambda: taken() > 50, "many to be accepted")
    assert taken() <= 100
    wait_for(lambda: not snmp("snmpget", port, AGENT_VERSION, host="tcp:127.0.0.1").returncode,
             "one that is silent to make room")
    for connection in idle:
        connection.close()
    wait_for(lambda: len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < held + 5, "their end")
    assert not snmp("snmpget", port, AGENT_VERSION, host="tcp:127.0.0.1").returncode


def test_a_message_without_end_is_not_gathered(daemon):
    port = free_port()
    with daemon.session() as session:
        session.set(agent(f"<listen><name>tcp</name><address>127.0.0.1</address><port>{port}</port>"
                          "<transport>tcp</transport></listen>"))
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(b"\x30\x84\x7f\xff\xff\xf0")
        connection.settimeout(60)
        try:
            for _ in range(64):
                connection.sendall(bytes(1 << 18))
            assert connection.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert not snmp("snmpget", port, AGENT_VERSION, host="tcp:127.0.0.1").returncode
    many = [(AGENT_VERSION, b"\x05\x00")] * 9000
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        request = message(GET, many)
        assert len(request) > 100000
        connection.sendall(request)
        connection.settimeout(60)
        assert connection.recv(1 << 16), "what is large and no more than that has an answer"


def test_connections_end_with_their_listener(daemon):
    first, second = free_port(), free_port()
    request = message(GET, [(AGENT_VERSION, b"\x05\x00")])

    def listen(name, port, address="127.0.0.1", operation=""):
        return (f"<listen{operation}><name>{name}</name><address>{address}</address><port>{port}"
                "</port><transport>tcp</transport></listen>")

    with daemon.session() as session:
        session.set(agent(listen("one", first) + listen("two", second, "::1")))
        one = socket.create_connection(("127.0.0.1", first), 30)
        two = socket.create_connection(("::1", second), 30)
        for connection in (one, two, one):
            connection.sendall(request)
            assert connection.recv(1 << 16)
        session.set(agent(listen("one", first, operation=' nc:operation="delete"')))
        assert one.recv(1) == b"", "it has ended"
        two.sendall(request)
        assert two.recv(1 << 16), "and the other one goes on"


def test_spoilt_messages_do_no_harm(daemon):
    """Seeded, so that what fails once fails again."""
    dice = random.Random(7)
    with daemon.session() as session:
        user(session)
        session.set(agent("<community><name>writer</name><write-as>admin</write-as></community>"))
    whole = [message(SET, [(f"{NORIA}.2.2.1.8.1.1", integer(5, GAUGE))], "writer"),
             message(GET, [(AGENT_VERSION, b"\x05\x00")])]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(3000):
            data = bytearray(dice.choice(whole))
            for _ in range(dice.randint(1, 4)):
                data[dice.randrange(len(data))] = dice.choice((0, 1, 0x7F, 0x80, 0x84, 0xFF,
                                                               dice.randrange(256)))
            sender.sendto(bytes(data[:dice.randint(1, len(data))] if number % 3 == 0 else data),
                          ("127.0.0.1", daemon.snmp_port))
            if number % 100 == 0:  # not faster than they are read
                assert walk(daemon.snmp_port, f"{NORIA}.1.1")
    assert count(daemon, PARSE_ERRORS) > 100
    with daemon.session() as session:
        assert session.data("running")
