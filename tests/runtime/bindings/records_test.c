/* records_test.c - the records of an answer: their ranges, ids, attached parts and fingerprints, in plain C.
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/store.h"
#include "bindings/records.h"

static struct cw_error err;
static struct cw_arena arena;

static struct cw_records *open_text(const char *text, const char *path, const char *id)
{
    struct cw_body *body = cw_body_create(1 << 30, &err);
    assert_ok(body != NULL && cw_body_write(body, cw_slice(text), &err), err);
    struct cw_records *records = cw_records_open(body, path, id, &err);
    assert_ok(records != NULL, err);
    return records;
}

static void assert_open_fails(const char *text, const char *path, enum cw_code code, const char *why)
{
    struct cw_body *body = cw_body_create(1 << 20, &err);
    assert_ok(cw_body_write(body, cw_slice(text), &err), err);
    assert_null(cw_records_open(body, path, "id", &err));
    assert_int_equal(err.code, code);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static struct cw_scope scope_of(struct cw_records *records, size_t i)
{
    struct cw_slice bytes;
    struct cw_scope scope;
    assert_ok(cw_records_bytes(records, i, &arena, &bytes, &err), err);
    assert_ok(cw_records_scope(records, i, &arena, bytes, &scope, &err), err);
    return scope;
}

static struct cw_slice text_at(struct cw_records *records, size_t i, const char *path)
{
    struct cw_scope scope = scope_of(records, i);
    const struct cw_path *compiled = cw_path_compile(&arena, cw_slice(path), &err);
    assert_ok(compiled != NULL, err);
    const struct cw_node *node = cw_path_first(compiled, &scope);
    return node != NULL ? node->text : (struct cw_slice){ "(none)", 6 };
}

static struct cw_slice id_of(struct cw_records *records, size_t i)
{
    struct cw_slice id;
    assert_ok(cw_records_any_id(records, i, &arena, &id, &err), err);
    return id;
}

static const char orders_json[] = "[{\"id\":1,\"customer\":7,\"lines\":[{\"item\":\"a\"},{\"item\":\"b\"}]},"
                                  "{\"id\":2,\"customer\":8,\"lines\":[]},"
                                  "{\"id\":3,\"customer\":7,\"lines\":[{\"item\":\"b\"},{\"item\":\"b\"}]}]";
static const char customers_json[] =
    "[{\"id\":7,\"name\":\"Ann\",\"country\":49},{\"id\":9,\"name\":\"Bob\"}]";

static int start(void **state)
{
    (void)state;
    cw_arena_init(&arena, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cw_arena_fini(&arena);
    return 0;
}

static void records_are_the_bytes_that_came(void **state)
{
    (void)state;
    struct cw_slice bytes;
    struct cw_records *records =
        open_text("\n<shop><orders><order><id> 5 </id></order>\n<order><id>6</id></order></orders></shop>",
                  "orders/order", "id");
    assert_int_equal(cw_records_count(records), 2);
    assert_int_equal(cw_records_format(records), CW_XML);
    assert_ok(cw_records_bytes(records, 1, &arena, &bytes, &err), err);
    assert_slice(bytes, "<order><id>6</id></order>");
    assert_slice(id_of(records, 0), "5");
    cw_records_free(records);
    cw_records_free(NULL);
}

static void what_is_no_list_is_refused_with_its_beginning(void **state)
{
    (void)state;
    assert_open_fails("", "orders", CW_INVALID, "empty");
    assert_open_fails(" \r\n\t", "orders", CW_INVALID, "empty");
    assert_open_fails("Error: no database\nline 2", ".", CW_INVALID, "begins: \"Error: no database\"");
    assert_open_fails("{\"error\":\"nope\"}", "orders", CW_INVALID, "nope");
    assert_open_fails("null", ".", CW_INVALID, "null");
    assert_open_fails("<html><body>log in</body></html>", "orders/order", CW_INVALID, "html");
    assert_open_fails("[{\"id\":1},{\"id\":2}", ".", CW_INVALID, "");
    assert_open_fails("[]", "a//b", CW_USAGE, "path");
}

static void a_quote_is_one_line_without_control_characters(void **state)
{
    (void)state;
    char quote[CW_RECORDS_QUOTE_MAX], text[400];
    memset(text, '\x01', sizeof text);
    struct cw_body *body = cw_body_borrow((struct cw_slice){ text, sizeof text }, &err);
    cw_records_quote(body, quote);
    assert_int_equal(strlen(quote), 480);
    cw_body_free(body);
    body = cw_body_borrow(cw_slice("\xEF\xBB\xBF  a\"b\x1b[31m\r\nsecond"), &err);
    cw_records_quote(body, quote);
    assert_string_equal(quote, "a\\x22b\\x1b[31m");
    cw_body_free(body);
}

static void attached_records_are_read_under_their_name(void **state)
{
    (void)state;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    assert_ok(cw_records_attach(orders, "customer", customers, "customer", "id", &err), err);
    cw_records_free(customers);
    assert_slice(text_at(orders, 0, "$customer/name"), "Ann");
    assert_slice(text_at(orders, 1, "$customer/name"), "(none)");
    assert_slice(text_at(orders, 2, "$customer/name"), "Ann");
    assert_slice(text_at(orders, 2, "id"), "3");
    cw_records_free(orders);
}

static void one_record_gets_many_parts_each_once_and_in_order(void **state)
{
    (void)state;
    struct cw_raw_part *parts;
    size_t count;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *items =
        open_text("[{\"sku\":\"b\",\"n\":1},{\"sku\":\"a\",\"n\":2},{\"sku\":\"b\",\"n\":3}]", ".", "sku");
    assert_ok(cw_records_attach(orders, "item", items, "lines/item", "sku", &err), err);
    assert_ok(cw_records_parts(orders, 0, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 3);
    assert_slice(parts[0].name, "item");
    assert_slice(parts[0].bytes, "{\"sku\":\"b\",\"n\":1}");
    assert_slice(parts[1].bytes, "{\"sku\":\"a\",\"n\":2}");
    assert_slice(parts[2].bytes, "{\"sku\":\"b\",\"n\":3}");
    assert_ok(cw_records_parts(orders, 1, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 0);
    assert_ok(cw_records_parts(orders, 2, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 2);
    cw_records_free(items);
    cw_records_free(orders);
}

static void a_path_may_begin_at_what_was_attached_before(void **state)
{
    (void)state;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    struct cw_records *countries =
        open_text("<c><country><no>49</no><code>DE</code></country></c>", "country", "no");
    assert_ok(cw_records_attach(orders, "customer", customers, "customer", "id", &err), err);
    assert_ok(cw_records_attach(orders, "country", countries, "$customer/country", "no", &err), err);
    assert_slice(text_at(orders, 0, "$country/code"), "DE");
    assert_slice(text_at(orders, 1, "$country/code"), "(none)");
    cw_records_free(countries);
    cw_records_free(customers);
    cw_records_free(orders);
}

static void one_equal_text_of_several_suffices_on_both_sides(void **state)
{
    (void)state;
    struct cw_raw_part *parts;
    size_t count;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *bundles =
        open_text("[{\"id\":1,\"of\":[\"z\",\"a\",\"b\"]},{\"id\":2,\"of\":[\"x\"]}]", ".", "id");
    assert_ok(cw_records_attach(orders, "bundle", bundles, "lines/item", "of", &err), err);
    assert_ok(cw_records_parts(orders, 0, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 1);
    assert_slice(text_at(orders, 0, "$bundle/id"), "1");
    assert_slice(text_at(orders, 1, "$bundle/id"), "(none)");
    assert_slice(text_at(orders, 2, "$bundle/id"), "1");
    cw_records_free(bundles);
    cw_records_free(orders);
}

static void without_paths_all_belong_to_every_record(void **state)
{
    (void)state;
    struct cw_raw_part *parts;
    size_t count;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    assert_ok(cw_records_attach(orders, "all", customers, NULL, NULL, &err), err);
    assert_ok(cw_records_parts(orders, 1, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 2);
    assert_slice(parts[1].bytes, "{\"id\":9,\"name\":\"Bob\"}");
    cw_records_free(customers);
    cw_records_free(orders);
}

static void stored_records_come_back_with_their_parts(void **state)
{
    (void)state;
    struct cw_raw_part *parts;
    size_t count;
    struct cw_raw_part part = { .name = cw_slice("customer"),
                                .format = cw_slice("json"),
                                .encoding = cw_slice("UTF-8"),
                                .bytes = cw_slice("{\"name\":\"Ann\"}") };
    struct cw_raw raw = { .format = cw_slice("xml"), .encoding = cw_slice("ISO-8859-1"), .parts = &part };
    struct cw_records *records = cw_records_create("id", &err);
    assert_ok(records != NULL, err);
    raw.bytes = cw_slice("<o><id>1</id><n>caf\xe9</n></o>");
    raw.part_count = 1;
    assert_ok(cw_records_restore(records, &raw, &err), err);
    raw.bytes = cw_slice("<o><id>2</id></o>");
    raw.part_count = 0;
    assert_ok(cw_records_restore(records, &raw, &err), err);
    assert_int_equal(cw_records_count(records), 2);
    assert_slice(text_at(records, 0, "n"), "caf\xc3\xa9");
    assert_slice(text_at(records, 0, "$customer/name"), "Ann");
    assert_slice(id_of(records, 1), "2");
    assert_ok(cw_records_parts(records, 1, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 0);
    raw.encoding = cw_slice("UTF-8");
    assert_false(cw_records_restore(records, &raw, &err));
    assert_int_equal(err.code, CW_INVALID);
    cw_records_free(records);
}

static void the_limit_of_parts_names_the_record_and_leaves_nothing(void **state)
{
    (void)state;
    struct cw_buffer text = { 0 };
    struct cw_raw_part *parts;
    size_t count;
    cw_buffer_print(&text, &err, "[");
    for (int i = 0; i <= CW_RECORDS_PARTS_MAX; i++)
        cw_buffer_print(&text, &err, "%s{\"order\":2,\"i\":%d}", i > 0 ? "," : "", i);
    cw_buffer_print(&text, &err, "]");
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *rows = open_text(text.data, ".", "i");
    assert_false(cw_records_attach(orders, "row", rows, "id", "order", &err));
    assert_int_equal(err.code, CW_LIMIT);
    assert_non_null(strstr(err.text, "record 2"));
    assert_non_null(strstr(err.text, "1001 more parts"));
    assert_ok(cw_records_parts(orders, 1, &arena, &parts, &count, &err), err);
    assert_int_equal(count, 0);
    cw_records_free(rows);
    cw_records_free(orders);
    cw_buffer_fini(&text);
}

static void several_joins_share_the_limit_of_parts(void **state)
{
    (void)state;
    struct cw_buffer text = { 0 };
    cw_buffer_print(&text, &err, "[");
    for (int i = 0; i < CW_RECORDS_PARTS_MAX - 5; i++)
        cw_buffer_print(&text, &err, "%s{\"order\":2,\"i\":%d}", i > 0 ? "," : "", i);
    cw_buffer_print(&text, &err, "]");
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *rows = open_text(text.data, ".", "i");
    assert_ok(cw_records_attach(orders, "row", rows, "id", "order", &err), err);
    assert_false(cw_records_attach(orders, "again", rows, "id", "order", &err));
    assert_int_equal(err.code, CW_LIMIT);
    cw_records_free(rows);
    cw_records_free(orders);
    cw_buffer_fini(&text);
}

static void appended_records_keep_their_own_parts(void **state)
{
    (void)state;
    struct cw_records *first = open_text(orders_json, ".", "id");
    struct cw_records *second = open_text("[{\"id\":\"x\",\"customer\":9}]", ".", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    struct cw_records *countries = open_text("[{\"no\":3,\"code\":\"FR\"}]", ".", "no");
    assert_ok(cw_records_attach(second, "customer", customers, "customer", "id", &err), err);
    assert_ok(cw_records_append(first, second, &err), err);
    cw_records_free(second);
    assert_int_equal(cw_records_count(first), 4);
    assert_slice(id_of(first, 3), "x");
    assert_slice(text_at(first, 3, "$customer/name"), "Bob");
    assert_slice(text_at(first, 0, "$customer/name"), "(none)");
    assert_ok(cw_records_attach(first, "country", countries, "id", "no", &err), err);
    assert_slice(text_at(first, 2, "$country/code"), "FR");
    assert_slice(text_at(first, 3, "$customer/name"), "Bob");
    cw_records_free(countries);
    cw_records_free(customers);
    cw_records_free(first);
}

static void many_appended_pages_are_found_by_index(void **state)
{
    (void)state;
    char text[64], id[16];
    struct cw_records *all = open_text("[]", ".", "id");
    for (int page = 0; page < 50; page++) {
        snprintf(text, sizeof text, "[{\"id\":%d},{\"id\":%d}]", 2 * page, 2 * page + 1);
        struct cw_records *one = open_text(text, ".", "id");
        assert_ok(cw_records_append(all, one, &err), err);
        cw_records_free(one);
    }
    assert_int_equal(cw_records_count(all), 100);
    for (size_t i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "%zu", i);
        assert_slice(id_of(all, i), id);
    }
    cw_records_free(all);
}

static void what_was_attached_changes_no_more_and_circles_are_refused(void **state)
{
    (void)state;
    struct cw_records *orders = open_text(orders_json, ".", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    struct cw_records *xml = open_text("<a><b/></a>", "b", "id");
    assert_false(cw_records_append(orders, orders, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_false(cw_records_append(orders, xml, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_ok(cw_records_attach(orders, "customer", customers, "customer", "id", &err), err);
    assert_false(cw_records_append(customers, orders, &err));
    assert_int_equal(err.code, CW_USAGE);
    assert_false(cw_records_attach(customers, "order", orders, "id", "customer", &err));
    assert_false(cw_records_attach(xml, "order", orders, "id", "customer", &err));
    assert_non_null(strstr(err.text, "outermost"));
    assert_false(cw_records_attach(orders, "no name", xml, "id", "id", &err));
    assert_false(cw_records_attach(orders, "x", xml, "id[", "id", &err));
    assert_int_equal(err.code, CW_USAGE);
    cw_records_free(xml);
    cw_records_free(customers);
    cw_records_free(orders);
}

static void damaged_records_are_skipped_and_keep_their_id(void **state)
{
    (void)state;
    struct cw_slice bytes;
    struct cw_scope scope;
    struct cw_records *orders =
        open_text("<s><o><id>1</id><c>7</c></o><o><id><![CDATA[2]]></id><c>&broken;</c></o>"
                  "<o><x><id>9</id></x>&broken;</o></s>",
                  "o", "id");
    struct cw_records *customers = open_text(customers_json, ".", "id");
    assert_ok(cw_records_attach(orders, "customer", customers, "c", "id", &err), err);
    assert_slice(text_at(orders, 0, "$customer/name"), "Ann");
    assert_ok(cw_records_bytes(orders, 1, &arena, &bytes, &err), err);
    assert_false(cw_records_scope(orders, 1, &arena, bytes, &scope, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_slice(id_of(orders, 1), "2");
    assert_int_equal(id_of(orders, 2).len, strlen("damaged:0123456789abcdef"));
    assert_memory_equal(id_of(orders, 2).data, "damaged:", 8);
    cw_records_free(customers);
    cw_records_free(orders);
}

static void ids_of_damaged_json_are_found_on_their_level_only(void **state)
{
    (void)state;
    struct cw_records *records = open_text("[{\"c\":{\"id\":5},\"t\":\"id\",\"id\" : \"A-7\",\"x\":01},"
                                           "{\"id\":12,\"x\":tru},{\"c\":{\"id\":5},\"x\":nul}]",
                                           ".", "id");
    assert_slice(id_of(records, 0), "A-7");
    assert_slice(id_of(records, 1), "12");
    assert_memory_equal(id_of(records, 2).data, "damaged:", 8);
    cw_records_free(records);
    records = open_text("<s><o  id='44' x=\"1\">&no;</o></s>", "o", "@id");
    assert_slice(id_of(records, 0), "44");
    cw_records_free(records);
}

static void a_record_without_id_says_where_it_was_looked_for(void **state)
{
    (void)state;
    struct cw_slice id;
    struct cw_records *records = open_text("[{\"name\":\"x\",\"number\":null}]", ".", "number");
    struct cw_scope scope = scope_of(records, 0);
    assert_false(cw_records_id(records, 0, &scope, &arena, &id, &err));
    assert_int_equal(err.code, CW_INVALID);
    assert_non_null(strstr(err.text, "number"));
    cw_records_free(records);
}

struct collected {
    char text[200];
};

static void note(void *arg, struct cw_slice text)
{
    struct collected *collected = arg;
    snprintf(collected->text + strlen(collected->text), sizeof collected->text - strlen(collected->text),
             "%.*s,", CW_SLICE_ARG(text));
}

static void texts_are_collected_once_in_order(void **state)
{
    (void)state;
    struct collected collected = { "" };
    const char *const paths[] = { "customer", "lines/item", "id" };
    struct cw_records *orders = open_text(orders_json, ".", "id");
    assert_ok(cw_records_collect(orders, paths, 3, note, &collected, &err), err);
    assert_string_equal(collected.text, "7,a,b,1,8,2,3,");
    cw_records_free(orders);
    orders = open_text("[{\"id\":0},{\"id\":\"\"},{\"id\":null},{\"id\":\" 4 \"},{\"id\":4}]", ".", "id");
    collected.text[0] = '\0';
    assert_ok(cw_records_collect(orders, paths + 2, 1, note, &collected, &err), err);
    assert_string_equal(collected.text, "4,");
    cw_records_free(orders);
}

static void the_fingerprint_tells_pages_apart_by_ids_and_order(void **state)
{
    (void)state;
    static const char *const pages[] = { "[{\"id\":1,\"x\":1},{\"id\":23}]",
                                         "[{\"id\":1,\"x\":2},{\"id\":23}]", "[{\"id\":23},{\"id\":1}]",
                                         "[{\"id\":12},{\"id\":3}]" };
    struct cw_hash hashes[4];
    for (int i = 0; i < 4; i++) {
        struct cw_records *records = open_text(pages[i], ".", "id");
        assert_ok(cw_records_fingerprint(records, &hashes[i], &err), err);
        cw_records_free(records);
    }
    assert_true(cw_hash_equal(&hashes[0], &hashes[1]));
    assert_false(cw_hash_equal(&hashes[0], &hashes[2]));
    assert_false(cw_hash_equal(&hashes[0], &hashes[3]));
}

static struct cw_body *large_body(size_t count)
{
    struct cw_body *body = cw_body_create((uint64_t)1 << 30, &err);
    char text[256], filler[160];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    cw_body_write(body, cw_slice("["), &err);
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%s{\"id\":%zu,\"group\":%zu,\"text\":\"%s\"}", i > 0 ? "," : "", i,
                 i % 10, filler);
        assert_ok(cw_body_write(body, cw_slice(text), &err), err);
    }
    cw_body_write(body, cw_slice("]"), &err);
    return body;
}

static void a_body_in_a_file_gives_the_same_records(void **state)
{
    (void)state;
    enum { COUNT = 60000 }; /* 11 MB */
    struct collected collected = { "" };
    const char *const paths[] = { "group" };
    char id[16];
    struct cw_body *body = large_body(COUNT);
    assert_null(cw_body_memory(body).data);
    struct cw_records *records = cw_records_open(body, ".", "id", &err);
    assert_ok(records != NULL, err);
    assert_int_equal(cw_records_count(records), COUNT);
    struct cw_records *groups = open_text("[{\"id\":3,\"name\":\"three\"}]", ".", "id");
    assert_ok(cw_records_collect(records, paths, 1, note, &collected, &err), err);
    assert_string_equal(collected.text, "1,2,3,4,5,6,7,8,9,");
    assert_ok(cw_records_attach(records, "group", groups, "group", "id", &err), err);
    for (size_t i = 0; i < COUNT; i += 9973) {
        snprintf(id, sizeof id, "%zu", i);
        assert_slice(text_at(records, i, "id"), id);
        assert_slice(text_at(records, i, "$group/name"), i % 10 == 3 ? "three" : "(none)");
        cw_arena_reset(&arena);
    }
    cw_records_free(groups);
    cw_records_free(records);
}

/* A shop gives one record by itself, which may have a list of the name of the list's own. */
static void of_several_paths_the_first_with_ids_is_taken(void **state)
{
    static const char *const paths[] = { ".", "items" };
    static const struct {
        const char *text, *first;
        size_t count;
    } cases[] = {
        { "{\"id\":7,\"items\":[{\"sku\":\"A\"},{\"sku\":\"B\"}]}", "7", 1 },
        { "{\"items\":[{\"id\":8,\"items\":[]},{\"id\":9}],\"total_count\":2}", "8", 2 },
        { "[{\"id\":5},{\"id\":6}]", "5", 2 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cw_body *body = cw_body_create(1 << 20, &err);
        assert_ok(cw_body_write(body, cw_slice(cases[i].text), &err), err);
        struct cw_records *records = cw_records_open_first(body, paths, 2, "id", &err);
        assert_ok(records != NULL, err);
        assert_int_equal(cw_records_count(records), cases[i].count);
        assert_slice(id_of(records, 0), cases[i].first);
        cw_records_free(records);
    }
    struct cw_body *body = cw_body_create(1 << 20, &err);
    assert_ok(cw_body_write(body, cw_slice("{\"message\":\"no\"}"), &err), err);
    assert_null(cw_records_open_first(body, paths, 2, "id", &err));
    assert_int_equal(err.code, CW_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_the_bytes_that_came, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_list_is_refused_with_its_beginning, start, stop),
        cmocka_unit_test_setup_teardown(a_quote_is_one_line_without_control_characters, start, stop),
        cmocka_unit_test_setup_teardown(attached_records_are_read_under_their_name, start, stop),
        cmocka_unit_test_setup_teardown(one_record_gets_many_parts_each_once_and_in_order, start, stop),
        cmocka_unit_test_setup_teardown(a_path_may_begin_at_what_was_attached_before, start, stop),
        cmocka_unit_test_setup_teardown(one_equal_text_of_several_suffices_on_both_sides, start, stop),
        cmocka_unit_test_setup_teardown(without_paths_all_belong_to_every_record, start, stop),
        cmocka_unit_test_setup_teardown(stored_records_come_back_with_their_parts, start, stop),
        cmocka_unit_test_setup_teardown(the_limit_of_parts_names_the_record_and_leaves_nothing, start, stop),
        cmocka_unit_test_setup_teardown(several_joins_share_the_limit_of_parts, start, stop),
        cmocka_unit_test_setup_teardown(appended_records_keep_their_own_parts, start, stop),
        cmocka_unit_test_setup_teardown(many_appended_pages_are_found_by_index, start, stop),
        cmocka_unit_test_setup_teardown(what_was_attached_changes_no_more_and_circles_are_refused, start,
                                        stop),
        cmocka_unit_test_setup_teardown(damaged_records_are_skipped_and_keep_their_id, start, stop),
        cmocka_unit_test_setup_teardown(ids_of_damaged_json_are_found_on_their_level_only, start, stop),
        cmocka_unit_test_setup_teardown(a_record_without_id_says_where_it_was_looked_for, start, stop),
        cmocka_unit_test_setup_teardown(texts_are_collected_once_in_order, start, stop),
        cmocka_unit_test_setup_teardown(the_fingerprint_tells_pages_apart_by_ids_and_order, start, stop),
        cmocka_unit_test_setup_teardown(of_several_paths_the_first_with_ids_is_taken, start, stop),
        cmocka_unit_test_setup_teardown(a_body_in_a_file_gives_the_same_records, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
