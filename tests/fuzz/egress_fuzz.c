/* egress_fuzz.c - no host and no rule made of any bytes lets a request reach this machine by accident.
 *
 * The oracle is inet_aton and inet_pton of the C library: what they take for a closed address must be
 * refused.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>

#include "base/egress.h"

/* Whether the C library takes the host for an address that is not public. */
static bool libc_says_closed(const char *host)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_aton(host, &in.sin_addr))
        return cw_address_classify((struct sockaddr *)&in) != CW_ADDRESS_PUBLIC;
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
        return cw_address_classify((struct sockaddr *)&in6) != CW_ADDRESS_PUBLIC;
    return false;
}

static void check_loopback(const struct cw_egress *egress, const char *host)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    MUST(!cw_egress_check_address(egress, host, 80, (struct sockaddr *)&in, NULL));
    MUST(!cw_egress_check_address(egress, host, 80, (struct sockaddr *)&in6, NULL));
}

/* A cart that claims the host as its own: it may be public, but never this machine. */
static void check_host(const char *host)
{
    char url[600];
    struct cw_error err = { 0 };
    struct cw_egress *egress = cw_egress_create();
    MUST(egress != NULL);
    snprintf(url, sizeof url, "http://%s/", host);
    cw_egress_allow_url(egress, url, NULL);
    snprintf(url, sizeof url, "http://[%s]/", host);
    cw_egress_allow_url(egress, url, NULL);
    if (cw_egress_check_host(egress, host, 80, &err))
        MUST(!libc_says_closed(host));
    else
        MUST(err.code == CW_REFUSED && err.text[0] != '\0');
    check_loopback(egress, host);
    cw_egress_free(egress);
}

/* A rule opens this machine only when it visibly names it. */
static void check_rule(const char *text)
{
    struct cw_egress *egress = cw_egress_create();
    MUST(egress != NULL);
    struct cw_error err = { 0 };
    bool names_it = strcasestr(text, "localhost") != NULL || strstr(text, "127.") != NULL || text[0] == '[' ||
                    strchr(text, '/') != NULL;
    if (!cw_egress_allow(egress, text, &err))
        MUST(err.code == CW_USAGE);
    if (!names_it)
        check_loopback(egress, "localhost");
    cw_egress_free(egress);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[300];
    if (size >= sizeof text || memchr(data, '\0', size) != NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_host(text);
    check_rule(text);
    return 0;
}
