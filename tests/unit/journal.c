/*
 * The journal: what was acknowledged is read back, what was cut short is not.
 */
#include "tests/unit/given.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/acknowledged.h"
#include "agent/datastore/journal.h"
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
    const struct change_set *const group[] = {&changes};
    assert_int_equal(journal_append(journal, group, 1, &error), DONE);
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

static void acknowledge(uint64_t revision)
{
    uint64_t before;
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    int fd = acknowledged_open(dir, &before);
    assert_true(acknowledged_write(fd, revision));
    close(fd);
    close(dir);
}

/* Whether what was found in the place of lost commits is kept; it is removed. */
static bool took_aside(uint64_t revision, size_t expected)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/lost.%020d", folder, (int)revision);
    if (stat(path, &st))
        return false;
    assert_int_equal(st.st_size, expected);
    unlink(path);
    return true;
}

/*
 * Cut at every byte: what comes back is always one of the commits, and never a later one. What is
 * gone of it is told, if it was acknowledged.
 */
static void cut_everywhere(struct snapshot *steps[4], bool acknowledged)
{
    char path[128], copy[1 << 16];
    off_t size = journal_size(path, sizeof(path)), whole = 0;
    int fd = open(path, O_RDONLY);
    assert_true(size < (off_t)sizeof(copy) && read(fd, copy, (size_t)size) == size);
    close(fd);
    uint64_t reached = 0;
    for (off_t cut = 0; cut <= size; cut++) {
        struct error error = {0};
        fd = open(path, O_WRONLY | O_TRUNC);
        assert_true(write(fd, copy, (size_t)cut) == cut);
        close(fd);
        acknowledge(acknowledged ? 3 : reached);
        struct snapshot *running = load(DONE, &error);
        uint64_t revision = running ? running->revision : 0;
        assert_true(revision >= reached && revision <= reached + 1);
        if (running)
            assert_same(running, steps[revision]);
        if (revision > reached)
            whole = cut;
        reached = revision;
        assert_int_equal(took_aside(revision, (size_t)(cut - whole)), acknowledged && reached < 3);
        assert_false(took_aside(revision, 0));
        snapshot_unref(running);
    }
    assert_int_equal(reached, 3);
}

static void a_cut_journal_gives_the_last_whole_commit(void **state)
{
    struct snapshot *steps[4];
    three_commits(steps);
    cut_everywhere(steps, false);
    cut_everywhere(steps, true);
    free_steps(steps);
}

static void damage(const char *path, off_t offset)
{
    char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void damage_of_the_last_commit_is_told_once(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4], *running;
    char path[128];
    three_commits(steps);
    off_t size = journal_size(path, sizeof(path));
    damage(path, size - 20);
    running = load(DONE, &error);
    assert_same(running, steps[2]);
    snapshot_unref(running);
    assert_true(took_aside(2, (size_t)(size - journal_size(path, sizeof(path)))));
    running = load(DONE, &error);
    assert_same(running, steps[2]);
    assert_false(took_aside(2, 0));
    snapshot_unref(running);
    free_steps(steps);
}

static void damage_of_what_says_so_loses_nothing(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4], *running;
    char path[128];
    three_commits(steps);
    snprintf(path, sizeof(path), "%s/" ACKNOWLEDGED_FILE, folder);
    damage(path, 30);
    running = load(DONE, &error);
    assert_same(running, steps[3]);
    snapshot_unref(running);
    assert_int_equal(truncate(path, 7), 0);
    running = load(DONE, &error);
    assert_same(running, steps[3]);
    snapshot_unref(running);
    assert_false(took_aside(3, 0));
    free_steps(steps);
}

/* Two commits that became durable together are one record: no cut gives the first alone. */
static void a_group_is_there_or_not_as_a_whole(void **state)
{
    struct error error = {0};
    struct snapshot *first, *one, *two, *running;
    struct change_set changes[2];
    char path[128];
    struct journal *journal = open_journal();
    assert_int_equal(journal_load(journal, &running, &error), DONE);
    assert_int_equal(snapshot_new_empty(schema, &first, &error), DONE);
    one = given_snapshot(first, SERVERS SERVER("a", "1") END);
    two = given_snapshot(one, SERVERS SERVER("a", "2") SERVER("b", "3") END);
    one->revision = 1;
    two->revision = 2;
    assert_int_equal(change_set_make(first, one, &changes[0], &error), DONE);
    assert_int_equal(change_set_make(one, two, &changes[1], &error), DONE);
    journal_number(journal, &changes[0]);
    journal_number(journal, &changes[1]);
    const struct change_set *const group[] = {&changes[0], &changes[1]};
    assert_int_equal(journal_append(journal, group, 2, &error), DONE);
    journal_close(journal);
    running = load(DONE, &error);
    assert_same(running, two);
    snapshot_unref(running);

    acknowledge(0);
    off_t size = journal_size(path, sizeof(path));
    assert_int_equal(truncate(path, size - 1), 0);
    assert_null(load(DONE, &error));
    assert_int_equal(journal_size(path, sizeof(path)), 0);
    change_set_free(&changes[0]);
    change_set_free(&changes[1]);
    snapshot_unref(two);
    snapshot_unref(one);
    snapshot_unref(first);
}

/* Begin a new journal and fold those before it, or end before the fold. */
static void fold_at(struct journal *journal, const struct snapshot *snapshot, bool really)
{
    struct error error = {0};
    struct journal_fold_job job;
    assert_int_equal(journal_rotate(journal, snapshot->revision, &error), DONE);
    assert_int_equal(journal_fold_begin(journal, snapshot, &job, &error), DONE);
    if (really)
        assert_int_equal(journal_fold(&job, &error), DONE);
    journal_fold_end(&job);
}

static void a_missing_journal_is_not_passed_over(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4], *running, *next;
    char path[128];
    three_commits(steps);
    struct journal *journal = open_journal();
    assert_int_equal(journal_load(journal, &running, &error), DONE);
    fold_at(journal, running, false);
    next = commit(journal, running, SERVERS SERVER("c", "9") END);
    journal_close(journal);
    snapshot_unref(running);
    running = load(DONE, &error);
    assert_same(running, next);
    snapshot_unref(running);
    snapshot_unref(next);

    journal_size(path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    assert_null(load(FAILED, &error));
    assert_non_null(strstr(error_message(&error), "begins after revision 3"));
    error_clear(&error);
    free_steps(steps);
}

static void damage_in_the_middle_is_not_passed_over(void **state)
{
    struct error error = {0};
    struct snapshot *steps[4];
    char path[128];
    three_commits(steps);
    journal_size(path, sizeof(path));
    damage(path, 40);
    assert_null(load(FAILED, &error));
    assert_non_null(strstr(error_message(&error), "damaged at offset 0"));
    error_clear(&error);
    free_steps(steps);
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
    struct snapshot *without = commit(journal, next,
                                      SERVERS "<virtual-server nc:operation=\"delete\"><name>c"
                                              "</name></virtual-server>" END);
    fold_at(journal, without, true);
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

/* What is given anew, without knowing of what is there, takes its place with its numbers. */
static void what_is_made_anew_has_the_numbers_of_what_it_replaces(void **state)
{
    struct error error = {0};
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    struct snapshot *empty, *there, *anew, *next;
    struct journal *journal = open_journal();
    uint32_t last;
    assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
    there = commit(journal, empty, WITH(REAL("10.0.0.1", "") REAL("10.0.0.2", "")));
    anew = given_snapshot(NULL, WITH(REAL("10.0.0.2", "") REAL("10.0.0.3", "")));
    assert_int_equal(transaction_validate(schema, there, anew, &next, &error), DONE);
    assert_int_equal(snapshot_find(next, unit, "[name='a']")->number,
                     snapshot_find(there, unit, "[name='a']")->number);
    assert_int_equal(row_of(next, "10.0.0.2", &last), 2);
    assert_int_equal(row_of(next, "10.0.0.3", &last), 3);
    assert_int_equal(last, 3);
    assert_int_equal(snapshot_find(anew, unit, "[name='a']")->number, 0);
    journal_close(journal);
    snapshot_unref(next);
    snapshot_unref(anew);
    snapshot_unref(there);
    snapshot_unref(empty);
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
        TEST(damage_of_the_last_commit_is_told_once),
        TEST(damage_of_what_says_so_loses_nothing),
        TEST(a_group_is_there_or_not_as_a_whole),
        TEST(a_missing_journal_is_not_passed_over),
        TEST(damage_in_the_middle_is_not_passed_over),
        TEST(numbers_are_never_given_twice),
        TEST(numbers_of_rows_are_not_given_twice_after_a_rollback),
        TEST(what_is_made_anew_has_the_numbers_of_what_it_replaces),
        TEST(a_whole_configuration_is_put_aside_and_read_back),
        TEST(a_folder_serves_one_agent),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
