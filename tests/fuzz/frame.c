/*
 * Framing: whatever a client sends, and in whatever pieces, the same messages come out.
 *
 * Byte 0: bit 0 chooses chunks, the rest the size of the pieces. What follows is what is sent.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All messages, with a byte 1 behind each, and a byte 2 if the framing broke. */
static struct text cut_all(const char *bytes, size_t size, size_t piece, bool chunked)
{
    struct frame_reader reader = {.limit = 1 << 20};
    struct text all = {0}, message = {0};
    enum frame_result result = FRAME_MORE;
    while (size && result < FRAME_BROKEN) {
        size_t part = piece < size ? piece : size;
        frame_add(&reader, bytes, part);
        bytes += part;
        size -= part;
        while ((result = frame_next(&reader, chunked, &message)) == FRAME_MESSAGE) {
            struct frame_look look = frame_look(message.data, message.length);
            text_add(&all, message.data, message.length);
            text_add(&all, look.wild ? "\1w" : "\1", look.wild ? 2 : 1);
            text_free(&message);
        }
    }
    if (result >= FRAME_BROKEN)
        text_add(&all, "\2", 1);
    text_free(&reader.received);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return -1;
    bool chunked = data[0] & 1;
    const char *bytes = (const char *)data + 1;
    struct text whole = cut_all(bytes, size - 1, size, chunked);
    struct text parts = cut_all(bytes, size - 1, (data[0] >> 1) + 1u, chunked);
    if (whole.length != parts.length ||
        (whole.length && memcmp(whole.data, parts.data, whole.length) != 0))
        abort();
    text_free(&whole);
    text_free(&parts);
    return 0;
}
