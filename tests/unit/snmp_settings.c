/*
 * SNMP settings: addresses as Net-SNMP writes them, and who may read.
 */
#include "tests/unit/given.h"

#include <arpa/inet.h>

#include "agent/snmp/settings.h"

#include <cmocka.h>

#define AGENT(inside) "<snmp-agent xmlns=\"urn:noria:yang:noria-agent\">" inside "</snmp-agent>"

static struct snmp_settings *settings_of(const char *xml)
{
    struct error error = {0};
    struct snmp_settings *settings = NULL;
    struct snapshot *snapshot = given_snapshot(NULL, xml);

    assert_int_equal(snmp_settings_new(schema, snapshot, &settings, &error), DONE);
    snapshot_unref(snapshot);
    return settings;
}

static void without_words_it_is_a_master_that_nobody_reaches(void **state)
{
    struct snmp_settings *settings = settings_of(AGENT(""));

    assert_int_equal(settings->mode, SNMP_MASTER);
    assert_string_equal(settings->agentx_socket, "/var/agentx/master");
    assert_int_equal(settings->address_count, 0);
    assert_false(snmp_settings_admit(settings, (const unsigned char *)"", 0, NULL));
    snmp_settings_free(settings);
}

static void modes_are_understood(void **state)
{
    struct snmp_settings *off = settings_of(AGENT("<enabled>false</enabled>"));
    struct snmp_settings *agentx =
        settings_of(AGENT("<mode>agentx</mode><agentx-socket>tcp:localhost:705</agentx-socket>"));

    assert_int_equal(off->mode, SNMP_OFF);
    assert_int_equal(agentx->mode, SNMP_AGENTX);
    assert_string_equal(agentx->agentx_socket, "tcp:localhost:705");
    snmp_settings_free(off);
    snmp_settings_free(agentx);
}

static void addresses_are_written_for_net_snmp(void **state)
{
    struct snmp_settings *settings = settings_of(
        AGENT("<listen><name>a</name><address>0.0.0.0</address></listen>"
              "<listen><name>b</name><address>::1</address><port>1161</port></listen>"
              "<listen><name>c</name><address>127.0.0.1</address><transport>tcp</transport>"
              "</listen><listen><name>d</name><address>::</address><transport>tcp</transport>"
              "</listen>"));

    assert_int_equal(settings->address_count, 4);
    assert_string_equal(settings->addresses[0].spec, "udp:0.0.0.0:161");
    assert_string_equal(settings->addresses[0].path,
                        "/noria-agent:snmp-agent/listen[name='a']/address");
    assert_true(snmp_settings_have(settings, "udp6:[::1]:1161"));
    assert_true(snmp_settings_have(settings, "tcp:127.0.0.1:161"));
    assert_true(snmp_settings_have(settings, "tcp6:[::]:161"));
    assert_false(snmp_settings_have(settings, "udp:127.0.0.1:161"));
    assert_false(snmp_settings_have(NULL, "udp:127.0.0.1:161"));
    snmp_settings_free(settings);
}

static bool admits(const struct snmp_settings *settings, const char *community, const char *from)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *peer = (const struct sockaddr *)&v6;

    if (inet_pton(AF_INET, from, &v4.sin_addr) == 1)
        peer = (const struct sockaddr *)&v4;
    else
        assert_int_equal(inet_pton(AF_INET6, from, &v6.sin6_addr), 1);
    return snmp_settings_admit(settings, (const unsigned char *)community, strlen(community), peer);
}

static void communities_are_bound_to_their_sources(void **state)
{
    struct snmp_settings *settings =
        settings_of(AGENT("<community><name>any</name></community>"
                          "<community><name>four</name><source>10.1.128.0/17</source></community>"
                          "<community><name>all4</name><source>0.0.0.0/0</source></community>"
                          "<community><name>six</name><source>2001:db8::/33</source></community>"
                          "<community><name>one</name><source>::1/128</source></community>"
                          "<community><name>both</name><source>192.0.2.0/24</source>"
                          "<source>2001:db8::/32</source></community>"));

    assert_true(admits(settings, "any", "192.0.2.1"));
    assert_true(admits(settings, "any", "2001:db8::1"));
    assert_false(admits(settings, "an", "192.0.2.1"));
    assert_false(admits(settings, "anyy", "192.0.2.1"));
    assert_true(admits(settings, "four", "10.1.128.0"));
    assert_true(admits(settings, "four", "10.1.255.255"));
    assert_true(admits(settings, "four", "::ffff:10.1.200.1"));
    assert_false(admits(settings, "four", "10.1.127.255"));
    assert_false(admits(settings, "four", "2001:db8::1"));
    assert_true(admits(settings, "all4", "203.0.113.1"));
    assert_false(admits(settings, "all4", "2001:db8::1"));
    assert_true(admits(settings, "six", "2001:db8:7fff::1"));
    assert_false(admits(settings, "six", "2001:db8:8000::1"));
    assert_false(admits(settings, "six", "32.1.13.184"));
    assert_true(admits(settings, "one", "::1"));
    assert_false(admits(settings, "one", "::2"));
    assert_true(admits(settings, "both", "192.0.2.7"));
    assert_true(admits(settings, "both", "2001:db8::7"));
    assert_false(admits(settings, "both", "198.51.100.7"));
    assert_false(admits(settings, "both", "2001:db9::7"));
    assert_false(snmp_settings_admit(settings, (const unsigned char *)"four", 4, NULL));
    snmp_settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_words_it_is_a_master_that_nobody_reaches),
        cmocka_unit_test(modes_are_understood),
        cmocka_unit_test(addresses_are_written_for_net_snmp),
        cmocka_unit_test(communities_are_bound_to_their_sources),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
