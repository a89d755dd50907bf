/* lua_mail.c - mails, forms and tables for scripts: cartwright.native.mail, behind
 * scripts/cartwright/mail.lua.
 *
 * Everything of C that is made on the way hangs on a userdata before Lua is called again. */
#include "adapters/html_read.h"
#include "adapters/mail_fields.h"
#include "adapters/mime.h"
#include "bindings/modules.h"

#define MIME_TYPE "cartwright.native.Mime"

enum { MAIL_BYTES_MAX = 16 * 1024 * 1024, NAMES_MAX = 1000 };

/* --- arguments --- */

/* The bytes of a text or an answer; of a body that is on disk a copy in the arena. */
static struct cw_slice check_bytes(lua_State *L, int index, struct cw_arena *arena)
{
    struct cw_error err;
    struct cw_slice bytes;
    const struct cw_body *body = cw_lua_to_body(L, index);
    if (body == NULL) {
        bytes.data = luaL_checklstring(L, index, &bytes.len);
        return bytes;
    }
    uint64_t size = cw_body_size(body);
    if (size > MAIL_BYTES_MAX)
        cw_lua_fail(L, CW_LIMIT, "a mail of %llu bytes is larger than the %d MiB that a record can have",
                    (unsigned long long)size, MAIL_BYTES_MAX / (1024 * 1024));
    bytes = cw_body_memory(body);
    if (bytes.data != NULL || size == 0)
        return bytes;
    char *copy = cw_arena_bytes(arena, (size_t)size);
    if (copy == NULL || !cw_body_read(body, 0, copy, (size_t)size, &err))
        cw_lua_fail(L, CW_NOMEM, "no memory for a mail of %llu bytes", (unsigned long long)size);
    return (struct cw_slice){ copy, (size_t)size };
}

static void push_slice(lua_State *L, struct cw_slice text)
{
    lua_pushlstring(L, text.data != NULL ? text.data : "", text.len);
}

static void set_slice(lua_State *L, const char *key, struct cw_slice text)
{
    push_slice(L, text);
    lua_setfield(L, -2, key);
}

/* Left out where it is empty. */
static void set_text(lua_State *L, const char *key, struct cw_slice text)
{
    if (text.len > 0)
        set_slice(L, key, text);
}

/* --- mails --- */

static int collect_mime(lua_State *L)
{
    struct cw_mime **mail = luaL_checkudata(L, 1, MIME_TYPE);
    cw_mime_free(*mail);
    *mail = NULL;
    return 0;
}

static void push_address(lua_State *L, struct cw_slice name, struct cw_slice address)
{
    lua_createtable(L, 0, 2);
    set_slice(L, "name", name);
    set_slice(L, "address", address);
}

/* By their names in lower case; of several the first. */
static void push_headers(lua_State *L, const struct cw_mime *mail)
{
    char name[128];
    lua_createtable(L, 0, (int)mail->header_count);
    for (size_t i = mail->header_count; i-- > 0;) {
        size_t len = mail->headers[i].name.len < sizeof name ? mail->headers[i].name.len : sizeof name;
        for (size_t k = 0; k < len; k++) {
            char c = mail->headers[i].name.data[k];
            name[k] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        lua_pushlstring(L, name, len);
        push_slice(L, mail->headers[i].value);
        lua_rawset(L, -3);
    }
}

static void push_attachments(lua_State *L, const struct cw_mime *mail)
{
    lua_createtable(L, (int)mail->attachment_count, 0);
    for (size_t i = 0; i < mail->attachment_count; i++) {
        const struct cw_mime_attachment *attachment = &mail->attachments[i];
        lua_createtable(L, 0, 4);
        set_slice(L, "name", attachment->name);
        set_slice(L, "type", attachment->type);
        set_text(L, "charset", attachment->charset);
        set_slice(L, "body", attachment->bytes);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_notes(lua_State *L, const struct cw_mime *mail)
{
    lua_createtable(L, (int)mail->note_count, 0);
    for (size_t i = 0; i < mail->note_count; i++) {
        push_slice(L, mail->notes[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

static void push_mail(lua_State *L, const struct cw_mime *mail)
{
    lua_createtable(L, 0, 16);
    set_slice(L, "subject", mail->subject);
    set_text(L, "message_id", mail->message_id);
    push_address(L, mail->from_name, mail->from_address);
    lua_setfield(L, -2, "from");
    push_address(L, mail->to_name, mail->to_address);
    lua_setfield(L, -2, "to");
    if (mail->date != CW_TIME_NONE) {
        cw_lua_push_time(L, mail->date);
        lua_setfield(L, -2, "date");
    }
    const char *kind = cw_mime_kind_name(mail->kind);
    lua_pushstring(L, kind != NULL ? kind : "mail");
    lua_setfield(L, -2, "kind");
    if (mail->plain.data != NULL)
        set_slice(L, "text", mail->plain);
    if (mail->html.data != NULL)
        set_slice(L, "html", mail->html);
    push_headers(L, mail);
    lua_setfield(L, -2, "headers");
    push_attachments(L, mail);
    lua_setfield(L, -2, "attachments");
    push_notes(L, mail);
    lua_setfield(L, -2, "notes");
    set_flag(L, "damaged", mail->is_damaged);
    set_flag(L, "encrypted", mail->is_encrypted);
    set_flag(L, "tnef", mail->has_tnef);
}

/* read(text or answer, charset) -> mail | nil, message, code; without the digest it has no bytes of its own.
 */
static int read_mail(lua_State *L)
{
    struct cw_error err;
    char digest[CW_HASH_TEXT_MAX];
    const char *charset = luaL_optstring(L, 2, NULL);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct cw_slice bytes = check_bytes(L, 1, &scratch->arena);
    struct cw_mime **mail = lua_newuserdatauv(L, sizeof *mail, 0);
    *mail = NULL;
    luaL_setmetatable(L, MIME_TYPE);
    *mail = cw_mime_parse(bytes, charset, &err);
    if (*mail == NULL) {
        cw_lua_clear_scratch(scratch);
        return cw_lua_push_failure(L, &err);
    }
    struct cw_hash hash = cw_mime_digest(bytes);
    cw_hash_hex(&hash, digest);
    push_mail(L, *mail);
    lua_pushstring(L, digest);
    lua_setfield(L, -2, "digest");
    cw_mime_free(*mail);
    *mail = NULL;
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* answer(text or answer, name) -> Response with the same bytes */
static int make_answer(lua_State *L)
{
    struct cw_error err;
    const char *name = luaL_checkstring(L, 2);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct cw_slice bytes = check_bytes(L, 1, &scratch->arena);
    struct cw_body *body = cw_body_create(MAIL_BYTES_MAX, &err);
    if (body == NULL || !cw_body_write(body, bytes, &err)) {
        cw_body_free(body);
        return cw_lua_raise(L, &err);
    }
    cw_lua_push_file_response(L, body, name);
    cw_lua_clear_scratch(scratch);
    return 1;
}

/* --- forms --- */

/* The texts of the list in field `name` of the form; they live as long as the form has them. */
static const struct cw_slice *read_names(lua_State *L, int form, const char *name, struct cw_arena *arena,
                                         size_t *count)
{
    *count = 0;
    if (lua_getfield(L, form, name) != LUA_TTABLE) {
        lua_pop(L, 1);
        return NULL;
    }
    size_t len = lua_rawlen(L, -1);
    struct cw_slice *names = len <= NAMES_MAX ? cw_arena_alloc(arena, (len + 1) * sizeof *names) : NULL;
    if (names == NULL)
        cw_lua_fail(L, CW_LIMIT, "%s of a form has at most %d names", name, NAMES_MAX);
    for (size_t i = 0; i < len; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            cw_lua_fail(L, CW_USAGE, "%s of a form is a list of texts; item %zu is %s", name, i + 1,
                        cw_lua_type_name(L, -1));
        names[i].data = lua_tolstring(L, -1, &names[i].len);
        lua_pop(L, 1);
    }
    *count = len;
    lua_pop(L, 1);
    return names;
}

static struct cw_slice read_text(lua_State *L, int form, const char *name)
{
    struct cw_slice text = { "", 0 };
    int type = lua_getfield(L, form, name);
    if (type == LUA_TSTRING)
        text.data = lua_tolstring(L, -1, &text.len);
    else if (type != LUA_TNIL)
        cw_lua_fail(L, CW_USAGE, "%s of a form is a text, not %s", name, cw_lua_type_name(L, -1));
    lua_pop(L, 1);
    return text;
}

static void push_field(lua_State *L, const struct cw_mail_field *field)
{
    lua_createtable(L, 0, 4);
    set_slice(L, "name", field->name);
    set_slice(L, "value", field->value);
    if (field->index >= 0) {
        lua_pushinteger(L, field->index);
        lua_setfield(L, -2, "index");
    }
    lua_pushinteger(L, (lua_Integer)field->order + 1);
    lua_setfield(L, -2, "order");
}

/* fields(text, { names, texts, first, separator }) -> fields, rest */
static int read_fields(lua_State *L)
{
    struct cw_error err;
    struct cw_mail_fields found;
    struct cw_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    struct cw_mail_form form = { .separator = read_text(L, 2, "separator") };
    form.names = read_names(L, 2, "names", &scratch->arena, &form.name_count);
    form.texts = read_names(L, 2, "texts", &scratch->arena, &form.text_count);
    form.firsts = read_names(L, 2, "first", &scratch->arena, &form.first_count);
    if (!cw_mail_fields_read(text, &form, &scratch->arena, &found, &err))
        return cw_lua_raise(L, &err);
    lua_createtable(L, (int)found.count, 0);
    for (size_t i = 0; i < found.count; i++) {
        push_field(L, &found.fields[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    push_slice(L, found.rest);
    cw_lua_clear_scratch(scratch);
    return 2;
}

/* fold(name) -> name as fields are compared */
static int fold(lua_State *L)
{
    struct cw_slice name;
    name.data = luaL_checklstring(L, 1, &name.len);
    luaL_argcheck(L, name.len <= CW_MAIL_FIELD_NAME_MAX * 10, 1, "too long for a name");
    char out[CW_MAIL_FIELD_NAME_MAX * 30 + 1];
    lua_pushlstring(L, out, cw_mail_fold(name, out));
    return 1;
}

/* --- tables --- */

/* A cell over several columns stands in the first of them; the others are empty. */
static void push_row(lua_State *L, const struct cw_html_row *row)
{
    lua_Integer column = 0;
    lua_createtable(L, (int)row->count, 0);
    for (size_t i = 0; i < row->count; i++)
        for (unsigned span = 0; span < row->cells[i].colspan; span++) {
            push_slice(L, span == 0 ? row->cells[i].text : (struct cw_slice){ "", 0 });
            lua_rawseti(L, -2, ++column);
        }
}

/* html(text) -> its words, its tables: lists of rows, which are lists of texts */
static int read_html(lua_State *L)
{
    struct cw_error err;
    struct cw_html html;
    struct cw_slice text;
    text.data = luaL_checklstring(L, 1, &text.len);
    struct cw_lua_scratch *scratch = cw_lua_push_scratch(L);
    if (!cw_html_read(text, &scratch->arena, &html, &err))
        return cw_lua_raise(L, &err);
    push_slice(L, html.text);
    lua_createtable(L, (int)html.count, 0);
    for (size_t t = 0; t < html.count; t++) {
        lua_createtable(L, (int)html.tables[t].count, 0);
        for (size_t r = 0; r < html.tables[t].count; r++) {
            push_row(L, &html.tables[t].rows[r]);
            lua_rawseti(L, -2, (lua_Integer)r + 1);
        }
        lua_rawseti(L, -2, (lua_Integer)t + 1);
    }
    cw_lua_clear_scratch(scratch);
    return 2;
}

int cw_lua_open_mail(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", collect_mime }, { NULL, NULL } };
    static const luaL_Reg functions[] = {
        { "read", read_mail }, { "answer", make_answer }, { "fields", read_fields },
        { "fold", fold },      { "html", read_html },     { NULL, NULL },
    };
    cw_lua_new_type(L, MIME_TYPE, meta, NULL);
    luaL_newlib(L, functions);
    return 1;
}
