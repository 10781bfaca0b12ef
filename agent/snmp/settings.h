/*
 * Settings: what /noria-agent:snmp-agent asks for, in the form that the SNMP thread works with.
 *
 * Made on the core thread and constant from then on; any thread may read them.
 */
#ifndef NORIA_SNMP_SETTINGS_H
#define NORIA_SNMP_SETTINGS_H

#include <netinet/in.h>

#include "agent/snmp/destination.h"
#include "agent/snmp/manager.h"

/** Who answers managers. */
enum snmp_mode { SNMP_OFF, SNMP_MASTER, SNMP_AGENTX };

/** One address to listen on. */
struct snmp_address {
    char *path; /**< Of its entry, for errors. Owned. */
    char *spec; /**< As Net-SNMP writes it, "udp6:[::1]:161". Owned. */
    int socktype;
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
};

/** A network that managers are in. */
struct snmp_network {
    int family;
    unsigned prefix;       /**< Bits of the address that count. */
    unsigned char net[16]; /**< In network order. */
};

/** One community string. */
struct snmp_community {
    char *name;    /**< The string, a secret. Owned. */
    char *writer;  /**< As whom it writes; NULL: it only reads. Owned. */
    char *view;    /**< Name of what it sees; NULL: everything. Owned. */
    size_t length; /**< Its length. */
    size_t source_count;
    struct snmp_network *sources; /**< None: it may come from anywhere. Owned. */
};

/** All settings. */
struct snmp_settings {
    enum snmp_mode mode;
    char *agentx_socket; /**< Owned. */
    char *agentx_writer; /**< As whom the master's managers write; NULL: they only read. Owned. */
    char *contact;       /**< sysContact, or NULL. Owned. */
    char *location;      /**< sysLocation, or NULL. Owned. */
    size_t address_count;
    struct snmp_address *addresses; /**< Owned. */
    size_t community_count;
    struct snmp_community *communities; /**< Owned. */
    size_t user_count;
    struct snmp_user *users; /**< Owned. */
    size_t destination_count;
    struct snmp_destination *destinations; /**< Owned. */
    unsigned rate;                         /**< Notifications a second, in the long run. */
    unsigned foreign;                      /**< Those of other MIBs: enum snmp_foreign. */
    bool host_mibs;                        /**< Answer for the node, too. */
    size_t view_count;
    struct snmp_view *views; /**< Owned. */
};

/**
 * The settings that a snapshot asks for.
 * @param[out] settings To be freed with snmp_settings_free().
 */
enum outcome snmp_settings_new(const struct schema *schema, const struct snapshot *snapshot,
                               struct snmp_settings **settings, struct error *err);

/** Free settings; NULL is legal. */
void snmp_settings_free(struct snmp_settings *settings);

/** Whether settings have an address that is written so; settings may be NULL, which has none. */
bool snmp_settings_have(const struct snmp_settings *settings, const char *spec);

/**
 * The community that lets a manager read, by its name and the address that it asks from.
 * @param from The address; NULL if it has none.
 * @return NULL: it may not.
 */
const struct snmp_community *snmp_settings_admit(const struct snmp_settings *settings,
                                                 const unsigned char *community, size_t length,
                                                 const struct sockaddr *from);

/** The user of SNMPv3 with a name, or NULL. */
const struct snmp_user *snmp_settings_user(const struct snmp_settings *settings, const char *name,
                                           size_t length);

/** The view with a name; NULL for the name NULL, and where there is none. */
const struct snmp_view *snmp_settings_view(const struct snmp_settings *settings, const char *name);

#endif
