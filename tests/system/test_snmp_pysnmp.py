"""SNMP with a second implementation: pysnmp."""

import pytest
from pysnmp import hlapi
from pysnmp.proto.rfc1902 import Counter64, Gauge32, OctetString
from pysnmp.smi.rfc1902 import ObjectIdentity, ObjectType

from daemon import nacm
from test_snmp import AGENT_VERSION, NORIA, REAL, SERVERS, VIRTUAL, snmp, wait_for_snmp
from test_snmp_users import AUTH, PRIVACY, agent, user

V2C = hlapi.CommunityData("public", mpModel=1)
ANN = hlapi.UsmUserData("ann", AUTH, PRIVACY, authProtocol=hlapi.usmHMAC192SHA256AuthProtocol,
                        privProtocol=hlapi.usmAesCfb128Protocol)


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(daemon.default_configuration() + nacm() + SERVERS)
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


class Manager:
    """An engine of pysnmp, and who it is."""

    def __init__(self, port, identity):
        self.engine = hlapi.SnmpEngine()
        self.identity = identity
        self.target = hlapi.UdpTransportTarget(("127.0.0.1", port), timeout=5, retries=1)

    def ask(self, command, *arguments, **options):
        for error, status, index, variables in command(
                self.engine, self.identity, self.target, hlapi.ContextData(), *arguments,
                lookupMib=False, **options):
            assert not error, error
            yield int(status), int(index), variables

    def walk(self, name):
        """{OID: value} below one, by requests for many."""
        return {str(oid): value for _, _, variables in self.ask(
            hlapi.bulkCmd, 0, 25, ObjectType(ObjectIdentity(name.lstrip("."))),
            lexicographicMode=False) for oid, value in variables}

    def set(self, *variables):
        """(error-status, error-index)"""
        return next(self.ask(hlapi.setCmd, *(ObjectType(ObjectIdentity(name.lstrip(".")), value)
                                             for name, value in variables)))[:2]


@pytest.mark.parametrize("identity", [V2C, ANN], ids=["v2c", "v3"])
def test_a_walk_is_what_net_snmp_sees(daemon, identity):
    with daemon.session() as session:
        user(session)
    found = Manager(daemon.snmp_port, identity).walk(f"{NORIA}.2")
    lines = snmp("snmpbulkwalk", daemon.snmp_port, f"{NORIA}.2").stdout.splitlines()
    assert [line.split()[0].lstrip(".") for line in lines] == list(found)
    prefix = VIRTUAL.lstrip(".")
    names = {name.rsplit(".", 1)[1]: value for name, value in found.items()
             if name.startswith(f"{prefix}.2.")}
    assert {bytes(value) for value in names.values()} == {b"six", b"web"}
    assert all(isinstance(value, OctetString) for value in names.values())


def test_a_set_is_one_transaction(daemon):
    with daemon.session() as session:
        user(session, more="<write-as>admin</write-as>")
    manager = Manager(daemon.snmp_port, ANN)
    rows = [name.split(f"{REAL.lstrip('.')}.8.")[1] for name in manager.walk(f"{REAL}.8")]
    weights = [(f"{REAL}.8.{row}", Gauge32(40 + place)) for place, row in enumerate(rows)]
    assert manager.set(*weights) == (0, 0)
    assert [int(value) for value in manager.walk(f"{REAL}.8").values()] == [40, 41, 42]
    wrong = [(name, Gauge32(7)) for name, _ in weights[:2]] + [(weights[2][0], Gauge32(65536))]
    assert manager.set(*wrong) == (10, 3), "wrongValue, of the third variable"
    assert manager.set((weights[0][0], Counter64(7))) == (7, 1), "wrongType"
    assert [int(value) for value in manager.walk(f"{REAL}.8").values()] == [40, 41, 42]


def test_who_is_wrong_gets_no_answer(daemon):
    manager = Manager(daemon.snmp_port, hlapi.CommunityData("wrong", mpModel=1))
    manager.target = hlapi.UdpTransportTarget(("127.0.0.1", daemon.snmp_port), timeout=0.5,
                                              retries=0)
    with pytest.raises(AssertionError, match="timeout|No SNMP response"):
        list(manager.ask(hlapi.getCmd, ObjectType(ObjectIdentity(AGENT_VERSION.lstrip(".")))))
    with daemon.session() as session:
        session.set(agent("<community><name>right</name></community>"))
    assert Manager(daemon.snmp_port, hlapi.CommunityData("right", mpModel=1)).walk(f"{NORIA}.1")
