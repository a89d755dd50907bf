/* csv_fuzz.c - CSV files, the first byte saying how they are read: the same in whatever pieces they come, and
 * rows that were read can be written and read again. */
#include <stdint.h>
#include <string.h>

#include "adapters/csv.h"
#include "fuzz.h"

struct reading {
    struct cw_buffer told;    /* every row, with the lengths of its fields */
    struct cw_buffer written; /* the same rows, as CSV */
    struct cw_csv_style style;
    uint64_t line;
    size_t columns;
};

static bool take_row(void *arg, const struct cw_csv_row *row, struct cw_error *err)
{
    struct reading *reading = arg;
    MUST(row->line > reading->line);
    MUST(row->count > 0 && (reading->columns == 0 || row->count == reading->columns));
    reading->line = row->line;
    reading->columns = row->count;
    for (size_t i = 0; i < row->count; i++) {
        MUST(row->fields[i].len <= CW_CSV_FIELD_MAX);
        MUST(cw_buffer_print(&reading->told, err, "%zu:", row->fields[i].len));
        MUST(cw_buffer_add(&reading->told, row->fields[i].data, row->fields[i].len, err));
    }
    MUST(cw_buffer_add(&reading->told, "\n", 1, err));
    MUST(cw_csv_write_row(&reading->written, &reading->style, row->fields, row->count, err));
    return true;
}

static struct cw_error read_in_steps(struct cw_slice text, char delimiter, size_t step,
                                     struct reading *reading)
{
    struct cw_error err = { 0 };
    struct cw_csv_reader *reader = cw_csv_reader_create("f", delimiter, take_row, reading, &err);
    MUST(reader != NULL);
    bool ok = true;
    for (size_t at = 0; ok && at < text.len; at += step) {
        struct cw_slice piece = { text.data + at, text.len - at < step ? text.len - at : step };
        ok = cw_csv_reader_add(reader, piece, &err);
    }
    bool ended = cw_csv_reader_end(reader, &err);
    MUST(ok || !ended);
    MUST(ended == (err.code == CW_OK));
    cw_csv_reader_free(reader);
    return err;
}

static void forget(struct reading *reading)
{
    cw_buffer_fini(&reading->told);
    cw_buffer_fini(&reading->written);
}

static void check_same(const struct reading *a, const struct reading *b)
{
    MUST(cw_slice_equal(cw_buffer_slice(&a->told), cw_buffer_slice(&b->told)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = { 0, ',', ';', '\t' };
    if (size == 0)
        return 0;
    struct cw_slice text = { (const char *)data + 1, size - 1 };
    char delimiter = delimiters[data[0] % 4];
    struct reading whole = { .style = { .delimiter = ",;\t"[data[0] / 4 % 3], .crlf = data[0] & 0x80 } };
    struct cw_error err = read_in_steps(text, delimiter, SIZE_MAX - text.len, &whole);
    for (size_t step = 1; step < 8; step += 2) {
        struct reading cut = { .style = whole.style };
        struct cw_error again = read_in_steps(text, delimiter, step, &cut);
        MUST(again.code == err.code && strcmp(again.text, err.text) == 0);
        check_same(&whole, &cut);
        forget(&cut);
    }
    if (whole.columns > 0) {
        struct reading again = { .style = whole.style };
        MUST(read_in_steps(cw_buffer_slice(&whole.written), 0, 4096, &again).code == CW_OK);
        check_same(&whole, &again);
        forget(&again);
    }
    forget(&whole);
    return 0;
}
