#include "backends/health/bfd_session.h"

#include <string.h>

#define VERSION 1

/* Between packets while a session is not up (RFC 5880, 6.8.3). */
#define SLOW 1000000U

/* Flags of the second octet. */
#define POLL 0x20
#define FINAL 0x10
#define AUTHENTICATED 0x04
#define DEMAND 0x02
#define MULTIPOINT 0x01

static void put(unsigned char *to, uint32_t number)
{
    to[0] = (unsigned char)(number >> 24);
    to[1] = (unsigned char)(number >> 16);
    to[2] = (unsigned char)(number >> 8);
    to[3] = (unsigned char)number;
}

static uint32_t get(const unsigned char *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

void bfd_packet_write(const struct bfd_packet *packet, unsigned char octets[BFD_PACKET_SIZE])
{
    memset(octets, 0, BFD_PACKET_SIZE); /* also the echo interval: there is no echo */
    octets[0] = (unsigned char)(VERSION << 5 | (packet->diagnostic & 0x1f));
    octets[1] = (unsigned char)(packet->state << 6 | (packet->poll ? POLL : 0) |
                                (packet->final ? FINAL : 0));
    octets[2] = packet->multiplier;
    octets[3] = BFD_PACKET_SIZE;
    put(octets + 4, packet->mine);
    put(octets + 8, packet->yours);
    put(octets + 12, packet->min_tx);
    put(octets + 16, packet->min_rx);
}

bool bfd_packet_read(const unsigned char *octets, size_t size, struct bfd_packet *packet)
{
    if (size < BFD_PACKET_SIZE || octets[0] >> 5 != VERSION || octets[3] < BFD_PACKET_SIZE ||
        octets[3] > size || octets[1] & (AUTHENTICATED | MULTIPOINT))
        return false;
    *packet = (struct bfd_packet){
        .diagnostic = octets[0] & 0x1f,
        .state = octets[1] >> 6,
        .poll = octets[1] & POLL,
        .final = octets[1] & FINAL,
        .demand = octets[1] & DEMAND,
        .multiplier = octets[2],
        .mine = get(octets + 4),
        .yours = get(octets + 8),
        .min_tx = get(octets + 12),
        .min_rx = get(octets + 16),
    };
    return packet->multiplier && packet->mine &&
           (packet->yours || packet->state == BFD_DOWN || packet->state == BFD_ADMIN_DOWN);
}

static uint32_t slow(uint32_t interval)
{
    return interval > SLOW ? interval : SLOW;
}

void bfd_session_begin(struct bfd_session *session, const struct bfd_settings *settings,
                       uint32_t discriminator)
{
    *session = (struct bfd_session){
        .settings = *settings,
        .state = BFD_DOWN,
        .neighbor_state = BFD_DOWN,
        .mine = discriminator,
        .min_tx = slow(settings->min_tx),
        .neighbor_min_rx = 1,
    };
}

static void go_down(struct bfd_session *session, enum bfd_diagnostic diagnostic)
{
    session->state = BFD_DOWN;
    session->diagnostic = diagnostic;
    session->min_tx = slow(session->settings.min_tx);
    session->polling = false;
}

/* The times are others than those that were sent before, which the neighbour has to confirm. */
static void go_up(struct bfd_session *session)
{
    session->state = BFD_UP;
    session->diagnostic = BFD_NONE;
    session->polling = session->min_tx != session->settings.min_tx;
    session->min_tx = session->settings.min_tx;
}

/* RFC 5880, 6.8.6, the states. */
static void follow(struct bfd_session *session, enum bfd_state heard)
{
    switch (session->state) {
    case BFD_DOWN:
        if (heard == BFD_DOWN)
            session->state = BFD_INIT;
        else if (heard == BFD_INIT)
            go_up(session);
        break;
    case BFD_INIT:
        if (heard == BFD_ADMIN_DOWN)
            go_down(session, BFD_NEIGHBOR_DOWN);
        else if (heard != BFD_DOWN)
            go_up(session);
        break;
    case BFD_UP:
        if (heard == BFD_ADMIN_DOWN || heard == BFD_DOWN)
            go_down(session, BFD_NEIGHBOR_DOWN);
        break;
    default: /* it is administratively down: nothing is followed */
        break;
    }
}

bool bfd_session_receive(struct bfd_session *session, const struct bfd_packet *packet)
{
    session->yours = packet->mine;
    session->neighbor_state = packet->state;
    session->neighbor_diagnostic = packet->diagnostic;
    session->neighbor_demand = packet->demand;
    session->neighbor_min_tx = packet->min_tx;
    session->neighbor_min_rx = packet->min_rx;
    session->neighbor_multiplier = packet->multiplier;
    if (packet->final)
        session->polling = false;
    follow(session, packet->state);
    return packet->poll;
}

void bfd_session_expire(struct bfd_session *session)
{
    session->yours = 0;
    session->neighbor_state = BFD_DOWN;
    session->neighbor_demand = false;
    session->neighbor_min_rx = 1;
    session->neighbor_multiplier = 0;
    if (session->state == BFD_INIT || session->state == BFD_UP)
        go_down(session, BFD_TIME_EXPIRED);
}

struct bfd_packet bfd_session_packet(const struct bfd_session *session, bool final)
{
    return (struct bfd_packet){
        .diagnostic = session->diagnostic,
        .state = session->state,
        .poll = session->polling && !final,
        .final = final,
        .multiplier = session->settings.multiplier,
        .mine = session->mine,
        .yours = session->yours,
        .min_tx = session->min_tx,
        .min_rx = session->settings.min_rx,
    };
}

uint64_t bfd_session_interval(const struct bfd_session *session)
{
    bool unwanted = session->neighbor_demand && session->state == BFD_UP &&
                    session->neighbor_state == BFD_UP && !session->polling;
    if (unwanted || !session->neighbor_min_rx || (session->settings.passive && !session->yours))
        return 0;
    return session->min_tx > session->neighbor_min_rx ? session->min_tx : session->neighbor_min_rx;
}

uint64_t bfd_session_detection(const struct bfd_session *session)
{
    uint32_t agreed = session->settings.min_rx > session->neighbor_min_tx
                          ? session->settings.min_rx
                          : session->neighbor_min_tx;
    return (uint64_t)agreed * session->neighbor_multiplier;
}
