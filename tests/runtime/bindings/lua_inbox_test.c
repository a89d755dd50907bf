/* lua_inbox_test.c - the inbox of a cart as its script sees it: what is read, stored, finished, told. */
#include "cart_bed.h"

#include <stdio.h>

static struct cart_bed bed;
static char cart[4096], told[2048], said[CW_ERROR_TEXT_MAX];
static enum cw_code code;
static bool ended;

/* --- an inbox of two entries, and one that is refused --- */

static struct fake {
    struct cw_inbox inbox;
    struct cw_later later;
    cw_inbox_entry_fn *on_entry;
    cw_inbox_done_fn *on_done;
    cw_inbox_body_fn *on_body;
    void *arg;
    bool is_open, is_called_off, is_gone; /* is_gone: reading finds nothing */
} fake;

static void tell(const char *what, struct cw_slice name)
{
    size_t len = strlen(told);
    snprintf(told + len, sizeof told - len, "%s%.*s; ", what, CW_SLICE_ARG(name));
}

static void answer(void *arg)
{
    struct cw_error err;
    (void)arg;
    cw_inbox_done_fn *on_done = fake.on_done;
    cw_inbox_body_fn *on_body = fake.on_body;
    const struct cw_inbox_entry entries[] = {
        { .name = cw_slice("a.json"), .topic = { "", 0 }, .size = 2, .at = 1700000000 * CW_SECOND },
        { .name = cw_slice("odd"), .topic = { "", 0 }, .at = CW_TIME_NONE, .refused = "it is odd" },
        { .name = cw_slice("7"), .topic = cw_slice("order"), .size = 3, .at = CW_TIME_NONE },
    };
    for (size_t i = 0; fake.on_entry != NULL && i < 3; i++)
        fake.on_entry(fake.arg, &entries[i]);
    fake.on_entry = NULL;
    fake.on_done = NULL;
    fake.on_body = NULL;
    if (on_done != NULL) {
        on_done(fake.arg, NULL);
    } else if (fake.is_gone) {
        cw_fail(&err, CW_NOT_FOUND, "somebody else took it");
        on_body(fake.arg, NULL, &err);
    } else {
        on_body(fake.arg, cw_body_borrow(cw_slice("[{\"id\":1}]"), NULL), NULL);
    }
}

static bool list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                 struct cw_error *err)
{
    (void)inbox, (void)err;
    fake.on_entry = entry;
    fake.on_done = done;
    fake.arg = arg;
    cw_loop_later(bed.loop, &fake.later, answer, NULL);
    return true;
}

static bool read_entry(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                       struct cw_error *err)
{
    (void)inbox, (void)err;
    tell("read ", name);
    fake.on_body = done;
    fake.arg = arg;
    cw_loop_later(bed.loop, &fake.later, answer, NULL);
    return true;
}

static bool finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                   cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    (void)inbox, (void)err;
    static const char *const ends[] = { "done ", "failed ", "left " };
    tell(ends[end], name);
    fake.on_done = done;
    fake.arg = arg;
    cw_loop_later(bed.loop, &fake.later, answer, NULL);
    return true;
}

static void cancel(struct cw_inbox *inbox)
{
    (void)inbox;
    fake.is_called_off = fake.is_called_off || fake.later.waiting;
    cw_later_cancel(bed.loop, &fake.later);
}

static void free_inbox(struct cw_inbox *inbox)
{
    cancel(inbox);
    fake.is_open = false;
}

static struct cw_inbox *open_fake(void *arg, const char *name, struct cw_error *err)
{
    (void)arg, (void)err;
    assert_string_equal(name, "shop");
    fake.inbox = (struct cw_inbox){ true, list, read_entry, finish, cancel, free_inbox, NULL };
    fake.is_open = true;
    return &fake.inbox;
}

/* --- what the engine does --- */

static bool note(void *arg, const struct cw_lua_stream *stream, const char *entry, const char *words,
                 bool once, struct cw_error *err)
{
    (void)arg, (void)err;
    assert_string_equal(stream->name, "orders");
    tell(once ? "once " : "note ", cw_slice(words));
    assert_non_null(strstr(words, entry));
    return true;
}

static struct cw_later stored;
static cw_emit_done_fn *emitted;
static void *emitted_arg;

static void emit_ends(void *arg)
{
    const struct cw_run_counts counts = { .read = 1, .posted = 1 };
    emitted(arg, &counts, NULL);
}

static void *emit(void *arg, const struct cw_lua_stream *stream, struct cw_records *records,
                  struct cw_slice position, cw_emit_done_fn *done, void *done_arg, struct cw_error *err)
{
    (void)arg, (void)stream, (void)records, (void)position, (void)err;
    emitted = done;
    emitted_arg = done_arg;
    tell("stored", cw_slice(""));
    cw_loop_later(bed.loop, &stored, emit_ends, emitted_arg);
    return &stored;
}

/* --- running --- */

static int close_bed(void **state)
{
    (void)state;
    cart_bed_close(&bed);
    return 0;
}

static bool try_open(const char *settings, const char *inbox, const char *fetch)
{
    static char site[256];
    cart_bed_close(&bed);
    snprintf(site, sizeof site, "return { zone = 'UTC', carts = { shop = { type = 'test', %s } } }",
             settings);
    snprintf(cart, sizeof cart,
             "local cart, map = require 'cartwright.cart', require 'cartwright.map'\n"
             "local shop = cart.new { title = 't', settings = { folder = cart.drop { default = 'in' } },\n"
             "  %s }\n"
             "shop.orders = { map = map.order { number = 'number' }, fetch = function(self) %s end }\n"
             "return shop\n",
             inbox, fetch);
    bed = (struct cart_bed){ .site = site, .cart = cart, .inbox = open_fake, .note = note, .emit = emit };
    return cart_bed_open(&bed);
}

static const char usual[] = "inbox = function(settings) return { folder = settings.folder } end";

static void done(void *arg, struct cw_slice text, const struct cw_error *err)
{
    (void)arg, (void)text;
    ended = true;
    code = err != NULL ? err->code : CW_OK;
    snprintf(said, sizeof said, "%s", err != NULL ? err->text : "");
}

static struct cw_fiber *begin(const char *fetch)
{
    static const struct cw_lua_window window = { .from = CW_TIME_NONE, .to = CW_MINUTE };
    struct cw_error err;
    assert_ok(try_open("", usual, fetch), bed.err);
    fake = (struct fake){ .later = { 0 } };
    told[0] = '\0';
    ended = false;
    struct cw_fiber *fiber =
        cw_lua_start_fetch(cw_lua_cart_stream(bed.shop, "orders"), &window, done, NULL, &err);
    assert_non_null(fiber);
    return fiber;
}

static void fetch(const char *text)
{
    begin(text);
    while (!ended) {
        cw_script_run(bed.script);
        if (!ended)
            cw_loop_run(bed.loop);
    }
}

#define EACH "for entry in self:inbox():each() do %s end"

static void entries_are_read_stored_and_finished(void **state)
{
    (void)state;
    fetch(
        "for entry in self:inbox():each() do\n"
        "  assert(entry.size == (entry.topic and 3 or 2) and (entry.topic == 'order') == (entry.at == nil))\n"
        "  self:emit(entry:read():records '.') entry:done() entry:done() end");
    assert_string_equal(said, "");
    assert_string_equal(told, "read a.json; stored; done a.json; once odd is left alone: it is odd; read 7; "
                              "stored; done 7; ");
    assert_false(fake.is_open);
}

static void what_was_not_stored_is_not_done(void **state)
{
    (void)state;
    static const char *const careless[] = { "entry:done()", "entry:read() entry:done()",
                                            "entry:read():records '.' entry:done()",
                                            "self:emit(entry:read():records '.') entry:read() entry:done()" };
    for (size_t i = 0; i < sizeof careless / sizeof *careless; i++) {
        char text[256];
        snprintf(text, sizeof text, EACH, careless[i]);
        fetch(text);
        assert_non_null(strstr(said, "a.json: its records were not stored since it was read"));
        assert_null(strstr(told, "done"));
        assert_false(fake.is_open); /* so that the next run can take it */
    }
}

static void what_is_appended_is_stored_with_the_others(void **state)
{
    (void)state;
    fetch("local all, taken = nil, {}\n"
          "for entry in self:inbox():each() do local records = entry:read():records '.'\n"
          "  if all then all:append(records) else all = records end taken[#taken + 1] = entry end\n"
          "self:emit(all) for _, entry in ipairs(taken) do entry:done() end");
    assert_string_equal(said, "");
    assert_non_null(strstr(told, "stored; done a.json; done 7; "));
}

static void some_are_set_aside_and_some_left(void **state)
{
    (void)state;
    fetch("for entry in self:inbox():each() do\n"
          "  if entry.topic then entry:leave 'not now' else entry:failed 'no order' end entry:done() end");
    assert_string_equal(said, "");
    assert_string_equal(told,
                        "note a.json was set aside: no order; failed a.json; once odd is left alone: it "
                        "is odd; once 7 was left where it is: not now; ");
    fetch("for entry in self:inbox():each() do entry:failed() end");
    assert_non_null(strstr(said, "failed takes the reason, in words for a person"));
}

static void one_that_is_left_after_it_was_read_goes_back(void **state)
{
    (void)state;
    fetch("for entry in self:inbox():each() do entry:read() entry:leave 'not now' entry:leave 'again' end");
    assert_string_equal(said, "");
    assert_non_null(strstr(told, "read 7; once 7 was left where it is: not now; left 7; "));
    assert_null(strstr(told, "again"));
}

static void one_that_somebody_else_took_is_not_found(void **state)
{
    (void)state;
    begin("local entry = self:inbox():each()() local ok, problem = pcall(entry.read, entry)\n"
          "error(tostring(ok) .. ' ' .. problem.code .. ' ' .. tostring(problem), 0)");
    fake.is_gone = true;
    while (!ended) {
        cw_script_run(bed.script);
        cw_loop_run(bed.loop);
    }
    assert_string_equal(said, "false not-found somebody else took it");
}

static void a_run_that_is_killed_calls_off_what_it_asked(void **state)
{
    (void)state;
    struct cw_fiber *fiber = begin("self:inbox():each()");
    cw_script_run(bed.script);
    cw_fiber_kill(fiber);
    assert_true(fake.is_called_off);
    cart_bed_close(&bed);
    assert_false(fake.is_open);
}

static void folders_are_those_that_the_site_names(void **state)
{
    (void)state;
    assert_true(try_open("", usual, ""));
    assert_int_equal(bed.shop->drop_count, 1);
    assert_string_equal(bed.shop->drops[0], "/srv/site/in");
    assert_true(bed.shop->has_inbox);
    assert_true(try_open("folder = '/data/./in/'", usual, ""));
    assert_string_equal(bed.shop->drops[0], "/data/in");
    static const char *const refused[] = { "folder = '/'",  "folder = '.'", "folder = '/srv'",
                                           "folder = '..'", "folder = ''",  "folder = 5" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(try_open(refused[i], usual, ""));
        assert_non_null(strstr(bed.err.text, "setting folder of cart shop must be"));
    }
    assert_false(try_open("", "inbox = { folder = 'x' }", ""));
    assert_non_null(strstr(bed.err.text, "inbox is a table; it is a function"));
}

#define TEST(name) cmocka_unit_test_teardown(name, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_read_stored_and_finished),         TEST(what_was_not_stored_is_not_done),
        TEST(what_is_appended_is_stored_with_the_others),   TEST(some_are_set_aside_and_some_left),
        TEST(one_that_is_left_after_it_was_read_goes_back), TEST(one_that_somebody_else_took_is_not_found),
        TEST(a_run_that_is_killed_calls_off_what_it_asked), TEST(folders_are_those_that_the_site_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
