/* pipeline.h - from a page of records to the store: look up, map, check, put, in one transaction with the
 * cursor.
 *
 * Every record of the page ends as posted, unchanged, parked with a reason, or skipped by a named rule. A
 * record that is damaged, or that its mapping cannot read, is parked alone. The loop gets its turn between
 * slices of a page.
 */
#ifndef CW_ENGINE_PIPELINE_H
#define CW_ENGINE_PIPELINE_H

#include "bindings/carts.h"
#include "bindings/site_config.h"
#include "engine/pulse.h"

struct cw_page {
    const struct cw_lua_stream *stream;
    struct cw_records *records; /* borrowed until done */
    struct cw_run *run;         /* counts so far; those of the page are added when it is stored */
    bool has_cursor;
    struct cw_cursor cursor; /* stored along with the page; its position is borrowed until done */
    size_t commit_every;     /* records a transaction; 0 = the whole page in one */
};

/* What is stored of a record, and what it has become. */
struct cw_comparison {
    struct cw_record_key key;
    const struct cw_document *before; /* NULL = the store has no document of it */
    const struct cw_mapped *mapped;
    size_t contested; /* edits of people that the cart contradicts now */
    struct cw_arena *arena;
};

typedef void cw_seen_fn(void *arg, struct cw_slice external_id, bool is_known);

struct cw_pipeline {
    struct cw_store *store;
    struct cw_loop *loop;
    const struct cw_clock *clock;
    const char *script_version;          /* hex */
    bool dry_run;                        /* everything but the commit */
    struct cw_pulse *pulse;              /* told whose script maps; may be NULL */
    int64_t token;                       /* of the carts' leases; 0 = a command that holds none */
    bool again;                          /* map also what is known and unchanged (resubmission) */
    const char *began_by;                /* of its runs, as in cw_session_config; may be NULL */
    const char *worker;                  /* likewise */
    struct cw_run_log *log;              /* may be NULL */
    const struct cw_site_config *config; /* for what carts are told; NULL = nothing */
    /* Called for every record that was mapped, before it is stored; for replays. May be NULL. */
    void (*compared)(void *arg, const struct cw_comparison *comparison);
    void *arg;
    /* Called for every record, once it is clear whether the store knows it. May be NULL. */
    cw_seen_fn *seen;
    void *seen_arg;
};

struct cw_page_job;

/* `done` comes once, from the loop, unless cancelled: with the page's own counts, or with an error, after
 * which nothing of the last transaction was stored. */
struct cw_page_job *cw_pipeline_store(const struct cw_pipeline *pipeline, const struct cw_page *page,
                                      cw_emit_done_fn *done, void *arg, struct cw_error *err);
void cw_pipeline_cancel(struct cw_page_job *job);

/* A run of the stream that begins now. Its texts are the pipeline's and the stream's. */
struct cw_run cw_pipeline_run(const struct cw_pipeline *pipeline, const struct cw_lua_stream *stream,
                              const char *job);

/* Under which the records of a cart are written. */
struct cw_fence cw_pipeline_fence(const struct cw_pipeline *pipeline, const struct cw_lua_cart *cart);

/* Whether read is the sum of its parts; CW_CORRUPT, showing the figures, when not. */
bool cw_counts_check(const struct cw_run_counts *counts, struct cw_error *err);

#endif
