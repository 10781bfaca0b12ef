/*
 * The output of ipvsadm -Sn: a command a line.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/import.h"
#include "clients/import/service.h"

enum { WORDS = 64 };

/* One line, and what its options have said so far. */
struct command {
    struct import *import;
    struct place place;
    char *words[WORDS];
    int count, at;
    char kind; /* A, a, S (--set), D (--start-daemon), or 0 */
    struct service service;
    const char *real;
    bool ipv6;
    struct lyd_node *node; /* the virtual server or the real server */
};

static char *next_word(struct command *command)
{
    return command->at < command->count ? command->words[command->at++] : NULL;
}

/* The argument of an option; "" if there is none. */
static const char *argument(struct command *command)
{
    const char *word = next_word(command);
    return word ? word : "";
}

static bool next_is_number(const struct command *command)
{
    return command->at < command->count && isdigit((unsigned char)command->words[command->at][0]);
}

static void set(struct command *command, const char *leaf, const char *value)
{
    import_leaf(command->import, command->place, command->node, leaf, value);
}

static void take_flags(struct command *command)
{
    char *flags = import_need(strdup(argument(command))), *rest = NULL,
         *bits = import_text("%s", "");
    for (char *flag = strtok_r(flags, ",", &rest); flag; flag = strtok_r(NULL, ",", &rest)) {
        const char *bit = service_scheduler_flag(flag);
        if (!bit) {
            import_left(command->import, command->place, "-b %s: an unknown flag", flag);
            continue;
        }
        char *more = import_text("%s%s%s", bits, *bits ? " " : "", bit);
        free(bits);
        bits = more;
    }
    if (*bits)
        set(command, "scheduler-flags", bits);
    free(bits);
    free(flags);
}

static void take_persistence(struct command *command)
{
    import_container(command->import, command->place, command->node, "persistence");
    if (next_is_number(command))
        set(command, "persistence/timeout", argument(command));
}

static void take_mask(struct command *command)
{
    const char *mask = argument(command);
    int length = service_prefix_length(mask);
    if (length < 0)
        import_left(command->import, command->place, "-M %s: not a network mask", mask);
    else if (length != 32 || command->ipv6 || service_is_ipv6(&command->service)) {
        if (length != 128)
            import_number(command->import, command->place, command->node,
                          "persistence/prefix-length", length);
    }
}

struct option_of {
    const char *brief, *full;
    const char *leaf;  /* takes the argument, if not NULL */
    const char *value; /* instead of an argument */
    void (*take)(struct command *command);
};

static const struct option_of service_options[] = {
    {"-s", "--scheduler", "scheduler"},
    {"-b", "--sched-flags", NULL, NULL, take_flags},
    {"-p", "--persistent", NULL, NULL, take_persistence},
    {"-M", "--netmask", NULL, NULL, take_mask},
    {"-o", "--ops", "one-packet", "true"},
    {"", "--pe", "persistence/engine"},
};

static const struct option_of real_options[] = {
    {"-m", "--masquerading", "forwarding-method", "nat"},
    {"-g", "--gatewaying", "forwarding-method", "dr"},
    {"-i", "--ipip", "forwarding-method", "tun"},
    {"-w", "--weight", "weight"},
    {"-x", "--u-threshold", "upper-threshold"},
    {"-y", "--l-threshold", "lower-threshold"},
    {"", "--tun-type", "tunnel/type"},
    {"", "--tun-port", "tunnel/port"},
    {"", "--tun-nocsum", "tunnel/checksum", "none"},
    {"", "--tun-csum", "tunnel/checksum", "full"},
    {"", "--tun-remcsum", "tunnel/checksum", "remote"},
};

static bool take_option(struct command *command, const char *word)
{
    bool real = command->kind == 'a';
    const struct option_of *options = real ? real_options : service_options;
    size_t count = real ? sizeof(real_options) / sizeof(*real_options)
                        : sizeof(service_options) / sizeof(*service_options);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, options[i].brief) && strcmp(word, options[i].full))
            continue;
        if (options[i].take)
            options[i].take(command);
        else
            set(command, options[i].leaf, options[i].value ? options[i].value : argument(command));
        return true;
    }
    return false;
}

static bool is(const char *word, const char *brief, const char *full)
{
    return !strcmp(word, brief) || !strcmp(word, full);
}

/* What says which virtual server, and which real server: the options come in any order. */
static bool find_subject(struct command *command)
{
    const char *what = NULL, *spec = NULL;
    for (int i = command->at; i < command->count; i++) {
        const char *word = command->words[i];
        const char *next = i + 1 < command->count ? command->words[i + 1] : "";
        if (is(word, "-6", "--ipv6"))
            command->ipv6 = true;
        else if (is(word, "-r", "--real-server"))
            command->real = next;
        else if (is(word, "-t", "--tcp-service") || is(word, "-u", "--udp-service") ||
                 !strcmp(word, "--sctp-service") || is(word, "-f", "--fwmark-service")) {
            what = word;
            spec = next;
        }
    }
    if (!what)
        return false;
    if (is(what, "-f", "--fwmark-service"))
        return service_of_mark(&command->service, spec, command->ipv6);
    const char *protocol = is(what, "-t", "--tcp-service")   ? "tcp"
                           : is(what, "-u", "--udp-service") ? "udp"
                                                             : "sctp";
    return service_of_text(&command->service, protocol, spec);
}

static void take_rest(struct command *command)
{
    static const char *const subjects[] = {
        "-t", "--tcp-service",    "-u", "--udp-service", "--sctp-service",
        "-f", "--fwmark-service", "-r", "--real-server"};
    const char *word;
    while ((word = next_word(command))) {
        bool known = is(word, "-6", "--ipv6");
        for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects) && !known; i++)
            if ((known = !strcmp(word, subjects[i])))
                argument(command);
        if (!known && !take_option(command, word))
            import_left(command->import, command->place, "%s: an option that is not known", word);
    }
}

static void take_service(struct command *command)
{
    command->node = service_make(command->import, command->place, &command->service, NULL);
    if (command->node)
        take_rest(command);
}

static void take_real(struct command *command)
{
    struct service real = {0};
    struct lyd_node *server = service_find(command->import, &command->service);
    if (!server)
        import_left(command->import, command->place,
                    "-a: its virtual server is not in front of it, or was left out");
    else if (!command->real || !service_of_text(&real, "tcp", command->real))
        import_left(command->import, command->place,
                    "-r %s: not an address and a port (use ipvsadm -Sn)",
                    command->real ? command->real : "");
    else
        command->node = import_entry(command->import, command->place, server, "real-server",
                                     real.address, real.port);
    if (!command->node)
        return;
    set(command, "forwarding-method", "dr"); /* as ipvsadm has it */
    take_rest(command);
}

static void take_timeouts(struct command *command)
{
    static const char *const leaves[] = {"timeouts/tcp", "timeouts/tcp-fin", "timeouts/udp"};
    command->node = service_main_director(command->import, command->place);
    for (size_t i = 0; i < 3; i++) {
        const char *value = argument(command);
        if (strcmp(value, "0")) /* as it is */
            set(command, leaves[i], value);
    }
}

static void take_daemon(struct command *command)
{
    static const struct option_of options[] = {
        {"", "--mcast-interface", "interface"}, {"", "--syncid", "sync-id"},
        {"", "--sync-maxlen", "max-length"},    {"", "--mcast-group", "multicast-group"},
        {"", "--mcast-port", "port"},           {"", "--mcast-ttl", "ttl"},
    };
    const char *state = argument(command), *word;
    if (strcmp(state, "master") && strcmp(state, "backup")) {
        import_left(command->import, command->place, "--start-daemon %s: master or backup", state);
        return;
    }
    struct lyd_node *main = service_main_director(command->import, command->place);
    struct lyd_node *above = import_container(command->import, command->place, main, "sync-daemon");
    command->node = import_container(command->import, command->place, above, state);
    while ((word = next_word(command))) {
        size_t i = 0, count = sizeof(options) / sizeof(*options);
        while (i < count && strcmp(word, options[i].full))
            i++;
        if (i < count)
            set(command, options[i].leaf, argument(command));
        else
            import_left(command->import, command->place, "%s: an option that is not known", word);
    }
}

/* Cut a line at blanks and at the '=' of long options; quotes hold together. It is overwritten. */
static void cut(struct command *command, char *line)
{
    char *to = line;
    while (command->count < WORDS) {
        while (isspace((unsigned char)*line))
            line++;
        if (!*line)
            return;
        char quote = '\0', *begin = to;
        bool full = line[0] == '-' && line[1] == '-';
        for (; *line && (quote || !isspace((unsigned char)*line)); line++) {
            if (quote ? *line == quote : *line == '"' || *line == '\'')
                quote = quote ? '\0' : *line;
            else if (full && *line == '=')
                break;
            else
                *to++ = *line;
        }
        if (*line)
            line++;
        *to++ = '\0';
        command->words[command->count++] = begin;
    }
}

static void take_line(struct import *import, struct place place, char *line)
{
    struct command command = {.import = import, .place = place};
    cut(&command, line);
    if (command.count &&
        (!strcmp(command.words[0], "ipvsadm") || !strcmp(command.words[0], "/sbin/ipvsadm") ||
         !strcmp(command.words[0], "/usr/sbin/ipvsadm")))
        command.at = 1;
    const char *word = next_word(&command);
    if (!word || word[0] == '#')
        return;
    if (command.count == WORDS)
        import_left(import, place, "%s: the line has too many words", word);
    else if (is(word, "-A", "--add-service") || is(word, "-a", "--add-server")) {
        bool real = is(word, "-a", "--add-server");
        command.kind = real ? 'a' : 'A';
        if (!find_subject(&command))
            import_left(import, place, "%s: no address and port (use ipvsadm -Sn), and no mark",
                        word);
        else
            real ? take_real(&command) : take_service(&command);
    } else if (!strcmp(word, "--set"))
        take_timeouts(&command);
    else if (!strcmp(word, "--start-daemon"))
        take_daemon(&command);
    else if (!is(word, "-C", "--clear") || import->tree) /* the table is empty to begin with */
        import_left(import, place, "%s: not a command that adds something", word);
}

enum outcome import_ipvsadm(struct import *import, const char *text, const char *file,
                            struct error *err)
{
    struct place place = {.file = import_file(import, file)};
    char *copy = import_need(strdup(text)), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        place.line++;
        take_line(import, place, line);
    }
    free(copy);
    return DONE;
}
