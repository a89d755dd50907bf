/* site.c - see site.h. */
#include "engine/site.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "bindings/bindings.h"

/* How byte code of Lua begins. */
#define LUA_BYTE_CODE '\x1b'

/* --- files --- */

/* Opens `path` below `dir` one folder at a time, so that no part of it can be a link to elsewhere. */
static int open_below(int dir, const char *path)
{
    char part[256];
    const char *slash;
    int at = dup(dir);
    if (dir < 0) /* a site without a folder */
        errno = ENOENT;
    while (at >= 0 && (slash = strchr(path, '/')) != NULL) {
        size_t len = (size_t)(slash - path);
        if (len >= sizeof part) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, len);
        part[len] = '\0';
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
        path = slash + 1;
    }
    int fd = at < 0 ? -1 : openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (at >= 0)
        close(at);
    return fd;
}

static bool read_fd(int fd, const char *path, struct cw_slice *text, struct cw_error *err)
{
    struct cw_buffer bytes = { .limit = CW_SCRIPT_FILE_MAX };
    struct stat info;
    ssize_t got = 0;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return cw_fail(err, CW_IO, "%s is not a regular file", path);
    for (;;) {
        char *place = cw_buffer_reserve(&bytes, 4096, err);
        if (place == NULL)
            break;
        got = read(fd, place, 4096);
        if (got <= 0)
            break;
        bytes.len += (size_t)got;
        bytes.data[bytes.len] = '\0';
    }
    if (got == 0 && bytes.len > 0 && bytes.data[0] == LUA_BYTE_CODE) {
        cw_buffer_fini(&bytes);
        return cw_fail(err, CW_REFUSED, "%s is byte code; scripts are text", path);
    }
    if (got == 0 && bytes.data != NULL) {
        *text = (struct cw_slice){ bytes.data, bytes.len };
        return true;
    }
    if (got < 0)
        cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
    cw_buffer_fini(&bytes);
    return cw_fail_in(err, "%s", path);
}

bool cw_site_read_file(int dir, const char *path, bool follow_links, struct cw_slice *text,
                       struct cw_error *err)
{
    int fd = follow_links ? openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : open_below(dir, path);
    if (fd < 0)
        return cw_fail(err, errno == ENOENT ? CW_NOT_FOUND : CW_IO, "%s: %s%s", path, strerror(errno),
                       errno == ELOOP || errno == ENOTDIR ? " (symbolic links are not followed here)" : "");
    bool ok = read_fd(fd, path, text, err);
    close(fd);
    return ok;
}

/* --- modules --- */

/* "lib.a.b" -> "lib/a/b.lua" */
static bool path_of(char *out, size_t cap, const char *prefix, const char *parts)
{
    int len = snprintf(out, cap, "%s%s.lua", prefix, parts);
    if (len < 0 || (size_t)len >= cap)
        return false;
    for (char *c = out + strlen(prefix); c < out + len - 4; c++)
        if (*c == '.')
            *c = '/';
    return true;
}

static bool load_from(int dir, const char *path, struct cw_slice *source, char chunk_name[128],
                      struct cw_error *err)
{
    if (!cw_site_read_file(dir, path, false, source, err))
        return false;
    if (source->len >= 3 &&
        memcmp(source->data, "\xEF\xBB\xBF", 3) == 0) /* editors on Windows begin files so */
        memcpy((char *)source->data, "   ", 3);
    snprintf(chunk_name, 128, "%s", path);
    return true;
}

/* "shipped/prestashop.lua" in messages: the site may have a carts/prestashop.lua of its own. */
static bool load_shipped(const struct cw_site *site, const char *path, struct cw_slice *source,
                         char chunk_name[128], struct cw_error *err)
{
    if (!load_from(site->home_fd, path, source, chunk_name, err))
        return false;
    snprintf(chunk_name, 128, "shipped/%.100s", path + strlen("carts/"));
    return true;
}

/* Where it is installed the fakes are not below tests/. */
static bool load_fake(const struct cw_site *site, const char *rest, struct cw_slice *source,
                      char chunk_name[128], struct cw_error *err)
{
    char path[128];
    if (!path_of(path, sizeof path, "tests/fakes/", rest))
        return cw_fail(err, CW_NOT_FOUND, "no module fakes.%s", rest);
    const char *name = path + strlen("tests/");
    if (load_from(site->folder_fd, name, source, chunk_name, err) ||
        (err->code == CW_NOT_FOUND && load_from(site->home_fd, name, source, chunk_name, err)) ||
        (err->code == CW_NOT_FOUND && load_from(site->home_fd, path, source, chunk_name, err)))
        return true;
    return err->code == CW_NOT_FOUND &&
           cw_fail(err, CW_NOT_FOUND, "there is no fake %s: no fakes/%s.lua %s%s and none that is shipped",
                   rest, rest, site->folder[0] != '\0' ? "in " : "of a site", site->folder);
}

/* A copy of the text that stands for site.lua. */
static bool load_text(const struct cw_site *site, struct cw_slice *source, char chunk_name[128])
{
    *source = cw_slice(strdup(site->text));
    snprintf(chunk_name, 128, "site.lua");
    return true;
}

bool cw_site_load_module(const struct cw_site *site, const char *module, struct cw_slice *source,
                         char chunk_name[128], struct cw_error *err)
{
    char path[128];
    const char *dot = strchr(module, '.');
    const char *rest = dot != NULL ? dot + 1 : "";
    if (strcmp(module, "site") == 0 && site->text != NULL)
        return load_text(site, source, chunk_name);
    if (strcmp(module, "site") == 0)
        return load_from(site->folder_fd, "site.lua", source, chunk_name, err);
    if (strncmp(module, "carts.", 6) == 0 && path_of(path, sizeof path, "carts/", rest)) {
        if (load_from(site->folder_fd, path, source, chunk_name, err) ||
            (err->code == CW_NOT_FOUND && load_shipped(site, path, source, chunk_name, err)))
            return true;
        return err->code == CW_NOT_FOUND &&
               cw_fail_in(err, "no cart script in %s or among the shipped ones", site->folder);
    }
    if (strncmp(module, "shipped.", 8) == 0 && path_of(path, sizeof path, "carts/", rest))
        return load_shipped(site, path, source, chunk_name, err);
    if (strncmp(module, "cartwright.", 11) == 0 && path_of(path, sizeof path, "scripts/cartwright/", rest))
        return load_from(site->home_fd, path, source, chunk_name, err) ||
               (err->code == CW_NOT_FOUND && cw_fail(err, CW_NOT_FOUND, "there is no module %s", module));
    if (strncmp(module, "fakes.", 6) == 0)
        return load_fake(site, rest, source, chunk_name, err);
    if (strncmp(module, "lib.", 4) == 0 && path_of(path, sizeof path, "lib/", rest))
        return load_from(site->folder_fd, path, source, chunk_name, err);
    return cw_fail(
        err, CW_NOT_FOUND,
        "no module %s; there are cartwright.NAME, carts.NAME, shipped.NAME and the site's own lib.NAME",
        module);
}

void cw_site_release_module(struct cw_slice source)
{
    free((char *)source.data);
}

/* --- secrets --- */

static bool secrets_are_private(const struct cw_site *site, struct cw_error *err)
{
    struct stat info;
    if (fstatat(site->folder_fd, "secrets", &info, AT_SYMLINK_NOFOLLOW) != 0 || (info.st_mode & 077) == 0)
        return true;
    return cw_fail(err, CW_REFUSED, "%s/secrets can be read by others; run: chmod 600 %s/secrets",
                   site->folder, site->folder);
}

/* Lines "shop.key = value"; blank lines and those with # are left out. */
static bool take_secret_line(struct cw_site *site, char *line, int number, struct cw_error *err)
{
    char *equals = strchr(line, '=');
    if (line[0] == '#' || line[strspn(line, " \t\r")] == '\0')
        return true;
    if (equals == NULL)
        return cw_fail(err, CW_USAGE, "%s/secrets, line %d: a line is CART.SETTING = VALUE", site->folder,
                       number);
    *equals = '\0';
    char *name = g_strstrip(line), *value = g_strstrip(equals + 1);
    g_hash_table_insert(site->secrets, g_strdup(name), g_strdup(value));
    cw_secret_remember(cw_slice(value));
    return true;
}

static bool read_secrets(struct cw_site *site, struct cw_error *err)
{
    struct cw_slice text;
    struct cw_error read_err;
    if (!secrets_are_private(site, err))
        return false;
    if (!cw_site_read_file(site->folder_fd, "secrets", false, &text, &read_err)) {
        if (read_err.code == CW_NOT_FOUND)
            return true;
        *err = read_err;
        return false;
    }
    char *rest = (char *)text.data, *line;
    bool ok = true;
    for (int number = 1; ok && (line = strsep(&rest, "\n")) != NULL; number++)
        ok = take_secret_line(site, line, number, err);
    memset((char *)text.data, 0, text.len);
    cw_site_release_module(text);
    return ok;
}

const char *cw_site_secret(const struct cw_site *site, const char *name)
{
    char variable[160] = "CARTWRIGHT_SECRET_";
    size_t len = strlen(variable);
    for (const char *c = name; *c != '\0' && len < sizeof variable - 1; c++)
        variable[len++] = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    variable[len] = '\0';
    const char *value = site->is_sealed ? NULL : getenv(variable);
    if (value == NULL)
        return g_hash_table_lookup(site->secrets, name);
    cw_secret_remember(cw_slice(value));
    return value;
}

void cw_site_seal(struct cw_site *site, const char *const *secrets)
{
    site->is_sealed = true;
    g_hash_table_remove_all(site->secrets);
    for (size_t i = 0; secrets[i] != NULL; i += 2) {
        g_hash_table_insert(site->secrets, g_strdup(secrets[i]), g_strdup(secrets[i + 1]));
        cw_secret_remember(cw_slice(secrets[i + 1]));
    }
}

/* The file's lines without the one for `name`. */
static bool keep_other_secrets(struct cw_buffer *out, char *text, const char *name, struct cw_error *err)
{
    size_t len = strlen(name);
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (strncmp(line, name, len) == 0 && strchr(" =", line[len]) != NULL)
            continue;
        if (*line != '\0' && !cw_buffer_print(out, err, "%s\n", line))
            return false;
    }
    return true;
}

static bool replace_secrets(int dir, struct cw_slice text, struct cw_error *err)
{
    int fd = openat(dir, "secrets.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && fchmod(fd, 0600) == 0 && /* one may be left over from elsewhere */
              write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0 &&
              renameat(dir, "secrets.new", dir, "secrets") == 0 && fsync(dir) == 0;
    if (!ok)
        cw_fail(err, CW_IO, "secrets: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool cw_site_set_secret(const char *folder, const char *name, struct cw_slice value, struct cw_error *err)
{
    struct cw_slice text = { NULL, 0 };
    struct cw_buffer lines = { 0 };
    struct cw_error read_err;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return cw_fail(err, CW_IO, "%s: %s", folder, strerror(errno));
    bool ok = true;
    if (cw_site_read_file(dir, "secrets", false, &text, &read_err))
        ok = keep_other_secrets(&lines, (char *)text.data, name, err);
    else if (read_err.code != CW_NOT_FOUND) /* there are others in it, which must not be lost */
        ok = cw_fail(err, read_err.code, "%s", read_err.text);
    ok = ok && cw_buffer_print(&lines, err, "%s = %.*s\n", name, CW_SLICE_ARG(value)) &&
         replace_secrets(dir, cw_buffer_slice(&lines), err);
    cw_site_release_module(text);
    cw_buffer_fini(&lines);
    close(dir);
    return ok;
}

/* --- life --- */

static bool load_for_script(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                            struct cw_error *err)
{
    return cw_site_load_module(arg, module, source, chunk_name, err);
}

static void release_for_script(void *arg, struct cw_slice source)
{
    (void)arg;
    cw_site_release_module(source);
}

static void ignore_print(void *arg, struct cw_slice line)
{
    (void)arg;
    (void)line;
}

static void ignore_wake(void *arg)
{
    (void)arg;
}

/* What site.lua may require is there, though nothing of it happens here: its rules are only described. */
static bool run_config(struct cw_site *site, struct cw_script *script, struct cw_error *err)
{
    struct cw_random random;
    struct cw_slice text = { NULL, 0 };
    char name[128];
    struct cw_loop *loop = cw_loop_create_virtual(cw_now(site->clock), err);
    struct cw_lua_host modules = { .loop = loop, .random = &random, .cart = "site" };
    cw_random_seed(&random, 0);
    bool ok = loop != NULL && cw_lua_provide_all(script, &modules, err) &&
              cw_site_load_module(site, "site", &text, name, err) &&
              cw_site_config_read(script, text, &site->config, err);
    cw_site_release_module(text);
    cw_script_free(script);
    cw_loop_free(loop);
    return ok;
}

static bool read_config(struct cw_site *site, struct cw_error *err)
{
    struct cw_script_host host = { .arg = site,
                                   .name = "site",
                                   .clock = site->clock,
                                   .wake = ignore_wake,
                                   .load = load_for_script,
                                   .release = release_for_script,
                                   .print = ignore_print };
    struct cw_script *script = cw_script_create(&host, err);
    return script != NULL && run_config(site, script, err);
}

static bool open_folder(struct cw_site *site, struct cw_error *err)
{
    site->folder_fd = open(site->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (site->folder_fd < 0)
        return cw_fail(err, CW_NOT_FOUND,
                       "%s: %s; make a site with: cartwright new DIR, or name one with --site DIR",
                       site->folder, strerror(errno));
    if (site->text == NULL && faccessat(site->folder_fd, "site.lua", R_OK, 0) != 0)
        return cw_fail(err, CW_NOT_FOUND,
                       "no site.lua in %s; make a site with: cartwright new DIR, or name one with --site DIR",
                       site->folder);
    return true;
}

static bool open_home(struct cw_site *site, struct cw_error *err)
{
    site->home_fd = open(site->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (site->home_fd < 0)
        return cw_fail(err, CW_NOT_FOUND,
                       "%s: %s; set CARTWRIGHT_HOME to the folder with scripts/ and carts/", site->home,
                       strerror(errno));
    return true;
}

static struct cw_site *open_site(const char *folder, const char *home, const char *text,
                                 const struct cw_clock *clock, struct cw_error *err)
{
    struct cw_site *site = g_new0(struct cw_site, 1);
    bool has_folder = text == NULL || folder[0] != '\0';
    site->folder = g_strdup(folder);
    site->text = g_strdup(text);
    site->path = g_canonicalize_filename(folder, NULL);
    site->home = g_strdup(home);
    site->folder_fd = site->home_fd = -1;
    site->clock = clock;
    site->secrets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if ((!has_folder || (open_folder(site, err) && read_secrets(site, err))) && open_home(site, err) &&
        read_config(site, err))
        return site;
    cw_site_free(site);
    return NULL;
}

struct cw_site *cw_site_open(const char *folder, const char *home, const struct cw_clock *clock,
                             struct cw_error *err)
{
    return open_site(folder, home, NULL, clock, err);
}

struct cw_site *cw_site_bare(const char *folder, const char *home, const char *text,
                             const struct cw_clock *clock, struct cw_error *err)
{
    return open_site(folder != NULL ? folder : "", home, text != NULL ? text : "return { carts = {} }", clock,
                     err);
}

void cw_site_free(struct cw_site *site)
{
    if (site == NULL)
        return;
    if (site->folder_fd >= 0)
        close(site->folder_fd);
    if (site->home_fd >= 0)
        close(site->home_fd);
    g_hash_table_destroy(site->secrets);
    cw_site_config_fini(&site->config);
    g_free(site->folder);
    g_free(site->text);
    g_free(site->path);
    g_free(site->home);
    g_free(site);
}

char *cw_site_store_uri(const struct cw_site *site)
{
    const char *store = site->config.store;
    if (strstr(store, "://") != NULL || g_path_is_absolute(store))
        return g_strdup(store);
    return g_build_filename(site->folder, store, NULL);
}
