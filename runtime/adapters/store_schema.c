/* store_schema.c - the steps from one version of a store to the next; their SQL stands in store_schema_N.sql
 * and postgres_schema_N.sql. */
#include "adapters/store_schema.h"

/* The build makes these strings of the files' texts. */
static const char version_1[] =
#include "store_schema_1.sql.inc"
    ;

static const char version_2[] =
#include "store_schema_2.sql.inc"
    ;

static const char version_3[] =
#include "store_schema_3.sql.inc"
    ;

static const char version_4[] =
#include "store_schema_4.sql.inc"
    ;

static const char version_5[] =
#include "store_schema_5.sql.inc"
    ;

static const char postgres_3[] =
#include "postgres_schema_3.sql.inc"
    ;

static const char postgres_4[] =
#include "postgres_schema_4.sql.inc"
    ;

static const char postgres_5[] =
#include "postgres_schema_5.sql.inc"
    ;

static const struct cw_schema_step steps[] = {
    { 1, version_1 }, { 2, version_2 }, { 3, version_3 }, { 4, version_4 }, { 5, version_5 }
};

const struct cw_schema cw_store_schema = { steps, sizeof steps / sizeof *steps };

static const struct cw_schema_step postgres_steps[] = { { 3, postgres_3 },
                                                        { 4, postgres_4 },
                                                        { 5, postgres_5 } };

const struct cw_schema cw_store_schema_postgresql = { postgres_steps,
                                                      sizeof postgres_steps / sizeof *postgres_steps };
