/*
 * From the text of a keepalived.conf to statements.
 */
#include "tests/unit/given.h"

#include "clients/import/keepalived_read.h"

#include <cmocka.h> /* its macro fail() hides agent/outcome.h's function */

/* Append statements as text: words with blanks between them, blocks in braces. */
static void show(const struct statement *first, char *to, size_t size)
{
    for (; first; first = first->next) {
        for (size_t i = 0; i < first->count; i++)
            snprintf(to + strlen(to), size - strlen(to), "%s%s", i ? " " : "", first->words[i]);
        if (first->block) {
            strncat(to, "{", size - strlen(to) - 1);
            show(first->child, to, size);
            strncat(to, "}", size - strlen(to) - 1);
        }
        strncat(to, ";", size - strlen(to) - 1);
    }
}

static size_t lefts;

static const char *read_as(const char *text, const char *config_id)
{
    static char shown[4096];
    struct import import;
    struct statement *first = NULL;
    struct error err = {0};
    import_begin(&import, schema);
    import.alone = true;
    import.config_id = config_id;
    shown[0] = '\0';
    if (keepalived_read(&import, text, "f", &first, &err) != DONE)
        snprintf(shown, sizeof(shown), "! %s", error_message(&err));
    show(first, shown, sizeof(shown));
    lefts = import.leftover_count;
    statements_free(first);
    error_clear(&err);
    import_end(&import);
    return shown;
}

static void words_quotes_and_comments(void **state)
{
    assert_string_equal(read_as("a b # c\n! d\n e \"f # g\" 'h i' # \"", NULL), "a b;e f # g h i;");
    assert_string_equal(read_as("a \"b \\\" c\\d\"\n", NULL), "a b \" c\\d;");
    assert_int_equal(lefts, 0);
    assert_string_equal(read_as("a \"b c\nd\n", NULL), "a b c;d;");
    assert_int_equal(lefts, 1);
}

static void blocks(void **state)
{
    assert_string_equal(read_as("a {\n b {\n c\n }\n}\n", NULL), "a{b{c;};};");
    assert_string_equal(read_as("a\n{ b c }\nd { }", NULL), "a{b c;};d{};");
    assert_string_equal(read_as("a {\n b {\n }\n", NULL), "! f:1: the block a has no end");
    assert_string_equal(read_as("a {\n}\n}\n", NULL),
                        "! f:3: a block ends here that has not begun");
}

static void definitions(void **state)
{
    assert_string_equal(read_as("$A=1\nb $A ${A}2 $Ax ${B}\n", NULL), "b 1 12 $Ax ${B};");
    assert_string_equal(read_as("$A=1${B}\n$B=2\nc $A\n$B=3\nc $A\n", NULL), "c 12;c 13;");
    assert_string_equal(read_as("$A= \\\nx { \\\n y ${N} \\\n}\n$N=1\n$A\n$N=2\n$A\n", NULL),
                        "x{y 1;};x{y 2;};");
    assert_string_equal(read_as("$A=$B\n$B=$A\nc $A\n", NULL), "");
    assert_int_equal(lefts, 1); /* without an end */
    assert_string_equal(read_as("a ${_HASH}b\n", NULL), "a #b;");
}

static void repeated_lines(void **state)
{
    assert_string_equal(read_as("~SEQ(N, 0, 3) a ${N}.1\n", NULL), "a 0.1;a 1.1;a 2.1;a 3.1;");
    assert_string_equal(read_as("~SEQx(N, 144, 0x10, 192) a ${N}\n", NULL), "a 90;a a0;a b0;a c0;");
    assert_string_equal(read_as("~SEQ(N,3,-2,-2) a ${N}\n~SEQ(M,2) b ${M}", NULL),
                        "a 3;a 1;a -1;b 1;b 2;");
    assert_string_equal(
        read_as("~LST({A,  B}, {10,1},{20,4}) ~SEQ(C,8,2,10) a ${C}.${A}.${B}", NULL),
        "a 8.10.1;a 10.10.1;a 8.20.4;a 10.20.4;");
    assert_string_equal(read_as("$L= \\\nx { \\\n y ${N} \\\n}\n~LST(N, 1, 2) $L\n", NULL),
                        "x{y 1;};x{y 2;};");
    assert_int_equal(lefts, 0);
    static const char *const wrong[] = {"~SEQ(N) a\n",
                                        "~SEQ(N, 1, 0, 3) a\n",
                                        "~SEQ(1, 3) a\n",
                                        "~SEQ(N, x) a\n",
                                        "~SEQ(N, 1, 2, 3, 4) a\n",
                                        "~SEQ(N, 3 a\n",
                                        "~SEQ a\n",
                                        "~LST(N) a\n",
                                        "~LST({}, {}) a\n",
                                        "~LST({A, B}, {1}) a\n",
                                        "~NEW(N, 1) a\n",
                                        "~SEQ(N, 0, 999999999) a\n",
                                        "~LST(,) a\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_string_equal(read_as(wrong[i], NULL), "");
        assert_int_equal(lefts, 1);
    }
    read_as("~SEQ(A, 1, 1000) ~SEQ(B, 1, 1000) ~SEQ(C, 1, 1000) a\n", NULL);
    assert_int_equal(lefts, 1); /* too many */
}

static void conditional_lines(void **state)
{
    const char *text = "@x a\n@y b\n@^x c\n@^y d\n";
    assert_string_equal(read_as(text, "x"), "a;d;");
    assert_int_equal(lefts, 0);
    assert_string_equal(read_as(text, NULL), "");
    assert_int_equal(lefts, 4);
}

static void lines_that_go_on(void **state)
{
    assert_string_equal(read_as("a b \\\n c\nd\n", NULL), "a b c;d;");
    assert_string_equal(read_as("a \\", NULL), "a;");
    assert_string_equal(read_as("include x.conf\na\n", NULL), "a;");
    assert_int_equal(lefts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_quotes_and_comments),
        cmocka_unit_test(blocks),
        cmocka_unit_test(definitions),
        cmocka_unit_test(repeated_lines),
        cmocka_unit_test(conditional_lines),
        cmocka_unit_test(lines_that_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
