/*
 * keepalived.conf(5): what its blocks are.
 */
#include "clients/import/keepalived.h"

#include <string.h>

enum outcome import_keepalived(struct import *import, const char *text, const char *file,
                               struct error *err)
{
    static const char *const elsewhere[] = {"virtual_server_group", "SSL",
                                            "vrrp_instance",        "vrrp_sync_group",
                                            "vrrp_script",          "vrrp_track_file",
                                            "track_file",           "bfd_instance",
                                            "vrrp_track_process",   "track_process",
                                            "static_ipaddress",     "static_routes",
                                            "static_rules",         "track_group",
                                            "garp_group",           "interface_up_down_delays",
                                            "linkbeat_interfaces",  NULL};
    struct statement *all;
    if (keepalived_read(import, text, file, &all, err) != DONE)
        return REFUSED;
    for (const struct statement *one = all; one; one = one->next) {
        size_t i = 0;
        while (elsewhere[i] && strcmp(one->words[0], elsewhere[i]))
            i++;
        if (!strcmp(one->words[0], "global_defs"))
            keepalived_settings(import, all, one);
        else if (!strcmp(one->words[0], "virtual_server"))
            keepalived_virtual_server(import, all, one);
        else if (!elsewhere[i])
            keepalived_left(import, one);
    }
    keepalived_vrrp(import, all);
    keepalived_mail(import, all);
    statements_free(all);
    return DONE;
}
