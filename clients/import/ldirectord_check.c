/*
 * The checks of ldirectord.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/ldirectord.h"

/* What a check is made from. */
struct source {
    struct import *import;
    struct place place;
    const struct section *section;
    const char *request, *receive; /* or NULL */
};

/* A service, the port that it is assumed on, and how it is checked. */
struct kind {
    const char *name;
    unsigned port;
    void (*take)(const struct source *source, const struct kind *kind, struct lyd_node *check);
    const char *greeting, *farewell, *answer; /* of a dialogue */
};

static void take_web(const struct source *, const struct kind *, struct lyd_node *);
static void take_dns(const struct source *, const struct kind *, struct lyd_node *);
static void take_dialogue(const struct source *, const struct kind *, struct lyd_node *);
static void take_tcp(const struct source *, const struct kind *, struct lyd_node *);

static const struct kind kinds[] = {
    {"ftp", 21, take_dialogue, "(^|\\n)220[ \\r]", "QUIT\\r\\n", "(^|\\n)221[ \\r]"},
    {"smtp", 25, take_dialogue, "(^|\\n)220[ \\r]", "QUIT\\r\\n", "(^|\\n)221[ \\r]"},
    {"dns", 53, take_dns},
    {"http", 80, take_web},
    {"pop", 110, take_dialogue, "^\\+OK", "QUIT\\r\\n", "^\\+OK"},
    {"nntp", 119, take_dialogue, "^20[01][ \\r]", "QUIT\\r\\n", "^205[ \\r]"},
    {"imap", 143, take_dialogue, "^\\* OK", "a LOGOUT\\r\\n", "(^|\\n)a OK"},
    {"ldap", 389},
    {"https", 443, take_web},
    {"submission", 587, take_dialogue, "(^|\\n)220[ \\r]", "QUIT\\r\\n", "(^|\\n)221[ \\r]"},
    {"ldaps", 636},
    {"imaps", 993},
    {"pops", 995},
    {"oracle", 1521},
    {"radius", 1812},
    {"http_proxy", 3128},
    {"mysql", 3306},
    {"pgsql", 5432},
    {"sip", 5060},
    {"simpletcp", 0, take_tcp},
};

static const struct kind *kind_of(const struct section *section)
{
    const char *name = ldirectord_value(section, "service", NULL);
    unsigned port = (unsigned)atoi(section->service.port);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (name ? !strcmp(kinds[i].name, name) : kinds[i].port && kinds[i].port == port)
            return &kinds[i];
    return NULL;
}

static void set(const struct source *source, struct lyd_node *node, const char *leaf,
                const char *value)
{
    if (value)
        import_leaf(source->import, source->place, node, leaf, value);
}

static void take_web(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    const char *request = source->request ? source->request : "";
    struct lyd_node *web = import_container(source->import, source->place, check, kind->name);
    char *path = import_text("%s%s", request[0] == '/' ? "" : "/", request);
    if (strstr(request, "://"))
        import_left(source->import, source->place,
                    "request: the host that is asked for is said by virtualhost");
    struct lyd_node *url = import_entry(source->import, source->place, web, "url",
                                        strstr(request, "://") ? "/" : path, NULL);
    if (url)
        set(source, url, "regex", source->receive);
    set(source, web, "method", ldirectord_value(source->section, "httpmethod", NULL));
    set(source, web, "virtual-host", ldirectord_value(source->section, "virtualhost", NULL));
    set(source, web, "username", ldirectord_value(source->section, "login", NULL));
    free(path);
}

/* An address is asked for by its reverse name. */
static void take_dns(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    struct lyd_node *dns = import_container(source->import, source->place, check, "dns");
    struct in_addr address;
    const char *request = source->request;
    if (request && inet_pton(AF_INET, request, &address) == 1) {
        const uint8_t *octets = (const uint8_t *)&address;
        char *name =
            import_text("%u.%u.%u.%u.in-addr.arpa", octets[3], octets[2], octets[1], octets[0]);
        set(source, dns, "type", "PTR");
        set(source, dns, "name", name);
        free(name);
    } else if (request) {
        set(source, dns, "type", "A");
        set(source, dns, "name", request);
    }
    if (source->receive && strpbrk(source->receive, "\\^$|()[]*+?"))
        import_left(source->import, source->place,
                    "receive: of DNS it is one record, not a regular expression");
    else
        set(source, dns, "expect", source->receive);
}

static void add_step(const struct source *source, struct lyd_node *tcp, const char *number,
                     const char *send, const char *expect)
{
    struct lyd_node *step = import_entry(source->import, source->place, tcp, "step", number, NULL);
    if (!step)
        return;
    set(source, step, "send", send);
    set(source, step, "expect", expect);
}

static void take_dialogue(const struct source *source, const struct kind *kind,
                          struct lyd_node *check)
{
    struct lyd_node *tcp = import_container(source->import, source->place, check, "tcp");
    add_step(source, tcp, "1", NULL, kind->greeting);
    add_step(source, tcp, "2", kind->farewell, kind->answer);
    if (source->request || source->receive || ldirectord_setting(source->section, "login"))
        import_left(source->import, source->place,
                    "service %s: the check greets, and does not log in or ask for more",
                    kind->name);
}

/* Only "\n" stands for something else in a request. */
static void take_tcp(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    struct lyd_node *tcp = import_container(source->import, source->place, check, "tcp");
    const char *from = source->request ? source->request : "";
    char *send = import_need(malloc(2 * strlen(from) + 1)), *to = send;
    for (; *from; from++) {
        if (*from == '\\' && from[1] != 'n')
            *to++ = '\\';
        *to++ = *from;
    }
    *to = '\0';
    if (*send || source->receive)
        add_step(source, tcp, "1", *send ? send : NULL, source->receive);
    free(send);
}

static void take_command(const struct source *source, struct lyd_node *check)
{
    struct lyd_node *command = import_container(source->import, source->place, check, "command");
    char *line =
        import_need(strdup(ldirectord_value(source->section, "checkcommand", "/bin/true")));
    char *rest = line, *word;
    const char *leaf = "path";
    while ((word = strsep(&rest, " \t"))) {
        if (!*word)
            continue;
        set(source, command, leaf, word);
        leaf = "argument";
    }
    set(source, command, "arguments", "ldirectord");
    free(line);
}

/* What is left where a service cannot be asked: whether it is there. */
static const char *bare_type(const struct section *section)
{
    return strcmp(section->service.protocol, "udp") ? "tcp" : "ping";
}

static void add_check(const struct source *source, const char *type, struct lyd_node *health)
{
    const struct section *section = source->section;
    bool negotiate = !strcmp(type, "negotiate") || isdigit((unsigned char)*type);
    const struct kind *kind = negotiate ? kind_of(section) : NULL;
    struct lyd_node *check =
        import_entry(source->import, source->place, health, "check", "service", NULL);
    if (!check)
        return;
    if (kind && !kind->take)
        import_left(source->import, source->place,
                    "service %s: Noria has no such check; a command may do it", kind->name);
    if (isdigit((unsigned char)*type))
        import_left(source->import, source->place,
                    "checktype %s: each check asks the service, not each of so many", type);
    if (kind && kind->take)
        kind->take(source, kind, check);
    else if (!strncmp(type, "external", strlen("external")))
        take_command(source, check);
    else
        import_container(source->import, source->place, check,
                         strcmp(type, "ping") ? bare_type(section) : "ping");
    set(source, check, "connect-port", ldirectord_value(section, "checkport", NULL));
}

/* checkinterval, and of what is said of times only what the kind of check has. */
static void set_times(const struct source *source, const char *type, struct lyd_node *health)
{
    const struct section *section = source->section;
    bool negotiate = !strcmp(type, "negotiate") || isdigit((unsigned char)*type);
    const char *interval = ldirectord_value(section, "checkinterval", "10");
    const char *timeout = ldirectord_value(section, "checktimeout", "5");
    if (negotiate)
        timeout = ldirectord_value(section, "negotiatetimeout", "30");
    set(source, health, "delay-loop", interval);
    set(source, health, "delay-before-retry", interval);
    set(source, health, "timeout", timeout);
    long failures = atol(ldirectord_value(section, "failurecount", "1"));
    import_number(source->import, source->place, health, "retry", failures > 0 ? failures - 1 : 0);
    if (!strcmp(ldirectord_value(section, "quiescent", "yes"), "yes"))
        set(source, health, "on-failure", "inhibit");
}

bool ldirectord_health(struct import *import, struct place place, const struct section *section,
                       struct lyd_node *server)
{
    const char *type = ldirectord_value(section, "checktype", "negotiate");
    const struct setting *service = ldirectord_setting(section, "service");
    struct source source = {.import = import,
                            .place = place,
                            .section = section,
                            .request = ldirectord_value(section, "request", NULL),
                            .receive = ldirectord_value(section, "receive", NULL)};
    bool nothing = !strcmp(type, "negotiate") &&
                   (service ? !strcmp(service->value, "none") : !kind_of(section));
    if (nothing || !strcmp(type, "on") || !strcmp(type, "off"))
        return false;
    if (!strcmp(type, "external-perl"))
        import_left(import, place, "checktype external-perl: the script is run as a command");
    struct lyd_node *health = import_container(import, place, server, "noria-health:health");
    set_times(&source, type, health);
    add_check(&source, type, health);
    return true;
}

void ldirectord_own_check(struct import *import, struct place place, const struct section *section,
                          const char *request, const char *receive, struct lyd_node *real)
{
    struct source source = {.import = import,
                            .place = place,
                            .section = section,
                            .request = request,
                            .receive = receive};
    add_check(&source, ldirectord_value(section, "checktype", "negotiate"),
              import_container(import, place, real, "noria-health:health"));
}
