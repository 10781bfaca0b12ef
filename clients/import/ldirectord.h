/*
 * The file of ldirectord(8): its sections, and how checks are made from them.
 */
#ifndef NORIA_IMPORT_LDIRECTORD_H
#define NORIA_IMPORT_LDIRECTORD_H

#include "clients/import/import.h"
#include "clients/import/service.h"

/** A line "KEY = VALUE". */
struct setting {
    struct place place;
    char *key, *value; /**< The value is without the quotes around it. Owned. */
};

/** The settings of all, or a virtual server and its settings. */
struct section {
    struct setting *settings;
    size_t count, room;
    const struct section *all; /**< What holds where this one says nothing; NULL of that itself. */
    struct service service;
};

/** The last setting of a key in the section, or else of all. NULL if there is none. */
const struct setting *ldirectord_setting(const struct section *section, const char *key);

/** Its value, or a fallback. */
const char *ldirectord_value(const struct section *section, const char *key, const char *fallback);

/**
 * Make the health checks of a virtual server.
 * @return false if it is to have none, because it is not checked.
 */
bool ldirectord_health(struct import *import, struct place place, const struct section *section,
                       struct lyd_node *server);

/** E-mail and the fallbackcommand of a virtual server. */
void ldirectord_tell(struct import *import, const struct section *section, struct lyd_node *server);

/** Files of the maintenancedir that take a real server out of service. */
void ldirectord_maintenance(struct import *import, const struct section *section,
                            struct lyd_node *real);

/** Make a real server's own check, which has a request and an answer of its own. */
void ldirectord_own_check(struct import *import, struct place place, const struct section *section,
                          const char *request, const char *receive, struct lyd_node *real);

#endif
