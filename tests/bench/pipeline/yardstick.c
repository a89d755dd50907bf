/* yardstick.c - the same job with the bare libraries: fetch with libcurl or read a file, parse, a Lua
 * function for each order, its document as JSON, and upserts of raw record, document and lines, durable, one
 * transaction a page.
 *
 *   pipeline_yardstick SCRIPT SHOP DATABASE plain|tuned ADDRESS|FILE
 *
 * Tuned: pages of 16 KiB in the database, and Lua's generational collector. Prints how many orders it stored.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <sqlite3.h>

#include "tables.h"

enum { FILE_TRANSACTION = 250 };

struct source {
    const char *name, *record, *item;
    int page;
};

static const struct source sources[] = {
    { "prestashop", "order", "order_row", 250 },
    { "woocommerce", NULL, NULL, 100 },
    { "stone_edge", "Order", "Product", 250 },
};

static const struct source *source;
static lua_State *L;
static sqlite3 *db;
static sqlite3_stmt *put_raw, *put_order, *drop_lines, *put_line;
static long stored, in_page;
static struct {
    char *data;
    size_t len, cap;
} body;

static const char schema[] =
    "CREATE TABLE raw (cart TEXT NOT NULL, stream TEXT NOT NULL, external_id TEXT NOT NULL, received_at TEXT "
    "NOT NULL, "
    "bytes BLOB NOT NULL, PRIMARY KEY (cart, stream, external_id));"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, cart TEXT NOT NULL, external_id TEXT NOT NULL, number "
    "TEXT, "
    "status TEXT, placed_at TEXT, currency TEXT, total TEXT, document TEXT NOT NULL, UNIQUE (cart, "
    "external_id));"
    "CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE, "
    "position INTEGER NOT NULL, external_id TEXT, sku TEXT, name TEXT, quantity TEXT, unit_price TEXT, total "
    "TEXT, "
    "PRIMARY KEY (order_id, position)) WITHOUT ROWID;";

static const char raw_sql[] =
    "INSERT INTO raw VALUES ('shop', 'orders', ?1, ?3, ?2) "
    "ON CONFLICT DO UPDATE SET bytes = excluded.bytes, received_at = excluded.received_at";
static const char order_sql[] =
    "INSERT INTO orders (cart, external_id, number, status, placed_at, currency, total, document) "
    "VALUES ('shop', ?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (cart, external_id) DO UPDATE SET "
    "number = excluded.number, status = excluded.status, placed_at = excluded.placed_at, "
    "currency = excluded.currency, total = excluded.total, document = excluded.document RETURNING id";
static const char drop_sql[] = "DELETE FROM order_lines WHERE order_id = ?1";
static const char line_sql[] = "INSERT INTO order_lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "pipeline_yardstick: %s: %s\n", what, why);
    exit(1);
}

/* --- the store --- */

static void execute(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(db));
    return stmt;
}

static void open_store(const char *path, bool tuned)
{
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fail(path, sqlite3_errmsg(db));
    if (tuned)
        execute("PRAGMA page_size = 16384");
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
    execute(schema);
    put_raw = prepare(raw_sql);
    put_order = prepare(order_sql);
    drop_lines = prepare(drop_sql);
    put_line = prepare(line_sql);
}

static void step(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        fail("SQLite", sqlite3_errmsg(db));
    sqlite3_reset(stmt);
}

/* Binds the text at `field` of the table on top; the table keeps it alive. */
static void bind_field(sqlite3_stmt *stmt, int at, const char *field)
{
    size_t len;
    lua_getfield(L, -1, field);
    const char *text = lua_tolstring(L, -1, &len);
    sqlite3_bind_text(stmt, at, text, (int)len, SQLITE_STATIC);
    lua_pop(L, 1);
}

static void store_lines(sqlite3_int64 order)
{
    static const char *const fields[] = { "external_id", "sku", "name", "quantity", "unit_price", "total" };
    sqlite3_bind_int64(drop_lines, 1, order);
    step(drop_lines);
    lua_getfield(L, -1, "lines");
    for (int i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
        sqlite3_bind_int64(put_line, 1, order);
        sqlite3_bind_int(put_line, 2, i);
        for (int field = 0; field < 6; field++)
            bind_field(put_line, field + 3, fields[field]);
        step(put_line);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}

/* The document on top of the stack, its JSON above it. */
static void store(const char *raw, size_t raw_len)
{
    static const char *const fields[] = {
        "external_id", "number", "status", "placed_at", "currency", "total"
    };
    size_t len;
    const char *json = lua_tolstring(L, -1, &len);
    sqlite3_bind_text(put_order, 7, json, (int)len, SQLITE_STATIC);
    lua_pushvalue(L, -2);
    bind_field(put_raw, 1, "external_id");
    sqlite3_bind_blob64(put_raw, 2, raw, raw_len, SQLITE_STATIC);
    step(put_raw);
    for (int field = 0; field < 6; field++)
        bind_field(put_order, field + 1, fields[field]);
    if (sqlite3_step(put_order) != SQLITE_ROW)
        fail("SQLite", sqlite3_errmsg(db));
    sqlite3_int64 order = sqlite3_column_int64(put_order, 0);
    step(put_order);
    store_lines(order);
    lua_pop(L, 1);
}

/* --- orders --- */

static void found(void *arg, const char *raw, size_t len)
{
    const bool *is_file = arg;
    lua_getfield(L, 1, source->name);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 2, 0) != LUA_OK)
        fail("script", lua_tostring(L, -1));
    store(raw, len);
    lua_pop(L, 1);
    stored++;
    if (++in_page % FILE_TRANSACTION == 0 && *is_file)
        execute("COMMIT; BEGIN IMMEDIATE");
}

static void read_page(const char *text, size_t len, bool is_file)
{
    char now[32];
    time_t seconds = time(NULL);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S.000000Z", gmtime(&seconds));
    sqlite3_bind_text(put_raw, 3, now, -1, SQLITE_TRANSIENT);
    in_page = 0;
    execute("BEGIN IMMEDIATE");
    if (source->record != NULL ? !bench_read_xml(L, text, len, source->record, source->item, found, &is_file)
                               : !bench_read_json(L, text, len, found, &is_file))
        fail(source->name, "cannot be read");
    execute("COMMIT");
    lua_settop(L, 1);
}

/* --- pages --- */

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
    (void)arg, (void)size;
    if (body.len + count > body.cap) {
        body.cap = 2 * (body.len + count);
        body.data = realloc(body.data, body.cap);
        if (body.data == NULL)
            fail("memory", "none");
    }
    memcpy(body.data + body.len, data, count);
    body.len += count;
    return count;
}

static void fetch_all(const char *address)
{
    CURL *curl = curl_easy_init();
    char url[512];
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    for (long offset = 0, count = source->page; count == source->page; offset += source->page) {
        snprintf(url, sizeof url, "%s?offset=%ld&count=%d", address, offset, source->page);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        body.len = 0;
        if (curl_easy_perform(curl) != CURLE_OK)
            fail(address, "cannot be read");
        long before = stored;
        read_page(body.data, body.len, false);
        count = stored - before;
    }
    curl_easy_cleanup(curl);
}

static void read_file(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0)
        fail(path, "cannot be opened");
    char *text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        fail(path, "cannot be mapped");
    read_page(text, (size_t)info.st_size, true);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    bool tuned = strcmp(argv[4], "tuned") == 0;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strcmp(sources[i].name, argv[2]) == 0)
            source = &sources[i];
    if (source == NULL)
        fail(argv[2], "no such shop");
    L = luaL_newstate();
    luaL_openlibs(L);
    if (tuned)
        lua_gc(L, LUA_GCGEN, 0, 0);
    if (luaL_dofile(L, argv[1]) != LUA_OK)
        fail(argv[1], lua_tostring(L, -1));
    lua_settop(L, 1);
    open_store(argv[3], tuned);
    if (strncmp(argv[5], "http", 4) == 0)
        fetch_all(argv[5]);
    else
        read_file(argv[5]);
    sqlite3_stmt *stmt;
    while ((stmt = sqlite3_next_stmt(db, NULL)) != NULL)
        sqlite3_finalize(stmt);
    sqlite3_close(db);
    printf("%ld orders\n", stored);
    return 0;
}
