/*
 * Many new entries in one edit: those that are valid because of their form alone are what
 * validation makes of each that is given alone.
 *
 * NORIA_SEED and NORIA_EDITS choose another sequence of random edits and its length.
 */
#include "given.h"
#include "random_edit.h"

#include <cmocka.h>

#define ENTRIES 40
#define EDITS 300

static struct snapshot *empty;

/* What the entries of one edit came to. */
static unsigned by_form, valid_alone, refused_alone;

/* A virtual server: the elements are chosen by a number, the values at random near the rules. */
static void write_server(FILE *out, unsigned number, unsigned chosen)
{
    fprintf(out, "<virtual-server%s><name>s%u</name>", pick(30) ? "" : " nc:operation=\"create\"",
            number);
    if (chosen & 1)
        fprintf(out, "<address>192.0.2.%u</address><port>%u</port>", number, pick(3) * 40);
    else
        fprintf(out, "<firewall-mark>%u</firewall-mark>", 1 + number);
    if (chosen & 2)
        fprintf(out, "<protocol>%s</protocol>", pick(2) ? "udp" : "tcp");
    if (chosen & 4)
        fprintf(out, "<persistence><prefix-length>%u</prefix-length></persistence>", 28 + pick(8));
    if (chosen & 8)
        fprintf(out, "<one-packet>%s</one-packet>", pick(2) ? "true" : "false");
    if (chosen & 16)
        fprintf(out, "<forwarding-method>%s</forwarding-method>", pick(2) ? "dr" : "nat");
    if (chosen & 32)
        fprintf(out, "<description>a&lt;b&gt; &amp; \"%u\"</description>", number);
    for (unsigned i = 0; i < (chosen >> 6) % 4; i++) {
        fprintf(out, "<real-server><address>10.0.%u.%u</address><port>%u</port>", pick(300) ? i : 0,
                number, 40 + pick(2) * 40);
        if (chosen & 256)
            fprintf(out,
                    "<upper-threshold>%u</upper-threshold><lower-threshold>%u</lower-threshold>",
                    1 + pick(3), pick(3));
        fputs("</real-server>", out);
    }
    if (chosen & 512)
        fprintf(out,
                "<health xmlns=\"urn:noria:yang:noria-health\"><quorum>%u</quorum>"
                "<hysteresis>%u</hysteresis></health>",
                1 + pick(2), pick(3));
    fputs("</virtual-server>", out);
}

/* A key's value that no other instance has. */
static void write_key(FILE *out, const struct lysc_node *key, unsigned number)
{
    static const char *const forms[] = {"k%u", "%u", "10.0.0.%u", "eth%u", "1.3.6.1.%u"};
    char value[64];
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        snprintf(value, sizeof(value), forms[i], 1 + number);
        LY_ERR error = lyd_value_validate(schema->ctx, key, value, strlen(value), NULL, NULL, NULL);
        ly_err_clean(schema->ctx, NULL);
        if (!error || error == LY_EINCOMPLETE)
            break;
    }
    fprintf(out, "<%s>%s</%s>", key->name, value, key->name);
}

/* An instance of any list, which is as all of the same number are but for its keys. */
static void write_instance(FILE *out, const struct lysc_node *list, unsigned number,
                           unsigned chosen)
{
    const struct lysc_node *child = NULL;
    unsigned after = pick(1u << 30);
    srandom(chosen);
    fprintf(out, "<%s>", list->name);
    while ((child = lys_getnext(child, list, NULL, 0))) {
        if (lysc_is_key(child))
            write_key(out, child, number);
        else if (child->flags & LYS_CONFIG_W &&
                 child->nodetype & (LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST) &&
                 random_choice(child))
            random_child(schema, out, child);
    }
    fprintf(out, "</%s>", list->name);
    srandom(after);
}

/* So many instances, each as an edit of its own. */
struct instances {
    const struct lysc_node *top;
    char *texts[ENTRIES];
};

static char *edit_of(const struct instances *instances, size_t first, size_t count)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "<%s xmlns=\"%s\" xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
            instances->top->name, instances->top->module->ns);
    for (size_t i = first; i < first + count; i++)
        fputs(instances->texts[i], out);
    fprintf(out, "</%s>", instances->top->name);
    fclose(out);
    return text;
}

static void make_instances(struct instances *instances)
{
    const struct unit *unit;
    unsigned chosen[3];
    size_t size;
    do
        unit = pick(2) ? &schema->units[pick((unsigned)schema->unit_count)]
                       : schema_unit_find(schema,
                                          "/noria-virtual-server:virtual-servers/virtual-server");
    while (!unit->config || !unit->list || unit->list->parent != unit->top);
    bool servers = !strcmp(unit->list->name, "virtual-server") && pick(4);
    instances->top = unit->top;
    for (unsigned i = 0; i < 3; i++)
        chosen[i] = pick(1u << 16);
    for (unsigned i = 0; i < ENTRIES; i++) {
        FILE *out = open_memstream(&instances->texts[i], &size);
        if (servers)
            write_server(out, i, chosen[pick(3)]);
        else
            write_instance(out, unit->list, i, chosen[pick(3)]);
        fclose(out);
    }
}

/* The same nodes with the same marks, which other threads may look at (plain.h). */
static void assert_same_marks(const struct lyd_node *node, const struct lyd_node *twin, bool shared)
{
    for (; node && twin; node = node->next, twin = twin->next) {
        assert_ptr_equal(node->schema, twin->schema);
        assert_int_equal(node->flags, twin->flags);
        assert_int_equal(node->hash, twin->hash);
        assert_false(shared && node->schema->nodetype & (LYS_CONTAINER | LYS_LIST) &&
                     ((const struct lyd_node_inner *)node)->children_ht);
        assert_true(!node->parent || node->parent->child == lyd_first_sibling(node));
        assert_ptr_equal(node->next ? node->next->prev : lyd_first_sibling(node)->prev, node);
        assert_same_marks(lyd_child(node), lyd_child(twin), shared);
    }
    assert_true(!node && !twin);
}

static void assert_same_entry(const struct entry *entry, const struct entry *wanted)
{
    char *printed = NULL;
    assert_string_equal(entry->key, wanted->key);
    if (!entry_same(entry, wanted))
        fail_msg("%s\nis not\n%s", entry_text(entry), entry_text(wanted));
    assert_same_marks(entry->tree, wanted->tree, entry->valid);
    assert_int_equal(entry->row_count, wanted->row_count);
    for (size_t i = 0; i < entry->row_count; i++) {
        assert_string_equal(entry->rows[i].path, wanted->rows[i].path);
        assert_int_equal(entry->rows[i].number, wanted->rows[i].number);
    }
    lyd_print_mem(&printed, wanted->node, LYD_XML, LYD_PRINT_SHRINK);
    assert_string_equal(entry_text(entry), printed ? printed : "");
    free(printed);
}

/* All that is in a snapshot is what validation makes of the same in another, whose is not valid. */
static void assert_as_validated(const struct snapshot *snapshot, const struct snapshot *bare)
{
    assert_int_equal(snapshot->count, bare->count);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct entry *given = bare->entries[i], *valid = NULL;
        const struct entry *entry = snapshot->entries[i];
        struct error error = {0};
        if (!entry->unit->list || schema->rules[entry->unit->rank].whole)
            continue;
        enum outcome outcome = entry_validate(schema, given, &valid, &error);
        valid_alone += outcome == DONE;
        refused_alone += outcome != DONE;
        by_form += entry->valid;
        if (entry->valid && outcome != DONE)
            fail_msg("%s\nis valid, but: %s %s", entry_text(entry), error.path, error.message);
        assert_false(given->valid);
        if (entry->valid)
            assert_same_entry(entry, valid);
        else
            assert_same_entry(entry, given);
        entry_unref(valid);
        error_clear(&error);
    }
}

static enum outcome edit_taking(const char *xml, struct snapshot **edited, struct lyd_node **left)
{
    struct error error = {0};
    assert_int_equal(
        lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, left), 0);
    enum outcome outcome = edit_snapshot_taking(schema, empty, *left, EDIT_MERGE, edited, &error);
    error_clear(&error);
    return outcome;
}

static void check_edit(const struct instances *instances)
{
    struct error error = {0};
    struct snapshot *bare = snapshot_ref(empty), *together = NULL, *taken = NULL;
    struct lyd_node *left = NULL;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < ENTRIES && outcome == DONE; i++) {
        char *one = edit_of(instances, i, 1);
        struct snapshot *next = NULL;
        outcome = edit_by_xml(bare, one, EDIT_MERGE, &next, &error);
        if (outcome == DONE) {
            snapshot_unref(bare);
            bare = next;
        }
        error_clear(&error);
        free(one);
    }
    char *all = edit_of(instances, 0, ENTRIES);
    assert_int_equal(edit_by_xml(empty, all, EDIT_MERGE, &together, &error), outcome);
    assert_int_equal(edit_taking(all, &taken, &left), outcome);
    if (outcome == DONE) {
        lyd_free_all(left);
        left = NULL;
        assert_as_validated(together, bare);
        assert_as_validated(taken, bare);
    }
    lyd_free_all(left);
    error_clear(&error);
    snapshot_unref(taken);
    snapshot_unref(together);
    snapshot_unref(bare);
    free(all);
}

static void what_is_valid_by_its_form_is_as_validated(void **state)
{
    const char *seed = getenv("NORIA_SEED"), *count = getenv("NORIA_EDITS");
    unsigned edits = count ? (unsigned)atoi(count) : EDITS;
    srandom(seed ? (unsigned)atoi(seed) : 1);
    for (unsigned i = 0; i < edits; i++) {
        struct instances instances;
        make_instances(&instances);
        check_edit(&instances);
        for (size_t t = 0; t < ENTRIES; t++)
            free(instances.texts[t]);
    }
    printf("%u valid, of these %u by form; %u refused\n", valid_alone, by_form, refused_alone);
    /* A sequence in which nothing was decided would show nothing. */
    assert_true(by_form > valid_alone / 2 && by_form < valid_alone);
    assert_true(refused_alone > edits * ENTRIES / 20);
}

/* What is taken is gone from the edit, and what is refused is still in it. */
static void a_refused_element_stays_in_the_edit(void **state)
{
    struct snapshot *edited = NULL;
    struct lyd_node *left, *child;
    char *text;
    size_t size, count = 0;
    FILE *out = open_memstream(&text, &size);
    fputs(SERVERS, out);
    for (unsigned i = 0; i < 20; i++)
        fprintf(out,
                "<virtual-server><name>s%u</name><address>192.0.2.%u</address><port>80</port>"
                "</virtual-server>",
                i, i);
    fputs("<virtual-server><name>t</name><enabled nc:operation=\"delete\"/></virtual-server>" END,
          out);
    fclose(out);
    assert_int_equal(edit_taking(text, &edited, &left), REFUSED);
    LY_LIST_FOR(lyd_child(left), child)
    count++;

    assert_true(count < 20);
    assert_string_equal(lyd_get_value(lyd_child(lyd_child(left)->prev)), "t");
    lyd_free_all(left);
    free(text);
}

static int given_empty(void **state)
{
    struct error error = {0};
    return given_schema(state) || snapshot_new_empty(schema, &empty, &error) != DONE ? -1 : 0;
}

static int forget_empty(void **state)
{
    snapshot_unref(empty);
    return forget_schema(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_valid_by_its_form_is_as_validated),
                                       cmocka_unit_test(a_refused_element_stays_in_the_edit)};
    return cmocka_run_group_tests(tests, given_empty, forget_empty);
}
