/* mime_fuzz.c - any bytes are read as a mail or refused; all its texts are UTF-8 without a zero byte, and its
 * attachments together are not larger than it. */
#include "fuzz.h"

#include <string.h>

#include "adapters/mime.h"
#include "adapters/utf8.h"

static void check_text(struct cw_slice text)
{
    uint32_t point;
    for (const char *at = text.data, *end = cw_slice_end(text); at < end;) {
        unsigned len = cw_utf8_read(at, end, &point);
        MUST(len > 0 && point != 0);
        at += len;
    }
}

static void check_mail(const struct cw_mime *mail, size_t size)
{
    const struct cw_slice texts[] = { mail->subject, mail->message_id, mail->from_name, mail->from_address,
                                      mail->to_name, mail->to_address, mail->plain,     mail->html };
    size_t attached = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_text(texts[i]);
    for (size_t i = 0; i < mail->note_count; i++)
        check_text(mail->notes[i]);
    for (size_t i = 0; i < mail->attachment_count; i++) {
        check_text(mail->attachments[i].name);
        MUST(memchr(mail->attachments[i].name.data, '/', mail->attachments[i].name.len) == NULL);
        if (!cw_slice_is(mail->attachments[i].type, "message/rfc822"))
            attached += mail->attachments[i].bytes.len;
    }
    MUST(attached <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cw_error err = { 0 };
    struct cw_slice bytes = { (const char *)data, size };
    struct cw_mime *mail = cw_mime_parse(bytes, NULL, &err);
    MUST((mail == NULL) == (err.code != CW_OK));
    if (mail != NULL)
        check_mail(mail, size);
    cw_mime_free(mail);
    (void)cw_mime_digest(bytes);
    return 0;
}
