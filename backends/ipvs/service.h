/*
 * The table of the IP Virtual Server, as values: services and their destinations, what tells them
 * apart, and what the kernel counts for each. Both what is wanted (desired.c) and what is held
 * (kernel.c) are written down like this, so that reconcile.c can compare them.
 *
 * Plain values without a thread of their own: whoever made a table owns it.
 */
#ifndef NORIA_IPVS_SERVICE_H
#define NORIA_IPVS_SERVICE_H

#include <linux/ip_vs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lyd_node;

/** The flags of a service that are configured; the kernel's own (IP_VS_SVC_F_HASHED) are not. */
#define IPVS_SERVICE_FLAGS                                                                         \
    (IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET | IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 |    \
     IP_VS_SVC_F_SCHED3)

/** Room for the text of any service or destination, with its terminating zero. */
#define IPVS_TEXT_SIZE 80

/** What tells a service from the others. Members that do not apply are 0. */
struct ipvs_service_id {
    uint16_t family;     /**< AF_INET or AF_INET6. */
    uint16_t protocol;   /**< IPPROTO_*; 0 with a mark. */
    uint16_t port;       /**< In host order; 0 stands for every port. */
    uint32_t mark;       /**< Firewall mark, or 0 for a service with an address. */
    uint8_t address[16]; /**< IPv4 in the first 4 octets. */
};

/** What tells a destination from the others of its service. */
struct ipvs_destination_id {
    uint16_t family;
    uint16_t port; /**< In host order. */
    uint8_t address[16];
};

/** What the kernel counts (IPVS_STATS_ATTR_*); rates are per second. */
struct ipvs_statistics {
    uint64_t connections;
    uint64_t in_packets;
    uint64_t out_packets;
    uint64_t in_bytes;
    uint64_t out_bytes;
    uint64_t connection_rate;
    uint64_t in_packet_rate;
    uint64_t out_packet_rate;
    uint64_t in_byte_rate;
    uint64_t out_byte_rate;
};

/** A destination: what ipvsadm calls a real server. */
struct ipvs_destination {
    struct ipvs_destination_id id;
    uint32_t method; /**< IP_VS_CONN_F_MASQ, _DROUTE, _TUNNEL, ... */
    uint32_t weight;
    uint32_t upper_threshold;
    uint32_t lower_threshold;
    uint8_t tunnel_type;   /**< IP_VS_CONN_F_TUNNEL_TYPE_*. */
    uint16_t tunnel_port;  /**< In host order. */
    uint16_t tunnel_flags; /**< IP_VS_TUNNEL_ENCAP_FLAG_*. */

    uint32_t active; /**< Connections; only of what is held, as the next three. */
    uint32_t inactive;
    uint32_t persistent;
    struct ipvs_statistics statistics;

    const struct lyd_node *node; /**< Its real-server; only of what is desired. Borrowed. */
};

/** A service: what the configuration calls a virtual server. */
struct ipvs_service {
    struct ipvs_service_id id;
    char scheduler[IP_VS_SCHEDNAME_MAXLEN];
    char engine[IP_VS_PENAME_MAXLEN]; /**< Persistence engine; "" is none. */
    uint32_t flags;                   /**< Of IPVS_SERVICE_FLAGS. */
    uint32_t timeout;                 /**< Of persistence, in seconds; 0 without it. */
    uint32_t
        netmask; /**< As the kernel has it: an IPv4 mask in network order, or an IPv6 length. */
    struct ipvs_destination *destinations; /**< Owned by the table. */
    size_t count;
    struct ipvs_destination *sorry; /**< Its sorry servers; only of what is desired. Owned. */
    size_t sorry_count;

    struct ipvs_statistics statistics; /**< Only of what is held. */

    const struct lyd_node *node; /**< Its virtual-server; only of what is desired. Borrowed. */
};

/** Services; {0} is an empty table. */
struct ipvs_table {
    struct ipvs_service *services; /**< Owned. Moves when a service is added. */
    size_t count;
    size_t room;
};

/** Services of a table in the order of their identities, to be searched. */
struct ipvs_index {
    struct ipvs_service **services; /**< Owned; what they point to is the table's. */
    size_t count;
};

/** Order two services by identity. @return As strcmp() does. */
int ipvs_service_compare(const struct ipvs_service_id *a, const struct ipvs_service_id *b);

/** Order two destinations by identity. @return As strcmp() does. */
int ipvs_destination_compare(const struct ipvs_destination_id *a,
                             const struct ipvs_destination_id *b);

/** Whether two services have the same settings; identity, destinations and counts aside. */
bool ipvs_service_same(const struct ipvs_service *a, const struct ipvs_service *b);

/** Whether two destinations have the same settings; identity and counts aside. */
bool ipvs_destination_same(const struct ipvs_destination *a, const struct ipvs_destination *b);

/** Write a service's identity, "tcp 10.0.0.1:80" or "ipv4 mark 7". @return text. */
const char *ipvs_service_text(const struct ipvs_service_id *id, char text[IPVS_TEXT_SIZE]);

/** Write a destination's identity, "10.0.0.1:80". @return text. */
const char *ipvs_destination_text(const struct ipvs_destination_id *id, char text[IPVS_TEXT_SIZE]);

/**
 * Add an empty service at the end of a table. Pointers into the table are void after it.
 * @return Belongs to the table; NULL for want of memory.
 */
struct ipvs_service *ipvs_table_add(struct ipvs_table *table);

/** Free what a table owns, and empty it. */
void ipvs_table_clear(struct ipvs_table *table);

/**
 * Add an empty destination at the end of a service.
 * @return Belongs to the service; NULL for want of memory.
 */
struct ipvs_destination *ipvs_service_add(struct ipvs_service *service);

/** Exchange the destinations of a service and its sorry servers, to work at these. */
void ipvs_service_exchange(struct ipvs_service *service);

/** Sort a service's destinations by identity, for ipvs_service_find(). */
void ipvs_service_sort(struct ipvs_service *service);

/** A destination of a service that ipvs_service_sort() sorted, or NULL. */
struct ipvs_destination *ipvs_service_find(const struct ipvs_service *service,
                                           const struct ipvs_destination_id *id);

/** Make an index of a table. @return Whether there was memory; free with ipvs_index_clear(). */
bool ipvs_index_make(const struct ipvs_table *table, struct ipvs_index *index);

/** The service with an identity (the table's first, if several have it), or NULL. */
struct ipvs_service *ipvs_index_find(const struct ipvs_index *index,
                                     const struct ipvs_service_id *id);

/** Free what an index owns, and empty it. */
void ipvs_index_clear(struct ipvs_index *index);

#endif
