/* inbox_remote.c - see inbox_remote.h: the loop's side; inbox_server.c does the work. */
#include "adapters/inbox_remote.h"

#include <stdlib.h>

#include "adapters/inbox_server.h"

static const cw_time total_time = CW_HOUR; /* of one operation: a large file may come slowly */

struct remote {
    struct cw_inbox inbox; /* first: &inbox converts back */
    struct cw_loop *loop;
    struct cw_upload_place place; /* its texts are its own */
    struct cw_inbox_files files;
    GHashTable *claimed; /* names that lie in work/, as far as was seen */
    struct cw_upload *running;
    enum cw_trip_kind kind;
    cw_inbox_entry_fn *on_entry;
    cw_inbox_done_fn *on_done;
    cw_inbox_body_fn *on_body;
    void *arg;
};

/* --- what came --- */

static void hand_over_entries(struct remote *remote, const struct cw_trip *trip)
{
    g_hash_table_remove_all(remote->claimed);
    for (guint i = 0; i < trip->found->len; i++) {
        const struct cw_remote_file *file = &g_array_index(trip->found, struct cw_remote_file, i);
        const struct cw_inbox_entry entry = {
            .name = cw_slice(file->name), .topic = { "", 0 }, .size = file->size, .at = file->at
        };
        if (file->is_claimed)
            g_hash_table_add(remote->claimed, g_strdup(file->name));
        remote->on_entry(remote->arg, &entry);
    }
}

/* The caller's function comes last. */
static void came(void *arg, void *job, const struct cw_error *err)
{
    struct remote *remote = arg;
    struct cw_trip *trip = job;
    void *to = remote->arg;
    remote->running = NULL;
    if (remote->kind == CW_TRIP_READ) {
        struct cw_body *body = err == NULL ? trip->body : NULL;
        if (err == NULL)
            g_hash_table_add(remote->claimed, g_strdup(trip->name));
        if (body != NULL)
            trip->body = NULL;
        remote->on_body(to, body, err);
        return;
    }
    if (remote->kind == CW_TRIP_LIST && err == NULL)
        hand_over_entries(remote, trip);
    if (remote->kind == CW_TRIP_FINISH && err == NULL)
        g_hash_table_remove(remote->claimed, trip->name);
    remote->on_done(to, err);
}

/* --- what is asked --- */

static bool ask(struct remote *remote, enum cw_trip_kind kind, struct cw_slice name, enum cw_inbox_end end,
                void *arg, struct cw_error *err)
{
    char text[CW_INBOX_NAME_MAX + 1] = "";
    if (remote->running != NULL)
        return cw_fail(err, CW_USAGE, "an inbox does one thing at a time");
    if (name.len < sizeof text)
        memcpy(text, name.data, name.len);
    if (kind != CW_TRIP_LIST && !cw_upload_name_check(text, err))
        return false;
    struct cw_trip *trip = cw_trip_create(kind, &remote->files, name, err);
    if (trip == NULL)
        return false;
    trip->end = end;
    trip->is_claimed = g_hash_table_contains(remote->claimed, trip->name);
    remote->kind = kind;
    remote->arg = arg;
    const struct cw_upload_job job = { cw_trip_make, trip, cw_trip_free, came, remote };
    remote->running = cw_upload_run(remote->loop, &remote->place, &job, err);
    return remote->running != NULL;
}

static bool ask_list(struct cw_inbox *inbox, cw_inbox_entry_fn *entry, cw_inbox_done_fn *done, void *arg,
                     struct cw_error *err)
{
    struct remote *remote = (struct remote *)inbox;
    remote->on_entry = entry;
    remote->on_done = done;
    return ask(remote, CW_TRIP_LIST, (struct cw_slice){ "", 0 }, CW_INBOX_DONE, arg, err);
}

static bool ask_read(struct cw_inbox *inbox, struct cw_slice name, cw_inbox_body_fn *done, void *arg,
                     struct cw_error *err)
{
    struct remote *remote = (struct remote *)inbox;
    remote->on_body = done;
    return ask(remote, CW_TRIP_READ, name, CW_INBOX_DONE, arg, err);
}

static bool ask_finish(struct cw_inbox *inbox, struct cw_slice name, enum cw_inbox_end end,
                       cw_inbox_done_fn *done, void *arg, struct cw_error *err)
{
    struct remote *remote = (struct remote *)inbox;
    remote->on_done = done;
    return ask(remote, CW_TRIP_FINISH, name, end, arg, err);
}

static void cancel(struct cw_inbox *inbox)
{
    struct remote *remote = (struct remote *)inbox;
    if (remote->running != NULL)
        cw_upload_cancel(remote->running);
    remote->running = NULL;
}

/* --- life --- */

/* Passwords do not stay in memory longer than they are needed. */
static void free_secret(const char *text)
{
    if (text != NULL)
        explicit_bzero((char *)text, strlen(text));
    g_free((char *)text);
}

static void free_remote(struct cw_inbox *inbox)
{
    struct remote *remote = (struct remote *)inbox;
    cancel(inbox);
    g_free((char *)remote->place.url);
    g_free((char *)remote->place.user);
    g_free((char *)remote->place.host_key);
    g_free((char *)remote->place.authorities);
    free_secret(remote->place.password);
    free_secret(remote->place.key);
    cw_inbox_files_fini(&remote->files);
    g_hash_table_destroy(remote->claimed);
    g_free(remote);
}

static struct cw_upload_place copy_place(const struct cw_upload_place *place)
{
    return (struct cw_upload_place){ .url = g_strdup(place->url),
                                     .user = g_strdup(place->user),
                                     .password = g_strdup(place->password),
                                     .key = g_strdup(place->key),
                                     .host_key = g_strdup(place->host_key),
                                     .authorities = g_strdup(place->authorities),
                                     .stall = place->stall,
                                     .total = place->total > 0 ? place->total : total_time,
                                     .egress = place->egress };
}

struct cw_inbox *cw_inbox_remote_open(struct cw_loop *loop, const struct cw_upload_place *place,
                                      const struct cw_inbox_files *files, struct cw_error *err)
{
    struct remote *remote = g_new0(struct remote, 1);
    remote->inbox = (struct cw_inbox){ true, ask_list, ask_read, ask_finish, cancel, free_remote, NULL };
    remote->loop = loop;
    remote->place = copy_place(place);
    remote->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (cw_inbox_files_copy(files, &remote->files, err))
        return &remote->inbox;
    free_remote(&remote->inbox);
    return NULL;
}
