/* rows.c - see rows.h. A table is gathered whole, so that its columns can be as wide as they need. */
#include "cli/rows.h"

#include "base/time.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 128, CELL_WIDTH_MAX = 60 };

struct rows {
    struct cw_cli *cli;
    GPtrArray *cells; /* allocated texts, row by row; the names first */
    size_t columns, count;
    struct cw_zone *zone; /* of the site */
    struct cw_error err;
    bool failed;
};

static bool ends_with(struct cw_slice name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && memcmp(name.data + name.len - len, end, len) == 0;
}

/* A stored time as a clock on the wall of the site shows it. */
static char *local_time(const struct rows *rows, struct cw_slice text)
{
    cw_time time;
    char shown[CW_TIME_TEXT_MAX];
    if (rows->zone == NULL || !cw_time_parse(text, NULL, &time, NULL) ||
        cw_time_format(time, rows->zone, "%Y-%m-%d %H:%M:%S", shown, sizeof shown, NULL) == 0)
        return g_strndup(text.data, text.len);
    return g_strdup(shown);
}

/* From "BEGIN END", as SQL gives them: it has no common way to subtract. */
static char *seconds_between(struct cw_slice value, bool exactly)
{
    cw_time begin, end;
    const char *blank = memchr(value.data, ' ', value.len);
    if (blank == NULL)
        return g_strndup(value.data, value.len);
    struct cw_slice first = { value.data, (size_t)(blank - value.data) };
    struct cw_slice second = { blank + 1, value.len - first.len - 1 };
    if (!cw_time_parse(first, NULL, &begin, NULL) || !cw_time_parse(second, NULL, &end, NULL))
        return g_strndup(value.data, value.len);
    return g_strdup_printf("%.*f", exactly ? 3 : 1, (double)(end - begin) / (double)CW_SECOND);
}

static char *seconds_of(struct cw_slice micros)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", CW_SLICE_ARG(cw_slice_clip(micros, 20)));
    return g_strdup_printf("%.3f s", g_ascii_strtod(text, NULL) / (double)CW_SECOND);
}

static char *take_cell(const struct rows *rows, struct cw_slice name, struct cw_slice value)
{
    static const char *const flags[] = { "tax_included", "active", "guest",    "archived", "taxable",
                                         "contested",    "closed", "released", "confirmed" };
    if (value.data == NULL)
        return NULL;
    if (rows->cli->names_office && value.len == 0 && cw_slice_is(name, "cart"))
        return g_strdup("office");
    if (cw_slice_is(name, "seconds"))
        return seconds_between(value, rows->cli->json);
    if (rows->cli->json)
        return g_strndup(value.data, value.len);
    if (ends_with(name, "_us"))
        return seconds_of(value);
    if (ends_with(name, "_at") || ends_with(name, "_until") || ends_with(name, "valid_from"))
        return local_time(rows, value);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (cw_slice_is(name, flags[i]))
            return g_strdup(cw_slice_is(value, "1") ? "yes" : "no");
    return g_strndup(value.data, value.len);
}

static bool take_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct rows *rows = arg;
    rows->columns = columns;
    for (size_t i = 0; rows->count == 0 && i < columns; i++)
        g_ptr_array_add(rows->cells, g_strndup(names[i].data, names[i].len));
    for (size_t i = 0; i < columns; i++)
        g_ptr_array_add(rows->cells, take_cell(rows, names[i], row[i]));
    rows->count++;
    return true;
}

static void done(void *arg, const struct cw_error *err)
{
    struct rows *rows = arg;
    rows->failed = err != NULL;
    if (err != NULL)
        rows->err = *err;
}

static const char *cell(const struct rows *rows, size_t row, size_t column)
{
    return g_ptr_array_index(rows->cells, row * rows->columns + column);
}

static size_t width(const char *text)
{
    if (text == NULL)
        return 0;
    return g_utf8_validate(text, -1, NULL) ? (size_t)g_utf8_strlen(text, -1) : strlen(text);
}

/* What a terminal shows of a cell: one line, cut to `most` characters. */
static char *shown(const char *text, size_t most)
{
    char *made = cw_cli_harmless(cw_slice(text), "");
    if (width(made) > most) {
        char *cut = g_utf8_substring(made, 0, (glong)most - 3);
        g_free(made);
        made = g_strconcat(cut, "...", NULL);
        g_free(cut);
    }
    return made;
}

static void print_line(const struct rows *rows, size_t row, const size_t *widths)
{
    for (size_t i = 0; i < rows->columns; i++) {
        bool is_last = i + 1 == rows->columns; /* mostly a message: shown whole */
        char *text = shown(cell(rows, row, i), is_last ? SIZE_MAX : CELL_WIDTH_MAX);
        size_t pad = is_last ? 0 : widths[i] - width(text) + 2;
        printf("%s%*s", text, (int)pad, "");
        g_free(text);
    }
    putchar('\n');
}

static void print_table(const struct rows *rows)
{
    size_t widths[COLUMNS_MAX] = { 0 };
    for (size_t row = 0; row <= rows->count; row++)
        for (size_t i = 0; i < rows->columns; i++) {
            char *text = shown(cell(rows, row, i), CELL_WIDTH_MAX);
            if (width(text) > widths[i])
                widths[i] = width(text);
            g_free(text);
        }
    fputs(cw_cli_bold(), stdout);
    print_line(rows, 0, widths);
    fputs(cw_cli_plain(), stdout);
    for (size_t row = 1; row <= rows->count; row++)
        print_line(rows, row, widths);
}

static void print_json(const struct rows *rows)
{
    for (size_t row = 1; row <= rows->count; row++) {
        for (size_t i = 0; i < rows->columns; i++) {
            const char *value = cell(rows, row, i);
            putchar(i == 0 ? '{' : ',');
            cw_cli_json_text(cw_slice(cell(rows, 0, i)));
            putchar(':');
            if (value == NULL)
                fputs("null", stdout);
            else
                cw_cli_json_text(cw_slice(value));
        }
        puts("}");
    }
}

static void print_record(const struct rows *rows)
{
    int widest = 0;
    for (size_t i = 0; i < rows->columns; i++)
        if (cell(rows, 1, i) != NULL)
            widest = MAX(widest, (int)width(cell(rows, 0, i)));
    for (size_t i = 0; i < rows->columns; i++) {
        if (cell(rows, 1, i) == NULL)
            continue;
        char *text = cw_cli_harmless(cw_slice(cell(rows, 1, i)), "\t\n"); /* a raw record has lines */
        printf("%s%-*s%s  %s\n", cw_cli_bold(), widest, cell(rows, 0, i), cw_cli_plain(), text);
        g_free(text);
    }
}

static bool query(struct rows *rows, const char *sql, const struct cw_slice *params, size_t count)
{
    rows->cells = g_ptr_array_new_with_free_func(g_free);
    rows->zone = cw_zone_open(rows->cli->site->config.zone, NULL);
    cw_store_query(rows->cli->store, sql, params, count, take_row, done, rows);
    cw_store_wait(rows->cli->store);
    cw_zone_free(rows->zone);
    rows->cli->rows = rows->count;
    return !rows->failed;
}

struct cell {
    char *out;
    size_t cap;
    bool failed;
    struct cw_error *err;
};

static bool take_first(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    const struct cell *cell = arg;
    (void)names;
    if (columns > 0)
        snprintf(cell->out, cell->cap, "%.*s", CW_SLICE_ARG(row[0]));
    return false;
}

static void asked(void *arg, const struct cw_error *err)
{
    struct cell *cell = arg;
    cell->failed = err != NULL;
    if (err != NULL && cell->err != NULL)
        *cell->err = *err;
}

bool cw_cli_ask(const struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                char *out, size_t cap, struct cw_error *err)
{
    struct cell cell = { .out = out, .cap = cap, .err = err };
    out[0] = '\0';
    cw_store_query(cli->store, sql, params, count, take_first, asked, &cell);
    cw_store_wait(cli->store);
    return !cell.failed;
}

int cw_cli_print_section(struct cw_cli *cli, const char *title, const char *sql,
                         const struct cw_slice *params, size_t count)
{
    struct rows rows = { .cli = cli };
    int code = 0;
    if (!query(&rows, sql, params, count)) {
        code = cw_cli_fail(cli, &rows.err);
    } else if (cli->json) {
        print_json(&rows);
    } else if (rows.count > 0) {
        printf("\n%s%s%s\n", cw_cli_bold(), title, cw_cli_plain());
        print_table(&rows);
    }
    g_ptr_array_unref(rows.cells);
    return code;
}

static void print_all(const struct rows *rows, const char *empty)
{
    if (rows->cli->json)
        print_json(rows);
    else if (rows->count == 0)
        puts(empty);
    else
        print_table(rows);
}

int cw_cli_print_rows(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                      const char *empty)
{
    struct rows rows = { .cli = cli };
    int code = 0;
    if (!query(&rows, sql, params, count))
        code = cw_cli_fail(cli, &rows.err);
    else
        print_all(&rows, empty);
    g_ptr_array_unref(rows.cells);
    return code;
}

int cw_cli_print_cells(struct cw_cli *cli, const char *const *names, size_t columns, const GPtrArray *cells,
                       const char *empty)
{
    struct rows rows = { .cli = cli,
                         .cells = g_ptr_array_new_with_free_func(g_free),
                         .zone = cw_zone_open(cli->site->config.zone, NULL) };
    struct cw_slice titles[COLUMNS_MAX], row[COLUMNS_MAX];
    for (size_t i = 0; i < columns; i++)
        titles[i] = cw_slice(names[i]);
    for (size_t at = 0; at + columns <= cells->len; at += columns) {
        for (size_t i = 0; i < columns; i++)
            row[i] = cw_slice(g_ptr_array_index(cells, at + i));
        take_row(&rows, columns, titles, row);
    }
    print_all(&rows, empty);
    cli->rows = rows.count;
    cw_zone_free(rows.zone);
    g_ptr_array_unref(rows.cells);
    return 0;
}

int cw_cli_print_record(struct cw_cli *cli, const char *sql, const struct cw_slice *params, size_t count,
                        bool *found)
{
    struct rows rows = { .cli = cli };
    int code = 0;
    *found = false;
    if (!query(&rows, sql, params, count))
        code = cw_cli_fail(cli, &rows.err);
    else if (rows.count > 0 && cli->json)
        print_json(&rows);
    else if (rows.count > 0)
        print_record(&rows);
    *found = rows.count > 0;
    g_ptr_array_unref(rows.cells);
    return code;
}
