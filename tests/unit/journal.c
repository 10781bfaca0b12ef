/*
 * The journal: what was acknowledged is read back, what was cut short is not.
 */
#include "tests/unit/given.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/journal.h"
#include "agent/datastore/record.h"
#include "agent/datastore/stored.h"

#include <cmocka.h>

#define SERVER(name, mark)                                                                         \
    "<virtual-server><name>" name "</name><firewall-mark>" mark "</firewall-mark></"               \
    "virtual-server>"

static char folder[64];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/noria-journal-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    DIR *dir = opendir(folder);
    struct dirent *file;
    while ((file = readdir(dir)))
        unlinkat(dirfd(dir), file->d_name, 0);
    closedir(dir);
    return rmdir(folder);
}

static struct journal *open_journal(void)
{
    struct journal *journal;
    struct error error = {0};
    assert_int_equal(journal_open(schema, folder, &journal, &error), DONE);
    return journal;
}

/* Append what an edit of base makes, and return it. */
static struct snapshot *commit(struct journal *journal, struct snapshot *base, const char *xml)
{
    struct error error = {0};
    struct change_set changes;
    struct snapshot *next = given_snapshot(base, xml);
    next->revision = base->revision + 1;
    assert_int_equal(change_set_make(base, next, &changes, &error), DONE);
    journal_number(journal, &changes);
    assert_int_equal(journal_append(journal, &(const struct change_set *){&changes}, 1, &error),
                     DONE);
    change_set_free(&changes);
    return next;
}

static struct snapshot *load(enum outcome expected, struct error *error)
{
    struct snapshot *running = NULL;
    struct journal *journal = open_journal();
    assert_int_equal(journal_load(journal, &running, error), expected);
    journal_close(journal);
    return running;
}

/* Three commits: a, then b, then a again with another mark; to be given back. */
static void three_commits(struct snapshot *steps[4])
{
    struct error error = {0};
    struct journal *journal = open_journal();
    struct snapshot *loaded;
    assert_int_equal(journal_load(journal, &loaded, &error), DONE);
    assert_null(loaded);
    assert_int_equal(snapshot_new_empty(schema, &steps[0], &error), DONE);
    steps[1] = commit(journal, steps[0], SERVERS SERVER("a", "1") END);
    steps[2] = commit(journal, steps[1], SERVERS SERVER("b", "2") END);
    steps[3] = commit(
        journal, steps[2],
        SERVERS SERVER(
            "a",
            "3") "<virtual-server nc:operation=\"delete\"><name>b</name></virtual-server>" END);
    journal_close(journal);
}

static void free_steps(struct snapshot *steps[4])
{
    for (int i = 0; i < 4; i++)
        snapshot_unref(steps[i]);
}

static void assert_same(const struct snapshot *a, const struct snapshot *b)
{
    char *x = servers_of(a), *y = servers_of(b);
    assert_string_equal(x, y);
    assert_int_equal(a->revision, b->revision);
    free(x);
    free(y);
}

static void what_was_committed_is_read_back(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4], *running;
    three_commits(steps);
    running = load(DONE, &error);
    assert_same(running, steps[3]);
    snapshot_unref(running);
    free_steps(steps);
}

static off_t journal_size(char *path, size_t room)
{
    struct stat st;
    snprintf(path, room, "%s/journal.%020d", folder, 0);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Cut at every byte: what comes back is always one of the commits, and never a later one. */
static void a_cut_journal_gives_the_last_whole_commit(void **state)
{
    struct snapshot *steps[4];
    char path[128], copy[1 << 16];
    three_commits(steps);
    off_t size = journal_size(path, sizeof(path));
    int fd = open(path, O_RDONLY);
    assert_true(size < (off_t)sizeof(copy) && read(fd, copy, (size_t)size) == size);
    close(fd);
    uint64_t reached = 0;
    for (off_t cut = 0; cut <= size; cut++) {
        struct error error = {0};
        fd = open(path, O_WRONLY | O_TRUNC);
        assert_true(write(fd, copy, (size_t)cut) == cut);
        close(fd);
        struct snapshot *running = load(DONE, &error);
        uint64_t revision = running ? running->revision : 0;
        assert_true(revision >= reached && revision <= reached + 1);
        if (running)
            assert_same(running, steps[revision]);
        reached = revision;
        snapshot_unref(running);
    }
    assert_int_equal(reached, 3);
    free_steps(steps);
}

static void damage_in_the_middle_is_not_passed_over(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4];
    char path[128], byte = 'X';
    three_commits(steps);
    journal_size(path, sizeof(path));
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
    close(fd);
    assert_null(load(FAILED, &error));
    assert_non_null(strstr(error_message(&error), "damaged at offset 0"));
    error_clear(&error);
    free_steps(steps);
}

/* Where the records of the journal begin; at most count. Returns how many there are. */
static size_t find_records(const char *path, off_t *at, size_t count)
{
    unsigned char data[1 << 16];
    size_t found = 0, length;
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, data, sizeof(data));
    close(fd);
    for (size_t next = 0; record_check(data + next, (size_t)size - next, &length);
         next += RECORD_HEADER_SIZE + length)
        if (found < count)
            at[found++] = (off_t)next;
    return found;
}

static void damage_at(const char *path, off_t at)
{
    char byte = 'X';
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* The mark behind it says that it is no record that was cut short. */
static void damage_to_the_last_commit_is_not_passed_over(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4];
    char path[128];
    off_t at[6];
    three_commits(steps);
    journal_size(path, sizeof(path));
    assert_int_equal(find_records(path, at, 6), 6);
    damage_at(path, at[4] + RECORD_HEADER_SIZE + 2);
    assert_null(load(FAILED, &error));
    error_clear(&error);
    free_steps(steps);
}

static void damage_to_the_last_mark_loses_nothing(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4];
    char path[128];
    off_t at[6];
    three_commits(steps);
    journal_size(path, sizeof(path));
    assert_int_equal(find_records(path, at, 6), 6);
    damage_at(path, at[5] + RECORD_HEADER_SIZE + 2);
    struct snapshot *running = load(DONE, &error);
    assert_same(running, steps[3]);
    snapshot_unref(running);
    free_steps(steps);
}

/* Commits that are stored at once, of which the first does not reach the disk and the second does.
 */
static void a_later_record_of_a_cut_group_is_not_taken_for_acknowledged(void **state)
{
    struct error error = {0};
    struct snapshot *base, *one, *two, *running;
    struct change_set first, second;
    char path[128];
    off_t at[3];
    struct journal *journal = open_journal();
    assert_int_equal(snapshot_new_empty(schema, &base, &error), DONE);
    one = given_snapshot(base, SERVERS SERVER("a", "1") END);
    one->revision = 1;
    two = given_snapshot(one, SERVERS SERVER("b", "2") END);
    two->revision = 2;
    assert_int_equal(change_set_make(base, one, &first, &error), DONE);
    assert_int_equal(change_set_make(one, two, &second, &error), DONE);
    journal_number(journal, &first);
    journal_number(journal, &second);
    const struct change_set *sets[] = {&first, &second};
    assert_int_equal(journal_append(journal, sets, 2, &error), DONE);
    journal_close(journal);
    running = load(DONE, &error);
    assert_same(running, two);
    snapshot_unref(running);

    journal_size(path, sizeof(path));
    assert_int_equal(find_records(path, at, 3), 3);
    assert_int_equal(truncate(path, at[2]), 0);
    damage_at(path, RECORD_HEADER_SIZE + 2);
    assert_null(load(DONE, &error));
    change_set_free(&first);
    change_set_free(&second);
    snapshot_unref(two);
    snapshot_unref(one);
    snapshot_unref(base);
}

static void numbers_are_never_given_twice(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4], *running, *next;
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    three_commits(steps);
    struct journal *journal = open_journal();
    assert_int_equal(journal_load(journal, &running, &error), DONE);
    next = commit(journal, running, SERVERS SERVER("c", "9") END);
    assert_int_equal(snapshot_find(next, unit, "[name='a']")->number, 1);
    /* b had 2 and is gone. */
    assert_int_equal(snapshot_find(next, unit, "[name='c']")->number, 3);

    /* Nor after a fold, which forgets what was deleted. */
    struct journal_fold_job job;
    struct snapshot *without = commit(journal, next,
                                      SERVERS "<virtual-server nc:operation=\"delete\"><name>c"
                                              "</name></virtual-server>" END);
    assert_int_equal(journal_rotate(journal, without->revision, &error), DONE);
    assert_int_equal(journal_fold_begin(journal, without, &job, &error), DONE);
    assert_int_equal(journal_fold(&job, &error), DONE);
    journal_fold_end(&job);
    journal_close(journal);
    snapshot_unref(next);
    snapshot_unref(running);

    journal = open_journal();
    assert_int_equal(journal_load(journal, &running, &error), DONE);
    assert_same(running, without);
    next = commit(journal, running, SERVERS SERVER("d", "9") END);
    assert_int_equal(snapshot_find(next, unit, "[name='d']")->number, 4);
    journal_close(journal);
    snapshot_unref(next);
    snapshot_unref(running);
    snapshot_unref(without);
    free_steps(steps);
}

#define REAL(address, attribute)                                                                   \
    "<real-server" attribute "><address>" address "</address><port>80</port></real-server>"
#define GONE " nc:operation=\"delete\""
#define WITH(reals)                                                                                \
    SERVERS "<virtual-server><name>a</name><firewall-mark>1</firewall-mark>" reals                 \
            "</virtual-server>" END

static uint32_t row_of(const struct snapshot *snapshot, const char *path, uint32_t *last)
{
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    const struct entry *entry = snapshot_find(snapshot, unit, "[name='a']");
    *last = entry->last_row;
    for (size_t i = 0; i < entry->row_count; i++)
        if (strstr(entry->rows[i].path, path))
            return entry->rows[i].number;
    return 0;
}

/* A rollback brings back an older state; what was numbered since keeps its number for itself. */
static void numbers_of_rows_are_not_given_twice_after_a_rollback(void **state)
{
    struct error error = {0};
    uint32_t last;
    struct snapshot *older, *newer, *back, *next;
    older = given_snapshot(NULL, WITH(REAL("10.0.0.1", "") REAL("10.0.0.2", "")));
    newer = given_snapshot(older, WITH(REAL("10.0.0.2", GONE) REAL("10.0.0.3", "")));
    assert_int_equal(row_of(newer, "10.0.0.3", &last), 3);
    assert_int_equal(transaction_validate(schema, newer, older, &back, &error), DONE);
    assert_int_equal(row_of(back, "10.0.0.2", &last), 2);
    assert_int_equal(last, 3);
    next = given_snapshot(back, WITH(REAL("10.0.0.4", "")));
    assert_int_equal(row_of(next, "10.0.0.4", &last), 4);
    snapshot_unref(next);
    snapshot_unref(back);
    snapshot_unref(newer);
    snapshot_unref(older);
}

static void a_whole_configuration_is_put_aside_and_read_back(void **state)
{
    struct error error = {0};
    struct snapshot *given = given_snapshot(NULL, WITH(REAL("10.0.0.1", ""))), *read;
    given->revision = 7;
    assert_int_equal(stored_read(schema, folder, "aside", &read, &error), DONE);
    assert_null(read);
    assert_int_equal(stored_write(schema, folder, "aside", given, &error), DONE);
    assert_int_equal(stored_write(schema, folder, "aside", given, &error), DONE);
    assert_int_equal(stored_read(schema, folder, "aside", &read, &error), DONE);
    assert_same(read, given);
    snapshot_unref(read);

    char path[128];
    snprintf(path, sizeof(path), "%s/aside", folder);
    assert_int_equal(truncate(path, 60), 0);
    assert_int_equal(stored_read(schema, folder, "aside", &read, &error), FAILED);
    assert_non_null(strstr(error_message(&error), "aside is damaged"));
    error_clear(&error);
    assert_int_equal(stored_remove(folder, "aside", &error), DONE);
    assert_int_equal(stored_remove(folder, "aside", &error), DONE);
    assert_int_equal(stored_write(schema, "/nowhere", "aside", given, &error), FAILED);
    error_clear(&error);
    snapshot_unref(given);
}

static void a_folder_serves_one_agent(void **state)
{
    struct error error = {0};
    struct journal *first = open_journal(), *second;
    assert_int_equal(journal_open(schema, folder, &second, &error), FAILED);
    assert_int_equal(error.tag, TAG_IN_USE);
    error_clear(&error);
    journal_close(first);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(what_was_committed_is_read_back),
        TEST(a_cut_journal_gives_the_last_whole_commit),
        TEST(damage_in_the_middle_is_not_passed_over),
        TEST(damage_to_the_last_commit_is_not_passed_over),
        TEST(damage_to_the_last_mark_loses_nothing),
        TEST(a_later_record_of_a_cut_group_is_not_taken_for_acknowledged),
        TEST(numbers_are_never_given_twice),
        TEST(numbers_of_rows_are_not_given_twice_after_a_rollback),
        TEST(a_whole_configuration_is_put_aside_and_read_back),
        TEST(a_folder_serves_one_agent),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
