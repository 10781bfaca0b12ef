/*
 * edit-config: whatever is sent, it is refused with a reason, or what comes of it is valid and can
 * be stored and read back.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/datastore/record.h"
#include "agent/netconf/frame.h"

/* Store a snapshot and read it back: it must be the same. */
static void read_back(const struct snapshot *valid)
{
    struct error error = {0};
    struct snapshot *empty, *stored, *copy;
    char *payload = NULL;
    size_t length;
    uint32_t *numbers = calloc(schema->unit_count, sizeof(*numbers));
    FILE *stream = open_memstream(&payload, &length);
    if (!record_write_all(stream, schema, valid, numbers) || fclose(stream) ||
        snapshot_new_empty(schema, &empty, &error) != DONE)
        abort();
    if (record_replay(schema, empty, payload, length, numbers, &stored, &error) != DONE ||
        transaction_validate(schema, empty, stored, &copy, &error) != DONE) {
        fprintf(stderr, "%s: %s\n%s", error.path, error_message(&error), payload);
        abort();
    }
    for (size_t i = 0; i < valid->count || i < copy->count; i++)
        if (valid->count != copy->count || !entry_same(valid->entries[i], copy->entries[i]))
            abort();
    snapshot_unref(copy);
    snapshot_unref(stored);
    snapshot_unref(empty);
    free(payload);
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct snapshot *edited = NULL, *valid = NULL;
    char *xml = string_of(data, size);
    enum outcome outcome = REFUSED;
    if (!frame_look(xml, size).wild)
        outcome = edit_by_xml(base, xml, EDIT_MERGE, &edited, &error);
    if (outcome == DONE)
        outcome = transaction_validate(schema, base, edited, &valid, &error);
    if (outcome == DONE)
        read_back(valid);
    else if (outcome == FAILED)
        abort(); /* it is never the agent's fault */
    snapshot_unref(valid);
    snapshot_unref(edited);
    error_clear(&error);
    ly_err_clean(schema->ctx, NULL);
    free(xml);
    return 0;
}
