/* lua_notice_test.c - carts that take notices: what is wrong with how they say so. What they then do with one
 * is tested on real sockets (engine/webhooks_test.c). */
#include "cart_bed.h"

#include <stdio.h>

static const char site[] = "return { carts = { shop = { type = 'test' } } }";

static void assert_cart(const char *lines, bool takes_notices, const char *fault)
{
    char script[2048];
    struct cart_bed bed = { .site = site, .cart = script };
    snprintf(script, sizeof script,
             "local cart = require 'cartwright.cart'\n"
             "local shop = cart.new { title = 't', settings = { webhook_secret = cart.secret {},\n"
             "  other = cart.secret {}, plain = cart.text { default = 'x' } } }\n"
             "%s\nreturn shop\n",
             lines);
    bool opened = cart_bed_open(&bed);
    if (opened != (fault == NULL) || (fault != NULL && strstr(bed.err.text, fault) == NULL))
        fail_msg("%s: %s", lines, opened ? "opened" : bed.err.text);
    if (opened)
        assert_int_equal(bed.shop->takes_notices, takes_notices);
    cart_bed_close(&bed);
}

static void a_cart_takes_notices_with_a_function_and_its_secret(void **state)
{
    (void)state;
    assert_cart("", false, NULL);
    assert_cart("function shop:webhook() end", false, NULL); /* the secret is declared, but not set */
    assert_cart("function shop:webhook() end\nshop.webhook_secret = 'other'", false, NULL);
}

static void what_is_wrong_with_it_is_told_when_the_cart_is_opened(void **state)
{
    (void)state;
    assert_cart(
        "shop.webhook = { secret = 'x' }", false,
        "carts/test.lua: webhook is a table; it is a function: function shop:webhook(notice) ... end");
    assert_cart("function shop:webhook() end\nshop.settings.webhook_secret = nil", false,
                "webhook needs the secret webhook_secret, which is not among the settings");
    assert_cart("function shop:webhook() end\nshop.webhook_secret = 'plain'", false,
                "webhook needs the secret plain");
    assert_cart("function shop:webhook() end\nshop.webhook_secret = 'nothing'", false,
                "webhook needs the secret nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cart_takes_notices_with_a_function_and_its_secret),
        cmocka_unit_test(what_is_wrong_with_it_is_told_when_the_cart_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
