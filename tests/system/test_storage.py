"""What was acknowledged survives every kind of end."""

import os
import subprocess

import pytest

from netconf import RpcError, item, items


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
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", small], check=True)
    try:
        daemon = daemon_factory(start=False, null=True)
        daemon.state = small / "state"
        daemon.start()
        with daemon.session() as session:
            session.set(items(item("a", "<value>old</value>")))
            with open(small / "filler", "wb") as filler:
                with pytest.raises(OSError):
                    while True:
                        os.write(filler.fileno(), bytes(4096))
            with pytest.raises(RpcError) as refused:
                session.set(items(item("a", "<value>" + "n" * 8000 + "</value>")))
            assert refused.value.tag == "operation-failed"
            assert "No space left" in refused.value.message
            assert session.get("null/item/held") == ["old"]
            session.rpc("<discard-changes/>")
            (small / "filler").unlink()
            session.set(items(item("a", "<value>new</value>")))
        daemon.kill()
        daemon.start()
        with daemon.session() as session:
            assert session.get("null/item/held") == ["new"]
        daemon.stop()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_second_daemon_on_the_same_state_is_refused(daemon):
    second = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=30,
                            check=False)
    assert second.returncode == 1
    assert "Another noriad uses the state folder" in second.stderr


def test_secrets_and_state_are_for_root_alone(daemon):
    for path in [daemon.state, *daemon.state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".pub", path
    assert os.stat(daemon.socket).st_mode & 0o077 == 0
