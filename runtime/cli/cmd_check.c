/* cmd_check.c - `cartwright check [CART...]`: loads every cart as a run would, without calling anybody. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/plan_jobs.h"

/* --- what a cart changed of the one that it extends --- */

enum { NAME_WIDTH_MAX = 48, TEXT_WIDTH_MAX = 60 }; /* letters; longer ones move what follows */

struct line {
    char *name, *text, *where;
};

static char *shown(struct cw_slice text)
{
    return cw_cli_harmless(text.data != NULL ? text : cw_slice(""), "");
}

static char *text_of(const struct cw_lua_change *change)
{
    char *value = shown(change->value), *was = shown(change->was), *note = shown(change->note), *text = NULL;
    if (cw_slice_is(change->change, "removed"))
        text = g_strdup_printf("removed (was %s)", was);
    else if (cw_slice_is(change->change, "wrapped"))
        text = g_strdup_printf("wrapped (%s)", value);
    else if (cw_slice_is(change->change, "added"))
        text = g_strdup_printf("added: %s", value);
    else
        text = g_strdup_printf("changed: %s (was %s)", value, was);
    char *noted = note[0] != '\0' ? g_strdup_printf("%s; %s", text, note) : g_strdup(text);
    g_free(text);
    g_free(value);
    g_free(was);
    g_free(note);
    return noted;
}

static void free_line(void *data)
{
    struct line *line = data;
    g_free(line->name);
    g_free(line->text);
    g_free(line->where);
    g_free(line);
}

static void gather_line(void *arg, const struct cw_lua_change *change)
{
    struct line *line = g_new0(struct line, 1);
    line->name = shown(change->name);
    line->text = text_of(change);
    line->where = shown(change->where);
    g_ptr_array_add(arg, line);
}

static int wider(int width, const char *text, int most)
{
    int letters = (int)g_utf8_strlen(text, -1);
    return letters > width && letters <= most ? letters : width;
}

static void print_padded(const char *text, int width)
{
    int missing = width - (int)g_utf8_strlen(text, -1);
    printf("%s%*s  ", text, missing > 0 ? missing : 0, "");
}

static bool print_changes(const struct cw_lua_cart *cart, struct cw_error *err)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(free_line);
    bool ok = cw_lua_cart_changes(cart, gather_line, lines, err);
    int names = 0, texts = 0;
    for (guint i = 0; i < lines->len; i++) {
        const struct line *line = lines->pdata[i];
        names = wider(names, line->name, NAME_WIDTH_MAX);
        texts = wider(texts, line->text, TEXT_WIDTH_MAX);
    }
    for (guint i = 0; ok && i < lines->len; i++) {
        const struct line *line = lines->pdata[i];
        fputs("  ", stdout);
        print_padded(line->name, names);
        print_padded(line->text, texts);
        puts(line->where);
    }
    g_ptr_array_unref(lines);
    return ok;
}

static void print_json_field(const char *name, struct cw_slice text, const char *before)
{
    if (text.data == NULL)
        return;
    printf("%s\"%s\":", before, name);
    cw_cli_json_text(text);
}

static void print_json_change(void *arg, const struct cw_lua_change *change)
{
    const char **separator = arg;
    printf("%s{", *separator);
    print_json_field("name", change->name, "");
    print_json_field("change", change->change, ",");
    print_json_field("value", change->value, ",");
    print_json_field("was", change->was, ",");
    print_json_field("note", change->note, ",");
    print_json_field("where", change->where, ",");
    putchar('}');
    *separator = ",";
}

/* --- a cart --- */

static bool print_json(const struct cw_lua_cart *cart, const char *version, struct cw_error *err)
{
    const char *separator = "";
    printf("{\"cart\":\"%s\",\"type\":\"%s\",\"ok\":true,\"script_version\":\"%s\",\"streams\":[", cart->name,
           cart->type, version);
    for (size_t i = 0; i < cart->stream_count; i++)
        printf("%s\"%s\"", i > 0 ? "," : "", cart->streams[i].name);
    printf("],\"changes\":[");
    bool ok = cw_lua_cart_changes(cart, print_json_change, &separator, err);
    printf("]}\n");
    return ok;
}

static bool print_cart(const struct cw_cli *cli, const struct cw_lua_cart *cart, const char *version,
                       struct cw_error *err)
{
    if (cli->json)
        return print_json(cart, version, err);
    printf("%s%s%s is fine: type %s, streams", cw_cli_bold(), cart->name, cw_cli_plain(), cart->type);
    for (size_t i = 0; i < cart->stream_count; i++)
        printf("%s %s", i > 0 ? "," : "", cart->streams[i].name);
    printf(", script version %.12s\n", version);
    return print_changes(cart, err);
}

/* Only now is it known which streams the jobs in site.lua may name. */
static bool check_jobs(const struct cw_cli *cli, const struct cw_lua_cart *cart, struct cw_error *err)
{
    struct cw_arena arena;
    struct cw_cart_streams streams;
    cw_arena_init(&arena, 0);
    bool ok =
        cw_jobs_streams(cart, &arena, &streams, err) && cw_jobs_check(&cli->site->config, &streams, err);
    cw_arena_fini(&arena);
    return ok;
}

static bool check_cart(struct cw_cli *cli, const char *name)
{
    struct cw_error err;
    struct cw_session *session = cw_cli_session(cli, name, true, &err);
    struct cw_lua_cart *cart = session != NULL ? cw_session_cart(session, name, &err) : NULL;
    bool ok = cart != NULL && check_jobs(cli, cart, &err) &&
              print_cart(cli, cart, cw_session_script_version(session), &err);
    if (!ok) {
        cw_fail_in(&err, "cart %s", name);
        cw_cli_fail(cli, &err);
    }
    cw_session_close(session);
    return ok;
}

int cw_cmd_check(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 60 };
    bool ok = true;
    int code = cw_cli_parse(
        &cli, &argc, &argv, "[CART...]",
        "Checks site.lua, the settings of its carts, their scripts and mappings, and tells what a cart has "
        "otherwise than the one that it extends. Calls nobody.",
        NULL, 0, -1);
    if (code >= 0)
        return code;
    if (!cw_cli_open(&cli, CW_CLI_NETWORK)) {
        cw_cli_close(&cli);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        ok = check_cart(&cli, argv[i]) && ok;
    for (size_t i = 0; argc == 1 && i < cli.site->config.cart_count; i++)
        ok = check_cart(&cli, cli.site->config.carts[i].name) && ok;
    if (argc == 1 && cli.site->config.cart_count == 0)
        puts("the site has no carts yet; add one to carts in site.lua");
    cw_cli_close(&cli);
    return ok ? 0 : 1;
}
