"""Health checks against real servers: what they are asked; each up, hung, killed, and back again."""

import pathlib
import shutil
import signal
import tempfile
from xml.sax.saxutils import escape

import pytest

import real_servers
from health import HASTY, check, checked, health, status, wait_state
from netconf import real, server as virtual, servers, wait_for
from real_servers import PASSWORD

LOGIN = f"<username>olga</username><password>{PASSWORD}</password>"
WRONG = "<username>olga</username><password>wrong</password>"
SECRET = f"<secret>{PASSWORD}</secret>"
VERIFY = "<verify>true</verify><ca-file>{tls}/ca.pem</ca-file>"
FOR_US = VERIFY + "<server-name>mail.example</server-name>"
FOR_OTHERS = VERIFY + "<server-name>other.example</server-name>"
UNKNOWN = "<verify>true</verify><server-name>mail.example</server-name>"
CLIENT = ("<certificate-file>{tls}/client.pem</certificate-file>"
          "<key-file>{tls}/client.key</key-file>")
ADMIN = f"<username>cn=admin,dc=example</username><password>{PASSWORD}</password>"
SESSION = "<username>olga</username>" + f"<password>{PASSWORD}</password>"


def forms(protocol, plain, implicit, login=LOGIN):
    """A mail protocol with TLS of each kind."""
    def kind(content):
        return f"<{protocol}>{content}{login}</{protocol}>"
    return {
        f"{protocol}-starttls": (plain, kind(f"<tls>starttls</tls>{FOR_US}"), "up"),
        f"{protocol}-implicit": (implicit, kind(f"<tls>implicit</tls>{FOR_US}"), "up"),
        f"{protocol}-other-name": (plain, kind(f"<tls>starttls</tls>{FOR_OTHERS}"),
                                   "no alternative certificate subject name"),
        f"{protocol}-unknown-authority": (implicit, kind(f"<tls>implicit</tls>{UNKNOWN}"),
                                          "unable to get local issuer certificate"),
    }


def page(content, url="<url><path>/</path>{}</url>", expected=""):
    return f"<https>{content}{url.format(expected)}</https>"


# All of them find the one entry.
FILTERS = ["(cn=probe)", "(CN=PROBE)", "(cn=\\70robe)", "(cn=pr*be)", "(cn=*rob*)", "(description=*)",
           "(&(cn=probe)(!(description=ill)))", "(|(cn=no)(description=well))",
           "(cn:caseIgnoreMatch:=probe)", "(&(description=w*e*l)(| (cn=a) (cn=probe)))"]


def nntps(content):
    return f"<nntp><tls>implicit</tls>{content}</nntp>"


# What each server is asked: on which of its ports, how, and what comes of it. The first one is
# what it is asked when it hangs, is killed, and comes back.
ASKED = {
    "nginx": {
        "page": (0, "<http/>", "up"),
        "redirect": (0, "<http><max-redirects>1</max-redirects><url><path>/moved</path>"
                        "<regex>^fine$</regex></url></http>", "up"),
        "no-redirect": (0, "<http><url><path>/moved</path></url></http>", "status 302"),
        "offset": (0, "<http><url><path>/</path><regex>ine</regex><regex-max-offset>0"
                      "</regex-max-offset></url></http>", "the body does not match"),
        "proxy": (0, "<http><url><path>http://www.example/</path><regex>fine</regex></url></http>",
                  "up"),
        "slow": (0, "<http><low-speed-limit>50000</low-speed-limit><low-speed-time>1"
                    "</low-speed-time><max-body>1000000</max-body><url><path>/slow</path></url>"
                    "</http>", "too slow"),
        "http2": (1, page(f"<version>2</version>{FOR_US}",
                          expected="<regex>^HTTP/2.0 mail.example </regex>"), "up"),
        "http1": (1, page(FOR_US, expected="<regex>^HTTP/1.1 </regex>"), "up"),
        "client": (1, page(FOR_US + CLIENT, "<url><path>/client</path></url>"), "up"),
        "no-client": (1, page(FOR_US, "<url><path>/client</path></url>"), "status 403"),
        "other-name": (1, page(FOR_OTHERS), "no alternative certificate subject name"),
        "unknown-authority": (1, page(UNKNOWN), "unable to get local issuer certificate"),
    },
    "vsftpd": {
        "starttls": (0, f"<ftp><tls>starttls</tls>{FOR_US}</ftp>", "up"),
        "plain": (0, "<ftp/>", "up"),
        "login": (0, f"<ftp>{WRONG}</ftp>", "Access denied"),
    },
    "dovecot": {
        **forms("imap", 0, 1),
        **forms("pop3", 2, 3),
        "imap-plain": (0, "<imap/>", "up"),
        "imap-wrong": (0, f"<imap>{WRONG}</imap>", "denied"),
        "pop3-wrong": (2, f"<pop3>{WRONG}</pop3>", "denied"),
    },
    "postfix": {
        **forms("smtp", 0, 1, "<helo-name>probe.example</helo-name>"),
        "plain": (0, "<smtp/>", "up"),
    },
    "slapd": {
        "search": (0, "<ldap><base>dc=example</base><scope>sub</scope><filter>(cn=probe)</filter>"
                      "<expect>description: well</expect></ldap>", "up"),
        "root": (0, "<ldap/>", "up"),
        "ldaps": (1, f"<ldap><tls>implicit</tls>{FOR_US}</ldap>", "up"),
        "other-name": (1, f"<ldap><tls>implicit</tls>{FOR_OTHERS}</ldap>",
                       "the certificate is not for other.example"),
        "starttls": (0, f"<ldap><tls>starttls</tls>{FOR_US}</ldap>", "up"),
        "starttls-anyone": (0, "<ldap><tls>starttls</tls></ldap>", "up"),
        "starttls-address": (0, f"<ldap><tls>starttls</tls>{VERIFY}</ldap>", "up"),
        "starttls-search": (0, f"<ldap>{ADMIN}<tls>starttls</tls>{FOR_US}<base>dc=example</base>"
                               "<scope>sub</scope><filter>(cn=probe)</filter>"
                               "<expect>description: well</expect></ldap>", "up"),
        "starttls-other-name": (0, f"<ldap><tls>starttls</tls>{FOR_OTHERS}</ldap>",
                                "the certificate is not for other.example"),
        "starttls-unknown-authority": (0, f"<ldap><tls>starttls</tls>{UNKNOWN}</ldap>",
                                       "unable to get local issuer certificate"),
        "starttls-nobody": (0, "<ldap><tls>starttls</tls><base>dc=example</base><scope>sub</scope>"
                               "<filter>(cn=no)</filter></ldap>", "no entry is found"),
        "starttls-wrong": (0, "<ldap><username>cn=admin,dc=example</username><password>no"
                              "</password><tls>starttls</tls></ldap>",
                           "login denied: result 49 (invalid credentials)"),
        **{f"filter-{number}": (0, "<ldap><base>dc=example</base><scope>sub</scope>"
                                   f"<filter>{escape(text)}</filter></ldap>", "up")
           for number, text in enumerate(FILTERS)},
        "below": (0, "<ldap><base>dc=example</base><scope>one</scope>"
                     "<expect>^DN: cn=probe,dc=example\n</expect></ldap>", "up"),
        "login": (0, f"<ldap>{ADMIN}</ldap>", "up"),
        "wrong": (0, "<ldap><username>cn=admin,dc=example</username><password>no</password>"
                     "</ldap>", "denied"),
        "nobody": (0, "<ldap><base>dc=example</base><scope>sub</scope><filter>(cn=no)</filter>"
                      "</ldap>", "no entry is found"),
        "no-base": (0, "<ldap><base>dc=nowhere</base></ldap>", "LDAP"),
        "other": (0, "<ldap><base>dc=example</base><expect>^DN: dc=other</expect></ldap>",
                  "what is found does not match"),
    },
    "slapd_with_clients": {
        "starttls": (0, f"<ldap><tls>starttls</tls>{FOR_US}{CLIENT}</ldap>", "up"),
        "ldaps": (1, f"<ldap><tls>implicit</tls>{FOR_US}{CLIENT}</ldap>", "up"),
        "no-client": (0, f"<ldap><tls>starttls</tls>{FOR_US}</ldap>", "closed"),
    },
    "slapd_without_tls": {
        "plain": (0, "<ldap/>", "up"),
        "starttls": (0, "<ldap><tls>starttls</tls></ldap>", "StartTLS is refused: result"),
    },
    "dnsmasq": {
        "address": (0, "<dns><type>A</type><name>www.example</name><expect>192.0.2.9</expect>"
                       "</dns>", "up"),
        "other": (0, "<dns><type>A</type><name>www.example</name><expect>192.0.2.8</expect></dns>",
                  "no record is the expected one"),
        "tcp": (0, "<dns><transport>tcp</transport><type>A</type><name>www.example</name>"
                   "<expect>192.0.2.9</expect></dns>", "up"),
        "regex": (0, "<dns><type>A</type><name>www.example</name><regex>^192[.]0[.]2[.]</regex>"
                     "</dns>", "up"),
        "no-match": (0, "<dns><transport>tcp</transport><type>A</type><name>www.example</name>"
                        "<regex>^192[.]0[.]3[.]</regex></dns>", "no record matches"),
        "long": (0, "<dns><type>TXT</type><name>long.example</name><regex>^x+9$</regex></dns>",
                 "up"),
    },
    "leafnode": {
        "greeting": (0, "<nntp/>", "up"),
        "group": (0, "<nntp><group>no.such.group</group></nntp>", "GROUP: 411"),
        "login": (0, f"<nntp>{LOGIN}</nntp>", "AUTHINFO USER: 5"),
        "no-starttls": (0, "<nntp><tls>starttls</tls></nntp>", "STARTTLS: 5"),
        "implicit": (1, nntps(FOR_US), "up"),
        "address": (1, nntps(VERIFY), "up"),
        "other-name": (1, nntps(FOR_OTHERS), "TLS: the certificate is not for other.example"),
        "unknown-authority": (1, nntps(UNKNOWN), "unable to get local issuer certificate"),
        "anyone": (1, nntps(""), "up"),
        "client": (2, nntps(FOR_US + CLIENT), "up"),
        "no-client": (2, nntps(FOR_US), "TLS: tlsv13 alert certificate required"),
    },
    "radiusd": {
        "login": (0, f"<radius>{SECRET}{LOGIN}</radius>", "up"),
        "status": (0, f"<radius>{SECRET}</radius>", "up"),
        "wrong": (0, f"<radius>{SECRET}{WRONG}</radius>", "the login was rejected"),
        "secret": (0, f"<radius><secret>other</secret>{LOGIN}</radius>", "timed out"),
    },
    "kamailio": {
        "udp": (0, "<sip><uri>sip:probe@127.0.0.1</uri></sip>", "up"),
        "tcp": (0, "<sip><transport>tcp</transport><uri>sip:probe@127.0.0.1</uri></sip>", "up"),
        "other": (0, "<sip/>", "status 404"),
        "expected": (0, "<sip><status-code>404-405</status-code></sip>", "up"),
    },
    "postgresql": {
        "query": (0, f"<postgresql>{LOGIN}<database>postgres</database><query>SELECT 1</query>"
                     "</postgresql>", "up"),
        "login": (0, f"<postgresql>{LOGIN}<database>postgres</database></postgresql>", "up"),
        "tls": (0, f"<postgresql>{LOGIN}<database>postgres</database><tls>true</tls>{FOR_US}"
                   "</postgresql>", "up"),
        "other-name": (0, f"<postgresql>{LOGIN}<database>postgres</database><tls>true</tls>"
                          f"{FOR_OTHERS}</postgresql>", "does not match host name"),
        "wrong": (0, f"<postgresql>{WRONG}<database>postgres</database></postgresql>",
                  "password authentication failed"),
        "no-row": (0, f"<postgresql>{LOGIN}<database>postgres</database><query>SELECT 1 WHERE "
                      "false</query></postgresql>", "the query gives no row"),
        "rows": (0, f"<postgresql>{LOGIN}<database>postgres</database><query>SELECT "
                    "generate_series(1, 100000000)</query></postgresql>", "up"),
        "bad-query": (0, f"<postgresql>{LOGIN}<database>postgres</database><query>SELECT x"
                         "</query></postgresql>", "does not exist"),
    },
    "mariadbd": {
        "query": (0, f"<mysql>{LOGIN}<query>SELECT 1</query></mysql>", "up"),
        "login": (0, f"<mysql>{LOGIN}<database>stock</database></mysql>", "up"),
        "tls": (0, f"<mysql>{LOGIN}<tls>true</tls>{VERIFY}</mysql>", "up"),
        "unknown-authority": (0, f"<mysql>{LOGIN}<tls>true</tls><verify>true</verify></mysql>",
                              "certificate"),
        "wrong": (0, f"<mysql>{WRONG}</mysql>", "Access denied"),
        "no-database": (0, f"<mysql>{LOGIN}<database>none</database></mysql>", "Access denied"),
        "no-row": (0, f"<mysql>{LOGIN}<query>SELECT * FROM stock.parts</query></mysql>",
                   "the query gives no row"),
        "rows": (0, f"<mysql>{LOGIN}<query>SELECT seq FROM seq_1_to_100000000</query>"
                    "<database>stock</database></mysql>", "up"),
        "bad-query": (0, f"<mysql>{LOGIN}<query>SELECT x</query></mysql>", "Unknown column"),
    },
}


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    return daemon_factory(null="all")


def open_folder():
    """A folder that servers can enter as the users that they become; pytest's own are closed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noria-server."))
    folder.chmod(0o755)
    return folder


@pytest.fixture(name="tls", scope="module")
def fixture_tls():
    folder = open_folder()
    yield real_servers.make_certificates(folder / "tls")
    shutil.rmtree(folder)


@pytest.fixture(name="server", params=ASKED)
def fixture_server(request, tls):
    folder = open_folder()
    server = getattr(real_servers, request.param)(folder, tls)
    server.name = request.param
    server.start()
    yield server
    server.end()
    shutil.rmtree(folder)


def ask_all(session, server, tls):
    """A virtual server for each question, all at once."""
    quick = HASTY.replace("<timeout>1</timeout>", "<timeout>5</timeout>").replace(
        "<delay-loop>0.1</delay-loop>", "<delay-loop>1</delay-loop>")
    text = "".join(
        virtual(name, health(quick + check("it", kind.replace("{tls}", str(tls))))
                + real("127.0.0.1", server.ports[port]), f"192.0.2.{number}", 80)
        for number, (name, (port, kind, _)) in enumerate(ASKED[server.name].items(), 1))
    session.set(servers(text))


def reached(session, name, expected):
    """Whether a virtual server's real server has come to what is expected."""
    one = next(one for key, one in status(session, name).items() if key)
    if expected == "up":
        return one.get("state") == "up"
    return one.get("state") == "down" and expected in one["checks"]["it"].get("last-error", "")


def test_what_is_asked(session, server, tls):
    ask_all(session, server, tls)
    for name, (_, _, expected) in ASKED[server.name].items():
        try:
            wait_for(lambda n=name, e=expected: reached(session, n, e), name)
        except AssertionError as error:
            raise AssertionError(f"{name} is not {expected!r}: {status(session, name)}") from error
    hung_killed_and_back(session, server, tls)


def hung_killed_and_back(session, server, tls):
    _, kind, _ = next(iter(ASKED[server.name].values()))
    quick = HASTY.replace("<timeout>1</timeout>", "<timeout>2</timeout>")
    session.set(checked(quick + check("it", kind.replace("{tls}", str(tls))),
                        real("127.0.0.1", server.port), address="192.0.2.99"))
    wait_state(session, server, "up")
    server.everyone(signal.SIGSTOP)
    down = wait_state(session, server, "down")
    assert "timed out after 2 s" in down["checks"]["it"]["last-error"]
    server.everyone(signal.SIGCONT)
    wait_state(session, server, "up")
    server.end()
    wait_state(session, server, "down")
    wait_for(lambda: any(words in status(session)[f"127.0.0.1:{server.port}"]["checks"]["it"]
                         ["last-error"] for words in
                         ("refused", "unreachable", "Can't connect")), "a refusal")
    server.start()
    wait_state(session, server, "up")
