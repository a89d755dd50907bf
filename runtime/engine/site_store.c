/* site_store.c - see site_store.h. */
#include "engine/site_store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char id_file[] = ".store-id", new_file[] = ".store-id.new";
enum { ID_MAX = 64 };

/* "" when there is none. */
static bool read_id(const struct cw_site *site, char id[ID_MAX], struct cw_error *err)
{
    struct cw_slice text;
    struct cw_error why;
    id[0] = '\0';
    if (!cw_site_read_file(site->folder_fd, id_file, false, &text, &why)) {
        if (why.code == CW_NOT_FOUND)
            return true;
        *err = why;
        return false;
    }
    snprintf(id, ID_MAX, "%.*s", CW_SLICE_ARG(text));
    cw_site_release_module(text);
    id[strcspn(id, "\r\n \t")] = '\0';
    return true;
}

static bool write_id(const struct cw_site *site, const char *id, struct cw_error *err)
{
    int fd = openat(site->folder_fd, new_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool ok = fd >= 0 && dprintf(fd, "%s\n", id) > 0 && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    ok = ok && renameat(site->folder_fd, new_file, site->folder_fd, id_file) == 0;
    return ok || cw_fail(err, CW_IO, "%s/%s cannot be written: %s", site->folder, id_file, strerror(errno));
}

/* A store that lies in the site's own folder is nobody else's. */
static bool is_inside(const struct cw_site *site)
{
    const char *store = site->config.store;
    return strstr(store, "://") == NULL && !g_path_is_absolute(store) && strstr(store, "..") == NULL;
}

static bool is_ours(const struct cw_site *site, const struct cw_store *store, bool writes,
                    struct cw_error *err)
{
    char id[ID_MAX];
    if (!read_id(site, id, err))
        return false;
    if (strcmp(id, cw_store_id(store)) == 0)
        return true;
    if (cw_store_is_new(store) || is_inside(site))
        return !writes || write_id(site, cw_store_id(store), err);
    if (id[0] != '\0')
        return cw_fail(
            err, CW_USAGE,
            "the store that site.lua names is another one than this folder began with (%s/%s): two "
            "sites on one store would mix their orders. Correct `store` in site.lua; if this store "
            "was put in its place on purpose, say so with: cartwright store join",
            site->folder, id_file);
    return cw_fail(err, CW_USAGE,
                   "the store that site.lua names is in use by a site in another folder: two sites on one "
                   "store would mix their orders. Correct `store` in site.lua; if this folder is the same "
                   "site on another machine, say so with: cartwright store join");
}

bool cw_site_had_store(const struct cw_site *site)
{
    return faccessat(site->folder_fd, id_file, F_OK, 0) == 0;
}

static struct cw_store *open_store(const struct cw_site *site, struct cw_loop *loop, bool create,
                                   struct cw_error *err)
{
    char *uri = cw_site_store_uri(site);
    const struct cw_store_config config = { .uri = uri, .create = create, .clock = cw_loop_clock(loop) };
    struct cw_store *store = cw_store_open(&config, loop, err);
    g_free(uri);
    return store;
}

struct cw_store *cw_site_open_store(const struct cw_site *site, struct cw_loop *loop, bool create,
                                    struct cw_error *err)
{
    struct cw_store *store = open_store(site, loop, create, err);
    if (store == NULL || is_ours(site, store, create, err))
        return store;
    cw_store_close(store);
    return NULL;
}

bool cw_site_join_store(const struct cw_site *site, struct cw_loop *loop, struct cw_error *err)
{
    struct cw_store *store = open_store(site, loop, true, err);
    bool ok = store != NULL && write_id(site, cw_store_id(store), err);
    cw_store_close(store);
    return ok;
}
