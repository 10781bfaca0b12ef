/*
 * The contract between the engine of the health checks and the checkers, of which each knows one
 * way to ask a server how it is. One file a checker; registry.c lists them.
 *
 * A checker is told what to ask (parse), and then, again and again, to ask it (start). It works on
 * the core thread and must never block it: sockets are non-blocking and watched by the poller
 * (poller.h). A run ends with check_end(), at once or later from the event loop, just once. Before
 * that the engine may end it by cancel(): the time is over, or nobody wants to know any more.
 * Either way, all that the run has opened must be closed by then.
 *
 * The time-out is the engine's. So that its message says what was waited for, a checker keeps
 * job->phase up to date ("connecting", "waiting for the greeting"): a static string that fits
 * behind "timed out while".
 *
 * To add a checker: a container in the choice 'type' of noria-health.yang, named as the checker; a
 * file here with a struct checker; a line in registry.c; a test in tests/system/test_health.py.
 */
#ifndef NORIA_HEALTH_CHECK_H
#define NORIA_HEALTH_CHECK_H

#include <libyang/libyang.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent/outcome.h"

struct health_poller;
struct check_job;

/** Room for what went wrong, with its ending zero. */
#define CHECK_ERROR_SIZE 160

/** An address with a port, of IPv4 or IPv6. */
union check_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** Where a check goes to, and from where. */
struct check_target {
    union check_address address;
    union check_address source;  /**< Family AF_UNSPEC: the kernel's choice. */
    char interface[IF_NAMESIZE]; /**< Or "": the kernel's choice. */
    uint32_t mark;               /**< Of its packets; 0: none. */
};

/** How a run ended. */
enum check_ending {
    CHECK_PASSED,
    CHECK_FAILED, /**< The server is to blame, or the way to it. */
    CHECK_UNABLE, /**< We are: no descriptors, ports or memory. It says nothing of the server. */
};

/** The weight that a check gives is the one that is configured. */
#define CHECK_WEIGHT_NONE (-1)

/** One way to ask. */
struct checker {
    const char *name; /**< Of its container in noria-health.yang. */
    size_t state;     /**< Size of what a run keeps: job->state, zeroed before start(). */
    bool portless;    /**< It needs no port. */
    bool alone;       /**< Run for each real server of each virtual server, never shared. */

    /**
     * Begin what all runs of the checker share, as a raw socket; called before its first check is
     * parsed. May be NULL.
     * @return What becomes job->shared; NULL for want of memory or descriptors.
     */
    void *(*begin)(struct health_poller *poller, uv_loop_t *loop);

    /** End what begin() made, after all runs; handles may close while the loop runs out. */
    void (*end)(void *shared);

    /**
     * Read what is to be asked. What YANG cannot refuse (a regular expression that does not
     * compile) is to be refused here. May be NULL if there is nothing to read.
     * @param config The checker's container, validated, with its defaults.
     * @param target May be changed.
     * @param[out] parameters What start() needs, until free_parameters(). One check has them to
     *        itself, so that what outlives a run may be kept there, too.
     */
    enum outcome (*parse)(const struct lyd_node *config, struct check_target *target,
                          void **parameters, struct error *err);

    /** Free what parse() made. NULL is never passed. May be NULL. */
    void (*free_parameters)(void *parameters);

    /** Begin to ask. May call check_end() at once. */
    void (*start)(struct check_job *job);

    /** Stop asking and close all; no check_end(). Called only between start and check_end(). */
    void (*cancel)(struct check_job *job);
};

/** One check, while it runs. A checker reads it, and writes phase and *state. */
struct check_job {
    const struct checker *checker;
    struct health_poller *poller;
    uv_loop_t *loop;
    const struct check_target *target;
    void *parameters;    /**< Of parse(). */
    void *shared;        /**< Of begin(). */
    const char *phase;   /**< What is waited for; static. Set to "connecting" before start. */
    uint32_t timeout;    /**< Milliseconds in which the run is to end. */
    bool silence_passes; /**< The time-out means that it has passed; false before start. */
    /* For checkers that are "alone", as configured: */
    const char *server, *server_port; /**< The real server's address and port. */
    const char *virtual_name;
    const char *virtual_address, *virtual_port; /**< Or the firewall mark, and "0". */
    void *state;                                /**< checker->state bytes. */
};

/**
 * End a run. The job must not be touched afterwards. Core thread.
 * @param weight What a dynamic check wants the weight to be, or CHECK_WEIGHT_NONE.
 * @param format What went wrong, for printf, without secrets; NULL if nothing did. What does not
 *        fit in CHECK_ERROR_SIZE is cut off.
 */
void check_end(struct check_job *job, enum check_ending ending, int32_t weight, const char *format,
               ...) __attribute__((format(printf, 4, 5)));

/** End a run that was passed. */
void check_pass(struct check_job *job);

/** End a run that was passed, and have so much added to the weight of the real server. */
void check_end_adjust(struct check_job *job, int32_t adjust);

/**
 * Have it run now, not only when it is time; nothing happens while it runs. A checker may call it
 * from its first run on, until free_parameters().
 */
void check_again(struct check_job *job);

/**
 * End a run for an errno: that of what we lack (EMFILE, ENOBUFS, ...) makes it CHECK_UNABLE, every
 * other one CHECK_FAILED.
 * @param what What was tried: "connect", "send".
 */
void check_end_errno(struct check_job *job, const char *what, int error);

/** Whether an errno says that we lack something, so that it says nothing of the server. */
bool check_errno_is_ours(int error);

/**
 * A non-blocking socket, bound and marked as the target says, not connected yet.
 * @param type SOCK_STREAM, SOCK_DGRAM, ...
 * @return The descriptor, or -1 with errno set.
 */
int check_socket(const struct check_target *target, int type, int protocol);

/** Size of an address by its family. */
socklen_t check_address_size(const union check_address *address);

/** Port of an address, in host byte order. */
uint16_t check_address_port(const union check_address *address);

/** Set the port of an address, in host byte order. */
void check_address_set_port(union check_address *address, uint16_t port);

/** Whether two addresses are the same but for their ports. */
bool check_address_same(const union check_address *a, const union check_address *b);

/**
 * Read an address.
 * @param text IPv4 or IPv6, without a zone.
 * @return Whether it is one.
 */
bool check_address_parse(const char *text, uint16_t port, union check_address *address);

/** An address as text without its port. @param text INET6_ADDRSTRLEN octets. @return text. */
const char *check_address_text(const union check_address *address, char text[INET6_ADDRSTRLEN]);

/**
 * Refuse a target that says where a check is to come from, for checkers whose connections are
 * opened by a library that cannot do that.
 * @param may_bind It can have a source address, but no more.
 */
enum outcome check_refuse_source(const struct lyd_node *config, const struct check_target *target,
                                 bool may_bind, struct error *err);

/** Refuse a leaf of a check's configuration. @param name Path of the leaf below config. */
enum outcome check_refuse(const struct lyd_node *config, const char *name, struct error *err,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/** All checkers of this build, ended by NULL (registry.c). */
extern const struct checker *const checker_registry[];

#endif
