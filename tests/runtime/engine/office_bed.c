/* office_bed.c - see office_bed.h. */
#include "office_bed.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/reader.h"

enum { DOCS_MAX = 2000 };

static void open_told(struct office_bed *bed, const char *out, bool is_new)
{
    char rules[4096]; /* closes those of shop, and goes on behind them */
    snprintf(rules, sizeof rules,
             "}, out = { %s } }, other = { type = 'ruled', url = 'http://shop.test', out = { %s }, rules = {",
             out, out);
    if (is_new)
        ruled_bed_init(&bed->site, rules);
    else
        ruled_bed_rules(&bed->site, rules);
}

void office_bed_init(struct office_bed *bed, const char *out)
{
    *bed = (struct office_bed){ .dry_run = false };
    open_told(bed, out, true);
}

void office_bed_out(struct office_bed *bed, const char *out)
{
    open_told(bed, out, false);
}

void office_bed_fini(struct office_bed *bed)
{
    site_bed_fini(&bed->site);
}

static const struct cw_node *parse(const char *docs, struct cw_parser *parser, struct cw_arena *arena)
{
    struct cw_error err;
    size_t len = strlen(docs) + 3;
    char *json = cw_arena_bytes(arena, len);
    snprintf(json, len, "[%s]", docs);
    for (char *c = json; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    const struct cw_node *node = cw_parse(parser, cw_slice(json), "UTF-8", arena, &err);
    assert_ok(node != NULL, err);
    return node;
}

static bool put_request(struct office_bed *bed, struct cw_office_put *put, const char *from)
{
    put->config = &bed->site.site->config;
    put->from = cw_slice(from != NULL ? from : "");
    put->who = cw_slice("ann");
    put->reason = cw_slice("because");
    put->dry_run = bed->dry_run;
    return cw_office_put(bed->site.store, cw_loop_clock(bed->site.loop), put, &bed->result, &bed->err);
}

bool office_bed_put(struct office_bed *bed, const char *kind, const char *docs, const char *from)
{
    struct cw_document *made[DOCS_MAX];
    struct cw_arena arena;
    struct cw_office_put put = { .kind = cw_office_kind(cw_slice(kind), &bed->err), .docs = made };
    bool ok = put.kind != NULL;
    cw_arena_init(&arena, 0);
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, &bed->err);
    const struct cw_node *node = parse(docs, parser, &arena);
    for (const struct cw_node *each = node->first; each != NULL && ok; each = each->next) {
        assert_true(put.count < DOCS_MAX);
        made[put.count] = cw_office_from_json(put.kind, each, NULL, &arena, &bed->err);
        ok = made[put.count++] != NULL;
    }
    ok = ok && put_request(bed, &put, from);
    cw_parser_free(parser);
    cw_arena_fini(&arena);
    return ok;
}

void office_bed_say(struct office_bed *bed, const char *kind, const char *docs)
{
    assert_ok(office_bed_put(bed, kind, docs, NULL), bed->err);
}

bool office_bed_drop(struct office_bed *bed, const char *kind, const char *id)
{
    struct cw_slice drop = cw_slice(id);
    struct cw_office_put put = { .kind = cw_office_kind(cw_slice(kind), &bed->err),
                                 .drops = &drop,
                                 .drop_count = 1 };
    return put_request(bed, &put, NULL);
}

void office_bed_refused(struct office_bed *bed, const char *kind, const char *docs, enum cw_code code,
                        const char *says)
{
    static const char count[] =
        "SELECT (SELECT count(*) FROM stock_levels) + (SELECT count(*) FROM items) + (SELECT count(*) FROM "
        "shipments) + (SELECT count(*) FROM prices) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM "
        "messages) + (SELECT count(*) FROM purchase_orders) + (SELECT count(*) FROM invoices) + (SELECT "
        "count(*) "
        "FROM vendor_levels) + (SELECT count(*) FROM customers)";
    char before[32];
    snprintf(before, sizeof before, "%s", site_bed_ask(&bed->site, count));
    if (office_bed_put(bed, kind, docs, NULL))
        fail_msg("%s %s was not refused", kind, docs);
    assert_has(bed->err.text, says);
    assert_int_equal(bed->err.code, code);
    assert_string_equal(site_bed_ask(&bed->site, count), before);
}
