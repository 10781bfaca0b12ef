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
    const char *container; /* of the check; NULL: of the same name */
    bool tls;
};

static void take_web(const struct source *, const struct kind *, struct lyd_node *);
static void take_proxy(const struct source *, const struct kind *, struct lyd_node *);
static void take_dns(const struct source *, const struct kind *, struct lyd_node *);
static void take_session(const struct source *, const struct kind *, struct lyd_node *);
static void take_ldap(const struct source *, const struct kind *, struct lyd_node *);
static void take_radius(const struct source *, const struct kind *, struct lyd_node *);
static void take_sql(const struct source *, const struct kind *, struct lyd_node *);
static void take_sip(const struct source *, const struct kind *, struct lyd_node *);
static void take_tcp(const struct source *, const struct kind *, struct lyd_node *);

static const struct kind kinds[] = {
    {"ftp", 21, take_session},
    {"smtp", 25, take_session},
    {"dns", 53, take_dns},
    {"http", 80, take_web},
    {"pop", 110, take_session, "pop3"},
    {"nntp", 119, take_session},
    {"imap", 143, take_session},
    {"ldap", 389, take_ldap},
    {"https", 443, take_web},
    {"submission", 587, take_session, "smtp"},
    {"ldaps", 636, take_ldap, "ldap", true},
    {"imaps", 993, take_session, "imap", true},
    {"pops", 995, take_session, "pop3", true},
    {"oracle", 1521},
    {"radius", 1812, take_radius},
    {"http_proxy", 3128, take_proxy, "http"},
    {"mysql", 3306, take_sql},
    {"pgsql", 5432, take_sql, "postgresql"},
    {"sip", 5060, take_sip},
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

/* Who logs in. */
static void set_login(const struct source *source, struct lyd_node *node)
{
    const struct setting *password = ldirectord_setting(source->section, "passwd");
    set(source, node, "username", ldirectord_value(source->section, "login", NULL));
    if (password && ldirectord_setting(source->section, "login"))
        import_secret(source->import, password->place, node, "password", password->value);
}

static void take_web(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    const char *request = source->request ? source->request : "";
    struct lyd_node *web = import_container(source->import, source->place, check, kind->name);
    char *path = import_text("%s%s", request[0] == '/' ? "" : "/", request);
    if (strstr(request, "://"))
        import_left(source->import, source->place,
                    "request: the real server is asked; set connect-address and connect-port of "
                    "its check, and virtual-host");
    struct lyd_node *url = import_entry(source->import, source->place, web, "url",
                                        strstr(request, "://") ? "/" : path, NULL);
    if (url)
        set(source, url, "regex", source->receive);
    set(source, web, "method", ldirectord_value(source->section, "httpmethod", NULL));
    set(source, web, "virtual-host", ldirectord_value(source->section, "virtualhost", NULL));
    set_login(source, web);
    free(path);
}

/* A proxy is asked for a whole URL. */
static void take_proxy(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    struct lyd_node *web = import_container(source->import, source->place, check, "http");
    const char *request = source->request ? source->request : "";
    bool whole = !strncmp(request, "http://", strlen("http://"));
    char *url = whole ? import_text("%s%s", request, strchr(request + 7, '/') ? "" : "/")
                      : import_text("%s%s", request[0] == '/' ? "" : "/", request);
    struct lyd_node *entry = import_entry(source->import, source->place, web, "url", url, NULL);
    if (entry)
        set(source, entry, "regex", source->receive);
    set(source, web, "virtual-host", ldirectord_value(source->section, "virtualhost", NULL));
    set_login(source, web);
    free(url);
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
    if (!strcmp(source->section->service.protocol, "tcp"))
        set(source, dns, "transport", "tcp");
    set(source, dns, "regex", source->receive);
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

static struct lyd_node *make(const struct source *source, const struct kind *kind,
                             struct lyd_node *check)
{
    return import_container(source->import, source->place, check,
                            kind->container ? kind->container : kind->name);
}

static void take_session(const struct source *source, const struct kind *kind,
                         struct lyd_node *check)
{
    struct lyd_node *node = make(source, kind, check);
    set_login(source, node);
    if (kind->tls)
        set(source, node, "tls", "implicit");
    if (source->request || source->receive)
        import_left(source->import, source->place,
                    "service %s: the check greets and logs in, and does not ask for more",
                    kind->name);
}

/* ldirectord puts a slash before a request that has none. */
static const char *bare_request(const struct source *source)
{
    return source->request && *source->request == '/' ? source->request + 1 : source->request;
}

static void take_ldap(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    struct lyd_node *ldap = make(source, kind, check);
    set_login(source, ldap);
    if (kind->tls)
        set(source, ldap, "tls", "implicit");
    set(source, ldap, "base", bare_request(source));
    set(source, ldap, "expect", source->receive);
}

static void take_radius(const struct source *source, const struct kind *kind,
                        struct lyd_node *check)
{
    const struct setting *secret = ldirectord_setting(source->section, "secret");
    struct lyd_node *radius = make(source, kind, check);
    set_login(source, radius);
    if (secret)
        import_secret(source->import, secret->place, radius, "secret", secret->value);
}

static void take_sql(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    struct lyd_node *sql = make(source, kind, check);
    set_login(source, sql);
    set(source, sql, "database", ldirectord_value(source->section, "database", NULL));
    set(source, sql, "query", bare_request(source));
    if (source->receive)
        import_left(source->import, source->place,
                    "receive: a query must give a row; how many is not counted");
}

static void take_sip(const struct source *source, const struct kind *kind, struct lyd_node *check)
{
    const char *login = ldirectord_value(source->section, "login", NULL);
    struct lyd_node *sip = make(source, kind, check);
    char *uri = login ? import_text("sip:%s", login) : NULL;
    set(source, sip, "uri", uri);
    set(source, sip, "status-code", "200");
    if (!strcmp(source->section->service.protocol, "tcp"))
        set(source, sip, "transport", "tcp");
    free(uri);
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

/* A script in Perl is run by its interpreter; ldirectord would run it in itself. */
static void take_command(const struct source *source, bool perl, struct lyd_node *check)
{
    struct lyd_node *command = import_container(source->import, source->place, check, "command");
    char *line =
        import_need(strdup(ldirectord_value(source->section, "checkcommand", "/bin/true")));
    char *rest = line, *word;
    const char *leaf = perl ? "argument" : "path";
    if (perl)
        set(source, command, "path", "/usr/bin/perl");
    while ((word = strsep(&rest, " \t"))) {
        if (!*word)
            continue;
        set(source, command, leaf, word);
        leaf = "argument";
    }
    set(source, command, "arguments", perl ? "ldirectord-after" : "ldirectord");
    free(line);
}

/* What is left where a service cannot be asked: whether it is there. */
static const char *bare_type(const struct section *section)
{
    return strcmp(section->service.protocol, "udp") ? "tcp" : "ping";
}

/* 'checktype=N': so many connections between two that ask the service. */
static long connections_of(const char *type)
{
    return isdigit((unsigned char)*type) ? atol(type) : 0;
}

static bool negotiates(const char *type)
{
    return !strcmp(type, "negotiate") || isdigit((unsigned char)*type);
}

static void add_check(const struct source *source, const char *type, struct lyd_node *health)
{
    const struct section *section = source->section;
    const struct kind *kind = negotiates(type) ? kind_of(section) : NULL;
    struct lyd_node *check =
        import_entry(source->import, source->place, health, "check", "service", NULL);
    if (!check)
        return;
    if (kind && !kind->take)
        import_left(source->import, source->place,
                    "service %s: only whether it is there is checked; a command can ask it",
                    kind->name);
    if (kind && (kind->take == take_sql || kind->take == take_radius) &&
        !ldirectord_setting(section, kind->take == take_sql ? "login" : "secret")) {
        import_left(source->import, source->place,
                    "service %s: without a login or secret, only whether it is there is checked",
                    kind->name);
        kind = NULL;
    }
    if (connections_of(type))
        import_number(source->import, source->place, check, "delay-loop",
                      atol(ldirectord_value(section, "checkinterval", "10")) *
                          (connections_of(type) + 1));
    if (kind && kind->take)
        kind->take(source, kind, check);
    else if (!strncmp(type, "external", strlen("external")))
        take_command(source, !strcmp(type, "external-perl"), check);
    else
        import_container(source->import, source->place, check,
                         strcmp(type, "ping") ? bare_type(section) : "ping");
    set(source, check, "connect-port", ldirectord_value(section, "checkport", NULL));
}

/* Of each of both times the other one is the default, and the virtual server's comes first. */
static const char *timeout_of(const struct section *section, bool negotiate)
{
    const char *const keys[] = {negotiate ? "negotiatetimeout" : "checktimeout",
                                negotiate ? "checktimeout" : "negotiatetimeout"};
    for (; section; section = section->all)
        for (size_t k = 0; k < 2; k++)
            for (size_t i = section->count; i > 0; i--)
                if (!strcmp(section->settings[i - 1].key, keys[k]))
                    return section->settings[i - 1].value;
    return negotiate ? "30" : "5";
}

/* Failures that are let pass; of pings each is several. */
static long retries_of(const struct section *section, const char *type)
{
    long failures = atol(ldirectord_value(section, "failurecount", "1"));
    long pings = strcmp(type, "ping") ? 1 : atol(ldirectord_value(section, "checkcount", "1"));
    failures = (failures > 0 ? failures : 1) * (pings > 0 ? pings : 1);
    return failures - 1;
}

/* checkinterval, and of what is said of times only what the kind of check has. */
static void set_times(const struct source *source, const char *type, struct lyd_node *health)
{
    const struct section *section = source->section;
    const char *interval = ldirectord_value(section, "checkinterval", "10");
    set(source, health, "delay-loop", interval);
    set(source, health, "delay-before-retry", interval);
    set(source, health, "timeout", timeout_of(section, negotiates(type)));
    import_number(source->import, source->place, health, "retry", retries_of(section, type));
    /* All are down to begin with, and checked at once. */
    set(source, health, "alpha", "true");
    set(source, health, "warmup", "0");
    if (!strcmp(ldirectord_value(section, "quiescent", "yes"), "yes"))
        set(source, health, "on-failure", "inhibit");
}

/* What is done between two that ask the service. */
static void add_connections(const struct source *source, struct lyd_node *health)
{
    struct lyd_node *check =
        import_entry(source->import, source->place, health, "check", "connect", NULL);
    if (!check)
        return;
    import_container(source->import, source->place, check, bare_type(source->section));
    set(source, check, "timeout", timeout_of(source->section, false));
    set(source, check, "connect-port", ldirectord_value(source->section, "checkport", NULL));
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
    bool unasked = service ? !strcmp(service->value, "none") : !kind_of(section);
    bool nothing = !strcmp(type, "on") || (unasked && !strcmp(type, "negotiate"));
    if (!strcmp(type, "off") || (nothing && !ldirectord_setting(section, "maintenancedir")))
        return false;
    struct lyd_node *health = import_container(import, place, server, "noria-health:health");
    set_times(&source, type, health);
    if (connections_of(type))
        add_connections(&source, health);
    if (!nothing && !(unasked && connections_of(type)))
        add_check(&source, type, health);
    return true;
}

static void add_file(struct import *import, const struct setting *folder, const char *name,
                     const char *file, struct lyd_node *health)
{
    struct lyd_node *check = import_entry(import, folder->place, health, "check", name, NULL);
    if (!check)
        return;
    struct lyd_node *watched = import_container(import, folder->place, check, "file");
    char *path = import_text("%s/%s", folder->value, file);
    import_leaf(import, folder->place, watched, "path", path);
    import_leaf(import, folder->place, watched, "absent", "true");
    import_number(import, folder->place, check, "retry", 0);
    free(path);
}

void ldirectord_maintenance(struct import *import, const struct section *section,
                            struct lyd_node *real)
{
    const struct setting *folder = ldirectord_setting(section, "maintenancedir");
    const char *address = lyd_get_value(import_find(real, "address"));
    if (!folder)
        return;
    struct lyd_node *health = import_container(import, folder->place, real, "noria-health:health");
    bool ipv6 = strchr(address, ':');
    char *host = import_text("%s%s%s", ipv6 ? "[" : "", address, ipv6 ? "]" : "");
    char *both = import_text("%s:%s", host, lyd_get_value(import_find(real, "port")));
    add_file(import, folder, "maintenance", host, health);
    add_file(import, folder, "maintenance-port", both, health);
    import_left(import, folder->place,
                "maintenancedir: files are named by addresses, not by names of hosts");
    free(both);
    free(host);
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
