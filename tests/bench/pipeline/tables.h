/* tables.h - records as Lua tables, the way a program with the bare libraries would make them. */
#ifndef BENCH_TABLES_H
#define BENCH_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

/* Called with the record's table on top of the stack, which it pops; `raw` are the record's bytes. */
typedef void bench_record_fn(void *arg, const char *raw, size_t len);

/* The elements `record` of a document: texts and tables by name; elements named `item` also in a row. */
bool bench_read_xml(lua_State *L, const char *text, size_t len, const char *record, const char *item,
                    bench_record_fn *found, void *arg);

/* The members of the array that the text is. Numbers come as text, as they were written. */
bool bench_read_json(lua_State *L, const char *text, size_t len, bench_record_fn *found, void *arg);

#endif
