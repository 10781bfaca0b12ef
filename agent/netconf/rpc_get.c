/*
 * get and get-config (RFC 6241, 7.1 and 7.7).
 *
 * The reply is put together from the texts that entries keep of themselves; only an entry of which
 * a part is asked for, or whose state is, is printed anew.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/operational.h"
#include "agent/netconf/filter.h"
#include "agent/netconf/rpc.h"

/* What is put out: top-level containers, each with what its units have. */
struct output {
    const struct filter *filter;
    struct access *access;
    struct text text;
    const struct lysc_node *top; /* The container that is at work. */
    bool open;                   /* Its start tag has been written. */
    enum selection selection;    /* What of its children is asked for. */
    struct filter_set set;
};

static void add_tag(struct text *text, const char *opening, const char *name)
{
    text_add_string(text, opening);
    text_add_string(text, name);
}

static void close_top(struct output *output)
{
    if (output->open) {
        add_tag(&output->text, "</", output->top->name);
        text_add_string(&output->text, ">");
    }
    output->open = false;
    output->top = NULL;
    filter_set_free(&output->set);
}

/* A container's own text: its end tag waits for the lists that follow. */
static void add_container(struct output *output, const char *xml)
{
    size_t length = strlen(xml), end = strlen(output->top->name) + 3;
    if (length < end || !strcmp(xml + length - 2, "/>"))
        return; /* empty */
    text_add(&output->text, xml, length - end);
    output->open = true;
}

/* The text of a list's instance stands for itself: its namespace is that of the container. */
static void add_instance(struct output *output, const struct lysc_node *list, const char *xml)
{
    static const char declaration[] = " xmlns=\"";
    struct text *text = &output->text;
    size_t name = strlen(list->name) + 1, space = strlen(list->module->ns);
    if (!output->open) {
        add_tag(text, "<", output->top->name);
        add_tag(text, declaration, output->top->module->ns);
        text_add_string(text, "\">");
        output->open = true;
    }
    const char *rest = xml + name;
    size_t length = sizeof(declaration) - 1;
    if (list->module == output->top->module && !strncmp(rest, declaration, length) &&
        !strncmp(rest + length, list->module->ns, space) && rest[length + space] == '"')
        rest += length + space + 1;
    text_add(text, xml, name);
    text_add_string(text, rest);
}

static void add_xml(struct output *output, const struct unit *unit, const char *xml)
{
    if (!xml)
        output->text.failed = true;
    else if (!unit->list)
        add_container(output, xml);
    else
        add_instance(output, unit->list, xml);
}

/* An empty container is printed as nothing at all. */
static void add_node(struct output *output, const struct unit *unit, const struct lyd_node *node)
{
    char *xml = NULL;
    if (lyd_print_mem(&xml, node, LYD_XML, LYD_PRINT_SHRINK))
        output->text.failed = true;
    else if (xml)
        add_xml(output, unit, xml);
    free(xml);
}

/* Begin a container; what content match nodes ask of it is decided by its own unit's node. */
static void begin_top(struct output *output, const struct unit *unit,
                      const struct lyd_node *container)
{
    close_top(output);
    output->top = unit->top;
    output->selection = SELECT_ALL;
    if (output->filter->kind == FILTER_SUBTREE)
        output->selection =
            container ? filter_top(output->filter, container, &output->set) : SELECT_NOTHING;
}

/* Add what is asked for of an entry. text is all of it, made when it is needed; or NULL. */
static void add_entry(struct output *output, const struct entry *entry, const struct lyd_node *node,
                      bool as_stored)
{
    struct lyd_node *part = NULL;
    enum selection selection = output->selection;
    if (selection == SELECT_PART)
        selection =
            filter_select(output->filter, node, entry->unit->list ? &output->set : NULL, &part);
    if (selection == SELECT_ALL && as_stored)
        add_xml(output, entry->unit, entry_text(entry));
    else if (selection == SELECT_ALL)
        add_node(output, entry->unit, node);
    else if (selection == SELECT_PART)
        add_node(output, entry->unit, part);
    lyd_free_tree(part);
}

static enum outcome finish(struct rpc *rpc, struct output *output)
{
    close_top(output);
    rpc->data = text_take(&output->text);
    return rpc->data ? DONE : fail_memory(&rpc->error);
}

/* Whole trees: for XPath, which may look anywhere. */

/* Put a node of a top-level container below that container's one tree. */
static enum outcome collect_node(struct lyd_node **tree, struct lyd_node *top,
                                 struct lyd_node *node, struct error *err)
{
    struct lyd_node *there = *tree;
    while (there && there->schema != top->schema)
        there = there->next;
    if (there && node != top) {
        lyd_unlink_tree(node);
        lyd_free_tree(top);
        return lyd_insert_child(there, node) ? fail_memory(err) : DONE;
    }
    return lyd_insert_sibling(*tree, top, tree) ? fail_memory(err) : DONE;
}

static enum outcome finish_xpath(struct rpc *rpc, const struct filter *filter,
                                 struct lyd_node **tree)
{
    char *xml = NULL;
    struct text text = {0};
    enum outcome outcome = filter_xpath_prune(filter, tree, &rpc->error);
    rpc->protocol = outcome == REFUSED;
    if (outcome == DONE && *tree &&
        lyd_print_mem(&xml, *tree, LYD_XML, LYD_PRINT_SHRINK | LYD_PRINT_WITHSIBLINGS))
        outcome = fail_memory(&rpc->error);
    if (xml)
        text_add_string(&text, xml);
    free(xml);
    if (outcome == DONE && !(rpc->data = text_take(&text)))
        outcome = fail_memory(&rpc->error);
    lyd_free_all(*tree);
    *tree = NULL;
    return outcome;
}

/* The entry's node in a tree of it. */
static struct lyd_node *entry_node(const struct entry *entry, struct lyd_node *top)
{
    struct lyd_node *node;
    if (!entry->unit->list)
        return top;
    LY_LIST_FOR(lyd_child(top), node)
    {
        if (node->schema == entry->unit->list)
            break;
    }
    return node;
}

static enum outcome copy_entry(const struct entry *entry, struct lyd_node **top,
                               struct lyd_node **node, struct error *err)
{
    if (lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, top))
        return fail_memory(err);
    *node = entry_node(entry, *top);
    return DONE;
}

/*
 * Leave of an entry's tree what the user can read. Returns the entry's node, or NULL if he cannot
 * read that; then the tree is freed.
 */
static struct lyd_node *prune_entry(const struct access *access, const struct entry *entry,
                                    struct lyd_node **top)
{
    struct lyd_node *node = NULL;
    if (access_prune(access, *top))
        node = entry_node(entry, *top);
    else
        *top = NULL;
    if (!node) {
        lyd_free_all(*top);
        *top = NULL;
    }
    return node;
}

/* get-config */

/* Call a function for each entry of a unit that can matter. */
static enum outcome each_entry(const struct filter *filter, const struct snapshot *snapshot,
                               const struct unit *unit,
                               enum outcome (*function)(const struct entry *entry, void *arg),
                               void *arg)
{
    const struct filter_unit *wanted = &filter->units[unit->rank];
    enum outcome outcome = DONE;
    size_t count, first = snapshot_range(snapshot, unit, &count);
    if (!wanted->wanted)
        return DONE;
    for (size_t i = 0; wanted->all && i < count && outcome == DONE; i++)
        outcome = function(snapshot->entries[first + i], arg);
    for (size_t i = 0; !wanted->all && i < wanted->key_count && outcome == DONE; i++) {
        const struct entry *entry = snapshot_find(snapshot, unit, wanted->keys[i]);
        outcome = entry ? function(entry, arg) : DONE;
    }
    return outcome;
}

/* Add what the user can read of an entry; of a container, begin it with that. */
static enum outcome add_visible(struct output *output, const struct entry *entry, bool begin)
{
    struct lyd_node *top = NULL, *node = NULL;
    enum outcome outcome = copy_entry(entry, &top, &node, NULL);
    if (outcome == DONE)
        node = prune_entry(output->access, entry, &top);
    if (begin)
        begin_top(output, entry->unit, node);
    else if (node)
        add_entry(output, entry, node, false);
    lyd_free_all(top);
    return outcome;
}

static enum outcome add_stored(const struct entry *entry, void *arg)
{
    struct output *output = arg;
    if (!access_covers(output->access, entry->unit, ACCESS_READ))
        return add_visible(output, entry, false);
    add_entry(output, entry, entry->node, true);
    return DONE;
}

/* Begin the container of a unit with what its own unit holds. */
static enum outcome begin_stored(struct output *output, const struct unit *unit,
                                 const struct snapshot *snapshot)
{
    const struct unit *own = schema_unit_of_top(output->filter->schema, unit->top);
    const struct entry *container = snapshot_find(snapshot, own, "");
    if (container && !access_covers(output->access, own, ACCESS_READ))
        return add_visible(output, container, true);
    begin_top(output, unit, container ? container->node : NULL);
    return DONE;
}

static enum outcome config_by_units(struct rpc *rpc, const struct filter *filter,
                                    const struct snapshot *snapshot)
{
    struct output output = {.filter = filter, .access = &rpc->access};
    enum outcome outcome = DONE;
    for (size_t i = 0; i < filter->schema->unit_count && outcome == DONE; i++) {
        const struct unit *unit = &filter->schema->units[i];
        if (!unit->config || !filter->units[i].wanted)
            continue;
        if (output.top != unit->top)
            outcome = begin_stored(&output, unit, snapshot);
        if (outcome == DONE)
            outcome = each_entry(filter, snapshot, unit, add_stored, &output);
    }
    if (outcome == DONE)
        return finish(rpc, &output);
    close_top(&output);
    text_free(&output.text);
    return fail_memory(&rpc->error);
}

/* A tree that grows, and why it cannot. */
struct collection {
    struct lyd_node *tree;
    struct access *access;
    struct error *err;
};

static enum outcome collect_entry(const struct entry *entry, void *arg)
{
    struct collection *collection = arg;
    struct lyd_node *top = NULL, *node = NULL;
    enum outcome outcome = copy_entry(entry, &top, &node, collection->err);
    if (outcome == DONE && !access_covers(collection->access, entry->unit, ACCESS_READ))
        node = prune_entry(collection->access, entry, &top);
    if (outcome == DONE && node)
        outcome = collect_node(&collection->tree, top, node, collection->err);
    return outcome;
}

static enum outcome config_by_xpath(struct rpc *rpc, const struct filter *filter,
                                    const struct snapshot *snapshot)
{
    struct collection collection = {.access = &rpc->access, .err = &rpc->error};
    enum outcome outcome = DONE;
    for (size_t i = 0; i < filter->schema->unit_count && outcome == DONE; i++)
        if (filter->schema->units[i].config)
            outcome =
                each_entry(filter, snapshot, &filter->schema->units[i], collect_entry, &collection);
    if (outcome == DONE)
        return finish_xpath(rpc, filter, &collection.tree);
    lyd_free_all(collection.tree);
    return outcome;
}

/* Begin either operation: its filter. */
static enum outcome read_filter(struct rpc *rpc, struct filter *filter)
{
    bool without_id;
    const struct text *message = link_message(rpc->session->link, &without_id);
    enum outcome outcome =
        filter_read(rpc->agent->schema, rpc_parameter(rpc, "filter"), message->data,
                    rpc->session->server->bare, filter, &rpc->error);
    rpc->protocol = outcome != DONE;
    return outcome;
}

enum outcome rpc_get_config(struct rpc *rpc)
{
    enum datastore source;
    struct filter filter = {0};
    enum outcome outcome = rpc_datastore(rpc, "source", &source, NULL);
    if (outcome == DONE)
        outcome = read_filter(rpc, &filter);
    if (outcome == DONE) {
        struct snapshot *snapshot = datastore_read(rpc->agent, source);
        outcome = filter.kind == FILTER_XPATH ? config_by_xpath(rpc, &filter, snapshot)
                                              : config_by_units(rpc, &filter, snapshot);
        snapshot_unref(snapshot);
    }
    filter_free(&filter);
    return outcome;
}

/* get */

/* The YANG library (RFC 8525) is libyang's; it is given to those that ask for it by name. */
static enum outcome read_library(struct rpc *rpc, struct lyd_node **tree)
{
    struct ly_ctx *ctx = rpc->agent->schema->ctx;
    *tree = NULL;
    if (ly_ctx_get_yanglib_data(ctx, tree, "%u", ly_ctx_get_change_count(ctx)))
        return schema_refuse(rpc->agent->schema, NULL, &rpc->error, "There is no YANG library.");
    *tree = lyd_first_sibling(*tree);
    struct lyd_node *node, *next;
    LY_LIST_FOR_SAFE(*tree, next, node)
    {
        if (!access_prune(&rpc->access, node) && node == *tree)
            *tree = next;
    }
    return DONE;
}

/* Leave of the state what the user can read; of an entry that he cannot read nothing is left. */
static void prune_state(struct rpc *rpc, struct operational *state)
{
    for (size_t i = 0; i < state->count; i++)
        if (!access_covers(&rpc->access, state->entries[i]->unit, ACCESS_READ))
            state->nodes[i] = prune_entry(&rpc->access, state->entries[i], &state->trees[i]);
}

static enum outcome add_library(struct rpc *rpc, const struct filter *filter, struct text *text)
{
    struct lyd_node *tree, *node;
    enum outcome outcome = read_library(rpc, &tree);
    LY_LIST_FOR(tree, node)
    {
        struct lyd_node *part = NULL;
        char *xml = NULL;
        enum selection selection = filter_select(filter, node, NULL, &part);
        if (selection != SELECT_NOTHING &&
            !lyd_print_mem(&xml, part ? part : node, LYD_XML, LYD_PRINT_SHRINK) && xml)
            text_add_string(text, xml);
        free(xml);
        lyd_free_tree(part);
    }
    lyd_free_all(tree);
    return outcome;
}

static enum outcome state_by_units(struct rpc *rpc, const struct filter *filter,
                                   struct operational *state)
{
    struct output output = {.filter = filter};
    enum outcome outcome = DONE;
    for (size_t i = 0; i < state->count; i++) {
        const struct unit *unit = state->entries[i]->unit;
        if (output.top != unit->top)
            begin_top(&output, unit, unit->list ? NULL : state->nodes[i]);
        if (state->nodes[i])
            add_entry(&output, state->entries[i], state->nodes[i], false);
    }
    close_top(&output);
    if (filter->library)
        outcome = add_library(rpc, filter, &output.text);
    if (outcome == DONE)
        return finish(rpc, &output);
    text_free(&output.text);
    return outcome;
}

static enum outcome state_by_xpath(struct rpc *rpc, const struct filter *filter,
                                   struct operational *state)
{
    struct lyd_node *tree = NULL, *library = NULL;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < state->count && outcome == DONE; i++) {
        if (!state->nodes[i])
            continue;
        outcome = collect_node(&tree, state->trees[i], state->nodes[i], &rpc->error);
        state->trees[i] = NULL; /* it is the tree's now */
    }
    if (outcome == DONE && filter->library)
        outcome = read_library(rpc, &library);
    if (outcome == DONE && library && lyd_insert_sibling(tree, library, &tree))
        outcome = fail_memory(&rpc->error);
    if (outcome == DONE)
        return finish_xpath(rpc, filter, &tree);
    lyd_free_all(tree);
    return outcome;
}

enum outcome rpc_get(struct rpc *rpc)
{
    struct filter filter = {0};
    struct operational state = {0};
    enum outcome outcome = read_filter(rpc, &filter);
    if (outcome == DONE)
        outcome = operational_read(rpc->agent, filter_wants, &filter, &state, &rpc->error);
    prune_state(rpc, &state);
    if (outcome == DONE)
        outcome = filter.kind == FILTER_XPATH ? state_by_xpath(rpc, &filter, &state)
                                              : state_by_units(rpc, &filter, &state);
    operational_free(&state);
    filter_free(&filter);
    return outcome;
}
