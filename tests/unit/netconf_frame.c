/*
 * Framing: messages come out as they were put in, however they were cut on the way; and what a look
 * at a message finds is what libyang finds in it.
 *
 * NORIA_SEED chooses another sequence of random messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libyang/libyang.h>

#include "agent/netconf/frame.h"

#include <cmocka.h>

#define END "]]>]]>"

static unsigned pick(unsigned count)
{
    return (unsigned)random() % count;
}

/* What a client sends, and the messages in it, a NUL behind each. */
struct sending {
    struct text bytes, messages;
};

static void add_chunk(struct text *bytes, const char *part, size_t length)
{
    char line[32];
    snprintf(line, sizeof(line), "\n#%zu\n", length);
    text_add_string(bytes, line);
    text_add(bytes, part, length);
}

/* Put a message into the framing of a version, by a way of our own. */
static void add_message(struct sending *sending, bool chunked, const char *message, size_t length)
{
    text_add(&sending->messages, message, length);
    text_add(&sending->messages, "", 1);
    while (chunked && length) {
        size_t part = pick(4) ? length : 1 + pick((unsigned)length);
        add_chunk(&sending->bytes, message, part);
        message += part;
        length -= part;
    }
    text_add(&sending->bytes, message, length);
    text_add_string(&sending->bytes, chunked ? "\n##\n" : END);
}

static void sending_free(struct sending *sending)
{
    text_free(&sending->bytes);
    text_free(&sending->messages);
}

/* Take the messages that are there, a NUL behind each. */
static enum frame_result take(struct frame_reader *reader, bool chunked, struct text *messages)
{
    struct text message = {0};
    enum frame_result result;
    while ((result = frame_next(reader, chunked, &message)) == FRAME_MESSAGE) {
        assert_int_equal(message.data[message.length], 0);
        text_add(messages, message.data, message.length + 1);
        text_free(&message);
    }
    return result;
}

/* All must come out that was put in, in pieces of the size that a function gives. */
static void check_sending(const struct sending *sending, bool chunked, size_t (*piece)(size_t left))
{
    struct frame_reader reader = {.limit = 1 << 20};
    struct text messages = {0};
    for (size_t at = 0; at < sending->bytes.length;) {
        size_t part = piece(sending->bytes.length - at);
        frame_add(&reader, sending->bytes.data + at, part);
        at += part;
        assert_int_equal(take(&reader, chunked, &messages), FRAME_MORE);
    }
    assert_int_equal(frame_waiting(&reader), 0);
    assert_int_equal(messages.length, sending->messages.length);
    assert_memory_equal(messages.data, sending->messages.data, messages.length);
    text_free(&messages);
    text_free(&reader.received);
}

static size_t first_piece;

static size_t split_once(size_t left)
{
    size_t piece = first_piece ? first_piece : left;
    first_piece = 0;
    return piece;
}

static size_t one_octet(size_t left)
{
    return 1;
}

static size_t any_size(size_t left)
{
    size_t piece = 1 + pick(pick(2) ? 8 : 40000);
    return piece < left ? piece : left;
}

static void three_messages_split_at_each_octet(void **state)
{
    static const char *const messages[] = {"<a>]]>]]</a>", "<b>\n#4\n\n##\n#</b>", "<c/>"};
    for (int chunked = 0; chunked < 2; chunked++) {
        struct sending sending = {0};
        for (size_t i = 0; i < 3; i++)
            add_message(&sending, chunked, messages[i], strlen(messages[i]));
        for (size_t at = 1; at < sending.bytes.length; at++) {
            first_piece = at;
            check_sending(&sending, chunked, split_once);
        }
        check_sending(&sending, chunked, one_octet);
        sending_free(&sending);
    }
}

/* Of pieces that look like framing; but one that base:1.0 can carry does not hold its mark. */
static size_t random_message(char *message, size_t room, bool chunked)
{
    static const char *const pieces[] = {"]]>", "]", "\n", "#", "\n##\n", "\n#7\n", "<x/>", END};
    size_t length = 0, wanted = 1 + pick(pick(8) ? 60 : (unsigned)room - 20);
    while (length < wanted) {
        const char *piece = pieces[pick(8)];
        length = (size_t)(stpcpy(message + length, piece) - message);
    }
    strcpy(message + length, END);
    for (char *mark; !chunked && (mark = strstr(message, END)) != message + length;)
        *mark = 'x';
    return length;
}

static void random_messages_in_random_pieces(void **state)
{
    static char message[100000];
    for (int round = 0; round < 300; round++) {
        struct sending sending = {0};
        bool chunked = pick(2);
        for (unsigned i = pick(12); i < 12; i++) {
            size_t length = random_message(message, sizeof(message), chunked);
            add_message(&sending, chunked, message, length);
        }
        check_sending(&sending, chunked, any_size);
        sending_free(&sending);
    }
}

/* The verdict is the same wherever the network cut what was sent. */
static void the_limit_is_that_of_the_message(void **state)
{
    static char message[1001];
    memset(message, 'm', sizeof(message));
    for (int chunked = 0; chunked < 2; chunked++) {
        for (size_t length = 999; length <= 1001; length++) {
            struct sending sending = {0};
            add_message(&sending, chunked, message, length);
            for (size_t at = 1; at < sending.bytes.length; at++) {
                struct frame_reader reader = {.limit = 1000};
                struct text messages = {0};
                frame_add(&reader, sending.bytes.data, at);
                enum frame_result result = take(&reader, chunked, &messages);
                frame_add(&reader, sending.bytes.data + at, sending.bytes.length - at);
                if (result == FRAME_MORE)
                    result = take(&reader, chunked, &messages);
                assert_int_equal(result, length > 1000 ? FRAME_TOO_LONG : FRAME_MORE);
                assert_int_equal(messages.length, length > 1000 ? 0 : length + 1);
                text_free(&messages);
                text_free(&reader.received);
            }
            sending_free(&sending);
        }
    }
}

/* A chunk that is too long need not come to be refused. */
static void a_chunk_that_is_too_long_is_refused_at_once(void **state)
{
    struct frame_reader reader = {.limit = 1000};
    struct text messages = {0};
    frame_add(&reader, "\n#4294967295\n", 13);
    assert_int_equal(take(&reader, true, &messages), FRAME_TOO_LONG);
    text_free(&reader.received);
}

/* Take the messages that came together, and count the octets that are moved to the front for it. */
static size_t moved_for_messages(struct frame_reader *reader, size_t count)
{
    struct text message = {0};
    size_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(frame_next(reader, false, &message), FRAME_MESSAGE);
        text_free(&message);
        /* What is left stays behind what was handed over until it is moved. */
        moved += reader->start ? 0 : frame_waiting(reader);
    }
    return moved;
}

/* To move all that is left for each message would be to move each octet as often. */
static void many_messages_are_not_moved_for_each(void **state)
{
    static const char get[] = "<rpc message-id=\"1\"><get-config/></rpc>";
    struct frame_reader reader = {.limit = 1 << 20};
    struct sending sending = {0};
    for (int i = 0; i < 5000; i++)
        add_message(&sending, false, get, sizeof(get) - 1);
    frame_add(&reader, sending.bytes.data, sending.bytes.length);
    assert_true(moved_for_messages(&reader, 4999) <= sending.bytes.length);
    frame_add(&reader, sending.bytes.data, sending.bytes.length);
    assert_true(moved_for_messages(&reader, 5001) <= sending.bytes.length);
    assert_int_equal(frame_waiting(&reader), 0);
    text_free(&reader.received);
    sending_free(&sending);
}

/* A look, held against libyang. */

static size_t depth_of(const struct lyd_node *node)
{
    size_t deepest = 0;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        size_t depth = depth_of(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static bool has_id(const struct lyd_node *node)
{
    const struct lyd_attr *attribute;
    LY_LIST_FOR(((const struct lyd_node_opaq *)node)->attr, attribute)
    {
        if (!strcmp(attribute->name.name, "message-id") && !attribute->name.prefix)
            return true;
    }
    return false;
}

/* What may stand between elements, and looks like them. */
static void write_between(FILE *out)
{
    static const char *const texts[] = {
        "",           "",      " \n",       "<!-- <x> -->", "<!-- > <x message-id='1'>-->",
        "<?x <y> ?>", "<?x?>", "<!--<?-->", "<!---->"};
    fputs(texts[pick(sizeof(texts) / sizeof(*texts))], out);
}

static void write_element(FILE *out, unsigned deeper)
{
    static const char *const attributes[] = {"",
                                             " message-id=\"1\"",
                                             " x='>'",
                                             " x=\"/>\" y='\"'",
                                             "\n message-id = '<'",
                                             " x='message-id=1'",
                                             " message-identity='1'",
                                             " xmlns:p='urn:p' p:message-id='1'",
                                             " x=' message-id=\"1\"'"};
    const char *attribute = attributes[pick(sizeof(attributes) / sizeof(*attributes))];
    fprintf(out, "<r%s xmlns='urn:x'", strchr(attribute, '<') ? " " : attribute);
    if (!deeper && pick(2)) {
        fputs(pick(2) ? "/>" : " />", out);
        return;
    }
    fputs(pick(2) ? ">" : " >", out);
    write_between(out);
    for (unsigned i = 0; deeper && i < 1 + pick(deeper > 4 ? 1 : 3); i++) {
        write_element(out, deeper > 4 || pick(2) ? deeper - 1 : 0);
        write_between(out);
    }
    fputs(pick(2) ? "</r>" : "</r >", out);
}

/* As libyang prints it; to be freed. */
static char *tree_of(const struct ly_ctx *bare, const char *text)
{
    struct lyd_node *tree = NULL;
    char *printed = NULL;
    assert_int_equal(
        lyd_parse_data_mem(bare, text, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &tree), 0);
    assert_int_equal(lyd_print_mem(&printed, tree, LYD_XML, LYD_PRINT_SHRINK), 0);
    lyd_free_all(tree);
    return printed;
}

/* What is stripped of remarks means the same, and has none. */
static void check_stripped(const struct ly_ctx *bare, const char *text)
{
    struct text message = {0};
    text_add_string(&message, text);
    frame_strip(&message);
    char *before = tree_of(bare, text), *after = tree_of(bare, message.data);
    assert_string_equal(after, before);
    assert_int_equal(message.length, strlen(message.data));
    assert_false(frame_look(message.data, message.length).has_remarks);
    free(before);
    free(after);
    text_free(&message);
}

static void a_look_finds_what_libyang_finds(void **state)
{
    struct ly_ctx *bare = NULL;
    unsigned parsed = 0, with_id = 0, deep = 0;
    assert_int_equal(ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY, &bare), 0);
    ly_log_options(LY_LOSTORE_LAST);
    for (int round = 0; round < 4000; round++) {
        struct lyd_node *tree = NULL;
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        write_between(out);
        write_element(out, pick(10) ? pick(5) : 240 + pick(40));
        write_between(out);
        fclose(out);
        struct frame_look look = frame_look(text, size);
        if (!lyd_parse_data_mem(bare, text, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &tree)) {
            parsed++;
            with_id += has_id(tree);
            deep += depth_of(tree) > FRAME_DEPTH_MAX;
            if (!look.wild)
                check_stripped(bare, text);
            if (look.wild != (depth_of(tree) > FRAME_DEPTH_MAX) ||
                (!look.wild && look.has_message_id != has_id(tree)))
                fail_msg("depth %zu, wild %d; id %d, found %d: %.2000s", depth_of(tree), look.wild,
                         has_id(tree), look.has_message_id, text);
        }
        lyd_free_all(tree);
        free(text);
    }
    assert_true(parsed > 2000 && with_id > 200 && deep > 20);
    ly_ctx_destroy(bare);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_messages_split_at_each_octet),
        cmocka_unit_test(random_messages_in_random_pieces),
        cmocka_unit_test(the_limit_is_that_of_the_message),
        cmocka_unit_test(a_chunk_that_is_too_long_is_refused_at_once),
        cmocka_unit_test(many_messages_are_not_moved_for_each),
        cmocka_unit_test(a_look_finds_what_libyang_finds),
    };
    const char *seed = getenv("NORIA_SEED");
    srandom(seed ? (unsigned)atoi(seed) : 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
