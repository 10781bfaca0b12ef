#include "agent/mail/mailer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/event/alarms.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "agent/mail/reminder.h"

#define SECOND UINT64_C(1000000000)
#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"
#define SERVER_KEY_SIZE 128 /* a name has 64 characters at most */

/* Messages that wait at most; how long one waits; and the shortest and longest time between two
 * tries. */
#define WAITING_MAX 100
#define GIVEN_UP_AFTER (86400 * SECOND)
#define PAUSE_MIN (30 * SECOND)
#define PAUSE_MAX (1800 * SECOND)

/* What is gathered for one recipient. */
struct gathering {
    struct mail_digest digest;
    uint64_t due;    /* when it becomes a message (uv_hrtime()) */
    uint64_t remind; /* when it is time for a reminder; UINT64_MAX: never */
};

/* A message that is to be sent. */
struct outgoing {
    char **addresses; /* ended by NULL; owned */
    char *text;       /* owned */
    uint64_t made, due, pause;
    struct outgoing *next;
};

struct mailer {
    struct agent *agent;
    pthread_t thread;
    int wake;
    atomic_bool ending;
    pthread_mutex_t lock;             /* guards what follows, up to the thread's own */
    struct mail_settings *wanted;     /* one reference */
    struct event_subscriber *offered; /* begun with the settings that are wanted; or NULL */
    bool subscribed;                  /* there is one, here or with the thread */
    struct mailer_figures figures;
    /* The thread's own: */
    struct mail_settings *settings;  /* in use; one reference */
    struct gathering *gatherings;    /* one for each recipient of the settings; owned */
    struct event_subscriber *events; /* NULL while there is no recipient */
    struct outgoing *first;
};

/* Messages. */

static void free_outgoing(struct outgoing *outgoing)
{
    for (char **at = outgoing->addresses; at && *at; at++)
        free(*at);
    free(outgoing->addresses);
    free(outgoing->text);
    free(outgoing);
}

static char **copy_addresses(char *const *addresses)
{
    size_t count = 0;
    while (addresses[count])
        count++;
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = strdup(addresses[i])))
            break;
    return copy;
}

static void note_given_up(struct mailer *mailer, const char *why)
{
    log_warning(AREA_MAIL, "a message is given up: %s", why);
    pthread_mutex_lock(&mailer->lock);
    mailer->figures.failed++;
    pthread_mutex_unlock(&mailer->lock);
}

static void count_waiting(struct mailer *mailer, int change)
{
    pthread_mutex_lock(&mailer->lock);
    mailer->figures.waiting += (uint32_t)change;
    pthread_mutex_unlock(&mailer->lock);
}

static void remove_outgoing(struct mailer *mailer, struct outgoing **at)
{
    struct outgoing *outgoing = *at;
    *at = outgoing->next;
    free_outgoing(outgoing);
    count_waiting(mailer, -1);
}

/* A digest becomes a message; the oldest one gives way where too many wait. */
static void put_message(struct mailer *mailer, const struct mail_recipient *recipient,
                        struct mail_digest *digest)
{
    struct outgoing **at = &mailer->first, *made = calloc(1, sizeof(*made));
    size_t waiting = 0;
    if (made) {
        made->addresses = copy_addresses(recipient->addresses);
        made->text = mail_message(mailer->settings, recipient, digest, clock_now());
        made->made = made->due = uv_hrtime();
        made->pause = PAUSE_MIN;
    }
    mail_digest_clear(digest);
    if (!made || !made->addresses || !made->text) {
        if (made)
            free_outgoing(made);
        note_given_up(mailer, "there is no memory");
        return;
    }
    for (; *at; at = &(*at)->next)
        waiting++;
    *at = made;
    count_waiting(mailer, 1);
    if (waiting < WAITING_MAX)
        return;
    note_given_up(mailer, "too many wait");
    remove_outgoing(mailer, &mailer->first);
}

static void put_due(struct mailer *mailer, bool all)
{
    uint64_t now = uv_hrtime();
    for (size_t i = 0; mailer->gatherings && i < mailer->settings->recipient_count; i++) {
        struct gathering *gathering = &mailer->gatherings[i];
        if ((gathering->digest.count || gathering->digest.lost) && (all || gathering->due <= now))
            put_message(mailer, &mailer->settings->recipients[i], &gathering->digest);
    }
}

static void put_reminder(struct mailer *mailer, const struct mail_recipient *recipient)
{
    struct mail_digest digest = {0};
    size_t count = 0;
    int64_t changed;
    struct alarms *alarms = mailer->agent->alarms;
    struct alarm **taken = alarms ? alarms_take(alarms, &count, &changed) : NULL;
    if (taken && mail_digest_remind(&digest, recipient, taken, count))
        put_message(mailer, recipient, &digest);
    alarms_give_back(taken, count);
}

static void put_reminders(struct mailer *mailer)
{
    uint64_t now = uv_hrtime();
    for (size_t i = 0; mailer->gatherings && i < mailer->settings->recipient_count; i++) {
        const struct mail_recipient *recipient = &mailer->settings->recipients[i];
        if (mailer->gatherings[i].remind > now)
            continue;
        mailer->gatherings[i].remind = now + recipient->remind * SECOND;
        put_reminder(mailer, recipient);
    }
}

/* Sending. */

static void note_result(struct mailer *mailer, enum mail_result result, const char *error)
{
    static const struct alarm_id id = {"/noria-mail:mail", "mail-failed", NULL};
    pthread_mutex_lock(&mailer->lock);
    if (result == MAIL_SENT) {
        mailer->figures.sent++;
        mailer->figures.last_sent = clock_now();
    } else {
        snprintf(mailer->figures.last_error, sizeof(mailer->figures.last_error), "%s", error);
    }
    pthread_mutex_unlock(&mailer->lock);
    if (result == MAIL_SENT) {
        alarm_clear(mailer->agent, &id, "A message was sent.");
        if (*error)
            log_warning(AREA_MAIL, "a message was not sent to all: %s", error);
    } else {
        log_warning(AREA_MAIL, "a message cannot be sent: %s", error);
        alarm_raise(mailer->agent, &id, ALARM_MINOR,
                    "E-mail cannot be sent: %s. Look at /noria-mail:mail and at the mail server.",
                    error);
    }
}

/* What waits need not wait longer. */
static void try_all_now(struct mailer *mailer)
{
    for (struct outgoing *at = mailer->first; at; at = at->next)
        at->due = uv_hrtime();
}

/* Try to send one message. A server that takes one may take the others, too. @return Whether it has
 * left the queue. */
static bool try_message(struct mailer *mailer, struct outgoing **at)
{
    struct outgoing *outgoing = *at;
    char error[MAIL_ERROR_SIZE] = "";
    enum mail_result result =
        mail_deliver(mailer->settings, outgoing->addresses, outgoing->text, &mailer->ending, error);
    note_result(mailer, result, error);
    uint64_t now = uv_hrtime();
    if (result == MAIL_LATER && now - outgoing->made < GIVEN_UP_AFTER) {
        outgoing->due = now + outgoing->pause;
        outgoing->pause = outgoing->pause * 2 < PAUSE_MAX ? outgoing->pause * 2 : PAUSE_MAX;
        return false;
    }
    if (result != MAIL_SENT)
        note_given_up(mailer, error);
    remove_outgoing(mailer, at);
    if (result == MAIL_SENT)
        try_all_now(mailer);
    return true;
}

/* Events go on being gathered between two messages. @return Whether one was tried. */
static bool send_one(struct mailer *mailer)
{
    uint64_t now = uv_hrtime();
    struct outgoing **at = &mailer->first;
    while (*at && (*at)->due > now)
        at = &(*at)->next;
    if (!*at)
        return false;
    try_message(mailer, at);
    return true;
}

/* At the end each message is tried once more, until one cannot be sent. */
static void send_last(struct mailer *mailer)
{
    put_due(mailer, true);
    while (mailer->first && try_message(mailer, &mailer->first))
        continue;
    while (mailer->first) {
        note_given_up(mailer, "the agent ends");
        remove_outgoing(mailer, &mailer->first);
    }
}

/* Gathering. */

/* What the operator has written about an event's virtual server. @return To be freed, or NULL. */
static char *about(const struct mailer *mailer, const struct lyd_node *event)
{
    char key[SERVER_KEY_SIZE], *text = NULL;
    const char *name = leaf_value(event, "virtual-server");
    const struct unit *unit = name ? schema_unit_find(mailer->agent->schema, SERVERS) : NULL;
    if (!unit || snprintf(key, sizeof(key), "[name='%s']", name) >= (int)sizeof(key))
        return NULL;
    struct snapshot *running = agent_running(mailer->agent);
    const struct entry *entry = snapshot_find(running, unit, key);
    const char *found = entry ? leaf_value(entry->node, "description") : NULL;
    if (found && *found)
        text = strdup(found);
    snapshot_unref(running);
    return text;
}

static void gather(struct mailer *mailer, const struct event *event, uint64_t lost)
{
    char *description = event ? about(mailer, event->node) : NULL;
    for (size_t i = 0; i < mailer->settings->recipient_count; i++) {
        struct gathering *gathering = &mailer->gatherings[i];
        bool fresh = !gathering->digest.count && !gathering->digest.lost;
        if (event && !mail_wants(&mailer->settings->recipients[i], event->node))
            continue;
        if (event)
            mail_digest_add(&gathering->digest, event->node, description, event->time);
        gathering->digest.lost += lost;
        if (fresh)
            gathering->due = uv_hrtime() + mailer->settings->delay * SECOND;
    }
    free(description);
}

static void take_events(struct mailer *mailer)
{
    struct event *event;
    uint64_t lost;
    while (mailer->events && event_take(mailer->events, &event, &lost)) {
        if (mailer->gatherings)
            gather(mailer, event, lost);
        event_unref(event);
    }
}

/* From when settings are wanted on no event is missed, whenever the thread takes them. Locked. */
static void subscribe(struct mailer *mailer)
{
    if (!mailer->wanted->recipient_count || mailer->subscribed)
        return;
    mailer->offered = event_subscribe(mailer->agent, "e-mail", mailer->wake);
    mailer->subscribed = mailer->offered;
}

/* @param offered A subscription that was begun with the settings, or NULL. */
static void take_subscription(struct mailer *mailer, struct event_subscriber *offered)
{
    if (offered)
        mailer->events = offered;
    if (mailer->settings->recipient_count)
        return;
    event_unsubscribe(mailer->events);
    mailer->events = NULL;
    pthread_mutex_lock(&mailer->lock);
    mailer->subscribed = false;
    subscribe(mailer); /* settings may have come meanwhile */
    pthread_mutex_unlock(&mailer->lock);
}

/* What was gathered by the settings of before becomes messages by them. */
static void take_settings(struct mailer *mailer)
{
    pthread_mutex_lock(&mailer->lock);
    struct mail_settings *wanted =
        mailer->wanted == mailer->settings ? NULL : mail_settings_ref(mailer->wanted);
    struct event_subscriber *offered = wanted ? mailer->offered : NULL;
    if (wanted)
        mailer->offered = NULL;
    pthread_mutex_unlock(&mailer->lock);
    if (!wanted)
        return;
    take_events(mailer);
    if (mailer->settings)
        put_due(mailer, true);
    free(mailer->gatherings);
    mail_settings_unref(mailer->settings);
    mailer->settings = wanted;
    mailer->gatherings = calloc(wanted->recipient_count + 1, sizeof(*mailer->gatherings));
    for (size_t i = 0; mailer->gatherings && i < wanted->recipient_count; i++) {
        unsigned remind = wanted->recipients[i].remind;
        mailer->gatherings[i].remind = remind ? uv_hrtime() + remind * SECOND : UINT64_MAX;
    }
    take_subscription(mailer, offered);
    try_all_now(mailer); /* it may be the server that is another one */
}

/* The thread. */

static void earlier(uint64_t *next, uint64_t due)
{
    if (due < *next)
        *next = due;
}

/* Sleep until there is something to do. */
static void sleep_until_next(struct mailer *mailer)
{
    uint64_t next = UINT64_MAX, now = uv_hrtime();
    struct pollfd watched = {.fd = mailer->wake, .events = POLLIN};
    eventfd_t rings;
    for (size_t i = 0; mailer->gatherings && i < mailer->settings->recipient_count; i++) {
        earlier(&next, mailer->gatherings[i].remind);
        if (mailer->gatherings[i].digest.count || mailer->gatherings[i].digest.lost)
            earlier(&next, mailer->gatherings[i].due);
    }
    for (const struct outgoing *at = mailer->first; at; at = at->next)
        earlier(&next, at->due);
    int timeout = next == UINT64_MAX ? -1 : next <= now ? 0 : (int)((next - now) / 1000000 + 1);
    if (poll(&watched, 1, timeout) > 0)
        eventfd_read(mailer->wake, &rings);
}

static void *run(void *arg)
{
    struct mailer *mailer = arg;
    take_settings(mailer);
    while (!atomic_load(&mailer->ending)) {
        sleep_until_next(mailer);
        take_settings(mailer);
        take_events(mailer);
        put_due(mailer, false);
        put_reminders(mailer);
        send_one(mailer);
    }
    take_events(mailer);
    send_last(mailer);
    event_unsubscribe(mailer->events);
    event_unsubscribe(mailer->offered);
    free(mailer->gatherings);
    mail_settings_unref(mailer->settings);
    return NULL;
}

/* Signals are for the core thread. */
static bool start_without_signals(struct mailer *mailer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&mailer->thread, NULL, run, mailer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        pthread_setname_np(mailer->thread, "noriad-mail");
    return !error;
}

struct mailer *mailer_new(struct agent *agent, struct mail_settings *settings)
{
    struct mailer *mailer = calloc(1, sizeof(*mailer));
    if (!mailer) {
        mail_settings_unref(settings);
        return NULL;
    }
    mailer->agent = agent;
    mailer->wanted = settings;
    pthread_mutex_init(&mailer->lock, NULL);
    mailer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailer->wake >= 0)
        subscribe(mailer);
    if (mailer->wake >= 0 && start_without_signals(mailer))
        return mailer;
    event_unsubscribe(mailer->offered);
    if (mailer->wake >= 0)
        close(mailer->wake);
    pthread_mutex_destroy(&mailer->lock);
    mail_settings_unref(settings);
    free(mailer);
    return NULL;
}

struct mail_settings *mailer_exchange(struct mailer *mailer, struct mail_settings *settings)
{
    pthread_mutex_lock(&mailer->lock);
    struct mail_settings *before = mailer->wanted;
    mailer->wanted = settings;
    subscribe(mailer);
    pthread_mutex_unlock(&mailer->lock);
    eventfd_write(mailer->wake, 1);
    return before;
}

void mailer_read(struct mailer *mailer, struct mailer_figures *figures)
{
    pthread_mutex_lock(&mailer->lock);
    *figures = mailer->figures;
    pthread_mutex_unlock(&mailer->lock);
}

void mailer_free(struct mailer *mailer)
{
    if (!mailer)
        return;
    atomic_store(&mailer->ending, true);
    eventfd_write(mailer->wake, 1);
    pthread_join(mailer->thread, NULL);
    close(mailer->wake);
    pthread_mutex_destroy(&mailer->lock);
    mail_settings_unref(mailer->wanted);
    free(mailer);
}
