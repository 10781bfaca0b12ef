"""NETCONF over SSH with real clients: ncclient, and nothing but ssh."""

import os
import subprocess
import time

import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.transport.errors import AuthenticationError
from ncclient.transport.parser import DefaultXMLParser

from daemon import AGENT, PERMIT_ADMIN
from netconf import BASE, END, item, items, wait_for

PASSWORD = "correct horse"


def hash_of(password):
    return subprocess.run(["openssl", "passwd", "-6", password], check=True, capture_output=True,
                          text=True).stdout.strip()


def keygen(path, kind):
    bits = {"rsa": ["-b", "2048"], "ecdsa": ["-b", "256"]}.get(kind, [])
    subprocess.run(["ssh-keygen", "-q", "-m", "PEM" if kind != "ed25519" else "RFC4716", "-t", kind,
                    *bits, "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture(name="keys", scope="module")
def fixture_keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {kind: (folder / kind, keygen(folder / kind, kind))
            for kind in ("ed25519", "ecdsa", "rsa", "stranger")
            if kind != "stranger"} | {"stranger": (folder / "stranger",
                                                   keygen(folder / "stranger", "ed25519"))}


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory, keys):
    daemon = daemon_factory(start=False, null=True)
    authorized = "".join(f"<authorized-key>{keys[kind][1]}</authorized-key>"
                         for kind in ("ed25519", "ecdsa", "rsa"))
    daemon.config.write_text(daemon.default_configuration(
        f"<user><name>admin</name><password>{hash_of(PASSWORD)}</password>{authorized}</user>"
        f"<user><name>keyless</name></user>") + PERMIT_ADMIN)
    return daemon.start()


def connect(daemon, **options):
    options = {"username": "admin", "allow_agent": False, "look_for_keys": False} | options
    return manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False,
                           timeout=120, **options)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_login_with_a_key(daemon, keys, kind):
    with connect(daemon, key_filename=str(keys[kind][0])) as client:
        assert client.connected
        assert ":candidate" in client.server_capabilities
        assert "urn:ietf:params:netconf:base:1.1" in client.server_capabilities


def test_login_with_a_password(daemon):
    with connect(daemon, password=PASSWORD) as client:
        assert client.get_config("running").data_xml


def test_ncclient_may_be_greeted_before_it_has_said_its_hello(daemon, keys, monkeypatch):
    """Which it then frames in chunks; and so it happens now and then where its thread is late."""
    parse = DefaultXMLParser.parse

    def parse_and_be_late(parser, data):
        parse(parser, data)
        time.sleep(0.3)  # in which its other thread goes on
    monkeypatch.setattr(DefaultXMLParser, "parse", parse_and_be_late)
    with connect(daemon, key_filename=str(keys["ed25519"][0])) as client:
        assert client.get_config("running").ok


WRONG = {"wrong password": {"password": "wrong"},
         "unknown user": {"username": "nobody", "password": PASSWORD},
         "user without a password": {"username": "keyless", "password": ""},
         "a system account": {"username": "root", "password": PASSWORD}}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_login_is_refused(daemon, case):
    with pytest.raises(AuthenticationError):
        connect(daemon, **WRONG[case])
    log = wait_for(lambda: "127.0.0.1" in daemon.log() and daemon.log(), "the log to tell")
    assert PASSWORD not in log


def test_a_strangers_key_is_refused(daemon, keys):
    with pytest.raises(AuthenticationError):
        connect(daemon, key_filename=str(keys["stranger"][0]))


def test_edit_commit_and_get_with_ncclient(daemon):
    with connect(daemon, password=PASSWORD) as client:
        with client.locked("candidate"):
            client.edit_config(f'<config xmlns="{BASE}">{items(item("a", "<value>x</value>"))}'
                               "</config>", target="candidate")
            client.validate("candidate")
            client.commit()
        assert "<value>x</value>" in client.get_config("running").data_xml
        assert "<held>x</held>" in client.get().data_xml
        assert "module noria-null" in client.get_schema("noria-null").data
        filtered = client.get_config("running", filter=(
            "subtree", '<snmp-agent xmlns="urn:noria:yang:noria-agent"/>')).data_xml
        assert "<snmp-agent" in filtered and "<null" not in filtered
        by_xpath = client.get_config("running", filter=(
            "xpath", ({"n": "urn:noria:yang:noria-null"}, "/n:null/n:item[n:name='a']"))).data_xml
        assert "<value>x</value>" in by_xpath and "<snmp-agent" not in by_xpath


def test_errors_reach_ncclient_whole(daemon):
    with connect(daemon, password=PASSWORD) as client:
        with pytest.raises(RPCError) as refused:
            client.edit_config(f'<config xmlns="{BASE}">{items(item("a", "<colour/>"))}</config>',
                               target="candidate")
        assert refused.value.tag == "unknown-element"
        assert refused.value.path.endswith("/item[name='a']/colour")
        assert client.get_config("candidate").ok, "the session goes on"


def test_nothing_but_ssh(daemon, keys):
    hello = (f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
             "</capability></capabilities></hello>]]>]]>")
    rpcs = (f'<rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
            f'</get-config></rpc>]]>]]><rpc xmlns="{BASE}" message-id="2"><close-session/></rpc>'
            "]]>]]>")
    done = subprocess.run(
        ["ssh", "-i", keys["ed25519"][0], "-p", str(daemon.ssh_port), "-o",
         "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
         "-s", "admin@127.0.0.1", "netconf"],
        input=hello + rpcs, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.count(END.decode()) == 3, done.stderr
    assert "<snmp-agent" in done.stdout and "<ok/>" in done.stdout


def test_a_new_user_may_log_in_at_once_and_a_deleted_one_no_more(daemon):
    user = (f'<netconf-server xmlns="{AGENT}"><user{{}}><name>late</name>'
            f"<password>{hash_of('late')}</password></user></netconf-server>")
    with daemon.session() as session:
        session.set(user.format(""))
        connect(daemon, username="late", password="late").close_session()
        session.set(user.format(' nc:operation="delete"'))
        with pytest.raises(AuthenticationError):
            connect(daemon, username="late", password="late")


def test_a_password_can_be_changed(daemon):
    with daemon.session() as session:
        session.set(f'<netconf-server xmlns="{AGENT}"><user><name>admin</name><password>'
                    f"{hash_of('another')}</password></user></netconf-server>")
    connect(daemon, password="another").close_session()
    with pytest.raises(AuthenticationError):
        connect(daemon, password=PASSWORD)


def test_a_new_address_is_served_at_once_and_a_deleted_one_no_more(daemon):
    old = daemon.ssh_port
    from daemon import free_port
    new = free_port()
    with daemon.session() as session:
        session.set(f'<netconf-server xmlns="{AGENT}"><listen><name>test</name>'
                    f"<port>{new}</port></listen></netconf-server>")
        daemon.ssh_port = new
        connect(daemon, password=PASSWORD).close_session()
        daemon.ssh_port = old
        with pytest.raises(Exception):
            connect(daemon, password=PASSWORD)


def test_the_host_key_stays(daemon):
    def fingerprint():
        scan = subprocess.run(["ssh-keyscan", "-p", str(daemon.ssh_port), "127.0.0.1"],
                              capture_output=True, text=True, timeout=120, check=False)
        return sorted(scan.stdout.splitlines())
    before = fingerprint()
    assert before
    keys = list(daemon.state.glob("ssh_host_*"))
    assert keys and all(os.stat(key).st_mode & 0o777 == 0o600 for key in keys)
    daemon.stop()
    daemon.start()
    assert fingerprint() == before


def test_a_host_key_that_others_can_read_is_refused(daemon):
    daemon.stop()
    for key in daemon.state.glob("ssh_host_*"):
        key.chmod(0o644)
    ended = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=120,
                           check=False)
    assert ended.returncode == 1
    assert "0600" in ended.stderr


def test_notifications_by_ncclient(daemon):
    with connect(daemon, password=PASSWORD) as client, \
            connect(daemon, password=PASSWORD) as other:
        # A tuple as its filter would be put into the name space of RFC 6241, not of RFC 5277.
        client.create_subscription(filter=(
            '<filter xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0" type="subtree">'
            "<netconf-config-change xmlns="
            '"urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"/></filter>'))
        other.edit_config(target="running", config=f'<config xmlns="{BASE}">'
                          f'{items(item("a"))}</config>')
        notification = client.take_notification(timeout=120)
        assert notification and "<username>admin</username>" in notification.notification_xml
        assert "<source-host>127.0.0.1</source-host>" in notification.notification_xml
        assert f"<session-id>{other.session_id}</session-id>" in notification.notification_xml
        assert client.get_config("running").data_xml
