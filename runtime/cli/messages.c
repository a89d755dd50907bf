/* messages.c - see messages.h. */
#include "cli/messages.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/who.h"

int64_t cw_cli_message_id(const char *text, struct cw_error *err)
{
    guint64 id;
    if (g_ascii_string_to_unsigned(text, 10, 1, INT64_MAX, &id, NULL))
        return (int64_t)id;
    cw_fail(err, CW_USAGE, "\"%s\" is no number of a message; see: cartwright list messages", text);
    return 0;
}

static void print_settled(const struct cw_cli *cli, int64_t id, enum cw_settle settle)
{
    static const char *const states[] = { "sent", "queued", "superseded" };
    static const char *const words[] = { "counts as sent", "is queued again", "is never sent" };
    if (cli->json)
        printf("{\"message\":%" PRId64 ",\"state\":\"%s\"}\n", id, states[settle]);
    else
        printf("message %" PRId64 " %s\n", id, words[settle]);
}

bool cw_cli_settle_message(struct cw_cli *cli, int64_t id, enum cw_settle settle, const char *reason)
{
    struct cw_error err;
    if (!cw_outbox_settle(cli->store, cw_loop_clock(cli->loop), id, settle, cw_slice(cw_cli_who()),
                          cw_slice(reason), &err)) {
        cw_cli_fail(cli, &err);
        return false;
    }
    print_settled(cli, id, settle);
    return true;
}

/* --- failed ones --- */

struct failed {
    GArray *ids;         /* int64_t */
    const char *cart;    /* whose they must be */
    struct cw_error err; /* OK = none */
};

/* Of those that did not fail. */
static const char *what_to_do(enum cw_message_state state)
{
    switch (state) {
    case CW_MESSAGE_QUEUED:
        return "it is sent by itself, by cartwright run or the next cartwright sync";
    case CW_MESSAGE_SENDING:
        return "what becomes of it is known in a moment";
    case CW_MESSAGE_SENT:
        return "the cart has it";
    default:
        return "a newer one took its place, or somebody dropped it";
    }
}

static bool take(void *arg, const struct cw_message *message)
{
    struct failed *failed = arg;
    if (!cw_slice_is(message->key.cart, failed->cart))
        cw_fail(&failed->err, CW_USAGE, "message %" PRId64 " is one to cart %.*s", message->id,
                CW_SLICE_ARG(message->key.cart));
    else if (message->state == CW_MESSAGE_UNKNOWN)
        cw_fail(&failed->err, CW_CONFLICT,
                "message %" PRId64
                " may have arrived, so that it is not sent again unseen; look in the shop, then: "
                "cartwright settle %" PRId64 " --sent or --again, with --reason TEXT",
                message->id, message->id);
    else if (message->state != CW_MESSAGE_FAILED)
        cw_fail(&failed->err, CW_CONFLICT, "message %" PRId64 " is %s, not failed, and needs no retry: %s",
                message->id, cw_message_state_name(message->state), what_to_do(message->state));
    else
        g_array_append_val(failed->ids, message->id);
    return failed->err.code == CW_OK;
}

static void read_end(void *arg, const struct cw_error *err)
{
    struct failed *failed = arg;
    if (err != NULL)
        failed->err = *err;
}

static bool read_failed(struct cw_cli *cli, struct failed *failed, const struct cw_message_filter *filter)
{
    cw_store_read_messages(cli->store, filter, take, read_end, failed);
    cw_store_wait(cli->store);
    return failed->err.code == CW_OK;
}

static bool find_named(struct cw_cli *cli, struct failed *failed, char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cw_message_filter filter = { .cart = { "", 0 },
                                            .stream = { "", 0 },
                                            .due_until = CW_TIME_NONE };
        guint before = failed->ids->len;
        filter.id = cw_cli_message_id(ids[i], &failed->err);
        if (filter.id == 0 || !read_failed(cli, failed, &filter))
            return false;
        if (failed->ids->len == before)
            return cw_fail(&failed->err, CW_NOT_FOUND,
                           "there is no message %s; see: cartwright list messages", ids[i]);
    }
    return true;
}

static bool find_all(struct cw_cli *cli, struct failed *failed, const char *stream)
{
    const struct cw_message_filter filter = { .cart = cw_slice(failed->cart),
                                              .stream = cw_slice(stream != NULL ? stream : ""),
                                              .by_state = true,
                                              .state = CW_MESSAGE_FAILED,
                                              .due_until = CW_TIME_NONE };
    return read_failed(cli, failed, &filter);
}

static bool retry_one(struct cw_cli *cli, int64_t id, bool dry_run)
{
    if (!dry_run)
        return cw_cli_settle_message(cli, id, CW_SETTLE_AGAIN, "retry");
    if (cli->json)
        printf("{\"message\":%" PRId64 ",\"state\":\"failed\",\"would_be\":\"queued\"}\n", id);
    else
        printf("message %" PRId64 " would be queued again\n", id);
    return true;
}

bool cw_cli_retry_messages(struct cw_cli *cli, const char *cart, const char *stream, char **ids,
                           size_t id_count, bool dry_run)
{
    struct failed failed = { .ids = g_array_new(FALSE, FALSE, sizeof(int64_t)), .cart = cart };
    bool ok = id_count > 0 ? find_named(cli, &failed, ids, id_count) : find_all(cli, &failed, stream);
    if (!ok)
        cw_cli_fail(cli, &failed.err);
    else if (failed.ids->len == 0 && !cli->json)
        puts("no message has failed there");
    for (guint i = 0; ok && i < failed.ids->len; i++)
        ok = retry_one(cli, g_array_index(failed.ids, int64_t, i), dry_run);
    g_array_unref(failed.ids);
    return ok;
}
