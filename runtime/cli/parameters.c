/* parameters.c - see parameters.h. */
#include "cli/parameters.h"

#include <stdio.h>
#include <string.h>

#include "cli/rows.h"
#include "engine/plan_jobs.h"

struct listing {
    struct cw_cli *cli;
    struct cw_arena arena;
    struct cw_cart_streams cart;
    struct cw_job *jobs; /* as the site plans them */
    size_t job_count;
    GPtrArray *cells;
    bool failed;
    struct cw_error err;
};

/* --- jobs --- */

static const char *const job_columns[] = { "job", "schedule", "due_at", "does" };
enum { JOB_COLUMNS = 4 };

static const struct {
    const char *before, *does; /* before the name of a stream */
} kinds[] = {
    { "", "fetches what changed" },
    { "reconcile ", "compares what the shop has with the store, and fetches what is missing" },
    { "refresh ", "reads again what is not final yet" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct cw_job *find_job(const struct listing *listing, struct cw_slice cart, struct cw_slice name)
{
    for (size_t i = 0; i < listing->job_count; i++)
        if (cw_slice_equal(listing->jobs[i].cart, cart) && cw_slice_equal(listing->jobs[i].name, name))
            return &listing->jobs[i];
    return NULL;
}

/* What the store has for a job that stands there with the same schedule is nearer to the truth. */
static bool take_due(void *arg, const struct cw_job *stored)
{
    struct cw_job *job = find_job(arg, stored->cart, stored->name);
    if (job != NULL && cw_slice_equal(job->schedule, stored->schedule))
        job->due_at = stored->due_at;
    return true;
}

static void jobs_read(void *arg, const struct cw_error *err)
{
    struct listing *listing = arg;
    listing->failed = err != NULL;
    if (err != NULL)
        listing->err = *err;
}

static bool plan(struct listing *listing, const char *name)
{
    struct cw_cli *cli = listing->cli;
    struct cw_error *err = &listing->err;
    struct cw_session *session = cw_cli_session(cli, name, true, err);
    const struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, err) : NULL;
    bool ok = cart != NULL && cw_jobs_streams(cart, &listing->arena, &listing->cart, err) &&
              cw_jobs_check(&cli->site->config, &listing->cart, err) &&
              cw_jobs_plan(&cli->site->config, &listing->cart, 1, cw_now(cw_loop_clock(cli->loop)),
                           &listing->arena, &listing->jobs, &listing->job_count, err);
    cw_session_close(session);
    if (!ok || cli->store == NULL)
        return ok;
    cw_store_read_jobs(cli->store, (struct cw_slice){ NULL, 0 }, take_due, jobs_read, listing);
    cw_store_wait(cli->store);
    return !listing->failed;
}

static void add_cell(struct listing *listing, struct cw_slice text)
{
    g_ptr_array_add(listing->cells, text.data != NULL ? g_strndup(text.data, text.len) : NULL);
}

/* `missing` is said of a job that is not planned. */
static void add_job(struct listing *listing, const char *cart, const char *name, const char *does,
                    const char *missing)
{
    char due[CW_TIME_TEXT_MAX];
    const struct cw_job *job = find_job(listing, cw_slice(cart), cw_slice(name));
    bool is_due = job != NULL && job->due_at != CW_TIME_NONE;
    struct cw_slice schedule = job != NULL ? job->schedule : cw_slice(missing);
    if (is_due)
        cw_time_iso(job->due_at, due);
    else if (job != NULL)
        schedule = cw_slice("only when it is woken");
    add_cell(listing, cw_slice(name));
    add_cell(listing, schedule);
    add_cell(listing, is_due ? cw_slice(due) : (struct cw_slice){ NULL, 0 });
    add_cell(listing, cw_slice(does));
}

static void add_jobs(struct listing *listing)
{
    for (size_t i = 0; i < listing->cart.count; i++) {
        const struct cw_planned_stream *stream = &listing->cart.streams[i];
        if (stream->is_out) {
            add_job(listing, listing->cart.cart, stream->name,
                    "sends what the cart is told, also whenever that changes",
                    "not named in `out` of the cart");
            continue;
        }
        for (size_t kind = 0; kind < KINDS; kind++) {
            char *name = g_strdup_printf("%s%s", kinds[kind].before, stream->name);
            add_job(listing, listing->cart.cart, name, kinds[kind].does,
                    stream->is_off ? "its stream is switched off" : "off");
            g_free(name);
        }
    }
    add_job(listing, "", "recount",
            "of the whole site: counts anew all that carts are told of stock and prices",
            "no cart is told of them");
    add_job(listing, "", "tidy", "of the whole site: removes what was kept long enough, looks for silence",
            "off");
}

/* --- fields --- */

static const char *const field_columns[] = { "field", "form", "example", "means" };
enum { FIELD_COLUMNS = 4 };

static const char *const fields[][FIELD_COLUMNS] = {
    { "job", "a job of the list above", "job = \"reconcile orders\"",
      "which job; left out: every stream that is switched on and not named by another entry" },
    { "every", "a whole number and s, m, h or d; \"1s\" to \"366d\"", "every = \"5m\"",
      "so long after it was due last" },
    { "daily", "HH:MM, or a list of such times", "daily = { \"03:30\", \"15:30\" }",
      "each day at these times" },
    { "weekly", "a day (sun to sat) and HH:MM, or a list of such times", "weekly = \"sun 02:00\"",
      "each week at these times" },
    { "cron", "minute hour day month weekday: lists, ranges, steps, names",
      "cron = \"*/10 8-17 * * mon-fri\"",
      "whenever all fields fit; where both are given, the day or the weekday" },
    { "cron", "@hourly, @daily, @weekly, @monthly or @yearly", "cron = \"@daily\"", "the same in a word" },
    { "zone", "a time zone: Europe/Paris, UTC, +02:00", "zone = \"Europe/Berlin\"",
      "of daily, weekly and cron; left out: the site's" },
    { "jitter", "a length of time, at most \"24h\"", "jitter = \"10m\"",
      "later by up to so much, so that not all begin at once" },
    { "off", "true", "off = true", "never by itself; instead of a time" },
};

static void add_fields(struct listing *listing)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t column = 0; column < FIELD_COLUMNS; column++)
            add_cell(listing, cw_slice(fields[i][column]));
}

/* --- both --- */

static void print_title(const struct cw_cli *cli, const char *title)
{
    if (!cli->json)
        printf("%s%s%s\n", cw_cli_bold(), title, cw_cli_plain());
}

static void print_tables(struct listing *listing)
{
    struct cw_cli *cli = listing->cli;
    char *title = g_strdup_printf("Jobs of cart %s", listing->cart.cart);
    print_title(cli, title);
    g_free(title);
    add_jobs(listing);
    cw_cli_print_cells(cli, job_columns, JOB_COLUMNS, listing->cells, "");
    g_ptr_array_set_size(listing->cells, 0);
    print_title(cli, "\nFields of an entry of schedules, for all carts or of one cart in site.lua");
    add_fields(listing);
    cw_cli_print_cells(cli, field_columns, FIELD_COLUMNS, listing->cells, "");
}

int cw_cli_print_parameters(struct cw_cli *cli, const char *cart)
{
    struct listing listing = { .cli = cli, .cells = g_ptr_array_new_with_free_func(g_free) };
    int code = 0;
    cw_arena_init(&listing.arena, 0);
    if (plan(&listing, cart))
        print_tables(&listing);
    else
        code = cw_cli_fail(cli, &listing.err);
    g_ptr_array_unref(listing.cells);
    cw_arena_fini(&listing.arena);
    return code;
}
