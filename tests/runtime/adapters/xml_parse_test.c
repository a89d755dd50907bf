/* xml_parse_test.c - one XML record, strictly, to a tree; what is hostile is refused before it costs
 * anything. */
#include "reading.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TREE(text, expected)  assert_tree(CW_XML, "UTF-8", text, expected)
#define REFUSED(text, needle) assert_refused(CW_XML, NULL, "UTF-8", cw_slice(text), CW_INVALID, needle)

static void elements_attributes_and_text_become_a_tree(void **state)
{
    (void)state;
    TREE("<a/>", "a{}");
    TREE("<a>x</a>", "a{x}");
    TREE("<a b='1' c=\"2\"><d>x</d><d/></a>", "a{@b\"1\" @c\"2\" d{x} d{}}");
    TREE("<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>\n<!-- after -->", "a{é}");
    TREE(" \n<a/>", "a{}");
    TREE("\xEF\xBB\xBF<a>x</a>", "a{x}");
}

static void text_and_cdata_are_joined(void **state)
{
    (void)state;
    TREE("<a>x<![CDATA[<y>&amp;]]>z</a>", "a{x<y>&amp;z}");
    TREE("<a>x<b>1</b>y<b>2</b><!-- c -->z<?pi?></a>", "a{xyz b{1} b{2}}");
    TREE("<a><![CDATA[ ]]></a>", "a{ }");
    TREE("<a>\r\nx\ry</a>", "a{\nx\ny}");
}

static void white_space_between_elements_is_no_text(void **state)
{
    (void)state;
    TREE("<a>\n\t<b>\n</b>\n\t<c/>\n</a>", "a{b{\n} c{}}");
    TREE("<a> x <b/> </a>", "a{ x   b{}}");
}

static void entities_are_decoded(void **state)
{
    (void)state;
    TREE("<a b='&lt;&quot;&#65;&#x1F600;'>&amp;&lt;&gt;&apos;&#233;</a>", "a{&<>'é @b\"<\"A😀\"}");
    TREE("<a b=' x\ty\nz&#9;'/>", "a{@b\" x y z\t\"}");
    REFUSED("<a>&eacute;</a>", "eacute");
    REFUSED("<a b='&nbsp;'/>", "nbsp");
    REFUSED("<a>&#0;</a>", "not well-formed");
    REFUSED("<a>&#xD800;</a>", "not well-formed");
    REFUSED("<a>&#x110000;</a>", "not well-formed");
    REFUSED("<a>&amp</a>", "not well-formed");
}

static void prefixes_need_no_declaration_and_are_dropped(void **state)
{
    (void)state;
    TREE("<s:order xlink:href='x' xmlns='y' xmlns:z='w'><t:id/></s:order>", "order{@href\"x\" id{}}");
    TREE("<a b:1='x' c:xmlns='y'/>", "a{@b:1\"x\" @c:xmlns\"y\"}");
}

static void names_are_compared_by_their_local_part(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    cw_arena_init(&arena, 0);
    const struct cw_node *tree =
        cw_parse(parser, cw_slice("<x:a y:id='5'><z:id>6</z:id></x:a>"), "UTF-8", &arena, &err);
    assert_non_null(tree);
    assert_slice(cw_node_child(tree, cw_slice("id"))->text, "6");
    assert_slice(cw_node_attribute(tree, cw_slice("id"))->text, "5");
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void what_is_not_well_formed_is_refused_with_its_place(void **state)
{
    (void)state;
    REFUSED("<a>\n<b>\n</a>", "line 3, column 5: not well-formed: <b> is closed by </a>");
    static const char *const texts[] = {
        "<a",
        "<a>",
        "<a></b>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a>]]></a>",
        "<a><!-- -- --></a>",
        "<a/><b/>",
        "<a/>x",
        "<1/>",
        "<a><?xml version='1.0'?></a>",
        "<a>x & y</a>",
        "<a b/>",
        "<a b='1'c='2'/>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        REFUSED(texts[i], "line 1");
    REFUSED("", "begins with a tag");
    REFUSED("x<a/>", "begins with a tag");
}

static void characters_that_xml_does_not_have_are_refused(void **state)
{
    (void)state;
    REFUSED("<a>\x01</a>", "not well-formed");
    REFUSED("<a>\x1F</a>", "not well-formed");
    REFUSED("<a b='\x08'/>", "not well-formed");
    REFUSED("<a>\n<![CDATA[\x0B]]></a>", "line 2, column 10: not well-formed: a control character, 0x0b");
    REFUSED("<a>\xEF\xBF\xBF</a>", "not well-formed");
    assert_refused(CW_XML, NULL, "UTF-8", (struct cw_slice){ "<a>\0</a>", 8 }, CW_INVALID, "NUL");
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    static const char *const bytes[] = {
        "\xFF",             /* never */
        "\xE9",             /* Latin-1 */
        "\xC3",             /* half a character */
        "\xC0\xAF",         /* overlong */
        "\xE0\x80\xAF",     /* overlong */
        "\xF0\x80\x80\xAF", /* overlong */
        "\xED\xA0\x80",     /* a surrogate */
        "\xF4\x90\x80\x80", /* past the last character */
    };
    static const char *const around[][2] = {
        { "<a>", "</a>" }, { "<a><![CDATA[", "]]></a>" }, { "<a b='", "'/>" }, { "<a>", "x</a>" }
    };
    char text[64];
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        for (size_t j = 0; j < sizeof around / sizeof *around; j++) {
            snprintf(text, sizeof text, "%s%s%s", around[j][0], bytes[i], around[j][1]);
            REFUSED(text, "");
        }
}

static void other_charsets_are_converted(void **state)
{
    (void)state;
    assert_tree(CW_XML, "ISO-8859-1", "<a b='\xE9'>\xA4</a>", "a{¤ @b\"é\"}");
    assert_tree(CW_XML, "ISO-8859-15", "<a>\xA4</a>", "a{€}");
    assert_tree(CW_XML, "windows-1252", "<a>\x80\x93</a>", "a{€“}");
    assert_tree(CW_XML, "windows-1251", "<a>\xC0</a>", "a{А}");
    assert_tree(CW_XML, NULL, "<a>é</a>", "a{é}");
    assert_refused(CW_XML, NULL, "windows-1252", cw_slice("<a>\x81</a>"), CW_INVALID,
                   "0x81, is no character of");
    assert_refused(CW_XML, NULL, "US-ASCII", cw_slice("<a>\xE9</a>"), CW_INVALID, "0xe9");
    assert_refused(CW_XML, NULL, "nonsense", cw_slice("<a/>"), CW_INVALID, "no conversion from \"nonsense\"");
}

static void depth_is_allowed_up_to_the_limit(void **state)
{
    (void)state;
    struct cw_buffer text = { 0 };
    for (unsigned depth = 99; depth <= 102; depth++) {
        cw_buffer_clear(&text);
        for (unsigned i = 0; i < depth; i++)
            cw_buffer_print(&text, NULL, "<a>");
        for (unsigned i = 0; i < depth; i++)
            cw_buffer_print(&text, NULL, "</a>");
        struct cw_error err;
        struct cw_arena arena;
        struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
        cw_arena_init(&arena, 0);
        assert_int_equal(cw_parse(parser, cw_buffer_slice(&text), "UTF-8", &arena, &err) != NULL,
                         depth <= 100);
        if (depth > 100)
            assert_int_equal(err.code, CW_LIMIT);
        cw_arena_fini(&arena);
        cw_parser_free(parser);
    }
    cw_buffer_fini(&text);
    text = repeated("", "<a>", 10000, "");
    assert_refused(CW_XML, NULL, "UTF-8", cw_buffer_slice(&text), CW_LIMIT, "deeper than the limit");
    struct cw_reader_limits deep = cw_reader_defaults;
    deep.depth = 100000; /* more than libxml2 takes */
    assert_refused(CW_XML, &deep, "UTF-8", cw_buffer_slice(&text), CW_LIMIT, "deeper than the limit");
    cw_buffer_fini(&text);
}

/* Accepts n times `piece`, refuses one more. */
static void assert_count_limit(const struct cw_reader_limits *limits, const char *before, const char *piece,
                               const char *after, size_t n, const char *needle)
{
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, limits, &err);
    struct cw_buffer fits = repeated(before, piece, n, after), over = repeated(before, piece, n + 1, after);
    cw_arena_init(&arena, 0);
    bool ok = cw_parse(parser, cw_buffer_slice(&fits), "UTF-8", &arena, &err) != NULL;
    assert_ok(ok, err);
    assert_refused(CW_XML, limits, "UTF-8", cw_buffer_slice(&over), CW_LIMIT, needle);
    cw_buffer_fini(&fits);
    cw_buffer_fini(&over);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void sizes_are_allowed_up_to_their_limits(void **state)
{
    (void)state;
    struct cw_reader_limits small = { .record_bytes = 1000, .text_bytes = 20, .depth = 5, .children = 10 };
    assert_count_limit(&small, "<a>", "x", "</a>", 20, "text that is longer");
    assert_count_limit(&small, "<a>12345<b/>67890<b/>", "x", "</a>", 10, "text that is longer");
    assert_count_limit(&small, "<a><![CDATA[", "x", "]]></a>", 20, "text that is longer");
    assert_count_limit(&small, "<a b='", "x", "'/>", 20, "attribute that is longer");
    assert_count_limit(&small, "<a>", "<b/>", "</a>", 10, "more attributes or elements");
    assert_count_limit(&small, "<a/>", " ", "", 996, "the limit is 1000");
    assert_count_limit(NULL, "<a>", "x", "</a>", 8 * 1024 * 1024, "text that is longer");
}

static void attributes_are_counted_before_they_are_compared(void **state)
{
    (void)state;
    struct cw_buffer text = { 0 };
    for (size_t count = 4096; count <= 4097; count++) {
        cw_buffer_clear(&text);
        cw_buffer_print(&text, NULL, "<a><b");
        for (size_t i = 0; i < count; i++)
            cw_buffer_print(&text, NULL, " a%zu='>='", i);
        cw_buffer_print(&text, NULL, "/></a>");
        if (count > 4096) {
            assert_refused(CW_XML, NULL, "UTF-8", cw_buffer_slice(&text), CW_LIMIT,
                           "more than 4096 attributes");
            continue;
        }
        struct cw_error err;
        struct cw_arena arena;
        struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
        cw_arena_init(&arena, 0);
        assert_non_null(cw_parse(parser, cw_buffer_slice(&text), "UTF-8", &arena, &err));
        cw_arena_fini(&arena);
        cw_parser_free(parser);
    }
    cw_buffer_clear(&text);
    cw_buffer_print(&text, NULL, "<a");
    for (size_t i = 0; i < 1000000; i++)
        cw_buffer_print(&text, NULL, " a%zu=''", i);
    cw_buffer_print(&text, NULL, "/>");
    assert_refused(CW_XML, NULL, "UTF-8", cw_buffer_slice(&text), CW_LIMIT, "more than 4096 attributes");
    cw_buffer_fini(&text);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void entity_bombs_are_refused_at_the_doctype(void **state)
{
    (void)state;
    struct cw_buffer bomb = { 0 };
    cw_buffer_print(&bomb, NULL, "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol0 'lol'>");
    for (int i = 1; i < 10; i++)
        cw_buffer_print(&bomb, NULL,
                        "<!ENTITY lol%d '&lol%d;&lol%d;&lol%d;&lol%d;&lol%d;&lol%d;&lol%d;&lol%d;'>", i,
                        i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    cw_buffer_print(&bomb, NULL, "]><lolz>&lol9;</lolz>");
    double before = cpu_seconds();
    assert_refused(CW_XML, NULL, "UTF-8", cw_buffer_slice(&bomb), CW_INVALID,
                   "document type declarations are refused");
    assert_true(cpu_seconds() - before < 1); /* expanding it would take hours */
    cw_buffer_fini(&bomb);

    struct cw_buffer entity = repeated("<!DOCTYPE a [<!ENTITY a '", "a", 55000, "'>]><a>");
    struct cw_buffer quadratic = repeated(entity.data, "&a;", 18000, "</a>");
    before = cpu_seconds();
    assert_refused(CW_XML, NULL, "UTF-8", cw_buffer_slice(&quadratic), CW_INVALID, "refused");
    assert_true(cpu_seconds() - before < 1);
    cw_buffer_fini(&entity);
    cw_buffer_fini(&quadratic);
}

/* A socket that nobody may connect to. */
static int listen_somewhere(int *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void nothing_outside_the_record_is_ever_opened(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file://%s'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'file://%s'><a/>",
        "<!DOCTYPE a [<!ENTITY %% x SYSTEM 'file://%s'> %%x;]><a/>",
        "<!DOCTYPE a PUBLIC 'x' '%s'><a/>",
        "<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file://%s' parse='text'/></a>",
        "<a xsi:noNamespaceSchemaLocation='file://%s'/>",
        "<?xml-stylesheet type='text/xsl' href='%s'?><a/>",
    };
    char path[64], url[64], text[400];
    int port, listener = listen_somewhere(&port), watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    snprintf(path, sizeof path, "/tmp/cw-xml-secret-%d", (int)getpid());
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", port);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_true(inotify_add_watch(watch, path, IN_OPEN | IN_ACCESS) >= 0);
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    cw_arena_init(&arena, 0);
    for (size_t i = 0; i < 2 * sizeof hostile / sizeof *hostile; i++) {
        const char *form = hostile[i / 2], *target = i % 2 == 0 ? path : url;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, form, target);
#pragma GCC diagnostic pop
        const struct cw_node *tree = cw_parse(parser, cw_slice(text), "UTF-8", &arena, &err);
        assert_int_equal(tree == NULL, strstr(text, "<!DOCTYPE") != NULL);
    }
    char event[64];
    assert_int_equal(read(watch, event, sizeof event), -1);
    struct pollfd waiting = { .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&waiting, 1, 50), 0);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
    close(listener);
    close(watch);
    unlink(path);
}

static void a_parser_goes_on_after_a_failure(void **state)
{
    (void)state;
    static const char *const texts[] = { "<a>1</a>",         "<a><b>", "<a>&x;</a>",
                                         "<!DOCTYPE a><a/>", "",       "<a>\xFF</a>" };
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    cw_arena_init(&arena, 0);
    for (unsigned i = 0; i < 60; i++) {
        const char *encoding = i % 7 == 0 ? "ISO-8859-1" : "UTF-8";
        bool good = i % 6 == 0 || (i % 6 == 5 && i % 7 == 0);
        const struct cw_node *tree = cw_parse(parser, cw_slice(texts[i % 6]), encoding, &arena, &err);
        assert_int_equal(tree != NULL, good);
        cw_arena_reset(&arena);
    }
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void names_without_end_do_not_fill_the_memory(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    char text[256];
    cw_arena_init(&arena, 0);
    for (unsigned i = 0; i < 60000; i++) { /* 12 MB of names, three times what is kept */
        snprintf(text, sizeof text, "<a><n%0200u/></a>", i);
        const struct cw_node *tree = cw_parse(parser, cw_slice(text), "UTF-8", &arena, &err);
        assert_non_null(tree);
        assert_int_equal(tree->first->name.len, 201);
        assert_memory_equal(tree->first->name.data, text + 4, 201);
        cw_arena_reset(&arena);
    }
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void pieces_of_text_between_elements_do_not_add_up_to_a_square(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    struct cw_buffer text = repeated("<a>", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx<b/>", 50000, "</a>");
    cw_arena_init(&arena, 0);
    const struct cw_node *tree = cw_parse(parser, cw_buffer_slice(&text), "UTF-8", &arena, &err);
    assert_non_null(tree);
    assert_int_equal(tree->text.len, 2000000);
    assert_true(arena.used < 20000000);
    cw_buffer_fini(&text);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
}

static void an_arena_that_is_full_ends_the_record(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    size_t refused = 0, accepted = 0;
    for (size_t limit = 1; limit < 1000; limit += 7) {
        cw_arena_init(&arena, limit);
        bool ok = cw_parse(parser, cw_slice("<a b='1'>x<c>2</c>y</a>"), "UTF-8", &arena, &err) != NULL;
        refused += !ok;
        accepted += ok;
        if (!ok)
            assert_int_equal(err.code, CW_LIMIT);
        cw_arena_fini(&arena);
    }
    assert_true(refused > 20 && accepted > 20);
    cw_parser_free(parser);
}

static void the_records_of_the_fixtures_are_read(void **state)
{
    (void)state;
    struct cw_error err;
    struct cw_arena arena;
    struct cw_record record;
    struct cw_buffer text = test_fixture("prestashop/hand-ps8-orders-full-page1.xml");
    struct cw_body *body = cw_body_borrow(cw_buffer_slice(&text), &err);
    struct cw_splitter *splitter = cw_splitter_create(CW_XML, body, "orders/order", NULL, &err);
    struct cw_parser *parser = cw_parser_create(CW_XML, NULL, &err);
    static const char *const ids[] = { "101", "102", "103" };
    cw_arena_init(&arena, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_RECORD);
        const struct cw_node *order =
            cw_parse(parser, record.bytes, cw_splitter_encoding(splitter), &arena, &err);
        assert_ok(order != NULL, err);
        assert_slice(cw_node_child(order, cw_slice("id"))->text, ids[i]);
        const struct cw_node *rows =
            cw_node_child(cw_node_child(order, cw_slice("associations")), cw_slice("order_rows"));
        assert_non_null(cw_node_child(rows, cw_slice("order_row")));
    }
    assert_int_equal(cw_splitter_next(splitter, &record, &err), CW_SPLIT_END);
    cw_arena_fini(&arena);
    cw_parser_free(parser);
    cw_splitter_free(splitter);
    cw_body_free(body);
    cw_buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_attributes_and_text_become_a_tree),
        cmocka_unit_test(text_and_cdata_are_joined),
        cmocka_unit_test(white_space_between_elements_is_no_text),
        cmocka_unit_test(entities_are_decoded),
        cmocka_unit_test(prefixes_need_no_declaration_and_are_dropped),
        cmocka_unit_test(names_are_compared_by_their_local_part),
        cmocka_unit_test(what_is_not_well_formed_is_refused_with_its_place),
        cmocka_unit_test(characters_that_xml_does_not_have_are_refused),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(other_charsets_are_converted),
        cmocka_unit_test(depth_is_allowed_up_to_the_limit),
        cmocka_unit_test(sizes_are_allowed_up_to_their_limits),
        cmocka_unit_test(attributes_are_counted_before_they_are_compared),
        cmocka_unit_test(entity_bombs_are_refused_at_the_doctype),
        cmocka_unit_test(nothing_outside_the_record_is_ever_opened),
        cmocka_unit_test(a_parser_goes_on_after_a_failure),
        cmocka_unit_test(names_without_end_do_not_fill_the_memory),
        cmocka_unit_test(pieces_of_text_between_elements_do_not_add_up_to_a_square),
        cmocka_unit_test(an_arena_that_is_full_ends_the_record),
        cmocka_unit_test(the_records_of_the_fixtures_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
