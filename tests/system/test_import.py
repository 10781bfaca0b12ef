"""noria-import: other programs' files become a configuration that the agent takes."""

import pathlib
import re
import subprocess

import pytest

from daemon import BUILD, PERMIT_ADMIN, SANITIZER_OPTIONS, YANG_DIRS
from health import Listener, status, wait_state
from test_steering import sum_of

SAMPLES = pathlib.Path("/usr/share/doc/keepalived/samples")


def run(*arguments, text=None):
    return subprocess.run([BUILD / "noria-import", "--yang-dirs", YANG_DIRS, *arguments],
                          input=text, capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": "/usr/bin", **SANITIZER_OPTIONS})


def left(done):
    """What was listed: ["LINE KEYWORD", ...]."""
    return [" ".join(re.match(r"[^:]+:(\d+): ([^ :]+)", line).groups())
            for line in done.stderr.splitlines()]


def check(xml, folder):
    """What noriad --check says of a configuration."""
    file = folder / "noria.xml"
    file.write_text(xml)
    return subprocess.run([BUILD / "noriad", "--check", "-c", file, "--yang-dirs", YANG_DIRS],
                          capture_output=True, text=True, timeout=60, check=False)


EXPECTED = {
    "HTTP_GET.port": [],
    "IPv6": ["4 router_id"],
    "PING_CHECK": [],
    "SMTP_CHECK": [],
    "SSL_GET": [],
    "UDP_CHECK": [],
    "conditional_conf": [
        "3 @high", "4 @low", "6 script", "7 @high", "8 @low", "19 @high", "20 @low",
        "25 track-script"],
    "fwmark": ["4 router_id"],
    "inhibit": [],
    "misc_check": [],
    "misc_check_arg": [],
    "quorum": [],
    "sample": [],
    "status_code": [],
    "track_interface": [],
    "virtual_server_group": [],
    "virtualhost": [],
    "vrrp": ["32 virtual-address"],
    "vrrp.localcheck": [
        "11 script", "12 script", "19 script", "20 script", "24 script", "25 script", "30 script",
        "31 script", "36 script", "37 script", "56 track-script", "57 track-script",
        "58 track-script", "59 track-script", "60 track-script", "78 track-script",
        "79 track-script", "80 track-script", "81 track-script"],
    "vrrp.lvs_syncd": [],
    "vrrp.routes": [],
    "vrrp.rules": ["10 static_rules", "11 static_rules", "25 virtual_rules", "26 virtual_rules"],
    "vrrp.scripts": [],
    "vrrp.static_ipaddress": [],
    "vrrp.sync": [],
}


def test_all_samples_of_keepalived_are_here():
    assert {file.name.removeprefix("keepalived.conf.") for file in SAMPLES.glob("keepalived.conf.*")
            } == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_of_keepalived(name, tmp_path):
    done = run("keepalived", SAMPLES / f"keepalived.conf.{name}")
    assert left(done) == EXPECTED[name]
    assert done.returncode == (3 if EXPECTED[name] else 0)
    assert "<virtual-server>" in done.stdout or "<instance>" in done.stdout
    checked = check(done.stdout, tmp_path)
    assert checked.returncode == 0, checked.stderr


FULL = """
global_defs {
    router_id lvs1
    script_user nobody
    vrrp_garp_master_delay 7
    lvs_timeouts tcp 900 udp 30
    lvs_sync_daemon eth1 id 9 port 8849
}
include parts/*.conf
$NET=192.0.2
$SERVER= \\
real_server 10.0.0.${NUM} 80 { \\
    weight ${NUM} \\
    inhibit_on_failure \\
    HTTP_GET { \\
        url { \\
            path /health?a=b \\
            status_code 200 204-206 \\
            regex "^ok \\d+" \\
            regex_options caseless \\
        } \\
        connect_timeout 2.5 \\
    } \\
}
virtual_server ${NET}.1 80 {
    delay_loop 6
    lvs_sched sh
    sh-port
    sh-fallback
    lvs_method TUN type gue port 6080 csum
    persistence_timeout
    persistence_granularity 255.255.255.0
    virtualhost www.example.com
    alpha
    quorum 3
    hysteresis 1
    retry 2
    sorry_server 10.0.0.99 80
    sorry_server_lvs_method DR
    $NUM=1
    $SERVER
    $NUM=2
    $SERVER
}
vrrp_script chk {
    script "/usr/bin/true --all"
    interval 5
    weight -20
}
track_file load { file /run/load }
vrrp_instance VI {
    interface eth0
    @here priority 150
    @^here priority 50
    virtual_router_id 7
    version 3
    advert_int 0.2
    nopreempt
    unicast_src_ip 192.0.2.8
    unicast_peer { 192.0.2.9 min_ttl 255 }
    virtual_ipaddress { 192.0.2.1/24 dev eth0 label eth0:0 }
    virtual_ipaddress_excluded { 2001:db8::1 }
    virtual_routes { default via 192.0.2.254 dev eth0 metric 5 }
    virtual_rules { from 192.0.2.0/24 table 7 preference 100 }
    track_script { chk }
    track_file { load weight 2 }
    track_interface { eth0 weight 10 reverse }
}
vrrp_sync_group G { group { VI } }
"""

PART = """
virtual_server_group many {
    198.51.100.1 53
    198.51.100.8-10 53
    198.51.100.64/28 53
    fwmark 5
}
virtual_server group many {
    protocol UDP
    lb_algo rr
    lb_kind NAT
    ops
    real_server 10.0.1.1 53 {
        DNS_CHECK {
            type A
            name example.com
        }
        UDP_CHECK {
            payload 01 2
            require_reply 0Xff
        }
        MISC_CHECK {
            misc_path "/usr/bin/probe -v 1"
            misc_timeout 3
            misc_dynamic
        }
        PING_CHECK { }
        TCP_CHECK {
            connect_port 5353
            bindto 10.0.1.254
        }
    }
}
"""


@pytest.fixture(name="full")
def fixture_full(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "dns.conf").write_text(PART)
    (tmp_path / "keepalived.conf").write_text(FULL)
    return tmp_path / "keepalived.conf"


def test_a_whole_keepalived_conf_reaches_a_running_agent(full, daemon_factory):
    done = run("-i", "here", "keepalived", full)
    assert (done.returncode, done.stderr) == (0, "")
    daemon = daemon_factory(null="all", configuration=PERMIT_ADMIN)
    with daemon.session() as session:
        vrrp = re.search(r"<vrrp .*</vrrp>", done.stdout, re.S)[0]
        session.set(done.stdout.replace(vrrp, ""))
        server = "virtual-servers/virtual-server"
        assert session.get(f"{server}/name") == ["many-udp", "tcp-192.0.2.1-80"]
        assert session.get(f"{server}/member/name") == [
            "a198.51.100.1-53", "a198.51.100.8-10-53", "a198.51.100.64_28-53", "mark-5"]
        assert session.get(f"{server}/member/last-address") == ["198.51.100.10"]
        assert session.get(f"{server}/real-server/weight") == ["1", "2"]
        assert session.get(f"{server}/scheduler-flags") == ["fallback port"]
        assert session.get(f"{server}/persistence/timeout") == ["360"]
        assert session.get(f"{server}/tunnel/checksum") == ["full"]
        assert session.get(f"{server}/sorry-server/forwarding-method") == ["dr"]
        assert session.get(f"{server}/health/on-failure") == ["inhibit"]
        assert session.get(f"{server}/health/delay-loop") == ["60.0", "6.0"]
        checks = f"{server}/health/check"
        assert session.get(f"{checks}/name") == ["dns", "udp", "command", "ping", "tcp", "http"]
        assert session.get(f"{checks}/http/url/regex") == ["(?i)^ok \\d+"]
        assert session.get(f"{checks}/http/virtual-host") == ["www.example.com"]
        assert session.get(f"{checks}/udp/payload") == ["0102"]
        assert session.get(f"{checks}/udp/require-reply") == ["0xff"]
        assert session.get(f"{checks}/command/argument") == ["-v", "1"]
        assert session.get("directors/director/timeouts/tcp") == ["900"]
        session.edit(vrrp)  # keepalived itself would ask for the interfaces
        candidate = session.data("candidate")
    for part in ("<priority>150<", "<advertise-interval>20<", "<delay>7<", "<weight>-20<",
                 "<destination>0.0.0.0/0<", "<label>eth0:0<", "<min-ttl>255<", "<member>VI<"):
        assert part in candidate


TABLE = """\
-A -t 192.0.2.1:80 -s wlc -p 300 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 3
-a -t 192.0.2.1:80 -r 10.0.0.3:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 192.0.2.1:80 -r 10.0.0.4:80 -i -w 1 --tun-type gre --tun-nocsum
-A -u 192.0.2.1:5060 -s rr -p 60 -o --pe sip
-a -u 192.0.2.1:5060 -r 10.0.0.2:5061 -m -w 0
-A --sctp-service 192.0.2.1:90 -s sh -b sh-fallback,sh-port
-A -t [2001:db8::1]:443 -s mh -b mh-port -p 50 -M 64
-a -t [2001:db8::1]:443 -r [2001:db8::2]:443 -g -w 65535
-A -t 192.0.2.2:0 -s rr -p 360
-A -f 7 -s lblcr
-a -f 7 -r 10.0.0.2:0 -g -w 1 -x 100 -y 50
-A -f 7 -6 -s wrr
-a -f 7 -6 -r [2001:db8::2]:0 -g -w 1
"""


@pytest.mark.kernel
def test_a_table_of_ipvsadm_comes_back_the_same(ipvs, daemon_factory):
    for line in TABLE.splitlines():
        ipvs(*line.split())
    before = ipvs("-Sn")
    assert before.count("-A") == 7 and before.count("-a") == 7
    done = run("ipvsadm", text=before)
    assert (done.returncode, done.stderr) == (0, "")
    ipvs("-C")
    with daemon_factory().session() as session:
        session.set(done.stdout)
        assert sorted(ipvs("-Sn").splitlines()) == sorted(before.splitlines())
    assert "-x" not in before  # so docs/import.md has to say it


LDIRECTORD = """
checkinterval=2
negotiatetimeout = 4
failurecount=3
quiescent=no
fallback=127.0.0.1:80
emailalert="admin@example.com"
emailalertfreq=3600

virtual=192.0.2.1:80
\treal=10.0.0.2->10.0.0.4:80 gate 5
\treal=10.0.0.9:8080 masq 7 "own.html", "Own"
\tservice=http
\trequest="/health"
\treceive="^ok"
\tvirtualhost=www.example.com
\tpersistent=600
\tnetmask=255.255.255.0
\tlogin="me"
\tpasswd="s3cret"
virtual=192.0.2.1:53
        real=10.0.0.2:53 masq
        request="192.0.2.7"
        receive="host.example.com"
        ops=yes
virtual=7
        real=10.0.0.2 gate
        service=smtp
        protocol=fwm
        checkport=25
virtual6=[2001:db8::1]:443
        real6=[2001:db8::2]:443 gate l:5 u:9
        checktype=external
        checkcommand="/usr/bin/probe"
virtual=www.example.com:80
        real=10.0.0.2:80 gate
"""


ALERTS = """
global_defs {
  notification_email { ops@example.org boss@example.org }
  router_id lb1
  notification_email_from lb@example.org
  smtp_server 192.0.2.25 2525
  script_user nobody
}
virtual_server 192.0.2.1 80 {
  ha_suspend
  omega
  quorum_up /usr/bin/true
  quorum_down "/usr/bin/false 'two words' one"
  real_server 10.0.0.1 80 { notify_down /usr/bin/true
    TCP_CHECK { } }
  real_server 10.0.0.2 80 { notify_down /usr/bin/true
    TCP_CHECK { } }
}
virtual_server 192.0.2.2 80 {
  smtp_alert off
  real_server 10.0.0.1 80 { notify_up /usr/bin/true
    TCP_CHECK { } }
  real_server 10.0.0.2 80 { TCP_CHECK { } }
}
"""


def test_scripts_and_e_mail_of_keepalived(tmp_path, daemon_factory):
    file = tmp_path / "keepalived.conf"
    file.write_text(ALERTS)
    done = run("keepalived", file)
    assert (done.returncode, done.stderr) == (0, "")
    with daemon_factory(null="all", configuration=PERMIT_ADMIN).session() as session:
        session.set(done.stdout)
        health = {leaf: session.get(f"virtual-servers/virtual-server/health/{leaf}") for leaf in (
            "quorum-up", "quorum-down", "notify-down", "hook-user", "omega", "ha-suspend")}
        assert health == {"quorum-up": ["/usr/bin/true"],
                          "quorum-down": ["/usr/bin/false 'two words' one"], "notify-down": ["/usr/bin/true"],
                          "hook-user": ["nobody"] * 2, "omega": ["true"], "ha-suspend": ["true"]}
        assert session.get("mail/recipient/address") == ["ops@example.org", "boss@example.org"]
        assert session.get("mail/recipient/virtual-server") == ["tcp-192.0.2.1-80"]
        assert session.get("mail/recipient/event") == ["real-server", "quorum"]
        assert session.get("mail/smtp/port") == ["2525"]
        assert session.get("mail/node-name") == ["lb1"]
        own = "virtual-servers/virtual-server/real-server/health"
        assert session.get(f"{own}/notify-up") == ["/usr/bin/true"]


def test_a_file_of_ldirectord_reaches_a_running_agent(tmp_path, daemon_factory):
    file = tmp_path / "ldirectord.cf"
    file.write_text(LDIRECTORD)
    done = run("ldirectord", file)
    assert left(done) == ["35 virtual"]
    assert done.returncode == 3
    assert "s3cret" not in done.stderr
    with daemon_factory(null="all", configuration=PERMIT_ADMIN).session() as session:
        session.set(done.stdout)
        server = "virtual-servers/virtual-server"
        assert session.get(f"{server}/name") == [
            "mark-7", "tcp-192.0.2.1-80", "tcp-2001:db8::1-443", "udp-192.0.2.1-53"]
        assert session.get(f"{server}/scheduler") == ["nvs:wrr"] * 4
        assert session.get(f"{server}/real-server/address") == [
            "10.0.0.2", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9", "2001:db8::2", "10.0.0.2"]
        assert session.get(f"{server}/real-server/weight") == ["5", "5", "5", "7"]
        assert session.get(f"{server}/real-server/upper-threshold") == ["9"]
        assert session.get(f"{server}/persistence/prefix-length") == ["24"]
        assert session.get(f"{server}/sorry-server/port") == ["80", "80", "80"]
        assert set(session.get(f"{server}/health/retry")) == {"2"}
        assert session.get("mail/recipient/name") == ["ldirectord"]
        assert session.get("mail/recipient/reminder") == ["3600"]
        assert set(session.get(f"{server}/health/delay-loop")) == {"2.0"}
        check_path = f"{server}/health/check"
        assert session.get(f"{check_path}/http/url/path") == ["/health"]
        assert session.get(f"{server}/real-server/health/check/http/url/regex") == ["Own"]
        assert session.get(f"{check_path}/command/arguments") == ["ldirectord"]
        assert session.get(f"{check_path}/dns/name") == ["7.2.0.192.in-addr.arpa"]
        assert session.get(f"{check_path}/dns/regex") == ["host.example.com"]
        assert session.get(f"{check_path}/connect-port") == ["25"]
        assert session.get(f"{check_path}/http/password") == ["s3cret"]


@pytest.mark.parametrize("quiescent, out", [("yes", 0), ("no", None)])
def test_a_real_server_of_ldirectord_waits_for_its_first_check(tmp_path, daemon_factory, quiescent,
                                                               out):
    """ldirectord begins with all down, and runs their first checks at once."""
    serving, gone = Listener(), Listener()
    gone.close()
    file = tmp_path / "ldirectord.cf"
    file.write_text(f"quiescent={quiescent}\nchecktimeout=1\nvirtual=192.0.2.1:80\n\tprotocol=tcp\n"
                    f"\tchecktype=connect\n\tfailurecount=9\n\treal=127.0.0.1:{serving.port} masq\n"
                    f"\treal=127.0.0.1:{gone.port} masq\n\tfallback=127.0.0.1:9\n")
    name = "tcp-192.0.2.1-80"
    with daemon_factory(null="all").session() as session:
        session.set(run("ldirectord", file).stdout)
        assert sum_of(session, "127.0.0.1", gone.port, name) == out
        wait_state(session, serving, "up", name, 5)  # the second check would be after ten seconds
        assert status(session, name)[f"127.0.0.1:{gone.port}"]["state"] == "down"
        # A fallback is removed while it is not needed, whatever the manual page says.
        assert session.get("virtual-servers/virtual-server/sorry-server/inhibit") == []


def test_what_is_refused_of_a_range_is_told_once(tmp_path):
    file = tmp_path / "ldirectord.cf"
    file.write_text("virtual=192.0.2.1:80\n\tprotocol=tcp\n"
                    "\treal=10.0.0.2->10.0.1.255:80 gate 1 \"a\", \"b\" l:1 odd\n"
                    "\treal=10.0.2.1:80 gate 1 l:1\n")
    done = run("ldirectord", file)
    assert left(done) == ["3 real", "3 lower-threshold", "4 lower-threshold"]
    assert done.stdout.count("<real-server>") == 511


SERVICES = {
    "mysql": ('login="a"\n\tpasswd="s3cret"\n\tdatabase="d"\n\trequest="SELECT 1"',
              "<mysql><username>a</username><password>s3cret</password><database>d</database>"
              "<query>SELECT 1</query></mysql>"),
    "pgsql": ('login="a"\n\tpasswd="s3cret"',
              "<postgresql><username>a</username><password>s3cret</password></postgresql>"),
    "radius": ('login="a"\n\tpasswd="s3cret"\n\tsecret="t0psecret"',
               "<radius><secret>t0psecret</secret><username>a</username>"
               "<password>s3cret</password></radius>"),
    "sip": ('login="a@b"', "<sip><transport>tcp</transport><uri>sip:a@b</uri>"
                           "<status-code>200</status-code></sip>"),
    "ldaps": ('request="/dc=x"\n\treceive="dc"',
              "<ldap><tls>implicit</tls><base>dc=x</base><expect>dc</expect></ldap>"),
    "dns": ('request="www.example"\n\treceive="^192[.]0"',
            "<dns><transport>tcp</transport><type>A</type><name>www.example</name>"
            "<regex>^192[.]0</regex></dns>"),
    "imaps": ("", "<imap><tls>implicit</tls></imap>"),
    "pop": ("", "<pop3/>"),
    "submission": ("", "<smtp/>"),
    "nntp": ("", "<nntp/>"),
    "http_proxy": ('request="http://www.example"\n\treceive="x"',
                   "<http><url><path>http://www.example/</path><regex>x</regex></url></http>"),
}


def without_space(text):
    return re.sub(r">\s+<", "><", text)


@pytest.mark.parametrize("service", SERVICES)
def test_services_of_ldirectord(service, tmp_path):
    settings, expected = SERVICES[service]
    file = tmp_path / "ldirectord.cf"
    file.write_text(f"virtual=192.0.2.1:80\n\treal=10.0.0.2:80 gate\n\tservice={service}\n"
                    f"\tprotocol=tcp\n\t{settings}\n")
    done = run("ldirectord", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in without_space(done.stdout)
    assert check(done.stdout, tmp_path).returncode == 0


def test_a_check_in_perl(tmp_path):
    file = tmp_path / "ldirectord.cf"
    file.write_text("virtual=192.0.2.1:80\n\treal=10.0.0.2:80 gate\n\tprotocol=tcp\n"
                    "\tchecktype=external-perl\n\tcheckcommand=/usr/lib/probe.pl\n")
    done = run("ldirectord", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("<path>/usr/bin/perl</path><argument>/usr/lib/probe.pl</argument>"
            "<arguments>ldirectord-after</arguments>") in without_space(done.stdout)


def test_options_of_keepalived_checks(tmp_path):
    file = tmp_path / "keepalived.conf"
    file.write_text("""global_defs { checker_log_all_failures yes }
track_file load { file "/run/load"
 weight 2 reverse }
bfd_instance far { neighbor_ip 10.0.0.3
 source_ip 10.0.0.1
 min_rx 50
 multiplier 4
 max_hops 2 }
virtual_server 192.0.2.1 80 { protocol TCP
 real_server 10.0.0.2 80 { weight 1
  HTTP_GET { url { path / 
    regex ok
    regex_min_offset 5
    regex_max_offset 9 }
   http_protocol 1.0C
   bind_port 1024
   alpha
   warmup 3 }
  SMTP_CHECK { helo_name probe.example
   log_all_failures no }
  FILE_CHECK { track_file load
   log_all_failures }
  BFD_CHECK { name far }
  MISC_CHECK { misc_path /usr/bin/probe
   user olga www-data }
 } }
""")
    done = run("keepalived", file)
    assert (done.returncode, done.stderr) == (0, "")
    text = without_space(done.stdout)
    for part in ("<regex-min-offset>5</regex-min-offset><regex-max-offset>9</regex-max-offset>",
                 "<header>Connection: close</header>", "<bind-port>1024</bind-port>",
                 "<delay-loop>60.0</delay-loop><log-all-failures>true</log-all-failures>",
                 "<name>file</name><log-all-failures>true</log-all-failures>",
                 "<alpha>true</alpha>", "<warmup>3", "<smtp><helo-name>probe.example</helo-name>",
                 "<file><path>/run/load</path><weight>2</weight><reverse>true</reverse></file>",
                 "<user>olga</user><group>www-data</group>",
                 "<bfd><desired-min-tx-interval>10000</desired-min-tx-interval>"
                 "<required-min-rx-interval>50000</required-min-rx-interval>"
                 "<local-multiplier>4</local-multiplier><rx-ttl>253</rx-ttl></bfd>",
                 "<connect-address>10.0.0.3</connect-address>"):
        assert part in text, part
    assert "<log-all-failures>false" not in text


def test_the_sample_of_ldirectord(tmp_path):
    done = run("ldirectord", "/usr/share/doc/ldirectord/examples/ldirectord.cf")
    assert left(done) == ["16 autoreload"]
    assert done.stdout.count("<real-server>") == 3
    assert check(done.stdout, tmp_path).returncode == 0


def test_ipvsadm_names_what_it_leaves():
    done = run("ipvsadm", text="-A -t www:http -s rr\n-A -t 192.0.2.1:80 -s rr --bogus\n"
                               "-a -t 192.0.2.9:80 -r 10.0.0.1:80 -m\n-D -t 192.0.2.1:80\n"
                               "-A -t 192.0.2.1:80 -s wlc\n-A -t 192.0.2.3:0 -s rr\n")
    assert left(done) == ["1 -A", "2 --bogus", "3 -a", "4 -D", "5 virtual-server", "6 port",
                          "6 virtual-server"]
    assert done.returncode == 3
    assert done.stdout.count("<virtual-server>") == 1


def test_a_long_command_says_the_same_as_a_short_one():
    short = run("ipvsadm", text="-A -t 192.0.2.1:80 -s rr -p 60\n--set 900 0 30\n")
    full = run("ipvsadm", text="ipvsadm --add-service --tcp-service=192.0.2.1:80 --scheduler rr "
                               "--persistent=60\nipvsadm --set 900 0 30")
    assert (full.returncode, full.stderr, full.stdout) == (0, "", short.stdout)


@pytest.mark.parametrize("text, message", [
    ("virtual_server 192.0.2.1 80 {\n", "1: the block virtual_server has no end"),
    ("}\n", "1: a block ends here that has not begun"),
    ("a {\n { }\n}\n", "2: a block without a name"),
])
def test_a_syntax_error_ends_with_1_and_its_place(text, message, tmp_path):
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    done = run("keepalived", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{file}:{message}\n"


def test_no_password_is_repeated(tmp_path):
    file = tmp_path / "keepalived.conf"
    file.write_text("vrrp_instance V {\n interface eth0\n virtual_router_id 1\n version 3\n"
                    " authentication { auth_type PASS\n auth_pass s3cr|t }\n"
                    " virtual_ipaddress { 192.0.2.1 }\n}\n")
    done = run("keepalived", file)
    assert done.returncode == 3
    assert "password" in done.stderr and "s3cr" not in done.stderr + done.stdout


@pytest.mark.parametrize("word", ["include", "includer", "includem", "includew", "includeb",
                                  "includea"])
def test_each_way_to_include(word, tmp_path):
    (tmp_path / "part").write_text("virtual_server 192.0.2.1 80 {\n}\n")
    file = tmp_path / "keepalived.conf"
    file.write_text(f"{word} part\n")
    done = run("keepalived", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert "192.0.2.1" in done.stdout


def test_a_file_that_includes_itself_comes_to_an_end(tmp_path):
    file = tmp_path / "keepalived.conf"
    file.write_text("include keepalived.conf\nvirtual_server 192.0.2.1 80 {\n}\n")
    done = run("keepalived", file)
    assert done.returncode == 3
    assert "too many files in files" in done.stderr


@pytest.mark.parametrize("arguments, status", [
    (["--help"], 0), (["--version"], 0), ([], 2), (["bogus"], 2), (["keepalived"], 2),
    (["keepalived", "/nowhere"], 1), (["--format", "yaml", "ipvsadm"], 2), (["-x"], 2),
])
def test_the_command_line(arguments, status):
    done = run(*arguments)
    assert done.returncode == status
    assert done.stderr.startswith(("noria-import: ", str(BUILD))) if status else done.stdout


def test_json():
    done = run("--format", "json", "ipvsadm", text="-A -t 192.0.2.1:80 -s rr\n")
    assert '"noria-virtual-server:virtual-servers"' in done.stdout
