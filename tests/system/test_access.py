"""Access control (RFC 8341) over SSH: an administrator, an operator, a reader and a stranger."""

import re
import subprocess

import pytest
from ncclient import manager
from ncclient.operations import RPCError

from daemon import AGENT, NACM, PERMIT_ADMIN, nacm
from netconf import BASE, NULL, RpcError, item, items

HASH = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True, capture_output=True,
                      text=True).stdout.strip()
USERS = "".join(f"<user><name>{name}</name><password>{HASH}</password></user>"
                for name in ("admin", "operator", "reader", "stranger"))
GROUPS = "".join(f"<group><name>{name}</name><user-name>{name}</user-name></group>"
                 for name in ("operator", "reader"))
RULES = """
<rule-list><name>operators</name><group>operator</group>
  <rule><name>items</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item[nn:name='mine']</path>
    <action>permit</action></rule>
  <rule><name>values</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item/nn:value</path>
    <access-operations>update</access-operations><action>permit</action></rule>
  <rule><name>lock</name><rpc-name>lock</rpc-name><action>deny</action></rule>
</rule-list>
<rule-list><name>readers</name><group>reader</group>
  <rule><name>hidden</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item[nn:name='hidden']</path>
    <action>deny</action></rule>
  <rule><name>values</name><path xmlns:nn="urn:noria:yang:noria-null">/nn:null/nn:item/nn:value</path>
    <access-operations>read</access-operations><action>deny</action></rule>
  <rule><name>no-edits</name><module-name>ietf-netconf</module-name><rpc-name>edit-config</rpc-name>
    <action>deny</action></rule>
</rule-list>"""


@pytest.fixture(name="daemon")
def fixture_daemon(daemon_factory):
    daemon = daemon_factory(start=False, null=True)
    daemon.config.write_text(daemon.default_configuration(USERS) + nacm(GROUPS, RULES))
    daemon.start()
    with daemon.session() as root:
        root.set(items(item("open", "<value>shown</value>") + item("hidden", "<value>h</value>") +
                       item("mine", "<value>m</value>")))
    return daemon


@pytest.fixture(name="login")
def fixture_login(daemon):
    """Log in as a user; sessions end with the test."""
    opened = []

    def login(user):
        client = manager.connect(host="127.0.0.1", port=daemon.ssh_port, hostkey_verify=False,
                                 timeout=120, username=user, password="secret", allow_agent=False,
                                 look_for_keys=False)
        opened.append(client)
        return client

    yield login
    for client in opened:
        if client.connected:
            client.close_session()


def edit(client, config, target="running", **options):
    client.edit_config(f'<config xmlns="{BASE}" xmlns:nc="{BASE}">{config}</config>',
                       target=target, **options)


def denied(function, *arguments, **options):
    """What access-denied says of a call: its path."""
    with pytest.raises(RPCError) as refused:
        function(*arguments, **options)
    assert refused.value.tag == "access-denied", f"{refused.value}: {arguments[1:]}"
    return refused.value.path


def counters(daemon):
    with daemon.session() as root:
        return [int(root.get(f"nacm/denied-{what}")[0])
                for what in ("operations", "data-writes", "notifications")]


def test_an_administrator_may_do_everything(login):
    admin = login("admin")
    data = admin.get_config("running").data_xml
    assert HASH in data and "<community" in data and "<rule-list" in data and ">h<" in data
    assert "denied-operations" in admin.get().data_xml
    edit(admin, items(item("new", "<value>v</value>")), "candidate")
    admin.commit()
    assert ">new<" in admin.get_config("running").data_xml


@pytest.mark.parametrize("user", ["operator", "reader", "stranger"])
@pytest.mark.parametrize("get", ["get", "get_config"])
def test_secrets_are_the_administrators(login, user, get):
    client = login(user)
    ask = client.get if get == "get" else lambda **o: client.get_config("running", **o)
    data = ask().data_xml
    assert f"<name>{user}</name>" in data, "users themselves are no secret"
    for what in ("$6$", "<password", "<community", ">public<", "<rule-list", "denied-"):
        assert what not in data, what
    filters = [("subtree", f'<snmp-agent xmlns="{AGENT}"><community/></snmp-agent>'),
               ("subtree", f'<nacm xmlns="{NACM}"/>'),
               ("xpath", ({"a": AGENT}, "/a:snmp-agent/a:community")),
               ("xpath", ({"a": AGENT}, "/a:netconf-server/a:user/a:password"))]
    for filter_ in filters:
        data = ask(filter=filter_).data_xml
        assert ">public<" not in data and "$6$" not in data and "<groups" not in data, filter_


def test_what_cannot_be_read_is_silently_left_out(login):
    reader = login("reader")
    for data in (reader.get_config("running").data_xml, reader.get().data_xml,
                 reader.get(filter=("subtree", f'<null xmlns="{NULL}"/>')).data_xml):
        assert ">open<" in data and ">mine<" in data
        assert "hidden" not in data and "<value" not in data
    named = f'<null xmlns="{NULL}"><item><name>hidden</name></item></null>'
    assert "item" not in reader.get_config("running", filter=("subtree", named)).data_xml
    assert "<held>shown</held>" in reader.get().data_xml, "state that no rule denies is shown"


@pytest.mark.parametrize("xpath", ["/n:null/n:item[n:value='shown']", "/n:null/n:item[n:value]",
                                   "/n:null[n:item='hidden']/n:item",
                                   "/n:null/n:item[n:name='hidden']",
                                   "/a:snmp-agent[a:community/a:name='public']",
                                   "/a:netconf-server/a:user[starts-with(a:password, '$6$')]",
                                   "/n:null/n:item[count(//a:community) > 0]",
                                   "//n:item[//a:password]"])
def test_a_predicate_does_not_leak(login, xpath):
    names = {"n": NULL, "a": AGENT}
    for data in (login("reader").get_config("running", filter=("xpath", (names, xpath))).data_xml,
                 login("reader").get(filter=("xpath", (names, xpath))).data_xml):
        assert "<name>" not in data and "listen" not in data, data
    if "a:" in xpath or "value" in xpath or "='hidden'" in xpath and "item[" in xpath:
        data = login("admin").get_config("running", filter=("xpath", (names, xpath))).data_xml
        assert "<name>" in data, "the administrator gets something"


def test_a_subtree_content_match_does_not_leak(login):
    match = f'<null xmlns="{NULL}"><item><name/><value>shown</value></item></null>'
    assert "open" not in login("reader").get_config("running", filter=("subtree", match)).data_xml
    assert "open" in login("operator").get_config("running", filter=("subtree", match)).data_xml


def test_an_operator_changes_what_is_his(daemon, login):
    operator = login("operator")
    edit(operator, items(item("mine", "<delay>1</delay>")))
    edit(operator, items(item("mine", operation="delete")))
    edit(operator, items(item("mine", "<value>again</value>")))
    edit(operator, items(item("open", "<value>changed</value>")))
    with daemon.session() as root:
        assert root.get("null/item/value") == ["h", "again", "changed"]


@pytest.mark.parametrize("target", ["running", "candidate"])
def test_an_operator_changes_nothing_else(daemon, login, target):
    operator = login("operator")
    before = counters(daemon)
    with daemon.session() as root:
        data = root.data("running")
    path = "/noria-null:null/item[name='{}']"
    cases = [
        (items(item("other")), path.format("other")),
        (items(item("open", operation="delete")), path.format("open")),
        (items(item("open", "<delay>1</delay>")), path.format("open") + "/delay"),
        (items(item("open", '<value nc:operation="delete"/>')), path.format("open") + "/value"),
        (items(item("open", "<value>x</value>") + item("other")), path.format("other")),
        (f'<null xmlns="{NULL}" nc:operation="remove"/>', None),
        (f'<nacm xmlns="{NACM}"><enable-nacm>false</enable-nacm></nacm>',
         "/ietf-netconf-acm:nacm/enable-nacm"),
        (f'<nacm xmlns="{NACM}"><groups><group><name>admin</name><user-name>operator</user-name>'
         "</group></groups></nacm>", "/ietf-netconf-acm:nacm/groups/group"),
        (f'<netconf-server xmlns="{AGENT}"><user><name>operator</name><password>$6$x</password>'
         "</user></netconf-server>", "/noria-agent:netconf-server/user/password"),
        (f'<snmp-agent xmlns="{AGENT}"><community><name>mine</name></community></snmp-agent>',
         "/noria-agent:snmp-agent/community"),
    ]
    for config, where in cases:
        found = denied(edit, operator, config, target)
        assert where is None or found == where or found.startswith(where + "/"), found
    with daemon.session() as root:
        assert root.data("running") == data and root.data("candidate") == data
    assert counters(daemon) == [before[0], before[1] + len(cases), before[2]]
    log = daemon.log()
    assert "user operator may not create /noria-null:null/item[name='other']" in log
    assert "public" not in log and HASH not in log


def test_what_is_not_changed_needs_no_right(login):
    operator = login("operator")
    edit(operator, items(item("open", "<value>shown</value>") + item("hidden")))
    edit(operator, items(item("open")), default_operation="none")
    edit(operator, items(item("nobody", operation="remove")))


def test_presence_is_not_told(login):
    community = ('<snmp-agent xmlns="{}"><community nc:operation="{}"><name>{}</name></community>'
                 "</snmp-agent>")
    for operation in ("create", "delete"):
        for name in ("public", "guess"):
            assert denied(edit, login("stranger"), community.format(AGENT, operation, name)) == \
                "/noria-agent:snmp-agent/community"


def test_a_commit_is_checked_for_what_it_changes(daemon, login):
    operator = login("operator")
    with daemon.session() as root:
        root.edit(items(item("others", "<value>o</value>")))
        assert denied(operator.commit) == "/noria-null:null/item[name='others']"
        assert ">others<" not in root.data("running")
        root.rpc("<discard-changes/>")
        root.edit(items(item("open", "<value>by root</value>")))
    edit(operator, items(item("mine", "<value>by me</value>")), "candidate")
    operator.commit()
    with daemon.session() as root:
        assert root.get("null/item/value") == ["h", "by me", "by root"]


def test_a_copy_leaves_out_what_cannot_be_read(daemon, login):
    admin, operator = login("admin"), login("operator")
    edit(admin, items(item("extra")), "candidate")
    # He would delete what he cannot read.
    assert denied(operator.copy_config, "candidate", "running")
    assert denied(operator.copy_config, "running", "candidate")
    admin.copy_config("candidate", "running")
    assert ">extra<" in admin.get_config("running").data_xml
    assert HASH in admin.get_config("running").data_xml
    edit(admin, items(item("extra", operation="delete")), "candidate")
    admin.copy_config("running", "candidate")
    with daemon.session() as root:
        assert root.data("running") == root.data("candidate")


def test_operations_are_denied(daemon, login):
    operator, reader = login("operator"), login("reader")
    before = counters(daemon)
    assert denied(operator.lock, "candidate") == "/ietf-netconf:rpc/ietf-netconf:lock"
    assert denied(edit, reader, items(item("x"))) == "/ietf-netconf:rpc/ietf-netconf:edit-config"
    for client in (operator, reader, login("stranger")):
        assert denied(client.kill_session, "1").endswith(":kill-session")
    assert counters(daemon) == [before[0] + 5, *before[1:]]
    with reader.locked("candidate"):
        pass
    reader.validate("running")
    reader.discard_changes()
    login("admin").kill_session(reader.session_id)


def test_validate_is_for_everyone_and_test_only_for_those_who_may(login):
    operator = login("operator")
    edit(operator, items(item("mine", "<value>t</value>")), "candidate", test_option="test-only")
    denied(edit, operator, items(item("x")), "candidate", test_option="test-only")
    operator.validate("candidate")


def test_close_session_is_for_everyone(daemon, login):
    with daemon.session() as root:
        root.set(f'<nacm xmlns="{NACM}"><exec-default>deny</exec-default></nacm>')
    stranger = login("stranger")
    denied(stranger.get)
    assert stranger.close_session().ok


def test_notifications_are_kept_from_those_who_may_not_read_them(daemon, login):
    with daemon.session() as root:
        root.set(nacm(GROUPS, """
<rule-list><name>kept</name><group>reader</group>
  <rule><name>changes</name><module-name>ietf-netconf-notifications</module-name>
    <notification-name>netconf-config-change</notification-name><action>deny</action></rule>
</rule-list>"""))
        subscribers = login("reader"), login("admin")
        for client in subscribers:
            client.create_subscription()
        before = counters(daemon)
        root.set(items(item("new")))
        root.rpc(f'<emit-self-test xmlns="{AGENT}"/>')
        reads, all_there_is = [list(iter(lambda client=client: received(client), "self-test"))
                               for client in subscribers]
    assert "netconf-config-change" in all_there_is
    assert [name for name in all_there_is if name != "netconf-config-change"] == reads
    assert counters(daemon) == [*before[:2], before[2] + 1]


def test_white_space_before_a_path_is_none_of_it(daemon, login):
    with daemon.session() as root:
        root.set(nacm(GROUPS, """
<rule-list><name>all</name><group>reader</group>
  <rule><name>all</name><path xmlns:nn="urn:noria:yang:noria-null">""" + " \n" * 3000 +
                      "/nn:null</path><action>deny</action></rule></rule-list>"))
        assert "<null" not in login("reader").get_config("running").data_xml
        root.set(nacm(GROUPS, "<rule-list><name>all</name><rule><name>all</name><comment>kept"
                              "</comment><action>deny</action></rule></rule-list>"))
    daemon.stop()
    daemon.start()
    assert "<null" not in login("reader").get_config("running").data_xml


def received(client):
    """The name of the next notification."""
    notification = client.take_notification(timeout=120)
    assert notification, "a notification is missing"
    return re.search(r"</(?:\w+:)?eventTime>\s*<(?:\w+:)?([\w-]+)",
                     notification.notification_xml).group(1)


def test_rules_count_from_the_next_request_on(daemon, login):
    stranger = login("stranger")
    denied(edit, stranger, items(item("x")))
    with daemon.session() as root:
        root.set(f'<nacm xmlns="{NACM}"><groups><group><name>admin</name>'
                 "<user-name>stranger</user-name></group></groups></nacm>")
        edit(stranger, items(item("x")))
        root.set(f'<nacm xmlns="{NACM}"><groups><group><name>admin</name>'
                 '<user-name nc:operation="delete">stranger</user-name></group></groups></nacm>')
        denied(edit, stranger, items(item("y")))
        root.set(f'<nacm xmlns="{NACM}"><enable-nacm>false</enable-nacm></nacm>')
        edit(stranger, items(item("y")))
        assert HASH in stranger.get_config("running").data_xml
        root.set(f'<nacm xmlns="{NACM}"><read-default>deny</read-default>'
                 "<enable-nacm>true</enable-nacm></nacm>")
        assert "<name>" not in stranger.get().data_xml
        root.rpc("<commit/>")


def test_a_commit_that_fails_leaves_the_rules(daemon, login):
    with daemon.session() as root:
        with pytest.raises(RpcError):
            root.edit(items(item("bad", "<apply>fail</apply>")) +
                      f'<nacm xmlns="{NACM}"><write-default>permit</write-default></nacm>',
                      target="running")
    denied(edit, login("stranger"), items(item("x")))


def test_an_administrator_who_is_shut_out_is_let_in_by_root(daemon, login):
    admin = login("admin")
    with daemon.session() as root:
        root.set(f'<nacm xmlns="{NACM}"><rule-list nc:operation="delete"><name>admin</name>'
                 "</rule-list></nacm>")
        denied(edit, admin, items(item("x")))
        root.set(PERMIT_ADMIN)
    edit(admin, items(item("x")))


RULE = ('<nacm xmlns="{}"><rule-list><name>r</name><rule><name>x</name>{}<action>permit</action>'
        "</rule></rule-list></nacm>")


@pytest.mark.parametrize("path", ["/nn:nothing", "/nn:null/nn:item[nn:value='x']", "null",
                                  "/nn:null/nn:item[1]", "/nn:null//nn:item"])
def test_a_rule_whose_path_leads_nowhere_is_refused(daemon, path):
    rule = RULE.format(NACM, f'<path xmlns:nn="{NULL}">{path}</path>')
    with daemon.session() as root:
        root.edit(rule)
        for operation in ("<validate><source><candidate/></source></validate>", "<commit/>"):
            with pytest.raises(RpcError) as refused:
                root.rpc(operation)
            assert refused.value.tag == "invalid-value"
            assert refused.value.path == \
                "/ietf-netconf-acm:nacm/rule-list[name='r']/rule[name='x']/path"


@pytest.mark.parametrize("content", ["<colour/>", "<access-operations>fly</access-operations>",
                                     "<module-name/><rpc-name>a</rpc-name>"
                                     "<notification-name>b</notification-name>"])
def test_a_rule_that_is_no_rule_is_refused(daemon, content):
    with daemon.session() as root:
        with pytest.raises(RpcError):
            root.set(RULE.format(NACM, content))


def test_rules_and_their_order_survive_a_restart(daemon, login):
    with daemon.session() as root:
        root.set(f'<nacm xmlns="{NACM}"><rule-list xmlns:yang="urn:ietf:params:xml:ns:yang:1" '
                 'yang:insert="first"><name>zz</name><group>*</group><rule><name>mine</name>'
                 f'<path xmlns:a="{AGENT}">/a:netconf-server/a:user[a:name=$USER]/a:password</path>'
                 "<action>permit</action></rule></rule-list></nacm>")
        before = root.data("running")
    assert re.findall(r"<rule-list[^>]*><name>(\w+)<", before) == \
        ["zz", "admin", "operators", "readers"]
    daemon.stop()
    daemon.start()
    with daemon.session() as root:
        assert root.data("running") == before
    assert login("reader").get_config("running").data_xml.count("<password") == 1, "his own"
    denied(edit, login("operator"), items(item("other")))


def test_a_start_with_bad_rules_says_where(daemon_factory):
    daemon = daemon_factory(start=False)
    daemon.config.write_text(daemon.default_configuration() + RULE.format(
        NACM, f'<path xmlns:a="{AGENT}">/a:nothing</path>'))
    ended = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=120,
                           check=False)
    assert ended.returncode == 1 and "no such node" in ended.stderr, ended.stderr
