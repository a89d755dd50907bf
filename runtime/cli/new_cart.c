/* new_cart.c - see new_cart.h. scripts/cartwright/new_site.lua reads the script; texts that come here were
 * checked: no quotes, backslashes and line breaks. */
#include "cli/new_cart.h"

#include <string.h>

struct asking {
    struct cw_loop *loop;
    struct cw_cli_new_cart *out;
    bool ended, failed;
    struct cw_error err;
};

static void take_line(struct asking *asking, const char *line, size_t len)
{
    struct cw_cli_new_cart *out = asking->out;
    if (len > 5 && strncmp(line, "site ", 5) == 0)
        g_string_append_printf(out->lines, "%.*s\n", (int)len - 5, line + 5);
    else if (len > 7 && strncmp(line, "secret ", 7) == 0)
        g_ptr_array_add(out->secrets, g_strndup(line + 7, len - 7));
    else if (len == 6 && strncmp(line, "no-url", len) == 0)
        out->has_no_url = true;
    else
        out->has_orders = true;
}

/* What is printed at once may have several lines. */
static void printed(void *arg, struct cw_slice text)
{
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.data) - at : text.len - at;
        take_line(arg, text.data + at, len);
        at += len + 1;
    }
}

static void ended(void *arg, struct cw_slice text, const struct cw_error *err)
{
    struct asking *asking = arg;
    (void)text;
    asking->ended = true;
    asking->failed = err != NULL;
    if (err != NULL)
        asking->err = *err;
    cw_loop_stop(asking->loop);
}

static bool run(struct cw_session *session, const char *source, struct asking *asking, struct cw_error *err)
{
    if (cw_lua_start_script(cw_session_carts(session), cw_slice(source), "cartwright new", ended, asking,
                            err) == NULL)
        return false;
    while (!asking->ended)
        cw_loop_run(asking->loop);
    if (asking->failed)
        *err = asking->err;
    return !asking->failed;
}

static bool ask(struct asking *asking, const char *source, struct cw_error *err)
{
    static char *no_arguments[] = { NULL };
    char *home = cw_cli_home();
    struct cw_site *site = cw_site_bare(NULL, home, NULL, cw_loop_clock(asking->loop), err);
    struct cw_session_config config = {
        .site = site, .loop = asking->loop, .argv = no_arguments, .print = printed, .arg = asking
    };
    struct cw_session *session = site != NULL ? cw_session_open(&config, err) : NULL;
    bool ok = session != NULL && run(session, source, asking, err);
    cw_session_close(session);
    cw_site_free(site);
    g_free(home);
    return ok;
}

bool cw_cli_new_cart(struct cw_cli_new_cart *out, const char *from, const char *type, const char *cart,
                     const char *url, struct cw_error *err)
{
    *out =
        (struct cw_cli_new_cart){ g_string_new(NULL), g_ptr_array_new_with_free_func(g_free), false, false };
    struct asking asking = { .loop = cw_loop_create(err), .out = out };
    char *source = g_strdup_printf("require(\"cartwright.new_site\").tell(\"%s\", \"%s\", \"%s\", \"%s\")",
                                   from, cart, type, url);
    bool ok = asking.loop != NULL && ask(&asking, source, err);
    cw_loop_free(asking.loop);
    g_free(source);
    return ok;
}

void cw_cli_new_cart_fini(struct cw_cli_new_cart *cart)
{
    if (cart->lines != NULL)
        g_string_free(cart->lines, TRUE);
    if (cart->secrets != NULL)
        g_ptr_array_unref(cart->secrets);
}
