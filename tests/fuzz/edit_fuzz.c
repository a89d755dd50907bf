/* edit_fuzz.c - any name is refused or leads to one value, under its lasting name too; any text is refused or
 * comes back as one that sets the same. The first line is the name, the rest the text. */
#include "fuzz.h"

#include <string.h>

#include "mapping/edit.h"

static struct cw_arena arena;

static struct cw_document *add_line(struct cw_document *order, const char *id)
{
    struct cw_value *lines = &order->values[cw_kind_field(order->kind, cw_slice("lines"))];
    struct cw_document *line = cw_document_create(&arena, &cw_kind_line);
    line->external_id = cw_slice(id);
    lines->is_set = true;
    if (lines->list.last != NULL)
        lines->list.last->next = line;
    else
        lines->list.first = line;
    lines->list.last = line;
    lines->list.count++;
    return line;
}

static struct cw_document *make_order(void)
{
    static const char *const pairs[][2] = {
        { "currency", "EUR" },        { "total", "12.500" },   { "status", "paid" },
        { "billing.city", "Bern" },   { "custom.gift", "no" }, { "lines[1].sku", "MUG" },
        { "lines[2].quantity", "2" },
    };
    struct cw_document *order = cw_document_create(&arena, &cw_kind_order);
    add_line(order, "1001");
    add_line(order, "a.b]c");
    add_line(order, "");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        MUST(cw_document_set(order, cw_slice(pairs[i][0]), cw_slice(pairs[i][1]), NULL, &arena, NULL));
    return order;
}

static bool count_difference(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    MUST(name.len > 0 && (before.data != NULL || after.data != NULL));
    ++*(size_t *)arg;
    return true;
}

static size_t differences(const struct cw_document *before, const struct cw_document *after)
{
    size_t count = 0;
    MUST(cw_document_differences(before, after, &arena, count_difference, &count));
    return count;
}

static void check_place(struct cw_document *order, struct cw_slice name)
{
    struct cw_error err = { .code = CW_OK };
    struct cw_place place, again;
    struct cw_slice stable, same;
    enum cw_type type;
    bool known = cw_kind_check_name(&cw_kind_order, name, &type, &err);
    MUST(known || err.code == CW_USAGE);
    bool found = cw_document_place(order, name, &place, &err);
    MUST(found ? known : err.code == (known ? CW_NOT_FOUND : CW_USAGE));
    if (!found)
        return;
    MUST(cw_document_stable_name(order, name, &arena, &stable, &err));
    MUST(cw_document_place(order, stable, &again, &err));
    MUST(again.value == place.value && again.owner == place.owner);
    MUST(cw_document_stable_name(order, stable, &arena, &same, &err) && cw_slice_equal(stable, same));
}

static void check_setting(struct cw_document *order, struct cw_slice name, struct cw_slice text)
{
    struct cw_error err;
    struct cw_slice back;
    struct cw_document *before = cw_document_copy(&arena, order);
    MUST(differences(before, order) == 0);
    if (!cw_document_set(order, name, text, NULL, &arena, &err)) {
        MUST(err.code == CW_USAGE || err.code == CW_INVALID || err.code == CW_NOT_FOUND);
        MUST(differences(before, order) == 0);
        return;
    }
    if (!cw_document_text(order, name, &arena, &back, &err)) {
        MUST(err.code == CW_NOT_FOUND); /* a line's own id was changed */
        return;
    }
    MUST(back.data != NULL);
    struct cw_document *set = cw_document_copy(&arena, order);
    MUST(cw_document_set(set, name, back, NULL, &arena, &err) && differences(order, set) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - text) : size, skip = end != NULL ? len + 1 : len;
    struct cw_slice name = { size > 0 ? text : "", len };
    cw_arena_init(&arena, 0);
    struct cw_document *order = make_order();
    check_place(order, name);
    check_setting(order, name, (struct cw_slice){ size > 0 ? text + skip : "", size - skip });
    cw_arena_fini(&arena);
    return 0;
}
