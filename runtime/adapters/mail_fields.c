/* mail_fields.c - see mail_fields.h. */
#include "adapters/mail_fields.h"

#include <glib.h>
#include <stdlib.h>

#include "base/buffer.h"

enum { INDEX_MAX = 100000, WORDS_MAX = 8 };

/* --- names --- */

static bool is_gap(char c)
{
    return c == ' ' || c == '_' || c == '-' || c == '\t';
}

size_t cw_mail_fold(struct cw_slice name, char *out)
{
    size_t len = 0;
    char *folded = g_utf8_casefold(name.data != NULL ? name.data : "", (gssize)name.len);
    for (const char *at = folded; *at != '\0' && len < name.len * 3; at++) {
        bool gap = is_gap(*at);
        if (!gap)
            out[len++] = *at;
        else if (len > 0 && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    g_free(folded);
    out[len] = '\0';
    return len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "item[0][sku]" becomes "item[][sku]"; true when there was a number. */
static bool take_bracket_index(char *name, size_t *len, long *index)
{
    char *open = memchr(name, '[', *len);
    size_t at = open != NULL ? (size_t)(open - name) + 1 : *len, end = at;
    while (end < *len && is_digit(name[end]))
        end++;
    if (end == at || end >= *len || name[end] != ']' || end - at > 5)
        return false;
    *index = strtol(name + at, NULL, 10);
    memmove(name + at, name + end, *len - end);
    *len -= end - at;
    return true;
}

/* "sku 1" and "sku1" become "sku". */
static void take_last_index(char *name, size_t *len, long *index)
{
    size_t digits = 0;
    while (digits < *len && is_digit(name[*len - 1 - digits]))
        digits++;
    if (digits == 0 || digits == *len || digits > 5)
        return;
    *index = strtol(name + *len - digits, NULL, 10);
    *len -= digits;
    while (*len > 0 && name[*len - 1] == ' ')
        (*len)--;
}

/* --- reading --- */

struct reading {
    const struct cw_mail_form *form;
    struct cw_arena *arena;
    struct cw_slice *names, *texts, *firsts; /* of the form, folded */
    struct cw_slice first;                   /* that which began this order; "" = none did yet */
    struct cw_buffer fields, value, rest;
    unsigned order;
    bool has_field;                 /* of this order */
    bool is_open, takes_paragraphs; /* open: a value is being read */
    struct cw_mail_field field;
};

static bool add(struct cw_buffer *buffer, struct cw_slice text)
{
    return text.len == 0 || cw_buffer_add(buffer, text.data, text.len, NULL);
}

static bool is_in(const struct cw_slice *names, size_t count, struct cw_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (cw_slice_equal(names[i], name))
            return true;
    return false;
}

static bool end_value(struct reading *reading)
{
    if (!reading->is_open)
        return true;
    reading->is_open = false;
    reading->field.value = cw_arena_copy(reading->arena, cw_slice_trim(cw_buffer_slice(&reading->value)));
    cw_buffer_clear(&reading->value);
    return reading->field.value.data != NULL &&
           reading->fields.len / sizeof reading->field < CW_MAIL_FIELDS_MAX &&
           cw_buffer_add(&reading->fields, &reading->field, sizeof reading->field, NULL);
}

/* Where the name ends, and behind what separates it from the value; false when the line has none. */
static bool split_line(struct cw_slice line, struct cw_slice *name, struct cw_slice *value)
{
    static const char wide[] = "\xEF\xBC\x9A";
    for (size_t i = 0; i < line.len && i <= CW_MAIL_FIELD_NAME_MAX; i++) {
        bool is_wide = line.len - i >= 3 && memcmp(line.data + i, wide, 3) == 0;
        if (line.data[i] != ':' && line.data[i] != '=' && !is_wide)
            continue;
        size_t used = i + (is_wide ? 3 : 1);
        *name = cw_slice_trim((struct cw_slice){ line.data, i });
        *value = (struct cw_slice){ line.data + used, line.len - used };
        return name->len > 0 &&
               !(line.data[i] == ':' && value->len >= 2 && memcmp(value->data, "//", 2) == 0);
    }
    return false;
}

/* Without a list of names a sentence with a colon in it would be one. */
static bool looks_like_name(struct cw_slice name)
{
    unsigned words = 1;
    for (size_t i = 0; i < name.len; i++)
        words += name.data[i] == ' ';
    return words <= WORDS_MAX && name.data[0] != '>' && name.data[0] != '(';
}

/* The field that the line begins, into reading->field; false when it begins none. */
static bool begin_field(struct reading *reading, struct cw_slice name)
{
    char folded[CW_MAIL_FIELD_NAME_MAX * 3 + 1];
    if (name.len > CW_MAIL_FIELD_NAME_MAX)
        return false;
    struct cw_mail_field field = { .index = -1, .order = reading->order };
    size_t len = cw_mail_fold(name, folded);
    bool is_known = is_in(reading->names, reading->form->name_count, (struct cw_slice){ folded, len });
    if (!is_known && !take_bracket_index(folded, &len, &field.index))
        take_last_index(folded, &len, &field.index);
    is_known = is_known || is_in(reading->names, reading->form->name_count, (struct cw_slice){ folded, len });
    if (reading->form->name_count > 0 ? !is_known : !looks_like_name(name))
        return false;
    field.name = cw_arena_copy(reading->arena, (struct cw_slice){ folded, len });
    reading->field = field;
    return field.name.data != NULL;
}

static void count_orders(struct reading *reading)
{
    if (reading->first.len == 0 && is_in(reading->firsts, reading->form->first_count, reading->field.name))
        reading->first = reading->field.name;
    else if (reading->first.len > 0 && cw_slice_equal(reading->field.name, reading->first))
        reading->field.order = ++reading->order;
}

static bool is_rule(struct cw_slice line)
{
    line = cw_slice_trim(line);
    if (line.len < 5 || strchr("-=_*#~", line.data[0]) == NULL)
        return false;
    for (size_t i = 1; i < line.len; i++)
        if (line.data[i] != line.data[0])
            return false;
    return true;
}

static bool begins_order(const struct reading *reading, struct cw_slice line)
{
    struct cw_slice separator = reading->form->separator;
    return separator.len > 0 && line.len >= separator.len &&
           memcmp(line.data, separator.data, separator.len) == 0;
}

static bool continue_value(struct reading *reading, struct cw_slice line)
{
    struct cw_slice words = cw_slice_trim(line);
    if (reading->is_open && (words.len > 0 || reading->takes_paragraphs))
        return cw_buffer_add(&reading->value, "\n", 1, NULL) && add(&reading->value, words);
    if (words.len == 0)
        return end_value(reading);
    return add(&reading->rest, words) && cw_buffer_add(&reading->rest, "\n", 1, NULL);
}

static bool read_line(struct reading *reading, struct cw_slice line)
{
    struct cw_slice name, value;
    if (begins_order(reading, line)) {
        reading->order += reading->has_field;
        reading->has_field = false;
        reading->first = (struct cw_slice){ "", 0 };
        return end_value(reading);
    }
    if (is_rule(line))
        return end_value(reading);
    struct cw_mail_field before = reading->field;
    if (!split_line(line, &name, &value) || !begin_field(reading, name)) {
        reading->field = before;
        return continue_value(reading, line);
    }
    struct cw_mail_field field = reading->field;
    reading->field = before;
    if (!end_value(reading))
        return false;
    reading->field = field;
    count_orders(reading);
    reading->is_open = reading->has_field = true;
    reading->takes_paragraphs = is_in(reading->texts, reading->form->text_count, field.name);
    return add(&reading->value, cw_slice_trim(value));
}

static bool read_lines(struct reading *reading, struct cw_slice text)
{
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len, used = len + (end != NULL);
        struct cw_slice line = { text.data, len };
        text = (struct cw_slice){ text.data + used, text.len - used };
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (cw_slice_is(line, "-- "))
            break;
        if (!read_line(reading, line))
            return false;
    }
    return end_value(reading);
}

/* --- the form --- */

static struct cw_slice *fold_all(const struct cw_slice *names, size_t count, struct cw_arena *arena)
{
    struct cw_slice *folded = cw_arena_alloc(arena, (count + 1) * sizeof *folded);
    for (size_t i = 0; folded != NULL && i < count; i++) {
        char *room = cw_arena_bytes(arena, names[i].len * 3 + 1);
        if (room == NULL)
            return NULL;
        folded[i] = (struct cw_slice){ room, cw_mail_fold(names[i], room) };
    }
    return folded;
}

static bool prepare(struct reading *reading)
{
    const struct cw_mail_form *form = reading->form;
    reading->names = fold_all(form->names, form->name_count, reading->arena);
    reading->texts = fold_all(form->texts, form->text_count, reading->arena);
    reading->firsts = fold_all(form->firsts, form->first_count, reading->arena);
    return reading->names != NULL && reading->texts != NULL && reading->firsts != NULL;
}

bool cw_mail_fields_read(struct cw_slice text, const struct cw_mail_form *form, struct cw_arena *arena,
                         struct cw_mail_fields *out, struct cw_error *err)
{
    struct reading reading = { .form = form, .arena = arena };
    bool ok = prepare(&reading) && read_lines(&reading, text);
    struct cw_mail_field *fields = ok ? cw_arena_alloc(arena, reading.fields.len + 1) : NULL;
    if (fields != NULL && reading.fields.len > 0)
        memcpy(fields, reading.fields.data, reading.fields.len);
    *out = (struct cw_mail_fields){ .fields = fields, .count = reading.fields.len / sizeof *fields };
    out->rest = cw_arena_copy(arena, cw_slice_trim(cw_buffer_slice(&reading.rest)));
    cw_buffer_fini(&reading.fields);
    cw_buffer_fini(&reading.value);
    cw_buffer_fini(&reading.rest);
    return (ok && fields != NULL && out->rest.data != NULL) ||
           cw_fail(err, CW_LIMIT, "the text has more than %d fields, or there is no memory for them",
                   CW_MAIL_FIELDS_MAX);
}
