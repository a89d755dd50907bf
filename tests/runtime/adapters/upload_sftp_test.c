/* upload_sftp_test.c - uploads to OpenSSH's sshd. */
#include "upload_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct sftp_bed {
    struct upload_bed bed; /* with the key of a user who may log in */
    struct file_server *server;
    char *key;
};

static void open_sftp(struct sftp_bed *sftp, const char *path)
{
    sftp->server = sshd_start();
    sftp->key = file_server_text(sftp->server, "client");
    upload_bed_open(&sftp->bed, "sftp", sftp->server->port, path);
    sftp->bed.place.user = sftp->server->user;
    sftp->bed.place.password = NULL;
    sftp->bed.place.key = sftp->key;
    sftp->bed.place.host_key = sftp->server->host_key;
}

static void close_sftp(struct sftp_bed *sftp)
{
    upload_bed_close(&sftp->bed);
    file_server_stop(sftp->server);
    free(sftp->key);
}

static void assert_file(const struct sftp_bed *sftp, const char *name, struct cw_slice bytes)
{
    struct cw_buffer text = file_server_read(sftp->server, name);
    if (text.data == NULL)
        fail_msg("%s is not there, but %s", name, file_server_names(sftp->server));
    assert_int_equal(text.len, bytes.len);
    assert_memory_equal(text.data, bytes.len > 0 ? bytes.data : "", bytes.len);
    cw_buffer_fini(&text);
}

static void a_key_puts_whole_files_under_their_final_names(void **state)
{
    (void)state;
    enum { LEN = 5 * 1024 * 1024 };
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    char *bytes = calloc(1, LEN);
    bytes[LEN - 1] = 'x';
    assert_ok(upload_bed_put(&sftp.bed, "large", (struct cw_slice){ bytes, LEN }), sftp.bed.err);
    assert_string_equal(file_server_names(sftp.server), "large ");
    assert_file(&sftp, "in/large", (struct cw_slice){ bytes, LEN });
    assert_ok(upload_bed_put(&sftp.bed, "empty", (struct cw_slice){ NULL, 0 }), sftp.bed.err);
    assert_file(&sftp, "in/empty", (struct cw_slice){ NULL, 0 });
    free(bytes);
    close_sftp(&sftp);
}

static void a_password_and_a_key_with_a_pass_phrase_open_as_well(void **state)
{
    (void)state;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    char *locked = file_server_text(sftp.server, "locked");
    sftp.bed.place.key = locked;
    sftp.bed.place.password = "of the key";
    assert_ok(upload_bed_put(&sftp.bed, "locked.csv", cw_slice("1")), sftp.bed.err);
    sftp.bed.place.password = "of another key";
    assert_false(upload_bed_put(&sftp.bed, "other.csv", cw_slice("1")));
    upload_bed_expect(&sftp.bed, CW_AUTH, "log-in", false);
    free(locked);
    if (geteuid() == 0) {
        sftp.bed.place.key = NULL;
        sftp.bed.place.password = FILE_SERVER_PASSWORD;
        assert_ok(upload_bed_put(&sftp.bed, "password.csv", cw_slice("1")), sftp.bed.err);
        assert_string_equal(file_server_names(sftp.server), "locked.csv password.csv ");
    }
    close_sftp(&sftp);
}

static void a_key_may_stand_in_one_line(void **state)
{
    (void)state;
    char line[4096];
    size_t len = 0;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    for (const char *at = sftp.key; *at != '\0' && len + 3 < sizeof line; at++) {
        memcpy(line + len, *at == '\n' ? "\\n" : at, 2);
        len += *at == '\n' ? 2 : 1;
    }
    line[len] = '\0';
    assert_null(strchr(line, '\n'));
    sftp.bed.place.key = line;
    assert_ok(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")), sftp.bed.err);
    close_sftp(&sftp);
}

static void a_confined_worker_uploads_with_its_key(void **state)
{
    (void)state;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    assert_true(upload_bed_put_confined(&sftp.bed, "new.csv", cw_slice("new")));
    assert_file(&sftp, "in/new.csv", cw_slice("new"));
    close_sftp(&sftp);
}

static void a_path_from_the_root_and_a_host_key_with_its_prefix_are_understood(void **state)
{
    (void)state;
    char host_key[80];
    struct sftp_bed sftp;
    open_sftp(&sftp, "");
    snprintf(sftp.bed.url, sizeof sftp.bed.url, "sftp://127.0.0.1:%u%s/", sftp.server->port, sftp.server->in);
    snprintf(host_key, sizeof host_key, "SHA256:%s", sftp.server->host_key);
    sftp.bed.place.host_key = host_key;
    assert_ok(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")), sftp.bed.err);
    assert_file(&sftp, "in/new.csv", cw_slice("new"));
    close_sftp(&sftp);
}

static void strangers_are_refused_on_both_sides(void **state)
{
    (void)state;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    sftp.bed.place.host_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_AUTH, sftp.server->host_key, false);
    sftp.bed.place.host_key = sftp.server->host_key;

    char *stranger = file_server_text(sftp.server, "stranger");
    sftp.bed.place.key = stranger;
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_AUTH, "log-in", false);
    free(stranger);

    sftp.bed.place.key = NULL;
    sftp.bed.place.password = "wrong";
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_AUTH, "log-in", false);

    sftp.bed.place.key = "no key at all";
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_AUTH, "log-in", false);

    sftp.bed.place.host_key = NULL;
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_USAGE, "ssh-keyscan", false);
    assert_string_equal(file_server_names(sftp.server), "");
    close_sftp(&sftp);
}

static void what_is_there_stays_and_what_is_not_there_is_named(void **state)
{
    (void)state;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    file_server_put(sftp.server, "in/there.csv", "of somebody else");
    file_server_put(sftp.server, "in/.new.csv.part", "half of an earlier attempt, which was longer");
    assert_false(upload_bed_put(&sftp.bed, "there.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_CONFLICT, "there.csv already", false);
    assert_file(&sftp, "in/there.csv", cw_slice("of somebody else"));
    assert_ok(upload_bed_put(&sftp.bed, "new.csv", cw_slice("whole")), sftp.bed.err);
    assert_file(&sftp, "in/new.csv", cw_slice("whole"));
    assert_string_equal(file_server_names(sftp.server), "new.csv there.csv ");

    assert_int_equal(chmod(sftp.server->in, 0555), 0);
    assert_false(upload_bed_put(&sftp.bed, "other.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_PERMISSION, "writing", false);
    assert_int_equal(chmod(sftp.server->in, 0755), 0);

    snprintf(sftp.bed.url, sizeof sftp.bed.url, "sftp://127.0.0.1:%u/~/nowhere", sftp.server->port);
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_NOT_FOUND, "nowhere", false);
    close_sftp(&sftp);
}

static void a_rename_onto_what_came_in_between_is_certainly_refused(void **state)
{
    (void)state;
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    char dangling[128];
    snprintf(dangling, sizeof dangling, "%s/new.csv", sftp.server->in);
    assert_int_equal(symlink("/nowhere/at/all", dangling), 0); /* which looking does not find */
    assert_false(upload_bed_put(&sftp.bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&sftp.bed, CW_IO, "renaming", false);
    close_sftp(&sftp);
}

static void names_with_blanks_quotes_and_signs_arrive_as_they_are(void **state)
{
    (void)state;
    static const char *const names[] = { "two words.csv", "Gr\303\266\303\237e.csv", "50%25 #1?.csv",
                                         "it's \"so\"~&+;" };
    struct sftp_bed sftp;
    open_sftp(&sftp, "~/in");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        assert_ok(upload_bed_put(&sftp.bed, names[i], cw_slice(names[i])), sftp.bed.err);
        snprintf(path, sizeof path, "in/%s", names[i]);
        assert_file(&sftp, path, cw_slice(names[i]));
    }
    assert_ok(upload_bed_list(&sftp.bed), sftp.bed.err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr(sftp.bed.names, names[i]));
    assert_null(strstr(sftp.bed.names, ".. "));
    close_sftp(&sftp);
}

/* --- servers that die --- */

struct death {
    struct file_server *server;
    struct cw_timer *timer;
    int signal, looks;
};

static void strike(void *arg)
{
    struct death *death = arg;
    if (strstr(file_server_names(death->server), ".part ") == NULL && ++death->looks < 5000) {
        cw_timer_set(death->timer, CW_MILLISECOND);
        return;
    }
    file_server_strike(death->server, death->signal);
    cw_timer_free(death->timer);
}

static void a_server_that_dies_or_hangs_in_the_middle_leaves_nothing_under_the_final_name(void **state)
{
    (void)state;
    enum { LEN = 64 * 1024 * 1024 };
    static const int signals[] = { SIGKILL, SIGSTOP };
    for (size_t i = 0; i < 2; i++) {
        struct sftp_bed sftp;
        open_sftp(&sftp, "~/in");
        char *bytes = calloc(1, LEN);
        struct death death = { .server = sftp.server, .signal = signals[i] };
        death.timer = cw_timer_create(sftp.bed.loop, strike, &death, NULL);
        cw_timer_set(death.timer, CW_MILLISECOND);
        assert_false(upload_bed_put(&sftp.bed, "orders.csv", (struct cw_slice){ bytes, LEN }));
        upload_bed_expect(&sftp.bed, signals[i] == SIGKILL ? CW_IO : CW_TIMEOUT, "writing", false);
        assert_string_equal(file_server_names(sftp.server), ".orders.csv.part ");
        free(bytes);
        close_sftp(&sftp);
    }
}

int main(void)
{
    file_server_need("/usr/sbin/sshd", "openssh-server");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_puts_whole_files_under_their_final_names),
        cmocka_unit_test(a_password_and_a_key_with_a_pass_phrase_open_as_well),
        cmocka_unit_test(a_key_may_stand_in_one_line),
        cmocka_unit_test(a_confined_worker_uploads_with_its_key),
        cmocka_unit_test(a_path_from_the_root_and_a_host_key_with_its_prefix_are_understood),
        cmocka_unit_test(strangers_are_refused_on_both_sides),
        cmocka_unit_test(what_is_there_stays_and_what_is_not_there_is_named),
        cmocka_unit_test(a_rename_onto_what_came_in_between_is_certainly_refused),
        cmocka_unit_test(names_with_blanks_quotes_and_signs_arrive_as_they_are),
        cmocka_unit_test(a_server_that_dies_or_hangs_in_the_middle_leaves_nothing_under_the_final_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
