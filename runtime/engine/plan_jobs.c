/* plan_jobs.c - see plan_jobs.h. */
#include "engine/plan_jobs.h"

#include <stdio.h>

#include "base/buffer.h"
#include "engine/recount.h"

/* --- which entries count for a job --- */

/* "reconcile " and "refresh ": jobs that look twice at a stream. */
static const char *const look_again[] = { "reconcile ", "refresh " };

/* The stream that a job is for; *looks_again when it is one of those. */
static struct cw_slice stream_of(struct cw_slice job, bool *looks_again)
{
    *looks_again = false;
    for (size_t i = 0; i < sizeof look_again / sizeof *look_again; i++) {
        size_t len = strlen(look_again[i]);
        if (job.len <= len || memcmp(job.data, look_again[i], len) != 0)
            continue;
        *looks_again = true;
        return (struct cw_slice){ job.data + len, job.len - len };
    }
    return job;
}

enum level { OF_CART, OF_SITE, BY_DEFAULT, LEVELS };

static bool is_of(const struct cw_site_schedule *entry, enum level level, struct cw_slice cart)
{
    if (level == BY_DEFAULT)
        return entry->is_default && (entry->cart == NULL || cw_slice_is(cart, entry->cart));
    if (entry->is_default || (entry->cart == NULL) != (level == OF_SITE))
        return false;
    return level == OF_SITE || cw_slice_is(cart, entry->cart);
}

static bool names(const struct cw_site_schedule *entry, struct cw_slice job)
{
    return entry->job != NULL && cw_slice_is(job, entry->job);
}

/* The entries of one level that count for a job: those that name it, or for a stream those for all of them.
 */
struct choice {
    const struct cw_site_config *config;
    struct cw_slice cart, job;
    enum level level;
    bool by_name;
};

static bool counts(const struct choice *choice, const struct cw_site_schedule *entry)
{
    if (!is_of(entry, choice->level, choice->cart))
        return false;
    return choice->by_name ? names(entry, choice->job) : entry->job == NULL;
}

/* Whether any entry of the level names the job; for a stream also whether any is for all of them. */
static bool settles(struct choice *choice, bool is_stream)
{
    bool any = false;
    choice->by_name = false;
    for (size_t i = 0; i < choice->config->schedule_count && !choice->by_name; i++) {
        const struct cw_site_schedule *entry = &choice->config->schedules[i];
        if (!is_of(entry, choice->level, choice->cart))
            continue;
        choice->by_name = names(entry, choice->job);
        any = any || (is_stream && entry->job == NULL);
    }
    return any || choice->by_name;
}

static struct choice choose(const struct cw_site_config *config, struct cw_slice cart, struct cw_slice job)
{
    struct choice choice = { .config = config, .cart = cart, .job = job };
    bool looks_again;
    stream_of(job, &looks_again);
    for (int level = OF_CART; level < LEVELS; level++) {
        choice.level = (enum level)level;
        if (settles(&choice, cart.len > 0 && !looks_again))
            return choice;
    }
    choice.by_name = true; /* nothing names it */
    return choice;
}

/* --- due times --- */

static uint64_t key_of(struct cw_slice cart, struct cw_slice job)
{
    return (uint64_t)cw_slice_hash(cart) << 32 | cw_slice_hash(job);
}

static cw_time next_of(const struct choice *choice, cw_time served, cw_time now)
{
    cw_time next = CW_TIME_NONE;
    for (size_t i = 0; i < choice->config->schedule_count; i++) {
        const struct cw_site_schedule *entry = &choice->config->schedules[i];
        if (!counts(choice, entry) || entry->is_off)
            continue;
        cw_time due = cw_schedule_next(&entry->schedule, served, now, key_of(choice->cart, choice->job));
        if (due != CW_TIME_NONE && (next == CW_TIME_NONE || due < next))
            next = due;
    }
    return next;
}

cw_time cw_jobs_next(const struct cw_site_config *config, struct cw_slice cart, struct cw_slice job,
                     cw_time served, cw_time now)
{
    struct choice choice = choose(config, cart, job);
    return next_of(&choice, served, now);
}

cw_time cw_job_served(const struct cw_job *job)
{
    bool was_due =
        job->due_at != CW_TIME_NONE && job->began_at != CW_TIME_NONE && job->due_at <= job->began_at;
    return was_due ? job->began_at : job->served_at;
}

/* --- the list --- */

struct plan {
    const struct cw_site_config *config;
    cw_time now;
    struct cw_arena *arena;
    struct cw_buffer text;
    struct cw_job *jobs;
    size_t count;
    struct cw_error *err;
};

/* The texts of all entries that count, in one line; empty where there are none. */
static bool write_schedule(struct plan *plan, const struct choice *choice)
{
    plan->text.len = 0;
    for (size_t i = 0; i < choice->config->schedule_count; i++) {
        const struct cw_site_schedule *entry = &choice->config->schedules[i];
        if (counts(choice, entry) &&
            !cw_buffer_print(&plan->text, plan->err, "%s%s", plan->text.len > 0 ? "; " : "", entry->text))
            return false;
    }
    return true;
}

static bool is_off(const struct choice *choice)
{
    bool any = false;
    for (size_t i = 0; i < choice->config->schedule_count; i++)
        any = any || (counts(choice, &choice->config->schedules[i]) && !choice->config->schedules[i].is_off);
    return !any;
}

static bool keep_text(struct plan *plan, struct cw_slice text, struct cw_slice *out)
{
    *out = cw_arena_copy(plan->arena, text);
    return out->data != NULL || cw_fail(plan->err, CW_NOMEM, "no memory for the list of jobs");
}

static bool add_job(struct plan *plan, const struct choice *choice)
{
    struct cw_job *job = &plan->jobs[plan->count++];
    *job = (struct cw_job){ .due_at = next_of(choice, CW_TIME_NONE, plan->now),
                            .woken_at = CW_TIME_NONE,
                            .served_at = CW_TIME_NONE,
                            .began_at = CW_TIME_NONE,
                            .ended_at = CW_TIME_NONE };
    return write_schedule(plan, choice) && keep_text(plan, choice->cart, &job->cart) &&
           keep_text(plan, choice->job, &job->name) &&
           keep_text(plan, (struct cw_slice){ plan->text.data, plan->text.len }, &job->schedule);
}

/* The stream itself, whether it has due times or not, and the looks at it that have. */
static bool add_stream(struct plan *plan, const char *cart, const char *stream)
{
    struct choice choice = choose(plan->config, cw_slice(cart), cw_slice(stream));
    if (!add_job(plan, &choice))
        return false;
    for (size_t i = 0; i < sizeof look_again / sizeof *look_again; i++) {
        char name[128];
        int len = snprintf(name, sizeof name, "%s%s", look_again[i], stream);
        struct cw_slice job = { name, (size_t)len };
        if (len < 0 || job.len >= sizeof name)
            continue;
        choice = choose(plan->config, cw_slice(cart), job);
        if (!is_off(&choice) && !add_job(plan, &choice))
            return false;
    }
    return true;
}

static const struct cw_out_config *told(const struct cw_site_config *config, const char *cart)
{
    for (size_t i = 0; i < config->cart_count; i++)
        if (strcmp(config->carts[i].name, cart) == 0)
            return &config->carts[i].out;
    return NULL;
}

static bool is_planned(const struct plan *plan, const char *cart, const struct cw_planned_stream *stream)
{
    const struct cw_out_config *config = told(plan->config, cart);
    enum cw_out out;
    if (!stream->is_out)
        return !stream->is_off;
    return config != NULL && cw_out_find(cw_slice(stream->name), &out) && config->sending[out].is_on;
}

static bool add_out(struct plan *plan, const char *cart, const char *stream)
{
    struct choice choice = choose(plan->config, cw_slice(cart), cw_slice(stream));
    return add_job(plan, &choice);
}

enum { RULES_MAX = sizeof " rules " + 8 };

static void write_rules(const struct cw_site_config *config, char rules[RULES_MAX])
{
    char version[CW_HASH_TEXT_MAX];
    cw_recount_version(config, version);
    snprintf(rules, RULES_MAX, " rules %.8s", version);
}

bool cw_jobs_has_rules(const struct cw_site_config *config, struct cw_slice schedule)
{
    char rules[RULES_MAX];
    write_rules(config, rules);
    size_t len = strlen(rules);
    return schedule.len >= len && memcmp(schedule.data + schedule.len - len, rules, len) == 0;
}

/* What figures depend on in site.lua stands in its schedule: when that is another one, it is due at once. */
static bool add_recount(struct plan *plan)
{
    struct choice choice = choose(plan->config, cw_slice(""), cw_slice("recount"));
    char rules[RULES_MAX];
    if (is_off(&choice) || !cw_recount_is_needed(plan->config))
        return true;
    write_rules(plan->config, rules);
    if (!add_job(plan, &choice) || !cw_buffer_print(&plan->text, plan->err, "%s", rules))
        return false;
    struct cw_job *job = &plan->jobs[plan->count - 1];
    job->due_at = plan->now;
    return keep_text(plan, cw_buffer_slice(&plan->text), &job->schedule);
}

static bool add_one(struct plan *plan, const char *cart, const struct cw_planned_stream *stream)
{
    if (!is_planned(plan, cart, stream))
        return true;
    return stream->is_out ? add_out(plan, cart, stream->name) : add_stream(plan, cart, stream->name);
}

static bool add_all(struct plan *plan, const struct cw_cart_streams *carts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < carts[i].count; j++)
            if (!add_one(plan, carts[i].cart, &carts[i].streams[j]))
                return false;
    struct choice tidy = choose(plan->config, cw_slice(""), cw_slice("tidy"));
    return (is_off(&tidy) || add_job(plan, &tidy)) && add_recount(plan);
}

bool cw_jobs_plan(const struct cw_site_config *config, const struct cw_cart_streams *carts, size_t count,
                  cw_time now, struct cw_arena *arena, struct cw_job **jobs, size_t *job_count,
                  struct cw_error *err)
{
    size_t most = 2; /* the site's own */
    for (size_t i = 0; i < count; i++)
        most += carts[i].count * (1 + sizeof look_again / sizeof *look_again);
    struct plan plan = { .config = config, .now = now, .arena = arena, .err = err };
    plan.jobs = cw_arena_alloc(arena, most * sizeof *plan.jobs);
    bool ok = plan.jobs != NULL || cw_fail(err, CW_NOMEM, "no memory for the list of jobs");
    ok = ok && add_all(&plan, carts, count);
    cw_buffer_fini(&plan.text);
    *jobs = plan.jobs;
    *job_count = plan.count;
    return ok;
}

/* --- carts --- */

static const char *copy_text(struct cw_arena *arena, const char *text)
{
    return cw_arena_copy(arena, (struct cw_slice){ text, strlen(text) + 1 }).data;
}

bool cw_jobs_streams(const struct cw_lua_cart *cart, struct cw_arena *arena, struct cw_cart_streams *out,
                     struct cw_error *err)
{
    struct cw_planned_stream *streams =
        cw_arena_alloc(arena, (cart->stream_count + CW_OUT_STREAMS) * sizeof *streams);
    const char *name = copy_text(arena, cart->name);
    bool ok = streams != NULL && name != NULL;
    size_t count = 0;
    for (size_t i = 0; ok && i < cart->stream_count; i++) {
        const struct cw_lua_stream *stream = &cart->streams[i];
        streams[count] = (struct cw_planned_stream){ copy_text(arena, stream->name), stream->is_off, false };
        ok = streams[count++].name != NULL;
    }
    for (int i = 0; ok && i < CW_OUT_STREAMS; i++)
        if (cart->outs[i].is_there)
            streams[count++] = (struct cw_planned_stream){ cw_out_name((enum cw_out)i), false, true };
    *out = (struct cw_cart_streams){ .cart = name, .streams = streams, .count = ok ? count : 0 };
    return ok || cw_fail(err, CW_NOMEM, "no memory to plan jobs");
}

static bool has_stream(const struct cw_cart_streams *cart, struct cw_slice name)
{
    for (size_t i = 0; i < cart->count; i++)
        if (cw_slice_is(name, cart->streams[i].name))
            return true;
    return false;
}

static bool fail_job(const struct cw_site_schedule *entry, const struct cw_cart_streams *cart,
                     struct cw_error *err)
{
    struct cw_buffer streams = { 0 };
    for (size_t i = 0; i < cart->count; i++)
        cw_buffer_print(&streams, NULL, "%s%s", i > 0 ? ", " : "", cart->streams[i].name);
    cw_fail(err, CW_USAGE, "%s: job \"%s\": cart %s has no such stream; it has %s", entry->where, entry->job,
            cart->cart, streams.len > 0 ? streams.data : "none");
    cw_buffer_fini(&streams);
    return false;
}

bool cw_jobs_check(const struct cw_site_config *config, const struct cw_cart_streams *cart,
                   struct cw_error *err)
{
    for (size_t i = 0; i < config->schedule_count; i++) {
        const struct cw_site_schedule *entry = &config->schedules[i];
        bool looks_again;
        if (entry->job == NULL || !is_of(entry, OF_CART, cw_slice(cart->cart)))
            continue;
        if (!has_stream(cart, stream_of(cw_slice(entry->job), &looks_again)))
            return fail_job(entry, cart, err);
    }
    return true;
}
