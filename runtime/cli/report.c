/* report.c - see report.h. */
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#define COUNT(value) (unsigned long long)(value)

static double seconds(const struct cw_run *run)
{
    return run->ended_at == CW_TIME_NONE ? 0 : (double)(run->ended_at - run->started_at) / (double)CW_SECOND;
}

static void print_json(const struct cw_sync_report *report, const struct cw_error *err)
{
    const struct cw_run *run = report->run;
    const struct cw_run_counts *c = &run->counts;
    printf("{\"run\":%lld,\"cart\":\"%.*s\",\"stream\":\"%.*s\",\"ok\":%s", (long long)run->id,
           CW_SLICE_ARG(run->cart), CW_SLICE_ARG(run->stream), err == NULL ? "true" : "false");
    printf(
        ",\"read\":%llu,\"posted\":%llu,\"unchanged\":%llu,\"parked\":%llu,\"skipped\":%llu,\"pages\":%llu",
        COUNT(c->read), COUNT(c->posted), COUNT(c->unchanged), COUNT(c->parked), COUNT(c->skipped),
        COUNT(c->pages));
    printf(",\"windows\":%u,\"requests\":%llu,\"bytes_in\":%llu,\"seconds\":%.3f", report->windows,
           COUNT(c->requests), COUNT(c->bytes_in), seconds(run));
    if (err != NULL) {
        printf(",\"code\":\"%s\",\"error\":", cw_code_name(err->code));
        cw_cli_json_text(cw_slice(err->text));
    }
    puts("}");
}

static void print_text(const struct cw_sync_report *report, bool failed, bool dry_run)
{
    const struct cw_run *run = report->run;
    const struct cw_run_counts *c = &run->counts;
    printf("%s%.*s %.*s%s: %llu read", cw_cli_bold(), CW_SLICE_ARG(run->cart), CW_SLICE_ARG(run->stream),
           cw_cli_plain(), COUNT(c->read));
    if (c->read == c->unchanged)
        printf(failed ? " before it failed" : ", nothing changed");
    else
        printf(" = %llu posted + %llu unchanged + %llu parked + %llu skipped", COUNT(c->posted),
               COUNT(c->unchanged), COUNT(c->parked), COUNT(c->skipped));
    printf(" (%llu requests, %.1f s%s)\n", COUNT(c->requests), seconds(run),
           dry_run ? "; dry run, nothing stored" : "");
    if (c->parked > 0 && !dry_run)
        printf("  %llu parked; see: cartwright list parked\n", COUNT(c->parked));
}

/* Of records that wait now, and of edits that the cart contradicts. */
static void print_notes(const struct cw_run *run)
{
    if (run->counts.warnings > 0)
        printf("  %llu note%s; see: cartwright show run %lld\n", COUNT(run->counts.warnings),
               run->counts.warnings > 1 ? "s" : "", (long long)run->id);
}

void cw_cli_print_run(const struct cw_cli *cli, const struct cw_sync_report *report,
                      const struct cw_error *err, bool dry_run)
{
    cw_cli_progress(NULL);
    if (cli->json)
        print_json(report, err);
    else
        print_text(report, err != NULL, dry_run);
    if (!cli->json && !dry_run)
        print_notes(report->run);
    fflush(stdout);
}

static void print_sent(const struct cw_run *run, bool failed)
{
    const struct cw_run_counts *c = &run->counts;
    printf("%s%.*s %.*s%s: %llu messages", cw_cli_bold(), CW_SLICE_ARG(run->cart), CW_SLICE_ARG(run->stream),
           cw_cli_plain(), COUNT(c->read));
    if (c->read > 0)
        printf(" = %llu sent + %llu to be sent again + %llu failed or unknown + %llu needless",
               COUNT(c->posted), COUNT(c->unchanged), COUNT(c->parked), COUNT(c->skipped));
    else if (failed)
        printf(" before it failed");
    printf(" (%llu requests, %.1f s)\n", COUNT(c->requests), seconds(run));
    if (!failed && run->message.len > 0)
        printf("  %.*s\n", CW_SLICE_ARG(run->message));
    if (c->parked > 0)
        printf("  see: cartwright list messages %.*s --stream %.*s --state unknown, or failed\n",
               CW_SLICE_ARG(run->cart), CW_SLICE_ARG(run->stream));
}

void cw_cli_print_sent(const struct cw_cli *cli, const struct cw_run *run, const struct cw_error *err)
{
    const struct cw_sync_report report = { run, 0 };
    cw_cli_progress(NULL);
    if (cli->json)
        print_json(&report, err);
    else
        print_sent(run, err != NULL);
    fflush(stdout);
}

void cw_cli_fail_in(const struct cw_cli *cli, const struct cw_error *err, const char *context)
{
    struct cw_error copy = *err;
    struct cw_cli plain = *cli;
    plain.json = false;
    cw_fail_in(&copy, "%s", context);
    cw_cli_fail(&plain, &copy);
}
