/*
 * keepalived's scripts of virtual servers and real servers.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"

/*
 * The program of a statement, or NULL: Noria's are paths without arguments, since it has its own to
 * tell.
 */
static const char *program_of(struct import *import, const struct statement *statement)
{
    const char *program = statement_argument(statement);
    if (!statement)
        return NULL;
    if (program && *program == '/' && !strpbrk(program, " \t"))
        return program;
    import_left(import, statement->place,
                "%s: Noria runs a program by its path, with arguments of its own (docs/health.md)",
                statement->words[0]);
    return NULL;
}

static void set_user(struct import *import, const struct statement *all,
                     const struct statement *script, struct lyd_node *health)
{
    const struct statement *of_all = NULL;
    for (const struct statement *one = all; one; one = one->next)
        if (!strcmp(one->words[0], "global_defs") &&
            statement_find(one->child, "script_user", NULL))
            of_all = statement_find(one->child, "script_user", NULL);
    const char *user = script->count > 2 ? script->words[2] : statement_argument(of_all);
    if (user)
        import_leaf(import, script->place, health, "hook-user", user);
}

/* A script that the real servers have; it is taken if all have the same one. */
static const struct statement *common_script(struct import *import, const struct statement *server,
                                             const char *keyword)
{
    const struct statement *first = NULL;
    size_t with = 0, others = 0, count = 0;
    for (const struct statement *one = server->child; one; one = one->next) {
        if (strcmp(one->words[0], "real_server"))
            continue;
        const struct statement *own = statement_find(one->child, keyword, NULL);
        const char *program = statement_argument(own), *known = statement_argument(first);
        count++;
        with += own != NULL;
        others += program && known && strcmp(program, known) != 0;
        first = first ? first : own;
    }
    if (first && (with < count || others)) {
        import_left(import, first->place,
                    "%s: it is said for all real servers of a virtual server, or for none",
                    keyword);
        return NULL;
    }
    return first;
}

void keepalived_scripts(struct import *import, const struct statement *all,
                        const struct statement *server, struct lyd_node *node)
{
    const struct {
        const char *leaf;
        const struct statement *script;
    } scripts[] = {
        {"notify-up", common_script(import, server, "notify_up")},
        {"notify-down", common_script(import, server, "notify_down")},
        {"quorum-up", statement_find(server->child, "quorum_up", NULL)},
        {"quorum-down", statement_find(server->child, "quorum_down", NULL)},
    };
    const struct statement *omega = statement_find(server->child, "omega", NULL);
    bool any = false;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        const char *program = program_of(import, scripts[i].script);
        if (!program)
            continue;
        struct lyd_node *health =
            import_container(import, scripts[i].script->place, node, "noria-health:health");
        import_leaf(import, scripts[i].script->place, health, scripts[i].leaf, program);
        set_user(import, all, scripts[i].script, health);
        any = true;
    }
    if (any && statement_on(omega, false))
        import_leaf(import, omega->place, import_find(node, "health"), "omega", "true");
}
