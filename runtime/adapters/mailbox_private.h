/* mailbox_private.h - what the files of mailboxes share: mailbox.c is the loop's side, and hands each
 * operation to a thread; mailbox_imap.c and mailbox_pop3.c say in that thread what is said to the server;
 * mailbox_link.c is the connection in libcurl's hands; mailbox_url.c takes addresses apart. */
#ifndef CW_ADAPTERS_MAILBOX_PRIVATE_H
#define CW_ADAPTERS_MAILBOX_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>

#include "adapters/http_url.h"
#include "adapters/mailbox.h"
#include "base/buffer.h"

enum { CW_MAILBOX_SOCKETS_MAX = 8, CW_MAILBOX_LINE_MAX = 64 * 1024, CW_MAILBOX_REPLY_MAX = 240 }; /* bytes */

/* --- mailbox_url.c --- */

enum cw_mailbox_kind { CW_IMAP, CW_IMAPS, CW_POP3, CW_POP3S };

struct cw_mailbox_url {
    enum cw_mailbox_kind kind;
    unsigned port;
    char host[CW_URL_HOST_MAX];   /* lower case, without brackets */
    char where[CW_URL_WHERE_MAX]; /* "imaps://host:993/INBOX" for messages */
    char *server;                 /* "imaps://host:993/", as libcurl takes it */
    char *mailbox;                /* UTF-8; POP3 has none: "" */
};

bool cw_mailbox_url_parse(const char *text, struct cw_mailbox_url *out, struct cw_error *err);
void cw_mailbox_url_fini(struct cw_mailbox_url *url);
/* The name of a mailbox as IMAP sends it: modified UTF-7 (RFC 3501, 5.1.3), in quotes. */
bool cw_mailbox_quote(const char *name, struct cw_buffer *out, struct cw_error *err);

static inline bool cw_mailbox_is_imap(const struct cw_mailbox_url *url)
{
    return url->kind == CW_IMAP || url->kind == CW_IMAPS;
}

/* --- mailbox_link.c --- */

struct cw_mailbox_link {
    struct cw_mailbox_place place; /* texts are copies */
    struct cw_mailbox_url url;
    CURL *easy; /* NULL = not connected */
    char message[CURL_ERROR_SIZE];
    char reply[CW_MAILBOX_REPLY_MAX]; /* the last line of the server that says how something went */
    int64_t begun_ns;                 /* of the operation */

    /* The lock guards what the loop's side may take away by cancelling. */
    pthread_mutex_t lock;
    bool cancelled, ended;
    int sockets[CW_MAILBOX_SOCKETS_MAX];
    size_t socket_count;
    struct cw_error err; /* why a callback stopped it; CW_OK = none did */

    struct cw_buffer in; /* what came and was not read yet begins at in_used */
    size_t in_used;

    /* What is known of this connection. */
    unsigned tag;
    bool is_selected, can_move, can_uidplus, is_read_only;
    uint32_t uidvalidity;
    unsigned long exists;
    struct cw_buffer uidls; /* POP3: "NUMBER UIDL\n" */
    bool has_uidls;
};

/* Copies the place. The lock is made before anything can fail; fini accepts what is left of that. */
bool cw_mailbox_link_init(struct cw_mailbox_link *link, const struct cw_mailbox_place *place,
                          struct cw_error *err);
void cw_mailbox_link_fini(struct cw_mailbox_link *link);

/* In the thread. */
bool cw_mailbox_link_connect(struct cw_mailbox_link *link, struct cw_error *err);
void cw_mailbox_link_disconnect(struct cw_mailbox_link *link);
bool cw_mailbox_link_send(struct cw_mailbox_link *link, struct cw_slice bytes, struct cw_error *err);
/* A line without its end, valid until the next call. */
bool cw_mailbox_link_line(struct cw_mailbox_link *link, struct cw_slice *line, struct cw_error *err);
/* Some bytes, at most `max`, valid until the next call. */
bool cw_mailbox_link_some(struct cw_mailbox_link *link, size_t max, struct cw_slice *bytes,
                          struct cw_error *err);
void cw_mailbox_link_note_reply(struct cw_mailbox_link *link, struct cw_slice line);

/* The thread's last word: makes the eventfd `tell` readable. False when it was cancelled: nobody waits. */
bool cw_mailbox_link_end(struct cw_mailbox_link *link, int tell);
/* From any thread: everything that waits ends at once. True when the thread had ended before. */
bool cw_mailbox_link_cancel(struct cw_mailbox_link *link);

/* --- what is said --- */

/* One operation, while a thread has it. */
struct cw_mailbox_work {
    enum { CW_MAILBOX_LIST, CW_MAILBOX_READ, CW_MAILBOX_FINISH } what;
    char *name;
    enum cw_inbox_end end;
    struct cw_buffer entries; /* of a list: struct cw_mailbox_found and the name, one behind the other */
    size_t entry_count;
    struct cw_body *body; /* of a mail */
};

struct cw_mailbox_found {
    uint64_t size;
    cw_time at;
    size_t len; /* of the name that follows */
};

bool cw_mailbox_add(struct cw_mailbox_work *work, struct cw_slice name, uint64_t size, cw_time at,
                    struct cw_error *err);
bool cw_mailbox_is_full(const struct cw_mailbox_work *work);
bool cw_mailbox_gone(const struct cw_mailbox_link *link, const char *name, struct cw_error *err);

/* On a connection that is logged in. */
bool cw_imap_work(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err);
bool cw_pop3_work(struct cw_mailbox_link *link, struct cw_mailbox_work *work, struct cw_error *err);

#endif
