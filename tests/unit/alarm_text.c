/*
 * Texts of alarms: whatever a server answers, the list can be shown and stored.
 */
#include "tests/unit/given.h"

#include "agent/event/alarm_text.h"

#include <cmocka.h>

static void what_is_no_character_is_a_question_mark(void **state)
{
    static const char *const cases[][2] = {
        {"refused", "refused"},
        {"two\nlines\tand\r", "two lines and "},
        {"\x1b[31mred\x7f", "?[31mred?"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"latin \xfc\xdf", "latin ??"},
        {"cut \xe2\x82", "cut ??"},
        {"overlong \xc0\xaf \xe0\x80\xaf", "overlong ?? ???"},
        {"surrogate \xed\xa0\x80", "surrogate ???"},
        {"none \xef\xbf\xbf \xf4\x90\x80\x80 \xef\xb7\x90", "none ??? ???? ???"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[64];
        strcpy(text, cases[i][0]);
        alarm_text_clean(text);
        assert_string_equal(text, cases[i][1]);
    }
}

/* Whatever the bytes, libyang takes the text. */
static void any_bytes_become_a_yang_string(void **state)
{
    const struct lysc_node *leaf =
        lys_find_path(schema->ctx, NULL, "/ietf-alarms:alarms/alarm-list/alarm/alarm-text", 0);
    uint32_t seed = 1;
    assert_non_null(leaf);
    for (int round = 0; round < 20000; round++) {
        char text[9];
        for (int i = 0; i < 8; i++) {
            seed = seed * 1103515245 + 12345;
            text[i] = (char)(seed >> 16 | (round & 1 ? 0x80 : 0));
        }
        text[8] = '\0';
        alarm_text_clean(text);
        assert_int_equal(
            lyd_value_validate(schema->ctx, leaf, text, strlen(text), NULL, NULL, NULL), 0);
    }
}

static void a_long_text_is_cut_between_characters(void **state)
{
    char text[ALARM_TEXT_MAX * 2];
    for (size_t i = 0; i + 2 < sizeof(text); i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[sizeof(text) - 2] = '\0';
    alarm_text_clean(text);
    assert_int_equal(strlen(text), (ALARM_TEXT_MAX - 1) / 3 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_character_is_a_question_mark),
        cmocka_unit_test(any_bytes_become_a_yang_string),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
