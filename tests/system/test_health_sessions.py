"""Checks that hold a session: mail, FTP, LDAP and news."""

import ssl
import subprocess

import pytest

from health import (HASTY, Listener, check, checked, hear_and_say, lines, set_check, status,
                    wait_error, wait_state)
from netconf import RpcError, wait_for


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


# Mail and FTP, by libcurl


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
    wait_error(session, "timed out after 1 s while agreeing on how to talk")


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
    session.set(checked(HASTY + check("it", "<ldap><tls>starttls</tls></ldap>",
                                      "<bind-address>127.0.0.9</bind-address>"), listener.real()))
    wait_error(session, "timed out after 1 s while agreeing on TLS")
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
            ("hang", "timed out after 1 s while waiting for the answer to StartTLS")):
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
    assert status(session), "the agent answers"


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
    wait_error(session, "timed out after 1 s while agreeing on TLS")
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
