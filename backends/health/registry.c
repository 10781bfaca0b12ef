/*
 * The checkers of this build: a line each.
 */
#include "backends/health/check.h"
#include "backends/health/checkers.h"

const struct checker *const checker_registry[] = {
    &tcp_checker,   &udp_checker,     &ping_checker,  &http_checker,
    &https_checker, &ftp_checker,     &smtp_checker,  &imap_checker,
    &pop3_checker,  &ldap_checker,    &dns_checker,   &nntp_checker,
    &sip_checker,   &radius_checker,  &mysql_checker, &postgresql_checker,
    &file_checker,  &process_checker, &bfd_checker,   &command_checker,
    &on_checker,    &off_checker,     NULL,
};
