/* inbox_remote_test.c - folders of vsftpd and of OpenSSH's sshd as inboxes. */
#include "inbox_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/inbox_remote.h"
#include "file_server.h"

struct remote_bed {
    struct inbox_bed bed;
    struct file_server *server;
    struct cw_egress *egress;
    char url[128];
    char *secret; /* a key, or a certificate */
    struct cw_upload_place place;
};

static void open_inbox(struct remote_bed *remote, const struct cw_inbox_files *files)
{
    struct cw_error err;
    if (remote->bed.inbox != NULL)
        remote->bed.inbox->free(remote->bed.inbox);
    remote->bed.inbox = cw_inbox_remote_open(remote->bed.loop, &remote->place, files, &err);
    assert_ok(remote->bed.inbox != NULL, err);
}

static void open_bed(struct remote_bed *remote, const char *scheme)
{
    struct cw_error err;
    char rule[64];
    bool is_sftp = strcmp(scheme, "sftp") == 0, is_tls = strcmp(scheme, "ftpes") == 0;
    inbox_bed_open(&remote->bed);
    remote->server = is_sftp ? sshd_start() : is_tls ? vsftpd_start_tls(NULL) : vsftpd_start(NULL);
    remote->secret = is_sftp  ? file_server_text(remote->server, "client")
                     : is_tls ? file_server_text(remote->server, "ca.pem")
                              : NULL;
    remote->egress = cw_egress_create();
    snprintf(rule, sizeof rule, "127.0.0.1:%u", remote->server->port);
    assert_ok(cw_egress_allow(remote->egress, rule, &err), err);
    snprintf(remote->url, sizeof remote->url, "%s://%s/%s", scheme, rule, is_sftp ? "~/in" : "in");
    remote->place = (struct cw_upload_place){ .url = remote->url,
                                              .user = remote->server->user,
                                              .password = is_sftp ? NULL : FILE_SERVER_PASSWORD,
                                              .key = is_sftp ? remote->secret : NULL,
                                              .host_key = is_sftp ? remote->server->host_key : NULL,
                                              .authorities = is_tls ? remote->secret : NULL,
                                              .egress = remote->egress };
    open_inbox(remote, &(struct cw_inbox_files){ 0 });
}

static void close_bed(struct remote_bed *remote)
{
    inbox_bed_close(&remote->bed);
    cw_egress_free(remote->egress);
    file_server_stop(remote->server);
    free(remote->secret);
}

static void assert_file(const struct remote_bed *remote, const char *name, const char *expected)
{
    struct cw_buffer text = file_server_read(remote->server, name);
    if (text.data == NULL)
        fail_msg("%s is not there, but in the folder: %s", name, file_server_names(remote->server));
    assert_slice(cw_buffer_slice(&text), expected);
    cw_buffer_fini(&text);
}

static void files_come_and_go(const char *scheme)
{
    struct remote_bed remote;
    open_bed(&remote, scheme);
    assert_string_equal(inbox_bed_list(&remote.bed), "");
    file_server_put(remote.server, "in/b b.xml", "<bb/>");
    file_server_put(remote.server, "in/a.xml", "<a/>");
    file_server_put(remote.server, "in/c.part", "not yet");
    file_server_put(remote.server, "in/.hidden", "not yet");
    inbox_bed_list(&remote.bed);
    assert_true(strstr(remote.bed.names, "a.xml ") != NULL && strstr(remote.bed.names, "b b.xml ") != NULL);
    assert_int_equal(strlen(remote.bed.names), strlen("a.xml b b.xml "));
    assert_int_equal(remote.bed.sizes, 9);
    const char *text = inbox_bed_read(&remote.bed, "b b.xml");
    assert_ok(text != NULL, remote.bed.err);
    assert_string_equal(text, "<bb/>");
    assert_file(&remote, "in/work/b b.xml", "<bb/>");
    inbox_bed_list(&remote.bed); /* what a crash left there is listed again */
    assert_int_equal(strlen(remote.bed.names), strlen("a.xml b b.xml "));
    open_inbox(&remote, &(struct cw_inbox_files){ 0 });
    inbox_bed_list(&remote.bed);
    assert_string_equal(inbox_bed_read(&remote.bed, "b b.xml"), "<bb/>");
    assert_ok(inbox_bed_finish(&remote.bed, "b b.xml", CW_INBOX_LEFT), remote.bed.err);
    assert_file(&remote, "in/b b.xml", "<bb/>");
    assert_string_equal(inbox_bed_read(&remote.bed, "b b.xml"), "<bb/>");
    assert_ok(inbox_bed_finish(&remote.bed, "b b.xml", CW_INBOX_DONE), remote.bed.err);
    assert_file(&remote, "in/done/b b.xml", "<bb/>");
    assert_string_equal(inbox_bed_list(&remote.bed), "a.xml ");
    close_bed(&remote);
}

static void files_come_and_go_by_ftp(void **state)
{
    (void)state;
    files_come_and_go("ftp");
}

static void files_come_and_go_by_ftp_with_tls(void **state)
{
    (void)state;
    files_come_and_go("ftpes");
}

static void files_come_and_go_by_sftp(void **state)
{
    (void)state;
    files_come_and_go("sftp");
}

static void names_are_numbered(const char *scheme)
{
    struct remote_bed remote;
    open_bed(&remote, scheme);
    for (unsigned i = 1; i <= 3; i++) {
        char text[8];
        snprintf(text, sizeof text, "%u", i);
        file_server_put(remote.server, "in/a.xml", text);
        inbox_bed_list(&remote.bed);
        assert_ok(inbox_bed_read(&remote.bed, "a.xml") != NULL, remote.bed.err);
        assert_ok(inbox_bed_finish(&remote.bed, "a.xml", CW_INBOX_DONE), remote.bed.err);
        assert_ok(inbox_bed_finish(&remote.bed, "a.xml", CW_INBOX_DONE), remote.bed.err); /* already */
    }
    assert_file(&remote, "in/done/a.xml", "1");
    assert_file(&remote, "in/done/a.2.xml", "2");
    assert_file(&remote, "in/done/a.3.xml", "3");
    close_bed(&remote);
}

static void what_is_there_in_done_is_never_overwritten(void **state)
{
    (void)state;
    names_are_numbered("ftp");
    names_are_numbered("sftp");
}

static void one_that_somebody_else_took_is_not_found(const char *scheme)
{
    struct remote_bed remote;
    char path[128];
    open_bed(&remote, scheme);
    file_server_put(remote.server, "in/a.xml", "1");
    inbox_bed_list(&remote.bed);
    snprintf(path, sizeof path, "%s/a.xml", remote.server->in);
    unlink(path);
    assert_null(inbox_bed_read(&remote.bed, "a.xml"));
    assert_int_equal(remote.bed.err.code, CW_NOT_FOUND);
    assert_non_null(strstr(remote.bed.err.text, "somebody else took it"));
    close_bed(&remote);
}

static void one_gets_it_the_other_is_told(void **state)
{
    (void)state;
    one_that_somebody_else_took_is_not_found("ftp");
    one_that_somebody_else_took_is_not_found("sftp");
}

static void triggers_and_removal(const char *scheme)
{
    struct remote_bed remote;
    open_bed(&remote, scheme);
    open_inbox(&remote, &(struct cw_inbox_files){ .trigger = ".ok", .done = "", .pattern = "*.xml" });
    file_server_put(remote.server, "in/a.xml", "1");
    file_server_put(remote.server, "in/b.csv", "1");
    file_server_put(remote.server, "in/b.csv.ok", "");
    assert_string_equal(inbox_bed_list(&remote.bed), "");
    file_server_put(remote.server, "in/a.ok", "");
    assert_string_equal(inbox_bed_list(&remote.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&remote.bed, "a.xml"), "1");
    assert_string_equal(file_server_names(remote.server), "b.csv b.csv.ok work ");
    assert_ok(inbox_bed_finish(&remote.bed, "a.xml", CW_INBOX_DONE), remote.bed.err);
    assert_ok(inbox_bed_finish(&remote.bed, "a.xml", CW_INBOX_DONE), remote.bed.err);
    assert_string_equal(file_server_names(remote.server), "b.csv b.csv.ok work ");
    close_bed(&remote);
}

static void triggers_go_with_their_files_and_what_is_done_may_be_removed(void **state)
{
    (void)state;
    triggers_and_removal("ftp");
    triggers_and_removal("sftp");
}

/* --- rest --- */

struct writer {
    const struct remote_bed *remote;
    struct cw_timer *timer;
    char text[256];
};

static void write_more(void *arg)
{
    struct writer *writer = arg;
    size_t len = strlen(writer->text);
    if (len + 1 < sizeof writer->text)
        writer->text[len] = 'x';
    file_server_put(writer->remote->server, "in/growing.xml", writer->text);
    cw_timer_set(writer->timer, 300 * CW_MILLISECOND);
}

static void a_file_that_grows_between_two_looks_is_left_alone(void **state)
{
    (void)state;
    struct remote_bed remote;
    open_bed(&remote, "ftp");
    open_inbox(&remote, &(struct cw_inbox_files){ .rest = CW_SECOND });
    file_server_put(remote.server, "in/whole.xml", "1");
    file_server_put(remote.server, "in/growing.xml", "short");
    struct writer writer = { .remote = &remote };
    writer.timer = cw_timer_create(remote.bed.loop, write_more, &writer, NULL);
    cw_timer_set(writer.timer, 0);
    assert_string_equal(inbox_bed_list(&remote.bed), "whole.xml ");
    cw_timer_free(writer.timer);
    close_bed(&remote);
}

static void a_dry_run_moves_nothing(void **state)
{
    (void)state;
    struct remote_bed remote;
    open_bed(&remote, "ftp");
    open_inbox(&remote, &(struct cw_inbox_files){ .only_look = true });
    file_server_put(remote.server, "in/a.xml", "1");
    assert_string_equal(inbox_bed_list(&remote.bed), "a.xml ");
    assert_string_equal(inbox_bed_read(&remote.bed, "a.xml"), "1");
    assert_true(inbox_bed_finish(&remote.bed, "a.xml", CW_INBOX_DONE));
    assert_string_equal(file_server_names(remote.server), "a.xml ");
    close_bed(&remote);
}

static void a_server_that_does_not_answer_is_told_without_its_password(void **state)
{
    (void)state;
    struct remote_bed remote;
    open_bed(&remote, "ftp");
    file_server_kill(remote.server);
    assert_false(inbox_bed_try_list(&remote.bed));
    assert_int_equal(remote.bed.err.code, CW_UNAVAILABLE);
    assert_null(strstr(remote.bed.err.text, FILE_SERVER_PASSWORD));
    close_bed(&remote);
}

static void a_listing_is_called_off(void **state)
{
    (void)state;
    struct remote_bed remote;
    open_bed(&remote, "ftp");
    open_inbox(&remote, &(struct cw_inbox_files){ .rest = CW_HOUR });
    file_server_put(remote.server, "in/a.xml", "1");
    assert_true(remote.bed.inbox->list(remote.bed.inbox, NULL, NULL, NULL, &remote.bed.err));
    usleep(300000);
    remote.bed.inbox->cancel(remote.bed.inbox);
    close_bed(&remote);
    usleep(300000); /* its thread ends, and frees what it has */
}

int main(void)
{
    file_server_need("/usr/sbin/vsftpd", "vsftpd");
    file_server_need("/usr/sbin/sshd", "openssh-server");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_and_go_by_ftp),
        cmocka_unit_test(files_come_and_go_by_ftp_with_tls),
        cmocka_unit_test(files_come_and_go_by_sftp),
        cmocka_unit_test(what_is_there_in_done_is_never_overwritten),
        cmocka_unit_test(one_gets_it_the_other_is_told),
        cmocka_unit_test(triggers_go_with_their_files_and_what_is_done_may_be_removed),
        cmocka_unit_test(a_file_that_grows_between_two_looks_is_left_alone),
        cmocka_unit_test(a_dry_run_moves_nothing),
        cmocka_unit_test(a_server_that_does_not_answer_is_told_without_its_password),
        cmocka_unit_test(a_listing_is_called_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
