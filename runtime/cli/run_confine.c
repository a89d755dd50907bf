/* run_confine.c - which files a worker keeps, besides what the system has for every process: the site's and
 * the program's scripts, the store's folder, a place for what is too large for memory, and the folders that
 * carts take files from. */
#include <stdlib.h>
#include <string.h>

#include "adapters/confine.h"
#include "base/log.h"
#include "cli/run.h"

/* What a person keeps elsewhere: certificates, zones. */
static const char *const named[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "TZDIR" };
/* What libpq reads whenever it connects; the user's name is by default that of the person who runs this. */
static const char *const named_for_libpq[] = { "PGPASSFILE",    "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLCERT",
                                               "PGSSLROOTCERT", "PGSSLKEY",      "PGSSLCRL" };
static const char *const at_home_for_libpq[] = { ".pgpass", ".pg_service.conf", ".postgresql" };

struct kept {
    GPtrArray *read, *write; /* of char * */
};

static void add_named(GPtrArray *paths, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (getenv(names[i]) != NULL)
            g_ptr_array_add(paths, g_strdup(getenv(names[i])));
}

static void keep_for_libpq(struct kept *kept)
{
    g_ptr_array_add(kept->read, g_strdup("/etc/passwd"));
    add_named(kept->read, named_for_libpq, sizeof named_for_libpq / sizeof *named_for_libpq);
    for (size_t i = 0; i < sizeof at_home_for_libpq / sizeof *at_home_for_libpq; i++)
        g_ptr_array_add(kept->read, g_build_filename(g_get_home_dir(), at_home_for_libpq[i], NULL));
}

/* SQLite makes its log beside the store, which may lie outside the site's folder. NULL for a server. */
static char *store_folder(const struct cw_cli *cli)
{
    char *uri = cw_site_store_uri(cli->site);
    char *folder = strstr(uri, "://") == NULL ? g_path_get_dirname(uri) : NULL;
    char *full = folder != NULL ? g_canonicalize_filename(folder, NULL) : NULL;
    g_free(folder);
    g_free(uri);
    return full;
}

/* Large bodies go to TMPDIR. Where nobody says so they lie beside the store, rather than where others have
 * their files. */
static void keep_store(const struct cw_cli *cli, struct kept *kept)
{
    char *folder = store_folder(cli);
    if (folder == NULL)
        keep_for_libpq(kept);
    else
        setenv("TMPDIR", folder, 0);
    if (folder != NULL)
        g_ptr_array_add(kept->write, g_strdup(folder));
    const char *temporary = getenv("TMPDIR");
    g_ptr_array_add(kept->write, g_canonicalize_filename(temporary != NULL ? temporary : "/tmp", NULL));
    g_free(folder);
}

static struct kept list_kept(const struct cw_cli *cli)
{
    struct kept kept = { g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free) };
    g_ptr_array_add(kept.read, g_canonicalize_filename(cli->site->folder, NULL));
    g_ptr_array_add(kept.read, g_strdup(cli->site->home));
    add_named(kept.read, named, sizeof named / sizeof *named);
    keep_store(cli, &kept);
    g_ptr_array_add(kept.read, NULL);
    g_ptr_array_add(kept.write, NULL);
    return kept;
}

bool cw_cli_confine(const struct cw_cli *cli, const char *const *drops, struct cw_error *err)
{
    struct kept kept = list_kept(cli);
    struct cw_confined confined;
    const struct cw_confine confine = { .read = (const char *const *)kept.read->pdata,
                                        .write = (const char *const *)kept.write->pdata,
                                        .move = drops };
    bool ok = cw_confine_process(&confine, &confined, err);
    if (ok)
        cw_log_pairs(CW_LOG_INFO, "worker-confined", "seccomp", confined.seccomp ? "yes" : "no", "landlock",
                     confined.landlock ? "yes" : "no", NULL);
    g_ptr_array_free(kept.read, TRUE);
    g_ptr_array_free(kept.write, TRUE);
    return ok;
}
