/* stored.c - see stored.h. */
#include "engine/stored.h"

#include <stdlib.h>

enum { PAGE_RECORDS = 500, PAGE_BYTES = 4 * 1024 * 1024 };

struct cw_stored_pages {
    struct cw_store *store;
    const struct cw_lua_stream *stream;
    struct cw_stored_filter filter;
    char *id, *code, *subject;
    struct cw_buffer after; /* the last external_id that was taken; empty = none yet */
    bool at_end;
    struct cw_records *page;
    size_t count, bytes;
    char format[CW_ROWS_FORMAT_MAX], encoding[64]; /* of the page's records: a page is of one kind */
    bool stopped, failed;
    struct cw_error err;
};

static bool copy_text(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

struct cw_stored_pages *cw_stored_open(struct cw_store *store, const struct cw_lua_stream *stream,
                                       const struct cw_stored_filter *filter, struct cw_error *err)
{
    struct cw_stored_pages *pages = calloc(1, sizeof *pages);
    if (pages != NULL && copy_text(filter->id, &pages->id) && copy_text(filter->code, &pages->code) &&
        copy_text(filter->subject, &pages->subject)) {
        pages->store = store;
        pages->stream = stream;
        pages->filter = *filter;
        return pages;
    }
    cw_stored_free(pages);
    cw_fail(err, CW_NOMEM, "no memory to read stored records");
    return NULL;
}

void cw_stored_free(struct cw_stored_pages *pages)
{
    if (pages == NULL)
        return;
    free(pages->id);
    free(pages->code);
    free(pages->subject);
    cw_buffer_fini(&pages->after);
    free(pages);
}

/* Nothing came yet of a record that breaks the cart's list. */
static bool is_wanted(const struct cw_stored_pages *pages, const struct cw_raw *raw)
{
    const struct cw_stored_filter *filter = &pages->filter;
    return raw->bytes.len > 0 && (filter->since == CW_TIME_NONE || raw->received_at >= filter->since) &&
           (filter->until == CW_TIME_NONE || raw->received_at < filter->until);
}

/* Records of another format or encoding begin the next page. */
static bool fits_page(struct cw_stored_pages *pages, const struct cw_raw *raw)
{
    if (pages->count == 0) {
        snprintf(pages->format, sizeof pages->format, "%.*s", CW_SLICE_ARG(raw->format));
        snprintf(pages->encoding, sizeof pages->encoding, "%.*s", CW_SLICE_ARG(raw->encoding));
        return true;
    }
    return pages->count < PAGE_RECORDS && pages->bytes < PAGE_BYTES &&
           cw_slice_is(raw->format, pages->format) && cw_slice_is(raw->encoding, pages->encoding);
}

static bool take_raw(void *arg, const struct cw_raw *raw, int64_t version)
{
    struct cw_stored_pages *pages = arg;
    struct cw_slice id = raw->key.external_id;
    (void)version;
    bool wanted = is_wanted(pages, raw);
    if (wanted && !fits_page(pages, raw)) {
        pages->stopped = true;
        return false;
    }
    cw_buffer_clear(&pages->after);
    pages->failed = (wanted && !cw_records_restore(pages->page, raw, &pages->err)) ||
                    !cw_buffer_add(&pages->after, id.data, id.len, &pages->err);
    pages->count += wanted;
    pages->bytes += wanted ? raw->bytes.len : 0;
    return !pages->failed;
}

static void read_done(void *arg, const struct cw_error *err)
{
    struct cw_stored_pages *pages = arg;
    if (err == NULL || pages->failed)
        return;
    pages->failed = true;
    pages->err = *err;
}

static void read_page(struct cw_stored_pages *pages)
{
    struct cw_raw_filter filter = { .key = { cw_slice(pages->stream->cart->name),
                                             cw_slice(pages->stream->name), cw_slice(pages->id) },
                                    .after = cw_buffer_slice(&pages->after),
                                    .only_parked = pages->filter.only_parked,
                                    .code = cw_slice(pages->code),
                                    .subject = cw_slice(pages->subject) };
    struct cw_buffer after = { 0 }; /* the filter's own copy: take_raw moves the pages' one on */
    if (!cw_buffer_add(&after, filter.after.data, filter.after.len, &pages->err)) {
        pages->failed = true;
        return;
    }
    filter.after = cw_buffer_slice(&after);
    cw_store_read_raw(pages->store, &filter, take_raw, read_done, pages);
    cw_store_wait(pages->store);
    cw_buffer_fini(&after);
}

struct cw_records *cw_stored_next(struct cw_stored_pages *pages, struct cw_error *err)
{
    *err = (struct cw_error){ .code = CW_OK };
    if (pages->at_end)
        return NULL;
    pages->count = pages->bytes = 0;
    pages->stopped = pages->failed = false;
    pages->page = cw_records_create(pages->stream->id, err);
    if (pages->page == NULL)
        return NULL;
    read_page(pages);
    pages->at_end = !pages->stopped;
    if (!pages->failed && pages->count > 0)
        return pages->page;
    cw_records_free(pages->page);
    if (pages->failed)
        *err = pages->err;
    return NULL;
}
