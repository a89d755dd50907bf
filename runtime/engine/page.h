/* page.h - one page of records at work: what pipeline.c (slices and transactions), page_decide.c (questions
 * to the store, decisions), page_put.c (what is stored) and page_mark.c (what that changes of stock) share.
 */
#ifndef CW_ENGINE_PAGE_H
#define CW_ENGINE_PAGE_H

#include "engine/judge.h"
#include "engine/pipeline.h"
#include "engine/recount.h"

enum {
    SLICE_RECORDS = 32,
    SLICE_BYTES = 256 * 1024,       /* with trees and documents, what fits a cache of the processor */
    ARENA_LIMIT = 256 * 1024 * 1024 /* bytes; what one slice may need in the worst case */
};

/* A document that comes out of a record, and what the store held under its own key. */
struct outcome {
    struct cw_document *doc;
    const struct cw_stored *stored; /* NULL = not asked for, or nothing there */
    struct cw_news news;
};

struct item {
    struct cw_record_key key;
    struct cw_slice bytes;
    struct cw_scope scope;
    struct cw_raw_part *parts; /* what is attached to it */
    size_t part_count;
    struct cw_hash hash;
    bool damaged;
    struct cw_error err; /* of a damaged record */

    bool same_bytes, is_settled, was_staged, was_known;
    struct cw_mapped mapped;
    const struct cw_stored *stored; /* under its key; NULL = nothing */
    struct cw_question *questions;
    struct cw_answers *answers;
    size_t question_count;
    struct outcome *outcomes; /* the record's own document first */
    size_t outcome_count;
};

/* Orders whose demand changes: by their documents at hand, and those of which only the store can tell. */
struct page_changes {
    struct cw_recount_order orders[SLICE_RECORDS];
    struct cw_slice ids[2 * SLICE_RECORDS];
    size_t order_count, id_count;
};

struct cw_page_job {
    struct cw_pipeline pipeline;
    struct cw_page page;
    cw_emit_done_fn *done;
    void *arg;
    struct cw_txn *txn;
    struct cw_later later;
    struct cw_arena arena;
    struct cw_buffer json;
    size_t next;                 /* record */
    size_t in_txn;               /* records put since the last begin */
    int64_t began_ns;            /* the transaction in hand was asked for */
    struct cw_run_counts stored; /* counts of committed transactions of this page */
    struct cw_run_counts counts; /* of the transaction in hand */
    bool cancelled, failed, last;
    bool recounts;    /* stock or prices are told */
    bool has_changed; /* the transaction in hand something that they depend on */
    struct cw_error err;
    struct item items[SLICE_RECORDS];
    size_t count;
    struct page_changes changes; /* of the slice */
};

/* Decides what becomes of every item of the slice that is not settled, asking the store as far as that is
 * needed; goes on with cw_page_put_slice or cw_page_fail, now or later. */
void cw_page_decide(struct cw_page_job *job);

/* Stores one item with its outcomes. False when the transaction is lost or memory is. */
bool cw_page_put(struct cw_page_job *job, const struct item *item);

/* What the items that were put take of stock, and whose figures they change; goes on with cw_page_slice_put
 * or cw_page_fail, now or later. */
void cw_page_mark(struct cw_page_job *job);

/* In pipeline.c. */
void cw_page_slice_put(struct cw_page_job *job);
void cw_page_put_slice(struct cw_page_job *job);
/* `err` NULL: job->err says it already. */
void cw_page_fail(struct cw_page_job *job, const struct cw_error *err);
/* Whether the page was called off while the store worked on an answer; then the job is gone. */
bool cw_page_was_cancelled(struct cw_page_job *job);

#endif
