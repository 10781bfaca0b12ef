"""Operations that backends carry out: rpcs and actions."""

import re
import threading
import time

import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

from daemon import nacm
from netconf import NULL, RpcError, item, items, wait_for
from test_access import HASH

ACTION = "urn:ietf:params:xml:ns:yang:1"


def perform(say="hello", more=""):
    return f'<perform xmlns="{NULL}"><say>{say}</say>{more}</perform>'


def on_item(name, content):
    return (f'<action xmlns="{ACTION}"><null xmlns="{NULL}"><item><name>{name}</name>{content}'
            "</item></null></action>")


def said(reply):
    return re.findall(r"<(?:\w+:)?said[^>]*>([^<]*)<", reply)


def refused(session, content):
    with pytest.raises(RpcError) as caught:
        session.rpc(content)
    return caught.value


def test_an_rpc_is_carried_out_and_answers(session):
    assert said(session.rpc(perform("one"))) == ["one"]
    assert said(session.rpc(perform("two", "<delay>200</delay>"))) == ["two"]


def test_an_action_is_carried_out_on_its_node(session):
    session.set(items(item("a", "<value>x</value>") + item("b", "<value>y</value>")))
    reply = session.rpc(on_item("b", perform()))
    assert said(reply) == ["hello"]
    assert re.search(r"<held[^>]*>y</held>", reply)
    assert "<item" not in reply  # the output alone, not what is above it


def test_an_action_needs_its_node_in_running(session):
    session.edit(items(item("a")))  # in candidate alone
    error = refused(session, on_item("a", perform()))
    assert (error.tag, error.path) == ("data-missing", "/noria-null:null/item[name='a']")
    session.commit()
    assert said(session.rpc(on_item("a", perform()))) == ["hello"]


def test_outcomes_reach_the_asker(session):
    error = refused(session, perform(more="<outcome>refuse</outcome>"))
    assert (error.tag, error.message) == ("in-use", "The null backend was told to refuse.")
    error = refused(session, perform(more="<outcome>fail</outcome><delay>50</delay>"))
    assert (error.tag, error.message) == ("operation-failed", "The null backend was told to fail.")


def test_input_is_validated_before_the_backend_sees_it(session):
    error = refused(session, f'<perform xmlns="{NULL}"/>')
    assert error.tag == "missing-element", error
    error = refused(session, perform(more="<delay>soon</delay>"))
    assert error.tag == "invalid-value", error
    error = refused(session, perform(say="x" * 65))
    assert error.tag == "invalid-value", error
    session.set(items(item("a")))
    error = refused(session, on_item("a", f'<perform xmlns="{NULL}"/>'))
    assert error.tag == "missing-element", error


def test_wrong_output_is_an_error_of_ours(session):
    error = refused(session, perform(more="<spoil>true</spoil>"))
    assert error.tag == "operation-failed"
    assert "not valid" in error.message


def test_what_nobody_serves_is_not_supported(session):
    assert refused(session, f'<unserved xmlns="{NULL}"/>').tag == "operation-not-supported"


def test_reading_operation_does_not_wait_for_the_core_thread(daemon, session):
    session.set(items("".join(item(f"i{i}", f"<value>{i}</value>") for i in range(100))))
    reply = session.rpc(f'<list-held xmlns="{NULL}"/>')
    assert reply.count("<name>") == 100


def test_many_sessions_call_at_once(daemon):
    answers = []

    def call(number):
        with daemon.session() as own:
            answers.append(said(own.rpc(perform(str(number), "<delay>2000</delay>"))) ==
                           [str(number)])

    threads = [threading.Thread(target=call, args=(i,)) for i in range(10)]
    since = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 10
    assert time.monotonic() - since < 15  # one after the other would be 20 s


@pytest.fixture(name="talkative")
def fixture_talkative(daemon_factory):
    """A daemon that logs each request."""
    daemon = daemon_factory(start=False, null=True)
    daemon.more = ["-d", "netconf"]
    return daemon.start()


def test_a_session_is_killed_while_its_call_runs(talkative):
    with talkative.session() as session, talkative.session() as waiting:
        session.set(items(item("a")))
        waiting.send('<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1">' +
                     on_item("a", perform(more="<delay>5000</delay>")) + "</rpc>")
        wait_for(lambda: f"session {waiting.id}: perform" in talkative.log(), "the call")
        session.rpc(f"<kill-session><session-id>{waiting.id}</session-id></kill-session>")
        with pytest.raises((EOFError, ConnectionError)):
            waiting.receive()
        assert f"session {waiting.id}: ends while /noria-null:null/item/perform runs" in \
            talkative.log()
        assert said(session.rpc(perform("after it", "<delay>5100</delay>"))) == ["after it"]


def test_the_agent_ends_while_calls_run(talkative):
    with talkative.session() as waiting:
        waiting.send('<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1">' +
                     perform(more="<delay>60000</delay>") + "</rpc>")
        wait_for(lambda: f"session {waiting.id}: perform" in talkative.log(), "the call")
        since = time.monotonic()
        talkative.stop()
        assert time.monotonic() - since < 50  # the call takes 60 s


RULES = """
<rule-list><name>operators</name><group>operator</group>
  <rule><name>mine</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item[nn:name='mine']/nn:perform</path>
    <action>permit</action></rule>
  <rule><name>hidden</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item[nn:name='hidden']</path>
    <access-operations>read</access-operations><action>deny</action></rule>
  <rule><name>gone</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item[nn:name='gone']/nn:perform</path>
    <action>permit</action></rule>
  <rule><name>no</name><module-name>noria-null</module-name><access-operations>exec</access-operations>
    <action>deny</action></rule>
</rule-list>"""


@pytest.fixture(name="operator")
def fixture_operator(daemon_factory):
    """A user who may perform with one item alone, over SSH with ncclient."""
    daemon = daemon_factory(start=False, null=True)
    group = "<group><name>operator</name><user-name>operator</user-name></group>"
    daemon.config.write_text(
        daemon.default_configuration(f"<user><name>operator</name><password>{HASH}</password>"
                                     "</user>") + nacm(group, RULES))
    daemon.start()
    with daemon.session() as root:
        root.set(items(item("mine", "<value>m</value>") + item("other") + item("hidden")))
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False, timeout=120,
                         username="operator", password="secret", allow_agent=False,
                         look_for_keys=False) as client:
        yield client


def test_access_to_operations(operator):
    reply = operator.dispatch(to_ele(on_item("mine", perform("by ncclient"))))
    assert said(reply.xml) == ["by ncclient"]
    for content, path in [(on_item("other", perform()),
                           "/noria-null:null/item[name='other']/perform"),
                          (on_item("hidden", perform()),
                           "/noria-null:null/item[name='hidden']/perform"),
                          (perform(), "/ietf-netconf:rpc/noria-null:perform")]:
        with pytest.raises(RPCError) as caught:
            operator.dispatch(to_ele(content))
        assert (caught.value.tag, caught.value.path.strip()) == ("access-denied", path)
    with pytest.raises(RPCError) as caught:
        operator.dispatch(to_ele(on_item("gone", perform())))
    assert caught.value.tag == "data-missing"
