/* trial.c - see trial.h. Opens what a test needs, and runs it. */
#include "engine/trial.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <glib.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/trial_private.h"

/* --- the store's folder --- */

#define FOLDER_PREFIX "cartwright-test-"

/* The folder of the trial that was opened last, for cw_trial_abandon; "" = none. */
static char last_folder[CW_TRIAL_FOLDER_MAX];

/* A store of a test need not outlive a power cut; in memory it is much faster. */
static const char *below(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* Its name says whose it is. */
static bool make_folder(struct cw_trial *trial, struct cw_error *err)
{
    snprintf(trial->folder, sizeof trial->folder, "%s/" FOLDER_PREFIX "%d-XXXXXX", below(), (int)getpid());
    if (mkdtemp(trial->folder) == NULL) {
        trial->folder[0] = '\0';
        return cw_fail(err, CW_IO, "no temporary folder can be made in %s", below());
    }
    memcpy(last_folder, trial->folder, sizeof last_folder);
    return true;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (strcmp(folder, last_folder) == 0)
        last_folder[0] = '\0';
}

void cw_trial_abandon(void)
{
    static const char *const files[] = { "/store.db", "/store.db-wal", "/store.db-shm", "/store.db-journal" };
    char path[CW_TRIAL_FOLDER_MAX + 24];
    size_t len = strlen(last_folder);
    if (len == 0)
        return;
    memcpy(path, last_folder, len);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        memcpy(path + len, files[i], strlen(files[i]) + 1);
        unlink(path);
    }
    rmdir(last_folder);
}

/* "cartwright-test-4711-Ab3dEf" */
static bool is_of_dead(const char *name)
{
    int pid = 0, used = 0;
    return sscanf(name, FOLDER_PREFIX "%9d-%n", &pid, &used) == 1 && used > 0 && pid > 0 &&
           kill(pid, 0) != 0 && errno == ESRCH;
}

void cw_trial_clean_up(void)
{
    char path[PATH_MAX];
    const char *folder = below();
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!is_of_dead(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        remove_folder(path);
    }
    if (dir != NULL)
        closedir(dir);
}

/* --- life --- */

static void turn_begins(void *arg)
{
    (void)arg;
}

static void lose_patience(void *arg)
{
    cw_loop_stop(arg);
}

static void pause_ended(void *arg)
{
    struct cw_trial *trial = arg;
    trial->has_paused = true;
    cw_loop_stop(trial->loop);
}

static bool open_loop(struct cw_trial *trial, struct cw_error *err)
{
    trial->loop = cw_loop_create_virtual(CW_TRIAL_START, err);
    if (trial->loop == NULL)
        return false;
    trial->patience = cw_timer_create(trial->loop, lose_patience, trial->loop, err);
    trial->pause = cw_timer_create(trial->loop, pause_ended, trial, err);
    cw_loop_watch_turns(trial->loop, (struct cw_turns){ turn_begins, cw_trial_turn_ended, trial });
    return trial->patience != NULL && trial->pause != NULL;
}

static bool has_script(const struct cw_trial *trial, struct cw_error *err)
{
    const char *type = trial->config.type;
    char module[100], chunk_name[128];
    struct cw_slice source;
    if (type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0')
        return cw_fail(err, CW_USAGE, "\"%.80s\" is no type of a cart: use a-z, 0-9, _ and -", type);
    snprintf(module, sizeof module, "carts.%.80s", type);
    if (!cw_site_load_module(trial->config.site, module, &source, chunk_name, err))
        return false;
    cw_site_release_module(source);
    return true;
}

struct cw_trial *cw_trial_open(const struct cw_trial_config *config, struct cw_error *err)
{
    struct cw_trial *trial = calloc(1, sizeof *trial);
    if (trial == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a test");
        return NULL;
    }
    trial->config = *config;
    trial->secrets = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(trial->secrets, NULL);
    if (has_script(trial, err) && make_folder(trial, err) && open_loop(trial, err) &&
        cw_trial_open_shop(trial, err) && cw_trial_provide(trial, err))
        return trial;
    cw_trial_close(trial);
    return NULL;
}

void cw_trial_close(struct cw_trial *trial)
{
    if (trial == NULL)
        return;
    trial->was_killed = false;
    cw_trial_stop(trial);
    cw_trial_close_shop(trial);
    cw_timer_free(trial->patience);
    cw_timer_free(trial->pause);
    cw_loop_free(trial->loop);
    if (trial->folder[0] != '\0')
        remove_folder(trial->folder);
    cw_buffer_fini(&trial->job.text);
    g_ptr_array_unref(trial->secrets);
    g_free(trial->site_text);
    free(trial);
}

/* --- tests --- */

struct listing {
    cw_trial_name_fn *name;
    void *arg;
};

static struct cw_slice text_at(lua_State *L, int index)
{
    struct cw_slice text;
    text.data = luaL_checklstring(L, index, &text.len);
    return text;
}

/* Pushes what a function of cartwright.testing gives. */
static void call_testing(lua_State *L, const char *function, const char *argument, int results)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cartwright.testing");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, function);
    lua_remove(L, -2);
    lua_pushstring(L, argument);
    lua_call(L, 1, results);
}

static int list_tests(lua_State *L)
{
    struct listing *listing = lua_touserdata(L, 1);
    call_testing(L, "list", "", 1);
    int list = lua_gettop(L);
    for (lua_Integer i = 1; lua_geti(L, list, i) == LUA_TTABLE; i++) {
        lua_getfield(L, -1, "name");
        lua_getfield(L, -2, "about");
        listing->name(listing->arg, text_at(L, -2), text_at(L, -1));
        lua_settop(L, list);
    }
    return 0;
}

bool cw_trial_list(struct cw_trial *trial, cw_trial_name_fn *name, void *arg, struct cw_error *err)
{
    struct listing listing = { name, arg };
    return cw_script_call(trial->script, list_tests, &listing, err);
}

struct running {
    const char *name;
    enum cw_trial_verdict verdict;
    struct cw_buffer *words;
};

static int run_test(lua_State *L)
{
    struct running *running = lua_touserdata(L, 1);
    call_testing(L, "run", running->name, 2);
    const char *verdict = luaL_checkstring(L, -2);
    struct cw_slice words = text_at(L, -1);
    running->verdict = strcmp(verdict, "ok") == 0      ? CW_TRIAL_OK
                       : strcmp(verdict, "lacks") == 0 ? CW_TRIAL_LACKS
                                                       : CW_TRIAL_FAILED;
    cw_buffer_add(running->words, words.data, words.len, NULL);
    return 0;
}

/* What is wrong with the fake itself is no finding about the cart. */
static bool check_fake(struct cw_trial *trial, struct running *running, struct cw_error *err)
{
    struct cw_error first;
    unsigned count = trial->fake != NULL ? cw_fake_errors(trial->fake, &first) : 0;
    if (count == 0)
        return true;
    running->verdict = CW_TRIAL_FAILED;
    trial->fake_loops = first.code == CW_LIMIT;
    return cw_buffer_print(running->words, err, "%sthe fake itself failed %u times, first: %s",
                           running->words->len > 0 ? "\n" : "", count, first.text);
}

bool cw_trial_fake_loops(const struct cw_trial *trial)
{
    return trial->fake_loops;
}

bool cw_trial_run(struct cw_trial *trial, const char *name, enum cw_trial_verdict *verdict,
                  struct cw_buffer *words, struct cw_error *err)
{
    struct running running = { .name = name, .verdict = CW_TRIAL_FAILED, .words = words };
    bool ok = cw_script_call(trial->script, run_test, &running, err) && check_fake(trial, &running, err);
    *verdict = running.verdict;
    return ok;
}
