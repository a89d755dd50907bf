/* site_test.c - a site's folder: what is found in it, what is refused, and its secrets. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "site_bed.h"

static struct site_bed bed;
static struct cw_site *site;
static struct cw_error err;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    site = NULL;
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    cw_site_free(site);
    site_bed_fini(&bed);
    cw_secret_forget_all();
    return 0;
}

static bool try_open(void)
{
    cw_site_free(site);
    site = cw_site_open(bed.folder, CW_SOURCE_HOME, &cw_system_clock, &err);
    return site != NULL;
}

static void open_site(void)
{
    assert_ok(try_open(), err);
}

static void make_folder(const char *path)
{
    char full[160];
    site_bed_path(&bed, path, full);
    assert_int_equal(mkdir(full, 0700), 0);
}

static void link_to(const char *target, const char *path)
{
    char full[160];
    site_bed_path(&bed, path, full);
    assert_int_equal(symlink(target, full), 0);
}

/* --- site.lua --- */

static void assert_refused(const char *text, const char *message)
{
    site_bed_write(&bed, "site.lua", text);
    assert_false(try_open());
    assert_int_equal(err.code, CW_USAGE);
    assert_has(err.text, message);
}

static void a_site_says_its_carts_zone_store_and_allowed_hosts(void **state)
{
    (void)state;
    site_bed_write(
        &bed, "site.lua",
        "return { zone = 'Europe/Paris', store = 'data/orders.db', allow = { 'a.example', '127.0.0.1:1' }, "
        "carts = { web = { type = 'woocommerce' }, a1 = { type = 'fake' } } }");
    open_site();
    assert_string_equal(site->config.zone, "Europe/Paris");
    assert_string_equal(site->config.allow[1], "127.0.0.1:1");
    assert_null(site->config.allow[2]);
    assert_int_equal(site->config.cart_count, 2);
    assert_string_equal(site->config.carts[0].name, "a1"); /* in the order of their names */
    assert_string_equal(site->config.carts[1].type, "woocommerce");
    char expected[160], *uri = cw_site_store_uri(site);
    site_bed_path(&bed, "data/orders.db", expected);
    assert_string_equal(uri, expected);
    free(uri);
}

static void what_a_site_does_not_say_has_a_default(void **state)
{
    (void)state;
    site_bed_write(&bed, "site.lua", "return { carts = {} }");
    open_site();
    assert_string_equal(site->config.zone, "UTC");
    assert_string_equal(site->config.store, "store.db");
    assert_null(site->config.allow[0]);
    assert_int_equal(site->config.cart_count, 0);
    site_bed_write(&bed, "site.lua", "return { carts = {}, store = 'postgresql://db/orders' }");
    open_site();
    char *uri = cw_site_store_uri(site);
    assert_string_equal(uri, "postgresql://db/orders");
    free(uri);
}

static void what_is_wrong_in_a_site_is_named_with_what_belongs_there(void **state)
{
    (void)state;
    assert_refused("return 1", "site.lua must return a table: return { carts = { ... } }");
    assert_refused(
        "return {}",
        "site.lua: carts must be a table: carts = { NAME = { type = \"prestashop\", url = ... } }");
    assert_refused("return { carts = {}, zone = 1 }", "site.lua: zone must be a text, not a number");
    assert_refused("return { carts = {}, store = {} }", "site.lua: store must be a text, not a table");
    assert_refused("return { carts = {}, allow = 'x' }",
                   "site.lua: allow must be a list of hosts, such as { \"127.0.0.1:8080\" }");
    assert_refused("return { carts = {}, allow = { 'x', 1 } }", "site.lua: allow[2] must be a text");
    assert_refused("return { carts = { ['My Shop'] = { type = 'fake' } } }",
                   "site.lua: cart names are made of a-z, 0-9, _ and -, at most 64");
    assert_refused("return { carts = { { type = 'fake' } } }", "site.lua: cart names are made of");
    assert_refused("return { carts = { shop = {} } }",
                   "site.lua: cart shop needs a type: the name of a file in carts/");
    assert_refused("return { carts = { shop = { type = '../x' } } }", "site.lua: cart shop needs a type");
    assert_refused("return { carts = ", "site.lua:1:");
    assert_refused("error 'by hand'", "site.lua:1: by hand");
}

static void a_site_may_require_what_rules_are_written_with(void **state)
{
    (void)state;
    site_bed_write(
        &bed, "site.lua",
        "local rules, decimal = require 'cartwright.rules', require 'cartwright.decimal'\n"
        "local time, log = require 'cartwright.time', require 'cartwright.log'\n"
        "local since = time.now() log.info('read', {})\n"
        "return { zone = (since - since):is_zero() and 'UTC' or 'odd',\n"
        "rules = { rules.holds { above = decimal.new '1000', odd = function(o) return o.note end } },\n"
        "carts = { shop = { type = 'fake', rules = { rules.orders { state = 'pending' } } } } }");
    open_site();
    assert_int_equal(site->config.cart_count, 1);
    assert_string_equal(site->config.zone, "UTC");
}

static void a_site_script_that_loops_is_ended(void **state)
{
    (void)state;
    site_bed_write(&bed, "site.lua", "while true do end");
    assert_false(try_open());
    assert_int_equal(err.code, CW_LIMIT);
}

static void a_folder_without_a_site_says_how_to_make_one(void **state)
{
    (void)state;
    char path[160];
    site_bed_path(&bed, "site.lua", path);
    assert_int_equal(unlink(path), 0);
    assert_false(try_open());
    assert_int_equal(err.code, CW_NOT_FOUND);
    assert_has(err.text, "make a site with: cartwright new DIR, or name one with --site DIR");
    assert_null(cw_site_open("/nowhere", CW_SOURCE_HOME, &cw_system_clock, &err));
    assert_has(err.text, "/nowhere: No such file or directory");
    site_bed_write(&bed, "site.lua", "return { carts = {} }");
    assert_null(cw_site_open(bed.folder, "/nowhere", &cw_system_clock, &err));
    assert_has(err.text, "set CARTWRIGHT_HOME to the folder with scripts/ and carts/");
}

/* --- modules --- */

static bool load(const char *module, char text[200])
{
    struct cw_slice source;
    char chunk[128];
    if (!cw_site_load_module(site, module, &source, chunk, &err))
        return false;
    snprintf(text, 200, "%s %.20s", chunk, source.data);
    cw_site_release_module(source);
    return true;
}

static void assert_loads(const char *module, const char *expected)
{
    char text[200];
    assert_ok(load(module, text), err);
    assert_has(text, expected);
}

static void assert_not_loaded(const char *module, enum cw_code code, const char *message)
{
    char text[200];
    if (load(module, text))
        fail_msg("%s was loaded: %s", module, text);
    assert_int_equal(err.code, code);
    assert_has(err.text, message);
}

static void modules_are_found_in_their_places(void **state)
{
    (void)state;
    make_folder("lib");
    make_folder("lib/deep");
    site_bed_write(&bed, "lib/deep/er.lua", "return 'deep'");
    site_bed_write(&bed, "carts/prestashop.lua", "return 'own'");
    open_site();
    assert_loads("site", "site.lua return");
    assert_loads("lib.deep.er", "lib/deep/er.lua return 'deep'");
    assert_loads("carts.prestashop", "carts/prestashop.lua return 'own'"); /* the site's own comes first */
    assert_loads("shipped.prestashop", "prestashop.lua ---");
    assert_loads("carts.woocommerce", "woocommerce.lua ---");
    assert_loads("cartwright.map", "cartwright/map.lua ---");
    assert_loads("fakes.prestashop", "tests/fakes/prestashop.lua ---");
    make_folder("fakes");
    site_bed_write(&bed, "fakes/prestashop.lua", "return 'own'");
    assert_loads("fakes.prestashop", "fakes/prestashop.lua return 'own'");
}

static void a_bare_site_has_no_file_of_its_own(void **state)
{
    (void)state;
    cw_site_free(site);
    site = cw_site_bare(NULL, CW_SOURCE_HOME, NULL, &cw_system_clock, &err);
    assert_ok(site != NULL, err);
    assert_int_equal(site->config.cart_count, 0);
    assert_loads("site", "site.lua return { carts = {}");
    assert_loads("carts.prestashop", "shipped/prestashop.lua ---");
    assert_loads("fakes.prestashop", "tests/fakes/prestashop.lua ---");
    assert_not_loaded("lib.nosuch", CW_NOT_FOUND, "lib/nosuch.lua");
    assert_not_loaded("fakes.nosuch", CW_NOT_FOUND, "there is no fake nosuch");
    assert_null(cw_site_secret(site, "shop.key"));
}

static void a_bare_site_is_what_its_text_says(void **state)
{
    (void)state;
    static const char text[] = "return { zone = 'Asia/Tokyo', carts = { tea = { type = 'prestashop' } } }";
    site_bed_write(&bed, "carts/prestashop.lua", "return 'own'");
    cw_site_free(site);
    site = cw_site_bare(bed.folder, CW_SOURCE_HOME, text, &cw_system_clock, &err);
    assert_ok(site != NULL, err);
    assert_string_equal(site->config.zone, "Asia/Tokyo");
    assert_int_equal(site->config.cart_count, 1);
    assert_loads("carts.prestashop", "carts/prestashop.lua return 'own'");
    assert_null(cw_site_bare(NULL, CW_SOURCE_HOME, "return 5", &cw_system_clock, &err));
    assert_int_equal(err.code, CW_USAGE);
}

static void modules_that_are_not_there_say_where_they_would_be(void **state)
{
    (void)state;
    open_site();
    assert_not_loaded("carts.nosuch", CW_NOT_FOUND, "or among the shipped ones");
    assert_not_loaded("lib.nosuch", CW_NOT_FOUND, "lib/nosuch.lua");
    assert_not_loaded(
        "os", CW_NOT_FOUND,
        "no module os; there are cartwright.NAME, carts.NAME, shipped.NAME and the site's own lib.NAME");
}

static void no_module_name_leads_out_of_the_folder(void **state)
{
    (void)state;
    static const char *const names[] = { "lib....etc.passwd", "lib..",      "lib...", "carts...site",
                                         "carts./etc/passwd", "lib.",       "lib",    "carts",
                                         "shipped.",          "cartwright." };
    char name[400] = "lib.", text[200];
    open_site();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(load(names[i], text));
    memset(name + 4, 'x', sizeof name - 5);
    name[sizeof name - 1] = '\0';
    assert_false(load(name, text));
}

static void symbolic_links_are_not_followed(void **state)
{
    (void)state;
    make_folder("lib");
    site_bed_write(&bed, "carts/real.lua", "return 1");
    link_to("/etc/passwd", "lib/passwd.lua");
    link_to("real.lua", "carts/linked.lua");
    link_to("/etc", "lib/etc");
    link_to("fake.lua", "carts/prestashop.lua"); /* nor passed over for the shipped one */
    open_site();
    assert_not_loaded("lib.passwd", CW_IO, "(symbolic links are not followed here)");
    assert_not_loaded("carts.linked", CW_IO, "(symbolic links are not followed here)");
    assert_not_loaded("carts.prestashop", CW_IO, "(symbolic links are not followed here)");
    assert_not_loaded("lib.etc.passwd", CW_IO, "");
}

static void only_regular_files_of_a_sane_size_are_scripts(void **state)
{
    (void)state;
    char path[160];
    make_folder("lib");
    make_folder("lib/folder.lua");
    site_bed_path(&bed, "lib/pipe.lua", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    site_bed_write(&bed, "lib/empty.lua", "");
    char *large = malloc(CW_SCRIPT_FILE_MAX + 2);
    memset(large, ' ', CW_SCRIPT_FILE_MAX + 1);
    large[CW_SCRIPT_FILE_MAX + 1] = '\0';
    site_bed_write(&bed, "lib/large.lua", large);
    large[CW_SCRIPT_FILE_MAX / 2] = '\0';
    site_bed_write(&bed, "lib/fits.lua", large);
    free(large);
    open_site();
    assert_not_loaded("lib.folder", CW_IO, "lib/folder.lua is not a regular file");
    assert_not_loaded("lib.pipe", CW_IO, "lib/pipe.lua is not a regular file");
    assert_not_loaded("lib.large", CW_LIMIT, "lib/large.lua");
    assert_loads("lib.fits", "lib/fits.lua");
    assert_loads("lib.empty", "lib/empty.lua");
}

/* --- secrets --- */

static void secrets(const char *text, mode_t mode)
{
    char path[160];
    site_bed_write(&bed, "secrets", text);
    site_bed_path(&bed, "secrets", path);
    assert_int_equal(chmod(path, mode), 0);
}

static void secrets_come_from_a_file_that_only_its_owner_may_read(void **state)
{
    (void)state;
    secrets("# a remark\n\nshop.key = abc=def \n  shop.other=xyz12\n", 0600);
    open_site();
    assert_string_equal(cw_site_secret(site, "shop.key"), "abc=def");
    assert_string_equal(cw_site_secret(site, "shop.other"), "xyz12");
    assert_null(cw_site_secret(site, "shop.none"));
    char text[] = "the key is abc=def";
    cw_redact(text, strlen(text), sizeof text);
    assert_string_equal(text, "the key is ***");
    secrets("shop.key = abc=def\nnonsense\n", 0600);
    assert_false(try_open());
    assert_has(err.text, "/secrets, line 2: a line is CART.SETTING = VALUE");
    static const mode_t open_modes[] = { 0640, 0604, 0620, 0610, 0666 };
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        secrets("shop.key = abc", open_modes[i]);
        assert_false(try_open());
        assert_int_equal(err.code, CW_REFUSED);
        assert_has(err.text, "secrets can be read by others; run: chmod 600 ");
    }
}

static void a_secrets_file_behind_a_link_is_refused(void **state)
{
    (void)state;
    link_to("carts/fake.lua", "secrets");
    assert_false(try_open());
}

static void the_environment_comes_before_the_file(void **state)
{
    (void)state;
    secrets("my-shop.key = file\n", 0600);
    open_site();
    setenv("CARTWRIGHT_SECRET_MY_SHOP_KEY", "environment", 1);
    assert_string_equal(cw_site_secret(site, "my-shop.key"), "environment");
    unsetenv("CARTWRIGHT_SECRET_MY_SHOP_KEY");
    assert_string_equal(cw_site_secret(site, "my-shop.key"), "file");
}

static void set_secret(const char *name, const char *value)
{
    assert_ok(cw_site_set_secret(bed.folder, name, cw_slice(value), &err), err);
}

static void a_secret_that_is_set_replaces_its_line_and_no_other(void **state)
{
    (void)state;
    char path[160];
    struct stat info;
    site_bed_write(&bed, "secrets.new", "left over by somebody"); /* readable by others */
    set_secret("shop.key", "one");
    secrets("# keep me\nshop.key = one\nshop.keys = two\n shopX.key = three\n", 0600);
    site_bed_write(&bed, "secrets.new", "left over by somebody");
    set_secret("shop.key", "new");
    site_bed_path(&bed, "secrets", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    open_site();
    assert_string_equal(cw_site_secret(site, "shop.key"), "new");
    assert_string_equal(cw_site_secret(site, "shop.keys"), "two");
    assert_string_equal(cw_site_secret(site, "shopX.key"), "three");
    struct cw_slice text;
    assert_ok(cw_site_read_file(site->folder_fd, "secrets", false, &text, &err), err);
    assert_has(text.data, "# keep me\n");
    cw_site_release_module(text);
    assert_false(cw_site_set_secret("/nowhere", "a.b", cw_slice("c"), &err));
    assert_has(err.text, "/nowhere: No such file or directory");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(a_site_says_its_carts_zone_store_and_allowed_hosts),
        TEST(what_a_site_does_not_say_has_a_default),
        TEST(what_is_wrong_in_a_site_is_named_with_what_belongs_there),
        TEST(a_site_may_require_what_rules_are_written_with),
        TEST(a_site_script_that_loops_is_ended),
        TEST(a_folder_without_a_site_says_how_to_make_one),
        TEST(modules_are_found_in_their_places),
        TEST(a_bare_site_has_no_file_of_its_own),
        TEST(a_bare_site_is_what_its_text_says),
        TEST(modules_that_are_not_there_say_where_they_would_be),
        TEST(no_module_name_leads_out_of_the_folder),
        TEST(symbolic_links_are_not_followed),
        TEST(only_regular_files_of_a_sane_size_are_scripts),
        TEST(secrets_come_from_a_file_that_only_its_owner_may_read),
        TEST(a_secrets_file_behind_a_link_is_refused),
        TEST(the_environment_comes_before_the_file),
        TEST(a_secret_that_is_set_replaces_its_line_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
