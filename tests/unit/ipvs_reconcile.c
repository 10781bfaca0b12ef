/*
 * The planner of IPVS: the smallest difference, its order, and its inverse. A model of the kernel
 * runs the plans, with the kernel's rules for what is there already and what is not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/reconcile.h"

#include <cmocka.h>

static struct ipvs_service_id service_id(unsigned number)
{
    return (struct ipvs_service_id){.family = AF_INET,
                                    .protocol = IPPROTO_TCP,
                                    .port = 80,
                                    .address = {192, 0, 2, (uint8_t)number}};
}

/* Add a service with destinations by their numbers, which ends with 0; a weight is number + w. */
static struct ipvs_service *add_service(struct ipvs_table *table, unsigned number,
                                        const char *scheduler, uint32_t weight,
                                        const unsigned *destinations)
{
    struct ipvs_service *service = ipvs_table_add(table);
    service->id = service_id(number);
    strcpy(service->scheduler, scheduler);
    for (; *destinations; destinations++) {
        struct ipvs_destination *destination = ipvs_service_add(service);
        destination->id = (struct ipvs_destination_id){
            .family = AF_INET, .port = 80, .address = {10, 0, 0, (uint8_t)*destinations}};
        destination->weight = *destinations + weight;
    }
    return service;
}

#define DESTINATIONS(...) ((const unsigned[]){__VA_ARGS__ __VA_OPT__(, ) 0})

/* -- A model of the kernel -------------------------------------------------------------------- */

static struct ipvs_service *seek_service(struct ipvs_table *table, const struct ipvs_service_id *id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (ipvs_service_compare(&table->services[i].id, id) == 0)
            return &table->services[i];
    }
    return NULL;
}

static struct ipvs_destination *seek_destination(struct ipvs_service *service,
                                                 const struct ipvs_destination_id *id)
{
    for (size_t i = 0; i < service->count; i++) {
        if (ipvs_destination_compare(&service->destinations[i].id, id) == 0)
            return &service->destinations[i];
    }
    return NULL;
}

static int run_on_service(struct ipvs_table *kernel, const struct ipvs_operation *operation)
{
    struct ipvs_service *service = seek_service(kernel, operation->id);
    if (operation->verb == IPVS_ADD ? service != NULL : service == NULL)
        return operation->verb == IPVS_ADD ? EEXIST : ESRCH;
    if (operation->verb == IPVS_DELETE) {
        free(service->destinations);
        *service = kernel->services[--kernel->count];
        return 0;
    }
    if (operation->verb == IPVS_ADD)
        service = ipvs_table_add(kernel);
    service->id = *operation->id;
    strcpy(service->scheduler, operation->service->scheduler);
    return 0;
}

static int run_on_destination(struct ipvs_table *kernel, const struct ipvs_operation *operation)
{
    struct ipvs_service *service = seek_service(kernel, operation->id);
    if (!service)
        return ESRCH;
    struct ipvs_destination *destination =
        seek_destination(service, ipvs_destination_of(operation));
    if (operation->verb == IPVS_ADD ? destination != NULL : destination == NULL)
        return operation->verb == IPVS_ADD ? EEXIST : ENOENT;
    if (operation->verb == IPVS_DELETE) {
        *destination = service->destinations[service->count - 1];
        service->count--;
        return 0;
    }
    if (operation->verb == IPVS_ADD)
        destination = ipvs_service_add(service);
    *destination = *operation->destination;
    return 0;
}

/* Run operations; the one with the index bad fails. @return How many failed. */
static size_t run(struct ipvs_table *kernel, struct ipvs_operations *operations, size_t bad)
{
    size_t failed = 0;
    for (size_t i = 0; i < operations->count; i++) {
        struct ipvs_operation *operation = &operations->list[i];
        operation->result = i == bad                         ? EINVAL
                            : ipvs_on_destination(operation) ? run_on_destination(kernel, operation)
                                                             : run_on_service(kernel, operation);
        failed += operation->result != 0;
    }
    return failed;
}

static void copy_table(const struct ipvs_table *from, struct ipvs_table *to)
{
    *to = (struct ipvs_table){0};
    for (size_t i = 0; i < from->count; i++) {
        struct ipvs_service *service = ipvs_table_add(to);
        *service = from->services[i];
        service->destinations = NULL;
        service->count = 0;
        for (size_t d = 0; d < from->services[i].count; d++)
            *ipvs_service_add(service) = from->services[i].destinations[d];
    }
}

static void assert_same(const struct ipvs_table *desired, struct ipvs_table *kernel)
{
    struct ipvs_operations rest;
    assert_int_equal(desired->count, kernel->count);
    assert_true(ipvs_plan(desired, kernel, &rest));
    assert_int_equal(rest.count, 0);
    ipvs_operations_clear(&rest);
}

/* -- Tests ------------------------------------------------------------------------------------ */

static void nothing_to_do(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations;
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 0);

    add_service(&desired, 1, "rr", 0, DESTINATIONS(1, 2, 3));
    add_service(&held, 1, "rr", 0, DESTINATIONS(3, 1, 2));
    held.services[0].flags = IP_VS_SVC_F_HASHED;      /* the kernel's own */
    held.services[0].destinations[0].tunnel_type = 1; /* means nothing to nat */
    held.services[0].destinations[0].active = 99;
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 0);
    ipvs_table_clear(&desired);
    ipvs_table_clear(&held);
}

static void smallest_difference(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations;
    add_service(&desired, 1, "rr", 0, DESTINATIONS(1, 2, 3));
    add_service(&held, 1, "rr", 0, DESTINATIONS(1, 2, 4));
    desired.services[0].destinations[1].weight = 9;

    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 3);
    const struct ipvs_operation *list = operations.list;
    assert_int_equal(list[0].verb, IPVS_EDIT);
    assert_int_equal(list[0].destination->weight, 9);
    assert_int_equal(list[0].old_destination->weight, 2);
    assert_int_equal(list[1].verb, IPVS_ADD);
    assert_int_equal(list[1].destination->id.address[3], 3);
    assert_int_equal(list[2].verb, IPVS_DELETE); /* last: the service always has some */
    assert_int_equal(list[2].old_destination->id.address[3], 4);
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
    ipvs_table_clear(&held);
}

static void settings_of_a_service_are_edited(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations;
    add_service(&desired, 1, "mh", 0, DESTINATIONS(1));
    add_service(&held, 1, "rr", 0, DESTINATIONS(1));
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 1);
    assert_int_equal(operations.list[0].verb, IPVS_EDIT);
    assert_false(ipvs_on_destination(&operations.list[0]));
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
    ipvs_table_clear(&held);
}

static void deletes_come_first(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations;
    add_service(&desired, 2, "rr", 0, DESTINATIONS(1, 2));
    add_service(&held, 1, "rr", 0, DESTINATIONS(1, 2));
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 4); /* its destinations go with the service */
    assert_int_equal(operations.list[0].verb, IPVS_DELETE);
    assert_int_equal(operations.list[1].verb, IPVS_ADD);
    assert_false(ipvs_on_destination(&operations.list[1]));
    assert_true(ipvs_on_destination(&operations.list[2]));
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
    ipvs_table_clear(&held);
}

static void a_service_wanted_twice_is_taken_once(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations;
    add_service(&desired, 1, "rr", 0, DESTINATIONS(1));
    add_service(&desired, 1, "wrr", 0, DESTINATIONS(2));
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.count, 2);
    assert_string_equal(operations.list[0].service->scheduler, "rr");
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
}

/* Services 1 and 2 swap their addresses, 3 goes, 4 comes, 5 changes, 6 stays. */
static void make_tables(struct ipvs_table *desired, struct ipvs_table *held)
{
    *desired = *held = (struct ipvs_table){0};
    add_service(held, 1, "rr", 0, DESTINATIONS(1, 2));
    add_service(held, 2, "wrr", 0, DESTINATIONS(3, 4));
    add_service(held, 3, "lc", 0, DESTINATIONS(1, 2, 3));
    add_service(held, 5, "rr", 0, DESTINATIONS(1, 2, 3));
    add_service(held, 6, "rr", 0, DESTINATIONS(1));
    add_service(desired, 2, "rr", 0, DESTINATIONS(1, 2));
    add_service(desired, 1, "wrr", 0, DESTINATIONS(3, 4));
    add_service(desired, 4, "sh", 0, DESTINATIONS(1, 7));
    add_service(desired, 5, "wlc", 5, DESTINATIONS(2, 3, 4));
    add_service(desired, 6, "rr", 0, DESTINATIONS(1));
}

static void a_plan_leads_there(void **state)
{
    struct ipvs_table desired, held, kernel;
    struct ipvs_operations operations;
    make_tables(&desired, &held);
    copy_table(&held, &kernel);
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(run(&kernel, &operations, SIZE_MAX), 0);
    assert_same(&desired, &kernel);
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&kernel);
    ipvs_table_clear(&held);
    ipvs_table_clear(&desired);
}

static void the_inverse_leads_back(void **state)
{
    struct ipvs_table desired, held, kernel;
    struct ipvs_operations operations, inverse;
    make_tables(&desired, &held);
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_true(operations.count > 10);

    /* Whichever operation fails, or none. */
    for (size_t bad = 0; bad <= operations.count; bad++) {
        copy_table(&held, &kernel);
        run(&kernel, &operations, bad);
        assert_true(ipvs_invert(&operations, &inverse));
        assert_int_equal(run(&kernel, &inverse, SIZE_MAX), 0);
        assert_same(&held, &kernel);
        ipvs_operations_clear(&inverse);
        ipvs_table_clear(&kernel);
    }
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&held);
    ipvs_table_clear(&desired);
}

static void lost_answers_are_taken_back(void **state)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations, inverse;
    add_service(&desired, 1, "rr", 0, DESTINATIONS(1));
    assert_true(ipvs_plan(&desired, &held, &operations));
    assert_int_equal(operations.list[0].result, IPVS_NOT_RUN);
    operations.list[0].result = 0;
    operations.list[1].result = IPVS_LOST;
    assert_true(ipvs_invert(&operations, &inverse));
    assert_int_equal(inverse.count, 2);
    assert_true(ipvs_on_destination(&inverse.list[0]));
    ipvs_operations_clear(&inverse);
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&desired);
}

/* Whether the way to the kernel was cut, by the results of three operations. */
static bool is_cut(int first, int second, int third, bool go_on)
{
    struct ipvs_operation list[] = {{.result = first}, {.result = second}, {.result = third}};
    return ipvs_operations_cut(&(struct ipvs_operations){.list = list, .count = 3}, go_on);
}

static void a_cut_is_told_from_a_refusal(void **state)
{
    assert_false(is_cut(0, 0, 0, false));
    assert_false(is_cut(0, EINVAL, IPVS_NOT_RUN, false));
    assert_false(is_cut(0, EINVAL, 0, true));
    assert_true(is_cut(0, IPVS_NOT_RUN, IPVS_NOT_RUN, false));
    assert_true(is_cut(0, EINVAL, IPVS_NOT_RUN, true));
    assert_true(is_cut(0, IPVS_LOST, IPVS_LOST, false));
    assert_true(is_cut(EINVAL, IPVS_LOST, IPVS_NOT_RUN, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(smallest_difference),
        cmocka_unit_test(settings_of_a_service_are_edited),
        cmocka_unit_test(deletes_come_first),
        cmocka_unit_test(a_service_wanted_twice_is_taken_once),
        cmocka_unit_test(a_plan_leads_there),
        cmocka_unit_test(the_inverse_leads_back),
        cmocka_unit_test(lost_answers_are_taken_back),
        cmocka_unit_test(a_cut_is_told_from_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
