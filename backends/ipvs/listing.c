#include "backends/ipvs/listing.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/ipvs/namespace.h"

#define LIST "/proc/thread-self/net/ip_vs"
#define TITLE "IP Virtual Server version "
#define TITLE_LINES 3
#define ROOM (64 * 1024) /* to begin with; it doubles */

/* -- Parsing ---------------------------------------------------------------------------------- */

static bool take(const char **at, const char *word)
{
    size_t length = strlen(word);
    bool there = strncmp(*at, word, length) == 0;
    *at += there ? length : 0;
    return there;
}

static bool take_hex(const char **at, int digits, uint32_t *number)
{
    *number = 0;
    for (; digits > 0 && isxdigit((unsigned char)**at); digits--, ++*at)
        *number = *number * 16 + (uint32_t)(isdigit((unsigned char)**at)
                                                ? **at - '0'
                                                : tolower((unsigned char)**at) - 'a' + 10);
    return digits == 0;
}

/* "C0A80001:0050" or "[2001:0db8:...]:0050". */
static bool take_address(const char **at, uint16_t *family, uint8_t address[16], uint16_t *port)
{
    char text[INET6_ADDRSTRLEN] = "";
    uint32_t number, low;
    if (take(at, "[")) {
        size_t length = strcspn(*at, "]\n");
        *family = AF_INET6;
        if (length >= sizeof text)
            return false;
        memcpy(text, *at, length);
        *at += length;
        if (!take(at, "]") || inet_pton(AF_INET6, text, address) != 1)
            return false;
    } else {
        *family = AF_INET;
        if (!take_hex(at, 8, &number))
            return false;
        number = htonl(number);
        memcpy(address, &number, sizeof number);
    }
    if (!take(at, ":") || !take_hex(at, 4, &low))
        return false;
    *port = (uint16_t)low;
    return true;
}

static uint16_t take_protocol(const char **at)
{
    return take(at, "TCP  ")    ? IPPROTO_TCP
           : take(at, "UDP  ")  ? IPPROTO_UDP
           : take(at, "SCTP  ") ? IPPROTO_SCTP
                                : 0;
}

/* "TCP  C0A80001:0050 wlc persistent 30000 FFFFFFFF". */
static int take_service(const char *at, struct ipvs_table *listed)
{
    struct ipvs_service *service = ipvs_table_add(listed);
    if (!service)
        return ENOMEM;
    service->id.protocol = take_protocol(&at);
    if (!service->id.protocol)
        return 0;
    if (!take_address(&at, &service->id.family, service->id.address, &service->id.port) ||
        !take(&at, " "))
        return EBADMSG;
    size_t length = strcspn(at, " \n");
    if (length >= sizeof service->scheduler)
        return EBADMSG;
    memcpy(service->scheduler, at, length);
    at += length;
    at += strspn(at, " ");
    service->flags = *at == '\n' || !*at ? 0 : IPVS_SERVICE_FLAGS; /* one or the other of them */
    return 0;
}

/* "  -> 0A000001:0050      Masq    1      0          0", behind the arrow. */
static int take_destination(const char *at, struct ipvs_service *service)
{
    static const char *const methods[] = {"Masq", "Local", "Tunnel", "Route", "Bypass"};
    struct ipvs_destination *destination = ipvs_service_add(service);
    struct ipvs_destination_id *id = destination ? &destination->id : NULL;
    size_t method = 0;
    if (!destination)
        return ENOMEM;
    if (!take_address(&at, &id->family, id->address, &id->port))
        return EBADMSG;
    at += strspn(at, " ");
    while (method < 5 && !take(&at, methods[method]))
        method++;
    destination->method = (uint32_t)method; /* IP_VS_CONN_F_MASQ, ... are 0, ... */
    char *end;
    destination->weight = (uint32_t)strtoul(at, &end, 10);
    return method < 5 && end > at ? 0 : EBADMSG;
}

int ipvs_listing_parse(const char *text, struct ipvs_table *listed)
{
    int error = strncmp(text, TITLE, strlen(TITLE)) == 0 ? 0 : EBADMSG;
    for (size_t line = 0; *text && !error; line++) {
        const char *end = strchr(text, '\n'), *at = text;
        if (!end)
            return EBADMSG;
        text = end + 1;
        if (line < TITLE_LINES)
            continue;
        if (!take(&at, "  -> "))
            error = take_service(at, listed);
        else if (listed->count)
            error = take_destination(at, &listed->services[listed->count - 1]);
        else
            error = EBADMSG;
    }
    return error;
}

/* -- Reading ---------------------------------------------------------------------------------- */

static int open_list(void *arg)
{
    int *fd = arg;
    *fd = open(LIST, O_RDONLY | O_CLOEXEC);
    return *fd < 0 ? errno : 0;
}

/* All of a file that does not know its size, as a string to be freed. */
static int read_text(int fd, char **text)
{
    size_t have = 0, room = 0;
    ssize_t got = 1;
    *text = NULL;
    while (got > 0) {
        if (room - have < ROOM / 2) {
            room = room ? room * 2 : ROOM;
            char *more = realloc(*text, room);
            if (!more)
                return ENOMEM;
            *text = more;
        }
        do
            got = read(fd, *text + have, room - have - 1);
        while (got < 0 && errno == EINTR);
        have += got > 0 ? (size_t)got : 0;
    }
    (*text)[have] = '\0';
    return got < 0 ? errno : 0;
}

int ipvs_listing_read(const char *path, struct ipvs_table *listed)
{
    int fd = -1, result = 0;
    char *text = NULL;
    int error = ipvs_namespace_run(path, open_list, &fd, &result);
    if (!error)
        error = result;
    if (!error)
        error = read_text(fd, &text);
    if (!error)
        error = ipvs_listing_parse(text, listed);
    free(text);
    if (fd >= 0)
        close(fd);
    return error;
}

/* -- Comparing -------------------------------------------------------------------------------- */

static bool is_plain(const struct ipvs_destination *destination)
{
    return !destination->upper_threshold && !destination->lower_threshold &&
           !destination->tunnel_type && !destination->tunnel_port && !destination->tunnel_flags;
}

bool ipvs_listing_shows(struct ipvs_service *listed, const struct ipvs_service *desired)
{
    bool same = !desired->flags && !desired->engine[0] && !listed->flags &&
                listed->count == desired->count &&
                strcmp(listed->scheduler, desired->scheduler) == 0;
    if (same)
        ipvs_service_sort(listed);
    for (size_t i = 0; i < desired->count && same; i++) {
        const struct ipvs_destination *wanted = &desired->destinations[i];
        const struct ipvs_destination *has = ipvs_service_find(listed, &wanted->id);
        same = has && is_plain(wanted) && has->method == wanted->method &&
               has->weight == wanted->weight;
    }
    return same;
}
