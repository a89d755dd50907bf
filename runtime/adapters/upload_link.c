/* upload_link.c - one connection to a server of files in libcurl's hands. Runs in the upload's own thread,
 * except for its beginning, its end, and being cancelled. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/upload_private.h"

enum { LINGER_READS_MAX = 64 };

static const cw_time connect_default = 10 * CW_SECOND, stall_default = 30 * CW_SECOND,
                     total_default = 300 * CW_SECOND;

/* --- sockets --- */

static bool same_machine(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)a)->sin_addr, &((const struct sockaddr_in *)b)->sin_addr,
                      sizeof(struct in_addr)) == 0;
    return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

/* A data connection: to another port, which no rule names, of the machine that was checked. */
static bool check_data(struct cw_upload_link *link, const struct sockaddr *address)
{
    struct sockaddr_storage control;
    socklen_t len = sizeof control;
    if (getpeername(link->sockets[0], (struct sockaddr *)&control, &len) == 0 &&
        same_machine((const struct sockaddr *)&control, address))
        return true;
    return cw_fail(&link->err, CW_REFUSED, "the server wants the data to go to another machine than itself");
}

static bool check_address(struct cw_upload_link *link, const struct sockaddr *address)
{
    if (link->socket_count == CW_UPLOAD_SOCKETS_MAX)
        return cw_fail(&link->err, CW_LIMIT, "the server's name leads to too many addresses");
    if (link->is_greeted && link->socket_count > 0)
        return check_data(link, address);
    return cw_egress_check_address(link->egress, link->url.host, link->url.port, address, &link->err);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct cw_upload_link *link = arg;
    int fd = CURL_SOCKET_BAD;
    pthread_mutex_lock(&link->lock);
    if (!link->cancelled && check_address(link, &address->addr))
        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0)
        link->sockets[link->socket_count++] = fd;
    pthread_mutex_unlock(&link->lock);
    return fd;
}

static bool is_closed_by_peer(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

static void forget_socket(struct cw_upload_link *link, int fd)
{
    for (size_t i = 0; i < link->socket_count; i++) {
        if (link->sockets[i] != fd)
            continue;
        memmove(link->sockets + i, link->sockets + i + 1,
                (link->socket_count - i - 1) * sizeof *link->sockets);
        link->socket_count--;
        if (i == 0 && link->is_greeted)
            link->is_greeted = false;
    }
}

/* Until the server has read everything, and closes: closing a connection on which something unread waits,
 * such as the tickets of TLS 1.3, would reset it, and take what is under way with it. */
static void let_it_read(const struct cw_upload_link *link, int fd)
{
    char waste[4096];
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    if (link->step != CW_STEP_WRITE || link->sent < link->bytes.len || shutdown(fd, SHUT_WR) != 0)
        return;
    for (unsigned i = 0; i < LINGER_READS_MAX; i++)
        if (poll(&wait, 1, (int)(link->stall / CW_MILLISECOND)) != 1 || recv(fd, waste, sizeof waste, 0) <= 0)
            return;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    struct cw_upload_link *link = arg;
    bool is_control = link->socket_count > 0 && link->sockets[0] == fd;
    if (is_control && link->is_greeted)
        cw_upload_last_words(link, fd);
    if (!is_control && link->url.kind != CW_SFTP)
        let_it_read(link, fd);
    pthread_mutex_lock(&link->lock);
    link->is_lost = link->is_lost || (is_control && is_closed_by_peer(fd));
    forget_socket(link, fd);
    int result = close(fd);
    pthread_mutex_unlock(&link->lock);
    return result;
}

bool cw_upload_link_lives(struct cw_upload_link *link)
{
    return !link->is_lost && link->socket_count > 0 && !is_closed_by_peer(link->sockets[0]);
}

static void break_sockets(const struct cw_upload_link *link)
{
    for (size_t i = 0; i < link->socket_count; i++)
        shutdown(link->sockets[i], SHUT_RDWR);
}

bool cw_upload_link_cancel(struct cw_upload_link *link)
{
    pthread_mutex_lock(&link->lock);
    bool ended = link->ended;
    link->cancelled = true;
    break_sockets(link);
    pthread_mutex_unlock(&link->lock);
    return ended;
}

bool cw_upload_link_end(struct cw_upload_link *link, int tell)
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

/* --- bytes --- */

static bool has_something_to_say(const struct cw_upload_link *link)
{
    struct pollfd control = { .events = POLLIN };
    if (link->url.kind == CW_SFTP || link->socket_count == 0)
        return false;
    control.fd = link->sockets[0];
    return poll(&control, 1, 0) == 1;
}

/* A server that speaks before it has the file refuses the rest. Ending it here has libcurl read what it says;
 * going on would have it say that sending failed. */
static size_t give_bytes(char *out, size_t size, size_t count, void *arg)
{
    struct cw_upload_link *link = arg;
    size_t room = size * count, len = 0;
    pthread_mutex_lock(&link->lock);
    bool cancelled = link->cancelled;
    if (!cancelled && !has_something_to_say(link)) {
        len = link->bytes.len - link->sent < room ? link->bytes.len - link->sent : room;
        if (len > 0)
            memcpy(out, link->bytes.data + link->sent, len);
        link->sent += len;
    }
    pthread_mutex_unlock(&link->lock);
    return cancelled ? CURL_READFUNC_ABORT : len;
}

/* Only the bytes of listings and of what is read are wanted: of the rest libcurl makes up headers, or it is a
 * file that was there. */
static size_t take_bytes(char *data, size_t size, size_t count, void *arg)
{
    struct cw_upload_link *link = arg;
    if (link->step == CW_STEP_READ)
        return cw_body_write(link->body, (struct cw_slice){ data, size * count }, &link->err) ? size * count
                                                                                              : 0;
    if ((link->step != CW_STEP_LIST && link->step != CW_STEP_LONG) ||
        cw_buffer_add(&link->answer, data, size * count, NULL))
        return size * count;
    cw_fail(&link->err, CW_LIMIT, "the folder has more names than fit into %d KiB; move old files away",
            CW_LISTING_MAX / 1024);
    return 0;
}

static bool has_timed_out(struct cw_upload_link *link, curl_off_t moved)
{
    curl_off_t greeted = 0;
    int64_t now = cw_elapsed_ns(&cw_system_clock);
    curl_easy_getinfo(link->easy, CURLINFO_APPCONNECT_TIME_T, &greeted);
    link->is_greeted = link->is_greeted || greeted > 0;
    if (moved != link->moved)
        link->moved_ns = now;
    link->moved = moved;
    cw_time limit = link->is_greeted ? link->stall : connect_default;
    return (now - link->moved_ns) / 1000 > limit || (now - link->begun_ns) / 1000 > link->total;
}

/* About once a second, and at each piece. libcurl's own time limits leave the session of an SFTP connection
 * in memory for ever when the server hangs, as it cannot say good-bye; on a connection that is broken it can
 * do without. */
static int look_after(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)total, (void)up_total;
    struct cw_upload_link *link = arg;
    pthread_mutex_lock(&link->lock);
    bool cancelled = link->cancelled;
    pthread_mutex_unlock(&link->lock);
    if (link->url.kind == CW_SFTP && link->err.code == CW_OK && has_timed_out(link, now + up_now)) {
        cw_fail(&link->err, link->is_greeted ? CW_TIMEOUT : CW_UNAVAILABLE,
                "the server stalled: a time limit ended it");
        break_sockets(link);
    }
    return cancelled;
}

/* --- options --- */

#define SET(easy, option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool set_callbacks(struct cw_upload_link *link)
{
    CURL *easy = link->easy;
    return SET(easy, CURLOPT_ERRORBUFFER, link->message) &&
           SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) && SET(easy, CURLOPT_OPENSOCKETDATA, link) &&
           SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) && SET(easy, CURLOPT_CLOSESOCKETDATA, link) &&
           SET(easy, CURLOPT_READFUNCTION, give_bytes) && SET(easy, CURLOPT_READDATA, link) &&
           SET(easy, CURLOPT_WRITEFUNCTION, take_bytes) && SET(easy, CURLOPT_WRITEDATA, link) &&
           SET(easy, CURLOPT_XFERINFOFUNCTION, look_after) && SET(easy, CURLOPT_XFERINFODATA, link) &&
           SET(easy, CURLOPT_NOPROGRESS, 0L) && SET(easy, CURLOPT_DEBUGFUNCTION, cw_upload_listen) &&
           SET(easy, CURLOPT_DEBUGDATA, link) && SET(easy, CURLOPT_VERBOSE, 1L);
}

static bool set_policy(CURL *easy)
{
    return SET(easy, CURLOPT_PROTOCOLS_STR, "ftp,ftps,sftp") && SET(easy, CURLOPT_PROXY, "") &&
           SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(easy, CURLOPT_NOSIGNAL, 1L) &&
           SET(easy, CURLOPT_QUICK_EXIT, 1L) && SET(easy, CURLOPT_FTP_SKIP_PASV_IP, 1L) &&
           SET(easy, CURLOPT_FTPSSLAUTH, (long)CURLFTPAUTH_TLS);
}

static bool set_tls(CURL *easy, enum cw_upload_kind kind, const char *authorities)
{
    bool on = kind == CW_FTPES || kind == CW_FTPS;
    struct curl_blob blob = { (void *)authorities, authorities != NULL ? strlen(authorities) : 0,
                              CURL_BLOB_COPY };
    return SET(easy, CURLOPT_USE_SSL, on ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE) &&
           SET(easy, CURLOPT_SSL_VERIFYPEER, 1L) && SET(easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (authorities == NULL || SET(easy, CURLOPT_CAINFO_BLOB, &blob));
}

static bool write_key(int fd, const char *key)
{
    struct cw_buffer text = { 0 };
    bool ok = true;
    while (ok && *key != '\0') {
        bool is_break = key[0] == '\\' && key[1] == 'n';
        ok = cw_buffer_add(&text, is_break ? "\n" : key, 1, NULL);
        key += is_break ? 2 : 1;
    }
    ok = ok && cw_buffer_add(&text, "\n", 1, NULL) && write(fd, text.data, text.len) == (ssize_t)text.len;
    cw_buffer_fini(&text);
    return ok;
}

/* libcurl wants the private key in a file. This one lies in memory, has no name in any folder, and can be
 * opened where no file can be. */
static bool set_key(struct cw_upload_link *link, const char *key, struct cw_error *err)
{
    char path[64];
    link->key_fd = memfd_create("key", MFD_CLOEXEC);
    if (link->key_fd < 0 || !write_key(link->key_fd, key))
        return cw_fail(err, CW_IO, "no memory for a private key: %s", strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", link->key_fd);
    return SET(link->easy, CURLOPT_SSH_PRIVATE_KEYFILE, path) ||
           cw_fail(err, CW_NOMEM, "no memory for a key");
}

static bool set_ssh(struct cw_upload_link *link, const struct cw_upload_place *place, struct cw_error *err)
{
    long types = place->key != NULL ? CURLSSH_AUTH_PUBLICKEY : CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD;
    const char *hash = place->host_key;
    if (place->user == NULL || hash == NULL)
        return cw_fail(err, CW_USAGE,
                       "SFTP needs user and host_key; host_key is what `ssh-keyscan HOST | ssh-keygen -lf -` "
                       "shows behind SHA256:, to be compared with what the server's owner says");
    if (strncmp(hash, "SHA256:", 7) == 0)
        hash += 7;
    if (!SET(link->easy, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, hash) ||
        !SET(link->easy, CURLOPT_SSH_AUTH_TYPES, types))
        return cw_fail(err, CW_NOMEM, "no memory for an upload");
    if (place->key == NULL)
        return true;
    return set_key(link, place->key, err) &&
           (SET(link->easy, CURLOPT_KEYPASSWD, place->password != NULL ? place->password : "") ||
            cw_fail(err, CW_NOMEM, "no memory for a key"));
}

/* By so much libcurl's limits come later than ours, where we have them. */
static cw_time grace_of(const struct cw_upload_link *link)
{
    return link->url.kind == CW_SFTP ? 10 * CW_SECOND : 0;
}

static bool set_options(struct cw_upload_link *link, const struct cw_upload_place *place,
                        struct cw_error *err)
{
    CURL *easy = link->easy;
    long connect_ms = (long)((connect_default + grace_of(link)) / CW_MILLISECOND);
    long stall_s = (long)((link->stall + grace_of(link) + CW_SECOND - 1) / CW_SECOND);
    bool ok = set_callbacks(link) && set_policy(easy) && set_tls(easy, link->url.kind, place->authorities) &&
              SET(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) &&
              SET(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, stall_s) && SET(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) &&
              SET(easy, CURLOPT_LOW_SPEED_TIME, stall_s);
    if (ok && place->user != NULL)
        ok = SET(easy, CURLOPT_USERNAME, place->user) &&
             SET(easy, CURLOPT_PASSWORD, place->password != NULL ? place->password : "");
    if (!ok)
        return cw_fail(err, CW_NOMEM, "libcurl cannot prepare the upload: out of memory");
    return link->url.kind != CW_SFTP || set_ssh(link, place, err);
}

bool cw_upload_link_init(struct cw_upload_link *link, const struct cw_upload_place *place,
                         struct cw_slice bytes, struct cw_error *err)
{
    *link = (struct cw_upload_link){ .key_fd = -1, .egress = place->egress, .bytes = bytes };
    pthread_mutex_init(&link->lock, NULL);
    link->answer.limit = CW_LISTING_MAX;
    link->stall = place->stall > 0 ? place->stall : stall_default;
    link->total = place->total > 0 ? place->total : total_default;
    if (!cw_upload_url_parse(place->url, &link->url, err))
        return false;
    if (!cw_egress_check_host(place->egress, link->url.host, link->url.port, err))
        return cw_fail_in(err, "%s", link->url.where);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        link->easy = curl_easy_init();
    if (link->easy == NULL)
        return cw_fail(err, CW_NOMEM, "libcurl cannot be started");
    link->begun_ns = cw_elapsed_ns(&cw_system_clock);
    return set_options(link, place, err);
}

/* A server that does not answer to QUIT would hold up everything for minutes. */
void cw_upload_link_fini(struct cw_upload_link *link)
{
    cw_upload_link_cancel(link);
    if (link->easy != NULL)
        curl_easy_cleanup(link->easy);
    if (link->key_fd >= 0)
        close(link->key_fd);
    cw_buffer_fini(&link->answer);
    cw_upload_url_fini(&link->url);
    pthread_mutex_destroy(&link->lock);
}

/* --- transfers --- */

static bool set_url(struct cw_upload_link *link, const char *name)
{
    struct cw_buffer url = { 0 };
    char *escaped = name != NULL ? curl_easy_escape(link->easy, name, 0) : NULL;
    bool ok = (name == NULL || escaped != NULL) &&
              cw_buffer_print(&url, NULL, "%s%s", link->url.folder, escaped != NULL ? escaped : "") &&
              SET(link->easy, CURLOPT_URL, url.data);
    curl_free(escaped);
    cw_buffer_fini(&url);
    return ok;
}

static long time_left_ms(const struct cw_upload_link *link)
{
    cw_time spent = (cw_elapsed_ns(&cw_system_clock) - link->begun_ns) / 1000;
    cw_time left = link->total - spent + grace_of(link);
    return left > CW_MILLISECOND ? (long)(left / CW_MILLISECOND) : 1;
}

/* The time of a file tells over SFTP that it is there, and one byte of it is enough to be read. */
static bool set_order(struct cw_upload_link *link, const struct cw_upload_order *order)
{
    CURL *easy = link->easy;
    enum cw_upload_step step = order->step;
    bool is_sftp = link->url.kind == CW_SFTP, writes = step == CW_STEP_WRITE;
    bool stats = step == CW_STEP_STAT, looks = step == CW_STEP_LOOK || stats,
         commands = step == CW_STEP_RENAME || step == CW_STEP_REMOVE;
    return set_url(link, order->name) && SET(easy, CURLOPT_UPLOAD, writes ? 1L : 0L) &&
           SET(easy, CURLOPT_INFILESIZE_LARGE, writes ? (curl_off_t)link->bytes.len : (curl_off_t)-1) &&
           SET(easy, CURLOPT_NOBODY, commands || (looks && !is_sftp) ? 1L : 0L) &&
           SET(easy, CURLOPT_FILETIME, looks && (is_sftp || stats) ? 1L : 0L) &&
           SET(easy, CURLOPT_RANGE, looks && is_sftp ? "0-0" : NULL) &&
           SET(easy, CURLOPT_DIRLISTONLY, step == CW_STEP_LIST ? 1L : 0L) &&
           SET(easy, CURLOPT_PREQUOTE, is_sftp ? NULL : order->commands) &&
           SET(easy, CURLOPT_QUOTE, is_sftp ? order->commands : NULL) &&
           SET(easy, CURLOPT_TIMEOUT_MS, time_left_ms(link));
}

CURLcode cw_upload_link_perform(struct cw_upload_link *link, const struct cw_upload_order *order)
{
    link->step = order->step;
    link->message[0] = link->command[0] = link->reply[0] = '\0';
    link->is_answered = link->is_lost = false;
    link->err.code = CW_OK;
    link->moved = 0;
    link->moved_ns = cw_elapsed_ns(&cw_system_clock);
    return set_order(link, order) ? curl_easy_perform(link->easy) : CURLE_OUT_OF_MEMORY;
}
