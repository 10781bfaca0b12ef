/*
 * Messages of LDAP servers, and filters, which are read from the same input. A message that is
 * whole is not so without its last octet; a filter that is read makes a request that is a message
 * itself.
 */
#include "tests/fuzz/fuzz.h"

#include "backends/health/ldap_message.h"
#include "backends/health/ldap_request.h"

static void read_message(const uint8_t *data, size_t size)
{
    struct ldap_message message, other;
    struct ldap_result result;
    char text[32];
    size_t printed, all;
    if (ldap_message_read(data, size, &message) != LDAP_WHOLE)
        return;
    if (message.size > size || ldap_message_read(data, message.size - 1, &other) != LDAP_MORE)
        abort();
    if (ldap_starttls_read(&message, &result) && strlen(result.text) >= sizeof(result.text))
        abort();
    if (ldap_entry_print(&message, text, sizeof(text), &printed) &&
        (!ldap_entry_print(&message, NULL, 0, &all) || all != printed))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ldap_request request;
    struct ldap_message message;
    read_message(data, size);
    char *filter = string_of(data, size);
    if (ldap_request_search(&request, 3, "dc=example", LDAP_SUB, filter) &&
        (ldap_message_read(request.data, request.size, &message) != LDAP_WHOLE ||
         message.size != request.size))
        abort();
    free(filter);
    return 0;
}
