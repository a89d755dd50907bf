/* trial.h - one test of a cart: its script, an empty store and a shop of one's own making (fake.h), in
 * virtual time.
 *
 * The test is Lua (scripts/types/testing.lua) and runs in the fake's own state, so that it can look into the
 * shop. What it asks of the cart runs the loop until that is over: in a session of its own, with a site that
 * is on no disk and a store in a temporary folder, neither of them the site's own. The same seed gives the
 * same result, to the step.
 */
#ifndef CW_ENGINE_TRIAL_H
#define CW_ENGINE_TRIAL_H

#include "engine/fake.h"

#define CW_TRIAL_START ((cw_time)1772438400 * CW_SECOND) /* 2026-03-02T08:00:00Z, a Monday */

struct cw_trial;

struct cw_trial_config {
    const struct cw_site *site; /* where fakes and tests come from; must outlive the trial */
    const char *type;           /* whose fake it is */
    const char *cart;           /* what the cart is called */
    const char *recording;      /* a folder of recorded answers, in the fake's place; NULL = the fake */
    uint64_t seed;
    void (*print)(void *arg, struct cw_slice line); /* NULL: what scripts print is dropped */
    void *arg;
};

/* CW_NOT_FOUND when there is no script of the type, or no fake of it. */
struct cw_trial *cw_trial_open(const struct cw_trial_config *config, struct cw_error *err);
void cw_trial_close(struct cw_trial *trial); /* accepts NULL */

/* Removes what the trial that was opened last has on disk. For the handler of a signal that ends the process:
 * it calls nothing that may not be called there. */
void cw_trial_abandon(void);
/* Removes what trials of processes that were killed have left. */
void cw_trial_clean_up(void);

/* The names of all tests in their order: those that every cart must stand, then those of the site. */
typedef void cw_trial_name_fn(void *arg, struct cw_slice name, struct cw_slice about);
bool cw_trial_list(struct cw_trial *trial, cw_trial_name_fn *name, void *arg, struct cw_error *err);

enum cw_trial_verdict {
    CW_TRIAL_OK,
    CW_TRIAL_FAILED,
    CW_TRIAL_LACKS /* the cart says that it cannot do this, and why */
};
/* Runs one of them; once only, a trial has one shop and one store. False when it could not be run at all. */
bool cw_trial_run(struct cw_trial *trial, const char *name, enum cw_trial_verdict *verdict,
                  struct cw_buffer *words, struct cw_error *err);
/* Whether the fake's script did not come to an end: no other test will say more. */
bool cw_trial_fake_loops(const struct cw_trial *trial);

#endif
