/*
 * Lines of keepalived's FIFO.
 */
#include "backends/vrrp/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vrrp_state_name(enum vrrp_state state)
{
    static const char *const names[] = {[VRRP_INITIALIZE] = "initialize",
                                        [VRRP_BACKUP] = "backup",
                                        [VRRP_MASTER] = "master",
                                        [VRRP_FAULT] = "fault"};
    return names[state];
}

/* The words for states; others say what else has happened. */
static const struct {
    const char *word;
    enum vrrp_state state;
    bool gone;
    bool other_master;
} words[] = {
    {"MASTER", VRRP_MASTER, false, false},
    {"BACKUP", VRRP_BACKUP, false, false},
    {"FAULT", VRRP_FAULT, false, false},
    {"STOP", VRRP_INITIALIZE, false, false},
    {"DELETED", VRRP_INITIALIZE, true, false},
    {"MASTER_RX_LOWER_PRI", VRRP_MASTER, false, true},
    {"MASTER_PRIORITY", VRRP_MASTER, false, false},
    {"BACKUP_PRIORITY", VRRP_BACKUP, false, false},
};

static bool read_state(const char *word, struct vrrp_notice *notice)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(words[i].word, word) != 0)
            continue;
        notice->state = words[i].state;
        notice->gone = words[i].gone;
        notice->other_master = words[i].other_master;
        return true;
    }
    return false;
}

bool vrrp_notice_read(const char *line, struct vrrp_notice *notice)
{
    char kind[16], state[32];
    int priority = -1;
    *notice = (struct vrrp_notice){0};
    int count = sscanf(line, "%15s \"%64[^\"]\" %31s %d", kind, notice->name, state, &priority);
    if (count < 3 || !read_state(state, notice))
        return false;
    notice->group = !strcmp(kind, "GROUP");
    notice->priority = priority >= 0 && priority <= 255 ? priority : -1;
    return notice->group || !strcmp(kind, "INSTANCE");
}

void vrrp_lines_take(struct vrrp_lines *lines, const char *data, size_t length,
                     void (*take)(const char *line, void *arg), void *arg)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] != '\n') {
            lines->too_long = lines->too_long || lines->length + 1 >= sizeof(lines->held);
            if (!lines->too_long)
                lines->held[lines->length++] = data[i];
            continue;
        }
        lines->held[lines->length] = '\0';
        if (!lines->too_long)
            take(lines->held, arg);
        lines->length = 0;
        lines->too_long = false;
    }
}
