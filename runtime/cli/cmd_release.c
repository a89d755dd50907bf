/* cmd_release.c - `cartwright release CART ID`: lets what is held go on, with the reason recorded. */
#include <stdio.h>
#include <string.h>

#include "cli/again.h"
#include "cli/commands.h"
#include "cli/rows.h"
#include "cli/who.h"
#include "engine/edits.h"

struct release {
    struct cw_cli *cli;
    const char *cart, *stream, *code, *reason; /* stream, code: NULL = any */
    GPtrArray *held;                           /* struct held, of the record in hand or of all with `code` */
    bool is_parked;                            /* one of them waits for a mend instead */
    struct cw_error query_err;
    uint64_t left;
};

/* One issue of a held record. */
struct held {
    char *stream, *id, *code, *field, *message;
};

static void free_held(gpointer data)
{
    struct held *held = data;
    g_free(held->stream);
    g_free(held->id);
    g_free(held->code);
    g_free(held->field);
    g_free(held->message);
    g_free(held);
}

static char *text_of(struct cw_slice value)
{
    return g_strndup(value.data != NULL ? value.data : "", value.len);
}

static bool take_held(void *arg, size_t columns, const struct cw_slice *names, const struct cw_slice *row)
{
    struct release *release = arg;
    (void)columns;
    (void)names;
    release->is_parked = release->is_parked || cw_slice_is(row[0], "parked");
    struct held *held = g_new0(struct held, 1);
    *held =
        (struct held){ text_of(row[1]), text_of(row[2]), text_of(row[3]), text_of(row[4]), text_of(row[5]) };
    g_ptr_array_add(release->held, held);
    return true;
}

static void query_done(void *arg, const struct cw_error *err)
{
    struct release *release = arg;
    if (err != NULL)
        release->query_err = *err;
}

/* The issues of one record, or of all held ones that have the code. */
static bool find_held(struct release *release, const char *id, struct cw_error *err)
{
    static const char sql[] =
        "SELECT s.state, s.stream, s.external_id, i.code, i.field, i.message FROM staged_records s JOIN "
        "staged_issues i ON i.staged_id = s.id WHERE s.cart = $1 AND ($2 = '' OR s.stream = $2) AND "
        "($3 = '' OR s.external_id = $3) AND ($4 = '' OR (s.state = 'held' AND EXISTS (SELECT 1 FROM "
        "staged_issues o WHERE o.staged_id = s.id AND o.code = $4))) ORDER BY s.id, i.position";
    struct cw_slice params[] = { cw_slice(release->cart),
                                 cw_slice(release->stream != NULL ? release->stream : ""), cw_slice(id),
                                 cw_slice(release->code != NULL ? release->code : "") };
    release->query_err = (struct cw_error){ .code = CW_OK };
    release->is_parked = false;
    g_ptr_array_set_size(release->held, 0);
    cw_store_query(release->cli->store, sql, params, 4, take_held, query_done, release);
    cw_store_wait(release->cli->store);
    *err = release->query_err;
    return err->code == CW_OK;
}

/* --- writing --- */

struct writing {
    struct release *release;
    bool ok;
    struct cw_error err;
};

static bool put_release(struct release *release, struct cw_txn *txn, const struct held *held)
{
    cw_time now = cw_now(cw_loop_clock(release->cli->loop));
    struct cw_slice who = cw_slice(cw_cli_who());
    struct cw_record_key key = { cw_slice(release->cart), cw_slice(held->stream), cw_slice(held->id) };
    struct cw_release made = { .code = cw_slice(held->code),
                               .field = cw_slice(held->field),
                               .message = cw_slice(held->message),
                               .who = who,
                               .reason = cw_slice(release->reason),
                               .at = now };
    char *object = g_strdup_printf("%s %s %s %s", release->cart, held->stream, held->id, held->code);
    bool ok =
        cw_txn_put_release(txn, key, &made) && cw_txn_audit(txn, who, cw_slice("release"), cw_slice(object),
                                                            made.message, cw_slice(""), made.reason, now);
    g_free(object);
    return ok;
}

/* What else a record is held for stays in force. */
static bool is_meant(const struct release *release, const struct held *held)
{
    return release->code == NULL || strcmp(release->code, held->code) == 0;
}

static void committed(void *arg, const struct cw_error *err)
{
    struct writing *writing = arg;
    writing->ok = err == NULL;
    if (err != NULL)
        writing->err = *err;
}

static void begun(void *arg, struct cw_txn *txn, const struct cw_error *err)
{
    struct writing *writing = arg;
    const GPtrArray *held = writing->release->held;
    if (err != NULL) {
        writing->err = *err;
        return;
    }
    for (guint i = 0; i < held->len; i++)
        if (is_meant(writing->release, g_ptr_array_index(held, i)) &&
            !put_release(writing->release, txn, g_ptr_array_index(held, i))) {
            writing->err = *cw_txn_error(txn);
            cw_txn_rollback(txn);
            return;
        }
    cw_txn_commit(txn, committed, writing);
}

static bool put_releases(struct release *release, struct cw_error *err)
{
    struct writing writing = { .release = release };
    cw_txn_begin(release->cli->store, (struct cw_fence){ cw_slice(release->cart), 0 }, begun, &writing);
    cw_store_wait(release->cli->store);
    if (!writing.ok)
        *err = writing.err;
    return writing.ok;
}

static bool map_again(struct release *release, const char *id, const char *stream)
{
    struct cw_cli_again again = { .job = "release",
                                  .stream = stream,
                                  .filter = { .id = id,
                                              .only_parked = true,
                                              .code = release->code,
                                              .since = CW_TIME_NONE,
                                              .until = CW_TIME_NONE } };
    return cw_cli_map_again(release->cli, release->cart, &again, &release->left);
}

/* --- one record --- */

static bool is_pending(struct release *release, const char *id, struct cw_error *err)
{
    char state[16];
    struct cw_slice params[] = { cw_slice(release->cart), cw_slice(id) };
    return cw_cli_ask(release->cli, "SELECT state FROM orders WHERE cart = $1 AND external_id = $2", params,
                      2, state, sizeof state, err) &&
           (strcmp(state, "pending") == 0 || cw_fail(err, CW_NOT_FOUND,
                                                     "nothing of order %s of cart %s waits for a release; "
                                                     "see: cartwright list work, cartwright list "
                                                     "pending",
                                                     id, release->cart));
}

/* Nothing of it is held: it may be a document that is pending. */
static bool release_pending(struct release *release, const char *id, struct cw_error *err)
{
    if (!is_pending(release, id, err))
        return false;
    struct cw_change change = { .field = "state", .value = cw_slice("released") };
    struct cw_edit_request request = { .cart = cw_slice(release->cart),
                                       .external_id = cw_slice(id),
                                       .kind = &cw_kind_order,
                                       .changes = &change,
                                       .count = 1,
                                       .config = &release->cli->site->config,
                                       .who = cw_slice(cw_cli_who()),
                                       .reason = cw_slice(release->reason) };
    if (!cw_edit_document(release->cli->store, cw_loop_clock(release->cli->loop), &request, err))
        return false;
    if (!release->cli->json)
        printf("order %s of %s is released\n", id, release->cart);
    return true;
}

static bool release_one(struct release *release, const char *id)
{
    struct cw_error err;
    bool ok = find_held(release, id, &err);
    if (ok && release->is_parked)
        ok = cw_fail(
            &err, CW_REFUSED,
            "record %s waits for a mend, not for a release: what is missing or unknown must be mended "
            "in the shop, the script or a table; see: cartwright show parked %s; then: cartwright "
            "retry %s %s",
            id, id, release->cart, id);
    else if (ok && release->held->len == 0)
        ok = release_pending(release, id, &err);
    else if (ok)
        ok = put_releases(release, &err);
    if (!ok)
        cw_cli_fail(release->cli, &err);
    return ok && (release->held->len == 0 || map_again(release, id, release->stream));
}

static bool release_all(struct release *release)
{
    struct cw_error err;
    if (!find_held(release, "", &err) || (release->held->len > 0 && !put_releases(release, &err))) {
        cw_cli_fail(release->cli, &err);
        return false;
    }
    if (release->held->len > 0)
        return map_again(release, NULL, release->stream);
    if (!release->cli->json)
        puts("nothing is held for that");
    return true;
}

static bool release_wanted(struct release *release, int argc, char **argv)
{
    bool ok = true;
    release->cart = argv[1];
    release->held = g_ptr_array_new_with_free_func(free_held);
    if (argc == 2)
        ok = release_all(release);
    for (int i = 2; i < argc; i++)
        ok = release_one(release, argv[i]) && ok;
    g_ptr_array_unref(release->held);
    return ok;
}

int cw_cmd_release(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 3600 };
    struct release release = { .cli = &cli };
    char *stream = NULL, *issue = NULL, *reason = NULL;
    const GOptionEntry entries[] = {
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &reason, "Why it may go on; kept with it", "TEXT" },
        { "code", 0, 0, G_OPTION_ARG_STRING, &issue, "Without ID: all records held with this issue", "CODE" },
        { "stream", 0, 0, G_OPTION_ARG_STRING, &stream, "Only this stream", "STREAM" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART [ID...]",
        "Lets held records go on, and pending orders be released. A record passes with just the issues\n"
        "it has now: should one of them change, or another come, it is held again.",
        entries, 1, -1);
    if (code < 0 && (reason == NULL || *reason == '\0')) {
        fputs("cartwright release: say why, with --reason TEXT\n", stderr);
        code = 2;
    } else if (code < 0 && argc == 2 && issue == NULL) {
        fputs("cartwright release: which records? name their ids, or --code CODE\n", stderr);
        code = 2;
    }
    if (code < 0) {
        release.stream = stream;
        release.code = issue;
        release.reason = reason;
        bool ok = cw_cli_open(&cli, CW_CLI_STORE | CW_CLI_NETWORK) && release_wanted(&release, argc, argv);
        code = ok && release.left == 0 ? 0 : 1;
    }
    cw_cli_close(&cli);
    g_free(stream);
    g_free(issue);
    g_free(reason);
    return code;
}
