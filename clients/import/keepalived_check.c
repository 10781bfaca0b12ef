/*
 * keepalived's checks of a real server.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"
#include "clients/import/service.h"

/* What a check is made from. */
struct source {
    const struct statement *all, *server, *real, *check;
};

/* A kind of check. */
struct kind {
    const char *keyword;
    const char *container, *retry, *delay_before_retry; /* NULL: the delay-loop */
    void (*take)(struct import *import, const struct source *source, struct lyd_node *node);
};

static void take_http(struct import *, const struct source *, struct lyd_node *);
static void take_https(struct import *, const struct source *, struct lyd_node *);
static void take_smtp(struct import *, const struct source *, struct lyd_node *);
static void take_dns(struct import *, const struct source *, struct lyd_node *);
static void take_misc(struct import *, const struct source *, struct lyd_node *);
static void take_udp(struct import *, const struct source *, struct lyd_node *);
static void take_bare(struct import *, const struct source *, struct lyd_node *);
static void take_file(struct import *, const struct source *, struct lyd_node *);
static void take_bfd(struct import *, const struct source *, struct lyd_node *);

static const struct kind kinds[] = {
    {"TCP_CHECK", "tcp", "1", "1", take_bare},  {"HTTP_GET", "http", "1", "3", take_http},
    {"SSL_GET", "https", "1", "3", take_https}, {"SMTP_CHECK", "smtp", "1", "1", take_smtp},
    {"DNS_CHECK", "dns", "3", NULL, take_dns},  {"MISC_CHECK", "command", "0", "1", take_misc},
    {"UDP_CHECK", "udp", "1", "1", take_udp},   {"PING_CHECK", "ping", "1", "1", take_bare},
    {"BFD_CHECK", "bfd", "0", "1", take_bfd},   {"FILE_CHECK", "file", "0", "1", take_file},
};

static const struct kind *kind_of(const char *keyword)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(keyword, kinds[i].keyword))
            return &kinds[i];
    return NULL;
}

bool keepalived_is_check(const char *keyword)
{
    return kind_of(keyword);
}

/* What all checks have; what is dealt with elsewhere has "" for a reason. */
#define COMMON                                                                                     \
    {"connect_ip", "connect-address"}, {"connect_port", "connect-port"},                           \
        {"bindto", "bind-address"}, {"bind_to", "bind-address"}, {"bind_if", "bind-interface"},    \
        {"fwmark", "firewall-mark"}, {"bind_port", "bind-port"}, {"delay_loop", .why = ""},        \
        {"connect_timeout", .why = ""}, {"retry", .why = ""}, {"delay_before_retry", .why = ""},   \
        {"alpha", .why = ""}, {"warmup", .why = ""},                                               \
    {                                                                                              \
        "log_all_failures", .take = take_log                                                       \
    }

/* That it is off says nothing: of all checks it may be on nevertheless. */
static void take_log(const struct reading *reading, const struct statement *statement)
{
    if (statement_on(statement, true))
        import_leaf(reading->import, statement->place, reading->node, "log-all-failures", "true");
}

static void take_keywords(struct import *import, const struct statement *check,
                          struct lyd_node *node, const struct keyword *keywords)
{
    struct reading reading = {.import = import, .node = node, .block = check->child};
    keywords_take(&reading, keywords);
}

static void take_bare(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {COMMON, {NULL}};
    take_keywords(import, source->check, node, keywords);
}

/* HTTP */

static void take_status(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 1; i < statement->count; i++)
        import_leaf(reading->import, statement->place, reading->node, "status-code",
                    statement->words[i]);
}

/* Options of the expression become its own: "(?i)". */
static void take_regex(const struct reading *reading, const struct statement *statement)
{
    static const char *const letters[][2] = {
        {"caseless", "(?i)"},
        {"multiline", "(?m)"},
        {"dotall", "(?s)"},
        {"extended", "(?x)"},
        {"ungreedy", "(?U)"},
        {"dupnames", "(?J)"},
        {"utf", "(*UTF)"},
        {"ucp", "(*UCP)"},
        {"no_auto_capture", "(?n)"},
        {"no_auto_possess", "(*NO_AUTO_POSSESS)"},
        {"no_dotstar_anchor", "(*NO_DOTSTAR_ANCHOR)"},
        {"no_start_optimize", "(*NO_START_OPT)"},
    };
    const struct statement *options = statement_find(reading->block, "regex_options", NULL);
    char *head = import_text("%s", "");
    for (size_t i = 1; options && i < options->count; i++) {
        const char *letter = NULL;
        for (size_t j = 0; j < sizeof(letters) / sizeof(*letters); j++)
            if (!strcmp(options->words[i], letters[j][0]))
                letter = letters[j][1];
        if (!letter) {
            import_left(reading->import, options->place,
                        "regex_options %s: an expression cannot say it itself; write it so that it "
                        "need not",
                        options->words[i]);
            continue;
        }
        /* Those with a star come first. */
        char *more = letter[1] == '*' ? import_text("%s%s", letter, head)
                                      : import_text("%s%s", head, letter);
        free(head);
        head = more;
    }
    char *regex = import_text("%s%s", head, statement->count > 1 ? statement->words[1] : "");
    import_leaf(reading->import, statement->place, reading->node, "regex", regex);
    free(regex);
    free(head);
}

static void take_url(const struct reading *reading, const struct statement *statement)
{
    static const struct keyword keywords[] = {
        {"path", .why = ""},
        {"digest", "digest"},
        {"status_code", .take = take_status},
        {"virtualhost", "virtual-host"},
        {"regex", .take = take_regex},
        {"regex_options", .why = ""},
        {"regex_no_match", "regex-no-match", "bool"},
        {"regex_min_offset", "regex-min-offset"},
        {"regex_max_offset", "regex-max-offset"},
        {"regex_stack", .why = "what an expression may cost is limited by Noria itself"},
        {NULL},
    };
    const struct statement *path = statement_find(statement->child, "path", NULL);
    const char *value = statement_argument(path);
    struct lyd_node *url = import_entry(reading->import, path ? path->place : statement->place,
                                        reading->node, "url", value ? value : "/", NULL);
    if (url)
        take_keywords(reading->import, statement, url, keywords);
}

static void take_protocol(const struct reading *reading, const struct statement *statement)
{
    const char *protocol = statement_argument(statement);
    import_leaf(reading->import, statement->place, reading->node, "version",
                protocol && !strcmp(protocol, "1.0C") ? "1.0"
                : protocol                            ? protocol
                                                      : "");
    if (protocol && !strcmp(protocol, "1.0C"))
        import_leaf(reading->import, statement->place, reading->node, "header",
                    "Connection: close");
}

static void take_web(struct import *import, const struct source *source, struct lyd_node *node,
                     const char *container)
{
    static const struct keyword target[] = {
        COMMON,
        {"url", .why = ""},
        {"http_protocol", .why = ""},
        {"virtualhost", .why = ""},
        {"enable_sni", .why = ""},    /* a name is sent always */
        {"fast_recovery", .why = ""}, /* all paths are asked for in one check */
        {"nb_get_retry", .why = "it is called retry"},
        {NULL},
    };
    struct lyd_node *web = import_container(import, source->check->place, node, container);
    take_keywords(import, source->check, node, target);
    import_leaf(import, source->check->place, web, "version", "1.0"); /* keepalived's default */
    struct reading reading = {.import = import, .node = web};
    const struct statement *protocol = statement_find(source->check->child, "http_protocol", NULL);
    if (protocol)
        take_protocol(&reading, protocol);
    const struct statement *host = statement_find(source->check->child, "virtualhost", NULL);
    host = host ? host : statement_find(source->real->child, "virtualhost", NULL);
    host = host ? host : statement_find(source->server->child, "virtualhost", NULL);
    if (statement_argument(host))
        import_leaf(import, host->place, web, "virtual-host", statement_argument(host));
    for (const struct statement *one = source->check->child; one; one = one->next)
        if (!strcmp(one->words[0], "url"))
            take_url(&reading, one);
}

static void take_http(struct import *import, const struct source *source, struct lyd_node *node)
{
    take_web(import, source, node, "http");
}

static void take_https(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {
        {"ca", "ca-file"},
        {"certificate", "certificate-file"},
        {"key", "key-file"},
        {"password", .why = "a key must be without a password: openssl pkey -in KEY -out NEW"},
        {NULL},
    };
    take_web(import, source, node, "https");
    const struct statement *ssl = statement_find(source->all, "SSL", NULL);
    if (ssl)
        take_keywords(import, ssl, import_find(node, "https"), keywords);
}

static void take_smtp(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {
        COMMON, {"helo_name", .why = ""}, {"host", .why = ""}, {NULL}};
    const struct statement *helo = statement_find(source->check->child, "helo_name", NULL);
    struct lyd_node *smtp = import_container(import, source->check->place, node, "smtp");
    take_keywords(import, source->check, node, keywords);
    import_leaf(import, helo ? helo->place : source->check->place, smtp, "helo-name",
                statement_argument(helo) ? statement_argument(helo) : "smtpchecker.keepalived.org");
}

static void take_dns(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword target[] = {
        COMMON, {"type", .why = ""}, {"name", .why = ""}, {NULL}};
    struct lyd_node *dns = import_container(import, source->check->place, node, "dns");
    take_keywords(import, source->check, node, target);
    static const char *const leaves[] = {"type", "name"};
    for (size_t i = 0; i < 2; i++) {
        const struct statement *one = statement_find(source->check->child, leaves[i], NULL);
        if (statement_argument(one))
            import_leaf(import, one->place, dns, leaves[i], statement_argument(one));
    }
}

/* A command and its arguments, in one word or in several. */
static void take_command(struct import *import, const struct statement *path,
                         struct lyd_node *command)
{
    char *line = statement_rest(path, 1), *rest = line, *word;
    bool first = true;
    while ((word = strsep(&rest, " \t"))) {
        if (!*word)
            continue;
        if (*word == '"' || *word == '\'' || strpbrk(word, "|<>;`"))
            import_left(import, path->place,
                        "misc_path: there is no shell; look at the argument %s", word);
        import_leaf(import, path->place, command, first ? "path" : "argument", word);
        first = false;
    }
    free(line);
}

static void take_misc(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {COMMON,
                                              {"misc_path", .why = ""},
                                              {"misc_timeout", .why = ""},
                                              {"misc_dynamic", .why = ""},
                                              {"user", .why = ""},
                                              {NULL}};
    const struct statement *first = source->check->child;
    struct lyd_node *command = import_container(import, source->check->place, node, "command");
    take_keywords(import, source->check, node, keywords);
    const struct statement *path = statement_find(first, "misc_path", NULL);
    const struct statement *dynamic = statement_find(first, "misc_dynamic", NULL);
    const struct statement *user = statement_find(first, "user", NULL);
    if (path)
        take_command(import, path, command);
    if (statement_on(dynamic, false))
        import_leaf(import, dynamic->place, command, "dynamic", "true");
    if (statement_argument(user))
        import_leaf(import, user->place, command, "user", statement_argument(user));
    if (user && user->count > 2)
        import_leaf(import, user->place, command, "group", user->words[2]);
}

/* "Ab12f 3 456": octets, of which the last one of a word may have a single digit. */
static char *octets_of(const struct statement *statement)
{
    char *octets = import_text("%s", "");
    for (size_t i = 1; i < statement->count; i++) {
        const char *word = statement->words[i];
        for (size_t at = 0, size = strlen(word); at < size; at += 2) {
            char *more = at + 1 < size ? import_text("%s%.2s", octets, word + at)
                                       : import_text("%s0%c", octets, word[at]);
            free(octets);
            octets = more;
        }
    }
    for (char *c = octets; *c; c++)
        if (*c == 'X')
            *c = 'x';
    return octets;
}

static void take_udp(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {COMMON,
                                              {"payload", .why = ""},
                                              {"require_reply", .why = ""},
                                              {"min_reply_length", .why = ""},
                                              {"max_reply_length", .why = ""},
                                              {NULL}};
    static const char *const leaves[][2] = {{"payload", "payload"},
                                            {"require_reply", "require-reply"},
                                            {"min_reply_length", "min-reply-length"},
                                            {"max_reply_length", "max-reply-length"}};
    struct lyd_node *udp = import_container(import, source->check->place, node, "udp");
    take_keywords(import, source->check, node, keywords);
    if (statement_find(source->check->child, "require_reply", NULL))
        import_leaf(import, source->check->place, udp, "max-reply-length", "255");
    for (size_t i = 0; i < 4; i++) {
        const struct statement *one = statement_find(source->check->child, leaves[i][0], NULL);
        char *octets = one && i < 2 ? octets_of(one) : NULL;
        const char *value = octets ? octets : statement_argument(one);
        if (value)
            import_leaf(import, one->place, udp, leaves[i][1], value);
        free(octets);
    }
}

/*
 * The block that defines what a check names.
 * @param by The check's keyword that names it.
 * @param keywords What such a block may be called, ended by NULL.
 */
static const struct statement *definition_of(const struct source *source, const char *by,
                                             const char *const *keywords)
{
    const char *name = statement_argument(statement_find(source->check->child, by, NULL));
    for (const struct statement *one = name ? source->all : NULL; one; one = one->next)
        for (const char *const *keyword = keywords; *keyword; keyword++)
            if (!strcmp(one->words[0], *keyword) && statement_argument(one) &&
                !strcmp(statement_argument(one), name))
                return one;
    return NULL;
}

/* Take a leaf from what a block says. @return Whether it says it. */
static bool take_argument(struct import *import, const struct statement *block, const char *keyword,
                          struct lyd_node *node, const char *leaf)
{
    const struct statement *found = statement_find(block->child, keyword, NULL);
    if (!statement_argument(found))
        return false;
    import_leaf(import, found->place, node, leaf, statement_argument(found));
    return true;
}

/* Milliseconds, of which keepalived's default is 10. */
static void take_interval(struct import *import, const struct source *source,
                          const struct statement *session, const char *keyword,
                          struct lyd_node *bfd, const char *leaf)
{
    const struct statement *found = statement_find(session->child, keyword, NULL);
    const char *text = statement_argument(found);
    import_number(import, found ? found->place : source->check->place, bfd, leaf,
                  text ? strtol(text, NULL, 10) * 1000 : 10000);
}

/* What a session says and a check does not need; of VRRP's own session it is taken. */
static const struct keyword session_keywords[] = {
    {"neighbor_ip", .why = ""},
    {"neighbour_ip", .why = ""},
    {"source_ip", .why = ""},
    {"min_rx", .why = ""},
    {"min_tx", .why = ""},
    {"idle_tx", .why = "a session that is down sends once a second (RFC 5880)"},
    {"multiplier", .why = ""},
    {"passive", .why = ""},
    {"ttl", .why = "packets leave with 255 (RFC 5881)"},
    {"hoplimit", .why = "packets leave with 255 (RFC 5881)"},
    {"max_hops", .why = ""},
    {"weight", .why = ""}, /* of VRRP */
    {"vrrp", .why = ""},
    {"checker", .why = ""},
    {NULL},
};

static void take_bfd(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {COMMON, {"name", .why = ""}, {NULL}};
    static const char *const blocks[] = {"bfd_instance", NULL};
    const struct statement *check = source->check;
    const struct statement *session = definition_of(source, "name", blocks);
    struct lyd_node *bfd = import_container(import, check->place, node, "bfd");
    take_keywords(import, check, node, keywords);
    if (!session) {
        import_left(import, check->place, "BFD_CHECK: there is no such bfd_instance");
        return;
    }
    take_keywords(import, session, node, session_keywords);
    const struct statement *passive = statement_find(session->child, "passive", NULL);
    const struct statement *hops = statement_find(session->child, "max_hops", NULL);
    if (!take_argument(import, session, "neighbor_ip", node, "connect-address"))
        take_argument(import, session, "neighbour_ip", node, "connect-address");
    take_argument(import, session, "source_ip", node, "bind-address");
    take_interval(import, source, session, "min_tx", bfd, "desired-min-tx-interval");
    take_interval(import, source, session, "min_rx", bfd, "required-min-rx-interval");
    if (!take_argument(import, session, "multiplier", bfd, "local-multiplier"))
        import_leaf(import, check->place, bfd, "local-multiplier", "5"); /* keepalived's default */
    if (passive)
        import_leaf(import, passive->place, bfd, "passive", "true");
    if (statement_argument(hops))
        import_number(import, hops->place, bfd, "rx-ttl",
                      255 - strtol(statement_argument(hops), NULL, 10));
}

/* "weight 2 reverse" */
static void take_weight(struct import *import, const struct statement *weight,
                        struct lyd_node *file)
{
    import_leaf(import, weight->place, file, "weight", statement_argument(weight));
    if (weight->count > 2 && !strcmp(weight->words[2], "reverse"))
        import_leaf(import, weight->place, file, "reverse", "true");
}

/* What the file holds at first; 0 is what one stands for that is not there. */
static void take_initial(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 1; i < statement->count; i++)
        if (strcmp(statement->words[i], "0")) {
            import_left(reading->import, statement->place,
                        "init_file: the check does not write its file; write it before noriad is "
                        "started");
            return;
        }
}

static void take_file(struct import *import, const struct source *source, struct lyd_node *node)
{
    static const struct keyword keywords[] = {
        COMMON,
        {"track_file", .why = ""},
        {"weight", .why = ""},
        {"dynamic", .why = ""}, /* keepalived adds the weight without it, too */
        {NULL}};
    static const char *const blocks[] = {"track_file", "vrrp_track_file", NULL};
    static const struct keyword of_file[] = {
        {"file", .why = ""}, {"weight", .why = ""}, {"init_file", .take = take_initial}, {NULL}};
    const struct statement *check = source->check;
    const struct statement *track = definition_of(source, "track_file", blocks);
    struct lyd_node *file = import_container(import, check->place, node, "file");
    take_keywords(import, check, node, keywords);
    if (!track) {
        import_left(import, check->place, "FILE_CHECK: there is no such track_file");
        return;
    }
    take_keywords(import, track, node, of_file);
    take_argument(import, track, "file", file, "path");
    const struct statement *weight = statement_find(check->child, "weight", NULL);
    weight = weight ? weight : statement_find(track->child, "weight", NULL);
    if (statement_argument(weight))
        take_weight(import, weight, file);
    else
        import_leaf(import, check->place, file, "weight", "1"); /* keepalived's default */
}

/* Times. */

static const struct statement *time_of(const struct source *source, const char *keyword)
{
    const struct statement *found = statement_find(source->check->child, keyword, NULL);
    if (!found)
        found = statement_find(source->real->child, keyword, NULL);
    return statement_argument(found) ? found : NULL;
}

/*
 * A time of the check: its own or the real server's; else, where the virtual server says nothing,
 * what keepalived has for this kind, if that is not Noria's default.
 */
static void set_time(struct import *import, const struct source *source, struct lyd_node *node,
                     const char *keyword, const char *leaf, const char *kind, const char *noria)
{
    const struct statement *own = time_of(source, keyword);
    if (own)
        import_leaf(import, own->place, node, leaf, statement_argument(own));
    else if (kind && strcmp(kind, noria) && !statement_find(source->server->child, keyword, NULL))
        import_leaf(import, source->check->place, node, leaf, kind);
}

/* Of the check or of its real server; that of the virtual server is health's. */
static void set_alpha(struct import *import, const struct source *source, struct lyd_node *node)
{
    const struct statement *alpha = statement_find(source->check->child, "alpha", NULL);
    alpha = alpha ? alpha : statement_find(source->real->child, "alpha", NULL);
    if (alpha)
        import_leaf(import, alpha->place, node, "alpha",
                    statement_on(alpha, false) ? "true" : "false");
}

static void set_times(struct import *import, const struct source *source, const struct kind *kind,
                      struct lyd_node *node)
{
    const struct statement *loop = time_of(source, "delay_loop");
    loop = loop ? loop : statement_find(source->server->child, "delay_loop", NULL);
    const char *delay = statement_argument(loop) ? statement_argument(loop) : "60";
    set_time(import, source, node, "delay_loop", "delay-loop", NULL, NULL);
    set_time(import, source, node, "warmup", "warmup", NULL, NULL);
    set_alpha(import, source, node);
    set_time(import, source, node, "retry", "retry", kind->retry, "1");
    set_time(import, source, node, "delay_before_retry", "delay-before-retry",
             kind->delay_before_retry ? kind->delay_before_retry : delay, "1");
    if (strcmp(kind->keyword, "MISC_CHECK")) {
        set_time(import, source, node, "connect_timeout", "timeout", NULL, NULL);
        return;
    }
    const struct statement *own = statement_find(source->check->child, "misc_timeout", NULL);
    import_leaf(import, own ? own->place : source->check->place, node, "timeout",
                statement_argument(own) ? statement_argument(own) : delay);
}

/* Names are those of the types, with a number from the second one on. */
static struct lyd_node *make_check(struct import *import, const struct source *source,
                                   const char *type, struct lyd_node *health)
{
    const struct lyd_node *check;
    unsigned same = 1;
    LY_LIST_FOR(lyd_child(health), check)
    {
        const char *name = lyd_get_value(lyd_child(check));
        same += name && !strncmp(name, type, strlen(type)) &&
                (!name[strlen(type)] || name[strlen(type)] == '-');
    }
    char *name = same > 1 ? import_text("%s-%u", type, same) : import_text("%s", type);
    struct lyd_node *node = import_entry(import, source->check->place, health, "check", name, NULL);
    free(name);
    return node;
}

static void add_check(struct import *import, const struct source *source, const struct kind *kind,
                      const struct statement *host, struct lyd_node *real)
{
    static const struct keyword target[] = {COMMON, {NULL}};
    struct lyd_node *health =
        import_container(import, source->check->place, real, "noria-health:health");
    struct lyd_node *node = make_check(import, source, kind->container, health);
    if (!node)
        return;
    import_container(import, source->check->place, node, kind->container);
    kind->take(import, source, node);
    set_times(import, source, kind, node);
    if (host)
        take_keywords(import, host, node, target);
}

void keepalived_checks(struct import *import, const struct statement *all,
                       const struct statement *server, const struct statement *real,
                       struct lyd_node *node)
{
    for (const struct statement *one = real->child; one; one = one->next) {
        const struct kind *kind = kind_of(one->words[0]);
        struct source source = {.all = all, .server = server, .real = real, .check = one};
        const struct statement *host = kind ? statement_find(one->child, "host", NULL) : NULL;
        if (!kind)
            continue;
        if (!host)
            add_check(import, &source, kind, NULL, node);
        /* Each 'host' of SMTP_CHECK is a check. */
        for (host = host ? one->child : NULL; host; host = host->next)
            if (!strcmp(host->words[0], "host"))
                add_check(import, &source, kind, host, node);
    }
}
