"""What was acknowledged survives every kind of end."""

import contextlib
import os
import random
import struct
import subprocess
import threading
import time

import pytest

from faults import fill, small_disk
from netconf import RpcError, item, items, wait_for


def active(session, kind):
    """The text of the active alarm of a type, or None."""
    rows = zip(*[session.get(f"alarms/alarm-list/alarm/{name}")
                 for name in ("alarm-type-id", "is-cleared", "alarm-text")])
    return next((text for type_, cleared, text in rows
                 if type_.endswith(kind) and cleared == "false"), None)


def test_running_survives_a_restart(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>kept</value>")))
    daemon.stop()
    daemon.start()
    with daemon.session() as session:
        assert session.get("null/item/held") == ["kept"]


def test_kill_9_right_after_ok_loses_nothing(daemon):
    for round_ in range(5):
        with daemon.session() as session:
            session.set(items(item("a", f"<value>{round_}</value>")))
            daemon.kill()
        daemon.start()
        with daemon.session() as session:
            assert session.get("null/item/held") == [str(round_)]


def test_what_was_not_committed_is_not_kept(daemon):
    with daemon.session() as session:
        session.edit(items(item("a")))
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert "<item>" not in session.data("candidate")


def test_a_full_disk_refuses_the_commit_and_changes_nothing(daemon_factory, tmp_path):
    """The state folder is a small file system, filled to the last byte."""
    with small_disk(tmp_path, daemon_factory) as (daemon, small):
        with daemon.session() as session:
            session.set(items(item("a", "<value>old</value>")))
            fill(small)
            with pytest.raises(RpcError) as refused:
                session.set(items(item("a", "<value>" + "n" * 8000 + "</value>")))
            assert refused.value.tag == "operation-failed"
            assert "No space left" in refused.value.message
            assert "No space left" in active(session, "storage-failed")
            assert session.get("null/item/held") == ["old"]
            session.rpc("<discard-changes/>")
            (small / "filler").unlink()
            session.set(items(item("a", "<value>new</value>")))
            assert not active(session, "storage-failed")
        daemon.kill()
        daemon.start()
        with daemon.session() as session:
            assert session.get("null/item/held") == ["new"]


def test_a_disk_that_fills_under_many_clients_loses_nothing_acknowledged(daemon_factory, tmp_path):
    """Commits that are stored together fail together; those on top of them are made anew."""
    acknowledged, refused, together = {}, [], threading.Barrier(8)

    def client(daemon, small, name):
        with daemon.session() as session:
            for number in range(40):
                if number == 5:
                    together.wait(120)
                if name == "i0" and number == 10:
                    fill(small)
                if name == "i0" and number == 30:
                    (small / "filler").unlink()
                try:
                    value = f"{number}{' ' * 1000}"
                    session.edit(items(item(name, f"<value>{value}</value>")), target="running")
                    acknowledged[name] = str(number)
                except RpcError as error:
                    assert "No space left" in error.message
                    refused.append(name)

    def held(daemon):
        with daemon.session() as session:
            names, values = session.get("null/item/name"), session.get("null/item/held")
        return {name: value.strip() for name, value in zip(names, values)}

    with small_disk(tmp_path, daemon_factory) as (daemon, small):
        threads = [threading.Thread(target=client, args=(daemon, small, f"i{number}"))
                   for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused and len(acknowledged) == 8
        assert held(daemon) == acknowledged
        daemon.kill()
        daemon.start()
        assert held(daemon) == acknowledged


def test_a_second_daemon_on_the_same_state_is_refused(daemon):
    second = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=120,
                            check=False)
    assert second.returncode == 1
    assert "Another noriad uses the state folder" in second.stderr


def test_secrets_and_state_are_for_root_alone(daemon):
    for path in [daemon.state, *daemon.state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".pub", path
    assert os.stat(daemon.socket).st_mode & 0o077 == 0


# Each step of a single commit is killed in test_faults.py; this is what meets by chance.
ROUNDS = 6


def kill_during(daemon, stream, done, more, seconds):
    """Run stream(session) until the daemon is killed, seconds after done() are so many more."""
    wanted = done() + more

    def kill():
        try:
            wait_for(lambda: done() >= wanted, "some commits")
            time.sleep(seconds)  # any moment will do
        finally:
            daemon.process.kill()
    with daemon.session() as session:
        killer = threading.Thread(target=kill)
        killer.start()
        with contextlib.suppress(OSError, EOFError):
            stream(session)
        killer.join()
    daemon.kill()
    daemon.start()


@pytest.mark.parametrize("size", [10, 60000])
def test_kill_9_at_any_moment_keeps_what_was_acknowledged_and_nothing_half(daemon, size):
    """Large commits have the journal folded now and then, so that the kill falls there, too."""
    moments = random.Random(size)
    state = {"acknowledged": 0, "asked": 0}

    def stream(session):
        while True:
            state["asked"] = state["acknowledged"] + 1
            value = f"<value>{state['asked']}{' ' * size}</value>"
            session.edit(items(item("a", value) + item("b", value)), target="running")
            state["acknowledged"] = state["asked"]

    for _ in range(ROUNDS):
        kill_during(daemon, stream, lambda: state["acknowledged"], 3 if size < 10000 else 12,
                    moments.uniform(0, 0.6))
        with daemon.session() as session:
            values = [int(v) for v in session.get("null/item/held")]
        assert len(set(values)) <= 1, "half a commit"
        assert (values or [0])[0] in (state["acknowledged"], state["asked"])
        state["acknowledged"] = (values or [0])[0]

    def folded():
        session.edit(items(item("a", f"<value>{' ' * size}</value>")), target="running")
        return size < 10000 or "folded the journal" in daemon.log()
    with daemon.session() as session:
        wait_for(folded, "a fold to come to its end")


def test_kill_9_under_many_clients_keeps_what_each_was_told(daemon):
    """Their commits are stored together."""
    asked, acknowledged = {}, {}

    def client(name):
        with daemon.session() as session, contextlib.suppress(OSError, EOFError):
            while True:
                asked[name] = acknowledged.get(name, 0) + 1
                session.edit(items(item(name, f"<value>{asked[name]}</value>")), target="running")
                acknowledged[name] = asked[name]

    for round_ in range(ROUNDS):
        threads = [threading.Thread(target=client, args=(f"i{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        wait_for(lambda: sum(acknowledged.values()) > round_ * 100, "some commits")
        daemon.kill()
        for thread in threads:
            thread.join()
        daemon.start()
        with daemon.session() as session:
            names, values = session.get("null/item/name"), session.get("null/item/held")
        found = {name: int(value) for name, value in zip(names, values)}
        for name in asked:
            assert found.get(name, 0) in (acknowledged.get(name, 0), asked[name])
        acknowledged.clear()
        acknowledged.update(found)


def test_kill_9_at_any_moment_of_confirmed_commits(daemon):
    moments = random.Random(1)
    state = {"confirmed": 0, "confirming": 0}

    def stream(session):
        while True:
            number = state["confirmed"] + 1
            session.edit(items(item("a", f"<value>{number}</value>")))
            session.rpc("<commit><confirmed/></commit>")
            state["confirming"] = number
            session.commit()
            state["confirmed"] = number

    for _ in range(ROUNDS):
        state["confirming"] = state["confirmed"]
        kill_during(daemon, stream, lambda: state["confirmed"], 3, moments.uniform(0, 0.4))
        with daemon.session() as session:
            value = int((session.get("null/item/held") or [0])[0])
        assert value in (state["confirmed"], state["confirming"])
        assert not (daemon.state / "confirm").exists()
        state["confirmed"] = value


def records(path):
    """The offsets of the records of a file."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        assert data[at:at + 8] == b"NORIA1\r\n"
        found.append(at)
        at += 16 + struct.unpack("<I", data[at + 8:at + 12])[0]
    return found


def damage(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


def refuses_to_start(daemon, *words):
    daemon.log_file.write_text("")
    daemon.start(wait=False)
    assert daemon.process.wait(60) == 1
    daemon.process = None
    assert all(word in daemon.log() for word in words), daemon.log()


@pytest.mark.parametrize("where", ["magic", "length", "checksum", "payload"])
def test_a_damaged_record_in_the_middle_stops_the_start(daemon, where):
    with daemon.session() as session:
        for number in range(5):
            session.set(items(item("a", f"<value>{number}</value>")))
    daemon.stop()
    journal = next(daemon.state.glob("journal.*"))
    middle = records(journal)[3]
    at = middle + {"magic": 0, "length": 8, "checksum": 12, "payload": 40}[where]
    damage(journal, at)
    refuses_to_start(daemon, journal.name, f"damaged at offset {middle}")
    damage(journal, at)  # restored, as from a backup
    daemon.start()
    with daemon.session() as session:
        assert session.get("null/item/held") == ["4"]


@pytest.mark.parametrize("where", ["magic", "length", "checksum", "payload", "cut"])
def test_damage_of_the_last_acknowledged_commit_is_told_and_passed_over(daemon, where):
    with daemon.session() as session:
        for number in range(5):
            session.set(items(item("a", f"<value>{number}</value>")))
    daemon.kill()
    journal = next(daemon.state.glob("journal.*"))
    last = records(journal)[-1]
    at = last + {"magic": 0, "length": 8, "checksum": 12, "payload": 40, "cut": 40}[where]
    if where == "cut":
        os.truncate(journal, at)
    else:
        damage(journal, at)
    rest = journal.read_bytes()[last:]
    daemon.log_file.write_text("")
    daemon.start()
    lost = next(daemon.state.glob("lost.*"))
    assert "were acknowledged, and cannot be read any more" in daemon.log()
    assert f"({len(rest)} bytes) is kept in {lost.name}" in daemon.log()
    assert lost.read_bytes() == rest and lost.stat().st_mode & 0o777 == 0o600
    with daemon.session() as session:
        assert session.get("null/item/held") == ["3"]
        assert lost.name in active(session, "journal-damaged")
        session.set(items(item("a", "<value>5</value>")))
    daemon.kill()
    daemon.log_file.write_text("")
    daemon.start()
    assert "cannot be read any more" not in daemon.log()
    assert f"{lost.name} is what was found" in daemon.log()
    with daemon.session() as session:
        assert session.get("null/item/held") == ["5"]
        assert active(session, "journal-damaged")
    daemon.stop()
    lost.unlink()
    daemon.start()
    with daemon.session() as session:
        assert not active(session, "journal-damaged")


def fold(daemon):
    with daemon.session() as session:
        for number in range(14):
            session.set(items(item(f"i{number}", f"<value>{'v' * 100000}</value>")))
    wait_for(lambda: "folded the journal" in daemon.log(), "the journal to be folded")


def test_a_folded_journal_is_read_back_and_its_damage_stops_the_start(daemon):
    fold(daemon)
    with daemon.session() as session:
        session.set(items(item("last", "<value>one</value>")))
        before = session.data("running")
    daemon.kill()
    daemon.start()
    with daemon.session() as session:
        assert session.data("running") == before
    daemon.stop()
    running = daemon.state / "running"
    assert records(running) == [0]
    for at in (3, 9, 13, 100, running.stat().st_size - 10):
        damage(running, at)
        refuses_to_start(daemon, "/running is damaged at offset 0")
        damage(running, at)
    with open(running, "r+b") as file:
        whole = file.read()
        file.truncate(len(whole) - 5)
    refuses_to_start(daemon, "/running is damaged at offset 0")
    running.write_bytes(whole)
    daemon.start()


def test_a_damaged_rollback_point_stops_the_start(daemon):
    with daemon.session() as session:
        session.set(items(item("a", "<value>old</value>")))
        session.edit(items(item("a", "<value>new</value>")))
        session.rpc("<commit><confirmed/></commit>")
        daemon.kill()
    damage(daemon.state / "confirm", 30)
    refuses_to_start(daemon, "/confirm is damaged", "offset 0")
    damage(daemon.state / "confirm", 30)
    daemon.start()
    with daemon.session() as session:
        assert session.get("null/item/held") == ["old"]
