/*
 * Messages to and from the kernel's IPVS: a generic netlink socket of the family "IPVS", requests
 * in batches, and their answers. What is in the messages is the business of kernel.c and its like.
 *
 * A socket is used by one thread at a time; after an error in reading it is to be closed, as
 * answers may be left in it. Every call waits for its answers, which the kernel gives at once, and
 * gives up after a few seconds of silence. Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_NETLINK_H
#define NORIA_IPVS_NETLINK_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the kernel says of its IPVS (IPVS_CMD_GET_INFO). */
struct ipvs_info {
    uint32_t version; /**< As NVERSION() makes it: major, minor, patch, an octet each. */
    uint32_t connection_table_size; /**< Hash buckets. */
};

/** An open socket. */
struct ipvs_socket {
    struct nl_sock *sock; /**< Owned. */
    int fd;
    int family;
    uint32_t sequence; /**< Of the last message. */
    char *buffer;      /**< What is received. Owned. */
    char *batch;       /**< What is to be sent. Owned. */
    size_t batched;    /**< Octets in it. */
    struct ipvs_info info;
};

/** What is done with an answer: a message of the family's, or an error or ack. @return An errno. */
typedef int (*ipvs_answer_fn)(struct nlmsghdr *msg, void *data);

/** Requests in one batch at most, if only what fails is answered; if all fails, it has room. */
#define IPVS_BATCH_CHANGES 128

/** The same for queries, whose answers are larger. */
#define IPVS_BATCH_QUERIES 16

/**
 * Open a socket and find the family; the kernel loads its module ip_vs for that if it can.
 * @param[out] opened To be closed with ipvs_close().
 * @return ENOENT: the kernel has no IPVS; EPERM: it does not let us; or another errno.
 */
int ipvs_open(struct ipvs_socket **opened);

/**
 * The same in a network namespace.
 * @param path As in namespace.h.
 * @param[out] entered Whether it could be entered; NULL: it does not matter.
 */
int ipvs_open_in(const char *path, struct ipvs_socket **opened, bool *entered);

/** Close a socket; NULL is legal. */
void ipvs_close(struct ipvs_socket *sock);

/**
 * Begin a request; its sequence number is the last one's plus 1.
 * @param command IPVS_CMD_*.
 * @param flags NLM_F_ACK, NLM_F_DUMP.
 * @return To be given to ipvs_request_add() or freed; NULL for want of memory.
 */
struct nl_msg *ipvs_request_new(struct ipvs_socket *sock, int command, int flags);

/** Append a request to the batch, and free it. */
void ipvs_request_add(struct ipvs_socket *sock, struct nl_msg *msg);

/** Send the batch by one system call. */
int ipvs_send(struct ipvs_socket *sock);

/**
 * Receive (what is there, once it is) and hand what answers a request from number first on to a
 * function, until that returns other than 0. What is older is the late answer to a call that gave
 * up.
 */
int ipvs_receive(struct ipvs_socket *sock, uint32_t first, ipvs_answer_fn answer, void *data);

/**
 * Send a request for a dump and take what comes.
 * @param msg With NLM_F_DUMP; taken. NULL is want of memory.
 */
int ipvs_dump(struct ipvs_socket *sock, struct nl_msg *msg, ipvs_answer_fn take, void *data);

/**
 * Send one request and wait for its answer.
 * @param msg Taken. NULL is want of memory.
 * @param take For an answer that is no error or ack; NULL: none comes (NLM_F_ACK).
 */
int ipvs_ask(struct ipvs_socket *sock, struct nl_msg *msg, ipvs_answer_fn take, void *data);

/** The errno in an error or ack message; 0 in an ack. */
int ipvs_error_in(struct nlmsghdr *msg);

#endif
