"""What follows from checks: suspension, quorums with orders, commands, statistics, limits."""

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from health import QUICK, Listener, check, checked, health, status, wait_state
from netconf import RpcError, real, server, servers, stays, wait_for
from test_notifications import Subscriber
from test_steering import act, sum_of


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


@pytest.fixture(name="listener")
def fixture_listener():
    return Listener()


def state_of(session, listener, name="web"):
    return status(session, name)[f"{listener.address}:{listener.port}"]


@contextlib.contextmanager
def held(address):
    """This node holds an address."""
    where = [f"{address}/{128 if ':' in address else 32}", "dev", "lo"]
    subprocess.run(["ip", "address", "add", *where], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "delete", *where], check=True)


@pytest.mark.parametrize("what, address", [
    ("<address>192.0.2.1</address><port>80</port>", "192.0.2.1"),
    ("<member><name>a</name><address>2001:db8::</address><port>80</port>"
     "<prefix-length>120</prefix-length></member>"
     "<member><name>b</name><firewall-mark>7</firewall-mark></member>", "2001:db8::7"),
])
def test_checks_rest_while_the_address_is_elsewhere(session, listener, what, address):
    """As keepalived's ha_suspend: who holds the address checks, and verdicts stay meanwhile."""
    settings = QUICK + "<warmup>0</warmup><ha-suspend>true</ha-suspend>" + check("port")
    session.set(servers(server("web", what + health(settings) + listener.real())))
    assert status(session)[""]["suspended"] == "true"
    assert session.get("health-engine/checks") == ["0"]
    stays(lambda: listener.accepted == 0, "unchecked", 0.3)
    with held(address):
        wait_state(session, listener, "up")
        assert status(session)[""]["suspended"] == "false"
        listener.close()
        wait_state(session, listener, "down")
    wait_for(lambda: status(session)[""]["suspended"] == "true", "suspension")
    listener.open()
    stays(lambda: state_of(session, listener)["state"] == "down", "the verdict stays", 0.5)
    with held(address):
        wait_state(session, listener, "up")


def test_an_address_that_was_there_before(session, listener):
    with held("192.0.2.1"):
        session.set(checked(QUICK + "<ha-suspend>true</ha-suspend>" + check("port"),
                            listener.real()))
        wait_state(session, listener, "up")
        session.set(servers(server("web", health("<ha-suspend>false</ha-suspend>"))))
        assert "suspended" not in status(session)[""]


def test_failures_that_are_let_pass_are_logged(daemon, session, listener):
    """As keepalived's log_all_failures: those of a check that has failed already are not."""
    slow = QUICK.replace("<retry>0", "<retry>3")
    quiet = check("quiet", content="<log-all-failures>false</log-all-failures>")
    session.set(checked(slow + "<log-all-failures>true</log-all-failures>" + check("port") + quiet,
                        listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    down = wait_state(session, listener, "down")
    wait_for(lambda: int(state_of(session, listener)["checks"]["port"]["failures"]) > 8, "more")
    lines = [line for line in daemon.log().splitlines() if "failed: connect" in line]
    who = f"of real server 127.0.0.1 port {listener.port} of web failed: connect: Connection refused"
    assert len(lines) == 4 and all(f"check port {who}" in line for line in lines), lines
    assert down["checks"]["quiet"]["state"] == "down"


def test_failures_are_not_logged_unless_asked_for(daemon, session, listener):
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")
    assert "failed: connect" not in daemon.log()


@pytest.mark.parametrize("content, words", [
    (server("web", health("<ha-suspend>true</ha-suspend>") + "<firewall-mark>3</firewall-mark>"),
     "A firewall mark has no address"),
    (server("web", health("<hook-user>nobody-knows-me</hook-user>"), "192.0.2.1", 80),
     "no user nobody-knows-me"),
])
def test_what_cannot_be_is_refused(session, content, words):
    with pytest.raises(RpcError) as error:
        session.set(servers(content))
    assert words in str(error.value)


def test_orders_count_for_the_quorum(session, listener):
    other = Listener()
    session.set(checked(QUICK + "<quorum>2</quorum>" + check("port"), listener.real(),
                        other.real()))
    wait_state(session, listener, "up")
    wait_state(session, other, "up")

    def wait_quorum(state, weight):
        wait_for(lambda: (status(session)[""]["quorum-state"],
                          status(session)[""]["weight-up"]) == (state, weight), f"quorum {state}")
    act(session, "force-down", "127.0.0.1", port=listener.port)
    wait_quorum("lost", "1")
    act(session, "resume", "127.0.0.1", port=listener.port)
    wait_quorum("met", "2")
    other.close()
    wait_state(session, other, "down")
    wait_quorum("lost", "1")
    act(session, "force-up", "127.0.0.1", port=other.port)
    wait_quorum("met", "2")
    act(session, "override-weight", "127.0.0.1", "<weight>0</weight>", port=listener.port)
    wait_quorum("lost", "1")


def test_commands_know_what_happened(session, listener, tmp_path):
    heard = tmp_path / "heard"
    heard.touch()
    heard.chmod(0o666)
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents[:2]:
        folder.chmod(0o755)
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$* | $(id -un) $NORIA_STATE $NORIA_CAUSE $NORIA_CHECK '
                    f'$NORIA_ERROR $NORIA_QUORUM" >> {heard}\n')
    hook.chmod(0o755)
    session.set(checked(QUICK + check("port") + f"<notify-down>{hook} own 'two  words'</notify-down>"
                        f"<fallback-command>{hook} -v</fallback-command>"
                        "<hook-user>nobody</hook-user>", listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    for line in (f"own two  words down web 192.0.2.1 80 127.0.0.1 {listener.port} | nobody down check port connect:"
                 " Connection refused ", "-v start 192.0.2.1:80 tcp | nobody down    1"):
        wait_for(lambda: line in heard.read_text().splitlines(), f"{line}: {heard.read_text()}")
    listener.open()
    wait_for(lambda: "-v stop 192.0.2.1:80 tcp | nobody up    1" in heard.read_text().splitlines(),
             "the end of the fallback")


def test_one_real_server_has_its_own_action_and_commands(session, listener, tmp_path):
    heard, other = tmp_path / "heard", Listener()
    heard.touch()
    for name in ("all", "own"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $1 $6" >> {heard}\n')
        (tmp_path / name).chmod(0o755)
    session.set(checked(QUICK + check("port") + f"<notify-up>{tmp_path}/all</notify-up>"
                        f"<notify-down>{tmp_path}/all</notify-down>", other.real(),
                        listener.real(health("<on-failure>inhibit</on-failure>"
                                             f"<notify-down>{tmp_path}/own</notify-down>"))))
    for one in (listener, other):
        wait_state(session, one, "up")
        one.close()
        wait_state(session, one, "down")
    wait_for(lambda: sorted(heard.read_text().splitlines()) == sorted(
        [f"all up {listener.port}", f"own down {listener.port}", f"all up {other.port}",
         f"all down {other.port}"]), f"each: {heard.read_text()}")
    assert [sum_of(session, "127.0.0.1", port=one.port) for one in (listener, other)] == [0, None]


def test_history_and_statistics(daemon, session, listener):
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe()
        session.set(checked(QUICK + check("port"), listener.real()))
        wait_state(session, listener, "up")
        change = subscriber.until("real-server-state-change")[-1]
        assert (change.findtext("cause"), change.findtext("check")) == ("check", "port")
        assert int(change.findtext("latency")) > 0
        wait_for(lambda: int(state_of(session, listener)["checks"]["port"]["runs"]) > 5, "runs")
        figures = {name: int(value) for name, value in
                   state_of(session, listener)["checks"]["port"].items() if "latency" in name}
        assert (figures["minimum-latency"] <= figures["median-latency"] <= figures["p99-latency"]
                <= figures["maximum-latency"]), figures
        session.set(servers(server("web", health(check(
            "port", content="<enabled>false</enabled>") + check("other")))))
        listener.close()
        wait_state(session, listener, "down")
        newest, before = state_of(session, listener)["changes"][:2]
        assert (newest["cause"], newest["check"], newest["error"]) == (
            "check", "other", "connect: Connection refused")
        assert (before["state"], before["cause"]) == ("up", "check")
        session.set(servers(server("web", health(check("other", content="<enabled>false</enabled>")))))
        newest = state_of(session, listener)["changes"][0]
        assert (newest["state"], newest["cause"]) == ("unchecked", "configuration")


def test_with_few_descriptors_checks_take_turns(daemon_factory):
    """More hang at once than there are descriptors: each is late, none is left out."""
    daemon = daemon_factory(null="all", prefix=["prlimit", "--nofile=300:300"])
    hanging = Listener(answer="hang", address="0.0.0.0")
    steps = "<tcp><step><number>1</number><expect>x</expect></step></tcp>"
    many = 150
    with daemon.session() as session:
        session.set(checked(
            "<delay-loop>0.5</delay-loop><timeout>0.4</timeout><retry>0</retry>"
            + check("greeting", steps),
            *(real(f"127.0.1.{i}", hanging.port) for i in range(1, many + 1))))
        wait_for(lambda: [s["state"] for key, s in status(session).items() if key].count("down")
                 == many, "every check to have its turn", 60)
        types = session.get("alarms/alarm-list/alarm/alarm-type-id")
        assert any("check-degraded" in t for t in types), types
        assert session.get("health-engine/unable") == ["0"]


MANY = 2000


def fail_at_once(session, listener):
    """Many real servers have one check in common, and fail by it at the same moment."""
    at = (f"<connect-address>127.0.0.1</connect-address><connect-port>{listener.port}"
          "</connect-port>")
    session.set(checked(QUICK.replace("0.1", "0.5") + check("port", "<tcp/>", at),
                        *(real(f"10.1.{i >> 8}.{i & 255}", 80) for i in range(MANY))))
    count = f"<servers-up>{MANY}</servers-up>"
    asked = f'<filter type="subtree">{servers(server("web", health("<status/>")))}</filter>'
    wait_for(lambda: count in session.data("get", asked), "all of them")
    listener.close()
    count = f"<servers-down>{MANY}</servers-down>"
    wait_for(lambda: count in session.data("get", asked), "none of them")


def changes_down(events):
    return [e.findtext("address") for e in events
            if e.tag == "real-server-state-change" and e.findtext("state") == "down"]


def until_quorum_is_lost(subscriber):
    events = []
    while not events or events[-1].findtext("state") != "lost":
        events += subscriber.until("quorum-change")
    return events


def test_whoever_listens_keeps_up_with_many_changes(daemon, session, listener):
    with Subscriber(daemon.socket, timeout=60) as subscriber, ThreadPoolExecutor(1) as listening:
        subscriber.subscribe()
        heard = listening.submit(until_quorum_is_lost, subscriber)
        fail_at_once(session, listener)
        events = heard.result()
        assert "events-lost" not in [e.tag for e in events]
        told = changes_down(events)
        # The quorum was lost with the last of them, and is told behind it.
        assert len(told) == len(set(told)) == MANY


def test_what_is_still_to_be_told_is_told_when_it_is_deleted(daemon, session, listener):
    fail_at_once(session, listener)
    session.set(servers(server("web", operation="delete")))
    told = [line for line in daemon.log().splitlines() if "of web is down: check port" in line]
    assert len(told) == MANY
    assert "<is-cleared>false" not in session.data(
        "get", '<filter type="subtree"><alarms xmlns="urn:ietf:params:xml:ns:yang:ietf-alarms"/>'
        "</filter>")


def test_what_is_still_to_be_told_is_told_at_the_end(daemon, session, listener):
    fail_at_once(session, listener)
    daemon.stop()
    assert daemon.log().count("of web is down: check port") == MANY
