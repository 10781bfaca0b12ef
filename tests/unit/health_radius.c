/*
 * Packets of RADIUS, held against the examples of RFC 2865, 7.1 and RFC 5997, 6.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "backends/health/radius_packet.h"

#include <cmocka.h>

static const unsigned char login_authenticator[] =
    "\x0f\x40\x3f\x94\x73\x97\x80\x57\xbd\x83\xd5\xcb\x98\xf4\x22\x7a";

static const struct radius_request login = {
    .secret = "xyzzy5461",
    .username = "nemo",
    .password = "arctangent",
    .nas_identifier = "n",
    .authenticator = login_authenticator,
};

static const unsigned char accepted[] = "\x02\x00\x00\x26\x86\xfe\x22\x0e\x76\x24\xba\x2a\x10\x05"
                                        "\xf6\xbf\x9b\x55\xe0\xb2\x06\x06\x00\x00\x00\x01\x0f\x06"
                                        "\x00\x00\x00\x00\x0e\x06\xc0\xa8\x01\x03";

static void a_password_is_hidden(void **state)
{
    static const unsigned char hidden[] =
        "\x0d\xbe\x70\x8d\x93\xd4\x13\xce\x31\x96\xe4\x3f\x78\x2a\x0a\xee";
    unsigned char packet[RADIUS_SIZE];
    size_t size = radius_make_request(&login, packet);
    assert_int_equal(size, 20 + 18 + 6 + 18 + 3);
    assert_int_equal(packet[0], 1);
    assert_int_equal(packet[2] << 8 | packet[3], size);
    assert_memory_equal(packet + 4, login_authenticator, 16);
    assert_int_equal(packet[20], 80); /* the Message-Authenticator comes first */
    assert_memory_equal(packet + 38, "\x01\x06nemo\x02\x12", 8);
    assert_memory_equal(packet + 46, hidden, 16);
}

static void long_passwords_are_cut_at_128(void **state)
{
    char password[200];
    memset(password, 'x', sizeof(password));
    password[199] = '\0';
    struct radius_request request = login;
    request.password = password;
    unsigned char packet[RADIUS_SIZE];
    assert_int_equal(radius_make_request(&request, packet), 20 + 18 + 6 + 130 + 3);
    request.password = "";
    assert_int_equal(radius_make_request(&request, packet), 20 + 18 + 6 + 18 + 3);
}

static void an_answer_must_be_genuine(void **state)
{
    unsigned char answer[sizeof(accepted)];
    assert_int_equal(radius_read_answer(&login, accepted, 38), RADIUS_ACCEPTED);
    for (size_t i = 0; i < 38; i++) {
        memcpy(answer, accepted, sizeof(answer));
        answer[i] ^= 1;
        assert_int_equal(radius_read_answer(&login, answer, 38), RADIUS_FORGED);
        assert_int_equal(radius_read_answer(&login, accepted, i), RADIUS_FORGED);
    }
    struct radius_request other = login;
    other.secret = "xyzzy5462";
    assert_int_equal(radius_read_answer(&other, accepted, 38), RADIUS_FORGED);
    other = login;
    other.identifier = 1;
    assert_int_equal(radius_read_answer(&other, accepted, 38), RADIUS_FORGED);
}

static void a_status_is_answered(void **state)
{
    static const unsigned char authenticator[] =
        "\x8a\x54\xf4\x68\x6f\xb3\x94\xc5\x28\x66\xe3\x02\x18\x5d\x06\x23";
    static const unsigned char answer[] = "\x02\xda\x00\x14\xef\x0d\x55\x2a\x4b\xf2\xd6\x93\xec"
                                          "\x2b\x6f\xe8\xb5\x41\x1d\x66";
    struct radius_request request = {.secret = "xyzzy5461",
                                     .nas_identifier = "noria",
                                     .identifier = 0xda,
                                     .authenticator = authenticator};
    unsigned char packet[RADIUS_SIZE];
    assert_int_equal(radius_make_request(&request, packet), 20 + 18 + 7);
    assert_int_equal(packet[0], 12);
    assert_int_equal(radius_read_answer(&request, answer, 20), RADIUS_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_hidden),
        cmocka_unit_test(long_passwords_are_cut_at_128),
        cmocka_unit_test(an_answer_must_be_genuine),
        cmocka_unit_test(a_status_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
