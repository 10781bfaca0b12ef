"""Limits of sessions, what is told of limits, and that the last way in stays."""

import contextlib
import socket
import subprocess
import xml.etree.ElementTree as ElementTree

import paramiko
import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.transport.errors import SSHError

from daemon import AGENT, NACM, PERMIT_ADMIN
from netconf import BASE, item, items, stays, wait_for

PASSWORD = "correct horse"


@pytest.fixture(name="password_hash", scope="module")
def fixture_password_hash():
    return subprocess.run(["openssl", "passwd", "-5", PASSWORD], check=True, capture_output=True,
                          text=True).stdout.strip()


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory, password_hash):
    daemon = daemon_factory(start=False, null=True)
    users = "".join(f"<user><name>{name}</name><password>{password_hash}</password></user>"
                    for name in ("admin", "olga"))
    daemon.config.write_text(daemon.default_configuration(users) + PERMIT_ADMIN)
    return daemon.start()


def connect(daemon, user="admin"):
    return manager.connect(host="127.0.0.1", port=daemon.ssh_port, username=user,
                           password=PASSWORD, hostkey_verify=False, allow_agent=False,
                           look_for_keys=False, timeout=120)


def setting(leaf, value):
    return f'<netconf-server xmlns="{AGENT}"><{leaf}>{value}</{leaf}></netconf-server>'


def state(session):
    """The state of the server: the numbers by leaf, sessions by user, and limits met by leaf."""
    reply = ElementTree.fromstring(session.rpc(
        f'<get><filter type="subtree"><netconf-server xmlns="{AGENT}"><state/></netconf-server>'
        "</filter></get>"))
    names = {"n": AGENT}
    usage = reply.find(".//n:usage", names)
    users = {user.find("n:name", names).text: int(user.find("n:sessions", names).text)
             for user in usage.findall("n:user", names)}
    numbers = {leaf.tag.split("}")[1]: int(leaf.text) for leaf in usage if not len(leaf)}
    met = {leaf.tag.split("}")[1]: int(leaf.text) for leaf in reply.find(".//n:limits-met", names)}
    return numbers, users, met


def met(session):
    return {leaf: count for leaf, count in state(session)[2].items() if count}


def test_sessions_of_a_user_are_limited(daemon, session):
    session.set(setting("max-sessions-per-user", 2))
    with contextlib.ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(connect(daemon))
        with pytest.raises(SSHError):
            connect(daemon)
        assert "no session for user admin from 127.0.0.1: there are max-sessions-per-user" \
            in daemon.log()
        opened.enter_context(connect(daemon, "olga"))
        numbers, users, _ = state(session)
        assert users == {"admin": 2, "olga": 1} and numbers["sessions"] == 3
        assert met(session) == {"max-sessions-per-user": 1}
    wait_for(lambda: state(session)[1] == {}, "the sessions to end")
    connect(daemon).close_session()


def test_sessions_are_limited_and_root_still_gets_in(daemon, session):
    session.set(setting("max-sessions", 1))
    with connect(daemon) as present:
        with pytest.raises(SSHError):
            connect(daemon, "olga")
        with daemon.session() as other:
            assert other.data("running")
        assert met(session) == {"max-sessions": 1}
        session.set(setting("max-sessions", 2))
        connect(daemon, "olga").close_session()
        assert present.get_config("running").ok


def test_it_is_counted_how_often_limits_are_met(daemon, session):
    session.set(f'<netconf-server xmlns="{AGENT}"><max-message-size>65536</max-message-size>'
                "<max-logins>2</max-logins><login-attempts>1</login-attempts></netconf-server>")
    assert met(session) == {}
    with daemon.session() as long:
        with pytest.raises((EOFError, ConnectionError)):
            long.edit(items(item("a", "<value>" + "v" * 70000 + "</value>")))
            long.receive()
    with pytest.raises(Exception):
        manager.connect(host="127.0.0.1", port=daemon.ssh_port, username="admin", password="wrong",
                        hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=120)
    wait_for(lambda: state(session)[0]["connections"] == 1, "both connections to end")
    session.set(setting("login-timeout", 3))
    with contextlib.ExitStack() as silent:
        for _ in range(3):
            silent.enter_context(socket.create_connection(("127.0.0.1", daemon.ssh_port)))
        wait_for(lambda: met(session).get("login-timeout", 0) > 0, "the login to take too long")
    wait_for(lambda: state(session)[0]["connections"] == 1, "the connections to end")
    assert state(session)[0]["logins"] == 0
    seen = met(session)
    assert seen["max-message-size"] == seen["login-attempts"] == seen["max-logins"] == 1


def connections(session):
    return state(session)[0]["connections"]


def stalled(daemon, session, last=""):
    """A session whose client asks for more than there is room for on the way, and reads nothing."""
    session.set(items("".join(item(f"i{n}", f"<value>{'v' * 1000}</value>") for n in range(2000))))
    client = daemon.session()
    client.send(f'<rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
                "</get-config></rpc>")
    client.send(f'<rpc xmlns="{BASE}" message-id="2">{last or "<get/>"}</rpc>')
    wait_for(lambda: len(client.socket.recv(1 << 20, socket.MSG_PEEK)) > 100000, "the reply")
    assert connections(session) == 2
    return client


def test_a_killed_session_takes_its_connection_with_it(daemon, session):
    with stalled(daemon, session) as client:
        session.rpc(f"<kill-session><session-id>{client.id}</session-id></kill-session>")
        # One that is closed in good order would be there for 10 s.
        wait_for(lambda: connections(session) == 1, "its connection to be closed", 9)


def test_who_does_not_take_the_last_replies_loses_them(daemon, session):
    with stalled(daemon, session, "<close-session/>"):
        wait_for(lambda: connections(session) == 1, "its connection to be closed")


def test_who_takes_the_last_replies_late_gets_them(daemon, session):
    with stalled(daemon, session, "<close-session/>") as client:
        stays(lambda: connections(session) == 2, "the connection is there", 2)
        assert client.receive().count("<item>") == 2000
        assert "<ok/>" in client.receive()
        with pytest.raises(EOFError):
            client.receive()


def test_a_channel_without_a_subsystem_is_closed(daemon, session):
    session.set(setting("login-timeout", 4))
    with paramiko.Transport(("127.0.0.1", daemon.ssh_port)) as transport:
        transport.connect(username="admin", password=PASSWORD)
        channel = transport.open_session()
        wait_for(lambda: channel.closed, "the channel to be closed")
        wait_for(lambda: not transport.is_active(), "the connection to be closed")
    assert met(session) == {"login-timeout": 2}


# Commits that would leave nobody a way in from afar.
LAST = {
    "the last listener": f'<netconf-server xmlns="{AGENT}"><listen nc:operation="delete"><name>test'
                         "</name></listen></netconf-server>",
    "the last administrator": f'<netconf-server xmlns="{AGENT}"><user nc:operation="delete"><name>'
                              "admin</name></user></netconf-server>",
    "the last password": f'<netconf-server xmlns="{AGENT}"><user><name>admin</name><password '
                         'nc:operation="remove"/></user></netconf-server>',
    "the last right": f'<nacm xmlns="{NACM}"><rule-list nc:operation="delete"><name>admin</name>'
                      "</rule-list></nacm>",
    "the last member": f'<nacm xmlns="{NACM}"><groups><group><name>admin</name><user-name '
                       'nc:operation="delete">admin</user-name></group></groups></nacm>',
}


@pytest.mark.parametrize("case", LAST)
def test_the_last_way_in_is_not_closed_from_afar(daemon, session, case):
    config = f'<config xmlns="{BASE}" xmlns:nc="{BASE}">{LAST[case]}</config>'
    with connect(daemon) as client:
        client.edit_config(config, target="candidate")
        with pytest.raises(RPCError) as refused:
            client.commit()
        assert "no administrator a way in over SSH" in refused.value.message
        client.discard_changes()
        client.get_config("running")
    session.set(LAST[case])  # root knows what it does, and is still in
    assert session.data("running")


def test_another_way_in_is_enough(daemon):
    group = (f'<nacm xmlns="{NACM}"><groups><group><name>admin</name><user-name>olga</user-name>'
             "</group></groups></nacm>")
    with connect(daemon) as client:
        client.edit_config(f'<config xmlns="{BASE}" xmlns:nc="{BASE}">{group}'
                           f'{LAST["the last administrator"]}</config>', target="candidate")
        client.commit()
    connect(daemon, "olga").close_session()
