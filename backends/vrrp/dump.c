/*
 * keepalived's dump.
 */
#include "backends/vrrp/dump.h"

#include <jansson.h>

#define OWNER 255

const char *vrrp_reason_name(enum vrrp_reason reason)
{
    static const char *const names[] = {[VRRP_NOT_MASTER] = "not-master",
                                        [VRRP_PRIORITY] = "priority",
                                        [VRRP_PREEMPTED] = "preempted",
                                        [VRRP_NO_RESPONSE] = "no-response"};
    return names[reason];
}

enum vrrp_reason vrrp_reason_of(const struct vrrp_dumped *dumped,
                                const struct vrrp_counters *before)
{
    static const struct vrrp_counters none;
    before = before ? before : &none;
    if (dumped->priority == OWNER ||
        dumped->counters.priority_zero_received > before->priority_zero_received)
        return VRRP_PRIORITY;
    if (dumped->counters.advertisements_received > before->advertisements_received &&
        dumped->master_priority < dumped->priority)
        return VRRP_PREEMPTED;
    return VRRP_NO_RESPONSE;
}

static unsigned long long number(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (unsigned long long)value : 0;
}

/* keepalived numbers its states: 0 not begun, 1 backup, 2 master, 3 fault. */
static enum vrrp_state state_of(const json_t *data, const char *name)
{
    static const enum vrrp_state states[] = {VRRP_INITIALIZE, VRRP_BACKUP, VRRP_MASTER, VRRP_FAULT};
    unsigned long long state = number(data, name);
    return state < sizeof(states) / sizeof(*states) ? states[state] : VRRP_INITIALIZE;
}

static void take_counters(const json_t *stats, struct vrrp_counters *counters)
{
    *counters = (struct vrrp_counters){
        .advertisements_received = number(stats, "advert_rcvd"),
        .advertisements_sent = number(stats, "advert_sent"),
        .interval_errors = number(stats, "advert_interval_err"),
        .packet_length_errors = number(stats, "packet_len_err"),
        .ttl_errors = number(stats, "ip_ttl_err"),
        .address_list_errors = number(stats, "addr_list_err"),
        .invalid_types = number(stats, "invalid_type_rcvd"),
        .invalid_authentication_types = number(stats, "invalid_authtype"),
        .authentication_mismatches = number(stats, "authtype_mismatch"),
        .authentication_failures = number(stats, "auth_failure"),
        .priority_zero_received = number(stats, "pri_zero_rcvd"),
        .priority_zero_sent = number(stats, "pri_zero_sent"),
        .became_master = number(stats, "become_master"),
    };
}

bool vrrp_dump_read(const char *text, size_t length,
                    void (*take)(const struct vrrp_dumped *dumped, void *arg), void *arg)
{
    json_t *all = json_loadb(text, length, 0, NULL), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        const json_t *data = json_object_get(one, "data");
        struct vrrp_dumped dumped = {.name = json_string_value(json_object_get(data, "iname")),
                                     .state = state_of(data, "state"),
                                     .wanted = state_of(data, "wantstate"),
                                     .priority = (int)number(data, "effective_priority"),
                                     .master_priority = (int)number(data, "master_priority"),
                                     .placed = json_is_true(json_object_get(data, "vipset"))};
        take_counters(json_object_get(one, "stats"), &dumped.counters);
        if (dumped.name)
            take(&dumped, arg);
    }
    bool whole = json_is_array(all);
    json_decref(all);
    return whole;
}
