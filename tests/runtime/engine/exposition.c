/* exposition.c - see exposition.h. */
#include "exposition.h"

#include <ctype.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 200 };

struct reader {
    const char *at, *end; /* of the line in hand */
    GHashTable *families, *series;
    char family[NAME_MAX_BYTES], type[32];
    bool has_help;
    /* of the histogram in hand: the labels without `le`, the bucket before, its bound */
    bool is_open;
    char labels[2 * NAME_MAX_BYTES];
    double bucket, bound;
    char *why;
};

static bool wrong(struct reader *reader, const char *what, const char *about)
{
    snprintf(reader->why, EXPOSITION_WHY_MAX, "%s: %.200s", what, about);
    return false;
}

static bool take(struct reader *reader, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* [a-zA-Z_:][a-zA-Z0-9_:]*, of labels without the colon. */
static bool take_name(struct reader *reader, char *out, bool is_label)
{
    size_t len = 0;
    for (; reader->at < reader->end && len < NAME_MAX_BYTES - 1; reader->at++) {
        unsigned char c = (unsigned char)*reader->at;
        if (!(isalpha(c) || c == '_' || (c == ':' && !is_label) || (len > 0 && isdigit(c))))
            break;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return len > 0;
}

static bool take_escaped(struct reader *reader, char *out)
{
    size_t len = 0;
    if (!take(reader, "\""))
        return wrong(reader, "a label without an opening quote", reader->at);
    while (reader->at < reader->end && *reader->at != '"' && len < NAME_MAX_BYTES - 1) {
        if (*reader->at == '\\' &&
            (++reader->at == reader->end || strchr("\\\"n", *reader->at) == NULL || *reader->at == '\0'))
            return wrong(reader, "an escape that there is not", out);
        out[len++] = *reader->at++;
    }
    out[len] = '\0';
    return take(reader, "\"") || wrong(reader, "a label without a closing quote", out);
}

/* All labels as written into `all`, the one of buckets apart. */
static bool take_labels(struct reader *reader, char *all, char *le)
{
    char name[NAME_MAX_BYTES], value[NAME_MAX_BYTES];
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = true;
    all[0] = le[0] = '\0';
    do {
        ok = take_name(reader, name, true) || wrong(reader, "no name of a label", reader->at);
        ok = ok && (take(reader, "=") || wrong(reader, "no = behind the label", name));
        ok = ok && take_escaped(reader, value);
        ok = ok && (g_hash_table_add(seen, g_strdup(name)) || wrong(reader, "a label twice", name));
        if (ok && strcmp(name, "le") == 0)
            snprintf(le, NAME_MAX_BYTES, "%s", value);
        else if (ok)
            g_snprintf(all + strlen(all), (gulong)(2 * NAME_MAX_BYTES - strlen(all)), "%s=%s\n", name, value);
    } while (ok && take(reader, ","));
    g_hash_table_unref(seen);
    return ok && (take(reader, "}") || wrong(reader, "labels without an end", reader->at));
}

static bool read_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char)*text);
}

/* --- what a sample must be in its family --- */

static bool end_histogram(struct reader *reader)
{
    bool was_open = reader->is_open;
    reader->is_open = false;
    return !was_open || wrong(reader, "a histogram without its count", reader->family);
}

static bool check_bucket(struct reader *reader, const char *labels, const char *le, double value)
{
    double bound = HUGE_VAL;
    if (strcmp(le, "+Inf") != 0 && !read_number(le, &bound))
        return wrong(reader, "a bucket without a bound", le);
    if (!reader->is_open || strcmp(reader->labels, labels) != 0) {
        if (!end_histogram(reader))
            return false;
        snprintf(reader->labels, sizeof reader->labels, "%s", labels);
        reader->is_open = true;
        reader->bucket = 0;
        reader->bound = -HUGE_VAL;
    }
    if (bound <= reader->bound)
        return wrong(reader, "buckets out of order", le);
    if (value < reader->bucket)
        return wrong(reader, "a bucket that is less than the one before", le);
    reader->bucket = value;
    reader->bound = bound;
    return true;
}

static bool check_histogram(struct reader *reader, const char *suffix, const char *labels, const char *le,
                            double value)
{
    if (strcmp(suffix, "_bucket") == 0)
        return check_bucket(reader, labels, le, value);
    if (!reader->is_open || strcmp(reader->labels, labels) != 0)
        return wrong(reader, "a sum or count without its buckets", labels);
    if (strcmp(suffix, "_sum") == 0)
        return true;
    if (strcmp(suffix, "_count") != 0)
        return wrong(reader, "no sample of a histogram", suffix);
    if (reader->bound != HUGE_VAL || value != reader->bucket)
        return wrong(reader, "the last bucket is not +Inf, or not the count", labels);
    reader->is_open = false;
    return true;
}

static bool check_sample(struct reader *reader, const char *name, const char *labels, const char *le,
                         double value)
{
    size_t len = strlen(reader->family);
    if (len == 0 || strncmp(name, reader->family, len) != 0)
        return wrong(reader, "a sample outside its family", name);
    if (strcmp(reader->type, "histogram") == 0)
        return check_histogram(reader, name + len, labels, le, value);
    if (name[len] != '\0')
        return wrong(reader, "a sample outside its family", name);
    if (strcmp(reader->type, "counter") == 0 && (value < 0 || isnan(value)))
        return wrong(reader, "a counter below zero", name);
    return true;
}

static bool read_sample(struct reader *reader)
{
    char name[NAME_MAX_BYTES], labels[2 * NAME_MAX_BYTES] = "", le[NAME_MAX_BYTES] = "";
    char number[64];
    double value;
    if (!take_name(reader, name, false))
        return wrong(reader, "no name of a metric", reader->at);
    if (take(reader, "{") && !take_labels(reader, labels, le))
        return false;
    if (!take(reader, " "))
        return wrong(reader, "no blank before the value", name);
    snprintf(number, sizeof number, "%.*s", (int)(reader->end - reader->at), reader->at);
    if (!read_number(number, &value))
        return wrong(reader, "no number", number);
    char *key = g_strdup_printf("%s\n%s\n%s", name, labels, le);
    if (!g_hash_table_add(reader->series, key))
        return wrong(reader, "a series twice", name);
    return check_sample(reader, name, labels, le, value);
}

/* --- lines --- */

static bool read_help(struct reader *reader)
{
    if (!end_histogram(reader))
        return false;
    if (!take_name(reader, reader->family, false) || !take(reader, " "))
        return wrong(reader, "HELP without a name", reader->at);
    for (const char *c = reader->at; c < reader->end; c++)
        if (*c == '\\' && (++c == reader->end || (*c != '\\' && *c != 'n')))
            return wrong(reader, "an escape in HELP that there is not", reader->family);
    reader->has_help = true;
    reader->type[0] = '\0';
    return g_hash_table_add(reader->families, g_strdup(reader->family)) ||
           wrong(reader, "a family in two pieces", reader->family);
}

static bool read_type(struct reader *reader)
{
    char name[NAME_MAX_BYTES];
    if (!take_name(reader, name, false) || !take(reader, " ") || !reader->has_help ||
        strcmp(name, reader->family) != 0)
        return wrong(reader, "TYPE without its HELP before it", name);
    snprintf(reader->type, sizeof reader->type, "%.*s", (int)(reader->end - reader->at), reader->at);
    reader->has_help = false;
    bool is_counter = strcmp(reader->type, "counter") == 0;
    if (!is_counter && strcmp(reader->type, "gauge") != 0 && strcmp(reader->type, "histogram") != 0)
        return wrong(reader, "a type that there is not", reader->type);
    return g_str_has_suffix(name, "_total") == is_counter ||
           wrong(reader, "_total is for counters, and for all of them", name);
}

static bool read_line(struct reader *reader)
{
    if (take(reader, "# HELP "))
        return read_help(reader);
    if (take(reader, "# TYPE "))
        return read_type(reader);
    if (reader->at < reader->end && *reader->at == '#')
        return true;
    return read_sample(reader);
}

static bool read_lines(struct reader *reader, struct cw_slice text, int *line)
{
    const char *end = text.data + text.len;
    for (const char *start = text.data; start < end; start = reader->end + 1) {
        ++*line;
        reader->at = start;
        reader->end = memchr(start, '\n', (size_t)(end - start));
        if (reader->end == NULL)
            return wrong(reader, "the last line does not end", start);
        if (!read_line(reader))
            return false;
    }
    return end_histogram(reader);
}

bool exposition_check(struct cw_slice text, char why[EXPOSITION_WHY_MAX])
{
    char what[EXPOSITION_WHY_MAX] = "";
    struct reader reader = { .families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .why = what };
    int line = 0;
    bool ok = g_utf8_validate(text.data, (gssize)text.len, NULL) || wrong(&reader, "no UTF-8", "");
    ok = ok && read_lines(&reader, text, &line);
    g_hash_table_unref(reader.families);
    g_hash_table_unref(reader.series);
    snprintf(why, EXPOSITION_WHY_MAX, "line %d: %.350s", line, what);
    return ok;
}

double exposition_value(struct cw_slice text, const char *series)
{
    size_t len = strlen(series);
    const char *end = text.data + text.len;
    for (const char *start = text.data; start < end;) {
        const char *stop = memchr(start, '\n', (size_t)(end - start));
        if (stop == NULL)
            break;
        if ((size_t)(stop - start) > len && memcmp(start, series, len) == 0 && start[len] == ' ')
            return strtod(start + len, NULL);
        start = stop + 1;
    }
    return NAN;
}
