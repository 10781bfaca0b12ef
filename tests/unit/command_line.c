/*
 * Words of a command line.
 */
#include "agent/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *split(const char *text)
{
    static char shown[256];
    size_t count;
    char **words = command_line_split(text, &count);
    assert_non_null(words);
    shown[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "[%s]", words[i]);
    assert_null(words[count]);
    free(words);
    return shown;
}

static void words(void **state)
{
    assert_string_equal(split("/bin/a"), "[/bin/a]");
    assert_string_equal(split("/bin/a  b\tc "), "[/bin/a][b][c]");
    assert_string_equal(split(" a 'b c' \"d 'e\" f\"g h\"'i'"), "[a][b c][d 'e][fg hi]");
    assert_string_equal(split("a '' b"), "[a][][b]");
    assert_string_equal(split("a 'b c"), "[a][b c]");
    assert_string_equal(split(""), "");
    assert_string_equal(split("a b c d e f g h"), "[a][b][c][d][e][f][g][h]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
