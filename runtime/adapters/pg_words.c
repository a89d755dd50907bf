/* pg_words.c - see pg_words.h. */
#include "adapters/pg_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { WORD_MAX = 64 }; /* PostgreSQL cuts names after 63 bytes */

enum kind { END, NAME, PARAM, SIGN, OTHER };

struct token {
    enum kind kind;
    const char *start, *end;
    bool is_quoted;
    char name[WORD_MAX]; /* of a NAME, in lower case unless quoted */
};

/* --- tokens --- */

static bool begins_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool goes_on_name(char c)
{
    return begins_name(c) || isdigit((unsigned char)c) || c == '$';
}

static const char *skip_line(const char *p)
{
    return p + strcspn(p, "\n");
}

/* Comments nest. */
static const char *skip_comment(const char *p)
{
    int depth = 0;
    do {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            depth--;
            p += 2;
        } else {
            p++;
        }
    } while (depth > 0 && *p != '\0');
    return p;
}

static const char *skip_blanks(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n\f\v");
        if (p[0] == '-' && p[1] == '-')
            p = skip_line(p);
        else if (p[0] == '/' && p[1] == '*')
            p = skip_comment(p);
        else
            return p;
    }
}

/* Behind the closing quote; a doubled one does not close. */
static const char *skip_quoted(const char *p, char quote, bool has_backslashes)
{
    for (p++; *p != '\0'; p++) {
        if (has_backslashes && *p == '\\' && p[1] != '\0')
            p++;
        else if (*p == quote && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return p;
}

/* $tag$ ... $tag$; NULL when it is none. */
static const char *skip_dollars(const char *p)
{
    const char *tag_end = p + 1;
    while (goes_on_name(*tag_end) && *tag_end != '$')
        tag_end++;
    if (*tag_end != '$')
        return NULL;
    size_t len = (size_t)(tag_end + 1 - p);
    for (const char *at = tag_end + 1; (at = strchr(at, '$')) != NULL; at++)
        if (strncmp(at, p, len) == 0)
            return at + len;
    return p + strlen(p);
}

static void take_name(struct token *token)
{
    size_t len = 0;
    const char *p = token->is_quoted ? token->start + 1 : token->start;
    const char *end = token->is_quoted ? token->end - 1 : token->end;
    for (; p < end && len < WORD_MAX - 1; p++) {
        token->name[len++] = token->is_quoted ? *p : (char)tolower((unsigned char)*p);
        if (token->is_quoted && *p == '"')
            p++;
    }
    token->name[len] = '\0';
}

/* A string may have a letter in front: E'', B'', X'', N'', U&''. */
static const char *skip_prefixed_string(const char *p)
{
    size_t prefix = strncasecmp(p, "u&", 2) == 0 ? 2 : 1;
    if (p[prefix] != '\'' || (prefix == 1 && strchr("eEbBxXnN", *p) == NULL))
        return NULL;
    return skip_quoted(p + prefix, '\'', *p == 'e' || *p == 'E');
}

static struct token next_token(const char *p)
{
    struct token token = { .kind = SIGN, .start = skip_blanks(p) };
    const char *at = token.start, *end = NULL;
    token.end = at + 1;
    if (*at == '\0') {
        token.kind = END;
        token.end = at;
    } else if (*at == '\'') {
        token.kind = OTHER;
        token.end = skip_quoted(at, '\'', false);
    } else if (*at == '$' && isdigit((unsigned char)at[1])) {
        token.kind = PARAM;
        for (token.end++; isdigit((unsigned char)*token.end);)
            token.end++;
    } else if ((*at == '$' && (end = skip_dollars(at)) != NULL) ||
               (begins_name(*at) && (end = skip_prefixed_string(at)) != NULL)) {
        token.kind = OTHER;
        token.end = end;
    } else if (*at == '"' || begins_name(*at)) {
        token.kind = NAME;
        token.is_quoted = *at == '"';
        while (!token.is_quoted && goes_on_name(*token.end))
            token.end++;
        if (token.is_quoted)
            token.end = skip_quoted(at, '"', false);
        take_name(&token);
    }
    return token;
}

static bool is_sign(const struct token *token, char sign)
{
    return token->kind == SIGN && *token->start == sign;
}

/* --- what must not be named --- */

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static bool begins_with(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strncmp(name, *list, strlen(*list)) == 0)
            return true;
    return false;
}

/* The server's own tables and functions, large objects, other databases, sequences, and functions that take
 * SQL as a text. */
static bool is_forbidden(const char *name)
{
    static const char *const beginnings[] = { "pg_",       "lo_",        "dblink",     "query_to_",
                                              "table_to_", "cursor_to_", "schema_to_", "database_to_",
                                              "crosstab",  NULL };
    static const char *const names[] = { "information_schema",
                                         "set_config",
                                         "current_setting",
                                         "nextval",
                                         "currval",
                                         "setval",
                                         "lastval",
                                         "loread",
                                         "lowrite",
                                         "ts_stat",
                                         "ts_rewrite",
                                         "connectby",
                                         "xpath_table",
                                         NULL };
    return begins_with(name, beginnings) || is_one_of(name, names);
}

static bool fail_name(const struct token *token, struct cw_error *err)
{
    return cw_fail(err, CW_REFUSED, "not authorized to use %s; a query may only read the store's own tables",
                   token->name);
}

/* U&"..." could spell any name. */
static bool is_spelled_out(const struct token *token, const struct token *before)
{
    return token->is_quoted && token->start > before->start && token->start[-1] == '&';
}

static bool check_name(const struct token *token, const struct token *before, struct cw_pg_words *words,
                       struct cw_error *err)
{
    bool is_users = strcmp(token->name, "users") == 0;
    if (is_forbidden(token->name) || is_spelled_out(token, before))
        return fail_name(token, err);
    if (strcmp(token->name, "password_hash") == 0 || (is_users && is_sign(before, '.')))
        return cw_fail(err, CW_REFUSED,
                       "access to users.password_hash is prohibited; a query may only read, "
                       "with SELECT");
    words->names_users = words->names_users || is_users;
    return true;
}

/* --- how it begins --- */

/* Commands of either engine; what is none of them is for the server to complain about. */
static bool is_command(const char *name)
{
    static const char *const commands[] = {
        "abort",   "alter",   "analyze",  "analyse",  "attach",    "begin",    "call",       "checkpoint",
        "close",   "cluster", "comment",  "commit",   "copy",      "create",   "deallocate", "declare",
        "delete",  "detach",  "discard",  "do",       "drop",      "end",      "execute",    "explain",
        "fetch",   "grant",   "import",   "insert",   "listen",    "load",     "lock",       "merge",
        "move",    "notify",  "pragma",   "prepare",  "reassign",  "refresh",  "reindex",    "release",
        "replace", "reset",   "revoke",   "rollback", "savepoint", "security", "set",        "show",
        "start",   "table",   "truncate", "unlisten", "update",    "vacuum",   NULL
    };
    return is_one_of(name, commands);
}

static bool check_first(const char *sql, const struct token *first, struct cw_pg_words *words,
                        struct cw_error *err)
{
    if (first->kind == END || is_sign(first, ';'))
        return cw_fail(err, CW_USAGE, "the query is empty");
    if (first->kind != NAME || first->is_quoted)
        return is_sign(first, '(') || cw_fail(err, CW_USAGE, "the query is faulty: it begins with \"%.*s\"",
                                              (int)(first->end - first->start), first->start);
    if (strcmp(first->name, "with") == 0) {
        struct token next = next_token(first->end);
        bool is_recursive = next.kind == NAME && strcmp(next.name, "recursive") == 0 && !next.is_quoted;
        words->with_at = (size_t)((is_recursive ? next.end : first->end) - sql);
        return true;
    }
    if (strcmp(first->name, "select") == 0 || strcmp(first->name, "values") == 0)
        return true;
    if (is_command(first->name))
        return cw_fail(err, CW_REFUSED, "not authorized; a query may only read, with SELECT");
    return cw_fail(err, CW_USAGE, "the query is faulty: it begins with \"%s\"; write SELECT",
                   first->name[0] != '\0' ? first->name : "\"");
}

static bool check_param(const struct token *token, struct cw_pg_words *words)
{
    unsigned long number = strtoul(token->start + 1, NULL, 10);
    if (number > words->params)
        words->params = number < 1000000 ? (unsigned)number : 1000000;
    return number > 0;
}

bool cw_pg_read_words(const char *sql, struct cw_pg_words *words, struct cw_error *err)
{
    struct token before = { .kind = END, .start = sql, .end = sql }, token = next_token(sql);
    *words = (struct cw_pg_words){ 0 };
    if (!check_first(sql, &token, words, err))
        return false;
    for (; token.kind != END; before = token, token = next_token(token.end)) {
        if (is_sign(&before, ';'))
            return cw_fail(err, CW_REFUSED, "a query is one statement; there is more after its semicolon");
        if (token.kind == NAME && !check_name(&token, &before, words, err))
            return false;
        if (token.kind == PARAM && !check_param(&token, words))
            return cw_fail(err, CW_USAGE, "the query has a parameter $0; write $1, $2");
    }
    return true;
}
