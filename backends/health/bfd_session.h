/*
 * A session of bidirectional forwarding detection: its packets and its states (RFC 5880).
 *
 * Asynchronous mode, without authentication and without echo. Functions of values, which neither
 * send nor look at a clock; any thread.
 */
#ifndef NORIA_HEALTH_BFD_SESSION_H
#define NORIA_HEALTH_BFD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of a control packet without authentication. */
#define BFD_PACKET_SIZE 24

/** What a session is (RFC 5880, 4.1, Sta). */
enum bfd_state { BFD_ADMIN_DOWN, BFD_DOWN, BFD_INIT, BFD_UP };

/** Why it is not up any more (RFC 5880, 4.1, Diag). */
enum bfd_diagnostic {
    BFD_NONE = 0,
    BFD_TIME_EXPIRED = 1,
    BFD_NEIGHBOR_DOWN = 3,
    BFD_ADMINISTRATIVELY_DOWN = 7,
};

/** A control packet (RFC 5880, 4.1). Times are microseconds. */
struct bfd_packet {
    uint8_t diagnostic;
    enum bfd_state state;
    bool poll, final, demand;
    uint8_t multiplier;
    uint32_t mine, yours; /**< Discriminators of the sender and of the receiver. */
    uint32_t min_tx, min_rx;
};

/** Write a packet. */
void bfd_packet_write(const struct bfd_packet *packet, unsigned char octets[BFD_PACKET_SIZE]);

/** Read a packet. @return false if it is to be discarded (RFC 5880, 6.8.6, up to the session). */
bool bfd_packet_read(const unsigned char *octets, size_t size, struct bfd_packet *packet);

/** How a session is configured. Times are microseconds. */
struct bfd_settings {
    uint32_t min_tx, min_rx;
    uint8_t multiplier;
    bool passive; /**< It says nothing before the neighbour has. */
};

/** A session (RFC 5880, 6.8.1). Only state and the diagnostics may be read from outside. */
struct bfd_session {
    struct bfd_settings settings;
    enum bfd_state state, neighbor_state;
    uint8_t diagnostic, neighbor_diagnostic;
    uint32_t mine, yours;
    uint32_t min_tx; /**< In force: at least a second while it is not up. */
    uint32_t neighbor_min_tx, neighbor_min_rx;
    uint8_t neighbor_multiplier;
    bool neighbor_demand;
    bool polling; /**< What the times are has yet to be confirmed. */
};

/** A session that is down. @param discriminator Its own, not 0. */
void bfd_session_begin(struct bfd_session *session, const struct bfd_settings *settings,
                       uint32_t discriminator);

/** Take a packet of the neighbour in. @return Whether it is to be answered at once. */
bool bfd_session_receive(struct bfd_session *session, const struct bfd_packet *packet);

/** Nothing was heard for the detection time. */
void bfd_session_expire(struct bfd_session *session);

/** What is to be sent. @param final It answers a poll. */
struct bfd_packet bfd_session_packet(const struct bfd_session *session, bool final);

/** Microseconds from one packet to the next, before jitter; 0: none are to be sent. */
uint64_t bfd_session_interval(const struct bfd_session *session);

/** Microseconds without a packet after which the session is down; 0: none has come yet. */
uint64_t bfd_session_detection(const struct bfd_session *session);

#endif
