/* egress_test.c - where requests may go: every spelling of this machine, every class of address, every rule.
 */
#include "testing.h"

#include <stdio.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/egress.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage out = { 0 };
    struct sockaddr_in *in = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        out.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        out.ss_family = AF_INET6;
    else
        fail_msg("%s is no address", text);
    return out;
}

static void each_address_has_its_class(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cw_address_class class;
    } cases[] = {
        { "8.8.8.8", CW_ADDRESS_PUBLIC },
        { "1.1.1.1", CW_ADDRESS_PUBLIC },
        { "9.255.255.255", CW_ADDRESS_PUBLIC },
        { "11.0.0.0", CW_ADDRESS_PUBLIC },
        { "172.15.255.255", CW_ADDRESS_PUBLIC },
        { "172.32.0.0", CW_ADDRESS_PUBLIC },
        { "192.167.255.255", CW_ADDRESS_PUBLIC },
        { "223.255.255.255", CW_ADDRESS_PUBLIC },
        { "100.63.255.255", CW_ADDRESS_PUBLIC },
        { "100.128.0.0", CW_ADDRESS_PUBLIC },
        { "127.0.0.1", CW_ADDRESS_LOOPBACK },
        { "127.255.255.255", CW_ADDRESS_LOOPBACK },
        { "10.0.0.0", CW_ADDRESS_PRIVATE },
        { "10.255.255.255", CW_ADDRESS_PRIVATE },
        { "172.16.0.0", CW_ADDRESS_PRIVATE },
        { "172.31.255.255", CW_ADDRESS_PRIVATE },
        { "192.168.255.255", CW_ADDRESS_PRIVATE },
        { "100.64.0.0", CW_ADDRESS_PRIVATE },
        { "100.127.255.255", CW_ADDRESS_PRIVATE },
        { "169.254.169.254", CW_ADDRESS_LINK_LOCAL },
        { "0.0.0.0", CW_ADDRESS_SPECIAL },
        { "0.1.2.3", CW_ADDRESS_SPECIAL },
        { "192.0.0.170", CW_ADDRESS_SPECIAL },
        { "192.0.2.1", CW_ADDRESS_SPECIAL },
        { "192.88.99.1", CW_ADDRESS_SPECIAL },
        { "198.18.0.1", CW_ADDRESS_SPECIAL },
        { "198.19.255.255", CW_ADDRESS_SPECIAL },
        { "198.51.100.1", CW_ADDRESS_SPECIAL },
        { "203.0.113.1", CW_ADDRESS_SPECIAL },
        { "224.0.0.1", CW_ADDRESS_SPECIAL },
        { "240.0.0.1", CW_ADDRESS_SPECIAL },
        { "255.255.255.255", CW_ADDRESS_SPECIAL },
        { "2606:4700:4700::1111", CW_ADDRESS_PUBLIC },
        { "2a00:1450::1", CW_ADDRESS_PUBLIC },
        { "::1", CW_ADDRESS_LOOPBACK },
        { "::", CW_ADDRESS_SPECIAL },
        { "fc00::1", CW_ADDRESS_PRIVATE },
        { "fdff::1", CW_ADDRESS_PRIVATE },
        { "fe80::1", CW_ADDRESS_LINK_LOCAL },
        { "febf::1", CW_ADDRESS_LINK_LOCAL },
        { "fec0::1", CW_ADDRESS_PRIVATE },
        { "ff02::1", CW_ADDRESS_SPECIAL },
        { "2001:db8::1", CW_ADDRESS_SPECIAL },
        { "3fff:fff::1", CW_ADDRESS_SPECIAL },
        { "2001:0:4136:e378:8000:63bf:80ff:fffe", CW_ADDRESS_SPECIAL }, /* Teredo of 127.0.0.1 */
        { "100::1", CW_ADDRESS_SPECIAL },
        { "4000::1", CW_ADDRESS_SPECIAL },
        { "::ffff:8.8.8.8", CW_ADDRESS_PUBLIC },
        { "::ffff:127.0.0.1", CW_ADDRESS_LOOPBACK },
        { "::ffff:0.0.0.0", CW_ADDRESS_SPECIAL },
        { "::ffff:169.254.169.254", CW_ADDRESS_LINK_LOCAL },
        { "::ffff:0:10.0.0.1", CW_ADDRESS_PRIVATE },
        { "::127.0.0.1", CW_ADDRESS_LOOPBACK },
        { "::10.1.2.3", CW_ADDRESS_PRIVATE },
        { "::8.8.8.8", CW_ADDRESS_SPECIAL },
        { "64:ff9b::8.8.8.8", CW_ADDRESS_PUBLIC },
        { "64:ff9b::127.0.0.1", CW_ADDRESS_LOOPBACK },
        { "64:ff9b::192.168.0.1", CW_ADDRESS_PRIVATE },
        { "64:ff9b:1::8.8.8.8", CW_ADDRESS_PRIVATE },
        { "2002:7f00:1::", CW_ADDRESS_LOOPBACK },
        { "2002:a00:1::1", CW_ADDRESS_PRIVATE },
        { "2002:a9fe:a9fe::", CW_ADDRESS_LINK_LOCAL },
        { "2002:808:808::1", CW_ADDRESS_PUBLIC },
        { "2606:4700::5efe:10.0.0.1", CW_ADDRESS_PRIVATE }, /* ISATAP */
        { "2606:4700::200:5efe:127.0.0.1", CW_ADDRESS_LOOPBACK },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage sa = address(cases[i].text);
        enum cw_address_class class = cw_address_classify((struct sockaddr *)&sa);
        if (class != cases[i].class)
            fail_msg("%s: class %d, not %d", cases[i].text, class, cases[i].class);
    }
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    assert_int_equal(cw_address_classify((struct sockaddr *)&local), CW_ADDRESS_SPECIAL);
}

static struct cw_egress *rules(const char *const *texts)
{
    struct cw_egress *egress = cw_egress_create();
    struct cw_error err;
    assert_non_null(egress);
    for (; *texts != NULL; texts++)
        assert_ok(strstr(*texts, "://") ? cw_egress_allow_url(egress, *texts, &err)
                                        : cw_egress_allow(egress, *texts, &err),
                  err);
    return egress;
}
#define RULES(...) rules((const char *const[]){ __VA_ARGS__, NULL })

static void assert_host(const struct cw_egress *egress, const char *host, unsigned port, bool expected)
{
    struct cw_error err = { 0 };
    bool allowed = cw_egress_check_host(egress, host, port, &err);
    if (allowed != expected)
        fail_msg("%s:%u was %s", host, port, allowed ? "allowed" : "refused");
    if (!allowed)
        assert_int_equal(err.code, CW_REFUSED);
}

static void assert_address(const struct cw_egress *egress, const char *host, unsigned port, const char *at,
                           bool expected)
{
    struct cw_error err = { 0 };
    struct sockaddr_storage sa = address(at);
    bool allowed = cw_egress_check_address(egress, host, port, (struct sockaddr *)&sa, &err);
    if (allowed != expected)
        fail_msg("%s:%u at %s was %s", host, port, at, allowed ? "allowed" : "refused");
    if (!allowed)
        assert_int_equal(err.code, CW_REFUSED);
}

static void a_host_rule_allows_its_host_on_its_ports(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("Shop.Example.com", "api.example.com:8443", "any.example.com.:*");
    assert_host(egress, "shop.example.com", 443, true);
    assert_host(egress, "SHOP.EXAMPLE.COM.", 80, true);
    assert_host(egress, "shop.example.com", 8080, false);
    assert_host(egress, "shop.example.com..", 443, false);
    assert_host(egress, "api.example.com", 8443, true);
    assert_host(egress, "api.example.com", 443, false);
    assert_host(egress, "any.example.com", 25, true);
    assert_host(egress, "example.com", 443, false);
    assert_host(egress, "evil.shop.example.com", 443, false);
    assert_host(egress, "shop.example.com.evil.org", 443, false);
    assert_host(egress, "evilshop.example.com", 443, false);
    assert_host(egress, "", 443, false);
    cw_egress_free(egress);
}

static void a_wildcard_allows_what_is_below_and_not_the_domain_itself(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("*.Example.com", "*.example.org:81");
    assert_host(egress, "a.example.com", 443, true);
    assert_host(egress, "a.b.example.com.", 443, true);
    assert_host(egress, "example.com", 443, false);
    assert_host(egress, ".example.com", 443, false);
    assert_host(egress, "badexample.com", 443, false);
    assert_host(egress, "a.example.com", 81, false);
    assert_host(egress, "a.example.org", 81, true);
    cw_egress_free(egress);
}

static void nothing_is_allowed_without_a_rule(void **state)
{
    (void)state;
    struct cw_egress *egress = cw_egress_create();
    assert_host(egress, "example.com", 443, false);
    assert_host(egress, "8.8.8.8", 443, false);
    assert_host(egress, "localhost", 80, false);
    cw_egress_free(egress);
    cw_egress_free(NULL);
}

/* The rules allow these hosts by name, as a script that builds its own address would have it. */
static void no_spelling_of_a_closed_address_passes(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0X7F000001",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f.1",
        "0177.1",
        "127.0.0x0.1",
        "127.000.000.001",
        "0",
        "0.0.0.0",
        "0x0",
        "0x",
        "00000000",
        "10.0.0.1",
        "012.0.0.1",
        "0xa.1",
        "167772161",
        "192.168.1",
        "3232235777",
        "169.254.169.254",
        "0xA9FEA9FE",
        "2852039166",
        "0251.0376.0251.0376",
        "100.64.0.1",
        "[::1]",
        "::1",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[2002:7f00:1::]",
        "[2002:c0a8:101::1]",
        "[fe80::1]",
        "[fc00::1]",
        "[FD00::1]",
        "255.255.255.255",
        "224.0.0.1",
        "[::ffff:169.254.169.254]",
        "[2001:0:0:0:0:0:80ff:fffe]",
    };
    struct cw_egress *egress = cw_egress_create();
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char url[128];
        snprintf(url, sizeof url, strchr(hosts[i], ':') && hosts[i][0] != '[' ? "http://[%s]/" : "http://%s/",
                 hosts[i]);
        cw_egress_allow_url(egress, url, NULL);
        assert_host(egress, hosts[i], 80, false);
    }
    cw_egress_free(egress);
}

static void hosts_that_only_look_like_names_are_refused(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("shop.example.com:*", "0.0.0.0/0", "[::]/0");
    static const char *const hosts[] = {
        "4294967297",
        "127.0.0.256",
        "1.2.3.4.5",
        "127.0.0.1.5",
        "shop.example.com.1",
        "127.0.0.0x1g",
        "[127.0.0.1]",
        "08.8.8.8",
        "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1",
        "127\xE3\x80\x82x.0.1",
        "%31%32%37.0.0.1",
        "127.0.0.1%00",
        "shop.example.com%2f",
        "shop.example.com/",
        "shop.example.com@x",
        "user@shop.example.com",
        "shop.example.com:80",
        "shop .example.com",
        "shop.example.com\n",
        " shop.example.com",
        "shop..example.com",
        ".",
        "..",
        "[shop.example.com]",
        "[127.0.0.1",
        "[]",
        "[::1",
        "::1]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "1:2:3",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_host(egress, hosts[i], 80, false);
    char label[80], host[300];
    memset(label, 'a', sizeof label);
    memcpy(label + 64, ".com", 5);
    assert_host(egress, label, 80, false);
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_host(egress, host, 80, false);
    cw_egress_free(egress);
}

static void rules_with_addresses_open_exactly_them(void **state)
{
    (void)state;
    struct cw_egress *egress =
        RULES("127.0.0.1:*", "[::1]:8080", "10.0.0.0/8", "192.168.7.0/24:8069", "8.8.8.8");
    assert_host(egress, "127.0.0.1", 1234, true);
    assert_host(egress, "2130706433", 1234, true); /* the same address, however it is written */
    assert_host(egress, "[::ffff:127.0.0.1]", 1234, true);
    assert_host(egress, "127.0.0.2", 1234, false);
    assert_host(egress, "[64:ff9b::127.0.0.1]", 1234, false);
    assert_host(egress, "localhost", 1234, false); /* a name is allowed by its name */
    assert_host(egress, "[::1]", 8080, true);
    assert_host(egress, "[::1]", 80, false);
    assert_host(egress, "10.255.1.2", 5000, true);
    assert_host(egress, "11.0.0.1", 80, false);
    assert_host(egress, "192.168.7.255", 8069, true);
    assert_host(egress, "192.168.7.255", 80, false);
    assert_host(egress, "192.168.8.1", 8069, false);
    assert_host(egress, "8.8.8.8", 443, true);
    assert_host(egress, "8.8.8.8", 53, false);
    assert_host(egress, "8.8.4.4", 443, false);
    cw_egress_free(egress);
}

static void an_allowed_name_never_leads_to_a_closed_address(void **state)
{
    (void)state;
    static const char *const closed[] = { "127.0.0.1", "::1",          "10.0.0.1",         "169.254.169.254",
                                          "fe80::1",   "0.0.0.0",      "::ffff:127.0.0.1", "64:ff9b::7f00:1",
                                          "fc00::1",   "2002:a00:1::", "224.0.0.1" };
    struct cw_egress *egress =
        RULES("shop.example.com:*", "*.example.org:*", "https://cart.example.net/", "8.8.8.8:*");
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        assert_address(egress, "shop.example.com", 443, closed[i], false);
        assert_address(egress, "a.example.org", 443, closed[i], false);
        assert_address(egress, "cart.example.net", 443, closed[i], false);
    }
    assert_address(egress, "shop.example.com", 443, "93.184.216.34", true);
    assert_address(egress, "a.example.org", 443, "2606:4700::1", true);
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    assert_false(cw_egress_check_address(egress, "shop.example.com", 443, (struct sockaddr *)&local, NULL));
    cw_egress_free(egress);
}

static void a_network_rule_lets_names_resolve_into_it(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("http://erp.lan:8069/", "10.0.0.0/8", "[fd00::]/8:443");
    assert_host(egress, "erp.lan", 8069, true);
    assert_address(egress, "erp.lan", 8069, "10.9.8.7", true);
    assert_address(egress, "erp.lan", 8069, "192.168.0.1", false);
    assert_address(egress, "erp.lan", 8069, "127.0.0.1", false);
    assert_address(egress, "erp.lan", 8069, "fd00::5", false);
    assert_address(egress, "erp.lan", 443, "fd12::5", true);
    cw_egress_free(egress);
}

static void localhost_opens_this_machine_for_that_name_and_port_alone(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("localhost:8080", "shop.localhost:9090", "shop.example.com:8080");
    assert_host(egress, "LOCALHOST.", 8080, true);
    assert_host(egress, "localhost", 80, false);
    assert_host(egress, "127.0.0.1", 8080, false);
    assert_address(egress, "localhost", 8080, "127.0.0.1", true);
    assert_address(egress, "localhost", 8080, "::1", true);
    assert_address(egress, "localhost", 8081, "127.0.0.1", false);
    assert_address(egress, "localhost", 8080, "10.0.0.1", false);
    assert_address(egress, "localhost", 8080, "169.254.169.254", false);
    assert_address(egress, "shop.localhost", 9090, "127.0.0.1", true);
    assert_address(egress, "shop.example.com", 8080, "127.0.0.1", false);
    cw_egress_free(egress);
}

static void a_carts_own_address_is_its_host_and_port(void **state)
{
    (void)state;
    struct cw_egress *egress =
        RULES("https://Shop.example.com/api?x=http://evil.org/", "http://plain.example.com",
              "https://user:p%40ss@odd.example.com:8443/x", "HTTP://bare.example.com:81?q",
              "https://8.8.4.4/", "https://[2606:4700::1]:444/");
    assert_host(egress, "shop.example.com", 443, true);
    assert_host(egress, "shop.example.com", 80, false); /* no way down to a line anybody can read */
    assert_host(egress, "evil.org", 80, false);
    assert_host(egress, "plain.example.com", 80, true);
    assert_host(egress, "plain.example.com", 443, true);
    assert_host(egress, "odd.example.com", 8443, true);
    assert_host(egress, "odd.example.com", 443, false);
    assert_host(egress, "bare.example.com", 81, true);
    assert_host(egress, "8.8.4.4", 443, true);
    assert_host(egress, "2606:4700::1", 444, true);
    cw_egress_free(egress);
}

static void a_folder_allows_the_port_of_its_scheme_and_no_other(void **state)
{
    (void)state;
    struct cw_egress *egress = cw_egress_create();
    assert_true(cw_egress_allow_folder(egress, "ftp://plain.example.com/in", NULL));
    assert_true(cw_egress_allow_folder(egress, "FTPES://asked.example.com", NULL));
    assert_true(cw_egress_allow_folder(egress, "ftps://tls.example.com/", NULL));
    assert_true(cw_egress_allow_folder(egress, "sftp://ssh.example.com/~/in", NULL));
    assert_true(cw_egress_allow_folder(egress, "sftp://odd.example.com:2222/", NULL));
    assert_true(cw_egress_allow_folder(egress, "ftp://127.0.0.1/", NULL)); /* opens nothing that is closed */
    assert_host(egress, "plain.example.com", 21, true);
    assert_host(egress, "plain.example.com", 80, false);
    assert_host(egress, "asked.example.com", 21, true);
    assert_host(egress, "tls.example.com", 990, true);
    assert_host(egress, "tls.example.com", 21, false);
    assert_host(egress, "ssh.example.com", 22, true);
    assert_host(egress, "odd.example.com", 2222, true);
    assert_host(egress, "odd.example.com", 22, false);
    assert_host(egress, "127.0.0.1", 21, false);
    assert_false(cw_egress_allow_folder(egress, "https://shop.example.com/", NULL));
    assert_false(cw_egress_allow_folder(egress, "shop.example.com", NULL));
    cw_egress_free(egress);
}

static void a_mailbox_allows_the_port_of_its_scheme_and_no_other(void **state)
{
    (void)state;
    struct cw_egress *egress = cw_egress_create();
    assert_true(cw_egress_allow_mailbox(egress, "imaps://tls.example.com/INBOX", NULL));
    assert_true(cw_egress_allow_mailbox(egress, "imap://plain.example.com", NULL));
    assert_true(cw_egress_allow_mailbox(egress, "pop3s://post.example.com", NULL));
    assert_true(cw_egress_allow_mailbox(egress, "pop3://odd.example.com:1110", NULL));
    assert_host(egress, "tls.example.com", 993, true);
    assert_host(egress, "tls.example.com", 143, false);
    assert_host(egress, "plain.example.com", 143, true);
    assert_host(egress, "post.example.com", 995, true);
    assert_host(egress, "odd.example.com", 1110, true);
    assert_host(egress, "odd.example.com", 110, false);
    assert_false(cw_egress_allow_mailbox(egress, "https://mail.example.com/", NULL));
    cw_egress_free(egress);
}

static void what_is_no_address_of_a_shop_is_refused_without_its_password(void **state)
{
    (void)state;
    static const char *const urls[] = { "",
                                        "shop.example.com",
                                        "ftp://shop.example.com/",
                                        "file:///etc/passwd",
                                        "http://",
                                        "http:///path",
                                        "http://user:canary@/",
                                        "http://user:canary@shop.example.com:99999/",
                                        "http://shop.example.com:0/",
                                        "http://shop.example.com:*/",
                                        "http://shop.example.com:80x/",
                                        "http://shop.example.com /",
                                        "http://sh\xC3\xB6p.example.com/",
                                        "http://[::1/",
                                        "http://1.2.3.4.5/" };
    struct cw_egress *egress = cw_egress_create();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct cw_error err = { 0 };
        if (cw_egress_allow_url(egress, urls[i], &err))
            fail_msg("%s was taken", urls[i]);
        assert_int_equal(err.code, CW_USAGE);
        assert_null(strstr(err.text, "canary"));
    }
    /* What one parser takes for the user another takes for the host: only what stands after the last @
     * counts. */
    assert_true(cw_egress_allow_url(egress, "http://a.example.com@b.example.com/", NULL));
    assert_host(egress, "a.example.com", 80, false);
    assert_host(egress, "b.example.com", 80, true);
    assert_true(cw_egress_allow_url(egress, "http://c.example.com\\@d.example.com/", NULL));
    assert_host(egress, "d.example.com", 80, false);
    cw_egress_free(egress);
}

static void what_is_no_rule_is_refused_and_quoted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "*",
        "*.",
        "*:80",
        "*.*.example.com",
        "a.*.example.com",
        "shop example.com",
        "http://x/",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "host:80:81",
        "host:080000",
        "host/24",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/8x",
        "10.0.0.1/8",
        "10.0.0.0/-1",
        "10.0.0.0/8:",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.01",
        "::1",
        "[::1",
        "[::1]x",
        "[::1]/129",
        "[::1]/64",
        "*.127.0.0.1",
        "*.0.0.1",
        "shop.example.com/path",
        "user@host",
        "10.0.0.256",
    };
    struct cw_egress *egress = cw_egress_create();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cw_error err = { 0 };
        if (cw_egress_allow(egress, texts[i], &err))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(err.code, CW_USAGE);
        assert_non_null(strstr(err.text, texts[i]));
    }
    cw_egress_free(egress);
}

static void a_refusal_says_what_to_allow(void **state)
{
    (void)state;
    struct cw_egress *egress = RULES("shop.example.com");
    struct cw_error err;
    struct sockaddr_storage private_address = address("10.0.0.7"), loopback = address("::1");
    assert_false(cw_egress_check_host(egress, "other.example.com", 8443, &err));
    assert_non_null(strstr(err.text, "\"other.example.com:8443\""));
    assert_false(cw_egress_check_host(egress, "[2606:4700::1]", 443, &err));
    assert_non_null(strstr(err.text, "\"[2606:4700::1]:443\""));
    assert_false(
        cw_egress_check_address(egress, "shop.example.com", 443, (struct sockaddr *)&private_address, &err));
    assert_non_null(strstr(err.text, "\"10.0.0.7:443\""));
    assert_non_null(strstr(err.text, "private"));
    assert_false(
        cw_egress_check_address(egress, "shop.example.com", 443, (struct sockaddr *)&loopback, &err));
    assert_non_null(strstr(err.text, "\"[::1]:443\""));
    /* And what it says works. */
    assert_true(cw_egress_allow(egress, "other.example.com:8443", NULL));
    assert_host(egress, "other.example.com", 8443, true);
    assert_true(cw_egress_allow(egress, "[::1]:443", NULL));
    assert_address(egress, "shop.example.com", 443, "::1", true);
    cw_egress_free(egress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_class),
        cmocka_unit_test(a_host_rule_allows_its_host_on_its_ports),
        cmocka_unit_test(a_wildcard_allows_what_is_below_and_not_the_domain_itself),
        cmocka_unit_test(nothing_is_allowed_without_a_rule),
        cmocka_unit_test(no_spelling_of_a_closed_address_passes),
        cmocka_unit_test(hosts_that_only_look_like_names_are_refused),
        cmocka_unit_test(rules_with_addresses_open_exactly_them),
        cmocka_unit_test(an_allowed_name_never_leads_to_a_closed_address),
        cmocka_unit_test(a_network_rule_lets_names_resolve_into_it),
        cmocka_unit_test(localhost_opens_this_machine_for_that_name_and_port_alone),
        cmocka_unit_test(a_carts_own_address_is_its_host_and_port),
        cmocka_unit_test(a_folder_allows_the_port_of_its_scheme_and_no_other),
        cmocka_unit_test(a_mailbox_allows_the_port_of_its_scheme_and_no_other),
        cmocka_unit_test(what_is_no_address_of_a_shop_is_refused_without_its_password),
        cmocka_unit_test(what_is_no_rule_is_refused_and_quoted),
        cmocka_unit_test(a_refusal_says_what_to_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
