"""What the system tests start from: daemons, namespaces, and the kernel that they need."""

import os
import signal
import subprocess
import zlib

import pytest

from daemon import Daemon


def pytest_addoption(parser):
    parser.addoption("--word", default="", help="run the tests whose name holds this word")
    parser.addoption("--part", default="1/1", help="run the first half, say, of the tests: 1/2")
    parser.addoption("--sample", type=int, default=1,
                     help="of the tests in each file run every fourth, say: 4")
    parser.addoption("--patience", type=int, default=0,
                     help="a test that hangs fails after so many seconds")


def pytest_configure(config):
    config.addinivalue_line("markers", "kernel: needs a kernel with ip_vs, so runs in the lab")
    config.addinivalue_line("markers", "once: costs much in programs of others, so tools/check runs "
                            "it with the release alone")


def part_of(item, parts):
    """The cases of a test stay together; a test stays in its part when others come."""
    return zlib.crc32(item.nodeid.split("[")[0].encode()) % parts + 1


def sampled(items, every):
    """Every so many of the tests of a file, of those that need a kernel and of the others."""
    kept, seen = [], {}
    for item in items:
        tests = seen.setdefault((item.path, bool(item.get_closest_marker("kernel"))), [])
        if not item.get_closest_marker("once"):
            if item.originalname not in tests:
                tests.append(item.originalname)
            if tests.index(item.originalname) % every:
                continue
        kept.append(item)
    return kept


def pytest_collection_modifyitems(config, items):
    word = config.getoption("--word")
    part, parts = (int(number) for number in config.getoption("--part").split("/"))
    kept = [item for item in sampled(items, config.getoption("--sample"))
            if word in f"system/{item.nodeid}" and part_of(item, parts) == part]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def record(word, nodeid):
    """One line, where tools/check counts them."""
    results = os.environ.get("NORIA_RESULTS")
    if results:
        with open(results, "a", encoding="utf-8") as lines:
            lines.write(f"{word} system/{nodeid}\n")


def pytest_runtest_logstart(nodeid, location):
    record("begin", nodeid)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.failed:
        record({"passed": "ok", "failed": "FAIL"}.get(report.outcome, "skip"), report.nodeid)


def bounded(item):
    """Have what hangs fail: wherever it waits, the alarm raises an exception there."""
    patience = item.config.getoption("--patience")

    def hangs(_number, _frame):
        pytest.fail(f"it had not ended after {patience} s")
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(patience)
    yield
    signal.alarm(0)


pytest_runtest_setup = pytest.hookimpl(hookwrapper=True)(bounded)
pytest_runtest_call = pytest.hookimpl(hookwrapper=True)(bounded)
pytest_runtest_teardown = pytest.hookimpl(hookwrapper=True)(bounded)


@pytest.fixture(name="daemon_factory")
def fixture_daemon_factory(tmp_path):
    """Makes daemons, and ends them; one that a sanitizer complained of fails the test."""
    made = []

    def make(start=True, **options):
        folder = tmp_path / f"daemon{len(made)}"
        folder.mkdir()
        daemon = Daemon(folder, **options)
        made.append(daemon)
        return daemon.start() if start else daemon

    yield make
    for daemon in made:
        daemon.stop()


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    """A daemon with the null backend."""
    return daemon_factory(null=True)


@pytest.fixture(name="session")
def fixture_session(daemon):
    with daemon.session() as session:
        yield session


@pytest.fixture(name="ipvs")
def fixture_ipvs():
    """The kernel's table, empty before and after, with its time-outs and without sync daemons."""
    def clear():
        subprocess.run(["ipvsadm", "-C"], check=True)
        for role in ("master", "backup"):  # while one runs, the module cannot be unloaded
            subprocess.run(["ipvsadm", "--stop-daemon", role], check=False, capture_output=True)
        subprocess.run(["ipvsadm", "--set", "900", "120", "300"], check=True)
    subprocess.run(["modprobe", "ip_vs"], check=False, capture_output=True)
    clear()
    yield lambda *options: subprocess.run(["ipvsadm", *options], check=True, capture_output=True,
                                          text=True).stdout
    clear()


@pytest.fixture(name="netns")
def fixture_netns():
    """Makes network namespaces (or, with False, deletes one now), and deletes them in the end."""
    made = set()

    def make(name, there=True):
        subprocess.run(["ip", "netns", "add" if there else "delete", name], check=True)
        if there:  # or the kernel takes no real server there
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        (made.add if there else made.discard)(name)
        return name

    yield make
    for name in made:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture(name="certificates", scope="module")
def fixture_certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=www.example", "-addext", "subjectAltName=DNS:www.example",
                    "-keyout", folder / "key", "-out", folder / "certificate"],
                   check=True, capture_output=True)
    return folder
