/*
 * SNMP values: times, tags, and what becomes of leaves.
 */
#include "tests/unit/given.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/snmp/value.h"

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static void dates_are_utc_in_eleven_octets(void **state)
{
    static const unsigned char begin[] = {0x07, 0xb2, 1, 1, 0, 0, 0, 0, '+', 0, 0};
    static const unsigned char later[] = {0x07, 0xea, 11, 23, 14, 5, 21, 8, '+', 0, 0};
    static const unsigned char before[] = {0x07, 0xb1, 12, 31, 23, 59, 59, 9, '+', 0, 0};
    unsigned char text[11];

    snmp_date_and_time(0, text);
    assert_memory_equal(text, begin, sizeof(text));
    snmp_date_and_time(1795442721 * SECOND + 894000000, text);
    assert_memory_equal(text, later, sizeof(text));
    snmp_date_and_time(-1, text);
    assert_memory_equal(text, before, sizeof(text));
}

static void the_epoch_stays_unless_it_is_far_off(void **state)
{
    int64_t now = 1000000 * SECOND;

    assert_int_equal(snmp_epoch(0, now, 500), now - 5 * SECOND);
    assert_int_equal(snmp_epoch(now - 5 * SECOND + 7, now, 500), now - 5 * SECOND + 7);
    assert_int_equal(snmp_epoch(now - 6 * SECOND, now, 500), now - 5 * SECOND);
    assert_int_equal(snmp_epoch(now, now, 500), now - 5 * SECOND);
}

/* RFC 2579, TimeStamp: after 497 days, existing values do not change. */
static void the_epoch_stays_when_the_up_time_begins_anew(void **state)
{
    const int64_t round = (INT64_C(1) << 32) * (SECOND / 100);
    int64_t epoch = 1000000 * SECOND, event = epoch + 42 * SECOND;

    for (int64_t rounds = 1; rounds < 4; rounds++) {
        int64_t now = epoch + rounds * round + 5 * SECOND;
        assert_int_equal(snmp_epoch(epoch, now, 500), epoch);
        assert_int_equal(snmp_epoch(epoch, now + SECOND / 2, 500), epoch);
        assert_int_equal(snmp_time_since(snmp_epoch(epoch, now, 500), event), 4200);
    }
    /* The clock was set; and a master agent was started anew. */
    assert_int_equal(snmp_epoch(epoch, epoch + round + 5 * SECOND, 700), epoch - 2 * SECOND);
    assert_int_equal(snmp_epoch(epoch, epoch + round - 86400 * SECOND, 0),
                     epoch + round - 86400 * SECOND);
}

static void time_since_does_not_run_backwards(void **state)
{
    assert_int_equal(snmp_time_since(SECOND, 3 * SECOND), 200);
    assert_int_equal(snmp_time_since(SECOND, SECOND + 9999999), 0);
    assert_int_equal(snmp_time_since(3 * SECOND, SECOND), 0);
}

static void every_kind_has_its_tag(void **state)
{
    assert_int_equal(snmp_kind_type(KIND_STRING), ASN_OCTET_STR);
    assert_int_equal(snmp_kind_type(KIND_DATE_AND_TIME), ASN_OCTET_STR);
    assert_int_equal(snmp_kind_type(KIND_COUNTER64), ASN_COUNTER64);
    assert_int_equal(snmp_kind_type(KIND_TRUTH), ASN_INTEGER);
    assert_int_equal(snmp_kind_type(KIND_ENUM), ASN_INTEGER);
    assert_int_equal(snmp_kind_type(KIND_UNSIGNED), ASN_UNSIGNED);
    assert_int_equal(snmp_kind_type(KIND_GAUGE), ASN_GAUGE);
    assert_int_equal(snmp_kind_type(KIND_TIME_STAMP), ASN_TIMETICKS);
}

/* The value of a leaf of a virtual server. */
static bool value_of(const char *leaf, enum snmp_kind kind, const char *server,
                     struct snmp_value *value)
{
    struct snapshot *snapshot = given_snapshot(NULL, server);
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    size_t count, first = snapshot_range(snapshot, unit, &count);
    struct lyd_node *node = NULL;

    assert_int_equal(count, 1);
    lyd_find_path(snapshot->entries[first]->node, leaf, 0, &node);
    bool known = node && snmp_value_of(kind, node, value);
    snapshot_unref(snapshot);
    return known;
}

#define SERVER(leaves) SERVERS "<virtual-server><name>web</name>" leaves "</virtual-server>" END
#define V4 "<address>192.0.2.1</address><port>80</port>"
#define V6 "<address>2001:db8::1</address><port>80</port>"

static void leaves_become_values(void **state)
{
    static const unsigned char four[] = {192, 0, 2, 1};
    struct snmp_value value;

    assert_true(value_of("name", KIND_STRING, SERVER(V4), &value));
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.text, "web", 3);
    assert_true(value_of("address", KIND_ADDRESS, SERVER(V4), &value));
    assert_int_equal(value.length, 4);
    assert_memory_equal(value.text, four, 4);
    assert_true(value_of("address", KIND_ADDRESS_TYPE, SERVER(V4), &value));
    assert_int_equal(value.number, 1);
    assert_true(value_of("address", KIND_ADDRESS_TYPE, SERVER(V6), &value));
    assert_int_equal(value.number, 2);
    assert_true(value_of("address", KIND_ADDRESS, SERVER(V6), &value));
    assert_int_equal(value.length, 16);
    assert_true(value_of("port", KIND_UNSIGNED, SERVER(V4), &value));
    assert_int_equal(value.number, 80);
    assert_true(value_of("protocol", KIND_ENUM, SERVER(V4), &value));
    assert_int_equal(value.number, 6);
    assert_true(value_of("enabled", KIND_TRUTH, SERVER(V4), &value));
    assert_int_equal(value.number, 1);
    assert_true(value_of("enabled", KIND_TRUTH, SERVER("<enabled>false</enabled>" V4), &value));
    assert_int_equal(value.number, 2);
    assert_true(value_of("scheduler", KIND_IDENTITY, SERVER(V4), &value));
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.text, "wlc", 3);
}

#define TEXT(text) SERVER(V4 "<description>" text "</description>")

static void texts_with_parts_become_values(void **state)
{
    static const unsigned char network[] = {10, 20, 0, 0};
    static const char command[] = "'/bin/do' '-x' 'it'";
    struct snmp_value value;

    assert_true(value_of("description", KIND_PREFIX, TEXT("10.20.0.0/14"), &value));
    assert_int_equal(value.length, 4);
    assert_memory_equal(value.text, network, 4);
    assert_true(value_of("description", KIND_PREFIX_TYPE, TEXT("10.20.0.0/14"), &value));
    assert_int_equal(value.number, 1);
    assert_true(value_of("description", KIND_PREFIX_LENGTH, TEXT("10.20.0.0/14"), &value));
    assert_int_equal(value.number, 14);
    assert_true(value_of("description", KIND_PREFIX_TYPE, TEXT("2001:db8::/32"), &value));
    assert_int_equal(value.number, 2);
    assert_false(value_of("description", KIND_PREFIX_LENGTH, TEXT("10.20.0.0"), &value));
    assert_false(value_of("description", KIND_PREFIX, TEXT("none"), &value));
    assert_true(value_of("description", KIND_FIRST, TEXT("5-70"), &value));
    assert_int_equal(value.number, 5);
    assert_true(value_of("description", KIND_LAST, TEXT("5-70"), &value));
    assert_int_equal(value.number, 70);
    assert_true(value_of("description", KIND_LAST, TEXT("6"), &value));
    assert_int_equal(value.number, 6);
    assert_false(value_of("description", KIND_FIRST, TEXT("x"), &value));
    assert_true(value_of("description", KIND_COMMAND, TEXT("/bin/do -x  it"), &value));
    assert_int_equal(value.length, strlen(command));
    assert_memory_equal(value.text, command, strlen(command));
}

static void long_commands_are_cut(void **state)
{
    char xml[2048] = SERVERS "<virtual-server><name>web</name>" V4 "<description>/x";
    struct snmp_value value;

    for (size_t i = 0; i < 80; i++)
        strcat(xml, " ab");
    strcat(xml, "</description></virtual-server>" END);
    assert_true(value_of("description", KIND_COMMAND, xml, &value));
    assert_true(value.length > 240 && value.length <= SNMP_TEXT_MAX);
    assert_int_equal(value.text[value.length - 1], '\'');
}

static void a_leaf_of_another_type_has_no_value(void **state)
{
    struct snmp_value value;

    assert_false(value_of("name", KIND_UNSIGNED, SERVER(V4), &value));
    assert_false(value_of("name", KIND_ADDRESS, SERVER(V4), &value));
    assert_false(value_of("name", KIND_DATE_AND_TIME, SERVER(V4), &value));
    assert_false(value_of("port", KIND_ENUM, SERVER(V4), &value));
}

static void long_texts_are_cut_between_characters(void **state)
{
    char xml[2048] = SERVERS "<virtual-server><name>web</name>" V4 "<description>x";
    struct snmp_value value;

    for (size_t i = 0; i < 200; i++)
        strcat(xml, "\xc3\xa4");
    strcat(xml, "</description></virtual-server>" END);
    assert_true(value_of("description", KIND_STRING, xml, &value));
    assert_int_equal(value.length, 255);
    assert_int_equal(value.text[254], 0xa4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_utc_in_eleven_octets),
        cmocka_unit_test(the_epoch_stays_unless_it_is_far_off),
        cmocka_unit_test(the_epoch_stays_when_the_up_time_begins_anew),
        cmocka_unit_test(time_since_does_not_run_backwards),
        cmocka_unit_test(every_kind_has_its_tag),
        cmocka_unit_test(leaves_become_values),
        cmocka_unit_test(texts_with_parts_become_values),
        cmocka_unit_test(long_commands_are_cut),
        cmocka_unit_test(a_leaf_of_another_type_has_no_value),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
