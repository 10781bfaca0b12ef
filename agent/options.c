/*
 * The command line.
 */
#include "agent/options.h"

#include <getopt.h>
#include <libyang/version.h>
#include <stdio.h>
#include <string.h>

#include "agent/log.h"

#define STANDARD_YANG_DIRS                                                                         \
    "/usr/share/yang/modules/libyang:/usr/share/yuma/modules/ietf:/usr/share/yuma/modules/iana:"   \
    "/usr/share/yuma/modules/ietf-derived:/usr/share/yuma/modules/netconfcentral"

enum long_only {
    OPTION_YANG_DIRS = 256,
    OPTION_CHECK,
    OPTION_ADOPT,
    OPTION_NULL,
    OPTION_FROM_STARTUP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"state-dir", required_argument, NULL, 's'},
    {"run-dir", required_argument, NULL, 'r'},
    {"yang-dirs", required_argument, NULL, OPTION_YANG_DIRS},
    {"log-level", required_argument, NULL, 'l'},
    {"debug", required_argument, NULL, 'd'},
    {"from-startup", no_argument, NULL, OPTION_FROM_STARTUP},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"adopt", no_argument, NULL, OPTION_ADOPT},
    {"with-null-backend", optional_argument, NULL, OPTION_NULL},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    printf("Usage: noriad [OPTION]...\n"
           "Manage this node's virtual servers over NETCONF and SNMP.\n"
           "\n"
           "  -c, --config FILE      configuration to begin with where nothing is stored yet\n"
           "                         (default %s)\n"
           "  -s, --state-dir DIR    where the configuration and the host keys are kept\n"
           "                         (default %s)\n"
           "  -r, --run-dir DIR      where the local socket is made (default %s)\n"
           "      --yang-dirs DIRS   folders with YANG modules, with colons between them\n"
           "      --from-startup     begin with the startup datastore as the running one\n"
           "      --adopt            print what the kernel serves now as configuration and end\n"
           "      --check            validate the configuration file and end\n"
           "  -l, --log-level LEVEL  error, warning, notice (default), info or debug\n"
           "  -d, --debug AREAS      debug lines of some areas alone, with commas between them:\n"
           "                         %s, or all\n"
           "      --with-null-backend[=all]\n"
           "                         offer a backend that changes nothing (for tests); with all,\n"
           "                         virtual servers are its own, too, and reach no kernel\n"
           "  -h, --help             this text\n"
           "  -V, --version          name, version and libraries\n"
           "\n"
           "noriad runs in the foreground and ends on SIGTERM or SIGINT; virtual servers in the\n"
           "kernel go on. See noriad(8).\n",
           NORIA_CONFIG_FILE, NORIA_STATE_DIR, NORIA_RUN_DIR, log_area_names());
}

static void print_version(void)
{
    printf("noriad " NORIA_VERSION " (libyang " LY_VERSION ", libuv %s)\n", uv_version_string());
}

static bool set_level(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"error", LOG_LEVEL_ERROR},
                  {"warning", LOG_LEVEL_WARNING},
                  {"notice", LOG_LEVEL_NOTICE},
                  {"info", LOG_LEVEL_INFO},
                  {"debug", LOG_LEVEL_DEBUG}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
        if (!strcmp(levels[i].name, name)) {
            log_set_level(levels[i].level);
            return true;
        }
    }
    fprintf(stderr, "noriad: there is no log level '%s'; see noriad --help\n", name);
    return false;
}

static bool set_debug(const char *areas)
{
    if (log_set_debug(areas))
        return true;
    fprintf(stderr, "noriad: '%s' names an unknown area; there are: %s\n", areas, log_area_names());
    return false;
}

static bool set_null(const char *which, struct agent_options *options)
{
    options->null_backend = true;
    options->null_stand_ins = which;
    if (!which || !strcmp(which, "all"))
        return true;
    fprintf(stderr, "noriad: --with-null-backend=%s: the one word that it takes is all\n", which);
    return false;
}

static enum options_next wrong(void)
{
    fprintf(stderr, "noriad: see noriad --help\n");
    return OPTIONS_WRONG;
}

enum options_next options_read(int argc, char **argv, struct agent_options *options)
{
    *options = (struct agent_options){.config = NORIA_CONFIG_FILE,
                                      .state_dir = NORIA_STATE_DIR,
                                      .run_dir = NORIA_RUN_DIR,
                                      .yang_dirs = NORIA_YANG_DIR ":" STANDARD_YANG_DIRS};
    int option;
    while ((option = getopt_long(argc, argv, "c:s:r:l:d:hV", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 's':
            options->state_dir = optarg;
            break;
        case 'r':
            options->run_dir = optarg;
            break;
        case OPTION_YANG_DIRS:
            options->yang_dirs = optarg;
            break;
        case 'l':
            if (!set_level(optarg))
                return OPTIONS_WRONG;
            break;
        case 'd':
            if (!set_debug(optarg))
                return OPTIONS_WRONG;
            break;
        case OPTION_FROM_STARTUP:
            options->from_startup = true;
            break;
        case OPTION_CHECK:
            options->check = true;
            break;
        case OPTION_ADOPT:
            options->adopt = true;
            break;
        case OPTION_NULL:
            if (!set_null(optarg, options))
                return OPTIONS_WRONG;
            break;
        case 'h':
            print_help();
            return OPTIONS_DONE;
        case 'V':
            print_version();
            return OPTIONS_DONE;
        default:
            return wrong();
        }
    }
    if (optind == argc)
        return OPTIONS_RUN;
    fprintf(stderr, "noriad: '%s' is one word too many\n", argv[optind]);
    return wrong();
}
