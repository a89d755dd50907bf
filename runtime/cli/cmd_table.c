/* cmd_table.c - `cartwright table list|set|drop|export|import`: translation rows, and those that the store
 * lays over the script's. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/rows.h"
#include "cli/table_csv.h"

struct options {
    gboolean nothing, all_carts, all;
};

struct call {
    struct cw_cli *cli;
    const struct options *options;
    const char *cart; /* "" = all */
    int argc;         /* what stands behind the verb, and the cart where one is named */
    char **argv;
};

/* --- list --- */

struct authors {
    GHashTable *by_object; /* "shop status paid" -> who changed it last */
    struct cw_error err;
};

static bool take_author(void *arg, size_t count, const struct cw_slice *names, const struct cw_slice *row)
{
    struct authors *authors = arg;
    (void)count;
    (void)names;
    g_hash_table_replace(authors->by_object, g_strndup(row[0].data, row[0].len),
                         g_strndup(row[1].data, row[1].len));
    return true;
}

static void authors_done(void *arg, const struct cw_error *err)
{
    struct authors *authors = arg;
    if (err != NULL)
        authors->err = *err;
}

static bool read_authors(struct cw_cli *cli, struct authors *authors, struct cw_error *err)
{
    *authors =
        (struct authors){ g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free), { .code = CW_OK } };
    cw_store_query(cli->store, "SELECT object, who FROM audit WHERE action LIKE 'table %' ORDER BY id", NULL,
                   0, take_author, authors_done, authors);
    cw_store_wait(cli->store);
    *err = authors->err;
    return err->code == CW_OK;
}

static const char *author_of(const struct authors *authors, const struct cw_cli_row *row)
{
    char *object = g_strdup_printf("%s %s %s", row->cart[0] != '\0' ? row->cart : "*", row->table, row->key);
    const char *who = g_hash_table_lookup(authors->by_object, object);
    g_free(object);
    return who;
}

static void add_cells(GPtrArray *cells, const struct authors *authors, const struct cw_cli_row *row,
                      bool for_people)
{
    const char *no_value = for_people ? "(no value)" : NULL;
    g_ptr_array_add(cells, g_strdup(row->table));
    g_ptr_array_add(cells, g_strdup(row->key));
    g_ptr_array_add(cells, g_strdup(row->value != NULL ? row->value : no_value));
    g_ptr_array_add(cells, g_strdup(row->cart == NULL      ? "script"
                                    : row->cart[0] != '\0' ? "store"
                                                           : "store, all carts"));
    g_ptr_array_add(cells, g_strdup(row->changed_at));
    g_ptr_array_add(cells, g_strdup(row->cart != NULL ? author_of(authors, row) : NULL));
}

static bool list(struct call *call, struct cw_error *err)
{
    static const char *const names[] = { "table", "key", "value", "from", "changed_at", "changed_by" };
    struct authors authors;
    GPtrArray *rows = cw_cli_rows_in_force(call->cli, call->cart, err);
    if (rows == NULL)
        return false;
    bool ok = read_authors(call->cli, &authors, err);
    GPtrArray *cells = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; ok && i < rows->len; i++) {
        const struct cw_cli_row *row = g_ptr_array_index(rows, i);
        if (row->key != NULL && (call->argc == 0 || strcmp(row->table, call->argv[0]) == 0))
            add_cells(cells, &authors, row, !call->cli->json);
    }
    if (ok)
        cw_cli_print_cells(call->cli, names, G_N_ELEMENTS(names), cells, "no rows");
    g_ptr_array_unref(cells);
    g_hash_table_unref(authors.by_object);
    g_ptr_array_unref(rows);
    return ok;
}

/* --- set and drop --- */

static void print_value(const char *name, bool is_set, const char *value)
{
    printf(",\"%s\":", name);
    if (is_set && value != NULL)
        cw_cli_json_text(cw_slice(value));
    else
        fputs(is_set ? "false" : "null", stdout);
}

/* In JSON, false is "no value" as in scripts, and null no row. */
static void print_json(const struct cw_cli_change *change)
{
    fputs("{\"cart\":", stdout);
    cw_cli_json_text(cw_slice(change->cart));
    fputs(",\"table\":", stdout);
    cw_cli_json_text(cw_slice(change->table));
    fputs(",\"key\":", stdout);
    cw_cli_json_text(cw_slice(change->key));
    print_value("before", change->was_set, change->before);
    print_value("after", !change->is_drop, change->value);
    puts("}");
}

static void print_change(const struct cw_cli *cli, const struct cw_cli_change *change)
{
    if (cli->json) {
        print_json(change);
        return;
    }
    const char *cart = change->cart[0] != '\0' ? change->cart : "all carts";
    char *line =
        change->is_drop
            ? g_strdup_printf("%s %s \"%s\": dropped from the store", cart, change->table, change->key)
        : change->value != NULL
            ? g_strdup_printf("%s %s \"%s\" = \"%s\"", cart, change->table, change->key, change->value)
            : g_strdup_printf("%s %s \"%s\" = (no value)", cart, change->table, change->key);
    char *shown = cw_cli_harmless(cw_slice(line), "");
    printf("%s%s\n", shown, change->is_changed ? "" : ", as before");
    g_free(shown);
    g_free(line);
}

static bool change_and_print(struct call *call, GPtrArray *changes, const char *action, struct cw_error *err)
{
    bool ok = cw_cli_change_tables(call->cli, changes, action, err);
    for (guint i = 0; ok && i < changes->len; i++)
        print_change(call->cli, g_ptr_array_index(changes, i));
    g_ptr_array_unref(changes);
    return ok;
}

static bool check_text(const char *what, const char *text, struct cw_error *err)
{
    if (text[0] == '\0')
        return cw_fail(err, CW_USAGE, "the %s is empty%s", what,
                       strcmp(what, "value") == 0 ? "; say --nothing for no value" : "");
    return g_utf8_validate(text, -1, NULL) || cw_fail(err, CW_USAGE, "the %s is not UTF-8", what);
}

/* COLUMN=VALUE is the row of the table beside TABLE; an empty VALUE means no value. */
static struct cw_cli_change *column_change(const struct call *call, const char *text, struct cw_error *err)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || !g_utf8_validate(text, -1, NULL)) {
        cw_fail(err, CW_USAGE, "\"%s\" is not COLUMN=VALUE, such as carrier=DHL", text);
        return NULL;
    }
    char *table = g_strdup_printf("%s.%.*s", call->argv[0], (int)(equals - text), text);
    struct cw_cli_change *change =
        cw_cli_change_create(call->cart, table, call->argv[1], equals[1] != '\0' ? equals + 1 : NULL);
    g_free(table);
    return change;
}

static bool set(struct call *call, struct cw_error *err)
{
    const int columns_at = call->options->nothing ? 2 : 3;
    if (call->argc < columns_at)
        return cw_fail(err, CW_USAGE, "a value is missing: TABLE KEY VALUE, or TABLE KEY --nothing");
    const char *value = call->options->nothing ? NULL : call->argv[2];
    if (!check_text("table", call->argv[0], err) || !check_text("key", call->argv[1], err) ||
        (value != NULL && !check_text("value", value, err)))
        return false;
    GPtrArray *changes = g_ptr_array_new_with_free_func(cw_cli_change_free);
    g_ptr_array_add(changes, cw_cli_change_create(call->cart, call->argv[0], call->argv[1], value));
    for (int i = columns_at; i < call->argc; i++) {
        struct cw_cli_change *change = column_change(call, call->argv[i], err);
        if (change == NULL) {
            g_ptr_array_unref(changes);
            return false;
        }
        g_ptr_array_add(changes, change);
    }
    return change_and_print(call, changes, "table set", err);
}

static bool drop(struct call *call, struct cw_error *err)
{
    GPtrArray *changes = g_ptr_array_new_with_free_func(cw_cli_change_free);
    struct cw_cli_change *change = cw_cli_change_create(call->cart, call->argv[0], call->argv[1], NULL);
    change->is_drop = true;
    g_ptr_array_add(changes, change);
    return change_and_print(call, changes, "table drop", err);
}

/* --- files --- */

static bool export(struct call *call, struct cw_error *err)
{
    GPtrArray *rows = call->options->all ? cw_cli_rows_in_force(call->cli, call->cart, err)
                                         : cw_cli_stored_rows(call->cli, call->cart, err);
    bool ok =
        rows != NULL && cw_cli_export_rows(rows, call->cart, call->argc > 0 ? call->argv[0] : NULL, err);
    if (rows != NULL)
        g_ptr_array_unref(rows);
    return ok;
}

static bool import(struct call *call, struct cw_error *err)
{
    guint changed = 0, all = 0;
    GPtrArray *changes = cw_cli_import_rows(call->cart, call->argv[0], err);
    bool ok = changes != NULL && cw_cli_change_tables(call->cli, changes, "table import", err);
    for (; ok && all < changes->len; all++) {
        const struct cw_cli_change *change = g_ptr_array_index(changes, all);
        changed += change->is_changed;
    }
    if (ok)
        printf(call->cli->json ? "{\"set\":%u,\"unchanged\":%u}\n" : "%u rows set, %u as before\n", changed,
               all - changed);
    if (changes != NULL)
        g_ptr_array_unref(changes);
    return ok;
}

/* --- the command --- */

static const struct verb {
    const char *name;
    bool (*run)(struct call *call, struct cw_error *err);
    int least, most; /* arguments behind the cart; -1 = any number */
    bool may_be_for_all;
    bool maps_again;
} verbs[] = {
    { "list", list, 0, 1, false, false },    { "set", set, 2, -1, true, true },
    { "drop", drop, 2, 2, true, false },     { "export", export, 0, 1, false, false },
    { "import", import, 1, 1, false, true },
};

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    fprintf(stderr, "cartwright table: \"%s\" is none of list, set, drop, export and import\n", name);
    return NULL;
}

/* -1 to go on, else the exit code. */
static int check_use(const struct verb *verb, const struct options *options, int count)
{
    const char *fault = NULL;
    if (options->all_carts && !verb->may_be_for_all)
        fault = "--all-carts is for set and drop";
    else if (options->nothing && verb->run != set)
        fault = "--nothing is for set";
    else if (options->all && verb->run != export)
        fault = "--all is for export";
    else if (count < verb->least)
        fault = "an argument is missing";
    else if (verb->most >= 0 && count > verb->most)
        fault = "too many arguments";
    if (fault != NULL)
        fprintf(stderr, "cartwright table %s: %s; see: cartwright table --help\n", verb->name, fault);
    return fault != NULL ? 2 : -1;
}

static bool check_cart(const struct cw_cli *cli, const char *name, struct cw_error *err)
{
    const struct cw_site_config *config = &cli->site->config;
    for (size_t i = 0; i < config->cart_count; i++)
        if (strcmp(config->carts[i].name, name) == 0)
            return true;
    return name[0] == '\0' || cw_fail(err, CW_USAGE, "site.lua has no cart %s", name);
}

static int run(struct cw_cli *cli, const struct options *options, int argc, char **argv)
{
    const struct verb *verb = find(argv[1]);
    struct cw_error err;
    int skipped = options->all_carts ? 2 : 3;
    int code = verb != NULL ? check_use(verb, options, argc - skipped) : 2;
    if (code >= 0)
        return code;
    struct call call = { .cli = cli,
                         .options = options,
                         .cart = options->all_carts ? "" : argv[2],
                         .argc = argc - skipped,
                         .argv = argv + skipped };
    if (!cw_cli_open(cli, CW_CLI_STORE_CREATE | (verb->maps_again ? CW_CLI_NETWORK : 0)))
        return 1;
    if (check_cart(cli, call.cart, &err) && verb->run(&call, &err))
        return 0;
    return cw_cli_fail(cli, &err);
}

int cw_cmd_table(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    struct options options = { FALSE, FALSE, FALSE };
    const GOptionEntry entries[] = {
        { "nothing", 0, 0, G_OPTION_ARG_NONE, &options.nothing, "set: the key is known and has no value",
          NULL },
        { "all-carts", 0, 0, G_OPTION_ARG_NONE, &options.all_carts,
          "set, drop: the row is of every cart; CART is left out", NULL },
        { "all", 0, 0, G_OPTION_ARG_NONE, &options.all, "export: the script's rows, too", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "list|set|drop|export|import CART ...",
        "Translation rows of a cart. Those that are set here lie over those of its script.\n\n"
        "  table list CART [TABLE]                          the rows in force, and where each is from\n"
        "  table set CART TABLE KEY VALUE [COLUMN=VALUE...] key \"*\" is for all that have no row\n"
        "  table drop CART TABLE KEY                        the script's row is in force again\n"
        "  table export CART [FILE]                         CSV: cart,table,key,value,nothing\n"
        "  table import CART FILE                           the same CSV; all of its rows or none\n\n"
        "COLUMN=VALUE sets the row of the table TABLE.COLUMN, such as carrier=DHL. Records that wait\n"
        "for a row are mapped again once it is set.",
        entries, 1, -1);
    if (code < 0)
        code = run(&cli, &options, argc, argv);
    cw_cli_close(&cli);
    return code;
}
