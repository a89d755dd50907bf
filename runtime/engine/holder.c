/* holder.c - see holder.h. */
#include "engine/holder.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* The 22nd field of /proc/PID/stat; the second one, the name, may hold blanks and brackets. 0 = no such
 * process. */
static unsigned long long start_of(int pid)
{
    enum { START = 22, AFTER_NAME = 3 };
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[len] = '\0';
    char *at = strrchr(text, ')');
    for (int field = AFTER_NAME - 1; at != NULL && field < START; field++)
        at = strchr(at + 1, ' ');
    return at != NULL ? g_ascii_strtoull(at + 1, NULL, 10) : 0;
}

/* Processes see each other's numbers only inside one of these. 0 = the system does not tell. */
static unsigned long long world(void)
{
    char text[64] = "";
    ssize_t len = readlink("/proc/self/ns/pid", text, sizeof text - 1);
    const char *bracket = len > 0 ? strchr(text, '[') : NULL;
    return bracket != NULL ? g_ascii_strtoull(bracket + 1, NULL, 10) : 0;
}

static void read_host(char host[64])
{
    host[0] = '\0';
    if (gethostname(host, 63) != 0 || host[0] == '\0')
        strcpy(host, "localhost");
    host[63] = '\0';
}

void cw_holder_name(char out[CW_HOLDER_MAX])
{
    char host[64];
    read_host(host);
    snprintf(out, CW_HOLDER_MAX, "%s/%d.%llu.%llu", host, (int)getpid(), start_of((int)getpid()), world());
}

bool cw_holder_may_live(const char *holder)
{
    char host[64];
    int pid;
    unsigned long long start, its_world;
    const char *slash = strrchr(holder, '/');
    read_host(host);
    if (slash == NULL || (size_t)(slash - holder) != strlen(host) ||
        strncmp(holder, host, strlen(host)) != 0 ||
        sscanf(slash + 1, "%d.%llu.%llu", &pid, &start, &its_world) != 3)
        return true;
    return its_world != world() || start == 0 || start_of(pid) == start;
}

/* --- leases of the dead --- */

struct dead {
    GPtrArray *names;
    GArray *tokens;
    bool ok;
    struct cw_error *err;
};

static bool note_dead(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct dead *dead = arg;
    (void)columns, (void)names;
    char *holder = g_strndup(row[1].data, row[1].len), *token = g_strndup(row[2].data, row[2].len);
    if (!cw_holder_may_live(holder)) {
        int64_t number = g_ascii_strtoll(token, NULL, 10);
        g_ptr_array_add(dead->names, g_strndup(row[0].data, row[0].len));
        g_array_append_val(dead->tokens, number);
    }
    g_free(holder);
    g_free(token);
    return true;
}

static void done(void *arg, const struct cw_error *err)
{
    struct dead *dead = arg;
    dead->ok = err == NULL;
    if (err != NULL)
        *dead->err = *err;
}

static bool release(struct cw_store *store, struct dead *dead)
{
    for (guint i = 0; i < dead->names->len; i++) {
        const char *name = g_ptr_array_index(dead->names, i);
        cw_store_drop_lease(store, cw_slice(name), g_array_index(dead->tokens, int64_t, i), done, dead);
        cw_store_wait(store);
        if (!dead->ok && dead->err->code != CW_CONFLICT) /* else another one was quicker */
            return false;
        cw_log_pairs(CW_LOG_INFO, "lease-of-the-dead-given-back", "cart", name, NULL);
    }
    return true;
}

bool cw_holder_release_dead(struct cw_store *store, struct cw_error *err)
{
    struct cw_error own;
    struct dead dead = { .names = g_ptr_array_new_with_free_func(g_free),
                         .tokens = g_array_new(FALSE, FALSE, sizeof(int64_t)),
                         .err = err != NULL ? err : &own };
    cw_store_query(store, "SELECT name, holder, token FROM leases WHERE holder <> ''", NULL, 0, note_dead,
                   done, &dead);
    cw_store_wait(store);
    bool ok = dead.ok && release(store, &dead);
    g_ptr_array_free(dead.names, TRUE);
    g_array_free(dead.tokens, TRUE);
    return ok;
}
