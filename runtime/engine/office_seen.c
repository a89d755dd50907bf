/* office_seen.c - which ids came in a put, however many: sixteen bytes of each one's hash; see
 * office_private.h. */
#include "engine/office_private.h"

#include <stdlib.h>

static struct entry *find(const struct office_seen *seen, struct cw_slice id)
{
    struct cw_hash hash = cw_hash_of(id);
    uint64_t words[2];
    memcpy(words, hash.bytes, sizeof words);
    size_t at = words[0] & (seen->room - 1);
    while (seen->entries[at].number != 0 &&
           (seen->entries[at].hash[0] != words[0] || seen->entries[at].hash[1] != words[1]))
        at = (at + 1) & (seen->room - 1);
    if (seen->entries[at].number == 0)
        memcpy(seen->entries[at].hash, words, sizeof words);
    return &seen->entries[at];
}

static bool grow(struct office_seen *seen)
{
    struct office_seen larger = { .room = seen->room > 0 ? seen->room * 2 : 1024, .count = seen->count };
    larger.entries = calloc(larger.room, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < seen->room; i++) {
        if (seen->entries[i].number == 0)
            continue;
        size_t at = seen->entries[i].hash[0] & (larger.room - 1);
        while (larger.entries[at].number != 0)
            at = (at + 1) & (larger.room - 1);
        larger.entries[at] = seen->entries[i];
    }
    free(seen->entries);
    *seen = larger;
    return true;
}

bool cw_office_seen_add(struct office_seen *seen, struct cw_slice id, size_t number, size_t *first)
{
    if ((seen->count + 1) * 4 > seen->room * 3 && !grow(seen))
        return false;
    struct entry *entry = find(seen, id);
    *first = entry->number;
    if (entry->number != 0)
        return true;
    entry->number = (uint32_t)number;
    seen->count++;
    return true;
}

bool cw_office_seen_has(const struct office_seen *seen, struct cw_slice id)
{
    return seen->room > 0 && find(seen, id)->number != 0;
}

void cw_office_seen_fini(struct office_seen *seen)
{
    free(seen->entries);
    *seen = (struct office_seen){ 0 };
}
