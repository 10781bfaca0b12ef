"""Traps and informs, as a real snmptrapd gets them."""

import contextlib
import socket
import subprocess
import time

import pytest

from daemon import AGENT, free_port, nacm
from health import QUICK, Listener, check, checked, health, wait_state
from netconf import RpcError, item, items, real, server, servers, wait_for
from test_snmp import AGENT_VERSION, NORIA, Snmpd, snmp, subagent_of, wait_for_snmp, walk
from test_snmp_users import AUTH, PRIVACY, agent, keys, user, v3

TRAPS = ".1.3.6.1.4.1.32473.1.0"
OBJECTS = ".1.3.6.1.4.1.32473.1.1.8"
CONFIG_CHANGED, BACKEND_UP, BACKEND_DOWN, ALARM_RAISED, ALARM_CLEARED, SELF_TEST = 2, 3, 4, 9, 10, 11
DOWN = 6  # noriaRealServerDown
ALARMS, HISTORY = f"{NORIA}.7.1.1", f"{NORIA}.7.2.1"
COLD_START = ".1.3.6.1.6.3.1.1.5.1"
SO_RCVBUFFORCE = 33  # asm-generic/socket.h


class Receiver:
    """snmptrapd."""

    def __init__(self, folder, configuration="authCommunity log public\n"):
        self.port = free_port(socket.SOCK_DGRAM)
        self.file = folder / "traps"
        (folder / "snmptrapd.conf").write_text(
            "doNotLogTraps no\n" + configuration + "format2 TRAP %P|%v\\n\n")
        self.folder = folder
        self.file.touch()
        self.process = None

    def start(self):
        with open(self.file, "ab") as out:
            self.process = subprocess.Popen(
                ["snmptrapd", "-f", "-Lo", "-On", "-C", "-c", self.folder / "snmptrapd.conf",
                 f"udp:127.0.0.1:{self.port}"], stdout=out, stderr=out,
                env={"SNMP_PERSISTENT_DIR": str(self.folder / "persistent"), "PATH":
                     "/usr/sbin:/usr/bin", "MIBS": ""})
        hexa = f":{self.port:04X} "
        wait_for(lambda: hexa in open("/proc/net/udp", encoding="ascii").read(), "snmptrapd")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def got(self, number):
        return [line for line in self.file.read_text(errors="replace").splitlines()
                if f"OID: {TRAPS}.{number}\t" in line]

    def wait(self, number, count=1):
        return wait_for(lambda: len(self.got(number)) >= count and self.got(number),
                        f"notification {number}; there are {self.file.read_text()[-3000:]}")


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null="all")
    daemon.config.write_text(daemon.default_configuration() + nacm())
    daemon.start()
    wait_for_snmp(daemon)
    return daemon


@pytest.fixture(name="receivers")
def fixture_receivers(tmp_path):
    made = []

    def make(*arguments):
        folder = tmp_path / f"receiver{len(made)}"
        folder.mkdir()
        made.append(Receiver(folder, *arguments))
        return made[-1]

    yield make
    for receiver in made:
        if receiver.process:
            receiver.stop()


def target(port, more="<community>public</community>"):
    return (f"<target><name>nms</name><address>127.0.0.1</address><port>{port}</port>{more}"
            "</target>")


def self_test(session, message):
    session.rpc(f'<emit-self-test xmlns="{AGENT}"><message>{message}</message></emit-self-test>')


def test_traps_tell_what_happens(daemon, receivers):
    receiver = receivers().start()
    with daemon.session() as session:
        session.set(agent(target(receiver.port)))
        wait_for(lambda: COLD_START in receiver.file.read_text(), "coldStart")
        self_test(session, "hello")
        assert f'{OBJECTS}.6.0 = STRING: "hello"' in receiver.wait(SELF_TEST)[0]
        session.set(items(item("a")))
        assert f"{OBJECTS}.7.0" in receiver.wait(CONFIG_CHANGED)[-1]


def test_alarms_are_raised_and_cleared(daemon_factory, receivers):
    receiver = receivers().start()
    daemon = daemon_factory(start=False, null="all")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = (f"<listen><name>taken</name><address>127.0.0.1</address><port>"
                 f"{other.getsockname()[1]}</port></listen>")
        daemon.config.write_text(daemon.default_configuration().replace(
            "</snmp-agent>", taken + target(receiver.port) + "</snmp-agent>"))
        daemon.start()
        raised = receiver.wait(ALARM_RAISED)[0]
        assert f'{OBJECTS}.11.0 = STRING: "backend-down"' in raised
        assert "snmp-agent" in raised and "another program listens" in raised
        assert "snmp-agent" in receiver.wait(BACKEND_DOWN)[0]
    cleared = receiver.wait(ALARM_CLEARED)[0]
    assert f"{OBJECTS}.13.0 = INTEGER: 1" in cleared
    receiver.wait(BACKEND_UP)
    alarms = walk(daemon.snmp_port, ALARMS)
    row = next(name[2:] for name, value in alarms.items()
               if name.startswith("2.") and "snmp-agent" in value)
    assert alarms[f"3.{row}"] == "backend-down" and alarms[f"5.{row}"] == "1"
    assert alarms[f"6.{row}"] in ("5", "6")
    history = walk(daemon.snmp_port, HISTORY)
    assert [history[f"3.{row}.{place}"] for place in (1, 2)] == ["1", alarms[f"6.{row}"]]
    assert "another program listens" in history[f"4.{row}.2"]
    daemon.stop()
    daemon.start()
    wait_for_snmp(daemon)
    assert walk(daemon.snmp_port, ALARMS)[f"3.{row}"] == "backend-down"


def test_informs_are_sent_until_they_are_confirmed(daemon, receivers):
    receiver = receivers()
    with daemon.session() as session:
        session.set(agent(target(receiver.port, "<community>public</community><type>inform</type>"
                                 "<timeout>2</timeout><retries>10</retries>")))
        self_test(session, "late")
        receiver.start()
        receiver.wait(SELF_TEST)
        self_test(session, "again")
        receiver.wait(SELF_TEST, 2)


def test_informs_outlive_a_change_of_other_settings(daemon, receivers):
    receiver = receivers()
    with daemon.session() as session:
        session.set(agent(target(receiver.port, "<community>public</community><type>inform</type>"
                                 "<timeout>2</timeout><retries>10</retries>")))
        self_test(session, "late")
        wait_for(lambda: "late" in walk(daemon.snmp_port, f"{LOG_VARIABLES}.8").values(),
                 "the event")
        session.set(agent("<community><name>other</name></community>"))
        receiver.start()
        assert '"late"' in receiver.wait(SELF_TEST)[0]


def test_what_a_target_does_not_confirm_is_not_gathered_without_end(daemon):
    got = []
    with daemon.session() as session, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        # What finds no room is sent again a minute later, and would be counted twice.
        mute.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        mute.bind(("127.0.0.1", 0))
        mute.setblocking(False)

        def read():
            with contextlib.suppress(BlockingIOError):
                while True:
                    got.append(mute.recv(1 << 16))

        session.set(agent(target(mute.getsockname()[1], "<community>public</community><type>inform"
                                 "</type><timeout>60</timeout>")
                          + "<notification-rate>1000</notification-rate>"))

        def is_enough():  # the rate keeps some back
            for _ in range(100):
                self_test(session, "hello")
                read()
            return "nms does not get notifications: it confirms" in daemon.log()

        wait_for(is_enough, "more than may wait")
        wait_for(lambda: read() or len(got) >= 1000, "1,000 informs")
        assert len(got) == 1000


def test_a_trap_that_cannot_be_sent_is_told_once(daemon, receivers):
    receiver = receivers().start()
    nowhere = agent(target(162).replace("127.0.0.1", "192.0.2.9"))
    with daemon.session() as session:
        session.set(nowhere)
        for _ in range(3):
            self_test(session, "hello")
        wait_for(lambda: "nms does not get notifications" in daemon.log(), "the log")
        session.set(agent(target(receiver.port)))
        self_test(session, "hello again")
        receiver.wait(SELF_TEST)
    assert daemon.log().count("does not get notifications") == 1


def test_traps_of_version_3(daemon, receivers):
    with daemon.session() as session:
        user(session)
        engine = session.get("snmp-agent/engine-id")[0].replace(":", "")
        receiver = receivers(f'createUser -e 0x{engine} ann SHA-256 "{AUTH}" AES "{PRIVACY}"\n'
                             "authUser log ann priv\n").start()
        session.set(agent(target(receiver.port, "<user>ann</user>")))
        self_test(session, "secret")
        assert '"secret"' in receiver.wait(SELF_TEST)[0]
        self_test(session, "more")
        receiver.wait(SELF_TEST, 2)


def test_targets_change_at_run_time(daemon, receivers):
    first, second = receivers().start(), receivers().start()
    with daemon.session() as session:
        session.set(agent(target(first.port)))
        self_test(session, "one")
        first.wait(SELF_TEST)
        session.set(agent(target(second.port)))
        self_test(session, "two")
        assert '"two"' in second.wait(SELF_TEST)[0]
        assert len(first.got(SELF_TEST)) == 1


def summed(receiver):
    """How many were not told one by one, by what sums say."""
    return sum(int(line.split(f"{OBJECTS}.1.0 = Gauge32: ")[1].split()[0])
               for line in receiver.got(1))


def test_a_storm_is_a_bounded_number_and_a_sum(daemon, receivers):
    receiver = receivers().start()
    with daemon.session() as session:
        rate, began = 2, time.monotonic()
        session.set(agent(f"<notification-rate>{rate}</notification-rate>" + target(receiver.port)))
        for number in range(100):
            self_test(session, f"storm {number}")

        def told_and_summed():
            return len(receiver.got(SELF_TEST)) + summed(receiver)
        wait_for(lambda: told_and_summed() >= 100, "all to be told or summed")
        told = len(receiver.got(SELF_TEST))
        took = time.monotonic() - began
        assert told <= rate * (took + 6), f"{told} notifications in {took:.0f} s"
        assert told_and_summed() <= 102, "coldStart and the change have a place, too"
        self_test(session, "after")
        wait_for(lambda: any('"after"' in line for line in receiver.got(SELF_TEST)), "the next one")


def test_ten_thousand_real_servers_that_fail_are_a_bounded_number_and_a_sum(daemon, receivers):
    """And SNMP answers meanwhile."""
    reals = [[real(f"127.{number}.{high}.{low}", 9) for high in range(4) for low in range(1, 251)]
             for number in range(1, 11)]
    receiver = receivers().start()
    rate, began = 10, time.monotonic()
    with daemon.session(timeout=120) as session:
        session.set(agent(f"<notification-rate>{rate}</notification-rate>" + target(receiver.port)))
        checks = health("<delay-loop>1</delay-loop><timeout>1</timeout><retry>0</retry>"
                        "<delay-before-retry>0.1</delay-before-retry>" + check("port"))
        session.set(servers("".join(
            server(f"v{number}", checks + "".join(of), f"192.0.2.{number + 1}", 80)
            for number, of in enumerate(reals))))

        def all_are_told():
            assert not snmp("snmpget", daemon.snmp_port, AGENT_VERSION).returncode
            return summed(receiver) + len(receiver.got(DOWN)) >= 10000

        wait_for(all_are_told, "all to be told or summed", 300)
        all_told = receiver.file.read_text(errors="replace").count("\nTRAP") + 1
        sums = len(receiver.got(1))
        took = time.monotonic() - began
        assert all_told <= rate * (took + 6), f"{all_told} notifications in {took:.0f} s"
        assert sums <= rate * took, "sums do not add to it"


def test_the_master_agent_sends_for_its_subagent(daemon, receivers, tmp_path):
    receiver = receivers().start()
    with Snmpd(tmp_path, f"trap2sink 127.0.0.1:{receiver.port} public\n",
               ("-I", "-sysORTable")) as snmpd, daemon.session() as session:
        session.set(subagent_of(snmpd.agentx))
        wait_for(lambda: '"' in snmp("snmpget", snmpd.port, AGENT_VERSION).stdout, "it")
        self_test(session, "by the master")
        assert '"by the master"' in receiver.wait(SELF_TEST)[0]


LOG, LOG_VARIABLES = ".1.3.6.1.2.1.92.1.3.1.1", ".1.3.6.1.2.1.92.1.3.2.1"


def logged(daemon):
    """{index: the notification's number} of those of ours."""
    return {row: name.rsplit(".", 1)[1] for row, name in walk(daemon.snmp_port, f"{LOG}.9").items()
            if name.startswith(TRAPS)}


def test_the_log_tells_a_manager_that_was_away(daemon):
    with daemon.session() as session:
        for number in range(3):
            self_test(session, f"log {number}")
    wait_for(lambda: list(logged(daemon).values()).count(str(SELF_TEST)) == 3, "three entries")
    before = logged(daemon)
    texts = walk(daemon.snmp_port, f"{LOG_VARIABLES}.8")
    assert [texts[f"{row}.1"] for row, what in before.items() if what == str(SELF_TEST)] == [
        "log 0", "log 1", "log 2"]
    rows = walk(daemon.snmp_port, LOG_VARIABLES)
    single = snmp("snmpwalk", daemon.snmp_port, LOG_VARIABLES).stdout.splitlines()
    assert len(single) == len(rows), "the same by single steps"
    first = next(iter(before))
    name = f"{LOG_VARIABLES}.2.{first}.1"
    assert snmp("snmpget", daemon.snmp_port, name).stdout.split()[1].startswith(OBJECTS)
    daemon.stop()
    daemon.start()
    wait_for_snmp(daemon)
    wait_for(lambda: before.items() <= logged(daemon).items(), "the log of before the restart")
    times = walk(daemon.snmp_port, f"{LOG}.2")
    assert times[first] == "0:0:00:00.00", "it was before sysUpTime began"
    with daemon.session() as session:
        self_test(session, "after")
    wait_for(lambda: list(logged(daemon).values()).count(str(SELF_TEST)) == 4, "a new entry")
    newest = list(logged(daemon))[-1]
    assert int(newest.split(".")[-1]) > int(list(before)[-1].split(".")[-1])


def test_the_log_is_bounded(daemon):
    with daemon.session() as session:
        for number in range(1010):
            self_test(session, f"{number}")
    wait_for(lambda: "1009" in walk(daemon.snmp_port, f"{LOG_VARIABLES}.8").values(), "the newest")
    assert len(walk(daemon.snmp_port, f"{LOG}.9")) == 1000
    dropped = snmp("snmpget", daemon.snmp_port, ".1.3.6.1.2.1.92.1.2.2.0").stdout.split()[1]
    assert int(dropped) >= 10


def test_keepalived_s_own_traps_by_option(daemon, receivers):
    receiver, listener = receivers().start(), Listener()
    with daemon.session() as session:
        session.set(agent("<keepalived-notifications>true</keepalived-notifications>" + target(receiver.port))
                    + checked(QUICK + check("port"), listener.real(), listener.real().replace(
                        "127.0.0.1", "127.0.0.2")))
        wait_state(session, listener, "up")
        listener.close()
    checks = ".1.3.6.1.4.1.9586.100.5.3"

    def got(number, *objects):
        return [line for line in receiver.file.read_text(errors="replace").splitlines()
                if f"OID: {checks}.5.0.{number}\t" in line and all(o in line for o in objects)]

    down = wait_for(lambda: got(1, f"{checks}.4.1.4 = Hex-STRING: 7F 00 00 01",
                                f"{checks}.4.1.6 = INTEGER: 2"), "realServerStateChange")[0]
    assert f"{checks}.4.1.5 = Gauge32: {listener.port}" in down
    assert f"{checks}.3.1.2 = INTEGER: 2" in down and f"{checks}.3.1.7 = Gauge32: 80" in down
    assert f"{checks}.3.1.20 = Gauge32: 2" in down and "9586.100.5.1.2.0 = STRING:" in down
    lost = wait_for(lambda: got(2, f"{checks}.3.1.23 = INTEGER: 2"), "its quorum's")[0]
    assert f"{checks}.3.1.22 = Gauge32: 1" in lost and f"{checks}.4.1." not in lost
    enabled = snmp("snmpget", daemon.snmp_port, ".1.3.6.1.4.1.9586.100.5.1.4.0").stdout.split()[1]
    assert enabled == "1"


def test_informs_of_version_3(daemon, receivers):
    """With keys of the receiver's engine."""
    engine = "8000000001020304"
    receiver = receivers(f'createUser nms SHA-256 "{AUTH}" AES "{PRIVACY}"\n'
                         f"authUser log nms priv\nexactEngineID 0x{engine}\n").start()
    dotted = ":".join(engine[i:i + 2] for i in range(0, len(engine), 2))

    def use(session, password):
        auth, privacy = (keys(session, one, engine=dotted)[part]
                         for part, one in ((0, password), (1, PRIVACY)))
        session.set(agent(target(receiver.port, (
            f"<remote-user><name>nms</name><engine-id>{dotted}</engine-id><auth><protocol>sha256"
            f"</protocol><key>{auth}</key></auth><privacy><key>{privacy}</key></privacy>"
            "</remote-user><type>inform</type><timeout>2</timeout><retries>10</retries>"))))

    with daemon.session() as session:
        use(session, "wrong password")
        self_test(session, "nobody knows us")
        wait_for(lambda: "does not get notifications: Authentication failure" in daemon.log(),
                 "the log to say why")
        use(session, AUTH)
        self_test(session, "confirm")
        wait_for(lambda: "nms gets notifications again" in daemon.log(), "the log")
        assert '"confirm"' in receiver.wait(SELF_TEST)[0]
        receiver.stop()
        self_test(session, "while away")
        receiver.start()
        wait_for(lambda: any('"while away"' in line for line in receiver.got(SELF_TEST)),
                 "what was told while it was away")
    with pytest.raises(RpcError, match="remote-user"), daemon.session() as session:
        session.set(agent(target(receiver.port, "<type>trap</type>")))


def remote(engine, auth, privacy, name="ann"):
    return (f"<remote-user><name>{name}</name><engine-id>{engine}</engine-id><auth><protocol>sha256"
            f"</protocol><key>{auth}</key></auth><privacy><key>{privacy}</key></privacy>"
            "</remote-user><type>inform</type>")


def test_a_user_of_a_target_takes_no_other_user_s_place(daemon):
    theirs = "80:00:00:00:01:02:03:04"
    with daemon.session() as session:
        user(session)
        own = session.get("snmp-agent/engine-id")[0]
        with pytest.raises(RpcError, match="name='nms'.*engine-id: This is the agent's own engine"):
            session.set(agent(target(162, remote(own, *keys(session, "another one")))))
        session.rpc("<discard-changes/>")
        assert v3("snmpget", daemon.snmp_port, AGENT_VERSION).returncode == 0
        one = target(162, remote(theirs, *keys(session, AUTH, engine=theirs)))
        same = one.replace("nms", "second").replace("162", "1162")
        session.set(agent(one + same))
        other = target(162, remote(theirs, *keys(session, PRIVACY, engine=theirs)))
        with pytest.raises(RpcError, match="Another target has the same user"):
            session.set(agent(other.replace("nms", "third").replace("162", "2162")))
