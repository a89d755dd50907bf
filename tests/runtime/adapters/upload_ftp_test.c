/* upload_ftp_test.c - uploads to vsftpd, in clear and through TLS. */
#include "upload_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_file(const struct file_server *server, const char *name, struct cw_slice bytes)
{
    struct cw_buffer text = file_server_read(server, name);
    if (text.data == NULL)
        fail_msg("%s is not there, but %s", name, file_server_names(server));
    assert_int_equal(text.len, bytes.len);
    assert_memory_equal(text.data, bytes.len > 0 ? bytes.data : "", bytes.len);
    cw_buffer_fini(&text);
}

static char *many_bytes(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}

static void a_whole_file_stands_under_its_final_name_alone(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    upload_bed_open(&bed, "ftp", server->port, "in");
    assert_ok(upload_bed_put(&bed, "orders-17.csv", cw_slice("sku;quantity\r\nA1;3\r\n")), bed.err);
    assert_false(bed.may_exist);
    assert_string_equal(file_server_names(server), "orders-17.csv ");
    assert_file(server, "in/orders-17.csv", cw_slice("sku;quantity\r\nA1;3\r\n"));
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void five_megabytes_and_no_byte_at_all_arrive(void **state)
{
    (void)state;
    enum { LEN = 5 * 1024 * 1024 };
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    char *bytes = many_bytes(LEN);
    upload_bed_open(&bed, "ftp", server->port, "in/");
    assert_ok(upload_bed_put(&bed, "large", (struct cw_slice){ bytes, LEN }), bed.err);
    assert_file(server, "in/large", (struct cw_slice){ bytes, LEN });
    assert_ok(upload_bed_put(&bed, "empty", (struct cw_slice){ NULL, 0 }), bed.err);
    assert_file(server, "in/empty", (struct cw_slice){ NULL, 0 });
    free(bytes);
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void what_is_refused_leaves_no_trace(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    upload_bed_open(&bed, "ftp", server->port, "in");
    file_server_put(server, "in/there.csv", "of somebody else");
    assert_false(upload_bed_put(&bed, "there.csv", cw_slice("new")));
    upload_bed_expect(&bed, CW_CONFLICT, "there.csv already", false);
    assert_file(server, "in/there.csv", cw_slice("of somebody else"));

    bed.place.password = "wrong";
    assert_false(upload_bed_put(&bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&bed, CW_AUTH, "log-in: the server answered: 530 Login incorrect.", false);
    bed.place.password = FILE_SERVER_PASSWORD;

    snprintf(bed.url, sizeof bed.url, "ftp://127.0.0.1:%u/in/nowhere/", server->port);
    assert_false(upload_bed_put(&bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&bed, CW_NOT_FOUND, "going to the folder: the server answered: 550", false);

    snprintf(bed.url, sizeof bed.url, "ftp://127.0.0.1:%u/in", server->port);
    assert_int_equal(chmod(server->in, 0555), 0);
    assert_false(upload_bed_put(&bed, "new.csv", cw_slice("new")));
    upload_bed_expect(&bed, CW_PERMISSION, "writing: the server answered: 553 Could not create file.", false);
    assert_int_equal(chmod(server->in, 0755), 0);
    assert_string_equal(file_server_names(server), "there.csv ");
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void a_temporary_file_that_was_left_is_overwritten(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    upload_bed_open(&bed, "ftp", server->port, "in");
    file_server_put(server, "in/.new.csv.part", "half of an earlier attempt, which was longer");
    assert_ok(upload_bed_put(&bed, "new.csv", cw_slice("whole")), bed.err);
    assert_string_equal(file_server_names(server), "new.csv ");
    assert_file(server, "in/new.csv", cw_slice("whole"));
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void names_with_blanks_umlauts_and_signs_arrive_as_they_are(void **state)
{
    (void)state;
    static const char *const names[] = { "two words.csv",           "Gr\303\266\303\237e.csv",
                                         "50%25 #1?.csv",           "a;type=a",
                                         "it's \"so\"~&+",          "-rf",
                                         "\xE5\x80\x89\xE5\xBA\xAB" };
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    upload_bed_open(&bed, "ftp", server->port, "in");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        assert_ok(upload_bed_put(&bed, names[i], cw_slice(names[i])), bed.err);
        snprintf(path, sizeof path, "in/%s", names[i]);
        assert_file(server, path, cw_slice(names[i]));
    }
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void names_that_leave_the_folder_or_speak_to_the_server_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "",
                                         ".",
                                         "..",
                                         "a/b",
                                         "../a",
                                         "a\\b",
                                         "a\nDELE b",
                                         "a\r\nNOOP",
                                         "a\x7f",
                                         "a\xC2\x85"
                                         "b",
                                         "a\xff",
                                         " a",
                                         "a ",
                                         ".a",
                                         "a\tb",
                                         "a\xC0\xAF"
                                         "b" };
    struct upload_bed bed;
    upload_bed_open(&bed, "ftp", 1, "in");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(upload_bed_put(&bed, names[i], cw_slice("x")));
        assert_int_equal(bed.calls, 0);
        upload_bed_expect(&bed, CW_USAGE, "cannot be the name of a file", false);
    }
    upload_bed_close(&bed);
}

static void addresses_are_checked_before_anything_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum cw_code code;
        const char *words;
    } cases[] = {
        { "http://127.0.0.1/", CW_USAGE, "only ftp, ftpes, ftps and sftp" },
        { "ftp://user:" FILE_SERVER_PASSWORD "@127.0.0.1/", CW_USAGE, "fields of their own" },
        { "ftp://:21/in", CW_USAGE, "not usable" },
        { "ftp://127.0.0.1/in?x", CW_USAGE, "%3F" },
        { "ftp://127.0.0.1/in%0d%0aDELE%20x/", CW_USAGE, "control characters" },
        { "ftp://127.0.0.1/in;type=a", CW_USAGE, ";type=" },
        { "ftp://127.0.0.1/", CW_REFUSED, "127.0.0.1:21" },
        { "ftp://files.example.com/", CW_REFUSED, "files.example.com:21" },
        { "ftps://files.example.com/", CW_REFUSED, "files.example.com:990" },
        { "FTPES://files.example.com/", CW_REFUSED, "files.example.com:21" },
        { "sftp://169.254.169.254/", CW_REFUSED, "169.254.169.254:22" },
    };
    struct upload_bed bed;
    upload_bed_open(&bed, "ftp", 2121, "in");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bed.place.url = cases[i].url;
        assert_false(upload_bed_put(&bed, "a", cw_slice("x")));
        assert_int_equal(bed.calls, 0);
        upload_bed_expect(&bed, cases[i].code, cases[i].words, false);
    }
    upload_bed_close(&bed);
}

/* --- servers that die --- */

struct death {
    struct file_server *server;
    struct cw_timer *timer;
    bool saw_part;
};

static void kill_server(void *arg)
{
    struct death *death = arg;
    death->saw_part = strcmp(file_server_names(death->server), ".orders.csv.part ") == 0;
    file_server_kill(death->server);
    cw_timer_free(death->timer);
}

static void a_server_that_dies_in_the_middle_leaves_nothing_under_the_final_name(void **state)
{
    (void)state;
    enum { LEN = 16 * 1024 * 1024 };
    struct upload_bed bed;
    struct death death = { .server = vsftpd_start("anon_max_rate=1000000\n") };
    char *bytes = many_bytes(LEN);
    upload_bed_open(&bed, "ftp", death.server->port, "in");
    death.timer = cw_timer_create(bed.loop, kill_server, &death, NULL);
    cw_timer_set(death.timer, 700 * CW_MILLISECOND);
    assert_false(upload_bed_put(&bed, "orders.csv", (struct cw_slice){ bytes, LEN }));
    assert_true(death.saw_part);
    upload_bed_expect(&bed, CW_IO, "writing: ", false);
    assert_string_equal(file_server_names(death.server), ".orders.csv.part ");
    free(bytes);
    upload_bed_close(&bed);
    file_server_stop(death.server);
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start(NULL);
    file_server_kill(server);
    upload_bed_open(&bed, "ftp", server->port, "in");
    assert_false(upload_bed_put(&bed, "orders.csv", cw_slice("x")));
    upload_bed_expect(&bed, CW_UNAVAILABLE, "connecting", false);
    upload_bed_close(&bed);
    file_server_stop(server);
}

struct cancelling {
    struct cw_upload *upload;
    struct cw_timer *timer;
    char *bytes;
};

static void never(void *arg, bool may_exist, const struct cw_error *err)
{
    (void)arg, (void)may_exist, (void)err;
    fail_msg("a cancelled upload called back");
}

static void cancel(void *arg)
{
    struct cancelling *cancelling = arg;
    cw_upload_cancel(cancelling->upload);
    free(cancelling->bytes); /* borrowed no more */
    cw_timer_free(cancelling->timer);
}

static void cancelling_takes_no_time_and_nothing_is_read_any_more(void **state)
{
    (void)state;
    enum { LEN = 16 * 1024 * 1024 };
    struct upload_bed bed;
    struct file_server *server = vsftpd_start("anon_max_rate=1000000\n");
    upload_bed_open(&bed, "ftp", server->port, "in");
    for (int ms = 0; ms < 600; ms = ms * 2 + 1) {
        struct cancelling cancelling = { .bytes = many_bytes(LEN) };
        cancelling.upload =
            cw_upload_start(bed.loop, &bed.place, "orders.csv", (struct cw_slice){ cancelling.bytes, LEN },
                            never, NULL, &bed.err);
        assert_ok(cancelling.upload != NULL, bed.err);
        cancelling.timer = cw_timer_create(bed.loop, cancel, &cancelling, NULL);
        cw_timer_set(cancelling.timer, ms * CW_MILLISECOND);
        int64_t before = cw_elapsed_ns(&cw_system_clock);
        cw_loop_run(bed.loop);
        assert_true(cw_elapsed_ns(&cw_system_clock) - before < (ms + 1000) * 1000000LL);
    }
    assert_true(strstr(file_server_names(server), "orders.csv ") == NULL);
    upload_bed_close(&bed);
    file_server_stop(server);
}

/* --- listings --- */

static void a_listing_names_files_and_no_temporary_ones(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start("force_dot_files=YES\n");
    upload_bed_open(&bed, "ftp", server->port, "in");
    assert_ok(upload_bed_list(&bed), bed.err);
    assert_string_equal(bed.names, "");
    file_server_put(server, "in/a b.csv", "1");
    file_server_put(server, "in/.c.csv.part", "2");
    assert_ok(upload_bed_list(&bed), bed.err);
    assert_string_equal(bed.names, "a b.csv ");
    assert_int_equal(chmod(server->in, 0311), 0);
    assert_false(upload_bed_list(&bed));
    upload_bed_expect(&bed, CW_PERMISSION, "listing the folder", false);
    assert_int_equal(chmod(server->in, 0755), 0);
    upload_bed_close(&bed);
    file_server_stop(server);
}

/* --- TLS --- */

static void check_tls(const char *scheme, const char *more)
{
    struct upload_bed bed;
    struct file_server *server = vsftpd_start_tls(more);
    char *authorities = file_server_text(server, "ca.pem"), *bytes = many_bytes(1000000);
    upload_bed_open(&bed, scheme, server->port, "in");
    assert_false(upload_bed_put(&bed, "orders.csv", cw_slice("x")));
    upload_bed_expect(&bed, CW_AUTH, "certificate is not accepted", false);
    bed.place.authorities = authorities;
    assert_ok(upload_bed_put(&bed, "orders.csv", (struct cw_slice){ bytes, 1000000 }), bed.err);
    assert_file(server, "in/orders.csv", (struct cw_slice){ bytes, 1000000 });
    assert_ok(upload_bed_list(&bed), bed.err);
    assert_string_equal(bed.names, "orders.csv ");
    assert_true(upload_bed_put_confined(&bed, "confined.csv", cw_slice("x")));
    assert_file(server, "in/confined.csv", cw_slice("x"));
    free(authorities);
    free(bytes);
    upload_bed_close(&bed);
    file_server_stop(server);
}

static void explicit_tls_checks_the_certificate(void **state)
{
    (void)state;
    check_tls("ftpes", NULL);
}

static void implicit_tls_checks_the_certificate(void **state)
{
    (void)state;
    check_tls("ftps", "implicit_ssl=YES\n");
}

static void a_server_without_tls_gets_no_password(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct file_server *server = vsftpd_start("log_ftp_protocol=YES\nsyslog_enable=NO\nxferlog_enable=YES\n"
                                              "xferlog_std_format=NO\nvsftpd_log_file=protocol\n");
    upload_bed_open(&bed, "ftpes", server->port, "in");
    assert_false(upload_bed_put(&bed, "orders.csv", cw_slice("x")));
    upload_bed_expect(&bed, CW_AUTH, "does not encrypt", false);
    char *protocol = file_server_text(server, "protocol");
    assert_non_null(strstr(protocol, "\"AUTH"));
    assert_null(strstr(protocol, "\"PASS"));
    free(protocol);
    upload_bed_close(&bed);
    file_server_stop(server);
}

int main(void)
{
    file_server_need("/usr/sbin/vsftpd", "vsftpd");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_stands_under_its_final_name_alone),
        cmocka_unit_test(five_megabytes_and_no_byte_at_all_arrive),
        cmocka_unit_test(what_is_refused_leaves_no_trace),
        cmocka_unit_test(a_temporary_file_that_was_left_is_overwritten),
        cmocka_unit_test(names_with_blanks_umlauts_and_signs_arrive_as_they_are),
        cmocka_unit_test(names_that_leave_the_folder_or_speak_to_the_server_are_refused),
        cmocka_unit_test(addresses_are_checked_before_anything_is_sent),
        cmocka_unit_test(a_server_that_dies_in_the_middle_leaves_nothing_under_the_final_name),
        cmocka_unit_test(nobody_there_is_unavailable),
        cmocka_unit_test(cancelling_takes_no_time_and_nothing_is_read_any_more),
        cmocka_unit_test(a_listing_names_files_and_no_temporary_ones),
        cmocka_unit_test(explicit_tls_checks_the_certificate),
        cmocka_unit_test(implicit_tls_checks_the_certificate),
        cmocka_unit_test(a_server_without_tls_gets_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
