/* inbox_watches.c - see inbox_watches.h. */
#include "engine/inbox_watches.h"

#include <glib.h>

#include "base/log.h"

struct watched {
    struct cw_inbox_watches *watches;
    char *cart;
    GPtrArray *streams; /* char *: those that are fetched */
    struct cw_inbox_watch *watch;
};

struct cw_inbox_watches {
    struct cw_inbox_watches_config config;
    GPtrArray *watched; /* struct watched */
};

/* --- waking --- */

/* One stream of one cart: of those that are no jobs, no other's wake-up may be lost. */
struct waking {
    char *cart, *stream;
    cw_time at;
};

static void free_waking(struct waking *waking)
{
    g_free(waking->cart);
    g_free(waking->stream);
    g_free(waking);
}

static void woken(void *arg, const struct cw_error *err)
{
    struct waking *waking = arg;
    if (err != NULL && err->code != CW_NOT_FOUND)
        cw_log_pairs(CW_LOG_WARNING, "inbox-wakes-nothing", "cart", waking->cart, "stream", waking->stream,
                     "error", err->text, NULL);
    free_waking(waking);
}

static void wake(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct waking *waking = arg;
    if (err != NULL) {
        woken(waking, err);
        return;
    }
    if (cw_txn_wake_job(txn, cw_slice(waking->cart), cw_slice(waking->stream), waking->at)) {
        cw_txn_commit(txn, woken, waking);
        return;
    }
    struct cw_error lost = *cw_txn_error(txn);
    cw_txn_rollback(txn);
    woken(waking, &lost);
}

static void came(void *arg, cw_time at)
{
    const struct watched *watched = arg;
    for (guint i = 0; i < watched->streams->len; i++) {
        struct waking *waking = g_new0(struct waking, 1);
        *waking =
            (struct waking){ g_strdup(watched->cart), g_strdup(g_ptr_array_index(watched->streams, i)), at };
        cw_txn_begin(watched->watches->config.store, (struct cw_fence){ 0 }, wake, waking);
    }
}

/* --- life --- */

static void free_watched(void *arg)
{
    struct watched *watched = arg;
    cw_inbox_watch_free(watched->watch);
    g_ptr_array_free(watched->streams, TRUE);
    g_free(watched->cart);
    g_free(watched);
}

static bool begin(struct watched *watched, struct cw_session *session, struct cw_error *err)
{
    const struct cw_lua_cart *cart = cw_session_cart(session, watched->cart, err);
    if (cart == NULL)
        return false;
    for (size_t i = 0; i < cart->stream_count; i++)
        if (cart->streams[i].has_fetch && !cart->streams[i].is_off)
            g_ptr_array_add(watched->streams, g_strdup(cart->streams[i].name));
    return cw_lua_cart_watch(cart, came, watched, &watched->watch, err);
}

static void add(struct cw_inbox_watches *watches, const char *cart)
{
    struct cw_error err;
    const struct cw_inbox_watches_config *config = &watches->config;
    struct watched *watched = g_new0(struct watched, 1);
    watched->watches = watches;
    watched->cart = g_strdup(cart);
    watched->streams = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(watches->watched, watched);
    struct cw_session *session = config->session(config->arg, cart, &err);
    if (session == NULL || !begin(watched, session, &err))
        cw_log_pairs(CW_LOG_WARNING, "inbox-not-watched", "cart", cart, "error", err.text, NULL);
    if (session != NULL)
        config->release(config->arg, cart);
}

struct cw_inbox_watches *cw_inbox_watches_open(const struct cw_inbox_watches_config *config,
                                               const char *const *carts)
{
    struct cw_inbox_watches *watches = g_new0(struct cw_inbox_watches, 1);
    watches->config = *config;
    watches->watched = g_ptr_array_new_with_free_func(free_watched);
    for (; *carts != NULL; carts++)
        add(watches, *carts);
    return watches;
}

void cw_inbox_watches_close(struct cw_inbox_watches *watches)
{
    if (watches == NULL)
        return;
    g_ptr_array_free(watches->watched, TRUE);
    g_free(watches);
}
