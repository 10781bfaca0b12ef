/*
 * keepalived's settings of all: what they become, and what to do instead.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"
#include "clients/import/service.h"

static void take_timeouts(const struct reading *reading, const struct statement *statement)
{
    static const char *const leaves[][2] = {
        {"tcp", "timeouts/tcp"}, {"tcpfin", "timeouts/tcp-fin"}, {"udp", "timeouts/udp"}};
    struct lyd_node *main = service_main_director(reading->import, statement->place);
    for (size_t i = 1; i < statement->count; i += 2) {
        const char *leaf = NULL;
        for (size_t j = 0; j < sizeof(leaves) / sizeof(*leaves); j++)
            if (!strcmp(statement->words[i], leaves[j][0]))
                leaf = leaves[j][1];
        if (leaf && i + 1 < statement->count)
            import_leaf(reading->import, statement->place, main, leaf, statement->words[i + 1]);
        else
            import_left(reading->import, statement->place, "lvs_timeouts %s: not understood",
                        statement->words[i]);
    }
}

static void set_daemon(const struct reading *reading, const struct statement *statement,
                       const char *state)
{
    static const char *const leaves[][2] = {{"id", "sync-id"},
                                            {"maxlen", "max-length"},
                                            {"port", "port"},
                                            {"ttl", "ttl"},
                                            {"group", "multicast-group"}};
    struct import *import = reading->import;
    struct lyd_node *main = service_main_director(import, statement->place);
    struct lyd_node *above = import_container(import, statement->place, main, "sync-daemon");
    struct lyd_node *node = import_container(import, statement->place, above, state);
    for (size_t i = 2; i + 1 < statement->count; i++)
        for (size_t j = 0; j < sizeof(leaves) / sizeof(*leaves); j++)
            if (!strcmp(statement->words[i], leaves[j][0]))
                import_leaf(import, statement->place, node, leaves[j][1], statement->words[i + 1]);
}

void keepalived_sync_daemon(struct import *import, struct place place, const char *interface,
                            const char *instance, const char *id)
{
    static const char *const roles[] = {"master", "backup"};
    struct lyd_node *main = service_main_director(import, place);
    struct lyd_node *above = import_container(import, place, main, "sync-daemon");
    for (size_t i = 0; i < 2; i++) {
        struct lyd_node *node = import_container(import, place, above, roles[i]);
        import_leaf(import, place, node, "interface", interface);
        if (id)
            import_leaf(import, place, node, "sync-id", id);
    }
    if (instance)
        import_leaf(import, place, above, "noria-vrrp:vrrp-instance", instance);
}

/* The number of the instance that is followed, which is that of the daemons unless they have one.
 */
static const char *id_of(const struct statement *all, const char *instance)
{
    for (const struct statement *one = all; one; one = one->next)
        if (!strcmp(one->words[0], "vrrp_instance") && one->count > 1 &&
            !strcmp(one->words[1], instance))
            return statement_argument(statement_find(one->child, "virtual_router_id", NULL));
    return NULL;
}

/* 'INTERFACE [[inst] INSTANCE] [KEYWORD VALUE]...' */
static void take_daemon(const struct reading *reading, const struct statement *statement)
{
    const char *given = NULL;
    if (statement->count < 2) {
        import_left(reading->import, statement->place, "lvs_sync_daemon: it lacks its interface");
        return;
    }
    if (statement->count > 3 && !strcmp(statement->words[2], "inst"))
        given = statement->words[3];
    else if (statement->count > 2 && statement->count % 2)
        given = statement->words[2];
    char *instance = given ? import_name(given) : NULL;
    keepalived_sync_daemon(reading->import, statement->place, statement->words[1], instance,
                           given ? id_of(reading->all, given) : NULL);
    free(instance);
    set_daemon(reading, statement, "master");
    set_daemon(reading, statement, "backup");
}

/* 'lvs_notify_fifo PATH [USER [GROUP]]' */
static void take_fifo(const struct reading *reading, const struct statement *statement)
{
    const char *path = statement_argument(statement);
    struct import *import = reading->import;
    struct lyd_node *engine =
        import_container(import, statement->place, NULL, "noria-health:health-engine");
    struct lyd_node *fifo =
        import_entry(import, statement->place, engine, "notify-fifo", path ? path : "", NULL);
    if (fifo && statement->count > 2)
        import_leaf(import, statement->place, fifo, "user", statement->words[2]);
    if (fifo && statement->count > 3)
        import_left(import, statement->place, "%s: it is of the group of its user",
                    statement->words[0]);
}

#define PROCESS "of keepalived's processes; Nice= and the like of noriad.service are Noria's"
#define SNMP "configure Noria's own SNMP agent (docs/snmp.md)"
#define DBUS "subscribe to Noria's notifications; it has no D-Bus"
#define MARKS "for very many addresses, mark their packets and give the group the mark"
#define FILES "of the reading of keepalived's files; noriad --check tries one before it holds"
#define RELOAD "a commit is tried as a whole before it holds; who wants a time commits then"
#define BUFFERS "Noria's own sockets need no such setting"
#define PACKETS "of Noria's VRRP nftables filters packets (/vrrp/packet-filter)"

static const struct keyword global[] = {
    {"lvs_timeouts", .take = take_timeouts},
    {"lvs_sync_daemon", .take = take_daemon},
    {"notification_email", .why = ""},
    {"notification_email_from", .why = ""},
    {"smtp_server", .why = ""},
    {"smtp_helo_name", .why = ""},
    {"smtp_connect_timeout", .why = ""},
    {"smtp_alert", .why = ""},
    {"smtp_alert_checker", .why = ""},
    {"smtp_alert_vrrp", .why = ""},
    {"no_email_faults", .why = ""},
    {"no_checker_emails", .why = ""}, /* of single checks nothing is sent */
    {"email_faults", .why = "let the recipient have the alarms, too (docs/health.md)"},
    {"checker_log_all_failures", .why = ""},
    {"lvs_notify_fifo", .take = take_fifo},
    {"lvs_notify_fifo_script", .why = "start it beside noriad, and name its FIFO"},
    {"rs_init_notifies", .why = ""}, /* the first verdict is told, too */
    {"fifo_write_vrrp_states_on_reload", .why = "a commit changes no state of VRRP's others"},
    {"vrrp_notify_priority_changes", .why = "read effective-priority of the instance instead"},
    {"process_names", .why = PROCESS},
    {"process_name", .why = PROCESS},
    {"vrrp_process_name", .why = PROCESS},
    {"checker_process_name", .why = PROCESS},
    {"bfd_process_name", .why = PROCESS},
    {"checker_priority", .why = PROCESS},
    {"bfd_priority", .why = PROCESS},
    {"checker_no_swap", .why = PROCESS},
    {"bfd_no_swap", .why = PROCESS},
    {"checker_cpu_affinity", .why = PROCESS},
    {"bfd_cpu_affinity", .why = PROCESS},
    {"checker_rt_priority", .why = PROCESS},
    {"bfd_rt_priority", .why = PROCESS},
    {"checker_rlimit_rttime", .why = PROCESS},
    {"bfd_rlimit_rttime", .why = PROCESS},
    {"umask", .why = PROCESS},
    {"snmp_socket", .why = SNMP},
    {"enable_snmp_checker", .why = SNMP},
    {"enable_snmp_vrrp", .why = SNMP},
    {"enable_snmp_rfc", .why = SNMP},
    {"enable_snmp_rfcv2", .why = SNMP},
    {"enable_snmp_rfcv3", .why = SNMP},
    {"enable_traps", .why = SNMP},
    {"enable_dbus", .why = DBUS},
    {"dbus_service_name", .why = DBUS},
    {"lvs_flush", .why = "Noria takes over the table as it is; with exclusive it is Noria's alone "
                         "(docs/directors.md)"},
    {"lvs_flush_on_stop",
     .why = "Noria leaves the table as it is when it ends; ipvsadm -C clears it"},
    {"nftables_ipvs", .why = MARKS},
    {"nftables_ipvs_priority", .why = MARKS},
    {"nftables_ipvs_start_fwmark", .why = MARKS},
    {"nftables_counters", .why = PACKETS},
    {"vrrp_iptables", .why = PACKETS},
    {"vrrp_ipsets", .why = PACKETS},
    {"lvs_netlink_cmd_rcv_bufs", .why = BUFFERS},
    {"lvs_netlink_cmd_rcv_bufs_force", .why = BUFFERS},
    {"lvs_netlink_monitor_rcv_bufs", .why = BUFFERS},
    {"lvs_netlink_monitor_rcv_bufs_force", .why = BUFFERS},
    {"process_monitor_rcv_bufs", .why = BUFFERS},
    {"process_monitor_rcv_bufs_force", .why = BUFFERS},
    {"tmp_config_directory", .why = FILES},
    {"include_check", .why = FILES},
    {"random_seed", .why = FILES},
    {"config_save_dir", .why = "Noria keeps its configuration itself; get-config reads it"},
    {"reload_check_config", .why = RELOAD},
    {"reload_time_file", .why = RELOAD},
    {"reload_repeat", .why = RELOAD},
    {"reload_file", .why = RELOAD},
    {"data_use_instance", .why = "all state is in the answer to get"},
    {NULL},
};

void keepalived_settings(struct import *import, const struct statement *all,
                         const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct statement alone = *one;
        alone.next = NULL;
        struct reading reading = {.import = import, .all = all, .block = &alone};
        if (!strcmp(one->words[0], "notify_fifo")) /* VRRP's, too */
            take_fifo(&reading, one);
        if (!keepalived_vrrp_is_global(one->words[0]))
            keywords_take(&reading, global);
    }
}

void keepalived_left(struct import *import, const struct statement *statement)
{
    static const char *const reasons[][2] = {
        {"net_namespace", "make the namespace a director's (docs/directors.md)"},
        {"net_namespace_ipvs", "make the namespace a director's (docs/directors.md)"},
        {"instance", "there is one Noria on a node"},
        {"use_pid_dir", "of keepalived's own processes"},
        {"child_wait_time", "of keepalived's own processes"},
        {"namespace_with_ipsets", "Noria uses no ipsets"},
        {"linkbeat_use_polling", "name the interfaces by linkbeat_interfaces: /vrrp/link-poll"},
    };
    const char *why = "Noria has nothing like it";
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (!strcmp(statement->words[0], reasons[i][0]))
            why = reasons[i][1];
    import_left(import, statement->place, "%s: %s", statement->words[0], why);
}
