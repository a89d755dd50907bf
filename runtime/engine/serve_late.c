/* serve_late.c - see serve_late.h. */
#include "engine/serve_late.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { ANSWER_MAX = 64 * 1024 }; /* bytes; longer ones are sent at once */

struct cw_late_one {
    struct cw_late_one *next;
    struct cw_late *late;
    struct cw_exchange *exchange;
    struct cw_timer *timer;
    struct cw_arena arena; /* of the answer */
    struct cw_served_answer answer;
    struct cw_header *headers;
    const char *peer;
};

static void free_one(struct cw_late_one *one)
{
    cw_timer_free(one->timer);
    cw_arena_fini(&one->arena);
    free(one->headers);
    free(one);
}

static void send_one(void *arg)
{
    struct cw_late_one *one = arg, **place = &one->late->first;
    while (*place != one)
        place = &(*place)->next;
    *place = one->next;
    cw_exchange_answer(one->exchange, &one->answer);
    free_one(one);
}

/* A copy with its end; NULL without memory. */
static const char *copy_text(struct cw_arena *arena, const char *text)
{
    return cw_arena_copy(arena, (struct cw_slice){ text, strlen(text) + 1 }).data;
}

static bool copy_answer(struct cw_late_one *one, const struct cw_served_answer *answer)
{
    one->answer = *answer;
    one->answer.body = cw_arena_copy(&one->arena, answer->body);
    one->headers = calloc(answer->header_count + 1, sizeof *one->headers);
    one->answer.headers = one->headers;
    if ((one->answer.body.data == NULL && answer->body.len > 0) || one->headers == NULL)
        return false;
    for (size_t i = 0; i < answer->header_count; i++) {
        one->headers[i].name = copy_text(&one->arena, answer->headers[i].name);
        one->headers[i].value = copy_text(&one->arena, answer->headers[i].value);
        if (one->headers[i].name == NULL || one->headers[i].value == NULL)
            return false;
    }
    return true;
}

static struct cw_late_one *create(struct cw_late *late, const char *peer,
                                  const struct cw_served_answer *answer)
{
    struct cw_late_one *one = calloc(1, sizeof *one);
    if (one == NULL)
        return NULL;
    cw_arena_init(&one->arena, ANSWER_MAX);
    one->late = late;
    one->timer = cw_timer_create(late->loop, send_one, one, NULL);
    one->peer = copy_text(&one->arena, peer);
    if (one->timer != NULL && one->peer != NULL && copy_answer(one, answer))
        return one;
    free_one(one);
    return NULL;
}

void cw_late_answer(struct cw_late *late, struct cw_exchange *exchange, const char *peer,
                    const struct cw_served_answer *answer, cw_time wait)
{
    struct cw_late_one *one = wait > 0 ? create(late, peer, answer) : NULL;
    if (one == NULL) {
        cw_exchange_answer(exchange, answer);
        return;
    }
    one->exchange = exchange;
    one->next = late->first;
    late->first = one;
    cw_timer_set(one->timer, wait);
}

unsigned cw_late_of(const struct cw_late *late, const char *peer)
{
    unsigned count = 0;
    for (const struct cw_late_one *one = late->first; one != NULL; one = one->next)
        count += strcmp(one->peer, peer) == 0;
    return count;
}

void cw_late_send_all(struct cw_late *late)
{
    while (late->first != NULL)
        send_one(late->first);
}
