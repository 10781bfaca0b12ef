"""The kernel refuses in the middle of much."""

import pytest

from netconf import RpcError, real, server, servers
from test_ipvs import table

pytestmark = pytest.mark.kernel

COUNT = 300


def many(weight):
    return "".join(server(f"s{i:03}", real("10.0.0.1", 80, f"<weight>{weight}</weight>"),
                          f"192.0.{i >> 8}.{i & 255}", 80) for i in range(COUNT))


@pytest.mark.parametrize("name", ["a-first", "s150x", "z-last"])
def test_one_impossible_service_takes_a_bulk_commit_back(ipvs, daemon_factory, name):
    bad = server(name, "<scheduler>twos</scheduler>" + real("10.0.0.1", 80), "198.51.100.1", 80)
    with daemon_factory().session() as session:
        session.set(servers(many(1)))
        before = table(ipvs)
        assert len(before) == COUNT
        session.edit(servers(many(9) + bad))
        with pytest.raises(RpcError) as error:
            session.commit()
        assert f"virtual-server[name='{name}']" in error.value.path
        assert error.value.path.endswith("/scheduler")
        assert table(ipvs) == before
        session.rpc("<discard-changes/>")
        session.set(servers(many(9)))
        assert {weight for _, reals in table(ipvs).values() for _, weight in reals.values()} == {9}


def test_one_impossible_real_server_among_many(ipvs, daemon_factory):
    with daemon_factory().session() as session:
        session.edit(servers(many(1)))
        session.edit(servers(server("s150", real("224.0.0.1", 80))))
        with pytest.raises(RpcError) as error:
            session.commit()
        assert "s150" in error.value.path and "224.0.0.1" in error.value.path
        assert table(ipvs) == {}
