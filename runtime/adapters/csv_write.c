/* csv_write.c - the writing half of csv.h. */
#include "adapters/csv.h"

#include <csv.h>

#include "adapters/utf8.h"
#include "base/decimal.h"

static bool check_text(struct cw_slice field, size_t number, struct cw_error *err)
{
    const char *p = field.data, *end = cw_slice_end(field);
    while (p < end) {
        uint32_t point;
        unsigned width = cw_utf8_read(p, end, &point);
        if (width == 0 || point == 0)
            return cw_fail(err, CW_INVALID, "byte 0x%02x of field %zu, which no CSV file in UTF-8 can hold",
                           (unsigned char)*p, number);
        p += width;
    }
    return true;
}

static bool is_formula(struct cw_slice field)
{
    struct cw_decimal number;
    return field.len > 0 && memchr("=+-@\t\r", field.data[0], 6) != NULL &&
           !cw_decimal_parse(field, &number, NULL);
}

/* Any of the delimiters, so that a reader that looks for the file's own finds it; blanks at the ends, which
 * some readers drop; what would be a byte-order mark at the beginning. */
static bool needs_quotes(struct cw_slice field)
{
    if (field.len == 0)
        return false;
    for (size_t i = 0; i < field.len; i++)
        if (memchr("\",;\t\r\n", field.data[i], 6) != NULL)
            return true;
    return field.data[0] == ' ' || field.data[field.len - 1] == ' ' || (unsigned char)field.data[0] == 0xEF;
}

static bool add_quoted(struct cw_buffer *out, struct cw_slice field, struct cw_error *err)
{
    size_t most = field.len * 2 + 2;
    char *place = cw_buffer_reserve(out, most, err);
    if (place == NULL)
        return false;
    out->len += csv_write(place, most, field.data, field.len);
    out->data[out->len] = '\0';
    return true;
}

static bool add_field(struct cw_buffer *out, const struct cw_csv_style *style, struct cw_slice field,
                      struct cw_error *err)
{
    struct cw_buffer guarded = { 0 };
    bool ok = true;
    if (style->guard_formulas && is_formula(field)) {
        ok = cw_buffer_add(&guarded, "'", 1, err) && cw_buffer_add(&guarded, field.data, field.len, err);
        field = cw_buffer_slice(&guarded);
    }
    ok = ok &&
         (needs_quotes(field) ? add_quoted(out, field, err) : cw_buffer_add(out, field.data, field.len, err));
    cw_buffer_fini(&guarded);
    return ok;
}

static bool add_row(struct cw_buffer *out, const struct cw_csv_style *style, const struct cw_slice *fields,
                    size_t count, struct cw_error *err)
{
    char delimiter = style->delimiter != 0 ? style->delimiter : ',';
    if (count == 1 && fields[0].len == 0) /* an empty line would be no row */
        return cw_buffer_add(out, "\"\"", 2, err);
    for (size_t i = 0; i < count; i++)
        if (!check_text(fields[i], i + 1, err) || (i > 0 && !cw_buffer_add(out, &delimiter, 1, err)) ||
            !add_field(out, style, fields[i], err))
            return false;
    return true;
}

bool cw_csv_write_row(struct cw_buffer *out, const struct cw_csv_style *style, const struct cw_slice *fields,
                      size_t count, struct cw_error *err)
{
    static const struct cw_csv_style usual = { 0 };
    size_t before = out->len;
    if (style == NULL)
        style = &usual;
    if (add_row(out, style, fields, count, err) &&
        cw_buffer_add(out, style->crlf ? "\r\n" : "\n", style->crlf ? 2 : 1, err))
        return true;
    out->len = before;
    if (out->data != NULL)
        out->data[before] = '\0';
    return false;
}
