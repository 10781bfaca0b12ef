"""Edits, commits and refusals over NETCONF, with the null backend as the engine."""

import threading

import pytest

from daemon import NACM
from netconf import (NULL, RpcError, item, items, real, server, servers, wait_for)


def test_a_commit_reaches_running_and_the_engine(session):
    session.edit(items(item("a", "<value>one</value>")))
    assert "one" not in session.data("running")
    assert "one" in session.data("candidate")
    session.commit()
    assert "<value>one</value>" in session.data("running")
    assert session.get("null/item/held") == ["one"]


def test_an_edit_of_running_takes_effect_at_once(session):
    session.edit(items(item("a", "<value>one</value>")), target="running")
    assert session.get("null/item/held") == ["one"]


def test_discard_changes_makes_candidate_running_again(session):
    session.edit(items(item("a")))
    session.rpc("<discard-changes/>")
    assert "<item>" not in session.data("candidate")


def test_what_was_not_edited_is_not_committed_twice(session):
    session.set(items(item("a", "<value>1</value>")))
    revision = session.get("agent/revision")
    session.set(items(item("a", "<value>1</value>")))
    assert session.get("agent/revision") == revision


@pytest.mark.parametrize("step", ["prepare", "apply"])
@pytest.mark.parametrize("behaviour", ["refuse", "fail"])
def test_a_step_that_does_not_work_changes_nothing(session, step, behaviour):
    session.set(items(item("good", "<value>old</value>")))
    session.edit(items(item("good", "<value>new</value>")
                       + item("bad", f"<{step}>{behaviour}</{step}>")))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert refused.value.tag == ("invalid-value" if (step, behaviour) == ("prepare", "refuse")
                                 or behaviour == "refuse" else "operation-failed")
    assert refused.value.path == "/noria-null:null/item[name='bad']"
    assert "told to" in refused.value.message
    assert session.get("null/item/held") == ["old"]
    assert "new" not in session.data("running")
    assert "new" in session.data("candidate"), "the candidate stays"
    session.edit(items(item("bad", operation="delete")))
    session.commit()
    assert session.get("null/item/held") == ["new"]


def test_a_slow_engine_does_not_hold_readers_up(daemon, session):
    session.set(items(item("a", "<value>old</value>")))
    with daemon.session() as reader:
        session.edit(items(item("a", "<value>new</value><delay>2500</delay>")))
        session.message_id += 1
        session.send(f'<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" '
                     f'message-id="{session.message_id}"><commit/></rpc>')
        reads = 0
        while "<value>old</value>" in reader.data("running"):
            reads += 1
        assert reads > 10
        assert "<ok/>" in session.receive()


DUPLICATE = servers(server("a", address="192.0.2.1", port=80)
                    + server("b", address="192.0.2.1", port=80))


def test_two_entries_with_the_same_unique_values_are_refused(session):
    session.edit(items(item("x")))
    session.edit(DUPLICATE.replace("<port>80</port></virtual-server><virtual-server><name>b",
                                   "<port>81</port></virtual-server><virtual-server><name>b"))
    session.rpc("<discard-changes/>")
    session.edit(DUPLICATE)
    with pytest.raises(RpcError) as refused:
        session.rpc("<validate><source><candidate/></source></validate>")
    assert (refused.value.tag, refused.value.app_tag) == ("operation-failed", "data-not-unique")
    assert "address, port, protocol" in refused.value.message


BAD_EDITS = {
    "unknown element": (servers(server("a", "<colour>red</colour>", "192.0.2.1", 80)),
                        "unknown-element", "/virtual-server[name='a']/colour"),
    "unknown namespace": ('<x xmlns="urn:nobody"/>', "unknown-namespace", None),
    "weight out of range": (servers(server("a", real("10.0.0.1", 80, "<weight>65536</weight>"),
                                           "192.0.2.1", 80)), "invalid-value", "/weight"),
    "persistence beyond the kernel's ticks": (
        servers(server("a", "<persistence><timeout>2678401</timeout></persistence>", "192.0.2.1",
                       80)), "invalid-value", "/timeout"),
    "a name that no interface has": (
        servers(server("a", "<bind-address><interface>" + "ä" * 15 + "</interface></bind-address>",
                       "192.0.2.1", 80)), "invalid-value", "/interface"),
    "unknown scheduler": (servers(server("a", "<scheduler>best</scheduler>", "192.0.2.1", 80)),
                          "invalid-value", "/scheduler"),
    "delete of nothing": (servers(server("a", operation="delete")), "data-missing",
                          "/virtual-server[name='a']"),
    "two services at once": (servers(server("a", "<firewall-mark>1</firewall-mark>", "192.0.2.1",
                                            80)), "bad-element", "/address"),
    "an entry twice": (servers(server("a", real("10.0.0.1", 80) + real("10.0.0.1", 80, "<weight>2"
                                                                        "</weight>"), "192.0.2.1", 80)),
                       "bad-element", "/real-server[address='10.0.0.1'][port='80']"),
    "a bad key": (servers(server("a", real("10.0.0.256", 80), "192.0.2.1", 80)), "invalid-value",
                  "/virtual-server[name='a']/real-server/address"),
    "state": (servers(server("a", "<number>1</number>", "192.0.2.1", 80)), "bad-element",
              "/number"),
}


@pytest.mark.parametrize("case", BAD_EDITS)
def test_a_bad_edit_is_refused_and_changes_nothing(session, case):
    config, tag, path = BAD_EDITS[case]
    before = session.data("candidate")
    with pytest.raises(RpcError) as refused:
        session.edit(config)
    assert refused.value.tag == tag
    assert path is None or refused.value.path.endswith(path)
    assert refused.value.message
    assert session.data("candidate") == before


HEALTH = '<health xmlns="urn:noria:yang:noria-health">{}</health>'
SAID = {
    "a range": ("<scheduler-flags>7</scheduler-flags>" + real("10.0.0.1", 80, "<weight>65536</weight>"),
                "It may be 0 to 65535."),
    "a decimal range": (HEALTH.format("<delay-loop>0</delay-loop>"), "It may be 0.01 to 86400."),
    "the range of a type": (HEALTH.format("<retry>256</retry>"), "It may be 0 to 255."),
    "names": (HEALTH.format("<on-failure>drop</on-failure>"), "It may be remove or inhibit."),
    "a length": (HEALTH.format("<check><name>a</name><bind-interface>sixteen-or-more-x"
                               "</bind-interface><tcp/></check>"), "It may be 1 to 15 characters."),
    "an address": (HEALTH.format("<check><name>a</name><connect-address>www.example"
                                 "</connect-address><tcp/></check>"),
                   "It may be an address of IPv4 or IPv6."),
    "a boolean": ("<enabled>no</enabled>", "It may be true or false."),
    "what is missing": (HEALTH.format("<check><name>a</name><tcp/></check>"
                                      "<check><name>b</name><mysql/></check>"),
                        "/check[name='b']/mysql/username: The mysql lacks username."),
    "a choice that is missing": (HEALTH.format("<check><name>a</name><tcp/></check>"
                                               "<check><name>b</name></check>"),
                                 "/check[name='b']/type: The check lacks one of tcp, udp, ping,"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_refused_is_told_with_what_is_not(session, case):
    content, words = SAID[case]
    with pytest.raises(RpcError) as refused:
        session.set(servers(server("a", content, "192.0.2.1", 80)))
    assert words in str(refused.value)


def test_test_only_says_without_doing(session):
    session.edit(items(item("a")), extra="<test-option>test-only</test-option>")
    assert "<item>" not in session.data("candidate")
    with pytest.raises(RpcError):
        session.edit(items(item("a", "<prepare>refuse</prepare>")),
                     extra="<test-option>test-only</test-option>")


def test_a_lock_is_respected_and_ends_with_its_session(daemon, session):
    with daemon.session() as other:
        other.rpc("<lock><target><candidate/></target></lock>")
        other.edit(items(item("locked")))
        for attempt in ("<lock><target><candidate/></target></lock>", "<commit/>",
                        "<discard-changes/>"):
            with pytest.raises(RpcError) as refused:
                session.rpc(attempt)
            assert refused.value.tag == ("lock-denied" if "lock" in attempt else "in-use")
        with pytest.raises(RpcError) as refused:
            session.rpc("<lock><target><candidate/></target></lock>")
        assert refused.value.session == str(other.id)
        with pytest.raises(RpcError):
            session.rpc("<unlock><target><candidate/></target></unlock>")
    # The session is gone: so are its lock and the candidate that it had locked.
    wait_for(lambda: "locked" not in session.data("candidate"), "the candidate to be discarded")
    session.rpc("<lock><target><candidate/></target></lock>")
    session.rpc("<unlock><target><candidate/></target></unlock>")


def test_unlocking_the_candidate_discards_what_was_not_committed(session):
    session.rpc("<lock><target><candidate/></target></lock>")
    session.edit(items(item("tried")))
    session.rpc("<unlock><target><candidate/></target></unlock>")
    assert "tried" not in session.data("candidate")
    session.rpc("<lock><target><candidate/></target></lock>")  # it is not in its own way
    session.edit(items(item("tried")))
    session.commit()
    session.rpc("<unlock><target><candidate/></target></unlock>")
    assert "tried" in session.data("candidate") and "tried" in session.data("running")


def test_what_is_found_under_a_lock_stays(daemon_factory):
    """A change that is on its way when running is locked is found there, not after that."""
    daemon = daemon_factory(start=False, null=True)
    daemon.more = ["-d", "commit"]
    daemon.start()

    def change():
        with daemon.session() as other:
            other.edit(items(item("slow", "<value>late</value><delay>1500</delay>")),
                       target="running")

    changing = threading.Thread(target=change)
    changing.start()
    wait_for(lambda: "null: prepare of" in daemon.log(), "the change to be on its way")
    with daemon.session() as session:
        session.rpc("<lock><target><running/></target></lock>")
        found = session.data("running")
        changing.join(60)
        assert session.data("running") == found and "late" in found


def test_a_lock_that_comes_between_an_edit_and_its_turn(daemon_factory):
    """All wait for a slow change; the lock is given on the way, and what comes after it is refused."""
    daemon = daemon_factory(start=False, null=True)
    daemon.more = ["-d", "commit,netconf"]
    daemon.start()
    refused, done = [], []

    def edit(name, more=""):
        with daemon.session() as other:
            try:
                other.edit(items(item(name, more)), target="running")
                done.append(name)
            except RpcError as error:
                refused.append((name, error.tag))

    def begin(target, *arguments):
        thread = threading.Thread(target=target, args=arguments)
        thread.start()
        return thread

    with daemon.session() as session:
        slow = begin(edit, "slow", "<delay>2000</delay>")
        wait_for(lambda: "null: prepare of" in daemon.log(), "the change to be on its way")
        lock = begin(session.rpc, "<lock><target><running/></target></lock>")
        wait_for(lambda: ": lock" in daemon.log(), "the lock to wait")
        others = [begin(edit, f"i{number}") for number in range(8)]
        wait_for(lambda: daemon.log().count(": edit-config") == 9, "the edits to wait")
        for thread in (slow, lock, *others):
            thread.join(60)
        assert {tag for _, tag in refused} <= {"in-use"} and len(refused + done) == 9
        found = session.data("running")
        assert [name for name in done if f"<name>{name}<" not in found] == []
        assert [name for name, _ in refused if f"<name>{name}<" in found] == []


@pytest.mark.parametrize("place,tag,app_tag", [
    ("y:key=\"[n:name='no']\"", "bad-attribute", "missing-instance"),
    ("", "missing-attribute", None)])
def test_what_is_inserted_beside_another_has_to_name_it(session, place, tag, app_tag):
    """RFC 7950, 7.8.6 and 15.7."""
    lists = (f'<nacm xmlns="{NACM}" xmlns:n="{NACM}" xmlns:y="urn:ietf:params:xml:ns:yang:1">'
             f'<rule-list y:insert="after" {place}><name>a</name></rule-list></nacm>')
    with pytest.raises(RpcError) as refused:
        session.edit(lists)
    error = refused.value
    assert (error.tag, error.app_tag, error.attribute, error.element) == (
        tag, app_tag, "key", "rule-list")


def test_copy_config_between_the_datastores(session):
    session.set(items(item("kept")))
    session.edit(items(item("kept", operation="delete")))
    session.rpc("<copy-config><target><candidate/></target><source><running/></source></copy-config>")
    assert "kept" in session.data("candidate")
    session.edit(items(item("more")))
    session.rpc("<copy-config><target><running/></target><source><candidate/></source></copy-config>")
    assert session.data("running").count("<item>") == 2


def test_order_of_entries_does_not_depend_on_history(session):
    for name in ("c", "a", "b"):
        session.set(items(item(name)))
    first = session.data("running", f'<filter type="subtree"><null xmlns="{NULL}"/></filter>')
    session.set(items(item("a", operation="delete")))
    session.set(items(item("a")))
    assert session.data("running",
                        f'<filter type="subtree"><null xmlns="{NULL}"/></filter>') == first
    assert first.index("<name>a") < first.index("<name>b") < first.index("<name>c")
