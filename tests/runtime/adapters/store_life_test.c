/* Opening, closing, and what lies where a store should be; several processes; damage; kill -9. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store_bed.h"

static struct cw_store *open_as(struct store_bed *bed, bool create, bool read_only, struct cw_error *err)
{
    struct cw_store_config config = { .uri = bed->path, .create = create, .read_only = read_only };
    memset(err, 0, sizeof *err);
    return cw_store_open(&config, NULL, err);
}

/* The path must stand in every error. */
static void assert_refused(struct store_bed *bed, struct cw_store *store, const struct cw_error *err,
                           enum cw_code code)
{
    assert_null(store);
    if (err->code != code)
        fail_msg("%s: %s", cw_code_name(err->code), err->text);
    assert_non_null(strstr(err->text, bed->path));
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(out);
}

static void put_row(struct store_bed *bed, const char *key)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice(key), cw_slice("")));
    commit(txn);
}

/* --- what lies there --- */

static void a_missing_store_is_made_only_when_asked(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_refused(bed, open_as(bed, false, false, &err), &err, CW_NOT_FOUND);
    assert_refused(bed, open_as(bed, true, true, &err), &err, CW_NOT_FOUND);
    assert_int_not_equal(access(bed->path, F_OK), 0);
    store_bed_open(bed);
    store_bed_close(bed);
    bed->store = open_as(bed, false, false, &err);
    assert_ok(bed->store != NULL, err);
}

static void an_empty_file_becomes_a_store_only_when_asked(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    write_file(bed->path, "", 0);
    assert_refused(bed, open_as(bed, false, false, &err), &err, CW_NOT_FOUND);
    store_bed_open(bed);
    put_row(bed, "a");
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    struct stat before, after;
    char text[8192];
    memset(text, 'x', sizeof text);
    write_file(bed->path, text, sizeof text);
    assert_int_equal(stat(bed->path, &before), 0);
    assert_refused(bed, open_as(bed, true, false, &err), &err, CW_CORRUPT);
    assert_int_equal(stat(bed->path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
}

static void a_database_of_another_program_is_left_alone(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE photos (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_refused(bed, open_as(bed, true, false, &err), &err, CW_USAGE);
    assert_non_null(strstr(err.text, "another program"));
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(stmt, 0), "delete");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void a_folder_and_a_missing_folder_are_named(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    assert_int_equal(mkdir(bed->path, 0700), 0);
    assert_refused(bed, open_as(bed, true, false, &err), &err, CW_IO);
    assert_refused(bed, open_as(bed, false, true, &err), &err, CW_IO);
    rmdir(bed->path);
    snprintf(bed->path, sizeof bed->path, "%s/none/store.db", bed->folder);
    assert_refused(bed, open_as(bed, true, false, &err), &err, CW_IO);
}

static void a_file_that_may_not_be_written_is_named(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    store_bed_open(bed);
    store_bed_close(bed);
    if (geteuid() != 0)
        skip();
    chmod(bed->folder, 0555);
    chmod(bed->path, 0444);
    assert_int_equal(seteuid(65534), 0);
    struct cw_store *store = open_as(bed, true, false, &err);
    assert_int_equal(seteuid(0), 0);
    assert_refused(bed, store, &err, CW_IO);
    assert_non_null(strstr(err.text, "permissions"));
}

static void another_engine_is_refused_without_its_password(void **state)
{
    struct cw_store_config config = { .uri = "mysql://me:secret@host/db", .create = true };
    struct cw_error err;
    (void)state;
    assert_null(cw_store_open(&config, NULL, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_non_null(strstr(err.text, "mysql"));
    assert_null(strstr(err.text, "secret"));
}

static void a_name_is_never_an_address_or_memory(void **state)
{
    static const char *const names[] = { "file:x?mode=memory", ":memory:" };
    struct store_bed *bed = *state;
    char home[512];
    assert_non_null(getcwd(home, sizeof home));
    assert_int_equal(chdir(bed->folder), 0);
    for (size_t i = 0; i < 2; i++) {
        struct cw_store_config config = { .uri = names[i], .create = true };
        struct cw_error err;
        struct cw_store *store = cw_store_open(&config, NULL, &err);
        assert_ok(store != NULL, err);
        cw_store_close(store);
        assert_int_equal(unlink(names[i]), 0);
    }
    assert_int_equal(chdir(home), 0);
}

static void a_store_opened_for_reading_only_refuses_to_write(void **state)
{
    struct store_bed *bed = *state;
    struct answer ready = { 0 };
    struct cw_error err;
    store_bed_open(bed);
    put_row(bed, "a");
    store_bed_close(bed);
    bed->store = open_as(bed, false, true, &err);
    assert_ok(bed->store != NULL, err);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, answer_ready, &ready);
    assert_null(ready.txn);
    assert_int_equal(ready.err.code, CW_REFUSED);
    assert_string_equal(ask(bed, "SELECT key FROM tables"), "a");
}

static void a_sound_store_is_ok(void **state)
{
    struct store_bed *bed = *state;
    struct cw_buffer report = { 0 };
    struct cw_error err;
    store_bed_open(bed);
    assert_true(cw_store_check(bed->store, &report, &err));
    assert_slice(cw_buffer_slice(&report), "ok");
    cw_buffer_fini(&report);
}

static void a_store_that_fails_to_open_leaves_no_descriptor(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    char text[8192] = "x";
    write_file(bed->path, text, sizeof text);
    int before = dup(0);
    close(before);
    for (int i = 0; i < 10; i++)
        assert_null(open_as(bed, true, false, &err));
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

/* --- several processes --- */

/* Runs `body` in a process of its own. */
static pid_t in_child(void (*body)(struct store_bed *, int), struct store_bed *bed, int number)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(bed, number);
        _exit(0);
    }
    return child;
}

static void assert_exits(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

enum { PROCESSES = 4, ROWS = 25 };

static void put_rows(struct store_bed *bed, int number)
{
    char key[32];
    struct cw_error err;
    bed->store = store_bed_try(bed, &err);
    if (bed->store == NULL)
        _exit(1);
    for (int i = 0; i < ROWS; i++) {
        struct answer ready = { 0 };
        cw_txn_begin(bed->store, (struct cw_fence){ 0 }, answer_ready, &ready);
        snprintf(key, sizeof key, "%d-%d", number, i);
        if (ready.txn == NULL ||
            !cw_txn_put_table_row(ready.txn, cw_slice("shop"), cw_slice("t"), cw_slice(key), cw_slice("")) ||
            !try_commit(ready.txn, &err))
            _exit(2);
    }
    store_bed_close(bed);
}

static void processes_that_make_and_fill_one_store_together_lose_nothing(void **state)
{
    struct store_bed *bed = *state;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = in_child(put_rows, bed, i);
    for (int i = 0; i < PROCESSES; i++)
        assert_exits(children[i]);
    store_bed_open(bed);
    assert_string_equal(ask(bed, "SELECT count(*) FROM tables"), "100");
    assert_string_equal(ask(bed, "SELECT count(*) FROM meta"), "2");
}

static void who_waits_too_long_for_another_process_is_told_which_file(void **state)
{
    struct store_bed *bed = *state;
    struct answer ready = { 0 };
    sqlite3 *other;
    store_bed_open(bed);
    assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cw_txn_begin(bed->store, (struct cw_fence){ 0 }, answer_ready, &ready);
    assert_null(ready.txn);
    assert_int_equal(ready.err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(ready.err.text, bed->path));
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    put_row(bed, "after");
    assert_string_equal(ask(bed, "SELECT key FROM tables"), "after");
}

static void a_late_process_is_fenced_off_by_another_one(void **state)
{
    struct store_bed *bed = *state;
    struct store_bed other = *bed;
    struct cw_error err;
    store_bed_open(bed);
    store_bed_open(&other);
    int64_t token = take_lease(bed, "job", "frozen", 0, CW_MINUTE, &err);
    test_clock_advance(&other.time, CW_HOUR);
    other.clock = test_clock(&other.time);
    store_bed_close(&other);
    store_bed_open(&other);
    assert_int_equal(take_lease(&other, "job", "next", 0, CW_MINUTE, &err), token + 1);
    assert_false(try_commit(begin_fenced(bed, "job", token), &err));
    assert_int_equal(err.code, CW_CONFLICT);
    store_bed_close(&other);
}

/* --- kill -9 --- */

static int report_to; /* the pipe on which the child says what was committed */

static void write_for_ever(struct store_bed *bed, int number)
{
    char key[32];
    struct cw_error err;
    bed->store = store_bed_try(bed, &err);
    if (bed->store == NULL)
        _exit(1);
    for (int i = number;; i++) {
        struct answer ready = { 0 };
        cw_txn_begin(bed->store, (struct cw_fence){ 0 }, answer_ready, &ready);
        snprintf(key, sizeof key, "%08d", i);
        struct cw_raw raw = raw_of(key, "<order/>");
        if (ready.txn == NULL || !cw_txn_put_raw(ready.txn, &raw) || !try_commit(ready.txn, &err) ||
            write(report_to, &i, sizeof i) != sizeof i)
            _exit(2);
    }
}

static int kill_one(struct store_bed *bed, int first)
{
    int ends[2], last = first - 1, i, status;
    assert_int_equal(pipe(ends), 0);
    report_to = ends[1];
    pid_t child = in_child(write_for_ever, bed, first);
    close(ends[1]);
    assert_int_equal(read(ends[0], &last, sizeof last), sizeof last); /* it has begun */
    usleep((useconds_t)(rand() % 20000));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    while (read(ends[0], &i, sizeof i) == sizeof i)
        last = i;
    close(ends[0]);
    return last;
}

static void a_process_killed_at_any_moment_loses_nothing_it_was_told_is_stored(void **state)
{
    struct store_bed *bed = *state;
    char expected[32];
    int last = 0;
    for (int round = 0; round < 20; round++) {
        last = kill_one(bed, last + 1);
        store_bed_open(bed);
        int stored = atoi(ask(bed, "SELECT count(*) FROM raw_heads"));
        assert_true(stored == last || stored == last + 1); /* one may be stored and not reported yet */
        snprintf(expected, sizeof expected, "%d", stored);
        assert_string_equal(ask(bed, "SELECT count(*) FROM raw_records"), expected);
        store_bed_close(bed);
        last = stored;
    }
}

/* --- damage --- */

/* The first page of a table, asked of SQLite itself. */
static int root_page(struct store_bed *bed, const char *table)
{
    char sql[96];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int page = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return page;
}

static int damage(struct store_bed *bed, const char *table)
{
    int page = root_page(bed, table);
    char garbage[256];
    memset(garbage, 0xff, sizeof garbage);
    int fd = open(bed->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, (off_t)(page - 1) * 16384), sizeof garbage);
    close(fd);
    return page;
}

static void assert_names_page(const struct cw_error *err, int page)
{
    char name[32];
    snprintf(name, sizeof name, "page %d", page);
    assert_int_equal(err->code, CW_CORRUPT);
    if (strcasestr(err->text, name) == NULL)
        fail_msg("no %s: %s", name, err->text);
    assert_non_null(strstr(err->text, "backup"));
}

static void a_damaged_page_is_named_at_the_first_touch(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    store_bed_open(bed);
    store_bed_close(bed);
    int page = damage(bed, "messages");
    store_bed_open(bed); /* closed in order: no look */
    put_row(bed, "a");
    ask_refused(bed, "SELECT count(*) FROM messages WHERE payload <> ''", &err);
    assert_names_page(&err, page);
}

static void a_damaged_page_is_in_the_report_of_a_check(void **state)
{
    struct store_bed *bed = *state;
    struct cw_buffer report = { 0 };
    struct cw_error err;
    char name[32];
    store_bed_open(bed);
    store_bed_close(bed);
    snprintf(name, sizeof name, "page %d", damage(bed, "messages"));
    store_bed_open(bed);
    assert_true(cw_store_check(bed->store, &report, &err));
    assert_non_null(strcasestr(report.data, name));
    cw_buffer_fini(&report);
}

static void leave_open(struct store_bed *bed, int number)
{
    struct cw_error err;
    (void)number;
    bed->store = store_bed_try(bed, &err);
    put_row(bed, "a"); /* and no close: the log stays */
}

static void after_a_crash_a_damaged_page_is_found_at_opening(void **state)
{
    struct store_bed *bed = *state;
    struct cw_error err;
    store_bed_open(bed);
    store_bed_close(bed);
    int page = damage(bed, "messages");
    assert_exits(in_child(leave_open, bed, 0));
    assert_null(store_bed_try(bed, &err));
    assert_names_page(&err, page);
}

static void stay_open(struct store_bed *bed, int number)
{
    char word = 'x';
    leave_open(bed, number);
    if (write(report_to, &word, 1) != 1)
        _exit(1);
    pause();
}

static void a_store_that_another_process_has_open_is_not_searched_for_damage(void **state)
{
    struct store_bed *bed = *state;
    int ends[2], status;
    char word;
    store_bed_open(bed);
    store_bed_close(bed);
    damage(bed, "messages");
    assert_int_equal(pipe(ends), 0);
    report_to = ends[1];
    pid_t child = in_child(stay_open, bed, 0);
    assert_int_equal(read(ends[0], &word, 1), 1);
    store_bed_open(bed);
    assert_string_equal(ask(bed, "SELECT key FROM tables"), "a");
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(ends[0]);
    close(ends[1]);
}

static int setup(void **state)
{
    struct store_bed *bed = malloc(sizeof *bed);
    store_bed_init(bed);
    *state = bed;
    return 0;
}

#define LIFE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(a_missing_store_is_made_only_when_asked),
        LIFE_TEST(an_empty_file_becomes_a_store_only_when_asked),
        LIFE_TEST(a_file_that_is_no_database_is_left_alone),
        LIFE_TEST(a_database_of_another_program_is_left_alone),
        LIFE_TEST(a_folder_and_a_missing_folder_are_named),
        LIFE_TEST(a_file_that_may_not_be_written_is_named),
        LIFE_TEST(another_engine_is_refused_without_its_password),
        LIFE_TEST(a_name_is_never_an_address_or_memory),
        LIFE_TEST(a_store_opened_for_reading_only_refuses_to_write),
        LIFE_TEST(a_sound_store_is_ok),
        LIFE_TEST(a_store_that_fails_to_open_leaves_no_descriptor),
        LIFE_TEST(processes_that_make_and_fill_one_store_together_lose_nothing),
        LIFE_TEST(who_waits_too_long_for_another_process_is_told_which_file),
        LIFE_TEST(a_late_process_is_fenced_off_by_another_one),
        LIFE_TEST(a_process_killed_at_any_moment_loses_nothing_it_was_told_is_stored),
        LIFE_TEST(a_damaged_page_is_named_at_the_first_touch),
        LIFE_TEST(a_damaged_page_is_in_the_report_of_a_check),
        LIFE_TEST(after_a_crash_a_damaged_page_is_found_at_opening),
        LIFE_TEST(a_store_that_another_process_has_open_is_not_searched_for_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
