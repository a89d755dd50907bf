/* mime.c - see mime.h: the head of a mail, what kind of mail it is, and who owns the tree. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "adapters/mime_private.h"

static void start_library(void)
{
    g_mime_init();
}

/* --- keeping --- */

static bool no_memory(struct cw_error *err)
{
    return cw_fail(err, CW_NOMEM, "no memory for the parts of a mail");
}

bool cw_mime_keep(struct cw_mime_tree *tree, struct cw_slice text, struct cw_slice *out, struct cw_error *err)
{
    *out = cw_arena_copy(&tree->arena, text);
    return out->data != NULL || no_memory(err);
}

bool cw_mime_note(struct cw_mime_tree *tree, struct cw_error *err, const char *fmt, ...)
{
    char text[256];
    va_list args;
    if (tree->mail.note_count == CW_MIME_NOTES_MAX)
        return true;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *valid = g_utf8_make_valid(text, -1);
    bool ok = cw_mime_keep(tree, cw_slice(valid), &tree->notes[tree->mail.note_count], err);
    g_free(valid);
    tree->mail.note_count += ok;
    return ok;
}

bool cw_mime_attach(struct cw_mime_tree *tree, const struct cw_mime_attachment *attachment,
                    struct cw_error *err)
{
    if (tree->mail.attachment_count == CW_MIME_PARTS_MAX)
        return cw_fail(err, CW_LIMIT, "the mail has more than %d attachments", CW_MIME_PARTS_MAX);
    tree->attachments[tree->mail.attachment_count++] = *attachment;
    return true;
}

/* Header values that GMime made: mostly UTF-8. A zero byte cannot be in them. */
static bool keep_text(struct cw_mime_tree *tree, const char *text, struct cw_slice *out, struct cw_error *err)
{
    char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
    bool ok = cw_mime_keep(tree, cw_slice_trim(cw_slice(valid != NULL ? valid : "")), out, err);
    g_free(valid);
    return ok;
}

/* --- headers --- */

static bool read_headers(struct cw_mime_tree *tree, GMimeObject *message, struct cw_error *err)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(message);
    int count = g_mime_header_list_get_count(list);
    if (count > CW_MIME_HEADERS_MAX)
        return cw_fail(err, CW_LIMIT, "the mail has more than %d headers", CW_MIME_HEADERS_MAX);
    struct cw_mime_header *headers =
        cw_arena_alloc(&tree->arena, ((size_t)count + 1) * sizeof(struct cw_mime_header));
    if (headers == NULL)
        return no_memory(err);
    for (int i = 0; i < count; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
        if (!keep_text(tree, g_mime_header_get_name(header), &headers[i].name, err) ||
            !keep_text(tree, g_mime_header_get_value(header), &headers[i].value, err))
            return false;
    }
    tree->mail.headers = headers;
    tree->mail.header_count = (size_t)count;
    return true;
}

/* The first of that name counts; "" = none. */
static struct cw_slice header(const struct cw_mime *mail, const char *name)
{
    for (size_t i = 0; i < mail->header_count; i++)
        if (mail->headers[i].name.len == strlen(name) &&
            strncasecmp(mail->headers[i].name.data, name, strlen(name)) == 0)
            return mail->headers[i].value;
    return (struct cw_slice){ "", 0 };
}

static const char *raw_header(GMimeObject *message, const char *name)
{
    GMimeHeader *found = g_mime_header_list_get_header(g_mime_object_get_header_list(message), name);
    return found != NULL ? g_mime_header_get_raw_value(found) : NULL;
}

/* Without < and >, and without what a form's program puts behind them. */
static struct cw_slice strip_id(struct cw_slice id)
{
    const char *begin = id.len > 0 ? memchr(id.data, '<', id.len) : NULL;
    if (begin == NULL)
        return id;
    struct cw_slice rest = { begin + 1, (size_t)(cw_slice_end(id) - begin - 1) };
    const char *end = rest.len > 0 ? memchr(rest.data, '>', rest.len) : NULL;
    return cw_slice_trim(end != NULL ? (struct cw_slice){ rest.data, (size_t)(end - rest.data) } : rest);
}

/* Of a group its first member. */
static InternetAddressMailbox *first_mailbox(InternetAddressList *list, int depth)
{
    int count = list != NULL ? internet_address_list_length(list) : 0;
    for (int i = 0; i < count; i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_MAILBOX(address))
            return INTERNET_ADDRESS_MAILBOX(address);
        InternetAddressMailbox *inside =
            depth < 2 && INTERNET_ADDRESS_IS_GROUP(address)
                ? first_mailbox(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)),
                                depth + 1)
                : NULL;
        if (inside != NULL)
            return inside;
    }
    return NULL;
}

static bool read_address(struct cw_mime_tree *tree, const char *raw, struct cw_slice *name,
                         struct cw_slice *address, struct cw_error *err)
{
    InternetAddressList *list = raw != NULL ? internet_address_list_parse(tree->options, raw) : NULL;
    InternetAddressMailbox *mailbox = first_mailbox(list, 0);
    bool ok =
        keep_text(tree, mailbox != NULL ? internet_address_get_name(INTERNET_ADDRESS(mailbox)) : NULL, name,
                  err) &&
        keep_text(tree, mailbox != NULL ? internet_address_mailbox_get_addr(mailbox) : NULL, address, err);
    if (list != NULL)
        g_object_unref(list);
    return ok;
}

static cw_time read_date(const char *raw)
{
    GDateTime *date = raw != NULL ? g_mime_utils_header_decode_date(raw) : NULL;
    if (date == NULL)
        return CW_TIME_NONE;
    int year = g_date_time_get_year(date);
    cw_time at = g_date_time_to_unix(date) * CW_SECOND;
    g_date_time_unref(date);
    return year >= 1970 && year <= 9999 ? at : CW_TIME_NONE;
}

static bool read_head(struct cw_mime_tree *tree, GMimeObject *message, struct cw_error *err)
{
    struct cw_mime *mail = &tree->mail;
    if (!read_headers(tree, message, err))
        return false;
    mail->subject = header(mail, "Subject");
    mail->message_id = strip_id(header(mail, "Message-ID"));
    mail->date = read_date(raw_header(message, "Date"));
    return read_address(tree, raw_header(message, "From"), &mail->from_name, &mail->from_address, err) &&
           read_address(tree, raw_header(message, "To"), &mail->to_name, &mail->to_address, err);
}

/* --- kinds --- */

static bool begins(struct cw_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.data, word, len) == 0;
}

static bool has_header(const struct cw_mime *mail, const char *name, const char *word)
{
    return begins(header(mail, name), word);
}

static bool is_report(GMimeObject *root)
{
    GMimeContentType *type = root != NULL ? g_mime_object_get_content_type(root) : NULL;
    return type != NULL && g_mime_content_type_is_type(type, "multipart", "report");
}

static enum cw_mime_kind kind_of(const struct cw_mime *mail, GMimeObject *root)
{
    struct cw_slice automatic = header(mail, "Auto-Submitted");
    if (begins(automatic, "auto-replied") || has_header(mail, "Precedence", "auto_reply") ||
        header(mail, "X-Autoreply").len > 0)
        return CW_MIME_AUTO_REPLY;
    if (is_report(root) || cw_slice_is(header(mail, "Return-Path"), "<>") ||
        begins(mail->from_address, "mailer-daemon@"))
        return CW_MIME_BOUNCE;
    if (has_header(mail, "Precedence", "bulk") || has_header(mail, "Precedence", "junk"))
        return CW_MIME_BULK;
    return automatic.len > 0 && !begins(automatic, "no") ? CW_MIME_GENERATED : CW_MIME_MAIL;
}

const char *cw_mime_kind_name(enum cw_mime_kind kind)
{
    static const char *const names[] = { NULL, "bounce", "auto-reply", "bulk", "generated" };
    return names[kind];
}

/* --- parsing --- */

static void hear_warning(gint64 offset, GMimeParserWarning warning, const gchar *item, gpointer arg)
{
    (void)offset, (void)item;
    struct cw_mime_tree *tree = arg;
    if (warning == GMIME_CRIT_NESTING_OVERFLOW)
        tree->is_too_deep = true;
}

static GMimeMessage *construct(struct cw_mime_tree *tree, struct cw_slice bytes)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes.data, bytes.len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_persist_stream(parser, TRUE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, tree->options);
    g_object_unref(parser);
    g_object_unref(stream);
    return message;
}

static bool read_message(struct cw_mime_tree *tree, GMimeMessage *message, struct cw_error *err)
{
    GMimeObject *root = g_mime_message_get_mime_part(message);
    if (!read_head(tree, GMIME_OBJECT(message), err))
        return false;
    if (tree->mail.header_count == 0 && root == NULL)
        return cw_fail(err, CW_INVALID, "this is no mail: it has no headers");
    tree->mail.kind = kind_of(&tree->mail, root);
    return root == NULL || cw_mime_walk(tree, root, err);
}

/* GMime nests by recursion, and looks at each line once for every boundary that is open. */
static bool check_boundaries(struct cw_slice bytes, struct cw_error *err)
{
    static const char word[] = "boundary";
    size_t count = 0;
    for (size_t i = 0; i + sizeof word < bytes.len; i++) {
        const char *next = memchr(bytes.data + i, '=', bytes.len - i);
        if (next == NULL)
            break;
        i = (size_t)(next - bytes.data);
        if (i >= sizeof word - 1 && strncasecmp(next - (sizeof word - 1), word, sizeof word - 1) == 0)
            count++;
    }
    return count <= CW_MIME_PARTS_MAX ||
           cw_fail(err, CW_LIMIT, "the mail has more than %d multiparts", CW_MIME_PARTS_MAX);
}

static bool read_tree(struct cw_mime_tree *tree, struct cw_slice bytes, struct cw_error *err)
{
    static const char *fallbacks[] = { "utf-8", "windows-1252", NULL };
    tree->options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(tree->options, fallbacks);
    g_mime_parser_options_set_warning_callback(tree->options, hear_warning, tree);
    GMimeMessage *message = construct(tree, bytes);
    bool ok = message != NULL ? read_message(tree, message, err)
                              : cw_fail(err, CW_INVALID, "this is no mail: it has no headers");
    if (message != NULL)
        g_object_unref(message);
    g_mime_parser_options_free(tree->options);
    tree->options = NULL;
    if (ok && tree->is_too_deep)
        ok = cw_fail(err, CW_LIMIT, "the mail's parts are nested deeper than %d", CW_MIME_DEPTH_MAX);
    return ok;
}

struct cw_mime *cw_mime_parse(struct cw_slice bytes, const char *charset, struct cw_error *err)
{
    static pthread_once_t started = PTHREAD_ONCE_INIT;
    pthread_once(&started, start_library);
    struct cw_mime_tree *tree = NULL;
    if (bytes.len > CW_MIME_BYTES_MAX)
        cw_fail(err, CW_LIMIT, "the mail has %zu bytes, more than %d MiB", bytes.len,
                CW_MIME_BYTES_MAX / (1024 * 1024));
    else if (charset != NULL && !cw_mime_knows_charset(charset))
        cw_fail(err, CW_USAGE, "nobody here knows the charset %s; write \"windows-1252\", say", charset);
    else if (check_boundaries(bytes, err) && (tree = calloc(1, sizeof *tree)) == NULL)
        no_memory(err);
    if (tree == NULL)
        return NULL;
    cw_arena_init(&tree->arena, 0);
    tree->charset = charset != NULL ? charset : "windows-1252";
    tree->mail.attachments = tree->attachments;
    tree->mail.notes = tree->notes;
    if (read_tree(tree, bytes, err))
        return &tree->mail;
    cw_mime_free(&tree->mail);
    return NULL;
}

void cw_mime_free(struct cw_mime *mail)
{
    struct cw_mime_tree *tree = (struct cw_mime_tree *)mail;
    if (tree == NULL)
        return;
    cw_arena_fini(&tree->arena);
    free(tree);
}
