/*
 * BFD: packets as RFC 5880, 4.1 has them, and two sessions that talk to each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/bfd_session.h"

#include <cmocka.h>

static const struct bfd_settings fast = {.min_tx = 100000, .min_rx = 50000, .multiplier = 3};

static void a_packet_is_what_the_rfc_draws(void **state)
{
    static const struct bfd_packet packet = {
        .diagnostic = BFD_NEIGHBOR_DOWN,
        .state = BFD_UP,
        .poll = true,
        .multiplier = 5,
        .mine = 0x01020304,
        .yours = 0xa0b0c0d0,
        .min_tx = 1000000,
        .min_rx = 300000,
    };
    static const unsigned char expected[] = "\x23\xe0\x05\x18\x01\x02\x03\x04\xa0\xb0\xc0\xd0"
                                            "\x00\x0f\x42\x40\x00\x04\x93\xe0\x00\x00\x00\x00";
    unsigned char octets[BFD_PACKET_SIZE];
    struct bfd_packet read;
    bfd_packet_write(&packet, octets);
    assert_memory_equal(octets, expected, sizeof(octets));
    assert_true(bfd_packet_read(octets, sizeof(octets), &read));
    assert_true(read.diagnostic == packet.diagnostic && read.state == packet.state);
    assert_true(read.poll && !read.final && !read.demand && read.multiplier == 5);
    assert_true(read.mine == packet.mine && read.yours == packet.yours);
    assert_true(read.min_tx == packet.min_tx && read.min_rx == packet.min_rx);
}

static void what_is_wrong_is_discarded(void **state)
{
    static const struct {
        size_t at;
        unsigned char value;
    } wrong[] = {
        {0, 0x40}, /* version 2 */ {1, 0xc4}, /* authentication */ {1, 0xc1}, /* multipoint */
        {2, 0},    /* multiplier */ {3, 23},  /* too short */ {3, 25}, /* longer than it is */
    };
    static const unsigned char right[BFD_PACKET_SIZE] = "\x20\xc0\x03\x18\x00\x00\x00\x01"
                                                        "\x00\x00\x00\x02";
    struct bfd_packet packet;
    assert_true(bfd_packet_read(right, sizeof(right), &packet));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        unsigned char octets[BFD_PACKET_SIZE];
        memcpy(octets, right, sizeof(octets));
        octets[wrong[i].at] = wrong[i].value;
        assert_false(bfd_packet_read(octets, sizeof(octets), &packet));
    }
    for (size_t size = 0; size < sizeof(right); size++)
        assert_false(bfd_packet_read(right, size, &packet));
    unsigned char octets[BFD_PACKET_SIZE];
    memcpy(octets, right, sizeof(octets));
    octets[7] = 0; /* no discriminator of its own */
    assert_false(bfd_packet_read(octets, sizeof(octets), &packet));
    octets[7] = 1;
    octets[11] = 0; /* none of ours: only of a session that is down */
    assert_false(bfd_packet_read(octets, sizeof(octets), &packet));
    octets[1] = BFD_DOWN << 6;
    assert_true(bfd_packet_read(octets, sizeof(octets), &packet));
}

/* One packet of a session to another, and the answer if one is due. */
static void tell(struct bfd_session *from, struct bfd_session *to)
{
    struct bfd_packet packet = bfd_session_packet(from, false);
    if (!bfd_session_receive(to, &packet))
        return;
    packet = bfd_session_packet(to, true);
    assert_true(packet.final && !packet.poll);
    bfd_session_receive(from, &packet);
}

static void bring_up(struct bfd_session *a, struct bfd_session *b)
{
    bfd_session_begin(a, &fast, 1);
    bfd_session_begin(b, &fast, 2);
    tell(a, b);
    tell(b, a);
    tell(a, b);
}

static void two_come_up_by_three_packets(void **state)
{
    struct bfd_session a, b;
    bfd_session_begin(&a, &fast, 1);
    assert_int_equal(bfd_session_interval(&a), 1000000); /* a second, until it is up */
    assert_int_equal(bfd_session_detection(&a), 0);
    bring_up(&a, &b);
    assert_int_equal(a.state, BFD_UP);
    assert_int_equal(b.state, BFD_UP);
    assert_int_equal(bfd_session_packet(&a, false).yours, 2);
    assert_int_equal(bfd_session_packet(&b, false).yours, 1);
    tell(a.polling ? &a : &b, a.polling ? &b : &a);
    tell(&a, &b);
    tell(&b, &a);
    assert_false(a.polling || b.polling);
    assert_int_equal(bfd_session_interval(&a), 100000);
    assert_int_equal(bfd_session_detection(&a), 300000);
}

static void silence_is_down(void **state)
{
    struct bfd_session a, b;
    bring_up(&a, &b);
    bfd_session_expire(&a);
    assert_int_equal(a.state, BFD_DOWN);
    assert_int_equal(a.diagnostic, BFD_TIME_EXPIRED);
    assert_int_equal(bfd_session_packet(&a, false).yours, 0);
    assert_int_equal(bfd_session_interval(&a), 1000000);
    tell(&a, &b);
    assert_int_equal(b.state, BFD_DOWN);
    assert_int_equal(b.diagnostic, BFD_NEIGHBOR_DOWN);
    assert_int_equal(b.neighbor_diagnostic, BFD_TIME_EXPIRED);
    tell(&b, &a);
    tell(&a, &b);
    tell(&b, &a);
    assert_int_equal(a.state, BFD_UP);
    assert_int_equal(a.diagnostic, BFD_NONE);
}

static void who_is_administratively_down_is_down(void **state)
{
    struct bfd_session a, b;
    bring_up(&a, &b);
    a.state = BFD_ADMIN_DOWN;
    tell(&a, &b);
    assert_int_equal(b.state, BFD_DOWN);
    assert_int_equal(b.diagnostic, BFD_NEIGHBOR_DOWN);
    tell(&a, &b);
    assert_int_equal(b.state, BFD_DOWN);
    tell(&b, &a);
    assert_int_equal(a.state, BFD_ADMIN_DOWN);
}

static void who_is_not_wanted_is_silent(void **state)
{
    struct bfd_session a, b;
    struct bfd_settings passive = fast;
    passive.passive = true;
    bfd_session_begin(&a, &passive, 1);
    assert_int_equal(bfd_session_interval(&a), 0);
    bring_up(&a, &b);
    tell(&a, &b);
    tell(&b, &a);
    struct bfd_packet packet = bfd_session_packet(&b, false);
    packet.demand = true;
    bfd_session_receive(&a, &packet);
    assert_int_equal(bfd_session_interval(&a), 0);
    packet.demand = false;
    packet.min_rx = 0;
    bfd_session_receive(&a, &packet);
    assert_int_equal(bfd_session_interval(&a), 0);
    packet.min_rx = 700000;
    bfd_session_receive(&a, &packet);
    assert_int_equal(bfd_session_interval(&a), 700000);
}

/* A third of what comes is lost; whatever comes, a state is one of four. */
static void any_order_of_packets_is_taken(void **state)
{
    struct bfd_session sessions[2];
    bring_up(&sessions[0], &sessions[1]);
    srandom(1);
    for (unsigned i = 0; i < 100000; i++) {
        unsigned from = (unsigned)random() % 2, what = (unsigned)random() % 100;
        if (what < 30)
            bfd_session_expire(&sessions[from]);
        else if (what < 90)
            tell(&sessions[from], &sessions[!from]);
        assert_in_range(sessions[0].state, BFD_DOWN, BFD_UP);
        if (i % 1000 == 999) { /* in peace, they come up */
            for (unsigned j = 0; j < 3; j++) {
                tell(&sessions[0], &sessions[1]);
                tell(&sessions[1], &sessions[0]);
            }
            assert_int_equal(sessions[0].state, BFD_UP);
            assert_int_equal(sessions[1].state, BFD_UP);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_what_the_rfc_draws),
        cmocka_unit_test(what_is_wrong_is_discarded),
        cmocka_unit_test(two_come_up_by_three_packets),
        cmocka_unit_test(silence_is_down),
        cmocka_unit_test(who_is_administratively_down_is_down),
        cmocka_unit_test(who_is_not_wanted_is_silent),
        cmocka_unit_test(any_order_of_packets_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
