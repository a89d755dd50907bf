/* What goes wrong between the store and a PostgreSQL server: connections that are cut, also in the middle of
 * a commit, and a server that stops and comes back. Nothing is lost, nothing is done twice, and work goes on
 * by itself. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/pg_link.h"
#include "base/log.h"
#include "cutting_proxy.h"
#include "store_bed.h"

/* --- a store behind a proxy --- */

struct fault_bed {
    struct store_bed bed; /* first */
    struct cutting_proxy proxy;
};

static void address_of(char *uri, size_t cap, int port, const char *password, const char *schema)
{
    snprintf(uri, cap, "postgresql://shop:%s@127.0.0.1:%d/postgres?options=-csearch_path%%3D%s", password,
             port, schema);
}

static int set_up(void **state)
{
    static int count;
    struct fault_bed *bed = calloc(1, sizeof *bed);
    snprintf(bed->bed.schema, sizeof bed->bed.schema, "fault_%d", ++count);
    pg_server_create(bed->bed.schema);
    cutting_proxy_start(&bed->proxy, pg_server_port());
    address_of(bed->bed.path, sizeof bed->bed.path, bed->proxy.port, PG_SERVER_PASSWORD, bed->bed.schema);
    bed->bed.clock = cw_system_clock;
    store_bed_open(&bed->bed);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct fault_bed *bed = *state;
    store_bed_close(&bed->bed);
    cutting_proxy_stop(&bed->proxy);
    pg_server_drop(bed->bed.schema);
    free(bed);
    return 0;
}

static void put(struct cw_txn *txn, const char *key)
{
    assert_true(
        cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("status"), cw_slice(key), cw_slice("x")));
}

/* As another session sees it. */
static int rows_there(struct store_bed *bed)
{
    return atoi(pg_server_ask(bed->schema, "SELECT count(*) FROM tables"));
}

static void work_goes_on(struct store_bed *bed)
{
    int before = rows_there(bed);
    char key[24];
    snprintf(key, sizeof key, "row %d", before);
    struct cw_txn *txn = begin(bed);
    put(txn, key);
    commit(txn);
    assert_int_equal(rows_there(bed), before + 1);
}

static void restart(int how)
{
    pg_server_stop(how);
    pg_server_start();
}

/* --- a connection that is cut --- */

static void a_connection_lost_between_transactions_is_not_noticed(void **state)
{
    struct fault_bed *bed = *state;
    *bed->proxy.cut = CUT_BEFORE_REQUEST;
    work_goes_on(&bed->bed);
}

static void take_state(void *arg, struct cw_slice value, const struct cw_error *err)
{
    struct answer *answer = arg;
    answer->calls++;
    answer->failed = err != NULL;
    answer->number = (int64_t)value.len;
}

static void a_reading_whose_answer_was_lost_is_asked_again(void **state)
{
    struct fault_bed *bed = *state;
    struct answer answer = { 0 };
    struct cw_txn *txn = begin(&bed->bed);
    assert_true(cw_txn_put_state(txn, cw_slice("shop"), cw_slice("token"), cw_slice("abc")));
    commit(txn);
    *bed->proxy.cut = CUT_AFTER_ANSWER;
    cw_store_get_state(bed->bed.store, cw_slice("shop"), cw_slice("token"), take_state, &answer);
    assert_int_equal(answer.calls, 1);
    assert_false(answer.failed);
    assert_int_equal(answer.number, 3);
}

static void a_connection_lost_in_a_transaction_loses_it_and_says_so(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_txn *txn = begin(&bed->bed);
    put(txn, "a");
    *bed->proxy.cut = CUT_BEFORE_REQUEST;
    assert_false(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice("b"), cw_slice("")));
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_non_null(strstr(err.text, "/postgres"));
    assert_null(strstr(err.text, PG_SERVER_PASSWORD));
    assert_int_equal(rows_there(&bed->bed), 0);
    work_goes_on(&bed->bed);
}

/* --- a commit whose answer is lost --- */

static bool commit_cut(struct fault_bed *bed, enum cut how, const char *key, struct cw_error *err)
{
    struct cw_txn *txn = begin(&bed->bed);
    put(txn, key);
    *bed->proxy.cut = how;
    bool ok = try_commit(txn, err);
    assert_int_equal(*bed->proxy.cut, CUT_NOTHING);
    return ok;
}

static void a_commit_that_never_arrived_was_not_done(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    assert_false(commit_cut(bed, CUT_BEFORE_REQUEST, "a", &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "nothing of this transaction was stored"));
    assert_int_equal(rows_there(&bed->bed), 0);
    work_goes_on(&bed->bed);
}

static void a_commit_whose_answer_was_lost_is_found_to_be_done(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    bool ok = commit_cut(bed, CUT_AFTER_ANSWER, "a", &err);
    assert_ok(ok, err);
    assert_int_equal(rows_there(&bed->bed), 1);
    work_goes_on(&bed->bed);
}

/* The server may see the commit before it sees that nobody is there. */
static void a_commit_cut_off_in_between_is_what_the_answer_says(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int done = 0;
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        done += commit_cut(bed, CUT_WITH_REQUEST, key, &err);
        assert_int_equal(rows_there(&bed->bed), done);
    }
}

/* A server whose client is gone without a word goes on holding locks: it is told to let go. */
static void a_session_that_lives_on_without_us_is_ended(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int64_t began_ns = cw_pg_clock_ns();
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", 0);
    put(txn, "a");
    *bed->proxy.cut = CUT_UNSEEN;
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    commit(begin_fenced(&bed->bed, "shop", 0));
    assert_int_equal(rows_there(&bed->bed), 0);
    assert_true(cw_pg_clock_ns() - began_ns < 8 * INT64_C(1000000000));
}

/* --- a server that stops --- */

static void a_server_that_was_restarted_in_between_is_found_again(void **state)
{
    struct fault_bed *bed = *state;
    restart(SIGINT);
    work_goes_on(&bed->bed);
    restart(SIGQUIT);
    work_goes_on(&bed->bed);
}

static void a_server_that_stops_in_a_transaction_loses_it(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_txn *txn = begin(&bed->bed);
    put(txn, "a");
    restart(SIGINT);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_int_equal(rows_there(&bed->bed), 0);
    work_goes_on(&bed->bed);
}

/* The loop runs on while the server is away; what was begun meanwhile is done when it is back. */
struct outage {
    struct cw_loop *loop;
    struct cw_timer *timer;
    struct answer done;
    int ticks;
    bool is_back;
};

static void tick(void *arg)
{
    struct outage *outage = arg;
    if (++outage->ticks == 6) {
        pg_server_start();
        outage->is_back = true;
    }
    cw_timer_set(outage->timer, 50 * CW_SECOND / 1000);
}

static void stop_loop(void *arg, const struct cw_error *err)
{
    struct outage *outage = arg;
    answer_done(&outage->done, err);
    cw_loop_stop(outage->loop);
}

static void put_and_commit(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct outage *outage = arg;
    if (txn == NULL) {
        stop_loop(outage, err);
        return;
    }
    assert_true((cw_txn_put_table_row)(txn, cw_slice("shop"), cw_slice("t"), cw_slice("k"), cw_slice("")));
    (cw_txn_commit)(txn, stop_loop, outage);
}

static void what_is_begun_while_the_server_is_away_is_done_when_it_is_back(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct outage outage = { .loop = cw_loop_create(&err) };
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *store = cw_store_open(&config, outage.loop, &err);
    assert_ok(store != NULL, err);
    outage.timer = cw_timer_create(outage.loop, tick, &outage, &err);
    pg_server_stop(SIGINT);
    cw_timer_set(outage.timer, 0);
    (cw_txn_begin)(store, (struct cw_fence){ 0 }, put_and_commit, &outage);
    cw_loop_run(outage.loop);
    assert_true(outage.is_back);
    assert_ok(!outage.done.failed, outage.done.err);
    assert_int_equal(rows_there(&bed->bed), 1);
    cw_timer_free(outage.timer);
    cw_store_close(store);
    cw_loop_free(outage.loop);
}

/* --- opening --- */

static struct cw_store *open_at(const char *uri, bool create, struct cw_error *err)
{
    struct cw_store_config config = { .uri = uri, .create = create };
    return cw_store_open(&config, NULL, err);
}

static enum cw_code code_at(const char *uri, struct cw_error *err)
{
    assert_null(open_at(uri, true, err));
    assert_null(strstr(err->text, "secret-word"));
    assert_null(strstr(err->text, PG_SERVER_PASSWORD));
    return err->code;
}

static void no_error_of_opening_holds_the_password(void **state)
{
    struct cw_error err;
    char uri[256];
    (void)state;
    cw_secret_forget_all();
    address_of(uri, sizeof uri, 1, "secret-word", "x");
    assert_int_equal(code_at(uri, &err), CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "postgresql://127.0.0.1:1/postgres"));
    address_of(uri, sizeof uri, pg_server_port(), "secret-word", "x");
    assert_int_equal(code_at(uri, &err), CW_AUTH);
    snprintf(uri, sizeof uri, "postgresql://shop:%s@127.0.0.1:%d/nowhere", PG_SERVER_PASSWORD,
             pg_server_port());
    assert_int_equal(code_at(uri, &err), CW_NOT_FOUND);
    assert_int_equal(code_at("postgresql://shop:secret-word@[::1/db", &err), CW_USAGE);
    assert_int_equal(code_at("postgresql://shop:secret-word%zz@localhost/db", &err), CW_USAGE);
    assert_int_equal(code_at("mysql://shop:secret-word@localhost/db", &err), CW_USAGE);
    char shown[] = "password=secret-word";
    cw_redact(shown, strlen(shown), sizeof shown);
    assert_string_equal(shown, "password=***");
}

static void what_is_no_store_of_ours_is_left_alone(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    char uri[256];
    pg_server_execute(bed->bed.schema, "UPDATE meta SET value = '99' WHERE name = 'schema'");
    assert_int_equal(code_at(bed->bed.path, &err), CW_USAGE);
    assert_non_null(strstr(err.text, "version 99"));
    assert_non_null(strstr(err.text, "up to 3"));
    pg_server_create("other");
    pg_server_execute("other", "CREATE TABLE other.invoices (id INTEGER)");
    address_of(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "other");
    assert_int_equal(code_at(uri, &err), CW_USAGE);
    assert_non_null(strstr(err.text, "another program"));
    pg_server_execute("other", "DROP TABLE other.invoices");
    assert_null(open_at(uri, false, &err));
    assert_int_equal(err.code, CW_NOT_FOUND);
    address_of(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "nowhere");
    assert_int_equal(code_at(uri, &err), CW_USAGE);
    assert_string_equal(pg_server_ask("other", "SELECT count(*) FROM pg_class WHERE relnamespace = "
                                               "'other'::regnamespace"),
                        "0");
    pg_server_drop("other");
}

/* Both come back with a store, and one of them has made it. */
static void two_that_make_a_store_at_once_share_it(void **state)
{
    char uri[256];
    int ends[2];
    char made[4] = "";
    (void)state;
    pg_server_create("race");
    address_of(uri, sizeof uri, pg_server_port(), PG_SERVER_PASSWORD, "race");
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 3; i++) {
        if (fork() > 0)
            continue;
        struct cw_error err;
        struct cw_store *store = open_at(uri, true, &err);
        char mark = store == NULL ? '?' : cw_store_is_new(store) ? 'n' : 'o';
        _exit(write(ends[1], &mark, 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    for (size_t got = 0; got < 3;) {
        ssize_t len = read(ends[0], made + got, 3 - got);
        assert_true(len > 0);
        got += (size_t)len;
    }
    close(ends[0]);
    int fresh = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(made[i] == 'n' || made[i] == 'o');
        fresh += made[i] == 'n';
    }
    assert_int_equal(fresh, 1);
    pg_server_drop("race");
}

/* --- several at once --- */

enum { CARTS = 12, JOBS_OF_CART = 4, WORKERS = 4 };

static void plan(struct store_bed *bed)
{
    static char names[CARTS * JOBS_OF_CART][2][16];
    struct cw_job jobs[CARTS * JOBS_OF_CART] = { 0 };
    for (int i = 0; i < CARTS * JOBS_OF_CART; i++) {
        snprintf(names[i][0], sizeof names[i][0], "cart%d", i / JOBS_OF_CART);
        snprintf(names[i][1], sizeof names[i][1], "job%d", i % JOBS_OF_CART);
        jobs[i].cart = cw_slice(names[i][0]);
        jobs[i].name = cw_slice(names[i][1]);
        jobs[i].schedule = cw_slice("every hour");
        jobs[i].due_at = 1000 + i;
    }
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_plan_jobs(txn, jobs, CARTS * JOBS_OF_CART));
    commit(txn);
}

struct claimed {
    struct store_bed *bed;
    int pipe;
    bool is_over;
};

/* Counted by the database itself: a job that were done twice would show. */
static void do_job(void *arg, const struct cw_claim *claim, cw_time next_at, const struct cw_error *err)
{
    struct claimed *claimed = arg;
    char mark[40];
    (void)next_at;
    if (err != NULL)
        fprintf(stderr, "%s\n", err->text);
    claimed->is_over = claim == NULL;
    if (claim == NULL)
        return;
    struct cw_job job = claim->job;
    memset(mark, 0, sizeof mark);
    snprintf(mark, sizeof mark, "%.*s %.*s", CW_SLICE_ARG(job.cart), CW_SLICE_ARG(job.name));
    if (write(claimed->pipe, mark, sizeof mark) != sizeof mark)
        _exit(1);
}

static void work(const char *uri, int pipe_end, int number)
{
    struct store_bed bed = { .clock = cw_system_clock };
    struct cw_error err;
    char holder[24];
    snprintf(bed.path, sizeof bed.path, "%s", uri);
    snprintf(holder, sizeof holder, "worker %d", number);
    bed.store = store_bed_try(&bed, &err);
    struct claimed claimed = { .bed = &bed, .pipe = pipe_end };
    while (bed.store != NULL && !claimed.is_over)
        cw_store_claim_job(bed.store, cw_slice(holder), 5000, CW_MINUTE, do_job, &claimed);
    cw_store_close(bed.store);
    _exit(0);
}

static void jobs_claimed_by_several_at_once_are_each_done_once(void **state)
{
    struct fault_bed *bed = *state;
    int ends[2], count = 0;
    char mark[40], seen[CARTS * JOBS_OF_CART][40];
    plan(&bed->bed);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WORKERS; i++)
        if (fork() == 0)
            work(bed->bed.path, ends[1], i);
    close(ends[1]);
    while (read(ends[0], mark, sizeof mark) == sizeof mark) {
        assert_true(count < CARTS * JOBS_OF_CART);
        for (int i = 0; i < count; i++)
            assert_string_not_equal(seen[i], mark);
        memcpy(seen[count++], mark, sizeof mark);
    }
    close(ends[0]);
    assert_int_equal(count, CARTS * JOBS_OF_CART);
    assert_string_equal(ask(&bed->bed, "SELECT count(*) FROM jobs j JOIN leases l ON l.name = j.cart AND "
                                       "l.token = j.lease_token AND l.token = 1"),
                        "48");
}

static void transactions_of_one_cart_follow_one_another_in_all_processes(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct cw_loop *loop = cw_loop_create(&err);
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, loop, &err);
    struct answer same = { 0 }, unlike = { 0 };
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", 0);
    assert_ok(other != NULL, err);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("elsewhere"), 0 }, answer_ready, &unlike);
    cw_store_wait(other);
    assert_int_equal(unlike.calls, 1);
    cw_txn_rollback(unlike.txn);
    (cw_txn_begin)(other, (struct cw_fence){ cw_slice("shop"), 0 }, answer_ready, &same);
    struct cw_timer *timer = cw_timer_create(loop, (cw_loop_fn *)cw_loop_stop, loop, &err);
    cw_timer_set(timer, CW_SECOND / 5);
    cw_loop_run(loop);
    assert_int_equal(same.calls, 0);
    put(txn, "a");
    commit(txn);
    cw_store_wait(other);
    assert_non_null(same.txn);
    cw_txn_rollback(same.txn);
    cw_timer_free(timer);
    cw_store_close(other);
    cw_loop_free(loop);
}

static void a_lease_whose_time_is_over_by_the_servers_clock_writes_nothing(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    int64_t token = take_lease(&bed->bed, "shop", "me", 0, CW_SECOND / 10, &err);
    assert_int_equal(token, 1);
    struct cw_txn *txn = begin_fenced(&bed->bed, "shop", token);
    put(txn, "a");
    usleep(150000);
    assert_false(try_commit(txn, &err));
    assert_int_equal(err.code, CW_CONFLICT);
    assert_non_null(strstr(err.text, "was over"));
    assert_int_equal(rows_there(&bed->bed), 0);
    token = take_lease(&bed->bed, "shop", "me", 0, CW_MINUTE, &err);
    txn = begin_fenced(&bed->bed, "shop", token);
    put(txn, "b");
    commit(txn);
    assert_int_equal(rows_there(&bed->bed), 1);
}

/* --- hearing --- */

struct ear {
    struct cw_loop *loop;
    int heard;
};

static void hear(void *arg)
{
    struct ear *ear = arg;
    ear->heard++;
    cw_loop_stop(ear->loop);
}

static void who_listens_hears_again_after_the_server_was_away(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    struct ear ear = { .loop = cw_loop_create(&err) };
    struct cw_store_config config = { .uri = bed->bed.path };
    struct cw_store *other = cw_store_open(&config, ear.loop, &err);
    assert_ok(other != NULL, err);
    plan(&bed->bed);
    assert_true(cw_store_listen(other, hear, &ear, &err));
    cw_loop_run(ear.loop); /* what was said before is not known */
    restart(SIGINT);
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 2);
    struct cw_txn *txn = begin(&bed->bed);
    assert_true(cw_txn_wake_job(txn, cw_slice("cart1"), cw_slice("job1"), 1));
    commit(txn);
    cw_loop_run(ear.loop);
    assert_int_equal(ear.heard, 3);
    cw_store_close(other);
    cw_loop_free(ear.loop);
}

/* --- what the server refuses --- */

static void a_full_disk_fails_that_transaction_only(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_error err;
    pg_server_execute(
        bed->bed.schema,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; "
        "CREATE TRIGGER full_disk BEFORE INSERT ON tables FOR EACH ROW WHEN (NEW.key = 'large') "
        "EXECUTE FUNCTION full_disk()");
    struct cw_txn *txn = begin(&bed->bed);
    put(txn, "small");
    assert_true(
        (cw_txn_put_table_row)(txn, cw_slice("shop"), cw_slice("t"), cw_slice("large"), cw_slice("")));
    assert_false(try_commit(txn, &err)); /* told as late as here */
    assert_int_equal(err.code, CW_UNAVAILABLE);
    assert_non_null(strstr(err.text, "disk"));
    assert_int_equal(rows_there(&bed->bed), 0);
    work_goes_on(&bed->bed);
}

static void a_text_that_the_server_cannot_keep_stays_readable(void **state)
{
    struct fault_bed *bed = *state;
    struct cw_txn *txn = begin(&bed->bed);
    const struct cw_slice odd = { "a\0b\xff", 4 };
    struct cw_raw raw = raw_of("1001", "<a/>");
    raw.bytes = odd;
    assert_true(cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("t"), cw_slice("k"), odd));
    assert_true(cw_txn_put_raw(txn, &raw));
    commit(txn);
    assert_string_equal(ask(&bed->bed, "SELECT value FROM tables"), "a\xEF\xBF\xBD"
                                                                    "b\xEF\xBF\xBD");
    assert_string_equal(pg_server_ask(bed->bed.schema, "SELECT bytes FROM raw_records"), "\\x610062ff");
}

/* --- closing --- */

static void who_waits_for_an_answer_when_the_store_closes_is_told(void **state)
{
    struct fault_bed *bed = *state;
    struct answer answer = { 0 };
    (cw_store_get_state)(bed->bed.store, cw_slice("shop"), cw_slice("token"), take_state, &answer);
    assert_int_equal(answer.calls, 0);
    store_bed_close(&bed->bed);
    assert_int_equal(answer.calls, 1);
    assert_true(answer.failed);
    assert_string_equal(pg_server_ask(bed->bed.schema, "SELECT count(*) FROM commits"), "0");
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_connection_lost_between_transactions_is_not_noticed),
        FAULT_TEST(a_reading_whose_answer_was_lost_is_asked_again),
        FAULT_TEST(a_connection_lost_in_a_transaction_loses_it_and_says_so),
        FAULT_TEST(a_commit_that_never_arrived_was_not_done),
        FAULT_TEST(a_commit_whose_answer_was_lost_is_found_to_be_done),
        FAULT_TEST(a_commit_cut_off_in_between_is_what_the_answer_says),
        FAULT_TEST(a_session_that_lives_on_without_us_is_ended),
        FAULT_TEST(a_server_that_was_restarted_in_between_is_found_again),
        FAULT_TEST(a_server_that_stops_in_a_transaction_loses_it),
        FAULT_TEST(what_is_begun_while_the_server_is_away_is_done_when_it_is_back),
        FAULT_TEST(no_error_of_opening_holds_the_password),
        FAULT_TEST(what_is_no_store_of_ours_is_left_alone),
        FAULT_TEST(two_that_make_a_store_at_once_share_it),
        FAULT_TEST(jobs_claimed_by_several_at_once_are_each_done_once),
        FAULT_TEST(transactions_of_one_cart_follow_one_another_in_all_processes),
        FAULT_TEST(a_lease_whose_time_is_over_by_the_servers_clock_writes_nothing),
        FAULT_TEST(who_listens_hears_again_after_the_server_was_away),
        FAULT_TEST(a_full_disk_fails_that_transaction_only),
        FAULT_TEST(a_text_that_the_server_cannot_keep_stays_readable),
        FAULT_TEST(who_waits_for_an_answer_when_the_store_closes_is_told),
    };
    cw_log_configure((struct cw_log_config){ .out = NULL });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
