/*
 * SNMPv3 users: keys of passwords, and what views have.
 */
#include "tests/unit/given.h"

#include "agent/snmp/usm.h"

#include <cmocka.h>

/* RFC 3414, A.3.2. */
static void a_password_becomes_the_key_of_the_standard(void **state)
{
    static const unsigned char expected[] = {0x66, 0x95, 0xfe, 0xbc, 0x92, 0x88, 0xe3,
                                             0x62, 0x82, 0x23, 0x5f, 0xc7, 0x15, 0x1f,
                                             0x12, 0x84, 0x97, 0xb3, 0x8f, 0x3f};
    const struct snmp_engine_id id = {.length = 12, .octets = {[11] = 2}};
    static const struct {
        const char *hash;
        size_t length;
    } hashes[] = {{"sha224", 28}, {"sha256", 32}, {"sha384", 48}, {"sha512", 64}};
    struct snmp_key key = {0};
    assert_true(snmp_usm_localize(&id, "sha1", "maplesyrup", &key));
    assert_int_equal(key.length, sizeof(expected));
    assert_memory_equal(key.octets, expected, sizeof(expected));
    for (size_t i = 0; i < 4; i++) {
        assert_true(snmp_usm_localize(&id, hashes[i].hash, "maplesyrup", &key));
        assert_int_equal(key.length, hashes[i].length);
    }
    assert_false(snmp_usm_localize(&id, "none", "maplesyrup", &key));
    assert_false(snmp_usm_localize(&id, "sha1", "", &key));
}

static void the_longest_subtree_decides(void **state)
{
    struct snmp_subtree subtrees[] = {{.name = {1, 3, 6}, .length = 3},
                                      {.name = {1, 3, 6, 4}, .length = 4, .excluded = true},
                                      {.name = {1, 3, 6, 4, 1}, .length = 5}};
    const struct snmp_view view = {.count = 3, .subtrees = subtrees};
    const struct snmp_view empty = {0};
    assert_int_equal(snmp_view_sight(NULL, (oid[]){1}, 1), SIGHT_ALL);
    assert_int_equal(snmp_view_sight(&empty, (oid[]){1}, 1), SIGHT_NONE);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3}, 2), SIGHT_PART);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 4}, 2), SIGHT_NONE);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 6}, 3), SIGHT_PART);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 6, 5, 7}, 5), SIGHT_ALL);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 6, 4}, 4), SIGHT_PART);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 6, 4, 2}, 5), SIGHT_NONE);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 6, 4, 1, 9}, 6), SIGHT_ALL);
    assert_true(snmp_view_sees(&view, (oid[]){1, 3, 6}, 3));
    assert_false(snmp_view_sees(&view, (oid[]){1, 3, 6, 4}, 4));
}

/* As a mask does (RFC 3415, vacmViewTreeFamilyMask): one row of all columns. */
static void any_number_may_stand_in_a_place(void **state)
{
    struct snmp_subtree subtrees[] = {
        {.name = {1, 3, 0, 7}, .any = {false, false, true}, .length = 4},
        {.name = {1, 3, 6, 7}, .length = 4, .excluded = true},
        {.name = {1, 3, 0, 7, 2}, .any = {false, false, true}, .length = 5, .excluded = true}};
    const struct snmp_view view = {.count = 3, .subtrees = subtrees};
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3}, 2), SIGHT_PART);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 5}, 3), SIGHT_PART);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 5, 8}, 4), SIGHT_NONE);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 5, 7}, 4), SIGHT_PART);
    assert_true(snmp_view_sees(&view, (oid[]){1, 3, 5, 7, 1}, 5));
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 5, 7, 1}, 5), SIGHT_ALL);
    assert_int_equal(snmp_view_sight(&view, (oid[]){1, 3, 5, 7, 2}, 5), SIGHT_NONE);
    /* Of two that are as long, the one behind the other decides. */
    assert_false(snmp_view_sees(&view, (oid[]){1, 3, 6, 7, 1}, 5));
    assert_false(snmp_view_sees(&view, (oid[]){1, 4, 5, 7, 1}, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_becomes_the_key_of_the_standard),
        cmocka_unit_test(the_longest_subtree_decides),
        cmocka_unit_test(any_number_may_stand_in_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
