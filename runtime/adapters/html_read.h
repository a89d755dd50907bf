/* html_read.h - what a person sees of HTML: its text, and its tables; through libxml2, which reads anything.
 *
 * Blanks are folded, no-break spaces are blanks, <br> and the ends of blocks are "\n". What is not shown is
 * left out: style, script, and what is hidden by an attribute or by display:none, as the first lines of mails
 * are. Entities are decoded once.
 */
#ifndef CW_ADAPTERS_HTML_READ_H
#define CW_ADAPTERS_HTML_READ_H

#include "base/arena.h"
#include "base/error.h"

enum {
    CW_HTML_DEPTH_MAX = 200, /* elements inside each other; what lies deeper is left out */
    CW_HTML_TABLES_MAX = 1000,
    CW_HTML_COLSPAN_MAX = 100
};

struct cw_html_cell {
    struct cw_slice text; /* without that of tables inside */
    unsigned colspan;     /* 1 and more */
};

struct cw_html_row {
    const struct cw_html_cell *cells;
    size_t count;
};

struct cw_html_table {
    const struct cw_html_row *rows;
    size_t count;
};

struct cw_html {
    struct cw_slice text;
    const struct cw_html_table *tables; /* as they begin; one inside another is one of its own */
    size_t count;
};

/* `html` is UTF-8, whatever it says of itself. Everything lives in the arena. CW_LIMIT when it is full. */
bool cw_html_read(struct cw_slice html, struct cw_arena *arena, struct cw_html *out, struct cw_error *err);

#endif
