/*
 * Of many addresses the kernel tells piece by piece: what is read is whole though others change
 * them meanwhile.
 */
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/ipvs/rtnetlink.h"

#define MOVING 64 /* that come and go, before the others */
#define STAYING 1500
#define READINGS 50

static struct ipvs_address address_of(unsigned number)
{
    struct ipvs_address address = {.interface = "lo", .family = AF_INET, .prefix_length = 32};
    const uint8_t octets[] = {10, 0, (uint8_t)(number >> 8), (uint8_t)number};
    memcpy(address.address, octets, sizeof octets);
    address.scope = number < MOVING ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE; /* the kernel sorts so */
    return address;
}

static atomic_bool enough;

static void *move(void *arg)
{
    const int *fd = arg;
    while (!enough) {
        for (unsigned i = 0; i < MOVING; i++) {
            struct ipvs_address address = address_of(i);
            ipvs_route_delete(*fd, NULL, &address);
        }
        for (unsigned i = 0; i < MOVING; i++) {
            struct ipvs_address address = address_of(i);
            ipvs_route_add(*fd, &address);
        }
        usleep(20000); /* in which two readings have room, sanitized ones, too */
    }
    return NULL;
}

/* Each that stays is told once. */
static void check(const struct ipvs_addresses *addresses)
{
    static unsigned char times[MOVING + STAYING];
    memset(times, 0, sizeof times);
    for (size_t i = 0; i < addresses->count; i++) {
        const uint8_t *octets = addresses->list[i].address;
        unsigned number = (unsigned)octets[2] << 8 | octets[3];
        if (octets[0] == 10 && number < MOVING + STAYING)
            times[number]++;
    }
    for (unsigned i = MOVING; i < MOVING + STAYING; i++)
        assert_int_equal(times[i], 1);
}

static void a_reading_is_whole(void **state)
{
    int fd, other;
    pthread_t mover;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        skip();
    assert_int_equal(ipvs_route_open(NULL, 0, &fd), 0);
    assert_int_equal(ipvs_route_open(NULL, 0, &other), 0);
    for (unsigned i = 0; i < MOVING + STAYING; i++) {
        struct ipvs_address address = address_of(i);
        assert_int_equal(ipvs_route_add(fd, &address), 0);
    }
    assert_int_equal(pthread_create(&mover, NULL, move, &other), 0);
    for (int i = 0; i < READINGS; i++) {
        struct ipvs_addresses addresses = {0};
        assert_int_equal(ipvs_route_addresses(fd, &addresses), 0);
        check(&addresses);
        free(addresses.list);
    }
    enough = true;
    pthread_join(mover, NULL);
    close(other);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_reading_is_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
