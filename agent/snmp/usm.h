/*
 * USM: the agent's engine, its users, and how a password becomes a key (RFC 3414, RFC 7860).
 */
#ifndef NORIA_SNMP_USM_H
#define NORIA_SNMP_USM_H

#include "agent/snmp/settings.h"

/**
 * The engine's identity: that which is stored in a folder, or a new one, which is stored there.
 * Keys are good for it alone, so it stays for as long as the folder does. Any thread.
 */
enum outcome snmp_engine_id_load(const char *folder, struct snmp_engine_id *id, struct error *err);

/**
 * Make the localized key of a password. Any thread; takes some milliseconds.
 * @param hash "sha1", "sha224", "sha256", "sha384", "sha512".
 * @return false if there is no such hash.
 */
bool snmp_usm_localize(const struct snmp_engine_id *id, const char *hash, const char *password,
                       struct snmp_key *key);

/**
 * Have the users of settings, and those of targets' engines, and no others, be known to Net-SNMP.
 * SNMP thread.
 */
enum outcome snmp_usm_apply(const struct snmp_engine_id *id, const struct snmp_settings *settings,
                            struct error *err);

#endif
