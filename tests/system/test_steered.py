"""What verdicts and orders come to in a real kernel."""

import os
import re
import threading
import time

import pytest

from netconf import RpcError, item, items, real, server, servers, wait_for
from test_ipvs import table
from test_steering import judge, verdict

pytestmark = pytest.mark.kernel

# A sanitizer needs more memory than a guest has for as many as a director serves.
SERVICES = 500 if "sanitize" in os.environ.get("NORIA_BUILD", "") else 2500
SORRY = ("<sorry-server><address>10.0.9.1</address><port>8080</port><weight>4</weight>"
         "</sorry-server>")
WEB = server("web", real("10.0.0.1", 80, "<weight>3</weight>") + real("10.0.0.2", 80),
             "192.0.2.1", 80)


@pytest.fixture(name="daemon")
def fixture_daemon(ipvs, daemon_factory):
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        session.set(servers(WEB))
    return daemon


def weights(ipvs, service="192.0.2.1:80"):
    return {name: weight for name, (_, weight) in table(ipvs)[("TCP", service)][1].items()}


def reaches(ipvs, wanted, service="192.0.2.1:80"):
    wait_for(lambda: weights(ipvs, service) == wanted, f"{wanted}: {weights(ipvs, service)}")


def test_verdicts_steer_the_kernel(session, ipvs):
    status = "virtual-servers/virtual-server/real-server/oper-status"
    judge(session, verdict("10.0.0.1", "down"))
    reaches(ipvs, {"10.0.0.2:80": 1})
    wait_for(lambda: session.get(status) == ["withdrawn", "active"], "its status")
    judge(session, verdict("10.0.0.1", "down", more="<inhibit>true</inhibit>"))
    reaches(ipvs, {"10.0.0.1:80": 0, "10.0.0.2:80": 1})
    wait_for(lambda: session.get(status) == ["drained", "active"], "its status")
    judge(session, verdict("10.0.0.1", "up", more="<weight>2</weight>"))
    reaches(ipvs, {"10.0.0.1:80": 2, "10.0.0.2:80": 1})
    judge(session, verdict("10.0.0.1", "up"))
    reaches(ipvs, {"10.0.0.1:80": 3, "10.0.0.2:80": 1})


def test_a_commit_minds_the_verdicts(session, ipvs):
    judge(session, verdict("10.0.0.1", "down"))
    session.set(servers(server("web", real("10.0.0.1", 80, "<weight>9</weight>") +
                               real("10.0.0.3", 80))))
    reaches(ipvs, {"10.0.0.2:80": 1, "10.0.0.3:80": 1})
    judge(session, verdict("10.0.0.1", "up"))
    reaches(ipvs, {"10.0.0.1:80": 9, "10.0.0.2:80": 1, "10.0.0.3:80": 1})


def test_a_restart_keeps_verdicts_and_writes_nothing(daemon, session, ipvs):
    judge(session, verdict("10.0.0.1", "down"))
    reaches(ipvs, {"10.0.0.2:80": 1})
    daemon.stop()
    daemon.start()
    assert weights(ipvs) == {"10.0.0.2:80": 1}
    assert "the kernel's table is as configured" in daemon.log()


def test_sorry_servers_take_over_while_the_quorum_is_lost(daemon, session, ipvs):
    session.set(servers(server("web", SORRY)))
    assert weights(ipvs) == {"10.0.0.1:80": 3, "10.0.0.2:80": 1}
    in_use = "virtual-servers/virtual-server/sorry-server/in-use"
    assert session.get(in_use) == ["false"]
    judge(session, "<quorum-lost-of>web</quorum-lost-of>")
    reaches(ipvs, {"10.0.9.1:8080": 4})
    assert session.get(in_use) == ["true"]
    session.set(servers(server("web", "<scheduler>rr</scheduler>")))
    assert weights(ipvs) == {"10.0.9.1:8080": 4}
    daemon.stop()
    daemon.start()
    assert weights(ipvs) == {"10.0.9.1:8080": 4}
    with daemon.session() as again:
        judge(again, "<quorum-back-of>web</quorum-back-of>")
    reaches(ipvs, {"10.0.0.1:80": 3, "10.0.0.2:80": 1})


def test_without_sorry_servers_a_lost_quorum_changes_nothing(session, ipvs):
    judge(session, "<quorum-lost-of>web</quorum-lost-of>" + verdict("10.0.0.2", "down"))
    reaches(ipvs, {"10.0.0.1:80": 3})


def test_a_sorry_server_is_checked_as_a_real_server_is(session, ipvs):
    with pytest.raises(RpcError) as refused:
        session.set(servers(server("web", "<sorry-server><address>2001:db8::1</address>"
                                   "<port>80</port></sorry-server>")))
    assert (refused.value.tag, refused.value.path) == (
        "invalid-value", "/noria-virtual-server:virtual-servers/virtual-server[name='web']"
        "/sorry-server[address='2001:db8::1'][port='80']/forwarding-method")


def committing(daemon, config):
    """Commit in the background; returns what to call for the outcome."""
    outcome = []

    def run():
        with daemon.session() as own:
            try:
                own.set(config)
                outcome.append(None)
            except RpcError as error:
                outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def end():
        thread.join()
        return outcome[0]
    return end


def test_verdicts_do_not_wait_for_a_slow_commit(daemon, session, ipvs):
    """The null backend dawdles after ipvs has planned: the plan must not bring back the dead."""
    end = committing(daemon, items(item("slow", "<delay>2000</delay>")) +
                     servers(server("web", real("10.0.0.1", 80, "<weight>7</weight>"))))
    time.sleep(0.3)  # the commit is in its prepare; if not, the test is easier to pass
    judge(session, verdict("10.0.0.1", "down"))
    reaches(ipvs, {"10.0.0.2:80": 1})
    assert end() is None
    assert weights(ipvs) == {"10.0.0.2:80": 1}
    judge(session, verdict("10.0.0.1", "up"))
    reaches(ipvs, {"10.0.0.1:80": 7, "10.0.0.2:80": 1})


def test_a_commit_that_is_taken_back_minds_the_verdicts_since(daemon, session, ipvs):
    """The null backend fails after ipvs has applied, and verdicts came in between."""
    end = committing(daemon, items(item("bad", "<apply>fail</apply><delay>6000</delay>")) +
                     servers(server("web", real("10.0.0.1", 80, "<weight>7</weight>") +
                                    real("10.0.0.3", 80))))
    wait_for(lambda: weights(ipvs) == {"10.0.0.1:80": 7, "10.0.0.2:80": 1, "10.0.0.3:80": 1},
             "ipvs to have applied")
    judge(session, verdict("10.0.0.1", "down") + verdict("10.0.0.2", "down",
                                                         more="<inhibit>true</inhibit>"))
    reaches(ipvs, {"10.0.0.2:80": 0, "10.0.0.3:80": 1})
    error = end()
    assert error.tag == "operation-failed", error
    assert weights(ipvs) == {"10.0.0.2:80": 0}
    judge(session, verdict("10.0.0.1", "up") + verdict("10.0.0.2", "up"))
    reaches(ipvs, {"10.0.0.1:80": 3, "10.0.0.2:80": 1})


def test_ten_thousand_fail_at_once(daemon, session, ipvs):
    begun = time.monotonic()
    session.set(servers("".join(
        server(f"s{i}", "".join(real(f"10.1.{j}.{i % 250 + 1}", 80) for j in range(4)),
               f"192.1.{i // 250}.{i % 250 + 1}", 80) for i in range(SERVICES))))
    taken = time.monotonic() - begun
    judge(session, "".join(verdict(f"10.1.{j}.{i % 250 + 1}", "down", name=f"s{i}")
                           for i in range(SERVICES) for j in range(4)))
    wait_for(lambda: f"{SERVICES * 4} operations" in daemon.log(), "a pass over them all", 300)
    passes = re.findall(r"steering: (\d+) operations on (\d+) virtual servers in ([\d.]+) ms",
                        daemon.log())
    assert [p[:2] for p in passes] == [(str(SERVICES * 4), str(SERVICES))]
    # A second where the guest has a processor for itself, and less than to configure them.
    assert float(passes[0][2]) < 5000 + 2000 * taken
    assert ipvs("-ln").count("->") == 3  # the heading, and the two that are left
