/* run_confine.c - which files a worker keeps, besides what the system has for every process: the site's and
 * the program's scripts. */
#include <stdlib.h>
#include <string.h>

#include "adapters/confine.h"
#include "base/log.h"
#include "cli/run.h"

enum { PATHS_MAX = 8 };

/* Certificates and zones that a person keeps elsewhere. */
static const char *const named_paths[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "TZDIR" };

static void list_readable(const struct cw_cli *cli, const char *site, const char *paths[PATHS_MAX])
{
    size_t count = 0;
    paths[count++] = site;
    paths[count++] = cli->site->home;
    for (size_t i = 0; i < sizeof named_paths / sizeof *named_paths; i++)
        if (getenv(named_paths[i]) != NULL)
            paths[count++] = getenv(named_paths[i]);
    paths[count] = NULL;
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

bool cw_cli_confine(const struct cw_cli *cli, struct cw_error *err)
{
    char *site = g_canonicalize_filename(cli->site->folder, NULL), *store = store_folder(cli);
    const char *readable[PATHS_MAX], *writable[] = { store, NULL };
    struct cw_confined confined;
    list_readable(cli, site, readable);
    const struct cw_confine confine = { .read = readable, .write = writable };
    bool ok = cw_confine_process(&confine, &confined, err);
    if (ok)
        cw_log_pairs(CW_LOG_INFO, "worker-confined", "seccomp", confined.seccomp ? "yes" : "no", "landlock",
                     confined.landlock ? "yes" : "no", NULL);
    g_free(site);
    g_free(store);
    return ok;
}
