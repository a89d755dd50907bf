/* http_url.c - see http_url.h; libcurl's URL parser does the work. */
#include "adapters/http_url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/http.h"

static bool malformed(struct cw_error *err, const char *why)
{
    return cw_fail(
        err, CW_USAGE,
        "the address is not usable (%s); write https://host/path, with user names and passwords in the "
        "settings for them",
        why);
}

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, which, &text, flags) == CURLUE_OK ? text : NULL;
}

bool cw_url_copy_host(const char *host, char out[CW_URL_HOST_MAX], const char **why)
{
    size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    *why = "the host's name is empty or too long";
    if (len == 0 || len >= CW_URL_HOST_MAX)
        return false;
    *why = "the host's name has other characters than ASCII; use its xn-- form";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c <= ' ' || c >= 0x7f)
            return false;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    out[len] = '\0';
    return true;
}

static bool fill(CURLU *url, struct cw_url *out, struct cw_error *err)
{
    bool ok = false;
    const char *why;
    char *scheme = part(url, CURLUPART_SCHEME, 0);
    char *host = part(url, CURLUPART_HOST, 0);
    char *port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *path = part(url, CURLUPART_PATH, 0);

    if (scheme == NULL || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)) {
        malformed(err, "only http and https are spoken");
        goto out;
    }
    if (host == NULL || port == NULL || atoi(port) == 0) {
        malformed(err, "host or port is missing");
        goto out;
    }
    if (!cw_url_copy_host(host, out->host, &why)) {
        malformed(err, why);
        goto out;
    }
    out->is_https = strcasecmp(scheme, "https") == 0;
    out->port = (unsigned)atoi(port);
    bool v6 = strchr(out->host, ':') != NULL;
    snprintf(out->where, sizeof out->where, "%s://%s%s%s:%u%s", out->is_https ? "https" : "http",
             v6 ? "[" : "", out->host, v6 ? "]" : "", out->port, path != NULL ? path : "/");
    ok = true;
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return ok;
}

bool cw_url_parse(const char *text, struct cw_url *out, struct cw_error *err)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for an address");
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    bool ok = code == CURLUE_OK ? fill(url, out, err) : malformed(err, curl_url_strerror(code));
    curl_url_cleanup(url);
    return ok;
}

bool cw_url_resolve(const char *base, const char *location, struct cw_buffer *out, struct cw_error *err)
{
    char *text = NULL;
    CURLU *url = curl_url();
    bool ok = url != NULL && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_URL, location, CURLU_URLENCODE) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
              (text = part(url, CURLUPART_URL, 0)) != NULL;
    curl_url_cleanup(url);
    if (!ok)
        return cw_fail(err, CW_INVALID, "the server redirects to something that is not an address");
    cw_buffer_clear(out);
    ok = cw_buffer_add(out, text, strlen(text), err);
    curl_free(text);
    return ok;
}

/* What stays as it is: in addresses and signatures by RFC 3986, in forms by the URL standard of browsers. */
static const char address_marks[] = "-._~", form_marks[] = "-._*";

static bool is_bare(char c, const char *marks)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(marks, c) != NULL);
}

static bool add_encoded(struct cw_buffer *url, struct cw_slice text, const char *marks, struct cw_error *err)
{
    char *to = cw_buffer_reserve(url, 3 * text.len, err);
    if (to == NULL)
        return false;
    const char *start = to;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_bare((char)c, marks) || (c == ' ' && marks == form_marks)) {
            *to++ = c == ' ' ? '+' : (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = "0123456789ABCDEF"[c >> 4];
        *to++ = "0123456789ABCDEF"[c & 15];
    }
    *to = '\0';
    url->len += (size_t)(to - start);
    return true;
}

bool cw_url_encode(struct cw_buffer *out, struct cw_slice text, struct cw_error *err)
{
    return add_encoded(out, text, address_marks, err);
}

/* What joins the next parameter to the address: none after a '?' or '&' that stands last. */
static const char *separator(const struct cw_buffer *url)
{
    struct cw_slice text = cw_buffer_slice(url);
    if (memchr(text.data, '?', text.len) == NULL)
        return "?";
    char last = text.data[text.len - 1];
    return last == '?' || last == '&' ? "" : "&";
}

bool cw_url_add_query(struct cw_buffer *url, struct cw_slice name, struct cw_slice value,
                      struct cw_error *err)
{
    size_t before = url->len;
    const char *join = separator(url);
    if (cw_buffer_add(url, join, strlen(join), err) && cw_url_encode(url, name, err) &&
        cw_buffer_add(url, "=", 1, err) && cw_url_encode(url, value, err))
        return true;
    url->len = before;
    return false;
}

bool cw_form_add(struct cw_buffer *form, struct cw_slice name, struct cw_slice value, struct cw_error *err)
{
    return cw_buffer_add(form, "&", form->len > 0, err) && add_encoded(form, name, form_marks, err) &&
           cw_buffer_add(form, "=", 1, err) && add_encoded(form, value, form_marks, err);
}
