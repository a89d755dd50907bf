/* curl_transfer.c - see curl_transfer.h. libcurl's callbacks only record: it forbids most calls from inside
 * them. */
#include "adapters/curl_transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const cw_time connect_default = 10 * CW_SECOND, stall_default = 30 * CW_SECOND,
                     total_default = 300 * CW_SECOND;
static const uint64_t body_default = 64 * 1024 * 1024;

static bool is_safe(const struct cw_http_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

cw_time cw_transfer_stall_timeout(const struct cw_transfer *transfer)
{
    cw_time wanted = transfer->request.stall_timeout;
    return wanted > 0 ? wanted : stall_default;
}

static uint64_t body_limit(const struct cw_transfer *transfer)
{
    return transfer->request.body_limit > 0 ? transfer->request.body_limit : body_default;
}

static bool check_address(struct cw_transfer *transfer, const struct sockaddr *address)
{
    return cw_egress_check_address(transfer->egress, transfer->url.host, transfer->url.port, address,
                                   &transfer->err);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    if (!check_address(arg, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool check_numeric_address(struct cw_transfer *transfer, const char *ip, int port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
        return check_address(transfer, (const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1)
        return check_address(transfer, (const struct sockaddr *)&v6);
    return cw_fail(&transfer->err, CW_REFUSED, "connected to something that is no IP address");
}

/* Just before the request is written. A connection kept from another cart never came through open_socket
 * under this cart's rules. And when a kept connection turns out dead, libcurl sends anything once more,
 * writes too. */
static int before_sending(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)local_ip;
    (void)local_port;
    struct cw_transfer *transfer = arg;
    transfer->err.code = CW_OK; /* an address was refused, but another one was reached */
    if (!check_numeric_address(transfer, ip, port))
        return CURL_PREREQFUNC_ABORT;
    bool lost = transfer->sent > transfer->answered;
    if (lost && !is_safe(&transfer->request) && !transfer->request.repeatable) {
        cw_fail(
            &transfer->err, CW_IO,
            "the connection was closed before the answer; the request may have been carried out and was not "
            "sent again");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = transfer->answered + 1;
    return CURL_PREREQFUNC_OK;
}

/* Called once TCP is connected: libcurl's own times say so only after the handshake. */
static CURLcode before_tls(CURL *easy, void *context, void *arg)
{
    (void)easy;
    (void)context;
    ((struct cw_transfer *)arg)->in_tls = true;
    return CURLE_OK;
}

static void begin_answer(struct cw_transfer *transfer)
{
    transfer->answered++;
    transfer->has_all_headers = false;
    cw_buffer_clear(&transfer->headers);
    transfer->header_count = 0;
}

/* RFC 9112 allows a user agent to read a folded line as if it were one with a blank. */
static bool add_folded(struct cw_transfer *transfer, struct cw_slice line)
{
    if (transfer->header_count == 0)
        return true;
    transfer->headers.len--; /* the NUL of the value so far */
    return cw_buffer_add(&transfer->headers, " ", 1, &transfer->err) &&
           cw_buffer_add(&transfer->headers, line.data, line.len, &transfer->err) &&
           cw_buffer_add(&transfer->headers, "", 1, &transfer->err);
}

static bool add_header(struct cw_transfer *transfer, struct cw_slice line)
{
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL)
        return true; /* no field; libcurl ignores it too */
    struct cw_slice name = cw_slice_trim((struct cw_slice){ line.data, (size_t)(colon - line.data) });
    size_t used = (size_t)(colon + 1 - line.data);
    struct cw_slice value = cw_slice_trim((struct cw_slice){ colon + 1, line.len - used });
    if (++transfer->header_count > CW_HEADER_COUNT_MAX)
        return cw_fail(&transfer->err, CW_LIMIT, "the answer has more than %d headers", CW_HEADER_COUNT_MAX);
    return cw_buffer_add(&transfer->headers, name.data, name.len, &transfer->err) &&
           cw_buffer_add(&transfer->headers, "", 1, &transfer->err) &&
           cw_buffer_add(&transfer->headers, value.data, value.len, &transfer->err) &&
           cw_buffer_add(&transfer->headers, "", 1, &transfer->err);
}

static bool read_header_line(struct cw_transfer *transfer, struct cw_slice line)
{
    transfer->header_bytes += line.len;
    if (transfer->header_bytes > CW_HEADER_BYTES_MAX)
        return cw_fail(&transfer->err, CW_LIMIT, "the answer's headers are longer than %d KiB",
                       CW_HEADER_BYTES_MAX / 1024);
    if (memchr(line.data, '\0', line.len) != NULL)
        return cw_fail(&transfer->err, CW_INVALID, "the answer has a NUL byte in its headers");
    bool folded = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
    struct cw_slice text = cw_slice_trim(line);
    if (text.len >= 5 && memcmp(text.data, "HTTP/", 5) == 0 && !folded) {
        begin_answer(transfer);
        return true;
    }
    if (text.len == 0)
        transfer->has_all_headers = true;
    if (text.len == 0 || transfer->has_all_headers)
        return true;
    return folded ? add_folded(transfer, text) : add_header(transfer, text);
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    return read_header_line(arg, (struct cw_slice){ data, size * count }) ? size * count : 0;
}

/* At the first byte of the body; the headers are complete then. */
static bool begin_body(struct cw_transfer *transfer)
{
    const char *coding = "";
    const char *at = transfer->headers.data;
    for (size_t i = 0; i < transfer->header_count; i++) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, "Content-Encoding") == 0)
            coding = *coding == '\0' ? value : "several layers";
        at = value + strlen(value) + 1;
    }
    return cw_inflate_create(coding, transfer->body, &transfer->inflate, &transfer->err);
}

static bool read_body(struct cw_transfer *transfer, struct cw_slice piece)
{
    if (transfer->body_bytes == 0 && !begin_body(transfer))
        return false;
    transfer->body_bytes += piece.len;
    /* Compressed bytes that never become anything must end, too. */
    if (transfer->body_bytes > body_limit(transfer))
        return cw_fail(&transfer->err, CW_LIMIT, "the answer is larger than the limit of %" PRIu64 " bytes",
                       body_limit(transfer));
    if (transfer->inflate != NULL)
        return cw_inflate_write(transfer->inflate, piece, &transfer->err);
    return cw_body_write(transfer->body, piece, &transfer->err);
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    if (size * count == 0)
        return 0;
    return read_body(arg, (struct cw_slice){ data, size * count }) ? size * count : 0;
}

static bool add_line(struct cw_transfer *transfer, const char *name, const char *value)
{
    struct cw_buffer line = { 0 };
    /* libcurl drops a header that ends in a colon; a semicolon stands for an empty value. */
    bool ok = *value != '\0' ? cw_buffer_print(&line, &transfer->err, "%s: %s", name, value)
                             : cw_buffer_print(&line, &transfer->err, "%s;", name);
    struct curl_slist *longer = ok ? curl_slist_append(transfer->headers_out, line.data) : NULL;
    cw_buffer_fini(&line);
    if (longer != NULL)
        transfer->headers_out = longer;
    return longer != NULL;
}

static bool has_header(const struct cw_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* "Name:" takes a header away that libcurl would add: Expect delays writes by a second, and what a body is
 * only the caller knows. */
static bool set_headers(struct cw_transfer *transfer)
{
    const struct cw_http_request *request = &transfer->request;
    for (size_t i = 0; i < request->header_count; i++)
        if (!add_line(transfer, request->headers[i].name, request->headers[i].value))
            return false;
    if (!add_line(transfer, "Accept-Encoding", "gzip, deflate"))
        return false;
    struct curl_slist *end = curl_slist_append(transfer->headers_out, "Expect:");
    if (end != NULL && !has_header(request, "Content-Type"))
        end = curl_slist_append(transfer->headers_out, "Content-Type:");
    return end != NULL &&
           curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers_out) == CURLE_OK;
}

static bool set_method(struct cw_transfer *transfer)
{
    const struct cw_http_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    if (strcmp(request->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    bool has_body = request->body.len > 0 || strcmp(request->method, "POST") == 0 ||
                    strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;
    bool ok = true;
    if (has_body)
        ok = curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.data : "") ==
                 CURLE_OK;
    return ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

static bool set_credentials(struct cw_transfer *transfer)
{
    const struct cw_http_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    const char *secret = request->secret != NULL ? request->secret : "";
    const char *user = request->user != NULL ? request->user : "";
    switch (request->auth) {
    case CW_HTTP_BEARER:
        return curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, secret) == CURLE_OK;
    case CW_HTTP_BASIC:
    case CW_HTTP_DIGEST:
        return curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
                                request->auth == CW_HTTP_BASIC ? CURLAUTH_BASIC : CURLAUTH_DIGEST) ==
                   CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_USERNAME, user) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_PASSWORD, secret) == CURLE_OK;
    case CW_HTTP_NO_AUTH:
    case CW_HTTP_TOKEN: /* these are headers by now */
    case CW_HTTP_OAUTH1:
        break;
    }
    return true;
}

static long in_ms(cw_time wanted, cw_time otherwise)
{
    cw_time time = wanted > 0 ? wanted : otherwise;
    return (long)((time + CW_MILLISECOND - 1) / CW_MILLISECOND);
}

/* QUICK_EXIT: without it a cancelled request would wait, and the loop with it, until the resolver's thread
 * ends. */
static bool set_limits(struct cw_transfer *transfer)
{
    const struct cw_http_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    bool is_head = strcmp(request->method, "HEAD") == 0;
    return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                            in_ms(request->connect_timeout, connect_default)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, in_ms(request->total_timeout, total_default)) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                            is_head ? (curl_off_t)0 : (curl_off_t)body_limit(transfer)) == CURLE_OK;
}

static bool set_policy(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "Cartwright/" CW_VERSION) == CURLE_OK;
}

static bool set_callbacks(struct cw_transfer *transfer)
{
    CURL *easy = transfer->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, before_tls) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
}

static bool set_options(struct cw_transfer *transfer)
{
    return curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->request.url) == CURLE_OK &&
           set_policy(transfer->easy) && set_limits(transfer) && set_method(transfer) &&
           set_credentials(transfer) && set_headers(transfer) && set_callbacks(transfer);
}

struct cw_transfer *cw_transfer_create(const struct cw_http_request *request, const struct cw_egress *egress,
                                       struct cw_error *err)
{
    struct cw_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for a request");
        return NULL;
    }
    transfer->request = *request;
    transfer->egress = egress;
    if (!cw_url_parse(request->url, &transfer->url, err))
        goto fail;
    transfer->body = cw_body_create(body_limit(transfer), err);
    if (transfer->body == NULL)
        goto fail;
    transfer->easy = curl_easy_init();
    if (transfer->easy != NULL && set_options(transfer))
        return transfer;
    cw_fail(err, CW_NOMEM, "libcurl cannot prepare the request: out of memory");
fail:
    cw_transfer_free(transfer);
    return NULL;
}

void cw_transfer_free(struct cw_transfer *transfer)
{
    if (transfer == NULL)
        return;
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers_out);
    cw_inflate_free(transfer->inflate);
    cw_body_free(transfer->body);
    cw_buffer_fini(&transfer->headers);
    free(transfer);
}

bool cw_transfer_look(struct cw_transfer *transfer)
{
    curl_off_t uploaded = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    uint64_t moved = transfer->header_bytes + transfer->body_bytes + (uint64_t)uploaded;
    uint64_t oldest = transfer->moved[0];
    memmove(transfer->moved, transfer->moved + 1, sizeof transfer->moved - sizeof transfer->moved[0]);
    transfer->moved[CW_STALL_TICKS - 1] = moved;
    if (transfer->sent == 0) {
        transfer->looks = 0; /* connecting has its own limit */
        return false;
    }
    cw_time timeout = cw_transfer_stall_timeout(transfer);
    uint64_t least = (uint64_t)(timeout * CW_STALL_BYTES_PER_SECOND / CW_SECOND);
    if (++transfer->looks <= CW_STALL_TICKS || moved - oldest >= (least > 0 ? least : 1))
        return false;
    cw_fail(&transfer->err, CW_TIMEOUT, "the server stalled: fewer than %d bytes a second for %" PRId64 " ms",
            CW_STALL_BYTES_PER_SECOND, timeout / CW_MILLISECOND);
    return true;
}

static const char *phase(struct cw_transfer *transfer)
{
    if (transfer->answered > 0)
        return "while the answer came in";
    if (transfer->sent > 0)
        return "before any answer";
    curl_off_t looked_up = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
    if (looked_up == 0)
        return "while the name was looked up (DNS)";
    return transfer->in_tls ? "during the TLS handshake" : "while connecting (TCP)";
}

static bool is_certificate_fault(CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_ISSUER_ERROR ||
           result == CURLE_SSL_INVALIDCERTSTATUS || result == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

/* For libcurl an end inside the headers is the end of the answer. */
static bool check_headers(const struct cw_transfer *transfer, struct cw_error *err)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->has_all_headers && status >= 200)
        return true;
    return cw_fail(err, CW_IO, "the connection failed while the answer came in: it ended inside the headers");
}

/* libcurl's own message names hosts, ports and byte counts, never queries or headers. */
static bool explain(struct cw_transfer *transfer, CURLcode result, struct cw_error *err)
{
    const char *detail = transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(result);
    if (result == CURLE_OUT_OF_MEMORY && transfer->sent > 0 && !transfer->has_all_headers)
        return cw_fail(err, CW_LIMIT,
                       "a header of the answer is too long"); /* libcurl's word for that, too */
    if (result == CURLE_OUT_OF_MEMORY)
        return cw_fail(err, CW_NOMEM, "out of memory during a request");
    if (result == CURLE_COULDNT_RESOLVE_HOST)
        return cw_fail(err, CW_UNAVAILABLE, "the name %s cannot be resolved (DNS); check the address",
                       transfer->url.host);
    if (is_certificate_fault(result))
        return cw_fail(err, CW_AUTH, "the server's certificate is not accepted (TLS): %s", detail);
    if (result == CURLE_SSL_CACERT_BADFILE)
        return cw_fail(err, CW_AUTH, "no list of trusted certificates (TLS); install ca-certificates");
    if (result == CURLE_FILESIZE_EXCEEDED)
        return cw_fail(err, CW_LIMIT, "the answer announces more than the limit of %" PRIu64 " bytes",
                       body_limit(transfer));
    if (result == CURLE_OPERATION_TIMEDOUT)
        return cw_fail(err, transfer->sent > 0 ? CW_TIMEOUT : CW_UNAVAILABLE, "the time limit ended it %s",
                       phase(transfer));
    if (transfer->sent == 0)
        return cw_fail(err, CW_UNAVAILABLE, "no connection: failed %s: %s", phase(transfer), detail);
    return cw_fail(err, CW_IO, "the connection failed %s: %s", phase(transfer), detail);
}

static struct cw_http_response *make_response(struct cw_transfer *transfer, struct cw_error *err)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    struct cw_header *headers = calloc(transfer->header_count + 1, sizeof *headers);
    if (headers == NULL) {
        cw_fail(err, CW_NOMEM, "no memory for an answer");
        return NULL;
    }
    const char *at = transfer->headers.data;
    for (size_t i = 0; i < transfer->header_count; i++) {
        headers[i].name = at;
        headers[i].value = at + strlen(at) + 1;
        at = headers[i].value + strlen(headers[i].value) + 1;
    }
    struct cw_body *body = transfer->body;
    transfer->body = NULL;
    struct cw_http_response *response =
        cw_http_response_create((int)status, headers, transfer->header_count, body, err);
    free(headers);
    return response;
}

struct cw_http_response *cw_transfer_result(struct cw_transfer *transfer, CURLcode result,
                                            struct cw_error *err)
{
    struct cw_http_response *response = NULL;
    bool ok = true;
    if (transfer->err.code != CW_OK) {
        *err = transfer->err; /* a callback knew better than libcurl why it ended */
        ok = false;
    } else if (result != CURLE_OK) {
        ok = explain(transfer, result, err);
    } else {
        ok = check_headers(transfer, err) &&
             (transfer->inflate == NULL || cw_inflate_end(transfer->inflate, err));
    }
    if (ok)
        response = make_response(transfer, err);
    if (response == NULL)
        cw_fail_in(err, "%s %s", transfer->request.method, transfer->url.where);
    return response;
}
