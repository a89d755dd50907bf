/* judge.h - what becomes of one record: mapped, added up, put to the site's rules, with the edits of people
 * laid over it.
 *
 * In steps, because the store is asked between them for many records together: map a record; ask the rules
 * for their questions (cw_rules_ask); decide with the answers and with what the store holds under the
 * record's key; finish each document that comes out of it with its edits. Everything made lives in the arena.
 */
#ifndef CW_ENGINE_JUDGE_H
#define CW_ENGINE_JUDGE_H

#include "bindings/carts.h"

/* The record alone: its document, issues, sums. A skip rule of the stream decides only about what the store
 * does not have: mapped first as if it had nothing of it, a record that is skipped and stored is mapped
 * again. */
bool cw_judge_map(const struct cw_lua_stream *stream, const struct cw_scope *scope, struct cw_slice id,
                  struct cw_plan_how how, struct cw_arena *arena, struct cw_mapped *mapped,
                  struct cw_error *err);

/* Whether a record whose document the store has is mapped though a skip rule says no. Not so a level: the
 * rule says that the shop keeps none any more. */
bool cw_judge_keeps(const struct cw_stored *stored);

/* What the rules make of it. `stored` NULL = the store has nothing of it. */
bool cw_judge_decide(const struct cw_lua_stream *stream, const struct cw_stored *stored,
                     const struct cw_answers *answers, size_t answer_count, bool trace,
                     struct cw_arena *arena, struct cw_mapped *mapped, struct cw_error *err);

/* Edits whose cart_value is another one now, or that lead nowhere any more: to be put again. */
struct cw_news {
    struct cw_edit *edits;
    size_t count;
};

/* Lays the edits of `stored` over `doc`, which is mapped->doc or one of mapped->also. mapped->doc is added up
 * again, and issues pass that a person has released; what was released of the others is none of it. */
bool cw_judge_finish(const struct cw_stored *stored, struct cw_document *doc, struct cw_arena *arena,
                     struct cw_mapped *mapped, struct cw_news *news, struct cw_error *err);

/* The document as the cart said it last: what is stored, without its edits. NULL when the arena is exhausted
 * or there is none. */
struct cw_document *cw_judge_said(const struct cw_stored *stored, struct cw_arena *arena);

/* All steps for one record alone, in a transaction that is rolled back: for explanations. `store` NULL: rules
 * get no answers, as from an empty store. *stored is the document as the store has it, NULL = it has none. */
bool cw_judge_alone(const struct cw_lua_stream *stream, struct cw_store *store, const struct cw_scope *scope,
                    struct cw_slice id, struct cw_arena *arena, struct cw_mapped *mapped,
                    const struct cw_document **stored, struct cw_error *err);

#endif
