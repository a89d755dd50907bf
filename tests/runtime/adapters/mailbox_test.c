/* mailbox_test.c - mailboxes of a Dovecot, by IMAP and POP3, in clear and through TLS. */
#include "adapters/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/confine.h"
#include "adapters/mime.h"
#include "mail_server.h"
#include "testing.h"

#define MAIL(number) "Subject: order " number "\r\n\r\n.\r\n..two dots\r\nlast line\r\n"

struct bed {
    struct cw_loop *loop;
    struct cw_egress *egress;
    struct cw_mailbox_place place;
    char url[128];
    struct cw_inbox *inbox;
    /* the last answer */
    unsigned calls, count;
    bool ok;
    struct cw_error err;
    char names[8][64];
    uint64_t sizes[8];
    cw_time times[8];
    struct cw_body *body;
};

static void bed_open(struct bed *bed, const char *scheme, unsigned port, const char *path)
{
    struct cw_error err = { 0 };
    *bed = (struct bed){ .loop = cw_loop_create(&err), .egress = cw_egress_create() };
    assert_ok(bed->loop != NULL, err);
    snprintf(bed->url, sizeof bed->url, "%s://127.0.0.1:%u/%s", scheme, port, path);
    assert_ok(cw_egress_allow(bed->egress, "127.0.0.1:*", &err), err);
    bed->place = (struct cw_mailbox_place){
        .url = bed->url,
        .user = MAIL_SERVER_USER,
        .password = MAIL_SERVER_PASSWORD,
        .stall = 5 * CW_SECOND,
        .egress = bed->egress,
    };
}

static void bed_start(struct bed *bed)
{
    struct cw_error err = { 0 };
    bed->inbox = cw_mailbox_open(bed->loop, &bed->place, &err);
    assert_ok(bed->inbox != NULL, err);
}

static void bed_close(struct bed *bed)
{
    cw_body_free(bed->body);
    if (bed->inbox != NULL)
        bed->inbox->free(bed->inbox);
    cw_egress_free(bed->egress);
    cw_loop_free(bed->loop);
}

static void on_entry(void *arg, const struct cw_inbox_entry *entry)
{
    struct bed *bed = arg;
    assert_in_range(bed->count, 0, 7);
    snprintf(bed->names[bed->count], sizeof bed->names[0], "%.*s", CW_SLICE_ARG(entry->name));
    bed->sizes[bed->count] = entry->size;
    bed->times[bed->count++] = entry->at;
}

static void on_done(void *arg, const struct cw_error *err)
{
    struct bed *bed = arg;
    bed->calls++;
    bed->ok = err == NULL;
    bed->err = err != NULL ? *err : (struct cw_error){ 0 };
    assert_null(strstr(bed->err.text, MAIL_SERVER_PASSWORD));
}

static void on_body(void *arg, struct cw_body *body, const struct cw_error *err)
{
    struct bed *bed = arg;
    assert_true((body == NULL) != (err == NULL));
    cw_body_free(bed->body);
    bed->body = body;
    on_done(arg, err);
}

static bool wait_for_it(struct bed *bed, bool started)
{
    assert_int_equal(bed->calls, 0); /* never from inside the call */
    if (!started)
        return false;
    cw_loop_run(bed->loop);
    assert_int_equal(bed->calls, 1);
    return bed->ok;
}

static bool list(struct bed *bed)
{
    bed->calls = bed->count = 0;
    return wait_for_it(bed, bed->inbox->list(bed->inbox, on_entry, on_done, bed, &bed->err));
}

static bool list_behind(struct bed *bed, const char *name)
{
    bed->calls = bed->count = 0;
    return wait_for_it(
        bed, bed->inbox->list_behind(bed->inbox, cw_slice(name), on_entry, on_done, bed, &bed->err));
}

static bool read_mail(struct bed *bed, const char *name)
{
    bed->calls = 0;
    return wait_for_it(bed, bed->inbox->read(bed->inbox, cw_slice(name), on_body, bed, &bed->err));
}

static bool finish(struct bed *bed, const char *name, enum cw_inbox_end end)
{
    bed->calls = 0;
    return wait_for_it(bed, bed->inbox->finish(bed->inbox, cw_slice(name), end, on_done, bed, &bed->err));
}

static void assert_body(const struct bed *bed, const char *text)
{
    struct cw_slice bytes = cw_body_memory(bed->body);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static void expect(const struct bed *bed, enum cw_code code, const char *words)
{
    if (bed->ok || bed->err.code != code || strstr(bed->err.text, words) == NULL)
        fail_msg("expected %s with \"%s\", got %s: %s", cw_code_name(code), words,
                 bed->ok ? "none" : cw_code_name(bed->err.code), bed->err.text);
}

/* --- IMAP --- */

static void take_two(struct bed *bed, struct mail_server *server)
{
    mail_server_deliver(server, cw_slice(MAIL("1")));
    mail_server_deliver(server, cw_slice(MAIL("2")));
    bed_start(bed);
    assert_ok(list(bed), bed->err);
    assert_int_equal(bed->count, 2);
    assert_int_equal(bed->sizes[0], strlen(MAIL("1")));
    assert_ok(read_mail(bed, bed->names[1]), bed->err);
    assert_body(bed, MAIL("2"));
    assert_ok(read_mail(bed, bed->names[0]), bed->err);
    assert_body(bed, MAIL("1"));
}

static void move_two(struct bed *bed, const struct mail_server *server)
{
    char first[64];
    strcpy(first, bed->names[0]);
    assert_ok(finish(bed, first, CW_INBOX_DONE), bed->err);
    assert_ok(finish(bed, first, CW_INBOX_DONE), bed->err); /* once more is no error */
    assert_int_equal(mail_server_count(server, ".done"), 1);
    assert_ok(finish(bed, bed->names[1], CW_INBOX_FAILED), bed->err);
    assert_int_equal(mail_server_count(server, ".failed"), 1);
    assert_int_equal(mail_server_count(server, ""), 0);
    assert_ok(list(bed), bed->err);
    assert_int_equal(bed->count, 0);
    assert_false(read_mail(bed, first));
    expect(bed, CW_NOT_FOUND, "not there any more");
}

static void mails_come_byte_for_byte_and_are_moved(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "imap", server->imap, "INBOX");
    take_two(&bed, server);
    assert_int_equal(bed.times[0] / CW_SECOND, 1711847700); /* when it was delivered */
    assert_int_equal(mail_server_count(server, ""), 2);
    move_two(&bed, server);
    bed_close(&bed);
    mail_server_stop(server);
}

static void a_list_goes_on_behind_a_mail(void **state)
{
    (void)state;
    struct mail_server *server = mail_server_start(NULL);
    mail_server_deliver(server, cw_slice(MAIL("1")));
    mail_server_deliver(server, cw_slice(MAIL("2")));
    for (int way = 0; way < 2; way++) {
        struct bed bed;
        char first[64], second[64];
        bed_open(&bed, way == 0 ? "imap" : "pop3", way == 0 ? server->imap : server->pop3,
                 way == 0 ? "INBOX" : "");
        bed_start(&bed);
        assert_ok(list(&bed), bed.err);
        assert_int_equal(bed.count, 2);
        strcpy(first, bed.names[0]);
        strcpy(second, bed.names[1]);
        assert_ok(list_behind(&bed, first), bed.err);
        assert_int_equal(bed.count, 1);
        assert_string_equal(bed.names[0], second);
        assert_ok(list_behind(&bed, second), bed.err);
        assert_int_equal(bed.count, 0);
        bed_close(&bed);
    }
    mail_server_stop(server);
}

static void tls_and_starttls_want_a_certificate_that_is_trusted(void **state)
{
    (void)state;
    struct mail_server *server = mail_server_start(NULL);
    char *certificate = mail_server_certificate(server);
    const struct {
        const char *scheme;
        unsigned port;
    } ways[] = { { "imaps", server->imaps },
                 { "imap", server->imap },
                 { "pop3s", server->pop3s },
                 { "pop3", server->pop3 } };
    mail_server_deliver(server, cw_slice(MAIL("1")));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct bed bed;
        bed_open(&bed, ways[i].scheme, ways[i].port, "");
        bed.place.authorities = certificate;
        bed_start(&bed);
        assert_ok(list(&bed), bed.err);
        assert_int_equal(bed.count, 1);
        bed_close(&bed);
    }
    struct bed bed;
    bed_open(&bed, "imaps", server->imaps, "");
    bed_start(&bed);
    assert_false(list(&bed));
    expect(&bed, CW_AUTH, "certificate");
    bed_close(&bed);
    free(certificate);
    mail_server_stop(server);
}

static void without_move_a_mail_is_copied_and_no_other_one_is_removed(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server =
        mail_server_start("protocol imap {\n imap_capability = IMAP4rev1 UIDPLUS\n}\n");
    bed_open(&bed, "imap", server->imap, "INBOX");
    take_two(&bed, server);
    mail_server_deliver(server, cw_slice(MAIL("3")));
    assert_ok(list(&bed), bed.err);
    char command[256], third[64];
    strcpy(third, bed.names[2]);
    snprintf(command, sizeof command, /* somebody marks the third one as deleted */
             "curl -s -X 'STORE 3 +FLAGS (\\Deleted)' -u " MAIL_SERVER_USER ":" MAIL_SERVER_PASSWORD
             " 'imap://127.0.0.1:%u/INBOX' >/dev/null",
             server->imap);
    assert_int_equal(system(command), 0);
    assert_ok(list(&bed), bed.err);
    assert_int_equal(bed.count, 2);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ".done"), 1);
    assert_int_equal(mail_server_count(server, ""), 2); /* the second, and the third */
    assert_ok(read_mail(&bed, third), bed.err);
    bed_close(&bed);
    mail_server_stop(server);
}

static void without_uidplus_a_mail_stays_marked_and_is_not_listed(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start("protocol imap {\n imap_capability = IMAP4rev1\n}\n");
    bed_open(&bed, "imap", server->imap, "INBOX");
    take_two(&bed, server);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ".done"), 1);
    assert_int_equal(mail_server_count(server, ""), 2);
    assert_ok(list(&bed), bed.err);
    assert_int_equal(bed.count, 1);
    bed_close(&bed);
    mail_server_stop(server);
}

static void a_mailbox_made_anew_has_other_names(void **state)
{
    (void)state;
    struct bed bed;
    char old[64];
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "imap", server->imap, "INBOX");
    take_two(&bed, server);
    strcpy(old, bed.names[0]);
    bed.inbox->free(bed.inbox);
    mail_server_renew(server);
    bed_start(&bed);
    assert_ok(list(&bed), bed.err);
    assert_int_equal(bed.count, 2);
    assert_string_not_equal(bed.names[0], old);
    assert_false(read_mail(&bed, old));
    expect(&bed, CW_NOT_FOUND, old);
    assert_ok(finish(&bed, old, CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ""), 2); /* it is nobody's any more */
    bed_close(&bed);
    mail_server_stop(server);
}

static void folders_have_names_in_any_script_and_may_be_none(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "imap", server->imap, "");
    bed.place.done = "Erledigte Auftr\xC3\xA4ge & \xF0\x9F\x93\xA6";
    bed.place.failed = "";
    take_two(&bed, server);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ".Erledigte Auftr&AOQ-ge &- &2D3c5g-"), 1);
    assert_ok(finish(&bed, bed.names[1], CW_INBOX_FAILED), bed.err); /* removed */
    assert_int_equal(mail_server_count(server, ""), 0);
    bed.inbox->free(bed.inbox);
    snprintf(bed.url, sizeof bed.url,
             "imap://127.0.0.1:%u/Erledigte%%20Auftr%%C3%%A4ge%%20&%%20%%F0%%9F%%93%%A6", server->imap);
    bed_start(&bed);
    assert_ok(list(&bed), bed.err);
    assert_int_equal(bed.count, 1);
    bed_close(&bed);
    mail_server_stop(server);
}

static void what_is_wrong_is_told_apart(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "imap", server->imap, "NoSuchMailbox");
    bed_start(&bed);
    assert_false(list(&bed));
    expect(&bed, CW_NOT_FOUND, "check its name");
    bed.inbox->free(bed.inbox);
    bed.place.password = "wrong";
    bed_start(&bed);
    assert_false(list(&bed));
    expect(&bed, CW_AUTH, "check user and password");
    bed.inbox->free(bed.inbox);
    mail_server_kill(server);
    bed_start(&bed);
    assert_false(list(&bed));
    expect(&bed, CW_UNAVAILABLE, "whether the server runs");
    bed_close(&bed);
    mail_server_stop(server);
}

static void a_server_that_the_rules_do_not_name_is_not_called(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    struct bed bed;
    bed_open(&bed, "imap", 1, "");
    struct cw_egress *none = cw_egress_create();
    bed.place.egress = none;
    assert_null(cw_mailbox_open(bed.loop, &bed.place, &err));
    assert_int_equal(err.code, CW_REFUSED);
    static const char *const wrong[] = { "http://example.com/", "imap://user:secret@example.com/",
                                         "pop3://example.com/INBOX", "imap://example.com/INBOX;UID=1" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bed.place.url = wrong[i];
        assert_null(cw_mailbox_open(bed.loop, &bed.place, &err));
        assert_int_equal(err.code, CW_USAGE);
        assert_null(strstr(err.text, "secret"));
    }
    cw_egress_free(none);
    bed_close(&bed);
}

static void a_server_that_was_restarted_is_called_again(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "imap", server->imap, "INBOX");
    take_two(&bed, server);
    mail_server_kill(server);
    mail_server_restart(server);
    assert_ok(read_mail(&bed, bed.names[0]), bed.err);
    assert_body(&bed, MAIL("1"));
    mail_server_kill(server);
    mail_server_restart(server);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ".done"), 1);
    bed_close(&bed);
    mail_server_stop(server);
}

/* --- size --- */

static char *large_mail(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    int at = sprintf(bytes, "Subject: large\r\n\r\n");
    for (size_t i = (size_t)at; i < len; i++)
        bytes[i] = i % 80 == 79 ? '\n' : i % 80 == 78 ? '\r' : (char)('a' + i % 23);
    memcpy(bytes + len - 2, "\r\n", 2);
    return bytes;
}

static void assert_large(const struct bed *bed, const char *bytes, size_t len)
{
    char piece[65536];
    assert_int_equal(cw_body_size(bed->body), len);
    for (size_t at = 0; at < len; at += sizeof piece) {
        size_t part = len - at < sizeof piece ? len - at : sizeof piece;
        assert_true(cw_body_read(bed->body, at, piece, part, NULL));
        assert_memory_equal(piece, bytes + at, part);
    }
}

static void fifty_megabytes_come_whole_or_are_refused_and_the_next_one_comes(void **state)
{
    (void)state;
    enum { LEN = 50 * 1024 * 1024 };
    struct mail_server *server = mail_server_start(NULL);
    char *bytes = large_mail(LEN);
    mail_server_deliver(server, (struct cw_slice){ bytes, LEN });
    mail_server_deliver(server, cw_slice(MAIL("2")));
    for (int i = 0; i < 2; i++) {
        struct bed bed;
        bed_open(&bed, i == 0 ? "imap" : "pop3", i == 0 ? server->imap : server->pop3, "");
        bed_start(&bed);
        assert_ok(list(&bed), bed.err);
        assert_int_equal(bed.sizes[0], LEN);
        assert_ok(read_mail(&bed, bed.names[0]), bed.err);
        assert_large(&bed, bytes, LEN);
        bed.inbox->free(bed.inbox);
        bed.place.body_limit = 1024 * 1024;
        bed_start(&bed);
        assert_false(read_mail(&bed, bed.names[0]));
        expect(&bed, CW_LIMIT, "a mail");
        assert_ok(read_mail(&bed, bed.names[1]), bed.err);
        assert_body(&bed, MAIL("2"));
        bed_close(&bed);
    }
    free(bytes);
    mail_server_stop(server);
}

static void stop_loop(void *arg)
{
    cw_loop_stop(arg);
}

static void what_is_cancelled_calls_nobody_and_the_mailbox_goes_on(void **state)
{
    (void)state;
    enum { LEN = 20 * 1024 * 1024 };
    struct bed bed;
    struct cw_error err = { 0 };
    struct mail_server *server = mail_server_start(NULL);
    char *bytes = large_mail(LEN);
    mail_server_deliver(server, (struct cw_slice){ bytes, LEN });
    bed_open(&bed, "imap", server->imap, "");
    bed_start(&bed);
    assert_ok(list(&bed), bed.err);
    struct cw_timer *timer = cw_timer_create(bed.loop, stop_loop, bed.loop, &err);
    for (cw_time after = 0; after < 40 * CW_MILLISECOND; after += 5 * CW_MILLISECOND) {
        bed.calls = 0;
        assert_ok(bed.inbox->read(bed.inbox, cw_slice(bed.names[0]), on_body, &bed, &err), err);
        cw_timer_set(timer, after);
        cw_loop_run(bed.loop);
        bed.inbox->cancel(bed.inbox);
    }
    cw_timer_free(timer);
    assert_ok(list(&bed), bed.err);
    assert_int_equal(bed.count, 1);
    assert_ok(bed.inbox->read(bed.inbox, cw_slice(bed.names[0]), on_body, &bed, &err), err);
    free(bytes);
    bed_close(&bed); /* while it is read */
    usleep(100000);
    mail_server_stop(server);
}

/* --- POP3 --- */

static void pop3_removes_what_is_done_and_leaves_what_failed(void **state)
{
    (void)state;
    struct bed bed;
    struct mail_server *server = mail_server_start(NULL);
    bed_open(&bed, "pop3", server->pop3, "");
    take_two(&bed, server);
    assert_int_equal(bed.times[0], CW_TIME_NONE);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_int_equal(mail_server_count(server, ""), 1);
    assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
    assert_ok(finish(&bed, bed.names[1], CW_INBOX_FAILED), bed.err);
    assert_int_equal(mail_server_count(server, ""), 1);
    assert_false(read_mail(&bed, bed.names[0]));
    expect(&bed, CW_NOT_FOUND, "not there any more");
    assert_ok(read_mail(&bed, bed.names[1]), bed.err);
    assert_body(&bed, MAIL("2"));
    bed_close(&bed);
    mail_server_stop(server);
}

static void a_dry_run_moves_nothing(void **state)
{
    (void)state;
    struct mail_server *server = mail_server_start(NULL);
    mail_server_deliver(server, cw_slice(MAIL("1")));
    for (int i = 0; i < 2; i++) {
        struct bed bed;
        bed_open(&bed, i == 0 ? "imap" : "pop3", i == 0 ? server->imap : server->pop3, "");
        bed.place.only_look = true;
        bed_start(&bed);
        assert_ok(list(&bed), bed.err);
        assert_ok(finish(&bed, bed.names[0], CW_INBOX_DONE), bed.err);
        assert_int_equal(mail_server_count(server, ""), 1);
        bed_close(&bed);
    }
    mail_server_stop(server);
}

/* As a worker is: charsets are files of the system, which mails must still reach. */
static int read_confined(struct bed *bed, struct cw_slice letter)
{
    struct cw_error err = { 0 };
    struct cw_confined confined;
    const struct cw_confine walls = { 0 };
    cw_loop_free(bed->loop);
    bool ok = cw_confine_process(&walls, &confined, &err) && confined.seccomp && confined.landlock;
    bed->loop = cw_loop_create(&err);
    bed_start(bed);
    ok = ok && list(bed) && read_mail(bed, bed->names[0]) && finish(bed, bed->names[0], CW_INBOX_DONE);
    struct cw_mime *mail = ok ? cw_mime_parse(letter, NULL, &err) : NULL;
    ok = mail != NULL && mail->plain.data != NULL &&
         memmem(mail->plain.data, mail->plain.len, "\xE6\x9D\xB1\xE4\xBA\xAC", 6) != NULL;
    fprintf(stderr, "%s%s", err.text, bed->err.text);
    return ok ? 0 : 1;
}

static void a_confined_worker_takes_mails_in_any_charset(void **state)
{
    (void)state;
    struct bed bed;
    int status;
    struct mail_server *server = mail_server_start(NULL);
    struct cw_buffer letter = test_fixture("mail/orders/09-japanese-iso-2022-jp.eml");
    mail_server_deliver(server, cw_buffer_slice(&letter));
    bed_open(&bed, "imap", server->imap, "");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(read_confined(&bed, cw_buffer_slice(&letter)));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(mail_server_count(server, ".done"), 1);
    cw_buffer_fini(&letter);
    bed_close(&bed);
    mail_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_the_rules_do_not_name_is_not_called),
        cmocka_unit_test(mails_come_byte_for_byte_and_are_moved),
        cmocka_unit_test(a_list_goes_on_behind_a_mail),
        cmocka_unit_test(tls_and_starttls_want_a_certificate_that_is_trusted),
        cmocka_unit_test(without_move_a_mail_is_copied_and_no_other_one_is_removed),
        cmocka_unit_test(without_uidplus_a_mail_stays_marked_and_is_not_listed),
        cmocka_unit_test(a_mailbox_made_anew_has_other_names),
        cmocka_unit_test(folders_have_names_in_any_script_and_may_be_none),
        cmocka_unit_test(what_is_wrong_is_told_apart),
        cmocka_unit_test(a_server_that_was_restarted_is_called_again),
        cmocka_unit_test(fifty_megabytes_come_whole_or_are_refused_and_the_next_one_comes),
        cmocka_unit_test(what_is_cancelled_calls_nobody_and_the_mailbox_goes_on),
        cmocka_unit_test(pop3_removes_what_is_done_and_leaves_what_failed),
        cmocka_unit_test(a_dry_run_moves_nothing),
        cmocka_unit_test(a_confined_worker_takes_mails_in_any_charset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
