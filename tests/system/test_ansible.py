"""The playbooks of clients/ansible, run by ansible-playbook over SSH."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from daemon import PERMIT_ADMIN, SOURCE, free_port
from netconf import AGENT, BASE, real, server, servers, wait_for

PLAYBOOKS = SOURCE / "clients" / "ansible"
USER = "admin"

# Nearly all of the time is Ansible's own start; the agent sees what ncclient sends elsewhere, too.
pytestmark = [pytest.mark.once, pytest.mark.skipif(not shutil.which("ansible-playbook"),
                                                   reason="ansible is not installed")]

WEB = {"name": "web", "address": "192.0.2.10", "port": 80, "scheduler": "wrr",
       "real_servers": [{"address": "10.0.0.1"}, {"address": "10.0.0.2", "weight": 2}]}


def configuration(daemon, key):
    """What the daemon starts with: a user for Ansible, and what that user needs."""
    return daemon.default_configuration(
        f"<user><name>{USER}</name><authorized-key>{key}</authorized-key></user>") + PERMIT_ADMIN


@pytest.fixture(name="fleet")
def fixture_fleet(daemon_factory, tmp_path):
    """A daemon without a kernel, and a function that runs a playbook against it."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(configuration(daemon, key.with_suffix(".pub").read_text().strip()))
    daemon.start()
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"directors": {"hosts": {"lb1": {
        "ansible_host": "127.0.0.1", "ansible_port": daemon.ssh_port, "ansible_user": USER,
        "ansible_ssh_private_key_file": str(key),
        "ansible_connection": "ansible.netcommon.netconf", "ansible_network_os": "noria",
        "ansible_python_interpreter": "/usr/bin/python3"}}}}))
    environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_HOST_KEY_CHECKING": "False",
                   "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"), "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR": str(tmp_path / "pc"),
                   "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
                   "ANSIBLE_LIBSSH_LOOK_FOR_KEYS": "False", "PYTHONWARNINGS": "ignore",
                   "PYTHONPATH": "", "LC_ALL": "C.UTF-8"}

    def play(name, *options, status=0, **variables):
        variables = {"backup_folder": str(tmp_path / "backup"), **variables}
        result = subprocess.run(
            ["/usr/bin/python3", shutil.which("ansible-playbook"), "-i", inventory, *options, "-e",
             json.dumps(variables), PLAYBOOKS / name], env=environment, capture_output=True,
            text=True, timeout=240, check=False)
        assert result.returncode == status, result.stdout + result.stderr + daemon.log()
        return result.stdout

    (tmp_path / "backup").mkdir()
    play.daemon, play.folder = daemon, pathlib.Path(tmp_path)
    return play


def changed(output):
    return int(re.search(r"changed=(\d+)", output).group(1))


def test_a_virtual_server_is_made_once(fleet):
    with fleet.daemon.session() as session:
        shown = fleet("virtual-server.yml", "--check", "--diff", virtual_server=WEB)
        assert changed(shown) == 1 and "10.0.0.2" in shown, "check mode says what would change"
        assert "192.0.2.10" not in session.data("running"), "and changes nothing"
        assert "192.0.2.10" not in session.data("candidate")
        assert changed(fleet("virtual-server.yml", virtual_server=WEB)) == 1
        running = session.data("running")
        assert "192.0.2.10" in running and "<weight>2</weight>" in running
        backups = list((fleet.folder / "backup").glob("lb1.xml*"))
        assert backups and "netconf-server" in backups[0].read_text()
        assert changed(fleet("virtual-server.yml", virtual_server=WEB)) == 0, "the second time"
        assert changed(fleet("virtual-server.yml", "--check", virtual_server=WEB)) == 0
        assert session.data("running") == running
        session.rpc("<lock><target><candidate/></target></lock>")  # Ansible has unlocked it


def test_a_change_replaces_what_was(fleet):
    fleet("virtual-server.yml", virtual_server=WEB)
    less = {**WEB, "real_servers": [{"address": "10.0.0.2", "weight": 3}]}
    fleet("virtual-server.yml", virtual_server=less)
    with fleet.daemon.session() as session:
        running = session.data("running")
    assert "10.0.0.1" not in running and "<weight>3</weight>" in running


def test_what_the_model_refuses_changes_nothing(fleet):
    wrong = {**WEB, "port": 0}
    output = fleet("virtual-server.yml", virtual_server=wrong, status=2)
    assert "persistence" in output, output
    with fleet.daemon.session() as session:
        assert "192.0.2.10" not in session.data("running")


def test_a_locked_candidate_is_not_waited_for(fleet):
    with fleet.daemon.session() as session:
        session.rpc("<lock><target><candidate/></target></lock>")
        output = fleet("virtual-server.yml", virtual_server=WEB, status=2)
        assert "has locked candidate" in output, output


def test_a_real_server_is_drained(fleet):
    with fleet.daemon.session() as session:
        session.set(servers(server("web", real("10.0.0.1", 80), "192.0.2.10", 80)))
        where = {"service": "web", "address": "10.0.0.1", "real_port": 80}
        assert changed(fleet("drain.yml", **where)) == 1
        assert "<weight>0</weight>" in session.data("running")
        assert changed(fleet("drain.yml", **where)) == 0
        assert changed(fleet("drain.yml", **where, weight=4)) == 1
        assert "<weight>4</weight>" in session.data("running")
        output = fleet("drain.yml", **{**where, "address": "10.0.0.9"}, status=2)
        assert "There is no <real-server>" in output, output


def change_of(folder, config):
    """A file with a change."""
    file = folder / "change.xml"
    file.write_text(f'<config xmlns="{BASE}" xmlns:nc="{BASE}">{config}</config>')
    return {"file": str(file)}


def test_a_change_on_trial_is_kept_if_all_is_well(fleet):
    change = change_of(fleet.folder, servers(server("web", address="192.0.2.10", port=80)))
    shown = fleet("trial.yml", "--check", "--diff", **change)
    assert changed(shown) == 1 and "192.0.2.10" in shown
    with fleet.daemon.session() as session:
        assert "192.0.2.10" not in session.data("candidate"), "check mode leaves nothing behind"
        assert changed(fleet("trial.yml", **change)) == 1
        assert "192.0.2.10" in session.data("running")
        assert "to be confirmed within 120 s" in fleet.daemon.log()
        assert "was confirmed by session" in fleet.daemon.log()
        assert changed(fleet("trial.yml", **change)) == 0, "the second time"


def test_a_change_on_trial_is_taken_back_if_not(fleet):
    change = change_of(fleet.folder, servers(server("web", address="192.0.2.10", port=80)))
    nobody = f"http://127.0.0.1:{free_port()}/"
    output = fleet("trial.yml", status=2, url=nobody, **change)
    assert "does not keep the change: Fetch the url" in output
    with fleet.daemon.session() as session:
        assert "192.0.2.10" not in session.data("running")
        wrong = change_of(fleet.folder, servers(server("web", address="192.0.2.10", port=0)))
        output = fleet("trial.yml", status=2, **wrong)
        assert "persistence" in output, output
        assert session.data("candidate") == session.data("running")
        session.rpc("<lock><target><candidate/></target></lock>")


def test_a_play_that_breaks_off_leaves_no_change_on_trial(fleet):
    """The session of the change ends with the play: without a persist token that takes it back."""
    play = fleet.folder / "break-off.yml"
    play.write_text("""
- hosts: directors
  gather_facts: false
  tasks:
    - ansible.netcommon.netconf_config:
        content: "{{ lookup('ansible.builtin.file', file) }}"
        confirm: 300
""")
    change = change_of(fleet.folder, servers(server("web", address="192.0.2.10", port=80)))
    assert changed(fleet(play, **change)) == 1
    with fleet.daemon.session() as session:
        wait_for(lambda: "192.0.2.10" not in session.data("running"), "the change to be gone")


def test_a_trial_with_a_token_outlives_its_play(fleet):
    """The tasks are those of docs/ansible.md."""
    text = (SOURCE / "docs" / "ansible.md").read_text()
    blocks = re.findall(r"((?:^    .*\n|^\n)+)", text.split("## A change on trial")[1], re.M)
    plays = [block for block in blocks if "netconf_rpc" in block]
    assert len(plays) == 2
    change = change_of(fleet.folder, servers(server("web", address="192.0.2.10", port=80)))
    with fleet.daemon.session() as session:
        for number, tasks in enumerate(plays):
            play = fleet.folder / f"play{number}.yml"
            play.write_text("- hosts: directors\n  gather_facts: false\n  tasks:\n" + tasks)
            fleet(play, **change)
            assert "192.0.2.10" in session.data("running")
            pending = (fleet.daemon.state / "confirm").exists()
            assert pending == (number == 0)


def test_settings_are_made_in_running_and_kept(fleet):
    change = change_of(fleet.folder, f'<netconf-server xmlns="{AGENT}"><idle-timeout>900'
                                     "</idle-timeout></netconf-server>")
    with fleet.daemon.session() as session:
        assert changed(fleet("settings.yml", **change)) == 1
        assert "<idle-timeout>900<" in session.data("running")
        startup = session.rpc("<get-config><source><startup/></source></get-config>")
        assert "<idle-timeout>900<" in startup, "saved"
        before = (fleet.folder / "backup" / "lb1.before.xml").read_text()
        assert "netconf-server" in before and "<idle-timeout>" not in before


def test_what_was_kept_is_restored(fleet):
    with fleet.daemon.session() as session:
        session.set(servers(server("web", address="192.0.2.10", port=80)))
        kept = session.data("running")
        fleet("backup.yml")
        assert session.data("startup") == kept
        session.set(servers(server("web", operation="delete")
                            + server("other", address="192.0.2.11", port=80)))
        assert changed(fleet("restore.yml")) == 1
        assert session.data("running") == kept
        assert changed(fleet("restore.yml")) == 0


def test_an_order_is_given_and_taken_back(fleet):
    with fleet.daemon.session() as session:
        session.set(servers(server("web", real("10.0.0.1", 80), "192.0.2.10", 80)))
        where = {"service": "web", "address": "10.0.0.1", "real_port": 80}
        shown = "virtual-servers/virtual-server/real-server/order/kind"
        assert "drain" in fleet("order.yml", order="drain", **where)
        assert session.get(shown) == ["drain"]
        assert session.get(shown.replace("kind", "owner")) == [USER]
        fleet("order.yml", order="resume", **where)
        assert session.get(shown) == []
        output = fleet("order.yml", order="drain", **{**where, "address": "10.0.0.9"}, status=2)
        assert "10.0.0.9" in output, output
