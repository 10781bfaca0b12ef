/*
 * The configuration file of ldirectord(8).
 */
#include "clients/import/ldirectord.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"

enum { RANGE_MAX = 1024 };

/* What keys mean that are not dealt with one by one; "": they are dealt with. */
static const char *why_left(const char *key)
{
    static const char *const left[][2] = {
        {"autoreload", "a commit is what changes Noria's configuration"},
        {"callback", "subscribe to netconf-config-change, which tells of every commit"},
        {"cleanstop", "Noria leaves the table as it is when it ends; ipvsadm -C clears it"},
        {"execute", "import the other file, too"},
        {"fork", "all checks run at once, in one process"},
        {"load", "ldirectord itself makes nothing of it"},
        {"logfile", "Noria logs to standard error; systemd keeps that"},
        {"monitorfile",
         "each change is in the log, in health/status and on a notify-fifo; -d health "
         "logs each check"},
        {"readdquiescent",
         "to disable a real server by hand, say enabled false, or order force-down"},
        {"supervised", "noriad never goes into the background"},
    };
    static const char *const known[] = {"emailalertstatus",
                                        "checkcount",
                                        "maintenancedir",
                                        "schedflags",
                                        "emailalert",
                                        "emailalertfrom",
                                        "smtp",
                                        "emailalertfreq",
                                        "fallbackcommand",
                                        "real",
                                        "real6",
                                        "virtual",
                                        "virtual6",
                                        "fallback",
                                        "fallback6",
                                        "scheduler",
                                        "netmask",
                                        "persistent",
                                        "protocol",
                                        "ops",
                                        "quiescent",
                                        "checktype",
                                        "checkport",
                                        "checktimeout",
                                        "checkinterval",
                                        "negotiatetimeout",
                                        "checkcommand",
                                        "failurecount",
                                        "service",
                                        "request",
                                        "receive",
                                        "httpmethod",
                                        "virtualhost",
                                        "login",
                                        "passwd",
                                        "database",
                                        "secret",
                                        "servicename",
                                        "comment"};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (!strcmp(key, known[i]))
            return "";
    for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
        if (!strcmp(key, left[i][0]))
            return left[i][1];
    return "Noria has nothing like it";
}

static void set(struct import *import, const struct section *section, const char *key,
                struct lyd_node *node, const char *leaf)
{
    const struct setting *setting = ldirectord_setting(section, key);
    if (setting)
        import_leaf(import, setting->place, node, leaf, setting->value);
}

static const char *method_of(const char *word)
{
    static const char *const methods[][2] = {{"gate", "dr"}, {"masq", "nat"}, {"ipip", "tun"}};
    for (size_t i = 0; word && i < 3; i++)
        if (!strcmp(word, methods[i][0]))
            return methods[i][1];
    return NULL;
}

/* The next word of a value, or what is in quotes; they are overwritten. NULL at the end. */
static char *next_word(char **rest)
{
    char *from = *rest + strspn(*rest, " \t,");
    if (!*from)
        return NULL;
    bool quoted = *from == '"' || *from == '\'';
    char *end = quoted ? strchr(from + 1, *from) : from + strcspn(from, " \t,");
    if (!end)
        end = from + strlen(from);
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return from + quoted;
}

/* One real server; 'rest' is what follows its address. */
static void make_real(struct import *import, const struct section *section,
                      const struct setting *setting, struct service *real, char *rest,
                      struct lyd_node *server)
{
    char *word = next_word(&rest), *texts[2] = {NULL};
    const char *method = method_of(word);
    size_t count = 0;
    /* Only nat changes ports, so ldirectord takes the virtual server's otherwise. */
    bool mapped = !method || !strcmp(method, "nat") || section->service.mark[0];
    struct lyd_node *node =
        import_entry(import, setting->place, server, "real-server", real->address,
                     mapped ? real->port : section->service.port);
    if (!node)
        return;
    if (method)
        import_leaf(import, setting->place, node, "forwarding-method", method);
    else
        import_left(import, setting->place, "real: gate, masq or ipip is missing");
    while ((word = next_word(&rest))) {
        if (!strncmp(word, "l:", 2) || !strncmp(word, "u:", 2))
            import_leaf(import, setting->place, node,
                        *word == 'l' ? "lower-threshold" : "upper-threshold", word + 2);
        else if (!count && !texts[0] && isdigit((unsigned char)*word) &&
                 !import_find(node, "weight"))
            import_leaf(import, setting->place, node, "weight", word);
        else if (count < 2)
            texts[count++] = word;
        else
            import_left(import, setting->place, "real: %s is not understood", word);
    }
    if (!strcmp(ldirectord_value(section, "checktype", ""), "off"))
        import_leaf(import, setting->place, node, "enabled", "false");
    else if (count && import_find(import_find(server, "health"), "check"))
        ldirectord_own_check(import, setting->place, section, texts[0], texts[1], node);
    if (import_find(server, "health"))
        ldirectord_maintenance(import, section, node);
}

/* "192.0.2.1->192.0.2.9:80 gate": each of them. */
static void take_range(struct import *import, const struct section *section,
                       const struct setting *setting, const char *first, const char *last,
                       const char *rest, struct lyd_node *server)
{
    struct in_addr from, to;
    struct service end;
    if (inet_pton(AF_INET, first, &from) != 1 || !service_of_text(&end, "tcp", last) ||
        inet_pton(AF_INET, end.address, &to) != 1 || ntohl(to.s_addr) < ntohl(from.s_addr) ||
        ntohl(to.s_addr) - ntohl(from.s_addr) >= RANGE_MAX) {
        import_left(import, setting->place, "real: not a range of IPv4 addresses");
        return;
    }
    for (uint32_t at = ntohl(from.s_addr); at <= ntohl(to.s_addr); at++) {
        struct in_addr address = {htonl(at)};
        struct service real = end;
        char *copy = import_need(strdup(rest));
        inet_ntop(AF_INET, &address, real.address, sizeof(real.address));
        make_real(import, section, setting, &real, copy, server);
        free(copy);
        if (at == UINT32_MAX)
            return;
    }
}

static void take_real(struct import *import, const struct section *section,
                      const struct setting *setting, struct lyd_node *server)
{
    char *line = import_need(strdup(setting->value)), *rest = line;
    char *address = next_word(&rest), *arrow = address ? strstr(address, "->") : NULL;
    struct service real;
    if (arrow) {
        *arrow = '\0';
        take_range(import, section, setting, address, arrow + 2, rest, server);
    } else if (!address || !service_of_text(&real, "tcp", address)) {
        import_left(import, setting->place,
                    "%s: not an address and a port; names of hosts and "
                    "services are not looked up",
                    setting->key);
    } else {
        make_real(import, section, setting, &real, rest, server);
    }
    free(line);
}

static void take_fallback(struct import *import, const struct section *section,
                          struct lyd_node *server)
{
    bool ipv6 = service_is_ipv6(&section->service);
    const struct setting *setting = ldirectord_setting(section, ipv6 ? "fallback6" : "fallback");
    struct service sorry;
    if (!setting)
        return;
    char *line = import_need(strdup(setting->value)), *rest = line;
    char *address = next_word(&rest);
    const char *method = method_of(next_word(&rest));
    struct lyd_node *node = NULL;
    if (!address || !service_of_text(&sorry, "tcp", address))
        import_left(import, setting->place, "%s: not an address and a port", setting->key);
    else
        node = import_entry(import, setting->place, server, "sorry-server", sorry.address,
                            !strcmp(sorry.port, "0") || (method && strcmp(method, "nat"))
                                ? section->service.port[0] ? section->service.port : "0"
                                : sorry.port);
    if (node)
        import_leaf(import, setting->place, node, "forwarding-method", method ? method : "nat");
    free(line);
}

static void take_persistence(struct import *import, const struct section *section,
                             struct lyd_node *server)
{
    const struct setting *mask = ldirectord_setting(section, "netmask");
    if (!ldirectord_setting(section, "persistent"))
        return;
    set(import, section, "persistent", server, "persistence/timeout");
    int length = mask ? service_prefix_length(mask->value) : 0;
    if (length < 0)
        import_left(import, mask->place, "netmask: not a mask");
    else if (mask)
        import_number(import, mask->place, server, "persistence/prefix-length", length);
}

/* "NAME: COMMENT" */
static void take_description(struct import *import, const struct section *section,
                             struct lyd_node *server)
{
    const struct setting *name = ldirectord_setting(section, "servicename");
    const struct setting *comment = ldirectord_setting(section, "comment");
    const struct setting *last = comment ? comment : name;
    if (!last)
        return;
    char *text = import_text("%s%s%s", name ? name->value : "", name && comment ? ": " : "",
                             comment ? comment->value : "");
    import_leaf(import, last->place, server, "description", text);
    free(text);
}

/* "sh-fallback,sh-port" */
static void take_flags(struct import *import, const struct section *section,
                       struct lyd_node *server)
{
    const struct setting *flags = ldirectord_setting(section, "schedflags");
    char *copy = flags ? import_need(strdup(flags->value)) : NULL, *rest = copy, *word;
    char *bits = import_text("%s", "");
    while (copy && (word = strsep(&rest, ","))) {
        const char *bit = service_scheduler_flag(word);
        if (!bit)
            import_left(import, flags->place, "schedflags: %s is not known", word);
        if (!bit || strstr(bits, bit))
            continue;
        char *more = import_text("%s%s%s", bits, *bits ? " " : "", bit);
        free(bits);
        bits = more;
    }
    if (*bits)
        import_leaf(import, flags->place, server, "scheduler-flags", bits);
    free(bits);
    free(copy);
}

static bool find_service(struct section *section, const struct setting *virtual)
{
    const char *protocol = ldirectord_value(section, "protocol", NULL);
    if (!strpbrk(virtual->value, ".:"))
        return service_of_mark(&section->service, virtual->value,
                               !strcmp(virtual->key, "virtual6"));
    if (!service_of_text(&section->service, "tcp", virtual->value))
        return false;
    if (!protocol)
        protocol = strcmp(section->service.port, "53") ? "tcp" : "udp";
    if (strcmp(protocol, "tcp") && strcmp(protocol, "udp"))
        return false;
    return service_of_text(&section->service, protocol, virtual->value);
}

static void note_left(struct import *import, const struct section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        const char *why = why_left(section->settings[i].key);
        if (*why)
            import_left(import, section->settings[i].place, "%s: %s", section->settings[i].key,
                        why);
    }
}

static void take_section(struct import *import, struct section *section)
{
    const struct setting *virtual = &section->settings[0];
    note_left(import, section);
    if (!find_service(section, virtual)) {
        import_left(import, virtual->place,
                    "%s: left out; it is no address and port of tcp or udp, and no mark; names are "
                    "not looked up",
                    virtual->key);
        return;
    }
    struct lyd_node *server = service_make(import, virtual->place, &section->service, NULL);
    if (!server)
        return;
    import_leaf(import, virtual->place, server, "scheduler",
                ldirectord_value(section, "scheduler", "wrr"));
    take_description(import, section, server);
    take_flags(import, section, server);
    if (!strcmp(ldirectord_value(section, "ops", "no"), "yes"))
        import_leaf(import, virtual->place, server, "one-packet", "true");
    take_persistence(import, section, server);
    ldirectord_health(import, virtual->place, section, server);
    for (size_t i = 0; i < section->count; i++)
        if (!strcmp(section->settings[i].key, "real") || !strcmp(section->settings[i].key, "real6"))
            take_real(import, section, &section->settings[i], server);
    if (strcmp(ldirectord_value(section, "checktype", ""), "off") != 0)
        take_fallback(import, section, server);
    ldirectord_tell(import, section, server);
}

/* Sections. */

static void add_setting(struct section *section, struct place place, char *key, char *value)
{
    char quote = *value;
    size_t length = strlen(value);
    if (length > 1 && (quote == '"' || quote == '\'') &&
        strchr(value + 1, quote) == value + length - 1) {
        value[length - 1] = '\0';
        value++;
    }
    if (!array_grow(&section->settings, section->count, &section->room, sizeof(struct setting)))
        import_need(NULL);
    section->settings[section->count++] = (struct setting){
        .place = place, .key = import_need(strdup(key)), .value = import_need(strdup(value))};
}

static void empty(struct section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        free(section->settings[i].key);
        free(section->settings[i].value);
    }
    section->count = 0;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/*
 * A line "KEY = VALUE": of the settings of all, in a first pass, as they hold wherever they stand;
 * or, where there is a section, of virtual servers. @return false if it is another one.
 */
static bool take_line(struct import *import, struct place place, char *line, struct section *all,
                      struct section *section)
{
    char *equals;
    bool indented = *line == '\t' || !strncmp(line, "    ", 4);
    if (indented) /* where a comment may follow, whatever is in quotes */
        line[strcspn(line, "#")] = '\0';
    equals = strchr(line, '=');
    if (!equals)
        return false;
    *equals = '\0';
    char *key = trim(line), *value = trim(equals + 1);
    bool begins = !strcmp(key, "virtual") || !strcmp(key, "virtual6");
    bool of_all = !begins && !indented;
    if (!section) {
        if (of_all)
            add_setting(all, place, key, value);
        return true;
    }
    if (begins || of_all) {
        if (section->count)
            take_section(import, section);
        empty(section);
    }
    if (indented && !begins && !section->count)
        import_left(import, place, "%s: it is in no virtual server", key);
    else if (!of_all)
        add_setting(section, place, key, value);
    return true;
}

static void read_lines(struct import *import, const char *text, struct place place,
                       struct section *all, struct section *section)
{
    char *copy = import_need(strdup(text)), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        place.line++;
        const char *first = line + strspn(line, " \t\r");
        if (*first && *first != '#' && !take_line(import, place, line, all, section) && section)
            import_left(import, place, "not understood: it is no KEY = VALUE");
    }
    free(copy);
}

enum outcome import_ldirectord(struct import *import, const char *text, const char *file,
                               struct error *err)
{
    struct place place = {.file = import_file(import, file)};
    struct section all = {0}, section = {.all = &all};
    read_lines(import, text, place, &all, NULL);
    read_lines(import, text, place, &all, &section);
    if (section.count)
        take_section(import, &section);
    note_left(import, &all);
    empty(&section);
    empty(&all);
    free(section.settings);
    free(all.settings);
    return DONE;
}
