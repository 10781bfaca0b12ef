/*
 * Snapshots: whatever is put in and left out, the next one is what a plain list would be.
 */
#include "given.h"

#include <cmocka.h>

#define NAMES 1000
#define ROUNDS 300

static const struct unit *items;

static struct entry *item_entry(unsigned name)
{
    char path[64];
    struct lyd_node *tree;
    struct entry *entry;
    struct error error = {0};
    snprintf(path, sizeof(path), "/noria-null:null/item[name='%04u']", name);
    assert_int_equal(lyd_new_path(NULL, schema->ctx, path, NULL, 0, &tree), 0);
    assert_int_equal(entry_new(items, tree, NULL, &entry, &error), DONE);
    return entry;
}

/* Compare with what should be there; the rest are the containers. */
static void assert_holds(const struct snapshot *snapshot, struct entry *const *model)
{
    size_t count, at = snapshot_range(snapshot, items, &count), end = at + count;
    for (size_t i = 0; i < NAMES; i++) {
        if (!model[i])
            continue;
        assert_true(at < end);
        assert_ptr_equal(snapshot->entries[at], model[i]);
        assert_ptr_equal(snapshot_find(snapshot, items, model[i]->key), model[i]);
        at++;
    }
    assert_int_equal(at, end);
}

static void assert_changes(const struct snapshot *before, const struct snapshot *after,
                           size_t expected)
{
    struct change_set changes;
    assert_int_equal(change_set_make(before, after, &changes, NULL), DONE);
    assert_int_equal(changes.count, expected);
    change_set_free(&changes);
}

/* Many names in some rounds, few in others; puts and dels all over the place, or in one. */
static void test_random_changes(void **state)
{
    struct entry *model[NAMES] = {0}, *puts[NAMES];
    const struct entry *dels[NAMES];
    struct error error = {0};
    struct snapshot *snapshot;
    unsigned seed = 1;
    assert_int_equal(snapshot_new_empty(schema, &snapshot, &error), DONE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t put = 0, del = 0;
        unsigned share = round % 7 ? 60 : 2, from = rand_r(&seed) % NAMES;
        unsigned until = round % 3 ? NAMES : from + 20;
        for (unsigned i = from; i < until && i < NAMES; i++) {
            if (rand_r(&seed) % share)
                continue;
            if (model[i] && rand_r(&seed) % 3)
                dels[del++] = model[i];
            else
                puts[put++] = item_entry(i);
        }
        struct snapshot *next = snapshot_with(snapshot, puts, put, dels, del);
        assert_non_null(next);
        assert_changes(snapshot, next, put + del);
        for (size_t i = 0; i < del; i++)
            model[atoi(leaf_value(dels[i]->node, "name"))] = NULL;
        for (size_t i = 0; i < put; i++) {
            model[atoi(leaf_value(puts[i]->node, "name"))] = puts[i];
            entry_unref(puts[i]); /* the snapshot has it */
        }
        snapshot_unref(snapshot);
        snapshot = next;
        assert_holds(snapshot, model);
    }
    snapshot_unref(snapshot);
}

/* An older snapshot keeps what it had while newer ones go on. */
static void test_older_ones_stay(void **state)
{
    struct entry *first = NULL, *model[NAMES] = {0};
    struct snapshot *old, *next;
    struct error error = {0};
    assert_int_equal(snapshot_new_empty(schema, &old, &error), DONE);
    for (unsigned i = 0; i < NAMES; i += 2) {
        model[i] = item_entry(i);
        next = snapshot_with(old, &model[i], 1, NULL, 0);
        entry_unref(model[i]);
        snapshot_unref(old);
        old = next;
    }
    first = model[0];
    next = snapshot_with(old, NULL, 0, (const struct entry *const *)&first, 1);
    assert_holds(old, model);
    snapshot_unref(old);
    model[0] = NULL;
    assert_holds(next, model);
    snapshot_unref(next);
}

/* Of many that are wrong the first one is told, though several threads look. */
static void test_the_first_wrong_one_is_told(void **state)
{
    struct error error = {0};
    struct snapshot *empty, *edited, *valid = NULL;
    char *xml = NULL;
    size_t size;
    FILE *stream = open_memstream(&xml, &size);
    fputs(SERVERS, stream);
    for (unsigned i = 0; i < 3000; i++)
        fprintf(stream,
                "<virtual-server><name>s%04u</name><firewall-mark>%u</firewall-mark>%s"
                "</virtual-server>",
                i, i + 1, i < 700 ? "" : "<tunnel><port>4</port></tunnel>");
    fputs(END, stream);
    fclose(stream);
    assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
    assert_int_equal(edit_by_xml(empty, xml, EDIT_MERGE, &edited, &error), DONE);
    assert_int_equal(transaction_validate(schema, empty, edited, &valid, &error), REFUSED);
    assert_non_null(strstr(error.path, "[name='s0700']"));
    error_clear(&error);
    snapshot_unref(edited);
    snapshot_unref(empty);
    free(xml);
}

static int set_up(void **state)
{
    if (given_schema(state))
        return -1;
    items = schema_unit_find(schema, "/noria-null:null/item");
    return items ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_older_ones_stay),
        cmocka_unit_test(test_the_first_wrong_one_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, forget_schema);
}
