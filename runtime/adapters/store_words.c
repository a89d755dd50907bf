/* store_words.c - see store_words.h. */
#include "adapters/store_words.h"

#include <stdio.h>

static const char *const outcomes[] = { "posted", "parked", "skipped" };

const char *cw_outcome_name(enum cw_outcome outcome)
{
    return outcomes[outcome];
}

bool cw_outcome_parse(struct cw_slice name, enum cw_outcome *out)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (cw_slice_is(name, outcomes[i])) {
            *out = (enum cw_outcome)i;
            return true;
        }
    }
    return false;
}

const char *cw_run_state_name(enum cw_run_state state)
{
    static const char *const names[] = { "open", "done", "failed" };
    return names[state];
}

static const char *const message_states[] = {
    "queued", "sending", "sent", "unknown", "failed", "superseded"
};

const char *cw_message_state_name(enum cw_message_state state)
{
    return message_states[state];
}

bool cw_message_state_parse(struct cw_slice name, enum cw_message_state *out)
{
    for (size_t i = 0; i < sizeof message_states / sizeof *message_states; i++) {
        if (cw_slice_is(name, message_states[i])) {
            *out = (enum cw_message_state)i;
            return true;
        }
    }
    return false;
}

static const char *const demands[] = { "pending", "allocated", "shipping" };

const char *cw_store_demand_name(enum cw_demand demand)
{
    return demands[demand];
}

bool cw_store_demand_parse(struct cw_slice name, enum cw_demand *out)
{
    for (size_t i = 0; i < sizeof demands / sizeof *demands; i++) {
        if (cw_slice_is(name, demands[i])) {
            *out = (enum cw_demand)i;
            return true;
        }
    }
    return false;
}

const char *cw_staged_state_name(enum cw_staged_state state)
{
    static const char *const names[] = { "parked", "held" };
    return names[state];
}

void cw_store_time_text(cw_time time, char out[CW_STORE_TIME_LEN + 1])
{
    char iso[CW_TIME_TEXT_MAX];
    size_t len = cw_time_iso(time, iso);
    memcpy(out, iso, CW_STORE_TIME_LEN + 1);
    if (len > 0 && len < CW_STORE_TIME_LEN) /* "2024-03-31T02:30:00Z" has no fraction yet */
        memcpy(out + len - 1, ".000000Z", sizeof ".000000Z");
}

cw_time cw_store_time_parse(struct cw_slice text)
{
    cw_time time;
    return text.len > 0 && cw_time_parse(text, NULL, &time, NULL) ? time : CW_TIME_NONE;
}

static bool all_digits(struct cw_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.len > 0;
}

/* 1001 is "041001", its length first; 007 is "017/007", after 7 and before 8; shop-7 is "~shop-7". */
bool cw_store_sort_key(struct cw_slice external_id, struct cw_buffer *out, struct cw_error *err)
{
    char length[3];
    struct cw_slice number = external_id;
    cw_buffer_clear(out);
    while (number.len > 1 && number.data[0] == '0')
        number = (struct cw_slice){ number.data + 1, number.len - 1 };
    if (!all_digits(external_id) || number.len > CW_SORT_DIGITS_MAX)
        return cw_buffer_add(out, "~", 1, err) && cw_buffer_add(out, external_id.data, external_id.len, err);
    length[0] = (char)('0' + number.len / 10);
    length[1] = (char)('0' + number.len % 10);
    if (!cw_buffer_add(out, length, 2, err) || !cw_buffer_add(out, number.data, number.len, err))
        return false;
    return number.len == external_id.len ||
           (cw_buffer_add(out, "/", 1, err) && cw_buffer_add(out, external_id.data, external_id.len, err));
}

/* "group" is a word of SQL; a component's item_id would take the column of the item it belongs to; an
 * address's "name" that of the order's own shipping_name. */
void cw_store_column(const struct cw_kind *kind, const struct cw_field *field, char out[CW_COLUMN_MAX])
{
    bool taken = strcmp(field->name, "group") == 0 || strcmp(field->name, "order") == 0 ||
                 (kind == &cw_kind_component && strcmp(field->name, "item_id") == 0);
    snprintf(out, CW_COLUMN_MAX, "%s%s%s", taken ? kind->name : "", taken ? "_" : "", field->name);
}

void cw_store_flat_column(const struct cw_field *record, const struct cw_field *field,
                          char out[CW_COLUMN_MAX])
{
    bool taken = strcmp(field->name, "name") == 0;
    snprintf(out, CW_COLUMN_MAX, "%s_%s%s%s", record->name, taken ? record->kind->name : "", taken ? "_" : "",
             field->name);
}
