"""Configurations in files (RFC 6241, 8.8), and what must not be named."""

import os
import pathlib

import pytest

from netconf import AGENT, BASE, NULL, RpcError, item, items


@pytest.fixture(name="folder")
def fixture_folder(daemon, session):
    """The url-directory; it is made when something is first written."""
    folder = pathlib.Path(daemon.folder) / "url"
    session.set(f'<netconf-server xmlns="{AGENT}"><url-directory>{folder}</url-directory>'
                "</netconf-server>")
    return folder


@pytest.fixture(name="there")
def fixture_there(folder):
    folder.mkdir(mode=0o700)
    return folder


def url(name):
    return f"<url>file:///{name}</url>"


def copy(session, target, source):
    session.rpc(f"<copy-config><target>{target}</target><source>{source}</source></copy-config>")


def refused(session, content):
    with pytest.raises(RpcError) as caught:
        session.rpc(content)
    return caught.value


def write(path, content, declaration=""):
    path.write_text(f'{declaration}<config xmlns="{BASE}" xmlns:nc="{BASE}">{content}</config>')


def test_the_hello_says_so(session):
    assert "urn:ietf:params:netconf:capability:url:1.0?scheme=file" in session.capabilities


def test_save_and_restore(session, folder):
    session.set(items(item("a", "<value>saved &amp; &lt;kept&gt;</value>")
                      + item("b", "<value>2</value>")))
    before = session.data("running")
    copy(session, url("backup.xml"), "<running/>")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "backup.xml").stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(folder)) == ["backup.xml"]
    session.set(items(item("a", operation="delete")))
    copy(session, "<running/>", url("backup.xml"))
    assert session.data("running") == before
    copy(session, "<candidate/>", url("backup.xml"))
    copy(session, "<startup/>", url("backup.xml"))
    assert session.data("startup") == before
    copy(session, url("second.xml"), "<startup/>")
    copy(session, url("third.xml"), url("second.xml"))
    copy(session, url("third.xml"), url("backup.xml"))  # replaced
    assert (folder / "third.xml").read_text() == (folder / "backup.xml").read_text()
    copy(session, url("inline.xml"), f"<config>{items(item('z'))}</config>")
    assert "<name>z</name>" in (folder / "inline.xml").read_text()
    session.rpc(f"<validate><source>{url('backup.xml')}</source></validate>")
    session.rpc(f"<delete-config><target>{url('third.xml')}</target></delete-config>")
    assert not (folder / "third.xml").exists()


@pytest.mark.parametrize("target", ["running", "candidate"])
def test_edit(session, there, target):
    session.set(items(item("a") + item("b", "<value>stays</value>")))
    write(there / "edit.xml", items(item("a", operation="delete") + item("c")),
          '<?xml version="1.0" encoding="UTF-8"?>\n<!-- an edit -->\n')
    session.rpc(f"<edit-config><target><{target}/></target>{url('edit.xml')}</edit-config>")
    data = session.data(target)
    assert "<name>a<" not in data and "<name>c<" in data and "stays" in data


def test_folders_and_other_spellings(session, there):
    (there / "sub").mkdir()
    write(there / "sub" / "x y.xml", items(item("a")))
    for name in ("file:///sub/x%20y.xml", "file:/sub/x%20y.xml",
                 "FILE://localhost/sub/x%20y.xml"):
        session.rpc(f"<validate><source><url>{name}</url></source></validate>")
    copy(session, url("sub/new.xml"), "<running/>")
    assert (there / "sub" / "new.xml").exists()


BAD_NAMES = ["file:///../secret", "file:///sub/../../secret", "file:///%2e%2e/secret",
             "file:///..%2fsecret", "file:///.hidden", "file:///sub/", "file:///", "file:///a//b",
             "file:///a%00b", "file:///a%zz", "file:///a%0ab", "http://example.com/x",
             "ftp://localhost/x", "secret", "/etc/passwd", "file://other/x", "file:x",
             "file:///a?b", "file:///" + "n" * 300]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_refused(session, there, name):
    write(there.parent / "secret", items(item("secret")))
    (there / "sub").mkdir()
    source = f"<source><url>{name}</url></source>"
    target = f"<target><url>{name}</url></target>"
    for operation in (f"<validate>{source}</validate>",
                      f"<copy-config><target><candidate/></target>{source}</copy-config>",
                      f"<copy-config>{target}<source><running/></source></copy-config>",
                      f"<delete-config>{target}</delete-config>"):
        assert refused(session, operation).tag == "invalid-value", operation
    assert (there.parent / "secret").exists()
    assert "secret" not in session.data("candidate")


def test_links_and_what_is_no_file(session, there):
    secret = there.parent / "secret"
    write(secret, items(item("secret")))
    (there / "link").symlink_to(secret)
    (there / "up").symlink_to(there.parent)
    (there / "dangling").symlink_to(there.parent / "made")
    (there / "sub").mkdir()
    os.mkfifo(there / "pipe")
    for name in ("link", "up/secret", "dangling", "sub", "pipe"):
        for operation in (f"<validate><source>{url(name)}</source></validate>",
                          f"<copy-config><target>{url(name)}</target><source><running/></source>"
                          "</copy-config>",
                          f"<delete-config><target>{url(name)}</target></delete-config>"):
            error = refused(session, operation)
            assert error.tag == "invalid-value", (name, operation, error)
            assert error.element in (None, "url")
    assert "secret" in secret.read_text()
    assert not (there.parent / "made").exists()
    assert (there / "link").is_symlink()


def test_what_is_not_there(session, there):
    for operation in (f"<validate><source>{url('nothing')}</source></validate>",
                      f"<delete-config><target>{url('nothing')}</target></delete-config>",
                      f"<copy-config><target>{url('no/folder')}</target><source><running/>"
                      "</source></copy-config>"):
        assert refused(session, operation).tag == "data-missing"


def test_a_folder_where_others_may_write_is_not_used(session, there):
    there.chmod(0o777)
    error = refused(session, f"<copy-config><target>{url('x')}</target><source><running/></source>"
                             "</copy-config>")
    assert "others can write" in error.message
    there.rmdir()
    there.symlink_to(there.parent)
    error = refused(session, f"<validate><source>{url('x')}</source></validate>")
    assert error.tag == "operation-failed"


CONTENTS = {
    "empty": "",
    "no XML": "hello",
    "cut short": f'<config xmlns="{BASE}"><null',
    "another root": f'<data xmlns="{BASE}"/>',
    "two roots": f'<config xmlns="{BASE}"/><config xmlns="{BASE}"/>',
    "a url": f'<url xmlns="{BASE}">file:///x</url>',
    "text": f'<config xmlns="{BASE}">text</config>',
    "an unknown element": f'<config xmlns="{BASE}"><null xmlns="{NULL}"><fly/></null></config>',
    "a bad value": f'<config xmlns="{BASE}"><null xmlns="{NULL}"><item><name>a</name>'
                   "<delay>soon</delay></item></null></config>",
    "the end of the wrapper": f'<config xmlns="{BASE}"/></edit-config><edit-config xmlns="{BASE}">'
                              f'<config/>',
    "entities": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
                f'<config xmlns="{BASE}"><null xmlns="{NULL}"><item><name>&e;</name></item></null>'
                "</config>",
    "a zero byte": f'<config xmlns="{BASE}"/>\0',
}


@pytest.mark.parametrize("case", CONTENTS)
def test_contents_that_are_refused(session, there, case):
    session.set(items(item("a")))
    before = session.data("running")
    (there / "bad.xml").write_text(CONTENTS[case])
    for operation in (f"<validate><source>{url('bad.xml')}</source></validate>",
                      f"<copy-config><target><running/></target><source>{url('bad.xml')}</source>"
                      "</copy-config>",
                      f"<edit-config><target><running/></target>{url('bad.xml')}</edit-config>"):
        error = refused(session, operation)
        assert error.tag in ("invalid-value", "operation-failed", "unknown-element",
                             "bad-element", "missing-element"), error
        assert error.message
    assert session.data("running") == before


def test_both_or_neither(session, there):
    write(there / "x.xml", "")
    for inside in ("", f"<config/>{url('x.xml')}"):
        error = refused(session, "<edit-config><target><running/></target>"
                                 f"{inside}</edit-config>")
        assert error.tag in ("missing-element", "bad-element", "unknown-element",
                             "invalid-value"), error
    assert refused(session, f"<lock><target>{url('x.xml')}</target></lock>").tag \
        == "unknown-element"


@pytest.mark.parametrize("folder", ["relative", "/", "/a/../b", "/a/./b", "/a//b", "/a/", ""])
def test_bad_url_directories(session, folder):
    with pytest.raises(RpcError) as error:
        session.set(f'<netconf-server xmlns="{AGENT}"><url-directory>{folder}</url-directory>'
                    "</netconf-server>")
    assert error.value.tag in ("invalid-value", "operation-failed")
