/*
 * Listeners: the addresses at which Net-SNMP answers, opened and closed one by one.
 *
 * On the SNMP thread.
 */
#ifndef NORIA_SNMP_LISTENER_H
#define NORIA_SNMP_LISTENER_H

#include "agent/snmp/settings.h"

/** An open address. */
struct snmp_listener {
    char *spec;                            /**< As in the settings. Owned. */
    int handle;                            /**< Net-SNMP's. */
    struct netsnmp_transport_s *transport; /**< Of UDP, else NULL. Net-SNMP's. */
    struct netsnmp_transport_s *accepting; /**< Of TCP, else NULL. Net-SNMP's. */
};

/** All open addresses; zero-initialise before use. */
struct snmp_listeners {
    size_t count;
    struct snmp_listener *open; /**< Owned. */
};

/** Close what settings do not have, with the connections that it has accepted. */
void snmp_listeners_close_others(struct snmp_listeners *listeners,
                                 const struct snmp_settings *settings);

/**
 * Open one address unless it is open.
 * @return FAILED with the path of its entry if it cannot be had.
 */
enum outcome snmp_listeners_open(struct snmp_listeners *listeners,
                                 const struct snmp_address *address, struct error *err);

/** The transport that has a socket; NULL: none of UDP. */
struct netsnmp_transport_s *snmp_listeners_transport(const struct snmp_listeners *listeners,
                                                     int socket);

/** Close all. */
void snmp_listeners_close(struct snmp_listeners *listeners);

#endif
