/*
 * The kernel's list of its IPVS table: what is read from it, and what it says of a service.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backends/ipvs/listing.h"

#include <cmocka.h>

/* As Linux 6.1 writes it. */
#define TITLE                                                                                      \
    "IP Virtual Server version 1.2.1 (size=4096)\n"                                                \
    "Prot LocalAddress:Port Scheduler Flags\n"                                                     \
    "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"

static const char list[] = TITLE "UDP  [fc00:0000:0000:0000:0000:0000:0000:0001]:0035 wlc \n"
                                 "  -> [fc00:0000:0000:0000:0000:0000:0000:0002]:0035      Tunnel  "
                                 "1      0          0         \n"
                                 "TCP  01020304:0050 sh  \n"
                                 "  -> 0A000002:0050      Route   0      0          0         \n"
                                 "  -> 0A000001:1F90      Masq    300    12         7         \n"
                                 "SCTP  09090909:13C5 rr  persistent 6000 FFFFFF00\n"
                                 "TCP  09090909:13C5 rr ops \n"
                                 "FWM  00000007 rr persistent 30000 FFFFFFFF\n"
                                 "  -> 0A000001:0000      Local   1      0          0         \n";

static void test_services_and_destinations(void **state)
{
    struct ipvs_table table = {0};
    assert_int_equal(ipvs_listing_parse(list, &table), 0);
    assert_int_equal(table.count, 5);
    const struct ipvs_service *dns = &table.services[0], *web = &table.services[1];
    assert_int_equal(dns->id.family, AF_INET6);
    assert_int_equal(dns->id.protocol, IPPROTO_UDP);
    assert_int_equal(dns->id.port, 53);
    assert_memory_equal(dns->id.address, ((uint8_t[16]){0xfc, [15] = 1}), 16);
    assert_int_equal(dns->destinations[0].method, IP_VS_CONN_F_TUNNEL);
    assert_memory_equal(dns->destinations[0].id.address, ((uint8_t[16]){0xfc, [15] = 2}), 16);
    assert_memory_equal(web->id.address, ((uint8_t[16]){1, 2, 3, 4}), 16);
    assert_string_equal(web->scheduler, "sh");
    assert_int_equal(web->flags, 0);
    assert_int_equal(web->count, 2);
    assert_int_equal(web->destinations[0].method, IP_VS_CONN_F_DROUTE);
    assert_int_equal(web->destinations[0].weight, 0);
    assert_int_equal(web->destinations[1].method, IP_VS_CONN_F_MASQ);
    assert_int_equal(web->destinations[1].weight, 300);
    assert_int_equal(web->destinations[1].id.port, 8080);
    assert_true(table.services[2].flags && table.services[3].flags);
    assert_int_equal(table.services[4].id.protocol, 0);
    assert_int_equal(table.services[4].count, 1);
    ipvs_table_clear(&table);
}

static void test_what_is_no_list(void **state)
{
    static const char *const texts[] = {
        "",
        "IP Virtual",
        TITLE "TCP  0102030:0050 sh\n",
        TITLE "TCP  01020304:005 sh\n",
        TITLE "TCP  [fc00::1:0050 sh\n",
        TITLE "TCP  01020304:0050 sh",
        TITLE "TCP  01020304:0050 a-scheduler-of-a-long-name\n",
        TITLE "  -> 0A000001:0050      Masq    1      0          0\n",
        TITLE "TCP  01020304:0050 sh\n  -> 0A000001:0050      Magic   1      0          0\n",
        TITLE "TCP  01020304:0050 sh\n  -> 0A000001:0050      Masq\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ipvs_table table = {0};
        assert_int_equal(ipvs_listing_parse(texts[i], &table), EBADMSG);
        ipvs_table_clear(&table);
    }
}

/* What the list's second service would be desired as. */
static struct ipvs_service *desire(struct ipvs_table *desired)
{
    struct ipvs_service *service = ipvs_table_add(desired);
    static const struct ipvs_destination destinations[] = {
        {.id = {AF_INET, 8080, {10, 0, 0, 1}}, .method = IP_VS_CONN_F_MASQ, .weight = 300},
        {.id = {AF_INET, 80, {10, 0, 0, 2}}, .method = IP_VS_CONN_F_DROUTE},
    };
    strcpy(service->scheduler, "sh");
    service->netmask = 0xffffffff;
    for (size_t i = 0; i < 2; i++)
        *ipvs_service_add(service) = destinations[i];
    return service;
}

static void test_what_is_shown_as_desired(void **state)
{
    struct ipvs_table listed = {0}, desired = {0};
    assert_int_equal(ipvs_listing_parse(list, &listed), 0);
    struct ipvs_service *shown = &listed.services[1], *service = desire(&desired);
    struct ipvs_destination *first = &service->destinations[0];
    assert_true(ipvs_listing_shows(shown, service));
    assert_false(ipvs_listing_shows(&listed.services[3], service));
#define NOT_WITH(member, value)                                                                    \
    do {                                                                                           \
        typeof(member) before = member;                                                            \
        member = value;                                                                            \
        assert_false(ipvs_listing_shows(shown, service));                                          \
        member = before;                                                                           \
        assert_true(ipvs_listing_shows(shown, service));                                           \
    } while (0)
    NOT_WITH(service->flags, IP_VS_SVC_F_SCHED1);
    NOT_WITH(shown->flags, IPVS_SERVICE_FLAGS);
    NOT_WITH(service->engine[0], 's');
    NOT_WITH(service->scheduler[0], 'd');
    NOT_WITH(service->count, 1);
    NOT_WITH(shown->count, 1);
    NOT_WITH(first->weight, 1);
    NOT_WITH(first->method, IP_VS_CONN_F_TUNNEL);
    NOT_WITH(first->id.port, 80);
    NOT_WITH(first->upper_threshold, 1);
    NOT_WITH(first->lower_threshold, 1);
    NOT_WITH(first->tunnel_type, 1);
    NOT_WITH(first->tunnel_port, 1);
    NOT_WITH(first->tunnel_flags, 1);
    ipvs_table_clear(&listed);
    ipvs_table_clear(&desired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services_and_destinations),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_what_is_shown_as_desired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
