/* outbox_judge.c - the one place where an answer becomes the state of a message; the table is in outbox.h. */
#include "engine/outbox.h"

static const cw_time first_delay = CW_MINUTE, longest_delay = CW_HOUR;

cw_time cw_outbox_delay(unsigned attempts)
{
    cw_time delay = first_delay;
    for (unsigned i = 1; i < attempts && delay < longest_delay; i++)
        delay *= 2;
    return delay < longest_delay ? delay : longest_delay;
}

static bool is_unreachable(enum cw_code code)
{
    switch (code) {
    case CW_UNAVAILABLE:
    case CW_TIMEOUT:
    case CW_IO:
    case CW_AUTH:
    case CW_PERMISSION:
    case CW_REFUSED:
    case CW_NOMEM:
    case CW_CANCELLED:
        return true;
    default:
        return false;
    }
}

bool cw_outbox_is_of_cart(const struct cw_error *err, int status)
{
    if (err == NULL)
        return false;
    switch (status) {
    case 0:
        return is_unreachable(err->code);
    case 401:
    case 403:
    case 429:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

static struct cw_verdict refused(unsigned attempts, unsigned attempts_max)
{
    bool is_over = attempts >= attempts_max;
    return (struct cw_verdict){ .state = is_over ? CW_MESSAGE_FAILED : CW_MESSAGE_QUEUED };
}

/* Also one that was on its way when the script was stopped. */
static bool is_uncertain(const struct cw_lua_effects *effects)
{
    return effects->uncertain > 0 || effects->taken + effects->refused < effects->writes;
}

static bool may_have_arrived(const struct cw_evidence *evidence)
{
    const struct cw_lua_effects *effects = &evidence->effects;
    switch (evidence->said) {
    case CW_SAID_NEEDLESS:
        return false;
    case CW_SAID_SENT:
        return is_uncertain(effects) && effects->taken == 0;
    case CW_SAID_REFUSED:
        return is_uncertain(effects);
    default:
        return is_uncertain(effects) || effects->taken > 0;
    }
}

static struct cw_verdict judge(const struct cw_evidence *evidence)
{
    if (may_have_arrived(evidence))
        return (struct cw_verdict){ .state = CW_MESSAGE_UNKNOWN };
    if (evidence->said == CW_SAID_NEEDLESS)
        return (struct cw_verdict){ .state = CW_MESSAGE_SUPERSEDED };
    if (evidence->said == CW_SAID_SENT)
        return (struct cw_verdict){ .state = CW_MESSAGE_SENT };
    if (evidence->said == CW_SAID_REFUSED)
        return refused(evidence->attempts, evidence->attempts_max);
    if (cw_outbox_is_of_cart(evidence->err, evidence->status))
        return (struct cw_verdict){ .state = CW_MESSAGE_QUEUED, .takes_back = true };
    if (evidence->batch > 1)
        return (struct cw_verdict){ .state = CW_MESSAGE_QUEUED, .takes_back = true, .alone = true };
    return refused(evidence->attempts, evidence->attempts_max);
}

struct cw_verdict cw_outbox_judge(const struct cw_evidence *evidence)
{
    struct cw_verdict verdict = judge(evidence);
    verdict.is_of_cart = cw_outbox_is_of_cart(evidence->err, evidence->status);
    return verdict;
}

struct cw_verdict cw_outbox_judge_probe(enum cw_lua_said said, unsigned attempts, unsigned attempts_max)
{
    if (said == CW_SAID_SENT)
        return (struct cw_verdict){ .state = CW_MESSAGE_SENT };
    if (said == CW_SAID_MISSING)
        return refused(attempts, attempts_max);
    return (struct cw_verdict){ .state = CW_MESSAGE_UNKNOWN };
}
