"""Checkers of health checks, each against servers that answer well, badly, slowly or not at all."""

import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

from health import QUICK, Listener, check, checked, health, request_head, status, wait_state
from netconf import RpcError, real, server, servers, wait_for


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


def wait_error(session, words, name="it", seconds=10):
    """Wait until the one real server is down for an error that holds some words."""
    def found():
        for key, one in status(session).items():
            if key and one.get("state") == "down":
                error = one["checks"][name].get("last-error", "")
                return error if words in error else None
        return None
    try:
        return wait_for(found, words, seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {status(session)}") from None


def set_check(session, listener, kind, more=""):
    session.set(checked(QUICK + more + check("it", kind).replace(
        "<check>", '<check nc:operation="replace">'), listener.real()))


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
    wait_error(session, "timed out after 0.5 s while waiting for the answer")
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
    begin = time.monotonic()
    status(session)
    assert time.monotonic() - begin < 1


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
    ("<sip><uri>mailto:a@b</uri></sip>", "uri"),
])
def test_bad_configuration(session, kind, words):
    with pytest.raises(RpcError) as error:
        session.set(checked(check("it", kind), real("127.0.0.1", 80)))
    assert words in str(error.value)


# UDP


class Datagrams:
    """A UDP server whose answer may be None."""

    def __init__(self, answer, address="127.0.0.1", port=0):
        self.address = address
        self.answer = answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(65536)
                if self.answer is not None:
                    self.socket.sendto(self.answer(data) if callable(self.answer) else self.answer,
                                       peer)
            except OSError:
                return

    def close(self):
        self.socket.close()

    def real(self):
        return real(self.address, self.port)


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
    session.set(checked(QUICK, real("127.0.0.1", server.port, operation="delete"),
                        real("127.0.0.1", port)))
    wait_error(session, "the port is unreachable")


# ICMP


@pytest.mark.parametrize("address, gone", [("127.0.0.1", "192.0.2.77"), ("::1", "2001:db8::77")])
def test_ping(session, address, gone):
    vip = "192.0.2.1" if "." in address else "2001:db8::1"
    persistent = "<persistence/>"
    session.set(checked(QUICK + check("it", "<ping/>"), persistent + real(address, 80),
                        address=vip))
    wait_for(lambda: status(session)[f"{address}:80"].get("state") == "up", "an echo")
    session.set(checked(QUICK, real(address, 80, operation="delete"), real(gone, 80), address=vip))
    wait_for(lambda: status(session)[f"{gone}:80"].get("state") == "down", "no echo")


# HTTP


def http(status_line="200 OK", body=b"hello", headers=b""):
    def talk(connection):
        request = request_head(connection)
        if request is None:
            return
        talk.requests.append(request.decode())
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (
            status_line.encode(), len(body), headers) + body)
    talk.requests = []
    return talk


def test_http(session):
    listener = Listener(http())
    set_check(session, listener, "<http><virtual-host>www.example</virtual-host>"
              "<header>X-Check: yes</header>"
              "<url><path>/a?b=c</path><regex>^hel+o$</regex></url>"
              "<url><path>/d</path><digest>5d41402abc4b2a76b9719d911017c592</digest></url></http>")
    wait_state(session, listener, "up")
    first, second = listener.answer.requests[:2]
    assert first.startswith("GET /a?b=c HTTP/1.1\r\n") and second.startswith("GET /d HTTP/1.1\r\n")
    assert "\r\nHost: www.example\r\n" in first and "\r\nX-Check: yes\r\n" in first
    assert "\r\nUser-Agent: noria\r\n" in first
    listener.answer = http("503 Busy")
    wait_error(session, "status 503 of http://www.example")
    listener.answer = http(body=b"goodbye")
    wait_error(session, "the body does not match")
    listener.answer = http()
    wait_state(session, listener, "up")
    listener.answer = "hang"
    wait_error(session, "timed out after 0.5 s while waiting for the answer")
    listener.answer = lambda connection: connection.sendall(b"\x00\xff" * 100)
    wait_error(session, "the answer is not HTTP")
    listener.close()
    wait_error(session, "connect: Connection refused")
    listener.answer = http()
    listener.open()
    wait_state(session, listener, "up")


def test_errors_are_fit_for_xml(session):
    listener = Listener(http("418 \x1b\x01teapot"))
    set_check(session, listener, "<http><url><path>/&lt;</path></url></http>")
    wait_error(session, "status 418")
    listener.answer = lines(greeting=b"550 \x01\xff\x80\x00&<]]>\r\n")
    set_check(session, listener, "<smtp/>")
    wait_error(session, "550")


def test_http_status_ranges_and_redirects(session):
    listener = Listener(http("302 Found", headers=b"Location: /elsewhere\r\n"))
    set_check(session, listener, "<http/>")
    wait_error(session, "status 302")
    set_check(session, listener, "<http><url><path>/</path><status-code>200</status-code>"
              "<status-code>300-303</status-code></url></http>")
    wait_state(session, listener, "up")
    set_check(session, listener, "<http><max-redirects>3</max-redirects></http>")
    wait_error(session, "redirects")


def test_http_endless_body(session):
    def endless(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"\x00\x01" * 32768)
    listener = Listener(endless)
    set_check(session, listener, "<http><url><path>/</path><regex>\\x00\\x01</regex></url></http>")
    wait_state(session, listener, "up")
    set_check(session, listener, "<http><url><path>/</path><regex>nowhere</regex></url></http>")
    wait_error(session, "the body does not match")
    set_check(session, listener, f"<http><url><path>/</path><digest>{'0' * 64}</digest></url></http>")
    wait_error(session, "longer than max-body")


@pytest.fixture(name="certificates", scope="module")
def fixture_certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=www.example", "-addext", "subjectAltName=DNS:www.example",
                    "-keyout", folder / "key", "-out", folder / "certificate"],
                   check=True, capture_output=True)
    return folder


def test_https(session, certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "certificate", certificates / "key")
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    plain = http()

    def secured(connection):
        with context.wrap_socket(connection, server_side=True) as wrapped:
            plain(wrapped)
    listener = Listener(secured)
    set_check(session, listener, "<https><virtual-host>www.example</virtual-host></https>")
    wait_state(session, listener, "up")
    assert names[-1] == "www.example"
    trusted = f"<verify>true</verify><ca-file>{certificates}/certificate</ca-file>"
    set_check(session, listener, f"<https>{trusted}<virtual-host>www.example</virtual-host></https>")
    wait_state(session, listener, "up")
    set_check(session, listener, f"<https>{trusted}<server-name>other.example</server-name></https>")
    wait_error(session, "no alternative certificate subject name matches")
    set_check(session, listener, "<https><verify>true</verify><server-name>www.example</server-name>"
              "</https>")
    wait_error(session, "self-signed certificate")


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
    path = script(tmp_path, f'echo "$@" $NORIA_VIRTUAL_SERVER $NORIA_REAL_PORT > {heard}; exit 0')
    set_check(session, listener, f"<command><path>{path}</path><arguments>ldirectord</arguments>"
              "<argument>-x</argument></command>")
    wait_state(session, listener, "up")
    assert heard.read_text().split() == ["192.0.2.1", "80", "127.0.0.1", str(listener.port), "-x",
                                         "web", str(listener.port)]
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
                  f"sh -c 'trap \"\" TERM; echo $$ >> {marks}; sleep 60' & sleep 60")
    set_check(session, listener, f"<command><path>{path}</path></command>")
    wait_error(session, "timed out after 0.5 s while the command runs")
    script(tmp_path, "exit 0")
    wait_state(session, listener, "up")

    def all_gone():
        return not [p for p in marks.read_text().split() if os.path.exists(f"/proc/{p}")]
    wait_for(all_gone, "the process groups to end", 5)


# DNS


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


def hear_and_say(*answers, greeting=b""):
    """A server that answers what it hears, and then goes away without a reset."""
    def talk(connection):
        connection.sendall(greeting)
        for answer in answers:
            connection.recv(10000)
            connection.sendall(answer)
    return talk


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
    wait_error(session, "timed out after 0.5 s while waiting for the answer by TCP")
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
    wait_error(session, "timed out after 0.5 s while waiting for the answer by TCP")
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


# Sessions by libcurl


def lines(*answers, greeting):
    """A server that answers each line by the first (prefix, answer) that fits."""
    def talk(connection):
        connection.sendall(greeting)
        with connection.makefile("rb") as requests:
            for request in requests:
                talk.heard.append(request)
                answer = next((a for prefix, a in answers if prefix in request.upper()), None)
                if answer is None:
                    return
                connection.sendall(answer.replace(b"TAG", request.split()[0]))
    talk.heard = []
    return talk


SESSIONS = {
    "ftp": ([(b"USER", b"331 go on\r\n"), (b"PASS", b"230 in\r\n"), (b"PWD", b'257 "/"\r\n'),
             (b"CWD", b"250 ok\r\n"), (b"TYPE", b"200 ok\r\n"), (b"", b"200 ok\r\n")],
            b"220 ready\r\n", b"421 too many\r\n"),
    "smtp": ([(b"EHLO", b"250-here\r\n250 SIZE 1\r\n"), (b"NOOP", b"250 ok\r\n"),
              (b"QUIT", b"221 bye\r\n")], b"220 here ESMTP\r\n", b"554 no\r\n"),
    "imap": ([(b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
              (b"NOOP", b"TAG OK done\r\n"), (b"LOGOUT", b"* BYE\r\nTAG OK\r\n")],
             b"* OK ready\r\n", b"* BYE overloaded\r\n"),
    "pop3": ([(b"CAPA", b"+OK\r\nUSER\r\n.\r\n"), (b"QUIT", b"+OK bye\r\n")],
             b"+OK ready\r\n", b"-ERR busy\r\n"),
}


@pytest.mark.parametrize("protocol", SESSIONS)
def test_sessions(session, protocol):
    answers, greeting, refusal = SESSIONS[protocol]
    listener = Listener(lines(*answers, greeting=greeting))
    set_check(session, listener, f"<{protocol}/>")
    wait_state(session, listener, "up")
    listener.answer = lines(greeting=refusal)
    wait_state(session, listener, "down")
    listener.answer = lines(*answers, greeting=greeting)
    wait_state(session, listener, "up")
    listener.answer = "hang"
    wait_error(session, "timed out after 0.5 s while agreeing on how to talk")


def test_a_login(session, tmp_path):
    password = tmp_path / "password"
    password.write_text("secret\n")
    talk = lines((b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
                 (b"LOGIN OLGA SECRET", b"TAG OK in\r\n"), (b"LOGIN", b"TAG NO wrong\r\n"),
                 (b"NOOP", b"TAG OK done\r\n"), greeting=b"* OK ready\r\n")
    listener = Listener(talk)
    kind = f"<imap><username>olga</username><password-file>{password}</password-file></imap>"
    set_check(session, listener, kind)
    wait_state(session, listener, "up")
    password.write_text("wrong\n")
    set_check(session, listener, kind.replace("olga", "otto"))
    wait_error(session, "Access denied")
    password.unlink()
    with pytest.raises(RpcError) as error:
        set_check(session, listener, kind)
    assert "No password can be read" in str(error.value)


def test_starttls_is_required(session):
    talk = lines((b"EHLO", b"250-here\r\n250 SIZE 1\r\n"), (b"NOOP", b"250 ok\r\n"),
                 greeting=b"220 here ESMTP\r\n")
    listener = Listener(talk)
    set_check(session, listener, "<smtp><tls>starttls</tls></smtp>")
    wait_error(session, "STARTTLS not supported")


def until_closed(connection):
    while connection.recv(10000):
        pass


# LDAP, where it is not a real server


def agrees(more=b"", code=0, text=b"", number=1, then=b""):
    """A directory that answers StartTLS by this result, and then goes on in this way."""
    result = bytes([0x0a, 1, code, 4, 0, 4, len(text)]) + text
    message = bytes([2, 1, number, 0x78, len(result)]) + result

    def talk(connection):
        talk.peers.append(connection.getpeername()[0])
        talk.heard.append(connection.recv(100))
        connection.sendall(bytes([0x30, len(message)]) + message + more)
        connection.recv(100)  # the handshake, or the client goes away
        connection.sendall(then)
        until_closed(connection)
    talk.heard, talk.peers = [], []
    return talk


def test_starttls_of_ldap(session):
    listener = Listener(agrees())
    session.set(checked(QUICK + check("it", "<ldap><tls>starttls</tls></ldap>",
                                      "<bind-address>127.0.0.9</bind-address>"), listener.real()))
    wait_error(session, "timed out after 0.5 s while agreeing on TLS")
    assert listener.answer.heard[-1] == (bytes.fromhex("301d02010177188016")
                                         + b"1.3.6.1.4.1.1466.20037")
    assert set(listener.answer.peers) == {"127.0.0.9"}
    for answer, words in (
            (agrees(then=b"no TLS, but something else\n" * 100), "TLS: wrong version number"),
            (agrees(code=52, text=b"not \x01now"),
             "StartTLS is refused: result 52 (unavailable): not ?now"),
            (agrees(code=2, number=0), "the server goes away: result 2 (protocol error)"),
            (agrees(b"\x30"), "StartTLS: something follows the answer"),
            (agrees(code=117), "StartTLS is refused: result 117"),
            (agrees(number=2), "the answer is to another request"),
            (hear_and_say(b"\x30\x0c"), "the connection was closed before the answer came"),
            (hear_and_say(b"\x30\x84" + b"\xff" * 1000), "the answer is not LDAP"),
            ("hang", "timed out after 0.5 s while waiting for the answer to StartTLS")):
        listener.answer = answer
        wait_error(session, words)
    listener.close()
    wait_error(session, "connect: Connection refused")


def ldap_message(number, operation, content):
    content = bytes([2, 1, number, operation, len(content)]) + content
    return bytes([0x30, len(content)]) + content


SUCCESS = bytes.fromhex("0a010004000400")
ENTRY = bytes.fromhex("04016e300d300b0401613106040131040132")  # n: a is 1 and 2


def directory(*found, end=SUCCESS):
    """A directory that lets everyone in, and finds this."""
    def talk(connection):
        while request := connection.recv(1000):
            number, operation = request[4], request[5]
            if operation == 0x60:
                connection.sendall(ldap_message(number, 0x61, SUCCESS))
            elif operation == 0x63:
                connection.sendall(b"".join(ldap_message(number, *one) for one in found)
                                   + ldap_message(number, 0x65, end))
    return talk


def test_a_search(session):
    reference, later = (0x73, b"\x04\x07ldap://"), (0x79, b"\x80\x011")
    listener = Listener(directory(reference, later, (0x64, ENTRY)))
    kind = "<ldap><expect>^DN: n\n\ta: 1\n\ta: 2\n\n$</expect></ldap>"
    set_check(session, listener, kind)
    wait_state(session, listener, "up")
    listener.answer = directory((0x64, ENTRY), (0x64, ENTRY))
    wait_error(session, "what is found does not match")
    set_check(session, listener, "<ldap/>")
    wait_state(session, listener, "up")
    for answer, words in (
            (directory(reference), "no entry is found"),
            (directory(end=bytes.fromhex("0a01200400040178")),
             "LDAP search: result 32 (no such object): x"),
            (directory((0x64, ENTRY[:-1])), "search: an entry is damaged"),
            (directory((0x61, SUCCESS)), "search: the answer is another one's")):
        listener.answer = answer
        wait_error(session, words)
    listener.answer = directory((0x64, ENTRY), end=bytes.fromhex("0a010404000400"))
    set_check(session, listener, kind)
    wait_state(session, listener, "up")
    listener.answer = directory(*[(0x64, ENTRY)] * 9999)
    set_check(session, listener, "<ldap><expect>^DN: n\n.*\ta: 2\n\n</expect></ldap>")
    wait_state(session, listener, "up")


def test_a_server_of_ldap_that_never_ends_blocks_nothing(session):
    def endless(connection):
        connection.sendall(ldap_message(2, 0x61, SUCCESS))
        while True:
            connection.sendall(ldap_message(3, 0x73, b"\x04\x01x") * 10000)
    listener = Listener(endless)
    set_check(session, listener, "<ldap/>")
    wait_error(session, "the answer is too long")
    begin = time.monotonic()
    status(session)
    assert time.monotonic() - begin < 1


def test_a_socket_is_closed_once(daemon, session, tmp_path):
    """What is closed twice may be another thread's by then."""
    listener = Listener(directory((0x64, ENTRY)))
    set_check(session, listener, "<ldap/>")
    wait_state(session, listener, "up")
    report = tmp_path / "strace"
    with open(report, "wb") as output, subprocess.Popen(
            ["strace", "-f", "-e", "trace=close,connect", "-p", str(daemon.process.pid)],
            stderr=output) as tracer:
        wait_for(lambda: report.read_text().count("connect(") > 5, "some runs")
        tracer.terminate()
    assert "EBADF" not in report.read_text()


# NNTP


def news(context, *answers, secured="382 go on\r\n"):
    """A news server (RFC 3977) that begins TLS when it is asked to (RFC 4642)."""
    def talk(connection):
        connection.sendall(b"200 ready\r\n")
        talk.heard.append(connection.recv(100))
        connection.sendall(secured.encode())
        if context is None:
            until_closed(connection)
            return
        with context.wrap_socket(connection, server_side=True) as wrapped:
            lines(*answers, (b"QUIT", b"205 bye\r\n"), greeting=b"")(wrapped)
    talk.heard = []
    return talk


@pytest.fixture(name="context")
def fixture_context(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "certificate", certificates / "key")
    return context


def starttls(content=""):
    return f"<nntp>{content}<tls>starttls</tls></nntp>"


def test_nntp_with_starttls(session, context):
    login = "<username>olga</username><password>secret</password><group>a.b</group>"
    listener = Listener(news(context, (b"AUTHINFO USER OLGA", b"381 more\r\n"),
                             (b"AUTHINFO PASS SECRET", b"281 in\r\n"),
                             (b"GROUP A.B", b"211 0 0 0 a.b\r\n")))
    set_check(session, listener, starttls(login))
    wait_state(session, listener, "up")
    assert listener.answer.heard[-1] == b"STARTTLS\r\n"
    listener.answer = news(context, (b"AUTHINFO", b"481 no\r\n"))
    wait_error(session, "AUTHINFO USER: 481 no")
    listener.answer = news(context, secured="580 not now\r\n")
    wait_error(session, "STARTTLS: 580 not now")
    listener.answer = news(context, secured="382 go on\r\n281 in\r\n")
    wait_error(session, "STARTTLS: something follows the answer")
    listener.answer = news(None)
    wait_error(session, "timed out after 0.5 s while agreeing on TLS")
    listener.answer = news(context)
    set_check(session, listener, starttls())
    wait_state(session, listener, "up")
    listener.answer = lines((b"STARTTLS", b"382 go on\r\n"), (b"", b"200 what?\r\n"),
                            greeting=b"200 ready\r\n")
    wait_error(session, "TLS: wrong version number")
    listener.answer = hear_and_say(b"382 go on\r\n", b"", greeting=b"200 ready\r\n")
    wait_error(session, "TLS: the connection was closed in the handshake")


def test_certificates_of_news_servers(session, context, certificates, tmp_path):
    listener = Listener(news(context))
    ours = tmp_path / "ca.pem"
    verify = "<verify>true</verify>{}<server-name>www.example</server-name>"
    set_check(session, listener, starttls(verify.format(f"<ca-file>{ours}</ca-file>")))
    wait_error(session, f"TLS: {ours}: No such file")
    ours.write_text("no certificate\n")
    wait_error(session, f"TLS: {ours}: ")
    ours.write_text((certificates / "certificate").read_text())
    wait_state(session, listener, "up")
    set_check(session, listener, starttls(verify.format("")))
    wait_error(session, "TLS: the certificate is refused: self-signed certificate")
    set_check(session, listener, starttls(f"<verify>true</verify><ca-file>{ours}</ca-file>"))
    wait_error(session, "TLS: the certificate is not for 127.0.0.1")
    set_check(session, listener, starttls(f"<certificate-file>{ours}</certificate-file>"
                                          f"<key-file>{tmp_path}/none</key-file>"))
    wait_error(session, f"TLS: {tmp_path}/none: ")


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
        server(f"web{number}", health(QUICK + check("it", kind)) + listener.real(),
               f"192.0.2.{number + 1}", 80) for number, kind in enumerate(KINDS))))
    for number, kind in enumerate(KINDS):
        wait_state(session, listener, "down", f"web{number}")
        begin = time.monotonic()
        status(session, f"web{number}")
        assert time.monotonic() - begin < 1, kind
