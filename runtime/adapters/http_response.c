/* http_response.c - answers: one allocation for status, headers and their texts, and the body. */
#include "adapters/http.h"

#include <stdlib.h>
#include <strings.h>

static char *append(char *to, const char *text)
{
    size_t size = strlen(text) + 1;
    memcpy(to, text, size);
    return to + size;
}

static size_t size_for(const struct cw_header *headers, size_t count)
{
    size_t size = sizeof(struct cw_http_response) + count * sizeof *headers;
    for (size_t i = 0; i < count; i++)
        size += strlen(headers[i].name) + strlen(headers[i].value) + 2;
    return size;
}

struct cw_http_response *cw_http_response_create(int status, const struct cw_header *headers,
                                                 size_t header_count, struct cw_body *body,
                                                 struct cw_error *err)
{
    struct cw_http_response *response = malloc(size_for(headers, header_count));
    if (response == NULL) {
        cw_body_free(body);
        cw_fail(err, CW_NOMEM, "no memory for an answer");
        return NULL;
    }
    struct cw_header *copies = (struct cw_header *)(response + 1);
    char *text = (char *)(copies + header_count);
    for (size_t i = 0; i < header_count; i++) {
        copies[i].name = text;
        text = append(text, headers[i].name);
        copies[i].value = text;
        text = append(text, headers[i].value);
    }
    *response = (struct cw_http_response){
        .status = status, .headers = copies, .header_count = header_count, .body = body, .attempts = 1
    };
    return response;
}

const char *cw_http_header(const struct cw_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

void cw_http_response_free(struct cw_http_response *response)
{
    if (response == NULL)
        return;
    cw_body_free(response->body);
    free(response);
}
