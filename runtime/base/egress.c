/* egress.c - see egress.h. Addresses are compared as 16 bytes, IPv4 as ::ffff:a.b.c.d. */
#include "base/egress.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HOST_MAX = 253, /* bytes, RFC 1035 without the final dot */
    LABEL_MAX = 63,
    PORT_ANY = -1,
    PORT_WEB = 0 /* 80 or 443 */
};

struct address {
    unsigned char bytes[16];
};

/* ---- addresses ---- */

static const unsigned char mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

static struct address address_v4(uint32_t ip)
{
    struct address out;
    memcpy(out.bytes, mapped_prefix, sizeof mapped_prefix);
    for (int i = 0; i < 4; i++)
        out.bytes[12 + i] = (unsigned char)(ip >> (24 - 8 * i));
    return out;
}

static bool address_of(const struct sockaddr *sa, struct address *out)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        *out = address_v4(ntohl(in.sin_addr.s_addr));
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        memcpy(out->bytes, &in6.sin6_addr, sizeof out->bytes);
        return true;
    }
    return false;
}

static bool has_prefix(const struct address *address, const unsigned char *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(address->bytes, prefix, whole) != 0)
        return false;
    return rest == 0 || ((address->bytes[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static uint32_t ip_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* IANA's registry of special addresses; everything not named is public. */
static enum cw_address_class classify_v4(uint32_t ip)
{
    static const struct {
        uint32_t network;
        unsigned bits;
        enum cw_address_class class;
    } known[] = {
        { 0x00000000, 8, CW_ADDRESS_SPECIAL },     /* 0.0.0.0 is this machine to a Linux kernel */
        { 0x0A000000, 8, CW_ADDRESS_PRIVATE },     /* 10/8 */
        { 0x64400000, 10, CW_ADDRESS_PRIVATE },    /* 100.64/10, carriers */
        { 0x7F000000, 8, CW_ADDRESS_LOOPBACK },    /* 127/8 */
        { 0xA9FE0000, 16, CW_ADDRESS_LINK_LOCAL }, /* 169.254/16 */
        { 0xAC100000, 12, CW_ADDRESS_PRIVATE },    /* 172.16/12 */
        { 0xC0000000, 24, CW_ADDRESS_SPECIAL },    /* 192.0.0/24, protocol assignments */
        { 0xC0000200, 24, CW_ADDRESS_SPECIAL },    /* 192.0.2/24, documentation */
        { 0xC0586300, 24, CW_ADDRESS_SPECIAL },    /* 192.88.99/24, 6to4 relays */
        { 0xC0A80000, 16, CW_ADDRESS_PRIVATE },    /* 192.168/16 */
        { 0xC6120000, 15, CW_ADDRESS_SPECIAL },    /* 198.18/15, benchmarks */
        { 0xC6336400, 24, CW_ADDRESS_SPECIAL },    /* 198.51.100/24, documentation */
        { 0xCB007100, 24, CW_ADDRESS_SPECIAL },    /* 203.0.113/24, documentation */
        { 0xE0000000, 3, CW_ADDRESS_SPECIAL },     /* 224/4 multicast, 240/4 reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((ip ^ known[i].network) >> (32 - known[i].bits) == 0)
            return known[i].class;
    return CW_ADDRESS_PUBLIC;
}

/* Networks whose addresses hold an IPv4 address that a gateway or the kernel would connect to. */
static bool embedded_v4(const struct address *address, uint32_t *ip)
{
    static const struct {
        unsigned char prefix[12];
        unsigned bits, at; /* where the four bytes stand */
    } forms[] = {
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF }, 96, 12 },    /* mapped */
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0 }, 96, 12 },    /* translated, RFC 2765 */
        { { 0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0 }, 96, 12 }, /* NAT64 */
        { { 0x20, 0x02 }, 16, 2 },                                   /* 6to4 */
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (has_prefix(address, forms[i].prefix, forms[i].bits)) {
            *ip = ip_at(address->bytes + forms[i].at);
            return true;
        }
    }
    return false;
}

/* An interface identifier of ISATAP: any network, then 0:5efe or 200:5efe and an IPv4 address. */
static bool is_isatap(const struct address *address)
{
    return (address->bytes[8] & 0xFD) == 0 && address->bytes[9] == 0 && address->bytes[10] == 0x5E &&
           address->bytes[11] == 0xFE;
}

static enum cw_address_class classify_v6(const struct address *address)
{
    static const struct {
        unsigned char prefix[16];
        unsigned bits;
        enum cw_address_class class;
    } known[] = {
        { { [15] = 1 }, 128, CW_ADDRESS_LOOPBACK },
        { { 0xFC }, 7, CW_ADDRESS_PRIVATE },
        { { 0xFE, 0x80 }, 10, CW_ADDRESS_LINK_LOCAL },
        { { 0xFE, 0xC0 }, 10, CW_ADDRESS_PRIVATE },                /* site-local, of old */
        { { 0, 0x64, 0xFF, 0x9B, 0, 1 }, 48, CW_ADDRESS_PRIVATE }, /* NAT64 of one's own */
        { { 0x20, 0x01, 0x00 }, 23, CW_ADDRESS_SPECIAL },          /* protocols; Teredo */
        { { 0x20, 0x01, 0x0D, 0xB8 }, 32, CW_ADDRESS_SPECIAL },    /* documentation */
        { { 0x3F, 0xFF, 0x00 }, 20, CW_ADDRESS_SPECIAL },          /* documentation */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_prefix(address, known[i].prefix, known[i].bits))
            return known[i].class;
    uint32_t inner = ip_at(address->bytes + 12);
    if (is_isatap(address) && classify_v4(inner) != CW_ADDRESS_PUBLIC)
        return classify_v4(inner);
    bool global = (address->bytes[0] & 0xE0) == 0x20; /* 2000::/3 is all that was ever given out */
    return global ? CW_ADDRESS_PUBLIC : CW_ADDRESS_SPECIAL;
}

static enum cw_address_class classify(const struct address *address)
{
    static const unsigned char zero[12] = { 0 };
    uint32_t ip;
    if (embedded_v4(address, &ip))
        return classify_v4(ip);
    ip = ip_at(address->bytes + 12);
    if (has_prefix(address, zero, 96) && ip > 1 && classify_v4(ip) != CW_ADDRESS_PUBLIC)
        return classify_v4(ip); /* ::a.b.c.d, of old */
    return classify_v6(address);
}

enum cw_address_class cw_address_classify(const struct sockaddr *sa)
{
    struct address address;
    return address_of(sa, &address) ? classify(&address) : CW_ADDRESS_SPECIAL;
}

/* ---- hosts ---- */

/* One part of a numeric host: decimal, 0octal or 0xhex. */
static bool numeric_part(const char **at, uint64_t *out)
{
    if (!isdigit((unsigned char)**at))
        return false;
    unsigned base = 10;
    if (**at == '0') {
        base = 8;
        if (((*at)[1] | 0x20) == 'x') {
            base = 16;
            *at += 2; /* "0x" alone counts as 0, as it does to some resolvers */
        }
    }
    for (*out = 0; isxdigit((unsigned char)**at); ++*at) {
        unsigned digit =
            isdigit((unsigned char)**at) ? (unsigned)(**at - '0') : ((unsigned)**at | 0x20) - 'a' + 10;
        if (digit >= base)
            return false;
        *out = *out * base + digit;
        if (*out > UINT32_MAX)
            return false;
    }
    return true;
}

/* "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1": the last part fills what the others leave. */
static bool numeric_v4(const char *host, uint32_t *out)
{
    uint64_t part, ip = 0;
    for (int parts = 1; parts <= 4; parts++) {
        if (!numeric_part(&host, &part))
            return false;
        if (*host == '\0') {
            unsigned left = (unsigned)(5 - parts) * 8;
            *out = (uint32_t)(ip << left | part);
            return part < (uint64_t)1 << left;
        }
        if (*host++ != '.' || part > 255)
            return false;
        ip = ip << 8 | part;
    }
    return false;
}

/* Lower case, without brackets and without one final dot; false when it cannot be a host. */
static bool normalise(struct cw_slice host, char out[HOST_MAX + 1])
{
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']' &&
        memchr(host.data, ':', host.len) != NULL)
        host = (struct cw_slice){ host.data + 1, host.len - 2 };
    else if (host.len > 1 && host.data[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > HOST_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.data[i];
        if (!(c < 0x80 && isalnum(c)) && (c == '\0' || strchr("-_.:", c) == NULL))
            return false; /* also %41, zones of IPv6, and letters that fold to digits */
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[host.len] = '\0';
    return true;
}

enum host_kind { HOST_NONE, HOST_NAME, HOST_ADDRESS };

static bool is_number(const char *label)
{
    size_t digits = strspn(label, "0123456789");
    return label[digits] == '\0' || (label[0] == '0' && label[1] == 'x');
}

/* A host name as DNS knows it; one that ends in a number could only be an address that somebody disguised. */
static bool is_name(const char *host)
{
    const char *label = host;
    for (const char *at = host;; at++) {
        if (*at == ':')
            return false;
        if (*at != '.' && *at != '\0')
            continue;
        if (at == label || at - label > LABEL_MAX)
            return false;
        if (*at == '\0')
            return !is_number(label);
        label = at + 1;
    }
}

static enum host_kind host_kind(const char *host, struct address *address)
{
    uint32_t ip;
    if (inet_pton(AF_INET6, host, address->bytes) == 1)
        return HOST_ADDRESS;
    if (numeric_v4(host, &ip)) {
        *address = address_v4(ip);
        return HOST_ADDRESS;
    }
    return is_name(host) ? HOST_NAME : HOST_NONE;
}

/* ---- rules ---- */

struct rule {
    struct rule *next;
    char host[HOST_MAX + 1]; /* "" for addresses */
    bool below;              /* "*.host" */
    bool opens;              /* may lead to addresses that are not public */
    struct address network;
    unsigned bits; /* of 128 */
    int port;
};

struct cw_egress {
    struct rule *first;
};

struct cw_egress *cw_egress_create(void)
{
    return calloc(1, sizeof(struct cw_egress));
}

void cw_egress_free(struct cw_egress *egress)
{
    if (egress == NULL)
        return;
    for (struct rule *rule = egress->first, *next; rule != NULL; rule = next) {
        next = rule->next;
        free(rule);
    }
    free(egress);
}

static bool keep(struct cw_egress *egress, const struct rule *rule, struct cw_error *err)
{
    struct rule *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a rule on addresses");
    *copy = *rule;
    copy->next = egress->first;
    egress->first = copy;
    return true;
}

static bool parse_number(struct cw_slice text, unsigned most, unsigned *out)
{
    *out = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i]))
            return false;
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return *out <= most;
}

/* "", ":8080" or ":*". */
static bool parse_port(struct cw_slice text, int unnamed, int *out)
{
    unsigned port;
    *out = unnamed;
    if (text.len == 0)
        return true;
    if (text.data[0] != ':')
        return false;
    text = (struct cw_slice){ text.data + 1, text.len - 1 };
    if (cw_slice_is(text, "*")) {
        *out = PORT_ANY;
        return true;
    }
    if (!parse_number(text, 65535, &port) || port == 0)
        return false;
    *out = (int)port;
    return true;
}

/* "host", "[v6]", "v4" up to the port or the length of a network's prefix; the rest goes to *rest. */
static struct cw_slice split_host(struct cw_slice text, struct cw_slice *rest)
{
    size_t len = 0;
    if (text.len > 0 && text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.len);
        len = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
    } else {
        while (len < text.len && text.data[len] != ':' && text.data[len] != '/')
            len++;
    }
    *rest = (struct cw_slice){ text.data + len, text.len - len };
    return (struct cw_slice){ text.data, len };
}

static bool is_below(const char *host, const char *parent)
{
    size_t len = strlen(host), parent_len = strlen(parent);
    return len > parent_len + 1 && host[len - parent_len - 1] == '.' &&
           strcmp(host + len - parent_len, parent) == 0;
}

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || is_below(host, "localhost");
}

/* "/8" before the port; false when the prefix leaves bits of the address over, which hints at a mistake. */
static bool parse_prefix(struct cw_slice *rest, bool is_v4, struct rule *rule)
{
    unsigned bits;
    size_t len = 1;
    if (rest->len == 0 || rest->data[0] != '/')
        return true;
    while (len < rest->len && rest->data[len] != ':')
        len++;
    if (!parse_number((struct cw_slice){ rest->data + 1, len - 1 }, is_v4 ? 32 : 128, &bits))
        return false;
    rule->bits = is_v4 ? bits + 96 : bits;
    *rest = (struct cw_slice){ rest->data + len, rest->len - len };
    for (unsigned bit = rule->bits; bit < 128; bit++)
        if (rule->network.bytes[bit / 8] & (0x80u >> bit % 8))
            return false;
    return true;
}

static bool parse_address_rule(struct cw_slice host, struct cw_slice rest, struct rule *rule)
{
    char dotted[INET_ADDRSTRLEN];
    bool is_v4 = memcmp(rule->network.bytes, mapped_prefix, sizeof mapped_prefix) == 0;
    /* A rule is to be read by people: 127.0.0.1, not 127.1 or 0177.0.0.1. */
    if (host.data[0] != '[' && (inet_ntop(AF_INET, rule->network.bytes + 12, dotted, sizeof dotted) == NULL ||
                                !cw_slice_is(host, dotted)))
        return false;
    bool is_network = rest.len > 0 && rest.data[0] == '/';
    rule->host[0] = '\0';
    rule->opens = true;
    rule->bits = 128;
    return parse_prefix(&rest, is_v4, rule) &&
           parse_port(rest, is_network ? PORT_ANY : PORT_WEB, &rule->port);
}

static bool parse_rule(struct cw_slice text, struct rule *rule)
{
    struct cw_slice rest;
    if (text.len > 2 && memcmp(text.data, "*.", 2) == 0) {
        rule->below = true;
        text = (struct cw_slice){ text.data + 2, text.len - 2 };
    }
    struct cw_slice host = split_host(text, &rest);
    if (!normalise(host, rule->host))
        return false;
    switch (host_kind(rule->host, &rule->network)) {
    case HOST_ADDRESS:
        return !rule->below && parse_address_rule(host, rest, rule);
    case HOST_NAME:
        rule->opens = is_this_machine(rule->host);
        return parse_port(rest, PORT_WEB, &rule->port);
    case HOST_NONE:
        break;
    }
    return false;
}

bool cw_egress_allow(struct cw_egress *egress, const char *text, struct cw_error *err)
{
    struct rule rule = { 0 };
    if (!parse_rule(cw_slice(text), &rule))
        return cw_fail(err, CW_USAGE,
                       "\"%.100s\" is no rule for addresses; write \"host\", \"host:port\", \"*.domain\", "
                       "\"address:port\" or \"network/bits\"",
                       text);
    return keep(egress, &rule, err);
}

/* ---- the cart's own address ---- */

/* What stands between "//" and the path, without user and password. */
static struct cw_slice authority(const char *after_scheme)
{
    struct cw_slice all = { after_scheme, strcspn(after_scheme, "/?#\\") };
    const char *at = memrchr(all.data, '@', all.len);
    if (at != NULL)
        all = (struct cw_slice){ at + 1, (size_t)(all.data + all.len - at - 1) };
    return all;
}

struct scheme {
    const char *name;
    int port; /* when none is named */
};

static const struct scheme of_shops[] = { { "https://", 443 }, { "http://", PORT_WEB }, { NULL, 0 } };
static const struct scheme of_files[] = {
    { "ftp://", 21 }, { "ftpes://", 21 }, { "ftps://", 990 }, { "sftp://", 22 }, { NULL, 0 }
};
static const struct scheme of_mailboxes[] = {
    { "imap://", 143 }, { "imaps://", 993 }, { "pop3://", 110 }, { "pop3s://", 995 }, { NULL, 0 }
};

static bool parse_url(const char *url, const struct scheme *scheme, struct rule *rule)
{
    struct cw_slice rest;
    while (scheme->name != NULL && strncasecmp(url, scheme->name, strlen(scheme->name)) != 0)
        scheme++;
    if (scheme->name == NULL)
        return false;
    struct cw_slice host = split_host(authority(url + strlen(scheme->name)), &rest);
    if (!normalise(host, rule->host) || host_kind(rule->host, &rule->network) == HOST_NONE)
        return false;
    return !cw_slice_is(rest, ":*") && parse_port(rest, scheme->port, &rule->port);
}

bool cw_egress_allow_url(struct cw_egress *egress, const char *url, struct cw_error *err)
{
    struct rule rule = { 0 };
    if (!parse_url(url, of_shops, &rule))
        return cw_fail(err, CW_USAGE,
                       "the address of the shop must be http:// or https:// and a host, such as "
                       "https://shop.example.com/");
    return keep(egress, &rule, err);
}

bool cw_egress_allow_folder(struct cw_egress *egress, const char *url, struct cw_error *err)
{
    struct rule rule = { 0 };
    if (!parse_url(url, of_files, &rule))
        return cw_fail(err, CW_USAGE,
                       "the address of the folder must be ftp://, ftpes://, ftps:// or sftp:// and a host, "
                       "such as sftp://files.example.com/in/");
    return keep(egress, &rule, err);
}

bool cw_egress_allow_mailbox(struct cw_egress *egress, const char *url, struct cw_error *err)
{
    struct rule rule = { 0 };
    if (!parse_url(url, of_mailboxes, &rule))
        return cw_fail(
            err, CW_USAGE,
            "the address of the mailbox must be imaps://, imap://, pop3s:// or pop3:// and a host, "
            "such as imaps://mail.example.com/INBOX");
    return keep(egress, &rule, err);
}

/* ---- checks ---- */

static bool port_matches(const struct rule *rule, unsigned port)
{
    if (rule->port == PORT_WEB)
        return port == 80 || port == 443;
    return rule->port == PORT_ANY || (unsigned)rule->port == port;
}

static bool address_matches(const struct rule *rule, const struct address *address)
{
    return rule->host[0] == '\0' && has_prefix(address, rule->network.bytes, rule->bits);
}

static bool name_matches(const struct rule *rule, const char *host)
{
    if (rule->host[0] == '\0')
        return false;
    return rule->below ? is_below(host, rule->host) : strcmp(rule->host, host) == 0;
}

static bool host_is_allowed(const struct cw_egress *egress, const char *host, unsigned port,
                            const struct address *address)
{
    for (const struct rule *rule = egress->first; rule != NULL; rule = rule->next)
        if (port_matches(rule, port) &&
            (name_matches(rule, host) || (address != NULL && address_matches(rule, address))))
            return true;
    return false;
}

/* What the class of an address asks for: nothing, or a rule that opens it. `host` is normalised. */
static bool address_is_open(const struct cw_egress *egress, const char *host, unsigned port,
                            const struct address *address)
{
    enum cw_address_class class = classify(address);
    if (class == CW_ADDRESS_PUBLIC)
        return true;
    for (const struct rule *rule = egress->first; rule != NULL; rule = rule->next) {
        if (!port_matches(rule, port) || !rule->opens)
            continue;
        if (address_matches(rule, address) || (class == CW_ADDRESS_LOOPBACK && name_matches(rule, host)))
            return true;
    }
    return false;
}

static const char *class_name(enum cw_address_class class)
{
    static const char *const names[] = { "public", "on this machine", "private", "link-local", "reserved" };
    return names[class];
}

static bool refuse_address(const char *host, unsigned port, const struct address *address,
                           struct cw_error *err)
{
    char shown[INET6_ADDRSTRLEN + 2], plain[INET6_ADDRSTRLEN];
    if (memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        inet_ntop(AF_INET, address->bytes + 12, shown, sizeof shown);
    } else {
        inet_ntop(AF_INET6, address->bytes, plain, sizeof plain);
        snprintf(shown, sizeof shown, "[%s]", plain);
    }
    return cw_fail(
        err, CW_REFUSED,
        "%s:%u leads to %s, which is %s, and such addresses are closed; if that is the shop, open it "
        "in site.lua: allow = { \"%s:%u\" }",
        host, port, shown, class_name(classify(address)), shown, port);
}

bool cw_egress_check_host(const struct cw_egress *egress, const char *text, unsigned port,
                          struct cw_error *err)
{
    char host[HOST_MAX + 1];
    struct address address;
    enum host_kind kind = normalise(cw_slice(text), host) ? host_kind(host, &address) : HOST_NONE;
    if (kind == HOST_NONE)
        return cw_fail(err, CW_REFUSED, "\"%.100s\" is no host name; write international names as xn--",
                       text);
    bool is_address = kind == HOST_ADDRESS;
    if (is_address && !address_is_open(egress, host, port, &address))
        return refuse_address(host, port, &address, err);
    if (host_is_allowed(egress, host, port, is_address ? &address : NULL))
        return true;
    bool bracket = strchr(host, ':') != NULL;
    return cw_fail(
        err, CW_REFUSED,
        "%s%s%s:%u is not among the hosts this cart may reach; if it should, allow \"%s%s%s:%u\" in the http "
        "settings of site.lua",
        bracket ? "[" : "", host, bracket ? "]" : "", port, bracket ? "[" : "", host, bracket ? "]" : "",
        port);
}

bool cw_egress_check_address(const struct cw_egress *egress, const char *text, unsigned port,
                             const struct sockaddr *sa, struct cw_error *err)
{
    char host[HOST_MAX + 1];
    struct address address;
    if (!normalise(cw_slice(text), host) || !address_of(sa, &address))
        return cw_fail(err, CW_REFUSED, "\"%.100s\" did not lead to an internet address", text);
    return address_is_open(egress, host, port, &address) || refuse_address(host, port, &address, err);
}
