"""SNMP messages as octets: what Net-SNMP's tools would not send."""

import socket

INTEGER, STRING, NULL, OID, SEQUENCE = 2, 4, 5, 6, 0x30
GAUGE = 0x42
GET, SET = 0xA0, 0xA3


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


def message(command, bindings, community="public", request=1):
    """A v2c message; bindings are (OID, encoded value)."""
    variables = b"".join(tlv(SEQUENCE, oid(name) + value) for name, value in bindings)
    pdu = tlv(command, integer(request) + integer(0) + integer(0) + tlv(SEQUENCE, variables))
    return tlv(SEQUENCE, integer(1) + tlv(STRING, community.encode()) + pdu)


def parse(data):
    """(tag, content, rest) of the first element."""
    length, at = data[1], 2
    if length & 128:
        at += length & 127
        length = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + length], data[at + length:]


def exchange(port, data, timeout=20):
    """Send a message; the answer's (error-status, error-index)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(timeout)
        sender.sendto(data, ("127.0.0.1", port))
        content = parse(sender.recv(1 << 16))[1]
    for _ in range(2):
        content = parse(content)[2]
    rest = parse(parse(content)[1])[2]  # behind the request-id
    _, status, rest = parse(rest)
    _, index, _ = parse(rest)
    return int.from_bytes(status, "big"), int.from_bytes(index, "big")
