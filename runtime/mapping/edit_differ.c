/* edit_differ.c - what is not the same in two documents; see edit.h. */
#include "mapping/edit_name.h"
#include "mapping/field_value.h"

struct comparison {
    const struct cw_document *before, *after; /* the outermost, for the digits of amounts */
    struct cw_arena *arena;
    cw_difference_fn *differ;
    void *arg;
    bool exhausted;
};

/* One pair of documents; either may be NULL: all its values are unset then. */
struct pair {
    struct comparison *of;
    struct cw_slice place; /* "lines[2]." or "" */
    const struct cw_document *before, *after;
};

static const struct cw_slice nothing = { NULL, 0 };

static bool run_out(struct comparison *of)
{
    of->exhausted = true;
    return false;
}

static bool tell(const struct pair *pair, const char *custom, struct cw_slice name, struct cw_slice before,
                 struct cw_slice after)
{
    struct comparison *of = pair->of;
    struct cw_slice full =
        cw_name_print(of->arena, "%.*s%s%.*s", CW_SLICE_ARG(pair->place), custom, CW_SLICE_ARG(name));
    return full.data != NULL ? of->differ(of->arg, full, before, after) : run_out(of);
}

static bool is_number(enum cw_type type)
{
    return type == CW_DECIMAL || type == CW_MONEY;
}

/* Unset has no data, so that it is told from an empty text. */
static struct cw_slice text_of(const struct cw_document *outermost, enum cw_type type,
                               const struct cw_value *value, char scratch[CW_VALUE_TEXT_MAX])
{
    if (value == NULL || !value->is_set)
        return nothing;
    struct cw_slice text = cw_field_text(outermost, type, value, scratch);
    return text.data != NULL ? text : (struct cw_slice){ "", 0 };
}

static bool compare_values(const struct pair *pair, const char *custom, struct cw_slice name,
                           enum cw_type before_type, const struct cw_value *before, enum cw_type after_type,
                           const struct cw_value *after)
{
    char before_scratch[CW_VALUE_TEXT_MAX], after_scratch[CW_VALUE_TEXT_MAX];
    struct cw_slice was = text_of(pair->of->before, before_type, before, before_scratch);
    struct cw_slice is = text_of(pair->of->after, after_type, after, after_scratch);
    bool both = was.data != NULL && is.data != NULL;
    if (both && is_number(before_type) && is_number(after_type) &&
        cw_decimal_compare(&before->decimal, &after->decimal) == 0)
        return true;
    if ((both || was.data == is.data) && cw_slice_equal(was, is))
        return true;
    return tell(pair, custom, name, was, is);
}

/* --- members of lists --- */

/* "sku MUG, quantity 2": a member in one line. */
struct described {
    const struct cw_document *outermost;
    struct cw_arena *arena;
    struct cw_slice text; /* data NULL: the arena is exhausted */
};

static void describe_value(struct described *d, struct cw_slice name, enum cw_type type,
                           const struct cw_value *value)
{
    char scratch[CW_VALUE_TEXT_MAX];
    struct cw_slice text = text_of(d->outermost, type, value, scratch);
    if (text.data == NULL || d->text.data == NULL)
        return;
    d->text = cw_name_print(d->arena, "%.*s%s%.*s %.*s", CW_SLICE_ARG(d->text), d->text.len > 0 ? ", " : "",
                            CW_SLICE_ARG(name), CW_SLICE_ARG(text));
}

static struct cw_slice describe(struct cw_arena *arena, const struct cw_document *outermost,
                                const struct cw_document *member)
{
    struct described d = { outermost, arena, { "", 0 } };
    const struct cw_kind *kind = member->kind;
    for (size_t i = 0; i < kind->field_count; i++)
        describe_value(&d, cw_slice(kind->fields[i].name), kind->fields[i].type, &member->values[i]);
    for (const struct cw_custom *custom = member->custom; custom != NULL; custom = custom->next)
        describe_value(&d, custom->name, custom->type, &custom->value);
    return d.text;
}

/* One list in both documents, and which members belong together. */
struct lists {
    const struct pair *pair;
    const char *name;
    const struct cw_value *before, *after;
    const struct cw_document **old;     /* the members before */
    const struct cw_document **partner; /* for each member after: the one before, or NULL */
    bool *is_taken;                     /* for each member before */
    size_t old_count, new_count;
};

static size_t count_of(const struct cw_value *list)
{
    return list != NULL && list->is_set ? list->list.count : 0;
}

static const struct cw_document *first_of(const struct cw_value *list)
{
    return count_of(list) > 0 ? list->list.first : NULL;
}

static bool prepare(struct lists *lists)
{
    struct cw_arena *arena = lists->pair->of->arena;
    lists->old_count = count_of(lists->before);
    lists->new_count = count_of(lists->after);
    lists->old = cw_arena_alloc(arena, (lists->old_count + 1) * sizeof *lists->old);
    lists->partner = cw_arena_alloc(arena, (lists->new_count + 1) * sizeof *lists->partner);
    lists->is_taken = cw_arena_alloc(arena, lists->old_count + 1);
    if (lists->old == NULL || lists->partner == NULL || lists->is_taken == NULL)
        return false;
    memset(lists->is_taken, 0, lists->old_count + 1);
    size_t i = 0;
    for (const struct cw_document *doc = first_of(lists->before); doc != NULL; doc = doc->next)
        lists->old[i++] = doc;
    return true;
}

/* The search goes on where the last one ended, because members seldom change their order. */
static void pair_by_id(struct lists *lists)
{
    size_t i = 0, start = 0;
    for (const struct cw_document *doc = first_of(lists->after); doc != NULL; doc = doc->next, i++) {
        lists->partner[i] = NULL;
        for (size_t tried = 0; doc->external_id.len > 0 && tried < lists->old_count; tried++) {
            size_t at = (start + tried) % lists->old_count;
            if (lists->is_taken[at] || !cw_slice_equal(lists->old[at]->external_id, doc->external_id))
                continue;
            lists->partner[i] = lists->old[at];
            lists->is_taken[at] = true;
            start = at + 1;
            break;
        }
    }
}

static void pair_by_position(struct lists *lists)
{
    size_t i = 0;
    for (const struct cw_document *doc = first_of(lists->after); doc != NULL; doc = doc->next, i++) {
        if (lists->partner[i] != NULL || i >= lists->old_count || lists->is_taken[i] ||
            (doc->external_id.len > 0 && lists->old[i]->external_id.len > 0))
            continue;
        lists->partner[i] = lists->old[i];
        lists->is_taken[i] = true;
    }
}

/* "lines[id=7]" or "lines[2]", as `list` has the member. */
static struct cw_slice member_name(const struct lists *lists, const struct cw_value *list,
                                   const struct cw_document *member, size_t position)
{
    const struct pair *pair = lists->pair;
    if (cw_name_is_unique(list, member))
        return cw_name_print(pair->of->arena, "%.*s%s[id=%.*s]", CW_SLICE_ARG(pair->place), lists->name,
                             CW_SLICE_ARG(member->external_id));
    return cw_name_print(pair->of->arena, "%.*s%s[%zu]", CW_SLICE_ARG(pair->place), lists->name, position);
}

static bool compare_documents(const struct pair *pair);

static bool tell_member(const struct lists *lists, struct cw_slice name, const struct cw_document *before,
                        const struct cw_document *after)
{
    struct comparison *of = lists->pair->of;
    struct cw_slice text =
        before != NULL ? describe(of->arena, of->before, before) : describe(of->arena, of->after, after);
    if (text.data == NULL)
        return run_out(of);
    return of->differ(of->arg, name, before != NULL ? text : nothing, after != NULL ? text : nothing);
}

static bool compare_member(const struct lists *lists, const struct cw_document *member, size_t i)
{
    struct comparison *of = lists->pair->of;
    struct cw_slice name = member_name(lists, lists->after, member, i + 1);
    if (name.data == NULL)
        return run_out(of);
    if (lists->partner[i] == NULL)
        return tell_member(lists, name, NULL, member);
    struct pair members = { .of = of, .before = lists->partner[i], .after = member };
    members.place = cw_name_print(of->arena, "%.*s.", CW_SLICE_ARG(name));
    return members.place.data != NULL ? compare_documents(&members) : run_out(of);
}

static bool tell_gone(const struct lists *lists)
{
    for (size_t i = 0; i < lists->old_count; i++) {
        if (lists->is_taken[i])
            continue;
        struct cw_slice name = member_name(lists, lists->before, lists->old[i], i + 1);
        if (name.data == NULL)
            return run_out(lists->pair->of);
        if (!tell_member(lists, name, lists->old[i], NULL))
            return false;
    }
    return true;
}

static bool compare_lists(const struct pair *pair, const char *name, const struct cw_value *before,
                          const struct cw_value *after)
{
    struct lists lists = { .pair = pair, .name = name, .before = before, .after = after };
    size_t i = 0;
    if (count_of(before) + count_of(after) == 0)
        return true;
    if (!prepare(&lists))
        return run_out(pair->of);
    pair_by_id(&lists);
    pair_by_position(&lists);
    for (const struct cw_document *doc = first_of(after); doc != NULL; doc = doc->next)
        if (!compare_member(&lists, doc, i++))
            return false;
    return tell_gone(&lists);
}

/* --- documents --- */

static bool compare_records(const struct pair *pair, const char *name, const struct cw_value *before,
                            const struct cw_value *after)
{
    struct pair records = { .of = pair->of,
                            .before = before != NULL && before->is_set ? before->record : NULL,
                            .after = after != NULL && after->is_set ? after->record : NULL };
    if (records.before == NULL && records.after == NULL)
        return true;
    records.place = cw_name_print(pair->of->arena, "%.*s%s.", CW_SLICE_ARG(pair->place), name);
    return records.place.data != NULL ? compare_documents(&records) : run_out(pair->of);
}

static bool compare_field(const struct pair *pair, const struct cw_kind *kind, size_t i)
{
    const struct cw_field *field = &kind->fields[i];
    const struct cw_value *before = pair->before != NULL ? &pair->before->values[i] : NULL,
                          *after = pair->after != NULL ? &pair->after->values[i] : NULL;
    if (field->type == CW_LIST)
        return compare_lists(pair, field->name, before, after);
    if (field->type == CW_RECORD)
        return compare_records(pair, field->name, before, after);
    return compare_values(pair, "", cw_slice(field->name), field->type, before, field->type, after);
}

static bool compare_custom(const struct pair *pair, const struct cw_custom *before,
                           const struct cw_custom *after)
{
    const struct cw_custom *either = before != NULL ? before : after;
    return compare_values(pair, "custom.", either->name, either->type, before != NULL ? &before->value : NULL,
                          after != NULL ? after->type : either->type, after != NULL ? &after->value : NULL);
}

static bool compare_customs(const struct pair *pair)
{
    const struct cw_custom *old = pair->before != NULL ? pair->before->custom : NULL;
    const struct cw_custom *new = pair->after != NULL ? pair->after->custom : NULL;
    for (; old != NULL; old = old->next)
        if (!compare_custom(pair, old, pair->after != NULL ? cw_custom_find(pair->after, old->name) : NULL))
            return false;
    for (; new != NULL; new = new->next)
        if ((pair->before == NULL || cw_custom_find(pair->before, new->name) == NULL) &&
            !compare_custom(pair, NULL, new))
            return false;
    return true;
}

static bool compare_documents(const struct pair *pair)
{
    const struct cw_kind *kind = pair->after != NULL ? pair->after->kind : pair->before->kind;
    for (size_t i = 0; i < kind->field_count; i++)
        if (!compare_field(pair, kind, i))
            return false;
    return compare_customs(pair);
}

bool cw_document_differences(const struct cw_document *before, const struct cw_document *after,
                             struct cw_arena *arena, cw_difference_fn *differ, void *arg)
{
    struct comparison of = { before, after, arena, differ, arg, false };
    struct pair pair = { .of = &of, .place = { "", 0 }, .before = before, .after = after };
    compare_documents(&pair);
    return !of.exhausted;
}
