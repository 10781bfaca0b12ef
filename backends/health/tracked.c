#include "backends/health/tracked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of a name in /proc/PID/comm. */
#define NAME_MAX_SHOWN 15

bool tracked_number(const char *text, size_t size, int64_t *number)
{
    static const char blanks[] = " \t\r\n";
    char copy[64], *end;
    if (size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    const char *begin = copy + strspn(copy, blanks);
    *number = 0;
    if (strlen(copy) == size && !*begin)
        return true;
    errno = 0;
    *number = strtoll(begin, &end, 10);
    return end != begin && end + strspn(end, blanks) == copy + size && errno != ERANGE;
}

int32_t tracked_product(int64_t number, int32_t weight, bool reverse)
{
    int64_t most = number > TRACKED_MAX ? TRACKED_MAX : number;
    most = most < -TRACKED_MAX ? -TRACKED_MAX : most;
    most *= reverse ? -(int64_t)weight : weight;
    most = most > TRACKED_MAX ? TRACKED_MAX : most;
    return (int32_t)(most < -TRACKED_MAX ? -TRACKED_MAX : most);
}

/* The word after this one, or NULL. */
static const char *next_word(const char *word, const char *end)
{
    const char *stop = memchr(word, '\0', (size_t)(end - word));
    return stop && stop + 1 < end ? stop + 1 : NULL;
}

static bool is_word(const char *word, const char *end, const char *wanted, bool may_go_on)
{
    size_t length = strlen(wanted), left = (size_t)(end - word);
    if (left < length || memcmp(word, wanted, length) != 0)
        return false;
    return may_go_on || left == length || !word[length];
}

bool tracked_process_is(const struct tracked_process *wanted, const char *name, const char *line,
                        size_t size)
{
    const char *end = line + size, *word = line;
    if (!size)
        return false; /* of the kernel, or not running any more */
    if (strchr(wanted->command, '/') ? !is_word(line, end, wanted->command, false)
                                     : strncmp(name, wanted->command, NAME_MAX_SHOWN) != 0)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        bool may_go_on = wanted->match == TRACKED_INITIAL && i + 1 == wanted->count;
        word = next_word(word, end);
        if (!word || !is_word(word, end, wanted->parameters[i], may_go_on))
            return false;
    }
    return wanted->match == TRACKED_PARTIAL || !next_word(word, end);
}
