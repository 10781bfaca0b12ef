"""noria-import: every keyword of the manual pages becomes something, or is told."""

import functools
import gzip
import pathlib
import re
import tempfile

import pytest

from test_import import run

KEEPALIVED = pathlib.Path("/usr/share/man/man5/keepalived.conf.5.gz")
LDIRECTORD = pathlib.Path("/usr/sbin/ldirectord")  # its manual page is in it

# Blocks of the manual page that are about virtual servers, and those that are about all.
BLOCKS = {"", "global_defs", "track_file", "bfd_instance", "virtual_server_group", "virtual_server",
          "real_server", "CHECKER_TYPE", "HTTP_GET|SSL_GET", "url", "SSL_GET", "SMTP_CHECK",
          "DNS_CHECK", "MISC_CHECK", "BFD_CHECK", "UDP_CHECK", "FILE_CHECK", "SSL"}


def of_keepalived():
    """[(block, keyword)] of keepalived.conf(5), in its order."""
    found, blocks = [], []
    with gzip.open(KEEPALIVED, "rt", encoding="utf-8") as page:
        syntax = page.read().split(".SH ADVANCED CONFIGURATION")[0]
    lines = re.findall(r"^\.nf$(.*?)^\.fi$", syntax, re.M | re.S)
    for line in "\n".join(lines).splitlines():
        line = re.sub(r"\\f[BRI]", "", re.sub(r"^\s*#.*|\s+#.*", "", line)).rstrip()
        word = re.match(r"\s*([A-Za-z][\w|-]+)(?:\s|$)", line)
        if line.strip() == "}":
            blocks.pop()
        elif word and line.endswith("{"):
            if word[1] not in BLOCKS:
                found.append((blocks[-1] if blocks else "", word[1]))
            blocks.append(word[1])
        elif word and (blocks or re.match(r"[a-z]+_[a-z_]+( [A-Z]+)?$|instance NAME", line)):
            found.append((blocks[-1] if blocks else "", word[1]))
    return [(block, word) for block, word in dict.fromkeys(found)
            if block in BLOCKS - {"virtual_server_group"} and word not in ("or", "virtual_server")]


# Those that keepalived takes, too, and does not tell of.
UNTOLD = [("virtual_server", "lb_algo"), ("virtual_server", "lb_kind"), ("real_server", "lb_kind"),
          ("virtual_server", "hashed"), ("bfd_instance", "neighbour_ip"),
          ("HTTP_GET|SSL_GET", "nb_get_retry")]
WORDS = of_keepalived() + UNTOLD

# What follows a keyword; nothing, if it is not here.
VALUES = {
    "net_namespace": "n", "net_namespace_ipvs": "n", "instance": "i", "child_wait_time": "7",
    "tmp_config_directory": "/d", "config_save_dir": "/d", "process_name": "n",
    "vrrp_process_name": "n", "checker_process_name": "n", "bfd_process_name": "n",
    "startup_script": "/usr/bin/true", "startup_script_timeout": "7",
    "shutdown_script": "/usr/bin/true", "shutdown_script_timeout": "7",
    "notification_email": "{ boss@example.org }", "notification_email_from": "lb@example.org",
    "smtp_server": "192.0.2.25 2525", "smtp_helo_name": "lb.example", "smtp_connect_timeout": "7",
    "router_id": "lb1", "vrrp_mcast_group4": "224.0.0.19", "vrrp_mcast_group6": "ff02::13",
    "default_interface": "eth7", "lvs_sync_daemon": "eth1", "lvs_timeouts": "tcp 7",
    "lvs_flush_on_stop": "VS", "vrrp_garp_master_delay": "7", "vrrp_garp_master_repeat": "7",
    "vrrp_garp_lower_prio_delay": "7", "vrrp_garp_lower_prio_repeat": "7",
    "vrrp_garp_master_refresh": "7", "vrrp_garp_master_refresh_repeat": "7",
    "vrrp_garp_interval": "0.001", "vrrp_gna_interval": "0.001", "vrrp_garp_extra_if": "7",
    "vrrp_version": "3", "vrrp_down_timer_adverts": "7", "nftables": "t", "nftables_priority": "-7",
    "nftables_ipvs": "t", "nftables_ipvs_priority": "-7", "nftables_ipvs_start_fwmark": "7",
    "vrrp_iptables": "in", "vrrp_ipsets": "s", "max_auto_priority": "7",
    "min_auto_priority_delay": "7", "vrrp_priority": "-7", "checker_priority": "-7",
    "bfd_priority": "-7", "vrrp_cpu_affinity": "1", "checker_cpu_affinity": "1",
    "bfd_cpu_affinity": "1", "vrrp_rt_priority": "7", "checker_rt_priority": "7",
    "bfd_rt_priority": "7", "vrrp_rlimit_rttime": "700", "checker_rlimit_rttime": "700",
    "bfd_rlimit_rttime": "700", "snmp_socket": "udp:1.2.3.4:705", "dbus_service_name": "d",
    "script_user": "nobody", "notify_fifo": "/run/f", "notify_fifo_script": "/usr/bin/true",
    "vrrp_notify_fifo": "/run/f", "vrrp_notify_fifo_script": "/usr/bin/true",
    "lvs_notify_fifo": "/run/f", "lvs_notify_fifo_script": "/usr/bin/true",
    "vrrp_netlink_cmd_rcv_bufs": "70000", "vrrp_netlink_monitor_rcv_bufs": "70000",
    "lvs_netlink_cmd_rcv_bufs": "70000", "lvs_netlink_monitor_rcv_bufs": "70000",
    "process_monitor_rcv_bufs": "70000", "vrrp_rx_bufs_policy": "MTU",
    "vrrp_rx_bufs_multiplier": "7", "umask": "7", "vrrp_startup_delay": "5.5", "vmac_prefix": "v",
    "vmac_addr_prefix": "v", "random_seed": "7", "reload_time_file": "/f", "file": "/run/other",
    "init_file": "7", "neighbor_ip": "10.0.0.4", "source_ip": "10.0.0.1", "min_rx": "70",
    "min_tx": "70", "idle_tx": "7000", "multiplier": "7", "ttl": "64", "hoplimit": "64",
    "max_hops": "7", "weight": "7", "lvs_sched": "rr", "lvs_method": "DR",
    "persistence_engine": "sip", "persistence_granularity": "255.255.255.0", "protocol": "UDP",
    "virtualhost": "www.example", "snmp_name": "n", "quorum": "2", "hysteresis": "1",
    "quorum_up": "/usr/bin/true", "quorum_down": "/usr/bin/true", "sorry_server": "10.0.0.9 80",
    "sorry_server_lvs_method": "DR", "connect_timeout": "7", "retry": "7",
    "delay_before_retry": "7", "warmup": "7", "delay_loop": "7", "notify_up": "/usr/bin/true",
    "notify_down": "/usr/bin/true", "uthreshold": "7", "lthreshold": "5",
    "connect_ip": "10.0.0.7", "connect_port": "7", "bindto": "10.0.0.7", "bind_if": "eth7",
    "bind_port": "7", "fwmark": "7", "http_protocol": "1.1", "path": "/x",
    "digest": "9b3a0c85a887a256d6939da88aabd8cd", "status_code": "200 205-207", "regex": "ok",
    "regex_options": "caseless", "regex_stack": "1 2", "regex_min_offset": "7",
    "regex_max_offset": "7", "helo_name": "lb.example", "type": "A", "name": "www.example",
    "misc_path": "/usr/bin/false", "misc_timeout": "7", "user": "nobody", "payload": "01",
    "min_reply_length": "7", "max_reply_length": "77", "track_file": "load",
    "password": "s3cret", "ca": "/ca.pem", "certificate": "/c.pem", "key": "/k.pem",
    "checker_log_all_failures": "on", "log_all_failures": "on",
    "smtp_alert": "off", "smtp_alert_vrrp": "on", "smtp_alert_checker": "off",
    ("BFD_CHECK", "name"): "near", ("FILE_CHECK", "track_file"): "other",
    "ip_family": "inet6", "lb_algo": "rr", "lb_kind": "DR", "neighbour_ip": "10.0.0.4",
    "nb_get_retry": "7",
}

# What else has to be there for a keyword to mean something.
BESIDE = {
    "persistence_granularity": "persistence_timeout 60", "hysteresis": "quorum 3",
    "persistence_engine": "protocol UDP\npersistence_timeout 60", "ops": "protocol UDP",
    "sorry_server_inhibit": "sorry_server 10.0.0.9 80",
    "sorry_server_lvs_method": "sorry_server 10.0.0.9 80", "omega": "quorum_up /usr/bin/true",
    "regex_options": "regex ok", "regex_no_match": "regex ok", "regex_min_offset": "regex ok",
    "regex_max_offset": "regex ok", "lthreshold": "uthreshold 9",
    "no_email_faults": "smtp_alert_vrrp", "min_reply_length": "require_reply",
    "max_reply_length": "require_reply", "startup_script_timeout": "startup_script /usr/bin/true",
    "shutdown_script_timeout": "shutdown_script /usr/bin/true",
    "notify_fifo_script": "notify_fifo /run/f", "nftables_priority": "nftables t",
    "nftables_ifindex": "nftables t", "nftables_counters": "nftables t",
    "vrrp_rx_bufs_multiplier": "vrrp_rx_bufs_policy MTU", "script_user": "",
    "vrrp_mcast_group6": "", ("real_server", "smtp_alert"): "",
}

# What is lost of nothing, and why.
NOTHING_LOST = {
    ("global_defs", "enable_script_security"): "Noria's VRRP always has it",
    ("global_defs", "dynamic_interfaces"): "Noria's VRRP always has it",
    ("global_defs", "no_checker_emails"): "nothing is sent about single checks",
    ("global_defs", "rs_init_notifies"): "the first verdict is told",
    ("bfd_instance", "weight"): "it is of VRRP",
    ("bfd_instance", "vrrp"): "who uses it says so",
    ("bfd_instance", "checker"): "who uses it says so",
    ("HTTP_GET|SSL_GET", "fast_recovery"): "all paths are asked for in one run",
    ("SSL_GET", "enable_sni"): "a name is always sent",
    ("FILE_CHECK", "dynamic"): "keepalived makes nothing of it",
}

CHECKS = {
    "CHECKER_TYPE": "TCP_CHECK {{\n{0}\n}}",
    "HTTP_GET|SSL_GET": "HTTP_GET {{\nurl {{\npath /\n}}\n{0}\n}}",
    "url": "HTTP_GET {{\nurl {{\npath /\n{0}\n}}\n}}",
    "SSL_GET": "SSL_GET {{\nurl {{\npath /\n}}\n{0}\n}}",
    "SSL": "SSL_GET {{\nurl {{\npath /\n}}\n}}",
    "MISC_CHECK": "MISC_CHECK {{\nmisc_path /usr/bin/true\n{0}\n}}",
    "BFD_CHECK": "BFD_CHECK {{\nname far\n{0}\n}}", "bfd_instance": "BFD_CHECK {{\nname far\n}}",
    "FILE_CHECK": "FILE_CHECK {{\ntrack_file load\n{0}\n}}",
    "track_file": "FILE_CHECK {{\ntrack_file load\n}}",
    **{kind: kind + " {{\n{0}\n}}" for kind in ("SMTP_CHECK", "DNS_CHECK", "UDP_CHECK")},
}
INSTANCE = """vrrp_instance V {
interface lo
virtual_router_id 1
virtual_ipaddress {
192.0.2.1
}
}
static_ipaddress {
192.0.2.9
}
"""


def configuration(block, lines, keyword):
    """keepalived.conf with some lines in a block."""
    check = CHECKS.get(block, CHECKS["CHECKER_TYPE"]).format(lines)
    if keyword == "virtualhost" and block in ("virtual_server", "real_server"):
        check = CHECKS["url"].format("")
    where = "fwmark 7" if keyword == "ip_family" else "192.0.2.1 80"

    def of(name):
        return lines if name == block else ""
    return f"""{of("")}
global_defs {{
{"" if keyword == "notification_email" else "notification_email { ops@example.org }"}
{of("global_defs")}
}}
track_file other {{
file /run/second
}}
track_file load {{
file /run/load
{of("track_file")}
}}
bfd_instance near {{
neighbor_ip 10.0.0.8
}}
bfd_instance far {{
neighbor_ip 10.0.0.3
{of("bfd_instance")}
}}
SSL {{
{of("SSL")}
}}
{INSTANCE if block == "global_defs" else ""}
virtual_server {where} {{
{of("virtual_server")}
real_server 10.0.0.2 80 {{
{of("real_server")}
{check}
}}
real_server 10.0.0.3 80 {{
}}
}}
"""


@functools.cache
def imported(kind, text):
    """Output and errors of noria-import for a file."""
    with tempfile.NamedTemporaryFile("w", prefix="noria.") as file:
        file.write(text)
        file.flush()
        done = run(kind, file.name)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout, done.stderr


def outcome(kind, text, line=None):
    """What is made of a file, and what is told of the one line."""
    made, errors = imported(kind, text)
    place = text.splitlines().index(line) + 1 if line else 0
    return made, re.findall(rf"^[^:]*:{place}: (.*)", errors, re.M)


def judge(mapped, told, name):
    """None if all is well with a keyword, or what is not."""
    if any("nothing like it" in words for words in told):
        return f"{name}: it is not said what to do instead: {told}"
    if not mapped and not told:
        return f"{name}: dropped silently"
    return None


def test_the_manual_page_is_read():
    assert len(WORDS) > 200
    for pair in (("global_defs", "lvs_flush"), ("virtual_server", "sorry_server_inhibit"),
                 ("real_server", "notify_up"), ("CHECKER_TYPE", "bind_port"), ("", "instance"),
                 ("url", "regex_stack"), ("UDP_CHECK", "require_reply"), ("SSL", "ca")):
        assert pair in WORDS, pair
    assert {block for block, _ in WORDS} == BLOCKS - {"virtual_server_group"}
    assert set(NOTHING_LOST) <= set(WORDS)


@pytest.mark.once  # the importer is run some hundred times
@pytest.mark.parametrize("block", sorted({block for block, _ in WORDS}))
def test_no_keyword_of_keepalived_is_dropped(block):
    wrong = []
    for keyword in (word for name, word in WORDS if name == block):
        value = VALUES.get((block, keyword), VALUES.get(keyword, ""))
        beside = BESIDE.get((block, keyword), BESIDE.get(keyword, ""))
        line = f"{keyword} {value}".strip()
        before, _ = outcome("keepalived", configuration(block, beside, keyword))
        after, told = outcome("keepalived", configuration(block, f"{beside}\n{line}", keyword),
                              line)
        why = NOTHING_LOST.get((block, keyword))
        if why and (after != before or told):
            wrong.append(f"{keyword}: is it that nothing is lost? {told}")
        elif not why:
            wrong.append(judge(after != before, told, keyword))
    assert not any(wrong), "\n".join(filter(None, wrong))


# ldirectord

OF_LDIRECTORD = dict.fromkeys(re.findall(
    r"^B<(\w+)\s*=", LDIRECTORD.read_text(encoding="utf-8"), re.M)) \
    if LDIRECTORD.exists() else {}

LD_VALUES = {
    "checktimeout": "7", "negotiatetimeout": "7", "checkinterval": "7", "checkcount": "7",
    "failurecount": "7", "autoreload": "yes", "callback": '"/usr/bin/true"',
    "fallback": "127.0.0.1:80", "fallbackcommand": "/usr/bin/true", "logfile": '"local0"',
    "emailalert": '"boss@example.org"', "emailalertfrom": "lb@example.org", "emailalertfreq": "7",
    "emailalertstatus": "none", "smtp": "192.0.2.25", "execute": '"other.cf"', "supervised": "yes",
    "fork": "yes", "quiescent": "no", "readdquiescent": "no", "cleanstop": "no",
    "maintenancedir": "/etc/down", "virtual": "192.0.2.2:80", "checktype": "4", "service": "ftp",
    "checkcommand": '"/usr/bin/probe"', "checkport": "7", "request": '"/x"', "receive": '"ok"',
    "httpmethod": "HEAD", "virtualhost": '"www.example"', "login": '"me"', "passwd": '"s3cret"',
    "database": '"d"', "secret": '"s3cret"', "scheduler": "rr", "persistent": "7",
    "netmask": "255.255.255.0", "protocol": "udp", "monitorfile": '"/f"', "ops": "yes",
    "servicename": "n", "comment": "c", "real": "10.0.0.9:80 gate", "schedflags": "sh-port",
    "load": '"x"',
}
LD_BESIDE = {"passwd": 'login="me"', "netmask": "persistent=60", "ops": "protocol=udp",
             "checkcommand": "checktype=external", "checkcount": "checktype=ping",
             "database": 'service=mysql\n\tlogin="me"',
             "secret": "service=radius", "checktimeout": "checktype=connect",
             "emailalert": "emailalertfreq=60"}
GLOBAL_ONLY = {"autoreload", "callback", "logfile", "execute", "supervised", "fork",
               "maintenancedir", "readdquiescent"}


def test_the_manual_page_of_ldirectord_is_read():
    assert set(OF_LDIRECTORD) <= set(LD_VALUES), set(OF_LDIRECTORD) - set(LD_VALUES)
    assert set(LD_VALUES) - set(OF_LDIRECTORD) == {"schedflags", "load"}  # not in the page


@pytest.mark.once  # the importer is run some hundred times
@pytest.mark.parametrize("where", ["all", "virtual"])
def test_no_keyword_of_ldirectord_is_dropped(where):
    wrong = []
    own = {"real", "virtual"} if where == "all" else GLOBAL_ONLY | {"virtual"}
    of_both = {"checktimeout", "negotiatetimeout", "checkinterval", "checkcount", "failurecount",
               "fallback", "fallbackcommand", "emailalert", "emailalertfrom", "emailalertfreq",
               "emailalertstatus", "smtp", "quiescent", "cleanstop"}
    for keyword, value in LD_VALUES.items():
        if keyword in own or (where == "all" and keyword not in of_both | GLOBAL_ONLY):
            continue
        line = f"{keyword}={value}"
        beside = LD_BESIDE.get(keyword)

        def text(line):
            of_all = line + "\n" if line and where == "all" else ""
            more = "".join(f"\t{one}\n" for one in (beside, line if where != "all" else None) if one)
            return ('emailalert="ops@example.org"\n' + of_all
                    + f"virtual=192.0.2.1:80\n\treal=10.0.0.2:80 gate\n{more}")
        before, _ = outcome("ldirectord", text(None))
        after, told = outcome("ldirectord", text(line),
                              line if where == "all" else "\t" + line)
        if not (keyword == "cleanstop" and told):
            wrong.append(judge(after != before, told, keyword))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_settings_of_all_hold_wherever_they_stand():
    text = "virtual=192.0.2.1:80\n\treal=10.0.0.2:80 gate # the first\n"
    first, _ = outcome("ldirectord", "checkinterval=7\n" + text)
    last, _ = outcome("ldirectord", text + "checkinterval=7\n")
    assert first == last and "<delay-loop>7" in first


def test_times_of_ldirectord_stand_in_for_each_other():
    def timeout(settings, of_all=""):
        made, _ = outcome("ldirectord", f"{of_all}\nvirtual=192.0.2.1:80\n"
                          f"\treal=10.0.0.2:80 gate\n{settings}")
        return re.search(r"<timeout>([\d.]+)<", made)[1]
    assert float(timeout("")) == 30
    assert float(timeout("", "checktimeout=7")) == 7
    assert float(timeout("\tchecktimeout=8", "negotiatetimeout=7")) == 8
    assert float(timeout("\tchecktype=connect", "negotiatetimeout=7")) == 7
    assert float(timeout("\tchecktype=connect")) == 5


def test_a_check_of_every_few_connections():
    made, told = outcome("ldirectord", "virtual=192.0.2.1:80\n\tchecktype=4\n"
                         "\treal=10.0.0.2:80 gate\n\tcheckinterval=3\n", "\tchecktype=4")
    text = re.sub(r">\s+<", "><", made)
    assert not told
    assert re.search(r"<name>connect</name><timeout>5(\.0)?</timeout><tcp/>", text), text
    assert re.search(r"<name>service</name><delay-loop>15(\.0)?</delay-loop><http>", text), text


def test_one_sender_for_all_e_mail():
    text = ('emailalert="ops@example.org"\nemailalertfrom=a@example.org\n'
            "virtual=192.0.2.1:80\n\treal=10.0.0.2:80 gate\n"
            "virtual=192.0.2.2:80\n\treal=10.0.0.2:80 gate\n\temailalertfrom=b@example.org\n")
    made, told = outcome("ldirectord", text, "\temailalertfrom=b@example.org")
    assert "<from>a@example.org</from>" in made
    assert told == ["emailalertfrom: it is one for all e-mail, here a@example.org"]


def test_what_one_real_server_has_of_its_own():
    text = """virtual_server 192.0.2.1 80 {
real_server 10.0.0.2 80 {
inhibit_on_failure
notify_up /usr/bin/true
snmp_name first
TCP_CHECK {
}
}
real_server 10.0.0.3 80 {
notify_up /usr/bin/false
TCP_CHECK {
}
}
}
"""
    made, _ = outcome("keepalived", text)
    text = re.sub(r">\s+<", "><", made)
    assert "<description>first</description>" in text
    assert re.search(r"10\.0\.0\.2.*<on-failure>inhibit</on-failure>"
                     r"<notify-up>/usr/bin/true</notify-up>.*10\.0\.0\.3.*"
                     r"<notify-up>/usr/bin/false</notify-up>", text), text
    assert text.count("<on-failure>") == 1
