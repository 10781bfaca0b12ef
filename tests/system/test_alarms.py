"""Alarms: raised, cleared, told, kept over a restart, and tidied up by operators (RFC 8632)."""

import re

import pytest

from netconf import AGENT, RpcError, wait_for
from test_notifications import Subscriber

ALARMS = "urn:ietf:params:xml:ns:yang:ietf-alarms"
TYPES = "urn:noria:yang:noria-alarms"
SNMP = "/noria-agent:agent/backend[name='snmp-agent']"
LIST = "alarms/alarm-list/alarm"


def agentx(socket):
    return (f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{socket}'
            "</agentx-socket></snmp-agent>")


MASTER = f'<snmp-agent xmlns="{AGENT}"><mode>master</mode></snmp-agent>'


def alarm(session, resource_word="snmp-agent"):
    """The leaves of the one alarm whose resource holds a word; None if there is none."""
    names = ["resource", "is-cleared", "perceived-severity", "alarm-text"]
    rows = zip(*[session.get(f"{LIST}/{name}") for name in names])
    found = [dict(zip(names, row)) for row in rows if resource_word in row[0]]
    assert len(found) <= 1
    return found[0] if found else None


def history(session):
    return session.get(f"{LIST}/status-change/perceived-severity")


def is_cleared(session):
    found = alarm(session)
    return found and found["is-cleared"] == "true"


def is_active(session):
    found = alarm(session)
    return found and found["is-cleared"] == "false"


def on_alarm(operation):
    """An operation on the alarm of SNMP's backend."""
    return (f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><alarms xmlns="{ALARMS}"><alarm-list>'
            f'<alarm><resource xmlns:noria-agent="{AGENT}">{SNMP}</resource>'
            f'<alarm-type-id xmlns:t="{TYPES}">t:backend-down</alarm-type-id>'
            f"<alarm-type-qualifier/>{operation}</alarm></alarm-list></alarms></action>")


def on_list(operation):
    return (f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><alarms xmlns="{ALARMS}"><alarm-list>'
            f"{operation}</alarm-list></alarms></action>")


@pytest.fixture(name="fallen")
def fixture_fallen(daemon_factory, tmp_path):
    """A daemon whose SNMP agent misses its master, so that an alarm is active."""
    daemon = daemon_factory(null="all")
    with daemon.session() as session:
        assert alarm(session) is None
        session.set(agentx(tmp_path / "absent"))
        wait_for(lambda: is_active(session), "the alarm")
        yield daemon, session


def test_a_backend_that_is_down_is_an_alarm(fallen):
    daemon, session = fallen
    active = alarm(session)
    assert active["perceived-severity"] == "major" and "absent" in active["alarm-text"]
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe()
        session.set(MASTER)
        wait_for(lambda: is_cleared(session), "the alarm to clear")
        told = subscriber.next("alarm-notification")
        assert told.findtext("perceived-severity") == "cleared"
        assert "snmp-agent" in told.findtext("resource")
        assert told.findtext("alarm-type-id").endswith("backend-down")
    changes = history(session)
    assert changes[0] == "cleared" and changes[-1] == "major"
    total = dict(zip(session.get("alarms/summary/alarm-summary/severity"),
                     session.get("alarms/summary/alarm-summary/cleared")))
    assert total["major"] == "1"


def test_alarms_survive_a_restart_and_a_crash(fallen):
    daemon, _ = fallen
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        assert is_active(session)
        session.set(MASTER)
        wait_for(lambda: is_cleared(session), "the alarm to clear")
        wait_for(lambda: b"is-cleared>true" in (daemon.state / "alarms").read_bytes(), "it to be stored")
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert is_cleared(session)
        assert session.get("alarms/alarm-list/number-of-alarms") == ["1"]


def test_an_alarm_of_what_is_not_configured_any_more_is_over_at_the_start(fallen):
    """A crash came after the commit that deleted it, and before that could be stored here."""
    daemon, _ = fallen
    daemon.stop()
    stored = daemon.state / "alarms"
    before = stored.read_text()
    after = re.sub(r"<resource [^<]*<", '<resource xmlns:v="urn:noria:yang:noria-vrrp">'
                   "/v:vrrp/v:instance[v:name='gone']<", before)
    after = after.replace("backend-down", "vrrp-fault")
    assert after != before
    stored.write_text(after)
    daemon.start()
    with daemon.session() as session:
        assert alarm(session, "gone")["is-cleared"] == "true"
        assert is_active(session)


def test_a_damaged_file_costs_the_list_alone(fallen):
    daemon, _ = fallen
    daemon.stop()
    (daemon.state / "alarms").write_text("<alarms xmlns='")
    daemon.start()
    with daemon.session() as session:
        wait_for(lambda: is_active(session), "the alarm anew")
    assert "the stored alarms cannot be read" in daemon.log()


def test_the_inventory_says_what_to_do(session):
    types = session.get("alarms/alarm-inventory/alarm-type/alarm-type-id")
    assert any(t.endswith("drift") for t in types)
    assert not any(t.endswith("noria-alarm") for t in types)
    assert all(session.get("alarms/alarm-inventory/alarm-type/description"))


def test_an_operator_acknowledges_and_it_is_told(fallen):
    daemon, session = fallen
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe()
        session.rpc(on_alarm("<set-operator-state><state>ack</state><text>mine</text>"
                             "</set-operator-state>"))
        event = subscriber.next("alarms")
        assert event.findtext(".//operator-action/state") == "ack"
    assert session.get(f"{LIST}/operator-state-change/state") == ["ack"]
    assert session.get(f"{LIST}/operator-state-change/text") == ["mine"]


def test_an_absent_alarm_cannot_be_acknowledged(fallen):
    _, session = fallen
    with pytest.raises(RpcError) as refused:
        session.rpc(on_alarm("<set-operator-state><state>ack</state></set-operator-state>")
                    .replace("snmp-agent", "nobody"))
    assert refused.value.tag == "data-missing"


def test_purging_takes_what_the_filter_says(fallen):
    _, session = fallen
    purge = "<purge-alarms><alarm-clearance-status>{}</alarm-clearance-status>{}</purge-alarms>"
    assert ">0</" in session.rpc(on_list(purge.format("cleared", "")))
    session.set(MASTER)
    wait_for(lambda: is_cleared(session), "the alarm to clear")
    for other in ["<older-than><hours>1</hours></older-than>",
                  "<severity><above>major</above></severity>",
                  "<operator-state-filter><state>closed</state></operator-state-filter>"]:
        assert ">0</" in session.rpc(on_list(purge.format("cleared", other)))
    reply = session.rpc(on_list(purge.format("cleared", "<severity><is>major</is></severity>")))
    assert "purged-alarms" in reply and ">1</" in reply
    assert alarm(session) is None


def test_compressing_leaves_the_last_change(fallen):
    _, session = fallen
    session.set(MASTER)
    wait_for(lambda: is_cleared(session), "the alarm to clear")
    assert len(history(session)) >= 2
    assert ">1</" in session.rpc(on_list("<compress-alarms/>"))
    assert history(session) == ["cleared"]


def test_the_configuration_bounds_history_and_notifications(fallen, tmp_path):
    daemon, session = fallen
    session.set(f'<alarms xmlns="{ALARMS}"><control>'
                "<max-alarm-status-changes>2</max-alarm-status-changes>"
                "<notify-status-changes>severity-level</notify-status-changes>"
                "<notify-severity-level>critical</notify-severity-level></control></alarms>")
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe()
        session.set(MASTER)
        wait_for(lambda: is_cleared(session), "the alarm to clear")
        session.set(agentx(tmp_path / "absent"))
        wait_for(lambda: is_active(session), "the alarm")
        session.set(MASTER)
        wait_for(lambda: is_cleared(session), "the alarm to clear")
        session.rpc(f'<emit-self-test xmlns="{AGENT}"><message>end</message></emit-self-test>')
        told = [e for e in subscriber.until("self-test") if e.tag == "alarm-notification"]
    assert [e.findtext("perceived-severity") for e in told] == ["cleared", "cleared"]
    assert history(session) == ["cleared", "major"]


def test_a_level_without_its_severity_is_refused(session):
    with pytest.raises(RpcError) as refused:
        session.set(f'<alarms xmlns="{ALARMS}"><control><notify-status-changes>severity-level'
                    "</notify-status-changes></control></alarms>")
    assert "notify-severity-level" in refused.value.message
