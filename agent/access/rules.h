/*
 * Rules: /ietf-netconf-acm:nacm in the form in which requests are held against it.
 *
 * Made from a valid entry; immutable and counted by reference from then on, so that any thread may
 * read them for as long as it holds a reference.
 */
#ifndef NORIA_ACCESS_RULES_H
#define NORIA_ACCESS_RULES_H

#include "agent/datastore/entry.h"

/** The kinds of access (RFC 8341, 2.2), which are the bits of a rule's access-operations. */
enum access_right {
    ACCESS_CREATE = 1,
    ACCESS_READ = 2,
    ACCESS_UPDATE = 4,
    ACCESS_DELETE = 8,
    ACCESS_EXEC = 16,
    ACCESS_ANY = 31,
};

/** A predicate of a rule's path. */
struct rule_predicate {
    const struct lysc_node *key; /**< A key of a list, or a leaf-list, whose value is meant. */
    char *value;                 /**< Canonical. NULL: the name of the user. Owned. */
};

/** One rule. */
struct rule {
    bool any_module;
    const struct lys_module *module; /**< NULL: the agent has no such module, nothing matches. */
    enum rule_type { RULE_ANY, RULE_OPERATION, RULE_NOTIFICATION, RULE_DATA } type;
    char *name;                        /**< Of an operation or a notification; NULL: any. Owned. */
    const struct lysc_node *where;     /**< For RULE_DATA; NULL: everything. */
    struct rule_predicate *predicates; /**< Of where and what is above it. Owned. */
    size_t predicate_count;
    unsigned int rights; /**< Of enum access_right. */
    bool permit;
};

/** A list of rules for some groups. */
struct rule_list {
    bool any_group;
    char **groups; /**< Owned, as their names are. */
    size_t group_count;
    struct rule *rules; /**< In the order of the user. Owned. */
    size_t rule_count;
};

/** A group of users. */
struct rule_group {
    char *name;   /**< Owned. */
    char **users; /**< Owned, as their names are. */
    size_t user_count;
};

/** All rules, and what holds where none matches. Read its members; change none. */
struct access_rules {
    atomic_uint refs;
    bool enabled;
    bool read_default; /**< Whether it is permitted; as those that follow. */
    bool write_default;
    bool exec_default;
    struct rule_group *groups; /**< Owned. */
    size_t group_count;
    struct rule_list *lists; /**< In the order of the user. Owned. */
    size_t list_count;
};

/**
 * Make rules of the container /ietf-netconf-acm:nacm.
 * @param nacm Valid, with its defaults.
 * @param[out] rules With one reference.
 * @return REFUSED with the path of the rule of which the agent can make no sense.
 */
enum outcome access_rules_new(const struct lyd_node *nacm, struct access_rules **rules,
                              struct error *err);

/** One more reference. @return The rules. */
struct access_rules *access_rules_ref(struct access_rules *rules);

/** Give a reference back; NULL is legal. */
void access_rules_unref(struct access_rules *rules);

/**
 * Compile the path of a rule (rule_path.c): a node-instance-identifier with names of modules as
 * prefixes, as libyang has it in its canonical form.
 * @param rule Gets where, and predicates; they are its own, also after a failure.
 * @param at The leaf, for the error's path.
 */
enum outcome rule_compile_path(struct rule *rule, const char *path, const struct lyd_node *at,
                               struct error *err);

#endif
