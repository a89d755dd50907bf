/* table_csv.c - see table_csv.h. */
#include "cli/table_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/csv.h"

enum { CART, TABLE, KEY, VALUE, NOTHING, COLUMNS, READ_STEP = 64 * 1024 };
static const char *const columns[] = { "cart", "table", "key", "value", "nothing" };

/* --- export --- */

static bool print_rows(const GPtrArray *rows, const char *cart, struct cw_buffer *out, struct cw_error *err)
{
    struct cw_slice fields[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        fields[i] = cw_slice(columns[i]);
    bool ok = cw_csv_write_row(out, NULL, fields, COLUMNS, err);
    for (guint i = 0; i < rows->len && ok; i++) {
        const struct cw_cli_row *row = g_ptr_array_index(rows, i);
        if (row->key == NULL)
            continue;
        fields[CART] = cw_slice(row->cart != NULL ? row->cart : cart);
        fields[TABLE] = cw_slice(row->table);
        fields[KEY] = cw_slice(row->key);
        fields[VALUE] = cw_slice(row->value != NULL ? row->value : "");
        fields[NOTHING] = cw_slice(row->value != NULL ? "" : "yes");
        ok = cw_csv_write_row(out, NULL, fields, COLUMNS, err) ||
             cw_fail_in(err, "table %s, key \"%s\"", row->table, row->key);
    }
    return ok;
}

static bool is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

bool cw_cli_export_rows(const GPtrArray *rows, const char *cart, const char *path, struct cw_error *err)
{
    struct cw_buffer out = { 0 };
    GError *error = NULL;
    bool ok = print_rows(rows, cart, &out, err);
    if (ok && is_standard(path)) {
        fwrite(out.data, 1, out.len, stdout);
    } else if (ok && !g_file_set_contents(path, out.data, (gssize)out.len, &error)) {
        ok = cw_fail(err, CW_IO, "%s", error->message);
        g_error_free(error);
    }
    cw_buffer_fini(&out);
    return ok;
}

/* --- import --- */

struct importing {
    const char *cart, *name;
    int place[COLUMNS]; /* of each column in the file; -1 = not there */
    bool has_header;
    GPtrArray *changes;
    GHashTable *lines; /* "cart table key" -> where it stands first */
};

static bool fail_row(const struct importing *importing, const struct cw_csv_row *row, struct cw_error *err,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool fail_row(const struct importing *importing, const struct cw_csv_row *row, struct cw_error *err,
                     const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    cw_fail(err, CW_INVALID, "%s:%" PRIu64 ": %s", importing->name, row->line, text);
    g_free(text);
    return false;
}

static bool take_column(struct importing *importing, const struct cw_csv_row *row, size_t i,
                        struct cw_error *err)
{
    for (size_t k = 0; k < COLUMNS; k++) {
        if (!cw_slice_is(row->fields[i], columns[k]))
            continue;
        if (importing->place[k] >= 0)
            return fail_row(importing, row, err, "column %s comes twice", columns[k]);
        importing->place[k] = (int)i;
        return true;
    }
    struct cw_slice name = cw_slice_clip(row->fields[i], 60);
    return fail_row(
        importing, row, err,
        "\"%.*s\" is no column of translation rows; these are cart, table, key, value and nothing",
        CW_SLICE_ARG(name));
}

static bool take_header(struct importing *importing, const struct cw_csv_row *row, struct cw_error *err)
{
    importing->has_header = true;
    for (size_t i = 0; i < row->count; i++)
        if (!take_column(importing, row, i, err))
            return false;
    for (size_t k = TABLE; k <= VALUE; k++)
        if (importing->place[k] < 0)
            return fail_row(importing, row, err, "column %s is missing; the first line names the columns",
                            columns[k]);
    return true;
}

static struct cw_slice field(const struct importing *importing, const struct cw_csv_row *row, int column)
{
    int place = importing->place[column];
    return place >= 0 ? row->fields[place] : (struct cw_slice){ "", 0 };
}

static bool read_nothing(const struct importing *importing, const struct cw_csv_row *row, bool *nothing,
                         struct cw_error *err)
{
    static const char *const yes[] = { "yes", "true", "1" }, *const no[] = { "", "no", "false", "0" };
    struct cw_slice text = field(importing, row, NOTHING), value = field(importing, row, VALUE);
    bool known = false;
    *nothing = false;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        *nothing = *nothing || cw_slice_is(text, yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        known = known || cw_slice_is(text, no[i]);
    text = cw_slice_clip(text, 60);
    if (!*nothing && !known)
        return fail_row(importing, row, err, "nothing is yes or empty, not \"%.*s\"", CW_SLICE_ARG(text));
    if (*nothing && value.len > 0)
        return fail_row(importing, row, err, "a row has a value, or yes in the column nothing, but not both");
    if (!*nothing && value.len == 0)
        return fail_row(importing, row, err,
                        "value is empty; a row that translates to no value has yes in the column nothing");
    return true;
}

static bool check_twice(struct importing *importing, const struct cw_csv_row *row,
                        struct cw_cli_change *change, struct cw_error *err)
{
    char *key = g_strjoin("\x1f", change->cart, change->table, change->key, NULL);
    const char *first = g_hash_table_lookup(importing->lines, key);
    if (first != NULL) {
        fail_row(importing, row, err, "table %s has the key \"%s\" already at %s", change->table, change->key,
                 first);
        g_free(key);
        return false;
    }
    g_hash_table_insert(importing->lines, key, change->where);
    return true;
}

static bool check_cart(const struct importing *importing, const struct cw_csv_row *row, struct cw_slice cart,
                       struct cw_error *err)
{
    struct cw_slice shown = cw_slice_clip(cart, 60);
    return cart.len == 0 || cw_slice_is(cart, importing->cart) ||
           fail_row(importing, row, err, "a row of cart \"%.*s\" in a file for cart %s", CW_SLICE_ARG(shown),
                    importing->cart);
}

static bool take_change(struct importing *importing, const struct cw_csv_row *row, struct cw_error *err)
{
    struct cw_slice cart = field(importing, row, CART), table = field(importing, row, TABLE),
                    key = field(importing, row, KEY), value = field(importing, row, VALUE);
    bool nothing;
    if (!check_cart(importing, row, cart, err) || !read_nothing(importing, row, &nothing, err))
        return false;
    if (table.len == 0 || key.len == 0)
        return fail_row(importing, row, err, "%s is empty", table.len == 0 ? "table" : "key");
    struct cw_cli_change *change = g_new0(struct cw_cli_change, 1);
    change->cart = importing->place[CART] < 0 ? g_strdup(importing->cart) : g_strndup(cart.data, cart.len);
    change->table = g_strndup(table.data, table.len);
    change->key = g_strndup(key.data, key.len);
    change->value = nothing ? NULL : g_strndup(value.data, value.len);
    change->where = g_strdup_printf("%s:%" PRIu64, importing->name, row->line);
    g_ptr_array_add(importing->changes, change);
    return check_twice(importing, row, change, err);
}

static bool take_row(void *arg, const struct cw_csv_row *row, struct cw_error *err)
{
    struct importing *importing = arg;
    return importing->has_header ? take_change(importing, row, err) : take_header(importing, row, err);
}

static bool read_file(FILE *in, const char *name, struct cw_csv_reader *reader, struct cw_error *err)
{
    char *step = g_malloc(READ_STEP);
    bool ok = true;
    while (ok) {
        size_t len = fread(step, 1, READ_STEP, in);
        if (len == 0)
            break;
        ok = cw_csv_reader_add(reader, (struct cw_slice){ step, len }, err);
    }
    g_free(step);
    if (ok && ferror(in))
        ok = cw_fail(err, CW_IO, "%s: %s", name, strerror(errno));
    return ok && cw_csv_reader_end(reader, err);
}

GPtrArray *cw_cli_import_rows(const char *cart, const char *path, struct cw_error *err)
{
    struct importing importing = { .cart = cart, .name = is_standard(path) ? "standard input" : path };
    FILE *in = is_standard(path) ? stdin : fopen(path, "rbe");
    if (in == NULL) {
        cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < COLUMNS; i++)
        importing.place[i] = -1;
    importing.changes = g_ptr_array_new_with_free_func(cw_cli_change_free);
    importing.lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct cw_csv_reader *reader = cw_csv_reader_create(importing.name, 0, take_row, &importing, err);
    bool ok = reader != NULL && read_file(in, importing.name, reader, err);
    cw_csv_reader_free(reader);
    g_hash_table_unref(importing.lines);
    if (in != stdin)
        fclose(in);
    if (!ok)
        g_clear_pointer(&importing.changes, g_ptr_array_unref);
    return importing.changes;
}
