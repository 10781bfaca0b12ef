"""Sorry servers in the kernel's table, with real health checks: quorum, hysteresis, restarts."""

import pytest

from health import QUICK, Listener, check, health
from netconf import real, server, servers, stays, wait_for
from test_ipvs import table

pytestmark = pytest.mark.kernel

SORRY = "10.0.9.1:8080"
IN_USE = "virtual-servers/virtual-server/sorry-server/in-use"


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory()


@pytest.fixture(name="listeners")
def fixture_listeners():
    return [Listener() for _ in range(3)]


def sorry(inhibit="<inhibit>true</inhibit>"):
    return (f"<sorry-server><address>10.0.9.1</address><port>8080</port><weight>4</weight>{inhibit}"
            "</sorry-server>")


def weights(ipvs):
    """{real or sorry server: its weight in the kernel}"""
    return {name: weight for name, (_, weight) in table(ipvs)[("TCP", "192.0.2.1:80")][1].items()}


def reaches(ipvs, wanted):
    wait_for(lambda: weights(ipvs) == wanted, f"{wanted}: {weights(ipvs)}")


def each(listeners, weight):
    return {f"127.0.0.1:{listener.port}": weight for listener in listeners}


def configure(session, listeners, content="", more=""):
    session.set(servers(server("web", sorry() + more + health(
        QUICK + check("port") + "<quorum>2</quorum><hysteresis>1</hysteresis>" + content)
        + "".join(listener.real() for listener in listeners), "192.0.2.1", 80)))


def test_one_that_is_inhibited_waits_with_weight_0(daemon, listeners, ipvs):
    with daemon.session() as session:
        configure(session, listeners)
        reaches(ipvs, {**each(listeners, 1), SORRY: 0})
        assert session.get(IN_USE) == ["false"]
        for listener in listeners[:2]:
            listener.close()
        reaches(ipvs, {**each(listeners[2:], 1), SORRY: 0})  # 1 is not below 2 - 1
        listeners[2].close()
        reaches(ipvs, {SORRY: 4})
        assert session.get(IN_USE) == ["true"]
        for listener in listeners[:2]:
            listener.open()
        stays(lambda: weights(ipvs) == {SORRY: 4}, "2 are less than 2 + 1", 1)
    daemon.stop()
    assert weights(ipvs) == {SORRY: 4}
    daemon.start()
    stays(lambda: weights(ipvs) == {SORRY: 4}, "the table after a restart", 1)
    assert "the kernel's table is as configured" in daemon.log()
    listeners[2].open()
    reaches(ipvs, {**each(listeners, 1), SORRY: 0})
    before = daemon.log().count("the kernel's table is as configured")
    daemon.stop()
    daemon.start()
    assert weights(ipvs) == {**each(listeners, 1), SORRY: 0}
    assert daemon.log().count("the kernel's table is as configured") == before + 1


def test_real_servers_that_are_inhibited_stay_beside_it(session, listeners, ipvs):
    configure(session, listeners, "<on-failure>inhibit</on-failure>")
    reaches(ipvs, {**each(listeners, 1), SORRY: 0})
    for listener in listeners:
        listener.close()
    reaches(ipvs, {**each(listeners, 0), SORRY: 4})
    assert session.get("virtual-servers/virtual-server/real-server/oper-status") == ["drained"] * 3
    listeners[0].open()
    stays(lambda: weights(ipvs) == {**each(listeners, 0), SORRY: 4}, "the quorum is lost", 1)
    for listener in listeners[1:]:
        listener.open()
    reaches(ipvs, {**each(listeners, 1), SORRY: 0})


def test_a_commit_puts_it_there_and_takes_it_away(session, listeners, ipvs):
    configure(session, listeners)
    reaches(ipvs, {**each(listeners, 1), SORRY: 0})
    session.set(servers(server("web", sorry("<inhibit>false</inhibit>"))))
    assert weights(ipvs) == each(listeners, 1)
    session.set(servers(server("web", sorry())))
    assert weights(ipvs) == {**each(listeners, 1), SORRY: 0}
    session.set(servers(server("web", sorry().replace("<sorry-server>",
                                                      '<sorry-server nc:operation="delete">'))))
    assert weights(ipvs) == each(listeners, 1)


def test_a_real_server_may_be_it(session, listeners, ipvs):
    """It serves as a real server, and, once it is down as that, waits as a sorry server."""
    last = listeners[2]
    configure(session, listeners, more=f"<sorry-server><address>127.0.0.1</address><port>{last.port}"
              "</port><weight>7</weight><inhibit>true</inhibit></sorry-server>")
    reaches(ipvs, {**each(listeners, 1), SORRY: 0})
    last.close()
    reaches(ipvs, {**each(listeners[:2], 1), **each([last], 0), SORRY: 0})
    for listener in listeners[:2]:
        listener.close()
    reaches(ipvs, {**each([last], 7), SORRY: 4})


def test_every_service_of_a_group_has_it(session, ipvs):
    session.set(servers(server("many", sorry() + "".join(
        f"<member><name>m{i}</name><address>192.0.2.{i}</address><port>80</port></member>"
        for i in (1, 2)) + real("10.0.0.1", 80))))
    for address in ("192.0.2.1:80", "192.0.2.2:80"):
        assert {name: weight for name, (_, weight) in table(ipvs)[("TCP", address)][1].items()} == {
            "10.0.0.1:80": 1, SORRY: 0}
    assert session.get(IN_USE) == ["false"]
