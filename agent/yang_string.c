#include "agent/yang_string.h"

#include <stdbool.h>

/* Bytes of a character; 0: it is none, or none that YANG has. */
static size_t length_at(const unsigned char *at)
{
    size_t length = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if ((*at < 0x20 && *at != '\n' && *at != '\t' && *at != '\r') || *at == 0x7f ||
        (*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = at[0] == 0xf4 && at[1] >= 0x90;
    /* U+FDD0 to U+FDEF, and the last two of each plane, are no characters. */
    bool none = (at[0] == 0xef && at[1] == 0xb7 && at[2] >= 0x90 && at[2] <= 0xaf) ||
                (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe) ||
                (length == 4 && (at[1] & 0x0f) == 0x0f && at[2] == 0xbf && at[3] >= 0xbe);
    return surrogate || overlong || beyond || none ? 0 : length;
}

size_t yang_string_length(const char *text, size_t limit)
{
    size_t end = 0, length;
    while (text[end] && (length = length_at((const unsigned char *)text + end)) &&
           end + length <= limit)
        end += length;
    return end;
}

void yang_string_mend(char *text)
{
    for (;;) {
        text += yang_string_length(text, SIZE_MAX);
        if (!*text)
            return;
        *text++ = '?';
    }
}
