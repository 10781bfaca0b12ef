"""Edits, verdicts, orders, ends and faults at once: the kernel comes to what is configured and found.

What is drawn is another one each time; NORIA_SEED repeats it, NORIA_STRESS is how many seconds.
"""

import contextlib
import copy
import os
import random
import resource
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

from director import director, directors, run
from health import HEALTH
from netconf import SERVERS, RpcError, item, items, servers, wait_for
from test_ipvs import table
from test_steering import act

pytestmark = pytest.mark.kernel

SECONDS = float(os.environ.get("NORIA_STRESS", "12"))
SEED = int(os.environ.get("NORIA_SEED", random.randrange(1 << 32)))
NAMES = [f"v{number}" for number in range(10)]
HOSTS = [f"10.0.0.{number}" for number in range(1, 7)]
BLUE = f"blue{os.getpid()}"
FAILING = items(item("bad", "<apply>fail</apply>"))
# Quick, and no failure is let pass: what a file says holds at once.
TIMES = "<delay-loop>0.2</delay-loop><warmup>0</warmup><retry>0</retry><timeout>1</timeout>"


class Files:
    """What each host is found to be, flipped by a thread of its own."""

    def __init__(self, folder, draw):
        self.folder = folder
        self.draw = draw
        self.down = dict.fromkeys(HOSTS, False)
        self.ending = threading.Event()
        self.flips = 0
        for host in HOSTS:
            self.put(host, False)
        self.thread = threading.Thread(target=self.flip)
        self.thread.start()

    def path(self, host):
        return self.folder / host

    def put(self, host, down):
        self.down[host] = down
        self.path(host).write_text("1\n" if down else "0\n")

    def flip(self):
        while not self.ending.wait(self.draw.uniform(0.001, 0.05)):
            host = self.draw.choice(HOSTS)
            self.put(host, not self.down[host])
            self.flips += 1

    def end(self):
        self.ending.set()
        self.thread.join()


def drawn_server(draw, number):
    """A virtual server as a dict; its address is its own, whatever its name."""
    return {"address": f"192.0.2.{number}", "director": draw.choice(["main", "main", "blue"]),
            "enabled": draw.random() > 0.1, "scheduler": draw.choice(["rr", "wlc"]),
            "checked": draw.random() > 0.2, "inhibit": draw.random() > 0.6,
            "quorum": draw.choice([1, 1, 4]), "sorry": draw.random() > 0.5,
            "graceful": draw.random() > 0.8, "damped": draw.random() > 0.8,
            "reals": {host: draw.choice([1, 1, 2, 5])
                      for host in draw.sample(HOSTS, draw.randint(0, 4))}}


def changed_server(draw, one):
    """The same with another value somewhere."""
    other, fresh = copy.deepcopy(one), drawn_server(draw, 0)
    part = draw.choice([key for key in one if key != "address"] + ["reals"] * 4)
    other[part] = fresh[part]
    return other


def xml(name, one, files):
    """Its element, to take the place of what has the name."""
    def check(host):
        return (f'<health xmlns="{HEALTH}"><check><name>file</name><file><path>{files.path(host)}'
                "</path></file></check></health>") if one["checked"] else ""
    damping = ("<flap-damping><changes>4</changes><window>5</window><hold>1</hold></flap-damping>"
               if one["damped"] else "")
    health = (f'<health xmlns="{HEALTH}">{TIMES}<on-failure>'
              f'{"inhibit" if one["inhibit"] else "remove"}</on-failure>'
              f'<quorum>{one["quorum"]}</quorum>{damping}</health>') if one["checked"] else ""
    graceful = ('<graceful-removal xmlns="urn:noria:yang:noria-operations"><timeout>1</timeout>'
                "</graceful-removal>") if one["graceful"] else ""
    sorry = ("<sorry-server><address>10.0.9.9</address><port>80</port></sorry-server>"
             if one["sorry"] else "")
    reals = "".join(f"<real-server><address>{host}</address><port>80</port><weight>{weight}"
                    f"</weight>{check(host)}</real-server>"
                    for host, weight in sorted(one["reals"].items()))
    return (f'<virtual-server nc:operation="replace"><name>{name}</name>'
            f'<director>{one["director"]}</director><enabled>{str(one["enabled"]).lower()}</enabled>'
            f'<address>{one["address"]}</address><port>80</port>'
            f'<scheduler>{one["scheduler"]}</scheduler>{health}{graceful}{sorry}{reals}'
            "</virtual-server>")


def wanted(model, files, where):
    """The table of a director by the configuration and what the files say."""
    services = {}
    for one in model.values():
        if one["director"] != where or not one["enabled"]:
            continue
        down = {host for host in one["reals"] if one["checked"] and files.down[host]}
        up = sum(weight for host, weight in one["reals"].items() if host not in down)
        reals = {f"{host}:80": 0 if host in down else weight
                 for host, weight in one["reals"].items() if host not in down or one["inhibit"]}
        if one["checked"] and one["sorry"] and up < one["quorum"]:
            reals = {f"{host}:80": 0 for host in one["reals"] if one["inhibit"]}
            reals["10.0.9.9:80"] = 1
        services[("TCP", f'{one["address"]}:80')] = (one["scheduler"], reals)
    return services


def held(ipvs, namespace=None):
    def listing(*options):
        return ipvs(*options) if not namespace else run("ipvsadm", *options, namespace=namespace)
    return {key: (scheduler, {name: weight for name, (_, weight) in reals.items()})
            for key, (scheduler, reals) in table(listing).items()}


def stored(session):
    """{name: (address, director, enabled, {host: weight})} as running has it."""
    root = ElementTree.fromstring(f"<x>{session.data('running')}</x>")
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
    return {one.findtext("name"): (
        one.findtext("address"), one.findtext("director"), one.findtext("enabled"),
        {r.findtext("address"): r.findtext("weight") for r in one.findall("real-server")})
        for one in root.iter("virtual-server")}


def stored_as(model):
    return {name: (one["address"], one["director"], str(one["enabled"]).lower(),
                   {host: str(weight) for host, weight in one["reals"].items()})
            for name, one in model.items()}


class Turmoil:
    """What is done to one daemon, a step after the other; model is what running has."""

    def __init__(self, daemon, files, draw, netns):
        self.daemon, self.files, self.draw, self.netns = daemon, files, draw, netns
        self.model = {}
        self.there = True
        self.tried = {}
        self.session = daemon.session().__enter__()
        self.done = {}

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def draw_edit(self):
        """Create, change, delete or rename some: what comes of it, and its elements."""
        after, content = copy.deepcopy(self.model), ""
        for name in self.draw.sample(NAMES, self.draw.randint(1, 4)):
            if name in after and name not in self.model:
                continue  # another one has just got this name
            one = after.pop(name, None)
            if one is None:
                taken = {other["address"] for other in after.values()}
                free = [n for n in range(1, 30) if f"192.0.2.{n}" not in taken]
                after[name] = drawn_server(self.draw, self.draw.choice(free))
            elif self.draw.random() < 0.2:
                content += ('<virtual-server nc:operation="delete"><name>' + name
                            + "</name></virtual-server>")
                unused = [n for n in NAMES if n not in after and n not in self.model]
                if unused and self.draw.random() < 0.5:
                    after[self.draw.choice(unused)] = one
            else:
                after[name] = changed_server(self.draw, one)
        content += "".join(xml(name, one, self.files) for name, one in after.items()
                           if one != self.model.get(name))
        return after, content

    def edit(self):
        """Whole or not at all."""
        after, content = self.draw_edit()
        fails = self.draw.random() < 0.2
        self.tried = self.model if fails else after
        try:
            self.session.edit(servers(content) + (FAILING if fails else ""), target="running")
            assert not fails
            self.model = after
        except RpcError as error:
            # blue may be away this moment, or a descriptor may lack
            assert error.tag in ("operation-failed", "resource-denied"), error
            self.count("refused")

    def order(self):
        candidates = [(name, host) for name, one in self.model.items() for host in one["reals"]]
        if candidates:
            name, host = self.draw.choice(candidates)
            kind = self.draw.choice(["force-down", "drain", "resume", "force-up"])
            with contextlib.suppress(RpcError):
                act(self.session, kind, host, name=name)

    def edit_until_the_end(self):
        with contextlib.suppress(OSError, EOFError, ElementTree.ParseError):
            self.edit()

    def crash(self):
        """In the middle of an edit, which is then made whole or not at all."""
        before = self.model
        edit = threading.Thread(target=self.edit_until_the_end)
        edit.start()
        time.sleep(self.draw.uniform(0, 0.02))  # any moment will do
        self.daemon.kill()
        edit.join()
        self.daemon.start()
        self.session = self.daemon.session().__enter__()
        now = stored(self.session)
        assert now in (stored_as(self.model), stored_as(before), stored_as(self.tried))
        self.model = self.tried if now == stored_as(self.tried) else before

    def move_namespace(self):
        self.netns(BLUE, not self.there)
        self.there = not self.there

    def starve(self):
        """Few descriptors for a moment."""
        pid = self.daemon.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.draw.choice([8, 20, 40]), hard))
        self.edit()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

    def step(self):
        step = self.draw.choices([self.edit, self.order, self.crash, self.move_namespace,
                                  self.starve], [60, 15, 1, 2, 2])[0]
        self.count(step.__name__)
        step()

    def settle(self):
        if not self.there:
            self.move_namespace()
        for name, one in self.model.items():
            for host in one["reals"]:
                try:
                    act(self.session, "resume", host, name=name)
                except RpcError as error:
                    assert error.tag == "data-missing", error  # there is no order


def test_the_kernel_comes_to_what_is_configured_and_found(ipvs, netns, daemon_factory, tmp_path):
    draw = random.Random(SEED)
    netns(BLUE)
    ipvs("-A", "-t", "203.0.113.1:99", "-s", "rr")
    files = Files(tmp_path, random.Random(SEED + 1))
    try:
        daemon = daemon_factory(null=True)
        turmoil = Turmoil(daemon, files, draw, netns)
        turmoil.session.set(directors(director("blue", BLUE)))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            turmoil.step()
    finally:
        files.end()
    print(f"seed {SEED}: {turmoil.done}, {files.flips} flips")
    turmoil.settle()
    assert stored(turmoil.session) == stored_as(turmoil.model)
    foreign = {("TCP", "203.0.113.1:99"): ("rr", {})}
    for where, namespace, more in (("main", None, foreign), ("blue", BLUE, {})):
        expected = {**wanted(turmoil.model, files, where), **more}
        try:
            wait_for(lambda n=namespace, e=expected: held(ipvs, n) == e, "the table")
        except AssertionError:
            now = held(ipvs, namespace)
            differs = {key: (now.get(key), expected.get(key)) for key in {*now, *expected}
                       if now.get(key) != expected.get(key)}
            shown = turmoil.session.data(
                "get", f'<filter type="subtree"><virtual-servers xmlns="{SERVERS}"/></filter>')
            print(shown, daemon.log()[-60000:], sep="\n")
            raise AssertionError(f"seed {SEED}, {where}, (held, wanted): {differs}") from None
