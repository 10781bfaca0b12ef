/*
 * Edits of anything that the modules let one configure, made from their schema alone: a module that
 * is added is edited, too. Include it behind given.h.
 */
#ifndef NORIA_TESTS_RANDOM_EDIT_H
#define NORIA_TESTS_RANDOM_EDIT_H

/** A number below another. */
static inline unsigned pick(unsigned below)
{
    return (unsigned)random() % below;
}

/** An operation as an attribute; mostly none. */
static inline const char *random_operation(void)
{
    static const char *const operations[] = {"",
                                             "",
                                             "",
                                             "",
                                             " nc:operation=\"remove\"",
                                             " nc:operation=\"delete\"",
                                             " nc:operation=\"replace\""};
    return operations[pick(7)];
}

/* Of each kind of text that a pattern asks for there are some; few, so that edits meet again. */
static const char *const random_texts[] = {
    "a", "b", "c", "main", "s0", "s1", "eth0", "10.0.0.1", "10.0.0.2", "2001:db8::1", "10.0.0.0/8",
    "224.0.0.81", "eth0:1", "/bin/true", "/var/lib/x", "http://example.org/", "1.3.6.1", "*",
    "200-299", "$6$salt$hash", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "2026-01-01T00:00:00Z",
    "00:11:22:33:44:55", "(a=b)", "sip:a@b",
    /* Keys of 16 and 20 octets. */
    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33",
    "d41d8cd98f00b204e9800998ecf8427e"};

static const unsigned random_text_count = sizeof(random_texts) / sizeof(*random_texts);

/* A number of the type: near its bounds, or one that others have, too. */
static inline void random_number(const struct lysc_type *type, char *value, size_t size)
{
    const struct lysc_range *range = ((const struct lysc_type_num *)type)->range;
    static const int some[] = {0, 1, 2, 3, 32, 80, 100, 256};
    long long number = some[pick(8)];
    if (range && pick(2)) {
        const struct lysc_range_part *part =
            &range->parts[pick((unsigned)LY_ARRAY_COUNT(range->parts))];
        number = pick(4) ? part->min_64 + pick(3) : part->max_64;
    }
    snprintf(value, size, "%lld", number);
}

/* A text that may be a value of the type. */
static inline void random_candidate(const struct lysc_type *type, char *value, size_t size)
{
    const char *text = random_texts[pick(random_text_count)];
    switch (type->basetype) {
    case LY_TYPE_ENUM: {
        const struct lysc_type_bitenum_item *enums = ((const struct lysc_type_enum *)type)->enums;
        text = enums[pick((unsigned)LY_ARRAY_COUNT(enums))].name;
        break;
    }
    case LY_TYPE_BITS: {
        const struct lysc_type_bitenum_item *bits = ((const struct lysc_type_bits *)type)->bits;
        text = bits[pick((unsigned)LY_ARRAY_COUNT(bits))].name;
        break;
    }
    case LY_TYPE_BOOL:
        text = pick(2) ? "true" : "false";
        break;
    case LY_TYPE_EMPTY:
        text = "";
        break;
    case LY_TYPE_IDENT: {
        struct lysc_ident *const *derived =
            ((const struct lysc_type_identityref *)type)->bases[0]->derived;
        const struct lysc_ident *identity = derived[pick((unsigned)LY_ARRAY_COUNT(derived))];
        snprintf(value, size, "%s:%s", identity->module->name, identity->name);
        return;
    }
    case LY_TYPE_LEAFREF:
        random_candidate(((const struct lysc_type_leafref *)type)->realtype, value, size);
        return;
    case LY_TYPE_UNION: {
        struct lysc_type *const *types = ((const struct lysc_type_union *)type)->types;
        random_candidate(types[pick((unsigned)LY_ARRAY_COUNT(types))], value, size);
        return;
    }
    case LY_TYPE_STRING:
    case LY_TYPE_BINARY:
    case LY_TYPE_INST:
        break;
    case LY_TYPE_DEC64:
        snprintf(value, size, "%u.%u", pick(12), pick(2) * 5);
        return;
    default:
        random_number(type, value, size);
        return;
    }
    snprintf(value, size, "%s", text);
}

/** A value of a leaf or leaf-list. @return false if no text is one. */
static inline bool random_value(const struct schema *of, const struct lysc_node *node, char *value,
                                size_t size)
{
    LY_ERR error = LY_EVALID;
    for (int i = 0; i < 400 && error; i++) {
        random_candidate(((const struct lysc_node_leaf *)node)->type, value, size);
        error = lyd_value_validate(of->ctx, node, value, strlen(value), NULL, NULL, NULL);
        if (error == LY_EINCOMPLETE) /* a reference, which need not lead anywhere yet */
            error = LY_SUCCESS;
    }
    ly_err_clean(of->ctx, NULL);
    return !error;
}

static inline void random_leaf(const struct schema *of, FILE *out, const struct lysc_node *node)
{
    char value[256], module[64] = "";
    if (!random_value(of, node, value, sizeof(value)))
        return;
    /* A prefix that is a module's name. */
    const char *colon = strchr(value, ':');
    if (colon)
        snprintf(module, sizeof(module), "%.*s", (int)(colon - value), value);
    const struct lys_module *named = ly_ctx_get_module_implemented(of->ctx, module);
    fprintf(out, "<%s", node->name);
    if (named)
        fprintf(out, " xmlns:%s=\"%s\"", module, named->ns);
    fprintf(out, "%s>%s</%s>", lysc_is_key(node) || pick(6) ? "" : random_operation(), value,
            node->name);
}

static inline void random_children(const struct schema *of, FILE *out,
                                   const struct lysc_node *parent);

static inline void random_inner(const struct schema *of, FILE *out, const struct lysc_node *node)
{
    fprintf(out, "<%s", node->name);
    if (!node->parent || node->parent->module != node->module)
        fprintf(out, " xmlns=\"%s\"", node->module->ns);
    fprintf(out, "%s>", node->parent && !pick(2) ? random_operation() : "");
    random_children(of, out, node);
    fprintf(out, "</%s>", node->name);
}

/* Whether a child is to be in an edit: what must be there mostly is, of the rest one in some. */
static inline bool random_choice(const struct lysc_node *child)
{
    if (lysc_is_key(child))
        return true;
    if (child->flags & LYS_MAND_TRUE || (child->parent && child->parent->flags & LYS_MAND_TRUE))
        return pick(8);
    return !pick(child->nodetype & (LYS_LEAF | LYS_LEAFLIST) ? 3 : 4);
}

static inline void random_child(const struct schema *of, FILE *out, const struct lysc_node *child)
{
    unsigned times = child->nodetype & (LYS_LIST | LYS_LEAFLIST) ? 1 + !pick(3) : 1;
    while (times--) {
        if (child->nodetype & (LYS_LEAF | LYS_LEAFLIST))
            random_leaf(of, out, child);
        else
            random_inner(of, out, child);
    }
}

static inline void random_children(const struct schema *of, FILE *out,
                                   const struct lysc_node *parent)
{
    const struct lysc_node *child = NULL, *lists[64];
    unsigned list_count = 0;
    while ((child = lys_getnext(child, parent, NULL, 0))) {
        if (!(child->flags & LYS_CONFIG_W) ||
            !(child->nodetype & (LYS_CONTAINER | LYS_LIST | LYS_LEAF | LYS_LEAFLIST)))
            continue;
        if (!parent->parent && child->nodetype == LYS_LIST)
            lists[list_count++] = child; /* one of the large lists at a time, below */
        else if (random_choice(child))
            random_child(of, out, child);
    }
    if (list_count)
        random_child(of, out, lists[pick(list_count)]);
}

/** Write an edit of one top-level container. */
static inline void random_edit_of_all(const struct schema *of, FILE *out)
{
    const struct unit *unit;
    do
        unit = &of->units[pick((unsigned)of->unit_count)];
    while (!(unit->top->flags & LYS_CONFIG_W));
    fprintf(out, "<%s xmlns=\"%s\" xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
            unit->top->name, unit->top->module->ns);
    random_children(of, out, unit->top);
    fprintf(out, "</%s>", unit->top->name);
}

#endif
