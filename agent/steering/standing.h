/*
 * Standing: what one part of the agent finds and another acts on, as a number by name. Whoever
 * finds something out puts it here; whoever is concerned reads it and is told of changes. None of
 * them knows another.
 *
 * It is what holds just now: nothing of it outlives the agent. Core thread.
 */
#ifndef NORIA_STEERING_STANDING_H
#define NORIA_STEERING_STANDING_H

#include <stdbool.h>

struct agent;

/**
 * What is known of. A volume's role will be one more kind: whoever manages volumes sets it, and
 * tracking by VRRP (backends/vrrp/own.c) reads it as it reads these.
 */
enum standing_kind {
    STANDING_INSTANCE, /**< A VRRP instance by its name: enum standing_role. */
    STANDING_BACKEND,  /**< A backend of the agent by its name: 1 while it is up, 0 while it is not.
                        */
};

/** The role of an instance. */
enum standing_role {
    STANDING_UNKNOWN, /**< It does not take part, or has not said yet. */
    STANDING_MASTER,  /**< It holds the addresses. */
    STANDING_BACKUP,  /**< It does not. */
};

/** Who wants to know what has changed. */
struct standing_follower {
    void (*changed)(void *arg, enum standing_kind kind, const char *name);
    void *arg;
    struct standing_follower *next; /**< Standing's. */
};

/** Say what holds; those who follow are told at once if it is news. */
void standing_set(struct agent *agent, enum standing_kind kind, const char *name, int value);

/** What was last said, or a default. */
int standing_get(const struct agent *agent, enum standing_kind kind, const char *name,
                 int otherwise);

/** Be told of changes from now on. @param follower Borrowed until unfollowed. */
void standing_follow(struct agent *agent, struct standing_follower *follower);

/** Be told no more. */
void standing_unfollow(struct agent *agent, struct standing_follower *follower);

#endif
