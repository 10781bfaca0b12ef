/*
 * The journal's records: what is damaged is refused, and nothing worse happens.
 *
 * The input is looked at as a record with its header, and replayed as a payload. A fingerprint of
 * zeros is that of the modules of today, so that seeds can have it.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/datastore/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct snapshot *next = NULL;
    size_t length;
    uint32_t *numbers = calloc(schema->unit_count, sizeof(*numbers));
    char *payload = string_of(data, size);
    memset(schema->fingerprint, '0', FINGERPRINT_SIZE - 1);
    if (record_check(data, size, &length) && length > size)
        abort();
    if (record_replay(schema, base, payload, size, numbers, &next, &error) == DONE && !next)
        abort();
    snapshot_unref(next);
    error_clear(&error);
    ly_err_clean(schema->ctx, NULL);
    free(payload);
    free(numbers);
    return 0;
}
