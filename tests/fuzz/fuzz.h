/*
 * What fuzzers of the datastore start from: the modules, and a configuration with something of
 * everything.
 */
#ifndef NORIA_TESTS_FUZZ_H
#define NORIA_TESTS_FUZZ_H

#include "tests/unit/given.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct snapshot *base;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (given_schema(NULL))
        abort();
    base = given_snapshot(
        NULL, SERVERS "<virtual-server><name>web</name><address>192.0.2.1</address><port>80</port>"
                      "<real-server><address>10.0.0.1</address><port>80</port></real-server>"
                      "<real-server><address>10.0.0.2</address><port>80</port><weight>5</weight>"
                      "</real-server></virtual-server><virtual-server><name>mark</name>"
                      "<firewall-mark>7</firewall-mark></virtual-server>" END
                      "<null xmlns=\"urn:noria:yang:noria-null\"><item><name>a</name>"
                      "<value>x</value></item></null>");
    return 0;
}

/** The input as a string; to be freed. */
static inline char *string_of(const uint8_t *data, size_t size)
{
    char *string = malloc(size + 1);
    if (!string)
        abort();
    if (size)
        memcpy(string, data, size);
    string[size] = '\0';
    return string;
}

#endif
