"""A NETCONF client over the local socket, small enough to send what a good client would not.

Tests of behaviour use ncclient too; this one is fast, takes raw XML, and shows replies as they are.
"""

import re
import socket
import time
import xml.etree.ElementTree as ElementTree

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
SERVERS = "urn:noria:yang:noria-virtual-server"
AGENT = "urn:noria:yang:noria-agent"
NULL = "urn:noria:yang:noria-null"
END = b"]]>]]>"


class RpcError(Exception):
    """The first rpc-error of a reply."""

    def __init__(self, element):
        def text(name):
            found = element.find(f".//{{{BASE}}}{name}")
            return found.text if found is not None else None

        self.tag = text("error-tag")
        self.path = text("error-path")
        self.app_tag = text("error-app-tag")
        self.message = text("error-message")
        self.element = text("bad-element")
        self.attribute = text("bad-attribute")
        self.session = text("session-id")
        super().__init__(f"{self.tag} {self.path or ''}: {self.message}")


class Session:
    """One session. Use it as a context manager."""

    def __init__(self, path, versions=("1.0", "1.1"), timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""
        self.chunked = False
        self.message_id = 0
        hello = self.receive()
        self.capabilities = re.findall(r"<(?:\w+:)?capability>([^<]*)<", hello)
        self.id = int(re.search(r"session-id>(\d+)<", hello).group(1))
        wanted = "".join(f"<capability>urn:ietf:params:netconf:base:{v}</capability>"
                         for v in versions)
        self.send(f'<hello xmlns="{BASE}"><capabilities>{wanted}</capabilities></hello>')
        self.chunked = "1.1" in versions

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, text):
        data = text.encode()
        if self.chunked:
            self.send_bytes(b"\n#%d\n%s\n##\n" % (len(data), data))
        else:
            self.send_bytes(data + END)

    def _more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError("the session was closed")
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _take_line(self):
        while b"\n" not in self.buffer[1:]:
            self._more()
        at = self.buffer.index(b"\n", 1) + 1
        return self._take(at)

    def receive(self):
        """The next message, without its framing."""
        if not self.chunked:
            while END not in self.buffer:
                self._more()
            data, self.buffer = self.buffer.split(END, 1)
            return data.decode()
        parts = []
        while True:
            line = self._take_line()
            if line == b"\n##\n":
                return b"".join(parts).decode()
            parts.append(self._take(int(line[2:])))

    def rpc(self, content):
        """Send an operation; return the reply's text, or raise its first error."""
        self.message_id += 1
        self.send(f'<rpc xmlns="{BASE}" message-id="{self.message_id}">{content}</rpc>')
        reply = self.receive()
        element = ElementTree.fromstring(reply)
        error = element.find(f"{{{BASE}}}rpc-error")
        if error is not None:
            raise RpcError(error)
        return reply

    def edit(self, config, target="candidate", operation=None, extra=""):
        default = f"<default-operation>{operation}</default-operation>" if operation else ""
        self.rpc(f"<edit-config><target><{target}/></target>{default}{extra}"
                 f'<config xmlns:nc="{BASE}">{config}</config></edit-config>')

    def commit(self):
        self.rpc("<commit/>")

    def set(self, config):
        """Edit candidate and commit it."""
        self.edit(config)
        self.commit()

    def data(self, operation, filter_=""):
        """The content of <data> of a get or get-config, as text without white space at its ends."""
        reply = self.rpc(f"<{operation}>{filter_}</{operation}>" if operation == "get" else
                         f"<get-config><source><{operation}/></source>{filter_}</get-config>")
        found = re.search(r"<(?:\w+:)?data[^>]*?(?:/>|>(.*)</(?:\w+:)?data>)", reply, re.S)
        return (found.group(1) or "").strip()

    def get(self, path):
        """The texts of the leaves that an XPath selects in <get>; names need no prefixes."""
        names = path.strip("/").split("/")
        root = ElementTree.fromstring(f"<x>{self.data('get')}</x>")
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        return [e.text for e in root.findall("/".join(names))]


def servers(content):
    """virtual-servers around some virtual-server elements."""
    return f'<virtual-servers xmlns="{SERVERS}">{content}</virtual-servers>'


def server(name, content="", address=None, port=None, mark=None, operation=None):
    """One virtual-server element."""
    attribute = f' nc:operation="{operation}"' if operation else ""
    where = ""
    if address:
        where = f"<address>{address}</address><port>{port}</port>"
    elif mark:
        where = f"<firewall-mark>{mark}</firewall-mark>"
    return f"<virtual-server{attribute}><name>{name}</name>{where}{content}</virtual-server>"


def real(address, port, content="", operation=None):
    """One real-server element."""
    attribute = f' nc:operation="{operation}"' if operation else ""
    return (f"<real-server{attribute}><address>{address}</address><port>{port}</port>"
            f"{content}</real-server>")


def items(content):
    """null around some item elements."""
    return f'<null xmlns="{NULL}">{content}</null>'


def item(name, content="", operation=None):
    """One item of the null backend."""
    attribute = f' nc:operation="{operation}"' if operation else ""
    return f"<item{attribute}><name>{name}</name>{content}</item>"


def wait_for(condition, what, seconds=60):
    """Wait until a function returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)  # until the deadline


def stays(condition, what, seconds):
    """See that a function goes on returning something true for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"{what} no longer"
        time.sleep(0.05)  # until the end
