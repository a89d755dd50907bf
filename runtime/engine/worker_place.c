/* worker_place.c - the carts of a worker: their sessions, their leases, and whether they are stopped. */
#include <string.h>

#include "base/log.h"
#include "engine/worker_private.h"

struct place *cw_place_of(struct cw_worker *worker, const char *cart)
{
    struct place *place = g_hash_table_lookup(worker->places, cart);
    if (place != NULL)
        return place;
    place = g_new0(struct place, 1);
    place->worker = worker;
    place->cart = g_strdup(cart);
    place->works = g_ptr_array_new();
    g_hash_table_insert(worker->places, place->cart, place);
    return place;
}

const char *cw_place_lease(const struct place *place)
{
    return place->cart[0] != '\0' ? place->cart : CW_SITE_LEASE;
}

/* --- sessions --- */

static void tell_lease(struct place *place)
{
    if (place->session == NULL)
        return;
    cw_session_set_token(place->session, place->token);
    cw_session_set_lease(place->session, place->renewed_ns,
                         place->token != 0 ? place->worker->config.lease_time : 0);
}

bool cw_place_open(struct place *place, struct cw_error *err)
{
    const struct cw_worker_config *config = &place->worker->config;
    place->used_at = cw_now(place->worker->clock);
    if (place->session != NULL)
        return true;
    const struct cw_session_config session = { .site = config->site,
                                               .loop = config->loop,
                                               .transport = config->transport,
                                               .store = config->store,
                                               .cart = place->cart,
                                               .seed = config->seed,
                                               .pulse = config->pulse,
                                               .log = place->worker->log,
                                               .began_by = "schedule",
                                               .worker = config->holder,
                                               .limits = config->limits };
    cw_pulse_enter(config->pulse, place->cart);
    place->session = cw_session_open(&session, err);
    place->scripts = place->session != NULL ? cw_session_cart(place->session, place->cart, err) : NULL;
    cw_pulse_leave(config->pulse);
    if (place->scripts == NULL) {
        cw_place_close(place);
        return cw_fail_in(err, "cart %s", place->cart);
    }
    tell_lease(place);
    return true;
}

void cw_place_close(struct place *place)
{
    cw_session_close(place->session);
    place->session = NULL;
    place->scripts = NULL;
}

static struct place *longest_idle(struct cw_worker *worker, unsigned *open)
{
    GHashTableIter each;
    void *value;
    struct place *oldest = NULL;
    *open = 0;
    g_hash_table_iter_init(&each, worker->places);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        struct place *place = value;
        if (place->session == NULL)
            continue;
        ++*open;
        if (place->works->len == 0 && place->held == 0 &&
            (oldest == NULL || place->used_at < oldest->used_at))
            oldest = place;
    }
    return oldest;
}

void cw_place_close_idle(struct cw_worker *worker)
{
    unsigned open;
    struct place *oldest = longest_idle(worker, &open);
    while (open > SESSIONS_KEPT && oldest != NULL) {
        cw_place_close(oldest);
        oldest = longest_idle(worker, &open);
    }
}

void cw_place_free(void *arg)
{
    struct place *place = arg;
    while (place->works->len > 0)
        cw_work_abandon(g_ptr_array_index(place->works, place->works->len - 1));
    cw_place_close(place);
    g_ptr_array_free(place->works, TRUE);
    g_free(place->cart);
    g_free(place);
}

/* --- leases --- */

static void let_go(struct place *place)
{
    cw_log_pairs(CW_LOG_WARNING, "lease-lost", "cart", place->cart, NULL);
    while (place->works->len > 0) {
        cw_work_abandon(g_ptr_array_index(place->works, place->works->len - 1));
        place->worker->working--;
    }
    place->token = 0;
    place->is_lost = false;
    cw_worker_claim(place->worker);
    cw_worker_end_when_done(place->worker);
}

void cw_place_hold(struct place *place, int64_t token, int64_t asked_ns)
{
    if (place->token != 0 && place->token != token)
        let_go(place);
    place->token = token;
    place->renewed_ns = asked_ns;
    tell_lease(place);
    cw_worker_keep_leases(place->worker);
}

static void lose_places(void *arg)
{
    struct cw_worker *worker = arg;
    GHashTableIter each;
    void *place;
    g_hash_table_iter_init(&each, worker->places);
    while (g_hash_table_iter_next(&each, NULL, &place))
        if (((struct place *)place)->is_lost)
            let_go(place);
}

void cw_place_lose(struct place *place)
{
    struct cw_worker *worker = place->worker;
    place->is_lost = true;
    cw_loop_later(worker->config.loop, &worker->lose_later, lose_places, worker);
}

/* What is asked of the store about a place. A store that is closed answers too, when the worker is gone. */
struct asked {
    struct cw_worker *worker; /* NULL = gone */
    char *cart;
    int64_t token;
    int64_t asked_ns; /* by the monotonic clock */
};

static struct asked *ask(struct place *place)
{
    struct asked *asked = g_new0(struct asked, 1);
    *asked = (struct asked){ place->worker, g_strdup(place->cart), place->token,
                             cw_elapsed_ns(place->worker->clock) };
    g_ptr_array_add(place->worker->asked, asked);
    return asked;
}

static void answered(struct asked *asked)
{
    struct cw_worker *worker = asked->worker;
    g_free(asked->cart);
    if (worker != NULL) {
        g_ptr_array_remove_fast(worker->asked, asked);
        cw_worker_end_when_done(worker);
    }
    g_free(asked);
}

void cw_place_forget_asked(struct cw_worker *worker)
{
    for (guint i = 0; i < worker->asked->len; i++)
        ((struct asked *)g_ptr_array_index(worker->asked, i))->worker = NULL;
}

static void note_renewed(struct place *place, int64_t asked_ns)
{
    if (asked_ns > place->renewed_ns)
        place->renewed_ns = asked_ns;
    tell_lease(place);
}

static void renewed(void *arg, int64_t token, const struct cw_error *err)
{
    struct asked *asked = arg;
    struct place *place = asked->worker != NULL ? cw_place_of(asked->worker, asked->cart) : NULL;
    bool is_held = place != NULL && place->token == asked->token;
    (void)token;
    if (err == NULL && is_held)
        note_renewed(place, asked->asked_ns);
    else if (is_held && err->code == CW_CONFLICT)
        cw_place_lose(place);
    else if (is_held)
        cw_log_pairs(CW_LOG_WARNING, "lease-not-renewed", "cart", place->cart, "error", err->text, NULL);
    answered(asked);
}

void cw_place_renew_all(struct cw_worker *worker)
{
    const struct cw_worker_config *config = &worker->config;
    GList *places = g_hash_table_get_values(worker->places);
    for (GList *each = places; each != NULL; each = each->next) {
        struct place *place = each->data;
        if (place->token != 0)
            cw_store_take_lease(config->store, cw_slice(cw_place_lease(place)), cw_slice(config->holder),
                                place->token, config->lease_time, renewed, ask(place));
    }
    g_list_free(places);
}

/* One that could not be given back is over within its time. */
static void given_back(void *arg, const struct cw_error *err)
{
    struct asked *asked = arg;
    if (err != NULL && err->code != CW_CONFLICT)
        cw_log_pairs(CW_LOG_WARNING, "lease-not-given-back", "cart", asked->cart, "error", err->text, NULL);
    answered(asked);
}

void cw_place_rest(struct place *place)
{
    if (place->works->len > 0 || place->token == 0)
        return;
    if (place->worker->claiming)
        return; /* what is claimed just now may be the cart's, under this very lease */
    struct asked *asked = ask(place);
    place->token = 0;
    tell_lease(place);
    cw_store_drop_lease(place->worker->config.store, cw_slice(cw_place_lease(place)), asked->token,
                        given_back, asked);
    cw_place_close_idle(place->worker);
}

void cw_place_rest_all(struct cw_worker *worker)
{
    GList *places = g_hash_table_get_values(worker->places);
    for (GList *each = places; each != NULL; each = each->next)
        cw_place_rest(each->data);
    g_list_free(places);
}

/* --- start and stop --- */

static bool is_named(const struct work *work, const struct cw_control *control)
{
    size_t len = control->stream.len, name = work->job.name.len;
    return len == 0 || cw_slice_equal(work->job.name, control->stream) ||
           (name > len && work->job.name.data[name - len - 1] == ' ' &&
            memcmp(work->job.name.data + name - len, control->stream.data, len) == 0);
}

static bool obey(void *arg, const struct cw_control *control)
{
    struct cw_worker *worker = arg;
    char *cart = g_strndup(control->cart.data, control->cart.len);
    struct place *place = g_hash_table_lookup(worker->places, cart);
    if (place == NULL && control->deaths > 0)
        place = cw_place_of(worker, cart);
    g_free(cart);
    if (place == NULL)
        return true;
    if (control->stream.len == 0)
        place->deaths = control->deaths;
    for (guint i = place->works->len; control->is_stopped && i > 0; i--)
        if (is_named(g_ptr_array_index(place->works, i - 1), control))
            cw_work_stop(g_ptr_array_index(place->works, i - 1));
    return true;
}

static void controls_read(void *arg, const struct cw_error *err)
{
    (void)arg;
    if (err != NULL)
        cw_log_pairs(CW_LOG_WARNING, "controls-not-read", "error", err->text, NULL);
}

void cw_place_read_controls(struct cw_worker *worker)
{
    cw_store_read_controls(worker->config.store, (struct cw_slice){ "", 0 }, obey, controls_read, worker);
}
