/* inbox_server.c - see inbox_server.h. Runs in the thread of the trip. */
#include "adapters/inbox_server.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define GIB ((uint64_t)1024 * 1024 * 1024)

enum {
    TIMES_MAX = 500 /* files whose time is asked for, each by itself */,
    NUMBERS_MAX = 1000,
    WAIT_MS = 100
};

/* --- trips --- */

static void free_file(void *arg)
{
    struct cw_remote_file *file = arg;
    g_free(file->name);
    g_free(file->line);
}

static GArray *new_files(void)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(struct cw_remote_file));
    g_array_set_clear_func(files, free_file);
    return files;
}

struct cw_trip *cw_trip_create(enum cw_trip_kind kind, const struct cw_inbox_files *files,
                               struct cw_slice name, struct cw_error *err)
{
    struct cw_trip *trip = g_new0(struct cw_trip, 1);
    trip->kind = kind;
    trip->name = g_strndup(name.data, name.len);
    trip->found = new_files();
    trip->files = &trip->own_files;
    if (cw_inbox_files_copy(files, &trip->own_files, err))
        return trip;
    cw_trip_free(trip);
    return NULL;
}

void cw_trip_free(void *arg)
{
    struct cw_trip *trip = arg;
    cw_inbox_files_fini(&trip->own_files);
    g_array_free(trip->found, TRUE);
    cw_body_free(trip->body);
    g_free(trip->name);
    g_free(trip);
}

/* --- folders below --- */

/* From here on the link is in a folder below, until it is left. */
struct entered {
    char *folder, *path;
};

static struct entered enter(struct cw_upload_link *link, const char *name)
{
    struct entered before = { link->url.folder, link->url.path };
    char *escaped = g_uri_escape_string(name, NULL, FALSE);
    char *folder = g_strdup_printf("%s%s/", before.folder, escaped);
    char *path = g_strdup_printf("%s%s/", before.path, name);
    link->url.folder = strdup(folder);
    link->url.path = strdup(path);
    g_free(escaped);
    g_free(folder);
    g_free(path);
    return before;
}

static void leave(struct cw_upload_link *link, struct entered before)
{
    cw_upload_url_fini(&link->url);
    link->url.folder = before.folder;
    link->url.path = before.path;
}

/* --- listing --- */

/* Of "-rw-r--r-- 1 shop shop 1234 Jan  2 10:00 NAME", or as it looks on Windows. */
static uint64_t size_of(const char *line)
{
    char **words = g_strsplit_set(line, " \t", -1);
    uint64_t size = 0;
    unsigned at = 0;
    bool is_unix = g_ascii_isdigit(line[0]) == 0;
    for (char **word = words; *word != NULL; word++) {
        if (**word == '\0')
            continue;
        if (at++ == (is_unix ? 4 : 2)) {
            size = g_ascii_strtoull(*word, NULL, 10);
            break;
        }
    }
    g_strfreev(words);
    return size;
}

static bool is_file_line(const char *line)
{
    return line == NULL || (line[0] != 'd' && line[0] != 'l' && strstr(line, "<DIR>") == NULL);
}

static bool line_names(const char *line, const char *name)
{
    size_t len = strlen(line), name_len = strlen(name);
    return len > name_len + 1 && line[len - name_len - 1] == ' ' && strcmp(line + len - name_len, name) == 0;
}

/* The names alone, and the server's own lines, which say how large and how old; what these look like is for
 * the server to say, so that a name is looked for in them. */
static bool read_lines(struct cw_upload_link *link, char ***lines, struct cw_error *err)
{
    const struct cw_upload_order order = { .step = CW_STEP_LONG };
    cw_buffer_clear(&link->answer);
    CURLcode result = cw_upload_link_perform(link, &order);
    if (result != CURLE_OK)
        return cw_upload_explain(link, result, err);
    struct cw_slice answer = cw_buffer_slice(&link->answer);
    char *text = g_strndup(answer.data, answer.len);
    *lines = g_strsplit(text, "\n", -1);
    for (char **line = *lines; *line != NULL; line++)
        g_strchomp(*line);
    g_free(text);
    return true;
}

static char *find_line(char *const *lines, const char *name)
{
    for (; *lines != NULL; lines++)
        if (line_names(*lines, name))
            return g_strdup(*lines);
    return NULL;
}

static bool has_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return true;
    return false;
}

static bool has_trigger(const struct cw_trip *trip, GPtrArray *names, const char *name)
{
    char triggers[2][2 * CW_INBOX_NAME_MAX + 1];
    return !cw_inbox_trigger_names(trip->files, name, triggers) || has_name(names, triggers[0]) ||
           has_name(names, triggers[1]);
}

static void add_file(struct cw_trip *trip, const char *name, char *const *lines, bool is_claimed)
{
    struct cw_remote_file file = {
        .name = g_strdup(name), .line = find_line(lines, name), .at = CW_TIME_NONE, .is_claimed = is_claimed
    };
    if (is_file_line(file.line) && strcmp(name, CW_INBOX_WORK) != 0 && strcmp(name, trip->files->done) != 0 &&
        strcmp(name, trip->files->failed) != 0) {
        file.size = file.line != NULL ? size_of(file.line) : 0;
        g_array_append_val(trip->found, file);
    } else {
        free_file(&file);
    }
}

static GPtrArray *read_names(struct cw_upload_link *link, struct cw_error *err)
{
    struct cw_slice name;
    if (!cw_upload_read_names(link, err))
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    struct cw_slice answer = cw_buffer_slice(&link->answer);
    while (cw_upload_next_name(&answer, &name))
        if (name.len <= CW_INBOX_NAME_MAX && cw_inbox_name_fault(name) == NULL)
            g_ptr_array_add(names, g_strndup(name.data, name.len));
    return names;
}

static bool look_into(struct cw_upload_link *link, struct cw_trip *trip, bool is_claimed,
                      struct cw_error *err)
{
    char **lines = NULL;
    GPtrArray *names = read_names(link, err);
    bool ok = names != NULL && (names->len == 0 || read_lines(link, &lines, err));
    for (guint i = 0; ok && lines != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        if (!cw_inbox_is_left_alone(trip->files, cw_slice(name)) &&
            (is_claimed || has_trigger(trip, names, name)))
            add_file(trip, name, lines, is_claimed);
    }
    g_strfreev(lines);
    if (names != NULL)
        g_ptr_array_free(names, TRUE);
    return ok;
}

/* A folder that is not there yet is an empty one. */
static bool look_into_work(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    struct cw_error own;
    struct entered before = enter(link, CW_INBOX_WORK);
    bool ok = look_into(link, trip, true, &own);
    leave(link, before);
    if (ok || own.code == CW_NOT_FOUND || own.code == CW_PERMISSION)
        return true;
    *err = own;
    return false;
}

/* --- rest --- */

static bool sleep_for(struct cw_upload_link *link, cw_time time)
{
    int64_t until = cw_elapsed_ns(&cw_system_clock) + time * 1000;
    bool cancelled = false;
    while (!cancelled && cw_elapsed_ns(&cw_system_clock) < until) {
        poll(NULL, 0, WAIT_MS);
        pthread_mutex_lock(&link->lock);
        cancelled = link->cancelled;
        pthread_mutex_unlock(&link->lock);
    }
    return !cancelled;
}

static bool needs_rest(const struct cw_trip *trip)
{
    for (guint i = 0; i < trip->found->len; i++)
        if (!g_array_index(trip->found, struct cw_remote_file, i).is_claimed)
            return trip->files->rest > 0;
    return false;
}

/* Those whose line changed meanwhile are still being written. */
static void drop_restless(struct cw_trip *trip, char *const *lines)
{
    for (guint i = trip->found->len; i > 0; i--) {
        struct cw_remote_file *file = &g_array_index(trip->found, struct cw_remote_file, i - 1);
        char *line = file->is_claimed ? NULL : find_line(lines, file->name);
        if (!file->is_claimed && g_strcmp0(line, file->line) != 0)
            g_array_remove_index(trip->found, i - 1);
        g_free(line);
    }
}

static bool wait_for_rest(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    char **lines = NULL;
    if (!needs_rest(trip))
        return true;
    if (!sleep_for(link, trip->files->rest))
        return cw_fail(err, CW_CANCELLED, "called off");
    if (!read_lines(link, &lines, err))
        return false;
    drop_restless(trip, lines);
    g_strfreev(lines);
    return true;
}

/* --- order --- */

static int compare_names(const void *a, const void *b)
{
    const struct cw_remote_file *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);
    return by_name != 0 ? by_name : (int)y->is_claimed - (int)x->is_claimed;
}

static int compare_times(const void *a, const void *b)
{
    const struct cw_remote_file *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : strcmp(x->name, y->name);
}

static void drop_later_ones(GArray *found)
{
    g_array_sort(found, compare_names);
    for (guint i = found->len; i > 1; i--)
        if (strcmp(g_array_index(found, struct cw_remote_file, i - 1).name,
                   g_array_index(found, struct cw_remote_file, i - 2).name) == 0)
            g_array_remove_index(found, i - 1);
}

static void ask_time(struct cw_upload_link *link, struct cw_remote_file *file)
{
    struct entered before = { NULL, NULL };
    const struct cw_upload_order order = { .step = CW_STEP_STAT, .name = file->name };
    curl_off_t time = -1;
    if (file->is_claimed)
        before = enter(link, CW_INBOX_WORK);
    if (cw_upload_link_perform(link, &order) == CURLE_OK)
        curl_easy_getinfo(link->easy, CURLINFO_FILETIME_T, &time);
    if (file->is_claimed)
        leave(link, before);
    if (time >= 0)
        file->at = (cw_time)time * CW_SECOND;
}

/* Of very many files the names alone decide. */
static void put_in_order(struct cw_upload_link *link, GArray *found)
{
    drop_later_ones(found);
    if (found->len > TIMES_MAX)
        return;
    for (guint i = 0; i < found->len; i++)
        ask_time(link, &g_array_index(found, struct cw_remote_file, i));
    g_array_sort(found, compare_times);
}

static bool list(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    if (!look_into(link, trip, false, err) || !wait_for_rest(link, trip, err) ||
        (!trip->files->only_look && !look_into_work(link, trip, err)))
        return false;
    put_in_order(link, trip->found);
    return true;
}

/* --- commands --- */

/* Takes over the list. */
static CURLcode command(struct cw_upload_link *link, enum cw_upload_step step, struct curl_slist *commands)
{
    const struct cw_upload_order order = { .step = step, .commands = commands };
    CURLcode result = commands != NULL ? cw_upload_link_perform(link, &order) : CURLE_OUT_OF_MEMORY;
    curl_slist_free_all(commands);
    return result;
}

/* That it is there already is no error, and that it cannot be made shows in what follows. */
static void make_folder(struct cw_upload_link *link, const char *name)
{
    command(link, CW_STEP_RENAME, cw_upload_folder_commands(link, name));
}

static bool is_gone(const struct cw_upload_link *link)
{
    return link->url.kind == CW_SFTP
               ? strstr(link->message, "File not found") != NULL ||
                     strstr(link->message, "No such file") != NULL
               : strcmp(link->command, "RNFR") == 0 && cw_upload_reply_code(link) == 550;
}

/* *gone: there is no such file, or the server lets nobody see it. */
static bool rename_file(struct cw_upload_link *link, const char *from, const char *to, bool *gone,
                        struct cw_error *err)
{
    CURLcode result = command(link, CW_STEP_RENAME, cw_upload_rename_commands(link, from, to));
    *gone = result != CURLE_OK && is_gone(link);
    return result == CURLE_OK || cw_upload_explain(link, result, err);
}

/* --- reading --- */

static void remove_trigger(struct cw_upload_link *link, const struct cw_trip *trip)
{
    char names[2][2 * CW_INBOX_NAME_MAX + 1];
    if (!cw_inbox_trigger_names(trip->files, trip->name, names))
        return;
    for (unsigned i = 0; i < 2; i++)
        command(link, CW_STEP_REMOVE, cw_upload_remove_commands(link, names[i]));
}

static bool claim(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    bool gone;
    char *to = g_strdup_printf(CW_INBOX_WORK "/%s", trip->name);
    make_folder(link, CW_INBOX_WORK);
    bool ok = rename_file(link, trip->name, to, &gone, err);
    g_free(to);
    if (!ok && gone)
        return cw_fail(err, CW_NOT_FOUND, "%s: %s: somebody else took it, or it may not be renamed",
                       link->url.where, trip->name);
    if (ok)
        remove_trigger(link, trip);
    return ok;
}

static bool download(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    const struct cw_upload_order order = { .step = CW_STEP_READ, .name = trip->name };
    trip->body = cw_body_create(CW_UPLOAD_READ_MAX_GIB * GIB, err);
    if (trip->body == NULL)
        return false;
    link->body = trip->body;
    CURLcode result = cw_upload_link_perform(link, &order);
    link->body = NULL;
    return result == CURLE_OK || cw_upload_explain(link, result, err);
}

static bool read_file(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    if (trip->files->only_look)
        return download(link, trip, err);
    if (!trip->is_claimed && !claim(link, trip, err))
        return false;
    struct entered before = enter(link, CW_INBOX_WORK);
    bool ok = download(link, trip, err);
    leave(link, before);
    return ok;
}

/* --- finishing --- */

/* Some servers replace what is there: a name that nobody has is looked for first. */
static char *free_name(struct cw_upload_link *link, const char *where, const char *name, struct cw_error *err)
{
    char numbered[CW_INBOX_NAME_MAX + 1];
    struct entered before = enter(link, where);
    bool is_there = true, ok = true;
    for (unsigned i = 1; ok && is_there && i <= NUMBERS_MAX; i++) {
        cw_inbox_number(name, i, numbered);
        ok = cw_upload_is_there(link, numbered, &is_there, err);
    }
    leave(link, before);
    if (ok && is_there)
        cw_fail(err, CW_CONFLICT, "%s: there are too many files of that name in %s", name, where);
    return ok && !is_there ? g_strdup_printf("%s/%s", where, numbered) : NULL;
}

static bool move_away(struct cw_upload_link *link, const struct cw_trip *trip, const char *from,
                      const char *where, struct cw_error *err)
{
    bool gone = false;
    make_folder(link, where);
    char *to = free_name(link, where, trip->name, err);
    bool ok = to != NULL && rename_file(link, from, to, &gone, err);
    g_free(to);
    return ok || gone;
}

/* Stays in work/, which is listed as well, where another has come under its name; so does one whose trigger
 * is gone. */
static bool give_back(struct cw_upload_link *link, const struct cw_trip *trip, const char *from,
                      struct cw_error *err)
{
    bool is_there = false, gone = false;
    if (!trip->is_claimed || trip->files->trigger != NULL)
        return true;
    if (!cw_upload_is_there(link, trip->name, &is_there, err))
        return false;
    return is_there || rename_file(link, from, trip->name, &gone, err) || gone;
}

static bool finish(struct cw_upload_link *link, struct cw_trip *trip, struct cw_error *err)
{
    const char *where = trip->end == CW_INBOX_DONE ? trip->files->done : trip->files->failed;
    char *from = g_strdup_printf(CW_INBOX_WORK "/%s", trip->name);
    bool ok = true;
    if (trip->files->only_look)
        ok = true;
    else if (trip->end == CW_INBOX_LEFT)
        ok = give_back(link, trip, from, err);
    else if (!trip->is_claimed && !claim(link, trip, err))
        ok = err->code == CW_NOT_FOUND;
    else if (where[0] != '\0')
        ok = move_away(link, trip, from, where, err);
    else {
        CURLcode result = command(link, CW_STEP_REMOVE, cw_upload_remove_commands(link, from));
        ok = result == CURLE_OK || is_gone(link) || cw_upload_explain(link, result, err);
    }
    g_free(from);
    return ok;
}

bool cw_trip_make(struct cw_upload_link *link, void *arg, struct cw_error *err)
{
    struct cw_trip *trip = arg;
    switch (trip->kind) {
    case CW_TRIP_LIST:
        return list(link, trip, err);
    case CW_TRIP_READ:
        return read_file(link, trip, err);
    default:
        return finish(link, trip, err);
    }
}
