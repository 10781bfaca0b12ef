"""What whoever runs the agent on a node meets: signals, systemd, and starts that cannot be."""

import os
import signal
import socket
import subprocess
import time

import pytest

from daemon import BUILD, SOURCE
from netconf import AGENT, RpcError, item, items, real, server, servers, wait_for


@pytest.fixture(name="told")
def fixture_told(tmp_path, monkeypatch):
    """What systemd is told: a function that gives all of it up to now."""
    heard = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def receive():
            while True:
                try:
                    heard.extend(notify.recv(65536).decode().splitlines())
                except BlockingIOError:
                    return heard
        yield receive


def test_systemd_is_told_how_the_agent_fares(told, daemon_factory, tmp_path):
    daemon = daemon_factory(null="all")
    wait_for(lambda: "READY=1" in told() and told()[-1] == "STATUS=Ready", "to be told")
    mode = (f'<snmp-agent xmlns="{AGENT}"><mode>{{}}</mode><agentx-socket>{tmp_path}/absent'
            "</agentx-socket></snmp-agent>")
    with daemon.session() as session:
        session.set(mode.format("agentx"))
        wait_for(lambda: told()[-1].startswith("STATUS=Ready; snmp-agent is down: ")
                 and "absent" in told()[-1], "the reason")
        session.set(mode.format("master"))
        wait_for(lambda: told()[-1] == "STATUS=Ready", "it to be up")
    second = subprocess.run(daemon.command(), capture_output=True, timeout=120, check=False)
    assert second.returncode == 1
    assert told()[-1].startswith("STATUS=Cannot start: Another noriad uses the state folder")
    daemon.stop()
    assert told()[-2:] == ["STOPPING=1", "STATUS=Stopping; services in the kernel go on"]


def test_signals(daemon):
    def says(number, text):
        before = len(daemon.log())
        daemon.process.send_signal(number)
        wait_for(lambda: text in daemon.log()[before:], text)

    says(signal.SIGHUP, "there is nothing to reload")
    says(signal.SIGUSR1, "backend snmp-agent is up")
    assert f"state in {daemon.state}" in daemon.log()
    says(signal.SIGUSR2, "debug lines of all areas are on")
    with daemon.session() as session:
        session.set(items(item("a")))
    wait_for(lambda: " debug " in daemon.log(), "debug lines")
    says(signal.SIGUSR2, "off again")
    daemon.answers()


def test_two_agents_do_not_share_a_run_folder(daemon, tmp_path):
    command = daemon.command()
    command[command.index("-s") + 1] = str(tmp_path / "other")
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert f"Another noriad uses the folder {daemon.run}" in second.stderr
    assert "--run-dir" in second.stderr
    daemon.answers()
    daemon.kill()
    daemon.start()  # what a crash leaves keeps nobody out


def refuses(daemon, *more, prefix=()):
    """Start in vain; what is said of it."""
    done = subprocess.run([*prefix, *daemon.command(*more)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "cannot start: " in done.stderr
    return done.stderr.split("cannot start: ")[1]


def test_a_start_that_cannot_be_says_what_to_do(daemon_factory, tmp_path):
    daemon = daemon_factory(start=False, null=True)
    said = refuses(daemon, "--yang-dirs", str(tmp_path / "none"))
    assert "ietf-netconf" in said and "--yang-dirs" in said and "libyuma-base" in said
    said = refuses(daemon, "-s", str(tmp_path / "none" / "state"))
    assert f"{tmp_path}/none/state" in said and "No such file" in said
    said = refuses(daemon, "-r", str(tmp_path / "none" / "run"))
    assert f"{tmp_path}/none/run" in said and "No such file" in said
    daemon.config.write_text("<netconf-server/>")
    said = refuses(daemon)
    assert str(daemon.config) in said and "namespace" in said and "--check" in said


def test_without_the_right_to_its_folders_it_says_so(daemon_factory, tmp_path):
    daemon = daemon_factory(start=False, null=True)
    tmp_path.chmod(0o755)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for parent in [daemon.folder, *daemon.folder.parents]:
        if str(parent) != "/":
            parent.chmod(parent.stat().st_mode | 0o755)
    said = refuses(daemon, prefix=nobody)
    assert "Permission denied" in said and "run noriad as root" in said


def reason(session, backend):
    names = session.get("agent/backend/name")
    return dict(zip([name for name, status in zip(names, session.get("agent/backend/oper-status"))
                     if status == "down"], session.get("agent/backend/reason"))).get(backend)


def test_a_port_that_another_program_has_keeps_nobody_out(daemon_factory):
    """Root gets in by the local socket, is told what to do, and it mends itself."""
    daemon = daemon_factory(start=False, null="all")
    with socket.create_server(("127.0.0.1", daemon.ssh_port)):
        daemon.start()
        with daemon.session() as session:
            assert reason(session, "netconf-server") == (
                f"Cannot listen on 127.0.0.1 port {daemon.ssh_port}: another program listens there: "
                "stop it, or name another port. It is tried again.")
    with daemon.session() as session:
        wait_for(lambda: not reason(session, "netconf-server"), "the port to be had")


def test_a_low_port_without_the_right_to_it(daemon_factory):
    daemon = daemon_factory(start=False, null="all", prefix=[
        "setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"])
    daemon.config.write_text(daemon.config.read_text().replace(str(daemon.ssh_port), "830"))
    daemon.start()
    with daemon.session() as session:
        assert "CAP_NET_BIND_SERVICE" in reason(session, "netconf-server")


def test_a_file_system_that_is_read_only(daemon_factory, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "disk", disk], check=True)
    try:
        daemon = daemon_factory(start=False, null=True)
        daemon.state = disk / "state"
        daemon.start()
        with daemon.session() as session:
            session.set(items(item("a", "<value>old</value>")))
            subprocess.run(["mount", "-o", "remount,ro", disk], check=False, capture_output=True)
        daemon.stop()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        said = refuses(daemon)
        assert f"{disk}/state" in said and "Read-only file system" in said
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        daemon.start()
        with daemon.session() as session:
            assert session.get("null/item/held") == ["old"]
        daemon.stop()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_another_version_has_stored_is_named(daemon_factory):
    """Here one without the module noria-null."""
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        session.set(items(item("a")))
    daemon.stop()
    daemon.null = False
    said = refuses(daemon)
    assert f"{daemon.state}/journal." in said and "offset" in said
    assert "noria-null" in said
    assert "written by another version of noriad" in said and "Install that version again" in said
    daemon.null = True
    daemon.start()
    with daemon.session() as session:
        assert session.get("null/item/name") == ["a"]


UNIT = SOURCE / "dist" / "noriad.service.in"


def unit(name):
    return next(line.split("=", 1)[1] for line in UNIT.read_text().splitlines()
                if line.startswith(f"{name}="))


def as_the_unit():
    """A command that takes those rights that the unit does not give."""
    given = ",".join(f"+{word.removeprefix('CAP_').lower()}"
                     for word in unit("CapabilityBoundingSet").split())
    return ["setpriv", f"--bounding-set=-all,{given}", "--inh-caps=-all", "--no-new-privs"]


def test_systemd_takes_the_unit(tmp_path):
    text = UNIT.read_text().replace("@CMAKE_INSTALL_FULL_SBINDIR@/noriad", "/bin/true")
    text = text.replace("man:noriad(8)", "https://example.org/")
    (tmp_path / "noriad.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / "noriad.service"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "noriad.service" not in done.stderr  # systemd has words on those of others


def test_under_the_unit_another_keepalived_is_seen(daemon_factory, tmp_path):
    """It has all rights, of which the agent has but some."""
    program = tmp_path / "keepalived"
    program.write_bytes(open("/bin/sleep", "rb").read())
    program.chmod(0o755)
    link = f"br{os.getpid()}"
    subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
    with subprocess.Popen([program, "600"]) as other:
        try:
            daemon = daemon_factory(null="all", prefix=as_the_unit())
            instance = ('<vrrp xmlns="urn:noria:yang:noria-vrrp"><instance><name>web</name>'
                        f"<interface>{link}</interface><virtual-router-id>51</virtual-router-id>"
                        "<virtual-address><address>10.9.0.1</address></virtual-address></instance>"
                        "</vrrp>")
            with daemon.session() as session:
                session.set(instance)
                wait_for(lambda: f"another keepalived (process {other.pid})" in daemon.log(),
                         "it to be named")
                session.set(instance.replace(
                    "<vrrp ", '<vrrp xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" '
                    'nc:operation="delete" '))
        finally:
            other.kill()
            subprocess.run(["ip", "link", "del", link], check=True)


def test_the_end_does_not_wait_for_commands_for_ever(daemon_factory, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nsleep 60\n")
    hook.chmod(0o755)
    daemon = daemon_factory(null="all")
    health = (f'<health xmlns="urn:noria:yang:noria-health"><omega>true</omega><warmup>600</warmup>'
              f"<notify-down>{hook}</notify-down><check><name>port</name><tcp/></check></health>")
    with daemon.session() as session:
        session.set(servers(server("web", health + "".join(
            real("127.0.0.1", port) for port in range(9000, 9040)), "192.0.2.1", 80)))
    begin = time.monotonic()
    daemon.stop()
    assert time.monotonic() - begin < 50  # one of the commands takes 60 s
    assert "8 commands that run are ended, 32 that wait are not run" in daemon.log()
