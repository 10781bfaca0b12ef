"""The startup datastore (RFC 6241, 8.7): a configuration put aside, and what may begin with it."""

import pytest

from netconf import NULL, RpcError, item, items

STARTUP = "<startup/>"


def copy(session, target, source):
    session.rpc(f"<copy-config><target>{target}</target><source>{source}</source></copy-config>")


def config(content):
    return f"<config>{content}</config>"


def refused(session, content):
    with pytest.raises(RpcError) as caught:
        session.rpc(content)
    return caught.value


def held(daemon):
    with daemon.session() as session:
        return session.get("null/item/held")


def test_the_hello_says_so(session):
    assert "urn:ietf:params:netconf:capability:startup:1.0" in session.capabilities


def test_it_is_empty_until_it_is_written_and_after_it_was_deleted(session):
    session.set(items(item("a")))
    assert session.data("startup") == ""
    copy(session, STARTUP, "<running/>")
    assert session.data("startup") == session.data("running")
    assert "<name>a</name>" in session.data("startup")
    session.rpc(f"<delete-config><target>{STARTUP}</target></delete-config>")
    assert session.data("startup") == ""
    session.rpc(f"<delete-config><target>{STARTUP}</target></delete-config>")


def test_it_stays_when_running_changes_and_after_a_crash(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>saved</value>")))
        copy(session, STARTUP, "<running/>")
        session.set(items(item("a", "<value>later</value>")))
        assert ">saved<" in session.data("startup")
        assert (daemon.state / "startup").stat().st_mode & 0o777 == 0o600
        daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert ">saved<" in session.data("startup")
        assert session.get("null/item/held") == ["later"]
        assert "null" in session.data("startup", f'<filter type="subtree"><null xmlns="{NULL}"/>'
                                                 "</filter>")


def test_copies_between_all_datastores(session):
    session.set(items(item("a", "<value>1</value>")))
    copy(session, STARTUP, "<running/>")
    session.set(items(item("a", operation="delete") + item("b", "<value>2</value>")))
    copy(session, "<running/>", STARTUP)
    assert session.get("null/item/held") == ["1"]
    session.edit(items(item("c", "<value>3</value>")))
    copy(session, STARTUP, "<candidate/>")
    assert ">3<" in session.data("startup") and ">3<" not in session.data("running")
    session.rpc("<discard-changes/>")
    copy(session, "<candidate/>", STARTUP)
    assert ">3<" in session.data("candidate")
    session.commit()
    assert sorted(session.get("null/item/held")) == ["1", "3"]
    copy(session, STARTUP, config(items(item("d", "<value>4</value>"))))
    assert ">4<" in session.data("startup") and ">1<" not in session.data("startup")
    copy(session, "<candidate/>", config(items(item("e", "<value>5</value>"))))
    copy(session, "<running/>", "<candidate/>")
    assert session.get("null/item/held") == ["5"]
    copy(session, "<candidate/>", "<running/>")
    assert session.data("candidate") == session.data("running")


@pytest.mark.parametrize("name", ["running", "candidate", "startup"])
def test_a_copy_to_itself_is_refused(session, name):
    assert refused(session, f"<copy-config><target><{name}/></target><source><{name}/></source>"
                            "</copy-config>").tag == "invalid-value"


def test_what_is_not_valid_does_not_get_there(session):
    session.set(items(item("a")))
    copy(session, STARTUP, "<running/>")
    wrong = f"<copy-config><target>{STARTUP}</target><source>" \
            f"{config(items(item('b', '<prepare>refuse</prepare>')))}</source></copy-config>"
    assert refused(session, wrong).tag == "invalid-value"
    assert "<name>a</name>" in session.data("startup")
    bad = wrong.replace("<prepare>refuse</prepare>", "<fly/>")
    assert refused(session, bad).tag == "unknown-element"


def test_validate(session):
    session.set(items(item("a")))
    copy(session, STARTUP, "<running/>")
    session.rpc(f"<validate><source>{STARTUP}</source></validate>")


def test_locks(daemon, session):
    session.rpc(f"<lock><target>{STARTUP}</target></lock>")
    with daemon.session() as other:
        denied = refused(other, f"<lock><target>{STARTUP}</target></lock>")
        assert denied.tag == "lock-denied" and denied.session == str(session.id)
        assert "startup" in denied.message
        for operation in (f"<copy-config><target>{STARTUP}</target><source><running/></source>"
                          "</copy-config>",
                          f"<delete-config><target>{STARTUP}</target></delete-config>"):
            assert refused(other, operation).tag == "in-use"
    copy(session, STARTUP, "<running/>")
    session.rpc(f"<unlock><target>{STARTUP}</target></unlock>")
    with daemon.session() as other:
        other.rpc(f"<lock><target>{STARTUP}</target></lock>")
    assert refused(session, f"<unlock><target>{STARTUP}</target></unlock>").tag \
        == "operation-failed"


def test_what_must_not_be(session):
    edit = "<edit-config><target><startup/></target><config/></edit-config>"
    assert refused(session, edit).tag == "unknown-element"
    for target in ("running", "candidate"):
        delete = f"<delete-config><target><{target}/></target></delete-config>"
        assert refused(session, delete).tag in ("unknown-element", "operation-not-supported")
    assert refused(session, "<delete-config/>").tag == "missing-element"
    assert refused(session, "<delete-config><target/></delete-config>").tag == "missing-element"


def test_a_daemon_may_begin_with_it(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>saved</value>")))
        copy(session, STARTUP, "<running/>")
        session.set(items(item("a", operation="delete") + item("b", "<value>later</value>")))
        revision = int(session.get("agent/revision")[0])
    daemon.stop()
    daemon.more = ["--from-startup"]
    daemon.start()
    assert held(daemon) == ["saved"]
    with daemon.session() as session:
        assert int(session.get("agent/revision")[0]) == revision + 1
    daemon.kill()
    daemon.start()  # nothing to change: nothing is stored
    with daemon.session() as session:
        assert int(session.get("agent/revision")[0]) == revision + 1
    daemon.kill()
    daemon.more = []
    daemon.start()
    assert held(daemon) == ["saved"]


def test_without_one_it_begins_with_what_was_running(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>kept</value>")))
    daemon.stop()
    daemon.more = ["--from-startup"]
    daemon.start()
    assert held(daemon) == ["kept"]
    assert "never written" in daemon.log()


def test_a_damaged_one_is_named_and_does_not_keep_the_agent_down(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>running</value>")))
        copy(session, STARTUP, "<running/>")
    daemon.stop()
    with open(daemon.state / "startup", "r+b") as file:
        file.seek(30)
        file.write(b"!")
    daemon.start()
    with daemon.session() as session:
        assert session.get("null/item/held") == ["running"]
        damaged = refused(session, "<get-config><source><startup/></source></get-config>")
        assert "startup is damaged" in damaged.message and "offset 0" in damaged.message
    daemon.kill()
    daemon.more = ["--from-startup"]
    daemon.start(wait=False)
    assert daemon.process.wait(60) == 1
    daemon.process = None
    assert "startup is damaged" in daemon.log()
    daemon.more = []
    daemon.start()
    with daemon.session() as session:
        copy(session, STARTUP, "<running/>")
        assert ">running<" in session.data("startup")
