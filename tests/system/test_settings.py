"""Settings of directors: time-outs, parameters and synchronisation daemons, in a real kernel."""

import re
import socket
import subprocess

import pytest

from director import director, directors, of, run
from netconf import RpcError, real, server, servers, wait_for

pytestmark = pytest.mark.kernel


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    yield daemon_factory(null=True)
    for role in ("master", "backup"):
        subprocess.run(["ipvsadm", "--stop-daemon", role], check=False, capture_output=True)


def main(content):
    return directors(director("main", content=content))


def timeouts(namespace=None):
    said = run("ipvsadm", "-l", "--timeout", namespace=namespace)
    return [int(number) for number in re.findall(r"\d+", said.split(":")[1])]


def parameter(name, namespace=None):
    return run("cat", f"/proc/sys/net/ipv4/vs/{name}", namespace=namespace).split()


def sync_daemons(namespace=None):
    return run("ipvsadm", "-l", "--daemon", namespace=namespace).splitlines()


def refusal(session, config):
    session.edit(config)
    with pytest.raises(RpcError) as refused:
        session.commit()
    session.rpc("<discard-changes/>")
    return refused.value


def test_timeouts(daemon, session):
    run("ipvsadm", "--set", "900", "120", "300")  # whatever another test has left
    session.set(main("<timeouts><tcp>1000</tcp><udp>33</udp></timeouts>"))
    assert timeouts() == [1000, 120, 33]
    assert [session.get(of("main", f"effective-timeouts/{leaf}"))[0]
            for leaf in ("tcp", "tcp-fin", "udp")] == ["1000", "120", "33"]
    # What is not configured is left alone, what is removed gets the kernel's default.
    run("ipvsadm", "--set", "0", "77", "0")
    session.set(main('<timeouts><tcp nc:operation="delete"/></timeouts>'))
    assert timeouts() == [900, 77, 33]
    # A start sets again what someone else has changed.
    daemon.stop()
    run("ipvsadm", "--set", "5", "6", "7")
    daemon.start()
    assert timeouts() == [5, 6, 33]
    with daemon.session() as again:
        again.set(directors(director("main", operation="delete")))
    assert timeouts() == [5, 6, 300]
    run("ipvsadm", "--set", "900", "120", "300")


VALUES = {
    "am-droprate": ("20", "10"), "amemthresh": ("2048", "1024"), "backup-only": ("true", "0"),
    "cache-bypass": ("true", "0"), "conn-reuse-mode": ("0", "1"), "conntrack": ("true", "0"),
    "drop-entry": ("3", "0"), "drop-packet": ("1", "0"), "expire-nodest-conn": ("true", "0"),
    "expire-quiescent-template": ("true", "0"), "ignore-tunneled": ("true", "0"),
    "nat-icmp-send": ("true", "0"), "pmtu-disc": ("false", "1"), "run-estimation": ("false", "1"),
    "schedule-icmp": ("true", "0"), "secure-tcp": ("1", "0"), "sloppy-sctp": ("true", "0"),
    "sloppy-tcp": ("true", "0"), "snat-reroute": ("false", "1"), "sync-persist-mode": ("1", "0"),
    "sync-ports": ("2", "1"), "sync-refresh-period": ("60", "0"), "sync-retries": ("3", "0"),
    "sync-sock-size": ("1048576", "0"), "sync-version": ("0", "1"),
}


def test_every_parameter(daemon, session, netns):
    netns("blue")
    session.set(directors(director("b", "blue", "<parameters>" + "".join(
        f"<{name}>{value}</{name}>" for name, (value, _) in VALUES.items()) + "</parameters>")))
    kernel = {"true": "1", "false": "0"}
    for name, (value, _) in VALUES.items():
        assert parameter(name.replace("-", "_"), "blue") == [kernel.get(value, value)], name
        assert session.get(of("b", f"effective-parameters/{name}")) == [value], name
    assert parameter("conntrack") == ["0"], "the other director's stay"
    session.set(directors(director("b", content='<parameters nc:operation="delete"/>')))
    for name, (_, default) in VALUES.items():
        assert parameter(name.replace("-", "_"), "blue") == [default], name


def test_the_threshold_and_the_period_share_a_file(session):
    session.set(main("<parameters><sync-threshold>60</sync-threshold>"
                     "<sync-period>100</sync-period></parameters>"))
    assert parameter("sync_threshold") == ["60", "100"]
    session.set(main('<parameters><sync-threshold nc:operation="delete"/></parameters>'))
    assert parameter("sync_threshold") == ["3", "100"]
    error = refusal(session, main("<parameters><sync-threshold>100</sync-threshold></parameters>"))
    assert "sync-period" in error.message
    session.set(directors(director("main", operation="delete")))
    assert parameter("sync_threshold") == ["3", "50"]


def test_a_parameter_that_the_kernel_lacks_is_refused(session):
    if subprocess.run(["test", "-e", "/proc/sys/net/ipv4/vs/est_nice"], check=False).returncode == 0:
        pytest.skip("this kernel has it")
    before = parameter("conntrack")
    error = refusal(session, main("<parameters><conntrack>true</conntrack><est-nice>5</est-nice>"
                                  "</parameters>"))
    assert error.tag == "operation-not-supported"
    assert error.path.endswith("/parameters/est-nice")
    assert "boot a kernel" in error.message
    assert parameter("conntrack") == before


def test_a_parameter_of_a_scheduler(daemon, session):
    """It is the kernel's only while the module is loaded; the rest does not wait for it."""
    run("modprobe", "-r", "ip_vs_lblc", "ip_vs_lblcr")
    wanted = main("<timeouts><udp>40</udp></timeouts><parameters>"
                  "<lblc-expiration>3600</lblc-expiration></parameters>")
    error = refusal(session, wanted)
    assert error.tag == "operation-not-supported"
    assert "modprobe ip_vs_lblc" in error.message
    run("modprobe", "ip_vs_lblc")
    run("modprobe", "ip_vs_lblcr")
    session.set(wanted)
    assert parameter("lblc_expiration") == ["3600"] and parameter("lblcr_expiration") == ["86400"]
    assert session.get(of("main", "effective-parameters/lblc-expiration")) == ["3600"]
    daemon.stop()
    run("modprobe", "-r", "ip_vs_lblc", "ip_vs_lblcr")
    run("ipvsadm", "--set", "900", "120", "300")
    daemon.start()
    assert timeouts()[2] == 40
    run("modprobe", "ip_vs_lblc")
    wait_for(lambda: parameter("lblc_expiration") == ["3600"], "another try")
    with daemon.session() as again:
        again.set(directors(director("main", operation="delete")))
    assert parameter("lblc_expiration") == ["86400"]


def test_what_fails_later_takes_every_setting_back(session):
    session.set(main("<timeouts><tcp>1000</tcp></timeouts>"
                     "<parameters><conntrack>true</conntrack></parameters>"))
    for config in (
            main("<timeouts><tcp>2000</tcp></timeouts><parameters><conntrack>false</conntrack>"
                 "</parameters>")
            + '<null xmlns="urn:noria:yang:noria-null"><item><name>a</name><apply>fail</apply>'
              "</item></null>",
            # No such interface: found out after the others are set.
            main("<timeouts><tcp>2000</tcp></timeouts><parameters><conntrack>false</conntrack>"
                 "</parameters><sync-daemon><backup><interface>gone0</interface></backup>"
                 "</sync-daemon>")):
        error = refusal(session, config)
        assert timeouts()[0] == 1000 and parameter("conntrack") == ["1"]
        assert sync_daemons() == []
    assert error.tag == "invalid-value" and error.path.endswith("/backup/interface")
    assert "gone0" in error.message
    session.set(directors(director("main", operation="delete")))
    assert timeouts()[0] == 900 and parameter("conntrack") == ["0"]


@pytest.fixture(name="cable")
def fixture_cable(netns):
    """Two namespaces, blue and green, and an Ethernet between them."""
    netns("blue")
    netns("green")
    run("ip", "-n", "blue", "link", "add", "sync0", "type", "veth", "peer", "sync0", "netns",
        "green")
    for number, name in enumerate(("blue", "green"), 1):
        for family in (f"10.98.0.{number}/24", f"fd98::{number}/64"):
            run("ip", "-n", name, "address", "add", family, "dev", "sync0", "nodad")
        run("ip", "-n", name, "link", "set", "sync0", "up")


def pair(master, backup=None):
    """Directors a and b, with what their daemons have beside the interface."""
    def of_role(role, settings):
        return (f"<sync-daemon><{role}><interface>sync0</interface>{settings}</{role}>"
                "</sync-daemon>")
    return directors(director("a", "blue", of_role("master", master))
                     + director("b", "green", of_role("backup", backup or master)))


def test_both_daemons_and_all_their_settings(daemon, session, cable):
    session.set(pair("<sync-id>7</sync-id><multicast-group>ff02::81</multicast-group>"
                     "<port>9000</port><ttl>3</ttl><max-length>1200</max-length>"))
    for role, namespace in (("master", "blue"), ("backup", "green")):
        line, = sync_daemons(namespace)
        assert line.startswith(f"{role} sync daemon")
        for word in ("mcast=sync0", "syncid=7", "maxlen=1200", "group=ff02::81", "port=9000",
                     "ttl=3"):
            assert word in line, line
    assert session.get("directors/director/sync-daemon/master/running") == ["true"]
    assert session.get("directors/director/sync-daemon/backup/effective-max-length") == ["1200"]
    # Both at once, each with its own; a restart has nothing to do.
    session.set(directors(director("a", content="<sync-daemon><backup><interface>sync0</interface>"
                                                "<sync-id>8</sync-id></backup></sync-daemon>")))
    assert [re.search(r"syncid=\d+", line)[0] for line in sync_daemons("blue")] == [
        "syncid=7", "syncid=8"]
    before = run("sh", "-c", "ps ax -o pid,comm | grep ipvs", namespace="blue")
    daemon.stop()
    daemon.start()
    assert run("sh", "-c", "ps ax -o pid,comm | grep ipvs", namespace="blue") == before
    with daemon.session() as again:
        again.set(directors(director("a", content='<sync-daemon><master nc:operation="delete"/>'
                                                  "</sync-daemon>")))
    line, = sync_daemons("blue")
    assert line.startswith("backup")


def test_a_connection_appears_on_the_backup(session, cable):
    session.set(pair("") + servers("".join(
        server(f"web-{name}", f"<director>{name}</director>" + real("10.98.0.1", 8080),
               "10.98.0.1", 80) for name in "ab")))
    session.set(directors(director("a", content="<parameters><sync-threshold>0</sync-threshold>"
                                                "<sync-period>1</sync-period></parameters>")))
    server_code = ("import socket; s = socket.create_server(('', 8080)); print(flush=True);"
                   "c = s.accept()[0]; c.recv(1)")
    client_code = ("import socket; c = socket.create_connection(('10.98.0.1', 80), 60);"
                   "print(flush=True); input()")
    with subprocess.Popen(["ip", "netns", "exec", "blue", "/usr/bin/python3", "-c", server_code],
                          stdout=subprocess.PIPE) as serving:
        serving.stdout.readline()
        with subprocess.Popen(["ip", "netns", "exec", "green", "/usr/bin/python3", "-c",
                               client_code], stdout=subprocess.PIPE,
                              stdin=subprocess.PIPE) as client:
            client.stdout.readline()
            listed = wait_for(lambda: [line for line in run(
                "ipvsadm", "-Lcn", namespace="green").splitlines() if "10.98.0.1:80" in line],
                "the connection on the backup")
            client.stdin.close()
        serving.kill()
    assert "ESTABLISHED" in listed[0] and "10.98.0.1:8080" in listed[0]


def test_a_multicast_group_is_one(session):
    error = refusal(session, main("<sync-daemon><master><interface>lo</interface>"
                                  "<multicast-group>10.0.0.1</multicast-group></master>"
                                  "</sync-daemon>"))
    assert "224.0.0.0/4" in error.message
