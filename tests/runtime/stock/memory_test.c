/* memory_test.c - without memory everything answers false, and nothing is lost, leaked or half done. The n-th
 * allocation fails, for n = 1, 2, 3 and so on until all succeed; the linker wraps the allocator, see
 * CMakeLists. */
#include "shelf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long allowed = ULONG_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static bool is_allowed(void)
{
    if (allowed == ULONG_MAX)
        return true;
    if (allowed == 0)
        return false;
    allowed--;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_allowed() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_allowed() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_allowed() ? __real_realloc(old, size) : NULL;
}

char *__wrap_strdup(const char *text)
{
    return is_allowed() ? __real_strdup(text) : NULL;
}

/* --- a whole life --- */

enum { MUG, BOX, SET, GIFT, FILLERS = 300, LEVELS = 30 };

static bool fill(struct cw_stock *stock)
{
    char name[16];
    for (int i = 0; i < FILLERS; i++) {
        snprintf(name, sizeof name, "I%d", i);
        if (cw_stock_item(stock, cw_slice(name)) == CW_STOCK_NONE)
            return false;
    }
    for (uint32_t i = 0; i < LEVELS; i++) {
        snprintf(name, sizeof name, "W%u", (unsigned)i);
        uint32_t at = cw_stock_warehouse(stock, cw_slice(name));
        if (at == CW_STOCK_NONE || !cw_stock_set_level(stock, MUG, at, CW_QUANTITY_ONE) ||
            !cw_stock_set_level(stock, BOX, at, CW_QUANTITY_ONE) ||
            !cw_stock_add_demand(stock, MUG, at, CW_DEMAND_PENDING, CW_QUANTITY_ONE / 2) ||
            !cw_stock_add_incoming(stock, MUG, at, SHELF_NOW + i, CW_QUANTITY_ONE))
            return false;
    }
    return true;
}

static bool compose(struct cw_stock *stock, struct cw_error *err)
{
    const struct cw_stock_component set[] = { { MUG, CW_QUANTITY_ONE }, { BOX, CW_QUANTITY_ONE } };
    const struct cw_stock_component gift[] = { { SET, CW_QUANTITY_ONE }, { MUG, 2 * CW_QUANTITY_ONE } };
    return cw_stock_set_kit(stock, GIFT, gift, 2, err) && cw_stock_set_kit(stock, SET, set, 2, err);
}

static bool view_it(struct cw_stock *stock, cw_quantity *gifts)
{
    static char here[] = "W1", there[] = "W2", *some[] = { here, there, NULL };
    const struct cw_stock_rule rule = { .adds_kits = true,
                                        .adds_incoming = true,
                                        .vendor = CW_VENDOR_SEPARATE,
                                        .warehouses = some,
                                        .incoming_within = CW_DAY };
    const uint32_t changed[] = { MUG, SET };
    struct cw_stock_view *view = cw_stock_view_create(stock, &rule, SHELF_NOW);
    bool ok = view != NULL && cw_stock_view_count(view) && cw_stock_view_recount(view, changed, 2);
    if (ok)
        *gifts = cw_stock_view_get(view, GIFT).quantity;
    cw_stock_view_free(view);
    return ok;
}

static void a_whole_life_without_memory_ends_with_false(void **state)
{
    bool done = false;
    (void)state;
    for (unsigned long n = 0; !done; n++) {
        cw_quantity gifts = -1;
        struct cw_error err = { .code = CW_NOMEM };
        assert_true(n < 10000);
        allowed = n;
        struct cw_stock *stock = cw_stock_create();
        done = stock != NULL && fill(stock) && compose(stock, &err) && view_it(stock, &gifts);
        allowed = ULONG_MAX;
        cw_stock_free(stock);
        assert_true(err.code == CW_NOMEM);
        if (done)
            assert_quantity(gifts, "1"); /* of 3 mugs and 2 boxes: 3 mugs make one */
    }
}

/* --- kits: all or nothing --- */

static void assert_gifts(struct cw_stock *stock, const char *expected)
{
    const struct cw_stock_rule rule = { .adds_kits = true };
    assert_quantity(count_one(stock, &rule, "I3").buildable, expected);
}

static void a_kit_that_cannot_be_changed_stays_what_it_was(void **state)
{
    const struct cw_stock_component plain[] = { { BOX, CW_QUANTITY_ONE }, { 7, CW_QUANTITY_ONE } };
    struct cw_stock_component many[FILLERS];
    struct cw_error err;
    bool done = false;
    (void)state;
    struct cw_stock *stock = cw_stock_create();
    assert_true(fill(stock));
    assert_ok(compose(stock, &err), err);
    for (uint32_t i = 0; i < FILLERS - 8; i++)
        many[i] = (struct cw_stock_component){ i == 0 ? MUG : i + 8, CW_QUANTITY_ONE };
    for (unsigned long n = 0; !done; n++) {
        assert_gifts(stock, "5"); /* of 15 mugs, 3 each */
        allowed = n;
        done = cw_stock_set_kit(stock, SET, many, FILLERS - 8, &err);
        allowed = ULONG_MAX;
        assert_true(done || err.code == CW_NOMEM);
    }
    assert_gifts(stock, "0");
    assert_ok(cw_stock_set_kit(stock, SET, plain, 1, &err), err);
    assert_gifts(stock, "7");
    cw_stock_free(stock);
}

static void what_is_affected_is_null_without_memory(void **state)
{
    const uint32_t changed = GIFT;
    struct cw_error err;
    uint32_t *affected = NULL;
    size_t count;
    (void)state;
    struct cw_stock *stock = cw_stock_create();
    assert_true(fill(stock));
    assert_ok(compose(stock, &err), err);
    unsigned long n = 0;
    for (; affected == NULL; n++) {
        allowed = n;
        affected = cw_stock_affected(stock, &changed, 1, &count);
        allowed = ULONG_MAX;
        assert_int_equal(count, affected != NULL ? 4 : 0);
    }
    assert_true(n > 1);
    free(affected);
    cw_stock_free(stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life_without_memory_ends_with_false),
        cmocka_unit_test(a_kit_that_cannot_be_changed_stays_what_it_was),
        cmocka_unit_test(what_is_affected_is_null_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
