"""Munin's plugins, run by munin-run against the agent, and drawn by munin's master."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from daemon import free_port
from health import QUICK, Listener, check, checked, status
from munin import PLUGINS, Master, Node
from netconf import real, server, servers, wait_for
from test_snmp import VIRTUAL, wait_for_snmp, walk

# For the picture in docs/: more rounds, and where to put what is drawn.
ROUNDS = int(os.environ.get("MUNIN_ROUNDS", "2"))
KEEP = os.environ.get("MUNIN_PICTURES")
SERVERS = servers(
    server("web", real("10.0.0.1", 80, "<weight>3</weight>") + real("10.0.0.2", 80),
           "192.0.2.1", 80)
    + server("six", real("2001:db8::2", 53), "2001:db8::1", 53))


def answering(daemon):
    wait_for_snmp(daemon)
    return daemon


@pytest.fixture(name="node")
def fixture_node(daemon_factory, tmp_path):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(daemon.default_configuration() + SERVERS)
    answering(daemon.start())
    return Node(tmp_path / "node", daemon.snmp_port,
                "env.rs_1_1_weight_warning 5\nenv.vs_1_warning 1000\n").configure(free_port())


@pytest.mark.once
@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_plugin_has_a_value_for_each_field(node, plugin):
    assert node.run(plugin, "autoconf") == "yes\n"
    assert node.run(plugin, "snmpconf").startswith("require 1.3.6.1.4.1.")
    described, values = node.fields(plugin, "config"), node.fields(plugin)
    assert len(described) == (4 if plugin == "health" else 3)
    assert described.keys() == values.keys()
    for graph, attributes in described.items():
        labels = {name.removesuffix(".label") for name in attributes if name.endswith(".label")}
        assert labels, graph
        assert labels == {name.removesuffix(".value") for name in values[graph]}, graph
        assert {"graph_title", "graph_vlabel", "graph_category"} <= attributes.keys()
        assert attributes["host_name"] == "127.0.0.1"


@pytest.mark.once
def test_names_limits_and_one_virtual_server(node):
    virtual = node.fields("virtual_servers", "config")["noria_virtual_connections"]
    assert sorted(value for name, value in virtual.items() if name.endswith(".label")) == [
        "six", "web"]
    assert virtual["vs_1.warning"] == "1000"
    weights = node.fields("real_servers", "config")["noria_real_weight"]
    assert weights["rs_1_1_weight.warning"] == "5"
    assert {"web 10.0.0.1:80", "six [2001:db8:0:0:0:0:0:2]:53"} <= set(weights.values())
    assert sorted(node.run("real_servers", "suggest").split()) == ["six", "web"]
    node.link("real_servers", "real_servers_web")
    one = node.fields("real_servers_web", "config")
    assert "noria_real_weight_web" in one
    assert not any("six" in value for graph in one.values() for value in graph.values())
    backends = node.fields("agent")["noria_agent_backends"]
    assert backends["up_netconf_server.value"] == "1"


@pytest.mark.once
def test_what_checks_say_is_drawn(daemon_factory, tmp_path):
    """One virtual server is checked by two checks each, of whose servers one is away."""
    listener, away = Listener(), Listener()
    away.close()
    daemon = answering(daemon_factory(null="all"))
    with daemon.session() as session:
        session.set(checked(QUICK + "<quorum>2</quorum>" + check("a") + check("b"),
                            listener.real(), away.real()))
        session.set(servers(server("plain", real("10.0.0.1", 80), "192.0.2.2", 80)))
        wait_for(lambda: status(session)[""].get("quorum-state") == "lost", "verdicts")
    node = Node(tmp_path / "node", daemon.snmp_port).configure(free_port())
    row = {name: index for index, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()}
    web, plain = f"vs_{row['web']}", f"vs_{row['plain']}"

    def drawn():
        return {name: value for graph in node.fields("health").values()
                for name, value in graph.items()}

    values = wait_for(lambda: drawn().get(f"{web}_failed.value") == "2" and drawn(), "two failures")
    assert [values[f"{web}_{what}.value"] for what in ("down", "quorum")] == ["1", "0"]
    assert 0 < float(values[f"{web}_latency.value"]) < 1
    assert [values[f"{plain}_{what}.value"] for what in ("down", "failed", "quorum", "latency")
            ] == ["0", "0", "1", "U"]
    listener.close()


@pytest.mark.once
def test_no_agent_is_no(node, tmp_path):
    other = Node(tmp_path / "other", free_port(socket.SOCK_DGRAM), "env.timeout 1\n").configure(1)
    assert other.run("agent", "autoconf").startswith("no ")


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.kernel
@pytest.mark.once
def test_a_master_draws_pictures(ipvs, daemon_factory, tmp_path):
    """The guest's clock is put on, five minutes a round."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # the user munin passes
    subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], check=True)
    listener = socket.create_server(("127.0.0.1", 8080), backlog=512)
    daemon = answering(daemon_factory())
    with daemon.session() as session:
        session.set(servers(server("web", real("127.0.0.1", 8080), "192.0.2.1", 80)
                            + server("mail", real("127.0.0.1", 8080), "192.0.2.1", 25)))
    port = free_port()
    node = Node(tmp_path / "node", daemon.snmp_port).configure(port).mount()
    master = Master(tmp_path / "master", port)
    process = subprocess.Popen(["munin-node", "--config", node.config],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: not is_free(port), "munin-node")
        for step in range(ROUNDS):
            for service, count in ((80, 20 + step % 24 * 2), (25, 8 + step % 9)):
                for _ in range(count):
                    socket.create_connection(("192.0.2.1", service), 60).close()
                    listener.accept()[0].close()
            master.call("munin-update", "--nofork")
            subprocess.run(["date", "-s", "+5 minutes"], check=True, stdout=subprocess.DEVNULL)
        master.call("munin-limits")
        master.call("munin-html")
        master.call("munin-graph", "--cron")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        node.unmount()
        listener.close()
        subprocess.run(["ip", "address", "delete", "192.0.2.1/32", "dev", "lo"], check=True)
    pictures = {picture.name: picture for picture in (tmp_path / "master" / "html").rglob("*.png")}
    for name, picture in pictures.items():
        if KEEP:
            shutil.copy(picture, pathlib.Path(KEEP) / name)
    for graph in ("noria_virtual_connections", "noria_real_weight", "noria_health_down",
                  "noria_agent_uptime"):
        picture = pictures[f"{graph}-day.png"]
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 2000, graph
