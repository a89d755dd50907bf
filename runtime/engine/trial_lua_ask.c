/* trial_lua_ask.c - more functions of cartwright.native.trial: what the store holds, and what the cart's
 * script makes of a notice, or answers. They are answered while nothing of Lua may raise, and told
 * afterwards. */
#include <stdlib.h>
#include <string.h>

#include "bindings/bindings.h"
#include "engine/trial_private.h"

/* --- query --- */

enum { PARAMS_MAX = 8 };

/* A cell is its length, SIZE_MAX = NULL, and its bytes; the names come first. */
struct rows {
    struct cw_buffer *cells;
    size_t columns, count;
    bool ok;
    struct cw_error err;
};

static bool add_cell(struct rows *rows, struct cw_slice cell)
{
    size_t len = cell.data == NULL ? SIZE_MAX : cell.len;
    return cw_buffer_add(rows->cells, &len, sizeof len, &rows->err) &&
           cw_buffer_add(rows->cells, cell.data, cell.data == NULL ? 0 : cell.len, &rows->err);
}

static bool add_row(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct rows *rows = arg;
    bool ok = true;
    for (size_t i = 0; ok && rows->count == 0 && i < columns; i++)
        ok = add_cell(rows, names[i]);
    for (size_t i = 0; ok && i < columns; i++)
        ok = add_cell(rows, row[i]);
    rows->columns = columns;
    rows->count++;
    return ok;
}

static void asked(void *arg, const struct cw_error *err)
{
    struct rows *rows = arg;
    rows->ok = err == NULL && rows->err.code == CW_OK; /* add_row may have stopped it */
    if (err != NULL)
        rows->err = *err;
}

static struct cw_slice take_cell(const struct rows *rows, size_t *at)
{
    size_t len;
    memcpy(&len, rows->cells->data + *at, sizeof len);
    *at += sizeof len;
    if (len == SIZE_MAX)
        return (struct cw_slice){ NULL, 0 };
    *at += len;
    return (struct cw_slice){ rows->cells->data + *at - len, len };
}

static void push_rows(lua_State *L, const struct rows *rows)
{
    size_t at = 0, name_at = 0;
    for (size_t i = 0; i < rows->columns; i++)
        take_cell(rows, &at);
    lua_newtable(L);
    for (size_t number = 1; number <= rows->count; number++) {
        lua_newtable(L);
        name_at = 0;
        for (size_t i = 0; i < rows->columns; i++) {
            struct cw_slice name = take_cell(rows, &name_at), cell = take_cell(rows, &at);
            lua_pushlstring(L, name.data, name.len);
            if (cell.data != NULL)
                lua_pushlstring(L, cell.data, cell.len);
            else
                lua_pushnil(L);
            lua_rawset(L, -3);
        }
        lua_rawseti(L, -2, (lua_Integer)number);
    }
}

/* query(sql, ...) -> list of tables, every value a text. Raises what is wrong with it. */
int cw_trial_lua_query(lua_State *L)
{
    struct cw_trial *trial = lua_touserdata(L, lua_upvalueindex(1));
    struct cw_slice params[PARAMS_MAX];
    struct cw_error err;
    const char *sql = luaL_checkstring(L, 1);
    size_t count = (size_t)lua_gettop(L) - 1;
    luaL_argcheck(L, count <= PARAMS_MAX, 1, "too many parameters");
    for (size_t i = 0; i < count; i++)
        params[i].data = luaL_checklstring(L, (int)i + 2, &params[i].len);
    if (!cw_trial_start(trial, false, &err))
        return cw_lua_raise(L, &err);
    struct rows rows = { .cells = &trial->job.text };
    cw_buffer_clear(rows.cells);
    cw_store_query(trial->store, sql, params, count, add_row, asked, &rows);
    cw_store_wait(trial->store);
    if (!rows.ok)
        return cw_lua_raise(L, &rows.err);
    push_rows(L, &rows);
    return 1;
}

/* --- notices --- */

enum { HEADERS_MAX = 50 };

struct kept { /* a text in the job's buffer */
    size_t at, len;
};

struct hearing {
    struct cw_trial *trial;
    struct cw_lua_hearing heard;
    bool is_believed, is_ignored;
    struct kept reason, id, topic, job;
};

static struct kept keep(struct hearing *hearing, struct cw_slice text)
{
    struct cw_buffer *all = &hearing->trial->job.text;
    struct kept kept = { all->len, text.len };
    return cw_buffer_add(all, text.data, text.len, NULL) ? kept : (struct kept){ 0, 0 };
}

static void heard(void *arg, const struct cw_lua_verdict *verdict, const struct cw_error *err)
{
    struct hearing *hearing = arg;
    if (err == NULL) {
        hearing->is_believed = verdict->is_believed;
        hearing->is_ignored = verdict->is_ignored;
        hearing->reason = keep(hearing, verdict->reason);
        hearing->id = keep(hearing, verdict->id);
        hearing->topic = keep(hearing, verdict->topic);
        hearing->job = keep(hearing, verdict->job);
    }
    cw_trial_end_job(hearing->trial, err);
}

static void set_kept(lua_State *L, const struct cw_trial *trial, const char *name, struct kept kept)
{
    struct cw_slice all = cw_buffer_slice(&trial->job.text);
    lua_pushlstring(L, all.data + kept.at, kept.len);
    lua_setfield(L, -2, name);
}

static void push_verdict(lua_State *L, const struct hearing *hearing)
{
    lua_newtable(L);
    lua_pushboolean(L, hearing->is_believed);
    lua_setfield(L, -2, "believed");
    lua_pushboolean(L, hearing->is_ignored);
    lua_setfield(L, -2, "ignored");
    set_kept(L, hearing->trial, "reason", hearing->reason);
    set_kept(L, hearing->trial, "id", hearing->id);
    set_kept(L, hearing->trial, "topic", hearing->topic);
    set_kept(L, hearing->trial, "job", hearing->job);
}

static void kill_fiber(void *fiber)
{
    cw_fiber_kill(fiber);
}

/* The list { name, value, ... } at `index`; its texts stay on the stack. */
static size_t read_headers(lua_State *L, int index, struct cw_header *headers)
{
    size_t count = 0;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, 2 * HEADERS_MAX + 4, "headers");
    while (count < HEADERS_MAX && lua_geti(L, index, 2 * (lua_Integer)count + 1) == LUA_TSTRING) {
        lua_geti(L, index, 2 * (lua_Integer)count + 2);
        headers[count].name = lua_tostring(L, -2);
        headers[count++].value = luaL_checkstring(L, -1);
    }
    return count;
}

/* hear(path, { name, value, ... }, body) -> { believed, ignored, reason, id, topic, job }. Raises what the
 * script raises. */
int cw_trial_lua_hear(lua_State *L)
{
    struct cw_trial *trial = lua_touserdata(L, lua_upvalueindex(1));
    struct hearing hearing = { .trial = trial };
    struct cw_header headers[HEADERS_MAX];
    struct cw_error err;
    struct cw_lua_notice notice = { .method = "POST", .headers = headers };
    notice.rest.data = luaL_checklstring(L, 1, &notice.rest.len);
    notice.body.data = luaL_checklstring(L, 3, &notice.body.len);
    notice.query = (struct cw_slice){ "", 0 };
    notice.header_count = read_headers(L, 2, headers);
    if (!cw_trial_start(trial, false, &err))
        return cw_lua_raise(L, &err);
    if (!trial->cart->takes_notices)
        return luaL_error(
            L, "the cart takes no notices: it has no function webhook, or the secret webhook_secret is "
               "not among the fake's settings");
    notice.received_at = cw_now(cw_loop_clock(trial->loop));
    hearing.heard = (struct cw_lua_hearing){ heard, &hearing };
    cw_trial_begin_job(trial);
    trial->job.cancel = kill_fiber;
    trial->job.handle = cw_lua_start_notice(trial->cart, &notice, &hearing.heard, &err);
    if (trial->job.handle == NULL || !cw_trial_wait_job(trial, &err))
        return cw_lua_raise(L, &err);
    push_verdict(L, &hearing);
    return 1;
}

/* --- requests --- */

struct asking {
    struct cw_trial *trial;
    struct cw_lua_serving serving;
    int status;
    size_t header_count;
    struct kept body, names[HEADERS_MAX], values[HEADERS_MAX];
};

static struct kept keep_answered(struct asking *asking, struct cw_slice text)
{
    struct cw_buffer *all = &asking->trial->job.text;
    struct kept kept = { all->len, text.len };
    return cw_buffer_add(all, text.data, text.len, NULL) ? kept : (struct kept){ 0, 0 };
}

static void answered(void *arg, const struct cw_lua_answer *answer, const struct cw_error *err)
{
    struct asking *asking = arg;
    if (err == NULL) {
        asking->status = answer->status;
        asking->body = keep_answered(asking, answer->body);
        for (size_t i = 0; i < answer->header_count && i < HEADERS_MAX; i++) {
            asking->names[i] = keep_answered(asking, cw_slice(answer->headers[i].name));
            asking->values[i] = keep_answered(asking, cw_slice(answer->headers[i].value));
            asking->header_count = i + 1;
        }
    }
    cw_trial_end_job(asking->trial, err);
}

static void push_answer(lua_State *L, const struct asking *asking)
{
    struct cw_slice all = cw_buffer_slice(&asking->trial->job.text);
    lua_newtable(L);
    lua_pushinteger(L, asking->status);
    lua_setfield(L, -2, "status");
    set_kept(L, asking->trial, "body", asking->body);
    lua_newtable(L);
    for (size_t i = 0; i < asking->header_count; i++) {
        lua_pushlstring(L, all.data + asking->names[i].at, asking->names[i].len);
        lua_pushlstring(L, all.data + asking->values[i].at, asking->values[i].len);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "headers");
}

/* ask(method, path, query, { name, value, ... }, body) -> { status, headers, body }. Raises what the script
 * raises. */
int cw_trial_lua_ask(lua_State *L)
{
    struct cw_trial *trial = lua_touserdata(L, lua_upvalueindex(1));
    struct asking asking = { .trial = trial };
    struct cw_header headers[HEADERS_MAX];
    struct cw_error err;
    struct cw_lua_notice request = { .method = luaL_checkstring(L, 1), .headers = headers };
    request.rest.data = luaL_checklstring(L, 2, &request.rest.len);
    request.query.data = luaL_checklstring(L, 3, &request.query.len);
    request.body.data = luaL_checklstring(L, 5, &request.body.len);
    request.header_count = read_headers(L, 4, headers);
    if (!cw_trial_start(trial, false, &err))
        return cw_lua_raise(L, &err);
    if (!trial->cart->serves)
        return luaL_error(L, "the cart answers no requests: its script has no function serve");
    request.received_at = cw_now(cw_loop_clock(trial->loop));
    asking.serving = (struct cw_lua_serving){ answered, &asking };
    cw_trial_begin_job(trial);
    trial->job.cancel = kill_fiber;
    trial->job.handle =
        cw_lua_start_serve(trial->cart, &request, (struct cw_fence){ 0 }, &asking.serving, &err);
    if (trial->job.handle == NULL || !cw_trial_wait_job(trial, &err))
        return cw_lua_raise(L, &err);
    push_answer(L, &asking);
    return 1;
}
