/* replay.c - see replay.h. */
#include "engine/replay.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "engine/recording.h"

struct cw_replay {
    struct cw_recording *recording;
    struct cw_http_server *server;
    cw_replay_miss_fn *miss;
    void *miss_arg;
    struct cw_replay_counts counts;
    struct cw_buffer text; /* of the latest 404 */
};

static const struct cw_header plain_text[] = { { "Content-Type", "text/plain;charset=utf-8" } };

static void answer_miss(struct cw_replay *replay, struct cw_served_answer *answer)
{
    replay->counts.unmatched++;
    *answer = (struct cw_served_answer){ 404, plain_text, 1, cw_buffer_slice(&replay->text) };
    if (replay->miss != NULL)
        replay->miss(replay->miss_arg, cw_buffer_slice(&replay->text));
}

static bool serve(void *arg, const struct cw_served_request *request, struct cw_served_answer *answer,
                  struct cw_exchange *exchange)
{
    (void)exchange;
    struct cw_replay *replay = arg;
    if (!cw_recording_allows(replay->recording, cw_served_header(request, "Authorization"))) {
        replay->counts.refused++;
        *answer = *cw_recording_refusal(replay->recording);
        return true;
    }
    cw_buffer_clear(&replay->text);
    const struct cw_served_answer *found =
        cw_recording_find(replay->recording, request->method, request->target, &replay->text);
    if (found == NULL) {
        answer_miss(replay, answer);
        return true;
    }
    replay->counts.served++;
    *answer = *found;
    return true;
}

struct cw_replay *cw_replay_open(struct cw_loop *loop, const char *folder, const char *address, unsigned port,
                                 cw_replay_miss_fn *miss, void *miss_arg, struct cw_error *err)
{
    struct cw_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        cw_fail(err, CW_NOMEM, "no memory to serve %s", folder);
        return NULL;
    }
    replay->miss = miss;
    replay->miss_arg = miss_arg;
    replay->recording = cw_recording_load(folder, err);
    const struct cw_http_server_config config = { .loop = loop, .serve = serve, .arg = replay };
    if (replay->recording != NULL)
        replay->server = cw_http_server_open(&config, address, port, err);
    if (replay->server == NULL) {
        cw_replay_close(replay);
        return NULL;
    }
    return replay;
}

void cw_replay_close(struct cw_replay *replay)
{
    if (replay == NULL)
        return;
    cw_http_server_close(replay->server);
    cw_recording_free(replay->recording);
    cw_buffer_fini(&replay->text);
    free(replay);
}

unsigned cw_replay_port(const struct cw_replay *replay)
{
    return cw_http_server_port(replay->server);
}

size_t cw_replay_exchanges(const struct cw_replay *replay)
{
    return cw_recording_count(replay->recording);
}

struct cw_replay_counts cw_replay_counts(const struct cw_replay *replay)
{
    return replay->counts;
}
