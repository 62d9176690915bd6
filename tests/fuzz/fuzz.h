/* SPDX-License-Identifier: Apache-2.0
 *
 * A fuzz target is one file tests/fuzz/NAME.c with the function below. It must return 0, keep no state
 * between calls and end the process (ALB_CHECK) when a promise is broken. Seeds and every input that once
 * broke something lie in tests/fuzz/corpus/NAME/; the normal test run replays them (replay.c), a build with
 * -Dfuzz=true and clang searches for new ones:
 *   CC=clang-19 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build-fuzz && build-fuzz/tests/fuzz/fuzz_NAME tests/fuzz/corpus/NAME
 */
#ifndef ALB_TESTS_FUZZ_H
#define ALB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of the input, taken off: to choose among several parsers in one target. 0 if there is none.
 */
static inline uint8_t fuzz_take_byte(const uint8_t **data, size_t *size)
{
    if (*size == 0)
        return 0;
    (*size)--;
    return *(*data)++;
}

#endif
