/* cmd_new.c - `cartwright new DIR`: the folder of a site that a person can go on from. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/new_cart.h"

static const char site_text[] =
    "-- The site: which carts there are, and how they are set up. Secrets do not stand here; set them with\n"
    "--   cartwright secret CART SETTING\n"
    "return {\n"
    "  zone = \"%s\",        -- time zone of carts that do not name their own\n"
    "  store = \"store.db\", -- where everything is kept\n"
    "  allow = {},          -- further hosts that scripts may call, such as \"127.0.0.1:8080\"\n"
    "  carts = {\n"
    "%s"
    "  },\n"
    "}\n";

static const char ignore_text[] = "secrets\nsecrets.new\nstore.db*\n.store-id*\n";

struct options {
    char *cart, *type, *own, *url, *zone;
};

static bool write_file(const char *folder, const char *name, const char *text, struct cw_error *err)
{
    char *path = g_build_filename(folder, name, NULL);
    FILE *out = fopen(path, "wx");
    bool ok = out != NULL && fputs(text, out) >= 0;
    if (out != NULL)
        ok = fclose(out) == 0 && ok;
    if (!ok)
        cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
    g_free(path);
    return ok;
}

static bool make_folder(const char *folder, const char *name, struct cw_error *err)
{
    char *path = g_build_filename(folder, name, NULL);
    bool ok = g_mkdir_with_parents(path, 0755) == 0 || cw_fail(err, CW_IO, "%s: %s", path, strerror(errno));
    g_free(path);
    return ok;
}

/* --- a cart of one's own --- */

/* A file that is shipped: the fakes are below tests/ where nothing is installed. */
static char *read_shipped(const char *home, const char *path, struct cw_error *err)
{
    char *text = NULL, *at = g_build_filename(home, path, NULL),
         *in_sources = g_build_filename(home, "tests", path, NULL);
    if (!g_file_get_contents(at, &text, NULL, NULL) && !g_file_get_contents(in_sources, &text, NULL, NULL))
        cw_fail(err, CW_NOT_FOUND, "%s is not there; is the installation whole?", at);
    g_free(at);
    g_free(in_sources);
    return text;
}

/* The template into carts/NAME.lua of the site, or its fake into fakes/NAME.lua. */
static bool copy_template(const char *folder, const char *kind, const char *name, struct cw_error *err)
{
    char *home = cw_cli_home(), *from = g_build_filename(kind, "custom.lua", NULL);
    char *text = read_shipped(home, from, err), *to = g_strdup_printf("%s/%s.lua", kind, name);
    bool ok = text != NULL && make_folder(folder, kind, err) && write_file(folder, to, text, err);
    g_free(home);
    g_free(from);
    g_free(text);
    g_free(to);
    return ok;
}

static bool is_shipped(const char *type)
{
    char *home = cw_cli_home(), *file = g_strdup_printf("%s/carts/%s.lua", home, type);
    bool there = g_file_test(file, G_FILE_TEST_EXISTS);
    g_free(home);
    g_free(file);
    return there;
}

/* --- the site --- */

/* A name that site.lua can hold without quotes and brackets. */
static bool is_plain(const char *text, const char *allowed)
{
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static const char *or_else(const char *given, const char *fallback)
{
    return given != NULL ? given : fallback;
}

/* Status 2 of what cannot be meant, after saying so; else 0. */
static int check_use(const struct options *options)
{
    const char *wrong = NULL;
    if (!is_plain(or_else(options->cart, "shop"), "abcdefghijklmnopqrstuvwxyz0123456789_") ||
        !is_plain(or_else(options->type, "prestashop"), "abcdefghijklmnopqrstuvwxyz0123456789_-") ||
        !is_plain(or_else(options->own, "own"), "abcdefghijklmnopqrstuvwxyz0123456789_-") ||
        strpbrk(or_else(options->url, ""), "\"\\\n") != NULL ||
        strpbrk(or_else(options->zone, ""), "\"\\\n") != NULL)
        wrong =
            "names are made of a-z, 0-9 and _, those of types of - too; addresses and zones hold no quotes";
    else if (options->own != NULL && options->type != NULL)
        wrong = "--own names the type as well; leave out --type";
    else if (options->own != NULL && is_shipped(options->own))
        wrong =
            "that is the name of a shipped cart; give another one to --own, or override it: see README.md";
    if (wrong != NULL)
        fprintf(stderr, "cartwright new: %s\n", wrong);
    return wrong != NULL ? 2 : 0;
}

/* Nothing is made of a type that nobody has. */
static bool ask_type(struct cw_cli_new_cart *cart, const struct options *options, struct cw_error *err)
{
    const char *type = or_else(options->own, or_else(options->type, "prestashop"));
    if (options->own == NULL && !is_shipped(type))
        return cw_fail(
            err, CW_USAGE,
            "there is no shipped cart %s; one of your own begins with: cartwright new DIR --own %s", type,
            type);
    if (!cw_cli_new_cart(cart, options->own != NULL ? "custom" : type, type, or_else(options->cart, "shop"),
                         or_else(options->url, "https://shop.example.com"), err))
        return false;
    return !cart->has_no_url || options->url == NULL ||
           cw_fail(err, CW_USAGE, "a cart of type %s has no address; leave out --url", type);
}

static bool make_site(const char *folder, const struct options *options, const struct cw_cli_new_cart *cart,
                      struct cw_error *err)
{
    char *text = g_strdup_printf(site_text, or_else(options->zone, "UTC"), cart->lines->str);
    bool ok = make_folder(folder, "carts", err) && make_folder(folder, "lib", err) &&
              write_file(folder, "site.lua", text, err) &&
              write_file(folder, ".gitignore", ignore_text, err) &&
              (options->own == NULL || (copy_template(folder, "carts", options->own, err) &&
                                        copy_template(folder, "fakes", options->own, err)));
    g_free(text);
    return ok;
}

static void tell_next(const char *folder, const struct options *options, const struct cw_cli_new_cart *made)
{
    const char *cart = or_else(options->cart, "shop");
    printf("%s is a site now. Next:\n  cd %s\n", folder, folder);
    if (options->own != NULL)
        printf("  cartwright test %s            # the template stands all tests; change carts/%s.lua and\n"
               "                                  # fakes/%s.lua step by step into those of your shop\n",
               cart, options->own, options->own);
    if (strstr(made->lines->str, "-- ") != NULL)
        printf("  edit site.lua                  # set what stands there as a comment\n");
    for (guint i = 0; i < made->secrets->len; i++)
        printf("  cartwright secret %s %s\n", cart, (const char *)g_ptr_array_index(made->secrets, i));
    printf("  cartwright check\n"
           "  cartwright test-connection %s\n",
           cart);
    if (made->has_orders)
        printf("  cartwright sync %s orders\n", cart);
}

static void free_options(struct options *options)
{
    g_free(options->cart);
    g_free(options->type);
    g_free(options->own);
    g_free(options->url);
    g_free(options->zone);
}

int cw_cmd_new(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct cw_error err;
    struct options options = { 0 };
    struct cw_cli_new_cart cart = { 0 };
    const GOptionEntry entries[] = {
        { "cart", 0, 0, G_OPTION_ARG_STRING, &options.cart, "Name of the first cart (default: shop)",
          "NAME" },
        { "type", 0, 0, G_OPTION_ARG_STRING, &options.type, "Its type (default: prestashop)", "TYPE" },
        { "own", 0, 0, G_OPTION_ARG_STRING, &options.own,
          "A type of your own: the template, as carts/TYPE.lua and fakes/TYPE.lua", "TYPE" },
        { "url", 0, 0, G_OPTION_ARG_STRING, &options.url, "Its address", "URL" },
        { "zone", 0, 0, G_OPTION_ARG_STRING, &options.zone, "Time zone (default: UTC)", "ZONE" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "DIR", "Makes a folder with a site.lua to go on from.",
                            entries, 1, 1);
    if (code < 0 && (code = check_use(&options)) == 0) {
        bool ok = ask_type(&cart, &options, &err) && make_site(argv[1], &options, &cart, &err);
        code = ok ? 0 : cw_cli_fail(&cli, &err);
        if (ok)
            tell_next(argv[1], &options, &cart);
    }
    cw_cli_new_cart_fini(&cart);
    free_options(&options);
    return code;
}
