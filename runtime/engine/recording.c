/* recording.c - reading exchanges.json and the bodies it names, and who is let in. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/reader.h"
#include "base/buffer.h"
#include "base/decimal.h"
#include "engine/recording_private.h"

static const struct cw_slice no_bytes = { "", 0 };

static void *allocate(struct cw_recording *recording, size_t size, struct cw_error *err)
{
    void *memory = cw_arena_alloc(&recording->arena, size > 0 ? size : 1);
    if (memory == NULL)
        cw_fail(err, CW_NOMEM, "%s: no memory for the recording", recording->folder);
    return memory;
}

static const char *c_string(struct cw_recording *recording, struct cw_slice text, struct cw_error *err)
{
    char *copy = allocate(recording, text.len + 1, err);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

/* --- reading files --- */

static bool read_file(struct cw_recording *recording, const char *name, struct cw_slice *bytes,
                      struct cw_error *err)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", recording->folder, name) >= sizeof path)
        return cw_fail(err, CW_LIMIT, "%s: the folder's name is too long", recording->folder);
    struct cw_body *body = cw_body_open_file(path, err);
    if (body == NULL)
        return false;
    size_t size = cw_body_size(body);
    char *memory = allocate(recording, size, err);
    bool ok = memory != NULL && (size == 0 || cw_body_read(body, 0, memory, size, err));
    cw_body_free(body);
    *bytes = (struct cw_slice){ memory, size };
    return ok;
}

static bool is_plain_name(struct cw_slice name)
{
    return name.len > 0 && name.data[0] != '.' && memchr(name.data, '/', name.len) == NULL &&
           memchr(name.data, '\0', name.len) == NULL;
}

static const struct cw_node *parse(struct cw_recording *recording, struct cw_slice text, struct cw_error *err)
{
    struct cw_parser *parser = cw_parser_create(CW_JSON, NULL, err);
    if (parser == NULL)
        return NULL;
    const struct cw_node *root = cw_parse(parser, text, "UTF-8", &recording->arena, err);
    cw_parser_free(parser);
    return root;
}

/* --- reading answers --- */

static size_t count_children(const struct cw_node *node)
{
    size_t count = 0;
    for (const struct cw_node *child = node != NULL ? node->first : NULL; child != NULL; child = child->next)
        count++;
    return count;
}

static bool refuse_others(const struct cw_node *object, const char *const *known, struct cw_error *err)
{
    for (const struct cw_node *child = object->first; child != NULL; child = child->next) {
        size_t i = 0;
        while (known[i] != NULL && !cw_slice_is(child->name, known[i]))
            i++;
        if (known[i] == NULL)
            return cw_fail(err, CW_INVALID, "unknown key \"%.*s\"", CW_SLICE_ARG(child->name));
    }
    return true;
}

static bool read_number(const struct cw_node *object, const char *key, int64_t least, int64_t most,
                        int64_t *out, struct cw_error *err)
{
    const struct cw_node *node = cw_node_child(object, cw_slice(key));
    struct cw_decimal decimal;
    if (node == NULL)
        return true;
    if (node->kind != CW_NODE_NUMBER || !cw_decimal_parse(node->text, &decimal, NULL) ||
        !cw_decimal_to_int(&decimal, out) || *out < least || *out > most)
        return cw_fail(err, CW_INVALID, "%s is a number from %lld to %lld", key, (long long)least,
                       (long long)most);
    return true;
}

static bool read_headers(struct cw_recording *recording, const struct cw_node *node,
                         struct cw_served_answer *answer, struct cw_error *err)
{
    struct cw_header *headers = allocate(recording, count_children(node) * sizeof *headers, err);
    if (headers == NULL)
        return false;
    answer->headers = headers;
    for (const struct cw_node *child = node != NULL ? node->first : NULL; child != NULL;
         child = child->next) {
        struct cw_header *header = &headers[answer->header_count++];
        header->name = c_string(recording, child->name, err);
        header->value = header->name != NULL ? c_string(recording, child->text, err) : NULL;
        if (header->value == NULL)
            return false;
    }
    return true;
}

static bool read_body(struct cw_recording *recording, const struct cw_node *node, struct cw_slice *body,
                      struct cw_error *err)
{
    *body = no_bytes;
    if (node == NULL)
        return true;
    if (!is_plain_name(node->text))
        return cw_fail(err, CW_INVALID, "body names a file beside exchanges.json, without a folder");
    const char *name = c_string(recording, node->text, err);
    return name != NULL && read_file(recording, name, body, err);
}

static bool read_answer(struct cw_recording *recording, const struct cw_node *node, int64_t status,
                        struct cw_served_answer *answer, struct cw_error *err)
{
    *answer = (struct cw_served_answer){ 0 };
    if (!read_number(node, "status", 100, 599, &status, err))
        return false;
    answer->status = (int)status;
    return read_headers(recording, cw_node_child(node, cw_slice("headers")), answer, err) &&
           read_body(recording, cw_node_child(node, cw_slice("body")), &answer->body, err);
}

/* --- reading requests --- */

static bool read_values(struct cw_recording *recording, const struct cw_node *node, struct expected *param,
                        struct cw_error *err)
{
    bool is_list = node->kind == CW_NODE_ARRAY;
    param->name = node->name;
    param->value_count = is_list ? count_children(node) : 1;
    struct cw_slice *values = allocate(recording, param->value_count * sizeof *values, err);
    if (values == NULL)
        return false;
    param->values = values;
    if (!is_list)
        values[0] = node->text;
    for (const struct cw_node *child = is_list ? node->first : NULL; child != NULL; child = child->next)
        *values++ = child->text;
    return true;
}

static bool read_params(struct cw_recording *recording, const struct cw_target *target,
                        const struct cw_node *query, struct exchange *exchange, struct cw_error *err)
{
    size_t most = target->count + count_children(query);
    exchange->params = allocate(recording, most * sizeof *exchange->params, err);
    if (exchange->params == NULL)
        return false;
    for (size_t i = 0; i < target->count; i++) {
        struct cw_slice *value = allocate(recording, sizeof *value, err);
        if (value == NULL)
            return false;
        *value = target->params[i].value;
        exchange->params[exchange->param_count++] = (struct expected){ target->params[i].name, value, 1 };
    }
    for (const struct cw_node *child = query != NULL ? query->first : NULL; child != NULL;
         child = child->next)
        if (!read_values(recording, child, &exchange->params[exchange->param_count++], err))
            return false;
    return true;
}

static bool read_request(struct cw_recording *recording, const struct cw_node *node,
                         struct exchange *exchange, struct cw_error *err)
{
    struct cw_target target;
    const struct cw_node *path = cw_node_child(node, cw_slice("path"));
    const struct cw_node *method = cw_node_child(node, cw_slice("method"));
    if (path == NULL || path->text.len == 0 || path->text.data[0] != '/')
        return cw_fail(err, CW_INVALID, "path begins with / and may have a query");
    if (!cw_target_read(path->text, &recording->arena, &target, err))
        return false;
    exchange->method = method != NULL ? method->text : cw_slice("GET");
    exchange->path = target.path;
    exchange->shown = path->text;
    return read_params(recording, &target, cw_node_child(node, cw_slice("query")), exchange, err);
}

static bool read_exchange(struct cw_recording *recording, const struct cw_node *node,
                          struct exchange *exchange, struct cw_error *err)
{
    static const char *const keys[] = {
        "path", "query", "method", "status", "headers", "body", "times", NULL
    };
    *exchange = (struct exchange){ .times = -1 };
    if (node->kind != CW_NODE_OBJECT)
        return cw_fail(err, CW_INVALID, "an exchange is an object");
    return refuse_others(node, keys, err) &&
           read_number(node, "times", 1, INT64_MAX, &exchange->times, err) &&
           read_request(recording, node, exchange, err) &&
           read_answer(recording, node, 200, &exchange->answer, err);
}

static bool read_exchanges(struct cw_recording *recording, const struct cw_node *list, struct cw_error *err)
{
    if (list == NULL || list->kind != CW_NODE_ARRAY)
        return cw_fail(err, CW_INVALID, "there is no list of exchanges");
    recording->exchanges = allocate(recording, count_children(list) * sizeof *recording->exchanges, err);
    if (recording->exchanges == NULL)
        return false;
    for (const struct cw_node *node = list->first; node != NULL; node = node->next) {
        if (!read_exchange(recording, node, &recording->exchanges[recording->count], err))
            return cw_fail_in(err, "exchange %zu", recording->count + 1);
        recording->count++;
    }
    return true;
}

/* --- who is let in --- */

static size_t base64(struct cw_slice bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t rest = bytes.len - i;
        const unsigned char *b = (const unsigned char *)bytes.data + i;
        unsigned group = (unsigned)b[0] << 16 | (rest > 1 ? (unsigned)b[1] << 8 : 0) | (rest > 2 ? b[2] : 0);
        out[len++] = digits[group >> 18];
        out[len++] = digits[group >> 12 & 63];
        out[len++] = rest > 1 ? digits[group >> 6 & 63] : '=';
        out[len++] = rest > 2 ? digits[group & 63] : '=';
    }
    return len;
}

static bool read_auth(struct cw_recording *recording, struct cw_slice auth, struct cw_error *err)
{
    bool is_basic = auth.len > 6 && memcmp(auth.data, "basic ", 6) == 0;
    if (!is_basic && !(auth.len > 7 && memcmp(auth.data, "bearer ", 7) == 0))
        return cw_fail(err, CW_INVALID, "auth is \"basic USER:PASSWORD\" or \"bearer TOKEN\"");
    char *value = allocate(recording, auth.len * 2 + 8, err);
    if (value == NULL)
        return false;
    size_t len = is_basic ? 6 : 7;
    memcpy(value, is_basic ? "Basic " : "Bearer ", len);
    struct cw_slice rest = { auth.data + len, auth.len - len };
    if (is_basic)
        len += base64(rest, value + len);
    else
        memcpy(value + len, rest.data, rest.len);
    recording->authorization = (struct cw_slice){ value, is_basic ? len : auth.len };
    return true;
}

static bool read_root(struct cw_recording *recording, const struct cw_node *root, struct cw_error *err)
{
    static const char *const keys[] = { "auth", "refusal", "exchanges", NULL };
    static const char *const refusal_keys[] = { "status", "headers", "body", NULL };
    recording->refusal = (struct cw_served_answer){ .status = 401, .body = no_bytes };
    if (root->kind == CW_NODE_ARRAY)
        return read_exchanges(recording, root, err);
    const struct cw_node *auth = cw_node_child(root, cw_slice("auth"));
    const struct cw_node *refusal = cw_node_child(root, cw_slice("refusal"));
    if (!refuse_others(root, keys, err) || (auth != NULL && !read_auth(recording, auth->text, err)))
        return false;
    if (refusal != NULL && (!refuse_others(refusal, refusal_keys, err) ||
                            !read_answer(recording, refusal, 401, &recording->refusal, err)))
        return cw_fail_in(err, "refusal");
    return read_exchanges(recording, cw_node_child(root, cw_slice("exchanges")), err);
}

struct cw_recording *cw_recording_load(const char *folder, struct cw_error *err)
{
    struct cw_recording *recording = calloc(1, sizeof *recording);
    if (recording == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for the recording %s", folder);
        return NULL;
    }
    cw_arena_init(&recording->arena, 0);
    recording->folder = folder;
    struct cw_slice text;
    bool ok = read_file(recording, "exchanges.json", &text, err);
    if (ok) {
        const struct cw_node *root = parse(recording, text, err);
        ok =
            (root != NULL && read_root(recording, root, err)) || cw_fail_in(err, "%s/exchanges.json", folder);
    }
    recording->folder = NULL; /* was borrowed */
    if (!ok) {
        cw_recording_free(recording);
        return NULL;
    }
    return recording;
}

void cw_recording_free(struct cw_recording *recording)
{
    if (recording == NULL)
        return;
    cw_arena_fini(&recording->arena);
    free(recording);
}

size_t cw_recording_count(const struct cw_recording *recording)
{
    return recording->count;
}

bool cw_recording_allows(const struct cw_recording *recording, const char *authorization)
{
    return recording->authorization.len == 0 ||
           cw_slice_equal(recording->authorization, cw_slice(authorization));
}

const struct cw_served_answer *cw_recording_refusal(const struct cw_recording *recording)
{
    return &recording->refusal;
}
