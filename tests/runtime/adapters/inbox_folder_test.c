/* inbox_folder_test.c - a folder of this machine as an inbox. */
#include "inbox_bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/inbox_private.h"

struct folder_bed {
    struct inbox_bed bed;
    char path[64];
};

static struct cw_inbox *open_inbox(struct folder_bed *folder, const struct cw_inbox_files *files)
{
    struct cw_error err;
    struct cw_inbox *inbox = cw_inbox_folder_open(folder->bed.loop, folder->path, files, &err);
    assert_ok(inbox != NULL, err);
    return inbox;
}

static void open_bed(struct folder_bed *folder, const struct cw_inbox_files *files)
{
    inbox_bed_open(&folder->bed);
    strcpy(folder->path, "/tmp/cw-inbox-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->bed.inbox = open_inbox(folder, files);
}

static void close_bed(struct folder_bed *folder)
{
    char command[96];
    inbox_bed_close(&folder->bed);
    snprintf(command, sizeof command, "rm -rf %s", folder->path);
    assert_int_equal(system(command), 0);
}

static const char *path_of(const struct folder_bed *folder, const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

static void put(const struct folder_bed *folder, const char *name, const char *text)
{
    FILE *out = fopen(path_of(folder, name), "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static bool is_there(const struct folder_bed *folder, const char *name)
{
    return access(path_of(folder, name), F_OK) == 0;
}

static void a_file_is_listed_read_and_moved(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    put(&folder, "a.xml", "<a/>");
    put(&folder, "b.xml", "<bb/>");
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml b.xml ");
    assert_int_equal(folder.bed.sizes, 9);
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "<a/>");
    assert_false(is_there(&folder, "a.xml"));
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml b.xml "); /* not finished: ours still */
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "<a/>");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE)); /* finished already */
    assert_true(inbox_bed_finish(&folder.bed, "b.xml", CW_INBOX_FAILED));
    assert_true(is_there(&folder, "done/a.xml") && is_there(&folder, "failed/b.xml"));
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    close_bed(&folder);
}

static void one_that_is_left_lies_where_it_lay(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ .trigger = ".ok" });
    put(&folder, "a.xml", "1");
    put(&folder, "a.xml.ok", "");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    assert_false(is_there(&folder, "a.xml") || is_there(&folder, "a.xml.ok"));
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_LEFT));
    assert_true(is_there(&folder, "a.xml") && is_there(&folder, "a.xml.ok"));
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_LEFT)); /* it lies there already */
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    put(&folder, "a.xml", "2"); /* another one of the name is not overwritten */
    put(&folder, "a.xml.ok", "");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_LEFT));
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "2");
    close_bed(&folder);
}

static void of_two_inboxes_one_gets_a_file_and_what_it_leaves_the_other_one_lists(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    struct cw_inbox *first = folder.bed.inbox, *second = open_inbox(&folder, &(struct cw_inbox_files){ 0 });
    put(&folder, "a.xml", "1");
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    folder.bed.inbox = second;
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    folder.bed.inbox = first;
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    folder.bed.inbox = second;
    assert_null(inbox_bed_read(&folder.bed, "a.xml"));
    assert_int_equal(folder.bed.err.code, CW_NOT_FOUND);
    assert_string_equal(inbox_bed_list(&folder.bed), ""); /* its claimer lives */
    first->free(first);
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    put(&folder, "a.xml", "2"); /* another one under the name waits for its turn */
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "2");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_true(is_there(&folder, "done/a.xml") && is_there(&folder, "done/a.2.xml"));
    close_bed(&folder);
}

static void what_a_killed_process_had_claimed_is_listed_again(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    put(&folder, "a.xml", "1");
    pid_t pid = fork();
    if (pid == 0) {
        struct inbox_bed own;
        inbox_bed_open(&own);
        own.inbox = cw_inbox_folder_open(own.loop, folder.path, &(struct cw_inbox_files){ 0 }, NULL);
        inbox_bed_read(&own, "a.xml");
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    close_bed(&folder);
}

static void files_that_are_young_or_open_for_writing_are_left_alone(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ .rest = CW_HOUR });
    put(&folder, "a-young.xml", "1");
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    folder.bed.inbox->free(folder.bed.inbox);
    folder.bed.inbox = open_inbox(&folder, &(struct cw_inbox_files){ 0 });
    int fd = open(path_of(&folder, "open.xml"), O_WRONLY | O_CREAT, 0600);
    assert_string_equal(inbox_bed_list(&folder.bed), "a-young.xml ");
    close(fd);
    assert_string_equal(inbox_bed_list(&folder.bed), "a-young.xml open.xml ");
    close_bed(&folder);
}

static void links_folders_pipes_hidden_and_temporary_names_are_left_alone(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    assert_int_equal(symlink("/etc/passwd", path_of(&folder, "link.xml")), 0);
    assert_int_equal(mkdir(path_of(&folder, "folder.xml"), 0700), 0);
    assert_int_equal(mkfifo(path_of(&folder, "pipe.xml"), 0600), 0);
    put(&folder, ".hidden", "1");
    put(&folder, "a.xml.part", "1");
    put(&folder, "a.tmp", "1");
    put(&folder, "bad\xff.xml", "1");
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    assert_string_equal(folder.bed.refused, "bad\\377.xml ");
    assert_null(inbox_bed_read(&folder.bed, "link.xml"));
    assert_int_equal(folder.bed.err.code, CW_REFUSED);
    assert_true(is_there(&folder, "link.xml"));
    struct cw_error err;
    assert_false(folder.bed.inbox->read(folder.bed.inbox, cw_slice("../x"), NULL, NULL, &err));
    assert_int_equal(err.code, CW_USAGE);
    close_bed(&folder);
}

static void a_trigger_lets_its_file_be_taken_and_goes_with_it(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ .trigger = ".ok", .pattern = "*.xml" });
    put(&folder, "a.xml", "1");
    put(&folder, "b.xml", "2");
    put(&folder, "c.csv", "3");
    put(&folder, "c.csv.ok", "");
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    put(&folder, "a.xml.ok", "");
    put(&folder, "b.ok", "");
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml b.xml ");
    inbox_bed_read(&folder.bed, "a.xml");
    inbox_bed_read(&folder.bed, "b.xml");
    assert_false(is_there(&folder, "a.xml.ok") || is_there(&folder, "b.ok"));
    assert_true(is_there(&folder, "c.csv.ok"));
    close_bed(&folder);
}

static void a_dry_run_moves_nothing(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ .only_look = true, .done = "" });
    put(&folder, "a.xml", "1");
    assert_string_equal(inbox_bed_list(&folder.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_true(is_there(&folder, "a.xml"));
    assert_false(is_there(&folder, "work"));
    close_bed(&folder);
}

static void what_is_done_may_be_removed(void **state)
{
    (void)state;
    struct folder_bed folder;
    open_bed(&folder, &(struct cw_inbox_files){ .done = "" });
    put(&folder, "a.xml", "1");
    inbox_bed_read(&folder.bed, "a.xml");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_DONE));
    assert_false(is_there(&folder, "done"));
    assert_string_equal(inbox_bed_list(&folder.bed), "");
    close_bed(&folder);
}

static void large_files_are_read_where_they_lie(void **state)
{
    (void)state;
    enum { GIB = 3 };
    struct folder_bed folder;
    char last;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    put(&folder, "large.xml", "<orders/>");
    assert_int_equal(truncate(path_of(&folder, "large.xml"), GIB * 1024LL * 1024 * 1024), 0);
    assert_string_equal(inbox_bed_list(&folder.bed), "large.xml ");
    inbox_bed_read(&folder.bed, "large.xml");
    assert_true(cw_body_size(folder.bed.body) == GIB * 1024ULL * 1024 * 1024);
    assert_null(cw_body_memory(folder.bed.body).data);
    assert_true(cw_body_read(folder.bed.body, GIB * 1024ULL * 1024 * 1024 - 1, &last, 1, NULL));
    close_bed(&folder);
}

static void a_folder_that_is_missing_is_said_and_other_folders_are_refused(void **state)
{
    (void)state;
    struct folder_bed folder;
    struct cw_error err;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    folder.bed.inbox->free(folder.bed.inbox);
    folder.bed.inbox =
        cw_inbox_folder_open(folder.bed.loop, "/nowhere/at/all", &(struct cw_inbox_files){ 0 }, &err);
    assert_false(inbox_bed_try_list(&folder.bed));
    assert_int_equal(folder.bed.err.code, CW_NOT_FOUND);
    static const char *const names[] = { "work", "../x", "a/b", ".hidden" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct cw_inbox_files files = { .done = names[i] };
        assert_null(cw_inbox_folder_open(folder.bed.loop, folder.path, &files, &err));
        assert_int_equal(err.code, CW_USAGE);
    }
    close_bed(&folder);
}

static void patterns_know_stars_and_question_marks(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = { { "*.xml", "a.xml", true },
                  { "*.xml", "a.xml.bak", false },
                  { "order-?.csv", "order-1.csv", true },
                  { "order-?.csv", "order-12.csv", false },
                  { "*", "", true },
                  { "a*b*c", "aXbXbXc", true },
                  { "a*b*c", "aXbXbX", false },
                  { "[a]", "a", false },
                  { "**", "x", true } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(cw_inbox_matches(cases[i].pattern, cw_slice(cases[i].name)) == cases[i].matches);
}

static void numbers_stand_before_the_extension(void **state)
{
    (void)state;
    char out[CW_INBOX_NAME_MAX + 1], name[CW_INBOX_NAME_MAX + 1];
    cw_inbox_number("a.xml", 1, out);
    assert_string_equal(out, "a.xml");
    cw_inbox_number("a.b.xml", 12, out);
    assert_string_equal(out, "a.b.12.xml");
    cw_inbox_number("plain", 2, out);
    assert_string_equal(out, "plain.2");
    memset(name, 'x', CW_INBOX_NAME_MAX);
    strcpy(name + CW_INBOX_NAME_MAX - 4, ".xml");
    cw_inbox_number(name, 10000, out);
    assert_int_equal(strlen(out), CW_INBOX_NAME_MAX);
    assert_string_equal(out + CW_INBOX_NAME_MAX - 10, ".10000.xml");
}

/* --- watching --- */

struct telling {
    struct cw_loop *loop;
    unsigned count;
};

static void came(void *arg, cw_time at)
{
    struct telling *telling = arg;
    telling->count++;
    assert_true(at >= cw_now(cw_loop_clock(telling->loop)) + CW_HOUR - CW_SECOND);
    cw_loop_stop(telling->loop);
}

static void a_watch_tells_at_its_begin_and_of_what_comes(void **state)
{
    (void)state;
    struct folder_bed folder;
    struct cw_error err;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    struct telling telling = { folder.bed.loop, 0 };
    struct cw_inbox_watch *watch =
        cw_inbox_folder_watch(folder.bed.loop, folder.path, CW_HOUR, came, &telling, &err);
    assert_ok(watch != NULL, err);
    cw_loop_run(folder.bed.loop);
    assert_int_equal(telling.count, 1);
    put(&folder, "a.xml", "1");
    put(&folder, "b.xml", "1");
    cw_loop_run(folder.bed.loop);
    assert_int_equal(telling.count, 2);
    put(&folder, "c.part", "1");
    assert_int_equal(mkdir(path_of(&folder, "folder"), 0700), 0);
    put(&folder, "d.xml", "1");
    cw_loop_run(folder.bed.loop);
    assert_int_equal(telling.count, 3);
    cw_inbox_watch_free(watch);
    close_bed(&folder);
}

static void a_file_that_is_left_does_not_wake_again(void **state)
{
    (void)state;
    struct folder_bed folder;
    struct cw_error err;
    open_bed(&folder, &(struct cw_inbox_files){ 0 });
    struct telling telling = { folder.bed.loop, 0 };
    struct cw_inbox_watch *watch =
        cw_inbox_folder_watch(folder.bed.loop, folder.path, CW_HOUR, came, &telling, &err);
    assert_ok(watch != NULL, err);
    cw_loop_run(folder.bed.loop);
    put(&folder, "a.xml", "1");
    cw_loop_run(folder.bed.loop);
    assert_int_equal(telling.count, 2);
    assert_string_equal(inbox_bed_read(&folder.bed, "a.xml"), "1");
    assert_true(inbox_bed_finish(&folder.bed, "a.xml", CW_INBOX_LEFT));
    for (unsigned i = 0; i < 100; i++) { /* as long as it takes to tell */
        inbox_bed_list(&folder.bed);
        usleep(10 * 1000);
    }
    assert_int_equal(telling.count, 2);
    put(&folder, "a.xml", "1, and the rest of it");
    cw_loop_run(folder.bed.loop);
    assert_int_equal(telling.count, 3);
    cw_inbox_watch_free(watch);
    close_bed(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_listed_read_and_moved),
        cmocka_unit_test(one_that_is_left_lies_where_it_lay),
        cmocka_unit_test(of_two_inboxes_one_gets_a_file_and_what_it_leaves_the_other_one_lists),
        cmocka_unit_test(what_a_killed_process_had_claimed_is_listed_again),
        cmocka_unit_test(files_that_are_young_or_open_for_writing_are_left_alone),
        cmocka_unit_test(links_folders_pipes_hidden_and_temporary_names_are_left_alone),
        cmocka_unit_test(a_trigger_lets_its_file_be_taken_and_goes_with_it),
        cmocka_unit_test(a_dry_run_moves_nothing),
        cmocka_unit_test(what_is_done_may_be_removed),
        cmocka_unit_test(large_files_are_read_where_they_lie),
        cmocka_unit_test(a_folder_that_is_missing_is_said_and_other_folders_are_refused),
        cmocka_unit_test(patterns_know_stars_and_question_marks),
        cmocka_unit_test(numbers_stand_before_the_extension),
        cmocka_unit_test(a_watch_tells_at_its_begin_and_of_what_comes),
        cmocka_unit_test(a_file_that_is_left_does_not_wake_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
