/* put_csv.h - documents of the back office from CSV: one a row, or several rows with the same id for those
 * with lists ("lines.sku", "lines.quantity"). */
#ifndef CW_CLI_PUT_CSV_H
#define CW_CLI_PUT_CSV_H

#include "engine/office.h"

enum {
    CW_PUT_FILE_MAX = 256 * 1024 * 1024, /* bytes: about eight million levels; all of it is held in memory */
    CW_PUT_FAULTS_MAX = 20               /* so many are told */
};

struct cw_put_csv;

/* Reads all of the file, "-" = standard input. `zone` (may be NULL) is borrowed, for times without an offset.
 */
struct cw_put_csv *cw_put_csv_open(const struct cw_kind *kind, const char *path, const struct cw_zone *zone,
                                   struct cw_error *err);
void cw_put_csv_close(struct cw_put_csv *csv); /* accepts NULL */

/* For cw_office_put. Faults are told on standard error, "levels.csv:7: column quantity: ...", and when the
 * last row was read the source fails with their number, or because there was no row. */
struct cw_office_source cw_put_csv_source(struct cw_put_csv *csv);
cw_office_fault_fn cw_put_csv_fault; /* arg: the csv */
size_t cw_put_csv_faults(const struct cw_put_csv *csv);

#endif
