"""The kernel refuses in the middle of much, or the way to it fails."""

import contextlib
import subprocess

import pytest

from director import of
from netconf import BASE, RpcError, item, items, real, server, servers, wait_for
from test_directors import director, directors
from test_ipvs import table

pytestmark = pytest.mark.kernel

COUNT = 300


def many(weight, gone=None):
    return "".join(server(f"s{i:03}", real("10.0.0.1", 80, f"<weight>{weight}</weight>"),
                          f"192.0.{i >> 8}.{i & 255}", 80) for i in range(COUNT)
                   if f"s{i:03}" != gone)


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


@pytest.mark.parametrize("step", ["prepare", "apply"])
def test_another_backend_fails_in_a_bulk_commit(ipvs, daemon_factory, step):
    with daemon_factory(null=True).session() as session:
        session.set(servers(many(1)))
        before = table(ipvs)
        session.edit(servers(many(9, gone="s007") + server("more", real("10.0.0.1", 80), "198.51.100.1", 80)
                             + server("s007", operation="delete"))
                     + items(item("bad", f"<{step}>fail</{step}>")))
        with pytest.raises(RpcError) as error:
            session.commit()
        assert "item[name='bad']" in error.value.path
        assert table(ipvs) == before


@contextlib.contextmanager
def failing(daemon, call, error, number):
    """A system call of the agent's fails, the one of that number from now on."""
    report = daemon.folder / "strace"
    with open(report, "wb") as output:
        process = subprocess.Popen(
            ["strace", "-f", "-e", f"trace={call}", "-e",
             f"inject={call}:error={error}:when={number}", "-p", str(daemon.process.pid)],
            stderr=output)
    try:
        wait_for(lambda: "attached" in report.read_text(), "strace to be attached")
        yield
    finally:
        process.terminate()
        process.wait(30)
    assert "(INJECTED)" in report.read_text(), "the call has failed"


# The answers to a reading, to the first and to a later batch of changes; and a socket that is gone.
CUTS = [("recvmmsg", "ENOBUFS", number) for number in (1, 2, 3, 5)] + [("recvmmsg", "EBADF", 4)]


@pytest.mark.parametrize("call,error,number", CUTS)
def test_a_socket_that_fails_loses_nothing(ipvs, daemon_factory, call, error, number):
    daemon = daemon_factory()
    with daemon.session() as session:
        session.set(directors(director("main", content="<reconciliation><interval>0</interval>"
                                                       "</reconciliation>")))
        session.set(servers(server("first", real("10.0.0.1", 80), "198.51.100.1", 80)))
        with failing(daemon, call, error, number):
            session.set(servers(many(1) + server("first", real("10.0.0.2", 80))))
        assert "is replaced by another one" in daemon.log()
        held = table(ipvs)
        assert len(held) == COUNT + 1
        assert all(reals for _, reals in held.values())
        assert list(held["TCP", "198.51.100.1:80"][1]) == ["10.0.0.1:80", "10.0.0.2:80"]
        session.set(servers(many(9)))
        daemon.stop()
    daemon.log_file.write_text("")
    daemon.start()
    assert "the kernel's table is as configured" in daemon.log()


def test_a_way_that_is_cut_for_good_while_the_agent_comes_up_is_told(ipvs, daemon_factory):
    """Of a director with settings, which come after the table."""
    daemon = daemon_factory()
    with daemon.session() as session:
        session.set(directors(director("main", content="<timeouts><tcp>800</tcp></timeouts>"))
                    + servers(server("web", real("10.0.0.1", 80), "198.51.100.1", 80)))
    daemon.stop()
    ipvs("-C")
    # The kernel says what it has; then each answer is lost.
    daemon.prefix = ["strace", "-f", "-D", "-o", str(daemon.folder / "strace"), "-e",
                     "trace=recvmmsg", "-e", "inject=recvmmsg:error=EBADF:when=3+"]
    daemon.start()
    with daemon.session() as session:
        assert session.get(of("main", "oper-status")) == ["down"]
        assert session.get(of("main", "reason")) == ["Bad file descriptor"]
        assert not session.get("agent/backend/reason") == []
    daemon.prefix = []
    daemon.kill()
    daemon.start()
    assert len(table(ipvs)) == 1


def test_a_commit_that_was_cut_off_leaves_no_service(ipvs, netns, daemon_factory):
    """The agent is killed when the kernel has the change, and nobody was told that it is stored."""
    blue = netns("cutoff")
    ipvs("-A", "-t", "203.0.113.1:99", "-s", "rr")

    def tables():
        return table(ipvs), table(lambda *options: subprocess.run(
            ["ip", "netns", "exec", blue, "ipvsadm", *options], check=True, capture_output=True,
            text=True).stdout)
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        session.set(directors(director("blue", blue)) + servers(
            server("stays", real("10.0.0.1", 80), "192.0.2.1", 80)
            + server("moves", real("10.0.0.1", 80), "192.0.2.2", 80)))
        before = tables()
        edit = (server("new", real("10.0.0.1", 80), "192.0.2.3", 80) + server("mark", mark=7)
                + server("six", address="2001:db8::1", port=80)
                + server("moves", "<director>blue</director>"))
        session.edit(servers(edit) + items(item("slow", "<delay>30000</delay>")))
        session.send(f'<rpc xmlns="{BASE}" message-id="cut"><commit/></rpc>')
        wait_for(lambda: len(tables()[0]) == 5 and len(tables()[1]) == 1, "the kernel to have it")
        daemon.kill()
    daemon.prefix = ["strace", "-D", "-o", str(daemon.folder / "strace"), "-P", str(daemon.run),
                     "-e", "trace=getdents64", "-e", "inject=getdents64:signal=KILL:when=2"]
    daemon.start(wait=False).process.wait(60)  # once more, when it has read what is to be removed
    daemon.prefix = []
    daemon.start()
    assert tables() == before
    assert daemon.log().count("which was never stored: it is removed") == 4
    with daemon.session() as session:
        session.set(servers(edit))
    after = tables()
    assert len(after[0]) == 5 and len(after[1]) == 1
    daemon.kill()
    daemon.start()
    assert tables() == after
