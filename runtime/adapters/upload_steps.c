/* upload_steps.c - looking, writing, renaming, removing, listing: one step after the other on one connection,
 * in the upload's thread. */
#include <stdlib.h>
#include <string.h>

#include "adapters/upload_private.h"

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "no memory for an upload");
}

/* --- listing --- */

/* Of "folder/name" only the name: some servers put before it what they were asked for. */
static struct cw_slice file_part(struct cw_slice line)
{
    const char *slash = memrchr(line.data, '/', line.len);
    if (slash == NULL)
        return line;
    return (struct cw_slice){ slash + 1, (size_t)(cw_slice_end(line) - slash - 1) };
}

bool cw_upload_next_name(struct cw_slice *answer, struct cw_slice *name)
{
    while (answer->len > 0) {
        const char *end = memchr(answer->data, '\n', answer->len);
        size_t len = end != NULL ? (size_t)(end - answer->data) : answer->len, used = len + (end != NULL);
        struct cw_slice line = { answer->data, len };
        *answer = (struct cw_slice){ answer->data + used, answer->len - used };
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        *name = file_part(line);
        if (name->len > 0 && !cw_slice_is(*name, ".") && !cw_slice_is(*name, "..") &&
            !cw_upload_is_part_name(*name))
            return true;
    }
    return false;
}

/* vsftpd says in the words of a success that it could not open the folder. */
static bool failed_all_the_same(const struct cw_upload_link *link)
{
    return link->url.kind != CW_SFTP && strcasestr(link->reply, "failed") != NULL;
}

bool cw_upload_read_names(struct cw_upload_link *link, struct cw_error *err)
{
    const struct cw_upload_order order = { .step = CW_STEP_LIST };
    cw_buffer_clear(&link->answer);
    CURLcode result = cw_upload_link_perform(link, &order);
    if (result != CURLE_OK)
        return cw_upload_explain(link, result, err);
    if (failed_all_the_same(link))
        return cw_fail(err, CW_PERMISSION, "%s: listing the folder: the server answered: %s", link->url.where,
                       link->reply);
    return true;
}

/* --- looking --- */

static bool conflict(const struct cw_upload_link *link, const char *name, struct cw_error *err)
{
    return cw_fail(err, CW_CONFLICT,
                   "%s: there is a file %s already, and files are never overwritten; choose a name that no "
                   "other upload has",
                   link->url.where, name);
}

static bool look_in_listing(struct cw_upload_link *link, const char *name, struct cw_error *err)
{
    struct cw_slice found;
    if (!cw_upload_read_names(link, err))
        return false;
    struct cw_slice answer = cw_buffer_slice(&link->answer);
    while (cw_upload_next_name(&answer, &found))
        if (cw_slice_is(found, name))
            return conflict(link, name, err);
    return true;
}

/* A server that tells no size says neither yes nor no. */
static bool judge_ftp(struct cw_upload_link *link, CURLcode result, const char *name, struct cw_error *err)
{
    curl_off_t size = -1;
    curl_easy_getinfo(link->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    if (result == CURLE_REMOTE_FILE_NOT_FOUND)
        return true;
    if (result != CURLE_OK)
        return cw_upload_explain(link, result, err);
    return size >= 0 ? conflict(link, name, err) : look_in_listing(link, name, err);
}

static bool judge_sftp(struct cw_upload_link *link, CURLcode result, const char *name, struct cw_error *err)
{
    curl_off_t time = -1;
    curl_easy_getinfo(link->easy, CURLINFO_FILETIME_T, &time);
    if (result == CURLE_OK || time != -1)
        return conflict(link, name, err);
    return result == CURLE_REMOTE_FILE_NOT_FOUND || cw_upload_explain(link, result, err);
}

static bool look(struct cw_upload_link *link, const char *name, struct cw_error *err)
{
    const struct cw_upload_order order = { .step = CW_STEP_LOOK, .name = name };
    CURLcode result = cw_upload_link_perform(link, &order);
    return link->url.kind == CW_SFTP ? judge_sftp(link, result, name, err)
                                     : judge_ftp(link, result, name, err);
}

bool cw_upload_is_there(struct cw_upload_link *link, const char *name, bool *is_there, struct cw_error *err)
{
    struct cw_error own;
    bool is_free = look(link, name, &own);
    *is_there = !is_free && own.code == CW_CONFLICT;
    if (!is_free && !*is_there)
        *err = own;
    return is_free || *is_there;
}

/* --- commands --- */

static bool add_command(struct curl_slist **list, struct cw_buffer *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line->data);
    cw_buffer_clear(line);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

/* A relative path begins where the log-in leads to. */
static const char *sftp_path(const struct cw_upload_link *link)
{
    const char *path = link->url.path;
    return strncmp(path, "/~/", 3) == 0 ? path + 3 : path;
}

/* What libcurl takes as one word. */
static bool add_quoted(struct cw_buffer *line, const struct cw_upload_link *link, const char *name)
{
    const char *const parts[] = { sftp_path(link), name };
    if (!cw_buffer_add(line, " \"", 2, NULL))
        return false;
    for (size_t i = 0; i < 2; i++)
        for (const char *at = parts[i]; *at != '\0'; at++) {
            if (strchr("\"'\\", *at) != NULL && !cw_buffer_add(line, "\\", 1, NULL))
                return false;
            if (!cw_buffer_add(line, at, 1, NULL))
                return false;
        }
    return cw_buffer_add(line, "\"", 1, NULL);
}

/* --- removing --- */

static bool never_began(CURLcode result)
{
    return result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST ||
           result == CURLE_LOGIN_DENIED || result == CURLE_PEER_FAILED_VERIFICATION;
}

struct curl_slist *cw_upload_remove_commands(const struct cw_upload_link *link, const char *part)
{
    struct cw_buffer line = { 0 };
    struct curl_slist *list = NULL;
    bool ok = link->url.kind == CW_SFTP ? cw_buffer_print(&line, NULL, "rm") && add_quoted(&line, link, part)
                                        : cw_buffer_print(&line, NULL, "DELE %s", part);
    ok = ok && add_command(&list, &line);
    cw_buffer_fini(&line);
    return ok ? list : NULL;
}

/* An asterisk: its error is none. */
struct curl_slist *cw_upload_folder_commands(const struct cw_upload_link *link, const char *name)
{
    struct cw_buffer line = { 0 };
    struct curl_slist *list = NULL;
    bool ok = link->url.kind == CW_SFTP
                  ? cw_buffer_print(&line, NULL, "*mkdir") && add_quoted(&line, link, name)
                  : cw_buffer_print(&line, NULL, "*MKD %s", name);
    ok = ok && add_command(&list, &line);
    cw_buffer_fini(&line);
    return ok ? list : NULL;
}

/* A server that hangs, or that cannot be reached, would only be waited for once more. */
static bool is_worth_it(const struct cw_upload_link *link, CURLcode result)
{
    return !never_began(result) && result != CURLE_OPERATION_TIMEDOUT && result != CURLE_OUT_OF_MEMORY &&
           result != CURLE_ABORTED_BY_CALLBACK && link->err.code == CW_OK;
}

/* Names are never used twice, so that nobody would overwrite what is left of one that failed. Where it cannot
 * be removed it stays: the failure is what matters. */
static void remove_part(struct cw_upload_link *link, const char *part, CURLcode result)
{
    struct cw_upload_order order = { .step = CW_STEP_REMOVE,
                                     .commands = cw_upload_remove_commands(link, part) };
    if (order.commands != NULL && is_worth_it(link, result))
        cw_upload_link_perform(link, &order);
    curl_slist_free_all(order.commands);
}

/* --- writing --- */

static bool write_part(struct cw_upload_link *link, const char *part, struct cw_error *err)
{
    const struct cw_upload_order order = { .step = CW_STEP_WRITE, .name = part };
    CURLcode result = cw_upload_link_perform(link, &order);
    if (result == CURLE_OK)
        return true;
    cw_upload_explain(link, result, err);
    remove_part(link, part, result);
    return false;
}

/* --- renaming --- */

struct curl_slist *cw_upload_rename_commands(const struct cw_upload_link *link, const char *part,
                                             const char *name)
{
    struct cw_buffer line = { 0 };
    struct curl_slist *list = NULL;
    bool ok;
    if (link->url.kind == CW_SFTP)
        ok = cw_buffer_print(&line, NULL, "rename") && add_quoted(&line, link, part) &&
             add_quoted(&line, link, name) && add_command(&list, &line);
    else
        ok = cw_buffer_print(&line, NULL, "RNFR %s", part) && add_command(&list, &line) &&
             cw_buffer_print(&line, NULL, "RNTO %s", name) && add_command(&list, &line);
    cw_buffer_fini(&line);
    if (ok)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

/* Where libcurl's words for an SFTP status stand in its message, the server has answered; but they may be
 * those of an earlier command when the connection broke. */
static bool sftp_refused(struct cw_upload_link *link)
{
    static const char *const answers[] = { "File not found",         "Permission denied",
                                           "Operation failed",       "Operation not supported by SFTP server",
                                           "File already exists",    "Invalid path",
                                           "File is write protected" };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strstr(link->message, answers[i]) != NULL)
            return cw_upload_link_lives(link);
    return false;
}

/* Whether the rename that failed may have been carried out. */
static bool is_open(struct cw_upload_link *link, CURLcode result)
{
    if (never_began(result))
        return false;
    if (link->url.kind == CW_SFTP)
        return !(result == CURLE_QUOTE_ERROR && sftp_refused(link));
    return strcmp(link->command, "RNTO") == 0 && cw_upload_reply_code(link) < 400;
}

static bool rename_part(struct cw_upload_link *link, const char *part, const char *name, bool *may_exist,
                        struct cw_error *err)
{
    struct cw_upload_order order = { .step = CW_STEP_RENAME,
                                     .commands = cw_upload_rename_commands(link, part, name) };
    if (order.commands == NULL)
        return no_memory(err);
    CURLcode result = cw_upload_link_perform(link, &order);
    curl_slist_free_all(order.commands);
    if (result == CURLE_OK)
        return true;
    *may_exist = is_open(link, result);
    cw_upload_explain(link, result, err);
    if (*may_exist)
        cw_fail_in(err, "the file %s may be there, or only as %s", name, part);
    else
        remove_part(link, part, result);
    return false;
}

bool cw_upload_put(struct cw_upload_link *link, const char *name, bool *may_exist, struct cw_error *err)
{
    struct cw_buffer part = { 0 };
    *may_exist = false;
    bool ok = cw_upload_part_name(name, &part, err) && look(link, name, err) &&
              write_part(link, part.data, err) && rename_part(link, part.data, name, may_exist, err);
    cw_buffer_fini(&part);
    return ok;
}
