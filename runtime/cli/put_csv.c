/* put_csv.c - see put_csv.h. Rows are pulled one by one, so that a file of any length is a page of documents
 * at a time. */
#include "cli/put_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "adapters/csv.h"
#include "cli/cli.h"
#include "mapping/edit.h"

enum { READ_STEP = 64 * 1024 };

/* Where the values of a column go. */
struct column {
    char *name;       /* as the header has it */
    bool is_id;       /* the document's own */
    int list;         /* field of the list; -1 = of the document */
    const char *rest; /* in `name`: the field of the member */
};

struct row {
    struct cw_buffer text;
    GArray *ends; /* size_t */
    uint64_t line;
    bool is_there;
};

struct cw_put_csv {
    const struct cw_kind *kind;
    const struct cw_zone *zone;
    char *name;
    struct cw_buffer bytes;
    size_t at;
    struct cw_csv_reader *reader;
    bool has_ended;
    struct column *columns;
    size_t column_count;
    bool has_lists;
    struct row ahead, first; /* the row that comes next; the first one of the document in hand */
    struct cw_document *docs[CW_OFFICE_PAGE]; /* of the page in hand */
    size_t count;
    uint64_t lines[CW_OFFICE_PAGE];
    bool is_faulty; /* the document in hand, which is left out */
    uint64_t rows;
    size_t faults;
};

/* --- faults --- */

static bool tell(struct cw_put_csv *csv, uint64_t line, const char *column, const char *text)
{
    char *shown = cw_cli_harmless(cw_slice(text), "");
    csv->faults++;
    if (csv->faults <= CW_PUT_FAULTS_MAX)
        fprintf(stderr, "%s:%" PRIu64 ": %s%s%s%s\n", csv->name, line, column != NULL ? "column " : "",
                column != NULL ? column : "", column != NULL ? ": " : "", shown);
    g_free(shown);
    return csv->faults < CW_PUT_FAULTS_MAX;
}

size_t cw_put_csv_faults(const struct cw_put_csv *csv)
{
    return csv->faults;
}

bool cw_put_csv_fault(void *arg, const struct cw_document *doc, const struct cw_error *err)
{
    struct cw_put_csv *csv = arg;
    uint64_t line = 0;
    for (size_t i = 0; i < csv->count; i++)
        if (csv->docs[i] == doc)
            line = csv->lines[i];
    return tell(csv, line, NULL, err->text);
}

static bool fail_all(const struct cw_put_csv *csv, struct cw_error *err)
{
    return cw_fail(err, CW_INVALID, "%s: %zu %s wrong%s; nothing was put", csv->name, csv->faults,
                   csv->faults == 1 ? "thing is" : "things are",
                   csv->faults >= CW_PUT_FAULTS_MAX ? " up to here" : "");
}

/* --- the header --- */

static bool fail_header(const struct cw_put_csv *csv, uint64_t line, struct cw_error *err, const char *fmt,
                        ...) __attribute__((format(printf, 4, 5)));
static bool fail_header(const struct cw_put_csv *csv, uint64_t line, struct cw_error *err, const char *fmt,
                        ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    cw_fail(err, CW_INVALID, "%s:%" PRIu64 ": %s", csv->name, line, text);
    g_free(text);
    return false;
}

static bool is_id_name(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "external_id") == 0;
}

/* "lines.sku": the list and the field of its members. */
static bool find_member(const struct cw_put_csv *csv, struct column *column, struct cw_error *err)
{
    const char *dot = strchr(column->name, '.');
    enum cw_type type;
    if (dot == NULL)
        return false;
    int list = cw_kind_field(csv->kind, (struct cw_slice){ column->name, (size_t)(dot - column->name) });
    if (list < 0 || csv->kind->fields[list].type != CW_LIST)
        return false;
    const struct cw_kind *kind = csv->kind->fields[list].kind;
    column->list = list;
    column->rest = strcmp(dot + 1, "id") == 0 && cw_kind_field(kind, cw_slice("external_id")) >= 0
                       ? "external_id"
                       : dot + 1;
    err->code = CW_OK;
    cw_kind_check_name(kind, cw_slice(column->rest), &type, err);
    return true;
}

static bool find_column(const struct cw_put_csv *csv, struct column *column, struct cw_error *err)
{
    enum cw_type type;
    column->list = -1;
    column->rest = column->name;
    column->is_id = is_id_name(column->name);
    if (column->is_id)
        return true;
    if (find_member(csv, column, err))
        return err->code == CW_OK;
    int at = cw_kind_field(csv->kind, cw_slice(column->name));
    if (at >= 0 && csv->kind->fields[at].type == CW_LIST)
        return cw_fail(err, CW_INVALID,
                       "%s is a list: its columns are such as %s.%s, with a row for each member",
                       column->name, column->name, csv->kind->fields[at].kind->fields[0].name);
    return cw_kind_check_name(csv->kind, cw_slice(column->name), &type, err);
}

static bool take_header(struct cw_put_csv *csv, const struct cw_csv_row *row, struct cw_error *err)
{
    csv->columns = g_new0(struct column, row->count);
    for (size_t i = 0; i < row->count; i++) {
        struct column *column = &csv->columns[csv->column_count++];
        struct cw_slice name = cw_slice_clip(cw_slice_trim(row->fields[i]), 200);
        struct cw_error why;
        column->name = g_strndup(name.data, name.len);
        for (size_t k = 0; k < i; k++)
            if (strcmp(csv->columns[k].name, column->name) == 0)
                return fail_header(csv, row->line, err, "column %s comes twice", column->name);
        if (!find_column(csv, column, &why))
            return fail_header(
                csv, row->line, err,
                "column \"%s\": %s; the first line names the columns, see: cartwright fields %s",
                column->name, why.text, csv->kind->name);
        csv->has_lists = csv->has_lists || column->list >= 0;
    }
    return true;
}

/* --- rows --- */

static void keep_row(struct row *kept, const struct cw_csv_row *row)
{
    cw_buffer_clear(&kept->text);
    g_array_set_size(kept->ends, 0);
    for (size_t i = 0; i < row->count; i++) {
        cw_buffer_add(&kept->text, row->fields[i].data, row->fields[i].len, NULL);
        g_array_append_val(kept->ends, kept->text.len);
    }
    kept->line = row->line;
    kept->is_there = true;
}

static struct cw_slice cell(const struct row *row, size_t column)
{
    size_t begin = column > 0 ? g_array_index(row->ends, size_t, column - 1) : 0;
    size_t end = g_array_index(row->ends, size_t, column);
    return (struct cw_slice){ row->text.data != NULL ? row->text.data + begin : "", end - begin };
}

static bool take_row(void *arg, const struct cw_csv_row *row, struct cw_error *err)
{
    struct cw_put_csv *csv = arg;
    if (csv->columns == NULL)
        return take_header(csv, row, err);
    csv->rows++;
    keep_row(&csv->ahead, row);
    return true;
}

/* A line's bytes hold at most one end of a row. */
static struct cw_slice next_line(struct cw_put_csv *csv)
{
    struct cw_slice left = { csv->bytes.data + csv->at, csv->bytes.len - csv->at };
    size_t len = 0;
    while (len < left.len && left.data[len] != '\n' && left.data[len] != '\r')
        len++;
    len += len < left.len;
    csv->at += len;
    return (struct cw_slice){ left.data, len };
}

/* Until a row is ahead, or the file has ended. */
static bool pull(struct cw_put_csv *csv, struct cw_error *err)
{
    while (!csv->ahead.is_there && !csv->has_ended) {
        csv->has_ended = csv->at == csv->bytes.len;
        if (csv->has_ended ? !cw_csv_reader_end(csv->reader, err)
                           : !cw_csv_reader_add(csv->reader, next_line(csv), err))
            return false;
    }
    return true;
}

/* --- documents --- */

static bool is_id_column(const struct cw_put_csv *csv, size_t i)
{
    const char *const *fields = cw_office_id_fields(csv->kind);
    for (; *fields != NULL; fields++)
        if (csv->columns[i].list < 0 && strcmp(csv->columns[i].name, *fields) == 0)
            return true;
    return csv->columns[i].is_id;
}

/* A row of the document in hand: what stands beside its lists is the same, or left out. */
static bool goes_on(const struct cw_put_csv *csv)
{
    if (!csv->has_lists || !csv->first.is_there)
        return false;
    for (size_t i = 0; i < csv->column_count; i++) {
        struct cw_slice text = cell(&csv->ahead, i);
        if (csv->columns[i].list >= 0 || text.len == 0)
            continue;
        if (is_id_column(csv, i) && !cw_slice_equal(text, cell(&csv->first, i)))
            return false;
    }
    return true;
}

static bool set(struct cw_put_csv *csv, struct cw_document *doc, const struct column *column,
                const char *name, struct cw_arena *arena)
{
    struct cw_error why;
    struct cw_slice text = cell(&csv->ahead, (size_t)(column - csv->columns));
    if (text.len == 0 || cw_document_set(doc, cw_slice(name), text, csv->zone, arena, &why))
        return true;
    csv->is_faulty = true;
    return tell(csv, csv->ahead.line, column->name, why.text);
}

static bool set_own(struct cw_put_csv *csv, struct cw_document *doc, struct cw_arena *arena)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        const struct column *column = &csv->columns[i];
        if (column->is_id)
            doc->external_id = cw_arena_copy(arena, cell(&csv->ahead, i));
        else if (column->list < 0 && !set(csv, doc, column, column->name, arena))
            return false;
    }
    return true;
}

/* What the first row said is not said otherwise. */
static bool check_same(struct cw_put_csv *csv)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        struct cw_slice text = cell(&csv->ahead, i), first = cell(&csv->first, i);
        char why[160];
        if (csv->columns[i].list >= 0 || text.len == 0 || cw_slice_equal(text, first))
            continue;
        snprintf(why, sizeof why, "is another value than in line %" PRIu64 ", where the same %s begins",
                 csv->first.line, csv->kind->name);
        csv->is_faulty = true;
        if (!tell(csv, csv->ahead.line, csv->columns[i].name, why))
            return false;
    }
    return true;
}

static void append(struct cw_value *list, struct cw_document *member)
{
    *list = list->is_set ? *list : (struct cw_value){ .is_set = true };
    if (list->list.last != NULL)
        list->list.last->next = member;
    else
        list->list.first = member;
    list->list.last = member;
    list->list.count++;
}

/* One member of each list that has a value in this row. */
static bool add_members(struct cw_put_csv *csv, struct cw_document *doc, struct cw_arena *arena)
{
    for (size_t list = 0; list < csv->kind->field_count; list++) {
        struct cw_document *member = NULL;
        for (size_t i = 0; i < csv->column_count; i++) {
            const struct column *column = &csv->columns[i];
            if (column->list != (int)list || cell(&csv->ahead, i).len == 0)
                continue;
            if (member == NULL) {
                member = cw_document_create(arena, csv->kind->fields[list].kind);
                if (member == NULL)
                    return false;
                append(&doc->values[list], member);
            }
            if (!set(csv, member, column, column->rest, arena))
                return false;
        }
    }
    return true;
}

/* The row that is ahead: of the document in hand, or of a new one. False: nothing more can be told. */
static bool take_ahead(struct cw_put_csv *csv, struct cw_arena *arena, bool is_more)
{
    struct cw_document *doc = is_more ? csv->docs[csv->count - 1] : cw_document_create(arena, csv->kind);
    if (doc == NULL)
        return false;
    if (is_more) {
        if (!check_same(csv))
            return false;
    } else {
        csv->docs[csv->count] = doc;
        csv->lines[csv->count++] = csv->ahead.line;
        if (!set_own(csv, doc, arena))
            return false;
    }
    bool ok = add_members(csv, doc, arena);
    if (!is_more) {
        struct row first = csv->first;
        csv->first = csv->ahead;
        csv->ahead = first;
    }
    csv->ahead.is_there = false;
    return ok;
}

/* --- the source --- */

static bool rewind_csv(void *arg, struct cw_error *err)
{
    struct cw_put_csv *csv = arg;
    cw_csv_reader_free(csv->reader);
    csv->reader = cw_csv_reader_create(csv->name, 0, take_row, csv, err);
    for (size_t i = 0; i < csv->column_count; i++)
        g_free(csv->columns[i].name);
    g_clear_pointer(&csv->columns, g_free);
    csv->column_count = csv->at = csv->count = 0;
    csv->rows = 0;
    csv->has_ended = csv->has_lists = csv->ahead.is_there = csv->first.is_there = false;
    return csv->reader != NULL;
}

/* No more rows come for the document in hand. */
static void finish_document(struct cw_put_csv *csv)
{
    csv->count -= csv->is_faulty;
    csv->is_faulty = false;
}

static bool next(void *arg, struct cw_arena *arena, struct cw_document **docs, size_t max, size_t *count,
                 struct cw_error *err)
{
    struct cw_put_csv *csv = arg;
    csv->count = 0;
    csv->first.is_there = false;
    for (;;) {
        if (!pull(csv, err))
            return false;
        bool is_more = csv->ahead.is_there && goes_on(csv);
        if (!is_more)
            finish_document(csv);
        if (!csv->ahead.is_there || (!is_more && csv->count == MIN(max, CW_OFFICE_PAGE)))
            break;
        if (!take_ahead(csv, arena, is_more))
            return csv->faults > 0 ? fail_all(csv, err) : cw_fail(err, CW_NOMEM, "no memory for documents");
    }
    *count = csv->count;
    memcpy(docs, csv->docs, csv->count * sizeof *docs);
    return true;
}

static bool end_csv(void *arg, struct cw_error *err)
{
    struct cw_put_csv *csv = arg;
    if (csv->faults > 0)
        return fail_all(csv, err);
    return csv->rows > 0 ||
           cw_fail(
               err, CW_INVALID,
               "%s has no rows: nothing was put, since a list that came empty is more likely to be broken "
               "than true",
               csv->name);
}

struct cw_office_source cw_put_csv_source(struct cw_put_csv *csv)
{
    return (struct cw_office_source){ .arg = csv, .rewind = rewind_csv, .next = next, .end = end_csv };
}

/* --- life --- */

static bool read_all(struct cw_put_csv *csv, FILE *in, struct cw_error *err)
{
    csv->bytes.limit = CW_PUT_FILE_MAX;
    for (;;) {
        char *room = cw_buffer_reserve(&csv->bytes, READ_STEP, err);
        if (room == NULL)
            return err->code == CW_LIMIT
                       ? cw_fail(err, CW_LIMIT,
                                 "%s is longer than %d MiB; split it, with the header line in each part",
                                 csv->name, CW_PUT_FILE_MAX / 1024 / 1024)
                       : false;
        size_t len = fread(room, 1, READ_STEP, in);
        csv->bytes.len += len;
        if (len == 0)
            return !ferror(in) || cw_fail(err, CW_IO, "%s: %s", csv->name, strerror(errno));
    }
}

struct cw_put_csv *cw_put_csv_open(const struct cw_kind *kind, const char *path, const struct cw_zone *zone,
                                   struct cw_error *err)
{
    bool is_standard = strcmp(path, "-") == 0;
    FILE *in = is_standard ? stdin : fopen(path, "rbe");
    if (in == NULL) {
        cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct cw_put_csv *csv = g_new0(struct cw_put_csv, 1);
    *csv = (struct cw_put_csv){ .kind = kind, .zone = zone };
    csv->name = g_strdup(is_standard ? "standard input" : path);
    csv->ahead.ends = g_array_new(FALSE, FALSE, sizeof(size_t));
    csv->first.ends = g_array_new(FALSE, FALSE, sizeof(size_t));
    bool ok = read_all(csv, in, err) && rewind_csv(csv, err);
    if (!is_standard)
        fclose(in);
    if (ok)
        return csv;
    cw_put_csv_close(csv);
    return NULL;
}

void cw_put_csv_close(struct cw_put_csv *csv)
{
    if (csv == NULL)
        return;
    for (size_t i = 0; i < csv->column_count; i++)
        g_free(csv->columns[i].name);
    g_free(csv->columns);
    cw_csv_reader_free(csv->reader);
    cw_buffer_fini(&csv->bytes);
    cw_buffer_fini(&csv->ahead.text);
    cw_buffer_fini(&csv->first.text);
    g_array_unref(csv->ahead.ends);
    g_array_unref(csv->first.ends);
    g_free(csv->name);
    g_free(csv);
}
