/* run_settings.c - reads the site for the supervisor, which runs no scripts: says what its settings are, and
 * brings the store's list of jobs in line with its schedules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run.h"
#include "engine/plan_jobs.h"
#include "engine/recount.h"
#include "engine/site_store.h"

struct planning {
    struct cw_cli *cli;
    struct cw_arena arena;
    struct cw_cart_streams *carts;
    size_t count;
    GString *inboxes;
    GPtrArray *broken; /* names of carts that could not be opened */
    struct cw_job *jobs;
    size_t job_count;
    GArray *kept; /* struct cw_job of broken carts, as they stand in the store */
    bool ok;
    struct cw_error *err;
};

/* --- what carts have --- */

static bool note_streams(struct planning *planning, const struct cw_lua_cart *cart, struct cw_error *err)
{
    struct cw_cart_streams *noted = &planning->carts[planning->count];
    if (!cw_jobs_streams(cart, &planning->arena, noted, err))
        return false;
    if (!cw_jobs_check(&planning->cli->site->config, noted, err))
        return false; /* its jobs stay as they are in the store */
    planning->count++;
    cw_cli_inbox_lines(cart, planning->inboxes);
    return true;
}

static bool open_cart(struct planning *planning, const char *name, struct cw_error *err)
{
    struct cw_session *session = cw_cli_session(planning->cli, name, false, err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, err) : NULL;
    bool ok = cart != NULL && note_streams(planning, cart, err);
    cw_session_close(session);
    return ok || cw_fail_in(err, "cart %s", name);
}

/* A cart that cannot be opened is told, and keeps no other from its orders. */
static void open_carts(struct planning *planning)
{
    const struct cw_site_config *config = &planning->cli->site->config;
    struct cw_error err;
    for (size_t i = 0; i < config->cart_count; i++)
        if (!open_cart(planning, config->carts[i].name, &err)) {
            cw_cli_fail(planning->cli, &err);
            g_ptr_array_add(planning->broken, config->carts[i].name);
        }
}

/* --- the list of jobs --- */

static bool is_broken(const struct planning *planning, struct cw_slice cart)
{
    for (guint i = 0; i < planning->broken->len; i++)
        if (cw_slice_equal(cart, cw_slice(g_ptr_array_index(planning->broken, i))))
            return true;
    return false;
}

static bool keep_job(void *arg, const struct cw_job *job)
{
    struct planning *planning = arg;
    struct cw_job kept = *job;
    if (!is_broken(planning, job->cart))
        return true;
    kept.cart = cw_arena_copy(&planning->arena, job->cart);
    kept.name = cw_arena_copy(&planning->arena, job->name);
    kept.schedule = cw_arena_copy(&planning->arena, job->schedule);
    kept.message = (struct cw_slice){ "", 0 };
    g_array_append_val(planning->kept, kept);
    return true;
}

static void done(void *arg, const struct cw_error *err)
{
    struct planning *planning = arg;
    planning->ok = err == NULL;
    if (err != NULL)
        *planning->err = *err;
}

static void put_jobs(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct planning *planning = arg;
    if (err != NULL) {
        done(planning, err);
        return;
    }
    if (!cw_recount_is_needed(&planning->cli->site->config)) /* what is put from now on is not counted */
        cw_txn_put_state(txn, cw_slice(""), cw_slice(CW_RECOUNT_STATE), (struct cw_slice){ NULL, 0 });
    g_array_append_vals(planning->kept, planning->jobs, (guint)planning->job_count);
    cw_txn_plan_jobs(txn, (const struct cw_job *)(void *)planning->kept->data, planning->kept->len);
    cw_txn_commit(txn, done, planning);
}

static bool plan(struct planning *planning, struct cw_error *err)
{
    const struct cw_cli *cli = planning->cli;
    planning->err = err;
    if (!cw_jobs_plan(&cli->site->config, planning->carts, planning->count, cw_now(cw_loop_clock(cli->loop)),
                      &planning->arena, &planning->jobs, &planning->job_count, err))
        return false;
    cw_store_read_jobs(cli->store, (struct cw_slice){ NULL, 0 }, keep_job, done, planning);
    cw_store_wait(cli->store);
    if (!planning->ok)
        return false;
    cw_txn_begin(cli->store, (struct cw_fence){ 0 }, put_jobs, planning);
    cw_store_wait(cli->store);
    return planning->ok;
}

/* --- the role --- */

static void print_settings(const struct cw_site_run *run)
{
    printf("workers %u\nhang_us %lld\nlog %s\n", run->workers, (long long)run->hang,
           run->log == CW_SITE_JSON ? "json" : "logfmt");
    if (run->metrics != NULL)
        printf("metrics %s\n", run->metrics);
    if (run->webhooks != NULL)
        printf("webhooks %s\n", run->webhooks);
}

/* A site that had a store does not begin an empty one unattended, as a slip in site.lua would have it. */
static bool may_begin_store(struct cw_cli *cli)
{
    struct cw_error err;
    if (cli->store != NULL)
        return true;
    bool ok =
        !cw_site_had_store(cli->site) ||
        cw_fail(&err, CW_NOT_FOUND,
                "the store that site.lua names is not there, and this site has had one; correct `store`, "
                "put the file back, or begin a new store with cartwright sync");
    if (ok) {
        cli->store = cw_site_open_store(cli->site, cli->loop, true, &err);
        ok = cli->store != NULL;
    }
    if (!ok)
        cw_cli_fail(cli, &err);
    return ok;
}

int cw_cli_run_settings(struct cw_cli *cli, const struct cw_cli_run *run)
{
    struct planning planning = { .cli = cli };
    struct cw_error err;
    int code = 1;
    cw_arena_init(&planning.arena, 0);
    if (cw_cli_open(cli, CW_CLI_STORE_IF_THERE) && may_begin_store(cli)) {
        planning.carts = g_new0(struct cw_cart_streams, cli->site->config.cart_count + 1);
        planning.inboxes = g_string_new(NULL);
        planning.broken = g_ptr_array_new();
        planning.kept = g_array_new(FALSE, FALSE, sizeof(struct cw_job));
        open_carts(&planning);
        if (run->reload && planning.broken->len > 0)
            fputs("cartwright: the site is left as it was; mend it and send SIGHUP again\n", stderr);
        else if (plan(&planning, &err))
            code = 0;
        else
            cw_cli_fail(cli, &err);
        if (code == 0) {
            print_settings(&cli->site->config.run);
            fputs(planning.inboxes->str, stdout);
        }
        g_string_free(planning.inboxes, TRUE);
        g_array_free(planning.kept, TRUE);
        g_ptr_array_free(planning.broken, TRUE);
        g_free(planning.carts);
    }
    cw_arena_fini(&planning.arena);
    cw_cli_close(cli);
    return code;
}
