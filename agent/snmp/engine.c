#include "agent/snmp/engine.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <errno.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/library/large_fd_set.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/array.h"
#include "agent/log.h"
#include "agent/snmp/access.h"
#include "agent/snmp/ahead.h"
#include "agent/snmp/host.h"
#include "agent/snmp/library_log.h"
#include "agent/snmp/subagent.h"
#include "agent/snmp/system.h"
#include "agent/snmp/tables.h"
#include "agent/snmp/wrappers.h"

#define APPLICATION "noriad"
/* After an answer: so many rounds, in milliseconds each, and how often they look at the clock. */
#define QUICK_ROUNDS 64
#define QUICK_WAIT 5
#define TICK_EVERY 16
/* Where no configuration is; what is in our own directory would be read twice, and not be right. */
#define NO_DIRECTORY "/nonexistent"
/* An empty list: the agent needs no names for its numbers. */
static char no_mibs[] = "mibs :";

/* --- Net-SNMP up and down --- */

static enum outcome make_directory(struct snmp_engine *engine, struct error *err)
{
    if (!engine->directory &&
        asprintf(&engine->directory, "%s/snmp", engine->agent->options.state_dir) < 0) {
        engine->directory = NULL;
        return fail_memory(err);
    }
    if (mkdir(engine->directory, 0700) < 0 && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "cannot make %s: %s", engine->directory,
                    strerror(errno));
    return DONE;
}

/* Net-SNMP keeps the boots (RFC 3414, 2.2.2) with it, in its own file. */
static void configure_engine_id(const struct snmp_engine_id *id)
{
    char line[2 * SNMP_ENGINE_ID_MAX + 32] = "exactEngineID 0x";
    size_t length = strlen(line);

    for (size_t i = 0; i < id->length; i++)
        length += (size_t)sprintf(line + length, "%02x", id->octets[i]);
    netsnmp_config_remember(line);
}

/* Of the host's files Net-SNMP reads none: only what it wrote into our own directory. */
static void configure(struct snmp_engine *engine, const struct snmp_settings *settings)
{
    snmp_library_log_register();
    set_configuration_directory(NO_DIRECTORY);
    set_persistent_directory(engine->directory);
    netsnmp_set_mib_directory("");
    netsnmp_config_remember(no_mibs);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_LOAD_HOST_FILES, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID,
                           NETSNMP_DS_AGENT_DONT_LOG_TCPWRAPPERS_CONNECTS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE,
                           settings->mode == SNMP_AGENTX);
    configure_engine_id(&engine->id);
}

/* What outlives Net-SNMP's own ups and downs. */
static enum outcome make_parts(struct snmp_engine *engine, struct error *err)
{
    if (make_directory(engine, err) != DONE)
        return FAILED;
    if (!engine->cache &&
        snmp_cache_new(engine->agent, snmp_all_tables, &engine->cache, err) != DONE)
        return FAILED;
    if (!engine->id.length && snmp_engine_id_load(engine->directory, &engine->id, err) != DONE)
        return FAILED;
    const struct snmp_set_context context = {.agent = engine->agent,
                                             .cache = engine->cache,
                                             .settings = &engine->settings,
                                             .begin_change = engine->begin_change,
                                             .end_change = engine->end_change,
                                             .owner = engine->owner};
    if (!engine->set)
        engine->set = snmp_set_new(&context);
    if (!engine->notifier)
        engine->notifier = snmp_notifier_new(engine->agent, engine->wake);
    return engine->set && engine->notifier ? DONE : fail_memory(err);
}

static enum outcome open_library(struct snmp_engine *engine, struct snmp_settings *settings,
                                 struct error *err)
{
    if (make_parts(engine, err) != DONE)
        return FAILED;
    configure(engine, settings);
    engine->mode = settings->mode;
    engine->host_mibs = settings->host_mibs;
    if (init_agent(APPLICATION) != 0)
        log_warning(AREA_SNMP, "Net-SNMP's agent did not begin well");
    if (settings->mode == SNMP_MASTER) {
        snmp_access_register(&engine->settings);
        snmp_system_register(&engine->settings);
        snmp_notifier_register(engine->notifier, &engine->id);
        if (settings->host_mibs)
            snmp_host_register();
    } else {
        snmp_subagent_configure(settings->agentx_socket);
    }
    snmp_system_register_mibs(settings->mode == SNMP_AGENTX);
    if (snmp_tables_register(engine->cache, engine->set, &engine->settings, snmp_all_tables,
                             &engine->tables, err) != DONE)
        return FAILED;
    init_snmp(APPLICATION);
    if (settings->mode == SNMP_MASTER)
        snmp_store(APPLICATION);
    return DONE;
}

static void close_library(struct snmp_engine *engine)
{
    if (engine->mode == SNMP_OFF)
        return;
    snmp_listeners_close(&engine->listeners);
    snmp_notifier_close(engine->notifier);
    if (engine->mode == SNMP_AGENTX) {
        snmp_subagent_forget();
    } else {
        snmp_access_forget(&engine->settings);
        snmp_system_forget();
    }
    snmp_shutdown(APPLICATION);
    shutdown_agent();
    snmp_subagent_end();
    snmp_wrappers_forget();
    snmp_ahead_forget();
    snmp_tables_free(engine->tables);
    engine->tables = NULL;
    engine->mode = SNMP_OFF;
    engine->served = NULL;
}

void snmp_engine_close(struct snmp_engine *engine)
{
    close_library(engine);
    snmp_notifier_free(engine->notifier);
    snmp_set_free(engine->set);
    snmp_cache_free(engine->cache);
    snmp_settings_free(engine->settings);
    free(engine->directory);
    free(engine->polled);
    *engine = (struct snmp_engine){.agent = engine->agent};
}

/* --- settings --- */

static bool needs_restart(const struct snmp_engine *engine, const struct snmp_settings *settings)
{
    if (engine->mode != settings->mode)
        return true;
    if (settings->mode == SNMP_MASTER)
        return settings->host_mibs && !engine->host_mibs;
    return settings->mode == SNMP_AGENTX && engine->settings &&
           strcmp(engine->settings->agentx_socket, settings->agentx_socket);
}

/*
 * Open what settings ask for, and go on behind an address that cannot be had. If strict, one that
 * the former settings had as well is no failure: it could not be had before.
 */
static enum outcome open_addresses(struct snmp_engine *engine, const struct snmp_settings *settings,
                                   const struct snmp_settings *former, bool strict,
                                   struct error *err)
{
    enum outcome outcome = DONE;

    if (settings->mode != SNMP_MASTER)
        return DONE;
    snmp_listeners_close_others(&engine->listeners, settings);
    for (size_t i = 0; i < settings->address_count; i++) {
        const struct snmp_address *address = &settings->addresses[i];
        bool spared = strict && snmp_settings_have(former, address->spec);
        if (snmp_listeners_open(&engine->listeners, address, spared ? NULL : err) != DONE &&
            !spared)
            outcome = FAILED;
    }
    return outcome;
}

static enum outcome set(struct snmp_engine *engine, struct snmp_settings *settings,
                        const struct snmp_settings *former, bool strict, struct error *err)
{
    if (needs_restart(engine, settings)) {
        close_library(engine);
        if (settings->mode != SNMP_OFF && open_library(engine, settings, err) != DONE) {
            close_library(engine);
            return FAILED;
        }
    }
    if (settings->mode != SNMP_OFF && engine->served != settings) {
        if (settings->mode == SNMP_MASTER && snmp_usm_apply(&engine->id, settings, err) != DONE)
            return FAILED;
        snmp_notifier_open(engine->notifier, settings, &engine->id);
        engine->served = settings;
    }
    return open_addresses(engine, settings, former, strict, err);
}

enum outcome snmp_engine_apply(struct snmp_engine *engine, struct snmp_settings *settings,
                               bool strict, struct error *err)
{
    struct snmp_settings *former = engine->settings;
    struct error ignored = {0};

    if (set(engine, settings, former, strict, strict ? err : NULL) == DONE || !strict) {
        engine->settings = settings;
        snmp_settings_free(former);
        return DONE;
    }
    if (former && set(engine, former, former, false, &ignored) != DONE)
        log_error(AREA_SNMP, "SNMP is not served as before: %s", error_message(&ignored));
    error_clear(&ignored);
    if (engine->served == settings)
        engine->served = NULL;
    snmp_settings_free(settings);
    return FAILED;
}

enum outcome snmp_engine_retry(struct snmp_engine *engine, struct error *err)
{
    snmp_library_log_tell();
    if (!engine->settings)
        return DONE;
    if (set(engine, engine->settings, NULL, false, err) != DONE)
        return FAILED;
    return engine->mode == SNMP_AGENTX ? snmp_subagent_check(engine->settings->agentx_socket, err)
                                       : DONE;
}

/* --- requests --- */

/* What to wait for, as Net-SNMP has it now, and the wake-up. @return Milliseconds to wait. */
static int collect_descriptors(struct snmp_engine *engine, unsigned milliseconds)
{
    struct timeval timeout = {.tv_sec = milliseconds / 1000,
                              .tv_usec = milliseconds % 1000 * 1000L};
    netsnmp_large_fd_set all;
    int count = 0, block = 0;

    netsnmp_large_fd_set_init(&all, FD_SETSIZE);
    NETSNMP_LARGE_FD_ZERO(&all);
    if (engine->mode != SNMP_OFF)
        snmp_select_info2(&count, &all, &timeout, &block);
    engine->polled_count = 0;
    for (int fd = -1; fd < count; fd++) {
        if (fd >= 0 && !NETSNMP_LARGE_FD_ISSET(fd, &all))
            continue;
        if (!array_grow(&engine->polled, engine->polled_count, &engine->polled_room,
                        sizeof(*engine->polled)))
            break;
        engine->polled[engine->polled_count++] =
            (struct pollfd){.fd = fd < 0 ? engine->wake : fd, .events = POLLIN};
    }
    netsnmp_large_fd_set_cleanup(&all);
    return (int)(timeout.tv_sec * 1000 + (timeout.tv_usec + 999) / 1000);
}

/* Read what has come. @return Whether anything has. */
static bool read_requests(struct snmp_engine *engine)
{
    netsnmp_large_fd_set readable;
    bool any = false;

    netsnmp_large_fd_set_init(&readable, FD_SETSIZE);
    NETSNMP_LARGE_FD_ZERO(&readable);
    for (size_t i = 1; i < engine->polled_count; i++) {
        if (!engine->polled[i].revents)
            continue;
        netsnmp_large_fd_setfd(engine->polled[i].fd, &readable);
        engine->busy = engine->polled[i].fd;
        any = true;
    }
    if (any)
        snmp_read2(&readable);
    netsnmp_large_fd_set_cleanup(&readable);
    return any;
}

static void tick(struct snmp_engine *engine)
{
    uint64_t now = uv_hrtime();

    snmp_cache_tick(engine->cache, now);
    snmp_wrappers_tick(now);
}

/* The transport that was read last, if it can be read ahead and nothing else is to be done now. */
static netsnmp_transport *busy_transport(const struct snmp_engine *engine)
{
    netsnmp_transport *transport = NULL;

    if (!engine->quick || engine->mode == SNMP_OFF)
        return NULL;
    if (engine->mode == SNMP_MASTER)
        transport = snmp_listeners_transport(&engine->listeners, engine->busy);
    else if (snmp_subagent_answered())
        transport = snmp_subagent_transport();
    return snmp_ahead_has(transport) && transport->sock == engine->busy ? transport : NULL;
}

static void serve_ahead(struct snmp_engine *engine, netsnmp_transport *transport)
{
    netsnmp_large_fd_set readable;

    if (!snmp_ahead_wait(transport)) {
        engine->quick = 0;
        return;
    }
    if (engine->quick-- % TICK_EVERY == 0)
        tick(engine);
    precedence_yield(&engine->agent->precedence);
    netsnmp_large_fd_set_init(&readable, FD_SETSIZE);
    NETSNMP_LARGE_FD_ZERO(&readable);
    netsnmp_large_fd_setfd(transport->sock, &readable);
    snmp_read2(&readable);
    netsnmp_large_fd_set_cleanup(&readable);
    netsnmp_check_outstanding_agent_requests();
}

/* @return Whether it has looked at everything, or was woken. */
static bool serve_all(struct snmp_engine *engine, unsigned milliseconds)
{
    bool whole = !engine->quick;
    if (whole && engine->mode == SNMP_AGENTX)
        snmp_subagent_adopt(engine->tables);
    int timeout = whole ? collect_descriptors(engine, milliseconds) : QUICK_WAIT;
    int ready = poll(engine->polled, engine->polled_count, timeout);
    bool woken = ready > 0 && engine->polled[0].revents, answered = false;

    if (engine->mode != SNMP_OFF) {
        if (ready > 0 && engine->quick % TICK_EVERY == 0)
            tick(engine);
        if (ready > 0 && !woken)
            precedence_yield(&engine->agent->precedence);
        answered = ready > 0 && read_requests(engine);
        if (whole) {
            snmp_timeout();
            run_alarms();
        }
        netsnmp_check_outstanding_agent_requests();
    }
    engine->quick = !answered ? 0 : whole ? QUICK_ROUNDS : engine->quick - 1;
    if (engine->notifier && (whole || woken))
        snmp_notifier_run(engine->notifier);
    return whole || woken;
}

/*
 * Where a system call is dear, what surrounds an answer takes longer than the answer. So after one,
 * the next request is waited for in the same place for a moment, without looking at clocks, timers
 * and other connections; a manager that walks sends it at once.
 */
bool snmp_engine_serve(struct snmp_engine *engine, unsigned milliseconds)
{
    netsnmp_transport *busy = busy_transport(engine);

    if (!busy)
        return serve_all(engine, milliseconds);
    serve_ahead(engine, busy);
    return false;
}
