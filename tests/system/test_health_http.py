"""Checks by HTTP. Without TLS the agent speaks it itself: it must ask and judge as libcurl does,
which it leaves the rest to (here: what follows redirections)."""

import socket
import ssl
import struct
import time

import pytest

from health import (HASTY, QUICK, Listener, check, health, lines, request_head, set_check,
                    status, wait_error, wait_state)
from netconf import server, servers, wait_for

OK = b"HTTP/1.1 200 OK\r\n"
BOTH = {"own": "", "libcurl": "<max-redirects>1</max-redirects>"}


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


def set_both(session, content, own, libcurl):
    """The same check as the agent's own and as libcurl's, of one listener each."""
    session.set(servers("".join(
        server(name, health(QUICK + check("it", f"<http>{content}{BOTH[name]}</http>"),
                            operation="replace") + listener.real(), f"192.0.2.{number}", 80)
        for number, (name, listener) in enumerate({"own": own, "libcurl": libcurl}.items(), 1))))


class Recorder:
    """Answers each request in the same way, and keeps the last one."""

    def __init__(self, *portions, reset=False):
        self.portions = portions
        self.reset = reset
        self.request = None

    def __call__(self, connection):
        request = request_head(connection)
        if request is None:
            return
        self.request = request
        for portion in self.portions:
            connection.sendall(portion)
            time.sleep(0.01)
        if self.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


URL = "<url><path>{}</path></url>"
ASKED = {
    "default": "",
    "head": "<method>HEAD</method>",
    "options": "<method>OPTIONS</method><version>1.0</version>",
    "host": "<virtual-host>www.example:81</virtual-host>",
    "host of the url": "<virtual-host>www.example</virtual-host><url><path>/a?b=c&amp;d</path>"
                       "<virtual-host>other.example</virtual-host></url>",
    "dots": URL.format("/a/./b/../c?d=/../e#f"),
    "odd": URL.format("/&lt;a&gt;{}|^`%20\"\\"),
    "empty query": URL.format("/a?"),
    "question": URL.format("/?a?b#?"),
    "proxy": URL.format("http://www.example:81/a/../b#c"),
    "headers": "<header>X-Check: yes</header><header>X-Check: again</header>"
               "<header>Authorization: Basic eA==</header><header>X-Tight:y</header>",
    "no agent": "<user-agent/>",
    "other agent": "<user-agent>a b</user-agent><header>accept: text/plain</header>",
    "instead": "<header>User-agent: c</header><header>HOST: mine</header>"
               "<header>Accept-Encoding: gzip</header><header>Connection: close</header>",
    "without": "<header>Accept:</header><header>User-Agent: </header><header>X-Empty: </header>",
    "without a host": "<header>Host:</header>",
    "two hosts": "<virtual-host>www.example</virtual-host><header>Host: mine</header>",
    "long": "".join(f"<header>X-Header-{i}: {'x' * 1000}</header>" for i in range(32)),
}


@pytest.mark.parametrize("content", ASKED.values(), ids=ASKED)
def test_it_asks_as_libcurl_does(session, content):
    recorder = {name: Recorder(OK + b"Content-Length: 0\r\n\r\n") for name in BOTH}
    own, libcurl = listeners = [Listener(recorder[name]) for name in BOTH]
    set_both(session, content, own, libcurl)
    for listener, name in zip(listeners, BOTH):
        wait_state(session, listener, "up", name)
    assert recorder["own"].request.replace(b":%d" % own.port, b":PORT") == \
        recorder["libcurl"].request.replace(b":%d" % libcurl.port, b":PORT")


def test_the_host_is_the_address(session):
    recorder = Recorder(OK + b"Content-Length: 0\r\n\r\n")
    listener = Listener(recorder, "::1")
    session.set(servers(server("web", health(QUICK + check("it", "<http/>")) + listener.real(),
                               "2001:db8::1", 80)))
    wait_state(session, listener, "up")
    assert b"\r\nHost: [::1]:%d\r\n" % listener.port in recorder.request


LENGTH = b"Content-Length: 5\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = "<url><path>/</path><regex>^hello$</regex></url>"
DIGEST = "<url><path>/</path><digest>5d41402abc4b2a76b9719d911017c592</digest></url>"
# What a server sends, and what becomes of the check.
ANSWERED = {
    "length": (HELLO, [OK + LENGTH + b"hello"], "up"),
    "octet by octet": (DIGEST, [bytes([c]) for c in OK + LENGTH + b"hello"], "up"),
    "until the end": (HELLO, [OK + b"\r\nhel", b"lo"], "up"),
    "HTTP/1.0": (HELLO, [b"HTTP/1.0 200 OK\n\nhello"], "up"),
    "chunks": (DIGEST, [OK + CHUNKED + b"3\r\nhel\r\n", b"2;x\r\nlo\r\n0\r\nX: y\r\n\r\n"], "up"),
    "an interim answer": (HELLO, [b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" + OK + LENGTH, b"hello"],
                          "up"),
    "too much": (HELLO, [OK + LENGTH + b"hello and more"], "up"),
    "no content": ("", [b"HTTP/1.1 204 x\r\n\r\n"], "up"),
    "too little": (HELLO, [OK + LENGTH, b"hell"], "down"),
    "chunks too little": (HELLO, [OK + CHUNKED + b"5\r\nhello\r\n"], "down"),
    "chunks of nonsense": (HELLO, [OK + CHUNKED + b"hello\r\n"], "down"),
    "an unknown encoding": (HELLO, [OK + b"Transfer-Encoding: pony\r\n\r\nhello"], "down"),
    "a wrong length": (HELLO, [OK + b"Content-Length: -5\r\n\r\nhello"], "down"),
    "no colon": (HELLO, [OK + b"nothing\r\n" + LENGTH + b"hello"], "down"),
    "a zero": (HELLO, [OK + b"X: \0\r\n" + LENGTH + b"hello"], "down"),
    "nothing": ("", [], "down"),
    "no HTTP": ("", [b"220 mail ESMTP\r\n"], "down"),
    "no status": ("", [b"HTTP/1.1 OK\r\n\r\n"], "down"),
    "another status": ("", [b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"], "down"),
    "endless headers": ("", [OK] + [b"X: %s\r\n" % (b"y" * 60000)] * 100, "down"),
    "a longer body": ("<max-body>5</max-body>" + HELLO, [OK + b"\r\nhello and more"], "up"),
    "no digest of it": ("<max-body>5</max-body>" + DIGEST, [OK + b"\r\nhello and more"], "down"),
    "a body that is not read": ("<max-body>0</max-body>", [OK + LENGTH + b"hello"], "up"),
}


@pytest.mark.parametrize("content, portions, expected", ANSWERED.values(), ids=ANSWERED)
def test_it_judges_as_libcurl_does(session, content, portions, expected):
    own, libcurl = [Listener(Recorder(*portions)) for _ in BOTH]
    set_both(session, content, own, libcurl)
    wait_state(session, own, expected, "own")
    wait_state(session, libcurl, expected, "libcurl")


def test_a_reset_fails(session):
    own, libcurl = [Listener(Recorder(OK + LENGTH, b"hel", reset=True)) for _ in BOTH]
    set_both(session, HELLO, own, libcurl)
    assert "reset" in wait_state(session, own, "down", "own")["checks"]["it"]["last-error"]
    assert "reset" in wait_state(session, libcurl, "down", "libcurl")["checks"]["it"]["last-error"]


def test_switching_protocols_is_an_answer(session):
    listener = Listener(Recorder(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x00"))
    set_both(session, "<header>Connection: Upgrade</header><header>Upgrade: websocket</header>"
             "<url><path>/</path><status-code>101</status-code></url>", listener, listener)
    wait_state(session, listener, "up", "own")


def test_many_paths_one_after_the_other(session):
    """Each has a connection of its own, and the one that fails is named."""
    listener = Listener(Recorder(OK + LENGTH + b"hello"))
    urls = "".join(URL.format(f"/{number}") for number in range(31))
    session.set(servers(server("web", health(QUICK + check("it", f"<http>{urls}</http>"))
                               + listener.real(), "192.0.2.1", 80)))
    wait_state(session, listener, "up")
    wait_for(lambda: listener.accepted > 200, "connections")
    assert int(status(session)[f"127.0.0.1:{listener.port}"]["checks"]["it"]["failures"]) == 0

    def one_fails(connection):
        request = connection.recv(4096)
        connection.sendall(b"HTTP/1.1 404 x\r\n\r\n" if request.startswith(b"GET /17 ")
                           else OK + LENGTH + b"hello")
    listener.answer = one_fails
    error = wait_state(session, listener, "down")["checks"]["it"]["last-error"]
    assert error == f"status 404 of http://127.0.0.1:{listener.port}/17"


def test_a_server_that_does_not_read_is_timed_out(session):
    """And one that answers before it has read all is heard."""
    headers = "".join(f"<header>X-Header-{i}: {'x' * 1000}</header>" for i in range(32))

    def hear_nothing(connection):
        connection.recv(1)
        time.sleep(30)  # longer than it is waited for
    listener = Listener(hear_nothing)
    session.set(servers(server("web", health(HASTY + check("it", f"<http>{headers}</http>"))
                               + listener.real(), "192.0.2.1", 80)))
    error = wait_state(session, listener, "down")["checks"]["it"]["last-error"]
    assert error.startswith("timed out after 1 s while"), error

    def answer_at_once(connection):
        connection.sendall(OK + LENGTH + b"hello")
        time.sleep(0.5)  # to close it before all is read would be a reset
    listener.answer = answer_at_once
    wait_state(session, listener, "up")


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
    wait_error(session, "timed out after 1 s while waiting for the answer")
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
