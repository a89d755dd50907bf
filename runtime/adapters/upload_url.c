/* upload_url.c - addresses of folders and names of files, taken apart and refused before anything is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/upload_private.h"
#include "adapters/utf8.h"

static const struct scheme {
    const char *name, *curl;
    enum cw_upload_kind kind;
    unsigned port;
} schemes[] = {
    { "ftp", "ftp", CW_FTP, 21 },
    { "ftpes", "ftp", CW_FTPES, 21 },
    { "ftps", "ftps", CW_FTPS, 990 },
    { "sftp", "sftp", CW_SFTP, 22 },
};

static bool malformed(struct cw_error *err, const char *why)
{
    return cw_fail(
        err, CW_USAGE,
        "the address of the folder is not usable (%s); write sftp://host/folder/, or ftp, ftpes or "
        "ftps, with user and password in fields of their own",
        why);
}

static const struct scheme *find_scheme(const char *text)
{
    size_t len = strcspn(text, ":");
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strlen(schemes[i].name) == len && strncasecmp(text, schemes[i].name, len) == 0)
            return &schemes[i];
    return NULL;
}

static char *with_slash(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len + 2);
    if (copy != NULL)
        sprintf(copy, "%s%s", text, len > 0 && text[len - 1] == '/' ? "" : "/");
    return copy;
}

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, which, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool check_path(const char *raw, const char *decoded, struct cw_error *err)
{
    if (decoded == NULL)
        return malformed(err, "its path hides control characters");
    if (strstr(raw, ";type=") != NULL)
        return malformed(err, "it ends in ;type=, and files are always sent as they are");
    return true;
}

static bool fill(CURLU *url, const struct scheme *scheme, struct cw_upload_url *out, struct cw_error *err)
{
    const char *why = "its host is missing";
    char *host = part(url, CURLUPART_HOST, 0), *port = part(url, CURLUPART_PORT, 0);
    char *raw = part(url, CURLUPART_PATH, 0), *decoded = part(url, CURLUPART_PATH, CURLU_URLDECODE);
    char *whole = part(url, CURLUPART_URL, 0);
    out->kind = scheme->kind;
    out->port = port != NULL ? (unsigned)atoi(port) : scheme->port;
    bool ok = host != NULL && cw_url_copy_host(host, out->host, &why) && raw != NULL && whole != NULL;
    if (!ok || out->port == 0)
        ok = malformed(err, ok ? "its port is 0" : why);
    ok = ok && check_path(raw, decoded, err);
    if (ok) {
        bool v6 = strchr(out->host, ':') != NULL;
        out->folder = with_slash(whole);
        out->path = with_slash(decoded);
        snprintf(out->where, sizeof out->where, "%s://%s%s%s:%u%s", scheme->name, v6 ? "[" : "", out->host,
                 v6 ? "]" : "", out->port, raw);
        ok = (out->folder != NULL && out->path != NULL) || cw_fail(err, CW_NOMEM, "no memory for an address");
    }
    curl_free(host);
    curl_free(port);
    curl_free(raw);
    curl_free(decoded);
    curl_free(whole);
    return ok;
}

bool cw_upload_url_parse(const char *text, struct cw_upload_url *out, struct cw_error *err)
{
    struct cw_buffer for_curl = { 0 };
    const struct scheme *scheme = find_scheme(text);
    CURLU *url = curl_url();
    bool ok = false;
    if (scheme == NULL)
        malformed(err, "only ftp, ftpes, ftps and sftp are spoken");
    else if (strpbrk(text, "?#") != NULL)
        malformed(err, "in a path write ? as %3F and # as %23");
    else if (url == NULL)
        cw_fail(err, CW_NOMEM, "no memory for an address");
    else
        ok = cw_buffer_print(&for_curl, err, "%s%s", scheme->curl, text + strlen(scheme->name));
    if (ok) {
        CURLUcode code = curl_url_set(url, CURLUPART_URL, for_curl.data, CURLU_DISALLOW_USER);
        ok = code == CURLUE_OK ? fill(url, scheme, out, err) : malformed(err, curl_url_strerror(code));
    }
    cw_buffer_fini(&for_curl);
    curl_url_cleanup(url);
    return ok;
}

void cw_upload_url_fini(struct cw_upload_url *url)
{
    free(url->folder);
    free(url->path);
    url->folder = url->path = NULL;
}

/* --- names --- */

/* NULL when the name can be given to any server. A backslash separates folders on some, and some take blanks
 * at the ends away. */
static const char *fault_of(const char *name)
{
    uint32_t point;
    const char *end = name + strlen(name);
    if (name == end || end - name > CW_UPLOAD_NAME_MAX)
        return "it is empty, or longer than 200 bytes";
    if (*name == '.' || *name == ' ' || end[-1] == ' ')
        return "it begins with a dot or a blank, or ends in a blank";
    for (unsigned len; name < end; name += len) {
        len = cw_utf8_read(name, end, &point);
        if (len == 0)
            return "it is no UTF-8";
        if (point < 0x20 || (point >= 0x7f && point < 0xa0))
            return "it has a line break or another control character";
        if (point == '/' || point == '\\')
            return "it has a slash, and the folder is named by the address";
    }
    return NULL;
}

bool cw_upload_name_check(const char *name, struct cw_error *err)
{
    const char *fault = fault_of(name);
    return fault == NULL || cw_fail(err, CW_USAGE, "this cannot be the name of a file: %s", fault);
}

bool cw_upload_address(const char *text, const char *name, struct cw_buffer *out, struct cw_error *err)
{
    struct cw_upload_url url = { 0 };
    bool ok = cw_upload_name_check(name, err) && cw_upload_url_parse(text, &url, err);
    if (ok) {
        size_t len = strlen(url.where);
        ok = cw_buffer_print(out, err, "%s%s%s", url.where, url.where[len - 1] == '/' ? "" : "/", name);
    }
    cw_upload_url_fini(&url);
    return ok;
}

bool cw_upload_part_name(const char *name, struct cw_buffer *out, struct cw_error *err)
{
    return cw_buffer_print(out, err, ".%s.part", name);
}

bool cw_upload_is_part_name(struct cw_slice name)
{
    return name.len > 6 && name.data[0] == '.' && memcmp(cw_slice_end(name) - 5, ".part", 5) == 0;
}
