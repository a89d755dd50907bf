/* mime_test.c - mails as they come: every fixture, the traps of MIME one by one, and what is past a limit. */
#include "adapters/mime.h"

#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

static struct cw_mime *parse(const char *name)
{
    char path[160];
    struct cw_error err = { 0 };
    snprintf(path, sizeof path, "mail/%s.eml", name);
    struct cw_buffer bytes = test_fixture(path);
    struct cw_mime *mail = cw_mime_parse(cw_buffer_slice(&bytes), NULL, &err);
    cw_buffer_fini(&bytes);
    if (mail == NULL)
        fail_msg("%s: %s", name, err.text);
    return mail;
}

static struct cw_mime *parse_text(const char *text)
{
    struct cw_error err = { 0 };
    struct cw_mime *mail = cw_mime_parse(cw_slice(text), NULL, &err);
    if (mail == NULL)
        fail_msg("%s", err.text);
    return mail;
}

static bool holds(struct cw_slice text, const char *words)
{
    return text.data != NULL && memmem(text.data, text.len, words, strlen(words)) != NULL;
}

static bool notes(const struct cw_mime *mail, const char *words)
{
    for (size_t i = 0; i < mail->note_count; i++)
        if (holds(mail->notes[i], words))
            return true;
    return false;
}

/* --- fixtures --- */

/* Read by hand from the files: what a person finds in them. NULL = that form is missing, or nobody looks. */
static const struct expected {
    const char *name, *subject, *from, *plain, *html; /* words of the two forms */
    const char *attachment, *type;                    /* the first one */
    size_t attachments;
    enum cw_mime_kind kind;
    bool damaged;
} fixtures[] = {
    { "orders/01-formmail-plain", "Web Order", "bob@example.com", "Leave at the back door: key: under", NULL,
      NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/02-form-latin1-quoted-printable", "Neue Bestellung 2024-0815 für Zöe", "zoe@example.com",
      "damit die Zeile sicher umgebrochen wird | 2 x 49,95 EUR = 99,90 EUR\n", NULL, NULL, NULL, 0,
      CW_MIME_MAIL, false },
    { "orders/03-html-table-alternative", "[Shop]: New order #727", "shop@shop.example", "Crew Tee & more",
      "Crew Tee &amp; more", NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/04-html-only-base64", "Nouvelle commande n° 728", "shop@shop.example", NULL,
      "1&nbsp;234,50&nbsp;&euro;", NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/05-xml-attachment-base64", "Web Order 10453", "shop@shop.example", "See attached order.", NULL,
      "Bestellung für Zöe.xml", "application/xml", 1, CW_MIME_MAIL, false },
    { "orders/06-xml-attachment-octet-stream", "Web Order 10454", "shop@shop.example", NULL, "See attached",
      "order_10454.XML", "application/octet-stream", 2, CW_MIME_MAIL, false },
    { "orders/07-forwarded-inline-quoted", "FW: Web Order", "sales@runtime.example", "> order_number: 10452",
      NULL, NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/08-forwarded-message-rfc822", "Fwd: Web Order", "sales@runtime.example", "Forwarded.", NULL, "",
      "message/rfc822", 1, CW_MIME_MAIL, false },
    { "orders/09-japanese-iso-2022-jp", "ご注文ありがとうございます", "shop@shop.example",
      "湯呑み「富士」 × 1 2,200円", NULL, NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/10-japanese-shift-jis-mislabelled", "注文", "shop@shop.example", "お名前: 髙橋 花子", NULL,
      NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/11-arabic-kwd-base64", "طلب جديد KW-0001", "shop@shop.example", "فاطمة الصباح", NULL, NULL,
      NULL, 0, CW_MIME_MAIL, false },
    { "orders/12-format-flowed", "Web Order 10455", "shop@shop.example",
      "broken into several lines, each ending in a space, which belong to one paragraph.\ntotal: 49.95\n-- "
      "\n",
      NULL, NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/15-auto-reply", "Out of office: Web Order", "bob@example.com", "I am away", NULL, NULL, NULL, 0,
      CW_MIME_AUTO_REPLY, false },
    { "orders/17-8bit-cp1252-without-charset", "Web Order 10458", "shop@shop.example", "price_1: €49.95",
      NULL, NULL, NULL, 0, CW_MIME_MAIL, false },
    { "orders/18-truncated-multipart", "Web Order 10459", "shop@shop.example", "qty_1: 1", NULL, "order.xml",
      "application/xml", 1, CW_MIME_MAIL, true },
    { "orders/19-csv-attachment", "Daily orders", "shop@shop.example", "2 orders", NULL, "orders.csv",
      "text/csv", 1, CW_MIME_MAIL, false },
    { "orders/21-ubl-attachment-signed", "Order 5", "shop@shop.example", "Order attached", NULL, "order.xml",
      "text/xml", 1, CW_MIME_MAIL, false },
    { "corpus/attachment_emails/attachment_nonascii_filename", "testing", "foo@example.com", "first part",
      NULL, "ciële.txt", "text/plain", 1, CW_MIME_MAIL, false },
    { "corpus/attachment_emails/attachment_with_base64_encoded_name",
      "Fwd: Signed email causes file attachments", "xxxxxxxxx.xxxxxxx@gmail.com", "Base64 encoded filename",
      NULL, "This is a test.pdf", "application/pdf", 1, CW_MIME_MAIL, false },
    { "corpus/attachment_emails/attachment_with_unquoted_name", "testing", "foo@example.com", "first part",
      NULL, "This is a test.txt", "text/plain", 1, CW_MIME_MAIL, false },
    { "corpus/error_emails/missing_body", "REDACTED", "redacted@attglobal.net", NULL, NULL, NULL, NULL, 0,
      CW_MIME_MAIL, true },
    { "corpus/error_emails/bad_date_header", NULL, NULL, NULL, "", NULL, NULL, 0, CW_MIME_BULK, false },
    { "corpus/mime_emails/email_with_similar_boundaries", "Xxxxxx", "xxxxxx@xxxxxxxx.xxx", "Test",
      "<!DOCTYPE html", "LOGO.png", "application/octetstream", 1, CW_MIME_MAIL, false },
    { "corpus/mime_emails/raw_email_with_mimepart_without_content_type",
      "Warning: could not send message for past 1 day", "MAILER-DAEMON@antivirus.uqam.ca", "Deferred", NULL,
      "", "message/delivery-status", 2, CW_MIME_BOUNCE, false },
    { "corpus/mime_emails/two_from_in_message", "Sending messages include last little bit",
      "tester1@test.com", "I'm curious", "gmail_quote", NULL, NULL, 0, CW_MIME_MAIL, false },
    { "corpus/multi_charset/japanese_attachment", "testing", "raasdnil@gmail.com", "lindsaar", NULL,
      "てすと.txt", "text/plain", 1, CW_MIME_MAIL, false },
    { "corpus/multi_charset/japanese_iso_2022", "まみむめも", "raasdnil@gmail.com", "すみません。", NULL,
      NULL, NULL, 0, CW_MIME_MAIL, false },
    { "corpus/multi_charset/ks_c_5601-1987", "test", "from@example.com", "스티해", NULL, NULL, NULL, 0,
      CW_MIME_MAIL, false },
    { "corpus/plain_emails/raw_email_with_partially_quoted_subject", "Re: Test: \"漢字\" mid \"漢字\" tail",
      "jamis@37signals.com", "제 이름은 Jamis입니다.", NULL, NULL, NULL, 0, CW_MIME_MAIL, false },
    { "corpus/rfc6532/utf8_headers", "Säying Hello", "jdöe@mächine.example", "body", NULL, NULL, NULL, 0,
      CW_MIME_MAIL, false },
};

static void check_words(const char *name, const char *form, struct cw_slice text, const char *words)
{
    if (words == NULL && text.data != NULL)
        fail_msg("%s has a %s form", name, form);
    if (words != NULL && !holds(text, words))
        fail_msg("%s: \"%s\" is not in its %s form: %.*s", name, words, form, CW_SLICE_ARG(text));
}

static void check_fixture(const struct expected *expected)
{
    struct cw_mime *mail = parse(expected->name);
    if (expected->subject != NULL)
        assert_slice(mail->subject, expected->subject);
    if (expected->from != NULL)
        assert_slice(mail->from_address, expected->from);
    check_words(expected->name, "plain", mail->plain, expected->plain);
    check_words(expected->name, "HTML", mail->html, expected->html);
    assert_int_equal(mail->attachment_count, expected->attachments);
    if (expected->attachment != NULL) {
        assert_slice(mail->attachments[0].name, expected->attachment);
        assert_slice(mail->attachments[0].type, expected->type);
    }
    assert_int_equal(mail->kind, expected->kind);
    assert_int_equal(mail->is_damaged, expected->damaged);
    cw_mime_free(mail);
}

static void every_fixture_is_what_a_person_finds_in_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++)
        check_fixture(&fixtures[i]);
}

static void a_mail_delivered_again_has_the_same_digest(void **state)
{
    (void)state;
    static const char *const names[] = { "mail/orders/01-formmail-plain.eml",
                                         "mail/orders/13-order-resent-same-message-id.eml",
                                         "mail/orders/14-order-resent-new-message-id.eml" };
    struct cw_hash digests[3];
    for (size_t i = 0; i < 3; i++) {
        struct cw_buffer bytes = test_fixture(names[i]);
        digests[i] = cw_mime_digest(cw_buffer_slice(&bytes));
        cw_buffer_fini(&bytes);
    }
    assert_true(cw_hash_equal(&digests[0], &digests[1]));
    assert_false(cw_hash_equal(&digests[0], &digests[2]));
}

/* --- traps --- */

#define PART(head, body) "--b\r\n" head "\r\n\r\n" body "\r\n"
#define MIXED(parts)                                                                                         \
    "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" parts

static void files_in_uuencode_are_attachments_and_leave_the_text(void **state)
{
    (void)state;
    struct cw_mime *mail = parse_text(
        "Subject: s\r\n\r\nbefore\r\nbegin 644 ../dir/cat.txt\r\n#0V%T\r\n`\r\nend\r\nafter\r\nbegin 3\r\n");
    assert_slice(mail->plain, "before\nafter\nbegin 3\n");
    assert_int_equal(mail->attachment_count, 1);
    assert_slice(mail->attachments[0].name, "cat.txt");
    assert_slice(mail->attachments[0].bytes, "Cat");
    cw_mime_free(mail);
}

static void winmail_dat_is_told_and_left_unread(void **state)
{
    (void)state;
    struct cw_mime *mail = parse_text(MIXED(PART("Content-Type: text/plain", "see attached") PART(
        "Content-Type: application/octet-stream; name=\"WINMAIL.DAT\"\r\nContent-Transfer-Encoding: base64",
        "eJ8+IgAA") "--b--\r\n"));
    assert_true(mail->has_tnef);
    assert_int_equal(mail->attachment_count, 0);
    assert_true(notes(mail, "Outlook"));
    assert_false(mail->is_damaged);
    cw_mime_free(mail);
}

static void what_cannot_be_decoded_is_kept_and_noted(void **state)
{
    (void)state;
    struct cw_mime *mail =
        parse_text("Subject: s\r\nContent-Type: text/plain; charset=\"UTF8\"\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\nA=C3=A4 =XY=c3=bc=\r\nb\r\n");
    assert_slice(mail->plain, "A\xC3\xA4 =XY\xC3\xBC"
                              "b\n");
    cw_mime_free(mail);
    mail = parse_text("Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\x80 49\r\n");
    assert_slice(mail->plain, "\xE2\x82\xAC 49\n"); /* it says UTF-8, and is windows-1252 */
    assert_true(notes(mail, "which it is not"));
    cw_mime_free(mail);
    mail = parse_text(
        "Subject: s\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVs*bG8\r\n");
    assert_slice(mail->plain, "Hello");
    cw_mime_free(mail);
    mail = parse_text("Subject: s\r\nContent-Type: text/plain; charset=klingon\r\nContent-Transfer-Encoding: "
                      "wrong\r\n\r\nHi\r\n");
    assert_slice(mail->plain, "Hi\n");
    assert_true(notes(mail, "\"wrong\""));
    cw_mime_free(mail);
}

static void base64_that_was_cut_is_damage(void **state)
{
    (void)state;
    struct cw_mime *mail =
        parse_text("Subject: s\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                   "SGVsb\r\n");
    assert_true(mail->is_damaged);
    cw_mime_free(mail);
}

static void of_flowed_text_quotes_and_signature_stay_apart(void **state)
{
    (void)state;
    struct cw_mime *mail =
        parse_text("Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n> a \r\n> b\r\n>> c\r\n"
                   " >no quote\r\nlong \r\nword\r\n-- \r\nme\r\n");
    assert_slice(mail->plain, "> ab\n>> c\n>no quote\nlongword\n-- \nme\n");
    cw_mime_free(mail);
}

static void an_encrypted_mail_says_so(void **state)
{
    (void)state;
    struct cw_mime *mail = parse_text("Content-Type: multipart/encrypted; boundary=b\r\n\r\n" PART(
        "Content-Type: application/pgp-encrypted", "Version: 1") "--b--\r\n");
    assert_true(mail->is_encrypted);
    assert_true(notes(mail, "encrypted"));
    cw_mime_free(mail);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        enum cw_mime_kind kind;
    } kinds[] = { { "Auto-Submitted: no", CW_MIME_MAIL },
                  { "Auto-Submitted: auto-generated", CW_MIME_GENERATED },
                  { "Auto-Submitted: auto-replied (vacation)", CW_MIME_AUTO_REPLY },
                  { "Precedence: bulk", CW_MIME_BULK },
                  { "Return-Path: <>", CW_MIME_BOUNCE } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s\r\nSubject: Web Order\r\n\r\norder: 1\r\n", kinds[i].head);
        struct cw_mime *mail = parse_text(text);
        assert_int_equal(mail->kind, kinds[i].kind);
        cw_mime_free(mail);
    }
}

/* --- limits --- */

static void expect_limit(const struct cw_buffer *bytes, const char *words)
{
    struct cw_error err = { 0 };
    assert_null(cw_mime_parse(cw_buffer_slice(bytes), NULL, &err));
    assert_int_equal(err.code, CW_LIMIT);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void depth_and_number_of_parts_are_limited(void **state)
{
    (void)state;
    struct cw_buffer bytes = { 0 };
    for (int i = 0; i < CW_MIME_DEPTH_MAX + 2; i++)
        assert_true(cw_buffer_print(&bytes, NULL,
                                    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i));
    expect_limit(&bytes, "nested deeper");
    cw_buffer_clear(&bytes);
    for (int i = 0; i < 5000; i++)
        assert_true(cw_buffer_print(&bytes, NULL,
                                    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i));
    expect_limit(&bytes, "multiparts");
    cw_buffer_clear(&bytes);
    assert_true(cw_buffer_print(&bytes, NULL, "Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < CW_MIME_PARTS_MAX + 1; i++)
        assert_true(cw_buffer_print(&bytes, NULL, "--b\r\n\r\nx\r\n"));
    expect_limit(&bytes, "parts");
    cw_buffer_clear(&bytes);
    for (int i = 0; i < CW_MIME_HEADERS_MAX + 1; i++)
        assert_true(cw_buffer_print(&bytes, NULL, "X-Header: %d\r\n", i));
    expect_limit(&bytes, "headers");
    cw_buffer_fini(&bytes);
}

static void fifty_megabytes_are_read_and_more_than_the_limit_is_refused(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    size_t len = (size_t)CW_MIME_BYTES_MAX + 1;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, 'a', len);
    memcpy(bytes, "Content-Type: application/pdf; name=a.pdf\r\n\r\n", 45);
    struct cw_mime *mail = cw_mime_parse((struct cw_slice){ bytes, 50 * 1024 * 1024 }, NULL, &err);
    assert_ok(mail != NULL, err);
    assert_int_equal(mail->attachments[0].bytes.len, 50 * 1024 * 1024 - 45);
    cw_mime_free(mail);
    assert_null(cw_mime_parse((struct cw_slice){ bytes, len }, NULL, &err));
    assert_int_equal(err.code, CW_LIMIT);
    memcpy(bytes, "Content-Type: text/plain; x=aaaaaaaaaaaaa\r\n\r\n", 45);
    assert_null(cw_mime_parse((struct cw_slice){ bytes, 20 * 1024 * 1024 }, NULL, &err));
    assert_int_equal(err.code, CW_LIMIT); /* a text of 20 MB */
    free(bytes);
}

static void an_unknown_charset_is_wrong_use(void **state)
{
    (void)state;
    struct cw_error err = { 0 };
    assert_null(cw_mime_parse(cw_slice("a: b\r\n\r\n"), "klingon", &err));
    assert_int_equal(err.code, CW_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_what_a_person_finds_in_it),
        cmocka_unit_test(a_mail_delivered_again_has_the_same_digest),
        cmocka_unit_test(files_in_uuencode_are_attachments_and_leave_the_text),
        cmocka_unit_test(winmail_dat_is_told_and_left_unread),
        cmocka_unit_test(what_cannot_be_decoded_is_kept_and_noted),
        cmocka_unit_test(base64_that_was_cut_is_damage),
        cmocka_unit_test(of_flowed_text_quotes_and_signature_stay_apart),
        cmocka_unit_test(an_encrypted_mail_says_so),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(depth_and_number_of_parts_are_limited),
        cmocka_unit_test(fifty_megabytes_are_read_and_more_than_the_limit_is_refused),
        cmocka_unit_test(an_unknown_charset_is_wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
