/*
 * Steering: the sum of verdict and order, the table, and its files.
 */
#include "given.h"

#include "agent/steering/store.h"

#include <cmocka.h>

#define CONFIGURED STEERING_WEIGHT_CONFIGURED
#define ABSENT                                                                                     \
    {                                                                                              \
        false, 0                                                                                   \
    }

/* What each order comes to while nobody checks, while up with weight 7, down, and inhibited. */
static const struct {
    struct steering_order order;
    struct steering_sum unchecked, up, down, inhibited;
} sums[] = {
    {{0}, {true, CONFIGURED}, {true, 7}, ABSENT, {true, 0}},
    {{STEERING_ORDER_UP}, {true, CONFIGURED}, {true, 7}, {true, CONFIGURED}, {true, CONFIGURED}},
    {{STEERING_ORDER_DOWN}, ABSENT, ABSENT, ABSENT, ABSENT},
    {{STEERING_ORDER_DRAIN}, {true, 0}, {true, 0}, ABSENT, {true, 0}},
    {{STEERING_ORDER_DRAIN, .drained = true}, ABSENT, ABSENT, ABSENT, ABSENT},
    {{STEERING_ORDER_WEIGHT, .weight = 3}, {true, 3}, {true, 3}, ABSENT, {true, 0}},
    {{STEERING_ORDER_WEIGHT, .weight = 0}, {true, 0}, {true, 0}, ABSENT, {true, 0}},
    {{STEERING_ORDER_LEAVE}, {true, 0}, {true, 0}, {true, 0}, {true, 0}},
    {{STEERING_ORDER_LEAVE, .drained = true}, ABSENT, ABSENT, ABSENT, ABSENT},
};

static void assert_sum(struct steering_order order, struct steering_verdict verdict,
                       struct steering_sum wanted)
{
    struct steering_server server = {.verdict = verdict, .order = order};
    struct steering_sum sum = steering_sum(&server);
    assert_int_equal(sum.present, wanted.present);
    if (wanted.present)
        assert_int_equal(sum.weight, wanted.weight);
}

static void every_verdict_and_order_have_a_sum(void **state)
{
    for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
        struct steering_order order = sums[i].order;
        assert_sum(order, (struct steering_verdict){0}, sums[i].unchecked);
        assert_sum(order, (struct steering_verdict){.weight = 9}, sums[i].unchecked);
        assert_sum(order, (struct steering_verdict){STEERING_UP, 7}, sums[i].up);
        assert_sum(order, (struct steering_verdict){STEERING_DOWN, 7}, sums[i].down);
        assert_sum(order, (struct steering_verdict){STEERING_DOWN, 7, true}, sums[i].inhibited);
    }
}

static void up_without_a_weight_is_as_configured(void **state)
{
    assert_sum((struct steering_order){0}, (struct steering_verdict){STEERING_UP, CONFIGURED},
               (struct steering_sum){true, CONFIGURED});
}

static struct steering_key numbered(unsigned number, char room[2][32])
{
    snprintf(room[0], 32, "server-%u", number % 100);
    snprintf(room[1], 32, "10.0.%u.%u", number / 256, number % 256);
    return (struct steering_key){room[0], room[1], (uint16_t)(80 + number % 7)};
}

static void a_table_finds_what_was_put_in(void **state)
{
    struct steering_table table = {0};
    char room[2][32];
    for (unsigned i = 0; i < 5000; i++) {
        struct steering_key key = numbered(i, room);
        struct steering_record *record = steering_table_add(&table, &key);
        assert_non_null(record);
        assert_ptr_equal(steering_table_add(&table, &key), record);
        record->verdict.since = i;
    }
    assert_int_equal(table.record_count, 5000);
    assert_int_equal(table.service_count, 100);
    for (unsigned i = 0; i < 5000; i += 2) {
        struct steering_key key = numbered(i, room);
        steering_table_remove(&table, steering_table_find(&table, &key));
    }
    for (unsigned i = 0; i < 5000; i++) {
        struct steering_key key = numbered(i, room);
        struct steering_record *record = steering_table_find(&table, &key);
        assert_int_equal(record != NULL, i % 2);
        if (record)
            assert_int_equal(record->verdict.since, i);
    }
    size_t count = 0;
    struct steering_service *service = steering_table_service(&table, "server-1");
    for (struct steering_record *at = service->records; at; at = at->next_of_service)
        count++;
    assert_int_equal(count, 50);
    steering_table_clear(&table);
}

static const struct steering_key web = {"web", "2001:db8::1", 8080};

static void files_bring_back_what_was_known(void **state)
{
    struct steering_table table = {0}, again = {0};
    struct steering_order order = {STEERING_ORDER_WEIGHT, 12,  false, 5, 6, "ann",
                                   "a b\nc \"7\"",        true};
    struct error error = {0};
    char *orders, *verdicts;
    size_t orders_size, verdicts_size;
    struct steering_record *record = steering_table_add(&table, &web);
    record->verdict = (struct steering_verdict){STEERING_DOWN, -1, true, 99};
    assert_true(steering_record_order(record, &order));
    steering_table_add_service(&table, "lost")->quorum_lost = true;
    assert_int_equal(steering_write_orders(&table, &orders, &orders_size, &error), DONE);
    assert_int_equal(steering_write_verdicts(&table, &verdicts, &verdicts_size, &error), DONE);
    assert_int_equal(steering_read_file(&again, orders, orders_size, &error), DONE);
    assert_int_equal(steering_read_file(&again, verdicts, verdicts_size, &error), DONE);

    struct steering_server server;
    steering_record_read(steering_table_find(&again, &web), &server);
    assert_int_equal(server.verdict.health, STEERING_DOWN);
    assert_true(server.verdict.inhibit);
    assert_int_equal(server.verdict.since, 99);
    assert_int_equal(server.order.kind, STEERING_ORDER_WEIGHT);
    assert_int_equal(server.order.weight, 12);
    assert_int_equal(server.order.until, 6);
    assert_true(server.order.configured);
    assert_string_equal(server.order.owner, "ann");
    assert_string_equal(server.order.reason, order.reason);
    assert_true(steering_table_service(&again, "lost")->quorum_lost);
    free(orders);
    free(verdicts);
    steering_table_clear(&table);
    steering_table_clear(&again);
}

static void a_damaged_file_is_told(void **state)
{
    struct steering_table table = {0};
    struct steering_order order = {STEERING_ORDER_DOWN, 0, false, 5, 0, "ann", ""};
    struct error error = {0};
    char *data;
    size_t size;
    assert_true(steering_record_order(steering_table_add(&table, &web), &order));
    assert_int_equal(steering_write_orders(&table, &data, &size, &error), DONE);
    steering_table_clear(&table);
    for (size_t i = 0; i < size; i++) {
        data[i] ^= 4;
        assert_int_equal(steering_read_file(&table, data, size, &error), FAILED);
        error_clear(&error);
        data[i] ^= 4;
        assert_int_equal(steering_read_file(&table, data, i, &error), FAILED);
        error_clear(&error);
        assert_int_equal(table.record_count, 0);
    }
    free(data);
    steering_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_and_order_have_a_sum),
        cmocka_unit_test(up_without_a_weight_is_as_configured),
        cmocka_unit_test(a_table_finds_what_was_put_in),
        cmocka_unit_test(files_bring_back_what_was_known),
        cmocka_unit_test(a_damaged_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
