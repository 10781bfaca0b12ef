/*
 * The checkers, each in a file of its own (check.h says what they do).
 */
#ifndef NORIA_HEALTH_CHECKERS_H
#define NORIA_HEALTH_CHECKERS_H

#include "backends/health/check.h"

extern const struct checker tcp_checker;     /**< tcp.c */
extern const struct checker udp_checker;     /**< udp.c */
extern const struct checker ping_checker;    /**< ping.c */
extern const struct checker http_checker;    /**< http.c */
extern const struct checker https_checker;   /**< http.c */
extern const struct checker command_checker; /**< command.c */
extern const struct checker ftp_checker;     /**< protocols.c, as the next three */
extern const struct checker smtp_checker;
extern const struct checker imap_checker;
extern const struct checker pop3_checker;
extern const struct checker ldap_checker;       /**< ldap.c */
extern const struct checker dns_checker;        /**< dns.c */
extern const struct checker nntp_checker;       /**< nntp.c */
extern const struct checker sip_checker;        /**< sip.c */
extern const struct checker radius_checker;     /**< radius.c */
extern const struct checker mysql_checker;      /**< mysql.c */
extern const struct checker postgresql_checker; /**< postgresql.c */
extern const struct checker file_checker;       /**< file.c */
extern const struct checker process_checker;    /**< process.c */
extern const struct checker bfd_checker;        /**< bfd.c */
extern const struct checker on_checker;         /**< fixed.c, as the next one */
extern const struct checker off_checker;

#endif
