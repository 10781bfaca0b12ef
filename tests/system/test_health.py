"""Health checks: verdicts on real servers of the loopback, without a kernel's IPVS."""

import re
import resource

import pytest

from health import QUICK, Listener, check, checked, health, status, wait_state
from netconf import RpcError, item, items, real, server, servers, wait_for
from test_notifications import Subscriber
from test_steering import quorum_lost, sum_of


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


@pytest.fixture(name="listener")
def fixture_listener():
    return Listener()


def test_up_down_and_back(session, listener):
    session.set(checked(QUICK + check("port"), listener.real()))
    up = wait_state(session, listener, "up")
    assert up["checks"]["port"]["state"] == "up"
    assert 0 < int(up["checks"]["port"]["latency"]) < 20_000_000  # microseconds
    assert status(session)[""]["quorum-state"] == "met"
    listener.close()
    down = wait_state(session, listener, "down")
    assert down["checks"]["port"]["last-error"] == "connect: Connection refused"
    assert [c["state"] for c in down["changes"]] == ["down", "up"]
    assert status(session)[""] == {**status(session)[""], "quorum-state": "lost",
                                   "servers-down": "1", "weight-up": "0"}
    listener.open()
    wait_state(session, listener, "up")
    assert status(session)[""]["quorum-state"] == "met"


def test_ipv6(session):
    listener = Listener(address="::1")
    session.set(servers(server("web", health(QUICK + check("port")) + listener.real(),
                               "2001:db8::1", 80)))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")


def test_a_group(session, listener):
    session.set(servers(server("web", health(QUICK + check("port")) + listener.real()
                               + "<member><name>a</name><address>192.0.2.1</address><port>80</port>"
                               "</member><member><name>b</name><firewall-mark>7</firewall-mark>"
                               "</member>")))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")


def test_retries_are_let_pass(session, listener):
    slow = QUICK.replace("<retry>0", "<retry>3").replace("0.05", "0.3")
    session.set(checked(slow + check("port"), listener.real()))
    wait_state(session, listener, "up")
    listener.close()

    def is_down():
        found = status(session)[f"127.0.0.1:{listener.port}"]
        failures = int(found["checks"]["port"]["failures"])
        assert found["state"] == ("up" if failures < 4 else "down"), failures
        return failures >= 4
    wait_for(is_down, "the fourth failure")


def test_alpha_starts_down(session, listener):
    listener.close()
    session.set(checked(QUICK + "<warmup>30</warmup><alpha>true</alpha>" + check("port"),
                        listener.real()))
    assert status(session)[f"127.0.0.1:{listener.port}"]["state"] == "down"
    assert status(session)[""]["quorum-state"] == "lost"
    wait_for(lambda: standing(session) == [("web", "It waits for its first check (alpha).")],
             "the alarm")


def test_equal_checks_are_run_once(session, listener):
    both = [server(name, health(QUICK + check("port")) + listener.real(), f"192.0.2.{i}", 80)
            for i, name in enumerate(("one", "two", "three"), 1)]
    session.set(servers("".join(both)))
    for name in ("one", "two", "three"):
        wait_state(session, listener, "up", name)
    assert session.get("health-engine/checks") == ["1"]
    session.set(servers(server("two", health(check("port", content="<delay-loop>0.2</delay-loop>")))))
    assert session.get("health-engine/checks") == ["2"]
    session.set(servers(server("two", operation="delete") + server("one", operation="delete")
                        + server("three", operation="delete")))
    assert session.get("health-engine/checks") == ["0"]
    assert session.get("health-engine/running") == ["0"]


# The first check is at once, and the next one not while a test runs.
ONCE = "<delay-loop>600</delay-loop><warmup>0</warmup><timeout>1</timeout><retry>0</retry>"


def one_up_one_down(session, listener, alpha):
    """A virtual server whose real servers were checked once."""
    other = Listener()
    other.close()
    settings = f"{ONCE}<alpha>{alpha}</alpha>" + check("port")
    session.set(checked(settings, listener.real(), other.real()))
    wait_state(session, listener, "up")
    wait_for(lambda: session.get("health-engine/runs") == ["2"], "both checks")
    assert state_of(session, other)["state"] == "down"
    return other, settings


def state_of(session, listener, name="web"):
    return status(session, name)[f"{listener.address}:{listener.port}"]


def judged(session, listeners, name):
    """Verdicts, and what they come to in the engine that forwards."""
    return [(state_of(session, one, name)["state"], sum_of(session, one.address, one.port, name))
            for one in listeners]


@pytest.mark.parametrize("alpha", ["false", "true"])
@pytest.mark.parametrize("name", ["shop", "a"])
def test_a_virtual_server_of_another_name_has_the_same_verdicts(session, listener, alpha, name):
    """Its real servers have not changed, whatever they serve."""
    other, settings = one_up_one_down(session, listener, alpha)
    renamed = server(name, health(settings) + listener.real() + other.real(), "192.0.2.1", 80)
    session.set(servers(server("web", operation="delete") + renamed))
    assert judged(session, (listener, other), name) == [("up", -1), ("down", None)]
    down = state_of(session, other, name)
    assert down["checks"]["port"]["state"] == "down"
    assert (down["changes"][0]["cause"], down["changes"][0]["error"]) == (
        "configuration", "connect: Connection refused")
    # Each alarm is of the new name alone, with what is wrong.
    wait_for(lambda: sorted(standing(session)) == [
        (name, "connect: Connection refused")], f"the alarm: {standing(session)}")
    assert session.get("health-engine/runs") == ["2"]


@pytest.mark.parametrize("alpha", ["false", "true"])
def test_another_virtual_server_begins_with_what_is_known(session, listener, alpha):
    """What the same check of the same real server has found for one holds for the next one."""
    other, settings = one_up_one_down(session, listener, alpha)
    session.set(servers(server("shop", health(settings) + listener.real() + other.real(),
                               "192.0.2.2", 80)
                        + server("docs", health(settings.replace("600", "601").replace(
                            "<warmup>0", "<warmup>600")) + listener.real() + other.real(),
                            "192.0.2.3", 80)))
    assert judged(session, (listener, other), "shop") == [("up", -1), ("down", None)]
    begins = ("down", None) if alpha == "true" else ("unchecked", -1)
    assert judged(session, (listener, other), "docs") == [begins, begins]


def test_a_real_server_that_moves_takes_its_verdict_along(session, listener):
    """From one virtual server to another, whichever comes first."""
    other, settings = one_up_one_down(session, listener, "false")
    for name, address in (("a", "192.0.2.2"), ("z", "192.0.2.3")):
        session.set(servers(server(name, health(settings), address, 80)))
    for source, target in (("web", "a"), ("a", "z")):
        session.set(servers(server(source, real(other.address, other.port, operation="delete"))
                            + server(target, other.real())))
        assert judged(session, [other], target) == [("down", None)]
        assert sum_of(session, other.address, other.port, source) == -1
    assert session.get("health-engine/runs") == ["2"]


def test_a_change_of_name_that_fails_changes_no_verdict(session, listener):
    other, settings = one_up_one_down(session, listener, "true")
    renamed = server("shop", health(settings) + listener.real() + other.real(), "192.0.2.1", 80)
    session.edit(servers(server("web", operation="delete") + renamed)
                 + items(item("bad", "<apply>fail</apply>")))
    with pytest.raises(RpcError):
        session.commit()
    assert judged(session, (listener, other), "web") == [("up", -1), ("down", None)]
    assert session.get("health-engine/runs") == ["2"]


def test_a_commit_keeps_what_it_does_not_touch(session, listener):
    other = Listener()
    other.close()
    session.set(checked(QUICK + check("port"), listener.real(), other.real()))
    wait_state(session, listener, "up")
    since = wait_state(session, other, "down")["since"]
    session.set(servers(server("web", health("<quorum>2</quorum>")
                               + listener.real("<weight>5</weight>"))))
    assert status(session)[f"127.0.0.1:{other.port}"]["since"] == since
    assert status(session)[""]["weight-up"] == "5"
    session.set(servers(server("web", real("127.0.0.1", other.port, operation="delete"))))
    assert f"127.0.0.1:{other.port}" not in status(session)
    session.set(servers(server("web", health("", operation="delete"))))
    assert status(session)[f"127.0.0.1:{listener.port}"]["checks"] == {}


def test_overrides_of_a_real_server(session, listener):
    closed = Listener()
    closed.close()
    away = f"<connect-port>{closed.port}</connect-port>"
    session.set(checked(QUICK + check("port"), listener.real(
        health(check("own", content=away)))))
    found = wait_state(session, listener, "down")
    assert (found["checks"]["own"]["state"], found["checks"]["port"]["state"]) == ("down", "up")
    session.set(servers(server("web", health("<checks-needed>1</checks-needed>"))))
    wait_state(session, listener, "up")
    session.set(servers(server("web", listener.real(health(
        "<inherit-checks>false</inherit-checks>")))))
    found = wait_state(session, listener, "down")
    assert list(found["checks"]) == ["own"]
    session.set(servers(server("web", listener.real(health("<enabled>false</enabled>")))))
    assert status(session)[f"127.0.0.1:{listener.port}"]["checks"] == {}


def test_events(daemon, session, listener):
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe()
        session.set(checked(QUICK + check("port"), listener.real()))
        wait_state(session, listener, "up")
        listener.close()
        change = subscriber.until("real-server-state-change")[-1]
        while change.findtext("state") != "down":
            change = subscriber.until("real-server-state-change")[-1]
        assert change.findtext("virtual-server") == "web"
        assert change.findtext("port") == str(listener.port)
        assert change.findtext("check") == "port"
        assert change.findtext("error") == "connect: Connection refused"
        quorum = subscriber.until("quorum-change")[-1]
        assert (quorum.findtext("state"), quorum.findtext("weight-up")) == ("lost", "0")


def test_commands_are_told(daemon, listener, tmp_path):
    heard = tmp_path / "heard"
    heard.touch()
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$@" >> {heard}\n')
    hook.chmod(0o755)
    commands = "".join(f"<{name}>{hook}</{name}>" for name in (
        "notify-up", "notify-down", "quorum-up", "quorum-down"))
    who = f"web 192.0.2.1 80 127.0.0.1 {listener.port}"

    def wait_heard(line):
        wait_for(lambda: line in heard.read_text().splitlines(), line)
    with daemon.session() as session:
        session.set(checked(QUICK + check("port") + commands + "<omega>true</omega>",
                            listener.real()))
        wait_heard(f"up {who}")
        listener.close()
        wait_heard(f"down {who}")
        wait_heard("down web 192.0.2.1 80")
        listener.open()
        wait_heard("up web 192.0.2.1 80")
        heard.write_text("")
    daemon.stop()
    wait_heard(f"down {who}")
    daemon.start()


def alarms(session):
    """{type: whether it is cleared}"""
    types = session.get("alarms/alarm-list/alarm/alarm-type-id")
    return dict(zip([t.split(":")[-1] for t in types],
                    session.get("alarms/alarm-list/alarm/is-cleared")))


def standing(session):
    """Whose real servers are down, and why, by the alarms."""
    reply = session.data("get", '<filter type="subtree"><alarms xmlns="urn:ietf:params:xml:ns:yang:'
                         'ietf-alarms"><alarm-list/></alarms></filter>')
    found = []
    for alarm in re.findall(r"<alarm>.*?</alarm>", reply, re.DOTALL):
        if "real-server-down" in alarm and "<is-cleared>false" in alarm:
            found.append((re.search(r"virtual-server\[[^\]]*name='(\w+)'", alarm).group(1),
                          re.search(r"<alarm-text>([^<]*)<", alarm).group(1)))
    return found


def test_alarms(daemon, session, listener):
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_state(session, listener, "up")
    assert "real-server-down" not in alarms(session)
    listener.close()
    wait_state(session, listener, "down")
    wait_for(lambda: alarms(session) == {"real-server-down": "false", "quorum-lost": "false"},
             "alarms")
    assert "connect: Connection refused" in session.get("alarms/alarm-list/alarm/alarm-text")
    session.set(servers(server("web", operation="delete")))
    wait_for(lambda: alarms(session) == {"real-server-down": "true", "quorum-lost": "true"},
             "alarms to be cleared")


def test_without_descriptors_nothing_is_down(daemon, session, listener):
    """What the agent lacks says nothing of a server."""
    steps = "<tcp><step><number>1</number><send>x</send></step></tcp>"
    session.set(checked(QUICK + check("port", steps), listener.real()))
    wait_state(session, listener, "up")
    # Or its want of a descriptor raises an alarm, too.
    wait_for(lambda: "backend snmp-agent is up" in daemon.log(), "SNMP to have its own")
    pid = daemon.process.pid

    def limit(count):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))

    def unable():
        return int(session.get("health-engine/unable")[0])
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit(3)
    wait_for(lambda: unable() >= 5, "checks that cannot be run")
    assert status(session)[f"127.0.0.1:{listener.port}"]["state"] == "up"
    assert alarms(session) == {"check-degraded": "false"}
    listener.close()
    limit(soft)
    wait_state(session, listener, "down")
    assert alarms(session)["check-degraded"] == "false"
    daemon.stop()
    daemon.start()
    with daemon.session() as after:
        assert alarms(after)["check-degraded"] == "true"


def test_the_alarm_says_which_check_cannot_be_run(session, listener):
    session.set(checked(QUICK + check("port", content="<bind-interface>none0</bind-interface>"),
                        listener.real()))
    wait_for(lambda: "check-degraded" in alarms(session), "the alarm")
    words = f"(tcp of 127.0.0.1 port {listener.port}: socket: No such device)"
    assert words in session.get("alarms/alarm-list/alarm/alarm-text")[0]


def test_a_flapping_server_is_kept_down(session, listener):
    session.set(checked(QUICK + check("port") + "<flap-damping><changes>2</changes><hold>2</hold>"
                        "</flap-damping>", listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")
    listener.open()
    kept = wait_for(lambda: [s for s in [status(session)[f"127.0.0.1:{listener.port}"]]
                             if s["flapping"] == "true"], "flapping")[0]
    assert (kept["state"], kept["checks"]["port"]["state"]) == ("down", "up")
    wait_state(session, listener, "up")


FLAPPING = "<flap-damping><changes>2</changes><hold>60</hold></flap-damping>"
UNDAMPED = servers(server("web", health('<flap-damping nc:operation="delete"/>')))


def flap(session, listener):
    """Have it go down and up until it is kept down."""
    session.set(checked(QUICK + check("port") + FLAPPING, listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    wait_state(session, listener, "down")
    listener.open()
    wait_for(lambda: alarms(session).get("flapping") == "false", "the alarm")


def test_the_alarm_of_flapping_goes_with_the_damping(session, listener):
    flap(session, listener)
    session.edit(UNDAMPED + items(item("bad", "<apply>fail</apply>")))
    with pytest.raises(RpcError):
        session.commit()
    wait_for(lambda: alarms(session)["flapping"] == "false", "the alarm to be as before")
    session.rpc("<discard-changes/>")
    session.set(UNDAMPED)
    wait_state(session, listener, "up")
    wait_for(lambda: alarms(session)["flapping"] == "true", "the alarm to be cleared")


def test_an_agent_that_starts_anew_clears_what_was_flapping(daemon, listener):
    with daemon.session() as session:
        flap(session, listener)
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        wait_state(session, listener, "up")
        assert alarms(session)["flapping"] == "true"


def test_a_deletion_that_is_taken_back_leaves_the_quorum_lost(session, listener):
    listener.close()
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_for(lambda: quorum_lost(session), "the quorum to be lost")
    for gone in (server("web", operation="delete"),
                 server("web", health("", operation="delete"))):
        session.edit(servers(gone) + items(item("bad", "<apply>fail</apply>")))
        with pytest.raises(RpcError):
            session.commit()
        session.rpc("<discard-changes/>")
        assert quorum_lost(session) and status(session)[""]["quorum-state"] == "lost"
        wait_for(lambda: alarms(session)["quorum-lost"] == "false", "the alarm to be as before")


def test_a_verdict_ends_with_its_checks_over_a_crash(daemon, listener):
    """Which comes before it could be stored that there is none any more."""
    listener.close()
    stored = daemon.state / "verdicts"
    with daemon.session() as session:
        session.set(checked(QUICK + check("port"), listener.real()))
        wait_state(session, listener, "down")
        wait_for(lambda: stored.exists() and b"lost" in stored.read_bytes()
                 and b"verdict" in stored.read_bytes(), "the verdict to be stored")
        session.set(servers(server("web", health("", operation="delete"))))
        daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert sum_of(session, listener.address, listener.port) == -1
        assert not quorum_lost(session)


GONE = {"virtual server": server("web", operation="delete"),
        "checks": server("web", health("", operation="delete")),
        "real server": server("web", real("127.0.0.1", 1, operation="delete"))}


@pytest.mark.parametrize("what", GONE)
def test_alarms_end_with_what_they_are_of_over_a_crash(daemon, what):
    """Which comes before it could be stored that they are over."""
    stored = daemon.state / "alarms"
    with daemon.session() as session:
        session.set(checked(QUICK + check("port"), real("127.0.0.1", 1)))
        wait_for(lambda: alarms(session) == {"real-server-down": "false", "quorum-lost": "false"},
                 "the alarms")
        wait_for(lambda: stored.exists() and stored.read_bytes().count(b"is-cleared>false") == 2,
                 "the alarms to be stored")
        session.set(servers(GONE[what]))
        daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert alarms(session) == {"real-server-down": "true", "quorum-lost":
                                   "false" if what == "real server" else "true"}


def test_verdicts_outlive_a_restart(daemon, listener):
    listener.close()
    with daemon.session() as session:
        session.set(checked(QUICK + check("port"), listener.real()))
        since = wait_state(session, listener, "down")["since"]
        session.set(servers(server("web", health("<warmup>3000</warmup>"))))
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        found = status(session)[f"127.0.0.1:{listener.port}"]
        assert (found["state"], found["since"][:19]) == ("down", since[:19])


@pytest.mark.parametrize("content, words", [
    ("<quorum>2</quorum><hysteresis>2</hysteresis>", "could never be lost"),
    ("<delay-loop>0.001</delay-loop>", "delay-loop"),
    ("<check><name>x</name></check>", "type"),
    (check("x", content="<bind-address>::1</bind-address>"), "different families"),
])
def test_bad_configuration(session, content, words):
    with pytest.raises(RpcError) as error:
        session.set(checked(content, real("127.0.0.1", 80)))
    assert words in str(error.value)


def test_a_port_is_needed(session):
    persistent = "<persistence/>"
    with pytest.raises(RpcError) as error:
        session.set(servers(server("all", health(check("x")) + persistent + real("127.0.0.1", 0),
                                   "192.0.2.1", 0)))
    assert "set connect-port" in str(error.value)
