/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of a command line, durations, and regular expressions of origins (personality): nothing harms, and
 * what is taken for a duration has its sign.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "personality/origin.h"
#include "personality/tusd_flags.h"

#define WORDS_MAX 8
#define WORD_MAX 64

static void command_line(struct alb_str text)
{
    static char words[WORDS_MAX][WORD_MAX];
    char *argv[WORDS_MAX + 1];
    struct alb_tusd_flags flags;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str word;
    int argc = 0;
    while (argc < WORDS_MAX && alb_str_next(&text, '\n', &word)) {
        if (!alb_str_to_c(word, words[argc], WORD_MAX))
            return;
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    enum alb_code code = alb_tusd_flags_parse(argc, argv, &flags, &err);
    ALB_CHECK(code == ALB_OK || code == ALB_E_INVALID || code == ALB_E_CANCELLED);
    if (code == ALB_OK && alb_tusd_flags_check(&flags, &err) == ALB_OK)
        ALB_CHECK(flags.hook_bits != 0 && flags.network_timeout > 0 && flags.max_size >= 0);
}

/* First line: the pattern; the rest: an origin. Kept short: the C library's matcher is not ours to test. */
static void origin(struct alb_str text)
{
    char pattern[32];
    struct alb_str first, rest;
    struct alb_origin o;
    (void)alb_str_cut(text, '\n', &first, &rest);
    if (memchr(first.p ? first.p : "", '{', first.n) || !alb_str_to_c(first, pattern, sizeof(pattern)) ||
        alb_origin_compile(&o, pattern, NULL) != ALB_OK)
        return;
    (void)alb_origin_allows(&o, alb_str_sub(rest, 0, 64));
    alb_origin_fini(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str text = alb_str_n((const char *)data, size);
    int64_t ns = 0;
    if (which % 3 == 0)
        command_line(text);
    else if (which % 3 == 1)
        origin(text);
    else if (alb_goflag_duration(text, &ns))
        ALB_CHECK(ns == 0 || (ns < 0) == (text.p[0] == '-'));
    return 0;
}
