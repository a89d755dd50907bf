/* document_json.c - see document_json.h. */
#include "adapters/document_json.h"

#include "adapters/writer.h"
#include "base/currency.h"

/* Where the text stands: how deep, and whether the object has a member yet. */
struct json {
    struct cw_buffer *out;
    struct cw_error *err;
    unsigned indent; /* spaces a level; 0 = one line */
    unsigned depth;
    int money_digits; /* -1 = amounts as they are */
    bool empty;       /* nothing written since the last bracket */
};

static bool write_document(struct json *json, const struct cw_document *doc);

static bool put(struct json *json, const char *text, size_t len)
{
    return cw_buffer_add(json->out, text, len, json->err);
}

static bool new_line(struct json *json)
{
    if (json->indent == 0)
        return true;
    size_t blanks = (size_t)json->indent * json->depth;
    char *place = cw_buffer_reserve(json->out, blanks + 1, json->err);
    if (place == NULL)
        return false;
    place[0] = '\n';
    memset(place + 1, ' ', blanks);
    place[blanks + 1] = '\0';
    json->out->len += blanks + 1;
    return true;
}

static bool open_bracket(struct json *json, const char *bracket)
{
    json->depth++;
    json->empty = true;
    return put(json, bracket, 1);
}

static bool close_bracket(struct json *json, const char *bracket)
{
    json->depth--;
    bool ok = json->empty || new_line(json);
    json->empty = false;
    return ok && put(json, bracket, 1);
}

static bool next_member(struct json *json)
{
    bool ok = json->empty || put(json, ",", 1);
    json->empty = false;
    return ok && new_line(json);
}

/* Names of fields, decimals, money and times hold no character that JSON escapes. */
static bool write_plain(struct json *json, struct cw_slice text, bool quoted)
{
    char *place = cw_buffer_reserve(json->out, text.len + 2, json->err);
    if (place == NULL)
        return false;
    size_t len = 0;
    if (quoted)
        place[len++] = '"';
    memcpy(place + len, text.data, text.len);
    len += text.len;
    if (quoted)
        place[len++] = '"';
    place[len] = '\0';
    json->out->len += len;
    return true;
}

static bool write_colon(struct json *json)
{
    return put(json, ": ", json->indent > 0 ? 2 : 1);
}

/* The name of a field, with all that stands around it, in one piece: there are a hundred to an order. */
static bool write_name(struct json *json, const char *name)
{
    size_t len = strlen(name), blanks = (size_t)json->indent * json->depth;
    char *place = cw_buffer_reserve(json->out, blanks + len + 6, json->err), *at = place;
    if (place == NULL)
        return false;
    if (!json->empty)
        *at++ = ',';
    json->empty = false;
    if (json->indent > 0) {
        *at++ = '\n';
        at = (char *)memset(at, ' ', blanks) + blanks;
    }
    *at++ = '"';
    at = (char *)memcpy(at, name, len) + len;
    *at++ = '"';
    *at++ = ':';
    if (json->indent > 0)
        *at++ = ' ';
    *at = '\0';
    json->out->len += (size_t)(at - place);
    return true;
}

static bool write_list(struct json *json, const struct cw_document *first)
{
    bool ok = open_bracket(json, "[");
    for (const struct cw_document *doc = first; ok && doc != NULL; doc = doc->next)
        ok = next_member(json) && write_document(json, doc);
    return ok && close_bracket(json, "]");
}

static bool write_value(struct json *json, enum cw_type type, const struct cw_value *value)
{
    char scratch[CW_VALUE_TEXT_MAX];
    switch (type) {
    case CW_TEXT:
        return cw_json_write_text(json->out, value->text, json->err);
    case CW_RECORD:
        return write_document(json, value->record);
    case CW_LIST:
        return write_list(json, value->list.first);
    case CW_INTEGER:
    case CW_BOOLEAN:
        return write_plain(json, cw_value_text(type, value, -1, scratch), false);
    case CW_DECIMAL:
    case CW_MONEY:
    case CW_TIME:
        break;
    }
    return write_plain(json, cw_value_text(type, value, json->money_digits, scratch), true);
}

static bool write_members(struct json *json, const struct cw_custom *custom)
{
    bool ok = true;
    for (; ok && custom != NULL; custom = custom->next)
        if (custom->value.is_set)
            ok = next_member(json) && cw_json_write_text(json->out, custom->name, json->err) &&
                 write_colon(json) && write_value(json, custom->type, &custom->value);
    return ok;
}

static bool write_custom(struct json *json, const struct cw_custom *custom)
{
    return open_bracket(json, "{") && write_members(json, custom) && close_bracket(json, "}");
}

/* Nested records have external_id among their fields, documents have it beside them. */
static bool write_id(struct json *json, const struct cw_document *doc)
{
    if (doc->external_id.len == 0 || !doc->kind->is_document)
        return true;
    return write_name(json, "external_id") && cw_json_write_text(json->out, doc->external_id, json->err);
}

static bool write_document(struct json *json, const struct cw_document *doc)
{
    bool ok = open_bracket(json, "{") && write_id(json, doc);
    for (size_t i = 0; ok && i < doc->kind->field_count; i++)
        if (doc->values[i].is_set)
            ok = write_name(json, doc->kind->fields[i].name) &&
                 write_value(json, doc->kind->fields[i].type, &doc->values[i]);
    if (ok && doc->custom != NULL)
        ok = write_name(json, "custom") && write_custom(json, doc->custom);
    return ok && close_bracket(json, "}");
}

static int money_digits(const struct cw_document *doc)
{
    const struct cw_value *currency = cw_document_get(doc, "currency");
    return currency != NULL && currency->is_set ? cw_currency_digits(currency->text) : -1;
}

bool cw_document_json(struct cw_buffer *out, const struct cw_document *doc, unsigned indent,
                      struct cw_error *err)
{
    struct json json = {
        .out = out, .err = err, .indent = indent, .money_digits = money_digits(doc), .empty = true
    };
    return write_document(&json, doc);
}

/* The record in a field that has fields of the site's own; NULL where there are none. */
static const struct cw_document *record_with_custom(const struct cw_document *doc, size_t field)
{
    const struct cw_value *value = &doc->values[field];
    bool is_record = doc->kind->fields[field].type == CW_RECORD && value->is_set && value->record != NULL;
    return is_record && value->record->custom != NULL ? value->record : NULL;
}

static bool has_custom(const struct cw_document *doc)
{
    bool found = doc->custom != NULL;
    for (size_t i = 0; !found && i < doc->kind->field_count; i++)
        found = record_with_custom(doc, i) != NULL;
    return found;
}

static bool check_name(const struct cw_document *doc, const char *record, struct cw_error *err)
{
    for (const struct cw_custom *own = doc->custom; own != NULL; own = own->next)
        if (cw_slice_is(own->name, record)) {
            cw_fail(err, CW_INVALID,
                    "the field of your own \"%s\" has the name of a record that has such fields too; give "
                    "it another name in the mapping",
                    record);
            return cw_fail_at(err, NULL, record, NULL);
        }
    return true;
}

bool cw_custom_json(struct cw_buffer *out, const struct cw_document *doc, struct cw_error *err)
{
    struct json json = { .out = out, .err = err, .money_digits = -1, .empty = true };
    if (!has_custom(doc))
        return true;
    bool ok = open_bracket(&json, "{");
    for (size_t i = 0; ok && i < doc->kind->field_count; i++) {
        const struct cw_document *record = record_with_custom(doc, i);
        const char *name = doc->kind->fields[i].name;
        if (record != NULL)
            ok = check_name(doc, name, err) && write_name(&json, name) && write_custom(&json, record->custom);
    }
    return ok && write_members(&json, doc->custom) && close_bracket(&json, "}");
}
