/*
 * From configuration to IPVS: what each leaf becomes, and what is refused.
 */
#include "tests/unit/given.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/desired.h"

#include <cmocka.h> /* its macro fail() hides agent/outcome.h's function */

#define XPATH "/noria-virtual-server:virtual-servers/virtual-server[name='v']"

/* A valid entry, named v, with these children. */
static struct entry *entry_of(const char *children)
{
    char *xml = NULL;
    struct error err = {0};
    struct lyd_node *tree = NULL;
    struct entry *raw, *valid = NULL;

    assert_true(asprintf(&xml,
                         "<virtual-servers xmlns='urn:noria:yang:noria-virtual-server'>"
                         "<virtual-server><name>v</name>%s</virtual-server></virtual-servers>",
                         children) > 0);
    if (lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0, &tree))
        fail_msg("%s: %s", xml, ly_errmsg(schema->ctx));
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    assert_non_null(unit);
    assert_int_equal(entry_new(unit, tree, NULL, &raw, &err), DONE);
    if (entry_validate(schema, raw, &valid, &err) != DONE)
        fail_msg("%s: %s", xml, error_message(&err));
    entry_unref(raw);
    free(xml);
    return valid;
}

/* The one service that these children ask for; the entry is kept for its nodes. */
static struct ipvs_table table_of(const char *children, struct entry **entry)
{
    struct ipvs_table table = {0};
    struct error err = {0};
    *entry = entry_of(children);
    if (ipvs_desired(*entry, &table, &err) != DONE)
        fail_msg("%s: %s", err.path, error_message(&err));
    return table;
}

static void let_go(struct ipvs_table *table, struct entry *entry)
{
    ipvs_table_clear(table);
    entry_unref(entry);
}

/* These children are refused at a path, with a message that has a word in it. */
static void refused(const char *children, const char *path, const char *word)
{
    struct ipvs_table table = {0};
    struct error err = {0};
    struct entry *entry = entry_of(children);
    assert_int_equal(ipvs_desired(entry, &table, &err), REFUSED);
    assert_int_equal(err.tag, TAG_INVALID_VALUE);
    assert_string_equal(err.path, path);
    assert_non_null(strstr(error_message(&err), word));
    assert_int_equal(table.count, 0);
    error_clear(&err);
    let_go(&table, entry);
}

#define WEB "<address>192.0.2.1</address><port>80</port>"
#define WEB6 "<address>2001:db8::1</address><port>80</port>"
#define REAL(address, port, more)                                                                  \
    "<real-server><address>" address "</address><port>" port "</port>" more "</real-server>"

static void defaults(void **state)
{
    struct entry *entry;
    struct ipvs_table table = table_of(WEB REAL("10.0.0.1", "0", ""), &entry);
    assert_int_equal(table.count, 1);
    const struct ipvs_service *service = &table.services[0];
    char text[IPVS_TEXT_SIZE];

    assert_string_equal(ipvs_service_text(&service->id, text), "tcp 192.0.2.1:80");
    assert_string_equal(service->scheduler, "wlc");
    assert_string_equal(service->engine, "");
    assert_int_equal(service->flags, 0);
    assert_int_equal(service->timeout, 0);
    assert_int_equal(service->netmask, 0xffffffff);
    assert_ptr_equal(service->node, entry->node);
    assert_int_equal(service->count, 1);

    const struct ipvs_destination *real = &service->destinations[0];
    assert_string_equal(ipvs_destination_text(&real->id, text), "10.0.0.1:80");
    assert_int_equal(real->method, IP_VS_CONN_F_MASQ);
    assert_int_equal(real->weight, 1);
    assert_int_equal(real->upper_threshold, 0);
    assert_string_equal(real->node->schema->name, "real-server");
    let_go(&table, entry);
}

static void every_leaf(void **state)
{
    struct entry *entry;
    struct ipvs_table table = table_of(
        "<address>192.0.2.1</address><port>5060</port><protocol>udp</protocol>"
        "<scheduler>mh</scheduler><scheduler-flags>port fallback</scheduler-flags>"
        "<forwarding-method>dr</forwarding-method><one-packet>true</one-packet>"
        "<persistence><timeout>60</timeout><prefix-length>24</prefix-length><engine>sip</engine>"
        "</persistence>" REAL("10.0.0.1", "5060",
                              "<weight>7</weight><upper-threshold>100</upper-threshold>"
                              "<lower-threshold>50</lower-threshold>")
            REAL("10.0.0.2", "5060", "<enabled>false</enabled>"),
        &entry);
    const struct ipvs_service *service = &table.services[0];

    assert_int_equal(service->id.protocol, IPPROTO_UDP);
    assert_string_equal(service->scheduler, "mh");
    assert_string_equal(service->engine, "sip");
    assert_int_equal(service->flags, IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 |
                                         IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET);
    assert_int_equal(service->timeout, 60);
    assert_int_equal(service->netmask, htonl(0xffffff00));
    assert_int_equal(service->count, 1);
    assert_int_equal(service->destinations[0].method, IP_VS_CONN_F_DROUTE);
    assert_int_equal(service->destinations[0].weight, 7);
    assert_int_equal(service->destinations[0].upper_threshold, 100);
    assert_int_equal(service->destinations[0].lower_threshold, 50);
    let_go(&table, entry);
}

static void ipv6_has_a_prefix_length(void **state)
{
    struct entry *entry;
    char text[IPVS_TEXT_SIZE];
    struct ipvs_table table = table_of(WEB6 REAL("2001:DB8::A", "8080", ""), &entry);
    const struct ipvs_service *service = &table.services[0];
    assert_string_equal(ipvs_service_text(&service->id, text), "tcp [2001:db8::1]:80");
    assert_string_equal(ipvs_destination_text(&service->destinations[0].id, text),
                        "[2001:db8::a]:8080");
    assert_int_equal(service->netmask, 128);
    let_go(&table, entry);

    table = table_of(WEB6 "<persistence><prefix-length>64</prefix-length></persistence>", &entry);
    assert_int_equal(table.services[0].netmask, 64);
    assert_int_equal(table.services[0].timeout, 300);
    let_go(&table, entry);
}

static void marks_have_no_address(void **state)
{
    struct entry *entry;
    char text[IPVS_TEXT_SIZE];
    struct ipvs_table table =
        table_of("<firewall-mark>7</firewall-mark>"
                 "<address-family>ipv6</address-family>" REAL("fd00::1", "0", ""),
                 &entry);
    const struct ipvs_service *service = &table.services[0];
    assert_string_equal(ipvs_service_text(&service->id, text), "ipv6 mark 7");
    assert_int_equal(service->id.protocol, 0);
    assert_int_equal(service->destinations[0].id.port, 0);
    let_go(&table, entry);
}

static void what_is_not_enabled_is_absent(void **state)
{
    struct entry *entry;
    struct ipvs_table table =
        table_of("<enabled>false</enabled>" WEB REAL("10.0.0.1", "80", ""), &entry);
    assert_int_equal(table.count, 0);
    let_go(&table, entry);
}

#define GUE "<tunnel><type>gue</type><port>6080</port><checksum>remote</checksum></tunnel>"

static void tunnels_are_inherited(void **state)
{
    struct entry *entry;
    struct ipvs_table table = table_of(
        WEB "<forwarding-method>tun</forwarding-method>" GUE REAL("10.0.0.1", "80", "")
            REAL("10.0.0.2", "80", "<forwarding-method>tun</forwarding-method>")
                REAL("10.0.0.3", "80", "<tunnel><type>gre</type><checksum>full</checksum></tunnel>")
                    REAL("10.0.0.4", "80", "<forwarding-method>nat</forwarding-method>"),
        &entry);
    const struct ipvs_destination *real = table.services[0].destinations;
    assert_int_equal(table.services[0].count, 4);
    /* Nothing of its own: the virtual server's. */
    assert_int_equal(real[0].tunnel_type, IP_VS_CONN_F_TUNNEL_TYPE_GUE);
    assert_int_equal(real[0].tunnel_port, 6080);
    assert_int_equal(real[0].tunnel_flags, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM);
    /* Its own method, and so its own tunnel, which is the default one. */
    assert_int_equal(real[1].method, IP_VS_CONN_F_TUNNEL);
    assert_int_equal(real[1].tunnel_type, IP_VS_CONN_F_TUNNEL_TYPE_IPIP);
    assert_int_equal(real[1].tunnel_port, 0);
    /* Its own tunnel. */
    assert_int_equal(real[2].tunnel_type, IP_VS_CONN_F_TUNNEL_TYPE_GRE);
    assert_int_equal(real[2].tunnel_flags, IP_VS_TUNNEL_ENCAP_FLAG_CSUM);
    /* No tunnel at all. */
    assert_int_equal(real[3].method, IP_VS_CONN_F_MASQ);
    assert_int_equal(real[3].tunnel_type, 0);
    assert_int_equal(real[3].tunnel_port, 0);
    let_go(&table, entry);
}

static void families_mix_by_tun_alone(void **state)
{
    struct entry *entry;
    struct ipvs_table table =
        table_of(WEB REAL("fd00::1", "80", "<forwarding-method>tun</forwarding-method>"), &entry);
    assert_int_equal(table.services[0].destinations[0].id.family, AF_INET6);
    let_go(&table, entry);

    refused(WEB REAL("fd00::1", "80", "<forwarding-method>nat</forwarding-method>"),
            XPATH "/real-server[address='fd00::1'][port='80']/forwarding-method", "nat cannot");
    refused(WEB "<forwarding-method>dr</forwarding-method>" REAL("10.0.0.1", "80", "")
                REAL("fd00::1", "80", ""),
            XPATH "/real-server[address='fd00::1'][port='80']/forwarding-method", "dr cannot");
    refused(WEB6 REAL("10.0.0.1", "80", ""),
            XPATH "/real-server[address='10.0.0.1'][port='80']/forwarding-method", "IPv6");
}

static void gue_needs_a_port(void **state)
{
    refused(WEB "<forwarding-method>tun</forwarding-method><tunnel><type>gue</type></tunnel>" REAL(
                "10.0.0.1", "80", ""),
            XPATH "/tunnel/port", "port");
    refused(WEB REAL("10.0.0.1", "80",
                     "<forwarding-method>tun</forwarding-method>"
                     "<tunnel><type>gue</type></tunnel>"),
            XPATH "/real-server[address='10.0.0.1'][port='80']/tunnel/port", "port");

    /* It does not matter where there is no tunnel. */
    struct entry *entry;
    struct ipvs_table table =
        table_of(WEB "<tunnel><type>gue</type></tunnel>" REAL("10.0.0.1", "80", ""), &entry);
    assert_int_equal(table.services[0].destinations[0].tunnel_type, 0);
    let_go(&table, entry);
}

static void twins_are_refused(void **state)
{
    refused(WEB REAL("10.0.0.1", "80", "") REAL("10.0.0.2", "80", "") REAL("10.0.0.1", "0", ""),
            XPATH "/real-server[address='10.0.0.1'][port='0']", "10.0.0.1:80");

    struct entry *entry;
    struct ipvs_table table = table_of(
        WEB REAL("10.0.0.1", "80", "") REAL("10.0.0.1", "0", "<enabled>false</enabled>"), &entry);
    assert_int_equal(table.services[0].count, 1);
    let_go(&table, entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_leaf),
        cmocka_unit_test(ipv6_has_a_prefix_length),
        cmocka_unit_test(marks_have_no_address),
        cmocka_unit_test(what_is_not_enabled_is_absent),
        cmocka_unit_test(tunnels_are_inherited),
        cmocka_unit_test(families_mix_by_tun_alone),
        cmocka_unit_test(gue_needs_a_port),
        cmocka_unit_test(twins_are_refused),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
