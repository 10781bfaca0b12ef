"""Checkers of health checks, each against servers that answer well, badly, slowly or not at all."""

import os

import pytest

from health import (HASTY, Datagrams, Listener, check, checked, health, set_check, status, wait_error,
                    wait_state)
from netconf import RpcError, real, server, servers, wait_for


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


# Send and expect


def echo(banner=b"220 hello\r\n", answer=b"+PONG\r\n"):
    def talk(connection):
        connection.sendall(banner)
        while connection.recv(100):
            connection.sendall(answer)
    return talk


DIALOGUE = ("<tcp><step><number>1</number><expect>^220 .*\\r\\n</expect></step>"
            "<step><number>2</number><send>PING\\r\\n</send><expect>^\\+PONG</expect></step></tcp>")


def test_a_dialogue(session):
    listener = Listener(echo())
    set_check(session, listener, DIALOGUE)
    wait_state(session, listener, "up")
    listener.answer = echo(answer=b"-ERR\r\n")
    wait_error(session, "timed out after 1 s while waiting for the answer")
    listener.answer = echo()
    wait_state(session, listener, "up")
    listener.answer = lambda connection: connection.sendall(b"500 no\r\n")
    wait_error(session, "step 1: the connection was closed before the answer matched")
    listener.answer = lambda connection: [connection.sendall(b"x" * 4096) for _ in range(9999)]
    wait_error(session, "step 1: the answer does not match")
    listener.answer = "hang"
    wait_error(session, "timed out")
    listener.answer = echo()
    wait_state(session, listener, "up")


def test_an_expression_that_explodes_blocks_nothing(session):
    listener = Listener(echo(banner=b"a" * 4000 + b"!"))
    set_check(session, listener,
              "<tcp><step><number>1</number><expect>^(a+)+$</expect></step></tcp>")
    wait_error(session, "takes too long")
    assert status(session), "the agent answers"


@pytest.mark.parametrize("kind, words", [
    ("<tcp><step><number>1</number><expect>(</expect></step></tcp>", "wrong at offset"),
    ("<tcp><step><number>1</number><send>\\q</send></step></tcp>", "A backslash must begin"),
    ("<udp><payload>0g</payload></udp>", "payload"),
    ("<command><path>sh</path></command>", "path"),
    ("<command><path>/bin/true</path><user>nobody-knows</user></command>", "no user nobody-knows"),
    ("<http><url><path>/</path><regex>[</regex></url></http>", "wrong at offset"),
    (f"<dns><name>{'a' * 64}.example</name></dns>", "no domain name"),
    ("<ldap><expect>(</expect></ldap>", "wrong at offset"),
    ("<ldap><filter>(&amp;(cn=a)</filter></ldap>", "no filter of LDAP"),
    ("<dns><regex>(</regex></dns>", "wrong at offset"),
    ("<dns><expect>a</expect><regex>a</regex></dns>", "exclude each other"),
    ("<radius><secret-file>/none</secret-file></radius>", "No secret can be read"),
    ("<radius/>", "shared-secret"),
    ("<mysql/>", "username"),
    ("<command><path>/bin/true</path><group>no-such</group></command>", "no group no-such"),
    ("<file><path>relative</path></file>", "path"),
    ("<sip><uri>mailto:a@b</uri></sip>", "Give a URI such as"),
    ("<command><path>check.sh</path></command>", "Give a whole path"),
    ("<http><url><path>health</path></url></http>", "A path begins with a slash"),
    ("<http><url><path>/</path><status-code>20x</status-code></url></http>", "such as 200-299"),
    ("<http><url><path>/</path><status-code>300-200</status-code></url></http>",
     "No status is in this range"),
    ("<sip><status-code>499-400</status-code></sip>", "No status is in this range"),
    ("<http><url><path>/</path><regex>x</regex><regex-min-offset>9</regex-min-offset>"
     "<regex-max-offset>3</regex-max-offset></url></http>", "Nothing could ever match"),
    ("<udp><min-reply-length>9</min-reply-length><max-reply-length>3</max-reply-length></udp>",
     "No reply could ever be right"),
    ("<process><command>/bin/true</command><quorum>3</quorum><quorum-max>2</quorum-max></process>",
     "could never pass"),
    ("<ldap><filter>uid=probe</filter></ldap>", "A filter is in parentheses"),
])
def test_bad_configuration(session, kind, words):
    with pytest.raises(RpcError) as error:
        session.set(checked(check("it", kind), real("127.0.0.1", 80)))
    assert words in str(error.value)


# UDP


def test_udp(session):
    server = Datagrams(bytes.fromhex("0102ff"))
    set_check(session, server, "<udp><payload>ab</payload><require-reply>01xxff</require-reply>"
              "</udp>")
    wait_state(session, server, "up")
    server.answer = bytes.fromhex("0202ff")
    wait_error(session, "the reply is another one")
    server.answer = None
    wait_error(session, "timed out")
    set_check(session, server, "<udp/>")
    wait_state(session, server, "up")
    with Datagrams(None).socket as other:
        port = other.getsockname()[1]
    session.set(checked(HASTY, real("127.0.0.1", server.port, operation="delete"),
                        real("127.0.0.1", port)))
    wait_error(session, "the port is unreachable")


# ICMP


@pytest.mark.parametrize("address, gone", [("127.0.0.1", "192.0.2.77"), ("::1", "2001:db8::77")])
def test_ping(session, address, gone):
    vip = "192.0.2.1" if "." in address else "2001:db8::1"
    persistent = "<persistence/>"
    session.set(checked(HASTY + check("it", "<ping/>"), persistent + real(address, 80),
                        address=vip))
    wait_for(lambda: status(session)[f"{address}:80"].get("state") == "up", "an echo")
    session.set(checked(HASTY, real(address, 80, operation="delete"), real(gone, 80), address=vip))
    wait_for(lambda: status(session)[f"{gone}:80"].get("state") == "down", "no echo")


# Commands


def script(tmp_path, text):
    path, new = tmp_path / "check", tmp_path / "new"
    new.write_text(f"#!/bin/sh\n{text}\n")
    new.chmod(0o755)
    new.rename(path)  # the one before may be running
    return str(path)


def test_command(session, tmp_path):
    listener = Listener()
    heard = tmp_path / "heard"
    path = script(tmp_path, f'echo "$@" $NORIA_VIRTUAL_SERVER $NORIA_REAL_PORT >> {heard}; exit 0')
    set_check(session, listener, f"<command><path>{path}</path><arguments>ldirectord</arguments>"
              "<argument>-x</argument></command>")
    wait_state(session, listener, "up")
    port = str(listener.port)
    assert heard.read_text().splitlines()[0].split() == ["192.0.2.1", "80", "127.0.0.1", port,
                                                         "-x", "web", port]
    script(tmp_path, "exit 3")
    wait_error(session, "exit status 3")
    set_check(session, listener, f"<command><path>{path}</path><dynamic>true</dynamic></command>")
    wait_state(session, listener, "up")
    os.unlink(path)
    wait_error(session, "No such file")


def test_a_command_that_hangs_is_ended_with_all_it_started(session, tmp_path):
    listener = Listener()
    marks = tmp_path / "pids"
    path = script(tmp_path, f"trap '' TERM; echo $$ >> {marks}\n"
                  f"sh -c 'trap \"\" TERM; echo $$ >> {marks}; sleep 1000' & sleep 1000")
    set_check(session, listener, f"<command><path>{path}</path></command>")
    wait_error(session, "timed out after 1 s while the command runs")
    script(tmp_path, "exit 0")
    wait_state(session, listener, "up")

    def all_gone():
        return not [p for p in marks.read_text().split() if os.path.exists(f"/proc/{p}")]
    wait_for(all_gone, "the process groups to end")


# Servers that send what is no protocol


KINDS = ["<ftp/>", "<smtp/>", "<smtp><tls>starttls</tls></smtp>", "<imap/>",
         "<imap><tls>implicit</tls></imap>", "<pop3/>", "<ldap/>", "<nntp/>",
         "<nntp><tls>implicit</tls></nntp>", "<nntp><tls>starttls</tls></nntp>",
         "<ldap><tls>starttls</tls></ldap>", "<dns><transport>tcp</transport></dns>",
         "<sip><transport>tcp</transport></sip>", "<http/>", "<https/>",
         "<http><version>2-prior-knowledge</version></http>",
         "<mysql><username>a</username></mysql>",
         "<postgresql><username>a</username></postgresql>",
         "<tcp><step><number>1</number><expect>never</expect></step></tcp>"]


@pytest.mark.parametrize("octets", [b"\x00", b"\xff\x01\n", b"220 ", b"E\x7f\xff\xff\xff",
                                    b"\x01\x00\x00\x00"], ids=repr)
def test_endless_and_binary_answers_fail(session, octets):
    def endless(connection):
        while True:
            connection.sendall(octets * 16384)
    listener = Listener(endless)
    session.set(servers("".join(
        server(f"web{number}", health(HASTY + check("it", kind)) + listener.real(),
               f"192.0.2.{number + 1}", 80) for number, kind in enumerate(KINDS))))
    for number in range(len(KINDS)):
        wait_state(session, listener, "down", f"web{number}")
