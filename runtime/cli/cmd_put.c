/* cmd_put.c - `cartwright put KIND FILE|FIELD=VALUE...`: what the back office says, by hand or from CSV. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/put_csv.h"
#include "cli/who.h"
#include "cli/cli.h"
#include "engine/office.h"
#include "engine/recount.h"
#include "mapping/edit.h"

enum { ARENA_LIMIT = 1024 * 1024 * 1024 };

struct options {
    char *reason, *from, *replace;
    gboolean dry_run, drop;
};

struct putting {
    struct cw_cli *cli;
    const struct options *options;
    struct cw_zone *zone;
    struct cw_arena arena;
    struct cw_office_put put;
    struct cw_office_result result;
};

/* --- one document, from the command line --- */

/* Members up to `count` of the list that the name begins with: "lines[2].sku". */
static bool make_members(struct cw_document *doc, const char *name, struct cw_arena *arena,
                         struct cw_error *err)
{
    enum { MEMBERS_MAX = 1000 };
    const char *bracket = strchr(name, '[');
    int at =
        bracket == NULL ? -1 : cw_kind_field(doc->kind, (struct cw_slice){ name, (size_t)(bracket - name) });
    guint64 wanted = bracket != NULL ? g_ascii_strtoull(bracket + 1, NULL, 10) : 0;
    if (at < 0 || doc->kind->fields[at].type != CW_LIST)
        return true;
    if (wanted > MEMBERS_MAX)
        return cw_fail(err, CW_LIMIT, "%s: more than %d members; use a file", name, MEMBERS_MAX);
    struct cw_value *list = &doc->values[at];
    if (!list->is_set)
        *list = (struct cw_value){ .is_set = true };
    while (list->list.count < wanted) {
        struct cw_document *member = cw_document_create(arena, doc->kind->fields[at].kind);
        if (member == NULL)
            return cw_fail(err, CW_NOMEM, "no memory for a document");
        if (list->list.last != NULL)
            list->list.last->next = member;
        else
            list->list.first = member;
        list->list.last = member;
        list->list.count++;
    }
    return true;
}

/* "quantity=12"; the argument's memory is used. */
static bool set_field(struct putting *putting, struct cw_document *doc, char *argument, struct cw_error *err)
{
    char *equals = strchr(argument, '=');
    if (equals == NULL && g_file_test(argument, G_FILE_TEST_EXISTS))
        return cw_fail(err, CW_USAGE, "%s: only one file is taken at a time, and nothing beside it",
                       argument);
    if (equals == NULL || equals == argument)
        return cw_fail(err, CW_USAGE, "\"%s\" is no file, and no FIELD=VALUE", argument);
    *equals = '\0';
    if (!g_utf8_validate(equals + 1, -1, NULL))
        return cw_fail(err, CW_INVALID, "%s is not UTF-8", argument);
    if (strcmp(argument, "id") == 0 || strcmp(argument, "external_id") == 0) {
        doc->external_id = cw_slice(equals + 1);
        return true;
    }
    return make_members(doc, argument, &putting->arena, err) &&
           cw_document_set(doc, cw_slice(argument), cw_slice(equals + 1), putting->zone, &putting->arena,
                           err);
}

/* Of those before it the names are left. */
static bool is_first(char **arguments, int at, struct cw_error *err)
{
    size_t len = strcspn(arguments[at], "=");
    for (int i = 0; i < at; i++)
        if (strlen(arguments[i]) == len && strncmp(arguments[i], arguments[at], len) == 0)
            return cw_fail(err, CW_USAGE, "%s is given twice; which one counts?", arguments[i]);
    return true;
}

static bool put_fields(struct putting *putting, int count, char **arguments, struct cw_error *err)
{
    struct cw_office_put *put = &putting->put;
    struct cw_document *doc = cw_document_create(&putting->arena, put->kind);
    struct cw_slice id;
    if (doc == NULL)
        return cw_fail(err, CW_NOMEM, "no memory for a document");
    for (int i = 0; i < count; i++)
        if (!is_first(arguments, i, err) || !set_field(putting, doc, arguments[i], err))
            return false;
    if (putting->options->drop) {
        if (!cw_office_id(doc, &putting->arena, &id, err))
            return false;
        put->drops = &id;
        put->drop_count = 1;
    } else {
        put->docs = &doc;
        put->count = 1;
    }
    return cw_office_put(putting->cli->store, cw_loop_clock(putting->cli->loop), put, &putting->result, err);
}

/* --- a file --- */

/* The ids of all documents that a file names. */
static bool read_drops(struct putting *putting, const struct cw_office_source *source, struct cw_put_csv *csv,
                       GArray *drops, struct cw_error *err)
{
    struct cw_document *docs[CW_OFFICE_PAGE];
    size_t count = CW_OFFICE_PAGE;
    struct cw_arena page;
    cw_arena_init(&page, 0);
    bool ok = true;
    while (count == CW_OFFICE_PAGE && ok) {
        cw_arena_reset(&page);
        ok = source->next(source->arg, &page, docs, CW_OFFICE_PAGE, &count, err);
        for (size_t i = 0; i < count && ok; i++) {
            struct cw_slice id;
            ok = cw_office_id(docs[i], &page, &id, err) || cw_put_csv_fault(csv, docs[i], err);
            id = cw_arena_copy(&putting->arena, id);
            ok = ok && (id.data != NULL || cw_fail(err, CW_LIMIT, "no memory left for the ids of the file"));
            g_array_append_val(drops, id);
        }
    }
    cw_arena_fini(&page);
    return ok && source->end(source->arg, err);
}

static bool put_file(struct putting *putting, const char *path, struct cw_error *err)
{
    struct cw_office_put *put = &putting->put;
    if (putting->options->drop && strcmp(path, "-") != 0 && !g_file_test(path, G_FILE_TEST_EXISTS))
        return cw_fail(err, CW_USAGE, "%s: no such file; to drop one document name its id: id=%s", path,
                       path);
    struct cw_put_csv *csv = cw_put_csv_open(put->kind, path, putting->zone, err);
    if (csv == NULL)
        return false;
    struct cw_office_source source = cw_put_csv_source(csv);
    GArray *drops = g_array_new(FALSE, FALSE, sizeof(struct cw_slice));
    bool ok = true;
    if (putting->options->drop) {
        ok = read_drops(putting, &source, csv, drops, err);
        put->drops = (const struct cw_slice *)(void *)drops->data;
        put->drop_count = drops->len;
    } else {
        put->source = &source;
        put->fault = cw_put_csv_fault;
        put->fault_arg = csv;
    }
    ok = ok &&
         cw_office_put(putting->cli->store, cw_loop_clock(putting->cli->loop), put, &putting->result, err);
    if (!ok && put->source != NULL && cw_put_csv_faults(csv) > 0)
        cw_fail(err, CW_INVALID, "%s: nothing was put; what is wrong stands above", path);
    g_array_unref(drops);
    cw_put_csv_close(csv);
    return ok;
}

/* --- the command --- */

/* Levels and prices are counted by SKU, whatever was put. */
static bool is_counted(const struct putting *putting)
{
    const struct cw_kind *kind = putting->put.kind;
    return (kind == &cw_kind_stock_level || kind == &cw_kind_vendor_level || kind == &cw_kind_price ||
            kind == &cw_kind_purchase_order) &&
           cw_recount_is_needed(putting->put.config);
}

static void print_json(const struct putting *putting)
{
    const struct cw_office_result *r = &putting->result;
    printf("{\"kind\":\"%s\",\"put\":%llu,\"unchanged\":%llu,\"dropped\":%llu,\"messages\":%llu,"
           "\"taken_back\":%llu,\"too_late\":%llu,\"without_level\":%llu,\"without_level_such_as\":",
           putting->put.kind->name, (unsigned long long)r->put, (unsigned long long)r->unchanged,
           (unsigned long long)r->dropped, (unsigned long long)r->messages, (unsigned long long)r->taken_back,
           (unsigned long long)r->too_late, (unsigned long long)r->silent);
    cw_cli_json_text(cw_slice(r->silent_such_as));
    printf(",\"dry_run\":%s}\n", putting->options->dry_run ? "true" : "false");
}

static void print_text(const struct putting *putting)
{
    const struct cw_office_result *r = &putting->result;
    printf("%s%s%s: %llu put, %llu unchanged, %llu dropped, ", cw_cli_bold(), putting->put.kind->name,
           cw_cli_plain(), (unsigned long long)r->put, (unsigned long long)r->unchanged,
           (unsigned long long)r->dropped);
    if (is_counted(putting))
        printf("levels and prices that change are told as they are counted");
    else
        printf("%llu messages", (unsigned long long)r->messages);
    if (r->taken_back > 0)
        printf(", %llu taken back before they were sent", (unsigned long long)r->taken_back);
    puts(putting->options->dry_run ? "; nothing was stored" : "");
}

static void print_what_stays(const struct cw_office_result *r)
{
    if (r->too_late > 0)
        printf("%llu were told before, or may have been: the cart keeps them; mend it there (cartwright list "
               "messages --stream shipments_out)\n",
               (unsigned long long)r->too_late);
    if (r->silent == 0)
        return;
    char *such_as = cw_cli_harmless(cw_slice(r->silent_such_as), "");
    printf(
        "%llu SKUs have no level any more, and their carts go on selling what they were told last: %s%s; to "
        "have them told 0, put them with quantity=0, else leave them\n",
        (unsigned long long)r->silent, such_as, r->silent > CW_OFFICE_SILENT_NAMES ? " ..." : "");
    g_free(such_as);
}

static void print(const struct putting *putting)
{
    if (putting->cli->json) {
        print_json(putting);
        return;
    }
    print_text(putting);
    print_what_stays(&putting->result);
}

static bool is_file(int argc, char **argv)
{
    return argc == 3 && (strcmp(argv[2], "-") == 0 || strchr(argv[2], '=') == NULL ||
                         g_file_test(argv[2], G_FILE_TEST_EXISTS));
}

static int put(struct cw_cli *cli, const struct options *options, const struct cw_kind *kind, int argc,
               char **argv)
{
    struct cw_error err;
    struct putting putting = { .cli = cli, .options = options };
    putting.put =
        (struct cw_office_put){ .config = &cli->site->config,
                                .kind = kind,
                                .replaces = cw_slice(options->replace != NULL ? options->replace : ""),
                                .from = cw_slice(options->from != NULL ? options->from : ""),
                                .who = cw_slice(cw_cli_who()),
                                .reason = cw_slice(options->reason != NULL ? options->reason : ""),
                                .dry_run = options->dry_run };
    cw_arena_init(&putting.arena, ARENA_LIMIT);
    putting.zone = cw_zone_open(cli->site->config.zone, &err);
    bool ok = putting.zone != NULL && (is_file(argc, argv) ? put_file(&putting, argv[2], &err)
                                                           : put_fields(&putting, argc - 2, argv + 2, &err));
    if (ok)
        print(&putting);
    else
        cw_cli_fail(cli, &err);
    cw_zone_free(putting.zone);
    cw_arena_fini(&putting.arena);
    return ok ? 0 : 1;
}

static int check(const struct options *options, const char *name, bool is_of_file,
                 const struct cw_kind **kind)
{
    struct cw_error err;
    *kind = cw_office_kind(cw_slice(name), &err);
    if (*kind == NULL)
        fprintf(stderr, "cartwright put: %s\n", err.text);
    else if (options->replace != NULL && (*kind != &cw_kind_stock_level || !is_of_file || options->drop))
        fputs("cartwright put: --replace is for levels that are put from a file\n", stderr);
    else
        return -1;
    return 2;
}

int cw_cmd_put(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 12 * 3600 };
    struct options options = { .reason = NULL };
    const struct cw_kind *kind = NULL;
    const GOptionEntry entries[] = {
        { "reason", 'r', 0, G_OPTION_ARG_STRING, &options.reason, "Why; kept in the audit trail", "TEXT" },
        { "from", 0, 0, G_OPTION_ARG_STRING, &options.from,
          "The cart it came from: it is not told of a customer, item or shipment", "CART" },
        { "replace", 0, 0, G_OPTION_ARG_STRING, &options.replace,
          "The file is all that lies there: levels that it does not name are dropped", "WAREHOUSE" },
        { "drop", 0, 0, G_OPTION_ARG_NONE, &options.drop,
          "Remove the documents that are named: id=MAIN/A-1, or a file", NULL },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options.dry_run, "Check everything, store nothing", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "KIND FILE.csv|FIELD=VALUE...",
        "Puts what the back office says: stock_level (or levels), purchase_order, vendor_level, item,\n"
        "customer, price, shipment or invoice. A file is CSV in UTF-8 whose first line names the fields\n"
        "(cartwright fields KIND); members of lists are rows with the same id and columns such as\n"
        "lines.sku; - is standard input. Fields that are left out or empty stay as they are. All of it is\n"
        "checked before anything is stored; up to 500 documents are then stored as a whole or not at all, "
        "of\n"
        "more those before a crash stay, and the same command again completes them. Carts are told of what\n"
        "it changes. A level that is dropped is not told as 0: carts keep what they were told last, and\n"
        "such SKUs are named. Shipments do not reduce levels: put the new level with the shipment.\n"
        "Price of a SKU: cartwright put price sku=A-1 list=default currency=EUR amount=4.90",
        entries, 2, -1);
    if (code < 0)
        code = check(&options, argv[1], is_file(argc, argv), &kind);
    if (code < 0)
        code = cw_cli_open(&cli, CW_CLI_STORE_CREATE) ? put(&cli, &options, kind, argc, argv) : 1;
    cw_cli_close(&cli);
    g_free(options.reason);
    g_free(options.from);
    g_free(options.replace);
    return code;
}
