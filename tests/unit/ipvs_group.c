/*
 * From the members of a group to the services of the kernel, and their sum.
 */
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/schema.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/group_sum.h"

#include <cmocka.h> /* its macro fail() hides agent/outcome.h's function */

/* A virtual server with these children; its tree is to be freed with lyd_free_all(). */
static struct lyd_node *server_of(const char *children)
{
    char *xml = NULL;
    struct lyd_node *tree = NULL;
    assert_true(asprintf(&xml,
                         "<virtual-servers xmlns='urn:noria:yang:noria-virtual-server'>"
                         "<virtual-server><name>v</name>%s</virtual-server></virtual-servers>",
                         children) > 0);
    if (lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0, &tree))
        fail_msg("%s: %s", xml, ly_errmsg(schema->ctx));
    free(xml);
    return lyd_child(tree);
}

#define MEMBER(name, content) "<member><name>" name "</name>" content "</member>"
#define RANGE(first, last)                                                                         \
    "<address>" first "</address><last-address>" last "</last-address><port>80</port>"
#define NETWORK(address, length)                                                                   \
    "<address>" address "</address><prefix-length>" length "</prefix-length><port>80</port>"

/* What members become: the first and the last service, and how many; or a word of the refusal. */
static const struct {
    const char *members;
    size_t count;
    const char *first, *last;
    const char *refusal;
} cases[] = {
    {MEMBER("a", "<address>10.0.0.1</address><port>80</port>"), 1, "tcp 10.0.0.1:80",
     "tcp 10.0.0.1:80"},
    {MEMBER("a", RANGE("10.0.0.254", "10.0.1.1")), 4, "tcp 10.0.0.254:80", "tcp 10.0.1.1:80"},
    {MEMBER("a", RANGE("10.0.0.1", "10.0.0.1")), 1, "tcp 10.0.0.1:80", "tcp 10.0.0.1:80"},
    {MEMBER("a", NETWORK("10.0.0.6", "30")), 4, "tcp 10.0.0.4:80", "tcp 10.0.0.7:80"},
    {MEMBER("a", NETWORK("10.7.0.6", "16")), 65536, "tcp 10.7.0.0:80", "tcp 10.7.255.255:80"},
    {MEMBER("a", RANGE("255.255.255.254", "255.255.255.255")), 2, "tcp 255.255.255.254:80",
     "tcp 255.255.255.255:80"},
    {MEMBER("a", RANGE("fd00::ffff", "fd00::1:1")), 3, "tcp [fd00::ffff]:80", "tcp [fd00::1:1]:80"},
    {MEMBER("a", "<firewall-mark>7</firewall-mark>")
         MEMBER("b", "<firewall-mark>7</firewall-mark><address-family>ipv6</address-family>"),
     2, "ipv4 mark 7", "ipv6 mark 7"},
    {MEMBER("a", RANGE("10.0.0.2", "10.0.0.1")), .refusal = "exchange"},
    {MEMBER("a", RANGE("10.0.0.2", "fd00::1")), .refusal = "family"},
    {MEMBER("a", RANGE("10.0.0.0", "10.1.0.0")), .refusal = "65536"},
    {MEMBER("a", NETWORK("10.7.0.6", "16")) MEMBER("b", "<firewall-mark>7</firewall-mark>"),
     .refusal = "65536"},
    {MEMBER("a", RANGE("10.0.0.1", "10.0.0.5")) MEMBER("b", RANGE("10.0.0.5", "10.0.0.6")),
     .refusal = "tcp 10.0.0.5:80"},
};

static void members_become_services(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lyd_node *server = server_of(cases[i].members);
        struct ipvs_ids ids;
        struct error err = {0};
        char text[IPVS_TEXT_SIZE];
        enum outcome outcome = ipvs_ids_of(server, &ids, &err);
        assert_int_equal(outcome, cases[i].refusal ? REFUSED : DONE);
        if (cases[i].refusal) {
            assert_non_null(strstr(error_message(&err), cases[i].refusal));
            assert_non_null(strstr(err.path, "virtual-server[name='v']"));
        } else {
            assert_int_equal(ids.count, cases[i].count);
            assert_string_equal(ipvs_service_text(&ids.list[0], text), cases[i].first);
            assert_string_equal(ipvs_service_text(&ids.list[ids.count - 1], text), cases[i].last);
        }
        error_clear(&err);
        ipvs_ids_clear(&ids);
        lyd_free_all(server);
    }
}

/* Give a table a service of a member that has two real servers with this many connections. */
static void hold(struct ipvs_table *table, const struct ipvs_service_id *id, uint32_t connections)
{
    struct ipvs_service *service = ipvs_table_add(table);
    assert_non_null(service);
    service->id = *id;
    service->statistics.connections = connections;
    for (uint16_t port = 0; port < 2; port++) {
        struct ipvs_destination *destination = ipvs_service_add(service);
        assert_non_null(destination);
        destination->id = (struct ipvs_destination_id){
            .family = AF_INET, .port = port ? 8080 : id->port, .address = {10, 9, 9, 9}};
        destination->active = connections;
        destination->weight = 5;
    }
}

static void the_sum_has_each_real_server_once(void **state)
{
    struct lyd_node *server =
        server_of(MEMBER("a", "<address>10.0.0.1</address><port>80</port>")
                      MEMBER("b", "<address>10.0.0.1</address><port>443</port>")
                          MEMBER("c", "<address>10.0.0.2</address><port>80</port>"));
    struct ipvs_table table = {0};
    struct ipvs_index index;
    struct ipvs_ids ids;
    struct ipvs_group_sum sum;
    assert_int_equal(ipvs_ids_of(server, &ids, NULL), DONE);
    hold(&table, &ids.list[0], 3);
    hold(&table, &ids.list[1], 4);
    assert_true(ipvs_index_make(&table, &index));
    assert_true(ipvs_group_sum(server, &index, &sum));
    assert_int_equal(sum.wanted, 3);
    assert_int_equal(sum.present, 2);
    assert_int_equal(sum.service.statistics.connections, 7);
    assert_int_equal(sum.service.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sum.service.destinations[i].active, 7);
        assert_int_equal(sum.service.destinations[i].weight, 5);
        assert_int_equal(sum.service.destinations[i].id.port, i ? 8080 : 80);
    }
    ipvs_group_sum_clear(&sum);
    ipvs_ids_clear(&ids);
    ipvs_index_clear(&index);
    ipvs_table_clear(&table);
    lyd_free_all(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_services),
        cmocka_unit_test(the_sum_has_each_real_server_once),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
