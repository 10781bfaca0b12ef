"""What it costs to read statistics, counted in messages to the kernel."""

import threading

import pytest

from ipvs_netlink import Monitor
from netconf import real, server, servers
from test_directors import director, directors

pytestmark = pytest.mark.kernel

COUNT = 100


@pytest.fixture(name="loaded")
def fixture_loaded(ipvs, daemon_factory):
    """A daemon with a hundred virtual servers, whose statistics may be a minute old."""
    daemon = daemon_factory()
    with daemon.session() as session:
        session.set(directors(director(
            "main", content="<statistics-maximum-age>60000</statistics-maximum-age>"
            "<reconciliation><interval>0</interval></reconciliation>")) + servers(
                "".join(server(f"s{i}", real("10.0.0.1", 80), f"192.0.2.{i + 1}", 80)
                        for i in range(COUNT))))
        yield daemon, session


def read_all(session):
    return session.get("virtual-servers/virtual-server/real-server/effective-weight")


def read_one(session, name):
    return session.data("get", f'<filter type="subtree">'
                        f'{servers(f"<virtual-server><name>{name}</name></virtual-server>")}'
                        f'</filter>').count("<discontinuity-time>")


@pytest.mark.once
def test_one_dump_is_shared_by_all_readers(loaded):
    daemon, _ = loaded
    replies = []

    def read():
        with daemon.session() as reader:
            for _ in range(3):
                replies.append(read_all(reader))

    with Monitor() as monitor:
        threads = [threading.Thread(target=read) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert replies == [["1"] * COUNT] * 30
    assert (monitor.counts["get-service"], monitor.counts["get-dest"]) == (1, COUNT)


def test_few_are_read_alone_and_many_only_once(loaded):
    _, session = loaded
    with Monitor() as alone:
        assert read_one(session, "s7") == 2
    assert (alone.counts["get-service"], alone.counts["get-dest"]) == (1, 1)
    read_all(session)
    with Monitor() as shared:
        assert read_one(session, "s7") == 2
    assert shared.total(["get-service", "get-dest"]) == 0


def test_a_change_is_seen_at_once(loaded):
    _, session = loaded
    read_all(session)
    session.set(servers(server("s3", real("10.0.0.1", 80, "<weight>9</weight>"))))
    assert sorted(read_all(session)) == ["1"] * (COUNT - 1) + ["9"]


def test_without_an_age_limit_each_reader_asks(loaded):
    _, session = loaded
    session.set(directors(director(
        "main", content="<statistics-maximum-age>0</statistics-maximum-age>")))
    with Monitor() as monitor:
        for _ in range(3):
            read_all(session)
    assert monitor.counts["get-service"] == 3
