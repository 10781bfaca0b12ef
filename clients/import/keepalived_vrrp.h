/*
 * What the parts of the import of VRRP share.
 */
#ifndef NORIA_IMPORT_KEEPALIVED_VRRP_H
#define NORIA_IMPORT_KEEPALIVED_VRRP_H

#include "clients/import/keepalived.h"

/** The entry of a list that a statement names in this file, by the name that Noria takes. */
struct lyd_node *keepalived_vrrp_entry(struct import *import, const struct statement *statement,
                                       struct lyd_node *vrrp, const char *list);

/** Take a program and its arguments; who runs it is noted. */
void keepalived_vrrp_command(const struct reading *reading, const struct statement *statement,
                             const char *leaf);

/** Take a decimal that the module has as a whole number. @param scale How many make one. */
void keepalived_vrrp_scaled(const struct reading *reading, const struct statement *statement,
                            const char *leaf, double scale);

/** Take a time that may be a decimal in keepalived's file alone. */
void keepalived_vrrp_whole(const struct reading *reading, const struct statement *statement);

/** Take a list of what an instance or a group tracks. */
void keepalived_vrrp_track(const struct reading *reading, const struct statement *statement);

/** Take the definition of what can be tracked, if a statement is one. @param vrrp The container. */
void keepalived_vrrp_tracked(struct import *import, const struct statement *statement,
                             struct lyd_node *vrrp);

#endif
