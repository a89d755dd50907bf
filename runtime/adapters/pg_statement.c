/* pg_statement.c - how one statement and its values go to libpq: prepared once, values in binary. */
#include "adapters/pg_link.h"

#include <glib.h>
#include <stdlib.h>

/* Types as PostgreSQL numbers them; they never change. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

/* --- values --- */

struct values {
    const char *data[CW_PG_BINDS_MAX];
    int lengths[CW_PG_BINDS_MAX], formats[CW_PG_BINDS_MAX];
    Oid types[CW_PG_BINDS_MAX];
    char made[CW_PG_BINDS_MAX][CW_STORE_TIME_LEN + 1]; /* numbers and times */
    char *mended[2 * CW_PG_BINDS_MAX];                 /* texts that could not stay as they were */
    size_t mended_count;
};

static void set_value(struct values *v, size_t i, Oid type, const char *data, size_t len)
{
    v->types[i] = type;
    v->data[i] = data != NULL ? data : ""; /* NULL is the value NULL */
    v->lengths[i] = (int)len;
    v->formats[i] = 1;
}

static void set_integer(struct values *v, size_t i, int64_t integer)
{
    uint64_t big = GUINT64_TO_BE((uint64_t)integer);
    memcpy(v->made[i], &big, sizeof big);
    set_value(v, i, OID_INT8, v->made[i], sizeof big);
}

static void set_time(struct values *v, size_t i, cw_time time)
{
    cw_store_time_text(time, v->made[i]);
    set_value(v, i, OID_TEXT, v->made[i], strlen(v->made[i]));
}

static bool is_valid_text(struct cw_slice text)
{
    return text.len == 0 || g_utf8_validate(text.data, (gssize)text.len, NULL); /* a NUL is not */
}

static void set_text(struct values *v, size_t i, struct cw_slice text)
{
    if (!is_valid_text(text)) {
        char *mended = g_utf8_make_valid(text.data, (gssize)text.len);
        v->mended[v->mended_count++] = mended;
        text = cw_slice(mended);
    }
    set_value(v, i, OID_TEXT, text.data, text.len);
}

static void set_bind(struct values *v, size_t i, const struct cw_bind *bind)
{
    switch (bind->type) {
    case CW_BIND_NULL:
        v->types[i] = 0;
        v->data[i] = NULL;
        v->lengths[i] = 0;
        v->formats[i] = 1;
        break;
    case CW_BIND_INTEGER:
        set_integer(v, i, bind->integer);
        break;
    case CW_BIND_TEXT:
        set_text(v, i, bind->slice);
        break;
    case CW_BIND_BYTES:
        set_value(v, i, OID_BYTEA, bind->slice.data, bind->slice.len);
        break;
    case CW_BIND_TIME:
        set_time(v, i, bind->integer);
        break;
    }
}

static void set_values(struct values *v, const struct cw_bind *binds, size_t count)
{
    v->mended_count = 0;
    for (size_t i = 0; i < count; i++)
        set_bind(v, i, &binds[i]);
}

static void free_values(struct values *v)
{
    for (size_t i = 0; i < v->mended_count; i++)
        g_free(v->mended[i]);
}

/* --- entries --- */

void cw_pg_entry_free(struct cw_pg_entry *entry)
{
    if (entry == NULL)
        return;
    for (struct cw_pg_late *late = entry->late, *next; late != NULL; late = next) {
        next = late->next;
        PQclear(late->result);
        free(late);
    }
    PQclear(entry->last);
    free(entry->copy);
    free(entry);
}

/* Behind all that was sent before. */
void cw_pg_append(struct cw_pg_queue *queue, struct cw_pg_entry *entry)
{
    entry->next = NULL;
    if (queue->first == NULL)
        queue->first = entry;
    else
        queue->last->next = entry;
    queue->last = entry;
}

/* --- sending --- */

/* libpq reports what it could not send as a broken connection, which is told when its results are read. */
static bool was_sent(struct cw_pg_link *link, int sent, struct cw_error *err)
{
    if (sent == 1 || PQstatus(link->conn) == CONNECTION_BAD)
        return true;
    return cw_fail(err, CW_LIMIT, "%s: a statement cannot be sent: %s", link->pg->place,
                   PQerrorMessage(link->conn));
}

static void name_of(unsigned number, char out[16])
{
    g_snprintf(out, 16, "c%u", number);
}

static struct cw_pg_statement *slot_of(struct cw_pg_link *link, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 4) * 0x9E3779B97F4A7C15u >> 32;
    for (;; i++) {
        struct cw_pg_statement *slot = &link->statements[i % CW_PG_STATEMENTS];
        if (slot->sql == sql || slot->sql == NULL)
            return slot;
    }
}

/* A statement whose preparing may have been given up with the segment it stood in is prepared anew, under
 * another name. */
static bool is_usable(const struct cw_pg_link *link, const struct cw_pg_statement *slot)
{
    return slot->is_ready || (slot->is_sent && slot->segment == link->segment);
}

static bool prepare(struct cw_pg_link *link, struct cw_pg_statement *slot, const struct values *v,
                    size_t count, struct cw_error *err)
{
    char name[16];
    struct cw_pg_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return cw_fail(err, CW_NOMEM, "out of memory for a statement");
    slot->number = ++link->numbers;
    name_of(slot->number, name);
    if (!was_sent(link, PQsendPrepare(link->conn, name, slot->sql, (int)count, v->types), err)) {
        cw_pg_entry_free(entry);
        return false;
    }
    slot->is_sent = true;
    slot->segment = link->segment;
    entry->kind = CW_PG_PREPARE;
    entry->slot = slot;
    entry->number = slot->number;
    cw_pg_append(&link->sent, entry);
    return true;
}

static struct cw_pg_statement *prepared(struct cw_pg_link *link, const char *sql, const struct values *v,
                                        size_t count, struct cw_error *err)
{
    struct cw_pg_statement *slot = slot_of(link, sql);
    if (slot->sql == NULL) {
        if (link->statement_count >= CW_PG_STATEMENTS / 2) {
            cw_fail(err, CW_LIMIT, "%s: more than %d statements", link->pg->place, CW_PG_STATEMENTS / 2);
            return NULL;
        }
        link->statement_count++;
        slot->sql = sql;
    }
    return is_usable(link, slot) || prepare(link, slot, v, count, err) ? slot : NULL;
}

static bool send_ours(struct cw_pg_link *link, const char *sql, const struct values *v, size_t count,
                      struct cw_error *err)
{
    char name[16];
    struct cw_pg_statement *slot = prepared(link, sql, v, count, err);
    if (slot == NULL)
        return false;
    name_of(slot->number, name);
    return was_sent(
        link, PQsendQueryPrepared(link->conn, name, (int)count, v->data, v->lengths, v->formats, 1), err);
}

static bool mentions(const char *sql, size_t number)
{
    char name[16];
    size_t len = (size_t)g_snprintf(name, sizeof name, "$%zu", number);
    for (const char *at = sql; (at = strstr(at, name)) != NULL; at += len)
        if (!g_ascii_isdigit(at[len]))
            return true;
    return false;
}

/* What a parameter stands for is found out by the server, as in a query typed by a person; one that is given
 * but not asked for is a text. */
static bool send_foreign(struct cw_pg_link *link, const char *sql, struct values *v, size_t count,
                         struct cw_error *err)
{
    for (size_t i = 0; i < count; i++) {
        v->types[i] = mentions(sql, i + 1) ? 0 : OID_TEXT;
        if (v->data[i] != NULL) /* texts end in NUL in this form */
            v->data[i] = v->mended[v->mended_count++] = g_strndup(v->data[i], (gsize)v->lengths[i]);
        v->formats[i] = 0;
    }
    return was_sent(
        link, PQsendQueryParams(link->conn, sql, (int)count, v->types, v->data, v->lengths, v->formats, 0),
        err);
}

void cw_pg_focus(struct cw_pg_link *link)
{
    const struct cw_pg_entry *entry = link->sent.first;
    if (entry != NULL && (entry->flags & CW_PG_ROWS) != 0)
        PQsetSingleRowMode(link->conn);
}

bool cw_pg_transmit(struct cw_pg_link *link, struct cw_pg_entry *entry, const char *sql,
                    const struct cw_bind *binds, size_t count, struct cw_error *err)
{
    struct values v;
    if (count > CW_PG_BINDS_MAX)
        return cw_fail(err, CW_LIMIT, "%s: a statement of more than %d values", link->pg->place,
                       CW_PG_BINDS_MAX);
    set_values(&v, binds, count);
    bool ok = (entry->flags & CW_PG_FOREIGN) != 0 ? send_foreign(link, sql, &v, count, err)
                                                  : send_ours(link, sql, &v, count, err);
    free_values(&v);
    if (!ok)
        return false;
    cw_pg_append(&link->sent, entry);
    link->unsynced++;
    if (link->sent.first == entry)
        cw_pg_focus(link);
    return true;
}

/* --- statements that wait --- */

struct cw_pg_copy {
    const char *sql;
    size_t count;
    struct cw_bind binds[]; /* and behind them what they point to */
};

static size_t bytes_of(const struct cw_bind *bind)
{
    bool points = bind->type == CW_BIND_TEXT || bind->type == CW_BIND_BYTES;
    return points ? bind->slice.len + 1 : 0; /* libpq wants a NUL behind texts that are sent as text */
}

struct cw_pg_copy *cw_pg_copy_create(const char *sql, bool copy_sql, const struct cw_bind *binds,
                                     size_t count)
{
    size_t size = sizeof(struct cw_pg_copy) + count * sizeof *binds + (copy_sql ? strlen(sql) + 1 : 0);
    for (size_t i = 0; i < count; i++)
        size += bytes_of(&binds[i]);
    struct cw_pg_copy *copy = calloc(1, size);
    if (copy == NULL)
        return NULL;
    char *at = (char *)&copy->binds[count];
    copy->count = count;
    for (size_t i = 0; i < count; i++) {
        copy->binds[i] = binds[i];
        if (bytes_of(&binds[i]) == 0)
            continue;
        if (binds[i].slice.len > 0)
            memcpy(at, binds[i].slice.data, binds[i].slice.len);
        copy->binds[i].slice.data = at;
        at += bytes_of(&binds[i]);
    }
    copy->sql = copy_sql ? memcpy(at, sql, strlen(sql) + 1) : sql;
    return copy;
}

bool cw_pg_transmit_copy(struct cw_pg_link *link, struct cw_pg_entry *entry, struct cw_error *err)
{
    return cw_pg_transmit(link, entry, entry->copy->sql, entry->copy->binds, entry->copy->count, err);
}
