/* cmd_new.c - `cartwright new DIR`: the folder of a site that a person can go on from. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"

static const char site_text[] =
    "-- The site: which carts there are, and how they are set up. Secrets do not stand here; set them with\n"
    "--   cartwright secret CART SETTING\n"
    "return {\n"
    "  zone = \"%s\",        -- time zone of carts that do not name their own\n"
    "  store = \"store.db\", -- where everything is kept\n"
    "  allow = {},          -- further hosts that scripts may call, such as \"127.0.0.1:8080\"\n"
    "  carts = {\n"
    "    %s = { type = \"%s\", url = \"%s\" },\n"
    "  },\n"
    "}\n";

static const char ignore_text[] = "secrets\nsecrets.new\nstore.db*\n.store-id*\n";

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

/* A name that site.lua can hold without quotes and brackets. */
static bool is_plain(const char *text, const char *allowed)
{
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

int cw_cmd_new(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct cw_error err;
    char *cart = NULL, *type = NULL, *url = NULL, *zone = NULL, *text = NULL;
    const GOptionEntry entries[] = {
        { "cart", 0, 0, G_OPTION_ARG_STRING, &cart, "Name of the first cart (default: shop)", "NAME" },
        { "type", 0, 0, G_OPTION_ARG_STRING, &type, "Its type (default: prestashop)", "TYPE" },
        { "url", 0, 0, G_OPTION_ARG_STRING, &url, "Its address", "URL" },
        { "zone", 0, 0, G_OPTION_ARG_STRING, &zone, "Time zone (default: UTC)", "ZONE" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(&cli, &argc, &argv, "DIR", "Makes a folder with a site.lua to go on from.",
                            entries, 1, 1);
    if (code >= 0)
        return code;
    const char *name = cart != NULL ? cart : "shop", *kind = type != NULL ? type : "prestashop";
    const char *address = url != NULL ? url : "https://shop.example.com",
               *place = zone != NULL ? zone : "UTC";
    if (!is_plain(name, "abcdefghijklmnopqrstuvwxyz0123456789_") ||
        !is_plain(kind, "abcdefghijklmnopqrstuvwxyz0123456789_-") || strpbrk(address, "\"\\\n") != NULL ||
        strpbrk(place, "\"\\\n") != NULL) {
        fprintf(stderr,
                "cartwright new: names are made of a-z, 0-9 and _; addresses and zones hold no quotes\n");
        code = 2;
        goto out;
    }
    text = g_strdup_printf(site_text, place, name, kind, address);
    bool ok = make_folder(argv[1], "carts", &err) && make_folder(argv[1], "lib", &err) &&
              write_file(argv[1], "site.lua", text, &err) &&
              write_file(argv[1], ".gitignore", ignore_text, &err);
    code = ok ? 0 : cw_cli_fail(&cli, &err);
    if (ok)
        printf("%s is a site now. Next:\n"
               "  cd %s\n"
               "  cartwright secret %s key        # if its type has a secret; `cartwright check` says so\n"
               "  cartwright check\n"
               "  cartwright test-connection %s\n"
               "  cartwright sync %s orders\n",
               argv[1], argv[1], name, name, name);
out:
    g_free(text);
    g_free(cart);
    g_free(type);
    g_free(url);
    g_free(zone);
    return code;
}
