#include "backends/health/sip_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest body that is skipped. */
#define BODY_MAX 65536

size_t sip_make_request(const struct sip_request *request, char text[SIP_REQUEST_SIZE])
{
    int size = snprintf(text, SIP_REQUEST_SIZE,
                        "OPTIONS %s SIP/2.0\r\n"
                        "Via: SIP/2.0/%s %s:%u;branch=z9hG4bK%016" PRIx64 ";rport\r\n"
                        "Max-Forwards: 70\r\n"
                        "From: <sip:noria@%s>;tag=%016" PRIx64 "\r\n"
                        "To: <%s>\r\n"
                        "Call-ID: %016" PRIx64 "\r\n"
                        "CSeq: 1 OPTIONS\r\n"
                        "Contact: <sip:noria@%s:%u%s>\r\n"
                        "Accept: application/sdp\r\n"
                        "User-Agent: noria\r\n"
                        "Content-Length: 0\r\n\r\n",
                        request->uri, request->tcp ? "TCP" : "UDP", request->host, request->port,
                        request->call, request->host, request->tag, request->uri, request->call,
                        request->host, request->port, request->tcp ? ";transport=tcp" : "");
    return size > 0 && size < SIP_REQUEST_SIZE ? (size_t)size : 0;
}

/* A header's value, if a line begins with its name or its short form. @return NULL if not. */
static const char *value_of(const char *line, const char *end, const char *name, char brief)
{
    size_t length = strlen(name);
    if ((size_t)(end - line) > length && !strncasecmp(line, name, length))
        line += length;
    else if (end - line > 1 && (*line | 0x20) == brief)
        line++;
    else
        return NULL;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (line == end || *line++ != ':')
        return NULL;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    return line;
}

/* Digits up to the end of a line; what is too large is cut. */
static size_t number_at(const char *at, const char *end)
{
    size_t number = 0;
    for (; at < end && *at >= '0' && *at <= '9' && number < BODY_MAX; at++)
        number = number * 10 + (size_t)(*at - '0');
    return number;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* "SIP/2.0 200": what has come of it must be right. @return Whether it is. */
static bool read_status(const char *text, size_t size, unsigned *status)
{
    static const char version[] = "SIP/2.0 ";
    size_t length = sizeof(version) - 1;
    *status = 0;
    if (strncasecmp(text, version, size < length ? size : length) != 0)
        return false;
    for (size_t i = length; i < length + 3 && i < size; i++) {
        if (!is_digit(text[i]))
            return false;
        *status = *status * 10 + (unsigned)(text[i] - '0');
    }
    return size < length + 3 || (*status >= 100 && *status <= 699);
}

enum sip_kind sip_read_answer(const char *text, size_t size, uint64_t call,
                              struct sip_answer *answer)
{
    char wanted[20];
    size_t body = 0;
    *answer = (struct sip_answer){0};
    snprintf(wanted, sizeof(wanted), "%016" PRIx64, call);
    if (!read_status(text, size, &answer->status) || memchr(text, '\0', size))
        return SIP_WRONG;
    for (const char *line = text, *stop = text + size, *end; line < stop; line = end + 1) {
        end = memchr(line, '\n', (size_t)(stop - line));
        if (!end)
            return SIP_MORE;
        const char *last = end > line && end[-1] == '\r' ? end - 1 : end, *value;
        if (last == line && line != text) {
            answer->size = (size_t)(end + 1 - text) + body;
            return answer->size > size ? SIP_MORE : SIP_WHOLE;
        }
        if ((value = value_of(line, last, "Call-ID", 'i')))
            answer->ours = (size_t)(last - value) >= 16 && !strncmp(value, wanted, 16);
        else if ((value = value_of(line, last, "Content-Length", 'l')))
            body = number_at(value, last);
    }
    return SIP_MORE;
}
