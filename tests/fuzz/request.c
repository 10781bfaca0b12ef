/*
 * Requests: whatever message a client sends, the session ends or there is a reply, which is XML and
 * bears the attributes of its request (RFC 6241, 4.2).
 *
 * A whole agent serves them, but that it is about to end: so nothing gets into running, and one
 * input finds what the other found. Byte 0 is '1' for a session that speaks base:1.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/life.h"
#include "agent/log.h"
#include "agent/netconf/frame.h"
#include "agent/netconf/internal.h"
#include "agent/netconf/rpc.h"
#include "agent/netconf/subscription.h"
#include "agent/transaction/candidate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct agent agent;
static struct session session;
static atomic_uint too_long;
static char folder[] = "/tmp/noria-fuzz-XXXXXX", run_folder[64];

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    if (system(command))
        fprintf(stderr, "%s is left\n", folder);
}

/* So that there is something to be read, and no file but ours to be written. */
static const char *configuration(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "%s/noria.xml", folder);
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    fprintf(file,
            "<netconf-server xmlns=\"urn:noria:yang:noria-agent\"><url-directory>%s/url"
            "</url-directory></netconf-server><null xmlns=\"urn:noria:yang:noria-null\"><item>"
            "<name>a</name><value>x</value></item></null><virtual-servers "
            "xmlns=\"urn:noria:yang:noria-virtual-server\"><virtual-server><name>web</name>"
            "<address>192.0.2.1</address><port>80</port><real-server><address>10.0.0.1</address>"
            "<port>80</port></real-server></virtual-server></virtual-servers>",
            folder);
    fclose(file);
    return path;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error = {0};
    if (!mkdtemp(folder) || atexit(remove_folder))
        abort();
    snprintf(run_folder, sizeof(run_folder), "%s/run", folder);
    struct agent_options options = {.config = configuration(),
                                    .state_dir = folder,
                                    .run_dir = run_folder,
                                    .yang_dirs = NORIA_TEST_YANG_DIRS,
                                    .null_backend = true,
                                    .null_stand_ins = true};
    log_set_level(LOG_LEVEL_ERROR);
    if (life_start(&agent, &options, &error) != DONE) {
        fprintf(stderr, "%s\n", error_message(&error));
        abort();
    }
    agent.ending = true;
    calls_close(&agent.calls);
    session = (struct session){.server = agent.netconf, .user = "root", .local = true, .id = 1};
    session.link = link_new(1 << 20, &too_long);
    return session.link ? 0 : -1;
}

static bool has_attribute(const struct lyd_node *node, const struct lyd_attr *wanted)
{
    const struct lyd_attr *has;
    LY_LIST_FOR(((const struct lyd_node_opaq *)node)->attr, has)
    {
        if (!strcmp(has->name.name, wanted->name.name) && !strcmp(has->value, wanted->value))
            return true;
    }
    return false;
}

static void check_reply(const char *message, const struct text *reply)
{
    struct ly_ctx *bare = agent.netconf->bare;
    struct lyd_node *request = NULL, *answer = NULL;
    const struct lyd_attr *attribute;
    if (reply->failed ||
        lyd_parse_data_mem(bare, reply->data, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0,
                           &answer) ||
        strcmp(LYD_NAME(answer), "rpc-reply") != 0 || !lyd_child(answer))
        abort();
    /* A request that is none need not be known by its attributes. */
    if (!strstr(reply->data, ">malformed-message<") &&
        !lyd_parse_data_mem(bare, message, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &request)) {
        LY_LIST_FOR(((const struct lyd_node_opaq *)request)->attr, attribute)
        {
            if (!has_attribute(answer, attribute))
                abort();
        }
    }
    lyd_free_all(request);
    lyd_free_all(answer);
    ly_err_clean(bare, NULL);
}

/* What a request leaves behind in its session must not be there for the next. */
static void forget(void)
{
    subscription_end(&session);
    datastore_session_ended(&agent, session.id);
    candidate_discard(agent.candidate);
    session.closed = false;
    link_heard(session.link);
    ly_err_clean(agent.schema->ctx, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text message = {0}, reply = {0};
    if (size < 2)
        return -1;
    session.chunked = data[0] == '1';
    text_add(&message, (const char *)data + 1, size - 1);
    struct frame_look look = frame_look(message.data, message.length);
    if (look.has_remarks)
        frame_strip(&message);
    if (!look.wild) {
        session.link->message = message;
        session.link->look = look;
        if (rpc_serve(&session, &reply))
            check_reply(message.data, &reply);
        session.link->message = (struct text){0};
        forget();
    }
    text_free(&reply);
    text_free(&message);
    return 0;
}
