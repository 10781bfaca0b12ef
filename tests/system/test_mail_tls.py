"""E-mail by SMTP with TLS and a login, to a mail server that others have made."""

import pathlib
import shutil
import signal
import socket
import tempfile

import pytest

import real_servers
from netconf import stays, wait_for
from test_mail import MailServer, figures, mail, recipient

SELF_TEST = '<emit-self-test xmlns="urn:noria:yang:noria-agent"/>'


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.more = ["-d", "mail"]
    return daemon.start()


@pytest.fixture(name="tls", scope="module")
def fixture_tls():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noria-server."))
    folder.chmod(0o755)
    yield real_servers.make_certificates(folder / "tls")
    shutil.rmtree(folder)


@pytest.fixture(name="post", scope="module")
def fixture_post(tls):
    """The mail server, with what it has been given: received()."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noria-server."))
    folder.chmod(0o755)
    for name in ("post", "post/logins"):
        (folder / name).mkdir()
    logins = real_servers.logins(folder / "post" / "logins", tls)
    post = real_servers.post(folder / "post", tls)
    post.received = lambda: [f.read_text() for f in (post.folder / "box" / "new").glob("*")]
    logins.start()
    wait_for((logins.folder / "auth").exists, "the logins")
    post.start()
    yield post
    post.end()
    logins.end()
    shutil.rmtree(folder)


@pytest.fixture(name="password")
def fixture_password(tmp_path):
    file = tmp_path / "password"
    file.write_text(real_servers.PASSWORD + "\n")
    file.chmod(0o600)
    return file


def smtp(port, content, server="127.0.0.1", to="ops@example.org"):
    return mail(f"<delay>0</delay><smtp><server>{server}</server><port>{port}</port>{content}</smtp>"
                + recipient("ops", to, "<event>self-test</event>"))


def login(password, tls):
    return (f"<tls>starttls</tls><ca-file>{tls}/ca.pem</ca-file><username>noria</username>"
            f"<password-file>{password}</password-file>")


def error_of(session):
    return (figures(session)["last-error"] or [""])[0]


def fails(session, words):
    """A message waits, and why it could not be sent is told."""
    session.rpc(SELF_TEST)
    wait_for(lambda: error_of(session), "an error", 40)
    wait_for(lambda: words in error_of(session), f"{words}: {error_of(session)}", 40)
    assert (figures(session)["waiting"], figures(session)["failed"]) == (["1"], ["0"])


def sent(session, count, seconds=40):
    wait_for(lambda: figures(session)["sent"] == [str(count)], f"{count}: {error_of(session)}",
             seconds)
    assert figures(session)["waiting"] == ["0"]


def said_nowhere(daemon, session, *secrets):
    text = daemon.log() + session.data("get") + session.data("running")
    for secret in secrets:
        assert secret not in text


@pytest.mark.parametrize("kind, port", [("starttls", 0), ("immediate", 1)])
def test_a_message_comes_by_tls(daemon, session, post, tls, password, kind, port):
    before = len(post.received())
    session.set(smtp(post.ports[port], login(password, tls).replace("starttls", kind)))
    session.rpc(SELF_TEST)
    sent(session, 1)
    wait_for(lambda: len(post.received()) == before + 1, "it in its box")
    message = post.received()[-1]
    assert "using TLSv1" in message and "self-test" in message
    said_nowhere(daemon, session, real_servers.PASSWORD)


# What is changed of settings that work, and a word of the error.
WRONG = {
    "of nobody known": ("<ca-file>{tls}/ca.pem</ca-file>", "<ca-file>{tls}/client.pem</ca-file>",
                        "certificate"),
    "of another name": ("127.0.0.1</server>", "localhost</server>", "localhost"),
    "no authorities": ("ca.pem", "nowhere.pem", "nowhere.pem"),
    "not offered": ("<port>{first}<", "<port>{third}<", "STARTTLS"),
    "two kinds": ("starttls", "immediate", "SSL"),
    "no password": ("<password-file>", "<password-file>/nowhere", "/nowhere"),
    "unknown user": (">noria<", ">nobody<", "Login denied"),
    "no TLS": ("<tls>starttls</tls>", "<tls>none</tls>", "log in"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_and_the_message_kept(daemon, session, post, tls, password, case):
    good = smtp(post.port, login(password, tls))
    values = {"tls": tls, "first": post.port, "third": post.third}
    was, becomes, words = (text.format(**values) for text in WRONG[case])
    assert was in good
    session.set(good.replace(was, becomes))
    fails(session, words)
    said_nowhere(daemon, session, real_servers.PASSWORD)
    session.set(good)  # and what waits is sent
    sent(session, 1)


def test_a_certificate_of_anyone_will_do_without_verify(session, post, tls, password):
    session.set(smtp(post.port, login(password, tls).replace(
        f"<ca-file>{tls}/ca.pem</ca-file>", "<verify>false</verify>"), "localhost"))
    session.rpc(SELF_TEST)
    sent(session, 1)


def test_a_password_is_read_whenever_a_message_is_sent(daemon, session, post, tls, password):
    session.set(smtp(post.port, login(password, tls)))
    password.write_text("not the word\n")
    fails(session, "Login denied")
    said_nowhere(daemon, session, "not the word", real_servers.PASSWORD)
    password.write_text(real_servers.PASSWORD + "\n")
    session.rpc(SELF_TEST)  # as the server is well again, the one that waits is sent, too
    sent(session, 2, 15)  # by itself it would be tried again after 30 s


def test_a_server_that_is_down_and_comes_back(daemon, session, post, tls, password):
    session.set(smtp(post.port, login(password, tls)))
    before = len(post.received())
    post.end()
    fails(session, "connect")
    post.start()
    session.rpc(SELF_TEST)
    sent(session, 2, 15)
    wait_for(lambda: len(post.received()) == before + 2, "both in their box")
    said_nowhere(daemon, session, real_servers.PASSWORD)


@pytest.mark.parametrize("kind", ["none", "starttls", "immediate"])
def test_a_server_that_hangs_holds_nobody_up(daemon, kind, tls, password):
    """It takes the connection and says nothing, or nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as hanging, daemon.session() as session:
        session.set(smtp(hanging.getsockname()[1], login(password, tls).replace("starttls", kind)
                         + "<timeout>1</timeout>"))
        fails(session, "imed out")
        session.set(mail("<smtp><timeout>600</timeout></smtp>"))
        session.rpc(SELF_TEST)
        assert session.get("mail/waiting"), "the agent answers"
        daemon.stop()  # which has to come long before 600 s are over


def test_a_server_that_hangs_and_goes_on(session, post, tls, password):
    session.set(smtp(post.port, login(password, tls) + "<timeout>2</timeout>"))
    before = len(post.received())
    post.everyone(signal.SIGSTOP)
    try:
        fails(session, "imed out")
    finally:
        post.everyone(signal.SIGCONT)
    session.rpc(SELF_TEST)
    sent(session, 2, 15)
    wait_for(lambda: len(post.received()) == before + 2, "both in their box")


def test_one_recipient_that_is_refused_keeps_no_other_from_the_message(daemon, session):
    post = MailServer()
    post.refused = "gone@example.org"
    session.set(smtp(post.port, "", to="gone@example.org</address><address>ops@example.org"))
    session.rpc(SELF_TEST)
    sent(session, 1)
    (envelope, message), = post.messages
    assert envelope == ["ops@example.org"] and "self-test" in message["Subject"]
    wait_for(lambda: "550 nobody" in daemon.log(), "a word of the other")
    stays(lambda: len(post.messages) == 1, "it is sent once", 0.5)
