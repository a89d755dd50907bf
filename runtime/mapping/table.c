/* table.c - see table.h. Two hash indexes over the rows; the folded one is asked only when the exact one
 * misses. */
#include "mapping/table.h"

enum { FOLDED_MAX = 256, FIRST_SLOTS = 16 }; /* a longer key has no second spelling worth the memory */

/* All ranges keep their length of two bytes in UTF-8. */
static unsigned fold_code(unsigned code)
{
    if ((code >= 0xC0 && code <= 0xDE && code != 0xD7) || (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) ||
        (code >= 0x410 && code <= 0x42F))
        return code + 0x20;
    if (code >= 0x400 && code <= 0x40F)
        return code + 0x50;
    bool even_upper = (code >= 0x100 && code <= 0x137 && code != 0x130) || (code >= 0x14A && code <= 0x177) ||
                      (code >= 0x460 && code <= 0x481);
    bool odd_upper = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E);
    if (even_upper)
        return code | 1;
    if (odd_upper)
        return code + (code & 1);
    return code == 0x178 ? 0xFF : code;
}

void cw_fold_case(struct cw_slice text, char *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.data[i + 1] : 0;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        if (c >= 0xC3 && c <= 0xDF && (next & 0xC0) == 0x80) {
            unsigned code = fold_code((c & 0x1Fu) << 6 | (next & 0x3Fu));
            out[i++] = (char)(0xC0 | code >> 6);
            out[i] = (char)(0x80 | (code & 0x3F));
        }
    }
}

/* The slot that holds the key, or the empty one where it would stand. */
static size_t slot_of(const struct cw_table *table, const uint32_t *index, struct cw_slice key)
{
    size_t slot = cw_slice_hash(key) & (table->slots - 1);
    while (index[slot] != 0) {
        const struct cw_table_row *row = &table->rows[index[slot] - 1];
        if (cw_slice_equal(index == table->exact ? row->key : row->folded, key))
            break;
        slot = (slot + 1) & (table->slots - 1);
    }
    return slot;
}

/* Two keys that differ only in case share a folded slot; the later one has it. */
static void index_row(struct cw_table *table, size_t i)
{
    const struct cw_table_row *row = &table->rows[i];
    table->exact[slot_of(table, table->exact, row->key)] = (uint32_t)i + 1;
    if (row->folded.data != NULL)
        table->folded[slot_of(table, table->folded, row->folded)] = (uint32_t)i + 1;
}

/* Twice the room; the old arrays stay in the arena, which costs less than the rows themselves. */
static bool grow(struct cw_table *table, struct cw_arena *arena)
{
    size_t slots = table->slots == 0 ? FIRST_SLOTS : table->slots * 2, cap = slots / 2;
    struct cw_table_row *rows = cw_arena_alloc(arena, cap * sizeof *rows);
    uint32_t *indexes = cw_arena_alloc(arena, 2 * slots * sizeof *indexes);
    if (rows == NULL || indexes == NULL)
        return false;
    if (table->count > 0)
        memcpy(rows, table->rows, table->count * sizeof *rows);
    memset(indexes, 0, 2 * slots * sizeof *indexes);
    if (table->fallback != NULL)
        table->fallback = rows + (table->fallback - table->rows);
    table->rows = rows;
    table->cap = cap;
    table->exact = indexes;
    table->folded = indexes + slots;
    table->slots = slots;
    for (size_t i = 0; i < table->count; i++)
        index_row(table, i);
    return true;
}

static bool copy_row(struct cw_arena *arena, const struct cw_table_row *row, struct cw_table_row *out)
{
    *out = (struct cw_table_row){ .key = cw_arena_copy(arena, row->key),
                                  .value = cw_arena_copy(arena, row->value),
                                  .is_nothing = row->is_nothing,
                                  .where = cw_arena_copy(arena, row->where) };
    if (out->key.data == NULL || out->value.data == NULL || out->where.data == NULL)
        return false;
    if (row->key.len > FOLDED_MAX)
        return true;
    char *folded = cw_arena_bytes(arena, row->key.len + 1); /* never NULL for an empty key */
    if (folded == NULL)
        return false;
    cw_fold_case(row->key, folded);
    out->folded = (struct cw_slice){ folded, row->key.len };
    return true;
}

bool cw_table_add(struct cw_table *table, struct cw_arena *arena, const struct cw_table_row *row)
{
    struct cw_table_row copy;
    if (!copy_row(arena, row, &copy) || (table->count == table->cap && !grow(table, arena)))
        return false;
    size_t known = table->exact[slot_of(table, table->exact, copy.key)];
    size_t i = known != 0 ? known - 1 : table->count++;
    table->rows[i] = copy;
    index_row(table, i);
    if (cw_slice_is(copy.key, "*"))
        table->fallback = &table->rows[i];
    return true;
}

static const struct cw_table_row *row_at(const struct cw_table *table, uint32_t number)
{
    return number != 0 ? &table->rows[number - 1] : NULL;
}

static const struct cw_table_row *find_folded(const struct cw_table *table, struct cw_slice key)
{
    char folded[FOLDED_MAX];
    if (key.len > sizeof folded)
        return NULL;
    cw_fold_case(key, folded);
    return row_at(table, table->folded[slot_of(table, table->folded, (struct cw_slice){ folded, key.len })]);
}

const struct cw_table_row *cw_table_find(const struct cw_table *table, struct cw_slice key)
{
    if (table->count == 0)
        return NULL;
    const struct cw_table_row *row = row_at(table, table->exact[slot_of(table, table->exact, key)]);
    if (row == NULL)
        row = find_folded(table, key);
    return row != NULL ? row : table->fallback;
}
