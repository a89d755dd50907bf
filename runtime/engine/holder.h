/* holder.h - what a process is called where it holds leases, so that others can tell whether it still lives.
 */
#ifndef CW_ENGINE_HOLDER_H
#define CW_ENGINE_HOLDER_H

#include "adapters/store.h"

enum { CW_HOLDER_MAX = 128 };

/* "host/1234.5678901.4026531836": machine, process, when that was started, and in which world of process
 * numbers, so that no two processes ever have the same name. */
void cw_holder_name(char out[CW_HOLDER_MAX]);

/* False only when it is sure that no such process lives any more: it was one of this machine. */
bool cw_holder_may_live(const char *holder);

/* Gives back the leases of processes of this machine that have died, which saves their carts the rest of the
 * leases' time. Waits for the store. */
bool cw_holder_release_dead(struct cw_store *store, struct cw_error *err);

#endif
