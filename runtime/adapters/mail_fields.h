/* mail_fields.h - texts of "Field: value" lines, as forms send them by mail, taken apart.
 *
 * A field begins a line: its name, then ":", "=" or "\xEF\xBC\x9A", then its value. Lines right below belong
 * to the value, up to a blank line; of the fields in `texts` up to the next field, blank lines and all. Where
 * `names` are given, only these begin a field: a value may hold colons. Names are compared without case, and
 * blanks,
 * "_" and "-" are one; a number at the end ("sku_1", "Artikel 2") or in brackets ("item[0][sku]") is an
 * index. A rule (five and more of -=_*#~ alone on a line) ends a value; "-- " ends the text.
 */
#ifndef CW_ADAPTERS_MAIL_FIELDS_H
#define CW_ADAPTERS_MAIL_FIELDS_H

#include "base/arena.h"
#include "base/error.h"

enum { CW_MAIL_FIELDS_MAX = 100000, CW_MAIL_FIELD_NAME_MAX = 100 /* bytes */ };

struct cw_mail_form {
    const struct cw_slice *names; /* with "[]" where an index in brackets stands */
    size_t name_count;            /* 0 = every name is one */
    const struct cw_slice *texts;
    size_t text_count;
    const struct cw_slice *firsts; /* of these the one that an order has first begins another when it comes
                                      again; another of them says something of the same order */
    size_t first_count;
    struct cw_slice separator; /* a line that begins so begins another order; "" = none does */
};

struct cw_mail_field {
    struct cw_slice name;  /* folded, without its index: "sku", "item[] sku" */
    struct cw_slice value; /* lines between "\n", blanks around it off; "" = empty, which is not missing */
    long index;            /* -1 = none */
    unsigned order;        /* 0 = the first of the mail */
};

struct cw_mail_fields {
    const struct cw_mail_field *fields;
    size_t count;
    struct cw_slice rest; /* lines that belong to no field, between "\n" */
};

/* Everything lives in the arena. CW_LIMIT when it is full, or there are too many fields. */
bool cw_mail_fields_read(struct cw_slice text, const struct cw_mail_form *form, struct cw_arena *arena,
                         struct cw_mail_fields *out, struct cw_error *err);

/* A name as it is compared. `out` has name.len * 3 + 1 bytes; returns the length. */
size_t cw_mail_fold(struct cw_slice name, char *out);

#endif
