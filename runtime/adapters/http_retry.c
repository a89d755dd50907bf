/* http_retry.c - see http_retry.h. */
#include "adapters/http_retry.h"

#include <stdlib.h>

static const cw_time backoff_first = CW_SECOND, backoff_most = 60 * CW_SECOND;

bool cw_retry_is_worth(const struct cw_http_response *response, const struct cw_error *err)
{
    if (err != NULL)
        return err->code == CW_UNAVAILABLE || err->code == CW_TIMEOUT || err->code == CW_IO;
    int status = response->status;
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* "120", and "1.5" as some send it, rounded up; of seconds, or what else `unit` is. */
static bool parse_wait(struct cw_slice text, cw_time unit, cw_time *out)
{
    cw_time count = 0;
    size_t i = 0;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        if (count <= CW_RETRY_AFTER_MAX / unit) /* any number of digits means "very long" */
            count = count * 10 + (text.data[i] - '0');
    if (i == 0)
        return false;
    if (i < text.len && text.data[i] == '.') {
        for (i++; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
            ;
        count++;
    }
    *out = count * unit;
    return i == text.len;
}

static bool parse_date(const char *text, cw_time *out)
{
    return text != NULL && cw_time_parse(cw_slice_trim(cw_slice(text)), NULL, out, NULL);
}

cw_time cw_retry_told(const struct cw_http_response *response, cw_time now)
{
    const char *header = cw_http_header(response, "Retry-After");
    cw_time wait = 0, until, sent;
    if (header == NULL)
        return 0;
    if (!parse_wait(cw_slice_trim(cw_slice(header)), CW_SECOND, &wait)) {
        if (!parse_date(header, &until))
            return 0;
        wait = until - (parse_date(cw_http_header(response, "Date"), &sent) ? sent : now);
    }
    if (wait <= 0)
        return 0;
    return wait < CW_RETRY_AFTER_MAX ? wait : CW_RETRY_AFTER_MAX;
}

cw_time cw_retry_reset(const struct cw_http_response *response, const struct cw_http_quota *quota)
{
    const char *header = quota->reset != NULL ? cw_http_header(response, quota->reset) : NULL;
    cw_time wait = 0;
    if (header == NULL || !parse_wait(cw_slice_trim(cw_slice(header)), quota->unit, &wait))
        return 0;
    return wait < CW_RETRY_AFTER_MAX ? wait : CW_RETRY_AFTER_MAX;
}

cw_time cw_retry_spent(const struct cw_http_response *response, const struct cw_http_quota *quota)
{
    const char *header = quota->left != NULL ? cw_http_header(response, quota->left) : NULL;
    char *end;
    unsigned long left = header != NULL ? strtoul(header, &end, 10) : 0;
    return header != NULL && end != header && left < quota->least ? cw_retry_reset(response, quota) : 0;
}

cw_time cw_retry_backoff(unsigned attempts, struct cw_random *random)
{
    cw_time most = backoff_first;
    for (unsigned i = 1; i < attempts && most < backoff_most; i++)
        most *= 2;
    if (most > backoff_most)
        most = backoff_most;
    return (cw_time)cw_random_below(random, (uint64_t)most + 1);
}
