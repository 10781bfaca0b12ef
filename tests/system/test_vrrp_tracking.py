"""What virtual routers track, what they place, and a keepalived that cannot be used."""

import fcntl
import shutil
import time

import pytest

from netconf import wait_for
from test_notifications import Subscriber
from test_vrrp import fixture_bridge, fixture_nodes  # noqa: F401 pylint: disable=unused-import
from vrrp import instance, run, vrrp


def reason(node):
    with node.daemon.session() as session:
        return " ".join(text or "" for text in session.get("agent/backend/reason"))


def with_path(node, path):
    node.daemon.stop()
    node.daemon.prefix = node.daemon.prefix[:4] + ["env", f"PATH={path}"]
    node.daemon.start()


def test_a_keepalived_that_is_missing_or_too_old_is_named_and_the_rest_goes_on(nodes, tmp_path):
    node, program = nodes(1), tmp_path / "keepalived"
    with_path(node, tmp_path)
    node.set(instance())
    wait_for(lambda: "install the package keepalived" in reason(node), "the reason")
    program.write_text("#!/bin/sh\necho 'Keepalived v1.3.9 (10/21,2017)' >&2\n")
    program.chmod(0o755)
    wait_for(lambda: "keepalived is too old: version 1.3.9 is installed" in reason(node),
             "the other reason")
    node.set(instance(priority=120))
    program.unlink()
    program.symlink_to(shutil.which("keepalived"))
    wait_for(lambda: node.state() == "master", "the instance to work", 60)
    assert reason(node).strip() == ""


def test_a_script_that_does_not_end_has_failed(nodes):
    node = nodes(1)
    with Subscriber(node.daemon.socket) as subscriber:
        subscriber.subscribe()
        node.set("<script><name>slow</name><command>/bin/sleep 60</command><timeout>1</timeout>"
                 "</script>" + instance(more="<track-script><script>slow</script></track-script>"))
        event = subscriber.next("vrrp-state-change", state="fault")
    assert event.findtext("cause") == "tracked"
    assert event.findtext("detail") == "what is tracked: script slow"


def test_addresses_routes_and_rules_go_where_the_master_is(nodes):
    node = nodes(1)
    node.set(instance(more="<excluded-address><address>2001:db8::1</address>"
                      "<prefix-length>64</prefix-length></excluded-address>"
                      "<virtual-route><destination>10.1.0.0/16</destination>"
                      "<gateway>10.9.0.254</gateway><interface>eth0</interface>"
                      "<table>7</table><mtu>1400</mtu></virtual-route>"
                      "<virtual-route><destination>10.3.0.0/16</destination>"
                      "<next-hop><number>1</number><gateway>10.9.0.253</gateway>"
                      "<interface>eth0</interface><weight>2</weight></next-hop>"
                      "<next-hop><number>2</number><gateway>10.9.0.252</gateway>"
                      "<interface>eth0</interface></next-hop></virtual-route>"
                      "<virtual-rule><preference>100</preference><from>10.4.0.0/16</from>"
                      "<table>7</table></virtual-rule>"))
    wait_for(lambda: node.state() == "master", "the election")

    def show(*what):
        return run("ip", "-n", node.name, *what)
    wait_for(lambda: "10.4.0.0/16" in show("rule", "show"), "the rule")
    assert "2001:db8::1/64" in show("addr", "show")
    assert "via 10.9.0.254 dev eth0" in show("route", "show", "table", "7")
    assert "mtu 1400" in show("route", "show", "table", "7")
    hops = show("route", "show", "10.3.0.0/16")
    assert "via 10.9.0.253 dev eth0 weight 2" in hops and "via 10.9.0.252" in hops
    with node.daemon.session() as session:
        session.set(vrrp("").replace("><", "><instance><name>web</name><enabled>false</enabled>"
                                     "</instance><"))
    wait_for(lambda: not node.keepalived(), "keepalived to end")
    assert "10.4.0.0/16" not in show("rule", "show")
    assert show("route", "show", "table", "7").strip() == ""


def test_the_agents_health_counts_and_so_does_its_death(nodes):
    first, second = nodes(1), nodes(2)
    health = "<track-agent><weight>-100</weight></track-agent>"
    first.set("<agent-hold-time>2</agent-hold-time>" + instance(priority=150, more=health))
    second.set(instance(priority=100))
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the election")
    pid = first.keepalived()
    first.daemon.kill()
    wait_for(lambda: second.state() == "master" and second.holds(), "the second to take over")
    first.daemon.start()
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the first again")
    assert first.keepalived() == pid


def test_who_looks_whether_the_agent_is_alive_does_not_keep_it_from_saying_so(nodes):
    """keepalived's script holds the lock for a moment, which may be the one of a start."""
    node = nodes(1)
    file = node.daemon.run / "vrrp" / "alive"
    node.daemon.stop()
    with open(file, "ab") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        node.daemon.start(wait=False)
        time.sleep(0.2)
    wait_for(node.daemon.answers, "the start")
    with open(file, "ab") as looking, pytest.raises(BlockingIOError):
        fcntl.flock(looking, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_end_of_a_bfd_session_is_a_fault(nodes):
    first, second = nodes(1), nodes(2)

    def session(own, other):
        return (f"<bfd-session><name>peer</name><neighbor>10.9.0.{other}</neighbor>"
                f"<source>10.9.0.{own}</source><min-receive>50</min-receive>"
                "<min-transmit>50</min-transmit></bfd-session>")
    track = "<track-bfd><session>peer</session></track-bfd>"
    first.set(session(11, 12) + instance(priority=150, more=track))
    second.set(session(12, 11) + instance(priority=100))
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the session")
    run("ip", "-n", second.name, "link", "set", "eth0", "down")
    wait_for(lambda: first.state() == "fault", "the fault")
