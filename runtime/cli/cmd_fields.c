/* cmd_fields.c - `cartwright fields [KIND]`: the kinds of documents and their fields, with what they mean. */
#include <stdio.h>
#include <string.h>

#include "base/document.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/office.h"

static void print_choices(const struct cw_field *field)
{
    for (size_t i = 0; field->choices != NULL && field->choices[i] != NULL; i++)
        printf("%s%s", i == 0 ? "; one of " : ", ", field->choices[i]);
}

static const char *type_of(const struct cw_field *field)
{
    return field->kind != NULL ? field->kind->name : cw_type_name(field->type);
}

static void print_text(const struct cw_kind *kind)
{
    printf("%s%s%s%s\n", cw_cli_bold(), kind->name, cw_cli_plain(),
           kind->is_document ? "" : " (part of others)");
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct cw_field *field = &kind->fields[i];
        printf("  %-20s %-9s %s%s", field->name, type_of(field), field->type == CW_LIST ? "list: " : "",
               field->help);
        print_choices(field);
        putchar('\n');
    }
    printf("  %-20s %-9s fields of your own\n\n", "custom", "any");
}

static void print_markdown(const struct cw_kind *kind)
{
    printf("\n## %s\n\n| field | type | meaning |\n|---|---|---|\n", kind->name);
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct cw_field *field = &kind->fields[i];
        printf("| `%s` | %s%s | %s", field->name, field->type == CW_LIST ? "list of " : "", type_of(field),
               field->help);
        print_choices(field);
        puts(" |");
    }
}

static void print_json(const struct cw_kind *kind)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct cw_field *field = &kind->fields[i];
        printf("{\"kind\":\"%s\",\"field\":\"%s\",\"type\":\"%s\",\"of\":\"%s\",\"meaning\":", kind->name,
               field->name, cw_type_name(field->type), field->kind != NULL ? field->kind->name : "");
        cw_cli_json_text(cw_slice(field->help));
        printf(",\"choices\":[");
        for (size_t c = 0; field->choices != NULL && field->choices[c] != NULL; c++)
            printf("%s\"%s\"", c == 0 ? "" : ",", field->choices[c]);
        puts("]}");
    }
}

static const char markdown_head[] =
    "# Fields\n\nThe kinds of documents and their fields, as mappings, rules, edits and the store know them. "
    "Made by\n"
    "`cartwright fields --markdown`. Each kind also has `custom`: fields of your own, by name.\n";

int cw_cmd_fields(int argc, char **argv)
{
    struct cw_cli cli = { 0 };
    gboolean markdown = FALSE;
    const GOptionEntry entries[] = {
        { "markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "As a page of Markdown", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    int code = cw_cli_parse(
        &cli, &argc, &argv, "[KIND]",
        "Lists the fields of documents: what a mapping may fill, a rule may ask, an edit may set.", entries,
        0, 1);
    const struct cw_kind *only = code < 0 && argc > 1 ? cw_kind_find(cw_slice(argv[1])) : NULL;
    if (code < 0 && argc > 1 && only == NULL)
        only = cw_office_kind(cw_slice(argv[1]), NULL);
    if (code < 0 && argc > 1 && only == NULL) {
        fprintf(stderr, "cartwright fields: there is no kind %s; `cartwright fields` lists all\n", argv[1]);
        code = 2;
    }
    if (code < 0 && markdown)
        fputs(markdown_head, stdout);
    for (size_t i = 0; code < 0 && cw_kinds[i] != NULL; i++) {
        if (only != NULL && only != cw_kinds[i])
            continue;
        if (markdown)
            print_markdown(cw_kinds[i]);
        else if (cli.json)
            print_json(cw_kinds[i]);
        else
            print_text(cw_kinds[i]);
    }
    g_free(cli.folder);
    return code < 0 ? 0 : code;
}
