/*
 * get and get-config (RFC 6241, 7.1 and 7.7), and what get-data shares with them.
 *
 * The reply is put together from the texts that entries keep of themselves; only an entry of which
 * a part is asked for, or whose state is, or which is to be shown otherwise than it is stored, is
 * printed anew. For XPath, which may look anywhere, trees are gathered first.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/operational.h"
#include "agent/event/event.h"
#include "agent/netconf/reading.h"

#define ORIGIN_NAMESPACE "urn:ietf:params:xml:ns:yang:ietf-origin"

/* What is put out: top-level containers, each with what its units have. */
struct output {
    const struct filter *filter;
    const struct view *view;
    struct access *access;
    struct text text;
    const struct lysc_node *top; /* The container that is at work. */
    bool open;                   /* Its start tag has been written. */
    enum selection selection;    /* What of its children is asked for. */
    struct filter_set set;
    struct lyd_node *tree; /* XPath: what has been gathered. */
    struct error *err;
};

/* A piece of data on its way into a reply: an entry's, or a tree that is no entry's. */
struct piece {
    const struct unit *unit;
    const struct entry *entry; /* As it is stored, or NULL. */
    struct lyd_node *node;     /* The list instance or the top-level node. */
    struct lyd_node **tree;    /* The private tree that node is in, for the taking; or NULL. */
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
    bool empty = length < end || !strcmp(xml + length - 2, "/>");
    if (empty && (!output->view->depth || length < end))
        return;
    text_add(&output->text, xml, empty ? length - 2 : length - end);
    if (empty)
        text_add_string(&output->text, ">");
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
        text_add_string(text, output->view->with_origin ? "\" xmlns:or=\"" ORIGIN_NAMESPACE
                                                          "\" or:origin=\"or:intended\">"
                                                        : "\">");
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
    if (lyd_print_mem(&xml, node, LYD_XML, view_print_options(output->view)))
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

static struct lyd_node *instance_in(const struct unit *unit, struct lyd_node *tree)
{
    struct lyd_node *node = unit->list ? lyd_child(tree) : tree;
    while (node && unit->list && node->schema != unit->list)
        node = node->next;
    return node;
}

static enum outcome copy_entry(const struct entry *entry, struct lyd_node **top,
                               struct lyd_node **node, struct error *err)
{
    if (lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, top))
        return fail_memory(err);
    *node = instance_in(entry->unit, *top);
    return DONE;
}

/* Put a piece's private tree into the one tree that is gathered, below its top-level container. */
static enum outcome gather(struct output *output, struct lyd_node *top, struct lyd_node *node)
{
    struct lyd_node *there = output->tree;
    while (there && there->schema != top->schema)
        there = there->next;
    if (there && node != top) {
        lyd_unlink_tree(node);
        lyd_free_tree(top);
        return lyd_insert_child(there, node) ? fail_memory(output->err) : DONE;
    }
    return lyd_insert_sibling(output->tree, top, &output->tree) ? fail_memory(output->err) : DONE;
}

static enum outcome gather_piece(struct output *output, const struct piece *piece)
{
    struct lyd_node *top = NULL, *node = piece->node;
    if (!piece->tree) {
        enum outcome outcome = copy_entry(piece->entry, &top, &node, output->err);
        return outcome == DONE ? gather(output, top, node) : outcome;
    }
    top = *piece->tree;
    *piece->tree = NULL;
    return gather(output, top, node);
}

/* The levels of a piece that may be shown, by what the filter selected. */
static uint32_t levels_of(const struct output *output, const struct unit *unit,
                          enum selection selection)
{
    if (!output->view->depth)
        return VIEW_UNBOUNDED;
    if (output->selection == SELECT_ALL)
        return view_levels(output->view, unit->list ? 1 : 0);
    return selection == SELECT_ALL ? view_levels(output->view, 0) : 0;
}

/* Put out a piece by its unit: a part of it, or all (part is NULL). Takes the part. */
static enum outcome put_out(struct output *output, const struct piece *piece,
                            enum selection selection, struct lyd_node *part)
{
    enum outcome outcome = DONE;
    if (!view_is_plain(output->view)) {
        if (!part &&
            lyd_dup_single(piece->node, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &part))
            return fail_memory(output->err);
        outcome =
            view_apply(output->view, levels_of(output, piece->unit, selection), &part, output->err);
        if (part && outcome == DONE)
            add_node(output, piece->unit, part);
    } else {
        add_node(output, piece->unit, part ? part : piece->node);
    }
    lyd_free_tree(part);
    return outcome;
}

/* What is asked for of a piece is selected, reduced to what the view shows, and printed. */
static enum outcome add_piece(struct output *output, const struct piece *piece)
{
    struct lyd_node *part = NULL;
    enum selection selection = output->selection;
    if (output->filter->kind == FILTER_XPATH)
        return gather_piece(output, piece);
    if (selection == SELECT_PART)
        selection = filter_select(output->filter, piece->node,
                                  piece->unit->list ? &output->set : NULL, &part);
    if (selection == SELECT_NOTHING)
        return DONE;
    bool as_stored = piece->entry && !piece->tree && view_is_plain(output->view) &&
                     output->view->defaults == LYD_PRINT_WD_EXPLICIT;
    if (selection != SELECT_ALL || !as_stored)
        return put_out(output, piece, selection, part);
    add_xml(output, piece->unit, entry_text(piece->entry));
    return DONE;
}

/* Whether a user reads all that a piece has; of what is no unit's each node is looked at. */
static bool reads_all(const struct output *output, const struct piece *piece)
{
    return output->access->all ||
           (piece->entry && access_covers(output->access, piece->unit, ACCESS_READ));
}

/*
 * The one way of data into a reply: what the user cannot read is taken out of a private copy before
 * any filter sees it.
 */
static enum outcome add_entry(struct output *output, const struct piece *piece)
{
    struct lyd_node *top = NULL, *node = NULL;
    enum outcome outcome = DONE;
    if (reads_all(output, piece))
        return add_piece(output, piece);
    if (piece->tree) {
        top = *piece->tree;
        *piece->tree = NULL;
    } else {
        outcome = copy_entry(piece->entry, &top, &node, output->err);
    }
    if (outcome != DONE)
        return outcome;
    if (!access_prune(output->access, top))
        return DONE;
    node = instance_in(piece->unit, top);
    if (node)
        outcome = add_piece(output, &(struct piece){piece->unit, piece->entry, node, &top});
    lyd_free_all(top);
    return outcome;
}

/* Begin a container with what the user can read of what its own unit holds. */
static enum outcome begin_stored(struct output *output, const struct unit *unit,
                                 const struct entry *container)
{
    struct lyd_node *top = NULL, *node = NULL;
    enum outcome outcome = DONE;
    if (!container || access_covers(output->access, container->unit, ACCESS_READ)) {
        begin_top(output, unit, container ? container->node : NULL);
        return DONE;
    }
    outcome = copy_entry(container, &top, &node, output->err);
    if (outcome == DONE && !access_prune(output->access, top))
        top = NULL;
    begin_top(output, unit, top);
    lyd_free_all(top);
    return outcome;
}

/* What was gathered is reduced to what the expression selects, and to what the view shows. */
static enum outcome finish_xpath(struct rpc *rpc, struct output *output)
{
    enum outcome outcome = filter_xpath_prune(output->filter, &output->tree, &rpc->error);
    uint32_t levels = output->view->depth ? 0 : VIEW_UNBOUNDED;
    rpc->protocol = outcome == REFUSED;
    while (outcome == DONE && output->tree) {
        struct lyd_node *node = output->tree, *next = node->next;
        char *xml = NULL;
        lyd_unlink_tree(node);
        output->tree = next;
        outcome = view_apply(output->view, levels, &node, &rpc->error);
        if (node && lyd_print_mem(&xml, node, LYD_XML, view_print_options(output->view)))
            output->text.failed = true;
        if (xml)
            text_add_string(&output->text, xml);
        free(xml);
        lyd_free_tree(node);
    }
    return outcome;
}

static enum outcome finish(struct rpc *rpc, struct output *output, enum outcome outcome)
{
    close_top(output);
    if (outcome == DONE && output->filter->kind == FILTER_XPATH)
        outcome = finish_xpath(rpc, output);
    lyd_free_all(output->tree);
    if (outcome == DONE && !(rpc->data = text_take(&output->text)))
        outcome = fail_memory(&rpc->error);
    text_free(&output->text);
    return outcome;
}

/* Configuration */

static enum outcome complete(const struct view *view, struct lyd_node *node, struct error *err)
{
    return view_shows_defaults(view) && lyd_new_implicit_tree(node, 0, NULL) ? fail_memory(err)
                                                                             : DONE;
}

/* What has not been validated yet, a candidate's, lacks its defaults. */
static enum outcome add_unfinished(struct output *output, const struct entry *entry)
{
    struct lyd_node *tree = NULL, *node = NULL;
    enum outcome outcome = copy_entry(entry, &tree, &node, output->err);
    if (outcome == DONE && lyd_new_implicit_tree(node, LYD_IMPLICIT_NO_STATE, NULL))
        outcome = fail_memory(output->err);
    if (outcome == DONE)
        outcome = add_entry(output, &(struct piece){entry->unit, entry, node, &tree});
    lyd_free_all(tree);
    return outcome;
}

static enum outcome add_stored(const struct entry *entry, void *arg)
{
    struct output *output = arg;
    if (!entry->valid && view_shows_defaults(output->view))
        return add_unfinished(output, entry);
    return add_entry(output, &(struct piece){entry->unit, entry, entry->node, NULL});
}

enum outcome reading_config(struct rpc *rpc, const struct reading *reading,
                            enum datastore datastore)
{
    const struct filter *filter = &reading->filter;
    struct output output = {
        .filter = filter, .view = &reading->view, .access = &rpc->access, .err = &rpc->error};
    struct snapshot *snapshot;
    enum outcome outcome = datastore_fetch(rpc->agent, datastore, &snapshot, &rpc->error);
    if (outcome != DONE)
        return outcome;
    for (size_t i = 0; i < filter->schema->unit_count && outcome == DONE; i++) {
        const struct unit *unit = &filter->schema->units[i];
        if (!unit->config || !filter->units[i].wanted)
            continue;
        if (output.top != unit->top) {
            const struct unit *own = schema_unit_of_top(filter->schema, unit->top);
            outcome = begin_stored(&output, unit, snapshot_find(snapshot, own, ""));
        }
        if (outcome == DONE)
            outcome = snapshot_each(snapshot, unit, &filter->units[i], add_stored, &output);
    }
    outcome = finish(rpc, &output, outcome);
    snapshot_unref(snapshot);
    return outcome;
}

void reading_defaults(const struct rpc *rpc, uint32_t fallback, struct view *view)
{
    const char *mode = rpc_value(rpc, "with-defaults", "");
    view->tags = !strcmp(mode, "report-all-tagged");
    view->defaults = !strcmp(mode, "report-all") || view->tags ? LYD_PRINT_WD_ALL
                     : !strcmp(mode, "trim")                   ? LYD_PRINT_WD_TRIM
                     : *mode                                   ? LYD_PRINT_WD_EXPLICIT
                                                               : fallback;
}

/* The parameters filter and with-defaults. */
static enum outcome read_parameters(struct rpc *rpc, struct reading *reading)
{
    bool without_id;
    const struct text *message = link_message(rpc->session->link, &without_id);
    enum outcome outcome =
        filter_read(rpc->agent->schema, rpc_parameter(rpc, "filter"), message->data,
                    rpc->session->server->bare, &reading->filter, &rpc->error);
    rpc->protocol = outcome != DONE;
    reading_defaults(rpc, LYD_PRINT_WD_EXPLICIT, &reading->view);
    return outcome;
}

enum outcome rpc_get_config(struct rpc *rpc)
{
    enum datastore source;
    struct reading reading = {0};
    enum outcome outcome = rpc_datastore(rpc, "source", &source, NULL);
    if (outcome == DONE)
        outcome = read_parameters(rpc, &reading);
    if (outcome == DONE)
        outcome = reading_config(rpc, &reading, source);
    filter_free(&reading.filter);
    return outcome;
}

/* The operational state */

/* The streams of events (RFC 5277, 3.2.5.1). */
static enum outcome streams_read(struct rpc *rpc, struct lyd_node **tree)
{
    *tree = event_streams(rpc->agent);
    return *tree ? DONE : fail_memory(&rpc->error);
}

/* State that is no unit's, by the module that it is of. */
static const struct extra {
    const char *module;
    enum outcome (*read)(struct rpc *rpc, struct lyd_node **tree);
} extras[] = {
    {"ietf-yang-library", library_read},
    {"ietf-netconf-monitoring", monitoring_read},
    {"nc-notifications", streams_read},
};

static bool wants_extra(const struct filter *filter, const struct extra *extra)
{
    const struct lys_module *module =
        ly_ctx_get_module_implemented(filter->schema->ctx, extra->module);
    const struct lysc_node *top = module ? module->compiled->data : NULL;
    while (top && !filter_wants_top(filter, top))
        top = top->next;
    return top;
}

static enum outcome add_extra(struct rpc *rpc, struct output *output, const struct extra *extra)
{
    struct lyd_node *tree = NULL;
    enum outcome outcome = extra->read(rpc, &tree);
    while (tree && outcome == DONE) {
        struct lyd_node *node = tree;
        struct unit unit = {.top = node->schema};
        tree = node->next;
        lyd_unlink_tree(node);
        begin_top(output, &unit, node);
        outcome = add_entry(output, &(struct piece){&unit, NULL, node, &node});
        lyd_free_tree(node);
    }
    lyd_free_all(tree);
    return outcome;
}

static enum outcome add_state(struct output *output, struct operational *state, size_t i)
{
    const struct unit *unit = state->entries[i]->unit;
    struct lyd_node *node = state->nodes[i];
    enum outcome outcome = complete(output->view, node, output->err);
    if (outcome == DONE && !access_covers(output->access, unit, ACCESS_READ)) {
        if (!access_prune(output->access, state->trees[i]))
            state->trees[i] = NULL;
        node = state->trees[i] ? instance_in(unit, state->trees[i]) : NULL;
    }
    if (output->top != unit->top)
        begin_top(output, unit, unit->list ? NULL : node);
    if (outcome == DONE && node)
        outcome =
            add_entry(output, &(struct piece){unit, state->entries[i], node, &state->trees[i]});
    return outcome;
}

enum outcome reading_operational(struct rpc *rpc, const struct reading *reading)
{
    const struct filter *filter = &reading->filter;
    struct output output = {
        .filter = filter, .view = &reading->view, .access = &rpc->access, .err = &rpc->error};
    struct operational state = {0};
    enum outcome outcome = operational_read(rpc->agent, filter->units, &state, &rpc->error);
    for (size_t i = 0; i < state.count && outcome == DONE; i++) {
        outcome = add_state(&output, &state, i);
        lyd_free_all(state.trees[i]); /* while the processor still has it at hand */
        state.trees[i] = NULL;
    }
    for (size_t i = 0; i < sizeof(extras) / sizeof(*extras) && outcome == DONE; i++)
        if (wants_extra(filter, &extras[i]))
            outcome = add_extra(rpc, &output, &extras[i]);
    operational_free(&state);
    return finish(rpc, &output, outcome);
}

enum outcome rpc_get(struct rpc *rpc)
{
    struct reading reading = {0};
    enum outcome outcome = read_parameters(rpc, &reading);
    if (outcome == DONE)
        outcome = reading_operational(rpc, &reading);
    filter_free(&reading.filter);
    return outcome;
}
