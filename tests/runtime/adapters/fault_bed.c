/* fault_bed.c - see fault_bed.h. */
#include "fault_bed.h"

#include <stdio.h>
#include <stdlib.h>

void fault_bed_address(char *uri, size_t cap, int port, const char *password, const char *schema)
{
    snprintf(uri, cap, "postgresql://shop:%s@127.0.0.1:%d/postgres?options=-csearch_path%%3D%s", password,
             port, schema);
}

int fault_bed_setup(void **state)
{
    static int count;
    struct fault_bed *bed = calloc(1, sizeof *bed);
    snprintf(bed->bed.schema, sizeof bed->bed.schema, "fault_%d", ++count);
    pg_server_create(bed->bed.schema);
    cutting_proxy_start(&bed->proxy, pg_server_port());
    fault_bed_address(bed->bed.path, sizeof bed->bed.path, bed->proxy.port, PG_SERVER_PASSWORD,
                      bed->bed.schema);
    bed->bed.clock = cw_system_clock;
    store_bed_open(&bed->bed);
    *state = bed;
    return 0;
}

int fault_bed_teardown(void **state)
{
    struct fault_bed *bed = *state;
    store_bed_close(&bed->bed);
    cutting_proxy_stop(&bed->proxy);
    pg_server_drop(bed->bed.schema);
    free(bed);
    return 0;
}

void fault_bed_put(struct cw_txn *txn, const char *key)
{
    assert_true(
        cw_txn_put_table_row(txn, cw_slice("shop"), cw_slice("status"), cw_slice(key), cw_slice("x")));
}

/* As another session sees it. */
int fault_bed_rows(struct store_bed *bed)
{
    return atoi(pg_server_ask(bed->schema, "SELECT count(*) FROM tables"));
}

void fault_bed_goes_on(struct store_bed *bed)
{
    int before = fault_bed_rows(bed);
    char key[24];
    snprintf(key, sizeof key, "row %d", before);
    struct cw_txn *txn = begin(bed);
    fault_bed_put(txn, key);
    commit(txn);
    assert_int_equal(fault_bed_rows(bed), before + 1);
}

void fault_bed_restart(int how)
{
    pg_server_stop(how);
    pg_server_start();
}
