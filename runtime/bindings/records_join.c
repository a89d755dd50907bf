/* records_join.c - what belongs to a record besides its own bytes: attached records, appended ones, collected
 * texts.
 *
 * Joins go through one hash table from the text at `there` to the others that have it, made and thrown away
 * within cw_records_attach; what stays are four bytes a record and four a match.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/records_private.h"

#define NOBODY UINT32_MAX

/* --- texts as keys --- */

/* One of the others that have a text. */
struct link {
    struct link *next;
    uint32_t other;
};

struct key {
    struct cw_slice text;
    struct link *first; /* newest first */
};

static guint hash_key(gconstpointer key)
{
    return cw_slice_hash(((const struct key *)key)->text);
}

static gboolean equal_keys(gconstpointer a, gconstpointer b)
{
    return cw_slice_equal(((const struct key *)a)->text, ((const struct key *)b)->text);
}

/* The key with that text, made in `arena` when it is new; NULL without memory. */
static struct key *intern(GHashTable *keys, struct cw_arena *arena, struct cw_slice text, bool *is_new)
{
    struct key wanted = { text, NULL };
    struct key *key = g_hash_table_lookup(keys, &wanted);
    *is_new = key == NULL;
    if (key != NULL)
        return key;
    key = cw_arena_alloc(arena, sizeof *key);
    if (key == NULL)
        return NULL;
    *key = (struct key){ cw_arena_copy(arena, text), NULL };
    if (key->text.data == NULL)
        return NULL;
    g_hash_table_add(keys, key);
    return key;
}

static const struct cw_path *compile(struct cw_arena *arena, const char *text, struct cw_error *err)
{
    struct cw_slice copy = cw_arena_copy(arena, cw_slice(text));
    if (copy.data != NULL)
        return cw_path_compile(arena, copy, err);
    cw_fail(err, CW_NOMEM, "no memory for a path");
    return NULL;
}

/* --- parts of one record --- */

typedef bool part_fn(void *arg, const struct join *join, uint32_t other);

/* Every part of record `i`: those it had before it was appended here first, then in the order of attaching.
 */
static bool each_part(const struct cw_records *records, size_t i, part_fn *part, void *arg)
{
    const struct segment *segment = cw_records_segment(records, i);
    if (segment != NULL && !each_part(segment->records, i - segment->first, part, arg))
        return false;
    for (size_t j = 0; j < records->join_count; j++) {
        const struct join *join = records->joins[j];
        if (i >= join->count)
            continue;
        for (uint32_t k = join->start[i]; k < join->start[i + 1]; k++)
            if (!part(arg, join, join->items[k]))
                return false;
    }
    return true;
}

static bool count_part(void *arg, const struct join *join, uint32_t other)
{
    (void)join, (void)other;
    ++*(size_t *)arg;
    return true;
}

/* --- attaching --- */

void cw_join_free(struct join *join)
{
    if (join == NULL)
        return;
    cw_records_free(join->others);
    free((char *)join->name.data);
    free(join->start);
    free(join->items);
    free(join);
}

struct attaching {
    struct cw_records *records, *others;
    const char *name;
    struct cw_arena keep;  /* paths and keys */
    struct cw_arena trees; /* of the record in hand, when it is not kept */
    GHashTable *keys;
    uint32_t *taken; /* by other: the last record that got it */
    struct join *join;
    size_t item_cap;
    size_t index; /* the record or other in hand */
    struct cw_error *err;
    bool ok;
};

static bool no_memory(struct attaching *a)
{
    return a->ok = cw_fail(a->err, CW_NOMEM, "no memory to attach %s", a->name);
}

/* One match of `there` in the other in hand: it is found by this text too. */
static bool note_other(void *arg, const struct cw_node *node)
{
    struct attaching *a = arg;
    bool is_new;
    struct cw_slice text = cw_slice_trim(node->text);
    if (text.len == 0)
        return true;
    struct key *key = intern(a->keys, &a->keep, text, &is_new);
    struct link *link = key != NULL ? cw_arena_alloc(&a->keep, sizeof *link) : NULL;
    if (link == NULL)
        return no_memory(a);
    *link = (struct link){ key->first, (uint32_t)a->index };
    key->first = link;
    return true;
}

/* Each other once, however many texts lead to it. */
static bool add_item(struct attaching *a, uint32_t other)
{
    struct join *join = a->join;
    uint32_t end = join->start[a->index + 1];
    if (a->taken[other] == a->index)
        return true;
    if (end == a->item_cap) {
        size_t cap = a->item_cap == 0 ? 64 : 2 * a->item_cap;
        void *items = cap <= UINT32_MAX ? realloc(join->items, cap * sizeof *join->items) : NULL;
        if (items == NULL)
            return no_memory(a);
        join->items = items;
        a->item_cap = cap;
    }
    a->taken[other] = (uint32_t)a->index;
    join->items[end] = other;
    join->start[a->index + 1]++;
    return true;
}

/* One match of `here` in the record in hand: all others with that text become its items. */
static bool find_others(void *arg, const struct cw_node *node)
{
    struct attaching *a = arg;
    struct key wanted = { cw_slice_trim(node->text), NULL };
    const struct key *key = wanted.text.len > 0 ? g_hash_table_lookup(a->keys, &wanted) : NULL;
    for (const struct link *link = key != NULL ? key->first : NULL; link != NULL; link = link->next)
        if (!add_item(a, link->other))
            return false;
    return true;
}

static int compare_items(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static bool refuse_parts(struct attaching *a, size_t found)
{
    struct cw_slice id = { "", 0 };
    char text[CW_ERROR_NAME_MAX];
    cw_records_any_id(a->records, a->index, &a->trees, &id, NULL);
    snprintf(text, sizeof text, "%.*s", (int)(id.len < 60 ? id.len : 60), id.data);
    cw_fail(a->err, CW_LIMIT,
            "attaching %s gives record %s %zu more parts, and a record can have %d (CW_RECORDS_PARTS_MAX); "
            "is the path "
            "in the attached records right?",
            a->name, text, found, CW_RECORDS_PARTS_MAX);
    return a->ok = cw_fail_at(a->err, text, NULL, NULL);
}

static bool check_part_count(struct attaching *a)
{
    size_t found = a->join->start[a->index + 1] - a->join->start[a->index], before = 0;
    if (found > 0)
        each_part(a->records, a->index, count_part, &before);
    return found + before <= CW_RECORDS_PARTS_MAX || refuse_parts(a, found);
}

static bool index_others(struct attaching *a, const struct cw_path *there)
{
    struct cw_scope scope;
    for (a->index = 0; a->ok && a->index < cw_records_count(a->others); a->index++) {
        cw_arena_reset(&a->trees);
        if (cw_records_kept_scope(a->others, a->index, &a->trees, &scope, NULL))
            cw_path_each(there, &scope, note_other, a);
    }
    return a->ok;
}

static bool join_records(struct attaching *a, const struct cw_path *here)
{
    struct cw_scope scope;
    struct join *join = a->join;
    for (a->index = 0; a->ok && a->index < join->count; a->index++) {
        join->start[a->index + 1] = join->start[a->index];
        cw_arena_reset(&a->trees);
        if (!cw_records_kept_scope(a->records, a->index, &a->trees, &scope, NULL))
            continue; /* damaged: it will be parked alone */
        cw_path_each(here, &scope, find_others, a);
        uint32_t begin = join->start[a->index], end = join->start[a->index + 1];
        if (end - begin > 1)
            qsort(join->items + begin, end - begin, sizeof *join->items, compare_items);
        if (a->ok)
            check_part_count(a);
    }
    return a->ok;
}

static struct join *make_join(struct cw_records *records, struct cw_records *others, const char *name)
{
    struct join *join = calloc(1, sizeof *join);
    if (join == NULL)
        return NULL;
    others->users++;
    others->frozen = true;
    join->others = others;
    join->name = (struct cw_slice){ strdup(name), strlen(name) };
    join->count = cw_records_count(records);
    join->start = calloc(join->count + 1, sizeof *join->start);
    if (join->name.data != NULL && join->start != NULL)
        return join;
    cw_join_free(join);
    return NULL;
}

/* Without paths: all others belong to every record. */
static bool give_all(struct attaching *a)
{
    for (a->index = 0; a->ok && a->index < a->join->count; a->index++) {
        a->join->start[a->index + 1] = a->join->start[a->index];
        for (size_t other = 0; a->ok && other < cw_records_count(a->others); other++)
            add_item(a, (uint32_t)other);
        if (a->ok)
            check_part_count(a);
    }
    return a->ok;
}

static bool join_by_paths(struct attaching *a, const char *here, const char *there)
{
    const struct cw_path *here_path = compile(&a->keep, here, a->err);
    const struct cw_path *there_path = here_path != NULL ? compile(&a->keep, there, a->err) : NULL;
    if (there_path == NULL)
        return false;
    a->keys = g_hash_table_new(hash_key, equal_keys);
    return index_others(a, there_path) && join_records(a, here_path);
}

static bool run(struct attaching *a, const char *here, const char *there)
{
    size_t count = cw_records_count(a->others);
    a->join = make_join(a->records, a->others, a->name);
    a->taken = malloc((count + 1) * sizeof *a->taken);
    if (a->join == NULL || a->taken == NULL)
        return no_memory(a);
    memset(a->taken, 0xFF, (count + 1) * sizeof *a->taken); /* NOBODY */
    a->ok = true;
    return here == NULL && there == NULL ? give_all(a) : join_by_paths(a, here, there);
}

static bool keep_join(struct attaching *a)
{
    size_t count = a->records->join_count;
    void *joins = realloc(a->records->joins, (count + 1) * sizeof *a->records->joins);
    if (joins == NULL)
        return no_memory(a);
    a->records->joins = joins;
    a->records->joins[count] = a->join;
    a->records->join_count = count + 1;
    a->join = NULL;
    return true;
}

static bool is_part_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && len <= 64 && name[len] == '\0';
}

static bool check_pair(const struct cw_records *records, const struct cw_records *others, const char *verb,
                       struct cw_error *err)
{
    if (records == others)
        return cw_fail(err, CW_USAGE, "records cannot be %s to themselves", verb);
    if (records->frozen)
        return cw_fail(
            err, CW_USAGE,
            "these records were attached or appended to others already, and do not change any more: do this "
            "first");
    return true;
}

bool cw_records_attach(struct cw_records *records, const char *name, struct cw_records *others,
                       const char *here, const char *there, struct cw_error *err)
{
    struct cw_error ignored;
    struct attaching a = { .records = records, .others = others, .name = name };
    a.err = err != NULL ? err : &ignored;
    if (!check_pair(records, others, "attached", a.err))
        return false;
    if ((here == NULL) != (there == NULL))
        return cw_fail(a.err, CW_USAGE, "attach %.64s with two paths, or without any", name);
    if (!is_part_name(name))
        return cw_fail(a.err, CW_USAGE,
                       "\"%.64s\" is no name for attached records: use letters, digits and _", name);
    if (others->join_count > 0)
        return cw_fail(
            a.err, CW_USAGE,
            "records with parts of their own cannot be attached; attach all of them to the outermost, with "
            "a path such as \"$%s/id\"",
            name);
    bool ok = run(&a, here, there) && keep_join(&a);
    cw_join_free(a.join);
    free(a.taken);
    if (a.keys != NULL)
        g_hash_table_destroy(a.keys);
    cw_arena_fini(&a.trees);
    cw_arena_fini(&a.keep);
    return ok;
}

/* --- listing them --- */

struct listing {
    struct cw_arena *arena;
    struct cw_part *parts;
    struct cw_raw_part *raw;
    size_t count;
    struct cw_error *err;
};

static bool list_tree(void *arg, const struct join *join, uint32_t other)
{
    struct listing *listing = arg;
    const struct cw_node *root =
        cw_records_tree(join->others, other, listing->arena, (struct cw_slice){ NULL, 0 }, listing->err);
    if (root == NULL)
        return cw_fail_in(listing->err, "the attached %.*s", CW_SLICE_ARG(join->name));
    listing->parts[listing->count++] = (struct cw_part){ join->name, root };
    return true;
}

static bool list_bytes(void *arg, const struct join *join, uint32_t other)
{
    struct listing *listing = arg;
    struct cw_raw_part *part = &listing->raw[listing->count++];
    *part = (struct cw_raw_part){ .name = join->name,
                                  .format = cw_slice(cw_records_kept_as(join->others)),
                                  .encoding = cw_slice(cw_records_encoding(join->others)) };
    return cw_records_bytes(join->others, other, listing->arena, &part->bytes, listing->err);
}

bool cw_records_add_parts(struct cw_records *records, size_t i, struct cw_arena *arena,
                          struct cw_scope *scope, struct cw_error *err)
{
    size_t count = 0;
    each_part(records, i, count_part, &count);
    if (count == 0)
        return true;
    struct listing listing = { .arena = arena, .err = err };
    listing.parts = cw_arena_alloc(arena, count * sizeof *listing.parts);
    if (listing.parts == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for %zu attached records", count);
    if (!each_part(records, i, list_tree, &listing))
        return false;
    scope->parts = listing.parts;
    scope->part_count = count;
    return true;
}

bool cw_records_parts(struct cw_records *records, size_t i, struct cw_arena *arena,
                      struct cw_raw_part **parts, size_t *count, struct cw_error *err)
{
    struct listing listing = { .arena = arena, .err = err };
    *parts = NULL;
    *count = 0;
    each_part(records, i, count_part, count);
    if (*count == 0)
        return true;
    listing.raw = cw_arena_alloc(arena, *count * sizeof *listing.raw);
    if (listing.raw == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for %zu attached records", *count);
    *parts = listing.raw;
    return each_part(records, i, list_bytes, &listing);
}

/* --- appending --- */

bool cw_records_append(struct cw_records *records, struct cw_records *others, struct cw_error *err)
{
    if (!check_pair(records, others, "appended", err))
        return false;
    if (strcmp(records->kept_as, others->kept_as) != 0 ||
        g_ascii_strcasecmp(records->encoding, others->encoding) != 0)
        return cw_fail(err, CW_INVALID, "records in %s (%s) cannot be appended to records in %s (%s)",
                       others->kept_as, others->encoding, records->kept_as, records->encoding);
    size_t count = cw_records_count(others), first = cw_records_count(records);
    if (count == 0)
        return true;
    if (first + count >= NOBODY)
        return cw_fail(err, CW_LIMIT, "more than %u records", NOBODY);
    void *segments = realloc(records->segments, (records->segment_count + 1) * sizeof *records->segments);
    if (segments == NULL)
        return cw_fail(err, CW_NOMEM, "no memory to append records");
    records->segments = segments;
    records->segments[records->segment_count++] = (struct segment){ others, first, count };
    others->users++;
    others->frozen = true;
    return true;
}

/* --- collecting --- */

struct collecting {
    struct cw_arena keep, trees;
    GHashTable *keys;
    void (*text)(void *arg, struct cw_slice t);
    void *arg;
    struct cw_error *err;
    bool ok;
};

static bool collect_text(void *arg, const struct cw_node *node)
{
    struct collecting *c = arg;
    struct cw_slice text = cw_slice_trim(node->text);
    bool is_new;
    if (text.len == 0 || cw_slice_is(text, "0"))
        return true;
    const struct key *key = intern(c->keys, &c->keep, text, &is_new);
    if (key == NULL)
        return c->ok = cw_fail(c->err, CW_NOMEM, "no memory to collect texts");
    if (is_new)
        c->text(c->arg, key->text);
    return true;
}

static bool collect_all(struct collecting *c, struct cw_records *records, const char *const *paths,
                        size_t path_count)
{
    struct cw_scope scope;
    const struct cw_path **compiled = cw_arena_alloc(&c->keep, (path_count + 1) * sizeof *compiled);
    if (compiled == NULL)
        return cw_fail(c->err, CW_NOMEM, "no memory for paths");
    for (size_t p = 0; p < path_count; p++)
        if ((compiled[p] = compile(&c->keep, paths[p], c->err)) == NULL)
            return false;
    for (size_t i = 0; c->ok && i < cw_records_count(records); i++) {
        cw_arena_reset(&c->trees);
        if (!cw_records_kept_scope(records, i, &c->trees, &scope, NULL))
            continue;
        for (size_t p = 0; c->ok && p < path_count; p++)
            cw_path_each(compiled[p], &scope, collect_text, c);
    }
    return c->ok;
}

bool cw_records_collect(struct cw_records *records, const char *const *paths, size_t path_count,
                        void (*text)(void *arg, struct cw_slice t), void *arg, struct cw_error *err)
{
    struct collecting c = { .text = text, .arg = arg, .err = err, .ok = true };
    c.keys = g_hash_table_new(hash_key, equal_keys);
    bool ok = collect_all(&c, records, paths, path_count);
    g_hash_table_destroy(c.keys);
    cw_arena_fini(&c.trees);
    cw_arena_fini(&c.keep);
    return ok;
}
