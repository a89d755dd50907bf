/* pg_server.h - Debian's PostgreSQL for one test program: a data directory of its own, a free port of the
 * loopback, started when first asked for and stopped by its number when the program ends.
 *
 * With CW_TEST_STORE=postgresql in the environment the tests of the store run on it (see store_bed.h). Where
 * it is not installed the program says so and ends with 77, which ctest takes for skipped.
 */
#ifndef CW_TESTS_PG_SERVER_H
#define CW_TESTS_PG_SERVER_H

#include <stdbool.h>

#include "base/time.h"

#define PG_SERVER_PASSWORD "pw-of-the-shop"

/* Whether the tests of the store are to run on PostgreSQL. */
bool pg_server_is_wanted(void);

int pg_server_port(void);
/* Where a store of its own can live: a schema, which is made and dropped sooner than a database. Its name is
 * its search_path, and the clock of the test its clock_timestamp(). */
void pg_server_create(const char *schema);
void pg_server_drop(const char *schema); /* whoever is connected or not */
void pg_server_set_clock(cw_time now);
/* "postgresql://shop:...@127.0.0.1:PORT/postgres?..."; valid until the next call. */
const char *pg_server_uri(const char *schema);

/* With another hand than the store's. The first value of the first row, valid until the next call. */
void pg_server_execute(const char *schema, const char *sql);
const char *pg_server_ask(const char *schema, const char *sql);

/* Stops as SIGINT does it (sessions are ended), or SIGQUIT (as after a crash), and comes back on the same
 * port. */
void pg_server_stop(int how);
void pg_server_start(void);

#endif
