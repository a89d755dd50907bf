/* mail_fields_fuzz.c - any text is taken apart into fields that are no longer than it, in orders that only go
 * up; the same text as HTML gives words and tables. */
#include "fuzz.h"

#include <string.h>

#include "adapters/html_read.h"
#include "adapters/mail_fields.h"

static void check_fields(struct cw_slice text, const struct cw_mail_form *form)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_mail_fields found;
    size_t values = 0;
    unsigned order = 0;
    cw_arena_init(&arena, 64 * 1024 * 1024);
    MUST(cw_mail_fields_read(text, form, &arena, &found, &err));
    for (size_t i = 0; i < found.count; i++) {
        const struct cw_mail_field *field = &found.fields[i];
        MUST(field->order >= order && field->order <= order + 1);
        MUST(field->index >= -1);
        order = field->order;
        values += field->value.len;
    }
    MUST(values + found.rest.len <= text.len);
    cw_arena_fini(&arena);
}

static void check_html(struct cw_slice text)
{
    struct cw_error err = { 0 };
    struct cw_arena arena;
    struct cw_html html;
    cw_arena_init(&arena, 256 * 1024 * 1024);
    MUST(cw_html_read(text, &arena, &html, &err));
    for (size_t t = 0; t < html.count; t++)
        for (size_t r = 0; r < html.tables[t].count; r++)
            for (size_t c = 0; c < html.tables[t].rows[r].count; c++)
                MUST(html.tables[t].rows[r].cells[c].colspan >= 1);
    cw_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cw_slice names[] = {
        { "order_number", 12 }, { "sku", 3 }, { "item[][sku]", 11 }, { "comments", 8 }
    };
    const struct cw_mail_form known = { .names = names,
                                        .name_count = 4,
                                        .texts = &names[3],
                                        .text_count = 1,
                                        .firsts = names, .first_count = 1,
                                        .separator = { "==", 2 } };
    const struct cw_mail_form any = { .name_count = 0 };
    struct cw_slice text = { (const char *)data, size };
    check_fields(text, &known);
    check_fields(text, &any);
    check_html(text);
    return 0;
}
