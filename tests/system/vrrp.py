"""Virtual routers in the tests: their configuration, and nodes that are namespaces."""

import os
import signal
import subprocess

VRRP = "urn:noria:yang:noria-vrrp"
ADDRESS = "10.9.0.1"


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


def vrrp(content):
    return f'<vrrp xmlns="{VRRP}">{content}</vrrp>'


def instance(name="web", priority=100, more="", vrid=51, address=ADDRESS, interface="eth0"):
    return (f"<instance><name>{name}</name><interface>{interface}</interface>"
            f"<virtual-router-id>{vrid}</virtual-router-id><priority>{priority}</priority>"
            f"<advertise-interval>20</advertise-interval>{more}<virtual-address>"
            f"<address>{address}</address><prefix-length>24</prefix-length></virtual-address>"
            "</instance>")


def action(operation, name="web"):
    return (f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><vrrp xmlns="{VRRP}"><instance>'
            f"<name>{name}</name>{operation}</instance></vrrp></action>")


class Node:
    """A namespace with an interface, and a noriad in it."""

    def __init__(self, number, daemon):
        self.name = f"node{number}-{os.getpid()}"
        self.port = None
        self.daemon = daemon

    def holds(self, address=ADDRESS):
        return f"inet {address}/" in run("ip", "-n", self.name, "addr", "show")

    def keepalived(self):
        """Identifier of its keepalived, or None."""
        try:
            return int((self.daemon.run / "vrrp" / "keepalived.pid").read_text())
        except (OSError, ValueError):
            return None

    def kill_keepalived(self):
        """At once; to end in good order takes it seconds."""
        for name in ("keepalived.pid", "vrrp.pid"):
            try:
                os.kill(int((self.daemon.run / "vrrp" / name).read_text()), signal.SIGKILL)
            except (OSError, ValueError):
                pass

    def state(self, name="web"):
        with self.daemon.session() as session:
            names = session.get("vrrp/instance/name")
            states = session.get("vrrp/instance/state")
        return dict(zip(names, states)).get(name)

    def set(self, content):
        with self.daemon.session() as session:
            session.set(vrrp(content))
