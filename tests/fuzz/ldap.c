/*
 * Answers of LDAP servers to StartTLS. One that is whole is not whole without its last octet, nor
 * with one more.
 */
#include "tests/fuzz/fuzz.h"

#include "backends/health/ldap_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ldap_result result, other;
    if (ldap_answer_read(data, size, &result) != LDAP_WHOLE)
        return 0;
    uint8_t *more = calloc(1, size + 1);
    memcpy(more, data, size);
    if (size > LDAP_ANSWER_MAX || strlen(result.text) >= sizeof(result.text) ||
        ldap_answer_read(data, size - 1, &other) != LDAP_MORE ||
        ldap_answer_read(more, size + 1, &other) != LDAP_WRONG)
        abort();
    free(more);
    return 0;
}
