/* egress.h - where HTTP may go: the cart's own hosts and those the site allows; never this machine or its
 * neighbours unless the site says so.
 *
 * Two checks, both needed: the host by name before resolving, and every address after resolving, so that a
 * name that changes its address between two look-ups (rebinding) cannot pass.
 */
#ifndef CW_BASE_EGRESS_H
#define CW_BASE_EGRESS_H

#include <sys/socket.h>

#include "base/error.h"

enum cw_address_class {
    CW_ADDRESS_PUBLIC,
    CW_ADDRESS_LOOPBACK,   /* 127/8, ::1, and IPv4 forms inside IPv6 of it */
    CW_ADDRESS_PRIVATE,    /* 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7 */
    CW_ADDRESS_LINK_LOCAL, /* 169.254/16 (cloud metadata), fe80::/10 */
    CW_ADDRESS_SPECIAL     /* unspecified, multicast, broadcast, documentation, reserved */
};

enum cw_address_class cw_address_classify(const struct sockaddr *address);

struct cw_egress; /* a set of rules; owned by the site */

struct cw_egress *cw_egress_create(void);
void cw_egress_free(struct cw_egress *egress);

/* One rule of the site or the cart:
 *   "shop.example.com"        that host, port 80 or 443
 *   "shop.example.com:8443"   that host and port; "shop.example.com:*" any port
 *   "*.example.com"           any host below, not example.com itself
 *   "localhost:8080", "127.0.0.1:*", "[::1]:8080"   opens what is closed by default, and only that
 *   "10.0.0.0/8"              every address of a network, any port unless one is named ("10.0.0.0/8:8069")
 * A host name never opens a private address by itself: that takes a rule with the address or its network.
 * Only "localhost" and names below it open this machine. CW_USAGE, quoting the rule, when it is none of
 * these. Host names compare without case and without a final dot. */
bool cw_egress_allow(struct cw_egress *egress, const char *rule, struct cw_error *err);

/* The cart's own address: its host and port, whatever the port; http:// without a port also allows 443, where
 * such shops redirect to. Does not open loopback or private addresses. CW_USAGE for anything but http and
 * https. */
bool cw_egress_allow_url(struct cw_egress *egress, const char *url, struct cw_error *err);
/* The same for a server of files: ftp and ftpes (port 21), ftps (990), sftp (22), or the port that it names.
 */
bool cw_egress_allow_folder(struct cw_egress *egress, const char *url, struct cw_error *err);

/* And for a mailbox: imap (port 143), imaps (993), pop3 (110), pop3s (995), or the port that it names. */
bool cw_egress_allow_mailbox(struct cw_egress *egress, const char *url, struct cw_error *err);

/* Before resolving. CW_REFUSED names host and port and the setting that would allow it. A host that is an IP
 * address in any spelling that a resolver might accept (decimal, octal, hex, short forms) is classified too.
 */
bool cw_egress_check_host(const struct cw_egress *egress, const char *host, unsigned port,
                          struct cw_error *err);

/* After resolving, for each address that would be connected to. */
bool cw_egress_check_address(const struct cw_egress *egress, const char *host, unsigned port,
                             const struct sockaddr *address, struct cw_error *err);

#endif
