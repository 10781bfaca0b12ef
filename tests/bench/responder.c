/*
 * What a walk through a master agent takes at least: a subagent (RFC 2741) that does nothing but
 * answer, one column of integers with as many rows as there is patience for.
 *
 *     responder SOCKET SUB-ID...     the table's object identifier; runs until the master has gone
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* RFC 2741, 6.1 and 5.4 */
#define OPEN 1
#define REGISTER 3
#define GET_NEXT 6
#define RESPONSE 18
#define NETWORK_ORDER 0x10
#define HEADER 20
#define INTEGER 2
#define OID_MAX 128

static int master;
static uint32_t table[OID_MAX];
static unsigned table_length;

/* A message that is made; numbers in network order. */
static unsigned char out[4096];
static size_t out_length;

static void put(uint32_t number)
{
    number = htonl(number);
    memcpy(out + out_length, &number, 4);
    out_length += 4;
}

static void put_octets(unsigned a, unsigned b, unsigned c, unsigned d)
{
    put((uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d);
}

static void put_name(const uint32_t *tail, unsigned count)
{
    put_octets(table_length + count, 0, 0, 0);
    for (unsigned i = 0; i < table_length; i++)
        put(table[i]);
    for (unsigned i = 0; i < count; i++)
        put(tail[i]);
}

static void begin(unsigned type, uint32_t session, uint32_t transaction, uint32_t packet)
{
    out_length = 0;
    put_octets(1, type, NETWORK_ORDER, 0);
    put(session);
    put(transaction);
    put(packet);
    put(0); /* the length is put in at the end */
}

static void end(void)
{
    uint32_t length = htonl((uint32_t)(out_length - HEADER));
    memcpy(out + 16, &length, 4);
    if (send(master, out, out_length, MSG_NOSIGNAL) != (ssize_t)out_length)
        exit(0);
}

/* A message that came, and its order of octets. */
static unsigned char in[65536];
static size_t in_length;

static uint32_t get(size_t at)
{
    uint32_t number;
    memcpy(&number, in + at, 4);
    return in[2] & NETWORK_ORDER ? ntohl(number) : number;
}

static void receive(void)
{
    in_length = 0;
    while (in_length < HEADER || in_length < HEADER + get(16)) {
        ssize_t size = recv(master, in + in_length, sizeof(in) - in_length, 0);
        if (size <= 0)
            exit(0);
        in_length += (size_t)size;
    }
}

/* The row after the one that is asked for; what is asked for is in the table or before it. */
static uint32_t next_row(void)
{
    unsigned count = in[HEADER], internet = in[HEADER + 1] ? 5 : 0;
    return count + internet > table_length + 2 ? get(HEADER + 4 + 4 * (count - 1)) + 1 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc < 3 || argc > OID_MAX || strlen(argv[1]) >= sizeof(address.sun_path))
        return 2;
    strcpy(address.sun_path, argv[1]);
    for (int i = 2; i < argc; i++)
        table[table_length++] = (uint32_t)strtoul(argv[i], NULL, 10);
    master = socket(AF_UNIX, SOCK_STREAM, 0);
    if (master < 0 || connect(master, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror("responder");
        return 1;
    }
    begin(OPEN, 0, 0, 1);
    put(0); /* the default time-out; without a name, and without a description */
    put(0);
    put(0);
    end();
    receive();
    uint32_t session = get(4);
    begin(REGISTER, session, 0, 2);
    put_octets(0, 127, 0, 0);
    put_name(NULL, 0);
    end();
    receive();
    for (;;) {
        receive();
        begin(RESPONSE, session, get(8), get(12));
        put(0); /* the time, and no error */
        put(0);
        if (in[1] == GET_NEXT) {
            uint32_t tail[] = {1, 1, next_row()};
            put_octets(0, INTEGER, 0, 0);
            put_name(tail, 3);
            put(7);
        }
        end();
    }
}
