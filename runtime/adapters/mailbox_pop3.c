/* mailbox_pop3.c - what is said to a server by POP3 (RFC 1939), in the thread of an operation. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/mailbox_private.h"

static bool refused(const struct cw_mailbox_link *link, enum cw_code code, const char *what,
                    struct cw_error *err)
{
    return cw_fail(err, code, "%s: %s: the server answered: %s", link->url.where, what, link->reply);
}

/* False when the connection failed; whether the server said +OK is in *ok. */
static bool command(struct cw_mailbox_link *link, const char *text, bool *ok, struct cw_error *err)
{
    char line[64];
    struct cw_slice answer;
    int len = snprintf(line, sizeof line, "%s\r\n", text);
    if (!cw_mailbox_link_send(link, (struct cw_slice){ line, (size_t)len }, err) ||
        !cw_mailbox_link_line(link, &answer, err))
        return false;
    cw_mailbox_link_note_reply(link, answer);
    *ok = answer.len >= 3 && memcmp(answer.data, "+OK", 3) == 0;
    return true;
}

/* --- listing --- */

/* "17 whqtswO00WBw418f9t5JxYwZ": the numbers are those of this connection alone. */
static bool read_uidls(struct cw_mailbox_link *link, struct cw_error *err)
{
    bool ok;
    struct cw_slice line;
    if (link->has_uidls)
        return true;
    if (!command(link, "UIDL", &ok, err))
        return false;
    if (!ok)
        return refused(link, CW_UNEXPECTED,
                       "asking for the lasting names of mails (UIDL), without which none can be told from "
                       "another; use IMAP",
                       err);
    while (cw_mailbox_link_line(link, &line, err)) {
        if (cw_slice_is(line, ".")) {
            link->has_uidls = true;
            return true;
        }
        if (!cw_buffer_print(&link->uidls, err, "%.*s\n", CW_SLICE_ARG(cw_slice_trim(line))))
            return false;
    }
    return false;
}

/* The next line of what UIDL said; false at its end. */
static bool next_uidl(struct cw_slice *rest, unsigned long *number, struct cw_slice *name)
{
    while (rest->len > 0) {
        const char *end = memchr(rest->data, '\n', rest->len);
        struct cw_slice line = { rest->data, (size_t)(end - rest->data) };
        *rest = (struct cw_slice){ end + 1, rest->len - line.len - 1 };
        const char *blank = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
        if (blank == NULL)
            continue;
        *number = strtoul(line.data, NULL, 10);
        *name = cw_slice_trim((struct cw_slice){ blank, (size_t)(cw_slice_end(line) - blank) });
        if (*number > 0 && name->len > 0)
            return true;
    }
    return false;
}

/* Of two mails that a bad server gives the same name, they are alike, the first. 0 = there is none. */
static unsigned long number_of(const struct cw_mailbox_link *link, struct cw_slice wanted)
{
    unsigned long number;
    struct cw_slice rest = cw_buffer_slice(&link->uidls), name;
    while (next_uidl(&rest, &number, &name))
        if (cw_slice_equal(name, wanted))
            return number;
    return 0;
}

struct size {
    unsigned long number;
    uint64_t size;
};

static bool read_sizes(struct cw_mailbox_link *link, struct cw_buffer *out, struct cw_error *err)
{
    bool ok;
    struct cw_slice line;
    if (!command(link, "LIST", &ok, err))
        return false;
    if (!ok)
        return refused(link, CW_UNEXPECTED, "listing the mails", err);
    while (cw_mailbox_link_line(link, &line, err)) {
        char text[64];
        char *end;
        if (cw_slice_is(line, "."))
            return true;
        snprintf(text, sizeof text, "%.*s", (int)(line.len < 63 ? line.len : 63), line.data);
        struct size size = { .number = strtoul(text, &end, 10) };
        size.size = strtoull(end, NULL, 10);
        if (!cw_buffer_add(out, &size, sizeof size, err))
            return false;
    }
    return false;
}

static uint64_t size_of(const struct cw_buffer *sizes, unsigned long number, size_t *at)
{
    struct size size;
    for (size_t i = 0, count = sizes->len / sizeof size; i < count; i++, *at = (*at + 1) % count) {
        memcpy(&size, sizes->data + *at * sizeof size, sizeof size);
        if (size.number == number)
            return size.size;
    }
    return 0;
}

static bool list(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    struct cw_buffer sizes = { 0 };
    unsigned long number;
    size_t at = 0;
    struct cw_slice name;
    bool ok = read_uidls(link, err) && read_sizes(link, &sizes, err);
    unsigned long behind = ok && work->name[0] != '\0' ? number_of(link, cw_slice(work->name)) : 0;
    struct cw_slice rest = cw_buffer_slice(&link->uidls);
    while (ok && !cw_mailbox_is_full(work) && next_uidl(&rest, &number, &name))
        if (number > behind)
            ok = cw_mailbox_add(work, name, size_of(&sizes, number, &at), CW_TIME_NONE, err);
    cw_buffer_fini(&sizes);
    return ok;
}

/* --- reading --- */

/* Where in ".\r\n" at the beginning of a line the bytes stand. */
enum place { LINE_BEGIN, DOT, DOT_CR, IN_LINE, AFTER_CR };

struct unstuffing {
    enum place place;
    bool ended;
};

/* A dot at the beginning of a line was put there by the server, and alone on a line it is the end. Returns
 * how many of the bytes were used. */
static size_t unstuff(struct unstuffing *state, struct cw_slice in, struct cw_buffer *out)
{
    size_t i = 0;
    for (; i < in.len && !state->ended; i++) {
        char c = in.data[i];
        if (state->place == LINE_BEGIN && c == '.') {
            state->place = DOT;
            continue;
        }
        if (state->place == DOT && c == '\r') {
            state->place = DOT_CR;
            continue;
        }
        if ((state->place == DOT || state->place == DOT_CR) && c == '\n') {
            state->ended = true;
            continue;
        }
        if (state->place == DOT_CR)
            out->data[out->len++] = '\r';
        out->data[out->len++] = c;
        state->place = c == '\n' ? LINE_BEGIN : IN_LINE;
    }
    return i;
}

/* The end has to be heard even when the mail is too large to be kept. */
static bool receive(struct cw_mailbox_link *link, struct cw_body *body, struct cw_buffer *piece,
                    struct cw_error *err)
{
    enum { PIECE = 32 * 1024 };
    struct unstuffing state = { .place = LINE_BEGIN };
    struct cw_error full = { .code = CW_OK };
    struct cw_slice in;
    while (!state.ended) {
        cw_buffer_clear(piece);
        if (!cw_mailbox_link_some(link, PIECE, &in, err) || cw_buffer_reserve(piece, in.len + 1, err) == NULL)
            return false;
        link->in_used -= in.len - unstuff(&state, in, piece);
        if (full.code == CW_OK)
            cw_body_write(body, cw_buffer_slice(piece), &full);
    }
    if (full.code == CW_OK)
        return true;
    *err = full;
    return cw_fail_in(err, "%s: a mail", link->url.where);
}

static bool read_named(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    char text[32];
    bool ok;
    struct cw_buffer piece = { 0 };
    if (!read_uidls(link, err))
        return false;
    unsigned long number = number_of(link, cw_slice(work->name));
    if (number == 0)
        return cw_mailbox_gone(link, work->name, err);
    work->body = cw_body_create(link->place.body_limit, err);
    snprintf(text, sizeof text, "RETR %lu", number);
    if (work->body == NULL || !command(link, text, &ok, err))
        return false;
    if (!ok)
        return refused(link, CW_UNEXPECTED, "reading a mail", err);
    ok = receive(link, work->body, &piece, err);
    cw_buffer_fini(&piece);
    return ok;
}

static bool read_mail(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    return read_named(link, work, err) || cw_fail_in(err, "the mail %.100s", work->name);
}

/* --- finishing --- */

static bool finish(struct cw_mailbox_link *link, const struct cw_mailbox_work *work, struct cw_error *err)
{
    char text[32];
    bool ok;
    if (work->end == CW_INBOX_FAILED || link->place.only_look)
        return true; /* there is no folder to put it into, and it must not be lost */
    if (!read_uidls(link, err))
        return false;
    unsigned long number = number_of(link, cw_slice(work->name));
    if (number == 0)
        return true;
    snprintf(text, sizeof text, "DELE %lu", number);
    if (!command(link, text, &ok, err))
        return false;
    if (!ok)
        return refused(link, CW_PERMISSION, "removing a mail", err);
    if (!command(link, "QUIT", &ok, err))
        return false;
    cw_mailbox_link_disconnect(link);
    return ok || refused(link, CW_IO, "ending the connection, which is when mails are removed", err);
}

bool cw_pop3_work(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    switch (work->what) {
    case CW_MAILBOX_LIST:
        return list(link, work, err);
    case CW_MAILBOX_READ:
        return read_mail(link, work, err);
    default:
        return finish(link, work, err);
    }
}
