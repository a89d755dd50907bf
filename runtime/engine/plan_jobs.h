/* plan_jobs.h - which jobs a site has, by its schedules and the streams of its carts, and when each is due.
 *
 * For each job the entries of the cart's own list count, else those of the site's, else the defaults. In a
 * list an entry that names a stream counts for it instead of those for all streams. "reconcile X" and
 * "refresh X" are jobs only while X is switched on.
 * Several entries for one job make it due at the earliest of them. A stream out is a job while its cart is
 * told of it and its script has it; it is woken besides whenever messages are queued. Where any cart is told
 * of stock or prices the site has the job "recount": due at once when that changed, so that figures are
 * complete before they are told.
 */
#ifndef CW_ENGINE_PLAN_JOBS_H
#define CW_ENGINE_PLAN_JOBS_H

#include "adapters/store.h"
#include "base/arena.h"
#include "bindings/carts.h"
#include "bindings/site_config.h"

/* What is known of a cart once its script is loaded. */
struct cw_cart_streams {
    const char *cart;
    const struct cw_planned_stream {
        const char *name;
        bool is_off;
        bool is_out; /* stock_out and so on: on where site.lua says so */
    } * streams;
    size_t count;
};

/* Of a cart that was opened; the texts are copied into the arena. */
bool cw_jobs_streams(const struct cw_lua_cart *cart, struct cw_arena *arena, struct cw_cart_streams *out,
                     struct cw_error *err);

/* Every job that the cart's own entries name is one of a stream that it has. CW_USAGE names the entry's line,
 * the job, and what there is. */
bool cw_jobs_check(const struct cw_site_config *config, const struct cw_cart_streams *cart,
                   struct cw_error *err);

/* The jobs of these carts and of the site itself, for cw_txn_plan_jobs; in the arena, as are their texts.
 * served_at is CW_TIME_NONE in all of them, due_at what it is for a job that never ran. */
bool cw_jobs_plan(const struct cw_site_config *config, const struct cw_cart_streams *carts, size_t count,
                  cw_time now, struct cw_arena *arena, struct cw_job **jobs, size_t *job_count,
                  struct cw_error *err);

/* Whether the schedule of the job "recount" names what figures depend on in this site.lua. */
bool cw_jobs_has_rules(const struct cw_site_config *config, struct cw_slice schedule);

/* When the job is due next; CW_TIME_NONE = when it is woken. `served` is what cw_job_served says. */
cw_time cw_jobs_next(const struct cw_site_config *config, struct cw_slice cart, struct cw_slice job,
                     cw_time served, cw_time now);

/* What a job that began has served: every due time up to its begin, or as before when it was only woken. */
cw_time cw_job_served(const struct cw_job *job);

#endif
