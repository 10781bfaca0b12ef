"""Checks that ask this node, not a server: files, processes, commands; and weights that follow."""

import os
import subprocess

import pytest

from health import QUICK, Listener, check, checked, health, status, wait_state
from netconf import RpcError, real, wait_for


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


# So seldom that what is seen is not seen by asking.
RARE = "<delay-loop>3600</delay-loop><warmup>0</warmup><retry>0</retry>"


def set_checks(session, listener, *kinds, more=QUICK):
    """Checks that take the place of those before."""
    replaced = "".join(check(f"it{number}", kind).replace(
        "<check>", '<check nc:operation="replace">') for number, kind in enumerate(kinds))
    session.set(checked(more + replaced, listener.real("<weight>10</weight>")))


def test_a_file_takes_a_server_out_at_once(session, tmp_path):
    listener = Listener()
    file = tmp_path / "down"
    set_checks(session, listener, f"<file><path>{file}</path></file>",
               more=RARE)
    wait_state(session, listener, "up")
    file.write_text("1\n")
    down = wait_state(session, listener, "down")
    assert down["checks"]["it0"]["last-error"] == f"{file} holds 1"
    file.unlink()
    wait_state(session, listener, "up")
    (tmp_path / "new").write_text("-3")
    (tmp_path / "new").rename(file)
    wait_state(session, listener, "down")
    file.write_text("0")
    wait_state(session, listener, "up")
    file.write_text("yes")
    down = wait_state(session, listener, "down")
    assert "does not hold a whole number" in down["checks"]["it0"]["last-error"]


def test_a_file_that_is_to_be_absent(session, tmp_path):
    """As those in ldirectord's maintenancedir, which hold nothing."""
    listener = Listener()
    file = tmp_path / "127.0.0.1:80"
    set_checks(session, listener, f"<file><path>{file}</path><absent>true</absent></file>",
               more=RARE)
    wait_state(session, listener, "up")
    file.touch()
    down = wait_state(session, listener, "down")
    assert down["checks"]["it0"]["last-error"] == f"{file} is there"
    file.unlink()
    wait_state(session, listener, "up")
    set_checks(session, listener, f"<file><path>{file}</path><absent>true</absent>"
               "<reverse>true</reverse></file>", more=RARE)
    down = wait_state(session, listener, "down")
    assert down["checks"]["it0"]["last-error"] == f"{file} is not there"
    with pytest.raises(RpcError) as refused:
        set_checks(session, listener, f"<file><path>{file}</path><absent>true</absent>"
                   "<weight>2</weight></file>")
    assert "leave the weight out" in str(refused.value)


def test_what_is_no_file_blocks_nothing(session, tmp_path):
    listener = Listener()
    os.mkfifo(tmp_path / "fifo")
    set_checks(session, listener, f"<file><path>{tmp_path}/fifo</path></file>")
    down = wait_state(session, listener, "down")
    assert "is not a regular file" in down["checks"]["it0"]["last-error"]
    set_checks(session, listener, "<file><path>/dev/zero</path></file>")
    down = wait_state(session, listener, "down")
    set_checks(session, listener, f"<file><path>{tmp_path}/none/file</path></file>")
    wait_state(session, listener, "up")


def sleeper(*arguments):
    """A process whose parameters are its own."""
    return subprocess.Popen(["sleep", "600", *arguments])


def test_processes_are_counted(session):
    listener = Listener()
    own = f"0.{os.getpid():07}"  # other runs of this test have sleepers of theirs
    kind = ("<process><command>sleep</command><parameter>600</parameter><parameter>{}</parameter>"
            "<parameter-match>exact</parameter-match>{}</process>")
    set_checks(session, listener, kind.format(own, ""))
    down = wait_state(session, listener, "down")
    assert down["checks"]["it0"]["last-error"] == "0 processes sleep run"
    first = sleeper(own)
    wait_state(session, listener, "up")
    set_checks(session, listener, kind.format(own, "<quorum>2</quorum>"))
    wait_state(session, listener, "down")
    second = sleeper(own)
    wait_state(session, listener, "up")
    set_checks(session, listener, kind.format(own, "<quorum-max>1</quorum-max>"))
    wait_state(session, listener, "down")
    first.kill()  # and is not waited for: a zombie does not count
    wait_state(session, listener, "up")
    first.wait()
    second.kill()
    second.wait()


def test_on_and_off(session):
    listener = Listener()
    set_checks(session, listener, "<on/>")
    wait_state(session, listener, "up")
    set_checks(session, listener, "<off/>")
    down = wait_state(session, listener, "down")
    assert down["checks"]["it0"]["last-error"] == "it is configured to be off"
    set_checks(session, listener, "<on/>", "<on/>")
    wait_state(session, listener, "up")


def test_a_check_may_have_alpha_and_warmup_of_its_own(session):
    listener = Listener()
    session.set(checked(QUICK + check("it", content="<alpha>true</alpha><warmup>6</warmup>"
                                      "<delay-loop>60</delay-loop>")
                        + check("other"), listener.real()))
    key = f"{listener.address}:{listener.port}"
    assert status(session)[key]["state"] == "down"
    wait_for(lambda: status(session)[key]["checks"]["other"].get("state") == "up", "the other")
    wait_state(session, listener, "up")


@pytest.mark.parametrize("kind", [
    "<imap><username>olga</username><password>Geheimnis</password></imap>",
    "<http><username>olga</username><password>Geheimnis</password></http>",
    "<nntp><username>olga</username><password>Geheimnis</password></nntp>",
    "<ldap><username>cn=olga</username><password>Geheimnis</password></ldap>",
    "<radius><secret>Geheimnis</secret><username>olga</username><password>Geheimnis</password>"
    "</radius>",
    "<mysql><username>olga</username><password>Geheimnis</password></mysql>",
    "<postgresql><username>olga</username><password>Geheimnis</password></postgresql>",
])
def test_secrets_are_in_no_log(daemon_factory, kind):
    daemon = daemon_factory(null="all", start=False)
    daemon.more = ["-l", "debug"]
    daemon.start()
    listener = Listener()
    with daemon.session() as session:
        session.set(checked(QUICK + check("it", kind), listener.real()))
        wait_state(session, listener, "down")
        assert "Geheimnis" not in str(status(session))
    assert "Geheimnis" not in daemon.log()


MYSQL = "<mysql><username>a</username></mysql>"
POSTGRESQL = "<postgresql><username>a</username></postgresql>"


@pytest.mark.parametrize("kind, leaf, value", [
    (MYSQL, "bind-interface", "lo"), (MYSQL, "bind-port", "1024"), (MYSQL, "firewall-mark", "7"),
    (POSTGRESQL, "bind-interface", "lo"), (POSTGRESQL, "bind-port", "1024"),
    (POSTGRESQL, "firewall-mark", "7"), (POSTGRESQL, "bind-address", "127.0.0.9")])
@pytest.mark.parametrize("of_real_server", [False, True])
def test_what_libraries_cannot_choose_is_refused(session, kind, leaf, value, of_real_server):
    """It is not passed over, whether the check says it or its real server."""
    content = f"<{leaf}>{value}</{leaf}>"
    own = check("it", kind, "" if of_real_server else content)
    there = real("127.0.0.1", 80, health(content) if of_real_server else "")
    with pytest.raises(RpcError) as error:
        session.set(checked(own, there))
    assert f"{leaf} cannot be set of a check {kind[1:kind.index('>')]}" in str(error.value)


def test_a_source_address_of_mysql(session):
    peers = []
    listener = Listener(lambda connection: peers.append(connection.getpeername()[0]))
    session.set(checked(QUICK + check("it", MYSQL, "<bind-address>127.0.0.9</bind-address>"),
                        listener.real()))
    wait_state(session, listener, "down")
    assert set(peers) == {"127.0.0.9"}
