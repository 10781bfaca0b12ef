/*
 * Files of other programs: the first octet says whose ('k'eepalived, 'i'pvsadm, 'l'directord). What
 * comes out must be valid.
 */
#include "tests/fuzz/fuzz.h"

#include "clients/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import import;
    struct error err = {0};
    if (!size)
        return 0;
    char *text = string_of(data + 1, size - 1);
    import_begin(&import, schema);
    import.alone = true;
    import.config_id = "fuzz";
    enum outcome outcome = data[0] == 'k'   ? import_keepalived(&import, text, "fuzz", &err)
                           : data[0] == 'l' ? import_ldirectord(&import, text, "fuzz", &err)
                                            : import_ipvsadm(&import, text, "fuzz", &err);
    if (outcome == DONE && import_finish(&import, &err) != DONE) {
        fprintf(stderr, "not valid: %s %s\n", err.path ? err.path : "", error_message(&err));
        abort();
    }
    import_end(&import);
    error_clear(&err);
    free(text);
    return 0;
}
