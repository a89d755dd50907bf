/* xml_table.c - libxml2's SAX interface straight to Lua tables, the fastest of its ways. */
#include "tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

enum { DEPTH_MAX = 64, TEXT_MAX = 65536, TAG_MAX = 64 };

struct reading {
    lua_State *L;
    const char *record, *item;
    const char *at, *end; /* where the next record's bytes are looked for */
    char start_tag[TAG_MAX], end_tag[TAG_MAX];
    bench_record_fn *found;
    void *arg;
    int depth; /* inside a record: 1 is the record */
    bool has_table[DEPTH_MAX];
    size_t len;
    char text[TEXT_MAX];
};

static void start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                  const xmlChar **declared, int attributes, int defaulted, const xmlChar **values)
{
    (void)prefix, (void)uri, (void)namespaces, (void)declared, (void)attributes, (void)defaulted,
        (void)values;
    struct reading *r = arg;
    r->len = 0;
    if (r->depth == 0 && strcmp((const char *)name, r->record) != 0)
        return;
    if (r->depth > 0 && !r->has_table[r->depth]) {
        lua_createtable(r->L, 0, 8);
        r->has_table[r->depth] = true;
    }
    if (++r->depth >= DEPTH_MAX || !lua_checkstack(r->L, 4))
        exit(1);
    r->has_table[r->depth] = false;
}

static void hand_out(struct reading *r)
{
    const char *raw = memmem(r->at, (size_t)(r->end - r->at), r->start_tag, strlen(r->start_tag));
    const char *behind = memmem(raw, (size_t)(r->end - raw), r->end_tag, strlen(r->end_tag));
    behind += strlen(r->end_tag);
    r->at = behind;
    r->found(r->arg, raw, (size_t)(behind - raw));
}

static void end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix, (void)uri;
    struct reading *r = arg;
    if (r->depth == 0)
        return;
    if (!r->has_table[r->depth])
        lua_pushlstring(r->L, r->text, r->len);
    r->len = 0;
    if (--r->depth == 0)
        hand_out(r);
    else if (strcmp((const char *)name, r->item) == 0)
        lua_rawseti(r->L, -2, (lua_Integer)lua_rawlen(r->L, -2) + 1);
    else
        lua_setfield(r->L, -2, (const char *)name);
}

static void characters(void *arg, const xmlChar *text, int len)
{
    struct reading *r = arg;
    if (r->depth == 0 || r->len + (size_t)len > TEXT_MAX)
        return;
    memcpy(r->text + r->len, text, (size_t)len);
    r->len += (size_t)len;
}

bool bench_read_xml(lua_State *L, const char *text, size_t len, const char *record, const char *item,
                    bench_record_fn *found, void *arg)
{
    static xmlSAXHandler handler = { .initialized = XML_SAX2_MAGIC,
                                     .startElementNs = start,
                                     .endElementNs = end,
                                     .characters = characters,
                                     .cdataBlock = characters };
    static struct reading r;
    r = (struct reading){
        .L = L, .record = record, .item = item, .at = text, .end = text + len, .found = found, .arg = arg
    };
    snprintf(r.start_tag, sizeof r.start_tag, "<%s>", record);
    snprintf(r.end_tag, sizeof r.end_tag, "</%s>", record);
    return xmlSAXUserParseMemory(&handler, &r, text, (int)len) == 0;
}
