/* leases.c - see leases.h. */
#include "cli/leases.h"

#include "engine/holder.h"

static const cw_time lease_time = CW_MINUTE, renew_every = 20 * CW_SECOND;
enum { TRIES = 25, PAUSE_US = 200 * 1000 };

struct lease {
    char *cart;
    int64_t token;
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

/* One that is lost is found by the fence of the next commit. */
static void renewed(void *arg, int64_t token, const struct cw_error *err)
{
    (void)arg, (void)token, (void)err;
}

static void renew(void *arg)
{
    struct cw_cli_leases *leases = arg;
    for (guint i = 0; i < leases->held->len; i++) {
        const struct lease *lease = g_ptr_array_index(leases->held, i);
        cw_store_take_lease(leases->cli->store, cw_slice(lease->cart), cw_slice(leases->holder), lease->token,
                            lease_time, renewed, NULL);
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
    int64_t token;
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
static int64_t take(struct cw_cli_leases *leases, const char *cart, struct cw_error *err)
{
    struct taking taking = { .err = err };
    for (int i = 0; i < TRIES; i++) {
        *err = (struct cw_error){ .code = CW_OK };
        cw_store_take_lease(leases->cli->store, cw_slice(cart), cw_slice(leases->holder), 0, lease_time,
                            taken, &taking);
        cw_store_wait(leases->cli->store);
        if (taking.token != 0 || err->code != CW_CONFLICT)
            return taking.token;
        g_usleep(PAUSE_US);
    }
    cw_fail_in(err, "cart %s is at work in another process", cart);
    return 0;
}

int64_t cw_cli_leases_take(struct cw_cli_leases *leases, const char *cart, struct cw_error *err)
{
    int64_t token = take(leases, cart, err);
    if (token == 0)
        return 0;
    struct lease *lease = g_new0(struct lease, 1);
    *lease = (struct lease){ g_strdup(cart), token };
    g_ptr_array_add(leases->held, lease);
    cw_timer_set(leases->renew, renew_every);
    return token;
}

static void given_back(void *arg, const struct cw_error *err)
{
    (void)arg, (void)err; /* what is not given back is over within the minute */
}

void cw_cli_leases_free(struct cw_cli_leases *leases)
{
    if (leases == NULL)
        return;
    for (guint i = 0; i < leases->held->len; i++) {
        const struct lease *lease = g_ptr_array_index(leases->held, i);
        cw_store_drop_lease(leases->cli->store, cw_slice(lease->cart), lease->token, given_back, NULL);
        cw_store_wait(leases->cli->store);
    }
    cw_timer_free(leases->renew);
    g_ptr_array_free(leases->held, TRUE);
    g_free(leases);
}
