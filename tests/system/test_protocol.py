"""The protocol itself: versions, framing, filters, sessions, and what is not NETCONF at all."""

import random
import socket
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

from netconf import AGENT, BASE, NULL, RpcError, Session, item, items, wait_for


@pytest.mark.parametrize("versions", [("1.0",), ("1.1",), ("1.0", "1.1")])
def test_both_versions(daemon, versions):
    with daemon.session(versions=versions) as session:
        session.set(items(item("a", "<value>" + "v" * 100000 + "</value>")))
        assert "v" * 100000 in session.data("running")


def test_the_hello_says_what_the_server_can(session):
    for capability in ("urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1",
                       "urn:ietf:params:netconf:capability:candidate:1.0",
                       "urn:ietf:params:netconf:capability:writable-running:1.0",
                       "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
                       "urn:ietf:params:netconf:capability:validate:1.1",
                       "urn:ietf:params:netconf:capability:xpath:1.0"):
        assert capability in session.capabilities


SUBTREE = {
    "no match": ('<null xmlns="{n}"><item><name>z</name></item></null>', [], [">a<", ">b<"]),
    "by key": ('<null xmlns="{n}"><item><name>a</name></item></null>', [">a<", ">va<"], [">b<", ">vb<"]),
    "one leaf of each": ('<null xmlns="{n}"><item><value/></item></null>', [">va<", ">vb<"], ["<held>"]),
    "one leaf by key": ('<null xmlns="{n}"><item><name>b</name><value/></item></null>',
                        ["<name>b", ">vb<"], [">va<"]),
    "by content": ('<null xmlns="{n}"><item><value>vb</value></item></null>', ["<name>b"],
                   ["<name>a"]),
    "a container": ('<null xmlns="{n}"/>', [">va<", ">vb<"], ["snmp-agent"]),
    "two of them": ('<null xmlns="{n}"><item><name>a</name></item></null>'
                    '<snmp-agent xmlns="{g}"/>', [">va<", "snmp-agent"], [">vb<"]),
    "nothing": ("", [], ["item", "agent"]),
    "another namespace": ('<null xmlns="urn:nobody"/>', [], ["item"]),
}


@pytest.mark.parametrize("operation", ["running", "get"])
@pytest.mark.parametrize("case", SUBTREE)
def test_subtree_filters(session, operation, case):
    filter_, wanted, unwanted = SUBTREE[case]
    session.set(items(item("a", "<value>va</value>") + item("b", "<value>vb</value>")))
    data = session.data(operation,
                        f'<filter type="subtree">{filter_.format(n=NULL, g=AGENT)}</filter>')
    assert all(word in data for word in wanted), data
    assert not any(word in data for word in unwanted), data


XPATH = {
    "by key": ("/n:null/n:item[n:name='a']", [">va<"], [">vb<"]),
    "a leaf": ("/n:null/n:item/n:value", [">va<", ">vb<"], ["<held>"]),
    "by content": ("/n:null/n:item[n:value='vb']", [">vb<"], [">va<"]),
    "union": ("/n:null/n:item[n:name='a'] | /g:snmp-agent", [">va<", "snmp-agent"], [">vb<"]),
    "nothing": ("/n:null/n:item[n:name='z']", [], ["item"]),
}


@pytest.mark.parametrize("case", XPATH)
def test_xpath_filters(session, case):
    select, wanted, unwanted = XPATH[case]
    session.set(items(item("a", "<value>va</value>") + item("b", "<value>vb</value>")))
    data = session.data("running", f'<filter type="xpath" xmlns:n="{NULL}" xmlns:g="{AGENT}" '
                                   f'select="{select}"/>')
    assert all(word in data for word in wanted), data
    assert not any(word in data for word in unwanted), data


def test_a_bad_xpath_is_refused(session):
    with pytest.raises(RpcError) as refused:
        session.data("running", f'<filter type="xpath" xmlns:n="{NULL}" select="/n:null["/>')
    assert refused.value.tag in ("invalid-value", "bad-attribute")


@pytest.mark.parametrize("select", ["/n:null/n:item[1 mod 0 = 1]", "*modtype", ".mod 0", "1mod(0)",
                                    "/n:null[n:item]mod 0", "'x'mod 0", "(1) mod -1"])
def test_a_remainder_in_a_filter_is_refused(session, select):
    """Integer division by zero would end the agent, not the session."""
    session.set(items(item("a")))
    with pytest.raises(RpcError) as refused:
        session.data("running", f'<filter type="xpath" xmlns:n="{NULL}" select="{select}"/>')
    assert refused.value.tag == "invalid-value"
    assert session.data("running"), "the agent goes on"


def test_mod_in_names_and_texts_of_a_filter_is_none(session):
    session.set(items(item("mod", "<value>a mod b</value>")))
    found = session.data("running", f'<filter type="xpath" xmlns:n="{NULL}" '
                                    "select=\"/n:null/n:item[n:value='a mod b']\"/>")
    assert "<name>mod</name>" in found
    assert "<module>" in session.data("get", (
        '<filter type="xpath" xmlns:l="urn:ietf:params:xml:ns:yang:ietf-yang-library" '
        'select="/l:modules-state/l:module"/>'))


def test_a_whole_schema_is_had(session):
    reply = session.rpc('<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
                        "<identifier>noria-virtual-server</identifier></get-schema>")
    assert "module noria-virtual-server" in reply
    with pytest.raises(RpcError):
        session.rpc('<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
                    "<identifier>nothing</identifier></get-schema>")


def test_an_unknown_operation_is_refused(session):
    with pytest.raises(RpcError) as refused:
        session.rpc('<fly xmlns="urn:nobody"/>')
    assert refused.value.tag in ("operation-not-supported", "unknown-element", "unknown-namespace")
    assert session.data("running")


def test_an_rpc_without_message_id_is_refused(session):
    session.send(f'<rpc xmlns="{BASE}"><get-config><source><running/></source></get-config></rpc>')
    reply = session.receive()
    assert "missing-attribute" in reply and "message-id" in reply
    assert session.data("running")


def test_attributes_of_a_request_come_back_as_they_were(session):
    """RFC 6241, 4.1 and 4.2, with whatever a client may put there."""
    chance = random.Random(1)
    pieces = ["a", "&lt;", "&amp;", "&gt;", "&quot;", "&apos;", "&#x20AC;", "ä€", "{}", "x:y",
              " ", "]]&gt;", "="]
    for number in range(300):
        prefix = chance.choice(["", "nc:", "_x-1.2:"])
        declared = f'xmlns{":" + prefix[:-1] if prefix else ""}="{BASE}"'
        attributes = [f'a{n}="{"".join(chance.choices(pieces, k=chance.randrange(6)))}"'
                      for n in range(chance.randrange(4))]
        attributes += [f'p{n}:b{n}="{n}" xmlns:p{n}="urn:{chance.randrange(3)}{n}"'
                       for n in range(chance.randrange(3))]
        attributes += [f'message-id="{"".join(chance.choices(pieces, k=3))}{number}"', declared]
        chance.shuffle(attributes)
        operation = chance.choice(["get-config><{0}source><{0}running/></{0}source></{0}get-config",
                                   "discard-changes/", "get-config/", "nothing/"])
        start = f"<{prefix}rpc {' '.join(attributes)}>"
        session.send(f"{start}<{prefix}{operation.format(prefix)}></{prefix}rpc>")
        wanted = ElementTree.fromstring(f"{start}</{prefix}rpc>").attrib
        reply = ElementTree.fromstring(session.receive())
        assert reply.tag == f"{{{BASE}}}rpc-reply" and reply.attrib == wanted, start
        assert len(reply) == 1


def test_malformed_xml_is_answered_and_the_others_go_on(daemon, session):
    with daemon.session() as broken:
        broken.send(f'<rpc xmlns="{BASE}" message-id="1"><get-config></rpc>')
        try:
            assert "rpc-error" in broken.receive()
        except (EOFError, ConnectionError):
            pass  # to end the session is allowed, too (RFC 6241, 3)
    assert session.data("running")


@pytest.mark.parametrize("name", [b"\xe4", "x" * 19 + "\u20ac"])
def test_what_a_reply_quotes_is_utf8(daemon, name):
    """libyang quotes bytes of what it cannot read, and cuts them off within a character."""
    name = name if isinstance(name, bytes) else name.encode()
    replies = []
    for content in (b"<%s/>", b"<get></%s>", b"<get>%s</get>", b"<get>&%s;</get>", b"<get><%s/></get>",
                    b"<get/>%s", b"<get/></%srpc>", b"<get/><!%s"):
        with daemon.session(versions=("1.0",)) as session:
            session.send_bytes(f'<rpc xmlns="{BASE}" message-id="1">'.encode() + content % name
                               + b"</rpc>]]>]]>")
            try:
                replies.append(ElementTree.fromstring(session.receive()))
            except EOFError:
                pass  # not even the envelope could be read
    assert len(replies) > 4 and all(reply.tag == f"{{{BASE}}}rpc-reply" for reply in replies)


ATTRIBUTES = {
    "without a namespace": ('<get-config speed="1"/>', "speed", "get-config"),
    "of a module": ('<get n:speed="1"/>', "ietf-netconf:speed", "get"),
    "of nobody": ('<get-config xmlns:x="urn:x" x:speed="1"/>', "x:speed", "get-config"),
    "deeper": ('<get-config><source n:speed="1"><running/></source></get-config>',
               "ietf-netconf:speed", "get-config"),
}


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_an_unknown_attribute_is_named(session, case):
    operation, attribute, element = ATTRIBUTES[case]
    session.send(f'<rpc xmlns="{BASE}" xmlns:n="{BASE}" message-id="1">{operation}</rpc>')
    error = RpcError(ElementTree.fromstring(session.receive()))
    assert (error.tag, error.attribute, error.element) == ("unknown-attribute", attribute, element)


ACTION = '<action xmlns="urn:ietf:params:xml:ns:yang:1"'
BAD_ACTIONS = {
    "text": f"{ACTION}>text<null xmlns='{NULL}'/></action>",
    "nothing but text": f"{ACTION}>text</action>",
    "a space that is no white space": f"{ACTION}>&#32;<null xmlns='{NULL}'/></action>",
    "character data": f"{ACTION}> <![CDATA[ ]]></action>",
    "an entity of nobody": f"{ACTION} a='&none;'><null xmlns='{NULL}'/></action>",
    "an attribute without a value": f"{ACTION} a=><null xmlns='{NULL}'/></action>",
    "a prefix of nobody": f"{ACTION} x:a='1'><null xmlns='{NULL}'/></action>",
    "a name of nobody": f"<x:action><null xmlns='{NULL}'/></x:action>",
    "no end": ACTION,
    "another prefix": "<y:action xmlns:y='urn:ietf:params:xml:ns:yang:1'>text</y:action>",
}


@pytest.mark.parametrize("case", BAD_ACTIONS)
def test_a_bad_action_is_refused_and_the_agent_goes_on(daemon, session, case):
    """libyang frees what it has not set, which ends the agent now or some time later."""
    for _ in range(20):
        with pytest.raises(RpcError) as refused:
            session.rpc(f"<!-- <action> -->{BAD_ACTIONS[case]}")
        assert refused.value.tag == "malformed-message"
        session.rpc(f'<get><filter type="subtree"><agent xmlns="{AGENT}"/></filter></get>')


# How a value may be written, and what it is.
VALUES = {
    "character data": ("a<![CDATA[<b>&amp;<!-- -->]]>", "a&lt;b&gt;&amp;amp;&lt;!-- --&gt;"),
    "a comment": ("a<!-- <c> -->b<!---->", "ab"),
    "an instruction": ("<?x <y> ?>ab<?z?>", "ab"),
    "references": ("&#65;&#x42;&lt;&apos;", "AB&lt;'"),
    "white space": (" \n a ", " \n a "),
    "nothing": ("<!-- nothing -->", ""),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_is_what_xml_says(session, case):
    written, value = VALUES[case]
    session.edit(items("<!-- 1 --><?x?>" + item("a", f"<value>{written}</value><!-- 2 -->")))
    data = session.data("candidate", f'<filter type="subtree"><null xmlns="{NULL}"><!-- 3 --><item>'
                                     "<name>a<!-- 4 --></name></item></null></filter>")
    assert f"<name>a</name><value>{value}</value>" in data.replace("<value/>", "<value></value>")


@pytest.mark.parametrize("operation", ["edit-config", "edit-data"])
def test_an_operation_without_a_namespace_is_refused(session, operation):
    """Else what is to be deleted is merged."""
    session.set(items(item("a")))
    content = items('<item operation="delete"><name>a</name></item>')
    config = f"<config>{content}</config>"
    nmda = ('xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:'
            'yang:ietf-datastores"><datastore>ds:running</datastore')
    with pytest.raises(RpcError) as refused:
        session.rpc(f"<edit-config><target><running/></target>{config}</edit-config>"
                    if operation == "edit-config" else f"<edit-data {nmda}>{config}</edit-data>")
    assert (refused.value.tag, refused.value.attribute) == ("unknown-attribute", "operation")
    filter_ = f'<filter type="subtree"><null xmlns="{NULL}"><item operation="x"/></null></filter>'
    assert "item" not in session.data("running", filter_), "in a filter it is a condition"


@pytest.mark.parametrize("operation", ["edit-config", "edit-data"])
@pytest.mark.parametrize("attribute", ["operation", "insert"])
def test_an_attribute_with_a_value_that_it_cannot_have(session, operation, attribute):
    """RFC 6241, appendix A."""
    prefix = "nc" if attribute == "operation" else "y"
    config = (f'<config xmlns:nc="{BASE}" xmlns:y="urn:ietf:params:xml:ns:yang:1">'
              + items(item("good", operation="merge")
                      + f'<item {prefix}:{attribute}="frobnicate"><name>a</name></item>')
              + "</config>")
    nmda = ('xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="urn:ietf:params:xml:ns:'
            'yang:ietf-datastores"><datastore>ds:running</datastore')
    with pytest.raises(RpcError) as refused:
        session.rpc(f"<edit-config><target><running/></target>{config}</edit-config>"
                    if operation == "edit-config" else f"<edit-data {nmda}>{config}</edit-data>")
    error = refused.value
    assert (error.tag, error.attribute, error.element) == ("bad-attribute", attribute, "item")
    assert "frobnicate" in error.message and "<item>" not in session.data("running")


@pytest.mark.parametrize("attributes", ["message-id='1'", "x='1' x='1'",
                                        "xmlns:a='urn:x' xmlns:b='urn:x' a:x='1' b:x='2'"])
def test_an_attribute_that_is_there_twice_is_no_xml(session, attributes):
    session.send(f'<rpc xmlns="{BASE}" message-id="1" {attributes}><discard-changes/></rpc>')
    assert "malformed-message" in session.receive()
    assert session.data("running")


BLANK = {"spaces": "  ", "a newline": "\n", "a comment": "<!-- nothing -->", "a declaration":
         '<?xml version="1.0"?>'}


@pytest.mark.parametrize("versions", [("1.0",), ("1.1",)])
@pytest.mark.parametrize("case", BLANK)
def test_a_blank_message_ends_its_session_at_most(daemon, session, case, versions):
    with daemon.session(versions=versions) as blank:
        blank.send(BLANK[case])
        if blank.chunked:
            assert "malformed-message" in blank.receive()
        else:
            with pytest.raises(EOFError):  # base:1.0 has no reply without a message-id
                blank.receive()
    assert session.data("running")


GARBAGE = {
    "not NETCONF": b"GET / HTTP/1.0\r\n\r\n",
    "a chunk without end": b"\n#4294967295\n<rpc",
    "a chunk of 0": b"\n#0\n\n##\n",
    "a bad chunk": b"\n#x\n",
    "binary": bytes(range(256)) * 16,
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_ends_its_session_at_most(daemon, session, case):
    broken = daemon.session()
    broken.send_bytes(GARBAGE[case])
    broken.socket.close()
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(daemon.socket)
    raw.sendall(GARBAGE[case])
    raw.close()
    assert session.data("running")


def test_kill_session(daemon, session):
    other = daemon.session()
    other.rpc("<lock><target><running/></target></lock>")
    session.rpc(f"<kill-session><session-id>{other.id}</session-id></kill-session>")
    with pytest.raises((EOFError, ConnectionError, BrokenPipeError)):
        other.rpc("<get-config><source><running/></source></get-config>")
    session.rpc("<lock><target><running/></target></lock>")
    for wrong in (session.id, 99999):
        with pytest.raises(RpcError) as refused:
            session.rpc(f"<kill-session><session-id>{wrong}</session-id></kill-session>")
        assert refused.value.tag == "invalid-value"


def test_close_session(daemon):
    session = daemon.session()
    assert "<ok/>" in session.rpc("<close-session/>")
    with pytest.raises((EOFError, ConnectionError, BrokenPipeError)):
        session.rpc("<get/>")


def test_twenty_sessions_at_once(daemon):
    failures = []

    def work(number):
        try:
            with daemon.session() as session:
                for round_ in range(5):
                    session.edit(items(item(f"i{number}", f"<value>{round_}</value>")),
                                 target="running")
                    assert f"<value>{round_}</value>" in session.data(
                        "running", f'<filter type="subtree"><null xmlns="{NULL}"><item>'
                                   f"<name>i{number}</name></item></null></filter>")
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    with daemon.session() as session:
        assert session.data("running").count("<item>") == 20


def test_idle_sessions_cost_nothing(daemon):
    sessions = [daemon.session() for _ in range(10)]

    def ticks():
        with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    wait_for(lambda: all(s.data("running") is not None for s in sessions), "all to answer")
    before, start = ticks(), time.monotonic()
    time.sleep(2)  # a span to measure over, until which nothing is awaited
    share = (ticks() - before) / 100 / (time.monotonic() - start)
    for session in sessions:
        session.socket.close()
    assert share < 0.05, f"{share:.0%} of a processor with ten idle sessions"


def test_it_stops_at_once_with_sessions_open(daemon):
    sessions = [daemon.session() for _ in range(3)]
    start = time.monotonic()
    daemon.stop()
    assert time.monotonic() - start < 25
    for session in sessions:
        session.socket.close()


def limit(leaf, value):
    return f'<netconf-server xmlns="{AGENT}"><{leaf}>{value}</{leaf}></netconf-server>'


def test_a_message_that_is_too_long_ends_its_session(daemon, session):
    session.set(limit("max-message-size", 65536))
    with daemon.session() as long:
        with pytest.raises((EOFError, ConnectionError)):
            long.edit(items(item("a", "<value>" + "v" * 70000 + "</value>")))
            long.receive()
    with daemon.session() as right:
        right.edit(items(item("a", "<value>" + "v" * 60000 + "</value>")))


def test_half_open_connections_do_not_keep_others_out(daemon, session):
    session.set(limit("max-logins", 8))
    silent = []
    for _ in range(100):
        client = socket.create_connection(("127.0.0.1", daemon.ssh_port))
        silent.append(client)
    with socket.create_connection(("127.0.0.1", daemon.ssh_port)) as late:
        late.settimeout(60)
        assert late.recv(4) == b"SSH-"
    with daemon.session() as other:
        assert other.data("running")
    for client in silent:
        client.close()


def test_connections_are_limited_and_root_still_gets_in(daemon, session):
    session.set(limit("max-connections", 4))
    many = []
    for _ in range(12):
        many.append(daemon.session())
    assert many[-1].data("running")
    for each in many:
        each.socket.close()
