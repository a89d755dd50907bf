/* http_exchange.c - one request, from its headers until it is answered. */
#include <stdlib.h>
#include <strings.h>

#include "adapters/http_server_private.h"

void cw_exchange_part(struct cw_exchange *exchange)
{
    if (exchange->connection == NULL)
        return;
    exchange->connection->server->held -= exchange->counted;
    exchange->connection->exchange = NULL;
    exchange->connection = NULL;
    exchange->counted = 0;
    exchange->request.peer = "";
}

bool cw_exchange_count(struct cw_exchange *exchange)
{
    struct cw_http_server *server = exchange->connection->server;
    server->held += exchange->body.cap - exchange->counted;
    exchange->counted = exchange->body.cap;
    return server->held <= server->config.memory_limit;
}

void cw_exchange_free(struct cw_exchange *exchange)
{
    if (exchange == NULL)
        return;
    cw_exchange_part(exchange);
    free(exchange->headers);
    free(exchange->head);
    cw_buffer_fini(&exchange->body);
    free(exchange);
}

/* With a copy of the head, so that nothing in it moves while the body comes in. */
struct cw_exchange *cw_exchange_create(struct cw_connection *connection)
{
    const struct cw_head_info *head = &connection->head;
    struct cw_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->head = malloc(head->len);
    exchange->headers = calloc(head->fields + 1, sizeof *exchange->headers);
    if (exchange->head == NULL || exchange->headers == NULL) {
        cw_exchange_free(exchange);
        return NULL;
    }
    struct cw_served_request *request = &exchange->request;
    memcpy(exchange->head, connection->in.data, head->len);
    cw_http_head_split(exchange->head, head, &request->method, &request->target, exchange->headers);
    request->headers = exchange->headers;
    request->header_count = head->fields;
    request->peer = connection->peer;
    request->body = cw_slice("");
    exchange->body.limit = connection->server->config.body_limit;
    exchange->connection = connection;
    return exchange;
}

void cw_exchange_leave(struct cw_connection *connection)
{
    struct cw_exchange *exchange = connection->exchange;
    if (exchange == NULL)
        return;
    cw_exchange_part(exchange);
    if (connection->state != CW_WAITING)
        cw_exchange_free(exchange);
}

const char *cw_served_header(const struct cw_served_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}
