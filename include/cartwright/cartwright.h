/* cartwright.h - the runtime as a library: open a site, sync its carts, read its store.
 *
 * Stable: functions and fields are added, never changed or taken away, while CARTWRIGHT_API stays the same.
 * Threads: a handle belongs to one thread; several handles in one process share nothing.
 * Blocking: every call returns when its work is done. Link with -lcartwright.
 */
#ifndef CARTWRIGHT_CARTWRIGHT_H
#define CARTWRIGHT_CARTWRIGHT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CARTWRIGHT_API 1

struct cartwright;

/* What went wrong, as a sentence for the person who operates the site, and a short stable word for programs: "usage",
 * "io", "timeout", "limit", "invalid", "not-found", "refused", "auth", "unavailable", "script" ... No secret stands in
 * either. */
struct cartwright_error {
    char code[32];
    char text[1024];
};

/* How the records that a run read have ended; `read` is the sum of the others. */
struct cartwright_counts {
    uint64_t read, posted, unchanged, parked, skipped;
};

const char *cartwright_version(void);

/* Opens the site in `folder` (which holds site.lua) and its store, which is made when missing. `home` is the folder with
 * the shipped scripts/ and carts/; NULL = that of the installation, or CARTWRIGHT_HOME. NULL and *err on failure. */
struct cartwright *cartwright_open(const char *folder, const char *home, struct cartwright_error *err);
void cartwright_close(struct cartwright *site); /* accepts NULL */

/* Fetches what changed: one stream of a cart, or all of them when `stream` is NULL. 0 when all of it went well, -1 and
 * *err for the first failure. What was stored stays stored, and `counts` (may be NULL) tells of it in either case. */
int cartwright_sync(struct cartwright *site, const char *cart, const char *stream, struct cartwright_counts *counts,
                    struct cartwright_error *err);

/* One read-only SELECT with parameters $1, $2 ... given as texts. `row` gets every value as text, NULL for SQL's NULL,
 * valid during the call, and returns 0 to go on. 0, or -1 and *err. */
typedef int cartwright_row_fn(void *arg, size_t columns, const char *const *names, const char *const *values);
int cartwright_query(struct cartwright *site, const char *sql, const char *const *params, size_t param_count,
                     cartwright_row_fn *row, void *arg, struct cartwright_error *err);

/* What a put has done: documents that changed, that were as given already, and messages that carts get of it (levels of
 * stock and prices not counted). */
struct cartwright_put_counts {
    uint64_t put, unchanged, messages;
};

/* Puts what the back office says. `kind` is stock_level, purchase_order, vendor_level, item, customer, price, shipment or
 * invoice; `documents` a JSON array of objects, or one object, of at most 64 MiB, with the fields of `cartwright fields
 * KIND`, and `id` where it is not made of them. Fields that are left out stay as they are, lists are replaced whole. All is
 * checked before anything is stored; then up to 500 documents are one transaction; of more, those before a crash stay, and
 * the same put again completes them. `from` is the cart that it came from, which is not told of it; NULL = none. `reason`
 * (may be NULL) is kept in the audit trail, under the name in CARTWRIGHT_USER, else the login. 0, or -1 and *err, which
 * names document and field. */
int cartwright_put(struct cartwright *site, const char *kind, const char *documents, const char *from, const char *reason,
                   struct cartwright_put_counts *counts, struct cartwright_error *err);

#ifdef __cplusplus
}
#endif

#endif
