#include "backends/ipvs/tuning.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/steering/standing.h"
#include "backends/ipvs/daemon.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/sysctl.h"

#define UNIT "/noria-director:directors/director"

int ipvs_tuning_read(struct ipvs_socket *sock, const char *path, struct ipvs_settings *settings)
{
    *settings = (struct ipvs_settings){0};
    int error = ipvs_read_timeouts(sock, settings);
    if (!error)
        error = ipvs_read_daemons(sock, settings);
    return error ? error : ipvs_sysctl_read(path, settings);
}

static int read_settings(struct ipvs_engine *engine, struct ipvs_socket *sock,
                         struct ipvs_settings *settings)
{
    return ipvs_tuning_read(sock, engine->path, settings);
}

/* -- Errors ----------------------------------------------------------------------------------- */

static enum outcome fail_at(const struct lyd_node *node, const char *below, enum error_tag tag,
                            struct error *err, const char *what, const char *why)
{
    char *path = node ? ipvs_path(node, below) : NULL;
    enum outcome outcome = fail(err, tag, path, "IPVS could not %s: %s.", what, why);
    free(path);
    return outcome;
}

static enum outcome fail_parameter(const struct lyd_node *node, size_t parameter, int error,
                                   struct error *err)
{
    char below[64], what[64];
    const char *name = ipvs_parameters[parameter].name;
    const char *why = strerrordesc_np(error);
    enum error_tag tag = TAG_OPERATION_FAILED;
    snprintf(below, sizeof below, "/parameters/%s", name);
    snprintf(what, sizeof what, "set the parameter %s", name);
    if (error == EROFS || error == EACCES || error == EPERM)
        why = "/proc/sys may not be written: run noriad as root, and its service without "
              "ProtectKernelTunables";
    if (error == EINVAL) {
        why = "the kernel does not take this value: choose another";
        tag = TAG_INVALID_VALUE;
    }
    return fail_at(node, below, tag, err, what, why);
}

static enum outcome fail_daemon(const struct lyd_node *node, enum ipvs_role role,
                                const struct ipvs_daemon *daemon, int error, struct error *err)
{
    char below[64], what[96], why[160];
    enum error_tag tag = TAG_INVALID_VALUE;
    snprintf(below, sizeof below, "/sync-daemon/%s", ipvs_role_names[role]);
    snprintf(what, sizeof what, "start the %s synchronisation daemon", ipvs_role_names[role]);
    switch (error) {
    case ENODEV:
        snprintf(below, sizeof below, "/sync-daemon/%s/interface", ipvs_role_names[role]);
        snprintf(why, sizeof why, "there is no interface %s: create it, or name another",
                 daemon->interface);
        break;
    case EADDRNOTAVAIL:
        snprintf(why, sizeof why, "the interface %s is down or has no address: see to it",
                 daemon->interface);
        break;
    case EINVAL:
        snprintf(why, sizeof why,
                 "the kernel does not take these settings: no daemon runs where families are "
                 "mixed, and the interface must be able to multicast");
        break;
    default:
        tag = TAG_OPERATION_FAILED;
        snprintf(why, sizeof why, "%s", strerrordesc_np(error));
    }
    return fail_at(node, below, tag, err, what, why);
}

/* -- Setting ---------------------------------------------------------------------------------- */

/* The sockets of the daemons are made when they start. */
static bool needs_restart(const struct ipvs_settings *from, const struct ipvs_settings *to)
{
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        const char *name = ipvs_parameters[i].name;
        if ((strcmp(name, "sync-ports") == 0 || strcmp(name, "sync-sock-size") == 0) &&
            !ipvs_parameter_same(i, from->parameters[i], to->parameters[i]))
            return true;
    }
    return false;
}

static enum outcome set_daemon(struct ipvs_engine *engine, enum ipvs_role role, bool restart,
                               const struct ipvs_settings *from, const struct ipvs_settings *to,
                               const struct lyd_node *node, struct error *err)
{
    const struct ipvs_daemon *held = &from->daemons[role], *target = &to->daemons[role];
    if (ipvs_daemon_same(held, target, role) && !(restart && target->on))
        return DONE;
    int error = held->on ? ipvs_stop_daemon(engine->sock, role) : 0;
    if (!error && target->on)
        error = ipvs_start_daemon(engine->sock, role, target);
    log_debug(AREA_IPVS, "director %s: %s synchronisation daemon %s: %s", engine->name,
              ipvs_role_names[role], target->on ? "started" : "stopped",
              error ? strerrorname_np(error) : "done");
    return error ? fail_daemon(node, role, target, error, err) : DONE;
}

/* Set all that differs; with go_on after a failure, too. The first error stays. */
static enum outcome set(struct ipvs_engine *engine, const struct ipvs_settings *from,
                        const struct ipvs_settings *to, const struct lyd_node *node, bool go_on,
                        struct error *err)
{
    enum outcome outcome = DONE;
    size_t failed;
    if (!engine->sock)
        return ipvs_engine_fail(engine, err);
    int error = ipvs_sysctl_write(engine->path, from, to, go_on, &failed);
    if (error)
        outcome = fail_parameter(node, failed, error, err);
    if ((outcome == DONE || go_on) &&
        memcmp(from->timeouts, to->timeouts, sizeof from->timeouts) != 0) {
        error = ipvs_set_timeouts(engine->sock, to->timeouts);
        if (error)
            outcome = fail_at(node, "/timeouts", TAG_INVALID_VALUE, err, "set the time-outs",
                              error == EINVAL ? "the kernel does not take these values: lower them"
                                              : strerrordesc_np(error));
    }
    bool restart = needs_restart(from, to);
    for (enum ipvs_role role = 0; role < IPVS_ROLES && (outcome == DONE || go_on); role++)
        if (set_daemon(engine, role, restart, from, to, node, err) != DONE)
            outcome = FAILED;
    return outcome;
}

/* -- The steps -------------------------------------------------------------------------------- */

void ipvs_tuning_clear(struct ipvs_tuning *tuning)
{
    ipvs_settings_clear(&tuning->held);
    ipvs_settings_clear(&tuning->target);
    *tuning = (struct ipvs_tuning){0};
}

static enum ipvs_follow follow_of(const struct ipvs_engine *engine, const struct lyd_node *node)
{
    const char *instance = node ? leaf_value(node, IPVS_FOLLOWED) : NULL;
    if (!instance)
        return IPVS_FOLLOW_NONE;
    switch (standing_get(engine->backend->agent, STANDING_INSTANCE, instance, STANDING_UNKNOWN)) {
    case STANDING_MASTER:
        return IPVS_FOLLOW_MASTER;
    case STANDING_BACKUP:
        return IPVS_FOLLOW_BACKUP;
    default:
        return IPVS_FOLLOW_HELD;
    }
}

enum outcome ipvs_tuning_plan(struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                              const struct entry *before, const struct entry *after,
                              struct error *err)
{
    const struct lyd_node *old = before ? before->node : NULL, *new = after ? after->node : NULL;
    ipvs_tuning_clear(tuning);
    tuning->node = new ? new : old;
    if (!engine->sock)
        return ipvs_engine_fail(engine, err);
    int error = read_settings(engine, engine->sock, &tuning->held);
    if (error)
        return fail(err, TAG_RESOURCE_DENIED, NULL,
                    "The settings of the director %s cannot be read: %s", engine->name,
                    ipvs_explain_down(error));
    enum outcome outcome =
        ipvs_settings_target(&tuning->held, old, new, follow_of(engine, new), &tuning->target, err);
    tuning->planned = outcome == DONE;
    return outcome;
}

enum outcome ipvs_tuning_apply(const struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                               struct error *err)
{
    if (!tuning->planned)
        return DONE;
    enum outcome outcome = set(engine, &tuning->held, &tuning->target, tuning->node, false, err);
    if (outcome != DONE) {
        struct error back = {0};
        ipvs_tuning_take_back(tuning, engine, &back);
        error_clear(&back);
    }
    return outcome;
}

enum outcome ipvs_tuning_take_back(const struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                                   struct error *err)
{
    struct ipvs_settings now = {0};
    if (!tuning->planned || (!engine->sock && engine->absent))
        return DONE;
    /* What is there now need not be the target: setting it may have failed half-way. */
    bool known = engine->sock && read_settings(engine, engine->sock, &now) == 0;
    enum outcome outcome = known ? set(engine, &now, &tuning->held, tuning->node, true, err)
                                 : ipvs_engine_fail(engine, err);
    if (outcome != DONE)
        log_error(AREA_IPVS, "director %s: settings could not be taken back: %s", engine->name,
                  error_message(err));
    ipvs_settings_clear(&now);
    return outcome;
}

static const struct entry *entry_of(const struct ipvs_engine *engine)
{
    char key[96];
    const struct unit *unit = schema_unit_find(engine->backend->schema, UNIT);
    snprintf(key, sizeof key, "[name='%s']", engine->name);
    return unit ? snapshot_find(engine->directors->running, unit, key) : NULL;
}

size_t ipvs_tuning_reconcile(struct ipvs_engine *engine, bool silent)
{
    struct ipvs_tuning tuning = {0};
    struct error err = {0};
    const struct entry *entry = entry_of(engine);
    if (!entry)
        return 0;
    enum outcome planned = ipvs_tuning_plan(&tuning, engine, NULL, entry, &err), made = DONE;
    if (planned != DONE && !silent)
        log_error(AREA_IPVS, "%s: %s", err.path ? err.path : engine->name, error_message(&err));
    error_clear(&err);
    if (planned != FAILED)
        made = set(engine, &tuning.held, &tuning.target, tuning.node, true, &err);
    if (made != DONE && !silent)
        log_error(AREA_IPVS, "%s: %s", err.path ? err.path : engine->name, error_message(&err));
    ipvs_tuning_clear(&tuning);
    error_clear(&err);
    return (planned != DONE) + (made != DONE);
}

void ipvs_tuning_follow(struct ipvs_directors *directors, const char *instance)
{
    for (size_t i = 0; i < directors->count; i++) {
        struct ipvs_engine *engine = directors->engines[i];
        const struct entry *entry = entry_of(engine);
        const char *followed = entry ? leaf_value(entry->node, IPVS_FOLLOWED) : NULL;
        if (!followed || strcmp(followed, instance) != 0 || !engine->sock)
            continue;
        log_info(AREA_IPVS, "director %s: its synchronisation daemons follow %s", engine->name,
                 instance);
        ipvs_tuning_reconcile(engine, false);
        engine->generation++;
    }
}

/* -- Drift ------------------------------------------------------------------------------------ */

/* Put each difference into words. */
static void name_differences(const struct ipvs_tuning *tuning, bool repaired,
                             void (*tell)(void *arg, const char *difference, bool repaired),
                             void *arg)
{
    const struct ipvs_settings *held = &tuning->held, *target = &tuning->target;
    char text[160];
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        const char *has = held->parameters[i], *wants = target->parameters[i];
        if (!wants || ipvs_parameter_same(i, has, wants))
            continue;
        snprintf(text, sizeof text, "the parameter %s is %s, configured is %s",
                 ipvs_parameters[i].name, has ? has : "missing", wants);
        tell(arg, text, repaired);
    }
    for (size_t i = 0; i < IPVS_TIMEOUTS; i++) {
        if (held->timeouts[i] == target->timeouts[i])
            continue;
        snprintf(text, sizeof text, "the time-out %s is %u s, configured is %u s",
                 ipvs_timeout_names[i], held->timeouts[i], target->timeouts[i]);
        tell(arg, text, repaired);
    }
    for (enum ipvs_role role = 0; role < IPVS_ROLES; role++) {
        if (ipvs_daemon_same(&held->daemons[role], &target->daemons[role], role))
            continue;
        snprintf(text, sizeof text, "the %s synchronisation daemon is not as configured",
                 ipvs_role_names[role]);
        tell(arg, text, repaired);
    }
}

void ipvs_tuning_compare(struct ipvs_engine *engine, bool repair,
                         void (*tell)(void *arg, const char *difference, bool repaired), void *arg)
{
    struct ipvs_tuning tuning = {0};
    struct error err = {0};
    const struct entry *entry = entry_of(engine);
    if (!entry)
        return;
    enum outcome outcome = ipvs_tuning_plan(&tuning, engine, NULL, entry, &err);
    if (outcome == REFUSED) { /* the rest may differ, too */
        log_warning(AREA_IPVS, "%s: %s", err.path, error_message(&err));
        error_clear(&err);
    }
    bool repaired = outcome != FAILED && repair &&
                    set(engine, &tuning.held, &tuning.target, tuning.node, true, &err) == DONE;
    if (outcome != FAILED)
        name_differences(&tuning, repaired, tell, arg);
    if (err.outcome != DONE)
        log_warning(AREA_IPVS, "%s: %s", err.path ? err.path : engine->name, error_message(&err));
    ipvs_tuning_clear(&tuning);
    error_clear(&err);
}

/* -- State ------------------------------------------------------------------------------------ */

static enum outcome add_parameters(const struct ipvs_settings *settings, struct lyd_node *node,
                                   struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < IPVS_PARAMETERS && outcome == DONE; i++) {
        char path[96];
        const char *value = settings->parameters[i];
        snprintf(path, sizeof path, "effective-parameters/%s", ipvs_parameters[i].name);
        if (!value)
            continue;
        const struct lysc_node *leaf = lys_find_child(node->schema, node->schema->module,
                                                      "effective-parameters", 0, LYS_CONTAINER, 0);
        leaf = leaf ? lys_find_child(leaf, node->schema->module, ipvs_parameters[i].name, 0,
                                     LYS_LEAF, 0)
                    : NULL;
        if (leaf && ((const struct lysc_node_leaf *)leaf)->type->basetype == LY_TYPE_BOOL)
            value = strcmp(value, "0") == 0 ? "false" : "true";
        /* Another program may have set what no leaf takes; that is not shown. */
        if (leaf && !lyd_value_validate(NULL, leaf, value, strlen(value), NULL, NULL, NULL))
            outcome = state_add(node, path, value, err);
    }
    return outcome;
}

static enum outcome add_daemon(const struct ipvs_daemon *daemon, enum ipvs_role role,
                               struct lyd_node *node, struct error *err)
{
    char path[96];
    snprintf(path, sizeof path, "sync-daemon/%s/running", ipvs_role_names[role]);
    enum outcome outcome = state_add(node, path, daemon->on ? "true" : "false", err);
    snprintf(path, sizeof path, "sync-daemon/%s/effective-max-length", ipvs_role_names[role]);
    if (outcome == DONE && daemon->on && daemon->max_length)
        outcome = state_add_number(node, path, daemon->max_length, err);
    return outcome;
}

enum outcome ipvs_tuning_state(struct ipvs_engine *engine, struct ipvs_socket *sock,
                               struct lyd_node *node, int *error, struct error *err)
{
    struct ipvs_settings settings;
    enum outcome outcome = DONE;
    *error = read_settings(engine, sock, &settings);
    for (size_t i = 0; i < IPVS_TIMEOUTS && !*error && outcome == DONE; i++) {
        char path[64];
        snprintf(path, sizeof path, "effective-timeouts/%s", ipvs_timeout_names[i]);
        if (settings.timeouts[i])
            outcome = state_add_number(node, path, settings.timeouts[i], err);
    }
    if (!*error && outcome == DONE)
        outcome = add_parameters(&settings, node, err);
    /* A presence container that is not configured is not there: nothing to be added to. */
    for (enum ipvs_role role = 0; role < IPVS_ROLES && !*error && outcome == DONE; role++) {
        char path[64];
        snprintf(path, sizeof path, "sync-daemon/%s/interface", ipvs_role_names[role]);
        if (leaf_value(node, path))
            outcome = add_daemon(&settings.daemons[role], role, node, err);
    }
    ipvs_settings_clear(&settings);
    return outcome;
}
