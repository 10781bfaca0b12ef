/*
 * Virtual servers of an import: what they are for, and how they are named. All formats name them
 * alike: by protocol, address and port, or by mark.
 */
#ifndef NORIA_IMPORT_SERVICE_H
#define NORIA_IMPORT_SERVICE_H

#include "clients/import/import.h"

/** What a virtual server serves: an address, a protocol and a port, or a mark. */
struct service {
    char protocol[8]; /**< "tcp", "udp", "sctp"; "" of a mark. */
    char address[64];
    char port[8];
    char mark[16]; /**< "" of an address. */
    bool ipv6;     /**< Of a mark. */
};

/** Read "192.0.2.1:80", "[2001:db8::1]:80" or an address alone (port 0). @return Whether it is. */
bool service_of_text(struct service *service, const char *protocol, const char *text);

/** Put an address and a port (NULL: 0) together. @return Whether they are numeric. */
bool service_of_address(struct service *service, const char *protocol, const char *address,
                        const char *port);

/** Read a mark. @return Whether it is a number. */
bool service_of_mark(struct service *service, const char *mark, bool ipv6);

/** Whether the addresses are IPv6. */
bool service_is_ipv6(const struct service *service);

/** Whether a text is an IPv6 address, an IPv4 address. */
bool service_text_is_ipv6(const char *text);
bool service_text_is_ipv4(const char *text);

/**
 * Make the virtual server.
 * @param name Its name; NULL: by what it serves.
 * @return Its entry, or NULL if it was left out.
 */
struct lyd_node *service_make(struct import *import, struct place place,
                              const struct service *service, const char *name);

/** The virtual server that was made for this, or NULL. */
struct lyd_node *service_find(const struct import *import, const struct service *service);

/** The list of virtual servers. */
struct lyd_node *service_list(struct import *import, struct place place);

/** The entry of the director main, made if it is not there. */
struct lyd_node *service_main_director(struct import *import, struct place place);

/** The bit of scheduler-flags that a flag's name stands for, or NULL. */
const char *service_scheduler_flag(const char *flag);

/** The length of a network mask: "255.255.255.0" or a number. @return -1 if it is none. */
int service_prefix_length(const char *mask);

#endif
