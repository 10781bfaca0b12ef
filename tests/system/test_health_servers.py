"""Health checks against real servers: each up, hung, killed, and back again."""

import os
import shutil
import signal
import socket
import subprocess

import pytest

from daemon import free_port
from health import QUICK, check, checked, status, wait_state
from netconf import real, wait_for

DOVECOT = """
base_dir = {folder}/run
log_path = {folder}/log
ssl = no
protocols = imap pop3
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {second}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""

VSFTPD = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
anon_root={folder}/empty
secure_chroot_dir={folder}/empty
seccomp_sandbox=NO
"""

SLAPD = """
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
database mdb
suffix dc=example
directory {folder}/data
"""

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "fine"; }} }}
}}
"""


class Server:
    """A program in the foreground, in a process group of its own."""

    def __init__(self, folder, kind, config, command, folders=()):
        program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not program:
            pytest.skip(f"{command[0]} is not installed")
        self.kind, self.port, self.second = kind, free_port(), free_port()
        self.folder = folder
        folder.chmod(0o755)
        for name in folders:
            (folder / name).mkdir()
        values = {"folder": folder, "port": self.port, "second": self.second}
        (folder / "config").write_text(config.format(**values))
        (folder / "config").chmod(0o644)
        self.command = [program, *(word.format(**values) for word in command[1:])]
        self.process = None

    def start(self):
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        wait_for(self.answers, f"{self.command}: {(self.folder / 'output').read_text()}", 20)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "output").read_text()
        with socket.socket() as probe:
            return self.kind == "dns" or probe.connect_ex(("127.0.0.1", self.port)) == 0

    def everyone(self, number):
        """Send a signal to all of its processes, also to those in other groups."""
        found = [self.process.pid]
        for pid in found:
            path = f"/proc/{pid}/task/{pid}/children"
            if os.path.exists(path):
                with open(path, encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def end(self):
        if self.process:
            self.everyone(signal.SIGKILL)
            self.process.wait(10)
        self.process = None


SERVERS = {
    "nginx": ("http", "<http/>", NGINX, ["nginx", "-p", "{folder}", "-c", "{folder}/config"], []),
    "vsftpd": ("ftp", "<ftp/>", VSFTPD, ["vsftpd", "{folder}/config"], ["empty"]),
    "dovecot-imap": ("imap", "<imap/>", DOVECOT, ["dovecot", "-F", "-c", "{folder}/config"],
                     ["run", "mail"]),
    "slapd": ("ldap", "<ldap/>", SLAPD,
              ["slapd", "-d", "0", "-f", "{folder}/config", "-h", "ldap://127.0.0.1:{port}/"],
              ["data"]),
    "dnsmasq": ("dns", "<dns><type>A</type><name>www.example</name><expect>192.0.2.9</expect></dns>",
                "", ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port={port}",
                     "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--user=",
                     "--pid-file={folder}/pid", "--address=/www.example/192.0.2.9"], []),
}


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


@pytest.fixture(name="server", params=SERVERS)
def fixture_server(request, tmp_path):
    kind, configuration, config, command, folders = SERVERS[request.param]
    folder = tmp_path / "server"
    folder.mkdir()
    for parent in folder.parents[:3]:
        parent.chmod(0o755)
    server = Server(folder, kind, config, command, folders)
    server.configuration = configuration
    server.address = "127.0.0.1"
    server.start()
    yield server
    server.end()


def test_up_hung_killed_and_back(session, server):
    session.set(checked(QUICK + check("it", server.configuration), real("127.0.0.1", server.port)))
    wait_state(session, server, "up")
    server.everyone(signal.SIGSTOP)
    down = wait_state(session, server, "down")
    assert "timed out after 0.5 s" in down["checks"]["it"]["last-error"]
    server.everyone(signal.SIGCONT)
    wait_state(session, server, "up")
    server.end()
    down = wait_state(session, server, "down")
    wait_for(lambda: any(words in status(session)[f"127.0.0.1:{server.port}"]["checks"]["it"]
                         ["last-error"] for words in ("refused", "unreachable")), "a refusal")
    server.start()
    wait_state(session, server, "up")
