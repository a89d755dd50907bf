/* mime_walk.c - the parts of a mail, depth first: which one is the text, and what is attached. */
#include <strings.h>

#include "adapters/mime_private.h"

/* --- bytes of parts --- */

static bool same_word(const char *a, const char *b)
{
    return a != NULL && strcasecmp(a, b) == 0;
}

static bool ends_in(struct cw_slice text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && strncasecmp(text.data + text.len - len, end, len) == 0;
}

static bool write_decoded(GMimePart *part, GMimeStream *out)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    return content == NULL || g_mime_data_wrapper_write_to_stream(content, out) >= 0;
}

/* How base64 ends: programs leave the padding out, and mails are cut. */
struct base64_end {
    char digits[4]; /* those behind the last four that belong together */
    size_t count;   /* 0 to 3 of them */
    bool is_padded;
};

static struct base64_end read_base64_end(GMimePart *part)
{
    struct base64_end end = { .count = 0 };
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream = content != NULL ? g_mime_data_wrapper_get_stream(content) : NULL;
    char piece[4096];
    ssize_t got;
    if (stream == NULL || g_mime_data_wrapper_get_encoding(content) != GMIME_CONTENT_ENCODING_BASE64)
        return end;
    g_mime_stream_reset(stream);
    while ((got = g_mime_stream_read(stream, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            end.is_padded = end.is_padded || piece[i] == '=';
            if (!g_ascii_isalnum(piece[i]) && piece[i] != '+' && piece[i] != '/')
                continue;
            end.digits[end.count] = piece[i];
            end.count = (end.count + 1) % 4;
        }
    g_mime_stream_reset(stream);
    return end;
}

/* A single digit is left over: what was cut off cannot be told, but that it was can. */
static bool is_cut_base64(GMimePart *part)
{
    struct base64_end end = read_base64_end(part);
    return !end.is_padded && end.count == 1;
}

/* GMime drops what no padding makes whole. */
static void add_base64_end(GMimePart *part, GByteArray *bytes)
{
    struct base64_end end = read_base64_end(part);
    if (end.is_padded || end.count < 2)
        return;
    char text[5] = "====";
    gsize len = 0;
    memcpy(text, end.digits, end.count);
    guchar *last = g_base64_decode(text, &len);
    g_byte_array_append(bytes, last, (guint)len);
    g_free(last);
}

/* The caller unrefs it. */
static GByteArray *decode_part(GMimeObject *part)
{
    GByteArray *bytes = g_byte_array_new();
    GMimeStream *out = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(out), FALSE);
    if (GMIME_IS_PART(part)) {
        write_decoded(GMIME_PART(part), out);
        add_base64_end(GMIME_PART(part), bytes);
    } else if (GMIME_IS_MESSAGE_PART(part) &&
               g_mime_message_part_get_message(GMIME_MESSAGE_PART(part)) != NULL)
        g_mime_object_write_to_stream(GMIME_OBJECT(g_mime_message_part_get_message(GMIME_MESSAGE_PART(part))),
                                      NULL, out);
    g_object_unref(out);
    return bytes;
}

static bool note_damage(struct cw_mime_tree *tree, const char *what, struct cw_error *err)
{
    tree->mail.is_damaged = true;
    return cw_mime_note(tree, err, "the mail was cut off: %s", what);
}

/* --- what a part says of itself --- */

struct part {
    GMimeObject *object;
    char type[128];       /* "text/plain" */
    struct cw_slice name; /* kept; "" = none */
    const char *charset;  /* "" = not said */
    bool is_attached;     /* says so */
};

bool cw_mime_keep_name(struct cw_mime_tree *tree, struct cw_slice raw, struct cw_slice *out,
                       struct cw_error *err)
{
    char *valid = g_utf8_make_valid(raw.data != NULL ? raw.data : "", (gssize)raw.len);
    char *name = valid;
    for (char *at = valid; *at != '\0'; at++) {
        if (*at == '/' || *at == '\\')
            name = at + 1;
        else if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    bool ok = cw_mime_keep(tree, cw_slice_trim(cw_slice(name)), out, err);
    g_free(valid);
    return ok;
}

static bool describe(struct cw_mime_tree *tree, GMimeObject *object, struct part *part, struct cw_error *err)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *name = type != NULL ? g_mime_content_type_get_mime_type(type) : NULL;
    const char *charset = type != NULL ? g_mime_content_type_get_parameter(type, "charset") : NULL;
    *part = (struct part){ .object = object, .charset = charset != NULL ? charset : "" };
    g_strlcpy(part->type, name != NULL ? name : "text/plain", sizeof part->type);
    for (char *at = part->type; *at != '\0'; at++)
        *at = (unsigned char)*at < 0x80 ? g_ascii_tolower(*at) : '?';
    g_free(name);
    part->is_attached = same_word(g_mime_object_get_disposition(object), "attachment");
    const char *said = GMIME_IS_PART(object) ? g_mime_part_get_filename(GMIME_PART(object)) : NULL;
    return cw_mime_keep_name(tree, cw_slice(said), &part->name, err);
}

static bool is_tnef(const struct part *part, const GByteArray *bytes)
{
    static const unsigned char signature[] = { 0x78, 0x9f, 0x3e, 0x22 };
    return strcmp(part->type, "application/ms-tnef") == 0 ||
           strcmp(part->type, "application/vnd.ms-tnef") == 0 || ends_in(part->name, "winmail.dat") ||
           (bytes->len >= sizeof signature && memcmp(bytes->data, signature, sizeof signature) == 0);
}

/* --- texts --- */

static bool is_flowed(const struct part *part, bool *delsp)
{
    GMimeContentType *type = g_mime_object_get_content_type(part->object);
    *delsp = same_word(g_mime_content_type_get_parameter(type, "delsp"), "yes");
    return same_word(g_mime_content_type_get_parameter(type, "format"), "flowed");
}

/* Of HTML that the mail says nothing about, its own word; "" = none. */
static const char *html_charset(struct cw_slice html, char out[32])
{
    size_t room = html.len < 2048 ? html.len : 2048, len = 0;
    static const char word[] = "charset=";
    for (size_t i = 0; i + sizeof word < room; i++) {
        if (strncasecmp(html.data + i, word, sizeof word - 1) != 0)
            continue;
        for (i += sizeof word - 1; i < room && len + 1 < 32; i++)
            if (g_ascii_isalnum(html.data[i]) || strchr("-_.:", html.data[i]) != NULL)
                out[len++] = html.data[i];
            else if (len > 0)
                break;
        break;
    }
    out[len] = '\0';
    return out;
}

static bool keep_body(struct cw_mime_tree *tree, const struct part *part, struct cw_slice bytes, bool is_html,
                      struct cw_error *err)
{
    char said[32];
    bool delsp;
    struct cw_buffer text = { .limit = CW_MIME_TEXT_MAX };
    const char *charset = is_html && part->charset[0] == '\0' ? html_charset(bytes, said) : part->charset;
    bool ok = cw_mime_decode(tree, bytes, charset, &text, err);
    if (ok && !is_html && is_flowed(part, &delsp))
        cw_mime_unflow(&text, delsp);
    ok = ok && (is_html || cw_mime_take_uuencoded(tree, &text, err)) &&
         cw_mime_keep(tree, cw_buffer_slice(&text), is_html ? &tree->mail.html : &tree->mail.plain, err);
    cw_buffer_fini(&text);
    return ok;
}

/* --- one part --- */

static bool note_encoding(struct cw_mime_tree *tree, GMimePart *part, struct cw_error *err)
{
    const char *said = g_mime_object_get_header(GMIME_OBJECT(part), "Content-Transfer-Encoding");
    if (said == NULL || g_mime_part_get_content_encoding(part) != GMIME_CONTENT_ENCODING_DEFAULT)
        return true;
    return cw_mime_note(tree, err, "a part's transfer encoding \"%s\" is none: read as it stands", said);
}

static bool note_unread(struct cw_mime_tree *tree, const struct part *part, const GByteArray *bytes,
                        struct cw_error *err)
{
    if (is_tnef(part, bytes)) {
        tree->mail.has_tnef = true;
        return cw_mime_note(tree, err,
                            "winmail.dat: its attachments can be read by Outlook alone; have the sender send "
                            "plain text or HTML");
    }
    if (strstr(part->type, "pkcs7-mime") != NULL) {
        tree->mail.is_encrypted = true;
        return cw_mime_note(tree, err, "the mail is encrypted, or signed so that its text cannot be seen");
    }
    return true;
}

static bool attach(struct cw_mime_tree *tree, const struct part *part, struct cw_slice bytes,
                   struct cw_error *err)
{
    struct cw_mime_attachment attachment = { .name = part->name };
    return cw_mime_keep(tree, cw_slice(part->type), &attachment.type, err) &&
           cw_mime_keep(tree, cw_slice(part->charset), &attachment.charset, err) &&
           cw_mime_keep(tree, bytes, &attachment.bytes, err) && cw_mime_attach(tree, &attachment, err);
}

static bool take_leaf(struct cw_mime_tree *tree, GMimeObject *object, struct cw_error *err)
{
    struct part part;
    if (!describe(tree, object, &part, err))
        return false;
    GByteArray *decoded = decode_part(object);
    struct cw_slice bytes = { (const char *)decoded->data, decoded->len };
    bool is_plain = strcmp(part.type, "text/plain") == 0, is_html = strcmp(part.type, "text/html") == 0;
    bool is_body = (is_plain && tree->mail.plain.data == NULL) || (is_html && tree->mail.html.data == NULL);
    bool ok = true;
    if (GMIME_IS_PART(object)) {
        ok = note_encoding(tree, GMIME_PART(object), err) && note_unread(tree, &part, decoded, err);
        if (ok && is_cut_base64(GMIME_PART(object)))
            ok = note_damage(tree, "base64 ends within a character", err);
    }
    if (ok && is_body && !part.is_attached && part.name.len == 0)
        ok = keep_body(tree, &part, bytes, is_html, err);
    else if (ok && !is_tnef(&part, decoded))
        ok = attach(tree, &part, bytes, err);
    g_byte_array_unref(decoded);
    return ok;
}

/* --- the walk --- */

static bool walk(struct cw_mime_tree *tree, GMimeObject *object, int depth, struct cw_error *err);

/* Of a signed mail the first part is what was signed, of an encrypted one nothing can be read. */
static int parts_to_read(struct cw_mime_tree *tree, GMimeMultipart *parts, GMimeContentType *type)
{
    int count = g_mime_multipart_get_count(parts);
    if (g_mime_content_type_is_type(type, "multipart", "encrypted")) {
        tree->mail.is_encrypted = true;
        return 0;
    }
    return g_mime_content_type_is_type(type, "multipart", "signed") && count > 1 ? 1 : count;
}

/* The last of the forms of a text that can be used is the richest: they are looked at from there. */
static bool walk_multipart(struct cw_mime_tree *tree, GMimeMultipart *parts, int depth, struct cw_error *err)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(parts));
    int count = parts_to_read(tree, parts, type);
    bool is_choice = g_mime_content_type_is_type(type, "multipart", "alternative");
    bool ok = parts->write_end_boundary || note_damage(tree, "a closing boundary is missing", err);
    if (tree->mail.is_encrypted && count == 0)
        ok = ok && cw_mime_note(tree, err, "the mail is encrypted");
    for (int i = 0; ok && i < count; i++)
        ok = walk(tree, g_mime_multipart_get_part(parts, is_choice ? count - 1 - i : i), depth + 1, err);
    return ok;
}

static bool walk(struct cw_mime_tree *tree, GMimeObject *object, int depth, struct cw_error *err)
{
    if (depth > CW_MIME_DEPTH_MAX)
        return cw_fail(err, CW_LIMIT, "the mail's parts are nested deeper than %d", CW_MIME_DEPTH_MAX);
    if (++tree->part_count > CW_MIME_PARTS_MAX)
        return cw_fail(err, CW_LIMIT, "the mail has more than %d parts", CW_MIME_PARTS_MAX);
    if (GMIME_IS_MULTIPART(object))
        return walk_multipart(tree, GMIME_MULTIPART(object), depth, err);
    return take_leaf(tree, object, err);
}

bool cw_mime_walk(struct cw_mime_tree *tree, GMimeObject *root, struct cw_error *err)
{
    return walk(tree, root, 0, err);
}
