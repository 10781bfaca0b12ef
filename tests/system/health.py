"""Real servers to be checked, and what the agent says of them."""

import socket
import threading
import xml.etree.ElementTree as ElementTree

from daemon import free_port
from netconf import real, server, servers, wait_for

HEALTH = "urn:noria:yang:noria-health"

# Often enough for a test; one failure counts. A busy machine's server has time to answer.
QUICK = ("<delay-loop>0.1</delay-loop><timeout>20</timeout><retry>0</retry>"
         "<delay-before-retry>0.05</delay-before-retry>")
# For servers that do not answer: without an answer for so long a check has failed.
HASTY = QUICK.replace("<timeout>20<", "<timeout>1<")


def health(content, operation=None):
    """The container health of a virtual server or a real server."""
    attribute = f' nc:operation="{operation}"' if operation else ""
    return f'<health xmlns="{HEALTH}"{attribute}>{content}</health>'


def check(name, kind="<tcp/>", content=""):
    """One check."""
    return f"<check><name>{name}</name>{content}{kind}</check>"


def checked(content, *reals, name="web", address="192.0.2.1"):
    """Configuration of one virtual server whose real servers are checked."""
    return servers(server(name, health(content) + "".join(reals), address, 80))


class Listener:
    """A TCP server on the loopback that may be away, hang, or answer."""

    def __init__(self, answer=None, address="127.0.0.1"):
        self.answer = answer
        self.address = address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.port = free_port(address=address)
        self.socket = None
        self.accepted = 0
        self.open()

    def open(self):
        self.socket = socket.socket(self.family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((self.address, self.port))
        self.socket.listen(128)
        threading.Thread(target=self.serve, args=(self.socket,), daemon=True).start()

    def serve(self, listening):
        kept = []
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.accepted += 1
            if self.answer is None:
                connection.close()
            elif self.answer == "hang":
                kept.append(connection)
            else:
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            connection.settimeout(10)
            with connection:
                self.answer(connection)
        except OSError:
            pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def real(self, content=""):
        return real(self.address, self.port, content)


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


def hear_and_say(*answers, greeting=b""):
    """A server that answers what it hears, and then goes away without a reset."""
    def talk(connection):
        connection.sendall(greeting)
        for answer in answers:
            connection.recv(10000)
            connection.sendall(answer)
    return talk


def request_head(connection):
    """What comes up to the end of a request's head; None if the client goes away before."""
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(4096)
        if not more:
            return None
        request += more
    return request


def status(session, name="web"):
    """State of the virtual server and of its real servers: dicts of texts, checks as dicts."""
    reply = session.data("get", f'<filter type="subtree">{servers(server(name))}</filter>')
    root = ElementTree.fromstring(f"<x>{reply}</x>")
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
    virtual = root.find("virtual-servers/virtual-server")

    def values(element):
        return {} if element is None else {e.tag: e.text for e in element if not len(e)}
    found = {"": values(virtual.find("health/status"))}
    for row in virtual.findall("real-server"):
        state = row.find("health/status")
        one = values(state)
        one["checks"] = {} if state is None else {
            c.findtext("name"): values(c) for c in state.findall("check")}
        one["changes"] = [] if state is None else [values(c) for c in state.findall("change")]
        found[f"{row.findtext('address')}:{row.findtext('port')}"] = one
    return found


def wait_state(session, listener, state, name="web", seconds=60):
    """Wait for a verdict; return the status of the real server."""
    key = f"{listener.address}:{listener.port}"

    def reached():
        found = status(session, name).get(key, {})
        return found if found.get("state") == state else None
    try:
        return wait_for(reached, f"{key} to be {state}", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {status(session, name)}") from None


def wait_error(session, words, name="it", seconds=60):
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
    session.set(checked(HASTY + more + check("it", kind).replace(
        "<check>", '<check nc:operation="replace">'), listener.real()))
