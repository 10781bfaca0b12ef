/*
 * keepalived's e-mail: who gets it, how it is sent, and about what.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"

#define RECIPIENT "keepalived"

/* The first that is said decides. */
static bool is_on(const struct statement *own, const struct statement *of_kind,
                  const struct statement *of_all, bool otherwise)
{
    return statement_on(own, statement_on(of_kind, statement_on(of_all, otherwise)));
}

static void set_transport(struct import *import, const struct statement *all, struct lyd_node *mail)
{
    const struct statement *server = keepalived_global(all, "smtp_server");
    const struct statement *helo = keepalived_global(all, "smtp_helo_name");
    const struct statement *timeout = keepalived_global(all, "smtp_connect_timeout");
    struct place place =
        server ? server->place : keepalived_global(all, "notification_email")->place;
    /* Without one keepalived talks to its own node. */
    import_leaf(import, place, mail, "smtp/server",
                server ? statement_argument(server) : "127.0.0.1");
    if (server && server->count > 2)
        import_leaf(import, place, mail, "smtp/port", server->words[2]);
    if (helo)
        import_leaf(import, helo->place, mail, "smtp/helo-name", statement_argument(helo));
    if (timeout)
        import_leaf(import, timeout->place, mail, "smtp/timeout", statement_argument(timeout));
}

static void set_addresses(struct import *import, const struct statement *email,
                          struct lyd_node *recipient)
{
    for (size_t i = 1; i < email->count; i++)
        import_leaf(import, email->place, recipient, "address", email->words[i]);
    for (const struct statement *one = email->child; one; one = one->next)
        for (size_t i = 0; i < one->count; i++)
            import_leaf(import, one->place, recipient, "address", one->words[i]);
}

/* The virtual server that a statement has become, by its place. */
static const char *name_of(const struct import *import, const struct statement *statement)
{
    struct lyd_node *top, *server;
    LY_LIST_FOR(import->tree, top)
    {
        LY_LIST_FOR(lyd_child(top), server)
        {
            const struct place *place = server->priv;
            if (!strcmp(server->schema->name, "virtual-server") && place &&
                place->file == statement->place.file && place->line == statement->place.line)
                return lyd_get_value(import_find(server, "name"));
        }
    }
    return NULL;
}

/*
 * Of virtual servers keepalived tells unless it is told not to. Where it tells of some alone, their
 * names are what is asked for.
 */
static void set_servers(struct import *import, const struct statement *all,
                        struct lyd_node *recipient)
{
    const struct statement *of_kind = keepalived_global(all, "smtp_alert_checker"), *one;
    const struct statement *of_all = keepalived_global(all, "smtp_alert");
    struct place place = ((const struct place *)recipient->priv)[0];
    size_t on = 0, off = 0;
    for (int round = 0; round < 2; round++) {
        for (one = all; one; one = one->next) {
            if (strcmp(one->words[0], "virtual_server"))
                continue;
            bool told =
                is_on(statement_find(one->child, "smtp_alert", NULL), of_kind, of_all, true);
            const char *name = told && round ? name_of(import, one) : NULL;
            on += told && !round;
            off += !told && !round;
            if (name && off)
                import_leaf(import, one->place, recipient, "virtual-server", name);
        }
    }
    if (!on)
        return;
    import_leaf(import, place, recipient, "event", "real-server");
    import_leaf(import, place, recipient, "event", "quorum");
}

/* Of VRRP it tells where it is told to. */
static void set_vrrp(struct import *import, const struct statement *all, struct lyd_node *recipient)
{
    const struct statement *of_kind = keepalived_global(all, "smtp_alert_vrrp");
    const struct statement *of_all = keepalived_global(all, "smtp_alert"), *one;
    const struct statement *faults = keepalived_global(all, "no_email_faults");
    for (one = all; one; one = one->next)
        if ((!strcmp(one->words[0], "vrrp_instance") ||
             !strcmp(one->words[0], "vrrp_sync_group")) &&
            is_on(statement_find(one->child, "smtp_alert", NULL), of_kind, of_all, false)) {
            import_leaf(import, one->place, recipient, "event", "vrrp");
            if (faults)
                import_left(import, faults->place,
                            "no_email_faults: of VRRP every state is told, or none; leave vrrp out "
                            "of the recipient's events");
            return;
        }
}

bool keepalived_mails(const struct statement *all)
{
    const struct statement *email = keepalived_global(all, "notification_email");
    return email && (email->child || email->count > 1);
}

void keepalived_mail(struct import *import, const struct statement *all)
{
    const struct statement *email = keepalived_global(all, "notification_email");
    const struct statement *from = keepalived_global(all, "notification_email_from");
    const struct statement *node = keepalived_global(all, "router_id");
    if (!keepalived_mails(all))
        return;
    struct lyd_node *mail = import_container(import, email->place, NULL, "noria-mail:mail");
    struct lyd_node *recipient =
        import_entry(import, email->place, mail, "recipient", RECIPIENT, NULL);
    if (!recipient)
        return;
    set_addresses(import, email, recipient);
    set_servers(import, all, recipient);
    set_vrrp(import, all, recipient);
    /* Nothing asked for would mean the usual. */
    if (!import_find(recipient, "event")) {
        import_left(import, email->place, "notification_email: nothing is to be told to it");
        lyd_free_tree(recipient);
        return;
    }
    if (from)
        import_leaf(import, from->place, mail, "from", statement_argument(from));
    if (statement_argument(node))
        import_leaf(import, node->place, mail, "node-name", statement_argument(node));
    set_transport(import, all, mail);
}
