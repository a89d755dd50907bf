/* recording_find.c - the exchange that answers a request, or the one that comes nearest. */
#include "base/buffer.h"
#include "engine/recording_private.h"

static bool accepts(const struct expected *expected, const struct cw_param *param)
{
    if (!cw_slice_equal(expected->name, param->name))
        return false;
    for (size_t i = 0; i < expected->value_count; i++)
        if (cw_pattern_matches(expected->values[i], param->value))
            return true;
    return false;
}

/* How many of the exchange's parameters the request has; each of the request's counts once. */
static size_t common_params(const struct exchange *exchange, const struct cw_target *target)
{
    bool used[CW_PARAMS_MAX] = { false };
    size_t common = 0;
    for (size_t i = 0; i < exchange->param_count; i++)
        for (size_t j = 0; j < target->count; j++)
            if (!used[j] && accepts(&exchange->params[i], &target->params[j])) {
                used[j] = true;
                common++;
                break;
            }
    return common;
}

static bool matches(const struct exchange *exchange, struct cw_slice method, const struct cw_target *target)
{
    return exchange->times != 0 && cw_slice_equal(exchange->method, method) &&
           cw_pattern_matches(exchange->path, target->path) && exchange->param_count == target->count &&
           common_params(exchange, target) == target->count;
}

/* How near an exchange comes: the path weighs most, then the parameters. */
static size_t nearness(const struct exchange *exchange, struct cw_slice method,
                       const struct cw_target *target)
{
    size_t score = 0;
    while (score < exchange->path.len && score < target->path.len &&
           exchange->path.data[score] == target->path.data[score])
        score++;
    if (cw_pattern_matches(exchange->path, target->path))
        score += 10000 + 10 * common_params(exchange, target);
    return score + cw_slice_equal(exchange->method, method);
}

static void tell_nearest(const struct cw_recording *recording, struct cw_slice method, const char *text,
                         const struct cw_target *target, struct cw_buffer *why)
{
    const struct exchange *nearest = NULL;
    size_t best = 0;
    for (size_t i = 0; i < recording->count; i++) {
        size_t score = nearness(&recording->exchanges[i], method, target);
        if (nearest == NULL || score > best) {
            nearest = &recording->exchanges[i];
            best = score;
        }
    }
    cw_buffer_print(why, NULL, "no recorded answer to %.*s %s\n", CW_SLICE_ARG(method), text);
    if (nearest != NULL)
        cw_buffer_print(why, NULL, "the nearest is %.*s %.*s%s\n", CW_SLICE_ARG(nearest->method),
                        CW_SLICE_ARG(nearest->shown),
                        nearest->times == 0 ? ", which has answered as often as it may" : "");
}

const struct cw_served_answer *cw_recording_find(struct cw_recording *recording, const char *method,
                                                 const char *text, struct cw_buffer *why)
{
    struct cw_arena scratch;
    struct cw_target target;
    struct cw_error err;
    const struct cw_served_answer *answer = NULL;
    cw_arena_init(&scratch, 0);
    if (!cw_target_read(cw_slice(text), &scratch, &target, &err)) {
        cw_buffer_print(why, NULL, "%s\n", err.text);
        goto out;
    }
    for (size_t i = 0; i < recording->count && answer == NULL; i++) {
        struct exchange *exchange = &recording->exchanges[i];
        if (!matches(exchange, cw_slice(method), &target))
            continue;
        answer = &exchange->answer;
        if (exchange->times > 0)
            exchange->times--;
    }
    if (answer == NULL)
        tell_nearest(recording, cw_slice(method), text, &target, why);
out:
    cw_arena_fini(&scratch);
    return answer;
}
