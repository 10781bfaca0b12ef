/*
 * Texts of alarms.
 */
#include "agent/event/alarm_text.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of a character; 0: it is none, or none that YANG has. */
static size_t character_length(const unsigned char *at)
{
    size_t length = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if (*at < 0x20 || *at == 0x7f || (*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
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

void alarm_text_clean(char *text)
{
    size_t from = 0, to = 0;
    while (text[from]) {
        size_t length = character_length((const unsigned char *)text + from);
        if (to + (length ? length : 1) >= ALARM_TEXT_MAX)
            break;
        if (length)
            memmove(text + to, text + from, length);
        else
            text[to] = text[from] == '\n' || text[from] == '\t' || text[from] == '\r' ? ' ' : '?';
        to += length ? length : 1;
        from += length ? length : 1;
    }
    text[to] = '\0';
}
