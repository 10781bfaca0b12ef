"""SNMP with Net-SNMP's tools and a real snmpd."""

import re
import socket
import subprocess

import pytest

from daemon import AGENT, free_port
from netconf import real, server, servers, wait_for

NORIA = ".1.3.6.1.4.1.32473.1.1"
AGENT_VERSION = f"{NORIA}.1.1.0"
BACKEND = f"{NORIA}.1.6.1"
VIRTUAL = f"{NORIA}.2.1.1"
REAL = f"{NORIA}.2.2.1"
NAME, CONNECTIONS = 2, 17

SERVERS = servers(
    server("web", "<scheduler>rr</scheduler>" + real("10.0.0.1", 80, "<weight>3</weight>")
           + real("10.0.0.2", 80), "192.0.2.1", 80)
    + server("six", real("2001:db8::2", 53), "2001:db8::1", 53))


def run(*command, timeout=120):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def patiently(patience):
    """Options: who counts on an answer asks some times more, who does not asks twice."""
    return "-t", str(patience), "-r", "1" if patience < 1 else "5"


def snmp(tool, port, *arguments, community="public", version="2c", host="127.0.0.1", patience=3):
    return run(tool, "-v", version, "-c", community, *patiently(patience), "-Oqn",
               f"{host}:{port}", *arguments)


def is_silent(port, **options):
    """Whether there is no answer, which is waited for no longer than silence is worth."""
    return snmp("snmpget", port, AGENT_VERSION, patience=0.5, **options).returncode != 0


def wait_for_snmp(daemon):
    wait_for(lambda: not is_silent(daemon.snmp_port), "SNMP")


def walk(port, oid, **options):
    """{the rest of the OID: value}"""
    done = snmp("snmpbulkwalk", port, oid, **options)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(".")]
    return {name[len(oid) + 1:]: value.strip().strip('"') for name, value in rows
            if name.startswith(oid + ".")}


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False)
    daemon.config.write_text(daemon.default_configuration() + SERVERS)
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


def test_the_agent_shows_itself(daemon):
    assert walk(daemon.snmp_port, f"{NORIA}.1.1")["0"].startswith("0.")
    backends = walk(daemon.snmp_port, f"{BACKEND}.2")
    assert set(backends.values()) >= {"ipvs", "netconf-server", "snmp-agent"}
    row = next(index for index, name in backends.items() if name == "snmp-agent")
    wait_for(lambda: walk(daemon.snmp_port, f"{BACKEND}.3")[row] == "1",
             "the agent to say that SNMP is up, which it may be before that")


def test_groups_and_directors_are_rows_like_others(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    group = server("group", "<director>blue</director><member><name>a</name><address>192.0.2.1"
                            "</address><port>80</port></member>")
    daemon.config.write_text(daemon.default_configuration() + servers(
        group + server("one", address="192.0.2.2", port=80)))
    daemon.start()
    wait_for_snmp(daemon)
    names = {name: row for row, name in walk(daemon.snmp_port, f"{VIRTUAL}.{NAME}").items()}
    where = walk(daemon.snmp_port, f"{VIRTUAL}.28")
    assert {name: where[row] for name, row in names.items()} == {"group": "blue", "one": "main"}
    assert list(walk(daemon.snmp_port, f"{VIRTUAL}.7")) == [names["one"]], "a group has no port"


def test_the_system_group_is_there(daemon):
    system = walk(daemon.snmp_port, ".1.3.6.1.2.1.1")
    assert "noria" in system["1.0"].lower()
    assert system["2.0"].startswith(".1.3.6.1.4.1.32473")
    assert (system["4.0"], system["6.0"]) == ("", "")
    mibs = [name for index, name in system.items() if index.startswith("9.1.2.")]
    assert set(mibs) >= {".1.3.6.1.4.1.32473.1", ".1.3.6.1.4.1.9586.100.5", ".1.3.6.1.2.1.68",
                         ".1.3.6.1.2.1.207", ".1.3.6.1.2.1.92", ".1.3.6.1.6.3.1"}
    assert len(mibs) == len(set(mibs))
    with daemon.session() as session:
        session.set(f'<snmp-agent xmlns="{AGENT}"><contact>noc@example.org</contact>'
                    "<location>Room 7</location></snmp-agent>")
    system = walk(daemon.snmp_port, ".1.3.6.1.2.1.1")
    assert (system["4.0"], system["6.0"]) == ("noc@example.org", "Room 7")


def test_rows_have_readable_indexes_and_names(daemon):
    names = walk(daemon.snmp_port, f"{VIRTUAL}.{NAME}")
    assert sorted(names.values()) == ["six", "web"]
    assert walk(daemon.snmp_port, f"{VIRTUAL}.1") == {index: index for index in names}
    web = next(index for index, name in names.items() if name == "web")
    weights = walk(daemon.snmp_port, f"{REAL}.8")
    assert sorted(value for row, value in weights.items() if row.startswith(web + ".")) == [
        "1", "3"]


def test_a_whole_walk_is_in_order_and_the_same_by_single_steps(daemon):
    bulk = snmp("snmpbulkwalk", daemon.snmp_port, NORIA).stdout.splitlines()
    single = snmp("snmpwalk", daemon.snmp_port, NORIA).stdout.splitlines()
    oids = [tuple(map(int, line.split()[0].strip(".").split("."))) for line in bulk
            if line.startswith(".1")]
    assert oids == sorted(set(oids)) and len(oids) > 50
    # What changes between the two walks is the up time alone.
    assert [line for line in bulk if ".1.3.0 " not in line] == [
        line for line in single if ".1.3.0 " not in line]


def test_numbers_stay_when_others_come_and_go(daemon):
    before = walk(daemon.snmp_port, f"{VIRTUAL}.{NAME}")
    daemon.stop()
    daemon.start()
    wait_for_snmp(daemon)
    assert walk(daemon.snmp_port, f"{VIRTUAL}.{NAME}") == before


def test_version_1_skips_64_bit_counters_and_goes_on(daemon):
    done = snmp("snmpwalk", daemon.snmp_port, NORIA, version="1")
    assert "Counter64" not in done.stdout and "web" in done.stdout
    assert f"{REAL}.8." in done.stdout, "the walk reaches the second table"


def test_a_wrong_community_gets_nothing(daemon):
    assert is_silent(daemon.snmp_port, community="wrong")


def test_nothing_can_be_set(daemon):
    row = next(iter(walk(daemon.snmp_port, f"{REAL}.8")))
    done = snmp("snmpset", daemon.snmp_port, f"{REAL}.8.{row}", "u", "9")
    assert done.returncode != 0
    assert walk(daemon.snmp_port, f"{REAL}.8")[row] != "9"


def community(name, source="", operation=""):
    source = f"<source>{source}</source>" if source else ""
    return (f'<snmp-agent xmlns="{AGENT}"><community{operation}><name>{name}</name>{source}'
            "</community></snmp-agent>")


def test_a_new_community_is_valid_at_once_and_a_deleted_one_no_more(daemon):
    with daemon.session() as session:
        session.set(community("late"))
        assert snmp("snmpget", daemon.snmp_port, AGENT_VERSION, community="late").returncode == 0
        session.set(community("late", operation=' nc:operation="delete"'))
        assert is_silent(daemon.snmp_port, community="late")
        session.set(community("far", "192.0.2.0/24"))
        assert is_silent(daemon.snmp_port, community="far")
        session.set(community("near", "127.0.0.0/8"))
        assert snmp("snmpget", daemon.snmp_port, AGENT_VERSION, community="near").returncode == 0


def test_a_new_address_is_served_at_once(daemon):
    port = free_port(socket.SOCK_DGRAM)
    with daemon.session() as session:
        session.set(f'<snmp-agent xmlns="{AGENT}"><listen><name>more</name><address>127.0.0.1'
                    f"</address><port>{port}</port></listen></snmp-agent>")
        assert walk(port, f"{VIRTUAL}.{NAME}")
        session.set(f'<snmp-agent xmlns="{AGENT}"><listen nc:operation="delete"><name>more</name>'
                    "</listen></snmp-agent>")
        assert is_silent(port)
    assert walk(daemon.snmp_port, f"{VIRTUAL}.{NAME}")


def tables(port, tool, *options):
    """What tables say that do not change with time, and what is said of what is not there."""
    text = ""
    for table in (VIRTUAL, REAL, ".1.3.6.1.4.1.9586.100.5.3"):
        done = snmp(tool, port, *options, table)
        assert done.returncode == 0, done.stderr
        text += done.stdout
    for missing in (f"{VIRTUAL}.2.99", f"{VIRTUAL}.99.1", f"{VIRTUAL}.2", REAL, f"{REAL}.3.1.99"):
        text += snmp("snmpget", port, missing).stdout
    return [line for line in text.splitlines() if "No more variables" not in line]


def test_tables_are_the_same_whoever_asks(daemon, tmp_path):
    """Many at once or one by one, by Net-SNMP's agent or, for a master agent, without it."""
    port, agentx = free_port(socket.SOCK_DGRAM), tmp_path / "agentx"
    one_by_one = tables(daemon.snmp_port, "snmpwalk")
    assert len(one_by_one) > 300
    assert sum("No Such" in line for line in one_by_one) == 5
    for repetitions in (1, 7, 90):
        assert tables(daemon.snmp_port, "snmpbulkwalk", f"-Cr{repetitions}") == one_by_one
    done = snmp("snmpbulkget", daemon.snmp_port, "-Cn1", "-Cr4", f"{VIRTUAL}.2", f"{VIRTUAL}.4",
                f"{REAL}.29")
    expected = snmp("snmpgetnext", daemon.snmp_port, f"{VIRTUAL}.2").stdout
    behind = [f"{VIRTUAL}.4", f"{REAL}.29"]  # the last of their tables, which it goes on behind
    for _ in range(4):
        answers = snmp("snmpgetnext", daemon.snmp_port, *behind).stdout
        behind = [line.split()[0] for line in answers.splitlines()]
        expected += answers
    assert done.stdout == expected and not behind[1].startswith(REAL)
    configuration = tmp_path / "snmpd.conf"
    configuration.write_text(f"master agentx\nagentXSocket {agentx}\nrocommunity public\n"
                             f"agentAddress udp:127.0.0.1:{port}\n")
    snmpd = subprocess.Popen(["snmpd", "-f", "-Lf", tmp_path / "snmpd.log", "-C", "-c",
                              configuration, "-p", tmp_path / "pid"],
                             env={"SNMP_PERSISTENT_DIR": str(tmp_path / "persistent"),
                                  "PATH": "/usr/sbin:/usr/bin"})
    try:
        with daemon.session() as session:
            session.set(f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{agentx}'
                        "</agentx-socket></snmp-agent>")
        wait_for(lambda: "web" in snmp("snmpwalk", port, f"{VIRTUAL}.{NAME}").stdout, "snmpd")
        for tool in ("snmpwalk", "snmpbulkwalk"):
            assert tables(port, tool) == one_by_one
        # Several variables in one request, a table's and a scalar's.
        together = snmp("snmpgetnext", port, f"{VIRTUAL}.2", f"{NORIA}.1.1", f"{REAL}.29").stdout
        assert len(together.splitlines()) == 3 and f"{AGENT_VERSION} " in together
    finally:
        snmpd.terminate()
        snmpd.wait(10)


class Snmpd:
    """A real snmpd that takes subagents; start() and stop() may be called again and again."""

    def __init__(self, folder, more="", options=()):
        self.folder, self.options, self.process = folder, options, None
        self.port, self.agentx = free_port(socket.SOCK_DGRAM), folder / "agentx"
        (folder / "snmpd.conf").write_text(
            f"master agentx\nagentXSocket {self.agentx}\nrocommunity public\nrwcommunity writer\n"
            f"agentAddress udp:127.0.0.1:{self.port}\n{more}")

    def start(self):
        self.process = subprocess.Popen(
            ["snmpd", "-f", "-Lf", self.folder / "snmpd.log", "-C", "-c",
             self.folder / "snmpd.conf", "-p", self.folder / "pid", *self.options],
            env={"SNMP_PERSISTENT_DIR": str(self.folder / "persistent"),
                 "PATH": "/usr/sbin:/usr/bin"})

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def sees(self):
        """Whether it has a subagent with our tables."""
        return "web" in snmp("snmpwalk", self.port, f"{VIRTUAL}.{NAME}").stdout


@pytest.fixture(name="snmpd")
def fixture_snmpd(tmp_path):
    with Snmpd(tmp_path) as snmpd:
        yield snmpd


def subagent_of(path):
    """Settings of a subagent of the master at a path."""
    return (f'<snmp-agent xmlns="{AGENT}"><mode>agentx</mode><agentx-socket>{path}</agentx-socket>'
            "</snmp-agent>")


def test_as_a_subagent_of_snmpd_that_comes_and_goes(daemon, snmpd):
    with daemon.session() as session:
        session.set(subagent_of(snmpd.agentx))
        wait_for(snmpd.sees, "the subagent's tables in snmpd")
        assert ".1.3.6.1.4.1.32473.1" in walk(snmpd.port, ".1.3.6.1.2.1.1.9.1.2").values()
        assert is_silent(daemon.snmp_port)
        snmpd.stop()
        assert session.data("running"), "NETCONF goes on without the master"
        snmpd.start()
        wait_for(snmpd.sees, "the tables in the new snmpd", 60)


def test_a_subagent_with_a_wrong_socket_finds_the_right_one_later(daemon, snmpd):
    with daemon.session() as session:
        session.set(subagent_of("/nonexistent"))
        session.set(subagent_of(snmpd.agentx))
        wait_for(snmpd.sees, "the subagent's tables in snmpd")
        session.set(f'<snmp-agent xmlns="{AGENT}"><mode>master</mode>'
                    "<agentx-write-as>admin</agentx-write-as></snmp-agent>")
        wait_for(lambda: not snmpd.sees(), "the subagent to go")
        session.set(subagent_of(snmpd.agentx))
        wait_for(snmpd.sees, "the tables once more")
        row = next(iter(walk(snmpd.port, f"{REAL}.8")))
        done = snmp("snmpset", snmpd.port, f"{REAL}.8.{row}", "u", "9", community="writer")
        assert "noAccess" in done.stderr, "a SET is answered, too; the user admin may not write here"


@pytest.mark.kernel
def test_state_is_the_kernels(ipvs, daemon_factory):
    daemon = daemon_factory()
    with daemon.session() as session:
        session.set(SERVERS)
    port = daemon.snmp_port
    wait_for(lambda: len(walk(port, f"{VIRTUAL}.{NAME}")) == 2, "the new rows")
    names = walk(port, f"{VIRTUAL}.{NAME}")
    web = next(index for index, name in names.items() if name == "web")
    assert walk(port, f"{VIRTUAL}.14")[web] == "1"
    assert walk(port, f"{VIRTUAL}.{CONNECTIONS}")[web] == "0"
    ipvs("-e", "-t", "192.0.2.1:80", "-r", "10.0.0.1:80", "-m", "-w", "7")
    wait_for(lambda: "7" in walk(port, f"{REAL}.9").values(), "the kernel's weight")
    assert re.search(r"\b3\b", " ".join(walk(port, f"{REAL}.8").values()))


def test_tcp_wrappers_keep_managers_out(daemon, tmp_path):
    """In a mount namespace of the test run's own; an answer holds for a second."""
    deny = tmp_path / "hosts.deny"
    deny.write_text("noriad: ALL\n")
    subprocess.run(["mount", "--bind", deny, "/etc/hosts.deny"], check=True)
    try:
        wait_for(lambda: is_silent(daemon.snmp_port), "silence")
    finally:
        subprocess.run(["umount", "/etc/hosts.deny"], check=True)
    wait_for(lambda: not is_silent(daemon.snmp_port), "an answer again")
