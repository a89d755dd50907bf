/* entry_notes.h - notes about what lies in an inbox: set aside, left, or not to be had. */
#ifndef CW_ENGINE_ENTRY_NOTES_H
#define CW_ENGINE_ENTRY_NOTES_H

#include "engine/pipeline.h"

struct cw_entry_note {
    const struct cw_lua_stream *stream;
    struct cw_run *run; /* NULL = none is open: it is only logged */
    const char *entry;  /* its name */
    const char *words;
    bool once; /* not again about an entry of that name, as long as it is among the last 1000 */
};

/* Into the sync log, in a transaction of its own. Waits for the store. */
bool cw_entry_note(const struct cw_pipeline *pipeline, const struct cw_entry_note *note,
                   struct cw_error *err);

#endif
