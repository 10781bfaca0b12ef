"""Notifications: subscriptions, filters, replay, and what a slow subscriber costs the others."""

import datetime
import os
import re
import socket
import time
import xml.etree.ElementTree as ElementTree

import pytest

from netconf import AGENT, BASE, END, NULL, RpcError, Session, item, items, wait_for

EVENT = "urn:ietf:params:xml:ns:netconf:notification:1.0"
MANAGE = "urn:ietf:params:xml:ns:netmod:notification"
NOTICE = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"
LONG_AGO = "<startTime>2020-01-01T00:00:00Z</startTime>"


def when(seconds):
    """A time so many seconds from now."""
    time_ = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return time_.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Subscriber(Session):
    """A session that keeps notifications and replies apart."""

    def __init__(self, *arguments, **options):
        self.kept = []
        super().__init__(*arguments, **options)

    def receive(self):
        """The next message that is no notification."""
        while True:
            message = super().receive()
            if not re.match(r"\s*<(\w+:)?notification[ >]", message):
                return message
            self.kept.append(message)

    def subscribe(self, content=""):
        return self.rpc(f'<create-subscription xmlns="{EVENT}">{content}</create-subscription>')

    def notification(self):
        """The next notification: its event's element, without name spaces."""
        while not self.kept:
            message = super().receive()
            assert re.match(r"\s*<notification[ >]", message), message
            self.kept.append(message)
        root = ElementTree.fromstring(self.kept.pop(0))
        assert root.tag == f"{{{EVENT}}}notification" and len(root) == 2
        assert root[0].tag == f"{{{EVENT}}}eventTime"
        event = root[1]
        event.set("time", root[0].text)
        for element in event.iter():
            element.tag = element.tag.split("}")[-1]
        return event

    def until(self, name):
        """Notifications up to the first with a name, which is the last of the list."""
        events = [self.notification()]
        while events[-1].tag != name:
            events.append(self.notification())
        return events

    def next(self, name="self-test", **wanted):
        """The next notification with a name, and with leaves that hold what is wanted."""
        while True:
            event = self.until(name)[-1]
            if all(event.findtext(leaf.replace("_", "-")) == value
                   for leaf, value in wanted.items()):
                return event

    def message(self):
        """What the next self-test says."""
        return self.next().findtext("message")

    def messages(self, name):
        """What self-tests say, up to a notification with a name."""
        return [e.findtext("message") for e in self.until(name) if e.tag == "self-test"]


@pytest.fixture(name="subscriber")
def fixture_subscriber(daemon):
    with Subscriber(daemon.socket) as subscriber:
        yield subscriber


def self_test(session, message):
    session.rpc(f'<emit-self-test xmlns="{AGENT}"><message>{message}</message></emit-self-test>')


def edits(event):
    return {(e.findtext("target"), e.findtext("operation")) for e in event.iter("edit")}


def test_the_hello_says_so(session):
    for capability in ("notification:1.0", "interleave:1.0"):
        assert session.capabilities.count(f"urn:ietf:params:netconf:capability:{capability}") == 1


def test_the_stream_is_in_the_state(session):
    for filter_ in (f'<filter type="subtree"><netconf xmlns="{MANAGE}"><streams/></netconf></filter>',
                    f'<filter type="xpath" xmlns:m="{MANAGE}" select="/m:netconf/m:streams"/>', ""):
        data = session.data("get", filter_)
        assert "<name>NETCONF</name>" in data and "<replaySupport>true<" in data
        assert "<replayLogCreationTime>20" in data
    other = session.data("get", f'<filter type="subtree"><agent xmlns="{AGENT}"/></filter>')
    assert "replaySupport" not in other


@pytest.mark.parametrize("versions", [("1.0",), ("1.0", "1.1")])
def test_a_commit_is_told(daemon, session, versions):
    with Subscriber(daemon.socket, versions=versions) as subscriber:
        subscriber.subscribe()
        session.set(items(item("a", "<value>x</value>") + item("b")))
        event = subscriber.next("netconf-config-change")
        assert event.findtext("changed-by/username")
        assert event.findtext("changed-by/session-id") == str(session.id)
        assert event.findtext("changed-by/source-host") is None  # it is this node
        assert event.findtext("datastore") == "running"
        assert sorted((t.split(":")[-1], o) for t, o in edits(event)) == [
            ("name='a']", "create"), ("name='b']", "create")]
        session.set(items(item("a", "<value>y</value>")))
        (target, operation), = edits(subscriber.next("netconf-config-change"))
        assert re.fullmatch(r"/(\w+):null/\1:item\[\1:name='a'\]/\1:value", target)
        assert operation == "replace"
        session.set(items(item("b", operation="delete")))
        (target, operation), = edits(subscriber.next("netconf-config-change"))
        assert re.fullmatch(r"/(\w+):null/\1:item\[\1:name='b'\]", target)
        assert operation == "delete"


def test_a_large_commit_is_told_in_few_words(session, subscriber):
    subscriber.subscribe()
    session.set(items("".join(item(f"i{n}") for n in range(500))))
    found = edits(subscriber.next("netconf-config-change"))
    assert len(found) == 201
    assert [o for t, o in found if re.fullmatch(r"/\w+:null", t)] == ["merge"]


def test_a_refused_change_is_not_told(session, subscriber):
    subscriber.subscribe()
    with pytest.raises(RpcError):
        session.edit(items(item("a", "<prepare>refuse</prepare>")), target="running")
    self_test(session, "end")
    assert "netconf-config-change" not in [e.tag for e in subscriber.until("self-test")]


def test_a_secret_is_not_told(session, subscriber):
    subscriber.subscribe()
    session.set(f'<snmp-agent xmlns="{AGENT}"><community><name>squirrel</name></community>'
                "</snmp-agent>")
    (target, operation), = edits(subscriber.next("netconf-config-change"))
    assert target.endswith(":snmp-agent") and operation == "merge"


def test_sessions_are_told(daemon, session, subscriber):
    subscriber.subscribe()

    def reason(session_id):
        return subscriber.next("netconf-session-end", session_id=str(session_id)).findtext(
            "termination-reason")
    with daemon.session() as closed:
        assert subscriber.next("netconf-session-start",
                               session_id=str(closed.id)).findtext("username")
        closed.rpc("<close-session/>")
        assert reason(closed.id) == "closed"

    def begun():
        one = daemon.session()
        subscriber.next("netconf-session-start", session_id=str(one.id))
        return one
    killed = begun()
    session.rpc(f"<kill-session><session-id>{killed.id}</session-id></kill-session>")
    event = subscriber.next("netconf-session-end", session_id=str(killed.id))
    assert event.findtext("termination-reason") == "killed"
    assert event.findtext("killed-by") == str(session.id)
    dropped = begun()
    dropped.socket.close()
    assert reason(dropped.id) == "dropped"


def test_an_idle_session_is_told_but_a_subscribed_one_stays(daemon, session, subscriber):
    subscriber.subscribe()
    session.set(f'<netconf-server xmlns="{AGENT}"><idle-timeout>1</idle-timeout></netconf-server>')
    idle = daemon.session()
    waiting = {str(session.id), str(idle.id)}
    while waiting:
        waiting.discard(subscriber.next(
            "netconf-session-end", termination_reason="timeout").findtext("session-id"))
    assert subscriber.data("running")


HELLO = (f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
         "</capability></capabilities></hello>")


@pytest.mark.parametrize("message", ["", " \n", "<!-- hello -->", HELLO * 2, f'<hello xmlns="{BASE}"/>'])
def test_what_is_no_hello_begins_no_session(daemon, subscriber, message):
    """RFC 6241, 8.1."""
    subscriber.subscribe()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.socket)
        client.sendall(message.encode() + END)
        subscriber.next("netconf-session-end", termination_reason="bad-hello")
        client.settimeout(60)
        while client.recv(1 << 16):
            pass


def test_a_bad_hello_is_told(daemon, subscriber):
    subscriber.subscribe()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(daemon.socket)
        raw.sendall(b"<goodbye/>]]>]]>")
        subscriber.next("netconf-session-end", termination_reason="bad-hello")


FILTERS = {
    "subtree": f'<filter type="subtree"><netconf-config-change xmlns="{NOTICE}"/></filter>',
    "subtree by default": f'<filter><netconf-config-change xmlns="{NOTICE}"/></filter>',
    "subtree with a match": f'<filter type="subtree"><netconf-config-change xmlns="{NOTICE}">'
                            "<edit><operation>create</operation></edit></netconf-config-change>"
                            "</filter>",
    "one of two": f'<filter type="subtree"><nothing xmlns="urn:nobody"/>'
                  f'<netconf-config-change xmlns="{NOTICE}"/></filter>',
    "xpath": f'<filter type="xpath" xmlns:n="{NOTICE}" select="/n:netconf-config-change"/>',
    "xpath with a match": f'<filter type="xpath" xmlns:n="{NOTICE}" select="'
                          "/n:netconf-config-change[n:edit/n:operation='create']\"/>",
}


@pytest.mark.parametrize("case", FILTERS)
def test_filters(session, subscriber, case):
    subscriber.subscribe(FILTERS[case])
    self_test(session, "not wanted")
    session.set(items(item("a")))
    event = subscriber.notification()
    assert event.tag == "netconf-config-change"
    # An event that passes is whole.
    assert event.findtext("datastore") == "running" and event.find("edit") is not None


def test_an_empty_filter_selects_nothing(session, subscriber):
    subscriber.subscribe(f'<filter type="subtree"/>{LONG_AGO}<stopTime>{when(2)}</stopTime>')
    self_test(session, "not wanted")
    assert [e.tag for e in subscriber.until("notificationComplete")] == [
        "replayComplete", "notificationComplete"]


@pytest.mark.parametrize("stop", ["9999-12-31T23:59:59Z", "2262-04-11T23:47:16.9Z"])
def test_a_stop_time_that_means_never_is_never(session, subscriber, stop):
    """Beyond what 64 bits hold in nanoseconds, which the second one is just below."""
    subscriber.subscribe(f"<startTime>0001-01-01T00:00:00Z</startTime><stopTime>{stop}</stopTime>")
    subscriber.until("replayComplete")
    self_test(session, "live")
    assert subscriber.message() == "live"


def test_notifications_are_counted(daemon, session, subscriber):
    def counted(path):
        data = session.data("get", '<filter type="xpath" xmlns:m="urn:ietf:params:xml:ns:yang:'
                            f'ietf-netconf-monitoring" select="/m:netconf-state/m:{path}/'
                            'm:out-notifications"/>')
        return [int(count) for count in re.findall(r"<out-notifications>(\d+)<", data)]
    before, = counted("statistics")
    # Sessions that begin or end, perhaps those before this test, make notifications, too.
    subscriber.subscribe(f'<filter type="subtree"><self-test xmlns="{AGENT}"/></filter>')
    for n in range(3):
        self_test(session, str(n))
        subscriber.message()
    assert counted("statistics") == [before + 3]
    assert counted(f"sessions/m:session[m:session-id='{subscriber.id}']") == [3]
    assert counted(f"sessions/m:session[m:session-id='{session.id}']") == [0]


ERRORS = {
    "startTime in the future": (f"<startTime>{when(86400)}</startTime>", "bad-element", "startTime"),
    "stopTime alone": (f"<stopTime>{when(60)}</stopTime>", "missing-element", "startTime"),
    "stopTime before startTime": (f"<startTime>{when(-60)}</startTime><stopTime>{when(-120)}"
                                  "</stopTime>", "bad-element", "stopTime"),
    "no such stream": ("<stream>nothing</stream>", "invalid-value", None),
    "no time": ("<startTime>yesterday</startTime>", "invalid-value", None),
    "bad xpath": ('<filter type="xpath" select="/["/>', None, None),
    "unknown prefix": ('<filter type="xpath" select="/zz:a"/>', None, None),
    "no select": ('<filter type="xpath"/>', "missing-attribute", None),
    "unknown parameter": ("<speed>high</speed>", "unknown-element", "speed"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_is_refused(session, subscriber, case):
    content, tag, element = ERRORS[case]
    with pytest.raises(RpcError) as refused:
        subscriber.subscribe(content)
    assert tag is None or refused.value.tag == tag
    assert element is None or refused.value.element == element
    # Nothing was begun: it can be done right.
    subscriber.subscribe()
    self_test(session, "hello")
    assert subscriber.message() == "hello"


def test_one_subscription_at_a_time(daemon, session, subscriber):
    subscriber.subscribe(f"{LONG_AGO}<stopTime>{when(3600)}</stopTime>")
    with pytest.raises(RpcError) as refused:
        subscriber.subscribe()
    assert refused.value.tag == "in-use"
    with Subscriber(daemon.socket) as other:
        other.subscribe(f"{LONG_AGO}<stopTime>{when(1)}</stopTime>")
        other.until("notificationComplete")
        other.subscribe()
        self_test(session, "again")
        assert other.message() == "again"


def test_stop_time_in_the_past_replays_a_span(session, subscriber):
    for n in range(3):
        self_test(session, f"n{n}")
    subscriber.subscribe(LONG_AGO)
    times = {e.findtext("message"): e.get("time") for e in subscriber.until("replayComplete")}
    with Subscriber(session.socket.getpeername()) as other:
        other.subscribe(f"<startTime>{times['n1']}</startTime><stopTime>{times['n1']}</stopTime>")
        assert "n1" in other.messages("replayComplete")
        assert other.notification().tag == "notificationComplete"
        assert other.data("running")


def test_stop_time_ends_a_subscription_that_is_live(session, subscriber):
    stop = when(4)
    subscriber.subscribe(f"<startTime>{when(0)}</startTime><stopTime>{stop}</stopTime>")
    self_test(session, "in time")
    events = subscriber.until("notificationComplete")
    assert "in time" in [e.findtext("message") for e in events]
    assert when(0) >= stop, "it ended before its time"
    self_test(session, "too late")
    assert subscriber.data("running") and not subscriber.kept


def test_replay_then_live_without_gap_or_duplicate(session, subscriber):
    """Events come without a pause while the subscription begins."""
    for n in range(200):
        self_test(session, f"n{n}")
        if n == 100:
            subscriber.send(f'<rpc xmlns="{BASE}" message-id="1"><create-subscription xmlns='
                            f'"{EVENT}">{LONG_AGO}</create-subscription></rpc>')
    assert "<ok/>" in subscriber.receive()
    before = subscriber.messages("replayComplete")
    after = []
    while not after or after[-1] != "n199":
        after.append(subscriber.message())
    assert before + after == [f"n{n}" for n in range(200)]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_replay_over_a_restart(daemon, end):
    with daemon.session() as session:
        session.set(items(item("a", "<value>before</value>")))
        for n in range(20):
            self_test(session, f"n{n}")
    if end == "kill":
        # What was told is stored soon after, all by itself.
        wait_for(lambda: b">n19<" in b"".join(f.read_bytes() for f in (
            daemon.state / "events").glob("events.*")), "the events to be stored")
        daemon.kill()
    else:
        daemon.stop()
    daemon.start()
    with daemon.session() as session, Subscriber(daemon.socket) as subscriber:
        self_test(session, "after")
        subscriber.subscribe(LONG_AGO)
        events = subscriber.until("replayComplete")
        assert [e.findtext("message") for e in events if e.tag == "self-test"] == [
            f"n{n}" for n in range(20)] + ["after"]
        change = [e for e in events if e.tag == "netconf-config-change"]
        assert len(change) == 1 and edits(change[0])
        times = [e.get("time") for e in events]
        assert times == sorted(times)


def test_an_upgrade_that_changes_capabilities_is_told(daemon_factory):
    """A module more, as an upgrade may bring it: here that of the null backend."""
    daemon = daemon_factory()

    def told():
        with Subscriber(daemon.socket) as subscriber:
            subscriber.subscribe(LONG_AGO)
            return [e for e in subscriber.until("replayComplete")
                    if e.tag == "netconf-capability-change"]

    assert not told(), "the first start changes nothing"
    daemon.null = True
    for _ in range(2):
        daemon.stop()
        daemon.start()
    changes = told()
    assert len(changes) == 1, "it is told once"
    assert [e.tag for e in changes[0]] == [
        "changed-by", "added-capability", "modified-capability"]
    assert changes[0].findtext("added-capability").startswith(f"{NULL}?")
    assert changes[0].find("changed-by/server") is not None
    assert "yang-library:1.1?" in changes[0].findtext("modified-capability")


def test_a_damaged_log_does_not_stop_the_start(daemon):
    with daemon.session() as session:
        self_test(session, "first")
    daemon.stop()
    segment = sorted((daemon.state / "events").glob("events.*"))[-1]
    with open(segment, "ab") as log:
        log.write(b"NORIA1\r\nhalf of a record")
    daemon.start()
    with daemon.session() as session, Subscriber(daemon.socket) as subscriber:
        self_test(session, "second")
        subscriber.subscribe(LONG_AGO)
        assert subscriber.messages("replayComplete") == ["first", "second"]


def test_operations_are_answered_while_events_come(daemon, session, subscriber):
    """Replies of several hundred kilobytes, and events all the while: they never mix."""
    session.set(items("".join(item(f"i{n}", f"<value>{'v' * 1000}</value>") for n in range(500))))
    subscriber.subscribe()
    for n in range(60):
        subscriber.message_id += 1
        subscriber.send(f'<rpc xmlns="{BASE}" message-id="{subscriber.message_id}">'
                        "<get-config><source><running/></source></get-config></rpc>")
        for _ in range(5):
            self_test(session, f"n{n}")
        reply = subscriber.receive()
        assert f'message-id="{subscriber.message_id}"' in reply
        assert reply.count("<item") == 500 and "eventTime" not in reply
        ElementTree.fromstring(reply)
    got = [subscriber.message() for _ in range(300)]
    assert got == [f"n{n}" for n in range(60) for _ in range(5)]


def test_many_subscribers_come_and_go(daemon, session):
    """Each of forty gets every event once and in order, whoever leaves meanwhile."""
    stay, leave = ([Subscriber(daemon.socket) for _ in range(40)] for _ in range(2))
    for subscriber in stay + leave:
        subscriber.subscribe(LONG_AGO)
    for n in range(200):
        self_test(session, f"n{n}")
        if n % 5 == 0:
            leave.pop().socket.close()
    for subscriber in stay:
        assert [subscriber.message() for _ in range(200)] == [f"n{n}" for n in range(200)]
        subscriber.socket.close()
    wait_for(lambda: daemon.log().count("ends, dropped") >= 80, "all of them to be gone")
    self_test(session, "nobody listens")


def memory(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) << 10


def test_a_stalled_subscriber_holds_up_nobody(daemon, session, subscriber):
    """It does not read; events are more than its queue and its sockets hold."""
    stalled = Subscriber(daemon.socket)
    stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.subscribe()
    subscriber.subscribe()
    count, message, slowest = 8000, "m" * 250, 0
    before = memory(daemon)
    for n in range(count):
        start = time.monotonic()
        self_test(session, f"{n} {message}"[:255])
        assert subscriber.message().startswith(f"{n} ")
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 20
    grown = memory(daemon) - before
    limit = 400 << 20 if "sanitize" in os.environ.get("NORIA_BUILD", "") else 24 << 20
    assert grown < limit, f"{grown >> 20} MB more"
    assert "does not keep up" in daemon.log()
    # When it reads again it is told what it missed, and then is on time.
    events = stalled.until("events-lost")
    got = [e.findtext("message").split()[0] for e in events if e.tag == "self-test"]
    lost = int(events[-1].findtext("count"))
    assert got == [str(n) for n in range(len(got))]
    assert count <= lost + len(got) <= count + 10  # sessions make events, too
    self_test(session, "on time")
    assert stalled.message() == "on time"
    stalled.socket.close()


def test_a_subscriber_that_goes_away_leaves_nothing(daemon, session):
    for _ in range(20):
        gone = Subscriber(daemon.socket)
        gone.subscribe(LONG_AGO)
        gone.socket.close()
    self_test(session, "hello")
    wait_for(lambda: daemon.log().count("ends, dropped") >= 20, "the sessions to end")
    assert session.data("running")


def test_a_backend_that_changes_is_told(daemon):
    """The null backend says at the start that it is up."""
    with Subscriber(daemon.socket) as subscriber:
        subscriber.subscribe(LONG_AGO)
        status = {e.findtext("name"): e.findtext("oper-status")
                  for e in subscriber.until("replayComplete") if e.tag == "backend-status-change"}
    assert status["null"] == "up"


def test_a_self_test_says_what_it_is_told(session, subscriber):
    subscriber.subscribe()
    session.rpc(f'<emit-self-test xmlns="{AGENT}"/>')
    assert subscriber.message() == "This is a test."
    with pytest.raises(RpcError):
        self_test(session, "")
    self_test(session, "&lt;&amp;\u00e9")
    assert subscriber.message() == "<&\u00e9"


def test_a_confirmed_commit_is_told(daemon):
    with daemon.session() as watcher, daemon.session() as session:
        watcher.rpc(f'<create-subscription xmlns="{EVENT}"/>')
        session.edit(items(item("a")))
        session.rpc("<commit><confirmed/><confirm-timeout>1</confirm-timeout></commit>")
        seen = ""
        while "<confirm-event>timeout<" not in seen:
            seen += watcher.receive()
        assert "<confirm-event>start<" in seen and "<timeout>1<" in seen
