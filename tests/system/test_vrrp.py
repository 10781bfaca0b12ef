"""VRRP: two nodes, each a namespace, and an address that moves between them by keepalived."""

import os
import signal
import subprocess
import threading

import pytest
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

from daemon import nacm
from netconf import RpcError, wait_for
from test_notifications import Subscriber
from test_operations import HASH
from vrrp import VRRP, Node, action, instance, run, vrrp


@pytest.fixture(name="bridge")
def fixture_bridge():
    name = f"br{os.getpid()}"
    run("ip", "link", "add", name, "type", "bridge")
    run("ip", "link", "set", name, "up")
    yield name
    run("ip", "link", "del", name)


@pytest.fixture(name="nodes")
def fixture_nodes(daemon_factory, bridge):
    """Makes nodes on one bridge; configured by the tests."""
    made = []

    def make(number, null="all"):
        node = Node(number, None)
        port = node.port = f"v{number}-{os.getpid()}"
        run("ip", "netns", "add", node.name)
        made.append(node)
        run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", node.name)
        run("ip", "link", "set", port, "master", bridge, "up")
        for command in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                        ["addr", "add", f"10.9.0.{10 + number}/24", "dev", "eth0"]):
            run("ip", "-n", node.name, *command)
        node.daemon = daemon_factory(null=null, prefix=["ip", "netns", "exec", node.name])
        return node

    yield make
    for node in made:
        if node.daemon:
            node.daemon.stop()
            node.kill_keepalived()
        if node.port:
            run("ip", "link", "del", node.port, check=False)
        run("ip", "netns", "del", node.name)


@pytest.fixture(name="pair")
def fixture_pair(nodes):
    """Two nodes with one virtual router; the first is its master."""
    first, second = nodes(1), nodes(2)
    first.set(instance(priority=150))
    second.set(instance(priority=100))
    wait_for(lambda: first.state() == "master" and second.state() == "backup", "the election")
    assert first.holds() and not second.holds()
    return first, second


def test_the_address_moves_when_the_master_dies(pair):
    first, second = pair
    first.daemon.kill()
    first.kill_keepalived()
    wait_for(lambda: second.state() == "master" and second.holds(), "the second to take over")


def test_keepalived_outlives_the_agent_and_is_taken_over(pair):
    first, second = pair
    pid = first.keepalived()
    for end in (first.daemon.stop, first.daemon.kill):
        end()
        assert first.holds() and first.keepalived() == pid
        first.daemon.start()
        wait_for(lambda: first.state() == "master", "the state to be known again")
    assert first.keepalived() == pid and second.state() == "backup"
    assert "took over a running keepalived" in first.daemon.log()
    with second.daemon.session() as session:
        assert session.get("vrrp/instance/master-transitions") == ["0"]


def test_keepalived_is_taken_over_without_the_file_that_names_it(nodes):
    """The agent may have been killed before keepalived has written it."""
    node = nodes(1)
    node.set(instance())
    wait_for(lambda: node.state() == "master", "the state")
    pid, file = node.keepalived(), node.daemon.run / "vrrp" / "keepalived.pid"
    node.daemon.kill()
    file.unlink()
    node.daemon.start()
    wait_for(lambda: node.state() == "master", "the state to be known again")
    file.write_text(f"{pid}\n")
    assert f"took over a running keepalived (process {pid})" in node.daemon.log()
    assert "started keepalived" in node.daemon.log().split("took over")[0]
    assert "started keepalived" not in node.daemon.log().split("took over")[1]


@pytest.mark.once
def test_a_keepalived_that_hangs_is_told(nodes):
    node = nodes(1)
    node.set(instance())
    wait_for(lambda: node.state() == "master", "the state")
    processes = [int((node.daemon.run / "vrrp" / name).read_text())
                 for name in ("keepalived.pid", "vrrp.pid")]

    def reasons():
        with node.daemon.session() as session:
            return session.get("agent/backend/reason")
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    wait_for(lambda: any(f"keepalived (process {processes[0]}) has not answered" in reason
                         for reason in reasons()), "it to be noticed")
    for process in processes:
        os.kill(process, signal.SIGCONT)
    wait_for(lambda: not reasons(), "it to answer again")
    assert node.keepalived() == processes[0] and node.state() == "master"


def test_keepalived_is_started_again(pair):
    first, _ = pair
    pid = first.keepalived()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: first.keepalived() not in (None, pid) and first.state() == "master",
             "a new keepalived")
    with first.daemon.session() as session:
        assert session.get("vrrp/restarts") == ["1"]
        alarms = session.get("alarms/alarm-list/alarm/resource")
    assert any("'vrrp'" in resource for resource in alarms)


def test_a_change_is_told_and_does_not_restart_it(pair):
    first, second = pair
    pid = first.keepalived()
    with Subscriber(first.daemon.socket) as subscriber:
        subscriber.subscribe()
        first.set(instance(priority=50))
        event = subscriber.next("vrrp-state-change", state="backup")
        assert event.findtext("instance") == "web" and event.findtext("former-state") == "master"
    wait_for(lambda: second.state() == "master", "the second to take over")
    assert first.keepalived() == pid


def test_a_removed_instance_gives_its_address_up(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.set(f'<vrrp xmlns="{VRRP}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
                    '<instance nc:operation="delete"><name>web</name></instance></vrrp>')
    wait_for(lambda: second.holds() and not first.holds(), "the address to move")
    wait_for(lambda: not first.keepalived(), "keepalived to end")


def test_an_instance_may_come_while_keepalived_is_ending(nodes):
    """That it ends is no fault then, though it is wanted again."""
    node = nodes(1)
    node.set(instance())
    wait_for(lambda: node.state() == "master", "the election")
    pid = node.keepalived()
    with node.daemon.session() as session:
        session.set(vrrp("").replace("><", "><instance nc:operation='delete'><name>web</name>"
                                     "</instance><"))
        session.set(vrrp(instance("next", vrid=52)))
    wait_for(lambda: node.state("next") == "master", "the other election")
    assert node.keepalived() not in (None, pid)
    assert "backend vrrp is down" not in node.daemon.log()
    with node.daemon.session() as session:
        assert session.get("vrrp/restarts") == ["0"]


def test_fail_over_and_back(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.rpc(action(f'<fail-over xmlns="{VRRP}"><hold-time>6</hold-time>'
                           "<reason>new disk</reason></fail-over>"))
        assert session.get("vrrp/instance/order/reason") == ["new disk"]
    wait_for(lambda: second.holds() and first.state() == "fault", "the second to take over")
    wait_for(lambda: first.holds() and second.state() == "backup", "the first to be back")
    with first.daemon.session() as session:
        assert session.get("vrrp/instance/order/kind") == []


def test_another_priority_survives_a_restart_until_it_is_taken_back(pair):
    first, second = pair
    with first.daemon.session() as session:
        session.rpc(action("<override-priority><priority>20</priority></override-priority>"))
    wait_for(second.holds, "the second to take over")
    first.daemon.stop()
    first.kill_keepalived()
    for file in (first.daemon.run / "vrrp").iterdir():
        file.unlink()  # as a reboot does
    first.daemon.start()
    wait_for(lambda: first.state() == "backup", "the first to be back")
    with first.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/instance/effective-priority") == ["20"], "the priority")
        session.rpc(action("<resume/>"))
    wait_for(first.holds, "the first to take over again")


def test_members_of_a_group_move_together(nodes):
    first, second = nodes(1), nodes(2)
    for node, priority in ((first, 150), (second, 100)):
        node.set(instance("in", priority) + instance("out", priority, vrid=52, address="10.9.0.2")
                 + "<sync-group><name>both</name><member>in</member><member>out</member>"
                 "</sync-group>")
    wait_for(lambda: first.holds() and first.holds("10.9.0.2"), "the election")
    with first.daemon.session() as session:
        with pytest.raises(RpcError) as refused:
            session.rpc(action("<override-priority><priority>20</priority></override-priority>",
                               "in"))
        assert "group both" in refused.value.message
        session.rpc(action("<fail-over><hold-time>60</hold-time></fail-over>", "in"))
    wait_for(lambda: second.holds() and second.holds("10.9.0.2"), "both addresses to move")
    with first.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/sync-group/state") == ["fault"], "the group's state")


def test_an_interface_that_is_missing_is_waited_for(nodes):
    node = nodes(1)
    node.set(instance(interface="eth7"))
    wait_for(lambda: node.state() == "fault", "the fault")
    with node.daemon.session() as session:
        assert any("'web'" in resource
                   for resource in session.get("alarms/alarm-list/alarm/resource"))
    run("ip", "-n", node.name, "link", "add", "eth7", "type", "veth", "peer", "name", "peer7")
    run("ip", "-n", node.name, "link", "set", "peer7", "up")
    run("ip", "-n", node.name, "link", "set", "eth7", "up")
    run("ip", "-n", node.name, "addr", "add", "10.9.1.1/24", "dev", "eth7")
    wait_for(lambda: node.state() == "master", "the instance to work")


@pytest.mark.parametrize("end", [
    '<instance xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete">'
    "<name>gone</name></instance>",
    "<instance><name>gone</name><enabled>false</enabled></instance>"], ids=["deleted", "disabled"])
def test_the_alarm_of_an_instance_goes_with_it(nodes, end):
    node = nodes(1)
    node.set(instance("gone", interface="eth7", vrid=52, address="10.9.0.2") + instance())

    def active():
        with node.daemon.session() as session:
            resources = session.get("alarms/alarm-list/alarm/resource")
            cleared = session.get("alarms/alarm-list/alarm/is-cleared")
        return {resource for resource, over in zip(resources, cleared) if over == "false"}
    wait_for(lambda: [resource.split("'")[1] for resource in active()] == ["gone"], "the alarm")
    with node.daemon.session() as session:
        session.set(vrrp(end))
    wait_for(lambda: not active(), "its end")


def test_a_tracked_file_counts(nodes, tmp_path):
    node, file = nodes(1), tmp_path / "tracked"
    file.write_text("0\n")
    node.set(f"<file><name>load</name><file>{file}</file></file>"
             + instance(more="<track-file><file>load</file></track-file>"))
    wait_for(lambda: node.state() == "master", "the election")
    file.write_text("-30\n")
    with node.daemon.session() as session:
        wait_for(lambda: session.get("vrrp/instance/effective-priority") == ["70"], "the priority")


@pytest.mark.parametrize("content, words", [
    (instance() + instance("other", address="10.9.0.2"), "the same interface"),
    (instance(address="fe80::1"), "family"),
    (instance(more="<version>vrrp-v2</version>"), "whole seconds"),
    (instance(more="<authentication><password>secret</password></authentication>"), "Version 3"),
    (instance(more="<track-script><script>none</script></track-script>"), "script"),
    (instance(more='<notify-any>/bin/true "; }</notify-any>'), "pattern"),
    (instance() + "<sync-group><name>a</name><member>web</member></sync-group>"
     "<sync-group><name>b</name><member>web</member></sync-group>", "one group at most"),
    ("<script-user>nobody-here</script-user>"
     + "<script><name>s</name><command>/bin/true</command></script>"
     + instance(more="<track-script><script>s</script></track-script>"), "script uid/gid"),
], ids=["same-vrid", "family", "interval", "authentication", "script", "injection", "two-groups",
        "user"])
def test_what_cannot_be_is_refused(nodes, content, words):
    node = nodes(1)
    with node.daemon.session() as session:
        with pytest.raises(RpcError) as refused:
            session.set(vrrp(content))
    assert words.lower() in refused.value.message.lower()
    assert not node.keepalived()


# All that the model has, but for what excludes each other.
EVERYTHING = """
<router-id>lb1</router-id><startup-delay>1</startup-delay><script-user>root</script-user>
<script-group>root</script-group><startup-script>/bin/true</startup-script>
<shutdown-script>/bin/true all</shutdown-script><notify-fifo>{folder}/own</notify-fifo>
<notify-fifo-script>/bin/cat</notify-fifo-script><agent-hold-time>5</agent-hold-time>
<log-unknown-routers>true</log-unknown-routers><no-local-membership>true</no-local-membership>
<virtual-mac-prefix>vm</virtual-mac-prefix><virtual-mac-address-prefix>va</virtual-mac-address-prefix>
<multicast-group>224.0.0.19</multicast-group><multicast-group-ipv6>ff02::13</multicast-group-ipv6>
<packet-filter><table>own</table><priority>-2</priority><interface-index>true</interface-index>
</packet-filter>
<scheduling><nice>-5</nice><no-swap>true</no-swap><cpu>0</cpu><real-time-priority>5</real-time-priority>
<real-time-limit>20000</real-time-limit><highest-automatic-priority>9</highest-automatic-priority>
<least-automatic-delay>500000</least-automatic-delay></scheduling>
<buffers><netlink-command>1048576</netlink-command><netlink-monitor>1048576</netlink-monitor>
<netlink-force>true</netlink-force><receive-policy>mtu</receive-policy>
<receive-multiplier>4</receive-multiplier></buffers>
<announcements><arp-interval>0.001</arp-interval>
<neighbor-advertisement-interval>0.002</neighbor-advertisement-interval><minimal>false</minimal>
<group><name>a</name><interface>eth0</interface><interface>eth1</interface>
<arp-interval>0.5</arp-interval></group></announcements>
<link-poll><interface>eth1</interface><method>ioctl</method></link-poll>
<interface-delay><interface>eth1</interface><down>0.01</down><up>0.02</up></interface-delay>
<track-group><name>t</name><member>web</member></track-group>
<static-address><address>10.8.0.1</address><prefix-length>24</prefix-length>
<interface>eth1</interface><track-group>t</track-group></static-address>
<static-route><destination>10.7.0.0/16</destination><interface>eth1</interface>
<track-group>t</track-group></static-route>
<static-rule><preference>300</preference><from>10.7.0.0/16</from><table>7</table>
<input-interface>eth1</input-interface>
<track-group>t</track-group></static-rule>
<script><name>s</name><command>/bin/true --all</command><interval>2</interval><timeout>3</timeout>
<rise>2</rise><fall>2</fall><user>root</user><group>root</group>
<initially-failed>true</initially-failed></script>
<file><name>f</name><file>{folder}/tracked</file><initial>3</initial><overwrite>true</overwrite></file>
<process><name>p</name><command>python3 x</command><whole-command>true</whole-command>
<match>initial</match><quorum>1</quorum><maximum>9</maximum><start-delay>0.5</start-delay>
<end-delay>1.5</end-delay></process>
<bfd-session><name>b</name><neighbor>10.9.0.12</neighbor><source>10.9.0.11</source>
<min-receive>50</min-receive><min-transmit>50</min-transmit><idle-transmit>1000</idle-transmit>
<passive>true</passive><hop-limit>200</hop-limit><max-hops>3</max-hops><multiplier>4</multiplier>
</bfd-session>
<instance><name>web</name><interface>eth0</interface><virtual-router-id>51</virtual-router-id>
<version>vrrp-v2</version><priority>120</priority><preempt><hold-time>1</hold-time></preempt>
<strict>false</strict><lower-priority-advertise>false</lower-priority-advertise>
<higher-priority-advertise>true</higher-priority-advertise>
<skip-address-check>true</skip-address-check><promote-secondaries>true</promote-secondaries>
<receive-buffer>65536</receive-buffer><source-address>10.9.0.11</source-address>
<track-source-address>true</track-source-address><unicast-ttl>64</unicast-ttl>
<check-unicast-source>true</check-unicast-source>
<unicast-peer><address>10.9.0.12</address><min-ttl>64</min-ttl><max-ttl>255</max-ttl></unicast-peer>
<authentication><type>header</type><password>pass</password></authentication>
<gratuitous-arp><delay>1</delay><repeat>2</repeat><refresh>60</refresh>
<refresh-repeat>2</refresh-repeat><lower-priority-delay>3</lower-priority-delay>
<lower-priority-repeat>2</lower-priority-repeat><extra-interval>60</extra-interval>
<extra-all>true</extra-all></gratuitous-arp>
<virtual-address><address>10.9.0.1</address><prefix-length>24</prefix-length>
<label>eth0:v</label><broadcast>set</broadcast></virtual-address>
<virtual-address><address>10.9.0.2</address><interface>eth1</interface><peer>10.9.0.3</peer>
<scope>link</scope><no-track>true</no-track></virtual-address>
<excluded-address><address>2001:db8::1</address><prefix-length>64</prefix-length>
<no-prefix-route>true</no-prefix-route><home>true</home>
<no-duplicate-detection>true</no-duplicate-detection><manage-temporary>true</manage-temporary>
<preferred-lifetime>forever</preferred-lifetime></excluded-address>
<virtual-route><destination>10.1.0.0/16</destination><gateway>10.9.0.254</gateway>
<interface>eth0</interface><on-link>true</on-link><preferred-source>10.9.0.1</preferred-source>
<metric>5</metric><table>7</table><scope>global</scope><type-of-service>4</type-of-service>
<protocol>boot</protocol><mtu>1400</mtu><mtu-lock>true</mtu-lock><hop-limit>60</hop-limit>
<advertised-mss>1300</advertised-mss><round-trip-time>100</round-trip-time>
<round-trip-variance>50</round-trip-variance><reordering>4</reordering><window>10000</window>
<congestion-window>20</congestion-window><slow-start-threshold>30</slow-start-threshold>
<minimum-retransmission-time>200</minimum-retransmission-time>
<initial-congestion-window>11</initial-congestion-window>
<initial-receive-window>12</initial-receive-window>
<quick-acknowledgements>true</quick-acknowledgements>
<explicit-congestion>true</explicit-congestion>
<fast-open-without-cookie>true</fast-open-without-cookie><append>true</append>
<no-track>true</no-track></virtual-route>
<virtual-route><destination>10.2.0.0/16</destination><type>blackhole</type></virtual-route>
<virtual-route><destination>10.3.0.0/16</destination>
<next-hop><number>1</number><gateway>10.9.0.253</gateway><interface>eth0</interface>
<weight>2</weight></next-hop>
<next-hop><number>2</number><gateway>10.9.0.252</gateway><interface>eth0</interface>
<on-link>true</on-link></next-hop></virtual-route>
<virtual-rule><preference>100</preference><not>true</not><from>10.4.0.0/16</from>
<to>10.5.0.0/16</to><type-of-service>4</type-of-service><mark>16</mark><mark-mask>255</mark-mask>
<input-interface>eth0</input-interface><output-interface>eth1</output-interface>
<transport>tcp</transport><source-port>10-20</source-port>
<destination-port>80</destination-port><user-range>0-100</user-range><table>7</table>
<suppress-prefix-length>8</suppress-prefix-length><suppress-group>2</suppress-group>
<no-track>true</no-track></virtual-rule>
<virtual-rule><preference>101</preference><goto>200</goto></virtual-rule>
<virtual-rule><preference>200</preference><drop>prohibit</drop><from>10.6.0.0/16</from>
</virtual-rule>
<virtual-rule><preference>201</preference><address-family>ipv6</address-family><table>8</table>
</virtual-rule>
<track-interface><interface>eth1</interface><weight>-10</weight><reverse>true</reverse>
</track-interface>
<track-script><script>s</script><weight>5</weight><reverse>true</reverse></track-script>
<track-file><file>f</file><weight>-254</weight><reverse>true</reverse></track-file>
<track-process><process>p</process><weight>254</weight><reverse>true</reverse></track-process>
<track-bfd><session>b</session><weight>-7</weight></track-bfd>
<track-agent><weight>-20</weight></track-agent>
<notify-master>/bin/true m</notify-master><notify-backup>/bin/true b</notify-backup>
<notify-fault>/bin/true f</notify-fault><notify-stop>/bin/true s</notify-stop>
<notify-removal>/bin/true d</notify-removal><notify-any>/bin/true a</notify-any>
<notify-rival>/bin/true r</notify-rival></instance>
<instance><name>mac</name><interface>eth0</interface><virtual-router-id>52</virtual-router-id>
<multicast-destination>224.0.0.20</multicast-destination><accept-mode>false</accept-mode>
<virtual-mac><interface>mac0</interface><address>02:00:00:00:01:99</address>
<transmit-base>true</transmit-base></virtual-mac>
<virtual-address><address>10.9.1.1</address></virtual-address>
<virtual-address><address>10.9.1.2</address><interface>eth1</interface><own-mac>true</own-mac>
</virtual-address></instance>
<instance><name>vlan</name><interface>eth1</interface><virtual-router-id>53</virtual-router-id>
<ipvlan><interface>ipv0</interface><address>10.9.2.9</address><mode>private</mode></ipvlan>
<virtual-address><address>10.9.2.1</address></virtual-address></instance>
<instance><name>six</name><interface>eth0</interface><virtual-router-id>54</virtual-router-id>
<address-family>ipv6</address-family>
<virtual-address><address>fe80::1:1</address><prefix-length>64</prefix-length></virtual-address>
<virtual-address><address>2001:db8::5</address><autojoin>false</autojoin></virtual-address>
</instance>
<sync-group><name>g</name><member>mac</member><member>vlan</member><members-weigh>true</members-weigh>
<track-agent/><notify-any>/bin/true</notify-any></sync-group>
"""


def test_keepalived_takes_every_option(nodes, tmp_path):
    """What it would not take, or would only warn of as unknown, shows in its own trial."""
    node = nodes(1)
    run("ip", "-n", node.name, "link", "add", "eth1", "type", "veth", "peer", "name", "peer1")
    for name in ("peer1", "eth1"):
        run("ip", "-n", node.name, "link", "set", name, "up")
    node.set(EVERYTHING.format(folder=tmp_path))
    trial = subprocess.run(["ip", "netns", "exec", node.name, "keepalived", "-t", "-P", "-f",
                            node.daemon.run / "vrrp" / "keepalived.conf"],
                           capture_output=True, text=True, timeout=120, check=False)
    assert (trial.returncode, trial.stderr) == (0, "")
    wait_for(lambda: node.state("six") == "master", "the election")


def test_a_password_is_for_those_who_may_read_it_and_in_no_open_file(nodes):
    node = nodes(1)
    node.set(instance(more="<version>vrrp-v2</version><authentication><password>se.cret</password>"
                      "</authentication>").replace("<advertise-interval>20",
                                                   "<advertise-interval>100"))
    wait_for(lambda: node.state() in ("backup", "master"), "keepalived")
    assert "se.cret" not in node.daemon.log()
    assert (node.daemon.run / "vrrp").stat().st_mode & 0o077 == 0
    assert (node.daemon.run / "vrrp" / "keepalived.conf").stat().st_mode & 0o077 == 0


def test_an_operators_own_keepalived_is_not_disturbed(nodes, tmp_path):
    node, own = nodes(1), tmp_path / "own.conf"
    own.write_text("vrrp_instance A {\n interface eth0\n virtual_router_id 9\n priority 100\n"
                   " virtual_ipaddress {\n 10.9.0.99/24\n }\n}\n")
    other = subprocess.Popen(["ip", "netns", "exec", node.name, "keepalived", "-n", "-P", "-f", own,
                              "-p", tmp_path / "pid", "-r", tmp_path / "child"])
    try:
        wait_for((tmp_path / "child").exists, "the other keepalived")
        node.set(instance())
        with node.daemon.session() as session:
            wait_for(lambda: any("another keepalived" in text for text in
                                 session.get("agent/backend/reason")), "the reason")
    finally:
        other.terminate()
        other.wait(20)
    wait_for(lambda: node.state() == "master", "our own keepalived")


def test_another_master_that_is_heard_is_an_alarm(pair):
    first, second = pair

    def cleared():
        with first.daemon.session() as session:
            kinds = session.get("alarms/alarm-list/alarm/alarm-type-id")
            states = session.get("alarms/alarm-list/alarm/is-cleared")
        return [state for kind, state in zip(kinds, states) if "vrrp-split-brain" in kind]
    assert not cleared()
    one_way = ["ip", "link", "set", second.port, "type", "bridge_slave", "mcast_flood"]
    run(*one_way, "off")
    wait_for(lambda: cleared() == ["false"], "the alarm")
    assert first.holds() and second.holds()
    run(*one_way, "on")
    wait_for(lambda: second.state() == "backup", "the second to give way")
    wait_for(lambda: cleared() == ["true"], "the alarm to clear")
    assert first.state() == "master"


def test_a_flooded_fifo_holds_nobody_up(pair):
    first, _ = pair
    fifo = os.open(first.daemon.run / "vrrp" / "notify", os.O_WRONLY | os.O_NONBLOCK)
    over = threading.Event()

    def flood():
        while not over.is_set():
            try:
                os.write(fifo, b'nonsense "x" ' + b"y" * 4000 + b'\nINSTANCE "none" MASTER 1\n')
            except BlockingIOError:
                over.wait(0.001)
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        for priority in range(151, 154):
            first.set(instance(priority=priority))  # what the thread does that reads the FIFO
            assert first.state() == "master"
    finally:
        over.set()
        flooding.join()
        os.close(fifo)


def test_an_order_needs_a_rule_that_permits_it(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    user = f"<user><name>guest</name><password>{HASH}</password></user>"
    daemon.config.write_text(daemon.default_configuration(user) + nacm())
    daemon.start()
    with daemon.session() as root:
        root.set(vrrp(instance(more="<enabled>false</enabled>")))
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False, timeout=120,
                         username="guest", password="secret", allow_agent=False,
                         look_for_keys=False) as client:
        for name in ("<fail-over/>", "<resume/>",
                     "<override-priority><priority>1</priority></override-priority>"):
            with pytest.raises(RPCError) as denied:
                client.dispatch(to_ele(action(name)))
            assert denied.value.tag == "access-denied"
