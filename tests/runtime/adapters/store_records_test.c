/* Raw and staged records: versions, the newest, what waits and why. */
#include <stdio.h>
#include <stdlib.h>

#include "store_bed.h"

static void put_raw(struct store_bed *bed, const struct cw_raw *raw)
{
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_raw(txn, raw));
    commit(txn);
}

/* --- what is known --- */

struct known {
    struct cw_raw_known entries[4];
    size_t count;
};

static void take_known(void *arg, const struct cw_raw_known *known, size_t count, const struct cw_error *err)
{
    struct known *out = arg;
    assert_null(err);
    assert_true(count <= 4);
    memcpy(out->entries, known, count * sizeof *known);
    out->count = count;
}

static struct known find(struct store_bed *bed, const char *first, const char *second)
{
    struct cw_record_key keys[] = { key_of(first), key_of(second) };
    struct known known = { .count = 99 };
    struct cw_txn *txn = begin(bed);
    cw_txn_find_raw(txn, keys, 2, take_known, &known);
    cw_txn_rollback(txn);
    assert_int_equal(known.count, 2);
    return known;
}

static void the_newest_version_is_found_and_an_unknown_key_is_not(void **state)
{
    struct cw_raw raw = raw_of("1001", "<a/>");
    put_raw(*state, &raw);
    struct cw_raw next = raw_of("1001", "<b/>");
    next.outcome = CW_PARKED;
    next.script_version = cw_slice("def");
    put_raw(*state, &next);
    struct known known = find(*state, "1002", "1001");
    assert_false(known.entries[0].exists);
    assert_true(known.entries[1].exists);
    assert_int_equal(known.entries[1].version, 2);
    assert_true(cw_hash_equal(&known.entries[1].hash, &next.hash));
    assert_int_equal(known.entries[1].outcome, CW_PARKED);
    assert_string_equal(known.entries[1].script_version, "def");
}

static void finding_nothing_answers_at_once(void **state)
{
    struct known known = { .count = 99 };
    struct cw_txn *txn = begin(*state);
    cw_txn_find_raw(txn, NULL, 0, take_known, &known);
    assert_int_equal(known.count, 0);
    cw_txn_rollback(txn);
}

static void every_version_stays_as_it_was(void **state)
{
    struct cw_raw raw = raw_of("1001", "<a/>");
    put_raw(*state, &raw);
    raw = raw_of("1001", "<b/>");
    put_raw(*state, &raw);
    assert_string_equal(
        ask(*state, "SELECT version, bytes, outcome, received_at FROM raw_records ORDER BY version"),
        "1|<a/>|posted|2024-03-31T02:30:00.500000Z\n2|<b/>|posted|2024-03-31T02:30:00.500000Z");
    assert_string_equal(ask(*state, "SELECT count(*) FROM raw_heads"), "1");
}

static void the_same_id_of_another_stream_is_another_record(void **state)
{
    struct cw_raw raw = raw_of("1001", "<a/>");
    put_raw(*state, &raw);
    raw.key.stream = cw_slice("items in");
    put_raw(*state, &raw);
    assert_string_equal(ask(*state, "SELECT stream, version FROM raw_records ORDER BY stream"),
                        "items in|1\norders in|1");
}

static void ids_that_look_alike_are_kept_apart(void **state)
{
    const char *const ids[] = { "7", "07", "007", "7 ", "~7", "017", "+7", "7.0" };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct cw_raw raw = raw_of(ids[i], "<a/>");
        put_raw(*state, &raw);
    }
    assert_string_equal(ask(*state, "SELECT count(*), max(version) FROM raw_heads"), "8|1");
}

static void an_empty_part_of_a_key_is_refused_and_names_what(void **state)
{
    struct cw_txn *txn = begin(*state);
    struct cw_raw raw = raw_of("", "<a/>");
    assert_false(cw_txn_put_raw(txn, &raw));
    assert_int_equal(cw_txn_error(txn)->code, CW_USAGE);
    assert_non_null(strstr(cw_txn_error(txn)->text, "record's id"));
    cw_txn_rollback(txn);
}

static void an_outcome_changes_the_newest_version_only(void **state)
{
    struct cw_raw raw = raw_of("1001", "<a/>");
    put_raw(*state, &raw);
    raw = raw_of("1001", "<b/>");
    put_raw(*state, &raw);
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_set_outcome(txn, key_of("1001"), CW_SKIPPED, cw_slice("test orders"), cw_slice("v2")));
    commit(txn);
    assert_string_equal(
        ask(*state, "SELECT version, outcome, reason, script_version FROM raw_records ORDER BY 1"),
        "1|posted||abc\n2|skipped|test orders|v2");
    struct known known = find(*state, "1001", "1001");
    assert_int_equal(known.entries[0].outcome, CW_SKIPPED);
    assert_string_equal(known.entries[0].script_version, "v2");
}

static void the_outcome_of_an_unknown_record_is_not_found(void **state)
{
    struct cw_txn *txn = begin(*state);
    assert_false(cw_txn_set_outcome(txn, key_of("9"), CW_SKIPPED, cw_slice(""), cw_slice("")));
    assert_int_equal(cw_txn_error(txn)->code, CW_NOT_FOUND);
    assert_string_equal(cw_txn_error(txn)->record, "9");
    cw_txn_rollback(txn);
}

/* --- reading --- */

struct reading {
    struct store_bed *bed;
    char text[2048];
    int stop_after; /* 0 = never */
    int rows;
    bool writes;
    bool done;
};

static bool add_raw(void *arg, const struct cw_raw *raw, int64_t version)
{
    struct reading *r = arg;
    size_t used = strlen(r->text);
    used += (size_t)snprintf(r->text + used, sizeof r->text - used, "%.*s/%.*s/%.*s v%d %s %.*s",
                             CW_SLICE_ARG(raw->key.cart), CW_SLICE_ARG(raw->key.stream),
                             CW_SLICE_ARG(raw->key.external_id), (int)version, cw_outcome_name(raw->outcome),
                             CW_SLICE_ARG(raw->bytes));
    for (size_t i = 0; i < raw->part_count; i++)
        used += (size_t)snprintf(r->text + used, sizeof r->text - used, "+%.*s:%.*s",
                                 CW_SLICE_ARG(raw->parts[i].name), CW_SLICE_ARG(raw->parts[i].bytes));
    snprintf(r->text + used, sizeof r->text - used, "\n");
    if (r->writes) {
        struct cw_txn *txn = begin(r->bed);
        assert_true(cw_txn_set_outcome(txn, raw->key, CW_POSTED, cw_slice(""), cw_slice("new")));
        assert_true(cw_txn_put_raw(txn, raw));
        commit(txn);
    }
    return ++r->rows != r->stop_after;
}

static void end_reading(void *arg, const struct cw_error *err)
{
    assert_null(err);
    assert_false(((struct reading *)arg)->done);
    ((struct reading *)arg)->done = true;
}

static const char *read_raw(struct reading *r, const char *cart, const char *stream, const char *id,
                            bool parked)
{
    struct cw_raw_filter filter = { .key = { cw_slice(cart), cw_slice(stream), cw_slice(id) },
                                    .only_parked = parked };
    r->text[0] = '\0';
    r->rows = 0;
    r->done = false;
    cw_store_read_raw(r->bed->store, &filter, add_raw, end_reading, r);
    assert_true(r->done);
    return r->text;
}

static void put_several(struct store_bed *bed)
{
    const char *const ids[] = { "10", "b", "9", "100", "a" };
    for (size_t i = 0; i < 5; i++) {
        struct cw_raw raw = raw_of(ids[i], "<a/>");
        raw.outcome = i % 2 == 0 ? CW_PARKED : CW_POSTED;
        put_raw(bed, &raw);
    }
    struct cw_raw other = raw_of("9", "<o/>");
    other.key.cart = cw_slice("other");
    put_raw(bed, &other);
    other.key.stream = cw_slice("items in");
    put_raw(bed, &other);
}

static void records_are_read_in_order_with_numbers_by_value(void **state)
{
    struct reading r = { .bed = *state };
    put_several(*state);
    assert_string_equal(read_raw(&r, "shop", "orders in", "", false),
                        "shop/orders in/9 v1 parked <a/>\nshop/orders in/10 v1 parked <a/>\n"
                        "shop/orders in/100 v1 posted <a/>\nshop/orders in/a v1 parked <a/>\n"
                        "shop/orders in/b v1 posted <a/>\n");
}

static void empty_parts_of_the_key_match_all(void **state)
{
    struct reading r = { .bed = *state };
    put_several(*state);
    read_raw(&r, "", "", "", false);
    assert_int_equal(r.rows, 7);
    assert_string_equal(read_raw(&r, "other", "", "", false),
                        "other/items in/9 v1 posted <o/>\nother/orders in/9 v1 posted <o/>\n");
    assert_string_equal(read_raw(&r, "", "items in", "", false), "other/items in/9 v1 posted <o/>\n");
    assert_string_equal(read_raw(&r, "", "", "9", true), "shop/orders in/9 v1 parked <a/>\n");
    assert_string_equal(read_raw(&r, "shop", "orders in", "100", false),
                        "shop/orders in/100 v1 posted <a/>\n");
    assert_string_equal(read_raw(&r, "other", "", "9", false),
                        "other/items in/9 v1 posted <o/>\nother/orders in/9 v1 posted <o/>\n");
    assert_string_equal(read_raw(&r, "shop", "orders in", "11", false), "");
}

static void only_what_is_parked_is_read_when_asked(void **state)
{
    struct reading r = { .bed = *state };
    put_several(*state);
    assert_string_equal(read_raw(&r, "shop", "", "", true),
                        "shop/orders in/9 v1 parked <a/>\nshop/orders in/10 v1 parked <a/>\n"
                        "shop/orders in/a v1 parked <a/>\n");
}

static void reading_stops_when_told(void **state)
{
    struct reading r = { .bed = *state, .stop_after = 2 };
    put_several(*state);
    read_raw(&r, "", "", "", false);
    assert_int_equal(r.rows, 2);
}

static void who_reads_may_write_and_every_record_comes_once(void **state)
{
    struct reading r = { .bed = *state, .writes = true };
    put_several(*state);
    read_raw(&r, "", "", "", false);
    assert_int_equal(r.rows, 7);
    r.writes = false;
    assert_string_equal(read_raw(&r, "", "items in", "", false), "other/items in/9 v2 posted <o/>\n");
}

static void parts_come_back_with_their_record_in_order(void **state)
{
    struct reading r = { .bed = *state };
    struct cw_raw raw = raw_of("1001", "<a/>");
    struct cw_raw_part parts[] = {
        { cw_slice("payment"), cw_slice("json"), cw_slice("UTF-8"), cw_slice("{}") },
        { cw_slice("address"), cw_slice("xml"), cw_slice("UTF-8"), cw_slice("") },
    };
    raw.parts = parts;
    raw.part_count = 2;
    put_raw(*state, &raw);
    assert_string_equal(read_raw(&r, "shop", "", "", false),
                        "shop/orders in/1001 v1 posted <a/>+payment:{}+address:\n");
}

static bool compare_bytes(void *arg, const struct cw_raw *raw, int64_t version)
{
    const struct cw_raw *expected = arg;
    assert_int_equal(version, 1);
    assert_true(cw_slice_equal(raw->bytes, expected->bytes));
    assert_true(cw_slice_equal(raw->encoding, expected->encoding));
    assert_true(cw_hash_equal(&raw->hash, &expected->hash));
    assert_int_equal(raw->received_at, expected->received_at);
    assert_int_equal(raw->run, expected->run);
    return true;
}

static void ignore_done(void *arg, const struct cw_error *err)
{
    (void)arg;
    assert_null(err);
}

static void bytes_come_back_byte_for_byte_whatever_they_are(void **state)
{
    char bytes[256 * 200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    struct cw_raw raw = raw_of("\xff\xfe id", "");
    raw.bytes = (struct cw_slice){ bytes, sizeof bytes };
    raw.encoding = cw_slice("ISO-8859-1");
    put_raw(*state, &raw);
    struct cw_raw_filter all = { 0 };
    cw_store_read_raw(((struct store_bed *)*state)->store, &all, compare_bytes, ignore_done, &raw);
}

/* --- staged --- */

static void put_staged(struct store_bed *bed, const char *id, enum cw_staged_state where, const char *code,
                       size_t count)
{
    struct cw_issue issues[2] = {
        { .code = cw_slice(code),
          .subject = cw_slice("EUR"),
          .field = cw_slice("total"),
          .path = cw_slice("order/total"),
          .message = cw_slice("63.01 is not 63.00") },
        { .code = cw_slice("second") },
    };
    struct cw_staged staged = { .key = key_of(id),
                                .kind = &cw_kind_order,
                                .state = where,
                                .document = cw_slice("{}"),
                                .issues = issues,
                                .issue_count = count,
                                .at = bed->time.now,
                                .run = 3 };
    struct cw_txn *txn = begin(bed);
    assert_true(cw_txn_put_staged(txn, &staged));
    commit(txn);
}

#define STAGED                                                                                               \
    "SELECT s.external_id, s.kind, s.state, i.position, i.code, i.subject, i.field FROM staged_records s "   \
    "LEFT JOIN staged_issues i ON i.staged_id = s.id ORDER BY s.id, i.position"

static void what_is_staged_again_replaces_what_was(void **state)
{
    put_staged(*state, "1001", CW_STAGED_PARKED, "totals", 2);
    put_staged(*state, "1002", CW_STAGED_HELD, "", 0);
    assert_string_equal(ask(*state, STAGED),
                        "1001|order|parked|1|totals|EUR|total\n1001|order|parked|2|second||\n"
                        "1002|order|held|NULL|NULL|NULL|NULL");
    put_staged(*state, "1001", CW_STAGED_HELD, "missing", 1);
    assert_string_equal(ask(*state, STAGED),
                        "1001|order|held|1|missing|EUR|total\n1002|order|held|NULL|NULL|NULL|NULL");
}

static void what_is_dropped_takes_its_issues_along(void **state)
{
    put_staged(*state, "1001", CW_STAGED_PARKED, "totals", 2);
    struct cw_txn *txn = begin(*state);
    assert_true(cw_txn_drop_staged(txn, key_of("1001")));
    assert_true(cw_txn_drop_staged(txn, key_of("not there")));
    commit(txn);
    assert_string_equal(ask(*state, "SELECT (SELECT count(*) FROM staged_records), "
                                    "(SELECT count(*) FROM staged_issues)"),
                        "0|0");
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_bed_setup, store_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_newest_version_is_found_and_an_unknown_key_is_not),
        STORE_TEST(finding_nothing_answers_at_once),
        STORE_TEST(every_version_stays_as_it_was),
        STORE_TEST(the_same_id_of_another_stream_is_another_record),
        STORE_TEST(ids_that_look_alike_are_kept_apart),
        STORE_TEST(an_empty_part_of_a_key_is_refused_and_names_what),
        STORE_TEST(an_outcome_changes_the_newest_version_only),
        STORE_TEST(the_outcome_of_an_unknown_record_is_not_found),
        STORE_TEST(records_are_read_in_order_with_numbers_by_value),
        STORE_TEST(empty_parts_of_the_key_match_all),
        STORE_TEST(only_what_is_parked_is_read_when_asked),
        STORE_TEST(reading_stops_when_told),
        STORE_TEST(who_reads_may_write_and_every_record_comes_once),
        STORE_TEST(parts_come_back_with_their_record_in_order),
        STORE_TEST(bytes_come_back_byte_for_byte_whatever_they_are),
        STORE_TEST(what_is_staged_again_replaces_what_was),
        STORE_TEST(what_is_dropped_takes_its_issues_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
