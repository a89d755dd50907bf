/* stored.c - see stored.h. */
#include "cli/stored.h"

enum { STORED_MAX = 100 * 1000 }; /* records that one command takes up at once */

struct reading {
    struct cw_records *records;
    size_t count;
    bool failed;
    struct cw_error err;
};

static bool take_raw(void *arg, const struct cw_raw *raw, int64_t version)
{
    struct reading *reading = arg;
    (void)version;
    reading->failed = !cw_records_restore(reading->records, raw, &reading->err);
    reading->count++;
    return !reading->failed && reading->count < STORED_MAX;
}

static void read_done(void *arg, const struct cw_error *err)
{
    struct reading *reading = arg;
    if (err == NULL || reading->failed)
        return;
    reading->failed = true;
    reading->err = *err;
}

struct cw_records *cw_cli_stored_records(struct cw_cli *cli, const struct cw_lua_stream *stream,
                                         const char *id, bool only_parked, struct cw_error *err)
{
    struct reading reading = { .records = cw_records_create(stream->id, err) };
    struct cw_raw_filter filter = { .key = { cw_slice(stream->cart->name), cw_slice(stream->name), cw_slice(id) },
                                    .only_parked = only_parked };
    if (reading.records == NULL)
        return NULL;
    cw_store_read_raw(cli->store, &filter, take_raw, read_done, &reading);
    cw_store_wait(cli->store);
    if (!reading.failed && reading.count > 0)
        return reading.records;
    if (reading.failed)
        *err = reading.err;
    else
        cw_fail(err, CW_NOT_FOUND, "no %srecord%s%s of %s %s in the store", only_parked ? "parked " : "",
                id != NULL ? " " : "", id != NULL ? id : "", stream->cart->name, stream->name);
    cw_records_free(reading.records);
    return NULL;
}
