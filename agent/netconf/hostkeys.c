/*
 * The set of host keys that is in use.
 *
 * A set is made from the configuration, then given to libssh as a whole. Connections take copies of
 * its keys when they begin, so a new set concerns new connections alone. Keys that a transaction
 * makes are written when it is applied; files of keys that are no longer configured stay, so that
 * going back to an earlier configuration goes back to its keys.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/hostkey.h"

struct hostkeys {
    const struct schema *schema;
    char *state_dir;
    bool busy;                      /* A plan or a call is under way. Core thread. */
    struct hostkey_call *call;      /* Core thread. */
    pthread_mutex_t lock;           /* Guards what follows. */
    struct hostkey_set set, spares; /* Spares are the agent's own in case no other can be used. */
    ssh_bind bind;
};

struct hostkeys_plan {
    struct hostkeys *keys;
    struct hostkey_set set; /* The one to come; once applied, the one before. */
    ssh_bind bind;          /* Likewise. */
    bool applied;
    uv_loop_t *loop;
    uv_work_t work;
    hostkeys_done *done;
    void *arg;
    struct error *err;
    enum outcome outcome;
};

/* Start and end. */

static enum outcome load_own(struct hostkeys *keys, struct hostkey_set *set, struct error *err)
{
    enum outcome outcome = hostkey_set_load(set, err);
    if (outcome == DONE)
        outcome = hostkey_set_write(keys->state_dir, set, err);
    return outcome == DONE ? DONE : FAILED;
}

static enum outcome load_first(struct hostkeys *keys, const struct snapshot *running,
                               struct error *err)
{
    enum outcome outcome =
        hostkey_set_read(keys->schema, keys->state_dir, running, &keys->set, err);
    if (outcome != DONE)
        return FAILED;
    if (!keys->set.all[0].where)
        outcome = load_own(keys, &keys->set, err);
    else if (hostkey_set_load_some(&keys->set))
        outcome = hostkey_set_write(keys->state_dir, &keys->set, err);
    else {
        log_error(AREA_SSH, "no configured host key can be used, so the agent's own are");
        outcome = hostkey_set_read_own(keys->state_dir, &keys->spares, err);
        if (outcome == DONE)
            outcome = load_own(keys, &keys->spares, err);
    }
    if (outcome == DONE)
        outcome =
            hostkey_set_bind(keys->spares.count ? &keys->spares : &keys->set, &keys->bind, err);
    return outcome;
}

enum outcome hostkeys_new(const struct schema *schema, const char *state_dir,
                          const struct snapshot *running, struct hostkeys **made, struct error *err)
{
    struct hostkeys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        return fail_memory(err);
    pthread_mutex_init(&keys->lock, NULL);
    keys->schema = schema;
    keys->state_dir = strdup(state_dir);
    enum outcome outcome = keys->state_dir ? load_first(keys, running, err) : fail_memory(err);
    if (outcome == DONE)
        *made = keys;
    else
        hostkeys_free(keys);
    return outcome;
}

int hostkeys_accept(struct hostkeys *keys, ssh_session ssh, int socket)
{
    pthread_mutex_lock(&keys->lock);
    int result = ssh_bind_accept_fd(keys->bind, ssh, socket);
    pthread_mutex_unlock(&keys->lock);
    return result;
}

/* Steps of a plan. */

static void step_over(uv_work_t *work, int status)
{
    struct hostkeys_plan *plan = work->data;
    plan->done(plan, status ? fail_memory(plan->err) : plan->outcome, plan->arg);
}

static void run_step(struct hostkeys_plan *plan, uv_work_cb step, hostkeys_done *done, void *arg,
                     struct error *err)
{
    plan->done = done;
    plan->arg = arg;
    plan->err = err;
    plan->work.data = plan;
    uv_queue_work(plan->loop, &plan->work, step, step_over); /* fails without a function alone */
}

static void load_plan(uv_work_t *work)
{
    struct hostkeys_plan *plan = work->data;
    plan->outcome = hostkey_set_load(&plan->set, plan->err);
    if (plan->outcome == DONE)
        plan->outcome = hostkey_set_bind(&plan->set, &plan->bind, plan->err);
}

enum outcome hostkeys_prepare(struct hostkeys *keys, uv_loop_t *loop, const struct snapshot *after,
                              struct hostkeys_plan **made, hostkeys_done *done, void *arg,
                              struct error *err)
{
    struct hostkey_set set;
    *made = NULL;
    enum outcome outcome = hostkey_set_read(keys->schema, keys->state_dir, after, &set, err);
    if (outcome != DONE)
        return outcome;
    if (hostkey_set_same(&set, &keys->set)) {
        hostkey_set_free(&set);
        return DONE;
    }
    struct hostkeys_plan *plan = keys->busy ? NULL : calloc(1, sizeof(*plan));
    if (!plan) {
        hostkey_set_free(&set);
        return keys->busy ? refuse(err, TAG_IN_USE, "/noria-agent:netconf-server/host-key",
                                   "A host key is being made: try again when that is done.")
                          : fail_memory(err);
    }
    *plan = (struct hostkeys_plan){.keys = keys, .loop = loop, .set = set};
    keys->busy = true;
    *made = plan;
    run_step(plan, load_plan, done, arg, err);
    return DONE;
}

/* The set in use and that of the plan change places. */
static void swap_sets(struct hostkeys_plan *plan)
{
    struct hostkeys *keys = plan->keys;
    pthread_mutex_lock(&keys->lock);
    struct hostkey_set set = keys->set;
    ssh_bind bind = keys->bind;
    keys->set = plan->set;
    keys->bind = plan->bind;
    plan->set = set;
    plan->bind = bind;
    plan->applied = !plan->applied;
    pthread_mutex_unlock(&keys->lock);
}

static void write_plan(uv_work_t *work)
{
    struct hostkeys_plan *plan = work->data;
    plan->outcome = hostkey_set_write(plan->keys->state_dir, &plan->set, plan->err);
    if (plan->outcome == DONE)
        swap_sets(plan);
}

void hostkeys_apply(struct hostkeys_plan *plan, hostkeys_done *done, void *arg, struct error *err)
{
    run_step(plan, write_plan, done, arg, err);
}

void hostkeys_revert(struct hostkeys_plan *plan)
{
    if (plan->applied)
        swap_sets(plan);
    for (size_t i = 0; i < plan->set.count; i++)
        if (plan->set.all[i].fresh)
            unlink(plan->set.all[i].file);
}

void hostkeys_release(struct hostkeys_plan *plan)
{
    if (!plan)
        return;
    struct hostkeys *keys = plan->keys;
    keys->busy = false;
    if (plan->applied) {
        pthread_mutex_lock(&keys->lock);
        hostkey_set_free(&keys->spares);
        for (size_t i = 0; i < keys->set.count; i++)
            keys->set.all[i].fresh = false;
        pthread_mutex_unlock(&keys->lock);
    }
    hostkey_set_free(&plan->set);
    if (plan->bind)
        ssh_bind_free(plan->bind);
    free(plan);
}

/* The action. */

struct hostkey_call {
    uv_work_t work;
    struct hostkeys *keys; /* NULL: the agent ends. */
    struct backend_call *call;
    char *folder;
    struct hostkey key; /* Names are copies. */
    struct error err;
    enum outcome outcome;
};

static void make_anew(uv_work_t *work)
{
    struct hostkey_call *call = work->data;
    struct hostkey *key = &call->key;
    call->outcome = hostkey_make(key->algorithm, key->bits, &key->key, &call->err);
    if (call->outcome == DONE)
        call->outcome = hostkey_describe(key->key, &key->line, &key->fingerprint, &call->err);
    if (call->outcome == DONE)
        call->outcome = hostkey_write(key->key, call->folder, key->file, &call->err);
}

/* Put the key into the set. Core thread; nothing else changes the set meanwhile (busy). */
static enum outcome take_anew(struct hostkeys *keys, struct hostkey *fresh, struct error *err)
{
    ssh_bind bind = NULL;
    struct hostkey before = {0}, *place = NULL;
    for (size_t i = 0; i < keys->set.count; i++)
        if (!strcmp(keys->set.all[i].name, fresh->name))
            place = &keys->set.all[i];
    if (!place)
        return DONE; /* its file is there for the day that it is configured again */
    pthread_mutex_lock(&keys->lock);
    before = *place;
    *place = *fresh;
    enum outcome outcome = hostkey_set_bind(&keys->set, &bind, err);
    if (outcome == DONE) {
        ssh_bind_free(keys->bind);
        keys->bind = bind;
        *fresh = before;
        hostkey_set_free(&keys->spares);
    } else {
        *place = before;
        if (bind)
            ssh_bind_free(bind);
    }
    pthread_mutex_unlock(&keys->lock);
    return outcome;
}

static void free_call(struct hostkey_call *call)
{
    hostkey_clear(&call->key);
    error_clear(&call->err);
    free(call->folder);
    free(call);
}

static bool describe(struct lyd_node *parent, const struct hostkey *key, bool output)
{
    return !lyd_new_term(parent, NULL, "algorithm", hostkey_algorithm_names[key->algorithm], output,
                         NULL) &&
           !lyd_new_term(parent, NULL, "public-key", key->line, output, NULL) &&
           !lyd_new_term(parent, NULL, "fingerprint", key->fingerprint, output, NULL);
}

static void made_anew(uv_work_t *work, int status)
{
    struct hostkey_call *call = work->data;
    struct hostkeys *keys = call->keys;
    if (!keys) { /* hostkeys_free() has answered */
        free_call(call);
        return;
    }
    keys->busy = false;
    keys->call = NULL;
    enum outcome outcome = status ? fail_memory(&call->err) : call->outcome;
    if (outcome == DONE && !describe(call->call->reply, &call->key, true))
        outcome = fail_memory(&call->err);
    if (outcome == DONE) {
        log_notice(AREA_SSH, "made the host key %s anew, %s", call->key.file,
                   call->key.fingerprint);
        outcome = take_anew(keys, &call->key, &call->err);
    }
    call->call->error = call->err;
    call->err = (struct error){0};
    call_done(call->call, outcome);
    free_call(call);
}

void hostkeys_generate(struct hostkeys *keys, struct backend_call *asked)
{
    struct hostkey wanted = {0};
    const char *name = leaf_value(lyd_parent(asked->request), "name");
    char *key = entry_key_of(lyd_parent(asked->request));
    const struct entry *entry = snapshot_find(
        asked->running, schema_unit_find(keys->schema, "/noria-agent:netconf-server/host-key"),
        key ? key : "");
    free(key);
    enum outcome outcome =
        entry ? hostkey_read_entry(keys->state_dir, entry, &wanted, &asked->error)
              : refuse(&asked->error, TAG_DATA_MISSING, NULL, "There is no host key %s.", name);
    if (outcome == DONE && !wanted.made)
        outcome = refuse(&asked->error, TAG_OPERATION_NOT_SUPPORTED, wanted.where,
                         "The host key %s is a file of the administrator's: replace the file and "
                         "restart the agent, or configure an algorithm.",
                         name);
    if (outcome == DONE && keys->busy)
        outcome = refuse(&asked->error, TAG_IN_USE, wanted.where,
                         "Another host key is being made: try again when that is done.");
    struct hostkey_call *call = outcome == DONE ? calloc(1, sizeof(*call)) : NULL;
    char *folder = call ? strdup(keys->state_dir) : NULL;
    if (outcome == DONE && !folder)
        outcome = fail_memory(&asked->error);
    if (outcome != DONE) {
        free(call);
        hostkey_clear(&wanted);
        call_done(asked, outcome);
        return;
    }
    *call = (struct hostkey_call){.keys = keys, .call = asked, .folder = folder, .key = wanted};
    call->work.data = call;
    keys->busy = true;
    keys->call = call;
    uv_queue_work(asked->backend->loop, &call->work, make_anew, made_anew);
}

void hostkeys_free(struct hostkeys *keys)
{
    struct hostkey_call *call = keys->call;
    if (call) {
        call->keys = NULL;
        fail(&call->call->error, TAG_OPERATION_FAILED, NULL, "The agent is ending.");
        call_done(call->call, FAILED);
    }
    hostkey_set_free(&keys->set);
    hostkey_set_free(&keys->spares);
    if (keys->bind)
        ssh_bind_free(keys->bind);
    pthread_mutex_destroy(&keys->lock);
    free(keys->state_dir);
    free(keys);
}

/* State. */

static bool has_state(const struct lyd_node *state, const char *name)
{
    const struct lyd_node *node;
    LY_LIST_FOR(lyd_child(state), node)
    {
        const char *other = leaf_value(node, "name");
        if (other && !strcmp(other, name))
            return true;
    }
    return false;
}

/* One of the agent's own may have the name of a configured one that cannot be used. */
static bool add_state(struct lyd_node *state, const struct hostkey_set *set)
{
    bool good = true;
    for (size_t i = 0; i < set->count && good; i++) {
        struct lyd_node *node;
        const struct hostkey *key = &set->all[i];
        if (has_state(state, key->name))
            continue;
        good = !lyd_new_list(state, NULL, "host-key", 0, &node, key->name) &&
               (!key->key || describe(node, key, false)) &&
               (!key->reason || !lyd_new_term(node, NULL, "reason", key->reason, 0, NULL));
    }
    return good;
}

enum outcome hostkeys_state(struct hostkeys *keys, struct lyd_node *state, struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    bool good = add_state(state, &keys->set) && add_state(state, &keys->spares);
    pthread_mutex_unlock(&keys->lock);
    return good ? DONE : fail_memory(err);
}
