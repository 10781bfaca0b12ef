/*
 * The checkers of this build: a line each.
 */
#include "backends/health/check.h"
#include "backends/health/checkers.h"

const struct checker *const checker_registry[] = {
    &tcp_checker, &udp_checker,     &ping_checker, &http_checker, &https_checker,
    &ftp_checker, &smtp_checker,    &imap_checker, &pop3_checker, &ldap_checker,
    &dns_checker, &command_checker, NULL,
};
