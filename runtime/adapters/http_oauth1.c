/* http_oauth1.c - see http_oauth1.h. The sections named are those of RFC 5849. oauth_version is left out,
 * which 3.1 allows: some shops refuse it. */
#include "adapters/http_oauth1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"

enum { PARAMETERS_MAX = 1000, OWN_MAX = 5, BASE_MAX = 16 * 1024 * 1024 };

/* Both encoded. */
struct parameter {
    struct cw_slice name, value;
};

struct parameters {
    struct parameter *items;
    size_t count;
    struct cw_arena arena; /* of the texts */
    struct cw_buffer text; /* the one that is being encoded */
};

/* --- 3.4.1.3: the parameters --- */

static struct cw_slice keep(struct parameters *all, struct cw_error *err)
{
    struct cw_slice kept = cw_arena_copy(&all->arena, cw_buffer_slice(&all->text));
    if (kept.data == NULL)
        cw_fail(err, CW_NOMEM, "no memory to sign a request");
    return kept;
}

static struct cw_slice encode(struct parameters *all, struct cw_slice text, struct cw_error *err)
{
    cw_buffer_clear(&all->text);
    if (!cw_url_encode(&all->text, text, err))
        return (struct cw_slice){ NULL, 0 };
    return keep(all, err);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Out of a query or form, where a blank is "+" or "%20", and other bytes may be encoded or not. */
static struct cw_slice encode_again(struct parameters *all, struct cw_slice text, struct cw_error *err)
{
    cw_buffer_clear(&all->text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i] == '+' ? ' ' : text.data[i];
        if (c == '%' && i + 2 < text.len && hex_value(text.data[i + 1]) >= 0 &&
            hex_value(text.data[i + 2]) >= 0) {
            c = (char)(hex_value(text.data[i + 1]) << 4 | hex_value(text.data[i + 2]));
            i += 2;
        }
        if (!cw_url_encode(&all->text, (struct cw_slice){ &c, 1 }, err))
            return (struct cw_slice){ NULL, 0 };
    }
    return keep(all, err);
}

static bool add_parameter(struct parameters *all, struct cw_slice name, struct cw_slice value,
                          struct cw_error *err)
{
    if (name.data == NULL || value.data == NULL)
        return false;
    if (all->count == PARAMETERS_MAX)
        return cw_fail(err, CW_LIMIT, "more than %d parameters to sign", PARAMETERS_MAX);
    all->items[all->count++] = (struct parameter){ name, value };
    return true;
}

/* "a=1&b": the pairs of a query or form. */
static bool add_pairs(struct parameters *all, struct cw_slice text, struct cw_error *err)
{
    for (size_t at = 0; at < text.len;) {
        const char *start = text.data + at;
        const char *end = memchr(start, '&', text.len - at);
        size_t len = end != NULL ? (size_t)(end - start) : text.len - at;
        const char *equals = memchr(start, '=', len);
        size_t name = equals != NULL ? (size_t)(equals - start) : len;
        struct cw_slice value = { start + name + 1, equals != NULL ? len - name - 1 : 0 };
        if (len > 0 && !add_parameter(all, encode_again(all, (struct cw_slice){ start, name }, err),
                                      equals != NULL ? encode_again(all, value, err) : cw_slice(""), err))
            return false;
        at += len + 1;
    }
    return true;
}

static bool has_form(const struct cw_http_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, "Content-Type") == 0)
            return strncasecmp(request->headers[i].value, form, sizeof form - 1) == 0;
    return false;
}

/* The protocol's own, in the order in which the header has them; without the signature. */
static size_t own_parameters(const struct cw_oauth1 *keys, const struct cw_oauth1_stamp *stamp,
                             char timestamp[24], struct cw_header out[OWN_MAX])
{
    size_t count = 0;
    snprintf(timestamp, 24, "%" PRId64, stamp->timestamp);
    out[count++] = (struct cw_header){ "oauth_consumer_key", keys->consumer_key };
    if (keys->token != NULL)
        out[count++] = (struct cw_header){ "oauth_token", keys->token };
    out[count++] = (struct cw_header){ "oauth_signature_method",
                                       keys->method == CW_HMAC_SHA1 ? "HMAC-SHA1" : "HMAC-SHA256" };
    out[count++] = (struct cw_header){ "oauth_timestamp", timestamp };
    out[count++] = (struct cw_header){ "oauth_nonce", stamp->nonce };
    return count;
}

static bool collect(struct parameters *all, const struct cw_http_request *request,
                    const struct cw_oauth1_stamp *stamp, struct cw_error *err)
{
    char timestamp[24];
    struct cw_header own[OWN_MAX];
    size_t count = own_parameters(request->oauth1, stamp, timestamp, own);
    const char *query = strchr(request->url, '?');
    all->items = calloc(PARAMETERS_MAX, sizeof *all->items);
    if (all->items == NULL)
        return cw_fail(err, CW_NOMEM, "no memory to sign a request");
    for (size_t i = 0; i < count; i++)
        if (!add_parameter(all, encode(all, cw_slice(own[i].name), err),
                           encode(all, cw_slice(own[i].value), err), err))
            return false;
    if (query != NULL && !add_pairs(all, (struct cw_slice){ query + 1, strcspn(query + 1, "#") }, err))
        return false;
    return !has_form(request) || add_pairs(all, request->body, err);
}

static int compare_texts(struct cw_slice a, struct cw_slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* 3.4.1.3.2: by their encoded bytes, names first. */
static int compare_parameters(const void *a, const void *b)
{
    const struct parameter *x = a, *y = b;
    int order = compare_texts(x->name, y->name);
    return order != 0 ? order : compare_texts(x->value, y->value);
}

/* --- 3.4.1.1: the text that is signed --- */

/* 3.4.1.2: without query, and with the port only where it is not the scheme's own. */
static bool add_address(const char *address, const struct cw_url *url, struct cw_buffer *out,
                        struct cw_error *err)
{
    char begin[CW_URL_HOST_MAX + 32];
    bool is_usual = url->port == (url->is_https ? 443 : 80);
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    int len = snprintf(begin, sizeof begin, "%s://%s%s%s", url->is_https ? "https" : "http",
                       is_ipv6 ? "[" : "", url->host, is_ipv6 ? "]" : "");
    if (!is_usual)
        snprintf(begin + len, sizeof begin - (size_t)len, ":%u", url->port);
    const char *host = strstr(address, "://") + 3;
    const char *path = host + strcspn(host, "/?#");
    struct cw_slice rest = { path, strcspn(path, "?#") };
    return cw_url_encode(out, cw_slice(begin), err) &&
           cw_url_encode(out, rest.len > 0 ? rest : cw_slice("/"), err);
}

/* "&", and all parameters as one encoded text. */
static bool add_sorted(struct parameters *all, struct cw_buffer *out, struct cw_error *err)
{
    qsort(all->items, all->count, sizeof *all->items, compare_parameters);
    for (size_t i = 0; i < all->count; i++) {
        const char *join = i > 0 ? "%26" : "&";
        if (!cw_buffer_add(out, join, strlen(join), err) || !cw_url_encode(out, all->items[i].name, err) ||
            !cw_buffer_add(out, "%3D", 3, err) || !cw_url_encode(out, all->items[i].value, err))
            return false;
    }
    return true;
}

bool cw_oauth1_base(const struct cw_http_request *request, const struct cw_url *url,
                    const struct cw_oauth1_stamp *stamp, struct cw_buffer *out, struct cw_error *err)
{
    struct parameters all = { .text = { .limit = BASE_MAX } };
    cw_arena_init(&all.arena, BASE_MAX);
    bool ok = collect(&all, request, stamp, err) &&
              cw_buffer_add(out, request->method, strlen(request->method), err) &&
              cw_buffer_add(out, "&", 1, err) && add_address(request->url, url, out, err) &&
              add_sorted(&all, out, err);
    free(all.items);
    cw_buffer_fini(&all.text);
    cw_arena_fini(&all.arena);
    return ok;
}

/* --- 3.4.2: the signature --- */

static bool sign(const struct cw_oauth1 *keys, struct cw_slice base, char out[CW_HMAC_BASE64_MAX],
                 struct cw_error *err)
{
    struct cw_buffer key = { 0 };
    const char *token_secret = keys->token_secret != NULL ? keys->token_secret : "";
    bool ok = cw_url_encode(&key, cw_slice(keys->consumer_secret), err) && cw_buffer_add(&key, "&", 1, err) &&
              cw_url_encode(&key, cw_slice(token_secret), err);
    if (ok) {
        cw_hmac_base64(keys->method, cw_buffer_slice(&key), base, out);
        explicit_bzero(key.data, key.len);
    }
    cw_buffer_fini(&key);
    return ok;
}

static bool add_field(const char *name, const char *value, const char *before, struct cw_buffer *out,
                      struct cw_error *err)
{
    return cw_buffer_print(out, err, "%s%s=\"", before, name) && cw_url_encode(out, cw_slice(value), err) &&
           cw_buffer_add(out, "\"", 1, err);
}

bool cw_oauth1_authorize(const struct cw_http_request *request, const struct cw_url *url,
                         const struct cw_oauth1_stamp *stamp, struct cw_buffer *out, struct cw_error *err)
{
    char signature[CW_HMAC_BASE64_MAX], timestamp[24];
    struct cw_header own[OWN_MAX];
    struct cw_buffer base = { .limit = BASE_MAX };
    size_t count = own_parameters(request->oauth1, stamp, timestamp, own);
    bool ok = cw_oauth1_base(request, url, stamp, &base, err) &&
              sign(request->oauth1, cw_buffer_slice(&base), signature, err);
    cw_buffer_fini(&base);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_field(own[i].name, own[i].value, i == 0 ? "OAuth " : ", ", out, err);
    return ok && add_field("oauth_signature", signature, ", ", out, err);
}
