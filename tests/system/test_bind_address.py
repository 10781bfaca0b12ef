"""Virtual addresses that the agent places on interfaces, in a real kernel."""

import json
import pathlib
import subprocess

import pytest

from director import director, directors, run
from netconf import RpcError, real, server, servers, wait_for

pytestmark = pytest.mark.kernel

STATUS = "virtual-servers/virtual-server/bind-address/oper-status"


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


@pytest.fixture(name="nic")
def fixture_nic():
    """An interface, vip0, that tests may delete and make again."""
    run("ip", "link", "add", "vip0", "type", "dummy")
    run("ip", "link", "set", "vip0", "up")
    yield "vip0"
    subprocess.run(["ip", "link", "delete", "vip0"], check=False)


def addresses(nic="vip0", namespace=None):
    """{address/prefix-length: what ip says of it}, link-local ones aside."""
    shown, = json.loads(run("ip", "-j", "address", "show", "dev", nic, namespace=namespace))
    return {f"{entry['local']}/{entry['prefixlen']}": entry for entry in shown["addr_info"]
            if not entry["local"].startswith("fe80")}


def bind(nic="vip0", more=""):
    return f"<bind-address><interface>{nic}</interface>{more}</bind-address>"


def vip(name, address, port=80, more="", nic="vip0"):
    return server(name, bind(nic, more) + real("10.0.0.1", port) if ":" not in address
                  else bind(nic, more), address, port)


def test_an_address_comes_and_goes_with_its_virtual_server(session, ipvs, nic):
    session.set(servers(vip("a", "192.0.2.1") + vip("six", "2001:db8::1")))
    assert sorted(addresses()) == ["192.0.2.1/32", "2001:db8::1/128"]
    assert session.get(STATUS) == ["placed", "placed"]
    session.set(servers(server("a", "<enabled>false</enabled>")))
    assert list(addresses()) == ["2001:db8::1/128"]
    assert session.get(STATUS) == ["disabled", "placed"]
    session.set(servers(server("a", "<enabled>true</enabled>")))
    session.set(servers(server("six", '<bind-address nc:operation="delete"/>')))
    assert list(addresses()) == ["192.0.2.1/32"]
    session.set(servers(server("a", operation="delete") + server("six", operation="delete")))
    assert addresses() == {}


def test_the_settings_of_an_address(session, ipvs, nic):
    session.set(servers(vip("a", "192.0.2.1", more="<prefix-length>24</prefix-length>"
                            "<label>vip0:a</label><scope>link</scope>"
                            "<no-prefix-route>true</no-prefix-route>")))
    held = addresses()["192.0.2.1/24"]
    assert (held["label"], held["scope"], held["noprefixroute"]) == ("vip0:a", "link", True)
    assert "192.0.2.0/24" not in run("ip", "route")
    session.set(servers(server("a", "<bind-address><prefix-length>25</prefix-length>"
                               '<label nc:operation="delete"/><scope>global</scope>'
                               "<no-prefix-route>false</no-prefix-route></bind-address>")))
    held = addresses()
    assert list(held) == ["192.0.2.1/25"]
    assert (held["192.0.2.1/25"]["label"], held["192.0.2.1/25"]["scope"]) == ("vip0", "global")
    assert "192.0.2.0/25" in run("ip", "route")


def test_a_shared_address_stays_until_the_last_one_goes(session, ipvs, nic):
    session.set(servers(vip("http", "192.0.2.1", 80) + vip("https", "192.0.2.1", 443)))
    assert list(addresses()) == ["192.0.2.1/32"]
    session.set(servers(server("http", operation="delete")))
    assert list(addresses()) == ["192.0.2.1/32"]
    session.set(servers(server("https", operation="delete")))
    assert addresses() == {}


def test_those_who_share_an_address_agree(session, ipvs, nic):
    session.set(servers(vip("http", "192.0.2.1", 80)))
    session.edit(servers(vip("https", "192.0.2.1", 443, "<prefix-length>24</prefix-length>")))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert refused.value.tag == "invalid-value"
    assert "bind-address" in refused.value.path and "prefix-length" in refused.value.message


def test_an_address_of_someone_else_is_left_alone(daemon, session, ipvs, nic):
    run("ip", "address", "add", "192.0.2.1/24", "dev", "vip0")
    session.set(servers(vip("a", "192.0.2.1") + vip("b", "192.0.2.2")))
    assert session.get(STATUS) == ["present", "placed"]
    assert sorted(addresses()) == ["192.0.2.1/24", "192.0.2.2/32"]
    daemon.stop()
    daemon.start()
    with daemon.session() as again:
        again.set(servers(server("a", operation="delete") + server("b", operation="delete")))
    assert list(addresses()) == ["192.0.2.1/24"]


@pytest.mark.parametrize("promoted", ["0", "1"])
def test_others_of_a_subnet_stay_when_its_first_address_goes(session, ipvs, nic, promoted):
    setting = pathlib.Path(f"/proc/sys/net/ipv4/conf/{nic}/promote_secondaries")
    setting.write_text(promoted)
    length = "<prefix-length>24</prefix-length>"
    session.set(servers(vip("a", "192.0.2.1", more=length) + vip("b", "192.0.2.2", more=length)))
    run("ip", "address", "add", "192.0.2.9/24", "dev", nic)
    session.set(servers(server("a", operation="delete")))
    assert sorted(addresses()) == ["192.0.2.2/24", "192.0.2.9/24"]
    session.set(servers(server("b", operation="delete")))
    assert list(addresses()) == ["192.0.2.9/24"]
    assert setting.read_text().strip() == promoted


def test_the_agent_knows_its_addresses_after_a_crash(daemon, session, ipvs, nic):
    session.set(servers(vip("a", "192.0.2.1")))
    daemon.kill()
    assert list(addresses()) == ["192.0.2.1/32"]
    daemon.start()
    assert "taken from" not in daemon.log()
    with daemon.session() as again:
        again.set(servers(server("a", operation="delete")))
    assert addresses() == {}


# So that what is seen is told by the kernel, and not found by a comparison.
NO_COMPARISON = directors(director("main", content="<reconciliation><interval>0</interval>"
                                   "</reconciliation>"))


def test_an_interface_may_come_go_and_come_again(session, ipvs, nic):
    session.set(NO_COMPARISON)
    run("ip", "link", "delete", "vip0")
    session.set(servers(vip("a", "192.0.2.1")))
    assert session.get(STATUS) == ["waiting"]
    cleared = "alarms/alarm-list/alarm/is-cleared"
    assert session.get(cleared) == ["false"]
    for _ in range(2):
        run("ip", "link", "add", "vip0", "type", "dummy")
        wait_for(lambda: session.get(STATUS) == ["placed"], "the address to be placed")
        assert list(addresses()) == ["192.0.2.1/32"]
        assert session.get(cleared) == ["true"]
        run("ip", "link", "delete", "vip0")
        wait_for(lambda: session.get(STATUS) == ["waiting"], "its loss to be told")
        assert session.get(cleared) == ["false"]
    session.set(servers(server("a", operation="delete")))
    assert session.get(cleared) in (["true"], [])


def test_an_address_that_someone_takes_away_is_placed_again(session, ipvs, nic):
    session.set(NO_COMPARISON + servers(vip("a", "192.0.2.1")))
    run("ip", "address", "delete", "192.0.2.1/32", "dev", "vip0")
    wait_for(lambda: list(addresses()) == ["192.0.2.1/32"], "the address to come back")


def test_every_address_of_a_group(session, ipvs, nic):
    session.set(servers(server("g", bind() + (
        "<member><name>a</name><address>192.0.2.1</address><last-address>192.0.2.9</last-address>"
        "<port>80</port></member><member><name>m</name><firewall-mark>7</firewall-mark></member>"))))
    assert sorted(addresses()) == [f"192.0.2.{octet}/32" for octet in range(1, 10)]
    assert session.get(STATUS) == ["placed"]
    session.set(servers(server("g", '<member nc:operation="delete"><name>a</name></member>'
                               '<bind-address nc:operation="delete"/>')))
    assert addresses() == {}


def test_a_failure_elsewhere_takes_addresses_back(session, ipvs, nic):
    session.set(servers(vip("a", "192.0.2.1")))
    session.edit(servers(server("a", operation="delete") + vip("b", "192.0.2.2"))
                 + '<null xmlns="urn:noria:yang:noria-null"><item><name>a</name>'
                   "<apply>fail</apply></item></null>")
    with pytest.raises(RpcError):
        session.commit()
    assert list(addresses()) == ["192.0.2.1/32"]


def test_what_the_kernel_does_not_take_fails_the_commit(session, ipvs, nic):
    run("sysctl", "-qw", "net.ipv6.conf.vip0.disable_ipv6=1")
    session.edit(servers(vip("six", "2001:db8::1") + vip("a", "192.0.2.1")))
    with pytest.raises(RpcError) as failed:
        session.commit()
    assert "virtual-server[name='six']/bind-address" in failed.value.path
    assert "disable_ipv6" in failed.value.message
    assert addresses() == {} and ipvs("-Ln").count("TCP") == 0


def test_an_interface_in_another_namespace(session, ipvs, netns, nic):
    netns("blue")
    run("ip", "-n", "blue", "link", "add", "vip0", "type", "dummy")
    session.set(directors(director("a", "blue")) + servers(
        server("a", "<director>a</director>" + bind(), "192.0.2.1", 80)))
    assert list(addresses(namespace="blue")) == ["192.0.2.1/32"]
    assert addresses() == {}
    # The director goes elsewhere, and its addresses with it.
    netns("green")
    run("ip", "-n", "green", "link", "add", "vip0", "type", "dummy")
    session.set(directors(director("a", "green")))
    assert addresses(namespace="blue") == {}
    assert list(addresses(namespace="green")) == ["192.0.2.1/32"]
    session.set(directors(director("a", operation="delete"))
                + servers(server("a", operation="delete")))
    assert addresses(namespace="green") == {}
