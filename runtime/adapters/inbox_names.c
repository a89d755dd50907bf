/* inbox_names.c - see inbox_private.h: which names are files that were put there to be taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/inbox_private.h"
#include "adapters/utf8.h"

/* --- what is asked for --- */

static bool copy_text(const char *text, const char **out, struct cw_error *err)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL || cw_fail(err, CW_NOMEM, "no memory for an inbox");
}

/* One name in the folder, that no file is taken from. */
static bool check_folder(const char *field, const char *name, struct cw_error *err)
{
    if (name[0] == '\0' || (name[0] != '.' && strchr(name, '/') == NULL && strcmp(name, CW_INBOX_WORK) != 0 &&
                            strlen(name) <= CW_INBOX_NAME_MAX && cw_inbox_name_fault(cw_slice(name)) == NULL))
        return true;
    return cw_fail(err, CW_USAGE,
                   "%s = \"%s\" of an inbox must be the name of a folder in it, other than " CW_INBOX_WORK
                   ", or \"\" for removing",
                   field, name);
}

bool cw_inbox_files_copy(const struct cw_inbox_files *files, struct cw_inbox_files *out, struct cw_error *err)
{
    const char *done = files->done != NULL ? files->done : "done";
    const char *failed = files->failed != NULL ? files->failed : "failed";
    *out = (struct cw_inbox_files){ .rest = files->rest, .only_look = files->only_look };
    return check_folder("done", done, err) && check_folder("failed", failed, err) &&
           copy_text(files->trigger, &out->trigger, err) && copy_text(files->pattern, &out->pattern, err) &&
           copy_text(done, &out->done, err) && copy_text(failed, &out->failed, err);
}

void cw_inbox_files_fini(struct cw_inbox_files *files)
{
    free((char *)files->trigger);
    free((char *)files->pattern);
    free((char *)files->done);
    free((char *)files->failed);
    *files = (struct cw_inbox_files){ 0 };
}

/* --- names --- */

static bool ends_in(struct cw_slice name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && memcmp(name.data + name.len - len, end, len) == 0;
}

bool cw_inbox_is_left_alone(const struct cw_inbox_files *files, struct cw_slice name)
{
    static const char *const temporary[] = { ".tmp", ".part", ".filepart", ".crdownload" };
    if (name.len == 0 || name.data[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++)
        if (ends_in(name, temporary[i]))
            return true;
    return (files->trigger != NULL && ends_in(name, files->trigger)) ||
           !cw_inbox_matches(files->pattern, name);
}

/* A star is tried with ever more of the name: where the rest does not fit, only the last star goes on. */
bool cw_inbox_matches(const char *pattern, struct cw_slice name)
{
    const char *at = name.data, *end = cw_slice_end(name), *star = NULL, *resume = NULL;
    if (pattern == NULL)
        return true;
    while (at < end) {
        if (*pattern == '*') {
            star = pattern++;
            resume = at;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == *at)) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

const char *cw_inbox_name_fault(struct cw_slice name)
{
    uint32_t point;
    for (const char *at = name.data, *end = cw_slice_end(name); at < end;) {
        unsigned bytes = cw_utf8_read(at, end, &point);
        if (bytes == 0)
            return "its name is no UTF-8; give it another one";
        if (point < ' ' || (point >= 0x7f && point < 0xa0) || point == '/' || point == '\\')
            return "its name has a character that no name may have; give it another one";
        at += bytes;
    }
    return NULL;
}

bool cw_inbox_trigger_names(const struct cw_inbox_files *files, const char *name,
                            char out[2][2 * CW_INBOX_NAME_MAX + 1])
{
    const size_t cap = 2 * CW_INBOX_NAME_MAX + 1;
    const char *dot = strrchr(name, '.');
    if (files->trigger == NULL)
        return false;
    size_t stem = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(out[0], cap, "%s%s", name, files->trigger);
    snprintf(out[1], cap, "%.*s%s", (int)stem, name, files->trigger);
    return true;
}

/* What is too long for a name loses the end of its stem. */
void cw_inbox_number(const char *name, unsigned number, char out[CW_INBOX_NAME_MAX + 1])
{
    char digits[16] = "";
    const char *dot = strrchr(name, '.');
    size_t len = strlen(name);
    size_t stem = dot != NULL && dot > name && strlen(dot) < 32 ? (size_t)(dot - name) : len;
    if (number > 1)
        snprintf(digits, sizeof digits, ".%u", number);
    size_t tail = strlen(digits) + len - stem;
    struct cw_slice kept = cw_slice_clip((struct cw_slice){ name, stem }, CW_INBOX_NAME_MAX - tail);
    memcpy(out, name, kept.len);
    memcpy(out + kept.len, digits, strlen(digits));
    memcpy(out + kept.len + strlen(digits), name + stem, len - stem + 1);
}
