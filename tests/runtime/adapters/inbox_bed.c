/* inbox_bed.c - see inbox_bed.h. */
#include "inbox_bed.h"

#include <stdio.h>
#include <string.h>

static char text[4096];

static void ended(struct inbox_bed *bed, const struct cw_error *err)
{
    bed->calls++;
    bed->ok = err == NULL;
    if (err != NULL)
        bed->err = *err;
    cw_loop_stop(bed->loop);
}

static void on_entry(void *arg, const struct cw_inbox_entry *entry)
{
    struct inbox_bed *bed = arg;
    char *to = entry->refused != NULL ? bed->refused : bed->names;
    size_t len = strlen(to);
    snprintf(to + len, sizeof bed->names - len, "%.*s ", CW_SLICE_ARG(entry->name));
    bed->sizes += entry->size;
}

static void on_done(void *arg, const struct cw_error *err)
{
    ended(arg, err);
}

static void on_body(void *arg, struct cw_body *body, const struct cw_error *err)
{
    struct inbox_bed *bed = arg;
    assert_true((body == NULL) == (err != NULL));
    bed->body = body;
    ended(bed, err);
}

void inbox_bed_open(struct inbox_bed *bed)
{
    struct cw_error err;
    *bed = (struct inbox_bed){ .loop = cw_loop_create(&err) };
    assert_ok(bed->loop != NULL, err);
}

void inbox_bed_close(struct inbox_bed *bed)
{
    if (bed->inbox != NULL)
        bed->inbox->free(bed->inbox);
    cw_body_free(bed->body);
    cw_loop_free(bed->loop);
}

/* The callback comes once, and from the loop. */
static bool wait_for(struct inbox_bed *bed, bool begun)
{
    assert_ok(begun, bed->err);
    assert_int_equal(bed->calls, 0);
    cw_loop_run(bed->loop);
    assert_int_equal(bed->calls, 1);
    return bed->ok;
}

static void begin(struct inbox_bed *bed)
{
    cw_body_free(bed->body);
    bed->body = NULL;
    bed->calls = 0;
    bed->err = (struct cw_error){ .code = CW_OK };
}

bool inbox_bed_try_list(struct inbox_bed *bed)
{
    begin(bed);
    bed->names[0] = bed->refused[0] = '\0';
    bed->sizes = 0;
    return wait_for(bed, bed->inbox->list(bed->inbox, on_entry, on_done, bed, &bed->err));
}

const char *inbox_bed_list(struct inbox_bed *bed)
{
    assert_ok(inbox_bed_try_list(bed), bed->err);
    return bed->names;
}

const char *inbox_bed_read(struct inbox_bed *bed, const char *name)
{
    begin(bed);
    if (!wait_for(bed, bed->inbox->read(bed->inbox, cw_slice(name), on_body, bed, &bed->err)))
        return NULL;
    uint64_t size = cw_body_size(bed->body);
    size_t len = size < sizeof text ? (size_t)size : sizeof text - 1;
    assert_true(cw_body_read(bed->body, 0, text, len, NULL));
    text[len] = '\0';
    return text;
}

bool inbox_bed_finish(struct inbox_bed *bed, const char *name, enum cw_inbox_end end)
{
    begin(bed);
    return wait_for(bed, bed->inbox->finish(bed->inbox, cw_slice(name), end, on_done, bed, &bed->err));
}
