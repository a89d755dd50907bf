/* upload_failing_test.c - uploads to servers that fail at one command: what is told, and above all whether
 * the file may be there all the same. */
#include "fake_ftp.h"
#include "upload_bed.h"

#include <stdio.h>
#include <stdlib.h>

static const struct fake_ftp plain;

/* One upload of `len` bytes to a server of that plan. */
static struct fake_ftp *put(struct upload_bed *bed, const struct fake_ftp *plan, size_t len)
{
    struct fake_ftp *server = fake_ftp_start(plan);
    char *bytes = calloc(1, len + 1);
    assert_non_null(bytes);
    upload_bed_open(bed, "ftp", server->port, "in");
    bed->place.stall = CW_SECOND;
    upload_bed_put(bed, "new.csv", (struct cw_slice){ bytes, len });
    free(bytes);
    fake_ftp_end(server);
    return server;
}

static void done(struct upload_bed *bed, struct fake_ftp *server)
{
    upload_bed_close(bed);
    fake_ftp_free(server);
}

static void a_server_that_works_has_the_file(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct fake_ftp *server = put(&bed, &plain, 1000);
    assert_ok(bed.ok, bed.err);
    assert_int_equal(server->received, 1000);
    assert_true(fake_ftp_has(server, "new.csv"));
    assert_false(fake_ftp_has(server, ".new.csv.part"));
    done(&bed, server);
}

static void a_rename_without_answer_may_have_happened(void **state)
{
    (void)state;
    static const struct {
        struct fake_rule rule;
        bool happened;
    } cases[] = { { { "RNTO", FAKE_DO_AND_LOSE, NULL, 0 }, true },
                  { { "RNTO", FAKE_LOSE, NULL, 0 }, false },
                  { { "RNTO", FAKE_HANG, NULL, 0 }, false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_bed bed;
        struct fake_ftp plan = { .rule = cases[i].rule };
        struct fake_ftp *server = put(&bed, &plan, 10);
        assert_false(bed.ok);
        assert_true(bed.may_exist);
        assert_true(bed.err.code == CW_IO || bed.err.code == CW_TIMEOUT);
        assert_non_null(strstr(bed.err.text, "the file new.csv may be there, or only as .new.csv.part"));
        assert_int_equal(fake_ftp_has(server, "new.csv"), cases[i].happened);
        done(&bed, server);
    }
}

static void whatever_fails_before_the_rename_certainly_did_not_happen(void **state)
{
    (void)state;
    static const struct {
        struct fake_rule rule;
        enum cw_code code;
        const char *words;
    } cases[] = {
        { { "USER", FAKE_LOSE, NULL, 0 }, CW_IO, "log-in" },
        { { "USER", FAKE_ANSWER, "421 Come back later.\r\n", 0 }, CW_UNAVAILABLE, "421 Come back later." },
        { { "PASS", FAKE_ANSWER, "530 No.\r\n", 0 },
          CW_AUTH,
          "530 No.; check the user, and its password or key: cartwright secret CART SETTING" },
        { { "PASS", FAKE_HANG, NULL, 0 }, CW_TIMEOUT, "log-in" },
        { { "CWD", FAKE_ANSWER, "550-There is\r\n550 no such folder\r\n", 0 },
          CW_NOT_FOUND,
          "550-There is 550 no such folder" },
        { { "CWD", FAKE_LOSE, NULL, 0 }, CW_IO, "going to the folder" },
        { { "CWD", FAKE_LOSE, NULL, 0 }, CW_IO, "; the connection broke or hangs" },
        { { "SIZE", FAKE_LOSE, NULL, 0 }, CW_IO, "looking" },
        { { "PASV", FAKE_ANSWER, "425 No.\r\n", 0 }, CW_IO, "writing: the server answered: 425 No." },
        { { "STOR", FAKE_LOSE, NULL, 0 }, CW_IO, "writing" },
        { { "STOR", FAKE_HANG, NULL, 0 }, CW_TIMEOUT, "writing" },
        { { "STOR", FAKE_ANSWER, "553 You may not \x1b[2J\xff.\r\n", 0 },
          CW_PERMISSION,
          "553 You may not ?[2J?." },
        { { "STOR", FAKE_ANSWER, "452 No room.\r\n", 0 },
          CW_IO,
          "writing: the server answered: 452 No room.; make room on the server" },
        { { "RNFR", FAKE_LOSE, NULL, 0 }, CW_IO, "renaming" },
        { { "RNFR", FAKE_HANG, NULL, 0 }, CW_TIMEOUT, "renaming" },
        { { "RNFR", FAKE_ANSWER, "550 Gone.\r\n", 0 },
          CW_PERMISSION,
          "renaming: the server answered: 550 Gone." },
        { { "RNTO", FAKE_ANSWER, "553 Not allowed.\r\n", 0 },
          CW_PERMISSION,
          "renaming: the server answered: 553 Not allowed." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_bed bed;
        struct fake_ftp plan = { .rule = cases[i].rule };
        struct fake_ftp *server = put(&bed, &plan, 10);
        upload_bed_expect(&bed, cases[i].code, cases[i].words, false);
        assert_false(fake_ftp_has(server, "new.csv"));
        done(&bed, server);
    }
}

static void a_disk_that_becomes_full_is_told_in_the_words_of_the_server(void **state)
{
    (void)state;
    static const struct fake_rule rules[] = {
        { "STOR", FAKE_BREAK, "552 Disk full.\r\n", 100000 },
        { "STOR", FAKE_STOP, "552 Disk full.\r\n", 100000 },
        { "STOR", FAKE_BREAK, "552 Disk full.\r\n", 1 },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct upload_bed bed;
        struct fake_ftp plan = { .rule = rules[i] };
        struct fake_ftp *server = put(&bed, &plan, 32 * 1024 * 1024);
        upload_bed_expect(&bed, CW_LIMIT, "writing: the server answered: 552 Disk full.", false);
        assert_false(fake_ftp_has(server, "new.csv"));
        done(&bed, server);
    }
}

static void what_is_left_of_an_upload_that_failed_is_removed(void **state)
{
    (void)state;
    static const struct fake_rule rules[] = {
        { "STOR", FAKE_BREAK, "452 Disk full.\r\n", 100000 },
        { "STOR", FAKE_STOP, "552 Too much.\r\n", 100000 },
        { "RNFR", FAKE_ANSWER, "550 No.\r\n", 0 },
        { "RNTO", FAKE_ANSWER, "553 Not allowed.\r\n", 0 },
        { "RNFR", FAKE_LOSE, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct upload_bed bed;
        struct fake_ftp plan = { .rule = rules[i] };
        struct fake_ftp *server = put(&bed, &plan, 1024 * 1024);
        assert_false(bed.ok);
        assert_non_null(strstr(server->commands, "DELE"));
        assert_false(fake_ftp_has(server, ".new.csv.part"));
        done(&bed, server);
    }
}

static void a_rest_that_cannot_be_removed_changes_nothing_of_the_failure(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct fake_ftp plan = { .rule = { "RNTO", FAKE_HANG, NULL, 0 } };
    struct fake_ftp *server = put(&bed, &plan, 10);
    assert_true(bed.may_exist); /* it may be on its way to its name: hands off */
    assert_null(strstr(server->commands, "DELE"));
    done(&bed, server);
    plan = (struct fake_ftp){ .rule = { "STOR", FAKE_ANSWER, "553 You may not.\r\n", 0 } };
    server = put(&bed, &plan, 10); /* and there is none */
    upload_bed_expect(&bed, CW_PERMISSION, "writing: the server answered: 553 You may not.", false);
    done(&bed, server);
}

static void a_server_that_tells_no_size_is_asked_for_its_list(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct fake_ftp plan = { .has_no_size = true, .files = { "old.csv" } };
    struct fake_ftp *server = put(&bed, &plan, 10);
    assert_ok(bed.ok, bed.err);
    done(&bed, server);
    strcpy(plan.files[1], "new.csv");
    server = put(&bed, &plan, 10);
    upload_bed_expect(&bed, CW_CONFLICT, "new.csv already", false);
    assert_null(strstr(server->commands, "STOR"));
    done(&bed, server);
}

static void data_go_to_no_other_machine_than_the_one_that_was_asked(void **state)
{
    (void)state;
    struct upload_bed bed;
    struct fake_ftp plan = { .pasv = "10,9,8,7" };
    struct fake_ftp *server = put(&bed, &plan, 10);
    assert_ok(bed.ok, bed.err);
    assert_int_equal(server->received, 10);
    assert_null(strstr(server->commands, "PORT"));
    done(&bed, server);
}

static void a_listing_that_is_cut_is_no_listing(void **state)
{
    (void)state;
    static const struct {
        struct fake_rule rule;
        enum cw_code code;
    } cases[] = { { { "NLST", FAKE_LOSE, NULL, 0 }, CW_IO },
                  { { "NLST", FAKE_ANSWER, "550 No.\r\n", 0 }, CW_PERMISSION },
                  { { "NLST", FAKE_HANG, NULL, 0 }, CW_TIMEOUT } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_bed bed;
        struct fake_ftp plan = { .rule = cases[i].rule, .files = { "new.csv" } };
        struct fake_ftp *server = fake_ftp_start(&plan);
        upload_bed_open(&bed, "ftp", server->port, "in");
        bed.place.stall = CW_SECOND;
        assert_false(upload_bed_list(&bed));
        upload_bed_expect(&bed, cases[i].code, "listing the folder", false);
        assert_string_equal(bed.names, "");
        done(&bed, server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_works_has_the_file),
        cmocka_unit_test(a_rename_without_answer_may_have_happened),
        cmocka_unit_test(whatever_fails_before_the_rename_certainly_did_not_happen),
        cmocka_unit_test(a_disk_that_becomes_full_is_told_in_the_words_of_the_server),
        cmocka_unit_test(what_is_left_of_an_upload_that_failed_is_removed),
        cmocka_unit_test(a_rest_that_cannot_be_removed_changes_nothing_of_the_failure),
        cmocka_unit_test(a_server_that_tells_no_size_is_asked_for_its_list),
        cmocka_unit_test(data_go_to_no_other_machine_than_the_one_that_was_asked),
        cmocka_unit_test(a_listing_that_is_cut_is_no_listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
