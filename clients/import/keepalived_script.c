/*
 * keepalived's scripts of virtual servers and real servers.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"

/* The program of a statement, and its arguments; or NULL. */
static const char *program_of(struct import *import, const struct statement *statement)
{
    const char *program = statement_argument(statement);
    if (!statement)
        return NULL;
    if (program && *program == '/')
        return program;
    import_left(import, statement->place, "%s: the program needs its whole path",
                statement->words[0]);
    return NULL;
}

/* A virtual server's commands run as one user, with that one's group. */
static void set_user(struct import *import, const struct statement *all,
                     const struct statement *script, struct lyd_node *health)
{
    const char *user = script->count > 2
                           ? script->words[2]
                           : statement_argument(keepalived_global(all, "script_user"));
    const struct lyd_node *set = import_find(health, "hook-user");
    if (script->count > 3)
        import_left(import, script->place, "%s: it runs with the group of its user",
                    script->words[0]);
    if (user && set && strcmp(lyd_get_value(set), user) != 0)
        import_left(import, script->place,
                    "%s: all commands of a virtual server run as one user, here %s; sudo(8) may "
                    "change it",
                    script->words[0], lyd_get_value(set));
    else if (user)
        import_leaf(import, script->place, health, "hook-user", user);
}

/* A script that the real servers have; it is taken if all have the same one. */
static const struct statement *common_script(const struct statement *server, const char *keyword)
{
    const struct statement *first = NULL;
    for (const struct statement *one = server->child; one; one = one->next) {
        if (strcmp(one->words[0], "real_server"))
            continue;
        const struct statement *own = statement_find(one->child, keyword, NULL);
        const char *program = statement_argument(own), *known = statement_argument(first);
        if (!program || (known && strcmp(program, known) != 0))
            return NULL;
        first = first ? first : own;
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
        {"notify-up", common_script(server, "notify_up")},
        {"notify-down", common_script(server, "notify_down")},
        {"quorum-up", statement_find(server->child, "quorum_up", NULL)},
        {"quorum-down", statement_find(server->child, "quorum_down", NULL)},
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        const char *program = program_of(import, scripts[i].script);
        if (!program)
            continue;
        struct lyd_node *health =
            import_container(import, scripts[i].script->place, node, "noria-health:health");
        import_leaf(import, scripts[i].script->place, health, scripts[i].leaf, program);
        set_user(import, all, scripts[i].script, health);
    }
}

struct lyd_node *keepalived_real(const struct lyd_node *server, const struct statement *statement)
{
    struct lyd_node *real;
    LY_LIST_FOR(lyd_child(server), real)
    {
        const struct place *place = real->priv;
        if (!strcmp(real->schema->name, "real-server") && place &&
            place->file == statement->place.file && place->line == statement->place.line)
            return real;
    }
    return NULL;
}

/* A script of one real server, which runs as the virtual server's do. */
static void take_own(struct import *import, const struct statement *all,
                     const struct statement *script, const char *leaf, struct lyd_node *real)
{
    const char *program = program_of(import, script);
    if (!program)
        return;
    struct lyd_node *own = import_container(import, script->place, real, "noria-health:health");
    import_leaf(import, script->place, own, leaf, program);
    set_user(import, all, script,
             import_container(import, script->place, lyd_parent(real), "noria-health:health"));
}

void keepalived_own_scripts(struct import *import, const struct statement *all,
                            const struct statement *server, struct lyd_node *node)
{
    static const char *const leaves[][2] = {{"notify_up", "notify-up"},
                                            {"notify_down", "notify-down"}};
    for (const struct statement *one = server->child; one; one = one->next) {
        struct lyd_node *real =
            strcmp(one->words[0], "real_server") ? NULL : keepalived_real(node, one);
        for (size_t i = 0; real && i < 2; i++) {
            const struct statement *own = statement_find(one->child, leaves[i][0], NULL);
            if (own && !common_script(server, leaves[i][0]))
                take_own(import, all, own, leaves[i][1], real);
        }
    }
    const struct statement *omega = statement_find(server->child, "omega", NULL);
    struct lyd_node *health = import_find(node, "health");
    if (health && statement_on(omega, false))
        import_leaf(import, omega->place, health, "omega", "true");
}
