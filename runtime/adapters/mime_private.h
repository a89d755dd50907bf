/* mime_private.h - what the files of mails share: mime.c reads the head and owns the tree, mime_walk.c goes
 * through the parts, mime_text.c makes UTF-8 of their bytes, mime_unwrap.c takes format=flowed and uuencode
 * out of texts. */
#ifndef CW_ADAPTERS_MIME_PRIVATE_H
#define CW_ADAPTERS_MIME_PRIVATE_H

#include <gmime/gmime.h>

#include "adapters/mime.h"
#include "base/arena.h"
#include "base/buffer.h"

enum { CW_MIME_NOTES_MAX = 100 };

struct cw_mime_tree {
    struct cw_mime mail; /* first: the two convert into each other */
    struct cw_arena arena;
    const char *charset; /* for texts that do not say theirs; while it is read */
    GMimeParserOptions *options;
    struct cw_mime_attachment attachments[CW_MIME_PARTS_MAX];
    struct cw_slice notes[CW_MIME_NOTES_MAX];
    size_t part_count;
    bool is_too_deep;
};

/* Each fails with CW_NOMEM or CW_LIMIT; notes past the last one are dropped. */
bool cw_mime_note(struct cw_mime_tree *tree, struct cw_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool cw_mime_keep(struct cw_mime_tree *tree, struct cw_slice text, struct cw_slice *out,
                  struct cw_error *err);
bool cw_mime_attach(struct cw_mime_tree *tree, const struct cw_mime_attachment *attachment,
                    struct cw_error *err);

/* mime_walk.c: a name without folders in it, nor characters that move a cursor; and the parts. */
bool cw_mime_keep_name(struct cw_mime_tree *tree, struct cw_slice raw, struct cw_slice *out,
                       struct cw_error *err);
bool cw_mime_walk(struct cw_mime_tree *tree, GMimeObject *root, struct cw_error *err);

/* mime_text.c: appends UTF-8 with "\n" as line ends. `charset` "" = not said. */
bool cw_mime_decode(struct cw_mime_tree *tree, struct cw_slice bytes, const char *charset,
                    struct cw_buffer *out, struct cw_error *err);
bool cw_mime_knows_charset(const char *charset);

/* mime_unwrap.c: in place of `text`, whose end they bring forward. */
void cw_mime_unflow(struct cw_buffer *text, bool delsp);
/* Files that stand in the text between "begin 644 NAME" and "end" become attachments. */
bool cw_mime_take_uuencoded(struct cw_mime_tree *tree, struct cw_buffer *text, struct cw_error *err);

#endif
