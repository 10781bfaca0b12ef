"""SNMPv3 users, views, and what their secrets are kept from."""

import re

import pytest

from daemon import AGENT, nacm
from netconf import RpcError, real, server, servers, wait_for
from test_snmp import (AGENT_VERSION, NORIA, REAL, VIRTUAL, patiently, run, snmp, wait_for_snmp,
                       walk)

WEB = servers(server("web", real("10.0.0.1", 80, "<weight>3</weight>"), "192.0.2.1", 80))
AUTH, PRIVACY = "correct horse", "battery staple"
UNKNOWN_CONTEXTS = ".1.3.6.1.6.3.12.1.5.0"


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(daemon.default_configuration() + nacm() + WEB)
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


def keys(session, password, protocol="sha256", engine=None):
    engine = f"<engine-id>{engine}</engine-id>" if engine else ""
    reply = session.rpc(f'<localize-snmp-password xmlns="{AGENT}"><protocol>{protocol}</protocol>'
                        f"<password>{password}</password>{engine}</localize-snmp-password>")
    return [re.search(rf"<(?:\w+:)?{name}-key[^>]*>([^<]+)<", reply).group(1)
            for name in ("auth", "privacy")]


def agent(content):
    return f'<snmp-agent xmlns="{AGENT}">{content}</snmp-agent>'


def user(session, name="ann", protocol="sha256", more=""):
    auth, privacy = keys(session, AUTH, protocol)[0], keys(session, PRIVACY, protocol)[1]
    session.set(agent(f"<user><name>{name}</name><auth><protocol>{protocol}</protocol>"
                      f"<key>{auth}</key></auth><privacy><key>{privacy}</key></privacy>{more}"
                      "</user>"))


def v3(tool, port, *arguments, name="ann", level="authPriv", protocol="SHA-256", auth=AUTH,
       privacy=PRIVACY, transport="", patience=3, options=()):
    return run(tool, "-v3", *options, "-u", name, "-l", level, "-a", protocol, "-A", auth, "-x", "AES", "-X",
               privacy, *patiently(patience), "-Oqn", f"{transport}127.0.0.1:{port}",
               *arguments)


def reads(daemon, **options):
    return v3("snmpget", daemon.snmp_port, AGENT_VERSION, **options).returncode == 0


@pytest.mark.parametrize("protocol,name", [("sha1", "SHA"), ("sha224", "SHA-224"),
                                           ("sha256", "SHA-256"), ("sha384", "SHA-384"),
                                           ("sha512", "SHA-512")])
def test_a_user_reads_with_each_protocol(daemon, protocol, name):
    with daemon.session() as session:
        user(session, protocol=protocol)
        assert reads(daemon, protocol=name)
        assert not reads(daemon, protocol=name, auth="wrong password", patience=0.5)


def test_users_change_at_run_time_and_outlive_a_restart(daemon):
    with daemon.session() as session:
        user(session)
        user(session, name="bob", more="<security-level>auth-no-priv</security-level>")
        assert reads(daemon) and reads(daemon, name="bob", level="authNoPriv")
        assert not reads(daemon, level="authNoPriv", patience=0.5), "too low a level"
        session.set(agent('<user nc:operation="delete"><name>bob</name></user>'))
        assert not reads(daemon, name="bob", patience=0.5)
        engine = session.get("snmp-agent/engine-id")
    daemon.stop()
    daemon.start()
    wait_for(lambda: reads(daemon), "SNMP")
    with daemon.session() as session:
        assert session.get("snmp-agent/engine-id") == engine
    boots = ".1.3.6.1.6.3.10.2.1.2.0"
    first = int(v3("snmpget", daemon.snmp_port, boots).stdout.split()[1])
    daemon.kill()
    daemon.start()
    wait_for(lambda: reads(daemon), "SNMP")
    assert int(v3("snmpget", daemon.snmp_port, boots).stdout.split()[1]) > first
    assert not reads(daemon, name="bob", patience=0.5), "who was deleted stays away"


def test_the_number_of_boots_is_on_the_disk_before_anybody_hears_it(daemon_factory, tmp_path):
    """Else, after a power cut, managers would take the agent's messages for old ones."""
    steps = tmp_path / "steps"
    daemon = daemon_factory(prefix=("strace", "-D", "-f", "-y", "-o", str(steps), "-e",
                                    "trace=fsync,fdatasync,bind"))
    wait_for_snmp(daemon)
    kept = [place for place, line in enumerate(steps.read_text().splitlines())
            if re.search(r"f(data)?sync\(\d+<.*/snmp/noriad\.conf", line)]
    heard = [place for place, line in enumerate(steps.read_text().splitlines())
             if f"sin_port=htons({daemon.snmp_port})" in line]
    daemon.kill()  # a sanitizer cannot look for leaks beside strace
    assert kept and heard and kept[0] < heard[0]


def test_a_context_that_is_not_there_is_counted(daemon):
    with daemon.session() as session:
        user(session)
    before = int(v3("snmpget", daemon.snmp_port, UNKNOWN_CONTEXTS).stdout.split()[1])
    other = v3("snmpget", daemon.snmp_port, AGENT_VERSION, options=("-n", "other"), patience=0.9)
    assert other.returncode != 0 and "No Such" not in other.stdout
    assert int(v3("snmpget", daemon.snmp_port, UNKNOWN_CONTEXTS).stdout.split()[1]) > before


def test_keys_cannot_be_read_and_are_nowhere_in_clear(daemon):
    with daemon.session() as session:
        auth = keys(session, AUTH)[0]
        user(session)
        group = "<group><name>ops</name><user-name>ann</user-name></group>"
        session.set(nacm(group))
    for file in [*daemon.state.rglob("*"), daemon.log_file]:
        if file.is_file():
            assert AUTH.encode() not in file.read_bytes(), file
    assert auth not in daemon.log()


def refusal(session, operation, content):
    with pytest.raises(RpcError) as refused:
        operation(content)
    session.rpc("<discard-changes/>")
    return str(refused.value)


def test_a_mistyped_secret_is_refused_without_being_told(daemon):
    def localize(password):
        return (f'<localize-snmp-password xmlns="{AGENT}"><protocol>sha256</protocol><password>'
                f"{password}</password></localize-snmp-password>")

    def community(name, more=""):
        return agent(f"<community><name>{name}</name>{more}</community>")

    with daemon.session() as session:
        refusals = [
            refusal(session, session.rpc, localize("s3cret")),
            refusal(session, session.set, agent(
                "<user><name>ann</name><auth><protocol>sha256</protocol><key>s3cret</key></auth></user>")),
            refusal(session, session.set, agent(
                "<user><name>ann</name><privacy><key>5e:c3:e7</key></privacy></user>")),
            refusal(session, session.set, community("s3cret s3cret")),
            refusal(session, lambda edit: session.edit(edit, "running"), community("s3cret s3cret"))]
        refusal(session, lambda edit: session.edit(edit, "running"),
                community("s3cret", "<view>nothing</view>"))
    assert [text for text in refusals if "is not shown, is not valid: Unsatisfied" not in text] == []
    for told in (daemon.log(), *refusals):
        assert "s3cret" not in told and "5e:c3:e7" not in told


def test_a_key_that_does_not_fit_is_refused(daemon):
    with daemon.session() as session:
        key = keys(session, AUTH)[0]
        for content in (f"<auth><protocol>sha512</protocol><key>{key}</key></auth>",
                        f"<privacy><key>{key[:47]}</key></privacy>",
                        f"<auth><protocol>sha256</protocol><key>{key}</key></auth>", ""):
            with pytest.raises(RpcError):
                session.set(agent(f"<user><name>ann</name>{content}</user>"))
            session.rpc("<discard-changes/>")


def test_a_view_shows_a_part(daemon):
    view = (f"<view><name>half</name><include>{NORIA[1:]}</include><exclude>{REAL[1:]}</exclude>"
            f"<include>{REAL[1:]}.1.3</include></view>")
    with daemon.session() as session:
        session.set(agent(view))
        user(session, more="<view>half</view>")
        session.set(agent("<community><name>half</name><view>half</view></community>"))
        for walked in (v3("snmpbulkwalk", daemon.snmp_port, ".1").stdout,
                       snmp("snmpwalk", daemon.snmp_port, ".1", community="half").stdout):
            assert f"{VIRTUAL}.2." in walked and f"{REAL}.8." not in walked
            assert f"{REAL}.3." not in walked and ".1.3.6.1.2.1.1.1.0" not in walked
        session.set(agent(view.replace("</include></view>", "</include></view>").replace(
            f"{REAL[1:]}.1.3", f"{REAL[1:]}.3")))
        walked = v3("snmpbulkwalk", daemon.snmp_port, ".1").stdout
        assert f"{REAL}.3." in walked and f"{REAL}.8." not in walked
        with pytest.raises(RpcError):
            session.set(agent('<view nc:operation="delete"><name>half</name></view>'))


def test_a_view_may_have_one_row_of_all_columns(daemon):
    with daemon.session() as session:
        session.set(servers(server("other", real("10.0.0.3", 80), "192.0.2.2", 80)))
        names = {name: row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.2").items()}
        session.set(agent(f"<view><name>row</name><include>{VIRTUAL[1:]}.*.{names['other']}</include>"
                          f"<exclude>{VIRTUAL[1:]}.3.*</exclude></view>"
                          "<community><name>row</name><view>row</view></community>"))
        for tool in ("snmpwalk", "snmpbulkwalk"):
            seen = snmp(tool, daemon.snmp_port, ".1", community="row").stdout.splitlines()
            assert len(seen) > 5 and all(
                line.startswith(VIRTUAL) and line.split()[0].endswith("." + names["other"])
                for line in seen if line.startswith(".1")), seen
        assert snmp("snmpget", daemon.snmp_port, f"{VIRTUAL}.2.{names['web']}",
                    community="row").stdout.count("No Such") == 1
        for text in ("1.3.**", "1.3.", "*.", "1.3.-1"):
            with pytest.raises(RpcError):
                session.set(agent(f"<view><name>row</name><include>{text}</include></view>"))
            session.rpc("<discard-changes/>")


def test_a_user_writes_as_whom_the_configuration_says(daemon):
    with daemon.session() as session:
        user(session)
        user(session, name="bob", more="<write-as>admin</write-as>")
        weight = v3("snmpwalk", daemon.snmp_port, f"{REAL}.8").stdout.split()[0]
        denied = v3("snmpset", daemon.snmp_port, weight, "u", "9")
        assert denied.returncode != 0 and "noAccess" in denied.stderr
        assert v3("snmpset", daemon.snmp_port, weight, "u", "9", name="bob").returncode == 0
        assert "<weight>9<" in session.data("running")


def test_over_tcp_too(daemon):
    with daemon.session() as session:
        user(session)
        session.set(agent("<listen><name>tcp</name><address>127.0.0.1</address>"
                          f"<port>{daemon.snmp_port}</port><transport>tcp</transport></listen>"))
        assert reads(daemon, transport="tcp:")
