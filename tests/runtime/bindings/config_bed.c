/* config_bed.c - see config_bed.h. */
#include "config_bed.h"

#include <stdio.h>

#include "adapters/loop.h"
#include "bindings/bindings.h"

struct cw_site_config config_bed;
struct cw_error config_bed_err;
static const char *site_text;

/* --- a script state with the library and the site --- */

static bool load(void *arg, const char *module, struct cw_slice *source, char chunk_name[128],
                 struct cw_error *load_err)
{
    static char text[65536];
    (void)arg;
    snprintf(chunk_name, 128, "site.lua");
    *source = cw_slice(site_text);
    if (strcmp(module, "site") == 0)
        return true;
    snprintf(chunk_name, 128, "scripts/cartwright/%.90s.lua", module + strlen("cartwright."));
    FILE *in = fopen(chunk_name, "rb");
    if (in == NULL)
        return cw_fail(load_err, CW_NOT_FOUND, "no module %s", module);
    *source = (struct cw_slice){ text, fread(text, 1, sizeof text, in) };
    fclose(in);
    return true;
}

static void release(void *arg, struct cw_slice source)
{
    (void)arg, (void)source;
}

static void wake(void *arg)
{
    (void)arg;
}

static void print(void *arg, struct cw_slice line)
{
    (void)arg, (void)line;
}

bool config_bed_read(const char *text, uint64_t fail_allocation)
{
    struct cw_loop *loop = cw_loop_create_virtual(0, &config_bed_err);
    struct cw_random random;
    struct cw_lua_host modules = { .loop = loop, .random = &random, .cart = "site" };
    struct cw_script_host host = { .name = "site",
                                   .clock = cw_loop_clock(loop),
                                   .wake = wake,
                                   .load = load,
                                   .release = release,
                                   .print = print,
                                   .collector_always = test_collector_always(),
                                   .fail_allocation = fail_allocation };
    cw_site_config_fini(&config_bed);
    cw_random_seed(&random, 0);
    site_text = text;
    struct cw_script *script = cw_script_create(&host, &config_bed_err);
    bool ok = script != NULL && cw_lua_provide_all(script, &modules, &config_bed_err) &&
              cw_site_config_read(script, cw_slice(text), &config_bed, &config_bed_err);
    cw_script_free(script);
    cw_loop_free(loop);
    return ok;
}

void config_bed_must_read(const char *text)
{
    assert_ok(config_bed_read(text, 0), config_bed_err);
}

int config_bed_close(void **state)
{
    (void)state;
    cw_site_config_fini(&config_bed);
    return 0;
}
