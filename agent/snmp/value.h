/*
 * Values: from a leaf of the YANG data to what SNMP sends.
 *
 * A value is kept between the two as a number or a text, so that nothing of the data tree needs to
 * live while a table is served. Pure functions; any thread.
 */
#ifndef NORIA_SNMP_VALUE_H
#define NORIA_SNMP_VALUE_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a value comes from a leaf. */
enum snmp_kind {
    KIND_INDEX_FIRST,  /**< No leaf: the first part of the row's index. */
    KIND_INDEX_SECOND, /**< No leaf: the second part of it. */
    KIND_INDEX_LAST,   /**< No leaf: the last part of it. */
    KIND_STRING,       /**< SnmpAdminString: the text as it is. */
    KIND_IDENTITY,     /**< SnmpAdminString: an identity's name without its module's. */
    KIND_UNSIGNED,     /**< Unsigned32, modulo 2^32. */
    KIND_GAUGE,        /**< Gauge32; what is too large for it is its highest value. */
    KIND_INTEGER,      /**< Integer32, or an INTEGER that the table itself derives. */
    KIND_HIGH,         /**< Unsigned32, the upper half of a number of 64 bits. */
    KIND_COUNTER32,    /**< Counter32, modulo 2^32. */
    KIND_COUNTER64,    /**< Counter64. */
    KIND_TRUTH,        /**< TruthValue. */
    KIND_ENUM,         /**< INTEGER: the value of the enum in the YANG module. */
    /** INTEGER: 1 where the leaf's container is absent, else the enum's value and 2; written alike.
     */
    KIND_ENUM_OR_NONE,
    KIND_ADDRESS_TYPE,  /**< InetAddressType of an IP address. */
    KIND_ADDRESS,       /**< InetAddress of an IP address. */
    KIND_IP_ADDRESS,    /**< IpAddress, of an IPv4 address alone. */
    KIND_PHYSICAL,      /**< PhysAddress or MacAddress. */
    KIND_PREFIX_TYPE,   /**< InetAddressType of an IP prefix, "10.0.0.0/8". */
    KIND_PREFIX,        /**< InetAddress of an IP prefix. */
    KIND_PREFIX_LENGTH, /**< Unsigned32: the length of an IP prefix. */
    KIND_FIRST,         /**< Unsigned32: the first number of a range, "5-7"; or the only one. */
    KIND_LAST,          /**< Unsigned32: the last number of a range; or the only one. */
    KIND_COMMAND,       /**< A command line, each word of it in single quotes. */
    KIND_DATE_AND_TIME, /**< DateAndTime. */
    KIND_TIME_STAMP,    /**< TimeStamp: sysUpTime at that time; 0: before it began. */
    KIND_TIME_SINCE,    /**< TimeTicks since that time. */
    /**
     * INTEGER: 1; written as 2, the action that the leaf names in place of a leaf is done. Where it
     * is the whole path of a leaf of an rpc's input, that rpc is, with the value that the column of
     * the other leaf has.
     */
    KIND_ACTION,
};

/** The longest text that is served (SnmpAdminString, RFC 3411). */
#define SNMP_TEXT_MAX 255

/** A value: the text where the kind has one, else the number. */
struct snmp_value {
    uint64_t number; /**< Times are nanoseconds since 1970 UTC. */
    size_t length;
    unsigned char text[SNMP_TEXT_MAX];
};

/** Whether values of a kind are texts. */
bool snmp_kind_is_text(enum snmp_kind kind);

/** The ASN.1 tag that values of a kind are sent with (RFC 2578, 7.1). */
unsigned char snmp_kind_type(enum snmp_kind kind);

/**
 * Convert a leaf.
 * @param leaf A leaf or leaf-list instance that libyang has parsed.
 * @param[out] value Set if true is returned.
 * @return Whether the leaf has a value of the kind.
 */
bool snmp_value_of(enum snmp_kind kind, const struct lyd_node *leaf, struct snmp_value *value);

/**
 * Read an IP address as octets.
 * @param[out] value Also its InetAddressType as a number.
 * @return Whether it is one; else the value is as it was, but for its text.
 */
bool snmp_address(const char *text, struct snmp_value *value);

/**
 * Read an IP prefix, or an address alone, as octets.
 * @param[out] value Also its InetAddressType as a number.
 * @param[out] length Of the prefix in bits; 0: it says none.
 */
bool snmp_prefix(const char *text, struct snmp_value *value, uint64_t *length);

/**
 * A time as DateAndTime in UTC (RFC 2579).
 * @param nanoseconds Since 1970 UTC.
 * @param[out] text 11 octets.
 */
void snmp_date_and_time(int64_t nanoseconds, unsigned char text[11]);

/**
 * The time at which sysUpTime was 0, from which a TimeStamp (RFC 2579) counts. It is as it was
 * before unless it is off by a second: readings of two clocks differ a little each time, and a
 * time stamp that moves would tell of a discontinuity that was none. Nor does it move where
 * sysUpTime comes back to 0 after 497 days.
 * @param before What was found before, 0: nothing.
 * @param now In nanoseconds since 1970 UTC, as the result.
 * @param uptime sysUpTime now.
 */
int64_t snmp_epoch(int64_t before, int64_t now, uint32_t uptime);

/** The hundredths of seconds from one moment to another, modulo 2^32; 0 if it is not later. */
uint32_t snmp_time_since(int64_t when, int64_t now);

#endif
