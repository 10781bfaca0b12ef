"""Groups: virtual servers of many addresses, ranges and marks, in a real kernel."""

import pytest

from netconf import RpcError, real, server, servers, wait_for

pytestmark = pytest.mark.kernel


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    return daemon_factory(null=True)


def member(name, content, operation=None):
    attribute = f' nc:operation="{operation}"' if operation else ""
    return f"<member{attribute}><name>{name}</name>{content}</member>"


def where(address, port=80, more=""):
    return f"<address>{address}</address>{more}<port>{port}</port>"


def last(address):
    return f"<last-address>{address}</last-address>"


def table(ipvs):
    """{service: [real servers]}"""
    services = {}
    for line in ipvs("-Ln").splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            services[key].append(" ".join(words[1:4]))
        else:
            key = " ".join(words[:3])
            services[key] = []
    return services


GROUP = server("web", "<scheduler>rr</scheduler>"
               + member("one", where("192.0.2.1"))
               + member("range", where("192.0.2.254", 8080, last("192.0.3.1")))
               + member("net", where("198.51.100.6", 80,
                                     "<prefix-length>30</prefix-length>"))
               + member("mark", "<firewall-mark>7</firewall-mark>")
               + real("10.0.0.1", 0, "<weight>2</weight>") + real("10.0.0.2", 8000))


def test_every_kind_of_member(daemon, session, ipvs):
    session.set(servers(GROUP))
    held = table(ipvs)
    assert sorted(held) == sorted(
        ["TCP 192.0.2.1:80 rr", "FWM 7 rr"]
        + [f"TCP {address}:8080 rr" for address in ("192.0.2.254", "192.0.2.255", "192.0.3.0",
                                                    "192.0.3.1")]
        + [f"TCP 198.51.100.{last_octet}:80 rr" for last_octet in (4, 5, 6, 7)])
    assert sorted(held["TCP 192.0.3.0:8080 rr"]) == ["10.0.0.1:8080 Masq 2", "10.0.0.2:8000 Masq 1"]
    assert sorted(held["FWM 7 rr"]) == ["10.0.0.1:0 Masq 2", "10.0.0.2:8000 Masq 1"]
    server_path = "virtual-servers/virtual-server"
    assert session.get(f"{server_path}/oper-status") == ["active"]
    assert session.get(f"{server_path}/real-server/oper-status") == ["active", "active"]
    assert session.get(f"{server_path}/real-server/effective-weight") == ["2", "1"]
    assert dict(zip(session.get(f"{server_path}/member/name"),
                    session.get(f"{server_path}/member/services"))) == {
                        "one": "1", "range": "4", "net": "4", "mark": "1"}
    # A restart has nothing to do; what is missing is told, and made again.
    daemon.stop()
    daemon.start()
    assert "reconciled" not in daemon.log()
    ipvs("-D", "-t", "192.0.3.0:8080")
    with daemon.session() as again:
        wait_for(lambda: again.get(f"{server_path}/oper-status") == ["absent"], "to be told")
    daemon.stop()
    daemon.start()
    assert table(ipvs) == held


def test_each_change_of_a_group_is_the_smallest_one(session, ipvs):
    session.set(servers(GROUP))
    session.set(servers(server("web", member("mark", "", "delete")
                               + member("range", last("192.0.3.0"))
                               + member("more", where("203.0.113.1", 443)))))
    assert sorted(table(ipvs)) == sorted(
        ["TCP 192.0.2.1:80 rr", "TCP 203.0.113.1:443 rr"]
        + [f"TCP {address}:8080 rr" for address in ("192.0.2.254", "192.0.2.255", "192.0.3.0")]
        + [f"TCP 198.51.100.{last_octet}:80 rr" for last_octet in (4, 5, 6, 7)])
    session.set(servers(server("web", real("10.0.0.3", 80))))
    assert all(len(reals) == 3 for reals in table(ipvs).values())
    session.set(servers(server("web", operation="delete")))
    assert table(ipvs) == {}


def test_both_families_by_tunnels(session, ipvs):
    session.set(servers(server(
        "mixed", "<forwarding-method>tun</forwarding-method>"
        + member("four", where("192.0.2.1")) + member("six", where("2001:db8::ff", 80,
                                                                   last("2001:db8::101")))
        + member("mark", "<firewall-mark>7</firewall-mark>"
                         "<address-family>ipv6</address-family>")
        + real("10.0.0.1", 0) + real("2001:db8:1::1", 0))))
    held = table(ipvs)
    assert len(held) == 5 and all(len(reals) == 2 for reals in held.values())
    assert "TCP [2001:db8::100]:80 wlc" in held


REFUSED = {
    "a range that ends before it begins": (
        member("bad", where("192.0.2.9", 80, last("192.0.2.8"))), "/last-address", "exchange"),
    "a range that ends in the other family": (
        member("bad", where("192.0.2.9", 80, last("2001:db8::1"))), "/last-address", "family"),
    "a range that is too large": (
        member("bad", where("10.0.0.0", 80, last("10.255.255.255"))), "[name='bad']", "65536"),
    "a service that two members name": (
        member("bad", where("192.0.2.1")) + member("bad2", where("192.0.2.0", 80,
                                                                 last("192.0.2.4"))),
        "virtual-server", "tcp 192.0.2."),
    "a service of another group": (
        member("bad", where("198.51.100.7")), "virtual-server[name='x']", "'web'"),
    "a real server of the other family": (
        member("bad", where("2001:db8::1")), "real-server", "IPv6"),
    "two ends of a range": (
        member("bad", where("192.0.2.9", 80, last("192.0.2.10")
                            + "<prefix-length>30</prefix-length>")), "last-address",
        "remove one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(session, ipvs, case):
    content, path, word = REFUSED[case]
    session.set(servers(GROUP))
    before = table(ipvs)
    session.edit(servers(server("x", content + real("10.0.0.1", 0))))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert path in refused.value.path
    assert word in refused.value.message
    assert table(ipvs) == before


def test_a_single_virtual_server_and_a_group_do_not_share_a_service(session, ipvs):
    single = server("single", real("10.0.0.1", 8080), "192.0.3.0", 8080)
    session.set(servers(GROUP))
    session.edit(servers(single))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert refused.value.app_tag == "data-not-unique" and "'web'" in refused.value.message
    session.rpc("<discard-changes/>")
    # In the other order, and in one commit the service goes from one to the other.
    session.set(servers(server("web", member("range", "", "delete")) + single))
    assert len(table(ipvs)["TCP 192.0.3.0:8080 wlc"]) == 1
    session.edit(servers(server("web", member("again", where("192.0.3.0", 8080)))))
    with pytest.raises(RpcError) as refused:
        session.commit()
    assert refused.value.app_tag == "data-not-unique" and "'single'" in refused.value.message
    session.rpc("<discard-changes/>")


def test_a_large_range(session, ipvs):
    session.set(servers(server("large", member("all", where("10.1.0.0", 80, last("10.1.3.255")))
                               + real("10.0.0.1", 80))))
    assert len(table(ipvs)) == 1024
    assert session.get("virtual-servers/virtual-server/member/services") == ["1024"]
    session.set(servers(server("large", operation="delete")))
    assert table(ipvs) == {}
