/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: an albumen.conf, a command line (one word per line), an environment (one variable per line), and
 * the readers of sizes, times and truths. Whatever is accepted must be readable through the getters as valid
 * text, and what is refused must say why.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/options_priv.h"
#include "fuzz.h"

#define WORDS_MAX 64

static void look_at_all(const struct alb_options *o)
{
    for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
        const char *const *items;
        size_t n;
        switch (alb_param_specs[p].type) {
        case ALB_T_STRING:
            ALB_CHECK(alb_str_is_utf8(alb_str_c(alb_opt_string(o, (enum alb_param)p))));
            break;
        case ALB_T_LIST:
            n = alb_opt_list(o, (enum alb_param)p, &items);
            for (size_t i = 0; i < n; i++)
                ALB_CHECK(alb_str_is_utf8(alb_str_c(items[i])));
            break;
        case ALB_T_SIZE:
            ALB_CHECK(alb_opt_size(o, (enum alb_param)p) >= 0);
            break;
        case ALB_T_DURATION:
            ALB_CHECK(alb_opt_duration(o, (enum alb_param)p) >= 0);
            break;
        case ALB_T_BOOL:
        case ALB_T_INT:
            break;
        }
    }
}

static void fuzz_conf(struct alb_str text)
{
    struct alb_options *o;
    struct alb_err err = ALB_ERR_INIT;

    ALB_CHECK(alb_options_new(&o, &err) == ALB_OK);
    enum alb_code code = alb_options_conf(o, "albumen.conf", (text.n & 1) != 0, text, &err);
    ALB_CHECK((code == ALB_OK) == (err.code == ALB_OK));
    if (code == ALB_OK)
        look_at_all(o);
    else
        ALB_CHECK(strstr(err.msg, "albumen.conf:") != NULL);
    alb_options_free(&o);
}

/* Lines as C strings; words[n] is NULL. */
static int split(char *text, size_t n, char **words)
{
    int count = 0;
    char *from = text;

    text[n] = '\0';
    for (size_t i = 0; i < n && count < WORDS_MAX - 1; i++) {
        if (text[i] == '\n') {
            text[i] = '\0';
            words[count++] = from;
            from = text + i + 1;
        }
    }
    words[count++] = from;
    words[count] = NULL;
    return count;
}

static void fuzz_words(struct alb_str text, bool env)
{
    static char config[] = "--config=/dev/null"; /* no file of this machine */
    char *words[WORDS_MAX + 2], *just_config[] = {config, NULL}, **rest;
    struct alb_options *o;
    struct alb_err err = ALB_ERR_INIT;

    char *copy = alb_mem_alloc_nofail(text.n + 1);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    words[0] = config;
    int count = 1 + split(copy, text.n, words + 1);
    enum alb_code code = env ? alb_options_parse(ALB_CMD_SERVE, 1, just_config, words + 1, &o, &rest, &err)
                             : alb_options_parse(ALB_CMD_IMPORT, count, words, NULL, &o, &rest, &err);
    ALB_CHECK((code == ALB_OK) == (o != NULL) && (o != NULL) == (rest != NULL));
    if (o != NULL) {
        look_at_all(o);
        while (*rest != NULL)
            rest++;
    } else {
        ALB_CHECK(err.msg[0] != '\0');
    }
    alb_options_free(&o);
    alb_mem_free(copy);
}

static void fuzz_values(struct alb_str text)
{
    int64_t v;
    bool yes;

    ALB_CHECK(!alb_option_size(text, &v) || v >= 0);
    ALB_CHECK(!alb_option_duration(text, &v) || v >= 0);
    alb_ignore(alb_option_bool(text, &yes), "any answer is fine");
    alb_ignore(alb_option_guess(text, ALB_CMD_ALL) != NULL, "any answer is fine");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t which = fuzz_take_byte(&data, &size);
    struct alb_str text = alb_str_n((const char *)data, size);

    switch (which % 4) {
    case 0:
        fuzz_conf(text);
        break;
    case 1:
        fuzz_words(text, false);
        break;
    case 2:
        fuzz_words(text, true);
        break;
    default:
        fuzz_values(text);
        break;
    }
    return 0;
}
