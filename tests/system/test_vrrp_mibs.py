"""VRRP by SNMP: each column of the VRRP tables of KEEPALIVED-MIB, VRRP-MIB and VRRPV3-MIB, held
against a real keepalived that is configured alike; and NORIA-MIB's own tables."""

import contextlib
import re
import shutil
import socket
import subprocess

import pytest

from daemon import free_port
from netconf import wait_for
from test_snmp_notify import Receiver
# pylint: disable-next=unused-import
from test_vrrp import fixture_bridge, fixture_nodes
from vrrp import run

KEEPALIVED_MIB = ".1.3.6.1.4.1.9586.100.5.2"
VRRP_MIB, VRRPV3_MIB = ".1.3.6.1.2.1.68", ".1.3.6.1.2.1.207"
NORIA_VRRP = ".1.3.6.1.4.1.32473.1.1.4"
INSTANCE = f"{KEEPALIVED_MIB}.3.1"

KEEPALIVED = """
global_defs {{
  enable_snmp_vrrp
  enable_snmp_rfc
  enable_traps
  script_user root
  enable_script_security
  vrrp_notify_fifo {folder}/fifo root root
}}
static_ipaddress {{
  10.9.1.77/28 brd 10.9.1.79 dev eth1 scope link
}}
static_routes {{
  10.90.0.0/16 via 10.9.0.250 dev eth0 metric 9
}}
static_rules {{
  from 10.90.0.0/16 table 100 preference 990
}}
vrrp_script well {{
  script "/usr/bin/true"
  interval 1
  timeout 5
  rise 1
  fall 1
}}
vrrp_script ill {{
  script "/usr/bin/false -x"
  interval 2
  timeout 5
  rise 3
  fall 2
}}
track_file load {{
  file "{folder}/load"
  weight 1
}}
vrrp_track_process sleepers {{
  process norias-sleeper
  quorum 1
}}
vrrp_track_process others {{
  process nothing-of-this-name
  quorum 2
  delay 1
}}
bfd_instance link {{
  neighbor_ip 10.9.0.250
  min_rx 100
  min_tx 100
  multiplier 5
}}
vrrp_instance web {{
  interface eth0
  state BACKUP
  version 3
  virtual_router_id 51
  priority 100
  advert_int 0.10
  preempt_delay 3
  accept
  promote_secondaries
  garp_master_delay 7
  notify_deleted
  track_interface {{
    eth1 weight 10
  }}
  track_script {{
    well weight 5
    ill weight -3
  }}
  track_file {{
    load weight 2
  }}
  track_process {{
    sleepers weight 4
  }}
  track_bfd {{
    link weight -7
  }}
  virtual_ipaddress {{
    10.9.0.1/24 dev eth0 scope global
    10.9.1.1/32 dev eth1 scope link label eth1:1
  }}
  virtual_ipaddress_excluded {{
    2001:db8::1/64 dev eth1
  }}
  virtual_routes {{
    10.77.0.0/16 via 10.9.0.250 dev eth0 metric 5 table 100
    10.78.0.0/16 dev eth1
    10.79.0.0/16 via 10.9.0.250 dev eth0 src 10.9.0.11 tos 4 mtu lock 1400 hoplimit 7 advmss 900 rtt 80 rttvar 40 reordering 5 window 1000 cwnd 6 ssthresh 9 rto_min 200 initcwnd 11 initrwnd 12 quickack 1 features ecn table 100
    10.80.0.0/16 table 100 nexthop via 10.9.0.251 dev eth0 weight 3 nexthop via 10.9.0.252 dev eth0 weight 5 onlink
    blackhole 10.81.0.0/16 table 100
  }}
  virtual_rules {{
    from 10.77.0.0/16 table 100 preference 1000
    to 10.78.1.0/24 table 100 preference 1001
    not from 10.77.1.0/24 to 10.77.2.0/24 tos 16 fwmark 7/15 realms 5/6 iif eth0 oif eth1 table 100 preference 1002
    from 10.77.3.0/24 goto 2000 preference 1003
    to 10.77.4.0/24 unreachable preference 1004
    to 10.77.5.0/24 ipproto udp sport 1-100 dport 53-54 uidrange 5-10 suppress_prefixlength 8 table 100 preference 1005
  }}
  notify_master "/usr/bin/true master"
  notify_backup "/usr/bin/true backup"
  notify_fault "/usr/bin/true fault"
  notify_stop "/usr/bin/true stop"
  notify "/usr/bin/true any"
}}
vrrp_instance old {{
  interface eth0
  state MASTER
  version 2
  virtual_router_id 52
  priority 90
  advert_int 2
  authentication {{
    auth_type PASS
    auth_pass secret
  }}
  virtual_ipaddress {{
    10.9.0.2/32 dev eth0 scope global
    10.9.0.3/32 dev eth0 scope global
  }}
}}
vrrp_instance behind {{
  interface eth0
  state BACKUP
  version 3
  virtual_router_id 53
  priority 80
  advert_int 0.50
  nopreempt
  no_accept
  virtual_ipaddress {{
    10.9.0.4/32 dev eth0 scope global
  }}
}}
vrrp_instance six {{
  interface eth0
  state BACKUP
  version 3
  virtual_router_id 54
  priority 110
  advert_int 1.00
  accept
  virtual_ipaddress {{
    fe80::5/128 dev eth0
    2001:db8:1::5/128 dev eth0
  }}
}}
vrrp_instance broken {{
  interface eth0
  state BACKUP
  version 3
  virtual_router_id 55
  priority 100
  advert_int 1.00
  dont_track_primary
  accept
  virtual_ipaddress {{
    10.9.0.6/32 dev eth0 scope global
  }}
}}
vrrp_instance cracked {{
  interface eth0
  state BACKUP
  version 3
  virtual_router_id 56
  priority 100
  advert_int 1.00
  accept
  virtual_ipaddress {{
    10.9.0.7/32 dev eth0 scope global
  }}
}}
vrrp_sync_group both {{
  group {{
    old
    six
  }}
  track_interface {{
    eth1
  }}
  track_script {{
    well
  }}
  track_process {{
    sleepers weight 3
  }}
  notify_master "/usr/bin/true group"
}}
vrrp_sync_group ill {{
  group {{
    broken
    cracked
  }}
  track_script {{
    ill
  }}
  track_file {{
    load weight 0
  }}
  track_bfd {{
    link
  }}
}}
"""


def address(text, length=None, more="", kind="virtual"):
    length = f"<prefix-length>{length}</prefix-length>" if length else ""
    return f"<{kind}-address><address>{text}</address>{length}{more}</{kind}-address>"


def instance(name, vrid, priority, interval, content):
    return (f"<instance><name>{name}</name><interface>eth0</interface>"
            f"<virtual-router-id>{vrid}</virtual-router-id><priority>{priority}</priority>"
            f"<advertise-interval>{interval}</advertise-interval>{content}</instance>")


def track(kind, name, more="", key=None):
    return f"<track-{kind}><{key or kind}>{name}</{key or kind}>{more}</track-{kind}>"


def weight(number):
    return f"<weight>{number}</weight>"


ROUTE = "<virtual-route><destination>{}</destination>{}</virtual-route>"
RULE = "<virtual-rule><preference>{}</preference>{}{}</virtual-rule>"
TABLE = "<table>100</table>"


def noria(folder):
    """What KEEPALIVED says, for Noria."""
    return (
        "<script><name>well</name><command>/usr/bin/true</command></script>"
        "<script><name>ill</name><command>/usr/bin/false -x</command><interval>2</interval>"
        "<rise>3</rise><fall>2</fall></script>"
        f"<file><name>load</name><file>{folder}/load</file></file>"
        "<process><name>sleepers</name><command>norias-sleeper</command></process>"
        "<process><name>others</name><command>nothing-of-this-name</command><quorum>2</quorum>"
        "<start-delay>1</start-delay><end-delay>1</end-delay></process>"
        "<static-address><address>10.9.1.77</address><prefix-length>28</prefix-length>"
        "<interface>eth1</interface><scope>link</scope><broadcast>10.9.1.79</broadcast>"
        "</static-address>"
        "<static-route><destination>10.90.0.0/16</destination><gateway>10.9.0.250</gateway>"
        "<interface>eth0</interface><metric>9</metric></static-route>"
        "<static-rule><preference>990</preference><from>10.90.0.0/16</from>" + TABLE
        + "</static-rule>"
        "<bfd-session><name>link</name><neighbor>10.9.0.250</neighbor>"
        "<min-receive>100</min-receive><min-transmit>100</min-transmit></bfd-session>"
        + instance(
            "web", 51, 100, 10,
            "<preempt><hold-time>3</hold-time></preempt>"
            "<promote-secondaries>true</promote-secondaries><notify-deleted>true</notify-deleted>"
            "<gratuitous-arp><delay>7</delay></gratuitous-arp>"
            + address("10.9.0.1", 24)
            + address("10.9.1.1", None, "<interface>eth1</interface><label>eth1:1</label>"
                      "<scope>link</scope>")
            + address("2001:db8::1", 64, "<interface>eth1</interface>", "excluded")
            + ROUTE.format("10.77.0.0/16", "<gateway>10.9.0.250</gateway><interface>eth0"
                           "</interface><metric>5</metric><table>100</table>")
            + ROUTE.format("10.78.0.0/16", "<interface>eth1</interface>")
            + ROUTE.format("10.79.0.0/16", "<gateway>10.9.0.250</gateway><interface>eth0"
                           "</interface><preferred-source>10.9.0.11</preferred-source>"
                           "<table>100</table><type-of-service>4</type-of-service><mtu>1400</mtu>"
                           "<mtu-lock>true</mtu-lock><hop-limit>7</hop-limit>"
                           "<advertised-mss>900</advertised-mss>"
                           "<round-trip-time>80</round-trip-time>"
                           "<round-trip-variance>40</round-trip-variance>"
                           "<reordering>5</reordering><window>1000</window>"
                           "<congestion-window>6</congestion-window>"
                           "<slow-start-threshold>9</slow-start-threshold>"
                           "<minimum-retransmission-time>200</minimum-retransmission-time>"
                           "<initial-congestion-window>11</initial-congestion-window>"
                           "<initial-receive-window>12</initial-receive-window>"
                           "<quick-acknowledgements>true</quick-acknowledgements>"
                           "<explicit-congestion>true</explicit-congestion>")
            + ROUTE.format("10.80.0.0/16", "<next-hop><number>1</number><gateway>10.9.0.251"
                           "</gateway><interface>eth0</interface><weight>3</weight></next-hop>"
                           "<next-hop><number>2</number><gateway>10.9.0.252</gateway><interface>"
                           "eth0</interface><on-link>true</on-link><weight>5</weight></next-hop>"
                           "<table>100</table>")
            + ROUTE.format("10.81.0.0/16", "<type>blackhole</type><table>100</table>")
            + RULE.format(1000, "<from>10.77.0.0/16</from>", TABLE)
            + RULE.format(1001, "<to>10.78.1.0/24</to>", TABLE)
            + RULE.format(1002, "<not>true</not><from>10.77.1.0/24</from><to>10.77.2.0/24</to>"
                          "<type-of-service>16</type-of-service><mark>7</mark>"
                          "<mark-mask>15</mark-mask><input-interface>eth0</input-interface>"
                          "<output-interface>eth1</output-interface><realms>5/6</realms>", TABLE)
            + RULE.format(1003, "<from>10.77.3.0/24</from>", "<goto>2000</goto>")
            + RULE.format(1004, "<to>10.77.4.0/24</to>", "<drop>unreachable</drop>")
            + RULE.format(1005, "<to>10.77.5.0/24</to><transport>udp</transport><source-port>1-100"
                          "</source-port><destination-port>53-54</destination-port><user-range>5-10"
                          "</user-range><suppress-prefix-length>8</suppress-prefix-length>", TABLE)
            + track("interface", "eth1", weight(10)) + track("script", "well", weight(5))
            + track("script", "ill", weight(-3)) + track("file", "load", weight(2))
            + track("process", "sleepers", weight(4)) + track("bfd", "link", weight(-7), "session")
            + "".join(f"<notify-{what}>/usr/bin/true {what}</notify-{what}>"
                      for what in ("master", "backup", "fault", "stop", "any")))
        + instance("old", 52, 90, 200,
                   "<version>vrrp-v2</version><initial-state>master</initial-state>"
                   "<authentication><password>secret</password></authentication>"
                   + address("10.9.0.2") + address("10.9.0.3"))
        + instance("behind", 53, 80, 50, "<preempt><enabled>false</enabled></preempt>"
                   "<accept-mode>false</accept-mode>" + address("10.9.0.4"))
        + instance("six", 54, 110, 100, "<address-family>ipv6</address-family>"
                   + address("fe80::5") + address("2001:db8:1::5"))
        + instance("broken", 55, 100, 100, "<track-interface-of-instance>false"
                   "</track-interface-of-instance>" + address("10.9.0.6"))
        + instance("cracked", 56, 100, 100, address("10.9.0.7"))
        + "<sync-group><name>both</name><member>old</member><member>six</member>"
        + track("interface", "eth1") + track("script", "well")
        + track("process", "sleepers", weight(3)) + "<notify-master>/usr/bin/true group</notify-master></sync-group>"
        + "<sync-group><name>ill</name><member>broken</member><member>cracked</member>" + track("script", "ill")
        + track("file", "load", weight(0)) + track("bfd", "link", "", "session")
        + "</sync-group>")


# Of the node next door, which is master of what is behind.
NEIGHBOR = """
vrrp_instance behind {
  interface eth0
  version 3
  virtual_router_id 53
  priority 200
  advert_int 0.50
  virtual_ipaddress {
    10.9.0.4/32 dev eth0
  }
}
"""

# Everything else is the same, instance by instance, in type and value.
MAY_DIFFER = {
    "3.1.11": "vrrpInstanceTrackPrimaryIf: keepalived says whether any other interface is tracked",
    "3.1.27": "vrrpInstanceAccept: of version 2 keepalived says 0, which the MIB does not have",
    "6.1.11": "vrrpAddressAdvertising: keepalived says it of the first instance alone",
    "7.1.27": "vrrpRouteRTT: keepalived gives the least time-out of a retransmission",
    "7.1.29": "vrrpRouteRTTvar: likewise",
    "8.1.34": "vrrpRuleIPProto: keepalived has no instance",
    "8.1.35": "vrrpRuleSrcPortStart: likewise",
    "8.1.36": "vrrpRuleSrcPortEnd: likewise",
    "8.1.37": "vrrpRuleDstPortStart: likewise",
    "8.1.38": "vrrpRuleDstPortEnd: likewise",
    "12.1.3": "vrrpTrackedFileWeight: keepalived gives the file's own, not what counts here",
    "16.1.3": "vrrpSyncTrackedFileWeight: likewise",
    "17.1.3": "vrrpTrackedBfdWeight: likewise",
    "20.1.3": "vrrpTrackedProcessWeight: likewise",
    "22.1.3": "vrrpSyncTrackedProcessWeight: likewise",
    "v2.1.3.1.7": "vrrpOperMasterIpAddr: of a master keepalived gives 0.0.0.0, not its address",
    "v2.1.3.1.10": "vrrpOperAuthKey: is empty when it is read; keepalived has no instance",
    "v2.2.1.0": "vrrpRouterChecksumErrors: not in what keepalived tells others than its SNMP",
    "v2.2.2.0": "vrrpRouterVersionErrors: likewise",
    "v2.2.3.0": "vrrpRouterVrIdErrors: likewise",
    "v3.1.1.2.1.2": "vrrpv3AssociatedIpAddrRowStatus: keepalived leaves the length of the address "
                    "out of the index (RFC 2578, 7.7)",
    "v3.1.2.1.0": "vrrpv3RouterChecksumErrors: likewise",
    "v3.1.2.2.0": "vrrpv3RouterVersionErrors: likewise",
    "v3.1.2.3.0": "vrrpv3RouterVrIdErrors: likewise",
    "v3.1.2.4.0": "vrrpv3GlobalStatisticsDiscontinuityTime: of these counters",
    "v3.1.2.5.1.12": "vrrpv3StatisticsRowDiscontinuityTime: keepalived began after the agent",
    "v3.1.2.5.1.13": "vrrpv3StatisticsRefreshRate: keepalived gives the interval of advertisements",
}

# They grow, or depend on when something began: they are compared by type, and by whether they are 0.
GROW = {*(f"v2.2.4.1.{column}" for column in (1, 2)), *(f"v3.1.2.5.1.{column}" for column in (1, 3)),
        "v2.1.3.1.13", "v3.1.1.1.1.12"}


def inside(name, *command, **options):
    return subprocess.run(["ip", "netns", "exec", name, *command], capture_output=True, text=True,
                          timeout=60, check=False, **options)


def decoded(value):
    """Octets as text where they are printable, else as numbers."""
    if not value.startswith("Hex-STRING: "):
        return value
    octets = bytes.fromhex(value.removeprefix("Hex-STRING: "))
    text = octets.decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else octets.hex(":")


def walked(name, port, root):
    """{the rest of the OID: type and value}; keepalived ends some walks with genErr."""
    def attempt():
        done = inside(name, "snmpbulkwalk", "-v", "2c", "-c", "public", "-t", "20", "-Onx",
                      f"127.0.0.1:{port}", root)
        return not done.returncode and done.stdout

    text = re.sub(r"\n(?!\.)", " ", wait_for(attempt, f"a walk of {root}", 60))
    lines = [line[len(root) + 1:].split(" = ", 1) for line in text.splitlines()
             if line.startswith(root + ".")]
    return {oid: decoded(value.strip()) for oid, value in lines}


NAMES = {1: 2, 3: 2, 9: 2, 13: 2, 18: 2, 21: 2}  # tables, and their columns of a name
OF_INSTANCE = {4: 1, 5: 2, 6: 3, 7: 3, 8: 25, 12: 2, 17: 2, 20: 2}  # a second part of the index
OF_GROUP = {2: 2, 14: 1, 15: 2, 16: 2, 19: 2, 22: 2}  # is known by the column


def key_of(found, table, index):
    """What a row is of, where two agents number rows in their own ways."""
    if table in NAMES:
        return found[f"{table}.1.{NAMES[table]}.{index}"]
    first = index.split(".")[0]
    if table == 11:  # next hops
        return (*key_of(found, 7, index.rsplit(".", 1)[0]), found.get(f"11.1.3.{index}"))
    column = OF_INSTANCE.get(table) or OF_GROUP[table]
    whose = found[f"{3 if table in OF_INSTANCE else 1}.1.2.{first}"] if first != "0" else ""
    own = found.get(f"{table}.1.{column}.{index}")
    if table == 7:  # a destination alone is of no use where the prefix counts
        own += found[f"7.1.4.{index}"]
    return whose, own


def by_column(name, port):
    """{column: {row: type and value}} of the three MIBs"""
    columns = {}
    found = walked(name, port, KEEPALIVED_MIB)
    for oid, value in found.items():
        table, _, column, index = oid.split(".", 3)
        columns.setdefault(f"{table}.1.{column}", {})[key_of(found, int(table), index)] = value
    for prefix, root, tables in (("v2", VRRP_MIB, ("1.3.1", "1.4.1", "2.4.1")),
                                 ("v3", VRRPV3_MIB, ("1.1.1.1", "1.1.2.1", "1.2.5.1"))):
        for oid, value in walked(name, port, root).items():
            table = next((table for table in tables if oid.startswith(table + ".")), None)
            if table:
                column, index = oid[len(table) + 1:].split(".", 1)
                columns.setdefault(f"{prefix}.{table}.{column}", {})[index] = value
            else:
                columns.setdefault(f"{prefix}.{oid}", {})[0] = value
    return columns


@contextlib.contextmanager
def keepalived(node, folder, configuration, snmp=True, traps=None):
    """A keepalived in a node, behind snmpd if it is to be; the port of the latter."""
    folder.mkdir()
    port, agentx = free_port(socket.SOCK_DGRAM), folder / "agentx"
    sink = f"trap2sink 127.0.0.1:{traps} public\n" if traps else ""
    (folder / "snmpd.conf").write_text(
        f"master agentx\nagentXTimeout 20\nagentXSocket {agentx}\nrocommunity public\n{sink}"
        f"agentAddress udp:127.0.0.1:{port}\n")
    (folder / "keepalived.conf").write_text(configuration)
    environment = {"SNMP_PERSISTENT_DIR": str(folder / "persistent"), "TMPDIR": str(folder),
                   "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    prefix = ["ip", "netns", "exec", node]
    processes = []
    with open(folder / "log", "wb") as log:
        options = {"stdout": log, "stderr": log, "env": environment}
        if snmp:
            processes.append(subprocess.Popen(
                [*prefix, "snmpd", "-f", "-Lf", folder / "snmpd.log", "-C", "-c",
                 folder / "snmpd.conf", "-p", folder / "pid"], **options))
            wait_for(agentx.exists, "snmpd's socket")
        processes.append(subprocess.Popen(
            [*prefix, "keepalived", "-n", "-l", "-D", "-P", *(["-x", "-A", agentx] if snmp else []),
             "-f", folder / "keepalived.conf", "-p", folder / "keepalived.pid", "-r",
             folder / "vrrp.pid", "-b", folder / "bfd.pid"], **options))
    try:
        yield port
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)


def comparable(column, rows):
    if column in GROW:
        return {row: re.sub(r"(Counter\d+|Timeticks): (\(?)[1-9].*", r"\1: some", value)
                for row, value in rows.items()}
    return rows


def settled(name, port):
    """What an agent says when the elections are over."""
    def states():
        columns = by_column(name, port)
        names, states = columns.get("3.1.2", {}), columns.get("3.1.4", {})
        found = {row: states.get(row) for row in names}
        return found == {"web": "INTEGER: 2", "old": "INTEGER: 2", "six": "INTEGER: 2",
                         "behind": "INTEGER: 1", "broken": "INTEGER: 3",
                         "cracked": "INTEGER: 3"} and columns

    wait_for(states, "the elections", 60)

    def ran():
        columns = by_column(name, port)
        return (columns["9.1.6"] == {"well": "INTEGER: 3", "ill": "INTEGER: 2"}
                and not columns["v3.1.2.5.1.3"]["2.53.1"].endswith(" 0") and columns)

    return wait_for(ran, "scripts to run and advertisements to come", 60)


@pytest.fixture(name="node")
def fixture_node(nodes):
    node = nodes(1)
    for command in (["link", "add", "eth1", "type", "veth", "peer", "name", "far1"],
                    ["link", "set", "far1", "up"], ["link", "set", "eth1", "up"],
                    ["addr", "add", "10.9.1.100/24", "dev", "eth1"]):
        run("ip", "-n", node.name, *command)
    return node


@pytest.fixture(name="sleeper")
def fixture_sleeper(tmp_path):
    """A process that is tracked."""
    program = tmp_path / "norias-sleeper"
    shutil.copy("/bin/sleep", program)
    process = subprocess.Popen([program, "600"])
    yield process
    process.kill()
    process.wait(10)


@pytest.mark.once
def test_each_column_is_as_keepalived_has_it(nodes, node, sleeper, tmp_path):
    (tmp_path / "load").write_text("3\n")
    other = nodes(2)
    with keepalived(other.name, tmp_path / "other", NEIGHBOR, snmp=False):
        with keepalived(node.name, tmp_path / "own", KEEPALIVED.format(folder=tmp_path)) as port:
            theirs = settled(node.name, port)
        node.set(noria(tmp_path))
        ours = settled(node.name, node.daemon.snmp_port)
    differences = {
        column: (comparable(column, theirs.get(column, {})),
                 comparable(column, ours.get(column, {})))
        for column in theirs.keys() | ours.keys()
        if comparable(column, theirs.get(column, {})) != comparable(column, ours.get(column, {}))}
    assert len(theirs) > 100, "keepalived has shown all of its VRRP tables"
    assert {column: pair for column, pair in differences.items()
            if column not in MAY_DIFFER} == {}
    assert differences.keys() == MAY_DIFFER.keys(), "what is listed does differ"
