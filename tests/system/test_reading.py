"""Reading: defaults (RFC 6243), monitoring (RFC 6022), the YANG library (RFC 8525), NMDA (8526)."""

import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from ncclient import manager
from ncclient.xml_ import to_ele

from daemon import SOURCE, YANG_DIRS
from netconf import (AGENT, BASE, NULL, RpcError, Session, item, items, real, server, servers,
                     wait_for)

DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
TAG = "urn:ietf:params:xml:ns:netconf:default:1.0"
MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
ORIGIN = "urn:ietf:params:xml:ns:yang:ietf-origin"
PREFIXES = f'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores" xmlns:or="{ORIGIN}"'
ITEM = f'<filter type="subtree"><null xmlns="{NULL}"/></filter>'
AN_ITEM = f'<subtree-filter><null xmlns="{NULL}"/></subtree-filter>'


def mode(name):
    return f'<with-defaults xmlns="{DEFAULTS}">{name}</with-defaults>'


def get_data(session, datastore, more=""):
    return session.rpc(f'<get-data xmlns="{NMDA}" {PREFIXES}><datastore>ds:{datastore}</datastore>'
                       f"{more}</get-data>")


def edit_data(session, datastore, config, more=""):
    return session.rpc(f'<edit-data xmlns="{NMDA}" {PREFIXES}><datastore>ds:{datastore}</datastore>'
                       f"{more}<config>{config}</config></edit-data>")


def elements(reply):
    """Name and text of every element that has no elements below it."""
    root = ElementTree.fromstring(reply)
    return [(e.tag.split("}")[1], e.text) for e in root.iter() if not len(e)]


def find(reply, path, space):
    """Elements of one namespace by a path of plain names."""
    steps = "/".join(f"{{{space}}}{name}" for name in path.split("/"))
    return ElementTree.fromstring(reply).findall(f".//{steps}")


@pytest.mark.parametrize("operation", ["running", "get"])
def test_what_a_filter_names_comes_in_the_order_of_the_datastore(session, operation):
    session.edit(items("".join(item(name) for name in "abcde")), target="running")
    named = "".join(item(name) for name in ("d", "b", "e", "b", "x", "a"))
    reply = session.data(operation, f'<filter type="subtree">{items(named)}</filter>')
    assert re.findall("<name>(.)</name>", reply) == list("abde")


# With defaults

SEEN = {  # what is seen of a set apply (to its default), an unset revert, a set delay
    "report-all": (True, True), "report-all-tagged": (True, True), "trim": (False, False),
    "explicit": (True, False), None: (True, False),
}


@pytest.mark.parametrize("operation", ["running", "candidate", "get", "new", "xpath"])
@pytest.mark.parametrize("name", SEEN)
def test_modes(session, name, operation):
    edit = items(item("a", "<apply>accept</apply><delay>1</delay>"))
    session.edit(edit)
    if operation != "new":
        session.commit()
    filter_ = (f'<filter type="xpath" xmlns:n="{NULL}" select="/n:null/n:item"/>'
               if operation == "xpath" else ITEM)
    datastore = {"new": "candidate", "xpath": "running"}.get(operation, operation)
    data = session.data(datastore, filter_ + (mode(name) if name else ""))
    seen = elements(f"<x>{data}</x>")
    assert ("apply", "accept") in seen if SEEN[name][0] else ("apply", "accept") not in seen
    assert ("revert", "accept") in seen if SEEN[name][1] else ("revert", "accept") not in seen
    assert ("delay", "1") in seen and ("name", "a") in seen


def test_tags_are_on_what_nobody_has_set(session):
    session.set(items(item("a", "<apply>accept</apply>")))
    reply = session.data("running", ITEM + mode("report-all-tagged"))
    root = ElementTree.fromstring(reply)
    tagged = {e.tag.split("}")[1] for e in root.iter() if e.get(f"{{{TAG}}}default") == "true"}
    assert reply.count("default=") == len(tagged)
    assert "revert" in tagged and "apply" not in tagged and "item" not in tagged


def test_an_unknown_mode_is_refused(session):
    with pytest.raises(RpcError) as refused:
        session.data("running", mode("report-none"))
    assert refused.value.tag == "invalid-value"


def tagged(value, operation="", tag="true", space=TAG):
    attribute = f' nc:operation="{operation}"' if operation else ""
    return items(item("a", f'<apply xmlns:wd="{space}" wd:default="{tag}"{attribute}>{value}'
                           "</apply>"))


@pytest.mark.parametrize("tag, space", [("true", TAG), ("1", TAG), ("true", DEFAULTS)])
@pytest.mark.parametrize("operation", ["", "merge", "replace"])
def test_an_edit_tagged_as_default_unsets(session, operation, tag, space):
    session.edit(items(item("a", "<apply>fail</apply>")))
    session.edit(tagged("accept", operation, tag, space))
    assert "apply" not in session.data("candidate", ITEM)
    session.edit(tagged("accept", "create", tag, space))
    session.edit(tagged("fail", tag="false"))
    assert "<apply>fail</apply>" in session.data("candidate", ITEM)
    session.edit(tagged("accept", tag="0"))
    assert "<apply>accept</apply>" in session.data("candidate", ITEM)


def test_what_was_read_with_tags_can_be_written_back(session):
    session.set(items(item("a", "<apply>accept</apply>")))
    before = session.data("running")
    session.edit(session.data("running", mode("report-all-tagged")), operation="replace")
    session.commit()
    assert session.data("running") == before


def test_the_order_of_a_users_keys(session):
    """The attributes yang:insert and yang:value (RFC 7950, 7.7.9)."""
    def keys(content):
        return (f'<netconf-server xmlns="{AGENT}" xmlns:yang="urn:ietf:params:xml:ns:yang:1"><user>'
                f"<name>u</name>{content}</user></netconf-server>")
    session.edit(keys("<authorized-key>ssh-rsa AA</authorized-key>"
                      "<authorized-key>ssh-rsa BB</authorized-key>"))
    session.edit(keys('<authorized-key yang:insert="first">ssh-rsa CC</authorized-key>'
                      '<authorized-key yang:insert="after" yang:value="ssh-rsa AA">ssh-rsa DD'
                      "</authorized-key>"))
    assert re.findall("ssh-rsa (..)", session.data("candidate")) == ["CC", "AA", "DD", "BB"]


@pytest.mark.parametrize("value, operation, tag", [
    ("fail", "", "invalid-value"), ("fail", "create", "invalid-value"),
    ("accept", "delete", "invalid-value"), ("accept", "remove", "invalid-value"),
    ("accept", "create", "data-exists")])
def test_a_wrong_tag_is_refused(session, value, operation, tag):
    session.set(items(item("a", "<apply>accept</apply>")))
    with pytest.raises(RpcError) as refused:
        session.edit(tagged(value, operation))
    assert refused.value.tag == tag
    assert refused.value.path == "/noria-null:null/item[name='a']/apply"


# Monitoring

def monitoring(session, content=""):
    return session.rpc(f'<get><filter type="subtree"><netconf-state xmlns="{MONITORING}">{content}'
                       "</netconf-state></filter></get>")


def test_the_state_of_sessions(daemon, session):
    with daemon.session() as other:
        other.rpc("<get-config><source><running/></source></get-config>")
        with pytest.raises(RpcError):
            other.rpc("<kill-session><session-id>9999</session-id></kill-session>")
        other.send("<rpc><nothing-known/></rpc>")
        other.receive()
        reply = monitoring(session, f"<sessions><session><session-id>{other.id}</session-id>"
                                    "</session></sessions>")
        seen = elements(reply)
        assert ("session-id", str(other.id)) in seen and ("username", "root") in seen
        assert ("session-id", str(session.id)) not in seen
        assert ("in-rpcs", "2") in seen and ("in-bad-rpcs", "1") in seen
        assert ("out-rpc-errors", "2") in seen and ("out-notifications", "0") in seen
        transport = find(reply, "session/transport", MONITORING)[0].text
        assert transport.endswith(":netconf-unix")
        assert "source-host" not in reply
        assert re.search(r"<login-time>\d{4}-\d\d-\d\dT", reply)
        assert len(find(monitoring(session, "<sessions/>"), "session", MONITORING)) == 2


def test_statistics(daemon, session):
    def statistics():
        return {name: int(text) for name, text in elements(monitoring(session, "<statistics/>"))
                if text.isdigit()}
    wait_for(lambda: statistics()["dropped-sessions"] == 1, "the end of the session that waited")
    before = statistics()
    with daemon.session() as closed:
        closed.rpc("<close-session/>")
    with daemon.session() as killed:
        killed.rpc("<get-config><source><running/></source></get-config>")
        session.rpc(f"<kill-session><session-id>{killed.id}</session-id></kill-session>")
    with pytest.raises((EOFError, OSError)):
        broken = Session.__new__(Session)
        broken.__init__(daemon.socket, versions=())
        broken.rpc("<get/>")
    wait_for(lambda: statistics()["in-bad-hellos"] > before["in-bad-hellos"], "the bad hello")
    after = statistics()
    assert after["in-sessions"] == before["in-sessions"] + 3
    assert after["in-bad-hellos"] == before["in-bad-hellos"] + 1
    assert after["dropped-sessions"] == before["dropped-sessions"]
    assert after["in-rpcs"] >= before["in-rpcs"] + 3


def test_locks_are_shown(daemon, session):
    with daemon.session() as other:
        other.rpc("<lock><target><candidate/></target></lock>")
        reply = monitoring(session, "<datastores/>")
        locks = find(reply, "datastore/locks/global-lock/locked-by-session", MONITORING)
        assert [lock.text for lock in locks] == [str(other.id)]
        assert "locked-time" in reply
        assert [e.text for e in find(reply, "datastore/name", MONITORING)] == [
            "running", "candidate", "startup"]
        other.rpc("<unlock><target><candidate/></target></unlock>")
        assert "locks" not in monitoring(session, "<datastores/>")


def test_every_schema_that_is_listed_is_had(session):
    reply = monitoring(session, "<schemas/>")
    schemas = find(reply, "schema", MONITORING)
    assert len(schemas) > 20
    for schema in schemas:
        identifier, version, form, location = (
            schema.find(f"{{{MONITORING}}}{name}").text
            for name in ("identifier", "version", "format", "location"))
        assert location == "NETCONF"
        text = session.rpc(f'<get-schema xmlns="{MONITORING}"><identifier>{identifier}</identifier>'
                           f"<version>{version or ''}</version>"
                           f'<format xmlns:ncm="{MONITORING}">{form}</format></get-schema>')
        assert identifier in text


def test_capabilities_are_those_of_the_hello(session):
    reply = monitoring(session, "<capabilities/>")
    listed = {e.text for e in find(reply, "capability", MONITORING)}
    hello = {c.replace("&amp;", "&") for c in session.capabilities}
    assert hello <= listed
    assert any("with-defaults:1.0?basic-mode=explicit" in c for c in hello)
    assert any("with-operational-defaults:1.0" in c for c in hello)


@pytest.mark.parametrize("select, wanted", [
    ("/m:netconf-state/m:sessions", True), ("//m:sessions/m:session", True),
    ("/m:netconf-state/m:statistics/m:in-rpcs | /n:null", True), ("/n:null", False),
    ("/*", True)])
def test_xpath_reaches_the_servers_own_state(session, select, wanted):
    data = session.data("get", f'<filter type="xpath" xmlns:m="{MONITORING}" xmlns:n="{NULL}" '
                               f'select="{select}"/>')
    assert ("netconf-state" in data) == wanted


def test_an_unfiltered_get_has_everything(session):
    data = session.data("get")
    for top in ("netconf-state", "yang-library", "agent", "snmp-agent"):
        assert f"<{top} xmlns=" in data
    assert "netconf-state" not in session.data("running")


# The YANG library

def content_ids(session):
    advertised = [c for c in session.capabilities if "yang-library:1.1" in c]
    reply = session.rpc(f'<get><filter type="subtree"><yang-library xmlns="{LIBRARY}"><content-id/>'
                        "</yang-library></filter></get>")
    return (re.search("content-id=([0-9a-f]+)", advertised[0]).group(1),
            find(reply, "content-id", LIBRARY)[0].text)


def test_the_content_id_outlives_a_restart(daemon_factory):
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        before = content_ids(session)
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        assert content_ids(session) == before
    assert before[0] == before[1]
    with daemon_factory(null=False).session() as session:
        assert content_ids(session)[0] != before[0]


def test_the_library_names_modules_and_datastores(session):
    reply = session.rpc(f'<get><filter type="subtree"><yang-library xmlns="{LIBRARY}"/></filter></get>')
    assert "<name>noria-virtual-server</name>" in reply
    names = {e.text.split(":")[1] for e in find(reply, "datastore/name", LIBRARY)}
    assert names == {"running", "candidate", "operational"}


# NMDA

@pytest.mark.parametrize("filter_", [
    f'<subtree-filter><null xmlns="{NULL}"><item><name>a</name></item></null></subtree-filter>',
    f"<xpath-filter xmlns:n='{NULL}'>/n:null/n:item[n:name='a']</xpath-filter>",
    f"<xpath-filter xmlns:n='{NULL}'>/n:null/n:item[n:name=\"a\"]</xpath-filter>"])
def test_get_data(session, filter_):
    session.set(items(item("a", "<value>va</value>") + item("b")))
    session.edit(items(item("a", "<value>new</value>")))
    for datastore, value in (("running", "va"), ("candidate", "new"), ("operational", "va")):
        reply = get_data(session, datastore, filter_)
        assert f"<value>{value}</value>" in reply and "<name>b" not in reply
        assert ("<held>" in reply) == (datastore == "operational")
        assert ("<revert>" in reply) == (datastore == "operational")
        root = ElementTree.fromstring(reply)
        assert root[0].tag == f"{{{NMDA}}}data"


def test_get_data_without_a_filter_and_with_an_empty_one(session):
    assert "netconf-state" in get_data(session, "operational")
    assert not elements(get_data(session, "operational", "<subtree-filter/>"))[0][1]
    assert "snmp-agent" in get_data(session, "running")
    assert "netconf-state" not in get_data(session, "running")


def test_get_data_under_long_attributes(session):
    """The start tag of the reply repeats them."""
    session.set(items(item("a", "<value>va</value>")))
    session.send(f'<rpc xmlns="{BASE}" message-id="x" xmlns:l="urn:l" l:long="{"l" * 5000}">'
                 f'<get-data xmlns="{NMDA}" {PREFIXES}><datastore>ds:running</datastore></get-data>'
                 "</rpc>")
    assert "<value>va</value>" in session.receive()


@pytest.mark.parametrize("operation", ["<datastore>ds:intended</datastore>",
                                       "<datastore>ds:intended</datastore>",
                                       "<datastore>ds:nothing</datastore>",
                                       "<datastore>ds:running</datastore><with-origin/>",
                                       "<datastore>ds:running</datastore><max-depth>0</max-depth>",
                                       "<datastore>ds:running</datastore>"
                                       "<xpath-filter>1 + 1</xpath-filter>"])
def test_bad_get_data_is_refused(session, operation):
    with pytest.raises(RpcError) as refused:
        session.rpc(f'<get-data xmlns="{NMDA}" {PREFIXES}>{operation}</get-data>')
    assert refused.value.tag == "invalid-value"


def test_a_missing_datastore_is_refused(session):
    for name in ("get-data", "edit-data"):
        with pytest.raises(RpcError) as refused:
            session.rpc(f'<{name} xmlns="{NMDA}"/>')
        assert refused.value.tag == "missing-element"
        assert refused.value.element == "datastore"


def origins(reply):
    """The origin of each leaf, as it is inherited."""
    found = {}

    def walk(element, inherited):
        origin = element.get(f"{{{ORIGIN}}}origin", inherited)
        found[element.tag.split("}")[1]] = origin
        for child in element:
            walk(child, origin)
    walk(ElementTree.fromstring(reply), None)
    return found


@pytest.mark.parametrize("filter_", ["", AN_ITEM, f"<xpath-filter xmlns:n='{NULL}'>/n:null"
                                                  "</xpath-filter>"])
def test_origins(session, filter_):
    session.set(items(item("a", "<apply>accept</apply>")))
    found = origins(get_data(session, "operational", filter_ + "<with-origin/>"))
    assert found["apply"] == found["item"] == found["null"] == "or:intended"
    assert found["revert"] == found["delay"] == "or:default"
    assert "origin" not in get_data(session, "operational", AN_ITEM)


def test_origin_filters(session):
    session.set(items(item("a", "<apply>accept</apply>")))
    only = {"intended": {"name", "apply", "held"}, "default": {"name", "revert", "held"},
            "system": {"name", "held"}}
    for name, wanted in only.items():
        seen = {e[0] for e in elements(get_data(session, "operational", AN_ITEM +
                                                f"<origin-filter>or:{name}</origin-filter>"))}
        assert wanted <= seen and not {"name", "apply", "revert", "held"} & (seen - wanted)
    seen = {e[0] for e in elements(get_data(
        session, "operational", AN_ITEM + "<negated-origin-filter>or:default"
        "</negated-origin-filter>"))}
    assert "apply" in seen and "revert" not in seen
    with pytest.raises(RpcError):
        get_data(session, "running", "<origin-filter>or:intended</origin-filter>")


def test_config_filter(session):
    session.set(items(item("a", "<value>va</value>")))
    state = {e[0] for e in elements(get_data(session, "operational",
                                             AN_ITEM + "<config-filter>false</config-filter>"))}
    assert state == {"name", "held"}
    config = get_data(session, "operational", "<config-filter>true</config-filter>")
    assert "va" in config and "held" not in config and "netconf-state" not in config
    assert elements(get_data(session, "running", "<config-filter>false</config-filter>")) == [
        ("data", None)]


DEPTHS = {  # by filter and depth, the elements below data
    "": [(1, {"null", "snmp-agent", "netconf-server", "virtual-servers"}),
         (2, {"item", "name"}), (3, {"apply"})],
    AN_ITEM: [(1, {"null"}), (2, {"null", "item", "name"}), (3, {"null", "item", "name", "apply"})],
    f"<xpath-filter xmlns:n='{NULL}'>/n:null/n:item</xpath-filter>":
        [(1, {"null", "item", "name"}), (2, {"null", "item", "name", "apply"})],
    f"<xpath-filter xmlns:n='{NULL}'>/n:null/n:item/n:apply</xpath-filter>":
        [(1, {"null", "item", "name", "apply"})],
    f'<subtree-filter><null xmlns="{NULL}"><item><apply/></item></null></subtree-filter>':
        [(1, {"null", "item", "name", "apply"})],
    f'<subtree-filter><null xmlns="{NULL}"><item/></null></subtree-filter>':
        [(1, {"null", "item", "name"}), (2, {"null", "item", "name", "apply"})],
}


@pytest.mark.parametrize("filter_", DEPTHS)
def test_depth(session, filter_):
    session.set(items(item("a", "<apply>accept</apply>")))
    for depth, wanted in DEPTHS[filter_]:
        reply = get_data(session, "running", filter_ + f"<max-depth>{depth}</max-depth>")
        seen = {e.tag.split("}")[1] for e in ElementTree.fromstring(reply).iter()}
        seen -= {"rpc-reply", "data"}
        assert wanted <= seen if not filter_ else wanted == seen
        assert depth > 1 or filter_ or "item" not in seen
    reply = get_data(session, "running", filter_ + "<max-depth>unbounded</max-depth>")
    assert "<apply>" in reply


def test_edit_data(session):
    edit_data(session, "running", items(item("a", "<value>va</value>")))
    assert "va" in session.data("running", ITEM)
    edit_data(session, "candidate", items(item("b")))
    assert "<name>b" not in session.data("running", ITEM)
    session.commit()
    edit_data(session, "running", items(item("c")),
              "<default-operation>replace</default-operation>")
    data = session.data("running")
    assert "<name>c" in data and "<name>a" not in data and "snmp-agent" not in data


@pytest.mark.parametrize("datastore", ["operational", "startup", "intended"])
def test_edit_data_of_what_cannot_be_edited_is_refused(session, datastore):
    with pytest.raises(RpcError) as refused:
        edit_data(session, datastore, items(item("a")))
    assert refused.value.tag == "invalid-value"
    with pytest.raises(RpcError) as refused:
        edit_data(session, "running", items("<item/>"))
    assert refused.value.tag == "missing-element"


def test_operations_take_the_names_of_datastores(daemon, session):
    def named(operation, role, datastore):
        session.rpc(f'<{operation}><{role}><datastore xmlns="{NMDA}" {PREFIXES}>ds:{datastore}'
                    f"</datastore></{role}></{operation}>")
    with daemon.session() as other:
        named("lock", "target", "candidate")
        with pytest.raises(RpcError) as refused:
            other.rpc("<lock><target><candidate/></target></lock>")
        assert refused.value.tag == "lock-denied"
        named("unlock", "target", "candidate")
        other.rpc("<lock><target><candidate/></target></lock>")
    named("validate", "source", "running")
    for operation, role in (("lock", "target"), ("unlock", "target"), ("validate", "source")):
        with pytest.raises(RpcError) as refused:
            named(operation, role, "operational")
        assert refused.value.tag == "invalid-value"


def test_what_was_read_with_defaults_can_be_written_back(session):
    session.set(items(item("a", "<delay>1</delay>")))
    plain = session.data("running")
    assert session.data("running", mode("explicit")) == plain
    whole = session.data("running", mode("report-all"))
    assert len(whole) > len(plain)
    session.edit(whole, operation="replace")
    session.commit()
    assert session.data("running", mode("trim")) == plain


def test_with_ncclient_over_ssh(daemon_factory):
    daemon = daemon_factory(start=False, null=True)
    password = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True,
                              capture_output=True, text=True).stdout.strip()
    daemon.config.write_text(daemon.default_configuration(
        f"<user><name>admin</name><password>{password}</password></user>"))
    daemon.start()
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, username="admin",
                         password="secret", hostkey_verify=False, allow_agent=False,
                         look_for_keys=False, timeout=120) as client:
        for name in ("report-all", "report-all-tagged", "trim", "explicit"):
            data = client.get_config("running", with_defaults=name).data_xml
            assert ("<idle-timeout" in data) == name.startswith("report-all")
        data = client.dispatch(to_ele(
            f'<get-data xmlns="{NMDA}" {PREFIXES}><datastore>ds:operational</datastore>'
            "<with-origin/></get-data>")).xml
        assert "or:default" in data
        state = client.get(("subtree", f'<netconf-state xmlns="{MONITORING}"><sessions/>'
                                       "</netconf-state>")).data_xml
        assert ("username", "admin") in elements(state)
        assert ("source-host", "127.0.0.1") in elements(state)
        assert find(state, "session/transport", MONITORING)[0].text.endswith("netconf-ssh")


def yanglint(folder, kind, data):
    """Whether yanglint, which reads strictly, takes data for what they are said to be."""
    folders = YANG_DIRS.split(":")
    modules = [*SOURCE.glob("yang/*.yang"), *SOURCE.glob("tests/yang/*.yang")]
    for name in ("ietf-netconf-acm", "ietf-netconf-monitoring", "ietf-alarms", "nc-notifications"):
        modules.append(next(file for folder_ in folders
                            for file in sorted(pathlib.Path(folder_).glob(f"{name}[.@]*"))))
    file = folder / f"{kind}.xml"
    file.write_text(data)
    done = subprocess.run(["yanglint", *(a for f in folders for a in ("-p", f)), "-y", "-t", kind,
                           *modules, file], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


@pytest.mark.once
def test_yanglint_takes_what_is_read(daemon_factory, tmp_path):
    daemon = daemon_factory(null="all")
    with daemon.session() as session:
        session.set(servers(server("web", real("10.0.0.1", 80), "192.0.2.1", 80)
                            + server("mark", real("10.0.0.2", 0), mark=3)))
        for operation, kind in (("running", "getconfig"), ("get", "get")):
            data = session.data(operation)
            taken, said = yanglint(tmp_path, kind, data)
            assert taken, said
            assert not yanglint(tmp_path, kind, data.replace("<port>80<", "<port>no<"))[0]
