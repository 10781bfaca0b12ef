"""The kernel's side of IPVS without any program's help: one question, and all that is said to it."""

import ipaddress
import socket
import struct
import subprocess
import threading

GENERIC = 16  # NETLINK_GENERIC
CONTROL = 16  # GENL_ID_CTRL
REQUEST, DUMP = 1, 0x300
ERROR, DONE = 2, 3
GET_FAMILY = 3
SOL_NETLINK = 270
COMMANDS = ["unspec", "new-service", "set-service", "del-service", "get-service", "new-dest",
            "set-dest", "del-dest", "get-dest", "new-daemon", "del-daemon", "get-daemon",
            "set-config", "get-config", "set-info", "get-info", "zero", "flush"]
WRITES = [name for name in COMMANDS if name.split("-")[0] in ("new", "set", "del", "zero", "flush")]


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def messages(data):
    """The (type, flags, body) of all messages in what was received or sent at once."""
    while len(data) >= 16:
        length, kind, flags = struct.unpack_from("=IHH", data)
        yield kind, flags, data[16:length]
        data = data[(length + 3) & ~3:]


class Kernel:
    """Asks for one thing at a time."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
        self.socket.bind((0, 0))
        answer = self.ask(CONTROL, 0, GET_FAMILY, 2, attribute(2, b"IPVS\0"))
        self.family = struct.unpack("=H", attributes(answer[0][4:])[1][:2])[0]

    def ask(self, kind, flags, command, version, body):
        self.socket.send(struct.pack("=IHHIIBBH", 20 + len(body), kind, REQUEST | flags, 1, 0,
                                     command, version, 0) + body)
        answers = []
        while True:
            for answer, _, content in messages(self.socket.recv(1 << 16)):
                if answer == ERROR:
                    raise OSError(-struct.unpack_from("=i", content)[0], "the kernel refuses")
                if answer == DONE:
                    return answers
                answers.append(content)
            if not flags & DUMP:
                return answers

    def weights(self, address, port):
        """{(address, port): weight} of the destinations of a TCP service over IPv4."""
        where = (attribute(1, struct.pack("=H", socket.AF_INET)) + attribute(2, b"\6\0")
                 + attribute(3, ipaddress.ip_address(address).packed)
                 + attribute(4, struct.pack("!H", port)))
        found = {}
        for answer in self.ask(self.family, DUMP, COMMANDS.index("get-dest"), 1,
                               attribute(1, where)):
            got = attributes(attributes(answer[4:])[2])
            found[(str(ipaddress.ip_address(got[1][:4])), struct.unpack("!H", got[2])[0])] = \
                struct.unpack("=I", got[4])[0]
        return found


class Monitor:
    """Counts the messages of IPVS to the kernel, whoever sends them, while it is entered."""

    def __init__(self):
        self.family = Kernel().family
        self.counts = dict.fromkeys(COMMANDS, 0)

    def __enter__(self):
        subprocess.run(["modprobe", "nlmon"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "add", "nlmon0", "type", "nlmon"], check=True)
        subprocess.run(["ip", "link", "set", "nlmon0", "up"], check=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
        self.socket.bind(("nlmon0", 0))
        self.socket.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self._count)
        self.thread.start()
        return self

    def _count(self):
        while True:
            try:
                data, (_, protocol, *_) = self.socket.recvfrom(1 << 18)
            except TimeoutError:
                if self.over:
                    return
                continue
            for kind, flags, body in messages(data) if protocol == GENERIC else ():
                if kind == self.family and flags & REQUEST:
                    self.counts[COMMANDS[body[0]]] += 1

    def __exit__(self, *exc):
        self.over = True
        self.thread.join()
        lost = struct.unpack("=II", self.socket.getsockopt(263, 6, 8))[1]  # PACKET_STATISTICS
        self.socket.close()
        subprocess.run(["ip", "link", "del", "nlmon0"], check=True)
        assert not lost, f"{lost} messages were not counted"

    def total(self, names):
        return sum(self.counts[name] for name in names)
