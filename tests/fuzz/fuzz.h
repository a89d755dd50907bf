/* fuzz.h - what a fuzz target defines and how it says that a property does not hold.
 *
 * A target is one file NAME_fuzz.c; seeds stand in corpus/NAME/. With CW_FUZZ it is linked with libFuzzer and
 * runs for as long as one likes; in the ordinary test build replay.c runs it over its seeds and mutations of
 * them.
 */
#ifndef CW_FUZZ_H
#define CW_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts, so that either driver keeps the input. */
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
