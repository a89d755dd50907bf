/* config_bed.h - a site.lua given as a text, read as the runtime reads it. */
#ifndef CW_TESTS_CONFIG_BED_H
#define CW_TESTS_CONFIG_BED_H

#include "testing.h"

#include "bindings/site_config.h"

extern struct cw_site_config config_bed; /* what was read last */
extern struct cw_error config_bed_err;

/* What was read before is freed. `fail_allocation`: the n-th allocation of the script fails; 0 = none. */
bool config_bed_read(const char *text, uint64_t fail_allocation);
void config_bed_must_read(const char *text); /* fails the test when it cannot be read */
int config_bed_close(void **state);

#endif
