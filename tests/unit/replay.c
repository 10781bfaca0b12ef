/*
 * The replay log: what was written is read back, what was cut short is not, and it stays bounded.
 */
#include "tests/unit/given.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/event/replay.h"

#include <cmocka.h>

static const struct replay_limits wide = {.bytes = 8 << 20, .events = 10000};
static char folder[64];

static int make_folder(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    strcpy(folder, "/tmp/noria-replay-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void empty_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *file;
    while ((file = readdir(dir)))
        unlinkat(dirfd(dir), file->d_name, 0);
    closedir(dir);
}

static int remove_folder(void **state)
{
    empty_folder();
    return rmdir(folder);
}

static struct replay *open_log(const struct replay_limits *limits)
{
    struct replay *replay = NULL;
    struct error error = {0};
    assert_int_equal(replay_open(folder, limits, &replay, &error), DONE);
    return replay;
}

/* Write events with these numbers, a batch each. */
static void write_events(struct replay *replay, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        struct error error = {0};
        char xml[64];
        snprintf(xml, sizeof(xml), "<event><number>%llu</number></event>",
                 (unsigned long long)number);
        struct replay_record record = {number, (int64_t)number * 1000, xml};
        assert_true(replay_append(replay, &record));
        assert_int_equal(replay_write(replay, &error), DONE);
    }
}

/* Read all; they must be a row without gaps. Returns how many; *first is the first one's number. */
static size_t read_events(const struct replay *replay, uint64_t *first)
{
    struct replay_reader *reader = replay_reader_new(replay);
    struct replay_record record;
    size_t count = 0;
    assert_non_null(reader);
    while (replay_next(reader, &record)) {
        char xml[64];
        if (!count)
            *first = record.number;
        assert_int_equal(record.number, *first + count);
        assert_int_equal(record.time, record.number * 1000);
        snprintf(xml, sizeof(xml), "<event><number>%llu</number></event>",
                 (unsigned long long)record.number);
        assert_string_equal(record.xml, xml);
        count++;
    }
    assert_false(replay_next(reader, &record));
    replay_reader_free(reader);
    return count;
}

static void what_was_written_is_read_back(void **state)
{
    struct error error = {0};
    uint64_t first = 0;
    struct replay *replay = open_log(&wide);
    int64_t created = replay_created(replay);
    assert_int_equal(read_events(replay, &first), 0);
    write_events(replay, 1, 100);
    assert_int_equal(replay_sync(replay, &error), DONE);
    assert_int_equal(read_events(replay, &first), 100);
    replay_close(replay);

    replay = open_log(&wide);
    assert_int_equal(replay_last(replay), 100);
    assert_true(replay_created(replay) == created);
    write_events(replay, 101, 150);
    assert_int_equal(read_events(replay, &first), 150);
    assert_int_equal(first, 1);
    replay_close(replay);
    replay_close(NULL);
    replay_reader_free(NULL);
}

/* A crash may end the file anywhere: what is whole before that is there, and it goes on. */
static void cut_at_every_byte(void **state)
{
    struct stat st;
    char name[128];
    uint64_t first = 0;
    snprintf(name, sizeof(name), "%s/events.%020d", folder, 1);
    struct replay *replay = open_log(&wide);
    write_events(replay, 1, 5);
    replay_close(replay);
    assert_int_equal(stat(name, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size--) {
        assert_int_equal(truncate(name, size), 0);
        replay = open_log(&wide);
        size_t count = read_events(replay, &first);
        assert_true(count == (size_t)(size * 5 / st.st_size));
        assert_int_equal(replay_last(replay), count);
        write_events(replay, count + 1, 5);
        assert_int_equal(read_events(replay, &first), 5);
        replay_close(replay);
    }
}

/* A damaged byte costs what follows in the segment, and no more. */
static void damaged_at_every_byte(void **state)
{
    struct stat st;
    char name[128];
    uint64_t first = 0;
    snprintf(name, sizeof(name), "%s/events.%020d", folder, 1);
    for (off_t at = 0;; at++) {
        empty_folder();
        struct replay *replay = open_log(&wide);
        write_events(replay, 1, 5);
        replay_close(replay);
        assert_int_equal(stat(name, &st), 0);
        if (at == st.st_size)
            return;
        int fd = open(name, O_RDWR);
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x55;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        replay = open_log(&wide);
        assert_int_equal(read_events(replay, &first), at * 5 / st.st_size);
        replay_close(replay);
    }
}

static off_t folder_size(size_t *files)
{
    DIR *dir = opendir(folder);
    struct dirent *file;
    struct stat st;
    off_t size = 0;
    *files = 0;
    while ((file = readdir(dir))) {
        if (strncmp(file->d_name, "events.", 7) || fstatat(dirfd(dir), file->d_name, &st, 0))
            continue;
        size += st.st_size;
        ++*files;
    }
    closedir(dir);
    return size;
}

static void it_is_bounded(void **state)
{
    static const struct replay_limits cases[] = {
        {.bytes = 8000, .events = 100000},
        {.bytes = 8 << 20, .events = 80},
    };
    for (size_t i = 0; i < 2; i++) {
        size_t files;
        uint64_t first = 0;
        empty_folder();
        struct replay *replay = open_log(&cases[i]);
        for (uint64_t number = 1; number <= 1000; number += 10) {
            write_events(replay, number, number + 9);
            size_t count = read_events(replay, &first);
            assert_int_equal(first + count, number + 10); /* the newest are there */
            assert_true(count <= cases[i].events);
            assert_true((size_t)folder_size(&files) <= cases[i].bytes);
            assert_true(files <= 16);
        }
        assert_true(first > 1 && first < 960);
        replay_close(replay);
        /* Also where the limit was larger before. */
        static const struct replay_limits narrow = {.bytes = 2000, .events = 1000};
        replay = open_log(&narrow);
        write_events(replay, 1001, 1020);
        assert_true(folder_size(&files) <= 2000);
        assert_int_equal(replay_last(replay), 1020);
        replay_close(replay);
    }
}

/* A reader that is slow: segments are dropped while it reads. */
static void reading_while_segments_go(void **state)
{
    static const struct replay_limits limits = {.bytes = 8000, .events = 100000};
    struct replay_record record;
    struct replay *replay = open_log(&limits);
    write_events(replay, 1, 80);
    struct replay_reader *reader = replay_reader_new(replay);
    assert_true(replay_next(reader, &record));
    uint64_t last = record.number;
    write_events(replay, 81, 1000);
    while (replay_next(reader, &record)) {
        assert_true(record.number > last);
        last = record.number;
    }
    assert_int_equal(last, 1000);
    replay_reader_free(reader);
    replay_close(replay);
}

static void a_folder_that_cannot_be_used(void **state)
{
    struct replay *replay = NULL;
    struct error error = {0};
    assert_int_equal(replay_open("/proc/nothing/events", &wide, &replay, &error), FAILED);
    assert_null(replay);
    assert_non_null(strstr(error_message(&error), "/proc/nothing/events"));
    error_clear(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(cut_at_every_byte, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(damaged_at_every_byte, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(it_is_bounded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(reading_while_segments_go, make_folder, remove_folder),
        cmocka_unit_test(a_folder_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
