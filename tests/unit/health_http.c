/*
 * Answers of HTTP/1, whole and in portions of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/http_answer.h"

#include <cmocka.h>

/* What is made of an answer. */
struct reading {
    char body[64];
    size_t size, most;
    enum http_progress progress;
    struct http_answer answer;
};

static size_t take(void *arg, const char *data, size_t size)
{
    struct reading *reading = arg;
    size_t left = reading->most - reading->size, taken = size < left ? size : left;
    memcpy(reading->body + reading->size, data, taken);
    reading->size += taken;
    return taken;
}

/* Read an answer in portions, each in memory of its own size, so that reading past it is found. */
static struct reading read_in(const char *text, size_t size, size_t portion, size_t most, bool head)
{
    struct reading reading = {.most = most, .answer = {.to_head = head}};
    for (size_t at = 0; at < size && reading.progress == HTTP_MORE; at += portion) {
        size_t part = size - at < portion ? size - at : portion;
        char *data = malloc(part);
        memcpy(data, text + at, part);
        reading.progress = http_answer_read(&reading.answer, data, part, take, &reading);
        free(data);
    }
    if (reading.progress == HTTP_MORE)
        reading.progress = http_answer_close(&reading.answer);
    return reading;
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

struct answer_case {
    const char *text;
    unsigned status;   /* 0: it is wrong */
    const char *about; /* its body, or what is wrong with it */
};

static void check_case(const struct answer_case *it, bool head)
{
    size_t size = strlen(it->text);
    for (size_t portion = 1; portion <= size; portion++) {
        struct reading reading = read_in(it->text, size, portion, sizeof(reading.body), head);
        if (!it->status) {
            assert_int_equal(reading.progress, HTTP_WRONG);
            assert_non_null(strstr(reading.answer.fault, it->about));
            continue;
        }
        assert_int_equal(reading.progress, HTTP_WHOLE);
        assert_null(reading.answer.fault);
        assert_int_equal(reading.answer.status, it->status);
        assert_int_equal(reading.size, strlen(it->about));
        assert_memory_equal(reading.body, it->about, reading.size);
    }
}

static void answers_are_read(void **state)
{
    static const struct answer_case cases[] = {
        {OK "Content-Length: 5\r\n\r\nhello", 200, "hello"},
        {OK "content-LENGTH:5 \r\n\r\nhelloHTTP/1.1 500 x", 200, "hello"},
        {OK "Content-Length: 5\r\nContent-Length: 5, 5\r\n\r\nhello", 200, "hello"},
        {OK "Content-Length: 0\r\n\r\nx", 200, ""},
        {OK "\r\nuntil the end", 200, "until the end"},
        {OK "\r\n", 200, ""},
        {"HTTP/1.0 404\n\nbare", 404, "bare"},
        {"HTTP/1.1 299 \r\nX: y\n folded: too\r\n\r\nx", 299, "x"},
        {"http/1.9 503 Busy\r\nTransfer-Encoding: identity\r\n\r\nx", 503, "x"},
        {"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", 204, ""},
        {"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 304, ""},
        {"HTTP/1.1 101 x\r\nUpgrade: y\r\n\r\n\x01\x02", 101, ""},
        {"HTTP/1.1 100 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103 y\r\n\r\n" OK
         "Content-Length: 2\r\n\r\nhi",
         200, "hi"},
        {CHUNKED "5\r\nhello\r\n0\r\n\r\n", 200, "hello"},
        {CHUNKED "3;a=\"b\"\nhel\n0002 \r\nlo\r\n000\r\nX: y\r\nZ\r\n\r\nnext", 200, "hello"},
        {OK
         "Content-Length: 99\r\nTransfer-Encoding: identity, , Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         200, "x"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check_case(&cases[i], false);
}

static void wrong_answers_are_found(void **state)
{
    static const struct answer_case cases[] = {
        {"HTTP/1.1", 0, "before the answer was whole"},
        {OK "Content-Length: 5\r\n", 0, "before the answer was whole"},
        {OK "Content-Length: 5\r\n\r\nhell", 0, "before the answer was whole"},
        {CHUNKED "5\r\nhello\r\n", 0, "before the answer was whole"},
        {CHUNKED "5\r\nhello\r\n0\r\n", 0, "before the answer was whole"},
        {"HTTP/1.1 100 x\r\n\r\n", 0, "before the answer was whole"},
        {"220 mail ESMTP\r\n", 0, "not HTTP"},
        {"HTTQ", 0, "not HTTP"},
        {"HT\n", 0, "not HTTP"},
        {"\r\n" OK "\r\n", 0, "not HTTP"},
        {"HTTP/2 200\r\n", 0, "unknown version"},
        {"HTTP/1.11 200\r\n", 0, "unknown version"},
        {"HTTP/1.1\r\n", 0, "unknown version"},
        {"HTTP/1.1 20\r\n", 0, "no status"},
        {"HTTP/1.1 2000 x\r\n", 0, "no status"},
        {"HTTP/1.1 099 x\r\n", 0, "no status"},
        {"HTTP/1.1 OK\r\n", 0, "no status"},
        {OK "nothing\r\n\r\n", 0, "no colon"},
        {OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, "Content-Length"},
        {OK "Content-Length: -5\r\n\r\n", 0, "Content-Length"},
        {OK "Content-Length: 5x\r\n\r\n", 0, "Content-Length"},
        {OK "Content-Length:\r\n\r\n", 0, "Content-Length"},
        {OK "Content-Length: 9223372036854775808\r\n\r\n", 0, "Content-Length"},
        {OK "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, "Transfer-Encoding"},
        {OK "Transfer-Encoding: chunked, gzip\r\n\r\n", 0, "Transfer-Encoding"},
        {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0,
         "Transfer-Encoding"},
        {CHUNKED "x\r\n", 0, "size of a chunk"},
        {CHUNKED "\r\n", 0, "size of a chunk"},
        {CHUNKED "-1\r\n", 0, "size of a chunk"},
        {CHUNKED "8000000000000000\r\n", 0, "size of a chunk"},
        {CHUNKED "3\r\nhello\r\n", 0, "longer than it says"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check_case(&cases[i], false);
    struct http_answer nothing = {0};
    assert_int_equal(http_answer_close(&nothing), HTTP_WRONG);
    assert_non_null(strstr(nothing.fault, "without an answer"));
    struct reading zero = read_in(OK "X: \0\r\n\r\n", 24, 5, 9, false);
    assert_int_equal(zero.progress, HTTP_WRONG);
    assert_non_null(strstr(zero.answer.fault, "zero"));
}

static void an_answer_to_head_has_no_body(void **state)
{
    check_case(&(struct answer_case){OK "Content-Length: 5\r\n\r\n", 200, ""}, true);
    check_case(&(struct answer_case){CHUNKED, 200, ""}, true);
}

static void a_body_may_be_left(void **state)
{
    static const char *const texts[] = {OK "Content-Length: 6\r\n\r\nhello!", OK "\r\nhello!",
                                        CHUNKED "6\r\nhello!\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct reading reading = read_in(texts[i], strlen(texts[i]), 1000, 5, false);
        assert_int_equal(reading.progress, HTTP_STOPPED);
        assert_null(reading.answer.fault);
        assert_int_equal(reading.size, 5);
    }
}

static void lines_may_be_long_but_not_endless(void **state)
{
    static char text[HTTP_HEAD_MAX + 1000];
    memset(text, 'x', sizeof(text));
    memcpy(text, OK "X: ", strlen(OK "X: "));
    struct reading endless = read_in(text, sizeof(text), 1000, 9, false);
    assert_int_equal(endless.progress, HTTP_WRONG);
    assert_non_null(strstr(endless.answer.fault, "too long"));
    static const char end[] = "\r\nContent-Length: 1\r\n\r\ny";
    memcpy(text + 100000, end, strlen(end));
    struct reading longer = read_in(text, 100000 + strlen(end), 1000, 9, false);
    assert_int_equal(longer.progress, HTTP_WHOLE);
    assert_int_equal(longer.size, 1);
    /* What of an encoding is not looked at may be any. */
    memcpy(text, OK "Transfer-Encoding:", strlen(OK "Transfer-Encoding:"));
    memset(text + strlen(OK "Transfer-Encoding:"), ' ', 200);
    struct reading strange = read_in(text, 100000 + strlen(end), 1000, 9, false);
    assert_int_equal(strange.progress, HTTP_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(wrong_answers_are_found),
        cmocka_unit_test(an_answer_to_head_has_no_body),
        cmocka_unit_test(a_body_may_be_left),
        cmocka_unit_test(lines_may_be_long_but_not_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
