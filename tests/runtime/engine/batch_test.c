/* batch_test.c - runs over records that are at hand. */
#include <stdio.h>

#include "adapters/fault_vfs.h"
#include "site_bed.h"

static struct site_bed bed;

static int open_bed(void **state)
{
    (void)state;
    site_bed_init(&bed, 1);
    fault_vfs_format();
    bed.vfs = FAULT_VFS;
    bed.store_path = "store.db";
    site_bed_open(&bed);
    assert_ok(site_bed_try_cart(&bed, &bed.err), bed.err);
    return 0;
}

static int close_bed(void **state)
{
    (void)state;
    fault_vfs_arm((struct fault_plan){ .at = 0 });
    site_bed_fini(&bed);
    return 0;
}

static struct cw_records *five(void)
{
    return site_bed_records("{\"orders\":[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4},{\"id\":5}]}");
}

static void an_import_leaves_a_run_of_its_name_and_no_cursor(void **state)
{
    (void)state;
    assert_ok(site_bed_batch(&bed, five(), false), bed.err);
    assert_rows(&bed,
                "SELECT job, state, records_read, records_parked, pages, ended_at IS NOT NULL FROM runs",
                "import|done|5|5|1|1");
    assert_rows(&bed, "SELECT count(*) FROM cursors", "0");
}

static void nothing_to_import_is_a_run_that_read_nothing(void **state)
{
    (void)state;
    assert_ok(site_bed_batch(&bed, site_bed_records("{\"orders\":[]}"), false), bed.err);
    assert_rows(&bed, "SELECT state, records_read FROM runs", "done|0");
}

static void started_again_it_changes_nothing_unless_told_to_map_again(void **state)
{
    (void)state;
    assert_ok(site_bed_batch(&bed, five(), false), bed.err);
    assert_ok(site_bed_batch(&bed, five(), false), bed.err);
    assert_int_equal(bed.counts.unchanged, 5);
    assert_ok(site_bed_batch(&bed, five(), true), bed.err);
    assert_int_equal(bed.counts.parked, 5);
    assert_rows(&bed, "SELECT count(*), max(version) FROM raw_records", "5|1");
}

static void a_disk_that_fails_at_any_operation_is_told_and_made_up_for(void **state)
{
    (void)state;
    int failed = 0;
    for (long n = 1, fired = 1; fired; n++) {
        site_bed_close(&bed);
        fault_vfs_format();
        site_bed_open(&bed);
        assert_ok(site_bed_try_cart(&bed, &bed.err), bed.err);
        fault_vfs_arm((struct fault_plan){ .operations = FAULT_ANY, .at = n, .effect = FAULT_DISK_FULL });
        if (!site_bed_batch(&bed, five(), false)) {
            assert_int_equal(bed.state, CW_RUN_FAILED);
            failed++;
        }
        fired = fault_vfs_fired();
        fault_vfs_arm((struct fault_plan){ .at = 0 });
        site_bed_close(&bed);
        site_bed_open(&bed);
        assert_ok(site_bed_batch(&bed, five(), false), bed.err);
        assert_rows(&bed, "SELECT count(*), max(version) FROM raw_records", "5|1");
    }
    assert_true(failed > 5);
}

int main(void)
{
    fault_vfs_register();
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
    const struct CMUnitTest tests[] = {
        TEST(an_import_leaves_a_run_of_its_name_and_no_cursor),
        TEST(nothing_to_import_is_a_run_that_read_nothing),
        TEST(started_again_it_changes_nothing_unless_told_to_map_again),
        TEST(a_disk_that_fails_at_any_operation_is_told_and_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
