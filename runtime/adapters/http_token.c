/* http_token.c - see http_token.h. */
#include "adapters/http_token.h"

#include "base/secret.h"

enum { TOKEN_MAX = 16 * 1024 }; /* bytes; servers refuse longer headers */

static const cw_time renew_most = CW_MINUTE;

bool cw_keeper_has_token(const struct cw_http_keeper *keeper, int64_t now_ns)
{
    return keeper->value.len > 0 && now_ns < keeper->renew_ns;
}

/* Those whose life is short are renewed when a tenth of it is left. */
static int64_t renew_at(int64_t now_ns, cw_time lifetime)
{
    cw_time early = lifetime / 10 < renew_most ? lifetime / 10 : renew_most;
    bool is_endless = lifetime <= 0 || lifetime > INT64_MAX / 2000;
    return is_endless ? INT64_MAX : now_ns + (lifetime - early) * 1000;
}

static bool check_token(struct cw_slice token, struct cw_error *err)
{
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.data[i] <= ' ' || (unsigned char)token.data[i] >= 0x7f)
            return cw_fail(err, CW_AUTH, "the token that the shop gave holds blanks or control characters");
    if (token.len < CW_SECRET_BYTES_MIN || token.len > TOKEN_MAX)
        return cw_fail(err, CW_AUTH, "the token that the shop gave has %zu bytes; %d to %d can be used",
                       token.len, CW_SECRET_BYTES_MIN, TOKEN_MAX);
    return true;
}

/* The old one is forgotten last: it may be the same. */
static bool keep_token(struct cw_http_keeper *keeper, struct cw_slice token, struct cw_error *err)
{
    const char *prefix = keeper->grant->prefix;
    struct cw_buffer value = { 0 };
    if (!cw_secret_remember(token))
        return cw_fail(err, CW_LIMIT, "too many secrets are in use (%d)", CW_SECRETS_MAX);
    if (!cw_buffer_add(&value, prefix, strlen(prefix), err) ||
        !cw_buffer_add(&value, token.data, token.len, err)) {
        cw_secret_forget(token);
        cw_buffer_fini(&value);
        return false;
    }
    cw_keeper_drop(keeper);
    keeper->value = value;
    keeper->prefix_len = strlen(prefix);
    keeper->number++;
    return true;
}

bool cw_keeper_take(struct cw_http_keeper *keeper, const struct cw_http_response *response, int64_t now_ns,
                    struct cw_error *err)
{
    const struct cw_http_grant *grant = keeper->grant;
    struct cw_http_token token = { 0 };
    if (!grant->read(grant->arg, response, &token, err) || !check_token(token.text, err) ||
        !keep_token(keeper, token.text, err))
        return false;
    keeper->renew_ns = renew_at(now_ns, token.lifetime);
    return true;
}

void cw_keeper_explain(struct cw_error *err)
{
    bool is_said = err->code == CW_AUTH || err->code == CW_REFUSED;
    cw_fail_in(err, "not sent, for want of a token");
    if (!is_said)
        err->code = CW_UNAVAILABLE;
}

void cw_keeper_drop(struct cw_http_keeper *keeper)
{
    struct cw_buffer *value = &keeper->value;
    if (value->len > 0) {
        cw_secret_forget(
            (struct cw_slice){ value->data + keeper->prefix_len, value->len - keeper->prefix_len });
        explicit_bzero(value->data, value->len);
    }
    cw_buffer_fini(value);
}
