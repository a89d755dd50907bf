/* upload_talk.c - what client and server said to each other, and what of it a person is told. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "adapters/upload_private.h"
#include "adapters/utf8.h"

enum { LAST_WORDS_MS = 1000 };

/* --- listening --- */

static bool is_code(struct cw_slice line)
{
    return line.len >= 3 && line.data[0] >= '1' && line.data[0] <= '5' && line.data[1] >= '0' &&
           line.data[1] <= '9' && line.data[2] >= '0' && line.data[2] <= '9';
}

/* An answer of several lines has "550-" on the first and "550 " on the last. */
static bool is_last_line(struct cw_slice line)
{
    return is_code(line) && (line.len == 3 || line.data[3] == ' ');
}

/* Servers write what they like; nothing of it may move a cursor or break a line. */
static void add_words(char *out, size_t cap, struct cw_slice words)
{
    uint32_t point;
    size_t len = strlen(out);
    if (len > 0 && len + 2 < cap)
        out[len++] = ' ';
    for (const char *at = words.data, *end = cw_slice_end(words); at < end;) {
        unsigned bytes = cw_utf8_read(at, end, &point);
        bool shown = bytes > 0 && point >= ' ' && (point < 0x7f || point >= 0xa0);
        if (len + (shown ? bytes : 1) >= cap)
            break;
        memcpy(out + len, shown ? at : "?", shown ? bytes : 1);
        len += shown ? bytes : 1;
        at += bytes > 0 ? bytes : 1;
    }
    out[len] = '\0';
}

static void hear_line(struct cw_upload_link *link, struct cw_slice line)
{
    line = cw_slice_trim(line);
    if (line.len == 0)
        return;
    link->is_greeted = true;
    if (is_last_line(line) && line.data[0] == '1')
        return; /* more is to come */
    if (link->is_answered)
        link->reply[0] = '\0';
    add_words(link->reply, sizeof link->reply, line);
    link->is_answered = is_last_line(line);
}

static void hear_command(struct cw_upload_link *link, struct cw_slice line)
{
    size_t len = 0;
    while (len < line.len && len + 1 < sizeof link->command && line.data[len] > ' ')
        len++;
    memcpy(link->command, line.data, len);
    link->command[len] = '\0';
    link->reply[0] = '\0';
    link->is_answered = false;
}

int cw_upload_listen(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
    (void)easy;
    struct cw_upload_link *link = arg;
    if (link->url.kind == CW_SFTP)
        return 0;
    if (type == CURLINFO_HEADER_OUT)
        hear_command(link, (struct cw_slice){ data, len });
    else if (type == CURLINFO_HEADER_IN)
        hear_line(link, (struct cw_slice){ data, len });
    return 0;
}

/* When a server ends the data connection, since its disk is full, libcurl closes the other one unread.
 * Through TLS nothing can be read here. */
void cw_upload_last_words(struct cw_upload_link *link, int fd)
{
    char words[1024];
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    bool waits = link->url.kind == CW_FTP && link->step == CW_STEP_WRITE &&
                 strcmp(link->command, "STOR") == 0 && !link->is_answered;
    if (!waits || poll(&wait, 1, LAST_WORDS_MS) != 1)
        return;
    ssize_t got = recv(fd, words, sizeof words, MSG_DONTWAIT);
    struct cw_slice left = { words, got > 0 ? (size_t)got : 0 };
    while (left.len > 0) {
        const char *end = memchr(left.data, '\n', left.len);
        size_t len = end != NULL ? (size_t)(end - left.data) + 1 : left.len;
        hear_line(link, (struct cw_slice){ left.data, len });
        left = (struct cw_slice){ left.data + len, left.len - len };
    }
}

int cw_upload_reply_code(const struct cw_upload_link *link)
{
    if (!link->is_answered || !is_code(cw_slice(link->reply)))
        return 0;
    return (link->reply[0] - '0') * 100 + (link->reply[1] - '0') * 10 + link->reply[2] - '0';
}

/* --- explaining --- */

static bool is_connecting(const struct cw_upload_link *link)
{
    return link->url.kind != CW_SFTP && link->command[0] == '\0' && link->reply[0] == '\0';
}

/* In which of its phases a step was: the log-in and the way into the folder belong to whatever is done first.
 */
static const char *phase(const struct cw_upload_link *link, CURLcode result)
{
    static const char *const names[] = { "looking whether the file is there",
                                         "writing",
                                         "renaming",
                                         "listing the folder",
                                         "removing a file",
                                         "listing the folder",
                                         "looking at the file",
                                         "reading the file" };
    static const char *const of_login[] = { "USER", "PASS", "ACCT", "AUTH", "PBSZ", "PROT" };
    if (is_connecting(link))
        return "connecting";
    if (result == CURLE_LOGIN_DENIED)
        return "log-in";
    for (size_t i = 0; i < sizeof of_login / sizeof *of_login; i++)
        if (strcmp(link->command, of_login[i]) == 0)
            return "log-in";
    return strcmp(link->command, "CWD") == 0 ? "going to the folder" : names[link->step];
}

static enum cw_code code_of_reply(const struct cw_upload_link *link)
{
    int code = cw_upload_reply_code(link);
    bool is_folder = strcmp(link->command, "CWD") == 0;
    if (code == 421 || code == 120)
        return CW_UNAVAILABLE;
    if (code == 530 || code == 532 || code == 332)
        return CW_AUTH;
    if (code == 550 && is_folder)
        return CW_NOT_FOUND;
    if (code == 550 || code == 553)
        return CW_PERMISSION;
    if (code == 552)
        return CW_LIMIT;
    return CW_IO;
}

static enum cw_code code_of_result(CURLcode result)
{
    switch (result) {
    case CURLE_OUT_OF_MEMORY:
        return CW_NOMEM;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return CW_UNAVAILABLE;
    case CURLE_LOGIN_DENIED:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_USE_SSL_FAILED:
        return CW_AUTH;
    case CURLE_REMOTE_ACCESS_DENIED:
        return CW_PERMISSION;
    case CURLE_REMOTE_FILE_NOT_FOUND:
        return CW_NOT_FOUND;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_FTP_ACCEPT_TIMEOUT:
        return CW_TIMEOUT;
    default:
        return CW_IO;
    }
}

/* What to do about it, behind the words of the server or of libcurl. */
static const char *advice(const struct cw_upload_link *link, enum cw_code code)
{
    int reply = cw_upload_reply_code(link);
    if (reply == 451 || reply == 452)
        return "make room on the server; what waits goes once there is some";
    switch (code) {
    case CW_AUTH:
        return "check the user, and its password or key: cartwright secret CART SETTING";
    case CW_PERMISSION:
        return "have its owner allow this user to write and rename files in the folder";
    case CW_NOT_FOUND:
        return "check the address of the folder";
    case CW_UNAVAILABLE:
        return "check address and port, and whether the server runs";
    case CW_LIMIT:
        return "have its owner allow more, or set a smaller `batch`, which makes smaller files";
    case CW_NOMEM:
        return "give the program more memory";
    default:
        return reply != 0 ? "see what the server's log says"
                          : "the connection broke or hangs: see what the server's log says";
    }
}

static bool fail_with_advice(const struct cw_upload_link *link, enum cw_code code, const char *words,
                             const char *detail, struct cw_error *err)
{
    return cw_fail(err, code, "%s%s; %s", words, detail, advice(link, code));
}

static bool was_refused(const struct cw_upload_link *link)
{
    return cw_upload_reply_code(link) >= 400;
}

bool cw_upload_explain(struct cw_upload_link *link, CURLcode result, struct cw_error *err)
{
    const char *detail = link->message[0] != '\0' ? link->message : curl_easy_strerror(result);
    if (link->err.code != CW_OK)
        *err = link->err; /* a callback knew better than libcurl why it ended */
    else if (result == CURLE_COULDNT_RESOLVE_HOST)
        cw_fail(err, CW_UNAVAILABLE, "the name %s cannot be resolved (DNS); check the address",
                link->url.host);
    else if (result == CURLE_PEER_FAILED_VERIFICATION && link->url.kind == CW_SFTP)
        cw_fail(err, CW_AUTH,
                "the server's host key is not the one in host_key; ask its owner before it is put there: %s",
                detail);
    else if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_ISSUER_ERROR)
        cw_fail(err, CW_AUTH, "the server's certificate is not accepted (TLS): %s", detail);
    else if (result == CURLE_USE_SSL_FAILED)
        cw_fail(err, CW_AUTH, "the server does not encrypt (TLS); only ftp:// goes in clear: %s",
                link->reply);
    else if (was_refused(link))
        fail_with_advice(link, code_of_reply(link), "the server answered: ", link->reply, err);
    else if (link->step == CW_STEP_WRITE && result == CURLE_SEND_ERROR)
        cw_fail(err, CW_IO,
                "the server closed the connection before it had the whole file; is its disk full?");
    else
        fail_with_advice(link,
                         result == CURLE_OPERATION_TIMEDOUT && is_connecting(link) ? CW_UNAVAILABLE
                                                                                   : code_of_result(result),
                         "", detail, err);
    cw_fail_in(err, "%s: %s", link->url.where, phase(link, result));
    return false;
}
