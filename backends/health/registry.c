/*
 * The checkers of this build: a line each.
 */
#include "backends/health/check.h"
#include "backends/health/checkers.h"

const struct checker *const checker_registry[] = {
    &tcp_checker,   &udp_checker,     &ping_checker, &http_checker,
    &https_checker, &command_checker, &dns_checker,  NULL,
};
