/*
 * Answers of DNS servers. The first octet is the type of records that is asked for. An answer that
 * is wrong whatever its records is wrong for those who expect one, too; and what matches nothing,
 * no record matches.
 */
#include "tests/fuzz/fuzz.h"

#include "backends/health/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pattern *anything, *nothing;
    char error[200];
    if (!anything) {
        anything = pattern_new("", error, sizeof(error));
        nothing = pattern_new("(?!)", error, sizeof(error));
    }
    if (!size)
        return 0;
    struct dns_expected expected = {.type = data[0]};
    const char *fault = dns_answer_fault(data + 1, size - 1, &expected);
    expected.record = "192.0.2.9";
    const char *other = dns_answer_fault(data + 1, size - 1, &expected);
    expected.record = NULL;
    expected.pattern = anything;
    const char *any = dns_answer_fault(data + 1, size - 1, &expected);
    expected.pattern = nothing;
    if (!dns_answer_fault(data + 1, size - 1, &expected) || (fault && (!other || !any)))
        abort();
    return 0;
}
