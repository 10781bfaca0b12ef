/*
 * noria-import: other programs' files become a configuration of Noria.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/import.h"

#define STANDARD_YANG_DIRS                                                                         \
    "/usr/share/yang/modules/libyang:/usr/share/yuma/modules/ietf:/usr/share/yuma/modules/iana:"   \
    "/usr/share/yuma/modules/ietf-derived:/usr/share/yuma/modules/netconfcentral"

enum status { ALL = 0, SYNTAX = 1, USAGE = 2, SOME_LEFT = 3 };

static const struct format {
    const char *name;
    enum outcome (*read)(struct import *, const char *text, const char *file, struct error *);
    bool from_stdin;
} formats[] = {
    {"keepalived", import_keepalived, false},
    {"ldirectord", import_ldirectord, false},
    {"ipvsadm", import_ipvsadm, true},
};

struct options {
    const struct format *format;
    const char *file, *yang_dirs, *config_id;
    LYD_FORMAT output;
};

static void print_help(void)
{
    printf(
        "Usage: noria-import [OPTION]... keepalived FILE\n"
        "       noria-import [OPTION]... ldirectord FILE\n"
        "       noria-import [OPTION]... ipvsadm [FILE]\n"
        "Read another program's configuration, and write it as one of Noria to standard output.\n"
        "\n"
        "  keepalived FILE        keepalived.conf(5) and the files that it includes\n"
        "  ldirectord FILE        the configuration file of ldirectord(8)\n"
        "  ipvsadm [FILE]         the output of 'ipvsadm -Sn'; without FILE, standard input\n"
        "\n"
        "  -i, --config-id ID     keepalived's: lines that begin with @ID hold\n"
        "      --format FORMAT    xml (default) or json\n"
        "      --yang-dirs DIRS   folders with YANG modules, with colons between them\n"
        "  -h, --help             this text\n"
        "  -V, --version          name and version\n"
        "\n"
        "What cannot be carried over is listed on standard error, with file and line.\n"
        "The exit status is 0 if all was carried over, 3 if something was left, 1 if a file\n"
        "cannot be read or understood, 2 if the command line is wrong. See noria-import(8).\n");
}

static int wrong(const char *what, const char *which)
{
    fprintf(stderr, "noria-import: %s%s; see noria-import --help\n", what, which);
    return USAGE;
}

/* @return A status, or -1 to go on. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"config-id", required_argument, NULL, 'i'}, {"format", required_argument, NULL, 'f'},
        {"yang-dirs", required_argument, NULL, 'y'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "i:hV", names, NULL)) != -1) {
        if (option == 'h')
            return print_help(), ALL;
        if (option == 'V')
            return printf("noria-import " NORIA_VERSION "\n"), ALL;
        if (option == 'i')
            options->config_id = optarg;
        else if (option == 'y')
            options->yang_dirs = optarg;
        else if (option == 'f' && (!strcmp(optarg, "xml") || !strcmp(optarg, "json")))
            options->output = optarg[0] == 'x' ? LYD_XML : LYD_JSON;
        else
            return option == 'f' ? wrong("there is no format ", optarg) : wrong("wrong option", "");
    }
    if (optind == argc)
        return wrong("name what is to be imported: keepalived, ldirectord or ipvsadm", "");
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        if (!strcmp(argv[optind], formats[i].name))
            options->format = &formats[i];
    if (!options->format)
        return wrong("nothing is known of ", argv[optind]);
    options->file = argc > optind + 1 ? argv[optind + 1] : NULL;
    if (argc > optind + 2)
        return wrong("there are too many files: ", argv[optind + 2]);
    if (!options->file && !options->format->from_stdin)
        return wrong("name a file", "");
    return -1;
}

static char *read_all(FILE *stream)
{
    size_t length = 0, room = 1 << 16, got;
    char *text = import_need(malloc(room));
    while ((got = fread(text + length, 1, room - length - 1, stream)) > 0) {
        length += got;
        if (room - length < 2)
            text = import_need(realloc(text, room *= 2));
    }
    text[length] = '\0';
    return text;
}

static char *read_input(const struct options *options)
{
    if (!options->file || !strcmp(options->file, "-"))
        return read_all(stdin);
    FILE *stream = fopen(options->file, "re");
    char *text = stream ? read_all(stream) : NULL;
    if (!stream || ferror(stream)) {
        fprintf(stderr, "noria-import: cannot read %s: %s\n", options->file, strerror(errno));
        free(text);
        text = NULL;
    }
    if (stream)
        fclose(stream);
    return text;
}

static struct schema *load(const char *dirs, struct error *err)
{
    const char *search[32] = {NULL};
    char *copy = import_need(strdup(dirs)), *rest = copy, *dir;
    struct schema *schema = NULL;
    for (size_t i = 0; i < 31 && (dir = strsep(&rest, ":")); i++)
        search[i] = dir;
    if (schema_load(search, false, &schema, err) != DONE)
        schema = NULL;
    free(copy);
    return schema;
}

static int run(const struct options *options, const struct schema *schema, const char *text)
{
    struct import import;
    struct error err = {0};
    int status = SYNTAX;
    import_begin(&import, schema);
    import.config_id = options->config_id;
    const char *file = options->file ? options->file : "standard input";
    enum outcome outcome = options->format->read(&import, text, file, &err);
    if (outcome == DONE)
        outcome = import_finish(&import, &err);
    for (size_t i = 0; i < import.leftover_count; i++)
        fprintf(stderr, "%s:%u: %s\n", import.leftovers[i].place.file,
                import.leftovers[i].place.line, import.leftovers[i].text);
    if (outcome != DONE)
        fprintf(stderr, "%s%s%s\n", err.path ? err.path : "", err.path ? ": " : "",
                error_message(&err));
    else if (lyd_print_file(stdout, import.tree, options->output, LYD_PRINT_WITHSIBLINGS) ||
             fflush(stdout))
        fprintf(stderr, "noria-import: cannot write: %s\n", strerror(errno));
    else
        status = import.leftover_count ? SOME_LEFT : ALL;
    error_clear(&err);
    import_end(&import);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.yang_dirs = NORIA_YANG_DIR ":" STANDARD_YANG_DIRS,
                              .output = LYD_XML};
    struct error err = {0};
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    status = SYNTAX;
    char *text = read_input(&options);
    struct schema *schema = text ? load(options.yang_dirs, &err) : NULL;
    if (schema)
        status = run(&options, schema, text);
    else if (text)
        fprintf(stderr, "noria-import: %s\n", error_message(&err));
    error_clear(&err);
    schema_free(schema);
    free(text);
    return status;
}
