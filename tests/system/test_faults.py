"""A crash or an error at each step that a commit, a fold, a trial takes on the disk.

What was acknowledged is kept, what failed is not, nothing is there by half, and the agent goes on.
"""

import shutil

import pytest

from faults import start_traced, steps_of, steps_traced
from netconf import RpcError, item, items, wait_for

CONFIRMED = "<commit><confirmed/></commit>"


def both(value, size=0):
    """Two items that always change together."""
    return items("".join(item(name, f"<value>{value}{' ' * size}</value>") for name in "ab"))


def change(session, possible):
    session.edit(both("2"), target="running")
    possible[:] = ["2"]


def grow(session, possible):
    """The commit after which the journal is long enough to be folded."""
    session.edit(both("2", 300000), target="running")
    possible[:] = ["2"]


def confirm(session, possible):
    session.edit(both("2"))
    session.rpc(CONFIRMED)
    possible[:] = ["1", "2"]
    session.commit()
    possible[:] = ["2"]


def cancel(session, possible):
    session.edit(both("2"))
    session.rpc(CONFIRMED)
    session.rpc("<cancel-commit/>")


# What happens, what may be found if it was broken off at its start, and whether it folds.
SCENARIOS = {
    "commit": (change, ["1", "2"], False),
    "fold": (grow, ["1", "2"], True),
    "confirmed": (confirm, ["1"], False),
    "taken-back": (cancel, ["1"], False),
}


def held(daemon):
    with daemon.session() as session:
        values = [value.strip() for value in session.get("null/item/held")]
    assert len(values) == 2 and values[0] == values[1], "half a commit"
    return values[0]


def give_state(daemon, before):
    shutil.rmtree(daemon.state, ignore_errors=True)
    shutil.copytree(before, daemon.state)
    daemon.log_file.write_text("")


class Round:
    """One run of a scenario, from the same state each time."""

    def __init__(self, daemon, before, scenario):
        self.daemon = daemon
        self.run, possible, self.folds = SCENARIOS[scenario]
        self.possible = list(possible)
        self.refused = False
        give_state(daemon, before)
        daemon.start()

    def ended(self):
        log = self.daemon.log()
        return (self.daemon.process.poll() is not None or "folded the journal" in log
                or "cannot be folded" in log)

    def go(self, fault=None):
        with self.daemon.session() as session, steps_traced(self.daemon, fault):
            try:
                self.run(session, self.possible)
            except RpcError as error:
                self.refused = True
                assert "Input/output error" in error.message
            except (OSError, EOFError):
                self.daemon.process.wait(30)
            if self.folds and not self.refused:
                wait_for(self.ended, "the fold")
        return self.daemon.process.poll() is not None


def check(daemon, possible):
    """What is there is right, now and after the next commit and the next crash."""
    assert held(daemon) in possible
    assert not (daemon.state / "confirm").exists()
    with daemon.session() as session:
        session.set(both("9"))
    daemon.kill()
    daemon.start()
    assert held(daemon) == "9"
    assert not list(daemon.state.glob("lost.*"))
    daemon.kill()


@pytest.fixture(name="given")
def fixture_given(daemon_factory, tmp_path, monkeypatch):
    """A daemon that is not started, and a state for it: both items are 1, the journal is long."""
    monkeypatch.setenv("UV_THREADPOOL_SIZE", "1")  # so that steps have the same numbers each time
    daemon = daemon_factory(null=True)
    with daemon.session() as session:
        session.set(both("0", 250000))
        session.set(both("1"))
    daemon.stop()
    before = tmp_path / "before"
    shutil.copytree(daemon.state, before)
    yield daemon, before
    daemon.process = None


@pytest.mark.once  # who is killed has nothing to say to a sanitizer
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_kill_9_at_each_step(given, scenario):
    daemon, before = given
    whole = Round(daemon, before, scenario)
    assert not whole.go()
    steps = steps_of(daemon)
    check(daemon, whole.possible)
    for step in steps:
        broken = Round(daemon, before, scenario)
        killed = broken.go(("signal=KILL", *step))
        assert killed, f"not killed at {step}"
        pending = (daemon.state / "confirm").exists()
        daemon.log_file.write_text("")
        daemon.start()
        assert pending == ("is taken back" in daemon.log())
        check(daemon, broken.possible)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_error_at_each_step(given, scenario):
    """What is answered with an error is not done; the agent goes on, and a restart finds the same.

    Only of the commit that confirms it is open whether it was late: its trial may be permanent.
    """
    daemon, before = given
    whole = Round(daemon, before, scenario)
    whole.go()
    steps = steps_of(daemon)
    daemon.kill()
    for step in steps:
        broken = Round(daemon, before, scenario)
        assert not broken.go(("error=EIO", *step)), f"ended at {step}"
        if scenario in ("commit", "fold"):
            value = "1" if broken.refused else "2"
            assert held(daemon) == value, f"at {step}"
            broken.possible = [value]
        daemon.stop()
        daemon.start()
        check(daemon, broken.possible)


@pytest.mark.once  # as above, and for the other fault it is a start like any other
@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO"])
def test_a_start_that_takes_a_trial_back_is_broken_off_at_each_step(given, fault, tmp_path):
    daemon, before = given
    pending = tmp_path / "pending"
    Round(daemon, before, "confirmed")
    with daemon.session() as session:
        session.edit(both("2"))
        session.rpc(CONFIRMED)
        daemon.kill()
    shutil.copytree(daemon.state, pending)
    give_state(daemon, pending)
    assert start_traced(daemon)
    steps = steps_of(daemon)
    check(daemon, ["1"])
    for step in steps:
        give_state(daemon, pending)
        came_up = start_traced(daemon, (fault, *step))
        assert not came_up or fault != "signal=KILL", f"not killed at {step}"
        if came_up:
            daemon.kill()
        elif fault != "signal=KILL":
            assert "Input/output error" in daemon.log(), f"no word of {step}"
        daemon.start()
        check(daemon, ["1"])
