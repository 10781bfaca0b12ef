"""E-mail about what happens: by a program of the node, and by SMTP."""

import base64
import email
import email.policy
import socket
import threading

import pytest

from health import QUICK, Listener, check, checked, wait_state
from netconf import RpcError, real, server, servers, stays, wait_for

MAIL = "urn:noria:yang:noria-mail"


def mail(content):
    return f'<mail xmlns="{MAIL}">{content}</mail>'


def recipient(name, address, more=""):
    return f"<recipient><name>{name}</name><address>{address}</address>{more}</recipient>"


SOON = "<delay>0</delay><node-name>lb1</node-name><from>noria@lb1.example</from>"


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


@pytest.fixture(name="sendmail")
def fixture_sendmail(tmp_path):
    """A program in sendmail's place, and what it was given: {arguments, message}."""
    program, box = tmp_path / "sendmail", tmp_path / "box"
    box.mkdir()
    program.write_text(f'#!/bin/sh\ncat > "{box}/new.$$"\necho "$*" > "{box}/words.$$"\n'
                       f'mv "{box}/new.$$" "{box}/$$.mail"\n')
    program.chmod(0o755)

    def received():
        return [(f.with_name("words." + f.stem).read_text().strip(),
                 email.message_from_bytes(f.read_bytes(), policy=email.policy.default))
                for f in sorted(box.glob("*.mail"), key=lambda f: f.stat().st_mtime_ns)]
    return program, received


class MailServer:
    """A mail server that keeps what it is given, or refuses recipients with an answer of its own."""

    def __init__(self):
        self.messages, self.logins, self.hello = [], [], None
        self.answer = "250 fine"
        self.refused = None  # an address that is not taken
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rwb", buffering=0) as stream:
            def say(text):
                stream.write(text.encode() + b"\r\n")
            say("220 ready")
            envelope = []
            for line in iter(stream.readline, b""):
                word = line.decode().strip()
                if word.upper().startswith(("EHLO", "HELO")):
                    self.hello = word.split()[1]
                    say("250-me\r\n250 AUTH PLAIN")
                elif word.upper().startswith("AUTH PLAIN"):
                    given = word.split()[2] if len(word.split()) > 2 else None
                    if given is None:
                        say("334 ")
                        given = stream.readline().decode().strip()
                    self.logins.append(base64.b64decode(given).decode())
                    say("235 welcome")
                elif word.upper().startswith("RCPT"):
                    address = word.split("<")[1].split(">")[0]
                    if address == self.refused:
                        say("550 nobody here")
                        continue
                    envelope.append(address)
                    say(self.answer)
                elif word.upper() == "DATA":
                    say("354 go on")
                    data = b""
                    while not data.endswith(b"\r\n.\r\n"):
                        data += stream.readline()
                    self.messages.append((envelope, email.message_from_bytes(
                        data[:-3], policy=email.policy.default)))
                    envelope = []
                    say("250 taken")
                elif word.upper() == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 fine")


def figures(session):
    return {leaf: session.get(f"mail/{leaf}") for leaf in ("waiting", "sent", "failed",
                                                           "last-error", "last-sent")}


def test_a_server_that_goes_down_is_told_by_sendmail(session, sendmail):
    program, received = sendmail
    listener = Listener()
    session.set(mail(SOON + f"<sendmail><program>{program}</program></sendmail>"
                     + recipient("ops", "ops@example.org</address><address>root",
                                 "<event>real-server</event>")
                     + recipient("boss", "boss@example.org", "<event>quorum</event>")))
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_state(session, listener, "up")
    listener.close()
    wait_for(lambda: any("is down" in m["Subject"] for _, m in received()), "a message")
    words, message = [r for r in received() if "is down" in r[1]["Subject"]][0]
    assert words == "-i -f noria@lb1.example -- ops@example.org root"
    assert message["Subject"].startswith(
        f"[lb1] real server 127.0.0.1:{listener.port} of web is down (check port: connect: ")
    assert (message["From"], message["To"]) == ("noria@lb1.example", "ops@example.org, root")
    assert message["Auto-Submitted"] == "auto-generated"
    assert "Connection refused" in message.get_content()
    wait_for(lambda: [w for w, m in received() if "quorum of web is lost" in m.get_content()]
             == ["-i -f noria@lb1.example -- boss@example.org"], "the other message")
    assert int(figures(session)["sent"][0]) >= 2
    assert figures(session)["last-sent"]


def test_changes_of_a_short_time_are_one_message_by_smtp(daemon, session, tmp_path):
    post, secret = MailServer(), tmp_path / "secret"
    secret.write_text("swordfish\n")
    secret.chmod(0o600)
    gone = [Listener() for _ in range(20)]
    for listener in gone:
        listener.close()
    session.set(mail("<delay>5</delay><node-name>lb1</node-name><smtp><server>127.0.0.1</server>"
                     f"<port>{post.port}</port><helo-name>lb1.example</helo-name>"
                     f"<username>noria</username><password-file>{secret}</password-file></smtp>"
                     + recipient("ops", "ops@example.org", "<event>real-server</event>")
                     + recipient("other", "other@example.org",
                                 "<virtual-server>mail</virtual-server>")))
    # Before what it describes: checks begin while their commit is still being stored.
    session.set(servers(server("web", "<description>the shop: call ann</description>",
                               "192.0.2.1", 80)))
    session.set(checked(QUICK + check("port"), *(listener.real() for listener in gone)))
    wait_for(lambda: post.messages, "a message")
    (envelope, message), = post.messages
    assert envelope == ["ops@example.org"]
    assert message["Subject"] == "[lb1] 20 events: 20 down, 0 up"
    assert message.get_content().count(
        "of web (the shop: call ann) is down (check port: connect: Connection refused)") == 20
    assert (post.hello, post.logins) == ("lb1.example", ["\0noria\0swordfish"])
    assert "swordfish" not in daemon.log() + session.data("get")


def test_a_server_that_refuses_is_told_and_tried_again(daemon, session):
    post = MailServer()
    post.answer = "451 later"
    session.set(mail(f"<delay>0</delay><smtp><server>127.0.0.1</server><port>{post.port}</port></smtp>"
                     + recipient("ops", "ops@example.org", "<event>self-test</event>")))

    def test():
        session.rpc('<emit-self-test xmlns="urn:noria:yang:noria-agent"/>')

    def alarm():
        types = session.get("alarms/alarm-list/alarm/alarm-type-id")
        return [c for t, c in zip(types, session.get("alarms/alarm-list/alarm/is-cleared"))
                if "mail-failed" in t]
    test()
    wait_for(lambda: figures(session)["last-error"], "an error")
    assert "451" in figures(session)["last-error"][0]
    assert (figures(session)["waiting"], figures(session)["failed"]) == (["1"], ["0"])
    wait_for(lambda: alarm() == ["false"], "an alarm")
    post.answer = "250 fine"
    # What waits is tried at once when the settings have changed.
    session.set(mail("<node-name>lb2</node-name>"))
    wait_for(lambda: figures(session)["sent"] == ["1"], "the message")
    assert "self-test" in post.messages[0][1]["Subject"]
    wait_for(lambda: alarm() == ["true"], "the alarm to be over")
    post.answer = "550 nobody here"
    test()
    wait_for(lambda: figures(session)["failed"] == ["1"], "it to be given up")
    assert figures(session)["waiting"] == ["0"]


def test_what_is_still_wrong_is_told_again_until_it_is_not(session, sendmail):
    program, received = sendmail
    listener = Listener()
    session.set(mail(SOON + f"<sendmail><program>{program}</program></sendmail>" + "".join(
        recipient(name, f"{name}@example.org", f"<virtual-server>{server}</virtual-server>"
                  "<reminder>1</reminder>") for name, server in (("ops", "web"), ("other", "mail")))))
    session.set(checked(QUICK + check("port"), listener.real()))
    wait_state(session, listener, "up")
    listener.close()

    def reminders():
        return [(w, m) for w, m in received() if "still" in m["Subject"]]
    wait_for(lambda: len(reminders()) > 1, "two reminders")
    words, message = reminders()[-1]
    assert words.endswith(" -- ops@example.org")
    assert message["Subject"] == "[lb1] 2 still wrong"
    assert "What is still wrong on lb1:" in message.get_content()
    assert "real-server-down, still: connect: Connection refused (" in message.get_content()
    assert "quorum-lost, still: " in message.get_content()
    session.set(servers('<virtual-server nc:operation="delete"><name>web</name></virtual-server>'))
    wait_for(lambda: figures(session)["waiting"] == ["0"], "what was under way")
    before = len(received())
    stays(lambda: len(received()) <= before + 1, "no more than what was under way", 3)
    assert all(w.endswith(" ops@example.org") for w, _ in received())


def test_the_last_messages_are_sent_at_the_end(daemon, sendmail):
    program, received = sendmail
    with daemon.session() as session:
        session.set(mail(f"<delay>3000</delay><sendmail><program>{program}</program></sendmail>"
                         + recipient("ops", "ops@example.org")))
        session.rpc('<emit-self-test xmlns="urn:noria:yang:noria-agent"/>')
    daemon.stop()
    assert len(received()) == 1


def test_what_happens_right_after_a_commit_is_told(session, sendmail):
    program, _ = sendmail
    for count in range(1, 31):
        session.set(mail(f"<delay>0</delay><sendmail><program>{program}</program></sendmail>"
                         + recipient("ops", "ops@example.org")))
        session.rpc('<emit-self-test xmlns="urn:noria:yang:noria-agent"/>')
        wait_for(lambda: figures(session)["sent"] == [str(count)], f"message {count}")
        session.set(mail('<recipient nc:operation="delete"><name>ops</name></recipient>'))


def test_a_program_that_hangs_holds_nobody_up(daemon, tmp_path):
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nsleep 1000 & sleep 1000\n")
    program.chmod(0o755)
    with daemon.session() as session:
        session.set(mail(f"<delay>0</delay><sendmail><program>{program}</program></sendmail>"
                         + recipient("ops", "ops@example.org")))
        session.rpc('<emit-self-test xmlns="urn:noria:yang:noria-agent"/>')
        session.set(servers(server("web", real("10.0.0.1", 80), "192.0.2.1", 80)))
    daemon.stop()


@pytest.mark.parametrize("content, words", [
    (recipient("ops", "a b"), "address"),
    (recipient("ops", "-oQ/tmp"), "address"),
    ("<recipient><name>ops</name></recipient>", "address"),
    ("<smtp><port>25</port></smtp>", "server"),
])
def test_bad_settings(session, content, words):
    with pytest.raises(RpcError) as error:
        session.set(mail(content))
    assert words in str(error.value)
