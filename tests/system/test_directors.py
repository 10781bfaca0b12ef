"""Directors: a table of virtual servers in each network namespace."""

import re
import subprocess
import time

import pytest

from director import director, directors, of, run
from netconf import RpcError, real, server, servers, wait_for

pytestmark = pytest.mark.kernel

@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


def lines(namespace=None):
    """What ipvsadm lists in a namespace, without its heading."""
    return run("ipvsadm", "-Ln", namespace=namespace).splitlines()[3:]


def web(name, where, address="192.0.2.1", operation=None):
    return server(name, f"<director>{where}</director>" + real("10.0.0.1", 80), address, 80,
                  operation=operation)


def test_main_is_there_without_being_configured(session):
    assert session.get("directors/director/name") == ["main"]
    assert session.get(of("main", "oper-status")) == ["up"]
    assert re.fullmatch(r"1\.2\.\d+", session.get(of("main", "kernel-version"))[0])
    assert int(session.get(of("main", "connection-table-size"))[0]) >= 256
    session.set(directors(director("main", content="<description>ours</description>")))
    assert session.get("directors/director/name") == ["main"]
    assert session.get(of("main", "oper-status")) == ["up"]


def test_each_director_has_its_own_table(daemon, session, ipvs, netns):
    netns("blue")
    netns("green")
    # The same address in three tables, in one commit with the directors.
    session.set(directors(director("a", "blue") + director("b", "/run/netns/green"))
                + servers(web("m", "main") + web("a", "a") + web("b", "b")
                          + web("b2", "b", "192.0.2.2")))
    assert [len(lines(where)) for where in (None, "blue", "green")] == [2, 2, 4]
    assert session.get("directors/director/oper-status") == ["up"] * 3
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"] * 4
    # One moves, one is deleted, and the others stay as they are.
    session.set(servers(server("b2", "<director>a</director>") + server("m", operation="delete")))
    assert [len(lines(where)) for where in (None, "blue", "green")] == [0, 4, 2]
    # A restart finds all as it is to be.
    daemon.stop()
    daemon.start()
    assert [len(lines(where)) for where in (None, "blue", "green")] == [0, 4, 2]
    assert "reconciled" not in daemon.log()
    with daemon.session() as again:
        again.set(servers("".join(server(name, operation="delete") for name in ("a", "b", "b2")))
                  + directors(director("a", operation="delete")
                              + director("b", operation="delete")))
    assert [len(lines(where)) for where in (None, "blue", "green")] == [0, 0, 0]


def test_a_director_whose_namespace_changes_takes_its_servers_along(session, ipvs, netns):
    netns("blue")
    netns("green")
    session.set(directors(director("a", "blue")) + servers(web("one", "a")))
    session.set(directors(director("a", "green")))
    assert [len(lines(where)) for where in ("blue", "green")] == [0, 2]
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"]


def test_two_directors_exchange_their_namespaces(session, ipvs, netns):
    netns("blue")
    netns("green")
    session.set(directors(director("a", "blue") + director("b", "green"))
                + servers(web("one", "a") + web("two", "b") + web("three", "b", "192.0.2.2")))
    session.set(directors(director("a", "green") + director("b", "blue")))
    assert [len(lines(where)) for where in ("blue", "green")] == [4, 2]
    assert session.get("directors/director/oper-status") == ["up"] * 3
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"] * 3
    before = lines("blue"), lines("green")
    session.edit(directors(director("a", "blue") + director("b", "green"))
                 + '<null xmlns="urn:noria:yang:noria-null"><item><name>a</name>'
                   "<apply>fail</apply></item></null>")
    with pytest.raises(RpcError):
        session.commit()
    assert (lines("blue"), lines("green")) == before


def test_a_failure_elsewhere_takes_every_table_back(session, ipvs, netns):
    netns("blue")
    netns("green")
    session.set(directors(director("a", "blue")) + servers(web("one", "a") + web("two", "main")))
    before = lines("blue"), lines("green"), lines()
    session.edit(directors(director("a", "green") + director("b", "blue"))
                 + servers(web("three", "b") + server("two", operation="delete"))
                 + '<null xmlns="urn:noria:yang:noria-null"><item><name>a</name>'
                   "<apply>fail</apply></item></null>")
    with pytest.raises(RpcError) as failed:
        session.commit()
    assert failed.value.tag == "operation-failed"
    assert (lines("blue"), lines("green"), lines()) == before
    assert session.get("directors/director/name") == ["main", "a"]
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"] * 2


def refusal(session, config):
    session.edit(config)
    with pytest.raises(RpcError) as refused:
        session.commit()
    session.rpc("<discard-changes/>")
    return refused.value


def test_an_unknown_director_is_refused(session, ipvs, netns):
    error = refusal(session, servers(web("lost", "nowhere")))
    assert (error.tag, error.app_tag) == ("data-missing", "instance-required")
    assert "virtual-server[name='lost']/director" in error.path
    assert "'nowhere'" in error.message and "directors" in error.message
    session.set(directors(director("a", netns("blue"))) + servers(web("one", "a")))
    error = refusal(session, directors(director("a", operation="delete")))
    assert (error.tag, error.app_tag) == ("data-missing", "instance-required")
    assert "virtual-server[name='one']/director" in error.path
    assert len(lines("blue")) == 2


def test_main_has_no_namespace_and_every_other_director_has_one(session, ipvs):
    for wrong in (director("main", "blue"), director("a")):
        error = refusal(session, directors(wrong))
        assert error.app_tag == "director-namespace" and "network-namespace" in error.message
    assert refusal(session, directors(director("a", "x") + director("b", "x"))).app_tag == \
        "data-not-unique"


def test_a_namespace_may_come_go_and_come_again(session, ipvs, netns):
    session.set(directors(director("a", "blue")) + servers(web("one", "a") + web("two", "main")))
    assert session.get(of("a", "oper-status")) == ["down"]
    assert "ip netns add" in session.get(of("a", "reason"))[0]
    alarm = "alarms/alarm-list/alarm/"
    assert re.fullmatch(r".*directors/.*director\[.*name='a'\]",
                        session.get(alarm + "resource")[0])
    assert session.get(alarm + "is-cleared") == ["false"]
    assert session.get("virtual-servers/virtual-server/oper-status") == ["unknown", "active"]

    netns("blue")
    wait_for(lambda: session.get(of("a", "oper-status")) == ["up"], "the director to come up")
    wait_for(lambda: len(lines("blue")) == 2, "its real servers")
    assert session.get(of("a", "reason")) == []
    assert session.get(alarm + "is-cleared") == ["true"]

    netns("blue", False)
    wait_for(lambda: session.get(of("a", "oper-status")) == ["down"], "it to go down")
    assert session.get(alarm + "is-cleared") == ["false"]
    assert session.get(of("main", "oper-status")) == ["up"]
    # What is configured meanwhile is made when it comes.
    session.set(servers(web("three", "a", "192.0.2.3") + web("two", "main", "192.0.2.9")))
    assert "192.0.2.9:80" in lines()[0]

    netns("blue")
    wait_for(lambda: session.get(of("a", "oper-status")) == ["up"], "it to come up again")
    wait_for(lambda: len(lines("blue")) == 4, "its real servers")


def test_a_namespace_is_noticed_when_it_comes(session, ipvs, netns):
    """Not when its turn to be tried again is there, which is five seconds after it has gone."""
    session.set(directors(director("a", netns("blue"))) + servers(web("one", "a")))
    took = []
    while min(took, default=5) > 3:  # a busy machine may be late now and then
        assert len(took) < 5, took
        netns("blue", False)
        wait_for(lambda: session.get(of("a", "oper-status")) == ["down"], "it to go down")
        begin = time.monotonic()
        netns("blue")
        wait_for(lambda: session.get(of("a", "oper-status")) == ["up"], "it to come up again")
        took.append(time.monotonic() - begin)


def test_a_namespace_that_is_replaced_is_followed(session, ipvs, netns):
    session.set(directors(director("a", netns("blue"))) + servers(web("one", "a")))
    for _ in range(3):
        subprocess.run("ip netns delete blue; ip netns add blue; ip -n blue link set lo up",
                       shell=True, check=True)
        wait_for(lambda: len(lines("blue")) == 2, "the services in the new namespace")
        wait_for(lambda: session.get(of("a", "oper-status")) == ["up"], "the director")
    assert session.get("virtual-servers/virtual-server/oper-status") == ["active"]


def test_two_directors_cannot_share_a_namespace(session, ipvs, netns):
    netns("blue")
    session.set(directors(director("a", "blue") + director("b", "/run/netns/blue")))
    assert session.get("directors/director/oper-status") == ["up", "up", "down"]
    assert "director a" in session.get(of("b", "reason"))[0]
    error = refusal(session, servers(web("one", "b")))
    assert error.tag == "resource-denied" and "director b" in error.message
    session.set(directors(director("a", operation="delete")))
    wait_for(lambda: session.get(of("b", "oper-status")) == ["up"], "the other to come up")


def test_the_agent_stays_in_its_own_namespace(daemon, session, ipvs, netns):
    session.set(directors(director("a", netns("blue"))) + servers(web("one", "a")))
    own = {subprocess.run(["readlink", f"/proc/{daemon.process.pid}/task/{task}/ns/net"],
                          check=True, capture_output=True, text=True).stdout
           for task in subprocess.run(["ls", f"/proc/{daemon.process.pid}/task"], check=True,
                                      capture_output=True, text=True).stdout.split()}
    assert own == {subprocess.run(["readlink", "/proc/self/ns/net"], check=True,
                                  capture_output=True, text=True).stdout}
