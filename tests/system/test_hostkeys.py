"""Host keys as configuration, with ssh-keygen, ssh-keyscan and ssh."""

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from daemon import AGENT, PERMIT_ADMIN
from netconf import RpcError, item, items

YANG = "urn:ietf:params:xml:ns:yang:1"


def keys(*entries):
    return f'<netconf-server xmlns="{AGENT}">{"".join(entries)}</netconf-server>'


def host_key(name, content, operation=""):
    attribute = f' nc:operation="{operation}"' if operation else ""
    return f"<host-key{attribute}><name>{name}</name>{content}</host-key>"


def generated(name, algorithm, size=None):
    size = f"<size>{size}</size>" if size else ""
    return host_key(name, f"<algorithm>{algorithm}</algorithm>{size}")


def brought(name, file):
    return host_key(name, f"<file>{file}</file>")


def delete(name):
    return host_key(name, "", "delete")


def generate(name):
    return (f'<action xmlns="{YANG}"><netconf-server xmlns="{AGENT}"><host-key><name>{name}</name>'
            "<generate/></host-key></netconf-server></action>")


def seen(daemon):
    """What the server shows: fingerprints by type, as OpenSSH counts them."""
    scan = subprocess.run(["ssh-keyscan", "-T", "20", "-t", "rsa,ecdsa,ed25519", "-p",
                           str(daemon.ssh_port), "127.0.0.1"],
                          capture_output=True, text=True, timeout=90, check=False).stdout
    lines = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=scan, capture_output=True,
                           text=True, check=False).stdout.splitlines()
    return {line.split()[-1].strip("()").lower(): line.split()[1] for line in lines}


def state_of(session):
    """The host keys that the server tells of, each as texts by leaf."""
    reply = ElementTree.fromstring(session.rpc(
        f'<get><filter type="subtree"><netconf-server xmlns="{AGENT}"><state><host-key/></state>'
        "</netconf-server></filter></get>"))
    return [{leaf.tag.split("}")[1]: leaf.text for leaf in key}
            for key in reply.iter(f"{{{AGENT}}}host-key")]


def in_state(session):
    """Fingerprints by algorithm, likewise."""
    return {key["algorithm"]: key["fingerprint"] for key in state_of(session)
            if "reason" not in key}


def bring(daemon, name, *options, mode=0o600):
    folder = daemon.state / "host-keys"
    folder.mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", folder / name, *options], check=True)
    (folder / name).chmod(mode)
    return subprocess.run(["ssh-keygen", "-l", "-f", folder / name], check=True,
                          capture_output=True, text=True).stdout.split()[1]


def refused(session, config):
    before = session.data("running")
    with pytest.raises(RpcError) as error:
        session.set(config)
    assert session.data("running") == before
    session.rpc("<discard-changes/>")
    return error.value


def test_keys_are_made_and_used_at_once(daemon, session):
    own = seen(daemon)
    assert set(own) == {"ed25519", "ecdsa"} and in_state(session) == own
    with daemon.session() as present:
        session.set(keys(generated("old", "rsa", 2048), generated("ed25519", "ed25519")))
        assert present.data("running"), "present sessions go on"
    now = seen(daemon)
    assert set(now) == {"ed25519", "rsa"} and now["ed25519"] == own["ed25519"]
    assert in_state(session) == now
    assert os.stat(daemon.state / "ssh_host_old_key").st_mode & 0o777 == 0o600
    session.set(keys(delete("old"), delete("ed25519")))
    assert seen(daemon) == own, "without an entry the agent has its own"
    session.set(keys(generated("old", "rsa")))
    assert seen(daemon) == {"rsa": now["rsa"]}, "a key's file outlives its entry"
    daemon.stop()
    daemon.start()
    assert seen(daemon) == {"rsa": now["rsa"]}


@pytest.mark.parametrize("size", [256, 384, 521])
def test_sizes_of_ecdsa(daemon, session, size):
    session.set(keys(generated("curve", "ecdsa", size)))
    scan = subprocess.run(["ssh-keyscan", "-p", str(daemon.ssh_port), "127.0.0.1"],
                          capture_output=True, text=True, timeout=60, check=False).stdout
    assert f"ecdsa-sha2-nistp{size} " in scan


def test_a_key_of_the_administrators(daemon, session):
    fingerprint = bring(daemon, "site", "-t", "ed25519")
    session.set(keys(brought("site", "site")))
    assert seen(daemon) == {"ed25519": fingerprint} == in_state(session)


UNUSABLE = {
    "missing": (None, "No such file"),
    "others may read it": (lambda d: bring(d, "key", "-t", "ed25519", mode=0o644), "0600"),
    "it has a passphrase": (lambda d: (bring(d, "key", "-t", "ed25519"), subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f",
         d.state / "host-keys" / "key"], check=True)), "without a passphrase"),
    "it is short": (lambda d: bring(d, "key", "-t", "rsa", "-b", "1024"), "2048"),
    "it is no key": (lambda d: (bring(d, "key", "-t", "ed25519"),
                                (d.state / "host-keys" / "key").write_text("nonsense")),
                     "no private key"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_key_that_cannot_be_used_is_refused(daemon, session, case):
    own = seen(daemon)
    make, message = UNUSABLE[case]
    if make:
        make(daemon)
    error = refused(session, keys(brought("site", "key")))
    assert message in error.message and error.path.endswith("/host-key[name='site']")
    assert seen(daemon) == own


WRONG = {"a size of ed25519": ([generated("k", "ed25519", 256)], "A size is for rsa"),
         "a curve that there is not": ([generated("k", "ecdsa", 300)], "A size is for rsa"),
         "a short rsa": ([generated("k", "rsa", 1024)], "2048 bits"),
         "no source": ([host_key("k", "")], "lacks one of algorithm, file"),
         "a size alone": ([host_key("k", "<size>2048</size>")], "size"),
         "another folder": ([brought("k", "../ssh_host_ed25519_key")], "pattern"),
         "two of an algorithm": ([generated("k", "rsa"), generated("l", "rsa")], "both of rsa"),
         "another algorithm under the name": ([generated("ed25519", "ecdsa")],
                                              "is of ed25519: take another name")}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_refused(daemon, session, case):
    before = sorted(daemon.state.glob("*key*"))
    entries, message = WRONG[case]
    assert message in refused(session, keys(*entries)).message
    assert sorted(daemon.state.glob("*key*")) == before, "no key is made"


def test_a_key_is_made_anew(daemon, session):
    session.set(keys(generated("ed25519", "ed25519")))
    before = seen(daemon)
    told = re.search("<fingerprint[^>]*>(.*?)<", session.rpc(generate("ed25519"))).group(1)
    assert seen(daemon) == {"ed25519": told} == in_state(session) != before
    daemon.stop()
    daemon.start()
    assert seen(daemon) == {"ed25519": told}


def test_only_a_key_of_the_agents_is_made_anew(daemon, session):
    fingerprint = bring(daemon, "site", "-t", "ed25519")
    session.set(keys(brought("site", "site")))
    with pytest.raises(RpcError) as error:
        session.rpc(generate("site"))
    assert error.value.tag == "operation-not-supported"
    assert seen(daemon) == {"ed25519": fingerprint}


def test_private_keys_cannot_be_read(daemon, session):
    session.set(keys(generated("ed25519", "ed25519")))
    session.rpc(generate("ed25519"))
    private = (daemon.state / "ssh_host_ed25519_key").read_text().splitlines()[1]
    assert private not in session.data("running") + daemon.log()
    assert private not in str(session.rpc("<get/>"))


def test_a_change_that_another_backend_fails_takes_the_key_back(daemon, session):
    own = seen(daemon)
    with pytest.raises(RpcError):
        session.set(keys(generated("late", "ed25519"))
                    + items(item("a", "<apply>fail</apply>")))
    assert seen(daemon) == own
    assert not (daemon.state / "ssh_host_late_key").exists()


def test_a_key_that_is_lost_keeps_nobody_out(daemon, session):
    bring(daemon, "site", "-t", "ed25519")
    session.set(keys(brought("site", "site")))
    daemon.stop()
    (daemon.state / "host-keys" / "site").unlink()
    daemon.start()
    assert set(seen(daemon)) == {"ed25519", "ecdsa"}
    with daemon.session() as session:
        reason = next(key["reason"] for key in state_of(session) if "reason" in key)
        assert "No such file" in reason and reason in daemon.log()
        assert "No such file" in refused(session, keys(generated("spare", "rsa"))).message
        session.set(keys(generated("spare", "ecdsa"), delete("site")))
    assert set(seen(daemon)) == {"ecdsa"}


def test_a_user_needs_a_right_to_make_a_key_anew(daemon_factory, tmp_path):
    key = tmp_path / "user"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    daemon = daemon_factory(start=False, null=True)
    daemon.config.write_text(daemon.default_configuration(
        f"<host-key><name>ed25519</name><algorithm>ed25519</algorithm></host-key>"
        f"<user><name>olga</name><authorized-key>{public}</authorized-key></user>")
        + PERMIT_ADMIN)
    daemon.start()
    before = seen(daemon)
    known = tmp_path / "known_hosts"
    known.write_text(subprocess.run(["ssh-keyscan", "-p", str(daemon.ssh_port), "127.0.0.1"],
                                    capture_output=True, text=True, check=True).stdout)
    base = "urn:ietf:params:xml:ns:netconf:base:1.0"
    done = subprocess.run(
        ["ssh", "-i", key, "-p", str(daemon.ssh_port), "-o", "StrictHostKeyChecking=yes", "-o",
         f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-s", "olga@127.0.0.1", "netconf"],
        input=f'<hello xmlns="{base}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
              '</capability></capabilities></hello>]]>]]>'
              f'<rpc xmlns="{base}" message-id="1">{generate("ed25519")}</rpc>]]>]]>',
        capture_output=True, text=True, timeout=60, check=False)
    assert "access-denied" in done.stdout, done.stderr
    assert seen(daemon) == before
