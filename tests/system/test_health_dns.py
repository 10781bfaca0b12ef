"""Checks that ask a server of DNS, by UDP and TCP."""

import socket
import time

import pytest

from health import Datagrams, Listener, hear_and_say, set_check, wait_error, wait_state


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


def answer_to(question, code=0, records=b"", count=0):
    """An answer: the question's header and question, then records."""
    return question[:2] + bytes([0x84, code]) + question[4:6] + bytes([0, count]) + question[8:12] \
        + question[12:] + records


def address_record(address):
    return b"\xc0\x0c" + bytes.fromhex("0001000100000005" "0004") + socket.inet_aton(address)


def test_dns(session):
    server = Datagrams(lambda q: answer_to(q, 0, address_record("198.51.100.7"), 1))
    kind = "<dns><type>A</type><name>www.example</name><expect>198.51.100.7</expect></dns>"
    set_check(session, server, kind)
    wait_state(session, server, "up")
    server.answer = lambda q: answer_to(q, 0, address_record("198.51.100.8"), 1)
    wait_error(session, "no record is the expected one")
    server.answer = lambda q: answer_to(q, 2)
    wait_error(session, "server failure")
    server.answer = lambda q: answer_to(q, 0, address_record("198.51.100.7")[:-2], 1)
    wait_error(session, "damaged")
    server.answer = lambda q: b"\xff\xff" + answer_to(q)[2:]
    wait_error(session, "timed out")
    server.answer = answer_to
    set_check(session, server, "<dns/>")
    wait_state(session, server, "up")


def of_stream(answer, rest=b""):
    """A DNS server by TCP, for Listener."""
    def talk(connection):
        talk.questions.append(connection.recv(2, socket.MSG_WAITALL))
        question = connection.recv(int.from_bytes(talk.questions[-1], "big"), socket.MSG_WAITALL)
        reply = answer(question)
        connection.sendall(len(reply).to_bytes(2, "big") + reply[:len(reply) // 2])
        time.sleep(0.02)
        connection.sendall(reply[len(reply) // 2:] + rest)
    talk.questions = []
    return talk


WWW = "<dns>{}<type>A</type><name>www.example</name><regex>^198[.]51[.]100[.]7$</regex></dns>"


def right(question):
    return answer_to(question, 0, address_record("198.51.100.8") + address_record("198.51.100.7"), 2)


def test_dns_by_tcp(session):
    listener = Listener(of_stream(right))
    set_check(session, listener, WWW.format("<transport>tcp</transport>"))
    wait_state(session, listener, "up")
    listener.answer = of_stream(lambda q: answer_to(q, 0, address_record("198.51.100.70"), 1))
    wait_error(session, "no record matches")
    listener.answer = of_stream(right, b"\0" * 100000)
    wait_state(session, listener, "up")
    listener.answer = of_stream(lambda q: b"\xff\xff" + right(q)[2:])
    wait_error(session, "the answer is not to the question")
    listener.answer = of_stream(lambda q: right(q)[:-1])
    wait_error(session, "damaged")
    listener.answer = of_stream(lambda q: b"")
    wait_error(session, "the answer is not to the question")
    listener.answer = hear_and_say(b"\xff\xff" + b"x" * 65534)
    wait_error(session, "the connection was closed before the answer came")
    listener.answer = "hang"
    wait_error(session, "timed out after 1 s while waiting for the answer by TCP")
    listener.close()
    wait_error(session, "connect: Connection refused")
    listener.answer = of_stream(right)
    listener.open()
    wait_state(session, listener, "up")


def test_an_answer_of_dns_that_is_cut_off_is_asked_for_by_tcp(session):
    listener = Listener(of_stream(right))
    server = Datagrams(lambda q: answer_to(q)[:2] + b"\x86" + answer_to(q)[3:], port=listener.port)
    set_check(session, server, WWW.format(""))
    wait_state(session, server, "up")
    assert listener.answer.questions
    listener.answer = "hang"
    wait_error(session, "timed out after 1 s while waiting for the answer by TCP")
    listener.close()
    wait_error(session, "connect: Connection refused")
    server.answer = right
    wait_state(session, server, "up")


def test_an_expression_that_takes_too_long_for_a_record(session):
    text = bytes([250]) + b"a" * 249 + b"!"
    record = b"\xc0\x0c" + bytes.fromhex("0010000100000005") + len(text).to_bytes(2, "big") + text
    server = Datagrams(lambda q: answer_to(q, 0, record, 1))
    set_check(session, server, "<dns><type>TXT</type><regex>^a+!$</regex></dns>")
    wait_state(session, server, "up")
    set_check(session, server, "<dns><type>TXT</type><regex>^(a+)+$</regex></dns>")
    wait_error(session, "the regular expression takes too long")
