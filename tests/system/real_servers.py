"""Real servers of many protocols, each on ports of its own, that can be killed, hung and begun anew."""

import os
import pwd
import shutil
import signal
import socket
import subprocess

import pytest

from daemon import free_port
from netconf import wait_for

PASSWORD = "open-sesame"

# Of each dovecot: no user of its own, and nothing that waits.
DOVECOTS = """
base_dir = {folder}/run
log_path = {folder}/log
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
auth_failure_delay = 0
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

DOVECOT = DOVECOTS + """
ssl = yes
ssl_cert = <{tls}/server.pem
ssl_key = <{tls}/server.key
protocols = imap pop3
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password={password}
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {second}
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {third}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {fourth}
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
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file={tls}/server.pem
rsa_private_key_file={tls}/server.key
ssl_ciphers=HIGH
implicit_ssl={implicit}
"""

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
smtpd_helo_required = yes
smtpd_tls_security_level = may
smtpd_tls_chain_files = {tls}/server.key, {tls}/server.pem
"""

POSTFIX_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{second} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

# One that takes messages of those who log in: on the first port after STARTTLS, on the second with
# TLS from the begin, on the third without TLS, where nobody can log in.
POST = POSTFIX + """
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/logins/auth
smtpd_tls_auth_only = yes
smtpd_tls_received_header = yes
smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
mydestination =
mynetworks =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
"""

POST_SERVICES = POSTFIX_SERVICES + """
127.0.0.1:{third} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
"""

LOGINS = DOVECOTS + """
protocols =
ssl = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
"""

SLAPD = """
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
{settings}
database mdb
suffix dc=example
rootdn cn=admin,dc=example
rootpw "{password}"
directory {folder}/data
"""

SLAPD_TLS = """
TLSCertificateFile {tls}/server.pem
TLSCertificateKeyFile {tls}/server.key
"""

# Everyone shows a certificate.
SLAPD_CLIENTS = SLAPD_TLS + """
TLSCACertificateFile {tls}/ca.pem
TLSVerifyClient demand
"""

DIRECTORY = """
dn: dc=example
objectClass: organization
objectClass: dcObject
o: example
dc: example

dn: cn=probe,dc=example
objectClass: applicationProcess
cn: probe
description: well
"""

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "fine"; }}
    location /moved {{ return 302 /; }}
    location /slow {{ root {folder}; limit_rate 1000; }}
  }}
  server {{
    listen 127.0.0.1:{second} ssl http2;
    ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key;
    ssl_client_certificate {tls}/ca.pem; ssl_verify_client optional;
    location / {{ return 200 "$server_protocol $ssl_server_name $ssl_client_s_dn"; }}
    location /client {{ if ($ssl_client_verify != SUCCESS) {{ return 403; }} return 200; }}
  }}
}}
"""

RADIUSD = """
prefix = /usr
name = freeradius
raddbdir = {folder}
logdir = {folder}
run_dir = {folder}
libdir = /usr/lib/freeradius
pidfile = {folder}/pid
security {{
  status_server = yes
  allow_vulnerable_openssl = yes
}}
client probe {{
  ipaddr = 127.0.0.1
  secret = "{password}"
}}
modules {{
  pap {{
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    if (User-Name == "olga") {{
      update control {{
        Cleartext-Password := "{password}"
      }}
    }}
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
  }}
}}
"""

KAMAILIO = """
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "sl.so"
request_route {{
  if (method == "OPTIONS" && uri =~ "^sip:probe@") {{
    sl_send_reply("200", "Here");
  }} else {{
    sl_send_reply("404", "Not here");
  }}
}}
"""

POSTGRESQL = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.key'
shared_buffers = 16MB
max_connections = 20
"""

MYSQL_USERS = """
CREATE OR REPLACE USER olga@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE DATABASE IF NOT EXISTS stock;
CREATE TABLE IF NOT EXISTS stock.parts (name CHAR(9));
GRANT SELECT ON stock.* TO olga@'127.0.0.1';
"""

LEAFNODE = """
server = news.example.org
expire = 20
hostname = news.noria.internal
"""

# TLS in front of it; of who comes to the second port a certificate is wanted.
STUNNEL = """
foreground = yes
pid =
cert = {tls}/server.pem
key = {tls}/server.key
[nntps]
accept = 127.0.0.1:{second}
connect = 127.0.0.1:{port}
[known]
accept = 127.0.0.1:{third}
connect = 127.0.0.1:{port}
CAfile = {tls}/ca.pem
verifyChain = yes
"""

# What inetd(8) does: a program for each connection, which has it as input and output.
INETD = """
import socket, subprocess, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        connection, _ = listener.accept()
        subprocess.Popen(sys.argv[2:], stdin=connection, stdout=connection)
        connection.close()
        subprocess._cleanup()
"""

DOMAIN = "/www.example/192.0.2.9"


def run(*command, **options):
    """A program that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def make_certificates(folder):
    """An authority (ca.pem), a server's certificate for mail.example and 127.0.0.1, a client's."""
    folder.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *key, "-days", "30", "-subj", "/CN=authority", "-keyout",
        folder / "ca.key", "-out", folder / "ca.pem")
    for name, names in (("server", "subjectAltName=DNS:mail.example,IP:127.0.0.1"),
                        ("client", "subjectAltName=DNS:client.example")):
        (folder / "names").write_text(names)
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
            folder / f"{name}.key", "-out", folder / "request")
        run("openssl", "x509", "-req", "-in", folder / "request", "-CA", folder / "ca.pem",
            "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
            folder / "names", "-out", folder / f"{name}.pem")
    folder.chmod(0o755)
    return folder


class Server:
    """A program in the foreground, in a process group of its own."""

    address = "127.0.0.1"

    def __init__(self, folder, tls, config, command, folders=(), user=None, datagrams=False,
                 prepare=None, **more):
        program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/"
                                                "postgresql/15/bin:/usr/lib/news/bin")
        if not program:
            pytest.skip(f"{command[0]} is not installed")
        self.ports = [free_port() for _ in range(4)]
        self.port, self.second, self.third, self.fourth = self.ports
        self.datagrams = datagrams
        self.folder = folder
        self.user = user
        for name in folders:
            (folder / name).mkdir()
        self.values = {"folder": folder, "tls": tls, "port": self.port, "second": self.second,
                       "third": self.third, "fourth": self.fourth, "password": PASSWORD, **more}
        (folder / "config").write_text(self.fill(config))
        (folder / "config").chmod(0o644)
        self.command = [program, *(self.fill(word) for word in command[1:])]
        self.process = None
        if prepare:
            prepare(self)

    def fill(self, text):
        return text.format(**self.values)

    def start(self):
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True, user=self.user)
        wait_for(self.answers, f"{self.command}: {(self.folder / 'output').read_text()}")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "output").read_text()
        with socket.socket() as probe:
            return self.datagrams or probe.connect_ex((self.address, self.port)) == 0

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


def nginx(folder, tls):
    def prepare(server):
        (folder / "slow").write_text("x" * 100000)
    return Server(folder, tls, NGINX, ["nginx", "-p", "{folder}", "-c", "{folder}/config"],
                  prepare=prepare)


def vsftpd(folder, tls, implicit="NO"):
    return Server(folder, tls, VSFTPD, ["vsftpd", "{folder}/config"], ["empty"],
                  implicit=implicit)


def dovecot(folder, tls):
    return Server(folder, tls, DOVECOT, ["dovecot", "-F", "-c", "{folder}/config"],
                  ["run", "mail"], prepare=lambda server: shutil.chown(folder / "mail", "nobody"))


def postfix(folder, tls):
    def prepare(server):
        (folder / "config").rename(folder / "main.cf")
        (folder / "master.cf").write_text(server.fill(POSTFIX_SERVICES))
        shutil.chown(folder / "data", "postfix")
    return Server(folder, tls, POSTFIX, ["postfix", "-c", "{folder}", "start-fg"],
                  ["queue", "data"], prepare=prepare)


def post(folder, tls):
    """A mail server whose users log in (noria), and {folder}/box/new, where its messages come to."""
    def prepare(server):
        (folder / "config").rename(folder / "main.cf")
        (folder / "master.cf").write_text(server.fill(POST_SERVICES))
        shutil.chown(folder / "data", "postfix")
        shutil.chown(folder / "box", "nobody", "nogroup")
    return Server(folder, tls, POST, ["postfix", "-c", "{folder}", "start-fg"],
                  ["queue", "data", "box"], prepare=prepare)


def logins(folder, tls):
    """Who may log in to the mail server; it asks at {folder}/auth."""
    def prepare(server):
        (folder / "users").write_text(f"noria:{{PLAIN}}{PASSWORD}\n")
        (folder / "users").chmod(0o644)
    return Server(folder, tls, LOGINS, ["dovecot", "-F", "-c", "{folder}/config"], ["run"],
                  datagrams=True, prepare=prepare)


def slapd(folder, tls, settings=SLAPD_TLS):
    def prepare(server):
        (folder / "entries").write_text(DIRECTORY)
        run("slapadd", "-f", folder / "config", "-l", folder / "entries")
    return Server(folder, tls, SLAPD,
                  ["slapd", "-d", "0", "-f", "{folder}/config", "-h",
                   "ldap://127.0.0.1:{port}/" + " ldaps://127.0.0.1:{second}/" * bool(settings)],
                  ["data"], prepare=prepare, settings=settings.format(tls=tls))


def slapd_with_clients(folder, tls):
    return slapd(folder, tls, SLAPD_CLIENTS)


def slapd_without_tls(folder, tls):
    return slapd(folder, tls, "")


def dnsmasq(folder, tls):
    return Server(folder, tls, "",
                  ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port={port}",
                   "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--user=",
                   "--pid-file={folder}/pid", f"--address={DOMAIN}",
                   *(f"--txt-record=long.example,{'x' * 200}{i}" for i in range(10))],
                  datagrams=True)


def radiusd(folder, tls):
    return Server(folder, tls, RADIUSD, ["freeradius", "-f", "-d", "{folder}", "-n", "config",
                                         "-l", "stdout"],
                  datagrams=True,
                  prepare=lambda s: (folder / "config").rename(folder / "config.conf"))


def kamailio(folder, tls):
    return Server(folder, tls, KAMAILIO.lstrip(),
                  ["kamailio", "-DD", "-E", "-m", "8", "-M", "4", "-Y", "{folder}", "-f",
                   "{folder}/config"])


def leafnode(folder, tls):
    """The news server of small sites; its configuration has a fixed place."""
    def prepare(server):
        (folder / "inetd").write_text(INETD)
        (folder / "stunnel").write_text(server.fill(STUNNEL))
    return Server(folder, tls, LEAFNODE,
                  ["unshare", "-m", "sh", "-c", "mount --bind {folder}/config "
                   "/etc/news/leafnode/config && {{ stunnel4 {folder}/stunnel & "
                   "exec /usr/bin/python3 {folder}/inetd {port} /usr/sbin/leafnode; }}"],
                  prepare=prepare)


def postgresql(folder, tls):
    owner = pwd.getpwnam("postgres") if shutil.which("initdb", path="/usr/lib/postgresql/15/bin") \
        else None

    def prepare(server):
        data = folder / "data"
        for name in ("server.pem", "server.key"):
            shutil.copy(tls / name, folder / name)
            (folder / name).chmod(0o600)
        (folder / "password").write_text(PASSWORD)
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        run("/usr/lib/postgresql/15/bin/initdb", "-N", "-A", "scram-sha-256", "-U", "olga",
            f"--pwfile={folder}/password", "-D", data, user="postgres", cwd=folder)
    return Server(folder, tls, POSTGRESQL,
                  ["postgres", "-D", "{folder}/data", "-c", "config_file={folder}/config",
                   "-c", "hba_file={folder}/data/pg_hba.conf",
                   "-c", "ident_file={folder}/data/pg_ident.conf"],
                  user="postgres", prepare=prepare)


def mariadbd(folder, tls):
    def prepare(server):
        (folder / "users").write_text(server.fill(MYSQL_USERS))
        tables = "".join(open(f"/usr/share/mysql/{name}.sql", encoding="utf-8").read() for name in (
            "mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data"))
        run(server.command[0], "--no-defaults", "--bootstrap", "--user=root", "--skip-log-bin",
            f"--datadir={folder}/data", "--innodb-buffer-pool-size=8M",
            input="CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n" + tables)
    return Server(folder, tls, "",
                  ["mariadbd", "--no-defaults", "--user=root", "--datadir={folder}/data",
                   "--socket={folder}/socket", "--port={port}", "--bind-address=127.0.0.1",
                   "--pid-file={folder}/pid", "--init-file={folder}/users",
                   "--innodb-buffer-pool-size=8M", "--skip-log-bin",
                   "--ssl-cert={tls}/server.pem", "--ssl-key={tls}/server.key"],
                  ["data"], prepare=prepare)
