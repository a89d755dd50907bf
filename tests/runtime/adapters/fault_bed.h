/* fault_bed.h - a store in PostgreSQL behind a proxy that cuts connections, with the clock of the server. */
#ifndef CW_TESTS_FAULT_BED_H
#define CW_TESTS_FAULT_BED_H

#include "cutting_proxy.h"
#include "store_bed.h"

struct fault_bed {
    struct store_bed bed; /* first */
    struct cutting_proxy proxy;
};

/* cmocka's set-up and tear-down of a test with an open store; the state is the bed. */
int fault_bed_setup(void **state);
int fault_bed_teardown(void **state);

void fault_bed_address(char *uri, size_t cap, int port, const char *password, const char *schema);
void fault_bed_restart(int how); /* the server, as pg_server_stop */

/* One row more in the table `tables`; and how many there are, as another session sees it. */
void fault_bed_put(struct cw_txn *txn, const char *key);
int fault_bed_rows(struct store_bed *bed);
/* Fails the test when the next transaction is not done. */
void fault_bed_goes_on(struct store_bed *bed);

#endif
