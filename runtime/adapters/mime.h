/* mime.h - a mail's bytes as a tree that can be read: headers, the text, attachments; through GMime.
 *
 * Mails are broken in all ways there are. What can be read is read, and what had to be guessed stands in
 * `notes`; a mail that was cut off is `is_damaged`, since half an order is worse than none. Past a limit
 * there is no tree at all: CW_LIMIT names it.
 *
 * All texts are UTF-8 without a zero byte, lines end in "\n". Everything belongs to the mail, and lives until
 * cw_mime_free. Nothing of the bytes is borrowed after cw_mime_parse.
 */
#ifndef CW_ADAPTERS_MIME_H
#define CW_ADAPTERS_MIME_H

#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"

enum {
    CW_MIME_DEPTH_MAX = 50,              /* multiparts inside each other */
    CW_MIME_PARTS_MAX = 1000,            /* of a mail */
    CW_MIME_HEADERS_MAX = 1000,          /* of the mail itself */
    CW_MIME_TEXT_MAX = 8 * 1024 * 1024,  /* bytes of a text, in UTF-8 */
    CW_MIME_BYTES_MAX = 64 * 1024 * 1024 /* bytes of a mail */
};

enum cw_mime_kind {
    CW_MIME_MAIL,
    CW_MIME_BOUNCE,     /* a mail that could not be delivered, or has no sender to answer to */
    CW_MIME_AUTO_REPLY, /* somebody is not in the office */
    CW_MIME_BULK,       /* says so of itself */
    CW_MIME_GENERATED   /* a machine wrote it, as it says: many shops do */
};

struct cw_mime_header {
    struct cw_slice name, value; /* decoded, unfolded */
};

struct cw_mime_attachment {
    struct cw_slice name;    /* without folders; "" = none */
    struct cw_slice type;    /* "text/xml", lower case */
    struct cw_slice charset; /* as the mail says it; "" = it does not */
    struct cw_slice bytes;   /* decoded; of message/rfc822 the mail inside */
};

struct cw_mime {
    const struct cw_mime_header *headers; /* in their order */
    size_t header_count;
    struct cw_slice subject, message_id; /* the first of that name, "" = none; the id without < and > */
    struct cw_slice from_name, from_address;
    struct cw_slice to_name, to_address; /* the first one */
    cw_time date;                        /* CW_TIME_NONE = none that can be read */
    enum cw_mime_kind kind;

    struct cw_slice plain, html; /* the two forms of the one text; data NULL = it has not that form */
    const struct cw_mime_attachment *attachments;
    size_t attachment_count;

    bool is_damaged;   /* cut off: closing boundaries or bytes are missing */
    bool is_encrypted; /* nobody here can read it */
    bool has_tnef;     /* winmail.dat: attachments as only Outlook reads them, left unread */
    const struct cw_slice *notes;
    size_t note_count;
};

/* `charset`: of texts that do not say theirs, and are no UTF-8; NULL = windows-1252. NULL and *err: CW_LIMIT,
 * CW_NOMEM, CW_INVALID when there is no header at all, CW_USAGE for a charset that nobody knows. */
struct cw_mime *cw_mime_parse(struct cw_slice bytes, const char *charset, struct cw_error *err);
void cw_mime_free(struct cw_mime *mail); /* accepts NULL */

/* Of the bytes without what servers on the way add to the head, and without their kind of line ends: a mail
 * that is delivered again has the same one. */
struct cw_hash cw_mime_digest(struct cw_slice bytes);

/* "bounce", "auto-reply", "bulk", "generated"; NULL for a mail. */
const char *cw_mime_kind_name(enum cw_mime_kind kind);

#endif
