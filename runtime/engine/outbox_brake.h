/* outbox_brake.h - how much of what a cart shows may change within an hour, before a person is asked.
 *
 * It trips before the cart is told anything for the first time, when more quantities were or would be set to
 * 0 than `zeros`, or when of at least `least` changes the share in all that the cart knows is more than
 * `share_percent`. What a person approved is not counted, and goes before the brake stops anything again:
 * messages up to an id, which the cart's state has under cw_outbox_approved_key. It is the id up to which the
 * brake had counted when it stopped the stream: what takes the place of these messages later is not approved
 * with them. That id, a blank, and what they would change, in words, are under cw_outbox_held_key.
 */
#ifndef CW_ENGINE_OUTBOX_BRAKE_H
#define CW_ENGINE_OUTBOX_BRAKE_H

#include <stdio.h>

#include "adapters/store.h"
#include "bindings/out_config.h"

/* `has_zeros`: the stream has quantities, of which one is 0. `approved`: the id; 0 = nothing was ever. */
bool cw_outbox_brake_trips(const struct cw_out_brake *brake, bool has_zeros, int64_t approved,
                           const struct cw_level_changes *changes);
/* "would make it 312 changes within an hour, of 1204 quantities ...", with the commands that show and approve
 * them; gives the length of what stands before the commands. */
size_t cw_outbox_brake_words(const struct cw_out_brake *brake, enum cw_out out, const char *cart,
                             const struct cw_level_changes *changes, char words[CW_ERROR_TEXT_MAX]);

static inline void cw_outbox_approved_key(enum cw_out out, char key[64])
{
    snprintf(key, 64, CW_STATE_OWN "approved %s", cw_out_name(out));
}
static inline void cw_outbox_held_key(enum cw_out out, char key[64])
{
    snprintf(key, 64, CW_STATE_OWN "held %s", cw_out_name(out));
}

#endif
