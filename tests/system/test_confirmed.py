"""Confirmed commits (RFC 6241, 8.4): taken back unless they are confirmed, whatever happens."""

import re
import contextlib
import random
import subprocess
import threading

import pytest
from ncclient import manager

from daemon import PERMIT_ADMIN
from faults import fill, small_disk
from netconf import BASE, RpcError, item, items, stays, wait_for

A = items(item("a", "<value>new</value>"))


def confirmed(session, timeout=None, persist=None, persist_id=None):
    inside = "<confirmed/>"
    if timeout:
        inside += f"<confirm-timeout>{timeout}</confirm-timeout>"
    if persist:
        inside += f"<persist>{persist}</persist>"
    if persist_id:
        inside += f"<persist-id>{persist_id}</persist-id>"
    session.rpc(f"<commit>{inside}</commit>")


def held(daemon):
    with daemon.session() as session:
        return session.get("null/item/held")


def refused(session, content):
    with pytest.raises(RpcError) as caught:
        session.rpc(content)
    return caught.value


@pytest.fixture(name="old")
def fixture_old(daemon):
    """A daemon with an item whose value is old."""
    with daemon.session() as session:
        session.set(items(item("a", "<value>old</value>")))
    return daemon


def is_old(daemon):
    wait_for(lambda: held(daemon) == ["old"], "the rollback")
    wait_for(lambda: not (daemon.state / "confirm").exists(), "the rollback point to be gone")


def test_the_hello_says_so(session):
    assert "urn:ietf:params:netconf:capability:confirmed-commit:1.1" in session.capabilities


def test_it_is_taken_back_in_time(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 3)
        assert held(old) == ["new"]
        assert (old.state / "confirm").stat().st_mode & 0o777 == 0o600
        is_old(old)


def test_confirming_makes_it_permanent(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 3)
        session.commit()
    assert not (old.state / "confirm").exists()
    stays(lambda: held(old) == ["new"], "the change is there past its time", 3.5)
    old.kill()
    old.start()
    assert held(old) == ["new"]


def test_new_edits_may_confirm(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 60)
        session.set(items(item("b", "<value>more</value>")))
    assert sorted(held(old)) == ["more", "new"]


@pytest.mark.parametrize("end", ["dropped", "closed", "killed"])
def test_the_end_of_the_session_takes_it_back(old, end):
    session = old.session()
    session.edit(A)
    confirmed(session)
    if end == "dropped":
        session.socket.close()
    elif end == "closed":
        session.rpc("<close-session/>")
    else:
        with old.session() as other:
            other.rpc(f"<kill-session><session-id>{session.id}</session-id></kill-session>")
    is_old(old)


def test_a_locked_running_is_rolled_back_too(old):
    """The owner locks both datastores as Ansible does, and lets the time pass."""
    with old.session() as session:
        for target in ("running", "candidate"):
            session.rpc(f"<lock><target><{target}/></target></lock>")
        session.edit(A)
        confirmed(session, 1)
        is_old(old)
        for target in ("running", "candidate"):
            session.rpc(f"<unlock><target><{target}/></target></unlock>")
    with old.session() as session:
        session.set(items(item("b")))


def test_a_rollback_after_reads_and_with_persist_while_another_has_locked(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 4, persist="token")
    with old.session() as other:
        assert other.get("null/item/held") == ["new"]
        assert "new" in other.data("running")
        assert refused(other, "<lock><target><running/></target></lock>").tag == "lock-denied"
        other.rpc("<lock><target><candidate/></target></lock>")
        other.edit(items(item("c")))
        is_old(old)
        assert "<name>c</name>" in other.data("candidate")


def test_persist_survives_the_session_and_any_session_confirms(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 60, persist="token")
        assert refused(session, "<commit/>").tag == "in-use"  # the token is needed by all
        session.rpc("<lock><target><running/></target></lock>")
    with old.session() as other:
        assert refused(other, "<commit/>").tag == "in-use"
        wrong = refused(other, "<commit><persist-id>x</persist-id></commit>")
        assert wrong.tag == "invalid-value"
        assert refused(other, "<cancel-commit/>").tag == "in-use"
        assert refused(other, "<cancel-commit><persist-id>x</persist-id></cancel-commit>").tag \
            == "invalid-value"
        other.rpc("<commit><persist-id>token</persist-id></commit>")
        assert refused(other, "<commit><persist-id>token</persist-id></commit>").tag \
            == "invalid-value"
    assert held(old) == ["new"]


def test_a_crash_after_the_end_of_the_session_with_persist(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 600, persist="token")
    assert held(old) == ["new"]
    old.kill()
    old.start()
    assert held(old) == ["old"]
    assert not (old.state / "confirm").exists()
    old.kill()
    old.start()
    assert held(old) == ["old"]
    with old.session() as session:
        session.set(A)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_restart_takes_it_back(old, end):
    with old.session() as session:
        session.edit(items(item("a", operation="delete") + item("b", "<value>x</value>")))
        confirmed(session)
        getattr(old, end)()
    old.start()
    assert held(old) == ["old"]
    with old.session() as session:
        assert "<name>b</name>" not in session.data("running")


def test_a_restart_takes_the_very_first_commit_back(daemon_factory):
    daemon = daemon_factory(start=False, null=True)
    daemon.config.unlink()
    daemon.start()
    with daemon.session() as session:
        session.edit(A)
        confirmed(session)
        daemon.kill()
    daemon.start()
    assert held(daemon) == []


def test_a_second_one_extends_the_time_and_keeps_the_point(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 3)
        session.edit(items(item("b", "<value>second</value>")))
        confirmed(session, 60)
        stays(lambda: sorted(session.get("null/item/held")) == ["new", "second"],
              "both changes are there past the first one's time", 3.5)
        confirmed(session, 1)
        is_old(old)


def test_a_follow_up_may_change_the_token(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 60, persist="one")
    with old.session() as session:
        confirmed(session, 60, persist="two", persist_id="one")
    with old.session() as session:
        assert refused(session, "<commit><persist-id>one</persist-id></commit>").tag \
            == "invalid-value"
        session.rpc("<cancel-commit><persist-id>two</persist-id></cancel-commit>")
        assert held(old) == ["old"]


def test_others_are_refused_while_it_is_pending(old):
    with old.session() as session, old.session() as other:
        session.edit(A)
        confirmed(session, 60)
        other.edit(items(item("c")))
        assert refused(other, "<commit/>").tag == "in-use"
        assert refused(other, "<commit><confirmed/></commit>").tag == "in-use"
        assert refused(other, "<cancel-commit/>").tag == "in-use"
        for someone in (session, other):
            with pytest.raises(RpcError) as edit:
                someone.edit(items(item("d")), target="running")
            assert edit.value.tag == "in-use" and "confirmed commit" in edit.value.message
        lock = refused(other, "<lock><target><running/></target></lock>")
        assert lock.tag == "lock-denied" and lock.session == str(session.id)
        other.rpc("<validate><source><candidate/></source></validate>")
        session.rpc("<cancel-commit/>")
        assert held(old) == ["old"]
        other.commit()


def test_cancel(old):
    with old.session() as session:
        assert refused(session, "<cancel-commit/>").tag == "operation-failed"
        session.edit(A)
        confirmed(session)
        session.rpc("<cancel-commit/>")
        assert session.get("null/item/held") == ["old"]
        assert refused(session, "<cancel-commit/>").tag == "operation-failed"
        session.set(A)


@pytest.mark.parametrize("step", ["prepare", "apply"])
def test_a_failed_one_arms_nothing(old, step):
    with old.session() as session:
        session.edit(items(item("b", f"<{step}>fail</{step}>")))
        with pytest.raises(RpcError):
            confirmed(session, 1)
        assert not (old.state / "confirm").exists()
        session.rpc("<discard-changes/>")
        session.set(items(item("a", "<value>kept</value>")))
    stays(lambda: held(old) == ["kept"], "the change is there, as no timer was forgotten", 1.5)
    old.kill()
    old.start()
    assert held(old) == ["kept"]


def test_a_failed_follow_up_leaves_the_first_armed(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 4)
        session.edit(items(item("b", "<apply>fail</apply>")))
        with pytest.raises(RpcError):
            confirmed(session, 600)
        with pytest.raises(RpcError):
            session.commit()
        is_old(old)


def test_without_changes_it_is_pending_all_the_same(old):
    with old.session() as session, old.session() as other:
        confirmed(session, 60)
        assert refused(other, "<commit/>").tag == "in-use"
        session.commit()
        other.commit()


def test_who_confirms_too_late_is_told(old):
    with old.session() as session:
        session.edit(A)
        confirmed(session, 1)
        is_old(old)
        late = refused(session, "<commit/>")
        assert late.tag == "operation-failed" and "taken back" in late.message
        session.commit()
        session.set(A)
    assert held(old) == ["new"]


def test_the_rollback_is_tried_again_until_it_works(daemon_factory, tmp_path):
    """The state folder is full when the time runs out."""
    with small_disk(tmp_path, daemon_factory) as (daemon, small):
        old = "o" * 8000
        with daemon.session() as session:
            session.set(items(item("a", f"<value>{old}</value>")))
            session.edit(A)
            confirmed(session, 3)
            fill(small)
            wait_for(lambda: "cannot be taken back" in daemon.log(), "a failed attempt")
            assert session.get("null/item/held") == ["new"]
            assert refused(session, "<commit/>").tag == "in-use"
            (small / "filler").unlink()
            wait_for(lambda: session.get("null/item/held") == [old], "the next attempt")
            session.set(A)
        daemon.kill()
        daemon.start()
        assert held(daemon) == ["new"]


def test_a_point_that_cannot_be_stored_refuses_the_commit(daemon_factory, tmp_path):
    with small_disk(tmp_path, daemon_factory) as (daemon, small):
        with daemon.session() as session:
            session.set(items(item("a", "<value>" + "o" * 8000 + "</value>")))
            fill(small)
            # Without edits there is a point, too, and no backend to take anything back.
            for edit in (None, A):
                if edit:
                    session.edit(edit)
                with pytest.raises(RpcError) as full:
                    confirmed(session, 1)
                assert "No space left" in full.value.message
                assert session.get("null/item/held") != ["new"]
            (small / "filler").unlink()
            session.commit()
            assert session.get("null/item/held") == ["new"]
            assert sorted(p.name for p in daemon.state.glob("confirm*")) == []


def test_terms_without_confirmed_are_refused(session):
    for terms in ("<confirm-timeout>5</confirm-timeout>", "<persist>x</persist>"):
        assert refused(session, f"<commit>{terms}</commit>").tag == "missing-element"
    for wrong in ("0", "-1", "x"):
        error = refused(session, "<commit><confirmed/>"
                                 f"<confirm-timeout>{wrong}</confirm-timeout></commit>")
        assert error.tag == "invalid-value"


def test_numbers_of_entries_stay_unique(daemon):
    """What a rollback brings back keeps its numbers; what it removes leaves its number unused."""
    with daemon.session() as session:
        session.set(items(item("a", "<value>1</value>")))
        session.edit(items(item("b", "<value>2</value>")))
        confirmed(session, 600)
        session.rpc("<cancel-commit/>")
        session.set(items(item("c", "<value>3</value>")))
    text = "".join(f.read_text(errors="replace") for f in daemon.state.glob("journal.*"))
    puts = re.findall(r"put (\d+) \d+ \d+ /noria-null:null/item\n.*?<name>(\w+)</name>", text, re.S)
    number = {name: number for number, name in puts}
    assert number == {"a": "1", "b": "2", "c": "3"}


def test_several_sessions_at_once(old):
    """Each makes its own trial or edit, is refused or not; in the end nothing is left over."""
    failures = []

    def work(number):
        choice = random.Random(number)
        try:
            for round_ in range(12):
                with old.session() as session, contextlib.suppress(RpcError):
                    change = items(item(f"i{number}", f"<value>{round_}</value>"))
                    if choice.random() < 0.4:
                        session.edit(change, target="running")
                        continue
                    session.edit(change)
                    confirmed(session, 1, persist=choice.choice([None, f"t{number}"]))
                    end = choice.choice(["<commit/>", "<cancel-commit/>", None,
                                         f"<cancel-commit><persist-id>t{number}</persist-id>"
                                         "</cancel-commit>"])
                    if end:
                        session.rpc(end)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    wait_for(lambda: not (old.state / "confirm").exists(), "the last one to end")
    with old.session() as session:
        session.rpc("<discard-changes/>")
        session.set(A)
        before = session.data("running")
        assert before.count("<item>") == len(session.get("null/item/held"))
    old.kill()
    old.start()
    with old.session() as session:
        assert session.data("running") == before


def test_with_ncclient(daemon_factory, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    daemon = daemon_factory(start=False, null=True)
    public = (tmp_path / "key.pub").read_text().strip()
    daemon.config.write_text(daemon.default_configuration(
        f"<user><name>admin</name><authorized-key>{public}</authorized-key></user>") + PERMIT_ADMIN)
    daemon.start()
    with manager.connect(host="127.0.0.1", port=daemon.ssh_port, username="admin",
                         key_filename=str(key), hostkey_verify=False, look_for_keys=False,
                         allow_agent=False, timeout=60) as client:
        with client.locked("candidate"):
            client.edit_config(target="candidate", config=f'<config xmlns="{BASE}">{A}</config>')
            client.commit(confirmed=True, timeout="60")
            client.commit()
            client.edit_config(target="candidate",
                               config=f'<config xmlns="{BASE}">{items(item("b"))}</config>')
            client.commit(confirmed=True, timeout="60", persist="p")
            client.cancel_commit(persist_id="p")
        client.copy_config(source="running", target="startup")
        assert "<name>a</name>" in client.get_config("startup").data_xml.replace("ns0:", "")
        client.delete_config(target="startup")
    assert held(daemon) == ["new"]
