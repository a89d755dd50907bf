/* transport_client.h - what the tests of the libcurl transport share: one loop, one transport, one hostile
 * server. */
#ifndef CW_TESTS_TRANSPORT_CLIENT_H
#define CW_TESTS_TRANSPORT_CLIENT_H

#include "testing.h"

#include "adapters/http.h"
#include "hostile_server.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Shop: a\r\n\r\nhello"

struct client {
    struct cw_loop *loop;
    struct cw_egress *open;   /* loopback allowed */
    struct cw_egress *closed; /* nothing that is closed by default */
    struct cw_transport *transport;
    struct hostile *server;
};

struct result {
    struct client *client;
    int calls;
    int status;
    struct cw_http_response *response;
    struct cw_error err;
};

/* `connections` as in cw_curl_create; the test sets client->server, which closing stops. */
void client_open(struct client *client, unsigned connections);
void client_close(struct client *client);

/* A request to the server; limits small enough that no test waits long. The address is valid until the next
 * call. */
struct cw_http_request client_request(const struct client *client, const char *method);

/* A callback that stores into a struct result; the response is the test's to free. */
void client_on_done(void *arg, struct cw_http_response *response, const struct cw_error *err);

/* Sends and runs the loop until the answer is there. Checks that no error text holds the query. */
struct result client_ask(struct client *client, struct cw_http_request request);

/* One GET against one behaviour. */
struct result client_get(struct hostile_step step);
void client_expect_error(struct hostile_step step, enum cw_code code);
void client_expect_body(struct hostile_step step, const char *text);

/* Runs the loop for a while. */
void client_run_for(struct client *client, cw_time time);

#endif
