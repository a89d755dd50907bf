/* mailbox_imap.c - what is said to a server by IMAP (RFC 3501, 4315, 6851), in the thread of an operation. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/mailbox_private.h"

/* How a command ended. */
enum status { IMAP_OK, IMAP_NO, IMAP_BAD };

/* One untagged answer, or the part of it up to the next literal, of `literal` bytes, which it takes. */
typedef bool untagged_fn(struct cw_mailbox_link *link, struct cw_slice line, bool has_literal,
                         uint64_t literal, void *arg, struct cw_error *err);

/* --- texts --- */

static const char *find(struct cw_slice line, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= line.len; i++)
        if (strncasecmp(line.data + i, word, len) == 0)
            return line.data + i + len;
    return NULL;
}

/* Digits of a line that ends in no zero byte. */
static uint64_t number_at(struct cw_slice line, const char *at)
{
    uint64_t number = 0;
    for (; at != NULL && at < cw_slice_end(line) && *at >= '0' && *at <= '9' && number < UINT64_MAX / 100;
         at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

/* "{1234}" at the end of a line: so many bytes follow it. */
static bool ends_in_literal(struct cw_slice line, uint64_t *len)
{
    const char *open =
        line.len > 2 && line.data[line.len - 1] == '}' ? memrchr(line.data, '{', line.len) : NULL;
    if (open == NULL || open[1] < '0' || open[1] > '9')
        return false;
    *len = number_at(line, open + 1);
    return true;
}

/* --- commands --- */

static bool skip(struct cw_mailbox_link *link, uint64_t len, struct cw_error *err)
{
    struct cw_slice piece;
    for (; len > 0; len -= piece.len)
        if (!cw_mailbox_link_some(link, len < SIZE_MAX ? (size_t)len : SIZE_MAX, &piece, err))
            return false;
    return true;
}

static bool hear_untagged(struct cw_mailbox_link *link, struct cw_slice line, untagged_fn *untagged,
                          void *arg, struct cw_error *err)
{
    uint64_t literal = 0;
    for (;;) {
        bool has_literal = ends_in_literal(line, &literal);
        if (untagged != NULL ? !untagged(link, line, has_literal, literal, arg, err)
                             : has_literal && !skip(link, literal, err))
            return false;
        if (!has_literal)
            return true;
        if (!cw_mailbox_link_line(link, &line, err))
            return false;
    }
}

static bool read_status(struct cw_mailbox_link *link, struct cw_slice line, enum status *status)
{
    cw_mailbox_link_note_reply(link, line);
    *status = line.len >= 2 && strncasecmp(line.data, "OK", 2) == 0   ? IMAP_OK
              : line.len >= 2 && strncasecmp(line.data, "NO", 2) == 0 ? IMAP_NO
                                                                      : IMAP_BAD;
    return true;
}

static bool hear(struct cw_mailbox_link *link, untagged_fn *untagged, void *arg, enum status *status,
                 struct cw_error *err)
{
    char tag[16];
    struct cw_slice line;
    int len = snprintf(tag, sizeof tag, "cw%u ", link->tag);
    while (cw_mailbox_link_line(link, &line, err)) {
        if (line.len >= (size_t)len && memcmp(line.data, tag, (size_t)len) == 0)
            return read_status(link, (struct cw_slice){ line.data + len, line.len - (size_t)len }, status);
        if (line.len >= 6 && strncasecmp(line.data, "* BYE ", 6) == 0)
            return cw_fail(err, CW_IO, "%s: the server ended it: %.*s", link->url.where,
                           (int)(line.len - 6 < 200 ? line.len - 6 : 200), line.data + 6);
        if (!hear_untagged(link, line, untagged, arg, err))
            return false;
    }
    return false;
}

/* False when the connection failed; what the server says to the command is in *status. */
static bool command(struct cw_mailbox_link *link, struct cw_slice text, untagged_fn *untagged, void *arg,
                    enum status *status, struct cw_error *err)
{
    struct cw_buffer line = { 0 };
    bool ok = cw_buffer_print(&line, err, "cw%u %.*s\r\n", ++link->tag, CW_SLICE_ARG(text)) &&
              cw_mailbox_link_send(link, cw_buffer_slice(&line), err);
    cw_buffer_fini(&line);
    return ok && hear(link, untagged, arg, status, err);
}

static bool say(struct cw_mailbox_link *link, enum status *status, struct cw_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool say(struct cw_mailbox_link *link, enum status *status, struct cw_error *err, const char *fmt, ...)
{
    char text[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return command(link, cw_slice(text), NULL, NULL, status, err);
}

/* `verb` and the name of a mailbox behind it. */
static bool say_name(struct cw_mailbox_link *link, const char *verb, const char *name, untagged_fn *untagged,
                     enum status *status, struct cw_error *err)
{
    struct cw_buffer text = { 0 };
    bool ok = cw_buffer_print(&text, err, "%s ", verb) && cw_mailbox_quote(name, &text, err) &&
              command(link, cw_buffer_slice(&text), untagged, NULL, status, err);
    cw_buffer_fini(&text);
    return ok;
}

static bool refused(const struct cw_mailbox_link *link, enum cw_code code, const char *what,
                    struct cw_error *err)
{
    return cw_fail(err, code, "%s: %s: the server answered: %s", link->url.where, what, link->reply);
}

/* --- opening --- */

static bool hear_capability(struct cw_mailbox_link *link, struct cw_slice line, bool has_literal,
                            uint64_t literal, void *arg, struct cw_error *err)
{
    (void)arg;
    if (find(line, "* CAPABILITY") != NULL) {
        link->can_move = find(line, " MOVE") != NULL;
        link->can_uidplus = find(line, " UIDPLUS") != NULL;
    }
    return !has_literal || skip(link, literal, err);
}

static bool hear_select(struct cw_mailbox_link *link, struct cw_slice line, bool has_literal,
                        uint64_t literal, void *arg, struct cw_error *err)
{
    (void)arg;
    const char *validity = find(line, "[UIDVALIDITY ");
    if (validity != NULL)
        link->uidvalidity = (uint32_t)number_at(line, validity);
    if (line.len > 2 && find(line, " EXISTS") != NULL)
        link->exists = (unsigned long)number_at(line, line.data + 2);
    return !has_literal || skip(link, literal, err);
}

static bool select_mailbox(struct cw_mailbox_link *link, struct cw_error *err)
{
    enum status status = IMAP_BAD;
    if (!command(link, cw_slice("CAPABILITY"), hear_capability, NULL, &status, err))
        return false;
    link->uidvalidity = 0;
    link->exists = 0;
    if (!say_name(link, "SELECT", link->url.mailbox, hear_select, &status, err))
        return false;
    if (status != IMAP_OK)
        return refused(link, CW_NOT_FOUND, "opening the mailbox; check its name in the address", err);
    link->is_read_only = strcasestr(link->reply, "[READ-ONLY]") != NULL;
    link->is_selected = true;
    return true;
}

/* What changed since the mailbox was opened is told when something is said. */
static bool refresh(struct cw_mailbox_link *link, struct cw_error *err)
{
    enum status status = IMAP_BAD;
    if (!link->is_selected)
        return select_mailbox(link, err);
    return command(link, cw_slice("NOOP"), hear_select, NULL, &status, err);
}

/* --- listing --- */

/* " 1-Apr-2024 03:15:00 +0200" */
static cw_time internal_date(struct cw_slice line)
{
    char text[32];
    cw_time at;
    const char *begin = find(line, "INTERNALDATE \"");
    size_t left = begin != NULL ? (size_t)(cw_slice_end(line) - begin) : 0, len = 0;
    while (len < left && len + 1 < sizeof text && begin[len] != '"') {
        text[len] = begin[len];
        if (len < 11 && text[len] == '-')
            text[len] = ' ';
        len++;
    }
    struct cw_slice date = cw_slice_trim((struct cw_slice){ text, len });
    return len > 0 && cw_time_parse(date, NULL, &at, NULL) ? at : CW_TIME_NONE;
}

struct listing {
    struct cw_mailbox_work *work;
    uint32_t behind; /* a range that ends in * has the last mail in any case */
};

static bool hear_listed(struct cw_mailbox_link *link, struct cw_slice line, bool has_literal,
                        uint64_t literal, void *arg, struct cw_error *err)
{
    char name[32];
    const struct listing *listing = arg;
    const char *at = find(line, "UID ");
    uint64_t uid = number_at(line, at);
    bool is_mail = find(line, " FETCH (") != NULL && uid > listing->behind &&
                   find(line, "RFC822.SIZE ") != NULL && find(line, "\\Deleted") == NULL;
    if (is_mail && !cw_mailbox_is_full(listing->work)) {
        int len = snprintf(name, sizeof name, "%" PRIu32 "/%" PRIu64, link->uidvalidity, uid);
        if (!cw_mailbox_add(listing->work, (struct cw_slice){ name, (size_t)len },
                            number_at(line, find(line, "RFC822.SIZE ")), internal_date(line), err))
            return false;
    }
    return !has_literal || skip(link, literal, err);
}

static bool uid_of(const struct cw_mailbox_link *link, const char *name, uint32_t *uid);

static bool list(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    char fetch[80];
    enum status status = IMAP_BAD;
    struct listing listing = { .work = work };
    if (!refresh(link, err))
        return false;
    if (link->exists == 0 || (work->name[0] != '\0' && !uid_of(link, work->name, &listing.behind)))
        return true; /* some servers call 1:* wrong when there is nothing */
    snprintf(fetch, sizeof fetch, "UID FETCH %" PRIu64 ":* (UID RFC822.SIZE INTERNALDATE FLAGS)",
             (uint64_t)listing.behind + 1);
    if (!command(link, cw_slice(fetch), hear_listed, &listing, &status, err))
        return false;
    return status == IMAP_OK || refused(link, CW_UNEXPECTED, "listing the mails", err);
}

/* --- names --- */

/* False when it is of a mailbox that was made anew since. */
static bool uid_of(const struct cw_mailbox_link *link, const char *name, uint32_t *uid)
{
    char *end;
    unsigned long validity = strtoul(name, &end, 10);
    if (*end != '/' || validity != link->uidvalidity)
        return false;
    *uid = (uint32_t)strtoul(end + 1, &end, 10);
    return *end == '\0' && *uid > 0;
}

/* --- reading --- */

static bool write_literal(struct cw_mailbox_link *link, uint64_t len, struct cw_body *body,
                          struct cw_error *err)
{
    struct cw_slice piece;
    struct cw_error full = { .code = CW_OK };
    if (len > link->place.body_limit) {
        cw_mailbox_link_disconnect(link); /* who announces that may never end */
        return cw_fail(err, CW_LIMIT, "%s: the server announces a mail of %" PRIu64 " bytes", link->url.where,
                       len);
    }
    for (; len > 0; len -= piece.len) {
        if (!cw_mailbox_link_some(link, len < SIZE_MAX ? (size_t)len : SIZE_MAX, &piece, err))
            return false;
        if (full.code == CW_OK && !cw_body_write(body, piece, &full) && full.code != CW_LIMIT)
            break;
    }
    if (full.code == CW_OK)
        return true;
    *err = full;
    return cw_fail_in(err, "%s: a mail", link->url.where);
}

struct mail {
    struct cw_mailbox_work *work;
    uint32_t uid;        /* that was asked for */
    uint64_t heard;      /* of the answer that is being heard; 0 = not yet */
    bool came;           /* all of it, under its UID */
    bool has_text;       /* of the answer that is being heard */
    bool is_there;       /* the server knows of it */
    struct cw_error err; /* why it could not be kept; the answer is heard to its end all the same */
};

/* Servers may write a short text in quotes. */
static bool take_quoted(struct mail *mail, struct cw_slice line, const char *at)
{
    struct cw_buffer text = { 0 };
    bool ok = true;
    for (at++; ok && at < cw_slice_end(line) && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < cw_slice_end(line);
        ok = cw_buffer_add(&text, at, 1, &mail->err);
    }
    mail->has_text = ok && cw_body_write(mail->work->body, cw_buffer_slice(&text), &mail->err);
    cw_buffer_fini(&text);
    return true;
}

/* The text of a mail, where it is not known to be another's. */
static bool hear_text(struct cw_mailbox_link *link, struct mail *mail, struct cw_slice line, const char *at,
                      bool has_literal, uint64_t literal, struct cw_error *err)
{
    bool is_other = mail->heard != 0 && mail->heard != mail->uid;
    if (mail->came || is_other || mail->err.code != CW_OK)
        return !has_literal || skip(link, literal, err);
    if (!has_literal)
        return *at != '"' || take_quoted(mail, line, at);
    mail->has_text = write_literal(link, literal, mail->work->body, &mail->err);
    if (mail->has_text || (mail->err.code == CW_LIMIT && link->easy != NULL))
        return true;
    *err = mail->err;
    return false;
}

/* At the end of an answer: its text is the mail's only when the answer has the mail's UID, which may stand
 * behind the text. */
static bool end_answer(struct cw_mailbox_link *link, struct mail *mail, struct cw_error *err)
{
    mail->is_there = mail->is_there || mail->heard == mail->uid;
    if (mail->has_text && mail->heard == mail->uid)
        mail->came = true;
    else if (mail->has_text) {
        cw_body_free(mail->work->body);
        mail->work->body = cw_body_create(link->place.body_limit, err);
    }
    mail->has_text = false;
    return mail->work->body != NULL;
}

static bool hear_mail(struct cw_mailbox_link *link, struct cw_slice line, bool has_literal, uint64_t literal,
                      void *arg, struct cw_error *err)
{
    struct mail *mail = arg;
    const char *at = find(line, "BODY[] ");
    size_t before = at != NULL ? (size_t)(at - line.data) : line.len;
    if (line.len > 2 && memcmp(line.data, "* ", 2) == 0)
        mail->heard = 0;
    const char *uid = find((struct cw_slice){ line.data, before }, "UID ");
    if (uid != NULL)
        mail->heard = number_at(line, uid);
    if (at != NULL && at < cw_slice_end(line) ? !hear_text(link, mail, line, at, has_literal, literal, err)
                                              : has_literal && !skip(link, literal, err))
        return false;
    return has_literal || end_answer(link, mail, err);
}

/* A mail that somebody took meanwhile is gone; one that is still there is not given. */
static bool not_given(struct cw_mailbox_link *link, struct mail *mail, struct cw_error *err)
{
    char text[64];
    enum status status = IMAP_BAD;
    if (!mail->is_there) {
        snprintf(text, sizeof text, "UID FETCH %" PRIu32 " (UID)", mail->uid);
        mail->came = true; /* no text is waited for */
        if (!command(link, cw_slice(text), hear_mail, mail, &status, err))
            return false;
    }
    if (!mail->is_there)
        return cw_mailbox_gone(link, mail->work->name, err);
    return cw_fail(err, CW_UNEXPECTED, "%s: the server has the mail %s, but does not give its text",
                   link->url.where, mail->work->name);
}

static bool read_named(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    char text[64];
    enum status status = IMAP_BAD;
    struct mail mail = { .work = work };
    if (!refresh(link, err))
        return false;
    if (!uid_of(link, work->name, &mail.uid))
        return cw_mailbox_gone(link, work->name, err);
    work->body = cw_body_create(link->place.body_limit, err);
    if (work->body == NULL)
        return false;
    snprintf(text, sizeof text, "UID FETCH %" PRIu32 " (UID BODY.PEEK[])", mail.uid);
    if (!command(link, cw_slice(text), hear_mail, &mail, &status, err))
        return false;
    if (mail.err.code != CW_OK) {
        *err = mail.err;
        return false;
    }
    if (status != IMAP_OK)
        return refused(link, CW_UNEXPECTED, "reading a mail", err);
    return mail.came || not_given(link, &mail, err);
}

static bool read_mail(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
{
    return read_named(link, work, err) || cw_fail_in(err, "the mail %.100s", work->name);
}

/* --- finishing --- */

static bool make_folder(struct cw_mailbox_link *link, const char *folder, struct cw_error *err)
{
    enum status status = IMAP_BAD;
    if (!say_name(link, "CREATE", folder, NULL, &status, err))
        return false;
    if (status != IMAP_OK && strcasestr(link->reply, "EXISTS") == NULL)
        return refused(link, CW_PERMISSION,
                       "making the folder for mails that are done; make it by hand, or name another one",
                       err);
    return say_name(link, "SUBSCRIBE", folder, NULL, &status, err);
}

/* MOVE or COPY; the folder is made where the server says that it is not there. */
static bool put_into(struct cw_mailbox_link *link, const char *verb, uint32_t uid, const char *folder,
                     struct cw_error *err)
{
    char text[48];
    enum status status = IMAP_BAD;
    snprintf(text, sizeof text, "UID %s %" PRIu32, verb, uid);
    if (!say_name(link, text, folder, NULL, &status, err))
        return false;
    if (status == IMAP_NO) {
        if (!make_folder(link, folder, err) || !say_name(link, text, folder, NULL, &status, err))
            return false;
    }
    return status == IMAP_OK || refused(link, CW_PERMISSION, "moving a mail to the folder", err);
}

static bool erase(struct cw_mailbox_link *link, uint32_t uid, struct cw_error *err)
{
    enum status status = IMAP_BAD;
    if (!say(link, &status, err, "UID STORE %" PRIu32 " +FLAGS.SILENT (\\Deleted)", uid))
        return false;
    if (status != IMAP_OK)
        return refused(link, CW_PERMISSION, "marking a mail as deleted", err);
    if (!link->can_uidplus)
        return true;
    if (!say(link, &status, err, "UID EXPUNGE %" PRIu32, uid))
        return false;
    return status == IMAP_OK || refused(link, CW_PERMISSION, "removing a mail", err);
}

static bool finish(struct cw_mailbox_link *link, const struct cw_mailbox_work *work, struct cw_error *err)
{
    uint32_t uid;
    const char *folder = work->end == CW_INBOX_DONE ? link->place.done : link->place.failed;
    if (link->place.only_look)
        return true;
    if (!refresh(link, err))
        return false;
    if (!uid_of(link, work->name, &uid))
        return true; /* the mailbox was made anew: whatever it was, it has another name now */
    if (link->is_read_only)
        return cw_fail(err, CW_PERMISSION,
                       "%s: mails can be read there, but not moved; have its owner allow it",
                       link->url.where);
    if (folder[0] == '\0')
        return erase(link, uid, err);
    if (link->can_move)
        return put_into(link, "MOVE", uid, folder, err);
    return put_into(link, "COPY", uid, folder, err) && erase(link, uid, err);
}

bool cw_imap_work(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err)
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
