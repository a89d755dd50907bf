/* mailbox_link.c - one connection to a server of mails: libcurl connects, encrypts and logs in, then bytes go
 * to and fro. Runs in the operation's own thread, except for its beginning, its end, and being cancelled. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/mailbox_private.h"
#include "adapters/utf8.h"

enum { IN_PIECE = 32 * 1024 };

static const cw_time connect_default = 10 * CW_SECOND, stall_default = 30 * CW_SECOND,
                     total_default = 600 * CW_SECOND;

/* --- sockets --- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct cw_mailbox_link *link = arg;
    int fd = CURL_SOCKET_BAD;
    pthread_mutex_lock(&link->lock);
    bool ok = !link->cancelled && link->socket_count < CW_MAILBOX_SOCKETS_MAX &&
              cw_egress_check_address(link->place.egress, link->url.host, link->url.port, &address->addr,
                                      &link->err);
    if (ok)
        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0)
        link->sockets[link->socket_count++] = fd;
    pthread_mutex_unlock(&link->lock);
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    struct cw_mailbox_link *link = arg;
    pthread_mutex_lock(&link->lock);
    for (size_t i = 0; i < link->socket_count; i++)
        if (link->sockets[i] == fd) {
            link->sockets[i] = link->sockets[--link->socket_count];
            break;
        }
    int result = close(fd);
    pthread_mutex_unlock(&link->lock);
    return result;
}

bool cw_mailbox_link_cancel(struct cw_mailbox_link *link)
{
    pthread_mutex_lock(&link->lock);
    bool ended = link->ended;
    link->cancelled = true;
    for (size_t i = 0; i < link->socket_count; i++)
        shutdown(link->sockets[i], SHUT_RDWR);
    pthread_mutex_unlock(&link->lock);
    return ended;
}

bool cw_mailbox_link_end(struct cw_mailbox_link *link, int tell)
{
    static const uint64_t one = 1;
    pthread_mutex_lock(&link->lock);
    bool cancelled = link->cancelled;
    link->ended = true;
    ssize_t told = cancelled ? 0 : write(tell, &one, sizeof one);
    pthread_mutex_unlock(&link->lock);
    (void)told; /* an eventfd takes its first write whatever happens */
    return !cancelled;
}

static int look_after(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)total, (void)now, (void)up_total, (void)up_now;
    struct cw_mailbox_link *link = arg;
    pthread_mutex_lock(&link->lock);
    bool cancelled = link->cancelled;
    pthread_mutex_unlock(&link->lock);
    return cancelled;
}

/* --- what the server said --- */

/* Servers write what they like; nothing of it may move a cursor or break a line. */
void cw_mailbox_link_note_reply(struct cw_mailbox_link *link, struct cw_slice line)
{
    size_t len = 0;
    uint32_t point;
    line = cw_slice_trim(line);
    for (const char *at = line.data, *end = cw_slice_end(line); at < end;) {
        unsigned bytes = cw_utf8_read(at, end, &point);
        bool shown = bytes > 0 && point >= ' ' && (point < 0x7f || point >= 0xa0);
        if (len + (shown ? bytes : 1) >= sizeof link->reply)
            break;
        memcpy(link->reply + len, shown ? at : "?", shown ? bytes : 1);
        len += shown ? bytes : 1;
        at += bytes > 0 ? bytes : 1;
    }
    link->reply[len] = '\0';
}

/* While libcurl logs in. */
static int listen_to(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
    (void)easy;
    struct cw_slice line = { data, len };
    if (type == CURLINFO_HEADER_IN && len > 0 && data[0] != '+' &&
        memmem(data, len, "CAPABILITY", 10) == NULL)
        cw_mailbox_link_note_reply(arg, line);
    else if (type == CURLINFO_HEADER_IN && len > 3 && memcmp(data, "+OK", 3) == 0)
        cw_mailbox_link_note_reply(arg, line);
    return 0;
}

/* --- connecting --- */

#define SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool set_callbacks(struct cw_mailbox_link *link)
{
    CURL *easy = link->easy;
    return SET(easy, CURLOPT_ERRORBUFFER, link->message) &&
           SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) && SET(easy, CURLOPT_OPENSOCKETDATA, link) &&
           SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) && SET(easy, CURLOPT_CLOSESOCKETDATA, link) &&
           SET(easy, CURLOPT_XFERINFOFUNCTION, look_after) && SET(easy, CURLOPT_XFERINFODATA, link) &&
           SET(easy, CURLOPT_NOPROGRESS, 0L) && SET(easy, CURLOPT_DEBUGFUNCTION, listen_to) &&
           SET(easy, CURLOPT_DEBUGDATA, link) && SET(easy, CURLOPT_VERBOSE, 1L);
}

static bool is_this_machine(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* Nobody stands between a program and a server of the same machine. */
static bool set_tls(struct cw_mailbox_link *link)
{
    CURL *easy = link->easy;
    const char *authorities = link->place.authorities;
    bool clear = authorities == NULL && is_this_machine(link->url.host) &&
                 (link->url.kind == CW_IMAP || link->url.kind == CW_POP3);
    struct curl_blob blob = { (void *)authorities, authorities != NULL ? strlen(authorities) : 0,
                              CURL_BLOB_COPY };
    return SET(easy, CURLOPT_USE_SSL, clear ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL) &&
           SET(easy, CURLOPT_SSL_VERIFYPEER, 1L) && SET(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (authorities == NULL || SET(easy, CURLOPT_CAINFO_BLOB, &blob));
}

static bool set_options(struct cw_mailbox_link *link)
{
    CURL *easy = link->easy;
    const struct cw_mailbox_place *place = &link->place;
    return set_callbacks(link) && set_tls(link) && SET(easy, CURLOPT_URL, link->url.server) &&
           SET(easy, CURLOPT_PROTOCOLS_STR, "imap,imaps,pop3,pop3s") && SET(easy, CURLOPT_PROXY, "") &&
           SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(easy, CURLOPT_NOSIGNAL, 1L) &&
           SET(easy, CURLOPT_QUICK_EXIT, 1L) && SET(easy, CURLOPT_CONNECT_ONLY, 1L) &&
           SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(place->connect / CW_MILLISECOND)) &&
           SET(easy, CURLOPT_TIMEOUT_MS, (long)((place->connect + place->stall) / CW_MILLISECOND)) &&
           SET(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(place->stall / CW_SECOND) + 1) &&
           SET(easy, CURLOPT_USERNAME, place->user) && SET(easy, CURLOPT_PASSWORD, place->password);
}

static bool explain(struct cw_mailbox_link *link, CURLcode result, struct cw_error *err)
{
    const char *detail = link->message[0] != '\0' ? link->message : curl_easy_strerror(result);
    const char *said = link->reply[0] != '\0' ? link->reply : detail;
    if (link->err.code != CW_OK)
        *err = link->err; /* a callback knew better than libcurl why it ended */
    else if (result == CURLE_COULDNT_RESOLVE_HOST)
        cw_fail(err, CW_UNAVAILABLE, "the name %s cannot be resolved (DNS); check the address",
                link->url.host);
    else if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_ISSUER_ERROR)
        cw_fail(err, CW_AUTH, "the server's certificate is not accepted (TLS): %s", detail);
    else if (result == CURLE_USE_SSL_FAILED)
        cw_fail(err, CW_AUTH, "the server does not encrypt (STARTTLS); use imaps:// or pop3s://");
    else if (result == CURLE_LOGIN_DENIED)
        cw_fail(err, CW_AUTH,
                "log-in: the server answered: %s; check user and password; some servers want a password made "
                "for programs",
                said);
    else if (result == CURLE_OUT_OF_MEMORY)
        cw_fail(err, CW_NOMEM, "no memory for a connection");
    else if (result == CURLE_COULDNT_CONNECT || result == CURLE_OPERATION_TIMEDOUT)
        cw_fail(err, CW_UNAVAILABLE, "connecting: %s; check address and port, and whether the server runs",
                detail);
    else
        cw_fail(err, CW_IO, "connecting: %s; is it a server of mails that answers there?", detail);
    return cw_fail_in(err, "%s", link->url.where);
}

bool cw_mailbox_link_connect(struct cw_mailbox_link *link, struct cw_error *err)
{
    link->err.code = CW_OK;
    link->message[0] = link->reply[0] = '\0';
    link->easy = curl_easy_init();
    if (link->easy == NULL || !set_options(link)) {
        cw_mailbox_link_disconnect(link);
        return cw_fail(err, CW_NOMEM, "libcurl cannot prepare a connection: out of memory");
    }
    CURLcode result = curl_easy_perform(link->easy);
    if (result == CURLE_OK)
        return true;
    explain(link, result, err);
    cw_mailbox_link_disconnect(link);
    return false;
}

/* libcurl would say good-bye, and wait for the answer: what is said here is not waited for. */
void cw_mailbox_link_disconnect(struct cw_mailbox_link *link)
{
    static const char bye[] = "cw0 LOGOUT\r\n", quit[] = "QUIT\r\n";
    bool is_imap = cw_mailbox_is_imap(&link->url);
    size_t sent;
    if (link->easy != NULL && link->socket_count > 0)
        curl_easy_send(link->easy, is_imap ? bye : quit, is_imap ? sizeof bye - 1 : sizeof quit - 1, &sent);
    pthread_mutex_lock(&link->lock);
    for (size_t i = 0; i < link->socket_count; i++)
        shutdown(link->sockets[i], SHUT_RDWR);
    pthread_mutex_unlock(&link->lock);
    if (link->easy != NULL)
        curl_easy_cleanup(link->easy);
    link->easy = NULL;
    cw_buffer_clear(&link->in);
    cw_buffer_clear(&link->uidls);
    link->in_used = 0;
    link->is_selected = link->has_uidls = link->can_move = link->can_uidplus = false;
}

/* --- bytes --- */

static bool lost(struct cw_mailbox_link *link, enum cw_code code, const char *why, struct cw_error *err)
{
    pthread_mutex_lock(&link->lock);
    bool cancelled = link->cancelled;
    pthread_mutex_unlock(&link->lock);
    if (cancelled)
        return cw_fail(err, CW_CANCELLED, "it was cancelled");
    return cw_fail(err, code, "%s: %s", link->url.where, why);
}

static bool wait_for(struct cw_mailbox_link *link, short events, struct cw_error *err)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(link->easy, CURLINFO_ACTIVESOCKET, &fd);
    struct pollfd wait = { .fd = fd, .events = events };
    cw_time spent = (cw_elapsed_ns(&cw_system_clock) - link->begun_ns) / 1000;
    if (fd == CURL_SOCKET_BAD)
        return lost(link, CW_IO, "the connection broke", err);
    if (spent > link->place.total)
        return lost(link, CW_TIMEOUT, "it took longer than it may", err);
    int ready = poll(&wait, 1, (int)(link->place.stall / CW_MILLISECOND));
    if (ready == 0)
        return lost(link, CW_TIMEOUT, "the server does not answer; see what its log says", err);
    return ready > 0 || errno == EINTR || lost(link, CW_IO, strerror(errno), err);
}

bool cw_mailbox_link_send(struct cw_mailbox_link *link, struct cw_slice bytes, struct cw_error *err)
{
    while (bytes.len > 0) {
        size_t sent = 0;
        CURLcode result = curl_easy_send(link->easy, bytes.data, bytes.len, &sent);
        if (result == CURLE_AGAIN ? !wait_for(link, POLLOUT, err) : result != CURLE_OK)
            return result == CURLE_AGAIN ? false : lost(link, CW_IO, "the connection broke", err);
        bytes = (struct cw_slice){ bytes.data + sent, bytes.len - sent };
    }
    return true;
}

static bool receive(struct cw_mailbox_link *link, struct cw_error *err)
{
    size_t got = 0;
    if (link->in_used > 0) {
        memmove(link->in.data, link->in.data + link->in_used, link->in.len - link->in_used);
        link->in.len -= link->in_used;
        link->in_used = 0;
    }
    char *room = cw_buffer_reserve(&link->in, IN_PIECE, err);
    if (room == NULL)
        return false;
    for (;;) {
        CURLcode result = curl_easy_recv(link->easy, room, IN_PIECE, &got);
        if (result == CURLE_OK && got > 0)
            break;
        if (result != CURLE_AGAIN)
            return lost(link, CW_IO, "the server closed the connection", err);
        if (!wait_for(link, POLLIN, err))
            return false;
    }
    link->in.len += got;
    return true;
}

bool cw_mailbox_link_some(struct cw_mailbox_link *link, size_t max, struct cw_slice *bytes,
                          struct cw_error *err)
{
    if (link->in_used == link->in.len && !receive(link, err))
        return false;
    size_t len = link->in.len - link->in_used;
    *bytes = (struct cw_slice){ link->in.data + link->in_used, len < max ? len : max };
    link->in_used += bytes->len;
    return true;
}

bool cw_mailbox_link_line(struct cw_mailbox_link *link, struct cw_slice *line, struct cw_error *err)
{
    size_t looked = 0;
    for (;;) {
        size_t len = link->in.len - link->in_used;
        const char *at = link->in.data + link->in_used;
        const char *end = len > looked ? memchr(at + looked, '\n', len - looked) : NULL;
        if (end != NULL) {
            *line = (struct cw_slice){ at, (size_t)(end - at) };
            link->in_used += line->len + 1;
            line->len -= line->len > 0 && line->data[line->len - 1] == '\r';
            return true;
        }
        if (len > CW_MAILBOX_LINE_MAX)
            return lost(link, CW_UNEXPECTED, "the server's answer has a line without an end", err);
        looked = len;
        if (!receive(link, err))
            return false;
    }
}

/* --- life --- */

static char *copy_text(const char *text, const char *otherwise, bool *ok)
{
    const char *from = text != NULL ? text : otherwise;
    char *copy = from != NULL ? strdup(from) : NULL;
    *ok = *ok && (from == NULL || copy != NULL);
    return copy;
}

static bool copy_place(struct cw_mailbox_place *out, const struct cw_mailbox_place *place)
{
    bool ok = true;
    *out = *place;
    out->url = copy_text(place->url, "", &ok);
    out->user = copy_text(place->user, "", &ok);
    out->password = copy_text(place->password, "", &ok);
    out->authorities = copy_text(place->authorities, NULL, &ok);
    out->done = copy_text(place->done, "done", &ok);
    out->failed = copy_text(place->failed, "failed", &ok);
    out->body_limit = place->body_limit > 0 ? place->body_limit : CW_MAILBOX_BODY_MAX;
    out->connect = place->connect > 0 ? place->connect : connect_default;
    out->stall = place->stall > 0 ? place->stall : stall_default;
    out->total = place->total > 0 ? place->total : total_default;
    return ok;
}

bool cw_mailbox_link_init(struct cw_mailbox_link *link, const struct cw_mailbox_place *place,
                          struct cw_error *err)
{
    *link = (struct cw_mailbox_link){ 0 };
    pthread_mutex_init(&link->lock, NULL);
    link->begun_ns = cw_elapsed_ns(&cw_system_clock);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !copy_place(&link->place, place))
        return cw_fail(err, CW_NOMEM, "no memory for a connection");
    if (!cw_mailbox_url_parse(place->url, &link->url, err))
        return false;
    return cw_egress_check_host(place->egress, link->url.host, link->url.port, err) ||
           cw_fail_in(err, "%s", link->url.where);
}

void cw_mailbox_link_fini(struct cw_mailbox_link *link)
{
    cw_mailbox_link_disconnect(link);
    cw_buffer_fini(&link->in);
    cw_buffer_fini(&link->uidls);
    cw_mailbox_url_fini(&link->url);
    free((char *)link->place.url);
    free((char *)link->place.user);
    free((char *)link->place.password);
    free((char *)link->place.authorities);
    free((char *)link->place.done);
    free((char *)link->place.failed);
    pthread_mutex_destroy(&link->lock);
}
