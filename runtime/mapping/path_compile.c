/* path_compile.c - from the text of a path to its steps; whatever is malformed is named with its place. */
#include "mapping/path_steps.h"

struct parser {
    struct cw_slice text;
    size_t at; /* bytes read */
    struct cw_arena *arena;
    struct cw_error *err;
};

static bool at_end(const struct parser *p)
{
    return p->at == p->text.len;
}

static bool sees(const struct parser *p, char c)
{
    return !at_end(p) && p->text.data[p->at] == c;
}

static bool accept(struct parser *p, char c)
{
    bool seen = sees(p, c);
    p->at += seen;
    return seen;
}

/* `at` is a byte of the text; people count characters. */
static bool refuse(const struct parser *p, size_t at, const char *why)
{
    size_t character = 1;
    for (size_t i = 0; i < at; i++)
        character += ((unsigned char)p->text.data[i] & 0xC0) != 0x80;
    return cw_fail(p->err, CW_USAGE, "path \"%.*s\", character %zu: %s", CW_SLICE_ARG(p->text), character,
                   why);
}

static bool no_memory(const struct parser *p)
{
    return cw_fail(p->err, CW_NOMEM, "no memory for path \"%.*s\"", CW_SLICE_ARG(p->text));
}

/* 'text' with anything in it but a quote. */
static bool read_quoted(struct parser *p, struct cw_slice *out)
{
    size_t start = p->at++;
    const char *from = p->text.data + p->at;
    const char *end = memchr(from, '\'', p->text.len - p->at);
    if (end == NULL)
        return refuse(p, start, "the closing ' is missing");
    *out = (struct cw_slice){ from, (size_t)(end - from) };
    p->at += out->len + 1;
    return true;
}

/* Up to one of `stops` or the end. */
static struct cw_slice read_until(struct parser *p, const char *stops)
{
    size_t start = p->at;
    while (!at_end(p) && (p->text.data[p->at] == '\0' || strchr(stops, p->text.data[p->at]) == NULL))
        p->at++;
    return (struct cw_slice){ p->text.data + start, p->at - start };
}

static bool read_name(struct parser *p, const char *stops, const char *empty, struct cw_slice *out)
{
    size_t start = p->at;
    if (sees(p, '\'')) {
        if (!read_quoted(p, out))
            return false;
    } else {
        *out = read_until(p, stops);
        if (cw_slice_trim(*out).len != out->len)
            return refuse(p, start, "a name begins or ends with a blank; put it in ' if that is meant");
    }
    return out->len > 0 || refuse(p, start, empty);
}

static const char predicate_forms[] = "in brackets stands [NUMBER], [child=VALUE] or [@attribute=VALUE]";

static bool read_position(struct parser *p, struct cw_slice digits, size_t at, size_t *out)
{
    size_t position = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse(p, at, predicate_forms);
        if (i == 9)
            return refuse(p, at, "the position is too large");
        position = position * 10 + (size_t)(digits.data[i] - '0');
    }
    if (position == 0)
        return refuse(p, at, "positions are counted from 1");
    *out = position;
    return true;
}

static bool read_value(struct parser *p, struct cw_slice *out)
{
    if (sees(p, '\''))
        return read_quoted(p, out);
    *out = read_until(p, "]");
    return true;
}

/* What stands after '['. */
static bool read_predicate(struct parser *p, struct cw_predicate *out)
{
    size_t open = p->at - 1, start = p->at;
    out->kind = accept(p, '@') ? CW_PREDICATE_ATTRIBUTE : CW_PREDICATE_CHILD;
    if (!read_name(p, "=]/[", predicate_forms, &out->name))
        return false;
    out->hash = cw_slice_hash(out->name);
    if (accept(p, '=')) {
        if (!read_value(p, &out->value))
            return false;
    } else if (out->kind == CW_PREDICATE_ATTRIBUTE) {
        return refuse(p, start, predicate_forms);
    } else {
        out->kind = CW_PREDICATE_POSITION;
        if (!read_position(p, out->name, start, &out->position))
            return false;
    }
    return accept(p, ']') || refuse(p, open, "the ] of this [ is missing");
}

static bool read_predicates(struct parser *p, struct cw_path_step *step)
{
    struct cw_predicate list[CW_PATH_PREDICATES_MAX];
    size_t count = 0;
    while (accept(p, '[')) {
        if (count == CW_PATH_PREDICATES_MAX)
            return refuse(p, p->at - 1, "more than 4 brackets in one step");
        list[count] = (struct cw_predicate){ 0 };
        if (!read_predicate(p, &list[count++]))
            return false;
    }
    if (count == 0)
        return true;
    struct cw_predicate *copy = cw_arena_alloc(p->arena, count * sizeof *copy);
    if (copy == NULL)
        return no_memory(p);
    memcpy(copy, list, count * sizeof *copy);
    step->predicates = copy;
    step->predicate_count = count;
    return true;
}

static bool read_attribute(struct parser *p, struct cw_path_step *step)
{
    step->kind = CW_STEP_ATTRIBUTE;
    if (!read_name(p, "/[]", "a name is missing after @", &step->name))
        return false;
    step->hash = cw_slice_hash(step->name);
    return at_end(p) || refuse(p, p->at, "nothing can follow an attribute");
}

static bool read_named_step(struct parser *p, struct cw_path_step *step)
{
    size_t start = p->at;
    bool quoted = sees(p, '\'');
    if (!read_name(p, "/[]", "a step is empty", &step->name))
        return false;
    step->kind = CW_STEP_CHILD;
    step->hash = cw_slice_hash(step->name);
    if (!quoted && cw_slice_is(step->name, ".."))
        return refuse(p, start, "there is no way up; start at a node above instead");
    if (!quoted && cw_slice_is(step->name, "."))
        step->kind = CW_STEP_SELF;
    if (!quoted && cw_slice_is(step->name, "*"))
        step->kind = CW_STEP_ANY;
    return read_predicates(p, step);
}

static bool read_step(struct parser *p, struct cw_path_step *step)
{
    *step = (struct cw_path_step){ 0 };
    return accept(p, '@') ? read_attribute(p, step) : read_named_step(p, step);
}

static bool read_part(struct parser *p, struct cw_path_step *part)
{
    part->kind = CW_STEP_SELF;
    return read_name(p, "/[]", "a name is missing after $", &part->name) && read_predicates(p, part);
}

/* Fills `path`, whose steps have room for CW_PATH_STEPS_MAX. */
static bool read_path(struct parser *p, struct cw_path *path, struct cw_path_step *steps)
{
    if (at_end(p))
        return refuse(p, 0, "the path is empty; \".\" is the record itself");
    if (sees(p, '/'))
        return refuse(p, 0, "a path starts at the record, without a leading /");
    path->from_part = accept(p, '$');
    if (path->from_part) {
        if (!read_part(p, &path->part))
            return false;
        if (at_end(p))
            return true;
    } else if (!read_step(p, &steps[path->step_count++])) {
        return false;
    }
    while (accept(p, '/')) {
        if (path->step_count == CW_PATH_STEPS_MAX)
            return refuse(p, p->at, "more than 32 steps");
        if (!read_step(p, &steps[path->step_count++]))
            return false;
    }
    return at_end(p) || refuse(p, p->at, "a / is missing, or a ] is too many");
}

static bool is_plain(const struct cw_path *path, const struct cw_path_step *steps)
{
    bool plain = !path->from_part && path->step_count > 0;
    for (size_t i = 0; i < path->step_count; i++)
        plain = plain && steps[i].kind == CW_STEP_CHILD && steps[i].predicate_count == 0;
    return plain;
}

const struct cw_path *cw_path_compile(struct cw_arena *arena, struct cw_slice text, struct cw_error *err)
{
    struct parser parser = { .text = cw_arena_copy(arena, text), .arena = arena, .err = err };
    struct cw_path_step steps[CW_PATH_STEPS_MAX];
    struct cw_path path = { .text = parser.text };
    if (parser.text.data == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a path");
        return NULL;
    }
    if (!read_path(&parser, &path, steps))
        return NULL;
    path.is_plain = is_plain(&path, steps);
    struct cw_path *compiled = cw_arena_alloc(arena, sizeof path + path.step_count * sizeof *steps);
    if (compiled == NULL) {
        no_memory(&parser);
        return NULL;
    }
    *compiled = path;
    memcpy(compiled->steps, steps, path.step_count * sizeof *steps);
    return compiled;
}

struct cw_slice cw_path_text(const struct cw_path *path)
{
    return path->text;
}
