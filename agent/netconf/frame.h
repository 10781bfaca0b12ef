/*
 * Framing: cuts what a client sends into messages (RFC 6242, 4.2 and 4.3), and looks at each
 * message before it is parsed.
 *
 * libnetconf2 2.0.24 reads a byte or six at a time, takes a wrong chunk for a reason to follow a
 * null pointer, and knows no limit; libyang follows nested elements by recursion. So nothing that
 * a client sends reaches them before it has been through here. A plain value; one thread.
 */
#ifndef NORIA_NETCONF_FRAME_H
#define NORIA_NETCONF_FRAME_H

#include "agent/netconf/text.h"

/** The deepest nesting of elements that is taken. */
#define FRAME_DEPTH_MAX 256

/** The longest start tag that is taken: libyang's time for an XPath in one grows with its square.
 */
#define FRAME_TAG_MAX 16384

/** What has been received and not yet cut. Zero-initialise it and set the limit; end it with
 * text_free(&received). */
struct frame_reader {
    struct text received;
    size_t limit;     /**< The longest message that is taken, in bytes. */
    size_t start;     /**< Where the next message begins; what comes before was handed over. */
    size_t position;  /**< How far it has been looked at. */
    size_t message;   /**< Chunked framing: where the message ends, as far as it is together. */
    size_t remaining; /**< Chunked framing: bytes of the present chunk still to come. */
};

/** Add what came from the client. */
void frame_add(struct frame_reader *reader, const void *bytes, size_t length);

/** How many bytes were received that are in no message that was handed over. */
size_t frame_waiting(const struct frame_reader *reader);

/** What frame_next() found. */
enum frame_result {
    FRAME_MORE,     /**< No whole message yet. */
    FRAME_MESSAGE,  /**< A message. */
    FRAME_BROKEN,   /**< Wrong framing: the session has to end. */
    FRAME_TOO_LONG, /**< A message beyond the limit: the session has to end. */
};

/**
 * The next message of what has been received.
 * @param chunked Whether base:1.1 was agreed on, so that framing is by chunks.
 * @param[out] message A message, to be freed with text_free().
 */
enum frame_result frame_next(struct frame_reader *reader, bool chunked, struct text *message);

/** What a look at a message found. */
struct frame_look {
    bool wild;           /**< A NUL byte, too deep, or a start tag too long: not to be parsed. */
    bool has_message_id; /**< The outermost element has the attribute message-id. */
    bool has_operation;  /**< Another has an attribute operation without a prefix. */
    size_t outermost;    /**< How many elements are in no other one. */
    bool has_remarks;    /**< Elements have comments or processing instructions in them. */
};

/**
 * Whether libyang may have a message. Where the element in the outermost one is an <action>, it
 * frees what it has not set if there is anything wrong in that start tag, or a text behind it.
 * @param well_formed Whether the message is, which is asked for in such a case alone.
 */
bool frame_is_safe(const char *message, size_t length, bool (*well_formed)(void *arg), void *arg);

/** Look at a message without parsing it. What is not well-formed is left for the parser to find. */
struct frame_look frame_look(const char *message, size_t length);

/** Take out comments and processing instructions, which libyang does not know within a text. */
void frame_strip(struct text *message);

#endif
