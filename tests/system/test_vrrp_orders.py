"""Orders on instances: what is stored of them."""

import threading

import pytest

from netconf import RpcError
from vrrp import VRRP, action, instance, vrrp


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    """Instances that are not enabled: orders on them are stored, and keepalived need not run."""
    daemon = daemon_factory(null="all")
    with daemon.session() as session:
        session.set(vrrp("".join(
            instance(f"i{i}", vrid=i + 1, address=f"10.9.0.{i + 1}",
                     more="<enabled>false</enabled>") for i in range(4))))
    return daemon


def fail_over(session, reason):
    session.rpc(action(f'<fail-over xmlns="{VRRP}"><reason>{reason}</reason></fail-over>', "i0"))


def test_orders_at_the_same_time_are_all_stored(daemon):
    failures = []

    def give(name):
        with daemon.session() as session:
            for priority in range(1, 41):
                try:
                    session.rpc(action(f"<override-priority><priority>{priority}</priority>"
                                       "</override-priority>", name))
                except Exception as error:  # pylint: disable=broad-exception-caught
                    failures.append(error)
    givers = [threading.Thread(target=give, args=(f"i{i}",)) for i in range(4)]
    for giver in givers:
        giver.start()
    for giver in givers:
        giver.join()
    assert not failures
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert session.get("vrrp/instance/order/priority") == ["40"] * 4


def test_a_reason_of_more_octets_than_there_is_room_for_is_refused(daemon):
    with daemon.session() as session:
        for letters in (255, 128):
            with pytest.raises(RpcError, match=f"{2 * letters} octets, of which there may be 255"):
                fail_over(session, "ä" * letters)
        assert session.get("vrrp/instance/order/kind") == []
        fail_over(session, "ä" * 127)
        assert session.get("vrrp/instance/order/reason") == ["ä" * 127]
