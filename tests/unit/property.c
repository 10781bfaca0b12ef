/*
 * The verdict on a change, found from what changes, is always libyang's verdict on the whole.
 *
 * Thousands of random edits over all modules, some made where the rules are, some of anything that
 * the schema has; for each the same answer, the same place of the fault, and the same resulting
 * data. Now and then what came of them is stored and read back: it is the same to the last mark of
 * validation, though nothing is validated. NORIA_SEED and NORIA_EDITS choose another sequence and
 * its length.
 */
#include "tests/unit/given.h"
#include "tests/unit/random_edit.h"

#include "agent/datastore/record.h"
#include "agent/datastore/references.h"
#include "agent/datastore/unique.h"

#include <cmocka.h>

/* Violations of one configuration that are looked at, at most. */
#define VIOLATIONS_MAX 40

/* Sanitizers take ten times as long, and look for something else. */
#ifdef __SANITIZE_ADDRESS__
#define EDITS 500
#else
#define EDITS 3000
#endif

/* So many changes are made between two readings of what is stored. */
#define READ_BACK_EVERY 50

/* What the agent keeps: running, and the rules between entries as indexes. */
static struct snapshot *running;
static struct unique_index unique_values;
static struct reference_index references;

/* An edit of the module noria-null, whose rules are of all kinds. */
static void null_edit(FILE *out)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    const char *name = names[pick(7)];
    fputs("<null xmlns=\"urn:noria:yang:noria-null\" "
          "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
          out);
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
        fprintf(out, "<item%s><name>%s</name>", random_operation(), name);
        if (pick(2))
            fprintf(out, "<value>%s</value>", pick(2) ? "x" : "");
        fputs("</item>", out);
        break;
    case 3:
    case 4:
        fprintf(out, "<group%s><name>%s</name>", random_operation(), name);
        if (pick(5))
            fprintf(out, "<first>%s</first>", names[pick(7)]);
        if (pick(2))
            fprintf(out, "<second>%s</second>", names[pick(7)]);
        for (unsigned i = pick(4); i > 1; i--)
            fprintf(out, "<other>%s</other>", names[pick(7)]);
        fputs("</group>", out);
        break;
    case 5:
    case 6:
        fprintf(out, "<link%s><name>%s</name>", random_operation(), name);
        if (pick(3))
            fprintf(out, "<to>%s</to>", names[pick(7)]);
        if (!pick(4))
            fprintf(out, "<note>%s</note>", name);
        fputs("</link>", out);
        break;
    default:
        fprintf(out, "<limit%s>%u</limit>", pick(3) ? "" : " nc:operation=\"remove\"", pick(6));
    }
    fputs("</null>", out);
}

static void server_edit(FILE *out)
{
    fprintf(out, "%s<virtual-server%s><name>s%u</name>", SERVERS, random_operation(), pick(5));
    if (pick(3))
        fprintf(out, "<address>192.0.2.%u</address><port>%u</port>", pick(3), pick(3) * 40);
    else if (pick(2))
        fprintf(out, "<firewall-mark>%u</firewall-mark>", 1 + pick(3));
    if (!pick(4))
        fprintf(out, "<protocol>%s</protocol>", pick(2) ? "udp" : "tcp");
    if (!pick(4))
        fprintf(out, "<persistence><prefix-length>%u</prefix-length></persistence>", 16 + pick(24));
    if (!pick(6))
        fprintf(out, "<one-packet>%s</one-packet>", pick(2) ? "true" : "false");
    if (!pick(4))
        fprintf(out, "<forwarding-method>%s</forwarding-method>", pick(2) ? "dr" : "nat");
    if (pick(2))
        fprintf(out,
                "<real-server%s><address>10.0.0.%u</address><port>%u</port>"
                "<lower-threshold>%u</lower-threshold></real-server>",
                random_operation(), pick(3), pick(2) * 80, pick(2));
    fputs("</virtual-server>" END, out);
}

static void agent_edit(FILE *out)
{
    const char *top = pick(2) ? "netconf-server" : "snmp-agent";
    fprintf(out,
            "<%s xmlns=\"urn:noria:yang:noria-agent\" "
            "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><listen%s><name>l%u</name>",
            top, random_operation(), pick(4));
    if (pick(4))
        fprintf(out, "<address>127.0.0.%u</address>", pick(2));
    if (pick(2))
        fprintf(out, "<port>%u</port>", 1 + pick(2));
    fprintf(out, "</listen></%s>", top);
}

static const char *some_name(void)
{
    static const char *const names[] = {"a", "b", "c"};
    return names[pick(3)];
}

static void director_edit(FILE *out)
{
    fprintf(out,
            "<directors xmlns=\"urn:noria:yang:noria-director\" "
            "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><director%s><name>%s</name>",
            random_operation(), some_name());
    if (pick(2))
        fprintf(out, "<network-namespace>%s</network-namespace>", some_name());
    if (!pick(3))
        fprintf(out, "<timeouts><tcp>%u</tcp></timeouts>", pick(3) * 100);
    fputs("</director></directors>", out);
}

static void health_edit(FILE *out)
{
    fprintf(out,
            "%s<virtual-server><name>s%u</name>"
            "<health xmlns=\"urn:noria:yang:noria-health\"%s><quorum>%u</quorum>",
            SERVERS, pick(5), random_operation(), 1 + pick(3));
    if (pick(2))
        fprintf(out, "<check%s><name>%s</name>%s</check>", random_operation(), some_name(),
                pick(2)   ? "<tcp/>"
                : pick(2) ? "<ping/>"
                          : "");
    fputs("</health></virtual-server>" END, out);
}

/* References within the module and to another one, and a rule over several entries. */
static void vrrp_edit(FILE *out)
{
    fputs("<vrrp xmlns=\"urn:noria:yang:noria-vrrp\" "
          "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
          out);
    switch (pick(4)) {
    case 0:
        fprintf(out, "<script%s><name>%s</name>%s</script>", random_operation(), some_name(),
                pick(3) ? "<command>/bin/true</command>" : "");
        break;
    case 1:
        fprintf(out, "<sync-group%s><name>%s</name>", random_operation(), some_name());
        if (pick(4))
            fprintf(out, "<member>%s</member>", some_name());
        fputs("</sync-group>", out);
        break;
    default:
        fprintf(out, "<instance%s><name>%s</name>", random_operation(), some_name());
        if (pick(5))
            fprintf(out,
                    "<interface>eth%u</interface><virtual-router-id>%u</virtual-router-id>"
                    "<virtual-address><address>%s</address></virtual-address>",
                    pick(2), 1 + pick(2), pick(4) ? "10.0.0.1" : "fe80::1");
        if (!pick(3))
            fprintf(out, "<track-script%s><script>%s</script></track-script>", random_operation(),
                    some_name());
        if (!pick(3))
            fprintf(out,
                    "<track-virtual-server%s><virtual-server>s%u</virtual-server>"
                    "</track-virtual-server>",
                    random_operation(), pick(5));
        if (!pick(4))
            fprintf(out, "<version>vrrp-v%u</version>", 2 + pick(2));
        fputs("</instance>", out);
    }
    fputs("</vrrp>", out);
}

/* Anything of any module. */
static void any_edit(FILE *out)
{
    random_edit_of_all(schema, out);
}

static char *random_edit(void)
{
    static void (*const makers[])(FILE *) = {null_edit, null_edit, server_edit,   agent_edit,
                                             vrrp_edit, vrrp_edit, director_edit, health_edit,
                                             any_edit,  any_edit,  any_edit,      any_edit};
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    /* Containers may be given once in an edit. */
    makers[pick(sizeof(makers) / sizeof(*makers))](out);
    fclose(out);
    return text;
}

/* The whole as one tree, put together another way than the agent does. */
static struct lyd_node *whole_of(const struct snapshot *snapshot)
{
    struct lyd_node *whole = NULL;
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->entries[i]->unit->config)
            assert_int_equal(
                lyd_merge_tree(&whole, snapshot->entries[i]->tree, LYD_MERGE_WITH_FLAGS), 0);
    return whole;
}

static char *text_of(struct lyd_node *whole)
{
    char *text = NULL;
    lyd_print_mem(&text, whole, LYD_XML, LYD_PRINT_WITHSIBLINGS | LYD_PRINT_WD_ALL_TAG);
    return text;
}

/* What the agent says: as transactions do it, without backends and journal. */
static enum outcome agents_verdict(const struct snapshot *edited, struct snapshot **valid,
                                   struct error *err)
{
    struct change_set changes;
    enum outcome outcome = transaction_validate(schema, running, edited, valid, err);
    if (outcome != DONE)
        return outcome;
    assert_int_equal(change_set_make(running, *valid, &changes, err), DONE);
    outcome = unique_apply(&unique_values, &changes, err);
    if (outcome == DONE) {
        outcome = references_apply(&references, schema, &changes, err);
        if (outcome != DONE)
            unique_revert(&unique_values, &changes);
    }
    change_set_free(&changes);
    if (outcome != DONE) {
        snapshot_unref(*valid);
        *valid = NULL;
    }
    return outcome;
}

/* The next name of a path, without the keys behind it. */
static const char *next_name(const char **path, size_t *length)
{
    const char *name = *path + 1;
    *length = strcspn(name, "/[");
    const char *at = name + *length;
    while (*at == '[')
        at += strcspn(at, "]") + 1;
    *path = at;
    return name;
}

/*
 * Whether two paths are the same. Where something is missing libyang gives the path in the schema:
 * without keys, and with choices and cases.
 */
static bool same_place(const char *ours, const char *theirs)
{
    if (!strcmp(ours, theirs))
        return true;
    if (strchr(theirs, '['))
        return false;
    while (*ours && *theirs) {
        size_t our_length, their_length;
        const char *our_name = next_name(&ours, &our_length), *their_name;
        do {
            their_name = next_name(&theirs, &their_length);
            /* The last name is the last one of both. */
        } while (*theirs && (!*ours || our_length != their_length ||
                             strncmp(our_name, their_name, our_length) != 0));
        if (our_length != their_length || strncmp(our_name, their_name, our_length) != 0)
            return false;
    }
    return !*ours && !*theirs;
}

static bool is_removable(const struct lyd_node *node, const char *kept)
{
    char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
    bool removable = node->parent && strncmp(path, kept, strlen(path)) != 0;
    free(path);
    return removable;
}

/* Take away what libyang complains of, but not what is looked for, to come to the next fault. */
static bool remove_fault(struct lyd_node **whole, const char *fault, const char *kept)
{
    char path[512];
    struct ly_set *set = NULL;
    bool removed = false;
    snprintf(path, sizeof(path), "%s", fault);
    /* What is missing is not there to be taken away: its parent is. */
    while (strchr(path, '/') != strrchr(path, '/') && !removed) {
        bool known = !lyd_find_xpath(*whole, path, &set);
        for (uint32_t i = 0; known && i < set->count && !removed; i++) {
            struct lyd_node *node = set->dnodes[i];
            while (node->parent && lysc_is_key(node->schema))
                node = lyd_parent(node);
            removed = is_removable(node, kept);
            if (removed)
                lyd_free_tree(node);
        }
        ly_set_free(set, NULL);
        set = NULL;
        *strrchr(path, '/') = '\0';
    }
    ly_err_clean(schema->ctx, NULL);
    return removed;
}

/* Of two entries that are not unique take away the one that is not looked for. */
static bool remove_twin(struct lyd_node **whole, const char *message, const char *kept)
{
    const char *at = strstr(message, " in \"");
    while (at && (at = strstr(at, "\"/"))) {
        char *path = strndup(at + 1, strcspn(at + 1, "\""));
        struct ly_set *set = NULL;
        bool removed =
            !lyd_find_xpath(*whole, path, &set) && set->count && is_removable(set->dnodes[0], kept);
        if (removed)
            lyd_free_tree(set->dnodes[0]);
        ly_set_free(set, NULL);
        at += strlen(path) + 2;
        free(path);
        if (removed)
            return true;
    }
    return false;
}

/* Of two entries that are not unique either may be called the one at fault: both are named. */
static bool names_place(const struct error *theirs, const char *place)
{
    char quoted[512];
    snprintf(quoted, sizeof(quoted), "\"%s\"", place);
    return same_place(place, theirs->path) ||
           (theirs->app_tag && !strcmp(theirs->app_tag, "data-not-unique") &&
            strstr(theirs->message, quoted));
}

/* Whether libyang, too, finds the fault at a place; there may be several, and it tells one. */
static bool libyang_finds(const struct snapshot *edited, const char *place)
{
    struct lyd_node *whole = whole_of(edited);
    bool found = false, more = true;
    for (int i = 0; i < VIOLATIONS_MAX && !found && more; i++) {
        struct error theirs = {0};
        if (!lyd_validate_all(&whole, schema->ctx, LYD_VALIDATE_NO_STATE, NULL))
            break;
        schema_refuse(schema, NULL, &theirs, "");
        found = theirs.path && names_place(&theirs, place);
        more = theirs.path && (theirs.app_tag && !strcmp(theirs.app_tag, "data-not-unique")
                                   ? remove_twin(&whole, theirs.message, place)
                                   : remove_fault(&whole, theirs.path, place));
        error_clear(&theirs);
    }
    lyd_free_all(whole);
    return found;
}

static void check_one(const char *xml, const struct snapshot *edited, unsigned *accepted)
{
    struct error ours = {0}, theirs = {0};
    struct snapshot *valid = NULL;
    struct lyd_node *whole = whole_of(edited);
    bool refused = lyd_validate_all(&whole, schema->ctx, LYD_VALIDATE_NO_STATE, NULL);
    if (refused)
        schema_refuse(schema, NULL, &theirs, "");
    enum outcome outcome = agents_verdict(edited, &valid, &ours);
    if ((outcome != DONE) != refused)
        fail_msg("%s\nours: %s %s\ntheirs: %s %s", xml, ours.path, ours.message, theirs.path,
                 theirs.message);
    if (refused) {
        if (!ours.path || !libyang_finds(edited, ours.path))
            fail_msg("%s\nours: %s %s\ntheirs: %s %s", xml, ours.path, ours.message, theirs.path,
                     theirs.message);
        if (same_place(ours.path, theirs.path ? theirs.path : "") && ours.tag != theirs.tag)
            fail_msg("%s\n%s: ours %s, theirs %s: %s", xml, ours.path, error_tag_name(ours.tag),
                     error_tag_name(theirs.tag), theirs.message);
    } else {
        struct lyd_node *mine = whole_of(valid);
        char *a = text_of(mine), *b = text_of(whole);
        if (strcmp(a, b) != 0)
            fail_msg("%s\nours:   %s\ntheirs: %s", xml, a, b);
        free(a);
        free(b);
        lyd_free_all(mine);
        snapshot_unref(running);
        running = valid;
        ++*accepted;
    }
    lyd_free_all(whole);
    error_clear(&ours);
    error_clear(&theirs);
}

/* Whether validation has left the same marks in both, and in all below them. */
static void assert_same_marks(const struct lyd_node *node, const struct lyd_node *twin)
{
    const uint32_t marks = LYD_DEFAULT | LYD_WHEN_TRUE | LYD_NEW;
    for (; node && twin; node = node->next, twin = twin->next) {
        assert_ptr_equal(node->schema, twin->schema);
        if ((node->flags & marks) != (twin->flags & marks))
            fail_msg("%s: marks %x, read back %x", LYD_NAME(node), node->flags, twin->flags);
        assert_same_marks(lyd_child(node), lyd_child(twin));
    }
    assert_true(!node && !twin);
}

static void check_read_back(void)
{
    struct error error = {0};
    struct snapshot *empty, *stored;
    char *payload = NULL;
    size_t length;
    uint32_t *numbers = calloc(schema->unit_count, sizeof(*numbers));
    FILE *stream = open_memstream(&payload, &length);
    assert_true(record_write_all(stream, schema, running, numbers));
    fclose(stream);
    assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
    assert_int_equal(record_replay(schema, empty, payload, length, numbers, &stored, &error), DONE);
    assert_int_equal(stored->count, running->count);
    for (size_t i = 0; i < stored->count; i++) {
        const struct entry *entry = running->entries[i], *twin = stored->entries[i];
        /* What depends on other entries is validated when all are there. */
        assert_true(twin->valid == !schema->rules[entry->unit->rank].whole);
        if (twin->valid && !entry_same(twin, entry))
            fail_msg("%s\nis read back as\n%s", text_of(entry->tree), text_of(twin->tree));
        if (twin->valid)
            assert_same_marks(entry->tree, twin->tree);
    }
    snapshot_unref(stored);
    snapshot_unref(empty);
    free(payload);
    free(numbers);
}

static void every_verdict_is_that_on_the_whole(void **state)
{
    struct error error = {0};
    const char *seed = getenv("NORIA_SEED"), *count = getenv("NORIA_EDITS");
    unsigned edits = count ? (unsigned)atoi(count) : EDITS, accepted = 0, refused = 0;
    srandom(seed ? (unsigned)atoi(seed) : 1);
    assert_int_equal(snapshot_new_empty(schema, &running, &error), DONE);
    for (unsigned i = 0; i < edits; i++) {
        struct snapshot *edited = NULL;
        char *xml = random_edit();
        unsigned before = accepted;
        if (edit_by_xml(running, xml, EDIT_MERGE, &edited, &error) == DONE) {
            check_one(xml, edited, &accepted);
            refused += accepted == before;
            if (accepted > before && accepted % READ_BACK_EVERY == 0)
                check_read_back();
        }
        error_clear(&error);
        snapshot_unref(edited);
        free(xml);
    }
    /* A sequence in which nothing was decided would show nothing. */
    assert_true(accepted > edits / 5 && refused > edits / 10);
    snapshot_unref(running);
    unique_free(&unique_values);
    references_free(&references);
}

static LY_ERR has_a_value(struct lysc_node *node, void *arg, ly_bool *skip)
{
    char value[256];
    if (!(node->flags & LYS_CONFIG_W))
        *skip = true;
    else if (node->nodetype & (LYS_LEAF | LYS_LEAFLIST) &&
             !random_value(schema, node, value, sizeof(value)))
        fail_msg("random_texts has no value for %s", lysc_path(node, LYSC_PATH_LOG, NULL, 0));
    return LY_SUCCESS;
}

/* Else what it is part of would never be valid, and nothing would be known of it. */
static void every_leaf_can_be_edited(void **state)
{
    for (size_t i = 0; i < schema->unit_count; i++)
        if (!schema->units[i].list)
            lysc_tree_dfs_full(schema->units[i].top, has_a_value, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_leaf_can_be_edited),
                                       cmocka_unit_test(every_verdict_is_that_on_the_whole)};
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
