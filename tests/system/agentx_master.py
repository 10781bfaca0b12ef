"""An AgentX master agent (RFC 2741) that does one step at a time, and goes away between them."""

import socket
import struct
import threading

OPEN, CLOSE, TEST, COMMIT, UNDO, CLEANUP, RESPONSE = 1, 2, 8, 9, 10, 11, 18
NETWORK_BYTE_ORDER = 0x10
INTEGER, GAUGE = 2, 66


def oid(name):
    numbers = [int(part) for part in name.strip(".").split(".")]
    return struct.pack(f">4B{len(numbers)}I", len(numbers), 0, 0, 0, *numbers)


def variable(name, value, kind=INTEGER):
    return struct.pack(">HH", kind, 0) + oid(name) + struct.pack(">I", value)


class Master:
    """Listens at a path; says yes to all that a subagent asks."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.registered = threading.Event()
        self.answers = {}
        self.news = threading.Condition()
        self.connection = None
        self.packet = 1000
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, kind, session, transaction, packet, payload=b""):
        self.connection.sendall(struct.pack(">4B4I", 1, kind, NETWORK_BYTE_ORDER, 0, session,
                                            transaction, packet, len(payload)) + payload)

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.connection.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def serve(self):
        try:
            self.connection = self.listener.accept()[0]
            while True:
                header = self.read(20)
                order = ">" if header[2] & NETWORK_BYTE_ORDER else "<"
                kind = header[1]
                session, transaction, packet, size = struct.unpack(order + "4I", header[4:])
                payload = self.read(size)
                if kind == RESPONSE:
                    with self.news:
                        self.answers[packet] = struct.unpack(order + "HH", payload[4:8])
                        self.news.notify_all()
                    continue
                self.send(RESPONSE, 7 if kind == OPEN else session, transaction, packet,
                          struct.pack(">IHH", 4200, 0, 0))
                self.registered.set()
        except OSError:
            pass

    def ask(self, kind, transaction, *variables):
        """A PDU's (error, index)."""
        self.packet += 1
        self.send(kind, 7, transaction, self.packet, b"".join(variables))
        if kind == CLEANUP:
            return None
        with self.news:
            assert self.news.wait_for(lambda: self.packet in self.answers, 20), "no response"
        return self.answers.pop(self.packet)

    def vanish(self):
        self.listener.close()
        self.path.unlink()
        if self.connection:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
