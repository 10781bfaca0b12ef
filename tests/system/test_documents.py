"""What the documentation shows can be applied as it stands there."""

import re
import socket
import subprocess
import textwrap
import xml.etree.ElementTree as ElementTree

import pytest

from daemon import PERMIT_ADMIN, SOURCE, Daemon
from netconf import BASE, RpcError, real, server, servers, wait_for

PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]
NORIA = "urn:noria:yang:noria-"

# What stands for the reader's own.
PLACEHOLDERS = {
    "ssh-ed25519 AAAA...": "ssh-ed25519 "
                           "AAAAC3NzaC1lZDI1NTE5AAAAIPoiHmnoiLTTSl5VJLZs0Nl7Dt3gSLDRF5WyTFTGbXNt",
    "$6$...": "$6$salt$" + "x" * 86,
    "<user>monitor</user>": "<user>nobody</user>",
    "80:00:1f:...": "80:00:1f:88:04:6e:6f:72:69:61",
}
# Of localized keys; by the element around them.
KEY_SIZES = {"auth": 32, "privacy": 16}

# What shows a part alone, by its first element: what is around it.
AROUND = {
    "user": f'<netconf-server xmlns="{NORIA}agent">{{}}</netconf-server>',
    "virtual-server": f'<virtual-servers xmlns="{NORIA}virtual-server">{{}}</virtual-servers>',
    "real-server": servers(server("web", "{}")),
    "director": f'<directors xmlns="{NORIA}director">{{}}</directors>',
    "target": f'<snmp-agent xmlns="{NORIA}agent">{{}}</snmp-agent>',
}
CHECK = "<check><name>shown-{}</name>{}</check>"
CHECKS = servers(server("web", f'<health xmlns="{NORIA}health">{{}}</health>'))
OPERATIONS = {"get", "commit", "copy-config", "action", "create-subscription",
              "localize-snmp-password"}
BEFORE = servers(server("web", real("198.51.100.11", 80), "192.0.2.80", 80))


def blocks(text):
    """Each indented block of a page up to an empty line, by the number of its first line."""
    lines, first, found = text.splitlines(), None, []
    for number, line in enumerate([*lines, ""]):
        if line.startswith("    ") and first is None:
            first = number
        elif not line.startswith("    ") and first is not None:
            found.append((first + 1, textwrap.dedent("\n".join(lines[first:number])).strip()))
            first = None
    return found


def snippets(page):
    return [(line, block) for line, block in blocks(page.read_text()) if re.match(r"<\w", block)]


def elements(text):
    """The elements at the top of a snippet, each as text."""
    root = ElementTree.fromstring(f'<x xmlns="none">{text}</x>')
    names = [element.tag.split("}")[1] for element in root]
    return names, root


def fill_in(text):
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    for name, size in KEY_SIZES.items():
        key = ":".join(["5a"] * size)
        text = re.sub(rf"(<{name}>(?:(?!</{name}>).)*<key>)[^<]*\.\.\.[^<]*", rf"\g<1>{key}", text,
                      flags=re.S)
    assert "..." not in text, text
    return text


def whole(text):
    """The configuration that a snippet is, or is part of."""
    names, root = elements(text)
    if names[0] in AROUND:
        return AROUND[names[0]].format(text)
    if all(element.tag.startswith("{none}") for element in root):  # kinds of checks
        parts = re.findall(r"<([\w-]+)(?:/>|>.*?</\1>)", text, re.S)
        assert parts == names
        parts = [m.group(0) for m in re.finditer(r"<([\w-]+)(?:/>|>.*?</\1>)", text, re.S)]
        return CHECKS.format("".join(CHECK.format(n, part) for n, part in enumerate(parts)))
    return text


@pytest.fixture(name="shown", scope="module")
def fixture_shown(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("shown"), null="all")
    keys = daemon.state / "host-keys"
    keys.mkdir(parents=True, mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", keys / "director7"],
                   check=True)
    for secret in ("probe", "radius"):
        (daemon.folder / secret).write_text("secret\n")
    daemon.start()
    yield daemon
    with daemon.session() as session:
        become(session, daemon)
    wait_for(lambda: not (daemon.run / "vrrp" / "keepalived.pid").exists(), "keepalived to end")
    daemon.stop()


def become(session, daemon):
    """As before the first snippet."""
    session.rpc("<discard-changes/>")
    folder = f"<url-directory>{daemon.folder}/url</url-directory>"
    session.rpc("<copy-config><target><running/></target><source><config>"
                f"{daemon.default_configuration(folder)}{PERMIT_ADMIN}{BEFORE}</config></source>"
                "</copy-config>")


def apply(session, text):
    names, _ = elements(text)
    if names[0] not in OPERATIONS:
        session.set(whole(text))
        return
    assert len(names) == 1
    session.rpc(text)
    if names[0] == "commit":
        session.rpc("<cancel-commit/>")


@pytest.mark.parametrize("page", [page for page in PAGES if snippets(page)],
                         ids=lambda page: page.name)
def test_what_a_page_shows_can_be_applied(shown, page):
    """One snippet after the other: they may build upon those before."""
    with shown.session() as session:
        become(session, shown)
        for line, text in snippets(page):
            try:
                apply(session, fill_in(text).replace("/etc/noria/", f"{shown.folder}/")
                      .replace("/run/noria/", f"{shown.run}/"))
            except RpcError as error:
                raise AssertionError(f"{page.name}, line {line}: {error}\n{text}") from None


def test_every_page_that_has_snippets_is_read():
    assert {page.name for page in PAGES if snippets(page)} >= {
        "README.md", "operating.md", "virtual-servers.md", "directors.md", "health.md", "vrrp.md",
        "snmp.md"}
    assert sum(len(snippets(page)) for page in PAGES) >= 25


def requests():
    """What the pages have ssh(1) send."""
    readme = (SOURCE / "README.md").read_text()
    manual = (SOURCE / "dist" / "noriad.8").read_text()
    yield "README", readme.split("$ cat web.xml\n")[1].split("    $ ssh")[0]
    yield "noriad.8", manual.split("weight.xml <<'EOT'\n")[1].split("EOT\n")[0]


@pytest.mark.parametrize("page, text", requests())
def test_a_request_by_ssh_is_answered(shown, page, text):
    with shown.session() as session:
        become(session, shown)
    if page == "noriad.8":  # another real server of the same name
        text = text.replace("10.0.0.1", "198.51.100.11")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(shown.socket)
        connection.sendall(text.encode())
        answer = b""
        while answer.count(b"]]>]]>") < 2:
            answer += connection.recv(65536)
    assert f'<rpc-reply xmlns="{BASE}" message-id="1"><ok/></rpc-reply>' in answer.decode()


def test_the_manual_names_the_areas_of_the_log(shown):
    manual = (SOURCE / "dist" / "noriad.8").read_text()
    listed = manual.split("Debug lines of some areas")[1].split(".It Fl")[0]
    words = set(re.findall(r"[a-z]+", " ".join(re.findall(r"^\.Cm (.*)$", listed, re.M))))
    said = subprocess.run([shown.command()[0], "--help"], capture_output=True, text=True,
                          check=True).stdout
    areas = re.search(r"debug lines of some areas.*?:\s+(.*?), or all", said, re.S).group(1)
    assert words == {*re.findall(r"\w+", areas), "all"}
