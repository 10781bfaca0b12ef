/*
 * SNMP notifications: what the table names is in the modules, and events find their line.
 */
#include "tests/unit/given.h"

#include "agent/snmp/foreign_notification.h"
#include "agent/snmp/notification.h"

#include <cmocka.h>

static const struct lysc_node *leaf_of(const struct snmp_notification *notification,
                                       const char *leaf)
{
    char path[256];
    snprintf(path, sizeof(path), "/%s:%s/%s", notification->module, notification->name, leaf);
    return lys_find_path(schema->ctx, NULL, path, 0);
}

/* A misspelt leaf would be an object that is always empty. */
static void what_the_table_names_is_there(void **state)
{
    for (const struct snmp_notification *at = snmp_notifications; at->module; at++) {
        assert_int_not_equal(at->id, SNMP_SUPPRESSED);
        for (const struct snmp_notification *other = at + 1; other->module; other++)
            assert_int_not_equal(at->id, other->id);
        if (at->leaf)
            assert_non_null(leaf_of(at, at->leaf));
        for (const struct snmp_notified *object = at->objects; object->id; object++) {
            assert_non_null(leaf_of(at, object->leaf));
            assert_true(!object->other || leaf_of(at, object->other));
        }
    }
}

static void what_the_foreign_table_names_is_there(void **state)
{
    char path[256];
    for (const struct snmp_foreign_notification *at = snmp_foreign_notifications; at->module;
         at++) {
        assert_true(at->length);
        for (const struct snmp_foreign_object *object = at->objects; object->length; object++) {
            assert_true(object->leaf || object->derive);
            if (!object->leaf)
                continue;
            snprintf(path, sizeof(path), "/%s:%s/%s", at->module, at->event, object->leaf);
            assert_non_null(lys_find_path(schema->ctx, NULL, path, 0));
        }
    }
}

static unsigned id_of(const char *xml)
{
    struct ly_in *in = NULL;
    struct lyd_node *tree = NULL;
    assert_int_equal(ly_in_new_memory(xml, &in), 0);
    assert_int_equal(lyd_parse_op(schema->ctx, NULL, in, LYD_XML, LYD_TYPE_NOTIF_YANG, &tree, NULL),
                     0);
    ly_in_free(in, 0);
    const struct snmp_notification *notification = snmp_notification_of(tree);
    unsigned id = notification ? notification->id : 0;
    lyd_free_all(tree);
    return id;
}

#define STATUS(status)                                                                             \
    "<backend-status-change xmlns=\"urn:noria:yang:noria-agent\"><name>ipvs</name>"                \
    "<oper-status>" status "</oper-status></backend-status-change>"
#define ALARM(severity)                                                                            \
    "<alarm-notification xmlns=\"urn:ietf:params:xml:ns:yang:ietf-alarms\"><resource>x</resource>" \
    "<alarm-type-id xmlns:n=\"urn:noria:yang:noria-alarms\">n:drift</alarm-type-id>"               \
    "<time>2026-01-01T00:00:00Z</time><perceived-severity>" severity                               \
    "</perceived-severity><alarm-text>y</alarm-text></alarm-notification>"

static void up_and_down_are_two_notifications(void **state)
{
    assert_int_equal(id_of(STATUS("up")), 3);
    assert_int_equal(id_of(STATUS("down")), 4);
    assert_int_equal(id_of(ALARM("major")), 9);
    assert_int_equal(id_of(ALARM("warning")), 9);
    assert_int_equal(id_of(ALARM("cleared")), 10);
    assert_int_equal(id_of("<events-lost xmlns=\"urn:noria:yang:noria-agent\"><count>1</count>"
                           "</events-lost>"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_table_names_is_there),
        cmocka_unit_test(what_the_foreign_table_names_is_there),
        cmocka_unit_test(up_and_down_are_two_notifications),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
