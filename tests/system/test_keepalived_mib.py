"""KEEPALIVED-MIB, held against a real keepalived that is configured alike."""

import contextlib
import re
import socket
import subprocess
import threading

import pytest

from daemon import free_port
from director import director, directors
from health import check, health
from netconf import real, server, servers, wait_for
from test_snmp import run

MIB = ".1.3.6.1.4.1.9586.100.5"
TABLES = ("1.3.5.1", "3.1.1", "3.2.1", "3.3.1", "3.4.1")

KEEPALIVED = """
global_defs {
  enable_snmp_checker
  script_user root
  lvs_timeouts tcp 800 tcpfin 100 udp 200
}
virtual_server_group addresses {
  192.0.2.10 80
  192.0.2.11-15 80
}
virtual_server_group marks {
  fwmark 7
}
virtual_server 192.0.2.1 80 {
  snmp_name web
  delay_loop 1
  retry 0
  delay_before_retry 1
  warmup 0
  connect_timeout 3
  lb_algo wlc
  lb_kind NAT
  protocol TCP
  persistence_timeout 60
  persistence_granularity 255.255.255.0
  quorum 2
  hysteresis 1
  inhibit_on_failure
  omega
  quorum_up "/usr/bin/true one 'two words'"
  quorum_down /usr/bin/false
  virtualhost www.example.org
  sorry_server 127.0.0.1 8082
  real_server 127.0.0.1 8080 {
    weight 3
    uthreshold 100
    lthreshold 50
    notify_up /usr/bin/true
    notify_down /usr/bin/false
    snmp_name first
    TCP_CHECK { connect_timeout 3 }
  }
  real_server 127.0.0.1 8081 {
    weight 1
    notify_up /usr/bin/true
    notify_down /usr/bin/false
    TCP_CHECK { connect_timeout 3 }
  }
}
virtual_server 192.0.2.2 53 {
  snmp_name dns
  lb_algo sh
  sh-port
  sh-fallback
  lb_kind DR
  protocol UDP
  ops
  real_server 192.0.2.99 53 { weight 2 }
}
virtual_server fwmark 9 {
  snmp_name mark
  lb_algo mh
  lb_kind TUN type gue port 6080 nocsum
  real_server 192.0.2.99 0 { weight 1 }
}
virtual_server 2001:db8::2 80 {
  snmp_name six
  lb_algo wrr
  lb_kind NAT
  protocol TCP
  persistence_timeout 300
  persistence_granularity 64
  real_server 2001:db8::3 80 { weight 4 }
}
virtual_server 2001:db8::4 80 {
  snmp_name dead
  lb_algo fo
  lb_kind NAT
  protocol TCP
  delay_loop 1
  retry 0
  delay_before_retry 1
  connect_timeout 3
  alpha
  real_server ::1 8081 {
    weight 1
    TCP_CHECK { connect_timeout 3 }
  }
}
virtual_server group addresses {
  snmp_name addresses
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 192.0.2.99 80 { weight 1 }
}
virtual_server group marks {
  snmp_name marks
  lb_algo sed
  lb_kind TUN
  real_server 192.0.2.99 0 { weight 1 }
}
"""

CHECKS = ("<delay-loop>1</delay-loop><timeout>3</timeout><retry>0</retry>"
          "<delay-before-retry>1</delay-before-retry><warmup>0</warmup>")


def method(name):
    return f"<forwarding-method>{name}</forwarding-method>"


def scheduler(name):
    return f"<scheduler>{name}</scheduler>"


def member(name, content):
    return f"<member><name>{name}</name>{content}</member>"


def weight(number):
    return f"<weight>{number}</weight>"


NORIA = servers(
    server("web",
           "<persistence><timeout>60</timeout><prefix-length>24</prefix-length></persistence>"
           + health(CHECKS + "<quorum>2</quorum><hysteresis>1</hysteresis>"
                    "<on-failure>inhibit</on-failure><omega>true</omega>"
                    "<quorum-up>/usr/bin/true one 'two words'</quorum-up><quorum-down>/usr/bin/false</quorum-down>"
                    "<notify-up>/usr/bin/true</notify-up><notify-down>/usr/bin/false</notify-down>"
                    + check("tcp"))
           + "<sorry-server><address>127.0.0.1</address><port>8082</port></sorry-server>"
           + real("127.0.0.1", 8080, weight(3) + "<upper-threshold>100</upper-threshold>"
                  "<lower-threshold>50</lower-threshold><description>first</description>")
           + real("127.0.0.1", 8081), "192.0.2.1", 80)
    + server("dns", scheduler("sh") + "<scheduler-flags>fallback port</scheduler-flags>"
             "<protocol>udp</protocol><one-packet>true</one-packet>"
             + method("dr") + real("192.0.2.99", 53, weight(2)), "192.0.2.2", 53)
    + server("mark", scheduler("mh") + method("tun")
             + "<tunnel><type>gue</type><port>6080</port></tunnel>"
             + real("192.0.2.99", 0, "<tunnel><type>gue</type><port>6080</port></tunnel>"),
             mark=9)
    + server("six", scheduler("wrr") + "<persistence><prefix-length>64</prefix-length>"
             "</persistence>" + real("2001:db8::3", 80, weight(4)), "2001:db8::2", 80)
    + server("dead", scheduler("fo") + health(CHECKS + "<alpha>true</alpha>" + check("tcp"))
             + real("::1", 8081), "2001:db8::4", 80)
    + server("addresses", scheduler("rr")
             + member("one", "<address>192.0.2.10</address><port>80</port>")
             + member("range", "<address>192.0.2.11</address><last-address>192.0.2.15"
                      "</last-address><port>80</port>")
             + real("192.0.2.99", 80))
    + server("marks", scheduler("sed") + method("tun")
             + member("mark", "<firewall-mark>7</firewall-mark>") + real("192.0.2.99", 0)))
TIMEOUTS = directors(director("main", content="<timeouts><tcp>800</tcp><tcp-fin>100</tcp-fin>"
                              "<udp>200</udp></timeouts>"))

# --- without a sorry server; each family, way of forwarding, tunnel and flag; times in fractions ---

KEEPALIVED_MIXED = """
global_defs {
  enable_snmp_checker
  script_user root
  notification_email {
    ops@example.org
    second@example.org
  }
  notification_email_from noria@example.org
  smtp_server 127.0.0.1 2525
  smtp_connect_timeout 7
  smtp_alert_vrrp true
  smtp_alert_checker false
}
virtual_server_group sixes {
  2001:db8::40 80
  2001:db8::20-2f 80
}
virtual_server 192.0.2.1 80 {
  snmp_name web
  delay_loop 1.25
  retry 2
  delay_before_retry 0.75
  warmup 0.5
  connect_timeout 2.125
  lvs_sched sh
  sh-fallback
  lvs_method NAT
  protocol TCP
  persistence_timeout 90
  persistence_granularity 255.255.0.0
  alpha
  smtp_alert true
  quorum_up /usr/bin/true
  quorum_down /usr/bin/false
  real_server 127.0.0.1 8080 {
    weight 3
    smtp_alert true
    notify_up /usr/bin/true
    notify_down /usr/bin/false
    TCP_CHECK { connect_timeout 2.125 }
  }
  real_server 127.0.0.1 8081 {
    weight 0
    smtp_alert true
    notify_up /usr/bin/true
    notify_down /usr/bin/false
    TCP_CHECK { connect_timeout 2.125 }
  }
}
virtual_server 192.0.2.2 80 {
  snmp_name mixed
  lvs_sched nq
  lvs_method TUN type gre csum
  protocol TCP
  real_server 192.0.2.90 8080 { lvs_method NAT }
  real_server 192.0.2.91 80 { lvs_method DR }
  real_server 192.0.2.92 80 { lvs_method TUN type ipip }
  real_server 192.0.2.93 80 { lvs_method TUN type gue port 6081 remcsum }
  real_server 192.0.2.94 80 { weight 9 }
  real_server 2001:db8::95 80 { lvs_method TUN type gre }
}
virtual_server 2001:db8::2 443 {
  snmp_name six
  delay_loop 0.5
  retry 0
  delay_before_retry 0.25
  warmup 0
  connect_timeout 0.125
  ha_suspend
  lvs_sched mh
  mh-port
  mh-fallback
  lvs_method TUN type gue port 6080 csum
  protocol TCP
  persistence_timeout 30
  real_server 2001:db8::3 443 {
    weight 4
    uthreshold 10
    lvs_method TUN type gue port 6082 nocsum
    TCP_CHECK { connect_timeout 0.125 }
  }
}
virtual_server fwmark 9 {
  snmp_name mark6
  ip_family inet6
  lvs_sched mh
  mh-port
  lvs_method DR
  persistence_timeout 40
  persistence_granularity 56
  real_server 2001:db8::9 0 { weight 1 }
}
virtual_server fwmark 10 {
  snmp_name mark4
  lvs_sched lblcr
  lvs_method TUN
  persistence_timeout 50
  persistence_granularity 255.255.255.128
  real_server 192.0.2.99 0 { lvs_method TUN type gre csum }
}
virtual_server 192.0.2.3 99 {
  snmp_name stream
  lvs_sched sh
  flag-3
  lvs_method DR
  protocol SCTP
  real_server 192.0.2.99 99 { weight 65535 }
}
virtual_server group sixes {
  snmp_name sixes
  lvs_sched ovf
  lvs_method NAT
  protocol UDP
  ops
  real_server 2001:db8::99 80 { weight 1 }
}
"""


def tunnel(kind, content=""):
    return f"<tunnel><type>{kind}</type>{content}</tunnel>"


def checksum(name):
    return f"<checksum>{name}</checksum>"


def persistence(timeout, prefix=""):
    prefix = prefix and f"<prefix-length>{prefix}</prefix-length>"
    return f"<persistence><timeout>{timeout}</timeout>{prefix}</persistence>"


def times(loop, timeout, retries, delay, warmup):
    return (f"<delay-loop>{loop}</delay-loop><timeout>{timeout}</timeout><retry>{retries}</retry>"
            f"<delay-before-retry>{delay}</delay-before-retry><warmup>{warmup}</warmup>")


def flags(words):
    return f"<scheduler-flags>{words}</scheduler-flags>"


NORIA_MIXED = servers(
    server("web", scheduler("sh") + flags("fallback") + persistence(90, 16)
           + health(times("1.25", "2.125", 2, "0.75", "0.5") + "<alpha>true</alpha>"
                    "<quorum-up>/usr/bin/true</quorum-up><quorum-down>/usr/bin/false</quorum-down>"
                    "<notify-up>/usr/bin/true</notify-up><notify-down>/usr/bin/false</notify-down>"
                    + check("tcp"))
           + real("127.0.0.1", 8080, weight(3)) + real("127.0.0.1", 8081, weight(0)),
           "192.0.2.1", 80)
    + server("mixed", scheduler("nq") + method("tun") + tunnel("gre", checksum("full"))
             + real("192.0.2.90", 8080, method("nat")) + real("192.0.2.91", 80, method("dr"))
             + real("192.0.2.92", 80, tunnel("ipip"))
             + real("192.0.2.93", 80, tunnel("gue", "<port>6081</port>" + checksum("remote")))
             + real("192.0.2.94", 80, weight(9) + tunnel("gre", checksum("full")))
             + real("2001:db8::95", 80, tunnel("gre")), "192.0.2.2", 80)
    + server("six", scheduler("mh") + flags("fallback port") + method("tun") + persistence(30)
             + tunnel("gue", "<port>6080</port>" + checksum("full"))
             + health(times("0.5", "0.125", 0, "0.25", "0") + "<ha-suspend>true</ha-suspend>"
                      + check("tcp"))
             + real("2001:db8::3", 443, weight(4) + "<upper-threshold>10</upper-threshold>"
                    + tunnel("gue", "<port>6082</port>")), "2001:db8::2", 443)
    + server("mark6", "<address-family>ipv6</address-family>" + scheduler("mh") + flags("port")
             + method("dr") + persistence(40, 56) + real("2001:db8::9", 0), mark=9)
    + server("mark4", scheduler("lblcr") + method("tun") + persistence(50, 25)
             + real("192.0.2.99", 0, tunnel("gre", checksum("full"))), mark=10)
    + server("stream", "<protocol>sctp</protocol>" + scheduler("sh") + flags("flag-3")
             + method("dr") + real("192.0.2.99", 99, weight(65535)), "192.0.2.3", 99)
    + server("sixes", scheduler("ovf") + "<one-packet>true</one-packet>"
             + member("one", "<address>2001:db8::40</address><port>80</port>"
                      "<protocol>udp</protocol>")
             + member("range", "<address>2001:db8::20</address><last-address>2001:db8::2f"
                      "</last-address><port>80</port><protocol>udp</protocol>")
             + real("2001:db8::99", 80)))
MAILS = ('<mail xmlns="urn:noria:yang:noria-mail"><from>noria@example.org</from><smtp>'
         "<server>127.0.0.1</server><port>2525</port><timeout>7</timeout></smtp>"
         "<recipient><name>ops</name><address>ops@example.org</address>"
         "<address>second@example.org</address><event>real-server</event><event>quorum</event>"
         "<virtual-server>web</virtual-server></recipient>"
         "<recipient><name>vrrp</name><address>ops@example.org</address><event>vrrp</event>"
         "</recipient></mail>")

# Everything else is the same, instance by instance, in type and value.
MAY_DIFFER = {
    "1.1": "version: whose it is",
    "1.3.1": "smtpServerAddressType: keepalived says ipv6 of no address; unknown is right",
    "1.3.2": "smtpServerAddress: keepalived gives four octets of nothing",
    "3.3.1.5": "virtualServerAddrType: of a group of marks keepalived says ipv6, whatever it is",
    "3.3.1.8": "virtualServerProtocol: of a mark keepalived has no instance and logs an error, "
               "where the MIB has none(4)",
    "3.3.1.12": "virtualServerVirtualHost: ours belongs to HTTP checks, of which there are none",
    "3.3.1.51": "virtualServerPersistGranularity6: keepalived has 2^32 - 1 where the family is "
                "IPv4, or has no persistence",
    "3.4.1.47": "realServerSmtpAlert: keepalived says enabled though it has no server for mail",
}


MAY_DIFFER_MIXED = {
    **{column: MAY_DIFFER[column] for column in ("1.1", "3.3.1.8", "3.3.1.51")},
    "3.3.1.15": "virtualServerPersistGranularity: of an IPv6 mark keepalived gives the length of the "
                "prefix as an IPv4 mask, of an IPv6 group the mask of one address",
}


def instances(port):
    """{OID below the MIB: its type and value}. keepalived ends some walks with genErr."""
    def walked():
        done = run("snmpbulkwalk", "-v", "2c", "-c", "public", "-t", "25", "-Onx",
                   f"127.0.0.1:{port}", MIB, timeout=150)
        return not done.returncode and [
            line for line in done.stdout.splitlines() if line.startswith(MIB + ".")]

    return dict(line[len(MIB) + 1:].split(" = ", 1) for line in wait_for(walked, "a walk", 180))


def key_of(found, table, index):
    """What a row is of, where two agents number rows in their own ways."""
    if table in ("1.3.5.1", "3.1.1"):
        return found[f"{table}.2.{index}"]
    virtual = index.split(".")[0]
    if table == "3.3.1":
        return found[f"3.3.1.71.{virtual}"]
    if table == "3.2.1":
        return (found[f"3.1.1.2.{virtual}"],
                *(found.get(f"3.2.1.{column}.{index}") for column in (3, 5, 6)))
    return (found[f"3.3.1.71.{virtual}"], found[f"3.4.1.4.{index}"], found[f"3.4.1.5.{index}"])


def by_column(found):
    """{column: {row: type and value}}"""
    columns = {}
    for name, value in found.items():
        table = next((table for table in TABLES if name.startswith(table + ".")), None)
        if table:
            parts = name.split(".")
            depth = table.count(".") + 2
            column = ".".join(parts[:depth])
            row = key_of(found, table, ".".join(parts[depth:]))
        else:
            column, row = name.removesuffix(".0"), 0
        columns.setdefault(column, {})[row] = value
    return columns


@contextlib.contextmanager
def keepalived(folder, configuration):
    """A keepalived behind snmpd; the port of the latter."""
    port, agentx = free_port(socket.SOCK_DGRAM), folder / "agentx"
    (folder / "snmpd.conf").write_text(
        f"master agentx\nagentXTimeout 20\nagentXSocket {agentx}\nrocommunity public\n"
        f"agentAddress udp:127.0.0.1:{port}\n")
    (folder / "keepalived.conf").write_text(configuration)
    environment = {"SNMP_PERSISTENT_DIR": str(folder / "persistent"),
                   "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with open(folder / "keepalived.log", "wb") as log:
        snmpd = subprocess.Popen(["snmpd", "-f", "-Lf", folder / "snmpd.log", "-C", "-c",
                                  folder / "snmpd.conf", "-p", folder / "pid"], env=environment)
        wait_for(agentx.exists, "snmpd's socket")
        process = subprocess.Popen(
            ["keepalived", "-n", "-l", "-D", "-C", "-x", "-A", agentx, "-f",
             folder / "keepalived.conf", "-p", folder / "keepalived.pid", "-c",
             folder / "checkers.pid"], stdout=log, stderr=log, env=environment)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)
        snmpd.terminate()
        snmpd.wait(10)


@pytest.fixture(name="web")
def fixture_web():
    """What answers the clients of the virtual server web, which they reach on the loopback."""
    subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], check=True)
    listener = socket.create_server(("127.0.0.1", 8080), backlog=64)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()

    threading.Thread(target=serve, daemon=True).start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    subprocess.run(["ip", "address", "delete", "192.0.2.1/32", "dev", "lo"], check=True)


def use(clients):
    for _ in range(clients):
        with socket.create_connection(("192.0.2.1", 80), 10) as connection:
            assert connection.recv(1) == b""


def settled(port, dead):
    """What an agent says when it has come to verdicts and has seen three clients.

    A walk takes its time: what it says at its begin and at its end must be of the same verdicts.
    """
    def checked():
        columns = by_column(instances(port))
        states = columns.get("3.4.1.6", {}).values()
        down = sum(value == "INTEGER: 2" for value in states)
        up = sum(int(value.split()[1]) for value in columns.get("3.3.1.21", {}).values())
        return down == dead and up + down == len(states) and columns

    def used():  # by the first of the counters: those that are walked after it are no older
        columns = checked()
        return columns and "Gauge32: 3" in columns["3.3.1.27"].values() and columns

    wait_for(checked, "the dead real servers", 90)
    use(3)
    return wait_for(used, "three connections", 60)


# Traffic: they are compared by type, and by whether there was any.
TRAFFIC = {*(f"3.3.1.{column}" for column in (28, 29, 30, 31, 39, 40)),
           *(f"3.4.1.{column}" for column in (18, 19, 20, 21, 28, 29))}
# What decays after traffic at its own pace.
RATES = {*(f"3.3.1.{column}" for column in (*range(32, 37), *range(41, 51))),
         *(f"3.4.1.{column}" for column in (15, 16, 17, *range(22, 27), *range(30, 40)))}


def comparable(column, rows):
    if column in RATES:
        return {row: value.split(":")[0] for row, value in rows.items()}
    if column in TRAFFIC:
        return {row: re.sub(r" [1-9]\d*$", " some", value) for row, value in rows.items()}
    return rows


@pytest.mark.kernel
@pytest.mark.parametrize("configuration,edits,dead,may_differ", [
    (KEEPALIVED, (NORIA, TIMEOUTS), 2, MAY_DIFFER),
    (KEEPALIVED_MIXED, (NORIA_MIXED, MAILS), 1, MAY_DIFFER_MIXED),
], ids=["groups", "mixed"])
def test_each_column_is_as_keepalived_has_it(ipvs, web, daemon_factory, tmp_path, configuration,
                                             edits, dead, may_differ):
    with keepalived(tmp_path, configuration) as port:
        theirs = settled(port, dead)
    ipvs("-C")
    daemon = daemon_factory()
    with daemon.session() as session:
        for edit in edits:
            session.set(edit)
    ours = settled(daemon.snmp_port, dead)
    differences = {
        column: (comparable(column, theirs.get(column, {})),
                 comparable(column, ours.get(column, {})))
        for column in theirs.keys() | ours.keys()
        if comparable(column, theirs.get(column, {})) != comparable(column, ours.get(column, {}))}
    assert len(theirs) > 140, "keepalived has shown all of its MIB"
    assert {column: pair for column, pair in differences.items()
            if column not in may_differ} == {}
    assert differences.keys() == may_differ.keys(), "what is listed does differ"
