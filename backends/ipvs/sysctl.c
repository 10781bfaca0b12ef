#include "backends/ipvs/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/ipvs/namespace.h"

#define FOLDER "/proc/sys/net/ipv4/vs/"
#define VALUE_SIZE 512 /* more than any value */

/* What is done on the thread that is in the namespace. */
struct visit {
    struct ipvs_settings *settings;
    const struct ipvs_settings *from, *to;
    bool go_on;
    size_t failed;
};

static int open_file(size_t parameter, int flags)
{
    const struct ipvs_parameter *p = &ipvs_parameters[parameter];
    char path[128];
    int length = snprintf(path, sizeof path, FOLDER "%s", p->file ? p->file : p->name);
    for (int i = 0; i < length; i++)
        if (path[i] == '-')
            path[i] = '_';
    return open(path, flags | O_CLOEXEC);
}

/* The number at a place, or the whole value. */
static char *pick(const char *value, const struct ipvs_parameter *parameter)
{
    const char *word = value + strspn(value, " \t");
    if (!parameter->file)
        return strndup(value, strcspn(value, "\n"));
    if (parameter->place == 1) {
        word += strcspn(word, " \t");
        word += strspn(word, " \t");
    }
    return strndup(word, strcspn(word, " \t\n"));
}

static int read_one(size_t parameter, char **result)
{
    char value[VALUE_SIZE];
    int fd = open_file(parameter, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    ssize_t length = read(fd, value, sizeof value - 1);
    int error = length < 0 ? errno : 0;
    close(fd);
    if (error)
        return error;
    value[length] = '\0';
    *result = pick(value, &ipvs_parameters[parameter]);
    return *result ? 0 : ENOMEM;
}

static int read_all(void *arg)
{
    struct visit *visit = arg;
    int error = 0;
    for (size_t i = 0; i < IPVS_PARAMETERS && !error; i++)
        error = read_one(i, &visit->settings->parameters[i]);
    return error;
}

int ipvs_sysctl_read(const char *path, struct ipvs_settings *settings)
{
    struct visit visit = {.settings = settings};
    int result = 0, error = ipvs_namespace_run(path, read_all, &visit, &result);
    return error ? error : result;
}

static int write_one(size_t parameter, const struct ipvs_settings *to)
{
    char value[VALUE_SIZE];
    int length = ipvs_parameters[parameter].file
                     ? snprintf(value, sizeof value, "%s %s\n", to->parameters[parameter],
                                to->parameters[parameter + 1])
                     : snprintf(value, sizeof value, "%s\n", to->parameters[parameter]);
    int fd = open_file(parameter, O_WRONLY);
    if (fd < 0)
        return errno;
    int error = write(fd, value, (size_t)length) < 0 ? errno : 0;
    close(fd);
    return error;
}

static int write_all(void *arg)
{
    struct visit *visit = arg;
    int first = 0;
    for (size_t i = 0; i < IPVS_PARAMETERS && (!first || visit->go_on); i++) {
        size_t size = ipvs_parameters[i].file ? 2 : 1, at = i;
        bool same = true;
        for (size_t j = 0; j < size; j++)
            same = same && ipvs_parameter_same(at + j, visit->from->parameters[at + j],
                                               visit->to->parameters[at + j]);
        i += size - 1;
        int error = same ? 0 : write_one(at, visit->to);
        if (error && !first) {
            first = error;
            visit->failed = at;
        }
    }
    return first;
}

int ipvs_sysctl_write(const char *path, const struct ipvs_settings *from,
                      const struct ipvs_settings *to, bool go_on, size_t *failed)
{
    struct visit visit = {.from = from, .to = to, .go_on = go_on};
    int result = 0, error = ipvs_namespace_run(path, write_all, &visit, &result);
    *failed = visit.failed;
    return error ? error : result;
}
