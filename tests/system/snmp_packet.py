"""SNMP messages as octets: what Net-SNMP's tools would not send."""

import socket

INTEGER, STRING, NULL, OID, SEQUENCE = 2, 4, 5, 6, 0x30
GAUGE = 0x42
GET, GETNEXT, SET, GETBULK = 0xA0, 0xA1, 0xA3, 0xA5
NOTHING = bytes([NULL, 0])


def tlv(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(octets)]) + octets + content


def integer(value, tag=INTEGER):
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    numbers = [int(part) for part in text.strip(".").split(".")]
    octets = bytes([numbers[0] * 40 + numbers[1]])
    for number in numbers[2:]:
        part = [number & 127]
        while number > 127:
            number >>= 7
            part.insert(0, number & 127 | 128)
        octets += bytes(part)
    return tlv(OID, octets)


def pdu(command, bindings, request=1, numbers=(0, 0)):
    """A PDU; bindings are (OID, encoded value), numbers a GETBULK's non-repeaters and repetitions."""
    variables = b"".join(tlv(SEQUENCE, oid(name) + value) for name, value in bindings)
    return tlv(command, integer(request) + integer(numbers[0]) + integer(numbers[1])
               + tlv(SEQUENCE, variables))


def message(command, bindings, community="public", request=1, numbers=(0, 0)):
    """A v2c message."""
    return tlv(SEQUENCE, integer(1) + tlv(STRING, community.encode())
               + pdu(command, bindings, request, numbers))


def message_v3(content, user, engine, size=65507, digest=b""):
    """A message of version 3, of a manager that takes so many octets; with a digest, as it is, or
    without authentication."""
    header = tlv(SEQUENCE, integer(1) + integer(size) + tlv(STRING, b"\x05" if digest else b"\x04")
                 + integer(3))
    security = tlv(SEQUENCE, tlv(STRING, engine) + integer(0) + integer(0)
                   + tlv(STRING, user.encode()) + tlv(STRING, digest) + tlv(STRING, b""))
    scoped = tlv(SEQUENCE, tlv(STRING, engine) + tlv(STRING, b"") + content)
    return tlv(SEQUENCE, integer(3) + header + tlv(STRING, security) + scoped)


def parse(data):
    """(tag, content, rest) of the first element."""
    length, at = data[1], 2
    if length & 128:
        at += length & 127
        length = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + length], data[at + length:]


def parts(data):
    """[(tag, content)] of elements that follow each other."""
    found = []
    while data:
        tag, content, data = parse(data)
        found.append((tag, content))
    return found


def oid_text(content):
    """The OID that an element's content stands for."""
    numbers, number = [], 0
    for octet in content[1:]:
        number = number << 7 | octet & 127
        if not octet & 128:
            numbers.append(number)
            number = 0
    return "".join(f".{n}" for n in (content[0] // 40, content[0] % 40, *numbers))


def ask(port, data, timeout=20):
    """Send a message; the answer as octets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(timeout)
        sender.sendto(data, ("127.0.0.1", port))
        return sender.recv(1 << 16)


def answer_of(data):
    """An answer's error-status, error-index and [(OID, tag, content)]."""
    content = parts(parse(data)[1])[-1][1]
    if parse(data)[1][2] == 3:  # what is in version 3 is in a scope
        content = parts(content)[-1][1]
    _, (_, status), (_, index), (_, variables) = parts(content)
    bindings = [parts(binding) for _, binding in parts(variables)]
    return (int.from_bytes(status, "big"), int.from_bytes(index, "big"),
            [(oid_text(name), tag, value) for (_, name), (tag, value) in bindings])


def exchange(port, data, timeout=20):
    """Send a message; the answer's (error-status, error-index)."""
    return answer_of(ask(port, data, timeout))[:2]
