"""noriad in a folder of its own."""

import contextlib
import itertools
import os
import pathlib
import random
import signal
import socket
import subprocess

from netconf import Session, wait_for

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NORIA_BUILD", SOURCE / "build" / "debug"))
YANG_DIRS = ":".join([str(SOURCE / "yang"), str(SOURCE / "tests" / "yang"),
                      "/usr/share/yang/modules/libyang", "/usr/share/yuma/modules/ietf",
                      "/usr/share/yuma/modules/ietf-derived",
                      "/usr/share/yuma/modules/netconfcentral"])
AGENT = "urn:noria:yang:noria-agent"
NACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"

# What a sanitizer says ends the daemon with this status, which no other way to end gives.
SANITIZER_STATUS = 99
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:suppressions={SOURCE}/tests/system/lsan.supp:print_suppressions=0",
}


# Below those that connections of clients begin at.
PORTS = itertools.count(random.randrange(10000, 20000))


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    """A port that is free; it is given once, and no client's connection takes it meanwhile."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in PORTS:
        with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind((address, port))
            return port
    raise AssertionError("unreachable")


def nacm(groups="", rules=""):
    """Access control with the group admin, whose one user admin may do everything."""
    return (f'<nacm xmlns="{NACM}"><groups><group><name>admin</name><user-name>admin</user-name>'
            f"</group>{groups}</groups><rule-list><name>admin</name><group>admin</group><rule>"
            "<name>all</name><module-name>*</module-name><access-operations>*</access-operations>"
            f"<action>permit</action></rule></rule-list>{rules}</nacm>")


PERMIT_ADMIN = nacm()


class Daemon:
    """One noriad; start() and stop() may be called again and again.

    null="all" puts null backends in place of those that need a kernel.
    """

    def __init__(self, folder, null=False, configuration=None, prefix=(), unprivileged=False):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.run = self.folder / "run"
        self.log_file = self.folder / "log"
        self.socket = str(self.run / "netconf.sock")
        self.null = null
        self.prefix = list(prefix)
        self.process = None
        self.more = []
        self.ssh_port = free_port()
        self.snmp_port = free_port(socket.SOCK_DGRAM)
        self.config = self.folder / "noria.xml"
        if configuration is None:
            configuration = self.default_configuration()
        self.config.write_text(configuration)

    def default_configuration(self, users=""):
        """Both protocols on the loopback."""
        return f"""
<netconf-server xmlns="{AGENT}">
  <listen><name>test</name><address>127.0.0.1</address><port>{self.ssh_port}</port></listen>
  {users}
</netconf-server>
<snmp-agent xmlns="{AGENT}">
  <listen><name>test</name><address>127.0.0.1</address><port>{self.snmp_port}</port></listen>
  <community><name>public</name></community>
</snmp-agent>"""

    def command(self, *more):
        null = {False: [], True: ["--with-null-backend"]}.get(
            self.null, [f"--with-null-backend={self.null}"])
        return [*self.prefix, str(BUILD / "noriad"), "-c", str(self.config), "-s",
                str(self.state), "-r", str(self.run), "--yang-dirs", YANG_DIRS, "-l", "info",
                *null, *self.more, *more]

    def start(self, wait=True):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **SANITIZER_OPTIONS})
        if wait:
            wait_for(self.answers, f"noriad to be ready; its log: {self.log_file}", 60)
        return self

    def answers(self):
        assert self.process.poll() is None, f"noriad ended:\n{self.log()}"
        try:
            with Session(self.socket):
                return True
        except OSError:
            return False

    def session(self, **options):
        return Session(self.socket, **options)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def stop(self):
        """A clean end; it must come soon and with status 0. Under sanitizers it takes far longer."""
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30 if BUILD.name != "sanitize" else 90)
        self.process = None
        assert status == 0, f"noriad ended with status {status}:\n{self.log()[-6000:]}"

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait(30)
        self.process = None
