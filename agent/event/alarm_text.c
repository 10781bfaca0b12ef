/*
 * Texts of alarms.
 */
#include "agent/event/alarm_text.h"

#include <string.h>

#include "agent/yang_string.h"

void alarm_text_clean(char *text)
{
    yang_string_mend(text);
    text[yang_string_length(text, ALARM_TEXT_MAX - 1)] = '\0';
    for (char *end = text; (end = strpbrk(end, "\n\t\r"));)
        *end = ' ';
}
