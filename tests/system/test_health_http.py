"""HTTP without TLS, which the agent speaks itself: it must ask and judge as libcurl does, which it
leaves the rest to (here: what follows redirections)."""

import socket
import struct
import time

import pytest

from health import QUICK, Listener, check, health, request_head, status, wait_state
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
        time.sleep(1)
    listener = Listener(hear_nothing)
    session.set(servers(server("web", health(QUICK + check("it", f"<http>{headers}</http>"))
                               + listener.real(), "192.0.2.1", 80)))
    error = wait_state(session, listener, "down")["checks"]["it"]["last-error"]
    assert error.startswith("timed out after 0.5 s while"), error

    def answer_at_once(connection):
        connection.sendall(OK + LENGTH + b"hello")
        time.sleep(0.2)
    listener.answer = answer_at_once
    wait_state(session, listener, "up")
