/* leases.c - see leases.h. */
#include "cli/leases.h"

#include "engine/holder.h"

static const cw_time lease_time = CW_MINUTE, renew_every = 20 * CW_SECOND;
enum { TRIES = 25, PAUSE_US = 200 * 1000 };

struct lease {
    char *cart;
    int64_t token;
    struct cw_session *session; /* that works under it; NULL = none is told */
};

struct cw_cli_leases {
    struct cw_cli *cli;
    char holder[CW_HOLDER_MAX];
    GPtrArray *held; /* struct lease */
    struct cw_timer *renew;
};

static void free_lease(void *arg)
{
    struct lease *lease = arg;
    g_free(lease->cart);
    g_free(lease);
}

static int64_t elapsed(const struct cw_cli_leases *leases)
{
    return cw_elapsed_ns(cw_loop_clock(leases->cli->loop));
}

struct renewal {
    const struct lease *lease;
    int64_t asked_ns;
};

/* One that is lost is found by the fence of the next commit. */
static void renewed(void *arg, int64_t token, const struct cw_error *err)
{
    struct renewal *renewal = arg;
    (void)token;
    if (err == NULL && renewal->lease->session != NULL)
        cw_session_set_lease(renewal->lease->session, renewal->asked_ns, lease_time);
    g_free(renewal);
}

static void renew(void *arg)
{
    struct cw_cli_leases *leases = arg;
    for (guint i = 0; i < leases->held->len; i++) {
        const struct lease *lease = g_ptr_array_index(leases->held, i);
        struct renewal *renewal = g_new0(struct renewal, 1);
        *renewal = (struct renewal){ lease, elapsed(leases) };
        cw_store_take_lease(leases->cli->store, cw_slice(lease->cart), cw_slice(leases->holder), lease->token,
                            lease_time, renewed, renewal);
    }
    cw_timer_set(leases->renew, renew_every);
}

struct cw_cli_leases *cw_cli_leases_create(struct cw_cli *cli, struct cw_error *err)
{
    if (!cw_holder_release_dead(cli->store, err))
        return NULL;
    struct cw_cli_leases *leases = g_new0(struct cw_cli_leases, 1);
    leases->cli = cli;
    leases->held = g_ptr_array_new_with_free_func(free_lease);
    cw_holder_name(leases->holder);
    leases->renew = cw_timer_create(cli->loop, renew, leases, err);
    if (leases->renew == NULL) {
        cw_cli_leases_free(leases);
        return NULL;
    }
    return leases;
}

struct taking {
    int64_t token, asked_ns;
    struct cw_error *err;
};

static void taken(void *arg, int64_t token, const struct cw_error *err)
{
    struct taking *taking = arg;
    taking->token = token;
    if (err != NULL)
        *taking->err = *err;
}

/* A worker keeps a cart for as long as its jobs take, which is mostly a moment. */
static struct taking take(struct cw_cli_leases *leases, const char *cart, struct cw_error *err)
{
    struct taking taking = { .err = err };
    for (int i = 0; i < TRIES; i++) {
        *err = (struct cw_error){ .code = CW_OK };
        taking.asked_ns = elapsed(leases);
        cw_store_take_lease(leases->cli->store, cw_slice(cart), cw_slice(leases->holder), 0, lease_time,
                            taken, &taking);
        cw_store_wait(leases->cli->store);
        if (taking.token != 0 || err->code != CW_CONFLICT)
            return taking;
        g_usleep(PAUSE_US);
    }
    cw_fail_in(err, "cart %s is at work in another process", cart);
    return taking;
}

int64_t cw_cli_leases_take(struct cw_cli_leases *leases, struct cw_session *session, const char *cart,
                           struct cw_error *err)
{
    const struct taking taken = take(leases, cart, err);
    if (taken.token == 0)
        return 0;
    struct lease *lease = g_new0(struct lease, 1);
    *lease = (struct lease){ g_strdup(cart), taken.token, session };
    g_ptr_array_add(leases->held, lease);
    cw_timer_set(leases->renew, renew_every);
    if (session != NULL) {
        cw_session_set_token(session, taken.token);
        cw_session_set_lease(session, taken.asked_ns, lease_time);
    }
    return taken.token;
}

static void given_back(void *arg, const struct cw_error *err)
{
    (void)arg, (void)err; /* what is not given back is over within the minute */
}

void cw_cli_leases_free(struct cw_cli_leases *leases)
{
    if (leases == NULL)
        return;
    for (guint i = 0; i < leases->held->len;
         i++) /* answers to renewals may come while the store is waited for */
        ((struct lease *)g_ptr_array_index(leases->held, i))->session = NULL;
    for (guint i = 0; i < leases->held->len; i++) {
        const struct lease *lease = g_ptr_array_index(leases->held, i);
        cw_store_drop_lease(leases->cli->store, cw_slice(lease->cart), lease->token, given_back, NULL);
        cw_store_wait(leases->cli->store);
    }
    cw_timer_free(leases->renew);
    g_ptr_array_free(leases->held, TRUE);
    g_free(leases);
}
