/* cmd_store.c - `cartwright store copy FROM TO`: moves a whole store from one engine to another; `store
 * join`: makes a store that another folder began this site's. */
#include <stdio.h>
#include <string.h>

#include "adapters/store_copy.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/site_store.h"

static void show_progress(void *arg, const char *table, uint64_t rows, uint64_t total)
{
    char text[128];
    (void)arg;
    snprintf(text, sizeof text, "%s: %llu of %llu rows", table, (unsigned long long)rows,
             (unsigned long long)total);
    cw_cli_progress(text);
}

/* Tables that are empty are told to programs alone. */
static uint64_t print_tables(const struct cw_cli *cli, const struct cw_copied *tables, size_t count)
{
    uint64_t total = 0;
    char content[CW_HASH_TEXT_MAX];
    if (!cli->json)
        printf("%s%-20s  %10s  %s%s\n", cw_cli_bold(), "table", "rows", "content", cw_cli_plain());
    for (size_t i = 0; i < count; i++) {
        const struct cw_copied *table = &tables[i];
        total += table->rows;
        cw_hash_hex(&table->content, content);
        if (cli->json)
            printf("{\"table\":\"%s\",\"rows\":%llu,\"content\":\"%s\"}\n", table->table,
                   (unsigned long long)table->rows, content);
        else if (table->rows > 0)
            printf("%-20s  %10llu  %.16s\n", table->table, (unsigned long long)table->rows, content);
    }
    return total;
}

static struct cw_store *open_store(const struct cw_cli *cli, const char *uri, bool create,
                                   struct cw_error *err)
{
    const struct cw_store_config config = { .uri = uri, .create = create, .clock = &cw_system_clock };
    return cw_store_open(&config, cli->loop, err);
}

static int copy(struct cw_cli *cli, const char *from, const char *to)
{
    struct cw_copied tables[CW_COPY_TABLES_MAX];
    struct cw_copy copy = { .progress = show_progress };
    size_t count = 0;
    struct cw_error err;
    cli->loop = cw_loop_create(&err);
    copy.from = cli->loop != NULL ? open_store(cli, from, false, &err) : NULL;
    copy.to = copy.from != NULL ? open_store(cli, to, true, &err) : NULL;
    bool ok = copy.to != NULL && cw_store_copy(&copy, tables, &count, &err);
    cw_cli_progress(NULL);
    if (ok) {
        uint64_t rows = print_tables(cli, tables, count);
        if (!cli->json)
            printf("%llu rows copied, and the same in both stores; set `store` in site.lua to the new one\n",
                   (unsigned long long)rows);
    } else {
        cw_cli_fail(cli, &err);
    }
    cw_store_close(copy.to);
    cw_store_close(copy.from);
    return ok ? 0 : 1;
}

static int join(struct cw_cli *cli)
{
    struct cw_error err;
    if (!cw_cli_open(cli, 0))
        return 1;
    if (!cw_site_join_store(cli->site, cli->loop, &err))
        return cw_cli_fail(cli, &err);
    if (!cli->json)
        puts("the store that site.lua names is this site's from now on");
    return 0;
}

int cw_cmd_store(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "copy FROM TO | join",
        "Copies the store FROM, whole, into the new or empty store TO. Each is the path of a file, or\n"
        "the address of a database: postgresql://user@host/database. End `cartwright run` first;\n"
        "whatever else writes to FROM waits meanwhile. What arrived is compared with what was sent,\n"
        "table by table. A copy that fails or is broken off leaves TO empty, and can be made again.\n"
        "join: the store that site.lua names was begun by another folder; this one is the same site, on\n"
        "another machine, moved or restored.",
        NULL, 1, 3);
    bool copies = code < 0 && strcmp(argv[1], "copy") == 0 && argc == 4;
    bool joins = code < 0 && strcmp(argv[1], "join") == 0 && argc == 2;
    if (code < 0 && !copies && !joins) {
        fputs("cartwright store: copy FROM TO, or join; see: cartwright store --help\n", stderr);
        code = 2;
    }
    if (code < 0)
        code = copies ? copy(&cli, argv[2], argv[3]) : join(&cli);
    cw_cli_close(&cli);
    return code;
}
