/* cmd_replay.c - `cartwright replay CART [ID]`: stored raw records through the present scripts, tables and
 * rules, and what that changes. */
#include <stdio.h>
#include <string.h>

#include "cli/again.h"
#include "cli/commands.h"
#include "mapping/edit.h"

enum { FIELDS_MAX = 1000 }; /* told apart in the summary; the rest is counted together */

struct replay {
    struct cw_cli *cli;
    bool only_summary;
    GHashTable *fields; /* name without places in lists -> how many values differ */
    uint64_t same, differ, fresh, waiting, skipped;
    const struct cw_comparison *comparison; /* in hand */
    size_t differences;                     /* of that one */
};

/* --- the summary --- */

/* "lines[2].sku" is counted as "lines.sku". */
static char *without_places(struct cw_slice name)
{
    GString *out = g_string_new(NULL);
    bool inside = false;
    for (size_t i = 0; i < name.len; i++) {
        inside = inside || name.data[i] == '[';
        if (!inside)
            g_string_append_c(out, name.data[i]);
        inside = inside && name.data[i] != ']';
    }
    return g_string_free(out, FALSE);
}

static void count_field(struct replay *replay, struct cw_slice name)
{
    char *key = without_places(name);
    if (g_hash_table_size(replay->fields) >= FIELDS_MAX && !g_hash_table_contains(replay->fields, key)) {
        g_free(key);
        key = g_strdup("(others)");
    }
    gsize count = GPOINTER_TO_SIZE(g_hash_table_lookup(replay->fields, key));
    g_hash_table_replace(replay->fields, key, GSIZE_TO_POINTER(count + 1));
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void print_fields(const struct replay *replay)
{
    GList *names = g_list_sort(g_hash_table_get_keys(replay->fields), by_name);
    const char *separator = "";
    for (GList *name = names; name != NULL; name = name->next) {
        unsigned long count =
            (unsigned long)GPOINTER_TO_SIZE(g_hash_table_lookup(replay->fields, name->data));
        if (replay->cli->json) {
            fputs(separator, stdout);
            cw_cli_json_text(cw_slice(name->data));
            printf(":%lu", count);
            separator = ",";
        } else {
            printf("  %-28s %lu\n", (const char *)name->data, count);
        }
    }
    g_list_free(names);
}

static void print_summary(const struct replay *replay, bool dry_run)
{
    unsigned long long same = replay->same, differ = replay->differ, fresh = replay->fresh,
                       waiting = replay->waiting, skipped = replay->skipped;
    if (replay->cli->json) {
        printf("{\"dry_run\":%s,\"same\":%llu,\"differ\":%llu,\"new\":%llu,\"waiting\":%llu,\"skipped\":%llu,"
               "\"fields\":{",
               dry_run ? "true" : "false", same, differ, fresh, waiting, skipped);
        print_fields(replay);
        puts("}}");
        return;
    }
    printf("%llu are the same, %llu differ, %llu are new, %llu wait, %llu are skipped%s\n", same, differ,
           fresh, waiting, skipped, dry_run ? "; nothing was stored" : "");
    if (g_hash_table_size(replay->fields) > 0)
        puts("values that differ:");
    print_fields(replay);
}

/* --- one record --- */

static void print_head(struct replay *replay)
{
    const struct cw_record_key *key = &replay->comparison->key;
    char *id = cw_cli_harmless(key->external_id, "");
    printf("%s%.*s %.*s %s%s\n", cw_cli_bold(), CW_SLICE_ARG(key->cart), CW_SLICE_ARG(key->stream), id,
           cw_cli_plain());
    g_free(id);
}

static void print_value(struct cw_slice value)
{
    char *shown = value.data != NULL ? cw_cli_harmless(value, "") : g_strdup("(none)");
    fputs(shown, stdout);
    g_free(shown);
}

static void print_json_pair(const char *before, const char *name, struct cw_slice value)
{
    printf("%s\"%s\":", before, name);
    if (value.data == NULL)
        fputs("null", stdout);
    else
        cw_cli_json_text(value);
}

static bool print_difference(void *arg, struct cw_slice name, struct cw_slice before, struct cw_slice after)
{
    struct replay *replay = arg;
    bool first = replay->differences++ == 0;
    count_field(replay, name);
    if (replay->only_summary)
        return true;
    if (replay->cli->json) {
        print_json_pair(first ? "{" : ",{", "field", name);
        print_json_pair(",", "before", before);
        print_json_pair(",", "after", after);
        putchar('}');
        return true;
    }
    if (first)
        print_head(replay);
    printf("  %-28.*s ", CW_SLICE_ARG(name));
    print_value(before);
    fputs(" -> ", stdout);
    print_value(after);
    putchar('\n');
    return true;
}

static const char *verdict(struct replay *replay)
{
    const struct cw_mapped *mapped = replay->comparison->mapped;
    if (mapped->skipped_by != NULL) {
        replay->skipped++;
        return "skipped";
    }
    if (mapped->issues != NULL) {
        replay->waiting++;
        return "waiting";
    }
    if (replay->comparison->before == NULL) {
        replay->fresh++;
        return "new";
    }
    if (replay->differences == 0)
        replay->same++;
    else
        replay->differ++;
    return replay->differences == 0 ? "same" : "differs";
}

static void print_issues(struct replay *replay)
{
    const struct cw_mapped *mapped = replay->comparison->mapped;
    if (mapped->issues == NULL)
        return;
    print_head(replay);
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        char *message = cw_cli_harmless(issue->message, "");
        printf("  ! %.*s (%.*s): %s\n", CW_SLICE_ARG(issue->field), CW_SLICE_ARG(issue->code), message);
        g_free(message);
    }
}

static void print_json_record(struct replay *replay, const char *what)
{
    const struct cw_mapped *mapped = replay->comparison->mapped;
    printf("],\"outcome\":\"%s\",\"contested\":%zu", what, replay->comparison->contested);
    if (mapped->skipped_by != NULL)
        print_json_pair(",", "skipped_by", cw_slice(mapped->skipped_by));
    printf(",\"issues\":[");
    for (const struct cw_found_issue *issue = mapped->issues; issue != NULL; issue = issue->next) {
        print_json_pair(issue == mapped->issues ? "{" : ",{", "code", issue->code);
        print_json_pair(",", "field", issue->field);
        print_json_pair(",", "message", issue->message);
        putchar('}');
    }
    puts("]}");
}

static void begin_json_record(const struct cw_comparison *comparison)
{
    print_json_pair("{", "cart", comparison->key.cart);
    print_json_pair(",", "stream", comparison->key.stream);
    print_json_pair(",", "external_id", comparison->key.external_id);
    printf(",\"changes\":[");
}

static void compared(void *arg, const struct cw_comparison *comparison)
{
    struct replay *replay = arg;
    const struct cw_mapped *mapped = comparison->mapped;
    bool json = replay->cli->json && !replay->only_summary;
    replay->comparison = comparison;
    replay->differences = 0;
    if (json)
        begin_json_record(comparison);
    if (comparison->before != NULL && mapped->doc != NULL && mapped->issues == NULL)
        cw_document_differences(comparison->before, mapped->doc, comparison->arena, print_difference, replay);
    const char *what = verdict(replay);
    if (json)
        print_json_record(replay, what);
    else if (!replay->only_summary)
        print_issues(replay);
}

/* --- the command --- */

static bool read_times(struct cw_cli *cli, const char *since, const char *until,
                       struct cw_stored_filter *filter)
{
    struct cw_error err;
    struct cw_zone *zone = cw_zone_open(cli->site->config.zone, &err);
    filter->since = filter->until = CW_TIME_NONE;
    bool ok = zone != NULL &&
              (since == NULL || cw_time_parse(cw_slice(since), zone, &filter->since, &err) ||
               cw_fail_in(&err, "--since")) &&
              (until == NULL || cw_time_parse(cw_slice(until), zone, &filter->until, &err) ||
               cw_fail_in(&err, "--until"));
    cw_zone_free(zone);
    if (!ok)
        cw_cli_fail(cli, &err);
    return ok;
}

int cw_cmd_replay(int argc, char **argv)
{
    struct cw_cli cli = { .time_limit_s = 24 * 3600 };
    struct replay replay = { .cli = &cli };
    char *stream = NULL, *since = NULL, *until = NULL;
    gboolean dry_run = FALSE, only_summary = FALSE;
    const GOptionEntry entries[] = {
        { "stream", 0, 0, G_OPTION_ARG_STRING, &stream, "Only this stream", "STREAM" },
        { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Only records received from this day or time on",
          "TIME" },
        { "until", 0, 0, G_OPTION_ARG_STRING, &until, "Only records received before this day or time",
          "TIME" },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Show the differences and store nothing", NULL },
        { "summary", 0, 0, G_OPTION_ARG_NONE, &only_summary, "Only how many values differ in each field",
          NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    uint64_t left = 0;
    int code = cw_cli_parse(
        &cli, &argc, &argv, "CART [ID]",
        "Maps stored raw records again with the present script, tables and rules, and shows what that\n"
        "changes in each document: look at it with --dry-run first. What people edited here stays; a\n"
        "record that has an issue now waits, and its document stays as it is.",
        entries, 1, 2);
    if (code < 0) {
        replay.fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        replay.only_summary = only_summary;
        struct cw_cli_again again = { .job = "replay",
                                      .stream = stream,
                                      .filter = { .id = argc > 2 ? argv[2] : NULL },
                                      .dry_run = dry_run,
                                      .compared = compared,
                                      .arg = &replay,
                                      .nothing = argc < 3 ? "no such record is stored" : NULL };
        bool ok = cw_cli_open(&cli, CW_CLI_STORE | CW_CLI_NETWORK) &&
                  read_times(&cli, since, until, &again.filter) &&
                  cw_cli_map_again(&cli, argv[1], &again, &left);
        bool found = argc < 3 || replay.comparison != NULL;
        if (ok && !found) {
            struct cw_error err;
            cw_fail(&err, CW_NOT_FOUND, "no record %s of cart %s is stored", argv[2], argv[1]);
            cw_cli_fail(&cli, &err);
        } else if (ok) {
            print_summary(&replay, dry_run);
        }
        code = ok && found ? 0 : 1;
        g_hash_table_destroy(replay.fields);
    }
    cw_cli_close(&cli);
    g_free(stream);
    g_free(since);
    g_free(until);
    return code;
}
